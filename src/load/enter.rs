//! How the clients come in: connected, logged in, and in a group.

use std::io;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::dialect::{self, Dialect, To};
use super::relay::{JOIN, REGISTER};
use super::round::{new_histogram, record};
use super::swarm::Swarm;
use crate::text::Lang;
use crate::wire::Text;
use crate::wire::event::Incoming;
use crate::wire::request::Fields;

/// Clients that are logging in at the same time. More would measure the queue of the listener.
const LOGINS_AT_ONCE: usize = 64;

/// A server that says nothing for so long will not answer.
const SILENCE: Duration = Duration::from_secs(10);

/// How often the progress is told.
const TICK: Duration = Duration::from_millis(100);

/// Clients that are in.
#[derive(Debug)]
pub(super) struct Entered {
    /// From the first connection to the last login.
    pub(super) time: Duration,
    /// From connecting to being logged in, in nanoseconds.
    pub(super) latency: Histogram<u64>,
    /// What the server calls itself.
    pub(super) server: Option<String>,
}

/// Why the clients did not get in.
#[derive(Debug)]
pub(super) enum Refused {
    /// The server said no, in its words, to this client.
    Said { client: usize, why: String },
    /// The server closed the connection, or the system failed.
    Closed(Option<io::Error>),
    /// The server answers nothing.
    Silent,
    /// What answers is no papo server.
    Strange,
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Closed(Some(error))
    }
}

/// Connects a client for each name and logs it in. `tell` hears how many are in.
pub(super) fn log_in(
    dialect: Dialect,
    swarm: &mut Swarm,
    names: &[String],
    lang: Lang,
    tell: &mut dyn FnMut(usize),
) -> Result<Entered, Refused> {
    let start = Instant::now();
    let mut since = Vec::with_capacity(names.len());
    let mut door = Door::new(dialect, "login_response");
    let mut latency = new_histogram();
    while door.inside < names.len() {
        while since.len() < names.len() && since.len() - door.inside < LOGINS_AT_ONCE {
            since.push(Instant::now());
            let client = swarm.connect()?;
            let login = login(dialect, &names[client], lang);
            swarm.out(client).extend_from_slice(&login);
        }
        swarm.turn(TICK, &mut |client, line, now| {
            if door.hear(client, line) {
                record(&mut latency, now.saturating_duration_since(since[client]));
            }
        })?;
        door.check(swarm)?;
        tell(door.inside);
    }
    Ok(Entered { time: start.elapsed(), latency, server: door.server })
}

/// Makes a group of the first `size` clients.
pub(super) fn gather(
    dialect: Dialect,
    swarm: &mut Swarm,
    group: &str,
    size: usize,
) -> Result<(), Refused> {
    let mut door = Door::new(dialect, "group_response");
    // The group has to be there before anybody can come in.
    for (first, last) in [(0, 1), (1, size)] {
        for client in first..last {
            let request = match dialect {
                Dialect::Raw => raw(JOIN, To::Group(group)),
                dialect if client == 0 => about_group(dialect, "create_group", group),
                dialect => about_group(dialect, "join_group", group),
            };
            swarm.out(client).extend_from_slice(&request);
        }
        while door.inside < last {
            swarm.turn(TICK, &mut |client, line, _| {
                door.hear(client, line);
            })?;
            door.check(swarm)?;
        }
    }
    Ok(())
}

/// Takes the group away again, so that a server that runs for long is left as it was. Nobody waits
/// for the answer longer than a moment: everything is measured already.
pub(super) fn disband(dialect: Dialect, swarm: &mut Swarm, group: &str) {
    let request = about_group(dialect, "delete_group", group);
    swarm.out(0).extend_from_slice(&request);
    let mut answered = false;
    for _ in 0..5 {
        let turned = swarm.turn(TICK, &mut |client, _, _| answered |= client == 0);
        if answered || turned.is_err() || swarm.broken().is_some() {
            break;
        }
    }
}

fn login(dialect: Dialect, name: &str, lang: Lang) -> Vec<u8> {
    match dialect {
        Dialect::Raw => raw(REGISTER, To::User(name)),
        dialect => dialect.request(&Fields {
            username: Some(Text::from(name)),
            lang: Some(Text::from(match lang {
                Lang::Pt => "pt",
                Lang::En => "en",
            })),
            client: Some(Text::from(concat!("papo-load/", env!("CARGO_PKG_VERSION")))),
            ..Fields::new("login")
        }),
    }
}

fn about_group(dialect: Dialect, kind: &str, group: &str) -> Vec<u8> {
    dialect.request(&Fields { group_name: Some(Text::from(group)), ..Fields::new(kind) })
}

fn raw(what: u8, to: To<'_>) -> Vec<u8> {
    [[what].as_slice(), &dialect::key(to), b"\n"].concat()
}

/// Counts who is in.
struct Door {
    dialect: Dialect,
    /// The type of the answer that lets somebody in.
    answer: &'static str,
    inside: usize,
    server: Option<String>,
    refused: Option<Refused>,
    last_word: Instant,
}

impl Door {
    fn new(dialect: Dialect, answer: &'static str) -> Self {
        Self { dialect, answer, inside: 0, server: None, refused: None, last_word: Instant::now() }
    }

    /// Whether this line lets the client in.
    fn hear(&mut self, client: usize, line: &[u8]) -> bool {
        self.last_word = Instant::now();
        if self.dialect == Dialect::Raw {
            self.inside += 1;
            return true;
        }
        let Some(frame) = Incoming::decode(line) else {
            self.refused.get_or_insert(Refused::Strange);
            return false;
        };
        if frame.is_error() {
            let why = frame.message.or(frame.code).unwrap_or_default();
            self.refused.get_or_insert(Refused::Said { client, why: why.into_owned() });
            return false;
        }
        if frame.kind() != self.answer {
            return false;
        }
        if self.server.is_none() {
            self.server = frame.server.map(Text::into_owned);
        }
        self.inside += 1;
        true
    }

    fn check(&mut self, swarm: &Swarm) -> Result<(), Refused> {
        if let Some(refused) = self.refused.take() {
            return Err(refused);
        }
        if let Some(broken) = swarm.broken() {
            // io::Error has no copy; its kind and sentence are what matters.
            let error =
                broken.error.as_ref().map(|error| io::Error::new(error.kind(), error.to_string()));
            return Err(Refused::Closed(error));
        }
        if self.last_word.elapsed() > SILENCE {
            return Err(Refused::Silent);
        }
        Ok(())
    }
}
