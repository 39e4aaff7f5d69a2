//! Tokens on a disk, passwords from a pipe, and what was missed, over a real socket.

use super::*;

#[test]
fn a_token_is_kept_from_one_run_to_the_next() {
    let server = FakeServer::start(vec![
        play(|peer: &mut Peer| {
            let login = peer.take_login_with(r#","token":"tok""#);
            assert_eq!((&login["want_token"], login.get("token")), (&true.into(), None));
            peer.take_goodbye();
        }),
        play(|peer: &mut Peer| {
            assert_eq!(peer.take_login_with(r#","token":"tok""#)["token"], "tok");
            peer.take_goodbye();
        }),
        play(|peer: &mut Peer| {
            assert_eq!(peer.refuse_login("wrong_password", "Não")["token"], "tok");
            assert_eq!(peer.refuse_login("auth_required", "Não").get("token"), None);
            assert_eq!(peer.take_login_with(r#","token":"two""#)["password"], "segredo");
            peer.take_goodbye();
        }),
        play(|peer: &mut Peer| {
            assert_eq!(peer.take_login_with(r#","token":"two""#)["token"], "two");
            peer.take_goodbye();
        }),
    ]);
    let home = tempfile::tempdir().unwrap();
    for (script, told) in [
        ("8\n", "🔑 O nome ana agora é seu"),
        ("8\n", "✅ Bem-vindo!\n"),
        ("segredo\n8\n", "Senha:\n"),
        ("8\n", "✅ Bem-vindo!\n"),
    ] {
        let (end, shown) = run_at(&home, &server, Some("ana"), script);
        assert_eq!(exit(end), 0, "{shown}");
        assert!(shown.contains(told), "{shown}");
        assert!(!shown.contains("segredo") && !shown.contains("tok"), "{shown}");
    }
    server.finish();
}

#[test]
fn a_pipe_without_the_password_ends_with_4() {
    for script in ["", "1\nbia\noi\n8\n"] {
        let server = FakeServer::start(vec![play(move |peer: &mut Peer| {
            peer.refuse_login("auth_required", "Este nome precisa de senha");
            if !script.is_empty() {
                peer.refuse_login("wrong_password", "Senha errada");
            }
            assert_eq!(peer.next(), None);
        })]);
        let (end, _) = run(&server, Some("ana"), script);
        let failure = end.unwrap_err();
        assert_eq!(failure.exit, Exit::LoginRefused);
        assert!(failure.message.contains("PAPO_PASSWORD"), "{}", failure.message);
    }
}

#[test]
fn what_was_missed_is_shown_once_and_acknowledged() {
    let server = FakeServer::start(vec![play(|peer: &mut Peer| {
        peer.take_login();
        for msg_id in 1..=500 {
            let (sender, place) =
                if msg_id % 10 == 0 { ("cae", "") } else { ("bob", r#""group_name":"T","#) };
            let kind = if place.is_empty() { "private" } else { "group" };
            peer.send(&format!(
                r#"{{"type":"{kind}_message_received","msg_id":{msg_id},"sender":"{sender}",{place}"content":"m{msg_id}","timestamp":"14:30:25","backlog":true}}"#
            ));
        }
        peer.send(
            r#"{"type":"file_received","msg_id":501,"sender":"cae","filename":"x.txt","timestamp":"14:30:25","file_data":"b2k=","backlog":true}"#,
        );
        peer.send(r#"{"type":"synced","cursor":501}"#);
        peer.take("list_users", "users_list", 0);
        peer.take_logout();
        assert_eq!(peer.notes.len(), 1, "{:?}", peer.notes);
        assert_eq!(peer.notes[0]["msg_id"], 501);
    })]);
    let (end, shown) = run(&server, Some("ana"), "5\n8\n");
    server.finish();
    assert_eq!(exit(end), 0, "{shown}");
    let summary = "📬 501 mensagens enquanto você esteve fora: T 450, cae 51. O resto está no histórico (opção 13).\n";
    assert_eq!(shown.matches(summary).count(), 1, "{shown}");
    assert!(
        shown.contains("enviou: x.txt\n   Salvo como: client_downloads/cae_x.txt\n"),
        "{shown}"
    );
    assert!(shown.contains(": m499\n") && !shown.contains(": m1\n"), "{shown}");
}

#[test]
fn messages_that_arrive_are_acknowledged_before_long() {
    let server = FakeServer::start(vec![play(|peer: &mut Peer| {
        peer.take_login();
        for msg_id in 1..=3 {
            peer.send(&format!(
                r#"{{"type":"private_message_received","msg_id":{msg_id},"sender":"bob","recipient":"ana","content":"oi","timestamp":"14:30:25"}}"#
            ));
        }
        // The answer comes after the note: without one the client would wait in vain.
        let users = peer.expect("list_users");
        let note = peer.expect("received");
        assert_eq!(note["msg_id"], 3);
        peer.answer(&users, "users_list", r#""status":"success","users":["ana"]"#);
        peer.take_logout();
    })]);
    let (end, shown) = run(&server, Some("ana"), "5\n");
    server.finish();
    assert_eq!(exit(end), 0, "{shown}");
}
