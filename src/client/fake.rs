//! A server that says what a test tells it to, on a real socket.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

pub(crate) mod shelf;

/// A server whose every connection is played by the test.
pub(crate) struct FakeServer {
    /// Where it listens.
    pub(crate) address: String,
    thread: JoinHandle<()>,
}

/// What the server does on one connection.
pub(crate) type Play = Box<dyn FnOnce(&mut Peer) + Send>;

/// One connection, seen from the server.
pub(crate) struct Peer {
    stream: TcpStream,
    lines: BufReader<TcpStream>,
    /// What was told of messages that arrived or were read, before what was expected.
    pub(crate) notes: Vec<Value>,
}

impl FakeServer {
    /// Accepts as many connections as there are plays, one after the other, and plays each.
    pub(crate) fn start(plays: Vec<Play>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let thread = std::thread::spawn(move || {
            for play in plays {
                let (stream, _) = listener.accept().unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap());
                play(&mut Peer { stream, lines, notes: Vec::new() });
            }
        });
        Self { address, thread }
    }

    /// Waits until all connections were played, and fails if one of them did.
    pub(crate) fn finish(self) {
        assert!(self.thread.join().is_ok(), "the fake server failed");
    }
}

impl Peer {
    /// The next request; `None` at the end of the connection.
    pub(crate) fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap()),
        }
    }

    /// The next request, which must be of this type. Notes may come before it.
    pub(crate) fn expect(&mut self, kind: &str) -> Value {
        let mut request = self.next().unwrap_or_else(|| panic!("no {kind}, but the end"));
        while request["type"] != kind
            && (request["type"] == "received" || request["type"] == "read")
        {
            self.notes.push(request);
            request = self.next().unwrap_or_else(|| panic!("no {kind}, but the end"));
        }
        assert_eq!(request["type"], kind, "{request}");
        request
    }

    /// Sends a frame.
    pub(crate) fn send(&mut self, frame: &str) {
        assert!(!frame.contains('\n'));
        let _ = self.stream.write_all(format!("{frame}\n").as_bytes());
    }

    /// Answers a request.
    pub(crate) fn answer(&mut self, request: &Value, kind: &str, rest: &str) {
        let id = &request["id"];
        self.send(&format!(r#"{{"type":"{kind}","id":{id},{rest}}}"#));
    }

    /// Takes a login, and gives the request.
    pub(crate) fn take_login(&mut self) -> Value {
        self.take_login_with("")
    }

    /// The same, with more in the answer.
    pub(crate) fn take_login_with(&mut self, more: &str) -> Value {
        let login = self.expect("login");
        let name = &login["username"];
        let rest = format!(r#""status":"success","message":"Bem-vindo!","username":{name}{more}"#);
        self.answer(&login, "login_response", &rest);
        self.send(r#"{"type":"synced","cursor":0}"#);
        login
    }

    /// Refuses a login.
    pub(crate) fn refuse_login(&mut self, code: &str, message: &str) -> Value {
        let login = self.expect("login");
        let rest = format!(r#""status":"error","code":"{code}","message":"{message}""#);
        self.answer(&login, "login_response", &rest);
        login
    }

    /// Takes a request of this type, and gives it.
    pub(crate) fn take(&mut self, kind: &str, answer: &str, msg_id: u64) -> Value {
        let request = self.expect(kind);
        let rest = format!(r#""status":"success","message":"Feito","msg_id":{msg_id}"#);
        self.answer(&request, answer, &rest);
        request
    }

    /// Takes the goodbye of somebody who comes back with a token, which a `logout` would withdraw.
    pub(crate) fn take_goodbye(&mut self) {
        let request = self.expect("ping");
        self.answer(&request, "pong", r#""status":"success","message":"OK""#);
    }

    /// Takes the goodbye of somebody without a token; the connection closes with the end of the
    /// play.
    pub(crate) fn take_logout(&mut self) {
        let request = self.expect("logout");
        self.answer(&request, "account_response", r#""status":"success","message":"Tchau""#);
    }
}

/// A play as [`FakeServer::start`] takes it.
pub(crate) fn play(play: impl FnOnce(&mut Peer) + Send + 'static) -> Play {
    Box::new(play)
}

/// An address at which nobody listens.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}
