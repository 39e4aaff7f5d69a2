//! Logging in and out, and what waits for who was away.

use std::sync::Arc;

use super::answer_with;
use super::entry::{Account, Entry, What};
use super::inbox::Waiting;
use super::users::Delivery;
use super::{
    Chat, Class, Done, Effect, Effects, Frame, Handled, Held, Member, Now, SessionId, UserId,
};
use crate::limits::SHARED_FRAME_BYTES_MIN;
use crate::text::{Lang, server as text};
use crate::wire::Code;
use crate::wire::event::{Body, Event, MsgId, as_backlog, is_backlog};
use crate::wire::name::UserName;
use crate::wire::request::{Login, RequestId};

/// Bytes of waiting events sent on in one go: half of what an outbox takes before it is slow.
const FEED_BYTES: usize = crate::limits::OUTBOX_SOFT_BYTES_MAX / 2;

/// What the server calls itself.
const SERVER: &str = concat!("papo ", env!("CARGO_PKG_VERSION"));

/// The version of PROTOCOL.md.
const PROTOCOL: u64 = 1;

impl Chat {
    pub(super) fn login(
        &mut self,
        session: SessionId,
        id: Option<&RequestId<'_>>,
        login: &Login<'_>,
        lang: Lang,
        now: Now,
        fx: &mut Effects,
    ) -> Handled {
        // Without a store a claim would be forgotten with the process; better none than a false one.
        if login.password.is_some() || login.token.is_some() {
            return Err(Code::StorageUnavailable.into());
        }
        let features = login.features.unwrap_or_default();
        // Who knows of these fields knows of `synced`, also when nothing was missed.
        let wants_synced = login.since.is_some() || login.features.is_some();
        if let Some(user) = self.users.find(&login.username) {
            let known = self.users.get(user);
            if !known.known || known.is_online() {
                return Err(Code::NameInUse.into());
            }
            self.sessions.insert(session, user, lang, features);
            self.enter((session, user, lang), id, (login.since, wants_synced), now, fx);
            return Ok(Done::Answered);
        }
        let name = UserName::parse(&login.username).map_err(|_| Code::InvalidName)?;
        let user = self.users.create(name)?;
        self.sessions.insert(session, user, lang, features);
        let what = What::Account(Box::new(Account {
            name: self.users.get(user).name.clone(),
            token: None,
        }));
        let _ = wants_synced;
        fx.batch.push((session, user), id, what);
        Ok(Done::LaterInOrder)
    }

    /// A new user's account is stored: the login goes on.
    pub(super) fn account_stored(
        &mut self,
        entry: &Entry,
        id: Option<&RequestId<'_>>,
        backlog: (Option<MsgId>, bool),
        now: Now,
        fx: &mut Effects,
    ) {
        let user = entry.origin.user;
        self.users.get_mut(user).known = true;
        self.users.get_mut(user).last_seen_ms = now.wall_ms;
        let session = entry.origin.session;
        if let Some(lang) = self.sessions.get(session).map(|session| session.lang) {
            self.enter((session, user, lang), id, backlog, now, fx);
            fx.push(Effect::Resume(session));
        }
    }

    /// A user's session is gone.
    pub(super) fn left(&mut self, user: UserId, now: Now, fx: &mut Effects) {
        let gone = self.users.get_mut(user);
        if !gone.is_online() {
            return;
        }
        gone.delivery = Delivery::Away;
        gone.last_seen_ms = now.wall_ms;
        fx.push(Effect::LoggedOut { name: gone.name.to_string() });
        self.tell_presence(user, now, fx);
    }

