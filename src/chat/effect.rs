//! What the core wants done outside: data, carried out by the shell in this order.

use std::ops::Range;
use std::sync::Arc;

use super::counts::Counts;
use super::entry::{Batch, TokenHash};
use super::held::{Gauge, Held};
use super::query::{Query, Ticket};
use super::session::SessionId;
use crate::limits::SHARED_FRAME_BYTES_MIN;
use crate::wire::Code;
use crate::wire::event::{Encode, MsgId, mark_backlog};
use crate::wire::name::{FileName, UserName};
use crate::wire::request::Sha256;

/// The JSON of one frame, encoded once for all its recipients.
#[derive(Clone, Debug)]
pub enum Frame {
    /// In the effects' own buffer; copied to each recipient.
    Small(Range<usize>),
    /// Large: shared by its recipients.
    Shared(Arc<Held>),
}

/// What happens to a frame when its reader is too slow for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It belongs to a request: its reader must take it or go.
    Answer,
    /// It stands in the journal under this number, so it may come later: its session falls behind,
    /// [`super::Chat::fell_behind`].
    Kept(MsgId),
    /// The same, read back from the journal for a session that is behind, or what follows on it. Its
    /// reader asked for no more than one page, so there is room.
    Fed(MsgId),
    /// It is of the moment; dropped.
    Passing,
}

/// One thing to do.
#[derive(Clone, Debug)]
pub enum Effect {
    /// A frame for one session.
    Send {
        /// Whose.
        to: SessionId,
        /// The frame.
        frame: Frame,
        /// What happens when the session does not read.
        class: Class,
    },
    /// A frame for many sessions: [`Effects::targets`] of this range.
    Broadcast {
        /// Whose.
        to: Range<usize>,
        /// The frame.
        frame: Frame,
        /// What happens when a session does not read.
        class: Class,
    },
    /// The session has a user now.
    LoggedIn {
        /// Which session.
        session: SessionId,
        /// Its user, as shown.
        name: String,
        /// It asked for heartbeats.
        heartbeat: bool,
    },
    /// The user of a session is gone.
    LoggedOut {
        /// As shown.
        name: String,
    },
    /// The session waits no longer: its next request may be handled.
    Resume(SessionId),
    /// The session is behind: call [`super::Chat::feed`] when its output is low.
    Feed(SessionId),
    /// The session is behind no more: kept frames are for it again.
    CaughtUp(SessionId),
    /// Close when everything before has been written.
    Close(SessionId),
    /// The same, of one that was refused.
    Reject(SessionId),
}

/// A secret to be made or checked, off the loop; the result comes back with
/// [`super::Chat::checked`].
#[derive(Clone, Debug)]
pub enum Check {
    /// A new token.
    Token(Ticket),
    /// Whether this is the password. Against none, it is not, and that takes as long to say.
    Password {
        /// The question's number.
        ticket: Ticket,
        /// As somebody gave it.
        password: String,
        /// As a PHC string.
        against: Option<String>,
        /// It is not looked at before this time, in milliseconds of the monotonic clock.
        not_before_ms: u64,
        /// From where it comes, if that counts.
        from: Option<u64>,
    },
    /// A password to be kept, if the old one is right.
    NewPassword {
        /// The question's number.
        ticket: Ticket,
        /// The new one.
        password: String,
        /// The old one as somebody gave it, and as it is kept.
        old: Option<(String, String)>,
        /// It is not looked at before this time, in milliseconds of the monotonic clock.
        not_before_ms: u64,
        /// From where it comes, if that counts.
        from: Option<u64>,
    },
}

impl Check {
    /// The question's number.
    pub fn ticket(&self) -> Ticket {
        match self {
            Check::Token(ticket)
            | Check::Password { ticket, .. }
            | Check::NewPassword { ticket, .. } => *ticket,
        }
    }

    /// Until when it is held up, in milliseconds of the monotonic clock, and from where it comes.
    pub fn held_up(&self) -> (u64, Option<u64>) {
        match self {
            Check::Token(_) => (0, None),
            Check::Password { not_before_ms, from, .. }
            | Check::NewPassword { not_before_ms, from, .. } => (*not_before_ms, *from),
        }
    }
}

