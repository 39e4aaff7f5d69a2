//! How a client addresses and frames what it says, and finds frames in what it hears. Nothing here is the server's own.

use serde_json::{Value, json};

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Objects one after the other, as the first chat's client.
    Bare,
    /// One object per line.
    Line,
    /// With four bytes of length before each.
    Length,
    /// As a browser.
    Web,
}

/// What a client hears.
#[derive(Debug)]
pub(super) enum Heard {
    /// A frame.
    Frame(Value),
    /// A WebSocket's ping, to be answered with these bytes.
    Ping(Vec<u8>),
    /// The handshake of a WebSocket is done.
    Open,
    /// A WebSocket's last frame.
    Farewell,
}

/// One connection's bytes as its client sees them.
#[derive(Debug)]
pub(super) struct Codec {
    dialect: Dialect,
    heard: Vec<u8>,
    open: bool,
}

impl Codec {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, heard: Vec::new(), open: dialect != Dialect::Web }
    }

    /// Whether frames may be sent.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// What a client sends before anything else.
    pub(super) fn greeting(&self) -> Vec<u8> {
        match self.dialect {
            Dialect::Web => b"GET /ws HTTP/1.1\r\nHost: papo:12345\r\nUpgrade: websocket\r\n\
                Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                .to_vec(),
            Dialect::Bare | Dialect::Line | Dialect::Length => Vec::new(),
        }
    }

    /// Frames some JSON.
    pub(super) fn frame(&self, json: &[u8]) -> Vec<u8> {
        match self.dialect {
            Dialect::Bare => json.to_vec(),
            Dialect::Line => [json, b"\n"].concat(),
            Dialect::Length => {
                let length = u32::try_from(json.len()).expect("a short frame").to_be_bytes();
                [&length[..], json].concat()
            }
            Dialect::Web => web_frame(1, json),
        }
    }

    pub(super) fn pong(payload: &[u8]) -> Vec<u8> {
        web_frame(10, payload)
    }

    pub(super) fn hear(&mut self, bytes: &[u8]) {
        self.heard.extend_from_slice(bytes);
    }

    /// The next that was heard whole.
    pub(super) fn next(&mut self) -> Option<Heard> {
        match self.dialect {
            Dialect::Bare | Dialect::Line => {
                let end = self.heard.iter().position(|byte| *byte == b'\n')?;
                let line: Vec<u8> = self.heard.drain(..=end).collect();
                Some(Heard::Frame(parse(&line)))
            }
            Dialect::Length => {
                let (length, rest) = self.heard.split_first_chunk::<4>()?;
                let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
                let frame = parse(rest.get(..length)?);
                self.heard.drain(..4 + length);
                Some(Heard::Frame(frame))
            }
            Dialect::Web if !self.open => {
                let end = self.heard.windows(4).position(|four| four == b"\r\n\r\n")?;
                let head: Vec<u8> = self.heard.drain(..end + 4).collect();
                if !head.starts_with(b"HTTP/1.1 101 ") {
                    return Some(Heard::Farewell);
                }
                self.open = true;
                Some(Heard::Open)
            }
            Dialect::Web => {
                let (&[first, short], rest) = self.heard.split_first_chunk::<2>()?;
                let (length, head) = match short {
                    126 => (usize::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
                    127 => (usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).ok()?, 10),
                    _ => (usize::from(short), 2),
                };
                let payload = self.heard.get(head..head + length)?.to_vec();
                self.heard.drain(..head + length);
                Some(match first & 15 {
                    1 => Heard::Frame(parse(&payload)),
                    9 => Heard::Ping(payload),
                    8 => Heard::Farewell,
                    other => panic!("a server sends no frame of kind {other}"),
                })
            }
        }
    }
}

#[track_caller]
fn parse(json: &[u8]) -> Value {
    serde_json::from_slice(json).expect("what the server says is JSON")
}

/// A masked frame (RFC 6455, section 5.2).
fn web_frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [7, 77, 177, 211];
    let mut frame = vec![0x80 | opcode];
    match u16::try_from(payload.len()) {
        Ok(short @ 0..=125) => frame.push(0x80 | short.to_be_bytes()[1]),
        Ok(longer) => {
            frame.push(0x80 | 0x7e);
            frame.extend(longer.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 0x7f);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Says in a request for which conversation it is.
pub(super) fn address(request: &mut Value, user: &str, place: &str) {
    match place.split_once(':') {
        Some(("u", name)) => request[user] = json!(name),
        Some((_, name)) => request["group_name"] = json!(name),
        None => {}
    }
}
