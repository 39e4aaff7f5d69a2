//! Transfers that are cut off, and taken up again.

use serde_json::{Value, json};

use super::common::{Framing, Peer, Server, number, text};
use super::{
    PIECE, WINDOW, begun, chunk, end, fetched, get, joined, kept, modern, noise, parts,
    send_pieces, stretch, to, to_group, upload,
};

/// Numbers that look like chance, the same ones each time.
fn places(count: usize, below: usize, seed: u64) -> Vec<usize> {
    let bytes = noise(count * 8, seed);
    let (numbers, _) = bytes.as_chunks::<8>();
    let number = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes) % below as u64;
    numbers.iter().map(|bytes| usize::try_from(number(bytes)).expect("below")).collect()
}

/// A session of ana, who has a password of her own making: she may have several.
fn session(server: &Server, token: &str) -> Peer {
    let fields = json!({ "token": token, "features": ["chunks"] });
    let mut ana = server.connect(Framing::Line);
    ana.login("ana", &fields);
    ana.event("synced");
    ana
}

/// Sends pieces as they come from a pipe that is cut after so many bytes: the last one is in the
/// middle somewhere.
fn send_cut(peer: &mut Peer, file_id: u64, bytes: &[u8], from: usize, wire_bytes: usize) {
    let pieces = bytes[from..].chunks(PIECE).enumerate();
    let frames = pieces
        .flat_map(|(at, piece)| Framing::Line.frame(&chunk(file_id, from + at * PIECE, piece)));
    let cut: Vec<u8> = frames.take(wire_bytes).collect();
    peer.send_bytes(&cut);
}

#[test]
fn an_upload_cut_off_at_twenty_places_arrives() {
    let server = Server::start();
    let (_first, token) = server.claim("ana");
    let mut bia = modern(&server, "bia");
    for (at, place) in places(20, 12 * 65_700, 7).into_iter().enumerate() {
        let bytes = noise(12 * PIECE + at, place as u64);
        let name = format!("{at}.bin");
        let mut ana = session(&server, &token);
        let (file_id, _) = begun(&mut ana, &to("bia"), &name, &bytes);
        send_cut(&mut ana, file_id, &bytes, 0, place);
        drop(ana);
        // It goes on where it stopped, however far that was.
        let mut ana = session(&server, &token);
        let (same, offset) = begun(&mut ana, &to("bia"), &name, &bytes);
        assert_eq!(same, file_id);
        assert!(offset <= place, "{offset} bytes of {place} on the wire");
        assert_eq!(offset % PIECE, 0, "only whole pieces are taken");
        send_pieces(&mut ana, file_id, &bytes, offset, bytes.len());
        ana.ok(&end(file_id));
        let event = bia.event("file_received");
        assert!(fetched(&mut bia, &event) == bytes, "cut at {place}: the bytes differ");
    }
    assert_eq!(kept(&server).len(), 20);
    assert!(parts(&server).is_empty());
}

#[test]
fn one_session_takes_over_from_another_in_the_middle() {
    let server = Server::start();
    let (_first, token) = server.claim("ana");
    let mut bia = modern(&server, "bia");
    let bytes = noise(40 * PIECE, 40);
    let mut old = session(&server, &token);
    let (file_id, _) = begun(&mut old, &to("bia"), "a.bin", &bytes);
    // What the old connection has sent may still be on its way to the disk.
    for (at, piece) in bytes.chunks(PIECE).take(WINDOW).enumerate() {
        old.send(&chunk(file_id, at * PIECE, piece));
    }
    let mut new = session(&server, &token);
    let (_, offset) = begun(&mut new, &to("bia"), "a.bin", &bytes);
    // The old one is not heard any more.
    old.refused(&chunk(file_id, offset, &bytes[offset..offset + PIECE]), "invalid_chunk");
    send_pieces(&mut new, file_id, &bytes, offset, bytes.len());
    new.ok(&end(file_id));
    let event = bia.event("file_received");
    assert!(fetched(&mut bia, &event) == bytes, "the bytes differ");
}

#[test]
fn an_upload_outlives_restarts_and_kills() {
    let mut server = Server::start();
    let mut ana = modern(&server, "ana");
    ana.group("create_group", "Time", &Value::Null);
    server.join("bia").group("join_group", "Time", &Value::Null);
    let bytes = noise(60 * PIECE + 3, 60);
    let (file_id, mut known) = begun(&mut ana, &to_group("Time"), "a.bin", &bytes);
    for (life, place) in places(8, 10 * PIECE, 3).into_iter().enumerate() {
        let acked = bytes.len().min(known + place / PIECE * PIECE);
        send_pieces(&mut ana, file_id, &bytes, known, acked);
        if life % 2 == 0 {
            server.restart();
        } else {
            // In the middle of what nobody has said anything about yet.
            send_cut(&mut ana, file_id, &bytes, acked, place);
            server.crash();
        }
        ana = modern(&server, "ana");
        let (same, offset) = begun(&mut ana, &to_group("Time"), "a.bin", &bytes);
        assert_eq!(same, file_id);
        assert!(offset >= acked, "life {life}: {acked} bytes were answered, {offset} are there");
        known = offset;
    }
    send_pieces(&mut ana, file_id, &bytes, known, bytes.len());
    ana.ok(&end(file_id));
    let fields = json!({ "features": ["chunks"] });
    let mut bia = server.join_with("bia", Framing::Line, &fields);
    let missed = bia.backlog();
    let event = missed.iter().find(|frame| frame["type"] == "group_file_received");
    assert!(fetched(&mut bia, event.expect("the offer")) == bytes, "the bytes differ");
}

