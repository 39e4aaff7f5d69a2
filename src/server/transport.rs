//! What lies between a connection's bytes and its socket: nothing, or TLS, told apart by the first
//! byte that comes. Above it nobody knows which.
//!
//! rustls is used without I/O of its own: ciphertext is read here and given to it in pieces, and what
//! it wants to send is written here. Two promises are made to those above:
//!
//! - Bytes count as written when the system has taken their ciphertext, so what an outbox has got rid
//!   of is on its way. Until then [`Transport::write`] says that it would block, and the next call
//!   begins with the same bytes. One record at a time is encrypted, so output is not kept twice.
//! - Plaintext that rustls holds while the socket has nothing more is announced by no event: a read
//!   says whether there may be more of either.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::{ServerConfig, ServerConnection};

use crate::limits::TLS_HANDSHAKE_BYTES_MAX;
use crate::wire::sniff::{Peer, sniff};

/// The plaintext of one record (RFC 8446, section 5.1), and so what is read and encrypted at once.
const RECORD_BYTES: usize = 16 * 1024;

/// What a transport stands on.
pub(super) trait Socket: Read + Write {
    /// Tells the peer that no more comes.
    fn end_output(&self);
}

impl Socket for TcpStream {
    fn end_output(&self) {
        // A peer that is gone already has nothing to be told.
        let _ = self.shutdown(Shutdown::Write);
    }
}

/// A socket, and TLS around it if the peer began with that.
#[derive(Debug)]
pub(super) struct Transport<S = TcpStream> {
    socket: S,
    layer: Layer,
    /// Bytes that the system took since the connection began.
    sent: u64,
    /// Nothing more is said; the socket is told so when all ciphertext is out.
    ending: bool,
}

#[derive(Debug)]
enum Layer {
    /// Nothing has come yet; if it is TLS, this is how to speak it.
    Unknown(Arc<ServerConfig>),
    Plain,
    Tls(Box<Tls>),
}

/// TLS on one connection.
#[derive(Debug)]
struct Tls {
    rustls: ServerConnection,
    /// Plaintext whose ciphertext has not left whole.
    sealed: usize,
    /// Bytes that came before the handshake was finished.
    handshake_bytes: usize,
    /// It was broken off: an alert may still leave, and nothing else.
    failed: bool,
}

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrived {
    /// Bytes for the connection; of a handshake there are none.
    pub(super) bytes: usize,
    /// Bytes for which work was done, which a turn's share is counted in.
    pub(super) worked: usize,
    /// There may be more already.
    pub(super) more: bool,
}

/// Why a read brought nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// There is nothing now.
    Nothing,
    /// There is nothing ever again. A TLS peer that ends without saying so ends too: no frame is
    /// whole because its stream ends.
    End,
    /// The connection broke.
    Broken,
    /// The peer broke TLS, or its handshake took too much; it is told by an alert.
    Refused(String),
}

impl<S: Socket> Transport<S> {
    /// A fresh connection; `tls` if there is a certificate to show.
    pub(super) fn new(socket: S, tls: Option<Arc<ServerConfig>>) -> Self {
        let layer = tls.map_or(Layer::Plain, Layer::Unknown);
        Self { socket, layer, sent: 0, ending: false }
    }

    /// The socket, to register.
    pub(super) fn socket_mut(&mut self) -> &mut S {
        &mut self.socket
    }

    /// Bytes that the system took since the connection began: what has not grown has stalled.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// Whether the peer speaks TLS.
    pub(super) fn is_tls(&self) -> bool {
        matches!(self.layer, Layer::Tls(_))
    }

    /// Whether a TLS handshake has begun and is not finished.
    pub(super) fn is_handshaking(&self) -> bool {
        matches!(&self.layer, Layer::Tls(tls) if tls.rustls.is_handshaking() && !tls.failed)
    }

    /// Whether the next read may have to do with a handshake, which costs far more than other reads.
    pub(super) fn may_handshake(&self) -> bool {
        matches!(self.layer, Layer::Unknown(_)) || self.is_handshaking()
    }

    /// Whether ciphertext waits for the socket.
    pub(super) fn owes(&self) -> bool {
        matches!(&self.layer, Layer::Tls(tls) if tls.rustls.wants_write())
    }

    /// Reads from the socket at most once. `ending`: the peer's end was announced, so a read that
    /// does not fill its room is not the last.
    pub(super) fn read(&mut self, into: &mut [u8], ending: bool) -> Result<Arrived, Unread> {
        match &mut self.layer {
            Layer::Plain => {
                let count = read_once(&mut self.socket, into)?;
                let more = is_more(count, into.len(), ending);
                return Ok(Arrived { bytes: count, worked: count, more });
            }
            Layer::Tls(tls) => {
                let before = tls.take(into)?;
                if before > 0 {
                    return Ok(Arrived { bytes: before, worked: before, more: true });
                }
            }
            Layer::Unknown(_) => {}
        }
        self.read_piece(into, ending)
    }

