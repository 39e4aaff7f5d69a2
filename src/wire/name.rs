//! Names, parsed once at the edge: who holds one of these types holds a name that is safe to show,
//! to log and to put into a path (PROTOCOL.md, sections 3 and 6).

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{
    GeneralCategory, GeneralCategoryGroup, UnicodeEmoji, UnicodeGeneralCategory,
};

use crate::limits::{FILE_NAME_BYTES_MAX, NAME_BYTES_MAX, NAME_CHARS_MAX, STORED_NAME_BYTES_MAX};

const ZERO_WIDTH_JOINER: char = '\u{200d}';
const VARIATION_SELECTOR_16: char = '\u{fe0f}';
const COMBINING_KEYCAP: char = '\u{20e3}';

/// The string breaks the rules for names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidName;

/// A user's or group's name: trimmed, NFC, at most [`NAME_CHARS_MAX`] characters, nothing in it
/// that a terminal, a log, a page or a file system could take for more than text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(Box<str>);

/// The name of a user.
pub type UserName = Name;

/// The name of a group.
pub type GroupName = Name;

impl Name {
    /// Parses what a person typed.
    pub fn parse(raw: &str) -> Result<Self, InvalidName> {
        if raw.len() > NAME_BYTES_MAX {
            return Err(InvalidName);
        }
        let name: String = raw.trim().nfc().collect();
        let count = name.chars().count();
        if count == 0 || count > NAME_CHARS_MAX || name.starts_with('.') {
            return Err(InvalidName);
        }
        let mut before = None;
        let mut rest = name.chars().peekable();
        while let Some(c) = rest.next() {
            if !allowed(before, c, rest.peek().copied()) {
                return Err(InvalidName);
            }
            before = Some(c);
        }
        // A mark needs something to stand on, or it lands on what is shown before the name.
        if name.chars().next().is_some_and(is_mark) || !name.chars().any(is_visible) {
            return Err(InvalidName);
        }
        Ok(Self(name.into_boxed_str()))
    }

    /// The name as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two spellings of one name have in common: case and compatibility forms are folded.
    pub fn key(&self) -> String {
        key(&self.0)
    }

    /// What two names that look alike have in common (Unicode Technical Standard 39, section 4).
    pub fn skeleton(&self) -> String {
        unicode_security::confusable_detection::skeleton(&self.key()).collect()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Folds a spelling so that names which differ in case or compatibility form alone become equal.
/// A string too long to be a name has the key of none.
pub fn key(raw: &str) -> String {
    if raw.len() > NAME_BYTES_MAX {
        return String::new();
    }
    let raw = raw.trim();
    if raw.is_ascii() {
        return raw.to_ascii_lowercase();
    }
    // Up and down again, character by character: that folds ß with SS and ς with Σ. Down before
    // that, for what has no other capital than itself: ẞ is one of ß. And apart before that: the
    // iota below a letter becomes one behind it and its marks, be they one character with it or not.
    let folded: String = raw
        .nfkd()
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfkc()
        .collect();
    // Some compatibility forms are a space and more: ͺ is one of ι.
    folded.trim().to_owned()
}

fn allowed(before: Option<char>, c: char, after: Option<char>) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => true,
        // Trimmed before, so a space is inner; only two in a row are left to refuse.
        ' ' => before != Some(' '),
        ZERO_WIDTH_JOINER => {
            before.is_some_and(|c| is_emoji(c) || c == VARIATION_SELECTOR_16)
                && after.is_some_and(is_emoji)
        }
        c if c.is_ascii() => false,
        c if is_deceptive(c) => false,
        c => {
            let group = c.general_category_group();
            matches!(group, GeneralCategoryGroup::Letter | GeneralCategoryGroup::Mark)
                || c.general_category() == GeneralCategory::DecimalNumber
                || is_emoji(c)
        }
    }
}

/// Letters and marks by category that show as nothing, or as a space.
fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{3164}' | '\u{ffa0}' | '\u{fe00}'..='\u{fe0e}' | '\u{e0100}'..='\u{e01ef}')
}

fn is_emoji(c: char) -> bool {
    // ASCII digits, # and * carry the property too, for the sake of keycaps.
    !c.is_ascii()
        && (c.is_emoji_char() || c == COMBINING_KEYCAP)
        && c.general_category_group() != GeneralCategoryGroup::Other
}

fn is_mark(c: char) -> bool {
    !c.is_ascii() && c.general_category_group() == GeneralCategoryGroup::Mark
}

fn is_visible(c: char) -> bool {
    !is_mark(c) && c != ' ' && c != ZERO_WIDTH_JOINER
}

