//! Keeps the files that arrive. The server is not trusted with a name: each is parsed again here.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::folder;
use crate::text::Lang;
use crate::text::client as text;
use crate::wire::name::{FileName, Name};

use super::offers::Offer;
use super::requests::ArrivedFile;
use super::sanitize::one_line;
use super::show::{Line, Style};

/// Where the files that arrive are kept.
#[derive(Clone, Debug)]
pub(crate) struct Downloads {
    folder: PathBuf,
    server: String,
    /// For whom, once that is known.
    user: Arc<OnceLock<String>>,
    automatic_bytes: u64,
}

/// Files up to this size are fetched without being asked for.
pub(crate) const AUTOMATIC_BYTES: u64 = 20 * 1024 * 1024;

impl Downloads {
    /// In this folder, which is made when the first file comes.
    pub(crate) fn new(folder: PathBuf) -> Self {
        let (server, user) = (String::new(), Arc::default());
        Self { folder, server, user, automatic_bytes: AUTOMATIC_BYTES }
    }

    /// The same for the files of this server.
    pub(crate) fn at(self, server: &str) -> Self {
        Self { server: server.to_owned(), ..self }
    }

    /// The same with files up to this size fetched without being asked for; with 0 none is.
    pub(crate) fn automatic(self, automatic_bytes: u64) -> Self {
        Self { automatic_bytes, ..self }
    }

    /// Whose files these are. The first word stands.
    pub(crate) fn of_user(&self, user: &str) {
        let _ = self.user.set(user.to_owned());
    }

    /// Where the files go.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where they come from.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// For whom they are.
    pub(crate) fn user(&self) -> &str {
        self.user.get().map_or("", String::as_str)
    }

    /// The file is fetched without being asked for.
    pub(crate) fn is_automatic(&self, offer: &Offer) -> bool {
        self.automatic_bytes > 0 && offer.size <= self.automatic_bytes
    }

    /// Keeps a file, and says where it is or why it is not.
    pub(crate) fn save_and_tell(&self, file: &ArrivedFile, lang: Lang) -> Line {
        match self.save(file) {
            Ok(path) => self.told(&path, lang),
            Err(error) => {
                let folder = self.folder.display().to_string();
                let told = text::not_saved(lang, &one_line(&folder), &error.to_string());
                Line::bad(&told)
            }
        }
    }

    /// Where a file is.
    #[expect(clippy::unused_self, reason = "one of the things that are told of downloads")]
    pub(crate) fn told(&self, path: &Path, lang: Lang) -> Line {
        let path = path.display().to_string();
        Line::new(Style::Plain, text::saved_as(lang, &one_line(&path)))
    }

    /// Keeps a file as `{sender}_{filename}` or `{group}_{sender}_{filename}`.
    pub(crate) fn save(&self, file: &ArrivedFile) -> io::Result<PathBuf> {
        let named = names(file.group.as_deref(), &file.sender, &file.filename);
        let kept = folder::keep(&self.folder, &file.data, false, named)?;
        Ok(self.folder.join(kept))
    }

    /// Gives a part that is whole its name.
    pub(crate) fn keep_part(&self, offer: &Offer) -> io::Result<PathBuf> {
        let named = names(offer.group.as_deref(), &offer.sender, &offer.filename);
        let kept = folder::move_in(&self.folder, &self.part(offer), true, named)?;
        Ok(self.folder.join(kept))
    }
}

/// The names that a file may get, the best first.
fn names(group: Option<&str>, sender: &str, filename: &str) -> impl Fn(u32) -> String {
    let sender = owner(sender);
    let group = group.and_then(owner);
    let name = FileName::sanitize(filename);
    move |copy| {
        let owners: Vec<&Name> = group.iter().chain(&sender).collect();
        name.stored_as(&owners, copy)
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
