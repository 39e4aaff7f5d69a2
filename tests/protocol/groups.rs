//! Section 5: groups.

use serde_json::{Value, json};

use crate::common::{Framing, Peer, Server, number, text, texts};

/// A server and five people, the first three of whom are in a group that ana made.
struct Team {
    server: Server,
    ana: Peer,
    bia: Peer,
    caio: Peer,
    duda: Peer,
}

impl Team {
    fn with(private: bool) -> Self {
        let server = Server::start();
        let mut ana = server.join("ana");
        let mut bia = server.join("bia");
        let mut caio = server.join("caio");
        let duda = server.join("duda");
        ana.group("create_group", "Time", &json!({ "private": private }));
        for (peer, name) in [(&mut bia, "bia"), (&mut caio, "caio")] {
            ana.group("add_member", "Time", &json!({ "new_member": name }));
            peer.event("added_to_group");
        }
        Self { server, ana, bia, caio, duda }
    }

    #[track_caller]
    fn quiet(&mut self) {
        for peer in [&mut self.ana, &mut self.bia, &mut self.caio, &mut self.duda] {
            peer.nothing_more();
        }
    }
}

/// The members with their roles, as one of them is told.
#[track_caller]
fn members(peer: &mut Peer, group: &str) -> Vec<(String, String)> {
    let list = peer.group("list_group_members", group, &json!({}));
    assert_eq!(list["type"], "members_list_response");
    assert_eq!(list["group_name"], group);
    let details = list["details"].as_array().expect("details");
    let names: Vec<&str> = details.iter().map(|detail| text(detail, "name")).collect();
    assert_eq!(names, texts(&list, "members"));
    details
        .iter()
        .map(|detail| (text(detail, "name").into(), text(detail, "role").into()))
        .collect()
}

fn roles(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, role): &(&str, &str)| ((*name).into(), (*role).into());
    expected.iter().map(owned).collect()
}

fn member(name: &str) -> Value {
    json!({ "member": name })
}

fn new_member(name: &str) -> Value {
    json!({ "new_member": name })
}

const NOTHING: Value = Value::Null;

#[test]
fn the_creator_is_member_and_admin() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let answer = ana.group("create_group", "Trabalho", &NOTHING);
    assert_eq!(answer["type"], "group_response");
    assert_eq!(text(&answer, "message"), "Grupo \"Trabalho\" criado com sucesso");
    assert_eq!(members(&mut ana, "Trabalho"), roles(&[("ana", "admin")]));
    ana.nothing_more();
}

#[test]
fn an_open_group_is_joined_by_joining_being_added_or_sending() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    let mut caio = server.join("caio");
    let mut duda = server.join("duda");
    ana.group("create_group", "Time", &NOTHING);

    let answer = bia.group("join_group", "Time", &NOTHING);
    assert_eq!(answer["type"], "group_response");
    bia.group_refused("join_group", "Time", &NOTHING, "already_member");

    let answer = bia.group("add_member", "Time", &new_member("caio"));
    assert_eq!(answer["type"], "member_response");
    let event = caio.event("added_to_group");
    assert_eq!((text(&event, "group_name"), text(&event, "added_by")), ("Time", "bia"));
    text(&event, "timestamp");
    bia.group_refused("add_member", "Time", &new_member("CAIO"), "already_member");

    let answer = duda.tell_group("Time", "cheguei");
    assert_eq!(text(&answer, "message"), "Mensagem enviada para 3 membros do grupo");
    assert_eq!(answer["delivered"], 3);
    for peer in [&mut ana, &mut bia, &mut caio] {
        let event = peer.hears_in("Time", "duda", "cheguei");
        assert_eq!(event["msg_id"], answer["msg_id"]);
    }
    assert_eq!(
        members(&mut duda, "Time"),
        roles(&[("ana", "admin"), ("bia", "member"), ("caio", "member"), ("duda", "member")])
    );
}

