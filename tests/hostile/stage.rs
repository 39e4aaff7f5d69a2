//! A server, two people who talk all the time, and the look around after each attack.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use socket2::SockRef;

use crate::common::raw;
use crate::common::server::papo;
use crate::common::{Framing, PATIENCE, Peer, Server, eventually, number, text};

/// What a server may have grown by when everything is over: allocators and the store keep some.
const GROWTH_BYTES_MAX: u64 = 24 * 1024 * 1024;

/// Set by `scripts/hostile`: the long versions, which a test run has no time for.
const LONG: &str = "PAPO_HOSTILE_LONG";

/// Set by `scripts/hostile`: the longest turn of the loop that is good, in milliseconds. Without it
/// nobody looks at it: a test run has others beside it.
const TURN_MS_MAX: &str = "PAPO_HOSTILE_TURN_MS";

/// Whether there is time for the long versions.
pub(crate) fn is_long() -> bool {
    std::env::var_os(LONG).is_some()
}

/// Runs one attack on a server of its own, and looks around afterwards.
pub(crate) fn attack<F: FnOnce(&mut Stage)>(attack: F) {
    attack_with(&[], attack);
}

/// The same on a server that was given more arguments.
pub(crate) fn attack_with<F: FnOnce(&mut Stage)>(args: &[&str], attack: F) {
    attack_by(papo(), args, attack);
}

/// The same on a server that was started by another command.
pub(crate) fn attack_by<F: FnOnce(&mut Stage)>(command: Command, args: &[&str], attack: F) {
    // The closure stands in the function that is the test: `hostile::framing::noise::{{closure}}`.
    let name = std::any::type_name::<F>().trim_end_matches("::{{closure}}");
    let name = name.split_once("::").map_or(name, |(_, name)| name);
    let mut stage = Stage::set(command, args);
    attack(&mut stage);
    stage.look_around(name);
}

/// Where an attack takes place.
pub(crate) struct Stage {
    pub(crate) server: Server,
    /// Somebody the attacker has nothing to do with is talking all the time.
    witnesses: Option<Witnesses>,
    pace: Duration,
    /// Numbers of messages that were acknowledged, in the order of their being so.
    said: Vec<u64>,
    /// The same of those that attackers sent to vera, by sender.
    to_vera: BTreeMap<String, BTreeSet<u64>>,
    memory: Option<u64>,
    descriptors: Option<usize>,
    growth_bytes_max: u64,
    /// The server stood still for a reason that is not its own.
    stood_still: bool,
    closed_door: bool,
    longest_answer: Duration,
    /// The longest turn of any life of the server so far.
    longest_turn_ms: f64,
}

impl Stage {
    fn set(command: Command, args: &[&str]) -> Self {
        let limited = args.contains(&"--limit-loopback");
        let server = Server::start_with(command, args);
        // What is opened and filled at first use is there before it is measured.
        server.still_serves();
        // Ten messages a second are what a session may send.
        let pace = Duration::from_millis(if limited { 150 } else { 20 });
        let witnesses = Witnesses::begin(&server, pace);
        let mut stage = Self {
            server,
            witnesses: Some(witnesses),
            pace,
            said: Vec::new(),
            to_vera: BTreeMap::new(),
            memory: None,
            descriptors: None,
            growth_bytes_max: GROWTH_BYTES_MAX,
            stood_still: false,
            closed_door: false,
            longest_answer: Duration::ZERO,
            longest_turn_ms: 0.0,
        };
        stage.wait_for_farewells();
        stage.memory = stage.server.memory("VmRSS");
        stage
    }

    /// Those who came before the witnesses are gone, and what is open now is what should be.
    fn wait_for_farewells(&mut self) {
        let mut vera = self.server.join("zelador");
        vera.waits_until_gone("serve responde");
        vera.leave();
        // A connection lingers a moment after its last frame: the count has to stand still.
        let mut since = Instant::now();
        eventually("the descriptors stand still", || {
            let now = self.server.descriptors();
            if now != self.descriptors {
                (self.descriptors, since) = (now, Instant::now());
            }
            since.elapsed() > Duration::from_millis(30)
        });
    }

    /// The largest frames come in. When one is freed, glibc takes its size for a usual one, and
    /// keeps up to twice as much: one frame, and what was decoded of it.
    pub(crate) fn sees_largest_frames(&mut self) {
        self.may_grow_by_mib(48);
    }

