//! How the server ends when it is told to: what was taken in is stored, answered and delivered, then
//! everybody hears that it stops and when to come back. Whoever does not read does not hold it up.

#![cfg(unix)]

#[path = "../common/mod.rs"]
mod common;

mod load;
mod stuck;

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use common::{Peer, Server, number, text};

/// When few are told to come back: half a second is for the restart, then two for the crowd.
const RETRY_MS: std::ops::Range<u64> = 500..2_500;

/// The ten seconds that a server gives itself; the first millisecond of its clock may have begun before.
const END_MIN: Duration = Duration::from_millis(9_990);

/// The same on a machine that has much else to do: only a failure waits this long.
const END_MAX: Duration = Duration::from_secs(14);

/// Messages to somebody who takes none, far more than sockets and an outbox hold.
const UNREAD: usize = 150;

/// Somebody whose messages nobody takes, and the socket that holds them.
#[track_caller]
fn fill(server: &Server, sender: &mut Peer, name: &str) -> Peer {
    let peer = server.join(name);
    let content = "x".repeat(60_000);
    for _ in 0..UNREAD {
        sender.tell(name, &content);
    }
    peer
}

/// Waits for the server's end, which it is given its time for.
#[track_caller]
fn wait_for_end(server: &mut Server) -> ExitStatus {
    let deadline = Instant::now() + END_MAX;
    while server.is_running() {
        assert!(Instant::now() < deadline, "the server does not end");
        thread::sleep(Duration::from_millis(10));
    }
    server.wait()
}

/// The last frame of somebody who was told to go, which must be the only one of its kind. Gives the
/// time after which to come back.
#[track_caller]
fn farewell(frames: &[Value]) -> u64 {
    let last = frames.last().expect("somebody who is told to go hears so");
    assert_eq!(
        (text(last, "type"), text(last, "status"), text(last, "code")),
        ("error", "error", "shutting_down"),
        "{last}"
    );
    assert!(!text(last, "message").is_empty(), "{last}");
    let told = frames.iter().filter(|frame| frame["code"] == "shutting_down").count();
    assert_eq!(told, 1, "{last}");
    number(last, "retry_ms")
}

/// Everybody was given another time, and one that is good for few.
#[track_caller]
fn assert_spread(mut retries: Vec<u64>) {
    let told = retries.len();
    assert!(retries.iter().all(|retry_ms| RETRY_MS.contains(retry_ms)), "{retries:?}");
    retries.sort_unstable();
    retries.dedup();
    assert_eq!(retries.len(), told, "{retries:?}");
}

/// Nobody comes in any more.
#[track_caller]
fn assert_closed(server: &Server) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()));
    let refused = TcpStream::connect(address).expect_err("a server that ends takes nobody in");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}

/// All of a conversation, oldest first.
#[track_caller]
fn history(peer: &mut Peer, place: &Value) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let mut request = place.clone();
        request["type"] = json!("history");
        request["after"] = json!(after);
        request["limit"] = json!(200);
        let answer = peer.ok(&request);
        let page = answer["messages"].as_array().expect("messages");
        all.extend(page.iter().cloned());
        match page.last() {
            Some(last) if answer["more"] == true => after = number(last, "msg_id"),
            _ => return all,
        }
    }
}
