//! Bytes that are no frames, or not quite: by lines, without anything between objects, and with
//! lengths before them.

use std::io::Write;
use std::net::Shutdown;

use serde_json::json;

use crate::common::{Framing, Peer};
use crate::stage::{attack, codes, login_line, read_to_end, reset};

/// What speaks first on other people's ports, and what scanners try.
const STRANGERS: [&[u8]; 32] = [
    b"\x01",
    b"\x02\x00\x00\x00",
    b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00",
    b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00",
    b"\x05\x01\x00",
    b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00",
    b"\x15\x03\x01\x00\x02\x01\x00",
    b"\x17\x03\x03\x00\x01\x00",
    b"\x1b[2J",
    b"\x7f",
    b"\x80\x2e\x01\x00\x02",
    // A WebSocket's frame without its handshake.
    b"\x81\x82\x00\x00\x00\x00{}",
    b"\xff",
    b"\xff\xfb\x01\xff\xfd\x03",
    b"\xfe\xff\x00{",
    b"\xff\xfe{\x00",
    b"\xef\xbb\xbf{\"type\":\"ping\"}\n",
    b"[{\"type\":\"ping\"}]\n",
    b"\"ping\"\n",
    b"}\n",
    b"1\n",
    b"-1\n",
    b"null\n",
    b"oi\n",
    b"*1\r\n$4\r\nPING\r\n",
    b"NICK ana\r\nUSER ana 0 * :ana\r\n",
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"EHLO example.org\r\n",
    b"USER ana\r\n",
    b"LIST\r\n",
    b"<stream:stream to='x'>",
    b"'{}'",
];

#[test]
fn strangers_are_told_what_is_expected_and_sent_away() {
    attack(|stage| {
        for bytes in STRANGERS {
            stage.sends_away(bytes, "invalid_frame");
        }
    });
}

#[test]
fn every_first_byte_is_survived() {
    attack(|stage| {
        for byte in 0..=255u8 {
            for rest in [&b""[..], b"\n", b"\0\0\0\0\0\0\0\0", b"{\"type\":\"ping\"}\n"] {
                let mut stream = stage.strike(&[byte]);
                // The first byte may have been enough to be sent away.
                let _ = stream.write_all(rest);
                let _ = stream.shutdown(Shutdown::Write);
                if byte % 3 == 0 {
                    read_to_end(&mut stream);
                }
            }
        }
    });
}

#[test]
fn noise_is_survived() {
    attack(|stage| {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for round in 0..120 {
            let length = random() % 3_000;
            let mut noise: Vec<u8> = (0..length).map(|_| random().to_le_bytes()[3]).collect();
            // Two of three get past the first byte; half of these are logged in.
            if round % 3 != 0 {
                let framing = Framing::ALL[usize::try_from(random() % 3).expect("below 3")];
                let login = json!({ "type": "login", "username": format!("r{round}") });
                let first = if round % 2 == 0 {
                    framing.frame(&login)
                } else {
                    framing.frame_bytes(b"{\"type\":")
                };
                noise.splice(..0, first);
            }
            let mut stream = stage.strike(&noise);
            let _ = stream.shutdown(Shutdown::Write);
            read_to_end(&mut stream);
        }
    });
}

#[test]
fn a_length_of_gigabytes_is_refused_by_its_announcement() {
    attack(|stage| {
        for length in [4_097_u32, 0x00ff_ffff] {
            stage.sends_away_by_length(&length.to_be_bytes());
        }
        for (n, length) in
            [16 * 1024 * 1024 + 1, 0x7fff_ffff, 0x8000_0000, u32::MAX].into_iter().enumerate()
        {
            let mut peer = stage.server.join_as(&format!("mallory {n}"), Framing::Length);
            peer.send_bytes(&length.to_be_bytes());
            peer.error("frame_too_large");
            peer.end();
        }
    });
}

#[test]
fn lengths_of_zero_without_end_are_cut_off() {
    attack(|stage| {
        let mut stream = stage.strike(&vec![0; 100_000]);
        let mut peer = Peer::new(stream.try_clone().expect("a handle"), Framing::Length);
        let said = peer.rest();
        assert!(said.len() <= 16, "{} answers", said.len());
        assert!(said.iter().all(|frame| frame["code"] == "invalid_json"), "{said:?}");
        read_to_end(&mut stream);
    });
}

#[test]
fn a_length_prefix_that_never_comes_to_an_end_costs_nothing() {
    attack(|stage| {
        let half: Vec<_> = (0..500).map(|_| stage.strike(&[0, 0])).collect();
        stage.server.still_serves();
        for stream in half {
            reset(stream);
        }
    });
}

