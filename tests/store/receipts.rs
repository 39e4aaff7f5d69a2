//! Section 4: what a sender learns of what became of a message.

use serde_json::{Value, json};

use crate::common::{Framing, Peer, Server, eventually, number};
use crate::{group, nothing_but_a_message, page, with};

const RECEIPTS: &[&str] = &["receipts"];

/// The next receipt of this kind, after no other event than receipts of the other kind: who has
/// read a message has received it, too.
#[track_caller]
fn receipt(peer: &mut Peer, kind: &str) -> Value {
    loop {
        let event = peer.event("receipt");
        if event["kind"] == kind {
            return event;
        }
        assert!(event["kind"] == "delivered" || event["kind"] == "read", "{event}");
    }
}

#[track_caller]
fn received(peer: &mut Peer, msg_id: u64) {
    peer.send(&json!({ "type": "received", "msg_id": msg_id }));
}

#[track_caller]
fn read(peer: &mut Peer, place: &Value, msg_id: u64) {
    let mut request = place.clone();
    request["type"] = json!("read");
    request["msg_id"] = json!(msg_id);
    peer.send(&request);
}

/// Up to where the others have, and have read, a conversation.
#[track_caller]
fn ticks(peer: &mut Peer, place: &Value) -> (u64, u64) {
    let answer = page(peer, place, &json!({ "limit": 1 }));
    (number(&answer, "delivered"), number(&answer, "read"))
}

#[test]
fn a_message_is_stored_then_delivered_then_read() {
    let server = Server::start();
    let mut ana = server.join_knowing("ana", RECEIPTS);
    let mut bia = server.join_knowing("bia", RECEIPTS);
    let msg_id = number(&ana.tell("bia", "oi"), "msg_id");
    bia.hears("ana", "oi");
    // bia has not said that it arrived.
    ana.nothing_more();
    let (delivered, seen) = ticks(&mut ana, &with("bia"));
    assert!(delivered < msg_id && seen == 0, "{delivered} {seen}");

    received(&mut bia, msg_id);
    let event = ana.told(&json!({
        "type": "receipt", "kind": "delivered", "by": "bia", "with": "bia", "msg_id": msg_id,
    }));
    assert_eq!(event.get("group_name"), None);
    assert_eq!(ticks(&mut ana, &with("bia")), (msg_id, 0));

    read(&mut bia, &with("ana"), msg_id);
    ana.told(&json!({
        "type": "receipt", "kind": "read", "by": "bia", "with": "bia", "msg_id": msg_id,
    }));
    assert_eq!(ticks(&mut ana, &with("bia")), (msg_id, msg_id));
    // Saying it again says nothing new.
    received(&mut bia, msg_id);
    read(&mut bia, &with("ana"), msg_id);
    nothing_but_a_message(&mut bia, "bia", &mut ana, "ana");
    bia.nothing_more();
}

#[test]
fn one_receipt_stands_for_everything_before_it() {
    let server = Server::start();
    let mut ana = server.join_knowing("ana", RECEIPTS);
    let mut bia = server.join_knowing("bia", RECEIPTS);
    let mut last = 0;
    for n in 0..5 {
        last = number(&ana.tell("bia", &n.to_string()), "msg_id");
        bia.hears("ana", &n.to_string());
    }
    received(&mut bia, last);
    assert_eq!(number(&receipt(&mut ana, "delivered"), "msg_id"), last);
    read(&mut bia, &with("ana"), last);
    assert_eq!(number(&receipt(&mut ana, "read"), "msg_id"), last);
    nothing_but_a_message(&mut bia, "bia", &mut ana, "ana");
}

#[test]
fn what_is_read_has_been_delivered() {
    let server = Server::start();
    let mut ana = server.join_knowing("ana", RECEIPTS);
    let mut bia = server.join_knowing("bia", RECEIPTS);
    let msg_id = number(&ana.tell("bia", "oi"), "msg_id");
    bia.hears("ana", "oi");
    read(&mut bia, &with("ana"), msg_id);
    let event = receipt(&mut ana, "read");
    assert_eq!((&event["by"], number(&event, "msg_id")), (&json!("bia"), msg_id));
    assert_eq!(ticks(&mut ana, &with("bia")).1, msg_id);
}

#[test]
fn received_counts_in_every_conversation_up_to_it() {
    let server = Server::start();
    let mut ana = server.join_knowing("ana", RECEIPTS);
    let mut caio = server.join_knowing("caio", RECEIPTS);
    let mut bia = server.join_knowing("bia", RECEIPTS);
    ana.group("create_group", "Time", &json!({}));
    bia.group("join_group", "Time", &json!({}));
    let of_caio = number(&caio.tell("bia", "um"), "msg_id");
    let of_ana = number(&ana.tell("bia", "dois"), "msg_id");
    let in_group = number(&ana.tell_group("Time", "três"), "msg_id");
    bia.hears("caio", "um");
    bia.hears("ana", "dois");
    bia.hears_in("Time", "ana", "três");
    received(&mut bia, in_group);
    // Up to the last message there, or up to where bia has said: it is the same.
    let event = receipt(&mut caio, "delivered");
    assert_eq!(event["with"], "bia");
    assert!((of_caio..=in_group).contains(&number(&event, "msg_id")), "{event}");
    for _ in 0..2 {
        let event = receipt(&mut ana, "delivered");
        assert_eq!(event["by"], "bia");
        let least = if event["group_name"] == "Time" { in_group } else { of_ana };
        assert!((least..=in_group).contains(&number(&event, "msg_id")), "{event}");
    }
    nothing_but_a_message(&mut bia, "bia", &mut ana, "ana");
}

