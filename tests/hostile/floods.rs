//! Too much of what is allowed once.

use std::io::Write;

use serde_json::{Value, json};

use crate::common::raw::{Came, TEXT, Web, frame};
use crate::common::{Framing, Peer, number, text};
use crate::stage::{attack, attack_with, history, read_to_end, reset, reset_peer};

/// How many of these answers say success; the others must have this code.
#[track_caller]
fn done(peer: &mut Peer, count: usize, code: &str) -> usize {
    let mut done = 0;
    for id in 0..count {
        let answer = peer.answer_to(&json!(id));
        if answer["status"] == "success" {
            done += 1;
        } else {
            assert_eq!(answer["code"], code, "{answer}");
        }
    }
    done
}

#[test]
fn a_flood_of_messages_is_turned_down_and_what_was_taken_is_there() {
    attack_with(&["--limit-loopback"], |stage| {
        let mut mallory = stage.server.join("mallory");
        for id in 0..500 {
            mallory.send(&json!({
                "type": "private_message", "recipient": "vera", "content": "spam", "id": id,
            }));
        }
        let taken = done(&mut mallory, 500, "rate_limited");
        assert!((30..100).contains(&taken), "{taken} were taken");
        assert_eq!(history(&mut mallory, "vera").len(), taken);
    });
}

#[test]
fn a_flood_of_messages_from_this_machine_is_taken_whole() {
    attack(|stage| {
        let mut ana = stage.server.join("ana");
        for id in 0..2_000 {
            ana.send(&json!({
                "type": "private_message", "recipient": "vera", "content": "muito", "id": id,
            }));
        }
        assert_eq!(done(&mut ana, 2_000, "nothing"), 2_000);
        assert_eq!(history(&mut ana, "vera").len(), 2_000);
    });
}

#[test]
fn a_flood_of_bytes_is_turned_down() {
    let limits = ["--limit-loopback", "--byte-rate", "10KiB", "--byte-burst", "100KiB"];
    attack_with(&limits, |stage| {
        let mut mallory = stage.server.join("mallory");
        let pad = "x".repeat(10_000);
        for id in 0..100 {
            mallory.send(&json!({ "type": "ping", "id": id, "pad": pad }));
        }
        let taken = done(&mut mallory, 100, "rate_limited");
        assert!((5..60).contains(&taken), "{taken} were taken");
    });
}

#[test]
fn a_flood_of_pings_holds_up_nobody() {
    attack(|stage| {
        let mut peer = stage.server.join("mallory");
        let flood = Framing::Line.frame(&json!({ "type": "ping" })).repeat(50_000);
        let mut writer = peer.stream().try_clone().expect("a handle");
        let writing = std::thread::spawn(move || writer.write_all(&flood));
        stage.server.still_serves();
        for _ in 0..50_000 {
            peer.event("pong");
        }
        writing.join().expect("a thread").expect("all was taken");
    });
}

#[test]
fn a_flood_of_what_has_no_answer_holds_up_nobody() {
    attack(|stage| {
        let mut peer = stage.server.join("mallory");
        for request in [
            json!({ "type": "typing", "with": "vera" }),
            json!({ "type": "received", "msg_id": 1 }),
            json!({ "type": "read", "with": "vera", "msg_id": 1 }),
            json!({ "type": "heartbeat_ack" }),
        ] {
            peer.send_bytes(&Framing::Line.frame(&request).repeat(10_000));
            peer.nothing_more();
        }
    });
}

#[test]
fn coming_and_going_without_end_is_told_to_few_and_costs_little() {
    attack(|stage| {
        let mut friend = stage.server.join_knowing("amiga", &["presence"]);
        stage.server.join("inquieta").tell("amiga", "oi");
        for _ in 0..200 {
            let mut peer = stage.server.join("inquieta");
            peer.nothing_more();
            peer.leave();
        }
        friend.ok(&json!({ "type": "ping" }));
        for event in friend.take_aside() {
            let kind = text(&event, "type");
            assert!(kind == "presence" || kind == "private_message_received", "{event}");
        }
    });
}

#[test]
fn a_reaction_taken_back_and_given_again_a_thousand_times_is_one() {
    attack(|stage| {
        let mut ana = stage.server.join("ana");
        let answer = ana.tell("vera", "reaja");
        stage.acknowledged("ana", &answer);
        let msg_id = number(&answer, "msg_id");
        for id in 0..1_000 {
            let emoji = if id % 2 == 0 { "👍" } else { "" };
            ana.send(&json!({ "type": "react", "msg_id": msg_id, "emoji": emoji, "id": id }));
        }
        assert_eq!(done(&mut ana, 1_000, "nothing"), 1_000);
        ana.ok(&json!({ "type": "react", "msg_id": msg_id, "emoji": "👍" }));
        let past = ana.ok(&json!({ "type": "history", "with": "vera" }));
        let reactions = &past["messages"][0]["reactions"];
        assert_eq!(*reactions, json!([{ "emoji": "👍", "users": ["ana"] }]));
    });
}

