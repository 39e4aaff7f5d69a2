//! A run of the journal on a simulated disk: entries as dice fall, and what has been said of them.

use std::collections::BTreeMap;

use rusqlite::{Connection, OpenFlags};
use simulated_disk::{Disk, vfs_of};

use super::super::schema::FILE;
use super::super::{Durability, Journal};
use super::world::{NEW_YEAR_MS, whole};
use crate::chat::entry::{Batch, Changed, Committed, ConversationId, Outcome, Place, What};
use crate::chat::query::{Fetched, Query, Row, Ticket};
use crate::chat::{SessionId, UserId};
use crate::limits::PAGE_MESSAGES_MAX;
use crate::wire::event::MsgId;
use crate::wire::request::{PageAt, RequestId};
use crate::wire::{Code, Text};

/// Conversations, each with a sender of its own.
const CONVERSATIONS: u32 = 3;

pub(super) struct Run {
    pub(super) disk: Disk,
    /// Everything that was heard, in its order.
    pub(super) heard: Vec<Outcome>,
    durability: Durability,
    random: u64,
    journal: Option<Journal>,
    batch: Batch,
    wall_ms: u64,
    /// By the number in its request's `id` and its text.
    messages: Vec<Message>,
    edits: usize,
    last: MsgId,
    /// The power was off, and not everything was synced that was acknowledged.
    newest_may_be_gone: bool,
}

/// A message, as its sender knows of it.
struct Message {
    conversation: u32,
    /// What it may say: one text when all was answered, two while an edit is on its way.
    says: Vec<String>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nobody has said what became of it.
    Sent,
    Stored(MsgId),
    Refused,
}

impl Run {
    pub(super) fn new(durability: Durability, seed: u64) -> Self {
        Self {
            disk: Disk::new(),
            heard: Vec::new(),
            durability,
            random: seed,
            journal: None,
            batch: Batch::default(),
            wall_ms: NEW_YEAR_MS,
            messages: Vec::new(),
            edits: 0,
            last: 0,
            newest_may_be_gone: false,
        }
    }

