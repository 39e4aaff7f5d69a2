//! Files on their way, each with a thread of its own, so that the chat never waits for a disk.
//!
//! Whoever reads the socket hands every frame to [`Transfers::take`] first; what belongs to a transfer
//! goes into its mailbox, by the number in the request's id or by the file's. A mailbox that is full
//! stops the reading: a server is not faster than the disk for long. A transfer outlives its
//! connection: it waits for the next one and goes on.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::{DOWNLOADS_PER_SESSION_MAX, UPLOADS_PER_USER_MAX};
use crate::text::client::FileTrouble;
use crate::wire::Text;
use crate::wire::event::Incoming;
use crate::wire::request::{Fields, RequestId};

use super::connection::{Outlet, unique_label};

pub(crate) mod download;
pub(crate) mod progress;
pub(crate) mod upload;

/// Frames in one mailbox above which the socket is not read any further: 4 MiB of a file.
const MAIL_MAX: usize = 64;

/// How often who waits for the end of all transfers looks whether they move.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What a transfer tells while it is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// The file is there, under this name and of this size.
    Opened {
        /// Its name, without its folder.
        name: String,
        /// Its size in bytes.
        size: u64,
    },
    /// So many bytes have been hashed.
    Hashed(u64),
    /// Bytes move, from here on.
    Began(u64),
    /// So many bytes are across.
    Moved(u64),
    /// The connection is gone; it goes on with the next one.
    Waiting,
}

/// Why a transfer came to nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// The user leaves.
    Stopped,
    /// The server said no, in this frame.
    Refused(Vec<u8>),
    /// The file that was to be sent is to blame.
    Source(FileTrouble),
    /// The file that was to be kept cannot be: this is the system's word for it.
    Disk(String),
    /// The bytes that arrived are not those that were announced.
    WrongBytes,
    /// The same file is being fetched already, here or by another client.
    UnderWay,
    /// The server does not answer, or not as it should.
    NoAnswer,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To the server.
    Up,
    /// From it.
    Down,
}

type Job = Box<dyn FnOnce(&Line) + Send>;

#[derive(Default)]
struct Lane {
    waiting: VecDeque<Job>,
    running: usize,
}

#[derive(Default)]
struct State {
    outlet: Option<Outlet>,
    /// Counts connections: what was asked over one is not answered over the next.
    connection: u64,
    stopped: bool,
    transfers: u64,
    requests: u64,
    mail: HashMap<u64, VecDeque<Vec<u8>>>,
    /// The transfer that gets the data of a file.
    files: HashMap<u64, u64>,
    up: Lane,
    down: Lane,
    moved: u64,
}

impl State {
    fn lane(&mut self, way: Way) -> &mut Lane {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }

    fn busy(&self) -> usize {
        let count = |lane: &Lane| lane.waiting.len() + lane.running;
        count(&self.up) + count(&self.down)
    }
}

struct Hub {
    label: String,
    state: Mutex<State>,
    changed: Condvar,
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, at_most: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, at_most).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// All transfers of one client.
#[derive(Clone)]
pub(crate) struct Transfers(Arc<Hub>);

impl Transfers {
    /// None yet, and no connection.
    pub(crate) fn new() -> Self {
        let label = format!("{}-f", unique_label());
        Self(Arc::new(Hub { label, state: Mutex::default(), changed: Condvar::new() }))
    }

    /// Somebody is logged in, over this connection.
    pub(crate) fn online(&self, outlet: Outlet) {
        let mut state = self.0.lock();
        state.connection += 1;
        state.outlet = Some(outlet);
        self.0.changed.notify_all();
    }

    /// The connection is gone.
    pub(crate) fn lost(&self) {
        let mut state = self.0.lock();
        state.connection += 1;
        state.outlet = None;
        state.files.clear();
        self.0.changed.notify_all();
    }

    /// Ends all transfers where they are.
    pub(crate) fn stop(&self) {
        let mut state = self.0.lock();
        state.stopped = true;
        state.up.waiting.clear();
        state.down.waiting.clear();
        self.0.changed.notify_all();
    }

    /// Takes a frame, if it is for a transfer. Waits while that transfer has enough to do.
    pub(crate) fn take(&self, frame: &[u8]) -> bool {
        if self.busy() == 0 {
            return false;
        }
        let Some(event) = Incoming::decode(frame) else {
            return false;
        };
        let mut state = self.0.lock();
        let number = match (&event.id, event.file_id) {
            (Some(RequestId::Text(id)), _) if id.starts_with(&self.0.label) => {
                let number = id[self.0.label.len()..].split('-').next();
                number.and_then(|number| number.parse().ok())
            }
            (_, Some(file_id)) if event.kind() == "file_data" => state.files.get(&file_id).copied(),
            _ => return false,
        };
        // What comes for a transfer that has ended is nobody's any more.
        let Some(number) = number else { return true };
        let connection = state.connection;
        while !state.stopped && state.connection == connection {
            match state.mail.get_mut(&number) {
                None => break,
                Some(mail) if mail.len() < MAIL_MAX => {
                    mail.push_back(frame.to_vec());
                    state.moved += 1;
                    self.0.changed.notify_all();
                    break;
                }
                Some(_) => state = self.0.wait(state, LOOK_EVERY),
            }
        }
        true
    }

