//! Cuts a stream of bytes into frames, one JSON object each.
//!
//! The decoder is filled by its owner: [`FrameDecoder::lend`] gives it a working buffer,
//! [`FrameDecoder::spare`] says where bytes may go, [`FrameDecoder::advance`] that they are there,
//! [`FrameDecoder::next_frame`] takes frames out, and [`FrameDecoder::settle`] hands the buffer
//! back, so that a connection with nothing half-read holds no memory.

use std::ops::Range;

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
}

impl Framing {
    /// What goes before an object of this many bytes.
    pub fn header(self, length: usize) -> Header {
        match self {
            Framing::Bare | Framing::Line => Header { bytes: [0; 4], used: 0 },
            Framing::Length => {
                // Frames are bounded far below 4 GiB; a larger one would be a bug of ours.
                let length = u32::try_from(length).unwrap_or(u32::MAX);
                Header { bytes: length.to_be_bytes(), used: 4 }
            }
        }
    }

    /// What goes after each object.
    pub const fn trailer(self) -> &'static [u8] {
        match self {
            Framing::Bare | Framing::Line => b"\n",
            Framing::Length => b"",
        }
    }

    /// Appends one framed object, as a client writes it.
    pub fn encode(self, json: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&self.header(json.len()));
        out.extend_from_slice(json);
        out.extend_from_slice(self.trailer());
    }
}

/// The bytes before an object: none, or its length.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    bytes: [u8; 4],
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
///
/// Invariant, asserted after each change: `consumed <= scanned <= received <= buffer.len()`. Frames
/// before `consumed` were handed out; up to `scanned` the bytes were looked at; up to `received`
/// they came from the peer; the rest of the buffer is spare.
#[derive(Debug)]
pub struct FrameDecoder {
    framing: Framing,
    limit_bytes: usize,
    buffer: Vec<u8>,
    consumed: usize,
    scanned: usize,
    received: usize,
    braces: Braces,
    /// An object came before: a newline after it tells a line client.
    begun: bool,
}

/// Where in an object the scan for its closing brace stands.
#[derive(Clone, Copy, Debug, Default)]
struct Braces {
    depth: u32,
    in_string: bool,
    after_backslash: bool,
}

impl FrameDecoder {
    /// A decoder with the limit that holds before login.
    pub fn new(framing: Framing) -> Self {
        Self {
            framing,
            limit_bytes: FRAME_BEFORE_LOGIN_BYTES_MAX,
            buffer: Vec::new(),
            consumed: 0,
            scanned: 0,
            received: 0,
            braces: Braces::default(),
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
        self.buffer[self.consumed..self.received].first().copied()
    }

    /// Sets the largest frame from here on, in bytes.
    pub fn set_limit(&mut self, limit_bytes: usize) {
        self.limit_bytes = limit_bytes;
    }

    /// Bytes that have arrived and are in no frame handed out yet.
    pub fn pending_bytes(&self) -> usize {
        self.received - self.consumed
    }

    /// Memory that the decoder holds.
    pub fn held_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Takes a working buffer, all of whose bytes are initialised. What is half-read moves into it
    /// if it fits with room to spare; else the decoder keeps its own, and the buffer comes back.
    pub fn lend(&mut self, mut working: Vec<u8>) -> Option<Vec<u8>> {
        let pending = self.pending_bytes();
        if pending > working.len() / 2 {
            self.make_room();
            return Some(working);
        }
        working[..pending].copy_from_slice(&self.buffer[self.consumed..self.received]);
        self.buffer = working;
        self.rebase();
        None
    }

    /// Where the next bytes may go. Never empty after [`Self::lend`].
    pub fn spare(&mut self) -> &mut [u8] {
        if self.received == self.buffer.len() {
            self.make_room();
        }
        &mut self.buffer[self.received..]
    }

    /// Says that `count` bytes were put at the start of [`Self::spare`].
    ///
    /// # Panics
    /// If there was no room for so many.
    pub fn advance(&mut self, count: usize) {
        self.received += count;
        self.check();
    }

    /// The next whole frame, if one has arrived: the bytes of one JSON object, or what stands in
    /// the place of one.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, FrameTooLarge> {
        let found = match self.framing {
            Framing::Length => self.next_length()?,
            Framing::Line => self.next_line()?,
            Framing::Bare => self.next_bare()?,
        };
        self.check();
        Ok(found.map(|range| &self.buffer[range]))
    }

