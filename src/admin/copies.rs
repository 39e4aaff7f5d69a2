//! `papo admin backup` and `papo admin restore`.

use std::fs;
use std::io;
use std::path::Path;

use chrono::Local;

use super::{FILES, Task, data_failure, failure, open, print, store_failure, write_failure};
use crate::cli::Failure;
use crate::folder::Part;
use crate::journal::admin::{self, Closed, Store, StoreError};
use crate::text::admin as text;

/// A backup is written under another name, checked, and gets its own when it is whole.
pub(super) fn backup(task: Task) -> Result<(), Failure> {
    let (file, data, lang) = task.only_argument(text::FILE_MISSING)?;
    let file = Path::new(&file);
    // Opened first, so that a wrong folder is told before anything is written anywhere.
    drop(open(&data, lang)?);
    // What stands there is found before the work; that nothing has come meanwhile, after it.
    if file.symlink_metadata().is_ok() {
        return Err(failure(text::file_exists(lang, file)));
    }
    let cannot_write = |error: io::Error| write_failure(lang, file, &error);
    let part = Part::beside(file).map_err(cannot_write)?;
    admin::copy(&Store::path(&data), part.path()).map_err(|error| match error {
        StoreError::Unusable(why) => failure(text::cannot_write(lang, file, &why)),
        other => data_failure(lang, &data, other),
    })?;
    part.give_name(file).map_err(cannot_write)?;
    let bytes = fs::metadata(file).map_or(0, |file| file.len());
    let mut said = text::backed_up(lang, file, bytes);
    said.push('\n');
    let files = data.join(FILES);
    if files.is_dir() {
        said.push_str(&text::files_are_apart(lang, &files));
        said.push('\n');
    }
    print(lang, &said)
}

/// What is restored is checked before anything in the data folder is touched, and again when it has
/// been copied there.
pub(super) fn restore(task: Task) -> Result<(), Failure> {
    let (file, data, lang) = task.only_argument(text::FILE_MISSING)?;
    let file = Path::new(&file);
    admin::check(file).map_err(|error| store_failure(lang, file, error))?;
    let cannot_write = |error: io::Error| write_failure(lang, &data, &error);
    fs::create_dir_all(&data).map_err(cannot_write)?;
    let closed = Closed::take(&data).map_err(|error| data_failure(lang, &data, error))?;
    let part = Part::beside(&Store::path(&data)).map_err(cannot_write)?;
    admin::copy(file, part.path()).map_err(|error| match error {
        StoreError::Unusable(why) => failure(text::cannot_write(lang, &data, &why)),
        other => store_failure(lang, file, other),
    })?;
    closed.settle().map_err(|error| data_failure(lang, &data, error))?;
    let time = Local::now().format("%Y-%m-%d-%H%M%S").to_string();
    let old = closed.replace(&time, |path| part.replace(path)).map_err(cannot_write)?;
    let mut said = text::restored(lang, file, &data);
    said.push('\n');
    if let Some(old) = old {
        said.push_str(&text::moved_aside(lang, &old));
        said.push('\n');
    }
    print(lang, &said)
}
