//! `papo send`: one message or file, for scripts.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use crate::cli::{Exit, Failure, Invocation, unknown_argument, usage};
use crate::limits::CONTENT_BYTES_MAX;
use crate::text::Lang;
use crate::text::client::{self as text, HELP_SEND};
use crate::wire::Text;
use crate::wire::event::Incoming;
use crate::wire::request::Fields;

use super::options::{self, Secrets};
use super::requests::Outgoing;
use super::sanitize::{self, one_line};
use super::script::{Heard, Script, is_answer};
use super::show::Reader;
use super::transfers::Failed;
use super::transfers::progress::failure;
use super::uploads::Source;

mod file;

/// How long the answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(120);

/// What is sent, and to whom.
#[derive(Debug, PartialEq, Eq)]
struct Parcel {
    to_group: bool,
    recipient: String,
    what: What,
}

#[derive(Debug, PartialEq, Eq)]
enum What {
    Text(String),
    StandardInput,
    File(String),
}

/// `papo send`.
pub fn send(mut invocation: Invocation) -> Result<(), Failure> {
    if invocation.wants_help(HELP_SEND) {
        return Ok(());
    }
    let secrets = Secrets::of_this_user();
    send_with(invocation, secrets, &mut std::io::stdin().lock(), &mut std::io::stdout().lock())
}

fn send_with(
    mut invocation: Invocation,
    secrets: Secrets,
    stdin: &mut impl Read,
    stdout: &mut impl Write,
) -> Result<(), Failure> {
    let lang = invocation.lang;
    let account = options::account(&mut invocation, secrets)?;
    let json = invocation.args.contains("--json");
    let parcel = parcel(invocation)?;
    // Everything that can be wrong here is found before anybody is logged in.
    let content = match &parcel.what {
        What::Text(text) => content(lang, text.clone())?,
        What::StandardInput => content(lang, read_all(lang, stdin)?)?,
        What::File(_) => String::new(),
    };
    let to = Some(Text::from(parcel.recipient.as_str()));
    if let What::File(path) = &parcel.what {
        // Only opened: it is read when it is known to whom it goes.
        Source::open(path).map_err(|trouble| {
            let told = text::file_trouble(lang, &one_line(path), &trouble);
            Failure::new(Exit::Error, told)
        })?;
        let (to_group, recipient, path) = (parcel.to_group, parcel.recipient, path.clone());
        let answer = match file::send(&account, Outgoing { to_group, recipient, path })? {
            Ok(answer) | Err((_, Failed::Refused(answer))) => answer,
            Err((path, failed)) => {
                let told = failure(lang, &path, &failed, false).unwrap_or_default();
                return Err(Failure::new(Exit::Error, told));
            }
        };
        return report(&answer, lang, json, stdout);
    }
    let content = Some(Text::from(content.as_str()));
    let request = if parcel.to_group {
        Fields { group_name: to, content, ..Fields::new("group_message") }
    } else {
        Fields { recipient: to, content, ..Fields::new("private_message") }
    };

    let mut script = Script::log_in(&account)?;
    let id = script.request(request);
    let mut answer: Option<Vec<u8>> = None;
    // What arrives meanwhile is not taken from anybody: the server goes on keeping it.
    script.read_until(Instant::now() + ANSWER_MAX, |frame| {
        if is_answer(frame, &id) {
            answer = Some(frame.to_vec());
        }
        Heard { is_enough: answer.is_some(), is_kept: false }
    });
    script.log_out(|_| Heard::default());
    let answer = answer.ok_or_else(|| Failure::new(Exit::Error, text::NO_ANSWER.get(lang)))?;
    report(&answer, lang, json, stdout)
}

/// Reads what is left of the command line.
fn parcel(mut invocation: Invocation) -> Result<Parcel, Failure> {
    let lang = invocation.lang;
    let group: Option<String> = invocation.optional("--group")?;
    let file: Option<String> = invocation.optional("--file")?;
    let mut rest = Vec::new();
    while let Some(argument) = invocation.positional()? {
        // A misspelt option is no recipient and no text; a text that looks so goes through `-`.
        if argument.starts_with("--")
            || argument.starts_with('-') && rest.is_empty() && group.is_none()
        {
            return Err(unknown_argument(lang, &argument));
        }
        rest.push(argument);
    }
    let mut rest = rest.into_iter();
    let missing = |what: crate::text::Sentence| usage(what.get(lang));
    let (to_group, recipient) = match group {
        Some(group) => (true, group),
        None => (false, rest.next().ok_or_else(|| missing(text::RECIPIENT_NEEDED))?),
    };
    let what = match (file, rest.next()) {
        (Some(file), None) => What::File(file),
        (None, Some(text)) if text == "-" => What::StandardInput,
        (None, Some(text)) => What::Text(text),
        (None, None) => return Err(missing(text::TEXT_NEEDED)),
        (Some(_), Some(_)) => return Err(missing(text::TOO_MANY_ARGUMENTS)),
    };
    if rest.next().is_some() {
        return Err(missing(text::TOO_MANY_ARGUMENTS));
    }
    Ok(Parcel { to_group, recipient, what })
}

fn read_all(lang: Lang, stdin: &mut impl Read) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    // One byte more than is allowed tells that there is too much; the rest need not be read.
    stdin
        .take(CONTENT_BYTES_MAX as u64 + 2)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(Exit::Error, error))?;
    if bytes.len() > CONTENT_BYTES_MAX + 1 {
        return Err(Failure::new(Exit::Error, text::TEXT_OVER_LIMIT.get(lang)));
    }
    let mut text = String::from_utf8(bytes)
        .map_err(|_| Failure::new(Exit::Error, text::TEXT_NOT_UTF8.get(lang)))?;
    // The line break that ends a program's output is not part of what it says.
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

fn content(lang: Lang, text: String) -> Result<String, Failure> {
    match text.len() {
        0 => Err(Failure::new(Exit::Error, text::TEXT_EMPTY.get(lang))),
        1..=CONTENT_BYTES_MAX => Ok(text),
        _ => Err(Failure::new(Exit::Error, text::TEXT_OVER_LIMIT.get(lang))),
    }
}

/// Prints the message's number, or says why there is none.
fn report(answer: &[u8], lang: Lang, json: bool, stdout: &mut impl Write) -> Result<(), Failure> {
    let decoded = Incoming::decode(answer).unwrap_or_default();
    let mut line = Vec::new();
    if json {
        line.extend_from_slice(sanitize::json(&String::from_utf8_lossy(answer)).as_bytes());
    } else if let Some(msg_id) = decoded.msg_id {
        line.extend_from_slice(msg_id.to_string().as_bytes());
    }
    let mut written = Ok(());
    if !line.is_empty() {
        line.push(b'\n');
        written = stdout.write_all(&line).and_then(|()| stdout.flush());
    }
    if decoded.is_error() {
        let told = Reader { lang, me: None }.script_refusal(&decoded);
        return Err(Failure::new(Exit::Error, told));
    }
    match written {
        // Sent all the same; who closed the pipe does not want to know its number.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Error, error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
