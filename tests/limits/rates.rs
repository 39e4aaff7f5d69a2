//! So much in so much time, and who is excepted.

use serde_json::{Value, json};

use crate::common::{Framing, Peer, number};
use crate::{limited, with};

fn message(id: u64) -> Value {
    json!({ "type": "private_message", "recipient": "bia", "content": "oi", "id": id })
}

/// Sends all of these at once, and counts the answers by their codes: success, and `rate_limited`.
#[track_caller]
fn at_once(peer: &mut Peer, requests: &[Value]) -> (usize, usize) {
    let frames: Vec<u8> =
        requests.iter().flat_map(|request| Framing::Line.frame(request)).collect();
    peer.send_bytes(&frames);
    let (mut done, mut refused) = (0, 0);
    for request in requests {
        let answer = peer.answer_to(&request["id"]);
        match answer["code"].as_str() {
            None => done += 1,
            Some("rate_limited") => refused += 1,
            Some(_) => panic!("{answer}"),
        }
    }
    (done, refused)
}

#[test]
fn a_session_sends_so_many_messages_and_then_waits() {
    let server = limited(&["--message-rate", "1", "--message-burst", "5"]);
    let mut bia = server.join("bia");
    let mut ana = server.join("ana");
    let requests: Vec<Value> = (0..30).map(message).collect();
    let (done, refused) = at_once(&mut ana, &requests);
    // A slow machine may take seconds for this.
    assert!(done >= 5 && refused > 0, "{done} {refused}");
    // What was refused was not done, and may be sent again under its id.
    loop {
        let answer = ana.ask(&message(29));
        if answer["status"] == "success" {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let history = ana.ok(&json!({ "type": "history", "with": "bia" }));
    assert_eq!(history["messages"].as_array().map(Vec::len), Some(done + 1));
    // Others have their own, and what is no message is no message.
    bia.tell("ana", "calma");
    let lists: Vec<Value> =
        (0..100).map(|id| json!({ "type": "list_users", "id": id + 1_000 })).collect();
    assert_eq!(at_once(&mut ana, &lists), (100, 0));
}

#[test]
fn a_change_counts_as_a_message() {
    let server = limited(&["--message-rate", "1", "--message-burst", "2"]);
    let mut ana = server.join("ana");
    let sent = number(&ana.tell("ana", "oi"), "msg_id");
    for change in [
        json!({ "type": "react", "emoji": "👍" }),
        json!({ "type": "edit_message", "content": "oi!" }),
        json!({ "type": "delete_message" }),
    ] {
        let changes: Vec<Value> = (0..20)
            .map(|id| {
                let mut change = change.clone();
                change["msg_id"] = json!(sent);
                change["id"] = json!(format!("{} {id}", change["type"]));
                change
            })
            .collect();
        // The first may be the last that is left; a message that was deleted stays so.
        let frames: Vec<u8> = changes.iter().flat_map(|it| Framing::Line.frame(it)).collect();
        ana.send_bytes(&frames);
        let codes: Vec<Value> =
            changes.iter().map(|change| ana.answer_to(&change["id"])["code"].clone()).collect();
        assert!(codes.contains(&json!("rate_limited")), "{codes:?}");
    }
}

#[test]
fn a_session_sends_so_many_bytes_beside_its_files() {
    let server = limited(&["--byte-rate", "1KiB", "--byte-burst", "64KiB"]);
    let mut ana = server.join("ana");
    let large: Vec<Value> =
        (0..10).map(|id| json!({ "type": "ping", "id": id, "more": "x".repeat(30_000) })).collect();
    let (done, refused) = at_once(&mut ana, &large);
    assert!((2..10).contains(&done) && refused > 0, "{done} {refused}");
    let data = "A".repeat(64 * 1024);
    // Nothing is left, but files come: whole, and in pieces.
    let file = json!({
        "type": "send_file", "recipient": "ana", "file_type": "private", "filename": "f",
        "file_data": data,
    });
    ana.ok(&file);
    let begin = json!({
        "type": "file_begin", "recipient": "ana", "filename": "f", "size": 4 * 49_152,
        "sha256": "0".repeat(64),
    });
    let upload = number(&ana.ok(&begin), "file_id");
    for piece in 0..4 {
        ana.ok(&json!({
            "type": "file_chunk", "file_id": upload, "offset": piece * 49_152, "data": data,
        }));
    }
    ana.refused(&json!({ "type": "file_end", "file_id": upload }), "hash_mismatch");
    ana.refused(&json!({ "type": "list_users" }), "rate_limited");
    // Others have their own.
    server.join("bia").ok(&json!({ "type": "list_users" }));
}

#[test]
fn before_a_login_bytes_count_too() {
    let server = limited(&["--byte-rate", "1KiB", "--byte-burst", "8KiB"]);
    let mut stranger = server.connect(Framing::Line);
    let large: Vec<Value> =
        (0..20).map(|id| json!({ "type": "ping", "id": id, "more": "x".repeat(3_000) })).collect();
    let (done, refused) = at_once(&mut stranger, &large);
    assert!(done >= 3 && refused > 0, "{done} {refused}");
    stranger.refused(&json!({ "type": "login", "username": "ana" }), "rate_limited");
    // Its login is not kept, and nobody has the name.
    server.join("ana");
}

#[test]
fn on_this_machine_nothing_counts_by_time_or_address() {
    let server = with(&[
        "--message-rate",
        "1",
        "--message-burst",
        "1",
        "--byte-rate",
        "1",
        "--byte-burst",
        "1",
        "--connections-per-address",
        "1",
        "--new-connections",
        "1",
        "--account-tries",
        "1",
        "--address-tries",
        "1",
        "--registrations",
        "1",
        "--login-tries",
        "100",
    ]);
    let mut bia = server.join("bia");
    let mut ana = server.join("ana");
    let requests: Vec<Value> = (0..100).map(message).collect();
    assert_eq!(at_once(&mut ana, &requests), (100, 0));
    let mut stranger = server.connect(Framing::Line);
    for _ in 0..10 {
        let guess = json!({ "type": "login", "username": "ana", "password": "x" });
        stranger.refused(&guess, "wrong_password");
    }
    bia.nothing_but_messages();
    let crowd: Vec<Peer> = (0..40).map(|number| server.join(&format!("pessoa {number}"))).collect();
    drop(crowd);
}

impl Peer {
    /// The messages that came, and no more.
    #[track_caller]
    fn nothing_but_messages(&mut self) {
        for _ in 0..100 {
            self.hears("ana", "oi");
        }
        self.nothing_more();
    }
}
