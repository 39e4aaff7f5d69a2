//! What an upload is called leads nowhere but into the folder, and over nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::common::evil::EVIL_NAMES;
use super::common::{Server, text};
use super::{begin, begun, fetched, files_in, kept, modern, send_pieces, to, upload};

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn no_name_leads_out_of_the_folder_or_over_another_file() {
    let server = Server::start();
    let mut ana = modern(&server, "ana");
    let mut bia = modern(&server, "bia");
    let mut expected = BTreeMap::new();
    for (at, (name, safe)) in EVIL_NAMES.into_iter().enumerate() {
        let bytes = format!("arquivo {at}").into_bytes();
        let answer = upload(&mut ana, &to("bia"), name, &bytes);
        let event = bia.event("file_received");
        assert_eq!(text(&event, "filename"), safe, "{name:?}");
        assert_eq!(fetched(&mut bia, &event), bytes, "{name:?}");
        let saved_as =
            text(&answer, "saved_as").rsplit('/').next().expect("a last part").to_owned();
        assert!(expected.insert(saved_as, bytes).is_none(), "{name:?} was kept over another file");
    }
    assert_eq!(kept(&server), expected);
    assert_eq!(files_in(&server, "uploads"), BTreeMap::new());
    assert_eq!(names_in(&server.home()), ["data"]);
    let data = ["papo.db", "papo.db-shm", "papo.db-wal", "papo.lock", "server_files", "uploads"];
    assert_eq!(names_in(&server.data()), data);
    assert!(!Path::new("/tmp/papo-fora.txt").exists());
}

#[test]
fn a_long_name_is_cut_and_keeps_its_extension() {
    let server = Server::start();
    let mut ana = modern(&server, "ana");
    let mut bia = modern(&server, "bia");
    for unit in ["a", "ção", "😀"] {
        for _ in 0..2 {
            let name = format!("{}.pdf", unit.repeat(300 / unit.len() + 1));
            upload(&mut ana, &to("bia"), &name, b"x");
            let event = bia.event("file_received");
            let safe = text(&event, "filename");
            assert!(safe.len() <= 200, "{} bytes", safe.len());
            assert_eq!(Path::new(safe).extension(), Some("pdf".as_ref()), "{safe}");
        }
    }
    assert_eq!(kept(&server).len(), 6);
}

#[test]
fn two_who_meet_in_one_name_do_not_overwrite_each_other() {
    let server = Server::start();
    let mut one = modern(&server, "a_b");
    let mut other = modern(&server, "a");
    let _bia = server.join("bia");
    upload(&mut one, &to("bia"), "c", b"um");
    upload(&mut other, &to("bia"), "b_c", b"outro");
    upload(&mut one, &to("bia"), "c", b"mais um");
    let kept = kept(&server);
    assert_eq!(kept["a_b_c"], b"um");
    assert_eq!(kept["a_b_c (2)"], b"outro");
    assert_eq!(kept["a_b_c (3)"], b"mais um");
}

#[cfg(unix)]
#[test]
fn no_link_is_followed() {
    let mut server = Server::start();
    let target = server.home().join("alvo");
    let files = server.data().join("server_files");
    fs::create_dir_all(&files).expect("a folder");
    fs::create_dir(files.join("ana_b")).expect("a folder");
    std::os::unix::fs::symlink(&target, files.join("ana_a")).expect("a link");
    let mut ana = modern(&server, "ana");
    let _bia = server.join("bia");
    for (name, saved_as) in [("a", "ana_a (2)"), ("b", "ana_b (2)")] {
        let answer = upload(&mut ana, &to("bia"), name, b"x");
        assert!(text(&answer, "saved_as").ends_with(saved_as), "{answer}");
    }
    assert!(!target.exists());
    // Nor where parts grow.
    let (file_id, _) = begun(&mut ana, &to("bia"), "c", b"xyz");
    send_pieces(&mut ana, file_id, b"x", 0, 1);
    server.stop();
    let part = server.data().join("uploads").join(format!("{file_id}.part"));
    fs::remove_file(&part).expect("the part");
    std::os::unix::fs::symlink(&target, part).expect("a link");
    server.again();
    let mut ana = modern(&server, "ana");
    ana.refused(&begin(&to("bia"), "c", b"xyz"), "storage_unavailable");
    assert!(!target.exists());
    ana.tell("bia", "e segue");
}
