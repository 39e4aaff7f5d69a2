//! Numbers of entries: they grow over the whole server, and none is given twice.

use crate::chat::entry::What;
use crate::limits::WIRE_NUMBER_MAX;
use crate::sabotage::{self, Sabotage};
use crate::wire::event::MsgId;

/// 2025-01-01T00:00Z, from which numbers count, in milliseconds since 1970.
pub(super) const EPOCH_MS: u64 = 1_735_689_600_000;

/// The last number given.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    pub(super) last: MsgId,
}

impl Numbers {
    /// A number that was never given, also after the clock went back.
    pub(super) fn next(&mut self, wall_ms: u64) -> MsgId {
        // A clock far in the future may not take the numbers out of what JavaScript can count.
        let since_epoch = wall_ms.saturating_sub(EPOCH_MS).min(WIRE_NUMBER_MAX >> 13);
        let last = if sabotage::is(Sabotage::NumbersFollowClock) { 0 } else { self.last };
        self.last = (last + 1).max(since_epoch << 12);
        self.last
    }
}

/// Whether an entry has a number of its own.
pub(super) fn is_numbered(what: &What) -> bool {
    match what {
        What::Account(_)
        | What::Message { .. }
        | What::File { .. }
        | What::Upload(_)
        | What::Group { .. }
        | What::Changed { .. } => true,
        What::Seen { .. }
        | What::Read { .. }
        | What::Forget(_)
        | What::UploadGone(_)
        | What::Credential(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_also_when_the_clock_goes_back() {
        let mut numbers = Numbers::default();
        let mut last = 0;
        for wall_ms in [EPOCH_MS + 5, EPOCH_MS + 5, 0, EPOCH_MS + 4, EPOCH_MS + 6] {
            let next = numbers.next(wall_ms);
            assert!(next > last);
            last = next;
        }
        assert_eq!(last, 6 << 12);
        assert!(numbers.next(u64::MAX) < WIRE_NUMBER_MAX);
    }
}
