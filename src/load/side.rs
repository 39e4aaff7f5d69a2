//! One of the two servers of a run, with its clients: coming in, and playing rounds.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use super::dialect::{Dialect, Ear, RUN_BYTES, To, Wording};
use super::enter::{self, Entered, Refused};
use super::options::{Options, Scenario};
use super::process::Process;
use super::report::{Cost, Measure};
use super::round::{Plan, Played, Round, Route};
use super::swarm::Swarm;
use super::tally::Tally;
use crate::cli::{Exit, Failure};
use crate::text::Lang;
use crate::text::load as text;

/// Who takes part, under which names.
pub(super) struct Cast {
    names: Vec<String>,
    group: String,
    wording: Wording,
}

impl Cast {
    /// Names that no earlier run used: the server may have seen those.
    pub(super) fn new(options: &Options) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos = since.map_or(0, |since| since.as_nanos());
        let mixed = (nanos << 32) ^ (nanos >> 8) ^ u128::from(std::process::id());
        // A multiplication spreads what differs over all digits; the upper ones are the best.
        let mixed = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        let digits = format!("{mixed:032x}");
        let run = &digits[..RUN_BYTES];
        Self {
            names: (1..=options.clients).map(|client| format!("carga-{client:04}-{run}")).collect(),
            group: format!("carga-{run}"),
            wording: Wording::new(run, options.text_bytes),
        }
    }
}

/// One of the two servers, with its clients.
pub(super) struct Side<'a> {
    options: &'a Options,
    cast: &'a Cast,
    swarm: Swarm,
    ear: Ear,
    process: Option<Process>,
}

impl<'a> Side<'a> {
    /// A server at this address, and nobody there yet.
    pub(super) fn new(
        dialect: Dialect,
        address: SocketAddr,
        process: Option<Process>,
        options: &'a Options,
        cast: &'a Cast,
    ) -> Result<Self, Failure> {
        Ok(Self {
            options,
            cast,
            swarm: Swarm::new(address, dialect.framing(), options.clients)
                .map_err(|error| system(options.lang, &error))?,
            ear: Ear::new(dialect, cast.wording.clone()),
            process,
        })
    }

    /// Whether this is the relay.
    pub(super) fn is_raw(&self) -> bool {
        self.ear.dialect() == Dialect::Raw
    }

    /// Whether a connection has ended.
    pub(super) fn is_broken(&self) -> bool {
        self.swarm.broken().is_some()
    }

    /// Logs all clients in. Says what that took, and what the server calls itself.
    pub(super) fn enter(
        &mut self,
        tell: &mut dyn FnMut(usize),
    ) -> Result<(Measure, Option<String>), Failure> {
        let before = self.cpu_ns();
        let entered = enter::log_in(
            self.ear.dialect(),
            &mut self.swarm,
            &self.cast.names,
            self.options.lang,
            tell,
        );
        let Entered { time, latency, server } =
            entered.map_err(|refused| self.not_entered(refused))?;
        let all = self.cast.names.len() as u64;
        let tally = Tally { sent: all, delivered: all, answered: all, ..Tally::default() };
        Ok((Measure::new(tally, time, &latency, self.cost_since(before)), server))
    }

    /// Makes the group.
    pub(super) fn gather(&mut self) -> Result<(), Failure> {
        let (dialect, size) = (self.ear.dialect(), self.options.group_size);
        let gathered = enter::gather(dialect, &mut self.swarm, &self.cast.group, size);
        gathered.map_err(|refused| match refused {
            Refused::Said { why, .. } if !self.is_raw() => {
                let sentence = text::group_refused(self.options.lang, &self.cast.group, &why);
                Failure::new(Exit::Error, sentence)
            }
            other => self.not_entered(other),
        })
    }

    /// Takes the group away again.
    pub(super) fn disband(&mut self) {
        enter::disband(self.ear.dialect(), &mut self.swarm, &self.cast.group);
    }

    /// One round: the `ordinal`th of the run.
    pub(super) fn play(
        &mut self,
        scenario: Scenario,
        plan: Plan,
        ordinal: u64,
        tell: &mut dyn FnMut(f64, u64),
    ) -> Result<(Played, Cost), Failure> {
        let routes = match scenario {
            Scenario::Group => vec![Route {
                sender: 0,
                to: To::Group(&self.cast.group),
                receivers: 1..self.options.group_size,
            }],
            _ => pairs(&self.cast.names),
        };
        let before = self.cpu_ns();
        let round = Round::new(&mut self.ear, &self.cast.names, ordinal, &routes, plan);
        let played =
            round.play(&mut self.swarm, tell).map_err(|error| system(self.options.lang, &error))?;
        Ok((played, self.cost_since(before)))
    }

    fn not_entered(&self, refused: Refused) -> Failure {
        let (lang, server) = (self.options.lang, self.options.server.as_str());
        if self.is_raw() {
            let error = format!("{refused:?}");
            return Failure::new(Exit::Error, text::note_no_relay(lang, &error));
        }
        let sentence = match refused {
            Refused::Said { client, why } => {
                let sentence = text::login_refused(lang, &self.cast.names[client], &why);
                return Failure::new(Exit::LoginRefused, sentence);
            }
            Refused::Closed(error) => {
                text::hung_up(lang, server, error.as_ref().map(|error| error as &dyn Display))
            }
            Refused::Silent => text::silent(lang, server),
            Refused::Strange => text::strange(lang, server),
        };
        Failure::new(Exit::NoConnection, sentence)
    }

    fn cpu_ns(&self) -> Option<u64> {
        self.process.and_then(Process::cpu_ns)
    }

    fn cost_since(&self, before: Option<u64>) -> Cost {
        let spent = |before| self.cpu_ns().map(|now| now.saturating_sub(before));
        Cost {
            cpu_ns: before.and_then(spent),
            rss_bytes: self.process.and_then(Process::rss_bytes),
        }
    }
}

fn system(lang: Lang, error: &io::Error) -> Failure {
    Failure::new(Exit::Error, text::system(lang, error))
}

/// Everybody talks to a neighbour, who talks back. Of an odd number the last one only listens.
fn pairs(names: &[String]) -> Vec<Route<'_>> {
    let paired = names.len() / 2 * 2;
    (0..paired)
        .map(|sender| {
            let receiver = sender ^ 1;
            Route { sender, to: To::User(&names[receiver]), receivers: receiver..receiver + 1 }
        })
        .collect()
}
