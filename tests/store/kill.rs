//! The server is killed at random moments while people write and read. At the end nothing that was
//! answered is missing, nothing is there twice, and everybody has seen one order.
//!
//! `PAPO_KILLS` says how often (`scripts/kill-loop` sets it to hundreds), `PAPO_SEED` what the dice
//! say. The seed is printed; with the same one the same people say the same things and wait as
//! long, though not in the same microsecond.

mod crowd;
mod dice;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::{Framing, PATIENCE, Peer, Server, number, text};
use crate::{assert_chained, group, history, ids, with};
use crowd::{Reader, ReaderKind, Sender};
use dice::Dice;

/// Kills of the short loop.
const KILLS: u64 = 5;

/// Kills between two lines of progress.
const KILLS_PER_LINE: u64 = 10;

/// The longest time between a start and a kill.
const LIFE_MS_MAX: u64 = 400;

/// The group in which everybody is.
const TIME: &str = "Time";

const SENDERS: &[(&str, Framing)] =
    &[("fala um", Framing::Line), ("fala dois", Framing::Length), ("fala três", Framing::Line)];

const READERS: &[(&str, ReaderKind)] = &[
    ("lê com since", ReaderKind::Since),
    ("lê e confirma", ReaderKind::Confirming),
    ("lê como antes", ReaderKind::Old),
];

/// Who says the last word to everybody.
const HOST: &str = "anfitriã";

/// What is said last: a reader who has heard it has heard everything.
const LAST_WORD: &str = "fim";

/// What all threads know.
#[derive(Debug, Default)]
struct Scene {
    /// The port of the server that lives, 0 for none.
    port: AtomicU16,
    /// Which life of the server this is. A port that was read before it changed may be another
    /// server's by now, one of another test even.
    life: AtomicU64,
    /// Nobody begins anything new; what is not answered yet is brought to an end.
    closing: AtomicBool,
    /// A check has failed: nobody waits for anything any more.
    failed: AtomicBool,
    /// Requests that were answered so far.
    answered: AtomicU64,
    /// What was answered: each sender's own label, with the number of its message.
    acknowledged: Mutex<BTreeMap<String, u64>>,
}

impl Scene {
    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    /// Remembers an answer, which must be the same as one to the same request before.
    #[track_caller]
    fn acknowledge(&self, label: &str, msg_id: u64) {
        let mut acknowledged = self.acknowledged.lock().expect("nobody failed with it");
        let first = *acknowledged.entry(label.to_owned()).or_insert(msg_id);
        drop(acknowledged);
        assert_eq!(first, msg_id, "{label:?} was answered with two numbers");
        self.answered.fetch_add(1, Ordering::SeqCst);
    }
}

/// Tells everybody when it is dropped by a check that failed.
struct Alarm<'a>(&'a Scene);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.failed.store(true, Ordering::SeqCst);
        }
    }
}

/// A message as somebody saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    msg_id: u64,
    /// The name of the group, or of the other end.
    place: String,
    /// The sender's label, which is its content, too.
    label: String,
}

impl Seen {
    /// A message event, as its reader (by this name) sees it; none of another kind.
    #[track_caller]
    fn of(event: &Value, reader: &str) -> Option<Self> {
        let place = match event["type"].as_str()? {
            "private_message_received" if event["sender"] == reader => text(event, "recipient"),
            "private_message_received" => text(event, "sender"),
            "group_message_received" => text(event, "group_name"),
            _ => return None,
        };
        let label = text(event, "content");
        // Nothing got mixed up on its way to the disk and back.
        assert_eq!(event["id"], label, "{event}");
        Some(Self {
            msg_id: number(event, "msg_id"),
            place: place.to_owned(),
            label: label.to_owned(),
        })
    }
}

fn from_environment(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} should be a whole number: {value:?}")))
}