#[test]
fn a_private_group_is_entered_by_being_added_alone() {
    let mut team = Team::with(true);
    let Team { ana, bia, duda, .. } = &mut team;
    duda.group_refused("join_group", "Time", &NOTHING, "not_member");
    duda.group_refused("group_message", "Time", &json!({ "content": "oi" }), "not_member");
    duda.group_refused("list_group_members", "Time", &NOTHING, "not_member");
    duda.group_refused("add_member", "Time", &new_member("duda"), "not_member");
    duda.group_refused("leave_group", "Time", &NOTHING, "not_member");
    assert_eq!(duda.ok(&json!({ "type": "list_groups" }))["groups"], json!([]));
    assert_eq!(members(ana, "Time").len(), 3);

    // Any member may add.
    bia.group("add_member", "Time", &new_member("duda"));
    assert_eq!(duda.event("added_to_group")["added_by"], "bia");
    duda.tell_group("Time", "oi");
    for peer in [&mut team.ana, &mut team.bia, &mut team.caio] {
        peer.hears_in("Time", "duda", "oi");
    }
    team.quiet();
}

#[test]
fn outsiders_neither_list_nor_add_nor_leave() {
    let mut team = Team::with(false);
    let Team { duda, .. } = &mut team;
    duda.group_refused("list_group_members", "Time", &NOTHING, "not_member");
    duda.group_refused("add_member", "Time", &new_member("duda"), "not_member");
    duda.group_refused("leave_group", "Time", &NOTHING, "not_member");
    team.quiet();
}

#[test]
fn only_admins_remove_promote_rename_and_delete() {
    let mut team = Team::with(false);
    let Team { ana, bia, duda, .. } = &mut team;
    let rename = json!({ "new_name": "Outro" });
    for (what, fields) in [
        ("remove_member", member("caio")),
        ("remove_member", member("ana")),
        ("promote_member", member("bia")),
        ("demote_member", member("ana")),
        ("rename_group", rename.clone()),
        ("delete_group", NOTHING),
    ] {
        bia.group_refused(what, "Time", &fields, "not_admin");
        // An outsider is refused for the one reason or the other.
        let mut request = json!({ "type": what, "group_name": "Time" });
        for (field, value) in fields.as_object().into_iter().flatten() {
            request[field] = value.clone();
        }
        let refusal = duda.ask(&request);
        assert_eq!(refusal["status"], "error", "{refusal}");
        assert!(["not_admin", "not_member"].contains(&text(&refusal, "code")), "{refusal}");
    }
    let unchanged = roles(&[("ana", "admin"), ("bia", "member"), ("caio", "member")]);
    assert_eq!(members(ana, "Time"), unchanged);
    team.quiet();
}

#[test]
fn an_admin_makes_others_admins_and_takes_it_back() {
    let mut team = Team::with(false);
    let Team { ana, bia, caio, .. } = &mut team;
    assert_eq!(ana.group("promote_member", "Time", &member("bia"))["type"], "member_response");
    assert_eq!(members(caio, "Time")[1], ("bia".into(), "admin".into()));
    // Now bia may, too.
    bia.group("promote_member", "Time", &member("caio"));
    bia.group("demote_member", "Time", &member("caio"));
    bia.group("demote_member", "Time", &member("ana"));
    ana.group_refused("promote_member", "Time", &member("ana"), "not_admin");
    bia.group_refused("promote_member", "Time", &member("duda"), "not_member");
    bia.group_refused("demote_member", "Time", &member("duda"), "not_member");
    assert_eq!(
        members(ana, "Time"),
        roles(&[("ana", "member"), ("bia", "admin"), ("caio", "member")])
    );
}

