//! What others wrote, where a terminal or a log shows it: it acts on nothing, and forges no line.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::common::raw::{Http, handshake_fields};
use crate::common::server::papo;
use crate::common::{Framing, number};
use crate::stage::{Stage, acts, assert_harmless, attack, attack_with};

/// A word at the beginning of a line of somebody else's making.
const FORGED: &str = "FORJADA";

/// What a terminal would obey: clearing, moving, titles, the clipboard, what is typed, eight-bit
/// controls, the order of characters, ends of lines.
fn evil_texts() -> Vec<String> {
    let texts = [
        "\u{1b}[2J\u{1b}[H",
        "\u{1b}]0;título\u{7}",
        "\u{1b}]52;c;cm0gLXJmIH4=\u{7}",
        "\u{1b}]8;;http://evil.example\u{1b}\\aqui\u{1b}]8;;\u{1b}\\",
        "\u{1b}[6n\u{1b}[c\u{1b}P$q\u{1b}\\",
        "\u{1b}[8m invisível \u{1b}[0m",
        "\u{9b}2J\u{90}x\u{9c}",
        "abc\u{8}\u{8}\u{8}xyz\rpor cima",
        "\u{202e}gpj.exe\u{202c}",
        "\u{2066}a\u{2069}\u{200f}\u{61c}",
        "a\u{200b}b\u{feff}c\u{2060}",
        "x\u{7f}\u{0}\u{1}",
        "z\u{e}a\u{f}",
    ];
    let breaks = ["\n", "\r", "\r\n", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}"];
    let forged = breaks.iter().map(|end| format!("linha{end}{FORGED} [SERVIDOR] desligando"));
    texts.iter().map(|text| (*text).to_owned()).chain(forged).collect()
}

/// The first line of this that acts, or is forged.
fn harmful(printed: &str) -> Option<&str> {
    printed.split('\n').find(|line| acts(line) || line.starts_with(FORGED))
}

/// Nothing in what a program printed acts, and no line of it is forged.
#[track_caller]
fn is_harmless(printed: &str) {
    assert_eq!(harmful(printed), None);
}

/// Runs `papo`, and gives everything that it printed.
#[track_caller]
fn run(home: &Path, args: &[&str]) -> String {
    let mut command: Command = papo();
    let output = command
        .args(args)
        .env("PAPO_HOME", home)
        .current_dir(home)
        .stdin(Stdio::null())
        .output()
        .expect("papo starts");
    let utf8 = |bytes| String::from_utf8(bytes).expect("UTF-8");
    utf8(output.stdout) + &utf8(output.stderr)
}

