//! Who goes: on their own, because they are told to, or because they do not read.

use super::connection::{Connection, Goodbye, Speech, State};
use super::deadlines::Due;
use super::shell::{Ground, Shell};
use crate::chat::SessionId;
use crate::limits::{FAREWELL_MS_MAX, UNAUTHENTICATED_MS_MIN};
use crate::text::server::{self as text, Happened};
use crate::wire::Code;

impl<G: Ground> Shell<G> {
    /// It does not read what it is sent, and is not waited for.
    pub(super) fn too_slow(&mut self, id: SessionId) {
        if let Some(connection) = self.connections.get_mut(id)
            && connection.state != State::Doomed
        {
            log::warn!("{}", text::log_line(self.lang, Happened::Slow(&connection.peer)));
            self.metrics.slow += 1;
            self.doom(id);
        }
    }

    /// All half-read frames together are too much: the one with the longest goes.
    pub(super) fn close_largest_input(&mut self) {
        if let Some(largest) = self.connections.iter_mut().max_by_key(|c| c.input_bytes) {
            let id = largest.id;
            self.metrics.inputs_dropped += 1;
            self.dismiss(id, Code::RateLimited);
            // At once, or who comes next this turn finds the memory still taken.
            if let Some(connection) = self.connections.get_mut(id) {
                connection.decoder = None;
                self.inputs_bytes -= std::mem::take(&mut connection.input_bytes);
            }
        }
    }

    /// Without a login, and the oldest of too many: it makes room.
    pub(super) fn drop_strangers(&mut self) {
        while self.strangers.len() > self.limits.unauthenticated_max {
            let Some((_, id)) = self.strangers.pop_first() else { return };
            self.metrics.strangers_dropped += 1;
            self.dismiss(id, Code::ServerFull);
        }
    }

    /// The server is full: who is to leave leaves now, and if need be the oldest without a login makes
    /// room, once it has had its moment.
    pub(super) fn make_room(&mut self) {
        if self.doomed.is_empty()
            && let Some((number, id)) = self.strangers.first_key_value()
            && let (number, id) = (*number, *id)
            && let Some(oldest) = self.connections.get_mut(id)
            && oldest.since_ms + UNAUTHENTICATED_MS_MIN <= self.now.mono_ms
        {
            self.strangers.remove(&number);
            self.metrics.strangers_dropped += 1;
            self.dismiss(id, Code::ServerFull);
        }
        self.close_doomed();
    }

    /// Tells a connection why it has to go, as far as its socket takes it at once, and does not wait.
    fn dismiss(&mut self, id: SessionId, code: Code) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        if matches!(connection.speech, Speech::Frames(_)) && connection.is_open() {
            self.reject(id, code);
            self.flush(id);
        }
        self.doom(id);
    }

    /// All output together is too much: the one that waits for most of what is counted goes, and of what
    /// several share if that is counted, too.
    pub(super) fn close_largest(&mut self, shared: bool) {
        let staying = self.connections.iter_mut().filter(|c| c.state != State::Doomed);
        let counted = |c: &&mut Connection<G::Socket>| {
            if shared { c.outbox.len_bytes() } else { c.outbox.owned_bytes() }
        };
        if let Some(id) = staying.max_by_key(counted).map(|largest| largest.id) {
            self.too_slow(id);
        }
    }

    /// Reads no more frames; closes once everything owed has been written. A peer that does not take
    /// it is noticed as any other that stalls.
    pub(super) fn begin_closing(&mut self, id: SessionId) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        if !connection.is_open() {
            return;
        }
        connection.state = State::Draining;
        self.strangers.remove(&connection.number);
        self.closing.push(id);
    }

    /// Ends those that owe nothing any more.
    pub(super) fn finish_closing(&mut self) {
        let mut closing = std::mem::take(&mut self.closing);
        closing.retain(|id| {
            let Some(connection) = self.connections.get_mut(*id) else { return false };
            if connection.state != State::Draining {
                return false;
            }
            if connection.outbox.len_bytes() > 0 {
                return true;
            }
            // What keeps for the next login is not waited for when the server stops.
            let owed = match &self.stopping {
                Some(_) => self.chat.is_awaiting_answers(*id),
                None => connection.hungry || self.chat.is_awaiting(*id),
            };
            if owed {
                return true;
            }
            if let Goodbye::Due(code) = connection.goodbye {
                connection.goodbye = Goodbye::Said;
                self.say_goodbye(*id, code);
                return true;
            }
            self.linger(*id);
            false
        });
        self.closing = closing;
    }

    /// The peer has broken TLS. Its alert leaves, and nothing else would arrive.
    pub(super) fn break_off(&mut self, id: SessionId, why: &str) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        let happened = Happened::TlsRefused(&connection.peer, why);
        log::debug!("{}", text::log_line(self.lang, happened));
        connection.hungry = false;
        self.linger(id);
    }

    /// Nothing more is said; the peer may still be sending. Its user has left: the name is free for
    /// whoever comes next, however long the peer takes to close.
    fn linger(&mut self, id: SessionId) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        connection.state = State::Lingering;
        self.strangers.remove(&connection.number);
        connection.transport.end_output();
        self.set_due(id, Due::Farewell, FAREWELL_MS_MAX);
        self.chat.disconnected(id, self.now, &mut self.fx);
        self.carry_out();
        // What arrived before is thrown away too, and may be the end.
        self.queue(id);
    }

    /// The connection leaves at the end of the turn.
    pub(super) fn doom(&mut self, id: SessionId) {
        if let Some(connection) = self.connections.get_mut(id)
            && connection.state != State::Doomed
        {
            connection.state = State::Doomed;
            self.doomed.push(id);
        }
    }

    /// The only place where the slab shrinks.
    pub(super) fn close_doomed(&mut self) {
        let mut doomed = std::mem::take(&mut self.doomed);
        for id in doomed.drain(..) {
            let Some(mut connection) = self.connections.remove(id) else { continue };
            self.outboxes_bytes -= connection.outbox.owned_bytes();
            self.metrics.sent_to_those_gone += connection.transport.sent();
            self.deadlines.clear_all(&mut connection.times, id);
            self.ground.forget(connection.transport.socket_mut());
            self.strangers.remove(&connection.number);
            self.door.leaves(connection.caller.address());
            self.chat.disconnected(id, self.now, &mut self.fx);
            self.inputs_bytes -= connection.input_bytes;
            self.carry_out();
        }
        doomed.append(&mut self.doomed);
        self.doomed = doomed;
    }
}
