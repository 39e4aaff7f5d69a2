//! A file that is to be sent: found, hashed, and read piece by piece. Never whole in memory.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::text::client::FileTrouble;
use crate::wire::request::sha256_to_hex;

/// Bytes hashed at once.
const BLOCK_BYTES: usize = 256 * 1024;

/// A file, ready to be sent.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its name, without its folder.
    pub(crate) filename: String,
    /// Its size.
    pub(crate) size: u64,
    /// Its SHA-256 in hexadecimal; empty before [`Source::hash`].
    pub(crate) sha256: String,
    file: File,
    modified: Option<SystemTime>,
}

impl Source {
    /// Opens the file at a path as a person typed it.
    pub(crate) fn open(typed: &str) -> Result<Self, FileTrouble> {
        let path = path_of(typed, home().as_deref());
        // Asked before opening: opening a named pipe would wait for its writer.
        if !std::fs::metadata(&path).map_err(unreadable)?.is_file() {
            return Err(FileTrouble::NotAFile);
        }
        let file = File::open(&path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let filename = path.file_name().unwrap_or_default();
        Ok(Self {
            filename: filename.to_string_lossy().into_owned(),
            size: metadata.len(),
            sha256: String::new(),
            modified: modified(&metadata),
            file,
        })
    }

    /// Reads the file once. `go_on` gets the number of bytes so far; `false` when it wanted no more.
    pub(crate) fn hash(&mut self, mut go_on: impl FnMut(u64) -> bool) -> Result<bool, FileTrouble> {
        self.file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        let mut hasher = Sha256::new();
        let mut block = vec![0; BLOCK_BYTES];
        let mut read = 0;
        loop {
            let count = match self.file.read(&mut block) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(unreadable(error)),
            };
            hasher.update(&block[..count]);
            read += count as u64;
            // A file that grows as fast as it is read has no end.
            if read > self.size {
                return Err(FileTrouble::Changed);
            }
            if !go_on(read) {
                return Ok(false);
            }
        }
        if read != self.size {
            return Err(FileTrouble::Changed);
        }
        self.sha256 = sha256_to_hex(&hasher.finalize().into());
        self.unchanged()?;
        Ok(true)
    }

    /// Reads the piece at an offset, which must be there whole.
    pub(crate) fn read(&mut self, offset: u64, piece: &mut [u8]) -> Result<(), FileTrouble> {
        let sought = self.file.seek(SeekFrom::Start(offset));
        match sought.and_then(|_| self.file.read_exact(piece)) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(FileTrouble::Changed),
            read => read.map_err(unreadable),
        }
    }

    /// Fails when the file is not what it was when it was opened.
    pub(crate) fn unchanged(&self) -> Result<(), FileTrouble> {
        let metadata = self.file.metadata().map_err(unreadable)?;
        if metadata.len() == self.size && modified(&metadata) == self.modified {
            Ok(())
        } else {
            Err(FileTrouble::Changed)
        }
    }
}

fn modified(metadata: &Metadata) -> Option<SystemTime> {
    metadata.modified().ok()
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn unreadable(error: io::Error) -> FileTrouble {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => FileTrouble::NotFound,
        _ => FileTrouble::Unreadable(error.to_string()),
    }
}

/// A path as people paste it: perhaps between quotes, perhaps from their home directory.
fn path_of(typed: &str, home: Option<&Path>) -> PathBuf {
    let typed = typed.trim();
    let quoted = ['"', '\''].into_iter().find_map(|quote| {
        let inner = typed.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inner.is_empty()).then_some(inner)
    });
    let path = quoted.unwrap_or(typed);
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

fn home() -> Option<PathBuf> {
    let variable = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    std::env::var_os(variable).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The SHA-256 of "abc", from FIPS 180-4's examples.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_file_is_hashed_and_read_in_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("olá mundo.txt");
        std::fs::write(&path, "abc").unwrap();
        let typed = path.to_str().unwrap();
        for typed in [typed.to_owned(), format!("  '{typed}' ")] {
            let mut source = Source::open(&typed).unwrap();
            assert_eq!(source.hash(|_| true), Ok(true));
            assert_eq!((source.filename.as_str(), source.size), ("olá mundo.txt", 3));
            assert_eq!(source.sha256, ABC);
            let mut piece = [0; 2];
            source.read(1, &mut piece).unwrap();
            assert_eq!(&piece, b"bc");
            assert_eq!(source.read(2, &mut piece), Err(FileTrouble::Changed));
        }
    }

    #[test]
    fn a_file_that_changes_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, "abc").unwrap();
        let mut source = Source::open(path.to_str().unwrap()).unwrap();
        assert_eq!(source.hash(|_| false), Ok(false));
        std::fs::write(&path, "abcd").unwrap();
        assert_eq!(source.unchanged(), Err(FileTrouble::Changed));
        assert_eq!(source.hash(|_| true), Err(FileTrouble::Changed));
    }

    #[test]
    fn what_cannot_be_sent_is_told_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let open = |path: &str| Source::open(path).map(drop);
        File::create(at("arquivo")).unwrap();
        assert_eq!(open(&at("nada.txt")), Err(FileTrouble::NotFound));
        assert_eq!(open(&at("")), Err(FileTrouble::NotAFile));
        assert_eq!(open(&at("arquivo/x")), Err(FileTrouble::NotFound));
        if cfg!(target_os = "linux") {
            assert_eq!(open("/dev/zero"), Err(FileTrouble::NotAFile));
        }
    }

    #[test]
    fn a_path_may_start_at_home() {
        let home = Path::new("/home/ana");
        let at_home = path_of("~/foto.jpg", Some(home));
        assert_eq!(at_home, Path::new("/home/ana/foto.jpg"));
        assert_eq!(path_of("~ana/x", Some(home)), Path::new("~ana/x"));
        assert_eq!(path_of("\"", None), Path::new("\""));
    }
}
