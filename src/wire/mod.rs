//! Bytes to frames to messages, and back. No I/O, no clock: only what `PROTOCOL.md` says.
//!
//! [`frame`] cuts a byte stream into JSON objects, [`request`] and [`event`] say what the objects
//! mean, [`name`] turns strings into names that are safe to show and to put into a path.

mod answer;
pub mod code;
pub mod event;
pub mod export;
mod fields;
pub mod fingerprint;
pub mod frame;
mod incoming;
mod json;
pub mod local;
pub mod name;
pub mod request;
pub mod sniff;
mod string;

pub use code::Code;
pub use string::Text;
