//! The journal on disk, as the reactor holds it: what is on its way to the threads and back.

use std::collections::VecDeque;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread::{Builder, JoinHandle};

use super::flight::Flight;
use super::reader::{self, Question};
use super::writer::{Job, Pace, Report, Writer};
use super::{Durability, OpenError, recover, schema};
use crate::chat::entry::{Batch, Committed};
use crate::chat::query::{Fetched, Query, Recovered, Ticket};
use crate::limits::JOURNAL_ANSWERS_WAITING_MAX;

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
    flight: Flight,
    answers: Receiver<(Ticket, Fetched)>,
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
                let pace = Pace::default();
                Writer::run(db, durability, last, &report, &*writer_wake, pace, |writer| {
                    writer.work(&queue)
                });
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
            flight: Flight::default(),
            answers,
            refused: VecDeque::new(),
            readers: Readers { answer, wake, pages: None, search: None },
        };
        disk.readers.pages = Some(disk.start_reader("papo-read", None).map_err(unusable)?);
        Ok((disk, recovered))
    }

    pub(super) fn append(&mut self, batch: &mut Batch, wall_ms: u64) {
        let committed = self.flight.send(batch);
        if self.jobs.send(Job::Write { committed, wall_ms }).is_err() {
            self.hear();
        }
    }

    pub(super) fn committed(&mut self) -> Option<Committed> {
        if self.ready.is_empty() {
            self.hear();
        }
        let committed = self.ready.pop_front()?;
        self.flight.came_back();
        Some(committed)
    }

    pub(super) fn recycle(&mut self, done: Committed) {
        self.flight.recycle(done);
    }

    pub(super) fn fetch(&mut self, ticket: Ticket, query: Query) {
        if !self.flight.ask(ticket, &query) {
            return self.refused.push_back((ticket, Fetched::Busy));
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
        self.flight.answered(answer.0, &answer.1);
        Some(answer)
    }

    pub(super) fn missed_room(&self) -> usize {
        self.flight.missed_room()
    }

    pub(super) fn in_flight(&self) -> (usize, usize) {
        self.flight.load()
    }

    pub(super) fn is_full(&self) -> bool {
        self.flight.is_full()
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
