//! Section 4: who is typing, who comes and goes; and that nobody hears of it who did not ask.

use serde_json::json;

use crate::common::{Framing, Peer, Server, eventually, number};

#[test]
fn coming_and_going_is_told_to_those_who_share_something() {
    let server = Server::start();
    let mut ana = server.join_knowing("ana", &["presence"]);
    let mut bia = server.join("bia");
    let caio = server.join("caio");
    let mut duda = server.join("duda");
    // With bia a conversation, with duda a group, with caio nothing.
    ana.tell("bia", "oi");
    bia.hears("ana", "oi");
    ana.group("create_group", "Time", &json!({}));
    duda.group("join_group", "Time", &json!({}));

    for (peer, name) in [(bia, "bia"), (duda, "duda")] {
        peer.leave();
        let event = ana.event("presence");
        assert_eq!((&event["user"], &event["status"]), (&json!(name), &json!("offline")));
        assert!(number(&event, "last_seen") > 1_700_000_000_000, "{event}");
    }
    caio.leave();
    ana.nothing_more();

    for (name, shares) in [("bia", true), ("duda", true), ("caio", false), ("elsa", false)] {
        let peer = server.join(name);
        if shares {
            let event = ana.event("presence");
            assert_eq!((&event["user"], &event["status"]), (&json!(name), &json!("online")));
        }
        ana.nothing_more();
        // The end of a connection counts like a logout.
        drop(peer);
        if shares {
            let event = ana.event("presence");
            assert_eq!((&event["user"], &event["status"]), (&json!(name), &json!("offline")));
        }
        ana.waits_until_gone(name);
        ana.nothing_more();
    }
}

#[test]
fn who_did_not_ask_hears_of_nothing() {
    let server = Server::start();
    let mut old: Vec<Peer> = Framing::ALL
        .iter()
        .map(|framing| server.join_as(&format!("u{framing:?}"), *framing))
        .collect();
    let mut bia = server.join_knowing("bia", &["presence", "typing", "groups", "receipts"]);
    bia.group("create_group", "Time", &json!({}));
    for peer in &mut old {
        let name = format!("u{:?}", peer.framing());
        bia.tell(&name, "oi");
        peer.hears("bia", "oi");
        peer.group("join_group", "Time", &json!({}));
    }
    for framing in Framing::ALL {
        bia.send(&json!({ "type": "typing", "with": format!("u{framing:?}") }));
    }
    bia.send(&json!({ "type": "typing", "group_name": "Time" }));
    bia.group("promote_member", "Time", &json!({ "member": "uLine" }));
    bia.group("rename_group", "Time", &json!({ "new_name": "Equipe" }));
    bia.leave();
    for peer in &mut old {
        peer.nothing_more();
    }
}

#[test]
fn typing_is_passed_on_to_the_other() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join_knowing("bia", &["typing"]);
    ana.tell("bia", "oi");
    bia.hears("ana", "oi");
    ana.send(&json!({ "type": "typing", "with": "bia" }));
    let event = bia.event("typing");
    assert_eq!(event["user"], "ana");
    assert_eq!(event.get("group_name"), None);
    // It has no answer.
    ana.nothing_more();
    bia.nothing_more();
}

#[test]
fn typing_in_a_group_is_passed_on_to_its_members() {
    let server = Server::start();
    let mut ana = server.join_knowing("ana", &["typing"]);
    let mut bia = server.join_knowing("bia", &["typing"]);
    let mut outsider = server.join_knowing("caio", &["typing"]);
    ana.group("create_group", "Time", &json!({ "private": true }));
    ana.group("add_member", "Time", &json!({ "new_member": "bia" }));
    bia.event("added_to_group");
    ana.send(&json!({ "type": "typing", "group_name": "Time" }));
    ana.nothing_more();
    let event = bia.event("typing");
    assert_eq!((&event["user"], &event["group_name"]), (&json!("ana"), &json!("Time")));
    outsider.nothing_more();

    // Who is no member types to nobody. Whether that is answered is the server's choice.
    outsider.send(&json!({ "type": "typing", "group_name": "Time" }));
    outsider.ask(&json!({ "type": "ping" }));
    ana.nothing_more();
    bia.nothing_more();
}

#[test]
fn typing_is_passed_on_at_most_every_three_seconds() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join_knowing("bia", &["typing"]);
    let mut caio = server.join_knowing("caio", &["typing"]);
    for (peer, name) in [(&mut bia, "bia"), (&mut caio, "caio")] {
        ana.tell(name, "oi");
        peer.hears("ana", "oi");
    }
    let burst: Vec<u8> = ["bia", "bia", "caio", "bia", "caio", "bia"]
        .iter()
        .flat_map(|name| Framing::Line.frame(&json!({ "type": "typing", "with": name })))
        .collect();
    ana.send_bytes(&burst);
    ana.nothing_more();
    // Each conversation counts for itself.
    for peer in [&mut bia, &mut caio] {
        assert_eq!(peer.event("typing")["user"], "ana");
        peer.nothing_more();
    }
    // Later it is passed on again.
    eventually("typing is passed on again", || {
        ana.send(&json!({ "type": "typing", "with": "bia" }));
        ana.nothing_more();
        // What was passed on is before this answer.
        let users = bia.ask(&json!({ "type": "ping" }));
        assert_eq!(users["type"], "pong");
        bia.take_aside().iter().any(|event| event["type"] == "typing")
    });
}
