//! Section 2: requests and answers.

use papo::text::Lang;
use papo::text::server::{GroupDone, group_done, refusal as refusal_text, welcome as welcome_text};
use papo::wire::Code;
use serde_json::{Value, json};

use crate::common::peer::assert_refused;
use crate::common::{Framing, Server, text};

/// Every request of this version that is answered, with the type of its answer.
fn every_request() -> Vec<(Value, &'static str)> {
    let message = json!({ "type": "private_message", "recipient": "bia", "content": "x" });
    let group_message = json!({ "type": "group_message", "group_name": "G", "content": "x" });
    let file = json!({
        "type": "send_file", "recipient": "bia", "filename": "a", "file_data": "", "file_type": "private",
    });
    vec![
        (message, "message_response"),
        (group_message, "message_response"),
        (json!({ "type": "logout" }), "account_response"),
        (json!({ "type": "list_users" }), "users_list"),
        (json!({ "type": "list_groups" }), "groups_list"),
        (on_group("create_group", &[]), "group_response"),
        (on_group("join_group", &[]), "group_response"),
        (on_group("leave_group", &[]), "group_response"),
        (on_group("delete_group", &[]), "group_response"),
        (on_group("rename_group", &["new_name"]), "group_response"),
        (on_group("add_member", &["new_member"]), "member_response"),
        (on_group("remove_member", &["member"]), "member_response"),
        (on_group("promote_member", &["member"]), "member_response"),
        (on_group("demote_member", &["member"]), "member_response"),
        (on_group("list_group_members", &[]), "members_list_response"),
        (file, "file_response"),
    ]
}

fn on_group(kind: &str, fields: &[&str]) -> Value {
    let mut request = json!({ "type": kind, "group_name": "G" });
    for field in fields {
        request[*field] = json!("bia");
    }
    request
}

#[test]
fn before_a_login_only_login_and_ping_are_answered() {
    let server = Server::start();
    for framing in Framing::ALL {
        let mut stranger = server.connect(framing);
        for (request, answer) in every_request() {
            let refusal = stranger.refused(&request, "not_logged_in");
            assert_eq!(refusal["type"], answer, "{request}");
        }
        assert_eq!(stranger.ok(&json!({ "type": "ping" }))["type"], "pong");
        stranger.login(&format!("u{framing:?}"), &json!({}));
        stranger.nothing_more();
    }
    // Nothing of all that was done.
    let mut ana = server.join("ana");
    let groups = ana.ok(&json!({ "type": "list_groups" }));
    assert_eq!(groups["groups"], json!([]));
    ana.group_refused("join_group", "G", &json!({}), "unknown_group");
}

#[test]
fn the_id_comes_back_as_it_was() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let longest = "é".repeat(32);
    for id in [
        json!("a"),
        json!(""),
        json!(longest),
        json!("aspas \" e \\ e \u{1}"),
        json!(0),
        json!(-1),
        json!(9_007_199_254_740_991_u64),
    ] {
        ana.send(&json!({ "type": "ping", "id": id }));
        let pong = ana.event("pong");
        assert_eq!(pong["id"], id);
        assert_eq!(pong["status"], "success");

        // A refusal repeats it, too.
        ana.send(&json!({ "type": "join_group", "group_name": "nenhum", "id": id }));
        let refusal = ana.event("group_response");
        assert_refused(&refusal, "unknown_group");
        assert_eq!(refusal["id"], id);

        ana.send(&json!({ "type": "dance", "id": id }));
        assert_eq!(ana.error("unknown_type")["id"], id);
    }
    ana.send(&json!({ "type": "ping" }));
    assert_eq!(ana.event("pong").get("id"), None);
}

#[test]
fn an_id_that_is_none_is_refused_and_not_repeated() {
    let server = Server::start();
    let mut ana = server.join("ana");
    for id in [
        json!("x".repeat(65)),
        json!("é".repeat(33)),
        json!(1.5),
        json!([]),
        json!({}),
        json!(true),
        json!(9_007_199_254_740_992_u64),
    ] {
        ana.send(&json!({ "type": "ping", "id": id }));
        let refusal = ana.next();
        assert_refused(&refusal, "invalid_field");
        assert_eq!(refusal.get("id"), None, "{refusal}");
    }
    ana.nothing_more();
}

