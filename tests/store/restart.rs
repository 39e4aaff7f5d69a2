//! What a server knows that is started again: all that it was told, under the names that it was
//! told. Whether the one before it stopped or was killed makes no difference.

use serde_json::{Value, json};

use crate::common::{Framing, Peer, Server, number, sorted_texts, text};
use crate::{ask_many, assert_chained, contents, group, history, ids, private, with};

/// The members with their roles, longest standing first.
#[track_caller]
fn members(peer: &mut Peer, group: &str) -> Vec<(String, String)> {
    let list = peer.group("list_group_members", group, &json!({}));
    let details = list["details"].as_array().expect("details");
    let both = |detail: &Value| (text(detail, "name").into(), text(detail, "role").into());
    details.iter().map(both).collect()
}

fn roles(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, role): &(&str, &str)| ((*name).into(), (*role).into());
    expected.iter().map(owned).collect()
}

/// Both ways in which a server ends, one after the other.
fn each_way(server: &mut Server, mut holds: impl FnMut(&mut Server)) {
    server.restart();
    holds(server);
    server.crash();
    holds(server);
}

#[test]
fn groups_roles_and_members_are_as_they_were() {
    let mut server = Server::start();
    let mut ana = server.join("Ana");
    for name in ["bia", "caio", "duda", "Elsa"] {
        server.join(name).leave();
    }
    ana.group("create_group", "Aberto", &json!({}));
    ana.group("create_group", "Fechado", &json!({ "private": true }));
    ana.group("create_group", "Apagado", &json!({}));
    for name in ["caio", "bia", "elsa", "duda"] {
        ana.group("add_member", "Fechado", &json!({ "new_member": name }));
    }
    ana.group("remove_member", "Fechado", &json!({ "member": "bia" }));
    ana.group("promote_member", "Fechado", &json!({ "member": "duda" }));
    ana.group("promote_member", "Fechado", &json!({ "member": "caio" }));
    ana.group("demote_member", "Fechado", &json!({ "member": "caio" }));
    ana.group("rename_group", "Aberto", &json!({ "new_name": "Praça" }));
    ana.group("delete_group", "Apagado", &json!({}));
    drop(ana);

    each_way(&mut server, |server| {
        let mut ana = server.join("ana");
        let groups = ana.ok(&json!({ "type": "list_groups" }));
        assert_eq!(sorted_texts(&groups, "groups"), ["Fechado", "Praça"]);
        for detail in groups["details"].as_array().expect("details") {
            let (name, private) = (text(detail, "name"), &detail["private"]);
            assert_eq!(*private, json!(name == "Fechado"), "{detail}");
            assert_eq!(detail["role"], "admin", "{detail}");
            assert_eq!(number(detail, "members"), if name == "Fechado" { 4 } else { 1 });
        }
        assert_eq!(
            members(&mut ana, "Fechado"),
            roles(&[("Ana", "admin"), ("caio", "member"), ("Elsa", "member"), ("duda", "admin")])
        );
        let mut bia = server.join("bia");
        let nothing = json!({});
        bia.group_refused("join_group", "Fechado", &nothing, "not_member");
        bia.group_refused("list_group_members", "Fechado", &nothing, "not_member");
        bia.group_refused("join_group", "Apagado", &nothing, "unknown_group");
        bia.group_refused("join_group", "Aberto", &nothing, "unknown_group");
        bia.group_refused("create_group", "praça", &nothing, "group_exists");
        let mut caio = server.join("caio");
        caio.group_refused("delete_group", "Fechado", &nothing, "not_admin");
        let mut duda = server.join("duda");
        duda.group_refused("promote_member", "Fechado", &json!({ "member": "bia" }), "not_member");
    });
}

#[test]
fn the_member_of_longest_standing_is_still_known() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    for name in ["zeca", "bia", "caio"] {
        server.join(name).leave();
    }
    ana.group("create_group", "Time", &json!({}));
    for name in ["zeca", "bia", "caio"] {
        ana.group("add_member", "Time", &json!({ "new_member": name }));
    }
    drop(ana);
    server.crash();
    server.join("ana").group("leave_group", "Time", &json!({}));
    server.crash();
    assert_eq!(
        members(&mut server.join("caio"), "Time"),
        roles(&[("zeca", "admin"), ("bia", "member"), ("caio", "member")])
    );
    for name in ["zeca", "caio", "bia"] {
        server.join(name).group("leave_group", "Time", &json!({}));
    }
    server.crash();
    // The last one closed the door.
    let mut ana = server.join("ana");
    ana.group_refused("join_group", "Time", &json!({}), "unknown_group");
    ana.group("create_group", "Time", &json!({}));
}

#[test]
fn who_was_ever_here_is_known_by_the_first_spelling() {
    let mut server = Server::start();
    for name in ["Zoë", "张伟", "ana maria"] {
        server.join(name).leave();
    }
    each_way(&mut server, |server| {
        let mut peer = server.connect(Framing::Line);
        assert_eq!(peer.login("zoë", &json!({}))["username"], "Zoë");
        let users = peer.ok(&json!({ "type": "list_users", "all": true }));
        assert_eq!(users["users"], json!(["Zoë"]));
        let details = users["details"].as_array().expect("details");
        let mut known: Vec<&str> = details.iter().map(|user| text(user, "name")).collect();
        known.sort_unstable();
        assert_eq!(known, ["Zoë", "ana maria", "张伟"]);
        for user in details {
            assert!(number(user, "last_seen") > 1_700_000_000_000, "{user}");
        }
        // A Cyrillic а: it was told from the first one before, and is now.
        server.turned_away("аna maria", &json!({}), "name_confusable");
        peer.tell("ANA MARIA", "já nos conhecemos");
        peer.refused(&private("ninguém", "oi", &json!("n")), "unknown_user");
    });
}

