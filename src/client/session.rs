//! The shell around [`App`]: carries out its effects, for the two threads that make things happen,
//! the one that reads the socket and the one that reads the keyboard.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::cli::{Exit, Failure};
use crate::text::Lang;
use crate::text::client as text;

use super::app::{App, Effect, Prompt, Readiness};
use super::connection::{Stream, Writer, distrusted};
use super::downloads::Downloads;
use super::show::{Line, Style};
use super::terminal::{Keyboard, Screen};
use super::transfers::Transfers;
use super::vault::Vault;

mod files;

/// How long a login may take, reconnecting included. A server may hold a password up for 20 seconds
/// when somebody guesses.
const LOGIN_MAX: Duration = Duration::from_secs(45);

/// How long a script's next line waits for a connection, or for answers when many are missing. A server
/// that stops may send its clients away for half of it.
const SCRIPT_WAIT_MAX: Duration = Duration::from_secs(60);

/// How long leaving waits for answers.
const ANSWERS_MAX: Duration = Duration::from_secs(5);

/// How long a script's end waits for files of which not a byte moves.
const FILES_STILL_MAX: Duration = Duration::from_secs(60);

/// How long leaving waits for the server's goodbye, and for the screen.
const GOODBYE_MAX: Duration = Duration::from_secs(1);

/// How long a prompt waits for what is to be printed before it.
const SETTLE_MAX: Duration = Duration::from_millis(100);

struct State {
    app: App,
    writer: Option<Writer>,
    /// The user is on the way out.
    leaving: bool,
    /// Nothing is carried out any more.
    closed: bool,
}

/// What the client's threads share.
pub(crate) struct Session {
    lang: Lang,
    interactive: bool,
    state: Mutex<State>,
    changed: Condvar,
    screen: Screen,
    downloads: Downloads,
    vault: Vault,
    transfers: Transfers,
    /// The files whose download is under way or done.
    fetched: Mutex<HashSet<u64>>,
    /// For the threads of the transfers, which may outlive this.
    me: Weak<Session>,
}

/// What the effects of one event ask of who carried them out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Give up this connection.
    pub(crate) reconnect: bool,
    /// Leave.
    pub(crate) quit: bool,
}

impl Session {
    /// A session that has no connection yet.
    pub(crate) fn new(
        lang: Lang,
        interactive: bool,
        app: App,
        screen: Screen,
        downloads: Downloads,
        vault: Vault,
    ) -> Arc<Self> {
        let state = State { app, writer: None, leaving: false, closed: false };
        Arc::new_cyclic(|me| Self {
            lang,
            interactive,
            state: Mutex::new(state),
            changed: Condvar::new(),
            screen,
            downloads,
            vault,
            transfers: Transfers::new(),
            fetched: Mutex::default(),
            me: Weak::clone(me),
        })
    }

    // For the thread that reads the socket.

