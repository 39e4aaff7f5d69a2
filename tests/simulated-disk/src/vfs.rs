//! What `SQLite` calls: a table of functions over a folder in memory.
//!
//! `SQLite` gives each open file room for a [`Handle`], never uses one from two threads at once, and
//! calls nothing for it after `close`. The safety of all that follows rests on this.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem;
use std::ptr;
use std::slice;
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Once};

use rusqlite::ffi;

use crate::dice::Dice;
use crate::file::SECTOR;
use crate::folder::{Code, Folder, Shelf, lock};
use crate::locks::{Held, Shared};
use crate::shelf_of;

/// The name of the VFS.
pub(crate) const NAME: &CStr = c"papo-simulated";

/// 2026-01-01T12:00Z, as a Julian day in milliseconds.
const NOW_MS: i64 = 212_634_072_000_000;

/// Makes the VFS known to `SQLite`, once.
pub(crate) fn register() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        let vfs = Box::leak(Box::new(vfs()));
        // SAFETY: the table is whole and lives as long as the process.
        let code = unsafe { ffi::sqlite3_vfs_register(vfs, 0) };
        assert_eq!(code, ffi::SQLITE_OK, "SQLite takes the VFS");
    });
}

fn vfs() -> ffi::sqlite3_vfs {
    ffi::sqlite3_vfs {
        iVersion: 2,
        szOsFile: c_int::try_from(size_of::<Handle>()).unwrap_or(c_int::MAX),
        mxPathname: 512,
        pNext: ptr::null_mut(),
        zName: NAME.as_ptr(),
        pAppData: ptr::null_mut(),
        xOpen: Some(open),
        xDelete: Some(delete),
        xAccess: Some(access),
        xFullPathname: Some(full_pathname),
        xDlOpen: None,
        xDlError: None,
        xDlSym: None,
        xDlClose: None,
        xRandomness: Some(randomness),
        xSleep: Some(sleep),
        xCurrentTime: Some(current_time),
        xGetLastError: Some(last_error),
        xCurrentTimeInt64: Some(current_time_ms),
        xSetSystemCall: None,
        xGetSystemCall: None,
        xNextSystemCall: None,
    }
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(take_lock),
    xUnlock: Some(give_lock),
    xCheckReservedLock: Some(check_reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// An open file, as `SQLite` has it.
#[repr(C)]
struct Handle {
    base: ffi::sqlite3_file,
    open: *mut Open,
}

/// An open file.
struct Open {
    shelf: Shelf,
    /// Its number among files, and among handles.
    file: u64,
    number: u64,
    /// In which life it was opened: later it is as dead as the process that had it.
    life: u64,
    /// Its folder is to be synced with it, as `SQLite`'s own VFS for Unix does for journals.
    sync_names: bool,
    delete: Option<String>,
    level: i32,
    shared: Option<Arc<Shared>>,
    held: Held,
}

impl Open {
    /// Does something to the folder, if this handle is still good.
    fn with<T>(
        &self,
        code: Code,
        f: impl FnOnce(&mut Folder) -> Result<T, Code>,
    ) -> Result<T, Code> {
        let mut folder = lock(&self.shelf);
        if folder.on && folder.life == self.life { f(&mut folder) } else { Err(code) }
    }

    fn unmap(&mut self) {
        if let Some(shared) = self.shared.take() {
            shared.leave(&mut self.held);
        }
    }
}

fn code(result: Result<(), Code>) -> c_int {
    result.err().unwrap_or(ffi::SQLITE_OK)
}

/// # Safety
/// `file` is open here, and nobody else uses it meanwhile.
unsafe fn opened<'f>(file: *mut ffi::sqlite3_file) -> &'f mut Open {
    // SAFETY: `open` has made it, and `close` alone takes it away.
    unsafe { &mut *(*file.cast::<Handle>()).open }
}

/// # Safety
/// `path` is a C string or null.
unsafe fn text<'p>(path: *const c_char) -> Option<&'p str> {
    if path.is_null() {
        return None;
    }
    // SAFETY: it is not null, so the caller promises a C string.
    unsafe { CStr::from_ptr(path) }.to_str().ok()
}

/// # Safety
/// As `SQLite` calls it.
unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    path: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    let handle = file.cast::<Handle>();
    // SAFETY: there is room for a handle. Without methods nobody closes what was not opened.
    unsafe { (*handle).base.pMethods = ptr::null() };
    // SAFETY: SQLite's file names are C strings; null stands for a file without a name.
    let path = unsafe { text(path) };
    let (shelf, name) = match path {
        // It belongs to no disk, so its like are given one.
        None => (Shelf::default(), "temporary"),
        Some(path) => match shelf_of(path) {
            Some(found) => found,
            None => return ffi::SQLITE_CANTOPEN,
        },
    };
    let journals =
        ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL;
    let create = flags & ffi::SQLITE_OPEN_CREATE != 0;
    let delete = (flags & ffi::SQLITE_OPEN_DELETEONCLOSE != 0).then(|| name.to_owned());
    let mut folder = lock(&shelf);
    if !folder.on {
        return ffi::SQLITE_CANTOPEN;
    }
    let number = match folder.open(name, create) {
        Ok(number) => number,
        Err(code) => return code,
    };
    let open = Open {
        file: number,
        number: folder.number(),
        life: folder.life,
        sync_names: create && flags & journals != 0,
        delete,
        level: ffi::SQLITE_LOCK_NONE,
        shared: None,
        held: Held::default(),
        shelf: Arc::clone(&shelf),
    };
    drop(folder);
    // SAFETY: there is room for a handle, and `flags_out` is null or can be written.
    unsafe {
        (*handle).open = Box::into_raw(Box::new(open));
        (*handle).base.pMethods = &raw const METHODS;
        if !flags_out.is_null() {
            *flags_out = flags;
        }
    }
    ffi::SQLITE_OK
}

/// # Safety
/// As `SQLite` calls it.
unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let handle = file.cast::<Handle>();
    // SAFETY: the file is open, so the box is there, and after this nobody looks for it.
    let mut open = unsafe {
        (*handle).base.pMethods = ptr::null();
        Box::from_raw(mem::replace(&mut (*handle).open, ptr::null_mut()))
    };
    open.unmap();
    let mut folder = lock(&open.shelf);
    if folder.life == open.life {
        folder.node(open.file).locks.unlock(open.number, ffi::SQLITE_LOCK_NONE);
        if let Some(name) = &open.delete
            && folder.on
        {
            // As with the rest of a close: there is nobody to tell.
            let _ = folder.delete(name);
        }
    }
    folder.close(open.file, open.life);
    ffi::SQLITE_OK
}

