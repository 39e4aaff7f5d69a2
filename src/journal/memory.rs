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

/// The latest requests of one sender that had an `id`, oldest first.
#[derive(Debug, Default)]
struct Sender {
    by_key: HashMap<u64, (u64, MsgId), RandomState>,
    order: VecDeque<u64>,
    used: u64,
}

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
    pub fn recycle(&mut self, mut done: Committed) {
        done.batch.clear();
        done.outcomes.clear();
        self.spare = Some(done);
    }

    fn store(&mut self, batch: &Batch, entry: &Entry, wall_ms: u64) -> Outcome {
        let next = (self.last + 1).max(wall_ms.saturating_sub(EPOCH_MS) << 12);
        if let Some((key, digest)) = self.fingerprint(batch, entry)
            && let Some(outcome) = self.remember(entry.origin.user, key, digest, next)
        {
            return outcome;
        }
        self.last = next;
        Outcome::Stored(next)
    }

    /// A request that may be sent again: its `id`, and what it says. Keyed with a secret of this
    /// process, so that nobody can make two that collide.
    fn fingerprint(&self, batch: &Batch, entry: &Entry) -> Option<(u64, u64)> {
        let id = batch.request_id(entry)?;
        let mut digest = self.hash.build_hasher();
        match &entry.what {
            What::Message { to, content, reply_to } => {
                (0u8, to, batch.text(content), reply_to).hash(&mut digest);
            }
            What::File { to, filename, data, .. } => (1u8, to, filename, data).hash(&mut digest),
            What::Account { .. } | What::Group { .. } => return None,
        }
        Some((self.hash.hash_one(&id), digest.finish()))
    }

    /// Finds a request that came before, or remembers this one under its number.
    fn remember(&mut self, user: UserId, key: u64, digest: u64, next: MsgId) -> Option<Outcome> {
        let sender = self.senders.entry(user).or_default();
        sender.used = self.batches;
        match sender.by_key.entry(key) {
            std::collections::hash_map::Entry::Occupied(known) => {
                let (before, msg_id) = *known.get();
                return Some(if before == digest {
                    Outcome::Duplicate(msg_id)
                } else {
                    Outcome::Conflict
                });
            }
            std::collections::hash_map::Entry::Vacant(place) => place.insert((digest, next)),
        };
        sender.order.push_back(key);
        self.remembered += 1;
        if sender.order.len() > REMEMBERED_REQUESTS_MAX
            && let Some(oldest) = sender.order.pop_front()
        {
            sender.by_key.remove(&oldest);
            self.remembered -= 1;
        }
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
        self.remembered = self.senders.values().map(|sender| sender.order.len()).sum();
    }
}
