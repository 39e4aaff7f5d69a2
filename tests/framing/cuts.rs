//! Frames in pieces, and many in one piece.

use serde_json::{Value, json};

use crate::common::{Framing, Peer, Server};

fn login(name: &str) -> Value {
    json!({ "type": "login", "username": name })
}

fn message(content: &str) -> Value {
    json!({ "type": "private_message", "recipient": "bia", "content": content })
}

/// The server has had a turn since, and so has read what had come.
fn let_the_server_read(witness: &mut Peer) {
    witness.nothing_more();
}

/// A login and a message, cut in two at every byte.
fn cut_at_every_byte(framing: Framing) {
    let server = Server::start();
    let mut bia = server.join("bia");
    let mut cut = 0;
    loop {
        cut += 1;
        // Digits alone, so that no name looks like another; and what makes framing hard.
        let name = format!("{cut:03}");
        let content = format!("é {cut:03} \" {{ }} \\ 😀");
        let wire = [framing.frame(&login(&name)), framing.frame(&message(&content))].concat();
        if cut == wire.len() {
            break;
        }
        let mut peer = server.connect(framing);
        peer.send_bytes(&wire[..cut]);
        let_the_server_read(&mut bia);
        peer.send_bytes(&wire[cut..]);
        assert_eq!(peer.event("login_response")["status"], "success");
        assert_eq!(peer.event("message_response")["status"], "success");
        bia.hears(&name, &content);
    }
    assert!(cut > 100, "{cut} cuts");
}

#[test]
fn lines_may_be_cut_anywhere() {
    cut_at_every_byte(Framing::Line);
}

#[test]
fn bare_objects_may_be_cut_anywhere() {
    cut_at_every_byte(Framing::Bare);
}

#[test]
fn lengths_may_be_cut_anywhere() {
    cut_at_every_byte(Framing::Length);
}

#[test]
fn bytes_may_come_one_by_one() {
    let server = Server::start();
    let mut bia = server.join("bia");
    for framing in Framing::ALL {
        let name = format!("u{framing:?}");
        let mut peer = server.connect(framing);
        let content = "é \" { } \\ 😀";
        let wire = [framing.frame(&login(&name)), framing.frame(&message(content))].concat();
        for byte in wire {
            peer.send_bytes(&[byte]);
            bia.ask(&json!({ "type": "ping" }));
        }
        // It may have come before the last byte was: the newline.
        bia.hears(&name, content);
        assert_eq!(peer.event("login_response")["status"], "success");
        assert_eq!(peer.event("message_response")["status"], "success");
    }
}

#[test]
fn a_thousand_frames_may_come_in_one_write() {
    let server = Server::start();
    let mut bia = server.join("bia");
    for framing in Framing::ALL {
        let name = format!("u{framing:?}");
        let mut peer = server.connect(framing);
        let mut wire = framing.frame(&login(&name));
        for n in 0..999 {
            let mut request = message(&format!("mensagem {n}"));
            request["id"] = json!(n);
            wire.extend(framing.frame(&request));
        }
        peer.send_bytes(&wire);
        for n in 0..999 {
            bia.hears(&name, &format!("mensagem {n}"));
        }
        assert_eq!(peer.event("login_response")["status"], "success");
        // Answers to a bare peer leave 20 ms apart; the first tell as much as all.
        let answers = if framing == Framing::Bare { 50 } else { 999 };
        for n in 0..answers {
            assert_eq!(peer.event("message_response")["id"], n);
        }
    }
}

#[test]
fn white_space_around_objects_is_nothing() {
    let server = Server::start();
    let mut peer = server.connect(Framing::Line);
    peer.send_bytes(b"\r\n \t\n");
    peer.send_bytes(b"  {\"type\":\"login\",\r \"username\":\"ana\"}\r\n\n\n   \r\n");
    peer.event("login_response");
    peer.send_bytes(b"\t{ \"type\" : \"ping\" } \r\n");
    peer.event("pong");
    peer.nothing_more();

    // Bare objects may have blanks between them.
    let mut peer = server.connect(Framing::Bare);
    peer.send_bytes(b" {\"type\":\"login\",\"username\":\"bia\"}  {\"type\":\"ping\"} ");
    peer.event("login_response");
    peer.event("pong");
    peer.nothing_more();
}

#[test]
fn the_last_line_needs_no_newline() {
    let server = Server::start();
    let mut bia = server.join("bia");
    let mut ana = server.connect(Framing::Line);
    let mut wire = Framing::Line.frame(&login("ana"));
    wire.extend(Framing::Bare.frame(&message("sem fim de linha")));
    ana.send_bytes(&wire);
    ana.finish_sending();
    bia.hears("ana", "sem fim de linha");
    ana.event("login_response");
    assert_eq!(ana.event("message_response")["status"], "success");
    ana.end();
}

#[test]
fn each_peer_is_answered_in_its_own_framing() {
    let server = Server::start();
    for framing in [Framing::Line, Framing::Bare] {
        let mut peer = server.connect(framing);
        // The peer reads up to a newline: what comes before it must be one object.
        peer.login(&format!("u{framing:?}"), &json!({}));
        peer.nothing_more();
    }
    let mut peer = server.connect(Framing::Length);
    peer.login("uLength", &json!({}));
    peer.nothing_more();
    // Errors of framing, too.
    for framing in Framing::ALL {
        let mut peer = server.connect(framing);
        peer.send_bytes(&framing.frame_bytes(b"{\"type\":}"));
        peer.error("invalid_json");
        peer.nothing_more();
    }
}

/// Who is a line client is not held back as a bare one must be. To see which of the two a peer
/// counts as: two objects in one line are two requests from a bare peer, and no JSON from the other.
#[test]
fn one_newline_makes_a_line_client() {
    let server = Server::start();
    // A new user and a known one; the newline with the first object, and after its answer.
    for apart in [false, true] {
        for _ in 0..2 {
            let mut peer = server.connect(Framing::Line);
            let wire = Framing::Line.frame(&login(if apart { "ana" } else { "bia" }));
            let (object, newline) = wire.split_at(wire.len() - 1);
            if apart {
                peer.send_bytes(object);
                peer.event("login_response");
                peer.send_bytes(newline);
            } else {
                peer.send_bytes(&wire);
                peer.event("login_response");
            }
            peer.send_bytes(b"{\"type\":\"ping\"}{\"type\":\"ping\"}\n");
            peer.error("invalid_json");
            peer.nothing_more();
            peer.leave();
        }
    }
}

#[test]
fn who_begins_bare_may_go_on_with_lines() {
    let server = Server::start();
    let mut peer = server.connect(Framing::Bare);
    peer.send_bytes(b"{\"type\":\"login\",\"username\":\"ana\"}");
    peer.event("login_response");
    peer.send_bytes(b"\n{\"type\":\"ping\",\"id\":1}\n{\"type\":\"ping\",\"id\":2}\n");
    for id in 1..3 {
        assert_eq!(peer.event("pong")["id"], id);
    }
}

#[test]
fn half_a_frame_is_no_request_however_long_it_takes() {
    let server = Server::start();
    let mut bia = server.join("bia");
    for framing in Framing::ALL {
        let name = format!("u{framing:?}");
        let mut peer = server.join_as(&name, framing);
        let wire = framing.frame(&message("inteira"));
        peer.send_bytes(&wire[..wire.len() - 4]);
        for _ in 0..20 {
            let_the_server_read(&mut bia);
        }
        peer.send_bytes(&wire[wire.len() - 4..]);
        peer.event("message_response");
        bia.hears(&name, "inteira");
    }
}
