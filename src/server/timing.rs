//! What happens because time has passed.

use super::connection::{Speech, State};
use super::deadlines::Due;
use super::http::Status;
use super::shell::{Ground, Shell};
use crate::chat::SessionId;
use crate::limits::HTTP_HEAD_MS_MAX;
use crate::wire::Code;
use crate::wire::event::{Encode, Event};
use crate::wire::frame::Framing;
use crate::wire::websocket::{self, CloseCode};

/// How often unfinished uploads are looked at.
const UPLOADS_EXPIRE_EVERY_MS: u64 = 10 * 60 * 1000;

impl<G: Ground> Shell<G> {
    /// Something is due for a connection after so many milliseconds, and not before.
    pub(super) fn set_due(&mut self, id: SessionId, due: Due, after_ms: u64) {
        if let Some(connection) = self.connections.get_mut(id) {
            let at_ms = self.now.mono_ms + after_ms;
            self.deadlines.set(&mut connection.times, id, due, at_ms);
        }
    }

    /// Deadlines that have come.
    pub(super) fn expire(&mut self) {
        let now_ms = self.now.mono_ms;
        if self.chat.seen_due_ms().is_some_and(|due_ms| due_ms <= now_ms) {
            self.chat.tell_seen(&mut self.fx);
        }
        if self.expire_uploads_ms <= now_ms {
            self.expire_uploads_ms = now_ms + UPLOADS_EXPIRE_EVERY_MS;
            self.chat.expire_uploads(self.now, &mut self.fx);
            self.carry_out();
        }
        while let Some(check) = self.holding.due(now_ms) {
            if self.chat.is_awaited(check.ticket()) {
                self.ground.check(check);
            } else {
                self.holding.give_up(check.ticket());
            }
        }
        while let Some((id, due)) = self.deadlines.due(now_ms) {
            let Some(connection) = self.connections.get_mut(id) else {
                unreachable!("a connection's times are cleared when it leaves");
            };
            self.deadlines.clear(&mut connection.times, id, due);
            match due {
                Due::Login if connection.state == State::Greeting => self.too_late(id),
                Due::Handshake if connection.transport.is_handshaking() => self.doom(id),
                Due::Login | Due::Handshake => {}
                Due::Frame => self.frame_late(id),
                Due::Heartbeat => self.heartbeat(id),
                Due::Pace => self.mark_dirty(id),
                Due::Farewell => {
                    if !connection.is_open() {
                        self.doom(id);
                    }
                }
                Due::Stall => {
                    if connection.outbox.len_bytes() == 0 {
                        continue;
                    }
                    if connection.transport.sent() == connection.watched_sent {
                        self.too_slow(id);
                    } else {
                        connection.watched_sent = connection.transport.sent();
                        self.set_due(id, Due::Stall, self.stall_ms());
                    }
                }
            }
        }
    }

    /// It has not logged in, or has not sent its next request.
    fn too_late(&mut self, id: SessionId) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        // Its login is looked at, or could not be read.
        if connection.waiting || self.journal.is_full() {
            return self.set_due(id, Due::Login, self.limits.login_ms_max);
        }
        self.metrics.not_logged_in += 1;
        match connection.speech {
            // It has not taken the last response: that the stall deadline watches.
            Speech::Http if connection.outbox.len_bytes() > 0 => {
                self.set_due(id, Due::Login, HTTP_HEAD_MS_MAX);
            }
            Speech::Http if connection.has_half_read() => {
                self.refuse_request(id, Status::Timeout);
            }
            Speech::Http => self.begin_closing(id),
            Speech::Frames(Framing::WebSocket) => self.part(id, Some(CloseCode::POLICY)),
            Speech::Frames(_) | Speech::Unknown => self.doom(id),
        }
    }

    /// A frame that has begun is not whole.
    fn frame_late(&mut self, id: SessionId) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        if !connection.is_open() || !connection.has_half_read() {
            return;
        }
        // More of it may be there, and is not read: that is not its peer's doing.
        let unread = connection.waiting || connection.held || connection.readable;
        if unread || self.journal.is_full() {
            return self.set_due(id, Due::Frame, self.limits.frame_ms_max);
        }
        self.metrics.frames_late += 1;
        self.reject(id, Code::InvalidFrame);
    }

    fn heartbeat(&mut self, id: SessionId) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        if !connection.is_open() {
            return;
        }
        // A ping behind megabytes says nothing: whether those leave, the stall deadline watches.
        // And who is not read because the journal is full cannot be heard.
        if connection.outbox.len_bytes() > 0 || self.journal.is_full() {
            return self.set_due(id, Due::Heartbeat, self.limits.heartbeat_interval_ms);
        }
        let web = connection.framing() == Framing::WebSocket;
        if connection.heartbeats_unanswered >= self.limits.heartbeats_unanswered_max {
            self.metrics.unanswering += 1;
            return if web { self.part(id, Some(CloseCode::POLICY)) } else { self.doom(id) };
        }
        connection.heartbeats_unanswered += 1;
        if web {
            // Browsers answer this one by themselves.
            self.put(id, |outbox, _, pool| outbox.push_raw(&websocket::ping(), pool));
        } else {
            let mut json = Vec::new();
            Event::HeartbeatPing.encode(&mut json);
            self.put(id, |outbox, framing, pool| outbox.push(&json, framing, None, pool));
        }
        self.set_due(id, Due::Heartbeat, self.limits.heartbeat_interval_ms);
    }
}
