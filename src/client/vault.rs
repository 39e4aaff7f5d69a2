//! Keeps the tokens by which servers know this computer's users.
//!
//! One small file for each server and user, so that clients which run at the same time do not write
//! to the same one. It is replaced by a rename, and only its owner may read it. It holds two tokens,
//! the newest first: on the same address there may be another server tomorrow, and the first one's
//! token cannot be had again.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use crate::limits::PASSWORD_BYTES_MAX;
use crate::wire::name::key;
use crate::wire::request::sha256_to_hex;

/// Tokens kept for one user at one address.
const TOKENS_MAX: usize = 2;

/// What a file of ours is at most: two tokens and a little.
const FILE_BYTES_MAX: u64 = 16 * 1024;

/// The first line, so that a later papo can tell what it reads.
const HEAD: &str = "papo token 1";

/// Tells the half-written files of one process apart.
static PARTS: AtomicU64 = AtomicU64::new(0);

/// Where one server's tokens are kept.
#[derive(Clone, Debug)]
pub(crate) struct Vault {
    folder: Option<PathBuf>,
    server: String,
}

impl Vault {
    /// In a user's folder, if there is one.
    pub(crate) fn new(folder: Option<PathBuf>, server: &str) -> Self {
        let folder = folder.map(|folder| folder.join("tokens"));
        Self { folder, server: canonical(server) }
    }

    /// The tokens of a user, best first.
    pub(crate) fn recall(&self, user: &str) -> Vec<String> {
        let Some(folder) = &self.folder else { return Vec::new() };
        read(&folder.join(self.file_name(user))).unwrap_or_default()
    }

    /// Keeps a token as the user's best. Gives `false` when there is nowhere to keep it.
    ///
    /// # Errors
    /// Those of the file system; what was kept before is still there then.
    pub(crate) fn remember(&self, user: &str, token: &str) -> io::Result<bool> {
        let Some(folder) = &self.folder else { return Ok(false) };
        if !is_token(token) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let path = folder.join(self.file_name(user));
        let mut tokens = read(&path).unwrap_or_default();
        if tokens.first().is_some_and(|first| first == token) {
            return Ok(true);
        }
        tokens.retain(|known| known != token);
        tokens.insert(0, token.to_owned());
        tokens.truncate(TOKENS_MAX);
        let mut text = format!("{HEAD}\n# {} @ {}\n", user.escape_debug(), self.server);
        for token in tokens {
            let _ = writeln!(text, "{token}");
        }
        make_folder(folder)?;
        replace(&path, folder, text.as_bytes())?;
        Ok(true)
    }

    /// A name that fits every file system, of which a person can guess whose it is.
    fn file_name(&self, user: &str) -> String {
        let user = key(user);
        let mut name: String = user
            .chars()
            .take(20)
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        name.push('-');
        name.push_str(&short_hash(&format!("{}\n{user}", self.server)));
        name
    }
}

