//! A connection without a network: two pipes of bytes that arrive late, in pieces, all at once, or
//! never, between a socket of the server and a client.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;

use super::clock::Clock;
use super::dice::Dice;
use crate::server::shell::Ready;
use crate::server::transport::Socket;

/// The longest way of a piece, in milliseconds.
const DELAY_MS: u64 = 120;

/// One direction.
#[derive(Debug, Default)]
struct Pipe {
    /// On their way, with the time of their arrival.
    flying: VecDeque<(u64, Vec<u8>)>,
    /// There, and not read yet.
    arrived: VecDeque<u8>,
    /// Bytes that it holds, on their way and arrived.
    room: usize,
    /// Its writer says no more.
    ended: bool,
}

/// How a connection came to its end, as its client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// The server has said all that it had to say.
    Ended,
    /// It broke.
    Broken,
}

/// One connection.
#[expect(clippy::struct_excessive_bools, reason = "what has happened to it, in any combination")]
#[derive(Debug)]
pub(super) struct Link {
    clock: Clock,
    dice: Dice,
    to_server: Pipe,
    to_client: Pipe,
    /// What the server is told next.
    ready: Ready,
    /// The server was told that the system takes no more.
    blocked: bool,
    /// The system takes bytes again at this time, though there was room.
    writable_at_ms: Option<u64>,
    broken: bool,
    /// The server was told that no more comes.
    end_told: bool,
    /// Nothing arrives any more, and nobody is told.
    lost: bool,
    server_is_gone: bool,
}

impl Pipe {
    fn new(room: usize) -> Self {
        Self { room, ..Self::default() }
    }

    fn held(&self) -> usize {
        self.arrived.len() + self.flying.iter().map(|(_, piece)| piece.len()).sum::<usize>()
    }

    fn free(&self) -> usize {
        self.room.saturating_sub(self.held())
    }

    /// Sends bytes off, in pieces that keep their order.
    fn send(&mut self, mut bytes: &[u8], now_ms: u64, dice: &mut Dice) {
        while !bytes.is_empty() {
            let most = bytes.len() as u64;
            let piece = if dice.one_in(3) { 1 + dice.below(most) } else { most };
            let (piece, rest) = bytes.split_at(usize::try_from(piece).unwrap_or(bytes.len()));
            let delay_ms = if dice.one_in(2) { 0 } else { dice.below(DELAY_MS) };
            let after = self.flying.back().map_or(0, |(at_ms, _)| *at_ms);
            self.flying.push_back((after.max(now_ms + delay_ms), piece.to_vec()));
            bytes = rest;
        }
    }

    /// What is due arrives. Returns whether something did.
    fn arrive(&mut self, now_ms: u64) -> bool {
        let mut some = false;
        while let Some((_, piece)) = self.flying.pop_front_if(|(at_ms, _)| *at_ms <= now_ms) {
            self.arrived.extend(piece);
            some = true;
        }
        some
    }

    /// Whether all that its writer said has been read.
    fn is_over(&self) -> bool {
        self.ended && self.held() == 0
    }
}

impl Link {
    /// A connection that was just made, with the server's end of it; on a narrow one even a short
    /// frame takes its time.
    pub(super) fn new(
        clock: &Clock,
        mut dice: Dice,
        narrow: bool,
    ) -> (Rc<RefCell<Self>>, SimSocket) {
        let least = if narrow { 512 } else { 8 * 1024 };
        let sizes = [least, 16 * 1024, 64 * 1024, 256 * 1024];
        let (in_room, out_room) = (*dice.pick(&sizes), *dice.pick(&sizes));
        let link = Rc::new(RefCell::new(Self {
            clock: clock.clone(),
            dice,
            to_server: Pipe::new(in_room),
            to_client: Pipe::new(out_room),
            ready: Ready::default(),
            blocked: false,
            writable_at_ms: None,
            broken: false,
            end_told: false,
            lost: false,
            server_is_gone: false,
        }));
        let socket = SimSocket { link: Rc::clone(&link) };
        (link, socket)
    }

    /// When something happens here by itself.
    pub(super) fn next_ms(&self) -> Option<u64> {
        if self.lost {
            return None;
        }
        let pipes = [&self.to_server, &self.to_client].into_iter();
        let arrivals = pipes.filter_map(|pipe| pipe.flying.front().map(|(at_ms, _)| *at_ms));
        arrivals.chain(self.writable_at_ms).min()
    }

    /// What is due happens. Returns whether the client has something new to read.
    pub(super) fn pass_time(&mut self) -> bool {
        let now_ms = self.clock.mono_ms();
        if self.lost {
            return false;
        }
        if self.to_server.arrive(now_ms) {
            self.ready.readable = true;
        }
        if self.to_server.ended && self.to_server.flying.is_empty() && !self.end_told {
            self.end_told = true;
            self.ready.ending = true;
        }
        if self.writable_at_ms.is_some_and(|at_ms| at_ms <= now_ms) {
            self.writable_at_ms = None;
            self.ready.writable = true;
        }
        self.to_client.arrive(now_ms)
    }