#[test]
fn who_is_removed_hears_nothing_more() {
    let mut team = Team::with(true);
    let Team { ana, bia, caio, .. } = &mut team;
    let answer = ana.group("remove_member", "Time", &member("bia"));
    assert_eq!(answer["type"], "member_response");
    ana.tell_group("Time", "sem bia");
    caio.hears_in("Time", "ana", "sem bia");
    bia.nothing_more();
    bia.group_refused("group_message", "Time", &json!({ "content": "oi" }), "not_member");
    ana.group_refused("remove_member", "Time", &member("bia"), "not_member");
    let groups = bia.ok(&json!({ "type": "list_groups" }));
    assert_eq!(groups["groups"], json!([]));
    // Added again, bia hears from then on.
    ana.group("add_member", "Time", &new_member("bia"));
    bia.event("added_to_group");
    ana.tell_group("Time", "com bia");
    bia.hears_in("Time", "ana", "com bia");
}

#[test]
fn who_leaves_hears_nothing_more() {
    let mut team = Team::with(false);
    let Team { ana, bia, caio, .. } = &mut team;
    let answer = bia.group("leave_group", "Time", &NOTHING);
    assert_eq!(answer["type"], "group_response");
    ana.tell_group("Time", "sem bia");
    caio.hears_in("Time", "ana", "sem bia");
    bia.nothing_more();
    bia.group_refused("leave_group", "Time", &NOTHING, "not_member");
    // The group is open: to speak in it is to be in it.
    bia.tell_group("Time", "voltei");
    ana.hears_in("Time", "bia", "voltei");
    caio.hears_in("Time", "bia", "voltei");
}

#[test]
fn the_member_of_longest_standing_follows_the_last_admin() {
    let mut team = Team::with(false);
    let Team { ana, bia, caio, .. } = &mut team;
    ana.group("leave_group", "Time", &NOTHING);
    assert_eq!(members(caio, "Time"), roles(&[("bia", "admin"), ("caio", "member")]));
    // Back, ana is the newest.
    ana.group("join_group", "Time", &NOTHING);
    bia.group("leave_group", "Time", &NOTHING);
    assert_eq!(members(ana, "Time"), roles(&[("caio", "admin"), ("ana", "member")]));
}

#[test]
fn while_there_is_another_admin_nobody_is_made_one() {
    let mut team = Team::with(false);
    let Team { ana, caio, .. } = &mut team;
    ana.group("promote_member", "Time", &member("caio"));
    ana.group("leave_group", "Time", &NOTHING);
    assert_eq!(members(caio, "Time"), roles(&[("bia", "member"), ("caio", "admin")]));
}

#[test]
fn a_group_that_is_empty_is_gone() {
    let mut team = Team::with(true);
    let Team { ana, bia, caio, duda, .. } = &mut team;
    for peer in [&mut *caio, bia, ana] {
        peer.group("leave_group", "Time", &NOTHING);
    }
    caio.group_refused("list_group_members", "Time", &NOTHING, "unknown_group");
    // Its name is free, for a group that has nothing to do with it.
    duda.group("create_group", "Time", &NOTHING);
    assert_eq!(members(duda, "Time"), roles(&[("duda", "admin")]));
    team.quiet();
}

#[test]
fn a_deleted_group_is_gone_for_all() {
    let mut team = Team::with(false);
    let Team { ana, bia, .. } = &mut team;
    assert_eq!(ana.group("delete_group", "Time", &NOTHING)["type"], "group_response");
    for peer in [&mut *ana, bia] {
        let groups = peer.ok(&json!({ "type": "list_groups" }));
        assert_eq!(groups["groups"], json!([]));
        peer.group_refused("group_message", "Time", &json!({ "content": "oi" }), "unknown_group");
        peer.group_refused("join_group", "Time", &NOTHING, "unknown_group");
        peer.group_refused("list_group_members", "Time", &NOTHING, "unknown_group");
        peer.group_refused("delete_group", "Time", &NOTHING, "unknown_group");
    }
    bia.group("create_group", "Time", &NOTHING);
    team.quiet();
}

