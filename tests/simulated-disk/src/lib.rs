//! A disk in memory on which `SQLite` keeps its files, and which fails when a test says so.
//!
//! Every write, cut, creation and deletion is pending until its file or folder is synced. When the
//! power goes off, any part of what is pending survives, by sectors of 512 bytes, as dice fall whose
//! seed the test gives. What POSIX promises holds, and nothing else: order is made by syncs alone.
//! Two things are a little kinder than that. A sector is old or new, never in pieces; and a file that
//! was made shorter does not keep what was written after that without becoming shorter.
//!
//! A file's name survives once its folder was synced. `SQLite` does so with the first sync of a journal
//! or a write-ahead log, as its own VFS for Unix does; for the database's file nobody does, which is
//! what [`sync_folder`] is for.
//!
//! Nothing depends on real time, addresses, or the order of a hash table. The salts in a write-ahead
//! log come from a generator that all of a process share, so they differ from run to run; nothing
//! that happens depends on them, and [`Disk::fingerprint`] leaves them out.

mod dice;
mod file;
mod files;
mod folder;
mod locks;
#[cfg(test)]
mod tests;
mod vfs;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub use files::File;
use folder::{Shelf, lock};

/// What the paths of all simulated files begin with.
const ROOT: &str = "/simulated/";

/// How many characters the number of a disk has in a path.
const DIGITS: usize = 16;

static SHELVES: Mutex<BTreeMap<u64, Shelf>> = Mutex::new(BTreeMap::new());

/// A disk with one folder. Its files are gone when its last clone is dropped.
#[derive(Clone, Debug)]
pub struct Disk {
    shelf: Shelf,
    place: Arc<Place>,
}

/// Where a disk is.
#[derive(Debug)]
struct Place {
    number: u64,
    path: PathBuf,
}

impl Default for Disk {
    fn default() -> Self {
        Self::new()
    }
}

impl Disk {
    /// An empty disk that works.
    pub fn new() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        vfs::register();
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        let shelf = Shelf::default();
        let mut shelves = SHELVES.lock().unwrap_or_else(PoisonError::into_inner);
        shelves.insert(number, Arc::clone(&shelf));
        let path = format!("{ROOT}{number:0DIGITS$x}").into();
        Self { shelf, place: Arc::new(Place { number, path }) }
    }

    /// Its folder. Connections to files in it are opened with [`vfs_of`] it.
    pub fn folder(&self) -> &Path {
        &self.place.path
    }

    /// How many operations have changed something, or synced something, or were to.
    pub fn operations(&self) -> u64 {
        lock(&self.shelf).operations
    }

    /// Lets the power go off in the midst of the operation with this number from now on, first 1.
    pub fn crash_after(&self, operations: u64) {
        let mut folder = lock(&self.shelf);
        folder.crash_at = Some(folder.operations + operations);
    }

    /// Whether it has power.
    pub fn is_on(&self) -> bool {
        lock(&self.shelf).on
    }

    /// How often whatever was open has died: by [`Disk::power_on`] and [`Disk::restart`].
    pub fn life(&self) -> u64 {
        lock(&self.shelf).life
    }

    /// Every operation fails from now on.
    pub fn power_off(&self) {
        lock(&self.shelf).on = false;
    }

    /// The disk works again. What has survived of all that was not synced is decided by dice with this
    /// seed. Whatever was open is dead, and no crash or single failure is ahead any more.
    pub fn power_on(&self, seed: u64) {
        lock(&self.shelf).power_on(seed);
    }

    /// The process that has files open is killed and the machine goes on: whatever was open is dead,
    /// and nothing is lost.
    pub fn restart(&self) {
        lock(&self.shelf).end_life();
    }

    /// A write that makes all files together larger than this many bytes fails as on a full disk, after
    /// as much of it as there is room for. `None`: there is room for anything.
    pub fn full(&self, bytes: Option<u64>) {
        lock(&self.shelf).faults.room = bytes;
    }

    /// How many bytes all files have together.
    pub fn used(&self) -> u64 {
        lock(&self.shelf).used()
    }

    /// The next write fails when it is half done.
    pub fn fail_next_write(&self) {
        lock(&self.shelf).faults.next_write = true;
    }

    /// The next read fails.
    pub fn fail_next_read(&self) {
        lock(&self.shelf).faults.next_read = true;
    }

    /// The next sync of a file fails. As on Linux, what it was to write counts as written from then on:
    /// it is read as before, no later sync tries again, and without power only that part of it is
    /// there that dice with this seed let through.
    pub fn fail_next_sync(&self, seed: u64) {
        lock(&self.shelf).faults.next_sync = Some(seed);
    }

    /// Syncs of the folder fail from now on, of which `SQLite` takes no notice.
    pub fn fail_folder_syncs(&self) {
        lock(&self.shelf).faults.name_syncs = true;
    }

    /// Nothing is to go wrong any more: there is room, and no failure or crash is ahead.
    pub fn heal(&self) {
        let mut folder = lock(&self.shelf);
        folder.faults = folder::Faults::default();
        folder.crash_at = None;
    }

    /// What a reader of a file sees.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        lock(&self.shelf).find(name).map(|file| file.now().to_vec())
    }

    /// The names of all files.
    pub fn names(&self) -> Vec<String> {
        lock(&self.shelf).contents().map(|(name, ..)| name.to_owned()).collect()
    }

    /// A hash of all names and of what their files hold, in the cache and on the medium.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = Fnv::default();
        for (name, now, kept) in lock(&self.shelf).contents() {
            hash.write(name.as_bytes());
            for bytes in [now, kept] {
                hash.write(&(bytes.len() as u64).to_le_bytes());
                if name.ends_with("-wal") {
                    write_log(&mut hash, bytes);
                } else if !name.ends_with("-journal") {
                    hash.write(bytes);
                }
            }
        }
        hash.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        SHELVES.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

