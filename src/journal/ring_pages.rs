//! Questions to the newest messages, answered at once. The one thread of the server looks at each
//! message at most once for that, and there are not many.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::ring::{Ring, Slot};
use super::rows::weight;
use super::search::{by_conversation, words_of};
use crate::chat::UserId;
use crate::chat::query::{Fetched, Item, Query, Row, Scope};
use crate::limits::{
    MISSED_PAGE_ITEMS_MAX, PAGE_MESSAGES_MAX, RING_SEARCH_MESSAGES_MAX, STORED_PAGE_BYTES_MAX,
    UNREAD_COUNTED_MAX, UNREAD_ROWS_READ_MAX,
};
use crate::wire::event::MsgId;
use crate::wire::request::PageAt;

/// A page of bounded size.
struct Page<T> {
    items: Vec<T>,
    bytes: usize,
    items_max: usize,
    more: bool,
}

impl<T> Page<T> {
    fn new(items_max: usize) -> Self {
        Self { items: Vec::new(), bytes: 0, items_max, more: false }
    }

    /// Adds what still fits; what does not ends the page.
    fn push(&mut self, row: Row, item: impl FnOnce(Row) -> T) -> bool {
        self.bytes += weight(&row);
        let over = !self.items.is_empty() && self.bytes > STORED_PAGE_BYTES_MAX;
        self.more = over || self.items.len() >= self.items_max;
        if !self.more {
            self.items.push(item(row));
        }
        !self.more
    }
}

impl Ring {
    /// Answers a question.
    pub(super) fn answer(&self, query: &Query) -> Fetched {
        match query {
            Query::Missed { user, scopes, own, changes_upto, inline_files: _ } => {
                let user = (!own).then_some(*user);
                self.missed(scopes, user, *changes_upto)
            }
            Query::History { scope, at, limit } => self.history(scope, *at, *limit),
            Query::Search { words, scopes, limit } => self.search(words, scopes, *limit),
            Query::Conversations { user, scopes } => self.conversations(*user, scopes),
            Query::Message(msg_id) => {
                let found = self.find(*msg_id).filter(|slot| !slot.gone);
                let rows = found.map(|slot| self.row(slot)).into_iter().collect();
                Fetched::Rows { rows, more: false }
            }
            Query::File(file_id) => {
                let found = self.find_file(*file_id).filter(|slot| !slot.gone);
                let rows = found.map(|slot| self.row(slot)).into_iter().collect();
                Fetched::Rows { rows, more: false }
            }
        }
    }

    /// `without`: what this user wrote is left out.
    fn missed(
        &self,
        scopes: &[Scope],
        without: Option<UserId>,
        changes_upto: Option<MsgId>,
    ) -> Fetched {
        let mut page = Page::new(MISSED_PAGE_ITEMS_MAX);
        let within = by_conversation(scopes);
        let begins = scopes.iter().map(|scope| scope.after.max(scope.joined));
        let Some(begin) = begins.min() else {
            return Fetched::Missed { items: page.items, more: false };
        };
        let open = |slot: &Slot, at: MsgId| {
            within.get(&slot.conversation).is_some_and(|scopes| {
                scopes
                    .iter()
                    .any(|scope| scope.joined < slot.msg_id && scope.after < at && at <= scope.upto)
            })
        };
        let first = self.slots.partition_point(|slot| slot.msg_id <= begin);
        let mut messages = self
            .slots
            .range(first..)
            .filter(|slot| !slot.gone && Some(slot.sender) != without)
            .filter(|slot| !slot.deleted || changes_upto.is_some())
            .filter(|slot| open(slot, slot.msg_id))
            .map(|slot| (slot.msg_id, slot, false))
            .peekable();
        let known = changes_upto.unwrap_or(0);
        let mut changes = self
            .changes
            .range(begin + 1..)
            .filter(|(_, msg_id)| **msg_id <= known)
            .filter_map(|(at, msg_id)| Some((*at, self.find(*msg_id)?, true)))
            .filter(|(at, slot, _)| open(slot, *at))
            .peekable();
        loop {
            let change_first = match (messages.peek(), changes.peek()) {
                (Some((message, ..)), Some((change, ..))) => change < message,
                (message, _) => message.is_none(),
            };
            let next = if change_first { changes.next() } else { messages.next() };
            let Some((position, slot, change)) = next else { break };
            if !page.push(self.row(slot), |row| Item { position, row, change }) {
                break;
            }
        }
        Fetched::Missed { items: page.items, more: page.more }
    }

