//! Many clients on one thread: connections, reading lines, writing what is queued. What the lines
//! mean is not known here.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::websocket;
use crate::wire::frame::Framing;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

/// What one `read` takes at most. The longest line has to fit, escaped in the most wasteful way.
const SCRATCH_BYTES: usize = 1024 * 1024;

/// On Linux a read that does not fill its buffer has emptied the socket (epoll(7)), which saves a
/// system call per read. Elsewhere mio asks to read on until `WouldBlock`. The end of the stream is
/// no byte, so where an event told of it, too, the reading goes on until it is met.
const SHORT_READ_IS_THE_LAST: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Reads from one client in one turn, so that one that gets much does not keep others waiting.
const READS_PER_TURN_MAX: usize = 4;

/// All clients of one server.
#[derive(Debug)]
pub(super) struct Swarm {
    poll: Poll,
    events: Events,
    address: SocketAddr,
    /// How what is said is told apart: lines, or WebSocket messages.
    framing: Framing,
    peers: Vec<Peer>,
    scratch: Vec<u8>,
    /// Clients that may have something to read.
    readable: Vec<usize>,
    /// Clients that have something to write and a socket that may take it.
    dirty: Vec<usize>,
    broken: Option<Broken>,
}

/// A connection that ended without having been asked to.
#[derive(Debug)]
pub(super) struct Broken {
    /// Whose it was.
    pub(super) client: usize,
    /// Why it ended; none when the server closed it in an orderly way.
    pub(super) error: Option<io::Error>,
}

#[expect(clippy::struct_excessive_bools, reason = "readiness and queue bits")]
#[derive(Debug)]
struct Peer {
    stream: TcpStream,
    link: Link,
    /// The start of a line or message whose end has not arrived.
    unfinished: Vec<u8>,
    /// The WebSocket's handshake has been answered.
    open: bool,
    out: Vec<u8>,
    /// How much of `out` the socket has taken.
    written: usize,
    /// An event told that the other side has ended the stream, or that it failed.
    ending: bool,
    in_readable: bool,
    in_dirty: bool,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// On its way, or the socket is full: a writable event goes on with it.
    Blocked,
    /// The socket takes bytes, as far as is known.
    Writable,
    /// Gone.
    Closed,
}

