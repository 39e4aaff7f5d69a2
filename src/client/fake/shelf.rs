//! Files on the fake server: PROTOCOL.md, section 6, as a real one does it, and what can go wrong.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Peer;
use crate::limits::{CHUNK_BYTES, CHUNKS_IN_FLIGHT_MAX};
use crate::wire::request::sha256_to_hex;

/// What the fake server keeps over its connections.
#[derive(Clone, Default)]
pub(crate) struct Shelf(Arc<Mutex<Kept>>);

#[derive(Default)]
pub(crate) struct Kept {
    /// Uploads that are not whole: what they were begun with, and their bytes.
    pub(crate) uploads: HashMap<u64, (Value, Vec<u8>)>,
    /// Files that are, with what they were begun with.
    pub(crate) files: HashMap<u64, (Value, Vec<u8>)>,
    /// The connection is cut after so many more bytes of files.
    pub(crate) fuse: Option<usize>,
    /// The connection is cut before the answer to this.
    pub(crate) mute: Option<&'static str>,
    /// Refusals to come: of a request of this type, with this code.
    pub(crate) refusals: Vec<(&'static str, &'static str)>,
    /// Every request, without data.
    pub(crate) requests: Vec<Value>,
}

impl Kept {
    /// The requests of a type.
    pub(crate) fn of(&self, kind: &str) -> Vec<Value> {
        self.requests.iter().filter(|request| request["type"] == kind).cloned().collect()
    }

    fn burnt(&mut self, bytes: usize) -> bool {
        let Some(fuse) = &mut self.fuse else { return false };
        let Some(left) = fuse.checked_sub(bytes) else {
            self.fuse = None;
            return true;
        };
        *fuse = left;
        false
    }
}

/// The hash of these bytes, as it stands in a frame.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    sha256_to_hex(&Sha256::digest(bytes).into())
}

