//! Passwords that were tried and names that were made: counted, so that who guesses is slow, and who
//! owns what is guessed at still comes in.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::rate::{Bucket, Buckets, Rate};
use super::{Now, SessionId};
use crate::limits::{
    ACCOUNT_TRIES_WINDOW_MS, ADDRESS_TRIES_WINDOW_MS, Limits, REGISTRATIONS_WINDOW_MS,
};
use crate::wire::name;

/// What the core keeps about a connection whether it has a user or not. The shell has it with the
/// connection, and lends it with each request.
#[derive(Debug)]
pub struct Caller {
    /// The address where it comes from, hashed; none if what counts by time or address does not hold.
    address: Option<u64>,
    bytes: Bucket,
    messages: Bucket,
}

impl Caller {
    /// One that has asked for nothing yet.
    pub fn new(address: Option<u64>) -> Self {
        Self { address, bytes: Bucket::default(), messages: Bucket::default() }
    }

    /// Whether a frame of so many bytes may be a request now.
    pub(super) fn may_send(&mut self, bytes: usize, pace: &Pace, now: Now) -> bool {
        self.address.is_none() || self.bytes.take(bytes as u64, pace.bytes, now.mono_ms)
    }

    /// Whether it may write or change a message now.
    pub(super) fn may_write(&mut self, pace: &Pace, now: Now) -> bool {
        self.address.is_none() || self.messages.take(1, pace.messages, now.mono_ms)
    }

    /// Its address, if that is to be counted.
    pub fn address(&self) -> Option<u64> {
        self.address
    }
}

/// How fast one connection may ask.
#[derive(Debug)]
pub(super) struct Pace {
    bytes: Rate,
    messages: Rate,
}

impl Pace {
    pub(super) fn of(limits: &Limits) -> Self {
        let (count, burst) = (limits.messages_per_s_max, limits.messages_burst_max);
        Self {
            bytes: Rate::per_second(limits.bytes_per_s_max, limits.bytes_burst_max),
            messages: Rate::per_second(count.into(), burst.into()),
        }
    }
}

/// A request as it came in.
#[derive(Debug)]
pub struct Arrival<'c> {
    /// Whose it is.
    pub caller: &'c mut Caller,
    /// The bytes of its frame.
    pub bytes: usize,
}

/// All counters.
#[derive(Debug, Default)]
pub(super) struct Tries {
    accounts: Buckets,
    addresses: Buckets,
    names: Buckets,
    /// How often each connection was wrong. None is here that never was.
    wrong: HashMap<SessionId, u32, RandomState>,
}

/// A password that is tried: where it came from, and whether it counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Try {
    from: Option<u64>,
    /// Not before this time, in milliseconds of the monotonic clock.
    pub not_before_ms: u64,
    counted: bool,
}

impl Tries {
    /// A password is to be looked at. It counts as wrong until it is known to be right, so that many at
    /// once do not come in before the first of them is known to be wrong.
    pub(super) fn begin(
        &mut self,
        from: Option<u64>,
        username: &str,
        limits: &Limits,
        now: Now,
    ) -> Try {
        let Some(address) = from else {
            return Try { from, not_before_ms: 0, counted: false };
        };
        let (account_rate, address_rate) = (account_rate(limits), address_rate(limits));
        let account = self.accounts.of(name::key(username).as_str());
        if !account.take(1, account_rate, now.mono_ms) {
            let not_before_ms = now.mono_ms + account_rate.share_ms();
            return Try { from, not_before_ms, counted: false };
        }
        if !self.addresses.of(&address).take(1, address_rate, now.mono_ms) {
            account.give_back(account_rate);
            let not_before_ms = now.mono_ms + address_rate.share_ms();
            return Try { from, not_before_ms, counted: false };
        }
        Try { from, not_before_ms: 0, counted: true }
    }

    /// It was not wrong after all, or could not be looked at.
    pub(super) fn take_back(&mut self, tried: Try, username: &str, limits: &Limits) {
        if let (Some(address), true) = (tried.from, tried.counted) {
            self.accounts.of(name::key(username).as_str()).give_back(account_rate(limits));
            self.addresses.of(&address).give_back(address_rate(limits));
        }
    }

    /// A connection was wrong. Returns whether that was once too often.
    pub(super) fn was_wrong(&mut self, session: SessionId, limits: &Limits) -> bool {
        let wrong = self.wrong.entry(session).or_default();
        *wrong += 1;
        *wrong >= limits.login_tries_max
    }

    /// A connection is gone.
    pub(super) fn forget(&mut self, session: SessionId) {
        self.wrong.remove(&session);
        if self.wrong.is_empty() {
            // After a storm nothing of it is left.
            self.wrong.shrink_to_fit();
        }
    }

    /// Whether a new name may be made from there.
    pub(super) fn may_register(&mut self, from: Option<u64>, limits: &Limits, now: Now) -> bool {
        let rate = Rate::windowed(limits.registrations_max, REGISTRATIONS_WINDOW_MS);
        from.is_none_or(|address| self.names.of(&address).take(1, rate, now.mono_ms))
    }
}

fn account_rate(limits: &Limits) -> Rate {
    Rate::windowed(limits.account_tries_max, ACCOUNT_TRIES_WINDOW_MS)
}

fn address_rate(limits: &Limits) -> Rate {
    Rate::windowed(limits.address_tries_max, ADDRESS_TRIES_WINDOW_MS)
}
