//! Finds the end of an object that nothing but its braces ends, as the first Python client sends them.

use super::buffer::Buffer;

/// Where in an object the scan for its closing brace stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Braces {
    depth: u32,
    in_string: bool,
    after_backslash: bool,
}

/// What ends an object, or what stands in the place of one, and where.
pub(super) enum End {
    Brace(usize),
    Newline(usize),
    Garbage(usize),
    NotYet,
}

impl Braces {
    /// Whether no object has begun.
    pub(super) fn is_outside(self) -> bool {
        self.depth == 0
    }

    /// Looks for the end of an object, from where the last look ended. There is at least one byte.
    pub(super) fn find_end(&mut self, buffer: &Buffer) -> End {
        let bytes = &buffer.bytes[..buffer.received];
        if self.depth == 0 && bytes[buffer.consumed] != b'{' {
            // No object starts here. What came up to the next brace or line, or all of it, stands
            // for one frame, so that the peer is told and the next object is understood.
            let rest = &bytes[buffer.consumed..];
            return match memchr::memchr2(b'{', b'\n', rest) {
                Some(at) if rest[at] == b'\n' => End::Newline(buffer.consumed + at),
                Some(at) => End::Garbage(buffer.consumed + at),
                None => End::Garbage(buffer.received),
            };
        }
        for (at, &byte) in bytes.iter().enumerate().skip(buffer.scanned) {
            if byte == b'\n' {
                return End::Newline(at);
            }
            if self.in_string {
                match byte {
                    _ if self.after_backslash => self.after_backslash = false,
                    b'\\' => self.after_backslash = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' => self.depth += 1,
                b'}' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return End::Brace(at);
                    }
                }
                _ => {}
            }
        }
        End::NotYet
    }
}
