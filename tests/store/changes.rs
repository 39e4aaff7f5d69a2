//! Section 4: messages that are edited, deleted and reacted to; who is told, and who may not.

use serde_json::{Value, json};

use crate::common::{Framing, Peer, Server, number, text};
use crate::{
    assert_chained, contents, group, history, ids, nothing_but_a_message, refused_somehow, with,
};

/// Knows of changes, and of nothing else.
const MODERN: &[&str] = &[];

fn edit(msg_id: u64, content: &str) -> Value {
    json!({ "type": "edit_message", "msg_id": msg_id, "content": content })
}

fn delete(msg_id: u64) -> Value {
    json!({ "type": "delete_message", "msg_id": msg_id })
}

fn react(msg_id: u64, emoji: &str) -> Value {
    json!({ "type": "react", "msg_id": msg_id, "emoji": emoji })
}

/// Does it, which must succeed.
#[track_caller]
fn change(peer: &mut Peer, request: &Value) {
    let answer = peer.ok(request);
    assert_eq!(answer["type"], "message_response", "{answer}");
}

/// Two modern people who have exchanged one message, and its number.
struct Pair {
    server: Server,
    ana: Peer,
    bia: Peer,
    msg_id: u64,
}

impl Pair {
    #[track_caller]
    fn new() -> Self {
        let server = Server::start();
        let mut ana = server.join_knowing("ana", MODERN);
        let mut bia = server.join_knowing("bia", MODERN);
        let msg_id = number(&ana.tell("bia", "bom dia"), "msg_id");
        bia.hears("ana", "bom dia");
        Self { server, ana, bia, msg_id }
    }
}

#[test]
fn an_edit_is_told_to_the_other_and_stands_in_the_history() {
    let Pair { server: _server, mut ana, mut bia, msg_id } = Pair::new();
    change(&mut ana, &edit(msg_id, "boa tarde"));
    let told = bia.told(&json!({
        "type": "message_changed", "msg_id": msg_id, "with": "ana", "edited": true,
        "content": "boa tarde",
    }));
    assert_eq!(told.get("group_name"), None);
    assert_eq!(told.get("deleted"), None);
    // Who did it has its answer.
    ana.nothing_more();
    for (peer, other) in [(&mut ana, "bia"), (&mut bia, "ana")] {
        let whole = history(peer, &with(other));
        assert_eq!(ids(&whole), [msg_id]);
        assert_eq!((text(&whole[0], "content"), &whole[0]["edited"]), ("boa tarde", &json!(true)));
    }
    // It can be edited again, and is still the same message.
    change(&mut ana, &edit(msg_id, "boa noite"));
    assert_eq!(bia.event("message_changed")["content"], "boa noite");
    assert_eq!(contents(&history(&mut bia, &with("ana"))), ["boa noite"]);
    bia.nothing_more();
}

#[test]
fn a_deleted_message_leaves_its_place_and_nothing_else() {
    let Pair { server: _server, mut ana, mut bia, msg_id } = Pair::new();
    let second = number(&bia.tell("ana", "olá"), "msg_id");
    ana.hears("bia", "olá");
    change(&mut ana, &delete(msg_id));
    let told = bia.told(&json!({
        "type": "message_changed", "msg_id": msg_id, "with": "ana", "deleted": true,
    }));
    assert_ne!(told["edited"], true, "{told}");
    for (peer, other) in [(&mut ana, "bia"), (&mut bia, "ana")] {
        let whole = history(peer, &with(other));
        assert_eq!(ids(&whole), [msg_id, second]);
        assert_eq!((text(&whole[0], "content"), &whole[0]["deleted"]), ("", &json!(true)));
        assert_eq!(whole[1].get("deleted"), None);
        assert_chained(&whole);
    }
    // What is gone says nothing again.
    refused_somehow(&mut ana, &edit(msg_id, "de volta"));
    bia.nothing_more();
    assert_eq!(contents(&history(&mut bia, &with("ana"))), ["", "olá"]);
}

