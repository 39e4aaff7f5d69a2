//! What was committed is there, once, under a number that nothing else has.

use std::sync::Arc;

use super::super::schema::FILE;
use super::super::{Durability, Journal, OpenError};
use super::world::{NEW_YEAR_MS, World, contents, whole};
use crate::chat::UserId;
use crate::chat::entry::{Account, Change, ConversationId, Credential, Outcome, Place, What};
use crate::chat::query::Query;
use crate::limits::TOKENS_PER_USER_MAX;
use crate::wire::Text;
use crate::wire::event::Role;
use crate::wire::name::Name;
use crate::wire::request::{PageAt, RequestId};

#[test]
fn what_was_committed_is_there_after_reopening() {
    for durability in [Durability::Sync, Durability::Os] {
        let mut world = World::new(durability);
        world.say("a", "olá");
        world.say("b", "outra vez");
        let numbers = world.stored();
        world.reopen();
        let (rows, more) = world.history(PageAt::Newest, 10);
        assert_eq!((contents(&rows), more), (vec!["olá", "outra vez"], false));
        assert_eq!(rows[0].msg_id, numbers[0]);
        assert_eq!((rows[0].prev, rows[1].prev), (0, numbers[0]));
        assert_eq!(rows[0].request, Some(RequestId::Text(Text::from("a"))));
        assert_eq!(rows[0].ts, NEW_YEAR_MS);
        assert_eq!(world.recovered.last, numbers[1]);
        let pair = world.recovered.pairs[0];
        assert_eq!((pair.id, pair.users), (ConversationId(1), (UserId(0), UserId(1))));
        assert_eq!((pair.newest, pair.changed), (numbers[1], 0));
        assert_eq!(world.recovered.conversations, 1);
    }
}

#[test]
fn what_was_appended_is_stored_when_the_journal_has_been_closed() {
    let mut world = World::new(Durability::Sync);
    for number in 0..50 {
        world.say("", &format!("{number}"));
        world.append();
    }
    world.reopen();
    assert_eq!(world.history(PageAt::Newest, 100).0.len(), 50);
}

#[test]
fn a_request_is_stored_once_however_late_it_comes_again() {
    let mut world = World::new(Durability::Sync);
    world.say("a", "olá");
    world.say("a", "olá");
    world.say("a", "adeus");
    let outcomes = world.commit();
    let Outcome::Stored(first) = outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(outcomes[1..], [Outcome::Duplicate(first), Outcome::Conflict]);
    world.reopen();
    world.say("a", "olá");
    world.message(0, Place::User(UserId(2)), 2, Some(&RequestId::Text(Text::from("a"))), "olá");
    assert_eq!(world.commit(), [Outcome::Duplicate(first), Outcome::Conflict]);
    assert_eq!(world.history(PageAt::Newest, 10).0.len(), 1);
}

#[test]
fn a_number_and_its_digits_are_two_ids() {
    for durability in [Durability::Sync, Durability::Memory] {
        let mut world = World::new(durability);
        let to = Place::User(UserId(1));
        for id in [RequestId::Number(7), RequestId::Text(Text::from("7"))] {
            world.message(0, to, 1, Some(&id), "olá");
        }
        world.stored();
        let (rows, _) = world.history(PageAt::Newest, 10);
        assert_eq!(rows[0].request, Some(RequestId::Number(7)));
        assert_eq!(rows[1].request, Some(RequestId::Text(Text::from("7"))));
    }
}

#[test]
fn what_was_forgotten_is_a_new_request() {
    for durability in [Durability::Sync, Durability::Memory] {
        let mut world = World::new(durability);
        world.say("", "antes");
        world.say("a", "olá");
        let numbers = world.stored();
        world.push(0, None, What::Forget(numbers[1]));
        world.say("a", "outro texto");
        let outcomes = world.commit();
        assert_eq!(outcomes[0], Outcome::Stored(0));
        assert!(matches!(outcomes[1], Outcome::Stored(_)), "{outcomes:?}");
        let (rows, _) = world.history(PageAt::Newest, 10);
        assert_eq!(contents(&rows), ["antes", "outro texto"]);
        assert_eq!(rows[1].prev, numbers[0]);
        assert!(world.search("olá", vec![whole(1)]).is_empty());
    }
}

