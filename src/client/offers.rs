//! Files that were offered and are not here yet. Each is noted in a small file beside its part, so that
//! the next run of this client can list it, and go on with it.

use std::path::{Path, PathBuf};
use std::{fs, io};

use sha2::{Digest, Sha256};

use super::downloads::Downloads;
use super::sanitize::one_line;
use crate::wire::Text;
use crate::wire::event::Incoming;
use crate::wire::request::{Fields, sha256_from_hex, sha256_to_hex};

/// Files noted for one user of one server; of more, those that come are lost with this run.
const NOTED_MAX: usize = 500;

/// The largest note: names, and numbers.
const NOTE_BYTES_MAX: u64 = 16 * 1024;

/// A file that somebody sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Which.
    pub(crate) file_id: u64,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// Its SHA-256 in hexadecimal, if the server knows it.
    pub(crate) sha256: Option<String>,
    /// In which group, if in one.
    pub(crate) group: Option<String>,
    /// Who sent it. None of these names is trusted.
    pub(crate) sender: String,
    /// What the sender calls it.
    pub(crate) filename: String,
}

impl Offer {
    /// The offer of an event, if it is one.
    pub(crate) fn of(event: &Incoming<'_>) -> Option<Self> {
        let hash = event.sha256.as_deref().and_then(sha256_from_hex);
        Some(Self {
            file_id: event.file_id?,
            size: event.size?,
            sha256: hash.map(|hash| sha256_to_hex(&hash)),
            group: event.group_name.as_deref().map(str::to_owned),
            sender: event.sender.as_deref().unwrap_or("").to_owned(),
            filename: event.filename.as_deref().unwrap_or("").to_owned(),
        })
    }

    /// What to call it before people.
    pub(crate) fn shown(&self) -> String {
        one_line(&self.filename).into_owned()
    }

    fn note(&self) -> Vec<u8> {
        let text = |text: &String| Some(Text::from(text.clone()));
        let fields = Fields {
            file_id: Some(self.file_id),
            size: Some(self.size),
            sha256: self.sha256.as_ref().and_then(text),
            group_name: self.group.as_ref().and_then(text),
            sender: text(&self.sender),
            filename: text(&self.filename),
            ..Fields::new("file_received")
        };
        fields.encode()
    }
}

impl Downloads {
    /// Notes that a file was offered.
    pub(crate) fn note(&self, offer: &Offer) {
        if self.notes().len() >= NOTED_MAX || fs::create_dir_all(self.folder()).is_err() {
            return;
        }
        // Without a note it is forgotten with this run, and no more.
        let path = self.beside(offer, "offer");
        if let Ok(mut file) = fs::OpenOptions::new().write(true).create_new(true).open(path) {
            let _ = io::Write::write_all(&mut file, &offer.note());
        }
    }

    /// What was offered and is not here, oldest first; also what other runs have noted.
    pub(crate) fn noted(&self) -> Vec<Offer> {
        let read = |path: PathBuf| {
            let metadata = path.symlink_metadata().ok()?;
            if !metadata.is_file() || metadata.len() > NOTE_BYTES_MAX {
                return None;
            }
            let note = fs::read(path).ok()?;
            Offer::of(&Incoming::decode(&note)?)
        };
        let mut offers: Vec<Offer> = self.notes().into_iter().filter_map(read).collect();
        offers.sort_by_key(|offer| offer.file_id);
        offers
    }

    /// Some of the file is here already.
    pub(crate) fn has_part(&self, offer: &Offer) -> bool {
        self.part(offer).symlink_metadata().is_ok()
    }

    /// Where the file is until it is whole.
    pub(crate) fn part(&self, offer: &Offer) -> PathBuf {
        self.beside(offer, "part")
    }

    /// Forgets a file: it is here, or will never be.
    pub(crate) fn forget(&self, offer: &Offer) {
        self.drop_part(offer);
        let _ = fs::remove_file(self.beside(offer, "offer"));
    }

    /// Drops what is here of a file.
    pub(crate) fn drop_part(&self, offer: &Offer) {
        let _ = fs::remove_file(self.part(offer));
    }

    fn notes(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.folder()) else { return Vec::new() };
        let begins = format!("{}-", self.prefix());
        let is_note = |name: &str| {
            name.starts_with(&begins) && Path::new(name).extension() == Some("offer".as_ref())
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let notes = names.filter(|name| is_note(name)).map(|name| self.folder().join(name));
        notes.take(NOTED_MAX).collect()
    }

    /// A name from which the file's number, size and hash can be recognised.
    fn beside(&self, offer: &Offer, extension: &str) -> PathBuf {
        let hash = offer.sha256.as_deref().unwrap_or("0");
        let Offer { file_id, size, .. } = offer;
        self.folder().join(format!("{}-{file_id}-{size}-{hash}.{extension}", self.prefix()))
    }

    /// How such names begin for one user of one server: another server has other files of the same
    /// numbers.
    fn prefix(&self) -> String {
        let hash = Sha256::digest(format!("{}\n{}", self.server(), self.user()));
        format!(".papo-{}", &sha256_to_hex(&hash.into())[..12])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_there_in_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let at = |server: &str, user: &str| {
            let downloads = Downloads::new(folder.path().join("d")).at(server);
            downloads.of_user(user);
            downloads
        };
        let event = r#"{"type":"group_file_received","file_id":7,"size":9,"sha256":"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD","sender":"../b","group_name":"T","filename":"\u001b/x"}"#;
        let offer = Offer::of(&Incoming::decode(event.as_bytes()).unwrap()).unwrap();
        let later = Offer { file_id: 8, sha256: None, group: None, ..offer.clone() };
        let downloads = at("s:1", "ana");
        assert_eq!(downloads.noted(), []);
        downloads.note(&later);
        downloads.note(&offer);
        downloads.note(&offer);
        let again = at("s:1", "ana");
        assert_eq!(again.noted(), [offer.clone(), later.clone()]);
        assert_eq!(at("s:2", "ana").noted(), []);
        assert_eq!(at("s:1", "bia").noted(), []);
        let name = again.part(&offer).file_name().unwrap().to_str().unwrap().to_owned();
        assert!(name.starts_with(".papo-") && name.contains("-7-9-ba7816bf8f01cfea"), "{name}");
        again.forget(&offer);
        assert_eq!(downloads.noted(), [later]);
        assert!(offer.shown().starts_with('\u{fffd}'), "{}", offer.shown());
    }
}