#[test]
fn killed_again_and_again_it_loses_nothing_and_says_nothing_twice() {
    let kills = from_environment("PAPO_KILLS").unwrap_or(KILLS);
    let seed = from_environment("PAPO_SEED").unwrap_or_else(dice::random_seed);
    eprintln!("PAPO_KILLS={kills} PAPO_SEED={seed}");
    let mut server = Server::start();
    let mut dice = Dice::new(seed);
    let scene = Scene::default();
    let tokens = prepare(&server);

    let views = thread::scope(|scope| {
        let _alarm = Alarm(&scene);
        open(&scene, &server);
        let senders: Vec<ScopedJoinHandle<'_, ()>> = SENDERS
            .iter()
            .map(|(name, framing)| {
                let sender = Sender::new(name, *framing, dice.another());
                let scene = &scene;
                scope.spawn(move || {
                    let _alarm = Alarm(scene);
                    sender.run(scene);
                })
            })
            .collect();
        let readers: Vec<ScopedJoinHandle<'_, Vec<Seen>>> = READERS
            .iter()
            .map(|(name, kind)| {
                let reader = Reader::new(name, *kind, tokens.get(name).cloned(), dice.another());
                let scene = &scene;
                scope.spawn(move || {
                    let _alarm = Alarm(scene);
                    reader.run(scene)
                })
            })
            .collect();

        kill_and_restart(kills, &scene, &mut server, &mut dice);
        scene.closing.store(true, Ordering::SeqCst);
        senders.into_iter().for_each(joined);
        say_the_last_word(&server);
        let views: Vec<Vec<Seen>> = readers.into_iter().map(joined).collect();
        views
    });

    compare(&mut server, &tokens, &scene, &views);
    let answered = scene.answered.load(Ordering::SeqCst);
    eprintln!("{kills} kills, {answered} answers: nothing missing, nothing twice, one order");
}

/// Everybody has been here once and is in the group. Who wants one gets a token.
fn prepare(server: &Server) -> BTreeMap<&'static str, String> {
    let mut host = server.join(HOST);
    host.group("create_group", TIME, &json!({}));
    let mut tokens = BTreeMap::new();
    for (name, kind) in READERS {
        let mut peer = if *kind == ReaderKind::Old {
            server.join(name)
        } else {
            let (peer, token) = server.claim(name);
            tokens.insert(*name, token);
            peer
        };
        peer.group("join_group", TIME, &json!({}));
        drop(peer);
    }
    for (name, _) in SENDERS {
        let mut peer = server.join(name);
        peer.group("join_group", TIME, &json!({}));
        drop(peer);
    }
    // It has other things to do than to read along.
    host.group("leave_group", TIME, &json!({}));
    tokens
}

fn open(scene: &Scene, server: &Server) {
    scene.life.fetch_add(1, Ordering::SeqCst);
    scene.port.store(server.port(), Ordering::SeqCst);
}

