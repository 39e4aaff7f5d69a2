//! The bytes of one connection on their way in, with cursors instead of copies.

/// Bytes that a peer sent.
///
/// Invariant, asserted after each change: `consumed <= scanned <= received <= bytes.len()`. What lies
/// before `consumed` was handed out; up to `scanned` it was looked at; up to `received` it came from
/// the peer; the rest is spare.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    pub(super) bytes: Vec<u8>,
    pub(super) consumed: usize,
    pub(super) scanned: usize,
    pub(super) received: usize,
}

impl Buffer {
    /// Bytes that have arrived and were not handed out.
    pub(super) fn pending(&self) -> &[u8] {
        &self.bytes[self.consumed..self.received]
    }

    /// Takes a working buffer, all of whose bytes are initialised. What is half-read moves into it
    /// if it fits with room to spare; else the buffer keeps its own, and the other comes back.
    pub(super) fn lend(&mut self, mut working: Vec<u8>, most: usize) -> Option<Vec<u8>> {
        let pending = self.pending().len();
        if pending > working.len() / 2 {
            self.make_room(most);
            return Some(working);
        }
        working[..pending].copy_from_slice(self.pending());
        self.bytes = working;
        self.rebase();
        None
    }

    /// Where the next bytes may go. Grows up to `most` bytes if it must.
    pub(super) fn spare(&mut self, most: usize) -> &mut [u8] {
        if self.received == self.bytes.len() {
            self.make_room(most);
        }
        &mut self.bytes[self.received..]
    }

    /// So many bytes were put where there was room.
    pub(super) fn advance(&mut self, count: usize) {
        self.received += count;
        self.check();
    }

    /// Gives the working buffer back. What is half-read is kept in a buffer of its own size.
    pub(super) fn settle(&mut self) -> Option<Vec<u8>> {
        let pending = self.pending().len();
        // A buffer that is mostly one large frame is not worth copying every turn.
        if self.bytes.is_empty() || pending > self.bytes.len() / 2 {
            return None;
        }
        let kept = self.pending().to_vec();
        let working = std::mem::replace(&mut self.bytes, kept);
        self.rebase();
        Some(working)
    }

    /// Counts everything up to `end` as handed out.
    pub(super) fn take(&mut self, end: usize) {
        self.consumed = end;
        self.scanned = end;
        self.check();
    }

    /// Forgets what was looked at behind `end`: what was not looked at moves there.
    pub(super) fn close_gap(&mut self, end: usize) {
        if end < self.scanned {
            self.bytes.copy_within(self.scanned..self.received, end);
            self.received -= self.scanned - end;
            self.scanned = end;
            self.check();
        }
    }

    /// The bytes from `consumed` on were moved to the start.
    fn rebase(&mut self) {
        self.scanned -= self.consumed;
        self.received -= self.consumed;
        self.consumed = 0;
        self.check();
    }

    /// Moves what is pending to the front, and doubles the buffer if that frees too little: memory
    /// grows with what has arrived, never with what was announced.
    fn make_room(&mut self, most: usize) {
        self.bytes.copy_within(self.consumed..self.received, 0);
        self.rebase();
        if self.received >= self.bytes.len() / 2 {
            let length = (self.bytes.len() * 2).max(512).min(most);
            self.bytes.resize(length.max(self.received + 512), 0);
        }
    }

    fn check(&self) {
        assert!(
            self.consumed <= self.scanned
                && self.scanned <= self.received
                && self.received <= self.bytes.len(),
            "the cursors of a buffer are out of order"
        );
    }
}
