//! The thread that writes: it takes what has piled up, writes it in one transaction, syncs, reports.
//!
//! While one transaction is written the next one's entries gather, so a commit carries as many as
//! came meanwhile: group commit without a timer. Between commits, when nothing waits, it indexes
//! texts and moves the log into the file.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, ffi};

use super::Durability;
use super::apply::Store;
use super::number::{Numbers, is_numbered};
use super::schema;
use crate::chat::entry::{Committed, Outcome};
use crate::limits::JOURNAL_ENTRIES_PER_COMMIT_MAX;
use crate::wire::Code;
use crate::wire::event::MsgId;

/// Silence after which the thread does what can wait.
const IDLE: Duration = Duration::from_millis(20);

/// Pages in the log, about, from which it is moved into the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// In a quiet moment.
    pub(super) quiet_pages: u64,
    /// Anyway.
    pub(super) pages: u64,
}

impl Default for Pace {
    /// In larger steps fewer pages are written twice; 4,096 are 16 MiB.
    fn default() -> Self {
        Self { quiet_pages: 1_024, pages: 4_096 }
    }
}

/// Pages that a commit writes beside those of its entries, and those of an entry: its own, and one
/// in each of two indexes, of which neighbours in a batch share many.
const PAGES_PER_COMMIT: u64 = 2;
const PAGES_PER_ENTRY: u64 = 2;

/// Messages indexed in one step, a few milliseconds' work; and when there is nothing else to do and
/// much to catch up, because larger steps are merged less often.
const INDEX_STEP: usize = 512;
const INDEX_STEP_QUIET: usize = 2_048;

/// Messages not indexed from which on indexing does not wait for a quiet moment, so that a search
/// never has long to catch up.
const INDEX_FAR_BEHIND: usize = 16_384;

/// What the thread is asked to do.
#[derive(Debug)]
pub(super) enum Job {
    /// Write a batch.
    Write {
        /// The batch.
        committed: Committed,
        /// When it was handed over.
        wall_ms: u64,
    },
    /// Index what has been written by now, and say so.
    CatchUp(Sender<()>),
    /// Stop when all before this is done.
    Close,
}

/// What the thread says.
#[derive(Debug)]
pub(super) enum Report {
    /// A batch is stored, as far as its outcomes say.
    Committed(Committed),
    /// Nothing can be stored any more.
    Failed(String),
}

/// The thread's end: why nothing can be stored any more.
#[derive(Debug)]
pub(super) struct Fatal(String);

/// The thread that writes.
pub(super) struct Writer<'c> {
    db: &'c Connection,
    store: Store<'c>,
    numbers: Numbers,
    durability: Durability,
    report: &'c Sender<Report>,
    wake: &'c (dyn Fn() + Send + Sync),
    pace: Pace,
    /// What the next transaction writes.
    batches: Vec<(Committed, u64)>,
    entries: usize,
    waiting_for_index: Vec<Sender<()>>,
    pages: u64,
    quiet: bool,
    open: bool,
}

