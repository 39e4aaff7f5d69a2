//! Section 4, "The promise": a message sent again is the same message, however late, and also when
//! the server was another process then.

use serde_json::{Value, json};

use crate::common::{Framing, Peer, Server, number};
use crate::{ask_many, group, history, ids, private, to_group, with};

/// bia hears the message that the server promised to deliver once, and nothing else of it.
#[track_caller]
fn sent_again(peer: &mut Peer, message: &Value, msg_id: &Value) {
    let again = peer.ok(message);
    assert_eq!(again["msg_id"], *msg_id, "{message}");
    assert_eq!(again["type"], "message_response");
}

#[test]
fn a_message_sent_again_after_a_restart_is_the_same_message() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    ana.group("create_group", "Par", &json!({}));
    bia.group("join_group", "Par", &json!({}));
    let sent: Vec<(Value, Value)> = [json!("m1"), json!(1), json!("1"), json!(-7), json!("é\u{1}")]
        .iter()
        .flat_map(|id| {
            // The id is the sender's over all conversations, so each is used once.
            [private("bia", "uma vez", id), to_group("Par", "uma vez", &json!(format!("g{id}")))]
        })
        .map(|message| (message.clone(), ana.ok(&message)["msg_id"].clone()))
        .collect();
    let mut last = json!(0);
    for _ in &sent {
        last = bia.next()["msg_id"].clone();
    }
    for crash in [false, true] {
        drop((ana, bia));
        if crash {
            server.crash();
        } else {
            server.restart();
        }
        ana = server.join("ana");
        bia = server.join_with("bia", Framing::Line, &json!({ "since": last }));
        assert_eq!(bia.backlog(), Vec::<Value>::new());
        for (message, msg_id) in &sent {
            sent_again(&mut ana, message, msg_id);
        }
        bia.nothing_more();
    }
    assert_eq!(history(&mut bia, &with("ana")).len() * 2, sent.len());
    assert_eq!(history(&mut bia, &group("Par")).len() * 2, sent.len());
}

#[test]
fn an_id_that_was_used_is_a_conflict_also_after_a_restart() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    for name in ["bia", "caio"] {
        server.join(name).leave();
    }
    ana.group("create_group", "Todos", &json!({}));
    let first = private("bia", "oi", &json!("m1"));
    let msg_id = ana.ok(&first)["msg_id"].clone();
    for crash in [false, true] {
        drop(ana);
        if crash {
            server.crash();
        } else {
            server.restart();
        }
        ana = server.join("ana");
        for other in [
            private("bia", "olá", &json!("m1")),
            private("caio", "oi", &json!("m1")),
            to_group("Todos", "oi", &json!("m1")),
        ] {
            let refusal = ana.refused(&other, "id_conflict");
            assert_eq!(refusal["type"], "message_response");
        }
        sent_again(&mut ana, &first, &msg_id);
    }
    // The ids of others are their own.
    let mut caio = server.join("caio");
    caio.ok(&private("ana", "a outra", &json!("m1")));
    ana.hears("caio", "a outra");
}

/// The server's memory of ids has an end; its disk has not.
#[test]
fn a_message_sent_again_after_thousands_of_others_is_the_same_message() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    let requests: Vec<Value> =
        (0..2_500).map(|n| private("bia", &format!("mensagem {n}"), &json!(n))).collect();
    let numbers = ids(&ask_many(&mut ana, &requests));
    for at in [0, 1, 1_000, 2_499] {
        sent_again(&mut ana, &requests[at], &json!(numbers[at]));
    }
    ana.refused(&private("bia", "outra", &json!(0)), "id_conflict");
    drop(ana);
    server.crash();
    let mut ana = server.join("ana");
    // All of them at once, as a client would that had lost everything but its outbox.
    assert_eq!(ids(&ask_many(&mut ana, &requests)), numbers);
    assert_eq!(ids(&history(&mut ana, &with("bia"))), numbers);
}

/// Twice before the first one is stored: one message, two answers.
#[test]
fn a_message_sent_twice_at_once_is_one_message() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    for n in 0..20 {
        let message = private("bia", &format!("em dobro {n}"), &json!(n));
        let other = private("bia", "outra coisa", &json!(n));
        let framing = ana.framing();
        let wire = [framing.frame(&message).repeat(3), framing.frame(&other)].concat();
        ana.send_bytes(&wire);
        let mut numbers = Vec::new();
        let mut conflicts = 0;
        for _ in 0..4 {
            let answer = ana.answer_to(&json!(n));
            if answer["status"] == "success" {
                numbers.push(number(&answer, "msg_id"));
            } else {
                assert_eq!(answer["code"], "id_conflict", "{answer}");
                conflicts += 1;
            }
        }
        numbers.dedup();
        assert_eq!((numbers.len(), conflicts), (1, 1));
        let event = bia.hears("ana", &format!("em dobro {n}"));
        assert_eq!(number(&event, "msg_id"), numbers[0]);
    }
    bia.nothing_more();
}

/// The answer was lost, the message edited from elsewhere, and then sent again: it is still that
/// message, not a conflict and not a second one.
#[test]
fn a_message_that_was_changed_may_be_sent_again() {
    let server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    let message = private("bia", "com eros", &json!("m1"));
    let msg_id = ana.ok(&message)["msg_id"].clone();
    ana.ok(&json!({ "type": "edit_message", "msg_id": msg_id, "content": "com erros" }));
    sent_again(&mut ana, &message, &msg_id);
    ana.ok(&json!({ "type": "delete_message", "msg_id": msg_id }));
    sent_again(&mut ana, &message, &msg_id);
    assert_eq!(history(&mut ana, &with("bia")).len(), 1);
}

#[test]
fn an_answer_to_a_message_keeps_what_it_answers() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    let first = ana.tell("bia", "uma pergunta")["msg_id"].clone();
    ana.ok(&json!({
        "type": "private_message", "recipient": "bia", "content": "uma resposta",
        "reply_to": first, "id": "r1",
    }));
    drop(ana);
    server.crash();
    let mut bia = server.join_with("bia", Framing::Line, &json!({ "features": [] }));
    let missed = bia.backlog();
    assert_eq!((&missed[1]["reply_to"], &missed[1]["id"]), (&first, &json!("r1")));
    let whole = history(&mut bia, &with("ana"));
    assert_eq!((&whole[1]["reply_to"], &whole[1]["id"]), (&first, &json!("r1")));
}
