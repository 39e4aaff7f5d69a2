//! What is refused, and what becomes of the upload then.

use serde_json::{Value, json};

use super::common::{Framing, Server, eventually, number, peer::assert_refused};
use super::{
    PIECE, begin, begun, cancel, chunk, end, fetched, hash, kept, modern, noise, parts,
    send_pieces, to, to_group, upload,
};

#[test]
fn a_wrong_beginning_is_refused() {
    let server = Server::start();
    let mut ana = modern(&server, "ana");
    let _bia = server.join("bia");
    let good = begin(&to("bia"), "a.bin", b"abc");
    for (field, value, code) in [
        ("filename", Value::Null, "missing_field"),
        ("size", Value::Null, "missing_field"),
        ("sha256", Value::Null, "missing_field"),
        ("recipient", Value::Null, "missing_field"),
        ("group_name", json!("Time"), "invalid_field"),
        ("sha256", json!("abc"), "invalid_field"),
        ("sha256", json!("g".repeat(64)), "invalid_field"),
        ("sha256", json!("a".repeat(66)), "invalid_field"),
        ("sha256", json!("é".repeat(32)), "invalid_field"),
        ("size", json!(1_u64 << 53), "too_large"),
        ("recipient", json!("ninguém"), "unknown_user"),
    ] {
        let mut request = good.clone();
        request[field] = value;
        if request[field].is_null() {
            request.as_object_mut().expect("fields").remove(field);
        }
        let refusal = ana.refused(&request, code);
        assert_eq!(refusal["type"], "file_response", "{refusal}");
    }
    for size in [json!(-1), json!(1.5), json!("3"), json!(true)] {
        let mut request = good.clone();
        request["size"] = size;
        assert_eq!(ana.ask(&request)["status"], "error", "{request}");
    }
    ana.refused(&begin(&to_group("Nenhum"), "a.bin", b"x"), "unknown_group");
    assert!(parts(&server).is_empty());
    // Digits of a hash may be large ones.
    let mut request = good;
    request["sha256"] = json!(hash(b"abc").to_uppercase());
    let file_id = number(&ana.ok(&request), "file_id");
    send_pieces(&mut ana, file_id, b"abc", 0, 3);
    ana.ok(&end(file_id));
}

#[test]
fn a_wrong_piece_is_refused_and_the_upload_goes_on() {
    let server = Server::start();
    let mut ana = modern(&server, "ana");
    let mut bia = modern(&server, "bia");
    let bytes = noise(4 * PIECE, 4);
    let (file_id, _) = begun(&mut ana, &to("bia"), "a.bin", &bytes);
    send_pieces(&mut ana, file_id, &bytes, 0, PIECE);
    let next = &bytes[PIECE..2 * PIECE];
    for wrong in [0, 1, PIECE - 1, PIECE + 1, 2 * PIECE, 1 << 40] {
        let refusal = ana.refused(&chunk(file_id, wrong, next), "invalid_chunk");
        assert_eq!(refusal["type"], "file_ack", "{refusal}");
    }
    // Nothing, too much, and more than the file has room for.
    ana.refused(&chunk(file_id, PIECE, b""), "invalid_chunk");
    ana.refused(&chunk(file_id, PIECE, &noise(PIECE + 1, 1)), "invalid_chunk");
    ana.refused(&chunk(file_id, PIECE, &noise(10 * PIECE, 1)), "invalid_chunk");
    let mut request = chunk(file_id, PIECE, next);
    request["data"] = json!("YQ");
    ana.refused(&request, "invalid_chunk");
    request.as_object_mut().expect("fields").remove("data");
    ana.refused(&request, "missing_field");
    ana.refused(&chunk(file_id + 1, 0, next), "unknown_file");
    // It is another's.
    bia.refused(&chunk(file_id, PIECE, next), "unknown_file");
    bia.refused(&cancel(file_id), "unknown_file");
    bia.refused(&end(file_id), "unknown_file");
    bia.refused(&super::get(file_id), "unknown_file");
    send_pieces(&mut ana, file_id, &bytes, PIECE, 3 * PIECE);
    ana.refused(&chunk(file_id, 3 * PIECE, &noise(PIECE + 3, 1)), "invalid_chunk");
    send_pieces(&mut ana, file_id, &bytes, 3 * PIECE, 4 * PIECE);
    ana.refused(&chunk(file_id, 4 * PIECE, b"x"), "invalid_chunk");
    ana.ok(&end(file_id));
    let event = bia.event("file_received");
    assert!(fetched(&mut bia, &event) == bytes, "the bytes differ");
}

