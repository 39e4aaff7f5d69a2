//! Streams of WebSocket frames, of any bytes or well-formed ones.

use super::input::{Arrival, Input};
use crate::limits::EMPTY_FRAGMENTS_MAX;
use crate::wire::frame::{FrameDecoder, Framing};
use crate::wire::websocket::{CloseCode, Message};

/// The longest control frame: its head, its mask, and 125 bytes.
const CONTROL_FRAME_BYTES: usize = 2 + 4 + 125;

#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Text(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
    Broken(u16),
}

/// Cuts make no difference; what is well-formed is understood.
pub fn websocket(input: &[u8]) {
    let mut input = Input(input);
    let well_formed = input.byte() % 2 == 0;
    let arrival = Arrival::read(&mut input);
    let (stream, expected) = if well_formed {
        let (stream, expected) = messages(&mut input, arrival.limit_bytes);
        (stream, Some(expected))
    } else {
        (input.0.to_vec(), None)
    };
    let heard = hear(arrival, &stream);
    if let Some(expected) = expected {
        assert_eq!(heard, expected, "{arrival:?}");
    }
    for arrival in [arrival.whole(), arrival.bytewise()] {
        assert_eq!(hear(arrival, &stream), heard, "{arrival:?}");
    }
}

fn hear(arrival: Arrival<'_>, stream: &[u8]) -> Vec<Heard> {
    let mut decoder = FrameDecoder::new(Framing::WebSocket);
    decoder.set_limit(arrival.limit_bytes);
    let mut heard = Vec::new();
    let most = arrival.limit_bytes + CONTROL_FRAME_BYTES;
    arrival.feed(&mut decoder, stream, most, |decoder| {
        heard.push(match decoder.next_message() {
            Ok(Some(Message::Text(text))) => {
                assert!(text.len() <= arrival.limit_bytes && std::str::from_utf8(text).is_ok());
                Heard::Text(text.to_vec())
            }
            Ok(Some(Message::Ping(payload))) => {
                assert!(payload.len() <= 125);
                Heard::Ping(payload.to_vec())
            }
            Ok(Some(Message::Pong)) => Heard::Pong,
            Ok(Some(Message::Close(code))) => Heard::Close(code.map(CloseCode::number)),
            Ok(None) => return Ok(false),
            Err(code) => {
                heard.push(Heard::Broken(code.number()));
                return Err(());
            }
        });
        Ok(true)
    });
    heard
}

/// Makes a stream of what the input says, and what is to be heard of it.
fn messages(input: &mut Input<'_>, limit: usize) -> (Vec<u8>, Vec<Heard>) {
    let (mut stream, mut heard) = (Vec::new(), Vec::new());
    let mut joined: Option<Vec<u8>> = None;
    let mut empty = 0;
    while !input.is_empty() {
        let (kind, length) = (input.byte(), usize::from(input.byte()));
        let key = input.bytes(4).first_chunk().copied().unwrap_or_default();
        let payload = input.bytes(length);
        match kind % 8 {
            5 => {
                let payload = &payload[..payload.len().min(125)];
                frame(0x89, key, payload, &mut stream);
                heard.push(Heard::Ping(payload.to_vec()));
            }
            6 => {
                frame(0x8a, key, &[], &mut stream);
                heard.push(Heard::Pong);
            }
            7 => {
                frame(0x88, key, &[], &mut stream);
                heard.push(Heard::Close(None));
            }
            kind => {
                let fin = kind % 2 == 0;
                // Long ones have another head.
                let payload = payload.repeat(if kind == 4 { 5 } else { 1 });
                let opcode = u8::from(joined.is_none());
                frame(u8::from(fin) << 7 | opcode, key, &payload, &mut stream);
                let text = joined.get_or_insert_default();
                if payload.len() > limit - text.len() {
                    heard.push(Heard::Broken(CloseCode::TOO_BIG.number()));
                    break;
                }
                empty += u32::from(payload.is_empty() && !fin);
                if empty > EMPTY_FRAGMENTS_MAX {
                    heard.push(Heard::Broken(CloseCode::POLICY.number()));
                    break;
                }
                text.extend(payload);
                if !fin {
                    continue;
                }
                empty = 0;
                let text = joined.take().unwrap_or_default();
                if std::str::from_utf8(&text).is_err() {
                    heard.push(Heard::Broken(CloseCode::NOT_TEXT.number()));
                    break;
                }
                heard.push(Heard::Text(text));
            }
        }
    }
    (stream, heard)
}

/// A frame of a client: as the server writes it, and masked.
fn frame(first: u8, key: [u8; 4], payload: &[u8], stream: &mut Vec<u8>) {
    let start = stream.len();
    stream.extend_from_slice(&Framing::WebSocket.header(payload.len()));
    stream[start] = first;
    stream[start + 1] |= 0x80;
    stream.extend_from_slice(&key);
    stream.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
}
