//! WebSocket frames (RFC 6455), as a server reads and writes them: over the connection's own buffer,
//! unmasked and joined in place.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use super::buffer::Buffer;
use crate::limits::EMPTY_FRAGMENTS_MAX;

/// What a server adds to a client's key to show that it has understood it (section 1.3).
const ACCEPT_GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The longest payload of a control frame (section 5.5).
const CONTROL_BYTES_MAX: usize = 125;

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;

/// Why a WebSocket ends (section 7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseCode(u16);

impl CloseCode {
    /// Somebody said goodbye.
    pub const NORMAL: Self = Self(1000);
    /// The server is stopping.
    pub const GOING_AWAY: Self = Self(1001);
    /// Bytes that break the protocol.
    pub const PROTOCOL: Self = Self(1002);
    /// A binary message.
    pub const UNSUPPORTED: Self = Self(1003);
    /// Text that is not UTF-8.
    pub const NOT_TEXT: Self = Self(1007);
    /// Refused, as the last `error` says.
    pub const POLICY: Self = Self(1008);
    /// A message over the limit.
    pub const TOO_BIG: Self = Self(1009);

    /// The number.
    pub fn number(self) -> u16 {
        self.0
    }

    /// A code that a peer may send (section 7.4.2; 1012 to 1014 were registered later).
    fn received(number: u16) -> Result<Self, Self> {
        match number {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Ok(Self(number)),
            _ => Err(Self::PROTOCOL),
        }
    }
}

/// What a client has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A whole text message, joined and unmasked: UTF-8.
    Text(&'a [u8]),
    /// It asks whether the server is there; the answer carries the same bytes.
    Ping(&'a [u8]),
    /// It is there.
    Pong,
    /// It ends, with this code if it gave one.
    Close(Option<CloseCode>),
}

/// A message of several fragments, as far as it has been joined: its bytes stand at the front of the
/// buffer, and what was between them is gone or will be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Joining {
    begun: bool,
    bytes: usize,
    empty: u32,
}

/// A [`Message`] as places in the buffer.
#[derive(Debug)]
pub(super) enum Found {
    Text(Range<usize>),
    Ping(Range<usize>),
    Pong,
    Close(Option<CloseCode>),
}

/// The frame at the front, as far as its head says.
struct Announced {
    fin: bool,
    kind: Kind,
    payload: Range<usize>,
    key: [u8; 4],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Continuation,
    Text,
    Close,
    Ping,
    Pong,
}

impl Kind {
    fn is_control(self) -> bool {
        matches!(self, Kind::Close | Kind::Ping | Kind::Pong)
    }
}

impl Joining {
    /// The next message in the buffer, if one is whole. An error ends the connection with that code.
    pub(super) fn next(
        &mut self,
        buffer: &mut Buffer,
        limit_bytes: usize,
    ) -> Result<Option<Found>, CloseCode> {
        loop {
            let announced = self.announced(buffer, limit_bytes)?;
            let whole = announced.filter(|frame| frame.payload.end <= buffer.received);
            let Some(Announced { fin, kind, payload, key }) = whole else {
                if self.begun {
                    buffer.close_gap(buffer.consumed + self.bytes);
                }
                return Ok(None);
            };
            unmask(&mut buffer.bytes[payload.clone()], key);
            buffer.scanned = payload.end;
            if kind.is_control() {
                if !self.begun {
                    buffer.take(payload.end);
                }
                return control(kind, &buffer.bytes, payload).map(Some);
            }
            if let Some(text) = self.join(buffer, payload, fin)? {
                if simdutf8::basic::from_utf8(&buffer.bytes[text.clone()]).is_err() {
                    return Err(CloseCode::NOT_TEXT);
                }
                return Ok(Some(Found::Text(text)));
            }
        }
    }

    /// Reads the head of the frame at the front. It is refused for what it announces, before its
    /// payload is waited for.
    fn announced(
        &self,
        buffer: &Buffer,
        limit_bytes: usize,
    ) -> Result<Option<Announced>, CloseCode> {
        let start = buffer.scanned;
        let [first, second, rest @ ..] = &buffer.bytes[start..buffer.received] else {
            return Ok(None);
        };
        let fin = first & FIN != 0;
        let kind = self.kind(*first)?;
        if second & MASKED == 0 {
            return Err(CloseCode::PROTOCOL);
        }
        let short = second & !MASKED;
        if kind.is_control() && (!fin || usize::from(short) > CONTROL_BYTES_MAX) {
            return Err(CloseCode::PROTOCOL);
        }
        let (length, head, least) = match short {
            126 => match rest.first_chunk() {
                Some(length) => (u64::from(u16::from_be_bytes(*length)), 4, 126),
                None => return Ok(None),
            },
            127 => match rest.first_chunk() {
                Some(length) => (u64::from_be_bytes(*length), 10, 1 << 16),
                None => return Ok(None),
            },
            short => (u64::from(short), 2, 0),
        };
        // The shortest way to say a length is the only one, and the topmost bit is none of it.
        if length < least || length >> 63 != 0 {
            return Err(CloseCode::PROTOCOL);
        }
        let room = if kind.is_control() { CONTROL_BYTES_MAX } else { limit_bytes };
        let joined = if kind.is_control() { 0 } else { self.bytes };
        let length = usize::try_from(length).map_err(|_| CloseCode::TOO_BIG)?;
        if length > room.saturating_sub(joined) {
            return Err(CloseCode::TOO_BIG);
        }
        let key_at = start + head;
        let Some(key) = buffer.bytes[key_at.min(buffer.received)..buffer.received].first_chunk()
        else {
            return Ok(None);
        };
        let payload = key_at + 4..key_at + 4 + length;
        Ok(Some(Announced { fin, kind, payload, key: *key }))
    }

