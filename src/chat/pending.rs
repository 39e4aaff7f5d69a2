//! Questions on their way: to the journal, to the one who hashes. Each has a ticket, and is asked
//! for somebody who may be gone when the answer comes.

use super::account::Entering;
use super::changes::Asked;
use super::delivery::Page;
use super::history::Told;
use super::query::{Fetched, Row, Ticket};
use super::tries::Try;
use super::{Chat, Checked, Effect, Effects, Member, Now, SessionId, UserId, refuse};
use crate::wire::Code;
use crate::wire::event::MsgId;
use crate::wire::request::{RequestId, Target};

type Label = Option<RequestId<'static>>;

/// What an answer is for.
#[derive(Debug)]
pub(super) enum Pending {
    /// Whether the password of a login is right.
    Login(Box<Entering>),
    /// The same, of a connection that is gone. Its ticket is not free before the answer has come: the
    /// next login would take the answer for its own.
    Gone,
    /// A token for a login of this user.
    Token(SessionId, UserId),
    /// A password to be kept.
    NewPassword(Member, Label, Option<Try>),
    /// A page of what a session missed.
    Missed(SessionId, Page),
    /// A page of a conversation.
    History(Member, Label, Box<Target<'static>>),
    /// Messages with certain words.
    Search(Member, Label),
    /// The newest messages of these conversations.
    Conversations(Member, Label, Vec<super::query::Scope>),
    /// A message that is to be changed.
    Change(Member, Label, Box<Asked>),
    /// A piece of a file on its way to the disk.
    Chunk { member: Member, label: Label, file_id: u64, held_bytes: usize, hold: bool },
    /// The message of a file whose upload is not there any more.
    Ended(Member, Label),
    /// The message of a file that somebody wants: from where, how much.
    Get(Member, Label, (u64, Option<u64>)),
    /// A message that was changed under this number, for those who are to be told how.
    Changed(Member, Label, MsgId, Told),
}

impl Pending {
    fn is_login_of(&self, session: SessionId) -> bool {
        matches!(self, Pending::Login(entering) if entering.session == session)
    }
}

impl Chat {
    /// Remembers what an answer is for.
    pub(super) fn pend(&mut self, pending: Pending) -> Ticket {
        Ticket(self.pending.insert(pending))
    }

    /// Whether anybody still waits for this answer.
    pub fn is_awaited(&self, ticket: Ticket) -> bool {
        match self.pending.get(ticket.0) {
            None | Some(Pending::Gone) => false,
            Some(Pending::NewPassword(member, ..)) => self.sessions.get(member.session).is_some(),
            Some(_) => true,
        }
    }

    /// Whether a login is on its way, of a connection that has no user yet.
    pub(super) fn is_logging_in(&self, session: SessionId) -> bool {
        self.pending.iter().any(|(_, pending)| pending.is_login_of(session))
    }

    /// A connection without a user is gone: nobody may be seated there.
    pub(super) fn give_up_login(&mut self, session: SessionId) {
        for (_, pending) in &mut self.pending {
            if pending.is_login_of(session) {
                *pending = Pending::Gone;
            }
        }
    }

    /// A secret was made or checked.
    pub fn checked(&mut self, ticket: Ticket, checked: Checked, now: Now, fx: &mut Effects) {
        debug_assert!(fx.is_drained(), "effects are drained after every call");
        let Some(pending) = self.pending.try_remove(ticket.0) else { return };
        match (pending, checked) {
            (Pending::Login(entering), Checked::Password(right)) => {
                self.password_checked(entering, right, now, fx);
            }
            (Pending::Token(session, user), Checked::Token(token, hash)) => {
                self.token_made((session, user), token, hash, fx);
            }
            (Pending::Token(session, user), _) => {
                self.refuse_login((session, user), Code::Internal, fx);
                fx.push(Effect::Resume(session));
            }
            (Pending::NewPassword(member, id, tried), Checked::NewPassword(password)) => {
                self.password_made(member, id.as_ref(), tried, password, fx);
            }
            (Pending::Login(entering), _) => {
                self.take_back(&entering);
                let (session, lang) = (entering.session, entering.lang);
                let (id, busy) = (entering.id.as_ref(), Code::RateLimited.into());
                refuse(fx, session, "login_response", id, lang, busy);
                fx.push(Effect::Resume(session));
            }
            (Pending::NewPassword(member, id, tried), _) => {
                self.take_back_of(member.user, tried);
                self.refuse_later(member, "account_response", id.as_ref(), Code::RateLimited, fx);
            }
            // No other question is asked there.
            _ => {}
        }
    }

