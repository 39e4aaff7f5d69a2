//! What the operator allows: refused before the first byte moves.

use serde_json::json;

use super::common::server::papo;
use super::common::{Server, eventually, text};
use super::{
    PIECE, begin, begun, cancel, chunk, end, modern, noise, parts, send_pieces, to, upload,
};

fn with_flags(args: &[&str]) -> Server {
    Server::start_with(papo(), args)
}

#[test]
fn a_file_above_the_largest_is_refused_before_it_moves() {
    let server = with_flags(&["--max-file", "64KiB"]);
    let mut ana = modern(&server, "ana");
    let _bia = server.join("bia");
    let refusal = ana.refused(&begin(&to("bia"), "a.bin", &noise(65_537, 1)), "too_large");
    assert_eq!(refusal["type"], "file_response", "{refusal}");
    assert!(parts(&server).is_empty());
    // The largest is allowed.
    upload(&mut ana, &to("bia"), "a.bin", &noise(65_536, 1));
    // Whole ones have the same limit.
    let whole = json!({
        "type": "send_file", "recipient": "bia", "filename": "b", "file_type": "private",
        "file_data": "A".repeat(4 * 22_000),
    });
    ana.refused(&whole, "too_large");
}

#[test]
fn the_quota_counts_what_is_kept_and_what_is_announced() {
    let mut server = with_flags(&["--user-quota", "1MiB"]);
    let mut ana = modern(&server, "ana");
    let mut bia = modern(&server, "bia");
    let half = noise(512 * 1024, 1);
    upload(&mut ana, &to("bia"), "um.bin", &half);
    let (second, _) = begun(&mut ana, &to("bia"), "dois.bin", &half);
    // Not one byte of the second has come, and it is counted.
    let refusal = ana.refused(&begin(&to("bia"), "três.bin", b"x"), "quota_exceeded");
    assert_eq!(refusal["type"], "file_response", "{refusal}");
    assert!(!text(&refusal, "message").is_empty());
    // It is each one's own.
    upload(&mut bia, &to("ana"), "meu.bin", &half);
    // Taken back, it is free again.
    ana.ok(&cancel(second));
    let (third, _) = begun(&mut ana, &to("bia"), "três.bin", &half);
    // The wrong hash gives it back, too.
    send_pieces(&mut ana, third, &noise(half.len(), 2), 0, half.len());
    ana.refused(&end(third), "hash_mismatch");
    let (fourth, _) = begun(&mut ana, &to("bia"), "quatro.bin", &half);
    ana.refused(&begin(&to("bia"), "cinco.bin", b"x"), "quota_exceeded");
    // A restart forgets nothing of it.
    for kill in [false, true] {
        if kill {
            server.crash();
        } else {
            server.restart();
        }
        ana = modern(&server, "ana");
        ana.refused(&begin(&to("bia"), "cinco.bin", b"x"), "quota_exceeded");
    }
    let (same, _) = begun(&mut ana, &to("bia"), "quatro.bin", &half);
    assert_eq!(same, fourth);
    send_pieces(&mut ana, fourth, &half, 0, half.len());
    ana.ok(&end(fourth));
    ana.refused(&begin(&to("bia"), "cinco.bin", b"x"), "quota_exceeded");
    // Nothing takes no room.
    upload(&mut ana, &to("bia"), "vazio", b"");
}

#[test]
fn the_fifth_unfinished_upload_is_refused() {
    let server = Server::start();
    let mut ana = modern(&server, "ana");
    let _bia = server.join("bia");
    let bytes = noise(10, 1);
    let open: Vec<u64> =
        (0..4).map(|at| begun(&mut ana, &to("bia"), &format!("{at}"), &bytes).0).collect();
    ana.refused(&begin(&to("bia"), "4", &bytes), "quota_exceeded");
    // One that is there goes on.
    assert_eq!(begun(&mut ana, &to("bia"), "2", &bytes).0, open[2]);
    send_pieces(&mut ana, open[0], &bytes, 0, 10);
    ana.ok(&end(open[0]));
    let (fifth, _) = begun(&mut ana, &to("bia"), "4", &bytes);
    ana.refused(&begin(&to("bia"), "5", &bytes), "quota_exceeded");
    ana.ok(&cancel(fifth));
    begun(&mut ana, &to("bia"), "5", &bytes);
}

#[test]
fn the_space_that_stays_free_is_not_given_away() {
    let server = with_flags(&["--min-free-disk", "1000000GiB"]);
    let mut ana = modern(&server, "ana");
    let mut bia = server.join("bia");
    for _ in 0..6 {
        // Each comes to nothing, so that no fifth is in the way.
        ana.refused(&begin(&to("bia"), "a.bin", &noise(PIECE, 1)), "storage_unavailable");
    }
    eventually("no part is left", || parts(&server).is_empty());
    ana.refused(&chunk(1, 0, b"x"), "unknown_file");
    ana.tell("bia", "nem por isso");
    bia.hears("ana", "nem por isso");
}
