//! Which numbers of a conversation have arrived at one receiver: each exactly once and in order, or
//! what else.

use std::collections::BTreeSet;

/// The numbers that one receiver has seen of one run of messages, which starts at 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Sequence {
    /// One above the highest number seen.
    next: u64,
    /// What is below `next` and has not arrived. Empty as long as all is well.
    missing: BTreeSet<u64>,
}

/// How a number arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// For the first time, and after all those that it follows in the order seen so far. A gap
    /// before it is not judged yet: it closes late, or counts as lost in the end.
    First,
    /// For the first time, but after one that should have followed it.
    Late,
    /// Not for the first time.
    Again,
}

impl Sequence {
    /// Takes note of one arrival.
    pub(super) fn see(&mut self, number: u64) -> Arrival {
        if number >= self.next {
            self.missing.extend(self.next..number);
            self.next = number + 1;
            Arrival::First
        } else if self.missing.remove(&number) {
            Arrival::Late
        } else {
            Arrival::Again
        }
    }

    /// How many of the first `sent` numbers have not arrived.
    pub(super) fn lost(&self, sent: u64) -> u64 {
        self.missing.len() as u64 + sent.saturating_sub(self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::Arrival::{Again, First, Late};
    use super::*;

    #[test]
    fn what_is_lost_late_or_doubled_is_told_apart() {
        let mut seen = Sequence::default();
        let arrivals: Vec<Arrival> =
            [0, 1, 1, 4, 2, 4, 5, 0].into_iter().map(|number| seen.see(number)).collect();
        assert_eq!(arrivals, [First, First, Again, First, Late, Again, First, Again]);
        assert_eq!(seen.lost(6), 1, "3 never came");
        assert_eq!(seen.lost(8), 3, "3, 6 and 7 never came");
    }
}
