//! Peers that take their time: to say something, to say all of it, and to listen.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use socket2::SockRef;

use crate::common::peer::with_timeout;
use crate::common::raw::{TEXT, Web, frame};
use crate::common::{Framing, Heard, Peer};
use crate::stage::{Stage, attack, attack_with, codes, read_to_end, reset, reset_peer};

/// Sends a byte to each of these, again and again, until the server has closed them all. What they
/// were told in the end.
#[track_caller]
fn drip(streams: Vec<TcpStream>, bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut open: Vec<(TcpStream, Vec<u8>)> =
        streams.into_iter().map(|stream| (stream, Vec::new())).collect();
    for (stream, _) in &open {
        with_timeout(stream, Duration::from_millis(1));
    }
    let mut closed = Vec::new();
    let began = std::time::Instant::now();
    let mut bytes = bytes.iter().cycle();
    while !open.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "{} are still let", open.len());
        let byte = bytes.next().expect("a cycle");
        open.retain_mut(|(stream, said)| {
            let sent = stream.write_all(&[*byte]);
            let mut piece = [0; 4_096];
            let ended = match stream.read(&mut piece) {
                Ok(count) => {
                    said.extend_from_slice(&piece[..count]);
                    count == 0
                }
                Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
            };
            let ended = ended || sent.is_err();
            if ended {
                closed.push(std::mem::take(said));
            }
            !ended
        });
        std::thread::sleep(Duration::from_millis(10));
    }
    closed
}

#[test]
fn a_login_byte_by_byte_without_end_is_not_waited_for() {
    attack_with(&["--login-time", "1s"], |stage| {
        let slow = (0..100).map(|_| stage.strike(b"{\"type\":\"login\",\"username\":\"")).collect();
        for said in drip(slow, b"x") {
            assert!(said.is_empty(), "{:?}", String::from_utf8_lossy(&said));
        }
    });
}

#[test]
fn pings_instead_of_a_login_win_no_time() {
    attack_with(&["--login-time", "1s"], |stage| {
        let slow = (0..20).map(|_| stage.strike(b"{\"type\":\"ping\"}\n")).collect();
        for said in drip(slow, b"{\"type\":\"ping\"}\n") {
            assert!(codes(&said).iter().all(|code| code == "pong"));
        }
    });
}

#[test]
fn a_frame_byte_by_byte_without_end_is_not_waited_for() {
    attack_with(&["--frame-time", "1s"], |stage| {
        let slow = (0..50)
            .map(|n| {
                let mut peer = stage.server.join(&format!("mallory {n}"));
                peer.send_bytes(b"{\"type\":\"ping\",\"x\":\"");
                peer.stream().try_clone().expect("a handle")
            })
            .collect();
        for said in drip(slow, b"x") {
            assert_eq!(codes(&said), ["invalid_frame"]);
        }
    });
}

#[test]
fn an_announced_frame_byte_by_byte_is_not_waited_for() {
    attack_with(&["--frame-time", "1s"], |stage| {
        let slow = (0..20)
            .map(|n| {
                let mut peer = stage.server.join_as(&format!("mallory {n}"), Framing::Length);
                peer.send_bytes(&1_000_000_u32.to_be_bytes());
                peer.stream().try_clone().expect("a handle")
            })
            .collect();
        for said in drip(slow, b" ") {
            let error: Value = serde_json::from_slice(&said[4..]).expect("JSON");
            assert_eq!(error["code"], "invalid_frame");
        }
    });
}

#[test]
fn a_websocket_message_byte_by_byte_is_not_waited_for() {
    attack_with(&["--frame-time", "1s"], |stage| {
        let slow = (0..20)
            .map(|n| {
                let mut web = Web::join(&stage.server, &format!("mallory {n}"));
                web.send_bytes(&frame(TEXT, &vec![b' '; 60_000])[..100]);
                web.writer()
            })
            .collect();
        for said in drip(slow, b" ") {
            let text = String::from_utf8_lossy(&said).into_owned();
            assert!(text.contains("invalid_frame"), "{text}");
            // The last frame says 1008.
            assert!(said.ends_with(&[0x88, 2, 0x03, 0xf0]), "{said:?}");
        }
    });
}

#[test]
fn a_message_byte_by_byte_is_a_message() {
    attack(|stage| {
        let mut peer = stage.server.join("ana");
        let content = "devagar ".repeat(200);
        let message = json!({
            "type": "private_message", "recipient": "vera", "content": content, "id": 7,
        });
        for byte in Framing::Line.frame(&message) {
            peer.send_bytes(&[byte]);
        }
        let answer = peer.answer_to(&json!(7));
        stage.acknowledged("ana", &answer);
    });
}

#[test]
fn a_crowd_that_never_says_a_word_gives_way() {
    attack_with(&["--max-unauthenticated", "100"], |stage| {
        let silent: Vec<TcpStream> = (0..500).map(|_| stage.server.dial()).collect();
        stage.server.still_serves();
        // The oldest have gone without a word, as they came; the newest are let.
        for mut stream in silent.into_iter().take(300) {
            assert!(read_to_end(&mut stream).is_empty());
        }
    });
}

