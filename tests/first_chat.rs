//! Everything that the first chat did, with clients that behave as its Python clients did.

mod common;

use std::fs;
use std::io::Read;
use std::time::Duration;

use serde_json::{Value, json};

use common::python::{Script, looks_like_a_time};
use common::{Framing, Heard, PATIENCE, Peer, Python, Server, text};

const BOTH: [Script; 2] = [Script::Bare, Script::Length];

#[test]
fn a_user_is_welcomed_by_name() {
    let server = Server::start();
    for script in BOTH {
        let mut ana = Python::join(&server, script, "ana");
        server.stdout().wait_for("[SERVIDOR] Usuário ana conectado");
        assert_eq!(ana.leave(), Some(0));
        server.stdout().wait_for("ana desconectado");
        // The name is free as soon as the server has seen the end of the connection.
        let mut witness = server.join("testemunha");
        witness.waits_until_gone("ana");
        witness.leave();
    }
}

#[test]
fn a_name_in_use_is_refused_in_the_old_words() {
    let server = Server::start();
    for script in BOTH {
        let name = format!("{script:?}");
        let _first = Python::join(&server, script, &name);
        for other in BOTH {
            let mut second = Python::start(&server, other, &name);
            second.sees(&json!(["login", "error", "Nome de usuário já em uso"]));
            assert_eq!(second.leave(), Some(1));
        }
    }
}

#[test]
fn private_messages_go_between_all_kinds_of_clients() {
    let server = Server::start();
    let mut bare = Python::join(&server, Script::Bare, "ana");
    let mut length = Python::join(&server, Script::Length, "bruno");
    let mut line = server.join("carla");

    bare.does(&json!(["private", "bruno", "olá, Bruno! ção 😀"]));
    bare.is_told("message_response", "Mensagem enviada com sucesso");
    length.reads(&json!(["private", "ana", "olá, Bruno! ção 😀"]));

    length.does(&json!(["private", "ana", "oi\ncom \"aspas\" e {chaves}"]));
    length.is_told("message_response", "Mensagem enviada com sucesso");
    bare.reads(&json!(["private", "bruno", "oi\ncom \"aspas\" e {chaves}"]));

    bare.does(&json!(["private", "carla", "tudo bem?"]));
    bare.is_told("message_response", "Mensagem enviada com sucesso");
    line.hears("ana", "tudo bem?");
    line.tell("ana", "tudo");
    bare.reads(&json!(["private", "carla", "tudo"]));
    line.tell("bruno", "e você?");
    length.reads(&json!(["private", "carla", "e você?"]));
}

#[test]
fn an_unknown_recipient_is_refused_in_the_old_words() {
    let server = Server::start();
    for script in BOTH {
        let mut ana = Python::join(&server, script, &format!("ana {script:?}"));
        ana.does(&json!(["private", "ninguém", "oi"]));
        ana.sees(&json!([
            "answer",
            "message_response",
            "error",
            "Usuário destinatário não encontrado"
        ]));
        ana.does(&json!(["group", "nenhum", "oi"]));
        ana.sees(&json!(["answer", "message_response", "error", "Grupo não encontrado"]));
    }
}

#[test]
fn a_group_is_made_grows_and_talks() {
    let server = Server::start();
    let mut ana = Python::join(&server, Script::Bare, "ana");
    let mut bruno = Python::join(&server, Script::Length, "bruno");
    let mut carla = Python::join(&server, Script::Bare, "carla");

    ana.does(&json!(["create_group", "Trabalho"]));
    ana.is_told("group_response", "Grupo \"Trabalho\" criado com sucesso");
    bruno.does(&json!(["create_group", "Trabalho"]));
    bruno.sees(&json!(["answer", "group_response", "error", "Grupo já existe"]));

    ana.does(&json!(["add", "Trabalho", "bruno"]));
    ana.is_told_yes("member_response", "bruno");
    bruno.sees(&json!(["added", "Trabalho", "ana"]));
    bruno.does(&json!(["add", "Trabalho", "carla"]));
    bruno.is_told_yes("member_response", "carla");
    carla.sees(&json!(["added", "Trabalho", "bruno"]));

    carla.does(&json!(["group", "Trabalho", "bom dia"]));
    carla.is_told("message_response", "Mensagem enviada para 2 membros do grupo");
    ana.reads(&json!(["group", "Trabalho", "carla", "bom dia"]));
    bruno.reads(&json!(["group", "Trabalho", "carla", "bom dia"]));

    carla.does(&json!(["members", "Trabalho"]));
    carla.sees(&json!(["members", "Trabalho", ["ana", "bruno", "carla"]]));
    bruno.does(&json!(["groups"]));
    bruno.sees(&json!(["groups", ["Trabalho"]]));
}