    fn kind(&self, first: u8) -> Result<Kind, CloseCode> {
        match first & !FIN {
            0x0 if self.begun => Ok(Kind::Continuation),
            0x1 if !self.begun => Ok(Kind::Text),
            0x2 if !self.begun => Err(CloseCode::UNSUPPORTED),
            0x8 => Ok(Kind::Close),
            0x9 => Ok(Kind::Ping),
            0xA => Ok(Kind::Pong),
            // Reserved bits and codes, a continuation of nothing, a message within another.
            _ => Err(CloseCode::PROTOCOL),
        }
    }

    /// Puts a fragment behind those before it. Returns where the message is when this was the last.
    fn join(
        &mut self,
        buffer: &mut Buffer,
        payload: Range<usize>,
        fin: bool,
    ) -> Result<Option<Range<usize>>, CloseCode> {
        if !self.begun && fin {
            buffer.take(payload.end);
            return Ok(Some(payload));
        }
        self.begun = true;
        // They would go on for ever, and no limit of bytes would be met.
        self.empty += u32::from(payload.is_empty() && !fin);
        if self.empty > EMPTY_FRAGMENTS_MAX {
            return Err(CloseCode::POLICY);
        }
        let length = payload.len();
        buffer.bytes.copy_within(payload, buffer.consumed + self.bytes);
        self.bytes += length;
        if !fin {
            return Ok(None);
        }
        let text = buffer.consumed..buffer.consumed + self.bytes;
        buffer.take(buffer.scanned);
        *self = Self::default();
        Ok(Some(text))
    }
}

fn control(kind: Kind, bytes: &[u8], payload: Range<usize>) -> Result<Found, CloseCode> {
    match kind {
        Kind::Ping => Ok(Found::Ping(payload)),
        Kind::Close => match &bytes[payload] {
            [] => Ok(Found::Close(None)),
            [_] => Err(CloseCode::PROTOCOL),
            [high, low, reason @ ..] => {
                let code = CloseCode::received(u16::from_be_bytes([*high, *low]))?;
                if simdutf8::basic::from_utf8(reason).is_err() {
                    return Err(CloseCode::NOT_TEXT);
                }
                Ok(Found::Close(Some(code)))
            }
        },
        _ => Ok(Found::Pong),
    }
}

/// Takes the mask off, or puts it on: eight bytes at a time, which the compiler makes more of.
pub(super) fn unmask(bytes: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

/// The first bytes of a text frame from a server, and how many they are.
pub(super) fn text_header(length: usize) -> ([u8; 10], usize) {
    header(0x1, length)
}

/// A ping from a server.
pub fn ping() -> [u8; 2] {
    [FIN | 0x9, 0]
}

/// A server's answer to a ping.
pub fn pong(payload: &[u8], out: &mut Vec<u8>) {
    let (header, used) = header(0xA, payload.len().min(CONTROL_BYTES_MAX));
    out.extend_from_slice(&header[..used]);
    out.extend_from_slice(&payload[..payload.len().min(CONTROL_BYTES_MAX)]);
}

/// A server's last frame.
pub fn close(code: Option<CloseCode>, out: &mut Vec<u8>) {
    let code = code.map(|code| code.number().to_be_bytes());
    let payload = code.as_ref().map_or(&[][..], |bytes| bytes);
    let (header, used) = header(0x8, payload.len());
    out.extend_from_slice(&header[..used]);
    out.extend_from_slice(payload);
}

fn header(opcode: u8, length: usize) -> ([u8; 10], usize) {
    let mut bytes = [0; 10];
    bytes[0] = FIN | opcode;
    let wide = (length as u64).to_be_bytes();
    if length < 126 {
        bytes[1] = wide[7];
        (bytes, 2)
    } else if length < 1 << 16 {
        bytes[1] = 126;
        bytes[2..4].copy_from_slice(&wide[6..]);
        (bytes, 4)
    } else {
        bytes[1] = 127;
        bytes[2..].copy_from_slice(&wide);
        (bytes, 10)
    }
}

/// What shows a client that its key was understood (section 4.2.2). Nothing if it is no key of 16
/// bytes.
pub fn accept(key: &str) -> Option<String> {
    if STANDARD.decode(key).ok()?.len() != 16 {
        return None;
    }
    let hash = Sha1::new().chain_update(key).chain_update(ACCEPT_GUID).finalize();
    Some(STANDARD.encode(hash))
}

#[cfg(test)]
mod tests;
