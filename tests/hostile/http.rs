//! Requests that no browser sends: smuggled, folded, endless, for another host, from another page.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use crate::common::raw::{Http, get, handshake_fields};
use crate::stage::{Stage, attack, read_to_end, reset};

/// The statuses of all responses that come to these bytes until the server closes. Each body is
/// passed over by its length, so that nothing in it can be taken for a response.
#[track_caller]
fn statuses(said: &[u8]) -> Vec<u16> {
    let mut rest = said;
    let mut statuses = Vec::new();
    while !rest.is_empty() {
        let end = rest.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head") + 4;
        let head = std::str::from_utf8(&rest[..end]).expect("a head of ASCII");
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
        statuses.push(status.and_then(|status| status.parse().ok()).expect("a status"));
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let length: usize = length.map_or(0, |length| length.parse().expect("a length"));
        rest = &rest[end + length..];
    }
    statuses
}

/// These bytes on a new connection get these statuses, and then its end.
#[track_caller]
fn gets(stage: &Stage, bytes: impl AsRef<[u8]>, expected: &[u16]) {
    let said = read_to_end(&mut stage.strike(bytes.as_ref()));
    let beginning = String::from_utf8_lossy(&bytes.as_ref()[..bytes.as_ref().len().min(200)]);
    assert_eq!(statuses(&said), expected, "{beginning:?}");
}

/// A request for the page with these header lines is the last of its connection with this status.
#[track_caller]
fn asks_with(stage: &Stage, fields: &str, status: u16) {
    // What stands behind it would be answered if it were taken for a second request.
    let smuggled = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let request = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n{smuggled}");
    gets(stage, request, &[status]);
}

