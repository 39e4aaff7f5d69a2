//! The turn of the loop: a table of contents. Each step is a call; what a step does stands in its
//! own file.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::{Events, Interest, Poll, Waker};

use super::connections::Source;
use super::listener::Listeners;
use super::shell::{Ground, Ready, Shell};
use super::system::System;
use crate::chat::Chat;
use crate::journal::Journal;
use crate::limits::{CONNECTIONS_MAX, DESCRIPTORS_RESERVED, Limits};
use crate::text::Lang;

/// Readiness events taken in one turn.
const EVENTS_PER_TURN: usize = 1_024;

/// The server: one thread, which never waits for anything but the poll.
#[derive(Debug)]
pub(super) struct Reactor {
    poll: Poll,
    events: Events,
    pub(super) shell: Shell<System>,
    pub(super) listeners: Option<Listeners>,
    /// Which listeners may have somebody waiting.
    pub(super) arriving: Vec<bool>,
    /// No descriptors are left: the time to try again.
    pub(super) accept_again_ms: Option<u64>,
    pub(super) connections_max: usize,
    pub(super) told_full: bool,
    pub(super) told_exhausted: bool,
    stop: Arc<AtomicBool>,
}

/// The way to stop a reactor from another thread.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    flag: Arc<AtomicBool>,
    waker: Arc<Waker>,
}

impl Stop {
    /// Asks the reactor to stop. Returns whether it had been asked before.
    pub(super) fn stop(&self) -> bool {
        let before = self.flag.swap(true, Ordering::SeqCst);
        // A loop that is gone cannot be woken, and need not be.
        let _ = self.waker.wake();
        before
    }
}

impl Reactor {
    /// Listens, and is ready to turn.
    pub(super) fn new(
        (poll, waker): (Poll, Arc<Waker>),
        mut listeners: Listeners,
        known: (Journal, Chat),
        mut system: System,
        lang: Lang,
    ) -> io::Result<(Self, Stop)> {
        for (number, socket) in listeners.sockets_mut().iter_mut().enumerate() {
            let token = Source::Listener(number).token();
            poll.registry().register(socket, token, Interest::READABLE)?;
        }
        let stop = Stop { flag: Arc::default(), waker };
        let now = system.clock.now();
        let reactor = Self {
            poll,
            events: Events::with_capacity(EVENTS_PER_TURN),
            shell: Shell::new(system, known, now, lang),
            arriving: vec![true; listeners.sockets_mut().len()],
            listeners: Some(listeners),
            accept_again_ms: None,
            connections_max: connections_max(),
            told_full: false,
            told_exhausted: false,
            stop: Arc::clone(&stop.flag),
        };
        Ok((reactor, stop))
    }

    /// What the operator allows. Those without a login never take more than half of the room that
    /// there is: full is a server of people who talk.
    pub(super) fn set_limits(&mut self, limits: Limits) {
        let unauthenticated_max = limits.unauthenticated_max.min(self.connections_max / 2);
        self.shell.set_limits(Limits { unauthenticated_max, ..limits });
    }

    /// Turns until it is told to stop and everybody has been told, or until the store fails: then
    /// it returns what happened, and nobody is told anything more.
    pub(super) fn run(mut self) -> io::Result<Option<String>> {
        while self.turn()? {
            if let Some(failure) = self.shell.journal.failure() {
                return Ok(Some(failure));
            }
        }
        self.shell.close();
        Ok(None)
    }

    /// One turn. Returns whether there is to be another.
    fn turn(&mut self) -> io::Result<bool> {
        self.poll()?;
        let began_ns = self.shell.ground.now_ns();
        self.note_readiness();
        self.shell.turn();
        self.accept();
        let took_ns = self.shell.ground.now_ns() - began_ns;
        self.shell.metrics.turns.note(took_ns);
        Ok(self.goes_on())
    }

    fn poll(&mut self) -> io::Result<()> {
        let mut timeout =
            if self.has_work() { Some(Duration::ZERO) } else { self.until_next_deadline() };
        while let Err(error) = self.poll.poll(&mut self.events, timeout) {
            if error.kind() != ErrorKind::Interrupted {
                return Err(error);
            }
            // The process may have stood still for a minute. What has come in meanwhile is seen
            // before anybody is found to be late.
            timeout = Some(Duration::ZERO);
        }
        self.shell.now = self.shell.ground.clock.now();
        Ok(())
    }

    /// What no readiness event announces; a crowd at the door, too.
    fn has_work(&self) -> bool {
        let accepting = self.accept_again_ms.is_none() && self.listeners.is_some();
        self.shell.has_work() || accepting && self.arriving.contains(&true)
    }

    fn until_next_deadline(&self) -> Option<Duration> {
        let deadlines = [self.shell.next_deadline_ms(), self.accept_again_ms];
        let next = deadlines.into_iter().flatten().min()?;
        // The clock of milliseconds is up to one behind; a turn too early would spin.
        Some(Duration::from_millis(next.saturating_sub(self.shell.now.mono_ms) + 1))
    }

    /// Sets bits and queues; no I/O.
    fn note_readiness(&mut self) {
        for event in &self.events {
            match Source::of(event.token()) {
                Source::Waker => {}
                Source::Listener(number) => {
                    if let Some(arriving) = self.arriving.get_mut(number) {
                        *arriving = true;
                    }
                }
                Source::Connection { slot, generation } => {
                    let ready = Ready {
                        readable: event.is_readable(),
                        writable: event.is_writable(),
                        ending: event.is_read_closed() || event.is_error(),
                    };
                    self.shell.note_ready((slot, generation), ready);
                }
            }
        }
    }

    fn goes_on(&mut self) -> bool {
        if !self.shell.is_stopping() && self.stop.load(Ordering::SeqCst) {
            // Nobody new comes in.
            self.listeners = None;
            self.shell.stop();
        }
        !self.shell.has_ended()
    }
}

/// How many connections the descriptor limit allows, raised as far as the system lets us.
fn connections_max() -> usize {
    let wanted = (CONNECTIONS_MAX + DESCRIPTORS_RESERVED) as u64;
    let descriptors = rlimit::increase_nofile_limit(wanted).unwrap_or(1_024);
    let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
    let connections = descriptors.saturating_sub(DESCRIPTORS_RESERVED).clamp(16, CONNECTIONS_MAX);
    #[cfg(target_os = "linux")]
    make_room_for(connections + DESCRIPTORS_RESERVED);
    connections
}

/// Has the kernel's table of descriptors grow now, by taking the last one for a moment. Otherwise it
/// doubles when an `accept` finds it full, and in a process with threads that `accept` waits until no
/// other processor can be in the old table (`synchronize_rcu` in the kernel's `fs/file.c`): measured,
/// 15 to 77 ms each time.
#[cfg(target_os = "linux")]
fn make_room_for(descriptors: usize) {
    let Ok(last) = i32::try_from(descriptors - 1) else { return };
    // Where it cannot grow, a crowd waits as it always did.
    let _ = rustix::io::fcntl_dupfd_cloexec(io::stderr(), last);
}
