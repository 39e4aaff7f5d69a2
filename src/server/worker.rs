//! Slow work off the loop: a thread that decodes files and writes them to the disk.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mio::Waker;
use sha2::{Digest, Sha256};

use crate::chat::{Save, Saved};
use crate::folder;
use crate::text::Lang;
use crate::text::server::{self as text, Happened};
use crate::wire::Code;

/// The folder for files, inside the data folder.
const FOLDER: &str = "server_files";

/// The thread, as the reactor sees it. The queues are bounded by what the core lets through
/// ([`crate::limits::HELD_BYTES_FOR_FILES_MAX`]).
#[derive(Debug)]
pub(super) struct Worker {
    jobs: Sender<Job>,
    results: Receiver<Saved>,
    lang: Lang,
}

#[derive(Debug)]
enum Job {
    Save(Save),
    Discard(String),
}

impl Worker {
    /// Starts the thread, which keeps files below `data`.
    pub(super) fn start(data: &Path, lang: Lang, waker: Arc<Waker>) -> io::Result<Self> {
        let (jobs, todo) = mpsc::channel();
        let (done, results) = mpsc::channel();
        let folder = data.join(FOLDER);
        thread::Builder::new().name("papo-files".to_owned()).spawn(move || {
            for job in todo {
                match job {
                    Job::Save(save) => {
                        let saved = keep(&folder, lang, save);
                        if done.send(saved).is_err() || waker.wake().is_err() {
                            return;
                        }
                    }
                    // A copy that stays would only take room.
                    Job::Discard(saved_as) => drop(fs::remove_file(folder.join(saved_as))),
                }
            }
        })?;
        Ok(Self { jobs, results, lang })
    }

    /// Hands a file over. The thread lives as long as the reactor, so it is there to take it.
    pub(super) fn save(&self, save: Save) {
        self.give(Job::Save(save));
    }

    /// Has a file removed that was kept and is not wanted after all.
    pub(super) fn discard(&self, saved_as: String) {
        self.give(Job::Discard(saved_as));
    }

    fn give(&self, job: Job) {
        if self.jobs.send(job).is_err() {
            log::error!("{}", text::log_line(self.lang, Happened::WorkerGone));
        }
    }

    /// A file that is done.
    pub(super) fn next_saved(&self) -> Option<Saved> {
        self.results.try_recv().ok()
    }
}

fn keep(folder: &Path, lang: Lang, save: Save) -> Saved {
    let Save { transfer, sender, filename, data } = save;
    let result = match STANDARD.decode(&data) {
        Err(_) => Err(Code::InvalidField),
        Ok(bytes) => {
            let name = |copy| filename.stored_as(&[&sender], copy);
            let sha256 = Sha256::digest(&bytes).into();
            folder::keep(folder, &bytes, name)
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
        keep(folder, Lang::Pt, Save { transfer: 0, sender, filename, data: data.to_owned() })
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
