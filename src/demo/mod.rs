//! The original manual's "Teste Avançado", played for real: a server, five people, six steps over
//! TCP, and a check that everyone got exactly what they should.
//!
//! The server is this program started again, so that what is shown is what `papo server` does. Of
//! the five, two speak as the first Python client did, two as the later one, one as `papo` does.

mod child;
mod seen;
mod stage;

use std::io::{self, Write};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use self::child::Server;
use self::seen::hash;
use self::stage::{Heard, Stage};
use crate::cli::{Exit, Failure, Invocation};
use crate::text::demo::{self as text, Problem, Shown};
use crate::text::server::{self as answers, GroupDone};
use crate::text::{Lang, Sentence};
use crate::wire::Text;
use crate::wire::frame::Framing;
use crate::wire::name::{FileName, Name};
use crate::wire::request::Fields;

/// Who plays, in order of entry, and how each speaks with the server.
const PEOPLE: [(&str, Framing, Sentence); 5] = [
    ("Alice", Framing::Length, text::LENGTH),
    ("Bob", Framing::Bare, text::BARE),
    ("Carlos", Framing::Line, text::LINE),
    ("Diana", Framing::Bare, text::BARE),
    ("Eduardo", Framing::Length, text::LENGTH),
];
const ALICE: usize = 0;
const BOB: usize = 1;
const CARLOS: usize = 2;
const DIANA: usize = 3;
const EDUARDO: usize = 4;

/// The size of the file sent in private: many times what one read takes.
const PHOTO_BYTES: usize = 300_000;

/// The size of the file sent to the group. In base64, with its frame around it, it fits the one
/// `recv(4096)` of the first client.
const REPORT_BYTES: usize = 2_500;

/// `papo demo`.
pub fn run(mut invocation: Invocation) -> Result<(), Failure> {
    let lang = invocation.lang;
    if invocation.wants_help(text::HELP) {
        return Ok(());
    }
    invocation.finish()?;
    let start = Instant::now();
    let (tell, heard) = mpsc::channel();
    let interrupt = tell.clone();
    // Without a handler Ctrl+C still ends the demo; only its folder would stay behind.
    let _ = ctrlc::set_handler(move || {
        let _ = interrupt.send(Heard::Interrupted);
    });
    let server = Server::start(lang, tell.clone())?;
    let mut stage = Stage::new(lang, heard);
    let port = stage.wait_for_port()?;
    for (name, framing, _) in PEOPLE {
        stage.enter(name, framing, port, tell.clone())?;
    }
    let mut play = Play { lang, group: text::GROUP.get(lang), stage };
    play.login()?;
    play.private_messages()?;
    play.make_group()?;
    play.group_messages()?;
    play.files(&server)?;
    play.lists_and_farewell()?;
    play.stage.server_lines(Duration::from_millis(100));
    let millis = start.elapsed().as_millis();
    say(&format!("\n{}", text::all_well(lang, play.stage.lines_checked(), millis)));
    Ok(())
}

/// The six steps.
struct Play {
    lang: Lang,
    group: &'static str,
    stage: Stage,
}

impl Play {
    fn login(&mut self) -> Result<(), Failure> {
        self.announce(1);
        for (who, (name, framing, spoken)) in PEOPLE.into_iter().enumerate() {
            self.stage.show(who, &text::connects(self.lang, spoken));
            let fields = Fields {
                username: Some(Text::from(name)),
                lang: Some(Text::from(code(self.lang))),
                // What the first two clients never heard of, they do not ask for.
                features: (framing == Framing::Line).then(|| vec![Text::from("groups")]),
                ..Fields::default()
            };
            self.stage.ask(who, "login", fields);
            self.stage.expect(who, Shown::welcome(self.lang, name));
        }
        self.settle(1)
    }

    fn private_messages(&mut self) -> Result<(), Failure> {
        self.announce(2);
        for (from, to, content) in text::PRIVATE {
            let content = content.get(self.lang);
            let (from_who, to_who) = (position(from), position(to));
            let fields = Fields {
                recipient: Some(Text::from(to)),
                content: Some(Text::from(content)),
                ..Fields::default()
            };
            self.stage.show(from_who, &text::writes(to, content));
            self.stage.ask(from_who, "private_message", fields);
            self.done(from_who, &answers::message_sent(self.lang, None));
            self.stage.expect(
                to_who,
                Shown::Private { from: from.to_owned(), content: content.to_owned() },
            );
        }
        self.settle(2)
    }

