//! Those who keep to the rules of a WebSocket.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::raw::{CLOSE, Came, Http, PING, TEXT, Web, frame, handshake_fields};
use crate::common::{Framing, Server, eventually, number};

#[test]
fn one_message_is_the_same_bytes_in_every_framing() {
    let server = Server::start();
    let mut ana = server.join("ana");
    ana.group("create_group", "todos", &json!({}));
    let mut web = Web::join(&server, "web");
    let mut line = server.dial();
    let mut length = server.dial();
    for (name, stream, framing) in
        [("linha", &mut line, Framing::Line), ("prefixo", &mut length, Framing::Length)]
    {
        let login = json!({ "type": "login", "username": name });
        stream.write_all(&framing.frame(&login)).expect("the server reads");
        eventually("the name is known", || {
            let all = ana.ok(&json!({ "type": "list_users" }));
            crate::common::texts(&all, "users").contains(&name)
        });
    }
    for member in ["web", "linha", "prefixo"] {
        ana.group("add_member", "todos", &json!({ "new_member": member }));
    }
    // Short ones are copied, long ones shared.
    for size in [100, 40_000, 65_000] {
        ana.tell_group("todos", &"é".repeat(size / 2));
        let whole = loop {
            match web.next() {
                Came::Text(text) if text.starts_with(br#"{"type":"group_message_received""#) => {
                    break text;
                }
                Came::Text(_) => {}
                other => panic!("{other:?}"),
            }
        };
        let as_line = until(&mut line, &whole);
        let as_length = until(&mut length, &whole);
        assert_eq!(as_line.last(), Some(&b'\n'));
        assert_eq!(as_length[..4], u32::try_from(whole.len()).expect("small").to_be_bytes());
    }
}

/// Reads until these bytes have come, and gives what stands around them: four bytes before, one after.
fn until(stream: &mut TcpStream, wanted: &[u8]) -> Vec<u8> {
    let (mut seen, mut piece) = (Vec::new(), [0; 16_384]);
    loop {
        let found = seen.windows(wanted.len()).position(|window| window == wanted);
        if let Some(at) = found {
            return seen[at.saturating_sub(4)..(at + wanted.len() + 1).min(seen.len())].to_vec();
        }
        let count = stream.read(&mut piece).expect("the message comes");
        assert!(count > 0, "the stream ended");
        seen.extend_from_slice(&piece[..count]);
    }
}

#[test]
fn frames_sent_ahead_with_the_handshake_are_answered() {
    let server = Server::start();
    let mut http = Http::dial(&server);
    let fields = handshake_fields();
    let mut ahead = format!("GET /ws HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n").into_bytes();
    ahead.extend(frame(TEXT, br#"{"type":"ping","id":1}"#));
    ahead.extend(frame(PING, b"ei"));
    http.send(&ahead);
    assert_eq!(http.response(true).status, 101);
    let mut web = Web::over(http);
    assert_eq!(web.object()["id"], 1);
    assert_eq!(web.next(), Came::Pong(b"ei".to_vec()));
}

#[test]
fn a_close_is_answered_with_its_code() {
    let server = Server::start();
    for code in [1000u16, 1001, 3000, 4999] {
        let mut web = Web::join(&server, "ana");
        web.send_bytes(&frame(CLOSE, &[&code.to_be_bytes()[..], "até já".as_bytes()].concat()));
        web.closed(code);
    }
    let mut web = Web::open(&server);
    web.send_bytes(&frame(CLOSE, b""));
    assert_eq!(web.next(), Came::Close(None));
    assert_eq!(web.next(), Came::End);
}

#[test]
fn what_was_asked_before_a_close_is_answered_before_it() {
    let server = Server::start();
    server.join("bia").leave();
    let mut web = Web::join(&server, "ana");
    for id in 0..10 {
        web.send(
            &json!({ "type": "private_message", "id": id, "recipient": "bia", "content": "oi" }),
        );
    }
    web.send_bytes(&frame(CLOSE, &1000u16.to_be_bytes()));
    for id in 0..10 {
        let answer = web.object();
        assert_eq!((&answer["id"], &answer["status"]), (&json!(id), &json!("success")));
    }
    web.closed(1000);
}

#[test]
fn the_end_has_its_reason() {
    let mut server = Server::start();
    let mut web = Web::join(&server, "ana");
    web.send(&json!({ "type": "logout" }));
    assert_eq!(web.object()["type"], "account_response");
    web.closed(1000);
    // Who ends without a word is told goodbye too.
    let bia = Web::join(&server, "bia");
    let stranger = Web::open(&server);
    stranger.finish_sending();
    stranger.closed(1000);
    let waiting = Web::open(&server);
    server.signal("TERM");
    let mut times = Vec::new();
    for mut told in [bia, waiting] {
        let reason = told.object();
        assert_eq!(reason["code"], "shutting_down");
        times.push(reason["retry_ms"].as_u64().expect("when to come back"));
        told.closed(1001);
    }
    assert_ne!(times[0], times[1]);
    server.wait();
}

#[test]
fn a_session_is_asked_whether_it_is_there_and_closed_when_it_is_not() {
    let server = Server::start();
    let mut silent = Web::join(&server, "ana");
    silent.patience(Duration::from_secs(20));
    assert_eq!(silent.next(), Came::Ping);
    assert_eq!(silent.next(), Came::Ping);
    silent.closed(1008);
    // And its name is free.
    server.join("ana").leave();
}

#[test]
fn who_reads_late_misses_nothing() {
    let server = Server::start_durable("memory");
    let mut ana = server.join("ana");
    let mut web = Web::join(&server, "bia");
    // More than the sockets and an outbox take, so that it falls behind and is fed from the store.
    let content = "é".repeat(25_000);
    for id in 0..300 {
        ana.send(&json!({
            "type": "private_message", "id": id, "recipient": "bia", "content": content,
        }));
    }
    ana.answer_to(&json!(299));
    let (mut last, began) = (0, Instant::now());
    for _ in 0..300 {
        let message = web.object();
        assert_eq!(message["type"], "private_message_received");
        assert_eq!((&message["content"], &message["prev"]), (&json!(content), &json!(last)));
        last = number(&message, "msg_id");
    }
    // Some 150 pages: none waits for a deadline to be fetched.
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    web.send(&json!({ "type": "ping", "id": "fim" }));
    assert_eq!(web.object()["id"], "fim");
}
