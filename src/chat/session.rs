//! Sessions: which connection speaks for which user.

use std::sync::Arc;

use super::account::Entering;
use super::download::Downloads;
use super::entry::{Place, TokenHash};
use super::held::Held;
use super::users::UserId;
use crate::limits::{
    QUEUED_BYTES_MAX, QUEUED_EVENTS_MAX, TYPING_INTERVAL_MS, TYPING_PLACES_MAX, WRITTEN_BEHIND_MAX,
};
use crate::text::Lang;
use crate::wire::event::MsgId;
use crate::wire::request::Features;

/// One connection, recognised also when its slot has been given to another since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId {
    /// The slot.
    pub index: u32,
    /// How often the slot has been given away before.
    pub generation: u32,
}

impl SessionId {
    /// No connection: the origin of what nobody asked for.
    pub const NOBODY: Self = Self { index: u32::MAX, generation: u32::MAX };
}

/// A connection that has a user.
#[derive(Debug)]
pub struct Session {
    id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// The language of its sentences.
    pub lang: Lang,
    /// What it knows; nothing from clients that know of no features.
    pub features: Option<Features>,
    /// It asked for what came after a message that it has, or listed features: it knows `synced`.
    pub wants_synced: bool,
    /// It says itself what has arrived; otherwise what the system took counts.
    pub acknowledges: bool,
    /// The token that it came with.
    pub token: Option<TokenHash>,
    /// Its entries and files of which it has no answer yet.
    pub awaiting: u32,
    /// Those are so many that nothing more is taken from it until it has them.
    pub crowded: bool,
    /// Its files that the worker has.
    pub files: u32,
    /// Files on their way to it.
    pub(super) downloads: Downloads,
    /// Its login is not finished: until then it is nobody's.
    pub(super) entering: Option<Box<Entering>>,
    /// It is fed from the journal. A live session is not.
    pub behind: Option<Box<Behind>>,
    typing: Vec<(Place, u64)>,
}

/// How a session catches up.
#[derive(Debug)]
pub struct Behind {
    /// It has everything up to this number.
    pub position: MsgId,
    /// It was away: what it gets is marked as missed, and its end is told.
    pub missed: bool,
    /// It was sent something of what it missed.
    pub told: bool,
    /// What its user wrote after this in other sessions is news for it.
    pub own_from: MsgId,
    /// What it wrote itself since, which is none.
    pub wrote: Vec<MsgId>,
    /// The journal was asked for everything up to this number.
    pub asked_upto: Option<MsgId>,
    /// What came after that, if it is little: then it need not be read back.
    queue: Option<Vec<(MsgId, Arc<Held>)>>,
    queued_bytes: usize,
}

impl Behind {
    /// A session that has everything up to a number.
    pub fn at(position: MsgId, missed: bool, own_from: MsgId) -> Self {
        Self {
            position,
            missed,
            told: false,
            own_from,
            wrote: Vec::new(),
            asked_upto: None,
            queue: Some(Vec::new()),
            queued_bytes: 0,
        }
    }

    /// Queues an event that comes while the journal is asked, if that helps.
    pub fn offer(&mut self, position: MsgId, frame: impl FnOnce() -> Arc<Held>) {
        let Some(queue) = &mut self.queue else { return };
        if self.asked_upto.is_none() {
            return;
        }
        let held = frame();
        self.queued_bytes += held.len();
        queue.push((position, held));
        if self.queued_bytes > QUEUED_BYTES_MAX || queue.len() > QUEUED_EVENTS_MAX {
            self.queue = None;
        }
    }

    /// An event comes that is not queued: all that follow are read back after it.
    pub fn leave_out(&mut self) {
        self.queue = None;
    }

    /// It wrote a message itself.
    pub fn note_wrote(&mut self, msg_id: MsgId) {
        // Beyond that, what it wrote is shown to it: it knows the number from the answer.
        if self.wrote.len() < WRITTEN_BEHIND_MAX {
            self.wrote.push(msg_id);
        }
    }

    /// The journal has answered. Returns what came meanwhile, unless it has to be read back.
    pub fn take_queue(&mut self) -> Option<Vec<(MsgId, Arc<Held>)>> {
        self.asked_upto = None;
        self.queued_bytes = 0;
        self.queue.replace(Vec::new())
    }
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
    pub fn insert(&mut self, session: Session) {
        let slot = session.id.index as usize;
        if self.slots.len() <= slot {
            self.slots.resize_with(slot + 1, || None);
        }
        self.slots[slot] = Some(session);
    }

    /// Takes a session out.
    pub fn remove(&mut self, id: SessionId) -> Option<Session> {
        self.get(id)?;
        self.slots[id.index as usize].take()
    }
}

impl Session {
    /// A session that has a user and nothing else yet.
    pub fn new(id: SessionId, user: UserId, lang: Lang, features: Option<Features>) -> Self {
        Self {
            id,
            user,
            lang,
            features,
            wants_synced: features.is_some(),
            acknowledges: features.is_some_and(|features| features.receipts),
            token: None,
            awaiting: 0,
            crowded: false,
            files: 0,
            downloads: Downloads::default(),
            entering: None,
            behind: None,
            typing: Vec::new(),
        }
    }

    /// Whether it knows a feature.
    pub fn knows(&self, feature: impl Fn(&Features) -> bool) -> bool {
        self.features.as_ref().is_some_and(feature)
    }

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
