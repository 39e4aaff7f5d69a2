//! Section 3: several sessions of one user.

use serde_json::{Value, json};

use crate::common::peer::login_request;
use crate::common::{Framing, Peer, Server, eventually, number, sorted_texts, text};
use crate::{group, history, ids, nothing_but_a_message, private, request, with};

/// Sessions of one user, as the protocol allows.
const SESSIONS: usize = 8;

/// A user with a claimed name, in a session for each framing.
#[track_caller]
fn in_all_framings(server: &Server, name: &str) -> Vec<Peer> {
    let (line, word) = server.claim(name);
    let fields = json!({ "token": word });
    let mut peers = vec![line];
    for framing in [Framing::Bare, Framing::Length] {
        peers.push(server.join_with(name, framing, &fields));
    }
    peers
}

#[test]
fn a_claimed_name_has_eight_sessions_and_no_ninth() {
    let server = Server::start();
    let (first, word) = server.claim("ana");
    let fields = json!({ "token": word });
    let mut sessions = vec![first];
    for _ in 1..SESSIONS {
        sessions.push(server.join_with("ana", Framing::Line, &fields));
    }
    let (mut ninth, _) = server.turned_away("ana", &fields, "too_many_sessions");
    // The eight know nothing of it, and count as one user.
    for session in &mut sessions {
        let users = session.ok(&json!({ "type": "list_users" }));
        assert_eq!(users["users"], json!(["ana"]));
        session.nothing_more();
    }
    // When one of them ends, however it ends, there is room.
    drop(sessions.pop());
    eventually("there is room for a session", || {
        ninth.ask(&login_request("ana", &fields))["status"] == "success"
    });
    ninth.nothing_more();
}

#[test]
fn an_unclaimed_name_has_one_session_and_claiming_it_makes_room() {
    let server = Server::start();
    let mut old = server.join("ana");
    let (mut second, refusal) = server.turned_away("ana", &json!({}), "name_in_use");
    assert_eq!(text(&refusal, "message"), "Nome de usuário já em uso");
    // Nobody takes a name over while somebody uses it.
    server.turned_away("ana", &json!({ "want_token": true }), "name_in_use");
    old.ok(&json!({ "type": "set_password", "password": "cavalo bateria grampo" }));
    second.login("ana", &json!({ "password": "cavalo bateria grampo" }));
    old.nothing_more();
}

#[test]
fn every_event_goes_to_each_session() {
    let server = Server::start();
    let mut bias = in_all_framings(&server, "bia");
    let mut ana = server.join("ana");
    let answer = ana.tell("bia", "a todas");
    assert_eq!(number(&answer, "delivered"), 3);
    for bia in &mut bias {
        let event = bia.hears("ana", "a todas");
        assert_eq!(event["msg_id"], answer["msg_id"]);
    }
    ana.group("create_group", "Time", &json!({}));
    ana.group("add_member", "Time", &json!({ "new_member": "bia" }));
    let answer = ana.tell_group("Time", "bem-vinda");
    // One member, three sessions.
    assert_eq!(text(&answer, "message"), "Mensagem enviada para 1 membro do grupo");
    for bia in &mut bias {
        bia.event("added_to_group");
        bia.hears_in("Time", "ana", "bem-vinda");
        bia.nothing_more();
    }
    ana.nothing_more();
}

#[test]
fn what_one_session_sends_the_others_see() {
    let server = Server::start();
    let mut bias = in_all_framings(&server, "bia");
    let mut ana = server.join("ana");
    ana.group("create_group", "Time", &json!({}));
    for at in 0..bias.len() {
        if at == 0 {
            bias[0].group("join_group", "Time", &json!({}));
        }
        let content = format!("da sessão {at}");
        let id = json!(format!("{at} p"));
        let told = bias[at].ok(&private("ana", &content, &id));
        let told_group = bias[at].tell_group("Time", &content);
        ana.hears("bia", &content);
        ana.hears_in("Time", "bia", &content);
        for (other, peer) in bias.iter_mut().enumerate() {
            if other == at {
                // Not the one that sent it: that has its answer.
                peer.nothing_more();
                continue;
            }
            let event = peer.hears("bia", &content);
            assert_eq!(event["recipient"], "ana");
            assert_eq!(event["msg_id"], told["msg_id"]);
            assert_eq!(event["id"], id);
            assert_eq!(event.get("backlog"), None);
            let event = peer.hears_in("Time", "bia", &content);
            assert_eq!(event["msg_id"], told_group["msg_id"]);
        }
    }
    // For the chat they are one member.
    let members = ana.group("list_group_members", "Time", &json!({}));
    assert_eq!(sorted_texts(&members, "members"), ["ana", "bia"]);
}