    fn make_group(&mut self) -> Result<(), Failure> {
        self.announce(3);
        let (lang, group) = (self.lang, self.group);
        self.stage.ask(ALICE, "create_group", self.in_group());
        self.done(ALICE, &answers::group_done(lang, group, GroupDone::Created));
        for (who, (name, ..)) in PEOPLE.into_iter().enumerate().skip(BOB) {
            let fields = Fields { new_member: Some(Text::from(name)), ..self.in_group() };
            self.stage.ask(ALICE, "add_member", fields);
            let added = answers::group_done(lang, group, GroupDone::Added(name));
            self.done(ALICE, &added);
            let line = Shown::AddedTo { group: group.to_owned(), by: PEOPLE[ALICE].0.to_owned() };
            self.stage.expect(who, line);
            // Carlos asked for group events: he hears of himself and of those who come after him.
            if who >= CARLOS {
                self.stage.expect(CARLOS, self.change(name, "added"));
            }
        }
        self.stage.ask(ALICE, "list_group_members", self.in_group());
        let everybody = PEOPLE.iter().map(|person| person.0.to_owned()).collect();
        self.stage.expect(ALICE, Shown::Members(group.to_owned(), everybody));
        self.settle(3)
    }

    fn group_messages(&mut self) -> Result<(), Failure> {
        self.announce(4);
        // All five at once: nobody waits for the others.
        for (who, content) in text::TO_GROUP.into_iter().enumerate() {
            let others: Vec<usize> = (ALICE..=EDUARDO).filter(|other| *other != who).collect();
            self.write_to_group(who, content.get(self.lang), &others);
        }
        self.settle(4)
    }

    fn files(&mut self, server: &Server) -> Result<(), Failure> {
        self.announce(5);
        let lang = self.lang;
        let (photo, report) = (noise(PHOTO_BYTES, 1), noise(REPORT_BYTES, 2));
        let alice = PEOPLE[ALICE].0;
        self.send_file(CARLOS, alice, None, text::PHOTO, &photo, &[ALICE]);
        self.done(CARLOS, &answers::file_sent(lang, None));
        let others = [ALICE, BOB, CARLOS, EDUARDO];
        let group = self.group;
        self.send_file(DIANA, group, Some(group), text::REPORT, &report, &others);
        let sent = answers::file_sent(lang, Some(others.len()));
        self.done(DIANA, &sent);
        self.settle(5)?;
        for (who, name, bytes) in [(CARLOS, text::PHOTO, &photo), (DIANA, text::REPORT, &report)] {
            let name = kept_as(PEOPLE[who].0, name);
            if std::fs::read(server.kept(&name)).ok().as_ref() != Some(bytes) {
                self.stage.report(Problem::NotKept(name));
            }
        }
        self.settle(5)
    }

    fn lists_and_farewell(&mut self) -> Result<(), Failure> {
        self.announce(6);
        let (lang, group) = (self.lang, self.group);
        let mut everybody: Vec<String> = PEOPLE.iter().map(|p| p.0.to_owned()).collect();
        everybody.sort();
        self.stage.ask(BOB, "list_users", Fields::default());
        self.stage.expect(BOB, Shown::Users(everybody));
        self.stage.ask(DIANA, "list_groups", Fields::default());
        let groups = Shown::Groups(vec![group.to_owned()]);
        self.stage.expect(DIANA, groups);
        self.settle(6)?;

        self.stage.ask(DIANA, "leave_group", self.in_group());
        self.done(DIANA, &answers::group_done(lang, group, GroupDone::Left));
        let left = self.change(PEOPLE[DIANA].0, "left");
        self.stage.expect(CARLOS, left);
        self.settle(6)?;

        // Whoever left hears no more of it.
        let content = text::AFTER_LEAVING.get(lang);
        self.write_to_group(ALICE, content, &[BOB, CARLOS, EDUARDO]);
        self.settle(6)?;

        for (who, (_, framing, _)) in PEOPLE.into_iter().enumerate() {
            if framing == Framing::Bare {
                self.stage.hang_up(who);
            } else {
                self.stage.ask(who, "logout", Fields::default());
                self.done(who, answers::GOODBYE.get(lang));
            }
            self.stage.expect(who, Shown::Disconnected);
        }
        self.settle(6)
    }