#[test]
fn answers_come_in_the_order_of_the_requests() {
    let server = Server::start();
    for framing in Framing::ALL {
        let mut peer = server.join_as(&format!("u{framing:?}"), framing);
        let mut wire = Vec::new();
        let mut expected = Vec::new();
        for round in 0..5 {
            for (request, kind) in [
                (json!({ "type": "ping" }), "pong"),
                (json!({ "type": "list_users" }), "users_list"),
                (json!({ "type": "dance" }), "error"),
                (json!({ "type": "list_groups" }), "groups_list"),
                (json!({ "type": "join_group", "group_name": "x" }), "group_response"),
            ] {
                let id = round * 10 + expected.len();
                let mut request = request;
                request["id"] = json!(id);
                wire.extend(framing.frame(&request));
                expected.push((id, kind));
            }
        }
        peer.send_bytes(&wire);
        for (id, kind) in expected {
            let answer = peer.event(kind);
            assert_eq!(answer["id"], id);
        }
    }
}

#[test]
fn an_unknown_type_is_told_so_and_the_connection_goes_on() {
    let server = Server::start();
    for framing in Framing::ALL {
        let mut peer = server.join_as(&format!("u{framing:?}"), framing);
        // These make sense to no server, or to one with a store; none of them is an error of
        // framing, so their number does not matter.
        for kind in [
            "dance",
            "",
            "PING",
            "login_response",
            "private_message_received",
            "tipo\ncom\u{1b}[31mcontrole",
            "😀",
            "private_message\u{0}",
        ] {
            let refusal = peer.refused(&json!({ "type": kind, "content": "x" }), "unknown_type");
            assert_eq!(refusal["type"], "error", "{kind:?}");
        }
        peer.nothing_more();
    }
}

#[test]
fn what_is_missing_is_told() {
    let server = Server::start();
    let mut ana = server.join("ana");
    for (request, answer, field) in [
        (json!({}), "error", "type"),
        (json!({ "type": "private_message", "content": "x" }), "message_response", "recipient"),
        (json!({ "type": "private_message", "recipient": "ana" }), "message_response", "content"),
        (
            json!({ "type": "private_message", "recipient": "ana", "content": "" }),
            "message_response",
            "content",
        ),
        (
            json!({ "type": "private_message", "recipient": "ana", "content": null }),
            "message_response",
            "content",
        ),
        (json!({ "type": "group_message", "content": "x" }), "message_response", "group_name"),
        (json!({ "type": "create_group" }), "group_response", "group_name"),
        (json!({ "type": "rename_group", "group_name": "G" }), "group_response", "new_name"),
        (json!({ "type": "add_member", "group_name": "G" }), "member_response", "new_member"),
        (json!({ "type": "remove_member", "group_name": "G" }), "member_response", "member"),
        (json!({ "type": "list_group_members" }), "members_list_response", "group_name"),
        (
            json!({ "type": "send_file", "recipient": "ana", "filename": "f" }),
            "file_response",
            "file_data",
        ),
        (
            json!({ "type": "send_file", "recipient": "ana", "file_data": "" }),
            "file_response",
            "filename",
        ),
    ] {
        let refusal = ana.refused(&request, "missing_field");
        assert_eq!(refusal["type"], answer, "{request}");
        // Who reads the sentence learns which field.
        assert!(text(&refusal, "message").contains(field), "{refusal}");
    }
    let mut stranger = server.connect(Framing::Line);
    let refusal = stranger.refused(&json!({ "type": "login" }), "missing_field");
    assert_eq!(refusal["type"], "login_response");
}

#[test]
fn a_field_of_the_wrong_type_is_told() {
    let server = Server::start();
    let mut ana = server.join("ana");
    for request in [
        json!({ "type": 5 }),
        json!({ "type": ["ping"] }),
        json!({ "type": "private_message", "recipient": 7, "content": "x" }),
        json!({ "type": "private_message", "recipient": "ana", "content": {} }),
        json!({ "type": "private_message", "recipient": "ana", "content": "x", "reply_to": "y" }),
        json!({ "type": "private_message", "recipient": "ana", "content": "x", "reply_to": -1 }),
        json!({ "type": "create_group", "group_name": "G", "private": "yes" }),
        json!({ "type": "list_users", "all": 1 }),
        json!({ "type": "send_file", "recipient": "ana", "filename": "f", "file_data": 1 }),
    ] {
        ana.refused(&request, "invalid_field");
    }
    let mut stranger = server.connect(Framing::Line);
    for request in [
        json!({ "type": "login", "username": ["ana"] }),
        json!({ "type": "login", "username": "bia", "since": "ontem" }),
        json!({ "type": "login", "username": "bia", "features": "typing" }),
    ] {
        stranger.refused(&request, "invalid_field");
    }
    // None of that was a login.
    stranger.refused(&json!({ "type": "list_users" }), "not_logged_in");
}

