//! `papo admin export`: a conversation page by page, so that its length costs no memory.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::find::find;
use super::{Task, data_failure, failure, local_time, open, printed, remark, write_failure};
use crate::chat::UserId;
use crate::chat::entry::ConversationId;
use crate::chat::query::Row;
use crate::cli::{Failure, usage};
use crate::folder::Part;
use crate::journal::admin::{Store, StoreError};
use crate::text::Lang;
use crate::text::admin as text;
use crate::text::sanitize::{json, message, one_line};
use crate::wire::event::{Encode, Reaction};
use crate::wire::export::{Exported, ExportedContent, To};

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    JsonLines,
}

impl FromStr for Format {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "text" => Ok(Self::Text),
            "jsonl" => Ok(Self::JsonLines),
            _ => Err("text, jsonl"),
        }
    }
}

/// Which conversation, as it was typed.
enum Asked {
    Pair(String, String),
    Group(String),
}

/// Which conversation it is.
enum Place {
    Pair([UserId; 2]),
    Group(String),
}

/// Why an export ended early.
enum Ended {
    Store(StoreError),
    Output(io::Error),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Writes a conversation to standard output, or into a file that is there when it is whole.
pub(super) fn export(task: Task) -> Result<(), Failure> {
    let Task { mut invocation, data, lang } = task;
    let user: Option<String> = invocation.optional("--user")?;
    let with: Option<String> = invocation.optional("--with")?;
    let group: Option<String> = invocation.optional("--group")?;
    let format = invocation.value("--format", Format::Text)?;
    let output: Option<PathBuf> = invocation.optional("--output")?;
    invocation.finish()?;
    let asked = match (user, with, group) {
        (Some(user), Some(with), None) => Asked::Pair(user, with),
        (None, None, Some(group)) => Asked::Group(group),
        _ => return Err(usage(text::WHICH_CONVERSATION.get(lang))),
    };
    let store = open(&data, lang)?;
    let (conversation, place) = look_up(&store, &data, lang, &asked)?;
    let names = store.user_names().map_err(|error| data_failure(lang, &data, error))?;
    let names = names.into_iter().collect();
    let mut export = Export { store: &store, lang, format, place, names, line: Vec::new() };
    match output {
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
            match export.write(conversation, &mut out) {
                Ok(0) => remark(&text::exported(lang, 0, None)),
                Ok(_) => {}
                Err(Ended::Store(error)) => return Err(data_failure(lang, &data, error)),
                Err(Ended::Output(error)) => return printed(lang, Err(error)),
            }
            Ok(())
        }
        Some(file) => {
            let cannot_write = |error: io::Error| write_failure(lang, &file, &error);
            if file.symlink_metadata().is_ok() {
                return Err(failure(text::file_exists(lang, &file)));
            }
            let mut part = Part::beside(&file).map_err(cannot_write)?;
            let written = export.write(conversation, &mut BufWriter::new(part.file()));
            let count = written.map_err(|ended| match ended {
                Ended::Store(error) => data_failure(lang, &data, error),
                Ended::Output(error) => cannot_write(error),
            })?;
            part.give_name(&file).map_err(cannot_write)?;
            remark(&text::exported(lang, count, Some(&file)));
            Ok(())
        }
    }
}

/// The conversation that was asked for; it has no number when nobody has written in it yet.
fn look_up(
    store: &Store,
    data: &Path,
    lang: Lang,
    asked: &Asked,
) -> Result<(Option<ConversationId>, Place), Failure> {
    let failed = |error| data_failure(lang, data, error);
    match asked {
        Asked::Pair(one, other) => {
            let user = |typed: &str| {
                let names = store.user_names().map_err(failed)?;
                let found = find(names, typed).map_err(|near| {
                    failure(text::unknown_user(lang, &typed.escape_debug().to_string(), &near))
                })?;
                Ok::<_, Failure>(found.0)
            };
            let pair = [user(one)?, user(other)?];
            let conversation = store.pair(pair[0], pair[1]).map_err(failed)?;
            Ok((conversation, Place::Pair(pair)))
        }
        Asked::Group(typed) => {
            let mut groups = store.groups().map_err(failed)?;
            // The last one that has the name is taken: one that lives, if there is one.
            groups.sort_by_key(|group| !group.deleted);
            let known = groups.into_iter().map(|group| {
                let name = group.name.clone();
                (group, name)
            });
            let (group, name) = find(known.collect(), typed).map_err(|near| {
                failure(text::unknown_group(lang, &typed.escape_debug().to_string(), &near))
            })?;
            if group.deleted {
                remark(&text::group_is_deleted(lang, &one_line(&name)));
            }
            Ok((Some(group.conversation), Place::Group(name)))
        }
    }
}

