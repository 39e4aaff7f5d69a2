//! A long backlog: it comes in order and whole, nobody else waits for it, and what is said
//! meanwhile comes after it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::{Framing, Peer, Server, number, text};
use crate::{ask_many, ids, private, to_group};

const MISSED: usize = 2_000;

/// 4 MB in all: more than the kernel and the server put on their way at once.
const CONTENT_BYTES: usize = 2_000;

/// The number that a message begins with.
#[track_caller]
fn place(event: &Value) -> usize {
    let first = text(event, "content").split(' ').next().expect("a first word");
    first.parse().unwrap_or_else(|_| panic!("{first:?}"))
}

/// ana writes to bia, who is away: half of it in private, half of it in a group.
#[track_caller]
fn write(ana: &mut Peer, places: std::ops::Range<usize>) -> Vec<u64> {
    let filling = "x".repeat(CONTENT_BYTES);
    let requests: Vec<Value> = places
        .map(|at| {
            let content = format!("{at} {filling}");
            let id = json!(format!("atraso {at}"));
            match at % 2 {
                0 => private("bia", &content, &id),
                _ => to_group("Time", &content, &id),
            }
        })
        .collect();
    ids(&ask_many(ana, &requests))
}

#[track_caller]
fn beginning(server: &Server) -> Peer {
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    ana.group("create_group", "Time", &json!({}));
    bia.group("join_group", "Time", &json!({}));
    bia.leave();
    ana
}

#[test]
fn two_thousand_messages_come_in_order_while_others_chat() {
    let server = Server::start();
    let mut ana = beginning(&server);
    let mut caio = server.join("caio");
    let mut duda = server.join("duda");
    let mut sent = write(&mut ana, 0..MISSED);

    let mut bia = server.join_with("bia", Framing::Line, &json!({ "features": [] }));
    let mut slowest = Duration::ZERO;
    let mut more = 0;
    let mut synced = None;
    for at in 0.. {
        if at % 200 == 0 && synced.is_none() {
            // bia pauses here: whatever the server could put on its way, it has. The others chat,
            // and ana goes on writing to bia.
            let asked = Instant::now();
            caio.tell("duda", "e a bia?");
            duda.hears("caio", "e a bia?");
            duda.tell("caio", "ainda lê");
            caio.hears("duda", "ainda lê");
            slowest = slowest.max(asked.elapsed());
            sent.append(&mut write(&mut ana, MISSED + more..MISSED + more + 10));
            more += 10;
        }
        if synced.is_some() && at == sent.len() {
            break;
        }
        let mut event = bia.next();
        if event["type"] == "synced" {
            assert!(at >= MISSED, "not all that was missed has been sent: {at}");
            assert!(number(&event, "cursor") >= sent[MISSED - 1], "{event}");
            assert_eq!(synced.replace(at), None, "synced twice");
            if at == sent.len() {
                break;
            }
            event = bia.next();
        }
        assert_eq!((place(&event), number(&event, "msg_id")), (at, sent[at]));
        if at < MISSED {
            assert_eq!(event["backlog"], true, "{event}");
        }
    }
    bia.nothing_more();
    // No figure of merit: only that nobody waits for bia's backlog.
    assert!(slowest < Duration::from_secs(2), "two messages took {slowest:?}");
    // And from here on it is as if bia had never been away.
    ana.tell("bia", "agora");
    assert_eq!(bia.hears("ana", "agora").get("backlog"), None);
}

#[test]
fn a_long_backlog_in_the_other_framings() {
    let server = Server::start();
    let mut ana = beginning(&server);
    // To a bare client 20 ms lie between two frames.
    for (framing, count) in [(Framing::Length, MISSED), (Framing::Bare, 50)] {
        let sent = write_again(&mut ana, &format!("{framing:?}"), count);
        let mut bia = server.join_as("bia", framing);
        for msg_id in sent {
            let event = bia.event("private_message_received");
            assert_eq!((number(&event, "msg_id"), &event["backlog"]), (msg_id, &json!(true)));
        }
        bia.event("synced");
        bia.nothing_more();
        bia.leave();
    }
}

#[track_caller]
fn write_again(ana: &mut Peer, round: &str, count: usize) -> Vec<u64> {
    let requests: Vec<Value> = (0..count)
        .map(|at| private("bia", &format!("{round} {at}"), &json!(format!("{round} {at}"))))
        .collect();
    ids(&ask_many(ana, &requests))
}

