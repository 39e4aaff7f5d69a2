//! Bytes on their way out of one connection. What short writes are, this file alone knows.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::sync::Arc;

use crate::chat::Held;
use crate::limits::WRITE_BYTES_PER_TURN_MAX;
use crate::wire::event::MsgId;
use crate::wire::frame::Framing;

/// Frames gather in one piece up to this size, so that many leave in one write.
const PIECE_BYTES: usize = 64 * 1024;

/// Buffers kept for the next connection that has something to say.
const POOLED_BUFFERS_MAX: usize = 64;

/// Output of one connection. When it is empty it holds no memory.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// The piece being written.
    first: Piece,
    /// How much of it the system took.
    first_taken: usize,
    rest: VecDeque<Piece>,
    /// Bytes waiting, shared ones included.
    len_bytes: usize,
    /// Bytes waiting in memory of its own.
    owned_bytes: usize,
    /// Bytes that the system took since the connection began.
    taken: u64,
    /// Where frames end whose way is followed, in bytes since the connection began.
    marks: VecDeque<Mark>,
    /// The number of the newest kept frame that the system took whole, with all before it.
    taken_kept: MsgId,
    paced: bool,
}

#[derive(Debug)]
enum Piece {
    Owned(Vec<u8>),
    /// A frame whose bytes its recipients share, with or without its newline.
    Shared(Arc<Held>, Framing),
    /// Bytes that are there for as long as the program is.
    Static(&'static [u8]),
}

/// One frame: where it ends, and its number if it is a kept one.
#[derive(Debug)]
struct Mark {
    end: u64,
    kept: Option<MsgId>,
}

/// How far a flush came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    /// Nothing waits.
    All,
    /// The system takes no more now.
    Blocked,
    /// This turn's share is used up, or a paced peer has had its frame.
    Paused,
}

/// Buffers between two uses.
#[derive(Debug, Default)]
pub(super) struct Pool {
    buffers: Vec<Vec<u8>>,
}

impl Pool {
    fn take(&mut self) -> Vec<u8> {
        self.buffers.pop().unwrap_or_default()
    }

    fn give(&mut self, mut buffer: Vec<u8>) {
        if self.buffers.len() < POOLED_BUFFERS_MAX && buffer.capacity() <= 2 * PIECE_BYTES {
            buffer.clear();
            self.buffers.push(buffer);
        }
    }
}

impl Default for Piece {
    fn default() -> Self {
        Piece::Owned(Vec::new())
    }
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Piece::Owned(bytes) => bytes,
            Piece::Static(bytes) => bytes,
            Piece::Shared(held, Framing::Length | Framing::WebSocket) => held,
            Piece::Shared(held, Framing::Bare | Framing::Line) => held.line(),
        }
    }
}

impl Outbox {
    /// Bytes that wait, shared ones included.
    pub(super) fn len_bytes(&self) -> usize {
        self.len_bytes
    }

    /// Bytes that wait in memory of this outbox alone.
    pub(super) fn owned_bytes(&self) -> usize {
        self.owned_bytes
    }

    /// The number of the newest kept frame that the system took whole.
    pub(super) fn taken_kept(&self) -> MsgId {
        self.taken_kept
    }

    /// Whether frames leave one per write, for a peer that takes one `recv` for one frame.
    pub(super) fn set_paced(&mut self, paced: bool) {
        self.paced = paced;
    }

    /// Puts a frame at the end. A kept one is known by its number until the system took it whole.
    pub(super) fn push(
        &mut self,
        json: &[u8],
        framing: Framing,
        kept: Option<MsgId>,
        pool: &mut Pool,
    ) {
        let (header, trailer) = (framing.header(json.len()), framing.trailer());
        let bytes = header.len() + json.len() + trailer.len();
        self.mark(bytes, kept);
        let piece = self.room(bytes, pool);
        piece.extend_from_slice(&header);
        piece.extend_from_slice(json);
        piece.extend_from_slice(trailer);
        self.len_bytes += bytes;
        self.owned_bytes += bytes;
    }

    /// The same for a frame whose bytes its recipients share.
    pub(super) fn push_shared(
        &mut self,
        held: &Arc<Held>,
        framing: Framing,
        kept: Option<MsgId>,
        pool: &mut Pool,
    ) {
        let (header, trailer) = (framing.header(held.len()), framing.trailer());
        self.mark(header.len() + held.len() + trailer.len(), kept);
        self.push_raw(&header, pool);
        self.len_bytes += held.len() + trailer.len();
        self.rest.push_back(Piece::Shared(Arc::clone(held), framing));
    }

