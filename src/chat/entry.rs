//! What must survive: the entries that the core hands to the journal, and what comes back.
//!
//! A turn's entries travel as one [`Batch`], whose texts lie in one buffer, so that a message costs
//! no allocation of its own. Nothing in a batch has happened until it comes back [`Committed`].

use std::ops::Range;

use super::groups::GroupId;
use super::session::SessionId;
use super::users::UserId;
use crate::wire::event::MsgId;
use crate::wire::name::{FileName, GroupName, UserName};
use crate::wire::request::{RequestId, Sha256};
use crate::wire::{Code, Text};

/// Where a message goes: a conversation's other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// To one user.
    User(UserId),
    /// To a group.
    Group(GroupId),
}

/// The number of a conversation, be it of two users or of a group: never given to a second one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConversationId(pub u32);

/// A stretch of a batch's text.
pub type Span = Range<usize>;

/// A request's `id`, its text in the batch.
#[derive(Clone, Debug)]
pub enum IdSpan {
    /// An integer.
    Number(i64),
    /// A string.
    Text(Span),
}

/// Who asked for an entry: where its answer goes.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The session.
    pub session: SessionId,
    /// Its user.
    pub user: UserId,
    /// The request's `id`.
    pub id: Option<IdSpan>,
}

/// One thing that must survive.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Who asked for it.
    pub origin: Origin,
    /// What it is.
    pub what: What,
}

/// What an entry says.
#[derive(Clone, Debug)]
pub enum What {
    /// The origin's user exists from now on.
    Account(Box<Account>),
    /// How the origin's user proves who it is.
    Credential(Credential),
    /// A message.
    Message {
        /// To whom.
        to: Place,
        /// In which conversation, which may be new.
        conversation: ConversationId,
        /// What it says.
        content: Span,
        /// It came without escapes.
        plain: bool,
        /// The message that it answers.
        reply_to: Option<MsgId>,
    },
    /// A file.
    File {
        /// To whom.
        to: Place,
        /// In which conversation, which may be new.
        conversation: ConversationId,
        /// The file, kept already. In a box, so that the entries of messages stay small.
        file: Box<KeptFile>,
    },
    /// A file is on its way, in pieces. The entry's number is the upload's.
    Upload(Box<Upload>),
    /// An upload came to nothing.
    UploadGone(u64),
    /// A change of a group or of its members.
    Group {
        /// Which group. A new one has its id from the core.
        group: GroupId,
        /// What changes.
        change: Box<Change>,
    },
    /// A change of a message that is there.
    Changed {
        /// Which message.
        msg_id: MsgId,
        /// In which conversation.
        conversation: ConversationId,
        /// How.
        change: Changed,
    },
    /// The origin's user has everything up to a message.
    Seen {
        /// Which message.
        cursor: MsgId,
        /// When the user was last there, milliseconds since 1970.
        last_seen_ms: u64,
    },
    /// The origin's user has read a conversation up to a message.
    Read {
        /// Which conversation.
        conversation: ConversationId,
        /// Up to which message.
        msg_id: MsgId,
    },
    /// A message that was stored and could not stand is no more.
    Forget(MsgId),
}

/// A user who comes for the first time.
#[derive(Clone, Debug)]
pub struct Account {
    /// As it is shown.
    pub name: UserName,
    /// It claims the name with this token.
    pub token: Option<TokenHash>,
}

/// The SHA-256 of a token (FIPS 180-4): all that the server keeps of it.
pub type TokenHash = [u8; 32];

/// A change of how a user proves who it is.
#[derive(Clone, Debug)]
pub enum Credential {
    /// This password from now on, as a PHC string.
    Password(String),
    /// One more token is good.
    Token(TokenHash),
    /// A token is good no more.
    Revoked(TokenHash),
    /// No token is good any more.
    AllRevoked,
}

/// How a message is changed.
#[derive(Clone, Debug)]
pub enum Changed {
    /// It says this from now on.
    Edited(Span),
    /// It says nothing any more.
    Deleted,
    /// The origin's user reacts with this, or takes a reaction back.
    Reacted(Option<Span>),
}

/// A file that is to come in pieces.
#[derive(Clone, Debug)]
pub struct Upload {
    /// To whom.
    pub to: Place,
    /// Its safe name.
    pub name: FileName,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: Sha256,
}

/// A file that is on the disk.
#[derive(Clone, Debug)]
pub struct KeptFile {
    /// Its safe name.
    pub name: String,
    /// The name under which the server keeps it.
    pub saved_as: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: Sha256,
    /// The number of its upload, if it came in pieces: by this it is got. A whole one is got by the
    /// number of its message.
    pub upload: Option<u64>,
    /// Its bytes in base64.
    pub data: String,
}

/// A change of a group, decided and not yet in force.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each is the request of the same name")]
pub enum Change {
    Create {
        name: GroupName,
        private: bool,
    },
    Join,
    /// By writing to an open group; its message says what there is to say.
    JoinToWrite,
    Leave,
    Add(UserId),
    Remove(UserId),
    Promote(UserId),
    Demote(UserId),
    Rename(GroupName),
    Delete,
    /// This member takes over, because no admin is left.
    Inherit(UserId),
}

/// One turn's entries, in the order in which they were decided.
#[derive(Debug, Default)]
pub struct Batch {
    text: String,
    entries: Vec<Entry>,
    /// When it was handed to the journal, in milliseconds since 1970: the time of its messages.
    pub wall_ms: u64,
}

impl Batch {
    /// Whether there is nothing to hand over.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries, first decided first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The text of a span.
    pub fn text(&self, span: &Span) -> &str {
        &self.text[span.clone()]
    }

    /// The `id` of an entry's request.
    pub fn request_id(&self, entry: &Entry) -> Option<RequestId<'_>> {
        entry.origin.id.as_ref().map(|id| match id {
            IdSpan::Number(number) => RequestId::Number(*number),
            IdSpan::Text(span) => RequestId::Text(Text::from(self.text(span))),
        })
    }

    /// Takes the file's bytes out of an entry.
    pub(crate) fn take_file_data(&mut self, at: usize) -> String {
        match self.entries.get_mut(at).map(|entry| &mut entry.what) {
            Some(What::File { file, .. }) => std::mem::take(&mut file.data),
            _ => String::new(),
        }
    }

    /// Makes the batch empty, keeping its memory unless one turn made it unusually large.
    pub fn clear(&mut self) {
        const KEPT_BYTES: usize = 1024 * 1024;
        self.text.clear();
        self.text.shrink_to(KEPT_BYTES);
        self.entries.clear();
        self.entries.shrink_to(KEPT_BYTES / size_of::<Entry>());
    }

    pub(crate) fn push(
        &mut self,
        (session, user): (SessionId, UserId),
        id: Option<&RequestId<'_>>,
        what: What,
    ) {
        let id = id.map(|id| match id {
            RequestId::Number(number) => IdSpan::Number(*number),
            RequestId::Text(text) => IdSpan::Text(self.push_text(text)),
        });
        self.entries.push(Entry { origin: Origin { session, user, id }, what });
    }

    pub(crate) fn push_text(&mut self, text: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }
}

/// What became of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is stored, under this number.
    Stored(MsgId),
    /// The same request was stored before, under this number; nothing new was.
    Duplicate(MsgId),
    /// The request's `id` belongs to another message.
    Conflict,
    /// It is not stored, for this reason.
    Failed(Code),
}

/// A batch that has been stored, with one outcome per entry.
#[derive(Debug)]
pub struct Committed {
    /// The entries.
    pub batch: Batch,
    /// What became of each.
    pub outcomes: Vec<Outcome>,
}
