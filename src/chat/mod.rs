//! The core: who is who, who may, who gets what.
//!
//! [`Chat`] names no socket, clock, thread, random number or file. The shell calls it with a
//! decoded request and the time, and carries out the [`Effects`] it leaves. One contract holds
//! everything together: **after every call the effects are drained until none is left**; only the
//! batch of entries gathers for a turn, goes to the journal, and comes back to [`Chat::committed`].
//! What must survive is decided in `handle` and happens in `committed`: nobody is shown or told
//! anything before it is stored.

mod account;
mod changes;
mod conversation;
mod counts;
mod delivery;
mod download;
mod effect;
pub mod entry;
mod group;
mod groups;
mod held;
mod history;
#[cfg(test)]
mod inspect;
mod lists;
mod names;
mod pairs;
mod pending;
mod presence;
pub mod query;
mod rate;
mod receipts;
mod recover;
mod session;
#[cfg(test)]
mod stories;
mod time;
mod transfer;
mod tries;
mod upload;
mod users;

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use slab::Slab;

pub use counts::Counts;
pub use effect::{Check, Checked, Class, Effect, Effects, FileDone, FileJob, Frame, Save, Saved};
pub use groups::GroupId;
pub use held::{Gauge, Held};
pub use rate::{Bucket, Buckets, Rate};
pub use session::SessionId;
pub use time::Now;
pub use tries::{Arrival, Caller};
pub use upload::FileLimits;
pub use users::UserId;

use crate::limits::{ANSWERS_AWAITED_MAX, Limits};
use crate::text::{Lang, server as text};
use crate::wire::Code;
use crate::wire::event::{Answer, Body, MsgId};
use crate::wire::request::{Envelope, Login, Refusal, Request, RequestId};
use entry::{Committed, Outcome, What};
use group::Deferred;
use groups::Groups;
use pairs::Pairs;
use pending::Pending;
use session::{Session, Sessions};
use transfer::Transfer;
use tries::{Pace, Tries};
use upload::Arriving;
use users::{Standing, Users};

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
    pairs: Pairs,
    /// The highest number that was committed.
    last: MsgId,
    pending: Slab<Pending>,
    tries: Tries,
    /// Changes of groups that wait for another one of the same group.
    deferred: VecDeque<Deferred>,
    /// Users of whom the journal is to be told how far they are, and when.
    unstored: Vec<UserId>,
    seen_due_ms: Option<u64>,
    /// Messages that could not stand and are still in the journal.
    refused: Vec<MsgId>,
    /// Those of them that the journal could not forget.
    unforgotten: Vec<(UserId, MsgId)>,
    /// What was stored last, and which session wrote it.
    written: Vec<(SessionId, MsgId)>,
    /// Memory for the recipients of one event.
    targets: Vec<SessionId>,
    transfers: Slab<Transfer>,
    /// Files that come in pieces, by the number of their upload.
    uploads: BTreeMap<u64, Arriving>,
    /// Bytes of their pieces on the way to the disk.
    chunk_bytes: usize,
    file_limits: FileLimits,
    limits: Limits,
    pace: Pace,
    /// Files that the worker has.
    arriving_bytes: usize,
}

impl Chat {
    /// An empty server that speaks this language to who asked for none.
    pub fn new(lang: Lang) -> Self {
        Self {
            lang,
            sessions: Sessions::default(),
            users: Users::default(),
            groups: Groups::default(),
            pairs: Pairs::default(),
            last: 0,
            pending: Slab::new(),
            tries: Tries::default(),
            deferred: VecDeque::new(),
            unstored: Vec::new(),
            seen_due_ms: None,
            refused: Vec::new(),
            unforgotten: Vec::new(),
            written: Vec::new(),
            targets: Vec::new(),
            transfers: Slab::new(),
            uploads: BTreeMap::new(),
            chunk_bytes: 0,
            file_limits: FileLimits::default(),
            limits: Limits::default(),
            pace: Pace::of(&Limits::default()),
            arriving_bytes: 0,
        }
    }

    /// What the operator allows for files.
    pub fn set_file_limits(&mut self, limits: FileLimits) {
        self.file_limits = limits;
    }

