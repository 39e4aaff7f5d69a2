//! What must survive, the numbers given to it, and questions about it.
//!
//! The boundary is one pair of calls for what happens, [`Journal::append`] and
//! [`Journal::committed`], and one for what happened, [`Journal::fetch`] and [`Journal::fetched`].
//! None of them waits. The core delivers nothing before its entry comes back committed, so what
//! anyone has seen or was told is stored.
//!
//! Two journals stand behind these calls. On disk there is one `SQLite` file with one thread that
//! writes and two that read (`disk.rs`); what has piled up while one transaction was written and
//! synced is the next one, which is all there is to group commit. In memory (`memory.rs`) entries
//! count as stored at once, and questions look at the newest messages alone.

pub mod admin;
mod apply;
mod catalog;
mod disk;
mod flight;
mod groups;
mod index;
#[cfg(test)]
mod measure;
mod memory;
mod missed;
mod number;
mod reader;
mod recover;
mod ring;
mod ring_pages;
mod rows;
mod schema;
mod search;
#[cfg(test)]
pub(crate) mod stepped;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use crate::chat::entry::{Batch, Committed};
use crate::chat::query::{Fetched, Query, Recovered, Ticket};
use disk::Disk;
use memory::Memory;
#[cfg(test)]
use stepped::Stepped;

/// What an answer promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// What was answered is on the disk, also after a power cut.
    #[default]
    Sync,
    /// What was answered survives the death of the process, not of the machine.
    Os,
    /// Nothing is on the disk.
    Memory,
}

impl FromStr for Durability {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "sync" => Ok(Self::Sync),
            "os" => Ok(Self::Os),
            "memory" => Ok(Self::Memory),
            _ => Err("sync, os, memory"),
        }
    }
}

/// Why a store cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// Another server has this folder.
    Locked,
    /// A newer papo has written it.
    TooNew {
        /// The version of what was found.
        found: i64,
        /// The newest version that is known here.
        known: i64,
    },
    /// The file is there, and is no store or one that is broken.
    Damaged(String),
    /// The folder or a file in it cannot be made, opened or written.
    Unusable(String),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked => f.write_str("another server uses this folder"),
            Self::TooNew { found, known } => {
                write!(f, "the store has version {found}, the newest known here is {known}")
            }
            Self::Damaged(why) => write!(f, "the store is damaged: {why}"),
            Self::Unusable(why) => write!(f, "the store cannot be used: {why}"),
        }
    }
}

impl std::error::Error for OpenError {}

/// The journal.
#[derive(Debug)]
pub struct Journal {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Memory(Box<Memory>),
    Disk(Box<Disk>),
    #[cfg(test)]
    Stepped(Box<Stepped>),
}

impl Default for Journal {
    fn default() -> Self {
        Self::memory()
    }
}

impl Journal {
    /// A journal without a file and without a thread.
    pub fn memory() -> Self {
        Self { kind: Kind::Memory(Box::default()) }
    }

