//! papo: a self-hosted chat in one binary.
//!
//! The rooms, and who may use whom (an arrow is a `use`; `tests/architecture` keeps them true):
//!
//! - [`limits`]: every maximum there is. Uses nothing.
//! - [`wire`]: bytes, frames, requests, events, names. No I/O. Uses `limits`.
//! - [`folder`]: whole files under names that nothing else has. Uses `limits`.
//! - `sabotage`: mistakes that tests put in, to see that the simulation finds them. Uses nothing.
//! - [`secret`]: how passwords are hashed and made up. Uses nothing.
//! - [`text`]: every sentence that people read, in Portuguese and English. Uses `wire`.
//! - [`chat`]: the core, which decides who is who and who gets what. No sockets, clock, threads or
//!   files: what it wants done, it says as effects. Uses `wire`, `text`.
//! - [`journal`]: keeps what must survive, and numbers it. Uses `chat`'s entries, `wire`.
//! - [`server`]: the reactor around the core. Uses `chat`, `journal`, `wire`, `text`, `secret`.
//! - [`client`]: the terminal client. Uses `wire`, `text`.
//! - [`load`]: the load tool. Uses `wire`, `text`.
//! - [`demo`]: the original manual's "Teste Avançado", played for real. Uses `wire`, `text`, `cli`;
//!   its server is a process of its own.
//! - [`admin`]: what whoever runs a server does with its data. Uses `journal`, `chat`'s entries,
//!   `wire`, `text`, `cli`, `folder`, `secret`.
//! - [`cli`]: exit codes and what the subcommands share. Uses `text`.
//! - `fuzzing`: what must be true of whatever a stranger sends. Only in tests and in cargo-fuzz's builds.

pub mod admin;
pub mod chat;
pub mod cli;
pub mod client;
pub mod demo;
pub mod folder;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod journal;
pub mod limits;
pub mod load;
mod sabotage;
pub mod secret;
pub mod server;
pub mod text;
pub mod wire;