#[test]
fn a_message_edited_five_hundred_times_says_what_it_said_last() {
    attack(|stage| {
        let mut ana = stage.server.join("ana");
        let answer = ana.tell("vera", "0");
        stage.acknowledged("ana", &answer);
        for id in 1..=500 {
            ana.send(&json!({
                "type": "edit_message", "msg_id": answer["msg_id"], "content": id.to_string(), "id": id,
            }));
        }
        for id in 1..=500 {
            assert_eq!(ana.answer_to(&json!(id))["status"], "success");
        }
        let past = ana.ok(&json!({ "type": "history", "with": "vera" }));
        assert_eq!(past["messages"][0]["content"], "500");
    });
}

#[test]
fn groups_made_and_left_without_end_leave_nothing() {
    attack(|stage| {
        let mut mallory = stage.server.join("mallory");
        for _ in 0..300 {
            mallory.group("create_group", "Efêmero", &json!({}));
            mallory.group("leave_group", "Efêmero", &json!({}));
        }
        // And a hundred and one that are kept.
        for n in 0..100 {
            mallory.group("create_group", &format!("Grupo {n}"), &json!({}));
        }
        mallory.group_refused("create_group", "Grupo 100", &json!({}), "too_large");
    });
}

#[test]
fn who_is_added_to_a_group_a_hundred_times_is_in_it_once() {
    attack(|stage| {
        let mut ana = stage.server.join("ana");
        let mut bia = stage.server.join("bia");
        ana.group("create_group", "Trabalho", &json!({}));
        let add = json!({ "new_member": "bia" });
        ana.group("add_member", "Trabalho", &add);
        for _ in 0..100 {
            ana.group_refused("add_member", "Trabalho", &add, "already_member");
            bia.group_refused("join_group", "Trabalho", &json!({}), "already_member");
        }
        bia.event("added_to_group");
        bia.nothing_more();
    });
}

#[test]
fn names_made_without_end_are_turned_down() {
    attack_with(&["--limit-loopback", "--registrations", "10"], |stage| {
        let mut refused = 0;
        for n in 0..30 {
            let mut peer = stage.server.connect(Framing::Line);
            let name = format!("boneco {n}");
            let answer = peer.ask(&json!({ "type": "login", "username": name }));
            if answer["status"] == "error" {
                assert_eq!(answer["code"], "rate_limited", "{answer}");
                refused += 1;
            }
        }
        // Those who look on have names, too.
        assert!((20..30).contains(&refused), "{refused} were refused");
    });
}

#[test]
fn connections_made_without_end_are_turned_down() {
    let limits = ["--limit-loopback", "--new-connections", "60"];
    attack_with(&limits, |stage| {
        let mut told = 0;
        for _ in 0..100 {
            let mut stream = stage.strike(b"?");
            let said = read_to_end(&mut stream);
            told += usize::from(String::from_utf8_lossy(&said).contains("rate_limited"));
        }
        assert!(told >= 40, "{told} were turned down");
        // From then on nobody comes in from this machine, but those who are in stay.
        stage.nobody_comes_in();
    });
}

#[test]
fn connections_held_without_end_are_turned_down() {
    attack_with(&["--limit-loopback", "--connections-per-address", "20"], |stage| {
        let held: Vec<_> = (0..15).map(|_| stage.server.dial()).collect();
        // Two witnesses and these fifteen are there: three more come in, and stay.
        let mut more: Vec<_> = (0..20).map(|_| stage.server.dial()).collect();
        let told = more.iter_mut().filter(|stream| {
            let patience = Some(std::time::Duration::from_millis(300));
            stream.set_read_timeout(patience).expect("a timeout on a socket");
            let mut said = [0; 512];
            let count = std::io::Read::read(&mut &**stream, &mut said).unwrap_or(0);
            String::from_utf8_lossy(&said[..count]).contains("rate_limited")
        });
        assert_eq!(told.count(), 17);
        more.into_iter().for_each(reset);
        held.into_iter().for_each(reset);
    });
}

#[test]
fn uploads_begun_without_end_are_four() {
    attack(|stage| {
        let mut mallory = stage.server.join("mallory");
        let begin = |n: usize, size: u64| {
            json!({
                "type": "file_begin", "recipient": "vera", "filename": format!("{n}.bin"),
                "size": size, "sha256": "ab".repeat(32),
            })
        };
        for n in 0..4 {
            mallory.ok(&begin(n, 1_000));
        }
        for n in 4..50 {
            mallory.refused(&begin(n, 1_000), "quota_exceeded");
        }
        for size in [100 * 1024 * 1024 + 1, (1 << 53) - 1] {
            mallory.refused(&begin(60, size), "too_large");
        }
        // Another connection of the same user changes nothing.
        reset_peer(mallory);
        let mut again = stage.server.join("mallory");
        again.refused(&begin(70, 1_000), "quota_exceeded");
        // Begun again they are the same, and go where they are told to.
        for n in 0..4 {
            let answer = again.ok(&begin(n, 1_000));
            assert_eq!(answer["offset"], 0);
            again.ok(&json!({ "type": "file_cancel", "file_id": answer["file_id"] }));
        }
        again.ok(&begin(71, 1_000));
    });
}

