//! `papo admin files prune`: bytes go, messages stay.
//!
//! In the place of a file that a message names an empty one is left. With its name free the server
//! would give it to the next file of that sender, and whoever may get the old file would get the new
//! one. The server opens a file by its name for every few pieces; after the empty one has taken the
//! name it finds nothing to read there and says so.
//!
//! The bytes go first and the store is told then. Whatever ends this in between is mended by the next
//! prune, which finds the empty file and tells the store.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::SystemTime;

use super::{Files, Orphan, changed, millis, print};
use crate::admin::{Task, failure, remark};
use crate::cli::{Failure, Size, Span, usage};
use crate::folder::Part;
use crate::journal::admin::{Stored, Which, mark_pruned};
use crate::text::admin as text;

/// For so long after it came a file may get its message.
const ORPHAN_AGE_MS: u64 = 60 * 60 * 1_000;

/// Files after which the store is told.
const STEP_FILES: usize = 64;

/// What is to go.
#[derive(Clone, Copy)]
enum What {
    SentBefore(u64),
    LargerThan(u64),
    Orphans,
}

/// What has gone, or would go, and what was left as it is.
#[derive(Default)]
struct Sum {
    files: u64,
    bytes: u64,
    left: u64,
}

pub(super) fn prune(task: Task) -> Result<(), Failure> {
    let Task { mut invocation, data, lang } = task;
    let yes = invocation.args.contains("--yes");
    let orphans = invocation.args.contains("--orphans");
    let age: Option<Span> = invocation.optional("--older-than")?;
    let size: Option<Size> = invocation.optional("--larger-than")?;
    invocation.finish()?;
    let now_ms = millis(SystemTime::now());
    let what = match (age, size, orphans) {
        (Some(Span(age)), None, false) => What::SentBefore(now_ms.saturating_sub(age)),
        (None, Some(Size(size)), false) => What::LargerThan(size),
        (None, None, true) => What::Orphans,
        _ => return Err(usage(text::WHICH_PRUNE.get(lang))),
    };
    let files = Files::open(data, lang)?;
    let sum = match what {
        What::Orphans => prune_orphans(&files, now_ms, yes)?,
        _ => prune_files(&files, what, now_ms, yes)?,
    };
    let mut said = text::pruned(lang, yes, (sum.files, sum.bytes));
    said.push('\n');
    if sum.left > 0 {
        said.push_str(&match what {
            What::Orphans => text::left_young(lang, sum.left),
            _ => text::left_alone(lang, sum.left),
        });
        said.push('\n');
    }
    print(lang, &said)?;
    if yes && sum.files > 0 && !matches!(what, What::Orphans) {
        remark(text::QUOTA_LATER.get(lang));
    }
    Ok(())
}

fn prune_files(files: &Files, what: What, now_ms: u64, yes: bool) -> Result<Sum, Failure> {
    let mut sum = Sum::default();
    let wanted = |file: &Stored| match what {
        What::SentBefore(ts) => file.ts < ts,
        What::LargerThan(size) => file.size > size,
        What::Orphans => false,
    };
    files.each_page(Which::All, |page| {
        // An empty file has nothing to remove.
        let there = |file: &&Stored| file.pruned_ms.is_none() && file.size > 0 && wanted(file);
        let page: Vec<&Stored> = page.iter().filter(there).collect();
        for step in page.chunks(STEP_FILES) {
            let (mut gone, mut lines) = (Vec::new(), String::new());
            let mut failed = None;
            for file in step {
                let path = files.path(&file.saved_as);
                let removed = path.as_deref().map_or(Ok(None), |path| empty(path, yes));
                match removed {
                    Ok(None) => sum.left += 1,
                    Ok(Some(bytes)) => {
                        gone.push(file.msg_id);
                        sum.files += 1;
                        sum.bytes += bytes;
                        lines.push_str(&files.line(file));
                        lines.push('\n');
                    }
                    Err(error) => {
                        failed = Some(text::cannot_prune(files.lang, &files.folder, &error));
                        break;
                    }
                }
            }
            if yes && !gone.is_empty() {
                mark_pruned(&files.data, &gone, now_ms).map_err(|error| files.failed(error))?;
            }
            print(files.lang, &lines)?;
            if let Some(failed) = failed {
                return Err(failure(failed));
            }
        }
        Ok(())
    })?;
    Ok(sum)
}