#[test]
fn a_hash_that_is_not_right_drops_the_file() {
    let server = Server::start();
    let mut ana = modern(&server, "ana");
    let mut bia = modern(&server, "bia");
    let bytes = noise(2 * PIECE, 2);
    // One bit is wrong; and what came is less than was announced.
    for (name, upto) in [("bit", 2 * PIECE), ("curto", PIECE), ("nada", 0)] {
        let mut sent = bytes.clone();
        sent[77] ^= 1;
        let (file_id, _) = begun(&mut ana, &to("bia"), name, &bytes);
        send_pieces(&mut ana, file_id, &sent, 0, upto);
        let refusal = ana.refused(&end(file_id), "hash_mismatch");
        assert_eq!(refusal["type"], "file_response", "{refusal}");
        ana.refused(&end(file_id), "unknown_file");
        ana.refused(&chunk(file_id, upto, &bytes[..10]), "unknown_file");
        eventually("the part is gone", || parts(&server).is_empty());
    }
    assert!(kept(&server).is_empty());
    bia.nothing_more();
    // Once more, and right.
    upload(&mut ana, &to("bia"), "bit", &bytes);
    let event = bia.event("file_received");
    assert!(fetched(&mut bia, &event) == bytes, "the bytes differ");
}

#[test]
fn what_is_no_base64_never_becomes_a_file_and_everything_is_answered() {
    let server = Server::start();
    let mut ana = modern(&server, "ana");
    let mut bia = modern(&server, "bia");
    for (at, data) in ["!!!!", "YQ==YQ==", "Y Q=", "YWI-", "====", "YR=="].into_iter().enumerate() {
        let bytes = noise(3 * PIECE, 3);
        let (file_id, _) = begun(&mut ana, &to("bia"), &format!("{at}"), &bytes);
        // The good ones, the bad one, one after it and the end are all on their way together.
        let mut bad = chunk(file_id, PIECE, b"");
        bad["data"] = json!(data);
        let pads = data.bytes().rev().take(2).take_while(|byte| *byte == b'=').count();
        let after = PIECE + data.len() / 4 * 3 - pads;
        let requests = [
            chunk(file_id, 0, &bytes[..PIECE]),
            bad,
            chunk(file_id, after, &bytes[..PIECE]),
            chunk(file_id, after + PIECE, &bytes[after + PIECE..]),
            end(file_id),
        ];
        let ids = requests.into_iter().enumerate().map(|(number, mut request)| {
            request["id"] = json!(format!("{at}/{number}"));
            ana.send(&request);
            request["id"].clone()
        });
        let ids: Vec<Value> = ids.collect();
        let answers: Vec<Value> = ids.iter().map(|id| ana.answer_to(id)).collect();
        assert_eq!(answers[0]["status"], "success", "{data:?}: {}", answers[0]);
        assert_refused(&answers[1], "invalid_chunk");
        // What came after it is not said to be kept.
        for answer in &answers[2..] {
            assert_refused(answer, "unknown_file");
        }
        eventually("the part is gone", || parts(&server).is_empty());
    }
    assert!(kept(&server).is_empty());
    bia.nothing_more();
    // Nobody waits for an answer that never comes: the connection ends as it should.
    ana.leave();
}

#[test]
fn an_upload_taken_back_is_gone_at_once() {
    let mut server = Server::start();
    let mut ana = modern(&server, "ana");
    let _bia = modern(&server, "bia");
    let bytes = noise(3 * PIECE, 3);
    let (file_id, _) = begun(&mut ana, &to("bia"), "a.bin", &bytes);
    send_pieces(&mut ana, file_id, &bytes, 0, PIECE);
    assert_eq!(ana.ok(&cancel(file_id))["type"], "file_response");
    ana.refused(&cancel(file_id), "unknown_file");
    ana.refused(&chunk(file_id, PIECE, b"x"), "unknown_file");
    ana.refused(&end(file_id), "unknown_file");
    eventually("the part is gone", || parts(&server).is_empty());
    // It begins from the start, also after a restart.
    let (other, offset) = begun(&mut ana, &to("bia"), "a.bin", &bytes);
    assert_ne!(other, file_id);
    assert_eq!(offset, 0);
    ana.ok(&cancel(other));
    server.crash();
    let mut ana = modern(&server, "ana");
    ana.refused(&end(other), "unknown_file");
    let (_, offset) = begun(&mut ana, &to("bia"), "a.bin", &bytes);
    assert_eq!(offset, 0);
}

