//! Connections that end at each step of what they do: with a reset, as when a machine is unplugged,
//! and with a half-close, as `printf … | nc` does, after which everything that was asked is answered.

use std::net::{Shutdown, TcpStream};

use serde_json::{Value, json};

use crate::common::raw::{CLOSE, Came, TEXT, Web, frame};
use crate::common::{Framing, Peer};
use crate::stage::{Stage, attack, read_to_end, reset, reset_peer};

/// How often each step is left with a reset: a race is lost now and then, not each time.
const RESETS: usize = 20;

/// Comes to this step again and again, and leaves it with a reset each time.
fn resets_at(step: impl Fn(&mut Stage) -> Peer) {
    attack(|stage| {
        for _ in 0..RESETS {
            reset_peer(step(stage));
        }
        stage.server.join("curiosa").waits_until_gone("mallory");
    });
}

/// Comes to this step, sends nothing more, and hears these codes, or types where they are no errors.
fn half_closes_at(step: impl Fn(&mut Stage) -> Peer, expected: &[&str]) {
    attack(|stage| {
        for _ in 0..3 {
            let mut peer = step(stage);
            peer.finish_sending();
            let said = peer.rest();
            let code = |frame: &Value| {
                frame["code"].as_str().or(frame["type"].as_str()).unwrap_or_default().to_owned()
            };
            let mut codes: Vec<String> = said.iter().map(code).collect();
            // Answers that wait for the disk may come after later ones.
            codes.sort_unstable();
            assert_eq!(codes, expected);
        }
        stage.server.join("curiosa").waits_until_gone("mallory");
    });
}

fn nothing_said(stage: &mut Stage) -> Peer {
    stage.server.connect(Framing::Line)
}

#[test]
fn a_reset_before_a_byte() {
    resets_at(nothing_said);
}

#[test]
fn a_half_close_before_a_byte() {
    half_closes_at(nothing_said, &[]);
}

fn half_a_length(stage: &mut Stage) -> Peer {
    let mut peer = stage.server.connect(Framing::Length);
    peer.send_bytes(&[0, 0]);
    peer
}

#[test]
fn a_reset_in_the_middle_of_a_length() {
    resets_at(half_a_length);
}

#[test]
fn a_half_close_in_the_middle_of_a_length() {
    half_closes_at(half_a_length, &[]);
}

fn half_a_login(stage: &mut Stage) -> Peer {
    let mut peer = stage.server.connect(Framing::Line);
    peer.send_bytes(b"{\"type\":\"login\",\"usern");
    peer
}

#[test]
fn a_reset_in_the_middle_of_a_login() {
    resets_at(half_a_login);
}

#[test]
fn a_half_close_in_the_middle_of_a_login() {
    half_closes_at(half_a_login, &["invalid_json"]);
}

fn a_first_login(stage: &mut Stage) -> Peer {
    let mut peer = stage.server.connect(Framing::Line);
    let name = format!("novata {:?}", peer.stream().local_addr().expect("its address").port());
    peer.send(&json!({ "type": "login", "username": name, "want_token": true }));
    peer
}

#[test]
fn a_reset_while_an_account_is_stored() {
    resets_at(a_first_login);
}

#[test]
fn a_half_close_while_an_account_is_stored() {
    half_closes_at(a_first_login, &["login_response"]);
}

fn a_password(stage: &mut Stage) -> Peer {
    let mut peer = stage.server.connect(Framing::Line);
    let port = peer.stream().local_addr().expect("its address").port();
    // Names that nobody has, each tried once.
    let name = format!("ninguém {port}");
    peer.send(&json!({ "type": "login", "username": name, "password": "senha" }));
    peer
}

#[test]
fn a_reset_while_a_password_is_hashed() {
    resets_at(a_password);
}

#[test]
fn a_half_close_while_a_password_is_hashed() {
    half_closes_at(a_password, &["wrong_password"]);
}

fn logged_in(stage: &mut Stage) -> Peer {
    stage.server.join("mallory")
}

#[test]
fn a_reset_after_a_login() {
    resets_at(logged_in);
}

#[test]
fn a_half_close_after_a_login() {
    half_closes_at(logged_in, &[]);
}

fn message() -> Value {
    json!({ "type": "private_message", "recipient": "vera", "content": "oi" })
}

