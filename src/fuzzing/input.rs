//! How the bytes of an input say more than one thing.

use crate::wire::frame::FrameDecoder;

/// Takes an input apart, from its front. What is not there any more is zero, or empty.
pub(super) struct Input<'i>(pub(super) &'i [u8]);

impl<'i> Input<'i> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    pub(super) fn bytes(&mut self, count: usize) -> &'i [u8] {
        let (bytes, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    /// Little-endian.
    pub(super) fn number<const BYTES: usize>(&mut self) -> u64 {
        self.bytes(BYTES).iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

/// How a stream arrives: in pieces of which lengths, into how large a buffer, under which limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival<'i> {
    pub(super) limit_bytes: usize,
    working_bytes: usize,
    /// One less than each piece has bytes, over and over. Empty: all comes at once.
    cuts: &'i [u8],
}

impl<'i> Arrival<'i> {
    /// The first bytes of an input.
    pub(super) fn read(input: &mut Input<'i>) -> Self {
        let count = usize::from(input.byte() % 16);
        let working_bytes = 1 + usize::from(input.byte());
        let limit_bytes = 8 * (1 + usize::from(input.byte()));
        Self { limit_bytes, working_bytes, cuts: input.bytes(count) }
    }

    /// The same limit, and everything at once.
    pub(super) fn whole(self) -> Self {
        Self { working_bytes: 64 * 1024, cuts: &[], ..self }
    }

    /// A byte at a time.
    pub(super) fn bytewise(self) -> Self {
        Self { cuts: &[0], ..self }
    }

    /// Has a decoder take in a stream that arrives like this, and look at what has come after each
    /// piece. `next` says whether there was something, and `Err` that the stream ends here. When
    /// there is nothing more, no more may be held than `pending_most` bytes and room for as many.
    pub(super) fn feed(
        self,
        decoder: &mut FrameDecoder,
        stream: &[u8],
        pending_most: usize,
        mut next: impl FnMut(&mut FrameDecoder) -> Result<bool, ()>,
    ) -> bool {
        let mut rest = stream;
        let mut cuts = self.cuts.iter().cycle();
        while !rest.is_empty() {
            let length = cuts.next().map_or(rest.len(), |cut| usize::from(*cut) + 1);
            let (piece, after) = rest.split_at(length.min(rest.len()));
            rest = after;
            let goes_on = decoder.feed(self.working_bytes, piece, |decoder| {
                loop {
                    match next(decoder) {
                        Ok(true) => {}
                        Ok(false) => break,
                        Err(()) => return false,
                    }
                }
                let pending = decoder.pending_bytes();
                assert!(pending <= pending_most, "{pending} bytes wait, {pending_most} may");
                true
            });
            if !goes_on {
                return false;
            }
            let (held, pending) = (decoder.held_bytes(), decoder.pending_bytes());
            assert!(held <= 2 * pending, "{held} bytes are held for {pending}");
        }
        true
    }
}
