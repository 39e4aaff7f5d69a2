//! Stories: what people do, one line each, and what everybody's screen shows for it. The core
//! alone, with no server running.

#![expect(clippy::needless_raw_string_hashes, reason = "all pages of a story look alike")]

use std::collections::HashMap;
use std::fmt::Write;

use super::entry::Committed;
use super::{Chat, Effect, Effects, Flow, Now, Save, Saved, SessionId};
use crate::journal::Journal;
use crate::text::Lang;
use crate::wire::Code;
use crate::wire::event::{Incoming, MsgId};
use crate::wire::request::{self, Request};

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
fn check(story: &str, expected: &str) {
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
    /// connection; `ana stalls`, `ana reads`; `wait 3000` lets time pass; `-- …` starts a new page.
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
            json => self.request(self.people[who], json),
        }
    }

    fn request(&mut self, session: SessionId, json: &str) {
        let flow =
            self.chat.handle(session, request::decode(json.as_bytes()), self.now, &mut self.fx);
        self.show();
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
        assert_eq!(flow == Flow::Wait, resumed, "who waits is told to go on: {json}");
    }

    /// Carries the effects out: what is sent is shown.
    fn show(&mut self) {
        let mut fx = std::mem::take(&mut self.fx);
        let mut returned: Vec<(SessionId, MsgId, Vec<u8>)> = Vec::new();
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
                if let super::Class::Kept(msg_id) = class
                    && self.stalled.contains(&who)
                {
                    returned.push((to, msg_id, fx.bytes(frame).to_vec()));
                    continue;
                }
                let line = self.line(fx.bytes(frame));
                writeln!(self.screen, "{who} < {line}").unwrap();
            }
        }
        fx.take_saves(|save| self.saves.push(save));
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

#[test]
fn two_people_talk() {
    check(
        r#"
        ana in
        bia in
        ana {"type":"private_message","recipient":"bia","content":"oi"}
        bia {"type":"private_message","recipient":"ANA","content":"olá","reply_to":1}
        ana {"type":"list_users"}
        ana {"type":"private_message","recipient":"ninguém","content":"oi"}
        "#,
        r#"
        ana < login
        bia < login
        bia < private_message #1 first ana oi
        ana < message #1 (reached)
        ana < private_message #2 after #1 bia olá
        bia < message #2 (reached)
        ana < users_list ["ana", "bia"]
        ana < message unknown_user
        "#,
    );
}

#[test]
fn a_group_hears_everybody_and_strangers_do_not() {
    check(
        r#"
        ana in "features":["groups"]
        bia in
        caio in
        ana {"type":"create_group","group_name":"Trabalho"}
        bia {"type":"join_group","group_name":"trabalho"}
        ana {"type":"group_message","group_name":"Trabalho","content":"oi"}
        bia {"type":"list_group_members","group_name":"Trabalho"}
        caio {"type":"list_group_members","group_name":"Trabalho"}
        -- to write is to join
        caio {"type":"group_message","group_name":"Trabalho","content":"posso?"}
        bia {"type":"join_group","group_name":"Trabalho"}
        bia {"type":"create_group","group_name":"TRABALHO"}
        "#,
        r#"
        ana < login
        ana < synced
        bia < login
        caio < login
        ana < group_event Trabalho created ana ana
        ana < group
        ana < group_event Trabalho joined bia bia
        bia < group
        bia < group_message #1 first Trabalho ana oi
        ana < message #1 (reached)
        bia < members_list Trabalho ["ana", "bia"] ana=admin bia=member
        caio < members_list not_member
        -- to write is to join
        ana < group_event Trabalho joined caio caio
        ana < group_message #2 after #1 Trabalho caio posso?
        bia < group_message #2 after #1 Trabalho caio posso?
        caio < message #2 (reached)
        bia < group already_member
        bia < group group_exists
        "#,
    );
}

#[test]
fn a_private_group_is_entered_by_being_added() {
    check(
        r#"
        ana in
        bia in
        caio in
        ana {"type":"create_group","group_name":"Nós","private":true}
        bia {"type":"join_group","group_name":"Nós"}
        bia {"type":"group_message","group_name":"Nós","content":"oi"}
        bia {"type":"add_member","group_name":"Nós","new_member":"bia"}
        ana {"type":"add_member","group_name":"Nós","new_member":"bia"}
        bia {"type":"add_member","group_name":"Nós","new_member":"caio"}
        bia {"type":"remove_member","group_name":"Nós","member":"caio"}
        ana {"type":"remove_member","group_name":"Nós","member":"caio"}
        caio {"type":"group_message","group_name":"Nós","content":"oi"}
        "#,
        r#"
        ana < login
        bia < login
        caio < login
        ana < group
        bia < group not_member
        bia < message not_member
        bia < member not_member
        bia < added_to_group Nós ana
        ana < member
        caio < added_to_group Nós bia
        bia < member
        bia < member not_admin
        ana < member
        caio < message not_member
        "#,
    );
}

