//! What the journals promise, asked from outside: entries in, outcomes and pages out.

mod agree;
mod crashes;
mod failing;
mod pages;
mod promise;
mod run;
pub(super) mod world;
