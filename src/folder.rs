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
pub fn keep(
    folder: &Path,
    data: &[u8],
    sync: bool,
    named: impl Fn(u32) -> String,
) -> io::Result<String> {
    fs::create_dir_all(folder)?;
    let mut part = Part::new(folder, create_new)?;
    part.file.write_all(data)?;
    if sync {
        part.file.sync_all()?;
    }
    move_in(folder, &part.path, sync, named)
}

/// Moves a whole file into a folder of the same file system, which is made if it is not there, and
/// returns the name that it got, like [`keep`]. With `sync` the name is on the disk, too.
///
/// # Errors
/// Those of the file system; the file is where it was then.
pub fn move_in(
    folder: &Path,
    whole: &Path,
    sync: bool,
    named: impl Fn(u32) -> String,
) -> io::Result<String> {
    fs::create_dir_all(folder)?;
    let name = give_name(folder, whole, named)?;
    // Linked or renamed: under its first name it is not needed any more.
    let _ = fs::remove_file(whole);
    if sync {
        sync_folder(&folder.join(&name))?;
    }
    Ok(name)
}

/// A file that is being written beside the name it is to have. Dropped before it has one, it is gone.
#[derive(Debug)]
pub struct Part {
    path: PathBuf,
    file: File,
}

impl Part {
    /// An empty file in the folder of `path`, which only its owner may read.
    pub fn beside(path: &Path) -> io::Result<Self> {
        // The folder of `file` is the empty path, where nothing can be opened.
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        Self::new(folder, create_private)
    }

    fn new(folder: &Path, create: impl Fn(&Path) -> io::Result<File>) -> io::Result<Self> {
        loop {
            let number = PARTS.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!(".papo-{}-{number}.part", std::process::id()));
            match create(&path) {
                Ok(file) => return Ok(Self { path, file }),
                // Left by a process that was killed and had the same number.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Where it is until it has its name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file, to write into.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Gives the whole file its name, which nothing may have yet: `AlreadyExists` otherwise. When
    /// this returns, it is on the disk.
    pub fn give_name(self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        match link_or_rename(&self.path, path) {
            Ok(()) => sync_folder(path),
            Err(error) => Err(error),
        }
    }

    /// Gives the whole file its name, in the place of what has it. When this returns, it is on the
    /// disk.
    pub fn replace(self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, path)?;
        sync_folder(path)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Linked or renamed: under this name it is not needed any more.
        let _ = fs::remove_file(&self.path);
    }
}

/// Opens a file to read that is one, and no link to another.
///
/// # Errors
/// Those of the file system; `InvalidInput` for anything but a file.
pub fn open_plain(path: &Path) -> io::Result<File> {
    open_plain_with(OpenOptions::new().read(true), path)
}

/// The same, opened otherwise than to read.
///
/// # Errors
/// As those of [`open_plain`].
pub fn open_plain_with(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let named = path.symlink_metadata()?;
    if !named.is_file() {
        return Err(ErrorKind::InvalidInput.into());
    }
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        // Something else may have taken its place between the two.
        let opened = file.metadata()?;
        if (opened.dev(), opened.ino()) != (named.dev(), named.ino()) {
            return Err(ErrorKind::InvalidInput.into());
        }
    }
    Ok(file)
}

/// A new name lasts when its folder is on the disk, too.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        // Only Unix opens a folder like a file; Windows keeps names by itself.
        Some(folder) if cfg!(unix) && !folder.as_os_str().is_empty() => {
            File::open(folder)?.sync_all()
        }
        None | Some(_) => Ok(()),
    }
}

fn give_name(folder: &Path, part: &Path, named: impl Fn(u32) -> String) -> io::Result<String> {
    // Taken or not is only a hint here: the link below decides.
    let taken = |copy| folder.join(named(copy)).symlink_metadata().is_ok();
    for copy in first_free(taken)..=FILE_COPIES_MAX {
        let name = named(copy);
        let path = folder.join(&name);
        match link_or_rename(part, &path) {
            Ok(()) => return Ok(name),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// Gives a file a name that nothing has yet, or fails with `AlreadyExists`.
fn link_or_rename(part: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(part, path) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(error),
        // No hard links on this file system: the name is taken first, with create_new, and then
        // given to the whole file.
        Err(_) => {}
    }
    create_new(path)?;
    fs::rename(part, path).inspect_err(|_| {
        let _ = fs::remove_file(path);
    })
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

/// As [`create_new`], and nobody but the owner may read it.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
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
        assert!(keep(folder.path(), b"x", true, |_| "no/such/folder".to_owned()).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(keep(folder.path(), b"x", true, |copy| format!("a{copy}")).unwrap(), "a1");
        assert_eq!(keep(folder.path(), b"y", false, |copy| format!("a{copy}")).unwrap(), "a2");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_part_takes_no_name_that_is_taken_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let part = |text: &[u8]| {
            let mut part = Part::beside(&path).unwrap();
            part.file().write_all(text).unwrap();
            part
        };
        part(b"one").give_name(&path).unwrap();
        let taken = part(b"two").give_name(&path).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        part(b"three").replace(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        drop(part(b"four"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
