//! The newest messages, for the journal that has no disk: as many as fit, oldest forgotten first.
//!
//! Texts lie in blocks, so that a message costs no allocation. Messages of one conversation are
//! linked, newest to oldest. What few messages have, an edited text or reactions, lies beside them.

use std::collections::{BTreeMap, HashMap, VecDeque};

use foldhash::fast::RandomState;

use crate::chat::UserId;
use crate::chat::entry::{Batch, Changed, ConversationId, Entry, IdSpan, What};
use crate::chat::query::{FileRow, Row};
use crate::limits::{RING_BYTES_MAX, RING_MESSAGES_MAX};
use crate::wire::Text;
use crate::wire::event::MsgId;
use crate::wire::request::RequestId;

/// The text of a block; a longer one has a block of its own.
const BLOCK_BYTES: usize = 64 * 1024;

/// No message.
const NOTHING: u64 = u64::MAX;

/// The newest messages.
#[derive(Debug, Default)]
pub(super) struct Ring {
    pub(super) slots: VecDeque<Slot>,
    /// Messages forgotten so far: the place of the first slot in the order of all.
    pub(super) first: u64,
    blocks: VecDeque<String>,
    first_block: u64,
    /// The place of the newest message of each conversation that has one here.
    newest: HashMap<ConversationId, u64, RandomState>,
    beside: HashMap<MsgId, Beside, RandomState>,
    /// Each changed message by the number of its newest change.
    pub(super) changes: BTreeMap<MsgId, MsgId>,
    bytes: usize,
}

/// One message.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) msg_id: MsgId,
    pub(super) conversation: ConversationId,
    pub(super) sender: UserId,
    ts: u64,
    /// Place and number of the message before it in its conversation.
    prev: (u64, MsgId),
    block: u64,
    start: u32,
    content_len: u32,
    request: Request,
    reply_to: Option<MsgId>,
    file: Option<Box<FileRow>>,
    edited: bool,
    pub(super) deleted: bool,
    /// It was forgotten, and only keeps the chain together.
    pub(super) gone: bool,
}

/// A request's `id`; a text stands behind the content.
#[derive(Clone, Copy, Debug)]
enum Request {
    None,
    Number(i64),
    Text(u32),
}

/// What few messages have.
#[derive(Debug, Default)]
struct Beside {
    content: Option<Box<str>>,
    changed: MsgId,
    reactions: Vec<(UserId, Box<str>)>,
}

impl Ring {
    /// Adds a message or a file, and forgets the oldest if need be.
    pub(super) fn push(&mut self, batch: &Batch, entry: &Entry, msg_id: MsgId, ts: u64) {
        let (conversation, content, reply_to, file) = match &entry.what {
            What::Message { conversation, content, reply_to, .. } => {
                (*conversation, batch.text(content), *reply_to, None)
            }
            What::File { conversation, file, .. } => {
                let row = FileRow {
                    name: file.name.clone(),
                    saved_as: file.saved_as.clone(),
                    size: file.size,
                    sha256: Some(file.sha256),
                    file_id: file.upload.unwrap_or(msg_id),
                    data: None,
                };
                (*conversation, "", None, Some(Box::new(row)))
            }
            _ => return,
        };
        let (request, text) = match &entry.origin.id {
            None => (Request::None, ""),
            Some(IdSpan::Number(number)) => (Request::Number(*number), ""),
            Some(IdSpan::Text(span)) => (Request::Text(short(span.len())), batch.text(span)),
        };
        let (block, start) = self.keep_text(content, text);
        let place = self.first + self.slots.len() as u64;
        let before = self.newest.insert(conversation, place).unwrap_or(NOTHING);
        let prev = self.at(before).map_or((NOTHING, 0), |slot| (before, slot.msg_id));
        self.slots.push_back(Slot {
            msg_id,
            conversation,
            sender: entry.origin.user,
            ts,
            prev,
            block,
            start,
            content_len: short(content.len()),
            request,
            reply_to,
            file,
            edited: false,
            deleted: false,
            gone: false,
        });
        self.bytes += content.len() + text.len();
        self.make_room();
    }

