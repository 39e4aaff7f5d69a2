//! Makes what others wrote harmless before it is shown. Pure.
//!
//! Two rules: a character that *acts* on a terminal or on its neighbours (control, escape, bidi) is
//! replaced by `�`, so that one sees that something was there; one that is merely *invisible* is
//! dropped, so that what is shown is all there is.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_properties::{
    GeneralCategory, GeneralCategoryGroup, UnicodeEmoji, UnicodeGeneralCategory,
};

/// Stands where something was that may not be shown.
const REPLACEMENT: char = '\u{fffd}';

const ZERO_WIDTH_JOINER: char = '\u{200d}';
const VARIATION_SELECTOR_16: char = '\u{fe0f}';

/// Marks upon one letter. Real writing needs up to four; dozens would paint over the lines above.
const MARKS_IN_A_ROW_MAX: usize = 8;

/// What stands before each line of a message but its first. No line of ours starts like this, and
/// none that a peer writes can start otherwise.
const CONTINUATION: &str = "    │ ";

/// A name, a sentence or anything else that has to stay on one line.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    push(&mut shown, text);
    Cow::Owned(shown)
}

/// The text of a message. Its own line breaks become lines that are visibly continuations.
pub(crate) fn message(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    // One line break at the end is how many programs send a line; it is no empty line.
    let text = text.strip_suffix('\n').unwrap_or(text);
    for (number, line) in lines(text).enumerate() {
        if number > 0 {
            shown.push('\n');
            shown.push_str(CONTINUATION);
        }
        push(&mut shown, line);
    }
    Cow::Owned(shown)
}

/// One line of JSON, which a program reads and a terminal may be shown: what would act on that one
/// stands there as an escape, which says the same. Below a space JSON has escaped everything itself.
pub(crate) fn json(line: &str) -> Cow<'_, str> {
    let acts = |c: char| c.is_control() || is_line_break(c) || is_bidi_control(c);
    if !line.contains(acts) {
        return Cow::Borrowed(line);
    }
    let mut shown = String::with_capacity(line.len() + 16);
    for c in line.chars() {
        if acts(c) {
            // All of them have four digits, and writing to a string cannot fail.
            let _ = write!(shown, "\\u{:04x}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Most of what people write needs no second look.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Splits at everything that some terminal or pager takes for the end of a line.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some((at, end)) = text.char_indices().find(|(_, c)| is_line_break(*c)) else {
            rest = None;
            return Some(text);
        };
        let after = &text[at + end.len_utf8()..];
        rest = Some(match end {
            '\r' => after.strip_prefix('\n').unwrap_or(after),
            _ => after,
        });
        Some(&text[..at])
    })
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn push(shown: &mut String, text: &str) {
    let mut before = None;
    let mut marks = 0;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == ZERO_WIDTH_JOINER {
            let joins = before.is_some_and(|c| is_emoji(c) || c == VARIATION_SELECTOR_16)
                && rest.peek().copied().is_some_and(is_emoji);
            if !joins {
                continue;
            }
        } else if is_invisible(c) && !is_bidi_control(c) {
            continue;
        }
        // Counted after what goes is gone, or an invisible character would start a new count.
        marks = match c.general_category_group() {
            GeneralCategoryGroup::Mark => marks + 1,
            _ => 0,
        };
        if marks > MARKS_IN_A_ROW_MAX {
            continue;
        }
        before = Some(c);
        shown.push(match c {
            '\t' => ' ',
            c if c.is_control() || is_line_break(c) || is_bidi_control(c) => REPLACEMENT,
            c => c,
        });
    }
}

/// Changes the order in which its neighbours are shown (Unicode Standard Annex 9).
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A format character without a shape of its own. The Arabic and Kaithi signs that are format
/// characters by category, yet visible, stay.
fn is_invisible(c: char) -> bool {
    c.general_category() == GeneralCategory::Format
        && !matches!(
            c,
            '\u{600}'
                ..='\u{605}'
                    | '\u{6dd}'
                    | '\u{70f}'
                    | '\u{890}'
                    | '\u{891}'
                    | '\u{8e2}'
                    | '\u{110bd}'
                    | '\u{110cd}'
        )
}

fn is_emoji(c: char) -> bool {
    !c.is_ascii() && c.is_emoji_char() && c.general_category_group() != GeneralCategoryGroup::Other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_stays_as_it_is() {
        for text in [
            "oi",
            "Olá, João! Tudo bem? 😀 ❤️ 👩‍💻 👨‍👩‍👧 🏳️‍🌈 🇧🇷 👍🏽",
            "日本語 العربية עברית हिन्दी ไทย",
            "a b — “c” … ½ €",
            "e\u{301}",
        ] {
            assert_eq!(one_line(text), text);
            assert_eq!(message(text), text);
        }
    }

    #[test]
    fn what_acts_is_replaced_and_what_is_invisible_goes() {
        for (text, shown) in [
            ("\u{1b}[2Jx", "�[2Jx"),
            ("\u{9b}31mx", "�31mx"),
            ("a\u{7}\u{8}\u{0}\u{7f}b", "a����b"),
            ("a\tb", "a b"),
            ("evil\u{202e}gpj.exe", "evil�gpj.exe"),
            ("\u{2066}a\u{2069}", "�a�"),
            ("an\u{200b}a\u{feff}\u{2060}\u{ad}", "ana"),
            ("a\u{200d}b", "ab"),
            ("👩\u{200d}", "👩"),
            ("a\nb\r\nc\u{2028}d", "a�b��c�d"),
        ] {
            assert_eq!(one_line(text), shown, "{text:?}");
        }
        let zalgo = format!("a{}b", "\u{301}".repeat(100));
        assert_eq!(one_line(&zalgo).chars().count(), 2 + MARKS_IN_A_ROW_MAX);
    }

    #[test]
    fn a_line_of_json_says_the_same_and_acts_on_nothing() {
        assert!(matches!(json(r#"{"a":"olá 😀\n\u001b"}"#), Cow::Borrowed(_)));
        let acts = "{\"a\":\"\u{9b}2J\u{7f}\u{202e}\u{2028}é\"}";
        assert_eq!(json(acts), r#"{"a":"\u009b2J\u007f\u202e\u2028é"}"#);
    }

    #[test]
    fn a_line_break_in_a_message_cannot_forge_another_message() {
        let forged = "oi\n💬 [PRIVADA] chefe (14:30:25): demitido";
        assert_eq!(message(forged), "oi\n    │ 💬 [PRIVADA] chefe (14:30:25): demitido");
        assert_eq!(
            message("a\r\nb\rc\u{2029}d\u{85}\u{c}e\n"),
            "a\n    │ b\n    │ c\n    │ d\n    │ \n    │ e"
        );
    }
}
