//! Frames that are wrong: told so, and what becomes of the connection.

use serde_json::{Value, json};

use crate::common::{Framing, Peer, Server};

const NO_OBJECTS: [&[u8]; 13] = [
    b"{\"type\":}",
    b"{'type':'ping'}",
    b"{\"type\":\"ping\"]}",
    b"{type:ping}",
    b"{\"a\":1,}",
    b"{\"a\" 1}",
    b"{\"content\":\"\x01\"}",
    b"{\"type\":\"\xff\xfe\"}",
    b"{\"type\":\"\xc3\"}",
    b"{\"type\":\"\\ud800\"}",
    b"{\"type\":\"\\x\"}",
    b"{\"a\":01}",
    b"{{}}",
];

/// What only a framing that says where a frame ends can carry.
const NO_OBJECTS_IN_A_FRAME: [&[u8]; 9] = [
    b"{]",
    b"[]",
    b"[{\"type\":\"ping\"}]",
    b"1",
    b"\"ping\"",
    b"null",
    b"oi",
    b"{\"type\":\"ping\"",
    b"{\"type\":\"ping\"}{\"type\":\"ping\"}",
];

/// A connection that has come as far as it can: 15 errors of framing are not too many.
fn goes_on(peer: &mut Peer) {
    peer.nothing_more();
}

#[test]
fn what_is_no_object_is_told_so_and_the_next_is_understood() {
    let server = Server::start();
    for framing in Framing::ALL {
        let mut peer = server.connect(framing);
        for bad in NO_OBJECTS {
            peer.send_bytes(&framing.frame_bytes(bad));
            peer.error("invalid_json");
            goes_on(&mut peer);
        }
        // The same before login and after.
        peer.login(&format!("u{framing:?}"), &json!({}));
    }
    for framing in [Framing::Line, Framing::Length] {
        let mut peer = server.join_as(&format!("v{framing:?}"), framing);
        for bad in NO_OBJECTS_IN_A_FRAME {
            peer.send_bytes(&framing.frame_bytes(bad));
            let error = peer.error("invalid_json");
            assert!(error["message"] != "", "{error}");
            goes_on(&mut peer);
        }
    }
    server.still_serves();
}

#[test]
fn an_invalid_object_and_a_valid_one_may_come_in_one_piece() {
    let server = Server::start();
    for framing in Framing::ALL {
        let mut peer = server.join_as(&format!("u{framing:?}"), framing);
        let mut wire = Vec::new();
        for n in 0..10 {
            wire.extend(framing.frame_bytes(b"{\"type\":}"));
            wire.extend(framing.frame(&json!({ "type": "ping", "id": n })));
        }
        peer.send_bytes(&wire);
        for n in 0..10 {
            peer.error("invalid_json");
            assert_eq!(peer.event("pong")["id"], n);
        }
    }
}

#[test]
fn an_empty_frame_is_no_object() {
    let server = Server::start();
    let mut peer = server.join_as("ana", Framing::Length);
    peer.send_bytes(&[0, 0, 0, 0]);
    peer.error("invalid_json");
    goes_on(&mut peer);
    // As the first thing on a connection, too.
    let mut peer = server.connect(Framing::Length);
    peer.send_bytes(&[0, 0, 0, 0]);
    peer.error("invalid_json");
    peer.login("bia", &json!({}));
}

#[test]
fn after_sixteen_errors_of_framing_the_connection_is_closed() {
    let server = Server::start();
    for framing in Framing::ALL {
        let mut peer = server.join_as(&format!("u{framing:?}"), framing);
        for _ in 0..15 {
            peer.send_bytes(&framing.frame_bytes(b"{\"type\":}"));
            peer.error("invalid_json");
        }
        goes_on(&mut peer);
        peer.send_bytes(&framing.frame_bytes(b"{\"type\":}"));
        peer.error("invalid_json");
        peer.end();
    }
    server.still_serves();
}

#[test]
fn what_follows_the_sixteenth_error_is_not_done() {
    let server = Server::start();
    let mut bia = server.join("bia");
    for framing in Framing::ALL {
        let mut peer = server.join_as(&format!("u{framing:?}"), framing);
        let mut wire = Vec::new();
        for _ in 0..16 {
            wire.extend(framing.frame_bytes(b"{\"type\":}"));
        }
        wire.extend(framing.frame(&message_to_bia("tarde demais")));
        peer.send_bytes(&wire);
        let said = peer.rest();
        assert_eq!(said.len(), 16, "{said:?}");
        assert!(said.iter().all(|frame| frame["code"] == "invalid_json"));
        bia.nothing_more();
    }
}