    /// This attack may leave so much in the allocator's hands.
    pub(crate) fn may_grow_by_mib(&mut self, mib: u64) {
        self.growth_bytes_max = mib * 1024 * 1024;
    }

    /// The server is stopped by a signal, or its machine is overloaded: its turns say nothing.
    pub(crate) fn stands_still(&mut self) {
        self.stood_still = true;
    }

    /// The limits of this attack let nobody come in any more from where the tests are: the look around
    /// has no newcomers.
    pub(crate) fn nobody_comes_in(&mut self) {
        self.closed_door = true;
    }

    /// The witnesses stop talking, as when the server is about to go; what they said is noted.
    pub(crate) fn pause(&mut self) {
        if let Some(witnesses) = self.witnesses.take() {
            self.note(witnesses.end());
        }
    }

    /// Two others take their places, on new connections, as after a restart.
    pub(crate) fn resume(&mut self) {
        self.witnesses = Some(Witnesses::begin(&self.server, self.pace));
        self.wait_for_farewells();
    }

    /// Stops the server as an operator does. Its turns are noted before, and its log is looked at.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        self.note_turns();
        self.server.stop();
        self.check_log();
    }

    /// The same, and starts it again.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.server.again();
    }

    /// Ends this life of the server in the middle of everything: its turns are noted, `busy` gives it
    /// more to do, which nobody waits for, and then it is ended by `end`.
    #[track_caller]
    pub(crate) fn ends_busy(&mut self, busy: impl FnOnce(), end: impl FnOnce(&mut Server)) {
        self.note_turns();
        busy();
        end(&mut self.server);
        self.check_log();
    }

    fn note(&mut self, talk: Talk) -> (Peer, Peer) {
        self.said.extend(talk.said);
        self.longest_answer = self.longest_answer.max(talk.longest);
        (talk.vera, talk.wilma)
    }

    /// What vera was sent was acknowledged, so it has to be there at the end.
    #[track_caller]
    pub(crate) fn acknowledged(&mut self, sender: &str, answer: &Value) {
        assert_eq!(answer["status"], "success", "{answer}");
        let numbers = self.to_vera.entry(sender.to_owned()).or_default();
        numbers.insert(number(answer, "msg_id"));
    }

    /// A new connection that sends these bytes, as far as the server takes them.
    pub(crate) fn strike(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = self.server.dial();
        // It may have been sent away before the last byte.
        let _ = stream.write_all(bytes);
        stream
    }

    /// A new connection that sends these bytes is told exactly this code, and closed.
    #[track_caller]
    pub(crate) fn sends_away(&self, bytes: &[u8], code: &str) {
        let said = read_to_end(&mut self.strike(bytes));
        let error: Value = serde_json::from_slice(&said).unwrap_or_else(|error| {
            panic!("{error}: {:?} to {:?}", String::from_utf8_lossy(&said), shown(bytes))
        });
        assert_eq!(error["type"], "error", "{error} to {:?}", shown(bytes));
        assert_eq!(error["code"], code, "{error} to {:?}", shown(bytes));
    }

    /// A new connection that begins with this length is told that it is too much, and closed.
    #[track_caller]
    pub(crate) fn sends_away_by_length(&self, prefix: &[u8]) {
        let mut peer = Peer::new(self.strike(prefix), Framing::Length);
        peer.error("frame_too_large");
        peer.end();
    }

    /// The server's memory before the attack and now, where it can be known.
    pub(crate) fn memory_before_and_now(&self) -> (Option<u64>, Option<u64>) {
        (self.memory, self.server.memory("VmRSS"))
    }

    /// The server's descriptors before the attack, where that can be known.
    pub(crate) fn descriptors_before(&self) -> Option<usize> {
        self.descriptors
    }

    /// A new connection that sends these bytes is closed without a word.
    #[track_caller]
    pub(crate) fn closes_silently(&self, bytes: &[u8]) {
        let said = read_to_end(&mut self.strike(bytes));
        assert!(said.is_empty(), "{:?} to {:?}", String::from_utf8_lossy(&said), shown(bytes));
    }

    /// In the history with somebody each message names the one before it.
    #[track_caller]
    pub(crate) fn check_prev(peer: &mut Peer, with: &str) {
        let page = peer.ok(&json!({ "type": "history", "with": with, "limit": 200 }));
        let messages = page["messages"].as_array().expect("a list");
        for pair in messages.windows(2) {
            assert_eq!(pair[1]["prev"], pair[0]["msg_id"], "{page}");
        }
    }

    fn look_around(mut self, name: &str) {
        // On the connections that they had all along.
        let witnesses = self.witnesses.take().expect("they are back after a pause");
        let (mut vera, mut wilma) = {
            let talk = witnesses.end();
            self.note(talk)
        };
        vera.take_aside();
        self.said.push(number(&vera.tell("wilma", "ainda aí?"), "msg_id"));
        wilma.hears("vera", "ainda aí?");
        self.said.push(number(&wilma.tell("vera", "ainda"), "msg_id"));
        loop {
            let event = vera.until("private_message_received");
            if text(&event, "sender") == "wilma" {
                break;
            }
        }
        // And on new ones.
        if !self.closed_door {
            self.server.still_serves();
        }

        assert!(self.server.is_running());
        if let Some(before) = self.descriptors {
            eventually("no descriptor is left", || self.server.descriptors() <= Some(before));
        }
        let mut grown = 0;
        if let Some(before) = self.memory {
            let most = before + self.growth_bytes_max;
            let deadline = Instant::now() + PATIENCE;
            loop {
                let now = self.server.memory("VmRSS").unwrap_or(0);
                grown = now.saturating_sub(before);
                if now <= most {
                    break;
                }
                assert!(Instant::now() < deadline, "grown by {} KiB", grown / 1024);
                thread::sleep(Duration::from_millis(20));
            }
        }
        drop((vera, wilma));
        self.restart();
        let mut vera = self.server.join("vera");
        assert_eq!(history(&mut vera, "wilma"), self.said, "what the witnesses said");
        for (sender, numbers) in &self.to_vera {
            let kept: BTreeSet<u64> = history(&mut vera, sender).into_iter().collect();
            let missing: Vec<_> = numbers.difference(&kept).collect();
            assert!(missing.is_empty(), "of what {sender} said: {missing:?}");
        }
        vera.leave();
        self.stop();
        self.judge_turns(name, grown);
    }

    /// One figure of what the server counts.
    #[track_caller]
    pub(crate) fn figure<T: FromStr>(&self, name: &str) -> T {
        figure(&raw::get(&self.server, "/metrics", ""), name)
    }

    /// A server counts how long each turn of its loop took since it started: it is asked before its end.
    #[track_caller]
    fn note_turns(&mut self) {
        let page = if self.closed_door {
            let Some(mut aside) = raw::Http::dial_from_aside(&self.server) else { return };
            aside.get("/metrics", "")
        } else {
            raw::get(&self.server, "/metrics", "")
        };
        let longest_s: f64 = figure(&page, "papo_loop_turn_longest_seconds");
        self.longest_turn_ms = self.longest_turn_ms.max(longest_s * 1000.0);
    }

    /// No turn of any of the server's lives may have taken too long.
    fn judge_turns(&self, name: &str, grown: u64) {
        let longest_ms = self.longest_turn_ms;
        let Some(most) = std::env::var_os(TURN_MS_MAX) else { return };
        let most: f64 = most.to_str().and_then(|most| most.parse().ok()).expect("a number");
        let judged = if self.stood_still { " (not judged)" } else { "" };
        println!(
            "{longest_ms:9.2} ms{judged}, slowest answer {:5} ms, grown by {:5} KiB: {name}",
            self.longest_answer.as_millis(),
            grown / 1024,
        );
        assert!(self.stood_still || longest_ms <= most, "a turn took {longest_ms} ms");
    }

    /// What a terminal would show of the log of a server that has ended is what stands in it, and nothing
    /// broke.
    #[track_caller]
    fn check_log(&self) {
        let errors = self.server.stderr().whole();
        assert!(errors.is_empty(), "on stderr: {errors:#?}");
        for line in self.server.stdout().whole() {
            assert_harmless(&line);
            assert!(!line.contains("panicked"), "{line}");
        }
    }
}

