//! Peers that do not read, do not close, or are in the middle of something: the server ends all the
//! same, and what it answered stays.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use socket2::SockRef;

use super::{END_MAX, END_MIN, UNREAD};
use super::{assert_closed, assert_spread, farewell, fill, history, wait_for_end};
use crate::common::server::papo;
use crate::common::transcript::Transcript;
use crate::common::{self, Framing, Peer, Server, eventually, number, text, texts};

#[test]
fn who_does_not_read_does_not_hold_it_up_and_misses_nothing() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    let mut late = fill(&server, &mut ana, "tarde");
    let never = fill(&server, &mut ana, "nunca");
    // Half-way through a frame, and through nothing; neither closes when it is told to go.
    let mut half = server.join("meio");
    half.send_bytes(br#"{"type":"private_message","recipient":"ana","cont"#);
    let mut idle = server.join_as("quieta", Framing::Length);
    server.signal("TERM");
    let told = [ana.rest(), idle.rest(), half.rest()];
    // Nobody comes in while it waits for the others.
    assert_closed(&server);
    // Who begins to read now gets what it is owed, and the reason last.
    let late = late.rest();
    assert_eq!(wait_for_end(&mut server).code(), Some(0));
    assert_spread(told.iter().chain([&late]).map(|frames| farewell(frames)).collect());
    drop((never, half, idle));

    server.again();
    let mut ana = server.join("ana");
    let arrived = late.iter().filter(|frame| frame["type"] == "private_message_received").count();
    // What the system had taken for somebody who did not read, that client asks for by `since`.
    for (name, arrived, since) in [("tarde", arrived, None), ("nunca", 0, Some(0))] {
        assert_eq!(history(&mut ana, &json!({ "with": name })).len(), UNREAD);
        let mut peer = server.connect(Framing::Line);
        peer.login(name, &json!({ "features": [], "since": since }));
        let missed = peer.backlog();
        assert_eq!(arrived + missed.len(), UNREAD, "{name}: {arrived} and {}", missed.len());
        peer.leave();
    }
}

/// Takes a little every moment until it is told to stop, and gives how much that was.
fn sip(mut stream: TcpStream, enough: &AtomicBool) -> usize {
    let (mut taken, mut piece) = (0, vec![0; 64 * 1024]);
    while !enough.load(Ordering::SeqCst) {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => break,
            Ok(count) => taken += count,
        }
        thread::sleep(Duration::from_millis(200));
    }
    taken
}

/// Somebody who always takes something never counts as gone, but there is an end to the waiting.
#[test]
fn who_takes_too_little_is_waited_for_until_the_time_is_over_and_no_longer() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    let mut bia = server.join("bia");
    let slow = server.join("devagar");
    SockRef::from(slow.stream()).set_recv_buffer_size(64 * 1024).expect("an option on a socket");
    // Half a minute's worth at the pace of a third of a MiB in a second.
    let file = "devagar".repeat(1_200_000);
    let sent = ana.ok(&json!({
        "type": "send_file", "recipient": "devagar", "filename": "a.txt",
        "file_data": STANDARD.encode(&file),
    }));
    let enough = AtomicBool::new(false);
    let (acknowledged, taken) = thread::scope(|scope| {
        let stream = slow.stream().try_clone().expect("a handle of a socket");
        let taken = scope.spawn(|| sip(stream, &enough));
        for id in 0..500 {
            ana.send(&json!({
                "type": "private_message", "recipient": "bia", "content": "depressa", "id": id,
            }));
        }
        // The rest of them is under way.
        let first = ana.answer_to(&json!(0));
        let began = Instant::now();
        server.signal("TERM");
        let (answers, heard) = (ana.rest(), bia.rest());
        assert_spread(vec![farewell(&answers), farewell(&heard)]);
        assert_closed(&server);
        let status = wait_for_end(&mut server);
        let took = began.elapsed();
        enough.store(true, Ordering::SeqCst);
        assert_eq!(status.code(), Some(0));
        assert!(took > END_MIN, "it gave up after {took:?}");
        assert!(took < END_MAX, "it waited for {took:?}");
        let answers = std::iter::once(first).chain(answers);
        let answers = answers.filter(|answer| answer["status"] == "success");
        let acknowledged: Vec<u64> = answers.map(|answer| number(&answer, "msg_id")).collect();
        (acknowledged, taken.join().expect("the slow one"))
    });
    assert!((1024 * 1024..file.len()).contains(&taken), "{taken} bytes were taken");
    drop(slow);

    server.again();
    let mut ana = server.join("ana");
    let stored: Vec<u64> = history(&mut ana, &json!({ "with": "bia" }))
        .iter()
        .map(|message| number(message, "msg_id"))
        .collect();
    let missing: Vec<_> = acknowledged.iter().filter(|it| !stored.contains(it)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // What was cut off half-way comes again.
    let mut slow = server.connect(Framing::Line);
    slow.login("devagar", &json!({ "features": [] }));
    let missed = slow.backlog();
    assert_eq!(missed.len(), 1, "{} came", missed.len());
    assert_eq!(missed[0]["msg_id"], sent["msg_id"]);
    assert_eq!(missed[0]["file_data"], json!(STANDARD.encode(&file)));
}