    /// Reads where the bytes are, or may turn out to be, ciphertext.
    fn read_piece(&mut self, into: &mut [u8], ending: bool) -> Result<Arrived, Unread> {
        // Not more than there is room for, so that what rustls still has then is one record at most.
        let mut piece = [0; RECORD_BYTES];
        let room = piece.len().min(into.len());
        let count = read_once(&mut self.socket, &mut piece[..room])?;
        let piece = &piece[..count];
        if let Layer::Unknown(config) = &self.layer {
            if sniff(piece[0]) != Peer::Tls {
                self.layer = Layer::Plain;
                into[..count].copy_from_slice(piece);
                let more = is_more(count, room, ending);
                return Ok(Arrived { bytes: count, worked: count, more });
            }
            let tls = Tls::new(Arc::clone(config)).map_err(|_| Unread::Broken)?;
            self.layer = Layer::Tls(Box::new(tls));
        }
        let Layer::Tls(tls) = &mut self.layer else { return Err(Unread::Broken) };
        let fed = tls.feed(piece, into);
        // A handshake's next flight, or an alert.
        match self.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(Unread::Broken),
            _ => fed.map(|(bytes, more)| Arrived {
                bytes,
                worked: count.max(bytes),
                more: more || is_more(count, room, ending),
            }),
        }
    }

    /// Reads once from the socket and throws the bytes away, encrypted as they are.
    pub(super) fn discard(&mut self, scratch: &mut [u8], ending: bool) -> Result<Arrived, Unread> {
        let count = read_once(&mut self.socket, scratch)?;
        let more = is_more(count, scratch.len(), ending);
        Ok(Arrived { bytes: 0, worked: count, more })
    }

    /// Writes the ciphertext that waits.
    ///
    /// # Errors
    /// `WouldBlock` when the system does not take all of it now.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let Layer::Tls(tls) = &mut self.layer else { return Ok(()) };
        while tls.rustls.wants_write() {
            match tls.rustls.write_tls(&mut self.socket) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => self.sent += count as u64,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.ending {
            self.socket.end_output();
        }
        Ok(())
    }

    /// Tells the peer that no more comes, as soon as what it is owed is out.
    pub(super) fn end_output(&mut self) {
        match &mut self.layer {
            Layer::Tls(tls) => {
                if !tls.failed {
                    tls.rustls.send_close_notify();
                }
                self.ending = true;
                // What does not leave now leaves when the socket takes bytes again.
                let _ = self.flush();
            }
            Layer::Unknown(_) | Layer::Plain => self.socket.end_output(),
        }
    }
}

impl<S: Socket> Write for Transport<S> {
    /// Writes some of the bytes. After `WouldBlock` the next call has to begin with the same ones.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !matches!(self.layer, Layer::Tls(_)) {
            let count = self.socket.write(bytes)?;
            self.sent += count as u64;
            return Ok(count);
        }
        self.flush()?;
        let Layer::Tls(tls) = &mut self.layer else { return Ok(0) };
        if tls.failed || tls.rustls.is_handshaking() {
            // Nobody is there to read it yet, or any more.
            return Err(ErrorKind::NotConnected.into());
        }
        if tls.sealed == 0 {
            let most = bytes.len().min(RECORD_BYTES);
            tls.sealed = tls.rustls.writer().write(&bytes[..most])?;
            self.flush()?;
        }
        let Layer::Tls(tls) = &mut self.layer else { return Ok(0) };
        Ok(std::mem::take(&mut tls.sealed))
    }

    fn flush(&mut self) -> io::Result<()> {
        Transport::flush(self)
    }
}

impl Tls {
    fn new(config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        let rustls = ServerConnection::new(config)?;
        Ok(Self { rustls, sealed: 0, handshake_bytes: 0, failed: false })
    }

    /// Plaintext that is there.
    fn take(&mut self, into: &mut [u8]) -> Result<usize, Unread> {
        if into.is_empty() {
            return Ok(0);
        }
        match self.rustls.reader().read(into) {
            // It has said that no more comes.
            Ok(0) => Err(Unread::End),
            Ok(count) => Ok(count),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            Err(_) => Err(Unread::End),
        }
    }

    /// Decrypts a piece. Gives the bytes that came of it, and whether more of them wait, or the end.
    fn feed(&mut self, mut piece: &[u8], into: &mut [u8]) -> Result<(usize, bool), Unread> {
        if self.rustls.is_handshaking() {
            self.handshake_bytes += piece.len();
            if self.handshake_bytes > TLS_HANDSHAKE_BYTES_MAX {
                return Err(self.refuse(&"handshake too large"));
            }
        }
        let mut bytes = 0;
        let mut more = false;
        while !piece.is_empty() {
            match self.rustls.read_tls(&mut piece) {
                // After its farewell; nobody has asked for what follows.
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => return Err(self.refuse(&error)),
            }
            let state = match self.rustls.process_new_packets() {
                Ok(state) => state,
                Err(error) => return Err(self.refuse(&error)),
            };
            let waiting = state.plaintext_bytes_to_read();
            let taken = if waiting > 0 { self.take(&mut into[bytes..])? } else { 0 };
            bytes += taken;
            more = taken < waiting || state.peer_has_closed();
        }
        Ok((bytes, more))
    }

    fn refuse(&mut self, why: &dyn std::fmt::Display) -> Unread {
        self.failed = true;
        Unread::Refused(why.to_string())
    }
}

/// Whether a read that brought so many bytes may have left some. One that fills less than its room
/// has emptied the socket, where readiness comes from epoll or kqueue; asking again would cost a
/// call for nothing. A peer that has ended may have its end still to be read.
fn is_more(count: usize, room: usize, ending: bool) -> bool {
    cfg!(not(unix)) || count == room || ending
}

fn read_once(socket: &mut impl Read, into: &mut [u8]) -> Result<usize, Unread> {
    loop {
        return match socket.read(into) {
            Ok(0) => Err(Unread::End),
            Ok(count) => Ok(count),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock => Err(Unread::Nothing),
                ErrorKind::Interrupted => continue,
                // A reset reports itself here, and never as "would block".
                _ => Err(Unread::Broken),
            },
        };
    }
}

#[cfg(test)]
mod tests;
