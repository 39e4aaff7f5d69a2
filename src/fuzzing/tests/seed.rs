//! The store that `store` changes. It was made once and is kept as it is: stores of today's version
//! are to be read by tomorrow's.

use std::fs;

use rusqlite::Connection;

use super::fuzz_folder;
use crate::fuzzing::store::edits::{SEED, SEED_LOG};
use crate::fuzzing::store::server::Server;

/// What is in the file, and then what is only in its log.
const STORED: &[(u32, &str)] = &[
    (0, r#"{"type":"login","username":"ana","want_token":true,"features":["chunks"]}"#),
    (1, r#"{"type":"login","username":"bia"}"#),
    (2, r#"{"type":"login","username":"caio"}"#),
    (3, r#"{"type":"login","username":"dora"}"#),
    (0, r#"{"type":"set_password","password":"segredo"}"#),
    (0, r#"{"type":"private_message","recipient":"bia","content":"oi","id":"a"}"#),
    (
        1,
        r#"{"type":"private_message","recipient":"ana","content":"oi, ana","id":1,"reply_to":#04}"#,
    ),
    (2, r#"{"type":"create_group","group_name":"Trabalho"}"#),
    (0, r#"{"type":"join_group","group_name":"Trabalho"}"#),
    (1, r#"{"type":"join_group","group_name":"Trabalho"}"#),
    (0, r#"{"type":"group_message","group_name":"Trabalho","content":"o oi de sempre"}"#),
    (0, r#"{"type":"private_message","recipient":"bia","content":"ate logo"}"#),
    (0, r#"{"type":"send_file","recipient":"bia","filename":"f.txt","file_data":"b2k="}"#),
    (1, r#"{"type":"create_group","group_name":"Fechado","private":true}"#),
    (1, r#"{"type":"add_member","group_name":"Fechado","new_member":"caio"}"#),
    (1, r#"{"type":"remove_member","group_name":"Fechado","member":"caio"}"#),
    (2, r#"{"type":"create_group","group_name":"Velho"}"#),
    (2, r#"{"type":"delete_group","group_name":"Velho"}"#),
    (0, r#"{"type":"read","group_name":"Trabalho","msg_id":#09}"#),
    // The index of words is made when somebody searches.
    (0, r#"{"type":"search","query":"oi"}"#),
];
const LOGGED: &[(u32, &str)] = &[
    (0, r#"{"type":"login","username":"ana","password":"segredo","features":["chunks"]}"#),
    (1, r#"{"type":"login","username":"bia","features":[]}"#),
    (0, r#"{"type":"private_message","recipient":"caio","content":"oi de novo"}"#),
    (
        0,
        r#"{"type":"file_begin","recipient":"bia","filename":"g.bin","size":9,"sha256":"0000000000000000000000000000000000000000000000000000000000000000"}"#,
    ),
    (1, r#"{"type":"react","msg_id":#04,"emoji":"+"}"#),
    (0, r#"{"type":"edit_message","msg_id":#04,"content":"oi oi"}"#),
    (1, r#"{"type":"read","with":"ana","msg_id":#04}"#),
];

#[test]
fn the_seed_is_a_store_with_something_of_everything() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("papo.db"), SEED).unwrap();
    fs::write(folder.path().join("papo.db-wal"), SEED_LOG).unwrap();
    Server::open(folder.path()).expect("the seed opens").close();
    let db = Connection::open(folder.path().join("papo.db")).unwrap();
    let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    for table in
        ["user", "token", "conversation", "member", "message", "reaction", "reading", "upload"]
    {
        assert!(count(&format!("SELECT count(*) FROM {table}")) > 0, "{table} is empty");
    }
    // What people say to a server on it is understood.
    let mut server = Server::open(folder.path()).unwrap();
    server.talk();
    server.close();
    assert_eq!(count("SELECT count(*) FROM message WHERE edited OR deleted"), 2);
    assert_eq!(count("SELECT count(*) FROM reaction"), 1);
    assert_eq!(count("SELECT count(*) FROM conversation WHERE deleted"), 2);
    assert!(SEED.len() + SEED_LOG.len() < 60 * 1024);
}

/// `cargo test the_seed_is_made -- --ignored`
#[test]
#[ignore = "makes the seed anew: corpora of it mean something else then"]
fn the_seed_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("papo.db");
    // The smallest pages there are, so that each thing has one of its own.
    let db = Connection::open(&store).unwrap();
    db.execute_batch("PRAGMA page_size = 512; VACUUM").unwrap();
    drop(db);
    play(folder.path(), STORED).close();
    let server = play(folder.path(), LOGGED);
    let seeds = fuzz_folder().join("seeds");
    fs::create_dir_all(&seeds).unwrap();
    for name in ["papo.db", "papo.db-wal"] {
        fs::copy(folder.path().join(name), seeds.join(name)).unwrap();
    }
    server.close();
}

fn play(data: &std::path::Path, story: &[(u32, &str)]) -> Server {
    let mut server = Server::open(data).unwrap();
    for (who, json) in story {
        assert!(server.handle(*who, json), "{json}");
    }
    server
}