#[test]
fn a_renamed_group_is_the_same_group() {
    let mut team = Team::with(false);
    let Team { ana, bia, caio, duda, .. } = &mut team;
    duda.group("create_group", "Tomado", &NOTHING);
    for name in ["Tomado", "TOMADO"] {
        let taken = json!({ "new_name": name });
        ana.group_refused("rename_group", "Time", &taken, "group_exists");
    }
    let first = number(&ana.tell_group("Time", "antes"), "msg_id");
    bia.hears_in("Time", "ana", "antes");
    caio.hears_in("Time", "ana", "antes");

    let answer = ana.group("rename_group", "Time", &json!({ "new_name": "Equipe" }));
    assert_eq!(answer["type"], "group_response");
    bia.group_refused("group_message", "Time", &json!({ "content": "x" }), "unknown_group");
    bia.tell_group("Equipe", "depois");
    let event = ana.hears_in("Equipe", "bia", "depois");
    assert_eq!(event["prev"], first, "the conversation goes on");
    caio.hears_in("Equipe", "bia", "depois");
    assert_eq!(members(caio, "Equipe").len(), 3);
    // The old name is free.
    duda.group("create_group", "Time", &NOTHING);
    team.quiet();
}

#[test]
fn names_that_nobody_has_are_told_apart() {
    let mut team = Team::with(false);
    let Team { ana, .. } = &mut team;
    for (what, fields) in [
        ("join_group", NOTHING),
        ("leave_group", NOTHING),
        ("delete_group", NOTHING),
        ("list_group_members", NOTHING),
        ("rename_group", json!({ "new_name": "x" })),
        ("add_member", new_member("bia")),
        ("remove_member", member("bia")),
        ("promote_member", member("bia")),
        ("demote_member", member("bia")),
        ("group_message", json!({ "content": "oi" })),
    ] {
        ana.group_refused(what, "Nenhum", &fields, "unknown_group");
    }
    ana.group_refused("add_member", "Time", &new_member("zé"), "unknown_user");
    for what in ["remove_member", "promote_member", "demote_member"] {
        ana.group_refused(what, "Time", &member("zé"), "unknown_user");
    }
    team.quiet();
}

#[test]
fn the_lists_say_who_is_there_and_what_one_may() {
    let mut team = Team::with(true);
    let Team { server, ana, bia, .. } = &mut team;
    bia.group("create_group", "Outro", &NOTHING);
    let groups = bia.ok(&json!({ "type": "list_groups" }));
    assert_eq!(groups["type"], "groups_list");
    let mut details: Vec<(&str, u64, &str, bool)> = groups["details"]
        .as_array()
        .expect("details")
        .iter()
        .map(|group| {
            let private = group["private"].as_bool().expect("true or false");
            (text(group, "name"), number(group, "members"), text(group, "role"), private)
        })
        .collect();
    details.sort_unstable();
    assert_eq!(details, [("Outro", 1, "admin", false), ("Time", 3, "member", true)]);

    // Away, one is a member still.
    let bia = std::mem::replace(bia, server.connect(Framing::Line));
    bia.leave();
    let list = ana.group("list_group_members", "Time", &NOTHING);
    assert_eq!(list["members"], json!(["ana", "bia", "caio"]));
    let online: Vec<&Value> = list["details"]
        .as_array()
        .expect("details")
        .iter()
        .map(|detail| &detail["online"])
        .collect();
    assert_eq!(online, [&json!(true), &json!(false), &json!(true)]);
}

