//! What the store says, read past the server: plain SQL over the simulated disk.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::wire::event::MsgId;

/// Where a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Where {
    Pair(String, String),
    /// The group's number and its name now.
    Group(u32, String),
}

/// A stored message.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) msg_id: MsgId,
    pub(super) sender: String,
    pub(super) content: String,
    pub(super) request: Option<String>,
    place: Where,
}

/// A time in a group.
#[derive(Debug)]
struct Membership {
    group: u32,
    user: String,
    since: MsgId,
    until: Option<MsgId>,
}

/// Everything that matters.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) messages: BTreeMap<MsgId, Row>,
    memberships: Vec<Membership>,
    pub(super) cursors: BTreeMap<String, MsgId>,
    /// Bytes of kept files, by who sent them.
    pub(super) file_bytes: BTreeMap<String, u64>,
}

impl Row {
    /// Whether an honest client wrote it, whose texts are all different.
    pub(super) fn is_honest(&self) -> bool {
        self.content.starts_with(&format!("{}-", self.sender))
    }

    /// The conversation as one of its users names it.
    pub(super) fn place_for(&self, user: &str) -> String {
        match &self.place {
            Where::Group(_, name) => format!("g:{name}"),
            Where::Pair(one, other) if one == user => format!("u:{other}"),
            Where::Pair(one, _) => format!("u:{one}"),
        }
    }
}

impl Stored {
    /// Reads it all.
    pub(super) fn read(db: &Connection) -> rusqlite::Result<Self> {
        let rows = "SELECT m.id, s.name, COALESCE(m.file_name, m.content), CAST(m.request AS TEXT), c.id, c.name, a.name, b.name
            FROM message m JOIN user s ON s.id = m.sender JOIN conversation c ON c.id = m.conversation
            LEFT JOIN user a ON a.id = c.a LEFT JOIN user b ON b.id = c.b";
        let messages = db
            .prepare(rows)?
            .query_map([], |row| {
                let place = match row.get::<_, Option<String>>(5)? {
                    Some(name) => Where::Group(row.get(4)?, name),
                    None => Where::Pair(row.get(6)?, row.get(7)?),
                };
                let (msg_id, sender) = (number(row, 0)?, row.get(1)?);
                let (content, request) = (row.get(2)?, row.get(3)?);
                Ok((msg_id, Row { msg_id, sender, content, request, place }))
            })?
            .collect::<rusqlite::Result<_>>()?;
        let memberships = db
            .prepare(
                "SELECT m.conversation, u.name, m.since, m.until
                FROM member m JOIN user u ON u.id = m.user",
            )?
            .query_map([], |row| {
                let until = row.get::<_, Option<i64>>(3)?.map(i64::cast_unsigned);
                let (group, user) = (row.get(0)?, row.get(1)?);
                Ok(Membership { group, user, since: number(row, 2)?, until })
            })?
            .collect::<rusqlite::Result<_>>()?;
        let by_user = |what: &str| {
            db.prepare(what)?
                .query_map([], |row| Ok((row.get(0)?, number(row, 1)?)))?
                .collect::<rusqlite::Result<BTreeMap<String, u64>>>()
        };
        let cursors = by_user("SELECT name, cursor FROM user")?;
        let file_bytes = by_user(
            "SELECT u.name, SUM(m.file_size) FROM message m JOIN user u ON u.id = m.sender
            WHERE m.file_name IS NOT NULL AND m.file_pruned IS NULL AND m.file_size > 0 GROUP BY u.name",
        )?;
        Ok(Self { messages, memberships, cursors, file_bytes })
    }

    /// Whether a user belonged to a message's conversation when it was said.
    pub(super) fn may_see(&self, user: &str, row: &Row) -> bool {
        match &row.place {
            Where::Pair(one, other) => one == user || other == user,
            Where::Group(group, _) => self.memberships.iter().any(|member| {
                let Membership { since, until, .. } = *member;
                let then = since < row.msg_id && until.is_none_or(|until| row.msg_id < until);
                member.group == *group && member.user == user && then
            }),
        }
    }

    /// The number before a message in its conversation, or 0.
    pub(super) fn before(&self, row: &Row) -> MsgId {
        let mut before = self.messages.range(..row.msg_id).rev();
        before.find(|(_, other)| other.place == row.place).map_or(0, |(msg_id, _)| *msg_id)
    }

    /// Everything that a user may have been shown, by number.
    pub(super) fn visible<'s>(&'s self, user: &'s str) -> impl Iterator<Item = &'s Row> {
        self.messages.values().filter(move |row| self.may_see(user, row))
    }

    /// What a user finds in the history of a place now.
    pub(super) fn history(&self, user: &str, place: &str) -> Vec<(MsgId, String, String)> {
        let found = self.messages.values().filter(|row| match &row.place {
            Where::Pair(one, other) => {
                (one == user || other == user) && row.place_for(user) == place
            }
            Where::Group(group, name) => {
                place.strip_prefix("g:") == Some(name)
                    && self.memberships.iter().any(|member| {
                        let now = member.until.is_none() && member.since < row.msg_id;
                        member.group == *group && member.user == user && now
                    })
            }
        });
        found.map(|row| (row.msg_id, row.sender.clone(), row.content.clone())).collect()
    }
}

fn number(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(at).map(i64::cast_unsigned)
}
