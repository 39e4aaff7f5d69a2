//! Messages: who may write to whom, and who gets what is stored.

use super::delivery::Outgoing;
use super::entry::{Change, ConversationId, Entry, Origin, Place, What};
use super::{
    Chat, Done, Effects, GroupId, Handled, Member, Now, SessionId, UserId, answer_with, refuse,
};
use crate::limits::{CONVERSATIONS_MAX, Limits};
use crate::sabotage::{self, Sabotage};
use crate::text::server as text;
use crate::wire::event::{Body, Content, Event, MessageReceived, MsgId, State};
use crate::wire::request::{RequestId, Target};
use crate::wire::{Code, Text};

impl Chat {
    pub(super) fn message(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        to: &Target<'_>,
        content: &Text<'_>,
        reply_to: Option<MsgId>,
        fx: &mut Effects,
    ) -> Handled {
        let (to, conversation) = match (self.place(member.user, to), to) {
            // It may be one that was stored when it could be, and whose answer was lost: the journal
            // knows, and refuses it otherwise.
            (Err(Code::NotMember), Target::Group(name)) if id.is_some() => {
                let (group, _) = self.groups.find(name).ok_or(Code::UnknownGroup)?;
                (Place::Group(group), group.conversation())
            }
            (to, _) => {
                let to = to?;
                (to, self.conversation(member.user, to, fx))
            }
        };
        fx.deliveries += self.recipients(to);
        let plain = content.came_plain();
        let content = fx.batch.push_text(content);
        let what = What::Message { to, conversation, content, plain, reply_to };
        fx.batch.push((member.session, member.user), id, what);
        Ok(Done::Later)
    }

    /// Where a message goes, if this user may send one there.
    pub(super) fn place(&self, sender: UserId, to: &Target<'_>) -> Result<Place, Code> {
        match to {
            Target::User(name) => {
                let to = self.users.find_known(name).ok_or(Code::UnknownUser)?;
                if self.pairs.len() >= CONVERSATIONS_MAX && self.pairs.find(sender, to).is_none() {
                    return Err(Code::ServerFull);
                }
                Ok(Place::User(to))
            }
            Target::Group(name) => {
                let (id, _) = self.groups.find(name).ok_or(Code::UnknownGroup)?;
                self.may_write(sender, Place::Group(id))?;
                Ok(Place::Group(id))
            }
        }
    }

    /// Whether a user may write there now: a member, or who may come in by writing.
    pub(super) fn may_write(&self, sender: UserId, to: Place) -> Result<(), Code> {
        let Place::Group(id) = to else { return Ok(()) };
        let group = self.groups.get(id).ok_or(Code::UnknownGroup)?;
        if self.is_member(sender, id) {
            return Ok(());
        }
        if group.private { Err(Code::NotMember) } else { self.has_room(sender, id) }
    }

    /// The conversation of a message that is about to be stored. Who writes to an open group comes in.
    pub(super) fn conversation(
        &mut self,
        sender: UserId,
        to: Place,
        fx: &mut Effects,
    ) -> ConversationId {
        match to {
            Place::User(to) => self.pairs.find_or_make(sender, to),
            Place::Group(group) => {
                if !self.is_member(sender, group) {
                    let change = Box::new(Change::JoinToWrite);
                    let what = What::Group { group, change };
                    fx.batch.push((SessionId::NOBODY, sender), None, what);
                }
                group.conversation()
            }
        }
    }

    /// How many deliveries a message causes, for the turn's budget.
    pub(super) fn recipients(&self, to: Place) -> usize {
        match to {
            Place::User(_) => 1,
            Place::Group(group) => self.groups.get(group).map_or(1, |group| group.members.len()),
        }
    }

    /// A message is stored: it is delivered and answered, or refused if it cannot stand.
    pub(super) fn message_stored(
        &mut self,
        entry: &Entry,
        id: Option<&RequestId<'_>>,
        content: &str,
        known: Result<(MsgId, bool), Code>,
        now: Now,
        fx: &mut Effects,
    ) {
        let What::Message { to, plain, reply_to, .. } = entry.what else { return };
        let posted = self.post(&entry.origin, to, known, fx, |heading, fx| {
            let Heading { msg_id, prev, sender, recipient, group_name } = heading;
            let clock = now.clock();
            let message = MessageReceived {
                msg_id,
                prev,
                sender,
                recipient,
                group_name,
                content: Content { text: content, plain },
                timestamp: clock.as_str(),
                ts: now.wall_ms,
                reply_to,
                id,
                state: State::default(),
            };
            fx.encode(&match to {
                Place::User(_) => Event::PrivateMessageReceived(message),
                Place::Group(_) => Event::GroupMessageReceived(message),
            })
            .into()
        });
        let session = entry.origin.session;
        let lang = self.lang_of(session);
        match posted {
            Ok(Posted { msg_id, sessions, members, .. }) => {
                let body =
                    Body::Message { msg_id, ts: now.wall_ms, delivered: sessions, saved_as: None };
                let said = text::message_sent(lang, members);
                answer_with(fx, session, "message_response", id, &said, body);
            }
            Err(code) => refuse(fx, session, "message_response", id, lang, code.into()),
        }
    }