    /// Opens the store in a folder, and makes both if they are not there. `wake` is called from the
    /// journal's threads when there is something to take.
    pub fn open(
        data: &Path,
        durability: Durability,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Result<(Self, Recovered), OpenError> {
        if durability == Durability::Memory {
            // Nothing of it is stored here, but files are, and another server has its own.
            let memory = Memory::holding(disk::lock(data)?);
            return Ok((Self { kind: Kind::Memory(Box::new(memory)) }, Recovered::default()));
        }
        let (disk, recovered) = Disk::open(data, durability, wake)?;
        Ok((Self { kind: Kind::Disk(Box::new(disk)) }, recovered))
    }

    /// Takes a turn's entries, and leaves an empty batch in their place.
    pub fn append(&mut self, batch: &mut Batch, wall_ms: u64) {
        batch.wall_ms = wall_ms;
        match &mut self.kind {
            Kind::Memory(memory) => memory.append(batch, wall_ms),
            Kind::Disk(disk) => disk.append(batch, wall_ms),
            #[cfg(test)]
            Kind::Stepped(stepped) => stepped.append(batch, wall_ms),
        }
    }

    /// The next batch that is stored, in the order of `append`.
    pub fn committed(&mut self) -> Option<Committed> {
        match &mut self.kind {
            Kind::Memory(memory) => memory.committed(),
            Kind::Disk(disk) => disk.committed(),
            #[cfg(test)]
            Kind::Stepped(stepped) => stepped.committed(),
        }
    }

    /// Takes a batch back whose entries have happened, to use its memory again.
    pub fn recycle(&mut self, done: Committed) {
        match &mut self.kind {
            Kind::Memory(memory) => memory.recycle(done),
            Kind::Disk(disk) => disk.recycle(done),
            #[cfg(test)]
            Kind::Stepped(stepped) => stepped.recycle(done),
        }
    }

    /// Asks a question, whose answer has the same ticket.
    pub fn fetch(&mut self, ticket: Ticket, query: Query) {
        match &mut self.kind {
            Kind::Memory(memory) => memory.fetch(ticket, &query),
            Kind::Disk(disk) => disk.fetch(ticket, query),
            #[cfg(test)]
            Kind::Stepped(stepped) => stepped.fetch(ticket, query),
        }
    }

    /// The next answer. Answers come in no particular order.
    pub fn fetched(&mut self) -> Option<(Ticket, Fetched)> {
        match &mut self.kind {
            Kind::Memory(memory) => memory.fetched(),
            Kind::Disk(disk) => disk.fetched(),
            #[cfg(test)]
            Kind::Stepped(stepped) => stepped.fetched(),
        }
    }

    /// Whether there are answers that no thread will wake anybody for.
    pub fn has_fetched(&self) -> bool {
        match &self.kind {
            Kind::Memory(memory) => memory.has_fetched(),
            Kind::Disk(disk) => disk.has_fetched(),
            #[cfg(test)]
            Kind::Stepped(stepped) => stepped.has_fetched(),
        }
    }

    /// Whether too much is on its way: nothing that could become an entry or a question should be
    /// read until this changes.
    pub fn is_full(&self) -> bool {
        match &self.kind {
            Kind::Memory(_) => false,
            Kind::Disk(disk) => disk.is_full(),
            #[cfg(test)]
            Kind::Stepped(stepped) => stepped.is_full(),
        }
    }

    /// How many entries have been appended and not come back, and their bytes.
    pub fn in_flight(&self) -> (usize, usize) {
        match &self.kind {
            Kind::Memory(_) => (0, 0),
            Kind::Disk(disk) => disk.in_flight(),
            #[cfg(test)]
            Kind::Stepped(stepped) => stepped.in_flight(),
        }
    }

    /// How many more may be asked what somebody missed: those above it wait until others are answered.
    pub fn missed_room(&self) -> usize {
        match &self.kind {
            Kind::Memory(_) => usize::MAX,
            Kind::Disk(disk) => disk.missed_room(),
            #[cfg(test)]
            Kind::Stepped(stepped) => stepped.missed_room(),
        }
    }

    /// Why nothing can be stored any more. The process must end with this message: what was
    /// appended and has not come back may be stored or not.
    pub fn failure(&mut self) -> Option<String> {
        match &mut self.kind {
            Kind::Memory(_) => None,
            Kind::Disk(disk) => disk.failure(),
            #[cfg(test)]
            Kind::Stepped(stepped) => stepped.failure(),
        }
    }

    /// Waits until all that was appended is stored, and closes the store.
    pub fn close(self) {
        match self.kind {
            Kind::Memory(_) => {}
            Kind::Disk(disk) => disk.close(),
            #[cfg(test)]
            Kind::Stepped(stepped) => stepped.close(),
        }
    }
}

/// A journal on a simulated disk, that does nothing by itself.
#[cfg(test)]
impl Journal {
    /// Opens the store of a disk, and makes it if it is not there.
    pub(crate) fn stepped(
        disk: &simulated_disk::Disk,
        durability: Durability,
    ) -> Result<(Self, Recovered), OpenError> {
        let (stepped, recovered) = Stepped::open(disk, durability)?;
        Ok((Self { kind: Kind::Stepped(Box::new(stepped)) }, recovered))
    }

    /// What lets it work.
    pub(crate) fn steps(&mut self) -> &mut Stepped {
        match &mut self.kind {
            Kind::Stepped(stepped) => stepped,
            _ => panic!("a journal that works by itself"),
        }
    }

    /// Ends with its disk's power.
    pub(crate) fn crash(self) {
        if let Kind::Stepped(stepped) = self.kind {
            stepped.crash();
        }
    }

    /// Ends as with `kill -9`.
    pub(crate) fn kill(self) {
        if let Kind::Stepped(stepped) = self.kind {
            stepped.kill();
        }
    }
}
