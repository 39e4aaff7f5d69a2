//! By which certificate a server is known: what was given, or what it showed the first time.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::text::Lang;
use crate::text::client as text;
use crate::wire::fingerprint::Fingerprint;

use super::vault::{canonical, make_folder, read_kept, replace, short_hash};

/// The first line, so that a later papo can tell what it reads.
const HEAD: &str = "papo server 1";

/// What a file of ours is at most.
const FILE_BYTES_MAX: u64 = 4 * 1024;

/// What is known of one server's certificate.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    lang: Lang,
    /// Where it is kept: one small file for each server.
    path: Option<PathBuf>,
    server: String,
    known: Arc<Mutex<Option<Fingerprint>>>,
    /// The server has shown another one.
    changed: Arc<AtomicBool>,
}

impl Trust {
    /// With what was given, else what is kept in a user's folder, if there is one.
    pub(crate) fn new(
        lang: Lang,
        folder: Option<&Path>,
        server: &str,
        given: Option<Fingerprint>,
    ) -> Self {
        let server = canonical(server);
        let path = folder.map(|folder| folder.join("servers").join(short_hash(&server)));
        let known = given.or_else(|| path.as_deref().and_then(read));
        Self { lang, path, server, known: Arc::new(Mutex::new(known)), changed: Arc::default() }
    }

    /// The certificate that the server has to show.
    pub(crate) fn known(&self) -> Option<Fingerprint> {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server has shown another one: to try again is no use.
    pub(crate) fn note_changed(&self) {
        self.changed.store(true, Ordering::Relaxed);
    }

    /// Whether the server has shown another one.
    pub(crate) fn is_changed(&self) -> bool {
        self.changed.load(Ordering::Relaxed)
    }

    /// The server has shown this one, and shows no other from now on. Says so the first time.
    pub(crate) fn shown(&self, shown: Fingerprint) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).replace(shown);
        let kept = self.path.as_deref().and_then(read) == Some(shown);
        if kept {
            return None;
        }
        let done = match &self.path {
            Some(path) => self.keep(path, shown),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        match (known, done) {
            (None, Ok(())) => Some(text::server_kept(self.lang, &self.server, &shown)),
            (None, Err(_)) => Some(text::server_not_kept(self.lang, &self.server, &shown)),
            (Some(_), _) => None,
        }
    }

    fn keep(&self, path: &Path, shown: Fingerprint) -> io::Result<()> {
        let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
        make_folder(folder)?;
        let text = format!("{HEAD}\n# {}\n{shown}\n", self.server.escape_debug());
        replace(path, folder, text.as_bytes())
    }
}

fn read(path: &Path) -> Option<Fingerprint> {
    let text = read_kept(path, HEAD, FILE_BYTES_MAX).ok()?;
    text.lines().find_map(|line| line.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_what_it_showed_first_until_another_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (Fingerprint::of(b"one"), Fingerprint::of(b"other"));
        let trust = |server: &str, given| Trust::new(Lang::En, Some(folder.path()), server, given);
        let first = trust("localhost:1", None);
        assert_eq!(first.known(), None);
        assert!(first.shown(one).unwrap().contains(&one.to_string()));
        assert_eq!((first.known(), first.shown(one)), (Some(one), None));
        assert_eq!(trust("127.0.0.1:1", None).known(), Some(one));
        assert_eq!(trust("localhost:2", None).known(), None);
        // Given on purpose, and shown: kept from then on.
        let given = trust("localhost:1", Some(other));
        assert_eq!(trust("localhost:1", None).known(), Some(one));
        assert_eq!((given.known(), given.shown(other)), (Some(other), None));
        assert_eq!(trust("localhost:1", None).known(), Some(other));
    }

    #[test]
    fn without_a_folder_it_is_said_each_time() {
        let print = Fingerprint::of(b"one");
        for _ in 0..2 {
            let trust = Trust::new(Lang::En, None, "localhost:1", None);
            assert!(trust.shown(print).is_some());
        }
    }
}
