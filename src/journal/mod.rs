//! What must survive, and the numbers given to it.
//!
//! The boundary is one pair of calls: [`Journal::append`] takes a turn's batch,
//! [`Journal::committed`] gives batches back once they are stored, each entry with its number. The
//! core delivers nothing before that. Today there is one journal, in memory; one on disk, on its own
//! thread, stands behind the same two calls.

mod memory;

pub use memory::Journal;
