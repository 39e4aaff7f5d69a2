//! What waits for a user who is away, or who reads more slowly than it comes. Bounded, in order.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::limits::{INBOX_BYTES_MAX, INBOX_MESSAGES_MAX, INBOXES_BYTES_MAX};
use crate::wire::event::MsgId;

/// What an event costs beside its own bytes: its place in the queue and its allocation.
const OVERHEAD_BYTES: usize = 64;

/// One event that waits.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Its number; 0 for an event that has none.
    pub msg_id: MsgId,
    /// Its JSON. That of a group message is one buffer in many inboxes.
    pub json: Arc<Vec<u8>>,
    charge_bytes: usize,
}

impl Waiting {
    /// An event that waits in so many inboxes, each of which bears its share of the memory.
    pub fn new(msg_id: MsgId, json: Arc<Vec<u8>>, holders: usize) -> Self {
        let charge_bytes = json.len() / holders.max(1) + OVERHEAD_BYTES;
        Self { msg_id, json, charge_bytes }
    }
}

/// The events that wait for one user, oldest first.
#[derive(Debug, Default)]
pub struct Inbox {
    waiting: VecDeque<Waiting>,
    bytes: usize,
}

/// The bytes that wait for all users together.
#[derive(Debug, Default)]
pub struct Total {
    bytes: usize,
}

impl Inbox {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether an event of this many bytes still fits.
    pub fn has_room(&self, bytes: usize, total: &Total) -> bool {
        self.waiting.len() < INBOX_MESSAGES_MAX
            && self.bytes + bytes <= INBOX_BYTES_MAX
            && total.bytes + bytes + OVERHEAD_BYTES <= INBOXES_BYTES_MAX
    }

    /// Puts an event at the end. Returns whether there was room.
    #[must_use]
    pub fn push(&mut self, event: Waiting, total: &mut Total) -> bool {
        if !self.has_room(event.charge_bytes, total) {
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
        self.bytes += event.charge_bytes;
        total.bytes += event.charge_bytes;
    }

    fn subtract(&mut self, event: &Waiting, total: &mut Total) {
        self.bytes -= event.charge_bytes;
        total.bytes -= event.charge_bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(msg_id: MsgId, bytes: usize) -> Waiting {
        Waiting::new(msg_id, Arc::new(vec![b'x'; bytes]), 1)
    }

    #[test]
    fn what_was_taken_stays_and_the_books_balance() {
        let (mut inbox, mut total) = (Inbox::default(), Total::default());
        for msg_id in 1..=INBOX_MESSAGES_MAX as u64 {
            assert!(inbox.push(waiting(msg_id, 10), &mut total));
        }
        assert!(!inbox.push(waiting(0, 10), &mut total));
        inbox.forget_up_to(5_000, &mut total);
        assert!(inbox.push(waiting(0, 10), &mut total));
        assert_eq!(inbox.pop(&mut total).map(|event| event.msg_id), Some(5_001));
        inbox.put_back(vec![waiting(5_000, 10), waiting(5_001, 10)], &mut total);
        let order: Vec<_> =
            std::iter::from_fn(|| inbox.pop(&mut total)).map(|e| e.msg_id).collect();
        assert_eq!(order[..3], [5_000, 5_001, 5_002]);
        assert_eq!(order.last(), Some(&0));
        assert_eq!((inbox.bytes, total.bytes), (0, 0));
    }

    #[test]
    fn all_inboxes_together_are_bounded() {
        let mut total = Total::default();
        let mut inboxes: Vec<Inbox> = (0..8).map(|_| Inbox::default()).collect();
        for round in 0..20 {
            for inbox in &mut inboxes {
                let _ = inbox.push(waiting(round, 1024 * 1024), &mut total);
            }
        }
        assert!(total.bytes <= INBOXES_BYTES_MAX);
        assert!(inboxes.iter().all(|inbox| inbox.bytes <= INBOX_BYTES_MAX));
    }
}