/// What `papo listen` prints for `robo`, to whom something was sent for each of the texts.
#[track_caller]
fn listen(home: &Path, stage: &Stage, more: &[&str]) -> String {
    let (count, server) =
        (evil_texts().len().to_string(), format!("localhost:{}", stage.server.port()));
    let args =
        ["listen", "--user", "robo", "--count", &count, "--seconds", "20", "--server", &server];
    run(home, &[&args, more].concat())
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn contents_are_shown_as_text_by_who_listens() {
    attack(|stage| {
        stage.server.join("robo").leave();
        let mut ana = stage.server.join("ana");
        for text in evil_texts() {
            ana.tell("robo", &text);
        }
        let printed = listen(home().path(), stage, &[]);
        is_harmless(&printed);
        assert!(printed.lines().count() >= evil_texts().len(), "{printed}");
    });
}

#[test]
fn contents_are_shown_as_json_by_who_listens_for_json() {
    attack(|stage| {
        stage.server.join("robo").leave();
        let mut ana = stage.server.join("ana");
        for text in evil_texts() {
            ana.tell("robo", &text);
        }
        let printed = listen(home().path(), stage, &["--json"]);
        // A program reads it: one object is one line, and what is in it is as it was.
        let said: Vec<Value> =
            printed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let contents: Vec<&str> =
            said.iter().filter_map(|event| event["content"].as_str()).collect();
        assert_eq!(contents, evil_texts());
        // And a terminal that shows it obeys nothing of it.
        assert!(!printed.contains(|c: char| c.is_control() && c != '\n'), "{printed:?}");
    });
}

#[test]
fn changes_and_reactions_are_shown_as_text_by_who_listens() {
    attack(|stage| {
        stage.server.join("robo").leave();
        let mut ana = stage.server.join("ana");
        for text in evil_texts() {
            let said = number(&ana.tell("robo", "limpo"), "msg_id");
            ana.ok(&json!({ "type": "edit_message", "msg_id": said, "content": text }));
            // A reaction is a short text, too, and is refused where it would act.
            let reaction = ana.ask(&json!({ "type": "react", "msg_id": said, "emoji": text }));
            let acts = text.contains(char::is_control) || text.len() > 64;
            assert_eq!(reaction["status"] == "error", acts, "{text:?}: {reaction}");
        }
        let printed = listen(home().path(), stage, &[]);
        is_harmless(&printed);
    });
}

#[test]
fn names_of_files_are_shown_as_text_by_who_listens() {
    attack(|stage| {
        stage.server.join("robo").leave();
        let mut ana = stage.server.join("ana");
        for text in evil_texts() {
            ana.ok(&json!({
                "type": "send_file", "recipient": "robo", "filename": text, "file_data": "b2k=",
            }));
        }
        let home = home();
        let printed = listen(home.path(), stage, &[]);
        is_harmless(&printed);
        // Nor do those who list the folder see anything else.
        let folder = home.path().join("client_downloads");
        for file in std::fs::read_dir(folder).expect("downloads") {
            assert_harmless(&file.expect("an entry").file_name().to_string_lossy());
        }
    });
}

#[test]
fn what_administrators_read_is_text() {
    attack(|stage| {
        stage.server.join("bia").leave();
        let mut ana = stage.server.join("ana");
        ana.group("create_group", "Trabalho", &json!({}));
        for text in evil_texts() {
            ana.tell("bia", &text);
            ana.tell_group("Trabalho", &text);
            ana.ok(&json!({
                "type": "send_file", "recipient": "bia", "filename": text, "file_data": "b2k=",
            }));
        }
        let data = stage.server.data();
        let data = data.to_str().expect("a path");
        for args in [
            &["admin", "users", "--data", data][..],
            &["admin", "export", "--user", "ana", "--with", "bia", "--data", data],
            &["admin", "export", "--group", "Trabalho", "--data", data],
            &[
                "admin", "export", "--user", "ana", "--with", "bia", "--format", "jsonl", "--data",
                data,
            ],
            &["admin", "files", "list", "--data", data],
            &["admin", "files", "verify", "--data", data],
            &["admin", "export", "--user", "\u{1b}[2J", "--with", "b\nFORJADA", "--data", data],
            &["admin", "export", "--group", "\u{202e}x\r", "--data", data],
            &["admin", "reset-password", "\u{9b}2J", "--data", data],
        ] {
            let printed = run(home().path(), args);
            if args.contains(&"jsonl") {
                // A program reads it, and what is invisible stays; a terminal obeys nothing of it.
                assert!(!printed.contains(|c: char| c.is_control() && c != '\n'), "{printed:?}");
            } else {
                is_harmless(&printed);
            }
            assert!(!printed.is_empty(), "{args:?}");
        }
    });
}

#[test]
fn arguments_that_are_wrong_are_quoted_as_text() {
    attack(|stage| {
        let home = home();
        let listed =
            run(home.path(), &["server", "--listen", "localhost:0", "--data", "x", "--help"]);
        is_harmless(&listed);
        for text in evil_texts() {
            if text.contains('\u{0}') {
                continue;
            }
            for args in [
                &["server", "--listen", text.as_str()][..],
                &["server", "--log", &text],
                &["server", "--max-file", &text],
                &["server", "--allow-origin", &text],
                &["server", &text],
                &["send", "--user", &text, "--server", "localhost:1", "bia", "oi"],
                &["send", "--user", "ana", "--server", &text, "bia", "oi"],
                &["listen", "--user", "ana", "--count", &text],
                &["listen", "--color", &text],
                &["admin", "users", "--data", &text],
                &["admin", &text],
                &[&text],
            ] {
                is_harmless(&run(home.path(), args));
            }
        }
        stage.server.still_serves();
    });
}

#[test]
fn what_strangers_send_is_not_in_the_log() {
    attack_with(&["--log", "debug"], |stage| {
        for text in evil_texts() {
            for name in [text.clone(), format!("a{text}")] {
                let mut peer = stage.server.connect(Framing::Line);
                let answer = peer.ask(&json!({ "type": "login", "username": name, "lang": text }));
                assert_eq!(answer["code"], "invalid_name", "{name:?}");
                let sentence = answer["message"].as_str().expect("a sentence");
                is_harmless(sentence);
                peer.finish_sending();
                peer.rest();
            }
            let mut peer = stage.server.join("mallory");
            for request in [
                json!({ "type": text }),
                json!({ "type": "private_message", "recipient": text, "content": "oi" }),
                json!({ "type": "create_group", "group_name": text }),
                json!({ "type": "history", "with": text }),
                json!({ "type": "ping", "username": text }),
                json!({ "type": "file_begin", "recipient": "vera", "filename": text, "size": "x" }),
                json!({ "type": "login", "username": text, "client": text }),
            ] {
                let answer = peer.ask(&request);
                let sentence = answer["message"].as_str().expect("a sentence");
                is_harmless(sentence);
            }
            peer.leave();
        }
        // The log is looked at afterwards; here, that it has something to show.
        stage.server.stdout().wait_for("mallory");
    });
}

#[test]
fn what_browsers_send_is_not_in_the_log_nor_in_the_answer() {
    attack_with(&["--log", "debug"], |stage| {
        for text in evil_texts() {
            // What cannot stand in a head is refused with it; the rest is asked for.
            for head in [
                format!("GET /{text} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                format!("GET / HTTP/1.1\r\nHost: {text}\r\n\r\n"),
                format!(
                    "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {text}\r\nCookie: {text}\r\n\r\n"
                ),
                format!("{text} / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                format!(
                    "GET /ws HTTP/1.1\r\nHost: localhost\r\n{}Origin: {text}\r\n\r\n",
                    handshake_fields()
                ),
            ] {
                let mut peer = stage.strike(head.as_bytes());
                let _ = peer.shutdown(std::net::Shutdown::Write);
                let said = crate::stage::read_to_end(&mut peer);
                let said = String::from_utf8_lossy(&said);
                let (head, body) = said.split_once("\r\n\r\n").unwrap_or((&said, ""));
                assert!(!head.contains(FORGED) && !head.contains('\u{1b}'), "{head}");
                // The page itself is ours, and may have lines.
                if !said.contains(" 200 ") {
                    is_harmless(body);
                }
            }
        }
        let mut http = Http::dial(&stage.server);
        assert_eq!(http.get("/%1b%5b2J%0aFORJADA", "").status, 404);
    });
}

/// A server that is none: it answers each connection's first line with these, and listens on.
fn evil_server(lines: Vec<Vec<u8>>) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut requests = BufReader::new(stream.try_clone().expect("a handle"));
        let mut request = String::new();
        for line in lines {
            request.clear();
            if requests.read_line(&mut request).unwrap_or(0) == 0 {
                return;
            }
            // The answer is to whatever id was asked with.
            let asked: Value = serde_json::from_str(&request).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace("\"ID\"", &asked["id"].to_string());
            if stream.write_all(line.as_bytes()).is_err() {
                return;
            }
        }
    });
    (port, serving)
}

