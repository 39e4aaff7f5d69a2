//! A directory of names: from what somebody typed to the small number that stands for it.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::wire::Code;
use crate::wire::name::{self, Name};

/// Names and their numbers. One name is found under each of its spellings.
#[derive(Debug, Default)]
pub struct Names {
    spellings: HashMap<Box<str>, u32, RandomState>,
    keys: HashMap<Box<str>, u32, RandomState>,
    skeletons: HashMap<Box<str>, Box<str>, RandomState>,
}

impl Names {
    /// How many names there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// The number of a name, however it is spelled.
    pub fn find(&self, raw: &str) -> Option<u32> {
        // The spelling that everybody is shown is nearly always the one that comes back.
        self.spellings.get(raw).or_else(|| self.keys.get(name::key(raw).as_str())).copied()
    }

    /// Whether a name may be made: nobody has it, and it does not look like anybody's.
    pub fn may_be_made(&self, name: &Name) -> Result<(), Code> {
        match self.skeletons.get(name.skeleton().as_str()) {
            // The plain letters and digits that look alike (l and 1, rn and m) are everywhere in
            // honest names; a deceiver needs a letter of another alphabet.
            Some(other) if !(other.is_ascii() && name.as_str().is_ascii()) => {
                Err(Code::NameConfusable)
            }
            _ => Ok(()),
        }
    }

    /// Adds a name that nobody has.
    pub fn insert(&mut self, name: &Name, number: u32) {
        self.spellings.insert(name.as_str().into(), number);
        self.keys.insert(name.key().into(), number);
        self.skeletons.entry(name.skeleton().into()).or_insert_with(|| name.as_str().into());
    }

    /// Takes a name out.
    pub fn remove(&mut self, name: &Name) {
        self.spellings.remove(name.as_str());
        self.keys.remove(name.key().as_str());
        let skeleton = name.skeleton();
        if self.skeletons.get(skeleton.as_str()).is_some_and(|other| **other == *name.as_str()) {
            self.skeletons.remove(skeleton.as_str());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_however_it_is_spelled_and_a_lookalike_is_refused() {
        let mut names = Names::default();
        let alice = Name::parse("Alice").unwrap();
        names.insert(&alice, 7);
        for spelling in ["Alice", "alice", " ALICE ", "ａｌｉｃｅ"] {
            assert_eq!(names.find(spelling), Some(7), "{spelling}");
        }
        let cyrillic = Name::parse("аlice").unwrap();
        assert_eq!(names.find("аlice"), None);
        assert_eq!(names.may_be_made(&cyrillic), Err(Code::NameConfusable));
        assert_eq!(names.may_be_made(&Name::parse("A1ice").unwrap()), Ok(()));
        names.remove(&alice);
        assert_eq!(names.find("Alice"), None);
        assert_eq!(names.may_be_made(&cyrillic), Ok(()));
    }
}