#[test]
fn an_announced_frame_that_never_comes_costs_what_has_come() {
    attack(|stage| {
        let mut peers: Vec<_> = (0..100)
            .map(|n| stage.server.join_as(&format!("mallory {n}"), Framing::Length))
            .collect();
        // 1.6 GiB are announced, and 100 KiB sent.
        for peer in &mut peers {
            peer.send_bytes(&(16_u32 * 1024 * 1024).to_be_bytes());
            peer.send_bytes(&[b' '; 1_000]);
        }
        stage.server.still_serves();
        if let (Some(before), Some(now)) = stage.memory_before_and_now() {
            assert!(now < before + 16 * 1024 * 1024, "{before} bytes became {now}");
        }
    });
}

#[test]
fn a_length_that_counts_one_byte_too_few_or_too_many() {
    attack(|stage| {
        let ping = br#"{"type":"ping"}"#;
        for (length, code) in [(ping.len() - 1, "invalid_json"), (ping.len() + 1, "invalid_json")] {
            let mut peer = stage.server.connect(Framing::Length);
            peer.send_bytes(&u32::try_from(length).expect("small").to_be_bytes());
            peer.send_bytes(ping);
            // What is missing comes from the next one, of which nothing sensible is left.
            peer.send_bytes(b"\0\0\0");
            peer.finish_sending();
            let said = peer.rest();
            assert_eq!(said[0]["code"], code, "{said:?}");
        }
    });
}

#[test]
fn nuls_around_objects_are_no_white_space() {
    attack(|stage| {
        for framing in [Framing::Line, Framing::Length] {
            let mut peer = stage.server.join_as(&format!("mallory {framing:?}"), framing);
            for bad in [&b"{\"type\":\"ping\"}\0"[..], b"\0{\"type\":\"ping\"}", b"\0", b"\0\0\0\0"]
            {
                peer.send_bytes(&framing.frame_bytes(bad));
                peer.error("invalid_json");
            }
            peer.nothing_more();
        }
    });
}

#[test]
fn ten_thousand_empty_lines_are_nothing() {
    attack(|stage| {
        let mut peer = stage.server.connect(Framing::Line);
        for blank in ["\n", "\r\n", " \t \r\n"] {
            peer.send_bytes(blank.repeat(10_000).as_bytes());
            peer.nothing_more();
        }
    });
}

#[test]
fn endless_white_space_is_not_kept() {
    attack(|stage| {
        // In a line that never ends it is a frame that is too long.
        let mut peer = stage.server.connect(Framing::Line);
        peer.nothing_more();
        let _ = peer.stream().write_all(&vec![b' '; 64 * 1024]);
        peer.error("frame_too_large");
        peer.end();
        // Before the first object it is nothing, however much.
        let mut peer = stage.server.connect(Framing::Line);
        for _ in 0..64 {
            peer.send_bytes(&vec![b' '; 64 * 1024]);
        }
        peer.nothing_more();
    });
}

#[test]
fn a_carriage_return_alone_ends_no_line() {
    attack(|stage| {
        let mut peer = stage.server.connect(Framing::Line);
        peer.nothing_more();
        peer.send_bytes(b"{\"type\":\"ping\"}\r{\"type\":\"ping\"}\r\n");
        peer.error("invalid_json");
        peer.send_bytes(b"{\"type\":\"ping\"}\r\r\r\n");
        peer.event("pong");
        peer.nothing_more();
    });
}

#[test]
fn a_byte_order_mark_is_no_part_of_json() {
    attack(|stage| {
        for framing in [Framing::Line, Framing::Length] {
            let mut peer = stage.server.join_as(&format!("mallory {framing:?}"), framing);
            peer.send_bytes(&framing.frame_bytes(b"\xef\xbb\xbf{\"type\":\"ping\"}"));
            peer.error("invalid_json");
            peer.nothing_more();
        }
    });
}

#[test]
fn utf_16_is_no_json() {
    attack(|stage| {
        let wide = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
            r#"{"type":"ping"}"#.encode_utf16().flat_map(order).collect()
        };
        let mut peer = stage.server.connect(Framing::Length);
        for bad in [wide(u16::to_le_bytes), wide(u16::to_be_bytes)] {
            peer.send_bytes(&Framing::Length.frame_bytes(&bad));
            peer.error("invalid_json");
        }
        peer.nothing_more();
        let bare = codes(&read_to_end(&mut finished(stage.strike(&wide(u16::to_le_bytes)))));
        assert!(!bare.is_empty() && bare.iter().all(|code| code == "invalid_json"), "{bare:?}");
    });
}

