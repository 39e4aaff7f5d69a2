//! Messages: who may write to whom, and who gets what is stored.

use std::sync::Arc;

use super::entry::{Entry, Place, What};
use super::inbox::Waiting;
use super::users::{Delivery, pair};
use super::{
    Chat, Class, Done, Effects, Frame, GroupId, Handled, Member, Now, UserId, answer_with, refuse,
};
use crate::limits::{CONVERSATIONS_MAX, GROUPS_PER_USER_MAX, MEMBERS_PER_GROUP_MAX};
use crate::text::server as text;
use crate::wire::event::{Body, Content, Event, MessageReceived, MsgId};
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
        let to = self.place(member.user, to)?;
        fx.deliveries += self.recipients(to);
        let plain = content.came_plain();
        let content = fx.batch.push_text(content);
        let what = What::Message { to, conversation: Default::default(), content, plain, reply_to };
        fx.batch.push((member.session, member.user), id, what);
        Ok(Done::Later)
    }

    /// Where a message goes, if this user may send one there.
    pub(super) fn place(&self, sender: UserId, to: &Target<'_>) -> Result<Place, Code> {
        match to {
            Target::User(name) => {
                let to = self.users.find_known(name).ok_or(Code::UnknownUser)?;
                if self.conversations.len() >= CONVERSATIONS_MAX
                    && !self.conversations.contains_key(&pair(sender, to))
                {
                    return Err(Code::ServerFull);
                }
                Ok(Place::User(to))
            }
            Target::Group(name) => {
                let (id, group) = self.groups.find(name).ok_or(Code::UnknownGroup)?;
                if !self.is_member(sender, id) {
                    if group.private {
                        return Err(Code::NotMember);
                    }
                    self.has_room(sender, id)?;
                }
                Ok(Place::Group(id))
            }
        }
    }

    /// Whether an event can go out now or wait. Of a group, each member's inbox is asked for itself
    /// when it is delivered: who is away forever must not silence the others.
    fn may_wait(&self, to: Place, frame: &Frame, fx: &Effects) -> Result<(), Code> {
        let Place::User(to) = to else { return Ok(()) };
        let user = self.users.get(to);
        let live = matches!(user.delivery, Delivery::Live(_));
        // A shared frame is held, and so counted, already; a small one hardly matters twice.
        let bytes = fx.bytes(frame).len();
        if live || user.inbox.has_room(bytes, &self.waiting, fx.gauge()) {
            Ok(())
        } else {
            Err(Code::QuotaExceeded)
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
    ) -> Result<(), Code> {
        let What::Message { to, plain, reply_to, .. } = entry.what else { return Ok(()) };
        let sender = entry.origin.user;
        let posted = self.post((sender, to), known, now, fx, |heading, fx| {
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
                state: Default::default(),
            };
            fx.encode(&match to {
                Place::User(_) => Event::PrivateMessageReceived(message),
                Place::Group(_) => Event::GroupMessageReceived(message),
            })
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
        posted.map(drop)
    }

    /// Delivers what is stored, unless it was before, as the event that `encode` makes of it.
    pub(super) fn post(
        &mut self,
        (sender, to): (UserId, Place),
        known: Result<(MsgId, bool), Code>,
        now: Now,
        fx: &mut Effects,
        encode: impl FnOnce(Heading<'_>, &mut Effects) -> Frame,
    ) -> Result<Posted, Code> {
        let (msg_id, new) = known?;
        if !new {
            let members = self.others_in(to);
            return Ok(Posted { msg_id, new, sessions: 0, members });
        }
        self.before_delivery(sender, to, now, fx)?;
        let prev = self.newest(sender, to);
        let (recipient, group_name) = match to {
            Place::User(to) => (Some(self.users.get(to).name.as_str()), None),
            Place::Group(group) => (None, Some(self.groups.name(group))),
        };
        let sender_name = self.users.get(sender).name.as_str();
        let heading = Heading { msg_id, prev, sender: sender_name, recipient, group_name };
        let frame = encode(heading, fx);
        self.may_wait(to, &frame, fx)?;
        self.advance(sender, to, msg_id);
        let (sessions, members) = match to {
            Place::User(to) => (u64::from(self.deliver_to_user(to, msg_id, frame, fx)), None),
            Place::Group(group) => {
                let (sessions, members) = self.deliver_to_group(sender, group, msg_id, &frame, fx);
                (sessions as u64, Some(members))
            }
        };
        Ok(Posted { msg_id, new, sessions, members })
    }

    /// What held when a message was decided may hold no more when it is stored: a group is gone, or
    /// its sender is in it no longer. A sender to an open group joins it.
    fn before_delivery(
        &mut self,
        sender: UserId,
        to: Place,
        now: Now,
        fx: &mut Effects,
    ) -> Result<(), Code> {
        let Place::Group(id) = to else { return Ok(()) };
        let group = self.groups.get(id).ok_or(Code::UnknownGroup)?;
        if !self.is_member(sender, id) {
            if group.private {
                return Err(Code::NotMember);
            }
            self.join(sender, id, now, fx)?;
        }
        Ok(())
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
            Place::User(to) => self.conversations.get(&pair(sender, to)).copied().unwrap_or(0),
        }
    }

    /// Makes a message the newest of its conversation.
    fn advance(&mut self, sender: UserId, to: Place, msg_id: MsgId) {
        match to {
            Place::Group(group) => self.groups.advance(group, msg_id),
            Place::User(to) => {
                if self.conversations.insert(pair(sender, to), msg_id).is_none() {
                    self.users.get_mut(sender).add_contact(to);
                    self.users.get_mut(to).add_contact(sender);
                }
            }
        }
    }

    /// Sends an event that is kept to one user, now or later. Returns whether it goes out now.
    pub(super) fn deliver_to_user(
        &mut self,
        to: UserId,
        msg_id: MsgId,
        frame: Frame,
        fx: &mut Effects,
    ) -> bool {
        let user = self.users.get_mut(to);
        if let Delivery::Live(session) = user.delivery {
            user.cursor = user.cursor.max(msg_id);
            fx.send(session, frame, Class::Kept(msg_id));
            return true;
        }
        let away = user.delivery == Delivery::Away;
        let json = if away { fx.hold_missed(&frame) } else { fx.hold(&frame) };
        let event = Waiting { msg_id, json };
        self.untaken += u64::from(!user.inbox.push(event, &mut self.waiting, fx.gauge()));
        false
    }

    /// Sends an event that is kept to the other members of a group, now or later. Returns how many
    /// it goes out to now, and how many have it or will have it.
    fn deliver_to_group(
        &mut self,
        sender: UserId,
        group: GroupId,
        msg_id: MsgId,
        frame: &Frame,
        fx: &mut Effects,
    ) -> (usize, usize) {
        let Some(group) = self.groups.get(group) else { return (0, 0) };
        let mut waiting = Vec::new();
        let users = &mut self.users;
        let others = group.members.iter().filter(|member| member.user != sender);
        let live = others.filter_map(|member| {
            let user = users.get_mut(member.user);
            if let Delivery::Live(session) = user.delivery {
                user.cursor = user.cursor.max(msg_id);
                return Some(session);
            }
            waiting.push((member.user, user.delivery == Delivery::Away));
            None
        });
        let sessions = fx.broadcast(live, frame.clone(), Class::Kept(msg_id));
        let mut members = sessions;
        // One buffer waits in all inboxes of those away, another in those of who reads slowly.
        let (mut missed, mut late) = (None, None);
        for (user, away) in waiting {
            let json = if away {
                missed.get_or_insert_with(|| fx.hold_missed(frame))
            } else {
                late.get_or_insert_with(|| fx.hold(frame))
            };
            let event = Waiting { msg_id, json: Arc::clone(json) };
            let inbox = &mut self.users.get_mut(user).inbox;
            let taken = inbox.push(event, &mut self.waiting, fx.gauge());
            members += usize::from(taken);
            self.untaken += u64::from(!taken);
        }
        (sessions, members)
    }

    /// Whether one more may join.
    pub(super) fn has_room(&self, user: UserId, group: GroupId) -> Result<(), Code> {
        let members = self.groups.get(group).map_or(0, |group| group.members.len());
        let groups = self.users.get(user).groups.len();
        if members >= MEMBERS_PER_GROUP_MAX || groups >= GROUPS_PER_USER_MAX {
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
