//! The server without the system below it: connections, their bytes, the core, the journal, and what
//! one turn does with them. Sockets, the poll and the threads are its [`Ground`], so that the whole of
//! it can also stand on a simulated one.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;

use super::connection::Connection;
use super::connections::Connections;
use super::deadlines::{Deadlines, Due};
use super::door::Door;
use super::gate::Gate;
use super::holding::Holding;
use super::metrics::Metrics;
use super::outbox::Pool;
use super::stopping::Stopping;
use super::transport::Socket;
use super::worker::Done;
use crate::chat::query::Ticket;
use crate::chat::{Caller, Chat, Check, Checked, Effects, FileJob, Now, Save, SessionId};
use crate::journal::Journal;
use crate::limits::{Limits, READ_BYTES_PER_TURN_MAX, UNAUTHENTICATED_MS_MIN};
use crate::sabotage::{self, Sabotage};
use crate::text::Lang;
use crate::text::server::{self as text, Happened};
use crate::wire::Code;

/// What a shell stands on: sockets, and slow work that others do for it. Nothing of it waits.
pub(super) trait Ground {
    /// What bytes come from and go to.
    type Socket: Socket;

    /// A socket is to be watched from now on, under the name of its connection.
    fn watch(&mut self, id: SessionId, socket: &mut Self::Socket) -> io::Result<()>;

    /// It is not watched any more, and is closed next.
    fn forget(&mut self, socket: &mut Self::Socket);

    /// Nanoseconds of a clock that only goes forward, to measure how long something takes.
    fn now_ns(&self) -> u64;

    /// Has a secret checked or made.
    fn check(&mut self, check: Check);

    /// A secret that was checked or made.
    fn next_checked(&mut self) -> Option<(Ticket, Checked)>;

    /// Secrets that are not checked yet.
    fn checks_waiting(&self) -> usize;

    /// Has a whole file kept.
    fn save(&mut self, save: Save);

    /// Has a file removed that was kept and is not wanted after all.
    fn discard(&mut self, saved_as: String);

    /// Has something done for a file in pieces.
    fn file(&mut self, job: FileJob);

    /// Something about a file that is done.
    fn next_done(&mut self) -> Option<Done>;
}

/// Everything between the sockets and the journal. One thread has it.
#[derive(Debug)]
pub(super) struct Shell<G: Ground> {
    pub(super) ground: G,
    pub(super) lang: Lang,
    pub(super) now: Now,
    pub(super) connections: Connections<G::Socket>,
    pub(super) chat: Chat,
    pub(super) fx: Effects,
    pub(super) journal: Journal,
    pub(super) limits: Limits,
    /// Which browsers may open a WebSocket.
    pub(super) gate: Gate,
    /// How many come from where.
    pub(super) door: Door,
    /// Connections without a login, oldest first, by their numbers.
    pub(super) strangers: BTreeMap<u64, SessionId>,
    /// Passwords that are not to be looked at yet.
    pub(super) holding: Holding,
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
    /// It ends.
    pub(super) stopping: Option<Stopping>,
}

impl<G: Ground> Shell<G> {
    /// Nobody is there yet.
    pub(super) fn new(ground: G, (journal, chat): (Journal, Chat), now: Now, lang: Lang) -> Self {
        Self {
            ground,
            lang,
            now,
            connections: Connections::default(),
            chat,
            fx: Effects::default(),
            journal,
            limits: Limits::default(),
            gate: Gate::default(),
            door: Door::default(),
            strangers: BTreeMap::new(),
            holding: Holding::default(),
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
            metrics: Metrics::new(now.wall_ms),
            metrics_public: false,
            outboxes_bytes: 0,
            inputs_bytes: 0,
            expire_uploads_ms: 0,
            stopping: None,
        }
    }

    /// What the operator allows.
    pub(super) fn set_limits(&mut self, mut limits: Limits) {
        if sabotage::is(Sabotage::OutboxUnbounded) {
            limits.outbox_soft_bytes_max = usize::MAX;
            limits.outbox_hard_bytes_max = usize::MAX;
            limits.outboxes_bytes_max = usize::MAX;
        }
        self.limits = limits;
        self.chat.set_limits(limits);
    }

    /// What a turn does, once it is known which connections are ready.
    pub(super) fn turn(&mut self) {
        self.receive_from_threads();
        self.read_ready();
        self.expire();
        // After all that was decided this turn, so that it is stored as one batch; before the
        // flush, so that what is stored at once leaves at once.
        self.hand_over();
        self.tell_untold();
        // Before anything is closed, so that farewells leave.
        self.flush_dirty();
        self.close_doomed();
    }

