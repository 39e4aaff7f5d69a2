//! How often something may happen. A bucket is one number: the time at which it will be full again
//! ("generic cell rate algorithm", ITU-T I.371), so that it costs eight bytes and nothing by itself.

use std::hash::{BuildHasher, Hash};

use foldhash::quality::SeedableRandomState;

use crate::limits::COUNTERS;

const NS_PER_MS: u64 = 1_000_000;

/// Bits of a nanosecond's fraction: at a gigabyte a second a byte takes about one.
const FRACTION_BITS: u32 = 24;

/// So many in so much time, and so many at once after a pause. Whatever has to be divided for that is
/// divided when it is made.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// The share of the time that one takes, in nanoseconds, with a fraction.
    one: u64,
    /// What a whole bucket is worth.
    burst_ns: u64,
}

impl Rate {
    /// So many in each window, all at once if need be.
    pub fn windowed(count: u32, window_ms: u64) -> Self {
        Self::new(count.into(), window_ms, count.into())
    }

    /// So many a second, and more at once.
    pub fn per_second(count: u64, burst: u64) -> Self {
        Self::new(count, 1_000, burst)
    }

    fn new(count: u64, window_ms: u64, burst: u64) -> Self {
        let all_ns = u128::from(window_ms) * u128::from(NS_PER_MS);
        let one = (all_ns << FRACTION_BITS) / u128::from(count.max(1));
        let one = u64::try_from(one).unwrap_or(u64::MAX);
        let mut rate = Self { one, burst_ns: 0 };
        rate.burst_ns = rate.share_ns(burst);
        rate
    }

    /// The share of the time that so many take, in nanoseconds.
    fn share_ns(self, many: u64) -> u64 {
        let share = (u128::from(many) * u128::from(self.one)) >> FRACTION_BITS;
        u64::try_from(share).unwrap_or(u64::MAX)
    }

    /// The share of the time that one takes, in milliseconds.
    pub fn share_ms(self) -> u64 {
        self.share_ns(1).div_ceil(NS_PER_MS)
    }
}

/// What is left of one rate: when it will be whole again, in nanoseconds of the monotonic clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    full_ns: u64,
}

impl Bucket {
    /// Takes so many out, if one is left: a large one makes the next wait longer. Returns whether.
    pub fn take(&mut self, many: u64, rate: Rate, mono_ms: u64) -> bool {
        let now_ns = mono_ms.saturating_mul(NS_PER_MS);
        let owed_ns = self.full_ns.saturating_sub(now_ns);
        let left = owed_ns.saturating_add(rate.share_ns(1)) <= rate.burst_ns;
        if left {
            self.full_ns = now_ns.saturating_add(owed_ns).saturating_add(rate.share_ns(many));
        }
        left
    }

    /// Puts one back that should not have counted.
    pub fn give_back(&mut self, rate: Rate) {
        self.full_ns = self.full_ns.saturating_sub(rate.share_ns(1));
    }
}

/// Buckets for names or addresses, which share a few: so they take the same memory whatever happens,
/// and say nothing about who exists.
#[derive(Debug)]
pub struct Buckets {
    hash: SeedableRandomState,
    all: Vec<Bucket>,
}

impl Default for Buckets {
    fn default() -> Self {
        // Nobody can choose who shares a counter; in tests the same always do.
        let hash =
            if cfg!(test) { SeedableRandomState::fixed() } else { SeedableRandomState::random() };
        Self { hash, all: vec![Bucket::default(); COUNTERS] }
    }
}

impl Buckets {
    /// The bucket of this one, and of some others.
    pub fn of(&mut self, key: &(impl Hash + ?Sized)) -> &mut Bucket {
        let at = self.hash.hash_one(key) % self.all.len() as u64;
        // Smaller than a length, so it fits.
        &mut self.all[usize::try_from(at).unwrap_or(0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_burst_and_then_one_by_one() {
        let rate = Rate::per_second(10, 30);
        let mut bucket = Bucket::default();
        let mut taken = |mono_ms| bucket.take(1, rate, mono_ms);
        assert_eq!((0..100).filter(|_| taken(5_000)).count(), 30);
        assert!(!taken(5_099) && taken(5_100) && !taken(5_100));
        assert_eq!((0..100).filter(|_| taken(6_100)).count(), 10);
        assert_eq!((0..100).filter(|_| taken(1_000_000)).count(), 30);
        // A clock that goes back gives nothing, and breaks nothing.
        assert!(!taken(6_100) && !taken(0));
    }

    #[test]
    fn what_is_larger_than_all_that_is_left_is_let_in_and_paid_for() {
        let rate = Rate::per_second(1 << 20, 8 << 20);
        let mut bucket = Bucket::default();
        assert!(bucket.take(16 << 20, rate, 0));
        assert!(!bucket.take(1, rate, 8_000));
        assert!(bucket.take(1, rate, 8_001));
    }

    #[test]
    fn one_that_did_not_count_is_there_again() {
        let rate = Rate::windowed(3, 60_000);
        let mut bucket = Bucket::default();
        assert!((0..3).all(|_| bucket.take(1, rate, 7)));
        assert!(!bucket.take(1, rate, 7));
        bucket.give_back(rate);
        assert!(bucket.take(1, rate, 7) && !bucket.take(1, rate, 7));
        assert_eq!(rate.share_ms(), 20_000);
    }

    proptest! {
        /// However they come: in a time so many at most, beside the burst, and no fewer than that if
        /// somebody keeps asking.
        #[test]
        fn a_rate_is_kept(
            count in 1u64..1_000, burst in 1u64..100,
            steps in prop::collection::vec(0u64..50, 1..400),
        ) {
            let rate = Rate::per_second(count, burst);
            let (mut bucket, mut now, mut taken) = (Bucket::default(), 1_000, 0);
            for step in &steps {
                now += step;
                while bucket.take(1, rate, now) {
                    taken += 1;
                }
            }
            let most = burst + (now - 1_000) * count / 1_000 + 1;
            prop_assert!(taken >= burst && taken <= most, "{} of {}", taken, most);
        }
    }
}
