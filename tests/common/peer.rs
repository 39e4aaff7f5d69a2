//! A small blocking peer that speaks any of the three TCP framings.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::{eventually, text, texts};

/// Requests that were given an id here.
static REQUESTS: AtomicU64 = AtomicU64::new(1);

/// How a peer tells its frames apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// A newline after each object.
    Line,
    /// Nothing between objects, as the first Python client.
    Bare,
    /// A 4-byte big-endian length before each, as the later Python client.
    Length,
}

impl Framing {
    /// All three.
    pub(crate) const ALL: [Framing; 3] = [Framing::Line, Framing::Bare, Framing::Length];

    /// One object as it goes over the wire.
    pub(crate) fn frame(self, object: &Value) -> Vec<u8> {
        self.frame_bytes(object.to_string().as_bytes())
    }

    /// Any bytes in the place of an object.
    pub(crate) fn frame_bytes(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Framing::Line => [bytes, b"\n"].concat(),
            Framing::Bare => bytes.to_vec(),
            Framing::Length => {
                let length = u32::try_from(bytes.len()).expect("a frame below 4 GiB");
                [&length.to_be_bytes(), bytes].concat()
            }
        }
    }
}

/// What came in when a frame was waited for.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A frame.
    Frame(Value),
    /// The end of the stream, or a reset: the server has closed.
    End,
    /// Nothing, for as long as the socket's timeout.
    Silence,
}

/// A connection to the server.
pub(crate) struct Peer {
    stream: TcpStream,
    framing: Framing,
    received: Vec<u8>,
    consumed: usize,
    scanned: usize,
    aside: VecDeque<Value>,
    acknowledges: bool,
}

impl Peer {
    /// A peer on this socket.
    pub(crate) fn new(stream: TcpStream, framing: Framing) -> Self {
        Self {
            stream,
            framing,
            received: Vec::new(),
            consumed: 0,
            scanned: 0,
            aside: VecDeque::new(),
            acknowledges: true,
        }
    }

    /// The socket.
    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Its framing.
    pub(crate) fn framing(&self) -> Framing {
        self.framing
    }

    /// Heartbeats are shown to the test from now on, and not answered.
    pub(crate) fn play_dead(&mut self) {
        self.acknowledges = false;
    }

    /// Puts one object on the wire.
    #[track_caller]
    pub(crate) fn send(&mut self, object: &Value) {
        self.send_bytes(&self.framing.frame(object));
    }

    /// Puts bytes on the wire as they are.
    #[track_caller]
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// Puts one object on the wire, where the other end may be gone: then it says no.
    pub(crate) fn try_send(&mut self, object: &Value) -> bool {
        self.stream.write_all(&self.framing.frame(object)).is_ok()
    }

    /// Says that nothing more will be sent.
    pub(crate) fn finish_sending(&self) {
        self.stream.shutdown(Shutdown::Write).expect("a half-close");
    }

    /// The next thing that comes, whatever it is.
    pub(crate) fn hear(&mut self) -> Heard {
        match self.aside.pop_front() {
            Some(frame) => Heard::Frame(frame),
            None => self.hear_wire(),
        }
    }

