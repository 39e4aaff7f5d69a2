//! A connection that has become a WebSocket: its messages are frames like any other's, and it is
//! told with a last frame that it ends.

use std::ops::ControlFlow;

use super::connection::Goodbye;
use super::reading::Stop;
use super::shell::{Ground, Shell};
use crate::chat::SessionId;
use crate::wire::Code;
use crate::wire::frame::FrameDecoder;
use crate::wire::websocket::{self, CloseCode, Message};

/// With which code a WebSocket ends that was refused with this one.
pub(super) fn reason(code: Code) -> CloseCode {
    match code {
        Code::FrameTooLarge => CloseCode::TOO_BIG,
        Code::ShuttingDown => CloseCode::GOING_AWAY,
        _ => CloseCode::POLICY,
    }
}

impl<G: Ground> Shell<G> {
    pub(super) fn handle_message(
        &mut self,
        id: SessionId,
        decoder: &mut FrameDecoder,
    ) -> ControlFlow<Stop> {
        match decoder.next_message() {
            Ok(None) => return ControlFlow::Break(Stop::Empty),
            Ok(Some(Message::Text(frame))) => self.handle_frame(id, frame),
            Ok(Some(Message::Ping(payload))) => {
                let mut pong = Vec::new();
                websocket::pong(payload, &mut pong);
                self.put(id, |outbox, _, pool| outbox.push_raw(&pong, pool));
            }
            // That something came has been noted already.
            Ok(Some(Message::Pong)) => {}
            Ok(Some(Message::Close(code))) => self.part(id, code),
            Err(CloseCode::TOO_BIG) => self.reject(id, Code::FrameTooLarge),
            Err(code) => self.part(id, Some(code)),
        }
        ControlFlow::Continue(())
    }

    /// Ends a connection; a WebSocket hears this code.
    pub(super) fn part(&mut self, id: SessionId, code: Option<CloseCode>) {
        if let Some(connection) = self.connections.get_mut(id)
            && connection.is_open()
            && connection.goodbye != Goodbye::Unspoken
        {
            connection.goodbye = Goodbye::Due(code);
        }
        self.begin_closing(id);
    }

    /// The last frame of a WebSocket.
    pub(super) fn say_goodbye(&mut self, id: SessionId, code: Option<CloseCode>) {
        let mut close = Vec::new();
        websocket::close(code, &mut close);
        self.put(id, |outbox, _, pool| outbox.push_raw(&close, pool));
    }
}
