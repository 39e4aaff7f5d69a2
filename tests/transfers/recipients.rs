//! Who hears of a file in pieces, and how: an offer, its bytes in the event, or neither.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::common::python::Script;
use super::common::{Framing, Python, Server, number, text};
use super::{PIECE, fetched, modern, noise, to, to_group, upload};

/// The bytes in an event.
#[track_caller]
fn inline(event: &Value) -> Vec<u8> {
    let bytes = STANDARD.decode(text(event, "file_data")).expect("base64");
    assert_eq!(number(event, "size"), bytes.len() as u64);
    assert_eq!(text(event, "sha256"), super::hash(&bytes));
    bytes
}

#[test]
fn old_and_new_clients_in_one_group() {
    let server = Server::start();
    let mut ana = modern(&server, "ana");
    ana.group("create_group", "Time", &Value::Null);
    let mut nova = modern(&server, "nova");
    let mut velha = server.join_as("velha", Framing::Length);
    let mut outra = server.join_with("outra", Framing::Line, &json!({ "features": [] }));
    outra.event("synced");
    let mut python = Python::join(&server, Script::Length, "python");
    for peer in [&mut nova, &mut velha, &mut outra] {
        peer.group("join_group", "Time", &Value::Null);
    }
    python.does(&json!(["group", "Time", "entrei"]));
    velha.until("group_message_received");
    let bytes = noise(3 * PIECE + 5, 3);
    upload(&mut ana, &to_group("Time"), "a.bin", &bytes);
    ana.tell_group("Time", "depois");
    let offer = nova.until("group_file_received");
    nova.take_aside();
    assert!(fetched(&mut nova, &offer) == bytes, "the bytes differ");
    // The others have them in the event, and what is said afterwards comes afterwards, once.
    for peer in [&mut velha, &mut outra] {
        let event = peer.until("group_file_received");
        assert!(inline(&event) == bytes, "the bytes differ");
        assert_eq!(event["msg_id"], offer["msg_id"]);
        peer.hears_in("Time", "ana", "depois");
        peer.nothing_more();
    }
    let saved = python.downloads().join("Time_ana_a.bin");
    while python.shows()[0] != "file" {}
    assert!(std::fs::read(saved).expect("the file") == bytes, "the bytes differ");
    python.reads(&json!(["group", "Time", "ana", "depois"]));
}

#[test]
fn who_was_away_gets_the_offer_later() {
    let mut server = Server::start();
    let mut ana = modern(&server, "ana");
    server.join("nova").leave();
    server.join("velha").leave();
    let bytes = noise(2 * PIECE, 2);
    for name in ["nova", "velha"] {
        let answer = upload(&mut ana, &to(name), "a.bin", &bytes);
        assert_eq!(answer["delivered"], 0, "{answer}");
        ana.tell(name, "viu?");
    }
    server.crash();
    let mut nova = server.join_with("nova", Framing::Line, &json!({ "features": ["chunks"] }));
    let missed = nova.backlog();
    assert_eq!(missed.len(), 2, "{missed:?}");
    assert!(fetched(&mut nova, &missed[0]) == bytes, "the bytes differ");
    let mut velha = server.join("velha");
    let event = velha.event("file_received");
    assert_eq!(event["backlog"], true);
    assert!(inline(&event) == bytes, "the bytes differ");
    velha.hears("ana", "viu?");
}

#[test]
fn two_sessions_of_one_person_each_in_its_own_way() {
    let server = Server::start();
    let mut ana = modern(&server, "ana");
    let (mut old, token) = server.claim("bia");
    let mut new = server.connect(Framing::Line);
    new.login("bia", &json!({ "token": token, "features": ["chunks"] }));
    new.until("synced");
    let bytes = noise(PIECE + 1, 1);
    let answer = upload(&mut ana, &to("bia"), "a.bin", &bytes);
    let event = new.event("file_received");
    assert!(fetched(&mut new, &event) == bytes, "the bytes differ");
    let event = old.event("file_received");
    assert!(inline(&event) == bytes, "the bytes differ");
    assert_eq!(event["msg_id"], answer["msg_id"]);
    // The sender's other session hears of it as well.
    upload(&mut new, &to("ana"), "b.bin", &bytes);
    assert!(inline(&old.event("file_received")) == bytes, "the bytes differ");
    let event = ana.event("file_received");
    assert!(fetched(&mut ana, &event) == bytes, "the bytes differ");
}

#[test]
fn what_fits_no_frame_comes_to_an_old_client_without_its_bytes() {
    let server = Server::start();
    let mut ana = modern(&server, "ana");
    let mut nova = modern(&server, "nova");
    let mut velha = server.join("velha");
    ana.group("create_group", "Time", &Value::Null);
    for peer in [&mut nova, &mut velha] {
        peer.group("join_group", "Time", &Value::Null);
    }
    // 16 MiB of base64, less the room for the rest of an event.
    let fits = (16 * 1024 * 1024 - 64 * 1024) / 4 * 3;
    let bytes = noise(fits + 1, 1);
    upload(&mut ana, &to_group("Time"), "fora.bin", &bytes);
    ana.tell_group("Time", "e a conversa segue");
    let event = velha.until("group_file_received");
    assert_eq!(event.get("file_data"), Some(&Value::Null), "{event}");
    assert_eq!(number(&event, "size"), bytes.len() as u64);
    velha.hears_in("Time", "ana", "e a conversa segue");
    let offer = nova.until("group_file_received");
    nova.take_aside();
    assert!(fetched(&mut nova, &offer) == bytes, "the bytes differ");
    // The largest that does fit comes whole, even under the longest name.
    let name = "\"".repeat(200);
    upload(&mut ana, &to_group("Time"), &name, &bytes[..fits]);
    let event = velha.event("group_file_received");
    assert!(inline(&event) == bytes[..fits], "the bytes differ");
    velha.nothing_more();
}
