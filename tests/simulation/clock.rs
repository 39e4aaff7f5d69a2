//! Two clocks that go as the simulation wants: one only forward, the other as clocks on walls go.

use std::cell::Cell;
use std::rc::Rc;

use crate::chat::Now;

/// 2026-01-01T00:00Z, in milliseconds since 1970.
const START_WALL_MS: u64 = 1_767_225_600_000;

/// Both clocks, shared by all who look at them.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    mono_ms: Rc<Cell<u64>>,
    wall_ms: Rc<Cell<u64>>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { mono_ms: Rc::default(), wall_ms: Rc::new(Cell::new(START_WALL_MS)) }
    }

    pub(super) fn mono_ms(&self) -> u64 {
        self.mono_ms.get()
    }

    pub(super) fn now(&self) -> Now {
        Now { mono_ms: self.mono_ms.get(), wall_ms: self.wall_ms.get(), utc_offset_s: -3 * 3_600 }
    }

    /// So many milliseconds pass.
    pub(super) fn pass(&self, ms: u64) {
        self.mono_ms.set(self.mono_ms.get() + ms);
        self.wall_ms.set(self.wall_ms.get() + ms);
    }

    /// Somebody sets the clock on the wall.
    pub(super) fn leap(&self, by_ms: i64) {
        self.wall_ms.set(self.wall_ms.get().saturating_add_signed(by_ms));
    }
}