/// Two who talk to one another, one message after the other, until they are told to stop.
struct Witnesses {
    stop: Arc<AtomicBool>,
    talk: JoinHandle<Talk>,
}

struct Talk {
    vera: Peer,
    wilma: Peer,
    said: Vec<u64>,
    longest: Duration,
}

impl Witnesses {
    fn begin(server: &Server, pace: Duration) -> Self {
        let mut talk = Talk {
            vera: server.join("vera"),
            wilma: server.join_with("wilma", Framing::Line, &json!({ "features": [] })),
            said: Vec::new(),
            longest: Duration::ZERO,
        };
        // After a kill some of what she had may come again.
        talk.wilma.until("synced");
        // The long versions keep the server still for a minute.
        for peer in [&talk.vera, &talk.wilma] {
            let patience = Some(Duration::from_secs(120));
            peer.stream().set_read_timeout(patience).expect("a timeout on a socket");
        }
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let talk = thread::spawn(move || {
            for turn in 0_u64.. {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let content = format!("testemunho {turn}");
                let asked = Instant::now();
                let answer = talk.vera.tell("wilma", &content);
                talk.longest = talk.longest.max(asked.elapsed());
                talk.said.push(number(&answer, "msg_id"));
                talk.wilma.hears("vera", &content);
                thread::park_timeout(pace);
            }
            talk
        });
        Self { stop, talk }
    }

