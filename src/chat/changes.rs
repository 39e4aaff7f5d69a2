//! Messages that change: edited, deleted, reacted to. What is there only the journal knows, so it
//! is asked first; then the change is stored; then it is told as it stands.

use super::entry::{Changed, Entry, What};
use super::history::Told;
use super::pending::Pending;
use super::query::{Query, Row};
use super::{Chat, Class, Done, Effects, GroupId, Member, Now, SessionId, UserId, answer_with};
use crate::limits::{EDIT_MS_MAX, SEEN_RETRY_MS};
use crate::text::server as text;
use crate::wire::Code;
use crate::wire::event::{Body, MsgId, Role};
use crate::wire::request::{MessageChange, RequestId};

/// A change that somebody asked for.
#[derive(Debug)]
pub(super) enum Asked {
    Edit(String),
    Delete,
    React(Option<String>),
}

impl Chat {
    pub(super) fn change(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        msg_id: MsgId,
        what: &MessageChange<'_>,
        fx: &mut Effects,
    ) -> Done {
        let asked = match what {
            MessageChange::Edit(content) => Asked::Edit(content.to_string()),
            MessageChange::Delete => Asked::Delete,
            MessageChange::React(emoji) => Asked::React(emoji.as_ref().map(ToString::to_string)),
        };
        let id = id.cloned().map(RequestId::into_owned);
        let ticket = self.pend(Pending::Change(member, id, Box::new(asked)));
        fx.ask(ticket, Query::Message(msg_id));
        Done::LaterInOrder
    }

    /// The message that is to be changed was read, or there is none.
    pub(super) fn change_read(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        asked: &Asked,
        row: Option<&Row>,
        now: Now,
        fx: &mut Effects,
    ) {
        let row = match row.ok_or(Code::UnknownMessage).and_then(|row| {
            self.may_change_message(member.user, asked, row, now)?;
            Ok(row)
        }) {
            Ok(row) => row,
            Err(code) => return self.refuse_later(member, "message_response", id, code, fx),
        };
        let change = match asked {
            Asked::Edit(content) => Changed::Edited(fx.batch.push_text(content)),
            Asked::Delete => Changed::Deleted,
            Asked::React(emoji) => {
                Changed::Reacted(emoji.as_ref().map(|emoji| fx.batch.push_text(emoji)))
            }
        };
        fx.deliveries += 1;
        let what = What::Changed { msg_id: row.msg_id, conversation: row.conversation, change };
        fx.batch.push((member.session, member.user), id, what);
    }

    fn may_change_message(
        &self,
        user: UserId,
        asked: &Asked,
        row: &Row,
        now: Now,
    ) -> Result<(), Code> {
        let role = self.sees(user, row)?;
        let own = row.sender == user;
        match asked {
            _ if row.deleted => Err(Code::UnknownMessage),
            Asked::Edit(_) if !own => Err(Code::SenderMismatch),
            Asked::Edit(_) if row.file.is_some() => Err(Code::InvalidField),
            Asked::Edit(_) if now.wall_ms.saturating_sub(row.ts) > EDIT_MS_MAX => Err(Code::TooOld),
            Asked::Delete if own || role == Role::Admin => Ok(()),
            Asked::Delete if self.pairs.get(row.conversation).is_some() => {
                Err(Code::SenderMismatch)
            }
            Asked::Delete => Err(Code::NotAdmin),
            Asked::Edit(_) | Asked::React(_) => Ok(()),
        }
    }

    /// Whether a user may see a message, and as what. Who may not learns nothing of it.
    pub(super) fn sees(&self, user: UserId, row: &Row) -> Result<Role, Code> {
        Ok(match self.pairs.get(row.conversation) {
            Some(pair) if pair.is_of(user) => Role::Member,
            Some(_) => return Err(Code::UnknownMessage),
            None => {
                let group = self.groups.get(GroupId(row.conversation.0));
                let membership = group.and_then(|group| group.membership(user));
                match membership {
                    Some(membership) if membership.since < row.msg_id => membership.role,
                    _ => return Err(Code::UnknownMessage),
                }
            }
        })
    }