#[test]
fn a_group_is_never_without_an_admin_and_never_empty() {
    check(
        r#"
        ana in
        bia in "features":["groups"]
        caio in
        ana {"type":"create_group","group_name":"G"}
        bia {"type":"join_group","group_name":"G"}
        caio {"type":"join_group","group_name":"G"}
        ana {"type":"leave_group","group_name":"G"}
        bia {"type":"demote_member","group_name":"G","member":"bia"}
        caio {"type":"rename_group","group_name":"G","new_name":"H"}
        caio {"type":"list_groups"}
        caio {"type":"leave_group","group_name":"G"}
        caio {"type":"leave_group","group_name":"H"}
        bia {"type":"leave_group","group_name":"H"}
        bia {"type":"leave_group","group_name":"H"}
        "#,
        r#"
        ana < login
        bia < login
        bia < synced
        caio < login
        ana < group
        bia < group_event G joined bia bia
        bia < group
        bia < group_event G joined caio caio
        caio < group
        bia < group_event G left ana ana
        bia < group_event G promoted bia bia
        ana < group
        bia < group_event G demoted bia bia
        bia < group_event G promoted caio caio
        bia < member
        bia < group_event G renamed caio caio H
        caio < group
        caio < groups_list ["H"] H=admin
        caio < group unknown_group
        bia < group_event H left caio caio
        bia < group_event H promoted bia bia
        caio < group
        bia < group_event H left bia bia
        bia < group
        bia < group unknown_group
        "#,
    );
}

#[test]
fn who_was_away_is_told_in_order_and_then_lives_on() {
    check(
        r#"
        ana in
        bia in
        ana {"type":"create_group","group_name":"G"}
        bia out
        ana {"type":"private_message","recipient":"bia","content":"um"}
        ana {"type":"add_member","group_name":"G","new_member":"bia"}
        ana {"type":"group_message","group_name":"G","content":"dois"}
        bia in
        ana {"type":"private_message","recipient":"bia","content":"três"}
        bia out
        bia in
        bia out
        bia in "since":0
        "#,
        r#"
        ana < login
        bia < login
        ana < group
        ana < message #1
        ana < member
        ana < message #2
        bia < login
        bia < private_message #1 first ana um (missed)
        bia < added_to_group G ana (missed)
        bia < group_message #2 first G ana dois (missed)
        bia < synced
        bia < private_message #3 after #1 ana três
        ana < message #3 (reached)
        bia < login
        bia < login
        bia < synced
        "#,
    );
}

#[test]
fn who_reads_slowly_loses_nothing() {
    check(
        r#"
        ana in
        bia in
        bia stalls
        ana {"type":"private_message","recipient":"bia","content":"um"}
        ana {"type":"private_message","recipient":"bia","content":"dois"}
        bia reads
        ana {"type":"private_message","recipient":"bia","content":"três"}
        "#,
        r#"
        ana < login
        bia < login
        ana < message #1 (reached)
        ana < message #2
        bia < private_message #1 first ana um
        bia < private_message #2 after #1 ana dois
        bia < private_message #3 after #2 ana três
        ana < message #3 (reached)
        "#,
    );
}

#[test]
fn a_request_sent_again_is_answered_and_not_delivered_again() {
    check(
        r#"
        ana in
        bia in
        ana {"type":"private_message","id":"a","recipient":"bia","content":"oi"}
        ana {"type":"private_message","id":"a","recipient":"bia","content":"oi"}
        ana {"type":"private_message","id":"a","recipient":"bia","content":"outra"}
        ana {"type":"private_message","id":"a","recipient":"ana","content":"oi"}
        bia {"type":"private_message","id":"a","recipient":"ana","content":"oi"}
        "#,
        r#"
        ana < login
        bia < login
        bia < private_message #1 first ana oi
        ana < message #1 (reached)
        ana < message #1
        ana < message id_conflict
        ana < message id_conflict
        ana < private_message #2 after #1 bia oi
        bia < message #2 (reached)
        "#,
    );
}

