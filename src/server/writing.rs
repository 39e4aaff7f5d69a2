//! What goes out: effects become frames in outboxes, outboxes are written once a turn.

use super::connection::{Speech, State};
use super::deadlines::Due;
use super::outbox::{Flushed, Outbox, Pool};
use super::shell::{Ground, Shell};
use crate::chat::{Class, Effect, Effects, Frame, SessionId};
use crate::limits::{BARE_PACE_MS, HELD_BYTES_MAX};
use crate::text::server::{self as text, Happened};
use crate::wire::event::MsgId;
use crate::wire::frame::Framing;
use crate::wire::websocket::CloseCode;

impl<G: Ground> Shell<G> {
    /// Does what the core has asked for, until there is nothing more.
    pub(super) fn carry_out(&mut self) {
        if self.fx.is_drained() {
            return;
        }
        let mut fx = std::mem::take(&mut self.fx);
        let mut fell_behind: Vec<(SessionId, MsgId)> = Vec::new();
        for effect in fx.list() {
            match effect {
                Effect::Send { to, frame, class } => {
                    self.post(*to, frame, *class, &fx, &mut fell_behind);
                }
                Effect::Broadcast { to, frame, class } => {
                    for to in fx.targets(to) {
                        self.post(*to, frame, *class, &fx, &mut fell_behind);
                    }
                }
                Effect::LoggedIn { session, name, heartbeat } => {
                    self.logged_in(*session, name, *heartbeat);
                }
                Effect::LoggedOut { name } => {
                    log::info!("{}", text::log_line(self.lang, Happened::LoggedOut(name)));
                }
                Effect::Resume(session) => {
                    if let Some(connection) = self.connections.get_mut(*session) {
                        connection.waiting = false;
                        self.login_answered(*session);
                        self.queue(*session);
                    }
                }
                Effect::Feed(session) => self.set_hungry(*session),
                Effect::CaughtUp(session) => {
                    if let Some(connection) = self.connections.get_mut(*session) {
                        connection.behind = false;
                    }
                }
                Effect::Close(session) => {
                    // Who says goodbye wants no more: what waits keeps for the next login.
                    if let Some(connection) = self.connections.get_mut(*session) {
                        connection.hungry = false;
                    }
                    self.begin_closing(*session);
                }
                Effect::Reject(session) => self.part(*session, Some(CloseCode::POLICY)),
            }
        }
        fx.take_saves(|save| self.ground.save(save));
        fx.take_discards(|saved_as| self.ground.discard(saved_as));
        fx.take_queries(|ticket, query| self.journal.fetch(ticket, query));
        fx.take_file_jobs(|job| self.ground.file(job));
        fx.take_checks(|check| {
            if check.held_up().0 <= self.now.mono_ms {
                return self.ground.check(check);
            }
            self.metrics.held_up += 1;
            let chat = &self.chat;
            self.holding.put(check, &self.limits, |ticket| chat.is_awaited(ticket));
        });
        fx.drained();
        self.fx = fx;
        for (session, position) in fell_behind {
            self.chat.fell_behind(session, position);
            self.set_hungry(session);
        }
    }

    /// Puts a frame into an outbox, or does with it what its class says when there is no room.
    fn post(
        &mut self,
        to: SessionId,
        frame: &Frame,
        class: Class,
        fx: &Effects,
        fell_behind: &mut Vec<(SessionId, MsgId)>,
    ) {
        let Some(connection) = self.connections.get_mut(to) else { return };
        let waiting = connection.outbox.len_bytes();
        // Who sends no more may still read; who was told that no more comes hears nothing.
        let ended = connection.is_told_nothing();
        let full = waiting > self.limits.outbox_soft_bytes_max || ended;
        let kept = match class {
            // Once one is left out, all that follow are read back from the journal after it.
            Class::Kept(_) if connection.behind => return,
            Class::Kept(position) if full => {
                connection.behind = true;
                fell_behind.push((to, position));
                return;
            }
            Class::Passing if full => return,
            Class::Answer | Class::Fed(_) if ended => return,
            // A large frame that all its recipients share may wait: who takes megabytes reads.
            Class::Answer
                if connection.outbox.owned_bytes() > self.limits.outbox_hard_bytes_max =>
            {
                return self.too_slow(to);
            }
            Class::Kept(position) | Class::Fed(position) => Some(position),
            Class::Passing | Class::Answer => None,
        };
        self.metrics.deliveries += u64::from(kept.is_some());
        self.put(to, |outbox, framing, pool| match frame {
            Frame::Shared(held) => outbox.push_shared(held, framing, kept, pool),
            Frame::Small(_) => outbox.push(fx.bytes(frame), framing, kept, pool),
        });
    }

