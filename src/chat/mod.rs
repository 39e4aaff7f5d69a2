//! The core: who is who, who may, who gets what.
//!
//! [`Chat`] names no socket, clock, thread, random number or file. The shell calls it with a
//! decoded request and the time, and carries out the [`Effects`] it leaves. One contract holds
//! everything together: **after every call the effects are drained until none is left**; only the
//! batch of entries gathers for a turn, goes to the journal, and comes back to [`Chat::committed`].
//! What must survive is decided in `handle` and happens in `committed`: nobody is shown or told
//! anything before it is stored.

mod account;
mod conversation;
mod effect;
pub mod entry;
mod group;
mod held;
mod inbox;
mod lists;
mod names;
mod presence;
pub mod query;
mod session;
#[cfg(test)]
mod stories;
mod time;
mod transfer;
mod users;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use slab::Slab;

pub use effect::{Class, Effect, Effects, Frame, Save, Saved};
pub use group::GroupId;
pub use held::{Gauge, Held};
pub use session::SessionId;
pub use time::Now;
pub use users::UserId;

use crate::text::{Lang, server as text};
use crate::wire::Code;
use crate::wire::event::{Answer, Body, MsgId};
use crate::wire::request::{Envelope, Login, Refusal, Request, RequestId};
use entry::{Committed, Outcome, What};
use group::Groups;
use inbox::Total;
use session::{Session, Sessions};
use transfer::Transfer;
use users::Users;

/// Whether a connection's next request may be handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// At once.
    Continue,
    /// After [`Effect::Resume`]: what was asked for changes what the next one means, and is not
    /// stored yet.
    Wait,
}

/// How a handler leaves its request.
enum Done {
    /// Answered by one sentence.
    Say(Cow<'static, str>),
    /// Answered by the handler itself.
    Answered,
    /// Never answered.
    Silent,
    /// Answered when its entry is stored or its file kept.
    Later,
    /// The same, and the session's next request waits for it.
    LaterInOrder,
}

type Handled = Result<Done, Refusal>;

/// A session that has a user, as the handlers know it.
#[derive(Clone, Copy, Debug)]
struct Member {
    session: SessionId,
    user: UserId,
    lang: Lang,
}

/// Everything the server knows.
#[derive(Debug)]
pub struct Chat {
    lang: Lang,
    sessions: Sessions,
    users: Users,
    groups: Groups,
    /// The newest message of each private conversation.
    conversations: HashMap<(UserId, UserId), MsgId, RandomState>,
    transfers: Slab<Transfer>,
    /// Files that the worker has.
    arriving_bytes: usize,
    waiting: Total,
    /// Events for which an inbox had no room, for the shell to tell the operator.
    untaken: u64,
}

impl Chat {
    /// An empty server that speaks this language to who asked for none.
    pub fn new(lang: Lang) -> Self {
        Self {
            lang,
            sessions: Sessions::default(),
            users: Users::default(),
            groups: Groups::default(),
            conversations: HashMap::default(),
            transfers: Slab::new(),
            arriving_bytes: 0,
            waiting: Total::default(),
            untaken: 0,
        }
    }

    /// Handles one request of one connection.
    pub fn handle(
        &mut self,
        session: SessionId,
        envelope: Envelope<'_>,
        now: Now,
        fx: &mut Effects,
    ) -> Flow {
        debug_assert!(fx.is_drained(), "effects are drained after every call");
        let Envelope { id, answer, speakers, request } = envelope;
        let id = id.as_ref();
        let lang = match &request {
            Ok(Request::Login(Login { lang: Some(lang), .. })) => lang.parse().unwrap_or(self.lang),
            _ => self.lang_of(session),
        };
        let handled = match request {
            // No request that anybody could be allowed or refused.
            Err(refusal) if answer == "error" && refusal.code != Code::UnknownType => Err(refusal),
            Ok(Request::Ping) => Ok(Done::Say(text::DONE.get(lang).into())),
            Ok(Request::HeartbeatAck) => Ok(Done::Silent),
            request => match (self.member(session), request) {
                (None, Ok(Request::Login(login))) => self.login(session, id, &login, lang, now, fx),
                (None, Err(refusal)) if answer == "login_response" => Err(refusal),
                (None, _) => Err(Code::NotLoggedIn.into()),
                (Some(_), Err(refusal)) => Err(refusal),
                (Some(_), Ok(Request::Login(_))) => Err(Code::AlreadyLoggedIn.into()),
                (Some(member), Ok(request)) => {
                    if speakers.iter().flatten().all(|name| self.is_called(member.user, name)) {
                        self.handle_member(member, id, request, now, fx)
                    } else {
                        Err(Code::SenderMismatch.into())
                    }
                }
            },
        };
        match handled {
            Ok(Done::Say(message)) => {
                answer_with(fx, session, answer, id, &message, Body::None);
            }
            Ok(Done::Answered | Done::Silent) => {}
            Ok(done @ (Done::Later | Done::LaterInOrder)) => {
                if let Some(session) = self.sessions.get_mut(session) {
                    session.awaiting += 1;
                }
                if matches!(done, Done::LaterInOrder) {
                    return Flow::Wait;
                }
            }
            Err(refusal) => refuse(fx, session, answer, id, lang, refusal),
        }
        Flow::Continue
    }

    /// Refuses bytes that are no request.
    pub fn refuse_frame(&self, session: SessionId, code: Code, fx: &mut Effects) {
        refuse(fx, session, "error", None, self.lang_of(session), code.into());
    }