#[test]
fn unknown_fields_are_ignored() {
    let server = Server::start();
    let mut ana = server.join("ana");
    // With the frame itself as deep as may be.
    let deep = "[".repeat(15) + &"]".repeat(15);
    let frame = format!(
        r#" {{"extra":{{"a":[1,null]}},"deep":{deep},"type":"ping","número":1e400,"id":"x"}} "#
    );
    ana.send_bytes(&Framing::Line.frame_bytes(frame.as_bytes()));
    assert_eq!(ana.event("pong")["id"], "x");
}

#[test]
fn who_claims_to_be_another_is_refused_and_nothing_is_done() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    bia.group("create_group", "De Bia", &json!({}));
    for request in [
        json!({ "type": "private_message", "sender": "bia", "recipient": "bia", "content": "x" }),
        json!({ "type": "private_message", "sender": "ninguém", "recipient": "bia", "content": "x" }),
        json!({ "type": "group_message", "sender": "bia", "group_name": "De Bia", "content": "x" }),
        json!({ "type": "create_group", "creator": "bia", "group_name": "Novo" }),
        json!({ "type": "add_member", "requester": "bia", "group_name": "De Bia", "new_member": "ana" }),
        json!({ "type": "delete_group", "requester": "bia", "group_name": "De Bia" }),
        json!({ "type": "list_groups", "username": "bia" }),
        json!({
            "type": "send_file", "sender": "bia", "recipient": "bia", "filename": "f",
            "file_data": "", "file_type": "private",
        }),
    ] {
        ana.refused(&request, "sender_mismatch");
    }
    bia.nothing_more();
    let groups = bia.ok(&json!({ "type": "list_groups" }));
    assert_eq!(groups["groups"], json!(["De Bia"]));
    ana.group_refused("join_group", "Novo", &json!({}), "unknown_group");
    assert!(!server.data().join("server_files/bia_f").exists());

    // Another spelling of one's own name is one's own name.
    ana.ok(&json!({
        "type": "private_message", "sender": "ANA", "recipient": "bia", "content": "eu mesma",
    }));
    bia.hears("ana", "eu mesma");
}

#[test]
fn the_sentences_are_in_the_language_that_the_login_asked_for() {
    let server = Server::start();
    let mut ann = server.connect(Framing::Line);
    let welcome = ann.login("Ann", &json!({ "lang": "en" }));
    assert_eq!(text(&welcome, "message"), welcome_text(Lang::En, "Ann"));
    let refusal = ann.refused(
        &json!({ "type": "private_message", "recipient": "nobody", "content": "x" }),
        "unknown_user",
    );
    let english = |code| refusal_text(Lang::En, code, None);
    assert_eq!(text(&refusal, "message"), english(Code::UnknownUser));
    let created = ann.group("create_group", "Work", &json!({}));
    assert_eq!(text(&created, "message"), group_done(Lang::En, "Work", GroupDone::Created));

    // On the next connection somebody speaks Portuguese, and so does who asked for neither.
    for lang in [json!("pt"), json!("pt-BR"), json!("xx"), Value::Null] {
        let mut joao = server.connect(Framing::Line);
        let welcome = joao.login("João", &json!({ "lang": lang }));
        assert_eq!(text(&welcome, "message"), "Bem-vindo, João!", "{lang}");
        joao.leave();
    }

    // A refused login is told in its own language.
    let mut other = server.connect(Framing::Line);
    let refusal =
        other.refused(&json!({ "type": "login", "username": "ann", "lang": "en" }), "name_in_use");
    assert_eq!(text(&refusal, "message"), english(Code::NameInUse));
    let refusal = other.refused(&json!({ "type": "login", "username": "ann" }), "name_in_use");
    assert_eq!(text(&refusal, "message"), "Nome de usuário já em uso");
}
