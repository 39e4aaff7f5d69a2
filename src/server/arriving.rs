//! Who comes in, and what happens when no more can.

use std::io::{self, Write};

use mio::net::TcpStream;

use super::connection;
use super::listener::Accepted;
use super::reactor::Reactor;
use crate::chat::Effect;
use crate::limits::{ACCEPT_RETRY_MS, ACCEPTS_PER_TURN_MAX};
use crate::text::server::{self as text, Happened};
use crate::wire::Code;

impl Reactor {
    /// Takes those who wait at the door, so many a turn.
    pub(super) fn accept(&mut self) {
        if self.accept_again_ms.is_some_and(|at_ms| self.shell.now.mono_ms < at_ms) {
            return;
        }
        self.accept_again_ms = None;
        let mut left = ACCEPTS_PER_TURN_MAX;
        for number in 0..self.arriving.len() {
            while self.arriving[number] && left > 0 {
                left -= 1;
                // Who came before has a moment to log in. Meanwhile the others wait in the kernel.
                if let Some(until_ms) = self.shell.crowded_until_ms() {
                    self.accept_again_ms = Some(until_ms);
                    return;
                }
                let Some(listeners) = &mut self.listeners else { return };
                match listeners.accept(number) {
                    Accepted::Nobody => self.arriving[number] = false,
                    Accepted::Peer(socket, peer) => self.welcome(socket, peer),
                    Accepted::Exhausted(error) => {
                        let tried = listeners.accept_with_spare(number);
                        self.exhausted(number, tried, &error);
                        // Whoever was refused has let go of it.
                        if let Some(listeners) = &mut self.listeners {
                            listeners.renew_spare();
                        }
                        if self.accept_again_ms.is_some() {
                            return;
                        }
                    }
                }
            }
        }
    }

    /// There is no descriptor for who comes in. Tells whom the spare one was for.
    fn exhausted(&mut self, number: usize, tried: Option<Accepted>, error: &io::Error) {
        if let Some(Accepted::Nobody) = tried {
            self.arriving[number] = false;
            return;
        }
        if !self.told_exhausted {
            self.told_exhausted = true;
            let happened = Happened::AcceptFailed(error);
            log::error!("{}", text::log_line(self.shell.lang, happened));
        }
        if let Some(Accepted::Peer(socket, _)) = tried {
            self.shell.metrics.turned_away += 1;
            refuse(socket, &self.farewell(Code::ServerFull));
        }
        // No event will tell that somebody still waits.
        self.accept_again_ms = Some(self.shell.now.mono_ms + ACCEPT_RETRY_MS);
    }

    fn welcome(&mut self, socket: TcpStream, peer: std::net::SocketAddr) {
        self.told_exhausted = false;
        if self.shell.connections.len() >= self.connections_max {
            self.shell.make_room();
        }
        if self.shell.connections.len() >= self.connections_max {
            if !self.told_full {
                self.told_full = true;
                let happened = Happened::Full(self.connections_max);
                log::warn!("{}", text::log_line(self.shell.lang, happened));
            }
            self.shell.metrics.turned_away += 1;
            return refuse(socket, &self.farewell(Code::ServerFull));
        }
        self.told_full = false;
        if let Err(code) = self.shell.admit(&peer) {
            log::info!("{}", text::log_line(self.shell.lang, Happened::Crowded(&peer)));
            return refuse(socket, &self.farewell(code));
        }
        connection::set_up(&socket);
        self.shell.welcome(socket, peer);
    }

    /// The frame for who cannot be let in.
    fn farewell(&mut self, code: Code) -> Vec<u8> {
        let nobody = crate::chat::SessionId { index: u32::MAX, generation: 0 };
        let mut fx = crate::chat::Effects::default();
        self.shell.chat.refuse_frame(nobody, code, &mut fx);
        let mut json = match fx.list().first() {
            Some(Effect::Send { frame, .. }) => fx.bytes(frame).to_vec(),
            _ => Vec::new(),
        };
        json.push(b'\n');
        json
    }
}

/// Tells a peer why it is not let in, as far as its socket takes it at once, and closes.
fn refuse(mut socket: TcpStream, farewell: &[u8]) {
    let _ = socket.write(farewell);
    let _ = socket.shutdown(std::net::Shutdown::Write);
}
