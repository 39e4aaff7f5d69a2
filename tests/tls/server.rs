//! The server's side.

use std::io::{ErrorKind, Read, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::secure::Secure;
use crate::common::server::papo;
use crate::common::{Framing, Server};

fn secure_server(more: &[&str]) -> Server {
    Server::start_with(papo(), &[&["--tls", "auto"], more].concat())
}

/// The fingerprint that it printed.
#[track_caller]
pub(crate) fn fingerprint(server: &Server) -> String {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        for line in server.stdout().lines() {
            if let Some((_, print)) = line.split_once("SHA-256 do certificado: ") {
                return print.to_owned();
            }
        }
        assert!(Instant::now() < deadline, "no fingerprint in {:?}", server.stdout().lines());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_client_of_another_make_speaks_all_framings_inside_of_tls() {
    let server = secure_server(&[]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/tls_client.py");
    let port = server.port().to_string();
    let print = fingerprint(&server).replace(':', "").to_lowercase();
    for (args, version, said) in [
        (&["line"][..], "TLSv1.3", "\"status\":\"success\""),
        (&["length", "1.2"], "TLSv1.2", "\"status\":\"success\""),
        (&["http"], "TLSv1.3", "HTTP/1.1"),
    ] {
        let output = Command::new("python3").args([script, &port]).args(args).output();
        let output = output.expect("this test needs python3 (scripts/test installs it)");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), 3, "{shown}{stderr}");
        assert_eq!((lines[0], lines[1]), (print.as_str(), version));
        assert!(lines[2].contains(said), "{shown}");
    }
}

#[test]
fn old_clients_and_tls_talk_to_each_other_on_one_port() {
    let server = secure_server(&[]);
    let mut ana = Secure::join(&server, "ana");
    for (number, framing) in Framing::ALL.into_iter().enumerate() {
        let name = format!("bia {number}");
        let mut bia = server.join_as(&name, framing);
        bia.tell("ana", "de fora");
        assert_eq!(ana.next()["content"], "de fora");
        ana.send(&json!({ "type": "private_message", "recipient": name, "content": "de dentro" }));
        assert_eq!(ana.next()["status"], "success");
        bia.hears("ana", "de dentro");
    }
    // TLS inside of TLS is nothing that anybody speaks.
    let mut twice = Secure::connect(&server);
    twice.send_bytes(b"\x16\x03\x01\x00\x05hello");
    let mut byte = [0];
    assert!(!matches!(twice.read_plain(&mut byte), Ok(1..)));
}

#[test]
fn the_certificate_survives_a_restart() {
    let mut server = secure_server(&[]);
    let before = fingerprint(&server);
    server.restart();
    assert_eq!(fingerprint(&server), before);
    Secure::join(&server, "ana");
}

#[test]
fn large_output_is_exact_also_for_who_reads_late() {
    let server = secure_server(&["--durability", "memory"]);
    let mut ana = Secure::join(&server, "ana");
    let mut bia = server.join("bia");
    let texts: Vec<String> =
        (0..300_usize).map(|number| format!("{number}:{}", "x".repeat(number * 200))).collect();
    let data = "QUJD".repeat(5 * 1024 * 1024 / 3);
    bia.ok(&json!({ "type": "send_file", "recipient": "ana", "filename": "a", "file_data": data }));
    for text in &texts {
        bia.tell("ana", text);
    }
    let file = ana.next();
    let came = file["file_data"].as_str().unwrap_or_default();
    assert!(came == data, "{} bytes of {}", came.len(), data.len());
    for text in &texts {
        assert_eq!(ana.next()["content"], text.as_str());
    }
    assert!(ana.rest().is_empty());
}

#[test]
fn a_handshake_has_ten_seconds() {
    let server = secure_server(&[]);
    let mut stream = server.dial();
    stream.set_read_timeout(Some(Duration::from_secs(1))).expect("a timeout on a socket");
    let begun = Instant::now();
    // A hello of which a byte comes now and then.
    let hello = b"\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03hello hello hello hello hello";
    for byte in hello {
        let sent = stream.write_all(&[*byte]);
        let ended = match stream.read(&mut [0; 64]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        };
        if ended || sent.is_err() {
            let passed = begun.elapsed().as_secs();
            assert!((9..14).contains(&passed), "closed after {passed} s");
            return server.still_serves();
        }
    }
    panic!("the server should have closed");
}

#[test]
fn a_command_line_that_cannot_be_used_is_refused() {
    for args in [
        &["--tls", "yes"][..],
        &["--tls-cert", "a"],
        &["--tls-key", "a"],
        &["--tls", "auto", "--tls-cert", "a", "--tls-key", "b"],
    ] {
        let output = papo().arg("server").args(args).output().expect("papo starts");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
    let output = papo()
        .args(["server", "--listen", "localhost:0", "--tls-cert", "/no", "--tls-key", "/no"])
        .current_dir(tempfile::tempdir().expect("a folder").path())
        .output()
        .expect("papo starts");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/no"));
}
