//! A real store, and what an input does to it.

use std::path::Path;
use std::{fs, io};

use rusqlite::types::Value;
use rusqlite::{Connection, Result};

use crate::fuzzing::input::Input;

/// A small store, and what a server had not moved into it when it was killed.
pub(in crate::fuzzing) const SEED: &[u8] = include_bytes!("../../../fuzz/seeds/papo.db");
pub(in crate::fuzzing) const SEED_LOG: &[u8] = include_bytes!("../../../fuzz/seeds/papo.db-wal");

/// The store's smallest unit.
const PAGE_BYTES: usize = 512;

/// Numbers at which something ends.
const EDGES: [i64; 12] = [
    -1,
    0,
    1,
    2,
    1_024,
    100_000,
    u32::MAX as i64,
    u32::MAX as i64 + 1,
    (1 << 53) - 1,
    1 << 53,
    i64::MAX,
    i64::MIN,
];

/// Puts a store into a folder, and changes it as the input says: first in its rows, as somebody with
/// a database tool would, then in its bytes, as a disk would.
pub(super) fn lay(data: &Path, input: &mut Input<'_>) {
    let (store, log) = (data.join("papo.db"), data.join("papo.db-wal"));
    let (mut bytes, mut log_bytes) = (SEED.to_vec(), SEED_LOG.to_vec());
    let rows = input.byte() % 16;
    if rows > 0 {
        put(&store, &bytes).and_then(|()| put(&log, &log_bytes)).expect("a store can be laid");
        // An edit that cannot be made is none.
        let _ = edit_rows(&store, input, rows);
        bytes = fs::read(&store).unwrap_or_default();
        log_bytes = fs::read(&log).unwrap_or_default();
    }
    while !input.is_empty() {
        let kind = input.byte();
        let target = if kind & 0x80 == 0 { &mut bytes } else { &mut log_bytes };
        edit_bytes(target, kind, input);
    }
    let log_laid = if log_bytes.is_empty() { Ok(()) } else { put(&log, &log_bytes) };
    put(&store, &bytes).and(log_laid).expect("a store can be laid");
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::write(path, bytes)
}

fn edit_bytes(bytes: &mut Vec<u8>, kind: u8, input: &mut Input<'_>) {
    let length = bytes.len().max(1) as u64;
    let place =
        |input: &mut Input<'_>| usize::try_from(input.number::<2>() % length).unwrap_or_default();
    match kind & 0x7f {
        0..=0x5f => {
            let at = place(input);
            let count = usize::from(input.byte() % 16) + 1;
            let patch = input.bytes(count);
            for (byte, new) in bytes.iter_mut().skip(at).zip(patch) {
                *byte = *new;
            }
        }
        // Whole pages stay in order when they change places.
        0x60..=0x77 => {
            let (from, to) = (place(input) / PAGE_BYTES, place(input) / PAGE_BYTES);
            if let Some(page) = bytes.chunks(PAGE_BYTES).nth(from).map(<[u8]>::to_vec)
                && let Some(target) = bytes.chunks_mut(PAGE_BYTES).nth(to)
            {
                let count = page.len().min(target.len());
                target[..count].copy_from_slice(&page[..count]);
            }
        }
        0x78..=0x7b => bytes.truncate(place(input)),
        _ => {
            let at = place(input) / PAGE_BYTES * PAGE_BYTES;
            for byte in bytes.iter_mut().skip(at).take(PAGE_BYTES) {
                *byte = 0;
            }
        }
    }
}

fn edit_rows(store: &Path, input: &mut Input<'_>, count: u8) -> Result<()> {
    let db = Connection::open(store)?;
    db.execute_batch("PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY")?;
    let columns = columns(&db)?;
    db.execute_batch("BEGIN")?;
    for _ in 0..count {
        if input.is_empty() {
            break;
        }
        let (what, row) = (input.byte(), input.byte());
        let Some((table, column)) = columns.get(usize::from(what) % columns.len()) else { break };
        let value = value(input);
        let which = format!("rowid = (SELECT rowid FROM \"{table}\" LIMIT 1 OFFSET {row})");
        let (set, gone) =
            (format!("UPDATE OR REPLACE \"{table}\" SET \"{column}\" = ?"), value.is_none());
        let value = value.unwrap_or(Value::Null);
        // Tables without rows of a number are changed as a whole.
        let _ = if gone {
            db.execute(&format!("DELETE FROM \"{table}\" WHERE {which}"), [])
        } else {
            db.execute(&format!("{set} WHERE {which}"), [&value])
                .or_else(|_| db.execute(&set, [&value]))
        };
    }
    db.execute_batch("COMMIT; PRAGMA wal_checkpoint")
}

/// Every column of every table of ours.
fn columns(db: &Connection) -> Result<Vec<(String, String)>> {
    let mut found = db.prepare(
        "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_xinfo(t.name) c
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' ORDER BY t.name, c.cid",
    )?;
    found.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// A value to be put into a row; none if the row is to go.
fn value(input: &mut Input<'_>) -> Option<Value> {
    let kind = input.byte();
    let length = usize::from(kind >> 3);
    match kind % 8 {
        0 => None,
        1 => Some(Value::Null),
        2 => Some(Value::Integer(i64::from(input.byte()))),
        3 => Some(Value::Integer(EDGES[length % EDGES.len()])),
        4 => Some(Value::Integer(input.number::<8>().cast_signed())),
        5 | 6 => Some(Value::Text(String::from_utf8_lossy(input.bytes(length)).into_owned())),
        _ => Some(Value::Blob(input.bytes(length).to_vec())),
    }
}
