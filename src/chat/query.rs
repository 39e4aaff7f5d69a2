//! What the core asks the journal for, and what it gets: stored messages, in pages of bounded size.
//! And what is left of an earlier life when a server starts.

use super::entry::{ConversationId, Place, TokenHash};
use super::users::UserId;
use crate::wire::event::{MsgId, Role};
use crate::wire::name::{GroupName, UserName};
use crate::wire::request::{PageAt, RequestId, Sha256};

/// Which question an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub usize);

/// A stretch of one conversation that may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Nothing up to this number is shown: the user came in then.
    pub joined: MsgId,
    /// What is asked for comes after this number.
    pub after: MsgId,
    /// And up to this one.
    pub upto: MsgId,
}

/// A question to the journal. What is not committed when it is asked is not in the answer, unless
/// it is committed meanwhile and lies within the bounds of the question.
#[derive(Clone, Debug)]
pub enum Query {
    /// What somebody missed: of all these conversations together, by position.
    Missed {
        /// For whom.
        user: UserId,
        /// Where to look. At most one stretch of a conversation has messages at a time.
        scopes: Vec<Scope>,
        /// What the user wrote is missed, too (in another session).
        own: bool,
        /// Messages up to this one count as known: where they were changed within a scope (after the
        /// scope's `after`, up to its `upto`), the change is an item of its own. `None`: changes are
        /// not told, and deleted messages are left out.
        changes_upto: Option<MsgId>,
        /// Files come with their bytes.
        inline_files: bool,
    },
    /// A page of a conversation, oldest first.
    History {
        /// Of what, within its bounds: `joined` and `upto`.
        scope: Scope,
        /// Which part.
        at: PageAt,
        /// At most so many messages.
        limit: usize,
    },
    /// Messages that have all of these words, newest first.
    Search {
        /// The words, as somebody typed them.
        words: String,
        /// Where to look, from `joined` to `upto`.
        scopes: Vec<Scope>,
        /// At most so many messages.
        limit: usize,
    },
    /// The newest message of each conversation, and how many are unread.
    Conversations {
        /// Whose.
        user: UserId,
        /// Each with what the user has read, as `after`.
        scopes: Vec<Scope>,
    },
    /// One message.
    Message(MsgId),
    /// The message of one file.
    File(u64),
}

/// A stored message or file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Its number.
    pub msg_id: MsgId,
    /// The number before it in its conversation, 0 for the first.
    pub prev: MsgId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Who wrote it.
    pub sender: UserId,
    /// Milliseconds since 1970.
    pub ts: u64,
    /// What it says now; nothing when it was deleted.
    pub content: String,
    /// The message that it answers.
    pub reply_to: Option<MsgId>,
    /// The sender's own label for it.
    pub request: Option<RequestId<'static>>,
    /// It is a file.
    pub file: Option<FileRow>,
    /// What it says was changed.
    pub edited: bool,
    /// It says nothing any more.
    pub deleted: bool,
    /// Who reacted with what, first reaction first.
    pub reactions: Vec<(UserId, String)>,
}

/// What is stored of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileRow {
    /// Its safe name.
    pub name: String,
    /// The name under which the server keeps it.
    pub saved_as: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256. Files of an early store have none.
    pub sha256: Option<Sha256>,
    /// By which it is got.
    pub file_id: u64,
    /// Its bytes in base64, if they were asked for and are there.
    pub data: Option<String>,
}

/// One thing that somebody missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Where it stands in the order of everything: a message's number, or that of its change.
    pub position: MsgId,
    /// The message as it stands now.
    pub row: Row,
    /// The message is known, and was changed.
    pub change: bool,
}

/// An answer of the journal.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// Of `Missed`: by position, no more than one page.
    Missed {
        /// The items.
        items: Vec<Item>,
        /// There are more; the next question begins after the last position.
        more: bool,
    },
    /// Of `History` (oldest first), `Search` (newest first), `Message` and `File` (one or none).
    Rows {
        /// The messages.
        rows: Vec<Row>,
        /// There are more in the direction asked for.
        more: bool,
    },
    /// Of `Conversations`, in the order of the question: the newest message, and how many messages
    /// of others are unread, counted up to a limit.
    Conversations(Vec<(Option<Row>, u64)>),
    /// The store cannot be read.
    Failed,
    /// Of `Search`: too many wait to be answered.
    Busy,
}

