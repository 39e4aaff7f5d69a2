//! A journal in a folder of its own, and short ways to say what happens in it.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use tempfile::TempDir;

use super::super::{Durability, Journal};
use crate::chat::entry::{
    Account, Batch, Change, Changed, Committed, ConversationId, KeptFile, Outcome, Place, What,
};
use crate::chat::query::{Fetched, Item, Query, Recovered, Row, Scope, Ticket};
use crate::chat::{GroupId, SessionId, UserId};
use crate::wire::Text;
use crate::wire::event::MsgId;
use crate::wire::name::Name;
use crate::wire::request::{PageAt, RequestId};

/// 2026-01-01T00:00Z.
pub(in crate::journal) const NEW_YEAR_MS: u64 = 1_767_225_600_000;

pub(in crate::journal) struct World {
    pub(in crate::journal) journal: Option<Journal>,
    pub(in crate::journal) recovered: Recovered,
    pub(in crate::journal) batch: Batch,
    pub(in crate::journal) wall_ms: u64,
    pub(in crate::journal) durability: Durability,
    pub(in crate::journal) folder: TempDir,
    wakes: Option<Receiver<()>>,
}

impl World {
    pub(in crate::journal) fn new(durability: Durability) -> Self {
        let mut world = Self {
            journal: None,
            recovered: Recovered::default(),
            batch: Batch::default(),
            wall_ms: NEW_YEAR_MS,
            durability,
            folder: tempfile::tempdir().unwrap(),
            wakes: None,
        };
        world.reopen();
        world
    }

    pub(in crate::journal) fn data(&self) -> &Path {
        self.folder.path()
    }

    /// Closes the journal, if there is one, and opens it again.
    pub(in crate::journal) fn reopen(&mut self) {
        self.close();
        let (wake, wakes) = mpsc::channel();
        let wake = Arc::new(move || {
            let _ = wake.send(());
        });
        let (journal, recovered) = Journal::open(self.data(), self.durability, wake).unwrap();
        self.journal = Some(journal);
        self.recovered = recovered;
        self.wakes = Some(wakes);
    }

    pub(in crate::journal) fn close(&mut self) {
        if let Some(journal) = self.journal.take() {
            journal.close();
        }
    }

    pub(in crate::journal) fn journal(&mut self) -> &mut Journal {
        self.journal.as_mut().unwrap()
    }

    /// Adds an entry to the next batch.
    pub(in crate::journal) fn push(&mut self, user: u32, id: Option<&RequestId<'_>>, what: What) {
        let session = SessionId { index: user, generation: 0 };
        self.batch.push((session, UserId(user)), id, what);
    }

    pub(in crate::journal) fn message(
        &mut self,
        user: u32,
        to: Place,
        conversation: u32,
        id: Option<&RequestId<'_>>,
        content: &str,
    ) {
        let content = self.batch.push_text(content);
        let conversation = ConversationId(conversation);
        let what = What::Message { to, conversation, content, plain: false, reply_to: None };
        self.push(user, id, what);
    }

    /// User 0 writes to user 1, in conversation 1.
    pub(in crate::journal) fn say(&mut self, id: &str, content: &str) {
        let id = RequestId::Text(Text::from(id.to_owned()));
        let id = Some(&id).filter(|id| **id != RequestId::Text(Text::from("")));
        self.message(0, Place::User(UserId(1)), 1, id, content);
    }

    /// Somebody is in an open group from now on; the first makes it.
    pub(in crate::journal) fn join(&mut self, user: u32, group: u32) {
        let name = Name::parse(&format!("g{group}")).unwrap();
        self.group(user, group, Change::Create { name, private: false });
        self.group(user, group, Change::Join);
        self.commit();
    }

    /// A user who is in a group writes to it.
    pub(in crate::journal) fn tell(&mut self, user: u32, group: u32, content: &str) {
        self.message(user, Place::Group(GroupId(group)), group, None, content);
    }

    pub(in crate::journal) fn file(&mut self, name: &str, saved_as: &str, size: u64) {
        let (name, saved_as) = (name.to_owned(), saved_as.to_owned());
        let file = Box::new(KeptFile {
            name,
            saved_as,
            size,
            sha256: [7; 32],
            upload: None,
            data: String::new(),
        });
        let to = Place::User(UserId(1));
        self.push(0, None, What::File { to, conversation: ConversationId(1), file });
    }