/// The name under which `SQLite` knows what opens files in this folder or below. `None`: it is not on
/// a simulated disk.
pub fn vfs_of(path: &Path) -> Option<&'static str> {
    let path = path.to_str()?;
    path.starts_with(ROOT).then(|| vfs::NAME.to_str().unwrap_or_default())
}

/// Syncs a folder: its files' names survive.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    let gone = || io::Error::from(io::ErrorKind::NotFound);
    let path = path.to_str().ok_or_else(gone)?;
    let (shelf, _) = shelf_of(path).ok_or_else(gone)?;
    lock(&shelf).sync_names().map_err(|_| io::Error::other("the folder cannot be synced"))
}

/// The folder of a path, and a file's name in it.
fn shelf_of(path: &str) -> Option<(Shelf, &str)> {
    let below = path.strip_prefix(ROOT)?;
    let number = u64::from_str_radix(below.get(..DIGITS)?, 16).ok()?;
    // Between them is one character, which is not the same on every system.
    let name = below.get(DIGITS + 1..).unwrap_or_default();
    let shelves = SHELVES.lock().unwrap_or_else(PoisonError::into_inner);
    shelves.get(&number).map(|shelf| (Arc::clone(shelf), name))
}

/// A write-ahead log without its salts and the sums over them.
fn write_log(hash: &mut Fnv, log: &[u8]) {
    const HEAD: usize = 32;
    const FRAME_HEAD: usize = 24;
    hash.write(&log[..log.len().min(16)]);
    let Some(page) = log.get(8..12) else { return };
    let page = page.iter().fold(0, |page, byte| page << 8 | usize::from(*byte));
    // Without its head nothing in it is known.
    if page == 0 || log.len() <= HEAD {
        return;
    }
    for frame in log[HEAD..].chunks(FRAME_HEAD + page) {
        hash.write(&frame[..frame.len().min(8)]);
        hash.write(frame.get(FRAME_HEAD..).unwrap_or_default());
    }
}

/// FNV-1a, with 64 bits.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
