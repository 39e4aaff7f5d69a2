//! The client's mind: what has been typed and received, what is shown and sent because of it.
//!
//! Pure: no socket, clock, file or thread. Each call takes what happened and returns the effects,
//! in order; the shell around it (`super::link`, `super::session`) carries them out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::limits::FRAME_BYTES_MAX;
use crate::text::Lang;
use crate::text::client::{self as text, Choice};
use crate::wire::Text;
use crate::wire::event::{Incoming, MsgId};
use crate::wire::request::{Fields, RequestId};

use super::menu::{self, Question};
use super::offers::Offer;
use super::outstanding::{About, Outstanding, is_message};
use super::place::Place;
use super::requests::{ArrivedFile, Outgoing};
use super::show::{Line, Reader, Style, beginning};

mod incoming;
mod login;
mod missed;
mod notes;
mod seen;
mod ticks;
mod typed;

use login::Keys;
use missed::Missed;
use notes::Notes;
use seen::Seen;
use ticks::Ticks;

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
    /// The same for a file that was missed: call [`App::saved`] with what is to be told of it.
    SaveMissed(ArrivedFile),
    /// Look up this user's tokens, and call [`App::recalled`].
    Recall(String),
    /// Keep this token.
    Remember {
        /// Whose it is.
        user: String,
        /// The token.
        token: String,
    },
    /// Send this file, and call [`App::file_sent`] when that is done.
    SendFile(Outgoing),
    /// This file was offered: fetch it, if that is to be done without asking.
    Offered {
        /// The file.
        offer: Offer,
        /// It may be fetched without asking: this user has not sent it from elsewhere.
        is_wanted: bool,
        /// What is told of it goes to [`App::saved`].
        is_missed: bool,
    },
    /// Look up the files that may be fetched, and call [`App::offers_listed`].
    ListOffers,
    /// Fetch this file.
    Fetch(Offer),
    /// Logged in, under this name.
    Online(String),
    /// Give this connection up and try again later.
    Reconnect,
    /// Leave.
    Quit,
}

/// What is asked of the user now.
#[derive(Debug)]
enum Step {
    Name,
    Password,
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
    /// A password, which is not to be seen.
    pub(crate) is_secret: bool,
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
    keys: Keys,
    outstanding: Outstanding,
    /// The user has said goodbye: a connection that closes is no loss.
    leaving: bool,
    /// The user was told that the connection is gone.
    told_lost: bool,
    /// What the server said before it closed the connection.
    parting_words: Option<String>,
    /// After how long it wants to be asked again.
    told_to_wait: Option<Duration>,
    refusals: u32,
    newest: MsgId,
    seen: Seen,
    missed: Missed,
    notes: Notes,
    ticks: Ticks,
    /// The histories asked for and not answered yet, and where the last one goes on.
    pages: VecDeque<(String, Place)>,
    older: Option<(Place, MsgId)>,
    /// The files that were listed last, to be fetched by their numbers.
    offers: Vec<Offer>,
}