    /// What the operator allows of everything else.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        self.pace = Pace::of(&limits);
    }

    /// Handles one request of one connection.
    pub fn handle(
        &mut self,
        session: SessionId,
        arrival: Arrival<'_>,
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
        let is_file = matches!(request, Ok(Request::File(_) | Request::SendFile { .. }));
        let Arrival { caller, bytes } = arrival;
        let too_much = !is_file && !caller.may_send(bytes, &self.pace, now);
        let handled = match request {
            // No request that anybody could be allowed or refused.
            Err(refusal) if answer == "error" && refusal.code != Code::UnknownType => Err(refusal),
            _ if too_much => Err(Code::RateLimited.into()),
            Ok(Request::Ping) => Ok(Done::Say(text::DONE.get(lang).into())),
            Ok(Request::HeartbeatAck) => Ok(Done::Silent),
            request => match (self.member(session), request) {
                (None, Ok(Request::Login(login))) => {
                    let from = caller.address();
                    self.login((session, from), id, &login, lang, now, fx)
                }
                (None, Err(refusal)) if answer == "login_response" => Err(refusal),
                (None, _) => Err(Code::NotLoggedIn.into()),
                (Some(_), Err(refusal)) => Err(refusal),
                (Some(_), Ok(Request::Login(_))) => Err(Code::AlreadyLoggedIn.into()),
                (Some(member), Ok(request)) => {
                    if speakers.iter().flatten().all(|name| self.is_called(member.user, name)) {
                        self.handle_member(member, caller, id, request, now, fx)
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
                let crowded = self.sessions.get_mut(session).is_some_and(|session| {
                    session.awaiting += 1;
                    session.crowded |= session.awaiting >= ANSWERS_AWAITED_MAX;
                    session.crowded
                });
                if crowded || matches!(done, Done::LaterInOrder) {
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

    /// Tells a connection that the server stops, and after how long to come back.
    pub fn shut_down(&self, session: SessionId, retry_ms: u64, fx: &mut Effects) {
        let (code, lang) = (Code::ShuttingDown, self.lang_of(session));
        fx.counts.refused(code);
        let message = text::refusal(lang, code, None);
        let body = Body::Retry { retry_ms };
        let answer = Answer { kind: "error", code: Some(code), message: &message, id: None, body };
        let frame = fx.encode(&answer);
        fx.send(session, frame, Class::Answer);
    }

    /// Carries out what has been stored: delivers and answers.
    pub fn committed(&mut self, committed: &mut Committed, now: Now, fx: &mut Effects) {
        debug_assert!(fx.is_drained(), "effects are drained after every call");
        // What is told now and what is read back later is of the same time.
        let now = Now { wall_ms: committed.batch.wall_ms, ..now };
        self.written.clear();
        for at in 0..committed.outcomes.len() {
            let Some(&outcome) = committed.outcomes.get(at) else { break };
            let data = committed.batch.take_file_data(at);
            let Some(entry) = committed.batch.entries().get(at) else { break };
            // A change goes on to be read again, an upload to the disk; they are answered after that.
            if !matches!(entry.what, What::Changed { .. } | What::Upload(_)) {
                self.no_longer_awaits(entry.origin.session, fx);
            }
            let id = committed.batch.request_id(entry);
            let id = id.as_ref();
            let known = match outcome {
                Outcome::Stored(number) => Ok((number, true)),
                Outcome::Duplicate(msg_id) => Ok((msg_id, false)),
                Outcome::Conflict => Err(Code::IdConflict),
                Outcome::Failed(code) => Err(code),
            };
            if let Ok((number, true)) = known {
                self.last = self.last.max(number);
            }
            match &entry.what {
                What::Account(account) => {
                    self.account_stored(entry, account.token, known, now, fx);
                }
                What::Credential(credential) => {
                    self.credential_stored(entry, id, credential, known, now, fx);
                }
                What::Message { content, .. } => {
                    let content = committed.batch.text(content);
                    self.message_stored(entry, id, content, known, now, fx);
                }
                What::File { .. } => self.file_stored(entry, id, &data, known, now, fx),
                What::Upload(upload) => {
                    self.upload_stored(entry, upload, id, known, now, fx);
                }
                What::UploadGone(_) if entry.origin.session == SessionId::NOBODY => {}
                What::UploadGone(_) => self.upload_gone(entry.origin.session, id, known, fx),
                What::Group { .. } => self.group_stored(entry, id, known, now, fx),
                What::Changed { .. } => self.change_stored(entry, id, known, fx),
                What::Seen { cursor, .. } => {
                    self.seen_stored(entry, *cursor, known.is_ok(), now, fx);
                }
                What::Read { .. } => self.read_stored(entry, known.is_ok(), fx),
                What::Forget(msg_id) => self.forgotten(entry, *msg_id, known.is_ok(), now),
            }
        }
    }

    /// A connection is gone.
    pub fn disconnected(&mut self, session: SessionId, now: Now, fx: &mut Effects) {
        debug_assert!(fx.is_drained(), "effects are drained after every call");
        self.tries.forget(session);
        match self.sessions.remove(session) {
            Some(gone) => self.left(&gone, session, now, fx),
            None => self.give_up_login(session),
        }
    }

    /// Whether a session still has something to come that nobody else will remind of.
    pub fn is_awaiting(&self, session: SessionId) -> bool {
        let fed = self
            .sessions
            .get(session)
            .is_some_and(|seated| seated.behind.is_some() || !seated.downloads.is_empty());
        fed || self.is_awaiting_answers(session)
    }

    /// The same, without what a session can be sent the next time.
    pub fn is_awaiting_answers(&self, session: SessionId) -> bool {
        match self.sessions.get(session) {
            Some(seated) => seated.awaiting > 0 || seated.entering.is_some(),
            None => self.is_logging_in(session),
        }
    }

    fn handle_member(
        &mut self,
        member: Member,
        caller: &mut Caller,
        id: Option<&RequestId<'_>>,
        request: Request<'_>,
        now: Now,
        fx: &mut Effects,
    ) -> Handled {
        if matches!(request, Request::Message { .. } | Request::Change { .. })
            && !caller.may_write(&self.pace, now)
        {
            return Err(Code::RateLimited.into());
        }
        match request {
            Request::Message { to, content, reply_to } => {
                self.message(member, id, &to, &content, reply_to, fx)
            }
            Request::File(request) => self.file_request(member, id, request, fx),
            Request::SendFile { to, filename, data } => {
                self.send_file(member, id, &to, &filename, data, fx)
            }
            Request::Group { name, what } => self.group_request(member, id, &name, &what, fx),
            Request::Typing(to) => Ok(self.typing(member, &to, now, fx)),
            Request::ListUsers { all } => Ok(self.list_users(member, id, all, fx)),
            Request::ListGroups => Ok(self.list_groups(member, id, fx)),
            Request::Logout { everywhere } => Ok(self.logout(member, id, everywhere, fx)),
            Request::SetPassword { password, old_password } => {
                let passwords = (&password, old_password.as_ref());
                self.set_password((member, caller.address()), id, passwords, now, fx)
            }
            Request::Received { msg_id } => Ok(self.received(member, msg_id, now)),
            Request::Read { place, msg_id } => Ok(self.read(member, &place, msg_id, fx)),
            Request::Change { msg_id, what } => Ok(self.change(member, id, msg_id, &what, fx)),
            Request::History { place, at, limit } => {
                self.history(member, id, &place, (at, limit), now, fx)
            }
            Request::Search { query, place, limit } => {
                self.search(member, id, (&query, place.as_ref(), limit), fx)
            }
            Request::ListConversations => Ok(self.list_conversations(member, id, fx)),
            // Told apart in `handle`, before it is known who speaks.
            Request::Login(_) | Request::Ping | Request::HeartbeatAck => Ok(Done::Silent),
        }
    }

    fn member(&self, session: SessionId) -> Option<Member> {
        let Session { user, lang, ref entering, .. } = *self.sessions.get(session)?;
        let known = self.users.get(user).standing == Standing::Known && entering.is_none();
        known.then_some(Member { session, user, lang })
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
    fx.counts.refused(refusal.code);
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
