//! What the server says on its own account, as it writes it; [`Answer`]s stand beside, and
//! [`Incoming`] is both as a client reads them.

use super::json::{Object, key};
use super::request::RequestId;

pub use super::answer::{Answer, Body, ConversationDetail, GroupDetail, MemberDetail, UserDetail};
pub use super::incoming::{ConversationEntry, Detail, Incoming, Reactions};

/// A message's number: grows over the whole server, never used twice. To clients an opaque,
/// growing number.
pub type MsgId = u64;

/// Events that the server sends on its own account.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A message in a private conversation.
    PrivateMessageReceived(MessageReceived<'a>),
    /// A message in a group.
    GroupMessageReceived(MessageReceived<'a>),
    /// A file in a private conversation.
    FileReceived(FileReceived<'a>),
    /// A file in a group.
    GroupFileReceived(FileReceived<'a>),
    /// This user is a member of a group now.
    AddedToGroup {
        /// Which group.
        group_name: &'a str,
        /// By whom.
        added_by: &'a str,
        /// `HH:MM:SS` in the server's local time.
        timestamp: &'a str,
    },
    /// Something happened to a group or its members.
    GroupEvent {
        /// Which group.
        group_name: &'a str,
        /// What happened.
        event: GroupChange,
        /// To whom.
        user: &'a str,
        /// Who did it.
        by: &'a str,
        /// Milliseconds since 1970.
        ts: u64,
        /// `renamed`: what the group is called now.
        new_name: Option<&'a str>,
    },
    /// A message says something else now.
    MessageChanged {
        /// Which.
        msg_id: MsgId,
        /// The other end of its conversation, when it is private.
        with: Option<&'a str>,
        /// Its group, when it is not.
        group_name: Option<&'a str>,
        /// How it stands now.
        state: State<'a>,
    },
    /// Everything up to a message has arrived at somebody, or was read.
    Receipt {
        /// `delivered` or `read`.
        kind: &'a str,
        /// Who has it.
        by: &'a str,
        /// The other end of the conversation, when it is private.
        with: Option<&'a str>,
        /// Its group, when it is not.
        group_name: Option<&'a str>,
        /// Up to which message.
        msg_id: MsgId,
    },
    /// A piece of a file that was asked for.
    FileData {
        /// Which file.
        file_id: u64,
        /// Where the piece belongs, in bytes.
        offset: u64,
        /// Its bytes in base64.
        data: &'a str,
        /// It is the last one.
        eof: bool,
    },
    /// Somebody is typing.
    Typing {
        /// Who.
        user: &'a str,
        /// In which group; else to this user.
        group_name: Option<&'a str>,
    },
    /// Somebody came or went.
    Presence {
        /// Who.
        user: &'a str,
        /// `online` or `offline`.
        status: &'a str,
        /// Milliseconds since 1970.
        last_seen: u64,
    },
    /// All that was missed has been sent.
    Synced {
        /// The newest message sent to this user.
        cursor: MsgId,
    },
    /// Are you there?
    HeartbeatPing,
}

/// What a message says.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// The text.
    pub text: &'a str,
    /// It needs no escapes, as when it came without any.
    pub plain: bool,
}

/// How a message that was changed stands now. Of a message as it was sent, all is false or empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct State<'a> {
    /// What it says, if that was changed.
    pub edited: Option<&'a str>,
    /// It says nothing any more.
    pub deleted: bool,
    /// What people think of it. `Some` of nothing tells that the last reaction was taken back.
    pub reactions: Option<&'a [Reaction<'a>]>,
}

/// One emoji under a message.
#[derive(Clone, Debug)]
pub struct Reaction<'a> {
    /// Which.
    pub emoji: &'a str,
    /// From whom.
    pub users: Vec<&'a str>,
}

/// A message that arrived.
#[derive(Clone, Debug)]
pub struct MessageReceived<'a> {
    /// The message's number.
    pub msg_id: MsgId,
    /// The number before it in the same conversation, 0 for the first.
    pub prev: MsgId,
    /// Who wrote it.
    pub sender: &'a str,
    /// To whom, when it is private.
    pub recipient: Option<&'a str>,
    /// In which group, when it is not.
    pub group_name: Option<&'a str>,
    /// What it says.
    pub content: Content<'a>,
    /// `HH:MM:SS` in the server's local time.
    pub timestamp: &'a str,
    /// Milliseconds since 1970.
    pub ts: u64,
    /// The message that it answers.
    pub reply_to: Option<MsgId>,
    /// The sender's own label for it.
    pub id: Option<&'a RequestId<'a>>,
    /// What became of it since. Its `edited` is the same text as `content`.
    pub state: State<'a>,
}

