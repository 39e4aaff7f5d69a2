//! Who does not read costs the server little, nobody else anything, and loses nothing that was
//! acknowledged.

mod common;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use common::{Framing, Heard, Peer, Server, number, text};

/// What one message carries.
const CONTENT_BYTES: usize = 60_000;

/// 42 MB of content.
const MESSAGES: u64 = 700;

const MIB: u64 = 1024 * 1024;

/// Everything that comes on a connection until its end, and the numbers of the messages in it.
fn read_out(peer: &mut Peer) -> BTreeSet<u64> {
    let mut seen = BTreeSet::new();
    loop {
        match peer.hear() {
            Heard::Frame(frame) => {
                if frame["type"] == "private_message_received" {
                    let fresh = seen.insert(number(&frame, "msg_id"));
                    assert!(fresh, "came twice on one connection: {}", frame["msg_id"]);
                }
            }
            Heard::End => return seen,
            Heard::Silence => panic!("neither more messages nor an end"),
        }
    }
}

/// One memory figure of the server, in bytes.
#[cfg(target_os = "linux")]
fn memory(server: &Server, figure: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid()))
        .expect("the server is running");
    let line = status
        .lines()
        .find(|line| line.starts_with(figure))
        .unwrap_or_else(|| panic!("{figure} in {status}"));
    let kib: u64 = line
        .split_whitespace()
        .nth(1)
        .and_then(|value| value.parse().ok())
        .expect("a number of KiB");
    kib * 1024
}

#[cfg(not(target_os = "linux"))]
fn memory(_server: &Server, _figure: &str) -> u64 {
    0
}

/// 40 MB are sent to somebody who reads nothing. Then that somebody reads what the system still
/// holds, comes back, and has everything that the sender was told had been accepted.
#[test]
fn forty_megabytes_for_a_silent_reader() {
    let server = Server::start();
    let mut sender = server.join("ana");
    let mut bystander = server.join("caio");
    let mut silent = server.join("bia");
    bystander.nothing_more();
    let before = memory(&server, "VmRSS");

    let content = "x".repeat(CONTENT_BYTES);
    let mut accepted = BTreeSet::new();
    let mut refused = 0;
    let mut slowest = Duration::ZERO;
    for n in 0..MESSAGES {
        let answer = sender.ask(&json!({
            "type": "private_message", "recipient": "bia", "content": content, "id": n,
        }));
        if answer["status"] == "success" {
            accepted.insert(number(&answer, "msg_id"));
        } else {
            // Told to the sender, not dropped in silence.
            assert_eq!(answer["code"], "quota_exceeded", "{answer}");
            refused += 1;
        }
        if n % 10 == 0 {
            let asked = Instant::now();
            bystander.nothing_more();
            slowest = slowest.max(asked.elapsed());
        }
    }
    let grown = memory(&server, "VmHWM").saturating_sub(before);
    assert!(grown < 64 * MIB, "the server grew by {} MiB", grown / MIB);
    // No figure of merit: only that nobody waits for the silent one.
    assert!(slowest < Duration::from_secs(1), "a ping took {slowest:?}");
    assert_eq!(accepted.len() as u64 + refused, MESSAGES);
    assert!(accepted.len() > 100, "accepted only {}", accepted.len());

    // The connection was given up long ago; what the system had taken over is still readable.
    sender.waits_until_gone("bia");
    let mut seen = read_out(&mut silent);
    let mut back = server.join("bia");
    let mut last = 0;
    loop {
        let frame = back.next();
        if frame["type"] == "synced" {
            break;
        }
        let msg_id = number(&frame, "msg_id");
        assert!(msg_id > last, "{msg_id} after {last}");
        last = msg_id;
        seen.insert(msg_id);
    }
    let missing: Vec<_> = accepted.difference(&seen).collect();
    assert!(missing.is_empty(), "accepted but never seen: {missing:?}");
    let extra: Vec<_> = seen.difference(&accepted).collect();
    assert!(extra.is_empty(), "refused but seen: {extra:?}");
    back.nothing_more();
    sender.tell("bia", "de volta?");
    back.hears("ana", "de volta?");
}

