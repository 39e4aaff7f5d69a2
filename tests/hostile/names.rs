//! Names that are taken for others', or for more than names.

use serde_json::json;

use crate::common::evil::EVIL_NAMES;
use crate::common::{Framing, text};
use crate::stage::{Stage, assert_harmless, attack};

/// A login under this name is refused with this code; so is a group of this name.
#[track_caller]
fn refused(stage: &Stage, name: &str, code: &str) {
    stage.server.turned_away(name, &json!({}), code);
    let mut ana = stage.server.join("ana");
    let code = if code == "name_in_use" { "group_exists" } else { code };
    ana.group("create_group", "alice", &json!({}));
    ana.group_refused("create_group", name, &json!({}), code);
    ana.group_refused("rename_group", "alice", &json!({ "new_name": name }), code);
    ana.group("leave_group", "alice", &json!({}));
    ana.leave();
}

#[test]
fn a_name_in_another_case_is_the_same_name() {
    attack(|stage| {
        let _alice = stage.server.join("alice");
        for name in ["Alice", "ALICE", " alice ", "\talice\n"] {
            stage.server.turned_away(name, &json!({}), "name_in_use");
        }
        let _strasse = stage.server.join("straße");
        stage.server.turned_away("STRASSE", &json!({}), "name_in_use");
        let _sigma = stage.server.join("ΣΑΣ");
        stage.server.turned_away("σας", &json!({}), "name_in_use");
    });
}

#[test]
fn a_name_in_another_form_is_the_same_name() {
    attack(|stage| {
        let _alice = stage.server.join("alice");
        let _joao = stage.server.join("joão");
        for name in ["ａｌｉｃｅ", "𝐚𝐥𝐢𝐜𝐞", "ⓐⓛⓘⓒⓔ", "alicᵉ", "joa\u{303}o", "JOA\u{303}O"]
        {
            let (mut peer, refusal) = {
                let mut peer = stage.server.connect(Framing::Line);
                let answer = peer.ask(&json!({ "type": "login", "username": name }));
                (peer, answer)
            };
            // What is no letter is no name; what is one is hers.
            let code = text(&refusal, "code");
            assert!(code == "name_in_use" || code == "invalid_name", "{name}: {code}");
            peer.nothing_more();
        }
    });
}

#[test]
fn a_cyrillic_alice_is_not_let_in_beside_alice() {
    attack(|stage| {
        let mut alice = stage.server.join("alice");
        for name in ["аlice", "alіce", "аlісе", "aliсe", "ɑlice", "аLICE"] {
            stage.server.turned_away(name, &json!({}), "name_confusable");
            // Nor is she written to in the other's place.
            let message = json!({ "type": "private_message", "recipient": name, "content": "oi" });
            alice.refused(&message, "unknown_user");
        }
        // The other way round, whoever was first.
        let _first = stage.server.join("сова");
        stage.server.turned_away("coвa", &json!({}), "name_confusable");
        // Groups neither.
        alice.group("create_group", "Paypal", &json!({}));
        alice.group_refused("create_group", "Pаypal", &json!({}), "name_confusable");
        alice.group("create_group", "Outro", &json!({}));
        let rename = json!({ "new_name": "Pаypаl" });
        alice.group_refused("rename_group", "Outro", &rename, "name_confusable");
    });
}

#[test]
fn a_cyrillic_alice_is_not_let_in_after_a_restart_either() {
    attack(|stage| {
        stage.server.join("alice").leave();
        stage.pause();
        stage.restart();
        stage.server.turned_away("аlice", &json!({}), "name_confusable");
        stage.resume();
    });
}

#[test]
fn characters_that_show_as_nothing_are_in_no_name() {
    attack(|stage| {
        for invisible in [
            "\u{200b}",
            "\u{200c}",
            "\u{200d}",
            "\u{2060}",
            "\u{feff}",
            "\u{ad}",
            "\u{34f}",
            "\u{3164}",
            "\u{115f}",
            "\u{180e}",
            "\u{fe01}",
            "\u{e0100}",
            "\u{17b4}",
            "\u{2063}",
            "\u{e0041}",
        ] {
            for name in
                [format!("ali{invisible}ce"), format!("alice{invisible}"), invisible.to_owned()]
            {
                stage.server.turned_away(&name, &json!({}), "invalid_name");
            }
            refused(stage, &format!("b{invisible}b"), "invalid_name");
        }
    });
}

#[test]
fn characters_that_turn_their_neighbours_round_are_in_no_name() {
    attack(|stage| {
        for bidi in [
            "\u{202a}", "\u{202b}", "\u{202c}", "\u{202d}", "\u{202e}", "\u{2066}", "\u{2067}",
            "\u{2068}", "\u{2069}", "\u{200e}", "\u{200f}", "\u{61c}",
        ] {
            refused(stage, &format!("{bidi}ecila"), "invalid_name");
        }
    });
}

