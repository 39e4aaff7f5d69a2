//! One run: both servers side by side, scenario after scenario, each in short rounds against the one
//! and the other in turn, so that both meet the machine in the same mood.

use std::fmt::Display;
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use hdrhistogram::Histogram;

use super::baseline::Baseline;
use super::dialect::Dialect;
use super::options::{Options, Scenario};
use super::process::Process;
use super::progress::Progress;
use super::report::{Cost, Measure, Report, Row};
use super::round::{Pace, Plan, Played, new_histogram};
use super::side::{Cast, Side};
use super::tally::Tally;
use crate::cli::{Exit, Failure};
use crate::text::Lang;
use crate::text::load as text;

/// Rounds of one scenario against each server.
const ROUNDS: u32 = 3;

/// Time for the first connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Descriptors of the tool beside its clients'.
const DESCRIPTORS_RESERVED: u64 = 64;

/// Plays all that was asked for. What went wrong in a scenario is in the report; a failure is what
/// kept it from being played.
pub(super) fn play(options: &Options) -> Result<Report, Failure> {
    let lang = options.lang;
    let target = Target::find(options)?;
    let mut report = Report::new(options, None);
    let process = match options.pid {
        Some(pid) => Process::find(pid),
        None if target.local => Process::listening_on(target.address),
        None => None,
    };
    let baseline = start_baseline(options, &target, process, &mut report);
    raise_descriptor_limit(lang, options.clients, baseline.is_some())?;

    let cast = Cast::new(options);
    if options.websocket {
        report.notes.push(text::NOTE_WEBSOCKET.get(lang).to_owned());
    }
    let dialect = if options.websocket { Dialect::Web } else { Dialect::Papo };
    let mut sides = vec![Side::new(dialect, target.address, process, options, &cast)?];
    if let Some(baseline) = &baseline {
        let process = Process::find(baseline.pid());
        let side = Side::new(Dialect::Raw, baseline.address(), process, options, &cast)?;
        sides.push(side);
    }
    let rounds = options.scenarios.len() * ROUNDS as usize;
    let mut progress = Progress::new(lang, (rounds + 1) * sides.len());
    if let Some(process) = process {
        let pinned = baseline.as_ref().is_some_and(Baseline::is_pinned);
        report.notes.push(text::note_process(lang, process.pid(), pinned));
    } else {
        report.notes.push(text::NOTE_NO_PROCESS.get(lang).to_owned());
    }

    let mut entered = Vec::new();
    for side in &mut sides {
        progress.next(&report.name(Scenario::Login, lang), side.is_raw());
        entered.push(side.enter(&mut |inside| progress.tell_count(inside, options.clients))?);
    }
    report.software = entered[0].1.take();
    report.add(row(Scenario::Login, entered.into_iter().map(|(measure, _)| measure)));

    let mut ordinals = 0..;
    for scenario in options.scenarios.iter().copied() {
        if scenario == Scenario::Group {
            sides.iter_mut().try_for_each(Side::gather)?;
        }
        let mut totals: Vec<Total> = sides.iter().map(|_| Total::default()).collect();
        for (round, ordinal) in (0..ROUNDS).zip(&mut ordinals) {
            let plan = plan(scenario, round, options);
            for (side, total) in sides.iter_mut().zip(&mut totals) {
                progress.next(&report.name(scenario, lang), side.is_raw());
                let mut tell = |part, delivered| progress.tell(part, delivered);
                let (played, spent) = side.play(scenario, plan, ordinal, &mut tell)?;
                total.add(played, spent);
            }
            if broken(&sides) {
                break;
            }
        }
        let mut measures: Vec<Measure> = totals.into_iter().map(Total::measure).collect();
        // A relay that lost something is no measure of anything; it would be our bug.
        if measures.get(1).is_some_and(|raw| !raw.tally.is_clean()) {
            measures.truncate(1);
            report.notes.push(text::NOTE_RELAY_FAILED.get(lang).to_owned());
        }
        report.add(row(scenario, measures));
        if broken(&sides) {
            break;
        }
    }
    if options.scenarios.contains(&Scenario::Group) && !sides[0].is_broken() {
        sides[0].disband();
    }
    progress.finish();
    Ok(report)
}

