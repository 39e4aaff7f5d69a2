//! What happens when the disk has no room.

use rusqlite::Connection;

use super::super::schema::FILE;
use super::super::{Durability, schema};
use super::world::World;
use crate::chat::entry::Outcome;
use crate::chat::query::{Query, Ticket};
use crate::limits::{JOURNAL_BYTES_IN_FLIGHT_MAX, JOURNAL_QUESTIONS_IN_FLIGHT_MAX};
use crate::wire::Code;
use crate::wire::request::PageAt;

#[test]
fn a_full_disk_fails_what_it_has_no_room_for_and_nothing_else() {
    let mut world = World::new(Durability::Sync);
    world.say("a", "cabe");
    let before = world.stored()[0];
    world.close();
    let pages: i64 = Connection::open(world.data().join(FILE))
        .unwrap()
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .unwrap();
    schema::PAGES_MAX.set(Some(pages + 8));
    world.reopen();
    schema::PAGES_MAX.set(None);
    let large = "palavra ".repeat(8_000);
    world.say("b", &large);
    world.say("c", "pequena");
    let unavailable = Outcome::Failed(Code::StorageUnavailable);
    assert_eq!(world.commit(), [unavailable, unavailable]);
    world.say("c", "pequena");
    let after = world.stored()[0];
    assert!(after > before);
    let (rows, _) = world.history(PageAt::Newest, 10);
    assert_eq!(rows.iter().map(|row| row.msg_id).collect::<Vec<_>>(), [before, after]);
    world.reopen();
    world.say("b", &large);
    assert!(world.stored()[0] > after);
}

#[test]
fn too_much_on_its_way_is_said_until_it_has_come_back() {
    let mut world = World::new(Durability::Os);
    let large = "x".repeat(60_000);
    let mut batches = 0;
    while !world.journal().is_full() {
        for _ in 0..8 {
            world.say("", &large);
        }
        world.append();
        batches += 1;
    }
    assert!(batches * 8 * large.len() <= JOURNAL_BYTES_IN_FLIGHT_MAX + 8 * large.len());
    for _ in 0..batches {
        let committed = world.committed();
        world.journal().recycle(committed);
    }
    assert!(!world.journal().is_full());
    assert_eq!(world.journal().failure(), None);
    for _ in 0..JOURNAL_QUESTIONS_IN_FLIGHT_MAX {
        world.journal().fetch(Ticket(1), Query::Message(1));
    }
    assert!(world.journal().is_full());
    let mut answers = 0;
    while answers < JOURNAL_QUESTIONS_IN_FLIGHT_MAX {
        answers += usize::from(world.journal().fetched().is_some());
    }
    assert!(!world.journal().is_full());
}