/// Puts an empty file in the place of one. How many bytes that had; `None` if there is no file.
fn empty(path: &Path, yes: bool) -> io::Result<Option<u64>> {
    let bytes = match path.symlink_metadata() {
        Ok(about) if about.is_file() => about.len(),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(_) | Err(_) => return Ok(None),
    };
    if yes && bytes > 0 {
        // Takes the name in one step; what the name leads to is never written to.
        Part::beside(path)?.replace(path)?;
    }
    Ok(Some(bytes))
}

fn prune_orphans(files: &Files, now_ms: u64, yes: bool) -> Result<Sum, Failure> {
    // Elsewhere no time tells when a file got its name.
    #[cfg(not(unix))]
    let _closed = if yes {
        Some(
            crate::journal::admin::Closed::take(&files.data)
                .map_err(|error| files.failed(error))?,
        )
    } else {
        None
    };
    let (mut sum, mut lines) = (Sum::default(), String::new());
    let orphans = files.orphans()?;
    let (old, young): (Vec<&Orphan>, Vec<&Orphan>) =
        orphans.iter().partition(|orphan| orphan.changed_ms.saturating_add(ORPHAN_AGE_MS) < now_ms);
    sum.left = young.len() as u64;
    for orphan in old {
        let removed = if yes { remove(&files.folder, orphan) } else { Ok(true) };
        match removed {
            Ok(true) => {}
            Ok(false) => continue,
            Err(error) => {
                print(files.lang, &lines)?;
                return Err(failure(text::cannot_prune(files.lang, &files.folder, &error)));
            }
        }
        sum.files += 1;
        sum.bytes += orphan.bytes;
        lines.push_str(&orphan.line(files.lang));
        lines.push('\n');
    }
    print(files.lang, &lines)?;
    Ok(sum)
}

/// Whether a file was removed: what has come in its place since it was looked at stays.
fn remove(folder: &Path, orphan: &Orphan) -> io::Result<bool> {
    let path = folder.join(&orphan.name);
    let gone = path.symlink_metadata().and_then(|about| {
        let same = about.is_file() && millis(changed(&about)) == orphan.changed_ms;
        if same { fs::remove_file(&path).map(|()| true) } else { Ok(false) }
    });
    match gone {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        gone => gone,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::journal::{Durability, Journal};
    use crate::text::Lang;

    fn store_in(data: &Path) {
        let wake = std::sync::Arc::new(|| ());
        let (journal, _) = Journal::open(data, Durability::Os, wake).unwrap();
        journal.close();
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = entries.map(|entry| name(entry).into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// An hour cannot be waited for and the system writes down when a name was given: here it is
    /// later than it is.
    #[test]
    fn orphans_go_when_they_are_old_and_nothing_else_does() {
        let data = tempfile::tempdir().unwrap();
        store_in(data.path());
        let folder = data.path().join("server_files");
        fs::create_dir_all(folder.join("a folder")).unwrap();
        fs::write(folder.join("ana_a"), "12345").unwrap();
        fs::write(folder.join("ana_b"), "").unwrap();
        fs::write(data.path().join("secret"), "stays").unwrap();
        std::os::unix::fs::symlink(data.path().join("secret"), folder.join("link")).unwrap();
        let files = Files::open(PathBuf::from(data.path()), Lang::En).unwrap();
        let now_ms = millis(SystemTime::now());
        let later_ms = now_ms + ORPHAN_AGE_MS + 60_000;
        for (now_ms, yes, gone, left) in
            [(now_ms, true, (0, 0), 2), (later_ms, false, (2, 5), 0), (later_ms, true, (2, 5), 0)]
        {
            assert_eq!(names(&folder), ["a folder", "ana_a", "ana_b", "link"]);
            let sum = prune_orphans(&files, now_ms, yes).unwrap();
            assert_eq!(((sum.files, sum.bytes), sum.left), (gone, left));
        }
        assert_eq!(names(&folder), ["a folder", "link"]);
        assert_eq!(fs::read(data.path().join("secret")).unwrap(), b"stays");
    }

    #[test]
    fn what_has_come_in_the_place_of_an_orphan_stays() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x"), "new").unwrap();
        let orphan = Orphan { name: "x".into(), bytes: 3, changed_ms: 1 };
        assert!(!remove(folder.path(), &orphan).unwrap());
        let orphan = Orphan { name: "y".into(), ..orphan };
        assert!(!remove(folder.path(), &orphan).unwrap());
        assert_eq!(names(folder.path()), ["x"]);
    }
}