impl App {
    /// A client that asks for a name, unless it is given one; the same for a password, if one is
    /// needed. `label` is unique among all clients.
    pub(crate) fn new(
        lang: Lang,
        interactive: bool,
        label: String,
        user: Option<String>,
        password: Option<String>,
    ) -> Self {
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
            keys: Keys::new(password),
            outstanding: Outstanding::default(),
            leaving: false,
            told_lost: false,
            parting_words: None,
            told_to_wait: None,
            refusals: 0,
            newest: 0,
            seen: Seen::default(),
            missed: Missed::default(),
            notes: Notes::default(),
            ticks: Ticks::default(),
            pages: VecDeque::new(),
            older: None,
            offers: Vec::new(),
        }
    }

    /// The same on a computer that can keep no token: it claims no name.
    pub(crate) fn without_vault(mut self) -> Self {
        self.keys.cannot_keep();
        self
    }

    /// What to ask now.
    pub(crate) fn prompt(&self) -> Prompt {
        let sentence = match &self.step {
            Step::Name => text::ASK_NAME,
            Step::Password => text::ASK_PASSWORD,
            Step::Menu => text::CHOOSE,
            Step::Ask { question, .. } => question.sentence(),
        };
        Prompt {
            text: sentence.get(self.lang).to_owned(),
            is_message: matches!(self.step, Step::Ask { question: Question::Text, .. }),
            is_secret: match &self.step {
                Step::Password => true,
                Step::Ask { question, .. } => question.is_secret(),
                Step::Name | Step::Menu => false,
            },
        }
    }

    /// Whether the next line may be read.
    pub(crate) fn readiness(&self) -> Readiness {
        if self.asks_password() {
            Readiness::Ready
        } else if self.me.is_none() && self.wanted.is_some() {
            Readiness::LoggingIn
        } else if self.me.is_some() && self.link != Link::Online {
            Readiness::Offline
        } else if !self.outstanding.has_room(FRAME_BYTES_MAX) {
            Readiness::Busy
        } else {
            Readiness::Ready
        }
    }

    /// What is typed next is the password.
    pub(crate) fn asks_password(&self) -> bool {
        matches!(self.step, Step::Password)
    }

    /// Requests without an answer so far.
    pub(crate) fn unanswered(&self) -> usize {
        self.outstanding.len()
    }

    /// Logged in, and the connection stands.
    pub(crate) fn is_online(&self) -> bool {
        self.link == Link::Online
    }

    /// Logged in, and what was missed may still be on its way.
    pub(crate) fn is_catching_up(&self) -> bool {
        self.is_online() && !self.missed.is_whole
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
        // What has come of a backlog does not come again.
        let mut effects = self.show_missed();
        self.notes.lost();
        self.pages.clear();
        let reason = self.parting_words.take();
        if self.leaving {
            self.outstanding.closed();
            return effects;
        }
        if was == Link::Down || self.told_lost {
            return effects;
        }
        self.told_lost = true;
        let told = text::lost(self.lang, reason.as_deref());
        effects.push(Effect::Show(Line::new(Style::Bad, told)));
        match self.outstanding.lost() {
            0 => {}
            dropped => effects.push(bad(&text::unanswered(self.lang, dropped))),
        }
        effects
    }

    /// How long to wait before the next connection, if the server has said it over the last one.
    pub(crate) fn told_to_wait(&mut self) -> Option<Duration> {
        self.told_to_wait.take()
    }

    /// The file of an [`Effect::SendFile`] is with the server.
    pub(crate) fn file_sent(
        &mut self,
        file: &Outgoing,
        filename: &str,
        answer: &[u8],
    ) -> Vec<Effect> {
        let answer = Incoming::decode(answer).unwrap_or_default();
        let place = Some(Place::new(file.to_group, &file.recipient));
        self.stored(&answer, About { place, beginning: beginning(filename) });
        let lead = format!("✅ {}", self.reader().sentence(&answer));
        vec![Effect::Show(Line { rest: file.told(), ..Line::new(Style::Good, lead) })]
    }

    /// The files of an [`Effect::ListOffers`]: asks which is to be fetched.
    pub(crate) fn offers_listed(&mut self, offers: Vec<Offer>) -> Vec<Effect> {
        if offers.is_empty() {
            return vec![dim(text::NO_OFFERS.get(self.lang))];
        }
        let lines = self.reader().offers(&offers);
        self.offers = offers;
        let (choice, question) = (Choice::Download, Question::Offer);
        self.step = Step::Ask { choice, question, answers: Vec::new() };
        lines.into_iter().map(Effect::Show).collect()
    }

    /// A file of an [`Effect::SaveMissed`] was kept, or not.
    pub(crate) fn saved(&mut self, told: Line) -> Vec<Effect> {
        if self.missed.is_empty() {
            return vec![Effect::Show(told)];
        }
        self.missed.add(told);
        Vec::new()
    }

    /// Whether [`App::tick`] has something to do.
    pub(crate) fn wants_tick(&self) -> bool {
        // What is held has not been shown: until it is, the server keeps it, too.
        let notes = self.link == Link::Online && self.missed.is_empty() && self.notes.is_waiting();
        notes || self.ticks.is_waiting()
    }

    /// A moment has passed since it was first wanted.
    pub(crate) fn tick(&mut self) -> Vec<Effect> {
        let mut effects = self.send_notes();
        effects.extend(self.ticks.tick(self.lang).into_iter().map(Effect::Show));
        effects
    }

    fn send_notes(&mut self) -> Vec<Effect> {
        if self.link != Link::Online || !self.missed.is_empty() {
            return Vec::new();
        }
        self.notes.take().into_iter().map(|frame| Effect::Send(frame.into())).collect()
    }

    /// Says goodbye to the server, if it is there.
    pub(crate) fn log_out(&mut self) -> Vec<Effect> {
        self.leaving = true;
        let mut effects = self.send_notes();
        if self.link == Link::Online {
            // A `logout` withdraws the token, and with it the way back to the name.
            let goodbye = if self.keys.has_token() { "ping" } else { "logout" };
            effects.extend(self.request(Choice::Quit, Fields::new(goodbye)));
        }
        effects
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
        self.outstanding.push(id, asked, Arc::clone(&frame), about(&fields));
        match self.link {
            Link::Online => vec![Effect::Send(frame)],
            _ => vec![dim(text::QUEUED.get(self.lang))],
        }
    }

    fn next_id(&mut self) -> String {
        self.requests_made += 1;
        self.last_id()
    }

    fn last_id(&self) -> String {
        format!("{}-{}", self.label, self.requests_made)
    }

    // What is shown.

    fn reader(&self) -> Reader<'_> {
        Reader { lang: self.lang, me: self.me.as_deref() }
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

/// To whom a message goes and how it begins, for when it is spoken of later.
fn about(fields: &Fields<'_>) -> About {
    let what = fields.content.as_deref().or(fields.filename.as_deref()).unwrap_or("");
    About { place: Place::of_request(fields), beginning: beginning(what) }
}

#[cfg(test)]
mod stories;
