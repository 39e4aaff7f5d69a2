//! What others wrote, before a terminal shows it.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use crate::text::sanitize::{message, one_line};

/// Nothing that is shown acts on the terminal or on what stands beside it, every line of a message
/// but its first is marked as one, and what people can read is still there.
pub fn sanitizer(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let line = one_line(&text);
    check(&line);
    assert_eq!(one_line(&line), line, "a second time");
    assert!(readable(&line).eq(readable(&text)), "{text:?} became {line:?}");
    let shown = message(&text);
    for (number, line) in shown.split('\n').enumerate() {
        check(line);
        assert!(number == 0 || line.starts_with("    │ "), "{line:?} could be a message");
        assert_eq!(one_line(line), line);
    }
    assert!(readable(&shown).eq(readable(&text)), "{text:?} became {shown:?}");
}

fn check(line: &str) {
    for c in line.chars() {
        assert!(!c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}'), "{line:?}");
        let acts = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}')
            || matches!(c, '\u{2066}'..='\u{2069}' | '\u{fff9}'..='\u{fffb}' | '\u{feff}');
        assert!(!acts, "{line:?} has {c:?}");
        // The signs of this category that have a shape are Arabic, Syriac or Kaithi.
        let shapeless = c.general_category() == GeneralCategory::Format
            && !matches!(c, '\u{600}'..='\u{8ff}' | '\u{110bd}' | '\u{110cd}' | '\u{200d}');
        assert!(!shapeless, "{line:?} has {c:?}");
    }
    // A joiner joins two, or somebody else's eye would miss it.
    assert!(!line.starts_with('\u{200d}') && !line.ends_with('\u{200d}'), "{line:?}");
}

/// Letters and signs that everybody's terminal shows as they are.
fn readable(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(char::is_ascii_graphic)
}
