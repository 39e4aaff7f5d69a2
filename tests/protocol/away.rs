//! Section 4, "Offline": what comes while one is away.

use serde_json::json;

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

/// What waits, waits on the disk: more than any memory was ever set aside for.
#[test]
fn a_mailbox_has_no_bottom_and_keeps_its_order() {
    let server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    let request = |n: usize| {
        let content = format!("mensagem {n}");
        json!({ "type": "private_message", "recipient": "bia", "content": content, "id": n })
    };
    let mut accepted = Vec::new();
    let batch = 500;
    for first in (0..12_000).step_by(batch) {
        let wire: Vec<u8> =
            (first..first + batch).flat_map(|n| Framing::Line.frame(&request(n))).collect();
        ana.send_bytes(&wire);
        for n in first..first + batch {
            let answer = ana.answer_to(&json!(n));
            assert_eq!(answer["status"], "success", "{answer}");
            accepted.push((n, number(&answer, "msg_id")));
        }
    }
    let mut bia = server.join("bia");
    for (n, msg_id) in accepted {
        let event = bia.hears("ana", &format!("mensagem {n}"));
        assert_eq!((number(&event, "msg_id"), &event["backlog"]), (msg_id, &json!(true)));
    }
    bia.event("synced");
    bia.nothing_more();
    ana.tell("bia", "e agora?");
    bia.hears("ana", "e agora?");
}

/// One byte can become six on the wire.
#[test]
fn what_is_accepted_arrives_also_when_it_grows_on_the_wire() {
    let server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    let content = "\u{1}".repeat(65_536);
    let accepted: Vec<_> = (0..60).map(|_| ana.tell("bia", &content)["msg_id"].clone()).collect();
    let mut bia = server.join("bia");
    for msg_id in accepted {
        let event = bia.event("private_message_received");
        assert_eq!((&event["msg_id"], &event["content"]), (&msg_id, &json!(content)));
    }
    bia.event("synced");
    bia.nothing_more();
}
