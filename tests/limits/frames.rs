//! One frame: how large, how deep, how long it may take to come.

use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::common::raw::{Web, frame};
use crate::common::{Framing, Heard, Server};
use crate::{metric, with};

/// A frame of this type with so many bytes.
fn sized(kind: &str, bytes: usize) -> Vec<u8> {
    let frame = json!({ "type": kind, "more": "" }).to_string();
    frame
        .replace(r#""more":"""#, &format!(r#""more":"{}""#, "x".repeat(bytes - frame.len())))
        .into()
}

#[test]
fn a_frame_is_as_large_as_the_operator_says_before_and_after_the_login() {
    let server = with(&["--max-login-frame", "1KiB", "--max-frame", "2KiB"]);
    for framing in [Framing::Line, Framing::Length, Framing::Bare] {
        let mut peer = server.connect(framing);
        peer.send_bytes(&framing.frame_bytes(&sized("ping", 1_024)));
        peer.event("pong");
        peer.send_bytes(&framing.frame_bytes(&sized("ping", 1_025)));
        peer.error("frame_too_large");
        peer.end();
        let mut peer = server.join_as(&format!("{framing:?}"), framing);
        peer.send_bytes(&framing.frame_bytes(&sized("ping", 2_048)));
        peer.event("pong");
        peer.send_bytes(&framing.frame_bytes(&sized("ping", 2_049)));
        peer.error("frame_too_large");
        peer.end();
    }
    server.still_serves();
}

#[test]
fn a_frame_is_as_deep_as_the_operator_says() {
    let server = with(&["--max-depth", "3"]);
    let mut ana = server.join("ana");
    ana.ok(&json!({ "type": "ping", "more": [[]] }));
    for _ in 0..15 {
        ana.send(&json!({ "type": "ping", "more": [[[]]] }));
        ana.error("invalid_json");
    }
    ana.ok(&json!({ "type": "ping" }));
    // It counts as any other frame that is no JSON: after 16 nobody listens any more.
    ana.send(&json!({ "type": "ping", "more": [[[]]] }));
    ana.error("invalid_json");
    ana.end();
}

#[test]
fn a_text_is_as_long_as_the_operator_says() {
    let server = with(&["--max-message", "10"]);
    let mut ana = server.join("ana");
    let sent = ana.tell("ana", "0123456789");
    for content in ["0123456789a", "ééééé."] {
        let message = json!({ "type": "private_message", "recipient": "ana", "content": content });
        ana.refused(&message, "too_large");
        let edit = json!({ "type": "edit_message", "msg_id": sent["msg_id"], "content": content });
        ana.refused(&edit, "too_large");
    }
}

/// Sends a byte now and then, as long as that is possible.
fn trickle(server: &Server, start: &[u8], framing: Framing) -> thread::JoinHandle<Vec<String>> {
    let mut peer = server.connect(framing);
    peer.send_bytes(start);
    let mut writer = peer.stream().try_clone().expect("the same socket");
    thread::spawn(move || {
        thread::spawn(move || {
            while std::io::Write::write_all(&mut writer, b"x").is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        });
        let mut codes = Vec::new();
        loop {
            match peer.hear() {
                Heard::Frame(frame) => codes.push(frame["code"].to_string()),
                Heard::End => return codes,
                Heard::Silence => panic!("a frame that never ends is waited for"),
            }
        }
    })
}

#[test]
fn a_frame_that_does_not_become_whole_is_not_waited_for() {
    let server = with(&["--frame-time", "500ms"]);
    let login = |name| json!({ "type": "login", "username": name });
    let length = [&Framing::Length.frame(&login("b"))[..], &100_000_u32.to_be_bytes()].concat();
    let line = [&Framing::Line.frame(&login("a"))[..], br#"{"type":"ping","more":""#].concat();
    let bare = br#"{"type":"ping","more":""#.to_vec();
    let tricklers = [
        trickle(&server, &line, Framing::Line),
        trickle(&server, &length, Framing::Length),
        trickle(&server, &bare, Framing::Bare),
    ];
    for trickler in tricklers {
        let codes = trickler.join().expect("the server closes");
        assert_eq!(codes.last().map(String::as_str), Some("\"invalid_frame\""), "{codes:?}");
    }
    let mut web = Web::join(&server, "ana");
    // The first fragment of a message; a ping between the fragments is no end of it.
    let mut fragment = frame(0x01, br#"{"type":"#);
    fragment.extend(frame(0x89, b"x"));
    web.send_bytes(&fragment);
    loop {
        match web.next() {
            crate::common::raw::Came::Text(text) => {
                assert!(String::from_utf8_lossy(&text).contains("invalid_frame"));
                break;
            }
            crate::common::raw::Came::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
    web.closed(1008);
    assert_eq!(metric(&server, "papo_frame_timeouts_total"), 4);
    server.still_serves();
}

#[test]
fn who_sends_whole_frames_or_is_not_read_is_not_blamed() {
    let server = with(&["--frame-time", "2s", "--outbox-soft", "1KiB"]);
    // Whole frames, each with the beginning of the next: each has its own time.
    let mut ana = server.join("ana");
    // Questions without an end, of which no answer is read, and the beginning of one more: the server
    // stops reading, and the beginning lies there.
    let mut full = server.join("cheia");
    full.stream().set_write_timeout(Some(Duration::from_millis(500))).expect("a timeout");
    let mut asked = 0;
    while full.try_send(&json!({ "type": "list_users", "id": asked, "more": "x".repeat(1_000) })) {
        asked += 1;
    }
    let ping = Framing::Line.frame(&json!({ "type": "ping" }));
    let (first, second) = ping.split_at(7);
    ana.send_bytes(first);
    // For longer than the time of one frame: until two others are late, one after the other.
    thread::scope(|scope| {
        let late = scope.spawn(|| {
            for _ in 0..2 {
                let mut late = server.connect(Framing::Line);
                late.send_bytes(b"{");
                late.error("invalid_frame");
            }
        });
        while !late.is_finished() {
            ana.send_bytes(&[second, first].concat());
            ana.event("pong");
        }
    });
    let mut answered = 0;
    while answered < asked {
        match full.hear() {
            Heard::Frame(frame) => {
                assert_eq!(frame["type"], "users_list", "{frame}");
                answered += 1;
            }
            other => panic!("{answered} of {asked} answers, then {other:?}"),
        }
    }
}
