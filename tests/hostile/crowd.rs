//! Very many at once.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use socket2::SockRef;

use crate::common::peer::login_request;
use crate::common::{Framing, Heard, Peer, number};
use crate::stage::{attack, attack_with, is_long, login_line, reset_peer};

/// Descriptors of this program that are no ends of such connections.
const SPARE: u64 = 500;

/// So many descriptors this program may have for its own ends of the connections: raised as far as the
/// system lets it. The server raises its own.
fn descriptors(wanted: u64) -> usize {
    let most = rlimit::increase_nofile_limit(wanted + SPARE).unwrap_or(1_024);
    usize::try_from(most.saturating_sub(SPARE).min(wanted)).expect("a number of descriptors")
}

/// Whether the system would let this program have so many.
#[cfg(unix)]
fn allows(wanted: u64) -> bool {
    let (_, most) = rlimit::getrlimit(rlimit::Resource::NOFILE).expect("a limit");
    most >= wanted + SPARE
}

#[cfg(not(unix))]
fn allows(_wanted: u64) -> bool {
    false
}

#[test]
fn a_thousand_logins_with_passwords_at_once_hold_up_nobody() {
    attack(|stage| {
        for n in 0..20 {
            let mut peer = stage.server.join(&format!("pessoa {n}"));
            peer.ok(&json!({ "type": "set_password", "password": "segredo" }));
            peer.leave();
        }
        let count = descriptors(1_000);
        let mut peers: Vec<Peer> =
            (0..count).map(|_| stage.server.connect(Framing::Line)).collect();
        for (n, peer) in peers.iter_mut().enumerate() {
            // Right and wrong ones, of people who are known and of nobody.
            let name = format!("pessoa {}", n % 40);
            let password = if n % 3 == 0 { "segredo" } else { "errado" };
            peer.send(&login_request(&name, &json!({ "password": password, "lang": "pt" })));
        }
        let (mut hashed, mut turned_down) = (0, 0);
        for (n, peer) in peers.iter_mut().enumerate() {
            peer.stream().set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
            let answer = peer.next();
            let right = n % 40 < 20 && n % 3 == 0;
            match answer["code"].as_str() {
                None | Some("too_many_sessions") => assert!(right, "{n}: {answer}"),
                Some("rate_limited") => turned_down += 1,
                Some("wrong_password") => assert!(!right, "{n}: {answer}"),
                Some(other) => panic!("{n}: {other}"),
            }
            hashed += usize::from(answer["code"] != "rate_limited");
        }
        // What waits for a hash is bounded, and what is turned down may try again.
        assert!(hashed >= 64, "{hashed} were looked at");
        assert_eq!(hashed + turned_down, count);
        let mut again = stage.server.connect(Framing::Line);
        again.login("pessoa 0", &json!({ "password": "segredo" }));
        peers.into_iter().for_each(reset_peer);
    });
}

/// The same as a burst of writes: connections that are made and say their login in one go.
fn rush(port: u16, names: &[String]) -> Vec<Peer> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    names
        .iter()
        .map(|name| {
            let stream = TcpStream::connect_timeout(&address, Duration::from_secs(60));
            let mut stream = stream.expect("the backlog has room, or makes some");
            stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
            stream.write_all(&login_line(name)).expect("the system takes a login");
            Peer::new(stream, Framing::Line)
        })
        .collect()
}

/// Logs in whoever was not let in the first time, as clients do.
fn comes_in(port: u16, mut peers: Vec<Peer>, names: &[String]) -> Vec<Peer> {
    let began = Instant::now();
    for (peer, name) in peers.iter_mut().zip(names) {
        loop {
            match peer.hear() {
                Heard::Frame(frame) if frame["status"] == "success" => break,
                Heard::Frame(frame) => {
                    let code = frame["code"].as_str().unwrap_or_default();
                    let later = ["server_full", "rate_limited", "name_in_use"].contains(&code);
                    assert!(later, "{frame}");
                }
                Heard::End => {}
                Heard::Silence => panic!("{name} is neither let in nor sent away"),
            }
            assert!(began.elapsed() < Duration::from_secs(120), "{name} never comes in");
            std::thread::sleep(Duration::from_millis(5));
            *peer = rush(port, std::slice::from_ref(name)).pop().expect("one");
        }
    }
    peers
}

