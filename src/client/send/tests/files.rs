//! `papo send --file`.

use std::path::PathBuf;

use super::*;
use crate::client::fake::shelf::{Shelf, bytes};
use crate::limits::CHUNK_BYTES;

/// A file of so many bytes.
fn file(folder: &tempfile::TempDir, count: usize) -> (PathBuf, Vec<u8>) {
    let path = folder.path().join("x.bin");
    std::fs::write(&path, bytes(count)).unwrap();
    (path, bytes(count))
}

/// Sends it to bia over these many connections.
fn send(shelf: &Shelf, path: &std::path::Path, connections: usize) -> (u8, String, String) {
    let plays = (0..connections).map(|_| shelf.play(&[])).collect();
    let server = FakeServer::start(plays);
    let args = ["--user", "ana", "--file", path.to_str().unwrap(), "bia"];
    let ran = run(&server.address, &args, b"");
    server.finish();
    ran
}

#[track_caller]
fn has(shelf: &Shelf, expected: &[u8]) {
    let kept = shelf.lock();
    let file = kept.files.values().next().expect("a file");
    assert!(file.1 == expected);
    assert_eq!((kept.files.len(), kept.uploads.len()), (1, 0));
}

#[test]
fn a_file_goes_in_pieces() {
    let folder = tempfile::tempdir().unwrap();
    for count in [0, 1, CHUNK_BYTES, 40 * CHUNK_BYTES + 7] {
        let shelf = Shelf::default();
        let (path, expected) = file(&folder, count);
        let (exit, number, told) = send(&shelf, &path, 1);
        assert_eq!((exit, told.as_str()), (0, ""), "{count}");
        has(&shelf, &expected);
        let kept = shelf.lock();
        assert_eq!(number, format!("{}\n", kept.files.keys().next().unwrap()));
        let begun = &kept.of("file_begin")[0];
        assert_eq!((&begun["recipient"], &begun["filename"]), (&"bia".into(), &"x.bin".into()));
        assert_eq!(begun["size"], count);
        assert_eq!(kept.of("file_chunk").len(), count.div_ceil(CHUNK_BYTES));
    }
}

#[test]
fn a_file_goes_to_a_group() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = file(&folder, 10);
    let shelf = Shelf::default();
    let server = FakeServer::start(vec![shelf.play(&[])]);
    let args = ["--user", "ana", "--group", "T", "--json", "--file", path.to_str().unwrap()];
    let (exit, answer, _) = run(&server.address, &args, b"");
    server.finish();
    assert_eq!(exit, 0);
    assert!(answer.contains(r#""saved_as":"x.bin""#), "{answer}");
    assert_eq!(shelf.lock().of("file_begin")[0]["group_name"], "T");
}

#[test]
fn a_connection_that_is_cut_costs_nothing_but_time() {
    let folder = tempfile::tempdir().unwrap();
    let (path, expected) = file(&folder, 30 * CHUNK_BYTES);
    for fuse in [0, 10, 29] {
        let shelf = Shelf::default();
        shelf.lock().fuse = Some(fuse * CHUNK_BYTES);
        assert_eq!(send(&shelf, &path, 2).0, 0, "{fuse}");
        has(&shelf, &expected);
        let kept = shelf.lock();
        // What the server has is not sent again.
        let last = kept.of("file_chunk").into_iter().skip_while(|chunk| chunk["offset"] != 0);
        let begun = kept.requests.iter().rposition(|request| request["type"] == "file_begin");
        let after = &kept.requests[begun.unwrap() + 1];
        assert_eq!(after["offset"], fuse * CHUNK_BYTES);
        assert!(last.count() >= 30);
    }
}

#[test]
fn an_answer_that_is_lost_is_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let (path, expected) = file(&folder, 3 * CHUNK_BYTES);
    for (mute, begun) in [("file_begin", 2), ("file_end", 1)] {
        let shelf = Shelf::default();
        shelf.lock().mute = Some(mute);
        assert_eq!(send(&shelf, &path, 2).0, 0, "{mute}");
        has(&shelf, &expected);
        let kept = shelf.lock();
        assert_eq!(kept.of("file_begin").len(), begun, "{mute}");
        if mute == "file_end" {
            let ends = kept.of("file_end");
            assert_eq!(ends[0], ends[1]);
        }
    }
}

