//! Section 4, "Offline": what comes while one is away.

use papo::limits::INBOX_MESSAGES_MAX;
use serde_json::{Value, json};

use crate::common::{Framing, Server, number, text};

#[test]
fn who_was_away_gets_what_was_missed_in_order_and_once() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut caio = server.join("caio");
    for framing in Framing::ALL {
        let bia = server.join_as("bia", framing);
        bia.leave();
        let mut sent = Vec::new();
        for n in 0..5 {
            let answer = ana.tell("bia", &format!("de ana {n}"));
            assert_eq!(answer["delivered"], 0);
            sent.push((number(&answer, "msg_id"), format!("de ana {n}")));
            let answer = caio.tell("bia", &format!("de caio {n}"));
            sent.push((number(&answer, "msg_id"), format!("de caio {n}")));
        }

        let mut bia = server.join_as("bia", framing);
        for (msg_id, content) in &sent {
            let event = bia.event("private_message_received");
            assert_eq!(event["backlog"], true, "{event}");
            assert_eq!((number(&event, "msg_id"), text(&event, "content")), (*msg_id, &**content));
        }
        let synced = bia.event("synced");
        assert_eq!(number(&synced, "cursor"), sent.last().expect("ten").0);
        bia.nothing_more();
        // Now it is as if bia had never been away.
        ana.tell("bia", "agora");
        assert_eq!(bia.hears("ana", "agora").get("backlog"), None);
        bia.leave();

        // What was taken over once does not come again.
        let mut bia = server.join_as("bia", framing);
        bia.nothing_more();
        bia.leave();
    }
}

#[test]
fn a_group_does_not_forget_who_is_away() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    ana.group("create_group", "Trabalho", &json!({}));
    bia.group("join_group", "Trabalho", &json!({}));
    bia.leave();
    let first = ana.tell_group("Trabalho", "um");
    assert_eq!(first["delivered"], 0);
    ana.tell_group("Trabalho", "dois");
    let mut bia = server.join("bia");
    let event = bia.hears_in("Trabalho", "ana", "um");
    assert_eq!((&event["backlog"], number(&event, "prev")), (&json!(true), 0));
    let event = bia.hears_in("Trabalho", "ana", "dois");
    assert_eq!(event["prev"], first["msg_id"]);
    bia.event("synced");
    bia.nothing_more();
}

#[test]
fn since_says_what_one_has_already() {
    let server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    let sent: Vec<u64> =
        (0..4).map(|n| number(&ana.tell("bia", &format!("mensagem {n}")), "msg_id")).collect();
    let mut bia = server.join_with("bia", Framing::Line, &json!({ "since": sent[1] }));
    for (n, msg_id) in sent.iter().enumerate().skip(2) {
        let event = bia.hears("ana", &format!("mensagem {n}"));
        assert_eq!(number(&event, "msg_id"), *msg_id);
    }
    assert_eq!(bia.event("synced")["cursor"], sent[3]);
    bia.nothing_more();
}

#[test]
fn what_comes_later_comes_after_the_backlog() {
    let server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    // More than the server puts on its way at once.
    let content = "x".repeat(2_000);
    for n in 0..300 {
        ana.ok(&json!({
            "type": "private_message", "recipient": "bia", "content": content, "reply_to": n,
        }));
    }
    let mut bia = server.join("bia");
    for n in 300..400 {
        ana.ok(&json!({
            "type": "private_message", "recipient": "bia", "content": content, "reply_to": n,
        }));
    }
    let mut last = 0;
    let mut synced = false;
    for n in 0..400 {
        let mut event = bia.next();
        if event["type"] == "synced" {
            assert!(n >= 300, "not all that was missed has been sent");
            synced = true;
            event = bia.next();
        }
        assert_eq!(number(&event, "reply_to"), n);
        assert_eq!(number(&event, "prev"), last);
        last = number(&event, "msg_id");
    }
    if !synced {
        bia.event("synced");
    }
    bia.nothing_more();
}

#[test]
fn nobody_waits_for_who_was_never_here() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let request = json!({ "type": "private_message", "recipient": "bia", "content": "oi" });
    ana.refused(&request, "unknown_user");
    let mut bia = server.join("bia");
    bia.nothing_more();
    ana.ok(&request);
    bia.hears("ana", "oi");
}

