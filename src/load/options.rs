//! The command line of `papo load`.

use std::time::Duration;

use super::dialect::TEXT_BYTES_MIN;
use crate::cli::{self, Failure, Invocation};
use crate::limits::{CONTENT_BYTES_MAX, MEMBERS_PER_GROUP_MAX};
use crate::text::Lang;
use crate::text::load as text;

/// Clients: as many as one address has free ports for, with room to spare.
const CLIENTS_MAX: usize = 20_000;

/// In flight in one flow. The server pauses reading from who has 256 KiB of answers waiting.
const IN_FLIGHT_MAX: usize = 1_024;

/// Seconds for each scenario, at most an hour.
const SECONDS_MAX: u64 = 3_600;

/// Seconds that a scenario with `--messages` may take.
const SECONDS_WITH_MESSAGES: u64 = 60;

/// One way to put load on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scenario {
    /// Everybody comes in. Always the first.
    Login,
    /// Private conversations, as much as goes.
    Pairs,
    /// Private conversations, one message at a time.
    Latency,
    /// One talks to all.
    Group,
    /// Private conversations at a fixed rate.
    Paced,
}

impl Scenario {
    /// Those that can be chosen, in the order in which they are played.
    const CHOICES: [Scenario; 4] =
        [Scenario::Pairs, Scenario::Latency, Scenario::Group, Scenario::Paced];

    /// The name for `--only` and in JSON.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Scenario::Login => "login",
            Scenario::Pairs => "pairs",
            Scenario::Latency => "latency",
            Scenario::Group => "group",
            Scenario::Paced => "paced",
        }
    }
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) lang: Lang,
    pub(super) server: String,
    pub(super) clients: usize,
    pub(super) in_flight: usize,
    pub(super) group_size: usize,
    pub(super) rate: u32,
    pub(super) time: Duration,
    pub(super) messages: Option<u64>,
    pub(super) text_bytes: usize,
    pub(super) scenarios: Vec<Scenario>,
    pub(super) pid: Option<u32>,
    pub(super) baseline: bool,
    pub(super) json: bool,
    /// Each client comes over a WebSocket.
    pub(super) websocket: bool,
}

impl Options {
    /// Reads the command line.
    pub(super) fn parse(mut invocation: Invocation) -> Result<Self, Failure> {
        let lang = invocation.lang;
        let server = invocation.server()?;
        let clients = ranged(&mut invocation, "--clients", 50, 2, CLIENTS_MAX)?;
        let group_most = clients.min(MEMBERS_PER_GROUP_MAX);
        let messages: Option<u64> = invocation.optional("--messages")?;
        if messages == Some(0) {
            return Err(range_failure(lang, "--messages", 1, u64::MAX));
        }
        let seconds = match messages {
            Some(_) => SECONDS_WITH_MESSAGES,
            None => 3,
        };
        let options = Self {
            lang,
            server,
            clients,
            in_flight: ranged(&mut invocation, "--in-flight", 64, 1, IN_FLIGHT_MAX)?,
            group_size: ranged(&mut invocation, "--group-size", group_most, 2, group_most)?,
            rate: ranged(&mut invocation, "--rate", 2_000, 1, 1_000_000)?,
            time: Duration::from_secs(ranged(
                &mut invocation,
                "--seconds",
                seconds,
                1,
                SECONDS_MAX,
            )?),
            messages,
            text_bytes: ranged(&mut invocation, "--size", 100, TEXT_BYTES_MIN, CONTENT_BYTES_MAX)?,
            scenarios: scenarios(&mut invocation)?,
            pid: invocation.optional("--pid")?,
            baseline: !invocation.args.contains("--no-baseline"),
            json: invocation.args.contains("--json"),
            websocket: invocation.args.contains("--ws"),
        };
        invocation.finish()?;
        Ok(options)
    }
}

fn scenarios(invocation: &mut Invocation) -> Result<Vec<Scenario>, Failure> {
    let asked: Option<String> = invocation.optional("--only")?;
    let Some(asked) = asked else {
        return Ok(Scenario::CHOICES.to_vec());
    };
    let asked: Vec<&str> = asked.split(',').map(str::trim).collect();
    let unknown = |name: &&&str| !Scenario::CHOICES.iter().any(|known| known.as_str() == **name);
    if let Some(unknown) = asked.iter().find(unknown) {
        let sentence = text::unknown_scenario(invocation.lang, unknown);
        return Err(cli::usage(sentence));
    }
    let chosen = |scenario: &Scenario| asked.contains(&scenario.as_str());
    Ok(Scenario::CHOICES.into_iter().filter(chosen).collect())
}

fn ranged<T>(
    invocation: &mut Invocation,
    option: &'static str,
    default: T,
    least: T,
    most: T,
) -> Result<T, Failure>
where
    T: std::str::FromStr + PartialOrd + Copy + TryInto<u64>,
    T::Err: std::fmt::Display,
{
    let value = invocation.value(option, default)?;
    if value < least || value > most {
        let [least, most] = [least, most].map(|bound| bound.try_into().unwrap_or(u64::MAX));
        return Err(range_failure(invocation.lang, option, least, most));
    }
    Ok(value)
}

fn range_failure(lang: Lang, option: &str, least: u64, most: u64) -> Failure {
    cli::usage(text::out_of_range(lang, option, least, most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Command, Exit};

    fn parse(line: &str) -> Result<Options, Failure> {
        let args = line.split_whitespace().map(Into::into).collect();
        let args = pico_args::Arguments::from_vec(args);
        Options::parse(Invocation { args, lang: Lang::En, command: Command::Load })
    }

    #[test]
    fn defaults_are_fifty_clients_and_all_scenarios() {
        let options = parse("").unwrap();
        assert_eq!(options.clients, 50);
        assert_eq!(options.group_size, 50);
        assert_eq!(options.time, Duration::from_secs(3));
        assert_eq!(options.scenarios.len(), 4);
        assert!(options.baseline && !options.json);
    }

    #[test]
    fn scenarios_are_played_in_their_order() {
        let options = parse("--only=group,pairs --clients 3000 --messages 7").unwrap();
        assert_eq!(options.scenarios, [Scenario::Pairs, Scenario::Group]);
        assert_eq!(options.group_size, MEMBERS_PER_GROUP_MAX);
        assert_eq!(options.time, Duration::from_secs(60));
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        for line in [
            "--clients 1",
            "--clients many",
            "--group-size 51",
            "--size 5",
            "--rate 0",
            "--messages 0",
            "--only everything",
            "--server localhost",
            "--server localhost:99999",
            "--surprise",
            "extra",
        ] {
            assert_eq!(parse(line).unwrap_err().exit, Exit::Usage, "{line}");
        }
    }
}
