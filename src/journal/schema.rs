//! The store's file: its tables, how they came to be, and how it is opened.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::{Durability, OpenError};
use crate::sabotage::{self, Sabotage};

/// The file's name in the data folder.
pub(super) const FILE: &str = "papo.db";

/// The log beside it: what has been committed and not moved into the file.
const LOG: &str = "papo.db-wal";

/// How much of the log is written anew in one piece.
const LOG_PIECE_BYTES: usize = 1024 * 1024;

#[cfg(test)]
thread_local! {
    /// A disk that is full from this page on, for stores that this thread opens.
    pub(super) static PAGES_MAX: std::cell::Cell<Option<i64>> = const { std::cell::Cell::new(None) };
}

/// What leads from each version of the tables to the next. Never changed, only added to: a store
/// has been through those before its `user_version`.
const MIGRATIONS: &[&str] = &[
    // Messages lie in the order of their numbers, which is the order in which they are written. An
    // index in SQLite ends with the row's number, so `message_place` is by (conversation, id).
    // `request` has no affinity: the number 7 and the text "7" are two ids.
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
     INSERT INTO meta VALUES ('last', 0), ('indexed', 0);

     CREATE TABLE user(
         id INTEGER PRIMARY KEY, name TEXT NOT NULL, cursor INTEGER NOT NULL,
         last_seen INTEGER NOT NULL, claimed INTEGER NOT NULL DEFAULT 0, password TEXT,
         created INTEGER NOT NULL) STRICT;
     CREATE TABLE token(
         hash BLOB PRIMARY KEY, user INTEGER NOT NULL, created INTEGER NOT NULL) STRICT;
     CREATE INDEX token_user ON token(user);

     CREATE TABLE conversation(
         id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, name TEXT,
         private INTEGER NOT NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0) STRICT;
     CREATE TABLE member(
         conversation INTEGER NOT NULL, user INTEGER NOT NULL, role INTEGER NOT NULL,
         since INTEGER NOT NULL, until INTEGER, added_by INTEGER, ts INTEGER NOT NULL) STRICT;
     CREATE UNIQUE INDEX member_now ON member(conversation, user) WHERE until IS NULL;

     CREATE TABLE message(
         id INTEGER PRIMARY KEY, conversation INTEGER NOT NULL, sender INTEGER NOT NULL,
         ts INTEGER NOT NULL, content TEXT NOT NULL, reply_to INTEGER, request ANY,
         edited INTEGER NOT NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0, changed INTEGER,
         file_name TEXT, file_saved_as TEXT, file_size INTEGER) STRICT;
     CREATE INDEX message_place ON message(conversation);
     CREATE INDEX message_changed ON message(conversation, changed) WHERE changed IS NOT NULL;
     CREATE UNIQUE INDEX message_request ON message(sender, request) WHERE request IS NOT NULL;
     CREATE TABLE reaction(
         message INTEGER NOT NULL, user INTEGER NOT NULL, emoji TEXT NOT NULL, at INTEGER NOT NULL,
         PRIMARY KEY (message, user)) STRICT, WITHOUT ROWID;
     CREATE TABLE reading(
         user INTEGER NOT NULL, conversation INTEGER NOT NULL, msg_id INTEGER NOT NULL,
         PRIMARY KEY (user, conversation)) STRICT, WITHOUT ROWID;

     CREATE VIRTUAL TABLE search USING fts5(
         text, place, content='', contentless_delete=1,
         tokenize='unicode61 remove_diacritics 2');",
    // Files in pieces. A whole one is known by the number of its message.
    "ALTER TABLE message ADD COLUMN file_upload INTEGER;
     ALTER TABLE message ADD COLUMN file_sha256 BLOB;
     CREATE INDEX message_upload ON message(file_upload) WHERE file_upload IS NOT NULL;
     CREATE INDEX message_file ON message(sender, file_size) WHERE file_name IS NOT NULL;
     CREATE TABLE upload(
         id INTEGER PRIMARY KEY, user INTEGER NOT NULL, to_user INTEGER, to_group INTEGER,
         name TEXT NOT NULL, size INTEGER NOT NULL, sha256 BLOB NOT NULL,
         ts INTEGER NOT NULL) STRICT;",
    // Files whose bytes were removed: when. They do not count in anybody's quota.
    "ALTER TABLE message ADD COLUMN file_pruned INTEGER;
     DROP INDEX message_file;
     CREATE INDEX message_file ON message(sender, file_size)
         WHERE file_name IS NOT NULL AND file_pruned IS NULL;",
];

/// Opens the store to write, and brings it to the newest version.
pub(super) fn open(data: &Path, durability: Durability) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = connect(data, flags)?;
    #[cfg(test)]
    if let Some(pages) = PAGES_MAX.get() {
        db.pragma_update(None, "max_page_count", pages)?;
    }
    // Before anything is written: a file of somebody else's, or of a newer papo's, stays as it is.
    migrate_if_known(&mut db, data)?;
    db.execute_batch(&format!(
        "PRAGMA synchronous = {}; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -32768;
         PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864",
        level(durability)
    ))?;
    Ok(db)
}

