//! Files that go through from end to end.

use serde_json::{Value, json};

use super::common::{Framing, Server, eventually, number, text};
use super::{
    PIECE, begin, begun, chunk, end, fetched, hash, kept, modern, noise, parts, send_pieces, to,
    to_group, upload,
};

#[test]
fn a_private_file_arrives_whatever_its_size() {
    let server = Server::start();
    let mut ana = modern(&server, "ana");
    let mut bia = modern(&server, "bia");
    for size in [0, 1, 2, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 40 * PIECE + 7] {
        let bytes = noise(size, size as u64);
        let name = format!("{size}.bin");
        let answer = upload(&mut ana, &to("bia"), &name, &bytes);
        assert_eq!(answer["delivered"], 1, "{answer}");
        let event = bia.event("file_received");
        assert_eq!(event["msg_id"], answer["msg_id"]);
        assert_eq!((text(&event, "sender"), text(&event, "filename")), ("ana", &*name));
        assert_eq!(text(&event, "sha256"), hash(&bytes));
        assert!(fetched(&mut bia, &event) == bytes, "{size} bytes differ");
        // What was answered is on the disk, under its name and no other.
        let saved_as = format!("ana_{name}");
        assert!(text(&answer, "saved_as").ends_with(&saved_as), "{answer}");
        assert!(kept(&server)[&saved_as] == bytes, "{size} bytes differ on the disk");
        assert!(parts(&server).is_empty(), "{:?}", parts(&server));
    }
    ana.nothing_more();
    bia.nothing_more();
}

#[test]
fn a_group_file_is_for_every_member_and_its_sender() {
    let server = Server::start();
    let mut ana = modern(&server, "ana");
    ana.group("create_group", "Time", &Value::Null);
    let mut others: Vec<_> = ["bia", "caio", "duda"].map(|name| modern(&server, name)).into();
    for peer in &mut others {
        peer.group("join_group", "Time", &Value::Null);
    }
    let bytes = noise(5 * PIECE + 11, 5);
    let answer = upload(&mut ana, &to_group("Time"), "ata.pdf", &bytes);
    assert_eq!(answer["delivered"], 3, "{answer}");
    let mut file_id = 0;
    for peer in &mut others {
        let event = peer.until("group_file_received");
        assert_eq!((text(&event, "group_name"), text(&event, "sender")), ("Time", "ana"));
        peer.take_aside();
        assert!(fetched(peer, &event) == bytes, "the bytes differ");
        file_id = number(&event, "file_id");
    }
    ana.take_aside();
    let own = super::stretch(&mut ana, &super::get(file_id), bytes.len());
    assert!(own == bytes, "the sender may get it, too");
}

#[test]
fn every_framing_carries_pieces() {
    let server = Server::start();
    let bytes = noise(2 * PIECE + 1, 9);
    for framing in Framing::ALL {
        let name = format!("ana {framing:?}").to_lowercase();
        let features = json!({ "features": ["chunks"] });
        let mut ana = server.join_with(&name, framing, &features);
        ana.event("synced");
        let reader = format!("bia {framing:?}").to_lowercase();
        let mut bia = server.join_with(&reader, framing, &features);
        bia.event("synced");
        // A bare peer waits for each answer: that is how it tells one object from the next.
        let (file_id, _) = begun(&mut ana, &to(&reader), "a.bin", &bytes);
        for from in (0..bytes.len()).step_by(PIECE) {
            let upto = bytes.len().min(from + PIECE);
            send_pieces(&mut ana, file_id, &bytes, from, upto);
        }
        ana.ok(&end(file_id));
        let event = bia.event("file_received");
        assert!(fetched(&mut bia, &event) == bytes, "{framing:?}: the bytes differ");
    }
}

#[test]
fn everything_at_once_without_waiting_for_an_answer() {
    let server = Server::start();
    let mut ana = modern(&server, "ana");
    let mut bia = modern(&server, "bia");
    let bytes = noise(30 * PIECE, 30);
    let (file_id, _) = begun(&mut ana, &to("bia"), "a.bin", &bytes);
    let mut last = json!(null);
    for (at, piece) in bytes.chunks(PIECE).enumerate() {
        ana.send(&chunk(file_id, at * PIECE, piece));
        // Chat in between keeps its order, and is not held up by the file behind it.
        if at % 10 == 0 {
            last = json!(format!("conversa {at}"));
            ana.send(&json!({
                "type": "private_message", "recipient": "bia", "content": last, "id": last,
            }));
        }
    }
    let answer = ana.ok(&end(file_id));
    assert!(ana.take_aside().iter().any(|frame| frame["id"] == last), "{last} was answered before");
    for at in [0, 10, 20] {
        bia.hears("ana", &format!("conversa {at}"));
    }
    let event = bia.event("file_received");
    assert_eq!(event["msg_id"], answer["msg_id"]);
    assert!(fetched(&mut bia, &event) == bytes, "the bytes differ");
}

