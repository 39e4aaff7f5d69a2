//! Bytes to frames to messages, and back. No I/O, no clock: only what `PROTOCOL.md` says.
//!
//! [`frame`] cuts a byte stream into JSON objects, of which [`websocket`] and [`http`] know the ways
//! of the web; [`request`] and [`event`] say what the objects mean, [`name`] turns strings into names
//! that are safe to show and to put into a path.

mod answer;
mod bare;
mod buffer;
pub mod code;
pub mod event;
pub mod export;
mod fields;
pub mod fingerprint;
pub mod frame;
pub mod http;
mod incoming;
mod json;
pub mod local;
pub mod name;
pub mod request;
pub mod sniff;
mod string;
pub mod websocket;

pub use code::Code;
pub use string::Text;