/// Makes sure that the store's files are in their folder, also after a power cut. `SQLite` syncs a
/// folder in which it makes a file, and does not look whether that worked.
pub(super) fn settle(db: &Connection, data: &Path) -> Result<(), OpenError> {
    // The first thing written makes the file that all commits go to.
    db.execute("UPDATE meta SET value = value WHERE key = 'last'", [])?;
    Ok(sync_folder(data)?)
}

/// Opens the store once more, to read.
pub(super) fn open_reader(data: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = connect(data, flags)?;
    db.execute_batch(
        "PRAGMA query_only = 1; PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY",
    )?;
    Ok(db)
}

fn connect(data: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    #[cfg(test)]
    if let Some(vfs) = simulated_disk::vfs_of(data) {
        return Connection::open_with_flags_and_vfs(data.join(FILE), flags, vfs);
    }
    Connection::open_with_flags(data.join(FILE), flags)
}

/// Has `SQLite` write ahead, into a log. When it cannot, it names the new mode in a row all the same, says
/// what went wrong only after that row, and goes on with a journal for each commit; a power cut can
/// undo that one's deletion, and with it the newest commit.
fn begin_log(db: &Connection) -> Result<(), OpenError> {
    let mut change = db.prepare("PRAGMA journal_mode = WAL")?;
    let mut rows = change.query([])?;
    while rows.next()?.is_some() {}
    let mode: String = db.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if mode == "wal" {
        return Ok(());
    }
    Err(OpenError::Unusable(format!("SQLite cannot begin its log and stays in the mode {mode}")))
}

/// Writes the log as it is once more, and syncs it.
///
/// A server that could not sync has ended, and nobody knows what of the log is on the disk: the system
/// has forgotten that it was to write the rest, and shows it all the same until the power is off. What
/// the next server commits comes after it in the log, and without it would be lost with it.
pub(super) fn renew_log(db: &mut Connection, data: &Path) -> Result<(), OpenError> {
    // Whoever removes files beside this writes to the log, too, but not within this transaction.
    let alone = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    rewrite_and_sync(&data.join(LOG))?;
    Ok(alone.rollback()?)
}

/// The same for a file, which need not be there.
fn rewrite_and_sync(path: &Path) -> io::Result<()> {
    match open_and_rewrite(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn open_and_rewrite(path: &Path) -> io::Result<()> {
    #[cfg(test)]
    if simulated_disk::vfs_of(path).is_some() {
        let mut log = simulated_disk::File::open(path)?;
        rewrite(&mut log)?;
        return log.sync_all();
    }
    let mut log = File::options().read(true).write(true).open(path)?;
    rewrite(&mut log)?;
    log.sync_all()
}

fn rewrite(log: &mut (impl Read + Write + Seek)) -> io::Result<()> {
    let (mut at, mut piece) = (0, Vec::new());
    loop {
        piece.clear();
        Read::by_ref(log).take(LOG_PIECE_BYTES as u64).read_to_end(&mut piece)?;
        if piece.is_empty() {
            return Ok(());
        }
        log.seek(SeekFrom::Start(at))?;
        log.write_all(&piece)?;
        at += piece.len() as u64;
    }
}

fn sync_folder(data: &Path) -> io::Result<()> {
    #[cfg(test)]
    if simulated_disk::vfs_of(data).is_some() {
        return simulated_disk::sync_folder(data);
    }
    #[cfg(unix)]
    return File::open(data)?.sync_all();
    #[cfg(not(unix))]
    return Ok(());
}

/// When `SQLite` syncs. What is not synced at all could be in pieces after a power cut; `NORMAL` loses
/// the newest and keeps the rest whole.
pub(super) fn level(durability: Durability) -> &'static str {
    match durability {
        _ if sabotage::is(Sabotage::AnsweredBeforeSync) => "OFF",
        Durability::Sync => "FULL",
        Durability::Os | Durability::Memory => "NORMAL",
    }
}

/// The newest version of the tables that is known here.
pub(super) fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

fn migrate_if_known(db: &mut Connection, data: &Path) -> Result<(), OpenError> {
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = known();
    if found > known {
        return Err(OpenError::TooNew { found, known });
    }
    begin_log(db)?;
    renew_log(db, data)?;
    db.execute_batch("PRAGMA synchronous = FULL")?;
    for (at, migration) in MIGRATIONS.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        let change = db.transaction()?;
        change.execute_batch(migration)?;
        change.pragma_update(None, "user_version", i64::try_from(at + 1).unwrap_or(i64::MAX))?;
        change.commit()?;
    }
    Ok(())
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Unusable(error.to_string()),
        }
    }
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::Unusable(error.to_string())
    }
}

/// A number as `SQLite` keeps it. Numbers of ours stay far below its end.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number as `SQLite` kept it.
pub(super) fn number(int: i64) -> u64 {
    u64::try_from(int).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_written_anew_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOG);
        rewrite_and_sync(&path).unwrap();
        assert!(!path.exists());
        for len in [0, 1, LOG_PIECE_BYTES, 2 * LOG_PIECE_BYTES + 512] {
            let bytes: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
            std::fs::write(&path, &bytes).unwrap();
            rewrite_and_sync(&path).unwrap();
            assert!(std::fs::read(&path).unwrap() == bytes, "{len}");
        }
    }
}
