//! Groups: who is in them, who may change them, and what their members are told.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::entry::{Change, Entry, What};
use super::names::Names;
use super::{
    Chat, Class, Done, Effect, Effects, Handled, Member, Now, UserId, answer_with, refuse,
};
use crate::limits::{GROUPS_MAX, GROUPS_PER_USER_MAX};
use crate::text::server::{self as text, GroupDone};
use crate::wire::Code;
use crate::wire::event::{Body, Event, GroupChange, MsgId, Role};
use crate::wire::name::GroupName;
use crate::wire::request::{GroupRequest, Refusal, RequestId};

/// The number that stands for a group inside the core. Never given to a second group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupId(pub u32);

/// One group.
#[derive(Debug)]
pub(super) struct Group {
    /// As it is shown.
    pub name: GroupName,
    /// Joined only by being added.
    pub private: bool,
    /// Longest standing first.
    pub members: Vec<Membership>,
    newest: MsgId,
}

/// One member of a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Membership {
    pub user: UserId,
    pub role: Role,
}

/// All groups.
#[derive(Debug, Default)]
pub(super) struct Groups {
    names: Names,
    by_id: HashMap<GroupId, Group, RandomState>,
    created: u32,
}

impl Groups {
    /// The group of this name, if it is stored.
    pub fn find(&self, raw: &str) -> Option<(GroupId, &Group)> {
        let id = GroupId(self.names.find(raw)?);
        Some((id, self.by_id.get(&id)?))
    }

    /// One group, if it is still there.
    pub fn get(&self, id: GroupId) -> Option<&Group> {
        self.by_id.get(&id)
    }

    /// A group's name.
    pub fn name(&self, id: GroupId) -> &str {
        self.get(id).map_or("", |group| group.name.as_str())
    }

    /// The newest message of a group, 0 if there is none.
    pub fn newest(&self, id: GroupId) -> MsgId {
        self.get(id).map_or(0, |group| group.newest)
    }

    /// Makes a message the newest of a group.
    pub fn advance(&mut self, id: GroupId, msg_id: MsgId) {
        if let Some(group) = self.by_id.get_mut(&id) {
            group.newest = msg_id;
        }
    }

    fn set_role(&mut self, id: GroupId, user: UserId, role: Role) {
        let members = self.by_id.get_mut(&id).map(|group| &mut group.members);
        let member = members.and_then(|all| all.iter_mut().find(|member| member.user == user));
        if let Some(member) = member {
            member.role = role;
        }
    }

    /// Gives a name back that was set aside for a group which keeps its own.
    fn release(&mut self, name: &GroupName, id: GroupId) {
        let kept = self.get(id).is_some_and(|group| group.name.key() == name.key());
        if !kept && self.names.find(name.as_str()) == Some(id.0) {
            self.names.remove(name);
        }
    }

    /// Sets a name aside for a group that is not stored under it yet.
    fn reserve(&mut self, name: &GroupName, id: Option<GroupId>) -> Result<GroupId, Code> {
        match (self.names.find(name.as_str()), id) {
            // The same name, spelled otherwise.
            (Some(found), Some(id)) if found == id.0 => return Ok(id),
            (Some(_), _) => return Err(Code::GroupExists),
            (None, _) => self.names.may_be_made(name)?,
        }
        if self.names.len() >= GROUPS_MAX {
            return Err(Code::ServerFull);
        }
        let id = id.unwrap_or_else(|| {
            self.created += 1;
            GroupId(self.created)
        });
        self.names.insert(name, id.0);
        Ok(id)
    }
}

impl Group {
    /// What a user may do here, or nothing for who is no member.
    pub fn role(&self, user: UserId) -> Option<Role> {
        self.members.iter().find(|member| member.user == user).map(|member| member.role)
    }

    /// If nobody is an admin, who takes over: of the others than the last admin the member of
    /// longest standing, if there are others.
    fn heir(&self, last_admin: UserId) -> Option<UserId> {
        if self.members.iter().any(|member| member.role == Role::Admin) {
            return None;
        }
        let other = self.members.iter().find(|member| member.user != last_admin);
        other.or(self.members.first()).map(|member| member.user)
    }
}

impl Chat {
    pub(super) fn is_member(&self, user: UserId, group: GroupId) -> bool {
        self.users.get(user).groups.contains(&group)
    }

