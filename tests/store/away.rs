//! Section 4, "Offline": where the backlog begins, what is in it, and what moves the cursor.

use serde_json::{Value, json};

use crate::common::{Framing, Peer, Server, number, text};
use crate::{contents, group, history, ids, with};

/// A login that hears of receipts, and so says itself what has arrived.
fn careful() -> Value {
    json!({ "features": ["receipts"] })
}

/// Says that everything up to this message has arrived. There is no answer to wait for, but what
/// is asked later on the same connection is done later.
#[track_caller]
fn received(peer: &mut Peer, msg_id: u64) {
    peer.send(&json!({ "type": "received", "msg_id": msg_id }));
}

/// Logs in, and gives what was missed.
#[track_caller]
fn missed_by(server: &Server, name: &str, fields: &Value) -> (Peer, Vec<Value>) {
    let mut peer = server.join_with(name, Framing::Line, fields);
    let missed = peer.backlog();
    peer.nothing_more();
    (peer, missed)
}

/// Messages of ana to bia, who is away: their numbers.
#[track_caller]
fn sent(ana: &mut Peer, count: usize) -> Vec<u64> {
    (0..count).map(|n| number(&ana.tell("bia", &format!("mensagem {n}")), "msg_id")).collect()
}

#[test]
fn what_was_missed_comes_from_all_conversations_in_one_order() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut caio = server.join("caio");
    let mut bia = server.join("bia");
    ana.group("create_group", "Time", &json!({}));
    bia.group("join_group", "Time", &json!({}));
    caio.group("join_group", "Time", &json!({}));
    bia.leave();
    let mut expected = Vec::new();
    for round in 0..20 {
        let content = format!("rodada {round}");
        expected.push(number(&ana.tell("bia", &content), "msg_id"));
        expected.push(number(&caio.tell_group("Time", &content), "msg_id"));
        expected.push(number(&caio.tell("bia", &content), "msg_id"));
        expected.push(number(&ana.tell_group("Time", &content), "msg_id"));
        // What is between others is no business of bia's.
        caio.tell("ana", &content);
    }
    let mut bia = server.connect(Framing::Line);
    let answer = bia.login("bia", &json!({ "features": [] }));
    let missed = bia.backlog();
    assert_eq!(ids(&missed), expected);
    assert!(number(&answer, "cursor") < expected[0]);
    bia.nothing_more();
}

#[test]
fn who_was_told_that_all_was_sent_knows_up_to_where() {
    let server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    let numbers = sent(&mut ana, 3);
    let mut bia = server.join_with("bia", Framing::Line, &json!({ "features": [] }));
    for msg_id in &numbers {
        assert_eq!(number(&bia.event("private_message_received"), "msg_id"), *msg_id);
    }
    assert_eq!(number(&bia.event("synced"), "cursor"), numbers[2]);
    bia.leave();
    // And is told the same when nothing more has come.
    let mut bia = server.connect(Framing::Line);
    let answer = bia.login("bia", &json!({ "features": [] }));
    assert_eq!(number(&answer, "cursor"), numbers[2]);
    assert_eq!(number(&bia.event("synced"), "cursor"), numbers[2]);
    bia.nothing_more();
}

#[test]
fn since_counts_before_the_cursor_and_brings_own_messages_to_a_claimed_name() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let (mut bia, word) = server.claim("bia");
    let mut all = Vec::new();
    for n in 0..3 {
        all.push(number(&ana.tell("bia", &format!("pergunta {n}")), "msg_id"));
        bia.hears("ana", &format!("pergunta {n}"));
        all.push(number(&bia.tell("ana", &format!("resposta {n}")), "msg_id"));
    }
    drop(bia);
    for (known, since) in [0].iter().chain(&all).enumerate() {
        let fields = json!({ "token": word, "since": since });
        let (_, missed) = missed_by(&server, "bia", &fields);
        assert_eq!(ids(&missed), all[known..]);
    }
    // A number that no message has lies between two that some have.
    let fields = json!({ "token": word, "since": all[3] - 1 });
    let (_, missed) = missed_by(&server, "bia", &fields);
    assert_eq!(ids(&missed), all[3..]);
    let fields = json!({ "token": word, "since": all[5] + 1_000_000 });
    let (mut bia, missed) = missed_by(&server, "bia", &fields);
    assert!(missed.is_empty(), "{missed:?}");
    // Who claims to know the future is told of it all the same.
    ana.tell("bia", "o futuro");
    bia.hears("ana", "o futuro");
}

