//! A folder of files on a medium that can fail, with one lock around it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rusqlite::ffi;

use crate::dice::Dice;
use crate::file::{Fate, File, SECTOR};
use crate::locks::{Locks, Shared};

/// A folder that handles and its [`crate::Disk`] share.
pub(crate) type Shelf = Arc<Mutex<Folder>>;

/// Nobody leaves a folder in pieces, so a panic elsewhere does not matter to it.
pub(crate) fn lock(shelf: &Shelf) -> MutexGuard<'_, Folder> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `SQLite`'s code for what went wrong.
pub(crate) type Code = i32;

/// A folder.
#[derive(Debug)]
pub(crate) struct Folder {
    files: BTreeMap<u64, Node>,
    names: BTreeMap<String, u64>,
    /// The names that are on the medium for certain, and what leads from there to those that are seen.
    kept_names: BTreeMap<String, u64>,
    pending_names: Vec<(String, Option<u64>)>,
    last: u64,
    pub(crate) on: bool,
    /// How often the processes that had files open have ended.
    pub(crate) life: u64,
    pub(crate) operations: u64,
    pub(crate) crash_at: Option<u64>,
    pub(crate) faults: Faults,
}

/// What is to go wrong.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) room: Option<u64>,
    pub(crate) next_write: bool,
    pub(crate) next_read: bool,
    pub(crate) name_syncs: bool,
    /// With the seed of what is lost.
    pub(crate) next_sync: Option<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) file: File,
    pub(crate) locks: Locks,
    pub(crate) shared: Weak<Shared>,
    handles: usize,
}

impl Default for Folder {
    fn default() -> Self {
        Self {
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            kept_names: BTreeMap::new(),
            pending_names: Vec::new(),
            last: 0,
            on: true,
            life: 0,
            operations: 0,
            crash_at: None,
            faults: Faults::default(),
        }
    }
}

impl Folder {
    /// A number that nothing has.
    pub(crate) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    pub(crate) fn find(&self, name: &str) -> Option<&File> {
        self.names.get(name).and_then(|number| self.files.get(number)).map(|node| &node.file)
    }

    /// A file, whether it has a name or not.
    pub(crate) fn node(&mut self, number: u64) -> &mut Node {
        self.files.entry(number).or_default()
    }

    /// Opens a file for one more handle, and makes it if that is wanted. Returns its number.
    pub(crate) fn open(&mut self, name: &str, create: bool) -> Result<u64, Code> {
        let number = match self.names.get(name) {
            Some(number) => *number,
            None if create => {
                let number = self.number();
                self.names.insert(name.to_owned(), number);
                self.pending_names.push((name.to_owned(), Some(number)));
                number
            }
            None => return Err(ffi::SQLITE_CANTOPEN),
        };
        self.node(number).handles += 1;
        Ok(number)
    }

    /// A handle is gone. Those of an earlier life have been forgotten already.
    pub(crate) fn close(&mut self, number: u64, life: u64) {
        if life == self.life {
            let node = self.node(number);
            node.handles = node.handles.saturating_sub(1);
            self.drop_nameless();
        }
    }

    pub(crate) fn write(&mut self, number: u64, at: usize, bytes: &[u8]) -> Result<(), Code> {
        let crash = self.begin();
        if std::mem::take(&mut self.faults.next_write) {
            let half = bytes.len() / 2 / SECTOR * SECTOR;
            self.node(number).file.write(at, &bytes[..half]);
            return Err(ffi::SQLITE_IOERR_WRITE);
        }
        let fits = self.fits(number, at, bytes.len());
        self.node(number).file.write(at, &bytes[..fits]);
        if crash {
            self.on = false;
            return Err(ffi::SQLITE_IOERR_WRITE);
        }
        if fits < bytes.len() { Err(ffi::SQLITE_FULL) } else { Ok(()) }
    }

    /// How much of a write there is room for. What is overwritten needs none; of the rest, as much is
    /// written as fits.
    fn fits(&mut self, number: u64, at: usize, len: usize) -> usize {
        let Some(room) = self.faults.room else { return len };
        let left = usize::try_from(room.saturating_sub(self.used())).unwrap_or(usize::MAX);
        let here = self.node(number).file.now().len();
        let end_max = here.saturating_add(left);
        if at + len <= end_max { len } else { end_max.saturating_sub(at) / SECTOR * SECTOR }
    }

    pub(crate) fn used(&self) -> u64 {
        self.files.values().map(|node| node.file.now().len() as u64).sum()
    }

