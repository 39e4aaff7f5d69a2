//! What is to happen at a time. An entry is not taken back: who set it looks, when it comes, whether
//! it still means anything.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::chat::SessionId;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The connection should have logged in.
    Login,
    /// The session is asked whether it is there.
    Heartbeat,
    /// The peer should have taken some bytes.
    Stall,
    /// The connection should have ended.
    Farewell,
    /// A paced peer may have its next frame.
    Pace,
}

/// Deadlines, soonest first, in milliseconds of the monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    heap: BinaryHeap<Reverse<(u64, SessionId, Due)>>,
}

impl Deadlines {
    /// Sets one.
    pub(super) fn set(&mut self, at_ms: u64, connection: SessionId, due: Due) {
        self.heap.push(Reverse((at_ms, connection, due)));
    }

    /// When the next one is.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse((at_ms, ..))| *at_ms)
    }

    /// Takes one out that is due.
    pub(super) fn pop(&mut self, now_ms: u64) -> Option<(SessionId, Due)> {
        if self.next_ms()? > now_ms {
            return None;
        }
        self.heap.pop().map(|Reverse((_, connection, due))| (connection, due))
    }
}
