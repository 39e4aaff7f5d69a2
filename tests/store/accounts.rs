//! Section 3: whose a name is. Few wrong guesses on each server, which may stop listening to who
//! guesses often.

use std::path::Path;

use serde_json::{Value, json};

use crate::common::{Framing, Peer, Server, sorted_texts, text};

const PASSWORD: &str = "cavalo bateria grampo";
const ANOTHER: &str = "outra senha, bem longa";

fn password(word: &str) -> Value {
    json!({ "password": word })
}

fn token(word: &str) -> Value {
    json!({ "token": word })
}

fn set_password(new: &str, old: Option<&str>) -> Value {
    let mut request = json!({ "type": "set_password", "password": new });
    if let Some(old) = old {
        request["old_password"] = json!(old);
    }
    request
}

/// A name whose password is `PASSWORD`, with nobody logged in.
#[track_caller]
fn with_password(server: &Server, name: &str) {
    let mut peer = server.join(name);
    let answer = peer.ok(&set_password(PASSWORD, None));
    assert_eq!(answer["type"], "account_response");
    peer.leave();
}

/// Logs in with a password and wants a token.
#[track_caller]
fn new_token(server: &Server, name: &str) -> (Peer, String) {
    let mut peer = server.connect(Framing::Line);
    let answer = peer.login(name, &json!({ "password": PASSWORD, "want_token": true }));
    let token = text(&answer, "token").to_owned();
    (peer, token)
}

#[test]
fn who_wants_no_token_gets_none_and_the_name_stays_anybodys() {
    let server = Server::start();
    let mut ana = server.connect(Framing::Line);
    assert_eq!(ana.login("ana", &json!({})).get("token"), None);
    ana.leave();
    let mut another = server.connect(Framing::Line);
    let answer = another.login("ana", &json!({ "want_token": false }));
    assert_eq!(answer.get("token"), None);
}

#[test]
fn a_token_is_256_random_bits_and_opens_its_own_name_alone() {
    let server = Server::start();
    let (ana, anas) = server.claim("ana");
    let (bia, bias) = server.claim("bia");
    assert_ne!(anas, bias);
    for token in [&anas, &bias] {
        assert_eq!(token.len(), 43, "{token:?}");
        let base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        assert!(token.bytes().all(base64url), "{token:?}");
    }
    // In whatever spelling the name comes.
    let mut again = server.connect(Framing::Length);
    let answer = again.login(" ANA", &token(&anas));
    assert_eq!(answer["username"], "ana");
    server.turned_away("bia", &token(&anas), "wrong_password");
    drop((ana, bia));
}

#[test]
fn the_same_token_is_given_back_to_who_wants_it_again() {
    let server = Server::start();
    let (first, word) = server.claim("ana");
    let mut second = server.connect(Framing::Line);
    let answer = second.login("ana", &json!({ "token": word, "want_token": true }));
    assert_eq!(answer["token"], word);
    drop(first);
}

#[test]
fn a_claimed_name_is_not_entered_without_a_word() {
    let server = Server::start();
    let (ana, word) = server.claim("ana");
    // Whether somebody is logged in or not.
    let (mut stranger, refusal) = server.turned_away("Ana", &json!({}), "auth_required");
    assert!(text(&refusal, "message").contains("senha"), "{refusal}");
    server.turned_away("ana", &json!({ "want_token": true }), "auth_required");
    drop(ana);
    server.turned_away("ana", &json!({}), "auth_required");
    // Nobody is half logged in, and the same connection may try again.
    stranger.refused(&json!({ "type": "list_users" }), "not_logged_in");
    stranger.login("ana", &token(&word));
    stranger.nothing_more();
}

#[test]
fn a_wrong_token_opens_nothing() {
    let server = Server::start();
    let (_ana, word) = server.claim("ana");
    let mut bent = word.clone();
    let last = bent.pop().expect("43 characters");
    // The last character carries four bits that count: the first of these differ in them.
    bent.push(if last == 'A' { 'Q' } else { 'A' });
    server.turned_away("ana", &token(&bent), "wrong_password");
    server.turned_away("ana", &token("não é nada"), "wrong_password");
    server.still_serves();
}

/// Whoever tries names must not learn which exist, or which of them have a password.
#[test]
fn a_wrong_password_and_an_unknown_name_are_refused_alike() {
    let server = Server::start();
    with_password(&server, "ana");
    server.join("sem senha").leave();
    let mut refusals: Vec<Value> = ["ana", "sem senha", "nunca vista"]
        .iter()
        .map(|name| server.turned_away(name, &password("errada, mas longa"), "wrong_password").1)
        .collect();
    for refusal in &mut refusals {
        refusal["id"] = Value::Null;
    }
    assert_eq!(refusals[0], refusals[1]);
    assert_eq!(refusals[0], refusals[2]);
    // A guess makes no user.
    let mut witness = server.join("testemunha");
    let users = witness.ok(&json!({ "type": "list_users", "all": true }));
    let known: Vec<&str> = users["details"]
        .as_array()
        .expect("details")
        .iter()
        .map(|user| text(user, "name"))
        .collect();
    assert!(!known.contains(&"nunca vista"), "{known:?}");
    assert_eq!(sorted_texts(&users, "users"), ["testemunha"]);
}

