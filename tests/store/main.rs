//! PROTOCOL.md, sections 3 to 5, where they speak of what stays: whose name it is, what was said
//! while one was away, what was said long ago, and what is left of a server that was killed.

#[path = "../common/mod.rs"]
mod common;

mod accounts;
mod away;
mod changes;
mod client;
mod groups;
mod history;
mod kill;
mod old_clients;
mod process;
mod receipts;
mod repeats;
mod restart;
mod search;
mod sessions;
mod stream;

use serde_json::{Value, json};

use common::{Peer, number, text};

/// Messages on their way at once: less than what makes the server stop reading.
const BATCH: usize = 100;

/// A private conversation, as one of the two names it.
fn with(name: &str) -> Value {
    json!({ "with": name })
}

/// A group's conversation.
fn group(name: &str) -> Value {
    json!({ "group_name": name })
}

/// A request about a conversation, or about one message.
fn request(kind: &str, parts: &[&Value]) -> Value {
    let mut request = json!({ "type": kind });
    for (field, value) in parts.iter().filter_map(|part| part.as_object()).flatten() {
        request[field] = value.clone();
    }
    request
}

/// The messages in an answer.
#[track_caller]
fn messages(answer: &Value) -> Vec<Value> {
    answer["messages"].as_array().unwrap_or_else(|| panic!("messages in {answer}")).clone()
}

/// One page of a conversation.
#[track_caller]
fn page(peer: &mut Peer, place: &Value, fields: &Value) -> Value {
    let answer = peer.ok(&request("history", &[place, fields]));
    assert_eq!(answer["type"], "history_response", "{answer}");
    answer
}

/// All that somebody may see of a conversation, oldest first, page by page from the newest.
#[track_caller]
fn history(peer: &mut Peer, place: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    let mut fields = json!({ "limit": 200 });
    loop {
        let answer = page(peer, place, &fields);
        let mut older = messages(&answer);
        let Some(oldest) = older.first() else {
            assert_eq!(answer["more"], false, "{answer}");
            return all;
        };
        fields["before"] = oldest["msg_id"].clone();
        older.append(&mut all);
        all = older;
        if answer["more"] == false {
            return all;
        }
    }
}

/// What messages say.
#[track_caller]
fn contents(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| text(message, "content")).collect()
}

/// The numbers of messages.
#[track_caller]
fn ids(messages: &[Value]) -> Vec<u64> {
    messages.iter().map(|message| number(message, "msg_id")).collect()
}

/// Every message names the one before it: nothing is missing in between.
#[track_caller]
fn assert_chained(messages: &[Value]) {
    for pair in messages.windows(2) {
        assert_eq!(pair[1]["prev"], pair[0]["msg_id"], "{pair:?}");
        assert!(number(&pair[1], "msg_id") > number(&pair[0], "msg_id"), "{pair:?}");
    }
}

/// A private message with an id of its sender's.
fn private(recipient: &str, content: &str, id: &Value) -> Value {
    json!({ "type": "private_message", "recipient": recipient, "content": content, "id": id })
}

/// A group message with an id of its sender's.
fn to_group(group: &str, content: &str, id: &Value) -> Value {
    json!({ "type": "group_message", "group_name": group, "content": content, "id": id })
}

/// Sends requests many at a time, without waiting for each answer, and gives the answers in the
/// order of the requests, which must each have an id.
#[track_caller]
fn ask_many(peer: &mut Peer, requests: &[Value]) -> Vec<Value> {
    let mut answers = Vec::new();
    for batch in requests.chunks(BATCH) {
        let wire: Vec<u8> =
            batch.iter().flat_map(|request| peer.framing().frame(request)).collect();
        peer.send_bytes(&wire);
        for request in batch {
            let answer = peer.answer_to(&request["id"]);
            assert_eq!(answer["status"], "success", "{answer}");
            answers.push(answer);
        }
    }
    answers
}

/// Asks for what must be refused, where the protocol leaves open with which code.
#[track_caller]
fn refused_somehow(peer: &mut Peer, request: &Value) -> Value {
    let answer = peer.ask(request);
    assert_eq!(answer["status"], "error", "{answer}");
    assert_ne!(answer["code"], "internal", "{answer}");
    answer
}

/// Whatever `from` caused before, `to` has been told: a message that was stored later has arrived,
/// and nothing else.
#[track_caller]
fn nothing_but_a_message(from: &mut Peer, from_name: &str, to: &mut Peer, to_name: &str) {
    from.tell(to_name, "marco");
    to.hears(from_name, "marco");
}
