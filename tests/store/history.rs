//! Section 4: `history`, page by page, and `list_conversations`.

use serde_json::{Value, json};

use crate::common::{Framing, Peer, Server, number, text};
use crate::{
    ask_many, assert_chained, contents, group, history, ids, messages, page, private, request, with,
};

/// ana writes to bia, and bia to ana, in turns: their numbers.
#[track_caller]
fn talk(ana: &mut Peer, bia: &mut Peer, count: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    for n in 0..count {
        let content = format!("mensagem {n}");
        let answer = if n % 3 == 2 { bia.tell("ana", &content) } else { ana.tell("bia", &content) };
        numbers.push(number(&answer, "msg_id"));
    }
    numbers
}

#[test]
fn both_ends_read_the_same_as_they_were_told() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    let request = json!({
        "type": "private_message", "recipient": "bia", "content": "ação \u{1}\n😀 \"}", "id": 7,
    });
    let first = ana.ok(&request);
    let heard = bia.event("private_message_received");
    let answer = bia.ok(&json!({
        "type": "private_message", "recipient": "ana", "content": "resposta",
        "reply_to": first["msg_id"],
    }));
    let answer_heard = ana.event("private_message_received");

    let of_ana = page(&mut ana, &with("bia"), &json!({}));
    assert_eq!((&of_ana["with"], &of_ana["more"]), (&json!("bia"), &json!(false)));
    assert_eq!(of_ana.get("group_name"), None);
    let of_bia = page(&mut bia, &with("ANA"), &json!({}));
    assert_eq!(of_bia["with"], "ana");
    assert_eq!(of_ana["messages"], of_bia["messages"]);
    // Just as the events were, in the order in which they came.
    assert_eq!(messages(&of_ana), [heard, answer_heard]);
    assert_eq!(ids(&messages(&of_ana)), [number(&first, "msg_id"), number(&answer, "msg_id")]);
    ana.nothing_more();
    bia.nothing_more();
}

#[test]
fn the_newest_page_comes_first_and_older_ones_before_it() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    let numbers = talk(&mut ana, &mut bia, 120);

    let newest = page(&mut bia, &with("ana"), &json!({}));
    assert_eq!(ids(&messages(&newest)), numbers[70..]);
    assert_eq!(newest["more"], true);
    let older = page(&mut bia, &with("ana"), &json!({ "before": numbers[70] }));
    assert_eq!(ids(&messages(&older)), numbers[20..70]);
    assert_eq!(older["more"], true);
    let oldest = page(&mut bia, &with("ana"), &json!({ "before": numbers[20] }));
    assert_eq!(ids(&messages(&oldest)), numbers[..20]);
    assert_eq!(oldest["more"], false);
    let none = page(&mut bia, &with("ana"), &json!({ "before": numbers[0] }));
    assert_eq!((ids(&messages(&none)), &none["more"]), (vec![], &json!(false)));
    // An exact end is an end.
    let exact = page(&mut bia, &with("ana"), &json!({ "before": numbers[50] }));
    assert_eq!((ids(&messages(&exact)), &exact["more"]), (numbers[..50].to_vec(), &json!(false)));
    // A place between two messages is a place.
    let between = page(&mut bia, &with("ana"), &json!({ "before": numbers[70] - 1, "limit": 1 }));
    let expected = if numbers[69] < numbers[70] - 1 { numbers[69] } else { numbers[68] };
    assert_eq!(ids(&messages(&between)), [expected]);
}

#[test]
fn who_knows_of_a_gap_reads_on_from_there() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    let numbers = talk(&mut ana, &mut bia, 120);

    let mut read = Vec::new();
    let mut after = 0;
    loop {
        let next = page(&mut ana, &with("bia"), &json!({ "after": after, "limit": 25 }));
        let found = messages(&next);
        assert!(found.len() <= 25);
        after = number(found.last().expect("something new"), "msg_id");
        read.extend(found);
        if next["more"] == false {
            break;
        }
    }
    assert_eq!(ids(&read), numbers);
    assert_chained(&read);
    assert_eq!(read[0]["prev"], 0);
    let nothing = page(&mut ana, &with("bia"), &json!({ "after": after }));
    assert_eq!((ids(&messages(&nothing)), &nothing["more"]), (vec![], &json!(false)));
    assert_eq!(history(&mut ana, &with("bia")), read);
}