#[test]
fn numbers_grow_when_the_clock_goes_back_and_across_restarts() {
    let mut world = World::new(Durability::Sync);
    world.say("", "um");
    let mut last = world.stored()[0];
    assert_eq!(last, (NEW_YEAR_MS - 1_735_689_600_000) << 12);
    for (user, back) in (0..).zip([1_000, 1_000_000, NEW_YEAR_MS]) {
        world.wall_ms = NEW_YEAR_MS - back;
        world.reopen();
        assert_eq!(world.recovered.last, last);
        // The last number belongs to no message that could be found again.
        world.account(user, &format!("pessoa {user}"));
        let next = world.stored()[0];
        assert_eq!(next, last + 1);
        last = next;
    }
}

#[test]
fn one_server_has_the_folder() {
    let world = World::new(Durability::Sync);
    let open = || Journal::open(world.data(), Durability::Sync, Arc::new(|| ()));
    assert!(matches!(open(), Err(OpenError::Locked)));
    let folder = world.data().to_owned();
    let mut world = world;
    world.close();
    Journal::open(&folder, Durability::Sync, Arc::new(|| ())).unwrap().0.close();
}

#[test]
fn a_store_that_is_newer_or_none_is_left_alone() {
    let mut world = World::new(Durability::Sync);
    world.close();
    let path = world.data().join(FILE);
    let db = rusqlite::Connection::open(&path).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let open = || Journal::open(world.data(), Durability::Sync, Arc::new(|| ()));
    assert!(matches!(open(), Err(OpenError::TooNew { found: 99, .. })));
    std::fs::write(&path, "not a database, and long enough to be seen as none".repeat(99)).unwrap();
    assert!(matches!(open(), Err(OpenError::Damaged(_))));
}

#[test]
fn who_is_who_is_known_again() {
    let mut world = World::new(Durability::Sync);
    let token = |at: u32| [u8::try_from(at).unwrap(); 32];
    let account = Account { name: Name::parse("Ana").unwrap(), token: Some(token(0)) };
    world.push(0, None, What::Account(Box::new(account)));
    world.account(1, "bia");
    for at in 1..=TOKENS_PER_USER_MAX {
        world.push(0, None, What::Credential(Credential::Token(token(at))));
    }
    world.push(0, None, What::Credential(Credential::Revoked(token(5))));
    world.push(0, None, What::Credential(Credential::Password("$argon2id$".to_owned())));
    world.push(1, None, What::Credential(Credential::Token(token(200))));
    world.push(1, None, What::Credential(Credential::AllRevoked));
    for (cursor, last_seen_ms) in [(10, NEW_YEAR_MS + 5), (3, NEW_YEAR_MS)] {
        world.push(1, None, What::Seen { cursor, last_seen_ms });
    }
    for msg_id in [4, 2] {
        world.push(1, None, What::Read { conversation: ConversationId(9), msg_id });
    }
    world.commit();
    world.reopen();
    let [ana, bia] = &world.recovered.users[..] else { panic!("two users") };
    assert_eq!((ana.id, ana.name.as_str()), (UserId(0), "Ana"));
    assert_eq!(ana.password.as_deref(), Some("$argon2id$"));
    // The first was the oldest, the fifth is revoked.
    assert_eq!(ana.tokens.len(), TOKENS_PER_USER_MAX as usize - 1);
    assert_eq!((ana.tokens[0], ana.tokens[3], ana.tokens[4]), (token(1), token(4), token(6)));
    assert_eq!((bia.cursor, bia.last_seen_ms, bia.tokens.len()), (10, NEW_YEAR_MS + 5, 0));
    assert_eq!(world.recovered.reads, [(UserId(1), ConversationId(9), 4)]);
}

#[test]
fn a_name_that_is_none_any_more_stops_nobody() {
    let mut world = World::new(Durability::Sync);
    for (user, name) in (0..).zip(["ana", "bia", "caio"]) {
        world.account(user, name);
    }
    world.stored();
    world.close();
    let db = rusqlite::Connection::open(world.data().join(FILE)).unwrap();
    db.execute("UPDATE user SET name = 'a/n/a' WHERE id = 1", []).unwrap();
    db.execute("UPDATE user SET name = '///' WHERE id = 2", []).unwrap();
    drop(db);
    world.reopen();
    let names: Vec<&str> = world.recovered.users.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["ana", "ana-1", "x-2"]);
}

