//! A relay without meaning: what a chat server's work costs when nothing is understood, checked or
//! answered. The load tool measures it in the same run, so that a figure is a ratio and not this
//! machine's mood.
//!
//! One thread, one hash look-up per line, output coalesced per turn. Its lines:
//!
//! - `=KEY` makes this connection the one that KEY leads to, `+KEY` adds it to those that KEY leads
//!   to. Both come back as they are, so that the sender knows when it is so.
//! - `>KEY…` goes on, as it is, to all to whom KEY leads, but not back to its sender.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use foldhash::fast::FixedState;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use crate::limits::{LISTEN_BACKLOG, READ_BYTES_PER_TURN_MAX};

/// Bytes of a key: names are padded, so that it is always at the same place.
pub(super) const KEY_BYTES: usize = 32;

/// First byte of a line that makes its sender reachable.
pub(super) const REGISTER: u8 = b'=';

/// First byte of a line that adds its sender to a group.
pub(super) const JOIN: u8 = b'+';

/// First byte of a line that goes on to somebody.
pub(super) const PASS_ON: u8 = b'>';

/// Output that may wait for one connection. The load tool bounds what is on its way; whoever else
/// found this port is cut off.
const OUT_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How soon the relay notices that it is to stop.
const STOP_CHECK: Duration = Duration::from_millis(100);

const LISTENER: Token = Token(usize::MAX);

type Key = [u8; KEY_BYTES];

/// The relay.
pub(super) struct Relay {
    poll: Poll,
    listener: TcpListener,
    connections: Slab<Connection>,
    routes: HashMap<Key, Vec<usize>, FixedState>,
    scratch: Vec<u8>,
    readable: Vec<usize>,
    dirty: Vec<usize>,
    doomed: Vec<usize>,
}

struct Connection {
    stream: TcpStream,
    unfinished: Vec<u8>,
    out: Vec<u8>,
    written: usize,
    link: Link,
    /// An event told that the other side has ended the stream, or that it failed.
    ending: bool,
    in_readable: bool,
    in_dirty: bool,
}

/// What a connection can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// The socket takes bytes, as far as is known.
    Writable,
    /// It is full: a writable event goes on with it.
    Blocked,
    /// It is closed at the end of the turn.
    Doomed,
}