#[test]
fn requests_that_are_refused_are_no_errors_of_framing() {
    let server = Server::start();
    for framing in Framing::ALL {
        let mut peer = server.join_as(&format!("u{framing:?}"), framing);
        for _ in 0..20 {
            peer.refused(&json!({ "type": "dance" }), "unknown_type");
            peer.refused(&json!({ "type": 7 }), "invalid_field");
            peer.refused(&json!({}), "missing_field");
        }
        goes_on(&mut peer);
    }
}

#[test]
fn before_login_a_frame_has_at_most_4_kib() {
    let server = Server::start();
    for framing in Framing::ALL {
        // The largest that is allowed, to the byte.
        let mut peer = server.connect(framing);
        peer.send_bytes(&framing.frame_bytes(&padded_ping(4_096)));
        peer.event("pong");
        // One byte more.
        peer.send_bytes(&framing.frame_bytes(&padded_ping(4_097)));
        peer.error("frame_too_large");
        peer.end();
    }
    server.still_serves();
}

#[test]
fn after_login_a_frame_has_at_most_16_mib() {
    let server = Server::start();
    for framing in Framing::ALL {
        let mut peer = server.join_as(&format!("u{framing:?}"), framing);
        peer.send_bytes(&framing.frame_bytes(&padded_ping(16 * 1024 * 1024)));
        peer.event("pong");
        // The server may close before it has read all of this.
        let _ = std::io::Write::write_all(
            &mut peer.stream(),
            &framing.frame_bytes(&padded_ping(16 * 1024 * 1024 + 1)),
        );
        peer.error("frame_too_large");
        peer.end();
    }
    server.still_serves();
}

#[test]
fn a_line_that_never_ends_is_cut_off() {
    let server = Server::start();
    for first in [&b"{\"type\":\""[..], b"{"] {
        let mut peer = server.connect(Framing::Line);
        let _ = std::io::Write::write_all(&mut peer.stream(), first);
        let _ = std::io::Write::write_all(&mut peer.stream(), &vec![b'x'; 64 * 1024]);
        let said = peer.rest();
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0]["code"], "frame_too_large");
    }
    server.still_serves();
}

#[test]
fn an_announced_length_is_refused_before_anything_follows() {
    let server = Server::start();
    for length in [4_097_u32, 65_536, 0x00ff_ffff] {
        let mut peer = server.connect(Framing::Length);
        peer.send_bytes(&length.to_be_bytes());
        peer.error("frame_too_large");
        peer.end();
    }
    let mut bia = server.join("bia");
    for length in [16 * 1024 * 1024 + 1, 0x7fff_ffff, u32::MAX, 0x7b22_7479] {
        let mut peer = server.join_as("ana", Framing::Length);
        peer.send_bytes(&length.to_be_bytes());
        peer.error("frame_too_large");
        peer.end();
        bia.waits_until_gone("ana");
    }
}

#[test]
fn deep_nesting_is_survived() {
    let server = Server::start();
    for framing in Framing::ALL {
        let mut peer = server.join_as(&format!("u{framing:?}"), framing);
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let depth = 500_000;
            let deep = open.repeat(depth) + "1" + &close.repeat(depth);
            let frame = format!("{{\"type\":\"ping\",\"id\":1,\"deep\":{deep}}}");
            peer.send_bytes(&framing.frame_bytes(frame.as_bytes()));
            // Understood or not, it is answered, and the next one is understood.
            let answer = peer.next();
            assert!(answer["type"] == "pong" || answer["code"] == "invalid_json", "{answer}");
            goes_on(&mut peer);
        }
    }
    server.still_serves();
}

fn message_to_bia(content: &str) -> Value {
    json!({ "type": "private_message", "recipient": "bia", "content": content })
}

/// A `ping` of so many bytes.
fn padded_ping(bytes: usize) -> Vec<u8> {
    let head = br#"{"type":"ping","pad":""#;
    let tail = br#""}"#;
    let pad = vec![b'x'; bytes - head.len() - tail.len()];
    [head, pad.as_slice(), tail].concat()
}