impl Swarm {
    /// Nobody yet, who will connect to this address.
    pub(super) fn new(address: SocketAddr, framing: Framing, clients: usize) -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(clients.clamp(64, 4_096)),
            address,
            framing,
            peers: Vec::with_capacity(clients),
            scratch: vec![0; SCRATCH_BYTES],
            readable: Vec::new(),
            dirty: Vec::new(),
            broken: None,
        })
    }

    /// One client more. Says its index; what is queued for it leaves when it is connected.
    pub(super) fn connect(&mut self) -> io::Result<usize> {
        let mut stream = TcpStream::connect(self.address)?;
        // Without it the last small write of a turn would wait for an acknowledgement.
        stream.set_nodelay(true)?;
        let index = self.peers.len();
        self.poll.registry().register(
            &mut stream,
            Token(index),
            Interest::READABLE | Interest::WRITABLE,
        )?;
        let out = match self.framing {
            Framing::WebSocket => websocket::handshake(self.address),
            Framing::Bare | Framing::Line | Framing::Length => Vec::new(),
        };
        self.peers.push(Peer {
            stream,
            link: Link::Blocked,
            unfinished: Vec::new(),
            open: false,
            out,
            written: 0,
            ending: false,
            in_readable: false,
            in_dirty: false,
        });
        Ok(index)
    }

    /// Where to append what this client says next.
    pub(super) fn out(&mut self, client: usize) -> &mut Vec<u8> {
        self.note_dirty(client);
        &mut self.peers[client].out
    }

    /// The first connection that ended, if one has.
    pub(super) fn broken(&self) -> Option<&Broken> {
        self.broken.as_ref()
    }

    /// Writes what is queued: one `write` per client, as far as sockets take it.
    pub(super) fn flush(&mut self) {
        while let Some(client) = self.dirty.pop() {
            self.peers[client].in_dirty = false;
            if let Err(error) = self.peers[client].write() {
                self.close(client, Some(error));
            }
        }
    }

    /// Waits for events, at most this long, and gives each line that has arrived to `hear`, with
    /// the client that it came to and the time at which it was read.
    pub(super) fn turn(
        &mut self,
        timeout: Duration,
        hear: &mut impl FnMut(usize, &[u8], Instant),
    ) -> io::Result<()> {
        let timeout = if self.readable.is_empty() && self.dirty.is_empty() {
            timeout
        } else {
            Duration::ZERO
        };
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        self.note_events();
        let mut readable = std::mem::take(&mut self.readable);
        for client in readable.drain(..) {
            self.peers[client].in_readable = false;
            // What is left waits for the next turn, behind the others.
            if self.read(client, hear) {
                self.peers[client].in_readable = true;
                self.readable.push(client);
            }
        }
        if self.readable.is_empty() {
            self.readable = readable;
        }
        self.flush();
        Ok(())
    }

    fn note_events(&mut self) {
        for event in &self.events {
            let client = event.token().0;
            let Some(peer) = self.peers.get_mut(client) else {
                continue;
            };
            if peer.link == Link::Closed {
                continue;
            }
            if event.is_writable() && peer.link == Link::Blocked {
                peer.link = Link::Writable;
                if !peer.in_dirty && !peer.out.is_empty() {
                    peer.in_dirty = true;
                    self.dirty.push(client);
                }
            }
            // An error is read like the end of the stream: the read says which.
            peer.ending |= event.is_read_closed() || event.is_error();
            if (event.is_readable() || peer.ending) && !peer.in_readable {
                peer.in_readable = true;
                self.readable.push(client);
            }
        }
    }

    /// Reads from one client. Says whether there may be more.
    fn read(&mut self, client: usize, hear: &mut impl FnMut(usize, &[u8], Instant)) -> bool {
        for _ in 0..READS_PER_TURN_MAX {
            let peer = &mut self.peers[client];
            if peer.link == Link::Closed {
                return false;
            }
            let kept = peer.unfinished.len();
            if kept >= self.scratch.len() {
                let error = io::Error::new(io::ErrorKind::InvalidData, "endless line");
                self.close(client, Some(error));
                return false;
            }
            self.scratch[..kept].copy_from_slice(&peer.unfinished);
            peer.unfinished.clear();
            let count = match peer.stream.read(&mut self.scratch[kept..]) {
                Ok(0) => {
                    self.close(client, None);
                    return false;
                }
                Ok(count) => count,
                Err(error) => {
                    peer.unfinished.extend_from_slice(&self.scratch[..kept]);
                    match error.kind() {
                        io::ErrorKind::WouldBlock => return false,
                        io::ErrorKind::Interrupted => continue,
                        // A connection that failed tells it here; one on its way does not read.
                        io::ErrorKind::NotConnected if peer.link == Link::Blocked => return false,
                        _ => self.close(client, Some(error)),
                    }
                    return false;
                }
            };
            let now = Instant::now();
            let received = &self.scratch[..kept + count];
            let mut start = 0;
            if self.framing == Framing::WebSocket {
                let said = |text: &[u8]| hear(client, text, now);
                match websocket::cut(received, &mut peer.open, &mut peer.out, said) {
                    Ok(done) => start = done,
                    Err(error) => {
                        self.close(client, Some(error));
                        return false;
                    }
                }
            } else {
                for end in memchr::memchr_iter(b'\n', received) {
                    hear(client, &received[start..end], now);
                    start = end + 1;
                }
            }
            peer.unfinished.extend_from_slice(&received[start..]);
            let answers = !peer.out.is_empty();
            let is_last = SHORT_READ_IS_THE_LAST && !peer.ending;
            if answers {
                self.note_dirty(client);
            }
            if is_last && kept + count < self.scratch.len() {
                return false;
            }
        }
        true
    }

    fn note_dirty(&mut self, client: usize) {
        let peer = &mut self.peers[client];
        if peer.link == Link::Writable && !peer.in_dirty {
            peer.in_dirty = true;
            self.dirty.push(client);
        }
    }

    fn close(&mut self, client: usize, error: Option<io::Error>) {
        let peer = &mut self.peers[client];
        if peer.link == Link::Closed {
            return;
        }
        peer.link = Link::Closed;
        let _ = self.poll.registry().deregister(&mut peer.stream);
        // The first one tells why; the others follow from it.
        self.broken.get_or_insert(Broken { client, error });
    }
}

impl Peer {
    fn write(&mut self) -> io::Result<()> {
        while self.link == Link::Writable && self.written < self.out.len() {
            match self.stream.write(&self.out[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => self.link = Link::Blocked,
                    // Some systems report a first writable event before the connection stands.
                    io::ErrorKind::NotConnected if self.written == 0 => self.link = Link::Blocked,
                    io::ErrorKind::Interrupted => {}
                    _ => return Err(error),
                },
            }
        }
        if self.written == self.out.len() {
            self.out.clear();
            self.written = 0;
        } else if self.written > self.out.len() / 2 {
            // Rare: only when a socket is full. Keeps a blocked client's memory bounded.
            self.out.drain(..self.written);
            self.written = 0;
        }
        Ok(())
    }
}
