//! Connections: how many, from where, and for how long without a login.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use crate::common::peer::with_timeout;
use crate::common::raw::{Http, Web};
use crate::common::{Framing, Peer, eventually};
use crate::{limited, metric, with};

#[test]
fn one_address_has_so_many_connections_at_a_time() {
    let server = limited(&["--connections-per-address", "3"]);
    let mut ana = server.join("ana");
    let second = server.join("bia");
    let third = server.dial();
    for _ in 0..3 {
        let mut refused = server.connect(Framing::Line);
        refused.error("rate_limited");
        refused.end();
    }
    ana.ok(&json!({ "type": "ping" }));
    // Who goes makes room, also who has never said a word.
    drop(third);
    second.leave();
    eventually("there is room again", || {
        let mut peer = server.connect(Framing::Line);
        peer.try_send(&json!({ "type": "ping" }));
        matches!(peer.hear(), crate::common::Heard::Frame(frame) if frame["type"] == "pong")
    });
}

#[test]
fn one_address_makes_so_many_new_connections() {
    // One is for those who look at the numbers.
    let server = limited(&["--new-connections", "5"]);
    for number in 0..4 {
        server.join(&format!("pessoa {number}")).leave();
    }
    assert_eq!(metric(&server, "papo_address_refusals_total"), 0);
    let mut refused = server.connect(Framing::Line);
    refused.error("rate_limited");
    refused.end();
}

/// Whether it is still there, whatever it has said.
fn is_open(stream: &TcpStream) -> bool {
    with_timeout(stream, std::time::Duration::from_millis(1));
    let read = (&*stream).read(&mut [0; 1_000]);
    matches!(read, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

#[test]
fn who_does_not_log_in_makes_room_for_others_oldest_first() {
    let server = with(&["--max-unauthenticated", "4"]);
    let mut ana = server.join("ana");
    let mut oldest = server.connect(Framing::Line);
    oldest.ok(&json!({ "type": "ping" }));
    let silent: Vec<TcpStream> = (0..3).map(|_| server.dial()).collect();
    // Four are there. Each that comes from now on throws one out: first who speaks, and is told.
    let mut newer: Vec<Peer> = Vec::new();
    for _ in 0..4 {
        let mut peer = server.connect(Framing::Line);
        peer.ok(&json!({ "type": "ping" }));
        newer.push(peer);
    }
    oldest.error("server_full");
    oldest.end();
    for stream in &silent {
        eventually("the silent are gone", || !is_open(stream));
    }
    // The newest are there, and can log in; who is logged in counts no more.
    for (number, peer) in newer.iter_mut().enumerate() {
        peer.login(&format!("pessoa {number}"), &json!({}));
    }
    let crowd: Vec<Peer> = (0..10).map(|number| server.join(&format!("outra {number}"))).collect();
    ana.ok(&json!({ "type": "ping" }));
    for mut peer in newer.into_iter().chain(crowd) {
        peer.ok(&json!({ "type": "ping" }));
    }
    assert_eq!(metric(&server, "papo_unauthenticated_dropped_total"), 4);
}

#[test]
fn a_storm_of_strangers_does_not_keep_anybody_out() {
    let server = with(&["--max-unauthenticated", "16"]);
    let storm: Vec<TcpStream> = (0..200).map(|_| server.dial()).collect();
    server.still_serves();
    drop(storm);
}

#[test]
fn from_the_first_byte_to_the_login_there_is_little_time() {
    let server = with(&["--login-time", "500ms"]);
    let silent = server.connect(Framing::Line);
    let mut refused = server.connect(Framing::Line);
    let name = json!({ "type": "login", "username": "a/b" });
    refused.refused(&name, "invalid_name");
    let mut slow = server.connect(Framing::Line);
    slow.ok(&json!({ "type": "ping" }));
    slow.end();
    // In every framing, and also who goes on talking of other things.
    for framing in [Framing::Length, Framing::Bare] {
        let mut peer = server.connect(framing);
        peer.ok(&json!({ "type": "ping" }));
        while peer.try_send(&json!({ "type": "ping" })) {
            match peer.hear() {
                crate::common::Heard::Frame(_) => {}
                crate::common::Heard::End => break,
                crate::common::Heard::Silence => panic!("it should have ended"),
            }
        }
    }
    Web::open(&server).closed(1008);
    // Who has not said a word yet, or nothing since the login was refused, may be typing.
    for (mut peer, name) in [(silent, "ana"), (refused, "bia")] {
        peer.login(name, &json!({}));
        peer.ok(&json!({ "type": "ping" }));
    }
}

#[test]
fn who_never_says_a_word_has_more_time_but_not_for_ever() {
    let server = with(&["--silent-time", "500ms", "--login-time", "1h"]);
    let mut silent = server.dial();
    assert_eq!(silent.read(&mut [0]).expect("an end"), 0);
    // One byte, and another time counts.
    let mut begun = server.dial();
    begun.write_all(b"{").expect("the server reads");
    let mut silent = server.dial();
    assert_eq!(silent.read(&mut [0]).expect("an end"), 0);
    let mut refused = server.connect(Framing::Line);
    refused.refused(&json!({ "type": "login", "username": "a/b" }), "invalid_name");
    refused.end();
    begun.write_all(b"\"type\":\"login\",\"username\":\"ana\"}\n").expect("the server reads");
    Peer::new(begun, Framing::Line).event("login_response");
    assert_eq!(metric(&server, "papo_login_timeouts_total"), 3);
}

#[test]
fn a_head_of_http_has_a_time_of_its_own() {
    let server = with(&["--login-time", "100ms", "--silent-time", "100ms"]);
    let mut http = Http::dial(&server);
    http.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n");
    // As long as it takes for others to be closed.
    for _ in 0..3 {
        assert_eq!(server.dial().read(&mut [0]).expect("an end"), 0);
    }
    http.send("\r\n");
    assert_eq!(http.response(true).status, 200);
}
