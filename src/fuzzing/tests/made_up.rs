//! Inputs that are nearly what they should be.

use std::fs;

use proptest::prelude::*;

use super::{corpus, fuzz_folder};

/// An input of words that mean something to a check, of letters, and of any bytes: framing first,
/// where a check has one.
pub(super) fn made_of(name: &'static str) -> BoxedStrategy<Vec<u8>> {
    let words = words(name);
    let part = prop_oneof![
        4 => prop::sample::select(words),
        1 => "[a-zé🙂 ]{0,12}".prop_map(String::into_bytes),
        1 => any::<String>().prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    let parts = prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat());
    match name {
        "line" | "bare" | "length" | "websocket" | "http_head" => {
            let head = prop::collection::vec(any::<u8>(), 4..20);
            (head, parts).prop_map(|(head, parts)| [head, parts].concat()).boxed()
        }
        "request" => prop_oneof![nearly_a_request(), request_of_parts(parts)].boxed(),
        _ => parts.boxed(),
    }
}

fn request_of_parts(parts: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    parts.prop_map(|parts| [b"{", parts.as_slice(), b"}"].concat())
}

/// A file of the corpus with some bytes that are others, or gone, or there twice.
pub(super) fn changed(name: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let kept: Vec<Vec<u8>> = corpus(name).into_iter().map(|(_, bytes)| bytes).collect();
    let change = (any::<prop::sample::Index>(), 0u8..3, any::<u8>());
    let changes = prop::collection::vec(change, 1..6);
    (prop::sample::select(kept), changes).prop_map(|(mut bytes, changes)| {
        for (at, kind, byte) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.extend_from_within(at..(at + usize::from(byte % 16)).min(bytes.len())),
            }
        }
        bytes
    })
}

/// The words of a check's dictionary, which libFuzzer uses too: each in quotes, on a line of its
/// own, with `\xHH` for what is no text.
fn words(name: &str) -> Vec<Vec<u8>> {
    let path = fuzz_folder().join("dictionaries").join(format!("{name}.dict"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}.dict: {error}"));
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let words: Vec<Vec<u8>> = lines.map(word).collect();
    assert!(!words.is_empty(), "{name}.dict has no words");
    words
}

fn word(line: &str) -> Vec<u8> {
    let quoted = line.strip_prefix('"').and_then(|line| line.strip_suffix('"'));
    let mut rest = quoted.unwrap_or_else(|| panic!("no word: {line}")).bytes();
    let mut word = Vec::new();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            word.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'x') => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                word.push(u8::from_str_radix(&digits, 16).expect("two digits"));
            }
            Some(escaped @ (b'\\' | b'"')) => word.push(escaped),
            other => panic!("no escape: {other:?} in {line}"),
        }
    }
    word
}

/// Objects that are nearly requests: known and unknown keys, values of every kind, some broken.
fn nearly_a_request() -> impl Strategy<Value = Vec<u8>> {
    let key = prop::sample::select(vec![
        "type",
        "id",
        "content",
        "recipient",
        "since",
        "all",
        "other",
        "reply_to",
        "group_name",
        "private",
        "features",
        "msg_id",
        "limit",
        "file_id",
        "data",
        "everywhere",
        "emoji",
        "",
    ]);
    let value = prop_oneof![
        "\"[a-zé ]{0,40}\"",
        "\"[ -~\\x00-\\x1f]{0,6}\"",
        "-?[0-9]{1,18}",
        "[0-9]{1,3}[.eE][0-9]",
        prop::sample::select(vec![
            "true",
            "false",
            "null",
            "{}",
            "[]",
            "\"",
            "tru",
            "-",
            "01",
            "-0",
            "\"private_message\"",
            "\"login\"",
        ])
        .prop_map(str::to_owned),
    ];
    let fields = prop::collection::vec((key, value, " {0,1}"), 0..5);
    (fields, prop::sample::select(vec!["", " ", "}", "x"])).prop_map(|(fields, after)| {
        let fields: Vec<String> = fields
            .iter()
            .map(|(key, value, gap)| format!("{gap}\"{key}\"{gap}:{gap}{value}"))
            .collect();
        format!("{{{}}}{after}", fields.join(",")).into_bytes()
    })
}
