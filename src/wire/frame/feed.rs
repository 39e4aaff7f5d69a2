//! Bytes into a decoder as a connection puts them there: for the tests, and for what fuzzes it.

use super::FrameDecoder;

impl FrameDecoder {
    /// Takes bytes in, a working buffer of this size at a time, and has what came of them looked at.
    /// `false` from `look` ends it, and is returned.
    pub(crate) fn feed(
        &mut self,
        working_bytes: usize,
        mut bytes: &[u8],
        mut look: impl FnMut(&mut Self) -> bool,
    ) -> bool {
        while !bytes.is_empty() {
            // What stood in the buffer before is no part of what has come: here it would end things.
            let back = self.lend(vec![b'\n'; working_bytes]);
            assert!(back.is_none_or(|back| back.len() == working_bytes));
            let spare = self.spare();
            let count = spare.len().min(bytes.len());
            assert!(count > 0, "no room for what comes next");
            spare[..count].copy_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            self.advance(count);
            if !look(self) {
                return false;
            }
            self.settle();
        }
        true
    }
}