#[test]
fn a_server_killed_at_the_end_loses_no_file_that_it_answered() {
    let mut server = Server::start();
    for round in 0..6 {
        let mut ana = modern(&server, "ana");
        let bia = server.join("bia");
        let bytes = noise(3 * PIECE, round);
        let name = format!("{round}.bin");
        let (file_id, offset) = begun(&mut ana, &to("bia"), &name, &bytes);
        send_pieces(&mut ana, file_id, &bytes, offset, bytes.len());
        let mut request = end(file_id);
        request["id"] = json!(format!("fim {round}"));
        ana.send(&request);
        let answered = (round % 2 == 0).then(|| ana.answer_to(&request["id"]));
        drop(bia);
        server.crash();
        // Whoever got no answer asks again; if it is not known, the file is sent again.
        let mut ana = modern(&server, "ana");
        let again = ana.ask(&end(file_id));
        let msg_id = match answered {
            Some(answer) => {
                assert_eq!(again["msg_id"], answer["msg_id"], "{again}");
                number(&again, "msg_id")
            }
            None if again["status"] == "success" => number(&again, "msg_id"),
            None => number(&upload(&mut ana, &to("bia"), &name, &bytes), "msg_id"),
        };
        assert!(msg_id > 0);
        let got = stretch(&mut ana, &get(file_id), bytes.len());
        assert!(got == bytes, "round {round}: the bytes differ");
    }
    assert!(kept(&server).len() >= 6);
}

#[test]
fn a_download_goes_on_where_it_was_cut() {
    let mut server = Server::start();
    let mut ana = modern(&server, "ana");
    let mut bia = server.join("bia");
    let bytes = noise(30 * PIECE + 1, 30);
    upload(&mut ana, &to("bia"), "a.bin", &bytes);
    let file_id = {
        let page = ana.ok(&json!({ "type": "history", "with": "bia" }));
        number(&page["messages"][0], "file_id")
    };
    bia.leave();
    let mut have: Vec<u8> = Vec::new();
    for (at, frames) in places(8, 5, 11).into_iter().enumerate() {
        let mut request = get(file_id);
        request["offset"] = json!(have.len());
        ana.send(&request);
        let taken: Vec<Value> = (0..=frames).map(|_| ana.until("file_data")).collect();
        have.extend(joined(&taken, file_id, have.len(), bytes.len()));
        if at % 3 == 2 {
            server.crash();
        } else {
            drop(ana);
        }
        bia = server.join("bia");
        bia.waits_until_gone("ana");
        bia.leave();
        ana = modern(&server, "ana");
    }
    let mut request = get(file_id);
    request["offset"] = json!(have.len());
    have.extend(stretch(&mut ana, &request, bytes.len()));
    assert!(have == bytes, "the bytes differ");
}

#[test]
fn a_part_that_lost_its_end_goes_on_from_what_is_there() {
    let mut server = Server::start();
    let mut ana = modern(&server, "ana");
    let _bia = server.join("bia");
    let bytes = noise(5 * PIECE, 5);
    let (file_id, _) = begun(&mut ana, &to("bia"), "a.bin", &bytes);
    send_pieces(&mut ana, file_id, &bytes, 0, 4 * PIECE);
    server.kill();
    // A machine that lost power may have less than was answered, or nothing at all, or more.
    let part = server.data().join("uploads").join(format!("{file_id}.part"));
    for (length, expected) in [(100_000, 100_000), (0, 0), (9 * PIECE, 0)] {
        let mut there = bytes.clone();
        there.resize(length, 0);
        std::fs::write(&part, there).expect("the part");
        server.again();
        let mut ana = modern(&server, "ana");
        let (same, offset) = begun(&mut ana, &to("bia"), "a.bin", &bytes);
        assert_eq!((same, offset), (file_id, expected));
        server.kill();
    }
    std::fs::remove_file(&part).expect("the part");
    server.again();
    let mut ana = modern(&server, "ana");
    let answer = upload(&mut ana, &to("bia"), "a.bin", &bytes);
    assert_eq!(text(&answer, "saved_as").rsplit('/').next(), Some("ana_a.bin"));
    assert!(kept(&server)["ana_a.bin"] == bytes, "the bytes differ");
}
