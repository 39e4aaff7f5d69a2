//! `papo admin`: what whoever runs a server does with its data. Reading goes on beside a server that
//! runs; what changes the data takes the folder's lock, as a server does.
//!
//! What a store says is asked in [`crate::journal::admin`]; here stand the commands.

mod copies;
mod export;
mod files;
mod find;
mod users;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Local};

use crate::cli::{Exit, Failure, Invocation, unknown_argument, usage};
use crate::journal::admin::{Store, StoreError};
use crate::text::admin as text;
use crate::text::{Lang, Sentence};

/// How a moment is written. The same width for every year up to 9999.
const TIME: &str = "%Y-%m-%d %H:%M:%S";

/// The folder of received files, in the data folder.
const FILES: &str = "server_files";

/// What every command is told.
struct Task {
    invocation: Invocation,
    data: PathBuf,
    lang: Lang,
}

/// Carries one command out.
type Action = fn(Task) -> Result<(), Failure>;

/// Every command: its name, its help, what it does.
const COMMANDS: [(&str, Sentence, Action); 6] = [
    ("backup", text::HELP_BACKUP, copies::backup),
    ("restore", text::HELP_RESTORE, copies::restore),
    ("export", text::HELP_EXPORT, export::export),
    ("files", text::HELP_FILES, files::files),
    ("users", text::HELP_USERS, users::list),
    ("reset-password", text::HELP_RESET, users::reset_password),
];

/// `papo admin`.
pub fn run(mut invocation: Invocation) -> Result<(), Failure> {
    let lang = invocation.lang;
    let data = invocation.value("--data", PathBuf::from("."))?;
    let name = invocation.args.subcommand().unwrap_or_default();
    let found = COMMANDS.iter().find(|(known, ..)| name.as_deref() == Some(*known));
    let help = found.map_or(text::HELP, |(_, help, _)| *help);
    if invocation.wants_help(help) {
        return Ok(());
    }
    match (found, name) {
        (Some((.., action)), _) => action(Task { invocation, data, lang }),
        (None, Some(name)) => {
            let names = COMMANDS.map(|(name, ..)| name).join(", ");
            let typed = name.escape_debug().to_string();
            Err(usage(text::unknown_command(lang, &typed, &names)))
        }
        (None, None) => {
            invocation.finish()?;
            Err(usage(text::COMMAND_MISSING.get(lang)))
        }
    }
}

impl Task {
    /// The one argument that is no option, when all options are taken.
    fn only_argument(mut self, missing: Sentence) -> Result<(String, PathBuf, Lang), Failure> {
        let lang = self.lang;
        let argument = match self.invocation.positional()? {
            Some(option) if option.starts_with('-') => {
                return Err(unknown_argument(lang, &option));
            }
            Some(argument) if !argument.is_empty() => argument,
            _ => return Err(usage(missing.get(lang))),
        };
        self.invocation.finish()?;
        Ok((argument, self.data, lang))
    }
}

/// The store of a data folder, to read.
fn open(data: &Path, lang: Lang) -> Result<Store, Failure> {
    Store::open(data).map_err(|error| data_failure(lang, data, error))
}

/// Why the data of a server cannot be used.
fn data_failure(lang: Lang, data: &Path, error: StoreError) -> Failure {
    match error {
        StoreError::Missing => failure(text::no_store(lang, data)),
        StoreError::Locked => failure(text::stop_first(lang, data)),
        other => store_failure(lang, &Store::path(data), other),
    }
}

/// Why a file that should be a store cannot be used.
fn store_failure(lang: Lang, file: &Path, error: StoreError) -> Failure {
    failure(match error {
        StoreError::Missing => text::no_file(lang, file),
        StoreError::Locked => text::stop_first(lang, file),
        StoreError::Busy => text::busy(lang, file),
        StoreError::TooNew { found, known } => text::too_new(lang, file, found, known),
        StoreError::TooOld => text::too_old(lang, file),
        StoreError::Foreign => text::foreign(lang, file),
        StoreError::Damaged(why) => text::damaged(lang, file, &why),
        StoreError::Unusable(why) => text::unusable(lang, file, &why),
    })
}

fn failure(message: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Error, message)
}

/// A file that cannot be made.
fn write_failure(lang: Lang, file: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::AlreadyExists => failure(text::file_exists(lang, file)),
        _ => failure(text::cannot_write(lang, file, error)),
    }
}

/// Prints lines that are what was asked for.
fn print(lang: Lang, lines: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    printed(lang, stdout.write_all(lines.as_bytes()).and_then(|()| stdout.flush()))
}

/// What became of printing. Who closes a pipe has seen enough, like `head`.
fn printed(lang: Lang, done: io::Result<()>) -> Result<(), Failure> {
    match done {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(failure(text::cannot_print(lang, &error)))
        }
        _ => Ok(()),
    }
}

/// Prints a remark, which is not what was asked for.
fn remark(line: &str) {
    // A closed stderr leaves nobody to tell.
    let _ = writeln!(io::stderr(), "{line}");
}

/// A moment, in this machine's local time.
fn local_time(wall_ms: u64) -> String {
    let moment = i64::try_from(wall_ms).ok().and_then(DateTime::from_timestamp_millis);
    match moment {
        Some(moment) => moment.with_timezone(&Local).format(TIME).to_string(),
        None => wall_ms.to_string(),
    }
}
