//! Section 3: logging in and out, and who is there.

use serde_json::json;

use crate::common::{Framing, Server, number, sorted_texts, text};

#[test]
fn a_login_says_who_one_is_and_what_the_server_speaks() {
    let server = Server::start();
    for framing in Framing::ALL {
        let mut peer = server.connect(framing);
        let answer = peer.login(&format!("  u{framing:?} "), &json!({}));
        assert_eq!(answer["username"], format!("u{framing:?}"));
        assert_eq!(answer["protocol"], 1);
        assert!(text(&answer, "server").contains("papo"), "{answer}");
        assert!(number(&answer, "time") > 1_700_000_000_000, "{answer}");
        number(&answer, "cursor");
        // Who asked for nothing new is told nothing new.
        peer.nothing_more();
    }
}

#[test]
fn a_login_that_lists_features_is_told_when_nothing_was_missed() {
    let server = Server::start();
    let mut ana = server.connect(Framing::Line);
    let answer = ana.login("ana", &json!({ "features": ["presence", "from the future"] }));
    let synced = ana.event("synced");
    assert_eq!(synced["cursor"], answer["cursor"]);
    ana.nothing_more();
    ana.leave();

    let mut ana = server.connect(Framing::Line);
    ana.login("ana", &json!({ "since": 0 }));
    ana.event("synced");
    ana.nothing_more();
}

#[test]
fn a_connection_has_one_user() {
    let server = Server::start();
    let mut ana = server.join("ana");
    for name in ["bia", "ana"] {
        let refusal =
            ana.refused(&json!({ "type": "login", "username": name }), "already_logged_in");
        assert_eq!(refusal["type"], "login_response");
    }
    let users = ana.ok(&json!({ "type": "list_users" }));
    assert_eq!(users["users"], json!(["ana"]));
}

#[test]
fn a_name_has_one_session_at_a_time() {
    let server = Server::start();
    let ana = server.join("Ana");
    let mut second = server.connect(Framing::Line);
    for name in ["Ana", "ANA", " ana "] {
        let refusal = second.refused(&json!({ "type": "login", "username": name }), "name_in_use");
        assert_eq!(text(&refusal, "message"), "Nome de usuário já em uso");
    }
    ana.leave();
    // The same connection may try again, and the name is free at once.
    second.login("ana", &json!({}));
}

#[test]
fn logging_out_ends_the_connection_and_frees_the_name() {
    let server = Server::start();
    for framing in Framing::ALL {
        let mut ana = server.join_as("ana", framing);
        let answer = ana.ok(&json!({ "type": "logout" }));
        assert_eq!(answer["type"], "account_response");
        ana.end();
    }
}

#[test]
fn a_connection_that_just_ends_frees_the_name() {
    let server = Server::start();
    let mut witness = server.join("testemunha");
    for framing in Framing::ALL {
        let ana = server.join_as("ana", framing);
        drop(ana);
        witness.waits_until_gone("ana");
    }
}

#[test]
fn who_is_online_is_listed_and_with_all_who_was() {
    let server = Server::start();
    let mut ana = server.join("Ana");
    let bia = server.join_as("Bia", Framing::Length);
    let _caio = server.join_as("Caio", Framing::Bare);
    let users = ana.ok(&json!({ "type": "list_users" }));
    assert_eq!(users["type"], "users_list");
    assert_eq!(sorted_texts(&users, "users"), ["Ana", "Bia", "Caio"]);

    assert_eq!(users.get("details"), None);

    bia.leave();
    let users = ana.ok(&json!({ "type": "list_users", "all": true }));
    assert_eq!(sorted_texts(&users, "users"), ["Ana", "Caio"]);
    let details = users["details"].as_array().expect("details");
    let mut known: Vec<(&str, bool)> =
        details.iter().map(|user| (text(user, "name"), user["online"] == true)).collect();
    known.sort_unstable();
    assert_eq!(known, [("Ana", true), ("Bia", false), ("Caio", true)]);
    let bia = details.iter().find(|user| user["name"] == "Bia");
    assert!(number(bia.expect("Bia"), "last_seen") > 1_700_000_000_000);
}

#[test]
fn a_heartbeat_answer_is_answered_with_nothing() {
    let server = Server::start();
    for framing in Framing::ALL {
        let mut peer = server.join_as(&format!("u{framing:?}"), framing);
        for _ in 0..3 {
            peer.send(&json!({ "type": "heartbeat_ack" }));
        }
        peer.nothing_more();
    }
}
