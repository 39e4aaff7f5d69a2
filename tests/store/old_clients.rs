//! The first Python clients know nothing of all this. What was said while they were away reaches
//! them as what they know: messages.

use serde_json::{Value, json};

use crate::common::python::Script;
use crate::common::{Python, Server};
use crate::{contents, history, with};

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

#[test]
fn offline_messages_reach_the_old_clients() {
    let server = Server::start();
    for script in BOTH {
        let name = format!("u{script:?}");
        comes_and_goes(&server, script, &name);
        let mut ana = server.join("ana");
        for n in 0..5 {
            ana.tell(&name, &format!("olá, {n} 😀"));
        }
        ana.leave();
        let mut client = Python::join(&server, script, &name);
        for n in 0..5 {
            client.reads(&json!(["private", "ana", format!("olá, {n} 😀")]));
        }
        client.sees(&json!(["unknown", "synced"]));
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

        let mut bruno = Python::join(&server, script, "bruno");
        bruno.reads(&json!(["private", "ana", "antes"]));
        bruno.sees(&json!(["added", "Trabalho", "ana"]));
        bruno.reads(&json!(["group", "Trabalho", "ana", "bom dia"]));
        bruno.reads(&json!(["private", "ana", "depois"]));
        bruno.reads(&json!(["group", "Trabalho", "ana", "boa tarde"]));
        bruno.sees(&json!(["unknown", "synced"]));
        nothing_strange(&server, &mut bruno, "bruno");
    }
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