    /// The journal has answered.
    pub fn fetched(&mut self, ticket: Ticket, mut fetched: Fetched, now: Now, fx: &mut Effects) {
        debug_assert!(fx.is_drained(), "effects are drained after every call");
        let Some(pending) = self.pending.try_remove(ticket.0) else { return };
        if fetched.rows().any(|row| !self.is_by_known(row)) {
            // No server has written that: the store is damaged where it was read.
            fetched = Fetched::Failed;
        }
        if let Fetched::Rows { rows, .. } = &mut fetched {
            rows.retain(|row| !self.refused.contains(&row.msg_id));
        }
        match (pending, fetched) {
            (Pending::Missed(session, page), Fetched::Missed { items, more }) => {
                self.missed(session, &page, &items, more, now, fx);
            }
            (Pending::Missed(session, _), _) => {
                // It cannot be told what it missed, so it may not be told what comes after.
                self.refuse_frame(session, Code::StorageUnavailable, fx);
                self.close(session, fx);
            }
            (Pending::History(member, id, place), Fetched::Rows { rows, more }) => {
                self.tell_history(member, id.as_ref(), &place, (&rows, more), now, fx);
                self.answered(member.session, fx);
            }
            (Pending::Search(member, id), Fetched::Rows { rows, .. }) => {
                self.search_read(member, id.as_ref(), &rows, now, fx);
            }
            (Pending::Conversations(member, id, scopes), Fetched::Conversations(found)) => {
                self.conversations_read(member, id.as_ref(), &scopes, &found, now, fx);
            }
            (Pending::Change(member, id, asked), Fetched::Rows { rows, .. }) => {
                self.change_read(member, id.as_ref(), &asked, rows.first(), now, fx);
            }
            (Pending::Changed(member, id, number, told), Fetched::Rows { rows, .. }) => {
                self.changed_read(member, id.as_ref(), (number, told), rows.first(), now, fx);
            }
            (Pending::Ended(member, id), Fetched::Rows { rows, .. }) => {
                self.ended_read(member, id.as_ref(), rows.first(), fx);
            }
            (Pending::Get(member, id, stretch), Fetched::Rows { rows, .. }) => {
                self.get_read(member, id, stretch, rows.first(), fx);
            }
            (Pending::Ended(member, id) | Pending::Get(member, id, _), _) => {
                self.refuse_later(member, "file_response", id.as_ref(), UNREADABLE, fx);
            }
            (Pending::Search(member, id), Fetched::Busy) => {
                self.refuse_later(member, "search_response", id.as_ref(), Code::RateLimited, fx);
            }
            (Pending::History(member, id, _), _) => {
                self.refuse_later(member, "history_response", id.as_ref(), UNREADABLE, fx);
            }
            (Pending::Search(member, id), _) => {
                self.refuse_later(member, "search_response", id.as_ref(), UNREADABLE, fx);
            }
            (Pending::Conversations(member, id, _), _) => {
                self.refuse_later(member, "conversations", id.as_ref(), UNREADABLE, fx);
            }
            (Pending::Change(member, id, _), _) => {
                self.refuse_later(member, "message_response", id.as_ref(), UNREADABLE, fx);
            }
            // It is stored: that is success, though nobody can be told what it says now.
            (Pending::Changed(member, id, number, told), _) => {
                self.changed_read(member, id.as_ref(), (number, told), None, now, fx);
            }
            // No other question is asked there.
            (
                Pending::Login(_)
                | Pending::Gone
                | Pending::Token(..)
                | Pending::NewPassword(..)
                | Pending::Chunk { .. },
                _,
            ) => {}
        }
    }

    /// Whether everybody whom a message names is somebody.
    fn is_by_known(&self, row: &Row) -> bool {
        let of_reactions = row.reactions.iter().map(|(user, _)| *user);
        of_reactions.chain([row.sender]).all(|user| (user.0 as usize) < self.users.len())
    }

    /// Refuses a request that its session waits for.
    pub(super) fn refuse_later(
        &mut self,
        member: Member,
        kind: &'static str,
        id: Option<&RequestId<'_>>,
        code: Code,
        fx: &mut Effects,
    ) {
        refuse(fx, member.session, kind, id, member.lang, code.into());
        self.answered(member.session, fx);
    }

    /// A request was answered that its session waits for: the next may come.
    pub(super) fn answered(&mut self, session: SessionId, fx: &mut Effects) {
        self.no_longer_awaits(session, fx);
        fx.push(Effect::Resume(session));
    }

    /// A session has one answer less to come.
    pub(super) fn no_longer_awaits(&mut self, session: SessionId, fx: &mut Effects) {
        let Some(seated) = self.sessions.get_mut(session) else { return };
        seated.awaiting = seated.awaiting.saturating_sub(1);
        if seated.crowded && seated.awaiting == 0 {
            seated.crowded = false;
            fx.push(Effect::Resume(session));
        }
    }
}

/// What is said when the journal cannot be read.
const UNREADABLE: Code = Code::StorageUnavailable;