fn half_a_message(stage: &mut Stage) -> Peer {
    let mut peer = stage.server.join("mallory");
    let bytes = Framing::Line.frame(&message());
    peer.send_bytes(&bytes[..bytes.len() / 2]);
    peer
}

#[test]
fn a_reset_in_the_middle_of_a_message() {
    resets_at(half_a_message);
}

#[test]
fn a_half_close_in_the_middle_of_a_message() {
    half_closes_at(half_a_message, &["invalid_json"]);
}

fn messages(stage: &mut Stage) -> Peer {
    let mut peer = stage.server.join("mallory");
    peer.send_bytes(&Framing::Line.frame(&message()).repeat(5));
    peer
}

#[test]
fn a_reset_before_messages_are_answered() {
    resets_at(messages);
}

#[test]
fn a_half_close_before_messages_are_answered() {
    half_closes_at(messages, &["message_response"; 5]);
}

fn an_upload(stage: &mut Stage) -> Peer {
    let mut peer = stage.server.join("mallory");
    let port = peer.stream().local_addr().expect("its address").port();
    let begun = peer.ask(&json!({
        "type": "file_begin", "recipient": "vera", "filename": format!("{port}.bin"),
        "size": 1_000_000, "sha256": "ab".repeat(32),
    }));
    if begun["code"] == "quota_exceeded" {
        // Four are unfinished: the first of them goes on instead.
        return peer;
    }
    let file_id = &begun["file_id"];
    let chunk = json!({ "type": "file_chunk", "file_id": file_id, "offset": 0, "data": "QUJD" });
    peer.send(&chunk);
    peer.send_bytes(b"{\"type\":\"file_chunk\",\"data\":\"QUJDQUJD");
    peer
}

#[test]
fn a_reset_in_the_middle_of_an_upload() {
    resets_at(an_upload);
}

#[test]
fn a_half_close_in_the_middle_of_an_upload() {
    half_closes_at(an_upload, &["file_ack", "invalid_json"]);
}

/// A file of 3 MiB for mallory, of which the first pieces are on their way.
fn a_download(stage: &mut Stage) -> Peer {
    let mut peer =
        stage.server.join_with("mallory", Framing::Line, &json!({ "features": ["chunks"] }));
    peer.until("synced");
    let file_id = if let Some(file_id) = file_of(&mut peer) {
        file_id
    } else {
        let data = "QUJD".repeat(1024 * 1024);
        let mut ana = stage.server.join("ana");
        let answer = ana.ok(&json!({
            "type": "send_file", "recipient": "mallory", "filename": "f", "file_data": data,
        }));
        ana.leave();
        peer.event("file_received");
        answer["msg_id"].clone()
    };
    peer.send(&json!({ "type": "file_get", "file_id": file_id }));
    peer.event("file_data");
    peer
}

/// The file that was sent to this peer, if one was.
fn file_of(peer: &mut Peer) -> Option<Value> {
    let past = peer.ok(&json!({ "type": "history", "with": "ana", "limit": 1 }));
    past["messages"].as_array().and_then(|messages| messages.first()).map(|m| m["file_id"].clone())
}

#[test]
fn a_reset_in_the_middle_of_a_download() {
    attack(|stage| {
        stage.server.join("ana").leave();
        for _ in 0..RESETS {
            reset_peer(a_download(stage));
        }
        stage.server.join("curiosa").waits_until_gone("mallory");
    });
}

#[test]
fn a_half_close_in_the_middle_of_a_download() {
    attack(|stage| {
        stage.server.join("ana").leave();
        for _ in 0..3 {
            let mut peer = a_download(stage);
            peer.finish_sending();
            let rest = peer.rest();
            // What is there already comes; whether the rest does, the server may decide.
            assert!(
                rest.iter()
                    .all(|frame| frame["type"] == "file_data" || frame["type"] == "file_response"),
                "{:?}",
                rest.last()
            );
        }
    });
}

/// An answer of 700 KB, of which one byte was read.
fn a_long_answer(stage: &mut Stage) -> Peer {
    let mut peer = stage.server.join("mallory");
    let past = json!({ "type": "history", "with": "vera", "limit": 200 });
    if peer.ok(&past)["messages"] == json!([]) {
        for _ in 0..12 {
            let answer = peer.tell("vera", &"x".repeat(60_000));
            stage.acknowledged("mallory", &answer);
        }
    }
    peer.send(&past);
    let mut byte = [0];
    peer.stream().peek(&mut byte).expect("an answer");
    peer
}

