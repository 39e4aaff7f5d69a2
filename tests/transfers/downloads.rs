//! Files that are got: stretches, several at a time, by who may, and at the reader's own pace.

use serde_json::{Value, json};

use super::common::{Peer, Server, eventually, number, text};
use super::{
    PIECE, cancel, end, fetched, get, joined, modern, noise, stretch, to, to_group, upload,
};

/// A file from ana to bia, and its number.
#[track_caller]
fn sent(ana: &mut Peer, bia: &mut Peer, bytes: &[u8]) -> u64 {
    upload(ana, &to("bia"), "a.bin", bytes);
    number(&bia.event("file_received"), "file_id")
}

#[test]
fn any_stretch_of_a_file() {
    let server = Server::start();
    let (mut ana, mut bia) = (modern(&server, "ana"), modern(&server, "bia"));
    let size = 5 * PIECE + 100;
    let bytes = noise(size, 5);
    let file_id = sent(&mut ana, &mut bia, &bytes);
    for (from, length) in [
        (0, None),
        (1, None),
        (PIECE, None),
        (size - 1, None),
        (size, None),
        (0, Some(0)),
        (7, Some(1)),
        (PIECE - 1, Some(2)),
        (3, Some(4 * PIECE)),
        (size - 10, Some(10)),
        (size - 10, Some(11)),
        (100, Some(1 << 52)),
    ] {
        let mut request = get(file_id);
        request["offset"] = json!(from);
        let upto = length.map_or(size, |length| size.min(from + length));
        if let Some(length) = length {
            request["length"] = json!(length);
        }
        let got = stretch(&mut bia, &request, size);
        assert!(got == bytes[from..upto], "{request}: {} bytes, or others", got.len());
    }
    // Past its end there is nothing to have.
    for past in [size + 1, 1 << 50] {
        let mut request = get(file_id);
        request["offset"] = json!(past);
        let refusal = bia.refused(&request, "invalid_field");
        assert_eq!(refusal["type"], "file_response", "{refusal}");
    }
    let mut request = get(file_id);
    request["offset"] = json!(-1);
    assert_eq!(bia.ask(&request)["status"], "error");
    bia.refused(&json!({ "type": "file_get" }), "missing_field");
    bia.refused(&cancel(file_id), "unknown_file");
}

#[test]
fn an_empty_file_has_one_empty_piece() {
    let server = Server::start();
    let (mut ana, mut bia) = (modern(&server, "ana"), modern(&server, "bia"));
    upload(&mut ana, &to("bia"), "vazio", b"");
    let event = bia.event("file_received");
    assert_eq!(event["size"], 0);
    assert_eq!(fetched(&mut bia, &event), b"");
    bia.send(&get(number(&event, "file_id")));
    assert_eq!(bia.event("file_data")["eof"], true);
}

#[test]
fn only_members_of_the_conversation_get_a_file() {
    let server = Server::start();
    let (mut ana, mut bia) = (modern(&server, "ana"), modern(&server, "bia"));
    let mut fora = modern(&server, "fora");
    let file_id = sent(&mut ana, &mut bia, b"segredo");
    // The same answer as for what does not exist.
    let refusal = fora.refused(&get(file_id), "unknown_file");
    let nothing = fora.refused(&get(file_id + 1000), "unknown_file");
    assert_eq!(refusal["message"], nothing["message"]);
    ana.group("create_group", "Time", &Value::Null);
    bia.group("join_group", "Time", &Value::Null);
    upload(&mut ana, &to_group("Time"), "b.bin", b"do grupo");
    let file_id = number(&bia.until("group_file_received"), "file_id");
    fora.refused(&get(file_id), "unknown_file");
    bia.take_aside();
    assert_eq!(stretch(&mut bia, &get(file_id), 8), b"do grupo");
    bia.group("leave_group", "Time", &Value::Null);
    bia.refused(&get(file_id), "unknown_file");
    // Who comes later sees as much of it as of what was said before.
    fora.group("join_group", "Time", &Value::Null);
    let page = fora.ok(&json!({ "type": "history", "group_name": "Time" }));
    if page["messages"] == json!([]) {
        fora.refused(&get(file_id), "unknown_file");
    }
    // A message that is no file, and nonsense.
    let told = ana.tell("bia", "oi");
    bia.refused(&get(number(&told, "msg_id")), "unknown_file");
    bia.refused(&get(0), "unknown_file");
}

