//! The first Python clients know nothing of all this. What was said while they were away reaches
//! them as what they know: messages.

use serde_json::{Value, json};

use crate::common::python::{Script, looks_like_a_time};
use crate::common::{PATIENCE, Python, Server};
use crate::{contents, history, with};

/// How often a story is told to a machine that has no time for it.
const TRIES: u32 = 20;

const BOTH: [Script; 2] = [Script::Bare, Script::Length];

/// A client that is logged in and, by what is on its screen first, has missed nothing.
#[track_caller]
fn comes_and_goes(server: &Server, script: Script, name: &str) {
    let mut client = Python::join(server, script, name);
    assert_eq!(client.leave(), Some(0));
    server.join("testemunha").waits_until_gone(name);
}

/// Whatever was on its way has arrived, and it was nothing that the client does not know.
#[track_caller]
fn nothing_strange(server: &Server, client: &mut Python, name: &str) {
    // The witness of before may be on its way out still.
    let mut witness = server.join("marcador");
    witness.tell(name, "marco");
    client.reads(&json!(["private", "marcador", "marco"]));
    witness.leave();
    assert_eq!(client.leave(), Some(0));
    for shown in client.whole_screen() {
        // The end of a backlog is told to everybody, and passed over by who does not know of it.
        if shown == json!(["unknown", "synced"]) {
            continue;
        }
        assert_ne!(shown[0], "unknown", "{shown}");
        assert!(shown[0] != "lost" && shown[0] != "answer", "{shown}");
    }
}

/// What a client that logs in shows up to the end of what it missed, without the times. Nothing where
/// the machine was too busy to run it: the first client takes whatever one `recv` returns for one
/// object, and the 20 ms between two were over before it looked.
#[track_caller]
fn missed(client: &mut Python) -> Option<Vec<Value>> {
    let mut seen = Vec::new();
    loop {
        // It has ended when what it could not take was the answer to its login.
        let mut shown = client.may_show_within(PATIENCE)?;
        if shown[0] == "lost" {
            return None;
        }
        if shown == json!(["unknown", "synced"]) {
            return Some(seen);
        }
        if shown[0] == "private" || shown[0] == "group" {
            let words = shown.as_array_mut().expect("an array");
            let time = words.remove(words.len() - 2);
            assert!(looks_like_a_time(&time), "{time}");
        }
        seen.push(shown);
    }
}

fn welcome(name: &str) -> Value {
    json!(["login", "success", format!("Bem-vindo, {name}!")])
}

#[test]
fn offline_messages_reach_the_old_clients() {
    let server = Server::start();
    for script in BOTH {
        // Frames that come too close together are lost each time, those of a busy machine are not.
        let client = (0..TRIES).find_map(|attempt| {
            let name = format!("u{script:?} {attempt}");
            comes_and_goes(&server, script, &name);
            let mut ana = server.join("ana");
            let mut expected = vec![welcome(&name)];
            for n in 0..5 {
                let content = format!("olá, {n} 😀");
                ana.tell(&name, &content);
                expected.push(json!(["private", "ana", content]));
            }
            ana.leave();
            let mut client = Python::start(&server, script, &name);
            let seen = missed(&mut client)?;
            assert_eq!(seen, expected);
            Some((client, name))
        });
        let (mut client, name) = client.expect("one of them is run in time");
        nothing_strange(&server, &mut client, &name);
        server.join("testemunha").waits_until_gone(&name);
        // Once is enough.
        let mut client = Python::join(&server, script, &name);
        nothing_strange(&server, &mut client, &name);
    }
}

#[test]
fn offline_messages_reach_the_old_clients_across_a_restart() {
    for (script, crash) in [(BOTH[0], false), (BOTH[1], true), (BOTH[0], true), (BOTH[1], false)] {
        let whole = (0..TRIES).any(|_| offline_across_a_restart(script, crash));
        assert!(whole, "none of them was run in time");
    }
}

/// Whether the machine had time for it.
fn offline_across_a_restart(script: Script, crash: bool) -> bool {
    let mut server = Server::start();
    comes_and_goes(&server, script, "bruno");
    let mut ana = server.join("ana");
    ana.tell("bruno", "antes");
    ana.group("create_group", "Trabalho", &json!({}));
    ana.group("add_member", "Trabalho", &json!({ "new_member": "bruno" }));
    ana.tell_group("Trabalho", "bom dia");
    drop(ana);
    if crash {
        server.crash();
    } else {
        server.restart();
    }
    let mut ana = server.join("ana");
    ana.tell("bruno", "depois");
    ana.tell_group("Trabalho", "boa tarde");
    ana.leave();

    let mut bruno = Python::start(&server, script, "bruno");
    let Some(seen) = missed(&mut bruno) else { return false };
    let expected = [
        welcome("bruno"),
        json!(["private", "ana", "antes"]),
        json!(["added", "Trabalho", "ana"]),
        json!(["group", "Trabalho", "ana", "bom dia"]),
        json!(["private", "ana", "depois"]),
        json!(["group", "Trabalho", "ana", "boa tarde"]),
    ];
    assert_eq!(seen, expected);
    nothing_strange(&server, &mut bruno, "bruno");
    true
}

#[test]
fn old_clients_talk_and_what_they_said_outlives_the_server() {
    let mut server = Server::start();
    let mut ana = Python::join(&server, Script::Bare, "ana");
    let mut bruno = Python::join(&server, Script::Length, "bruno");
    let said: Vec<String> = (0..10).map(|n| format!("de ana {n}")).collect();
    for content in &said {
        ana.does(&json!(["private", "bruno", content]));
        // The first client sends objects with nothing between: one at a time, as people do.
        ana.is_told("message_response", "Mensagem enviada com sucesso");
        bruno.reads(&json!(["private", "ana", content]));
    }
    server.crash();
    let mut ana = server.join("ana");
    let whole = history(&mut ana, &with("bruno"));
    assert_eq!(contents(&whole), said);
    // They sent no ids, so each is a message of its own.
    assert!(whole.iter().all(|message| message.get("id").is_none()), "{whole:?}");
    assert_eq!(ana.ok(&json!({ "type": "list_users" }))["users"], json!(["ana"]));
}

#[test]
fn a_claimed_name_is_refused_to_an_old_client_in_words() {
    let server = Server::start();
    let (_ana, _word) = server.claim("ana");
    for script in BOTH {
        let mut stranger = Python::start(&server, script, "ana");
        let shown: Value = stranger.shows();
        assert_eq!((&shown[0], &shown[1]), (&json!("login"), &json!("error")));
        assert!(shown[2].as_str().is_some_and(|message| !message.is_empty()), "{shown}");
        assert_eq!(stranger.leave(), Some(1));
    }
}