    /// What no readiness event announces: frames not handled, bytes not written, answers that needed
    /// no thread.
    pub(super) fn has_work(&self) -> bool {
        // While the journal is full, its next commit wakes the loop.
        let reading = !self.work.is_empty() && !self.journal.is_full();
        reading
            || !self.fx.batch.is_empty()
            || self.journal.has_fetched()
            || !self.dirty.is_empty()
            || !self.starving.is_empty() && self.journal.missed_room() > 0
            || !self.doomed.is_empty()
            || self.holding.has_given_up()
    }

    /// When something happens because time has passed.
    pub(super) fn next_deadline_ms(&self) -> Option<u64> {
        let deadlines = [
            self.deadlines.next_ms(),
            self.stopping.as_ref().map(Stopping::next_ms),
            self.chat.seen_due_ms(),
            self.holding.next_ms(),
            Some(self.expire_uploads_ms),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// The system says something about a connection; no I/O.
    pub(super) fn note_ready(&mut self, (slot, generation): (usize, usize), ready: Ready) {
        let Some(connection) = self.connections.by_event(slot, generation) else { return };
        connection.ending |= ready.ending;
        if ready.readable || ready.ending {
            connection.readable = true;
            if !connection.queued {
                connection.queued = true;
                self.work.push_back(connection.id);
            }
        }
        if ready.writable {
            connection.writable = true;
            if connection.owes() && !connection.dirty {
                connection.dirty = true;
                self.dirty.push(connection.id);
            }
        }
    }

    fn receive_from_threads(&mut self) {
        while let Some(done) = self.ground.next_done() {
            match done {
                Done::Saved(saved) => self.chat.saved(saved, &mut self.fx),
                Done::File(done) => self.chat.file_done(done, &mut self.fx),
            }
            self.carry_out();
        }
        while let Some(ticket) = self.holding.next_given_up() {
            self.chat.checked(ticket, Checked::Busy, self.now, &mut self.fx);
            self.carry_out();
        }
        while let Some((ticket, checked)) = self.ground.next_checked() {
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
            self.metrics.hands_over(self.ground.now_ns());
            self.journal.append(&mut self.fx.batch, self.now.wall_ms);
        }
        self.fx.deliveries = 0;
        self.take_committed();
        self.take_fetched();
    }

    fn take_committed(&mut self) {
        while let Some(mut committed) = self.journal.committed() {
            self.metrics.comes_back(self.ground.now_ns());
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

    /// How far everybody is, is the last thing to be stored.
    pub(super) fn close(mut self) {
        self.chat.tell_seen(&mut self.fx);
        self.journal.append(&mut self.fx.batch, self.now.wall_ms);
        self.journal.close();
    }

    /// Whether one from there may come in now. If so it counts as one that did.
    pub(super) fn admit(&mut self, peer: &SocketAddr) -> Result<(), Code> {
        let address = self.door.address(peer, &self.limits);
        if self.door.admit(address, &self.limits, self.now) {
            return Ok(());
        }
        self.metrics.crowding += 1;
        Err(Code::RateLimited)
    }

    /// Until when one more without a login would throw one out that has had no time to log in.
    pub(super) fn crowded_until_ms(&mut self) -> Option<u64> {
        if self.strangers.len() < self.limits.unauthenticated_max {
            return None;
        }
        let (_, oldest) = self.strangers.first_key_value()?;
        let until_ms = self.connections.get_mut(*oldest)?.since_ms + UNAUTHENTICATED_MS_MIN;
        (self.now.mono_ms < until_ms).then_some(until_ms)
    }

    /// Takes a connection in that was just accepted.
    pub(super) fn welcome(&mut self, socket: G::Socket, peer: SocketAddr) -> SessionId {
        self.metrics.accepted += 1;
        let (tls, number) = (self.tls.clone(), self.metrics.accepted);
        let caller = Caller::new(self.door.address(&peer, &self.limits));
        self.door.enters(caller.address());
        let id = self.connections.insert(|id| Connection::new(id, (peer, caller), socket, tls));
        let Some(connection) = self.connections.get_mut(id) else { return id };
        connection.number = number;
        connection.since_ms = self.now.mono_ms;
        if let Some(decoder) = &mut connection.decoder {
            decoder.set_limit(self.limits.login_frame_bytes_max);
        }
        self.strangers.insert(number, id);
        if self.ground.watch(id, connection.transport.socket_mut()).is_err() {
            self.doom(id);
            return id;
        }
        log::info!("{}", text::log_line(self.lang, Happened::Connected(&peer)));
        self.set_due(id, Due::Login, self.limits.silent_ms_max);
        self.drop_strangers();
        id
    }
}

/// What the system says about a socket.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ready {
    /// Bytes may be there.
    pub(super) readable: bool,
    /// It may take bytes.
    pub(super) writable: bool,
    /// No more bytes come after those that are there, or it is broken.
    pub(super) ending: bool,
}