/// Messages by the hundred in one write, so that the mailbox fills up in the middle of what the
/// server takes in one go.
#[test]
fn a_full_mailbox_is_told_to_the_sender_and_loses_nothing() {
    let server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    let request = |n: usize| {
        let content = format!("mensagem {n}");
        json!({ "type": "private_message", "recipient": "bia", "content": content, "id": n })
    };
    let mut accepted = Vec::new();
    let mut refused = 0;
    let batch = 700;
    for first in (0..INBOX_MESSAGES_MAX + batch).step_by(batch) {
        let wire: Vec<u8> =
            (first..first + batch).flat_map(|n| Framing::Line.frame(&request(n))).collect();
        ana.send_bytes(&wire);
        for n in first..first + batch {
            let answer = ana.answer_to(&json!(n));
            if answer["status"] == "success" {
                accepted.push((n, number(&answer, "msg_id")));
            } else {
                assert_eq!(answer["code"], "quota_exceeded", "{answer}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "the mailbox has no bound");
    assert!(accepted.len() >= INBOX_MESSAGES_MAX, "only {} fit", accepted.len());
    // What was accepted is there, and nothing else.
    let mut bia = server.join("bia");
    for (n, msg_id) in accepted {
        let event = bia.hears("ana", &format!("mensagem {n}"));
        assert_eq!((number(&event, "msg_id"), &event["backlog"]), (msg_id, &json!(true)));
    }
    bia.event("synced");
    bia.nothing_more();
    // There is room again.
    ana.tell("bia", "e agora?");
    bia.hears("ana", "e agora?");
}

#[test]
fn a_mailbox_is_bounded_in_bytes_too() {
    let server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    let content = "x".repeat(65_536);
    let mut accepted: Vec<Value> = Vec::new();
    for n in 0..1_000 {
        let request =
            json!({ "type": "private_message", "recipient": "bia", "content": content, "id": n });
        let answer = ana.ask(&request);
        if answer["status"] == "error" {
            assert_eq!(answer["code"], "quota_exceeded", "{answer}");
            break;
        }
        accepted.push(answer["msg_id"].clone());
    }
    // One that was accepted is answered as accepted when it is sent again, full or not.
    let again = accepted.len() - 1;
    let request =
        json!({ "type": "private_message", "recipient": "bia", "content": content, "id": again });
    assert_eq!(ana.ok(&request)["msg_id"], accepted[again]);
    assert!((16..999).contains(&accepted.len()), "{} messages of 64 KiB", accepted.len());
    let mut bia = server.join("bia");
    for msg_id in accepted {
        assert_eq!(bia.event("private_message_received")["msg_id"], msg_id);
    }
    bia.event("synced");
    bia.nothing_more();
}

/// Room is asked for what a message takes on the wire, where one byte can become six.
#[test]
fn what_is_accepted_arrives_also_when_it_grows_on_the_wire() {
    let server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    let content = "\u{1}".repeat(65_536);
    let request = |n: u64| json!({ "type": "private_message", "recipient": "bia", "content": content, "id": n });
    let mut accepted = Vec::new();
    for n in 0..60 {
        let answer = ana.ask(&request(n));
        if answer["status"] == "error" {
            assert_eq!(answer["code"], "quota_exceeded", "{answer}");
            break;
        }
        accepted.push(answer["msg_id"].clone());
    }
    assert!((16..60).contains(&accepted.len()), "{} of 384 KiB fit", accepted.len());
    // Sent three times at once, a message that finds no room is refused three times.
    let refused = Framing::Line.frame(&request(1_000)).repeat(3);
    ana.send_bytes(&refused);
    for _ in 0..3 {
        let answer = ana.answer_to(&json!(1_000));
        assert_eq!(answer["code"], "quota_exceeded", "{answer}");
    }
    let mut bia = server.join("bia");
    for msg_id in accepted {
        assert_eq!(bia.event("private_message_received")["msg_id"], msg_id);
    }
    bia.event("synced");
    bia.nothing_more();
}
