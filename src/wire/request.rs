//! What clients say: [`decode`] turns a frame into a [`Request`] whose fields are there and in range.

mod files;
mod label;
#[cfg(test)]
mod tests;

use super::{Code, Text, json};
use crate::limits::{
    EMOJI_BYTES_MAX, Limits, PAGE_MESSAGES, PAGE_MESSAGES_MAX, PASSWORD_BYTES_MAX, QUERY_BYTES_MAX,
    WIRE_NUMBER_MAX,
};

#[cfg(any(test, fuzzing))]
pub(crate) use super::fields::read_by_hand;
pub use super::fields::{Fields, RequestId};
use label::Label;

pub use files::{FileRequest, Sha256, sha256_from_hex, sha256_to_hex};

/// What a client knows beyond the first chat's events. What is not listed is not sent.
#[expect(clippy::struct_excessive_bools, reason = "six independent features, named as on the wire")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// `receipt` events.
    pub receipts: bool,
    /// `presence` events.
    pub presence: bool,
    /// `typing` events.
    pub typing: bool,
    /// Files as offers instead of inline.
    pub chunks: bool,
    /// `heartbeat_ping`, to be answered.
    pub heartbeat: bool,
    /// `group_event` events.
    pub groups: bool,
}

impl Features {
    fn parse(listed: &[Text<'_>]) -> Self {
        let has = |name: &str| listed.iter().any(|feature| &**feature == name);
        Self {
            receipts: has("receipts"),
            presence: has("presence"),
            typing: has("typing"),
            chunks: has("chunks"),
            heartbeat: has("heartbeat"),
            groups: has("groups"),
        }
    }
}

/// A `login`, as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login<'a> {
    /// The name, not parsed yet: the refusal of a bad one is the core's to give.
    pub username: Text<'a>,
    /// The name's password.
    pub password: Option<Text<'a>>,
    /// A token that a login got before.
    pub token: Option<Text<'a>>,
    /// It wants a token, and so to claim the name.
    pub want_token: bool,
    /// The newest message that this client has.
    pub since: Option<u64>,
    /// The language for sentences, if one was asked for.
    pub lang: Option<Text<'a>>,
    /// The features listed; `None` from the clients that know of none.
    pub features: Option<Features>,
}

/// A conversation as a client names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// With a user.
    User(Text<'a>),
    /// In a group.
    Group(Text<'a>),
}

impl Target<'_> {
    /// The same, owning its bytes.
    pub fn into_owned(self) -> Target<'static> {
        match self {
            Target::User(name) => Target::User(Text::from(name.into_owned())),
            Target::Group(name) => Target::Group(Text::from(name.into_owned())),
        }
    }
}

/// How a message is to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageChange<'a> {
    /// It says something else: 1 to [`Limits::content_bytes_max`] bytes.
    Edit(Text<'a>),
    /// It says nothing any more.
    Delete,
    /// Somebody's reaction to it, or none.
    React(Option<Text<'a>>),
}

/// Where a page of history lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageAt {
    /// The newest messages.
    Newest,
    /// The newest of those older than this one.
    Before(u64),
    /// The oldest of those newer than this one.
    After(u64),
}

