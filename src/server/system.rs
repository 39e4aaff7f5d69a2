//! The ground on which the server really stands: sockets of the system, and threads.

use std::io;
use std::path::Path;
use std::sync::Arc;

use mio::net::TcpStream;
use mio::{Interest, Registry, Waker};

use super::clock::Clock;
use super::connections::source;
use super::secrets::Secrets;
use super::shell::Ground;
use super::worker::{Disk, Done, Worker};
use crate::chat::query::Ticket;
use crate::chat::{Check, Checked, FileJob, Save, SessionId};
use crate::text::Lang;

/// The system.
#[derive(Debug)]
pub(super) struct System {
    registry: Registry,
    pub(super) clock: Clock,
    worker: Worker,
    secrets: Secrets,
}

impl System {
    /// Starts the threads, which keep files below `data` and wake the loop that has the registry.
    pub(super) fn start(
        registry: &Registry,
        waker: &Arc<Waker>,
        (data, disk): (&Path, Disk),
        hash_queue_max: usize,
        lang: Lang,
    ) -> io::Result<Self> {
        Ok(Self {
            registry: registry.try_clone()?,
            clock: Clock::new(),
            worker: Worker::start(data, disk, lang, waker)?,
            secrets: Secrets::start(hash_queue_max, Arc::clone(waker))?,
        })
    }
}

impl Ground for System {
    type Socket = TcpStream;

    fn watch(&mut self, id: SessionId, socket: &mut TcpStream) -> io::Result<()> {
        // Once, for as long as it lives: readiness is kept in bits, never asked for again.
        let both = Interest::READABLE | Interest::WRITABLE;
        self.registry.register(socket, source(id).token(), both)
    }

    fn forget(&mut self, socket: &mut TcpStream) {
        // Dropping the socket closes it, whatever the poll says.
        let _ = self.registry.deregister(socket);
    }

    fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    fn check(&mut self, check: Check) {
        self.secrets.check(check);
    }

    fn next_checked(&mut self) -> Option<(Ticket, Checked)> {
        self.secrets.next_checked()
    }

    fn checks_waiting(&self) -> usize {
        self.secrets.waiting()
    }

    fn save(&mut self, save: Save) {
        self.worker.save(save);
    }

    fn discard(&mut self, saved_as: String) {
        self.worker.discard(saved_as);
    }

    fn file(&mut self, job: FileJob) {
        self.worker.file(job);
    }

    fn next_done(&mut self) -> Option<Done> {
        self.worker.next_done()
    }
}