#[test]
fn a_page_has_as_many_as_were_asked_for_and_at_most_200() {
    let server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    let requests: Vec<Value> =
        (0..250).map(|n| private("bia", &n.to_string(), &json!(n))).collect();
    let numbers = ids(&ask_many(&mut ana, &requests));
    for (limit, expected) in [(1, 1), (7, 7), (200, 200), (201, 200), (1_000_000, 200)] {
        let newest = page(&mut ana, &with("bia"), &json!({ "limit": limit }));
        assert_eq!(ids(&messages(&newest)), numbers[250 - expected..]);
        let oldest = page(&mut ana, &with("bia"), &json!({ "limit": limit, "after": 0 }));
        assert_eq!(ids(&messages(&oldest)), numbers[..expected]);
    }
    let both = json!({ "before": numbers[9], "after": numbers[3] });
    ana.refused(&request("history", &[&with("bia"), &both]), "invalid_field");
}

#[test]
fn what_is_not_there_is_said_so() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    ana.group("create_group", "Fechado", &json!({ "private": true }));
    ana.group("create_group", "Aberto", &json!({}));
    // Nobody has said anything yet.
    for place in [with("bia"), group("Aberto")] {
        let answer = page(&mut ana, &place, &json!({}));
        assert_eq!((&answer["messages"], &answer["more"]), (&json!([]), &json!(false)));
    }
    ana.refused(&request("history", &[&with("ninguém")]), "unknown_user");
    ana.refused(&request("history", &[&group("nenhum")]), "unknown_group");
    ana.refused(&json!({ "type": "history" }), "missing_field");
    ana.refused(&request("history", &[&with("bia"), &group("Aberto")]), "invalid_field");
    ana.tell_group("Fechado", "entre nós");
    for place in [group("Fechado"), group("Aberto")] {
        let refusal = bia.refused(&request("history", &[&place]), "not_member");
        assert_eq!(refusal["type"], "history_response");
    }
}

#[test]
fn a_conversation_is_between_two() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    let mut caio = server.join("caio");
    ana.tell("bia", "ana a bia");
    bia.tell("caio", "bia a caio");
    caio.tell("ana", "caio a ana");
    ana.tell("ana", "a mim mesma");
    for (peer, other, expected) in [
        (&mut ana, "bia", "ana a bia"),
        (&mut bia, "caio", "bia a caio"),
        (&mut caio, "ana", "caio a ana"),
    ] {
        let whole = history(peer, &with(other));
        assert_eq!(contents(&whole), [expected]);
    }
    assert_eq!(contents(&history(&mut ana, &with("ana"))), ["a mim mesma"]);
}

#[test]
fn history_reads_alike_in_all_framings_and_after_a_crash() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    ana.group("create_group", "Time", &json!({}));
    bia.group("join_group", "Time", &json!({}));
    for n in 0..60 {
        ana.tell_group("Time", &format!("de ana {n}"));
        bia.tell_group("Time", &format!("de bia {n}"));
    }
    let before = history(&mut ana, &group("Time"));
    assert_eq!(before.len(), 120);
    assert_chained(&before);
    drop((ana, bia));
    server.crash();
    for framing in Framing::ALL {
        let mut bia = server.join_as("bia", framing);
        assert_eq!(history(&mut bia, &group("Time")), before);
        bia.leave();
    }
}

/// The longest message 200 times in one page would be more than a frame holds.
#[test]
fn a_page_of_the_longest_messages_is_a_frame_like_any_other() {
    let server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    // Six bytes on the wire for each of these.
    let longest = "\u{1}".repeat(65_536);
    let mut numbers = Vec::new();
    for n in 0..60 {
        numbers.push(number(&ana.ok(&private("bia", &longest, &json!(n))), "msg_id"));
    }
    let whole = history(&mut ana, &with("bia"));
    assert_eq!(ids(&whole), numbers);
    assert!(whole.iter().all(|message| text(message, "content") == longest));
    ana.nothing_more();
}

/// What `list_conversations` says, newest first.
#[track_caller]
fn conversations(peer: &mut Peer) -> Vec<Value> {
    let answer = peer.ok(&json!({ "type": "list_conversations" }));
    assert_eq!(answer["type"], "conversations");
    answer["conversations"].as_array().expect("a list").clone()
}

/// Only those in which something was said.
#[track_caller]
fn spoken(peer: &mut Peer) -> Vec<Value> {
    let mut all = conversations(peer);
    all.retain(|conversation| conversation["last"].is_object());
    all
}

