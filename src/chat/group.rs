//! Groups: who may change them, how they change, and what their members are told.

use super::entry::{Change, Entry, What};
use super::groups::{Group, GroupId, Membership};
use super::users::Past;
use super::{
    Chat, Class, Done, Effect, Effects, Handled, Member, Now, SessionId, UserId, answer_with,
    refuse,
};
use crate::text::server::{self as text, GroupDone};
use crate::wire::Code;
use crate::wire::event::{Body, Event, GroupChange, MsgId, Role};
use crate::wire::name::GroupName;
use crate::wire::request::{GroupRequest, Refusal, RequestId};

/// A change that waits for another one of the same group.
#[derive(Debug)]
pub(super) struct Deferred {
    group: GroupId,
    member: Member,
    id: Option<RequestId<'static>>,
    name: String,
    what: GroupRequest<'static>,
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
        if !matches!(what, GroupRequest::Create { .. })
            && let Some((group, found)) = self.groups.find(name)
            && found.changing
        {
            // What it may do depends on what becomes of the other change.
            let id = id.cloned().map(RequestId::into_owned);
            let (name, what) = (name.to_owned(), what.clone().into_owned());
            self.deferred.push_back(Deferred { group, member, id, name, what });
            return Ok(Done::LaterInOrder);
        }
        let (group, change) = self.decide(member.user, name, what)?;
        fx.deliveries += self.groups.get(group).map_or(1, |group| group.members.len());
        self.groups.set_changing(group, true);
        fx.batch.push(
            (member.session, member.user),
            id,
            What::Group { group, change: Box::new(change) },
        );
        Ok(Done::LaterInOrder)
    }

    /// A change is done with: the next one of its group is decided.
    fn decide_deferred(&mut self, done: GroupId, fx: &mut Effects) {
        self.groups.set_changing(done, false);
        for _ in 0..self.deferred.len() {
            let Some(next) = self.deferred.pop_front() else { return };
            if next.group != done {
                self.deferred.push_back(next);
                continue;
            }
            let Deferred { member, id, name, what, .. } = next;
            // Who waited and is gone had no answer; it may not have been done, either.
            if self.sessions.get(member.session).is_none() {
                continue;
            }
            let kind = request_kind(&what);
            if let Err(refusal) = self.group_request(member, id.as_ref(), &name, &what, fx) {
                refuse(fx, member.session, kind, id.as_ref(), member.lang, refusal);
                self.answered(member.session, fx);
            }
        }
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
            if self.users.get(by).groups.len() >= self.limits.groups_per_user_max {
                return Err(Code::TooLarge.into());
            }
            let id = self.groups.reserve(&name, None, || self.pairs.next_number())?;
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
                let unused = || id.conversation();
                self.groups.reserve(&name, Some(id), unused)?;
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

    /// Whether a change may be made. Nothing takes its ground away until it is stored: changes of one
    /// group are decided one after the other.
    fn may_change(&self, by: UserId, id: GroupId, change: &Change) -> Result<(), Refusal> {
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
            // Decided otherwise.
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

    /// A change is stored: it is made, told and answered. Or it could not be stored.
    pub(super) fn group_stored(
        &mut self,
        entry: &Entry,
        id: Option<&RequestId<'_>>,
        known: Result<(MsgId, bool), Code>,
        now: Now,
        fx: &mut Effects,
    ) {
        let What::Group { group, change } = &entry.what else { return };
        let (session, by) = (entry.origin.session, entry.origin.user);
        let number = match known {
            Ok((number, _)) => number,
            Err(code) => {
                if let Change::Create { name, .. } | Change::Rename(name) = &**change {
                    self.groups.release(name, *group);
                }
                if let Some(kind) = answer_kind(change) {
                    refuse(fx, session, kind, id, self.lang_of(session), code.into());
                    fx.push(Effect::Resume(session));
                    self.decide_deferred(*group, fx);
                }
                return;
            }
        };
        let before = self.groups.name(*group).to_owned();
        self.apply(by, *group, change, number, now, fx);
        let Some(kind) = answer_kind(change) else { return };
        let who = |user: &UserId| self.users.get(*user).name.as_str();
        let (name, done) = match &**change {
            Change::Create { name, .. } => (name.as_str(), GroupDone::Created),
            Change::Leave => (&*before, GroupDone::Left),
            Change::Add(user) => (&*before, GroupDone::Added(who(user))),
            Change::Remove(user) => (&*before, GroupDone::Removed(who(user))),
            Change::Promote(user) => (&*before, GroupDone::Promoted(who(user))),
            Change::Demote(user) => (&*before, GroupDone::Demoted(who(user))),
            Change::Rename(name) => (&*before, GroupDone::Renamed(name.as_str())),
            Change::Delete => (&*before, GroupDone::Deleted),
            // The others are not answered.
            Change::Join | Change::JoinToWrite | Change::Inherit(_) => {
                (&*before, GroupDone::Joined)
            }
        };
        let message = text::group_done(self.lang_of(session), name, done);
        answer_with(fx, session, kind, id, &message, Body::None);
        fx.push(Effect::Resume(session));
        self.decide_deferred(*group, fx);
    }

    fn apply(
        &mut self,
        by: UserId,
        id: GroupId,
        change: &Change,
        number: MsgId,
        now: Now,
        fx: &mut Effects,
    ) {
        match change {
            Change::Create { name, private } => {
                let mut group = Group::restored(name.clone(), *private, 0, 0);
                group.members.push(member_since(by, Role::Admin, number, None, now));
                self.groups.insert(id, group);
                self.users.get_mut(by).groups.push(id);
                self.tell(id, GroupChange::Created, (by, by), None, now, fx);
            }
            Change::Join | Change::JoinToWrite => {
                if self.enlist(member_since(by, Role::Member, number, None, now), id) {
                    self.tell(id, GroupChange::Joined, (by, by), None, now, fx);
                }
            }
            Change::Leave => self.part(id, by, (by, GroupChange::Left), number, now, fx),
            Change::Add(user) => self.add(by, id, *user, number, now, fx),
            Change::Remove(user) => {
                self.part(id, *user, (by, GroupChange::Removed), number, now, fx);
            }
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
            Change::Delete => self.delete(by, id, number, now, fx),
            // It took over when it was decided.
            Change::Inherit(_) => {}
        }
    }

    fn add(
        &mut self,
        by: UserId,
        id: GroupId,
        user: UserId,
        number: MsgId,
        now: Now,
        fx: &mut Effects,
    ) {
        if !self.enlist(member_since(user, Role::Member, number, Some(by), now), id) {
            return;
        }
        let clock = now.clock();
        let frame = fx.encode(&Event::AddedToGroup {
            group_name: self.groups.name(id),
            added_by: self.users.get(by).name.as_str(),
            timestamp: clock.as_str(),
        });
        self.deliver(user, SessionId::NOBODY, number, &mut frame.into(), fx);
        self.tell(id, GroupChange::Added, (user, by), None, now, fx);
    }

    /// Puts a member in who is not in yet. Returns whether that is so.
    fn enlist(&mut self, member: Membership, id: GroupId) -> bool {
        if self.is_member(member.user, id) || !self.groups.add_member(id, member) {
            return false;
        }
        self.users.get_mut(member.user).groups.push(id);
        true
    }

    /// A member goes, of their own accord or not. The last one out closes the group.
    fn part(
        &mut self,
        id: GroupId,
        user: UserId,
        (by, how): (UserId, GroupChange),
        number: MsgId,
        now: Now,
        fx: &mut Effects,
    ) {
        // Told first, so that who is removed hears of it too.
        self.tell(id, how, (user, by), None, now, fx);
        let Some(member) = self.groups.remove_member(id, user) else { return };
        self.parted(id, member, number);
        if self.groups.get(id).is_some_and(|group| group.members.is_empty()) {
            self.delete(by, id, number, now, fx);
        } else {
            self.promote_heir(id, user, now, fx);
        }
    }

    /// Who was in a group may have messages of that time to come.
    fn parted(&mut self, group: GroupId, Membership { user, since, .. }: Membership, until: MsgId) {
        let parted = self.users.get_mut(user);
        parted.groups.retain(|other| *other != group);
        parted.remember(Past { group, since, until });
    }

    fn promote_heir(&mut self, id: GroupId, last_admin: UserId, now: Now, fx: &mut Effects) {
        let heir = self.groups.get(id).and_then(|group| group.heir(Some(last_admin)));
        let Some(heir) = heir else { return };
        self.groups.set_role(id, heir, Role::Admin);
        self.tell(id, GroupChange::Promoted, (heir, heir), None, now, fx);
        let change = Box::new(Change::Inherit(heir));
        fx.batch.push((SessionId::NOBODY, heir), None, What::Group { group: id, change });
    }

    fn rename(&mut self, by: UserId, id: GroupId, name: &GroupName, now: Now, fx: &mut Effects) {
        self.tell(id, GroupChange::Renamed, (by, by), Some(name.as_str()), now, fx);
        self.groups.rename(id, name);
    }

    fn delete(&mut self, by: UserId, id: GroupId, number: MsgId, now: Now, fx: &mut Effects) {
        self.tell(id, GroupChange::Deleted, (by, by), None, now, fx);
        let Some(group) = self.groups.remove(id) else { return };
        for member in group.members {
            self.parted(id, member, number);
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
        let audience = members.flat_map(|m| self.sessions_with(m.user, |f| f.groups));
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

fn member_since(
    user: UserId,
    role: Role,
    since: MsgId,
    added_by: Option<UserId>,
    now: Now,
) -> Membership {
    Membership { user, role, since, added_by, ts: now.wall_ms, read: 0 }
}

/// The `type` of the answer to a change; of those that nobody asked for, none.
fn answer_kind(change: &Change) -> Option<&'static str> {
    match change {
        Change::Add(_) | Change::Remove(_) | Change::Promote(_) | Change::Demote(_) => {
            Some("member_response")
        }
        Change::Create { .. }
        | Change::Join
        | Change::Leave
        | Change::Rename(_)
        | Change::Delete => Some("group_response"),
        Change::JoinToWrite | Change::Inherit(_) => None,
    }
}

/// The `type` of the answer to a request.
fn request_kind(what: &GroupRequest<'_>) -> &'static str {
    match what {
        GroupRequest::Add(_)
        | GroupRequest::Remove(_)
        | GroupRequest::Promote(_)
        | GroupRequest::Demote(_) => "member_response",
        _ => "group_response",
    }
}