#[test]
fn a_reset_in_the_middle_of_an_answer() {
    resets_at(a_long_answer);
}

#[test]
fn a_half_close_in_the_middle_of_an_answer() {
    half_closes_at(a_long_answer, &["history_response"]);
}

fn a_change_of_a_group(stage: &mut Stage) -> Peer {
    let mut peer = stage.server.join("mallory");
    let port = peer.stream().local_addr().expect("its address").port();
    let group = format!("grupo {port}");
    for kind in ["create_group", "leave_group"] {
        peer.send(&json!({ "type": kind, "group_name": group }));
    }
    peer
}

#[test]
fn a_reset_while_a_group_is_changed() {
    resets_at(a_change_of_a_group);
}

#[test]
fn a_half_close_while_a_group_is_changed() {
    half_closes_at(a_change_of_a_group, &["group_response"; 2]);
}

fn a_search(stage: &mut Stage) -> Peer {
    let mut peer = stage.server.join("mallory");
    peer.send(&json!({ "type": "search", "query": "testemunho" }));
    peer
}

#[test]
fn a_reset_while_something_is_searched() {
    resets_at(a_search);
}

#[test]
fn a_half_close_while_something_is_searched() {
    half_closes_at(a_search, &["search_response"]);
}

fn a_logout(stage: &mut Stage) -> Peer {
    let mut peer = stage.server.join("mallory");
    peer.send(&json!({ "type": "logout" }));
    peer
}

#[test]
fn a_reset_while_logging_out() {
    resets_at(a_logout);
}

#[test]
fn a_half_close_while_logging_out() {
    half_closes_at(a_logout, &["account_response"]);
}

/// The page's largest file was asked for, and its first byte has come.
fn a_response(stage: &Stage) -> TcpStream {
    let stream = stage.strike(b"GET /style.css HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut byte = [0];
    stream.peek(&mut byte).expect("a response");
    stream
}

#[test]
fn a_reset_in_the_middle_of_a_response() {
    attack(|stage| {
        for _ in 0..RESETS {
            reset(a_response(stage));
        }
    });
}

#[test]
fn a_half_close_in_the_middle_of_a_response() {
    attack(|stage| {
        let mut stream = a_response(stage);
        stream.shutdown(Shutdown::Write).expect("a half-close");
        let said = read_to_end(&mut stream);
        assert!(said.starts_with(b"HTTP/1.1 200 OK\r\n") && said.len() > 4_096);
    });
}

#[test]
fn a_reset_in_the_middle_of_a_websocket_message() {
    attack(|stage| {
        for _ in 0..RESETS {
            let mut web = Web::open(&stage.server);
            web.send(&json!({ "type": "ping" }));
            web.send_bytes(&frame(TEXT, b"{\"type\":\"ping\"}")[..9]);
            reset(web.writer());
        }
    });
}

#[test]
fn a_half_close_in_the_middle_of_a_websocket_message() {
    attack(|stage| {
        let mut web = Web::open(&stage.server);
        web.send(&json!({ "type": "ping", "id": 1 }));
        web.send_bytes(&frame(TEXT, b"{\"type\":\"ping\"}")[..9]);
        web.finish_sending();
        assert_eq!(web.object()["id"], 1);
        web.closed(1000);
    });
}

#[test]
fn a_websocket_that_never_answers_its_close_is_not_waited_for() {
    attack(|stage| {
        // Its close was sent, and it does not read the answer.
        let silent: Vec<Web> = (0..20)
            .map(|_| {
                let mut web = Web::open(&stage.server);
                web.send_bytes(&frame(CLOSE, &1000_u16.to_be_bytes()));
                web
            })
            .collect();
        stage.server.still_serves();
        for mut web in silent {
            assert_eq!(web.next(), Came::Close(Some(1000)));
        }
    });
}

#[test]
fn nobody_is_waited_for_who_is_told_to_go_and_stays() {
    attack(|stage| {
        // Sent away, and neither reading nor ending: for two seconds at most.
        let stay: Vec<TcpStream> = (0..50).map(|_| stage.strike(b"?")).collect();
        let descriptors = stage.descriptors_before();
        crate::common::eventually("the server is rid of them", || {
            stage.server.descriptors() <= descriptors
        });
        drop(stay);
    });
}
