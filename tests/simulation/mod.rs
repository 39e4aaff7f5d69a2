//! The whole server, but for the system below it, played by the dice: the real core, the real wire,
//! the real connections and outboxes, the real store; virtual pipes, clocks and disk.

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

use world::Simulation;

#[test]
fn nothing_is_lost_whatever_happens() {
    let first: u64 = std::env::var("PAPO_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0);
    let count: u64 = std::env::var("PAPO_SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(20);
    for seed in first..first + count {
        println!("RUN");
        let outcome = Simulation::new(seed).play();
        println!("RUN");
        let again = Simulation::new(seed).play();
        println!("{seed}: {outcome:?}");
        assert_eq!(outcome, again, "seed {seed}");
    }
}