    /// Delivers what is stored, unless it was before, as the event that `encode` makes of it.
    pub(super) fn post(
        &mut self,
        origin: &Origin,
        to: Place,
        known: Result<(MsgId, bool), Code>,
        fx: &mut Effects,
        encode: impl FnOnce(Heading<'_>, &mut Effects) -> Outgoing,
    ) -> Result<Posted, Code> {
        let (sender, session) = (origin.user, origin.session);
        let (msg_id, new) = known?;
        if self.refused.contains(&msg_id) {
            // The same request was refused before, and is not out of the journal yet.
            return Err(self.may_stand(sender, to).err().unwrap_or(Code::RateLimited));
        }
        if !new {
            let members = self.others_in(to);
            return Ok(Posted { msg_id, new, sessions: 0, members });
        }
        if let Err(code) = self.may_stand(sender, to) {
            self.forget(sender, msg_id, fx);
            return Err(code);
        }
        let prev = self.newest(sender, to);
        let (recipient, group_name) = match to {
            Place::User(to) => (Some(self.users.get(to).name.as_str()), None),
            Place::Group(group) => (None, Some(self.groups.name(group))),
        };
        let sender_name = self.users.get(sender).name.as_str();
        let heading = Heading { msg_id, prev, sender: sender_name, recipient, group_name };
        let mut outgoing = encode(heading, fx);
        fx.counts.messages += 1;
        self.advance(sender, to, msg_id);
        // Who talks to themselves hears it in every session.
        if to != Place::User(sender) {
            self.written.push((session, msg_id));
            if let Some(seated) = self.sessions.get_mut(session)
                && let Some(behind) = &mut seated.behind
            {
                behind.note_wrote(msg_id);
            }
        }
        let wants_receipts = self.wants_receipts(sender);
        let (sessions, members) = match to {
            Place::User(to) => {
                // Who talks to themselves hears it in every session.
                let reached = self.deliver(to, SessionId::NOBODY, msg_id, &mut outgoing, fx);
                if to != sender {
                    // The session that wrote it may be gone by now.
                    let mut seats = self.users.get(sender).seats.iter();
                    if seats.any(|seat| seat.session != session) {
                        self.deliver(sender, session, msg_id, &mut outgoing, fx);
                    }
                    // Also who is behind may have it from here, when it does not come back from the journal.
                    let receiver = self.users.get_mut(to);
                    if wants_receipts && receiver.is_online() {
                        receiver.owe(sender, None, msg_id);
                    }
                }
                (reached, None)
            }
            Place::Group(group) => {
                let reached =
                    self.deliver_to_group(sender, session, group, msg_id, &mut outgoing, fx);
                if wants_receipts {
                    self.groups.note_writer(group, sender, msg_id);
                    let members = self.groups.get(group).map_or(&[][..], |group| &group.members);
                    for member in members.iter().filter(|member| member.user != sender) {
                        let user = self.users.get_mut(member.user);
                        if user.is_online() {
                            user.owe(sender, Some(group), msg_id);
                        }
                    }
                }
                (reached.sessions, Some(reached.members))
            }
        };
        Ok(Posted { msg_id, new, sessions: sessions as u64, members })
    }

    /// What held when a message was decided may hold no more when it is stored: a group is gone, or
    /// its sender is in it no longer.
    fn may_stand(&self, sender: UserId, to: Place) -> Result<(), Code> {
        let Place::Group(id) = to else { return Ok(()) };
        self.groups.get(id).ok_or(Code::UnknownGroup)?;
        let member = self.is_member(sender, id) || sabotage::is(Sabotage::JudgedTooEarly);
        if member { Ok(()) } else { Err(Code::NotMember) }
    }

    /// How many members of a group, beside its sender, a message goes to.
    fn others_in(&self, to: Place) -> Option<usize> {
        let Place::Group(id) = to else { return None };
        Some(self.groups.get(id).map_or(0, |group| group.members.len().saturating_sub(1)))
    }

    /// The newest message of a conversation, 0 if there is none.
    fn newest(&self, sender: UserId, to: Place) -> MsgId {
        match to {
            Place::Group(group) => self.groups.newest(group),
            Place::User(to) => {
                let pair = self.pairs.find(sender, to).and_then(|id| self.pairs.get(id));
                pair.map_or(0, |pair| pair.newest)
            }
        }
    }

    /// Makes a message the newest of its conversation.
    fn advance(&mut self, sender: UserId, to: Place, msg_id: MsgId) {
        match to {
            Place::Group(group) => self.groups.advance(group, msg_id),
            Place::User(to) => {
                let id = self.pairs.find_or_make(sender, to);
                let Some(pair) = self.pairs.get_mut(id) else { return };
                if std::mem::replace(&mut pair.newest, msg_id) == 0 {
                    self.users.get_mut(sender).pairs.push(id);
                    if to != sender {
                        self.users.get_mut(to).pairs.push(id);
                    }
                }
            }
        }
    }

    /// Whether one more may join.
    pub(super) fn has_room(&self, user: UserId, group: GroupId) -> Result<(), Code> {
        let members = self.groups.get(group).map_or(0, |group| group.members.len());
        let groups = self.users.get(user).groups.len();
        let Limits { members_per_group_max, groups_per_user_max, .. } = self.limits;
        if members >= members_per_group_max || groups >= groups_per_user_max {
            return Err(Code::TooLarge);
        }
        Ok(())
    }
}

/// What the events of a message and of a file have in common.
pub(super) struct Heading<'a> {
    pub msg_id: MsgId,
    pub prev: MsgId,
    pub sender: &'a str,
    pub recipient: Option<&'a str>,
    pub group_name: Option<&'a str>,
}

/// What came of a stored message or file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Posted {
    pub msg_id: MsgId,
    /// It was not stored before.
    pub new: bool,
    /// Sessions that it goes out to now.
    pub sessions: u64,
    /// Of a group: other members who have it or will have it.
    pub members: Option<usize>,
}