/// What is to be done with a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupRequest<'a> {
    /// `create_group`
    Create {
        /// Joined only by being added.
        private: bool,
    },
    /// `join_group`
    Join,
    /// `leave_group`
    Leave,
    /// `add_member`
    Add(Text<'a>),
    /// `remove_member`
    Remove(Text<'a>),
    /// `promote_member`
    Promote(Text<'a>),
    /// `demote_member`
    Demote(Text<'a>),
    /// `rename_group`
    Rename(Text<'a>),
    /// `delete_group`
    Delete,
    /// `list_group_members`
    Members,
}

impl GroupRequest<'_> {
    /// The same, owning its bytes.
    pub fn into_owned(self) -> GroupRequest<'static> {
        let owned = |name: Text<'_>| Text::from(name.into_owned());
        match self {
            GroupRequest::Create { private } => GroupRequest::Create { private },
            GroupRequest::Join => GroupRequest::Join,
            GroupRequest::Leave => GroupRequest::Leave,
            GroupRequest::Add(name) => GroupRequest::Add(owned(name)),
            GroupRequest::Remove(name) => GroupRequest::Remove(owned(name)),
            GroupRequest::Promote(name) => GroupRequest::Promote(owned(name)),
            GroupRequest::Demote(name) => GroupRequest::Demote(owned(name)),
            GroupRequest::Rename(name) => GroupRequest::Rename(owned(name)),
            GroupRequest::Delete => GroupRequest::Delete,
            GroupRequest::Members => GroupRequest::Members,
        }
    }
}

/// A request whose fields are there and in range. Whether the names in it exist, the core knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// `login`
    Login(Login<'a>),
    /// `logout`
    Logout {
        /// Every session ends, and no token is good any more.
        everywhere: bool,
    },
    /// `set_password`
    SetPassword {
        /// The new one.
        password: Text<'a>,
        /// The one until now, if there is one.
        old_password: Option<Text<'a>>,
    },
    /// `ping`
    Ping,
    /// `heartbeat_ack`
    HeartbeatAck,
    /// `received`
    Received {
        /// Everything up to it has arrived.
        msg_id: u64,
    },
    /// `read`
    Read {
        /// In which conversation.
        place: Target<'a>,
        /// Everything up to it has been read.
        msg_id: u64,
    },
    /// `list_users`
    ListUsers {
        /// Also who is away.
        all: bool,
    },
    /// `private_message` and `group_message`
    Message {
        /// To whom.
        to: Target<'a>,
        /// 1 to [`Limits::content_bytes_max`] bytes.
        content: Text<'a>,
        /// The message that this one answers.
        reply_to: Option<u64>,
    },
    /// `edit_message`, `delete_message` and `react`
    Change {
        /// Which message.
        msg_id: u64,
        /// How.
        what: MessageChange<'a>,
    },
    /// `history`
    History {
        /// Of which conversation.
        place: Target<'a>,
        /// Which part of it.
        at: PageAt,
        /// At most so many messages.
        limit: usize,
    },
    /// `search`
    Search {
        /// Words, each of which a message must have.
        query: Text<'a>,
        /// In this conversation alone.
        place: Option<Target<'a>>,
        /// At most so many messages.
        limit: usize,
    },
    /// `list_conversations`
    ListConversations,
    /// `typing`
    Typing(Target<'a>),
    /// `list_groups`
    ListGroups,
    /// What concerns one group, by name.
    Group {
        /// The group's name.
        name: Text<'a>,
        /// What is to be done.
        what: GroupRequest<'a>,
    },
    /// `file_begin`, `file_chunk`, `file_end`, `file_cancel` and `file_get`
    File(FileRequest<'a>),
    /// `send_file`
    SendFile {
        /// To whom.
        to: Target<'a>,
        /// What the sender calls it.
        filename: Text<'a>,
        /// Its bytes in base64.
        data: Text<'a>,
    },
}

/// Why a request is refused, with the field that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code of PROTOCOL.md, section 8.
    pub code: Code,
    /// The field, where one is to blame.
    pub field: Option<&'static str>,
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self { code, field: None }
    }
}

/// A frame, understood as far as it goes: even a refused one has its `id` and the type of its answer.
#[derive(Clone, Debug)]
pub struct Envelope<'a> {
    /// The client's label.
    pub id: Option<RequestId<'a>>,
    /// The `type` that the answer has.
    pub answer: &'static str,
    /// The names under which the client claims to speak, for the old clients' sake.
    pub speakers: [Option<Text<'a>>; 4],
    /// What is asked, or why not.
    pub request: Result<Request<'a>, Refusal>,
}

/// Reads one frame.
pub fn decode<'a>(frame: &'a [u8], limits: &Limits) -> Envelope<'a> {
    let mut fields = Fields::default();
    match parse(frame, &mut fields, limits.json_depth_max) {
        Ok(()) => read(&mut fields, limits),
        Err((refusal, label)) => Envelope {
            id: label.id,
            answer: label.kind.as_deref().map_or("error", answer_type),
            speakers: Default::default(),
            request: Err(refusal),
        },
    }
}

