//! `papo admin files`, most of it beside a server that runs.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::common::server::papo;
use crate::common::{Framing, Peer, Server, number, text};
use crate::{admin, lines, words};

/// The SHA-256 of `oi`.
const OI: &str = "87f633634cc4b02f628685651f0a29b7bfa22a0bd841f725c6772dd00a58d489";

fn file(to: &str, name: &str, bytes: &[u8]) -> Value {
    let kind = if to == "Time" { "group" } else { "private" };
    json!({
        "type": "send_file", "recipient": to, "filename": name,
        "file_data": STANDARD.encode(bytes), "file_type": kind,
    })
}

/// Ana sends three files, of which bia, who is away, gets two; bia has sent one to the group.
fn send(server: &Server) -> Peer {
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    bia.group("create_group", "Time", &Value::Null);
    ana.group("join_group", "Time", &Value::Null);
    bia.ok(&file("Time", "ata.txt", &[b'x'; 1_000]));
    bia.leave();
    ana.waits_until_gone("bia");
    ana.ok(&file("bia", "a.txt", b"oi"));
    ana.ok(&file("bia", "b.txt", &[b'y'; 2_000]));
    let gone = number(&ana.ok(&file("Time", "c.txt", b"abc")), "msg_id");
    ana.ok(&json!({ "type": "delete_message", "msg_id": gone }));
    ana
}

fn kept(server: &Server, name: &str) -> PathBuf {
    server.data().join("server_files").join(name)
}

/// Without the date, and without the spaces that make columns.
fn rows(said: &str) -> Vec<String> {
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let dated = words.first().is_some_and(|word| word.starts_with("20"));
        words[if dated { 2 } else { 0 }..].join(" ")
    };
    said.lines().map(row).collect()
}

fn sql(data: &Path, sql: &str) {
    let db = rusqlite::Connection::open(data.join("papo.db")).expect("the store");
    db.execute_batch(sql).expect(sql);
}

#[test]
fn files_are_listed_newest_first_with_their_sums() {
    let server = Server::start();
    send(&server);
    let data = server.data();
    fs::write(kept(&server, "left"), "12345").expect("an orphan");
    fs::create_dir_all(data.join("uploads")).expect("a folder");
    fs::write(data.join("uploads/9.part"), "123").expect("a part");
    assert_eq!(
        rows(&admin(&data, &words("files list")).ok()),
        [
            "3 bytes ana_c.txt ana → grupo Time (mensagem apagada)",
            "1,9 KiB ana_b.txt ana → bia",
            "2 bytes ana_a.txt ana → bia",
            "1000 bytes bia_ata.txt bia → grupo Time",
            "Guardados: 4 arquivos, 2,9 KiB",
            "Envios por terminar: 0, 0 bytes anunciados; no disco: 1 .part, 3 bytes",
            "Órfãos, sem mensagem: 1 arquivo, 5 bytes",
        ]
    );
    let said = admin(&data, &words("files list --user BIA --lang en")).ok();
    let sent = ["1000 bytes bia_ata.txt bia → group Time", "Kept: 1 file, 1000 bytes"];
    assert_eq!(rows(&said), sent);
    let said = admin(&data, &words("files list --group time --lang en")).ok();
    assert_eq!(rows(&said).len(), 3, "{said}");
    let said = admin(&data, &words("files list --orphans --lang en")).ok();
    assert_eq!(rows(&said), ["5 bytes left", "Orphans, without a message: 1 file, 5 bytes"]);
    admin(&data, &words("files list --user anna")).fails(1, &["desconhecido: anna", "ana"]);
    admin(&data, &words("files list --group tine")).fails(1, &["desconhecido: tine", "Time"]);

    let said = lines(&admin(&data, &words("files list --json")).ok());
    assert_eq!(said.len(), 4);
    let (c, a) = (&said[0], &said[2]);
    assert_eq!((text(c, "group_name"), &c["deleted"]), ("Time", &json!(true)));
    assert_eq!((text(a, "sender"), text(a, "recipient")), ("ana", "bia"));
    assert_eq!((text(a, "saved_as"), number(a, "size")), ("ana_a.txt", 2));
    assert_eq!((text(a, "sha256"), &a["deleted"]), (OI, &Value::Null));
    let said = lines(&admin(&data, &words("files list --orphans --json")).ok());
    assert_eq!((text(&said[0], "type"), text(&said[0], "saved_as")), ("orphan", "left"));
}

