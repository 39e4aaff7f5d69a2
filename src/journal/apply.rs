//! Entries become rows.
//!
//! Nothing here asks whether an entry may be: the core has judged. What has no ground any more
//! changes nothing, as in the core.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, Result, Statement, params};

use super::catalog::Catalog;
use super::groups::Groups;
use super::index::Index;
use super::schema::{int, number};
use crate::chat::UserId;
use crate::chat::entry::{
    Batch, Changed, ConversationId, Entry, IdSpan, KeptFile, Outcome, Place, Upload, What,
};
use crate::sabotage::{self, Sabotage};
use crate::wire::Code;
use crate::wire::event::MsgId;

/// The tables, with a statement for each thing that is done to them.
pub(super) struct Store<'c> {
    pub(super) begin: Statement<'c>,
    pub(super) commit: Statement<'c>,
    save_last: Statement<'c>,
    /// Conversations that have their row.
    known: HashSet<u32, RandomState>,
    /// The same, written in the transaction that is under way.
    new: Vec<u32>,
    new_pair: Statement<'c>,
    add: Statement<'c>,
    is_member: Statement<'c>,
    find_request: Statement<'c>,
    edit: Statement<'c>,
    delete: Statement<'c>,
    touch: Statement<'c>,
    react: Statement<'c>,
    unreact: Statement<'c>,
    unreact_all: Statement<'c>,
    forget: Statement<'c>,
    begin_upload: Statement<'c>,
    end_upload: Statement<'c>,
    catalog: Catalog<'c>,
    groups: Groups<'c>,
    pub(super) index: Index<'c>,
}

/// What a message says, whether it is a text or a file.
struct Said<'a> {
    to: Place,
    conversation: ConversationId,
    content: &'a str,
    reply_to: Option<MsgId>,
    file: Option<&'a KeptFile>,
}

