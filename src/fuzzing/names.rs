//! Names of users, groups and files, whatever somebody calls himself or his file.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use crate::limits::{FILE_NAME_BYTES_MAX, NAME_BYTES_MAX, NAME_CHARS_MAX, STORED_NAME_BYTES_MAX};
use crate::wire::name::{FileName, Name, key};

/// What is a name stays the same one however it is spelled, and is harmless where it is shown.
pub fn names(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    for raw in text.split('\n') {
        if let Ok(name) = Name::parse(raw) {
            check_name(&name);
        }
        let folded = key(raw);
        // A key can be longer than what it is made of, and then is none itself.
        if folded.len() <= NAME_BYTES_MAX {
            assert_eq!(key(&folded), folded, "the key of a key of {raw:?}");
        }
    }
}

fn check_name(name: &Name) {
    let shown = name.as_str();
    assert_eq!(Name::parse(shown).as_ref(), Ok(name));
    assert!(!shown.chars().any(acts), "{shown:?}");
    assert!(!shown.contains(['/', '\\', '"', ':', '@', '#']) && !shown.starts_with('.'));
    assert!((1..=NAME_CHARS_MAX).contains(&shown.chars().count()));
    assert_eq!(shown.trim(), shown);
    assert!(!name.skeleton().is_empty());
    // Case is a matter of letters without marks (Unicode Standard, section 3.13): the capital of ᾳ
    // is two letters, and a mark behind them would be on the second.
    let apart: String = shown.nfkd().collect();
    let spellings = [
        apart.to_lowercase(),
        apart.to_uppercase(),
        shown.nfd().collect(),
        shown.nfkc().collect(),
        format!(" {shown}\t"),
    ];
    for spelling in spellings.iter().filter(|spelling| spelling.len() <= NAME_BYTES_MAX) {
        assert_eq!(key(spelling), name.key(), "{spelling:?} for {shown:?}");
    }
}

/// A file's name stays inside its folder, on every system, and is the same again a second time.
pub fn file_names(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let file = FileName::sanitize(&text);
    let name = file.as_str();
    check_file_name(name);
    assert!(name.len() <= FILE_NAME_BYTES_MAX);
    assert_eq!(FileName::sanitize(name), file, "a second time, of {text:?}");
    if let Some(extension) = plain_extension(&text) {
        assert!(name.ends_with(extension), "{name:?} of {text:?}");
    }
    let owner = Name::parse(&text).or_else(|_| Name::parse("ana")).expect("ana is a name");
    for (owners, copy) in [(&[&owner][..], 1), (&[&owner, &owner], 2), (&[&owner], 10_000)] {
        let stored = file.stored_as(owners, copy);
        check_file_name(&stored);
        assert!(stored.len() <= STORED_NAME_BYTES_MAX);
        let whose = stored.strip_prefix('_').filter(|rest| rest.starts_with(owner.as_str()));
        assert!(whose.unwrap_or(&stored).starts_with(owner.as_str()), "{stored:?}");
        assert!(copy == 1 || stored.contains(&format!(" ({copy})")));
    }
}

fn check_file_name(name: &str) {
    assert!(!name.is_empty() && !name.starts_with('.'), "{name:?}");
    assert!(!name.chars().any(acts), "{name:?}");
    let path = name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|']);
    assert!(!path, "{name:?}");
    // Windows drops these, so that two names would be one.
    assert!(!name.ends_with(['.', ' ']) && name.trim() == name, "{name:?}");
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let device = match stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT")) {
        Some(rest) => rest.chars().count() == 1 && "0123456789¹²³".contains(rest),
        None => ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"].contains(&&*stem),
    };
    assert!(!device, "{name:?} is a device");
}

/// What certainly is the extension of a file: short and plain, behind something.
fn plain_extension(raw: &str) -> Option<&str> {
    let (stem, extension) = raw.rsplit_once('.')?;
    let is_plain = (1..=16).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let last = stem.rsplit(['/', '\\']).next()?;
    let has_stem = last.chars().next()?.is_ascii_alphanumeric();
    (is_plain && has_stem).then_some(extension)
}

/// Does something to what stands beside it, or to the terminal, or is not there to be seen.
fn acts(c: char) -> bool {
    let space = c.is_whitespace() && c != ' ' && !matches!(c, '\u{a0}' | '\u{3000}');
    let space = space && c.general_category() != GeneralCategory::SpaceSeparator;
    let hidden = c.general_category() == GeneralCategory::Format && c != '\u{200d}';
    c.is_control() || hidden || space || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fffe}')
}
