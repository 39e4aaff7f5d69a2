//! Files that arrive while `papo listen` runs.

use super::*;
use crate::client::fake::shelf::{Shelf, bytes};
use crate::limits::CHUNK_BYTES;

/// Listens over these connections; the folder's name is left out of what was printed.
fn listen(
    folder: &tempfile::TempDir,
    plays: Vec<crate::client::fake::Play>,
    args: &[&str],
) -> (u8, String) {
    let server = FakeServer::start(plays);
    let path = folder.path().to_str().unwrap();
    let all = [args, &["--downloads", path]].concat();
    let (exit, stdout, _) = run(&server.address, &all);
    server.finish();
    (exit, stdout.replace(path, "d"))
}

#[test]
fn files_are_fetched_and_told() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), Shelf::default());
    let small = shelf.offer(1, &bytes(3 * CHUNK_BYTES));
    let large = shelf.offer(2, &bytes(200 * 1024));
    shelf.lock().fuse = Some(CHUNK_BYTES);
    let plays = vec![shelf.play(&[small, large]), shelf.play(&[])];
    let args = ["--count", "2", "--auto-download", "150KiB"];
    // The second connection is made for the file that is not here yet.
    let (exit, printed) = listen(&folder, plays, &args);
    assert_eq!(exit, 0);
    let events = "📎 [ARQUIVO PRIVADO] bob (14:30:25) enviou: x1.bin\n\
                  📎 [ARQUIVO PRIVADO] bob (14:30:25) enviou: x2.bin\n   \
                  200,0 KiB, não baixado: passa de --auto-download\n";
    assert_eq!(printed, format!("{events}   Salvo como: d/bob_x1.bin\n"));
    assert!(std::fs::read(folder.path().join("bob_x1.bin")).unwrap() == bytes(3 * CHUNK_BYTES));
}

#[test]
fn a_program_is_told_where_a_file_is() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), Shelf::default());
    let offer = shelf.offer(1, b"abc");
    let plays = vec![shelf.play(std::slice::from_ref(&offer))];
    let (exit, printed) = listen(&folder, plays, &["--json", "--count", "1"]);
    assert_eq!(exit, 0);
    let saved = r#"{"type":"file_saved","file_id":1,"sender":"bob","filename":"x1.bin","size":3,"saved_as":"d/bob_x1.bin"}"#;
    let synced = r#"{"type":"synced","cursor":0}"#;
    assert_eq!(printed, format!("{synced}\n{offer}\n{saved}\n"));
    let plays = vec![shelf.play(std::slice::from_ref(&offer))];
    let never = ["--json", "--count", "1", "--auto-download", "0"];
    assert_eq!(listen(&folder, plays, &never), (0, format!("{synced}\n{offer}\n")));
    assert_eq!(run("127.0.0.1:1", &["--auto-download", "20MB"]).0, 2);
}
