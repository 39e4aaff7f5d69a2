//! Logging in and out: whose name it is, and how it is proven.

use sha2::{Digest, Sha256};

use super::entry::{Account, Credential, Entry, TokenHash, What};
use super::pending::Pending;
use super::session::{Behind, Session};
use super::tries::Try;
use super::users::{Seat, Standing};
use super::{
    Chat, Check, Class, Done, Effect, Effects, Handled, Member, Now, SessionId, UserId,
    answer_with, refuse,
};
use crate::limits::TOKENS_PER_USER_MAX;
use crate::sabotage::{self, Sabotage};
use crate::text::{Lang, server as text};
use crate::wire::event::{Body, Event, MsgId};
use crate::wire::name::UserName;
use crate::wire::request::{Features, Login, RequestId};
use crate::wire::{Code, Text};

/// What the server calls itself.
const SERVER: &str = concat!("papo ", env!("CARGO_PKG_VERSION"));

/// The version of PROTOCOL.md.
const PROTOCOL: u64 = 1;

/// A login that is not finished.
#[derive(Debug)]
pub(super) struct Entering {
    pub session: SessionId,
    pub id: Option<RequestId<'static>>,
    username: String,
    pub lang: Lang,
    since: Option<MsgId>,
    features: Option<Features>,
    want_token: bool,
    /// A token of this name came along.
    token: Option<(String, TokenHash)>,
    /// A password of this name came along, so it is not entered as anybody's.
    proven: bool,
    /// From where it comes, if that counts.
    from: Option<u64>,
    /// The password that is looked at.
    tried: Option<Try>,
}

impl Chat {
    pub(super) fn login(
        &mut self,
        (session, from): (SessionId, Option<u64>),
        id: Option<&RequestId<'_>>,
        login: &Login<'_>,
        lang: Lang,
        now: Now,
        fx: &mut Effects,
    ) -> Handled {
        let found = self.users.find_known(&login.username);
        let mut entering = Box::new(Entering {
            session,
            id: id.cloned().map(RequestId::into_owned),
            username: login.username.to_string(),
            lang,
            since: login.since,
            features: login.features,
            want_token: login.want_token,
            token: None,
            proven: false,
            from,
            tried: None,
        });
        if login.token.is_some() || login.password.is_some() {
            // A token cannot be guessed: who has one comes in, however many others guess at passwords.
            if let Some(token) = &login.token
                && let Some(found) = found
                && let hash = TokenHash::from(Sha256::digest(token.as_bytes()))
                && self.users.get(found).tokens.contains(&hash)
            {
                entering.token = Some((token.to_string(), hash));
                entering.proven = true;
            } else if let Some(password) = &login.password {
                let against = found.and_then(|found| self.users.get(found).password.clone());
                let tried = self.tries.begin(from, &login.username, &self.limits, now);
                entering.tried = Some(tried);
                let ticket = self.pend(Pending::Login(entering));
                let password = password.to_string();
                let not_before_ms = tried.not_before_ms;
                fx.check(Check::Password { ticket, password, against, not_before_ms, from });
                return Ok(Done::LaterInOrder);
            } else {
                self.refuse_password((session, lang), "login_response", id, fx);
                return Ok(Done::Answered);
            }
        } else if found.is_some_and(|found| self.users.get(found).claimed) {
            return Err(Code::AuthRequired.into());
        }
        Ok(self.admit(entering, now, fx)?)
    }

    /// A password that came with a login was checked.
    pub(super) fn password_checked(
        &mut self,
        mut entering: Box<Entering>,
        right: bool,
        now: Now,
        fx: &mut Effects,
    ) {
        let (session, lang, id) = (entering.session, entering.lang, entering.id.clone());
        if right {
            self.take_back(&entering);
            entering.proven = true;
            match self.admit(entering, now, fx) {
                Ok(Done::LaterInOrder) => return,
                Ok(_) => {}
                Err(code) => refuse(fx, session, "login_response", id.as_ref(), lang, code.into()),
            }
        } else {
            self.refuse_password((session, lang), "login_response", id.as_ref(), fx);
        }
        fx.push(Effect::Resume(session));
    }

    /// The password of a login was right, or was not looked at.
    pub(super) fn take_back(&mut self, entering: &Entering) {
        if let Some(tried) = entering.tried {
            self.tries.take_back(tried, &entering.username, &self.limits);
        }
    }

