//! How far own messages have come: whether others have them, and have read them. Pure.
//!
//! Every receipt would be a line, so they are held back for a moment: who reads at once makes one
//! line and not two, and a group tells its readers in steps that double.

use std::collections::VecDeque;

use crate::text::Lang;
use crate::text::client as text;
use crate::wire::event::{Incoming, MsgId};

use crate::client::place::Place;
use crate::client::sanitize::one_line;
use crate::client::show::{Line, Style};

/// Conversations watched; of more, those written to longest ago are not.
const PLACES_MAX: usize = 100;

/// Own messages watched in one conversation.
const SENT_MAX: usize = 50;

/// Readers of a group's message that are told apart: as many as a group has members.
const READERS_MAX: usize = 1_024;

/// Readers that are named.
const NAMED_MAX: usize = 3;

/// Ticks for which a receipt waits for others: a second.
const WAIT_TICKS: u8 = 5;

#[derive(Debug)]
struct Watched {
    place: Place,
    /// Own messages, oldest first: of a group only the newest, else those that are not read yet.
    sent: VecDeque<(MsgId, String)>,
    /// How many more there are, older than these.
    older: usize,
    /// The same that have been told to have arrived.
    older_told: usize,
    delivered: MsgId,
    read: MsgId,
    told_delivered: MsgId,
    /// Who has read a group's message, and how many of them have been told.
    readers: Vec<String>,
    told_readers: usize,
    /// Ticks since something is to be told.
    waiting: Option<u8>,
}

/// What is known of own messages.
#[derive(Debug, Default)]
pub(crate) struct Ticks {
    watched: VecDeque<Watched>,
}

impl Ticks {
    /// An own message or file is stored.
    pub(crate) fn sent(&mut self, place: Place, msg_id: MsgId, beginning: String) {
        let index = self.watched.iter().position(|watched| watched.place == place);
        let known = index.and_then(|index| self.watched.remove(index));
        let mut watched = known.unwrap_or_else(|| Watched::new(place));
        watched.add(msg_id, beginning);
        self.watched.push_back(watched);
        if self.watched.len() > PLACES_MAX {
            self.watched.pop_front();
        }
    }

    /// Somebody else has what was sent, or has read it.
    pub(crate) fn receipt(&mut self, place: &Place, receipt: &Incoming<'_>) {
        let (Some(by), Some(msg_id)) = (receipt.by.as_deref(), receipt.msg_id) else { return };
        let is_read = receipt.receipt.as_deref() == Some("read");
        let Some(watched) = self.watched.iter_mut().find(|watched| watched.place == *place) else {
            // Sent before this run: the history shows how far it is.
            return;
        };
        // As the server writes it, and not as it was typed.
        watched.place.name.clone_from(&place.name);
        watched.receipt(by, is_read, msg_id);
    }

    /// Whether something is to be told soon.
    pub(crate) fn is_waiting(&self) -> bool {
        self.watched.iter().any(|watched| watched.waiting.is_some())
    }

    /// Time has passed: gives what has waited long enough.
    pub(crate) fn tick(&mut self, lang: Lang) -> Vec<Line> {
        let mut lines = Vec::new();
        for watched in &mut self.watched {
            match watched.waiting {
                None => {}
                Some(ticks) if ticks < WAIT_TICKS => watched.waiting = Some(ticks + 1),
                Some(_) => {
                    watched.waiting = None;
                    watched.tell(lang, &mut lines);
                }
            }
        }
        lines
    }
}

impl Watched {
    fn new(place: Place) -> Self {
        Self {
            place,
            sent: VecDeque::new(),
            older: 0,
            older_told: 0,
            delivered: 0,
            read: 0,
            told_delivered: 0,
            readers: Vec::new(),
            told_readers: 0,
            waiting: None,
        }
    }

    fn add(&mut self, msg_id: MsgId, beginning: String) {
        if self.place.is_group {
            self.sent.clear();
            self.readers.clear();
            self.told_readers = 0;
            self.waiting = None;
        }
        self.sent.push_back((msg_id, beginning));
        if self.sent.len() > SENT_MAX {
            let dropped = self.sent.pop_front();
            self.older += 1;
            if dropped.is_some_and(|(msg_id, _)| msg_id <= self.told_delivered) {
                self.older_told += 1;
            }
        }
    }

