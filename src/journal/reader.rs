//! The threads that read, each with a connection of its own, and the questions about a single place
//! in the store. Each question sees one state of the store, whatever is written meanwhile.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, SyncSender};

use rusqlite::{Connection, Result, Statement, params};

use super::missed::Missed;
use super::rows::{COLUMNS, Rows, read, weight};
use super::schema::{self, int};
use super::search::Search;
use super::writer::Job;
use crate::chat::UserId;
use crate::chat::query::{Fetched, Query, Row, Scope, Ticket};
use crate::limits::{
    PAGE_MESSAGES_MAX, STORED_PAGE_BYTES_MAX, UNREAD_COUNTED_MAX, UNREAD_ROWS_READ_MAX,
};
use crate::wire::event::MsgId;
use crate::wire::request::PageAt;

/// A question on its way to a reader.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) ticket: Ticket,
    pub(super) query: Query,
}

/// The thread's whole life. With `jobs` it may ask the writer to index what there is.
pub(super) fn run(
    data: &Path,
    questions: &Receiver<Question>,
    jobs: Option<&Sender<Job>>,
    answers: &SyncSender<(Ticket, Fetched)>,
    wake: &(dyn Fn() + Send + Sync),
) {
    while let Ok(Question { ticket, query }) = questions.recv() {
        let db = schema::open_reader(data);
        let pages = db.as_ref().ok().and_then(|db| Pages::new(db, data).ok());
        let Some(mut pages) = pages else {
            // What stood in the way may be gone at the next question.
            if answers.send((ticket, Fetched::Failed)).is_err() {
                return;
            }
            wake();
            continue;
        };
        let mut next = Some(Question { ticket, query });
        while let Some(Question { ticket, query }) = next {
            let answer = pages.answer(&query, jobs).unwrap_or(Fetched::Failed);
            if answers.send((ticket, answer)).is_err() {
                return;
            }
            wake();
            next = questions.recv().ok();
        }
    }
}

/// A connection that reads, with its statements.
pub(super) struct Pages<'c> {
    db: &'c Connection,
    rows: Rows<'c>,
    missed: Missed<'c>,
    search: Search<'c>,
    newer: Statement<'c>,
    older: Statement<'c>,
    unread: Statement<'c>,
}

impl<'c> Pages<'c> {
    pub(super) fn new(db: &'c Connection, data: &Path) -> Result<Self> {
        let page = |order: &str| {
            db.prepare(&format!(
                "SELECT {COLUMNS} FROM message INDEXED BY message_place
                 WHERE conversation = ? AND id > ? AND id <= ? ORDER BY id {order} LIMIT ?"
            ))
        };
        Ok(Self {
            db,
            rows: Rows::new(db, data)?,
            missed: Missed::new(db)?,
            search: Search::new(db)?,
            newer: page("ASC")?,
            older: page("DESC")?,
            unread: db.prepare(
                "SELECT sender FROM message INDEXED BY message_place
                 WHERE conversation = ? AND id > ? AND id <= ? ORDER BY id DESC",
            )?,
        })
    }

    fn answer(&mut self, query: &Query, jobs: Option<&Sender<Job>>) -> Result<Fetched> {
        if let (Query::Search { .. }, Some(jobs)) = (query, jobs) {
            Search::catch_up(jobs);
        }
        let snapshot = self.db.unchecked_transaction()?;
        let answer = match query {
            Query::Missed { .. } => self.missed.page(&mut self.rows, query)?,
            Query::Search { words, scopes, limit } => {
                self.search.page(&mut self.rows, words, scopes, *limit)?
            }
            Query::History { scope, at, limit } => self.history(scope, *at, *limit)?,
            Query::Conversations { user, scopes } => self.conversations(*user, scopes)?,
            Query::Message(msg_id) => self.message(*msg_id)?,
            Query::File(file_id) => match self.rows.of_file(*file_id)? {
                Some(msg_id) => self.message(msg_id)?,
                None => Fetched::Rows { rows: Vec::new(), more: false },
            },
        };
        snapshot.finish()?;
        Ok(answer)
    }

    fn message(&mut self, msg_id: MsgId) -> Result<Fetched> {
        let mut found = self.rows.get(msg_id)?;
        if let Some(row) = &mut found {
            row.prev = self.rows.prev(row.conversation, row.msg_id)?;
        }
        Ok(Fetched::Rows { rows: found.into_iter().collect(), more: false })
    }

    fn history(&mut self, scope: &Scope, at: PageAt, limit: usize) -> Result<Fetched> {
        let (mut from, mut upto) = (scope.joined, scope.upto);
        let page = match at {
            PageAt::Newest => &mut self.older,
            PageAt::Before(msg_id) => {
                upto = upto.min(msg_id.saturating_sub(1));
                &mut self.older
            }
            PageAt::After(msg_id) => {
                from = from.max(msg_id);
                &mut self.newer
            }
        };
        let limit = limit.min(PAGE_MESSAGES_MAX);
        let bounds = params![scope.conversation.0, int(from), int(upto), int(limit as u64 + 1)];
        let mut found = page.query(bounds)?;
        let (mut rows, mut bytes, mut more) = (Vec::new(), 0, false);
        while let Some(next) = found.next()? {
            let row = self.rows.complete(read(next)?)?;
            bytes += weight(&row);
            if rows.len() == limit || !rows.is_empty() && bytes > STORED_PAGE_BYTES_MAX {
                more = true;
                break;
            }
            rows.push(row);
        }
        drop(found);
        if !matches!(at, PageAt::After(_)) {
            rows.reverse();
        }
        self.link(&mut rows)?;
        Ok(Fetched::Rows { rows, more })
    }

    /// Tells each message of a run in one conversation which one is before it.
    fn link(&mut self, rows: &mut [Row]) -> Result<()> {
        let Some(first) = rows.first() else { return Ok(()) };
        let mut prev = self.rows.prev(first.conversation, first.msg_id)?;
        for row in rows {
            row.prev = std::mem::replace(&mut prev, row.msg_id);
        }
        Ok(())
    }

    fn conversations(&mut self, user: UserId, scopes: &[Scope]) -> Result<Fetched> {
        let mut left = UNREAD_ROWS_READ_MAX;
        let mut found = Vec::with_capacity(scopes.len());
        for scope in scopes {
            let (conversation, upto) = (scope.conversation.0, int(scope.upto));
            let from = int(scope.joined);
            let newest = self
                .older
                .query_map(params![conversation, from, upto, 1], read)?
                .next()
                .transpose()?;
            let newest = match newest {
                Some(bare) => {
                    let mut row = self.rows.complete(bare)?;
                    row.prev = self.rows.prev(row.conversation, row.msg_id)?;
                    Some(row)
                }
                None => None,
            };
            let from = int(scope.after.max(scope.joined));
            let mut unread = 0;
            let mut senders = self.unread.query(params![conversation, from, upto])?;
            while unread < UNREAD_COUNTED_MAX && left > 0 {
                let Some(row) = senders.next()? else { break };
                left -= 1;
                unread += u64::from(row.get::<_, u32>(0)? != user.0);
            }
            found.push((newest, unread));
        }
        Ok(Fetched::Conversations(found))
    }
}
