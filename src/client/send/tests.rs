//! `papo send` against a server that does what each test says.

use super::*;
use crate::client::fake::{FakeServer, Peer, nobody, play};

mod files;

/// Runs the command; gives its exit code, standard output and message.
fn run(server: &str, args: &[&str], mut stdin: &[u8]) -> (u8, String, String) {
    let mut all = vec!["--server".into(), server.into()];
    all.extend(args.iter().map(Into::into));
    let args = pico_args::Arguments::from_vec(all);
    let invocation = Invocation { args, lang: Lang::Pt, command: crate::cli::Command::Send };
    let mut stdout = Vec::new();
    let end = send_with(invocation, Secrets::default(), &mut stdin, &mut stdout);
    let (exit, told) = match end {
        Ok(()) => (0, String::new()),
        Err(failure) => (failure.exit as u8, failure.message),
    };
    (exit, String::from_utf8(stdout).unwrap(), told)
}

fn taking(kind: &'static str, check: fn(&serde_json::Value)) -> FakeServer {
    FakeServer::start(vec![play(move |peer: &mut Peer| {
        peer.take_login();
        check(&peer.take(kind, "message_response", 77));
        peer.take_logout();
    })])
}

#[test]
fn a_message_is_sent_and_its_number_printed() {
    let server = taking("private_message", |request| {
        assert_eq!(
            (&request["recipient"], &request["content"]),
            (&"bia".into(), &"oi, bia".into())
        );
    });
    let ran = run(&server.address, &["--user", "ana", "bia", "oi, bia"], b"");
    server.finish();
    assert_eq!(ran, (0, "77\n".into(), String::new()));
}

#[test]
fn a_dash_stands_for_standard_input() {
    let server = taking("group_message", |request| {
        assert_eq!(request["group_name"], "Trabalho");
        assert_eq!(request["content"], "um\ndois");
    });
    let ran = run(&server.address, &["--user", "ana", "--group", "Trabalho", "-"], b"um\ndois\n");
    server.finish();
    assert_eq!((ran.0, ran.1), (0, "77\n".into()));
}

#[test]
fn the_answer_is_printed_whole_as_json() {
    let server = taking("private_message", |_| {});
    let ran = run(&server.address, &["--user", "ana", "--json", "bia", "-5 graus"], b"");
    server.finish();
    assert_eq!(ran.0, 0);
    let answer: serde_json::Value = serde_json::from_str(&ran.1).unwrap();
    assert_eq!(answer["msg_id"], 77);
    assert_eq!(ran.1.lines().count(), 1);
}

#[test]
fn a_refusal_is_1_and_tells_why() {
    let server = FakeServer::start(vec![play(|peer: &mut Peer| {
        peer.take_login();
        let request = peer.expect("private_message");
        let rest = r#""status":"error","code":"unknown_user","message":"Usuário destinatário não encontrado""#;
        peer.answer(&request, "message_response", rest);
        peer.take_logout();
    })]);
    let ran = run(&server.address, &["--user", "ana", "cae", "oi"], b"");
    server.finish();
    let told = "Usuário destinatário não encontrado. Confira o nome: só recebe mensagens quem já entrou neste servidor.";
    assert_eq!(ran, (1, String::new(), told.into()));
}

#[test]
fn no_server_is_3_and_a_refused_login_is_4() {
    let ran = run(&nobody(), &["--user", "ana", "bia", "oi"], b"");
    assert_eq!(ran.0, 3);
    assert!(ran.2.starts_with("Conexão recusada em"), "{}", ran.2);
    assert!(ran.2.contains("papo server"), "{}", ran.2);
    let server = FakeServer::start(vec![play(|peer: &mut Peer| {
        peer.refuse_login("name_in_use", "Nome de usuário já em uso");
    })]);
    let ran = run(&server.address, &["--user", "ana", "bia", "oi"], b"");
    let told = "Nome de usuário já em uso. Escolha outro nome com --user.";
    assert_eq!(ran, (4, String::new(), told.into()));
    let server = FakeServer::start(vec![play(|peer: &mut Peer| {
        peer.expect("login");
        peer.send("HTTP/1.1 400 Bad Request");
    })]);
    let ran = run(&server.address, &["--user", "ana", "bia", "oi"], b"");
    assert_eq!(ran.0, 3);
    assert!(ran.2.contains("não é um servidor papo"), "{}", ran.2);
}

