//! What comes in: bytes become frames, frames become calls into the core. Bounded for each
//! connection and for the turn, so that nobody waits for somebody who never stops.

use std::ops::ControlFlow;

use super::connection::{Speech, State};
use super::deadlines::Due;
use super::http::Status;
use super::shell::{Ground, Shell};
use super::transport::Unread;
use super::websocket;
use crate::chat::{Arrival, Flow, SessionId};
use crate::limits::{
    DELIVERIES_PER_TURN_MAX, FRAMES_PER_TURN_MAX, FRAMING_ERRORS_MAX, HANDSHAKE_READS_PER_TURN_MAX,
    HTTP_HEAD_MS_MAX, READ_BYTES_PER_TURN_MAX, TLS_HANDSHAKE_MS_MAX,
};
use crate::wire::Code;
use crate::wire::frame::{FrameDecoder, Framing};
use crate::wire::request::{self, Request};
use crate::wire::sniff::{Peer, sniff};

/// Why the frames of a connection stop being handled for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// None is whole.
    Empty,
    /// This turn's share is used up: it goes to the tail of the queue.
    Share,
    /// It will be queued again by what it waits for, or never.
    Parked,
}

impl<G: Ground> Shell<G> {
    /// Serves those that may have something, each once, as far as the turn goes.
    pub(super) fn read_ready(&mut self) {
        self.handshakes_left = HANDSHAKE_READS_PER_TURN_MAX;
        for _ in 0..self.work.len() {
            // What cannot be stored now is not taken in: it waits where it is.
            if self.fx.deliveries >= DELIVERIES_PER_TURN_MAX || self.journal.is_full() {
                return;
            }
            let Some(id) = self.work.pop_front() else { return };
            let Some(connection) = self.connections.get_mut(id) else { continue };
            connection.queued = false;
            match connection.state {
                State::Lingering => self.discard(id),
                // What was not read when the server stops was not taken in either.
                State::Greeting | State::Active if self.stopping.is_some() => {}
                State::Greeting | State::Active if !connection.waiting => self.serve(id),
                // A draining one is not read: its peer's bytes wait until it lingers.
                _ => {}
            }
        }
    }

    /// Queues a connection to be served.
    pub(super) fn queue(&mut self, id: SessionId) {
        if let Some(connection) = self.connections.get_mut(id)
            && !connection.queued
        {
            connection.queued = true;
            self.work.push_back(id);
        }
    }

