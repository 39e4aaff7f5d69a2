//! One connection: its transport, what has been read of it, what waits to be written, and its state.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpStream;
use rustls::ServerConfig;
use socket2::{SockRef, TcpKeepalive};

use super::deadlines::Times;
use super::outbox::{Flushed, Outbox, Pool};
use super::transport::{Arrived, Socket, Transport, Unread};
use crate::chat::{Caller, SessionId};
use crate::limits::SOCKET_SEND_BUFFER_BYTES;
use crate::wire::frame::{FrameDecoder, Framing};
use crate::wire::websocket::CloseCode;

/// A silent peer without heartbeats is asked by the system after this long, and then this often.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It has not said what it is, or nobody has logged in.
    Greeting,
    /// It has a user.
    Active,
    /// Nothing more is read as frames; what waits is still written.
    Draining,
    /// Everything was written, and the peer was told that no more comes. What it still sends is
    /// thrown away: a close with unread bytes would be a reset, which eats the last frames.
    Lingering,
    /// It leaves the slab at the end of the turn.
    Doomed,
}

/// How a peer speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    /// It has not sent a byte.
    Unknown,
    /// It sends HTTP requests, until one of them makes it a WebSocket.
    Http,
    /// In frames.
    Frames(Framing),
}

/// How a WebSocket is told that it ends: by a last frame, after which there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goodbye {
    /// Not at all: it is no WebSocket.
    Unspoken,
    /// With this code, once everything owed has been written.
    Due(Option<CloseCode>),
    /// It has been said.
    Said,
}

/// One connection.
#[expect(clippy::struct_excessive_bools, reason = "readiness and queue bits; the state is an enum")]
#[derive(Debug)]
pub(super) struct Connection<S = TcpStream> {
    pub(super) id: SessionId,
    /// Where it comes from.
    pub(super) peer: SocketAddr,
    /// What the core keeps about it.
    pub(super) caller: Caller,
    /// Its number among all that ever came, and when it did.
    pub(super) number: u64,
    pub(super) since_ms: u64,
    pub(super) transport: Transport<S>,
    pub(super) state: State,
    /// What the peer sends; out while its frames are being handled.
    pub(super) decoder: Option<FrameDecoder>,
    /// How it speaks, once its first byte has said it.
    pub(super) speech: Speech,
    pub(super) goodbye: Goodbye,
    pub(super) outbox: Outbox,
    /// Bytes may be there to read. Only the transport's "no more" clears it.
    pub(super) readable: bool,
    /// The system may take bytes. Only its "no more" clears it.
    pub(super) writable: bool,
    /// The peer sends no more: a short read is then not yet all.
    pub(super) ending: bool,
    /// In the queue of those to be served.
    pub(super) queued: bool,
    /// In the list of those to be flushed.
    pub(super) dirty: bool,
    /// It has not begun to log in: it has sent nothing, or nothing since it was refused.
    pub(super) quiet: bool,
    /// Its next frame waits until an entry is stored.
    pub(super) waiting: bool,
    /// It does not read answers, so its requests wait.
    pub(super) held: bool,
    /// It is fed from the journal: its output is low on purpose, and it has its next page then.
    pub(super) hungry: bool,
    /// In the queue of those who wait until others have been fed.
    pub(super) starving: bool,
    /// It is behind: kept frames are not for it until it has caught up.
    pub(super) behind: bool,
    /// The newest kept frame taken by the system of which the core knows.
    pub(super) told_taken: u64,
    /// When what is due for it.
    pub(super) times: Times,
    /// What the system had taken of its output when that was last looked at.
    pub(super) watched_sent: u64,
    /// A paced peer may not have its next frame before this time.
    pub(super) next_write_ms: u64,
    /// Bytes of memory that its half-read frame holds.
    pub(super) input_bytes: usize,
    pub(super) framing_errors: u32,
    /// Frames that came whole.
    pub(super) frames: u32,
    pub(super) heartbeats_unanswered: u32,
}