    pub(super) fn group_request(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        name: &str,
        what: &GroupRequest<'_>,
        fx: &mut Effects,
    ) -> Handled {
        if matches!(what, GroupRequest::Members) {
            return self.list_members(member, id, name, fx);
        }
        let (group, change) = self.decide(member.user, name, what)?;
        fx.deliveries += self.groups.get(group).map_or(1, |group| group.members.len());
        fx.batch.push(
            (member.session, member.user),
            id,
            What::Group { group, change: Box::new(change) },
        );
        Ok(Done::LaterInOrder)
    }

    /// What a request would change, if it may, as things stand. A new name is set aside.
    fn decide(
        &mut self,
        by: UserId,
        name: &str,
        what: &GroupRequest<'_>,
    ) -> Result<(GroupId, Change), Refusal> {
        let parse = |name: &str| GroupName::parse(name).map_err(|_| Code::InvalidName);
        if let GroupRequest::Create { private } = what {
            let name = parse(name)?;
            if self.users.get(by).groups.len() >= GROUPS_PER_USER_MAX {
                return Err(Code::TooLarge.into());
            }
            let id = self.groups.reserve(&name, None)?;
            return Ok((id, Change::Create { name, private: *private }));
        }
        let (id, _) = self.groups.find(name).ok_or(Code::UnknownGroup)?;
        let user = |name: &str, field| {
            let unknown = Refusal { code: Code::UnknownUser, field: Some(field) };
            self.users.find_known(name).ok_or(unknown)
        };
        // Who may not change the group learns nothing about who is known here.
        let change = match what {
            GroupRequest::Join => Change::Join,
            GroupRequest::Leave => Change::Leave,
            GroupRequest::Add(who) => {
                self.has_role(by, id, Role::Member)?;
                Change::Add(user(who, "new_member")?)
            }
            GroupRequest::Remove(who) => {
                self.has_role(by, id, Role::Admin)?;
                Change::Remove(user(who, "member")?)
            }
            GroupRequest::Promote(who) => {
                self.has_role(by, id, Role::Admin)?;
                Change::Promote(user(who, "member")?)
            }
            GroupRequest::Demote(who) => {
                self.has_role(by, id, Role::Admin)?;
                Change::Demote(user(who, "member")?)
            }
            GroupRequest::Rename(name) => {
                self.has_role(by, id, Role::Admin)?;
                let name = parse(name)?;
                self.groups.reserve(&name, Some(id))?;
                return Ok((id, Change::Rename(name)));
            }
            GroupRequest::Delete => Change::Delete,
            // Both were told apart before.
            GroupRequest::Create { .. } | GroupRequest::Members => {
                return Err(Code::Internal.into());
            }
        };
        self.may_change(by, id, &change)?;
        Ok((id, change))
    }

    /// Whether a change may be made. Asked when it is decided and again when it is stored: another
    /// one, stored before it, may have taken its ground away.
    fn may_change(&self, by: UserId, id: GroupId, change: &Change) -> Result<(), Refusal> {
        if let Change::Create { .. } = change {
            return Ok(());
        }
        let group = self.groups.get(id).ok_or(Code::UnknownGroup)?;
        match *change {
            Change::Join if group.role(by).is_some() => return Err(Code::AlreadyMember.into()),
            Change::Join if group.private => return Err(Code::NotMember.into()),
            Change::Join => self.has_room(by, id)?,
            Change::Leave => self.has_role(by, id, Role::Member)?,
            Change::Add(user) => {
                self.has_role(by, id, Role::Member)?;
                if group.role(user).is_some() {
                    return Err(Code::AlreadyMember.into());
                }
                self.has_room(user, id)?;
            }
            Change::Remove(user) | Change::Promote(user) | Change::Demote(user) => {
                self.has_role(by, id, Role::Admin)?;
                if group.role(user).is_none() {
                    return Err(Refusal { code: Code::NotMember, field: Some("member") });
                }
            }
            Change::Rename(_) | Change::Delete => self.has_role(by, id, Role::Admin)?,
            Change::Create { .. } | Change::JoinToWrite | Change::Inherit(_) => {}
        }
        Ok(())
    }