#[track_caller]
fn place_of(conversation: &Value) -> &str {
    let place = conversation.get("with").or(conversation.get("group_name"));
    place.and_then(Value::as_str).unwrap_or_else(|| panic!("a place in {conversation}"))
}

#[track_caller]
fn find<'a>(conversations: &'a [Value], place: &str) -> &'a Value {
    let found = conversations.iter().find(|conversation| place_of(conversation) == place);
    found.unwrap_or_else(|| panic!("{place} in {conversations:?}"))
}

#[test]
fn conversations_are_listed_newest_first_with_what_was_said_last() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    let mut caio = server.join("caio");
    assert_eq!(conversations(&mut ana), Vec::<Value>::new());
    ana.group("create_group", "Time", &json!({}));
    bia.group("join_group", "Time", &json!({}));
    ana.tell("caio", "um");
    bia.tell_group("Time", "dois");
    let last = bia.tell("ana", "três");
    caio.tell("bia", "entre outros");
    let listed = spoken(&mut ana);
    let places: Vec<&str> = listed.iter().map(place_of).collect();
    assert_eq!(places, ["bia", "Time", "caio"]);
    let newest = &listed[0]["last"];
    assert_eq!(newest["type"], "private_message_received");
    assert_eq!((text(newest, "content"), text(newest, "sender")), ("três", "bia"));
    assert_eq!(newest["msg_id"], last["msg_id"]);
    assert_eq!(listed[1]["last"]["type"], "group_message_received");
    // An old one that goes on is the newest.
    ana.tell("caio", "quatro");
    let listed = spoken(&mut ana);
    let places: Vec<&str> = listed.iter().map(place_of).collect();
    assert_eq!(places, ["caio", "bia", "Time"]);
    drop((ana, bia, caio));
    server.crash();
    assert_eq!(spoken(&mut server.join("ana")), listed);
}

#[test]
fn unread_is_what_others_said_and_one_has_not_read() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    ana.group("create_group", "Time", &json!({}));
    bia.group("join_group", "Time", &json!({}));
    let numbers: Vec<u64> =
        (0..5).map(|n| number(&ana.tell("bia", &n.to_string()), "msg_id")).collect();
    for n in 0..3 {
        ana.tell_group("Time", &n.to_string());
    }
    // Nobody has to read what it wrote itself.
    bia.tell("ana", "já leio");
    let mine = spoken(&mut ana);
    assert_eq!(number(find(&mine, "bia"), "unread"), 1);
    assert_eq!(number(find(&mine, "Time"), "unread"), 0);
    let listed = spoken(&mut bia);
    assert_eq!(number(find(&listed, "ana"), "unread"), 5);
    assert_eq!(number(find(&listed, "ana"), "read"), 0);
    assert_eq!(number(find(&listed, "Time"), "unread"), 3);

    bia.send(&json!({ "type": "read", "with": "ana", "msg_id": numbers[2] }));
    let listed = spoken(&mut bia);
    assert_eq!(number(find(&listed, "ana"), "unread"), 2);
    assert_eq!(number(find(&listed, "ana"), "read"), numbers[2]);
    assert_eq!(number(find(&listed, "Time"), "unread"), 3);
    // Backwards does not go.
    bia.send(&json!({ "type": "read", "with": "ana", "msg_id": numbers[0] }));
    assert_eq!(number(find(&spoken(&mut bia), "ana"), "unread"), 2);

    // What is stored later is behind it, so the reading has been stored as well.
    bia.group("create_group", "Marco", &json!({}));
    bia.tell_group("Marco", "marco");
    drop((ana, bia));
    server.restart();
    let mut bia = server.join("bia");
    let listed = spoken(&mut bia);
    assert_eq!(number(find(&listed, "ana"), "unread"), 2);
    assert_eq!(number(find(&listed, "ana"), "read"), numbers[2]);
    bia.send(&json!({ "type": "read", "with": "ana", "msg_id": numbers[4] }));
    let last = number(&find(&listed, "Time")["last"], "msg_id");
    bia.send(&json!({ "type": "read", "group_name": "Time", "msg_id": last }));
    let listed = spoken(&mut bia);
    assert_eq!(number(find(&listed, "ana"), "unread"), 0);
    assert_eq!(number(find(&listed, "Time"), "unread"), 0);
}
