//! Secrets: tokens are made at once, passwords are hashed on a thread of their own, one at a time.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mio::Waker;
use sha2::{Digest, Sha256};

use crate::chat::query::Ticket;
use crate::chat::{Check, Checked};
use crate::secret::{hash, verify};

/// The one who makes and checks, as the reactor sees it.
#[derive(Debug)]
pub(super) struct Secrets {
    jobs: Sender<Check>,
    results: Receiver<(Ticket, Checked)>,
    waiting: Arc<AtomicUsize>,
    waiting_max: usize,
    /// What needed no thread.
    at_once: VecDeque<(Ticket, Checked)>,
    waker: Arc<Waker>,
}

impl Secrets {
    /// Starts the thread, for which so many jobs may wait.
    pub(super) fn start(waiting_max: usize, waker: Arc<Waker>) -> io::Result<Self> {
        let (jobs, todo) = mpsc::channel::<Check>();
        let (done, results) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let (count, when_done) = (Arc::clone(&waiting), Arc::clone(&waker));
        thread::Builder::new().name("papo-passwords".to_owned()).spawn(move || {
            // Who is unknown is checked against this, so that the answer takes as long.
            let nobody = hash("nobody's").unwrap_or_default();
            for check in todo {
                let result = carry_out(check, &nobody);
                count.fetch_sub(1, Ordering::Relaxed);
                if done.send(result).is_err() || when_done.wake().is_err() {
                    return;
                }
            }
        })?;
        let at_once = VecDeque::new();
        Ok(Self { jobs, results, waiting, waiting_max, at_once, waker })
    }

    /// Takes a job. Its result comes with [`Secrets::next_checked`].
    pub(super) fn check(&mut self, check: Check) {
        let ticket = check.ticket();
        if matches!(check, Check::Token(_)) {
            self.at_once.push_back((ticket, token()));
            // It is taken in the next turn.
            let _ = self.waker.wake();
            return;
        }
        let full = self.waiting.fetch_add(1, Ordering::Relaxed) >= self.waiting_max;
        if full || self.jobs.send(check).is_err() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.at_once.push_back((ticket, Checked::Busy));
            let _ = self.waker.wake();
        }
    }

    /// Jobs of the thread that are not done.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// A job that is done.
    pub(super) fn next_checked(&mut self) -> Option<(Ticket, Checked)> {
        self.at_once.pop_front().or_else(|| self.results.try_recv().ok())
    }
}

/// 256 random bits in base64url (RFC 4648, section 5), and their hash.
fn token() -> Checked {
    let mut bits = [0; 32];
    if getrandom::fill(&mut bits).is_err() {
        return Checked::Busy;
    }
    let token = URL_SAFE_NO_PAD.encode(bits);
    let hash = Sha256::digest(token.as_bytes()).into();
    Checked::Token(token, hash)
}

fn carry_out(check: Check, nobody: &str) -> (Ticket, Checked) {
    match check {
        Check::Token(ticket) => (ticket, token()),
        Check::Password { ticket, password, against, .. } => {
            let right = verify(&password, against.as_deref().unwrap_or(nobody));
            (ticket, Checked::Password(right && against.is_some()))
        }
        Check::NewPassword { ticket, password, old, .. } => {
            let allowed = old.is_none_or(|(old, kept)| verify(&old, &kept));
            let checked = if allowed {
                hash(&password).map_or(Checked::Busy, |phc| Checked::NewPassword(Some(phc)))
            } else {
                Checked::NewPassword(None)
            };
            (ticket, checked)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_password_has_none_that_is_right() {
        let nobody = hash("nobody's").unwrap();
        let password = "nobody's".to_owned();
        let (ticket, against) = (Ticket(1), None);
        let check = Check::Password { ticket, password, against, not_before_ms: 0, from: None };
        assert!(matches!(carry_out(check, &nobody), (Ticket(1), Checked::Password(false))));
    }

    #[test]
    fn a_token_is_long_and_new_each_time() {
        let (Checked::Token(one, hash), Checked::Token(other, _)) = (token(), token()) else {
            panic!("tokens")
        };
        assert_eq!(one.len(), 43);
        assert_ne!(one, other);
        assert_eq!(hash[..], Sha256::digest(one.as_bytes())[..]);
    }
}
