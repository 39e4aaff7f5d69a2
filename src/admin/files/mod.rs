//! `papo admin files`: what the server keeps of the files that people sent.
//!
//! Nothing is touched outside the folder of files, and no link in it is followed.

mod list;
mod prune;
mod verify;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{FILES, Task, data_failure, failure, local_time, open, print};
use crate::chat::UserId;
use crate::cli::{Failure, usage};
use crate::journal::admin::{Recipient, Store, StoreError, Stored, Which};
use crate::text::Lang;
use crate::text::admin as text;
use crate::text::sanitize::one_line;
use crate::wire::event::MsgId;
use crate::wire::export::To;

/// Every command: its name, what it does.
const COMMANDS: [(&str, super::Action); 3] =
    [("list", list::list), ("verify", verify::verify), ("prune", prune::prune)];

/// `papo admin files`.
pub(super) fn files(mut task: Task) -> Result<(), Failure> {
    let lang = task.lang;
    let name = task.invocation.args.subcommand().unwrap_or_default();
    let found = COMMANDS.iter().find(|(known, _)| name.as_deref() == Some(*known));
    match (found, name) {
        (Some((_, action)), _) => action(task),
        (None, Some(name)) => {
            let names = COMMANDS.map(|(name, _)| name).join(", ");
            Err(usage(text::unknown_files_command(lang, &name.escape_debug().to_string(), &names)))
        }
        (None, None) => {
            task.invocation.finish()?;
            Err(usage(text::FILES_COMMAND_MISSING.get(lang)))
        }
    }
}

/// The files of a data folder: what the store says of them, and where they are.
struct Files {
    store: Store,
    data: PathBuf,
    folder: PathBuf,
    lang: Lang,
    names: HashMap<UserId, String>,
}

impl Files {
    fn open(data: PathBuf, lang: Lang) -> Result<Self, Failure> {
        let store = open(&data, lang)?;
        let folder = data.join(FILES);
        is_own_folder(&folder, lang)?;
        let names = store.user_names().map_err(|error| data_failure(lang, &data, error))?;
        Ok(Self { store, data, folder, lang, names: names.into_iter().collect() })
    }

    fn failed(&self, error: StoreError) -> Failure {
        data_failure(self.lang, &self.data, error)
    }

    /// Does something with each page of files, newest first.
    fn each_page(
        &self,
        which: Which,
        mut act: impl FnMut(Vec<Stored>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut before = MsgId::MAX;
        loop {
            let page = self.store.files(which, before).map_err(|error| self.failed(error))?;
            match page.last() {
                Some(oldest) => before = oldest.msg_id,
                None => return Ok(()),
            }
            act(page)?;
        }
    }

    /// Where a file is, if its name is one in the folder. It comes from a store that may be anybody's.
    fn path(&self, saved_as: &str) -> Option<PathBuf> {
        let inside = Path::new(saved_as).file_name() == Some(saved_as.as_ref());
        inside.then(|| self.folder.join(saved_as))
    }

    fn name(&self, user: UserId) -> &str {
        self.names.get(&user).map_or("?", String::as_str)
    }

    fn to<'a>(&'a self, file: &'a Stored) -> To<'a> {
        match &file.to {
            Recipient::User(user) => To::User(self.name(*user)),
            Recipient::Group(name) => To::Group(name),
        }
    }

    /// A file as one line.
    fn line(&self, file: &Stored) -> String {
        let time = short_time(file.ts);
        let sender = one_line(self.name(file.sender));
        let (to, is_group) = match self.to(file) {
            To::User(name) => (one_line(name), false),
            To::Group(name) => (one_line(name), true),
        };
        let way = text::way(self.lang, &sender, &to, is_group);
        let marks = text::marks(self.lang, file.deleted, file.pruned_ms.is_some());
        text::file_line(self.lang, &time, file.size, &one_line(&file.saved_as), &way, &marks)
    }

    /// Files in the folder that no message names, in the order of their names. A file that a message
    /// gets while this looks is none.
    fn orphans(&self) -> Result<Vec<Orphan>, Failure> {
        let mut found = Vec::new();
        in_folder(&self.folder, |name, about| {
            let changed_ms = millis(changed(about));
            found.push(Orphan { name, bytes: about.len(), changed_ms });
        })
        .map_err(|error| failure(text::cannot_read(self.lang, &self.folder, &error)))?;
        // After the folder, so that no name is missed that came meanwhile.
        let known = self.store.file_names().map_err(|error| self.failed(error))?;
        found.retain(|orphan| !orphan.name.to_str().is_some_and(|name| known.contains(name)));
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }
}

/// A file that no message names.
struct Orphan {
    name: OsString,
    bytes: u64,
    changed_ms: u64,
}

impl Orphan {
    fn line(&self, lang: Lang) -> String {
        let name = self.name.to_string_lossy();
        let time = short_time(self.changed_ms);
        text::file_line(lang, &time, self.bytes, &one_line(&name), "", "")
    }
}

/// A folder that is there is no link to another.
fn is_own_folder(folder: &Path, lang: Lang) -> Result<(), Failure> {
    match folder.symlink_metadata() {
        Ok(about) if !about.is_dir() => Err(failure(text::not_a_folder(lang, folder))),
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(failure(text::cannot_read(lang, folder, &error)))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Tells all files in a folder, but no links and folders; none if it is not there.
fn in_folder(folder: &Path, mut tell: impl FnMut(OsString, &Metadata)) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        match entry.metadata() {
            Ok(about) if about.is_file() => tell(entry.file_name(), &about),
            Ok(_) => {}
            // It went meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// When a file got its bytes or its name, whatever came last.
fn changed(about: &Metadata) -> SystemTime {
    let written = about.modified().unwrap_or(UNIX_EPOCH);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let seconds = u64::try_from(about.ctime()).unwrap_or_default();
        written.max(UNIX_EPOCH + std::time::Duration::from_secs(seconds))
    }
    #[cfg(not(unix))]
    written.max(about.created().unwrap_or(UNIX_EPOCH))
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Of the time of day the seconds are too much.
fn short_time(wall_ms: u64) -> String {
    local_time(wall_ms).chars().take(16).collect()
}
