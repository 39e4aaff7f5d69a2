//! What a server must know again when it starts.

use std::collections::HashSet;

use rusqlite::{Connection, Result};

use super::schema::number;
use crate::chat::entry::{ConversationId, Place};
use crate::chat::query::{
    Recovered, StoredGroup, StoredMember, StoredPair, StoredUpload, StoredUser,
};
use crate::chat::{GroupId, UserId};
use crate::limits::NAME_CHARS_MAX;
use crate::wire::event::Role;
use crate::wire::name::Name;

/// Reads everything. The newest messages are looked up, one seek for each conversation.
pub(super) fn recover(db: &Connection) -> Result<Recovered> {
    let one = |sql: &str| db.query_row(sql, [], |row| row.get::<_, Option<i64>>(0));
    let saved = one("SELECT value FROM meta WHERE key = 'last'")?;
    let newest = one("SELECT max(id) FROM message")?;
    let conversations = one("SELECT max(id) FROM conversation")?;
    let mut recovered = Recovered {
        last: number(saved.max(newest).unwrap_or(0)),
        users: users(db)?,
        members: members(db)?,
        reads: reads(db)?,
        conversations: conversations.and_then(|id| u32::try_from(id).ok()).unwrap_or(0),
        ..Recovered::default()
    };
    recovered.uploads = uploads(db)?;
    recovered.file_bytes = file_bytes(db)?;
    read_conversations(db, &mut recovered)?;
    Ok(recovered)
}

fn users(db: &Connection) -> Result<Vec<StoredUser>> {
    let mut names = Names::new(db, "SELECT name FROM user");
    let mut found =
        db.prepare("SELECT id, name, cursor, last_seen, claimed, password FROM user ORDER BY id")?;
    let mut rows = found.query([])?;
    let mut users: Vec<StoredUser> = Vec::new();
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        users.push(StoredUser {
            id: UserId(id),
            name: names.parse(row.get_ref(1)?.as_str()?, id),
            cursor: number(row.get(2)?),
            last_seen_ms: number(row.get(3)?),
            claimed: row.get(4)?,
            password: row.get(5)?,
            tokens: Vec::new(),
        });
    }
    let mut tokens = db.prepare("SELECT user, hash FROM token ORDER BY rowid")?;
    let mut rows = tokens.query([])?;
    while let Some(row) = rows.next()? {
        let user = UserId(row.get(0)?);
        if let (Ok(at), Ok(hash)) = (users.binary_search_by_key(&user, |user| user.id), row.get(1))
        {
            users[at].tokens.push(hash);
        }
    }
    Ok(users)
}

fn members(db: &Connection) -> Result<Vec<StoredMember>> {
    // By `rowid`, which is the order in which they came: an admin's number may be a member's, too.
    let mut found = db.prepare(
        "SELECT conversation, user, role, since, until, added_by, ts FROM member ORDER BY rowid",
    )?;
    found
        .query_map([], |row| {
            Ok(StoredMember {
                group: ConversationId(row.get(0)?),
                user: UserId(row.get(1)?),
                role: if row.get(2)? { Role::Admin } else { Role::Member },
                since: number(row.get(3)?),
                until: row.get::<_, Option<i64>>(4)?.map(number),
                added_by: row.get::<_, Option<u32>>(5)?.map(UserId),
                ts: number(row.get(6)?),
            })
        })?
        .collect()
}

fn reads(db: &Connection) -> Result<Vec<(UserId, ConversationId, u64)>> {
    let mut found = db.prepare("SELECT user, conversation, msg_id FROM reading")?;
    found
        .query_map([], |row| {
            Ok((UserId(row.get(0)?), ConversationId(row.get(1)?), number(row.get(2)?)))
        })?
        .collect()
}