/// A file's name, never a path: the last component alone, without what some system forbids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// Makes a safe name of whatever a peer calls its file. There is always one: what cannot stay
    /// becomes `_`.
    pub fn sanitize(raw: &str) -> Self {
        let last = raw.rsplit(['/', '\\']).find(|part| !part.trim().is_empty()).unwrap_or("");
        let cleaned: String = last.nfc().map(|c| if file_char(c) { c } else { '_' }).collect();
        let cleaned = without_loose_end(cleaned.trim_start());
        let named = match cleaned.trim_start_matches('.') {
            "" => "_".to_owned(),
            _ if cleaned.starts_with('.') => format!("_{}", &cleaned[1..]),
            _ if is_reserved_device(cleaned) => format!("_{cleaned}"),
            _ => cleaned.to_owned(),
        };
        let short = shorten(&named, FILE_NAME_BYTES_MAX);
        // The cut can leave a device's name, which is far shorter than what was cut.
        Self(if is_reserved_device(&short) { format!("_{short}") } else { short })
    }

    /// The name as it is shown and sent on.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name under which a file is kept: `{sender}_{filename}` or `{group}_{sender}_{filename}`,
    /// and from the second of the same name on ` (2)`, ` (3)` … before the extension. Never longer
    /// than what file systems take.
    pub fn stored_as(&self, owners: &[&Name], copy: u32) -> String {
        let mut named = String::new();
        for owner in owners {
            named.push_str(owner.as_str());
            named.push('_');
        }
        // Somebody may be called `con.x`.
        if is_reserved_device(&named) {
            named.insert(0, '_');
        }
        // The file's own extension: a dot in the owner's name begins none.
        let (stem, extension) = split_extension(&self.0);
        named.push_str(stem);
        let suffix = if copy > 1 { format!(" ({copy})") } else { String::new() };
        let room = STORED_NAME_BYTES_MAX.saturating_sub(suffix.len() + extension.len());
        format!("{}{suffix}{extension}", cut(&named, room))
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn file_char(c: char) -> bool {
    !matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
        && (c.is_ascii_graphic()
            || c == ' '
            || !c.is_ascii()
                && !is_deceptive(c)
                && c.general_category_group() != GeneralCategoryGroup::Other
                && !matches!(c, '\u{2028}' | '\u{2029}'))
}

/// Windows drops blanks and dots at the end of a name, so two names would become one.
fn without_loose_end(name: &str) -> &str {
    name.trim_end_matches(|c: char| c == '.' || c.is_whitespace())
}

/// The device names that Windows reserves in every folder, with any extension.
fn is_reserved_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_ascii_uppercase();
    let numbered = |device: &str| {
        stem.strip_prefix(device).is_some_and(|rest| {
            let mut rest = rest.chars();
            matches!(rest.next(), Some('0'..='9' | '¹' | '²' | '³')) && rest.next().is_none()
        })
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$")
        || numbered("COM")
        || numbered("LPT")
}

/// Cuts a name to so many bytes, keeping its extension.
fn shorten(name: &str, bytes_max: usize) -> String {
    let (stem, extension) = split_extension(name);
    format!("{}{extension}", cut(stem, bytes_max.saturating_sub(extension.len())))
}

/// Cuts a text to so many bytes, between two characters.
fn cut(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let mut end = bytes_max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    without_loose_end(&text[..end])
}

/// Splits off `.ext`, when what follows the last dot is short enough to be an extension.
fn split_extension(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 && name.len() - at <= 17 => name.split_at(at),
        _ => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(raw: &str) -> Name {
        Name::parse(raw).unwrap_or_else(|_| panic!("{raw:?} should be a name"))
    }

    #[test]
    fn people_may_be_called_what_they_are_called() {
        for raw in [
            "Alice",
            "joão",
            "Ana Maria",
            "张伟",
            "r2-d2",
            "a.b_c",
            "👩‍💻",
            "Zoë",
            "أحمد",
            "नमस्ते",
            "7",
            "👍🏽",
            "❤️",
            "🇧🇷",
            "Ñandú 2",
        ] {
            assert_eq!(name(raw).as_str(), raw.nfc().collect::<String>());
        }
        assert_eq!(name("  bob \t").as_str(), "bob");
        assert_eq!(name("joa\u{303}o"), name("joão"));
        assert!(Name::parse(&"é".repeat(32)).is_ok());
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for raw in [
            "",
            " ",
            "\u{a0}",
            "a\nb",
            "a\u{1b}[2J",
            "a/b",
            "a\\b",
            "..",
            ".a",
            "a  b",
            "#a",
            "@a",
            "a:b",
            "a*b",
            "a?b",
            "a\"b",
            "a<b",
            "a|b",
            "\u{202e}bob",
            "bo\u{200b}b",
            "a\u{200d}b",
            "\u{feff}bob",
            "\u{301}",
            "\u{301}a",
            "\u{3164}",
            "\u{e000}",
            "a\u{0}b",
            "a\u{2028}b",
            "\u{200d}",
            "bob\u{ad}",
            "a\u{85}b",
            "\u{fe0f}",
            "a\u{fe01}b",
        ] {
            assert_eq!(Name::parse(raw), Err(InvalidName), "{raw:?}");
        }
        assert!(Name::parse(&"é".repeat(33)).is_err());
        assert!(Name::parse(&"a".repeat(100_000)).is_err());
    }

    #[test]
    fn case_and_compatibility_form_make_no_second_name() {
        for (one, other) in [
            ("Alice", "aLICE"),
            ("straße", "STRASSE"),
            ("ΣΑΣ", "σας"),
            ("ｂｏｂ", "bob"),
            ("ﬁ", "fi"),
            // A capital that only has a small letter, and a form that is a space and a letter.
            ("STRAẞE", "strasse"),
            ("ͺ", "ι"),
            ("Ά\u{310}\u{345}", "ά\u{310}\u{345}"),
        ] {
            assert_eq!(name(one).key(), name(other).key(), "{one} {other}");
        }
        assert_ne!(name("ana").key(), name("anã").key());
        assert_eq!(key("  ALICE "), "alice");
    }

    #[test]
    fn names_that_look_alike_share_a_skeleton() {
        assert_eq!(name("аlice").skeleton(), name("alice").skeleton());
        assert_ne!(name("аlice").key(), name("alice").key());
        assert_ne!(name("ana").skeleton(), name("bia").skeleton());
    }

    #[test]
    fn a_file_name_is_never_a_path() {
        for (raw, expected) in [
            ("foto.jpg", "foto.jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\x\\relatório final.pdf", "relatório final.pdf"),
            ("/", "_"),
            ("", "_"),
            (".", "_"),
            ("..", "_"),
            ("...", "_"),
            (".bashrc", "_bashrc"),
            ("a\0b\nc\u{1b}[31m", "a_b_c_[31m"),
            ("nul", "_nul"),
            ("COM1.txt", "_COM1.txt"),
            ("lpt9", "_lpt9"),
            ("com10", "com10"),
            ("console.log", "console.log"),
            ("a:b*c?d\"e<f>g|h", "a_b_c_d_e_f_g_h"),
            ("gpj.\u{202e}exe", "gpj._exe"),
            ("fim. . .", "fim"),
            ("fim.\u{a0}.", "fim"),
            ("dir/", "dir"),
        ] {
            assert_eq!(FileName::sanitize(raw).as_str(), expected, "{raw:?}");
        }
    }

    #[test]
    fn a_long_file_name_keeps_its_extension() {
        let long = FileName::sanitize(&format!("{}.tar.gz", "ção".repeat(200)));
        assert!(long.as_str().len() <= 200 && split_extension(long.as_str()).1 == ".gz");
        // Nor is it, where it was cut, what Windows would take for another name.
        let cut = FileName::sanitize(&format!("{}. {}", "a".repeat(199), "b".repeat(99)));
        assert_eq!(cut.as_str(), "a".repeat(199));
        let device = FileName::sanitize(&format!("con{}b.txt", " ".repeat(200)));
        assert_eq!(device.as_str(), "_con.txt");
        let owners = [&name(&"🦀".repeat(32)), &name(&"🦀".repeat(32))];
        let stored = long.stored_as(&owners, 17);
        assert!(stored.len() <= 255 && stored.ends_with(" (17).gz"), "{stored}");
    }

    #[test]
    fn stored_names_say_whose_they_are() {
        let file = FileName::sanitize("foto.jpg");
        let (ana, work) = (name("ana"), name("Trabalho"));
        assert_eq!(file.stored_as(&[&ana], 1), "ana_foto.jpg");
        assert_eq!(file.stored_as(&[&ana], 2), "ana_foto (2).jpg");
        assert_eq!(file.stored_as(&[&work, &ana], 1), "Trabalho_ana_foto.jpg");
        // A dot in somebody's name begins no extension, and makes no device of it.
        let notes = FileName::sanitize("notas");
        assert_eq!(notes.stored_as(&[&name("ana.b")], 2), "ana.b_notas (2)");
        assert_eq!(notes.stored_as(&[&name("con.x")], 1), "_con.x_notas");
    }
}