    fn write_to_group(&mut self, who: usize, content: &str, readers: &[usize]) {
        let fields = Fields { content: Some(Text::from(content)), ..self.in_group() };
        self.stage.show(who, &text::writes(self.group, content));
        self.stage.ask(who, "group_message", fields);
        self.done(who, &answers::message_sent(self.lang, Some(readers.len())));
        for reader in readers {
            let line = Shown::Group {
                group: self.group.to_owned(),
                from: PEOPLE[who].0.to_owned(),
                content: content.to_owned(),
            };
            self.stage.expect(*reader, line);
        }
    }

    fn send_file(
        &mut self,
        who: usize,
        to: &str,
        group: Option<&str>,
        name: &str,
        bytes: &[u8],
        readers: &[usize],
    ) {
        let fields = Fields {
            recipient: Some(Text::from(to)),
            filename: Some(Text::from(name)),
            file_type: Some(Text::from(if group.is_some() { "group" } else { "private" })),
            file_data: Some(Text::from(STANDARD.encode(bytes))),
            ..Fields::default()
        };
        self.stage.show(who, &text::sends_file(to, name));
        self.stage.ask(who, "send_file", fields);
        for reader in readers {
            let line = Shown::File {
                group: group.map(str::to_owned),
                from: PEOPLE[who].0.to_owned(),
                name: name.to_owned(),
                bytes: bytes.len(),
                hash: hash(bytes),
            };
            self.stage.expect(*reader, line);
        }
    }

    fn in_group(&self) -> Fields<'static> {
        Fields { group_name: Some(Text::from(self.group)), ..Fields::default() }
    }

    fn change(&self, user: &str, event: &str) -> Shown {
        Shown::Change {
            group: self.group.to_owned(),
            user: user.to_owned(),
            event: event.to_owned(),
        }
    }

    fn done(&mut self, who: usize, sentence: &str) {
        self.stage.expect(who, Shown::Done(sentence.to_owned()));
    }

    fn announce(&self, step: usize) {
        say(&format!("\n{}", text::step(self.lang, step)));
    }

    fn settle(&mut self, step: usize) -> Result<(), Failure> {
        let Err(problems) = self.stage.settle() else {
            return Ok(());
        };
        if let Some(interruption) = self.stage.was_interrupted() {
            return Err(interruption);
        }
        let text = text::failed(self.lang, step, &problems);
        Err(Failure::new(Exit::Error, text))
    }
}

fn position(name: &str) -> usize {
    // The texts name none but the five; a test reads them all.
    PEOPLE.iter().position(|person| person.0 == name).unwrap_or(ALICE)
}

/// A language as options and logins name it.
fn code(lang: Lang) -> &'static str {
    match lang {
        Lang::Pt => "pt",
        Lang::En => "en",
    }
}

/// Under which name the server keeps a file.
fn kept_as(sender: &str, name: &str) -> String {
    let file = FileName::sanitize(name);
    match Name::parse(sender) {
        Ok(sender) => file.stored_as(&[&sender], 1),
        Err(_) => file.as_str().to_owned(),
    }
}

/// Bytes without a pattern (the generator of Numerical Recipes), the same in every run.
fn noise(count: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect()
}

/// One line on the screen. Whoever closed our output has seen enough.
fn say(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_name_none_but_the_five() {
        for (from, to, _) in text::PRIVATE {
            assert_eq!(PEOPLE[position(from)].0, from);
            assert_eq!(PEOPLE[position(to)].0, to);
        }
    }

    #[test]
    fn the_group_file_fits_one_recv_of_the_first_client() {
        assert!(REPORT_BYTES.div_ceil(3) * 4 + 500 < 4_096);
        assert_eq!(noise(9, 1), noise(9, 1));
        assert_ne!(noise(9, 1), noise(9, 2));
    }

    #[test]
    fn the_server_keeps_a_file_under_its_sender() {
        assert_eq!(kept_as("Carlos", text::PHOTO), "Carlos_foto.jpg");
    }
}
