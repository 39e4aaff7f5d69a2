//! The groups there are: their names, their members, and how far things are in them.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::UserId;
use super::entry::ConversationId;
use super::names::Names;
use crate::limits::GROUPS_MAX;
use crate::wire::Code;
use crate::wire::event::{MsgId, Role};
use crate::wire::name::GroupName;

/// The number that stands for a group inside the core. Never given to a second group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupId(pub u32);

impl GroupId {
    /// The conversation that the group is.
    pub fn conversation(self) -> ConversationId {
        ConversationId(self.0)
    }
}

/// One group.
#[derive(Debug)]
pub(super) struct Group {
    /// As it is shown.
    pub name: GroupName,
    /// Joined only by being added.
    pub private: bool,
    /// Longest standing first.
    pub members: Vec<Membership>,
    /// The newest message, 0 if there is none.
    pub newest: MsgId,
    /// The newest change of a message, 0 if there is none.
    pub changed: MsgId,
    /// Who wrote and wants to hear of receipts, with the last message of each.
    pub writers: Vec<(UserId, MsgId)>,
    /// A change of it is on its way to the journal: the next one is decided after that.
    pub changing: bool,
}

/// One member of a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Membership {
    pub user: UserId,
    pub role: Role,
    /// The number of the entry that brought the user in: what came before is not shown.
    pub since: MsgId,
    /// Who added the user, unless it was the user itself.
    pub added_by: Option<UserId>,
    /// When, in milliseconds since 1970.
    pub ts: u64,
    /// Up to where the user has read.
    pub read: MsgId,
}

/// All groups.
#[derive(Debug, Default)]
pub(super) struct Groups {
    names: Names,
    by_id: HashMap<GroupId, Group, RandomState>,
    /// What deleted groups were called: there may be messages of them still to come.
    deleted: HashMap<GroupId, GroupName, RandomState>,
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
        let name = self.get(id).map(|group| &group.name).or_else(|| self.deleted.get(&id));
        name.map_or("", |name| name.as_str())
    }

    /// Whether a change of a group is on its way to the journal.
    pub fn set_changing(&mut self, id: GroupId, changing: bool) {
        if let Some(group) = self.by_id.get_mut(&id) {
            group.changing = changing;
        }
    }

    /// Puts a new group in, under a name that was set aside for it.
    pub fn insert(&mut self, id: GroupId, group: Group) {
        self.by_id.insert(id, group);
    }

    /// Takes a group out. What it was called is remembered.
    pub fn remove(&mut self, id: GroupId) -> Option<Group> {
        let group = self.by_id.remove(&id)?;
        self.names.remove(&group.name);
        self.deleted.insert(id, group.name.clone());
        Some(group)
    }

    /// Gives a group another name, which was set aside for it.
    pub fn rename(&mut self, id: GroupId, name: &GroupName) {
        let Some(group) = self.by_id.get_mut(&id) else { return };
        self.names.remove(&group.name);
        self.names.insert(name, id.0);
        group.name = name.clone();
    }

    /// Puts a member in. Returns whether there is such a group.
    pub fn add_member(&mut self, id: GroupId, member: Membership) -> bool {
        let group = self.by_id.get_mut(&id);
        group.map(|group| group.members.push(member)).is_some()
    }

    /// Takes a member out.
    pub fn remove_member(&mut self, id: GroupId, user: UserId) -> Option<Membership> {
        let group = self.by_id.get_mut(&id)?;
        group.writers.retain(|(writer, _)| *writer != user);
        let at = group.members.iter().position(|member| member.user == user)?;
        Some(group.members.remove(at))
    }

    /// Puts a group back that was stored in an earlier life.
    pub fn restore(&mut self, id: GroupId, mut group: Group) {
        if group.members.is_empty() {
            self.deleted.insert(id, group.name);
            return;
        }
        if let Some(heir) = group.heir(None)
            && let Some(heir) = group.members.iter_mut().find(|member| member.user == heir)
        {
            // The server ended between an admin's going and an heir's coming.
            heir.role = Role::Admin;
        }
        self.names.insert(&group.name, id.0);
        self.by_id.insert(id, group);
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

    /// A message of a group was changed.
    pub fn note_change(&mut self, id: GroupId, number: MsgId) {
        if let Some(group) = self.by_id.get_mut(&id) {
            group.changed = number;
        }
    }

    /// Remembers that a member wrote and wants to hear who reads it.
    pub fn note_writer(&mut self, id: GroupId, user: UserId, msg_id: MsgId) {
        let Some(group) = self.by_id.get_mut(&id) else { return };
        match group.writers.iter_mut().find(|(writer, _)| *writer == user) {
            Some((_, last)) => *last = msg_id,
            None => group.writers.push((user, msg_id)),
        }
    }

    /// A member has read up to here. Returns up to where before.
    pub fn set_read(&mut self, id: GroupId, user: UserId, msg_id: MsgId) -> Option<MsgId> {
        let members = &mut self.by_id.get_mut(&id)?.members;
        let member = members.iter_mut().find(|member| member.user == user)?;
        let read = msg_id.max(member.read);
        Some(std::mem::replace(&mut member.read, read))
    }

    /// Makes a member an admin, or an admin a member.
    pub fn set_role(&mut self, id: GroupId, user: UserId, role: Role) {
        let members = self.by_id.get_mut(&id).map(|group| &mut group.members);
        let member = members.and_then(|all| all.iter_mut().find(|member| member.user == user));
        if let Some(member) = member {
            member.role = role;
        }
    }

    /// Gives a name back that was set aside for a group which keeps its own.
    pub fn release(&mut self, name: &GroupName, id: GroupId) {
        let kept = self.get(id).is_some_and(|group| group.name.key() == name.key());
        if !kept && self.names.find(name.as_str()) == Some(id.0) {
            self.names.remove(name);
        }
    }

    /// Sets a name aside for a group that is not stored under it yet.
    pub fn reserve(
        &mut self,
        name: &GroupName,
        id: Option<GroupId>,
        next: impl FnOnce() -> ConversationId,
    ) -> Result<GroupId, Code> {
        match (self.names.find(name.as_str()), id) {
            // The same name, spelled otherwise.
            (Some(found), Some(id)) if found == id.0 => return Ok(id),
            (Some(_), _) => return Err(Code::GroupExists),
            (None, _) => self.names.may_be_made(name)?,
        }
        if self.names.len() >= GROUPS_MAX {
            return Err(Code::ServerFull);
        }
        let id = id.unwrap_or_else(|| GroupId(next().0));
        self.names.insert(name, id.0);
        Ok(id)
    }
}

impl Group {
    /// What a user may do here, or nothing for who is no member.
    pub fn role(&self, user: UserId) -> Option<Role> {
        self.membership(user).map(|member| member.role)
    }

    /// A group that was stored in an earlier life.
    pub fn restored(name: GroupName, private: bool, newest: MsgId, changed: MsgId) -> Self {
        let (members, writers) = (Vec::new(), Vec::new());
        Self { name, private, members, newest, changed, writers, changing: false }
    }

    /// How a user belongs here.
    pub fn membership(&self, user: UserId) -> Option<&Membership> {
        self.members.iter().find(|member| member.user == user)
    }

    /// If nobody is an admin, who takes over: of the others than the last admin the member of
    /// longest standing, if there are others.
    pub fn heir(&self, last_admin: Option<UserId>) -> Option<UserId> {
        if self.members.iter().any(|member| member.role == Role::Admin) {
            return None;
        }
        let other = self.members.iter().find(|member| Some(member.user) != last_admin);
        other.or(self.members.first()).map(|member| member.user)
    }
}
