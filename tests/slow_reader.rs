//! Who does not read costs the server little, nobody else anything, and loses nothing that was
//! acknowledged.

mod common;

use std::collections::BTreeSet;
use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use common::{Framing, Heard, Peer, Server, number, text, texts};

/// What one message carries.
const CONTENT_BYTES: usize = 60_000;

/// 42 MB of content.
const MESSAGES: u64 = 700;

const MIB: u64 = 1024 * 1024;

/// The numbers of the messages that come on a connection: until all of these are there, or until
/// the connection ends.
fn read_out(peer: &mut Peer, wanted: &BTreeSet<u64>) -> BTreeSet<u64> {
    let mut seen = BTreeSet::new();
    while !seen.is_superset(wanted) {
        match peer.hear() {
            Heard::Frame(frame) if frame["type"] == "private_message_received" => {
                let msg_id = number(&frame, "msg_id");
                // One connection shows each message once, and in order.
                assert!(seen.last().is_none_or(|last| *last < msg_id), "{msg_id}");
                seen.insert(msg_id);
            }
            Heard::Frame(frame) => {
                let kind = text(&frame, "type");
                assert!(kind == "synced" || kind == "error", "{frame}");
            }
            Heard::End => break,
            Heard::Silence => panic!("neither more messages nor an end"),
        }
    }
    seen
}

/// Sends 42 MB to bia, who does not read, while caio asks now and then whether the server is
/// there. Returns the numbers of what was accepted.
fn flood(sender: &mut Peer, bystander: &mut Peer) -> BTreeSet<u64> {
    let content = "x".repeat(CONTENT_BYTES);
    let mut accepted = BTreeSet::new();
    let mut slowest = Duration::ZERO;
    for n in 0..MESSAGES {
        let answer = sender.ask(&json!({
            "type": "private_message", "recipient": "bia", "content": content, "id": n,
        }));
        assert_eq!(answer["status"], "success", "{answer}");
        accepted.insert(number(&answer, "msg_id"));
        if n % 10 == 0 {
            let asked = Instant::now();
            bystander.nothing_more();
            slowest = slowest.max(asked.elapsed());
        }
    }
    // No figure of merit: only that nobody waits for the silent one.
    assert!(slowest < Duration::from_secs(1), "a ping took {slowest:?}");
    accepted
}

/// One memory figure of the server, in bytes; where it cannot be known, nothing.
fn memory(server: &Server, figure: &str) -> u64 {
    server.memory(figure).unwrap_or(0)
}

/// 40 MB are sent to somebody who reads nothing, and then reads again: what the sender was told
/// had been accepted is there, and nothing else.
#[test]
fn forty_megabytes_for_a_silent_reader() {
    let server = Server::start();
    let mut sender = server.join("ana");
    let mut bystander = server.join("caio");
    let mut silent = server.join("bia");
    bystander.nothing_more();
    let before = memory(&server, "VmRSS");
    let accepted = flood(&mut sender, &mut bystander);
    let grown = memory(&server, "VmHWM").saturating_sub(before);
    // What the store's own memory may take; what waits, waits on the disk.
    assert!(grown < 36 * MIB, "the server grew by {} MiB", grown / MIB);

    // On the same connection, if the server has had the patience; else on the next one, too.
    let mut seen = read_out(&mut silent, &accepted);
    if seen != accepted {
        silent = server.join("bia");
        seen.extend(read_out(&mut silent, &accepted.difference(&seen).copied().collect()));
        silent.event("synced");
    }
    assert_eq!(seen.len(), accepted.len());
    assert_eq!(seen, accepted);
    silent.ask(&json!({ "type": "ping" }));
    silent.take_aside();
    sender.tell("bia", "de volta?");
    silent.hears("ana", "de volta?");
}

/// The same, but the reader takes so long that the server gives the connection up. Takes 10 to
/// 20 s: the time that a peer has to take anything at all.
#[test]
fn who_reads_nothing_for_long_is_closed_and_finds_the_rest_later() {
    let server = Server::start();
    let mut sender = server.join("ana");
    let mut bystander = server.join("caio");
    let mut silent = server.join("bia");
    let accepted = flood(&mut sender, &mut bystander);

    let given_up = Instant::now() + Duration::from_secs(40);
    loop {
        let users = sender.ok(&json!({ "type": "list_users" }));
        if !texts(&users, "users").contains(&"bia") {
            break;
        }
        assert!(Instant::now() < given_up, "the silent reader is still online");
        std::thread::sleep(Duration::from_millis(50));
    }
    // What the system had taken over can still be read; the rest waits for the next login.
    let mut seen = read_out(&mut silent, &accepted);
    assert!(seen.len() < accepted.len(), "nothing was left for later");
    let mut back = server.join("bia");
    let missing: BTreeSet<u64> = accepted.difference(&seen).copied().collect();
    let later = read_out(&mut back, &missing);
    back.event("synced");
    back.nothing_more();
    seen.extend(later);
    assert_eq!(seen, accepted);
}