#[test]
fn four_uploads_of_one_user_side_by_side() {
    let server = Server::start();
    let mut ana = modern(&server, "ana");
    let mut bia = modern(&server, "bia");
    let files: Vec<_> = (1..=4).map(|seed| noise(4 * PIECE + seed, seed as u64)).collect();
    let ids: Vec<u64> = files
        .iter()
        .enumerate()
        .map(|(at, bytes)| begun(&mut ana, &to("bia"), &format!("{at}"), bytes).0)
        .collect();
    for offset in (0..=4 * PIECE).step_by(PIECE) {
        for (bytes, id) in files.iter().zip(&ids) {
            let upto = bytes.len().min(offset + PIECE);
            send_pieces(&mut ana, *id, bytes, offset, upto);
        }
    }
    for (bytes, id) in files.iter().zip(&ids) {
        ana.ok(&end(*id));
        let event = bia.event("file_received");
        assert!(fetched(&mut bia, &event) == *bytes, "the bytes differ");
    }
}

#[test]
fn an_end_that_is_asked_for_again_is_answered_again() {
    let mut server = Server::start();
    let mut ana = modern(&server, "ana");
    let mut bia = modern(&server, "bia");
    let bytes = noise(PIECE + 5, 1);
    let (file_id, _) = begun(&mut ana, &to("bia"), "a.bin", &bytes);
    send_pieces(&mut ana, file_id, &bytes, 0, bytes.len());
    let first = ana.ok(&end(file_id));
    bia.event("file_received");
    for _ in 0..2 {
        let again = ana.ok(&end(file_id));
        for field in ["msg_id", "ts", "saved_as"] {
            assert_eq!(again[field], first[field], "{field} in {again}");
        }
    }
    // Nobody else's business, and no new event.
    bia.refused(&end(file_id), "unknown_file");
    bia.nothing_more();
    server.crash();
    let mut ana = modern(&server, "ana");
    assert_eq!(ana.ok(&end(file_id))["msg_id"], first["msg_id"]);
    ana.refused(&end(file_id + 1000), "unknown_file");
}

#[test]
fn the_same_file_sent_twice_is_two_files() {
    let server = Server::start();
    let mut ana = modern(&server, "ana");
    let mut bia = modern(&server, "bia");
    let bytes = noise(100, 1);
    let first = upload(&mut ana, &to("bia"), "a.bin", &bytes);
    let second = upload(&mut ana, &to("bia"), "a.bin", &bytes);
    assert_ne!(first["msg_id"], second["msg_id"]);
    let (one, two) = (bia.event("file_received"), bia.event("file_received"));
    assert_ne!(one["file_id"], two["file_id"]);
    assert!(fetched(&mut bia, &one) == bytes && fetched(&mut bia, &two) == bytes);
    assert_eq!(kept(&server).keys().collect::<Vec<_>>(), ["ana_a (2).bin", "ana_a.bin"]);
}

#[test]
fn a_file_has_its_place_among_the_messages() {
    let server = Server::start();
    let mut ana = modern(&server, "ana");
    let mut bia = modern(&server, "bia");
    let before = ana.tell("bia", "antes");
    let answer = upload(&mut ana, &to("bia"), "a.bin", b"no meio");
    ana.tell("bia", "depois");
    bia.hears("ana", "antes");
    let event = bia.event("file_received");
    assert_eq!(event["prev"], before["msg_id"]);
    assert_eq!(bia.hears("ana", "depois")["prev"], answer["msg_id"]);
    let page = bia.ok(&json!({ "type": "history", "with": "ana" }));
    let told = &page["messages"][1];
    assert_eq!((&told["msg_id"], &told["file_id"]), (&event["msg_id"], &event["file_id"]));
    assert_eq!(told["sha256"], event["sha256"]);
}

#[test]
fn an_upload_begun_again_is_the_same_one() {
    let server = Server::start();
    let mut ana = modern(&server, "ana");
    let _bia = server.join("bia");
    let bytes = noise(3 * PIECE, 3);
    let (file_id, offset) = begun(&mut ana, &to("bia"), "a.bin", &bytes);
    assert_eq!(offset, 0);
    send_pieces(&mut ana, file_id, &bytes, 0, 2 * PIECE);
    assert_eq!(begun(&mut ana, &to("bia"), "a.bin", &bytes), (file_id, 2 * PIECE));
    // Another name, another recipient, other bytes: another upload.
    let (other, _) = begun(&mut ana, &to("bia"), "b.bin", &bytes);
    assert_ne!(other, file_id);
    let mut changed = bytes.clone();
    changed[0] ^= 1;
    assert_eq!(begun(&mut ana, &to("bia"), "a.bin", &changed).1, 0);
    ana.ok(&begin(&to("ana"), "a.bin", &bytes));
    eventually("four parts", || parts(&server).len() == 4);
}
