//! How the server ends: nothing more is read, what was taken in is stored and answered, then everybody
//! is told to go and when to come back.

use super::connection::{Speech, State};
use super::deadlines::Due;
use super::shell::{Ground, Shell};
use crate::chat::SessionId;
use crate::limits::{
    RETRY_MS_MIN, RETRY_MS_PER_CONNECTION, RETRY_SPREAD_MS_MAX, RETRY_SPREAD_MS_MIN,
    SHUTDOWN_ANSWERS_MS_MAX, SHUTDOWN_MS_MAX, SHUTDOWN_STALL_MS_MAX,
};
use crate::text::server::{self as text, Happened};
use crate::wire::websocket::CloseCode;

/// The end of a server, once it has begun.
#[derive(Debug)]
pub(super) struct Stopping {
    /// When it is over at the latest.
    until_ms: u64,
    /// When everybody is told, whatever is still on its way.
    tell_ms: u64,
    /// Who was not told yet, and after how long each should come back.
    untold: Vec<(SessionId, u64)>,
}

impl Stopping {
    /// When something happens because time has passed.
    pub(super) fn next_ms(&self) -> u64 {
        if self.untold.is_empty() { self.until_ms } else { self.tell_ms }
    }
}

impl<G: Ground> Shell<G> {
    /// Whether it was told to end.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// Whether it has ended: everybody is gone, or has had the time to go.
    pub(super) fn has_ended(&self) -> bool {
        self.stopping.as_ref().is_some_and(|stopping| {
            self.connections.len() == 0 || self.now.mono_ms >= stopping.until_ms
        })
    }

    /// Begins to end. Nobody is read from now on.
    pub(super) fn stop(&mut self) {
        log::info!("{}", text::log_line(self.lang, Happened::Stopping));
        let now_ms = self.now.mono_ms;
        let all: Vec<SessionId> = self.connections.iter_mut().map(|c| c.id).collect();
        let spread = Spread::of(all.len());
        let mut untold = Vec::with_capacity(all.len());
        for (place, id) in all.into_iter().enumerate() {
            let Some(connection) = self.connections.get_mut(id) else { continue };
            if connection.state == State::Greeting && connection.speech == Speech::Unknown {
                // Nobody knows in what words to tell it.
                self.doom(id);
                continue;
            }
            if connection.is_open() {
                untold.push((id, spread.retry_ms(place)));
            }
            if connection.outbox.len_bytes() > 0 {
                connection.watched_sent = connection.transport.sent();
                self.set_due(id, Due::Stall, SHUTDOWN_STALL_MS_MAX);
            }
        }
        self.stopping = Some(Stopping {
            until_ms: now_ms + SHUTDOWN_MS_MAX,
            tell_ms: now_ms + SHUTDOWN_ANSWERS_MS_MAX,
            untold,
        });
        self.tell_untold();
    }

    /// Tells those why they have to go whose requests are all answered, once all that was taken in is
    /// stored and delivered: it is the last that they hear.
    pub(super) fn tell_untold(&mut self) {
        let Some(stopping) = &mut self.stopping else { return };
        let is_late = self.now.mono_ms >= stopping.tell_ms;
        let is_stored = self.fx.batch.is_empty() && self.journal.in_flight().0 == 0;
        if stopping.untold.is_empty() || !is_stored && !is_late {
            return;
        }
        let mut untold = std::mem::take(&mut stopping.untold);
        untold.retain(|&(id, retry_ms)| {
            let waits = self.chat.is_awaiting_answers(id) && !is_late;
            if !waits {
                self.tell_to_go(id, retry_ms);
            }
            waits
        });
        if let Some(stopping) = &mut self.stopping {
            stopping.untold = untold;
        }
    }

    /// Time without any byte taken by a peer, after which it is not waited for.
    pub(super) fn stall_ms(&self) -> u64 {
        if self.is_stopping() {
            self.limits.write_stall_ms_max.min(SHUTDOWN_STALL_MS_MAX)
        } else {
            self.limits.write_stall_ms_max
        }
    }

    fn tell_to_go(&mut self, id: SessionId, retry_ms: u64) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        if !connection.is_open() {
            return;
        }
        if connection.speech == Speech::Http {
            // Who has not asked is not answered.
            return if connection.has_half_read() {
                self.refuse_stopping(id, retry_ms);
            } else {
                self.begin_closing(id);
            };
        }
        self.chat.shut_down(id, retry_ms, &mut self.fx);
        self.carry_out();
        self.part(id, Some(CloseCode::GOING_AWAY));
    }
}

/// When those come back who are told to go: evenly one after the other, for a crowd that comes at once
/// waits longer, and so do all others.
#[derive(Clone, Copy, Debug)]
struct Spread {
    connections: u64,
    over_ms: u64,
}

impl Spread {
    fn of(connections: usize) -> Self {
        let connections = connections as u64;
        let over_ms = connections * RETRY_MS_PER_CONNECTION;
        let over_ms = over_ms.clamp(RETRY_SPREAD_MS_MIN, RETRY_SPREAD_MS_MAX);
        Self { connections: connections.max(1), over_ms }
    }

    fn retry_ms(self, place: usize) -> u64 {
        RETRY_MS_MIN + self.over_ms * place as u64 / self.connections
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_comes_back_one_after_the_other() {
        for connections in [1, 2, 500, 2_000, 9_000, 100_000] {
            let spread = Spread::of(connections);
            let times: Vec<u64> = (0..connections).map(|place| spread.retry_ms(place)).collect();
            assert!(times.is_sorted());
            assert_eq!(times[0], RETRY_MS_MIN);
            let last = RETRY_MS_MIN + spread.over_ms;
            assert!(times[connections - 1] < last);
            // In no tenth of the time do many more come than a tenth.
            let width = spread.over_ms / 10;
            for tenth in 0..10 {
                let from = RETRY_MS_MIN + tenth * width;
                let come = times.iter().filter(|at| (from..from + width).contains(*at)).count();
                assert!(come <= connections.div_ceil(10) + 1, "{connections}: {come}");
            }
        }
    }

    #[test]
    fn the_time_grows_with_the_crowd_within_bounds() {
        assert_eq!(Spread::of(0).over_ms, RETRY_SPREAD_MS_MIN);
        assert_eq!(Spread::of(10).over_ms, RETRY_SPREAD_MS_MIN);
        assert_eq!(Spread::of(5_000).over_ms, 15_000);
        assert_eq!(Spread::of(100_000).over_ms, RETRY_SPREAD_MS_MAX);
    }
}
