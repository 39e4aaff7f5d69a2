//! PROTOCOL.md, section 6: files, whole.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use common::evil::EVIL_NAMES;
use common::python::looks_like_a_time;
use common::{Framing, Peer, Server, eventually, number, text};

fn file(recipient: &str, name: &str, bytes: &[u8]) -> Value {
    json!({
        "type": "send_file", "recipient": recipient, "filename": name,
        "file_data": STANDARD.encode(bytes), "file_type": "private",
    })
}

fn group_file(group: &str, name: &str, bytes: &[u8]) -> Value {
    let mut request = file(group, name, bytes);
    request["file_type"] = json!("group");
    request
}

/// A file's bytes, as an event carries them.
#[track_caller]
fn bytes_of(event: &Value) -> Vec<u8> {
    let bytes = STANDARD.decode(text(event, "file_data")).expect("base64");
    assert_eq!(number(event, "size"), bytes.len() as u64);
    bytes
}

/// Everything that the server keeps, by name.
fn kept(server: &Server) -> BTreeMap<String, Vec<u8>> {
    let folder = server.data().join("server_files");
    if !folder.exists() {
        return BTreeMap::new();
    }
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| {
            let entry = entry.expect("an entry");
            assert!(entry.file_type().expect("a type").is_file(), "{entry:?}");
            let name = entry.file_name().into_string().expect("a name in UTF-8");
            (name, fs::read(entry.path()).expect("its bytes"))
        })
        .collect()
}

/// Bytes of every value, in an order that a shift or a loss would show.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n ^ (n >> 8) ^ (n >> 16)).to_le_bytes()[0]).collect()
}

#[test]
fn a_private_file_arrives_as_it_was_and_is_kept() {
    let server = Server::start();
    let bytes = pattern(20_000);
    for (at, (from, to)) in [
        (Framing::Line, Framing::Length),
        (Framing::Length, Framing::Line),
        (Framing::Bare, Framing::Line),
        (Framing::Line, Framing::Bare),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("foto {at}.jpg");
        let mut ana = server.join_as("ana", from);
        let mut bia = server.join_as("bia", to);
        let answer = ana.ok(&file("bia", &name, &bytes));
        assert_eq!(answer["type"], "file_response");
        assert_eq!(text(&answer, "message"), "Arquivo enviado com sucesso");
        assert_eq!(answer["delivered"], 1);
        let event = bia.event("file_received");
        assert_eq!((text(&event, "sender"), text(&event, "filename")), ("ana", &*name));
        assert_eq!(event["msg_id"], answer["msg_id"]);
        assert!(looks_like_a_time(&event["timestamp"]), "{}", event["timestamp"]);
        assert_eq!(bytes_of(&event), bytes);
        // What was acknowledged is on the disk.
        let saved_as = format!("ana_{name}");
        assert!(text(&answer, "saved_as").ends_with(&saved_as), "{answer}");
        assert_eq!(kept(&server).get(&saved_as), Some(&bytes));
        bia.nothing_more();
        ana.nothing_more();
        ana.leave();
        bia.leave();
    }
}

#[test]
fn a_group_file_goes_to_every_other_member() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut others: Vec<Peer> = Framing::ALL
        .iter()
        .map(|framing| server.join_as(&format!("u{framing:?}"), *framing))
        .collect();
    let mut outsider = server.join("fora");
    ana.group("create_group", "Time", &Value::Null);
    for peer in &mut others {
        peer.group("join_group", "Time", &Value::Null);
    }
    let answer = ana.ok(&group_file("Time", "nota.txt", b"oi"));
    assert_eq!(answer["type"], "file_response");
    assert_eq!(answer["delivered"], 3);
    for peer in &mut others {
        let event = peer.event("group_file_received");
        assert_eq!(
            (text(&event, "group_name"), text(&event, "sender"), text(&event, "filename")),
            ("Time", "ana", "nota.txt")
        );
        assert_eq!(event["msg_id"], answer["msg_id"]);
        assert_eq!(bytes_of(&event), b"oi");
        peer.nothing_more();
    }
    outsider.nothing_more();
    ana.nothing_more();
    // Kept once, however many got it.
    assert_eq!(kept(&server).len(), 1);
    assert_eq!(kept(&server)["ana_nota.txt"], b"oi");
}

