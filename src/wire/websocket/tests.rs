//! Streams of WebSocket frames, however they are cut, and those that break RFC 6455.

use proptest::prelude::*;

use super::*;
use crate::limits::FRAME_BEFORE_LOGIN_BYTES_MAX;
use crate::wire::frame::{FrameDecoder, Framing};

const TEXT: u8 = 0x1;
const CONTINUED: u8 = 0x0;
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame as a client sends it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let (header, used) = header(0, payload.len());
    let mut bytes = header[..used].to_vec();
    bytes[0] = first;
    bytes[1] |= MASKED;
    bytes.extend_from_slice(&KEY);
    let masked = payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key);
    bytes.extend(masked);
    bytes
}

fn fin(opcode: u8, payload: &[u8]) -> Vec<u8> {
    frame(FIN | opcode, payload)
}

/// What comes out of a stream that arrives in these pieces, as text.
fn heard(pieces: &[&[u8]], limit: usize) -> Vec<String> {
    let mut decoder = FrameDecoder::new(Framing::WebSocket);
    decoder.set_limit(limit);
    let mut heard = Vec::new();
    for piece in pieces {
        let goes_on = decoder.feed(64, piece, |decoder| {
            loop {
                let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                match decoder.next_message() {
                    Ok(Some(Message::Text(text))) => heard.push(shown(text)),
                    Ok(Some(Message::Ping(payload))) => {
                        heard.push(format!("ping {}", shown(payload)));
                    }
                    Ok(Some(Message::Pong)) => heard.push("pong".to_owned()),
                    Ok(Some(Message::Close(code))) => {
                        heard.push(format!("close {:?}", code.map(CloseCode::number)));
                    }
                    Ok(None) => return true,
                    Err(code) => {
                        heard.push(format!("broken {}", code.number()));
                        return false;
                    }
                }
            }
        });
        if !goes_on {
            break;
        }
    }
    heard
}

fn hear(stream: &[u8]) -> Vec<String> {
    heard(&[stream], FRAME_BEFORE_LOGIN_BYTES_MAX)
}