    /// Does this on a thread of its own, as soon as few enough others are under way.
    pub(crate) fn start(&self, way: Way, job: impl FnOnce(&Line) + Send + 'static) {
        let at_once = match way {
            Way::Up => UPLOADS_PER_USER_MAX,
            Way::Down => DOWNLOADS_PER_SESSION_MAX,
        };
        let mut state = self.0.lock();
        if state.stopped {
            return;
        }
        let lane = state.lane(way);
        lane.waiting.push_back(Box::new(job));
        if lane.running == at_once {
            return;
        }
        lane.running += 1;
        drop(state);
        let transfers = self.clone();
        let builder = std::thread::Builder::new().name("papo-file".into());
        // Without another thread, those that are there see to it.
        if builder.spawn(move || transfers.work(way)).is_err() {
            self.0.lock().lane(way).running -= 1;
        }
    }

    fn work(&self, way: Way) {
        loop {
            let mut state = self.0.lock();
            let Some(job) = state.lane(way).waiting.pop_front() else {
                state.lane(way).running -= 1;
                self.0.changed.notify_all();
                return;
            };
            state.transfers += 1;
            let number = state.transfers;
            state.mail.insert(number, VecDeque::new());
            drop(state);
            job(&Line { transfers: self.clone(), number });
            let mut state = self.0.lock();
            state.mail.remove(&number);
            state.files.retain(|_, transfer| *transfer != number);
            self.0.changed.notify_all();
        }
    }

    /// Transfers that are under way or wait for their turn.
    pub(crate) fn busy(&self) -> usize {
        self.0.lock().busy()
    }

    /// Grows while anything moves.
    pub(crate) fn moved(&self) -> u64 {
        self.0.lock().moved
    }

    /// Waits until nothing is under way, or until nothing has moved for so long.
    pub(crate) fn wait_while_moving(&self, patience: Duration) {
        let mut state = self.0.lock();
        let (mut moved, mut since) = (state.moved, Instant::now());
        while state.busy() > 0 && !state.stopped && since.elapsed() < patience {
            state = self.0.wait(state, LOOK_EVERY);
            if state.moved != moved {
                (moved, since) = (state.moved, Instant::now());
            }
        }
    }
}

/// What comes next for a transfer.
pub(crate) enum Next {
    /// This frame.
    Frame(Vec<u8>),
    /// Nothing: the connection is gone, or the user leaves.
    Lost,
    /// Nothing in so long.
    Silence,
}

/// One transfer's line to the server.
pub(crate) struct Line {
    transfers: Transfers,
    number: u64,
}

impl Line {
    /// Waits until somebody is logged in, and gives the connection's number. `None`: the user leaves.
    pub(crate) fn wait_online(&self) -> Option<u64> {
        let mut state = self.transfers.0.lock();
        loop {
            if state.stopped {
                return None;
            }
            if state.outlet.is_some() {
                return Some(state.connection);
            }
            state = self.transfers.0.wait(state, LOOK_EVERY);
        }
    }

    /// The user leaves.
    pub(crate) fn is_stopped(&self) -> bool {
        self.transfers.0.lock().stopped
    }

    /// Something moved that no frame tells of.
    pub(crate) fn moves(&self) {
        self.transfers.0.lock().moved += 1;
    }

    /// A label for a request that nobody else's has.
    pub(crate) fn id(&self) -> (u64, String) {
        let mut state = self.transfers.0.lock();
        state.requests += 1;
        let request = state.requests;
        (request, format!("{}{}-{request}", self.transfers.0.label, self.number))
    }

    /// Sends a request under this label, if the connection is still the same.
    pub(crate) fn send(&self, connection: u64, id: &str, fields: Fields<'_>) {
        let id = Some(RequestId::Text(Text::from(id)));
        let frame = Fields { id, ..fields }.encode();
        let state = self.transfers.0.lock();
        if let Some(outlet) = state.outlet.as_ref().filter(|_| state.connection == connection) {
            outlet.send(frame.into());
        }
    }

    /// From now on this transfer gets the data of this file.
    pub(crate) fn listen_for(&self, file_id: u64) {
        self.transfers.0.lock().files.insert(file_id, self.number);
    }

    /// The next frame for this transfer.
    pub(crate) fn next(&self, connection: u64, at_most: Duration) -> Next {
        let deadline = Instant::now() + at_most;
        let mut state = self.transfers.0.lock();
        loop {
            if state.stopped {
                return Next::Lost;
            }
            if let Some(frame) =
                state.mail.get_mut(&self.number).and_then(std::collections::VecDeque::pop_front)
            {
                self.transfers.0.changed.notify_all();
                return Next::Frame(frame);
            }
            // What had come before is not lost.
            if state.connection != connection {
                return Next::Lost;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Next::Silence;
            }
            state = self.transfers.0.wait(state, left);
        }
    }

    /// Waits, unless the user leaves meanwhile.
    pub(crate) fn pause(&self, time: Duration) {
        let deadline = Instant::now() + time;
        let mut state = self.transfers.0.lock();
        while !state.stopped {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.transfers.0.wait(state, left);
        }
    }
}

/// The number of the request that a frame answers, as [`Line::id`] gave it.
fn answered(frame: &Incoming<'_>) -> Option<u64> {
    match &frame.id {
        Some(RequestId::Text(id)) => id.rsplit('-').next()?.parse().ok(),
        _ => None,
    }
}