fn uploads(db: &Connection) -> Result<Vec<StoredUpload>> {
    let mut found =
        db.prepare("SELECT id, user, to_user, to_group, name, size, sha256, ts FROM upload")?;
    found
        .query_map([], |row| {
            let (to_user, to_group): (Option<u32>, Option<u32>) = (row.get(2)?, row.get(3)?);
            Ok(StoredUpload {
                id: number(row.get(0)?),
                user: UserId(row.get(1)?),
                to: match to_group {
                    Some(group) => Place::Group(GroupId(group)),
                    None => Place::User(UserId(to_user.unwrap_or_default())),
                },
                name: row.get(4)?,
                size: number(row.get(5)?),
                sha256: row.get(6)?,
                ts: number(row.get(7)?),
            })
        })?
        .collect()
}

fn file_bytes(db: &Connection) -> Result<Vec<(UserId, u64)>> {
    let mut found = db.prepare(
        "SELECT sender, sum(file_size) FROM message INDEXED BY message_file
         WHERE file_name IS NOT NULL AND file_pruned IS NULL GROUP BY sender",
    )?;
    found.query_map([], |row| Ok((UserId(row.get(0)?), number(row.get(1)?))))?.collect()
}

fn read_conversations(db: &Connection, recovered: &mut Recovered) -> Result<()> {
    let mut names =
        Names::new(db, "SELECT name FROM conversation WHERE name IS NOT NULL AND NOT deleted");
    let mut found = db.prepare(
        "SELECT id, a, b, name, private, deleted,
             (SELECT max(id) FROM message INDEXED BY message_place WHERE conversation = c.id),
             (SELECT max(changed) FROM message INDEXED BY message_changed
                 WHERE conversation = c.id AND changed IS NOT NULL)
         FROM conversation c ORDER BY id",
    )?;
    let mut rows = found.query([])?;
    while let Some(row) = rows.next()? {
        let id = ConversationId(row.get(0)?);
        let newest = number(row.get::<_, Option<i64>>(6)?.unwrap_or(0));
        let changed = number(row.get::<_, Option<i64>>(7)?.unwrap_or(0));
        if let Some(name) = row.get_ref(3)?.as_str_or_null()? {
            let name = names.parse(name, id.0);
            let (private, deleted) = (row.get(4)?, row.get(5)?);
            recovered.groups.push(StoredGroup { id, name, private, deleted, newest, changed });
        } else {
            let users = (UserId(row.get(1)?), UserId(row.get(2)?));
            recovered.pairs.push(StoredPair { id, users, newest, changed });
        }
    }
    Ok(())
}

/// Stored names become names again.
///
/// The rules for names can change under a store, with a new version of Unicode at the latest. Who
/// has a name that is none any more keeps account and messages, under the nearest name that is one
/// and is nobody else's. The store keeps the name as it was.
struct Names<'c> {
    db: &'c Connection,
    all: &'static str,
    /// What is taken. Filled when it is needed, which is as good as never.
    taken: Option<HashSet<String>>,
}

impl<'c> Names<'c> {
    fn new(db: &'c Connection, all: &'static str) -> Self {
        Self { db, all, taken: None }
    }

    fn parse(&mut self, stored: &str, id: u32) -> Name {
        if let Ok(name) = Name::parse(stored) {
            return name;
        }
        let taken = self.taken.get_or_insert_with(|| taken(self.db, self.all).unwrap_or_default());
        let safe: String =
            stored.chars().filter(|c| Name::parse(&format!("a{c}a")).is_ok()).collect();
        let suffix = format!("-{id}");
        let short: String =
            safe.chars().take(NAME_CHARS_MAX.saturating_sub(suffix.len())).collect();
        let short = if short.is_empty() { "x" } else { &short };
        let candidates = [safe, format!("{short}{suffix}")];
        let free = candidates.iter().filter_map(|name| Name::parse(name).ok());
        let free = free.chain((0..).map_while(|at| Name::parse(&format!("x{at}{suffix}")).ok()));
        let name = free.into_iter().find(|name| taken.insert(name.key()));
        let name = name.expect("there are more such names than users");
        log::warn!("{stored:?} is not a name any more; shown as {:?}", name.as_str());
        name
    }
}

fn taken(db: &Connection, all: &str) -> Result<HashSet<String>> {
    let mut names = db.prepare(all)?;
    let names = names.query_map([], |row| row.get::<_, String>(0))?;
    names.map(|name| Ok(crate::wire::name::key(&name?))).collect()
}