/// The folder for this user's data: `get` gives environment variables.
pub(crate) fn home_folder(get: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let path = |name: &str| get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = path("PAPO_HOME") {
        return Some(folder);
    }
    let base = if cfg!(windows) {
        path("APPDATA")
    } else if let Some(data) = path("XDG_DATA_HOME").filter(|data| data.is_absolute()) {
        // A relative path there is to be ignored, says the XDG specification.
        Some(data)
    } else if cfg!(target_os = "macos") {
        path("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        path("HOME").map(|home| home.join(".local/share"))
    };
    base.map(|base| base.join("papo"))
}

/// A server's address in one spelling: this computer has several.
pub(super) fn canonical(server: &str) -> String {
    let server = server.to_lowercase();
    match server.rsplit_once(':') {
        Some(("127.0.0.1" | "[::1]", port)) => format!("localhost:{port}"),
        _ => server,
    }
}

/// What a server may give as a token: it becomes a line of a file, and no other line.
fn is_token(token: &str) -> bool {
    (1..=PASSWORD_BYTES_MAX).contains(&token.len())
        && !token.starts_with('#')
        && token.bytes().all(|byte| byte.is_ascii_graphic())
}

fn read(path: &Path) -> io::Result<Vec<String>> {
    let text = read_kept(path, HEAD, FILE_BYTES_MAX)?;
    let tokens = text.lines().filter(|line| is_token(line));
    Ok(tokens.take(TOKENS_MAX).map(str::to_owned).collect())
}

/// What a small file of ours holds after its first line, which has to be `head`.
pub(super) fn read_kept(path: &Path, head: &str, bytes_max: u64) -> io::Result<String> {
    let text = io::read_to_string(io::Read::take(File::open(path)?, bytes_max))?;
    match text.split_once('\n') {
        Some((first, rest)) if first.strip_suffix('\r').unwrap_or(first) == head => {
            Ok(rest.to_owned())
        }
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// A few letters and digits that no other text has, for a file's name.
pub(super) fn short_hash(text: &str) -> String {
    let mut hash = sha256_to_hex(&Sha256::digest(text).into());
    hash.truncate(32);
    hash
}

pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Puts a file in place of another, so that whoever reads it finds the old one or the new one whole.
pub(super) fn replace(path: &Path, folder: &Path, bytes: &[u8]) -> io::Result<()> {
    let number = PARTS.fetch_add(1, Ordering::Relaxed);
    let part = folder.join(format!(".{}-{number}.part", std::process::id()));
    // Left by a process that was killed and had the same number.
    let _ = fs::remove_file(&part);
    let written = write_new(&part, bytes).and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    // Lost, it would be a name that nobody can use any more.
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(folder: &tempfile::TempDir, server: &str) -> Vault {
        Vault::new(Some(folder.path().join("papo")), server)
    }

    #[test]
    fn a_token_belongs_to_one_server_and_user() {
        let folder = tempfile::tempdir().unwrap();
        let here = vault(&folder, "localhost:1");
        assert!(here.recall("ana").is_empty());
        assert!(here.remember("Ana", "abc").unwrap());
        assert_eq!(here.recall("ANA"), ["abc"]);
        assert_eq!(vault(&folder, "127.0.0.1:1").recall("ana"), ["abc"]);
        assert_eq!(vault(&folder, "[::1]:1").recall("ana"), ["abc"]);
        assert!(here.recall("bia").is_empty());
        assert!(vault(&folder, "localhost:2").recall("ana").is_empty());
        assert!(vault(&folder, "exemplo.com:1").recall("ana").is_empty());
    }

    #[test]
    fn the_one_before_is_kept_and_what_is_no_token_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(&folder, "localhost:1");
        for (token, kept) in [
            ("a", &["a"][..]),
            ("a", &["a"]),
            ("b", &["b", "a"]),
            ("a", &["a", "b"]),
            ("c", &["c", "a"]),
        ] {
            vault.remember("😀 joão", token).unwrap();
            assert_eq!(vault.recall("😀 JOÃO"), kept);
        }
        for token in ["", "a\nb", "a b", "# a", "é", &"x".repeat(2_000)] {
            assert!(vault.remember("😀 joão", token).is_err(), "{token:?}");
        }
        assert_eq!(vault.recall("😀 joão"), ["c", "a"]);
        assert!(!Vault::new(None, "localhost:1").remember("ana", "a").unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(&folder, "localhost:1");
        vault.remember("ana", "a").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.path().join("papo")), 0o700);
        let tokens = folder.path().join("papo/tokens");
        assert_eq!(mode(&tokens), 0o700);
        let files: Vec<_> = fs::read_dir(&tokens).unwrap().map(|entry| entry.unwrap()).collect();
        assert_eq!(files.len(), 1);
        assert_eq!(mode(&files[0].path()), 0o600);
    }

    #[test]
    fn clients_at_the_same_time_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for number in 0..8 {
                let vault = vault(&folder, "localhost:1");
                scope.spawn(move || {
                    for _ in 0..20 {
                        vault.remember(&format!("u{number}"), &format!("t{number}")).unwrap();
                        vault.remember("todos", "t").unwrap();
                    }
                });
            }
        });
        let vault = vault(&folder, "localhost:1");
        for number in 0..8 {
            assert_eq!(vault.recall(&format!("u{number}")), [format!("t{number}")]);
        }
        assert_eq!(vault.recall("todos"), ["t"]);
        assert_eq!(fs::read_dir(folder.path().join("papo/tokens")).unwrap().count(), 9);
    }

    #[test]
    fn a_file_of_somebody_elses_is_no_token() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(&folder, "localhost:1");
        vault.remember("ana", "a").unwrap();
        let path = folder.path().join("papo/tokens").join(vault.file_name("ana"));
        for text in [&b"papo token 2\nx\n"[..], b"x", b"", b"\xff\xfe"] {
            fs::write(&path, text).unwrap();
            assert!(vault.recall("ana").is_empty());
        }
        vault.remember("ana", "b").unwrap();
        assert_eq!(vault.recall("ana"), ["b"]);
    }

    #[test]
    fn the_folder_is_where_the_system_keeps_data() {
        let of = |vars: &[(&str, &str)]| {
            home_folder(|name| {
                vars.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
            })
        };
        assert_eq!(of(&[("PAPO_HOME", "x"), ("HOME", "/h")]), Some("x".into()));
        assert_eq!(of(&[]), None);
        if cfg!(all(unix, not(target_os = "macos"))) {
            assert_eq!(of(&[("HOME", "/h")]), Some("/h/.local/share/papo".into()));
            let both = [("HOME", "/h"), ("XDG_DATA_HOME", "/d")];
            assert_eq!(of(&both), Some("/d/papo".into()));
            let relative = [("HOME", "/h"), ("XDG_DATA_HOME", "d")];
            assert_eq!(of(&relative), Some("/h/.local/share/papo".into()));
        }
    }
}