struct Export<'s> {
    store: &'s Store,
    lang: Lang,
    format: Format,
    place: Place,
    names: HashMap<UserId, String>,
    line: Vec<u8>,
}

impl Export<'_> {
    /// Writes everything, and says how many messages it was.
    fn write(
        &mut self,
        conversation: Option<ConversationId>,
        out: &mut impl Write,
    ) -> Result<u64, Ended> {
        let (mut count, mut after) = (0, 0);
        while let Some(conversation) = conversation {
            let page = self.store.page(conversation, after)?;
            let Some(last) = page.last() else { break };
            after = last.msg_id;
            self.learn(&page)?;
            for row in &page {
                self.line.clear();
                match self.format {
                    Format::Text => self.write_text(row)?,
                    Format::JsonLines => self.write_json(row),
                }
                self.line.push(b'\n');
                out.write_all(&self.line)?;
                count += 1;
            }
        }
        out.flush()?;
        Ok(count)
    }

    /// Somebody may have come for the first time since the names were read.
    fn learn(&mut self, page: &[Row]) -> Result<(), StoreError> {
        let unknown = |user: &UserId| !self.names.contains_key(user);
        let reacted = page.iter().flat_map(|row| row.reactions.iter().map(|(user, _)| user));
        if page.iter().map(|row| &row.sender).chain(reacted).any(unknown) {
            self.names = self.store.user_names()?.into_iter().collect();
        }
        Ok(())
    }

    fn name(&self, user: UserId) -> &str {
        self.names.get(&user).map_or("?", String::as_str)
    }

    fn reactions<'r>(&'r self, row: &'r Row) -> Vec<Reaction<'r>> {
        let mut reactions: Vec<Reaction<'r>> = Vec::new();
        for (user, emoji) in &row.reactions {
            let user = self.name(*user);
            match reactions.iter_mut().find(|reaction| reaction.emoji == emoji) {
                Some(reaction) => reaction.users.push(user),
                None => reactions.push(Reaction { emoji, users: vec![user] }),
            }
        }
        reactions
    }

    fn write_json(&mut self, row: &Row) {
        let mut line = std::mem::take(&mut self.line);
        let to = match &self.place {
            Place::Pair([one, other]) if row.sender == *one => To::User(self.name(*other)),
            Place::Pair([one, _]) => To::User(self.name(*one)),
            Place::Group(name) => To::Group(name),
        };
        let content = match &row.file {
            Some(file) => ExportedContent::File {
                filename: &file.name,
                size: file.size,
                saved_as: &file.saved_as,
            },
            None => ExportedContent::Text(&row.content),
        };
        Exported {
            msg_id: row.msg_id,
            ts: row.ts,
            sender: self.name(row.sender),
            to,
            content,
            reply_to: row.reply_to,
            edited: row.edited,
            deleted: row.deleted,
            reactions: &self.reactions(row),
        }
        .encode(&mut line);
        if let Cow::Owned(harmless) = json(&String::from_utf8_lossy(&line)) {
            line = harmless.into_bytes();
        }
        self.line = line;
    }

    /// `2026-11-25 14:30:25 ana: oi`. What we say about a message stands before the colon, where no
    /// message can put anything; its further lines, and reactions below, are indented.
    fn write_text(&mut self, row: &Row) -> Result<(), Ended> {
        let lang = self.lang;
        let mut marks = Vec::new();
        if row.file.is_some() {
            marks.push(text::FILE.get(lang).to_owned());
        }
        if row.edited && !row.deleted {
            marks.push(text::EDITED.get(lang).to_owned());
        }
        if row.deleted {
            marks.push(text::DELETED.get(lang).to_owned());
        }
        if let Some(answered) = row.reply_to
            && let Some((sender, ts)) = self.store.written(answered)?
        {
            marks.push(text::answers(lang, &one_line(self.name(sender)), &local_time(ts)));
        }
        let marks = match marks.as_slice() {
            [] => String::new(),
            marks => format!(" ({})", marks.join("; ")),
        };
        let content = match &row.file {
            Some(file) => {
                let kept = format!("server_files/{}", file.saved_as);
                one_line(&text::file(&file.name, file.size, &kept)).into_owned()
            }
            None => message(&row.content).into_owned(),
        };
        let content = if content.is_empty() { content } else { format!(" {content}") };
        let mut line = std::mem::take(&mut self.line);
        write!(
            line,
            "{} {}{marks}:{content}",
            local_time(row.ts),
            one_line(self.name(row.sender))
        )?;
        for Reaction { emoji, users } in self.reactions(row) {
            write!(line, "\n    {} {}", one_line(emoji), one_line(&users.join(", ")))?;
        }
        self.line = line;
        Ok(())
    }
}
