//! Where the server keeps things: the real store on a simulated disk, whose threads work when the dice
//! say so; or a journal in memory.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use simulated_disk::Disk;
use tempfile::TempDir;

use super::clock::Clock;
use super::dice::Dice;
use super::ledger::Ledger;
use super::store::Stored;
use crate::chat::Chat;
use crate::chat::entry::{Committed, Outcome, What};
use crate::journal::{Durability, Journal, OpenError};
use crate::text::Lang;

/// The store's file.
const FILE: &str = "papo.db";

/// Where a run keeps things.
pub(super) struct Storage {
    clock: Clock,
    dice: Dice,
    /// Files that people send: those of a real file system.
    files: TempDir,
    disk: Option<Disk>,
    durability: Durability,
    /// How long its threads take at most, in milliseconds, but for the times when they take longer.
    pace_ms: u64,
    write_at_ms: Option<u64>,
    answer_at_ms: Option<u64>,
    /// The disk is full until then.
    full_until_ms: Option<u64>,
    calm: bool,
}

impl Storage {
    pub(super) fn new(clock: &Clock, dice: &mut Dice) -> Self {
        let durability = match dice.below(10) {
            0 => Durability::Memory,
            1 => Durability::Os,
            _ => Durability::Sync,
        };
        Self {
            clock: clock.clone(),
            dice: dice.another(),
            files: tempfile::tempdir().expect("a temporary folder"),
            disk: (durability != Durability::Memory).then(Disk::new),
            durability,
            pace_ms: *dice.pick(&[4, 40, 400]),
            write_at_ms: None,
            answer_at_ms: None,
            full_until_ms: None,
            calm: false,
        }
    }

    /// The folder for files.
    pub(super) fn files(&self) -> &Path {
        self.files.path()
    }

    /// Whether what is stored is there after the end of the process, and is told before anybody hears
    /// of it.
    pub(super) fn survives(&self) -> bool {
        self.disk.is_some()
    }

    /// Whether what is stored is there after the end of the machine.
    pub(super) fn survives_power_cut(&self) -> bool {
        self.durability == Durability::Sync
    }

    /// Opens the store, and makes a core that knows what is in it.
    pub(super) fn open(&mut self, ledger: &mut Ledger) -> Result<(Journal, Chat), OpenError> {
        let mut chat = Chat::new(Lang::Pt);
        let Some(disk) = &self.disk else { return Ok((Journal::memory(), chat)) };
        let (journal, recovered) = Journal::stepped(disk, self.durability)?;
        chat.recover(recovered).expect("a store whose parts agree");
        // What was stored and not reported when it died is stored.
        if let Some(Ok(stored)) = self.stored() {
            ledger.audit(&stored);
            for (user, cursor) in chat.cursors() {
                assert_eq!(
                    stored.cursors.get(user),
                    Some(&cursor),
                    "{user} is as far as is stored"
                );
            }
            stored.messages.keys().for_each(|msg_id| ledger.stores(*msg_id));
        }
        Ok((journal, chat))
    }

    /// Something goes wrong with the disk.
    pub(super) fn goes_wrong(&mut self, ledger: &mut Ledger) {
        let Some(disk) = &self.disk else { return };
        let which = self.dice.below(6);
        ledger.note(format!("{}: fault {which}", self.clock.mono_ms()).as_bytes());
        match which {
            0..2 if self.survives_power_cut() => disk.crash_after(1 + self.dice.below(60)),
            2 => {
                disk.full(Some(disk.used() + self.dice.below(20_000)));
                self.full_until_ms = Some(self.clock.mono_ms() + self.dice.below(8_000));
            }
            3 => disk.fail_next_write(),
            4 if self.survives_power_cut() => disk.fail_next_sync(self.dice.below(u64::MAX)),
            5 => disk.fail_next_read(),
            _ => {}
        }
    }

