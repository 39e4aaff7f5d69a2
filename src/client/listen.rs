//! `papo listen`: what arrives for a user, one line per event, for scripts.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use crate::cli::{Exit, Failure, Invocation};
use crate::text::Lang;
use crate::text::client::{self as text, HELP_LISTEN};
use crate::wire::event::{Incoming, MsgId};
use crate::wire::local::FileSaved;

use super::connection::Backoff;
use super::downloads::Downloads;
use super::offers::Offer;
use super::options::{self, Secrets};
use super::requests::{Arrived, arrived_file, arrived_up_to, is_message_event};
use super::sanitize::{json, one_line};
use super::script::{Account, Heard, Script};
use super::show::{Line, Reader, Style};
use super::transfers::download::download;
use super::transfers::progress::failure;
use super::transfers::{Failed, Transfers, Way};

/// Longer than anybody listens.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// How often it is looked whether a file is here, while one is under way.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long the end waits for files of which not a byte moves.
const FILES_STILL_MAX: Duration = Duration::from_secs(60);

/// Refusals of the name after a reconnect before that is told.
const QUIET_REFUSALS_MAX: u32 = 5;

/// `papo listen`.
pub fn listen(mut invocation: Invocation) -> Result<(), Failure> {
    if invocation.wants_help(HELP_LISTEN) {
        return Ok(());
    }
    let secrets = Secrets::of_this_user();
    listen_with(invocation, secrets, &mut io::stdout().lock(), &mut io::stderr())
}

struct Listener<'a, W> {
    account: Account,
    json: bool,
    downloads: Downloads,
    /// Messages still to come, if there is an end to them.
    left: Option<u64>,
    newest: MsgId,
    stdout: &'a mut W,
    failure: Option<io::Error>,
    transfers: Transfers,
    /// Files that are here, or will not be.
    ended: Receiver<Ended>,
    end: Sender<Ended>,
}

/// A file, and where it is or why it is not.
type Ended = (Offer, Result<PathBuf, Failed>);