    /// A change is stored, or is not: how the message stands now is read, to be told.
    pub(super) fn change_stored(
        &mut self,
        entry: &Entry,
        id: Option<&RequestId<'_>>,
        known: Result<(MsgId, bool), Code>,
        fx: &mut Effects,
    ) {
        let What::Changed { msg_id, conversation, ref change } = entry.what else { return };
        let (session, user) = (entry.origin.session, entry.origin.user);
        let member = Member { session, user, lang: self.lang_of(session) };
        match known {
            Ok((number, _)) => {
                if let Some(pair) = self.pairs.get_mut(conversation) {
                    pair.changed = number;
                }
                self.groups.note_change(GroupId(conversation.0), number);
                let told = match change {
                    Changed::Edited(_) => Told::Edit,
                    Changed::Deleted => Told::Change,
                    Changed::Reacted(_) => Told::Reaction,
                };
                let id = id.cloned().map(RequestId::into_owned);
                let ticket = self.pend(Pending::Changed(member, id, number, told));
                fx.ask(ticket, Query::Message(msg_id));
            }
            Err(code) => self.refuse_later(member, "message_response", id, code, fx),
        }
    }

    /// A message was changed and read again: everybody is told, and who asked is answered.
    pub(super) fn changed_read(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        (number, told): (MsgId, Told),
        row: Option<&Row>,
        now: Now,
        fx: &mut Effects,
    ) {
        let delivered = row.map_or(0, |row| self.tell_change(member, (number, told), row, now, fx));
        let body = Body::Message {
            msg_id: row.map_or(number, |row| row.msg_id),
            ts: now.wall_ms,
            delivered,
            saved_as: None,
        };
        let said = text::MESSAGE_CHANGED.get(member.lang);
        answer_with(fx, member.session, "message_response", id, said, body);
        self.answered(member.session, fx);
    }

    /// Returns how many sessions of others are told.
    fn tell_change(
        &mut self,
        by: Member,
        (number, change): (MsgId, Told),
        row: &Row,
        now: Now,
        fx: &mut Effects,
    ) -> u64 {
        let users: Vec<UserId> = match self.pairs.get(row.conversation) {
            Some(pair) if pair.users.0 == pair.users.1 => vec![pair.users.0],
            Some(pair) => vec![pair.users.0, pair.users.1],
            None => {
                let group = self.groups.get(GroupId(row.conversation.0));
                let members = group.map_or(&[][..], |group| &group.members);
                members.iter().filter(|m| m.since < row.msg_id).map(|m| m.user).collect()
            }
        };
        let private = self.pairs.get(row.conversation).is_some();
        let mut told = 0;
        let mut shared = None;
        for user in users {
            // In a private conversation each has another name for it.
            let frame = shared.take().unwrap_or_else(|| {
                self.with_event(user, row, change, now, |event| fx.encode(event))
            });
            for seat in &self.users.get(user).seats {
                let Some(seated) = self.sessions.get_mut(seat.session) else { continue };
                if seat.session == by.session || seated.features.is_none() {
                    continue;
                }
                match &mut seated.behind {
                    // What it was asked for already has the message as it was.
                    Some(behind) if behind.asked_upto.is_some_and(|upto| upto < number) => {
                        behind.offer(number, || fx.hold(&frame));
                    }
                    Some(_) => {}
                    None => {
                        fx.send(seat.session, frame.clone(), Class::Answer);
                        told += u64::from(user != by.user);
                    }
                }
            }
            shared = (!private).then_some(frame);
        }
        told
    }

    /// A message that was stored cannot stand: the journal forgets it.
    pub(super) fn forget(&mut self, user: UserId, msg_id: MsgId, fx: &mut Effects) {
        self.refused.push(msg_id);
        fx.batch.push((SessionId::NOBODY, user), None, What::Forget(msg_id));
    }

    /// The journal has forgotten a message, or could not: then it is asked again a little later.
    pub(super) fn forgotten(&mut self, entry: &Entry, msg_id: MsgId, stored: bool, now: Now) {
        if stored {
            self.refused.retain(|refused| *refused != msg_id);
        } else {
            self.unforgotten.push((entry.origin.user, msg_id));
            self.seen_due_ms = Some(now.mono_ms + SEEN_RETRY_MS);
        }
    }
}
