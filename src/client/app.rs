//! The client's mind: what has been typed and received, what is shown and sent because of it.
//!
//! Pure: no socket, clock, file or thread. Each call takes what happened and returns the effects,
//! in order; the shell around it (`super::link`, `super::session`) carries them out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::limits::{CONTENT_BYTES_MAX, FRAME_BYTES_MAX};
use crate::text::Lang;
use crate::text::client::{self as text, Choice, FileTrouble};
use crate::text::server::reason;
use crate::wire::event::{Incoming, MsgId};
use crate::wire::name::{Name, key};
use crate::wire::request::{Fields, RequestId};
use crate::wire::{Code, Text};

use super::menu::{self, Question};
use super::outstanding::{Outstanding, is_message};
use super::requests::{ArrivedFile, Outgoing, login, send_file};
use super::sanitize::one_line;
use super::show::{Line, Reader, Style};
use super::uploads::Upload;

mod incoming;

/// How much of a message is repeated where it is spoken of.
const SUMMARY_CHARS_MAX: usize = 40;

/// What the shell is to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Show this.
    Show(Line),
    /// Send this frame.
    Send(Arc<[u8]>),
    /// Send this frame after so long, if this connection still stands then.
    SendLater(Duration, Arc<[u8]>),
    /// Keep this file that arrived.
    Save(ArrivedFile),
    /// Read this file, and call [`App::file_read`].
    ReadFile(Outgoing),
    /// Give this connection up and try again later.
    Reconnect,
    /// Leave.
    Quit,
}

/// What is asked of the user now.
#[derive(Debug)]
enum Step {
    Name,
    Menu,
    Ask { choice: Choice, question: Question, answers: Vec<String> },
}

/// How far the connection is.
#[derive(Debug, PartialEq, Eq)]
enum Link {
    Down,
    Connected,
    LoggingIn { id: String },
    Online,
}

/// What the keyboard's reader is to show before a line, and whether the line is worth remembering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prompt {
    /// The question, without the space after it.
    pub(crate) text: String,
    /// A message, which the arrow keys should bring back.
    pub(crate) is_message: bool,
}

/// Whether the next line may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// It may.
    Ready,
    /// What was typed is a name, and the server has not said yet whether it will do.
    LoggingIn,
    /// There is no connection.
    Offline,
    /// Many requests wait for their answers.
    Busy,
}

/// The client's state.
#[derive(Debug)]
pub(crate) struct App {
    lang: Lang,
    /// Somebody sits at a terminal.
    interactive: bool,
    /// Before the number in every request's id: the server remembers ids beyond this run.
    label: String,
    requests_made: u64,
    step: Step,
    link: Link,
    /// The name to log in with.
    wanted: Option<String>,
    /// The name as the server spells it, once logged in.
    me: Option<String>,
    refusal: Option<String>,
    outstanding: Outstanding,
    /// The user has said goodbye: a connection that closes is no loss.
    leaving: bool,
    /// The user was told that the connection is gone.
    told_lost: bool,
    /// What the server said before it closed the connection.
    parting_words: Option<String>,
    refusals: u32,
    newest: MsgId,
    seen: VecDeque<MsgId>,
    backlog_shown: usize,
}

impl App {
    /// A client that asks for a name, unless it is given one. `label` is unique among all clients.
    pub(crate) fn new(lang: Lang, interactive: bool, label: String, user: Option<String>) -> Self {
        Self {
            lang,
            interactive,
            label,
            requests_made: 0,
            step: Step::Name,
            link: Link::Down,
            wanted: user,
            me: None,
            refusal: None,
            outstanding: Outstanding::default(),
            leaving: false,
            told_lost: false,
            parting_words: None,
            refusals: 0,
            newest: 0,
            seen: VecDeque::new(),
            backlog_shown: 0,
        }
    }

    /// What to ask now.
    pub(crate) fn prompt(&self) -> Prompt {
        let sentence = match &self.step {
            Step::Name => text::ASK_NAME,
            Step::Menu => text::CHOOSE,
            Step::Ask { question, .. } => question.sentence(),
        };
        Prompt {
            text: sentence.get(self.lang).to_owned(),
            is_message: matches!(self.step, Step::Ask { question: Question::Text, .. }),
        }
    }

    /// Whether the next line may be read.
    pub(crate) fn readiness(&self) -> Readiness {
        if self.me.is_none() && self.wanted.is_some() {
            Readiness::LoggingIn
        } else if self.me.is_some() && self.link != Link::Online {
            Readiness::Offline
        } else if !self.outstanding.has_room(FRAME_BYTES_MAX) {
            Readiness::Busy
        } else {
            Readiness::Ready
        }
    }

    /// Requests without an answer so far.
    pub(crate) fn unanswered(&self) -> usize {
        self.outstanding.len()
    }

