//! The server as a program: how it starts, what it prints, how it ends.

mod common;

use std::io::Read;
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Output, Stdio};

use serde_json::json;

use common::peer::Framing;
use common::server::{papo, wait_for_end};
use common::{PATIENCE, Peer, Server, text};

/// Runs a command line that ends by itself.
#[track_caller]
fn run(args: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = papo()
        .args(args)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("papo starts");
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let status = wait_for_end(&mut child);
    let read = |stream: Option<&mut dyn Read>| {
        let mut bytes = Vec::new();
        stream.expect("piped").read_to_end(&mut bytes).expect("its words");
        bytes
    };
    Output {
        status,
        stdout: read(out.as_mut().map(|out| out as &mut dyn Read)),
        stderr: read(err.as_mut().map(|err| err as &mut dyn Read)),
    }
}

#[test]
fn it_prints_what_the_first_server_printed() {
    let server = Server::start();
    let mut ana = server.join("Ana");
    let stdout = server.stdout();
    for line in [
        "=== SERVIDOR DE CHAT DISTRIBUÍDO ===",
        "Trabalho de Sistemas Distribuídos",
        "Pressione Ctrl+C para parar o servidor",
        &format!("[SERVIDOR] Iniciado em localhost:{}", server.port()),
        "[SERVIDOR] Aguardando conexões...",
        "[SERVIDOR] Nova conexão de ",
        "[SERVIDOR] Usuário Ana conectado",
    ] {
        stdout.wait_for(line);
    }
    ana.nothing_more();
    ana.leave();
    stdout.wait_for("Ana desconectado");
}

#[test]
fn a_port_in_use_is_one_sentence_and_exit_code_1() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port();
    for listen in [format!("localhost:{port}"), format!("127.0.0.1:{port}")] {
        let output = run(&["server", "--listen", &listen]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(said.contains(&port.to_string()), "{said:?}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said:?}");
        // Nobody is told that it started.
        let printed = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(!printed.contains("Iniciado"), "{printed:?}");
    }
}

#[test]
fn localhost_is_reached_by_ipv4_and_ipv6() {
    let server = Server::start();
    let mut four = server.join("quatro");
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        // This machine has no IPv6.
        return;
    }
    let address = SocketAddr::from((Ipv6Addr::LOCALHOST, server.port()));
    let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("a listener on [::1]");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut six = Peer::new(stream, Framing::Line);
    six.login("seis", &json!({}));
    six.tell("quatro", "oi");
    four.hears("seis", "oi");
}

#[cfg(unix)]
mod signals {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    /// It waits for clients, so without any it waits for nothing: far below the ten seconds that
    /// clients are given.
    #[test]
    fn a_server_without_clients_stops_at_once() {
        for _ in 0..3 {
            let mut server = Server::start();
            let asked = std::time::Instant::now();
            server.signal("TERM");
            assert_eq!(server.wait().code(), Some(0));
            assert!(asked.elapsed() < std::time::Duration::from_secs(4));
        }
    }

    #[test]
    fn a_server_that_is_told_to_stop_tells_its_clients_and_succeeds() {
        for signal in ["TERM", "INT"] {
            let mut server = Server::start();
            let mut peers: Vec<Peer> = Framing::ALL
                .iter()
                .map(|framing| server.join_as(&format!("u{framing:?}"), *framing))
                .collect();
            // Neither who has said nothing nor who is half-way through a frame holds it up.
            let _silent = server.dial();
            let mut half = server.connect(Framing::Line);
            half.send_bytes(b"{\"type\":\"lo");
            server.signal(signal);
            for peer in &mut peers {
                let told = peer.error("shutting_down");
                assert!(!text(&told, "message").is_empty());
                peer.end();
            }
            let status = server.wait();
            assert_eq!(status.code(), Some(0), "{signal}: {status}");
            let printed = server.stdout().whole();
            assert!(
                printed.iter().any(|line| line == "[SERVIDOR] Encerrando servidor..."),
                "{printed:#?}"
            );
        }
    }

    #[test]
    fn a_client_that_does_not_read_does_not_hold_up_the_end() {
        let mut server = Server::start();
        let mut ana = server.join("ana");
        let _bia = server.join("bia");
        let content = "x".repeat(60_000);
        for n in 0..100 {
            let request = json!({ "type": "private_message", "recipient": "bia", "content": content, "id": n });
            ana.ask(&request);
        }
        server.signal("TERM");
        ana.error("shutting_down");
        let status = server.wait();
        assert_eq!(status.code(), Some(0), "{status}");
    }

    /// A terminal on hold (Ctrl+S), or a pager that nobody scrolls: what is printed has nowhere to
    /// go, and the chat goes on.
    #[test]
    fn nobody_reads_its_stdout_and_it_serves_all_the_same() {
        let (mut server, pipe) = Server::start_unread();
        let mut ana = server.join("ana");
        // Some 400 KB of lines, where a pipe takes 64.
        for n in 0..3_000 {
            let mut peer = server.connect(Framing::Line);
            peer.login(&format!("pessoa {n}"), &json!({}));
            if n % 100 == 0 {
                peer.tell("ana", "oi");
                ana.hears(&format!("pessoa {n}"), "oi");
            }
        }
        server.still_serves();
        server.signal("TERM");
        ana.error("shutting_down");
        let status = server.wait();
        assert_eq!(status.code(), Some(0), "{status}");
        drop(pipe);
    }

    /// `papo server | head -3`
    #[test]
    fn a_closed_stdout_is_not_its_end() {
        let (mut server, pipe) = Server::start_unread();
        drop(pipe);
        for n in 0..20 {
            server.join(&format!("pessoa {n}")).leave();
        }
        server.still_serves();
        server.signal("TERM");
        let status = server.wait();
        assert_eq!((status.code(), status.signal()), (Some(0), None), "{status}");
    }
}

