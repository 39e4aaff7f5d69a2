//! What is on its way to the journal's threads and not yet back.

use std::collections::{HashSet, VecDeque};

use crate::chat::entry::{Batch, Committed, Entry, What};
use crate::chat::query::{Fetched, Query, Ticket};
use crate::limits::{
    JOURNAL_BYTES_IN_FLIGHT_MAX, JOURNAL_ENTRIES_IN_FLIGHT_MAX, JOURNAL_MISSED_IN_FLIGHT_MAX,
    JOURNAL_QUESTIONS_IN_FLIGHT_MAX, JOURNAL_SEARCHES_WAITING_MAX, JOURNAL_SPARE_BATCHES_MAX,
};

/// Batches and questions on their way.
#[derive(Debug, Default)]
pub(super) struct Flight {
    load: Load,
    /// What each batch weighs that has not come back, oldest first.
    loads: VecDeque<Load>,
    spares: Vec<Committed>,
    unanswered: Unanswered,
}

/// Questions that have no answer yet. Those of sessions that catch up and those that search take long:
/// they wait for one another, and nobody else waits for them.
#[derive(Debug, Default)]
struct Unanswered {
    missed: HashSet<Ticket>,
    searches: HashSet<Ticket>,
    others: usize,
}

/// What is on its way.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    entries: usize,
    bytes: usize,
}

impl Flight {
    /// A batch leaves; an empty one is left in its place.
    pub(super) fn send(&mut self, batch: &mut Batch) -> Committed {
        let mut committed = self
            .spares
            .pop()
            .unwrap_or_else(|| Committed { batch: Batch::default(), outcomes: Vec::new() });
        std::mem::swap(&mut committed.batch, batch);
        let load = Load::of(&committed.batch);
        self.load.entries += load.entries;
        self.load.bytes += load.bytes;
        self.loads.push_back(load);
        committed
    }

    /// The batch that left first is back.
    pub(super) fn came_back(&mut self) {
        let load = self.loads.pop_front().unwrap_or_default();
        self.load.entries -= load.entries;
        self.load.bytes -= load.bytes;
    }

    pub(super) fn recycle(&mut self, mut done: Committed) {
        if self.spares.len() < JOURNAL_SPARE_BATCHES_MAX {
            done.batch.clear();
            done.outcomes.clear();
            self.spares.push(done);
        }
    }

    /// A question is asked. False: there are too many of its kind, and it is to be answered with `Busy`.
    pub(super) fn ask(&mut self, ticket: Ticket, query: &Query) -> bool {
        let Unanswered { missed, searches, others } = &mut self.unanswered;
        match query {
            Query::Missed { .. } => drop(missed.insert(ticket)),
            Query::Search { .. } if searches.len() >= JOURNAL_SEARCHES_WAITING_MAX => return false,
            Query::Search { .. } => drop(searches.insert(ticket)),
            _ => *others += 1,
        }
        true
    }

    /// A question has its answer.
    pub(super) fn answered(&mut self, ticket: Ticket, answer: &Fetched) {
        let Unanswered { missed, searches, others } = &mut self.unanswered;
        if !missed.remove(&ticket) && !searches.remove(&ticket) && !matches!(answer, Fetched::Busy)
        {
            *others = others.saturating_sub(1);
        }
    }

    pub(super) fn missed_room(&self) -> usize {
        JOURNAL_MISSED_IN_FLIGHT_MAX.saturating_sub(self.unanswered.missed.len())
    }

    /// Entries and their bytes.
    pub(super) fn load(&self) -> (usize, usize) {
        (self.load.entries, self.load.bytes)
    }

    pub(super) fn is_full(&self) -> bool {
        self.load.entries >= JOURNAL_ENTRIES_IN_FLIGHT_MAX
            || self.load.bytes >= JOURNAL_BYTES_IN_FLIGHT_MAX
            || self.unanswered.others >= JOURNAL_QUESTIONS_IN_FLIGHT_MAX
    }
}

impl Load {
    fn of(batch: &Batch) -> Self {
        let bytes = |entry: &Entry| match &entry.what {
            What::Message { content, .. } => content.len(),
            What::File { file, .. } => file.data.len(),
            _ => 0,
        };
        Self {
            entries: batch.entries().len(),
            bytes: batch.entries().iter().map(|entry| size_of::<Entry>() + bytes(entry)).sum(),
        }
    }
}