#[test]
fn after_a_restart_everybody_comes_back_at_once() {
    attack(|stage| {
        // What nineteen thousand connections needed: the slots that they had, one for each.
        stage.may_grow_by_mib(if is_long() { 96 } else { 32 });
        let wanted = if is_long() { 19_000 } else { 1_500 };
        let count = descriptors(wanted);
        if is_long() && count < 19_000 {
            println!("{count} connections instead of 19,000: that is what ulimit -n allows");
            assert!(!allows(wanted), "ulimit -Hn would have allowed them");
        }
        let names: Vec<String> = (0..count).map(|n| format!("p{n}")).collect();
        let port = stage.server.port();
        let peers = comes_in(port, rush(port, &names), &names);
        // As when the machine goes: nobody says goodbye.
        peers.into_iter().for_each(reset_peer);
        stage.pause();
        stage.stop();
        stage.server.again_on(port);
        stage.resume();
        let mut peers = comes_in(port, rush(port, &names), &names);
        // All are there, beside those two who talk, and the last is served as the first.
        assert_eq!(stage.figure::<usize>("papo_sessions"), count + 2);
        for peer in [0, count / 2, count - 1] {
            peers[peer].nothing_more();
        }
        let answer = peers[count - 1].tell("vera", "de volta");
        stage.acknowledged(&names[count - 1], &answer);
        peers.into_iter().for_each(reset_peer);
        let mut curious = stage.server.join("curiosa");
        for name in [&names[0], &names[count - 1]] {
            curious.waits_until_gone(name);
        }
    });
}

#[test]
fn a_group_of_which_most_do_not_read_is_served_for_those_who_do() {
    // The deaf are not given up, so that what they cost is seen.
    attack_with(&["--write-time", "1h"], |stage| {
        const MEMBERS: usize = 256;
        const DEAF: usize = 200;
        const MESSAGES: usize = 120;
        // What waited in 200 outboxes, 256 KiB in each, stays with the allocator.
        stage.may_grow_by_mib(112);
        descriptors(2_000);
        let mut ana = stage.server.join("ana");
        ana.group("create_group", "Todos", &json!({}));
        let mut deaf = Vec::new();
        let mut readers = Vec::new();
        for n in 0..MEMBERS - 1 {
            let name = format!("membro {n}");
            let stream = stage.server.dial();
            if n < DEAF {
                SockRef::from(&stream).set_recv_buffer_size(65_536).expect("an option");
            }
            let mut peer = Peer::new(stream, Framing::Line);
            peer.login(&name, &json!({}));
            ana.group("add_member", "Todos", &json!({ "new_member": name }));
            peer.event("added_to_group");
            if n < DEAF { deaf.push(peer) } else { readers.push(peer) }
        }
        let content = "x".repeat(10_000);
        let said: Vec<u64> =
            (0..MESSAGES).map(|_| number(&ana.tell_group("Todos", &content), "msg_id")).collect();
        for reader in &mut readers {
            for msg_id in &said {
                assert_eq!(reader.event("group_message_received")["msg_id"], *msg_id);
            }
        }
        // 240 MB wait for the deaf, and are in the store once.
        if let (Some(before), Some(now)) = stage.memory_before_and_now() {
            assert!(now < before + 112 * 1024 * 1024, "{before} bytes became {now}");
        }
        // Now they read, each from where it stopped, and hear all of it.
        for peer in &mut deaf {
            for msg_id in &said {
                let heard: Value = peer.until("group_message_received");
                assert_eq!(heard["msg_id"], *msg_id);
            }
        }
        deaf.into_iter().chain(readers).for_each(reset_peer);
        let mut curious = stage.server.join("curiosa");
        curious.waits_until_gone("membro 0");
    });
}

#[test]
fn a_group_is_as_large_as_it_may_be_and_no_larger() {
    attack_with(&["--group-members", "20"], |stage| {
        let mut ana = stage.server.join("ana");
        ana.group("create_group", "Todos", &json!({}));
        for n in 0..30 {
            let name = format!("membro {n}");
            stage.server.join(&name).leave();
            let add = json!({ "new_member": name });
            if n < 19 {
                ana.group("add_member", "Todos", &add);
            } else {
                ana.group_refused("add_member", "Todos", &add, "too_large");
            }
        }
        let mut last = stage.server.join("membro 29");
        last.group_refused("join_group", "Todos", &json!({}), "too_large");
        let message = json!({ "type": "group_message", "group_name": "Todos", "content": "oi" });
        last.refused(&message, "too_large");
    });
}

#[test]
fn many_who_write_to_one_are_all_heard() {
    attack(|stage| {
        let mut popular = stage.server.join("popular");
        let mut peers: Vec<Peer> =
            (0..100).map(|n| stage.server.join(&format!("fã {n}"))).collect();
        for (n, peer) in peers.iter_mut().enumerate() {
            for id in 0..20 {
                peer.send(&json!({
                    "type": "private_message", "recipient": "popular", "content": "oi",
                    "id": format!("{n} {id}"),
                }));
            }
        }
        let mut heard: Vec<u64> = (0..2_000)
            .map(|_| number(&popular.event("private_message_received"), "msg_id"))
            .collect();
        assert!(heard.is_sorted());
        heard.dedup();
        assert_eq!(heard.len(), 2_000);
    });
}

#[test]
fn connections_made_and_dropped_without_end_leave_nothing() {
    attack(|stage| {
        let rounds = if is_long() { 20_000 } else { 2_000 };
        for round in 0..rounds {
            let stream = stage.server.dial();
            if round % 2 == 0 {
                crate::stage::reset(stream);
            }
        }
    });
}
