//! HTTP and WebSocket byte by byte: what no library would send, and exactly what comes back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use super::{PATIENCE, Server};

/// A handshake's key; any 16 bytes do.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The value of a header field, if it is there.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1);
        lines.find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The body as text.
    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body of UTF-8")
    }
}

/// A connection that speaks HTTP.
pub(crate) struct Http(BufReader<TcpStream>);

impl Http {
    pub(crate) fn dial(server: &Server) -> Self {
        Self(BufReader::new(server.dial()))
    }

    /// From another address of this machine, which counts as somebody else. `None` where it has one
    /// only.
    #[track_caller]
    pub(crate) fn dial_from_aside(server: &Server) -> Option<Self> {
        if !cfg!(target_os = "linux") {
            return None;
        }
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let aside = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), 0));
        socket.bind(&aside.into()).expect("all of 127.0.0.0/8 is this machine");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()));
        socket.connect_timeout(&address.into(), PATIENCE).expect("the server accepts");
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout on a socket");
        Some(Self(BufReader::new(stream)))
    }

    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(bytes.as_ref()).expect("the server reads");
    }

    /// The next response, which has a body unless it answers a HEAD.
    #[track_caller]
    pub(crate) fn response(&mut self, has_body: bool) -> Response {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let count = self.0.read_line(&mut head).expect("a head of UTF-8");
            assert!(count > 0, "the server closed after {head:?}");
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.expect("a status");
        let mut response = Response { status, head, body: Vec::new() };
        let length = response.field("content-length").map_or(0, |n| n.parse().expect("a length"));
        response.body = vec![0; if has_body { length } else { 0 }];
        self.0.read_exact(&mut response.body).expect("the whole body");
        response
    }

    /// Another handle of its socket, to write with from another thread.
    #[track_caller]
    pub(crate) fn writer(&self) -> TcpStream {
        self.0.get_ref().try_clone().expect("a handle of a socket")
    }

    /// How long a response is waited for.
    pub(crate) fn patience(&self, patience: std::time::Duration) {
        self.0.get_ref().set_read_timeout(Some(patience)).expect("a timeout on a socket");
    }

    /// Asks for something, with more header lines.
    #[track_caller]
    pub(crate) fn get(&mut self, path: &str, fields: &str) -> Response {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"));
        self.response(true)
    }

    /// The server must have closed, and have said nothing more.
    #[track_caller]
    pub(crate) fn end(mut self) {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).expect("an orderly end");
        assert_eq!(String::from_utf8_lossy(&rest), "", "before the end");
    }
}

/// One request on a connection of its own.
#[track_caller]
pub(crate) fn get(server: &Server, path: &str, fields: &str) -> Response {
    Http::dial(server).get(path, fields)
}

/// The header lines of a handshake.
pub(crate) fn handshake_fields() -> String {
    format!(
        "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: {KEY}\r\n"
    )
}

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8A;

/// A frame with this first byte, masked as a client must.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..=125 => bytes.push(0x80 | u8::try_from(short).expect("below 126")),
        middle @ 126..=65_535 => {
            bytes.push(0x80 | 0x7e);
            bytes.extend(u16::try_from(middle).expect("in range").to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 0x7f);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    let key = [0xA5, 0x5A, 0x01, 0xFE];
    bytes.extend(key);
    bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// What came over a WebSocket.
#[derive(Debug, PartialEq)]
pub(crate) enum Came {
    /// The payload of a text message.
    Text(Vec<u8>),
    /// A pong with these bytes.
    Pong(Vec<u8>),
    /// A ping.
    Ping,
    /// The last frame, with its code if it has one.
    Close(Option<u16>),
    /// The end of the stream.
    End,
}

/// A WebSocket of which the test sees every frame.
pub(crate) struct Web(Http);

impl Web {
    /// Opens one.
    #[track_caller]
    pub(crate) fn open(server: &Server) -> Self {
        let mut http = Http::dial(server);
        let response = http.get("/ws", &handshake_fields());
        assert_eq!(response.status, 101, "{response:?}");
        assert_eq!(response.field("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        Self(http)
    }

    /// One whose handshake has been done.
    pub(crate) fn over(http: Http) -> Self {
        Self(http)
    }

    /// Says, below the WebSocket, that nothing more will be sent.
    pub(crate) fn finish_sending(&self) {
        self.0.0.get_ref().shutdown(std::net::Shutdown::Write).expect("a half-close");
    }

    /// Another handle of its socket, to write with from another thread.
    #[track_caller]
    pub(crate) fn writer(&self) -> TcpStream {
        self.0.writer()
    }

    /// How long a frame is waited for.
    pub(crate) fn patience(&self, patience: std::time::Duration) {
        self.0.0.get_ref().set_read_timeout(Some(patience)).expect("a timeout on a socket");
    }

    /// Opens one and logs in.
    #[track_caller]
    pub(crate) fn join(server: &Server, name: &str) -> Self {
        let mut web = Self::open(server);
        web.send(&json!({ "type": "login", "username": name }));
        assert_eq!(web.object()["status"], "success");
        web
    }

    #[track_caller]
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.0.send(bytes);
    }

    #[track_caller]
    pub(crate) fn send(&mut self, object: &Value) {
        self.send_bytes(&frame(TEXT, object.to_string().as_bytes()));
    }

    /// The next frame.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Came {
        let reader = &mut self.0.0;
        let mut head = [0; 2];
        if reader.read(&mut head[..1]).expect("a byte or an orderly end") == 0 {
            return Came::End;
        }
        reader.read_exact(&mut head[1..]).expect("a frame's head");
        let mut wide = [0; 8];
        let length = match head[1] {
            0x7e => {
                reader.read_exact(&mut wide[6..]).expect("a length");
                u64::from_be_bytes(wide)
            }
            0x7f => {
                reader.read_exact(&mut wide).expect("a length");
                u64::from_be_bytes(wide)
            }
            short => u64::from(short),
        };
        let length = usize::try_from(length).expect("a length in memory");
        assert!(length < 32 * 1024 * 1024, "unmasked, of a sensible length: {head:?}");
        let mut payload = vec![0; length];
        reader.read_exact(&mut payload).expect("the payload");
        match (head[0], payload.as_slice()) {
            (TEXT, _) => Came::Text(payload),
            (PONG, _) => Came::Pong(payload),
            (PING, []) => Came::Ping,
            (CLOSE, []) => Came::Close(None),
            (CLOSE, [high, low, ..]) => Came::Close(Some(u16::from_be_bytes([*high, *low]))),
            other => panic!("what frame is this? {other:?}"),
        }
    }

    /// The next text message, which must be a JSON object.
    #[track_caller]
    pub(crate) fn object(&mut self) -> Value {
        match self.next() {
            Came::Text(text) => serde_json::from_slice(&text).expect("JSON"),
            other => panic!("an object should have come, not {other:?}"),
        }
    }

    /// The last frame must have this code, and nothing may follow.
    #[track_caller]
    pub(crate) fn closed(mut self, code: u16) {
        assert_eq!(self.next(), Came::Close(Some(code)));
        assert_eq!(self.next(), Came::End);
    }
}
