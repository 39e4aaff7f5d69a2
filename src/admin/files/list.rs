//! `papo admin files list`.

use std::fmt::Write;

use super::{Files, in_folder, is_own_folder, print};
use crate::admin::find::find;
use crate::admin::{Task, failure};
use crate::cli::{Failure, usage};
use crate::journal::admin::Which;
use crate::text::admin as text;
use crate::wire::event::Encode;
use crate::wire::export::{ExportedFile, ExportedOrphan};
use crate::wire::request::sha256_to_hex;

/// The folder for uploads, inside the data folder, and how names end in it.
const UPLOADS: &str = "uploads";
const PART: &str = ".part";

/// Files, newest first, and their sums.
pub(super) fn list(task: Task) -> Result<(), Failure> {
    let Task { mut invocation, data, lang } = task;
    let json = invocation.args.contains("--json");
    let orphans = invocation.args.contains("--orphans");
    let user: Option<String> = invocation.optional("--user")?;
    let group: Option<String> = invocation.optional("--group")?;
    invocation.finish()?;
    if [user.is_some(), group.is_some(), orphans].iter().filter(|asked| **asked).count() > 1 {
        return Err(usage(text::WHICH_LIST.get(lang)));
    }
    let files = Files::open(data, lang)?;
    if orphans {
        return list_orphans(&files, json);
    }
    let which = which(&files, user.as_deref(), group.as_deref())?;
    let (mut kept, mut pruned) = ((0, 0), (0, 0));
    files.each_page(which, |page| {
        let mut lines = String::new();
        for file in page {
            let sum = if file.pruned_ms.is_none() { &mut kept } else { &mut pruned };
            *sum = (sum.0 + 1, sum.1 + file.size);
            if json {
                let sha256 = file.sha256.as_ref().map(sha256_to_hex);
                lines.push_str(&encoded(&ExportedFile {
                    msg_id: file.msg_id,
                    ts: file.ts,
                    sender: files.name(file.sender),
                    to: files.to(&file),
                    filename: &file.name,
                    size: file.size,
                    saved_as: &file.saved_as,
                    sha256: sha256.as_deref(),
                    deleted: file.deleted,
                    pruned: file.pruned_ms,
                }));
            } else {
                // Writing into a string does not fail.
                let _ = writeln!(lines, "{}", files.line(&file));
            }
        }
        print(lang, &lines)
    })?;
    if json {
        return Ok(());
    }
    let mut sums = text::files_sum(lang, kept, pruned);
    sums.push('\n');
    if which == Which::All {
        sums.push_str(&uploads(&files)?);
        let orphans = files.orphans()?;
        let bytes = orphans.iter().map(|orphan| orphan.bytes).sum();
        let _ = writeln!(sums, "{}", text::orphans_sum(lang, (orphans.len() as u64, bytes)));
    }
    print(lang, &sums)
}

fn which(files: &Files, user: Option<&str>, group: Option<&str>) -> Result<Which, Failure> {
    let lang = files.lang;
    if let Some(typed) = user {
        let users = files.store.user_names().map_err(|error| files.failed(error))?;
        let (user, _) = find(users, typed).map_err(|near| {
            failure(text::unknown_user(lang, &typed.escape_debug().to_string(), &near))
        })?;
        return Ok(Which::From(user));
    }
    let Some(typed) = group else { return Ok(Which::All) };
    let mut groups = files.store.groups().map_err(|error| files.failed(error))?;
    // The last one that has the name is taken: one that lives, if there is one.
    groups.sort_by_key(|group| !group.deleted);
    let groups = groups.into_iter().map(|group| (group.conversation, group.name)).collect();
    let (conversation, _) = find(groups, typed).map_err(|near| {
        failure(text::unknown_group(lang, &typed.escape_debug().to_string(), &near))
    })?;
    Ok(Which::In(conversation))
}

fn list_orphans(files: &Files, json: bool) -> Result<(), Failure> {
    let (mut lines, mut bytes) = (String::new(), 0);
    let orphans = files.orphans()?;
    for orphan in &orphans {
        bytes += orphan.bytes;
        if json {
            lines.push_str(&encoded(&ExportedOrphan {
                saved_as: &orphan.name.to_string_lossy(),
                size: orphan.bytes,
                ts: orphan.changed_ms,
            }));
        } else {
            let _ = writeln!(lines, "{}", orphan.line(files.lang));
        }
    }
    if !json {
        let sum = text::orphans_sum(files.lang, (orphans.len() as u64, bytes));
        let _ = writeln!(lines, "{sum}");
    }
    print(files.lang, &lines)
}

/// What is on its way, or was left there: as announced, and as it lies on the disk.
fn uploads(files: &Files) -> Result<String, Failure> {
    let lang = files.lang;
    let announced = files.store.uploads().map_err(|error| files.failed(error))?;
    let folder = files.data.join(UPLOADS);
    is_own_folder(&folder, lang)?;
    let mut parts = (0, 0);
    in_folder(&folder, |name, about| {
        if name.to_str().is_some_and(|name| name.ends_with(PART)) {
            parts = (parts.0 + 1, parts.1 + about.len());
        }
    })
    .map_err(|error| failure(text::cannot_read(lang, &folder, &error)))?;
    Ok(text::uploads_sum(lang, announced, parts) + "\n")
}

fn encoded(object: &impl Encode) -> String {
    let mut line = Vec::new();
    object.encode(&mut line);
    line.push(b'\n');
    String::from_utf8(line).unwrap_or_default()
}
