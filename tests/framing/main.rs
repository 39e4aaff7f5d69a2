//! PROTOCOL.md, section 1: bytes on the wire, in whatever pieces and of whatever kind.
//!
//! After each hostile story two others still chat: nobody can disturb anybody else.

#[path = "../common/mod.rs"]
mod common;

mod cuts;
mod ends;
mod errors;
