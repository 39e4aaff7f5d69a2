//! The door to the stories: who is there, what a line does, and how a frame is shown.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use crate::chat::entry::Committed;
use crate::chat::{Chat, Class, Effect, Effects, Flow, Held, Now, Save, Saved, SessionId};
use crate::journal::Journal;
use crate::text::Lang;
use crate::wire::Code;
use crate::wire::event::{Incoming, MsgId};
use crate::wire::request;

/// One server with its people. Each name has one connection at a time.
struct World {
    chat: Chat,
    journal: Journal,
    fx: Effects,
    now: Now,
    people: HashMap<String, SessionId>,
    connections: u32,
    /// Message numbers as the story shows them: `#1`, `#2` …
    numbers: Vec<MsgId>,
    screen: String,
    saves: Vec<Save>,
    /// Who does not read: kept events to them are handed back.
    stalled: Vec<String>,
}

/// Plays a story and compares what was shown.
#[track_caller]
pub(super) fn check(story: &str, expected: &str) {
    let mut world = World {
        chat: Chat::new(Lang::Pt),
        journal: Journal::default(),
        fx: Effects::default(),
        now: Now { mono_ms: 1_000, wall_ms: 1_763_900_999_999, utc_offset_s: 0 },
        people: HashMap::new(),
        connections: 0,
        numbers: Vec::new(),
        screen: String::new(),
        saves: Vec::new(),
        stalled: Vec::new(),
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
    /// connection; `ana + {…}` sends one that is stored together with the next; `ana stalls`, `ana reads`; `wait 3000` lets time pass; `-- …` starts a new page.
    fn play(&mut self, line: &str) {
        if let Some(ms) = line.strip_prefix("wait ") {
            self.now.mono_ms += ms.parse::<u64>().unwrap();
            return;
        }
        if line.starts_with("--") {
            writeln!(self.screen, "{line}").unwrap();
            return;
        }
        let (who, what) = line.split_once(' ').unwrap();
        match what {
            "out" => {
                let session = self.people.remove(who).unwrap();
                self.chat.disconnected(session, Vec::new(), self.now, &mut self.fx);
                self.show();
            }
            "stalls" => self.stalled.push(who.to_owned()),
            "reads" => {
                self.stalled.retain(|stalled| stalled != who);
                let session = self.people[who];
                while self.chat.feed(session, &mut self.fx) {
                    self.show();
                }
                self.show();
            }
            _ if what.starts_with("in") => {
                self.connections += 1;
                let session = SessionId { index: self.connections, generation: 0 };
                self.people.insert(who.to_owned(), session);
                let more = what[2..].trim();
                let comma = if more.is_empty() { "" } else { ", " };
                let login = format!(r#"{{"type":"login","username":"{who}"{comma}{more}}}"#);
                self.request(session, &login);
            }
            _ if what.starts_with("+ ") => {
                self.handle(self.people[who], &what[2..]);
            }
            json => self.request(self.people[who], json),
        }
    }

    fn request(&mut self, session: SessionId, json: &str) {
        let flow = self.handle(session, json);
        while let Some(save) = self.saves.pop() {
            let result = if save.data == "disk full" {
                Err(Code::StorageUnavailable)
            } else {
                Ok((save.filename.stored_as(&[&save.sender], 1), save.data.len() as u64))
            };
            self.chat
                .saved(Saved { transfer: save.transfer, data: save.data, result }, &mut self.fx);
            self.show();
        }
        self.journal.append(&mut self.fx.batch, self.now.wall_ms);
        let mut resumed = false;
        while let Some(Committed { batch, outcomes }) = self.journal.committed() {
            let mut committed = Committed { batch, outcomes };
            self.chat.committed(&mut committed, self.now, &mut self.fx);
            resumed |=
                self.fx.list().iter().any(|fx| matches!(fx, Effect::Resume(s) if *s == session));
            self.show();
            self.journal.recycle(committed);
        }
        assert!(flow != Flow::Wait || resumed, "who waits is told to go on: {json}");
    }

    /// Handles a request whose entry waits in the batch for that of the next.
    fn handle(&mut self, session: SessionId, json: &str) -> Flow {
        let envelope = request::decode(json.as_bytes());
        let flow = self.chat.handle(session, envelope, self.now, &mut self.fx);
        self.show();
        flow
    }

    /// Carries the effects out: what is sent is shown.
    fn show(&mut self) {
        let mut fx = std::mem::take(&mut self.fx);
        let mut returned: Vec<(SessionId, MsgId, Arc<Held>)> = Vec::new();
        let mut hungry = Vec::new();
        for effect in fx.list() {
            let (to, frame, class) = match effect {
                Effect::Send { to, frame, class } => (vec![*to], frame, *class),
                Effect::Broadcast { to, frame, class } => (fx.targets(to).to_vec(), frame, *class),
                Effect::Close(session) => {
                    let who = self.who(*session);
                    writeln!(self.screen, "{who} is closed").unwrap();
                    continue;
                }
                Effect::Feed(session) => {
                    hungry.push(*session);
                    continue;
                }
                Effect::LoggedIn { .. } | Effect::LoggedOut { .. } | Effect::Resume(_) => continue,
            };
            for to in to {
                let who = self.who(to);
                if let Class::Kept(msg_id) = class
                    && self.stalled.contains(&who)
                {
                    returned.push((to, msg_id, fx.hold(frame)));
                    continue;
                }
                let line = self.line(fx.bytes(frame));
                writeln!(self.screen, "{who} < {line}").unwrap();
            }
        }
        fx.take_saves(|save| self.saves.push(save));
        fx.take_discards(|saved_as| writeln!(self.screen, "discarded {saved_as}").unwrap());
        fx.drained();
        self.fx = fx;
        for (session, msg_id, json) in returned {
            self.chat.undelivered(session, vec![(msg_id, json)]);
        }
        for session in hungry {
            while self.chat.feed(session, &mut self.fx) {
                self.show();
            }
            self.show();
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
