//! The store and the program around it: one server on one folder, and how it keeps its promises.

use std::process::{Child, Stdio};
use std::time::Instant;

use serde_json::json;

use crate::common::server::{papo, wait_for_end};
use crate::common::transcript::Transcript;
use crate::common::{PATIENCE, Server, number};
use crate::{contents, history, private, with};

/// Another server on the same folder, on a port of its own.
fn another_on_the_folder_of(server: &Server) -> (Child, Transcript, Transcript) {
    let mut child = papo()
        .args(["server", "--listen", "localhost:0", "--data"])
        .arg(server.data())
        .current_dir(server.home())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("papo starts");
    let stdout = Transcript::follow(child.stdout.take().expect("piped"));
    let stderr = Transcript::follow(child.stderr.take().expect("piped"));
    (child, stdout, stderr)
}

#[test]
fn a_second_server_on_the_same_folder_says_so_and_ends() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    ana.tell("ana", "antes");
    for _ in 0..2 {
        let started = Instant::now();
        let (mut second, stdout, stderr) = another_on_the_folder_of(&server);
        assert_eq!(wait_for_end(&mut second).code(), Some(1));
        assert!(started.elapsed() < PATIENCE / 2, "it hesitated");
        let said = stderr.whole();
        assert_eq!(said.len(), 1, "{said:?}");
        let folder = server.data();
        assert!(said[0].contains(&*folder.to_string_lossy()), "{said:?}");
        // Nobody is told that it started.
        let printed = stdout.whole();
        assert!(!printed.iter().any(|line| line.contains("Iniciado")), "{printed:?}");
    }
    // The first one has noticed nothing.
    ana.tell("ana", "depois");
    assert_eq!(contents(&history(&mut ana, &with("ana"))), ["antes", "depois"]);
    server.still_serves();
    drop(ana);
    // The folder is free when its server has ended, however it ended.
    server.stop();
    server.again();
    server.crash();
    assert_eq!(history(&mut server.join("ana"), &with("ana")).len(), 2);
}

#[test]
fn a_store_that_names_a_user_it_does_not_have_is_refused_in_one_sentence() {
    let mut server = Server::start();
    server.join("ana").tell("ana", "oi");
    server.stop();
    let db = rusqlite::Connection::open(server.data().join("papo.db")).expect("the store");
    let changed = db.execute("UPDATE conversation SET b = 7 WHERE name IS NULL", []);
    assert_eq!(changed.expect("a row is changed"), 1);
    drop(db);
    let (mut refused, stdout, stderr) = another_on_the_folder_of(&server);
    assert_eq!(wait_for_end(&mut refused).code(), Some(1));
    let said = stderr.whole();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("damaged"), "{said:?}");
    assert!(!stdout.whole().iter().any(|line| line.contains("Iniciado")));
}

#[test]
fn two_servers_on_two_folders_have_nothing_in_common() {
    let (one, other) = (Server::start(), Server::start());
    let mut ana = one.join("ana");
    ana.tell("ana", "aqui");
    let mut elsewhere = other.join("ana");
    assert_eq!(contents(&history(&mut elsewhere, &with("ana"))), Vec::<&str>::new());
}

#[test]
fn nothing_is_written_beside_the_data_folder() {
    let mut server = Server::start();
    server.join("ana").tell("ana", "oi");
    server.restart();
    let entries = std::fs::read_dir(server.home()).expect("the folder around");
    let names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(names, ["data"]);
}

/// Also without a sync for each message: what a killed process had handed to the system is there.
#[test]
fn sync_and_os_survive_a_kill() {
    for durability in ["sync", "os"] {
        let mut server = Server::start_durable(durability);
        let mut ana = server.join("ana");
        server.join("bia").leave();
        let message = private("bia", "oi", &json!("m1"));
        let msg_id = ana.ok(&message)["msg_id"].clone();
        server.crash();
        let mut ana = server.join("ana");
        assert_eq!(ana.ok(&message)["msg_id"], msg_id, "{durability}");
        let mut bia = server.join("bia");
        assert_eq!(bia.hears("ana", "oi")["backlog"], true);
        bia.event("synced");
        bia.nothing_more();
    }
}

#[test]
fn memory_keeps_all_promises_but_that_of_the_disk() {
    let mut server = Server::start_durable("memory");
    let (mut bia, word) = server.claim("bia");
    let mut ana = server.join("ana");
    let message = private("bia", "oi", &json!("m1"));
    let msg_id = number(&ana.ok(&message), "msg_id");
    bia.hears("ana", "oi");
    assert_eq!(number(&ana.ok(&message), "msg_id"), msg_id);
    ana.refused(&private("bia", "olá", &json!("m1")), "id_conflict");
    assert_eq!(contents(&history(&mut bia, &with("ana"))), ["oi"]);
    drop(bia);
    ana.waits_until_gone("bia");
    ana.tell("bia", "mais tarde");
    let fields = json!({ "token": word, "features": [] });
    let mut bia = server.join_with("bia", crate::common::Framing::Line, &fields);
    assert_eq!(contents(&bia.backlog()), ["mais tarde"]);
    server.turned_away("bia", &json!({}), "auth_required");
    drop((ana, bia));
    // The next one has heard of nobody.
    server.restart();
    let mut ana = server.join("ana");
    ana.refused(&message, "unknown_user");
    server.join("bia").nothing_more();
    // There is nothing like a store on the disk.
    let left: Vec<_> = std::fs::read_dir(server.data())
        .expect("the data folder")
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.metadata().is_ok_and(|metadata| metadata.is_file()))
        .filter(|entry| entry.metadata().is_ok_and(|metadata| metadata.len() > 0))
        .map(|entry| entry.file_name())
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_durability_that_is_none_is_wrong_usage() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = papo()
        .args(["server", "--listen", "localhost:0", "--durability", "perhaps", "--data"])
        .arg(folder.path())
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("papo starts");
    let stderr = Transcript::follow(child.stderr.take().expect("piped"));
    assert_eq!(wait_for_end(&mut child).code(), Some(2));
    let said = stderr.whole().join(" ");
    assert!(said.contains("--durability"), "{said:?}");
}

/// A folder in which something else lies, or garbage where the store should be, is not made worse.
#[test]
fn a_store_that_is_none_is_refused_and_left_alone() {
    let mut server = Server::start();
    server.join("ana").tell("ana", "oi");
    server.stop();
    let garbage = b"isto n\xc3\xa3o \xc3\xa9 um banco de dados. ".repeat(400);
    let mut broken = Vec::new();
    for entry in std::fs::read_dir(server.data()).expect("the data folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            std::fs::write(&path, &garbage).expect("a file of ours");
            broken.push(path);
        }
    }
    assert!(!broken.is_empty(), "nothing is stored");
    let (mut child, stdout, stderr) = another_on_the_folder_of(&server);
    assert_eq!(wait_for_end(&mut child).code(), Some(1));
    let said = stderr.whole();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(!stdout.whole().iter().any(|line| line.contains("Iniciado")));
    // The largest of them is the store itself, and what was in it may still be wanted.
    assert!(broken.iter().any(|path| std::fs::read(path).is_ok_and(|bytes| bytes == garbage)));
}
