//! Request heads, well-formed and not.

use super::*;
use crate::wire::frame::{FrameDecoder, Framing};

/// What comes out of a stream that arrives in pieces of this size: paths, and why it ended.
fn heads(stream: &[u8], piece_bytes: usize) -> Vec<String> {
    let mut decoder = FrameDecoder::new(Framing::Bare);
    let mut found = Vec::new();
    for piece in stream.chunks(piece_bytes) {
        let goes_on = decoder.feed(64, piece, |decoder| {
            loop {
                match decoder.next_head() {
                    Ok(Some(head)) => found.push(format!("{:?} {}", head.method, head.path)),
                    Ok(None) => return true,
                    Err(bad) => {
                        found.push(format!("{bad:?}"));
                        return false;
                    }
                }
            }
        });
        if !goes_on {
            break;
        }
    }
    found
}

fn parse(head: &str) -> Result<Head<'_>, BadHead> {
    Head::parse(head.as_bytes())
}

#[test]
fn requests_are_read_one_after_the_other() {
    let stream = b"\r\nGET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\nHEAD / HTTP/1.0\n\n\nPOST / HTTP/1.1\r\nhost:x\r\n\r\nGET";
    for piece_bytes in [1, 2, 3, 50, 1_000] {
        assert_eq!(heads(stream, piece_bytes), ["Get /a", "Head /", "Other /"]);
    }
}

#[test]
fn what_could_be_understood_in_two_ways_is_refused() {
    for (fields, bad) in [
        ("", BadHead::Malformed),
        ("Host: a\r\nHost: a\r\n", BadHead::Malformed),
        ("Host: a b\r\n", BadHead::Malformed),
        ("Host:\r\n", BadHead::Malformed),
        ("Host: a/b\r\n", BadHead::Malformed),
        ("Host: a@b\r\n", BadHead::Malformed),
        ("Host: a:b\r\n", BadHead::Malformed),
        ("Host: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n", BadHead::Malformed),
        ("Host: a\r\nContent-Length: +1\r\n", BadHead::Malformed),
        ("Host: a\r\nContent-Length: 1\r\n", BadHead::Body),
        ("Host: a\r\nTransfer-Encoding: chunked\r\n", BadHead::Malformed),
        ("Host: a\r\nTransfer-Encoding : chunked\r\n", BadHead::Malformed),
        ("Host: a\r\nX: y\r\n z\r\n", BadHead::Malformed),
        ("Host: a\r\n: y\r\n", BadHead::Malformed),
    ] {
        let head = format!("GET / HTTP/1.1\r\n{fields}\r\n");
        assert_eq!(parse(&head).map(|_| ()), Err(bad), "{fields:?}");
    }
    for (line, bad) in [
        ("GET / HTTP/2.0", BadHead::Version),
        ("GET /", BadHead::Malformed),
        ("GET  / HTTP/1.1", BadHead::Malformed),
        ("GET x HTTP/1.1", BadHead::Malformed),
        ("GET /\u{9b}31m HTTP/1.1", BadHead::Malformed),
        ("GET /é HTTP/1.1", BadHead::Malformed),
        ("GET http:/// HTTP/1.1", BadHead::Malformed),
        ("GET http://u@a/ HTTP/1.1", BadHead::Malformed),
    ] {
        let head = format!("{line}\r\nHost: a\r\n\r\n");
        assert_eq!(parse(&head).map(|_| ()), Err(bad), "{line:?}");
    }
}

#[test]
fn a_head_says_what_is_wanted() {
    let head = parse(
        "GET http://b:1/x?y#z HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n\r\n",
    );
    let head = head.unwrap();
    assert_eq!((head.path, head.host, head.keep_alive), ("/x", Some("b:1"), true));
    assert!(head.lists("connection", "upgrade") && !head.lists("connection", "up"));
    let closes = "GET / HTTP/1.1\r\nHost: a\r\nconnection: CLOSE\r\nContent-Length: 00\r\n\r\n";
    assert!(!parse(closes).unwrap().keep_alive);
    assert!(!parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").unwrap().keep_alive);
    // Nothing is known of a body behind what is refused anyway.
    let post = parse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n").unwrap();
    assert_eq!((post.method, post.keep_alive), (Method::Other, false));
    assert_eq!(parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").unwrap().method, Method::Other);
}

#[test]
fn a_head_is_as_large_as_it_may_be() {
    let padded = |bytes: usize| {
        let rest = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n";
        let padding = "x".repeat(bytes - rest.len());
        rest.replace("X: ", &format!("X: {padding}"))
    };
    assert_eq!(heads(padded(HTTP_HEAD_BYTES_MAX).as_bytes(), 1_000), ["Get /"]);
    assert_eq!(heads(padded(HTTP_HEAD_BYTES_MAX + 1).as_bytes(), 1_000), ["TooLarge"]);
    let endless = "GET /".to_owned() + &"x".repeat(HTTP_HEAD_BYTES_MAX);
    assert_eq!(heads(endless.as_bytes(), 1_000), ["TooLarge"]);
    let many = |count| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(count - 1));
    assert_eq!(heads(many(HTTP_HEADERS_MAX).as_bytes(), 1_000), ["Get /"]);
    assert_eq!(heads(many(HTTP_HEADERS_MAX + 1).as_bytes(), 1_000), ["TooLarge"]);
}

#[test]
fn compressed_is_sent_to_whom_understands_it() {
    for (accepts, expected) in [
        ("gzip", true),
        ("br, GZIP;q=0.5", true),
        ("deflate, *", true),
        ("*;q=0.1, gzip;q=0", false),
        ("gzip; q=0.000", false),
        ("gzip;q=0.001", true),
        ("*;q=0", false),
        ("br", false),
        ("gzip;x=1", false),
        ("", false),
    ] {
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {accepts}\r\n\r\n");
        assert_eq!(parse(&head).unwrap().accepts_gzip(), expected, "{accepts}");
    }
}

#[test]
fn a_version_that_is_there_is_recognised() {
    for (listed, expected) in
        [("\"a\"", true), ("\"x\", W/\"a\"", true), ("*", true), ("\"x\"", false), ("a", false)]
    {
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: {listed}\r\n\r\n");
        assert_eq!(parse(&head).unwrap().has_version("\"a\""), expected, "{listed}");
    }
}