    /// Changes a message, if it is here.
    pub(super) fn change(
        &mut self,
        batch: &Batch,
        user: UserId,
        (msg_id, conversation): (MsgId, ConversationId),
        change: &Changed,
        number: MsgId,
    ) -> bool {
        let Some(slot) = self.find_mut(msg_id) else { return false };
        if slot.deleted || slot.conversation != conversation {
            return false;
        }
        match change {
            Changed::Edited(_) => slot.edited = true,
            Changed::Deleted => slot.deleted = true,
            Changed::Reacted(_) => {}
        }
        let beside = self.beside.entry(msg_id).or_default();
        self.bytes -= beside.bytes();
        self.changes.remove(&beside.changed);
        self.changes.insert(number, msg_id);
        beside.changed = number;
        match change {
            Changed::Edited(content) => beside.content = Some(batch.text(content).into()),
            Changed::Deleted => {
                beside.content = None;
                beside.reactions = Vec::new();
            }
            Changed::Reacted(emoji) => {
                let at = beside.reactions.iter().position(|(who, _)| *who == user);
                match (at, emoji) {
                    (Some(at), Some(emoji)) => beside.reactions[at].1 = batch.text(emoji).into(),
                    (None, Some(emoji)) => beside.reactions.push((user, batch.text(emoji).into())),
                    (Some(at), None) => drop(beside.reactions.remove(at)),
                    (None, None) => {}
                }
            }
        }
        self.bytes += beside.bytes();
        self.make_room();
        true
    }

    /// A message is no more. Returns who sent it, under which `id`.
    pub(super) fn forget(&mut self, msg_id: MsgId) -> Option<(UserId, Option<RequestId<'static>>)> {
        self.forget_beside(msg_id);
        let slot = self.find_mut(msg_id)?;
        slot.gone = true;
        let (sender, request) = (slot.sender, slot.request);
        let slot = self.find(msg_id)?;
        Some((sender, self.request(slot, request)))
    }

    /// The message at a place, unless it was the last of its chain or is forgotten.
    pub(super) fn at(&self, place: u64) -> Option<&Slot> {
        let at = place.checked_sub(self.first)?;
        self.slots.get(usize::try_from(at).ok()?)
    }

    /// A message by its number.
    pub(super) fn find(&self, msg_id: MsgId) -> Option<&Slot> {
        let at = self.slots.binary_search_by_key(&msg_id, |slot| slot.msg_id).ok()?;
        self.slots.get(at)
    }

    /// The message of a file, of those that are remembered.
    pub(super) fn find_file(&self, file_id: u64) -> Option<&Slot> {
        let is = |slot: &&Slot| slot.file.as_ref().is_some_and(|file| file.file_id == file_id);
        self.slots.iter().rev().find(is)
    }

    /// The messages of a conversation, newest first.
    pub(super) fn chain(&self, conversation: ConversationId) -> impl Iterator<Item = &Slot> {
        let newest = self.newest.get(&conversation).and_then(|place| self.at(*place));
        std::iter::successors(newest, |slot| self.at(slot.prev.0)).filter(|slot| !slot.gone)
    }

    /// The number of the message before this one in its conversation, as far as is known.
    fn prev(&self, slot: &Slot) -> MsgId {
        let mut prev = slot.prev;
        while let Some(before) = self.at(prev.0)
            && before.gone
        {
            prev = before.prev;
        }
        prev.1
    }

    /// What a message says now.
    pub(super) fn content(&self, slot: &Slot) -> &str {
        if slot.deleted {
            return "";
        }
        let edited = self.beside.get(&slot.msg_id).filter(|_| slot.edited);
        match edited.and_then(|beside| beside.content.as_deref()) {
            Some(content) => content,
            None => self.text(slot, 0, slot.content_len),
        }
    }

    /// The name of a file that was not deleted.
    pub(super) fn file_name(slot: &Slot) -> Option<&str> {
        slot.file.as_ref().filter(|_| !slot.deleted).map(|file| file.name.as_str())
    }