    /// Logged in, and the connection stands.
    pub(crate) fn is_online(&self) -> bool {
        self.link == Link::Online
    }

    /// Nothing is to be heard from the server now: somebody is still thinking of a name.
    pub(crate) fn expects_silence(&self) -> bool {
        self.link == Link::Connected
    }

    /// Why the server refused the last login, if it did and none has succeeded.
    pub(crate) fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref().filter(|_| self.me.is_none())
    }

    /// A connection stands.
    pub(crate) fn connected(&mut self) -> Vec<Effect> {
        self.link = Link::Connected;
        if self.wanted.is_some() {
            return self.log_in();
        }
        if std::mem::take(&mut self.told_lost) {
            return vec![good(text::back(self.lang, None, 0))];
        }
        Vec::new()
    }

    /// The connection is gone, or there was none to be had.
    pub(crate) fn lost(&mut self) -> Vec<Effect> {
        let was = std::mem::replace(&mut self.link, Link::Down);
        self.backlog_shown = 0;
        let reason = self.parting_words.take();
        if self.leaving {
            self.outstanding.closed();
            return Vec::new();
        }
        if was == Link::Down || self.told_lost {
            return Vec::new();
        }
        self.told_lost = true;
        let told = text::lost(self.lang, reason.as_deref());
        let mut effects = vec![Effect::Show(Line::new(Style::Bad, told))];
        match self.outstanding.lost() {
            0 => {}
            dropped => effects.push(bad(&text::unanswered(self.lang, dropped))),
        }
        effects
    }

    /// A line was typed.
    pub(crate) fn typed(&mut self, line: &str) -> Vec<Effect> {
        match std::mem::replace(&mut self.step, Step::Menu) {
            Step::Name => {
                self.step = Step::Name;
                self.name_typed(line)
            }
            Step::Menu => self.chosen(line),
            Step::Ask { choice, question, answers } => {
                self.answered(choice, question, answers, line)
            }
        }
    }

    /// The file of an [`Effect::ReadFile`] was read, or could not be.
    pub(crate) fn file_read(
        &mut self,
        file: &Outgoing,
        read: Result<Upload, FileTrouble>,
    ) -> Vec<Effect> {
        let upload = match read {
            Ok(upload) => upload,
            Err(trouble) => {
                let path = one_line(&file.path);
                return vec![bad(&text::file_trouble(self.lang, &path, &trouble))];
            }
        };
        let name = one_line(&upload.filename);
        let told = text::sending_file(self.lang, &name, upload.bytes);
        let fields = send_file(file, &upload.filename, &upload.base64);
        let mut effects = vec![dim(&told)];
        effects.extend(self.request(Choice::SendFile, fields));
        effects
    }

    /// Says goodbye to the server, if it is there.
    pub(crate) fn log_out(&mut self) -> Vec<Effect> {
        self.leaving = true;
        match self.link {
            Link::Online => self.request(Choice::Quit, Fields::new("logout")),
            _ => Vec::new(),
        }
    }

    // What was typed.

    fn name_typed(&mut self, line: &str) -> Vec<Effect> {
        let name = line.trim();
        if name.is_empty() {
            return vec![bad(text::NAME_NEEDED.get(self.lang))];
        }
        if Name::parse(name).is_err() {
            return vec![bad(reason(Code::InvalidName).get(self.lang))];
        }
        self.wanted = Some(name.to_owned());
        match self.link {
            Link::Connected => self.log_in(),
            _ => Vec::new(),
        }
    }

    fn chosen(&mut self, line: &str) -> Vec<Effect> {
        if line.trim().is_empty() {
            return Vec::new();
        }
        match menu::parse(line) {
            None => vec![bad(text::NO_SUCH_OPTION.get(self.lang))],
            Some(Choice::Quit) => vec![Effect::Quit],
            Some(Choice::Menu) => self.menu(false),
            Some(Choice::WholeMenu) => self.menu(true),
            Some(choice) => self.ask_or_do(choice, Vec::new()),
        }
    }

    fn answered(
        &mut self,
        choice: Choice,
        question: Question,
        mut answers: Vec<String>,
        line: &str,
    ) -> Vec<Effect> {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            return vec![dim(text::CANCELLED.get(self.lang))];
        }
        let refusal = match question {
            Question::FileKind if !menu::is_file_kind(trimmed) => Some(text::ONE_OR_TWO),
            Question::Text if line.len() > CONTENT_BYTES_MAX => Some(text::TEXT_TOO_LONG),
            _ => None,
        };
        if let Some(refusal) = refusal {
            self.step = Step::Ask { choice, question, answers };
            return vec![bad(refusal.get(self.lang))];
        }
        if question == Question::Confirm && answers.first().is_none_or(|name| name != trimmed) {
            return vec![dim(text::NOT_CONFIRMED.get(self.lang))];
        }
        answers.push(match question {
            // Passed on as it was typed: blanks may be meant.
            Question::Text => line.to_owned(),
            _ => trimmed.to_owned(),
        });
        self.ask_or_do(choice, answers)
    }

    fn ask_or_do(&mut self, choice: Choice, answers: Vec<String>) -> Vec<Effect> {
        let Some(question) = menu::next_question(choice, &answers) else {
            return self.act(choice, &answers);
        };
        // Not after four answers: what cannot be done without a connection is said at once.
        if self.link != Link::Online && !is_message(choice) {
            return vec![bad(text::OFFLINE.get(self.lang))];
        }
        let typing = self.tell_typing(choice, question, &answers);
        self.step = Step::Ask { choice, question, answers };
        typing
    }

    fn act(&mut self, choice: Choice, answers: &[String]) -> Vec<Effect> {
        if let (Choice::SendFile, [kind, recipient, path]) = (choice, answers) {
            return vec![Effect::ReadFile(Outgoing {
                to_group: menu::is_group(kind),
                recipient: recipient.clone(),
                path: path.clone(),
            })];
        }
        if let (Choice::RemoveMember, [_, member]) = (choice, answers)
            && self.me.as_deref().is_some_and(|me| key(me) == key(member))
        {
            return vec![bad(text::LEAVE_INSTEAD.get(self.lang))];
        }
        match menu::request(choice, answers) {
            Some(fields) => self.request(choice, fields),
            None => Vec::new(),
        }
    }

    /// Lets the other side know that a message is being written.
    fn tell_typing(&self, choice: Choice, question: Question, answers: &[String]) -> Vec<Effect> {
        let (Question::Text, [to], true) = (question, answers, self.interactive) else {
            return Vec::new();
        };
        if self.link != Link::Online {
            return Vec::new();
        }
        let mut fields = Fields::new("typing");
        let to = Some(Text::from(to.as_str()));
        match choice {
            Choice::GroupMessage => fields.group_name = to,
            _ => fields.with = to,
        }
        vec![send(&fields)]
    }

    // What is sent.

    fn request(&mut self, asked: Choice, mut fields: Fields<'_>) -> Vec<Effect> {
        if self.link != Link::Online && !is_message(asked) {
            return vec![bad(text::OFFLINE.get(self.lang))];
        }
        let id = self.next_id();
        fields.id = Some(RequestId::Text(Text::from(id.clone())));
        let frame: Arc<[u8]> = fields.encode().into();
        if !self.outstanding.has_room(frame.len()) && asked != Choice::Quit {
            return vec![bad(text::QUEUE_FULL.get(self.lang))];
        }
        self.outstanding.push(id, asked, Arc::clone(&frame), summary(&fields));
        match self.link {
            Link::Online => vec![Effect::Send(frame)],
            _ => vec![dim(text::QUEUED.get(self.lang))],
        }
    }

    fn log_in(&mut self) -> Vec<Effect> {
        let id = self.next_id();
        let wanted = self.wanted.clone().unwrap_or_default();
        let fields = login(&wanted, self.lang, &id, self.newest);
        self.link = Link::LoggingIn { id: id.clone() };
        vec![send(&fields)]
    }

    fn next_id(&mut self) -> String {
        self.requests_made += 1;
        format!("{}-{}", self.label, self.requests_made)
    }

    // What is shown.

    fn reader(&self) -> Reader<'_> {
        Reader { lang: self.lang, me: self.me.as_deref() }
    }

    fn shown(&self, event: &Incoming<'_>) -> Option<Effect> {
        self.reader().event(event).map(Effect::Show)
    }

    fn menu(&self, whole: bool) -> Vec<Effect> {
        let lines = menu::lines(self.lang, whole);
        lines.into_iter().map(Effect::Show).collect()
    }
}

fn good(told: String) -> Effect {
    Effect::Show(Line::new(Style::Good, told))
}

fn dim(told: &str) -> Effect {
    Effect::Show(Line::new(Style::Dim, told))
}

fn bad(what: &str) -> Effect {
    Effect::Show(Line::bad(what))
}

/// A frame that gets no answer, or whose answer is awaited elsewhere.
fn send(fields: &Fields<'_>) -> Effect {
    Effect::Send(fields.encode().into())
}

/// To whom a message goes and how it begins, for when its answer comes much later.
fn summary(fields: &Fields<'_>) -> String {
    let to = fields.recipient.as_deref().or(fields.group_name.as_deref()).unwrap_or("");
    let what = fields.content.as_deref().or(fields.filename.as_deref()).unwrap_or("");
    let mut beginning: String = what.chars().take(SUMMARY_CHARS_MAX).collect();
    if beginning.len() < what.len() {
        beginning.push('…');
    }
    one_line(&format!("{to}: {beginning}")).into_owned()
}

#[cfg(test)]
mod stories;
