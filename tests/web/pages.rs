//! HTTP: the page, its files, and requests that are none.

use std::io::Read;
use std::time::{Duration, Instant};

use crate::common::raw::{Http, get, handshake_fields};
use crate::common::{Framing, Server};

/// What a browser is told with each response.
const ALWAYS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
         connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

#[test]
fn the_page_comes_as_it_is_and_compressed_and_only_when_it_has_changed() {
    let server = Server::start();
    let mut http = Http::dial(&server);
    let plain = http.get("/", "");
    assert_eq!(plain.status, 200);
    assert_eq!(plain.field("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(plain.field("content-encoding"), None);
    assert_eq!(plain.field("cache-control"), Some("no-cache"));
    assert_eq!(plain.field("vary"), Some("Accept-Encoding"));
    assert!(plain.text().starts_with("<!doctype html>"), "{}", plain.text());

    let small = http.get("/", "Accept-Encoding: br, gzip\r\n");
    assert_eq!(small.field("content-encoding"), Some("gzip"));
    assert!(small.body.len() < plain.body.len());
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&small.body[..]).read_to_end(&mut unpacked).expect("gzip");
    assert_eq!(unpacked, plain.body);

    // Each form has a name of its own, and is not sent to whom has it.
    let tags = [plain.field("etag").expect("a tag"), small.field("etag").expect("a tag")];
    assert_ne!(tags[0], tags[1]);
    for (tag, coding, status) in [
        (tags[0], "identity", 304),
        (tags[1], "gzip", 304),
        (tags[1], "identity", 200),
        ("\"something\"", "gzip", 200),
        ("*", "gzip", 304),
    ] {
        let fields = format!("Accept-Encoding: {coding}\r\nIf-None-Match: \"x\", W/{tag}\r\n");
        let fields = if tag == "*" { fields.replace("\"x\", W/*", "*") } else { fields };
        let answer = http.get("/", &fields);
        assert_eq!(answer.status, status, "{fields}");
        assert_eq!(answer.body.is_empty(), status == 304);
    }
    assert_eq!(http.get("/index.html?x=y", "").body, plain.body);
    assert_eq!(http.get("http://localhost/?x", "").body, plain.body);
}

#[test]
fn a_browser_is_told_each_time_what_the_page_may_do() {
    let server = Server::start();
    let mut http = Http::dial(&server);
    for path in ["/", "/nothing", "/healthz", "/metrics", "/ws"] {
        let answer = http.get(path, "");
        for (name, value) in ALWAYS {
            assert_eq!(answer.field(name), Some(value), "{path}");
        }
        assert!(answer.field("date").is_some_and(|date| date.ends_with(" GMT")));
    }
}

#[test]
fn every_file_that_the_page_asks_for_is_there() {
    let server = Server::start();
    let mut http = Http::dial(&server);
    let page = http.get("/", "");
    let mut asked: Vec<String> = Vec::new();
    for part in page.text().split(['"', '\'']) {
        let path = part.trim_start_matches("./").trim_start_matches('/');
        if [".js", ".css", ".svg", ".webmanifest"].iter().any(|ending| path.ends_with(ending)) {
            asked.push(format!("/{path}"));
        }
    }
    assert!(!asked.is_empty(), "{}", page.text());
    while let Some(path) = asked.pop() {
        assert_eq!(http.get(&path, "").status, 200, "{path}");
    }
    for path in
        ["/..", "/../Cargo.toml", "/%2e%2e/x", "//", "/index.html/", "/package.json", "/x\\y"]
    {
        assert_eq!(http.get(path, "").status, 404, "{path}");
    }
}

#[test]
fn requests_sent_ahead_are_answered_in_order() {
    let server = Server::start();
    let mut http = Http::dial(&server);
    let request = |method, path| format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut ahead = String::new();
    for _ in 0..100 {
        ahead += &request("GET", "/healthz");
        ahead += &request("HEAD", "/");
        ahead += &request("GET", "/nothing");
        ahead += &request("POST", "/");
    }
    http.send(&ahead);
    let mut length = String::new();
    for _ in 0..100 {
        assert_eq!(http.response(true).text(), "ok\n");
        let head = http.response(false);
        assert_eq!(head.status, 200);
        length = head.field("content-length").expect("a length").to_owned();
        assert_eq!(http.response(true).status, 404);
        let refused = http.response(true);
        assert_eq!((refused.status, refused.field("allow")), (405, Some("GET, HEAD")));
    }
    assert_eq!(http.get("/", "").body.len().to_string(), length);
    // And the last one says so.
    let last = http.get("/healthz", "Connection: close\r\n");
    assert_eq!(last.field("connection"), Some("close"));
    http.end();
    server.still_serves();
}

#[test]
fn a_reader_that_does_not_read_is_not_read_either() {
    let server = Server::start();
    let mut http = Http::dial(&server);
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(200);
    // Far more answers than any buffer takes; they come when they are taken.
    for _ in 0..20 {
        http.send(&request);
    }
    server.still_serves();
    for _ in 0..4_000 {
        assert_eq!(http.response(true).status, 200);
    }
}

#[test]
fn what_is_no_request_is_refused_and_the_connection_ends() {
    let server = Server::start();
    let long = format!("X: {}\r\n", "x".repeat(8 * 1024));
    let many = "X: y\r\n".repeat(64);
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx".to_owned(), 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello".to_owned(), 413),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /".to_owned(), 405),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
            400,
        ),
        ("GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/3.0\r\nHost: a\r\n\r\n".to_owned(), 505),
        ("GOOD MORNING\r\n\r\n".to_owned(), 400),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{long}\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"), 431),
        (format!("GET /{}", "x".repeat(9 * 1024)), 431),
    ] {
        let mut http = Http::dial(&server);
        http.send(&request);
        let answer = http.response(true);
        assert_eq!(answer.status, status, "{request:?}");
        assert_eq!(answer.field("connection"), Some("close"), "{request:?}");
        http.end();
    }
    server.still_serves();
}