    /// Whether a user is at least this much in a group.
    fn has_role(&self, user: UserId, group: GroupId, least: Role) -> Result<(), Code> {
        match self.groups.get(group).ok_or(Code::UnknownGroup)?.role(user) {
            None => Err(Code::NotMember),
            Some(Role::Member) if least == Role::Admin => Err(Code::NotAdmin),
            Some(_) => Ok(()),
        }
    }

    /// A change is stored: it is made, told and answered.
    pub(super) fn group_stored(
        &mut self,
        entry: &Entry,
        id: Option<&RequestId<'_>>,
        now: Now,
        fx: &mut Effects,
    ) {
        let What::Group { group, change } = &entry.what else { return };
        let (session, by) = (entry.origin.session, entry.origin.user);
        let lang = self.lang_of(session);
        let kind = answer_kind(change);
        let before = self.groups.name(*group).to_owned();
        match self.apply(by, *group, change, now, fx) {
            Ok(()) => {
                let who = |user: &UserId| self.users.get(*user).name.as_str();
                let (name, done) = match &**change {
                    Change::Create { name, .. } => (name.as_str(), GroupDone::Created),
                    Change::Join | Change::JoinToWrite | Change::Inherit(_) => {
                        (&*before, GroupDone::Joined)
                    }
                    Change::Leave => (&*before, GroupDone::Left),
                    Change::Add(user) => (&*before, GroupDone::Added(who(user))),
                    Change::Remove(user) => (&*before, GroupDone::Removed(who(user))),
                    Change::Promote(user) => (&*before, GroupDone::Promoted(who(user))),
                    Change::Demote(user) => (&*before, GroupDone::Demoted(who(user))),
                    Change::Rename(name) => (&*before, GroupDone::Renamed(name.as_str())),
                    Change::Delete => (&*before, GroupDone::Deleted),
                };
                let message = text::group_done(lang, name, done);
                answer_with(fx, session, kind, id, &message, Body::None);
            }
            Err(refusal) => refuse(fx, session, kind, id, lang, refusal),
        }
        fx.push(Effect::Resume(session));
    }

    /// Makes a change, unless another one stored before it has taken its ground away.
    fn apply(
        &mut self,
        by: UserId,
        id: GroupId,
        change: &Change,
        now: Now,
        fx: &mut Effects,
    ) -> Result<(), Refusal> {
        if let Err(refusal) = self.may_change(by, id, change) {
            if let Change::Rename(name) = change {
                self.groups.release(name, id);
            }
            return Err(refusal);
        }
        match change {
            Change::Create { name, private } => self.create(by, id, name, *private, now, fx),
            Change::Join | Change::JoinToWrite | Change::Inherit(_) => {
                self.join(by, id, now, fx)?;
            }
            Change::Leave => self.part(id, by, by, GroupChange::Left, now, fx),
            Change::Add(user) => self.add(by, id, *user, now, fx)?,
            Change::Remove(user) => self.part(id, *user, by, GroupChange::Removed, now, fx),
            Change::Promote(user) => {
                self.groups.set_role(id, *user, Role::Admin);
                self.tell(id, GroupChange::Promoted, (*user, by), None, now, fx);
            }
            Change::Demote(user) => {
                self.groups.set_role(id, *user, Role::Member);
                self.tell(id, GroupChange::Demoted, (*user, by), None, now, fx);
                self.promote_heir(id, *user, now, fx);
            }
            Change::Rename(name) => self.rename(by, id, name, now, fx),
            Change::Delete => self.delete(by, id, now, fx),
        }
        Ok(())
    }

    fn create(
        &mut self,
        by: UserId,
        id: GroupId,
        name: &GroupName,
        private: bool,
        now: Now,
        fx: &mut Effects,
    ) {
        let members = vec![Membership { user: by, role: Role::Admin }];
        let group = Group { name: name.clone(), private, members, newest: 0 };
        self.groups.by_id.insert(id, group);
        self.users.get_mut(by).groups.push(id);
        self.tell(id, GroupChange::Created, (by, by), None, now, fx);
    }

    /// A user comes into an open group.
    pub(super) fn join(
        &mut self,
        user: UserId,
        id: GroupId,
        now: Now,
        fx: &mut Effects,
    ) -> Result<(), Code> {
        self.enlist(user, id)?;
        self.tell(id, GroupChange::Joined, (user, user), None, now, fx);
        Ok(())
    }

