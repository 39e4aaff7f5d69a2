//! The door to the stories: who is there, what a line does, and how a frame is shown.

use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::Write;

use crate::chat::query::{Query, Ticket};
use crate::chat::{
    Arrival, Caller, Chat, Check, Checked, Class, Effect, Effects, Flow, Now, Save, Saved,
    SessionId,
};
use crate::journal::Journal;
use crate::limits::Limits;
use crate::text::Lang;
use crate::wire::Code;
use crate::wire::event::{Incoming, MsgId};
use crate::wire::request;

/// One server with its people. `ana` and `ana~2` are two connections of one user.
struct World {
    chat: Chat,
    limits: Limits,
    journal: Journal,
    fx: Effects,
    now: Now,
    people: HashMap<String, SessionId>,
    callers: HashMap<SessionId, Caller>,
    /// From where the next ones come, if that counts.
    address: Option<u64>,
    connections: u32,
    /// Message numbers as the story shows them: `#1`, `#2` …
    numbers: Vec<MsgId>,
    screen: String,
    saves: Vec<Save>,
    /// Who takes its time: the worker that keeps files, the reader of the journal, the one who hashes.
    waiting: Vec<String>,
    queries: Vec<(Ticket, Query)>,
    checks: Vec<Check>,
    /// Who does not read: kept events to them are left out, and fed when they read again.
    stalled: Vec<String>,
    /// Who is behind, as the shell knows it.
    behind: Vec<SessionId>,
    hungry: Vec<SessionId>,
    /// Who may go on.
    resumed: Vec<SessionId>,
    tokens: u32,
}

/// Plays a story and compares what was shown.
#[track_caller]
pub(super) fn check(story: &str, expected: &str) {
    check_with(Limits::default(), story, expected);
}

/// The same on a server with other limits.
#[track_caller]
pub(super) fn check_with(limits: Limits, story: &str, expected: &str) {
    let mut chat = Chat::new(Lang::Pt);
    chat.set_limits(limits);
    let mut world = World {
        chat,
        limits,
        journal: Journal::memory(),
        fx: Effects::default(),
        now: Now { mono_ms: 1_000, wall_ms: 1_763_900_999_999, utc_offset_s: 0 },
        people: HashMap::new(),
        callers: HashMap::new(),
        address: None,
        connections: 0,
        numbers: Vec::new(),
        screen: String::new(),
        saves: Vec::new(),
        waiting: Vec::new(),
        queries: Vec::new(),
        checks: Vec::new(),
        stalled: Vec::new(),
        behind: Vec::new(),
        hungry: Vec::new(),
        resumed: Vec::new(),
        tokens: 0,
    };
    for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
        world.play(line);
    }
    let trim = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let (shown, expected) = (trim(&world.screen), trim(expected.trim()));
    assert!(shown.trim() == expected, "\n-- shown --\n{shown}\n-- expected --\n{expected}\n");
}

