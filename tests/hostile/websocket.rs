//! WebSocket frames that break RFC 6455 or a limit: each ends with its code.

use std::io::Write;

use serde_json::json;

use crate::common::raw::{CLOSE, Came, PING, PONG, TEXT, Web, frame, handshake_fields};
use crate::stage::{Stage, attack, reset};

const CONTINUED: u8 = 0x80;
const FIRST: u8 = 0x01;

/// These frames, after a ping that is answered, end the WebSocket with this code.
#[track_caller]
fn ends(stage: &Stage, bytes: &[u8], code: u16) {
    let mut web = Web::open(&stage.server);
    // What comes before it is answered; what comes after it is not.
    web.send(&json!({ "type": "ping", "id": 1 }));
    web.send_bytes(bytes);
    web.send(&json!({ "type": "ping", "id": 2 }));
    assert_eq!(web.object()["id"], 1);
    assert_eq!(web.next(), Came::Close(Some(code)));
    assert_eq!(web.next(), Came::End);
}

#[test]
fn a_frame_without_a_mask_is_refused() {
    attack(|stage| {
        ends(stage, &[TEXT, 2, b'{', b'}'], 1002);
        ends(stage, &[PING, 0], 1002);
        ends(stage, &[CLOSE, 0], 1002);
    });
}

#[test]
fn reserved_bits_and_kinds_are_refused() {
    attack(|stage| {
        for first in [TEXT | 0x40, TEXT | 0x20, TEXT | 0x10, PING | 0x40, CLOSE | 0x10] {
            ends(stage, &frame(first, b"{}"), 1002);
        }
        for kind in [0x3, 0x7, 0xB, 0xF] {
            ends(stage, &frame(0x80 | kind, b"{}"), 1002);
        }
    });
}

#[test]
fn a_length_in_more_bytes_than_it_needs_is_refused() {
    attack(|stage| {
        let mut long = frame(TEXT, &[b'x'; 10]);
        long[1] = 0x80 | 0x7e;
        long.splice(2..2, [0, 10]);
        ends(stage, &long, 1002);
        for length in [0_u64, 10, 125, 126, 65_535] {
            ends(stage, &[&[TEXT, 0x80 | 0x7f][..], &length.to_be_bytes()].concat(), 1002);
        }
    });
}

#[test]
fn a_length_that_fills_the_address_space_is_refused() {
    attack(|stage| {
        for (length, code) in [(1 << 63, 1002), (u64::MAX, 1002)] {
            ends(stage, &[&[TEXT, 0x80 | 0x7f][..], &u64::to_be_bytes(length)].concat(), code);
        }
        let mut web = Web::open(&stage.server);
        web.send_bytes(&[&[TEXT, 0x80 | 0x7f][..], &((1_u64 << 63) - 1).to_be_bytes()].concat());
        assert_eq!(web.object()["code"], "frame_too_large");
        web.closed(1009);
    });
}

#[test]
fn control_frames_that_are_large_or_in_fragments_are_refused() {
    attack(|stage| {
        ends(stage, &frame(PING, &[b'x'; 126]), 1002);
        ends(stage, &frame(PONG, &[b'x'; 126]), 1002);
        ends(stage, &frame(CLOSE, &vec![b'x'; 70_000]), 1002);
        for first in [0x08, 0x09, 0x0A] {
            ends(stage, &frame(first, b""), 1002);
        }
    });
}

#[test]
fn fragments_out_of_order_are_refused() {
    attack(|stage| {
        ends(stage, &frame(CONTINUED, b"{}"), 1002);
        ends(stage, &frame(0x00, b"{}"), 1002);
        ends(stage, &[frame(FIRST, b"{"), frame(TEXT, b"{}")].concat(), 1002);
        ends(stage, &[frame(FIRST, b"{"), frame(FIRST, b"{}")].concat(), 1002);
        ends(stage, &[frame(FIRST, b"{"), frame(0x82, b"{}")].concat(), 1002);
    });
}

#[test]
fn fragments_of_nothing_without_end_are_cut_off() {
    attack(|stage| {
        let mut endless = frame(FIRST, b"");
        for _ in 0..20 {
            endless.extend(frame(0, b""));
        }
        ends(stage, &endless, 1008);
        // Pings between them do not help.
        let mut endless = frame(FIRST, b"{");
        for _ in 0..20 {
            endless.extend(frame(0, b""));
            endless.extend(frame(PONG, b""));
        }
        ends(stage, &endless, 1008);
    });
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    attack(|stage| {
        ends(stage, &frame(0x82, b"{}"), 1003);
        ends(stage, &frame(0x02, b"{}"), 1003);
        for text in [&b"\"\xff\""[..], b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc3"] {
            ends(stage, &frame(TEXT, text), 1007);
        }
        ends(stage, &[frame(FIRST, b"\xc3"), frame(CONTINUED, b"x")].concat(), 1007);
    });
}