/// A file that arrived.
#[derive(Clone, Debug)]
pub struct FileReceived<'a> {
    /// The message's number.
    pub msg_id: MsgId,
    /// The number before it in the same conversation, 0 for the first.
    pub prev: MsgId,
    /// Who sent it.
    pub sender: &'a str,
    /// To whom, when it is private.
    pub recipient: Option<&'a str>,
    /// In which group, when it is not.
    pub group_name: Option<&'a str>,
    /// Its safe name.
    pub filename: &'a str,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256 in hexadecimal, if it is known.
    pub sha256: Option<&'a str>,
    /// By which `file_get` gets it.
    pub file_id: u64,
    /// `HH:MM:SS` in the server's local time.
    pub timestamp: &'a str,
    /// Milliseconds since 1970.
    pub ts: u64,
    /// The sender's own label for it.
    pub id: Option<&'a RequestId<'a>>,
    /// What became of it since.
    pub state: State<'a>,
    /// Its bytes.
    pub file_data: FileData<'a>,
}

/// The bytes of a file in the event that tells of it.
#[derive(Clone, Copy, Debug)]
pub enum FileData<'a> {
    /// In base64.
    Inline(&'a str),
    /// `null`: they are not there any more.
    Gone,
    /// Not in this frame.
    LeftOut,
}

/// What happened to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupChange {
    /// It was made.
    Created,
    /// Somebody came in.
    Joined,
    /// Somebody left.
    Left,
    /// Somebody was added.
    Added,
    /// Somebody was removed.
    Removed,
    /// Somebody became an admin.
    Promoted,
    /// Somebody is an admin no more.
    Demoted,
    /// It has another name.
    Renamed,
    /// It is gone.
    Deleted,
}

impl GroupChange {
    /// As it stands in a frame.
    pub const fn as_str(self) -> &'static str {
        match self {
            GroupChange::Created => "created",
            GroupChange::Joined => "joined",
            GroupChange::Left => "left",
            GroupChange::Added => "added",
            GroupChange::Removed => "removed",
            GroupChange::Promoted => "promoted",
            GroupChange::Demoted => "demoted",
            GroupChange::Renamed => "renamed",
            GroupChange::Deleted => "deleted",
        }
    }
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything that concerns the group.
    Admin,
    /// Send, list and add.
    Member,
}

impl Role {
    /// As it stands in a frame.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Member => "member",
        }
    }
}

/// Something that the server says, as JSON.
pub trait Encode {
    /// Appends the frame's JSON.
    fn encode(&self, out: &mut Vec<u8>);
}

impl Encode for Event<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut object = Object::begin(out);
        match self {
            Event::PrivateMessageReceived(message) => {
                message.encode(object.plain(key!("type"), "private_message_received"));
            }
            Event::GroupMessageReceived(message) => {
                message.encode(object.plain(key!("type"), "group_message_received"));
            }
            Event::FileReceived(file) => file.encode(object.plain(key!("type"), "file_received")),
            Event::GroupFileReceived(file) => {
                file.encode(object.plain(key!("type"), "group_file_received"));
            }
            Event::AddedToGroup { group_name, added_by, timestamp } => {
                object
                    .plain(key!("type"), "added_to_group")
                    .plain(key!("group_name"), group_name)
                    .plain(key!("added_by"), added_by)
                    .plain(key!("timestamp"), timestamp);
            }
            Event::GroupEvent { group_name, event, user, by, ts, new_name } => {
                object
                    .plain(key!("type"), "group_event")
                    .plain(key!("group_name"), group_name)
                    .plain(key!("event"), event.as_str())
                    .plain(key!("user"), user)
                    .plain(key!("by"), by)
                    .number(key!("ts"), *ts)
                    .maybe_plain(key!("new_name"), *new_name);
            }
            Event::MessageChanged { msg_id, with, group_name, state } => {
                object
                    .plain(key!("type"), "message_changed")
                    .number(key!("msg_id"), *msg_id)
                    .maybe_plain(key!("with"), *with)
                    .maybe_plain(key!("group_name"), *group_name)
                    .maybe_text(key!("content"), state.edited);
                state.encode(&mut object);
            }
            Event::Receipt { kind, by, with, group_name, msg_id } => {
                object
                    .plain(key!("type"), "receipt")
                    .plain(key!("kind"), kind)
                    .plain(key!("by"), by)
                    .maybe_plain(key!("with"), *with)
                    .maybe_plain(key!("group_name"), *group_name)
                    .number(key!("msg_id"), *msg_id);
            }
            Event::FileData { file_id, offset, data, eof } => {
                object
                    .plain(key!("type"), "file_data")
                    .number(key!("file_id"), *file_id)
                    .number(key!("offset"), *offset)
                    .plain(key!("data"), data)
                    .truth(key!("eof"), *eof);
            }
            Event::Typing { user, group_name } => {
                object
                    .plain(key!("type"), "typing")
                    .plain(key!("user"), user)
                    .maybe_plain(key!("group_name"), *group_name);
            }
            Event::Presence { user, status, last_seen } => {
                object
                    .plain(key!("type"), "presence")
                    .plain(key!("user"), user)
                    .plain(key!("status"), status)
                    .number(key!("last_seen"), *last_seen);
            }
            Event::Synced { cursor } => {
                object.plain(key!("type"), "synced").number(key!("cursor"), *cursor);
            }
            Event::HeartbeatPing => {
                object.plain(key!("type"), "heartbeat_ping");
            }
        }
        object.end();
    }
}