    /// A connection stands. `None` when there is no use for it any more.
    pub(crate) fn connected(&self, stream: &Stream) -> Option<Wish> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        state.writer = Some(Writer::start(stream.clone()).ok()?);
        let effects = state.app.connected();
        Some(self.carry_out(state, effects))
    }

    /// A frame arrived. Files wait for the disk here, without the state.
    pub(crate) fn received(&self, frame: &[u8]) -> Wish {
        if self.transfers.take(frame) {
            return Wish::default();
        }
        let mut state = self.lock();
        if state.closed {
            return Wish { reconnect: true, quit: true };
        }
        let effects = state.app.received(frame);
        self.carry_out(state, effects)
    }

    /// The connection is gone.
    pub(crate) fn lost(&self) {
        self.transfers.lost();
        let mut state = self.lock();
        if !state.closed {
            state.writer = None;
            let effects = state.app.lost();
            self.carry_out(state, effects);
        }
    }

    /// How long to wait before the next attempt, if the server has said it.
    pub(crate) fn told_to_wait(&self) -> Option<Duration> {
        self.lock().app.told_to_wait()
    }

    /// There is no connection again. That the server is another now is told, and nothing else.
    pub(crate) fn refused(&self, server: &str, error: &std::io::Error) -> bool {
        let told = distrusted(self.lang, server, error);
        if let Some(told) = &told {
            self.screen.show(&Line::bad(told));
        }
        told.is_some()
    }

    /// Waits before the next attempt to connect. `false`: no attempt is wanted any more.
    pub(crate) fn wait_before_reconnecting(&self, wait: Duration) -> bool {
        !self.wait_until(wait, |state| state.leaving && state.app.unanswered() == 0 || state.closed)
    }

    /// Logged in, and the connection stands.
    pub(crate) fn is_online(&self) -> bool {
        self.lock().app.is_online()
    }

    /// Whether [`Session::tick`] has something to do.
    pub(crate) fn wants_tick(&self) -> bool {
        self.lock().app.wants_tick()
    }

    /// A moment has passed since it was first wanted.
    pub(crate) fn tick(&self) {
        let mut state = self.lock();
        if !state.closed {
            let effects = state.app.tick();
            self.carry_out(state, effects);
        }
    }

    /// Nothing is to be heard from the server now.
    pub(crate) fn expects_silence(&self) -> bool {
        self.lock().app.expects_silence()
    }

    /// Waits while the screen has more to print than it should.
    pub(crate) fn wait_for_screen(&self) {
        self.screen.wait_for_room();
    }

    // For the thread that reads the keyboard.

    /// Asks and answers until the user leaves.
    pub(crate) fn run(&self, keyboard: &mut Keyboard, name_given: bool) -> Result<(), Failure> {
        loop {
            let prompt = self.wait_to_ask(name_given)?;
            self.screen.settle(SETTLE_MAX);
            let line = keyboard.read(&prompt);
            let Some(line) = line.filter(|_| !self.screen.is_broken()) else {
                break;
            };
            if self.typed(&line).quit {
                break;
            }
        }
        if !self.interactive {
            self.transfers.wait_while_moving(FILES_STILL_MAX);
        }
        let refusal = self.lock().app.refusal().map(str::to_owned);
        let unanswered = self.leave();
        match refusal {
            // A script whose every name was refused has done nothing.
            Some(refusal) if !self.interactive => Err(Failure::new(Exit::LoginRefused, refusal)),
            _ if unanswered > 0 && !self.interactive => {
                let told = text::unanswered(self.lang, unanswered);
                Err(Failure::new(Exit::Error, told))
            }
            _ => Ok(()),
        }
    }

    /// Waits until the next line may be read, and says what to ask for it.
    fn wait_to_ask(&self, name_given: bool) -> Result<Prompt, Failure> {
        let is_answered = |state: &mut State| state.app.readiness() != Readiness::LoggingIn;
        if !self.wait_until(LOGIN_MAX, is_answered) {
            let told = text::NO_ANSWER.get(self.lang);
            return Err(Failure::new(Exit::NoConnection, told));
        }
        // Somebody at a terminal may go on typing; a script's lines have time, but not for ever.
        let is_ready = |state: &mut State| state.app.readiness() == Readiness::Ready;
        if !self.interactive && !self.wait_until(SCRIPT_WAIT_MAX, is_ready) {
            let told = text::NO_ANSWER.get(self.lang);
            return Err(Failure::new(Exit::NoConnection, told));
        }
        let state = self.lock();
        match state.app.refusal() {
            Some(refusal) if name_given && !self.interactive && !state.app.asks_password() => {
                Err(Failure::new(Exit::LoginRefused, refusal))
            }
            _ => Ok(state.app.prompt()),
        }
    }

    fn typed(&self, line: &str) -> Wish {
        let mut state = self.lock();
        let effects = state.app.typed(line);
        self.carry_out(state, effects)
    }

    /// Leaves: waits, within bounds, for the answers that are missing, says goodbye to the server
    /// and to the user. Gives the number of requests without an answer.
    pub(crate) fn leave(&self) -> usize {
        let mut state = self.lock();
        if std::mem::replace(&mut state.leaving, true) {
            // Ctrl+C once more.
            state.closed = true;
            return 0;
        }
        drop(state);
        self.screen.show(&Line::new(Style::Plain, text::LEAVING.get(self.lang)));
        match self.transfers.busy() {
            0 => {}
            count => self.screen.show(&Line::bad(&text::interrupted(self.lang, count))),
        }
        self.transfers.stop();
        // Somebody at a terminal who leaves without a connection does not wait for one.
        let patient = !self.interactive;
        // A script is to be told what was missed, however little else it asks for.
        self.wait_until(ANSWERS_MAX, |state| {
            let told = !patient || !state.app.is_catching_up();
            let answered = state.app.unanswered() == 0 && told;
            answered || !patient && !state.app.is_online() || state.closed
        });
        let mut state = self.lock();
        let unanswered = state.app.unanswered();
        let effects = state.app.log_out();
        self.carry_out(state, effects);
        self.wait_until(GOODBYE_MAX, |state| state.app.unanswered() <= unanswered || state.closed);
        self.lock().closed = true;
        self.changed.notify_all();
        if unanswered > 0 {
            self.screen.show(&Line::bad(&text::unanswered(self.lang, unanswered)));
        }
        self.screen.show(&Line::new(Style::Plain, text::LEFT.get(self.lang)));
        self.screen.settle(GOODBYE_MAX);
        unanswered
    }

    // What both need.

    fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panicked left a state that was whole between two effects.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something is so, at most so long. Says whether it is.
    fn wait_until(&self, at_most: Duration, is_so: impl Fn(&mut State) -> bool) -> bool {
        let deadline = Instant::now() + at_most;
        let mut state = self.lock();
        loop {
            if is_so(&mut state) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let woken = self.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Carries effects out in their order, with the state locked, so that what one thread shows
    /// and sends is not mixed with what the other does. Nothing here waits for a peer or a person.
    fn carry_out(&self, mut state: MutexGuard<'_, State>, effects: Vec<Effect>) -> Wish {
        let mut wish = Wish::default();
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Show(line) => match effects.front() {
                    // What arrived and where it was kept are read together.
                    Some(Effect::Save(file)) => {
                        let kept = self.downloads.save_and_tell(file, self.lang);
                        self.screen.show_together(&line, &kept);
                        effects.pop_front();
                    }
                    _ => self.screen.show(&line),
                },
                Effect::Send(frame) => {
                    if let Some(writer) = &state.writer {
                        writer.send(frame);
                    }
                }
                Effect::SendLater(wait, frame) => {
                    if let Some(writer) = &state.writer {
                        writer.send_later(wait, frame);
                    }
                }
                Effect::Save(file) => {
                    self.screen.show(&self.downloads.save_and_tell(&file, self.lang));
                }
                Effect::SaveMissed(file) => {
                    let told = self.downloads.save_and_tell(&file, self.lang);
                    push_front(&mut effects, state.app.saved(told));
                }
                Effect::Recall(user) => {
                    let tokens = self.vault.recall(&user);
                    push_front(&mut effects, state.app.recalled(tokens));
                }
                Effect::Remember { user, token } => {
                    // Without a folder that was told at the login.
                    if let Err(error) = self.vault.remember(&user, &token) {
                        let told = text::not_remembered(self.lang, &error.to_string());
                        self.screen.show(&Line::bad(&told));
                    }
                }
                Effect::SendFile(file) => self.send_file(file),
                Effect::Offered { offer, is_wanted, is_missed } => {
                    let told = self.offered(offer, is_wanted);
                    match told {
                        Some(told) if is_missed => push_front(&mut effects, state.app.saved(told)),
                        Some(told) => self.screen.show(&told),
                        None => {}
                    }
                }
                Effect::ListOffers => {
                    let listed = state.app.offers_listed(self.offers());
                    push_front(&mut effects, listed);
                }
                Effect::Fetch(offer) => self.fetch(offer),
                Effect::Online(me) => self.files_online(&state, &me),
                Effect::Reconnect => wish.reconnect = true,
                Effect::Quit => wish.quit = true,
            }
        }
        drop(state);
        self.changed.notify_all();
        wish
    }
}

/// What comes of an effect comes before what is left to do.
fn push_front(effects: &mut VecDeque<Effect>, first: Vec<Effect>) {
    for effect in first.into_iter().rev() {
        effects.push_front(effect);
    }
}

#[cfg(test)]
mod tests;
