//! Section 4: `search`.

use serde_json::{Value, json};

use crate::common::{Peer, Server, number, text};
use crate::{ask_many, contents, group, messages, private, request, with};

/// What is found, newest first.
#[track_caller]
fn found(peer: &mut Peer, query: &str, fields: &Value) -> Vec<Value> {
    let answer = peer.ok(&request("search", &[&json!({ "query": query }), fields]));
    assert_eq!(answer["type"], "search_response");
    let messages = messages(&answer);
    let numbers = crate::ids(&messages);
    assert!(numbers.is_sorted_by(|newer, older| newer > older), "{numbers:?}");
    messages
}

#[track_caller]
fn finds(peer: &mut Peer, query: &str, fields: &Value, expected: &[&str]) {
    assert_eq!(contents(&found(peer, query, fields)), expected, "{query:?}");
}

#[test]
fn words_are_found_without_regard_to_accents_and_case() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    ana.tell("bia", "a reunião é amanhã");
    bia.tell("ana", "que REUNIAO?");
    ana.tell("bia", "falamos depois");
    // An accent as a mark of its own, as some keyboards write it.
    ana.tell("bia", "outra reunia\u{303}o");
    let all = ["outra reunia\u{303}o", "que REUNIAO?", "a reunião é amanhã"];
    for query in ["reuniao", "reunião", "REUNIÃO", "Reunia\u{303}o"] {
        finds(&mut ana, query, &json!({}), &all);
        finds(&mut bia, query, &json!({}), &all);
    }
    finds(&mut ana, "amanha reuniao", &json!({}), &["a reunião é amanhã"]);
    finds(&mut ana, "reunião nunca", &json!({}), &[]);
    finds(&mut ana, "nada disso", &json!({}), &[]);
}

#[test]
fn what_is_found_is_told_like_an_event() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    ana.group("create_group", "Time", &json!({}));
    bia.group("join_group", "Time", &json!({}));
    ana.tell("bia", "palavra em particular");
    let private = bia.hears("ana", "palavra em particular");
    ana.tell_group("Time", "palavra no grupo");
    let in_group = bia.hears_in("Time", "ana", "palavra no grupo");
    assert_eq!(found(&mut bia, "palavra", &json!({})), [in_group.clone(), private.clone()]);
    assert_eq!(found(&mut bia, "palavra", &with("ana")), [private]);
    assert_eq!(found(&mut bia, "palavra", &group("Time")), [in_group]);
    bia.nothing_more();
}

#[test]
fn nobody_finds_what_others_said_among_themselves() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    let mut caio = server.join("caio");
    ana.group("create_group", "Fechado", &json!({ "private": true }));
    ana.group("create_group", "Aberto", &json!({}));
    ana.tell("bia", "segredo em particular");
    ana.tell_group("Fechado", "segredo no grupo fechado");
    ana.tell_group("Aberto", "segredo no grupo aberto");
    finds(&mut caio, "segredo", &json!({}), &[]);
    finds(&mut bia, "segredo", &json!({}), &["segredo em particular"]);
    for place in [group("Fechado"), group("Aberto")] {
        caio.refused(&request("search", &[&json!({ "query": "segredo" }), &place]), "not_member");
    }
    finds(&mut caio, "segredo", &with("ana"), &[]);
    caio.refused(
        &request("search", &[&json!({ "query": "segredo" }), &with("ninguém")]),
        "unknown_user",
    );
    assert_eq!(found(&mut ana, "segredo", &json!({})).len(), 3);
}

#[test]
fn who_comes_later_finds_what_is_said_later() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    ana.group("create_group", "Time", &json!({ "private": true }));
    ana.tell_group("Time", "assunto antes");
    ana.group("add_member", "Time", &json!({ "new_member": "bia" }));
    ana.tell_group("Time", "assunto durante");
    finds(&mut bia, "assunto", &json!({}), &["assunto durante"]);
    ana.group("remove_member", "Time", &json!({ "member": "bia" }));
    ana.tell_group("Time", "assunto depois");
    let left = found(&mut bia, "assunto", &json!({}));
    assert!(contents(&left).iter().all(|content| *content == "assunto durante"), "{left:?}");
}

#[test]
fn what_was_edited_is_found_by_what_it_says_now_and_what_was_deleted_not_at_all() {
    let server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    let edited = number(&ana.tell("bia", "primeira versão"), "msg_id");
    let deleted = number(&ana.tell("bia", "para esquecer"), "msg_id");
    ana.ok(&json!({ "type": "edit_message", "msg_id": edited, "content": "segunda redação" }));
    ana.ok(&json!({ "type": "delete_message", "msg_id": deleted }));
    finds(&mut ana, "versao", &json!({}), &[]);
    finds(&mut ana, "redacao", &json!({}), &["segunda redação"]);
    finds(&mut ana, "esquecer", &json!({}), &[]);
}

#[test]
fn a_search_has_a_limit() {
    let server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    let requests: Vec<Value> =
        (0..230).map(|n| private("bia", &format!("achado {n}"), &json!(n))).collect();
    ask_many(&mut ana, &requests);
    for (fields, expected) in
        [(json!({}), 50), (json!({ "limit": 3 }), 3), (json!({ "limit": 1_000 }), 200)]
    {
        let newest = found(&mut ana, "achado", &fields);
        assert_eq!(newest.len(), expected);
        assert_eq!(text(&newest[0], "content"), "achado 229");
    }
}

/// What people type is words, whatever it would mean to a store's own query language.
#[test]
fn any_text_may_be_searched_for() {
    let server = Server::start();
    let mut ana = server.join("ana");
    ana.tell("ana", "NOT a AND b OR (c) \"aspas\" it's 100% C++ a-b x:y");
    for query in [
        "\"",
        "'",
        "''",
        "*",
        "(",
        ")",
        "a AND",
        "NOT",
        "OR OR",
        "NEAR(a b)",
        "a*",
        "^a",
        "x:y",
        "-a",
        "+",
        "%",
        "_",
        "\\",
        ";",
        "a\"b",
        "{a b}",
        "😀",
        "\u{0}",
        "\u{1b}",
        "a\u{301}",
        "   ",
        "' OR 1=1 --",
        &"palavra ".repeat(100),
    ] {
        let answer = ana.ask(&json!({ "type": "search", "query": query }));
        assert_eq!(answer["type"], "search_response", "{query:?}: {answer}");
        if answer["status"] == "error" {
            assert_ne!(answer["code"], "internal", "{query:?}");
            assert_ne!(answer["code"], "storage_unavailable", "{query:?}");
        }
    }
    for query in ["AND", "NOT", "aspas", "\"aspas\"", "(c)"] {
        assert_eq!(found(&mut ana, query, &json!({})).len(), 1, "{query:?}");
    }
    ana.refused(&json!({ "type": "search" }), "missing_field");
    ana.refused(&json!({ "type": "search", "query": "" }), "missing_field");
    server.still_serves();
}

#[test]
fn what_was_said_before_a_crash_is_found_after_it() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    ana.tell("ana", "uma anotação");
    drop(ana);
    server.crash();
    let mut ana = server.join("ana");
    finds(&mut ana, "anotacao", &json!({}), &["uma anotação"]);
    ana.tell("ana", "outra anotação");
    finds(&mut ana, "anotacao", &json!({}), &["outra anotação", "uma anotação"]);
}
