//! What waits for a user who is away, or who reads more slowly than it comes. Bounded, in order.

use std::collections::VecDeque;
use std::sync::Arc;

use super::held::{Gauge, Held};
use crate::limits::{HELD_BYTES_MAX, INBOX_BYTES_MAX, INBOX_MESSAGES_MAX};
use crate::wire::event::MsgId;

/// What an event costs in each inbox beside its own bytes, which are counted where they are held.
const OVERHEAD_BYTES: usize = 32;

/// One event that waits.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Its number; 0 for an event that has none.
    pub msg_id: MsgId,
    /// Its JSON. That of a group message is one buffer in many inboxes.
    pub json: Arc<Held>,
}

/// The events that wait for one user, oldest first.
#[derive(Debug, Default)]
pub struct Inbox {
    waiting: VecDeque<Waiting>,
    bytes: usize,
}

/// What waits for all users together: the places in the queues. The events' own bytes are counted
/// by the gauge, once each.
#[derive(Debug, Default)]
pub struct Total {
    events: usize,
}

impl Inbox {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether an event of this many bytes still fits, beside all that is held already.
    pub fn has_room(&self, bytes: usize, total: &Total, gauge: &Gauge) -> bool {
        self.waiting.len() < INBOX_MESSAGES_MAX
            && self.bytes + bytes <= INBOX_BYTES_MAX
            && gauge.bytes() + total.events * OVERHEAD_BYTES + bytes <= HELD_BYTES_MAX
    }

    /// Puts an event at the end. Returns whether there was room.
    #[must_use]
    pub fn push(&mut self, event: Waiting, total: &mut Total, gauge: &Gauge) -> bool {
        // Its bytes are held, and so counted, already.
        let fits = self.bytes + event.json.len() <= INBOX_BYTES_MAX;
        if !fits || !self.has_room(0, total, gauge) {
            return false;
        }
        self.add(&event, total);
        self.waiting.push_back(event);
        true
    }

    /// Puts events back at the front that were taken out and did not arrive, in their order. They are
    /// accepted already, so there is always room.
    pub fn put_back(&mut self, events: Vec<Waiting>, total: &mut Total) {
        for event in events.into_iter().rev() {
            self.add(&event, total);
            self.waiting.push_front(event);
        }
    }

    /// Takes the oldest out.
    pub fn pop(&mut self, total: &mut Total) -> Option<Waiting> {
        let event = self.waiting.pop_front()?;
        self.subtract(&event, total);
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
        Some(event)
    }

    /// Drops what a client says that it has.
    pub fn forget_up_to(&mut self, msg_id: MsgId, total: &mut Total) {
        for event in std::mem::take(&mut self.waiting) {
            if event.msg_id != 0 && event.msg_id <= msg_id {
                self.subtract(&event, total);
            } else {
                self.waiting.push_back(event);
            }
        }
    }

    fn add(&mut self, event: &Waiting, total: &mut Total) {
        self.bytes += event.json.len();
        total.events += 1;
    }

    fn subtract(&mut self, event: &Waiting, total: &mut Total) {
        self.bytes -= event.json.len();
        total.events -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(msg_id: MsgId, bytes: usize, gauge: &Gauge) -> Waiting {
        Waiting { msg_id, json: Held::new(vec![b'x'; bytes], gauge) }
    }

    #[test]
    fn what_was_taken_stays_and_the_books_balance() {
        let (mut inbox, mut total, gauge) = <(Inbox, Total, Gauge)>::default();
        for msg_id in 1..=INBOX_MESSAGES_MAX as u64 {
            assert!(inbox.push(waiting(msg_id, 10, &gauge), &mut total, &gauge));
        }
        assert!(!inbox.push(waiting(0, 10, &gauge), &mut total, &gauge));
        inbox.forget_up_to(5_000, &mut total);
        assert!(inbox.push(waiting(0, 10, &gauge), &mut total, &gauge));
        assert_eq!(inbox.pop(&mut total).map(|event| event.msg_id), Some(5_001));
        let back = vec![waiting(5_000, 10, &gauge), waiting(5_001, 10, &gauge)];
        inbox.put_back(back, &mut total);
        let order: Vec<_> =
            std::iter::from_fn(|| inbox.pop(&mut total)).map(|e| e.msg_id).collect();
        assert_eq!(order[..3], [5_000, 5_001, 5_002]);
        assert_eq!(order.last(), Some(&0));
        assert_eq!((inbox.bytes, total.events, gauge.bytes()), (0, 0, 0));
    }

    #[test]
    fn all_inboxes_together_are_bounded_and_a_shared_event_counts_once() {
        let (mut total, gauge) = <(Total, Gauge)>::default();
        let mut inboxes: Vec<Inbox> = (0..100).map(|_| Inbox::default()).collect();
        let shared = waiting(1, 16 * 1024 * 1024, &gauge);
        for inbox in &mut inboxes {
            assert!(inbox.push(shared.clone(), &mut total, &gauge));
        }
        for round in 0..40 {
            for inbox in &mut inboxes {
                let _ = inbox.push(waiting(round, 256 * 1024, &gauge), &mut total, &gauge);
            }
        }
        drop(shared);
        assert!(gauge.bytes() <= HELD_BYTES_MAX + 1024 * 1024);
        assert!(inboxes.iter().all(|inbox| inbox.bytes <= INBOX_BYTES_MAX));
        assert!(!inboxes[0].has_room(1024 * 1024, &total, &gauge));
    }
}
