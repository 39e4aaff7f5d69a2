//! `papo load`: puts load on a server, checks that every message arrives exactly once, in order and
//! intact, and says what that costs compared with a relay that only moves bytes.
//!
//! - `options`: the command line.
//! - `session`: one run, scenario after scenario, against the server and the relay in turn.
//! - `side`: one of the two, with its clients.
//! - `enter`: connecting, logging in, making a group.
//! - `round`: who sends what when, and the book of what arrived.
//! - `tally`, `sequence`: what was counted; which numbers arrived at one receiver.
//! - `swarm`: many connections on one thread.
//! - `dialect`: the bytes of a message, and what a line that arrives says.
//! - `websocket`: the client's side of one.
//! - `relay`, `baseline`: the raw relay, and its process.
//! - `process`: CPU and memory of a process.
//! - `report`, `json`, `progress`: the table, the same for programs, and the bar.

mod baseline;
mod dialect;
mod enter;
mod json;
mod options;
mod process;
mod progress;
mod relay;
mod report;
mod round;
mod sequence;
mod session;
mod side;
mod swarm;
mod tally;
#[cfg(test)]
mod tests;
mod websocket;

use std::io::{self, Write};

use crate::cli::{Exit, Failure, Invocation};
use crate::text::load as text;
use options::Options;

/// Runs `papo load`.
pub fn run(mut invocation: Invocation) -> Result<(), Failure> {
    let lang = invocation.lang;
    // How the tool starts the raw relay as a process of its own; not in the help.
    if invocation.args.contains("--relay") {
        return relay::run_as_child()
            .map_err(|error| Failure::new(Exit::Error, text::system(lang, &error)));
    }
    if invocation.wants_help(text::HELP) {
        return Ok(());
    }
    let options = Options::parse(invocation)?;
    let report = session::play(&options)?;
    let shown = if options.json { report.json() } else { report.table(lang) };
    // A closed stdout leaves nobody to tell.
    let _ = io::stdout().write_all(shown.as_bytes());
    match report.complaint(lang) {
        None => Ok(()),
        Some(complaint) => Err(Failure::new(Exit::Error, complaint)),
    }
}