    /// What the server is told, once; nothing of a connection that it has closed.
    pub(super) fn take_ready(&mut self) -> Option<Ready> {
        let ready = std::mem::take(&mut self.ready);
        let some = ready.readable || ready.writable || ready.ending;
        (some && !self.server_is_gone).then_some(ready)
    }

    /// The client sends as much as there is room for; returns how much.
    pub(super) fn send(&mut self, bytes: &[u8]) -> usize {
        if self.broken || self.server_is_gone || self.to_server.ended {
            // Into the void, as a real send buffer would.
            return bytes.len();
        }
        let count = bytes.len().min(self.to_server.free());
        self.to_server.send(&bytes[..count], self.clock.mono_ms(), &mut self.dice);
        count
    }

    /// The client reads up to so many bytes.
    pub(super) fn read(&mut self, most: usize) -> Vec<u8> {
        if self.lost {
            return Vec::new();
        }
        let count = most.min(self.to_client.arrived.len());
        let bytes = self.to_client.arrived.drain(..count).collect();
        if self.blocked && count > 0 {
            self.blocked = false;
            self.ready.writable = true;
        }
        bytes
    }

    /// Whether the client knows by now that it is over.
    pub(super) fn over(&self) -> Option<Over> {
        match self {
            Self { lost: true, .. } => None,
            Self { broken: true, .. } => Some(Over::Broken),
            Self { to_client, .. } if to_client.is_over() => Some(Over::Ended),
            _ => None,
        }
    }

    /// Whether nobody has to do with it any more.
    pub(super) fn is_done(&self) -> bool {
        self.server_is_gone && (self.broken || self.lost || self.to_client.is_over())
    }

    /// The client says no more, and may still read.
    pub(super) fn end_input(&mut self) {
        self.to_server.ended = true;
    }

    /// The connection breaks: what is on its way is gone, and both ends are told.
    pub(super) fn break_off(&mut self) {
        self.broken = true;
        self.lost = false;
        self.to_server.flying.clear();
        self.to_client.flying.clear();
        self.ready.ending = true;
    }

    /// From now on nothing arrives, and nobody is told.
    pub(super) fn lose(&mut self) {
        self.lost = !self.broken;
    }

    /// Whether it was lost.
    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { to_server, to_client, blocked, broken, lost, .. } = self;
        let held = |pipe: &Pipe| (pipe.held(), pipe.room, pipe.ended);
        let (inward, outward) = (held(to_server), held(to_client));
        write!(
            f,
            "to server {inward:?}, to client {outward:?}, blocked {blocked}, broken {broken}, "
        )?;
        write!(f, "lost {lost}, ready {:?}", self.ready)
    }
}

/// The server's end of a connection.
#[derive(Debug)]
pub(super) struct SimSocket {
    link: Rc<RefCell<Link>>,
}

impl Read for SimSocket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let link = &mut *self.link.borrow_mut();
        if link.broken {
            return Err(ErrorKind::ConnectionReset.into());
        }
        if link.dice.one_in(32) {
            return Err(ErrorKind::Interrupted.into());
        }
        let pipe = &mut link.to_server;
        if pipe.arrived.is_empty() {
            let over = pipe.ended && pipe.flying.is_empty() && !link.lost;
            return if over { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) };
        }
        let count = into.len().min(pipe.arrived.len());
        for (to, from) in into.iter_mut().zip(pipe.arrived.drain(..count)) {
            *to = from;
        }
        Ok(count)
    }
}

impl Write for SimSocket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let link = &mut *self.link.borrow_mut();
        if link.broken {
            return Err(ErrorKind::ConnectionReset.into());
        }
        let now_ms = link.clock.mono_ms();
        let free = link.to_client.free();
        if free == 0 {
            link.blocked = true;
            return Err(ErrorKind::WouldBlock.into());
        }
        if link.dice.one_in(12) {
            link.writable_at_ms = Some(now_ms + 1 + link.dice.below(DELAY_MS));
            return Err(ErrorKind::WouldBlock.into());
        }
        let most = free.min(bytes.len());
        let some = 1 + link.dice.below(most as u64);
        let count = if link.dice.one_in(6) { usize::try_from(some).unwrap_or(1) } else { most };
        link.to_client.send(&bytes[..count], now_ms, &mut link.dice);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for SimSocket {
    fn end_output(&self) {
        self.link.borrow_mut().to_client.ended = true;
    }
}

impl Drop for SimSocket {
    fn drop(&mut self) {
        let link = &mut *self.link.borrow_mut();
        link.server_is_gone = true;
        link.to_client.ended = true;
        // A close with bytes that nobody has read is a reset, which may eat what is on its way.
        if link.to_server.held() > 0 {
            link.broken = true;
            if link.dice.one_in(2) {
                link.to_client.flying.clear();
                link.to_client.arrived.clear();
            }
        }
    }
}
