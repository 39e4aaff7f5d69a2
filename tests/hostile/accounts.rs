//! Tokens and passwords that are stolen, revoked, guessed or somebody else's, and people who speak in
//! the name of others.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::peer::{login_request, with_timeout};
use crate::common::{Framing, Heard, Peer, Server, number, text};
use crate::stage::{attack, attack_with, history, reset_peer};

/// A login with these fields, and its answer.
fn tries(server: &Server, name: &str, fields: &Value) -> (Peer, Value) {
    let mut peer = server.connect(Framing::Line);
    let answer = peer.ask(&login_request(name, fields));
    (peer, answer)
}

#[track_caller]
fn comes_in(server: &Server, name: &str, fields: &Value) -> Peer {
    let (peer, answer) = tries(server, name, fields);
    assert_eq!(answer["status"], "success", "{answer}");
    peer
}

#[test]
fn a_token_of_somebody_else_opens_no_door() {
    attack(|stage| {
        let (_ana, token) = stage.server.claim("ana");
        stage.server.claim("bia");
        for name in ["bia", "ninguém", "mallory"] {
            stage.server.turned_away(name, &json!({ "token": token }), "wrong_password");
        }
        comes_in(&stage.server, "ana", &json!({ "token": token }));
    });
}

#[test]
fn a_token_that_is_almost_right_is_wrong() {
    attack(|stage| {
        let (_ana, token) = stage.server.claim("ana");
        let swapped: String = token
            .chars()
            .map(|c| {
                if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
            })
            .collect();
        let almost = [
            token[1..].to_owned(),
            token[..token.len() - 1].to_owned(),
            format!("{token} "),
            format!(" {token}"),
            format!("{token}\u{0}"),
            format!("{token}="),
            swapped,
            token.repeat(2),
        ];
        for wrong in almost {
            stage.server.turned_away("ana", &json!({ "token": wrong }), "wrong_password");
        }
        comes_in(&stage.server, "ana", &json!({ "token": token }));
    });
}

#[test]
fn a_stolen_token_is_worth_nothing_after_logging_out_everywhere() {
    attack(|stage| {
        let (mut ana, token) = stage.server.claim("ana");
        let mut thief = comes_in(&stage.server, "ana", &json!({ "token": token }));
        ana.ok(&json!({ "type": "logout", "everywhere": true }));
        thief.error("auth_required");
        thief.end();
        stage.server.turned_away("ana", &json!({ "token": token }), "wrong_password");
        stage.server.turned_away("ana", &json!({}), "auth_required");
        // Not after a restart either.
        stage.pause();
        stage.restart();
        stage.server.turned_away("ana", &json!({ "token": token }), "wrong_password");
        stage.resume();
    });
}

#[test]
fn a_token_ends_with_its_session() {
    attack(|stage| {
        let (ana, token) = stage.server.claim("ana");
        ana.leave();
        stage.server.turned_away("ana", &json!({ "token": token }), "wrong_password");
    });
}

#[test]
fn the_oldest_token_expires_when_there_are_too_many() {
    attack(|stage| {
        let (mut ana, first) = stage.server.claim("ana");
        ana.ok(&json!({ "type": "set_password", "password": "segredo" }));
        let mut last = String::new();
        for _ in 0..32 {
            let fields = json!({ "password": "segredo", "want_token": true });
            let (peer, answer) = tries(&stage.server, "ana", &fields);
            text(&answer, "token").clone_into(&mut last);
            // Logged out, its token would be gone with it.
            drop(peer);
            ana.nothing_more();
        }
        let fields = json!({ "token": first });
        stage.server.turned_away("ana", &fields, "wrong_password");
        comes_in(&stage.server, "ana", &json!({ "token": last }));
    });
}

#[test]
fn a_token_from_another_server_is_as_good_as_none() {
    attack(|stage| {
        let other = Server::start();
        let (_ana, foreign) = other.claim("ana");
        let (_hers, _) = stage.server.claim("ana");
        stage.server.turned_away("ana", &json!({ "token": foreign }), "wrong_password");
    });
}

#[test]
fn a_password_is_no_token_and_a_token_no_password() {
    attack(|stage| {
        let (mut ana, token) = stage.server.claim("ana");
        ana.ok(&json!({ "type": "set_password", "password": "segredo" }));
        stage.server.turned_away("ana", &json!({ "token": "segredo" }), "wrong_password");
        stage.server.turned_away("ana", &json!({ "password": token }), "wrong_password");
        stage.server.turned_away("ana", &json!({ "password": "Segredo" }), "wrong_password");
        stage.server.turned_away("ana", &json!({ "password": "segredo\u{0}" }), "wrong_password");
        stage.server.turned_away("ana", &json!({ "password": "" }), "wrong_password");
        comes_in(&stage.server, "ana", &json!({ "password": "segredo" }));
    });
}

