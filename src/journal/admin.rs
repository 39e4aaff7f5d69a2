//! The store as `papo admin` uses it: to read beside a server that runs, and to change while none
//! does.
//!
//! Whoever reads holds no transaction between two calls, so that a slow reader of an export never
//! keeps a server from moving its log into the file.

mod files;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf, absolute};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

use super::catalog::Catalog;
use super::rows::{self, COLUMNS, Rows};
use super::schema::{self, FILE, int, number};
use super::{OpenError, disk};
use crate::chat::UserId;
use crate::chat::entry::{ConversationId, Credential};
use crate::chat::query::Row;
use crate::limits::STORED_PAGE_BYTES_MAX;
use crate::wire::event::MsgId;

pub use files::{Recipient, Stored, Which, mark_pruned};

/// Messages in one page of an export.
const PAGE_MESSAGES: u32 = 512;

/// Files that `SQLite` keeps beside its own, by what their names end with.
const SIDE_FILES: [&str; 2] = ["-wal", "-shm"];

/// Tables that every version has had.
const TABLES: [&str; 5] = ["meta", "user", "conversation", "member", "message"];

/// Why a store cannot be used.
#[derive(Debug)]
pub enum StoreError {
    /// It is not there.
    Missing,
    /// A server has it.
    Locked,
    /// Another program has it open.
    Busy,
    /// A newer papo has written it.
    TooNew {
        /// The version of what was found.
        found: i64,
        /// The newest version that is known here.
        known: i64,
    },
    /// An older papo has written it, and no server of this version has opened it since.
    TooOld,
    /// The file is something else.
    Foreign,
    /// The file is broken.
    Damaged(String),
    /// The file cannot be opened, read or written.
    Unusable(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::Foreign,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged(error.to_string()),
            _ => Self::Unusable(error.to_string()),
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            _ => Self::Unusable(error.to_string()),
        }
    }
}

impl From<OpenError> for StoreError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Locked => Self::Locked,
            OpenError::TooNew { found, known } => Self::TooNew { found, known },
            OpenError::Damaged(why) => Self::Damaged(why),
            OpenError::Unusable(why) => Self::Unusable(why),
        }
    }
}

/// What is stored of a user, for whoever runs the server.
#[derive(Clone, Debug)]
pub struct UserSummary {
    /// The name as shown.
    pub name: String,
    /// It was claimed once, with a token or a password.
    pub claimed: bool,
    /// There is a password.
    pub password: bool,
    /// How many tokens are good.
    pub tokens: u64,
    /// Milliseconds since 1970.
    pub last_seen_ms: u64,
    /// In how many groups.
    pub groups: u64,
    /// How many messages and files were sent, also those deleted.
    pub messages: u64,
}

/// A group, for whoever runs the server.
#[derive(Clone, Debug)]
pub struct GroupSummary {
    /// The number of its conversation.
    pub conversation: ConversationId,
    /// The name as shown.
    pub name: String,
    /// It was deleted; another may have its name.
    pub deleted: bool,
}

/// A store, opened to be read. A server may have it open.
#[derive(Debug)]
pub struct Store {
    db: Connection,
}

impl Store {
    /// Where the store of a data folder is.
    pub fn path(data: &Path) -> PathBuf {
        data.join(FILE)
    }

    /// Opens the store of a data folder, which must be of this version.
    pub fn open(data: &Path) -> Result<Self, StoreError> {
        let (db, version) = open(&Self::path(data))?;
        if version < schema::known() {
            return Err(StoreError::TooOld);
        }
        db.pragma_update(None, "query_only", true)?;
        Ok(Self { db })
    }

    /// Everybody, in the order of their coming.
    pub fn users(&self) -> Result<Vec<UserSummary>, StoreError> {
        let mut found = self.db.prepare(
            "SELECT name, claimed, password IS NOT NULL, last_seen,
                 ifnull(t.count, 0), ifnull(g.count, 0), ifnull(m.count, 0)
             FROM user
             LEFT JOIN (SELECT user, count(*) AS count FROM token GROUP BY user) t
                 ON t.user = user.id
             LEFT JOIN (SELECT user, count(*) AS count
                 FROM member JOIN conversation c ON c.id = member.conversation
                 WHERE until IS NULL AND NOT c.deleted GROUP BY user) g ON g.user = user.id
             LEFT JOIN (SELECT sender, count(*) AS count FROM message GROUP BY sender) m
                 ON m.sender = user.id
             ORDER BY user.id",
        )?;
        let users = found.query_map([], |row| {
            Ok(UserSummary {
                name: row.get(0)?,
                claimed: row.get(1)?,
                password: row.get(2)?,
                last_seen_ms: number(row.get(3)?),
                tokens: number(row.get(4)?),
                groups: number(row.get(5)?),
                messages: number(row.get(6)?),
            })
        })?;
        Ok(users.collect::<rusqlite::Result<_>>()?)
    }