#[test]
fn reactions_are_one_of_each_person_and_are_taken_back() {
    let Pair { server: _server, mut ana, mut bia, msg_id } = Pair::new();
    let reactions = |told: &Value| told["reactions"].clone();
    change(&mut bia, &react(msg_id, "👍"));
    let told = ana.told(&json!({ "type": "message_changed", "msg_id": msg_id, "with": "bia" }));
    assert_eq!(reactions(&told), json!([{ "emoji": "👍", "users": ["bia"] }]));
    assert_eq!(told.get("content"), None);
    // One may like one's own message.
    change(&mut ana, &react(msg_id, "👍"));
    let told = bia.told(&json!({ "type": "message_changed", "msg_id": msg_id, "with": "ana" }));
    assert_eq!(reactions(&told), json!([{ "emoji": "👍", "users": ["bia", "ana"] }]));
    // Another one takes the place of the first.
    change(&mut bia, &react(msg_id, "👩‍💻"));
    let told = ana.event("message_changed");
    let mut both = reactions(&told).as_array().expect("a list").clone();
    both.sort_by_key(|reaction| text(reaction, "emoji").to_owned());
    assert_eq!(
        both,
        [json!({ "emoji": "👍", "users": ["ana"] }), json!({ "emoji": "👩‍💻", "users": ["bia"] })]
    );
    assert_eq!(reactions(&history(&mut ana, &with("bia"))[0]), reactions(&told));
    change(&mut ana, &react(msg_id, ""));
    let told = bia.event("message_changed");
    assert_eq!(reactions(&told), json!([{ "emoji": "👩‍💻", "users": ["bia"] }]));
    change(&mut bia, &react(msg_id, ""));
    assert_eq!(reactions(&ana.event("message_changed")), json!([]));
    // A message without reactions says so, or nothing.
    let whole = history(&mut ana, &with("bia"));
    assert!(whole[0].get("reactions").is_none_or(|list| *list == json!([])), "{whole:?}");
    assert_eq!(text(&whole[0], "content"), "bom dia");
    ana.nothing_more();
    bia.nothing_more();
}

#[test]
fn in_a_group_all_others_are_told() {
    let server = Server::start();
    let mut ana = server.join_knowing("ana", MODERN);
    let mut bia = server.join_knowing("bia", MODERN);
    let mut caio = server.join_knowing("caio", MODERN);
    let mut outside = server.join_knowing("duda", MODERN);
    ana.group("create_group", "Time", &json!({}));
    bia.group("join_group", "Time", &json!({}));
    caio.group("join_group", "Time", &json!({}));
    let msg_id = number(&ana.tell_group("Time", "oi"), "msg_id");
    bia.hears_in("Time", "ana", "oi");
    caio.hears_in("Time", "ana", "oi");

    change(&mut ana, &edit(msg_id, "olá"));
    change(&mut bia, &react(msg_id, "👋"));
    for peer in [&mut bia, &mut caio] {
        let told = peer.told(&json!({
            "type": "message_changed", "msg_id": msg_id, "group_name": "Time", "edited": true,
            "content": "olá",
        }));
        assert_eq!(told.get("with"), None);
    }
    let reaction = json!([{ "emoji": "👋", "users": ["bia"] }]);
    for peer in [&mut ana, &mut caio] {
        peer.told(&json!({
            "type": "message_changed", "msg_id": msg_id, "group_name": "Time",
            "reactions": reaction,
        }));
    }
    change(&mut ana, &delete(msg_id));
    for peer in [&mut bia, &mut caio] {
        peer.told(&json!({ "type": "message_changed", "msg_id": msg_id, "deleted": true }));
    }
    for peer in [&mut ana, &mut bia, &mut caio, &mut outside] {
        peer.nothing_more();
    }
}

#[test]
fn other_sessions_of_who_did_it_are_told_and_old_clients_are_not() {
    let server = Server::start();
    let (mut old_session, word) = server.claim("ana");
    let fields = json!({ "token": word, "features": MODERN });
    let mut first = server.join_with("ana", Framing::Line, &fields);
    first.event("synced");
    let mut second = server.join_with("ana", Framing::Length, &fields);
    second.event("synced");
    let mut old: Vec<Peer> = Framing::ALL
        .iter()
        .map(|framing| server.join_as(&format!("u{framing:?}"), *framing))
        .collect();
    for peer in &mut old {
        let name = format!("u{:?}", peer.framing());
        let msg_id = number(&first.tell(&name, "oi"), "msg_id");
        peer.hears("ana", "oi");
        second.hears("ana", "oi");
        old_session.hears("ana", "oi");
        change(&mut first, &edit(msg_id, "olá"));
        second.told(&json!({
            "type": "message_changed", "msg_id": msg_id, "with": name, "content": "olá",
        }));
        change(&mut second, &delete(msg_id));
        first.told(&json!({ "type": "message_changed", "msg_id": msg_id, "deleted": true }));
        peer.nothing_more();
        old_session.nothing_more();
        // They may read what it says now.
        assert_eq!(contents(&history(peer, &with("ana"))), [""]);
    }
    first.nothing_more();
    second.nothing_more();
}

