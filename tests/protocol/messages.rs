//! Section 4: messages, their numbers, their order, and their being sent again.

use serde_json::{Value, json};

use crate::common::python::looks_like_a_time;
use crate::common::{Framing, Peer, Server, number, text};

#[test]
fn a_private_message_tells_who_when_and_what() {
    let server = Server::start();
    for (from, to) in [
        (Framing::Line, Framing::Bare),
        (Framing::Bare, Framing::Length),
        (Framing::Length, Framing::Line),
    ] {
        let mut ana = server.join_as("ana", from);
        let mut bia = server.join_as("bia", to);
        let answer = ana.tell("bia", "oi");
        assert_eq!(answer["type"], "message_response");
        assert_eq!(text(&answer, "message"), "Mensagem enviada com sucesso");
        assert_eq!(answer["delivered"], 1);

        let event = bia.hears("ana", "oi");
        assert_eq!(event["recipient"], "bia");
        assert_eq!(event["msg_id"], answer["msg_id"]);
        assert_eq!(event["ts"], answer["ts"]);
        assert!(number(&event, "ts") > 1_700_000_000_000);
        assert!(looks_like_a_time(&event["timestamp"]), "{event}");
        assert_eq!(event.get("reply_to"), None);
        assert_eq!(event.get("backlog"), None);
        // Neither sees more: not the sender its own message, not the receiver an answer.
        bia.nothing_more();
        ana.nothing_more();
        ana.leave();
        bia.leave();
    }
}

#[test]
fn the_text_is_passed_on_as_it_is() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut others: Vec<Peer> = Framing::ALL
        .iter()
        .map(|framing| server.join_as(&format!("u{framing:?}"), *framing))
        .collect();
    for content in [
        " ",
        "  com espaços  ",
        "linhas\nde\r\ntexto\n",
        "\"aspas\" \\ {chaves} }{ ]",
        "\u{0}\u{1}\u{1b}[31mvermelho\u{7f}",
        "ação é 张伟 👩‍💻 \u{202e}avesso",
        "<script>alert('oi')</script>",
        "e\u{301} não é é",
        "\u{fffd}\u{ffff}\u{10ffff}",
    ] {
        for framing in Framing::ALL {
            ana.tell(&format!("u{framing:?}"), content);
        }
        for other in &mut others {
            other.hears("ana", content);
        }
    }
}

#[test]
fn a_text_has_at_most_64_kib() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    let longest = "é".repeat(32_768);
    ana.tell("bia", &longest);
    bia.hears("ana", &longest);
    // The worst case on the wire: six bytes for each.
    let escaped = "\u{1}".repeat(65_536);
    ana.tell("bia", &escaped);
    bia.hears("ana", &escaped);

    for too_long in ["a".repeat(65_537), format!("{longest}a")] {
        ana.refused(
            &json!({ "type": "private_message", "recipient": "bia", "content": too_long }),
            "too_large",
        );
    }
    bia.nothing_more();
}

#[test]
fn an_unknown_recipient_is_refused_in_the_old_words() {
    let server = Server::start();
    let mut ana = server.join("ana");
    for name in ["bia", "", "não/é nome", "\u{1b}", &"x".repeat(1_000)] {
        let request = json!({ "type": "private_message", "recipient": name, "content": "oi" });
        if name.is_empty() {
            ana.refused(&request, "missing_field");
            continue;
        }
        let refusal = ana.refused(&request, "unknown_user");
        assert_eq!(text(&refusal, "message"), "Usuário destinatário não encontrado");
    }
    let request = json!({ "type": "group_message", "group_name": "G", "content": "oi" });
    let refusal = ana.refused(&request, "unknown_group");
    assert_eq!(text(&refusal, "message"), "Grupo não encontrado");
}

