//! What happens to the machine: processes stand still, descriptors run out, the clock leaps, somebody
//! else is at the data.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::server::{papo, wait_for_end};
use crate::common::transcript::Transcript;
use crate::common::{Framing, Heard, Peer, Server, number, raw, text};
use crate::stage::{Stage, attack, attack_by, figure, history, is_long, read_to_end};

/// How long a process stands still: a minute where there is time for it.
fn a_while() -> Duration {
    Duration::from_secs(if is_long() { 60 } else { 3 })
}

#[cfg(unix)]
#[test]
fn a_server_that_stands_still_goes_on_where_it_was() {
    attack(|stage| {
        stage.stands_still();
        let mut knows =
            stage.server.join_with("atenta", Framing::Line, &json!({ "features": ["heartbeat"] }));
        knows.until("synced");
        let mut half = stage.server.join("metade");
        half.send_bytes(b"{\"type\":\"ping\",");
        stage.server.still_serves();
        stage.server.signal("STOP");
        // Whoever asks meanwhile waits for the answer, and whoever comes waits at the door.
        half.send_bytes(b"\"id\":7}\n");
        knows.send(&json!({
            "type": "private_message", "recipient": "vera", "content": "ainda dorme?", "id": 8,
        }));
        let mut comes = Peer::new(stage.server.dial(), Framing::Line);
        comes.send(&json!({ "type": "login", "username": "pontual", "id": 9 }));
        std::thread::sleep(a_while());
        stage.server.signal("CONT");
        assert_eq!(half.event("pong")["id"], 7);
        let answer = knows.answer_to(&json!(8));
        stage.acknowledged("atenta", &answer);
        assert_eq!(comes.answer_to(&json!(9))["status"], "success");
    });
}

#[cfg(unix)]
#[test]
fn a_client_that_stands_still_misses_nothing() {
    attack(|stage| {
        stage.server.join("robo").leave();
        let home = tempfile::tempdir().expect("a folder");
        let mut client = papo()
            .args(["listen", "--user", "robo", "--count", "200", "--seconds", "120", "--server"])
            .arg(format!("localhost:{}", stage.server.port()))
            .env("PAPO_HOME", home.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("papo starts");
        let shown = Transcript::follow(client.stdout.take().expect("piped"));
        let mut ana = stage.server.join("ana");
        crate::common::eventually("it listens", || {
            let users = ana.ok(&json!({ "type": "list_users" }));
            crate::common::texts(&users, "users").contains(&"robo")
        });
        let signal = |name: &str| {
            let told = Command::new("kill").args([name, &client.id().to_string()]).status();
            assert!(told.expect("kill").success());
        };
        signal("-STOP");
        for n in 0..200 {
            ana.tell("robo", &format!("número {n} {}", "x".repeat(5_000)));
        }
        std::thread::sleep(a_while());
        signal("-CONT");
        let lines = shown.whole_within(Duration::from_secs(60));
        wait_for_end(&mut client);
        let numbers: Vec<usize> = lines
            .iter()
            .filter_map(|line| line.split("número ").nth(1)?.split(' ').next()?.parse().ok())
            .collect();
        assert_eq!(numbers, (0..200).collect::<Vec<_>>());
    });
}

/// A server that may have so many descriptors, and no more.
#[cfg(unix)]
fn with_descriptors(count: usize) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -n {count} && exec \"$0\" \"$@\"")]);
    shell.arg(env!("CARGO_BIN_EXE_papo")).env_remove("PAPO_LANG");
    shell
}

/// People come in until one is turned away. Gives those who are in.
#[cfg(unix)]
fn fill(stage: &Stage) -> Vec<Peer> {
    let mut inside = Vec::new();
    loop {
        let mut peer = stage.server.connect(Framing::Line);
        let login = json!({ "type": "login", "username": format!("dentro {}", inside.len()) });
        if !peer.try_send(&login) {
            return inside;
        }
        match peer.hear() {
            Heard::Frame(frame) if frame["status"] == "success" => inside.push(peer),
            Heard::Frame(frame) => {
                assert_eq!(frame["code"], "server_full", "{frame}");
                return inside;
            }
            // A reset ate what it was told: the server closed before it had read the login.
            Heard::End => return inside,
            Heard::Silence => panic!("neither in nor told"),
        }
        assert!(inside.len() < 96, "descriptors without end");
    }
}