#[test]
fn a_claimed_name_is_not_taken_over() {
    attack(|stage| {
        let (ana, _) = stage.server.claim("ana");
        for fields in [json!({}), json!({ "want_token": true }), json!({ "token": null })] {
            stage.server.turned_away("ana", &fields, "auth_required");
            stage.server.turned_away("ANA", &fields, "auth_required");
        }
        // Nor when she has gone, and no token is left.
        ana.leave();
        stage.server.turned_away("ana", &json!({ "want_token": true }), "auth_required");
        stage.server.turned_away("ana", &json!({ "password": "minha" }), "wrong_password");
    });
}

#[test]
fn of_many_who_claim_one_name_at_once_one_has_it() {
    attack(|stage| {
        let mut peers: Vec<Peer> = (0..40).map(|_| stage.server.connect(Framing::Line)).collect();
        for peer in &mut peers {
            peer.send(&login_request("ana", &json!({ "want_token": true })));
        }
        let mut tokens = Vec::new();
        for peer in &mut peers {
            let answer = peer.next();
            match answer["code"].as_str() {
                None => tokens.push(text(&answer, "token").to_owned()),
                Some(code) => assert!(code == "name_in_use" || code == "auth_required", "{answer}"),
            }
        }
        assert_eq!(tokens.len(), 1);
        comes_in(&stage.server, "ana", &json!({ "token": tokens[0] }));
    });
}

#[test]
fn a_password_is_not_changed_without_the_old_one() {
    attack(|stage| {
        let (mut ana, token) = stage.server.claim("ana");
        ana.ok(&json!({ "type": "set_password", "password": "segredo" }));
        // Whoever sits at her keyboard has the session, and not the password.
        let change = |fields: Value| {
            let mut request = json!({ "type": "set_password", "password": "meu" });
            for (field, value) in fields.as_object().expect("fields") {
                request[field] = value.clone();
            }
            request
        };
        for (fields, code) in [
            (json!({}), "wrong_password"),
            (json!({ "old_password": "errado" }), "wrong_password"),
            (json!({ "old_password": token }), "wrong_password"),
            (json!({ "old_password": "segredo", "username": "bia" }), "sender_mismatch"),
        ] {
            let answer = ana.ask(&change(fields));
            assert_eq!(answer["status"], "error", "{answer}");
            let said = text(&answer, "code");
            assert!(said == code || said == "auth_required", "{answer}");
        }
        ana.leave();
        comes_in(&stage.server, "ana", &json!({ "password": "segredo" }));
    });
}

#[test]
fn who_guesses_is_sent_away_at_the_fifth_and_who_has_a_token_comes_in() {
    attack(|stage| {
        let (mut ana, token) = stage.server.claim("ana");
        ana.ok(&json!({ "type": "set_password", "password": "segredo" }));
        for round in 0..3 {
            let mut peer = stage.server.connect(Framing::Line);
            for n in 0..4 {
                // It makes no difference of which kind they are.
                let field = if n % 2 == 0 { "password" } else { "token" };
                let guess = json!({ field: format!("palpite {round} {n}") });
                peer.refused(&login_request("ana", &guess), "wrong_password");
            }
            let last = login_request("ana", &json!({ "password": "palpite" }));
            peer.refused(&last, "too_many_attempts");
            peer.end();
        }
        comes_in(&stage.server, "ana", &json!({ "token": token }));
        comes_in(&stage.server, "ana", &json!({ "password": "segredo" }));
    });
}

#[test]
fn who_guesses_from_elsewhere_is_held_up_and_holds_up_no_token() {
    // Ten in a minute, so the next ones are held up for six seconds.
    attack_with(&["--limit-loopback", "--account-tries", "10"], |stage| {
        let (mut ana, token) = stage.server.claim("ana");
        ana.ok(&json!({ "type": "set_password", "password": "segredo" }));
        let guess = |n: usize| login_request("ana", &json!({ "password": format!("palpite {n}") }));
        for n in 0..10 {
            let mut peer = stage.server.connect(Framing::Line);
            peer.refused(&guess(n), "wrong_password");
        }
        let mut held = stage.server.connect(Framing::Line);
        held.send(&guess(10));
        let mut gone = stage.server.connect(Framing::Line);
        gone.send(&guess(11));
        // Who has the token waits for nobody.
        comes_in(&stage.server, "ana", &json!({ "token": token }));
        with_timeout(held.stream(), Duration::from_millis(300));
        assert!(matches!(held.hear(), Heard::Silence));
        reset_peer(gone);
        with_timeout(held.stream(), Duration::from_secs(60));
        assert_eq!(held.next()["code"], "wrong_password");
    });
}