fn parse<'a>(
    frame: &'a [u8],
    fields: &mut Fields<'a>,
    depth_max: usize,
) -> Result<(), (Refusal, Label)> {
    let invalid = || (Refusal::from(Code::InvalidJson), Label::default());
    // serde_json takes an array for a struct, too; a request is an object.
    if frame.trim_ascii_start().first() != Some(&b'{') {
        return Err(invalid());
    }
    let text = simdutf8::basic::from_utf8(frame).map_err(|_| invalid())?;
    if json::read_plain(text, fields) {
        return Ok(());
    }
    // Before anything is built of it.
    json::weigh(text, depth_max).map_err(|code| (code.into(), Label::default()))?;
    *fields = serde_json::from_str(text).map_err(|error| {
        if error.classify() != serde_json::error::Category::Data {
            return invalid();
        }
        // JSON, but a field has the wrong type. The answer is still labelled, as far as that is sound.
        match Label::read(text) {
            Some(label) => (Refusal::from(Code::InvalidField), label),
            None => invalid(),
        }
    })?;
    Ok(())
}

/// How to read each request.
fn read<'a>(fields: &mut Fields<'a>, limits: &Limits) -> Envelope<'a> {
    let id = fields.id.take();
    let Some(kind) = fields.kind.take() else {
        let refusal = Refusal { code: Code::MissingField, field: Some("type") };
        return Envelope {
            id,
            answer: "error",
            speakers: Default::default(),
            request: Err(refusal),
        };
    };
    let login = &*kind == "login";
    let speakers = [
        fields.sender.take(),
        fields.creator.take(),
        fields.requester.take(),
        if login { None } else { fields.username.take() },
    ];
    let mut fields = Reader(fields, limits);
    let request = match &*kind {
        "private_message" => fields.message(Kind::User),
        "group_message" => fields.message(Kind::Group),
        "login" => fields.login(),
        "logout" => Ok(Request::Logout { everywhere: fields.0.everywhere.unwrap_or(false) }),
        "set_password" => fields.set_password(),
        "ping" => Ok(Request::Ping),
        "heartbeat_ack" => Ok(Request::HeartbeatAck),
        "received" => fields.msg_id().map(|msg_id| Request::Received { msg_id }),
        "read" => fields.read(),
        "edit_message" => fields.edit(),
        "delete_message" => fields.change(|_| Ok(MessageChange::Delete)),
        "react" => fields.change(Reader::reaction),
        "history" => fields.history(),
        "search" => fields.search(),
        "list_conversations" => Ok(Request::ListConversations),
        "typing" => fields.target().map(Request::Typing),
        "list_users" => Ok(Request::ListUsers { all: fields.0.all.unwrap_or(false) }),
        "list_groups" => Ok(Request::ListGroups),
        "create_group" => fields.create_group(),
        "join_group" => fields.group(|_| Ok(GroupRequest::Join)),
        "leave_group" => fields.group(|_| Ok(GroupRequest::Leave)),
        "delete_group" => fields.group(|_| Ok(GroupRequest::Delete)),
        "rename_group" => fields.group(|f| f.new_name().map(GroupRequest::Rename)),
        "add_member" => fields.group(|f| f.new_member().map(GroupRequest::Add)),
        "remove_member" => fields.group(|f| f.member().map(GroupRequest::Remove)),
        "promote_member" => fields.group(|f| f.member().map(GroupRequest::Promote)),
        "demote_member" => fields.group(|f| f.member().map(GroupRequest::Demote)),
        "list_group_members" => fields.group(|_| Ok(GroupRequest::Members)),
        "send_file" => fields.send_file(),
        "file_begin" => fields.file_begin(),
        "file_chunk" => fields.file_chunk(),
        "file_end" => fields.file(|f| Ok(FileRequest::End { file_id: f.file_id()? })),
        "file_cancel" => fields.file(|f| Ok(FileRequest::Cancel { file_id: f.file_id()? })),
        "file_get" => fields.file(|f| {
            let (offset, length) = (f.0.offset.unwrap_or(0), f.0.length);
            Ok(FileRequest::Get { file_id: f.file_id()?, offset, length })
        }),
        _ => Err(Code::UnknownType.into()),
    };
    Envelope { id, answer: answer_type(&kind), speakers, request }
}

