//! Section 3: whose name it is, and what is a name.

use serde_json::json;

use crate::common::{Framing, Server, sorted_texts, text};

const NO_NAMES: [&str; 27] = [
    " ",
    "\t\n",
    "\u{a0}",
    "a\nb",
    "a\rb",
    "a\u{0}b",
    "a\u{1b}[2Jb",
    "a\u{7f}",
    "a\u{85}b",
    "a/b",
    "a\\b",
    "a:b",
    "a*b?",
    "\"a\"",
    "<b>",
    "a|b",
    "#a",
    "@a",
    "..",
    ".a",
    "a  b",
    "\u{202e}bob",
    "bo\u{200b}b",
    "a\u{200d}b",
    "\u{feff}bob",
    "\u{301}",
    "\u{e000}",
];

#[test]
fn people_may_be_called_what_they_are_called() {
    let server = Server::start();
    let mut all = Vec::new();
    for name in [
        "Alice",
        "joão",
        "Ana Maria",
        "张伟",
        "r2-d2",
        "a.b_c",
        "👩‍💻",
        "Zoë",
        "أحمد",
        "नमस्ते",
        "7",
        "🇧🇷",
    ] {
        let mut peer = server.connect(Framing::Line);
        let answer = peer.login(name, &json!({}));
        assert_eq!(answer["username"], name);
        all.push((name, peer));
    }
    // They talk, too.
    let (first, rest) = all.split_first_mut().expect("many");
    for (name, peer) in rest {
        first.1.tell(name, "oi");
        peer.hears(first.0, "oi");
    }
    let longest = "é".repeat(32);
    server.join(&longest).leave();
}

#[test]
fn what_is_no_name_is_refused() {
    let server = Server::start();
    let mut stranger = server.connect(Framing::Line);
    let too_long = "a".repeat(33);
    let far_too_long = "a".repeat(3_000);
    let names = NO_NAMES.iter().copied();
    for name in names.clone().chain([&*too_long, &far_too_long]) {
        let login = json!({ "type": "login", "username": name });
        stranger.refused(&login, "invalid_name");
    }
    stranger.login("ana", &json!({}));
    // The same rules hold for groups.
    for name in names.chain([&*too_long, &far_too_long]) {
        stranger.group_refused("create_group", name, &json!({}), "invalid_name");
    }
    stranger.group("create_group", "Certo", &json!({}));
    let new_name = json!({ "new_name": "er/rado" });
    stranger.group_refused("rename_group", "Certo", &new_name, "invalid_name");
    stranger.tell_group("Certo", "ainda o mesmo");
}

#[test]
fn names_are_trimmed_and_normalised() {
    let server = Server::start();
    let mut peer = server.connect(Framing::Line);
    let answer = peer.login("\t joa\u{303}o  ", &json!({}));
    assert_eq!(answer["username"], "joão");
    let users = peer.ok(&json!({ "type": "list_users" }));
    assert_eq!(users["users"], json!(["joão"]));
}

#[test]
fn names_that_differ_in_case_or_compatibility_form_are_one() {
    let server = Server::start();
    for (first, second) in [
        ("Alice", "aLICE"),
        ("Straße", "STRASSE"),
        ("ΣΑΣ", "σας"),
        ("bob", "ｂｏｂ"),
        ("João", "joa\u{303}o"),
    ] {
        let mut one = server.join(first);
        let mut other = server.connect(Framing::Line);
        let login = json!({ "type": "login", "username": second });
        other.refused(&login, "name_in_use");

        let mut friend = server.join("amiga");
        friend.tell(second, "oi");
        let event = one.hears("amiga", "oi");
        assert_eq!(event["recipient"], first);
        one.leave();

        // The first spelling is shown, whatever is typed later.
        let answer = other.login(second, &json!({}));
        assert_eq!(answer["username"], first);
        let users = friend.ok(&json!({ "type": "list_users" }));
        assert!(sorted_texts(&users, "users").contains(&first), "{users}");
        other.tell("AMIGA", "oi");
        friend.hears(first, "oi");
        other.leave();
        friend.leave();
    }
}

#[test]
fn a_new_name_that_only_looks_like_anothers_is_refused() {
    let server = Server::start();
    let alice = server.join("alice");
    let mut other = server.connect(Framing::Line);
    // A Cyrillic letter, and a Greek one.
    for name in ["аlice", "αlice"] {
        let login = json!({ "type": "login", "username": name });
        other.refused(&login, "name_confusable");
    }
    alice.leave();
    // Somebody who is away is somebody.
    let login = json!({ "type": "login", "username": "аlice" });
    other.refused(&login, "name_confusable");
    other.login("alice", &json!({}));

    other.group("create_group", "scope", &json!({}));
    other.group_refused("create_group", "ѕсоре", &json!({}), "name_confusable");
}

#[test]
fn groups_are_one_by_the_same_rule() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    ana.group("create_group", "Família", &json!({}));
    let refusal =
        bia.refused(&json!({ "type": "create_group", "group_name": "FAMÍLIA" }), "group_exists");
    assert_eq!(text(&refusal, "message"), "Grupo já existe");
    bia.tell_group("família", "oi");
    ana.hears_in("Família", "bia", "oi");
    // A user and a group may have one name: they are never meant in the same place.
    ana.group("create_group", "bia", &json!({}));
}