#[test]
fn what_cannot_be_meant_is_2_before_anything_is_sent() {
    for args in [
        &["bia", "oi"][..],
        &["--user", "ana"],
        &["--user", "ana", "bia"],
        &["--user", "ana", "bia", "oi", "tudo"],
        &["--user", "ana", "--gruop", "T", "oi"],
        &["--user", "ana", "--group"],
        &["--user", "ana", "--group", "T"],
        &["--user", "ana", "--server"],
        &["--user", "ana", "--file", "x", "bia", "oi"],
    ] {
        assert_eq!(run("127.0.0.1:1", args, b"").0, 2, "{args:?}");
    }
    let long = vec![b'x'; CONTENT_BYTES_MAX + 1];
    for stdin in [&b""[..], b"\n", b"\xff", &long] {
        let ran = run("127.0.0.1:1", &["--user", "ana", "bia", "-"], stdin);
        assert_eq!(ran.0, 1, "{}", ran.2);
    }
    let ran = run("127.0.0.1:1", &["--user", "ana", "--file", "/nada", "bia"], b"");
    assert!(ran.2.starts_with("Arquivo não encontrado"), "{}", ran.2);
}

/// Runs the command with what the computer keeps.
fn run_with(server: &str, secrets: Secrets) -> (u8, String) {
    let args = ["--server", server, "--user", "ana", "bia", "oi"].map(Into::into).to_vec();
    let args = pico_args::Arguments::from_vec(args);
    let invocation = Invocation { args, lang: Lang::Pt, command: crate::cli::Command::Send };
    let end = send_with(invocation, secrets, &mut &b""[..], &mut Vec::new());
    end.map_or_else(|failure| (failure.exit as u8, failure.message), |()| (0, String::new()))
}

#[test]
fn a_kept_token_is_used_and_the_name_not_claimed() {
    let folder = tempfile::tempdir().unwrap();
    let server = FakeServer::start(vec![play(|peer: &mut Peer| {
        let login = peer.take_login();
        assert_eq!(login["token"], "tok");
        assert_eq!(login.get("want_token"), None);
        // What waits for ana is not for this command.
        peer.send(
            r#"{"type":"private_message_received","msg_id":5,"sender":"bob","recipient":"ana","content":"oi","timestamp":"14:30:25","backlog":true}"#,
        );
        peer.send(r#"{"type":"synced","cursor":5}"#);
        peer.take("private_message", "message_response", 77);
        peer.take_goodbye();
        assert_eq!(peer.notes, [""; 0]);
    })]);
    let secrets = Secrets { folder: Some(folder.path().into()), password: None };
    let vault = crate::client::vault::Vault::new(secrets.folder.clone(), &server.address);
    vault.remember("ana", "tok").unwrap();
    assert_eq!(run_with(&server.address, secrets), (0, String::new()));
    server.finish();
}

#[test]
fn a_password_is_taken_from_the_environment_when_one_is_needed() {
    let server = FakeServer::start(vec![play(|peer: &mut Peer| {
        let bare = peer.refuse_login("auth_required", "Este nome precisa de senha");
        assert_eq!(bare.get("password"), None);
        assert_eq!(peer.take_login()["password"], "segredo");
        peer.take("private_message", "message_response", 77);
        peer.take_logout();
    })]);
    let secrets = Secrets { folder: None, password: Some("segredo".to_owned()) };
    assert_eq!(run_with(&server.address, secrets), (0, String::new()));
    server.finish();
}

#[test]
fn a_name_that_is_taken_is_4_with_advice() {
    let server = FakeServer::start(vec![play(|peer: &mut Peer| {
        peer.refuse_login("auth_required", "Este nome precisa de senha.");
        assert_eq!(peer.next(), None);
    })]);
    let (exit, told) = run_with(&server.address, Secrets::default());
    server.finish();
    assert_eq!(exit, 4);
    assert!(told.starts_with("Este nome precisa de senha. "), "{told}");
    assert!(told.contains("papo --user") && told.contains("PAPO_PASSWORD"), "{told}");
    let server = FakeServer::start(vec![play(|peer: &mut Peer| {
        peer.refuse_login("auth_required", "Não");
        peer.refuse_login("wrong_password", "Senha errada");
        assert_eq!(peer.next(), None);
    })]);
    let secrets = Secrets { folder: None, password: Some("x".to_owned()) };
    let (exit, told) = run_with(&server.address, secrets);
    server.finish();
    assert_eq!((exit, told.starts_with("Senha errada. Confira")), (4, true), "{told}");
}