#[test]
fn codes_of_a_close_that_nobody_may_send_are_refused() {
    attack(|stage| {
        ends(stage, &frame(CLOSE, b"\x03"), 1002);
        for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535] {
            ends(stage, &frame(CLOSE, &code.to_be_bytes()), 1002);
        }
        ends(stage, &frame(CLOSE, b"\x03\xe8\xc3\x28"), 1007);
    });
}

#[test]
fn a_line_on_a_websocket_is_no_frame() {
    attack(|stage| ends(stage, b"{\"type\":\"ping\"}\n", 1002));
}

#[test]
fn a_message_over_the_limit_is_refused_by_its_announcement() {
    attack(|stage| {
        let announce = |first: u8, length: u64| match length {
            126..=0xffff => [&[first, 0x80 | 0x7e][..], &length.to_be_bytes()[6..]].concat(),
            _ => [&[first, 0x80 | 0x7f][..], &length.to_be_bytes()].concat(),
        };
        for (name, limit) in [(None, 4 * 1024), (Some("ana"), 16 * 1024 * 1024)] {
            let open = || match name {
                Some(name) => Web::join(&stage.server, name),
                None => Web::open(&stage.server),
            };
            for first in [TEXT, FIRST] {
                let mut web = open();
                web.send_bytes(&announce(first, limit + 1));
                assert_eq!(web.object()["code"], "frame_too_large");
                web.closed(1009);
                stage.server.join("espera").leave();
            }
            // All fragments together count.
            let mut web = open();
            web.send_bytes(&frame(FIRST, &[b' '; 1_000]));
            web.send_bytes(&announce(CONTINUED, limit - 999));
            assert_eq!(web.object()["code"], "frame_too_large");
            web.closed(1009);
        }
    });
}

#[test]
fn the_largest_message_arrives_in_pieces_of_any_size() {
    attack(|stage| {
        let mut web = Web::join(&stage.server, "ana");
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
    });
}

#[test]
fn who_makes_no_sense_sixteen_times_is_closed() {
    attack(|stage| {
        let mut web = Web::open(&stage.server);
        for _ in 0..15 {
            web.send_bytes(&frame(TEXT, b"oi"));
            assert_eq!(web.object()["code"], "invalid_json");
        }
        web.send_bytes(&frame(TEXT, b""));
        assert_eq!(web.object()["code"], "invalid_json");
        web.closed(1008);
    });
}

#[test]
fn a_flood_of_pings_is_answered_no_faster_than_it_is_read() {
    attack(|stage| {
        let mut web = Web::open(&stage.server);
        let flood = frame(PING, &[b'x'; 125]).repeat(1_000);
        let mut writer = web.writer();
        // It waits when the server does: nothing is read from whom does not read.
        let writing = std::thread::spawn(move || {
            for _ in 0..40 {
                writer.write_all(&flood).expect("the server reads");
            }
        });
        stage.server.still_serves();
        for _ in 0..40_000 {
            assert_eq!(web.next(), Came::Pong(vec![b'x'; 125]));
        }
        writing.join().expect("all was taken");
    });
}

#[test]
fn a_frame_byte_by_byte_is_waited_for_and_costs_nothing() {
    attack(|stage| {
        let mut web = Web::open(&stage.server);
        let bytes = frame(TEXT, br#"{"type":"ping","id":1}"#);
        for byte in bytes {
            web.send_bytes(&[byte]);
        }
        assert_eq!(web.object()["id"], 1);
    });
}

#[test]
fn half_a_handshake_and_half_a_frame_end_without_a_trace() {
    attack(|stage| {
        let whole = format!("GET /ws HTTP/1.1\r\nHost: localhost\r\n{}\r\n", handshake_fields());
        for end in (1..whole.len()).step_by(17) {
            reset(stage.strike(&whole.as_bytes()[..end]));
        }
        let bytes = [whole.as_bytes(), &frame(TEXT, br#"{"type":"ping"}"#)].concat();
        for end in whole.len()..bytes.len() {
            reset(stage.strike(&bytes[..end]));
        }
    });
}
