//! Peers that speak something else.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::common::{Framing, Server};

/// What speaks first on other people's ports, and what scanners try.
const STRANGERS: [&[u8]; 30] = [
    b"\x01",
    b"\x02\x00\x00\x00",
    b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00",
    b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00",
    b"\x05\x01\x00",
    b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00",
    b"\x15\x03\x01\x00\x02\x01\x00",
    b"\x17\x03\x03\x00\x01\x00",
    b"\x1b[2J",
    b"\x7f",
    b"\x80\x2e\x01\x00\x02",
    b"\xff",
    b"\xff\xfb\x01\xff\xfd\x03",
    b"\xfe\xff\x00{",
    b"\xef\xbb\xbf{\"type\":\"ping\"}\n",
    b"[{\"type\":\"ping\"}]\n",
    b"\"ping\"\n",
    b"}\n",
    b"1\n",
    b"-1\n",
    b"null\n",
    b"oi\n",
    b"*1\r\n$4\r\nPING\r\n",
    b"NICK ana\r\nUSER ana 0 * :ana\r\n",
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"EHLO example.org\r\n",
    b"USER ana\r\n",
    b"LIST\r\n",
    b"<stream:stream to='x'>",
    b"'{}'",
];

/// Everything that comes until the server closes. A reset is an end, too.
fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return all,
            Ok(count) => all.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                let silent = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                assert!(!silent, "the server did not close after {all:?}");
                return all;
            }
        }
    }
}

#[test]
fn strangers_are_told_what_is_expected_and_sent_away() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join_as("bia", Framing::Length);
    for bytes in STRANGERS {
        let mut stream = server.dial();
        stream.write_all(bytes).expect("the server reads");
        let said = read_to_end(&mut stream);
        let error: Value = serde_json::from_slice(&said).unwrap_or_else(|error| {
            panic!("{error}: {:?} to {bytes:?}", String::from_utf8_lossy(&said))
        });
        assert_eq!(error["type"], "error");
        assert_eq!(error["status"], "error");
        assert_eq!(error["code"], "invalid_frame", "to {bytes:?}");
        // Two others chat on as if nothing had been.
        ana.tell("bia", "tudo bem?");
        bia.hears("ana", "tudo bem?");
    }
    ana.nothing_more();
    bia.nothing_more();
}

#[test]
fn every_first_byte_is_survived() {
    let server = Server::start();
    let mut ana = server.join("ana");
    for byte in 0..=255u8 {
        for rest in [&b""[..], b"\n", b"\0\0\0\0\0\0\0\0", b"{\"type\":\"ping\"}\n"] {
            let mut stream = server.dial();
            stream.write_all(&[byte]).expect("the server reads");
            // The first byte may have been enough to be sent away.
            let _ = stream.write_all(rest);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            if byte % 3 == 0 {
                read_to_end(&mut stream);
            }
        }
        ana.nothing_more();
    }
    server.still_serves();
}

#[test]
fn a_browser_gets_an_answer_that_it_understands() {
    let server = Server::start();
    for (request, status) in [
        ("GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
        ("HEAD /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
        ("GET /healthz HTTP/1.0\r\n\r\n", 200),
        ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\noi!", 405),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\noi!", 413),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("DELETE / HTTP/1.0\r\n\r\n", 405),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", 505),
        ("GIT COMMIT\r\n\r\n", 400),
    ] {
        let mut stream = server.dial();
        stream.write_all(request.as_bytes()).expect("the server reads");
        let said = String::from_utf8(read_to_end(&mut stream)).expect("a plain answer");
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?} -> {said:?}");
        let (head, _) = said.split_once("\r\n\r\n").expect("a whole head");
        assert!(head.to_ascii_lowercase().contains("connection: close"), "{head}");
    }
    server.still_serves();
}

#[test]
fn an_endless_http_head_is_cut_off() {
    let server = Server::start();
    let mut stream = server.dial();
    let head = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(1024 * 1024));
    // The server may close at any point of it.
    let _ = stream.write_all(head.as_bytes());
    read_to_end(&mut stream);
    server.still_serves();
}

#[test]
fn tls_is_sent_away_without_a_word_of_json() {
    let server = Server::start();
    // The beginning of a real ClientHello, and one byte of it.
    for hello in [
        &b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\x00\x01\x02\x03\x04\x05\x06\x07"[..],
        b"\x16",
    ] {
        let mut stream = server.dial();
        stream.write_all(hello).expect("the server reads");
        let said = read_to_end(&mut stream);
        assert!(!said.contains(&b'{'), "{said:?}");
    }
    server.still_serves();
}

#[test]
fn noise_is_survived() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..120 {
        let mut stream = server.dial();
        let length = random() % 3_000;
        let mut noise: Vec<u8> = (0..length).map(|_| random().to_le_bytes()[3]).collect();
        // Two of three get past the first byte; half of these are logged in.
        if round % 3 != 0 {
            let framing = Framing::ALL[usize::try_from(random() % 3).expect("below 3")];
            let login = json!({ "type": "login", "username": format!("r{round}") });
            let first = if round % 2 == 0 {
                framing.frame(&login)
            } else {
                framing.frame_bytes(b"{\"type\":")
            };
            noise.splice(..0, first);
        }
        let _ = stream.write_all(&noise);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        read_to_end(&mut stream);
        ana.nothing_more();
    }
    server.still_serves();
}