    fn serve(&mut self, id: SessionId) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        let Some(mut decoder) = connection.decoder.take() else { return };
        if let Some(unused) = decoder.lend(std::mem::take(&mut self.scratch)) {
            self.scratch = unused;
        }
        let frames_before = connection.frames;
        let stop = self.read_and_handle(id, &mut decoder);
        if let Some(working) = decoder.settle()
            && working.len() == READ_BYTES_PER_TURN_MAX
        {
            self.scratch = working;
        }
        if self.scratch.is_empty() {
            self.scratch = vec![0; READ_BYTES_PER_TURN_MAX];
        }
        let Some(connection) = self.connections.get_mut(id) else { return };
        self.inputs_bytes -= connection.input_bytes;
        connection.input_bytes = decoder.held_bytes();
        self.inputs_bytes += connection.input_bytes;
        let another = connection.frames != frames_before;
        connection.decoder = Some(decoder);
        self.expect_frame(id, another);
        if self.inputs_bytes > self.limits.inputs_bytes_max {
            self.close_largest_input();
        }
        if stop == Stop::Share {
            self.queue(id);
        }
    }

    fn read_and_handle(&mut self, id: SessionId, decoder: &mut FrameDecoder) -> Stop {
        let mut frames_left = FRAMES_PER_TURN_MAX;
        let mut bytes_left = READ_BYTES_PER_TURN_MAX;
        loop {
            let stop = self.handle_frames(id, decoder, &mut frames_left);
            if stop != Stop::Empty {
                return stop;
            }
            let Some(connection) = self.connections.get_mut(id) else { return Stop::Parked };
            if !connection.readable {
                return Stop::Empty;
            }
            if bytes_left == 0 {
                return Stop::Share;
            }
            // A crowd that wants to be greeted does not hold up those who are talking.
            if connection.transport.may_handshake() {
                let Some(left) = self.handshakes_left.checked_sub(1) else { return Stop::Share };
                self.handshakes_left = left;
            }
            match connection.read_into(decoder) {
                Ok(count) => {
                    bytes_left = bytes_left.saturating_sub(count);
                    self.metrics.bytes_received += count as u64;
                    // Whatever comes, somebody is there: an upload leaves no room for an answer.
                    connection.heartbeats_unanswered = 0;
                    if connection.transport.is_handshaking() {
                        self.expect_handshake(id);
                    }
                    let Some(connection) = self.connections.get_mut(id) else {
                        return Stop::Parked;
                    };
                    if connection.quiet && decoder.pending_bytes() > 0 {
                        connection.quiet = false;
                        if connection.state == State::Greeting {
                            self.set_due(id, Due::Login, self.limits.login_ms_max);
                        }
                    }
                    let Some(connection) = self.connections.get_mut(id) else {
                        return Stop::Parked;
                    };
                    if connection.speech == Speech::Unknown && !self.greet(id, decoder) {
                        return Stop::Parked;
                    }
                }
                Err(Unread::Nothing) => return Stop::Empty,
                Err(Unread::Broken) => {
                    self.doom(id);
                    return Stop::Parked;
                }
                Err(Unread::Refused(why)) => {
                    self.break_off(id, &why);
                    return Stop::Parked;
                }
                Err(Unread::End) => {
                    // A last line without its newline is still a frame.
                    if matches!(connection.speech, Speech::Frames(_))
                        && let Some(frame) = decoder.last_frame()
                    {
                        self.handle_frame(id, frame);
                    }
                    self.begin_closing(id);
                    return Stop::Parked;
                }
            }
        }
    }

    /// A handshake has begun, and is not given for ever.
    fn expect_handshake(&mut self, id: SessionId) {
        if let Some(connection) = self.connections.get_mut(id)
            && !connection.times.is_set(Due::Handshake)
        {
            self.set_due(id, Due::Handshake, TLS_HANDSHAKE_MS_MAX);
        }
    }

    /// What is half-read has to become whole in time: from its first byte on, however often more of it
    /// comes.
    fn expect_frame(&mut self, id: SessionId, another: bool) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        let begun = matches!(connection.speech, Speech::Frames(_)) && connection.has_half_read();
        let expected = connection.times.is_set(Due::Frame);
        if begun && connection.is_open() {
            if another || !expected {
                self.set_due(id, Due::Frame, self.limits.frame_ms_max);
            }
        } else if expected {
            self.deadlines.clear(&mut connection.times, id, Due::Frame);
        }
    }

    /// A login was answered. Who was refused has time to think about it.
    pub(super) fn login_answered(&mut self, id: SessionId) {
        if let Some(connection) = self.connections.get_mut(id)
            && connection.state == State::Greeting
        {
            connection.quiet = true;
            self.set_due(id, Due::Login, self.limits.silent_ms_max);
        }
    }

    /// The first byte says what kind of peer it is. Returns whether it is one that is read.
    fn greet(&mut self, id: SessionId, decoder: &mut FrameDecoder) -> bool {
        let Some(connection) = self.connections.get_mut(id) else { return false };
        let Some(first) = decoder.first_byte() else {
            return true;
        };
        connection.speech = Speech::Frames(Framing::Bare);
        match sniff(first) {
            Peer::Text => {
                connection.outbox.set_paced(true);
                return true;
            }
            Peer::Length => {
                decoder.set_framing(Framing::Length);
                connection.speech = Speech::Frames(Framing::Length);
                return true;
            }
            Peer::Http => {
                connection.speech = Speech::Http;
                self.set_due(id, Due::Login, HTTP_HEAD_MS_MAX);
                return true;
            }
            // Without a certificate, or inside of TLS already, there is nothing to say.
            Peer::Tls => self.doom(id),
            Peer::Unknown => self.reject(id, Code::InvalidFrame),
        }
        false
    }

    fn handle_frames(
        &mut self,
        id: SessionId,
        decoder: &mut FrameDecoder,
        frames_left: &mut usize,
    ) -> Stop {
        loop {
            let Some(connection) = self.connections.get_mut(id) else { return Stop::Parked };
            if !connection.is_open() || connection.waiting {
                return Stop::Parked;
            }
            // Who does not read answers may not ask: the flush queues it again.
            if connection.outbox.len_bytes() > self.limits.outbox_soft_bytes_max {
                connection.held = true;
                return Stop::Parked;
            }
            if *frames_left == 0 || self.fx.deliveries >= DELIVERIES_PER_TURN_MAX {
                return Stop::Share;
            }
            // A first login is finished only when its account is stored, which may be a turn ago.
            if connection.state == State::Active {
                decoder.set_limit(self.limits.frame_bytes_max);
            }
            let handled = match connection.speech {
                Speech::Http => self.handle_request(id, decoder),
                Speech::Frames(Framing::WebSocket) => self.handle_message(id, decoder),
                Speech::Frames(_) | Speech::Unknown => self.handle_next_frame(id, decoder),
            };
            match handled {
                ControlFlow::Continue(()) => *frames_left -= 1,
                ControlFlow::Break(stop) => return stop,
            }
        }
    }

    fn handle_next_frame(
        &mut self,
        id: SessionId,
        decoder: &mut FrameDecoder,
    ) -> ControlFlow<Stop> {
        match decoder.next_frame() {
            Ok(None) => {
                self.note_framing(id, decoder.framing());
                ControlFlow::Break(Stop::Empty)
            }
            Ok(Some(frame)) => {
                self.handle_frame(id, frame);
                self.note_framing(id, decoder.framing());
                ControlFlow::Continue(())
            }
            Err(_) => {
                self.reject(id, Code::FrameTooLarge);
                ControlFlow::Break(Stop::Parked)
            }
        }
    }

    /// A bare peer that sends newlines after all is a line peer, and needs no pacing.
    fn note_framing(&mut self, id: SessionId, framing: Framing) {
        if let Some(connection) = self.connections.get_mut(id)
            && connection.speech == Speech::Frames(Framing::Bare)
            && framing == Framing::Line
        {
            connection.speech = Speech::Frames(Framing::Line);
            connection.outbox.set_paced(false);
            connection.next_write_ms = 0;
            self.mark_dirty(id);
        }
    }

    pub(super) fn handle_frame(&mut self, id: SessionId, frame: &[u8]) {
        let envelope = request::decode(frame, &self.limits);
        let is_login = matches!(envelope.request, Ok(Request::Login(_)));
        let no_json =
            matches!(&envelope.request, Err(refusal) if refusal.code == Code::InvalidJson);
        let Some(connection) = self.connections.get_mut(id) else { return };
        connection.frames = connection.frames.wrapping_add(1);
        connection.framing_errors += u32::from(no_json);
        if connection.framing_errors >= FRAMING_ERRORS_MAX {
            self.reject(id, Code::InvalidJson);
            return;
        }
        let arrival = Arrival { caller: &mut connection.caller, bytes: frame.len() };
        let flow = self.chat.handle(id, arrival, envelope, self.now, &mut self.fx);
        self.carry_out();
        let Some(connection) = self.connections.get_mut(id) else { return };
        if flow == Flow::Wait {
            connection.waiting = true;
        } else if is_login {
            self.login_answered(id);
        }
    }

    /// Says why the connection is to end, and closes.
    pub(super) fn reject(&mut self, id: SessionId, code: Code) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        if connection.speech == Speech::Http {
            // Who has not asked is not answered.
            return if connection.has_half_read() {
                self.refuse_request(id, Status::Unavailable);
            } else {
                self.begin_closing(id);
            };
        }
        self.chat.refuse_frame(id, code, &mut self.fx);
        self.carry_out();
        self.part(id, Some(websocket::reason(code)));
    }

    fn discard(&mut self, id: SessionId) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        let mut bytes_left = READ_BYTES_PER_TURN_MAX;
        while connection.readable {
            match connection.discard(&mut self.scratch) {
                Ok(count) => bytes_left = bytes_left.saturating_sub(count),
                Err(Unread::Nothing) => return,
                Err(_) => return self.doom(id),
            }
            if bytes_left == 0 {
                return self.queue(id);
            }
        }
    }
}