    fn history(&self, scope: &Scope, at: PageAt, limit: usize) -> Fetched {
        let mut page = Page::new(limit.min(PAGE_MESSAGES_MAX));
        let (from, upto) = match at {
            PageAt::Newest => (scope.joined, scope.upto),
            PageAt::Before(msg_id) => (scope.joined, scope.upto.min(msg_id.saturating_sub(1))),
            PageAt::After(msg_id) => (scope.joined.max(msg_id), scope.upto),
        };
        let chain = self.chain(scope.conversation);
        let found = chain.skip_while(|slot| slot.msg_id > upto).take_while(|s| s.msg_id > from);
        if matches!(at, PageAt::After(_)) {
            let all: Vec<&Slot> = found.collect();
            let _ = all.iter().rev().all(|slot| page.push(self.row(slot), |row| row));
        } else {
            let _ = { found }.all(|slot| page.push(self.row(slot), |row| row));
            page.items.reverse();
        }
        Fetched::Rows { rows: page.items, more: page.more }
    }

    fn conversations(&self, user: UserId, scopes: &[Scope]) -> Fetched {
        let mut left = UNREAD_ROWS_READ_MAX;
        let answer = scopes.iter().map(|scope| {
            let chain = self.chain(scope.conversation);
            let shown = chain.skip_while(|slot| slot.msg_id > scope.upto);
            let mut shown = shown.take_while(|slot| slot.msg_id > scope.joined).peekable();
            let newest = shown.peek().map(|slot| self.row(slot));
            let mut unread = 0;
            for slot in shown.take_while(|slot| slot.msg_id > scope.after) {
                if unread == UNREAD_COUNTED_MAX || left == 0 {
                    break;
                }
                left -= 1;
                unread += u64::from(slot.sender != user);
            }
            (newest, unread)
        });
        Fetched::Conversations(answer.collect())
    }

    fn search(&self, words: &str, scopes: &[Scope], limit: usize) -> Fetched {
        let mut page = Page::new(limit.min(PAGE_MESSAGES_MAX));
        let words: Vec<Vec<String>> = words_of(words).into_iter().map(tokens).collect();
        let within = by_conversation(scopes);
        let newest = self.slots.iter().rev().take(RING_SEARCH_MESSAGES_MAX);
        for slot in newest.filter(|slot| !slot.gone && !slot.deleted) {
            let may_see = within.get(&slot.conversation).is_some_and(|scopes| {
                scopes.iter().any(|s| s.joined < slot.msg_id && slot.msg_id <= s.upto)
            });
            if !may_see || words.is_empty() {
                continue;
            }
            let content = self.content(slot);
            let text =
                if content.is_empty() { Ring::file_name(slot).unwrap_or("") } else { content };
            if has_all(&tokens(text), &words) && !page.push(self.row(slot), |row| row) {
                break;
            }
        }
        Fetched::Rows { rows: page.items, more: page.more }
    }
}

/// The words of a text, without case and accents, as the store on disk knows them.
fn tokens(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let folded = text.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    for c in folded {
        match words.last_mut() {
            Some(word) if c.is_alphanumeric() => word.push(c),
            Some(word) if word.is_empty() => {}
            _ => words.push(String::new()),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a text has every word, and something that begins as the last one. What a person typed
/// without a blank in it may be several words, which stand together then.
fn has_all(text: &[String], words: &[Vec<String>]) -> bool {
    words.iter().enumerate().all(|(at, phrase)| {
        let is_last = at + 1 == words.len();
        text.windows(phrase.len().max(1)).any(|run| {
            let mut pairs = run.iter().zip(phrase).enumerate();
            pairs.all(|(word, (has, wanted))| {
                has == wanted
                    || is_last && word + 1 == phrase.len() && has.starts_with(wanted.as_str())
            })
        })
    })
}