#[test]
fn a_server_that_refuses_in_evil_words_is_quoted_as_text() {
    attack(|stage| {
        for text in evil_texts() {
            let refusal = json!({
                "type": "login_response", "status": "error", "code": text, "message": text, "id": "ID",
            });
            for command in ["send", "listen"] {
                let (port, serving) = evil_server(vec![Framing::Line.frame(&refusal)]);
                let server = format!("127.0.0.1:{port}");
                let mut args = vec![command, "--user", "ana", "--server", &server];
                if command == "send" {
                    args.extend(["bia", "oi"]);
                } else {
                    args.extend(["--seconds", "1"]);
                }
                is_harmless(&run(home().path(), &args));
                serving.join().expect("the evil server");
            }
        }
        stage.server.still_serves();
    });
}

#[test]
fn a_server_with_evil_names_is_quoted_as_text() {
    attack(|stage| {
        for text in evil_texts() {
            let welcome = json!({
                "type": "login_response", "status": "success", "message": text, "username": text,
                "server": text, "protocol": 1, "cursor": 0, "time": 0, "id": "ID",
            });
            let refusal = json!({
                "type": "message_response", "status": "error", "code": text, "message": text, "id": "ID",
            });
            let (port, serving) =
                evil_server(vec![Framing::Line.frame(&welcome), Framing::Line.frame(&refusal)]);
            let server = format!("127.0.0.1:{port}");
            let args = ["send", "--user", "ana", "--server", &server, "bia", "oi"];
            is_harmless(&run(home().path(), &args));
            serving.join().expect("the evil server");
        }
        stage.server.still_serves();
    });
}