fn place(offset: ffi::sqlite3_int64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// # Safety
/// As `SQLite` calls it.
unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    into: *mut c_void,
    count: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    let (count, at) = (usize::try_from(count).unwrap_or(0), place(offset));
    // SAFETY: SQLite gives room for as much as it asks for.
    let into = unsafe { slice::from_raw_parts_mut(into.cast::<u8>(), count) };
    code(open.with(ffi::SQLITE_IOERR_READ, |folder| {
        if mem::take(&mut folder.faults.next_read) {
            return Err(ffi::SQLITE_IOERR_READ);
        }
        let there = folder.node(open.file).file.now();
        let from = &there[at.min(there.len())..];
        let len = from.len().min(count);
        into[..len].copy_from_slice(&from[..len]);
        into[len..].fill(0);
        if len < count { Err(ffi::SQLITE_IOERR_SHORT_READ) } else { Ok(()) }
    }))
}

/// # Safety
/// As `SQLite` calls it.
unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    count: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    // SAFETY: SQLite has as much as it says.
    let from =
        unsafe { slice::from_raw_parts(from.cast::<u8>(), usize::try_from(count).unwrap_or(0)) };
    code(open.with(ffi::SQLITE_IOERR_WRITE, |folder| folder.write(open.file, place(offset), from)))
}

