//! The index of words. It follows the messages at a distance: they are indexed in idle moments, and
//! at the latest when somebody searches.
//!
//! Each conversation is a word of its own in a column of its own, so that a search looks only where
//! the one who searches may look.

use rusqlite::{Connection, Result, Statement, params};

use super::schema::{int, number};
use crate::chat::entry::ConversationId;
use crate::wire::event::MsgId;

/// The word that stands for a conversation.
pub(super) fn place(conversation: ConversationId) -> String {
    format!("c{}", conversation.0)
}

/// The index, and how far it has come.
pub(super) struct Index<'c> {
    /// Messages up to this one are in it.
    upto: MsgId,
    /// Messages that are not.
    behind: usize,
    /// The same, written in the transaction that is under way.
    added: usize,
    unindexed: Statement<'c>,
    insert: Statement<'c>,
    remove: Statement<'c>,
    save: Statement<'c>,
}

/// How far a step has come.
#[derive(Clone, Copy)]
pub(super) struct Step {
    upto: MsgId,
    rows: usize,
    last: bool,
}

impl<'c> Index<'c> {
    pub(super) fn new(db: &'c Connection) -> Result<Self> {
        let upto: i64 =
            db.query_row("SELECT value FROM meta WHERE key = 'indexed'", [], |row| row.get(0))?;
        // Not all of them, if there are millions: a step says when nothing is left.
        let behind: i64 = db.query_row(
            "SELECT count(*) FROM (SELECT 1 FROM message WHERE id > ? LIMIT 100000)",
            [upto],
            |row| row.get(0),
        )?;
        Ok(Self {
            upto: number(upto),
            behind: usize::try_from(behind).unwrap_or(0),
            added: 0,
            unindexed: db.prepare(
                "SELECT id, conversation, deleted, content, file_name FROM message
                 WHERE id > ? ORDER BY id LIMIT ?",
            )?,
            insert: db.prepare("INSERT INTO search(rowid, text, place) VALUES (?, ?, ?)")?,
            remove: db.prepare("DELETE FROM search WHERE rowid = ?")?,
            save: db.prepare("UPDATE meta SET value = ? WHERE key = 'indexed'")?,
        })
    }

    /// How many messages are not indexed yet, at least one if there are any.
    pub(super) fn behind(&self) -> usize {
        self.behind
    }

    /// A message was written.
    pub(super) fn added(&mut self) {
        self.added += 1;
    }

    pub(super) fn keep_added(&mut self) {
        self.behind += std::mem::take(&mut self.added);
    }

    pub(super) fn forget_added(&mut self) {
        self.added = 0;
    }

    /// Indexes the next messages, of which there are none after `last`.
    pub(super) fn step(&mut self, rows_max: usize, last: MsgId) -> Result<Step> {
        let mut step = Step { upto: self.upto, rows: 0, last: false };
        let mut rows =
            self.unindexed.query(params![int(self.upto), i64::try_from(rows_max).unwrap_or(1)])?;
        while let Some(row) = rows.next()? {
            step.rows += 1;
            let id: i64 = row.get(0)?;
            step.upto = number(id);
            if row.get::<_, bool>(2)? {
                continue;
            }
            let content = row.get_ref(3)?.as_str().unwrap_or("");
            let name = row.get_ref(4)?.as_str().unwrap_or("");
            let text = if content.is_empty() { name } else { content };
            self.insert.execute(params![id, text, place(ConversationId(row.get(1)?))])?;
        }
        if step.rows < rows_max {
            step.upto = last;
            step.last = true;
        }
        self.save.execute([int(step.upto)])?;
        Ok(step)
    }

    /// A step is stored.
    pub(super) fn keep(&mut self, step: Step) {
        self.upto = step.upto;
        let left = self.behind.saturating_sub(step.rows);
        self.behind = if step.last { 0 } else { left.max(1) };
    }

    /// A message says something else.
    pub(super) fn change(
        &mut self,
        msg_id: MsgId,
        conversation: ConversationId,
        text: &str,
    ) -> Result<()> {
        // What is not in it yet comes in as it will be then.
        if msg_id > self.upto {
            return Ok(());
        }
        self.remove.execute([int(msg_id)])?;
        self.insert.execute(params![int(msg_id), text, place(conversation)]).map(drop)
    }

    /// A message says nothing any more.
    pub(super) fn remove(&mut self, msg_id: MsgId) -> Result<()> {
        if msg_id <= self.upto {
            self.remove.execute([int(msg_id)])?;
        }
        Ok(())
    }
}