#[test]
fn an_answer_to_a_message_and_its_sender_s_label_are_passed_on() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    let first = number(&ana.tell("bia", "uma pergunta"), "msg_id");
    bia.hears("ana", "uma pergunta");
    let request = json!({
        "type": "private_message", "recipient": "ana", "content": "uma resposta",
        "reply_to": first, "id": "de bia 1",
    });
    bia.ok(&request);
    let event = ana.hears("bia", "uma resposta");
    assert_eq!(event["reply_to"], first);
    assert_eq!(event["id"], "de bia 1");
}

#[test]
fn numbers_grow_over_the_whole_server_and_chain_each_conversation() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    let mut caio = server.join("caio");
    ana.group("create_group", "Todos", &json!({}));
    for peer in [&mut bia, &mut caio] {
        peer.group("join_group", "Todos", &json!({}));
    }

    let mut last = 0;
    let (mut between, mut with_caio, mut in_group) = (0, 0, 0);
    for round in 0..20 {
        let content = format!("rodada {round}");
        // Both directions of a private conversation are one conversation.
        let answer = ana.tell("bia", &content);
        between = chained(&bia.hears("ana", &content), &answer, between, &mut last);
        let answer = bia.tell("ana", &content);
        between = chained(&ana.hears("bia", &content), &answer, between, &mut last);

        let answer = caio.tell("ana", &content);
        with_caio = chained(&ana.hears("caio", &content), &answer, with_caio, &mut last);

        let answer = bia.tell_group("Todos", &content);
        let seen = ana.hears_in("Todos", "bia", &content);
        assert_eq!(seen, caio.hears_in("Todos", "bia", &content));
        in_group = chained(&seen, &answer, in_group, &mut last);
    }
    for peer in [&mut ana, &mut bia, &mut caio] {
        peer.nothing_more();
    }
}

/// Checks one link of the chain and gives the next.
#[track_caller]
fn chained(event: &Value, answer: &Value, before: u64, last: &mut u64) -> u64 {
    let msg_id = number(event, "msg_id");
    assert_eq!(number(answer, "msg_id"), msg_id);
    assert_eq!(number(event, "prev"), before, "{event}");
    assert!(msg_id > *last, "{msg_id} after {last}");
    assert!(msg_id < 1 << 53);
    *last = msg_id;
    msg_id
}

#[test]
fn everyone_in_a_group_sees_one_order() {
    let server = Server::start();
    let mut senders: Vec<Peer> = (0..3).map(|n| server.join(&format!("fala {n}"))).collect();
    let mut readers: Vec<Peer> = Framing::ALL
        .iter()
        .map(|framing| server.join_as(&format!("lê {framing:?}"), *framing))
        .collect();
    senders[0].group("create_group", "Todos", &json!({}));
    for peer in senders.iter_mut().skip(1).chain(&mut readers) {
        peer.group("join_group", "Todos", &json!({}));
    }
    for (at, sender) in senders.iter_mut().enumerate() {
        let burst: Vec<u8> = (0..30)
            .flat_map(|n| {
                let content = format!("{at} diz {n}");
                Framing::Line.frame(&json!({
                    "type": "group_message", "group_name": "Todos", "content": content, "id": n,
                }))
            })
            .collect();
        sender.send_bytes(&burst);
    }
    let mut views = Vec::new();
    for reader in &mut readers {
        let mut before = 0;
        let view: Vec<(u64, String)> = (0..90)
            .map(|_| {
                let event = reader.event("group_message_received");
                assert_eq!(number(&event, "prev"), before, "a gap: {event}");
                before = number(&event, "msg_id");
                (before, text(&event, "content").to_owned())
            })
            .collect();
        views.push(view);
    }
    assert_eq!(views[0], views[1]);
    assert_eq!(views[0], views[2]);
    assert!(views[0].is_sorted());
    for (at, sender) in senders.iter_mut().enumerate() {
        // In the one order, each sender's messages stand in the order in which they were sent.
        let said: Vec<&str> = views[0]
            .iter()
            .map(|(_, content)| content.as_str())
            .filter(|content| content.starts_with(&format!("{at} diz")))
            .collect();
        let expected: Vec<String> = (0..30).map(|n| format!("{at} diz {n}")).collect();
        assert_eq!(said, expected);
        // And the sender was told the same numbers.
        for n in 0..30 {
            let answer = sender.answer_to(&json!(n));
            let msg_id = number(&answer, "msg_id");
            assert!(views[0].contains(&(msg_id, format!("{at} diz {n}"))));
        }
    }
}

