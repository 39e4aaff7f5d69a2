//! Who has a file: `SQLite`'s five levels on the file itself, and eight locks on its shared memory.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use rusqlite::ffi;

/// The locks of one file, by the numbers of its handles.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    shared: BTreeSet<u64>,
    reserved: Option<u64>,
    pending: Option<u64>,
    exclusive: Option<u64>,
}

impl Locks {
    /// Takes a level, as <https://sqlite.org/lockingv3.html> says; false when somebody is in the way.
    pub(crate) fn lock(&mut self, handle: u64, level: i32) -> bool {
        let others = |holder: Option<u64>| holder.is_some_and(|other| other != handle);
        match level {
            ffi::SQLITE_LOCK_SHARED => {
                if others(self.pending) || others(self.exclusive) {
                    return false;
                }
                self.shared.insert(handle);
            }
            ffi::SQLITE_LOCK_RESERVED => {
                if others(self.reserved) || others(self.pending) || others(self.exclusive) {
                    return false;
                }
                self.reserved = Some(handle);
            }
            _ => {
                if others(self.reserved) || others(self.pending) || others(self.exclusive) {
                    return false;
                }
                // From here on no reader comes in; those inside are waited for.
                self.pending = Some(handle);
                if self.shared.iter().any(|other| *other != handle) {
                    return false;
                }
                self.exclusive = Some(handle);
            }
        }
        true
    }

    pub(crate) fn unlock(&mut self, handle: u64, level: i32) {
        for holder in [&mut self.reserved, &mut self.pending, &mut self.exclusive] {
            holder.take_if(|holder| *holder == handle);
        }
        if level == ffi::SQLITE_LOCK_NONE {
            self.shared.remove(&handle);
        }
    }

    pub(crate) fn is_reserved(&self) -> bool {
        self.reserved.is_some() || self.pending.is_some() || self.exclusive.is_some()
    }
}

/// Memory that the connections to one file share, in regions of the size that is asked for first.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    // Atomics, because they may be written through what is shared. They stay where they are.
    regions: Mutex<Vec<Box<[AtomicU64]>>>,
    slots: Mutex<[Slot; SLOTS]>,
}

const SLOTS: usize = ffi::SQLITE_SHM_NLOCK as usize;

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    readers: u32,
    writer: bool,
}

/// The locks of one handle on shared memory, a bit for each.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Held {
    shared: u32,
    exclusive: u32,
}

impl Shared {
    /// Where a region begins. `None`: it is not there, and is not to be made.
    pub(crate) fn region(&self, at: usize, bytes: usize, make: bool) -> Option<*mut u64> {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        while make && regions.len() <= at {
            regions.push((0..bytes.div_ceil(8)).map(|_| AtomicU64::new(0)).collect());
        }
        regions.get(at).map(|region| region.as_ptr().cast_mut().cast())
    }

    /// Takes or gives back the locks from `at` on; false when somebody is in the way.
    pub(crate) fn lock(&self, held: &mut Held, at: usize, count: usize, flags: i32) -> bool {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let bits = ((1 << count) - 1) << at;
        let slots = &mut slots[at..at + count];
        let exclusive = flags & ffi::SQLITE_SHM_EXCLUSIVE != 0;
        if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
            for (number, slot) in slots.iter_mut().enumerate() {
                let bit = 1 << (at + number);
                if exclusive && held.exclusive & bit != 0 {
                    slot.writer = false;
                } else if !exclusive && held.shared & bit != 0 {
                    slot.readers -= 1;
                }
            }
            let of = if exclusive { &mut held.exclusive } else { &mut held.shared };
            *of &= !bits;
            return true;
        }
        if exclusive {
            // A lock that is held already is not asked for again, nor is one made stronger.
            if slots.iter().any(|slot| slot.writer || slot.readers > 0) {
                return false;
            }
            for slot in slots {
                slot.writer = true;
            }
            held.exclusive |= bits;
        } else if held.shared & bits == 0 {
            if slots.iter().any(|slot| slot.writer) {
                return false;
            }
            for slot in slots {
                slot.readers += 1;
            }
            held.shared |= bits;
        }
        true
    }

    /// Gives all locks of a handle back.
    pub(crate) fn leave(&self, held: &mut Held) {
        for at in 0..SLOTS {
            self.lock(held, at, 1, ffi::SQLITE_SHM_UNLOCK | ffi::SQLITE_SHM_SHARED);
            self.lock(held, at, 1, ffi::SQLITE_SHM_UNLOCK | ffi::SQLITE_SHM_EXCLUSIVE);
        }
    }
}
