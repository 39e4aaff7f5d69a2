//! `papo send --file`: the file goes, over as many connections as that takes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cli::Failure;
use crate::client::connection::Backoff;
use crate::client::requests::Outgoing;
use crate::client::script::{Account, Heard, Script};
use crate::client::transfers::progress::Bar;
use crate::client::transfers::upload::upload;
use crate::client::transfers::{Failed, Transfers, Way};

/// How often it is looked whether the file is across.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long a connection may be gone before that is the end.
const GONE_MAX: Duration = Duration::from_secs(10 * 60);

/// The server's answer to a file that is across, or the file and why it is not.
type End = Result<Vec<u8>, (String, Failed)>;

/// Sends a file.
pub(super) fn send(account: &Account, file: Outgoing) -> Result<End, Failure> {
    let mut script = Some(Script::log_in(account)?);
    let transfers = Transfers::new();
    let end: Arc<Mutex<Option<End>>> = Arc::default();
    let (at_the_end, lang) = (Arc::clone(&end), account.lang);
    transfers.start(Way::Up, move |line| {
        let mut bar = Bar::new(lang);
        let sent = upload(line, &file, &mut |news| {
            if let Some(told) = bar.news(&news) {
                bar.say(&told);
            }
        });
        bar.end();
        let sent = sent.map(|sent| sent.answer).map_err(|failed| (file.path.clone(), failed));
        *at_the_end.lock().unwrap_or_else(PoisonError::into_inner) = Some(sent);
    });
    let taken = || end.lock().unwrap_or_else(PoisonError::into_inner).take();
    let mut backoff = Backoff::new();
    loop {
        if let Some(mut script) = script.take() {
            transfers.online(script.outlet());
            if let Some(end) = over(&mut script, &transfers, &taken) {
                transfers.stop();
                transfers.lost();
                script.log_out(|_| Heard { is_enough: false, is_kept: false });
                return Ok(end);
            }
            transfers.lost();
            backoff = Backoff::new();
            backoff.obey(script.told_to_wait());
        }
        let gone = Instant::now();
        while script.is_none() {
            std::thread::sleep(backoff.wait());
            // A file that cannot be read ends it also without a connection.
            if let Some(end) = taken() {
                return Ok(end);
            }
            match Script::log_in_again(account, 0) {
                Ok(back) => script = Some(back),
                Err(failure) if gone.elapsed() > GONE_MAX || account.is_betrayed() => {
                    transfers.stop();
                    return Err(failure);
                }
                Err(_) => {}
            }
        }
    }
}

/// Reads one connection until the file is across, or the connection gone.
fn over(
    script: &mut Script,
    transfers: &Transfers,
    taken: &dyn Fn() -> Option<End>,
) -> Option<End> {
    loop {
        let until = Instant::now() + LOOK_EVERY;
        // What arrives meanwhile is not taken from anybody: the server goes on keeping it.
        script.read_until(until, |frame| {
            transfers.take(frame);
            Heard::default()
        });
        if let Some(end) = taken() {
            return Some(end);
        }
        if Instant::now() < until {
            return None;
        }
    }
}