/// Somebody who never stops asking has one turn like everybody else.
#[test]
fn who_never_stops_asking_does_not_keep_others_waiting() {
    let server = Server::start();
    let mut bystander = server.join("ana");
    let noisy = server.join("bia");
    let batch = Framing::Line.frame(&json!({ "type": "ping" })).repeat(2_000);
    let mut outgoing = noisy.stream().try_clone().expect("a socket");
    let mut incoming = noisy.stream().try_clone().expect("a socket");
    let reader = std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        // Until the connection is shut down.
        while std::io::Read::read(&mut incoming, &mut buffer).is_ok_and(|count| count > 0) {}
    });
    let writer = std::thread::spawn(move || while outgoing.write_all(&batch).is_ok() {});
    for _ in 0..50 {
        bystander.nothing_more();
    }
    assert!(!writer.is_finished(), "the busy one was cut off");
    // It may be gone by itself, which the next two lines find out.
    let _ = noisy.stream().shutdown(std::net::Shutdown::Both);
    writer.join().expect("the writer ends");
    reader.join().expect("the reader ends");
    bystander.waits_until_gone("bia");
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
                "type": "private_message", "recipient": "bia", "content": content, "reply_to": n,
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

/// What comes back from two full outboxes comes back in turns, and keeps its order for each.
#[test]
fn two_who_read_slowly_hear_everything_in_order() {
    let server = Server::start();
    let mut sender = server.join("ana");
    sender.group("create_group", "Todos", &Value::Null);
    let mut slow: Vec<Peer> = ["bia", "caio"].iter().map(|name| server.join(name)).collect();
    for peer in &mut slow {
        peer.group("join_group", "Todos", &Value::Null);
    }
    // 6 MB to each, which is more than the kernel and an outbox take.
    let content = "x".repeat(3_000);
    let mut sent = Vec::new();
    for first in (0..2_000).step_by(100) {
        let wire: Vec<u8> = (first..first + 100)
            .flat_map(|n| {
                Framing::Line.frame(&json!({
                    "type": "group_message", "group_name": "Todos", "content": content, "id": n,
                }))
            })
            .collect();
        sender.send_bytes(&wire);
        for n in first..first + 100 {
            let answer = sender.answer_to(&json!(n));
            assert_eq!(answer["status"], "success", "{answer}");
            sent.push(number(&answer, "msg_id"));
        }
    }
    for peer in &mut slow {
        for msg_id in &sent {
            let event = peer.event("group_message_received");
            assert_eq!(number(&event, "msg_id"), *msg_id);
        }
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

    // 500 messages and 10 MB are within what is kept for one who does not read.
    let mut seen = Vec::new();
    while seen.len() < sent.len() {
        match silent.hear() {
            Heard::Frame(frame) if frame["type"] == "group_message_received" => {
                seen.push(number(&frame, "msg_id"));
            }
            Heard::Frame(frame) => panic!("{frame}"),
            Heard::End => {
                silent = server.join("duda");
            }
            Heard::Silence => panic!("{} of {} messages came", seen.len(), sent.len()),
        }
    }
    // A message on the border may come on both connections, were there two.
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
        match (&mut &*stream).write(&batch) {
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

/// A file to many is one buffer, also when they do not read it and when they are gone again.
#[test]
fn a_large_file_to_many_is_held_once() {
    let server = Server::start();
    let mut sender = server.join("ana");
    server.join("zeca").leave();
    sender.group("create_group", "Todos", &Value::Null);
    let mut silent: Vec<Peer> = (0..20).map(|n| server.join(&format!("m{n}"))).collect();
    for peer in &mut silent {
        peer.group("join_group", "Todos", &Value::Null);
    }
    let before = memory(&server, "VmRSS");
    let data = "A".repeat(12_000_000);
    sender.ok(&json!({
        "type": "send_file", "recipient": "Todos", "file_type": "group", "filename": "x.bin",
        "file_data": data,
    }));
    drop(silent);
    for n in 0..20 {
        sender.waits_until_gone(&format!("m{n}"));
    }
    // On its way through it is there a few times over; a copy for each would be 240 MB.
    let grown = memory(&server, "VmHWM").saturating_sub(before);
    assert!(grown < 96 * MIB, "the server grew by {} MiB", grown / MIB);
    // Others' mailboxes have not shrunk for it.
    sender.ok(&json!({ "type": "private_message", "recipient": "zeca", "content": "oi" }));
    let mut back = server.join("m7");
    assert_eq!(back.event("group_file_received")["file_data"], data);
}