/// # Safety
/// As `SQLite` calls it.
unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    code(open.with(ffi::SQLITE_IOERR_TRUNCATE, |folder| folder.cut(open.file, place(size))))
}

/// # Safety
/// As `SQLite` calls it.
unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    let names = mem::take(&mut open.sync_names);
    code(open.with(ffi::SQLITE_IOERR_FSYNC, |folder| {
        folder.sync(open.file)?;
        if names {
            // SQLite does not look whether this worked.
            let _ = folder.sync_names();
        }
        Ok(())
    }))
}

/// # Safety
/// As `SQLite` calls it.
unsafe extern "C" fn file_size(
    file: *mut ffi::sqlite3_file,
    size: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    let found =
        open.with(ffi::SQLITE_IOERR_FSTAT, |folder| Ok(folder.node(open.file).file.now().len()));
    code(found.map(|len| {
        // SAFETY: SQLite gives room for the answer.
        unsafe { *size = i64::try_from(len).unwrap_or(i64::MAX) };
    }))
}

/// # Safety
/// As `SQLite` calls it.
unsafe extern "C" fn take_lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    if open.level >= level {
        return ffi::SQLITE_OK;
    }
    let taken = open.with(ffi::SQLITE_IOERR_LOCK, |folder| {
        if folder.node(open.file).locks.lock(open.number, level) {
            Ok(())
        } else {
            Err(ffi::SQLITE_BUSY)
        }
    });
    if taken.is_ok() {
        open.level = level;
    }
    code(taken)
}

/// # Safety
/// As `SQLite` calls it.
unsafe extern "C" fn give_lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    open.level = level;
    code(open.with(ffi::SQLITE_IOERR_UNLOCK, |folder| {
        folder.node(open.file).locks.unlock(open.number, level);
        Ok(())
    }))
}

/// # Safety
/// As `SQLite` calls it.
unsafe extern "C" fn check_reserved(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    let found = open.with(ffi::SQLITE_IOERR_CHECKRESERVEDLOCK, |folder| {
        Ok(folder.node(open.file).locks.is_reserved())
    });
    code(found.map(|reserved| {
        // SAFETY: SQLite gives room for the answer.
        unsafe { *out = c_int::from(reserved) };
    }))
}

unsafe extern "C" fn control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    c_int::try_from(SECTOR).unwrap_or(0)
}

/// What `SQLite`'s own VFS for Unix says of every disk: a write does not harm the bytes beside it. That
/// is so here, because a sector is whole.
unsafe extern "C" fn characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE | ffi::SQLITE_IOCAP_SUBPAGE_READ
}

/// # Safety
/// As `SQLite` calls it.
unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    region: c_int,
    bytes: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    let alive = open.with(ffi::SQLITE_IOERR_SHMMAP, |folder| {
        if open.shared.is_some() {
            return Ok(None);
        }
        let node = folder.node(open.file);
        let shared = node.shared.upgrade().unwrap_or_default();
        node.shared = Arc::downgrade(&shared);
        Ok(Some(shared))
    });
    match alive {
        Err(code) => return code,
        Ok(None) => {}
        Ok(shared) => open.shared = shared,
    }
    let (region, bytes) =
        (usize::try_from(region).unwrap_or(0), usize::try_from(bytes).unwrap_or(0));
    let found = open.shared.as_ref().and_then(|shared| shared.region(region, bytes, extend != 0));
    // SAFETY: SQLite gives room for the answer.
    unsafe { *out = found.map_or(ptr::null_mut(), <*mut u64>::cast) };
    ffi::SQLITE_OK
}

/// # Safety
/// As `SQLite` calls it.
unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    at: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    let alive = open.with(ffi::SQLITE_IOERR_SHMLOCK, |_| Ok(()));
    let Some(shared) = &open.shared else { return ffi::SQLITE_IOERR_SHMLOCK };
    let (at, count) = (usize::try_from(at).unwrap_or(0), usize::try_from(count).unwrap_or(0));
    // Giving a lock back always works, or a connection of the dead would be in the way of none.
    if flags & ffi::SQLITE_SHM_UNLOCK == 0 && alive.is_err() {
        return code(alive);
    }
    if shared.lock(&mut open.held, at, count, flags) { ffi::SQLITE_OK } else { ffi::SQLITE_BUSY }
}