    fn add(
        &mut self,
        by: UserId,
        id: GroupId,
        user: UserId,
        now: Now,
        fx: &mut Effects,
    ) -> Result<(), Code> {
        self.enlist(user, id)?;
        let clock = now.clock();
        let frame = fx.encode(&Event::AddedToGroup {
            group_name: self.groups.name(id),
            added_by: self.users.get(by).name.as_str(),
            timestamp: clock.as_str(),
        });
        self.deliver_to_user(user, 0, frame, fx);
        self.tell(id, GroupChange::Added, (user, by), None, now, fx);
        Ok(())
    }

    fn enlist(&mut self, user: UserId, id: GroupId) -> Result<(), Code> {
        if self.is_member(user, id) {
            return Ok(());
        }
        self.has_room(user, id)?;
        let group = self.groups.by_id.get_mut(&id).ok_or(Code::UnknownGroup)?;
        group.members.push(Membership { user, role: Role::Member });
        self.users.get_mut(user).groups.push(id);
        Ok(())
    }

    /// A member goes, of their own accord or not. The last one out closes the group.
    fn part(
        &mut self,
        id: GroupId,
        user: UserId,
        by: UserId,
        how: GroupChange,
        now: Now,
        fx: &mut Effects,
    ) {
        // Told first, so that who is removed hears of it too.
        self.tell(id, how, (user, by), None, now, fx);
        self.users.get_mut(user).groups.retain(|group| *group != id);
        let Some(group) = self.groups.by_id.get_mut(&id) else { return };
        group.members.retain(|member| member.user != user);
        if group.members.is_empty() {
            self.delete(by, id, now, fx);
        } else {
            self.promote_heir(id, user, now, fx);
        }
    }

    fn promote_heir(&mut self, id: GroupId, last_admin: UserId, now: Now, fx: &mut Effects) {
        let heir = self.groups.get(id).and_then(|group| group.heir(last_admin));
        let Some(heir) = heir else { return };
        self.groups.set_role(id, heir, Role::Admin);
        self.tell(id, GroupChange::Promoted, (heir, heir), None, now, fx);
    }

    fn rename(&mut self, by: UserId, id: GroupId, name: &GroupName, now: Now, fx: &mut Effects) {
        self.tell(id, GroupChange::Renamed, (by, by), Some(name.as_str()), now, fx);
        let Groups { names, by_id, .. } = &mut self.groups;
        let Some(group) = by_id.get_mut(&id) else { return };
        names.remove(&group.name);
        names.insert(name, id.0);
        group.name = name.clone();
    }

    fn delete(&mut self, by: UserId, id: GroupId, now: Now, fx: &mut Effects) {
        self.tell(id, GroupChange::Deleted, (by, by), None, now, fx);
        let Some(group) = self.groups.by_id.remove(&id) else { return };
        self.groups.names.remove(&group.name);
        for member in group.members {
            self.users.get_mut(member.user).groups.retain(|group| *group != id);
        }
    }

    /// Tells the members what happened, as far as they know of such events.
    fn tell(
        &self,
        id: GroupId,
        event: GroupChange,
        (user, by): (UserId, UserId),
        new_name: Option<&str>,
        now: Now,
        fx: &mut Effects,
    ) {
        let Some(group) = self.groups.get(id) else { return };
        let members = group.members.iter();
        let audience = members.filter_map(|m| self.session_with(m.user, |f| f.groups));
        let frame = fx.encode(&Event::GroupEvent {
            group_name: group.name.as_str(),
            event,
            user: self.users.get(user).name.as_str(),
            by: self.users.get(by).name.as_str(),
            ts: now.wall_ms,
            new_name,
        });
        fx.broadcast(audience, frame, Class::Passing);
    }
}

/// The `type` of the answer to a change.
fn answer_kind(change: &Change) -> &'static str {
    match change {
        Change::Add(_) | Change::Remove(_) | Change::Promote(_) | Change::Demote(_) => {
            "member_response"
        }
        Change::Create { .. }
        | Change::Join
        | Change::JoinToWrite
        | Change::Inherit(_)
        | Change::Leave
        | Change::Rename(_)
        | Change::Delete => "group_response",
    }
}
