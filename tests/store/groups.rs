//! Section 5, where it meets what stays: who sees what of a group, from when on and until when.

use serde_json::{Value, json};

use crate::common::{Framing, Peer, Server, number, text};
use crate::{assert_chained, contents, group, history, ids, messages, request};

const TIME: &str = "Time";

/// All that somebody can get to see of the group now, by whatever way there is.
#[track_caller]
fn everything_seen(server: &Server, name: &str, word: &str) -> Vec<String> {
    let fields = json!({ "token": word, "since": 0 });
    let mut peer = server.join_with(name, Framing::Line, &fields);
    let mut seen: Vec<Value> = peer.backlog();
    seen.retain(|event| event["type"] == "group_message_received");
    // By other ways less may be seen, but nothing else.
    let answer = peer.ok(&json!({ "type": "search", "query": "assunto", "limit": 200 }));
    let by_search = messages(&answer);
    let answer = peer.ask(&request("history", &[&group(TIME), &json!({ "limit": 200 })]));
    let by_history = answer["messages"].as_array().cloned().unwrap_or_default();
    let answer = peer.ok(&json!({ "type": "list_conversations" }));
    let listed = answer["conversations"].as_array().expect("a list");
    let last = listed.iter().map(|conversation| conversation["last"].clone());
    let mut said: Vec<String> = seen
        .iter()
        .chain(&by_search)
        .chain(&by_history)
        .cloned()
        .chain(last)
        .filter_map(|event| event["content"].as_str().map(str::to_owned))
        .collect();
    said.sort_unstable();
    said.dedup();
    said
}

/// ana's private group, and bia with a token, who is no member yet.
fn beginning(server: &Server) -> (Peer, Peer, String) {
    let mut ana = server.join("ana");
    let (bia, word) = server.claim("bia");
    ana.group("create_group", TIME, &json!({ "private": true }));
    (ana, bia, word)
}

#[track_caller]
fn say(ana: &mut Peer, what: &str, count: usize) -> Vec<u64> {
    let told = (0..count).map(|n| ana.tell_group(TIME, &format!("assunto {what} {n}")));
    told.map(|answer| number(&answer, "msg_id")).collect()
}

fn expected(what: &[&str], count: usize) -> Vec<String> {
    let mut said: Vec<String> = what
        .iter()
        .flat_map(|what| (0..count).map(move |n| format!("assunto {what} {n}")))
        .collect();
    said.sort_unstable();
    said
}

#[test]
fn who_comes_later_sees_what_is_said_from_then_on() {
    let mut server = Server::start();
    let (mut ana, mut bia, word) = beginning(&server);
    say(&mut ana, "antes", 3);
    ana.group("add_member", TIME, &json!({ "new_member": "bia" }));
    let during = say(&mut ana, "durante", 3);
    bia.event("added_to_group");
    for n in 0..3 {
        bia.hears_in(TIME, "ana", &format!("assunto durante {n}"));
    }
    let seen = history(&mut bia, &group(TIME));
    assert_eq!(ids(&seen), during);
    assert_chained(&seen);
    assert_eq!(history(&mut ana, &group(TIME)).len(), 6);
    assert_eq!(everything_seen(&server, "bia", &word), expected(&["durante"], 3));
    drop((ana, bia));
    server.crash();
    assert_eq!(everything_seen(&server, "bia", &word), expected(&["durante"], 3));
}

#[test]
fn an_open_group_keeps_its_past_to_itself_too() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    ana.group("create_group", TIME, &json!({}));
    say(&mut ana, "antes", 2);
    bia.group("join_group", TIME, &json!({}));
    assert_eq!(history(&mut bia, &group(TIME)), Vec::<Value>::new());
    // Who comes in by sending sees its own first message, and what follows.
    let mut caio = server.join("caio");
    let first = number(&caio.tell_group(TIME, "cheguei"), "msg_id");
    let second = say(&mut ana, "depois", 1);
    assert_eq!(ids(&history(&mut caio, &group(TIME))), [&[first], &second[..]].concat());
}

#[test]
fn who_is_removed_sees_nothing_that_is_said_later() {
    let mut server = Server::start();
    let (mut ana, mut bia, word) = beginning(&server);
    ana.group("add_member", TIME, &json!({ "new_member": "bia" }));
    bia.event("added_to_group");
    say(&mut ana, "durante", 2);
    for n in 0..2 {
        bia.hears_in(TIME, "ana", &format!("assunto durante {n}"));
    }
    ana.group("remove_member", TIME, &json!({ "member": "bia" }));
    say(&mut ana, "depois", 2);
    bia.nothing_more();
    bia.group_refused("group_message", TIME, &json!({ "content": "e eu?" }), "not_member");
    drop((ana, bia));
    for _ in 0..2 {
        // What was said in bia's time may still be shown, or not.
        let seen = everything_seen(&server, "bia", &word);
        let allowed = expected(&["durante"], 2);
        assert!(seen.iter().all(|content| allowed.contains(content)), "{seen:?}");
        server.crash();
    }
}

