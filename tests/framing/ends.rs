//! How connections end.

use std::time::Duration;

use serde_json::json;
use socket2::SockRef;

use crate::common::{Framing, Heard, Server};

#[test]
fn who_has_finished_sending_still_gets_the_answers() {
    let server = Server::start();
    let mut bia = server.join("bia");
    for framing in Framing::ALL {
        let name = format!("u{framing:?}");
        let mut peer = server.connect(framing);
        let mut wire = framing.frame(&json!({ "type": "login", "username": name }));
        for n in 0..20 {
            wire.extend(framing.frame(&json!({
                "type": "private_message", "recipient": "bia", "content": "oi", "id": n,
            })));
        }
        peer.send_bytes(&wire);
        peer.finish_sending();
        assert_eq!(peer.event("login_response")["status"], "success");
        for n in 0..20 {
            let answer = peer.event("message_response");
            assert_eq!((&answer["id"], &answer["status"]), (&json!(n), &json!("success")));
            bia.hears(&name, "oi");
        }
        peer.end();
        bia.waits_until_gone(&name);
    }
}

#[test]
fn a_half_frame_at_the_end_is_nothing() {
    let server = Server::start();
    let mut bia = server.join("bia");
    for framing in Framing::ALL {
        let name = format!("u{framing:?}");
        let mut peer = server.join_as(&name, framing);
        let request = json!({ "type": "private_message", "recipient": "bia", "content": "metade" });
        let wire = framing.frame(&request);
        peer.send_bytes(&wire[..wire.len() / 2]);
        peer.finish_sending();
        // It may be told that this was no object.
        for frame in peer.rest() {
            let code = &frame["code"];
            assert!(code == "invalid_json" || code == "invalid_frame", "{frame}");
        }
        bia.waits_until_gone(&name);
        bia.nothing_more();
    }
}

#[test]
fn connections_that_say_nothing_end_without_a_trace() {
    let server = Server::start();
    for _ in 0..100 {
        drop(server.dial());
    }
    let quiet: Vec<_> = (0..100).map(|_| server.dial()).collect();
    for stream in &quiet {
        stream.shutdown(std::net::Shutdown::Write).expect("a half-close");
    }
    server.still_serves();
    for stream in quiet {
        let mut peer = crate::common::Peer::new(stream, Framing::Line);
        assert!(matches!(peer.hear(), Heard::End));
    }
}

#[test]
fn resets_at_any_moment_disturb_nobody() {
    let server = Server::start();
    let mut bia = server.join("bia");
    let login = |name: &str| json!({ "type": "login", "username": name });
    let request = json!({ "type": "private_message", "recipient": "bia", "content": "oi" });
    for framing in Framing::ALL {
        let frame = framing.frame(&request);
        for n in 0..30 {
            let name = format!("u{framing:?} {n}");
            let wire = match n % 5 {
                0 => Vec::new(),
                1 => framing.frame(&login(&name))[..10].to_vec(),
                2 => framing.frame(&login(&name)),
                3 => [framing.frame(&login(&name)), frame.clone()].concat(),
                _ => [framing.frame(&login(&name)), frame.repeat(50), frame[..9].to_vec()].concat(),
            };
            let mut peer = server.connect(framing);
            peer.send_bytes(&wire);
            if n % 2 == 0 {
                bia.ask(&json!({ "type": "ping" }));
            }
            // Closing with nothing to linger for is a reset.
            SockRef::from(peer.stream())
                .set_linger(Some(Duration::ZERO))
                .expect("an option on a socket");
        }
    }
    for frame in bia.take_aside() {
        assert_eq!(frame["content"], "oi");
    }
    server.still_serves();
    // All of them are gone.
    for framing in Framing::ALL {
        for n in 0..30 {
            bia.waits_until_gone(&format!("u{framing:?} {n}"));
        }
    }
}

#[test]
fn who_goes_while_being_written_to_disturbs_nobody() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let content = "x".repeat(50_000);
    for framing in Framing::ALL {
        let bia = server.join_as("bia", framing);
        for n in 0..10 {
            ana.send(&json!({
                "type": "private_message", "recipient": "bia", "content": content, "id": n,
            }));
        }
        SockRef::from(bia.stream())
            .set_linger(Some(Duration::ZERO))
            .expect("an option on a socket");
        drop(bia);
        for n in 0..10 {
            assert_eq!(ana.answer_to(&json!(n))["status"], "success");
        }
        ana.waits_until_gone("bia");
        // What bia missed is hers when she comes back; then the next round starts clean.
        let mut bia = server.join("bia");
        bia.ask(&json!({ "type": "ping" }));
        bia.leave();
    }
    server.still_serves();
}