#[test]
fn a_second_signal_waits_for_nobody() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    let bia = fill(&server, &mut ana, "bia");
    server.signal("TERM");
    farewell(&ana.rest());
    assert!(server.is_running(), "it waits for bia");
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(1));
    drop(bia);
    server.again();
    let mut ana = server.join("ana");
    assert_eq!(history(&mut ana, &json!({ "with": "bia" })).len(), UNREAD);
}

#[test]
fn uploads_and_downloads_half_way_go_on_after_the_restart() {
    let mut server = Server::start();
    let mut ana = server.join_knowing("ana", &["chunks"]);
    let mut bia = server.join_knowing("bia", &["chunks"]);
    let bytes: Vec<u8> = (0..8 * 1024 * 1024u32).map(|at| (at % 251) as u8).collect();
    let pieces: Vec<&[u8]> = bytes.chunks(49_152).collect();
    let sent = upload(&mut ana, &bytes, &pieces, pieces.len());
    let end = ana.ok(&json!({ "type": "file_end", "file_id": sent }));
    let file_id = bia.event("file_received")["file_id"].clone();
    // Asked for, and not read: the rest of it keeps.
    bia.send(&json!({ "type": "file_get", "file_id": file_id, "id": "todo" }));
    let first = bia.event("file_data");
    assert_eq!((&first["offset"], &first["eof"]), (&json!(0), &json!(false)));
    // A third of another one.
    let other: Vec<u8> = bytes.iter().rev().copied().collect();
    let pieces: Vec<&[u8]> = other.chunks(49_152).collect();
    let third = pieces.len() / 3;
    upload(&mut ana, &other, &pieces, third);
    server.signal("TERM");
    farewell(&ana.rest());
    assert_eq!(wait_for_end(&mut server).code(), Some(0));
    drop(bia);

    server.again();
    let mut ana = server.join("ana");
    let begun = ana.ok(&begin(&other));
    assert_eq!(number(&begun, "offset"), 49_152 * third as u64);
    ana.ok(&json!({ "type": "file_cancel", "file_id": begun["file_id"] }));
    let kept = history(&mut ana, &json!({ "with": "bia" }));
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(kept[0]["msg_id"], end["msg_id"]);
    let mut bia = server.join_knowing("bia", &["chunks"]);
    let all = json!({ "type": "file_get", "file_id": file_id, "offset": bytes.len() - 3 });
    bia.ok(&all);
}

