//! Files through the menu, and files that are offered.

use std::fmt::Write;
use std::fs;

use super::*;
use crate::client::fake::shelf::{Shelf, bytes};
use crate::limits::CHUNK_BYTES;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// What is in the folder of the downloads, hidden or not.
fn names(folder: &tempfile::TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path().join("d")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn saved(folder: &tempfile::TempDir, name: &str) -> Vec<u8> {
    fs::read(folder.path().join("d").join(name)).unwrap()
}

/// A client that does nothing but wait for its files: a message keeps it there until they are offered.
fn wait_at(
    folder: &tempfile::TempDir,
    shelf: &Shelf,
    plays: Vec<crate::client::fake::Play>,
) -> String {
    let server = FakeServer::start(plays);
    let (end, shown) = slowly(folder, &server, "1\nbia\noi\n");
    server.finish();
    assert_eq!(exit(end), 0, "{shown}");
    assert!(shelf.lock().uploads.is_empty());
    shown
}

#[test]
fn files_are_sent_while_one_writes() {
    let (folder, shelf) = (folder(), Shelf::default());
    let mut script = String::new();
    for number in 0..6 {
        let path = folder.path().join(format!("{number}.bin"));
        fs::write(&path, bytes(number * CHUNK_BYTES + number)).unwrap();
        let path = path.display();
        write!(script, "4\n1\nbia\n{path}\n1\nbia\noi {number}\n").unwrap();
    }
    let server = FakeServer::start(vec![shelf.play(&[])]);
    let (end, shown) = run_at(&folder, &server, Some("ana"), &script);
    server.finish();
    assert_eq!(exit(end), 0, "{shown}");
    let kept = shelf.lock();
    assert_eq!((kept.files.len(), kept.uploads.len()), (6, 0));
    for (begun, sent) in kept.files.values() {
        assert_eq!(begun["size"], sent.len());
        let name = begun["filename"].as_str().unwrap();
        assert!(shown.contains(&format!("📤 Enviando {name} (")), "{shown}");
        assert!(shown.contains(&format!("✅ Arquivo enviado (bia: {name})\n")), "{shown}");
    }
}

#[test]
fn an_upload_goes_on_over_the_next_connection() {
    let (folder, shelf) = (folder(), Shelf::default());
    let path = folder.path().join("x.bin");
    fs::write(&path, bytes(20 * CHUNK_BYTES)).unwrap();
    shelf.lock().fuse = Some(7 * CHUNK_BYTES);
    let server = FakeServer::start(vec![shelf.play(&[]), shelf.play(&[])]);
    let script = format!("4\n2\nT\n{}\n", path.display());
    let (end, shown) = run_at(&folder, &server, Some("ana"), &script);
    server.finish();
    assert_eq!(exit(end), 0, "{shown}");
    assert!(shown.contains("⏩ x.bin: retomando de 336,0 KiB\n"), "{shown}");
    assert!(shown.contains("✅ Arquivo enviado (T: x.bin)\n"), "{shown}");
    let kept = shelf.lock();
    assert!(kept.files.values().next().unwrap().1 == bytes(20 * CHUNK_BYTES));
}

#[test]
fn what_cannot_be_sent_is_told() {
    let (folder, shelf) = (folder(), Shelf::default());
    let path = folder.path().join("x.bin");
    fs::write(&path, "x").unwrap();
    shelf.lock().refusals.push(("file_begin", "unknown_user"));
    let server = FakeServer::start(vec![shelf.play(&[])]);
    let script = format!("4\n1\nbia\n{}\n4\n1\nbia\n/nada\n", path.display());
    let (end, shown) = run_at(&folder, &server, Some("ana"), &script);
    server.finish();
    assert_eq!(exit(end), 0, "{shown}");
    assert!(shown.contains("❌ Não: unknown_user. Confira o nome: a opção 5"), "{shown}");
    assert!(shown.contains(" (bia: x.bin)\n"), "{shown}");
    assert!(shown.contains("❌ Arquivo não encontrado: /nada."), "{shown}");
}

#[test]
fn offered_files_are_fetched_several_at_a_time() {
    let (folder, shelf) = (folder(), Shelf::default());
    let sizes = [0, 1, CHUNK_BYTES, 9 * CHUNK_BYTES + 5, 200, 3 * CHUNK_BYTES, 7];
    let mut frames: Vec<String> =
        (1..).zip(sizes).map(|(id, size)| shelf.offer(id, &bytes(size))).collect();
    // One of them was missed.
    frames[3] = frames[3].replace(r#""timestamp""#, r#""backlog":true,"timestamp""#);
    frames.insert(4, r#"{"type":"synced","cursor":4}"#.to_owned());
    let shown = wait_at(&folder, &shelf, vec![shelf.play(&frames)]);
    for (id, size) in (1..).zip(sizes) {
        let name = format!("bob_x{id}.bin");
        assert!(saved(&folder, &name) == bytes(size), "{name}");
        assert!(shown.contains(&format!("   Salvo como: client_downloads/{name}\n")), "{shown}");
    }
    assert_eq!(names(&folder).len(), sizes.len());
}

#[test]
fn a_download_goes_on_over_the_next_connection() {
    for fuse in [0, 5, 19] {
        let (folder, shelf) = (folder(), Shelf::default());
        let offer = shelf.offer(1, &bytes(20 * CHUNK_BYTES));
        shelf.lock().fuse = Some(fuse * CHUNK_BYTES);
        let shown = wait_at(&folder, &shelf, vec![shelf.play(&[offer]), shelf.play(&[])]);
        assert!(saved(&folder, "bob_x1.bin") == bytes(20 * CHUNK_BYTES), "{shown}");
        assert_eq!(names(&folder), ["bob_x1.bin"]);
        let gets = shelf.lock().of("file_get");
        assert_eq!((gets.len(), &gets[1]["offset"]), (2, &(fuse * CHUNK_BYTES).into()));
        assert_eq!(shown.contains("⏩ x1.bin: retomando de"), fuse > 0, "{shown}");
    }
}

#[test]
fn another_run_goes_on_with_what_the_last_one_left() {
    let (folder, shelf) = (folder(), Shelf::default());
    let offer = shelf.offer(1, &bytes(20 * CHUNK_BYTES));
    // The event comes in the first run, and the connection ends before the file: so does the run.
    let server = FakeServer::start(vec![play(move |peer: &mut Peer| {
        peer.take_login();
        peer.send(&offer);
        let get = peer.expect("file_get");
        let data = base64(&bytes(CHUNK_BYTES));
        peer.send(&format!(
            r#"{{"type":"file_data","file_id":1,"offset":0,"data":"{data}","eof":false}}"#
        ));
        std::thread::sleep(Duration::from_millis(200));
        peer.answer(
            &get,
            "file_response",
            r#""status":"error","code":"shutting_down","message":"""#,
        );
        peer.take_logout();
    })]);
    let memory = Memory::default();
    let screen = Screen::to(Box::new(memory.clone()), false).unwrap();
    let downloads = Downloads::new(folder.path().join("d"));
    let vault = Vault::new(None, &server.address);
    let app = App::new(Lang::Pt, true, unique_label(), Some("ana".to_owned()), None);
    let session = Session::new(Lang::Pt, true, app, screen.clone(), downloads, vault);
    let stream = Stream::plain(TcpStream::connect(&server.address).unwrap());
    link::start(Arc::clone(&session), (server.address.clone(), None), stream).unwrap();
    std::thread::sleep(Duration::from_millis(700));
    session.run(&mut Keyboard::Script(VecDeque::new(), screen), true).unwrap();
    server.finish();
    let shown = String::from_utf8(memory.0.lock().unwrap().clone()).unwrap();
    assert!(shown.contains("❌ 1 arquivo ficou pela metade"), "{shown}");
    let left = names(&folder);
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left[1].contains(".part") && left[1].contains("-1-983040-"), "{left:?}");

    let shown = wait_at(&folder, &shelf, vec![shelf.play(&[])]);
    assert!(shown.contains("⏩ x1.bin: retomando de 48,0 KiB\n"), "{shown}");
    assert!(saved(&folder, "bob_x1.bin") == bytes(20 * CHUNK_BYTES));
    assert_eq!(names(&folder), ["bob_x1.bin"]);
    assert_eq!(shelf.lock().of("file_get")[0]["offset"], CHUNK_BYTES);
}

fn base64(bytes: &[u8]) -> String {
    use ::base64::Engine;
    ::base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn wrong_bytes_are_dropped_and_told() {
    let (folder, shelf) = (folder(), Shelf::default());
    let offer = shelf.offer(1, &bytes(3 * CHUNK_BYTES));
    shelf.offer(1, &vec![7; 3 * CHUNK_BYTES]);
    let shown = wait_at(&folder, &shelf, vec![shelf.play(&[offer])]);
    assert!(shown.contains("❌ x1.bin chegou com outros bytes (SHA-256 diferente)"), "{shown}");
    let left = names(&folder);
    assert!(left.len() == 1 && left[0].contains(".offer"), "{left:?}");
}

#[test]
fn a_large_file_is_fetched_when_it_is_asked_for() {
    let (folder, shelf) = (folder(), Shelf::default());
    let size = usize::try_from(crate::client::downloads::AUTOMATIC_BYTES).unwrap() + 1;
    let offer = shelf.offer(1, &bytes(size));
    let server = FakeServer::start(vec![shelf.play(&[offer])]);
    // What it was asked for first is answered after the offer.
    let script = "1\nbia\noi\n\n\n24\n1\n";
    let (end, shown) = slowly(&folder, &server, script);
    server.finish();
    assert_eq!(exit(end), 0, "{shown}");
    assert!(shown.contains("   20,0 MiB, ainda não baixado: a opção 24 baixa.\n"), "{shown}");
    assert!(shown.contains("  1. x1.bin - 20,0 MiB, bob\n"), "{shown}");
    assert!(shown.contains("📥 Baixando x1.bin (20,0 MiB)...\n"), "{shown}");
    assert!(saved(&folder, "bob_x1.bin") == bytes(size), "{shown}");
    assert_eq!(names(&folder), ["bob_x1.bin"]);
}

/// A client whose keyboard begins when the server has said what it has to say.
fn slowly(
    folder: &tempfile::TempDir,
    server: &FakeServer,
    script: &str,
) -> (Result<(), Failure>, String) {
    let memory = Memory::default();
    let screen = Screen::to(Box::new(memory.clone()), false).unwrap();
    let downloads = Downloads::new(folder.path().join("d"));
    let vault = Vault::new(None, &server.address);
    let app = App::new(Lang::Pt, false, unique_label(), Some("ana".to_owned()), None);
    let session = Session::new(Lang::Pt, false, app, screen.clone(), downloads, vault);
    let stream = Stream::plain(TcpStream::connect(&server.address).unwrap());
    link::start(Arc::clone(&session), (server.address.clone(), None), stream).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let lines = script.lines().map(str::to_owned).collect();
    let end = session.run(&mut Keyboard::Script(lines, screen), true);
    let shown = String::from_utf8(memory.0.lock().unwrap().clone()).unwrap();
    (end, shown.replace(&folder.path().join("d").display().to_string(), "client_downloads"))
}

#[test]
fn a_file_that_is_gone_is_forgotten() {
    let (folder, shelf) = (folder(), Shelf::default());
    let offer = shelf.offer(1, b"x");
    shelf.lock().files.clear();
    let shown = wait_at(&folder, &shelf, vec![shelf.play(&[offer])]);
    assert!(shown.contains("❌ Não: unknown_file"), "{shown}");
    assert_eq!(names(&folder), [""; 0]);
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_part_is_not_followed() {
    let (folder, shelf) = (folder(), Shelf::default());
    let offer = shelf.offer(1, b"abc");
    let outside = folder.path().join("outside");
    fs::write(&outside, "").unwrap();
    let downloads = Downloads::new(folder.path().join("d"));
    downloads.of_user("ana");
    let known = crate::client::offers::Offer::of(
        &crate::wire::event::Incoming::decode(offer.as_bytes()).unwrap(),
    )
    .unwrap();
    fs::create_dir(folder.path().join("d")).unwrap();
    std::os::unix::fs::symlink(&outside, downloads.part(&known)).unwrap();
    let shown = wait_at(&folder, &shelf, vec![shelf.play(&[offer])]);
    assert!(shown.contains("❌ x1.bin não pôde ser salvo"), "{shown}");
    assert_eq!(fs::read(outside).unwrap(), b"");
}