#[test]
fn who_does_not_say_what_it_has_gets_nothing_of_its_own() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let (mut phone, word) = server.claim("bia");
    // Two clients of one user: one sends, and the other one comes back later.
    phone.tell("ana", "da própria bia");
    ana.hears("bia", "da própria bia");
    phone.nothing_more();
    drop(phone);
    ana.waits_until_gone("bia");
    let theirs = number(&ana.tell("bia", "de ana"), "msg_id");
    let fields = json!({ "token": word, "features": [] });
    let (_bia, missed) = missed_by(&server, "bia", &fields);
    assert_eq!(ids(&missed), [theirs]);
}

#[test]
fn only_received_moves_the_cursor_of_who_says_what_it_received() {
    let server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    let numbers = sent(&mut ana, 4);
    // Seen and not confirmed: comes again, as often as it takes.
    for _ in 0..2 {
        let (bia, missed) = missed_by(&server, "bia", &careful());
        assert_eq!(ids(&missed), numbers);
        bia.leave();
    }
    let (mut bia, _) = missed_by(&server, "bia", &careful());
    received(&mut bia, numbers[1]);
    bia.leave();
    let mut bia = server.connect(Framing::Line);
    assert_eq!(number(&bia.login("bia", &careful()), "cursor"), numbers[1]);
    assert_eq!(ids(&bia.backlog()), numbers[2..]);
    // What comes while one is there must be confirmed, too.
    let live = number(&ana.tell("bia", "agora"), "msg_id");
    bia.hears("ana", "agora");
    received(&mut bia, numbers[3]);
    bia.leave();
    let (mut bia, missed) = missed_by(&server, "bia", &careful());
    assert_eq!(ids(&missed), [live]);
    received(&mut bia, live);
    bia.leave();
    let (_bia, missed) = missed_by(&server, "bia", &careful());
    assert!(missed.is_empty(), "{missed:?}");
}

#[test]
fn received_goes_forward_alone() {
    let server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    let numbers = sent(&mut ana, 3);
    let (mut bia, _) = missed_by(&server, "bia", &careful());
    received(&mut bia, numbers[2]);
    received(&mut bia, numbers[0]);
    received(&mut bia, 0);
    bia.nothing_more();
    bia.leave();
    let (_bia, missed) = missed_by(&server, "bia", &careful());
    assert!(missed.is_empty(), "{missed:?}");
}

/// A client with a fault says that it has received what nobody has sent yet.
#[test]
fn nobody_receives_the_future() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join_with("bia", Framing::Line, &careful());
    bia.backlog();
    ana.tell("bia", "agora");
    bia.hears("ana", "agora");
    received(&mut bia, 9_007_199_254_740_991);
    bia.nothing_more();
    bia.leave();
    let later = number(&ana.tell("bia", "mais tarde"), "msg_id");
    let (_bia, missed) = missed_by(&server, "bia", &careful());
    assert!(ids(&missed).contains(&later), "{missed:?}");
}

#[test]
fn what_the_system_took_over_counts_for_the_others() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    for framing in Framing::ALL {
        let name = format!("u{framing:?}");
        let mut peer = server.join_as(&name, framing);
        ana.tell(&name, "um");
        peer.hears("ana", "um");
        peer.leave();
        ana.tell(&name, "dois");
        let mut peer = server.join_as(&name, framing);
        assert_eq!(peer.hears("ana", "dois")["backlog"], true);
        peer.event("synced");
        peer.nothing_more();
        peer.leave();
        let mut peer = server.join_as(&name, framing);
        peer.nothing_more();
        peer.leave();
    }
    // Nor does it come again after an orderly restart.
    drop(ana);
    server.restart();
    for framing in Framing::ALL {
        server.join_as(&format!("u{framing:?}"), framing).nothing_more();
    }
}