impl Writer<'_> {
    /// The thread's whole life, of which `work` is the part that depends on where its jobs come from.
    pub(super) fn run(
        db: Connection,
        durability: Durability,
        last: MsgId,
        report: &Sender<Report>,
        wake: &(dyn Fn() + Send + Sync),
        pace: Pace,
        work: impl FnOnce(&mut Writer<'_>) -> Result<(), Fatal>,
    ) {
        let result = match Store::new(&db) {
            Err(error) => Err(Fatal(error.to_string())),
            Ok(store) => work(&mut Writer {
                db: &db,
                store,
                numbers: Numbers { last },
                durability,
                report,
                wake,
                pace,
                batches: Vec::new(),
                entries: 0,
                waiting_for_index: Vec::new(),
                pages: pace.quiet_pages,
                quiet: false,
                open: true,
            }),
        };
        // Before the report: the folder's lock and file are free when somebody hears of the end.
        drop(db);
        if let Err(Fatal(why)) = result {
            let _ = report.send(Report::Failed(why));
            wake();
        }
    }

    /// Does what it is asked to until it is to stop.
    pub(super) fn work(&mut self, jobs: &Receiver<Job>) -> Result<(), Fatal> {
        while self.open {
            self.gather(jobs);
            self.turn()?;
        }
        self.finish()
    }

    /// Writes what has been taken, and then does what is due.
    fn turn(&mut self) -> Result<(), Fatal> {
        if !self.batches.is_empty() {
            self.commit()?;
        }
        self.index()?;
        self.checkpoint()
    }

    /// Leaves all there is in the file.
    fn finish(&mut self) -> Result<(), Fatal> {
        let emptied = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        emptied.map_or_else(|error| survive(&error), Ok)
    }

    /// Waits for something to do, and takes all there is of it.
    fn gather(&mut self, jobs: &Receiver<Job>) {
        let behind = self.store.index.behind();
        let first = if behind > 0 && !self.waiting_for_index.is_empty() {
            match jobs.try_recv() {
                Ok(job) => Some(job),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => return self.open = false,
            }
        } else if behind > 0 || self.pages >= self.pace.quiet_pages {
            // Once quiet it goes on working until somebody comes.
            let patience = if self.quiet { Duration::ZERO } else { IDLE };
            match jobs.recv_timeout(patience) {
                Ok(job) => Some(job),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return self.open = false,
            }
        } else {
            match jobs.recv() {
                Ok(job) => Some(job),
                Err(_) => return self.open = false,
            }
        };
        self.quiet = first.is_none();
        let mut next = first;
        while let Some(job) = next {
            self.take(job);
            let full = self.entries >= JOURNAL_ENTRIES_PER_COMMIT_MAX;
            next = if full || !self.open { None } else { jobs.try_recv().ok() };
        }
    }

    fn take(&mut self, job: Job) {
        match job {
            Job::Write { committed, wall_ms } => {
                self.entries += committed.batch.entries().len();
                self.batches.push((committed, wall_ms));
            }
            Job::CatchUp(caller) => self.waiting_for_index.push(caller),
            Job::Close => self.open = false,
        }
    }

    /// Writes the batches as one transaction and gives them back.
    fn commit(&mut self) -> Result<(), Fatal> {
        match self.write() {
            Ok(()) => self.store.keep(),
            Err(error) => {
                survive(&error)?;
                self.roll_back()?;
                let failed = Outcome::Failed(Code::StorageUnavailable);
                for (committed, _) in &mut self.batches {
                    committed.outcomes.clear();
                    committed.outcomes.resize(committed.batch.entries().len(), failed);
                }
            }
        }
        self.pages += PAGES_PER_COMMIT + PAGES_PER_ENTRY * self.entries as u64;
        self.entries = 0;
        for (committed, _) in self.batches.drain(..) {
            // Nobody listens when the process ends without `close`.
            let _ = self.report.send(Report::Committed(committed));
        }
        (self.wake)();
        Ok(())
    }

    fn write(&mut self) -> rusqlite::Result<()> {
        self.store.begin.execute([])?;
        for (Committed { batch, outcomes }, wall_ms) in &mut self.batches {
            for entry in batch.entries() {
                let numbered = is_numbered(&entry.what);
                let number = if numbered { self.numbers.next(*wall_ms) } else { 0 };
                outcomes.push(self.store.apply(batch, entry, number, *wall_ms)?);
            }
        }
        self.store.save_last(self.numbers.last)?;
        self.store.commit.execute([])?;
        Ok(())
    }

    /// Undoes a transaction that failed. Most errors at a commit have undone it already.
    fn roll_back(&mut self) -> Result<(), Fatal> {
        self.store.forget_failed();
        if self.db.is_autocommit() {
            return Ok(());
        }
        self.db.execute_batch("ROLLBACK").map_err(|error| Fatal(error.to_string()))
    }

    /// Indexes a step if nothing is to be done, somebody waits for it, or too much has piled up.
    fn index(&mut self) -> Result<(), Fatal> {
        let behind = self.store.index.behind();
        let waited_for = !self.waiting_for_index.is_empty();
        if behind > 0 && (self.quiet || waited_for || behind > INDEX_FAR_BEHIND) {
            // What the index has can be had again from the messages: it goes to the disk with the
            // next entries, and waits for no sync of its own.
            let step = self.with_level("NORMAL").and_then(|()| self.index_step());
            self.with_level(schema::level(self.durability)).map_err(|e| Fatal(e.to_string()))?;
            if let Err(error) = step {
                survive(&error)?;
                self.roll_back()?;
                // Nobody waits for what may fail again; the next quiet moment tries once more.
                self.waiting_for_index.clear();
                self.quiet = false;
            }
        }
        if self.store.index.behind() == 0 {
            for caller in self.waiting_for_index.drain(..) {
                let _ = caller.send(());
            }
        }
        Ok(())
    }

    fn index_step(&mut self) -> rusqlite::Result<()> {
        self.store.begin.execute([])?;
        let far = self.quiet && self.store.index.behind() > INDEX_FAR_BEHIND;
        let step = if far { INDEX_STEP_QUIET } else { INDEX_STEP };
        let done = self.store.index.step(step, self.numbers.last)?;
        self.store.commit.execute([])?;
        self.store.index.keep(done);
        self.pages += step as u64 / 8;
        Ok(())
    }

    fn with_level(&self, level: &str) -> rusqlite::Result<()> {
        match self.durability {
            Durability::Sync => self.db.execute_batch(&format!("PRAGMA synchronous = {level}")),
            Durability::Os | Durability::Memory => Ok(()),
        }
    }

    /// Moves the log into the file when it has grown. Only here, after the batches have gone back:
    /// by itself `SQLite` would do it within a commit, and hide its errors.
    fn checkpoint(&mut self) -> Result<(), Fatal> {
        let enough = if self.quiet { self.pace.quiet_pages } else { self.pace.pages };
        if self.pages < enough {
            return Ok(());
        }
        self.pages = 0;
        let moved = self.db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
            Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        });
        match moved {
            Ok(_) => Ok(()),
            Err(error) => survive(&error),
        }
    }
}

