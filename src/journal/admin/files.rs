//! The files that a store knows of, for whoever runs the server.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::{Store, StoreError, open};
use crate::chat::UserId;
use crate::chat::entry::ConversationId;
use crate::journal::schema::{int, number};
use crate::wire::event::MsgId;

/// Files in one page of a list.
const PAGE_FILES: u32 = 512;

/// A file that came with a message.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The number of its message.
    pub msg_id: MsgId,
    /// Milliseconds since 1970.
    pub ts: u64,
    /// Who sent it.
    pub sender: UserId,
    /// To whom.
    pub to: Recipient,
    /// Its safe name.
    pub name: String,
    /// Its name in the folder of files; comes from a store that may be anybody's.
    pub saved_as: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its hash, which files of an early store do not have.
    pub sha256: Option<[u8; 32]>,
    /// Its message was deleted.
    pub deleted: bool,
    /// Its bytes were removed at this moment.
    pub pruned_ms: Option<u64>,
}

/// Who got a file.
#[derive(Clone, Debug)]
pub enum Recipient {
    /// The other side of a private conversation.
    User(UserId),
    /// A group of this name.
    Group(String),
}

/// Which files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// Those that this user sent.
    From(UserId),
    /// Those of this conversation.
    In(ConversationId),
}

impl Store {
    /// The next files before a message's number, newest first; none at the end.
    pub fn files(&self, which: Which, before: MsgId) -> Result<Vec<Stored>, StoreError> {
        // In the order of the table: it ends as soon as there are enough of them.
        let mut found = self.db.prepare(
            "SELECT m.id, ts, sender, c.name, iif(m.sender = c.a, c.b, c.a), file_name,
                 file_saved_as, file_size, file_sha256, m.deleted, file_pruned
             FROM message m NOT INDEXED LEFT JOIN conversation c ON c.id = m.conversation
             WHERE m.id < ?1 AND file_name IS NOT NULL
                 AND (?2 IS NULL OR sender = ?2) AND (?3 IS NULL OR conversation = ?3)
             ORDER BY m.id DESC LIMIT ?4",
        )?;
        let (sender, conversation) = match which {
            Which::All => (None, None),
            Which::From(user) => (Some(user.0), None),
            Which::In(conversation) => (None, Some(conversation.0)),
        };
        let which = params![int(before), sender, conversation, PAGE_FILES];
        let files = found.query_map(which, |row| {
            let group: Option<String> = row.get(3)?;
            let other: Option<u32> = row.get(4)?;
            Ok(Stored {
                msg_id: number(row.get(0)?),
                ts: number(row.get(1)?),
                sender: UserId(row.get(2)?),
                to: group
                    .map_or(Recipient::User(UserId(other.unwrap_or_default())), Recipient::Group),
                name: row.get(5)?,
                saved_as: row.get::<_, Option<String>>(6)?.unwrap_or_default(),
                size: number(row.get::<_, Option<i64>>(7)?.unwrap_or_default()),
                sha256: row.get(8)?,
                deleted: row.get(9)?,
                pruned_ms: row.get::<_, Option<i64>>(10)?.map(number),
            })
        })?;
        Ok(files.collect::<rusqlite::Result<_>>()?)
    }

    /// The names in the folder of files that some message has.
    pub fn file_names(&self) -> Result<HashSet<String>, StoreError> {
        let mut found = self.db.prepare(
            "SELECT file_saved_as FROM message
             WHERE file_name IS NOT NULL AND file_saved_as IS NOT NULL",
        )?;
        let names = found.query_map([], |row| row.get(0))?;
        Ok(names.collect::<rusqlite::Result<_>>()?)
    }

    /// Whether the bytes of a message's file were removed.
    pub fn is_pruned(&self, msg_id: MsgId) -> Result<bool, StoreError> {
        let sql = "SELECT file_pruned IS NOT NULL FROM message WHERE id = ?";
        let found = self.db.query_row(sql, [int(msg_id)], |row| row.get(0));
        Ok(found.optional()?.unwrap_or(false))
    }

    /// How many uploads are under way or were left, and their bytes when they are whole.
    pub fn uploads(&self) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT count(*), ifnull(sum(size), 0) FROM upload";
        let found =
            self.db.query_row(sql, [], |row| Ok((number(row.get(0)?), number(row.get(1)?))));
        Ok(found?)
    }
}

/// Notes that the bytes of these messages' files were removed. A server may have the store open: it
/// waits for this one short transaction as this waits for its own.
pub fn mark_pruned(data: &Path, files: &[MsgId], wall_ms: u64) -> Result<(), StoreError> {
    let (mut db, _) = open(&Store::path(data))?;
    // When the log is moved into the file is the server's to say.
    db.execute_batch("PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = FULL")?;
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut mark = change.prepare("UPDATE message SET file_pruned = ? WHERE id = ?")?;
        for msg_id in files {
            mark.execute([int(wall_ms), int(*msg_id)])?;
        }
    }
    change.commit()?;
    Ok(())
}
