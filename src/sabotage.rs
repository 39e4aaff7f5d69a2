//! Mistakes that can be put in on purpose, to see that the simulation finds them. A server has none of
//! them: outside tests every question is answered with no, at compile time.

#[cfg(test)]
use std::cell::Cell;

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// What is stored is not synced before it is answered.
    AnsweredBeforeSync,
    /// A request that comes again is done again.
    DoneTwice,
    /// Who comes back gets what comes after the message after the last one.
    CursorOffByOne,
    /// What came while the last page of a backlog was read is not sent after it.
    TailDropped,
    /// Who may write is asked when a message comes in, and not again when it is stored.
    JudgedTooEarly,
    /// Numbers follow the clock also when it goes back.
    NumbersFollowClock,
    /// An outbox takes what comes, however much waits in it, and who does not read may ask on.
    OutboxUnbounded,
}

#[cfg(test)]
thread_local! {
    static ON: Cell<Option<Sabotage>> = const { Cell::new(None) };
}

/// Whether this mistake is made, in this thread.
#[cfg(test)]
pub(crate) fn is(sabotage: Sabotage) -> bool {
    ON.get() == Some(sabotage)
}

/// No.
#[cfg(not(test))]
pub(crate) const fn is(_: Sabotage) -> bool {
    false
}

/// Makes a mistake from now on in this thread, or none any more.
#[cfg(test)]
pub(crate) fn make(sabotage: Option<Sabotage>) {
    ON.set(sabotage);
}

/// The mistake that this thread makes.
#[cfg(test)]
pub(crate) fn made() -> Option<Sabotage> {
    ON.get()
}
