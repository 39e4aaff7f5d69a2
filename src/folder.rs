//! Keeps whole files in a folder, each under the first of its names that nothing has.
//!
//! A file gets its final name when it is whole, and never takes the place of another: it is written
//! under a name of its own and then linked to the first name that is free, which fails, atomically,
//! where anything stands already, be it a file, a folder or a symbolic link to elsewhere.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::FILE_COPIES_MAX;

/// Tells the half-written files of one process apart.
static PARTS: AtomicU64 = AtomicU64::new(0);

/// Writes a file into a folder, which is made if it is not there, and returns the name that it got:
/// `named(1)`, or if that is taken `named(2)`, and so on.
///
/// # Errors
/// Those of the file system; nothing is left behind then. `AlreadyExists` when
/// [`FILE_COPIES_MAX`] names are taken.
pub fn keep(folder: &Path, data: &[u8], named: impl Fn(u32) -> String) -> io::Result<String> {
    fs::create_dir_all(folder)?;
    let part = write_part(folder, data)?;
    let kept = give_name(folder, &part, named);
    // Linked, renamed or failed: under its first name it is not needed any more.
    let _ = fs::remove_file(&part);
    kept
}

fn write_part(folder: &Path, data: &[u8]) -> io::Result<PathBuf> {
    loop {
        let number = PARTS.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".papo-{}-{number}.part", std::process::id()));
        match create_new(&path) {
            Ok(mut file) => {
                if let Err(error) = file.write_all(data) {
                    let _ = fs::remove_file(&path);
                    return Err(error);
                }
                return Ok(path);
            }
            // Left by a process that was killed and had the same number.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

fn give_name(folder: &Path, part: &Path, named: impl Fn(u32) -> String) -> io::Result<String> {
    // Taken or not is only a hint here: the link below decides.
    let taken = |copy| folder.join(named(copy)).symlink_metadata().is_ok();
    for copy in first_free(taken)..=FILE_COPIES_MAX {
        let name = named(copy);
        let path = folder.join(&name);
        match fs::hard_link(part, &path) {
            Ok(()) => return Ok(name),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            // No hard links on this file system: the name is taken first, with create_new, and
            // then given to the whole file.
            Err(_) => {}
        }
        match create_new(&path) {
            Ok(_) => {
                if let Err(error) = fs::rename(part, &path) {
                    let _ = fs::remove_file(&path);
                    return Err(error);
                }
                return Ok(name);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// A number that is not taken while the one before it is, found in a few steps also among thousands.
fn first_free(taken: impl Fn(u32) -> bool) -> u32 {
    let (mut taken_at, mut free_at) = (0, 1);
    while free_at < FILE_COPIES_MAX && taken(free_at) {
        (taken_at, free_at) = (free_at, free_at * 2);
    }
    while free_at - taken_at > 1 {
        let middle = taken_at + (free_at - taken_at) / 2;
        if taken(middle) { taken_at = middle } else { free_at = middle }
    }
    free_at
}

/// Fails where anything stands already; a symbolic link is not followed.
fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_free_number_is_found_among_thousands() {
        for count in [0, 1, 2, 3, 100, 9_998] {
            assert_eq!(first_free(|copy| copy <= count), count + 1);
        }
    }

    #[test]
    fn a_file_that_cannot_be_kept_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        assert!(keep(folder.path(), b"x", |_| "no/such/folder".to_owned()).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(keep(folder.path(), b"x", |copy| format!("a{copy}")).unwrap(), "a1");
        assert_eq!(keep(folder.path(), b"y", |copy| format!("a{copy}")).unwrap(), "a2");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
