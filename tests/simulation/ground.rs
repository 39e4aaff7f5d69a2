//! The simulated ground: sockets without a network, secrets and files that are done when the dice say.

use std::collections::VecDeque;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::clock::Clock;
use super::dice::Dice;
use super::link::SimSocket;
use crate::chat::query::Ticket;
use crate::chat::{Check, Checked, FileJob, Save, SessionId};
use crate::server::parts::Parts;
use crate::server::shell::Ground;
use crate::server::worker::{self, Done};
use crate::text::Lang;

/// The folder for whole files, inside the data folder.
const FOLDER: &str = "server_files";

/// What the threads do in the real world.
#[derive(Debug)]
pub(super) struct SimGround {
    clock: Clock,
    dice: Dice,
    /// Secrets, in the order in which they are done.
    checks: VecDeque<(u64, Check)>,
    checks_max: usize,
    /// Those that were too many.
    refused: VecDeque<(Ticket, Checked)>,
    /// What changes files, in that order.
    writes: VecDeque<(u64, Job)>,
    /// What reads them.
    reads: VecDeque<(u64, FileJob)>,
    tokens_made: u64,
    files: std::path::PathBuf,
    parts: Parts,
    buffers: worker::Buffers,
}

#[derive(Debug)]
enum Job {
    Save(Save),
    Discard(String),
    File(FileJob),
}

impl SimGround {
    /// With files below a real folder: those of a file system are not simulated.
    pub(super) fn new(clock: &Clock, dice: Dice, data: &Path, checks_max: usize) -> Self {
        let files = data.join(FOLDER);
        Self {
            clock: clock.clone(),
            dice,
            checks: VecDeque::new(),
            checks_max,
            refused: VecDeque::new(),
            writes: VecDeque::new(),
            reads: VecDeque::new(),
            tokens_made: 0,
            parts: Parts::new(data, &files, 0, false),
            buffers: worker::Buffers::default(),
            files,
        }
    }

    /// When the next thing is done.
    pub(super) fn next_ms(&self) -> Option<u64> {
        let refused = self.refused.front().map(|_| self.clock.mono_ms());
        let checks = self.checks.front().map(|(at_ms, _)| *at_ms);
        let writes = self.writes.front().map(|(at_ms, _)| *at_ms);
        let reads = self.reads.front().map(|(at_ms, _)| *at_ms);
        [refused, checks, writes, reads].into_iter().flatten().min()
    }

    fn due_ms(&mut self, most_ms: u64) -> u64 {
        let slow = if self.dice.one_in(50) { 20 } else { 1 };
        self.clock.mono_ms() + self.dice.below(most_ms * slow)
    }

    fn carry_out(&mut self, check: Check) -> (Ticket, Checked) {
        match check {
            Check::Token(ticket) => {
                self.tokens_made += 1;
                let token = format!("token-{}-{}", self.tokens_made, self.dice.below(u64::MAX));
                let hash = Sha256::digest(token.as_bytes()).into();
                (ticket, Checked::Token(token, hash))
            }
            Check::Password { ticket, password, against, .. } => {
                (ticket, Checked::Password(against.is_some_and(|kept| kept == hash(&password))))
            }
            Check::NewPassword { ticket, password, old, .. } => {
                let allowed = old.is_none_or(|(old, kept)| kept == hash(&old));
                (ticket, Checked::NewPassword(allowed.then(|| hash(&password))))
            }
        }
    }
}

/// Hashing costs nothing here, because nobody looks.
fn hash(password: &str) -> String {
    format!("hash of {password}")
}

impl Ground for SimGround {
    type Socket = SimSocket;

    fn watch(&mut self, _: SessionId, _: &mut SimSocket) -> io::Result<()> {
        Ok(())
    }

    fn forget(&mut self, _: &mut SimSocket) {}

    fn now_ns(&self) -> u64 {
        self.clock.mono_ms() * 1_000_000
    }

    fn check(&mut self, check: Check) {
        let busy = match &check {
            Check::Password { ticket, .. } | Check::NewPassword { ticket, .. } => Some(*ticket),
            Check::Token(_) => None,
        };
        match busy {
            Some(ticket) if self.checks.len() >= self.checks_max => {
                self.refused.push_back((ticket, Checked::Busy));
            }
            _ => {
                let after = self.checks.back().map_or(0, |(at_ms, _)| *at_ms);
                let due_ms = self.due_ms(60).max(after);
                self.checks.push_back((due_ms, check));
            }
        }
    }

    fn next_checked(&mut self) -> Option<(Ticket, Checked)> {
        if let Some(refused) = self.refused.pop_front() {
            return Some(refused);
        }
        let now_ms = self.clock.mono_ms();
        let (_, check) = self.checks.pop_front_if(|(at_ms, _)| *at_ms <= now_ms)?;
        Some(self.carry_out(check))
    }

    fn checks_waiting(&self) -> usize {
        self.checks.len()
    }

    fn save(&mut self, save: Save) {
        let due_ms = self.due_ms(30);
        self.writes.push_back((due_ms, Job::Save(save)));
    }

    fn discard(&mut self, saved_as: String) {
        let due_ms = self.due_ms(10);
        self.writes.push_back((due_ms, Job::Discard(saved_as)));
    }

    fn file(&mut self, job: FileJob) {
        let due_ms = self.due_ms(10);
        if matches!(job, FileJob::Read { .. }) {
            self.reads.push_back((due_ms, job));
        } else {
            self.writes.push_back((due_ms, Job::File(job)));
        }
    }

    fn next_done(&mut self) -> Option<Done> {
        let now_ms = self.clock.mono_ms();
        while let Some((_, job)) = self.writes.pop_front_if(|(at_ms, _)| *at_ms <= now_ms) {
            match job {
                Job::Save(save) => {
                    let saved = worker::keep(&self.files, false, Lang::En, save);
                    return Some(Done::Saved(saved));
                }
                Job::File(job) => {
                    if let Some(done) = worker::write(&mut self.parts, job) {
                        return Some(Done::File(done));
                    }
                }
                Job::Discard(saved_as) => {
                    let _ = std::fs::remove_file(self.files.join(saved_as));
                }
            }
        }
        let (_, job) = self.reads.pop_front_if(|(at_ms, _)| *at_ms <= now_ms)?;
        worker::read(&self.files, job, &mut self.buffers).map(Done::File)
    }
}
