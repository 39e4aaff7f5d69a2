//! Files, off the loop: one thread writes them to the disk, another reads them from it.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, LazyLock};
use std::thread;

use base64::Engine;
use base64::engine::Simd;
use base64::engine::general_purpose::PAD;
use mio::Waker;
use sha2::{Digest, Sha256};

use super::parts::Parts;
use crate::chat::{FileDone, FileJob, Save, Saved};
use crate::folder;
use crate::limits::CHUNK_BYTES;
use crate::text::Lang;
use crate::text::server::{self as text, Happened};
use crate::wire::Code;
use crate::wire::event::{Encode, Event};

/// The folder for files, inside the data folder.
const FOLDER: &str = "server_files";

/// Base64 as fast as this processor can: without it, it would be half of what a file costs.
pub(super) static BASE64: LazyLock<Simd> = LazyLock::new(|| Simd::standard(PAD));

/// Reads after which the loop is woken, though more wait: 1.2 MB in frames.
const READS_PER_WAKE: usize = 6;

/// What the operator allows for files on the disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disk {
    /// Bytes that stay free.
    pub(super) free_bytes_min: u64,
    /// What is answered as kept is synced.
    pub(super) sync: bool,
}

/// The two threads, one that writes and one that reads, as the reactor sees them. The queues are
/// bounded by what the core lets through ([`crate::limits::HELD_BYTES_FOR_FILES_MAX`],
/// [`crate::limits::CHUNKS_BYTES_IN_FLIGHT_MAX`], one read for each session).
#[derive(Debug)]
pub(super) struct Worker {
    writes: Sender<Job>,
    reads: Sender<FileJob>,
    results: Receiver<Done>,
    lang: Lang,
}

#[derive(Debug)]
enum Job {
    Save(Save),
    Discard(String),
    File(FileJob),
}

/// What the threads have done.
#[derive(Debug)]
pub(super) enum Done {
    /// A whole file.
    Saved(Saved),
    /// Something with a file in pieces.
    File(FileDone),
}

