//! Requests that the server has not answered yet. Pure.
//!
//! Messages and files stay here until they are answered, also across a lost connection: sent again
//! with the same `id`, they are delivered once however often they arrive (PROTOCOL.md, section 4).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::limits::FRAME_BYTES_MAX;
use crate::text::client::Choice;
use crate::wire::request::RequestId;

use super::place::Place;

/// Requests that may wait for their answers. A person never has as many; a script waits.
const REQUESTS_MAX: usize = 200;

/// Their bytes: two files of the largest kind.
const BYTES_MAX: usize = 2 * FRAME_BYTES_MAX;

/// The waits before a message for an unknown user is sent once more after a reconnect, 15 s in all: a
/// server that forgets knows its users again when they are back, and they come back one by one.
const RETRY_AFTER_S: [u64; 7] = [1, 1, 2, 2, 3, 3, 3];

/// A message, sent again after a lost connection, or a file, which goes on by itself.
pub(crate) const fn is_message(asked: Choice) -> bool {
    matches!(asked, Choice::PrivateMessage | Choice::GroupMessage | Choice::SendFile)
}

#[derive(Debug)]
struct Request {
    id: String,
    /// The option that made it; a goodbye is [`Choice::Quit`].
    asked: Choice,
    frame: Arc<[u8]>,
    about: About,
    /// It has been sent on another connection than the one it was made on.
    is_late: bool,
    /// How often it has been sent again on this connection.
    retries: usize,
}

/// What a request was about, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct About {
    /// Where a message or file went.
    pub(crate) place: Option<Place>,
    /// How it begins.
    pub(crate) beginning: String,
}

/// The request that an answer is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    /// The option that made it.
    pub(crate) asked: Choice,
    /// What it was about.
    pub(crate) about: About,
    /// The user has done other things since.
    pub(crate) is_late: bool,
}

/// The requests that wait for their answers, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Outstanding {
    requests: VecDeque<Request>,
    bytes: usize,
}

impl Outstanding {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.requests.len()
    }

    /// Whether one of this size may be added.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.requests.len() < REQUESTS_MAX && self.bytes + bytes <= BYTES_MAX
    }

    /// Adds one that was sent, or will be.
    pub(crate) fn push(&mut self, id: String, asked: Choice, frame: Arc<[u8]>, about: About) {
        self.bytes += frame.len();
        self.requests.push_back(Request { id, asked, frame, about, is_late: false, retries: 0 });
    }

    /// Takes out the one that this answer is for.
    pub(crate) fn answered(&mut self, id: Option<&RequestId<'_>>) -> Option<Answered> {
        let Some(RequestId::Text(id)) = id else {
            return None;
        };
        let index = self.requests.iter().position(|request| request.id == **id)?;
        let request = self.requests.remove(index)?;
        self.bytes -= request.frame.len();
        Some(Answered { asked: request.asked, about: request.about, is_late: request.is_late })
    }

    /// The server does not know the recipient of this request. If that may be because it has
    /// forgotten everybody and the recipient is not back yet: the request's frame, and when to send
    /// it again; until then it goes on waiting for its answer.
    pub(crate) fn try_later(
        &mut self,
        id: Option<&RequestId<'_>>,
    ) -> Option<(Duration, Arc<[u8]>)> {
        let Some(RequestId::Text(id)) = id else {
            return None;
        };
        let request = self.requests.iter_mut().find(|request| request.id == **id)?;
        let wait = RETRY_AFTER_S.get(request.retries).filter(|_| request.is_late)?;
        request.retries += 1;
        Some((Duration::from_secs(*wait), Arc::clone(&request.frame)))
    }

    /// The connection is gone: drops what is not sent again, and says how many that were.
    pub(crate) fn lost(&mut self) -> usize {
        let before = self.requests.len();
        self.requests.retain(|request| is_message(request.asked));
        self.bytes = self.requests.iter().map(|request| request.frame.len()).sum();
        before - self.requests.len()
    }

    /// The connection was closed because the user leaves: that is a goodbye's answer.
    pub(crate) fn closed(&mut self) {
        self.requests.retain(|request| request.asked != Choice::Quit);
    }

    /// What is to be sent, or sent again, over a new connection.
    pub(crate) fn send_again(&mut self) -> Vec<Arc<[u8]>> {
        let frames = self.requests.iter_mut().map(|request| {
            request.is_late = true;
            request.retries = 0;
            Arc::clone(&request.frame)
        });
        frames.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Text;

    fn id(id: &str) -> RequestId<'_> {
        RequestId::Text(Text::from(id))
    }

    fn about(beginning: &str) -> About {
        About { place: None, beginning: beginning.to_owned() }
    }

    #[test]
    fn answers_are_paired_by_id_and_messages_outlive_a_connection() {
        let mut outstanding = Outstanding::default();
        outstanding.push("a".into(), Choice::PrivateMessage, Arc::from(*b"1"), about("um"));
        outstanding.push("b".into(), Choice::ListUsers, Arc::from(*b"22"), About::default());
        outstanding.push("c".into(), Choice::PrivateMessage, Arc::from(*b"333"), about("dois"));
        assert_eq!(outstanding.answered(Some(&id("x"))), None);
        assert_eq!(outstanding.answered(Some(&RequestId::Number(1))), None);
        assert_eq!(outstanding.answered(None), None);
        assert_eq!(outstanding.lost(), 1);
        assert_eq!(outstanding.send_again().concat(), b"1333");
        let answered =
            Answered { asked: Choice::PrivateMessage, about: about("dois"), is_late: true };
        assert_eq!(outstanding.answered(Some(&id("c"))), Some(answered));
        assert_eq!(outstanding.answered(Some(&id("c"))), None);
        assert_eq!((outstanding.len(), outstanding.bytes), (1, 1));
    }

    #[test]
    fn only_what_is_late_is_tried_again_and_not_for_ever() {
        let mut outstanding = Outstanding::default();
        outstanding.push("a".into(), Choice::PrivateMessage, Arc::from(*b"1"), about("um"));
        assert_eq!(outstanding.try_later(Some(&id("a"))), None);
        for _ in 0..2 {
            outstanding.lost();
            outstanding.send_again();
            let mut waited = Duration::ZERO;
            while let Some((wait, frame)) = outstanding.try_later(Some(&id("a"))) {
                assert_eq!(*frame, *b"1");
                waited += wait;
            }
            assert_eq!(waited, Duration::from_secs(15));
            assert_eq!(outstanding.len(), 1);
        }
        assert_eq!(outstanding.try_later(Some(&id("x"))), None);
        assert!(outstanding.answered(Some(&id("a"))).is_some());
    }

    #[test]
    fn there_is_a_limit() {
        let mut outstanding = Outstanding::default();
        for number in 0..REQUESTS_MAX {
            assert!(outstanding.has_room(1));
            outstanding.push(
                number.to_string(),
                Choice::PrivateMessage,
                Arc::from(*b"x"),
                About::default(),
            );
        }
        assert!(!outstanding.has_room(1));
        assert!(!Outstanding::default().has_room(BYTES_MAX + 1));
    }
}
