//! `papo admin files verify`.

use std::io::{self, ErrorKind, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{Files, print};
use crate::admin::Task;
use crate::cli::{Exit, Failure};
use crate::folder::open_plain;
use crate::journal::admin::{Stored, Which};
use crate::text::admin as text;
use crate::text::admin::Verdict;

/// What is hashed in one step.
const STEP_BYTES: usize = 256 * 1024;

/// Reads every kept file. What is wrong is told when it is found.
pub(super) fn verify(task: Task) -> Result<(), Failure> {
    let Task { invocation, data, lang } = task;
    invocation.finish()?;
    let files = Files::open(data, lang)?;
    let mut buffer = vec![0; STEP_BYTES];
    let (mut checked, mut wrong, mut unhashed) = ((0, 0), 0, 0);
    files.each_page(Which::All, |page| {
        for file in page.iter().filter(|file| file.pruned_ms.is_none()) {
            let verdict = look(&files, file, &mut buffer);
            if verdict.is_wrong() {
                // Its bytes may have been removed after the page was read.
                let pruned = files.store.is_pruned(file.msg_id);
                if pruned.map_err(|error| files.failed(error))? {
                    continue;
                }
                wrong += 1;
            }
            unhashed += u64::from(matches!(verdict, Verdict::NoHash));
            checked = (checked.0 + 1, checked.1 + file.size);
            if !matches!(verdict, Verdict::Right) {
                print(lang, &format!("{}\n", text::verdict(lang, &verdict, &files.line(file))))?;
            }
        }
        Ok(())
    })?;
    print(lang, &format!("{}\n", text::verified(lang, checked, wrong, unhashed)))?;
    // Everything was said already.
    if wrong > 0 { Err(Failure::new(Exit::Error, "")) } else { Ok(()) }
}

fn look(files: &Files, file: &Stored, buffer: &mut [u8]) -> Verdict {
    let Some(path) = files.path(&file.saved_as) else { return Verdict::NotAFile };
    let found = match hash(&path, buffer) {
        Ok(found) => found,
        Err(error) => {
            return match error.kind() {
                ErrorKind::NotFound => Verdict::Missing,
                ErrorKind::InvalidInput => Verdict::NotAFile,
                _ => Verdict::Unreadable(error.to_string()),
            };
        }
    };
    match (found, file.sha256) {
        ((size, _), _) if size != file.size => Verdict::OtherSize(size),
        ((_, hash), Some(known)) if hash != known => Verdict::OtherHash,
        (_, Some(_)) => Verdict::Right,
        (_, None) => Verdict::NoHash,
    }
}

/// The size and the hash of a file.
fn hash(path: &Path, buffer: &mut [u8]) -> io::Result<(u64, [u8; 32])> {
    let mut file = open_plain(path)?;
    let (mut hasher, mut size) = (Sha256::new(), 0);
    loop {
        match file.read(buffer) {
            Ok(0) => return Ok((size, hasher.finalize().into())),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                size += count as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