#[test]
fn whoever_takes_too_long_to_ask_is_not_waited_for() {
    let server = Server::start();
    let began = Instant::now();
    let mut slow = Http::dial(&server);
    let mut idle = Http::dial(&server);
    let mut quick = server.connect(Framing::Line);
    assert_eq!(idle.get("/healthz", "").status, 200);
    slow.send("GET / HT");
    // A byte now and then does not help.
    std::thread::sleep(Duration::from_secs(4));
    slow.send("TP/1.1\r\n");
    slow.patience(Duration::from_secs(20));
    let answer = slow.response(true);
    assert_eq!(answer.status, 408);
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(10) && took < Duration::from_secs(12), "{took:?}");
    slow.end();
    // Who has said nothing is told nothing.
    idle.end();
    // Others have their five minutes.
    quick.login("ana", &serde_json::json!({}));
}

#[test]
fn who_asks_a_server_that_stops_is_told_when_to_ask_again() {
    let mut server = Server::start();
    let mut half = Http::dial(&server);
    // The second request begins before the first is answered, so it has been read when that is.
    half.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nHo");
    assert_eq!(half.response(true).status, 200);
    let mut idle = Http::dial(&server);
    assert_eq!(idle.get("/healthz", "").status, 200);
    server.signal("TERM");
    let told = half.response(true);
    assert_eq!((told.status, told.field("connection")), (503, Some("close")));
    let seconds: u64 = told.field("retry-after").expect("when").parse().expect("seconds");
    assert!((1..=3).contains(&seconds), "{seconds}");
    half.end();
    idle.end();
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_websocket_is_for_the_servers_own_page_and_those_that_are_let_in() {
    let server = Server::start_with(
        crate::common::server::papo(),
        &["--allow-origin", "https://chat.example", "--allow-origin", "http://other.example:81"],
    );
    let port = server.port();
    let local = format!("localhost:{port}");
    for (host, origin, status) in [
        (local.as_str(), None, 101),
        (&local, Some(format!("http://localhost:{port}")), 101),
        (&local, Some(format!("http://LOCALHOST:{port}")), 101),
        (&local, Some("https://chat.example".to_owned()), 101),
        ("chat.example", Some("https://chat.example".to_owned()), 101),
        (&local, Some("http://other.example:81".to_owned()), 101),
        (&local, Some("http://chat.example".to_owned()), 403),
        (&local, Some("http://other.example".to_owned()), 403),
        (&local, Some(format!("https://localhost:{port}")), 403),
        (&local, Some("http://localhost".to_owned()), 403),
        (&local, Some("null".to_owned()), 403),
        (&local, Some("http://evil.example".to_owned()), 403),
        ("evil.example", Some("http://evil.example".to_owned()), 403),
        ("evil.example", None, 403),
    ] {
        let mut http = Http::dial(&server);
        let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
        let fields = handshake_fields();
        http.send(format!("GET /ws HTTP/1.1\r\nHost: {host}\r\n{origin}{fields}\r\n"));
        let answer = http.response(true);
        assert_eq!(answer.status, status, "{host} {origin}");
        if status == 403 {
            assert!(answer.text().contains("--allow-origin"), "{}", answer.text());
        }
    }
    // The page itself is no secret.
    let mut http = Http::dial(&server);
    http.send("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert_eq!(http.response(true).status, 200);
}

#[test]
fn a_handshake_is_whole_or_refused() {
    let server = Server::start();
    let whole = handshake_fields();
    for (fields, status) in [
        (String::new(), 426),
        (whole.replace("Upgrade: websocket", "Upgrade: h2c"), 426),
        (whole.replace("keep-alive, Upgrade", "keep-alive"), 426),
        (whole.replace("Version: 13", "Version: 8"), 426),
        (whole.replace("dGhl", "xx=="), 400),
        (whole.replace("ZSBub25jZQ==", ""), 400),
        (whole.clone() + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 400),
        (whole.clone() + "Origin: http://a\r\nOrigin: http://a\r\n", 400),
        (
            whole.clone()
                + "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: x\r\n",
            101,
        ),
        (
            whole
                .to_ascii_uppercase()
                .replace("DGHLIHNHBXBSZSBUB25JZQ==", "dGhlIHNhbXBsZSBub25jZQ=="),
            101,
        ),
    ] {
        let answer = get(&server, "/ws", &fields);
        assert_eq!(answer.status, status, "{fields}");
        let upgrade = (status == 426).then_some("13");
        assert_eq!(answer.field("sec-websocket-version"), upgrade, "{fields}");
        assert_eq!(answer.field("sec-websocket-extensions"), None);
        assert_eq!(answer.field("sec-websocket-protocol"), None);
    }
}

#[test]
fn an_origin_that_is_none_is_a_mistake_of_whoever_starts_the_server() {
    let told = crate::common::server::papo()
        .args(["server", "--listen", "localhost:0", "--allow-origin", "chat.example"])
        .output()
        .expect("papo");
    assert_eq!(told.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&told.stderr).contains("--allow-origin"));
}

#[test]
fn where_the_page_is_is_said_at_the_start() {
    let server = Server::start();
    let line = server.stdout().lines().into_iter().find(|line| line.contains("Página:"));
    let expected = format!("[SERVIDOR] Página: http://localhost:{}/", server.port());
    crate::common::eventually("the page's address is printed", || {
        server.stdout().lines().contains(&expected)
    });
    assert!(line.is_none_or(|line| line == expected));
}
