//! The one place that looks at the clocks.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use chrono::{Local, Offset};

use crate::chat::Now;

/// The clocks of this machine.
#[derive(Debug)]
pub(super) struct Clock {
    start: Instant,
    /// The minute for which the offset was asked: daylight saving begins and ends on one.
    minute: u64,
    utc_offset_s: i32,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), minute: u64::MAX, utc_offset_s: 0 }
    }

    /// Nanoseconds of the monotonic clock, to measure how long something takes.
    pub(super) fn now_ns(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// What time it is.
    pub(super) fn now(&mut self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall_ms = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
        if wall_ms / 60_000 != self.minute {
            self.minute = wall_ms / 60_000;
            self.utc_offset_s = Local::now().offset().fix().local_minus_utc();
        }
        let mono_ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now { mono_ms, wall_ms, utc_offset_s: self.utc_offset_s }
    }
}