impl World {
    /// `ana {…}` sends a request; `ana in …` logs in with more fields; `ana out` loses the
    /// connection, `ana vanishes` does so before anything else happens; `ana + in …` is that early; `ana + {…}` sends one that is stored together with the next; `ana stalls`, `ana reads`; `worker waits`, `worker works`, and so the `reader` and the `hasher`; `wait 3000` lets time pass; who comes after `from 7` comes from the address 7, which is counted; `-- …` starts a new page.
    fn play(&mut self, line: &str) {
        if let Some(ms) = line.strip_prefix("wait ") {
            let ms = ms.parse::<u64>().unwrap();
            self.now.mono_ms += ms;
            self.now.wall_ms += ms;
            if self.chat.seen_due_ms().is_some_and(|due_ms| due_ms <= self.now.mono_ms) {
                self.chat.tell_seen(&mut self.fx);
            }
            self.settle();
            return;
        }
        if line.starts_with("--") {
            writeln!(self.screen, "{line}").unwrap();
            return;
        }
        if let Some(address) = line.strip_prefix("from ") {
            self.address = address.parse().ok();
            return;
        }
        let (who, what) = line.split_once(' ').unwrap();
        match what {
            // Before anything else happens that is on its way.
            "vanishes" => {
                let session = self.people.remove(who).unwrap();
                self.chat.disconnected(session, self.now, &mut self.fx);
                self.show();
            }
            "out" => {
                let session = self.people.remove(who).unwrap();
                self.chat.disconnected(session, self.now, &mut self.fx);
                self.settle();
            }
            "waits" => self.waiting.push(who.to_owned()),
            "works" => {
                self.waiting.retain(|waiting| waiting != who);
                self.settle();
            }
            "stalls" => self.stalled.push(who.to_owned()),
            "reads" => {
                self.stalled.retain(|stalled| stalled != who);
                self.settle();
            }
            _ if what.starts_with("in") || what.starts_with("+ in") => {
                self.connections += 1;
                let (at_once, what) = match what.strip_prefix("+ ") {
                    Some(what) => (false, what),
                    None => (true, what),
                };
                let session = SessionId { index: self.connections, generation: 0 };
                self.people.insert(who.to_owned(), session);
                let more = what[2..].trim();
                let comma = if more.is_empty() { "" } else { ", " };
                let name = who.split('~').next().unwrap();
                let login = format!(r#"{{"type":"login","username":"{name}"{comma}{more}}}"#);
                if at_once {
                    self.request(session, &login);
                } else {
                    self.handle(session, &login);
                }
            }
            _ if what.starts_with("+ ") => {
                self.handle(self.people[who], &what[2..]);
            }
            json => {
                // `#1` stands for the number of the first message that was shown.
                let mut json = json.to_owned();
                for (at, number) in self.numbers.iter().enumerate().rev() {
                    json = json.replace(&format!(":#{}", at + 1), &format!(":{number}"));
                }
                self.request(self.people[who], &json);
            }
        }
    }

    fn request(&mut self, session: SessionId, json: &str) {
        let flow = self.handle(session, json);
        self.resumed.clear();
        self.settle();
        let resumed = self.resumed.contains(&session);
        assert!(flow != Flow::Wait || resumed, "who waits is told to go on: {json}");
    }

    /// Lets everything happen that is on its way.
    fn settle(&mut self) {
        loop {
            self.show();
            let waits = |who: &str| self.waiting.iter().any(|waiting| waiting == who);
            if let Some(save) = self.saves.pop_if(|_| !waits("worker")) {
                let result = if save.data == "disk full" {
                    Err(Code::StorageUnavailable)
                } else {
                    {
                        let name = save.filename.stored_as(&[&save.sender], 1);
                        Ok((name, save.data.len() as u64, Sha256::digest(&save.data).into()))
                    }
                };
                let saved = Saved { transfer: save.transfer, data: save.data, result };
                self.chat.saved(saved, &mut self.fx);
            } else if let Some(at) = self.next_check(waits("hasher")) {
                let check = self.checks.remove(at);
                let (ticket, checked) = self.check(check);
                self.chat.checked(ticket, checked, self.now, &mut self.fx);
            } else if !self.fx.batch.is_empty() {
                self.journal.append(&mut self.fx.batch, self.now.wall_ms);
            } else if let Some(mut committed) = self.journal.committed() {
                self.chat.committed(&mut committed, self.now, &mut self.fx);
                self.show();
                self.journal.recycle(committed);
            } else if let Some((ticket, query)) = self.queries.pop_if(|_| !waits("reader")) {
                self.journal.fetch(ticket, query);
            } else if let Some((ticket, fetched)) = self.journal.fetched() {
                self.chat.fetched(ticket, fetched, self.now, &mut self.fx);
            } else if let Some(at) = self.hungry.iter().position(|id| !self.is_stalled(*id)) {
                let session = self.hungry.remove(at);
                self.chat.feed(session, &mut self.fx);
            } else {
                return;
            }
        }
    }

    /// The next secret that is not held up.
    fn next_check(&self, waits: bool) -> Option<usize> {
        let due = |check: &Check| check.held_up().0 <= self.now.mono_ms;
        self.checks.iter().position(|check| !waits && due(check))
    }

    /// Secrets of a story: the hash of a password is itself.
    fn check(&mut self, check: Check) -> (Ticket, Checked) {
        match check {
            Check::Token(ticket) => {
                self.tokens += 1;
                let token = format!("token{}", self.tokens);
                let hash = Sha256::digest(token.as_bytes()).into();
                (ticket, Checked::Token(token, hash))
            }
            Check::Password { ticket, password, against, .. } => {
                (ticket, Checked::Password(against == Some(password)))
            }
            Check::NewPassword { ticket, password, old, .. } => {
                let right = old.is_none_or(|(old, kept)| old == kept);
                (ticket, Checked::NewPassword(right.then_some(password)))
            }
        }
    }

    fn is_stalled(&self, session: SessionId) -> bool {
        self.stalled.contains(&self.who(session))
    }

    /// Handles a request whose entry waits in the batch for that of the next.
    fn handle(&mut self, session: SessionId, json: &str) -> Flow {
        let envelope = request::decode(json.as_bytes(), &self.limits);
        let caller = self.callers.entry(session).or_insert_with(|| Caller::new(self.address));
        let arrival = Arrival { caller, bytes: json.len() };
        let flow = self.chat.handle(session, arrival, envelope, self.now, &mut self.fx);
        self.show();
        flow
    }

    /// Carries the effects out: what is sent is shown.
    fn show(&mut self) {
        let mut fx = std::mem::take(&mut self.fx);
        let (mut fell_behind, mut taken) = (Vec::new(), Vec::new());
        for effect in fx.list() {
            let (to, frame, class) = match effect {
                Effect::Send { to, frame, class } => (vec![*to], frame, *class),
                Effect::Broadcast { to, frame, class } => (fx.targets(to).to_vec(), frame, *class),
                Effect::Close(session) | Effect::Reject(session) => {
                    let who = self.who(*session);
                    writeln!(self.screen, "{who} is closed").unwrap();
                    continue;
                }
                Effect::Feed(session) => {
                    self.hungry.push(*session);
                    continue;
                }
                Effect::CaughtUp(session) => {
                    self.behind.retain(|behind| behind != session);
                    continue;
                }
                Effect::Resume(session) => {
                    self.resumed.push(*session);
                    continue;
                }
                Effect::LoggedIn { .. } | Effect::LoggedOut { .. } => continue,
            };
            for to in to {
                let who = self.who(to);
                if let Class::Kept(position) = class {
                    if self.behind.contains(&to) {
                        continue;
                    }
                    if self.stalled.contains(&who) {
                        self.behind.push(to);
                        fell_behind.push((to, position));
                        continue;
                    }
                }
                let line = self.line(fx.bytes(frame));
                writeln!(self.screen, "{who} < {line}").unwrap();
                if let Class::Kept(position) | Class::Fed(position) = class {
                    taken.push((to, position));
                }
            }
        }
        fx.take_saves(|save| self.saves.push(save));
        fx.take_discards(|saved_as| writeln!(self.screen, "discarded {saved_as}").unwrap());
        fx.take_queries(|ticket, query| self.queries.push((ticket, query)));
        fx.take_checks(|check| self.checks.push(check));
        fx.take_file_jobs(|job| panic!("no story has files in pieces: {job:?}"));
        fx.drained();
        self.fx = fx;
        for (session, position) in fell_behind {
            self.chat.fell_behind(session, position);
            self.hungry.push(session);
        }
        for (session, position) in taken {
            self.chat.taken(session, position, self.now);
        }
    }

    fn who(&self, session: SessionId) -> String {
        let mut found = self.people.iter().filter(|(_, known)| **known == session);
        found.next().map_or_else(|| "?".to_owned(), |(name, _)| name.clone())
    }

    /// A frame in a few words: what it says, without what differs from run to run.
    fn line(&mut self, json: &[u8]) -> String {
        let frame = Incoming::decode(json).unwrap();
        let mut line = frame.kind().replace("_response", "").replace("_received", "");
        let mut number = |msg_id: MsgId| {
            let known = self.numbers.iter().position(|known| *known == msg_id);
            1 + known.unwrap_or_else(|| {
                self.numbers.push(msg_id);
                self.numbers.len() - 1
            })
        };
        if let Some(msg_id) = frame.msg_id {
            write!(line, " #{}", number(msg_id)).unwrap();
            match frame.prev {
                Some(0) => line.push_str(" first"),
                Some(prev) => write!(line, " after #{}", number(prev)).unwrap(),
                None => {}
            }
        }
        let texts = [
            &frame.code,
            &frame.receipt,
            &frame.token,
            &frame.with,
            &frame.group_name,
            &frame.event,
            &frame.sender,
            &frame.added_by,
            &frame.user,
            &frame.by,
            &frame.new_name,
            &frame.content,
            &frame.filename,
            &frame.file_data,
        ];
        for text in texts.into_iter().flatten() {
            write!(line, " {text}").unwrap();
        }
        for (flag, shown) in [(frame.edited, "edited"), (frame.deleted, "deleted")] {
            if flag == Some(true) {
                write!(line, " {shown}").unwrap();
            }
        }
        for reaction in frame.reactions.iter().flatten() {
            write!(line, " {}{:?}", reaction.emoji, reaction.users).unwrap();
        }
        for message in frame.messages.iter().flatten() {
            let (sender, content) = (message.sender.as_deref(), message.content.as_deref());
            write!(line, " | {}: {}", sender.unwrap_or(""), content.unwrap_or("")).unwrap();
        }
        for entry in frame.conversations.iter().flatten() {
            let name = entry.with.as_deref().or(entry.group_name.as_deref()).unwrap_or("");
            let last = entry.last.as_ref().and_then(|last| last.content.as_deref());
            write!(line, " | {name} {}: {}", entry.unread, last.unwrap_or("-")).unwrap();
        }
        for names in [&frame.users, &frame.groups, &frame.members].into_iter().flatten() {
            write!(line, " {names:?}").unwrap();
        }
        for detail in frame.details.iter().flatten() {
            if let Some(role) = &detail.role {
                write!(line, " {}={role}", detail.name.as_deref().unwrap_or("")).unwrap();
            }
        }
        if frame.kind() == "presence" {
            write!(line, " {}", frame.status.as_deref().unwrap_or("")).unwrap();
        }
        for (flag, shown) in
            [(frame.backlog, "missed"), (frame.delivered.map(|n| n > 0), "reached")]
        {
            if flag == Some(true) {
                write!(line, " ({shown})").unwrap();
            }
        }
        line
    }
}
