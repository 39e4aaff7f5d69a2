//! Receipts: what has arrived, what was read, and who wants to know.

use super::entry::{Entry, What};
use super::query::Row;
use super::users::{Owed, UserId};
use super::{Chat, Class, Done, Effect, Effects, GroupId, Member, Now};
use crate::wire::event::{Event, MsgId};
use crate::wire::request::Target;

impl Chat {
    /// A client says that everything up to a message has arrived.
    pub(super) fn received(&mut self, member: Member, msg_id: MsgId, now: Now) -> Done {
        if let Some(seated) = self.sessions.get_mut(member.session) {
            seated.acknowledges = true;
        }
        self.has_received(member.user, msg_id, now);
        Done::Silent
    }

    /// A client says that everything up to a message in a conversation was read. There is no
    /// answer, so what makes no sense is nothing.
    pub(super) fn read(
        &mut self,
        member: Member,
        place: &Target<'_>,
        msg_id: MsgId,
        fx: &mut Effects,
    ) -> Done {
        let Ok(scope) = self.scope(member.user, place) else { return Done::Silent };
        let msg_id = msg_id.min(self.last);
        if msg_id <= scope.after {
            return Done::Silent;
        }
        let what = What::Read { conversation: scope.conversation, msg_id };
        fx.batch.push((member.session, member.user), None, what);
        // What the session asks next is to be told with this in mind.
        Done::LaterInOrder
    }

    /// It is stored what a user has read: those who wrote it are told. Or it could not be stored.
    pub(super) fn read_stored(&mut self, entry: &Entry, stored: bool, fx: &mut Effects) {
        let What::Read { conversation, msg_id } = entry.what else { return };
        let by = entry.origin.user;
        fx.push(Effect::Resume(entry.origin.session));
        if !stored {
            return;
        }
        if let Some(pair) = self.pairs.get_mut(conversation) {
            let other = pair.other(by);
            if pair.set_read(by, msg_id) < msg_id && other != by {
                self.tell_receipt("read", by, other, None, msg_id, fx);
            }
            return;
        }
        let id = GroupId(conversation.0);
        let Some(before) = self.groups.set_read(id, by, msg_id) else { return };
        let Some(group) = self.groups.get(id) else { return };
        let wrote = |(user, last): &&(UserId, MsgId)| *user != by && *last > before;
        let writers: Vec<_> = group.writers.iter().filter(wrote).copied().collect();
        for (writer, last) in writers {
            self.tell_receipt("read", by, writer, Some(id), last.min(msg_id), fx);
        }
    }

    /// Remembers that the sender of what a user is sent wants to hear when it has arrived.
    pub(super) fn owe_receipt(&mut self, to: UserId, row: &Row) {
        let group =
            self.pairs.get(row.conversation).is_none().then_some(GroupId(row.conversation.0));
        if row.sender != to && self.wants_receipts(row.sender) {
            self.users.get_mut(to).owe(row.sender, group, row.msg_id);
        }
    }

    /// Whether a user has a session that hears of receipts.
    pub(super) fn wants_receipts(&self, user: UserId) -> bool {
        let seats = &self.users.get(user).seats;
        seats.iter().any(|seat| {
            self.sessions.get(seat.session).is_some_and(|seated| seated.knows(|f| f.receipts))
        })
    }

    /// Tells senders that what they wrote has arrived at a user.
    pub(super) fn tell_delivered(&mut self, user: UserId, cursor: MsgId, fx: &mut Effects) {
        let mut owed = std::mem::take(&mut self.users.get_mut(user).owed);
        owed.retain_mut(|Owed { sender, group, first, last }| {
            if *first > cursor {
                return true;
            }
            let upto = cursor.min(*last);
            self.tell_receipt("delivered", user, *sender, *group, upto, fx);
            *first = cursor + 1;
            *last > cursor
        });
        self.users.get_mut(user).owed = owed;
    }

    fn tell_receipt(
        &self,
        kind: &str,
        by: UserId,
        to: UserId,
        group: Option<GroupId>,
        msg_id: MsgId,
        fx: &mut Effects,
    ) {
        let seats = self.users.get(to).seats.iter();
        let knows =
            |session| self.sessions.get(session).is_some_and(|seated| seated.knows(|f| f.receipts));
        let sessions: Vec<_> = seats.map(|seat| seat.session).filter(|id| knows(*id)).collect();
        if sessions.is_empty() {
            return;
        }
        let by = self.users.get(by).name.as_str();
        let with = group.is_none().then_some(by);
        let group_name = group.map(|group| self.groups.name(group));
        let frame = fx.encode(&Event::Receipt { kind, by, with, group_name, msg_id });
        fx.broadcast(sessions, frame, Class::Passing);
    }
}