#[test]
fn another_run_goes_on_where_the_last_one_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let (path, expected) = file(&folder, 10 * CHUNK_BYTES);
    let shelf = Shelf::default();
    let begun = serde_json::json!({
        "recipient": "bia", "filename": "x.bin", "size": expected.len(),
        "sha256": crate::client::fake::shelf::sha256(&expected),
    });
    let part = expected[..4 * CHUNK_BYTES].to_vec();
    shelf.lock().uploads.insert(9, (begun, part));
    assert_eq!(send(&shelf, &path, 1), (0, "9\n".into(), String::new()));
    has(&shelf, &expected);
    assert_eq!(shelf.lock().of("file_chunk").len(), 6);
}

#[test]
fn what_the_server_has_lost_is_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    let (path, expected) = file(&folder, 10 * CHUNK_BYTES);
    for refusal in [
        ("file_chunk", "unknown_file"),
        ("file_chunk", "invalid_chunk"),
        ("file_end", "unknown_file"),
        ("file_end", "hash_mismatch"),
    ] {
        let shelf = Shelf::default();
        shelf.lock().refusals.push(refusal);
        assert_eq!(send(&shelf, &path, 1).0, 0, "{refusal:?}");
        has(&shelf, &expected);
        assert_eq!(shelf.lock().of("file_begin").len(), 2, "{refusal:?}");
    }
    let shelf = Shelf::default();
    shelf.lock().refusals = vec![("file_end", "hash_mismatch"); 10];
    let (exit, _, told) = send(&shelf, &path, 1);
    assert_eq!((exit, told.as_str()), (1, "Não: hash_mismatch"));
}

#[test]
fn a_refusal_comes_before_the_first_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = file(&folder, 10 * CHUNK_BYTES);
    for code in ["too_large", "quota_exceeded", "storage_unavailable", "not_member"] {
        let shelf = Shelf::default();
        shelf.lock().refusals.push(("file_begin", code));
        let (exit, number, told) = send(&shelf, &path, 1);
        assert_eq!((exit, number.as_str()), (1, ""));
        assert!(told.starts_with(&format!("Não: {code}")), "{told}");
        assert_eq!(shelf.lock().of("file_chunk").len(), 0);
    }
}

#[test]
fn a_full_disk_in_the_middle_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = file(&folder, 10 * CHUNK_BYTES);
    let shelf = Shelf::default();
    shelf.lock().refusals.push(("file_chunk", "storage_unavailable"));
    let (exit, _, told) = send(&shelf, &path, 1);
    assert_eq!((exit, told.as_str()), (1, "Não: storage_unavailable"));
    assert_eq!(shelf.lock().of("file_cancel").len(), 1);
}

#[test]
fn a_file_that_changes_meanwhile_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = file(&folder, 10 * CHUNK_BYTES);
    let shelf = Shelf::default();
    shelf.lock().fuse = Some(CHUNK_BYTES);
    let (serve, changed) = (shelf.clone(), path.clone());
    let server = FakeServer::start(vec![
        shelf.play(&[]),
        play(move |peer: &mut Peer| {
            std::fs::write(changed, "outra coisa").unwrap();
            peer.take_login();
            serve.serve(peer);
        }),
    ]);
    let args = ["--user", "ana", "--file", path.to_str().unwrap(), "bia"];
    let (exit, number, told) = run(&server.address, &args, b"");
    server.finish();
    assert_eq!((exit, number.as_str()), (1, ""));
    assert!(told.contains("x.bin mudou enquanto era enviado"), "{told}");
}
