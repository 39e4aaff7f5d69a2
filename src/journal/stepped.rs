//! The journal as a simulation has it: the store with its threads, on a simulated disk, in lock-step.
//!
//! Nothing is written and no question is answered until somebody says so, and whoever says so waits
//! until it is done. So what happens depends on the calls alone, and happens again when they are made
//! again.

use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{Builder, JoinHandle};

use simulated_disk::Disk;

use super::flight::Flight;
use super::reader::{self, Question};
use super::writer::{Fatal, Job, Pace, Report, Writer};
use super::{Durability, OpenError, recover, schema};
use crate::chat::entry::{Batch, Committed};
use crate::chat::query::{Fetched, Query, Recovered, Ticket};
use crate::limits::JOURNAL_ANSWERS_WAITING_MAX;
use crate::sabotage;

/// The log is moved early, so that a short run has seen it more than once.
const PACE: Pace = Pace { quiet_pages: 16, pages: 48 };

/// What the writer is to do next.
#[derive(Debug)]
enum Step {
    Work(Vec<Job>),
    Rest,
}

/// A store in lock-step. Dropped, it ends as with `kill -9`.
#[derive(Debug)]
pub(crate) struct Stepped {
    disk: Disk,
    /// Which life of the disk its connections belong to.
    life: u64,
    writer: Option<Thread<Step>>,
    reader: Option<Thread<Question>>,
    done: Receiver<()>,
    reports: Receiver<Report>,
    answers: Receiver<(Ticket, Fetched)>,
    /// What has been appended and not handed over.
    writes: VecDeque<Job>,
    questions: VecDeque<Question>,
    ready: VecDeque<Committed>,
    answered: VecDeque<(Ticket, Fetched)>,
    failed: Option<String>,
    flight: Flight,
}

#[derive(Debug)]
struct Thread<T> {
    to_do: Sender<T>,
    thread: JoinHandle<()>,
}

impl<T> Thread<T> {
    /// Lets the thread end.
    fn end(self) {
        drop(self.to_do);
        self.thread.join().expect("a thread of the journal does not panic");
    }
}

impl Stepped {
    pub(crate) fn open(
        disk: &Disk,
        durability: Durability,
    ) -> Result<(Self, Recovered), OpenError> {
        let data = disk.folder();
        let life = disk.life();
        let db = schema::open(data, durability)?;
        schema::settle(&db, data)?;
        let recovered = recover::recover(&db)?;
        let last = recovered.last;
        let (steps, to_do) = mpsc::channel();
        let (is_done, done) = mpsc::channel();
        let (report, reports) = mpsc::channel();
        let mistake = sabotage::made();
        let writer = spawn("papo-journal", move || {
            sabotage::make(mistake);
            Writer::run(db, durability, last, &report, &|| (), PACE, |writer| {
                obey(writer, &to_do, &is_done)
            });
        });
        let (ask, questions) = mpsc::channel();
        let (answer, answers) = mpsc::sync_channel(JOURNAL_ANSWERS_WAITING_MAX);
        let data = data.to_owned();
        let reader =
            spawn("papo-read", move || reader::run(&data, &questions, None, &answer, &|| ()));
        let stepped = Self {
            disk: disk.clone(),
            life,
            writer: Some(Thread { to_do: steps, thread: writer }),
            reader: Some(Thread { to_do: ask, thread: reader }),
            done,
            reports,
            answers,
            writes: VecDeque::new(),
            questions: VecDeque::new(),
            ready: VecDeque::new(),
            answered: VecDeque::new(),
            failed: None,
            flight: Flight::default(),
        };
        // The writer prepares its statements, which reads: nobody else does meanwhile.
        let _ = stepped.done.recv();
        Ok((stepped, recovered))
    }

    pub(super) fn append(&mut self, batch: &mut Batch, wall_ms: u64) {
        let committed = self.flight.send(batch);
        self.writes.push_back(Job::Write { committed, wall_ms });
    }

    pub(super) fn committed(&mut self) -> Option<Committed> {
        let committed = self.ready.pop_front()?;
        self.flight.came_back();
        Some(committed)
    }

    pub(super) fn recycle(&mut self, done: Committed) {
        self.flight.recycle(done);
    }

    pub(super) fn fetch(&mut self, ticket: Ticket, query: Query) {
        if self.flight.ask(ticket, &query) {
            self.questions.push_back(Question { ticket, query });
        } else {
            self.answered.push_back((ticket, Fetched::Busy));
        }
    }

    pub(super) fn fetched(&mut self) -> Option<(Ticket, Fetched)> {
        let (ticket, answer) = self.answered.pop_front()?;
        self.flight.answered(ticket, &answer);
        Some((ticket, answer))
    }