/// What a [`Check`] found.
#[derive(Clone, Debug)]
pub enum Checked {
    /// A token: its text, which the server forgets, and its hash.
    Token(String, TokenHash),
    /// The password is right, or is not.
    Password(bool),
    /// The new password as a PHC string; nothing if the old one is wrong.
    NewPassword(Option<String>),
    /// Too many wait to be checked.
    Busy,
}

/// A file to be decoded and kept, off the loop; the result comes back with [`super::Chat::saved`].
#[derive(Clone, Debug)]
pub struct Save {
    /// Which transfer, for the way back.
    pub transfer: usize,
    /// Who sent it.
    pub sender: UserName,
    /// What it is called.
    pub filename: FileName,
    /// Its bytes in base64 (RFC 4648, section 4).
    pub data: String,
}

/// Something to be done with a file in pieces, off the loop; jobs for one file are done in order. The
/// results come back with [`super::Chat::file_done`].
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each field is that of the upload or of the request")]
pub enum FileJob {
    /// How much of an upload is there, and whether there is room for the rest.
    Open { file_id: u64, size: u64 },
    /// Its next bytes, in base64.
    Write { ticket: Ticket, file_id: u64, data: String },
    /// It is whole: compare the hash and give it its name.
    Finish { file_id: u64, sender: UserName, filename: FileName, sha256: Sha256 },
    /// It comes to nothing.
    Drop { file_id: u64 },
    /// The pieces of a kept file between two places, as frames. At `end` its reader has all.
    Read { session: SessionId, file_id: u64, saved_as: String, from: u64, upto: u64, end: u64 },
}

/// What became of a [`FileJob`].
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "as those of the jobs")]
pub enum FileDone {
    /// So many bytes are there.
    Opened { file_id: u64, received: Result<u64, Code> },
    /// So many bytes are there now.
    Written { ticket: Ticket, received: Result<u64, Code> },
    /// It is kept under this name.
    Finished { file_id: u64, saved_as: Result<String, Code> },
    /// The frames, each the JSON of one.
    Read { session: SessionId, frames: Result<Vec<Vec<u8>>, Code>, upto: u64 },
}

/// What became of a file that was to be kept.
#[derive(Clone, Debug)]
pub struct Saved {
    /// Which transfer.
    pub transfer: usize,
    /// The base64 text, handed back.
    pub data: String,
    /// The name under which it is kept, its size in bytes and its SHA-256, or why it is not.
    pub result: Result<(String, u64, Sha256), Code>,
}

/// What the core wants done, and what it wants stored.
///
/// The shell drains the list after every call into the core; the batch gathers for a whole turn.
#[derive(Debug, Default)]
pub struct Effects {
    list: Vec<Effect>,
    bytes: Vec<u8>,
    targets: Vec<SessionId>,
    saves: Vec<Save>,
    discards: Vec<String>,
    queries: Vec<(Ticket, Query)>,
    file_jobs: Vec<FileJob>,
    checks: Vec<Check>,
    gauge: Gauge,
    /// What must survive, handed to the journal once a turn.
    pub batch: Batch,
    /// Deliveries that the entries of this turn will cause: the measure of a turn's work.
    pub deliveries: usize,
    /// What has been done since the start.
    pub counts: Counts,
}

impl Effects {
    /// Whether there is nothing to carry out. The batch does not count: it waits for the turn's end.
    pub fn is_drained(&self) -> bool {
        self.list.is_empty()
            && self.saves.is_empty()
            && self.discards.is_empty()
            && self.queries.is_empty()
            && self.file_jobs.is_empty()
            && self.checks.is_empty()
    }

    /// The effects, in order.
    pub fn list(&self) -> &[Effect] {
        &self.list
    }

    /// The bytes of a frame.
    pub fn bytes<'a>(&'a self, frame: &'a Frame) -> &'a [u8] {
        match frame {
            Frame::Small(range) => &self.bytes[range.clone()],
            Frame::Shared(bytes) => bytes,
        }
    }

    /// A frame's bytes in a buffer that outlives the effects.
    pub fn hold(&self, frame: &Frame) -> Arc<Held> {
        match frame {
            Frame::Small(range) => Held::new(self.bytes[range.clone()].to_vec(), &self.gauge),
            Frame::Shared(held) => Arc::clone(held),
        }
    }

    /// How many bytes are held, wherever they are.
    pub fn gauge(&self) -> &Gauge {
        &self.gauge
    }