    /// A connection came with a wrong password or token. With its last one it is closed.
    fn refuse_password(
        &mut self,
        (session, lang): (SessionId, Lang),
        kind: &str,
        id: Option<&RequestId<'_>>,
        fx: &mut Effects,
    ) {
        if self.tries.was_wrong(session, &self.limits) {
            refuse(fx, session, kind, id, lang, Code::TooManyAttempts.into());
            fx.push(Effect::Reject(session));
        } else {
            refuse(fx, session, kind, id, lang, Code::WrongPassword.into());
        }
    }

    /// Lets a login in that may come in, as far as that goes without the journal.
    fn admit(&mut self, entering: Box<Entering>, now: Now, fx: &mut Effects) -> Result<Done, Code> {
        let user = if let Some(found) = self.users.find(&entering.username) {
            let user = self.users.get(found);
            let taken = match user.standing {
                Standing::Free => false,
                Standing::Entering => true,
                Standing::Known => !entering.proven && (user.claimed || user.is_online()),
            };
            if taken {
                return Err(Code::NameInUse);
            }
            if user.seats.len() >= self.limits.sessions_per_user_max {
                return Err(Code::TooManySessions);
            }
            if user.standing == Standing::Free {
                self.may_register(&entering, now)?;
            }
            found
        } else {
            let name = UserName::parse(&entering.username).map_err(|_| Code::InvalidName)?;
            self.users.may_be_made(&name)?;
            self.may_register(&entering, now)?;
            self.users.create(name)?
        };
        let Entering { session, lang, features, want_token, .. } = *entering;
        let mut seated = Session::new(session, user, lang, features);
        seated.wants_synced |= entering.since.is_some();
        seated.token = entering.token.as_ref().map(|(_, hash)| *hash);
        let has_token = seated.token.is_some();
        seated.entering = Some(entering);
        self.sessions.insert(seated);
        let entered = self.users.get_mut(user);
        entered.seats.push(Seat { session, live: false });
        let new = entered.standing != Standing::Known;
        if new {
            entered.standing = Standing::Entering;
        }
        if want_token && !has_token {
            let ticket = self.pend(Pending::Token(session, user));
            fx.check(Check::Token(ticket));
        } else if new {
            self.enroll((session, user), None, fx);
        } else {
            self.enter(session, now, fx);
            return Ok(Done::Answered);
        }
        Ok(Done::LaterInOrder)
    }

    /// Whether a new name may be made from where a login comes.
    fn may_register(&mut self, entering: &Entering, now: Now) -> Result<(), Code> {
        let may = self.tries.may_register(entering.from, &self.limits, now);
        if may { Ok(()) } else { Err(Code::RateLimited) }
    }

    /// A token was made for a login.
    pub(super) fn token_made(
        &mut self,
        (session, user): (SessionId, UserId),
        token: String,
        hash: TokenHash,
        fx: &mut Effects,
    ) {
        let Some(seated) = self.sessions.get_mut(session) else {
            // Its connection is gone, and nothing of it is on its way.
            return self.release(user);
        };
        seated.token = Some(hash);
        if let Some(entering) = &mut seated.entering {
            entering.token = Some((token, hash));
        }
        if self.users.get(user).standing == Standing::Known {
            fx.batch.push((session, user), None, What::Credential(Credential::Token(hash)));
        } else {
            self.enroll((session, user), Some(hash), fx);
        }
    }

    fn enroll(
        &mut self,
        (session, user): (SessionId, UserId),
        token: Option<TokenHash>,
        fx: &mut Effects,
    ) {
        let name = self.users.get(user).name.clone();
        let what = What::Account(Box::new(Account { name, token }));
        fx.batch.push((session, user), None, what);
    }

    /// A new user's account is stored, or is not.
    pub(super) fn account_stored(
        &mut self,
        entry: &Entry,
        token: Option<TokenHash>,
        known: Result<(MsgId, bool), Code>,
        now: Now,
        fx: &mut Effects,
    ) {
        let user = self.users.get_mut(entry.origin.user);
        if known.is_ok() {
            user.standing = Standing::Known;
            user.last_seen_ms = now.wall_ms;
            user.tokens.extend(token);
            user.claimed |= token.is_some();
        }
        self.login_stored(entry, known, now, fx);
    }

