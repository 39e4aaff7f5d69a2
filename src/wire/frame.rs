//! Cuts a stream of bytes into frames, one JSON object each; and, for those who come over HTTP, into
//! request heads and WebSocket messages.
//!
//! The decoder is filled by its owner: [`FrameDecoder::lend`] gives it a working buffer,
//! [`FrameDecoder::spare`] says where bytes may go, [`FrameDecoder::advance`] that they are there,
//! [`FrameDecoder::next_frame`] takes frames out, and [`FrameDecoder::settle`] hands the buffer
//! back, so that a connection with nothing half-read holds no memory.

use std::ops::Range;

use super::bare::{Braces, End};
use super::buffer::Buffer;
use super::http::{self, BadHead, Head};
use super::websocket::{self, CloseCode, Found, Joining, Message};
use crate::limits::FRAME_BEFORE_LOGIN_BYTES_MAX;

/// How frames are told apart on one connection, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Objects with nothing between them, as the first Python client sends them. Becomes `Line`
    /// with the first newline that follows an object.
    Bare,
    /// One object per line.
    Line,
    /// A 4-byte big-endian length before each object, as the later Python client sends them.
    Length,
    /// One object per WebSocket text message.
    WebSocket,
}

impl Framing {
    /// What goes before an object of this many bytes, as the server writes it.
    pub fn header(self, length: usize) -> Header {
        match self {
            Framing::Bare | Framing::Line => Header { bytes: [0; 10], used: 0 },
            Framing::Length => {
                // Frames are bounded far below 4 GiB; a larger one would be a bug of ours.
                let length = u32::try_from(length).unwrap_or(u32::MAX);
                let mut bytes = [0; 10];
                bytes[..4].copy_from_slice(&length.to_be_bytes());
                Header { bytes, used: 4 }
            }
            Framing::WebSocket => {
                let (bytes, used) = websocket::text_header(length);
                Header { bytes, used }
            }
        }
    }

    /// What goes after each object.
    pub const fn trailer(self) -> &'static [u8] {
        match self {
            Framing::Bare | Framing::Line => b"\n",
            Framing::Length | Framing::WebSocket => b"",
        }
    }

    /// Appends one framed object.
    pub fn encode(self, json: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&self.header(json.len()));
        out.extend_from_slice(json);
        out.extend_from_slice(self.trailer());
    }
}

/// The bytes before an object: none, its length, or the head of a WebSocket frame.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    bytes: [u8; 10],
    used: usize,
}

impl std::ops::Deref for Header {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.used]
    }
}

/// The frame is larger than the limit; what follows cannot be told from it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameTooLarge {
    /// The limit in force, in bytes.
    pub limit_bytes: usize,
}

/// One connection's incoming bytes.
#[derive(Debug)]
pub struct FrameDecoder {
    framing: Framing,
    limit_bytes: usize,
    buffer: Buffer,
    braces: Braces,
    joining: Joining,
    /// An object came before: a newline after it tells a line client.
    begun: bool,
}

impl FrameDecoder {
    /// A decoder with the limit that holds before login.
    pub fn new(framing: Framing) -> Self {
        Self {
            framing,
            limit_bytes: FRAME_BEFORE_LOGIN_BYTES_MAX,
            buffer: Buffer::default(),
            braces: Braces::default(),
            joining: Joining::default(),
            begun: false,
        }
    }

    /// The framing as it is known by now: `Bare` can become `Line`.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Sets the framing, before the first frame.
    pub fn set_framing(&mut self, framing: Framing) {
        self.framing = framing;
    }

    /// The first byte that is in no frame handed out yet.
    pub fn first_byte(&self) -> Option<u8> {
        self.buffer.pending().first().copied()
    }

    /// Sets the largest frame from here on, in bytes.
    pub fn set_limit(&mut self, limit_bytes: usize) {
        self.limit_bytes = limit_bytes;
    }

    /// Bytes that have arrived and are in no frame handed out yet.
    pub fn pending_bytes(&self) -> usize {
        self.buffer.pending().len()
    }

    /// Memory that the decoder holds.
    pub fn held_bytes(&self) -> usize {
        self.buffer.bytes.len()
    }

    /// Takes a working buffer, all of whose bytes are initialised. What is half-read moves into it
    /// if it fits with room to spare; else the decoder keeps its own, and the buffer comes back.
    pub fn lend(&mut self, working: Vec<u8>) -> Option<Vec<u8>> {
        self.buffer.lend(working, self.held_most())
    }

    /// Where the next bytes may go. Never empty after [`Self::lend`].
    pub fn spare(&mut self) -> &mut [u8] {
        let most = self.held_most();
        self.buffer.spare(most)
    }

    /// Says that `count` bytes were put at the start of [`Self::spare`].
    ///
    /// # Panics
    /// If there was no room for so many.
    pub fn advance(&mut self, count: usize) {
        self.buffer.advance(count);
    }