/// The middle one of these.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[test]
fn how_long_a_refusal_takes_says_nothing_about_who_exists() {
    attack(|stage| {
        const NAMES: usize = 20;
        for n in 0..NAMES {
            let mut peer = stage.server.join(&format!("pessoa {n}"));
            peer.ok(&json!({ "type": "set_password", "password": "segredo" }));
            peer.leave();
        }
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for n in 0..NAMES {
            for (name, times) in
                [(format!("pessoa {n}"), &mut known), (format!("fantasma {n}"), &mut unknown)]
            {
                let mut peer = stage.server.connect(Framing::Line);
                let asked = Instant::now();
                let request = login_request(&name, &json!({ "password": "errado" }));
                peer.refused(&request, "wrong_password");
                times.push(asked.elapsed());
            }
        }
        let (known, unknown) = (median(known), median(unknown));
        // Both have to hash; one that does not takes a hundredth of the other.
        let ratio = known.as_secs_f64() / unknown.as_secs_f64();
        assert!((0.5..2.0).contains(&ratio), "{known:?} for a known name, {unknown:?} for none");
    });
}

#[test]
fn before_a_login_nothing_is_done() {
    attack(|stage| {
        let mut peer = stage.server.connect(Framing::Line);
        for kind in [
            "private_message",
            "group_message",
            "edit_message",
            "delete_message",
            "react",
            "history",
            "search",
            "list_conversations",
            "typing",
            "list_users",
            "list_groups",
            "create_group",
            "join_group",
            "leave_group",
            "delete_group",
            "rename_group",
            "add_member",
            "remove_member",
            "promote_member",
            "demote_member",
            "list_group_members",
            "send_file",
            "file_begin",
            "file_chunk",
            "file_end",
            "file_cancel",
            "file_get",
            "set_password",
            "logout",
            "received",
            "read",
        ] {
            let answer = peer.ask(&json!({
                "type": kind, "recipient": "vera", "with": "vera", "content": "oi", "msg_id": 1, "emoji": "x",
                "query": "x", "new_name": "x", "new_member": "x", "member": "x", "password": "x",
                "filename": "x", "file_data": "b2k=", "size": 1, "sha256": "ab".repeat(32), "file_id": 1, "data": "",
                "offset": 0,
            }));
            let code = text(&answer, "code");
            assert!(
                code == "not_logged_in" || code == "invalid_field" || code == "missing_field",
                "{kind}: {code}"
            );
        }
        peer.refused(&json!({ "type": "logout" }), "not_logged_in");
        peer.refused(&json!({ "type": "list_users" }), "not_logged_in");
        let message = json!({ "type": "private_message", "recipient": "vera", "content": "oi" });
        peer.refused(&message, "not_logged_in");
    });
}

#[test]
fn a_second_login_on_a_connection_changes_nothing() {
    attack(|stage| {
        let (_ana, token) = stage.server.claim("ana");
        let mut mallory = stage.server.join("mallory");
        for fields in [json!({}), json!({ "token": token }), json!({ "want_token": true })] {
            mallory.refused(&login_request("ana", &fields), "already_logged_in");
        }
        let answer = mallory.tell("vera", "ainda eu");
        stage.acknowledged("mallory", &answer);
        let past = mallory.ok(&json!({ "type": "history", "with": "vera" }));
        assert_eq!(past["messages"][0]["sender"], "mallory");
    });
}

#[test]
fn nobody_speaks_in_the_name_of_another() {
    attack(|stage| {
        let mut mallory = stage.server.join("mallory");
        let requests = [
            json!({ "type": "private_message", "recipient": "wilma", "content": "oi" }),
            json!({ "type": "group_message", "group_name": "Trabalho", "content": "oi" }),
            json!({ "type": "create_group", "group_name": "Trabalho" }),
            json!({ "type": "list_users" }),
            json!({ "type": "history", "with": "wilma" }),
            json!({ "type": "logout" }),
            json!({ "type": "send_file", "recipient": "wilma", "filename": "x", "file_data": "" }),
            json!({ "type": "set_password", "password": "x" }),
        ];
        for mut request in requests {
            for field in ["sender", "creator", "requester", "username"] {
                for name in ["vera", "mallory2", "mallоry"] {
                    request[field] = json!(name);
                    mallory.refused(&request, "sender_mismatch");
                }
                request.as_object_mut().expect("a frame").remove(field);
            }
        }
    });
}