#[test]
fn the_file_of_a_deleted_message_is_not_given_out() {
    let mut server = Server::start();
    let (mut ana, mut bia) = (modern(&server, "ana"), modern(&server, "bia"));
    let answer = upload(&mut ana, &to("bia"), "a.bin", b"foi engano");
    let file_id = number(&bia.event("file_received"), "file_id");
    ana.ok(&json!({ "type": "delete_message", "msg_id": answer["msg_id"] }));
    bia.refused(&get(file_id), "unknown_file");
    ana.refused(&get(file_id), "unknown_file");
    server.crash();
    let mut bia = server.join("bia");
    bia.refused(&get(file_id), "unknown_file");
}

#[test]
fn a_whole_file_of_an_old_client_is_got_in_pieces() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = modern(&server, "bia");
    let answer = ana.ok(&json!({
        "type": "send_file", "recipient": "bia", "filename": "a.txt", "file_type": "private",
        "file_data": "b2k=",
    }));
    let event = bia.event("file_received");
    assert_eq!(fetched(&mut bia, &event), b"oi");
    // An end that is about no upload of pieces.
    assert_eq!(ana.ask(&end(number(&answer, "msg_id")))["type"], "file_response");
}

#[test]
fn four_downloads_at_a_time_take_turns() {
    let server = Server::start();
    let (mut ana, mut bia) = (modern(&server, "ana"), modern(&server, "bia"));
    let bytes = noise(12 * PIECE, 12);
    let file_id = sent(&mut ana, &mut bia, &bytes);
    for at in 0..5 {
        let mut request = get(file_id);
        request["id"] = json!(format!("leitura {at}"));
        bia.send(&request);
    }
    // The fifth is refused, unless one was through by then. Chat comes in between all the time.
    ana.tell("bia", "no meio");
    let answers: Vec<Value> =
        (0..5).map(|at| bia.answer_to(&json!(format!("leitura {at}")))).collect();
    let through = answers.iter().filter(|answer| answer["status"] == "success").count();
    assert!(through >= 4, "{answers:?}");
    assert!(answers[..4].iter().all(|answer| answer["status"] == "success"), "{answers:?}");
    if through == 4 {
        assert_eq!(answers[4]["code"], "rate_limited", "{}", answers[4]);
    }
    let frames = bia.take_aside();
    let data: Vec<_> = frames.iter().filter(|frame| frame["type"] == "file_data").collect();
    let count = data.iter().map(|frame| text(frame, "data").len() / 4 * 3).sum::<usize>();
    assert_eq!(count, through * bytes.len());
    // Afterwards there is room again.
    assert!(stretch(&mut bia, &get(file_id), bytes.len()) == bytes, "the bytes differ");
}

#[test]
fn who_reads_slowly_holds_up_nobody() {
    let server = Server::start();
    let (mut ana, mut bia) = (modern(&server, "ana"), modern(&server, "bia"));
    let (mut caio, mut duda) = (server.join("caio"), server.join("duda"));
    let bytes = noise(8 * 1024 * 1024, 8);
    let file_id = sent(&mut ana, &mut bia, &bytes);
    let mut request = get(file_id);
    request["id"] = json!("devagar");
    bia.send(&request);
    // The first piece is there, so it is on its way. Then bia reads nothing for a while.
    let first = bia.event("file_data");
    for at in 0..200 {
        caio.tell("duda", &format!("{at}"));
        duda.hears("caio", &format!("{at}"));
    }
    ana.tell("bia", "para quem baixa");
    let mut frames = vec![first];
    let mut heard = 0;
    loop {
        let frame = bia.next();
        match text(&frame, "type") {
            "file_data" => frames.push(frame),
            "private_message_received" => heard += 1,
            "file_response" => break,
            other => panic!("{other}: {frame}"),
        }
    }
    assert!(joined(&frames, file_id, 0, bytes.len()) == bytes, "the bytes differ");
    assert_eq!(heard, 1);
}