#[test]
fn only_its_author_edits_a_message() {
    let Pair { server, mut ana, mut bia, msg_id } = Pair::new();
    let mut caio = server.join_knowing("caio", MODERN);
    refused_somehow(&mut bia, &edit(msg_id, "de bia"));
    refused_somehow(&mut bia, &delete(msg_id));
    // Who cannot see it learns nothing of it.
    for request in [edit(msg_id, "de caio"), delete(msg_id), react(msg_id, "👍")] {
        let refusal = caio.refused(&request, "unknown_message");
        assert_eq!(refusal["type"], "message_response");
    }
    for request in [edit(msg_id + 1, "x"), delete(0), react(9_007_199_254_740_991, "👍")] {
        ana.refused(&request, "unknown_message");
    }
    nothing_but_a_message(&mut bia, "bia", &mut ana, "ana");
    bia.nothing_more();
    let whole = history(&mut ana, &with("bia"));
    assert_eq!(text(&whole[0], "content"), "bom dia");
}

#[test]
fn an_admin_deletes_what_others_said_in_its_group_and_edits_nothing() {
    let server = Server::start();
    let mut ana = server.join_knowing("ana", MODERN);
    let mut bia = server.join_knowing("bia", MODERN);
    let mut caio = server.join_knowing("caio", MODERN);
    ana.group("create_group", "Time", &json!({}));
    bia.group("join_group", "Time", &json!({}));
    caio.group("join_group", "Time", &json!({}));
    let msg_id = number(&bia.tell_group("Time", "fora do assunto"), "msg_id");
    ana.hears_in("Time", "bia", "fora do assunto");
    caio.hears_in("Time", "bia", "fora do assunto");
    refused_somehow(&mut caio, &delete(msg_id));
    refused_somehow(&mut ana, &edit(msg_id, "palavras de outra"));
    change(&mut ana, &delete(msg_id));
    for peer in [&mut bia, &mut caio] {
        peer.told(&json!({
            "type": "message_changed", "msg_id": msg_id, "group_name": "Time", "deleted": true,
        }));
    }
    ana.nothing_more();
    // In private nobody is admin.
    let msg_id = number(&bia.tell("ana", "em particular"), "msg_id");
    ana.hears("bia", "em particular");
    refused_somehow(&mut ana, &delete(msg_id));
    bia.nothing_more();
}

#[test]
fn who_has_left_changes_nothing_any_more() {
    let server = Server::start();
    let mut ana = server.join_knowing("ana", MODERN);
    let mut bia = server.join_knowing("bia", MODERN);
    ana.group("create_group", "Time", &json!({ "private": true }));
    ana.group("add_member", "Time", &json!({ "new_member": "bia" }));
    bia.event("added_to_group");
    let of_ana = number(&ana.tell_group("Time", "de ana"), "msg_id");
    bia.hears_in("Time", "ana", "de ana");
    let of_bia = number(&bia.tell_group("Time", "de bia"), "msg_id");
    ana.hears_in("Time", "bia", "de bia");
    ana.group("remove_member", "Time", &json!({ "member": "bia" }));
    for request in [react(of_ana, "👎"), react(of_bia, "👎"), edit(of_bia, "x"), delete(of_bia)]
    {
        refused_somehow(&mut bia, &request);
    }
    // Nor is bia told of what becomes of it.
    change(&mut ana, &edit(of_ana, "de ana, depois"));
    bia.nothing_more();
    ana.nothing_more();
    assert_eq!(contents(&history(&mut ana, &group("Time"))), ["de ana, depois", "de bia"]);
}

#[test]
fn a_change_must_say_something() {
    let Pair { server: _server, mut ana, mut bia, msg_id } = Pair::new();
    ana.refused(&json!({ "type": "edit_message", "msg_id": msg_id }), "missing_field");
    ana.refused(&edit(msg_id, ""), "missing_field");
    ana.refused(&edit(msg_id, &"x".repeat(65_537)), "too_large");
    for kind in ["edit_message", "delete_message", "react"] {
        let request = json!({ "type": kind, "content": "x", "emoji": "👍" });
        ana.refused(&request, "missing_field");
    }
    ana.refused(&react(msg_id, &"👍".repeat(100)), "invalid_field");
    ana.refused(&json!({ "type": "react", "msg_id": msg_id }), "missing_field");
    bia.nothing_more();
}

#[test]
fn changes_survive_a_crash() {
    let Pair { mut server, mut ana, mut bia, msg_id } = Pair::new();
    let deleted = number(&ana.tell("bia", "esqueça"), "msg_id");
    bia.hears("ana", "esqueça");
    change(&mut ana, &edit(msg_id, "boa tarde"));
    change(&mut ana, &delete(deleted));
    change(&mut bia, &react(msg_id, "👍"));
    let before = history(&mut ana, &with("bia"));
    drop((ana, bia));
    server.crash();
    let after = history(&mut server.join("ana"), &with("bia"));
    assert_eq!(after, before);
    assert_eq!(contents(&after), ["boa tarde", ""]);
    assert_eq!(after[0]["reactions"], json!([{ "emoji": "👍", "users": ["bia"] }]));
}
