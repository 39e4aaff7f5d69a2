//! The store on a disk that loses its power at any moment, is full, or fails.

use simulated_disk::Disk;

use super::super::{Durability, Journal, OpenError};
use super::run::Run;

/// What a run does in the tests that repeat it for each of its operations.
const SHORT: usize = 20;

/// A disk whose power goes off in the midst of one operation, or never.
fn crashed_at(run: &mut Run, operation: u64, steps: usize) {
    run.disk.crash_after(operation);
    if run.open() {
        run.act(steps);
    }
    run.crash();
}

fn operations_of_a_run(durability: Durability, seed: u64) -> u64 {
    let mut run = Run::new(durability, seed);
    crashed_at(&mut run, u64::MAX / 2, SHORT);
    run.disk.operations()
}

#[test]
fn whatever_was_acknowledged_is_there_after_a_crash_at_any_operation() {
    let whole = operations_of_a_run(Durability::Sync, 1);
    assert!(whole > 200, "{whole}");
    for operation in 1..=whole {
        for dice in 0..2 {
            let mut run = Run::new(Durability::Sync, 1);
            crashed_at(&mut run, operation, SHORT);
            run.disk.power_on(operation * 2 + dice);
            run.reopen_and_check();
        }
    }
}

#[test]
fn without_syncs_a_crash_takes_the_newest_back_and_no_other() {
    let whole = operations_of_a_run(Durability::Os, 2);
    for operation in 1..=whole {
        let mut run = Run::new(Durability::Os, 2);
        crashed_at(&mut run, operation, SHORT);
        run.disk.power_on(operation);
        run.reopen_and_check();
    }
}

/// `PAPO_CRASHES` says how many stores, if it is to be more than a few.
#[test]
fn one_store_lives_through_many_ends() {
    let stores = std::env::var("PAPO_CRASHES").ok().and_then(|stores| stores.parse().ok());
    for seed in 0..stores.unwrap_or(12) {
        let durability = [Durability::Sync, Durability::Os][usize::from(seed % 3 == 2)];
        println!("store {seed}, {durability:?}");
        let mut run = Run::new(durability, seed * 7_919);
        for life in 0..12 {
            let dice = seed * 12 + life;
            match run.dice(8) {
                0 => run.kill(),
                1 => run.close(),
                2 => {
                    run.disk.fail_next_sync(dice);
                    run.act(12);
                    run.kill();
                    run.disk.heal();
                    let operation = 1 + run.dice(40);
                    crashed_at(&mut run, operation, 3);
                    run.disk.power_on(dice);
                }
                at @ 3..=5 => {
                    let room = run.disk.used() + run.dice(40_000);
                    match at {
                        3 => run.disk.full(Some(room)),
                        4 => run.disk.fail_next_write(),
                        _ => run.disk.fail_next_read(),
                    }
                    run.act(6);
                    run.disk.heal();
                    if run.dice(2) == 0 {
                        run.kill();
                    }
                }
                _ => {
                    let operation = 1 + run.dice(150);
                    crashed_at(&mut run, operation, 40);
                    run.disk.power_on(dice);
                }
            }
            run.reopen_and_check();
            run.act(10);
        }
    }
}

#[test]
fn what_a_full_or_failing_disk_refuses_is_not_there_and_what_comes_later_is() {
    let (mut refused, mut stored) = (0, 0);
    for seed in 0..12 {
        let mut run = Run::new(Durability::Sync, seed);
        assert!(run.open());
        for round in 0..8 {
            match run.dice(3) {
                0 => {
                    let room = run.disk.used() + run.dice(40_000);
                    run.disk.full(Some(room));
                }
                1 => run.disk.fail_next_write(),
                _ => run.disk.fail_next_read(),
            }
            run.act(6);
            run.disk.heal();
            assert_eq!(run.failure(), None, "{seed} {round}");
            run.check();
        }
        let before = run.stored();
        run.act(10);
        assert!(run.stored() > before);
        (refused, stored) = (refused + run.refused(), stored + run.stored());
        run.crash();
        run.disk.power_on(seed);
        run.reopen_and_check();
    }
    assert!(refused > 20 && stored > 100, "{refused} {stored}");
}

/// The disk says once that it could not write, and then forgets that it was to. Whoever goes on as if
/// nothing had happened builds on what is not there.
#[test]
fn a_failed_sync_ends_the_journal_and_the_next_one_builds_on_solid_ground() {
    let mut failed = 0;
    for seed in 0..60 {
        let mut run = Run::new(Durability::Sync, seed);
        assert!(run.open());
        run.act(8);
        run.disk.fail_next_sync(seed);
        run.act(12);
        failed += usize::from(run.failure().is_some());
        run.kill();
        // The power may go off while the next one begins.
        if run.dice(2) == 0 {
            let operation = 1 + run.dice(20);
            run.disk.crash_after(operation);
            run.open();
            run.crash();
            run.disk.power_on(seed);
        }
        run.reopen_and_check();
        run.act(8);
        run.check();
        run.crash();
        run.disk.power_on(seed);
        run.reopen_and_check();
    }
    assert!(failed > 50, "{failed}");
}

#[test]
fn the_same_run_has_the_same_reports_and_leaves_the_same_disk() {
    let ends = |seed| {
        let mut run = Run::new(Durability::Sync, seed);
        crashed_at(&mut run, 100 + seed * 50, 60);
        run.disk.power_on(seed);
        run.reopen_and_check();
        run.act(20);
        let before = run.disk.fingerprint();
        run.close();
        (before, run.disk.fingerprint(), run.disk.operations(), std::mem::take(&mut run.heard))
    };
    for seed in 0..8 {
        assert_eq!(ends(seed), ends(seed));
    }
    assert_ne!(ends(1), ends(2));
}

#[test]
fn a_folder_that_cannot_be_synced_has_no_store() {
    let disk = Disk::new();
    disk.fail_folder_syncs();
    let opened = Journal::stepped(&disk, Durability::Sync);
    assert!(matches!(opened, Err(OpenError::Unusable(_))));
    disk.heal();
    assert!(Journal::stepped(&disk, Durability::Sync).is_ok());
}

/// `SQLite` goes on without its log then, with a journal whose deletion a power cut undoes.
#[test]
fn a_store_that_cannot_begin_its_log_is_not_opened() {
    for seed in 0..20 {
        let mut run = Run::new(Durability::Sync, seed);
        run.disk.fail_next_sync(seed);
        let opened = Journal::stepped(&run.disk, Durability::Sync);
        assert!(matches!(opened, Err(OpenError::Unusable(_))));
        assert!(run.open());
        run.act(12);
        run.crash();
        run.disk.power_on(seed);
        run.reopen_and_check();
    }
}
