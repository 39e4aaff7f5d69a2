//! PROTOCOL.md, sections 2 to 5, as a peer on the wire sees them: what is asked, what is answered,
//! what others are told, and what is refused with which code.

#[path = "../common/mod.rs"]
mod common;

mod away;
mod groups;
mod messages;
mod names;
mod presence;
mod requests;
mod session;
