//! Keeps the files that arrive. The server is not trusted with a name: each is parsed again here.

use std::io;
use std::path::PathBuf;

use crate::folder;
use crate::text::Lang;
use crate::text::client as text;
use crate::wire::name::{FileName, Name};

use super::requests::ArrivedFile;
use super::sanitize::one_line;
use super::show::{Line, Style};

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
        let sender = owner(&file.sender);
        let group = file.group.as_deref().and_then(owner);
        let owners: Vec<&Name> = group.iter().chain(&sender).collect();
        let name = FileName::sanitize(&file.filename);
        let kept =
            folder::keep(&self.folder, &file.data, false, |copy| name.stored_as(&owners, copy))?;
        Ok(self.folder.join(kept))
    }
}

/// A name for a path, whatever the server sent for one.
fn owner(raw: &str) -> Option<Name> {
    Name::parse(raw).or_else(|_| Name::parse("_")).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

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