impl Relay {
    /// A relay on a free port of the loopback interface.
    pub(super) fn new() -> io::Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(LISTEN_BACKLOG)?;
        let mut listener = TcpListener::from_std(socket.into());
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            poll,
            listener,
            connections: Slab::new(),
            routes: HashMap::default(),
            scratch: vec![0; READ_BYTES_PER_TURN_MAX],
            readable: Vec::new(),
            dirty: Vec::new(),
            doomed: Vec::new(),
        })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Relays until told to stop.
    pub(super) fn run(mut self, stop: &AtomicBool) -> io::Result<()> {
        let mut events = Events::with_capacity(1_024);
        while !stop.load(Ordering::Relaxed) {
            let timeout = if self.readable.is_empty() { STOP_CHECK } else { Duration::ZERO };
            match self.poll.poll(&mut events, Some(timeout)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            let accept = self.note(&events);
            self.read_ready();
            self.flush_dirty();
            self.close_doomed();
            if accept {
                self.accept();
            }
        }
        Ok(())
    }

    fn note(&mut self, events: &Events) -> bool {
        let mut accept = false;
        for event in events {
            if event.token() == LISTENER {
                accept = true;
                continue;
            }
            let index = event.token().0;
            let Some(connection) = self.connections.get_mut(index) else {
                continue;
            };
            if event.is_writable() && connection.link == Link::Blocked {
                connection.link = Link::Writable;
                if !connection.out.is_empty() && !connection.in_dirty {
                    connection.in_dirty = true;
                    self.dirty.push(index);
                }
            }
            connection.ending |= event.is_read_closed() || event.is_error();
            if (event.is_readable() || connection.ending) && !connection.in_readable {
                connection.in_readable = true;
                self.readable.push(index);
            }
        }
        accept
    }

    fn read_ready(&mut self) {
        let mut readable = std::mem::take(&mut self.readable);
        for index in readable.drain(..) {
            self.connections[index].in_readable = false;
            if self.read(index) {
                self.connections[index].in_readable = true;
                self.readable.push(index);
            }
        }
        if self.readable.is_empty() {
            self.readable = readable;
        }
    }

    /// Reads once from a connection. Says whether there may be more.
    fn read(&mut self, index: usize) -> bool {
        let connection = &mut self.connections[index];
        let kept = connection.unfinished.len();
        if kept == self.scratch.len() {
            // A line may be as long as a text may be; twice that is room enough for one read more.
            self.scratch.resize(kept * 2, 0);
        }
        self.scratch[..kept].copy_from_slice(&connection.unfinished);
        connection.unfinished.clear();
        let count = match connection.stream.read(&mut self.scratch[kept..]) {
            Ok(0) => 0,
            Ok(count) => count,
            Err(error) => {
                connection.unfinished.extend_from_slice(&self.scratch[..kept]);
                match error.kind() {
                    io::ErrorKind::WouldBlock => return false,
                    io::ErrorKind::Interrupted => return true,
                    _ => 0,
                }
            }
        };
        if count == 0 || kept + count > OUT_BYTES_MAX {
            self.doom(index);
            return false;
        }
        let scratch = std::mem::take(&mut self.scratch);
        let received = &scratch[..kept + count];
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', received) {
            self.pass(index, &received[start..=end]);
            start = end + 1;
        }
        let connection = &mut self.connections[index];
        connection.unfinished.extend_from_slice(&received[start..]);
        // A short read has emptied the socket, but the end of the stream is no byte. Elsewhere mio
        // wants to see `WouldBlock` before it tells of more.
        let full = kept + count == scratch.len();
        let more = full || connection.ending || !cfg!(target_os = "linux");
        self.scratch = scratch;
        more
    }

    /// One line, with its newline.
    fn pass(&mut self, from: usize, line: &[u8]) {
        let Some((what, Some(key))) =
            line.split_first().map(|(what, rest)| (*what, rest.first_chunk::<KEY_BYTES>()))
        else {
            return;
        };
        match what {
            PASS_ON => {
                let Some(recipients) = self.routes.get(key) else {
                    return;
                };
                for &to in recipients {
                    if to != from {
                        append(&mut self.connections, &mut self.dirty, to, line);
                    }
                }
            }
            REGISTER => {
                self.routes.insert(*key, vec![from]);
                append(&mut self.connections, &mut self.dirty, from, line);
            }
            JOIN => {
                self.routes.entry(*key).or_default().push(from);
                append(&mut self.connections, &mut self.dirty, from, line);
            }
            _ => {}
        }
    }

    fn flush_dirty(&mut self) {
        for index in std::mem::take(&mut self.dirty) {
            let connection = &mut self.connections[index];
            connection.in_dirty = false;
            if connection.write().is_err() || connection.out.len() > OUT_BYTES_MAX {
                self.doom(index);
            }
        }
    }

    fn doom(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        if connection.link != Link::Doomed {
            connection.link = Link::Doomed;
            self.doomed.push(index);
        }
    }

    fn close_doomed(&mut self) {
        for index in std::mem::take(&mut self.doomed) {
            let mut connection = self.connections.remove(index);
            let _ = self.poll.registry().deregister(&mut connection.stream);
            for list in [&mut self.readable, &mut self.dirty] {
                list.retain(|listed| *listed != index);
            }
            for route in self.routes.values_mut() {
                route.retain(|listed| *listed != index);
            }
        }
    }

    fn accept(&mut self) {
        // Any error ends the run of accepts; the load tool notices who has no connection.
        while let Ok((mut stream, _)) = self.listener.accept() {
            let entry = self.connections.vacant_entry();
            let both = Interest::READABLE | Interest::WRITABLE;
            let registered = self.poll.registry().register(&mut stream, Token(entry.key()), both);
            if registered.is_err() || stream.set_nodelay(true).is_err() {
                continue;
            }
            entry.insert(Connection {
                stream,
                unfinished: Vec::new(),
                out: Vec::new(),
                written: 0,
                link: Link::Writable,
                ending: false,
                in_readable: false,
                in_dirty: false,
            });
        }
    }
}

fn append(connections: &mut Slab<Connection>, dirty: &mut Vec<usize>, to: usize, line: &[u8]) {
    let Some(connection) = connections.get_mut(to) else {
        return;
    };
    connection.out.extend_from_slice(line);
    if connection.link == Link::Writable && !connection.in_dirty {
        connection.in_dirty = true;
        dirty.push(to);
    }
}

impl Connection {
    fn write(&mut self) -> io::Result<()> {
        while self.link == Link::Writable && self.written < self.out.len() {
            match self.stream.write(&self.out[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => self.link = Link::Blocked,
                    io::ErrorKind::Interrupted => {}
                    _ => return Err(error),
                },
            }
        }
        if self.written == self.out.len() {
            self.out.clear();
            self.written = 0;
        }
        Ok(())
    }
}

/// What the hidden `papo load --relay` does: says its port in a line on stdout, and relays until its
/// stdin ends, which it does when the load tool ends, however it ends.
pub(super) fn run_as_child() -> io::Result<()> {
    let relay = Relay::new()?;
    let port = relay.address()?.port();
    writeln!(io::stdout(), "{port}")?;
    io::stdout().flush()?;
    let stop = Arc::new(AtomicBool::new(false));
    let until = Arc::clone(&stop);
    std::thread::spawn(move || {
        // Whether it ended or failed: nobody is there any more.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        until.store(true, Ordering::Relaxed);
    });
    relay.run(&stop)
}
