//! What must be true of whatever a stranger sends: one check for each thing that reads strangers'
//! bytes. Each takes any bytes at all, and panics if papo does what it may not do with them.
//!
//! The checks run in two worlds: `cargo test` feeds them with made-up inputs and with the files in
//! `fuzz/corpus/`, and cargo-fuzz (`scripts/fuzz`) with what it breeds. No other build has them.

mod framing;
mod http;
mod input;
mod names;
mod request;
mod sanitizer;
mod store;
#[cfg(test)]
mod tests;
mod websocket;

pub use framing::{bare, length, line};
pub use http::http_head;
pub use names::{file_names, names};
pub use request::request;
pub use sanitizer::sanitizer;
pub use store::store;
pub use websocket::websocket;