#[test]
fn characters_that_act_on_a_terminal_are_in_no_name() {
    attack(|stage| {
        for name in [
            "a\u{1b}[2J",
            "a\u{9b}2J",
            "\u{1b}]0;x\u{7}",
            "a\nb",
            "a\rb",
            "a\tb",
            "a\u{b}b",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{0}b",
            "a\u{7f}b",
            "a\u{8}b",
        ] {
            refused(stage, name, "invalid_name");
        }
    });
}

#[test]
fn a_name_that_is_a_path_is_no_name() {
    attack(|stage| {
        for name in [
            "../alice", "..", ".", ".alice", "a/b", "a\\b", "C:alice", "/etc", "~/x/", "a:b", "a*",
            "a?", "<a>", "a|b", "\"a\"", "#a", "@a",
        ] {
            refused(stage, name, "invalid_name");
        }
    });
}

#[test]
fn names_that_systems_keep_for_themselves_are_names_of_people_and_harm_no_file() {
    attack(|stage| {
        for name in
            ["CON", "nul", "COM1", "server", "SERVIDOR", "papo", "null", "undefined", "__proto__"]
        {
            let mut peer = stage.server.join(name);
            let file = json!({
                "type": "send_file", "recipient": "vera", "filename": "x.txt", "file_data": "b2k=",
            });
            let answer = peer.ok(&file);
            assert_eq!(text(&answer, "saved_as"), format!("{name}_x.txt"));
            let kept = stage.server.data().join("server_files").join(format!("{name}_x.txt"));
            assert_eq!(std::fs::read(kept).expect("it is kept"), b"oi");
            let answer = peer.tell("vera", "oi");
            stage.acknowledged(name, &answer);
        }
    });
}

#[test]
fn a_name_too_long_is_no_name() {
    attack(|stage| {
        for name in ["a".repeat(33), "é".repeat(33), "😀".repeat(33), "a".repeat(3_000)] {
            refused(stage, &name, "invalid_name");
        }
        // White space around it does not count, but neither is it read without end.
        stage.server.join(&format!("{}alice{}", " ".repeat(100), " ".repeat(100))).leave();
        let padded = format!("{}alice", " ".repeat(600));
        stage.server.turned_away(&padded, &json!({}), "invalid_name");
    });
}

#[test]
fn marks_without_a_letter_are_no_name() {
    attack(|stage| {
        for name in ["\u{301}", "\u{301}a", "\u{20e3}", "\u{fe0f}", "\u{489}\u{489}"] {
            refused(stage, name, "invalid_name");
        }
    });
}

#[test]
fn the_names_of_everybody_are_not_a_way_to_find_out_more() {
    attack(|stage| {
        let (_alice, _) = stage.server.claim("alice");
        let mut peer = stage.server.connect(Framing::Line);
        // Before a login nobody is told who there is.
        for kind in ["list_users", "list_groups", "list_conversations", "history", "search"] {
            let request = json!({ "type": kind, "with": "alice", "query": "a" });
            peer.refused(&request, "not_logged_in");
        }
        // An unknown name and a known one are refused a password in the same words.
        let wrong = json!({ "type": "login", "username": "alice", "password": "x" });
        let unknown = json!({ "type": "login", "username": "nobody", "password": "x" });
        let (mut wrong, mut unknown) = (peer.ask(&wrong), peer.ask(&unknown));
        for answer in [&mut wrong, &mut unknown] {
            answer.as_object_mut().expect("a frame").remove("id");
        }
        assert_eq!(wrong, unknown);
    });
}

#[test]
fn file_names_that_lead_elsewhere_stay_where_files_are() {
    attack(|stage| {
        let mut ana = stage.server.join("ana");
        let mut bia = stage.server.join("bia");
        let before = listing(&stage.server.home());
        for (raw, expected) in EVIL_NAMES {
            let answer = ana.ok(&json!({
                "type": "send_file", "recipient": "bia", "filename": raw, "file_data": "b2k=",
            }));
            let saved = text(&answer, "saved_as");
            assert!(saved.starts_with("ana_") && !saved.contains(['/', '\\']), "{saved:?}");
            assert_harmless(saved);
            let told = bia.event("file_received");
            assert_eq!(text(&told, "filename"), expected, "{raw:?}");
            assert_harmless(text(&told, "filename"));
            let kept = stage.server.data().join("server_files").join(saved);
            assert!(kept.is_file(), "{}", kept.display());
        }
        // Nothing lies where nothing may.
        assert_eq!(listing(&stage.server.home()), before);
    });
}

/// What lies in a folder, but for what is in its data folder's own folders.
fn listing(home: &std::path::Path) -> Vec<String> {
    let mut found: Vec<String> = [home.to_owned(), home.join("data")]
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).expect("a folder"))
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name != "server_files" && !name.starts_with("papo.db"))
        .collect();
    found.sort_unstable();
    found
}
