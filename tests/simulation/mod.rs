//! The whole server, but for the system below it, played by dice: the real core, the real wire, the
//! real connections and outboxes and the real store, over virtual pipes, clocks and a virtual disk.
//!
//! A seed decides everything: who comes, what they say, how their bytes are cut and held up, when they
//! vanish, when the disk is full or fails, when the clock leaps, when the process or the machine dies.
//! `world` plays it, `ledger` and `store` say what must be true. Each run is played twice and must be
//! the same; and mistakes put in on purpose (`crate::sabotage`) must be found.
//!
//! A failing seed is printed; `PAPO_SEED=N cargo test simulation` plays it again, with
//! `PAPO_TRACE=1` and `-- --nocapture` it tells what happens. `scripts/simulate` plays many.

mod client;
mod clock;
mod codec;
#[path = "../store/kill/dice.rs"]
mod dice;
mod files;
mod ground;
mod hostile;
mod ledger;
mod link;
mod storage;
mod store;
mod world;

use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::sabotage::{self, Sabotage};
use world::{Outcome, Simulation};

/// Seeds played when nobody says otherwise.
const SEEDS: u64 = 200;

/// More than anybody plays.
const SEEDS_MAX: u64 = u64::MAX / 2;

/// Seeds within which each mistake must be found.
const SEEDS_TO_FIND: u64 = 60;

#[test]
fn nothing_is_lost_whatever_goes_wrong() {
    if let Some(seed) = variable("PAPO_SEED") {
        return assert_eq!(play(seed), play(seed), "seed {seed} is not played alike twice");
    }
    let end = variable("PAPO_MINUTES").map(|minutes| Duration::from_secs(60 * minutes));
    let seeds = variable("PAPO_SEEDS").unwrap_or(if end.is_some() { SEEDS_MAX } else { SEEDS });
    // Who has time plays seeds that nobody has played.
    let fresh = if end.is_some() { dice::random_seed() } else { 0 };
    let first = variable("PAPO_FIRST_SEED").unwrap_or(fresh);
    let (next, began) = (AtomicU64::new(0), Instant::now());
    let total = Mutex::new((0_u64, Outcome::default()));
    let hands = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        for _ in 0..hands {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= seeds || end.is_some_and(|end| began.elapsed() > end) {
                        return;
                    }
                    let seed = first.wrapping_add(at);
                    let outcome = panic::catch_unwind(|| {
                        let outcome = play(seed);
                        assert_eq!(outcome, play(seed), "it is not played alike twice");
                        outcome
                    });
                    let Ok(outcome) = outcome else {
                        // Nobody begins another one.
                        next.store(SEEDS_MAX, Ordering::Relaxed);
                        panic!(
                            "seed {seed} fails; again with PAPO_SEED={seed} cargo test simulation"
                        );
                    };
                    let mut total = total.lock().expect("nobody panics while counting");
                    total.0 += 1;
                    total.1.add(outcome);
                }
            });
        }
    });
    let (played, total) = total.into_inner().expect("nobody panicked while counting");
    println!("{}", summary((first, played), total, began.elapsed()));
}

#[test]
fn each_mistake_is_found() {
    // What the panics say is expected, and of no interest.
    let hook = panic::take_hook();
    for mistake in [
        Sabotage::AnsweredBeforeSync,
        Sabotage::DoneTwice,
        Sabotage::CursorOffByOne,
        Sabotage::TailDropped,
        Sabotage::JudgedTooEarly,
        Sabotage::NumbersFollowClock,
        Sabotage::OutboxUnbounded,
    ] {
        let found = (0..SEEDS_TO_FIND).find(|seed| {
            sabotage::make(Some(mistake));
            let played = panic::catch_unwind(AssertUnwindSafe(|| play(*seed)));
            sabotage::make(None);
            played.is_err()
        });
        println!("{mistake:?} is found by seed {found:?}");
        assert!(found.is_some(), "{mistake:?} is not found within {SEEDS_TO_FIND} seeds");
    }
    panic::set_hook(hook);
}

fn play(seed: u64) -> Outcome {
    Simulation::new(seed).play()
}

/// What it all amounted to.
fn summary((first, played): (u64, u64), total: Outcome, took: Duration) -> String {
    let Outcome { events, frames, virtual_ms, crashes, .. } = total;
    let minutes = virtual_ms / 60_000;
    let per_second = u128::from(2 * events) * 1_000 / took.as_millis().max(1);
    format!(
        "{played} seeds from {first} on, each played twice: {events} events ({per_second} per second), {frames} frames \
        heard by honest clients, {crashes} crashes, {}:{:02} virtual hours, {} s",
        minutes / 60,
        minutes % 60,
        took.as_secs()
    )
}

/// A number in the environment.
fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value} is no number")))
}