#[test]
fn stays_in_a_group_are_known_again() {
    let mut world = World::new(Durability::Sync);
    let name = |name| Name::parse(name).unwrap();
    world.group(0, 5, Change::Create { name: name("Turma"), private: false });
    world.group(1, 5, Change::Join);
    world.group(0, 5, Change::Add(UserId(2)));
    world.group(0, 5, Change::Add(UserId(2)));
    world.group(0, 5, Change::Promote(UserId(1)));
    world.group(1, 5, Change::Remove(UserId(0)));
    // Removed before, and no admin: neither happens in the core.
    world.group(0, 5, Change::Add(UserId(3)));
    world.group(2, 5, Change::Rename(name("Outra")));
    world.group(1, 5, Change::Rename(name("Equipa")));
    world.group(0, 5, Change::JoinToWrite);
    let numbers = world.stored();
    world.group(0, 6, Change::Create { name: name("Fechado"), private: true });
    world.group(1, 6, Change::Join);
    world.group(0, 6, Change::Leave);
    world.group(0, 6, Change::Delete);
    let later = world.stored();
    world.reopen();
    let [open, closed] = &world.recovered.groups[..] else { panic!("two groups") };
    assert_eq!((open.name.as_str(), open.private, open.deleted), ("Equipa", false, false));
    assert_eq!((closed.name.as_str(), closed.private, closed.deleted), ("Fechado", true, true));
    let members: Vec<_> = world
        .recovered
        .members
        .iter()
        .map(|m| (m.group.0, m.user.0, m.role, m.since, m.until, m.added_by.map(|by| by.0)))
        .collect();
    assert_eq!(
        members,
        [
            (5, 0, Role::Admin, numbers[0], Some(numbers[5]), None),
            (5, 1, Role::Admin, numbers[1], None, None),
            (5, 2, Role::Member, numbers[2], None, Some(0)),
            (5, 0, Role::Member, numbers[9], None, None),
            (6, 0, Role::Admin, later[0], Some(later[2]), None),
        ]
    );
}

/// What the core asks for after an admin's going may never be stored: the disk is full, the process
/// is killed. It is true all the same, or what the heir does would be undone by the next start.
#[test]
fn a_group_has_an_heir_as_soon_as_its_last_admin_is_gone() {
    let mut world = World::new(Durability::Sync);
    let name = |name| Name::parse(name).unwrap();
    world.group(0, 5, Change::Create { name: name("Turma"), private: true });
    for user in [1, 2, 3] {
        world.group(0, 5, Change::Add(UserId(user)));
    }
    world.group(0, 5, Change::Leave);
    world.group(1, 5, Change::Remove(UserId(2)));
    // Who gives it up is not the one who gets it.
    world.group(1, 5, Change::Demote(UserId(1)));
    world.group(3, 5, Change::Rename(name("Equipa")));
    world.commit();
    world.reopen();
    assert_eq!(world.recovered.groups[0].name.as_str(), "Equipa");
    let here = world.recovered.members.iter().filter(|member| member.until.is_none());
    let here: Vec<_> = here.map(|member| (member.user.0, member.role)).collect();
    assert_eq!(here, [(1, Role::Member), (3, Role::Admin)]);
}

/// Somebody writes to an open group while its last member leaves.
#[test]
fn who_comes_too_late_does_not_bring_a_group_back() {
    let mut world = World::new(Durability::Sync);
    world.group(0, 5, Change::Create { name: Name::parse("Turma").unwrap(), private: false });
    world.group(0, 5, Change::Leave);
    world.group(1, 5, Change::JoinToWrite);
    world.commit();
    world.reopen();
    assert!(world.recovered.groups[0].deleted);
    assert!(world.recovered.members.iter().all(|member| member.until.is_some()));
}

#[test]
fn one_message_is_found_by_its_number() {
    for durability in [Durability::Sync, Durability::Memory] {
        let mut world = World::new(durability);
        world.say("", "um");
        world.say("", "dois");
        let numbers = world.stored();
        let (rows, _) = world.rows(Query::Message(numbers[1]));
        assert_eq!((rows[0].prev, rows[0].content.as_str()), (numbers[0], "dois"));
        assert!(world.rows(Query::Message(numbers[1] + 1)).0.is_empty());
    }
}