#[test]
fn the_users_online_are_listed() {
    let server = Server::start();
    let mut clients: Vec<Python> =
        BOTH.iter().map(|script| Python::join(&server, *script, &format!("u{script:?}"))).collect();
    for client in &mut clients {
        client.does(&json!(["users"]));
        let mut shown = client.shows();
        let users = shown[1].as_array_mut().expect("a list");
        users.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
        assert_eq!(shown, json!(["users", ["uBare", "uLength"]]));
    }
}

#[test]
fn a_file_arrives_as_it_was_and_is_kept_by_the_server() {
    let server = Server::start();
    let mut ana = Python::join(&server, Script::Bare, "ana");
    let mut bruno = Python::join(&server, Script::Length, "bruno");
    let mut carla = Python::join(&server, Script::Bare, "carla");
    let kept = server.data().join("server_files");
    let folder = tempfile::tempdir().expect("a folder");

    // From the bare client any size; to it no more than one recv(4096) holds.
    let large: Vec<u8> = (0..300_000u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
    let path = folder.path().join("foto.jpg");
    fs::write(&path, &large).expect("a file");
    ana.does(&json!(["file", "bruno", "private", path]));
    ana.is_told("file_response", "Arquivo enviado com sucesso");
    let shown = bruno.shows();
    assert_eq!(shown[0], "file");
    assert_eq!((&shown[1], &shown[2]), (&json!("ana"), &json!("ana_foto.jpg")));
    assert_eq!(read(&bruno.downloads().join("ana_foto.jpg")), large);
    assert_eq!(read(&kept.join("ana_foto.jpg")), large);

    let small: Vec<u8> = (0..=255).cycle().take(1_500).collect();
    let path = folder.path().join("relatório final.pdf");
    fs::write(&path, &small).expect("a file");
    bruno.does(&json!(["file", "ana", "private", path]));
    bruno.is_told("file_response", "Arquivo enviado com sucesso");
    let shown = ana.shows();
    assert_eq!(shown[2], "bruno_relatório final.pdf");
    assert_eq!(read(&ana.downloads().join("bruno_relatório final.pdf")), small);
    assert_eq!(read(&kept.join("bruno_relatório final.pdf")), small);

    // In a group the name says which.
    ana.does(&json!(["create_group", "Fotos"]));
    ana.is_told("group_response", "Grupo \"Fotos\" criado com sucesso");
    carla.does(&json!(["group", "Fotos", "entrei"]));
    carla.is_told("message_response", "Mensagem enviada para 1 membro do grupo");
    ana.reads(&json!(["group", "Fotos", "carla", "entrei"]));
    let path = folder.path().join("nota.txt");
    fs::write(&path, "oi").expect("a file");
    carla.does(&json!(["file", "Fotos", "group", path]));
    carla.is_told_yes("file_response", "Arquivo enviado com sucesso");
    assert_eq!(ana.shows()[2], "Fotos_carla_nota.txt");
    assert_eq!(read(&ana.downloads().join("Fotos_carla_nota.txt")), b"oi");
    assert_eq!(read(&kept.join("carla_nota.txt")), b"oi");
}

/// The first client takes whatever one `recv` returns for one object, and lost up to 99 % of what
/// came at once. The server leaves it time to read each.
#[test]
fn the_bare_client_misses_none_of_a_hundred_messages_at_once() {
    // A machine that lets the client wait for 20 ms at a wrong moment makes it miss one after all,
    // and no server can see that. Such a machine does not do it three times in a row.
    let lost: Vec<usize> =
        (0..3).map(|_| lost_of_a_hundred()).take_while(|lost| *lost > 0).collect();
    assert!(lost.len() < 3, "lost in each of three rounds: {lost:?}");
}

fn lost_of_a_hundred() -> usize {
    let server = Server::start();
    let mut bare = Python::join(&server, Script::Bare, "ana");
    // A terminal takes its time.
    bare.does(&json!(["slow_down", 0.005]));
    let mut senders: Vec<Peer> = (0..4).map(|n| server.join(&format!("amigo {n}"))).collect();
    for sender in &mut senders {
        let request = |n: u32| {
            let content = format!("mensagem {n}");
            json!({ "type": "private_message", "recipient": "ana", "content": content, "id": n })
        };
        let burst: Vec<u8> = (0..25).flat_map(|n| Framing::Line.frame(&request(n))).collect();
        sender.send_bytes(&burst);
    }
    for sender in &mut senders {
        for n in 0..25 {
            assert_eq!(sender.answer_to(&json!(n))["status"], "success");
        }
    }
    // What comes after them on the same connection tells that all of them have come.
    bare.does(&json!(["users"]));
    let mut shown = Vec::new();
    let mut lost = 0;
    loop {
        // The end itself may be among what was lost.
        let Some(next) = bare.may_show_within(PATIENCE) else {
            return lost.max(1);
        };
        match next[0].as_str() {
            Some("private") => {
                assert!(looks_like_a_time(&next[2]));
                shown.push((next[1].clone(), next[3].clone()));
            }
            Some("lost") => lost += 1,
            Some("users") => break,
            _ => panic!("{next}"),
        }
    }
    // Each sender's messages come in the order in which they were sent.
    for at in 0..senders.len() {
        let name = json!(format!("amigo {at}"));
        let from: Vec<&Value> = shown
            .iter()
            .filter(|(sender, _)| *sender == name)
            .map(|(_, content)| content)
            .collect();
        let expected: Vec<Value> = (0..25).map(|n| json!(format!("mensagem {n}"))).collect();
        assert!(lost > 0 || from.iter().copied().eq(&expected), "{from:?}");
    }
    assert!(lost > 0 || shown.len() == 100, "{} came", shown.len());
    lost
}

/// Each frame leaves in one write, its newline with it: a newline that came alone would be one more
/// object that cannot be parsed.
#[test]
fn what_a_bare_client_receives_at_once_begins_with_an_object() {
    let server = Server::start();
    let mut ana = server.join("ana");
    ana.group("create_group", "Time", &Value::Null);
    let mut bare = server.join_as("bia", Framing::Bare);
    bare.group("join_group", "Time", &Value::Null);
    let sent = 60;
    for n in 0..sent {
        let (kind, to) = if n % 2 == 0 { ("private", "bia") } else { ("group", "Time") };
        // Small and large events, which the server may well send in different ways.
        ana.ok(&match n % 3 {
            0 => json!({ "type": "private_message", "recipient": "bia", "content": "oi" }),
            1 => json!({ "type": "group_message", "group_name": "Time", "content": "x".repeat(20_000) }),
            _ => json!({
                "type": "send_file", "recipient": to, "filename": "f", "file_type": kind,
                "file_data": "QUJD".repeat(100),
            }),
        });
    }
    let mut buffer = vec![0; 256 * 1024];
    let mut objects = 0;
    while objects < sent {
        let count = bare.stream().read(&mut buffer).expect("more of them");
        assert!(count > 0, "the server has closed after {objects}");
        let received = &buffer[..count];
        assert_eq!(received[0], b'{', "{:?}", String::from_utf8_lossy(received));
        assert_eq!(received[count - 1], b'\n', "cut after {count} bytes");
        objects += memchr::memchr_iter(b'\n', received).count();
    }
    assert_eq!(objects, sent);
}

#[test]
fn a_burst_from_the_bare_client_arrives_whole() {
    let server = Server::start();
    let mut bare = Python::join(&server, Script::Bare, "ana");
    let mut bia = server.join("bia");
    // Some hundred objects, one right after the other, in whatever pieces TCP makes of them.
    bare.does(&json!(["burst", "bia", 300]));
    for n in 0..300 {
        bia.hears("ana", &format!("ana {n}"));
    }
}

#[test]
fn the_length_client_takes_two_thousand_messages_in_order() {
    let server = Server::start();
    let mut length = Python::join(&server, Script::Length, "ana");
    let mut bia = server.join("bia");
    for batch in 0..20 {
        let requests = (0..100).map(|n| {
            let n = batch * 100 + n;
            let content = format!("mensagem {n}");
            json!({ "type": "private_message", "recipient": "ana", "content": content, "id": n })
        });
        let bytes: Vec<u8> = requests.flat_map(|request| Framing::Line.frame(&request)).collect();
        bia.send_bytes(&bytes);
        for n in 0..100 {
            let answer = bia.answer_to(&json!(batch * 100 + n));
            assert_eq!(answer["status"], "success", "{answer}");
        }
    }
    let shown = length.collects("private", 2_000);
    assert_eq!(shown.len(), 2_000);
    for (n, shown) in shown.iter().enumerate() {
        assert_eq!(shown[3], json!(format!("mensagem {n}")));
    }
}

/// Takes some 31 s: two heartbeats, 15 s apart.
#[test]
fn heartbeats_keep_the_length_client() {
    let server = Server::start();
    let mut length = Python::join(&server, Script::Length, "ana");
    let mut line = server.join("bia");
    let mut bare = Python::join(&server, Script::Bare, "caio");
    for _ in 0..2 {
        let shown = length.shows_within(Duration::from_secs(25));
        assert_eq!(shown, json!(["heartbeat"]));
    }
    length.does(&json!(["private", "bia", "ainda aqui"]));
    length.is_told("message_response", "Mensagem enviada com sucesso");
    line.hears("ana", "ainda aqui");
    // Who asked for no heartbeats has got none.
    line.nothing_more();
    bare.does(&json!(["groups"]));
    bare.sees(&json!(["groups", []]));
}

/// Asked for with `features`, heartbeats come in any framing.
#[test]
#[ignore = "takes 46 s: three heartbeats, 15 s apart"]
fn who_leaves_two_heartbeats_unanswered_is_gone() {
    let server = Server::start();
    let mut witness = server.join("testemunha");
    let mut dead =
        [server.join_as("ana", Framing::Length), server.join_knowing("bia", &["heartbeat"])];
    for peer in &mut dead {
        peer.play_dead();
        common::peer::with_timeout(peer.stream(), Duration::from_secs(40));
    }
    for peer in &mut dead {
        let mut pings = 0;
        loop {
            match peer.hear() {
                Heard::Frame(frame) if frame["type"] == "heartbeat_ping" => pings += 1,
                // A word of farewell is allowed, and nothing else.
                Heard::Frame(frame) => assert_eq!(frame["type"], "error", "{frame}"),
                Heard::End => break,
                Heard::Silence => panic!("still open after {pings} unanswered heartbeats"),
            }
        }
        assert!((2..=3).contains(&pings), "{pings} heartbeats");
    }
    for name in ["ana", "bia"] {
        witness.waits_until_gone(name);
    }
}

/// The six steps of the first manual's "Teste Avançado", in all three framings at once.
#[test]
fn the_five_people_of_the_old_manual_chat() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");

    // 1. Five people come in.
    let mut alice = Python::join(&server, Script::Bare, "Alice");
    let mut bob = Python::join(&server, Script::Length, "Bob");
    let mut carlos = server.join("Carlos");
    let mut diana = Python::join(&server, Script::Bare, "Diana");
    let mut eduardo = Python::join(&server, Script::Length, "Eduardo");

    // 2. Private messages.
    alice.does(&json!(["private", "Bob", "Oi, Bob!"]));
    alice.is_told("message_response", "Mensagem enviada com sucesso");
    bob.reads(&json!(["private", "Alice", "Oi, Bob!"]));
    bob.does(&json!(["private", "Alice", "Oi, Alice!"]));
    bob.is_told("message_response", "Mensagem enviada com sucesso");
    alice.reads(&json!(["private", "Bob", "Oi, Alice!"]));
    carlos.tell("Diana", "Diana, tudo bem?");
    diana.reads(&json!(["private", "Carlos", "Diana, tudo bem?"]));
    diana.does(&json!(["private", "Carlos", "Tudo!"]));
    diana.is_told("message_response", "Mensagem enviada com sucesso");
    carlos.hears("Diana", "Tudo!");

    // 3. A group, and everyone in it.
    alice.does(&json!(["create_group", "Trabalho SD"]));
    alice.is_told("group_response", "Grupo \"Trabalho SD\" criado com sucesso");
    let mut added = [&mut bob, &mut diana, &mut eduardo];
    for (person, name) in added.iter_mut().zip(["Bob", "Diana", "Eduardo"]) {
        alice.does(&json!(["add", "Trabalho SD", name]));
        alice.is_told_yes("member_response", name);
        person.sees(&json!(["added", "Trabalho SD", "Alice"]));
    }
    carlos.group("join_group", "Trabalho SD", &json!({}));
    let answer = carlos.tell_group("Trabalho SD", "Pessoal, começamos?");
    assert_eq!(text(&answer, "message"), "Mensagem enviada para 4 membros do grupo");
    for person in [&mut alice, &mut bob, &mut diana, &mut eduardo] {
        person.reads(&json!(["group", "Trabalho SD", "Carlos", "Pessoal, começamos?"]));
    }
    eduardo.does(&json!(["group", "Trabalho SD", "Sim!"]));
    eduardo.is_told("message_response", "Mensagem enviada para 4 membros do grupo");
    for person in [&mut alice, &mut bob, &mut diana] {
        person.reads(&json!(["group", "Trabalho SD", "Eduardo", "Sim!"]));
    }
    carlos.hears_in("Trabalho SD", "Eduardo", "Sim!");

    // 4. Files, to one and to all.
    let path = folder.path().join("plano.txt");
    fs::write(&path, "1. servidor\n2. cliente\n").expect("a file");
    bob.does(&json!(["file", "Alice", "private", path]));
    bob.is_told("file_response", "Arquivo enviado com sucesso");
    assert_eq!(alice.shows()[2], "Bob_plano.txt");
    diana.does(&json!(["file", "Trabalho SD", "group", path]));
    assert_eq!(diana.shows()[2], "success");
    for person in [&mut alice, &mut bob, &mut eduardo] {
        assert_eq!(person.shows()[2], "Trabalho SD_Diana_plano.txt");
        let saved = person.downloads().join("Trabalho SD_Diana_plano.txt");
        assert_eq!(read(&saved), b"1. servidor\n2. cliente\n");
    }
    let file = carlos.event("group_file_received");
    assert_eq!((text(&file, "group_name"), text(&file, "sender")), ("Trabalho SD", "Diana"));

    // 5. Lists.
    let everybody = ["Alice", "Bob", "Carlos", "Diana", "Eduardo"];
    for person in [&mut alice, &mut bob] {
        person.does(&json!(["users"]));
        let mut shown = person.shows();
        let users = shown[1].as_array_mut().expect("a list");
        users.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
        assert_eq!(shown, json!(["users", everybody]));
        person.does(&json!(["groups"]));
        person.sees(&json!(["groups", ["Trabalho SD"]]));
    }
    eduardo.does(&json!(["members", "Trabalho SD"]));
    eduardo.sees(&json!([
        "members",
        "Trabalho SD",
        ["Alice", "Bob", "Diana", "Eduardo", "Carlos"]
    ]));

    // 6. One by one they leave, and who is left sees it.
    for (mut person, name) in [(alice, "Alice"), (bob, "Bob"), (diana, "Diana")] {
        assert_eq!(person.leave(), Some(0));
        carlos.waits_until_gone(name);
        // None of the bare clients has lost anything on the way.
        assert!(person.whole_screen().iter().all(|shown| shown[0] != "lost"));
    }
    eduardo.does(&json!(["users"]));
    let mut shown = eduardo.shows();
    let users = shown[1].as_array_mut().expect("a list");
    users.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
    assert_eq!(shown, json!(["users", ["Carlos", "Eduardo"]]));
    assert_eq!(eduardo.leave(), Some(0));
    carlos.waits_until_gone("Eduardo");
    carlos.leave();
    for name in everybody {
        server.stdout().wait_for(&format!("{name} desconectado"));
    }
}

fn read(path: &std::path::Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
