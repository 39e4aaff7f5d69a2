//! Users: known by name from their first login on, away or with sessions.

use super::group::GroupId;
use super::inbox::Inbox;
use super::names::Names;
use super::session::SessionId;
use crate::limits::{PRESENCE_CONTACTS_MAX, USERS_MAX};
use crate::wire::Code;
use crate::wire::event::MsgId;
use crate::wire::name::UserName;

/// The number that stands for a user inside the core.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(pub u32);

/// One user.
#[derive(Debug)]
pub struct User {
    /// As it was spelled first.
    pub name: UserName,
    /// The account is stored: before that only its own login knows of it.
    pub known: bool,
    /// Whether, where and how events reach the user.
    pub delivery: Delivery,
    /// The newest message sent to the user.
    pub cursor: MsgId,
    /// When the user last came or went, milliseconds since 1970.
    pub last_seen_ms: u64,
    /// What waits.
    pub inbox: Inbox,
    /// The groups the user is in, longest first.
    pub groups: Vec<GroupId>,
    /// Those with whom the user has a private conversation.
    pub contacts: Vec<UserId>,
}

/// How events reach a user. A name that nobody has claimed has one session at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// They wait until the user comes back.
    Away,
    /// What was missed is being sent; what is new waits its turn behind that.
    CatchingUp(SessionId),
    /// As they come.
    Live(SessionId),
    /// The session reads too slowly: they wait until it has read what it has.
    Lagging(SessionId),
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
        self.find(raw).filter(|id| self.get(*id).known)
    }

    /// Makes a user that is not known yet.
    pub fn create(&mut self, name: UserName) -> Result<UserId, Code> {
        self.names.may_be_made(&name)?;
        if self.names.len() >= USERS_MAX {
            return Err(Code::ServerFull);
        }
        let id = UserId(u32::try_from(self.all.len()).map_err(|_| Code::ServerFull)?);
        self.names.insert(&name, id.0);
        self.all.push(User {
            name,
            known: false,
            delivery: Delivery::Away,
            cursor: 0,
            last_seen_ms: 0,
            inbox: Inbox::default(),
            groups: Vec::new(),
            contacts: Vec::new(),
        });
        Ok(id)
    }

    /// How many users there are, known or not.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Every user that others may know of, in the order of their first logins.
    pub fn known(&self) -> impl Iterator<Item = &User> {
        self.all.iter().filter(|user| user.known)
    }
}

impl User {
    /// Whether the user is logged in.
    pub fn is_online(&self) -> bool {
        self.session().is_some()
    }

    /// Where the user is logged in.
    pub fn session(&self) -> Option<SessionId> {
        match self.delivery {
            Delivery::Away => None,
            Delivery::CatchingUp(session)
            | Delivery::Live(session)
            | Delivery::Lagging(session) => Some(session),
        }
    }

    /// Remembers a private partner, as far as presence is told.
    pub fn add_contact(&mut self, other: UserId) {
        if self.contacts.len() < PRESENCE_CONTACTS_MAX {
            self.contacts.push(other);
        }
    }
}

/// The private conversation of two users is one, whoever writes.
pub fn pair(one: UserId, other: UserId) -> (UserId, UserId) {
    (one.min(other), one.max(other))
}
