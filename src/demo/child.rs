//! The server of the demo: this same program, started again as `papo server`, with a folder of its
//! own. Dropping it ends the process and removes the folder.

use std::fmt::Display;
use std::fs::DirBuilder;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Sender;
use std::thread;

use super::stage::Heard;
use crate::cli::{Exit, Failure};
use crate::text::demo::{CANNOT_START, NO_FOLDER};
use crate::text::{Lang, Sentence};

/// A running server.
pub(super) struct Server {
    child: Child,
    folder: Folder,
}

impl Server {
    /// Starts it on a free port. What it prints is sent on, line by line.
    pub(super) fn start(lang: Lang, heard: Sender<Heard>) -> Result<Self, Failure> {
        let folder = Folder::create().map_err(|error| failure(NO_FOLDER, lang, error))?;
        let program =
            std::env::current_exe().map_err(|error| failure(CANNOT_START, lang, error))?;
        let mut child = Command::new(program)
            .args(["server", "--listen", "localhost:0", "--lang", super::code(lang), "--data"])
            .arg(&folder.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failure(CANNOT_START, lang, error))?;
        let stdout = child.stdout.take();
        let server = Self { child, folder };
        // Read until it ends, also what nobody looks at: a full pipe must not hold the server up.
        thread::spawn(move || {
            for line in stdout.into_iter().flat_map(|out| BufReader::new(out).lines()) {
                let Ok(line) = line else { break };
                if heard.send(Heard::Server(line)).is_err() {
                    return;
                }
            }
            let _ = heard.send(Heard::ServerEnded);
        });
        Ok(server)
    }

    /// The server's copy of a file.
    pub(super) fn kept(&self, name: &str) -> PathBuf {
        self.folder.0.join("server_files").join(name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder that nobody else has, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn create() -> io::Result<Self> {
        let above = std::env::temp_dir();
        let process = std::process::id();
        let mut attempt = 0;
        loop {
            let path = above.join(format!("papo-demo-{process}-{attempt}"));
            match make_private(&path) {
                Ok(()) => return Ok(Self(path)),
                // Left behind by an earlier process of the same number, or set there by somebody.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 100 => {
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn make_private(path: &Path) -> io::Result<()> {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes to set"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn failure(what: Sentence, lang: Lang, why: impl Display) -> Failure {
    Failure::new(Exit::Error, format_args!("{}: {why}", what.get(lang)))
}

/// The port in `[SERVIDOR] Iniciado em localhost:PORT`.
pub(super) fn port_in(line: &str) -> Option<u16> {
    let (_, after) = line.rsplit_once("localhost:")?;
    let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_from_the_line_that_names_it() {
        for (line, port) in [
            ("[SERVIDOR] Iniciado em localhost:40123", Some(40_123)),
            ("[SERVIDOR] Iniciado em localhost:40123.", Some(40_123)),
            ("[SERVIDOR] Aguardando conexões...", None),
            ("[SERVIDOR] Iniciado em localhost:", None),
            ("[SERVIDOR] Iniciado em localhost:0", None),
            ("[SERVIDOR] Iniciado em localhost:70000", None),
        ] {
            assert_eq!(port_in(line), port, "{line}");
        }
    }

    #[test]
    fn a_folder_is_fresh_and_goes_with_its_owner() {
        let (one, other) = (Folder::create().unwrap(), Folder::create().unwrap());
        assert_ne!(one.0, other.0);
        std::fs::write(one.0.join("file"), "x").unwrap();
        let path = one.0.clone();
        drop(one);
        assert!(!path.exists() && other.0.is_dir());
    }
}