#[test]
fn who_is_away_for_a_restart_finds_what_came_before_and_after_it() {
    let mut server = Server::start();
    let mut bia = server.join("bia");
    let mut ana = server.join("ana");
    ana.group("create_group", "Time", &json!({}));
    bia.group("join_group", "Time", &json!({}));
    let known = number(&ana.tell("bia", "conhecida"), "msg_id");
    bia.hears("ana", "conhecida");
    bia.leave();
    let mut expected = Vec::new();
    for crash in [false, true] {
        expected.push(number(&ana.tell("bia", "antes"), "msg_id"));
        expected.push(number(&ana.tell_group("Time", "antes"), "msg_id"));
        drop(ana);
        if crash {
            server.crash();
        } else {
            server.restart();
        }
        ana = server.join("ana");
        expected.push(number(&ana.tell("bia", "depois"), "msg_id"));
        expected.push(number(&ana.tell_group("Time", "depois"), "msg_id"));
    }
    // A `since` finds the place also in numbers from before the restart.
    for (since, expected) in [(known, &expected[..]), (expected[2], &expected[3..])] {
        let (bia, missed) = missed_by(&server, "bia", &json!({ "since": since }));
        assert_eq!(ids(&missed), expected);
        bia.leave();
    }
}

#[test]
fn confirmed_once_is_confirmed_after_a_restart() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    let numbers = sent(&mut ana, 3);
    let (mut bia, _) = missed_by(&server, "bia", &careful());
    received(&mut bia, numbers[1]);
    bia.leave();
    drop(ana);
    server.restart();
    let (_bia, missed) = missed_by(&server, "bia", &careful());
    assert_eq!(ids(&missed), numbers[2..]);
}

#[test]
fn a_file_waits_for_who_is_away_also_across_a_restart() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    ana.ok(&json!({
        "type": "send_file", "recipient": "bia", "file_type": "private", "filename": "nota.txt",
        "file_data": "b2ksIEJpYQ==",
    }));
    let later = number(&ana.tell("bia", "recebeu?"), "msg_id");
    drop(ana);
    server.restart();
    let (mut bia, missed) = missed_by(&server, "bia", &json!({ "features": [] }));
    assert_eq!(missed.len(), 2, "{missed:?}");
    let file = &missed[0];
    assert_eq!(file["type"], "file_received");
    assert_eq!(
        (text(file, "sender"), text(file, "filename"), text(file, "file_data")),
        ("ana", "nota.txt", "b2ksIEJpYQ==")
    );
    assert_eq!(number(&missed[1], "msg_id"), later);
    assert_eq!(missed[1]["prev"], file["msg_id"]);
    // A file is part of what was said.
    let whole = history(&mut bia, &with("ana"));
    assert_eq!(whole[0]["type"], "file_received");
    assert_eq!(ids(&whole), ids(&missed));
}

/// Nobody gets to read what its author took back in time.
#[test]
fn what_was_deleted_or_edited_meanwhile_is_not_shown_as_it_was() {
    let server = Server::start();
    let mut ana = server.join("ana");
    for (name, fields) in [("nova", json!({ "features": [] })), ("velha", json!({}))] {
        server.join(name).leave();
        let taken_back = number(&ana.tell(name, "segredo por engano"), "msg_id");
        let corrected = number(&ana.tell(name, "com eros"), "msg_id");
        let last = number(&ana.tell(name, "fim"), "msg_id");
        ana.ok(&json!({ "type": "delete_message", "msg_id": taken_back }));
        ana.ok(&json!({ "type": "edit_message", "msg_id": corrected, "content": "com erros" }));

        let mut peer = server.join_with(name, Framing::Line, &fields);
        let mut missed = Vec::new();
        while missed.last().is_none_or(|message| number(message, "msg_id") != last) {
            let event = peer.event("private_message_received");
            assert_eq!(event["backlog"], true, "{event}");
            missed.push(event);
        }
        // It may be left out, or stand there empty.
        let said: Vec<&str> = contents(&missed).into_iter().filter(|it| !it.is_empty()).collect();
        assert_eq!(said, ["com erros", "fim"]);
        for message in missed.iter().filter(|message| text(message, "content").is_empty()) {
            assert_eq!(
                (number(message, "msg_id"), &message["deleted"]),
                (taken_back, &json!(true))
            );
        }
    }
}