#[test]
fn a_crowd_that_says_half_a_word_gives_way_and_is_told() {
    attack_with(&["--max-unauthenticated", "50"], |stage| {
        let half: Vec<TcpStream> = (0..200).map(|_| stage.strike(b"{\"type\"")).collect();
        stage.server.still_serves();
        for mut stream in half.into_iter().take(100) {
            let said = codes(&read_to_end(&mut stream));
            // What was thrown out before its first byte was read is told nothing.
            assert!(said.is_empty() || said == ["server_full"], "{said:?}");
        }
    });
}

/// A session whose socket takes little, so that the server soon knows that it does not read.
fn deaf(stage: &Stage, name: &str) -> Peer {
    let stream = stage.server.dial();
    SockRef::from(&stream).set_recv_buffer_size(4_096).expect("an option on a socket");
    let mut peer = Peer::new(stream, Framing::Line);
    peer.login(name, &json!({}));
    peer
}

#[test]
fn who_takes_no_byte_is_closed_and_finds_everything_later() {
    attack_with(&["--write-time", "1s"], |stage| {
        let deaf = deaf(stage, "surda");
        let mut ana = stage.server.join("ana");
        let content = "x".repeat(60_000);
        let sent: Vec<u64> = (0..40)
            .map(|_| crate::common::number(&ana.tell("surda", &content), "msg_id"))
            .collect();
        let mut curious = stage.server.join("curiosa");
        curious.waits_until_gone("surda");
        drop(deaf);
        let mut back = stage.server.connect(Framing::Line);
        back.login("surda", &json!({ "since": 0, "features": [] }));
        let missed: Vec<u64> =
            back.backlog().iter().map(|event| crate::common::number(event, "msg_id")).collect();
        assert_eq!(missed, sent);
    });
}

#[test]
fn who_reads_byte_by_byte_hears_everything() {
    attack(|stage| {
        let mut slow = stage.server.join("lenta");
        let mut ana = stage.server.join("ana");
        let sent: Vec<u64> = (0..20)
            .map(|_| crate::common::number(&ana.tell("lenta", &"x".repeat(10_000)), "msg_id"))
            .collect();
        let mut said = Vec::new();
        let mut byte = [0];
        for _ in &sent {
            while byte[0] != b'\n' {
                slow.stream().read_exact(&mut byte).expect("more of it");
                said.push(byte[0]);
            }
            byte[0] = 0;
        }
        let heard: Vec<u64> = crate::stage::frames(&said)
            .iter()
            .map(|event| crate::common::number(event, "msg_id"))
            .collect();
        assert_eq!(heard, sent);
        slow.nothing_more();
    });
}

#[test]
fn two_hundred_questions_whose_answers_nobody_reads_cost_little() {
    attack_with(&["--write-time", "30s"], |stage| {
        let mut ana = stage.server.join("ana");
        for _ in 0..15 {
            let answer = ana.tell("vera", &"x".repeat(60_000));
            stage.acknowledged("ana", &answer);
        }
        ana.leave();
        let asking: Vec<Peer> = (0..20)
            .map(|_| {
                let mut peer = stage.server.connect(Framing::Line);
                let port = peer.stream().local_addr().expect("its address").port();
                peer.login(&format!("surda {port}"), &json!({}));
                peer
            })
            .collect();
        for mut peer in asking {
            let past = json!({ "type": "search", "query": "testemunho", "limit": 200 });
            for _ in 0..200 {
                if !peer.try_send(&past) {
                    break;
                }
            }
            reset_peer(peer);
        }
    });
}

#[test]
fn a_session_that_answers_no_ping_is_closed() {
    attack_with(&["--ping", "300ms"], |stage| {
        let mut silent =
            stage.server.join_with("calada", Framing::Line, &json!({ "features": ["heartbeat"] }));
        silent.play_dead();
        let mut pings = 0;
        loop {
            match silent.hear() {
                Heard::Frame(frame) if frame["type"] == "heartbeat_ping" => pings += 1,
                Heard::Frame(frame) => assert_eq!(frame["type"], "synced"),
                Heard::End => break,
                Heard::Silence => panic!("it should have been closed"),
            }
        }
        assert_eq!(pings, 2);
    });
}

#[test]
fn half_open_connections_end_with_the_system_that_held_them() {
    attack(|stage| {
        // A machine that vanishes sends nothing more; here its end is a reset, much later.
        let vanished: Vec<Peer> =
            (0..50).map(|n| stage.server.join(&format!("sumida {n}"))).collect();
        stage.server.still_serves();
        vanished.into_iter().for_each(reset_peer);
        stage.server.join("curiosa").waits_until_gone("sumida 49");
        reset(stage.strike(b"{"));
    });
}
