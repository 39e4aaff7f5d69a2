//! Files of a simulated disk for those who write without `SQLite`.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::folder::{Code, Folder, Shelf, lock};
use crate::shelf_of;

/// An open file.
#[derive(Debug)]
pub struct File {
    shelf: Shelf,
    number: u64,
    life: u64,
    at: u64,
}

impl File {
    /// Opens a file that is there, to read and to write.
    pub fn open(path: &Path) -> io::Result<Self> {
        let found = path.to_str().and_then(shelf_of);
        let (shelf, name) = found.ok_or(io::ErrorKind::NotFound)?;
        let mut folder = lock(&shelf);
        if !folder.on {
            return Err(io::Error::other("there is no power"));
        }
        let number = folder.open(name, false).map_err(|_| io::ErrorKind::NotFound)?;
        let life = folder.life;
        drop(folder);
        Ok(Self { shelf, number, life, at: 0 })
    }

    /// Syncs the file, its name not.
    pub fn sync_all(&self) -> io::Result<()> {
        self.with(|folder| folder.sync(self.number))
    }

    fn with<T>(&self, f: impl FnOnce(&mut Folder) -> Result<T, Code>) -> io::Result<T> {
        let mut folder = lock(&self.shelf);
        if !folder.on || folder.life != self.life {
            return Err(io::Error::other("there is no power"));
        }
        f(&mut folder).map_err(|code| match code {
            rusqlite::ffi::SQLITE_FULL => io::ErrorKind::StorageFull.into(),
            code => io::Error::other(format!("SQLite's code would be {code}")),
        })
    }

    fn place(&self) -> usize {
        usize::try_from(self.at).unwrap_or(usize::MAX)
    }
}

impl Read for File {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let at = self.place();
        let len = self.with(|folder| {
            let there = folder.node(self.number).file.now();
            let from = &there[at.min(there.len())..];
            let len = from.len().min(into.len());
            into[..len].copy_from_slice(&from[..len]);
            Ok(len)
        })?;
        self.at += len as u64;
        Ok(len)
    }
}

impl Write for File {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.with(|folder| folder.write(self.number, self.place(), from))?;
        self.at += from.len() as u64;
        Ok(from.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let from = |base: u64, by: i64| base.checked_add_signed(by);
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => from(self.at, by),
            SeekFrom::End(by) => {
                let len = self.with(|folder| Ok(folder.node(self.number).file.now().len()))?;
                from(len as u64, by)
            }
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        lock(&self.shelf).close(self.number, self.life);
    }
}
