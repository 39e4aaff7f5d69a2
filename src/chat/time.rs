//! The time, as the shell tells it.

/// What time it is. The core never looks for itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds that only grow, from an arbitrary start: for intervals.
    pub mono_ms: u64,
    /// Milliseconds since 1970: for people. May jump either way.
    pub wall_ms: u64,
    /// Seconds east of UTC, at this moment.
    pub utc_offset_s: i32,
}

/// A local time of day, `HH:MM:SS`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock([u8; 8]);

impl Now {
    /// The local time of day of a moment in milliseconds since 1970.
    pub(super) fn clock(self) -> Clock {
        let local = i64::try_from(self.wall_ms / 1000).unwrap_or(0) + i64::from(self.utc_offset_s);
        let of_day = local.rem_euclid(86_400);
        let mut digits = *b"00:00:00";
        for (at, value) in [(0, of_day / 3600), (3, of_day / 60 % 60), (6, of_day % 60)] {
            digits[at] += u8::try_from(value / 10).unwrap_or(0);
            digits[at + 1] += u8::try_from(value % 10).unwrap_or(0);
        }
        Clock(digits)
    }
}

impl Clock {
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("00:00:00")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_shows_local_time() {
        let at = |wall_ms, utc_offset_s| Now { wall_ms, utc_offset_s, mono_ms: 0 };
        assert_eq!(at(0, 0).clock().as_str(), "00:00:00");
        assert_eq!(at(0, -10_800).clock().as_str(), "21:00:00");
        assert_eq!(at(1_763_900_999_999, 3_600).clock().as_str(), "13:29:59");
    }
}
