//! The journal on disk, as the reactor holds it: what is on its way to the threads and back.

use std::collections::{HashSet, VecDeque};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread::{Builder, JoinHandle};

use super::reader::{self, Question};
use super::writer::{Job, Report, Writer};
use super::{Durability, OpenError, recover, schema};
use crate::chat::entry::{Batch, Committed, Entry, What};
use crate::chat::query::{Fetched, Query, Recovered, Ticket};
use crate::limits::{
    JOURNAL_ANSWERS_WAITING_MAX, JOURNAL_BYTES_IN_FLIGHT_MAX, JOURNAL_ENTRIES_IN_FLIGHT_MAX,
    JOURNAL_MISSED_IN_FLIGHT_MAX, JOURNAL_QUESTIONS_IN_FLIGHT_MAX, JOURNAL_SEARCHES_WAITING_MAX,
    JOURNAL_SPARE_BATCHES_MAX,
};

/// The file whose lock says that a server has the folder.
const LOCK_FILE: &str = "papo.lock";

/// Wakes the reactor.
pub(super) type Wake = Arc<dyn Fn() + Send + Sync>;

/// The store on disk.
#[derive(Debug)]
pub(super) struct Disk {
    data: PathBuf,
    jobs: Sender<Job>,
    reports: Receiver<Report>,
    writer: JoinHandle<()>,
    ready: VecDeque<Committed>,
    failed: Option<String>,
    in_flight: Load,
    /// What each batch weighs that has not come back, oldest first.
    loads: VecDeque<Load>,
    spares: Vec<Committed>,
    answers: Receiver<(Ticket, Fetched)>,
    unanswered: Unanswered,
    /// Answers that need no thread.
    refused: VecDeque<(Ticket, Fetched)>,
    readers: Readers,
}

/// The threads that read.
struct Readers {
    answer: SyncSender<(Ticket, Fetched)>,
    wake: Wake,
    pages: Option<Reader>,
    search: Option<Reader>,
}

#[derive(Debug)]
struct Reader {
    questions: Sender<Question>,
    thread: JoinHandle<()>,
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

impl Disk {
    /// Opens the store; when this returns, all that it knows has been read.
    pub(super) fn open(
        data: &Path,
        durability: Durability,
        wake: Wake,
    ) -> Result<(Self, Recovered), OpenError> {
        let unusable = |error: std::io::Error| OpenError::Unusable(error.to_string());
        fs::create_dir_all(data).map_err(unusable)?;
        let lock = lock(data)?;
        let db = schema::open(data, durability)?;
        schema::settle(&db, data)?;
        let recovered = recover::recover(&db)?;
        let (jobs, queue) = mpsc::channel();
        let (report, reports) = mpsc::channel();
        let (answer, answers) = mpsc::sync_channel(JOURNAL_ANSWERS_WAITING_MAX);
        let last = recovered.last;
        let writer_wake = Arc::clone(&wake);
        let writer = Builder::new()
            .name("papo-journal".to_owned())
            .spawn(move || {
                Writer::run(db, durability, last, &queue, &report, &*writer_wake);
                // A connection that is still open writes when it is closed: the folder is free after.
                drop(lock);
            })
            .map_err(unusable)?;
        let mut disk = Self {
            data: data.to_owned(),
            jobs,
            reports,
            writer,
            ready: VecDeque::new(),
            failed: None,
            in_flight: Load::default(),
            loads: VecDeque::new(),
            spares: Vec::new(),
            answers,
            unanswered: Unanswered::default(),
            refused: VecDeque::new(),
            readers: Readers { answer, wake, pages: None, search: None },
        };
        disk.readers.pages = Some(disk.start_reader("papo-read", None).map_err(unusable)?);
        Ok((disk, recovered))
    }

    pub(super) fn append(&mut self, batch: &mut Batch, wall_ms: u64) {
        let mut committed = self
            .spares
            .pop()
            .unwrap_or_else(|| Committed { batch: Batch::default(), outcomes: Vec::new() });
        std::mem::swap(&mut committed.batch, batch);
        let load = Load::of(&committed.batch);
        self.in_flight.entries += load.entries;
        self.in_flight.bytes += load.bytes;
        self.loads.push_back(load);
        if self.jobs.send(Job::Write { committed, wall_ms }).is_err() {
            self.hear();
        }
    }

    pub(super) fn committed(&mut self) -> Option<Committed> {
        if self.ready.is_empty() {
            self.hear();
        }
        let committed = self.ready.pop_front()?;
        let load = self.loads.pop_front().unwrap_or_default();
        self.in_flight.entries -= load.entries;
        self.in_flight.bytes -= load.bytes;
        Some(committed)
    }