    /// What has arrived of a last frame that no newline ended: at the end of a stream it counts.
    pub fn last_frame(&mut self) -> Option<&[u8]> {
        if self.framing == Framing::Length {
            return None;
        }
        let rest = self.consumed..self.received;
        self.take(rest.end);
        let bytes = self.buffer[rest].trim_ascii();
        (!bytes.is_empty()).then_some(bytes)
    }

    /// Gives the working buffer back. What is half-read is kept in a buffer of its own size.
    pub fn settle(&mut self) -> Option<Vec<u8>> {
        let pending = self.pending_bytes();
        // A buffer that is mostly one large frame is not worth copying every turn.
        if self.buffer.is_empty() || pending > self.buffer.len() / 2 {
            return None;
        }
        let kept = self.buffer[self.consumed..self.received].to_vec();
        let working = std::mem::replace(&mut self.buffer, kept);
        self.rebase();
        Some(working)
    }

    fn next_length(&mut self) -> Result<Option<Range<usize>>, FrameTooLarge> {
        let pending = &self.buffer[self.consumed..self.received];
        let Some((prefix, rest)) = pending.split_first_chunk::<4>() else {
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
        let start = self.consumed + 4;
        self.take(start + length);
        Ok(Some(start..start + length))
    }

    fn next_line(&mut self) -> Result<Option<Range<usize>>, FrameTooLarge> {
        loop {
            let Some(at) = memchr::memchr(b'\n', &self.buffer[self.scanned..self.received]) else {
                self.scanned = self.received;
                return self.incomplete();
            };
            let end = self.scanned + at;
            let start = self.consumed;
            self.take(end + 1);
            if end - start > self.limit_bytes {
                return Err(FrameTooLarge { limit_bytes: self.limit_bytes });
            }
            let line = trimmed(&self.buffer, start..end);
            if !line.is_empty() {
                return Ok(Some(line));
            }
        }
    }

    fn next_bare(&mut self) -> Result<Option<Range<usize>>, FrameTooLarge> {
        if self.braces.depth == 0 {
            self.skip_space();
            if self.framing == Framing::Line {
                return self.next_line();
            }
            if self.consumed == self.received {
                return Ok(None);
            }
        }
        self.begun = true;
        let start = self.consumed;
        let (end, next) = match self.find_end() {
            End::Brace(at) => (at + 1, at + 1),
            End::Newline(at) => {
                self.framing = Framing::Line;
                (at, at + 1)
            }
            End::Garbage(at) => (at, at),
            End::NotYet => {
                self.scanned = self.received;
                return self.incomplete();
            }
        };
        self.take(next);
        // A line client is known before its first frame is answered, if its newline is here.
        self.skip_space();
        if end - start > self.limit_bytes {
            return Err(FrameTooLarge { limit_bytes: self.limit_bytes });
        }
        Ok(Some(trimmed(&self.buffer, start..end)))
    }

    /// Takes what stands between objects: white space, and the newline that tells a line client.
    fn skip_space(&mut self) {
        let pending = &self.buffer[self.consumed..self.received];
        let space = pending.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if self.begun && pending[..space].contains(&b'\n') {
            self.framing = Framing::Line;
        }
        self.take(self.consumed + space);
    }

    /// Looks for the end of a bare object, from where the last look ended.
    fn find_end(&mut self) -> End {
        let bytes = &self.buffer[..self.received];
        if self.braces.depth == 0 && bytes[self.consumed] != b'{' {
            // No object starts here. What came up to the next brace or line, or all of it, stands
            // for one frame, so that the peer is told and the next object is understood.
            let rest = &bytes[self.consumed..];
            return match memchr::memchr2(b'{', b'\n', rest) {
                Some(at) if rest[at] == b'\n' => End::Newline(self.consumed + at),
                Some(at) => End::Garbage(self.consumed + at),
                None => End::Garbage(self.received),
            };
        }
        let braces = &mut self.braces;
        for (at, &byte) in bytes.iter().enumerate().skip(self.scanned) {
            if byte == b'\n' {
                return End::Newline(at);
            }
            if braces.in_string {
                match byte {
                    _ if braces.after_backslash => braces.after_backslash = false,
                    b'\\' => braces.after_backslash = true,
                    b'"' => braces.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => braces.in_string = true,
                b'{' => braces.depth += 1,
                b'}' => {
                    braces.depth -= 1;
                    if braces.depth == 0 {
                        return End::Brace(at);
                    }
                }
                _ => {}
            }
        }
        End::NotYet
    }

    fn incomplete(&self) -> Result<Option<Range<usize>>, FrameTooLarge> {
        if self.pending_bytes() > self.limit_bytes {
            return Err(FrameTooLarge { limit_bytes: self.limit_bytes });
        }
        Ok(None)
    }

    /// Counts everything up to `end` as handed out.
    fn take(&mut self, end: usize) {
        self.consumed = end;
        self.scanned = end;
        self.braces = Braces::default();
    }

    /// The bytes from `consumed` on were moved to the start of the buffer.
    fn rebase(&mut self) {
        self.scanned -= self.consumed;
        self.received -= self.consumed;
        self.consumed = 0;
        self.check();
    }

    /// Moves what is pending to the front, and doubles the buffer if that frees too little: memory
    /// grows with what has arrived, never with what was announced.
    fn make_room(&mut self) {
        self.buffer.copy_within(self.consumed..self.received, 0);
        self.rebase();
        if self.received >= self.buffer.len() / 2 {
            let length = (self.buffer.len() * 2).max(512).min(self.limit_bytes + 64 * 1024);
            self.buffer.resize(length.max(self.received + 512), 0);
        }
    }

    fn check(&self) {
        assert!(
            self.consumed <= self.scanned
                && self.scanned <= self.received
                && self.received <= self.buffer.len(),
            "a frame decoder's cursors are out of order"
        );
    }
}

enum End {
    Brace(usize),
    Newline(usize),
    Garbage(usize),
    NotYet,
}

fn trimmed(buffer: &[u8], range: Range<usize>) -> Range<usize> {
    let bytes = &buffer[range.clone()];
    let start = range.start + (bytes.len() - bytes.trim_ascii_start().len());
    let length = bytes.trim_ascii().len();
    start..start + length
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Feeds the pieces one by one and returns the frames as text.
    fn decode(framing: Framing, pieces: &[&[u8]]) -> Vec<String> {
        let mut decoder = FrameDecoder::new(framing);
        let mut frames = Vec::new();
        for piece in pieces {
            let mut piece = *piece;
            while !piece.is_empty() {
                assert!(decoder.lend(vec![0; 64]).is_none_or(|back| back.len() == 64));
                let spare = decoder.spare();
                let count = spare.len().min(piece.len());
                spare[..count].copy_from_slice(&piece[..count]);
                piece = &piece[count..];
                decoder.advance(count);
                loop {
                    match decoder.next_frame() {
                        Ok(Some(frame)) => frames.push(String::from_utf8_lossy(frame).into_owned()),
                        Ok(None) => break,
                        Err(_) => {
                            frames.push("TOO LARGE".to_owned());
                            return frames;
                        }
                    }
                }
                decoder.settle();
            }
        }
        if let Some(last) = decoder.last_frame() {
            frames.push(format!("LAST {}", String::from_utf8_lossy(last)));
        }
        frames
    }

    #[test]
    fn lines_are_frames_and_empty_lines_are_nothing() {
        assert_eq!(
            decode(Framing::Line, &[b"{\"a\":1}\r\n\n  \n{\"b\":2}\n{\"c\""]),
            ["{\"a\":1}", "{\"b\":2}", "LAST {\"c\""]
        );
    }

    #[test]
    fn bare_objects_end_where_their_braces_close() {
        assert_eq!(
            decode(Framing::Bare, &[br#"{"a":"}\"{"}{"b":{"c":[{}]}} {"d":1}"#]),
            [r#"{"a":"}\"{"}"#, r#"{"b":{"c":[{}]}}"#, r#"{"d":1}"#]
        );
    }

    #[test]
    fn a_newline_after_an_object_makes_a_line_client() {
        let mut decoder = FrameDecoder::new(Framing::Bare);
        for (piece, framing) in
            [("{}", Framing::Bare), ("{}", Framing::Bare), ("\n", Framing::Line)]
        {
            decoder.spare()[..piece.len()].copy_from_slice(piece.as_bytes());
            decoder.advance(piece.len());
            while decoder.next_frame().unwrap().is_some() {}
            assert_eq!(decoder.framing(), framing);
            decoder.settle();
        }
    }

    #[test]
    fn a_line_client_is_known_by_its_first_line() {
        let mut decoder = FrameDecoder::new(Framing::Bare);
        decoder.spare()[..6].copy_from_slice(b"{}\r\n{}");
        decoder.advance(6);
        assert_eq!(decoder.next_frame().unwrap(), Some(b"{}".as_slice()));
        assert_eq!(decoder.framing(), Framing::Line);
        // The second line is not whole.
        assert_eq!(decoder.next_frame().unwrap(), None);
    }

    #[test]
    fn a_broken_line_does_not_swallow_the_next() {
        assert_eq!(
            decode(Framing::Bare, &[b"{\"a\": \"x\n{\"b\":1}\n"]),
            ["{\"a\": \"x", "{\"b\":1}"]
        );
        assert_eq!(decode(Framing::Bare, &[b"{}oops{\"b\":1}"]), ["{}", "oops", "{\"b\":1}"]);
        assert_eq!(decode(Framing::Bare, &[b"{}\xff\xfe"]).len(), 2);
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_before_it_has_arrived() {
        let limit = u32::try_from(FRAME_BEFORE_LOGIN_BYTES_MAX).unwrap();
        assert_eq!(decode(Framing::Length, &[&(limit + 1).to_be_bytes()]), ["TOO LARGE"]);
        assert_eq!(decode(Framing::Length, &[&limit.to_be_bytes(), b"{"]).len(), 0);
        let long = vec![b'x'; FRAME_BEFORE_LOGIN_BYTES_MAX + 1];
        assert_eq!(decode(Framing::Line, &[&long]), ["TOO LARGE"]);
        let long = [b"{\"".as_slice(), &long].concat();
        assert_eq!(decode(Framing::Bare, &[&long]), ["TOO LARGE"]);
    }

    #[test]
    fn memory_grows_with_what_has_arrived_only() {
        let mut decoder = FrameDecoder::new(Framing::Length);
        decoder.set_limit(16 * 1024 * 1024);
        decoder.spare()[..4].copy_from_slice(&(16u32 * 1024 * 1024).to_be_bytes());
        decoder.advance(4);
        assert_eq!(decoder.next_frame(), Ok(None));
        assert!(decoder.buffer.len() <= 512);
    }

    #[test]
    fn a_settled_decoder_holds_no_more_than_what_is_half_read() {
        let mut decoder = FrameDecoder::new(Framing::Line);
        assert!(decoder.lend(vec![0; 65_536]).is_none());
        decoder.spare()[..5].copy_from_slice(b"{}\n{\"");
        decoder.advance(5);
        assert_eq!(decoder.next_frame().unwrap(), Some(b"{}".as_slice()));
        assert_eq!(decoder.settle().map(|working| working.len()), Some(65_536));
        assert_eq!(decoder.buffer, b"{\"");
    }

    proptest! {
        /// However the bytes are cut on their way, the same frames come out.
        #[test]
        fn cuts_do_not_matter(
            texts in prop::collection::vec("[ -~é{}\"\\\\]{0,60}", 1..8),
            cuts in prop::collection::vec(1usize..40, 0..60),
            which in 0usize..3,
        ) {
            let framing = [Framing::Bare, Framing::Line, Framing::Length][which];
            let objects: Vec<String> = texts
                .iter()
                .map(|text| serde_json::json!({ "content": text, "n": {"m": [1]} }).to_string())
                .collect();
            let mut stream = Vec::new();
            for object in &objects {
                if framing == Framing::Bare {
                    stream.extend_from_slice(object.as_bytes());
                } else {
                    framing.encode(object.as_bytes(), &mut stream);
                }
            }
            let mut pieces = Vec::new();
            let mut rest = stream.as_slice();
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces.push(rest);
            prop_assert_eq!(decode(framing, &pieces), objects);
        }

        /// No bytes make the decoder panic or hand out the same byte twice.
        #[test]
        fn any_bytes_are_survived(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20),
            which in 0usize..3,
        ) {
            let framing = [Framing::Bare, Framing::Line, Framing::Length][which];
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let total: usize = pieces.iter().map(|piece| piece.len()).sum();
            let mut decoder = FrameDecoder::new(framing);
            let mut handed_out = 0;
            for piece in pieces {
                for chunk in piece.chunks(100) {
                    let _ = decoder.lend(vec![0; 256]);
                    let spare = decoder.spare();
                    let count = spare.len().min(chunk.len());
                    spare[..count].copy_from_slice(&chunk[..count]);
                    decoder.advance(count);
                    while let Ok(Some(frame)) = decoder.next_frame() {
                        handed_out += frame.len();
                    }
                    decoder.settle();
                }
            }
            prop_assert!(handed_out <= total);
        }
    }
}