/// Who comes now, and says nothing that could be lost, is told why it cannot come in.
#[cfg(unix)]
#[track_caller]
fn is_turned_away(stage: &Stage) {
    let mut late = stage.server.connect(Framing::Line);
    late.error("server_full");
    late.end();
}

#[cfg(unix)]
#[track_caller]
fn comes_in_again(stage: &Stage) {
    crate::common::eventually("there is room again", || {
        let mut peer = stage.server.connect(Framing::Line);
        peer.try_send(&json!({ "type": "login", "username": "depois" }))
            && matches!(peer.hear(), Heard::Frame(frame) if frame["status"] == "success")
    });
}

/// Of so few descriptors many are kept for other things: full is a server before it has none.
#[cfg(unix)]
#[test]
fn when_full_newcomers_are_told_and_those_inside_talk_and_send_files() {
    attack_by(with_descriptors(96), &[], |stage| {
        let mut ana = stage.server.join("ana");
        // A silent crowd gives way to whoever comes; people do not.
        let silent: Vec<_> = (0..200).map(|_| stage.server.dial()).collect();
        let mut inside = fill(stage);
        assert!(inside.len() > 20, "{} came in", inside.len());
        is_turned_away(stage);
        for peer in &mut inside {
            peer.nothing_more();
        }
        stage.server.stdout().wait_for("Cheio: 32 conexões");
        let sent = ana.ok(&json!({
            "type": "send_file", "recipient": "vera", "filename": "x", "file_data": "b2k=",
        }));
        stage.acknowledged("ana", &sent);
        let begun = ana.ok(&json!({
            "type": "file_begin", "recipient": "vera", "filename": "y", "size": 3,
            "sha256": "0a9e0a1a57d2dd8c7c9e6b9a8f1c5c8a4a0f3c1a2b3c4d5e6f708192a3b4c5d6",
        }));
        ana.ok(&json!({ "type": "file_cancel", "file_id": begun["file_id"] }));
        drop((silent, inside));
        comes_in_again(stage);
    });
}

/// How many are turned away in about a second, and in how many tenths of it they may have been. The
/// server hardly works meanwhile.
#[cfg(target_os = "linux")]
#[track_caller]
fn a_second_of(stage: &Stage, looks: &mut raw::Http) -> (u128, u128) {
    let mut told = || figure::<u128>(&looks.get("/metrics", ""), "papo_connections_refused_total");
    let (began, before) = (Instant::now(), told());
    let worked = stage.server.cpu().expect("Linux");
    std::thread::sleep(Duration::from_secs(1));
    let worked = stage.server.cpu().expect("Linux").saturating_sub(worked);
    let (told, took) = (told() - before, began.elapsed());
    assert!(worked < took / 4, "{worked:?} of processor time in {took:?}");
    (told, took.as_millis() / 100)
}

