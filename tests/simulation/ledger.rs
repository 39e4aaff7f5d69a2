//! What everybody was told and shown, and what the store says: what must agree.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher};

use serde_json::Value;

use super::store::Stored;
use crate::wire::event::MsgId;

/// A message that its sender was told is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Acked {
    pub(super) msg_id: MsgId,
    pub(super) place: String,
    pub(super) content: String,
}

/// What is known from outside the server.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// By sender and request.
    acked: BTreeMap<(String, String), Acked>,
    /// What each user was shown, with its sender and text.
    seen: BTreeMap<(String, MsgId), (String, String)>,
    /// What each message was shown as coming after.
    order: BTreeMap<MsgId, MsgId>,
    /// What the journal says is stored: on the disk, before anybody hears of it.
    stored: BTreeSet<MsgId>,
    /// The journal says what it stores.
    reported: bool,
    /// What is noted is printed, too.
    tells: bool,
    trace: DefaultHasher,
    /// Frames heard.
    pub(super) frames: u64,
}

impl Ledger {
    /// An empty one; `reported`: the journal says what it stores.
    pub(super) fn new(reported: bool) -> Self {
        let tells = std::env::var_os("PAPO_TRACE").is_some();
        Self { reported, tells, ..Self::default() }
    }

    /// Something happened that has to happen again when the same seed is played.
    pub(super) fn note(&mut self, what: &[u8]) {
        if self.tells {
            println!("{}", String::from_utf8_lossy(what).trim_end());
        }
        self.trace.write(what);
        self.trace.write_u8(255);
    }

    /// Stands for everything that was noted.
    pub(super) fn trace(&self) -> u64 {
        self.trace.clone().finish()
    }

    /// The journal has stored a message.
    pub(super) fn stores(&mut self, msg_id: MsgId) {
        self.stored.insert(msg_id);
    }

    /// A sender is told that a message is stored.
    pub(super) fn acks(&mut self, user: &str, id: &str, acked: &Acked) {
        assert!(
            !self.reported || self.stored.contains(&acked.msg_id),
            "{user} is told that {id} is stored, and it is not"
        );
        let known =
            self.acked.entry((user.to_owned(), id.to_owned())).or_insert_with(|| acked.clone());
        assert_eq!(known, acked, "{user}'s {id} is answered with one number");
    }

    /// A user is shown a message.
    pub(super) fn shows(&mut self, user: &str, msg_id: MsgId, (sender, content): (&str, &str)) {
        assert!(
            !self.reported || self.stored.contains(&msg_id),
            "{user} is shown {content:?} of {sender}, which is not stored"
        );
        let shown = (sender.to_owned(), content.to_owned());
        let known = self.seen.entry((user.to_owned(), msg_id)).or_insert_with(|| shown.clone());
        assert_eq!(*known, shown, "{user} is shown one message under one number");
    }

    /// A message is shown as the one after another of its conversation: to everybody the same one.
    pub(super) fn comes_after(&mut self, msg_id: MsgId, prev: MsgId) {
        let known = *self.order.entry(msg_id).or_insert(prev);
        assert_eq!(known, prev, "what comes before {msg_id}");
    }

    /// Everything that anybody was told or shown is in the store, once, and was theirs to see.
    pub(super) fn audit(&self, store: &Stored) {
        let mut requests = BTreeSet::new();
        for (msg_id, row) in &store.messages {
            if let Some(request) = &row.request {
                let once = requests.insert((row.sender.clone(), request.clone()));
                assert!(
                    once,
                    "{}'s {request} is stored twice, the second time as {msg_id}",
                    row.sender
                );
            }
        }
        let mut contents = BTreeSet::new();
        for row in store.messages.values().filter(|row| row.is_honest()) {
            assert!(contents.insert(&row.content), "{:?} is stored twice", row.content);
        }
        for ((user, id), Acked { msg_id, place, content }) in &self.acked {
            let Some(row) = store.messages.get(msg_id) else {
                panic!("{user} was told that {id} is stored as {msg_id}, and it is not")
            };
            let found = (&row.sender, &row.content, row.place_for(user));
            assert_eq!(found, (user, content, place.clone()), "{user}'s {id}, {msg_id}");
        }
        for (msg_id, prev) in &self.order {
            let found = store.messages.get(msg_id).map(|row| store.before(row));
            assert!(found.is_none_or(|found| found == *prev), "{prev} before {msg_id}: {found:?}");
        }
        for ((user, msg_id), (sender, content)) in &self.seen {
            let Some(row) = store.messages.get(msg_id) else {
                panic!("{user} was shown {content:?} of {sender} as {msg_id}, which is not stored")
            };
            assert_eq!((&row.sender, &row.content), (sender, content), "{user} was shown {msg_id}");
            assert!(store.may_see(user, row), "{user} was shown {msg_id}, which is not theirs");
            assert!(
                store.may_see(sender, row),
                "{sender} wrote {msg_id} where they were no member"
            );
        }
    }
}

/// What a field says, of a frame that must have it.
#[track_caller]
pub(super) fn text<'v>(frame: &'v Value, field: &str) -> &'v str {
    frame[field].as_str().unwrap_or_else(|| panic!("{frame} has no {field}"))
}

/// The same for a number.
#[track_caller]
pub(super) fn number(frame: &Value, field: &str) -> u64 {
    frame[field].as_u64().unwrap_or_else(|| panic!("{frame} has no {field}"))
}
