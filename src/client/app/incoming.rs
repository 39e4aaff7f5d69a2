//! What the server says, and what comes of it.

use crate::text::client::{self as text, Choice};
use crate::wire::Code;
use crate::wire::event::{Incoming, MsgId};
use crate::wire::request::{Fields, RequestId};

use super::missed::Item;
use super::{App, Effect, Link, bad, send};
use crate::client::outstanding::About;
use crate::client::place::Place;
use crate::client::requests::{Arrived, arrived_file, arrived_up_to, told_to_wait};
use crate::client::sanitize::one_line;
use crate::client::show::{self, Line, Style, beginning, fingerprint};

impl App {
    /// A frame arrived.
    pub(crate) fn received(&mut self, frame: &[u8]) -> Vec<Effect> {
        let Some(event) = Incoming::decode(frame) else {
            return match self.link {
                // What a newer server says and this client does not understand is not for it.
                Link::Online | Link::Down => Vec::new(),
                _ => vec![bad(text::NOT_PAPO.get(self.lang)), Effect::Reconnect],
            };
        };
        match event.kind() {
            "heartbeat_ping" => vec![send(&Fields::new("heartbeat_ack"))],
            "private_message_received" | "group_message_received" => self.message(&event),
            "file_received" | "group_file_received" => self.file(&event),
            "synced" => self.synced(&event),
            "receipt" => self.receipt(&event),
            "message_changed" => self.changed(&event),
            "presence" | "group_event" | "added_to_group" => {
                let line = self.reader().event(&event);
                self.notice(&event, line)
            }
            _ if event.status.is_some() => self.answer(&event),
            _ => Vec::new(),
        }
    }

    fn answer(&mut self, answer: &Incoming<'_>) -> Vec<Effect> {
        if let Link::LoggingIn { id } = &self.link
            && (is_id(answer, id) || answer.kind() == "login_response")
        {
            return if answer.is_error() {
                self.login_refused(answer)
            } else {
                self.logged_in(answer)
            };
        }
        if show::code(answer) == Some(Code::UnknownUser)
            && let Some((wait, frame)) = self.outstanding.try_later(answer.id.as_ref())
        {
            return vec![Effect::SendLater(wait, frame)];
        }
        let answered = self.outstanding.answered(answer.id.as_ref());
        let late = answered.as_ref().filter(|answered| answered.is_late);
        let late = late.map_or_else(String::new, |answered| told_late(&answered.about));
        let asked = answered.as_ref().map(|answered| answered.asked);
        if asked == Some(Choice::History)
            && let Some(place) = self.asked_page(answer)
            && !answer.is_error()
        {
            return self.history(answer, &place).into_iter().map(Effect::Show).collect();
        }
        if let Some(answered) = answered.filter(|_| !answer.is_error()) {
            self.stored(answer, answered.about);
        }
        let mut effects = Vec::new();
        if asked == Some(Choice::Password) {
            effects = self.keep_token(answer);
        }
        let reader = self.reader();
        let lines = match asked {
            Some(Choice::Quit) => return Vec::new(),
            asked @ Some(_) if answer.is_error() => {
                vec![Line { rest: late, ..reader.refusal(answer, asked) }]
            }
            Some(Choice::ListUsers) => reader.users(answer),
            Some(Choice::ListGroups) => reader.groups(answer),
            Some(Choice::Members) => reader.members(answer),
            Some(Choice::Search) => reader.found(answer),
            Some(Choice::Conversations) => reader.conversations(answer),
            Some(_) => {
                let said = reader.sentence(answer);
                vec![Line { rest: late, ..Line::new(Style::Good, format!("✅ {said}")) }]
            }
            // A second answer to what was sent twice.
            None if !answer.is_error() => return Vec::new(),
            None => {
                let said = reader.sentence(answer);
                // The connection closes next; one line tells both.
                if matches!(
                    show::code(answer),
                    Some(Code::ShuttingDown | Code::SlowConsumer | Code::ServerFull)
                ) {
                    self.parting_words = Some(said);
                    self.told_to_wait = told_to_wait(answer);
                    return Vec::new();
                }
                vec![Line::bad(&said)]
            }
        };
        effects.extend(lines.into_iter().map(Effect::Show));
        effects
    }

    /// Of which conversation the history is that this answers.
    fn asked_page(&mut self, answer: &Incoming<'_>) -> Option<Place> {
        let asked = self.pages.iter().position(|(id, _)| is_id(answer, id))?;
        self.pages.remove(asked).map(|(_, place)| place)
    }

    fn history(&mut self, answer: &Incoming<'_>, place: &Place) -> Vec<Line> {
        let messages = answer.messages.as_deref().unwrap_or_default();
        let ids = || messages.iter().filter_map(|event| event.msg_id);
        if let (Some(true), Some(oldest)) = (answer.more, ids().min()) {
            self.older = Some((place.clone(), oldest));
        }
        if let Some(newest) = ids().max() {
            self.was_read(place.clone(), newest);
        }
        self.reader().history(answer, place)
    }

    /// An own message or file is stored.
    pub(super) fn stored(&mut self, answer: &Incoming<'_>, about: About) {
        let (Some(place), Some(msg_id)) = (about.place, answer.msg_id) else { return };
        let me = self.me.clone().unwrap_or_default();
        self.seen.add(msg_id, &me, about.beginning.clone(), None);
        self.ticks.sent(place, msg_id, about.beginning);
    }

