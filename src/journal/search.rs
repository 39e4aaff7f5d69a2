//! Search by words: every word must be there, the last one need only begin so.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use foldhash::fast::RandomState;
use rusqlite::{Connection, Result, Statement, params};

use super::index::place;
use super::rows::{Rows, weight};
use super::schema::{int, number};
use super::writer::Job;
use crate::chat::entry::ConversationId;
use crate::chat::query::{Fetched, Row, Scope};
use crate::limits::{
    PAGE_MESSAGES_MAX, SEARCH_CATCH_UP_MS_MAX, SEARCH_ROWS_READ_MAX, SEARCH_WORDS_MAX,
    STORED_PAGE_BYTES_MAX,
};

/// The statement that searches.
pub(super) struct Search<'c> {
    find: Statement<'c>,
}

impl<'c> Search<'c> {
    pub(super) fn new(db: &'c Connection) -> Result<Self> {
        let find = db.prepare(
            "SELECT rowid FROM search WHERE search MATCH ? AND rowid > ? AND rowid <= ?
             ORDER BY rowid DESC",
        )?;
        Ok(Self { find })
    }

    /// Waits until what is stored by now is indexed, though not for ever.
    pub(super) fn catch_up(jobs: &Sender<Job>) {
        let (done, is_done) = mpsc::channel();
        if jobs.send(Job::CatchUp(done)).is_ok() {
            let _ = is_done.recv_timeout(Duration::from_millis(SEARCH_CATCH_UP_MS_MAX));
        }
    }

    /// The newest messages that have all the words, newest first.
    pub(super) fn page(
        &mut self,
        rows: &mut Rows<'_>,
        words: &str,
        scopes: &[Scope],
        limit: usize,
    ) -> Result<Fetched> {
        let limit = limit.min(PAGE_MESSAGES_MAX);
        let (mut found, mut bytes, mut more) = (Vec::new(), 0, false);
        let within = by_conversation(scopes);
        let words = words_of(words);
        if words.is_empty() || within.is_empty() {
            return Ok(Fetched::Rows { rows: found, more });
        }
        let from = scopes.iter().map(|scope| scope.joined).min().unwrap_or(0);
        let upto = scopes.iter().map(|scope| scope.upto).max().unwrap_or(0);
        let expression = expression(&words, within.keys().copied());
        let mut matches = self.find.query(params![expression, int(from), int(upto)])?;
        let mut looked_at = 0;
        while let Some(next) = matches.next()? {
            looked_at += 1;
            if looked_at > SEARCH_ROWS_READ_MAX {
                more = true;
                break;
            }
            let Some(mut row) = rows.get(number(next.get(0)?))? else { continue };
            if row.deleted || !may_see(&within, &row) {
                continue;
            }
            bytes += weight(&row);
            if found.len() == limit || !found.is_empty() && bytes > STORED_PAGE_BYTES_MAX {
                more = true;
                break;
            }
            row.prev = rows.prev(row.conversation, row.msg_id)?;
            found.push(row);
        }
        Ok(Fetched::Rows { rows: found, more })
    }
}

/// The stretches of each conversation that may be shown.
pub(super) type Within<'s> = HashMap<ConversationId, Vec<&'s Scope>, RandomState>;

/// Sorts scopes by their conversation.
pub(super) fn by_conversation(scopes: &[Scope]) -> Within<'_> {
    let mut within = Within::default();
    for scope in scopes.iter().filter(|scope| scope.joined < scope.upto) {
        within.entry(scope.conversation).or_default().push(scope);
    }
    within
}

/// Whether a message lies in one of its conversation's stretches.
fn may_see(within: &Within<'_>, row: &Row) -> bool {
    within.get(&row.conversation).is_some_and(|scopes| {
        scopes.iter().any(|scope| scope.joined < row.msg_id && row.msg_id <= scope.upto)
    })
}

/// What can be looked for in what somebody typed.
pub(super) fn words_of(typed: &str) -> Vec<&str> {
    typed
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .take(SEARCH_WORDS_MAX)
        .collect()
}

/// The words in the index's own language. Between quotes nothing means anything else than itself.
fn expression(words: &[&str], conversations: impl Iterator<Item = ConversationId>) -> String {
    let mut out = String::from("text : (");
    for word in words {
        let _ = write!(out, "\"{}\" ", word.replace('"', " "));
    }
    out.push_str("*) AND place : (");
    for (at, conversation) in conversations.enumerate() {
        let or = if at == 0 { "" } else { " OR " };
        let _ = write!(out, "{or}{}", place(conversation));
    }
    out.push(')');
    out
}