impl<'c> Store<'c> {
    pub(super) fn new(db: &'c Connection) -> Result<Self> {
        let mut known = db.prepare("SELECT id FROM conversation")?;
        let known = known.query_map([], |row| row.get(0))?.collect::<Result<_>>()?;
        Ok(Self {
            begin: db.prepare("BEGIN IMMEDIATE")?,
            commit: db.prepare("COMMIT")?,
            save_last: db.prepare("UPDATE meta SET value = ? WHERE key = 'last'")?,
            known,
            new: Vec::new(),
            new_pair: db.prepare(
                "INSERT INTO conversation(id, a, b) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            )?,
            add: db.prepare(
                "INSERT INTO message(id, conversation, sender, ts, content, reply_to, request,
                     file_name, file_saved_as, file_size, file_upload, file_sha256)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            )?,
            // A question of its own: an INSERT from a SELECT keeps what it would need to be undone
            // alone, and cost a third more for every message.
            is_member: db.prepare(
                "SELECT EXISTS (SELECT 1 FROM member
                     WHERE conversation = ? AND user = ? AND until IS NULL)",
            )?,
            find_request: db.prepare(
                "SELECT id, conversation = ?3 AND (deleted OR (edited OR content = ?4)
                     AND reply_to IS ?5 AND file_name IS ?6 AND file_size IS ?7
                     AND (file_sha256 IS NULL OR file_sha256 = ?8))
                 FROM message WHERE sender = ?1 AND request = ?2",
            )?,
            edit: db.prepare(
                "UPDATE message SET content = ?4, edited = 1, changed = ?3
                 WHERE id = ?1 AND conversation = ?2 AND NOT deleted",
            )?,
            delete: db.prepare(
                "UPDATE message SET content = '', deleted = 1, changed = ?3
                 WHERE id = ?1 AND conversation = ?2 AND NOT deleted",
            )?,
            touch: db.prepare(
                "UPDATE message SET changed = ?3
                 WHERE id = ?1 AND conversation = ?2 AND NOT deleted",
            )?,
            react: db.prepare(
                "INSERT INTO reaction(message, user, emoji, at) VALUES (?, ?, ?, ?)
                 ON CONFLICT DO UPDATE SET emoji = excluded.emoji",
            )?,
            unreact: db.prepare("DELETE FROM reaction WHERE message = ? AND user = ?")?,
            unreact_all: db.prepare("DELETE FROM reaction WHERE message = ?")?,
            forget: db.prepare("DELETE FROM message WHERE id = ?")?,
            begin_upload: db.prepare("INSERT INTO upload VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?,
            end_upload: db.prepare("DELETE FROM upload WHERE id = ?")?,
            catalog: Catalog::new(db)?,
            groups: Groups::new(db)?,
            index: Index::new(db)?,
        })
    }

    /// The transaction stands: what it made is known from now on.
    pub(super) fn keep(&mut self) {
        self.known.extend(self.new.drain(..));
        self.index.keep_added();
    }

    /// The transaction was undone.
    pub(super) fn forget_failed(&mut self) {
        self.new.clear();
        self.index.forget_added();
    }

    /// Numbers up to this one are given, whatever becomes of the rows that have them.
    pub(super) fn save_last(&mut self, last: MsgId) -> Result<()> {
        self.save_last.execute([int(last)]).map(drop)
    }

    /// Writes one entry, which has this number if its kind has one.
    pub(super) fn apply(
        &mut self,
        batch: &Batch,
        entry: &Entry,
        msg_id: MsgId,
        ts: u64,
    ) -> Result<Outcome> {
        let user = entry.origin.user;
        match &entry.what {
            What::Message { to, conversation, content, reply_to, .. } => {
                let said = Said {
                    to: *to,
                    conversation: *conversation,
                    content: batch.text(content),
                    reply_to: *reply_to,
                    file: None,
                };
                return self.add(batch, entry, &said, msg_id, ts);
            }
            What::File { to, conversation, file } => {
                let (to, conversation) = (*to, *conversation);
                let said = Said { to, conversation, content: "", reply_to: None, file: Some(file) };
                return self.add(batch, entry, &said, msg_id, ts);
            }
            What::Changed { msg_id: of, conversation, change } => {
                if !self.change(batch, user, (*of, *conversation), change, msg_id)? {
                    return Ok(Outcome::Failed(Code::UnknownMessage));
                }
            }
            What::Upload(upload) => self.begin_upload(user, upload, msg_id, ts)?,
            What::UploadGone(id) => self.end_upload.execute([int(*id)]).map(drop)?,
            What::Forget(msg_id) => self.forget(*msg_id)?,
            What::Group { group, change } => {
                self.groups.change(user, *group, change, msg_id, ts)?;
            }
            What::Account(account) => self.catalog.account(user, account, ts)?,
            What::Credential(credential) => self.catalog.credential(user, credential, ts)?,
            What::Seen { cursor, last_seen_ms } => {
                self.catalog.seen(user, *cursor, *last_seen_ms)?;
            }
            What::Read { conversation, msg_id } => {
                self.catalog.read(user, *conversation, *msg_id)?;
            }
        }
        Ok(Outcome::Stored(msg_id))
    }

    fn add(
        &mut self,
        batch: &Batch,
        entry: &Entry,
        said: &Said<'_>,
        msg_id: MsgId,
        ts: u64,
    ) -> Result<Outcome> {
        let user = entry.origin.user;
        let conversation = said.conversation.0;
        if let Place::User(to) = said.to
            && !self.known.contains(&conversation)
            && !self.new.contains(&conversation)
        {
            self.new_pair.execute(params![conversation, user.min(to).0, user.max(to).0])?;
            self.new.push(conversation);
        }
        let request = if sabotage::is(Sabotage::DoneTwice) {
            ToSqlOutput::Owned(Value::Null)
        } else {
            request_value(batch, entry)
        };
        let reply_to = said.reply_to.map(int);
        let file_name = said.file.map(|file| file.name.as_str());
        let file_size = said.file.map(|file| int(file.size));
        let file_sha256 = said.file.map(|file| file.sha256.as_slice());
        // Who was removed meanwhile is judged here, where nothing comes between that and the message.
        let may = matches!(said.to, Place::User(_))
            || sabotage::is(Sabotage::JudgedTooEarly)
            || self.is_member.query_row([conversation, user.0], |row| row.get(0))?;
        let new = params![
            int(msg_id),
            conversation,
            user.0,
            int(ts),
            said.content,
            reply_to,
            request,
            file_name,
            said.file.map(|file| file.saved_as.as_str()),
            file_size,
            said.file.and_then(|file| file.upload).map(int),
            file_sha256,
        ];
        let added = if may { self.add.execute(new)? } else { 0 };
        if let Some(upload) = said.file.and_then(|file| file.upload) {
            self.end_upload.execute([int(upload)])?;
        }
        if added == 1 {
            self.index.added();
            return Ok(Outcome::Stored(msg_id));
        }
        let found = self
            .find_request
            .query_row(
                params![
                    user.0,
                    request,
                    conversation,
                    said.content,
                    reply_to,
                    file_name,
                    file_size,
                    file_sha256
                ],
                |row| Ok((number(row.get(0)?), row.get::<_, bool>(1)?)),
            )
            .optional()?;
        Ok(match found {
            Some((before, true)) => Outcome::Duplicate(before),
            Some((_, false)) => Outcome::Conflict,
            None if !may => Outcome::Failed(Code::NotMember),
            // A number that is taken: the table and its last number disagree.
            None => Outcome::Failed(Code::Internal),
        })
    }

    /// Changes a message, if it is there.
    fn change(
        &mut self,
        batch: &Batch,
        user: UserId,
        (of, conversation): (MsgId, ConversationId),
        change: &Changed,
        msg_id: MsgId,
    ) -> Result<bool> {
        let (id, at) = (int(of), int(msg_id));
        let which = params![id, conversation.0, at];
        match change {
            Changed::Edited(content) => {
                let content = batch.text(content);
                if self.edit.execute(params![id, conversation.0, at, content])? == 0 {
                    return Ok(false);
                }
                self.index.change(of, conversation, content)?;
            }
            Changed::Deleted => {
                if self.delete.execute(which)? == 0 {
                    return Ok(false);
                }
                self.unreact_all.execute([id])?;
                self.index.remove(of)?;
            }
            Changed::Reacted(emoji) => {
                if self.touch.execute(which)? == 0 {
                    return Ok(false);
                }
                match emoji {
                    Some(emoji) => {
                        self.react.execute(params![id, user.0, batch.text(emoji), at])?
                    }
                    None => self.unreact.execute(params![id, user.0])?,
                };
            }
        }
        Ok(true)
    }

    fn begin_upload(&mut self, user: UserId, upload: &Upload, id: MsgId, ts: u64) -> Result<()> {
        let (to_user, to_group) = match upload.to {
            Place::User(to) => (Some(to.0), None),
            Place::Group(group) => (None, Some(group.0)),
        };
        self.begin_upload
            .execute(params![
                int(id),
                user.0,
                to_user,
                to_group,
                upload.name.as_str(),
                int(upload.size),
                upload.sha256.as_slice(),
                int(ts)
            ])
            .map(drop)
    }

    fn forget(&mut self, msg_id: MsgId) -> Result<()> {
        if self.forget.execute([int(msg_id)])? == 1 {
            self.unreact_all.execute([int(msg_id)])?;
            self.index.remove(msg_id)?;
        }
        Ok(())
    }
}

/// A request's `id` as it is stored: a number and its digits are two ids.
fn request_value<'a>(batch: &'a Batch, entry: &'a Entry) -> ToSqlOutput<'a> {
    match &entry.origin.id {
        None => ToSqlOutput::Owned(Value::Null),
        Some(IdSpan::Number(number)) => ToSqlOutput::Owned(Value::Integer(*number)),
        Some(IdSpan::Text(span)) => {
            ToSqlOutput::Borrowed(ValueRef::Text(batch.text(span).as_bytes()))
        }
    }
}