    fn message(&mut self, event: &Incoming<'_>) -> Vec<Effect> {
        if !self.remember(event) {
            return Vec::new();
        }
        let lines: Vec<Line> = self.reader().event(event).into_iter().collect();
        if event.backlog == Some(true) {
            self.hold(event, lines);
            return Vec::new();
        }
        self.shown_now(event);
        lines.into_iter().map(Effect::Show).collect()
    }

    fn file(&mut self, event: &Incoming<'_>) -> Vec<Effect> {
        if !self.remember(event) {
            return Vec::new();
        }
        let is_missed = event.backlog == Some(true);
        let mut lines: Vec<Line> = self.reader().event(event).into_iter().collect();
        let save = match arrived_file(event) {
            Arrived::File(file) if is_missed => Some(Effect::SaveMissed(file)),
            Arrived::File(file) => Some(Effect::Save(file)),
            Arrived::Offer(offer) => {
                let me = self.me.as_deref();
                let is_wanted = event.sender.as_deref() != me || event.recipient.as_deref() == me;
                Some(Effect::Offered { offer, is_wanted, is_missed })
            }
            Arrived::Broken => {
                lines.push(Line::bad(text::FILE_BROKEN.get(self.lang)));
                None
            }
            Arrived::NotHere => {
                lines.push(Line::bad(text::FILE_NOT_HERE.get(self.lang)));
                None
            }
        };
        if is_missed {
            self.hold(event, lines);
            return save.into_iter().collect();
        }
        self.shown_now(event);
        lines.into_iter().map(Effect::Show).chain(save).collect()
    }

    /// What is no message: shown at once, or in its place among what was missed.
    fn notice(&mut self, event: &Incoming<'_>, line: Option<Line>) -> Vec<Effect> {
        match line {
            Some(line) if event.backlog == Some(true) => {
                self.missed.hold(Item { lines: vec![line], ..Item::default() });
                Vec::new()
            }
            line => line.into_iter().map(Effect::Show).collect(),
        }
    }

    fn changed(&mut self, event: &Incoming<'_>) -> Vec<Effect> {
        let Some(msg_id) = event.msg_id else { return Vec::new() };
        let line = self.reader().changed(event, self.seen.find(msg_id));
        if event.edited == Some(true) && event.deleted != Some(true) {
            let says = event.content.as_deref().unwrap_or("");
            self.seen.change(msg_id, beginning(says), fingerprint(says));
        }
        self.notice(event, line)
    }

    fn receipt(&mut self, event: &Incoming<'_>) -> Vec<Effect> {
        let is_mine = event.by.as_deref() == self.me.as_deref();
        if let Some(place) = Place::of(event, self.me.as_deref()).filter(|_| !is_mine) {
            self.ticks.receipt(&place, event);
        }
        Vec::new()
    }

    /// Remembers a message by its number, and says whether it is new: not shown before.
    fn remember(&mut self, event: &Incoming<'_>) -> bool {
        let Some(msg_id) = event.msg_id else {
            return true;
        };
        let sender = event.sender.as_deref().unwrap_or("?");
        let says = event.content.as_deref().or(event.filename.as_deref()).unwrap_or("");
        let is_new = self.seen.add(msg_id, sender, beginning(says), Some(fingerprint(says)));
        self.has_arrived(event);
        if is_new
            && self.me.as_deref() == Some(sender)
            && let Some(place) = Place::of(event, self.me.as_deref())
        {
            // From another session of this user's.
            self.ticks.sent(place, msg_id, beginning(says));
        }
        is_new
    }

    fn has_arrived(&mut self, event: &Incoming<'_>) {
        if let Some(msg_id) = arrived_up_to(event) {
            self.newest = self.newest.max(msg_id);
            self.notes.arrived(msg_id);
        }
    }

    fn hold(&mut self, event: &Incoming<'_>, lines: Vec<Line>) {
        let me = self.me.as_deref();
        self.missed.hold(Item {
            place: Place::of(event, me),
            msg_id: event.msg_id.unwrap_or(0),
            day: show::day(event),
            counts: event.sender.as_deref() != me,
            lines,
        });
    }

    fn shown_now(&mut self, event: &Incoming<'_>) {
        if let (Some(place), Some(msg_id)) = (Place::of(event, self.me.as_deref()), event.msg_id) {
            self.was_read(place, msg_id);
        }
    }

    /// Only where somebody sits at a terminal, what was shown was read.
    fn was_read(&mut self, place: Place, msg_id: MsgId) {
        if self.interactive {
            self.notes.read(place, msg_id);
        }
    }

    fn synced(&mut self, event: &Incoming<'_>) -> Vec<Effect> {
        self.has_arrived(event);
        let mut effects = self.show_missed();
        self.missed.is_whole = true;
        effects.extend(self.send_notes());
        effects
    }

    /// Shows what is held of a backlog.
    pub(super) fn show_missed(&mut self) -> Vec<Effect> {
        let shown = self.missed.release(self.lang);
        for (place, msg_id) in shown.read {
            self.was_read(place, msg_id);
        }
        shown.lines.into_iter().map(Effect::Show).collect()
    }
}

fn is_id(answer: &Incoming<'_>, id: &str) -> bool {
    matches!(&answer.id, Some(RequestId::Text(answered)) if **answered == *id)
}

/// What an answer that comes late is about.
fn told_late(about: &About) -> String {
    let to = about.place.as_ref().map_or("", |place| place.name.as_str());
    format!(" ({}: {})", one_line(to), about.beginning)
}