    #[track_caller]
    fn end(self) -> Talk {
        self.stop.store(true, Ordering::SeqCst);
        self.talk.thread().unpark();
        match self.talk.join() {
            Ok(talk) => talk,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// One figure of a page of what the server counts.
#[track_caller]
pub(crate) fn figure<T: FromStr>(page: &raw::Response, name: &str) -> T {
    assert_eq!(page.status, 200);
    let value = page.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = value.unwrap_or_else(|| panic!("{name} in {}", page.text()));
    value.parse().unwrap_or_else(|_| panic!("{name} is {value}"))
}

/// The numbers of all messages with somebody, oldest first.
#[track_caller]
pub(crate) fn history(peer: &mut Peer, with: &str) -> Vec<u64> {
    let mut pages: Vec<Vec<u64>> = Vec::new();
    loop {
        let mut request = json!({ "type": "history", "with": with, "limit": 200 });
        if let Some(first) = pages.last().and_then(|page| page.first()) {
            request["before"] = json!(first);
        }
        let page = peer.ok(&request);
        let messages = page["messages"].as_array().expect("a list");
        pages.push(messages.iter().map(|message| number(message, "msg_id")).collect());
        if page["more"] != true {
            break;
        }
    }
    pages.into_iter().rev().flatten().collect()
}

/// Everything that comes until the server closes, which it must. A reset is an end, too.
#[track_caller]
pub(crate) fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return all,
            Ok(count) => all.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                let silent = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                assert!(!silent, "the server did not close after {:?}", shown(&all));
                return all;
            }
        }
    }
}

/// Ends a connection with a reset instead of an orderly end.
pub(crate) fn reset(stream: TcpStream) {
    // Closing with nothing to linger for is a reset.
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("an option on a socket");
    drop(stream);
}

/// The same for a peer.
pub(crate) fn reset_peer(peer: Peer) {
    SockRef::from(peer.stream()).set_linger(Some(Duration::ZERO)).expect("an option on a socket");
    drop(peer);
}

/// The frames of a line client among these bytes.
#[track_caller]
pub(crate) fn frames(said: &[u8]) -> Vec<Value> {
    let lines = said.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).expect("JSON")).collect()
}

/// Their codes, or their types where they are no errors.
#[track_caller]
pub(crate) fn codes(said: &[u8]) -> Vec<String> {
    let code = |frame: &Value| frame["code"].as_str().unwrap_or(text(frame, "type")).to_owned();
    frames(said).iter().map(code).collect()
}

/// A login of a line client, as bytes.
pub(crate) fn login_line(name: &str) -> Vec<u8> {
    Framing::Line.frame(&json!({ "type": "login", "username": name }))
}

/// Whether something in this acts on a terminal that shows it, or on the order of its neighbours.
pub(crate) fn acts(shown: &str) -> bool {
    shown.contains(|c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

/// Nothing in what a terminal shows acts on it.
#[track_caller]
pub(crate) fn assert_harmless(shown: &str) {
    assert!(!acts(shown), "a terminal would obey {shown:?}");
}

/// The beginning of some bytes, for a failure.
fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned()
}
