//! Files of an honest client: one that it sends in pieces, until it is there, and one that it gets.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::codec::address;
use super::dice::Dice;
use super::ledger::{number, text};

/// Pieces on their way.
const ON_THE_WAY_MAX: u64 = 3;

/// Times that a client begins again before it gives a file up.
const TRIES_MAX: u32 = 8;

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    /// It is to be announced.
    New,
    /// It is announced.
    Announced,
    /// The server has an upload for it.
    Open { file_id: u64, sent: u64, received: u64 },
    /// All pieces are there, and its end is told.
    Ended { file_id: u64 },
}

/// A file on its way to the server.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) id: String,
    pub(super) place: String,
    pub(super) name: String,
    bytes: Vec<u8>,
    stage: Stage,
    tries: u32,
    not_before_ms: u64,
}

/// What an answer meant for an upload.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    GoesOn,
    /// It is stored under this number.
    Stored(u64),
    /// It will not be.
    GivenUp,
}

impl Upload {
    pub(super) fn new(id: String, place: String, dice: &mut Dice) -> Self {
        let longest = *dice.pick(&[0, 100, 49_152, 200_000]);
        let size = dice.place(longest + 1);
        let bytes = (0..size).map(|at| at.wrapping_mul(31).to_le_bytes()[0]).collect();
        let name = format!("{id}.bin");
        Self { id, place, name, bytes, stage: Stage::New, tries: 0, not_before_ms: 0 }
    }

    /// Its connection is gone: it begins again where it was.
    pub(super) fn is_interrupted(&mut self) {
        self.stage = Stage::New;
    }

    /// What is to be said next.
    pub(super) fn next(&mut self, now_ms: u64) -> Option<Value> {
        if now_ms < self.not_before_ms {
            return None;
        }
        let size = self.bytes.len() as u64;
        match &mut self.stage {
            Stage::New => {
                let mut request = json!({
                    "type": "file_begin", "id": self.id, "filename": self.name, "size": size,
                    "sha256": hex(&self.bytes),
                });
                address(&mut request, "recipient", &self.place);
                self.stage = Stage::Announced;
                Some(request)
            }
            Stage::Open { file_id, sent, received } if *received == size => {
                let file_id = *file_id;
                debug_assert_eq!(*sent, size);
                self.stage = Stage::Ended { file_id };
                Some(json!({"type": "file_end", "id": self.id, "file_id": file_id}))
            }
            Stage::Open { file_id, sent, received } => {
                let chunk = crate::limits::CHUNK_BYTES as u64;
                if *sent == size || *sent >= *received + ON_THE_WAY_MAX * chunk {
                    return None;
                }
                let (from, upto) = (*sent, size.min(*sent + chunk));
                *sent = upto;
                let range = usize::try_from(from).unwrap_or(0)..usize::try_from(upto).unwrap_or(0);
                let data = STANDARD.encode(&self.bytes[range]);
                Some(json!({
                    "type": "file_chunk", "id": self.id, "file_id": *file_id, "offset": from, "data": data,
                }))
            }
            Stage::Announced | Stage::Ended { .. } => None,
        }
    }

    /// An answer to it has come.
    pub(super) fn hears(&mut self, frame: &Value, now_ms: u64) -> Step {
        let code = frame["code"].as_str().unwrap_or_default();
        match (&mut self.stage, code) {
            (Stage::Announced, "") => {
                let (file_id, offset) = (number(frame, "file_id"), number(frame, "offset"));
                self.stage = Stage::Open { file_id, sent: offset, received: offset };
            }
            (Stage::Open { received, .. }, "") => *received = number(frame, "offset"),
            (Stage::Ended { .. }, "") => {
                if let Some(msg_id) = frame["msg_id"].as_u64() {
                    return Step::Stored(msg_id);
                }
            }
            (
                _,
                "rate_limited"
                | "storage_unavailable"
                | "shutting_down"
                | "unknown_file"
                | "unknown_user"
                | "invalid_chunk",
            ) => {
                self.tries += 1;
                self.stage = Stage::New;
                self.not_before_ms = now_ms + 1_000;
                if self.tries > TRIES_MAX {
                    return Step::GivenUp;
                }
            }
            (
                _,
                "unknown_group" | "not_member" | "quota_exceeded" | "too_large" | "id_conflict"
                | "server_full",
            ) => {
                return Step::GivenUp;
            }
            (_, other) => panic!("an honest file is refused with {other}: {frame}"),
        }
        Step::GoesOn
    }
}

/// A file on its way from the server.
#[derive(Debug)]
pub(super) struct Download {
    file_id: u64,
    sha256: String,
    bytes: Vec<u8>,
}

impl Download {
    /// Of a file that was shown.
    pub(super) fn of(event: &Value) -> Self {
        let sha256 = text(event, "sha256").to_owned();
        Self { file_id: number(event, "file_id"), sha256, bytes: Vec::new() }
    }

    pub(super) fn request(&self) -> Value {
        json!({"type": "file_get", "id": "get", "file_id": self.file_id})
    }

    /// A piece has come. Nothing is left of the download after the last one.
    pub(super) fn hears(mut self, frame: &Value) -> Option<Self> {
        if number(frame, "file_id") != self.file_id {
            return Some(self);
        }
        assert_eq!(number(frame, "offset"), self.bytes.len() as u64, "pieces come in order");
        self.bytes.extend(STANDARD.decode(text(frame, "data")).expect("base64"));
        if frame["eof"] != true {
            return Some(self);
        }
        assert_eq!(hex(&self.bytes), self.sha256, "a file is what was announced");
        None
    }
}

fn hex(bytes: &[u8]) -> String {
    crate::wire::request::sha256_to_hex(&Sha256::digest(bytes).into())
}