/// The `type` of the answer to each request, whether it is done or refused.
fn answer_type(kind: &str) -> &'static str {
    match kind {
        "private_message" | "group_message" | "edit_message" | "delete_message" | "react" => {
            "message_response"
        }
        "login" => "login_response",
        "logout" | "set_password" => "account_response",
        "history" => "history_response",
        "search" => "search_response",
        "list_conversations" => "conversations",
        "ping" => "pong",
        "list_users" => "users_list",
        "list_groups" => "groups_list",
        "create_group" | "join_group" | "leave_group" | "delete_group" | "rename_group" => {
            "group_response"
        }
        "add_member" | "remove_member" | "promote_member" | "demote_member" => "member_response",
        "list_group_members" => "members_list_response",
        "send_file" | "file_begin" | "file_end" | "file_cancel" | "file_get" => "file_response",
        "file_chunk" => "file_ack",
        // Those without an answer, and those that are none.
        _ => "error",
    }
}

#[derive(Clone, Copy)]
enum Kind {
    User,
    Group,
}

/// Takes fields out, and refuses where one is missing.
struct Reader<'f, 'a>(&'f mut Fields<'a>, &'f Limits);

impl<'a> Reader<'_, 'a> {
    fn message(&mut self, kind: Kind) -> Result<Request<'a>, Refusal> {
        let to = match kind {
            Kind::User => Target::User(required("recipient", self.0.recipient.take())?),
            Kind::Group => Target::Group(self.group_name()?),
        };
        let content = self.content()?;
        if self.0.reply_to.is_some_and(|msg_id| msg_id > WIRE_NUMBER_MAX) {
            return Err(Refusal { code: Code::InvalidField, field: Some("reply_to") });
        }
        Ok(Request::Message { to, content, reply_to: self.0.reply_to })
    }

    fn content(&mut self) -> Result<Text<'a>, Refusal> {
        let content = required("content", self.0.content.take())?;
        if content.len() > self.1.content_bytes_max {
            return Err(Refusal { code: Code::TooLarge, field: Some("content") });
        }
        Ok(content)
    }

    fn msg_id(&mut self) -> Result<u64, Refusal> {
        match self.0.msg_id {
            None => Err(Refusal { code: Code::MissingField, field: Some("msg_id") }),
            Some(msg_id) if msg_id > WIRE_NUMBER_MAX => {
                Err(Refusal { code: Code::InvalidField, field: Some("msg_id") })
            }
            Some(msg_id) => Ok(msg_id),
        }
    }

    fn read(&mut self) -> Result<Request<'a>, Refusal> {
        Ok(Request::Read { place: self.target()?, msg_id: self.msg_id()? })
    }

    fn edit(&mut self) -> Result<Request<'a>, Refusal> {
        self.change(|fields| fields.content().map(MessageChange::Edit))
    }

    fn change(
        &mut self,
        what: impl FnOnce(&mut Self) -> Result<MessageChange<'a>, Refusal>,
    ) -> Result<Request<'a>, Refusal> {
        Ok(Request::Change { msg_id: self.msg_id()?, what: what(self)? })
    }

    fn reaction(&mut self) -> Result<MessageChange<'a>, Refusal> {
        let emoji = self.0.emoji.take();
        let emoji = emoji.ok_or(Refusal { code: Code::MissingField, field: Some("emoji") })?;
        if emoji.len() > EMOJI_BYTES_MAX || emoji.chars().any(char::is_control) {
            return Err(Refusal { code: Code::InvalidField, field: Some("emoji") });
        }
        Ok(MessageChange::React((!emoji.is_empty()).then_some(emoji)))
    }

    fn history(&mut self) -> Result<Request<'a>, Refusal> {
        let at = match (self.0.before, self.0.after) {
            (None, None) => PageAt::Newest,
            (Some(msg_id), None) => PageAt::Before(msg_id),
            (None, Some(msg_id)) => PageAt::After(msg_id),
            (Some(_), Some(_)) => {
                return Err(Refusal { code: Code::InvalidField, field: Some("after") });
            }
        };
        Ok(Request::History { place: self.target()?, at, limit: self.limit() })
    }

    fn search(&mut self) -> Result<Request<'a>, Refusal> {
        let query = required("query", self.0.query.take())?;
        if query.len() > QUERY_BYTES_MAX {
            return Err(Refusal { code: Code::TooLarge, field: Some("query") });
        }
        let anywhere = self.0.with.is_none() && self.0.group_name.is_none();
        let place = if anywhere { None } else { Some(self.target()?) };
        Ok(Request::Search { query, place, limit: self.limit() })
    }

    fn limit(&self) -> usize {
        let limit = self.0.limit.map_or(PAGE_MESSAGES, |limit| limit.max(1));
        usize::try_from(limit).unwrap_or(PAGE_MESSAGES_MAX).min(PAGE_MESSAGES_MAX)
    }

    fn set_password(&mut self) -> Result<Request<'a>, Refusal> {
        let new = password("password", self.0.password.take())?;
        let old_password = password("old_password", self.0.old_password.take())?;
        Ok(Request::SetPassword { password: required("password", new)?, old_password })
    }

    fn login(&mut self) -> Result<Request<'a>, Refusal> {
        let fields = &mut *self.0;
        Ok(Request::Login(Login {
            username: required("username", fields.username.take())?,
            password: password("password", fields.password.take())?,
            token: password("token", fields.token.take())?,
            want_token: fields.want_token.unwrap_or(false),
            since: fields.since,
            lang: fields.lang.take(),
            features: fields.features.take().map(|listed| Features::parse(&listed)),
        }))
    }

    fn target(&mut self) -> Result<Target<'a>, Refusal> {
        match (self.0.with.take(), self.0.group_name.take()) {
            (Some(user), None) => Ok(Target::User(required("with", Some(user))?)),
            (None, group) => Ok(Target::Group(required("group_name", group)?)),
            (Some(_), Some(_)) => Err(Refusal { code: Code::InvalidField, field: Some("with") }),
        }
    }

    fn group(
        &mut self,
        what: impl FnOnce(&mut Self) -> Result<GroupRequest<'a>, Refusal>,
    ) -> Result<Request<'a>, Refusal> {
        let name = self.group_name()?;
        Ok(Request::Group { name, what: what(self)? })
    }

    fn create_group(&mut self) -> Result<Request<'a>, Refusal> {
        let private = self.0.private.unwrap_or(false);
        self.group(|_| Ok(GroupRequest::Create { private }))
    }

    fn group_name(&mut self) -> Result<Text<'a>, Refusal> {
        required("group_name", self.0.group_name.take())
    }

    fn new_member(&mut self) -> Result<Text<'a>, Refusal> {
        required("new_member", self.0.new_member.take())
    }

    fn member(&mut self) -> Result<Text<'a>, Refusal> {
        required("member", self.0.member.take())
    }

    fn new_name(&mut self) -> Result<Text<'a>, Refusal> {
        required("new_name", self.0.new_name.take())
    }
}

fn required<'a>(field: &'static str, value: Option<Text<'a>>) -> Result<Text<'a>, Refusal> {
    value
        .filter(|value| !value.is_empty())
        .ok_or(Refusal { code: Code::MissingField, field: Some(field) })
}

/// A secret of reasonable length: hashing it costs time for each byte.
fn password<'a>(field: &'static str, value: Option<Text<'a>>) -> Result<Option<Text<'a>>, Refusal> {
    match value {
        Some(value) if value.len() > PASSWORD_BYTES_MAX => {
            Err(Refusal { code: Code::TooLarge, field: Some(field) })
        }
        value => Ok(value),
    }
}