#[test]
fn what_is_not_as_it_came_is_found() {
    let server = Server::start();
    let mut ana = send(&server);
    let data = server.data();
    let said = admin(&data, &words("files verify")).ok();
    assert_eq!(rows(&said), ["Conferidos: 4 arquivos, 2,9 KiB; errados: 0; sem hash: 0"]);

    ana.ok(&file("bia", "d.txt", b"outside"));
    ana.ok(&file("bia", "e.txt", b"no hash"));
    sql(&data, "UPDATE message SET file_sha256 = NULL WHERE file_saved_as = 'ana_e.txt'");
    fs::write(kept(&server, "ana_a.txt"), "io").expect("other bytes");
    fs::write(kept(&server, "ana_b.txt"), "y").expect("another size");
    fs::remove_file(kept(&server, "bia_ata.txt")).expect("a missing file");
    fs::remove_file(kept(&server, "ana_d.txt")).expect("a missing file");
    fs::write(data.join("d.txt"), b"outside").expect("a file outside");
    #[cfg(unix)]
    std::os::unix::fs::symlink(data.join("d.txt"), kept(&server, "ana_d.txt")).expect("a link");
    #[cfg(not(unix))]
    fs::create_dir(kept(&server, "ana_d.txt")).expect("a folder");
    let said = admin(&data, &words("files verify --lang en"));
    assert_eq!((said.code, said.err.as_str()), (Some(1), ""), "{}", said.out);
    let found: Vec<String> = said
        .out
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split("  ").map(str::trim).collect();
            let (verdict, _) = words[0].split_once(": 20").unwrap_or((words[0], ""));
            let name = words.iter().find(|word| word.contains('_')).unwrap_or(&"");
            format!("{verdict} {name}")
        })
        .collect();
    assert_eq!(
        found,
        [
            "no hash ana_e.txt",
            "not a file ana_d.txt",
            "another size (1 bytes) ana_b.txt",
            "another hash ana_a.txt",
            "missing bia_ata.txt",
            "Checked: 6 files, 2.9 KiB; wrong: 4; no hash: 1 ",
        ]
    );
    // A name in the store that leads elsewhere is not followed either.
    sql(&data, "UPDATE message SET file_saved_as = '../d.txt' WHERE file_saved_as = 'ana_d.txt'");
    let said = admin(&data, &words("files verify --lang en"));
    assert!(said.out.contains("not a file: "), "{}", said.out);
    server.still_serves();
}

#[test]
fn bytes_go_and_messages_stay_while_the_server_runs() {
    let mut server = Server::start();
    let mut ana = send(&server);
    let data = server.data();
    let prune = "files prune --larger-than 1500 --lang en";
    let said = admin(&data, &words(prune)).ok();
    let would = "Would be removed: 1 file, 1.9 KiB. Nothing changed; remove with --yes";
    assert_eq!(rows(&said), ["1.9 KiB ana_b.txt ana → bia", would]);
    assert_eq!(fs::metadata(kept(&server, "ana_b.txt")).expect("a file").len(), 2_000);
    let none = admin(&data, &words("files prune --older-than 1h --yes --lang en")).ok();
    assert_eq!(rows(&none), ["Removed: 0 files, 0 bytes"]);

    let files = lines(&admin(&data, &words("files list --json")).ok());
    let file_id = |name: &str| {
        let found = files.iter().find(|file| text(file, "filename") == name);
        number(found.expect(name), "msg_id")
    };
    let get = |name: &str| json!({ "type": "file_get", "file_id": file_id(name) });
    ana.ok(&get("b.txt"));
    let said = admin(&data, &[&words(prune)[..], &["--yes"]].concat());
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(rows(&said.out), ["1.9 KiB ana_b.txt ana → bia", "Removed: 1 file, 1.9 KiB"]);
    assert!(said.err.contains("quota"), "{}", said.err);
    // Nothing else is in the folder, and the rest is as it was.
    assert_eq!(fs::read_dir(kept(&server, "")).expect("a folder").count(), 4);
    assert_eq!(fs::read(kept(&server, "ana_a.txt")).expect("a file"), b"oi");
    ana.take_aside();
    ana.refused(&get("b.txt"), "unknown_file");
    ana.ok(&get("a.txt"));
    // The name is not given to another file.
    let again = ana.ok(&file("bia", "b.txt", b"new"));
    assert!(text(&again, "saved_as").ends_with("ana_b (2).txt"), "{again}");
    admin(&data, &words("files verify")).ok();
    let said = admin(&data, &words("files list --user ana --lang en")).ok();
    assert!(said.contains("ana → bia  (bytes removed)"), "{said}");
    assert!(said.contains("Kept: 3 files, 8 bytes; bytes removed of 1 file, 1.9 KiB"), "{said}");
    let said = admin(&data, &[&words(prune)[..], &["--yes"]].concat()).ok();
    assert_eq!(rows(&said), ["Removed: 0 files, 0 bytes"]);

    // Who was away and knows no pieces gets the bytes that are there, and null.
    let mut bia = server.join_with("bia", Framing::Line, &json!({ "features": ["receipts"] }));
    let missed = bia.backlog();
    let bytes = |name: &str| -> Vec<&Value> {
        let events = missed.iter().filter(|event| event["filename"] == name);
        events.map(|event| &event["file_data"]).collect()
    };
    assert_eq!(bytes("a.txt"), [&json!("b2k=")], "{missed:#?}");
    assert_eq!(bytes("b.txt"), [&Value::Null, &json!("bmV3")], "{missed:#?}");
    server.restart();
    server.join("ana").refused(&get("b.txt"), "unknown_file");
}