    /// Puts bytes at the end that are no frame.
    pub(super) fn push_raw(&mut self, bytes: &[u8], pool: &mut Pool) {
        if !bytes.is_empty() {
            self.room(bytes.len(), pool).extend_from_slice(bytes);
            self.len_bytes += bytes.len();
            self.owned_bytes += bytes.len();
        }
    }

    /// The same for bytes that nobody has to hold.
    pub(super) fn push_static(&mut self, bytes: &'static [u8]) {
        if !bytes.is_empty() {
            self.len_bytes += bytes.len();
            self.rest.push_back(Piece::Static(bytes));
        }
    }

    /// Writes as much as the system takes and this turn allows.
    pub(super) fn write_to(
        &mut self,
        socket: &mut impl Write,
        pool: &mut Pool,
    ) -> io::Result<Flushed> {
        let mut budget = WRITE_BYTES_PER_TURN_MAX;
        loop {
            if self.len_bytes == 0 {
                self.release(pool);
                return Ok(Flushed::All);
            }
            if budget == 0 {
                return Ok(Flushed::Paused);
            }
            self.next_piece(pool);
            let bytes = &self.first.bytes()[self.first_taken..];
            let frame_left = self.marks.front().map_or(u64::MAX, |mark| mark.end - self.taken);
            let most = if self.paced { frame_left } else { u64::MAX };
            let most = usize::try_from(most).unwrap_or(usize::MAX).min(budget).min(bytes.len());
            match socket.write(&bytes[..most]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    budget -= count;
                    let frame_done = count as u64 >= frame_left;
                    self.count(count);
                    if self.paced && frame_done && self.len_bytes > 0 {
                        return Ok(Flushed::Paused);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Flushed::Blocked),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn mark(&mut self, bytes: usize, kept: Option<MsgId>) {
        // Where nobody asks how far the frame is, no note is kept of it.
        if kept.is_some() || self.paced {
            let end = self.taken + (self.len_bytes + bytes) as u64;
            self.marks.push_back(Mark { end, kept });
        }
    }

    /// The piece at the end, with room for so many bytes.
    fn room(&mut self, bytes: usize, pool: &mut Pool) -> &mut Vec<u8> {
        let last = self.rest.back().unwrap_or(&self.first);
        let fits = matches!(last, Piece::Owned(last) if last.is_empty() || last.len() + bytes <= PIECE_BYTES);
        if !fits {
            self.rest.push_back(Piece::Owned(pool.take()));
        }
        match self.rest.back_mut().unwrap_or(&mut self.first) {
            Piece::Owned(piece) => {
                if piece.capacity() == 0 {
                    *piece = pool.take();
                }
                piece
            }
            Piece::Shared(..) | Piece::Static(_) => {
                unreachable!("an owned piece was just put there")
            }
        }
    }

    /// Goes on to the next piece when the first was taken whole.
    fn next_piece(&mut self, pool: &mut Pool) {
        while self.first_taken == self.first.bytes().len()
            && let Some(next) = self.rest.pop_front()
        {
            if let Piece::Owned(done) = std::mem::replace(&mut self.first, next) {
                pool.give(done);
            }
            self.first_taken = 0;
        }
    }

    fn count(&mut self, taken: usize) {
        self.first_taken += taken;
        self.taken += taken as u64;
        self.len_bytes -= taken;
        if matches!(self.first, Piece::Owned(_)) {
            self.owned_bytes -= taken;
        }
        if self.len_bytes == 0 {
            let newest = self.marks.iter().rev().find_map(|mark| mark.kept);
            self.taken_kept = newest.unwrap_or(self.taken_kept);
            self.marks.clear();
            return;
        }
        while let Some(Mark { end, kept }) = self.marks.front()
            && *end <= self.taken
        {
            self.taken_kept = kept.unwrap_or(self.taken_kept);
            self.marks.pop_front();
        }
    }

    /// Lets all memory go: nothing waits.
    fn release(&mut self, pool: &mut Pool) {
        if let Piece::Owned(done) = std::mem::take(&mut self.first)
            && done.capacity() > 0
        {
            pool.give(done);
        }
        self.first_taken = 0;
        self.rest.clear();
        self.rest.shrink_to(4);
        self.marks.shrink_to(8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A socket that takes as many bytes as its script says, and then blocks.
    struct Socket {
        takes: VecDeque<usize>,
        got: Vec<u8>,
        writes: usize,
    }

    impl Write for Socket {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let most = self.takes.pop_front().ok_or(ErrorKind::WouldBlock)?;
            if most == 0 {
                return Err(ErrorKind::Interrupted.into());
            }
            let count = most.min(bytes.len());
            self.got.extend_from_slice(&bytes[..count]);
            self.writes += 1;
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn socket(takes: &[usize]) -> Socket {
        Socket { takes: takes.iter().copied().collect(), got: Vec::new(), writes: 0 }
    }

    #[test]
    fn many_frames_leave_in_one_write() {
        let (mut outbox, mut pool) = (Outbox::default(), Pool::default());
        for _ in 0..100 {
            outbox.push(b"{}", Framing::Line, Some(1), &mut pool);
        }
        let mut socket = socket(&[1_000]);
        assert_eq!(outbox.write_to(&mut socket, &mut pool).unwrap(), Flushed::All);
        assert_eq!((socket.got.len(), socket.writes), (300, 1));
        assert_eq!(
            (outbox.first.bytes().len(), outbox.len_bytes(), outbox.owned_bytes()),
            (0, 0, 0)
        );
    }

    #[test]
    fn a_paced_peer_gets_a_shared_frame_in_one_write_too() {
        let (mut outbox, mut pool) = (Outbox::default(), Pool::default());
        outbox.set_paced(true);
        let held = Held::new(b"{}".to_vec(), &crate::chat::Gauge::default());
        outbox.push(b"{}", Framing::Bare, None, &mut pool);
        outbox.push_shared(&held, Framing::Bare, Some(1), &mut pool);
        outbox.push_shared(&held, Framing::Bare, Some(2), &mut pool);
        let mut socket = socket(&[100; 3]);
        while outbox.write_to(&mut socket, &mut pool).unwrap() != Flushed::All {}
        assert_eq!((socket.writes, socket.got.as_slice()), (3, b"{}\n{}\n{}\n".as_slice()));
    }

    #[test]
    fn a_paced_peer_gets_one_frame_a_write() {
        let (mut outbox, mut pool) = (Outbox::default(), Pool::default());
        outbox.set_paced(true);
        for _ in 0..3 {
            outbox.push(b"{}", Framing::Bare, None, &mut pool);
        }
        let mut socket = socket(&[1, 100, 100, 100]);
        assert_eq!(outbox.write_to(&mut socket, &mut pool).unwrap(), Flushed::Paused);
        assert_eq!(socket.got, b"{}\n");
        assert_eq!(outbox.write_to(&mut socket, &mut pool).unwrap(), Flushed::Paused);
        assert_eq!(outbox.write_to(&mut socket, &mut pool).unwrap(), Flushed::All);
        assert_eq!(socket.got, b"{}\n{}\n{}\n");
    }

    proptest! {
        /// However the system takes the bytes, they arrive in order, and what did not arrive whole
        /// is known.
        #[test]
        fn short_writes_lose_nothing(
            sizes in prop::collection::vec((1usize..3_000, 0..3), 1..60),
            takes in prop::collection::vec(0usize..4_000, 0..60),
            framing in prop::sample::select(vec![Framing::Line, Framing::Length, Framing::WebSocket]),
        ) {
            const PAGE: &[u8] = &[b'!'; 3_000];
            let (mut outbox, mut pool) = (Outbox::default(), Pool::default());
            let (mut stream, mut ends) = (Vec::new(), Vec::new());
            let gauge = crate::chat::Gauge::default();
            let mut socket = socket(&takes);
            for (number, (size, kind)) in sizes.iter().enumerate() {
                if *kind == 2 {
                    outbox.push_static(&PAGE[..*size]);
                    stream.extend_from_slice(&PAGE[..*size]);
                    continue;
                }
                let json = vec![b'a' + u8::try_from(number % 26).unwrap(); *size];
                framing.encode(&json, &mut stream);
                ends.push((stream.len(), number as u64));
                if *kind == 1 {
                    outbox.push_shared(&Held::new(json, &gauge), framing, Some(number as u64), &mut pool);
                } else {
                    outbox.push(&json, framing, Some(number as u64), &mut pool);
                }
                if number % 7 == 3 {
                    outbox.write_to(&mut socket, &mut pool).unwrap();
                }
            }
            outbox.write_to(&mut socket, &mut pool).unwrap();
            prop_assert_eq!(&socket.got[..], &stream[..socket.got.len()]);
            prop_assert_eq!(outbox.len_bytes(), stream.len() - socket.got.len());
            let whole = ends.iter().rev().find(|(end, _)| *end <= socket.got.len());
            prop_assert_eq!(outbox.taken_kept(), whole.map_or(0, |(_, number)| *number));
        }
    }
}
