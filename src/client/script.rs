//! A login without a person: what `papo send` and `papo listen` have in common.

use std::io;
use std::time::{Duration, Instant};

use crate::cli::{Exit, Failure};
use crate::text::Lang;
use crate::text::client as text;
use crate::wire::Code;
use crate::wire::event::{Incoming, MsgId};
use crate::wire::request::{Fields, RequestId};

use super::connection::{
    Frames, Outlet, ReadOnce, SILENCE_MAX, Stream, Writer, connect, no_connection, unique_label,
};
use super::requests::{Login, Proof, arrived_up_to, login, received, told_to_wait};
use super::show::{self, Reader};
use super::trust::Trust;

/// How often the server is told what has arrived, at most.
const NOTE_EVERY: Duration = Duration::from_millis(200);

/// How long a login may take. A server may hold a password up for 20 seconds when somebody guesses.
const LOGIN_MAX: Duration = Duration::from_secs(45);

/// How long leaving waits for the server.
const GOODBYE_MAX: Duration = Duration::from_secs(2);

/// Who logs in, and where.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// The server's address.
    pub(crate) server: String,
    /// By what its certificate is known, if TLS is asked for.
    pub(crate) trust: Option<Trust>,
    /// The user's name.
    pub(crate) user: String,
    /// The language of what people read.
    pub(crate) lang: Lang,
    /// The tokens that this computer has for the user, best first.
    pub(crate) tokens: Vec<String>,
    /// The password, if there is one.
    pub(crate) password: Option<String>,
}

impl Account {
    /// The server has shown another certificate than before: it is not asked again.
    pub(crate) fn is_betrayed(&self) -> bool {
        self.trust.as_ref().is_some_and(Trust::is_changed)
    }

    /// What may show that the name is this user's, in the order in which it is tried. Without
    /// anything before the password: it is refused for a name that has none.
    fn proofs(&self) -> impl Iterator<Item = Proof<'_>> {
        let tokens = self.tokens.iter().map(|token| Proof::Token(token));
        let password = self.password.iter().map(|password| Proof::Password(password));
        tokens.chain([Proof::Nothing]).chain(password)
    }
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// It was the last that is wanted.
    pub(crate) is_enough: bool,
    /// Its message is in good hands: the server need not keep it for this user.
    pub(crate) is_kept: bool,
}

/// A connection on which somebody is logged in.
pub(crate) struct Script {
    frames: Frames,
    writer: Writer,
    label: String,
    requests: u64,
    /// The name as the server spells it.
    pub(crate) me: String,
    /// It came in with a token.
    has_token: bool,
    /// Frames that came with the answer to the login, in the same read.
    early: Vec<Vec<u8>>,
    /// Up to which message everything is in good hands, and up to where the server knows.
    arrived: MsgId,
    told_arrived: MsgId,
    told_at: Option<Instant>,
    /// When the server was last heard.
    heard: Instant,
    /// How long the server wants to be left alone.
    told_to_wait: Option<Duration>,
}

impl Script {
    /// Connects and logs in. A refusal says what to do about it.
    pub(crate) fn log_in(account: &Account) -> Result<Self, Failure> {
        Self::enter(account, 0, |reader, answer| reader.script_refusal(answer))
    }

    /// Connects and logs in once more; `newest` is the newest message that is here already. A
    /// refusal passes, as the name was good before.
    pub(crate) fn log_in_again(account: &Account, newest: MsgId) -> Result<Self, Failure> {
        Self::enter(account, newest, |reader, answer| reader.sentence(answer))
    }

    fn enter(
        account: &Account,
        newest: MsgId,
        refusal: impl Fn(Reader<'_>, &Incoming<'_>) -> String,
    ) -> Result<Self, Failure> {
        let lang = account.lang;
        let unreachable = |error: io::Error| no_connection(lang, &account.server, &error);
        let stream = connect(&account.server, account.trust.as_ref()).map_err(unreachable)?;
        let (writer, frames) = open(stream).map_err(unreachable)?;
        let mut script = Self {
            frames,
            writer,
            label: unique_label(),
            requests: 0,
            me: account.user.clone(),
            has_token: false,
            early: Vec::new(),
            arrived: 0,
            told_arrived: 0,
            told_at: None,
            heard: Instant::now(),
            told_to_wait: None,
        };
        let mut refused = Failure::new(Exit::NoConnection, text::NO_ANSWER.get(lang));
        for proof in account.proofs() {
            match script.try_login(account, proof, newest) {
                Answer::In(me) => {
                    script.me = me.unwrap_or(script.me);
                    script.has_token = matches!(proof, Proof::Token(_));
                    return Ok(script);
                }
                Answer::Refused(answer) => {
                    let answer = Incoming::decode(&answer).unwrap_or_default();
                    let told = refusal(Reader { lang, me: None }, &answer);
                    refused = Failure::new(Exit::LoginRefused, told);
                    // Only what is wrong with the proof can be right with another.
                    if !matches!(
                        show::code(&answer),
                        Some(Code::AuthRequired | Code::WrongPassword)
                    ) {
                        break;
                    }
                }
                Answer::NotPapo => {
                    return Err(Failure::new(Exit::NoConnection, text::NOT_PAPO.get(lang)));
                }
                Answer::None => break,
            }
        }
        Err(refused)
    }

    fn try_login(&mut self, account: &Account, proof: Proof<'_>, newest: MsgId) -> Answer {
        let id = self.next_id();
        let (user, lang) = (account.user.as_str(), account.lang);
        // A script does not claim a name: whoever runs it could not come back from elsewhere.
        let request = login(Login { user, lang, proof, claims: false, newest }, &id);
        self.writer.send(request.encode().into());
        let mut answer = Answer::None;
        let mut early = Vec::new();
        self.read_until(Instant::now() + LOGIN_MAX, |frame| {
            match answer {
                Answer::None => answer = login_answer(frame),
                _ => early.push(frame.to_vec()),
            }
            Heard { is_enough: !matches!(answer, Answer::None), is_kept: false }
        });
        self.early = early;
        answer
    }