    pub(super) fn has_fetched(&self) -> bool {
        !self.answered.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.flight.is_full()
    }

    pub(super) fn in_flight(&self) -> (usize, usize) {
        self.flight.load()
    }

    pub(super) fn missed_room(&self) -> usize {
        self.flight.missed_room()
    }

    pub(super) fn failure(&mut self) -> Option<String> {
        self.failed.clone()
    }

    /// Writes all that waits, and closes the store in an orderly way.
    pub(super) fn close(mut self) {
        if let Some(reader) = self.reader.take() {
            reader.end();
        }
        let jobs = self.writes.drain(..).chain([Job::Close]).collect();
        self.step(Step::Work(jobs));
        if let Some(writer) = self.writer.take() {
            writer.end();
        }
    }

    /// How many batches have been appended and not handed over to the writer.
    pub(crate) fn writes_waiting(&self) -> usize {
        self.writes.len()
    }

    /// Hands over so many batches, as if they had come together: one transaction. Returns when it has
    /// been reported what became of them.
    pub(crate) fn write(&mut self, batches: usize) {
        let jobs: Vec<Job> = self.writes.drain(..batches.min(self.writes.len())).collect();
        if !jobs.is_empty() {
            self.step(Step::Work(jobs));
        }
    }

    /// What has been reported and not been taken.
    pub(crate) fn reported(&self) -> impl Iterator<Item = &Committed> {
        self.ready.iter()
    }

    /// How many questions have no answer.
    pub(crate) fn questions_waiting(&self) -> usize {
        self.questions.len()
    }

    /// Lets the reader answer one of the questions that wait, the oldest being 0, and returns when it
    /// has. Before a search the writer indexes what there is.
    pub(crate) fn answer(&mut self, at: usize) {
        let Some(question) = self.questions.remove(at) else { return };
        if matches!(question.query, Query::Search { .. }) {
            // Nobody listens: it is done when the step is.
            let (caught_up, _) = mpsc::channel();
            self.step(Step::Work(vec![Job::CatchUp(caught_up)]));
        }
        let ticket = question.ticket;
        let asked = self.reader.as_ref().is_some_and(|reader| reader.to_do.send(question).is_ok());
        let answer = if asked { self.answers.recv().ok() } else { None };
        self.answered.push_back(answer.unwrap_or((ticket, Fetched::Failed)));
    }

    /// Lets the writer do what it does when nobody comes: index what is not indexed, and move the log
    /// if there is enough of it.
    pub(crate) fn quiet(&mut self) {
        self.step(Step::Rest);
    }

    /// The power goes off, if it is not off already. Returns when nothing is left that could write.
    pub(crate) fn crash(self) {
        self.disk.power_off();
    }

    /// The process is killed; what it has written stays as far as the disk does. Returns when nothing
    /// is left that could write.
    pub(crate) fn kill(self) {
        drop(self);
    }

    /// Lets the writer take a step, and hears what it says.
    fn step(&mut self, step: Step) {
        let sent = self.writer.as_ref().is_some_and(|writer| writer.to_do.send(step).is_ok());
        if sent {
            // An error is the thread's end, which it has reported.
            let _ = self.done.recv();
        }
        for report in self.reports.try_iter() {
            match report {
                Report::Committed(committed) => self.ready.push_back(committed),
                Report::Failed(why) => self.failed = Some(why),
            }
        }
    }
}

impl Drop for Stepped {
    fn drop(&mut self) {
        if self.writer.is_none() && self.reader.is_none() {
            return;
        }
        // A connection writes when it is closed, but not when it is dead.
        if self.disk.life() == self.life {
            self.disk.restart();
        }
        let (writer, reader) = (self.writer.take(), self.reader.take());
        if !std::thread::panicking() {
            reader.into_iter().for_each(Thread::end);
            writer.into_iter().for_each(Thread::end);
        }
    }
}

fn spawn(name: &str, life: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    Builder::new().name(name.to_owned()).spawn(life).expect("a thread can be started")
}

/// The life of a writer that is told each step.
fn obey(
    writer: &mut Writer<'_>,
    steps: &Receiver<Step>,
    is_done: &Sender<()>,
) -> Result<(), Fatal> {
    let _ = is_done.send(());
    while writer.is_open() {
        // Nobody there any more: it was killed, and does nothing more.
        let Ok(step) = steps.recv() else { break };
        match step {
            Step::Work(jobs) => writer.step(jobs)?,
            Step::Rest => writer.rest()?,
        }
        let _ = is_done.send(());
    }
    Ok(())
}