#[test]
fn what_was_changed_meanwhile_is_told_to_who_knows_of_changes() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join_with("bia", Framing::Line, &json!({ "features": [] }));
    bia.backlog();
    let numbers = sent(&mut ana, 3);
    for n in 0..3 {
        bia.hears("ana", &format!("mensagem {n}"));
    }
    bia.leave();
    ana.ok(&json!({ "type": "edit_message", "msg_id": numbers[0], "content": "melhor" }));
    ana.ok(&json!({ "type": "delete_message", "msg_id": numbers[1] }));
    ana.ok(&json!({ "type": "react", "msg_id": numbers[2], "emoji": "👍" }));
    let (bia, missed) = missed_by(&server, "bia", &json!({ "features": [] }));
    for change in &missed {
        assert_eq!((&change["type"], &change["with"]), (&json!("message_changed"), &json!("ana")));
    }
    assert_eq!(ids(&missed), numbers);
    assert_eq!((&missed[0]["edited"], text(&missed[0], "content")), (&json!(true), "melhor"));
    assert_eq!(missed[1]["deleted"], true);
    assert_eq!(missed[2]["reactions"], json!([{ "emoji": "👍", "users": ["ana"] }]));
    bia.leave();
    // Once is enough.
    let (_bia, missed) = missed_by(&server, "bia", &json!({ "features": [] }));
    assert!(missed.is_empty(), "{missed:?}");
}

#[test]
fn an_old_client_is_told_of_no_change() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    let msg_id = number(&ana.tell("bia", "oi"), "msg_id");
    bia.hears("ana", "oi");
    bia.leave();
    ana.ok(&json!({ "type": "edit_message", "msg_id": msg_id, "content": "olá" }));
    ana.ok(&json!({ "type": "react", "msg_id": msg_id, "emoji": "👍" }));
    server.join("bia").nothing_more();
}

#[test]
fn groups_that_are_gone_do_not_hold_up_what_waits() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    for name in ["Apagado", "Deixado"] {
        ana.group("create_group", name, &json!({}));
        bia.group("join_group", name, &json!({}));
    }
    bia.leave();
    ana.tell_group("Apagado", "um");
    ana.group("delete_group", "Apagado", &json!({}));
    let kept = number(&ana.tell_group("Deixado", "dois"), "msg_id");
    ana.group("leave_group", "Deixado", &json!({}));
    let last = number(&ana.tell("bia", "três"), "msg_id");
    drop(ana);
    server.restart();
    let (mut bia, missed) = missed_by(&server, "bia", &json!({ "features": [] }));
    // Whether what was said in a group that is gone still comes is left open.
    let numbers = ids(&missed);
    assert!(numbers.ends_with(&[kept, last]), "{missed:?}");
    assert!(numbers.len() <= 3, "{missed:?}");
    assert_eq!(ids(&history(&mut bia, &group("Deixado"))), [kept]);
}

/// Who cannot be told what it missed is sent away, and not kept in a seat that nobody can have.
#[test]
fn who_cannot_be_told_what_it_missed_can_come_again() {
    let server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    let sent = sent(&mut ana, 1);
    let (store, aside) = (server.data().join("papo.db"), server.data().join("aside"));
    std::fs::rename(&store, &aside).expect("the store is hidden from who would read it");
    let mut bia = server.join_with("bia", Framing::Line, &json!({ "features": [] }));
    bia.error("storage_unavailable");
    bia.end();
    drop(bia);
    std::fs::rename(&aside, &store).expect("the store is back");
    ana.waits_until_gone("bia");
    let (_bia, missed) = missed_by(&server, "bia", &json!({ "features": [] }));
    assert_eq!(ids(&missed), sent);
}