/// Fewer descriptors than the fewest connections that a server means to take: it is not full, and the
/// system takes nobody in any more.
#[cfg(target_os = "linux")]
#[test]
fn without_descriptors_newcomers_are_told_or_wait_and_those_inside_talk() {
    const FAILED: &str = "Não foi possível aceitar uma conexão";
    attack_by(with_descriptors(28), &[], |stage| {
        let mut ana = stage.server.join("ana");
        let mut looks = raw::Http::dial(&stage.server);
        assert_eq!(looks.get("/healthz", "").status, 200);
        let mut inside = fill(stage);
        assert!(!inside.is_empty());
        stage.server.stdout().wait_for(FAILED);
        for _ in 0..3 {
            is_turned_away(stage);
        }
        let file = json!({
            "type": "send_file", "recipient": "vera", "filename": "x", "file_data": "b2k=",
        });
        ana.refused(&file, "storage_unavailable");
        // While nobody waits the server does not look again and again, and says it once.
        let (told, _) = a_second_of(stage, &mut looks);
        assert_eq!(told, 0);
        let lines = stage.server.stdout().lines();
        assert!(!lines.iter().any(|line| line.contains("Cheio")), "{lines:#?}");
        assert_eq!(lines.iter().filter(|line| line.contains(FAILED)).count(), 1, "{lines:#?}");

        // A crowd is told one after the other, and the rest of it waits.
        let crowd: Vec<Peer> = (0..60)
            .map(|n| {
                let mut peer = stage.server.connect(Framing::Line);
                peer.send(&json!({ "type": "login", "username": format!("espera {n}") }));
                peer
            })
            .collect();
        let (told, tenths) = a_second_of(stage, &mut looks);
        assert!((1..tenths + 2).contains(&told), "{told} told in {tenths} tenths of a second");
        let answer = ana.tell("vera", "aqui dentro nada mudou");
        stage.acknowledged("ana", &answer);
        for peer in &mut inside {
            peer.nothing_more();
        }
        // Once somebody has left, whoever still waits comes in without coming again.
        drop(inside);
        let mut came_in = 0;
        for mut peer in crowd {
            match peer.hear() {
                Heard::Frame(frame) if frame["status"] == "success" => came_in += 1,
                Heard::Frame(frame) => assert_eq!(frame["code"], "server_full", "{frame}"),
                Heard::End => {}
                Heard::Silence => panic!("neither in nor told"),
            }
        }
        assert!(came_in > 0, "all sixty were turned away");
        comes_in_again(stage);
    });
}

#[test]
fn a_second_server_on_the_same_data_is_told_and_harms_nothing() {
    attack(|stage| {
        for durability in ["sync", "os", "memory"] {
            let output = papo()
                .args(["server", "--listen", "localhost:0", "--durability", durability, "--data"])
                .arg(stage.server.data())
                .current_dir(stage.server.home())
                .output()
                .expect("papo starts");
            assert_eq!(output.status.code(), Some(1), "{durability}: {output:?}");
            let said = String::from_utf8(output.stderr).expect("UTF-8");
            assert_eq!(said.lines().count(), 1, "{said}");
            assert!(said.contains("em uso"), "{said}");
        }
    });
}

#[cfg(unix)]
#[test]
fn a_second_server_that_comes_by_another_path_is_told_too() {
    attack(|stage| {
        let link = stage.server.home().join("atalho");
        std::os::unix::fs::symlink(stage.server.data(), &link).expect("a link");
        let output = papo()
            .args(["server", "--listen", "localhost:0", "--data"])
            .arg(&link)
            .output()
            .expect("papo starts");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        std::fs::remove_file(link).expect("it was there");
    });
}

#[test]
fn twenty_servers_started_at_once_on_the_same_data_are_one() {
    attack(|stage| {
        stage.pause();
        let (port, data) = (stage.server.port(), stage.server.data());
        stage.stop();
        let mut started: Vec<_> = (0..20)
            .map(|_| {
                papo()
                    .args(["server", "--listen", "localhost:0", "--data"])
                    .arg(&data)
                    .stdout(Stdio::piped())
                    .stderr(Stdio::null())
                    .spawn()
                    .expect("papo starts")
            })
            .collect();
        let mut lives = 0;
        crate::common::eventually("all but one have ended", || {
            lives = started
                .iter_mut()
                .filter_map(|child| child.try_wait().expect("a child of ours"))
                .filter(|status| status.code() == Some(1))
                .count();
            lives == 19
        });
        for child in &mut started {
            let _ = child.kill();
            let _ = child.wait();
        }
        stage.server.again_on(port);
        stage.resume();
    });
}

#[test]
fn somebody_who_looks_into_the_store_holds_up_nobody() {
    attack(|stage| {
        let store = rusqlite::Connection::open(stage.server.data().join("papo.db"));
        let store = store.expect("the store is a database");
        let mut looks = store.prepare("SELECT count(*) FROM sqlite_schema").expect("SQL");
        let mut rows = looks.query([]).expect("a look");
        // Held open, as in a tool that somebody has left on the screen.
        assert!(rows.next().expect("a row").is_some());
        let mut ana = stage.server.join("ana");
        for n in 0..50 {
            let answer = ana.tell("vera", &format!("enquanto isso {n}"));
            stage.acknowledged("ana", &answer);
        }
    });
}

