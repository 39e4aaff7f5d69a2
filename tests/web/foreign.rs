//! A WebSocket client that others wrote.

use std::net::TcpStream;

use serde_json::{Value, json};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::{Message, WebSocket};

use crate::common::Server;

type Socket = WebSocket<TcpStream>;

#[track_caller]
fn open(server: &Server) -> Socket {
    let url = format!("ws://localhost:{}/ws", server.port());
    let (socket, response) = tungstenite::client(url, server.dial()).expect("a handshake");
    assert_eq!(response.status(), 101);
    socket
}

#[track_caller]
fn ask(socket: &mut Socket, request: &Value) -> Value {
    socket.send(Message::text(request.to_string())).expect("the server reads");
    hear(socket)
}

#[track_caller]
fn hear(socket: &mut Socket) -> Value {
    let message = socket.read().expect("a message");
    serde_json::from_str(message.to_text().expect("text")).expect("JSON")
}

#[test]
fn it_chats_with_a_peer_of_lines() {
    let server = Server::start();
    let mut bia = server.join("bia");
    let mut ana = open(&server);
    let answer = ask(&mut ana, &json!({ "type": "login", "username": "ana" }));
    assert_eq!(answer["status"], "success", "{answer}");
    for content in ["oi", "olá, é 🙂", &"x".repeat(65_536)] {
        let request = json!({ "type": "private_message", "recipient": "bia", "content": content });
        assert_eq!(ask(&mut ana, &request)["status"], "success");
        bia.hears("ana", content);
        bia.tell("ana", content);
        assert_eq!(hear(&mut ana)["content"], content);
    }
    ana.send(Message::Ping("está aí?".into())).expect("the server reads");
    assert_eq!(ana.read().expect("a pong"), Message::Pong("está aí?".into()));
    // It says goodbye, and is told so.
    let farewell = CloseFrame { code: CloseCode::Away, reason: "fui".into() };
    ana.close(Some(farewell)).expect("the server reads");
    let answer = ana.read().expect("the answer to a close");
    let Message::Close(Some(answer)) = answer else { panic!("{answer:?}") };
    assert_eq!(answer.code, CloseCode::Away);
    assert!(matches!(ana.read(), Err(tungstenite::Error::ConnectionClosed)));
    bia.waits_until_gone("ana");
}

#[test]
fn its_fragments_are_one_message() {
    let server = Server::start();
    let mut bia = server.join("bia");
    let mut ana = open(&server);
    ask(&mut ana, &json!({ "type": "login", "username": "ana" }));
    let content = "fragmentação ".repeat(2_000);
    let request = json!({ "type": "private_message", "recipient": "bia", "content": content });
    let request = request.to_string();
    // In the middle of characters, too.
    let mut parts = request.as_bytes().chunks(997).peekable();
    let mut kind = Data::Text;
    while let Some(part) = parts.next() {
        let fragment = Frame::message(part.to_vec(), OpCode::Data(kind), parts.peek().is_none());
        ana.send(Message::Frame(fragment)).expect("the server reads");
        kind = Data::Continue;
    }
    assert_eq!(hear(&mut ana)["status"], "success");
    bia.hears("ana", &content);
}

#[test]
fn a_load_of_websockets_arrives_whole() {
    let server = Server::start();
    let told = crate::common::server::papo()
        .args(["load", "--ws", "--no-baseline", "--clients", "10", "--messages", "300", "--json"])
        .args(["--server", &format!("localhost:{}", server.port())])
        .output()
        .expect("papo");
    let said = String::from_utf8_lossy(&told.stdout);
    assert_eq!(told.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&told.stderr));
    let report: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(report["ok"], true, "{report}");
}
