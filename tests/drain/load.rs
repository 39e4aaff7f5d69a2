//! Under load: several write as fast as they can, several read, and the server is told to stop.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use serde_json::{Value, json};

use super::{assert_closed, assert_spread, farewell, fill, history, wait_for_end};
use crate::common::{Framing, Heard, Peer, Server, eventually, number, text};

/// The group in which everybody is.
const TIME: &str = "Time";

const SENDERS: [(&str, Framing); 4] = [
    ("fala um", Framing::Line),
    ("fala dois", Framing::Length),
    ("fala três", Framing::Line),
    ("fala quatro", Framing::Length),
];

const READERS: [&str; 3] = ["lê um", "lê dois", "lê três"];

/// Messages of each sender on their way at once.
const WINDOW: usize = 64;

/// Answers that each sender has before the server is told to stop.
const WARM_UP: usize = 300;

/// What a sender says: its label is its `id` and its text.
fn said(label: &str) -> Value {
    json!({ "type": "group_message", "group_name": TIME, "content": label, "id": label })
}

/// Writes with many on the way, for as long as somebody reads. Gives what it wrote and all that came.
fn speak(mut peer: Peer, name: &str, answered: &AtomicUsize) -> (Vec<String>, Vec<Value>) {
    let framing = peer.framing();
    let mut out = peer.stream().try_clone().expect("a handle of a socket");
    let (permit, permits) = mpsc::channel();
    for _ in 0..WINDOW {
        permit.send(()).expect("a writer that begins");
    }
    let prefix = name.to_owned();
    let writer = thread::spawn(move || {
        let mut labels = Vec::new();
        // It ends when no more permits come.
        while permits.recv().is_ok() {
            let label = format!("{prefix} {}", labels.len());
            let frame = framing.frame(&said(&label));
            labels.push(label);
            if out.write_all(&frame).is_err() {
                break;
            }
        }
        labels
    });
    let mut frames = Vec::new();
    loop {
        match peer.hear() {
            Heard::Frame(frame) => {
                if frame["type"] == "message_response" {
                    answered.fetch_add(1, Ordering::SeqCst);
                    // A writer that could not write is gone.
                    let _ = permit.send(());
                }
                frames.push(frame);
            }
            Heard::End => break,
            Heard::Silence => panic!("{name} hears nothing; the last was {:?}", frames.last()),
        }
    }
    drop(permit);
    (writer.join().expect("the writer"), frames)
}

