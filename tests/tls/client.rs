//! The client that people start.

use std::path::Path;
use std::process::{Output, Stdio};

use super::server::fingerprint;
use crate::common::Server;
use crate::common::secure::Secure;
use crate::common::server::{papo, wait_for_end};

#[track_caller]
fn send(home: &Path, port: u16, more: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = papo()
        .args(["send", "--lang", "en", "--server", &format!("localhost:{port}"), "--user", "robo"])
        .args(more)
        .args(["bia", "oi"])
        .env("PAPO_HOME", home)
        .output()
        .expect("papo starts");
    (status.code(), String::from_utf8_lossy(&stderr).into_owned())
}

#[test]
fn a_server_is_known_by_what_it_showed_first() {
    let mut server = Server::start_with(papo(), &["--tls", "auto"]);
    let mut bia = Secure::join(&server, "bia");
    let home = tempfile::tempdir().expect("a folder");
    let (home, print) = (home.path(), fingerprint(&server));
    let (code, told) = send(home, server.port(), &["--tls"]);
    assert!(code == Some(0) && told.contains(&print), "{code:?} {told}");
    assert_eq!(bia.next()["content"], "oi");
    // Known now: not a word about it.
    assert_eq!(send(home, server.port(), &["--tls"]), (Some(0), String::new()));
    assert_eq!(bia.next()["content"], "oi");

    // The same address, and another certificate. Who listens is told, and comes back no more.
    let mut listens = papo()
        .args(["listen", "--lang", "en", "--server", &format!("localhost:{}", server.port())])
        .args(["--user", "caio", "--tls", "--seconds", "30"])
        .env("PAPO_HOME", home)
        .stderr(Stdio::piped())
        .spawn()
        .expect("papo starts");
    bia.waits_for(&serde_json::json!({ "type": "list_users" }), "caio");
    server.stop();
    std::fs::remove_file(server.data().join("tls-cert.pem")).expect("it was there");
    server.again_on(server.port());
    let other = fingerprint(&server);
    assert_ne!(other, print);
    drop(Secure::join(&server, "bia"));
    assert_eq!(wait_for_end(&mut listens).code(), Some(3));
    let refused = send(home, server.port(), &["--tls"]);
    assert_eq!(refused.0, Some(3));
    assert!(refused.1.contains(&print) && refused.1.contains(&other), "{}", refused.1);
    assert_eq!(send(home, server.port(), &["--tls", "--fingerprint", &print]), refused);
    // Accepted on purpose, it is known from then on.
    let accepted = send(home, server.port(), &["--tls", "--fingerprint", &other]);
    assert_eq!(accepted, (Some(0), String::new()));
    assert_eq!(send(home, server.port(), &["--tls"]), (Some(0), String::new()));
    // And TLS is not needed on this port.
    assert_eq!(send(home, server.port(), &[]), (Some(0), String::new()));
}

#[test]
fn a_server_without_tls_is_told_of() {
    let server = Server::start();
    let home = tempfile::tempdir().expect("a folder");
    let (code, told) = send(home.path(), server.port(), &["--tls"]);
    assert!(code == Some(3) && told.contains("speaks no TLS"), "{code:?} {told}");
    let (code, _) = send(home.path(), server.port(), &["--fingerprint", &"AB".repeat(32)]);
    assert_eq!(code, Some(2));
}
