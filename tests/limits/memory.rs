//! What waits in memory, and who does not answer or does not read.

use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use socket2::SockRef;

use crate::common::{Framing, Heard, Peer, Server, eventually, number};
use crate::{metric, with};

#[test]
fn who_does_not_answer_pings_is_closed() {
    let server = with(&["--ping", "200ms", "--max-unanswered-pings", "3"]);
    let mut lives = server.join_knowing("viva", &["heartbeat"]);
    let mut dead = server.join_as("morta", Framing::Length);
    dead.play_dead();
    let said = std::thread::spawn(move || dead.rest());
    // Whatever comes counts as an answer.
    while !said.is_finished() {
        lives.ok(&json!({ "type": "ping" }));
    }
    let said = said.join().expect("it is closed");
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said.iter().all(|frame| frame["type"] == "heartbeat_ping"), "{said:?}");
    assert_eq!(metric(&server, "papo_unanswered_pings_total"), 1);
}

#[test]
fn of_half_read_frames_the_largest_is_closed_first() {
    let server = with(&["--max-frame", "4MiB", "--max-inputs", "4MiB"]);
    let begin = |name: &str, bytes: usize| {
        let mut peer = server.join(name);
        peer.send_bytes(&[br#"{"type":"ping","more":""#, &vec![b'x'; bytes][..]].concat());
        let least = u64::try_from(bytes).expect("few");
        eventually("it is half-read", || {
            metric(&server, "papo_inputs_dropped_total") > 0
                || metric(&server, "papo_input_bytes") > least
        });
        peer
    };
    // A buffer has up to twice the bytes that are in it: none of the others is as large as this one.
    let mut others = vec![begin("pequena", 100_000)];
    let mut large = begin("grande", 1_600_000);
    let mut number = 0;
    eventually("it is too much", || {
        number += 1;
        others.push(begin(&format!("média {number}"), 700_000));
        metric(&server, "papo_inputs_dropped_total") > 0
    });
    // Its end may be a reset, as it was still sending: then the reason is lost on the way.
    match large.hear() {
        Heard::Frame(frame) => assert_eq!(frame["code"], "rate_limited"),
        Heard::End => {}
        Heard::Silence => panic!("the largest is still there"),
    }
    for peer in &mut others {
        peer.send_bytes(b"\"}\n");
        peer.event("pong");
    }
    assert_eq!(metric(&server, "papo_inputs_dropped_total"), 1);
}

/// A session that takes little before it is stuck.
#[track_caller]
fn narrow(server: &Server, name: &str) -> Peer {
    narrow_as(server, name, &json!({}))
}

fn narrow_as(server: &Server, name: &str, login: &Value) -> Peer {
    let stream = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let stream = stream.expect("a socket");
    // Before it connects, so that the window is never larger.
    SockRef::from(&stream).set_recv_buffer_size(4_096).expect("a small buffer");
    let address: std::net::SocketAddr = ([127, 0, 0, 1], server.port()).into();
    stream.connect(&address.into()).expect("the server accepts");
    let stream = TcpStream::from(stream);
    stream.set_read_timeout(Some(crate::common::PATIENCE)).expect("a timeout");
    stream.set_write_timeout(Some(crate::common::PATIENCE)).expect("a timeout");
    let mut peer = Peer::new(stream, Framing::Line);
    peer.login(name, login);
    peer
}

#[test]
fn who_reads_no_answers_is_not_read_and_loses_nothing() {
    let server = with(&["--outbox-soft", "2KiB", "--write-time", "1h"]);
    let mut narrow = narrow(&server, "ana");
    narrow.stream().set_write_timeout(Some(Duration::from_millis(300))).expect("a timeout");
    let mut asked = 0u64;
    while narrow.try_send(&json!({ "type": "ping", "id": asked })) {
        asked += 1;
        assert!(asked < 1_000_000, "what nobody reads is answered for ever");
    }
    // Half of the last one may be on its way, which nobody will answer.
    assert!(metric(&server, "papo_output_bytes") < 256 * 1024);
    for id in 0..asked {
        assert_eq!(narrow.next()["id"], id);
    }
    assert_eq!(metric(&server, "papo_slow_consumers_total"), 0);
}

#[test]
fn who_has_too_much_waiting_that_is_not_read_back_is_closed() {
    let server = with(&["--outbox-soft", "8KiB", "--outbox-hard", "800KiB", "--write-time", "1h"]);
    let mut bia = server.join("bia");
    let mut slow = narrow_as(&server, "ana", &json!({ "features": [] }));
    slow.event("synced");
    let said: Vec<u64> = (0..100).map(|_| number(&bia.tell("ana", "x"), "msg_id")).collect();
    for _ in &said {
        slow.event("private_message_received");
    }
    // What was edited is told once, and not held for who does not read.
    let content = "x".repeat(15_000);
    for msg_id in said {
        let edit = json!({ "type": "edit_message", "msg_id": msg_id, "content": content });
        assert_eq!(bia.ask(&edit)["status"], "success");
    }
    eventually("it is closed", || metric(&server, "papo_slow_consumers_total") == 1);
    server.still_serves();
}

#[test]
fn a_reader_who_takes_no_byte_is_closed() {
    let server = with(&["--write-time", "500ms"]);
    let slow = narrow(&server, "ana");
    let mut bia = server.join("bia");
    let content = "x".repeat(60_000);
    eventually("it is closed", || {
        bia.tell("ana", &content);
        metric(&server, "papo_slow_consumers_total") == 1
    });
    drop(slow);
    server.still_serves();
}

#[test]
fn of_all_that_waits_the_largest_is_closed_first() {
    let server = with(&["--max-outboxes", "1MiB", "--write-time", "1h"]);
    let names: Vec<String> = (0..9).map(|n| format!("devagar {n}")).collect();
    let slow: Vec<Peer> = names.iter().map(|name| narrow(&server, name)).collect();
    let mut ana = server.join("ana");
    ana.group("create_group", "todos", &json!({}));
    for name in &names {
        ana.group("add_member", "todos", &json!({ "new_member": name }));
    }
    let content = "x".repeat(8_000);
    for _ in 0..28 {
        ana.tell(&names[4], &content);
    }
    // Copied to each, as it is small.
    eventually("one is closed", || {
        ana.tell_group("todos", &content);
        metric(&server, "papo_slow_consumers_total") > 0
    });
    assert!(metric(&server, "papo_output_bytes") <= 1024 * 1024);
    assert_eq!(metric(&server, "papo_slow_consumers_total"), 1);
    let online = ana.ask(&json!({ "type": "list_users" }))["users"].to_string();
    let gone: Vec<&String> = names.iter().filter(|name| !online.contains(*name)).collect();
    assert_eq!(gone, [&names[4]]);
    drop(slow);
}
