//! `papo listen`: what arrives for a user, one line per event, for scripts.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crate::cli::{Exit, Failure, Invocation};
use crate::text::client::{self as text, HELP_LISTEN};
use crate::wire::event::{Incoming, MsgId};

use super::connection::Backoff;
use super::downloads::Downloads;
use super::options;
use super::sanitize::one_line;
use super::script::{Account, Script};
use super::send::{kept, tell};
use super::show::Reader;

/// Longer than anybody listens.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Refusals of the name after a reconnect before that is told.
const QUIET_REFUSALS_MAX: u32 = 5;

/// `papo listen`.
pub fn listen(mut invocation: Invocation) -> Result<(), Failure> {
    if invocation.wants_help(HELP_LISTEN) {
        return Ok(());
    }
    listen_with(invocation, &mut io::stdout().lock(), &mut io::stderr())
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
    stdout: &mut impl Write,
    stderr: &mut impl Write,
) -> Result<(), Failure> {
    let lang = invocation.lang;
    let account = options::account(&mut invocation)?;
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
                script.log_out(|frame| {
                    listener.heard(frame, &me);
                    false
                });
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
    /// Prints one event. Says whether it was the last.
    fn heard(&mut self, frame: &[u8], me: &str) -> bool {
        if self.failure.is_some() {
            return true;
        }
        if self.left == Some(0) {
            // Too many for standard output, but the server counts them as delivered.
            tell(frame, self.account.lang, me, &self.downloads);
            return true;
        }
        let Some(event) = Incoming::decode(frame) else {
            return false;
        };
        let counts = matches!(
            event.kind(),
            "private_message_received"
                | "group_message_received"
                | "file_received"
                | "group_file_received"
        );
        let printed = if self.json { json_line(frame, &event) } else { self.lines(&event, me) };
        if let Err(error) = self.stdout.write_all(&printed).and_then(|()| self.stdout.flush()) {
            self.failure = Some(error);
            return true;
        }
        self.newest = self.newest.max(event.msg_id.unwrap_or(0));
        if counts {
            self.left = self.left.map(|left| left - 1);
        }
        self.left == Some(0)
    }

    fn lines(&self, event: &Incoming<'_>, me: &str) -> Vec<u8> {
        let lang = self.account.lang;
        let reader = Reader { lang, me: Some(me) };
        let line = reader.event(event);
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
