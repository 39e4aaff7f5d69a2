//! Guessing at passwords, making names, and how often one may be in.

use serde_json::{Value, json};

use crate::common::raw::Web;
use crate::common::{Framing, Peer, Server, eventually, text};
use crate::{limited, metric, with};

fn guess(name: &str, password: &str) -> Value {
    json!({ "type": "login", "username": name, "password": password })
}

/// Somebody with a password; and the token.
#[track_caller]
fn with_password(server: &Server, name: &str, password: &str) -> (Peer, String) {
    let (mut peer, token) = server.claim(name);
    peer.ok(&json!({ "type": "set_password", "password": password }));
    (peer, token)
}

#[test]
fn a_connection_may_be_wrong_so_often() {
    let server = with(&["--login-tries", "3"]);
    let (_ana, token) = with_password(&server, "ana", "certa");
    let mut stranger = server.connect(Framing::Line);
    stranger.refused(&guess("ana", "1"), "wrong_password");
    let wrong = json!({ "type": "login", "username": "ana", "token": "2" });
    stranger.refused(&wrong, "wrong_password");
    stranger.refused(&guess("ninguém", "3"), "too_many_attempts");
    stranger.end();
    let mut web = Web::open(&server);
    for code in ["wrong_password", "wrong_password", "too_many_attempts"] {
        web.send(&guess("ana", "errada"));
        assert_eq!(web.object()["code"], code);
    }
    web.closed(1008);
    // It was the connection's, not the name's.
    let mut again = server.connect(Framing::Line);
    again.refused(&guess("ana", "1"), "wrong_password");
    again.ok(&guess("ana", "certa"));
    let mut again = server.connect(Framing::Line);
    again.ok(&json!({ "type": "login", "username": "ana", "token": token }));
}

/// Guesses until one is held up, and gives the connection that waits for it.
#[track_caller]
fn guess_until_held_up(server: &Server, name: &str) -> Peer {
    let mut numbers = 0..1_000;
    loop {
        let mut peer = server.connect(Framing::Line);
        let number = numbers.next().expect("one of so many is held up");
        let mut wrong = guess(name, &format!("errada {number}"));
        wrong["id"] = json!(number);
        let before = metric(server, "papo_logins_held_up_total");
        peer.send(&wrong);
        eventually("it is answered, or held up", || {
            let refusals = "papo_refusals_total{code=\"wrong_password\"}";
            metric(server, refusals) > number
                || metric(server, "papo_logins_held_up_total") > before
        });
        if metric(server, "papo_logins_held_up_total") > before {
            return peer;
        }
        assert_eq!(peer.answer_to(&json!(number))["code"], "wrong_password");
    }
}

#[test]
fn guesses_at_a_name_wait_and_lock_nobody_out() {
    // Each guess beyond these waits for two seconds.
    let server = limited(&[
        "--account-tries",
        "30",
        "--address-tries",
        "100000",
        "--new-connections",
        "10000",
    ]);
    let (_ana, token) = with_password(&server, "ana", "certa");
    let mut held = guess_until_held_up(&server, "ana");
    // Its owner is held up no longer than others, and comes in.
    let mut owner = server.connect(Framing::Line);
    owner.ok(&guess("ana", "certa"));
    // With a token at once, however many wait.
    let mut owner = server.connect(Framing::Line);
    owner.ok(&json!({ "type": "login", "username": "ana", "token": token }));
    assert_eq!(held.next()["code"], "wrong_password");
    // Another name is not held up.
    let before = metric(&server, "papo_logins_held_up_total");
    server.turned_away("bia", &json!({ "password": "x" }), "wrong_password");
    assert_eq!(metric(&server, "papo_logins_held_up_total"), before);
}

#[test]
fn guesses_from_an_address_wait_whatever_the_name() {
    // Each guess beyond these waits for six seconds.
    let server = limited(&[
        "--address-tries",
        "100",
        "--account-tries",
        "100000",
        "--login-tries",
        "1000",
        "--new-connections",
        "10000",
    ]);
    let (_ana, _) = with_password(&server, "ana", "certa");
    let mut guesser = server.connect(Framing::Line);
    for number in 0..100 {
        assert_eq!(metric(&server, "papo_logins_held_up_total"), 0);
        guesser.refused(&guess(&format!("nome {}", number % 7), "x"), "wrong_password");
    }
    // In the time that it took, a few more have become free.
    let held_up = (0..1_000).any(|_| {
        guesser.refused(&guess("ana", "x"), "wrong_password");
        metric(&server, "papo_logins_held_up_total") > 0
    });
    assert!(held_up);
    let mut owner = server.connect(Framing::Line);
    owner.ok(&guess("ana", "certa"));
}

#[test]
fn an_address_makes_so_many_names() {
    let server = limited(&["--registrations", "3"]);
    let peers: Vec<Peer> = (0..3).map(|number| server.join(&format!("nome {number}"))).collect();
    for fields in [json!({}), json!({ "want_token": true })] {
        server.turned_away("novo", &fields, "rate_limited");
    }
    for peer in peers {
        peer.leave();
    }
    // Names that are there are no new ones.
    server.join("nome 1");
}

#[test]
fn so_many_passwords_wait_to_be_looked_at() {
    let server = with(&["--hash-queue", "1", "--login-tries", "1000000"]);
    let mut crowd: Vec<Peer> = (0..8).map(|_| server.connect(Framing::Line)).collect();
    let (mut busy, mut wrong) = (0, 0);
    eventually("one finds the queue full", || {
        for peer in &mut crowd {
            peer.send(&guess("ana", "x"));
        }
        for peer in &mut crowd {
            let answer = peer.next();
            match text(&answer, "code") {
                "rate_limited" => busy += 1,
                "wrong_password" => wrong += 1,
                _ => panic!("{answer}"),
            }
        }
        busy > 0 && wrong > 0
    });
}

#[test]
fn groups_members_and_sessions_are_counted() {
    let server =
        with(&["--groups-per-user", "2", "--group-members", "2", "--sessions-per-user", "2"]);
    let (mut ana, token) = server.claim("ana");
    let (mut bia, mut caio) = (server.join("bia"), server.join("caio"));
    ana.group("create_group", "um", &json!({}));
    ana.group("create_group", "dois", &json!({}));
    ana.group_refused("create_group", "três", &json!({}), "too_large");
    bia.group("join_group", "um", &json!({}));
    caio.group_refused("join_group", "um", &json!({}), "too_large");
    ana.group_refused("add_member", "um", &json!({ "new_member": "caio" }), "too_large");
    let to = json!({ "type": "group_message", "group_name": "um", "content": "oi" });
    caio.refused(&to, "too_large");
    let second = server.join_with("ana", Framing::Line, &json!({ "token": token }));
    server.turned_away("ana", &json!({ "token": token }), "too_many_sessions");
    second.leave();
}