#[test]
fn what_others_said_among_themselves_is_not_found_by_its_number() {
    attack(|stage| {
        let mut ana = stage.server.join("ana");
        let _bia = stage.server.join("bia");
        let said = number(&ana.tell("bia", "só para você"), "msg_id");
        let mut mallory = stage.server.join("mallory");
        mallory.ok(&json!({ "type": "search", "query": "você" }));
        for msg_id in [said - 1, said, said + 1] {
            for request in [
                json!({ "type": "edit_message", "msg_id": msg_id, "content": "x" }),
                json!({ "type": "delete_message", "msg_id": msg_id }),
                json!({ "type": "react", "msg_id": msg_id, "emoji": "👍" }),
            ] {
                mallory.refused(&request, "unknown_message");
            }
            mallory.refused(&json!({ "type": "file_get", "file_id": msg_id }), "unknown_file");
        }
        // Answered to, it shows nothing of itself.
        let reply = mallory.ask(&json!({
            "type": "private_message", "recipient": "vera", "content": "cito", "reply_to": said,
        }));
        assert!(!reply.to_string().contains("você"), "{reply}");
        let found = mallory.ok(&json!({ "type": "search", "query": "você" }));
        assert_eq!(found["messages"], json!([]));
        assert_eq!(history(&mut mallory, "bia"), [] as [u64; 0]);
        assert_eq!(history(&mut ana, "bia"), [said]);
    });
}

#[test]
fn a_private_group_is_closed_to_whoever_knows_its_name() {
    attack(|stage| {
        let mut ana = stage.server.join("ana");
        ana.group("create_group", "Diretoria", &json!({ "private": true }));
        ana.tell_group("Diretoria", "segredo de estado");
        let mut mallory = stage.server.join("mallory");
        for what in ["join_group", "leave_group", "list_group_members", "delete_group"] {
            mallory.group_refused(what, "Diretoria", &json!({}), "not_member");
        }
        for (what, fields) in [
            ("add_member", json!({ "new_member": "mallory" })),
            ("remove_member", json!({ "member": "ana" })),
            ("promote_member", json!({ "member": "mallory" })),
            ("demote_member", json!({ "member": "ana" })),
            ("rename_group", json!({ "new_name": "Minha" })),
        ] {
            mallory.group_refused(what, "Diretoria", &fields, "not_member");
        }
        let message =
            json!({ "type": "group_message", "group_name": "Diretoria", "content": "oi" });
        mallory.refused(&message, "not_member");
        mallory.refused(&json!({ "type": "history", "group_name": "Diretoria" }), "not_member");
        let listed = mallory.ok(&json!({ "type": "list_groups" }));
        assert!(!listed.to_string().contains("Diretoria"), "{listed}");
        let found = mallory.ok(&json!({ "type": "search", "query": "segredo" }));
        assert_eq!(found["messages"], json!([]));
    });
}

#[test]
fn a_file_and_an_upload_are_for_their_own() {
    attack(|stage| {
        let mut ana = stage.server.join("ana");
        let _bia = stage.server.join("bia");
        let sent = ana.ok(&json!({
            "type": "send_file", "recipient": "bia", "filename": "x", "file_data": "b2k=",
        }));
        let begun = ana.ok(&json!({
            "type": "file_begin", "recipient": "bia", "filename": "y", "size": 3, "sha256": "ab".repeat(32),
        }));
        let upload = &begun["file_id"];
        let mut mallory = stage.server.join("mallory");
        for request in [
            json!({ "type": "file_get", "file_id": sent["msg_id"] }),
            json!({ "type": "file_get", "file_id": upload }),
            json!({ "type": "file_chunk", "file_id": upload, "offset": 0, "data": "b2kK" }),
            json!({ "type": "file_end", "file_id": upload }),
            json!({ "type": "file_cancel", "file_id": upload }),
        ] {
            mallory.refused(&request, "unknown_file");
        }
        ana.ok(&json!({ "type": "file_cancel", "file_id": upload }));
    });
}

#[test]
fn a_ninth_session_is_refused_and_takes_nobodys_place() {
    attack(|stage| {
        let (mut ana, token) = stage.server.claim("ana");
        let fields = json!({ "token": token });
        let mut sessions: Vec<Peer> =
            (0..7).map(|_| comes_in(&stage.server, "ana", &fields)).collect();
        for _ in 0..20 {
            stage.server.turned_away("ana", &fields, "too_many_sessions");
        }
        ana.nothing_more();
        for session in &mut sessions {
            session.nothing_more();
        }
    });
}
