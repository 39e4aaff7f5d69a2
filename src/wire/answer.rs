//! What the server says to a request, as it writes it.

use super::Code;
use super::event::{Encode, Event, MsgId, Role};
use super::json::{Object, key};
use super::request::RequestId;

/// An answer to one request.
#[derive(Clone, Debug)]
pub struct Answer<'a> {
    /// Its `type`.
    pub kind: &'a str,
    /// Why it was not done; `None` when it was.
    pub code: Option<Code>,
    /// One sentence for people.
    pub message: &'a str,
    /// The request's own label.
    pub id: Option<&'a RequestId<'a>>,
    /// What was asked for.
    pub body: Body<'a>,
}

/// What an answer carries beside its sentence.
#[derive(Clone, Debug)]
pub enum Body<'a> {
    /// Nothing.
    None,
    /// Of a refusal because the server stops.
    Retry {
        /// After how long the client should come back.
        retry_ms: u64,
    },
    /// Of `login`.
    Login {
        /// The name as normalised.
        username: &'a str,
        /// The server's name and version.
        server: &'a str,
        /// The protocol's version.
        protocol: u64,
        /// A new token, or the one that was given.
        token: Option<&'a str>,
        /// Up to where this user has everything.
        cursor: MsgId,
        /// Milliseconds since 1970.
        time: u64,
    },
    /// Of `file_begin`.
    Upload {
        /// By which the rest of the upload goes.
        file_id: u64,
        /// From where on to send, in bytes.
        offset: u64,
        /// The largest piece, in bytes.
        chunk_size: u64,
    },
    /// Of `file_chunk`: what has arrived so far. Of `file_get`: how far it came.
    Piece {
        /// Which file.
        file_id: u64,
        /// Up to where, in bytes.
        offset: u64,
    },
    /// Of `history`.
    History {
        /// The other end of the conversation, when it is private.
        with: Option<&'a str>,
        /// Its group, when it is not.
        group_name: Option<&'a str>,
        /// Messages and files, oldest first.
        messages: Vec<Event<'a>>,
        /// There are more in the direction asked for.
        more: bool,
        /// Up to which message all others have everything.
        delivered: MsgId,
        /// Up to which message all others have read.
        read: MsgId,
    },
    /// Of `search`.
    Search {
        /// Messages and files, newest first.
        messages: Vec<Event<'a>>,
    },
    /// Of `list_conversations`.
    Conversations(Vec<ConversationDetail<'a>>),
    /// Of a message or file.
    Message {
        /// The message's number.
        msg_id: MsgId,
        /// Milliseconds since 1970.
        ts: u64,
        /// Sessions reached now.
        delivered: u64,
        /// The name under which the server keeps a file.
        saved_as: Option<&'a str>,
    },
    /// Of `list_users`.
    Users {
        /// Who is online.
        users: Vec<&'a str>,
        /// With `all`: everybody known.
        details: Option<Vec<UserDetail<'a>>>,
    },
    /// Of `list_groups`.
    Groups {
        /// The user's groups.
        groups: Vec<&'a str>,
        /// The same, with more about each.
        details: Vec<GroupDetail<'a>>,
    },
    /// Of `list_group_members`.
    Members {
        /// Which group.
        group_name: &'a str,
        /// Its members, in the order in which they came.
        members: Vec<&'a str>,
        /// The same, with more about each.
        details: Vec<MemberDetail<'a>>,
    },
}

/// One conversation in `list_conversations`.
#[derive(Clone, Debug)]
pub struct ConversationDetail<'a> {
    /// The other end, when it is private.
    pub with: Option<&'a str>,
    /// Its group, when it is not.
    pub group_name: Option<&'a str>,
    /// Its newest message or file.
    pub last: Option<Event<'a>>,
    /// Messages of others that this user has not read, counted up to a limit.
    pub unread: u64,
    /// Up to which message this user has read.
    pub read: MsgId,
}

/// One user in `list_users`.
#[derive(Clone, Debug)]
pub struct UserDetail<'a> {
    /// Who.
    pub name: &'a str,
    /// Whether logged in now.
    pub online: bool,
    /// Milliseconds since 1970.
    pub last_seen: u64,
}

/// One group in `list_groups`.
#[derive(Clone, Debug)]
pub struct GroupDetail<'a> {
    /// Which.
    pub name: &'a str,
    /// How many members.
    pub members: usize,
    /// The user's own role.
    pub role: Role,
    /// Joined only by being added.
    pub private: bool,
}

/// One member in `list_group_members`.
#[derive(Clone, Debug)]
pub struct MemberDetail<'a> {
    /// Who.
    pub name: &'a str,
    /// What the member may do.
    pub role: Role,
    /// Whether logged in now.
    pub online: bool,
}