#[test]
fn a_password_claims_the_name_and_opens_it() {
    let server = Server::start();
    with_password(&server, "ana");
    server.turned_away("ana", &json!({}), "auth_required");
    let (mut peer, _) = server.turned_away("ana", &password("errada, mas longa"), "wrong_password");
    let answer = peer.login("ana", &password(PASSWORD));
    assert_eq!(answer["username"], "ana");
    assert_eq!(answer.get("token"), None);
    peer.nothing_more();
}

#[test]
fn a_password_is_changed_by_who_knows_the_old_one() {
    let server = Server::start();
    let mut ana = server.join("ana");
    ana.refused(&json!({ "type": "set_password" }), "missing_field");
    ana.refused(&json!({ "type": "set_password", "password": "" }), "missing_field");
    ana.ok(&set_password(PASSWORD, None));
    let refusal = ana.refused(&set_password(ANOTHER, None), "wrong_password");
    assert_eq!(refusal["type"], "account_response");
    ana.refused(&set_password(ANOTHER, Some("errada, mas longa")), "wrong_password");
    ana.ok(&set_password(ANOTHER, Some(PASSWORD)));
    drop(ana);

    let (mut peer, _) = server.turned_away("ana", &password(PASSWORD), "wrong_password");
    peer.login("ana", &password(ANOTHER));
}

/// Hashing takes its time, on a thread of its own.
#[test]
fn nobody_waits_while_a_password_is_hashed() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    let mut request = set_password(PASSWORD, None);
    request["id"] = json!("senha");
    ana.send(&request);
    bia.nothing_more();
    assert_eq!(ana.answer_to(&request["id"])["status"], "success");
    ana.nothing_more();
    bia.tell("ana", "e agora?");
    ana.hears("bia", "e agora?");
}

#[test]
fn a_user_who_has_a_password_gets_a_token_for_each_login_that_wants_one() {
    let server = Server::start();
    with_password(&server, "ana");
    let (first, one) = new_token(&server, "ana");
    let (second, other) = new_token(&server, "ana");
    assert_ne!(one, other);
    for word in [one, other] {
        server.join_with("ana", Framing::Line, &token(&word)).nothing_more();
    }
    drop((first, second));
}

#[test]
fn logging_out_revokes_the_token_of_this_session_alone() {
    let server = Server::start();
    with_password(&server, "ana");
    let (first, one) = new_token(&server, "ana");
    let (mut second, other) = new_token(&server, "ana");
    first.leave();
    server.turned_away("ana", &token(&one), "wrong_password");
    server.join_with("ana", Framing::Line, &token(&other)).nothing_more();
    second.nothing_more();
}

#[test]
fn logging_out_everywhere_revokes_all_tokens_and_ends_all_sessions() {
    let server = Server::start();
    with_password(&server, "ana");
    let (mut first, one) = new_token(&server, "ana");
    let (mut second, other) = new_token(&server, "ana");
    let mut third = server.join_with("ana", Framing::Length, &password(PASSWORD));
    let mut bia = server.join("bia");
    let answer = first.ok(&json!({ "type": "logout", "everywhere": true }));
    assert_eq!(answer["type"], "account_response");
    first.end();
    second.rest();
    third.rest();
    bia.waits_until_gone("ana");
    for word in [one, other] {
        server.turned_away("ana", &token(&word), "wrong_password");
    }
    server.join_with("ana", Framing::Line, &password(PASSWORD)).nothing_more();
}

#[test]
fn a_restart_changes_nothing_about_whose_a_name_is() {
    let mut server = Server::start();
    with_password(&server, "Ana");
    let (kept, good) = new_token(&server, "Ana");
    let (gone, revoked) = new_token(&server, "Ana");
    let (bia, bias) = server.claim("Bia");
    server.join("Caio").leave();
    gone.leave();
    drop((kept, bia));

    for crash in [false, true] {
        if crash {
            server.crash();
        } else {
            server.restart();
        }
        for name in ["Ana", "bia"] {
            server.turned_away(name, &json!({}), "auth_required");
        }
        server.turned_away("Ana", &token(&revoked), "wrong_password");
        let mut ana = server.connect(Framing::Line);
        assert_eq!(ana.login("ana", &password(PASSWORD))["username"], "Ana");
        let mut second = server.join_with("ANA", Framing::Line, &token(&good));
        second.nothing_more();
        server.join_with("bia", Framing::Line, &token(&bias)).nothing_more();
        // Who claimed nothing is still anybody.
        server.join("caio").nothing_more();
    }
}

/// Who reads the data folder, or a backup of it, cannot log in with what stands there.
#[test]
fn neither_tokens_nor_passwords_stand_in_the_data_folder() {
    let mut server = Server::start();
    with_password(&server, "ana");
    let (ana, word) = new_token(&server, "ana");
    let (bia, other) = server.claim("bia");
    // A message can be found in the same way: the search below does see what is stored.
    server.join("caio").tell("bia", "uma frase que está no disco");
    drop((ana, bia));
    server.stop();
    assert!(stands_in(&server.data(), "uma frase que está no disco"));
    for secret in [PASSWORD, &word, &other] {
        assert!(!stands_in(&server.data(), secret), "{secret:?} can be read");
    }
}

fn stands_in(folder: &Path, words: &str) -> bool {
    std::fs::read_dir(folder).expect("the data folder").any(|entry| {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            return stands_in(&path, words);
        }
        let bytes = std::fs::read(&path).expect("a file of the server");
        bytes.windows(words.len()).any(|window| window == words.as_bytes())
    })
}