#[test]
fn the_answer_counts_the_members_that_a_message_went_to() {
    let mut team = Team::with(false);
    let Team { ana, bia, caio, duda, .. } = &mut team;
    for (sentence, joins) in [
        ("Mensagem enviada para 2 membros do grupo", true),
        ("Mensagem enviada para 3 membros do grupo", false),
    ] {
        let answer = ana.tell_group("Time", "oi");
        assert_eq!(text(&answer, "message"), sentence);
        if joins {
            duda.group("join_group", "Time", &NOTHING);
        }
    }
    for peer in [&mut *bia, caio] {
        peer.hears_in("Time", "ana", "oi");
        peer.hears_in("Time", "ana", "oi");
    }
    duda.hears_in("Time", "ana", "oi");
    duda.group("create_group", "Sozinha", &NOTHING);
    let alone = duda.tell_group("Sozinha", "alguém?");
    assert_eq!(alone["delivered"], 0);
    duda.group("add_member", "Sozinha", &new_member("bia"));
    bia.event("added_to_group");
    let answer = duda.tell_group("Sozinha", "oi");
    assert_eq!(text(&answer, "message"), "Mensagem enviada para 1 membro do grupo");
    bia.hears_in("Sozinha", "duda", "oi");
    team.quiet();
}

#[test]
fn members_who_asked_for_it_see_what_happens_to_a_group() {
    let mut team = Team::with(false);
    let mut eva = team.server.join_knowing("eva", &["groups"]);
    let Team { ana, bia, caio, duda, .. } = &mut team;
    eva.group("join_group", "Time", &NOTHING);
    // Whether eva sees her own coming is the server's choice; from here on it is about others.
    eva.ask(&json!({ "type": "ping" }));
    eva.take_aside();

    duda.group("join_group", "Time", &NOTHING);
    sees(&mut eva, "joined", "duda", "duda");
    duda.group("leave_group", "Time", &NOTHING);
    sees(&mut eva, "left", "duda", "duda");
    bia.group("add_member", "Time", &new_member("duda"));
    sees(&mut eva, "added", "duda", "bia");
    duda.event("added_to_group");
    ana.group("promote_member", "Time", &member("bia"));
    sees(&mut eva, "promoted", "bia", "ana");
    ana.group("demote_member", "Time", &member("bia"));
    sees(&mut eva, "demoted", "bia", "ana");
    ana.group("remove_member", "Time", &member("duda"));
    sees(&mut eva, "removed", "duda", "ana");
    // To send to an open group is to join it first.
    duda.tell_group("Time", "oi");
    sees(&mut eva, "joined", "duda", "duda");
    eva.hears_in("Time", "duda", "oi");
    for peer in [&mut *ana, bia, caio] {
        peer.hears_in("Time", "duda", "oi");
    }
    ana.group("rename_group", "Time", &json!({ "new_name": "Equipe" }));
    let event = eva.event("group_event");
    assert_eq!((&event["event"], &event["by"]), (&json!("renamed"), &json!("ana")));
    assert_eq!(event["new_name"], "Equipe");
    ana.group("delete_group", "Equipe", &NOTHING);
    let event = eva.event("group_event");
    assert_eq!((&event["event"], &event["by"]), (&json!("deleted"), &json!("ana")));
    assert_eq!(event["group_name"], "Equipe");
    eva.nothing_more();
    // The others asked for nothing, and saw nothing of it.
    team.quiet();
}

#[test]
fn an_admin_made_by_the_last_ones_leaving_is_told_to_all() {
    let mut team = Team::with(false);
    let mut eva = team.server.join_knowing("eva", &["groups"]);
    eva.group("join_group", "Time", &NOTHING);
    eva.ask(&json!({ "type": "ping" }));
    eva.take_aside();
    team.ana.group("leave_group", "Time", &NOTHING);
    eva.ask(&json!({ "type": "ping" }));
    let told = eva.take_aside();
    let happened: Vec<(&str, &str)> =
        told.iter().map(|event| (text(event, "event"), text(event, "user"))).collect();
    assert_eq!(happened, [("left", "ana"), ("promoted", "bia")]);
}

#[track_caller]
fn sees(peer: &mut Peer, what: &str, user: &str, by: &str) {
    let event = peer.event("group_event");
    assert_eq!((text(&event, "event"), text(&event, "user"), text(&event, "by")), (what, user, by));
    assert_eq!(text(&event, "group_name"), "Time");
    number(&event, "ts");
}
