//! Passwords that are held up: so many were tried for one name or from one address that the next ones
//! are not looked at yet. They are here until then, few, and of one address fewer.

use std::collections::{BTreeMap, VecDeque};

use crate::chat::Check;
use crate::chat::query::Ticket;
use crate::limits::{HELD_TRIES_PER_ADDRESS_DIVISOR, Limits};

/// Those that are held up.
#[derive(Debug, Default)]
pub(super) struct Holding {
    /// By when they may be looked at, then in the order in which they came.
    waiting: BTreeMap<(u64, u64), Check>,
    came: u64,
    /// Those that will not be looked at: there was no room, or nobody waits for them.
    given_up: VecDeque<Ticket>,
}

impl Holding {
    /// Holds one up, if there is room.
    pub(super) fn put(
        &mut self,
        check: Check,
        limits: &Limits,
        is_awaited: impl Fn(Ticket) -> bool,
    ) {
        let (until_ms, from) = check.held_up();
        if !self.has_room(from, limits) {
            let given_up = &mut self.given_up;
            self.waiting.retain(|_, held| {
                let awaited = is_awaited(held.ticket());
                if !awaited {
                    given_up.push_back(held.ticket());
                }
                awaited
            });
        }
        if !self.has_room(from, limits) {
            return self.given_up.push_back(check.ticket());
        }
        self.came += 1;
        self.waiting.insert((until_ms, self.came), check);
    }

    fn has_room(&self, from: Option<u64>, limits: &Limits) -> bool {
        let of_one = (limits.hash_queue_max / HELD_TRIES_PER_ADDRESS_DIVISOR).max(1);
        let same = self.waiting.values().filter(|held| held.held_up().1 == from).count();
        self.waiting.len() < limits.hash_queue_max && same < of_one
    }

    /// One that may be looked at by now.
    pub(super) fn due(&mut self, now_ms: u64) -> Option<Check> {
        let first = self.waiting.first_entry()?;
        (first.key().0 <= now_ms).then(|| first.remove())
    }

    /// When the next one may be.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.waiting.first_key_value().map(|((until_ms, _), _)| *until_ms)
    }

    /// One that is due is not looked at after all: nobody waits for it.
    pub(super) fn give_up(&mut self, ticket: Ticket) {
        self.given_up.push_back(ticket);
    }

    /// One whose connection is to be told that it was not looked at.
    pub(super) fn next_given_up(&mut self) -> Option<Ticket> {
        self.given_up.pop_front()
    }

    /// Whether there is one.
    pub(super) fn has_given_up(&self) -> bool {
        !self.given_up.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(ticket: usize, until_ms: u64, from: u64) -> Check {
        let (password, against) = (String::new(), None);
        let (ticket, from) = (Ticket(ticket), Some(from));
        Check::Password { ticket, password, against, not_before_ms: until_ms, from }
    }

    #[test]
    fn they_come_out_when_it_is_time() {
        let (mut holding, limits) = (Holding::default(), Limits::default());
        for (ticket, until_ms) in [(1, 30), (2, 20), (3, 30)] {
            holding.put(held(ticket, until_ms, 7), &limits, |_| true);
        }
        assert_eq!(holding.next_ms(), Some(20));
        let mut due = |now_ms| holding.due(now_ms).map(|check| check.ticket().0);
        assert_eq!([due(19), due(20), due(20)], [None, Some(2), None]);
        assert_eq!([due(30), due(30), due(30)], [Some(1), Some(3), None]);
    }

    #[test]
    fn one_address_does_not_take_all_the_room() {
        let (mut holding, limits) = (Holding::default(), Limits::default());
        for ticket in 0..10 {
            holding.put(held(ticket, 20, 7), &limits, |_| true);
        }
        let given_up: Vec<usize> =
            std::iter::from_fn(|| holding.next_given_up()).map(|ticket| ticket.0).collect();
        assert_eq!(given_up, [4, 5, 6, 7, 8, 9]);
        holding.put(held(20, 20, 8), &limits, |_| true);
        assert!(!holding.has_given_up());
    }

    #[test]
    fn those_for_whom_nobody_waits_make_room() {
        let limits = Limits { hash_queue_max: 2, ..Limits::default() };
        let mut holding = Holding::default();
        for ticket in 0..3 {
            holding.put(held(ticket, 20, ticket as u64), &limits, |ticket| ticket.0 != 1);
        }
        assert_eq!(holding.next_given_up(), Some(Ticket(1)));
        assert!(!holding.has_given_up());
        assert_eq!(holding.waiting.len(), 2);
    }
}
