//! Chance that can be repeated: a seed, and what follows from it.

use std::time::{SystemTime, UNIX_EPOCH};

/// `SplitMix64` (Steele, Lea, Flood 2014): one word of state, and good enough to throw dice.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

/// A seed for who has none.
pub(super) fn random_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    // The seconds say little, the nanoseconds much; a seed of ten digits is easily copied.
    (now.as_secs() ^ u64::from(now.subsec_nanos())) % 10_000_000_000
}

impl Dice {
    /// What follows from this seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice for somebody else, who throws them without regard to these.
    pub(super) fn another(&mut self) -> Self {
        Self(self.throw())
    }

    /// A number from 0 to below this one.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        // A little unfair, by less than one in 2^50.
        self.throw() % bound
    }

    /// Yes, once in so many times.
    pub(super) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// A place in something that is so long.
    pub(super) fn place(&mut self, len: usize) -> usize {
        let bound = u64::try_from(len).expect("a short list");
        usize::try_from(self.below(bound)).expect("below a length")
    }

    /// One of these.
    pub(super) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.place(all.len())]
    }

    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