    /// A change of how a user proves who it is is stored, or is not.
    pub(super) fn credential_stored(
        &mut self,
        entry: &Entry,
        id: Option<&RequestId<'_>>,
        credential: &Credential,
        known: Result<(MsgId, bool), Code>,
        now: Now,
        fx: &mut Effects,
    ) {
        let session = entry.origin.session;
        let user = self.users.get_mut(entry.origin.user);
        match (credential, known) {
            (Credential::Token(hash), _) => {
                if known.is_ok() {
                    user.claimed = true;
                    user.tokens.push(*hash);
                    let over = user.tokens.len().saturating_sub(TOKENS_PER_USER_MAX as usize);
                    user.tokens.drain(..over);
                }
                return self.login_stored(entry, known, now, fx);
            }
            (_, Err(code)) => {
                let lang = self.lang_of(session);
                refuse(fx, session, "account_response", id, lang, code.into());
            }
            (Credential::Password(password), Ok(_)) => {
                user.password = Some(password.clone());
                user.claimed = true;
                let said = text::PASSWORD_SET.get(self.lang_of(session));
                answer_with(fx, session, "account_response", id, said, Body::None);
            }
            (Credential::Revoked(hash), Ok(_)) => {
                user.tokens.retain(|token| token != hash);
                self.goodbye(session, id, fx);
            }
            (Credential::AllRevoked, Ok(_)) => {
                user.tokens.clear();
                let others: Vec<SessionId> = user.seats.iter().map(|seat| seat.session).collect();
                for other in others.into_iter().filter(|other| *other != session) {
                    let lang = self.lang_of(other);
                    refuse(fx, other, "error", None, lang, Code::AuthRequired.into());
                    self.close(other, fx);
                }
                self.goodbye(session, id, fx);
            }
        }
        fx.push(Effect::Resume(session));
    }

    /// What a login waited for is stored, or is not.
    fn login_stored(
        &mut self,
        entry: &Entry,
        known: Result<(MsgId, bool), Code>,
        now: Now,
        fx: &mut Effects,
    ) {
        let (session, user) = (entry.origin.session, entry.origin.user);
        if self.sessions.get(session).is_none() {
            // Its connection is gone. A name that was not stored is anybody's.
            self.release(user);
            return;
        }
        match known {
            Ok(_) => self.enter(session, now, fx),
            Err(code) => self.refuse_login((session, user), code, fx),
        }
        fx.push(Effect::Resume(session));
    }

    /// A login comes to nothing: its connection has no user any more.
    pub(super) fn refuse_login(
        &mut self,
        (session, user): (SessionId, UserId),
        code: Code,
        fx: &mut Effects,
    ) {
        if let Some(seated) = self.sessions.remove(session) {
            let id = seated.entering.as_ref().and_then(|entering| entering.id.as_ref());
            refuse(fx, session, "login_response", id, seated.lang, code.into());
        }
        self.users.get_mut(user).seats.retain(|seat| seat.session != session);
        self.release(user);
    }

    /// A login came to nothing before its account was stored.
    pub(super) fn release(&mut self, user: UserId) {
        let user = self.users.get_mut(user);
        if user.standing == Standing::Entering && user.seats.is_empty() {
            user.standing = Standing::Free;
        }
    }

    /// Answers a login, and begins with what was missed.
    fn enter(&mut self, session: SessionId, now: Now, fx: &mut Effects) {
        let Some(seated) = self.sessions.get_mut(session) else { return };
        let Some(entering) = seated.entering.take() else { return };
        let Session { user, lang, wants_synced, .. } = *seated;
        let heartbeat = seated.knows(|features| features.heartbeat);
        let since = entering.since.map(|since| since.min(self.last));
        let position = since.unwrap_or(self.users.get(user).cursor);
        let position = position + u64::from(sabotage::is(Sabotage::CursorOffByOne));
        let missed = self.has_missed(user, position);
        // Who missed nothing has everything.
        self.has_received(user, if missed { position } else { self.last }, now);
        let entered = self.users.get_mut(user);
        entered.last_seen_ms = now.wall_ms;
        let first = entered.seats.len() == 1;
        let own_from = if since.is_some() && entered.claimed { 0 } else { self.last };
        let name = entered.name.as_str().to_owned();
        fx.push(Effect::LoggedIn { session, name: name.clone(), heartbeat });
        let body = Body::Login {
            username: &name,
            server: SERVER,
            protocol: PROTOCOL,
            token: entering.token.as_ref().map(|(token, _)| token.as_str()),
            cursor: entered.cursor,
            time: now.wall_ms,
        };
        let said = text::welcome(lang, &name);
        answer_with(fx, session, "login_response", entering.id.as_ref(), &said, body);
        let behind = Behind::at(position, true, own_from);
        if missed {
            if let Some(seated) = self.sessions.get_mut(session) {
                seated.behind = Some(Box::new(behind));
            }
            fx.push(Effect::Feed(session));
        } else {
            self.users.get_mut(user).set_live(session, true);
            if wants_synced {
                let synced = fx.encode(&Event::Synced { cursor: self.last });
                fx.send(session, synced, Class::Fed(self.last));
            }
        }
        if first {
            self.tell_presence(user, now, fx);
        }
    }