impl Encode for Answer<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut object = Object::begin(out);
        let status = if self.code.is_none() { "success" } else { "error" };
        object
            .plain(key!("type"), self.kind)
            .plain(key!("status"), status)
            .maybe_plain(key!("code"), self.code.map(Code::as_str))
            .text(key!("message"), self.message)
            .id(self.id);
        self.body.encode(&mut object);
        object.end();
    }
}

impl Body<'_> {
    fn encode(&self, object: &mut Object<'_>) {
        match self {
            Body::None => {}
            Body::Retry { retry_ms } => {
                object.number(key!("retry_ms"), *retry_ms);
            }
            Body::Login { username, server, protocol, token, cursor, time } => {
                object
                    .plain(key!("username"), username)
                    .plain(key!("server"), server)
                    .number(key!("protocol"), *protocol)
                    .maybe_text(key!("token"), *token)
                    .number(key!("cursor"), *cursor)
                    .number(key!("time"), *time);
            }
            Body::Message { msg_id, ts, delivered, saved_as } => {
                object
                    .number(key!("msg_id"), *msg_id)
                    .number(key!("ts"), *ts)
                    .number(key!("delivered"), *delivered)
                    .maybe_text(key!("saved_as"), *saved_as);
            }
            Body::Upload { file_id, offset, chunk_size } => {
                object
                    .number(key!("file_id"), *file_id)
                    .number(key!("offset"), *offset)
                    .number(key!("chunk_size"), *chunk_size);
            }
            Body::Piece { file_id, offset } => {
                object.number(key!("file_id"), *file_id).number(key!("offset"), *offset);
            }
            Body::History { with, group_name, messages, more, delivered, read } => {
                object
                    .maybe_plain(key!("with"), *with)
                    .maybe_plain(key!("group_name"), *group_name)
                    .array(key!("messages"), messages, |out, event| event.encode(out))
                    .truth(key!("more"), *more)
                    .number(key!("delivered"), *delivered)
                    .number(key!("read"), *read);
            }
            Body::Search { messages } => {
                object.array(key!("messages"), messages, |out, event| event.encode(out));
            }
            Body::Conversations(conversations) => {
                object.array(key!("conversations"), conversations, |out, conversation| {
                    let mut object = Object::begin(out);
                    object
                        .maybe_plain(key!("with"), conversation.with)
                        .maybe_plain(key!("group_name"), conversation.group_name);
                    if let Some(last) = &conversation.last {
                        object.event(key!("last"), last);
                    }
                    object
                        .number(key!("unread"), conversation.unread)
                        .number(key!("read"), conversation.read)
                        .end();
                });
            }
            Body::Users { users, details } => {
                object.texts(key!("users"), users);
                if let Some(details) = details {
                    object.array(key!("details"), details, |out, user| {
                        Object::begin(out)
                            .plain(key!("name"), user.name)
                            .truth(key!("online"), user.online)
                            .number(key!("last_seen"), user.last_seen)
                            .end();
                    });
                }
            }
            Body::Groups { groups, details } => {
                object.texts(key!("groups"), groups).array(
                    key!("details"),
                    details,
                    |out, group| {
                        Object::begin(out)
                            .plain(key!("name"), group.name)
                            .number(key!("members"), group.members as u64)
                            .plain(key!("role"), group.role.as_str())
                            .truth(key!("private"), group.private)
                            .end();
                    },
                );
            }
            Body::Members { group_name, members, details } => {
                object.plain(key!("group_name"), group_name).texts(key!("members"), members).array(
                    key!("details"),
                    details,
                    |out, member| {
                        Object::begin(out)
                            .plain(key!("name"), member.name)
                            .plain(key!("role"), member.role.as_str())
                            .truth(key!("online"), member.online)
                            .end();
                    },
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(frame: &impl Encode) -> String {
        let mut out = Vec::new();
        frame.encode(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_answer_repeats_the_id_and_says_why() {
        let id = RequestId::Number(3);
        let answer = Answer {
            kind: "message_response",
            code: Some(Code::UnknownUser),
            message: "não",
            id: Some(&id),
            body: Body::None,
        };
        assert_eq!(
            json(&answer),
            r#"{"type":"message_response","status":"error","code":"unknown_user","message":"não","id":3}"#
        );
        let answer = Answer {
            code: None,
            id: None,
            body: Body::Message { msg_id: 1, ts: 2, delivered: 3, saved_as: None },
            ..answer
        };
        assert_eq!(
            json(&answer),
            r#"{"type":"message_response","status":"success","message":"não","msg_id":1,"ts":2,"delivered":3}"#
        );
    }
}
