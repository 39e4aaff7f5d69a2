//! The journal that forgets: entries count as stored at once, and nothing outlives the process.
//! What remains are the numbers, the requests that may be sent again, and the newest messages.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::quality::RandomState;

use super::number::{Numbers, is_numbered};
use super::ring::Ring;
use crate::chat::UserId;
use crate::chat::entry::{Batch, Committed, Entry, Outcome, What};
use crate::chat::query::{Fetched, Query, Ticket};
use crate::limits::{REMEMBERED_REQUESTS_ALL_MAX, REMEMBERED_REQUESTS_MAX};
use crate::wire::Code;
use crate::wire::event::MsgId;
use crate::wire::request::RequestId;

/// A journal in memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    numbers: Numbers,
    committed: VecDeque<Committed>,
    spare: Option<Committed>,
    requests: Requests,
    ring: Ring,
    answers: VecDeque<(Ticket, Fetched)>,
    /// The folder is this server's, as long as it runs.
    _lock: Option<File>,
}

/// The requests that may be sent again.
#[derive(Debug, Default)]
struct Requests {
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
    newer: Remembered,
    older: Remembered,
    /// The last batch in which it sent one.
    used: u64,
}

/// A request's `id`, what it said, and the number that it was given; the first two as keyed hashes.
type Remembered = HashMap<u64, (u64, MsgId), RandomState>;

impl Memory {
    /// An empty one, for the server that has taken a folder.
    pub(super) fn holding(lock: File) -> Self {
        Self { _lock: Some(lock), ..Self::default() }
    }

    pub(super) fn append(&mut self, batch: &mut Batch, wall_ms: u64) {
        self.requests.batches += 1;
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

    pub(super) fn committed(&mut self) -> Option<Committed> {
        self.committed.pop_front()
    }

    pub(super) fn recycle(&mut self, mut done: Committed) {
        done.batch.clear();
        done.outcomes.clear();
        self.spare = Some(done);
    }

    pub(super) fn fetch(&mut self, ticket: Ticket, query: &Query) {
        self.answers.push_back((ticket, self.ring.answer(query)));
    }

    pub(super) fn has_fetched(&self) -> bool {
        !self.answers.is_empty()
    }

    pub(super) fn fetched(&mut self) -> Option<(Ticket, Fetched)> {
        self.answers.pop_front()
    }

    fn store(&mut self, batch: &Batch, entry: &Entry, wall_ms: u64) -> Outcome {
        let number = if is_numbered(&entry.what) { self.numbers.next(wall_ms) } else { 0 };
        let user = entry.origin.user;
        match &entry.what {
            What::Message { .. } | What::File { .. } => {
                if let Some((key, digest)) = self.requests.fingerprint(batch, entry)
                    && let Some(outcome) = self.requests.remember(user, key, digest, number)
                {
                    return outcome;
                }
                self.ring.push(batch, entry, number, wall_ms);
            }
            What::Changed { msg_id, conversation, change } => {
                let of = (*msg_id, *conversation);
                let found = self.ring.change(batch, user, of, change, number);
                if !found {
                    return Outcome::Failed(Code::UnknownMessage);
                }
            }
            What::Forget(msg_id) => {
                if let Some((sender, Some(request))) = self.ring.forget(*msg_id) {
                    self.requests.forget(sender, &request);
                }
            }
            _ => {}
        }
        Outcome::Stored(number)
    }
}

impl Requests {
    /// A request that may be sent again: its `id`, and what it says. Keyed with a secret of this
    /// process, so that nobody can make two that collide.
    fn fingerprint(&self, batch: &Batch, entry: &Entry) -> Option<(u64, u64)> {
        let id = batch.request_id(entry)?;
        let mut digest = self.hash.build_hasher();
        match &entry.what {
            What::Message { to, content, reply_to, .. } => {
                (0u8, to, batch.text(content), reply_to).hash(&mut digest);
            }
            What::File { to, file, .. } => {
                (1u8, to, &file.name, file.size, file.sha256).hash(&mut digest);
            }
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

    /// The message of a request is no more: sent again it is a new one.
    fn forget(&mut self, user: UserId, request: &RequestId<'_>) {
        let key = self.hash.hash_one(request);
        if let Some(sender) = self.senders.get_mut(&user) {
            let found = sender.newer.remove(&key).or_else(|| sender.older.remove(&key));
            self.remembered -= usize::from(found.is_some());
        }
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
        let mut requests = Requests::default();
        let user = UserId(1);
        for key in 0..10_000 {
            assert_eq!(requests.remember(user, key, 1, key + 1), None);
            let oldest = key.saturating_sub(REMEMBERED_REQUESTS_MAX as u64 - 1);
            let again = requests.remember(user, oldest, 1, 0);
            assert_eq!(again, Some(Outcome::Duplicate(oldest + 1)));
            assert_eq!(requests.remember(user, key, 2, 0), Some(Outcome::Conflict));
            assert!(requests.remembered <= 2 * REMEMBERED_REQUESTS_MAX);
        }
        for number in 0..1_500 {
            let user = UserId(number);
            requests.batches += 1;
            for key in 0..REMEMBERED_REQUESTS_MAX as u64 {
                requests.remember(user, key, 1, 1);
            }
        }
        assert!(requests.remembered <= REMEMBERED_REQUESTS_ALL_MAX);
    }
}