#[test]
fn who_is_removed_while_away_hears_of_nothing_later() {
    let server = Server::start();
    let (mut ana, mut bia, word) = beginning(&server);
    ana.group("add_member", TIME, &json!({ "new_member": "bia" }));
    bia.event("added_to_group");
    drop(bia);
    ana.waits_until_gone("bia");
    say(&mut ana, "durante", 2);
    ana.group("remove_member", TIME, &json!({ "member": "bia" }));
    say(&mut ana, "depois", 2);
    let mut bia = server.join_with("bia", Framing::Line, &json!({ "token": word, "features": [] }));
    for event in bia.backlog() {
        if event["type"] == "group_message_received" {
            assert!(text(&event, "content").starts_with("assunto durante"), "{event}");
        }
    }
    bia.nothing_more();
}

#[test]
fn who_comes_back_does_not_see_what_was_said_in_between() {
    let mut server = Server::start();
    let (mut ana, mut bia, word) = beginning(&server);
    let add = json!({ "new_member": "bia" });
    ana.group("add_member", TIME, &add);
    say(&mut ana, "primeiro", 2);
    ana.group("remove_member", TIME, &json!({ "member": "bia" }));
    say(&mut ana, "sem bia", 2);
    ana.group("add_member", TIME, &add);
    let second = say(&mut ana, "segundo", 2);
    let mut seen = history(&mut bia, &group(TIME));
    assert_eq!(ids(&seen.split_off(seen.len() - 2)), second);
    assert!(contents(&seen).iter().all(|content| content.contains("primeiro")), "{seen:?}");
    drop((ana, bia));
    for _ in 0..2 {
        let seen = everything_seen(&server, "bia", &word);
        let (must, may) = (expected(&["segundo"], 2), expected(&["primeiro", "segundo"], 2));
        assert!(must.iter().all(|content| seen.contains(content)), "{seen:?}");
        assert!(seen.iter().all(|content| may.contains(content)), "{seen:?}");
        server.crash();
    }
}

#[test]
fn who_is_added_while_away_finds_it_out() {
    let mut server = Server::start();
    let (mut ana, bia, word) = beginning(&server);
    drop(bia);
    ana.waits_until_gone("bia");
    say(&mut ana, "antes", 2);
    ana.group("add_member", TIME, &json!({ "new_member": "bia" }));
    let later = say(&mut ana, "durante", 2);
    drop(ana);
    server.restart();
    let mut bia = server.join_with("bia", Framing::Line, &json!({ "token": word, "features": [] }));
    let mut missed = bia.backlog();
    let added = missed.remove(0);
    assert_eq!(added["type"], "added_to_group", "{added}");
    assert_eq!((&added["group_name"], &added["added_by"]), (&json!(TIME), &json!("ana")));
    assert_eq!(ids(&missed), later);
    bia.nothing_more();
}

#[test]
fn a_new_group_of_an_old_name_has_none_of_its_past() {
    let mut server = Server::start();
    let (mut ana, mut bia, word) = beginning(&server);
    ana.group("add_member", TIME, &json!({ "new_member": "bia" }));
    say(&mut ana, "velho", 2);
    ana.group("delete_group", TIME, &json!({}));
    bia.group("create_group", TIME, &json!({}));
    bia.tell_group(TIME, "assunto novo 0");
    drop((ana, bia));
    for _ in 0..2 {
        let mut bia = server.join_with("bia", Framing::Line, &json!({ "token": word }));
        assert_eq!(contents(&history(&mut bia, &group(TIME))), ["assunto novo 0"]);
        bia.waits_until_gone("ana");
        let mut ana = server.join("ana");
        ana.refused(&request("history", &[&group(TIME)]), "not_member");
        server.crash();
    }
}

#[test]
fn a_group_that_has_a_new_name_keeps_its_past() {
    let mut server = Server::start();
    let (mut ana, bia, _) = beginning(&server);
    drop(bia);
    let before = say(&mut ana, "antes", 2);
    ana.group("rename_group", TIME, &json!({ "new_name": "Equipe" }));
    let after = number(&ana.tell_group("Equipe", "depois"), "msg_id");
    for _ in 0..2 {
        let whole = history(&mut ana, &group("equipe"));
        assert_eq!(ids(&whole), [&before[..], &[after]].concat());
        assert_chained(&whole);
        assert!(whole.iter().all(|message| message["group_name"] == "Equipe"), "{whole:?}");
        ana.refused(&request("history", &[&group(TIME)]), "unknown_group");
        drop(ana);
        server.crash();
        ana = server.join("ana");
    }
}
