//! The whole client but its terminal, against a server that does what each test says.

use std::io::{self, Write};
use std::net::TcpStream;

use super::*;
use crate::client::connection::unique_label;
use crate::client::fake::{FakeServer, Peer, play};
use crate::client::link;

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

mod files;
mod secrets;

/// Runs a client whose keyboard is this script; gives its end and its screen.
fn run(server: &FakeServer, user: Option<&str>, script: &str) -> (Result<(), Failure>, String) {
    run_at(&tempfile::tempdir().unwrap(), server, user, script)
}

/// The same on a computer that keeps things.
fn run_at(
    folder: &tempfile::TempDir,
    server: &FakeServer,
    user: Option<&str>,
    script: &str,
) -> (Result<(), Failure>, String) {
    let memory = Memory::default();
    let screen = Screen::to(Box::new(memory.clone()), false).unwrap();
    let downloads = Downloads::new(folder.path().join("d"));
    let vault = Vault::new(Some(folder.path().join("papo")), &server.address);
    let app = App::new(Lang::Pt, false, unique_label(), user.map(str::to_owned), None);
    let session = Session::new(Lang::Pt, false, app, screen.clone(), downloads, vault);
    let stream = Stream::plain(TcpStream::connect(&server.address).unwrap());
    link::start(Arc::clone(&session), (server.address.clone(), None), stream).unwrap();
    let lines = script.lines().map(str::to_owned).collect();
    let end = session.run(&mut Keyboard::Script(lines, screen), user.is_some());
    let shown = String::from_utf8(memory.0.lock().unwrap().clone()).unwrap();
    let shown = shown.replace(&folder.path().join("d").display().to_string(), "client_downloads");
    (end, shown.replace(std::path::MAIN_SEPARATOR, "/"))
}

fn exit(end: Result<(), Failure>) -> u8 {
    end.map_or_else(|failure| failure.exit as u8, |()| 0)
}

/// Everything but the menu.
fn without_menu(shown: &str) -> String {
    let rule = format!("{}\n", text::RULE);
    let mut parts = shown.split(&rule);
    let before = parts.next().unwrap_or("").to_owned();
    before + parts.last().unwrap_or("")
}

/// Everything but the menu, and the answers, which come when they come.
fn without_answers(shown: &str) -> String {
    without_menu(shown).replace("✅ Feito\n", "")
}

#[test]
fn a_script_drives_the_menu() {
    let server = FakeServer::start(vec![play(|peer: &mut Peer| {
        let login = peer.take_login();
        assert_eq!(
            login["features"],
            serde_json::json!(["presence", "heartbeat", "groups", "receipts", "chunks"])
        );
        let message = peer.take("private_message", "message_response", 7);
        assert_eq!(message["recipient"], "bia");
        assert_eq!(message["content"], "oi");
        peer.take_logout();
    })]);
    let (end, shown) = run(&server, Some("ana"), "1\nbia\noi\n8\n");
    server.finish();
    assert_eq!(exit(end), 0);
    assert_eq!(
        without_answers(&shown),
        "✅ Bem-vindo!\n\
         Escolha uma opção:\n\
         Digite o nome do destinatário:\n\
         Digite sua mensagem:\n\
         Escolha uma opção:\n\
         👋 Encerrando cliente...\n\
         ✅ Cliente encerrado.\n"
    );
    assert_eq!(shown.matches("✅ Feito\n").count(), 1, "{shown}");
}

