//! PROTOCOL.md, section 7: HTTP and WebSocket on the chat's port, well-behaved and not, and a
//! WebSocket client that others wrote.

#[path = "../common/mod.rs"]
mod common;

mod foreign;
mod metrics;
mod pages;
mod sockets;
