//! The turn of the loop: a table of contents. Each step is a call; what a step does stands in its
//! own file.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::{Events, Interest, Poll, Waker};
use rustls::ServerConfig;

use super::clock::Clock;
use super::connection::{Speech, State};
use super::connections::{Connections, Source};
use super::deadlines::Deadlines;
use super::gate::Gate;
use super::listener::Listeners;
use super::metrics::Metrics;
use super::outbox::Pool;
use super::secrets::Secrets;
use super::worker::{Done, Worker};
use crate::chat::{Chat, Effects, Now, SessionId};
use crate::journal::Journal;
use crate::limits::{
    CONNECTIONS_MAX, DESCRIPTORS_RESERVED, READ_BYTES_PER_TURN_MAX, SHUTDOWN_MS_MAX,
};
use crate::text::Lang;
use crate::text::server::{self as text, Happened};
use crate::wire::Code;

/// Readiness events taken in one turn.
const EVENTS_PER_TURN: usize = 1_024;

/// The server: one thread, which never waits for anything but the poll.
#[derive(Debug)]
pub(super) struct Reactor {
    pub(super) poll: Poll,
    events: Events,
    pub(super) lang: Lang,
    pub(super) clock: Clock,
    pub(super) now: Now,
    pub(super) listeners: Option<Listeners>,
    /// Which listeners may have somebody waiting.
    pub(super) arriving: Vec<bool>,
    /// No descriptors are left: the time to try again.
    pub(super) accept_again_ms: Option<u64>,
    pub(super) connections_max: usize,
    pub(super) told_full: bool,
    pub(super) connections: Connections,
    pub(super) chat: Chat,
    pub(super) fx: Effects,
    pub(super) journal: Journal,
    pub(super) worker: Worker,
    pub(super) secrets: Secrets,
    /// Which browsers may open a WebSocket.
    pub(super) gate: Gate,
    pub(super) deadlines: Deadlines,
    /// Connections that may have something to read, or frames not handled yet.
    pub(super) work: VecDeque<SessionId>,
    /// Connections that have something to write.
    pub(super) dirty: Vec<SessionId>,
    /// Connections that wait to be fed, while too many others are asked for.
    pub(super) starving: VecDeque<SessionId>,
    /// Connections that are to end once they owe nothing.
    pub(super) closing: Vec<SessionId>,
    /// Connections that leave at the end of the turn.
    pub(super) doomed: Vec<SessionId>,
    /// The working buffer, lent to one connection at a time.
    pub(super) scratch: Vec<u8>,
    pub(super) pool: Pool,
    /// How TLS is spoken, if there is a certificate.
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// Reads that may have to do with a handshake and are left for this turn.
    pub(super) handshakes_left: usize,
    pub(super) metrics: Metrics,
    /// Everybody may see them, not this machine alone.
    pub(super) metrics_public: bool,
    /// Memory that output holds, all connections together.
    pub(super) outboxes_bytes: usize,
    /// Memory that half-read frames hold, all connections together.
    pub(super) inputs_bytes: usize,
    /// When uploads that lie unfinished are looked at next.
    pub(super) expire_uploads_ms: u64,
    stop: Arc<AtomicBool>,
    stopping_until_ms: Option<u64>,
}

/// The way to stop a reactor from another thread.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    flag: Arc<AtomicBool>,
    waker: Arc<Waker>,
}

impl Stop {
    /// Asks the reactor to stop. Returns whether it had been asked before.
    pub(super) fn stop(&self) -> bool {
        let before = self.flag.swap(true, Ordering::SeqCst);
        // A loop that is gone cannot be woken, and need not be.
        let _ = self.waker.wake();
        before
    }
}