    /// Sends on what waits for a session, as far as its output should take at once. Returns whether
    /// more waits. The shell calls it whenever the session's output is low, from
    /// [`Effect::Feed`] on until there is no more.
    pub fn feed(&mut self, session: SessionId, fx: &mut Effects) -> bool {
        debug_assert!(fx.is_drained(), "effects are drained after every call");
        let Some(user) = self.sessions.get(session).map(|session| session.user) else {
            return false;
        };
        let to = self.users.get_mut(user);
        let missed = match to.delivery {
            Delivery::CatchingUp(_) => true,
            Delivery::Lagging(_) => false,
            Delivery::Live(_) | Delivery::Away => return false,
        };
        let mut bytes = 0;
        while bytes < FEED_BYTES {
            let Some(event) = to.inbox.pop(&mut self.waiting) else {
                to.delivery = Delivery::Live(session);
                if missed {
                    let synced = fx.encode(&Event::Synced { cursor: to.cursor });
                    fx.send(session, synced, Class::Answer);
                }
                return false;
            };
            bytes += event.json.len();
            // What went out live and came back has no mark yet. A large one is not copied for it.
            let frame = if event.json.len() >= SHARED_FRAME_BYTES_MIN {
                Frame::Shared(event.json)
            } else if missed && !is_backlog(&event.json) {
                fx.put(&as_backlog(&event.json))
            } else {
                fx.put(&event.json)
            };
            to.cursor = to.cursor.max(event.msg_id);
            fx.send(session, frame, Class::Kept(event.msg_id));
        }
        true
    }

    /// Takes kept events back which a slow session's output had no room for: the session lags
    /// from here on, and is fed as it reads.
    pub fn undelivered(&mut self, session: SessionId, events: Vec<(MsgId, Arc<Held>)>) {
        let Some(user) = self.sessions.get(session).map(|session| session.user) else { return };
        self.put_back(user, events);
        let to = self.users.get_mut(user);
        if to.delivery == Delivery::Live(session) {
            to.delivery = Delivery::Lagging(session);
        }
    }

    /// Puts events that did not arrive where they are found again, before all that came after.
    pub(super) fn put_back(&mut self, user: UserId, events: Vec<(MsgId, Arc<Held>)>) {
        let to = self.users.get_mut(user);
        // Its reader has nothing from the first of them on.
        if let Some((first, _)) = events.iter().find(|(msg_id, _)| *msg_id > 0) {
            to.cursor = to.cursor.min(first - 1);
        }
        let events = events.into_iter().map(|(msg_id, json)| Waiting { msg_id, json }).collect();
        to.inbox.put_back(events, &mut self.waiting);
    }

    /// Answers a login, and begins with what was missed.
    fn enter(
        &mut self,
        (session, user, lang): (SessionId, UserId, Lang),
        id: Option<&RequestId<'_>>,
        (since, wants_synced): (Option<MsgId>, bool),
        now: Now,
        fx: &mut Effects,
    ) {
        let heartbeat = self.sessions.get(session).is_some_and(|s| s.features.heartbeat);
        let entering = self.users.get_mut(user);
        if let Some(since) = since {
            entering.inbox.forget_up_to(since, &mut self.waiting);
        }
        entering.last_seen_ms = now.wall_ms;
        let name = entering.name.as_str();
        fx.push(Effect::LoggedIn { session, name: name.to_owned(), heartbeat });
        let body = Body::Login {
            username: name,
            server: SERVER,
            protocol: PROTOCOL,
            token: None,
            cursor: entering.cursor,
            time: now.wall_ms,
        };
        answer_with(fx, session, "login_response", id, &text::welcome(lang, name), body);
        if entering.inbox.is_empty() {
            entering.delivery = Delivery::Live(session);
            if wants_synced {
                let synced = fx.encode(&Event::Synced { cursor: entering.cursor });
                fx.send(session, synced, Class::Answer);
            }
        } else {
            entering.delivery = Delivery::CatchingUp(session);
            fx.push(Effect::Feed(session));
        }
        self.tell_presence(user, now, fx);
    }
}

/// Says goodbye; the session ends with its connection.
pub(super) fn logout(member: Member, id: Option<&RequestId<'_>>, fx: &mut Effects) -> Done {
    let message = text::GOODBYE.get(member.lang);
    answer_with(fx, member.session, "account_response", id, message, Body::None);
    fx.push(Effect::Close(member.session));
    Done::Answered
}
