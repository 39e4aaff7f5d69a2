//! Keeps the files that arrive. The server is not trusted with a name: each is parsed again here.
//!
//! A file gets its final name when it is whole, and never takes the place of another: it is written
//! under a name of its own and then linked to the first name that is free, which fails, atomically,
//! where anything stands already, be it a file, a folder or a symbolic link to elsewhere.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::text::Lang;
use crate::text::client as text;
use crate::wire::name::{FileName, Name};

use super::requests::ArrivedFile;
use super::sanitize::one_line;
use super::show::{Line, Style};

/// Files of one name, numbered; above it, something is wrong.
const COPIES_MAX: u32 = 10_000;

/// Tells the half-written files of one process apart.
static PARTS: AtomicU64 = AtomicU64::new(0);

/// Where the files that arrive are kept.
#[derive(Clone, Debug)]
pub(crate) struct Downloads {
    folder: PathBuf,
}

impl Downloads {
    /// In this folder, which is made when the first file comes.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Keeps a file, and says where it is or why it is not.
    pub(crate) fn save_and_tell(&self, file: &ArrivedFile, lang: Lang) -> Line {
        match self.save(file) {
            Ok(path) => {
                let path = path.display().to_string();
                Line::new(Style::Plain, text::saved_as(lang, &one_line(&path)))
            }
            Err(error) => {
                let folder = self.folder.display().to_string();
                let told = text::not_saved(lang, &one_line(&folder), &error.to_string());
                Line::bad(&told)
            }
        }
    }

    /// Keeps a file as `{sender}_{filename}` or `{group}_{sender}_{filename}`.
    pub(crate) fn save(&self, file: &ArrivedFile) -> io::Result<PathBuf> {
        fs::create_dir_all(&self.folder)?;
        let sender = owner(&file.sender);
        let group = file.group.as_deref().and_then(owner);
        let owners: Vec<&Name> = group.iter().chain(&sender).collect();
        let name = FileName::sanitize(&file.filename);
        let part = self.write_part(&file.data)?;
        let kept = self.give_name(&part, |copy| name.stored_as(&owners, copy));
        // Linked, renamed or failed: under its first name it is not needed any more.
        let _ = fs::remove_file(&part);
        kept
    }

    fn write_part(&self, data: &[u8]) -> io::Result<PathBuf> {
        loop {
            let number = PARTS.fetch_add(1, Ordering::Relaxed);
            let name = format!(".papo-{}-{number}.part", std::process::id());
            let path = self.folder.join(name);
            match create_new(&path) {
                Ok(mut file) => {
                    if let Err(error) = file.write_all(data) {
                        let _ = fs::remove_file(&path);
                        return Err(error);
                    }
                    return Ok(path);
                }
                // Left by a process that was killed and had the same number.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn give_name(&self, part: &Path, named: impl Fn(u32) -> String) -> io::Result<PathBuf> {
        for copy in 1..=COPIES_MAX {
            let path = self.folder.join(named(copy));
            match fs::hard_link(part, &path) {
                Ok(()) => return Ok(path),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                // No hard links on this file system: the name is taken first, with create_new,
                // and then given to the whole file.
                Err(_) => {}
            }
            match create_new(&path) {
                Ok(_) => {
                    if let Err(error) = fs::rename(part, &path) {
                        let _ = fs::remove_file(&path);
                        return Err(error);
                    }
                    return Ok(path);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }
}

/// Fails where anything stands already; a symbolic link is not followed.
fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// A name for a path, whatever the server sent for one.
fn owner(raw: &str) -> Option<Name> {
    Name::parse(raw).or_else(|_| Name::parse("_")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(group: Option<&str>, sender: &str, filename: &str, data: &str) -> ArrivedFile {
        ArrivedFile {
            group: group.map(str::to_owned),
            sender: sender.to_owned(),
            filename: filename.to_owned(),
            data: data.as_bytes().to_vec(),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn no_file_takes_the_place_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let downloads = Downloads::new(folder.path().join("client_downloads"));
        for (file, name) in [
            (file(None, "bob", "foto.jpg", "1"), "bob_foto.jpg"),
            (file(None, "bob", "foto.jpg", "2"), "bob_foto (2).jpg"),
            (file(None, "bob", "foto.jpg", "3"), "bob_foto (3).jpg"),
            (file(Some("Trabalho"), "bob", "foto.jpg", "4"), "Trabalho_bob_foto.jpg"),
        ] {
            let path = downloads.save(&file).unwrap();
            assert_eq!(path.file_name().unwrap().to_str(), Some(name));
            assert_eq!(fs::read(path).unwrap(), file.data);
        }
        // Nothing half-written stays behind.
        assert_eq!(names(&downloads.folder).len(), 4);
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let downloads = Downloads::new(folder.path().join("d"));
        for (group, sender, filename) in [
            (None, "../../bob", "../../../etc/passwd"),
            (Some("/etc"), "..", "/etc/passwd"),
            (None, "", ""),
            (None, "a/b", "..\\..\\x.exe"),
            (None, "b\u{0}", "x\u{0}\n\u{1b}.txt"),
        ] {
            let path = downloads.save(&file(group, sender, filename, "x")).unwrap();
            assert_eq!(path.parent(), Some(downloads.folder.as_path()), "{path:?}");
        }
        assert_eq!(names(folder.path()), ["d"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        let downloads = Downloads::new(folder.path().join("d"));
        fs::create_dir(&downloads.folder).unwrap();
        std::os::unix::fs::symlink(&outside, downloads.folder.join("bob_x")).unwrap();
        let path = downloads.save(&file(None, "bob", "x", "1")).unwrap();
        assert!(path.ends_with("bob_x (2)"));
        assert!(!outside.exists());
    }

    #[test]
    fn where_nothing_can_be_kept_the_reason_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("f");
        fs::write(&blocked, "").unwrap();
        let line = Downloads::new(blocked).save_and_tell(&file(None, "b", "x", ""), Lang::Pt);
        assert!(line.lead.contains("não pôde ser salvo"), "{line:?}");
        assert!(line.lead.contains("--downloads"), "{line:?}");
    }
}