/// The heart of it. A moment is random in time, and now and then comes before anybody is back.
fn kill_and_restart(kills: u64, scene: &Scene, server: &mut Server, dice: &mut Dice) {
    for kill in 1..=kills {
        let life = if dice.one_in(5) { dice.below(20) } else { dice.below(LIFE_MS_MAX) };
        // It is the moment that is waited for here, nothing that has to happen by then.
        thread::sleep(Duration::from_millis(life));
        assert!(server.is_running(), "the server ended by itself: {:?}", server.stderr().lines());
        assert!(!scene.has_failed(), "somebody saw what must not be");
        scene.port.store(0, Ordering::SeqCst);
        scene.life.fetch_add(1, Ordering::SeqCst);
        server.crash();
        open(scene, server);
        if kill % KILLS_PER_LINE == 0 {
            let answered = scene.answered.load(Ordering::SeqCst);
            eprintln!("{kill} of {kills} kills, {answered} answers");
        }
    }
    // It was under load all the time, or it has proven nothing.
    let before = scene.answered.load(Ordering::SeqCst);
    let deadline = Instant::now() + PATIENCE;
    while scene.answered.load(Ordering::SeqCst) < before + 10 {
        assert!(Instant::now() < deadline, "nobody gets an answer any more");
        assert!(!scene.has_failed(), "somebody saw what must not be");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Gives on what a thread has found, or how it failed.
fn joined<T>(handle: ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// To each reader in private, after everything else.
fn say_the_last_word(server: &Server) {
    let mut host = server.connect(Framing::Line);
    crowd::login(&mut host, HOST, &json!({}));
    for (name, _) in READERS {
        host.tell(name, LAST_WORD);
    }
}

/// The server's own account of everything, against what was answered and what was seen.
fn compare(
    server: &mut Server,
    tokens: &BTreeMap<&'static str, String>,
    scene: &Scene,
    views: &[Vec<Seen>],
) {
    let acknowledged = scene.acknowledged.lock().expect("nobody failed with it").clone();
    let stored = everything_stored(server, tokens);
    server.crash();
    assert!(everything_stored(server, tokens) == stored, "a kill at rest has changed something");

    // Everybody reads the same in the group.
    let in_group: Vec<&Seen> =
        stored[READERS[0].0].iter().filter(|seen| seen.place == TIME).collect();
    for (name, all) in &stored {
        let theirs: Vec<&Seen> = all.iter().filter(|seen| seen.place == TIME).collect();
        assert!(theirs == in_group, "{name} reads another group than {}", READERS[0].0);
    }
    // Each message once: by its number, and by its label.
    let mut numbers = BTreeMap::new();
    let mut labels = BTreeMap::new();
    for seen in stored.values().flatten() {
        let other = numbers.insert(seen.msg_id, seen.label.clone());
        assert!(other.is_none_or(|other| other == seen.label), "one number, two: {seen:?}");
        let other = labels.insert(seen.label.clone(), seen.msg_id);
        assert!(other.is_none_or(|other| other == seen.msg_id), "twice: {seen:?}");
    }
    for (label, msg_id) in &acknowledged {
        assert_eq!(labels.get(label), Some(msg_id), "answered, and missing: {label:?}");
    }
    // Each sender went on until everything was answered, so there is nothing else.
    assert_eq!(labels.len(), acknowledged.len());
    for (name, framing) in SENDERS {
        in_the_order_of(name, *framing, &stored);
    }
    for ((name, kind), view) in READERS.iter().zip(views) {
        saw_what_is_stored(name, *kind, view, &stored[name]);
    }
}

/// What each reader may read, over all conversations, by number.
fn everything_stored(
    server: &Server,
    tokens: &BTreeMap<&'static str, String>,
) -> BTreeMap<&'static str, Vec<Seen>> {
    let mut stored = BTreeMap::new();
    for (name, _) in READERS {
        let fields = tokens.get(name).map_or(json!({}), |token| json!({ "token": token }));
        let mut peer = server.connect(Framing::Line);
        crowd::login(&mut peer, name, &fields);
        let mut all = Vec::new();
        all.extend(conversation(&mut peer, name, &group(TIME)));
        for (sender, _) in SENDERS {
            all.extend(conversation(&mut peer, name, &with(sender)));
        }
        all.sort_by_key(|seen| seen.msg_id);
        stored.insert(*name, all);
    }
    stored
}

/// One conversation without gaps.
fn conversation(peer: &mut Peer, name: &str, place: &Value) -> Vec<Seen> {
    let whole = history(peer, place);
    assert_chained(&whole);
    assert!(ids(&whole).is_sorted(), "{place}");
    whole.iter().map(|event| Seen::of(event, name).expect("a message")).collect()
}

/// What somebody said stands in each conversation in the order in which it was said.
fn in_the_order_of(name: &str, framing: Framing, stored: &BTreeMap<&'static str, Vec<Seen>>) {
    for all in stored.values() {
        let places: BTreeSet<&str> = all.iter().map(|seen| seen.place.as_str()).collect();
        for place in places {
            let said: Vec<u64> = all
                .iter()
                .filter(|seen| seen.place == place)
                .filter_map(|seen| crowd::place_in_speech(&seen.label, name))
                .collect();
            let strictly = said.is_sorted_by(|one, next| one < next);
            assert!(strictly, "{name} ({framing:?}) in {place}: {said:?}");
        }
    }
}

/// A reader has seen what the server says it stored. Who says what it has, by `since` or by
/// `received`, has seen all of it; the first client cannot know what was on its way to it when the
/// server was killed, and sees it in order, and no message twice but as backlog.
fn saw_what_is_stored(name: &str, kind: ReaderKind, view: &[Seen], stored: &[Seen]) {
    if kind == ReaderKind::Old {
        let mut rest = stored.iter();
        for seen in view {
            let found = rest.any(|message| message == seen);
            assert!(found, "{name} saw what is not stored, or not in its order: {seen:?}");
        }
        return;
    }
    for (seen, message) in view.iter().zip(stored) {
        assert_eq!(seen, message, "{name} saw the one where the other is stored");
    }
    assert_eq!(view.len(), stored.len(), "{name} saw less, or more, than is stored");
}
