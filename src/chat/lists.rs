//! Lists: who is online, which groups, which members.

use super::{Chat, Done, Effects, Handled, Member, answer_with};
use crate::text::server as text;
use crate::wire::Code;
use crate::wire::event::{Body, GroupDetail, MemberDetail, UserDetail};
use crate::wire::request::RequestId;

impl Chat {
    pub(super) fn list_users(
        &self,
        member: Member,
        id: Option<&RequestId<'_>>,
        all: bool,
        fx: &mut Effects,
    ) -> Done {
        // A long list is work for the whole turn, like so many deliveries.
        fx.deliveries += self.users.len() / 16;
        let online = self.users.known().filter(|user| user.is_online());
        let users = online.map(|user| user.name.as_str()).collect();
        let details = all.then(|| {
            let known = self.users.known().map(|user| UserDetail {
                name: user.name.as_str(),
                online: user.is_online(),
                last_seen: user.last_seen_ms,
            });
            known.collect()
        });
        let body = Body::Users { users, details };
        answer_with(fx, member.session, "users_list", id, text::DONE.get(member.lang), body);
        Done::Answered
    }

    pub(super) fn list_groups(
        &self,
        member: Member,
        id: Option<&RequestId<'_>>,
        fx: &mut Effects,
    ) -> Done {
        let ids = &self.users.get(member.user).groups;
        let details: Vec<_> = ids
            .iter()
            .filter_map(|id| self.groups.get(*id))
            .filter_map(|group| {
                Some(GroupDetail {
                    name: group.name.as_str(),
                    members: group.members.len(),
                    role: group.role(member.user)?,
                    private: group.private,
                })
            })
            .collect();
        let groups = details.iter().map(|group| group.name).collect();
        let body = Body::Groups { groups, details };
        answer_with(fx, member.session, "groups_list", id, text::DONE.get(member.lang), body);
        Done::Answered
    }

    pub(super) fn list_members(
        &self,
        member: Member,
        id: Option<&RequestId<'_>>,
        group_name: &str,
        fx: &mut Effects,
    ) -> Handled {
        let (group_id, group) = self.groups.find(group_name).ok_or(Code::UnknownGroup)?;
        if !self.is_member(member.user, group_id) {
            return Err(Code::NotMember.into());
        }
        let details: Vec<_> = group
            .members
            .iter()
            .map(|membership| {
                let user = self.users.get(membership.user);
                MemberDetail {
                    name: user.name.as_str(),
                    role: membership.role,
                    online: user.is_online(),
                }
            })
            .collect();
        let members = details.iter().map(|member| member.name).collect();
        let body = Body::Members { group_name: group.name.as_str(), members, details };
        let message = text::DONE.get(member.lang);
        answer_with(fx, member.session, "members_list_response", id, message, body);
        Ok(Done::Answered)
    }
}
