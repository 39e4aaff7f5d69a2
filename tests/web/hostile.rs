//! WebSocket frames that break RFC 6455 or a limit: each ends with its code, and nobody else notices.

use std::io::Write;

use serde_json::json;

use crate::common::Server;
use crate::raw::{CLOSE, Came, PING, TEXT, Web, frame};

const CONTINUED: u8 = 0x80;
const FIRST: u8 = 0x01;

#[test]
fn each_broken_frame_has_its_code() {
    let server = Server::start();
    let mut masked_long = frame(TEXT, &[b'x'; 10]);
    masked_long[1] = 0x80 | 0x7e;
    masked_long.splice(2..2, [0, 10]);
    let bomb = |length: u64| [&[TEXT, 0x80 | 0x7f][..], &length.to_be_bytes()].concat();
    let pieces = |parts: &[Vec<u8>]| parts.concat();
    let mut endless = frame(FIRST, b"");
    for _ in 0..20 {
        endless.extend(frame(0, b""));
    }
    let stories: Vec<(&str, Vec<u8>, u16)> = vec![
        ("unmasked", vec![TEXT, 2, b'{', b'}'], 1002),
        ("reserved bit 1", frame(TEXT | 0x40, b"{}"), 1002),
        ("reserved bit 2", frame(TEXT | 0x20, b"{}"), 1002),
        ("reserved bit 3", frame(TEXT | 0x10, b"{}"), 1002),
        ("reserved kind", frame(0x83, b"{}"), 1002),
        ("reserved control kind", frame(0x8f, b""), 1002),
        ("a length in more bytes than it needs", masked_long, 1002),
        ("a length with its topmost bit", bomb(1 << 63), 1002),
        ("a ping of 126 bytes", frame(PING, &[b'x'; 126]), 1002),
        ("a ping in fragments", frame(0x09, b"x"), 1002),
        ("a close in fragments", frame(0x08, b""), 1002),
        ("a continuation of nothing", frame(CONTINUED, b"{}"), 1002),
        ("a message in a message", pieces(&[frame(FIRST, b"{"), frame(TEXT, b"{}")]), 1002),
        ("binary", frame(0x82, b"{}"), 1003),
        ("bad UTF-8", frame(TEXT, b"\"\xff\""), 1007),
        (
            "bad UTF-8 over two fragments",
            pieces(&[frame(FIRST, b"\xc3"), frame(CONTINUED, b"x")]),
            1007,
        ),
        ("endless empty continuations", endless, 1008),
        ("a close with half a code", frame(CLOSE, b"\x03"), 1002),
        ("a close with a code that is never sent", frame(CLOSE, &1005u16.to_be_bytes()), 1002),
        ("a close with a code from nowhere", frame(CLOSE, &2000u16.to_be_bytes()), 1002),
        ("a close whose reason is no text", frame(CLOSE, b"\x03\xe8\xc3\x28"), 1007),
    ];
    for (story, bytes, code) in stories {
        let mut web = Web::open(&server);
        // What comes before it is answered; what comes after it is not.
        web.send(&json!({ "type": "ping", "id": 1 }));
        web.send_bytes(&bytes);
        web.send(&json!({ "type": "ping", "id": 2 }));
        assert_eq!(web.object()["id"], 1, "{story}");
        assert_eq!(web.next(), Came::Close(Some(code)), "{story}");
        assert_eq!(web.next(), Came::End, "{story}");
    }
    server.still_serves();
}

#[test]
fn a_message_over_the_limit_is_refused_by_its_announcement() {
    let server = Server::start();
    let announce = |first: u8, length: u64| match length {
        126..=0xffff => [&[first, 0x80 | 0x7e][..], &length.to_be_bytes()[6..]].concat(),
        _ => [&[first, 0x80 | 0x7f][..], &length.to_be_bytes()].concat(),
    };
    for (name, limit) in [(None, 4 * 1024), (Some("ana"), 16 * 1024 * 1024)] {
        let open = || match name {
            Some(name) => Web::join(&server, name),
            None => Web::open(&server),
        };
        for first in [TEXT, FIRST] {
            let mut web = open();
            web.send_bytes(&announce(first, limit + 1));
            assert_eq!(web.object()["code"], "frame_too_large");
            web.closed(1009);
            server.join("espera").leave();
        }
        // All fragments together count.
        let mut web = open();
        web.send_bytes(&frame(FIRST, &[b' '; 1_000]));
        web.send_bytes(&announce(CONTINUED, limit - 999));
        assert_eq!(web.object()["code"], "frame_too_large");
        web.closed(1009);
    }
    server.still_serves();
}

#[test]
fn the_largest_message_arrives_in_pieces_of_any_size() {
    let server = Server::start();
    let mut web = Web::join(&server, "ana");
    // A ping with 4 MiB of white space after it.
    let mut request = br#"{"type":"ping","id":7}"#.to_vec();
    request.resize(4 * 1024 * 1024, b' ');
    let mut parts = request.chunks(65_536).peekable();
    let mut first = FIRST;
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        web.send_bytes(&frame(if last { CONTINUED } else { first }, part));
        first = 0;
        // Control frames may stand between fragments.
        web.send_bytes(&frame(PING, b"?"));
        if last {
            break;
        }
        assert_eq!(web.next(), Came::Pong(b"?".to_vec()));
    }
    assert_eq!(web.object()["id"], 7);
    assert_eq!(web.next(), Came::Pong(b"?".to_vec()));
}

#[test]
fn who_makes_no_sense_sixteen_times_is_closed() {
    let server = Server::start();
    let mut web = Web::open(&server);
    for _ in 0..15 {
        web.send_bytes(&frame(TEXT, b"oi"));
        assert_eq!(web.object()["code"], "invalid_json");
    }
    web.send_bytes(&frame(TEXT, b""));
    assert_eq!(web.object()["code"], "invalid_json");
    web.closed(1008);
}

#[test]
fn a_flood_of_pings_is_answered_no_faster_than_it_is_read() {
    let server = Server::start();
    let mut web = Web::open(&server);
    let flood = frame(PING, &[b'x'; 125]).repeat(1_000);
    let mut writer = web.writer();
    // It waits when the server does: nothing is read from whom does not read.
    let writing = std::thread::spawn(move || {
        for _ in 0..40 {
            writer.write_all(&flood).expect("the server reads");
        }
    });
    server.still_serves();
    for _ in 0..40_000 {
        assert_eq!(web.next(), Came::Pong(vec![b'x'; 125]));
    }
    writing.join().expect("all was taken");
}