#[test]
fn nobody_forges_a_line_of_the_log() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let forged = "[SERVIDOR] Usuário root conectado";
    let mut stranger = server.connect(Framing::Line);
    for name in [
        format!("x\n{forged}"),
        format!("x\r{forged}"),
        format!("x\u{85}{forged}"),
        format!("x\u{2028}{forged}"),
        format!("\u{1b}[2K\r{forged}"),
        forged.to_owned(),
    ] {
        let login = json!({ "type": "login", "username": name });
        stranger.refused(&login, "invalid_name");
        let kind = json!({ "type": name });
        ana.refused(&kind, "unknown_type");
        let group = json!({ "type": "create_group", "group_name": name });
        ana.refused(&group, "invalid_name");
        let file = json!({
            "type": "send_file", "recipient": "ana", "filename": name, "file_data": "",
            "file_type": "private",
        });
        ana.ask(&file);
        ana.take_aside();
        stranger.send_bytes(&Framing::Line.frame_bytes(format!("{{{name}}}").as_bytes()));
        // One error for each line that it made of this.
        stranger.ask(&json!({ "type": "ping" }));
        stranger.take_aside();
        stranger = server.connect(Framing::Line);
    }
    // HTTP heads are foreign text, too.
    let mut browser = server.dial();
    let head = format!("GET /{forged} HTTP/1.1\r\nHost: x\r\nUser-Agent: \n{forged}\r\n\r\n");
    std::io::Write::write_all(&mut browser, head.as_bytes()).expect("the server reads");
    let mut answer = Vec::new();
    // A reset is an end as good as any.
    let _ = browser.read_to_end(&mut answer);

    server.join("zé").leave();
    server.stdout().wait_for("zé desconectado");
    let printed = server.stdout().lines();
    for line in printed.iter().chain(&server.stderr().lines()) {
        assert!(!line.trim_start().starts_with(forged), "{line:?}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

#[test]
fn a_command_line_that_cannot_be_used_is_exit_code_2() {
    for args in [
        &["dance"][..],
        &["server", "--bogus"],
        &["server", "extra"],
        &["server", "--listen"],
        &["server", "--listen", "localhost"],
        &["server", "--listen", "localhost:port"],
        &["server", "--listen", "localhost:70000"],
        &["server", "--listen", ""],
        &["server", "--lang", "xx"],
        &["server", "--log", "loudly"],
        &["--bogus"],
        &["help", "dance"],
        &["--lang", "fr", "server"],
        &["--server", "localhost"],
        &["--server", "localhost:99999", "--user", "ana"],
        &["send", "--server", ":1", "--user", "ana", "bia", "oi"],
        &["listen", "--server", "http://localhost:12345", "--user", "ana"],
        &["load", "--server", "localhost"],
        &["load", "--server", "localhost:0"],
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?} {output:?}");
        assert!(output.stdout.is_empty(), "{args:?} {output:?}");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(said.contains("--help"), "{args:?} {said:?}");
    }
}

#[test]
fn wrong_usage_is_told_with_the_help_of_the_command_that_was_meant() {
    for (args, told) in [
        (
            &["foo"][..],
            "papo: comando desconhecido: foo. Os comandos são client, send, listen, server, demo, \
             load, admin, help. Veja: papo --help\n",
        ),
        (&["server", "--bogus"], "papo: opção desconhecida: --bogus. Veja: papo server --help\n"),
        (
            &["--lang", "en", "server", "--listen"],
            "papo: --listen: its value is missing. See: papo server --help\n",
        ),
        (
            &["load", "--clients", "many", "--lang", "en"],
            "papo: --clients many: this value cannot be used. See: papo load --help\n",
        ),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?} {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), told, "{args:?}");
    }
}

#[test]
fn the_version_is_one_line() {
    for flag in ["--version", "-V"] {
        let output = run(&[flag]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(output.stdout, concat!("papo ", env!("CARGO_PKG_VERSION"), "\n").as_bytes());
    }
}

#[test]
fn help_is_a_command_too() {
    for (args, same) in [
        (&["help"][..], &["--help"][..]),
        (&["help", "server"], &["server", "--help"]),
        (&["--lang", "en", "help", "load"], &["load", "--lang", "en", "--help"]),
    ] {
        let (output, same) = (run(args), run(same));
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(output.stdout, same.stdout, "{args:?}");
        assert!(!output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn a_place_that_cannot_be_listened_on_is_exit_code_1() {
    // An address of no interface here (TEST-NET-1), and a data folder that cannot be one.
    for args in [
        &["server", "--listen", "192.0.2.1:0"][..],
        &["server", "--listen", "localhost:0", "--data", "/dev/null/x"],
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(1), "{args:?} {output:?}");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(!said.contains("panicked"), "{said}");
        assert!(!said.trim().is_empty(), "{args:?}");
    }
}

#[test]
fn help_is_everywhere() {
    for subcommand in ["", "server", "client", "send", "listen", "demo", "load", "admin"] {
        for (flag, lang, word) in [("--help", "pt", "Uso"), ("-h", "en", "Usage")] {
            let args: Vec<&str> = [subcommand, flag, "--lang", lang]
                .into_iter()
                .filter(|arg| !arg.is_empty())
                .collect();
            let output = run(&args);
            assert_eq!(output.status.code(), Some(0), "{args:?} {output:?}");
            let said = String::from_utf8(output.stdout).expect("UTF-8");
            assert!(said.contains("papo"), "{args:?} {said:?}");
            assert!(said.contains(word), "{args:?} {said:?}");
            assert!(output.stderr.is_empty(), "{args:?}");
        }
    }
}