fn listen_with(
    mut invocation: Invocation,
    secrets: Secrets,
    stdout: &mut impl Write,
    stderr: &mut impl Write,
) -> Result<(), Failure> {
    let lang = invocation.lang;
    let account = options::account(&mut invocation, secrets)?;
    let seconds: Option<u32> = invocation.optional("--seconds")?;
    let (end, ended) = mpsc::channel();
    let mut listener = Listener {
        account: account.clone(),
        json: invocation.args.contains("--json"),
        downloads: options::downloads(&mut invocation)?.at(&account.server),
        left: invocation.optional("--count")?,
        newest: 0,
        stdout,
        failure: None,
        transfers: Transfers::new(),
        ended,
        end,
    };
    invocation.finish()?;
    let time = seconds.map_or(FOREVER, |seconds| Duration::from_secs(seconds.into()));
    let deadline = Instant::now() + time;

    let mut script = Some(Script::log_in(&account)?);
    let mut backoff = Backoff::new();
    let mut refusals = 0;
    loop {
        if let Some(mut script) = script.take() {
            let me = script.me.clone();
            listener.online(&script);
            let had_enough =
                listener.left == Some(0) || listener.listen_to(&mut script, &me, deadline);
            if had_enough || Instant::now() >= deadline {
                // Who listens for a time has had it; the rest is fetched the next time.
                if Instant::now() >= deadline || listener.wait_for_files(&mut script) {
                    listener.transfers.stop();
                    listener.transfers.lost();
                    script.log_out(|frame| listener.heard(frame, &me));
                    return listener.end();
                }
            }
            listener.transfers.lost();
            backoff = Backoff::new();
            backoff.obey(script.told_to_wait());
            refusals = 0;
            let _ = writeln!(stderr, "papo: {}", text::lost(lang, None));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        std::thread::sleep(backoff.wait().min(left));
        listener.tell_ended();
        if Instant::now() >= deadline {
            listener.transfers.stop();
            return listener.end();
        }
        match Script::log_in_again(&account, listener.newest) {
            Ok(back) => {
                let me = one_line(&back.me);
                let _ = writeln!(stderr, "papo: {}", text::back(lang, Some(&me), 0));
                script = Some(back);
            }
            // The server took this name before, and will again when it has noticed that the old
            // connection is gone.
            Err(failure) if failure.exit == Exit::LoginRefused => {
                refusals += 1;
                if refusals == QUIET_REFUSALS_MAX {
                    let told = text::still_refused(lang, &failure.message);
                    let _ = writeln!(stderr, "papo: {told}");
                }
            }
            Err(failure) if account.is_betrayed() => {
                listener.transfers.stop();
                return Err(failure);
            }
            Err(_) => {}
        }
    }
}

impl<W: Write> Listener<'_, W> {
    /// Somebody is logged in; the first time, what another run has left is gone on with.
    fn online(&self, script: &Script) {
        self.transfers.online(script.outlet());
        if self.downloads.user().is_empty() {
            self.downloads.of_user(&script.me);
            for offer in self.downloads.noted() {
                if self.downloads.has_part(&offer) {
                    self.fetch(offer);
                }
            }
        }
    }

    /// Reads one connection to its end or the deadline. `true`: there was enough.
    fn listen_to(&mut self, script: &mut Script, me: &str, deadline: Instant) -> bool {
        loop {
            let is_busy = self.transfers.busy() > 0;
            let look = Instant::now() + LOOK_EVERY;
            let until = if is_busy { deadline.min(look) } else { deadline };
            let mut enough = false;
            let returned = script.read_until(until, |frame| {
                let heard = self.heard(frame, me);
                enough |= heard.is_enough;
                // Files that are under way now are to be looked after.
                let is_new = !is_busy && self.transfers.busy() > 0;
                Heard { is_enough: heard.is_enough || is_new, ..heard }
            });
            self.tell_ended();
            if enough || self.failure.is_some() {
                return true;
            }
            let now = Instant::now();
            if now >= deadline || !returned && now < until {
                return false;
            }
        }
    }

    /// Waits for what has begun, but not for what does not move. `false`: the connection is gone before.
    fn wait_for_files(&mut self, script: &mut Script) -> bool {
        let (mut moved, mut since) = (self.transfers.moved(), Instant::now());
        while self.transfers.busy() > 0 && since.elapsed() < FILES_STILL_MAX {
            let until = Instant::now() + LOOK_EVERY;
            let transfers = &self.transfers;
            script.read_until(until, |frame| {
                transfers.take(frame);
                Heard::default()
            });
            if Instant::now() < until {
                self.tell_ended();
                return false;
            }
            if self.transfers.moved() != moved {
                (moved, since) = (self.transfers.moved(), Instant::now());
            }
        }
        self.tell_ended();
        true
    }

    fn fetch(&self, offer: Offer) {
        let (downloads, end) = (self.downloads.clone(), self.end.clone());
        self.transfers.start(Way::Down, move |line| {
            let kept = download(line, &downloads, &offer, &mut |_| {});
            // Who listened has gone when nobody takes it.
            let _ = end.send((offer, kept));
        });
    }

    /// Says which files are here now.
    fn tell_ended(&mut self) {
        while let Ok((offer, kept)) = self.ended.try_recv() {
            let lang = self.account.lang;
            let printed = match kept {
                Ok(path) if self.json => {
                    let saved = FileSaved {
                        kind: "file_saved",
                        file_id: offer.file_id,
                        sender: &offer.sender,
                        group_name: offer.group.as_deref(),
                        filename: &offer.filename,
                        size: offer.size,
                        saved_as: &path.display().to_string(),
                    };
                    [saved.encode(), b"\n".to_vec()].concat()
                }
                Ok(path) => self.downloads.told(&path, lang).painted(false).into_bytes(),
                Err(failed) => {
                    if let Some(told) = failure(lang, &offer.filename, &failed, false) {
                        let _ = writeln!(io::stderr(), "papo: {told}");
                    }
                    continue;
                }
            };
            self.print(&printed);
        }
    }

    fn print(&mut self, printed: &[u8]) {
        if let Err(error) = self.stdout.write_all(printed).and_then(|()| self.stdout.flush()) {
            self.failure.get_or_insert(error);
        }
    }

    /// Prints one event, unless there were enough.
    fn heard(&mut self, frame: &[u8], me: &str) -> Heard {
        if self.transfers.take(frame) {
            return Heard::default();
        }
        if self.failure.is_some() || self.left == Some(0) {
            // Neither printed nor kept: the server has it for the next one who listens.
            return Heard { is_enough: true, is_kept: false };
        }
        let Some(event) = Incoming::decode(frame) else {
            return Heard::default();
        };
        let printed = if self.json { json_line(frame, &event) } else { self.lines(&event, me) };
        self.print(&printed);
        if self.failure.is_some() {
            return Heard { is_enough: true, is_kept: false };
        }
        if let Some(offer) = offered(&event) {
            self.downloads.note(&offer);
            let is_own = event.sender.as_deref() == Some(me);
            let is_for_me = !is_own || event.recipient.as_deref() == Some(me);
            if is_for_me && self.downloads.is_automatic(&offer) {
                self.fetch(offer);
            }
        }
        self.newest = self.newest.max(arrived_up_to(&event).unwrap_or(0));
        // What this user sends elsewhere is no answer that somebody waits for.
        if is_message_event(event.kind()) && event.sender.as_deref() != Some(me) {
            self.left = self.left.map(|left| left - 1);
        }
        Heard { is_enough: self.left == Some(0), is_kept: true }
    }

    fn lines(&self, event: &Incoming<'_>, me: &str) -> Vec<u8> {
        let lang = self.account.lang;
        let reader = Reader { lang, me: Some(me) };
        let line = match event.kind() {
            "message_changed" => reader.changed(event, None),
            _ => reader.event(event),
        };
        let lines = line.into_iter().chain(kept(event, lang, &self.downloads));
        lines.map(|line| line.painted(false)).collect::<String>().into_bytes()
    }

    fn end(self) -> Result<(), Failure> {
        match self.failure {
            // Who read this has had enough.
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::new(Exit::Error, error))
            }
            _ => Ok(()),
        }
    }
}

