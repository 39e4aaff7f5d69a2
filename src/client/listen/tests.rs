//! `papo listen` against a server that does what each test says.

use super::*;
use crate::client::fake::{FakeServer, Peer, nobody, play};

mod files;

const MESSAGE: &str = r#"{"type":"private_message_received","msg_id":5,"sender":"bob","recipient":"ana","content":"oi","timestamp":"14:30:25"}"#;

fn run_into(server: &str, args: &[&str], stdout: &mut impl Write) -> (u8, String) {
    let mut all = vec!["--server".into(), server.into(), "--user".into(), "ana".into()];
    all.extend(args.iter().map(Into::into));
    let args = pico_args::Arguments::from_vec(all);
    let invocation = Invocation { args, lang: Lang::Pt, command: crate::cli::Command::Listen };
    let mut stderr = Vec::new();
    let end = listen_with(invocation, Secrets::default(), stdout, &mut stderr);
    let exit = end.map_or_else(|failure| failure.exit as u8, |()| 0);
    (exit, String::from_utf8(stderr).unwrap())
}

fn run(server: &str, args: &[&str]) -> (u8, String, String) {
    let mut stdout = Vec::new();
    let (exit, stderr) = run_into(server, args, &mut stdout);
    (exit, String::from_utf8(stdout).unwrap(), stderr)
}

