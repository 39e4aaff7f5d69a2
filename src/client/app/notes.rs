//! What the server is told of messages that arrived here and were shown. Pure.
//!
//! Both are cumulative, so that many messages need one note: they gather until time has passed.

use crate::wire::event::MsgId;
use crate::wire::request::Fields;

use crate::client::place::Place;
use crate::client::requests::received;

/// Notes that are due.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    arrived: MsgId,
    told_arrived: MsgId,
    read: Vec<(Place, MsgId)>,
}

impl Notes {
    /// Everything up to this message is here.
    pub(crate) fn arrived(&mut self, msg_id: MsgId) {
        self.arrived = self.arrived.max(msg_id);
    }

    /// Everything up to this message of a conversation was shown.
    pub(crate) fn read(&mut self, place: Place, msg_id: MsgId) {
        match self.read.iter_mut().find(|(known, _)| *known == place) {
            Some((_, newest)) => *newest = msg_id.max(*newest),
            None => self.read.push((place, msg_id)),
        }
    }

    /// Whether there are any.
    pub(crate) fn is_waiting(&self) -> bool {
        self.arrived > self.told_arrived || !self.read.is_empty()
    }

    /// The next server may not have heard what this one was told.
    pub(crate) fn lost(&mut self) {
        self.told_arrived = 0;
    }

    /// The notes, as frames.
    pub(crate) fn take(&mut self) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        if self.arrived > self.told_arrived {
            self.told_arrived = self.arrived;
            frames.push(received(self.arrived).encode());
        }
        for (place, msg_id) in self.read.drain(..) {
            let mut fields = Fields { msg_id: Some(msg_id), ..Fields::new("read") };
            place.name_in(&mut fields);
            frames.push(fields.encode());
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_messages_make_one_note() {
        let mut notes = Notes::default();
        assert!(!notes.is_waiting());
        for msg_id in [3, 5, 4] {
            notes.arrived(msg_id);
            notes.read(Place::new(false, "bob"), msg_id);
            notes.read(Place::new(true, "T"), 1);
        }
        assert!(notes.is_waiting());
        let frames: Vec<String> =
            notes.take().into_iter().map(|frame| String::from_utf8(frame).unwrap()).collect();
        assert_eq!(
            frames,
            [
                r#"{"type":"received","msg_id":5}"#,
                r#"{"type":"read","with":"bob","msg_id":5}"#,
                r#"{"type":"read","group_name":"T","msg_id":1}"#,
            ]
        );
        assert!(!notes.is_waiting());
        notes.arrived(5);
        assert!(!notes.is_waiting());
        notes.lost();
        assert_eq!(notes.take().len(), 1);
    }
}