unsafe extern "C" fn shm_barrier(_: *mut ffi::sqlite3_file) {
    fence(Ordering::SeqCst);
}

/// # Safety
/// As `SQLite` calls it.
unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: the file is open.
    unsafe { opened(file) }.unmap();
    ffi::SQLITE_OK
}

/// # Safety
/// As `SQLite` calls it.
unsafe extern "C" fn delete(
    _: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    sync_names: c_int,
) -> c_int {
    // SAFETY: SQLite's paths are C strings.
    let Some((shelf, name)) = (unsafe { text(path) }).and_then(shelf_of) else {
        return ffi::SQLITE_IOERR_DELETE_NOENT;
    };
    let mut folder = lock(&shelf);
    if !folder.on {
        return ffi::SQLITE_IOERR_DELETE;
    }
    code(folder.delete(name).and_then(|()| match sync_names {
        0 => Ok(()),
        _ => folder.sync_names(),
    }))
}

/// # Safety
/// As `SQLite` calls it.
unsafe extern "C" fn access(
    _: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite's paths are C strings.
    let found = unsafe { text(path) }.and_then(shelf_of);
    let there = match found {
        None => false,
        Some((shelf, name)) => {
            let folder = lock(&shelf);
            if !folder.on {
                return ffi::SQLITE_IOERR_ACCESS;
            }
            // An empty file counts as none, as in SQLite's own VFS for Unix.
            let empty_is_none = flags == ffi::SQLITE_ACCESS_EXISTS;
            folder.find(name).is_some_and(|file| !empty_is_none || !file.now().is_empty())
        }
    };
    // SAFETY: SQLite gives room for the answer.
    unsafe { *out = c_int::from(there) };
    ffi::SQLITE_OK
}

/// # Safety
/// As `SQLite` calls it.
unsafe extern "C" fn full_pathname(
    _: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite's paths are C strings.
    let path = unsafe { CStr::from_ptr(path) }.to_bytes_with_nul();
    if usize::try_from(room).is_ok_and(|room| path.len() > room) {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: there is room for it, and the two do not overlap.
    unsafe { ptr::copy_nonoverlapping(path.as_ptr().cast(), out, path.len()) };
    ffi::SQLITE_OK
}

/// # Safety
/// As `SQLite` calls it.
unsafe extern "C" fn randomness(_: *mut ffi::sqlite3_vfs, count: c_int, out: *mut c_char) -> c_int {
    // SAFETY: SQLite gives room for as much as it asks for.
    let out =
        unsafe { slice::from_raw_parts_mut(out.cast::<u8>(), usize::try_from(count).unwrap_or(0)) };
    let mut dice = Dice::new(0);
    for byte in out {
        *byte = dice.next().to_le_bytes()[0];
    }
    count
}

/// Whoever waits for a lock is not let wait: nothing here depends on real time.
unsafe extern "C" fn sleep(_: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    std::thread::yield_now();
    microseconds
}

/// # Safety
/// As `SQLite` calls it.
unsafe extern "C" fn current_time(_: *mut ffi::sqlite3_vfs, out: *mut f64) -> c_int {
    #[expect(clippy::cast_precision_loss, reason = "SQLite's own unit")]
    let days = NOW_MS as f64 / 86_400_000.0;
    // SAFETY: SQLite gives room for the answer.
    unsafe { *out = days };
    ffi::SQLITE_OK
}

/// # Safety
/// As `SQLite` calls it.
unsafe extern "C" fn current_time_ms(
    _: *mut ffi::sqlite3_vfs,
    out: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite gives room for the answer.
    unsafe { *out = NOW_MS };
    ffi::SQLITE_OK
}

unsafe extern "C" fn last_error(_: *mut ffi::sqlite3_vfs, _: c_int, _: *mut c_char) -> c_int {
    0
}
