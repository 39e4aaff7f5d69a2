//! The messages that were shown lately: none is shown twice, and each can be spoken of. Pure.

use std::collections::VecDeque;

use crate::wire::event::MsgId;

use crate::client::show::{Fingerprint, Quote};

/// Messages remembered.
const SEEN_MAX: usize = 512;

#[derive(Debug)]
struct Message {
    msg_id: MsgId,
    sender: String,
    beginning: String,
    text: Option<Fingerprint>,
}

/// The messages that were shown lately, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    messages: VecDeque<Message>,
}

impl Seen {
    /// Remembers a message. Says whether it is new: not shown before.
    pub(crate) fn add(
        &mut self,
        msg_id: MsgId,
        sender: &str,
        beginning: String,
        text: Option<Fingerprint>,
    ) -> bool {
        if self.find(msg_id).is_some() {
            return false;
        }
        self.messages.push_back(Message { msg_id, sender: sender.to_owned(), beginning, text });
        if self.messages.len() > SEEN_MAX {
            self.messages.pop_front();
        }
        true
    }

    /// What a message that is spoken of now says from now on.
    pub(crate) fn change(&mut self, msg_id: MsgId, beginning: String, text: Fingerprint) {
        if let Some(message) = self.messages.iter_mut().find(|known| known.msg_id == msg_id) {
            message.beginning = beginning;
            message.text = Some(text);
        }
    }

    /// What is known of a message.
    pub(crate) fn find(&self, msg_id: MsgId) -> Option<Quote<'_>> {
        // The newest are spoken of most.
        let message = self.messages.iter().rev().find(|known| known.msg_id == msg_id)?;
        Some(Quote { sender: &message.sender, beginning: &message.beginning, text: message.text })
    }
}