/// bia loses the connection in the middle of it, again and again.
#[test]
fn a_backlog_that_is_interrupted_goes_on_where_it_stopped() {
    let server = Server::start();
    let mut ana = beginning(&server);
    let sent = write(&mut ana, 0..MISSED);
    let mut seen: Vec<u64> = Vec::new();
    let mut logins = 0;
    while seen.len() < sent.len() {
        let since = seen.last().copied().unwrap_or(0);
        let mut bia = server.join_with("bia", Framing::Line, &json!({ "since": since }));
        logins += 1;
        assert!(logins < 20, "only {} of {} messages came", seen.len(), sent.len());
        for _ in 0..300 {
            let event = bia.next();
            if event["type"] == "synced" {
                break;
            }
            seen.push(number(&event, "msg_id"));
        }
        drop(bia);
        ana.waits_until_gone("bia");
    }
    assert_eq!(seen, sent);
    assert!(logins > 6, "{logins} logins");
}

/// The same for who says what it has received: what was not confirmed comes again, and only that.
#[test]
fn a_backlog_that_is_confirmed_bit_by_bit() {
    let server = Server::start();
    let mut ana = beginning(&server);
    let sent = write(&mut ana, 0..MISSED);
    let mut confirmed = 0;
    while confirmed < sent.len() {
        let fields = json!({ "features": ["receipts"] });
        let mut bia = server.join_with("bia", Framing::Line, &fields);
        for (at, msg_id) in sent.iter().enumerate().take(confirmed + 600).skip(confirmed) {
            let event = bia.next();
            assert_eq!((place(&event), number(&event, "msg_id")), (at, *msg_id));
        }
        confirmed = sent.len().min(confirmed + 500);
        let last = sent[confirmed - 1];
        bia.ok(&json!({ "type": "ping" }));
        bia.send(&json!({ "type": "received", "msg_id": last }));
        // The rest of the backlog is on its way still; it goes nowhere.
        bia.ok(&json!({ "type": "logout" }));
        drop(bia);
        ana.waits_until_gone("bia");
    }
    let mut bia = server.join_with("bia", Framing::Line, &json!({ "features": ["receipts"] }));
    assert_eq!(bia.backlog(), Vec::<Value>::new());
}

/// Who has a large file on its way, and reads it, is not sent away for what is said meanwhile.
#[test]
fn what_is_answered_behind_a_large_file_is_no_reason_to_go() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join_with("bia", Framing::Line, &json!({ "features": [] }));
    bia.event("synced");
    let first = number(&ana.tell("bia", "olha isto"), "msg_id");
    bia.hears("ana", "olha isto");
    // More than the kernel takes at once, so it waits until bia reads it.
    let data = "A".repeat(12 * 1024 * 1024);
    let file = json!({
        "type": "send_file", "recipient": "bia", "filename": "f", "file_data": data,
    });
    ana.ok(&file);
    for emoji in ["👍", "👎"] {
        ana.ok(&json!({ "type": "react", "msg_id": first, "emoji": emoji }));
    }
    assert_eq!(text(&bia.event("file_received"), "file_data").len(), data.len());
    for _ in 0..2 {
        assert_eq!(number(&bia.event("message_changed"), "msg_id"), first);
    }
    bia.nothing_more();
}

/// A file of messages through a pipe, as fast as it goes: each is answered.
#[test]
fn who_sends_without_end_and_reads_is_answered_without_end() {
    const COUNT: usize = 30_000;
    let server = Server::start_durable("os");
    server.join("bia").leave();
    let mut ana = server.join("ana");
    let mut stream = ana.stream().try_clone().expect("another end");
    let sender = std::thread::spawn(move || {
        let all: Vec<u8> = (0..COUNT)
            .flat_map(|at| Framing::Line.frame(&private("bia", "linha", &json!(at))))
            .collect();
        std::io::Write::write_all(&mut stream, &all).expect("all of it is taken");
    });
    for at in 0..COUNT {
        let answer = ana.next();
        assert_eq!((&answer["status"], &answer["id"]), (&json!("success"), &json!(at)));
    }
    sender.join().expect("it was sent");
}
