//! PROTOCOL.md, section 6: files in pieces, up and down, cut off and taken up again, within their
//! limits, and only where they belong.

#[path = "../common/mod.rs"]
mod common;

mod downloads;
mod limits;
mod names;
mod pieces;
mod recipients;
mod refusals;
mod resume;

use std::collections::BTreeMap;
use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use common::{Peer, Server, number, text};

/// Bytes of one piece.
const PIECE: usize = 49_152;

/// Pieces that may be on their way.
const WINDOW: usize = 16;

/// Somebody's private conversation.
fn to(name: &str) -> Value {
    json!({ "recipient": name })
}

/// A group.
fn to_group(name: &str) -> Value {
    json!({ "group_name": name })
}

/// Bytes that look like chance, the same ones for the same seed.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = (0..length.div_ceil(8)).flat_map(|_| next()).collect();
    bytes.truncate(length);
    bytes
}

/// A SHA-256 as 64 hexadecimal digits.
fn hash(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes).iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("memory");
        digits
    })
}

/// Says what is to come.
fn begin(to: &Value, name: &str, bytes: &[u8]) -> Value {
    let mut request = to.clone();
    request["type"] = json!("file_begin");
    request["filename"] = json!(name);
    request["size"] = json!(bytes.len());
    request["sha256"] = json!(hash(bytes));
    request
}

/// One piece.
fn chunk(file_id: u64, offset: usize, bytes: &[u8]) -> Value {
    json!({
        "type": "file_chunk", "file_id": file_id, "offset": offset, "data": STANDARD.encode(bytes),
    })
}

/// Says that this was all.
fn end(file_id: u64) -> Value {
    json!({ "type": "file_end", "file_id": file_id })
}

/// Takes it back.
fn cancel(file_id: u64) -> Value {
    json!({ "type": "file_cancel", "file_id": file_id })
}

/// Wants a file.
fn get(file_id: u64) -> Value {
    json!({ "type": "file_get", "file_id": file_id })
}

/// Begins an upload: its number, and where it goes on.
#[track_caller]
fn begun(peer: &mut Peer, to: &Value, name: &str, bytes: &[u8]) -> (u64, usize) {
    let answer = peer.ok(&begin(to, name, bytes));
    assert_eq!(answer["type"], "file_response", "{answer}");
    assert_eq!(answer["chunk_size"], PIECE, "{answer}");
    let offset = usize::try_from(number(&answer, "offset")).expect("a small file");
    assert!(offset <= bytes.len(), "{answer}");
    (number(&answer, "file_id"), offset)
}

/// Sends the pieces from one place to another, many at a time, and checks what is said to them.
#[track_caller]
fn send_pieces(peer: &mut Peer, file_id: u64, bytes: &[u8], from: usize, upto: usize) {
    let mut offset = from;
    while offset < upto {
        let mut sent = Vec::new();
        for _ in 0..WINDOW {
            let next = upto.min(offset + PIECE);
            if next > offset {
                let mut request = chunk(file_id, offset, &bytes[offset..next]);
                request["id"] = json!(format!("{file_id}/{offset}"));
                peer.send(&request);
                sent.push((request["id"].clone(), next));
            }
            offset = next;
        }
        for (id, received) in sent {
            let ack = peer.answer_to(&id);
            assert_eq!(ack["type"], "file_ack", "{ack}");
            assert_eq!(ack["status"], "success", "{ack}");
            assert_eq!((&ack["file_id"], &ack["offset"]), (&json!(file_id), &json!(received)));
        }
    }
}

/// Sends a whole file, from where it stopped last time, and gives the answer to its end.
#[track_caller]
fn upload(peer: &mut Peer, to: &Value, name: &str, bytes: &[u8]) -> Value {
    let (file_id, offset) = begun(peer, to, name, bytes);
    send_pieces(peer, file_id, bytes, offset, bytes.len());
    let answer = peer.ok(&end(file_id));
    assert_eq!(answer["type"], "file_response", "{answer}");
    assert!(number(&answer, "msg_id") > 0 && number(&answer, "ts") > 0, "{answer}");
    answer
}

/// The bytes that a run of `file_data` frames carries: each goes on where the one before ended, and
/// only the last one says that it is the last.
#[track_caller]
fn joined(frames: &[Value], file_id: u64, from: usize, upto: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for frame in frames {
        assert_eq!((&frame["type"], &frame["file_id"]), (&json!("file_data"), &json!(file_id)));
        assert_eq!(frame["offset"], from + bytes.len());
        let piece = STANDARD.decode(text(frame, "data")).expect("base64");
        assert!(piece.len() <= PIECE, "{} bytes in a piece", piece.len());
        bytes.extend_from_slice(&piece);
        assert_eq!(frame["eof"], from + bytes.len() == upto);
    }
    bytes
}

/// Gets a stretch of a file. Whatever else comes meanwhile is passed over.
#[track_caller]
fn stretch(peer: &mut Peer, request: &Value, size: usize) -> Vec<u8> {
    let file_id = number(request, "file_id");
    let before = peer.take_aside();
    assert!(before.iter().all(|frame| frame["type"] != "file_data"), "unexpected: {before:?}");
    let answer = peer.ok(request);
    assert_eq!(answer["type"], "file_response", "{answer}");
    let mut frames = peer.take_aside();
    frames.retain(|frame| frame["type"] == "file_data");
    let from = request["offset"].as_u64().unwrap_or(0);
    let from = usize::try_from(from).expect("a small file");
    let length = request["length"].as_u64().and_then(|length| usize::try_from(length).ok());
    let upto = length.map_or(size, |length| size.min(from + length));
    let bytes = joined(&frames, file_id, from, upto);
    assert_eq!(
        (&answer["file_id"], &answer["offset"]),
        (&json!(file_id), &json!(from + bytes.len()))
    );
    bytes
}

/// Gets the file that an event offers, and checks it against what the event says.
#[track_caller]
fn fetched(peer: &mut Peer, event: &Value) -> Vec<u8> {
    assert_eq!(event.get("file_data"), None, "an offer has no bytes: {event}");
    let size = usize::try_from(number(event, "size")).expect("a small file");
    let bytes = stretch(peer, &get(number(event, "file_id")), size);
    assert_eq!(hash(&bytes), text(event, "sha256"));
    assert_eq!(bytes.len(), size);
    bytes
}

/// A peer that takes files in pieces.
#[track_caller]
fn modern(server: &Server, name: &str) -> Peer {
    server.join_knowing(name, &["chunks"])
}

/// Files in a folder of the server, by name.
#[track_caller]
fn files_in(server: &Server, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let Ok(entries) = fs::read_dir(server.data().join(folder)) else { return BTreeMap::new() };
    entries
        .map(|entry| {
            let entry = entry.expect("an entry");
            assert!(entry.file_type().expect("a type").is_file(), "{entry:?}");
            let name = entry.file_name().into_string().expect("a name in UTF-8");
            (name, fs::read(entry.path()).expect("its bytes"))
        })
        .collect()
}

/// Whole files that the server keeps.
#[track_caller]
fn kept(server: &Server) -> BTreeMap<String, Vec<u8>> {
    files_in(server, "server_files")
}

/// Names of unfinished ones. They go in the background, so one may vanish while it is looked at.
fn parts(server: &Server) -> Vec<String> {
    let Ok(entries) = fs::read_dir(server.data().join("uploads")) else { return Vec::new() };
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