impl Reactor {
    /// Listens, and is ready to turn.
    pub(super) fn new(
        poll: Poll,
        waker: Arc<Waker>,
        mut listeners: Listeners,
        (journal, chat): (Journal, Chat),
        worker: Worker,
        lang: Lang,
    ) -> io::Result<(Self, Stop)> {
        for (number, socket) in listeners.sockets_mut().iter_mut().enumerate() {
            let token = Source::Listener(number).token();
            poll.registry().register(socket, token, Interest::READABLE)?;
        }
        let stop = Stop { flag: Arc::default(), waker: Arc::clone(&waker) };
        let mut clock = Clock::new();
        let now = clock.now();
        let started_wall_ms = now.wall_ms;
        let reactor = Self {
            events: Events::with_capacity(EVENTS_PER_TURN),
            lang,
            now,
            clock,
            arriving: vec![true; listeners.sockets_mut().len()],
            listeners: Some(listeners),
            accept_again_ms: None,
            connections_max: connections_max(),
            told_full: false,
            connections: Connections::default(),
            chat,
            fx: Effects::default(),
            journal,
            worker,
            secrets: Secrets::start(waker)?,
            gate: Gate::default(),
            deadlines: Deadlines::default(),
            work: VecDeque::new(),
            dirty: Vec::new(),
            starving: VecDeque::new(),
            closing: Vec::new(),
            doomed: Vec::new(),
            scratch: vec![0; READ_BYTES_PER_TURN_MAX],
            pool: Pool::default(),
            tls: None,
            handshakes_left: 0,
            metrics: Metrics::new(started_wall_ms),
            metrics_public: false,
            outboxes_bytes: 0,
            inputs_bytes: 0,
            expire_uploads_ms: 0,
            stop: Arc::clone(&stop.flag),
            stopping_until_ms: None,
            poll,
        };
        Ok((reactor, stop))
    }

    /// Turns until it is told to stop and everybody has been told, or until the store fails: then
    /// it returns what happened, and nobody is told anything more.
    pub(super) fn run(mut self) -> io::Result<Option<String>> {
        while self.turn()? {
            if let Some(failure) = self.journal.failure() {
                return Ok(Some(failure));
            }
        }
        // How far everybody is, is the last thing to be stored.
        self.chat.tell_seen(&mut self.fx);
        self.journal.append(&mut self.fx.batch, self.now.wall_ms);
        self.journal.close();
        Ok(None)
    }

    /// One turn. Returns whether there is to be another.
    fn turn(&mut self) -> io::Result<bool> {
        self.poll()?;
        let began_ns = self.clock.now_ns();
        self.note_readiness();
        self.receive_from_threads();
        self.read_ready();
        self.expire();
        // After all that was decided this turn, so that it is stored as one batch; before the
        // flush, so that what is stored at once leaves at once.
        self.hand_over();
        // Before anything is closed, so that farewells leave.
        self.flush_dirty();
        self.close_doomed();
        self.accept();
        self.metrics.turns.note(self.clock.now_ns() - began_ns);
        Ok(self.goes_on())
    }