    /// The next frame: set aside before, or from the wire.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Value {
        match self.hear() {
            Heard::Frame(frame) => frame,
            other => panic!("a frame should have come, not {other:?}"),
        }
    }

    /// The next frame, which must be of this type.
    #[track_caller]
    pub(crate) fn event(&mut self, kind: &str) -> Value {
        let frame = self.next();
        assert_eq!(frame["type"], kind, "came instead: {frame}");
        frame
    }

    /// The next frame, which must have these fields, whatever else it has.
    #[track_caller]
    pub(crate) fn told(&mut self, expected: &Value) -> Value {
        let frame = self.next();
        assert_has(&frame, expected);
        frame
    }

    /// The next frame of this type: others before it are passed over.
    #[track_caller]
    pub(crate) fn until(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next();
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// What was missed: everything up to `synced`, all of it marked as backlog. For logins that
    /// gave `since` or `features`.
    #[track_caller]
    pub(crate) fn backlog(&mut self) -> Vec<Value> {
        let mut missed = Vec::new();
        loop {
            let frame = self.next();
            if frame["type"] == "synced" {
                assert!(frame["cursor"].is_u64(), "{frame}");
                return missed;
            }
            assert_eq!(frame["backlog"], true, "{frame}");
            missed.push(frame);
        }
    }

    /// The next frame, which must be of type `error` and have this code.
    #[track_caller]
    pub(crate) fn error(&mut self, code: &str) -> Value {
        let frame = self.event("error");
        assert_refused(&frame, code);
        frame
    }

    /// Everything until the server closes, which it must.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> Vec<Value> {
        let mut frames = Vec::new();
        loop {
            match self.hear() {
                Heard::Frame(frame) => frames.push(frame),
                Heard::End => return frames,
                Heard::Silence => panic!("the server should have closed; it said {frames:?}"),
            }
        }
    }

    /// The server must close, and say nothing more.
    #[track_caller]
    pub(crate) fn end(&mut self) {
        let rest = self.rest();
        assert!(rest.is_empty(), "before the end came {rest:?}");
    }

    /// Sends a request and waits for the answer with its id. Events in between are set aside, in
    /// their order.
    #[track_caller]
    pub(crate) fn ask(&mut self, request: &Value) -> Value {
        let mut request = request.clone();
        if request.get("id").is_none() {
            // Never used twice, not even by one user on two connections: it would be one message.
            let number = REQUESTS.fetch_add(1, Ordering::Relaxed);
            request["id"] = json!(format!("pedido {number}"));
        }
        self.send(&request);
        self.answer_to(&request["id"])
    }

    /// Waits for the answer with this id.
    #[track_caller]
    pub(crate) fn answer_to(&mut self, id: &Value) -> Value {
        // An event may carry an id too, its sender's; an answer is what has a status as well.
        let answers = |frame: &Value| frame["id"] == *id && is_answer(frame);
        if let Some(at) = self.aside.iter().position(answers) {
            return self.aside.remove(at).expect("just found");
        }
        loop {
            match self.hear_wire() {
                Heard::Frame(frame) if answers(&frame) => return frame,
                Heard::Frame(frame) => self.aside.push_back(frame),
                other => panic!("no answer to {id} but {other:?}; before it {:?}", self.aside),
            }
        }
    }

    /// Asks for what must be done.
    #[track_caller]
    pub(crate) fn ok(&mut self, request: &Value) -> Value {
        let answer = self.ask(request);
        let asked = short(request);
        assert_eq!(answer["status"], "success", "{asked} -> {answer}");
        assert_eq!(answer.get("code"), None, "{asked} -> {answer}");
        answer
    }

    /// Asks for what must be refused with this code.
    #[track_caller]
    pub(crate) fn refused(&mut self, request: &Value, code: &str) -> Value {
        let answer = self.ask(request);
        assert_refused(&answer, code);
        answer
    }

    /// Nothing has come that was not taken, and nothing is on its way: what the server sent before
    /// this moment would come before the answer to a `ping`.
    #[track_caller]
    pub(crate) fn nothing_more(&mut self) {
        let pong = self.ask(&json!({ "type": "ping" }));
        assert_eq!(pong["type"], "pong");
        assert!(self.aside.is_empty(), "unexpected: {:?}", self.aside);
    }

    /// What came in between and was set aside.
    pub(crate) fn take_aside(&mut self) -> Vec<Value> {
        self.aside.drain(..).collect()
    }

    /// Logs in, and gives the answer.
    #[track_caller]
    pub(crate) fn login(&mut self, name: &str, fields: &Value) -> Value {
        let answer = self.ok(&login_request(name, fields));
        assert_eq!(answer["type"], "login_response", "{answer}");
        answer
    }

    /// Sends a private message, and gives the answer.
    #[track_caller]
    pub(crate) fn tell(&mut self, recipient: &str, content: &str) -> Value {
        self.ok(&json!({
            "type": "private_message", "recipient": recipient, "content": content,
        }))
    }

    /// Sends a message to a group, and gives the answer.
    #[track_caller]
    pub(crate) fn tell_group(&mut self, group: &str, content: &str) -> Value {
        self.ok(&json!({ "type": "group_message", "group_name": group, "content": content }))
    }

    /// Does something with a group that must succeed, and gives the answer.
    #[track_caller]
    pub(crate) fn group(&mut self, what: &str, group: &str, fields: &Value) -> Value {
        self.ok(&group_request(what, group, fields))
    }

    /// Tries something with a group that must be refused with this code.
    #[track_caller]
    pub(crate) fn group_refused(&mut self, what: &str, group: &str, fields: &Value, code: &str) {
        self.refused(&group_request(what, group, fields), code);
    }

    /// The next private message, which must say this.
    #[track_caller]
    pub(crate) fn hears(&mut self, sender: &str, content: &str) -> Value {
        let event = self.event("private_message_received");
        assert_eq!((text(&event, "sender"), text(&event, "content")), (sender, content));
        event
    }

    /// The next message in a group, which must say this.
    #[track_caller]
    pub(crate) fn hears_in(&mut self, group: &str, sender: &str, content: &str) -> Value {
        let event = self.event("group_message_received");
        assert_eq!(
            (text(&event, "group_name"), text(&event, "sender"), text(&event, "content")),
            (group, sender, content)
        );
        event
    }

    /// Logs out and waits for the end: from then on the name is free.
    #[track_caller]
    pub(crate) fn leave(mut self) {
        self.ok(&json!({ "type": "logout" }));
        self.rest();
    }

    /// Waits until somebody is no longer online, as this peer sees it.
    #[track_caller]
    pub(crate) fn waits_until_gone(&mut self, name: &str) {
        eventually(&format!("{name} is offline"), || {
            let users = self.ok(&json!({ "type": "list_users" }));
            !texts(&users, "users").contains(&name)
        });
    }

    fn hear_wire(&mut self) -> Heard {
        loop {
            if let Some(frame) = self.cut() {
                let frame: Value = match serde_json::from_slice(&frame) {
                    Ok(frame) => frame,
                    Err(error) => panic!(
                        "the server said what is no JSON ({error}): {:?}",
                        String::from_utf8_lossy(&frame)
                    ),
                };
                if self.acknowledges && frame["type"] == "heartbeat_ping" {
                    // A server that has just ended needs no answer; its last frames are read.
                    self.try_send(&json!({ "type": "heartbeat_ack" }));
                    continue;
                }
                return Heard::Frame(frame);
            }
            match self.fill() {
                Ok(0) => return Heard::End,
                Ok(_) => {}
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => return Heard::Silence,
                    _ => return Heard::End,
                },
            }
        }
    }

    fn fill(&mut self) -> std::io::Result<usize> {
        // Room is made once per half buffer, so that a large frame is not moved again and again.
        if self.consumed > self.received.len() / 2 {
            self.received.drain(..self.consumed);
            self.scanned -= self.consumed;
            self.consumed = 0;
        }
        let mut piece = [0; 16 * 1024];
        let count = self.stream.read(&mut piece)?;
        self.received.extend_from_slice(&piece[..count]);
        Ok(count)
    }

    /// The next whole frame of what was received.
    fn cut(&mut self) -> Option<Vec<u8>> {
        let (start, end, next) = match self.framing {
            Framing::Line | Framing::Bare => {
                let rest = &self.received[self.scanned..];
                let Some(at) = rest.iter().position(|&byte| byte == b'\n') else {
                    self.scanned = self.received.len();
                    return None;
                };
                let end = self.scanned + at;
                (self.consumed, end, end + 1)
            }
            Framing::Length => {
                let rest = &self.received[self.consumed..];
                let (prefix, rest) = rest.split_first_chunk::<4>()?;
                let length = u32::from_be_bytes(*prefix) as usize;
                if rest.len() < length {
                    return None;
                }
                let start = self.consumed + 4;
                (start, start + length, start + length)
            }
        };
        self.consumed = next;
        self.scanned = next;
        Some(self.received[start..end].to_vec())
    }
}

