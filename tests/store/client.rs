//! The client that people start, against the server: what it keeps lets its user come back.

use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use crate::common::Server;
use crate::common::server::papo;

/// Runs papo on a computer whose user keeps things in this folder, until it ends by itself.
#[track_caller]
fn run(server: &Server, home: &Path, args: &[&str], input: &str) -> Output {
    let address = format!("localhost:{}", server.port());
    let mut child = papo()
        .args(args)
        .args(["--server", &address])
        .env("PAPO_HOME", home.join("keys"))
        .env_remove("PAPO_PASSWORD")
        .current_dir(home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("papo starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

/// The same, which must end well. Gives what it showed.
#[track_caller]
fn runs(server: &Server, home: &Path, args: &[&str], input: &str) -> String {
    let output = run(server, home, args, input);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{shown}{stderr}");
    shown
}

#[test]
fn who_leaves_comes_back_without_being_asked() {
    let server = Server::start();
    let home = tempfile::tempdir().expect("a folder");
    let home = home.path();
    assert!(runs(&server, home, &["--user", "ana"], "8\n").contains("agora é seu"));
    server.join("bia").tell("ana", "até já");
    let missed = "📬 1 mensagem enquanto você esteve fora: bia 1\n";
    let shown = runs(&server, home, &["--user", "ana"], "5\n");
    assert!(shown.contains(missed) && !shown.contains("Senha:"), "{shown}");
    // Neither do the commands for scripts give the name away.
    runs(&server, home, &["send", "--user", "ana", "bia", "oi"], "");
    runs(&server, home, &["send", "--user", "ana", "bia", "oi de novo"], "");
    server.join("caio").tell("ana", "e agora?");
    let listen = ["listen", "--user", "ana", "--count", "1"];
    assert!(runs(&server, home, &listen, "").ends_with(": e agora?\n"));
    let shown = runs(&server, home, &["--user", "ana"], "5\n");
    assert!(!shown.contains("Senha:") && !shown.contains("enquanto"), "{shown}");
    // On another computer that is somebody else.
    let other = tempfile::tempdir().expect("a folder");
    assert_eq!(run(&server, other.path(), &["--user", "ana"], "8\n").status.code(), Some(4));
}

#[test]
fn a_name_without_owner_is_free_again_when_a_script_has_ended() {
    let server = Server::start();
    let home = tempfile::tempdir().expect("a folder");
    drop(server.join("bia"));
    for number in 0..20 {
        let text = format!("n{number}");
        runs(&server, home.path(), &["send", "--user", "robo", "bia", &text], "");
    }
}