#[test]
fn nobody_speaks_in_another_name() {
    check(
        r#"
        ana in
        ana {"type":"private_message","sender":"bia","recipient":"ana","content":"oi"}
        ana {"type":"private_message","sender":"ANA","recipient":"ana","content":"oi"}
        ana {"type":"list_groups","username":"bia"}
        ana {"type":"create_group","creator":"bia","group_name":"G"}
        ana {"type":"list_groups","username":"ana"}
        "#,
        r#"
        ana < login
        ana < message sender_mismatch
        ana < private_message #1 first ana oi
        ana < message #1 (reached)
        ana < groups_list sender_mismatch
        ana < group sender_mismatch
        ana < groups_list []
        "#,
    );
}

#[test]
fn logging_in_has_its_rules() {
    check(
        r#"
        ana in
        Ana in
        аna in
        bia in "password":"x"
        a/b in
        caio in "lang":"en"
        caio {"type":"login","username":"dora"}
        caio {"type":"dance"}
        -- the name is taken by who is there
        caio in
        "#,
        r"
        ana < login
        Ana < login name_in_use
        аna < login name_confusable
        bia < login storage_unavailable
        a/b < login invalid_name
        caio < login
        caio < login already_logged_in
        caio < error unknown_type
        -- the name is taken by who is there
        caio < login name_in_use
        ",
    );
}

#[test]
fn presence_and_typing_reach_those_who_share_something() {
    check(
        r#"
        ana in "features":["presence","typing"]
        bia in "features":["typing"]
        ana {"type":"typing","with":"bia"}
        bia {"type":"private_message","recipient":"ana","content":"oi"}
        ana {"type":"typing","with":"bia"}
        ana {"type":"typing","with":"bia"}
        wait 3000
        ana {"type":"typing","with":"bia"}
        bia out
        caio in
        bia in "features":["typing"]
        "#,
        r#"
        ana < login
        ana < synced
        bia < login
        bia < synced
        ana < private_message #1 first bia oi
        bia < message #1 (reached)
        bia < typing ana
        bia < typing ana
        ana < presence bia offline
        caio < login
        bia < login
        bia < synced
        ana < presence bia online
        "#,
    );
}

#[test]
fn a_file_is_kept_first_and_then_relayed() {
    check(
        r#"
        ana in
        bia in
        ana {"type":"send_file","recipient":"bia","filename":"../x.txt","file_data":"b2k="}
        ana {"type":"send_file","recipient":"bia","filename":"x","file_data":"disk full"}
        ana {"type":"send_file","recipient":"G","filename":"x","file_data":"","file_type":"group"}
        ana {"type":"create_group","group_name":"G"}
        bia out
        ana {"type":"add_member","group_name":"G","new_member":"bia"}
        ana {"type":"send_file","recipient":"G","filename":"x","file_data":"","file_type":"group"}
        bia in
        "#,
        r#"
        ana < login
        bia < login
        bia < file #1 first ana x.txt b2k=
        ana < file #1 (reached)
        ana < file storage_unavailable
        ana < file unknown_group
        ana < group
        ana < member
        ana < file #2
        bia < login
        bia < added_to_group G ana (missed)
        bia < group_file #2 first G ana x  (missed)
        bia < synced
        "#,
    );
}

#[test]
fn requests_before_login_change_nothing() {
    let mut chat = Chat::new(Lang::Pt);
    let mut fx = Effects::default();
    let session = SessionId { index: 0, generation: 0 };
    for (frame, code) in [
        (r#"{"type":"private_message","recipient":"x","content":"y"}"#, "not_logged_in"),
        (r#"{"type":"private_message"}"#, "not_logged_in"),
        (r#"{"type":"nothing"}"#, "not_logged_in"),
        (r#"{"type":"login"}"#, "missing_field"),
        ("{}", "missing_field"),
        ("[]", "invalid_json"),
    ] {
        let envelope = request::decode(frame.as_bytes());
        assert!(!matches!(envelope.request, Ok(Request::Ping)));
        chat.handle(session, envelope, Now::default(), &mut fx);
        let Some(Effect::Send { frame: answer, .. }) = fx.list().first() else { panic!("{frame}") };
        let answer = Incoming::decode(fx.bytes(answer)).unwrap();
        assert_eq!(answer.code.as_deref(), Some(code), "{frame}");
        assert!(fx.batch.is_empty());
        fx.drained();
    }
}
