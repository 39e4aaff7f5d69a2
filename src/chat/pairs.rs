//! Private conversations: each is of two users, and has a number that the journal knows it by.
//! Groups take their numbers from the same run.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::entry::ConversationId;
use super::users::UserId;
use crate::wire::event::MsgId;

/// A private conversation.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// The lower number first.
    pub users: (UserId, UserId),
    /// The newest message, 0 if there is none.
    pub newest: MsgId,
    /// The newest change of a message, 0 if there is none.
    pub changed: MsgId,
    /// Up to where each of the two has read.
    pub read: (MsgId, MsgId),
}

/// All private conversations.
#[derive(Debug, Default)]
pub struct Pairs {
    ids: HashMap<(UserId, UserId), ConversationId, RandomState>,
    /// By number. The numbers are those of groups, too, also of groups that are gone: a table with a
    /// place for each would grow with every group that was ever made.
    all: HashMap<ConversationId, Pair, RandomState>,
    given: u32,
}

impl Pairs {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// The conversation of two users, whoever writes.
    pub fn find(&self, one: UserId, other: UserId) -> Option<ConversationId> {
        self.ids.get(&(one.min(other), one.max(other))).copied()
    }

    /// The same, made if there is none.
    pub fn find_or_make(&mut self, one: UserId, other: UserId) -> ConversationId {
        self.find(one, other).unwrap_or_else(|| {
            let id = self.next_number();
            self.insert(id, Pair::new(one, other));
            id
        })
    }

    /// A number that no conversation has had.
    pub fn next_number(&mut self) -> ConversationId {
        self.given += 1;
        ConversationId(self.given)
    }

    /// Numbers up to this one were given in an earlier life.
    pub fn skip_numbers(&mut self, upto: u32) {
        self.given = self.given.max(upto);
    }

    /// Puts a conversation in under its number.
    pub fn insert(&mut self, id: ConversationId, pair: Pair) {
        self.all.insert(id, pair);
        self.ids.insert(pair.users, id);
    }

    /// One conversation.
    pub fn get(&self, id: ConversationId) -> Option<&Pair> {
        self.all.get(&id)
    }

    /// The same, to change.
    pub fn get_mut(&mut self, id: ConversationId) -> Option<&mut Pair> {
        self.all.get_mut(&id)
    }
}

impl Pair {
    /// A conversation in which nothing was said.
    pub fn new(one: UserId, other: UserId) -> Self {
        let users = (one.min(other), one.max(other));
        Self { users, newest: 0, changed: 0, read: (0, 0) }
    }

    /// Whether a user is one of the two.
    pub fn is_of(&self, user: UserId) -> bool {
        user == self.users.0 || user == self.users.1
    }

    /// The other end, as one of the two sees it. Who talks to themselves is their own.
    pub fn other(&self, user: UserId) -> UserId {
        if user == self.users.0 { self.users.1 } else { self.users.0 }
    }

    /// Up to where one of the two has read.
    pub fn read_by(&self, user: UserId) -> MsgId {
        if user == self.users.0 { self.read.0 } else { self.read.1 }
    }

    /// One of the two has read up to here. Returns up to where before.
    pub fn set_read(&mut self, user: UserId, msg_id: MsgId) -> MsgId {
        let read = if user == self.users.0 { &mut self.read.0 } else { &mut self.read.1 };
        let upto = msg_id.max(*read);
        std::mem::replace(read, upto)
    }
}