    /// Sends a request under an id of its own, and gives the id.
    pub(crate) fn request(&mut self, mut fields: Fields<'_>) -> String {
        let id = self.next_id();
        fields.id = Some(RequestId::Text(id.clone().into()));
        self.writer.send(fields.encode().into());
        id
    }

    /// Reads frames until `take` has had enough, the deadline passes or the connection ends;
    /// `true`, if `take` had enough. Heartbeats are answered here.
    pub(crate) fn read_until(
        &mut self,
        deadline: Instant,
        mut take: impl FnMut(&[u8]) -> Heard,
    ) -> bool {
        let mut enough = false;
        let mut arrived = self.arrived;
        let mut hear = |frame: &[u8], event: Option<Incoming<'_>>| {
            let heard = take(frame);
            enough |= heard.is_enough;
            if heard.is_kept {
                arrived = arrived.max(event.as_ref().and_then(arrived_up_to).unwrap_or(0));
            }
            (enough, arrived)
        };
        let mut so_far = (false, self.arrived);
        for frame in std::mem::take(&mut self.early) {
            so_far = hear(&frame, Incoming::decode(&frame));
        }
        loop {
            let (enough, arrived) = so_far;
            self.arrived = arrived;
            let next_note = self.acknowledge();
            if enough {
                return true;
            }
            let silence = self.heard + SILENCE_MAX;
            let until = deadline.min(silence);
            let now = Instant::now();
            let left = until.min(next_note.unwrap_or(until)).saturating_duration_since(now);
            if until <= now || self.frames.set_timeout(left).is_err() {
                return false;
            }
            let (writer, told) = (&self.writer, &mut self.told_to_wait);
            let read = self.frames.read(|frame| {
                let event = Incoming::decode(frame);
                *told = event.as_ref().and_then(told_to_wait).or(*told);
                if event.as_ref().is_some_and(|event| event.kind() == "heartbeat_ping") {
                    writer.send(Fields::new("heartbeat_ack").encode().into());
                } else {
                    so_far = hear(frame, event);
                }
            });
            match read {
                Ok(ReadOnce::Some) => self.heard = Instant::now(),
                Ok(ReadOnce::Nothing) => {}
                Ok(ReadOnce::End) | Err(_) => return so_far.0,
            }
        }
    }

    /// Tells the server what has arrived, now and then. Gives the time of the next note, if one is
    /// due.
    fn acknowledge(&mut self) -> Option<Instant> {
        if self.arrived <= self.told_arrived {
            return None;
        }
        let now = Instant::now();
        let next = self.told_at.map_or(now, |told_at| told_at + NOTE_EVERY);
        if next > now {
            return Some(next);
        }
        self.told_at = Some(now);
        self.told_arrived = self.arrived;
        self.writer.send(received(self.arrived).encode().into());
        None
    }

    /// How long to wait before the next connection, if the server has said it.
    pub(crate) fn told_to_wait(&self) -> Option<Duration> {
        self.told_to_wait
    }

    /// A way to the server for others. It is to be gone before [`Script::log_out`].
    pub(crate) fn outlet(&self) -> Outlet {
        self.writer.outlet()
    }

    /// Says goodbye, and waits a moment for the server to have taken everything.
    pub(crate) fn log_out(mut self, mut take: impl FnMut(&[u8]) -> Heard) {
        self.told_at = None;
        self.acknowledge();
        // A `logout` withdraws the token, and with it the way back to the name. Without a token the
        // name is free for the next one once the server has closed the connection.
        let has_token = self.has_token;
        let id = self.request(Fields::new(if has_token { "ping" } else { "logout" }));
        self.read_until(Instant::now() + GOODBYE_MAX, |frame| {
            if is_answer(frame, &id) {
                return Heard { is_enough: has_token, is_kept: false };
            }
            Heard { is_enough: false, ..take(frame) }
        });
        self.told_at = None;
        self.acknowledge();
        self.writer.finish();
    }

    fn next_id(&mut self) -> String {
        self.requests += 1;
        format!("{}-{}", self.label, self.requests)
    }
}

fn open(stream: Stream) -> io::Result<(Writer, Frames)> {
    Ok((Writer::start(stream.clone())?, Frames::new(stream)))
}

/// Whether this answers the request of this id. An error that names no request is about the only one
/// there was.
pub(crate) fn is_answer(frame: &[u8], id: &str) -> bool {
    Incoming::decode(frame).is_some_and(|answer| match &answer.id {
        Some(RequestId::Text(answered)) => answer.status.is_some() && **answered == *id,
        Some(RequestId::Number(_)) => false,
        None => answer.is_error(),
    })
}

/// What a frame says to a login.
enum Answer {
    /// Nothing: it is about something else, or there was none in time.
    None,
    /// Yes, under this name.
    In(Option<String>),
    /// No, in this frame.
    Refused(Vec<u8>),
    /// It is none of papo's.
    NotPapo,
}

fn login_answer(frame: &[u8]) -> Answer {
    match Incoming::decode(frame) {
        None => Answer::NotPapo,
        Some(answer) if answer.is_error() => Answer::Refused(frame.to_vec()),
        Some(answer) if answer.kind() == "login_response" => {
            Answer::In(answer.username.as_deref().map(str::to_owned))
        }
        Some(_) => Answer::None,
    }
}
