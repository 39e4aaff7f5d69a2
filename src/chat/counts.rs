//! What has been done since the start, in numbers. Nobody decides anything by them.

use crate::wire::Code;

/// Counted by the core, read by whoever watches the server.
#[derive(Clone, Debug)]
pub struct Counts {
    /// Messages and files that were stored and shown to their recipients.
    pub messages: u64,
    refusals: [u64; Code::ALL.len()],
}

impl Default for Counts {
    fn default() -> Self {
        Self { messages: 0, refusals: [0; Code::ALL.len()] }
    }
}

impl Counts {
    /// A request, or what stood in the place of one, was refused.
    pub fn refused(&mut self, code: Code) {
        self.refusals[code as usize] += 1;
    }

    /// Every code, and how often it was given.
    pub fn refusals(&self) -> impl Iterator<Item = (Code, u64)> {
        Code::ALL.iter().map(|code| (*code, self.refusals[*code as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_counted_by_itself() {
        let mut counts = Counts::default();
        for (times, code) in Code::ALL.iter().enumerate() {
            for _ in 0..times {
                counts.refused(*code);
            }
        }
        let counted: Vec<u64> = counts.refusals().map(|(_, count)| count).collect();
        let expected: Vec<u64> = (0..Code::ALL.len() as u64).collect();
        assert_eq!(counted, expected);
    }
}