impl Fetched {
    /// Every message in it.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        let (items, rows, newest): (&[Item], &[Row], &[_]) = match self {
            Self::Missed { items, .. } => (items, &[], &[]),
            Self::Rows { rows, .. } => (&[], rows, &[]),
            Self::Conversations(found) => (&[], &[], found),
            Self::Failed | Self::Busy => (&[], &[], &[]),
        };
        let items = items.iter().map(|item| &item.row);
        items.chain(rows).chain(newest.iter().filter_map(|(row, _)| row.as_ref()))
    }
}

/// All that the core must know again when a server starts.
#[derive(Clone, Debug, Default)]
pub struct Recovered {
    /// The highest number ever given.
    pub last: MsgId,
    /// Users, by number.
    pub users: Vec<StoredUser>,
    /// Private conversations.
    pub pairs: Vec<StoredPair>,
    /// Groups, also those deleted: who was in them may have messages to come.
    pub groups: Vec<StoredGroup>,
    /// Who was in which group and when; within a group, who came first is first.
    pub members: Vec<StoredMember>,
    /// Who has read which conversation up to which message.
    pub reads: Vec<(UserId, ConversationId, MsgId)>,
    /// The highest number of a conversation so far.
    pub conversations: u32,
    /// Uploads that were not finished.
    pub uploads: Vec<StoredUpload>,
    /// The bytes of the files that each user has sent and that are kept.
    pub file_bytes: Vec<(UserId, u64)>,
}

/// A user, as stored.
#[derive(Clone, Debug)]
pub struct StoredUser {
    /// The number.
    pub id: UserId,
    /// The name as shown.
    pub name: UserName,
    /// Everything up to this has arrived.
    pub cursor: MsgId,
    /// Milliseconds since 1970.
    pub last_seen_ms: u64,
    /// It was claimed once, with a token or a password.
    pub claimed: bool,
    /// The password as a PHC string.
    pub password: Option<String>,
    /// The hashes of tokens that are good, oldest first.
    pub tokens: Vec<TokenHash>,
}

/// A private conversation, as stored.
#[derive(Clone, Copy, Debug)]
pub struct StoredPair {
    /// The number.
    pub id: ConversationId,
    /// Between whom: the lower number first.
    pub users: (UserId, UserId),
    /// The newest message, 0 for none.
    pub newest: MsgId,
    /// The newest change of a message, 0 for none.
    pub changed: MsgId,
}

/// A group, as stored.
#[derive(Clone, Debug)]
pub struct StoredGroup {
    /// The number.
    pub id: ConversationId,
    /// The name as shown.
    pub name: GroupName,
    /// Joined only by being added.
    pub private: bool,
    /// It was deleted.
    pub deleted: bool,
    /// The newest message, 0 for none.
    pub newest: MsgId,
    /// The newest change of a message, 0 for none.
    pub changed: MsgId,
}

/// A time that a user was in a group, as stored.
#[derive(Clone, Copy, Debug)]
pub struct StoredMember {
    /// Which group.
    pub group: ConversationId,
    /// Who.
    pub user: UserId,
    /// What the member may do.
    pub role: Role,
    /// The number of the entry that brought the user in.
    pub since: MsgId,
    /// The number of the entry that took the user out.
    pub until: Option<MsgId>,
    /// Who added the user, unless it was the user itself.
    pub added_by: Option<UserId>,
    /// When, in milliseconds since 1970.
    pub ts: u64,
}

/// An upload that was not finished, as stored.
#[derive(Clone, Debug)]
pub struct StoredUpload {
    /// Its number.
    pub id: u64,
    /// Whose.
    pub user: UserId,
    /// To whom.
    pub to: Place,
    /// The file's safe name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: Sha256,
    /// When it began, in milliseconds since 1970.
    pub ts: u64,
}