    /// A number below this one.
    pub(super) fn dice(&mut self, end: u64) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % end
    }

    /// Opens the journal; false when the disk fails meanwhile.
    pub(super) fn open(&mut self) -> bool {
        self.kill();
        match Journal::stepped(&self.disk, self.durability) {
            Ok((journal, recovered)) => {
                self.journal = Some(journal);
                assert!(recovered.last >= self.last || self.newest_may_be_gone);
                self.last = recovered.last;
                true
            }
            Err(_) if !self.disk.is_on() => false,
            Err(error) => panic!("{error}"),
        }
    }

    pub(super) fn reopen_and_check(&mut self) {
        assert!(self.open());
        self.check();
    }

    pub(super) fn crash(&mut self) {
        self.disk.power_off();
        self.newest_may_be_gone |= self.durability != Durability::Sync;
        if let Some(journal) = self.journal.take() {
            journal.crash();
        }
    }

    pub(super) fn kill(&mut self) {
        if let Some(journal) = self.journal.take() {
            journal.kill();
        }
    }

    pub(super) fn close(&mut self) {
        if let Some(journal) = self.journal.take() {
            journal.close();
        }
    }

    pub(super) fn failure(&mut self) -> Option<String> {
        self.journal.as_mut().and_then(Journal::failure)
    }

    pub(super) fn stored(&self) -> usize {
        self.messages.iter().filter(|m| matches!(m.state, State::Stored(_))).count()
    }

    pub(super) fn refused(&self) -> usize {
        self.messages.iter().filter(|m| m.state == State::Refused).count()
    }

    fn journal(&mut self) -> &mut Journal {
        self.journal.as_mut().unwrap()
    }

    /// Takes so many steps, or fewer when the disk or the journal fails.
    pub(super) fn act(&mut self, steps: usize) {
        for _ in 0..steps {
            if !self.goes_on() {
                return;
            }
            match self.dice(10) {
                0..=3 => self.say(),
                4 => self.edit(),
                5..=7 => {
                    let waiting = self.journal().steps().writes_waiting() as u64;
                    let batches = 1 + self.dice(waiting.max(1));
                    self.write(usize::try_from(batches).unwrap());
                }
                8 => self.journal().steps().quiet(),
                _ => self.ask(),
            }
        }
        if self.goes_on() {
            self.write(usize::MAX);
        }
    }

    fn goes_on(&mut self) -> bool {
        self.disk.is_on() && self.journal.is_some() && self.failure().is_none()
    }

    /// A few messages, some of them long, and whatever has had no answer in an earlier life.
    fn say(&mut self) {
        for _ in 0..=self.dice(4) {
            let number = self.messages.len();
            let words = 1 + usize::try_from(self.dice(10) * self.dice(40)).unwrap();
            let conversation = 1 + u32::try_from(self.dice(CONVERSATIONS.into())).unwrap();
            let content = format!("n{number} {}", "palavra ".repeat(words));
            let says = vec![content];
            self.messages.push(Message { conversation, says, state: State::Sent });
            self.push(number);
        }
        self.append();
    }

    fn push(&mut self, number: usize) {
        let Message { conversation, says, .. } = &self.messages[number];
        let content = self.batch.push_text(&says[0]);
        let id = RequestId::Text(Text::from(format!("{number}")));
        let (to, conversation) = (Place::User(UserId(99)), *conversation);
        let sender = sender(conversation);
        let conversation = ConversationId(conversation);
        let what = What::Message { to, conversation, content, plain: true, reply_to: None };
        self.batch.push(sender, Some(&id), what);
    }

    fn edit(&mut self) {
        let at = usize::try_from(self.dice(self.messages.len().max(1) as u64)).unwrap();
        let Some(message) = self.messages.get_mut(at) else { return };
        let State::Stored(msg_id) = message.state else { return };
        if message.says.len() > 1 {
            return;
        }
        self.edits += 1;
        let text = format!("n{at} edit{}", self.edits);
        message.says.push(text.clone());
        let conversation = message.conversation;
        let change = Changed::Edited(self.batch.push_text(&text));
        let what = What::Changed { msg_id, conversation: ConversationId(conversation), change };
        self.batch.push(sender(conversation), None, what);
        self.append();
    }

    fn append(&mut self) {
        self.wall_ms += 1;
        let wall_ms = self.wall_ms;
        let Self { journal, batch, .. } = self;
        journal.as_mut().unwrap().append(batch, wall_ms);
    }

    fn write(&mut self, batches: usize) {
        self.journal().steps().write(batches);
        // What is said without power nobody hears.
        while self.disk.is_on()
            && let Some(committed) = self.journal().committed()
        {
            self.hear(&committed);
            self.journal().recycle(committed);
        }
    }

    fn hear(&mut self, committed: &Committed) {
        let Committed { batch, outcomes } = committed;
        for (entry, outcome) in batch.entries().iter().zip(outcomes) {
            self.heard.push(*outcome);
            if let What::Changed { msg_id, change: Changed::Edited(text), .. } = &entry.what {
                self.hear_of_edit(*msg_id, batch.text(text), *outcome);
            } else {
                self.hear_of_message(number_of(batch.request_id(entry).as_ref()), *outcome);
            }
        }
    }

    fn hear_of_edit(&mut self, msg_id: MsgId, text: &str, outcome: Outcome) {
        let of = |message: &&mut Message| message.state == State::Stored(msg_id);
        let message = self.messages.iter_mut().find(of).unwrap();
        match outcome {
            Outcome::Stored(_) => message.says.retain(|says| says == text),
            Outcome::Failed(Code::StorageUnavailable) => message.says.retain(|says| says != text),
            other => panic!("{other:?}"),
        }
    }

    fn hear_of_message(&mut self, number: usize, outcome: Outcome) {
        let message = &mut self.messages[number];
        assert_eq!(message.state, State::Sent);
        message.state = match outcome {
            Outcome::Stored(msg_id) => {
                assert!(msg_id > self.last, "a number that was given before");
                self.last = msg_id;
                State::Stored(msg_id)
            }
            Outcome::Duplicate(msg_id) => State::Stored(msg_id),
            Outcome::Failed(Code::StorageUnavailable) => State::Refused,
            other => panic!("{other:?}"),
        };
    }

    fn ask(&mut self) {
        let conversation = 1 + u32::try_from(self.dice(CONVERSATIONS.into())).unwrap();
        let scope = whole(conversation);
        let query = if self.dice(2) == 0 {
            Query::History { scope, at: PageAt::Newest, limit: 20 }
        } else {
            Query::Search { words: "palavra".to_owned(), scopes: vec![scope], limit: 20 }
        };
        self.answer(query);
    }

    fn answer(&mut self, query: Query) -> Fetched {
        self.journal().fetch(Ticket(1), query);
        let last = self.journal().steps().questions_waiting() - 1;
        self.journal().steps().answer(last);
        self.journal().fetched().unwrap().1
    }

    fn rows(&mut self, query: Query) -> (Vec<Row>, bool) {
        match self.answer(query) {
            Fetched::Rows { rows, more } => (rows, more),
            other => panic!("{other:?}"),
        }
    }

    /// Compares the store with what was heard. What has no answer yet is sent again, as clients do.
    pub(super) fn check(&mut self) {
        let path = self.disk.folder().join(FILE);
        let vfs = vfs_of(&path).unwrap();
        let db = Connection::open_with_flags_and_vfs(path, OpenFlags::default(), vfs).unwrap();
        let said: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(said, "ok");
        drop(db);
        let found = self.all();
        self.compare(&found);
        // A text that may be either of two is known now.
        for (number, message) in self.messages.iter_mut().enumerate() {
            if let Some(row) = found.get(&number) {
                message.says = vec![row.content.clone()];
            }
        }
        let unanswered = self.messages.iter().enumerate();
        let unanswered = unanswered.filter(|(_, message)| message.state == State::Sent);
        let unanswered: Vec<usize> = unanswered.map(|(number, _)| number).collect();
        for number in &unanswered {
            self.push(*number);
        }
        if !unanswered.is_empty() {
            self.append();
            self.write(usize::MAX);
        }
        for number in unanswered {
            let State::Stored(msg_id) = self.messages[number].state else { panic!("{number}") };
            // What was there is no second time.
            assert!(found.get(&number).is_none_or(|row| row.msg_id == msg_id));
        }
        self.look_for_one();
    }

    fn compare(&mut self, found: &BTreeMap<usize, Row>) {
        let newest = found.values().map(|row| row.msg_id).max().unwrap_or(0);
        for (number, message) in self.messages.iter_mut().enumerate() {
            let row = found.get(&number);
            match (message.state, row) {
                (State::Stored(msg_id), Some(row)) => {
                    assert_eq!(row.msg_id, msg_id);
                    // Without syncs an edit may be taken back, too.
                    let earlier = self.newest_may_be_gone
                        && row.content.split(' ').next() == Some(&format!("n{number}"));
                    let says = &row.content;
                    assert!(earlier || message.says.contains(says), "{number} says {says}");
                }
                (State::Stored(msg_id), None) => {
                    // Without syncs the newest may be gone: it is sent again.
                    assert!(self.newest_may_be_gone && msg_id > newest, "{number} is gone");
                    message.state = State::Sent;
                }
                (State::Refused, row) => assert_eq!(row, None, "{number} was refused"),
                (State::Sent, Some(row)) => assert!(message.says.contains(&row.content)),
                (State::Sent, None) => {}
            }
        }
        self.newest_may_be_gone = false;
    }

    /// All messages, by the number in their request's `id`; none is there twice.
    fn all(&mut self) -> BTreeMap<usize, Row> {
        let mut found = BTreeMap::new();
        for conversation in 1..=CONVERSATIONS {
            let mut after = 0;
            loop {
                let (scope, at) = (whole(conversation), PageAt::After(after));
                let (rows, more) =
                    self.rows(Query::History { scope, at, limit: PAGE_MESSAGES_MAX });
                for row in rows {
                    assert_eq!(row.prev, after);
                    after = row.msg_id;
                    let number = number_of(row.request.as_ref());
                    assert_eq!(self.messages[number].conversation, conversation);
                    assert!(found.insert(number, row).is_none(), "{number} is there twice");
                }
                if !more {
                    break;
                }
            }
        }
        found
    }

    /// A message is found by its words.
    fn look_for_one(&mut self) {
        let at = usize::try_from(self.dice(self.messages.len().max(1) as u64)).unwrap();
        let Some(message) = self.messages.get(at) else { return };
        let (words, scopes) = (message.says[0].clone(), vec![whole(message.conversation)]);
        let words: Vec<&str> = words.split(' ').take(2).collect();
        let expected =
            if let State::Stored(msg_id) = message.state { vec![msg_id] } else { vec![] };
        let query = Query::Search { words: format!("{} ", words.join(" ")), scopes, limit: 50 };
        let (rows, _) = self.rows(query);
        let found: Vec<MsgId> = rows.iter().map(|row| row.msg_id).collect();
        assert_eq!(found, expected, "{words:?}");
    }
}

fn sender(conversation: u32) -> (SessionId, UserId) {
    (SessionId { index: conversation, generation: 0 }, UserId(conversation))
}

fn number_of(id: Option<&RequestId<'_>>) -> usize {
    match id {
        Some(RequestId::Text(text)) => text.parse().unwrap(),
        other => panic!("{other:?}"),
    }
}
