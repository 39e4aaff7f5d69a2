//! What a server does with too much: each limit of `papo server --help` once, made small by its option,
//! with its refusal. What counts by time or address is counted here, too: `--limit-loopback`.

#[path = "../common/mod.rs"]
mod common;

mod connections;
mod frames;
mod logins;
mod memory;
mod options;
mod rates;

use common::server::papo;
use common::{Server, raw};

/// A server with these options, to which this machine is like any other.
#[track_caller]
fn limited(options: &[&str]) -> Server {
    Server::start_with(papo(), &[&["--limit-loopback"], options].concat())
}

/// A server with these options.
#[track_caller]
fn with(options: &[&str]) -> Server {
    Server::start_with(papo(), options)
}

/// A number that the server tells about itself.
#[track_caller]
fn metric(server: &Server, name: &str) -> u64 {
    let page = raw::get(server, "/metrics", "");
    let line = page.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} in {}", page.text())).parse().expect("a whole number")
}