fn broken(sides: &[Side<'_>]) -> bool {
    sides.iter().any(Side::is_broken)
}

/// A round's share of what the scenario is to send, and how.
fn plan(scenario: Scenario, round: u32, options: &Options) -> Plan {
    let rounds = u64::from(ROUNDS);
    let share = |all: u64| all / rounds + u64::from(u64::from(round) < all % rounds);
    Plan {
        pace: match scenario {
            Scenario::Latency => Pace::InFlight(1),
            Scenario::Paced => Pace::PerSecond(options.rate),
            Scenario::Login | Scenario::Pairs | Scenario::Group => {
                Pace::InFlight(options.in_flight)
            }
        },
        time: options.time / ROUNDS,
        messages: options.messages.map(share),
    }
}

fn row(scenario: Scenario, measures: impl IntoIterator<Item = Measure>) -> Row {
    let mut measures = measures.into_iter();
    let papo = measures.next().unwrap_or_default();
    Row::new(scenario, papo, measures.next())
}

/// Where the server is.
struct Target {
    address: SocketAddr,
    local: bool,
}

impl Target {
    /// Finds an address at which somebody listens: `localhost` may be two of them.
    fn find(options: &Options) -> Result<Self, Failure> {
        let (lang, server) = (options.lang, options.server.as_str());
        let absent = |error: &dyn Display| {
            Failure::new(Exit::NoConnection, text::no_server(lang, server, error))
        };
        let mut last_error = io::Error::from(io::ErrorKind::NotFound);
        for address in server.to_socket_addrs().map_err(|error| absent(&error))? {
            match TcpStream::connect_timeout(&address, CONNECT) {
                Ok(stream) => {
                    let own = stream.local_addr().map(|own| own.ip());
                    let local =
                        address.ip().is_loopback() || own.is_ok_and(|own| own == address.ip());
                    return Ok(Self { address, local });
                }
                Err(error) => last_error = error,
            }
        }
        Err(absent(&last_error))
    }
}

fn start_baseline(
    options: &Options,
    target: &Target,
    server: Option<Process>,
    report: &mut Report,
) -> Option<Baseline> {
    if !options.baseline {
        return None;
    }
    if !target.local {
        report.notes.push(text::NOTE_REMOTE.get(options.lang).to_owned());
        return None;
    }
    // The child would inherit the tool's cores, and share them with the tool.
    let cores = server.and_then(Process::cores);
    let own = Process::find(std::process::id()).and_then(Process::cores);
    let elsewhere = cores.filter(|cores| Some(cores) != own.as_ref());
    match Baseline::start(elsewhere.as_deref()) {
        Ok(baseline) => {
            report.notes.push(text::NOTE_RAW.get(options.lang).to_owned());
            Some(baseline)
        }
        Err(error) => {
            report.notes.push(text::note_no_relay(options.lang, &error));
            None
        }
    }
}

fn raise_descriptor_limit(lang: Lang, clients: usize, twice: bool) -> Result<(), Failure> {
    let swarms = if twice { 2 } else { 1 };
    let needed = clients as u64 * swarms + DESCRIPTORS_RESERVED;
    // Where there is no such limit this fails or says so, and nothing is lost by going on.
    let allowed = rlimit::increase_nofile_limit(needed).unwrap_or(needed);
    if cfg!(unix) && allowed < needed {
        let sentence = text::too_few_descriptors(lang, needed, allowed);
        return Err(Failure::new(Exit::Error, sentence));
    }
    Ok(())
}

/// The rounds of one scenario against one server, together.
struct Total {
    tally: Tally,
    time: Duration,
    latency: Histogram<u64>,
    cost: Cost,
}

impl Default for Total {
    fn default() -> Self {
        Self {
            tally: Tally::default(),
            time: Duration::ZERO,
            latency: new_histogram(),
            cost: Cost { cpu_ns: Some(0), rss_bytes: None },
        }
    }
}

impl Total {
    fn add(&mut self, played: Played, cost: Cost) {
        self.tally.add(played.tally);
        self.time += played.time;
        self.latency += played.latency;
        let cpu_ns = self.cost.cpu_ns.zip(cost.cpu_ns);
        self.cost = Cost { cpu_ns: cpu_ns.map(|(sum, more)| sum + more), ..cost };
    }

    fn measure(self) -> Measure {
        Measure::new(self.tally, self.time, &self.latency, self.cost)
    }
}