impl Worker {
    /// Starts the threads, which keep files below `data`.
    pub(super) fn start(
        data: &Path,
        disk: Disk,
        lang: Lang,
        waker: &Arc<Waker>,
    ) -> io::Result<Self> {
        let (writes, todo) = mpsc::channel();
        let (done, results) = mpsc::channel();
        let folder = data.join(FOLDER);
        let mut parts = Parts::new(data, &folder, disk.free_bytes_min, disk.sync);
        let (written, alert) = (done.clone(), Arc::clone(waker));
        let files = folder.clone();
        thread::Builder::new().name("papo-files".to_owned()).spawn(move || {
            for job in todo {
                let result = match job {
                    Job::Save(save) => Some(Done::Saved(keep(&folder, disk.sync, lang, save))),
                    Job::File(job) => write(&mut parts, job).map(Done::File),
                    Job::Discard(saved_as) => {
                        // A copy that stays would only take room.
                        let _ = fs::remove_file(folder.join(saved_as));
                        None
                    }
                };
                let Some(result) = result else { continue };
                if written.send(result).is_err() || alert.wake().is_err() {
                    return;
                }
            }
        })?;
        let (reads, todo) = mpsc::channel();
        let alert = Arc::clone(waker);
        thread::Builder::new().name("papo-pieces".to_owned()).spawn(move || {
            let mut buffers = Buffers::default();
            while let Ok(job) = todo.recv() {
                // What waits already is read, too, before the loop is woken for all of it.
                let together = std::iter::once(job).chain(todo.try_iter()).take(READS_PER_WAKE);
                for job in together {
                    let Some(read) = read(&files, job, &mut buffers) else { continue };
                    if done.send(Done::File(read)).is_err() {
                        return;
                    }
                }
                if alert.wake().is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { writes, reads, results, lang })
    }

    /// Hands a file over. The threads live as long as the reactor, so they are there to take it.
    pub(super) fn save(&self, save: Save) {
        self.give(Job::Save(save));
    }

    /// Has a file removed that was kept and is not wanted after all.
    pub(super) fn discard(&self, saved_as: String) {
        self.give(Job::Discard(saved_as));
    }

    /// Has something done for a file in pieces.
    pub(super) fn file(&self, job: FileJob) {
        if !matches!(job, FileJob::Read { .. }) {
            self.give(Job::File(job));
        } else if self.reads.send(job).is_err() {
            log::error!("{}", text::log_line(self.lang, Happened::WorkerGone));
        }
    }

    fn give(&self, job: Job) {
        if self.writes.send(job).is_err() {
            log::error!("{}", text::log_line(self.lang, Happened::WorkerGone));
        }
    }

    /// Something that is done.
    pub(super) fn next_done(&self) -> Option<Done> {
        self.results.try_recv().ok()
    }
}

/// Does what changes an upload.
pub(super) fn write(parts: &mut Parts, job: FileJob) -> Option<FileDone> {
    Some(match job {
        FileJob::Open { file_id, size } => {
            FileDone::Opened { file_id, received: parts.open(file_id, size) }
        }
        FileJob::Write { ticket, file_id, data } => {
            FileDone::Written { ticket, received: parts.write(file_id, &data) }
        }
        FileJob::Finish { file_id, sender, filename, sha256 } => {
            let saved_as = parts.finish(file_id, (&sender, &filename), sha256);
            FileDone::Finished { file_id, saved_as }
        }
        FileJob::Drop { file_id } => {
            parts.drop(file_id);
            return None;
        }
        // The other thread's.
        FileJob::Read { .. } => return None,
    })
}

/// Reads pieces of a kept file, and makes their frames.
pub(super) fn read(files: &Path, job: FileJob, buffers: &mut Buffers) -> Option<FileDone> {
    let FileJob::Read { session, file_id, saved_as, from, upto, end } = job else { return None };
    // The name comes from the store, which may be anybody's: it stays inside the folder.
    let inside = Path::new(&saved_as).file_name() == Some(saved_as.as_ref());
    let frames = if inside {
        pieces(&files.join(&saved_as), file_id, (from, upto, end), buffers).map_err(|error| {
            log::warn!("server_files: {error}");
            Code::UnknownFile
        })
    } else {
        Err(Code::UnknownFile)
    };
    Some(FileDone::Read { session, frames, upto })
}

/// Where pieces are read and encoded, one after the other.
#[derive(Debug)]
pub(super) struct Buffers {
    bytes: Vec<u8>,
    text: Vec<u8>,
}

impl Default for Buffers {
    fn default() -> Self {
        Self { bytes: vec![0; CHUNK_BYTES], text: vec![0; CHUNK_BYTES / 3 * 4] }
    }
}

fn pieces(
    path: &Path,
    file_id: u64,
    (from, upto, end): (u64, u64, u64),
    buffers: &mut Buffers,
) -> io::Result<Vec<Vec<u8>>> {
    let mut file = folder::open_plain(path)?;
    file.seek(SeekFrom::Start(from))?;
    let (mut offset, mut frames) = (from, Vec::new());
    loop {
        let count = (upto - offset).min(CHUNK_BYTES as u64);
        let bytes = &mut buffers.bytes[..usize::try_from(count).unwrap_or(CHUNK_BYTES)];
        file.read_exact(bytes)?;
        let length = BASE64.encode_slice(bytes, &mut buffers.text).map_err(io::Error::other)?;
        let data = &buffers.text[..length];
        let data = simdutf8::basic::from_utf8(data).map_err(io::Error::other)?;
        let eof = offset + count == end;
        // Room for the newline, too: a frame that is held ends in one.
        let mut json = Vec::with_capacity(data.len() + 128);
        Event::FileData { file_id, offset, data, eof }.encode(&mut json);
        frames.push(json);
        offset += count;
        if offset >= upto {
            return Ok(frames);
        }
    }
}

pub(super) fn keep(folder: &Path, sync: bool, lang: Lang, save: Save) -> Saved {
    let Save { transfer, sender, filename, data } = save;
    let result = match BASE64.decode(&data) {
        Err(_) => Err(Code::InvalidField),
        Ok(bytes) => {
            let name = |copy| filename.stored_as(&[&sender], copy);
            let sha256 = Sha256::digest(&bytes).into();
            folder::keep(folder, &bytes, sync, name)
                .map(|name| (name, bytes.len() as u64, sha256))
                .map_err(|error| {
                    let happened = Happened::FileNotKept(folder, &error);
                    log::error!("{}", text::log_line(lang, happened));
                    Code::StorageUnavailable
                })
        }
    };
    Saved { transfer, data, result }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::name::{FileName, Name};

    fn save(folder: &Path, sender: &str, filename: &str, data: &str) -> Saved {
        let sender = Name::parse(sender).unwrap();
        let filename = FileName::sanitize(filename);
        keep(folder, true, Lang::Pt, Save { transfer: 0, sender, filename, data: data.to_owned() })
    }

    #[test]
    fn no_file_is_ever_overwritten() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join(FOLDER);
        for (sender, filename, kept) in [
            ("ana", "foto.jpg", "ana_foto.jpg"),
            ("ana", "foto.jpg", "ana_foto (2).jpg"),
            ("a_b", "c", "a_b_c"),
            ("a", "b_c", "a_b_c (2)"),
            ("ana", "../../x", "ana_x"),
        ] {
            let saved = save(&folder, sender, filename, "b2k=");
            assert_eq!(saved.result.map(|(name, size, _)| (name, size)), Ok((kept.to_owned(), 2)));
            assert_eq!(fs::read(folder.join(kept)).unwrap(), b"oi");
        }
        assert_eq!(fs::read_dir(data.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_base64_is_not_kept() {
        let data = tempfile::tempdir().unwrap();
        let saved = save(data.path(), "ana", "x", "b2k");
        assert_eq!(saved.result, Err(Code::InvalidField));
        assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed() {
        let data = tempfile::tempdir().unwrap();
        let target = data.path().join("target");
        std::os::unix::fs::symlink(&target, data.path().join("ana_x")).unwrap();
        assert_eq!(save(data.path(), "ana", "x", "b2k=").result.unwrap().0, "ana_x (2)");
        assert!(!target.exists());
    }
}