#[test]
fn numbers_grow_and_chains_go_on() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    server.join("bia").leave();
    ana.group("create_group", "Time", &json!({}));
    let (mut last, mut with_bia, mut in_group) = (0, Vec::new(), Vec::new());
    for round in 0..4 {
        for n in 0..10 {
            for (numbers, answer) in [
                (&mut with_bia, ana.tell("bia", &format!("{round} {n}"))),
                (&mut in_group, ana.tell_group("Time", &format!("{round} {n}"))),
            ] {
                let msg_id = number(&answer, "msg_id");
                assert!(msg_id > last, "{msg_id} after {last}");
                assert!(msg_id < 1 << 53);
                last = msg_id;
                numbers.push(msg_id);
            }
        }
        drop(ana);
        if round % 2 == 0 {
            server.crash();
        } else {
            server.restart();
        }
        ana = server.join("ana");
    }
    for (place, numbers) in [(with("bia"), with_bia), (group("Time"), in_group)] {
        let whole = history(&mut ana, &place);
        assert_eq!(ids(&whole), numbers);
        assert_eq!(whole[0]["prev"], 0);
        assert_chained(&whole);
    }
}

/// Killed in the middle of a stream of messages, whose sender has had some of the answers.
#[test]
fn what_was_answered_before_a_kill_is_there_after_it() {
    let mut server = Server::start();
    server.join("bia").leave();
    let mut answered_in_all = 0;
    for round in 0..5 {
        let requests: Vec<Value> = (0..100)
            .map(|n| private("bia", &format!("{round} {n}"), &json!(format!("{round} {n}"))))
            .collect();
        let mut ana = server.join("ana");
        let wire: Vec<u8> =
            requests.iter().flat_map(|request| Framing::Line.frame(request)).collect();
        ana.send_bytes(&wire);
        let mut answered: Vec<(Value, Value)> = Vec::new();
        for request in &requests[..=round * 20] {
            let answer = ana.answer_to(&request["id"]);
            assert_eq!(answer["status"], "success", "{answer}");
            answered.push((request["content"].clone(), answer["msg_id"].clone()));
        }
        server.crash();

        let mut ana = server.join("ana");
        let whole = history(&mut ana, &with("bia"));
        assert_chained(&whole);
        for (content, msg_id) in &answered {
            let found: Vec<&Value> =
                whole.iter().filter(|message| message["content"] == *content).collect();
            assert_eq!(found.len(), 1, "{content}");
            assert_eq!(found[0]["msg_id"], *msg_id);
        }
        // What was not answered is sent again; then all of it is there once, in its order.
        ask_many(&mut ana, &requests);
        let whole = history(&mut ana, &with("bia"));
        assert_chained(&whole);
        let expected: Vec<String> =
            (0..=round).flat_map(|round| (0..100).map(move |n| format!("{round} {n}"))).collect();
        assert_eq!(contents(&whole), expected);
        answered_in_all += answered.len();
        ana.leave();
    }
    assert_eq!(answered_in_all, 205);
}

/// Nobody is shown what a kill could take back.
#[test]
fn what_was_seen_before_a_kill_is_there_after_it() {
    let mut server = Server::start();
    for round in 0..5 {
        let mut ana = server.join("ana");
        let mut bia = server.join_with("bia", Framing::Line, &json!({ "features": [] }));
        bia.backlog();
        let wire: Vec<u8> = (0..100)
            .flat_map(|n| {
                let label = format!("{round} {n}");
                Framing::Line.frame(&private("bia", &label, &json!(label)))
            })
            .collect();
        ana.send_bytes(&wire);
        let seen: Vec<Value> =
            (0..=round * 20).map(|_| bia.event("private_message_received")).collect();
        server.crash();
        drop((ana, bia));
        let whole = history(&mut server.join("ana"), &with("bia"));
        for event in seen {
            assert_eq!(whole.iter().filter(|message| **message == event).count(), 1, "{event}");
        }
    }
}

#[test]
fn a_group_change_that_was_answered_is_there_after_a_kill() {
    let mut server = Server::start();
    for name in ["bia", "caio"] {
        server.join(name).leave();
    }
    for round in 0..3 {
        let name = format!("Grupo {round}");
        let mut ana = server.join("ana");
        ana.group("create_group", &name, &json!({ "private": true }));
        server.crash();
        let mut ana = server.join("ana");
        ana.group("add_member", &name, &json!({ "new_member": "bia" }));
        server.crash();
        let mut ana = server.join("ana");
        ana.group("promote_member", &name, &json!({ "member": "bia" }));
        server.crash();
        let mut bia = server.join("bia");
        assert_eq!(members(&mut bia, &name), roles(&[("ana", "admin"), ("bia", "admin")]));
        bia.group("remove_member", &name, &json!({ "member": "ana" }));
        server.crash();
        let mut ana = server.join("ana");
        ana.group_refused("list_group_members", &name, &json!({}), "not_member");
        ana.leave();
    }
}