#[test]
fn a_folder_of_files_that_vanishes_is_made_again() {
    attack(|stage| {
        let mut ana = stage.server.join("ana");
        let file = |n: u32| {
            json!({
                "type": "send_file", "recipient": "vera", "filename": format!("{n}"), "file_data": "b2k=",
            })
        };
        let answer = ana.ok(&file(1));
        stage.acknowledged("ana", &answer);
        std::fs::remove_dir_all(stage.server.data().join("server_files")).expect("it was there");
        let answer = ana.ask(&file(2));
        // Kept, or not: but it is told which.
        if answer["status"] == "success" {
            let saved = text(&answer, "saved_as");
            assert!(stage.server.data().join("server_files").join(saved).is_file());
        } else {
            assert_eq!(answer["code"], "storage_unavailable", "{answer}");
        }
        let answer = ana.tell("vera", "e mensagens como sempre");
        stage.acknowledged("ana", &answer);
    });
}

/// What the clock says is read from a file, so that it can leap. `None` where there is no libfaketime.
fn with_a_clock(home: &std::path::Path) -> Option<Command> {
    let library = [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
        "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
        "/usr/lib/faketime/libfaketime.so.1",
        "/usr/lib64/faketime/libfaketime.so.1",
    ]
    .into_iter()
    .find(|path| std::path::Path::new(path).exists());
    let Some(library) = library else {
        println!("left out: the clock cannot be moved without libfaketime (package faketime)");
        return None;
    };
    let mut command = papo();
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", home.join("relógio"))
        .env("FAKETIME_NO_CACHE", "1")
        // The system's other clock goes on as it does when somebody sets this one.
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1");
    Some(command)
}

/// Moves the clock while people talk: everything stays in order, and nobody is thrown out.
fn leaps(offsets: &[&str]) {
    let home = tempfile::tempdir().expect("a folder");
    let Some(command) = with_a_clock(home.path()) else { return };
    let clock = home.path().join("relógio");
    std::fs::write(&clock, "+0").expect("a file");
    attack_by(command, &[], |stage| {
        let mut ana = stage.server.join("ana");
        let mut bia = stage.server.join_knowing("bia", &["heartbeat", "receipts"]);
        let mut said = Vec::new();
        let mut times = Vec::new();
        let mut says = |stage: &mut Stage, ana: &mut Peer| {
            let answer = ana.tell("vera", "que horas são?");
            stage.acknowledged("ana", &answer);
            said.push(number(&answer, "msg_id"));
            times.push(number(&answer, "ts"));
        };
        says(stage, &mut ana);
        for offset in offsets {
            std::fs::write(&clock, offset).expect("a file");
            for _ in 0..5 {
                says(stage, &mut ana);
            }
            let answer = ana.tell("bia", "está aí?");
            assert_eq!(bia.event("private_message_received")["msg_id"], answer["msg_id"]);
            bia.nothing_more();
            // Who comes now comes in, and sees what was said.
            stage.server.still_serves();
        }
        // The clock did leap.
        let far = times.windows(2).any(|pair| pair[0].abs_diff(pair[1]) > 3_000_000);
        assert!(far, "the clock did not move: {times:?}");
        assert!(said.is_sorted_by(|one, other| one < other), "{said:?}");
        assert_eq!(history(&mut ana, "vera"), said);
        Stage::check_prev(&mut ana, "vera");
    });
}

#[test]
fn a_clock_moved_by_an_hour_both_ways_moves_nothing_else() {
    leaps(&["+3600", "-3600", "+0"]);
}

#[test]
fn a_clock_moved_by_a_year_both_ways_moves_nothing_else() {
    leaps(&["+365d", "-365d", "+0"]);
}