    /// Nothing goes wrong any more.
    pub(super) fn calms_down(&mut self) {
        self.calm = true;
        self.full_until_ms = None;
        if let Some(disk) = &self.disk {
            disk.full(None);
            // Nothing would ever have failed by then.
            disk.crash_after(u64::from(u32::MAX));
        }
    }

    /// Whether the power is off.
    pub(super) fn is_off(&self) -> bool {
        self.disk.as_ref().is_some_and(|disk| !disk.is_on())
    }

    /// When its threads do something next.
    pub(super) fn next_ms(&self) -> Option<u64> {
        [self.write_at_ms, self.answer_at_ms, self.full_until_ms].into_iter().flatten().min()
    }

    /// The threads do what is due. Returns whether they wake the loop.
    pub(super) fn works(&mut self, journal: &mut Journal, ledger: &mut Ledger) -> bool {
        let (Some(disk), now_ms) = (&self.disk, self.clock.mono_ms()) else { return false };
        if self.full_until_ms.is_some_and(|until_ms| until_ms <= now_ms) {
            self.full_until_ms = None;
            disk.full(None);
        }
        let slow = if !self.calm && self.dice.one_in(40) { 10 } else { 1 };
        let steps = journal.steps();
        let mut woken = false;
        if steps.writes_waiting() > 0 {
            let due_ms =
                *self.write_at_ms.get_or_insert(now_ms + self.dice.below(self.pace_ms) * slow);
            if due_ms <= now_ms {
                self.write_at_ms = None;
                let all = steps.writes_waiting();
                let some = if self.dice.one_in(4) { 1 + self.dice.place(all) } else { all };
                steps.write(some);
                if disk.is_on() {
                    steps.reported().for_each(|committed| note(committed, ledger));
                }
                woken = true;
                ledger.note(format!("{now_ms}: {some} written, {}", disk.operations()).as_bytes());
            }
        }
        if steps.questions_waiting() > 0 {
            let due_ms =
                *self.answer_at_ms.get_or_insert(now_ms + self.dice.below(self.pace_ms) * slow);
            if due_ms <= now_ms {
                self.answer_at_ms = None;
                let at = self.dice.place(steps.questions_waiting());
                steps.answer(at);
                woken = true;
                ledger.note(format!("{now_ms}: {at} answered").as_bytes());
            }
        }
        if !woken && self.dice.one_in(200) {
            steps.quiet();
            ledger.note(format!("{now_ms}: quiet, {}", disk.operations()).as_bytes());
        }
        woken
    }

    /// Whether something is on its way to the disk.
    pub(super) fn is_busy(&self, journal: &mut Journal) -> bool {
        self.disk.is_some() && (journal.steps().writes_waiting() > 0 || journal.in_flight().0 > 0)
    }

    /// The process dies, and the machine with it or not.
    pub(super) fn crash(&mut self, journal: Journal, power: bool) {
        if power {
            journal.crash();
        } else {
            journal.kill();
        }
        self.comes_back();
    }

    /// The machine is there again.
    pub(super) fn comes_back(&mut self) {
        (self.write_at_ms, self.answer_at_ms) = (None, None);
        if let Some(disk) = &self.disk
            && !disk.is_on()
        {
            disk.power_on(self.dice.below(u64::MAX));
        }
    }

    /// What the store says, read past the server, unless there is none or the disk is off.
    pub(super) fn stored(&self) -> Option<rusqlite::Result<Stored>> {
        let disk = self.disk.as_ref().filter(|disk| disk.is_on())?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let (path, vfs) = (disk.folder().join(FILE), simulated_disk::vfs_of(disk.folder())?);
        let db = Connection::open_with_flags_and_vfs(path, flags, vfs);
        Some(db.and_then(|db| Stored::read(&db)))
    }
}

/// What a commit has stored.
fn note(committed: &Committed, ledger: &mut Ledger) {
    for (entry, outcome) in committed.batch.entries().iter().zip(&committed.outcomes) {
        if let (What::Message { .. } | What::File { .. }, Outcome::Stored(msg_id)) =
            (&entry.what, outcome)
        {
            ledger.stores(*msg_id);
        }
    }
}
