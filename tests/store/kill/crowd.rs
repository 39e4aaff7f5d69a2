//! The people around a server that is killed: they write, lose the connection, come back, and send
//! again what was not answered.

use std::collections::VecDeque;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::dice::Dice;
use super::{LAST_WORD, READERS, Scene, Seen, TIME};
use crate::common::peer::{is_answer, login_request, with_timeout};
use crate::common::{Framing, Heard, PATIENCE, Peer, eventually, number};
use crate::{private, to_group};

/// How long a thread waits before it looks around again.
const GLANCE: Duration = Duration::from_millis(20);

/// Messages that one sender has on their way at most.
const UNANSWERED_MAX: u64 = 8;

/// Somebody who writes.
pub(super) struct Sender {
    name: &'static str,
    framing: Framing,
    dice: Dice,
    /// How much was said so far.
    said: u64,
    /// What was sent and not answered yet, oldest first.
    unanswered: VecDeque<Value>,
    /// Some of what was answered, to be sent again once more.
    old: Vec<Value>,
}

impl Sender {
    pub(super) fn new(name: &'static str, framing: Framing, dice: Dice) -> Self {
        Self { name, framing, dice, said: 0, unanswered: VecDeque::new(), old: Vec::new() }
    }

    /// Writes until the scene closes and everything is answered.
    pub(super) fn run(mut self, scene: &Scene) {
        let mut deadline = None;
        loop {
            if scene.has_failed() {
                return;
            }
            if scene.is_closing() {
                if self.unanswered.is_empty() {
                    return;
                }
                let deadline = *deadline.get_or_insert_with(|| Instant::now() + PATIENCE);
                assert!(Instant::now() < deadline, "{}: {:?}", self.name, self.unanswered);
            }
            let Some(mut peer) = come_in(scene, self.name, self.framing, &json!({})) else {
                continue;
            };
            self.write(&mut peer, scene);
        }
    }

    /// Writes until the connection ends, or nothing is left to write.
    fn write(&mut self, peer: &mut Peer, scene: &Scene) {
        // First of all what may be lost, in its order, so that nothing new overtakes it.
        let again: Vec<u8> =
            self.unanswered.iter().flat_map(|request| self.framing.frame(request)).collect();
        if !try_send_bytes(peer, &again) {
            return;
        }
        loop {
            if scene.has_failed() || (scene.is_closing() && self.unanswered.is_empty()) {
                return;
            }
            if !scene.is_closing() && !self.write_some(peer) {
                return;
            }
            if !self.take_answer(peer, scene) {
                return;
            }
        }
    }

    /// New messages, up to as many as may be on their way; or an old one once more.
    fn write_some(&mut self, peer: &mut Peer) -> bool {
        if self.dice.one_in(20) && !self.old.is_empty() {
            let request = self.dice.pick(&self.old).clone();
            if !self.unanswered.contains(&request) {
                self.unanswered.push_back(request.clone());
                return peer.try_send(&request);
            }
        }
        let wanted = 1 + self.dice.below(UNANSWERED_MAX);
        while u64::try_from(self.unanswered.len()).expect("a few") < wanted {
            self.said += 1;
            let label = format!("{} {}", self.name, self.said);
            let request = match self.dice.below(2) {
                0 => to_group(TIME, &label, &json!(label)),
                _ => private(self.dice.pick(READERS).0, &label, &json!(label)),
            };
            self.unanswered.push_back(request.clone());
            if !peer.try_send(&request) {
                return false;
            }
        }
        true
    }

    /// The next answer, if one comes before long. No, when the connection has ended.
    fn take_answer(&mut self, peer: &mut Peer, scene: &Scene) -> bool {
        match peer.hear() {
            // What others say in the group.
            Heard::Frame(frame) if !is_answer(&frame) => true,
            Heard::Frame(answer) => {
                let about = |request: &Value| request["id"] == answer["id"];
                let at = self.unanswered.iter().position(about);
                let at = at.unwrap_or_else(|| panic!("an answer to nothing: {answer}"));
                assert_eq!(answer["status"], "success", "{}: {answer}", self.name);
                let request = self.unanswered.remove(at).expect("just found");
                let label = request["content"].as_str().expect("a label");
                let msg_id = number(&answer, "msg_id");
                // One that was answered before must be answered the same.
                scene.acknowledge(label, msg_id);
                if self.dice.one_in(10) {
                    self.old.push(request);
                }
                true
            }
            Heard::Silence => true,
            Heard::End => false,
        }
    }
}

/// The number that a label has in what somebody said, if it is that one's.
pub(super) fn place_in_speech(label: &str, name: &str) -> Option<u64> {
    label.strip_prefix(name)?.trim_start().parse().ok()
}

/// How a reader keeps what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReaderKind {
    /// It says at each login what it has.
    Since,
    /// It lists `receipts` and says now and then what it has received.
    Confirming,
    /// It says nothing, as the first clients.
    Old,
}

/// Somebody who reads.
pub(super) struct Reader {
    name: &'static str,
    kind: ReaderKind,
    token: Option<String>,
    dice: Dice,
    view: Vec<Seen>,
}

impl Reader {
    pub(super) fn new(
        name: &'static str,
        kind: ReaderKind,
        token: Option<String>,
        dice: Dice,
    ) -> Self {
        Self { name, kind, token, dice, view: Vec::new() }
    }

