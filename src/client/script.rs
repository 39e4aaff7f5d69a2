//! A login without a person: what `papo send` and `papo listen` have in common.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::cli::{Exit, Failure};
use crate::text::Lang;
use crate::text::client as text;
use crate::wire::event::{Incoming, MsgId};
use crate::wire::request::{Fields, RequestId};

use super::connection::{
    Frames, ReadOnce, SILENCE_MAX, Writer, connect, no_connection, unique_label,
};
use super::requests::login;
use super::show::Reader;

/// How long a login may take.
const LOGIN_MAX: Duration = Duration::from_secs(15);

/// Who logs in, and where.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// The server's address.
    pub(crate) server: String,
    /// The user's name.
    pub(crate) user: String,
    /// The language of what people read.
    pub(crate) lang: Lang,
}

/// A connection on which somebody is logged in.
pub(crate) struct Script {
    frames: Frames,
    writer: Writer,
    label: String,
    requests: u64,
    /// The name as the server spells it.
    pub(crate) me: String,
    /// Frames that came with the answer to the login, in the same read.
    early: Vec<Vec<u8>>,
}

/// Whether to go on reading.
pub(crate) type Enough = bool;

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
        let stream = connect(&account.server).map_err(unreachable)?;
        let (writer, frames) = open(stream).map_err(unreachable)?;
        let mut script = Self {
            frames,
            writer,
            label: unique_label(),
            requests: 0,
            me: account.user.clone(),
            early: Vec::new(),
        };
        let id = script.next_id();
        let request = login(&account.user, lang, &id, newest);
        script.writer.send(request.encode().into());
        let mut answer = None;
        let mut early = Vec::new();
        script.read_until(Instant::now() + LOGIN_MAX, |frame| {
            if answer.is_some() {
                early.push(frame.to_vec());
                return true;
            }
            answer = login_answer(frame, lang, &refusal);
            answer.is_some()
        });
        script.early = early;
        match answer {
            Some(Ok(me)) => {
                script.me = me.unwrap_or(script.me);
                Ok(script)
            }
            Some(Err(failure)) => Err(failure),
            None => Err(Failure::new(Exit::NoConnection, text::NO_ANSWER.get(lang))),
        }
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
        mut take: impl FnMut(&[u8]) -> Enough,
    ) -> bool {
        let mut enough = false;
        for frame in std::mem::take(&mut self.early) {
            enough |= take(&frame);
        }
        let mut heard = Instant::now();
        while !enough {
            let silence = heard + SILENCE_MAX;
            let left = deadline.min(silence).saturating_duration_since(Instant::now());
            if left.is_zero() || self.frames.set_timeout(left).is_err() {
                return false;
            }
            let writer = &self.writer;
            let read = self.frames.read(|frame| {
                if Incoming::decode(frame).is_some_and(|event| event.kind() == "heartbeat_ping") {
                    writer.send(Fields::new("heartbeat_ack").encode().into());
                } else {
                    enough |= take(frame);
                }
            });
            match read {
                Ok(ReadOnce::Some) => heard = Instant::now(),
                Ok(ReadOnce::Nothing) => {}
                Ok(ReadOnce::End) | Err(_) => return enough,
            }
        }
        true
    }

    /// Says goodbye, and waits a moment for the server's.
    pub(crate) fn log_out(mut self, take: impl FnMut(&[u8]) -> Enough) {
        self.request(Fields::new("logout"));
        self.read_until(Instant::now() + Duration::from_secs(2), take);
        self.writer.finish();
    }

    fn next_id(&mut self) -> String {
        self.requests += 1;
        format!("{}-{}", self.label, self.requests)
    }
}

fn open(stream: TcpStream) -> io::Result<(Writer, Frames)> {
    Ok((Writer::start(stream.try_clone()?)?, Frames::new(stream)))
}

/// The name logged in with, or why not; `None` for frames that are no answer.
fn login_answer(
    frame: &[u8],
    lang: Lang,
    refusal: impl Fn(Reader<'_>, &Incoming<'_>) -> String,
) -> Option<Result<Option<String>, Failure>> {
    let Some(answer) = Incoming::decode(frame) else {
        let told = text::NOT_PAPO.get(lang);
        return Some(Err(Failure::new(Exit::NoConnection, told)));
    };
    if answer.is_error() {
        let told = refusal(Reader { lang, me: None }, &answer);
        return Some(Err(Failure::new(Exit::LoginRefused, told)));
    }
    let name = answer.username.as_deref().map(str::to_owned);
    (answer.kind() == "login_response").then_some(Ok(name))
}
