//! Section 4, "Offline": what comes while one is away.

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
            assert_eq!(
                (number(&event, "msg_id"), text(&event, "content")),
                (*msg_id, &**content)
            );
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
    assert_eq!(
        (&event["backlog"], number(&event, "prev")),
        (&json!(true), 0)
    );
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
    let sent: Vec<u64> = (0..4)
        .map(|n| number(&ana.tell("bia", &format!("mensagem {n}")), "msg_id"))
        .collect();
    let mut bia = server.join_with("bia", Framing::Line, &json!({ "since": sent[1] }));
    for (n, msg_id) in sent.iter().enumerate().skip(2) {
        let event = bia.hears("ana", &format!("mensagem {n}"));
        assert_eq!(number(&event, "msg_id"), *msg_id);
    }
    assert_eq!(bia.event("synced")["cursor"], sent[3]);
    bia.nothing_more();
}

#[test]
fn what_comes_after_the_login_comes_after_the_backlog() {
    let server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    for n in 0..300 {
        ana.tell("bia", &format!("mensagem {n}"));
    }
    let mut bia = server.connect(Framing::Line);
    // One write: the login, and a request whose answer must wait for its turn.
    let mut wire = Framing::Line.frame(&json!({ "type": "login", "username": "bia" }));
    wire.extend(Framing::Line.frame(&json!({ "type": "list_groups" })));
    bia.send_bytes(&wire);
    bia.event("login_response");
    for n in 0..300 {
        bia.hears("ana", &format!("mensagem {n}"));
    }
    bia.event("synced");
    bia.event("groups_list");
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

#[test]
fn a_full_mailbox_is_told_to_the_sender_and_loses_nothing() {
    let server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    let request = |n: u32| {
        let content = format!("mensagem {n}");
        json!({ "type": "private_message", "recipient": "bia", "content": content, "id": n })
    };
    for batch in 0..10 {
        let wire: Vec<u8> = (0..100)
            .flat_map(|n| Framing::Line.frame(&request(batch * 100 + n)))
            .collect();
        ana.send_bytes(&wire);
        for n in 0..100 {
            let answer = ana.answer_to(&json!(batch * 100 + n));
            assert_eq!(answer["status"], "success", "{answer}");
        }
    }
    for n in 1_000..1_003 {
        ana.refused(&request(n), "quota_exceeded");
    }
    // One sent again was accepted before, full or not.
    ana.ok(&request(7));

    let mut bia = server.join("bia");
    for n in 0..1_000 {
        let event = bia.hears("ana", &format!("mensagem {n}"));
        assert_eq!(event["backlog"], true);
    }
    bia.event("synced");
    bia.nothing_more();
    // There is room again.
    ana.ok(&request(1_000));
    bia.hears("ana", "mensagem 1000");
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
    assert!(
        (16..999).contains(&accepted.len()),
        "{} messages of 64 KiB",
        accepted.len()
    );
    let mut bia = server.join("bia");
    for msg_id in accepted {
        assert_eq!(bia.event("private_message_received")["msg_id"], msg_id);
    }
    bia.event("synced");
    bia.nothing_more();
}