#[test]
fn taken_back_while_pieces_and_the_end_are_on_their_way() {
    let server = Server::start();
    let mut ana = modern(&server, "ana");
    let mut bia = modern(&server, "bia");
    for round in 0..20 {
        let bytes = noise(WITHIN, round);
        let (file_id, _) = begun(&mut ana, &to("bia"), &format!("{round}"), &bytes);
        for (at, piece) in bytes.chunks(PIECE).enumerate() {
            ana.send(&chunk(file_id, at * PIECE, piece));
        }
        let mut last = end(file_id);
        last["id"] = json!(format!("fim {round}"));
        ana.send(&last);
        let taken_back = ana.ask(&cancel(file_id));
        let ended = ana.answer_to(&last["id"]);
        // One of the two came first, and both say which.
        if ended["status"] == "success" {
            assert_refused(&taken_back, "unknown_file");
            bia.event("file_received");
        } else {
            assert_refused(&ended, "unknown_file");
            assert_eq!(taken_back["status"], "success", "{taken_back}");
        }
        ana.take_aside();
    }
    bia.nothing_more();
    // What nobody has a message of is not kept.
    let page = ana.ok(&json!({ "type": "history", "with": "bia", "limit": 200 }));
    let messages = page["messages"].as_array().expect("messages").len();
    eventually("only what was sent is kept", || kept_count(&server) == messages);
    eventually("no part is left", || parts(&server).is_empty());
    ana.leave();
}

/// Four pieces.
const WITHIN: usize = 4 * PIECE;

fn kept_count(server: &Server) -> usize {
    std::fs::read_dir(server.data().join("server_files")).map_or(0, Iterator::count)
}

#[test]
fn taken_back_by_another_session_while_it_begins() {
    let server = Server::start();
    let (mut first, token) = server.claim("ana");
    let _bia = server.join("bia");
    let mut second = server.connect(Framing::Line);
    second.login("ana", &json!({ "token": token }));
    // Much is there already, and is hashed again in another life: that takes a moment.
    let bytes = noise(20 * PIECE, 20);
    for round in 0..20 {
        let (file_id, _) = begun(&mut first, &to("bia"), &format!("{round}"), &bytes);
        send_pieces(&mut first, file_id, &bytes, 0, PIECE);
        let mut again = begin(&to("bia"), &format!("{round}"), &bytes);
        again["id"] = json!(format!("de novo {round}"));
        first.send(&again);
        assert_eq!(second.ask(&cancel(file_id))["type"], "file_response");
        // Whichever came first: the one who begins gets an answer, and is read from then on.
        first.answer_to(&again["id"]);
        first.ok(&json!({ "type": "ping" }));
        let (file_id, _) = begun(&mut first, &to("bia"), &format!("{round}"), &bytes);
        second.ok(&cancel(file_id));
    }
    eventually("no part is left", || parts(&server).is_empty());
}

#[test]
fn who_left_the_group_meanwhile_sends_nothing_there() {
    let server = Server::start();
    let mut ana = modern(&server, "ana");
    let mut bia = modern(&server, "bia");
    ana.group("create_group", "Time", &json!({ "private": true }));
    ana.group("add_member", "Time", &json!({ "new_member": "bia" }));
    bia.until("added_to_group");
    let bytes = noise(100, 1);
    let (file_id, _) = begun(&mut bia, &to_group("Time"), "a.bin", &bytes);
    send_pieces(&mut bia, file_id, &bytes, 0, 100);
    bia.group("leave_group", "Time", &Value::Null);
    let refusal = bia.refused(&end(file_id), "not_member");
    assert_eq!(refusal["type"], "file_response", "{refusal}");
    eventually("it is not kept", || kept_count(&server) == 0 && parts(&server).is_empty());
    assert!(ana.take_aside().iter().all(|frame| frame["type"] != "group_file_received"));
}