#[test]
fn what_is_no_http_gets_an_answer_that_a_browser_understands() {
    attack(|stage| {
        for (request, status) in [
            ("GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
            ("GET /healthz HTTP/1.0\r\n\r\n", 200),
            ("DELETE / HTTP/1.0\r\n\r\n", 405),
            ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GIT COMMIT\r\n\r\n", 400),
            ("GET /\r\n\r\n", 400),
            ("GET\r\n\r\n", 400),
            ("G\r\n\r\n", 400),
            ("GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
            ("GET / HTTP/1.1 \r\nHost: localhost\r\n\r\n", 400),
            ("GET / http/1.1\r\nHost: localhost\r\n\r\n", 505),
            ("GET / HTTP/0.9\r\nHost: localhost\r\n\r\n", 505),
            ("GET / HTTP/1.2\r\nHost: localhost\r\n\r\n", 505),
            ("GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", 505),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ] {
            gets(stage, request, &[status]);
        }
    });
}

#[test]
fn a_length_and_chunks_at_once_smuggle_nothing() {
    attack(|stage| {
        asks_with(stage, "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", 400);
        asks_with(stage, "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", 400);
        asks_with(stage, "Transfer-Encoding: chunked\r\n", 400);
        asks_with(stage, "Transfer-Encoding: identity\r\n", 400);
        asks_with(stage, "Transfer-Encoding: xchunked\r\n", 400);
        asks_with(stage, "Transfer-Encoding:\x0bchunked\r\n", 400);
    });
}

#[test]
fn two_lengths_smuggle_nothing() {
    attack(|stage| {
        asks_with(stage, "Content-Length: 0\r\nContent-Length: 44\r\n", 400);
        asks_with(stage, "Content-Length: 44\r\nContent-Length: 44\r\n", 400);
        asks_with(stage, "Content-Length: 0, 44\r\n", 400);
    });
}

#[test]
fn a_length_that_is_no_number_smuggles_nothing() {
    attack(|stage| {
        for length in ["+44", "-1", "0x2c", "44 ", " 44", "44abc", "4e1", "", "\u{662}", "044"] {
            let fields = format!("Content-Length:{length}\r\n");
            let said = read_to_end(
                &mut stage.strike(
                    format!(
                        "GET / HTTP/1.1\r\nHost: localhost\r\n{fields}\r\nGET / HTTP/1.1\r\n\r\n"
                    )
                    .as_bytes(),
                ),
            );
            let statuses = statuses(&said);
            // A number is a body, which nothing takes; anything else is nonsense. One answer.
            assert!(matches!(statuses[..], [400 | 413]), "{length:?}: {statuses:?}");
        }
        asks_with(stage, &format!("Content-Length: {}\r\n", "9".repeat(40)), 413);
        asks_with(stage, "Content-Length: 18446744073709551617\r\n", 413);
    });
}

#[test]
fn a_name_with_a_blank_before_its_colon_smuggles_nothing() {
    attack(|stage| {
        asks_with(stage, "Content-Length : 44\r\n", 400);
        asks_with(stage, "Transfer-Encoding : chunked\r\n", 400);
        asks_with(stage, "Content-Length\t: 44\r\n", 400);
        asks_with(stage, ": 44\r\n", 400);
        asks_with(stage, "Content Length: 44\r\n", 400);
    });
}

#[test]
fn a_folded_line_is_refused() {
    attack(|stage| {
        asks_with(stage, "X: a\r\n b\r\n", 400);
        asks_with(stage, "X: a\r\n\tb\r\n", 400);
        asks_with(stage, "Transfer-Encoding:\r\n chunked\r\n", 400);
        gets(stage, "GET / HTTP/1.1\r\n Host: localhost\r\n\r\n", &[400]);
    });
}

#[test]
fn control_characters_in_a_head_are_refused() {
    attack(|stage| {
        for bad in ["a\0b", "a\rb", "a\x07b", "a\x1b[2Jb", "a\x7fb"] {
            asks_with(stage, &format!("X: {bad}\r\n"), 400);
            gets(stage, format!("GET /{bad} HTTP/1.1\r\nHost: localhost\r\n\r\n"), &[400]);
        }
        asks_with(stage, "X\0Y: z\r\n", 400);
        asks_with(stage, "X\u{e9}: z\r\n", 400);
    });
}

#[test]
fn a_head_without_end_is_cut_off() {
    attack(|stage| {
        for part in ["GET / HTTP/1.1\r\nX: ", "GET /", "G"] {
            // The server may close at any point of it, and the close may eat its answer.
            let mut stream = stage.strike(part.as_bytes());
            let _ = stream.write_all(&vec![b'x'; 1024 * 1024]);
            let said = read_to_end(&mut stream);
            assert!(said.is_empty() || statuses(&said) == [431], "{part:?}");
        }
    });
}

#[test]
fn a_head_just_too_large_is_told_so() {
    attack(|stage| {
        let head = |pad: usize| {
            format!(
                "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: {}\r\n\r\n",
                "x".repeat(pad)
            )
        };
        let beside = head(0).len();
        gets(stage, head(8_192 - beside), &[200]);
        gets(stage, head(8_193 - beside), &[431]);
    });
}

#[test]
fn too_many_fields_are_told_so() {
    attack(|stage| {
        let head = |fields: usize| {
            let fields = "A: b\r\n".repeat(fields);
            format!("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n")
        };
        gets(stage, head(62), &[200]);
        gets(stage, head(63), &[431]);
    });
}

#[test]
fn methods_that_change_something_are_done_nowhere() {
    attack(|stage| {
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"]
        {
            for path in ["/", "/ws", "/metrics", "/healthz", "/nothing"] {
                let head = format!(
                    "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                );
                gets(stage, head, &[405]);
            }
        }
        // A method is written as it is written.
        for method in ["Get", "GETT", "GE"] {
            let head =
                format!("{method} / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            gets(stage, head, &[405]);
        }
    });
}

#[test]
fn a_body_is_not_taken() {
    attack(|stage| {
        asks_with(stage, "Content-Length: 3\r\n", 413);
        asks_with(stage, "Content-Length: 3\r\nExpect: 100-continue\r\n", 413);
        let post = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\noi!";
        gets(stage, post, &[405]);
        let endless = "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut stream = stage.strike(endless.as_bytes());
        let _ = stream.write_all(&b"1\r\nx\r\n".repeat(100_000));
        let said = read_to_end(&mut stream);
        assert!(said.is_empty() || matches!(statuses(&said)[..], [400 | 405]), "{said:?}");
    });
}

#[test]
fn an_absolute_uri_asks_for_its_own_path_alone() {
    attack(|stage| {
        let ask = |target: &str| {
            format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        };
        gets(stage, ask("http://localhost/healthz"), &[200]);
        gets(stage, ask("http://localhost/nothing"), &[404]);
        for target in
            ["*", "localhost:80", "ftp://localhost/", "http://", "//", "?", "#", "healthz"]
        {
            let said = read_to_end(&mut stage.strike(ask(target).as_bytes()));
            let statuses = statuses(&said);
            assert!(matches!(statuses[..], [400 | 404]), "{target:?}: {statuses:?}");
        }
    });
}

#[test]
fn no_path_leads_out_of_the_page() {
    attack(|stage| {
        for path in [
            "/../../../../etc/passwd",
            "/..%2f..%2f..%2fetc/passwd",
            "/%2e%2e/%2e%2e/etc/passwd",
            "/..\\..\\etc\\passwd",
            "/....//....//etc/passwd",
            "//etc/passwd",
            "/./index.html/../../x",
            "/papo.db",
            "/server_files/",
            "/index.html%00.png",
            "/index.html/",
            "/INDEX.HTML",
            "/%c0%ae%c0%ae/etc/passwd",
            "/%0d%0aSet-Cookie:%20a=b",
            "/%zz",
        ] {
            let ask =
                format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            let said = read_to_end(&mut stage.strike(ask.as_bytes()));
            assert_eq!(statuses(&said), [404], "{path}");
            let said = String::from_utf8_lossy(&said);
            assert!(!said.contains("root:") && !said.contains("Set-Cookie"), "{said}");
        }
    });
}

#[test]
fn a_bad_host_is_refused() {
    attack(|stage| {
        for host in [
            "",
            " ",
            "a b",
            "a/b",
            "a\\b",
            "user@localhost",
            "a,b",
            "<script>",
            "a\"b",
            "localhost:x",
            "localhost:1:2",
            "[::1",
            "::1]",
            "[::1]x",
            "a?b",
            "a#b",
            "a%00b",
            "caf\u{e9}",
        ] {
            let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            gets(stage, request, &[400]);
        }
        for hosts in ["Host: a\r\nHost: a\r\n", "Host: a\r\nhost: b\r\n", "X: y\r\n"] {
            gets(stage, format!("GET / HTTP/1.1\r\n{hosts}\r\n"), &[400]);
        }
    });
}

#[test]
fn a_page_from_elsewhere_opens_no_websocket() {
    attack(|stage| {
        let port = stage.server.port();
        for origin in [
            "http://evil.example".to_owned(),
            format!("https://localhost:{port}"),
            "http://localhost".to_owned(),
            format!("http://localhost:{port}.evil.example"),
            format!("http://localhost:{port}@evil.example"),
            format!("http://evil.example#localhost:{port}"),
            format!("http://evil.example/?http://localhost:{port}"),
            format!("http://localhost:{port}, http://evil.example"),
            format!("http://localhost:{port} evil"),
            "null".to_owned(),
            "file://".to_owned(),
            "*".to_owned(),
            String::new(),
        ] {
            let mut http = Http::dial(&stage.server);
            http.send(format!(
                "GET /ws HTTP/1.1\r\nHost: localhost:{port}\r\n{}Origin: {origin}\r\n\r\n",
                handshake_fields()
            ));
            assert_eq!(http.response(true).status, 403, "{origin}");
        }
        let twice = format!("Origin: http://localhost:{port}\r\n").repeat(2);
        let refused = get(&stage.server, "/ws", &(handshake_fields() + &twice));
        assert_eq!(refused.status, 400);
    });
}

#[test]
fn a_name_that_was_pointed_at_this_machine_opens_no_websocket() {
    attack(|stage| {
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "a.b:80"] {
            for origin in ["", &format!("Origin: http://{host}\r\n")] {
                let request = format!(
                    "GET /ws HTTP/1.1\r\nHost: {host}\r\n{}{origin}\r\n",
                    handshake_fields()
                );
                let mut http = Http::dial(&stage.server);
                http.send(request);
                assert_eq!(http.response(true).status, 403, "{host}");
            }
        }
    });
}

#[test]
fn a_handshake_that_is_none_opens_no_websocket() {
    attack(|stage| {
        let good = handshake_fields();
        let cases = [
            (good.replace("Version: 13", "Version: 13, 8"), 426),
            (good.replace("Sec-WebSocket-Version: 13\r\n", ""), 426),
            (good.replace("keep-alive, Upgrade", "close, Upgrade"), 426),
            (good.replace("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j"), 400),
            (good.replace("dGhlIHNhbXBsZSBub25jZQ==", "!!!"), 400),
            (good.replace("dGhlIHNhbXBsZSBub25jZQ==", ""), 400),
            (good.replace("Key:", "Kei:"), 400),
        ];
        for (fields, status) in cases {
            assert_eq!(get(&stage.server, "/ws", &fields).status, status, "{fields}");
        }
        let head = format!("HEAD /ws HTTP/1.1\r\nHost: localhost\r\n{good}\r\n");
        let mut http = Http::dial(&stage.server);
        http.send(head);
        assert_eq!(http.response(false).status, 426);
        let old = format!("GET /ws HTTP/1.0\r\nHost: localhost\r\n{good}\r\n");
        let mut http = Http::dial(&stage.server);
        http.send(old);
        assert_eq!(http.response(true).status, 426);
    });
}

#[test]
fn a_flood_of_requests_ahead_is_answered_no_faster_than_it_is_read() {
    attack(|stage| {
        let mut http = Http::dial(&stage.server);
        let mut writer = http.writer();
        let flood = "GET /style.css HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1_000);
        // It waits when the server does: nothing is read from whom does not read.
        let writing = std::thread::spawn(move || writer.write_all(flood.as_bytes()));
        stage.server.still_serves();
        for _ in 0..1_000 {
            assert_eq!(http.response(true).status, 200);
        }
        writing.join().expect("a thread").expect("all was taken");
    });
}

#[test]
fn a_flood_of_requests_whose_answers_nobody_reads_costs_little() {
    attack(|stage| {
        let flood = "GET /style.css HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2_000);
        let deaf: Vec<TcpStream> = (0..20)
            .map(|_| {
                let mut stream = stage.server.dial();
                let patience = Some(Duration::from_millis(50));
                stream.set_write_timeout(patience).expect("a timeout on a socket");
                let _ = stream.write_all(flood.as_bytes());
                stream
            })
            .collect();
        stage.server.still_serves();
        if let (Some(before), Some(now)) = stage.memory_before_and_now() {
            assert!(now < before + 32 * 1024 * 1024, "{before} bytes became {now}");
        }
        deaf.into_iter().for_each(reset);
    });
}

#[test]
fn a_request_of_a_megabyte_of_empty_lines_is_nothing() {
    attack(|stage| {
        // A connection that begins with white space speaks no HTTP; one that has, may.
        let mut http = Http::dial(&stage.server);
        assert_eq!(http.get("/healthz", "").status, 200);
        http.send("\r\n".repeat(500_000));
        assert_eq!(http.get("/healthz", "").status, 200);
    });
}
