//! How many come from one address, at a time and lately. It is small: one number for each address that
//! is here, and a few that all addresses share.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};

use crate::chat::{Buckets, Now, Rate};
use crate::limits::{Limits, NEW_CONNECTIONS_WINDOW_MS};

/// Who is here and who was, by address.
#[derive(Debug, Default)]
pub(super) struct Door {
    /// Keyed, so that nobody can choose addresses that look the same.
    hash: RandomState,
    here: HashMap<u64, usize>,
    lately: Buckets,
}

impl Door {
    /// An address as it is counted, unless it is not. Whoever has one IPv6 address has the 2^64 of
    /// its /64, too.
    pub(super) fn address(&self, peer: &SocketAddr, limits: &Limits) -> Option<u64> {
        let ip = peer.ip().to_canonical();
        if ip.is_loopback() && !limits.limit_loopback {
            return None;
        }
        Some(match ip {
            IpAddr::V4(ip) => self.hash.hash_one(ip.octets()),
            IpAddr::V6(ip) => self.hash.hash_one(&ip.octets()[..8]),
        })
    }

    /// Whether one more may come in from there. If so it counts among those that came lately.
    pub(super) fn admit(&mut self, address: Option<u64>, limits: &Limits, now: Now) -> bool {
        let Some(address) = address else { return true };
        let here = self.here.get(&address).copied().unwrap_or(0);
        let rate = Rate::windowed(limits.new_connections_max, NEW_CONNECTIONS_WINDOW_MS);
        here < limits.connections_per_address_max
            && self.lately.of(&address).take(1, rate, now.mono_ms)
    }

    /// One has come in.
    pub(super) fn enters(&mut self, address: Option<u64>) {
        if let Some(address) = address {
            *self.here.entry(address).or_default() += 1;
        }
    }

    /// One of those has gone.
    pub(super) fn leaves(&mut self, address: Option<u64>) {
        let Some(address) = address else { return };
        if let Some(here) = self.here.get_mut(&address) {
            *here -= 1;
            if *here == 0 {
                self.here.remove(&address);
            }
        }
        // After a storm from everywhere little of it is left.
        if self.here.len() < self.here.capacity() / 8 {
            self.here.shrink_to(self.here.len() * 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), 40_000)
    }

    #[test]
    fn so_many_at_a_time_and_so_many_lately() {
        let limits =
            Limits { connections_per_address_max: 2, new_connections_max: 3, ..Limits::default() };
        let mut door = Door::default();
        let one = door.address(&at("192.0.2.1"), &limits);
        let other = door.address(&at("192.0.2.2"), &limits);
        let now = |mono_ms| Now { mono_ms, ..Now::default() };
        for _ in 0..2 {
            assert!(door.admit(one, &limits, now(5)));
            door.enters(one);
        }
        assert!(!door.admit(one, &limits, now(5)));
        assert!(door.admit(other, &limits, now(5)));
        door.leaves(one);
        assert!(door.admit(one, &limits, now(5)));
        // There would be room, but three came within ten minutes.
        assert!(!door.admit(one, &limits, now(199_000)));
        assert!(door.admit(one, &limits, now(200_005)));
        door.leaves(one);
        assert_eq!(door.here.len(), 0);
    }

    #[test]
    fn who_is_on_this_machine_is_not_counted_unless_that_is_asked_for() {
        let limits = Limits::default();
        let door = Door::default();
        for here in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(door.address(&at(here), &limits), None, "{here}");
            let limits = Limits { limit_loopback: true, ..limits };
            assert!(door.address(&at(here), &limits).is_some(), "{here}");
        }
    }

    #[test]
    fn an_ipv6_address_stands_for_its_network() {
        let (limits, door) = (Limits::default(), Door::default());
        let address = |peer| door.address(&at(peer), &limits);
        assert_eq!(address("2001:db8:1:2::1"), address("2001:db8:1:2:ffff:1:2:3"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
    }

    #[test]
    fn memory_goes_with_those_who_go() {
        let mut door = Door::default();
        for address in 0..10_000 {
            door.enters(Some(address));
        }
        for address in 0..10_000 {
            door.leaves(Some(address));
        }
        assert!(door.here.is_empty() && door.here.capacity() < 32);
    }
}