    /// The names of all users.
    pub fn user_names(&self) -> Result<Vec<(UserId, String)>, StoreError> {
        let mut found = self.db.prepare("SELECT id, name FROM user ORDER BY id")?;
        let names = found.query_map([], |row| Ok((UserId(row.get(0)?), row.get(1)?)))?;
        Ok(names.collect::<rusqlite::Result<_>>()?)
    }

    /// All groups, in the order in which they were made.
    pub fn groups(&self) -> Result<Vec<GroupSummary>, StoreError> {
        let mut found = self.db.prepare(
            "SELECT id, name, deleted FROM conversation WHERE name IS NOT NULL ORDER BY id",
        )?;
        let groups = found.query_map([], |row| {
            Ok(GroupSummary {
                conversation: ConversationId(row.get(0)?),
                name: row.get(1)?,
                deleted: row.get(2)?,
            })
        })?;
        Ok(groups.collect::<rusqlite::Result<_>>()?)
    }

    /// The private conversation of two users, if they have written to each other.
    pub fn pair(&self, one: UserId, other: UserId) -> Result<Option<ConversationId>, StoreError> {
        let (a, b) = (one.0.min(other.0), one.0.max(other.0));
        let sql = "SELECT id FROM conversation WHERE name IS NULL AND a = ? AND b = ?";
        let found = self.db.query_row(sql, [a, b], |row| Ok(ConversationId(row.get(0)?)));
        Ok(found.optional()?)
    }

    /// The next messages of a conversation after a number, oldest first; none at its end.
    pub fn page(&self, conversation: ConversationId, after: MsgId) -> Result<Vec<Row>, StoreError> {
        let mut rows = Rows::new(&self.db, Path::new(""))?;
        let mut found = self.db.prepare(&format!(
            "SELECT {COLUMNS} FROM message INDEXED BY message_place
             WHERE conversation = ? AND id > ? ORDER BY id LIMIT ?"
        ))?;
        let mut found = found.query(params![conversation.0, int(after), PAGE_MESSAGES])?;
        let (mut page, mut bytes) = (Vec::new(), 0);
        while let Some(row) = found.next()? {
            let row = rows.complete(rows::read(row)?)?;
            bytes += rows::weight(&row);
            page.push(row);
            if bytes > STORED_PAGE_BYTES_MAX {
                break;
            }
        }
        Ok(page)
    }

    /// Who wrote a message and when, if it is there.
    pub fn written(&self, msg_id: MsgId) -> Result<Option<(UserId, u64)>, StoreError> {
        let sql = "SELECT sender, ts FROM message WHERE id = ?";
        let found = self
            .db
            .query_row(sql, [int(msg_id)], |row| Ok((UserId(row.get(0)?), number(row.get(1)?))));
        Ok(found.optional()?)
    }
}

/// Copies a store as it is at this moment into a file that is there and empty, and checks the copy.
/// What a running server has not yet moved into its file is in the copy, too; it is written anew, so
/// nothing that was deleted lies in its corners.
pub fn copy(store: &Path, copy: &Path) -> Result<(), StoreError> {
    let (db, _) = open(store)?;
    let to = absolute(copy)?;
    let Some(to) = to.to_str() else {
        return Err(StoreError::Unusable("the path is not UTF-8".to_owned()));
    };
    db.execute("VACUUM INTO ?", [to])?;
    check(copy)
}

/// Reads a whole store to see whether it is one, of a version that is known here, and in order.
pub fn check(store: &Path) -> Result<(), StoreError> {
    let (db, _) = open(store)?;
    let said: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    match said.as_str() {
        "ok" => Ok(()),
        _ => Err(StoreError::Damaged(said)),
    }
}