/// Two devices, one of which lost its connection before the answer came: the other one may send
/// it again, and all see it once.
#[test]
fn a_message_sent_again_from_another_session_is_the_same_message() {
    let server = Server::start();
    let mut bias = in_all_framings(&server, "bia");
    let mut ana = server.join("ana");
    let message = private("ana", "uma vez", &json!("m1"));
    let first = bias[0].ok(&message);
    for bia in &mut bias[1..] {
        bia.hears("bia", "uma vez");
        assert_eq!(bia.ok(&message)["msg_id"], first["msg_id"]);
    }
    ana.hears("bia", "uma vez");
    ana.nothing_more();
    for bia in &mut bias {
        bia.nothing_more();
    }
    assert_eq!(history(&mut ana, &with("bia")).len(), 1);
}

#[test]
fn a_user_is_there_until_the_last_session_ends() {
    let server = Server::start();
    let mut ana = server.join_knowing("ana", &["presence"]);
    let (mut first, word) = server.claim("bia");
    ana.tell("bia", "oi");
    first.hears("ana", "oi");
    let mut second = server.join_with("bia", Framing::Line, &json!({ "token": word }));
    // The second one is no news.
    nothing_but_a_message(&mut second, "bia", &mut ana, "ana");
    first.hears("bia", "marco");
    drop(first);
    eventually("one session is left", || number(&ana.tell("bia", "quantas?"), "delivered") == 1);
    let presence = |frame: &Value| frame["type"] == "presence";
    assert!(!ana.take_aside().iter().any(presence), "somebody is still there");
    drop(second);
    let event = ana.until("presence");
    assert_eq!((&event["user"], &event["status"]), (&json!("bia"), &json!("offline")));
}

#[test]
fn sessions_come_and_go_and_each_knows_what_it_missed() {
    let server = Server::start();
    let (mut phone, word) = server.claim("bia");
    let mut ana = server.join("ana");
    let both = number(&ana.tell("bia", "ao telefone"), "msg_id");
    phone.hears("ana", "ao telefone");
    // The laptop comes with nothing and asks for everything.
    let fields = json!({ "token": word, "since": 0 });
    let mut laptop = server.join_with("bia", Framing::Line, &fields);
    let missed = laptop.backlog();
    assert_eq!(ids(&missed), [both]);
    drop(laptop);

    let later = number(&ana.tell("bia", "e agora?"), "msg_id");
    phone.hears("ana", "e agora?");
    let own = number(&phone.tell("ana", "estou aqui"), "msg_id");
    ana.hears("bia", "estou aqui");
    // The phone was there all the time; the laptop says what it has.
    let fields = json!({ "token": word, "since": both });
    let mut laptop = server.join_with("bia", Framing::Line, &fields);
    let missed = laptop.backlog();
    assert_eq!(ids(&missed), [later, own]);
    assert_eq!(missed[1]["sender"], "bia");
    laptop.nothing_more();
    phone.nothing_more();
}

#[test]
fn a_removed_member_is_removed_in_every_session() {
    let server = Server::start();
    let mut bias = in_all_framings(&server, "bia");
    let mut ana = server.join("ana");
    ana.group("create_group", "Time", &json!({ "private": true }));
    ana.group("add_member", "Time", &json!({ "new_member": "bia" }));
    ana.group("remove_member", "Time", &json!({ "member": "bia" }));
    ana.tell_group("Time", "sem bia");
    for bia in &mut bias {
        bia.event("added_to_group");
        bia.nothing_more();
        let asked = request("history", &[&group("Time")]);
        let answer = bia.ask(&asked);
        if answer["status"] == "success" {
            assert_eq!(answer["messages"], json!([]), "{answer}");
        } else {
            assert_eq!(answer["code"], "not_member", "{answer}");
        }
    }
}
