//! Streams of HTTP request heads.

use super::input::{Arrival, Input};
use crate::limits::HTTP_HEAD_BYTES_MAX;
use crate::wire::frame::{FrameDecoder, Framing};
use crate::wire::http::{BadHead, Head, Method, is_authority, split_port};
use crate::wire::websocket;

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Head(Method, String, Option<String>, bool),
    Bad(BadHead),
}

/// Cuts make no difference, and what a head says can be acted upon.
pub fn http_head(input: &[u8]) {
    let mut input = Input(input);
    let arrival = Arrival::read(&mut input);
    let stream = input.0;
    let expected = heads(stream);
    for arrival in [arrival.whole(), arrival.bytewise(), arrival] {
        assert_eq!(read(arrival, stream), expected, "{arrival:?}");
    }
}

fn read(arrival: Arrival<'_>, stream: &[u8]) -> Vec<Part> {
    let mut decoder = FrameDecoder::new(Framing::Bare);
    let mut parts = Vec::new();
    arrival.feed(&mut decoder, stream, HTTP_HEAD_BYTES_MAX, |decoder| match decoder.next_head() {
        Ok(Some(head)) => {
            check(&head);
            parts.push(part(&head));
            Ok(true)
        }
        Ok(None) => Ok(false),
        Err(bad) => {
            parts.push(Part::Bad(bad));
            Err(())
        }
    });
    parts
}

fn part(head: &Head<'_>) -> Part {
    let host = head.host.map(str::to_owned);
    Part::Head(head.method, head.path.to_owned(), host, head.keep_alive)
}

/// The heads of a stream that is seen at once: each ends with an empty line.
fn heads(mut stream: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    loop {
        let blank = stream.iter().take_while(|byte| b"\r\n".contains(byte)).count();
        stream = &stream[blank..];
        let ends = |end: &[u8]| {
            stream.windows(end.len()).position(|bytes| bytes == end).map(|at| at + end.len())
        };
        let end = [ends(b"\n\n"), ends(b"\n\r\n")].into_iter().flatten().min();
        if end.unwrap_or(stream.len()) > HTTP_HEAD_BYTES_MAX {
            parts.push(Part::Bad(BadHead::TooLarge));
            break;
        }
        let Some((head, rest)) = end.map(|end| stream.split_at(end)) else { break };
        match Head::parse(head) {
            Ok(head) => parts.push(part(&head)),
            Err(bad) => {
                parts.push(Part::Bad(bad));
                break;
            }
        }
        stream = rest;
    }
    parts
}

fn check(head: &Head<'_>) {
    assert!(head.path.starts_with('/') || head.path == "*" && head.method == Method::Other);
    assert!(!head.path.contains(['?', '#', ' ']) && !head.path.chars().any(char::is_control));
    if let Some(host) = head.host {
        assert!(is_authority(host), "{host:?}");
        let (name, port) = split_port(host);
        assert!(!name.is_empty() && port.is_none_or(|port| port.len() <= 5));
        assert!(!host.contains(['/', '@', '?', '#', ' ', ',', '\\', '%']), "{host:?}");
    }
    assert!(head.only("host").is_ok());
    if head.method != Method::Other {
        // No byte of a body could be taken for the next head, or the other way round.
        assert!(!head.has("transfer-encoding"));
        let length = head.only("content-length").expect("one length at most");
        assert!(length.is_none_or(zeros));
    }
    for name in ["connection", "upgrade", "origin", "if-none-match", "sec-websocket-protocol"] {
        let lines = head.values(name).any(|value| value.contains(['\r', '\n', '\0']));
        assert!(!lines, "{name} could be two");
        assert!(head.list(name).all(|member| !member.contains(',') && member.trim() == member));
    }
    let _ = (head.accepts_gzip(), head.has_version("\"a\""));
    if let Ok(Some(key)) = head.only("sec-websocket-key") {
        assert!(websocket::accept(key).is_none_or(|accept| accept.len() == 28));
    }
}

fn zeros(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|digit| digit == b'0')
}