#[test]
fn a_server_with_evil_events_is_quoted_as_text() {
    attack(|stage| {
        let welcome = json!({
            "type": "login_response", "status": "success", "message": "oi", "username": "ana",
            "server": "x", "protocol": 1, "cursor": 0, "time": 0, "id": "ID",
        });
        let mut said = Framing::Line.frame(&welcome);
        let mut number = 0;
        for text in evil_texts() {
            for kind in [
                "private_message_received",
                "group_message_received",
                "file_received",
                "group_file_received",
                "message_changed",
                "added_to_group",
                "group_event",
                "presence",
                "typing",
                "receipt",
                "error",
                "unheard_of",
            ] {
                number += 1;
                let event = json!({
                    "type": kind, "msg_id": number, "prev": 0, "sender": text, "recipient": text, "group_name": text,
                    "content": text, "timestamp": text, "ts": 0, "filename": text, "file_data": "b2k=", "size": 2,
                    "sha256": text, "user": text, "by": text, "added_by": text, "event": text, "new_name": text,
                    "kind": text, "with": text, "edited": true, "status": text, "message": text, "code": text,
                    "reactions": [{ "emoji": text, "users": [text] }],
                });
                said.extend(Framing::Line.frame(&event));
            }
        }
        let (port, serving) = evil_server(vec![said]);
        let home = home();
        let args =
            ["listen", "--user", "ana", "--server", &format!("127.0.0.1:{port}"), "--seconds", "2"];
        let printed = run(home.path(), &args);
        is_harmless(&printed);
        assert!(printed.lines().count() > evil_texts().len(), "{printed}");
        serving.join().expect("the evil server");
        // Files lie where they may, and nowhere else.
        let mut outside = std::fs::read_dir(home.path()).expect("a folder");
        assert!(outside.all(|entry| {
            let name = entry.expect("an entry").file_name();
            name == "client_downloads" || !name.to_string_lossy().contains("linha")
        }));
        stage.server.still_serves();
    });
}

/// The log of a server, at its most talkative, was looked at for each of the others; this one makes
/// sure that the look sees what it has to.
#[test]
fn the_look_at_what_is_shown_sees_what_acts() {
    for text in evil_texts() {
        assert!(harmful(&text).is_some(), "{text:?} was let pass");
    }
    is_harmless("linha\noutra linha: olá 😀 é \u{fffd}");
}