#[test]
fn a_pause_costs_nothing() {
    let server = Server::start();
    let mut sender = server.join("ana");
    for framing in Framing::ALL {
        let mut reader = server.join_as("bia", framing);
        // Less than what the server keeps for a peer that pauses.
        let content = "x".repeat(8_000);
        for n in 0..60 {
            sender.ok(&json!({
                "type": "private_message", "recipient": "bia", "content": content, "id": null,
                "reply_to": n,
            }));
        }
        for n in 0..60 {
            let event = reader.event("private_message_received");
            assert_eq!(number(&event, "reply_to"), n);
        }
        reader.nothing_more();
        reader.leave();
    }
}

/// The first chat froze whole when one of a group did not read.
#[test]
fn a_group_does_not_wait_for_its_silent_member() {
    let server = Server::start();
    let mut sender = server.join("ana");
    sender.group("create_group", "Todos", &Value::Null);
    let mut readers: Vec<Peer> = [("bia", Framing::Line), ("caio", Framing::Length)]
        .iter()
        .map(|(name, framing)| server.join_as(name, *framing))
        .collect();
    let mut silent = server.join("duda");
    for peer in readers.iter_mut().chain([&mut silent]) {
        peer.group("join_group", "Todos", &Value::Null);
    }
    let before = memory(&server, "VmRSS");
    let content = "x".repeat(20_000);
    let mut sent = Vec::new();
    // 10 MB to each; the readers keep up, the silent one does not.
    for _ in 0..50 {
        let wire: Vec<u8> = (0..10)
            .flat_map(|n| {
                Framing::Line.frame(&json!({
                    "type": "group_message", "group_name": "Todos", "content": content, "id": sent.len() + n,
                }))
            })
            .collect();
        sender.send_bytes(&wire);
        for _ in 0..10 {
            let answer = sender.answer_to(&json!(sent.len()));
            assert_eq!(answer["status"], "success", "{answer}");
            sent.push(number(&answer, "msg_id"));
        }
        for reader in &mut readers {
            for msg_id in &sent[sent.len() - 10..] {
                let event = reader.event("group_message_received");
                assert_eq!(number(&event, "msg_id"), *msg_id);
            }
        }
    }
    let grown = memory(&server, "VmHWM").saturating_sub(before);
    assert!(grown < 64 * MIB, "the server grew by {} MiB", grown / MIB);

    // 500 messages and 10 MB are within what is kept for one who is away.
    sender.waits_until_gone("duda");
    let mut seen: Vec<u64> = Vec::new();
    loop {
        match silent.hear() {
            Heard::Frame(frame) if frame["type"] == "group_message_received" => {
                seen.push(number(&frame, "msg_id"));
            }
            Heard::Frame(frame) => assert_eq!(text(&frame, "type"), "error", "{frame}"),
            Heard::End => break,
            Heard::Silence => panic!("neither more messages nor an end"),
        }
    }
    let mut back = server.join("duda");
    loop {
        let frame = back.next();
        if frame["type"] == "synced" {
            break;
        }
        seen.push(number(&frame, "msg_id"));
    }
    // A message on the border may come on both connections.
    seen.dedup();
    assert_eq!(seen, sent);
}

/// Who does not read answers may not ask questions: the server stops reading, and holds little.
#[test]
fn who_asks_and_never_reads_the_answers_costs_little() {
    let server = Server::start();
    let mut bystander = server.join("ana");
    let asker = server.join("bia");
    let before = memory(&server, "VmRSS");
    let id = "x".repeat(64);
    let batch = Framing::Line.frame(&json!({ "type": "ping", "id": id })).repeat(1_000);
    let stream = asker.stream();
    stream.set_nonblocking(true).expect("an option on a socket");
    let mut accepted = 0;
    let mut refusals = 0;
    // 40 MB of questions, or as many as the server takes.
    while accepted < 40 * 1024 * 1024 && refusals < 50 {
        match std::io::Write::write(&mut &*stream, &batch) {
            Ok(count) => accepted += count,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                refusals += 1;
                bystander.nothing_more();
            }
            // Closed as one that does not read: allowed, too.
            Err(_) => break,
        }
    }
    bystander.nothing_more();
    let grown = memory(&server, "VmHWM").saturating_sub(before);
    assert!(grown < 64 * MIB, "the server grew by {} MiB", grown / MIB);
    drop(asker);
    bystander.waits_until_gone("bia");
    server.still_serves();
}
