//! What the journals promise, asked from outside: entries in, outcomes and pages out.

mod agree;
mod failing;
mod pages;
mod promise;
pub(super) mod world;