#[test]
fn in_a_group_each_is_told_of_and_the_last_one_counts() {
    let server = Server::start();
    let mut ana = server.join_knowing("ana", RECEIPTS);
    let mut bia = server.join_knowing("bia", RECEIPTS);
    let mut caio = server.join_knowing("caio", RECEIPTS);
    ana.group("create_group", "Time", &json!({}));
    bia.group("join_group", "Time", &json!({}));
    caio.group("join_group", "Time", &json!({}));
    let msg_id = number(&ana.tell_group("Time", "oi"), "msg_id");
    for (peer, name, all) in [(&mut bia, "bia", false), (&mut caio, "caio", true)] {
        peer.until("group_message_received");
        received(peer, msg_id);
        let event = receipt(&mut ana, "delivered");
        assert_eq!((&event["by"], &event["group_name"]), (&json!(name), &json!("Time")));
        assert_eq!((event.get("with"), number(&event, "msg_id")), (None, msg_id));
        assert_eq!(ticks(&mut ana, &group("Time")).0 == msg_id, all);
    }
    for (peer, name, all) in [(&mut bia, "bia", false), (&mut caio, "caio", true)] {
        read(peer, &group("Time"), msg_id);
        let event = receipt(&mut ana, "read");
        assert_eq!((&event["by"], number(&event, "msg_id")), (&json!(name), msg_id));
        assert_eq!(ticks(&mut ana, &group("Time")).1 == msg_id, all);
    }
}

#[test]
fn a_client_that_confirms_nothing_has_what_the_system_took_over() {
    let server = Server::start();
    let mut ana = server.join_knowing("ana", RECEIPTS);
    for framing in Framing::ALL {
        let name = format!("u{framing:?}");
        let mut old = server.join_as(&name, framing);
        let msg_id = number(&ana.tell(&name, "oi"), "msg_id");
        old.hears("ana", "oi");
        let event = receipt(&mut ana, "delivered");
        assert_eq!((&event["by"], number(&event, "msg_id")), (&json!(name), msg_id));
        assert_eq!(ticks(&mut ana, &with(&name)).0, msg_id);
        old.nothing_more();
    }
}

#[test]
fn who_was_away_is_told_of_later() {
    let server = Server::start();
    let mut ana = server.join_knowing("ana", RECEIPTS);
    server.join("bia").leave();
    let msg_id = number(&ana.tell("bia", "oi"), "msg_id");
    let mut bia = server.join_with("bia", Framing::Line, &json!({ "features": RECEIPTS }));
    assert_eq!(bia.backlog().len(), 1);
    ana.nothing_more();
    received(&mut bia, msg_id);
    assert_eq!(number(&receipt(&mut ana, "delivered"), "msg_id"), msg_id);
}

#[test]
fn who_did_not_ask_hears_of_no_receipt() {
    let server = Server::start();
    let mut ana = server.join_knowing("ana", &["presence", "typing", "groups"]);
    let mut old = server.join("caio");
    let mut bia = server.join_knowing("bia", RECEIPTS);
    for (peer, name) in [(&mut ana, "ana"), (&mut old, "caio")] {
        let msg_id = number(&peer.tell("bia", "oi"), "msg_id");
        // bia did ask, and hears of what the other one before took over.
        assert_eq!(number(&bia.until("private_message_received"), "msg_id"), msg_id);
        received(&mut bia, msg_id);
        read(&mut bia, &with(name), msg_id);
        nothing_but_a_message(&mut bia, "bia", peer, name);
        // It may ask for it, though.
        assert!(ticks(peer, &with("bia")).1 >= msg_id);
    }
}

#[test]
fn receipts_survive_a_restart() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join_knowing("bia", RECEIPTS);
    let first = number(&ana.tell("bia", "um"), "msg_id");
    let second = number(&ana.tell("bia", "dois"), "msg_id");
    bia.hears("ana", "um");
    bia.hears("ana", "dois");
    received(&mut bia, second);
    read(&mut bia, &with("ana"), first);
    eventually("both are known", || ticks(&mut ana, &with("bia")) == (second, first));
    drop((ana, bia));
    server.restart();
    assert_eq!(ticks(&mut server.join("ana"), &with("bia")), (second, first));
}

#[test]
fn what_one_may_not_see_one_cannot_confirm() {
    let server = Server::start();
    let mut ana = server.join_knowing("ana", RECEIPTS);
    let mut bia = server.join_knowing("bia", RECEIPTS);
    let mut caio: Peer = server.join_knowing("caio", RECEIPTS);
    ana.group("create_group", "Time", &json!({ "private": true }));
    ana.group("add_member", "Time", &json!({ "new_member": "bia" }));
    bia.event("added_to_group");
    let msg_id = number(&ana.tell_group("Time", "entre nós"), "msg_id");
    bia.hears_in("Time", "ana", "entre nós");
    // caio was told nothing of all that. There is an answer only where there is something to say.
    read(&mut caio, &group("Time"), msg_id);
    received(&mut caio, msg_id);
    caio.tell("ana", "marco");
    ana.hears("caio", "marco");
    let (delivered, seen) = ticks(&mut ana, &group("Time"));
    assert!(delivered < msg_id && seen == 0, "{delivered} {seen}");
    bia.nothing_more();
}
