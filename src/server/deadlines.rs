//! What is to happen at a time: at most one time for each connection and kind, so that what waits
//! here is bounded by the connections that are there.

use std::collections::BTreeSet;

use crate::chat::SessionId;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The connection should have logged in, or have sent its next HTTP request.
    Login,
    /// The session is asked whether it is there.
    Heartbeat,
    /// The peer should have taken some bytes.
    Stall,
    /// The connection should have ended.
    Farewell,
    /// A paced peer may have its next frame.
    Pace,
    /// A TLS handshake should be finished.
    Handshake,
    /// A frame that has begun should be whole.
    Frame,
}

impl Due {
    const ALL: [Due; 7] = [
        Due::Login,
        Due::Heartbeat,
        Due::Stall,
        Due::Farewell,
        Due::Pace,
        Due::Handshake,
        Due::Frame,
    ];
}

/// The times of one connection, in milliseconds of the monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Times([Option<u64>; Due::ALL.len()]);

impl Times {
    /// Whether a time of this kind is set.
    pub(super) fn is_set(&self, due: Due) -> bool {
        self.0[due as usize].is_some()
    }
}

/// All of them, soonest first.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    queue: BTreeSet<(u64, SessionId, Due)>,
}

impl Deadlines {
    /// Sets a time, in the place of the one before.
    pub(super) fn set(&mut self, times: &mut Times, connection: SessionId, due: Due, at_ms: u64) {
        if let Some(before) = times.0[due as usize].replace(at_ms) {
            self.queue.remove(&(before, connection, due));
        }
        self.queue.insert((at_ms, connection, due));
    }

    /// Takes a time back, if it was set.
    pub(super) fn clear(&mut self, times: &mut Times, connection: SessionId, due: Due) {
        if let Some(before) = times.0[due as usize].take() {
            self.queue.remove(&(before, connection, due));
        }
    }

    /// Takes all times of a connection back.
    pub(super) fn clear_all(&mut self, times: &mut Times, connection: SessionId) {
        for due in Due::ALL {
            self.clear(times, connection, due);
        }
    }

    /// When the next one is.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.queue.first().map(|(at_ms, ..)| *at_ms)
    }

    /// The next one that is due. Its connection clears or sets it anew.
    pub(super) fn due(&self, now_ms: u64) -> Option<(SessionId, Due)> {
        let (at_ms, connection, due) = *self.queue.first()?;
        (at_ms <= now_ms).then_some((connection, due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_has_one_time_of_each_kind() {
        let id = SessionId { index: 1, generation: 0 };
        let (mut deadlines, mut times) = (Deadlines::default(), Times::default());
        deadlines.set(&mut times, id, Due::Stall, 30);
        deadlines.set(&mut times, id, Due::Pace, 20);
        deadlines.set(&mut times, id, Due::Stall, 10);
        assert_eq!(deadlines.next_ms(), Some(10));
        assert_eq!(deadlines.due(9), None);
        assert_eq!(deadlines.due(10), Some((id, Due::Stall)));
        deadlines.clear(&mut times, id, Due::Stall);
        assert_eq!(deadlines.due(100), Some((id, Due::Pace)));
        deadlines.clear_all(&mut times, id);
        assert_eq!(deadlines.next_ms(), None);
    }
}