#[test]
fn a_file_to_a_private_group_is_its_members_business() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    ana.group("create_group", "Nós", &json!({ "private": true }));
    let refusal = bia.refused(&group_file("Nós", "a.txt", b"x"), "not_member");
    assert_eq!(refusal["type"], "file_response");
    // An open one is joined by sending to it.
    ana.group("create_group", "Todos", &Value::Null);
    bia.ok(&group_file("Todos", "b.txt", b"y"));
    assert_eq!(bytes_of(&ana.event("group_file_received")), b"y");
    assert_eq!(bia.ok(&json!({ "type": "list_groups" }))["groups"], json!(["Todos"]));
    assert_eq!(kept(&server).into_keys().collect::<Vec<_>>(), ["bia_b.txt"]);
    ana.nothing_more();
}

#[test]
fn no_name_leads_out_of_the_folder_or_over_another_file() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    let mut expected = BTreeMap::new();
    for (at, (name, safe)) in EVIL_NAMES.into_iter().enumerate() {
        let bytes = format!("arquivo {at}").into_bytes();
        let answer = ana.ok(&file("bia", name, &bytes));
        let event = bia.event("file_received");
        // The receiver, who will make a path of it too, is given the safe name.
        assert_eq!(text(&event, "filename"), safe, "{name:?}");
        assert_eq!(bytes_of(&event), bytes);
        let saved_as = text(&answer, "saved_as");
        let saved_as = saved_as.rsplit('/').next().expect("a last part").to_owned();
        assert!(expected.insert(saved_as, bytes).is_none(), "{name:?} was kept over another file");
    }
    // Exactly these are there, each with its own bytes, and nothing is anywhere else.
    assert_eq!(kept(&server), expected);
    assert_eq!(names_in(&server.home()), ["data"]);
    let store = ["papo.db", "papo.db-shm", "papo.db-wal", "papo.lock", "server_files"];
    assert_eq!(names_in(&server.data()), store);
    assert!(!Path::new("/tmp/papo-fora.txt").exists());
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_long_name_is_cut_and_keeps_its_extension() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    for name in [
        format!("{}.pdf", "a".repeat(300)),
        format!("{}.pdf", "ção".repeat(100)),
        format!("{}.pdf", "😀".repeat(100)),
    ] {
        ana.ok(&file("bia", &name, b"x"));
        let event = bia.event("file_received");
        let safe = text(&event, "filename");
        assert!(safe.len() <= 200, "{} bytes", safe.len());
        assert_eq!(Path::new(safe).extension(), Some("pdf".as_ref()), "{safe}");
        assert_eq!(name.chars().next(), safe.chars().next());
    }
    assert_eq!(kept(&server).len(), 3);
}

#[test]
fn the_second_of_a_name_gets_a_number_and_none_is_overwritten() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    for (content, saved_as) in
        [("um", "ana_foto.jpg"), ("dois", "ana_foto (2).jpg"), ("três", "ana_foto (3).jpg")]
    {
        let answer = ana.ok(&file("bia", "foto.jpg", content.as_bytes()));
        assert!(text(&answer, "saved_as").ends_with(saved_as), "{answer}");
        // The receiver sees the name that the sender gave.
        assert_eq!(bia.event("file_received")["filename"], "foto.jpg");
        assert_eq!(kept(&server)[saved_as], content.as_bytes());
    }
    // No extension, and a name that looks like a number already.
    for (name, saved_as) in
        [("leia", "ana_leia"), ("leia", "ana_leia (2)"), ("leia (2)", "ana_leia (2) (2)")]
    {
        let answer = ana.ok(&file("bia", name, b"x"));
        assert!(text(&answer, "saved_as").ends_with(saved_as), "{answer}");
        bia.event("file_received");
    }
    // Another's file of the same name is another file.
    bia.ok(&file("ana", "foto.jpg", b"de bia"));
    assert_eq!(kept(&server)["bia_foto.jpg"], b"de bia");
    assert_eq!(kept(&server).len(), 7);
}

#[test]
fn a_file_that_was_there_before_the_server_is_not_overwritten() {
    let server = Server::start();
    let folder = server.data().join("server_files");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("ana_velho.txt"), "de antes").expect("a file");
    let mut ana = server.join("ana");
    let _bia = server.join("bia");
    ana.ok(&file("bia", "velho.txt", b"de agora"));
    assert_eq!(kept(&server)["ana_velho.txt"], b"de antes");
    assert_eq!(kept(&server)["ana_velho (2).txt"], b"de agora");
}

