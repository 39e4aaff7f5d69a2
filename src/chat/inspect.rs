//! What a test may look at from outside.

use super::Chat;
use crate::wire::event::MsgId;

impl Chat {
    /// The highest number that was committed.
    pub(crate) fn last_number(&self) -> MsgId {
        self.last
    }

    /// How far each user is.
    pub(crate) fn cursors(&self) -> impl Iterator<Item = (&str, MsgId)> {
        self.users.known().map(|user| (user.name.as_str(), user.cursor))
    }

    /// The bytes of each user's files.
    pub(crate) fn file_bytes(&self) -> impl Iterator<Item = (&str, u64)> {
        self.users.known().map(|user| (user.name.as_str(), user.file_bytes))
    }
}