/// Bytes that are nowhere the same.
pub(crate) fn bytes(count: usize) -> Vec<u8> {
    (0..count as u64).map(|at| (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect()
}

impl Shelf {
    /// What is there.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap()
    }

    /// Puts a file there, and gives the event that offers it, from bob.
    pub(crate) fn offer(&self, file_id: u64, bytes: &[u8]) -> String {
        self.lock().files.insert(file_id, (Value::Null, bytes.to_vec()));
        let (size, hash) = (bytes.len(), sha256(bytes));
        format!(
            r#"{{"type":"file_received","msg_id":{file_id},"sender":"bob","recipient":"ana","filename":"x{file_id}.bin","size":{size},"sha256":"{hash}","file_id":{file_id},"timestamp":"14:30:25"}}"#
        )
    }

    /// A play on a connection: takes a login, sends these frames, and does what is asked for.
    pub(crate) fn play(&self, frames: &[String]) -> super::Play {
        let (kept, frames) = (self.clone(), frames.to_vec());
        super::play(move |peer| {
            peer.take_login();
            for frame in frames {
                peer.send(&frame);
            }
            kept.serve(peer);
        })
    }

    /// Does what is asked for, until the connection ends or is to be cut.
    pub(crate) fn serve(&self, peer: &mut Peer) {
        let mut in_flight: i64 = 0;
        while let Some(mut request) = peer.next() {
            let kind = request["type"].as_str().unwrap().to_owned();
            if matches!(kind.as_str(), "received" | "read" | "heartbeat_ack" | "typing") {
                continue;
            }
            let data = request.as_object_mut().unwrap().remove("data");
            let mut kept = self.lock();
            kept.requests.push(request.clone());
            if kept.mute == Some(&kind) {
                kept.mute = None;
                if kind == "file_end" {
                    let _ = self.end(&mut kept, &request);
                }
                return;
            }
            let refusal = kept.refusals.iter().position(|(refused, _)| *refused == kind);
            if let Some(index) = refusal {
                let (_, code) = kept.refusals.remove(index);
                refuse(peer, &request, code);
                continue;
            }
            let file_id = request["file_id"].as_u64().unwrap_or(0);
            match kind.as_str() {
                "file_begin" => {
                    let same = |begun: &Value| {
                        ["recipient", "group_name", "filename", "size", "sha256"]
                            .iter()
                            .all(|field| begun[field] == request[field])
                    };
                    let known = kept.uploads.iter().find(|(_, (begun, _))| same(begun));
                    let file_id = known.map_or(100 + kept.requests.len() as u64, |known| *known.0);
                    let upload = kept.uploads.entry(file_id);
                    let upload = upload.or_insert_with(|| (request.clone(), Vec::new()));
                    let offset = upload.1.len();
                    let rest = format!(
                        r#""status":"success","file_id":{file_id},"offset":{offset},"chunk_size":{CHUNK_BYTES}"#
                    );
                    peer.answer(&request, "file_response", &rest);
                }
                "file_chunk" => {
                    let data = STANDARD.decode(data.unwrap().as_str().unwrap()).unwrap();
                    assert!(data.len() <= CHUNK_BYTES && !data.is_empty());
                    in_flight += 1;
                    assert!(in_flight <= i64::from(CHUNKS_IN_FLIGHT_MAX));
                    if kept.burnt(data.len()) {
                        return;
                    }
                    let Some((_, bytes)) = kept.uploads.get_mut(&file_id) else {
                        refuse(peer, &request, "unknown_file");
                        continue;
                    };
                    if request["offset"] != bytes.len() {
                        refuse(peer, &request, "invalid_chunk");
                        continue;
                    }
                    bytes.extend(data);
                    let rest = format!(
                        r#""status":"success","file_id":{file_id},"offset":{}"#,
                        bytes.len()
                    );
                    in_flight -= 1;
                    peer.answer(&request, "file_ack", &rest);
                }
                "file_end" => match self.end(&mut kept, &request) {
                    Ok(name) => {
                        let rest = format!(
                            r#""status":"success","message":"Arquivo enviado","msg_id":{file_id},"saved_as":{name},"delivered":1"#
                        );
                        peer.answer(&request, "file_response", &rest);
                    }
                    Err(code) => refuse(peer, &request, code),
                },
                "file_get" => {
                    let Some((_, bytes)) = kept.files.get(&file_id).cloned() else {
                        refuse(peer, &request, "unknown_file");
                        continue;
                    };
                    let mut at = usize::try_from(request["offset"].as_u64().unwrap_or(0)).unwrap();
                    let most = bytes.len() as u64;
                    let length = request["length"].as_u64().unwrap_or(most).min(most - at as u64);
                    let until = at + usize::try_from(length).unwrap();
                    while at < until {
                        let next = until.min(at + CHUNK_BYTES);
                        if kept.burnt(next - at) {
                            return;
                        }
                        let (data, eof) = (STANDARD.encode(&bytes[at..next]), next == bytes.len());
                        // Other things come in between.
                        peer.send(r#"{"type":"presence","user":"cae","status":"offline"}"#);
                        peer.send(&format!(
                            r#"{{"type":"file_data","file_id":{file_id},"offset":{at},"data":"{data}","eof":{eof}}}"#
                        ));
                        at = next;
                    }
                    let rest =
                        format!(r#""status":"success","file_id":{file_id},"offset":{until}"#);
                    peer.answer(&request, "file_response", &rest);
                }
                "logout" => {
                    let rest = r#""status":"success","message":"Tchau""#;
                    peer.answer(&request, "account_response", rest);
                    return;
                }
                _ => {
                    let rest = r#""status":"success","message":"Feito","msg_id":7"#;
                    peer.answer(&request, "message_response", rest);
                }
            }
        }
    }

    /// Ends an upload; answered like the first time when it has ended.
    #[expect(clippy::unused_self, reason = "it is what this does")]
    fn end(&self, kept: &mut Kept, request: &Value) -> Result<Value, &'static str> {
        let file_id = request["file_id"].as_u64().unwrap();
        if let Some((begun, _)) = kept.files.get(&file_id) {
            return Ok(begun["filename"].clone());
        }
        let Some((begun, bytes)) = kept.uploads.remove(&file_id) else {
            return Err("unknown_file");
        };
        if begun["size"] != bytes.len() || begun["sha256"] != *sha256(&bytes) {
            return Err("hash_mismatch");
        }
        let name = begun["filename"].clone();
        kept.files.insert(file_id, (begun, bytes));
        Ok(name)
    }
}

fn refuse(peer: &mut Peer, request: &Value, code: &str) {
    let rest = format!(r#""status":"error","code":"{code}","message":"Não: {code}""#);
    peer.answer(request, "file_response", &rest);
}