/// Says what is to come.
fn begin(bytes: &[u8]) -> Value {
    let sha256 = Sha256::digest(bytes).iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("memory");
        digits
    });
    json!({
        "type": "file_begin", "recipient": "bia", "filename": "a.bin", "size": bytes.len(),
        "sha256": sha256,
    })
}

/// Sends the first pieces of a file, each acknowledged, and gives its number.
#[track_caller]
fn upload(peer: &mut Peer, bytes: &[u8], pieces: &[&[u8]], count: usize) -> u64 {
    let begun = peer.ok(&begin(bytes));
    assert_eq!(begun["offset"], 0);
    let mut offset = 0;
    for piece in &pieces[..count] {
        peer.ok(&json!({
            "type": "file_chunk", "file_id": begun["file_id"], "offset": offset,
            "data": STANDARD.encode(piece),
        }));
        offset += piece.len();
    }
    number(&begun, "file_id")
}

/// A client that is put to sleep (a closed lid, Ctrl+Z) neither reads nor closes. When it wakes up it
/// finds that the server stopped, comes back to the next one, and goes on where it was.
#[test]
fn a_client_that_sleeps_is_not_waited_for_and_comes_back() {
    let mut server = Server::start();
    let home = tempfile::tempdir().expect("a folder");
    let mut ana = server.join("ana");
    let listener = papo()
        .args(["listen", "--json", "--count", "3", "--user", "bia"])
        .args(["--server", &format!("localhost:{}", server.port())])
        .env("PAPO_HOME", home.path())
        .env_remove("PAPO_PASSWORD")
        .current_dir(home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("papo starts");
    let mut listener = Program(listener);
    let printed = Transcript::follow(listener.0.stdout.take().expect("piped"));
    let told = Transcript::follow(listener.0.stderr.take().expect("piped"));
    eventually("bia listens", || {
        let online = ana.ok(&json!({ "type": "list_users" }));
        texts(&online, "users").contains(&"bia")
    });
    ana.tell("bia", "um");
    printed.wait_for("\"um\"");
    listener.signal("STOP");
    ana.tell("bia", "dois");
    server.signal("TERM");
    farewell(&ana.rest());
    assert_eq!(wait_for_end(&mut server).code(), Some(0));

    let port = server.port();
    server.again_on(port);
    server.join("ana").tell("bia", "três");
    listener.signal("CONT");
    assert_eq!(common::server::wait_for_end(&mut listener.0).code(), Some(0));
    told.wait_for("bia");
    let said: Vec<String> = printed
        .whole()
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .filter(|event| event["type"] == "private_message_received")
        .map(|event| text(&event, "content").to_owned())
        .collect();
    assert_eq!(said, ["um", "dois", "três"]);
}

/// A program that does not outlive its test, not even asleep.
struct Program(Child);

impl Program {
    /// Sends it a signal by name.
    #[track_caller]
    fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.0.id());
        let status = Command::new("sh").args(["-c", &command]).status().expect("sh");
        assert!(status.success(), "{command}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A crowd that writes half frames, half heads, half handshakes, and one that has closed its sending
/// side: none of them is waited for.
#[test]
fn nobody_who_is_in_the_middle_of_something_is_waited_for() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    let beginnings: [&[u8]; 7] = [
        b"",
        b"{\"type\":\"log",
        b"{\"type\":\"ping\"}",
        b"\0\0\0\x23{\"type\":",
        b"GET / HTT",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01",
    ];
    let crowd: Vec<TcpStream> = beginnings
        .iter()
        .flat_map(|beginning| [(beginning, false), (beginning, true)])
        .map(|(beginning, is_half_closed)| {
            let mut stream = server.dial();
            stream.write_all(beginning).expect("the server reads");
            if is_half_closed {
                stream.shutdown(Shutdown::Write).expect("a half-close");
            }
            stream
        })
        .collect();
    ana.nothing_more();
    server.signal("TERM");
    farewell(&ana.rest());
    assert_eq!(wait_for_end(&mut server).code(), Some(0));
    drop(crowd);
}
