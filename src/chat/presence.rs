//! What is of the moment: who is online, who is typing. Never stored, dropped when late.

use super::entry::Place;
use super::{Chat, Class, Done, Effects, Member, Now, SessionId, UserId};
use crate::limits::{PRESENCE_CONTACTS_MAX, PRESENCE_GROUP_MEMBERS_MAX};
use crate::wire::event::Event;
use crate::wire::request::{Features, Target};

impl Chat {
    pub(super) fn typing(
        &mut self,
        member: Member,
        to: &Target<'_>,
        now: Now,
        fx: &mut Effects,
    ) -> Done {
        // `typing` has no answer, so what makes no sense is nothing.
        let Ok(place) = self.place(member.user, to) else {
            return Done::Silent;
        };
        let speaks = match place {
            // Who has never talked would learn from it whether somebody is there.
            Place::User(to) => {
                let pair = self.pairs.find(member.user, to).and_then(|id| self.pairs.get(id));
                pair.is_some_and(|pair| pair.newest > 0)
            }
            Place::Group(group) => self.is_member(member.user, group),
        };
        let session = self.sessions.get_mut(member.session);
        if !speaks || !session.is_some_and(|session| session.may_type(place, now.mono_ms)) {
            return Done::Silent;
        }
        let user = self.users.get(member.user).name.as_str();
        match place {
            Place::User(to) => {
                let to: Vec<_> = self.sessions_with(to, |features| features.typing).collect();
                let frame = fx.encode(&Event::Typing { user, group_name: None });
                fx.broadcast(to, frame, Class::Passing);
            }
            Place::Group(group) => {
                let Some(group) = self.groups.get(group) else {
                    return Done::Silent;
                };
                fx.deliveries += group.members.len();
                let group_name = Some(group.name.as_str());
                let frame = fx.encode(&Event::Typing { user, group_name });
                let others = group.members.iter().filter(|other| other.user != member.user);
                let to = others.flat_map(|other| self.sessions_with(other.user, |f| f.typing));
                fx.broadcast(to, frame, Class::Passing);
            }
        }
        Done::Silent
    }

    /// Tells that a user came or went to those with whom the user shares a conversation.
    pub(super) fn tell_presence(&self, user: UserId, now: Now, fx: &mut Effects) {
        let about = self.users.get(user);
        let in_groups = about
            .groups
            .iter()
            .filter_map(|group| self.groups.get(*group))
            .filter(|group| group.members.len() <= PRESENCE_GROUP_MEMBERS_MAX)
            .flat_map(|group| group.members.iter().map(|member| member.user));
        let contacts = about.pairs.iter().take(PRESENCE_CONTACTS_MAX);
        let contacts = contacts.filter_map(|id| Some(self.pairs.get(*id)?.other(user)));
        let mut audience: Vec<SessionId> = contacts
            .chain(in_groups)
            .filter(|other| *other != user)
            .flat_map(|other| self.sessions_with(other, |features| features.presence))
            .collect();
        if audience.is_empty() {
            return;
        }
        audience.sort_unstable();
        audience.dedup();
        let frame = fx.encode(&Event::Presence {
            user: about.name.as_str(),
            status: if about.is_online() { "online" } else { "offline" },
            last_seen: now.wall_ms,
        });
        fx.broadcast(audience, frame, Class::Passing);
    }

    /// A user's sessions that know a feature.
    pub(super) fn sessions_with(
        &self,
        user: UserId,
        knows: impl Fn(&Features) -> bool + Copy,
    ) -> impl Iterator<Item = SessionId> {
        let seats = self.users.get(user).seats.iter();
        seats.map(|seat| seat.session).filter(move |session| {
            self.sessions.get(*session).is_some_and(|seated| seated.knows(knows))
        })
    }
}