#[test]
fn a_message_comes_between_the_pieces() {
    let server = Server::start();
    let (mut ana, mut bia) = (modern(&server, "ana"), modern(&server, "bia"));
    let bytes = noise(8 * 1024 * 1024, 8);
    let file_id = sent(&mut ana, &mut bia, &bytes);
    bia.send(&get(file_id));
    bia.event("file_data");
    ana.tell("bia", "não espera");
    let mut after = 0;
    while bia.next()["type"] != "private_message_received" {
        after += 1;
    }
    // No more than what its outbox and the two sockets hold: far from the rest of the file.
    assert!(after < 150, "{after} of 171 pieces came before it");
}

#[test]
fn who_has_said_all_still_gets_the_file() {
    let server = Server::start();
    let (mut ana, mut bia) = (modern(&server, "ana"), modern(&server, "bia"));
    let bytes = noise(40 * PIECE, 40);
    let file_id = sent(&mut ana, &mut bia, &bytes);
    bia.send(&get(file_id));
    bia.finish_sending();
    let mut frames = bia.rest();
    let last = frames.pop().expect("an answer");
    assert_eq!((&last["type"], &last["status"]), (&json!("file_response"), &json!("success")));
    assert!(joined(&frames, file_id, 0, bytes.len()) == bytes, "the bytes differ");
    // An upload, too, is finished by who says no more after its end.
    let (upload_id, _) = super::begun(&mut ana, &to("bia"), "b.bin", &bytes);
    for (at, piece) in bytes.chunks(PIECE).enumerate() {
        ana.send(&super::chunk(upload_id, at * PIECE, piece));
    }
    ana.send(&end(upload_id));
    ana.finish_sending();
    let answers = ana.rest();
    let last = answers.last().expect("an answer");
    assert_eq!(last["status"], "success", "{last}");
    assert_eq!(last["type"], "file_response", "{last}");
}

#[test]
fn who_goes_in_the_middle_of_a_download_leaves_nothing_behind() {
    let server = Server::start();
    let (mut ana, mut bia) = (modern(&server, "ana"), modern(&server, "bia"));
    let bytes = noise(20 * PIECE, 20);
    let file_id = sent(&mut ana, &mut bia, &bytes);
    for _ in 0..10 {
        bia.send(&get(file_id));
        bia.event("file_data");
        drop(bia);
        ana.waits_until_gone("bia");
        bia = modern(&server, "bia");
    }
    assert!(stretch(&mut bia, &get(file_id), bytes.len()) == bytes, "the bytes differ");
}

#[test]
fn a_kept_file_that_is_gone_from_the_disk_is_said_to_be() {
    let server = Server::start();
    let (mut ana, mut bia) = (modern(&server, "ana"), modern(&server, "bia"));
    let file_id = sent(&mut ana, &mut bia, b"some");
    let path = server.data().join("server_files").join("ana_a.bin");
    std::fs::remove_file(&path).expect("the file");
    bia.refused(&get(file_id), "unknown_file");
    // Shorter than it should be, or a link to elsewhere: never others' bytes.
    std::fs::write(&path, "so").expect("a file");
    bia.refused(&get(file_id), "unknown_file");
    std::fs::remove_file(&path).expect("the file");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc/hostname", &path).expect("a link");
        bia.refused(&get(file_id), "unknown_file");
    }
    bia.ok(&json!({ "type": "ping" }));
    eventually("the server goes on", || server.dial().peer_addr().is_ok());
}
