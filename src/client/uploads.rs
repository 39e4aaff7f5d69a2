//! Reads a file that is to be sent: its size is checked before its bytes are read.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::limits::FRAME_BYTES_MAX;
use crate::text::client::FileTrouble;

/// What a frame holds beside the file: the names, and what the server adds for the recipients.
const ROOM_FOR_THE_REST_BYTES: usize = 16 * 1024;

/// The largest file that fits a frame: base64 makes four bytes of three.
pub(crate) const FILE_BYTES_MAX: u64 = ((FRAME_BYTES_MAX - ROOM_FOR_THE_REST_BYTES) / 4 * 3) as u64;

const _: () = assert!(FILE_BYTES_MAX > 12_000_000);

/// A file, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upload {
    /// Its name, without its folder.
    pub(crate) filename: String,
    /// Its size.
    pub(crate) bytes: u64,
    /// Its bytes in base64.
    pub(crate) base64: String,
}

/// Reads the file at a path as a person typed it.
pub(crate) fn read(typed: &str) -> Result<Upload, FileTrouble> {
    let path = path_of(typed, home().as_deref());
    let unreadable = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => FileTrouble::NotFound,
        _ => FileTrouble::Unreadable(error.to_string()),
    };
    // Asked before opening: opening a named pipe would wait for its writer.
    let metadata = std::fs::metadata(&path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(FileTrouble::NotAFile);
    }
    if metadata.len() > FILE_BYTES_MAX {
        return Err(FileTrouble::TooLarge(FILE_BYTES_MAX));
    }
    let mut data = Vec::new();
    // A file may grow while it is read.
    let mut file = File::open(&path).map_err(unreadable)?.take(FILE_BYTES_MAX + 1);
    file.read_to_end(&mut data).map_err(unreadable)?;
    if data.len() as u64 > FILE_BYTES_MAX {
        return Err(FileTrouble::TooLarge(FILE_BYTES_MAX));
    }
    let filename = path.file_name().unwrap_or_default();
    Ok(Upload {
        filename: filename.to_string_lossy().into_owned(),
        bytes: data.len() as u64,
        base64: STANDARD.encode(&data),
    })
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

    #[test]
    fn a_file_is_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("olá mundo.txt");
        std::fs::write(&path, "oi").unwrap();
        let expected =
            Upload { filename: "olá mundo.txt".into(), bytes: 2, base64: "b2k=".into() };
        let typed = path.to_str().unwrap();
        assert_eq!(read(typed), Ok(expected.clone()));
        assert_eq!(read(&format!("  '{typed}' ")), Ok(expected));
    }

    #[test]
    fn what_cannot_be_sent_is_told_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        assert_eq!(read(&at("nada.txt")), Err(FileTrouble::NotFound));
        assert_eq!(read(&at("")), Err(FileTrouble::NotAFile));
        let large = File::create(at("grande.bin")).unwrap();
        large.set_len(FILE_BYTES_MAX + 1).unwrap();
        let refused = Err(FileTrouble::TooLarge(FILE_BYTES_MAX));
        assert_eq!(read(&at("grande.bin")), refused);
        assert_eq!(read(&at("grande.bin/x")), Err(FileTrouble::NotFound));
        if cfg!(target_os = "linux") {
            assert_eq!(read("/dev/zero"), Err(FileTrouble::NotAFile));
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