#[test]
fn pieces_out_of_nowhere_are_refused() {
    attack(|stage| {
        let mut mallory = stage.server.join("mallory");
        let begin = json!({
            "type": "file_begin", "recipient": "vera", "filename": "x", "size": 100, "sha256": "ab".repeat(32),
        });
        let file_id = number(&mallory.ok(&begin), "file_id");
        let chunk = |offset: Value, data: &str| json!({ "type": "file_chunk", "file_id": file_id, "offset": offset, "data": data });
        for (offset, data, code) in [
            (json!(1), "QUJD", "invalid_chunk"),
            (json!(9_007_199_254_740_991_u64), "QUJD", "invalid_chunk"),
            (json!(u64::MAX), "QUJD", "invalid_chunk"),
            (json!(-1), "QUJD", "invalid_field"),
            (json!(0), "QUJ", "invalid_chunk"),
            (json!(0), "", "invalid_chunk"),
        ] {
            mallory.refused(&chunk(offset, data), code);
        }
        for request in [
            json!({ "type": "file_get", "file_id": file_id, "offset": 1_u64 << 40 }),
            json!({ "type": "file_get", "file_id": 1, "length": 0 }),
            json!({ "type": "file_end", "file_id": file_id + 1 }),
        ] {
            mallory.refused(&request, "unknown_file");
        }
        mallory.ok(&chunk(json!(0), "QUJD"));
        mallory.refused(&json!({ "type": "file_end", "file_id": file_id }), "hash_mismatch");
        // What is no base64 is the end of its upload.
        let file_id = number(&mallory.ok(&begin), "file_id");
        let wrong =
            json!({ "type": "file_chunk", "file_id": file_id, "offset": 0, "data": "!!!!" });
        mallory.refused(&wrong, "invalid_chunk");
        mallory.refused(&wrong, "unknown_file");
    });
}

#[test]
fn a_file_of_another_content_than_announced_never_has_a_name() {
    attack(|stage| {
        let mut mallory = stage.server.join("mallory");
        for _ in 0..20 {
            let begun = mallory.ok(&json!({
                "type": "file_begin", "recipient": "vera", "filename": "falso.bin", "size": 3,
                "sha256": "ab".repeat(32),
            }));
            let file_id = number(&begun, "file_id");
            mallory.ok(&json!({
                "type": "file_chunk", "file_id": file_id, "offset": 0, "data": "QUJD",
            }));
            mallory.refused(&json!({ "type": "file_end", "file_id": file_id }), "hash_mismatch");
        }
        let files = stage.server.data().join("server_files");
        let kept = std::fs::read_dir(files).map_or(0, Iterator::count);
        assert_eq!(kept, 0);
    });
}

#[test]
fn base64_that_is_none_is_refused() {
    attack(|stage| {
        let mut mallory = stage.server.join("mallory");
        for data in
            ["!", "QUJ", "QUJD=", "=QUJD", "QU JD", "QUJD\n", "QUJ\u{0}", "\u{ff51}UJD", "QUJE===="]
        {
            mallory.refused(
                &json!({ "type": "send_file", "recipient": "vera", "filename": "x", "file_data": data }),
                "invalid_field",
            );
        }
        mallory.nothing_more();
    });
}

#[test]
fn a_download_asked_for_a_hundred_times_is_sent_four_at_a_time() {
    attack(|stage| {
        let mut ana = stage.server.join("ana");
        let mut bia = stage.server.join_knowing("bia", &["chunks"]);
        let data = "QUJD".repeat(256 * 1024);
        let sent = ana.ok(&json!({
            "type": "send_file", "recipient": "bia", "filename": "f", "file_data": data,
        }));
        bia.event("file_received");
        for id in 0..100 {
            bia.send(&json!({ "type": "file_get", "file_id": sent["msg_id"], "id": id }));
        }
        let (mut whole, mut refused) = (0, 0);
        while whole + refused < 100 {
            let frame: Value = bia.next();
            if frame["type"] == "file_response" {
                match frame["code"].as_str() {
                    None => whole += 1,
                    Some(code) => {
                        assert_eq!(code, "rate_limited", "{frame}");
                        refused += 1;
                    }
                }
            }
        }
        assert!(whole >= 4, "{whole}");
    });
}

#[test]
fn a_flood_of_websocket_messages_is_turned_down_as_any_other() {
    attack_with(&["--limit-loopback"], |stage| {
        let mut web = Web::join(&stage.server, "mallory");
        let mut flood = Vec::new();
        for id in 0..200 {
            let message = json!({
                "type": "private_message", "recipient": "vera", "content": "spam", "id": id,
            });
            flood.extend(frame(TEXT, message.to_string().as_bytes()));
        }
        web.send_bytes(&flood);
        let mut refused = 0;
        for _ in 0..200 {
            let Came::Text(said) = web.next() else { panic!("an answer") };
            let answer: Value = serde_json::from_slice(&said).expect("JSON");
            if answer["status"] == "error" {
                assert_eq!(answer["code"], "rate_limited", "{answer}");
                refused += 1;
            }
        }
        assert!((100..=170).contains(&refused), "{refused}");
    });
}
