//! What somebody missed: the messages of many conversations as one sequence, page by page.
//!
//! Each conversation has its messages in order already, by its index, so a page is a merge: only
//! the next few numbers of each are read, and only the messages that go into the page.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use rusqlite::{Connection, Result, Statement, params};

use super::rows::{Rows, weight};
use super::schema::{int, number};
use crate::chat::query::{Fetched, Item, Query, Scope};
use crate::limits::{MISSED_PAGE_ITEMS_MAX, STORED_PAGE_BYTES_MAX};
use crate::wire::event::MsgId;

/// Numbers read from one source at a time, at first and at most: with a thousand conversations most
/// have nothing, with one it has the whole page.
const FIRST_NUMBERS: usize = 4;
const NUMBERS: usize = 64;

/// Messages looked at after a page is full, to know whether there are more: a run of the user's own
/// is not read to its end for that.
const LOOK_AHEAD: usize = 256;

/// Statements about what was missed.
pub(super) struct Missed<'c> {
    messages: Statement<'c>,
    changes: Statement<'c>,
}

/// A sequence to merge: new messages of one scope, or changes of known ones.
struct Source<'q> {
    scope: &'q Scope,
    /// Changes are told of messages up to this one. `None`: the source has messages.
    changes_of: Option<MsgId>,
    /// Position and message.
    next: VecDeque<(MsgId, MsgId)>,
    /// The last position read, and the last message handed out.
    at: MsgId,
    prev: Option<MsgId>,
    chunk: usize,
    ended: bool,
}

impl<'c> Missed<'c> {
    pub(super) fn new(db: &'c Connection) -> Result<Self> {
        Ok(Self {
            messages: db.prepare(
                "SELECT id, id FROM message INDEXED BY message_place
                 WHERE conversation = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?",
            )?,
            changes: db.prepare(
                "SELECT changed, id FROM message INDEXED BY message_changed
                 WHERE conversation = ? AND changed > ? AND changed <= ? AND id > ? AND id <= ?
                 ORDER BY changed LIMIT ?",
            )?,
        })
    }

    /// Answers [`Query::Missed`].
    pub(super) fn page(&mut self, rows: &mut Rows<'_>, query: &Query) -> Result<Fetched> {
        let Query::Missed { user, scopes, own, changes_upto, inline_files } = query else {
            return Ok(Fetched::Failed);
        };
        let (mut sources, mut heap) = self.sources(scopes, *changes_upto)?;
        let (mut items, mut bytes, mut more) = (Vec::new(), 0, false);
        let mut looked_ahead = 0;
        while let Some(Reverse((position, at))) = heap.pop() {
            let source = &mut sources[at];
            let Some((_, msg_id)) = source.next.pop_front() else { continue };
            let prev = source.prev.replace(msg_id);
            if let Some(next) = self.peek(source)? {
                heap.push(Reverse((next, at)));
            }
            let change = source.changes_of.is_some();
            let found = rows.get(msg_id)?.filter(|row| {
                change || (*own || row.sender != *user) && (changes_upto.is_some() || !row.deleted)
            });
            let full = items.len() >= MISSED_PAGE_ITEMS_MAX;
            let Some(mut row) = found else {
                looked_ahead += usize::from(full);
                if looked_ahead > LOOK_AHEAD {
                    more = true;
                    break;
                }
                continue;
            };
            bytes += weight(&row);
            let data = row.file.as_ref().filter(|_| *inline_files);
            bytes +=
                data.map_or(0, |file| usize::try_from(file.size / 3 * 4).unwrap_or(usize::MAX / 2));
            if full || !items.is_empty() && bytes > STORED_PAGE_BYTES_MAX {
                more = true;
                break;
            }
            row.prev = match prev {
                Some(prev) if !change => prev,
                _ => rows.prev(row.conversation, msg_id)?,
            };
            if let Some(file) = row.file.as_mut().filter(|_| *inline_files) {
                file.data = rows.file_data(file);
            }
            items.push(Item { position, row, change });
        }
        Ok(Fetched::Missed { items, more })
    }

    /// The sequences that have something, and their first positions.
    #[expect(clippy::type_complexity, reason = "a heap of (position, source)")]
    fn sources<'q>(
        &mut self,
        scopes: &'q [Scope],
        changes_upto: Option<MsgId>,
    ) -> Result<(Vec<Source<'q>>, BinaryHeap<Reverse<(MsgId, usize)>>)> {
        let mut sources = Vec::new();
        let mut heap = BinaryHeap::new();
        let kinds = [Some(None), changes_upto.map(Some)];
        for scope in scopes {
            for changes_of in kinds.into_iter().flatten() {
                let mut source = Source::new(scope, changes_of);
                if let Some(first) = self.peek(&mut source)? {
                    heap.push(Reverse((first, sources.len())));
                    sources.push(source);
                }
            }
        }
        Ok((sources, heap))
    }

    /// The next position of a source, which is read as needed.
    fn peek(&mut self, source: &mut Source<'_>) -> Result<Option<MsgId>> {
        if source.next.is_empty() && !source.ended {
            let Scope { conversation, joined, upto, .. } = *source.scope;
            let (at, upto, limit) = (int(source.at), int(upto), int(source.chunk as u64));
            let mut found = match source.changes_of {
                None => self.messages.query(params![conversation.0, at, upto, limit])?,
                Some(known) => self.changes.query(params![
                    conversation.0,
                    at,
                    upto,
                    int(joined),
                    int(known),
                    limit
                ])?,
            };
            while let Some(row) = found.next()? {
                source.at = number(row.get(0)?);
                source.next.push_back((source.at, number(row.get(1)?)));
            }
            source.ended = source.next.len() < source.chunk;
            source.chunk = NUMBERS;
        }
        Ok(source.next.front().map(|(position, _)| *position))
    }
}

impl<'q> Source<'q> {
    fn new(scope: &'q Scope, changes_of: Option<MsgId>) -> Self {
        Self {
            scope,
            changes_of,
            next: VecDeque::new(),
            at: scope.after.max(scope.joined),
            prev: None,
            chunk: FIRST_NUMBERS,
            ended: false,
        }
    }
}