    /// Carries out what has been stored: delivers and answers. An outcome that cannot stand, because
    /// what it was decided on holds no more, becomes [`Outcome::Refused`].
    pub fn committed(&mut self, committed: &mut Committed, now: Now, fx: &mut Effects) {
        debug_assert!(fx.is_drained(), "effects are drained after every call");
        // What could not stand, and why: a duplicate of it in the same batch does not stand either.
        let mut refused: Vec<(MsgId, Code)> = Vec::new();
        for at in 0..committed.outcomes.len() {
            let Some(&outcome) = committed.outcomes.get(at) else { break };
            let data = committed.batch.take_file_data(at);
            let Some(entry) = committed.batch.entries().get(at) else { break };
            if let Some(session) = self.sessions.get_mut(entry.origin.session) {
                session.awaiting = session.awaiting.saturating_sub(1);
            }
            let id = committed.batch.request_id(entry);
            let known = match outcome {
                Outcome::Stored(msg_id) => Ok((msg_id, true)),
                Outcome::Duplicate(msg_id) => refused
                    .iter()
                    .find(|(number, _)| *number == msg_id)
                    .map_or(Ok((msg_id, false)), |(_, code)| Err(*code)),
                Outcome::Conflict => Err(Code::IdConflict),
                // The core's own word, which the journal never says.
                Outcome::Refused => Err(Code::Internal),
                Outcome::Failed(code) => Err(code),
            };
            let stands = match &entry.what {
                What::Account(_) => {
                    self.account_stored(entry, id.as_ref(), (None, false), now, fx);
                    Ok(())
                }
                What::Credential(_)
                | What::Changed { .. }
                | What::Seen { .. }
                | What::Read { .. }
                | What::Forget(_) => Ok(()),
                What::Message { content, .. } => {
                    let content = committed.batch.text(content);
                    self.message_stored(entry, id.as_ref(), content, known, now, fx)
                }
                What::File { .. } => self.file_stored(entry, id.as_ref(), &data, known, now, fx),
                What::Group { .. } => {
                    self.group_stored(entry, id.as_ref(), now, fx);
                    Ok(())
                }
            };
            if let (Err(code), Outcome::Stored(msg_id)) = (stands, outcome) {
                refused.push((msg_id, code));
                committed.outcomes[at] = Outcome::Refused;
            }
        }
    }

    /// A connection is gone, and these kept events, oldest first, did not leave with it whole.
    pub fn disconnected(
        &mut self,
        session: SessionId,
        unsent: Vec<(MsgId, Arc<Held>)>,
        now: Now,
        fx: &mut Effects,
    ) {
        debug_assert!(fx.is_drained(), "effects are drained after every call");
        if let Some(gone) = self.sessions.remove(session) {
            self.put_back(gone.user, unsent);
            self.left(gone.user, now, fx);
        }
    }

    /// Whether a session still has answers to come that nobody else will remind of.
    pub fn is_awaiting(&self, session: SessionId) -> bool {
        self.sessions.get(session).is_some_and(|session| session.awaiting > 0)
    }

    /// Events to members of groups for which an inbox had no room, since the last call.
    pub fn take_untaken(&mut self) -> u64 {
        std::mem::take(&mut self.untaken)
    }

    fn handle_member(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        request: Request<'_>,
        now: Now,
        fx: &mut Effects,
    ) -> Handled {
        match request {
            Request::Message { to, content, reply_to } => {
                self.message(member, id, &to, &content, reply_to, fx)
            }
            Request::SendFile { to, filename, data } => {
                self.send_file(member, id, &to, &filename, data, fx)
            }
            Request::Group { name, what } => self.group_request(member, id, &name, &what, fx),
            Request::Typing(to) => Ok(self.typing(member, &to, now, fx)),
            Request::ListUsers { all } => Ok(self.list_users(member, id, all, fx)),
            Request::ListGroups => Ok(self.list_groups(member, id, fx)),
            Request::Logout { .. } => Ok(account::logout(member, id, fx)),
            Request::SetPassword { .. }
            | Request::Received { .. }
            | Request::Read { .. }
            | Request::Change { .. }
            | Request::History { .. }
            | Request::Search { .. }
            | Request::ListConversations => Err(Code::UnknownType.into()),
            // Told apart in `handle`, before it is known who speaks.
            Request::Login(_) | Request::Ping | Request::HeartbeatAck => Ok(Done::Silent),
        }
    }

    fn member(&self, session: SessionId) -> Option<Member> {
        let Session { user, lang, .. } = *self.sessions.get(session)?;
        self.users.get(user).known.then_some(Member { session, user, lang })
    }

    fn lang_of(&self, session: SessionId) -> Lang {
        self.sessions.get(session).map_or(self.lang, |session| session.lang)
    }

    /// Whether a name, as a client spells it, is this user's.
    fn is_called(&self, user: UserId, name: &str) -> bool {
        self.users.get(user).name.as_str() == name || self.users.find(name) == Some(user)
    }
}

/// Answers a request that was not done.
fn refuse(
    fx: &mut Effects,
    session: SessionId,
    kind: &str,
    id: Option<&RequestId<'_>>,
    lang: Lang,
    refusal: Refusal,
) {
    let message = text::refusal(lang, refusal.code, refusal.field);
    let answer = Answer { kind, code: Some(refusal.code), message: &message, id, body: Body::None };
    let frame = fx.encode(&answer);
    fx.send(session, frame, Class::Answer);
}

/// Answers a request that was done. Here alone the request's `id` is attached.
fn answer_with(
    fx: &mut Effects,
    session: SessionId,
    kind: &str,
    id: Option<&RequestId<'_>>,
    message: &str,
    body: Body<'_>,
) {
    let answer = Answer { kind, code: None, message, id, body };
    let frame = fx.encode(&answer);
    fx.send(session, frame, Class::Answer);
}