    /// The recipients of a broadcast.
    pub fn targets(&self, range: &Range<usize>) -> &[SessionId] {
        &self.targets[range.clone()]
    }

    /// Takes the files out that are to be kept, in order.
    pub fn take_saves(&mut self, mut keep: impl FnMut(Save)) {
        for save in self.saves.drain(..) {
            keep(save);
        }
    }

    /// Takes the names of kept files out that are not wanted after all.
    pub fn take_discards(&mut self, mut discard: impl FnMut(String)) {
        for saved_as in self.discards.drain(..) {
            discard(saved_as);
        }
    }

    /// Takes the questions out that are for the journal.
    pub fn take_queries(&mut self, mut ask: impl FnMut(Ticket, Query)) {
        for (ticket, query) in self.queries.drain(..) {
            ask(ticket, query);
        }
    }

    /// Takes out what is to be done with files in pieces, in order.
    pub fn take_file_jobs(&mut self, mut give: impl FnMut(FileJob)) {
        for job in self.file_jobs.drain(..) {
            give(job);
        }
    }

    /// Takes the secrets out that are to be made or checked.
    pub fn take_checks(&mut self, mut check: impl FnMut(Check)) {
        for asked in self.checks.drain(..) {
            check(asked);
        }
    }

    /// Forgets what was carried out, keeping the memory unless one call made it unusually large.
    pub fn drained(&mut self) {
        const KEPT_BYTES: usize = 1024 * 1024;
        self.list.clear();
        self.list.shrink_to(KEPT_BYTES / size_of::<Effect>());
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.targets.clear();
        self.targets.shrink_to(KEPT_BYTES / size_of::<SessionId>());
    }

    pub(super) fn push(&mut self, effect: Effect) {
        self.list.push(effect);
    }

    pub(super) fn discard(&mut self, saved_as: String) {
        self.discards.push(saved_as);
    }

    pub(super) fn save(&mut self, save: Save) {
        self.saves.push(save);
    }

    pub(super) fn ask(&mut self, ticket: Ticket, query: Query) {
        self.queries.push((ticket, query));
    }

    pub(super) fn file_job(&mut self, job: FileJob) {
        self.file_jobs.push(job);
    }

    pub(super) fn check(&mut self, check: Check) {
        self.checks.push(check);
    }

    /// Encodes a frame, for any number of recipients.
    pub(super) fn encode(&mut self, frame: &impl Encode) -> Frame {
        let start = self.bytes.len();
        frame.encode(&mut self.bytes);
        self.frame_from(start)
    }

    /// The same, marked as missed.
    pub(super) fn encode_missed(&mut self, frame: &impl Encode) -> Frame {
        let start = self.bytes.len();
        frame.encode(&mut self.bytes);
        mark_backlog(&mut self.bytes);
        self.frame_from(start)
    }

    /// A frame whose JSON was made elsewhere.
    pub(super) fn own(&mut self, json: Vec<u8>) -> Frame {
        Frame::Shared(Held::new(json, &self.gauge))
    }

    /// A frame that was held.
    pub(super) fn put(&mut self, held: Arc<Held>) -> Frame {
        if held.len() >= SHARED_FRAME_BYTES_MIN {
            return Frame::Shared(held);
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&held);
        self.frame_from(start)
    }

    pub(super) fn send(&mut self, to: SessionId, frame: Frame, class: Class) {
        self.list.push(Effect::Send { to, frame, class });
    }

    /// Sends one frame to all of these sessions.
    pub(super) fn broadcast(
        &mut self,
        to: impl IntoIterator<Item = SessionId>,
        frame: Frame,
        class: Class,
    ) -> usize {
        let start = self.targets.len();
        self.targets.extend(to);
        let count = self.targets.len() - start;
        match count {
            0 => {}
            1 => {
                let to = self.targets[start];
                self.targets.truncate(start);
                self.send(to, frame, class);
            }
            _ => self.list.push(Effect::Broadcast { to: start..start + count, frame, class }),
        }
        count
    }

    fn frame_from(&mut self, start: usize) -> Frame {
        if self.bytes.len() - start < SHARED_FRAME_BYTES_MIN {
            return Frame::Small(start..self.bytes.len());
        }
        Frame::Shared(Held::new(self.bytes.split_off(start), &self.gauge))
    }
}