    fn receipt(&mut self, by: &str, is_read: bool, msg_id: MsgId) {
        let concerns = self.sent.iter().any(|(sent, _)| *sent <= msg_id);
        if self.place.is_group {
            let is_known = self.readers.iter().any(|reader| reader == by);
            if is_read && concerns && !is_known && self.readers.len() < READERS_MAX {
                self.readers.push(by.to_owned());
                if self.readers.len() >= self.told_readers * 2 {
                    self.waiting = self.waiting.or(Some(0));
                }
            }
            return;
        }
        if is_read {
            self.read = self.read.max(msg_id);
        }
        self.delivered = self.delivered.max(msg_id);
        if concerns && (is_read || self.delivered > self.told_delivered) {
            self.waiting = self.waiting.or(Some(0));
        }
    }

    fn tell(&mut self, lang: Lang, lines: &mut Vec<Line>) {
        let name = one_line(&self.place.name).into_owned();
        if self.place.is_group {
            self.told_readers = self.readers.len();
            let Some((_, beginning)) = self.sent.back() else { return };
            let shown = if self.readers.len() > NAMED_MAX { &[][..] } else { &self.readers[..] };
            let shown: Vec<String> = shown.iter().map(|name| one_line(name).into_owned()).collect();
            let lead = text::group_receipt(lang, &name, &shown, self.readers.len());
            lines.push(Line { style: Style::Dim, lead, rest: format!(" {beginning}") });
            return;
        }
        let mut read = Vec::new();
        while self.sent.front().is_some_and(|(msg_id, _)| *msg_id <= self.read) {
            read.extend(self.sent.pop_front());
        }
        let told = self.told_delivered;
        let has_come = |msg_id: MsgId| msg_id > told && msg_id <= self.delivered;
        let come: Vec<_> =
            self.sent.iter().filter(|(msg_id, _)| has_come(*msg_id)).cloned().collect();
        self.told_delivered = self.delivered;
        // What is older has come as far as the oldest that is known, at least.
        let (mut older_read, mut older_come) = (0, 0);
        if !read.is_empty() {
            older_read = std::mem::take(&mut self.older);
            self.older_told = 0;
        } else if !come.is_empty() {
            older_come = self.older - std::mem::replace(&mut self.older_told, self.older);
        }
        for (is_read, messages, older) in [(true, read, older_read), (false, come, older_come)] {
            let rest = match &messages[..] {
                [] => continue,
                [(_, beginning)] if older == 0 => format!(" {beginning}"),
                _ => String::new(),
            };
            let lead = text::receipt(lang, &name, is_read, messages.len() + older);
            lines.push(Line { style: Style::Dim, lead, rest });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bob() -> Place {
        Place::new(false, "bob")
    }

    fn team() -> Place {
        Place::new(true, "T")
    }

    fn receipt(ticks: &mut Ticks, place: &Place, by: &str, kind: &str, msg_id: MsgId) {
        let json = format!(r#"{{"kind":"{kind}","by":"{by}","msg_id":{msg_id}}}"#);
        ticks.receipt(place, &Incoming::decode(json.as_bytes()).unwrap());
    }

    /// Lets time pass until nothing more is to be told.
    fn told(ticks: &mut Ticks) -> Vec<String> {
        let mut told = Vec::new();
        while ticks.is_waiting() {
            told.extend(ticks.tick(Lang::Pt).iter().map(|line| line.lead.clone() + &line.rest));
        }
        told
    }

    #[test]
    fn who_reads_at_once_makes_one_line() {
        let mut ticks = Ticks::default();
        ticks.sent(bob(), 1, "um".into());
        assert!(!ticks.is_waiting());
        receipt(&mut ticks, &bob(), "bob", "delivered", 1);
        receipt(&mut ticks, &bob(), "bob", "read", 1);
        assert_eq!(ticks.tick(Lang::Pt), []);
        assert_eq!(told(&mut ticks), ["👀 bob leu: um"]);
        receipt(&mut ticks, &bob(), "bob", "read", 1);
        assert_eq!(told(&mut ticks), [""; 0]);
    }

    #[test]
    fn receipts_are_cumulative_and_told_once() {
        let mut ticks = Ticks::default();
        for msg_id in [1, 2, 3, 4] {
            ticks.sent(Place::new(false, "BOB"), msg_id, format!("m{msg_id}"));
        }
        receipt(&mut ticks, &bob(), "bob", "delivered", 3);
        assert_eq!(told(&mut ticks), ["✓✓ bob recebeu 3 mensagens"]);
        receipt(&mut ticks, &bob(), "bob", "delivered", 2);
        assert_eq!(told(&mut ticks), [""; 0]);
        receipt(&mut ticks, &bob(), "bob", "read", 2);
        receipt(&mut ticks, &bob(), "bob", "delivered", 4);
        assert_eq!(told(&mut ticks), ["👀 bob leu 2 mensagens", "✓✓ bob recebeu: m4"]);
        receipt(&mut ticks, &Place::new(false, "cae"), "cae", "read", 9);
        assert_eq!(told(&mut ticks), [""; 0]);
    }

    #[test]
    fn what_is_not_watched_any_more_is_counted() {
        let mut ticks = Ticks::default();
        for msg_id in 1..=40 {
            ticks.sent(bob(), msg_id, String::new());
        }
        receipt(&mut ticks, &bob(), "bob", "delivered", 40);
        assert_eq!(told(&mut ticks), ["✓✓ bob recebeu 40 mensagens"]);
        for msg_id in 41..=300 {
            ticks.sent(bob(), msg_id, String::new());
        }
        receipt(&mut ticks, &bob(), "bob", "delivered", 300);
        assert_eq!(told(&mut ticks), ["✓✓ bob recebeu 260 mensagens"]);
        receipt(&mut ticks, &bob(), "bob", "read", 299);
        assert_eq!(told(&mut ticks), ["👀 bob leu 299 mensagens"]);
        receipt(&mut ticks, &bob(), "bob", "read", 300);
        assert_eq!(told(&mut ticks), ["👀 bob leu: "]);
    }

    #[test]
    fn a_group_tells_its_readers_in_steps_that_double() {
        let mut ticks = Ticks::default();
        ticks.sent(team(), 5, "oi".into());
        receipt(&mut ticks, &team(), "a", "delivered", 5);
        receipt(&mut ticks, &team(), "a", "read", 4);
        assert_eq!(told(&mut ticks), [""; 0]);
        let mut lines = Vec::new();
        for reader in 0..100 {
            receipt(&mut ticks, &team(), &format!("r{reader}"), "read", 5);
            receipt(&mut ticks, &team(), &format!("r{reader}"), "read", 6);
            lines.extend(told(&mut ticks));
        }
        assert_eq!(
            lines,
            [
                "👀 [T] lida por r0: oi",
                "👀 [T] lida por r0 e r1: oi",
                "👀 [T] lida por 4 pessoas: oi",
                "👀 [T] lida por 8 pessoas: oi",
                "👀 [T] lida por 16 pessoas: oi",
                "👀 [T] lida por 32 pessoas: oi",
                "👀 [T] lida por 64 pessoas: oi",
            ]
        );
        // A newer message begins anew.
        ticks.sent(team(), 7, "olá".into());
        receipt(&mut ticks, &team(), "r0", "read", 7);
        assert_eq!(told(&mut ticks), ["👀 [T] lida por r0: olá"]);
    }

    #[test]
    fn what_is_watched_has_an_end() {
        let mut ticks = Ticks::default();
        for msg_id in 0..1_000 {
            ticks.sent(bob(), msg_id, String::new());
            ticks.sent(Place::new(false, &format!("p{msg_id}")), msg_id, String::new());
        }
        assert_eq!(ticks.watched.len(), PLACES_MAX);
        let bob = ticks.watched.iter().find(|watched| watched.place == bob()).unwrap();
        assert_eq!(bob.sent.len(), SENT_MAX);
    }
}
