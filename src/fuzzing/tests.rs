//! Every check, fed with made-up inputs and with the files that fuzzing has left.

mod made_up;
mod seed;

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use made_up::{changed, made_of};

type Check = fn(&[u8]);

/// A check's name, which is that of its target and its folders, and the check.
const CHECKS: &[(&str, Check)] = &[
    ("line", super::line),
    ("bare", super::bare),
    ("length", super::length),
    ("websocket", super::websocket),
    ("http_head", super::http_head),
    ("request", super::request),
    ("names", super::names),
    ("file_names", super::file_names),
    ("store", super::store),
    ("sanitizer", super::sanitizer),
];

/// Files that git and cargo-fuzz are asked to keep few and small.
const CORPUS_FILES_MAX: usize = 40;
const CORPUS_FILE_BYTES_MAX: usize = 4 * 1024;

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn check_named(name: &str) -> Check {
    let found = CHECKS.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("{name} has no check")).1
}

/// What fuzzing has kept for a check, in an order that does not depend on the machine.
fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = fuzz_folder().join("corpus").join(name);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a corpus can be listed").path())
        .collect();
    paths.sort();
    let read = |path: PathBuf| (path.clone(), fs::read(path).expect("a corpus can be read"));
    paths.into_iter().map(read).collect()
}

/// Replays a corpus. A failing file is named, so that it can be given to the target.
fn replay(name: &str) {
    let check = check_named(name);
    let corpus = corpus(name);
    assert!((1..=CORPUS_FILES_MAX).contains(&corpus.len()), "{name}: {} files", corpus.len());
    for (path, bytes) in corpus {
        assert!(bytes.len() <= CORPUS_FILE_BYTES_MAX, "{} is too large", path.display());
        let passed = std::panic::catch_unwind(|| check(&bytes)).is_ok();
        assert!(passed, "fails: {}", path.display());
    }
}

/// A test for each check, in three parts: what fuzzing has kept, bytes of no meaning, and bytes with
/// some.
macro_rules! checks {
    ($($name:ident($cases:literal)),+ $(,)?) => {
        $(mod $name {
            use super::*;

            #[test]
            fn what_fuzzing_has_kept_is_replayed() {
                replay(stringify!($name));
            }

            proptest! {
                #![proptest_config(ProptestConfig::with_cases(cases($cases)))]

                #[test]
                fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
                    super::check_named(stringify!($name))(&bytes);
                }

                #[test]
                fn what_is_nearly_right_is_handled_rightly(bytes in made_of(stringify!($name))) {
                    super::check_named(stringify!($name))(&bytes);
                }

                #[test]
                fn what_fuzzing_has_kept_may_be_changed(bytes in changed(stringify!($name))) {
                    super::check_named(stringify!($name))(&bytes);
                }
            }
        })+

        /// Those that have tests here.
        const TESTED: &[&str] = &[$(stringify!($name)),+];
    };
}

checks! {
    line(256), bare(512), length(256), websocket(512), http_head(256), request(2_000), names(1_000),
    file_names(1_000), store(12), sanitizer(1_000),
}

/// `PROPTEST_CASES` counts for all of them, as for every property.
fn cases(usual: u32) -> u32 {
    if std::env::var_os("PROPTEST_CASES").is_some() {
        ProptestConfig::default().cases
    } else {
        usual
    }
}

#[test]
fn every_check_is_tested_and_has_a_target() {
    let names: Vec<&str> = CHECKS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, TESTED);
    let manifest = fs::read_to_string(fuzz_folder().join("Cargo.toml")).unwrap();
    for name in names {
        let target = fuzz_folder().join("fuzz_targets").join(format!("{name}.rs"));
        let target = fs::read_to_string(target).unwrap();
        assert!(target.contains(&format!("papo::fuzzing::{name}(")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}