/// Opens a file that must be a store, and tells its version.
fn open(store: &Path) -> Result<(Connection, i64), StoreError> {
    // SQLite has meanings of its own for some names, for none that is absolute.
    let store = absolute(store)?;
    if !fs::metadata(&store)?.is_file() {
        return Err(StoreError::Foreign);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(store, flags)?;
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = schema::known();
    let count: i64 = db.query_row(
        "SELECT count(*) FROM sqlite_schema
         WHERE type = 'table' AND name IN (?, ?, ?, ?, ?)",
        TABLES,
        |row| row.get(0),
    )?;
    if found < 1 || usize::try_from(count) != Ok(TABLES.len()) {
        return Err(StoreError::Foreign);
    }
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    Ok((db, found))
}

/// A data folder that no server can take as long as this lives.
#[derive(Debug)]
pub struct Closed {
    data: PathBuf,
    _lock: File,
}

impl Closed {
    /// Takes a folder, in which a server must not be running.
    pub fn take(data: &Path) -> Result<Self, StoreError> {
        Ok(Self { data: data.to_owned(), _lock: disk::lock(data)? })
    }

    /// Gives a user this password alone, as a PHC string: no token is good any more.
    pub fn reset_password(&self, user: UserId, phc: String) -> Result<(), StoreError> {
        let (mut db, _) = open(&Store::path(&self.data))?;
        schema::renew_log(&mut db, &self.data)?;
        let change = db.transaction()?;
        {
            let mut catalog = Catalog::new(&change)?;
            catalog.credential(user, &Credential::Password(phc), 0)?;
            catalog.credential(user, &Credential::AllRevoked, 0)?;
        }
        change.commit()?;
        Ok(())
    }

    /// Gathers the store in its one file, so that it can be moved. `Busy` if somebody reads it: that
    /// reader would remove the log of whatever has the file's name by then, when it ends. What is too
    /// broken for that is moved as it is found.
    pub fn settle(&self) -> Result<(), StoreError> {
        let Ok((db, _)) = open(&Store::path(&self.data)) else { return Ok(()) };
        // A list of users is read in less; whoever reads an export may take an hour.
        db.busy_timeout(Duration::from_secs(1))?;
        let mode = db.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get::<_, String>(0));
        match mode.map_err(StoreError::from) {
            Ok(mode) if mode == "wal" => Err(StoreError::Busy),
            Err(StoreError::Busy) => Err(StoreError::Busy),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Lets `put` put a store in the place of the one that is there. That one is moved aside under a
    /// name with `time` in it, which is returned.
    pub fn replace(
        &self,
        time: &str,
        put: impl FnOnce(&Path) -> io::Result<()>,
    ) -> io::Result<Option<PathBuf>> {
        let path = Store::path(&self.data);
        let old = if path.symlink_metadata().is_ok() { Some(self.free_name(time)) } else { None };
        // With a name of its own the old file stays in its place until the new one takes it, so
        // that there is a store at every moment.
        let linked = old.as_ref().is_some_and(|old| fs::hard_link(&path, old).is_ok());
        let mut moved = Vec::new();
        let done = self.move_side_files(time, old.as_deref(), &mut moved).and_then(|()| {
            match &old {
                Some(old) if !linked => {
                    fs::rename(&path, old)?;
                    moved.push((path.clone(), old.clone()));
                }
                _ => {}
            }
            put(&path)
        });
        if let Err(error) = done {
            // As it was, as far as it goes. A link that stays is a second name, and harmless.
            for (from, to) in moved.iter().rev() {
                let _ = fs::rename(to, from);
            }
            if linked && let Some(old) = &old {
                let _ = fs::remove_file(old);
            }
            return Err(error);
        }
        Ok(old)
    }

    /// What [`Closed::settle`] could not gather. The log belongs to its file: with another it would spoil that one.
    fn move_side_files(
        &self,
        time: &str,
        old: Option<&Path>,
        moved: &mut Vec<(PathBuf, PathBuf)>,
    ) -> io::Result<()> {
        let old = old.map_or_else(|| self.free_name(time), Path::to_owned);
        for end in SIDE_FILES {
            let with_end = |path: &Path| {
                let mut path = path.as_os_str().to_owned();
                path.push(end);
                PathBuf::from(path)
            };
            let (from, to) = (with_end(&Store::path(&self.data)), with_end(&old));
            match fs::rename(&from, &to) {
                Ok(()) => moved.push((from, to)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A name for the old store that nothing has, not even twice within a second.
    fn free_name(&self, time: &str) -> PathBuf {
        let named = |copy: u32| match copy {
            1 => self.data.join(format!("papo-{time}.db")),
            _ => self.data.join(format!("papo-{time}-{copy}.db")),
        };
        let mut copy = 1;
        while named(copy).symlink_metadata().is_ok() {
            copy += 1;
        }
        named(copy)
    }
}
