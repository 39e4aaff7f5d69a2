//! What is of the moment: who is online, who is typing. Never stored, dropped when late.

use super::entry::Place;
use super::users::{Delivery, pair};
use super::{Chat, Class, Done, Effects, Member, Now, SessionId, UserId};
use crate::limits::PRESENCE_GROUP_MEMBERS_MAX;
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
            Place::User(to) => self.conversations.contains_key(&pair(member.user, to)),
            Place::Group(group) => self.is_member(member.user, group),
        };
        let session = self.sessions.get_mut(member.session);
        if !speaks || !session.is_some_and(|session| session.may_type(place, now.mono_ms)) {
            return Done::Silent;
        }
        let user = self.users.get(member.user).name.as_str();
        match place {
            Place::User(to) => {
                let to = self.session_with(to, |features| features.typing);
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
                let to = others.filter_map(|other| self.session_with(other.user, |f| f.typing));
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
        let mut audience: Vec<SessionId> = about
            .contacts
            .iter()
            .copied()
            .chain(in_groups)
            .filter(|other| *other != user)
            .filter_map(|other| self.session_with(other, |features| features.presence))
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

    /// A user's session, if it is there, reads as fast as it comes, and knows a feature.
    pub(super) fn session_with(
        &self,
        user: UserId,
        knows: impl Fn(&Features) -> bool,
    ) -> Option<SessionId> {
        match self.users.get(user).delivery {
            Delivery::Live(session) | Delivery::CatchingUp(session) => {
                self.sessions.get(session).is_some_and(|s| knows(&s.features)).then_some(session)
            }
            _ => None,
        }
    }
}