impl<S: Socket> Connection<S> {
    /// A connection that was just accepted.
    pub(super) fn new(
        id: SessionId,
        (peer, caller): (SocketAddr, Caller),
        socket: S,
        tls: Option<Arc<ServerConfig>>,
    ) -> Self {
        Self {
            id,
            peer,
            caller,
            number: 0,
            since_ms: 0,
            transport: Transport::new(socket, tls),
            state: State::Greeting,
            decoder: Some(FrameDecoder::new(Framing::Bare)),
            speech: Speech::Unknown,
            goodbye: Goodbye::Unspoken,
            outbox: Outbox::default(),
            readable: false,
            writable: true,
            ending: false,
            queued: false,
            dirty: false,
            quiet: true,
            waiting: false,
            held: false,
            hungry: false,
            starving: false,
            behind: false,
            told_taken: 0,
            times: Times::default(),
            watched_sent: 0,
            next_write_ms: 0,
            input_bytes: 0,
            framing_errors: 0,
            frames: 0,
            heartbeats_unanswered: 0,
        }
    }

    /// Whether requests are read from it.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Greeting | State::Active)
    }

    /// Whether it is told nothing more.
    pub(super) fn is_told_nothing(&self) -> bool {
        matches!(self.state, State::Lingering | State::Doomed) || self.goodbye == Goodbye::Said
    }

    /// How frames for it are framed.
    pub(super) fn framing(&self) -> Framing {
        match self.speech {
            Speech::Frames(framing) => framing,
            Speech::Unknown | Speech::Http => Framing::Line,
        }
    }

    /// Whether something has arrived that is not whole, or was not looked at yet.
    pub(super) fn has_half_read(&self) -> bool {
        self.decoder.as_ref().is_some_and(|decoder| decoder.pending_bytes() > 0)
    }

    /// Whether something waits to be written.
    pub(super) fn owes(&self) -> bool {
        self.outbox.len_bytes() > 0 || self.transport.owes()
    }

    /// Reads once into a decoder. Gives the bytes for which work was done.
    pub(super) fn read_into(&mut self, decoder: &mut FrameDecoder) -> Result<usize, Unread> {
        let read = self.transport.read(decoder.spare(), self.ending);
        if let Ok(Arrived { bytes, .. }) = read {
            decoder.advance(bytes);
        }
        self.note_read(read)
    }

    /// Reads once and throws the bytes away.
    pub(super) fn discard(&mut self, scratch: &mut [u8]) -> Result<usize, Unread> {
        let read = self.transport.discard(scratch, self.ending);
        self.note_read(read)
    }

    /// Writes what waits, as far as this turn goes.
    pub(super) fn flush(&mut self, pool: &mut Pool) -> io::Result<Flushed> {
        let flushed = self.outbox.write_to(&mut self.transport, pool)?;
        if flushed == Flushed::Blocked {
            self.writable = false;
        }
        Ok(flushed)
    }

    /// Writes what waits below the outbox: a handshake, an alert, a farewell.
    pub(super) fn flush_transport(&mut self) -> io::Result<()> {
        match self.transport.flush() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.writable = false;
                Ok(())
            }
            other => other,
        }
    }

    fn note_read(&mut self, read: Result<Arrived, Unread>) -> Result<usize, Unread> {
        self.readable = matches!(read, Ok(Arrived { more: true, .. }));
        read.map(|arrived| arrived.worked)
    }
}

/// Sets a fresh socket up: frames leave at once, the kernel keeps little, a dead peer is noticed.
pub(super) fn set_up(socket: &TcpStream) {
    // Each is a kindness, none a condition: a socket without them still works.
    let _ = socket.set_nodelay(true);
    let socket = SockRef::from(socket);
    let _ = socket.set_send_buffer_size(SOCKET_SEND_BUFFER_BYTES);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY);
    let _ = socket.set_tcp_keepalive(&keepalive);
}