#[test]
fn what_was_removed_is_given_back_at_the_next_start() {
    let mut server = Server::start_with(papo(), &["--user-quota", "10"]);
    let mut ana = server.join("ana");
    server.join("bia").leave();
    ana.ok(&file("bia", "f", b"12345678"));
    ana.refused(&file("bia", "f", b"12345678"), "quota_exceeded");
    let data = server.data();
    assert_eq!(admin(&data, &words("files prune --older-than 0d --yes")).code, Some(0));
    ana.refused(&file("bia", "f", b"12345678"), "quota_exceeded");
    server.restart();
    let mut ana = server.join("ana");
    let sent = ana.ok(&file("bia", "f", b"12345678"));
    assert!(text(&sent, "saved_as").ends_with("ana_f (2)"), "{sent}");
    // A prune that was killed before it told the store goes on where it was.
    fs::write(kept(&server, "ana_f (2)"), "").expect("an empty file");
    assert_eq!(admin(&data, &words("files verify")).code, Some(1));
    assert_eq!(admin(&data, &words("files prune --older-than 0d --yes")).code, Some(0));
    admin(&data, &words("files verify")).ok();
}

#[test]
fn what_is_missing_or_young_or_a_link_stays() {
    let server = Server::start();
    send(&server);
    let data = server.data();
    fs::write(kept(&server, "left"), "12345").expect("an orphan");
    let said = admin(&data, &words("files prune --orphans --yes --lang en"));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let young = ["Removed: 0 files, 0 bytes", "Younger than an hour, they stay: 1"];
    assert_eq!(rows(&said.out), young);
    assert!(kept(&server, "left").exists());

    #[cfg(unix)]
    {
        let secret = data.join("secret");
        fs::write(&secret, "stays").expect("a file outside");
        fs::remove_file(kept(&server, "ana_b.txt")).expect("a file");
        std::os::unix::fs::symlink(&secret, kept(&server, "ana_b.txt")).expect("a link");
        let said = admin(&data, &words("files prune --older-than 0d --yes --lang en"));
        assert!(said.out.contains("No files, or not in the folder: 1"), "{}", said.out);
        assert!(said.out.contains("Removed: 3 files, 1005 bytes"), "{}", said.out);
        assert_eq!(fs::read(&secret).expect("the file outside"), b"stays");
        // Nor is the folder, if it is a link.
        fs::rename(kept(&server, ""), data.join("moved")).expect("a folder");
        std::os::unix::fs::symlink(data.join("moved"), data.join("server_files")).expect("a link");
        for command in ["list", "verify", "prune --older-than 0d"] {
            let command = format!("files {command}");
            admin(&data, &words(&command)).fails(1, &["server_files", "links não são seguidos"]);
        }
    }
}
