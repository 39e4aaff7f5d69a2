//! What the black-box tests share: the real binary on a free port, peers that speak to it in all
//! three framings, and the two Python clients.
//!
//! Nothing here sleeps in order to pass. To know that the server has done with something, a test
//! waits for an answer: frames on one connection are handled in order, and what a request causes
//! for others is on its way to them before its own answer is.

#![allow(dead_code, unused_imports, reason = "each test program uses its own part of this")]

pub(crate) mod evil;
pub(crate) mod peer;
pub(crate) mod python;
pub(crate) mod raw;
pub(crate) mod secure;
pub(crate) mod server;
pub(crate) mod transcript;
pub(crate) mod vitals;

use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) use self::{
    peer::{Framing, Heard, Peer},
    python::Python,
    server::Server,
};

/// How long anything may take before a test gives up. Generous: only a failure waits this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A field that must be there and be a string.
#[track_caller]
pub(crate) fn text<'a>(frame: &'a Value, field: &str) -> &'a str {
    frame[field].as_str().unwrap_or_else(|| panic!("{field:?} should be a string in {frame}"))
}

/// A field that must be there and be a whole number.
#[track_caller]
pub(crate) fn number(frame: &Value, field: &str) -> u64 {
    frame[field].as_u64().unwrap_or_else(|| panic!("{field:?} should be a whole number in {frame}"))
}

/// A field that must be there and be a list of strings.
#[track_caller]
pub(crate) fn texts<'a>(frame: &'a Value, field: &str) -> Vec<&'a str> {
    let list =
        frame[field].as_array().unwrap_or_else(|| panic!("{field:?} should be a list in {frame}"));
    list.iter().map(|item| item.as_str().expect("a list of strings")).collect()
}

/// The same in alphabetical order, for lists whose order is nobody's business.
#[track_caller]
pub(crate) fn sorted_texts<'a>(frame: &'a Value, field: &str) -> Vec<&'a str> {
    let mut list = texts(frame, field);
    list.sort_unstable();
    list
}

/// Asks again and again until the answer is yes: for what the server learns by itself and tells
/// nobody, such as the end of a connection.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never came true: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