    /// Puts something into an outbox, counts it, and has it flushed this turn. Everything that goes
    /// out passes here.
    pub(super) fn put(
        &mut self,
        id: SessionId,
        push: impl FnOnce(&mut Outbox, Framing, &mut Pool),
    ) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        let framing = connection.framing();
        let before = connection.outbox.owned_bytes();
        push(&mut connection.outbox, framing, &mut self.pool);
        self.outboxes_bytes += connection.outbox.owned_bytes() - before;
        if !connection.dirty {
            connection.dirty = true;
            self.dirty.push(id);
        }
    }

    fn logged_in(&mut self, session: SessionId, name: &str, heartbeat: bool) {
        log::info!("{}", text::log_line(self.lang, Happened::LoggedIn(name)));
        let Some(connection) = self.connections.get_mut(session) else { return };
        if connection.state == State::Greeting {
            connection.state = State::Active;
        }
        self.strangers.remove(&connection.number);
        self.deadlines.clear(&mut connection.times, session, Due::Login);
        let asks = matches!(connection.framing(), Framing::Length | Framing::WebSocket);
        if heartbeat || asks {
            self.set_due(session, Due::Heartbeat, self.limits.heartbeat_interval_ms);
        }
    }

    fn set_hungry(&mut self, session: SessionId) {
        if let Some(connection) = self.connections.get_mut(session) {
            connection.hungry = true;
            self.mark_dirty(session);
        }
    }

    pub(super) fn mark_dirty(&mut self, id: SessionId) {
        if let Some(connection) = self.connections.get_mut(id)
            && !connection.dirty
        {
            connection.dirty = true;
            self.dirty.push(id);
        }
    }

    /// Writes to each connection that has something, once.
    pub(super) fn flush_dirty(&mut self) {
        let mut batch = std::mem::take(&mut self.dirty);
        for id in batch.drain(..) {
            self.flush(id);
        }
        // What was marked meanwhile has its turn next; the larger buffer is the one to keep.
        batch.append(&mut self.dirty);
        self.dirty = batch;
        // What several share is in memory once, and has a maximum of its own.
        let shared = self.fx.gauge().bytes().saturating_sub(HELD_BYTES_MAX);
        if self.outboxes_bytes + shared > self.limits.outboxes_bytes_max {
            self.close_largest(shared > 0);
        }
        self.finish_closing();
    }

    pub(super) fn flush(&mut self, id: SessionId) {
        let now_ms = self.now.mono_ms;
        let Some(connection) = self.connections.get_mut(id) else { return };
        connection.dirty = false;
        if connection.state == State::Doomed {
            return;
        }
        if connection.transport.owes()
            && connection.writable
            && connection.flush_transport().is_err()
        {
            return self.doom(id);
        }
        if connection.outbox.len_bytes() > 0
            && connection.writable
            && now_ms >= connection.next_write_ms
        {
            let paced = connection.speech == Speech::Frames(Framing::Bare);
            let before = connection.outbox.owned_bytes();
            let flushed = connection.flush(&mut self.pool);
            self.outboxes_bytes -= before - connection.outbox.owned_bytes();
            match flushed {
                Err(_) => return self.doom(id),
                Ok(Flushed::Paused) if paced => {
                    connection.next_write_ms = now_ms + BARE_PACE_MS;
                    self.set_due(id, Due::Pace, BARE_PACE_MS);
                }
                Ok(Flushed::Paused) => self.mark_dirty(id),
                Ok(Flushed::All) if paced => connection.next_write_ms = now_ms + BARE_PACE_MS,
                Ok(Flushed::All | Flushed::Blocked) => {}
            }
        } else if connection.outbox.len_bytes() > 0 && connection.writable {
            // Put in between two frames of a paced peer, whose deadline may have passed unused.
            let wait_ms = connection.next_write_ms - now_ms;
            self.set_due(id, Due::Pace, wait_ms);
        }
        self.after_flush(id);
    }

    /// Those who wait for what they missed have their turn as others have been answered.
    pub(super) fn feed_starving(&mut self) {
        for _ in 0..self.journal.missed_room() {
            let Some(id) = self.starving.pop_front() else { return };
            if let Some(connection) = self.connections.get_mut(id) {
                connection.starving = false;
            }
            self.mark_dirty(id);
        }
    }

    /// Room in an outbox lets in what waited for it.
    fn after_flush(&mut self, id: SessionId) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        let waiting = connection.outbox.len_bytes();
        if waiting > 0 && !connection.times.is_set(Due::Stall) {
            connection.watched_sent = connection.transport.sent();
            self.set_due(id, Due::Stall, self.stall_ms());
        }
        let Some(connection) = self.connections.get_mut(id) else { return };
        if connection.held && waiting <= self.limits.outbox_soft_bytes_max {
            connection.held = false;
            self.queue(id);
        }
        let Some(connection) = self.connections.get_mut(id) else { return };
        let speaks = connection.is_open() || connection.state == State::Draining;
        let is_fed = speaks && self.stopping.is_none();
        let taken = connection.outbox.taken_kept();
        if taken > connection.told_taken {
            connection.told_taken = taken;
            self.chat.taken(id, taken, self.now);
        }
        let Some(connection) = self.connections.get_mut(id) else { return };
        // It is sent more of what waits for it when little is left.
        let low = waiting <= self.limits.outbox_soft_bytes_max / 4;
        if connection.hungry && low && is_fed {
            if self.journal.missed_room() == 0 {
                if !std::mem::replace(&mut connection.starving, true) {
                    self.starving.push_back(id);
                }
                return;
            }
            connection.hungry = false;
            self.chat.feed(id, &mut self.fx);
            self.carry_out();
        }
    }
}