#[test]
fn bytes_that_are_no_utf_8_are_no_text() {
    attack(|stage| {
        let bad: [&[u8]; 8] = [
            b"\xff",
            b"\xc0\xaf",
            b"\xe0\x80\xaf",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"\xf8\x88\x80\x80\x80",
            b"\x80",
            b"\xe2\x82",
        ];
        for framing in Framing::ALL {
            let mut peer = stage.server.join_as(&format!("mallory {framing:?}"), framing);
            for bytes in bad {
                let said = [
                    br#"{"type":"private_message","recipient":"vera","content":""#,
                    bytes,
                    br#""}"#,
                ];
                peer.send_bytes(&framing.frame_bytes(&said.concat()));
                peer.error("invalid_json");
            }
            peer.nothing_more();
        }
    });
}

#[test]
fn a_character_cut_by_the_end_of_the_stream_is_nothing() {
    attack(|stage| {
        let said = [&login_line("mallory")[..], b"{\"type\":\"ping\",\"x\":\"\xc3"].concat();
        let said = codes(&read_to_end(&mut finished(stage.strike(&said))));
        assert_eq!(said, ["login_response", "invalid_json"]);
    });
}

#[test]
fn text_after_an_object_is_a_frame_of_its_own_or_spoils_its_line() {
    attack(|stage| {
        // Without lines the object ends at its brace.
        let said = read_to_end(&mut finished(stage.strike(b"{\"type\":\"ping\"} e mais")));
        assert_eq!(codes(&said), ["pong", "invalid_json"]);
        let mut peer = stage.server.connect(Framing::Line);
        peer.nothing_more();
        for bad in ["{\"type\":\"ping\"} e mais", "{\"type\":\"ping\"}}", "{\"type\":\"ping\"},"] {
            peer.send_bytes(&Framing::Line.frame_bytes(bad.as_bytes()));
            peer.error("invalid_json");
        }
        peer.nothing_more();
    });
}

#[test]
fn a_framing_is_chosen_once() {
    attack(|stage| {
        let ping = json!({ "type": "ping" });
        // From lines to lengths: the length is no JSON, and belongs to the line.
        let mut peer = stage.server.connect(Framing::Line);
        peer.nothing_more();
        peer.send_bytes(&Framing::Length.frame(&ping));
        peer.send_bytes(b"\n");
        peer.error("invalid_json");
        peer.nothing_more();
        // From lines to HTTP and to TLS.
        for bad in ["GET / HTTP/1.1\r\n", "Host: localhost\r\n", "\u{16}\u{3}\u{1}\n"] {
            peer.send_bytes(bad.as_bytes());
            peer.error("invalid_json");
        }
        peer.nothing_more();
        // From lengths to lines: the line's first bytes are a length, and a large one.
        let mut peer = stage.server.connect(Framing::Length);
        peer.nothing_more();
        peer.send_bytes(&Framing::Line.frame(&ping));
        peer.error("frame_too_large");
        peer.end();
    });
}

#[test]
fn the_headers_of_a_proxy_are_no_frames() {
    attack(|stage| {
        // Its second version begins as white space, and is 16 bytes of nonsense at most.
        let second = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01\x30\x39\x30\x39";
        let said = codes(&read_to_end(&mut finished(stage.strike(second))));
        assert!(!said.is_empty() && said.iter().all(|code| code == "invalid_json"), "{said:?}");
        // Its first is taken for HTTP, of which it has the wrong version.
        let first = b"PROXY TCP4 127.0.0.1 127.0.0.1 12345 12345\r\n\r\n";
        let said = read_to_end(&mut stage.strike(first));
        assert!(said.starts_with(b"HTTP/1.1 505 "), "{}", String::from_utf8_lossy(&said));
    });
}

#[test]
fn what_follows_a_refused_frame_is_not_done() {
    attack(|stage| {
        let message = json!({
            "type": "private_message", "recipient": "vera", "content": "tarde demais",
        });
        let mut peer = stage.server.join_as("mallory", Framing::Length);
        let too_large = (16_u32 * 1024 * 1024 + 1).to_be_bytes();
        peer.send_bytes(&[&too_large[..], &Framing::Length.frame(&message)].concat());
        peer.error("frame_too_large");
        peer.end();
        let mut vera = stage.server.join("curiosa");
        let past = json!({ "type": "history", "with": "mallory" });
        assert_eq!(vera.ok(&past)["messages"], json!([]));
    });
}

/// Nothing more will be sent on it.
fn finished(stream: std::net::TcpStream) -> std::net::TcpStream {
    let _ = stream.shutdown(Shutdown::Write);
    stream
}