#[test]
fn what_is_no_base64_is_refused_and_nothing_is_kept() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    for data in
        ["!", "a", "YQ", "YQ=", "YQ===", "Y Q==", "YQ==\n", "YWI-", "YWI_", "=", "YQ==YQ==", "ç"]
    {
        let mut request = file("bia", "a.txt", b"");
        request["file_data"] = json!(data);
        let refusal = ana.refused(&request, "invalid_field");
        assert_eq!(refusal["type"], "file_response", "{data:?}");
    }
    let mut request = file("bia", "a.txt", b"x");
    request["file_type"] = json!("público");
    ana.refused(&request, "invalid_field");
    bia.nothing_more();
    assert!(kept(&server).is_empty());
}

#[test]
fn an_empty_file_is_a_file() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    ana.ok(&file("bia", "vazio.txt", b""));
    let event = bia.event("file_received");
    assert_eq!(event["file_data"], "");
    assert_eq!(bytes_of(&event), b"");
    assert_eq!(kept(&server)["ana_vazio.txt"], b"");
}

#[test]
fn ten_megabytes_arrive_as_they_were() {
    let server = Server::start();
    let bytes = pattern(10 * 1024 * 1024);
    for (from, to) in [(Framing::Line, Framing::Length), (Framing::Length, Framing::Line)] {
        let mut ana = server.join_as("ana", from);
        let mut bia = server.join_as("bia", to);
        ana.send(&file("bia", "filme.mp4", &bytes));
        // Whole in one frame, which is larger than all else that may wait for a reader.
        let event = bia.event("file_received");
        assert!(bytes_of(&event) == bytes, "the bytes differ");
        assert_eq!(ana.event("file_response")["status"], "success");
        // Both go on chatting.
        bia.tell("ana", "chegou");
        ana.hears("bia", "chegou");
        ana.leave();
        bia.leave();
    }
    let kept = kept(&server);
    assert_eq!(kept.len(), 2);
    assert!(kept.values().all(|file| *file == bytes), "the bytes differ");
}

#[test]
fn a_file_for_nobody_is_refused_and_not_kept() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let refusal = ana.refused(&file("ninguém", "a.txt", b"x"), "unknown_user");
    assert_eq!(refusal["type"], "file_response");
    assert_eq!(text(&refusal, "message"), "Usuário destinatário não encontrado");
    let refusal = ana.refused(&group_file("nenhum", "a.txt", b"x"), "unknown_group");
    assert_eq!(text(&refusal, "message"), "Grupo não encontrado");
    assert!(kept(&server).is_empty());
}

#[test]
fn who_was_away_gets_the_file_later() {
    let server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    let answer = ana.ok(&file("bia", "a.txt", b"guardado"));
    assert_eq!(answer["delivered"], 0);
    ana.tell("bia", "viu o arquivo?");
    let mut bia = server.join("bia");
    let event = bia.event("file_received");
    assert_eq!(event["backlog"], true);
    assert_eq!(bytes_of(&event), b"guardado");
    // A file is a message among messages: it has its place in the order.
    let after = bia.hears("ana", "viu o arquivo?");
    assert_eq!(after["prev"], event["msg_id"]);
    bia.event("synced");
}

#[test]
fn a_file_sent_again_is_the_same_file() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    let mut request = file("bia", "a.txt", b"uma vez");
    request["id"] = json!("f1");
    let first = ana.ok(&request);
    bia.event("file_received");
    let again = ana.ok(&request);
    assert_eq!(again["msg_id"], first["msg_id"]);
    let mut other = file("bia", "a.txt", b"outra coisa");
    other["id"] = json!("f1");
    ana.refused(&other, "id_conflict");
    bia.nothing_more();
    // The copies that came before they were known to be the same go in the background. By name
    // until then: one that was listed may be gone when it is to be read.
    let folder = server.data().join("server_files");
    eventually("the copies are gone", || names_in(&folder).len() <= 1);
    assert_eq!(kept(&server), BTreeMap::from([("ana_a.txt".to_owned(), b"uma vez".to_vec())]));
}