#[test]
fn at_the_end_of_the_input_answers_are_waited_for() {
    let server = FakeServer::start(vec![play(|peer: &mut Peer| {
        peer.take_login();
        let message = peer.expect("private_message");
        std::thread::sleep(Duration::from_millis(300));
        peer.answer(&message, "message_response", r#""status":"success","message":"Feito""#);
        peer.take_logout();
    })]);
    let (end, shown) = run(&server, Some("ana"), "1\nbia\noi");
    server.finish();
    assert_eq!(exit(end), 0);
    assert_eq!(shown.matches("✅ Feito\n").count(), 1, "{shown}");
    assert!(shown.ends_with("✅ Cliente encerrado.\n"), "{shown}");
}

#[test]
fn the_name_is_asked_for_again_when_it_is_taken() {
    let server = FakeServer::start(vec![play(|peer: &mut Peer| {
        peer.refuse_login("name_in_use", "Nome de usuário já em uso");
        assert_eq!(peer.take_login()["username"], "bia");
        peer.take_logout();
    })]);
    let (end, shown) = run(&server, None, "ana\nbia\n8\n");
    server.finish();
    assert_eq!(exit(end), 0);
    assert_eq!(
        without_menu(&shown),
        "Digite seu nome de usuário:\n\
         ❌ Nome de usuário já em uso. Escolha outro nome de usuário.\n\
         Digite seu nome de usuário:\n\
         ✅ Bem-vindo!\n\
         Escolha uma opção:\n\
         👋 Encerrando cliente...\n\
         ✅ Cliente encerrado.\n"
    );
}

#[test]
fn a_script_whose_name_is_refused_ends_with_4() {
    let server = FakeServer::start(vec![play(|peer: &mut Peer| {
        peer.refuse_login("name_in_use", "Nome de usuário já em uso");
        assert_eq!(peer.next(), None);
    })]);
    let (end, _) = run(&server, Some("ana"), "1\nbia\noi\n8\n");
    assert_eq!(end.as_ref().unwrap_err().message, "Nome de usuário já em uso");
    assert_eq!(exit(end), 4);
}

#[test]
fn an_unanswered_message_is_sent_again_with_the_same_id_after_a_reconnect() {
    let (first, second) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
    let (first_seen, second_seen) = (Arc::clone(&first), Arc::clone(&second));
    let server = FakeServer::start(vec![
        play(move |peer: &mut Peer| {
            peer.take_login();
            peer.send(
                r#"{"type":"private_message_received","msg_id":41,"sender":"bob","recipient":"ana","content":"oi","timestamp":"14:30:25"}"#,
            );
            *first_seen.lock().unwrap() = Some(peer.expect("private_message"));
        }),
        play(|peer: &mut Peer| {
            peer.refuse_login("name_in_use", "Nome de usuário já em uso");
        }),
        play(move |peer: &mut Peer| {
            assert_eq!(peer.take_login()["since"], 41);
            let again = peer.take("private_message", "message_response", 42);
            *second_seen.lock().unwrap() = Some(again);
            peer.take_logout();
        }),
    ]);
    let (end, shown) = run(&server, Some("ana"), "1\nbia\noi\n8\n");
    server.finish();
    assert_eq!(exit(end), 0, "{shown}");
    let (first, second) = (first.lock().unwrap(), second.lock().unwrap());
    assert!(first.is_some());
    assert_eq!(*first, *second);
    assert_eq!(shown.matches("Conexão perdida").count(), 1, "{shown}");
    let back = "✅ Conexão restabelecida como ana. Enviando 1 que esperava.\n";
    assert_eq!(shown.matches(back).count(), 1, "{shown}");
    assert_eq!(shown.matches("✅ Feito (bia: oi)\n").count(), 1, "{shown}");
}

#[test]
fn a_server_that_stops_says_when_to_come_back() {
    let stopped = Arc::new(Mutex::new(None));
    let since = Arc::clone(&stopped);
    let server = FakeServer::start(vec![
        play(move |peer: &mut Peer| {
            peer.take_login();
            peer.expect("private_message");
            peer.send(r#"{"type":"error","status":"error","code":"shutting_down","message":"Até já","retry_ms":2000}"#);
            *stopped.lock().unwrap() = Some(Instant::now());
        }),
        play(move |peer: &mut Peer| {
            // Without a word it would come back after 625 ms at the latest.
            let waited = since.lock().unwrap().unwrap().elapsed();
            assert!(waited >= Duration::from_millis(1_900), "{waited:?}");
            peer.take_login();
            peer.take("private_message", "message_response", 42);
            peer.take_logout();
        }),
    ]);
    let (end, shown) = run(&server, Some("ana"), "1\nbia\noi\n8\n");
    server.finish();
    assert_eq!(exit(end), 0, "{shown}");
    assert_eq!(shown.matches("Conexão perdida (Até já)").count(), 1, "{shown}");
}

#[test]
fn a_recipient_may_come_back_to_a_restarted_server_after_the_sender() {
    let server = FakeServer::start(vec![
        play(|peer: &mut Peer| {
            peer.take_login();
            peer.expect("private_message");
        }),
        play(|peer: &mut Peer| {
            peer.take_login();
            let message = peer.expect("private_message");
            let refused = Instant::now();
            let rest = r#""status":"error","code":"unknown_user","message":"Não encontrado""#;
            peer.answer(&message, "message_response", rest);
            let again = peer.take("private_message", "message_response", 42);
            assert!(refused.elapsed() >= Duration::from_millis(900), "{:?}", refused.elapsed());
            assert_eq!(again, message);
            peer.take_logout();
        }),
    ]);
    let (end, shown) = run(&server, Some("ana"), "1\nbia\noi\n8\n");
    server.finish();
    assert_eq!(exit(end), 0, "{shown}");
    assert_eq!(shown.matches("✅ Feito (bia: oi)\n").count(), 1, "{shown}");
    assert!(!shown.contains('❌'), "{shown}");
}

#[test]
fn a_heartbeat_is_answered_at_once_and_files_are_kept() {
    let server = FakeServer::start(vec![play(|peer: &mut Peer| {
        peer.take_login();
        peer.send(r#"{"type":"heartbeat_ping"}"#);
        // A frame in pieces, as networks deliver it.
        let file = r#"{"type":"file_received","msg_id":1,"sender":"bob","filename":"../foto.jpg","timestamp":"14:30:25","file_data":"b2k="}"#;
        peer.send(file);
        let mut seen = Vec::new();
        while let Some(request) = peer.next() {
            let kind = request["type"].as_str().unwrap().to_owned();
            let end = kind == "logout";
            seen.push(kind);
            if end {
                peer.answer(&request, "account_response", r#""status":"success""#);
                break;
            }
            peer.answer(&request, "users_list", r#""status":"success","users":["ana"]"#);
        }
        assert_eq!(seen.iter().filter(|kind| *kind == "heartbeat_ack").count(), 1);
    })]);
    let (end, shown) = run(&server, Some("ana"), "5\n5\n8\n");
    server.finish();
    assert_eq!(exit(end), 0);
    assert!(
        shown.contains(
            "📎 [ARQUIVO PRIVADO] bob (14:30:25) enviou: ../foto.jpg\n   Salvo como: client_downloads/bob_foto.jpg\n"
        ),
        "{shown}"
    );
    assert!(shown.contains("📋 Usuários online (1):\n  • ana (você)\n"), "{shown}");
}
