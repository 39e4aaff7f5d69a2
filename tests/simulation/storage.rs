//! Where the server keeps things: a journal in memory.

use std::path::Path;

use tempfile::TempDir;

use super::clock::Clock;
use super::dice::Dice;
use super::ground::SimGround;
use super::ledger::Ledger;
use super::store::Stored;
use crate::chat::Chat;
use crate::journal::Journal;
use crate::server::shell::Shell;
use crate::text::Lang;

pub(super) struct Storage {
    files: TempDir,
}

impl Storage {
    pub(super) fn new(_clock: &Clock, _dice: &mut Dice) -> Self {
        Self { files: tempfile::tempdir().expect("a folder") }
    }
    pub(super) fn files(&self) -> &Path {
        self.files.path()
    }
    pub(super) fn reports(&self) -> bool {
        false
    }
    pub(super) fn goes_wrong(&mut self) {}
    pub(super) fn calms_down(&mut self) {}
    pub(super) fn survives(&self) -> bool {
        false
    }
    pub(super) fn open(&mut self, _: &Ledger) -> Result<(Journal, Chat), String> {
        Ok((Journal::memory(), Chat::new(Lang::Pt)))
    }
    pub(super) fn crashes(&mut self) {}
    pub(super) fn works(&mut self, _: &mut Journal, _: &mut Ledger) -> bool {
        false
    }
    pub(super) fn is_off(&self) -> bool {
        false
    }
    pub(super) fn next_ms(&self) -> Option<u64> {
        None
    }
    pub(super) fn crash(&mut self, _: Journal, _power: bool) {}
    pub(super) fn closed(&mut self) {}
    pub(super) fn stored(&mut self) -> Option<Stored> {
        None
    }
    pub(super) fn is_busy(&self, _: Option<&mut Shell<SimGround>>) -> bool {
        false
    }
}
