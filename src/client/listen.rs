//! `papo listen`: what arrives for a user, one line per event, for scripts.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crate::cli::{Exit, Failure, Invocation};
use crate::text::Lang;
use crate::text::client::{self as text, HELP_LISTEN};
use crate::wire::event::{Incoming, MsgId};

use super::connection::Backoff;
use super::downloads::Downloads;
use super::options::{self, Secrets};
use super::requests::{Arrived, arrived_file, arrived_up_to, is_message_event};
use super::sanitize::one_line;
use super::script::{Account, Heard, Script};
use super::show::{Line, Reader};

/// Longer than anybody listens.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

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
}

fn listen_with(
    mut invocation: Invocation,
    secrets: Secrets,
    stdout: &mut impl Write,
    stderr: &mut impl Write,
) -> Result<(), Failure> {
    let lang = invocation.lang;
    let account = options::account(&mut invocation, secrets)?;
    let seconds: Option<u32> = invocation.optional("--seconds")?;
    let mut listener = Listener {
        account: account.clone(),
        json: invocation.args.contains("--json"),
        downloads: options::downloads(&mut invocation)?,
        left: invocation.optional("--count")?,
        newest: 0,
        stdout,
        failure: None,
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
            let had_enough = listener.left == Some(0)
                || script.read_until(deadline, |frame| listener.heard(frame, &me));
            if had_enough || Instant::now() >= deadline {
                script.log_out(|frame| listener.heard(frame, &me));
                return listener.end();
            }
            backoff = Backoff::new();
            refusals = 0;
            let _ = writeln!(stderr, "papo: {}", text::lost(lang, None));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        std::thread::sleep(backoff.wait().min(left));
        if Instant::now() >= deadline {
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
            Err(_) => {}
        }
    }
}

impl<W: Write> Listener<'_, W> {
    /// Prints one event, unless there were enough.
    fn heard(&mut self, frame: &[u8], me: &str) -> Heard {
        if self.failure.is_some() || self.left == Some(0) {
            // Neither printed nor kept: the server has it for the next one who listens.
            return Heard { is_enough: true, is_kept: false };
        }
        let Some(event) = Incoming::decode(frame) else {
            return Heard::default();
        };
        let printed = if self.json { json_line(frame, &event) } else { self.lines(&event, me) };
        if let Err(error) = self.stdout.write_all(&printed).and_then(|()| self.stdout.flush()) {
            self.failure = Some(error);
            return Heard { is_enough: true, is_kept: false };
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
        Arrived::Broken => Line::bad(text::FILE_BROKEN.get(lang)),
        Arrived::NotHere => Line::bad(text::FILE_NOT_HERE.get(lang)),
    })
}

/// The event as it came. Answers to this program's own requests are no events.
fn json_line(frame: &[u8], event: &Incoming<'_>) -> Vec<u8> {
    let answers = event.kind().ends_with("_response") || event.status.as_deref() == Some("success");
    if answers {
        return Vec::new();
    }
    // Line framing: there is no line break in it.
    [frame, b"\n"].concat()
}

#[cfg(test)]
mod tests;