    /// The next whole frame, if one has arrived: the bytes of one JSON object, or what stands in
    /// the place of one.
    ///
    /// # Panics
    /// With [`Framing::WebSocket`], whose messages [`Self::next_message`] takes out.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, FrameTooLarge> {
        let found = match self.framing {
            Framing::Length => self.next_length()?,
            Framing::Line => self.next_line()?,
            Framing::Bare => self.next_bare()?,
            Framing::WebSocket => unreachable!("a WebSocket has messages"),
        };
        Ok(found.map(|range| &self.buffer.bytes[range]))
    }

    /// The next WebSocket message, if one has arrived whole. An error ends the connection with that
    /// code: what follows means nothing.
    pub fn next_message(&mut self) -> Result<Option<Message<'_>>, CloseCode> {
        let found = self.joining.next(&mut self.buffer, self.limit_bytes)?;
        Ok(found.map(|found| match found {
            Found::Text(range) => Message::Text(&self.buffer.bytes[range]),
            Found::Ping(range) => Message::Ping(&self.buffer.bytes[range]),
            Found::Pong => Message::Pong,
            Found::Close(code) => Message::Close(code),
        }))
    }

    /// The head of the next HTTP request, if it has arrived whole. After an error nothing is known of
    /// where the next one begins.
    pub fn next_head(&mut self) -> Result<Option<Head<'_>>, BadHead> {
        match http::find_head(&mut self.buffer)? {
            Some(range) => Head::parse(&self.buffer.bytes[range]).map(Some),
            None => Ok(None),
        }
    }

    /// What has arrived of a last frame that no newline ended: at the end of a stream it counts.
    pub fn last_frame(&mut self) -> Option<&[u8]> {
        if matches!(self.framing, Framing::Length | Framing::WebSocket) {
            return None;
        }
        let rest = self.buffer.consumed..self.buffer.received;
        self.take(rest.end);
        let bytes = self.buffer.bytes[rest].trim_ascii();
        (!bytes.is_empty()).then_some(bytes)
    }

    /// Gives the working buffer back. What is half-read is kept in a buffer of its own size.
    pub fn settle(&mut self) -> Option<Vec<u8>> {
        self.buffer.settle()
    }

    /// The most memory to hold: a frame at the limit, and some of what follows it.
    fn held_most(&self) -> usize {
        self.limit_bytes + 64 * 1024
    }

    fn next_length(&mut self) -> Result<Option<Range<usize>>, FrameTooLarge> {
        let Some((prefix, rest)) = self.buffer.pending().split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*prefix) as usize;
        // Refused by its announcement: no byte of it is waited for or made room for.
        if length > self.limit_bytes {
            return Err(FrameTooLarge { limit_bytes: self.limit_bytes });
        }
        if rest.len() < length {
            return Ok(None);
        }
        let start = self.buffer.consumed + 4;
        self.take(start + length);
        Ok(Some(start..start + length))
    }

    fn next_line(&mut self) -> Result<Option<Range<usize>>, FrameTooLarge> {
        loop {
            let Buffer { bytes, consumed, scanned, received } = &mut self.buffer;
            let Some(at) = memchr::memchr(b'\n', &bytes[*scanned..*received]) else {
                *scanned = *received;
                return self.incomplete();
            };
            let end = *scanned + at;
            let start = *consumed;
            self.take(end + 1);
            if end - start > self.limit_bytes {
                return Err(FrameTooLarge { limit_bytes: self.limit_bytes });
            }
            let line = trimmed(&self.buffer.bytes, start..end);
            if !line.is_empty() {
                return Ok(Some(line));
            }
        }
    }

    fn next_bare(&mut self) -> Result<Option<Range<usize>>, FrameTooLarge> {
        if self.braces.is_outside() {
            self.skip_space();
            if self.framing == Framing::Line {
                return self.next_line();
            }
            if self.buffer.pending().is_empty() {
                return Ok(None);
            }
        }
        self.begun = true;
        let start = self.buffer.consumed;
        let (end, next) = match self.braces.find_end(&self.buffer) {
            End::Brace(at) => (at + 1, at + 1),
            End::Newline(at) => {
                self.framing = Framing::Line;
                (at, at + 1)
            }
            End::Garbage(at) => (at, at),
            End::NotYet => {
                self.buffer.scanned = self.buffer.received;
                return self.incomplete();
            }
        };
        self.take(next);
        // A line client is known before its first frame is answered, if its newline is here.
        if self.framing == Framing::Bare {
            self.skip_space();
        }
        if end - start > self.limit_bytes {
            return Err(FrameTooLarge { limit_bytes: self.limit_bytes });
        }
        Ok(Some(trimmed(&self.buffer.bytes, start..end)))
    }

    /// Takes what stands between objects: white space, and the newline that tells a line client.
    fn skip_space(&mut self) {
        let pending = self.buffer.pending();
        let space = pending.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let newline = memchr::memchr(b'\n', &pending[..space]).filter(|_| self.begun);
        if newline.is_some() {
            self.framing = Framing::Line;
        }
        // What comes after that newline is the next line, whether it is here by now or not.
        let space = newline.map_or(space, |at| at + 1);
        self.take(self.buffer.consumed + space);
    }

    fn incomplete(&self) -> Result<Option<Range<usize>>, FrameTooLarge> {
        if self.pending_bytes() > self.limit_bytes {
            return Err(FrameTooLarge { limit_bytes: self.limit_bytes });
        }
        Ok(None)
    }

    /// Counts everything up to `end` as handed out.
    fn take(&mut self, end: usize) {
        self.buffer.take(end);
        self.braces = Braces::default();
    }
}

fn trimmed(buffer: &[u8], range: Range<usize>) -> Range<usize> {
    let bytes = &buffer[range.clone()];
    let start = range.start + (bytes.len() - bytes.trim_ascii_start().len());
    let length = bytes.trim_ascii().len();
    start..start + length
}

#[cfg(any(test, fuzzing))]
mod feed;
#[cfg(test)]
mod tests;
