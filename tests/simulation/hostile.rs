//! A hostile client: it says anything, and takes back nothing.

use std::cell::RefCell;
use std::rc::Rc;

use super::clock::Clock;
use super::dice::Dice;
use super::link::Link;
use super::world::USERS;

/// What it does with its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// It sends whatever comes to its mind.
    Raves,
    /// It sends one byte of something sensible at a time.
    Dawdles,
    /// It asks without end and reads no answer.
    Asks,
    /// It is silent.
    Waits,
}

#[derive(Debug)]
pub(super) struct Hostile {
    dice: Dice,
    pub(super) link: Option<Rc<RefCell<Link>>>,
    mood: Mood,
    unsent: Vec<u8>,
    questions: &'static [&'static [u8]],
    /// The last of what it was told.
    heard: Vec<u8>,
    pub(super) next_ms: u64,
}

impl Hostile {
    pub(super) fn new(dice: Dice) -> Self {
        Self {
            dice,
            link: None,
            mood: Mood::Waits,
            unsent: Vec::new(),
            questions: QUESTIONS,
            heard: Vec::new(),
            next_ms: 0,
        }
    }

    /// It has a connection.
    pub(super) fn connected(&mut self, link: Rc<RefCell<Link>>, now_ms: u64) {
        self.link = Some(link);
        self.mood = *self.dice.pick(&[Mood::Raves, Mood::Dawdles, Mood::Asks, Mood::Waits]);
        // Either everything, or what needs no disk and so is answered at once.
        self.questions = if self.dice.one_in(2) { QUESTIONS } else { &QUESTIONS[..1] };
        self.unsent = match self.mood {
            Mood::Asks => {
                // Never by a name that nobody has claimed: it would be theirs.
                b"{\"type\":\"login\",\"username\":\"mallory\"}\n".to_vec()
            }
            Mood::Dawdles => self.dice.pick(WORDS).to_vec(),
            Mood::Raves | Mood::Waits => Vec::new(),
        };
        self.next_ms = now_ms;
    }

    /// It goes away, one way or the other.
    pub(super) fn goes(&mut self) {
        if let Some(link) = self.link.take() {
            let mut link = link.borrow_mut();
            if self.dice.one_in(2) { link.break_off() } else { link.end_input() }
        }
    }

    pub(super) fn acts(&mut self, clock: &Clock) {
        let now_ms = clock.mono_ms();
        let pause_ms = if self.mood == Mood::Asks { 100 } else { 900 };
        self.next_ms = now_ms + 30 + self.dice.below(pause_ms);
        let Some(link) = self.link.clone() else { return };
        if link.borrow().over().is_some() || self.dice.one_in(60) {
            self.goes();
            self.next_ms = now_ms + self.dice.below(4_000);
            return;
        }
        match self.mood {
            Mood::Waits => {}
            Mood::Dawdles => {
                let some = usize::from(!self.unsent.is_empty());
                let sent = link.borrow_mut().send(&self.unsent[..some]);
                self.unsent.drain(..sent);
            }
            Mood::Raves => {
                if self.unsent.len() < 100_000 {
                    self.raves();
                }
            }
            Mood::Asks => {
                while self.unsent.len() < 20_000 {
                    self.unsent.extend(*self.dice.pick(self.questions));
                    if self.dice.one_in(6) {
                        let long = "x".repeat(6_000);
                        let message = format!(
                            r#"{{"type":"private_message","recipient":"ana","content":"{long}"}}"#
                        );
                        self.unsent.extend([message.as_bytes(), b"\n"].concat());
                    }
                }
            }
        }
        if self.mood != Mood::Dawdles {
            let sent = link.borrow_mut().send(&self.unsent);
            self.unsent.drain(..sent);
        }
        if self.mood == Mood::Raves && self.dice.one_in(2) {
            let heard = link.borrow_mut().read(1_000);
            self.heard.extend(&heard);
            // Whoever writes to a group that is not private is in it; of what others write to one
            // another they hear nothing.
            for user in USERS {
                let said = format!("\"content\":\"{user}-");
                for at in memchr::memmem::find_iter(&self.heard, said.as_bytes()) {
                    let before = &self.heard[at.saturating_sub(40)..at];
                    let leak = memchr::memmem::find(before, b"\"recipient\":");
                    assert!(leak.is_none(), "a stranger hears what {user} writes to somebody");
                }
            }
            self.heard.drain(..self.heard.len().saturating_sub(100));
        }
    }

    fn raves(&mut self) {
        match self.dice.below(5) {
            0 => {
                for _ in 0..self.dice.below(300) {
                    self.unsent.push(self.dice.below(256).to_le_bytes()[0]);
                }
            }
            1 => {
                // A length that nothing follows.
                self.unsent.push(0);
                self.unsent.extend(self.dice.below(1 << 24).to_be_bytes().into_iter().skip(5));
            }
            2 => {
                let deep = self.dice.place(3_000);
                self.unsent.extend(std::iter::repeat_n(b'[', deep));
                self.unsent.push(b'\n');
            }
            _ => {
                let mut words = self.dice.pick(WORDS).to_vec();
                // One byte of it is another. A guess stays one: without its password it would be a login by
                // a name that may be unclaimed, and what waits there would be theirs.
                let at = self.dice.place(words.len());
                if self.dice.one_in(2) && words != GUESS {
                    words[at] ^= 1 << self.dice.below(8);
                }
                self.unsent.extend(words);
            }
        }
    }
}

/// A try to come in by another's name.
const GUESS: &[u8] = b"{\"type\":\"login\",\"username\":\"ana\",\"password\":\"guess\"}\n";

/// What sensible clients say.
const WORDS: &[&[u8]] = &[
    b"{\"type\":\"login\",\"username\":\"mallory\"}\n",
    GUESS,
    b"{\"type\":\"private_message\",\"recipient\":\"ana\",\"content\":\"oi\",\"id\":\"bia-0-1\"}\n",
    b"{\"type\":\"group_message\",\"group_name\":\"turma\",\"content\":\"oi\"}\n",
    b"{\"type\":\"received\",\"msg_id\":9007199254740991}\n",
    b"{\"type\":\"delete_group\",\"group_name\":\"turma\"}\n",
    b"{\"type\":\"file_begin\",\"recipient\":\"ana\",\"filename\":\"../x\",\"size\":100,\"sha256\":\"00\"}\n",
    b"\x00\x00\x00\x10{\"type\":\"ping\"}  ",
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    b"\x81\xfe\x00\x7e\x01\x02\x03\x04",
    b"\x88\x80\x01\x02\x03\x04",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"{\"type\":\"history\",\"with\":\"ana\",\"limit\":200}{\"type\":\"list_groups\"}",
];

/// What costs the server more than it costs to ask.
const QUESTIONS: &[&[u8]] = &[
    b"{\"type\":\"list_users\",\"all\":true}\n",
    b"{\"type\":\"history\",\"with\":\"ana\",\"limit\":200}\n",
    b"{\"type\":\"search\",\"query\":\"a\"}\n",
    b"{\"type\":\"list_conversations\"}\n",
    b"{\"type\":\"private_message\",\"recipient\":\"ana\",\"content\":\"de novo\"}\n",
    b"{\"type\":\"group_message\",\"group_name\":\"turma\",\"content\":\"de novo\"}\n",
    b"{\"type\":\"set_password\",\"password\":\"x\",\"old_password\":\"y\"}\n",
];