    pub(super) fn recycle(&mut self, mut done: Committed) {
        if self.spares.len() < JOURNAL_SPARE_BATCHES_MAX {
            done.batch.clear();
            done.outcomes.clear();
            self.spares.push(done);
        }
    }

    pub(super) fn fetch(&mut self, ticket: Ticket, query: Query) {
        match query {
            Query::Missed { .. } => drop(self.unanswered.missed.insert(ticket)),
            Query::Search { .. }
                if self.unanswered.searches.len() >= JOURNAL_SEARCHES_WAITING_MAX =>
            {
                return self.refused.push_back((ticket, Fetched::Busy));
            }
            Query::Search { .. } => drop(self.unanswered.searches.insert(ticket)),
            _ => self.unanswered.others += 1,
        }
        if matches!(query, Query::Search { .. }) && self.readers.search.is_none() {
            self.readers.search = self.start_reader("papo-search", Some(self.jobs.clone())).ok();
        }
        let reader = match query {
            Query::Search { .. } => &self.readers.search,
            _ => &self.readers.pages,
        };
        let question = Question { ticket, query };
        let sent = reader.as_ref().is_some_and(|reader| reader.questions.send(question).is_ok());
        if !sent {
            self.refused.push_back((ticket, Fetched::Failed));
        }
    }

    pub(super) fn has_fetched(&self) -> bool {
        !self.refused.is_empty()
    }

    pub(super) fn fetched(&mut self) -> Option<(Ticket, Fetched)> {
        let answer = self.refused.pop_front().or_else(|| self.answers.try_recv().ok())?;
        let Unanswered { missed, searches, others } = &mut self.unanswered;
        if !missed.remove(&answer.0)
            && !searches.remove(&answer.0)
            && !matches!(answer.1, Fetched::Busy)
        {
            *others = others.saturating_sub(1);
        }
        Some(answer)
    }

    pub(super) fn missed_room(&self) -> usize {
        JOURNAL_MISSED_IN_FLIGHT_MAX.saturating_sub(self.unanswered.missed.len())
    }

    pub(super) fn in_flight(&self) -> (usize, usize) {
        (self.in_flight.entries, self.in_flight.bytes)
    }

    pub(super) fn is_full(&self) -> bool {
        self.in_flight.entries >= JOURNAL_ENTRIES_IN_FLIGHT_MAX
            || self.in_flight.bytes >= JOURNAL_BYTES_IN_FLIGHT_MAX
            || self.unanswered.others >= JOURNAL_QUESTIONS_IN_FLIGHT_MAX
    }

    pub(super) fn failure(&mut self) -> Option<String> {
        self.hear();
        self.failed.clone()
    }

    pub(super) fn close(self) {
        let Self { jobs, writer, readers, answers, .. } = self;
        // A reader that waits for somebody to take its answer waits no more.
        drop(answers);
        let Readers { pages, search, answer, .. } = readers;
        drop(answer);
        for reader in [pages, search].into_iter().flatten() {
            drop(reader.questions);
            let _ = reader.thread.join();
        }
        // The last connection moves what is left in the log into the file, so the readers go first.
        let _ = jobs.send(Job::Close);
        let _ = writer.join();
    }

    /// Takes what the writer has said.
    fn hear(&mut self) {
        loop {
            match self.reports.try_recv() {
                Ok(Report::Committed(committed)) => self.ready.push_back(committed),
                Ok(Report::Failed(why)) => self.failed = Some(why),
                Err(mpsc::TryRecvError::Empty) => return,
                Err(mpsc::TryRecvError::Disconnected) => {
                    self.failed.get_or_insert_with(|| "the journal's thread is gone".to_owned());
                    return;
                }
            }
        }
    }

    fn start_reader(&self, name: &str, jobs: Option<Sender<Job>>) -> std::io::Result<Reader> {
        let (questions, queue) = mpsc::channel();
        let (data, answer) = (self.data.clone(), self.readers.answer.clone());
        let wake = Arc::clone(&self.readers.wake);
        let thread = Builder::new()
            .name(name.to_owned())
            .spawn(move || reader::run(&data, &queue, jobs.as_ref(), &answer, &*wake))?;
        Ok(Reader { questions, thread })
    }
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { pages, search, .. } = self;
        f.debug_struct("Readers").field("pages", pages).field("search", search).finish()
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

/// Takes the folder for this process; the system gives it back when the process ends, however.
pub(super) fn lock(data: &Path) -> Result<File, OpenError> {
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(data.join(LOCK_FILE))
        .map_err(|error| OpenError::Unusable(error.to_string()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked),
        Err(TryLockError::Error(error)) => Err(OpenError::Unusable(error.to_string())),
    }
}
