//! Who or what is meant by a name that somebody typed, and what may have been meant otherwise.

use crate::text::sanitize::one_line;
use crate::wire::name::key;

/// At most so many names are proposed.
const NEAR_MAX: usize = 3;

/// The last of these that has the name, in whatever case it was typed.
pub(super) fn find<T>(known: Vec<(T, String)>, typed: &str) -> Result<(T, String), Vec<String>> {
    let wanted = key(typed);
    let at = known.iter().rposition(|(_, name)| !wanted.is_empty() && key(name) == wanted);
    match at {
        Some(at) => known.into_iter().nth(at).ok_or_else(Vec::new),
        None => Err(near(known.iter().map(|(_, name)| name.as_str()), &wanted)),
    }
}

/// Names that differ in a letter or two, or that begin so; the nearest first.
fn near<'n>(names: impl Iterator<Item = &'n str>, wanted: &str) -> Vec<String> {
    let wanted: Vec<char> = wanted.chars().collect();
    let farthest = 1 + wanted.len() / 4;
    let mut found: Vec<(usize, &str)> = names
        .filter_map(|name| {
            let spelled: Vec<char> = key(name).chars().collect();
            let distance = distance(&wanted, &spelled);
            let begins = wanted.len() > 1 && spelled.starts_with(&wanted);
            (begins || distance <= farthest).then_some((distance, name))
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found.truncate(NEAR_MAX);
    found.into_iter().map(|(_, name)| one_line(name).into_owned()).collect()
}

/// How many letters must be put in, taken out or changed (Levenshtein).
fn distance(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(typed: &str) -> Result<(usize, String), Vec<String>> {
        let names = ["ana", "Bia", "Çağla", "Trabalho SD", "trabalho sd", "anabela"];
        let known = names.iter().enumerate().map(|(at, name)| (at, (*name).to_owned()));
        find(known.collect(), typed)
    }

    #[test]
    fn a_name_is_found_in_any_case_and_the_last_that_has_it() {
        assert_eq!(look("ANA"), Ok((0, "ana".to_owned())));
        assert_eq!(look(" bia "), Ok((1, "Bia".to_owned())));
        assert_eq!(look("çağla"), Ok((2, "Çağla".to_owned())));
        assert_eq!(look("Trabalho SD"), Ok((4, "trabalho sd".to_owned())));
    }

    #[test]
    fn names_that_are_like_it_are_proposed() {
        assert_eq!(look("anna"), Err(vec!["ana".to_owned()]));
        assert_eq!(look("an"), Err(vec!["ana".to_owned(), "anabela".to_owned()]));
        assert_eq!(look("bla").unwrap_err(), ["Bia"]);
        for typed in ["", "zulmira", "\u{1b}[2J"] {
            assert_eq!(look(typed), Err(Vec::new()), "{typed:?}");
        }
    }
}
