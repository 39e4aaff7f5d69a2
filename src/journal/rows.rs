//! Rows of the store become messages again.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Result, Statement, params};

use super::schema::{int, number};
use crate::chat::UserId;
use crate::chat::entry::ConversationId;
use crate::chat::query::{FileRow, Row};
use crate::limits::FRAME_BYTES_MAX;
use crate::wire::Text;
use crate::wire::event::MsgId;
use crate::wire::request::RequestId;

/// The folder of files, inside the data folder.
const FILES: &str = "server_files";

/// What [`read`] reads, in its order.
pub(super) const COLUMNS: &str = "id, conversation, sender, ts, content, reply_to, request, \
     edited, deleted, changed, file_name, file_saved_as, file_size, file_sha256, file_upload";

/// Reads single messages, and what else is known of them.
pub(super) struct Rows<'c> {
    one: Statement<'c>,
    file: Statement<'c>,
    before: Statement<'c>,
    reactions: Statement<'c>,
    files: PathBuf,
}

/// A message without its surroundings.
pub(super) struct Bare {
    pub(super) row: Row,
    /// Only a message that was changed has reactions.
    changed: bool,
}

/// Reads the columns of [`COLUMNS`].
pub(super) fn read(row: &rusqlite::Row<'_>) -> Result<Bare> {
    let deleted: bool = row.get(8)?;
    let file: Option<String> = row.get(10)?;
    let file = match file {
        Some(name) if !deleted => {
            let upload: Option<i64> = row.get(14)?;
            Some(FileRow {
                name,
                saved_as: row.get(11)?,
                size: number(row.get(12)?),
                sha256: row.get(13)?,
                file_id: number(upload.map_or_else(|| row.get(0), Ok)?),
                data: None,
            })
        }
        _ => None,
    };
    let request = match row.get_ref(6)? {
        ValueRef::Integer(number) => Some(RequestId::Number(number)),
        ValueRef::Text(text) => {
            Some(RequestId::Text(Text::from(String::from_utf8_lossy(text).into_owned())))
        }
        _ => None,
    };
    let changed = !matches!(row.get_ref(9)?, ValueRef::Null);
    let row = Row {
        msg_id: number(row.get(0)?),
        prev: 0,
        conversation: ConversationId(row.get(1)?),
        sender: UserId(row.get(2)?),
        ts: number(row.get(3)?),
        content: row.get(4)?,
        reply_to: row.get::<_, Option<i64>>(5)?.map(number),
        request,
        file,
        edited: row.get(7)?,
        deleted,
        reactions: Vec::new(),
    };
    Ok(Bare { row, changed })
}

/// What a message takes of a page.
pub(super) fn weight(row: &Row) -> usize {
    let reactions: usize = row.reactions.iter().map(|(_, emoji)| emoji.len()).sum();
    let data = row.file.as_ref().and_then(|file| file.data.as_ref()).map_or(0, String::len);
    row.content.len() + reactions + data
}

impl<'c> Rows<'c> {
    pub(super) fn new(db: &'c Connection, data: &Path) -> Result<Self> {
        Ok(Self {
            one: db.prepare(&format!("SELECT {COLUMNS} FROM message WHERE id = ?"))?,
            file: db.prepare(
                "SELECT id FROM message WHERE file_upload = ?1
                 UNION ALL SELECT id FROM message
                     WHERE id = ?1 AND file_name IS NOT NULL AND file_upload IS NULL
                 LIMIT 1",
            )?,
            before: db.prepare(
                "SELECT id FROM message INDEXED BY message_place
                 WHERE conversation = ? AND id < ? ORDER BY id DESC LIMIT 1",
            )?,
            reactions: db
                .prepare("SELECT user, emoji FROM reaction WHERE message = ? ORDER BY at")?,
            files: data.join(FILES),
        })
    }

    /// One message, without `prev`.
    pub(super) fn get(&mut self, msg_id: MsgId) -> Result<Option<Row>> {
        match self.one.query_row([int(msg_id)], read).optional()? {
            Some(bare) => self.complete(bare).map(Some),
            None => Ok(None),
        }
    }

    /// The message of a file.
    pub(super) fn of_file(&mut self, file_id: u64) -> Result<Option<MsgId>> {
        Ok(self.file.query_row([int(file_id)], |row| row.get(0)).optional()?.map(number))
    }

    /// The number before this one in its conversation, 0 for the first.
    pub(super) fn prev(&mut self, conversation: ConversationId, msg_id: MsgId) -> Result<MsgId> {
        let before = self.before.query_row(params![conversation.0, int(msg_id)], |row| row.get(0));
        Ok(number(before.optional()?.unwrap_or(0)))
    }

    /// Adds the reactions.
    pub(super) fn complete(&mut self, bare: Bare) -> Result<Row> {
        let Bare { mut row, changed } = bare;
        if changed && !row.deleted {
            let mut reactions = self.reactions.query([int(row.msg_id)])?;
            while let Some(reaction) = reactions.next()? {
                row.reactions.push((UserId(reaction.get(0)?), reaction.get(1)?));
            }
        }
        Ok(row)
    }

    /// A file's bytes in base64. `None` for one that is gone or too large for a frame. An empty file
    /// stands where the bytes of another were removed.
    pub(super) fn file_data(&self, file: &FileRow) -> Option<String> {
        // The name comes from the store, which may be anybody's: it stays inside the folder.
        let name = Path::new(&file.saved_as);
        if name.file_name() != Some(name.as_os_str()) {
            return None;
        }
        let bytes_max = (FRAME_BYTES_MAX - 64 * 1024) / 4 * 3;
        let kept = File::open(self.files.join(name)).ok()?;
        let mut bytes = Vec::new();
        kept.take(bytes_max as u64 + 1).read_to_end(&mut bytes).ok()?;
        let gone = bytes.is_empty() && file.size > 0;
        (!gone && bytes.len() <= bytes_max).then(|| STANDARD.encode(bytes))
    }
}
