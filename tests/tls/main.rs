//! TLS on the same port as everything else: the server with rustls' and Python's client, and the
//! client that people start.

#[path = "../common/mod.rs"]
mod common;

mod client;
mod server;