fn sending(frames: &'static [&'static str]) -> FakeServer {
    FakeServer::start(vec![play(move |peer: &mut Peer| {
        peer.take_login();
        for frame in frames {
            peer.send(frame);
        }
        while let Some(request) = peer.next() {
            if request["type"] == "logout" {
                peer.answer(&request, "account_response", r#""status":"success""#);
                return;
            }
        }
    })])
}

#[test]
fn events_are_lines_for_people() {
    let server = sending(&[
        r#"{"type":"heartbeat_ping"}"#,
        r#"{"type":"synced","cursor":1}"#,
        r#"{"type":"presence","user":"bob","status":"online"}"#,
        MESSAGE,
    ]);
    let ran = run(&server.address, &["--count", "1"]);
    server.finish();
    assert_eq!(ran, (0, "🟢 bob entrou\n💬 [PRIVADA] bob (14:30:25): oi\n".into(), String::new()));
}

#[test]
fn events_are_json_for_programs() {
    let server = sending(&[
        r#"{"type":"heartbeat_ping"}"#,
        r#"{"type":"presence","user":"bob","status":"online"}"#,
        MESSAGE,
        MESSAGE,
        MESSAGE,
    ]);
    let ran = run(&server.address, &["--json", "--count", "2"]);
    server.finish();
    let presence = r#"{"type":"presence","user":"bob","status":"online"}"#;
    let synced = r#"{"type":"synced","cursor":0}"#;
    assert_eq!((ran.0, ran.1), (0, format!("{synced}\n{presence}\n{MESSAGE}\n{MESSAGE}\n")));
}

#[test]
fn listening_ends_after_a_time() {
    let server = sending(&[MESSAGE]);
    let ran = run(&server.address, &["--seconds", "1"]);
    server.finish();
    assert_eq!((ran.0, ran.1), (0, "💬 [PRIVADA] bob (14:30:25): oi\n".into()));
}

#[test]
fn a_lost_connection_is_made_again() {
    let server = FakeServer::start(vec![
        play(|peer: &mut Peer| {
            peer.take_login();
            peer.send(MESSAGE);
        }),
        play(|peer: &mut Peer| {
            assert_eq!(peer.take_login()["since"], 5);
            peer.send(&MESSAGE.replace("oi", "de novo"));
            peer.take_logout();
        }),
    ]);
    let ran = run(&server.address, &["--count", "2"]);
    server.finish();
    assert_eq!(ran.0, 0);
    assert_eq!(ran.1, "💬 [PRIVADA] bob (14:30:25): oi\n💬 [PRIVADA] bob (14:30:25): de novo\n");
    assert_eq!(ran.2.lines().count(), 2, "{}", ran.2);
}

#[test]
fn a_server_that_stops_says_when_to_listen_again() {
    let (stopped, since) = mpsc::channel();
    let server = FakeServer::start(vec![
        play(move |peer: &mut Peer| {
            peer.take_login();
            peer.send(r#"{"type":"error","status":"error","code":"shutting_down","message":"Até já","retry_ms":2000}"#);
            stopped.send(Instant::now()).unwrap();
        }),
        play(move |peer: &mut Peer| {
            // Without a word it would come back after 625 ms at the latest.
            let waited = since.recv().unwrap().elapsed();
            assert!(waited >= Duration::from_millis(1_900), "{waited:?}");
            peer.take_login();
            peer.send(MESSAGE);
            peer.take_logout();
        }),
    ]);
    let ran = run(&server.address, &["--count", "1"]);
    server.finish();
    assert_eq!((ran.0, ran.1), (0, "💬 [PRIVADA] bob (14:30:25): oi\n".into()));
}

#[test]
fn a_closed_pipe_ends_quietly() {
    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let server = sending(&[MESSAGE, MESSAGE]);
    assert_eq!(run_into(&server.address, &[], &mut Closed), (0, String::new()));
    server.finish();
}

#[test]
fn no_server_is_3_a_refused_login_is_4_and_nonsense_is_2() {
    assert_eq!(run(&nobody(), &[]).0, 3);
    let server = FakeServer::start(vec![play(|peer: &mut Peer| {
        peer.refuse_login("name_in_use", "Nome de usuário já em uso");
    })]);
    let args = ["--server", &server.address, "--user", "ana"].map(Into::into).to_vec();
    let args = pico_args::Arguments::from_vec(args);
    let command = crate::cli::Command::Listen;
    let invocation = Invocation { args, lang: Lang::Pt, command };
    let failure =
        listen_with(invocation, Secrets::default(), &mut Vec::new(), &mut Vec::new()).unwrap_err();
    assert_eq!(failure.exit, Exit::LoginRefused);
    assert_eq!(failure.message, "Nome de usuário já em uso. Escolha outro nome com --user.");
    assert_eq!(run("127.0.0.1:1", &["--count", "x"]).0, 2);
    assert_eq!(run("127.0.0.1:1", &["--cuont", "1"]).0, 2);
}

#[test]
fn only_what_was_printed_counts_as_arrived() {
    let server = FakeServer::start(vec![play(|peer: &mut Peer| {
        peer.take_login();
        let two = MESSAGE.replace(r#""msg_id":5"#, r#""msg_id":6"#);
        peer.send(r#"{"type":"synced","cursor":4}"#);
        peer.send(MESSAGE);
        peer.send(&two);
        peer.take_logout();
        let numbers: Vec<_> = peer.notes.iter().map(|note| note["msg_id"].as_u64()).collect();
        assert!(peer.notes.iter().all(|note| note["type"] == "received"), "{:?}", peer.notes);
        assert_eq!(numbers.last(), Some(&Some(5)), "{numbers:?}");
    })]);
    let ran = run(&server.address, &["--count", "1"]);
    server.finish();
    assert_eq!(ran, (0, "💬 [PRIVADA] bob (14:30:25): oi\n".into(), String::new()));
}

#[test]
fn changes_are_lines_and_receipts_are_not() {
    let server = sending(&[
        r#"{"type":"receipt","kind":"read","by":"bob","with":"bob","msg_id":900}"#,
        r#"{"type":"message_changed","msg_id":3,"with":"bob","edited":true,"content":"olá"}"#,
        r#"{"type":"private_message_received","msg_id":4,"sender":"ana","recipient":"bob","content":"eu","timestamp":"14:30:24"}"#,
        MESSAGE,
    ]);
    let ran = run(&server.address, &["--count", "1"]);
    server.finish();
    assert_eq!(
        ran.1,
        "✏️ [bob] mensagem corrigida: olá\n💬 [PRIVADA] ana (você) → bob (14:30:24): eu\n💬 [PRIVADA] bob (14:30:25): oi\n"
    );
}
