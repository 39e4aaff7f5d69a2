//! Hides a password while it is typed: the editor shows a star for each character.

use std::borrow::Cow;

use rustyline::Helper;
use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::Validator;

/// What the editor shows in place of a line.
#[derive(Debug, Default)]
pub(crate) struct Mask {
    /// The line is hidden.
    pub(crate) is_on: bool,
}

impl Highlighter for Mask {
    fn highlight<'l>(&self, line: &'l str, _pos: usize) -> Cow<'l, str> {
        if self.is_on { Cow::Owned("*".repeat(line.chars().count())) } else { Cow::Borrowed(line) }
    }

    fn highlight_char(&self, _line: &str, _pos: usize, kind: CmdKind) -> bool {
        // Without it a key typed at the end of the line is printed as it is.
        self.is_on && !matches!(kind, CmdKind::MoveCursor)
    }
}

impl Completer for Mask {
    type Candidate = String;
}

impl Hinter for Mask {
    type Hint = String;
}

impl Validator for Mask {}

impl Helper for Mask {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_each_character() {
        let mut mask = Mask { is_on: true };
        assert_eq!(mask.highlight("sênha😀", 0), "******");
        assert!(mask.highlight_char("", 0, CmdKind::Other));
        mask.is_on = false;
        assert_eq!(mask.highlight("oi", 0), "oi");
        assert!(!mask.highlight_char("", 0, CmdKind::Other));
    }
}