/// Whether the store can be trusted after an error. After a failed sync it cannot: the system
/// may have dropped what it could not write, and would say nothing the next time.
fn survive(error: &rusqlite::Error) -> Result<(), Fatal> {
    let extended = error.sqlite_error().map_or(0, |error| error.extended_code);
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DiskFull
            | ErrorCode::OutOfMemory
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::TooBig
            | ErrorCode::ConstraintViolation
            | ErrorCode::TypeMismatch
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen,
        ) => Ok(()),
        Some(ErrorCode::SystemIoFailure)
            if !matches!(
                extended,
                ffi::SQLITE_IOERR_FSYNC
                    | ffi::SQLITE_IOERR_DIR_FSYNC
                    | ffi::SQLITE_IOERR_CLOSE
                    | ffi::SQLITE_IOERR_CORRUPTFS
            ) =>
        {
            Ok(())
        }
        _ => Err(Fatal(error.to_string())),
    }
}

/// The same thread, doing nothing by itself.
#[cfg(test)]
impl Writer<'_> {
    /// Takes these jobs as having come together, and works until none of them waits.
    pub(super) fn step(&mut self, jobs: Vec<Job>) -> Result<(), Fatal> {
        self.quiet = false;
        for job in jobs {
            self.take(job);
        }
        self.turn()?;
        while !self.waiting_for_index.is_empty() {
            self.quiet = true;
            self.turn()?;
        }
        if self.open { Ok(()) } else { self.finish() }
    }

    /// Does what it does when nobody comes, until there is nothing left to do.
    pub(super) fn rest(&mut self) -> Result<(), Fatal> {
        self.quiet = true;
        // What fails is put off, in an end to all quiet.
        while self.quiet {
            self.turn()?;
            if self.store.index.behind() == 0 {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn is_open(&self) -> bool {
        self.open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_is_survived_and_a_failed_sync_is_not() {
        let survives = |code| {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            survive(&error).is_ok()
        };
        for code in [
            ffi::SQLITE_FULL,
            ffi::SQLITE_IOERR_WRITE,
            ffi::SQLITE_IOERR_READ,
            ffi::SQLITE_BUSY,
            ffi::SQLITE_CONSTRAINT_UNIQUE,
        ] {
            assert!(survives(code), "{code}");
        }
        for code in [
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_IOERR_DIR_FSYNC,
            ffi::SQLITE_CORRUPT,
            ffi::SQLITE_NOTADB,
            ffi::SQLITE_MISUSE,
        ] {
            assert!(!survives(code), "{code}");
        }
    }
}