    fn poll(&mut self) -> io::Result<()> {
        let timeout =
            if self.has_work() { Some(Duration::ZERO) } else { self.until_next_deadline() };
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => other?,
        }
        self.now = self.clock.now();
        Ok(())
    }

    /// What no readiness event announces: frames not handled, bytes not written, answers that needed
    /// no thread, a crowd at the door.
    fn has_work(&self) -> bool {
        let accepting = self.accept_again_ms.is_none() && self.listeners.is_some();
        // While the journal is full, its next commit wakes the loop.
        let reading = !self.work.is_empty() && !self.journal.is_full();
        reading
            || !self.fx.batch.is_empty()
            || self.journal.has_fetched()
            || !self.dirty.is_empty()
            || !self.starving.is_empty() && self.journal.missed_room() > 0
            || !self.doomed.is_empty()
            || accepting && self.arriving.contains(&true)
    }

    fn until_next_deadline(&self) -> Option<Duration> {
        let deadlines = [
            self.deadlines.next_ms(),
            self.accept_again_ms,
            self.stopping_until_ms,
            self.chat.seen_due_ms(),
            Some(self.expire_uploads_ms),
        ];
        let next = deadlines.into_iter().flatten().min()?;
        // The clock of milliseconds is up to one behind; a turn too early would spin.
        Some(Duration::from_millis(next.saturating_sub(self.now.mono_ms) + 1))
    }

    /// Sets bits and queues; no I/O.
    fn note_readiness(&mut self) {
        for event in &self.events {
            match Source::of(event.token()) {
                Source::Waker => {}
                Source::Listener(number) => {
                    if let Some(arriving) = self.arriving.get_mut(number) {
                        *arriving = true;
                    }
                }
                Source::Connection { slot, generation } => {
                    let Some(connection) = self.connections.by_event(slot, generation) else {
                        continue;
                    };
                    connection.ending |= event.is_read_closed() || event.is_error();
                    if event.is_readable() || event.is_read_closed() || event.is_error() {
                        connection.readable = true;
                        if !connection.queued {
                            connection.queued = true;
                            self.work.push_back(connection.id);
                        }
                    }
                    if event.is_writable() {
                        connection.writable = true;
                        if connection.owes() && !connection.dirty {
                            connection.dirty = true;
                            self.dirty.push(connection.id);
                        }
                    }
                }
            }
        }
    }

    fn receive_from_threads(&mut self) {
        while let Some(done) = self.worker.next_done() {
            match done {
                Done::Saved(saved) => self.chat.saved(saved, &mut self.fx),
                Done::File(done) => self.chat.file_done(done, &mut self.fx),
            }
            self.carry_out();
        }
        while let Some((ticket, checked)) = self.secrets.next_checked() {
            self.chat.checked(ticket, checked, self.now, &mut self.fx);
            self.carry_out();
        }
        self.take_committed();
        self.take_fetched();
        self.feed_starving();
    }

    /// This turn's entries go to the journal; what is stored by now happens.
    fn hand_over(&mut self) {
        if !self.fx.batch.is_empty() {
            self.metrics.hands_over(self.clock.now_ns());
            self.journal.append(&mut self.fx.batch, self.now.wall_ms);
        }
        self.fx.deliveries = 0;
        self.take_committed();
        self.take_fetched();
    }

    fn take_committed(&mut self) {
        while let Some(mut committed) = self.journal.committed() {
            self.metrics.comes_back(self.clock.now_ns());
            self.chat.committed(&mut committed, self.now, &mut self.fx);
            self.carry_out();
            self.journal.recycle(committed);
        }
    }

    fn take_fetched(&mut self) {
        while let Some((ticket, fetched)) = self.journal.fetched() {
            self.chat.fetched(ticket, fetched, self.now, &mut self.fx);
            self.carry_out();
        }
    }

    fn goes_on(&mut self) -> bool {
        match self.stopping_until_ms {
            None if self.stop.load(Ordering::SeqCst) => {
                self.stop_accepting();
                self.connections.len() > 0
            }
            None => true,
            Some(until_ms) => self.connections.len() > 0 && self.now.mono_ms < until_ms,
        }
    }

    /// Nobody new comes in, and everybody is told why they have to go.
    fn stop_accepting(&mut self) {
        log::info!("{}", text::log_line(self.lang, Happened::Stopping));
        self.stopping_until_ms = Some(self.now.mono_ms + SHUTDOWN_MS_MAX);
        self.listeners = None;
        let all: Vec<SessionId> = self.connections.iter_mut().map(|c| c.id).collect();
        for id in all {
            let Some(connection) = self.connections.get_mut(id) else { continue };
            if connection.state == State::Greeting && connection.speech == Speech::Unknown {
                self.doom(id);
            } else if connection.is_open() {
                self.reject(id, Code::ShuttingDown);
            }
        }
    }
}

/// How many connections the descriptor limit allows, raised as far as the system lets us.
fn connections_max() -> usize {
    let wanted = (CONNECTIONS_MAX + DESCRIPTORS_RESERVED) as u64;
    let descriptors = rlimit::increase_nofile_limit(wanted).unwrap_or(1_024);
    let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
    descriptors.saturating_sub(DESCRIPTORS_RESERVED).clamp(16, CONNECTIONS_MAX)
}
