//! Answers and events as a client reads them.

use serde::Deserialize;

use super::Text;
use super::event::MsgId;
use super::request::RequestId;

/// Any answer or event, as a client reads it: fields that a type does not have are `None`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Incoming<'a> {
    /// What it is.
    #[serde(rename = "type", borrow)]
    pub kind: Option<Text<'a>>,
    /// Of an answer: whether it was done. Of `presence`: `online` or `offline`.
    #[serde(borrow)]
    pub status: Option<Text<'a>>,
    /// Why a request was refused.
    #[serde(borrow)]
    pub code: Option<Text<'a>>,
    /// One sentence for people.
    #[serde(borrow)]
    pub message: Option<Text<'a>>,
    /// Of a server that stops: after how many milliseconds to come back.
    pub retry_ms: Option<u64>,
    /// The request's label.
    #[serde(borrow)]
    pub id: Option<RequestId<'a>>,
    /// A message's number.
    pub msg_id: Option<MsgId>,
    /// The number before it in its conversation.
    pub prev: Option<MsgId>,
    /// Milliseconds since 1970.
    pub ts: Option<u64>,
    /// `HH:MM:SS` at the server.
    #[serde(borrow)]
    pub timestamp: Option<Text<'a>>,
    /// Who wrote or sent it.
    #[serde(borrow)]
    pub sender: Option<Text<'a>>,
    /// To whom.
    #[serde(borrow)]
    pub recipient: Option<Text<'a>>,
    /// In which group.
    #[serde(borrow)]
    pub group_name: Option<Text<'a>>,
    /// What it says.
    #[serde(borrow)]
    pub content: Option<Text<'a>>,
    /// The message that it answers.
    pub reply_to: Option<MsgId>,
    /// It happened while this user was away.
    pub backlog: Option<bool>,
    /// Of an answer to a message: sessions reached. Of `history_response`: up to where all others
    /// have everything.
    pub delivered: Option<u64>,
    /// The name as the server spells it.
    #[serde(borrow)]
    pub username: Option<Text<'a>>,
    /// The server's name and version.
    #[serde(borrow)]
    pub server: Option<Text<'a>>,
    /// The newest message sent to this user.
    pub cursor: Option<MsgId>,
    /// Of a login: the token for the next ones.
    #[serde(borrow)]
    pub token: Option<Text<'a>>,
    /// Of a receipt: `delivered` or `read`.
    #[serde(borrow, rename = "kind")]
    pub receipt: Option<Text<'a>>,
    /// The other end of a private conversation.
    #[serde(borrow)]
    pub with: Option<Text<'a>>,
    /// What it says was changed.
    pub edited: Option<bool>,
    /// It says nothing any more.
    pub deleted: Option<bool>,
    /// What people think of it.
    #[serde(borrow)]
    pub reactions: Option<Vec<Reactions<'a>>>,
    /// Of `history_response` and `search_response`: events as they came, or would have come.
    #[serde(borrow)]
    pub messages: Option<Vec<Incoming<'a>>>,
    /// Of `history_response`: there are more.
    pub more: Option<bool>,
    /// Of `history_response`: up to where all others have read.
    pub read: Option<MsgId>,
    /// Of `conversations`.
    #[serde(borrow)]
    pub conversations: Option<Vec<ConversationEntry<'a>>>,
    /// Who is online.
    #[serde(borrow)]
    pub users: Option<Vec<Text<'a>>>,
    /// The user's groups.
    #[serde(borrow)]
    pub groups: Option<Vec<Text<'a>>>,
    /// A group's members.
    #[serde(borrow)]
    pub members: Option<Vec<Text<'a>>>,
    /// More about each user, group or member.
    #[serde(borrow)]
    pub details: Option<Vec<Detail<'a>>>,
    /// A file's name.
    #[serde(borrow)]
    pub filename: Option<Text<'a>>,
    /// A file's size in bytes.
    pub size: Option<u64>,
    /// A file's SHA-256 in hexadecimal.
    #[serde(borrow)]
    pub sha256: Option<Text<'a>>,
    /// A file, or an upload of one.
    pub file_id: Option<u64>,
    /// Where in a file, in bytes.
    pub offset: Option<u64>,
    /// The largest piece of an upload, in bytes.
    pub chunk_size: Option<u64>,
    /// A piece of a file, in base64.
    #[serde(borrow)]
    pub data: Option<Text<'a>>,
    /// The piece is the last one.
    pub eof: Option<bool>,
    /// A file's bytes in base64.
    #[serde(borrow)]
    pub file_data: Option<Text<'a>>,
    /// The name under which the server keeps a file.
    #[serde(borrow)]
    pub saved_as: Option<Text<'a>>,
    /// Who added this user.
    #[serde(borrow)]
    pub added_by: Option<Text<'a>>,
    /// What happened to a group.
    #[serde(borrow)]
    pub event: Option<Text<'a>>,
    /// Whom a group event, `typing` or `presence` is about.
    #[serde(borrow)]
    pub user: Option<Text<'a>>,
    /// Who did it.
    #[serde(borrow)]
    pub by: Option<Text<'a>>,
    /// What a renamed group is called now.
    #[serde(borrow)]
    pub new_name: Option<Text<'a>>,
    /// When a user was last seen, milliseconds since 1970.
    pub last_seen: Option<u64>,
}

/// One emoji under a message, as a client reads it.
#[derive(Clone, Debug, Deserialize)]
pub struct Reactions<'a> {
    /// Which.
    #[serde(borrow)]
    pub emoji: Text<'a>,
    /// From whom.
    #[serde(borrow)]
    pub users: Vec<Text<'a>>,
}

/// One entry of `conversations`, as a client reads it.
#[derive(Clone, Debug, Deserialize)]
pub struct ConversationEntry<'a> {
    /// The other end, when it is private.
    #[serde(borrow)]
    pub with: Option<Text<'a>>,
    /// Its group, when it is not.
    #[serde(borrow)]
    pub group_name: Option<Text<'a>>,
    /// Its newest message or file.
    #[serde(borrow)]
    pub last: Option<Box<Incoming<'a>>>,
    /// Messages of others that this user has not read.
    #[serde(default)]
    pub unread: u64,
    /// Up to which message this user has read.
    #[serde(default)]
    pub read: MsgId,
}

/// One entry of `details`: of a user, a group or a member.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Detail<'a> {
    /// Who or which.
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    /// Whether logged in now.
    pub online: Option<bool>,
    /// Milliseconds since 1970.
    pub last_seen: Option<u64>,
    /// How many members.
    pub members: Option<u64>,
    /// `admin` or `member`.
    #[serde(borrow)]
    pub role: Option<Text<'a>>,
    /// Joined only by being added.
    pub private: Option<bool>,
}

impl<'a> Incoming<'a> {
    /// Reads one frame from the server. `None` when it is not a JSON object of known shape.
    pub fn decode(frame: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(frame).ok()
    }

    /// The `type`, or nothing.
    pub fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or("")
    }

    /// Whether this answers a request, and said no.
    pub fn is_error(&self) -> bool {
        self.status.as_deref() == Some("error")
    }
}