    /// A session is gone: its user too, if it was the last.
    pub(super) fn left(&mut self, gone: &Session, session: SessionId, now: Now, fx: &mut Effects) {
        let user = self.users.get_mut(gone.user);
        user.seats.retain(|seat| seat.session != session);
        if gone.entering.is_some() {
            // Its entry may be on its way: then `login_stored` sees that nobody is there.
            return;
        }
        if user.is_online() {
            return;
        }
        user.last_seen_ms = now.wall_ms;
        fx.push(Effect::LoggedOut { name: user.name.to_string() });
        self.note_seen(gone.user, now);
        self.tell_presence(gone.user, now, fx);
    }

    /// Says goodbye; the session ends with its connection. Its token is good no more.
    pub(super) fn logout(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        everywhere: bool,
        fx: &mut Effects,
    ) -> Done {
        let token = self.sessions.get(member.session).and_then(|session| session.token);
        let credential = match token {
            _ if everywhere => Credential::AllRevoked,
            Some(token) => Credential::Revoked(token),
            None => {
                self.goodbye(member.session, id, fx);
                return Done::Answered;
            }
        };
        fx.batch.push((member.session, member.user), id, What::Credential(credential));
        Done::LaterInOrder
    }

    /// Asks for a password to be kept.
    pub(super) fn set_password(
        &mut self,
        (member, from): (Member, Option<u64>),
        id: Option<&RequestId<'_>>,
        (password, old): (&Text<'_>, Option<&Text<'_>>),
        now: Now,
        fx: &mut Effects,
    ) -> Handled {
        let user = self.users.get(member.user);
        let old = match (&user.password, old) {
            (None, _) => None,
            (Some(_), None) => return Err(Code::WrongPassword.into()),
            (Some(kept), Some(old)) => Some((old.to_string(), kept.clone())),
        };
        let id = id.cloned().map(RequestId::into_owned);
        let tried = old.is_some().then(|| {
            let name = self.users.get(member.user).name.as_str();
            self.tries.begin(from, name, &self.limits, now)
        });
        let not_before_ms = tried.map_or(0, |tried| tried.not_before_ms);
        let ticket = self.pend(Pending::NewPassword(member, id, tried));
        let password = password.to_string();
        fx.check(Check::NewPassword { ticket, password, old, not_before_ms, from });
        Ok(Done::LaterInOrder)
    }

    /// A password to be kept was hashed, unless the old one was wrong.
    pub(super) fn password_made(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        tried: Option<Try>,
        password: Option<String>,
        fx: &mut Effects,
    ) {
        if let Some(password) = password {
            self.take_back_of(member.user, tried);
            let what = What::Credential(Credential::Password(password));
            fx.batch.push((member.session, member.user), id, what);
            return;
        }
        self.refuse_password((member.session, member.lang), "account_response", id, fx);
        self.answered(member.session, fx);
    }

    /// The old password of a user was right, or was not looked at.
    pub(super) fn take_back_of(&mut self, user: UserId, tried: Option<Try>) {
        if let Some(tried) = tried {
            self.tries.take_back(tried, self.users.get(user).name.as_str(), &self.limits);
        }
    }

    fn goodbye(&mut self, session: SessionId, id: Option<&RequestId<'_>>, fx: &mut Effects) {
        let said = text::GOODBYE.get(self.lang_of(session));
        answer_with(fx, session, "account_response", id, said, Body::None);
        self.close(session, fx);
    }

    /// Who goes wants no more: what was not read waits in the journal.
    pub(super) fn close(&mut self, session: SessionId, fx: &mut Effects) {
        if let Some(seated) = self.sessions.get_mut(session) {
            seated.behind = None;
            self.users.get_mut(seated.user).set_live(session, false);
        }
        fx.push(Effect::Close(session));
    }
}
