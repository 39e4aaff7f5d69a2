//! Frames that should be requests.

use crate::limits::{
    CONTENT_BYTES_MAX, Limits, PAGE_MESSAGES_MAX, REQUEST_ID_BYTES_MAX, WIRE_NUMBER_MAX,
};
use crate::wire::Code;
use crate::wire::request::{self, Envelope, Fields, MessageChange, Request, RequestId};

/// What is read by hand is what serde reads; what is a request stays the same one when a client
/// writes it; what is an object is never refused as none.
pub fn request(frame: &[u8]) {
    let envelope = decode(frame);
    check(&envelope);
    let Some(text) = std::str::from_utf8(frame).ok().filter(|text| is_braced(text)) else {
        assert_eq!(envelope.request, Err(Code::InvalidJson.into()));
        return;
    };
    let fields = serde_json::from_str::<Fields<'_>>(text).ok();
    if let Some(by_hand) = request::read_by_hand(text) {
        assert_eq!(Some(&by_hand), fields.as_ref());
    }
    if let Some(fields) = fields {
        let written = fields.encode();
        assert!(!written.iter().any(|byte| *byte < b' '), "a frame of a line client is one line");
        let again = decode(&written);
        assert_eq!((&again.id, again.answer), (&envelope.id, envelope.answer));
        assert_eq!(again.speakers, envelope.speakers);
        if envelope.request.is_ok() {
            assert_eq!(again.request, envelope.request);
        }
    } else {
        assert!(envelope.request.is_err());
    }
    let shallow = text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() <= 8;
    if shallow && serde_json::from_str::<serde_json::Value>(text).is_ok() {
        assert_ne!(envelope.request, Err(Code::InvalidJson.into()));
    }
}

fn decode(frame: &[u8]) -> Envelope<'_> {
    request::decode(frame, &Limits::default())
}

fn is_braced(text: &str) -> bool {
    text.trim_ascii_start().starts_with('{')
}

/// What the core relies on without looking.
fn check(envelope: &Envelope<'_>) {
    match &envelope.id {
        Some(RequestId::Number(number)) => assert!(number.unsigned_abs() <= WIRE_NUMBER_MAX),
        Some(RequestId::Text(text)) => assert!(text.len() <= REQUEST_ID_BYTES_MAX),
        None => {}
    }
    let is_content = |text: &str| !text.is_empty() && text.len() <= CONTENT_BYTES_MAX;
    match &envelope.request {
        Ok(Request::Message { content, reply_to, .. }) => {
            assert!(is_content(content) && reply_to.is_none_or(|number| number <= WIRE_NUMBER_MAX));
        }
        Ok(Request::Change { msg_id, what }) => {
            assert!(*msg_id <= WIRE_NUMBER_MAX);
            match what {
                MessageChange::Edit(content) => assert!(is_content(content)),
                MessageChange::React(Some(emoji)) => {
                    assert!(!emoji.is_empty() && !emoji.chars().any(char::is_control));
                }
                _ => {}
            }
        }
        Ok(Request::Received { msg_id } | Request::Read { msg_id, .. }) => {
            assert!(*msg_id <= WIRE_NUMBER_MAX);
        }
        Ok(Request::History { limit, .. } | Request::Search { limit, .. }) => {
            assert!((1..=PAGE_MESSAGES_MAX).contains(limit));
        }
        _ => {}
    }
}
