//! The least that a file in pieces could cost: seconds of one core for one GiB, decoded from base64
//! and hashed, then read and encoded to base64. For `scripts/files-load`.

use std::hint::black_box;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// Bytes of one piece.
const PIECE: usize = 49_152;

/// Pieces that take turns, so that they are not always in the nearest cache.
const DIFFERENT: usize = 64;

/// All that is measured, in bytes.
const BYTES: usize = 1024 * 1024 * 1024;

fn main() {
    let bytes: Vec<u8> = (0..DIFFERENT * PIECE).map(|n| (n ^ (n >> 7)).to_le_bytes()[0]).collect();
    let pieces: Vec<&[u8]> = bytes.chunks(PIECE).collect();
    let texts: Vec<String> = pieces.iter().map(|piece| STANDARD.encode(piece)).collect();
    let began = Instant::now();
    let mut hasher = Sha256::new();
    for text in texts.iter().cycle().take(BYTES / PIECE) {
        hasher.update(STANDARD.decode(text).expect("base64"));
    }
    black_box(hasher.finalize());
    let up = began.elapsed();
    let began = Instant::now();
    for piece in pieces.iter().cycle().take(BYTES / PIECE) {
        black_box(STANDARD.encode(piece));
    }
    println!("{:.3} {:.3}", up.as_secs_f64(), began.elapsed().as_secs_f64());
}
