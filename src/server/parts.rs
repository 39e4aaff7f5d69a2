//! Files that come in pieces, on the disk: each grows under the number of its upload, in a folder of
//! its own, until it is whole and its hash is right. Only then it gets its name among the files.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use sha2::{Digest, Sha256};

use super::worker::BASE64;
use crate::folder;
use crate::limits::{CHUNK_BYTES, PARTS_OPEN_MAX};
use crate::wire::Code;
use crate::wire::name::{FileName, UserName};

/// The folder for uploads, inside the data folder.
const FOLDER: &str = "uploads";

/// Bytes after which a part is synced while it grows, so that little is left to sync at its end.
const SYNC_BYTES: u64 = 32 * 1024 * 1024;

/// All uploads that were opened since the server started.
#[derive(Debug)]
pub(super) struct Parts {
    folder: PathBuf,
    /// Where whole files go.
    files: PathBuf,
    disk_free_bytes_min: u64,
    /// What is answered as kept is synced.
    sync: bool,
    known: HashMap<u64, Part>,
    /// Where pieces are decoded, one after the other.
    decoded: Vec<u8>,
    /// Counts the uses, to close the file that was not used for longest.
    uses: u64,
}

/// One upload.
#[derive(Debug)]
struct Part {
    hasher: Sha256,
    received: u64,
    unsynced: u64,
    file: Option<File>,
    used: u64,
}

impl Parts {
    pub(super) fn new(data: &Path, files: &Path, disk_free_bytes_min: u64, sync: bool) -> Self {
        let (folder, files) = (data.join(FOLDER), files.to_owned());
        Self {
            folder,
            files,
            disk_free_bytes_min,
            sync,
            known: HashMap::new(),
            decoded: vec![0; CHUNK_BYTES],
            uses: 0,
        }
    }

    /// How many bytes of an upload are there, if the rest has room.
    pub(super) fn open(&mut self, file_id: u64, size: u64) -> Result<u64, Code> {
        let opened = fs::create_dir_all(&self.folder).and_then(|()| self.reopen(file_id, size));
        let received = opened.map_err(|error| refused(&error))?;
        let free = fs4::available_space(&self.folder).map_err(|error| refused(&error))?;
        if free < self.disk_free_bytes_min.saturating_add(size - received) {
            return Err(Code::StorageUnavailable);
        }
        Ok(received)
    }

    /// Adds bytes at the end. After an error the upload is to be dropped.
    pub(super) fn write(&mut self, file_id: u64, base64: &str) -> Result<u64, Code> {
        let mut decoded = std::mem::take(&mut self.decoded);
        let received = match BASE64.decode_slice(base64, &mut decoded) {
            Ok(count) => self.append(file_id, &decoded[..count]),
            Err(_) => Err(Code::InvalidChunk),
        };
        self.decoded = decoded;
        received
    }

    fn append(&mut self, file_id: u64, bytes: &[u8]) -> Result<u64, Code> {
        let sync = self.sync;
        let part = self.used(file_id).map_err(|error| refused(&error))?;
        part.hasher.update(bytes);
        part.append(bytes, sync).map_err(|error| refused(&error))?;
        Ok(part.received)
    }

    /// Compares the hash, and gives the file the first of its names that is free.
    pub(super) fn finish(
        &mut self,
        file_id: u64,
        (sender, filename): (&UserName, &FileName),
        sha256: [u8; 32],
    ) -> Result<String, Code> {
        let sync = self.sync;
        let part = self.used(file_id).map_err(|error| refused(&error))?;
        if part.hasher.clone().finalize()[..] != sha256 {
            return Err(Code::HashMismatch);
        }
        if sync && let Some(file) = &part.file {
            file.sync_all().map_err(|error| refused(&error))?;
        }
        self.known.remove(&file_id);
        let name = |copy| filename.stored_as(&[sender], copy);
        folder::move_in(&self.files, &self.path(file_id), sync, name)
            .map_err(|error| refused(&error))
    }

    /// Takes an upload away.
    pub(super) fn drop(&mut self, file_id: u64) {
        self.known.remove(&file_id);
        // It may never have been there.
        let _ = fs::remove_file(self.path(file_id));
    }

    fn path(&self, file_id: u64) -> PathBuf {
        self.folder.join(format!("{file_id}.part"))
    }

    /// Knows how much is there, from before or from the disk. What is there is hashed again.
    fn reopen(&mut self, file_id: u64, size: u64) -> io::Result<u64> {
        if let Some(part) = self.known.get(&file_id) {
            return Ok(part.received);
        }
        let path = self.path(file_id);
        let (mut hasher, mut received) = (Sha256::new(), 0);
        match folder::open_plain(&path) {
            Ok(mut file) => {
                let mut buffer = vec![0; 256 * 1024];
                loop {
                    let count = match file.read(&mut buffer) {
                        Ok(0) => break,
                        Ok(count) => count,
                        Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                        Err(error) => return Err(error),
                    };
                    hasher.update(&buffer[..count]);
                    received += count as u64;
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                OpenOptions::new().write(true).create_new(true).open(&path)?;
            }
            Err(error) => return Err(error),
        }
        if received > size {
            // Nobody but us writes there, so this is not the file that was announced.
            OpenOptions::new().write(true).truncate(true).open(&path)?;
            (hasher, received) = (Sha256::new(), 0);
        }
        self.known.insert(file_id, Part { hasher, received, unsynced: 0, file: None, used: 0 });
        Ok(received)
    }

    /// An upload that was opened, with its file open.
    fn used(&mut self, file_id: u64) -> io::Result<&mut Part> {
        self.uses += 1;
        let open = self.known.values().filter(|part| part.file.is_some()).count();
        let path = self.path(file_id);
        let closed = self.known.get(&file_id).is_some_and(|part| part.file.is_none());
        if closed && open >= PARTS_OPEN_MAX {
            let open = self.known.values_mut().filter(|part| part.file.is_some());
            if let Some(oldest) = open.min_by_key(|part| part.used) {
                oldest.file = None;
            }
        }
        let part = self.known.get_mut(&file_id).ok_or(ErrorKind::NotFound)?;
        part.used = self.uses;
        if part.file.is_none() {
            let options = &mut OpenOptions::new();
            part.file = Some(folder::open_plain_with(options.append(true), &path)?);
        }
        Ok(part)
    }
}

impl Part {
    fn append(&mut self, bytes: &[u8], sync: bool) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Err(ErrorKind::NotFound.into()) };
        file.write_all(bytes)?;
        self.received += bytes.len() as u64;
        self.unsynced += bytes.len() as u64;
        if sync && self.unsynced >= SYNC_BYTES {
            self.unsynced = 0;
            file.sync_data()?;
        }
        Ok(())
    }
}

fn refused(error: &io::Error) -> Code {
    log::warn!("server_files: {error}");
    Code::StorageUnavailable
}