#[test]
fn a_server_that_starts_in_the_past_goes_on_after_what_it_has() {
    let home = tempfile::tempdir().expect("a folder");
    let Some(command) = with_a_clock(home.path()) else { return };
    std::fs::write(home.path().join("relógio"), "+365d").expect("a file");
    attack_by(command, &[], |stage| {
        let mut ana = stage.server.join("ana");
        let future = ana.tell("vera", "do futuro");
        stage.acknowledged("ana", &future);
        drop(ana);
        stage.pause();
        // It starts again without the other clock: a year earlier.
        stage.restart();
        stage.resume();
        let mut ana = stage.server.join("ana");
        let now = ana.tell("vera", "de agora");
        stage.acknowledged("ana", &now);
        assert!(number(&now, "msg_id") > number(&future, "msg_id"));
        assert!(number(&now, "ts") < number(&future, "ts"));
        assert_eq!(history(&mut ana, "vera"), [number(&future, "msg_id"), number(&now, "msg_id")]);
    });
}

/// Ten people who have each said much, and have not read an answer.
fn all_at_once(stage: &Stage, round: usize) -> Vec<Peer> {
    let mut peers: Vec<Peer> = (0..10).map(|n| stage.server.join(&format!("p{n}"))).collect();
    say_much(&mut peers, round, 0..50);
    peers
}

/// Each of them says so many things, and reads no answer.
fn say_much(peers: &mut [Peer], round: usize, ids: std::ops::Range<usize>) {
    for (n, peer) in peers.iter_mut().enumerate() {
        for id in ids.clone() {
            peer.send(&json!({
                "type": "private_message", "recipient": "vera", "content": "último",
                "id": format!("{round} {n} {id}"),
            }));
        }
    }
}

#[test]
fn a_server_told_to_stop_in_the_middle_of_everything_keeps_what_it_confirmed() {
    attack(|stage| {
        stage.pause();
        for round in 0..3 {
            let mut peers = all_at_once(stage, round);
            let half: Vec<_> = (0..20).map(|_| stage.strike(b"{\"type\":\"lo")).collect();
            stage.ends_busy(|| say_much(&mut peers, round, 50..100), Server::stop);
            for (n, peer) in peers.iter_mut().enumerate() {
                for answer in peer.rest() {
                    if answer["status"] == "success" {
                        stage.acknowledged(&format!("p{n}"), &answer);
                    }
                }
            }
            for mut stream in half {
                let said: Vec<Value> = crate::stage::frames(&read_to_end(&mut stream));
                assert!(said.iter().all(|frame| frame["code"] == "shutting_down"), "{said:?}");
            }
            stage.server.again();
        }
        stage.resume();
    });
}

#[test]
fn a_server_killed_in_the_middle_of_everything_keeps_what_it_confirmed() {
    attack(|stage| {
        stage.pause();
        for round in 0..3 {
            let mut peers = all_at_once(stage, round);
            // One of them is answered, so that it happens in the middle.
            let first = peers[0].next();
            stage.acknowledged("p0", &first);
            stage.ends_busy(|| say_much(&mut peers, round, 50..100), Server::kill);
            for (n, peer) in peers.iter_mut().enumerate() {
                while let Heard::Frame(answer) = peer.hear() {
                    stage.acknowledged(&format!("p{n}"), &answer);
                }
            }
            stage.server.again();
        }
        stage.resume();
    });
}

#[test]
fn data_that_is_no_store_is_told_and_left_alone() {
    attack(|stage| {
        for content in [&b"isto nao e um banco"[..], b"SQLite format 3\0 e mais nada", &[0; 4_096]]
        {
            let home = tempfile::tempdir().expect("a folder");
            let store = home.path().join("papo.db");
            std::fs::write(&store, content).expect("a file");
            let output = papo()
                .args(["server", "--listen", "localhost:0", "--data"])
                .arg(home.path())
                .output()
                .expect("papo starts");
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            let said = String::from_utf8(output.stderr).expect("UTF-8");
            assert!(!said.contains("panicked") && said.lines().count() == 1, "{said}");
            assert_eq!(std::fs::read(&store).expect("it is there"), content);
        }
        stage.server.still_serves();
    });
}