impl MessageReceived<'_> {
    fn encode(&self, object: &mut Object<'_>) {
        object
            .number(key!("msg_id"), self.msg_id)
            .number(key!("prev"), self.prev)
            .plain(key!("sender"), self.sender)
            .maybe_plain(key!("recipient"), self.recipient)
            .maybe_plain(key!("group_name"), self.group_name)
            .content(self.content)
            .plain(key!("timestamp"), self.timestamp)
            .number(key!("ts"), self.ts)
            .maybe_number(key!("reply_to"), self.reply_to)
            .id(self.id);
        self.state.encode(object);
    }
}

impl State<'_> {
    fn encode(&self, object: &mut Object<'_>) {
        if self.edited.is_some() {
            object.truth(key!("edited"), true);
        }
        if self.deleted {
            object.truth(key!("deleted"), true);
        }
        if let Some(reactions) = self.reactions {
            object.array(key!("reactions"), reactions, |out, reaction| {
                Object::begin(out)
                    .text(key!("emoji"), reaction.emoji)
                    .texts(key!("users"), &reaction.users)
                    .end();
            });
        }
    }
}

impl FileReceived<'_> {
    fn encode(&self, object: &mut Object<'_>) {
        object
            .number(key!("msg_id"), self.msg_id)
            .number(key!("prev"), self.prev)
            .plain(key!("sender"), self.sender)
            .maybe_plain(key!("recipient"), self.recipient)
            .maybe_plain(key!("group_name"), self.group_name)
            .text(key!("filename"), self.filename)
            .number(key!("size"), self.size)
            .maybe_plain(key!("sha256"), self.sha256)
            .number(key!("file_id"), self.file_id)
            .plain(key!("timestamp"), self.timestamp)
            .number(key!("ts"), self.ts)
            .id(self.id);
        self.state.encode(object);
        match self.file_data {
            FileData::Inline(data) => object.text(key!("file_data"), data),
            FileData::Gone => object.null(key!("file_data")),
            FileData::LeftOut => object,
        };
    }
}

/// How an event ends that was missed.
const BACKLOG: &[u8] = br#","backlog":true}"#;

/// Marks the event at the end of a buffer with `"backlog": true`, for who was away when it happened.
pub fn mark_backlog(out: &mut Vec<u8>) {
    debug_assert_eq!(out.last(), Some(&b'}'), "an event ends as an object does");
    out.pop();
    out.extend_from_slice(BACKLOG);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Text;

    fn json(frame: &impl Encode) -> String {
        let mut out = Vec::new();
        frame.encode(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_event_reads_as_the_protocol_says() {
        let id = RequestId::Text(Text::from("a1"));
        let event = Event::PrivateMessageReceived(MessageReceived {
            msg_id: 2,
            prev: 1,
            sender: "ana",
            recipient: Some("bia"),
            group_name: None,
            content: Content { text: "oi\n\u{1b}", plain: false },
            timestamp: "14:30:25",
            ts: 5,
            reply_to: None,
            id: Some(&id),
            state: State::default(),
        });
        let event = json(&event);
        assert_eq!(
            event,
            r#"{"type":"private_message_received","msg_id":2,"prev":1,"sender":"ana","recipient":"bia","content":"oi\n\u001b","timestamp":"14:30:25","ts":5,"id":"a1"}"#
        );
        let mut missed = event.into_bytes();
        mark_backlog(&mut missed);
        let read = Incoming::decode(&missed).unwrap();
        assert_eq!(read.backlog, Some(true));
        assert_eq!(read.content.as_deref(), Some("oi\n\u{1b}"));
        assert_eq!(json(&Event::HeartbeatPing), r#"{"type":"heartbeat_ping"}"#);
    }
}