    /// Reads until the last word. What it has seen, each message once, in the order in which it
    /// came.
    pub(super) fn run(mut self, scene: &Scene) -> Vec<Seen> {
        let mut deadline = None;
        loop {
            if scene.has_failed() {
                return self.view;
            }
            if scene.is_closing() {
                // The senders take their time, and then the reader.
                let deadline = *deadline.get_or_insert_with(|| Instant::now() + PATIENCE * 2);
                assert!(Instant::now() < deadline, "{} never hears the last word", self.name);
            }
            let mut fields = match (self.kind, self.view.last()) {
                (ReaderKind::Since, last) => json!({ "since": last.map_or(0, |seen| seen.msg_id) }),
                (ReaderKind::Confirming, _) => json!({ "features": ["receipts"] }),
                (ReaderKind::Old, _) => json!({}),
            };
            if let Some(token) = &self.token {
                fields["token"] = json!(token);
            }
            let Some(mut peer) = come_in(scene, self.name, Framing::Line, &fields) else {
                continue;
            };
            if self.read(&mut peer, scene) {
                return self.view;
            }
        }
    }

    /// Reads until the connection ends, or until the last word: then it says yes.
    fn read(&mut self, peer: &mut Peer, scene: &Scene) -> bool {
        // On one connection nothing comes twice, and all comes in one order.
        let mut newest = 0;
        let deadline = Instant::now() + PATIENCE * 2;
        while !scene.has_failed() {
            if scene.is_closing() && Instant::now() > deadline {
                return false;
            }
            let event = match peer.hear() {
                Heard::Frame(event) => event,
                Heard::Silence => continue,
                Heard::End => return false,
            };
            if event["content"] == LAST_WORD {
                return true;
            }
            let Some(seen) = Seen::of(&event, self.name) else {
                continue;
            };
            assert!(seen.msg_id > newest, "{}: {seen:?} after {newest}", self.name);
            newest = seen.msg_id;
            self.take(seen, &event);
            // Nothing waits for it: what is not confirmed comes again.
            if self.kind == ReaderKind::Confirming && self.dice.one_in(7) {
                peer.try_send(&json!({ "type": "received", "msg_id": newest }));
            }
        }
        true
    }

    /// Adds what it has not seen. Who said what it has may not be told it again; the others may,
    /// as backlog, when the server did not get to hear that it arrived.
    fn take(&mut self, seen: Seen, event: &Value) {
        let before = self.view.last().map_or(0, |last| last.msg_id);
        if seen.msg_id > before {
            self.view.push(seen);
            return;
        }
        assert_ne!(self.kind, ReaderKind::Since, "{}: {seen:?} after {before}", self.name);
        assert_eq!(event["backlog"], true, "{}: {event}", self.name);
        let known = self.view.binary_search_by_key(&seen.msg_id, |other| other.msg_id);
        match known {
            Ok(at) => assert_eq!(self.view[at], seen, "{}", self.name),
            // What was on its way at a kill never came, and does now. Only the first clients
            // can have gone on without it, and they do not put it in its place.
            Err(_) => assert_eq!(self.kind, ReaderKind::Old, "{}: late: {seen:?}", self.name),
        }
    }
}

/// Connects to the server that lives now and logs in. Nothing, when it does not work out: then some
/// time has passed, and it may be tried again.
fn come_in(scene: &Scene, name: &str, framing: Framing, fields: &Value) -> Option<Peer> {
    let life = scene.life.load(Ordering::SeqCst);
    let port = scene.port.load(Ordering::SeqCst);
    let entered = (port != 0).then(|| {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
        // Had the server ended meanwhile, this could be a stranger on its port.
        if scene.life.load(Ordering::SeqCst) != life {
            return None;
        }
        stream.set_nodelay(true).ok()?;
        with_timeout(&stream, GLANCE);
        stream.set_write_timeout(Some(PATIENCE)).ok()?;
        let mut peer = Peer::new(stream, framing);
        try_login(&mut peer, name, fields, scene).then_some(peer)
    });
    let peer = entered.flatten();
    if peer.is_none() {
        thread::sleep(Duration::from_millis(5));
    }
    peer
}

/// No: the server is gone again, or the name is taken still.
fn try_login(peer: &mut Peer, name: &str, fields: &Value, scene: &Scene) -> bool {
    if !peer.try_send(&login_request(name, fields)) {
        return false;
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        match peer.hear() {
            Heard::Frame(answer) => {
                assert_eq!(answer["type"], "login_response", "{name}: {answer}");
                if answer["status"] == "success" {
                    return true;
                }
                // The server has not seen the end of the last connection yet.
                let code = answer["code"].as_str().unwrap_or_default();
                assert!(["name_in_use", "too_many_sessions"].contains(&code), "{name}: {answer}");
                return false;
            }
            Heard::Silence if scene.has_failed() => return false,
            Heard::Silence => assert!(Instant::now() < deadline, "{name}: no answer to a login"),
            Heard::End => return false,
        }
    }
}

/// Logs in, when a session that has just ended may hold the name still.
pub(super) fn login(peer: &mut Peer, name: &str, fields: &Value) {
    eventually(&format!("{name} can log in"), || {
        let answer = peer.ask(&login_request(name, fields));
        answer["status"] == "success"
    });
}

/// Puts bytes on the wire, where the other end may be gone.
fn try_send_bytes(peer: &Peer, bytes: &[u8]) -> bool {
    peer.stream().write_all(bytes).is_ok()
}