    pub(crate) fn cut(&mut self, number: u64, size: usize) -> Result<(), Code> {
        let crash = self.begin();
        self.node(number).file.cut(size);
        self.end(crash, ffi::SQLITE_IOERR_TRUNCATE)
    }

    pub(crate) fn sync(&mut self, number: u64) -> Result<(), Code> {
        if self.begin() {
            return self.end(true, ffi::SQLITE_IOERR_FSYNC);
        }
        if let Some(seed) = self.faults.next_sync.take() {
            let mut dice = Dice::new(seed);
            let fate = Fate::by(&mut dice);
            self.node(number).file.fail_to_sync(fate, &mut dice);
            return Err(ffi::SQLITE_IOERR_FSYNC);
        }
        self.node(number).file.sync();
        Ok(())
    }

    /// Syncs the folder: its names are on the medium from now on.
    pub(crate) fn sync_names(&mut self) -> Result<(), Code> {
        if !self.on || self.begin() {
            return self.end(true, ffi::SQLITE_IOERR_DIR_FSYNC);
        }
        if self.faults.name_syncs {
            return Err(ffi::SQLITE_IOERR_DIR_FSYNC);
        }
        self.pending_names.clear();
        self.kept_names.clone_from(&self.names);
        self.drop_nameless();
        Ok(())
    }

    pub(crate) fn delete(&mut self, name: &str) -> Result<(), Code> {
        if !self.names.contains_key(name) {
            return Err(ffi::SQLITE_IOERR_DELETE_NOENT);
        }
        let crash = self.begin();
        self.names.remove(name);
        self.pending_names.push((name.to_owned(), None));
        self.end(crash, ffi::SQLITE_IOERR_DELETE)
    }

    /// One more operation that changes something; true when the power goes off in the midst of it.
    fn begin(&mut self) -> bool {
        self.operations += 1;
        self.crash_at == Some(self.operations)
    }

    fn end(&mut self, crash: bool, code: Code) -> Result<(), Code> {
        if crash {
            self.on = false;
            return Err(code);
        }
        Ok(())
    }

    pub(crate) fn power_on(&mut self, seed: u64) {
        let mut dice = Dice::new(seed);
        // Now and then all files have the same fate.
        let one = [Some(Fate::Nothing), Some(Fate::Everything)].get(dice.below(8)).copied();
        let one = one.flatten();
        for node in self.files.values_mut() {
            let fate = one.unwrap_or_else(|| Fate::by(&mut dice));
            node.file.power_cut(fate, &mut dice);
        }
        let mut versions: BTreeMap<String, Vec<Option<u64>>> = BTreeMap::new();
        for (name, number) in self.pending_names.drain(..) {
            versions.entry(name).or_default().push(number);
        }
        for (name, versions) in versions {
            let which = match one {
                Some(Fate::Nothing) => 0,
                Some(_) => versions.len(),
                None => dice.below(versions.len() + 1),
            };
            match which.checked_sub(1).map(|at| versions[at]) {
                None => {}
                Some(Some(number)) => drop(self.kept_names.insert(name, number)),
                Some(None) => drop(self.kept_names.remove(&name)),
            }
        }
        self.names.clone_from(&self.kept_names);
        self.on = true;
        self.crash_at = None;
        self.faults = Faults { room: self.faults.room, ..Faults::default() };
        self.end_life();
    }

    /// Whoever had files open has them no more.
    pub(crate) fn end_life(&mut self) {
        self.life += 1;
        for node in self.files.values_mut() {
            node.locks = Locks::default();
            node.shared = Weak::new();
            node.handles = 0;
        }
        self.drop_nameless();
    }

    /// Forgets files that nobody can come to any more.
    fn drop_nameless(&mut self) {
        let Self { files, names, kept_names, pending_names, .. } = self;
        let named = names.values().chain(kept_names.values());
        let named = named.chain(pending_names.iter().filter_map(|(_, number)| number.as_ref()));
        let named: std::collections::BTreeSet<u64> = named.copied().collect();
        files.retain(|number, node| node.handles > 0 || named.contains(number));
    }

    /// All names with what a reader sees and what is on the medium.
    pub(crate) fn contents(&self) -> impl Iterator<Item = (&str, &[u8], &[u8])> {
        self.names.iter().map(|(name, number)| {
            let file = &self.files[number].file;
            (name.as_str(), file.now(), file.kept())
        })
    }
}
