//! Requests that more than one subcommand makes, and the files in events. Pure.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::text::Lang;
use crate::wire::Code;
use crate::wire::Text;
use crate::wire::event::{Incoming, MsgId};
use crate::wire::request::{Fields, RequestId};

use super::offers::Offer;
use super::sanitize::one_line;

/// The features that this client lists in its login. Not `typing`: a line on a terminal stays, and
/// what somebody is doing does not.
pub(crate) const FEATURES: [&str; 5] = ["presence", "heartbeat", "groups", "receipts", "chunks"];

/// The client's name and version in its login.
pub(crate) const CLIENT: &str = concat!("papo/", env!("CARGO_PKG_VERSION"));

/// A file that arrived, under the names that its sender gave: none of them is trusted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ArrivedFile {
    /// In which group, if in one.
    pub(crate) group: Option<String>,
    /// Who sent it.
    pub(crate) sender: String,
    /// What the sender calls it.
    pub(crate) filename: String,
    /// Its bytes.
    pub(crate) data: Vec<u8>,
}

/// A file that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outgoing {
    /// To a group, and not to a user.
    pub(crate) to_group: bool,
    /// To whom.
    pub(crate) recipient: String,
    /// Where the file is, as it was typed.
    pub(crate) path: String,
}

impl Outgoing {
    /// Which file and to whom, after a sentence about it.
    pub(crate) fn told(&self) -> String {
        let name = self.path.rsplit(['/', std::path::MAIN_SEPARATOR]).next().unwrap_or("");
        format!(" ({}: {})", one_line(&self.recipient), one_line(name))
    }
}

/// Who logs in, and what shows that the name is theirs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Login<'a> {
    /// The name.
    pub(crate) user: &'a str,
    /// The language of what the server says.
    pub(crate) lang: Lang,
    /// What shows it, if anything is needed.
    pub(crate) proof: Proof<'a>,
    /// The name is to be this user's alone from now on.
    pub(crate) claims: bool,
    /// The newest message that is here already, 0 if there is none.
    pub(crate) newest: MsgId,
}

/// What shows that a name is somebody's.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Proof<'a> {
    /// Nothing: nobody has claimed the name so far.
    #[default]
    Nothing,
    /// The token that the server gave.
    Token(&'a str),
    /// The password.
    Password(&'a str),
}

/// A `login` with this client's features.
pub(crate) fn login<'a>(login: Login<'a>, id: &'a str) -> Fields<'a> {
    let mut fields = Fields {
        id: Some(RequestId::Text(Text::from(id))),
        username: Some(Text::from(login.user)),
        client: Some(Text::from(CLIENT)),
        lang: Some(Text::from(match login.lang {
            Lang::Pt => "pt",
            Lang::En => "en",
        })),
        features: Some(FEATURES.into_iter().map(Text::from).collect()),
        want_token: login.claims.then_some(true),
        // The server begins after this message, and not with what is on the screen already.
        since: Some(login.newest).filter(|newest| *newest > 0),
        ..Fields::new("login")
    };
    match login.proof {
        Proof::Nothing => {}
        Proof::Token(token) => fields.token = Some(Text::from(token)),
        Proof::Password(password) => fields.password = Some(Text::from(password)),
    }
    fields
}

/// `received`: everything up to this message is here.
pub(crate) fn received(msg_id: MsgId) -> Fields<'static> {
    Fields { msg_id: Some(msg_id), ..Fields::new("received") }
}

/// Whether an event is a message or a file, by its type.
pub(crate) fn is_message_event(kind: &str) -> bool {
    matches!(
        kind,
        "private_message_received"
            | "group_message_received"
            | "file_received"
            | "group_file_received"
    )
}

/// Up to which message everything has arrived with this event, if it says so.
pub(crate) fn arrived_up_to(event: &Incoming<'_>) -> Option<MsgId> {
    match event.kind() {
        "synced" => event.cursor,
        // The numbers in receipts and changes are those of older messages.
        kind if is_message_event(kind) => event.msg_id,
        _ => None,
    }
}

/// After how long a server that stops wants to be asked again, if it says so.
pub(crate) fn told_to_wait(event: &Incoming<'_>) -> Option<Duration> {
    let stops = event.code.as_deref() == Some(Code::ShuttingDown.as_str());
    event.retry_ms.filter(|_| stops).map(Duration::from_millis)
}

/// What a file event brought.
pub(crate) enum Arrived {
    /// A file.
    File(ArrivedFile),
    /// Bytes that are no base64.
    Broken,
    /// Where it can be had.
    Offer(Offer),
    /// The event alone.
    NotHere,
}

/// Takes the file out of its event.
pub(crate) fn arrived_file(event: &Incoming<'_>) -> Arrived {
    let Some(data) = event.file_data.as_deref() else {
        return Offer::of(event).map_or(Arrived::NotHere, Arrived::Offer);
    };
    match STANDARD.decode(data) {
        Err(_) => Arrived::Broken,
        Ok(data) => Arrived::File(ArrivedFile {
            group: event.group_name.as_deref().map(str::to_owned),
            sender: event.sender.as_deref().unwrap_or("").to_owned(),
            filename: event.filename.as_deref().unwrap_or("").to_owned(),
            data,
        }),
    }
}
