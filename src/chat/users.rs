//! Users: known by name from their first login on, away or with sessions.

use super::entry::{ConversationId, TokenHash};
use super::groups::GroupId;
use super::names::Names;
use super::session::SessionId;
use crate::limits::{OWED_RECEIPTS_MAX, PAST_STAYS_MAX, USERS_MAX};
use crate::wire::Code;
use crate::wire::event::MsgId;
use crate::wire::name::UserName;

/// The number that stands for a user inside the core and the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(pub u32);

/// Whether others may know of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody is. The name was asked for once, and its account could not be stored.
    Free,
    /// Its account is on its way to the journal: only its own login knows of it.
    Entering,
    /// Its account is stored.
    Known,
}

/// One user.
#[derive(Debug)]
pub struct User {
    /// As it was spelled first.
    pub name: UserName,
    /// Whether others may know of it.
    pub standing: Standing,
    /// Its sessions.
    pub seats: Vec<Seat>,
    /// Everything up to this has arrived, as far as the journal is told or will be.
    pub cursor: MsgId,
    /// The journal is to be told of the cursor.
    pub unstored: bool,
    /// When the user last came or went, milliseconds since 1970.
    pub last_seen_ms: u64,
    /// The groups the user is in, longest first.
    pub groups: Vec<GroupId>,
    /// Times in groups that are over, which a client that was away since may have messages of. Not all:
    /// the newest.
    pub past: Vec<Past>,
    /// The private conversations in which something was said.
    pub pairs: Vec<ConversationId>,
    /// The name is entered with a password or a token alone, even when none is left.
    pub claimed: bool,
    /// The password, as a PHC string.
    pub password: Option<String>,
    /// The tokens that are good, oldest first.
    pub tokens: Vec<TokenHash>,
    /// Bytes of the files that the user has sent and that are kept.
    pub file_bytes: u64,
    /// Who is to be told when what they wrote has arrived.
    pub owed: Vec<Owed>,
}

/// One session of a user.
#[derive(Clone, Copy, Debug)]
pub struct Seat {
    /// Which.
    pub session: SessionId,
    /// It gets events as they come. Otherwise it is behind, and fed from the journal.
    pub live: bool,
}

/// A time in a group that is over.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    /// Which group.
    pub group: GroupId,
    /// The number of the entry that brought the user in.
    pub since: MsgId,
    /// The number of the entry that took the user out.
    pub until: MsgId,
}

/// A receipt that a sender waits for.
#[derive(Clone, Copy, Debug)]
pub struct Owed {
    /// Who waits.
    pub sender: UserId,
    /// In which group; else in private.
    pub group: Option<GroupId>,
    /// The first message not told of yet.
    pub first: MsgId,
    /// The last.
    pub last: MsgId,
}

/// All users.
#[derive(Debug, Default)]
pub struct Users {
    names: Names,
    all: Vec<User>,
}

impl Users {
    /// One user.
    pub fn get(&self, id: UserId) -> &User {
        // Users are never removed, so a `UserId` always has one.
        &self.all[id.0 as usize]
    }

    /// One user, to change.
    pub fn get_mut(&mut self, id: UserId) -> &mut User {
        &mut self.all[id.0 as usize]
    }

    /// The user of this name, whether the account is stored yet or not.
    pub fn find(&self, raw: &str) -> Option<UserId> {
        self.names.find(raw).map(UserId)
    }

    /// The user of this name that others may know of.
    pub fn find_known(&self, raw: &str) -> Option<UserId> {
        self.find(raw).filter(|id| self.get(*id).standing == Standing::Known)
    }

    /// Whether there is room for a user of this name.
    pub fn may_be_made(&self, name: &UserName) -> Result<(), Code> {
        self.names.may_be_made(name)?;
        if self.names.len() >= USERS_MAX { Err(Code::ServerFull) } else { Ok(()) }
    }

    /// Makes a user whose account is not stored yet.
    pub fn create(&mut self, name: UserName) -> Result<UserId, Code> {
        self.may_be_made(&name)?;
        self.add(name).ok_or(Code::ServerFull)
    }

    /// Puts a user back that was stored in an earlier life. Numbers have no gaps but those of
    /// accounts that never were stored.
    pub fn restore(&mut self, id: UserId, name: UserName) -> Option<&mut User> {
        while self.all.len() < id.0 as usize {
            self.all.push(User::new(name.clone()));
        }
        let added = self.add(name)?;
        (added == id).then(|| self.get_mut(id))
    }

    /// How many users there are, known or not.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Every user that others may know of, in the order of their first logins.
    pub fn known(&self) -> impl Iterator<Item = &User> {
        self.all.iter().filter(|user| user.standing == Standing::Known)
    }

    fn add(&mut self, name: UserName) -> Option<UserId> {
        let id = UserId(u32::try_from(self.all.len()).ok()?);
        self.names.insert(&name, id.0);
        self.all.push(User::new(name));
        Some(id)
    }
}

impl User {
    /// A time in a group is over. Of too many the one that ended first is forgotten.
    pub fn remember(&mut self, past: Past) {
        self.past.push(past);
        if self.past.len() > PAST_STAYS_MAX {
            let first = self.past.iter().enumerate().min_by_key(|(_, past)| past.until);
            if let Some(at) = first.map(|(at, _)| at) {
                self.past.remove(at);
            }
        }
    }

    fn new(name: UserName) -> Self {
        Self {
            name,
            standing: Standing::Free,
            seats: Vec::new(),
            cursor: 0,
            unstored: false,
            last_seen_ms: 0,
            groups: Vec::new(),
            past: Vec::new(),
            pairs: Vec::new(),
            claimed: false,
            password: None,
            tokens: Vec::new(),
            file_bytes: 0,
            owed: Vec::new(),
        }
    }

    /// Whether the user is logged in.
    pub fn is_online(&self) -> bool {
        !self.seats.is_empty()
    }

    /// Makes a session live, or not.
    pub fn set_live(&mut self, session: SessionId, live: bool) {
        if let Some(seat) = self.seats.iter_mut().find(|seat| seat.session == session) {
            seat.live = live;
        }
    }

    /// Remembers that a sender waits to hear of a message's arrival.
    pub fn owe(&mut self, sender: UserId, group: Option<GroupId>, msg_id: MsgId) {
        let same = |owed: &&mut Owed| owed.sender == sender && owed.group == group;
        if let Some(owed) = self.owed.iter_mut().find(same) {
            // What is read back from the journal is older than what has come meanwhile.
            owed.last = owed.last.max(msg_id);
        } else if self.owed.len() < OWED_RECEIPTS_MAX {
            // Beyond that, the history says how far it came.
            self.owed.push(Owed { sender, group, first: msg_id, last: msg_id });
        }
    }
}
