//! The journal that forgets: entries count as stored at once, and nothing outlives the process.
//! What remains are the numbers, and the requests that may be sent again.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::quality::RandomState;

use crate::chat::UserId;
use crate::chat::entry::{Batch, Committed, Entry, Outcome, What};
use crate::limits::{REMEMBERED_REQUESTS_ALL_MAX, REMEMBERED_REQUESTS_MAX};
use crate::wire::event::MsgId;

/// 2025-01-01T00:00Z, from which message numbers count, in milliseconds since 1970.
const EPOCH_MS: u64 = 1_735_689_600_000;

/// A journal in memory.
#[derive(Debug, Default)]
pub struct Journal {
    last: MsgId,
    committed: VecDeque<Committed>,
    spare: Option<Committed>,
    hash: RandomState,
    senders: HashMap<UserId, Sender, RandomState>,
    remembered: usize,
    batches: u64,
}

/// The latest requests of one sender that had an `id`: at least [`REMEMBERED_REQUESTS_MAX`], at most
/// twice as many. Whole generations are forgotten, because taking single keys out of a table cost a
/// tenth of the server's time.
#[derive(Debug, Default)]
struct Sender {
    newer: Requests,
    older: Requests,
    /// The last batch in which it sent one.
    used: u64,
}

/// A request's `id`, what it said, and the number that it was given; the first two as keyed hashes.
type Requests = HashMap<u64, (u64, MsgId), RandomState>;

impl Journal {
    /// Takes a turn's entries, and leaves an empty batch in their place.
    pub fn append(&mut self, batch: &mut Batch, wall_ms: u64) {
        self.batches += 1;
        let mut committed = self
            .spare
            .take()
            .unwrap_or_else(|| Committed { batch: Batch::default(), outcomes: Vec::new() });
        std::mem::swap(&mut committed.batch, batch);
        for entry in committed.batch.entries() {
            let outcome = self.store(&committed.batch, entry, wall_ms);
            committed.outcomes.push(outcome);
        }
        self.committed.push_back(committed);
    }

    /// The next batch that is stored.
    pub fn committed(&mut self) -> Option<Committed> {
        self.committed.pop_front()
    }

    /// Takes a batch back whose entries have happened, to use its memory again.
    /// What the core refused is not remembered: sent again, it is a new request.
    pub fn recycle(&mut self, mut done: Committed) {
        for (entry, outcome) in done.batch.entries().iter().zip(&done.outcomes) {
            if *outcome == Outcome::Refused
                && let Some((key, _)) = self.fingerprint(&done.batch, entry)
                && let Some(sender) = self.senders.get_mut(&entry.origin.user)
            {
                let found = sender.newer.remove(&key).or_else(|| sender.older.remove(&key));
                self.remembered -= usize::from(found.is_some());
            }
        }
        done.batch.clear();
        done.outcomes.clear();
        self.spare = Some(done);
    }

    fn store(&mut self, batch: &Batch, entry: &Entry, wall_ms: u64) -> Outcome {
        let next = self.next_number(wall_ms);
        if let Some((key, digest)) = self.fingerprint(batch, entry)
            && let Some(outcome) = self.remember(entry.origin.user, key, digest, next)
        {
            return outcome;
        }
        Outcome::Stored(next)
    }

    /// A number that was never given, also after the clock went back.
    fn next_number(&mut self, wall_ms: u64) -> MsgId {
        self.last = (self.last + 1).max(wall_ms.saturating_sub(EPOCH_MS) << 12);
        self.last
    }

    /// A request that may be sent again: its `id`, and what it says. Keyed with a secret of this
    /// process, so that nobody can make two that collide.
    fn fingerprint(&self, batch: &Batch, entry: &Entry) -> Option<(u64, u64)> {
        let id = batch.request_id(entry)?;
        let mut digest = self.hash.build_hasher();
        match &entry.what {
            What::Message { to, content, reply_to, .. } => {
                (0u8, to, batch.text(content), reply_to).hash(&mut digest);
            }
            What::File { to, file, .. } => (1u8, to, &file.name, &file.data).hash(&mut digest),
            _ => return None,
        }
        Some((self.hash.hash_one(&id), digest.finish()))
    }

    /// Finds a request that came before, or remembers this one under its number.
    fn remember(&mut self, user: UserId, key: u64, digest: u64, next: MsgId) -> Option<Outcome> {
        let sender = self.senders.entry(user).or_default();
        sender.used = self.batches;
        if let Some((before, msg_id)) = sender.newer.get(&key).or_else(|| sender.older.get(&key)) {
            return Some(if *before == digest {
                Outcome::Duplicate(*msg_id)
            } else {
                Outcome::Conflict
            });
        }
        if sender.newer.len() >= REMEMBERED_REQUESTS_MAX {
            std::mem::swap(&mut sender.newer, &mut sender.older);
            self.remembered -= sender.newer.len();
            sender.newer.clear();
        }
        sender.newer.insert(key, (digest, next));
        self.remembered += 1;
        if self.remembered > REMEMBERED_REQUESTS_ALL_MAX {
            self.forget_the_quiet();
        }
        None
    }

    /// Forgets the requests of the half of the senders who have been silent longest.
    fn forget_the_quiet(&mut self) {
        let mut used: Vec<u64> = self.senders.values().map(|sender| sender.used).collect();
        let middle = used.len() / 2;
        let (_, median, _) = used.select_nth_unstable(middle);
        let median = *median;
        self.senders.retain(|_, sender| sender.used > median);
        let all = self.senders.values();
        self.remembered = all.map(|sender| sender.newer.len() + sender.older.len()).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_requests_are_remembered_and_memory_is_bounded() {
        let mut journal = Journal::default();
        let user = crate::chat::UserId(1);
        for key in 0..10_000 {
            assert_eq!(journal.remember(user, key, 1, key + 1), None);
            let oldest = key.saturating_sub(REMEMBERED_REQUESTS_MAX as u64 - 1);
            let again = journal.remember(user, oldest, 1, 0);
            assert_eq!(again, Some(Outcome::Duplicate(oldest + 1)));
            assert_eq!(journal.remember(user, key, 2, 0), Some(Outcome::Conflict));
            assert!(journal.remembered <= 2 * REMEMBERED_REQUESTS_MAX);
        }
        for number in 0..1_500 {
            let user = crate::chat::UserId(number);
            journal.batches += 1;
            for key in 0..REMEMBERED_REQUESTS_MAX as u64 {
                journal.remember(user, key, 1, 1);
            }
        }
        assert!(journal.remembered <= REMEMBERED_REQUESTS_ALL_MAX);
    }

    #[test]
    fn numbers_grow_also_when_the_clock_goes_back() {
        let mut journal = Journal::default();
        let mut last = 0;
        for wall_ms in [EPOCH_MS + 5, EPOCH_MS + 5, 0, EPOCH_MS + 4, EPOCH_MS + 6] {
            let next = journal.next_number(wall_ms);
            assert!(next > last);
            last = next;
        }
        assert_eq!(last, 6 << 12);
    }
}