    /// A message as it is told.
    pub(super) fn row(&self, slot: &Slot) -> Row {
        let beside = self.beside.get(&slot.msg_id);
        let reactions = beside.map(|beside| &beside.reactions[..]).unwrap_or_default();
        Row {
            msg_id: slot.msg_id,
            prev: self.prev(slot),
            conversation: slot.conversation,
            sender: slot.sender,
            ts: slot.ts,
            content: self.content(slot).to_owned(),
            reply_to: slot.reply_to,
            request: self.request(slot, slot.request),
            file: slot.file.as_ref().filter(|_| !slot.deleted).map(|file| (**file).clone()),
            edited: slot.edited,
            deleted: slot.deleted,
            reactions: reactions.iter().map(|(who, emoji)| (*who, emoji.to_string())).collect(),
        }
    }

    fn request(&self, slot: &Slot, request: Request) -> Option<RequestId<'static>> {
        match request {
            Request::None => None,
            Request::Number(number) => Some(RequestId::Number(number)),
            Request::Text(len) => {
                let text = self.text(slot, slot.content_len, len).to_owned();
                Some(RequestId::Text(Text::from(text)))
            }
        }
    }

    /// A stretch of a message's text.
    fn text(&self, slot: &Slot, skip: u32, len: u32) -> &str {
        let block = usize::try_from(slot.block - self.first_block).ok();
        let block = block.and_then(|at| self.blocks.get(at));
        let from = (slot.start + skip) as usize;
        block.and_then(|text| text.get(from..from + len as usize)).unwrap_or("")
    }

    /// Keeps a content and a request's `id`, and says where.
    fn keep_text(&mut self, content: &str, request: &str) -> (u64, u32) {
        let len = content.len() + request.len();
        let fits = |block: &String| block.len() + len <= BLOCK_BYTES;
        if !self.blocks.back().is_some_and(fits) {
            self.blocks.push_back(String::with_capacity(BLOCK_BYTES.max(len)));
        }
        let block = self.first_block + self.blocks.len() as u64 - 1;
        let Some(last) = self.blocks.back_mut() else { return (block, 0) };
        let start = short(last.len());
        last.push_str(content);
        last.push_str(request);
        (block, start)
    }

    fn find_mut(&mut self, msg_id: MsgId) -> Option<&mut Slot> {
        let at = self.slots.binary_search_by_key(&msg_id, |slot| slot.msg_id).ok()?;
        self.slots.get_mut(at).filter(|slot| !slot.gone)
    }

    fn forget_beside(&mut self, msg_id: MsgId) {
        if let Some(beside) = self.beside.remove(&msg_id) {
            self.bytes -= beside.bytes();
            self.changes.remove(&beside.changed);
        }
    }

    /// Forgets the oldest messages until the rest fits.
    fn make_room(&mut self) {
        while self.slots.len() > RING_MESSAGES_MAX || self.bytes > RING_BYTES_MAX {
            let Some(slot) = self.slots.pop_front() else { return };
            let place = self.first;
            self.first += 1;
            let request = if let Request::Text(len) = slot.request { len } else { 0 };
            self.bytes -= (slot.content_len + request) as usize;
            self.forget_beside(slot.msg_id);
            if self.newest.get(&slot.conversation) == Some(&place) {
                self.newest.remove(&slot.conversation);
            }
            let needed = self.slots.front().map_or(u64::MAX, |slot| slot.block);
            while self.first_block < needed && self.blocks.pop_front().is_some() {
                self.first_block += 1;
            }
        }
    }
}

impl Beside {
    fn bytes(&self) -> usize {
        const REACTION_BYTES: usize = size_of::<(UserId, Box<str>)>();
        let reactions = self.reactions.iter().map(|(_, emoji)| emoji.len() + REACTION_BYTES);
        self.content.as_ref().map_or(0, |content| content.len()) + reactions.sum::<usize>()
    }
}

/// A length that is far below 2^32, as every text's is.
fn short(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(0)
}