    pub(in crate::journal) fn account(&mut self, user: u32, name: &str) {
        let name = Name::parse(name).unwrap();
        self.push(user, None, What::Account(Box::new(Account { name, token: None })));
    }

    pub(in crate::journal) fn group(&mut self, by: u32, group: u32, change: Change) {
        self.push(by, None, What::Group { group: GroupId(group), change: Box::new(change) });
    }

    pub(in crate::journal) fn change(&mut self, by: u32, msg_id: MsgId, change: Changed) {
        self.push(by, None, What::Changed { msg_id, conversation: ConversationId(1), change });
    }

    /// Hands the batch over.
    pub(in crate::journal) fn append(&mut self) {
        let wall_ms = self.wall_ms;
        let Self { journal, batch, .. } = self;
        journal.as_mut().unwrap().append(batch, wall_ms);
        assert!(batch.is_empty());
    }

    /// The next batch that comes back.
    pub(in crate::journal) fn committed(&mut self) -> Committed {
        loop {
            if let Some(committed) = self.journal().committed() {
                return committed;
            }
            assert_eq!(self.journal().failure(), None);
            self.wait();
        }
    }

    /// Hands the batch over and waits until it is back.
    pub(in crate::journal) fn commit(&mut self) -> Vec<Outcome> {
        self.append();
        let committed = self.committed();
        let outcomes = committed.outcomes.clone();
        assert_eq!(outcomes.len(), committed.batch.entries().len());
        self.journal().recycle(committed);
        outcomes
    }

    /// The same, for entries that are all stored.
    pub(in crate::journal) fn stored(&mut self) -> Vec<MsgId> {
        let outcomes = self.commit();
        let number = |outcome| match outcome {
            Outcome::Stored(number) => number,
            other => panic!("{other:?}"),
        };
        outcomes.into_iter().map(number).collect()
    }

    pub(in crate::journal) fn ask(&mut self, query: Query) -> Fetched {
        self.journal().fetch(Ticket(7), query);
        loop {
            if let Some((ticket, fetched)) = self.journal().fetched() {
                assert_eq!(ticket, Ticket(7));
                return fetched;
            }
            self.wait();
        }
    }

    pub(in crate::journal) fn rows(&mut self, query: Query) -> (Vec<Row>, bool) {
        match self.ask(query) {
            Fetched::Rows { rows, more } => (rows, more),
            other => panic!("{other:?}"),
        }
    }

    pub(in crate::journal) fn history(&mut self, at: PageAt, limit: usize) -> (Vec<Row>, bool) {
        self.rows(Query::History { scope: whole(1), at, limit })
    }

    pub(in crate::journal) fn search(&mut self, words: &str, scopes: Vec<Scope>) -> Vec<String> {
        let query = Query::Search { words: words.to_owned(), scopes, limit: 50 };
        self.rows(query).0.into_iter().map(|row| row.content).collect()
    }

    pub(in crate::journal) fn missed(
        &mut self,
        scopes: Vec<Scope>,
        changes_upto: Option<MsgId>,
    ) -> (Vec<Item>, bool) {
        let user = UserId(1);
        let query = Query::Missed { user, scopes, own: false, changes_upto, inline_files: true };
        match self.ask(query) {
            Fetched::Missed { items, more } => (items, more),
            other => panic!("{other:?}"),
        }
    }

    fn wait(&self) {
        if let Some(wakes) = &self.wakes {
            wakes.recv_timeout(Duration::from_secs(20)).expect("the journal wakes");
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.close();
    }
}

/// All of a conversation.
pub(in crate::journal) fn whole(conversation: u32) -> Scope {
    scope(conversation, 0, 0, u64::MAX >> 1)
}

pub(in crate::journal) fn scope(
    conversation: u32,
    joined: MsgId,
    after: MsgId,
    upto: MsgId,
) -> Scope {
    Scope { conversation: ConversationId(conversation), joined, after, upto }
}

pub(in crate::journal) fn contents(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.content.as_str()).collect()
}