#[test]
fn the_same_id_again_is_the_same_message() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    ana.group("create_group", "Par", &json!({}));
    bia.group("join_group", "Par", &json!({}));
    for id in [json!("m1"), json!(1), json!("1")] {
        let request = json!({ "type": "private_message", "recipient": "bia", "content": "uma vez", "id": id });
        let first = ana.ok(&request);
        bia.hears("ana", "uma vez");
        for _ in 0..3 {
            let again = ana.ok(&request);
            assert_eq!(again["msg_id"], first["msg_id"]);
            assert_eq!(again["type"], "message_response");
        }
        bia.nothing_more();
    }
    let request =
        json!({ "type": "group_message", "group_name": "Par", "content": "uma vez", "id": "g1" });
    let first = ana.ok(&request);
    bia.hears_in("Par", "ana", "uma vez");
    let again = ana.ok(&request);
    assert_eq!(again["msg_id"], first["msg_id"]);
    bia.nothing_more();

    // Ids are each sender's own.
    let reply =
        json!({ "type": "private_message", "recipient": "ana", "content": "a outra", "id": "m1" });
    bia.ok(&reply);
    ana.hears("bia", "a outra");
}

#[test]
fn a_message_sent_again_on_another_connection_is_the_same_message() {
    let server = Server::start();
    let mut bia = server.join("bia");
    let request =
        json!({ "type": "private_message", "recipient": "bia", "content": "oi", "id": "m1" });
    let mut ana = server.join("ana");
    let first = ana.ok(&request);
    ana.leave();
    bia.hears("ana", "oi");
    for framing in Framing::ALL {
        let mut ana = server.join_as("ana", framing);
        assert_eq!(ana.ok(&request)["msg_id"], first["msg_id"]);
        ana.leave();
    }
    bia.nothing_more();
}

#[test]
fn a_message_without_an_id_is_always_a_new_one() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    let request = json!({ "type": "private_message", "recipient": "bia", "content": "oi" });
    for _ in 0..3 {
        ana.send(&request);
        ana.event("message_response");
        bia.hears("ana", "oi");
    }
    bia.nothing_more();
}

#[test]
fn the_same_id_for_another_message_is_a_conflict() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    let mut caio = server.join("caio");
    ana.group("create_group", "Todos", &json!({}));
    let first = json!({ "type": "private_message", "recipient": "bia", "content": "oi", "id": 1 });
    ana.ok(&first);
    bia.hears("ana", "oi");
    for other in [
        json!({ "type": "private_message", "recipient": "bia", "content": "olá", "id": 1 }),
        json!({ "type": "private_message", "recipient": "caio", "content": "oi", "id": 1 }),
        json!({ "type": "group_message", "group_name": "Todos", "content": "oi", "id": 1 }),
    ] {
        let refusal = ana.refused(&other, "id_conflict");
        assert_eq!(refusal["type"], "message_response");
    }
    // The id of a message that was refused was not used up.
    let request =
        json!({ "type": "private_message", "recipient": "duda", "content": "oi", "id": 2 });
    ana.refused(&request, "unknown_user");
    let request =
        json!({ "type": "private_message", "recipient": "bia", "content": "de novo", "id": 2 });
    ana.ok(&request);
    bia.hears("ana", "de novo");
    bia.nothing_more();
    caio.nothing_more();
}
