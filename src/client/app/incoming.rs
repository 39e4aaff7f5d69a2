//! What the server says, and what comes of it.

use crate::text::client::{self as text, Choice};
use crate::wire::Code;
use crate::wire::event::Incoming;
use crate::wire::request::{Fields, RequestId};

use super::{App, Effect, Link, Step, bad, dim, good, send};
use crate::client::requests::{Arrived, arrived_file};
use crate::client::sanitize::one_line;
use crate::client::show::{self, Line, Style};

/// Message numbers remembered, so that what a server sends again is not shown twice.
const SEEN_MAX: usize = 512;

/// Refusals of the name after a reconnect before the user is told: the server needs up to three
/// heartbeats to notice that the old connection is gone.
const QUIET_REFUSALS_MAX: u32 = 5;

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
            "synced" => self.synced(),
            "presence" | "group_event" => self.shown(&event).into_iter().collect(),
            "added_to_group" => {
                let mut effects = self.backlog_head(&event);
                effects.extend(self.shown(&event));
                effects
            }
            _ if event.status.is_some() => self.answer(&event),
            _ => Vec::new(),
        }
    }

    fn answer(&mut self, answer: &Incoming<'_>) -> Vec<Effect> {
        if let Link::LoggingIn { id } = &self.link {
            let ours = matches!(&answer.id, Some(RequestId::Text(answered)) if **answered == **id);
            if ours || answer.kind() == "login_response" {
                return if answer.is_error() {
                    self.login_refused(answer)
                } else {
                    self.logged_in(answer)
                };
            }
        }
        if show::code(answer) == Some(Code::UnknownUser)
            && let Some((wait, frame)) = self.outstanding.try_later(answer.id.as_ref())
        {
            return vec![Effect::SendLater(wait, frame)];
        }
        let answered = self.outstanding.answered(answer.id.as_ref());
        let late = answered.as_ref().and_then(|answered| answered.late.as_deref());
        let late = late.map_or_else(String::new, |label| format!(" ({label})"));
        let reader = self.reader();
        let lines = match answered.as_ref().map(|answered| answered.asked) {
            Some(Choice::Quit) => return Vec::new(),
            asked @ Some(_) if answer.is_error() => {
                vec![Line { rest: late, ..reader.refusal(answer, asked) }]
            }
            Some(Choice::ListUsers) => reader.users(answer),
            Some(Choice::ListGroups) => reader.groups(answer),
            Some(Choice::Members) => reader.members(answer),
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
                    return Vec::new();
                }
                vec![Line::bad(&said)]
            }
        };
        lines.into_iter().map(Effect::Show).collect()
    }

    fn logged_in(&mut self, answer: &Incoming<'_>) -> Vec<Effect> {
        self.link = Link::Online;
        self.refusals = 0;
        self.refusal = None;
        let is_first = self.me.is_none();
        let name = answer.username.as_deref().map(str::to_owned);
        self.me = name.or_else(|| self.wanted.clone());
        self.wanted.clone_from(&self.me);
        let mut effects = Vec::new();
        if is_first {
            self.told_lost = false;
            let said = self.reader().sentence(answer);
            effects.push(good(format!("✅ {said}")));
            effects.extend(self.menu(false));
            self.step = Step::Menu;
        } else if std::mem::take(&mut self.told_lost) {
            let me = self.me.as_deref().map(one_line);
            let told = text::back(self.lang, me.as_deref(), self.outstanding.len());
            effects.push(good(told));
        }
        effects.extend(self.outstanding.send_again().into_iter().map(Effect::Send));
        effects
    }

    fn login_refused(&mut self, answer: &Incoming<'_>) -> Vec<Effect> {
        self.link = Link::Connected;
        if self.me.is_none() {
            self.wanted = None;
            self.refusal = Some(self.reader().sentence(answer));
            return vec![Effect::Show(self.reader().refusal(answer, None))];
        }
        // The server may not have noticed yet that the old connection is gone: the name is ours,
        // and it is worth asking again. Whatever else it says is told, once.
        self.refusals += 1;
        let mut effects = Vec::new();
        let patience = match show::code(answer) {
            Some(Code::NameInUse) => QUIET_REFUSALS_MAX,
            _ => 1,
        };
        if self.refusals == patience {
            let said = self.reader().sentence(answer);
            effects.push(bad(&text::still_refused(self.lang, &said)));
        }
        effects.push(Effect::Reconnect);
        effects
    }

    fn message(&mut self, event: &Incoming<'_>) -> Vec<Effect> {
        if !self.remember(event) {
            return Vec::new();
        }
        let mut effects = self.backlog_head(event);
        effects.extend(self.shown(event));
        effects
    }

    fn file(&mut self, event: &Incoming<'_>) -> Vec<Effect> {
        if !self.remember(event) {
            return Vec::new();
        }
        let mut effects = self.backlog_head(event);
        effects.extend(self.shown(event));
        effects.push(match arrived_file(event) {
            Arrived::File(file) => Effect::Save(file),
            Arrived::Broken => bad(text::FILE_BROKEN.get(self.lang)),
            Arrived::NotHere => bad(text::FILE_NOT_HERE.get(self.lang)),
        });
        effects
    }

    /// Remembers a message by its number, and says whether it is new: not shown before.
    fn remember(&mut self, event: &Incoming<'_>) -> bool {
        let Some(msg_id) = event.msg_id else {
            return true;
        };
        if self.seen.contains(&msg_id) {
            return false;
        }
        self.newest = self.newest.max(msg_id);
        self.seen.push_back(msg_id);
        if self.seen.len() > SEEN_MAX {
            self.seen.pop_front();
        }
        true
    }

    fn backlog_head(&mut self, event: &Incoming<'_>) -> Vec<Effect> {
        if event.backlog != Some(true) {
            return Vec::new();
        }
        self.backlog_shown += 1;
        match self.backlog_shown {
            1 => vec![dim(text::BACKLOG.get(self.lang))],
            _ => Vec::new(),
        }
    }

    fn synced(&mut self) -> Vec<Effect> {
        match std::mem::take(&mut self.backlog_shown) {
            0 => Vec::new(),
            count => vec![dim(&text::backlog_shown(self.lang, count))],
        }
    }
}
