//! Entries about groups: each stay of a member is a row, from the number of the entry that began it
//! to that of the one that ended it.
//!
//! Between the decision for a change and its turn here another change may have taken its ground
//! away: who adds may have been removed. The core looks again before it makes a change, and so do
//! these statements, or a restart would bring back what never happened.

use rusqlite::{Connection, Result, Statement, params};

use super::schema::int;
use crate::chat::entry::Change;
use crate::chat::{GroupId, UserId};
use crate::wire::event::{MsgId, Role};

/// Statements about groups. In all of them `?1` is the group and `?2` the user it is about.
pub(super) struct Groups<'c> {
    create: Statement<'c>,
    enter: Statement<'c>,
    add: Statement<'c>,
    leave: Statement<'c>,
    remove: Statement<'c>,
    set_role: Statement<'c>,
    inherit: Statement<'c>,
    promote_heir: Statement<'c>,
    close_empty: Statement<'c>,
    rename: Statement<'c>,
    delete: Statement<'c>,
    part_all: Statement<'c>,
}

/// A role as it is stored.
pub(super) fn role_number(role: Role) -> i64 {
    match role {
        Role::Member => 0,
        Role::Admin => 1,
    }
}

impl<'c> Groups<'c> {
    pub(super) fn new(db: &'c Connection) -> Result<Self> {
        // Whether a user is in a group, at least as this.
        let has = |user: &str, role: i64| {
            format!(
                "EXISTS (SELECT 1 FROM member WHERE conversation = ?1 AND user = {user}
                     AND until IS NULL AND role >= {role})"
            )
        };
        let member = "INSERT INTO member(conversation, user, role, since, added_by, ts)";
        Ok(Self {
            create: db.prepare(
                "INSERT INTO conversation(id, name, private) VALUES (?, ?, ?)
                 ON CONFLICT DO NOTHING",
            )?,
            enter: db.prepare(&format!(
                "{member} SELECT ?1, ?2, ?3, ?4, NULL, ?5 FROM conversation
                 WHERE id = ?1 AND name IS NOT NULL AND NOT deleted AND (?3 OR NOT private)
                 ON CONFLICT DO NOTHING"
            ))?,
            add: db.prepare(&format!(
                "{member} SELECT ?1, ?2, 0, ?3, ?4, ?5 FROM conversation
                 WHERE id = ?1 AND NOT deleted AND {}
                 ON CONFLICT DO NOTHING",
                has("?4", 0)
            ))?,
            leave: db.prepare(
                "UPDATE member SET until = ?3
                 WHERE conversation = ?1 AND user = ?2 AND until IS NULL",
            )?,
            remove: db.prepare(&format!(
                "UPDATE member SET until = ?3
                 WHERE conversation = ?1 AND user = ?2 AND until IS NULL AND {}",
                has("?4", 1)
            ))?,
            set_role: db.prepare(&format!(
                "UPDATE member SET role = ?3
                 WHERE conversation = ?1 AND user = ?2 AND until IS NULL AND {}",
                has("?4", 1)
            ))?,
            inherit: db.prepare(
                "UPDATE member SET role = 1
                 WHERE conversation = ?1 AND user = ?2 AND until IS NULL",
            )?,
            // The core names the same heir, and asks for it with the next entries; but those may not be
            // stored, and a change by somebody who is no admin here would be none.
            promote_heir: db.prepare(
                "UPDATE member SET role = 1
                 WHERE rowid = (SELECT rowid FROM member WHERE conversation = ?1 AND until IS NULL
                         ORDER BY user = ?2, rowid LIMIT 1)
                     AND NOT EXISTS (SELECT 1 FROM member
                         WHERE conversation = ?1 AND until IS NULL AND role = 1)",
            )?,
            // So that who writes to it meanwhile does not come into what is gone.
            close_empty: db.prepare(
                "UPDATE conversation SET deleted = 1 WHERE id = ?1 AND name IS NOT NULL
                 AND NOT EXISTS (
                     SELECT 1 FROM member WHERE conversation = ?1 AND until IS NULL)",
            )?,
            rename: db.prepare(&format!(
                "UPDATE conversation SET name = ?3 WHERE id = ?1 AND NOT deleted AND {}",
                has("?2", 1)
            ))?,
            // The core closes a group that nobody is in; nobody is its admin then.
            delete: db.prepare(&format!(
                "UPDATE conversation SET deleted = 1 WHERE id = ?1 AND name IS NOT NULL
                 AND NOT deleted AND ({} OR NOT EXISTS (
                     SELECT 1 FROM member WHERE conversation = ?1 AND until IS NULL))",
                has("?2", 1)
            ))?,
            part_all: db.prepare(
                "UPDATE member SET until = ?2 WHERE conversation = ?1 AND until IS NULL",
            )?,
        })
    }

    /// Makes a change, which `by` asked for and which has this number.
    pub(super) fn change(
        &mut self,
        by: UserId,
        group: GroupId,
        change: &Change,
        msg_id: MsgId,
        ts: u64,
    ) -> Result<()> {
        let (group, by, at, ts) = (group.0, by.0, int(msg_id), int(ts));
        let (admin, member) = (role_number(Role::Admin), role_number(Role::Member));
        match change {
            Change::Create { name, private } => {
                if self.create.execute(params![group, name.as_str(), private])? == 0 {
                    return Ok(());
                }
                self.enter.execute(params![group, by, admin, at, ts])
            }
            Change::Join | Change::JoinToWrite => {
                self.enter.execute(params![group, by, member, at, ts])
            }
            Change::Add(user) => self.add.execute(params![group, user.0, at, by, ts]),
            Change::Leave => {
                self.leave.execute(params![group, by, at])?;
                return self.settle(group, by);
            }
            Change::Remove(user) => {
                self.remove.execute(params![group, user.0, at, by])?;
                return self.settle(group, user.0);
            }
            Change::Promote(user) => self.set_role.execute(params![group, user.0, admin, by]),
            Change::Demote(user) => {
                self.set_role.execute(params![group, user.0, member, by])?;
                return self.settle(group, user.0);
            }
            Change::Inherit(user) => self.inherit.execute(params![group, user.0]),
            Change::Rename(name) => self.rename.execute(params![group, by, name.as_str()]),
            Change::Delete => {
                if self.delete.execute(params![group, by])? == 0 {
                    return Ok(());
                }
                self.part_all.execute(params![group, at])
            }
        }
        .map(drop)
    }

    /// After a member went or is no admin any more: a group in which nobody is left is gone, and one
    /// without an admin has the member of longest standing for it, though not this one if it has others.
    fn settle(&mut self, group: u32, last_admin: u32) -> Result<()> {
        self.promote_heir.execute(params![group, last_admin])?;
        self.close_empty.execute([group]).map(drop)
    }
}