#[test]
fn under_load_nothing_that_was_answered_is_missing_and_all_are_told_when_to_come_back() {
    for durability in ["sync", "os"] {
        let mut server = Server::start_durable(durability);
        let mut host = server.join("anfitriã");
        host.group("create_group", TIME, &json!({}));
        let mut join = |name: &str, framing| {
            let peer = server.join_as(name, framing);
            host.group("add_member", TIME, &json!({ "new_member": name }));
            peer
        };
        let senders = SENDERS.map(|(name, framing)| (name, join(name, framing)));
        let readers = READERS.map(|name| join(name, Framing::Line));
        // As long as somebody has not read the server has not ended.
        let mut late = fill(&server, &mut host, "tarde");
        host.leave();

        let answered: [AtomicUsize; SENDERS.len()] = Default::default();
        let (spoken, heard) = thread::scope(|scope| {
            let spoken: Vec<_> = senders
                .into_iter()
                .zip(&answered)
                .map(|((name, peer), answered)| scope.spawn(move || speak(peer, name, answered)))
                .collect();
            let heard: Vec<_> =
                readers.into_iter().map(|mut peer| scope.spawn(move || peer.rest())).collect();
            eventually("everybody has been answered a while", || {
                answered.iter().all(|answered| answered.load(Ordering::SeqCst) >= WARM_UP)
            });
            server.signal("TERM");
            let spoken: Vec<_> = spoken.into_iter().map(|it| it.join().expect("it")).collect();
            let heard: Vec<_> = heard.into_iter().map(|it| it.join().expect("it")).collect();
            (spoken, heard)
        });
        assert_closed(&server);
        assert!(server.is_running(), "it waits for who has not read");
        let late = late.rest();
        assert_eq!(wait_for_end(&mut server).code(), Some(0));

        // It is the last that anybody hears: every answer comes before.
        let all = spoken.iter().map(|(_, frames)| frames).chain(&heard).chain([&late]);
        assert_spread(all.map(|frames| farewell(frames)).collect());

        let mut acknowledged: BTreeMap<String, u64> = BTreeMap::new();
        let mut labels: BTreeSet<&String> = BTreeSet::new();
        for (sent, frames) in &spoken {
            labels.extend(sent);
            for answer in frames.iter().filter(|frame| frame["type"] == "message_response") {
                assert_eq!(answer["status"], "success", "{answer}");
                let label = text(answer, "id").to_owned();
                assert!(acknowledged.insert(label, number(answer, "msg_id")).is_none(), "{answer}");
            }
        }
        let shown: BTreeMap<String, u64> = heard
            .iter()
            .flatten()
            .filter(|frame| frame["type"] == "group_message_received")
            .map(|event| (text(event, "content").to_owned(), number(event, "msg_id")))
            .collect();
        assert!(!shown.is_empty());

        server.again();
        let mut late = server.join("fala um");
        let stored = stored(&mut late);
        for (label, msg_id) in acknowledged.iter().chain(&shown) {
            assert_eq!(stored.get(label), Some(msg_id), "{label:?}");
        }
        late.leave();
        // Who was not answered asks again, and nothing is there twice.
        for (at, (name, framing)) in SENDERS.into_iter().enumerate() {
            let mut peer = server.join_as(name, framing);
            let (sent, _) = &spoken[at];
            for label in sent.iter().filter(|label| !acknowledged.contains_key(*label)) {
                let answer = peer.ok(&said(label));
                if let Some(msg_id) = stored.get(label) {
                    assert_eq!(number(&answer, "msg_id"), *msg_id, "{label:?}");
                }
            }
            peer.leave();
        }
        let mut late = server.join("fala um");
        let stored = self::stored(&mut late);
        assert_eq!(stored.keys().collect::<BTreeSet<_>>(), labels);
        late.leave();
    }
}

/// Everything in the group, each text once.
#[track_caller]
fn stored(peer: &mut Peer) -> BTreeMap<String, u64> {
    let mut stored = BTreeMap::new();
    for message in history(peer, &json!({ "group_name": TIME })) {
        let label = text(&message, "content").to_owned();
        assert!(stored.insert(label, number(&message, "msg_id")).is_none(), "twice: {message}");
    }
    stored
}

/// Passwords are hashed one after the other, slowly: whoever was heard before the end is answered
/// before it is told to go.
#[test]
fn who_waits_for_a_password_is_answered_first() {
    let mut server = Server::start();
    let names: Vec<String> = (0..8).map(|n| format!("pessoa {n}")).collect();
    let mut peers: Vec<Peer> = names.iter().map(|name| server.join(name)).collect();
    for peer in &mut peers {
        let request = json!({ "type": "set_password", "password": "um segredo", "id": 1 });
        peer.send(&request);
    }
    // By now the others are most likely heard, and surely not all answered.
    peers[0].answer_to(&json!(1));
    server.signal("TERM");
    let told: Vec<Vec<Value>> = peers.iter_mut().map(Peer::rest).collect();
    assert_eq!(wait_for_end(&mut server).code(), Some(0));
    assert_spread(told.iter().map(|frames| farewell(frames)).collect());
    server.again();
    for (name, frames) in names.iter().zip(&told).skip(1) {
        let answers = frames.iter().filter(|frame| frame["id"] == 1);
        if answers.filter(|answer| answer["status"] == "success").count() == 1 {
            let fields = json!({ "password": "um segredo" });
            server.join_with(name, Framing::Line, &fields).leave();
        }
    }
}