/// Bytes that are waiting in the socket, without waiting for more than this long.
pub(crate) fn with_timeout(stream: &TcpStream, patience: Duration) {
    stream.set_read_timeout(Some(patience)).expect("a timeout on a socket");
}

/// Whether a frame answers a request: it has a `status` that is an answer's.
pub(crate) fn is_answer(frame: &Value) -> bool {
    frame["status"] == "success" || frame["status"] == "error"
}

/// A frame has these fields with these values, whatever else it has.
#[track_caller]
pub(crate) fn assert_has(frame: &Value, expected: &Value) {
    for (field, value) in expected.as_object().expect("fields") {
        assert_eq!(frame[field], *value, "{field:?} in {frame}");
    }
}

/// A refusal has its code and a sentence for people.
#[track_caller]
pub(crate) fn assert_refused(answer: &Value, code: &str) {
    assert_eq!(answer["status"], "error", "{answer}");
    assert_eq!(answer["code"], code, "{answer}");
    assert!(!text(answer, "message").is_empty(), "{answer}");
}

/// A request as a failure shows it: a file or a long text would drown everything else.
fn short(request: &Value) -> String {
    let mut shown = request.to_string();
    if shown.len() > 500 {
        let end = (400..500).find(|at| shown.is_char_boundary(*at));
        shown.truncate(end.expect("a character has at most four bytes"));
        shown.push_str(" ...");
    }
    shown
}

/// A login under this name, with more fields.
pub(crate) fn login_request(name: &str, fields: &Value) -> Value {
    with_fields(json!({ "type": "login", "username": name }), fields)
}

fn group_request(what: &str, group: &str, fields: &Value) -> Value {
    with_fields(json!({ "type": what, "group_name": group }), fields)
}

fn with_fields(mut request: Value, fields: &Value) -> Value {
    for (field, value) in fields.as_object().into_iter().flatten() {
        request[field] = value.clone();
    }
    request
}
