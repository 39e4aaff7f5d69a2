//! `SQLite` on a simulated disk.

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{Disk, sync_folder, vfs_of};

fn connect(disk: &Disk) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let vfs = vfs_of(disk.folder()).unwrap();
    let db = Connection::open_with_flags_and_vfs(disk.folder().join("test.db"), flags, vfs)?;
    db.query_row("PRAGMA journal_mode = WAL", [], |row| {
        assert_eq!(row.get::<_, String>(0)?, "wal");
        Ok(())
    })?;
    db.execute_batch(
        "PRAGMA synchronous = FULL;
         CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, text TEXT NOT NULL)",
    )?;
    Ok(db)
}

fn add(db: &Connection, id: i64) -> rusqlite::Result<()> {
    db.execute("INSERT INTO t VALUES (?, ?)", (id, "palavra ".repeat(100))).map(drop)
}

fn count(db: &Connection) -> i64 {
    let check: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    db.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_reader_on_another_thread_sees_what_was_committed() {
    let disk = Disk::new();
    let writer = connect(&disk).unwrap();
    add(&writer, 1).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    add(&writer, 2).unwrap();
    std::thread::scope(|scope| {
        let read = scope.spawn(|| count(&connect(&disk).unwrap()));
        assert_eq!(read.join().unwrap(), 1);
    });
    writer.execute_batch("COMMIT").unwrap();
    let reader = connect(&disk).unwrap();
    assert_eq!(count(&reader), 2);
    let busy = |db: &Connection| db.execute_batch("BEGIN IMMEDIATE").unwrap_err();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(busy(&reader).sqlite_error_code(), Some(ErrorCode::DatabaseBusy));
    writer.execute_batch("COMMIT; PRAGMA wal_checkpoint(PASSIVE)").unwrap();
    assert_eq!(count(&reader), 2);
}

#[test]
fn the_last_to_close_leaves_one_file() {
    let disk = Disk::new();
    let (one, other) = (connect(&disk).unwrap(), connect(&disk).unwrap());
    add(&one, 1).unwrap();
    drop(one);
    assert_eq!(disk.names(), ["test.db", "test.db-wal"]);
    drop(other);
    assert_eq!(disk.names(), ["test.db"]);
    assert_eq!(count(&connect(&disk).unwrap()), 1);
}

/// What was committed with a sync is there after any crash.
#[test]
fn a_crash_at_every_operation_loses_nothing_that_was_synced() {
    let whole = {
        let disk = Disk::new();
        run(&disk);
        disk.operations()
    };
    assert!(whole > 30);
    for at in 1..=whole {
        for seed in 0..4 {
            let disk = Disk::new();
            disk.crash_after(at);
            let committed = run(&disk);
            assert!(!disk.is_on());
            disk.power_on(at * 4 + seed);
            let found = count(&connect(&disk).unwrap());
            assert!((committed..=committed + 1).contains(&found), "{at} {seed}: {found}");
        }
    }
}

/// Returns how many rows were committed before something failed.
fn run(disk: &Disk) -> i64 {
    let Ok(db) = connect(disk) else { return 0 };
    if sync_folder(disk.folder()).is_err() {
        return 0;
    }
    let mut committed = 0;
    for id in 1..=10 {
        if add(&db, id).is_err() {
            break;
        }
        committed = id;
        if id == 5 && db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).is_err() {
            break;
        }
    }
    committed
}

#[test]
fn a_name_is_gone_if_its_folder_was_not_synced() {
    let mut gone = 0;
    for seed in 0..100 {
        let disk = Disk::new();
        let db = connect(&disk).unwrap();
        assert_eq!(disk.names(), ["test.db", "test.db-wal"]);
        disk.power_off();
        drop(db);
        disk.power_on(seed);
        // The log's first sync synced the folder, too.
        assert_eq!(disk.names()[0], "test.db");
        let path = disk.folder().join("other.db");
        let vfs = vfs_of(&path).unwrap();
        let db = Connection::open_with_flags_and_vfs(&path, OpenFlags::default(), vfs).unwrap();
        db.execute_batch("PRAGMA journal_mode = MEMORY; CREATE TABLE t(x)").unwrap();
        disk.power_off();
        drop(db);
        disk.power_on(seed);
        gone += usize::from(disk.read("other.db").is_none());
    }
    assert!((20..80).contains(&gone), "{gone}");
}

#[test]
fn a_full_disk_and_a_failed_write_undo_a_transaction() {
    let disk = Disk::new();
    let db = connect(&disk).unwrap();
    add(&db, 1).unwrap();
    let room = disk.used() + 1_000;
    disk.full(Some(room));
    assert_eq!(add(&db, 2).unwrap_err().sqlite_error_code(), Some(ErrorCode::DiskFull));
    assert!(disk.used() <= room);
    disk.full(None);
    disk.fail_next_write();
    let error = add(&db, 3).unwrap_err();
    assert_eq!(error.sqlite_error_code(), Some(ErrorCode::SystemIoFailure));
    add(&db, 4).unwrap();
    assert_eq!(count(&db), 2);
    drop(db);
    let db = connect(&disk).unwrap();
    disk.fail_next_read();
    let read = db.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0));
    assert_eq!(read.unwrap_err().sqlite_error_code(), Some(ErrorCode::SystemIoFailure));
    assert_eq!(count(&db), 2);
}

#[test]
fn a_failed_sync_says_so_and_loses_what_it_was_to_write() {
    let mut lost = 0;
    for seed in 0..40 {
        let disk = Disk::new();
        let db = connect(&disk).unwrap();
        add(&db, 1).unwrap();
        disk.fail_next_sync(seed);
        let error = add(&db, 2).unwrap_err();
        let extended = error.sqlite_error().unwrap().extended_code;
        assert_eq!(extended, rusqlite::ffi::SQLITE_IOERR_FSYNC);
        disk.power_off();
        drop(db);
        disk.power_on(seed);
        let found = count(&connect(&disk).unwrap());
        assert!((1..=2).contains(&found));
        lost += usize::from(found == 1);
    }
    assert!((5..40).contains(&lost), "{lost}");
}

#[test]
fn the_same_run_leaves_the_same_disk() {
    let after = |crash: u64| {
        let disk = Disk::new();
        disk.crash_after(crash);
        run(&disk);
        let before = disk.fingerprint();
        disk.power_on(crash);
        (before, disk.fingerprint(), disk.operations())
    };
    for crash in [5, 20, 33, 1_000] {
        assert_eq!(after(crash), after(crash));
    }
    assert_ne!(after(20), after(33));
}

#[test]
fn whoever_was_killed_writes_no_more_and_has_lost_nothing() {
    let disk = Disk::new();
    let dead = connect(&disk).unwrap();
    add(&dead, 1).unwrap();
    dead.execute_batch("BEGIN IMMEDIATE").unwrap();
    disk.restart();
    let db = connect(&disk).unwrap();
    assert_eq!(count(&db), 1);
    add(&db, 2).unwrap();
    assert!(dead.execute_batch("INSERT INTO t VALUES (3, ''); COMMIT").is_err());
    drop(dead);
    assert_eq!(count(&db), 2);
}