/// Keeps the file of an event, if it has one, and says where.
fn kept(event: &Incoming<'_>, lang: Lang, downloads: &Downloads) -> Option<Line> {
    if !matches!(event.kind(), "file_received" | "group_file_received") {
        return None;
    }
    Some(match arrived_file(event) {
        Arrived::File(file) => downloads.save_and_tell(&file, lang),
        Arrived::Offer(offer) if downloads.is_automatic(&offer) => return None,
        Arrived::Offer(offer) => Line::new(Style::Plain, text::offered_to_script(lang, offer.size)),
        Arrived::Broken => Line::bad(text::FILE_BROKEN.get(lang)),
        Arrived::NotHere => Line::bad(text::FILE_NOT_HERE.get(lang)),
    })
}

/// The file that an event offers, if it offers one.
fn offered(event: &Incoming<'_>) -> Option<Offer> {
    let is_file = matches!(event.kind(), "file_received" | "group_file_received");
    Offer::of(event).filter(|_| is_file && event.file_data.is_none())
}

/// The event as it came. Answers to this program's own requests are no events.
fn json_line(frame: &[u8], event: &Incoming<'_>) -> Vec<u8> {
    let answers = event.kind().ends_with("_response") || event.status.as_deref() == Some("success");
    if answers {
        return Vec::new();
    }
    let line = String::from_utf8_lossy(frame);
    [json(&line).as_bytes(), b"\n"].concat()
}

#[cfg(test)]
mod tests;
