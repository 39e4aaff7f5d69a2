//! The slab of connections, and the tokens by which the system names them.

use mio::Token;
use mio::net::TcpStream;
use slab::Slab;

use super::connection::Connection;
use crate::chat::SessionId;

/// Bits of a token that hold a connection's slot; the others hold its generation.
const SLOT_BITS: u32 = 20;
const SLOT_MASK: usize = (1 << SLOT_BITS) - 1;

const _: () = assert!(crate::limits::CONNECTIONS_MAX < SLOT_MASK - 16);

/// What a readiness event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Another thread has something.
    Waker,
    /// Somebody wants to connect.
    Listener(usize),
    /// A connection can be read or written.
    Connection {
        /// Its slot.
        slot: usize,
        /// As much of its generation as a token holds.
        generation: usize,
    },
}

impl Source {
    /// What a token stands for.
    pub(super) fn of(token: Token) -> Self {
        let slot = token.0 & SLOT_MASK;
        match SLOT_MASK - slot {
            0 => Source::Waker,
            n @ 1..=15 => Source::Listener(n - 1),
            _ => Source::Connection { slot, generation: token.0 >> SLOT_BITS },
        }
    }

    /// The token that stands for it.
    pub(super) fn token(self) -> Token {
        match self {
            Source::Waker => Token(SLOT_MASK),
            Source::Listener(n) => Token(SLOT_MASK - 1 - n),
            Source::Connection { slot, generation } => Token(generation << SLOT_BITS | slot),
        }
    }
}

/// The source of a connection's events.
pub(super) fn source(id: SessionId) -> Source {
    Source::Connection { slot: id.index as usize, generation: shortened(id.generation) }
}

/// As much of a generation as fits a token on this machine.
fn shortened(generation: u32) -> usize {
    generation as usize & (usize::MAX >> SLOT_BITS)
}

/// All connections. One leaves at the end of a turn only, so that no event of the turn meets another.
#[derive(Debug)]
pub(super) struct Connections<S = TcpStream> {
    slab: Slab<Connection<S>>,
    generations: Vec<u32>,
}

impl<S> Default for Connections<S> {
    fn default() -> Self {
        Self { slab: Slab::new(), generations: Vec::new() }
    }
}

impl<S> Connections<S> {
    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    /// Puts a connection in, made with its own id.
    pub(super) fn insert(&mut self, make: impl FnOnce(SessionId) -> Connection<S>) -> SessionId {
        let entry = self.slab.vacant_entry();
        let slot = entry.key();
        if self.generations.len() <= slot {
            self.generations.resize(slot + 1, 0);
        }
        let id = SessionId {
            index: u32::try_from(slot).unwrap_or(u32::MAX),
            generation: self.generations[slot],
        };
        entry.insert(make(id));
        id
    }

    /// A connection, unless it is gone.
    pub(super) fn get_mut(&mut self, id: SessionId) -> Option<&mut Connection<S>> {
        self.slab.get_mut(id.index as usize).filter(|connection| connection.id == id)
    }

    /// The connection that an event is about, unless it is gone.
    pub(super) fn by_event(
        &mut self,
        slot: usize,
        generation: usize,
    ) -> Option<&mut Connection<S>> {
        self.slab.get_mut(slot).filter(|found| shortened(found.id.generation) == generation)
    }

    /// Takes a connection out; its slot has the next generation.
    pub(super) fn remove(&mut self, id: SessionId) -> Option<Connection<S>> {
        self.get_mut(id)?;
        let slot = id.index as usize;
        self.generations[slot] = self.generations[slot].wrapping_add(1);
        self.slab.try_remove(slot)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Connection<S>> {
        self.slab.iter_mut().map(|(_, connection)| connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_what_it_stands_for() {
        for source in [
            Source::Waker,
            Source::Listener(0),
            Source::Listener(14),
            Source::Connection { slot: 0, generation: 0 },
            Source::Connection { slot: 99_999, generation: 7 },
        ] {
            assert_eq!(Source::of(source.token()), source);
        }
    }
}
