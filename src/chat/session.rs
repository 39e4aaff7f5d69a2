//! Sessions: which connection speaks for which user.

use super::entry::Place;
use super::users::UserId;
use crate::limits::{TYPING_INTERVAL_MS, TYPING_PLACES_MAX};
use crate::text::Lang;
use crate::wire::request::Features;

/// One connection, recognised also when its slot has been given to another since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId {
    /// The slot.
    pub index: u32,
    /// How often the slot has been given away before.
    pub generation: u32,
}

/// A connection that has a user.
#[derive(Debug)]
pub struct Session {
    id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// The language of its sentences.
    pub lang: Lang,
    /// What it knows.
    pub features: Features,
    /// Its entries and files of which it has no answer yet.
    pub awaiting: u32,
    /// Its files that the worker has.
    pub files: u32,
    typing: Vec<(Place, u64)>,
}

/// All sessions, by slot.
#[derive(Debug, Default)]
pub struct Sessions {
    slots: Vec<Option<Session>>,
}

impl Sessions {
    /// The session of a connection, if it has a user.
    pub fn get(&self, id: SessionId) -> Option<&Session> {
        self.slots.get(id.index as usize)?.as_ref().filter(|session| session.id == id)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.slots.get_mut(id.index as usize)?.as_mut().filter(|session| session.id == id)
    }

    /// Gives a connection its user.
    pub fn insert(&mut self, id: SessionId, user: UserId, lang: Lang, features: Features) {
        let slot = id.index as usize;
        if self.slots.len() <= slot {
            self.slots.resize_with(slot + 1, || None);
        }
        self.slots[slot] =
            Some(Session { id, user, lang, features, awaiting: 0, files: 0, typing: Vec::new() });
    }

    /// Takes a session out.
    pub fn remove(&mut self, id: SessionId) -> Option<Session> {
        self.get(id)?;
        self.slots[id.index as usize].take()
    }
}

impl Session {
    /// Whether a `typing` for this place may be passed on now; it is remembered if so.
    pub fn may_type(&mut self, place: Place, mono_ms: u64) -> bool {
        self.typing.retain(|(_, at)| mono_ms.saturating_sub(*at) < TYPING_INTERVAL_MS);
        let known = self.typing.iter().any(|(typed, _)| *typed == place);
        if known || self.typing.len() >= TYPING_PLACES_MAX {
            return false;
        }
        self.typing.push((place, mono_ms));
        true
    }
}