#[test]
fn the_example_of_the_standard_is_understood() {
    // RFC 6455, section 5.7: a masked "Hello", and a ping with the same.
    assert_eq!(hear(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), ["Hello"]);
    assert_eq!(hear(b"\x89\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), ["ping Hello"]);
    // Section 1.3.
    let accept = accept("dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(accept.as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
}

#[test]
fn fragments_are_one_message_and_may_have_control_frames_between_them() {
    let stream = [
        frame(TEXT, "mens".as_bytes()),
        fin(0x9, b"ainda?"),
        frame(CONTINUED, b"agem em "),
        fin(0xA, b""),
        fin(CONTINUED, "pedaços".as_bytes()),
        fin(TEXT, b"outra"),
    ]
    .concat();
    let expected = ["ping ainda?", "pong", "mensagem em pedaços", "outra"];
    assert_eq!(hear(&stream), expected);
}

#[test]
fn a_character_may_be_cut_in_two_but_not_broken() {
    let [first, second] = *"é".as_bytes() else { panic!("two bytes") };
    let stream = [frame(TEXT, &[first]), fin(CONTINUED, &[second])].concat();
    assert_eq!(hear(&stream), ["é"]);
    let stream = [frame(TEXT, &[first]), fin(CONTINUED, b"e")].concat();
    assert_eq!(hear(&stream), ["broken 1007"]);
    assert_eq!(hear(&fin(TEXT, b"\xed\xa0\x80")), ["broken 1007"]);
}

#[test]
fn frames_that_break_the_standard_end_the_connection() {
    let unmasked = |opcode: u8| [FIN | opcode, 2, b'h', b'i'].to_vec();
    for (why, stream, code) in [
        ("unmasked", unmasked(TEXT), 1002),
        ("an unmasked ping", unmasked(0x9), 1002),
        ("a reserved bit", frame(FIN | 0x40 | TEXT, b"x"), 1002),
        ("another", frame(FIN | 0x10 | TEXT, b"x"), 1002),
        ("a reserved kind", fin(0x3, b"x"), 1002),
        ("a reserved control kind", fin(0xB, b"x"), 1002),
        ("a long ping", fin(0x9, &[b'x'; 126]), 1002),
        ("a ping in fragments", frame(0x9, b"x"), 1002),
        ("a continuation of nothing", fin(CONTINUED, b"x"), 1002),
        ("a message in a message", [frame(TEXT, b"x"), fin(TEXT, b"y")].concat(), 1002),
        ("binary in a message", [frame(TEXT, b"x"), fin(0x2, b"y")].concat(), 1002),
        ("binary", fin(0x2, b"x"), 1003),
        ("125 said in two bytes", vec![FIN | TEXT, MASKED | 0x7e, 0, 125], 1002),
        (
            "65535 said in eight",
            [&[FIN | TEXT, MASKED | 0x7f][..], &[0, 0, 0, 0, 0, 0, 255, 255]].concat(),
            1002,
        ),
        (
            "the topmost bit",
            [&[FIN | TEXT, MASKED | 0x7f][..], &[128, 0, 0, 0, 0, 0, 0, 0]].concat(),
            1002,
        ),
        ("half a code", fin(0x8, b"\x03"), 1002),
        ("a reason that is no text", fin(0x8, b"\x03\xe8\xff"), 1007),
    ] {
        assert_eq!(hear(&stream), [format!("broken {code}")], "{why}");
    }
}

#[test]
fn a_close_has_a_code_that_may_be_sent_or_none() {
    assert_eq!(hear(&fin(0x8, b"")), ["close None"]);
    for (code, good) in [
        (1000, true),
        (1003, true),
        (1007, true),
        (1014, true),
        (3000, true),
        (4999, true),
        (0, false),
        (999, false),
        (1004, false),
        (1005, false),
        (1006, false),
        (1015, false),
        (1016, false),
        (2999, false),
        (5000, false),
        (65535, false),
    ] {
        let expected = if good { format!("close Some({code})") } else { "broken 1002".to_owned() };
        assert_eq!(hear(&fin(0x8, &u16::to_be_bytes(code))), [expected]);
    }
}

#[test]
fn a_message_over_the_limit_is_refused_by_what_it_announces() {
    let announced = |length: u16| {
        let [high, low] = length.to_be_bytes();
        [FIN | TEXT, MASKED | 0x7e, high, low]
    };
    assert_eq!(heard(&[&announced(1_001)], 1_000), ["broken 1009"]);
    assert_eq!(heard(&[&announced(1_000)], 1_000).len(), 0);
    // All fragments together count.
    let part = frame(TEXT, &[b'x'; 900]);
    let rest = frame(CONTINUED, &[b'x'; 101]);
    assert_eq!(heard(&[&part, &rest[..4]], 1_000), ["broken 1009"]);
    let huge = [&[FIN | TEXT, MASKED | 0x7f][..], &(1u64 << 62).to_be_bytes()].concat();
    assert_eq!(heard(&[&huge], 1_000), ["broken 1009"]);
}

#[test]
fn fragments_without_a_byte_do_not_go_on_for_ever() {
    let mut stream = frame(TEXT, b"");
    for _ in 1..EMPTY_FRAGMENTS_MAX {
        stream.extend(frame(CONTINUED, b""));
    }
    let last = fin(CONTINUED, b"oi");
    assert_eq!(hear(&[&stream[..], &last].concat()), ["oi"]);
    stream.extend(frame(CONTINUED, b""));
    assert_eq!(hear(&[&stream[..], &last].concat()), ["broken 1008"]);
}

#[test]
fn memory_grows_with_what_has_arrived_of_a_message() {
    let mut decoder = FrameDecoder::new(Framing::WebSocket);
    decoder.set_limit(16 * 1024 * 1024);
    // A thousand fragments of one byte: their heads are not kept.
    for at in 0..1_000 {
        let fragment = frame(if at == 0 { TEXT } else { CONTINUED }, b"x");
        assert!(decoder.lend(vec![0; 1_024]).is_none());
        decoder.spare()[..fragment.len()].copy_from_slice(&fragment);
        decoder.advance(fragment.len());
        assert_eq!(decoder.next_message(), Ok(None));
        assert_eq!(decoder.pending_bytes(), at + 1);
        if at == 500 {
            break;
        }
        decoder.settle();
    }
    decoder.settle();
    assert_eq!(decoder.held_bytes(), 501);
}

#[test]
fn what_a_server_writes_has_the_shortest_length() {
    for (length, expected) in [
        (0, vec![0x81, 0]),
        (125, vec![0x81, 125]),
        (126, vec![0x81, 126, 0, 126]),
        (65_535, vec![0x81, 126, 255, 255]),
        (65_536, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        assert_eq!(*Framing::WebSocket.header(length), expected[..]);
    }
    let (mut said, code) = (Vec::new(), Some(CloseCode::GOING_AWAY));
    close(code, &mut said);
    close(None, &mut said);
    pong(b"hi", &mut said);
    assert_eq!(said, b"\x88\x02\x03\xe9\x88\x00\x8a\x02hi");
}

proptest! {
    /// A mask is taken off byte by byte, whatever is done eight at a time.
    #[test]
    fn every_byte_is_unmasked(bytes in prop::collection::vec(any::<u8>(), 0..100), key in any::<[u8; 4]>()) {
        let mut unmasked = bytes.clone();
        unmask(&mut unmasked, key);
        for (at, byte) in bytes.iter().enumerate() {
            prop_assert_eq!(unmasked[at], byte ^ key[at % 4]);
        }
    }
}
