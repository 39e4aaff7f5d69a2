//! Pages: what is in them, what is not, and how large they get.

use super::super::Durability;
use super::world::{World, contents, scope, whole};
use crate::chat::UserId;
use crate::chat::entry::Changed;
use crate::chat::query::{Fetched, Query, Row, Ticket};
use crate::limits::{
    JOURNAL_MISSED_IN_FLIGHT_MAX, JOURNAL_QUESTIONS_IN_FLIGHT_MAX, JOURNAL_SEARCHES_WAITING_MAX,
    MISSED_PAGE_ITEMS_MAX, STORED_PAGE_BYTES_MAX,
};
use crate::wire::request::PageAt;

const BOTH: [Durability; 2] = [Durability::Os, Durability::Memory];

#[test]
fn a_member_sees_what_was_said_while_in_the_group() {
    for durability in BOTH {
        let mut world = World::new(durability);
        let mut numbers = Vec::new();
        world.join(0, 4);
        for text in ["antes", "dentro", "ainda dentro", "fora", "dentro de novo"] {
            world.tell(0, 4, text);
            numbers.extend(world.stored());
        }
        let (first, second) =
            (scope(4, numbers[0], 0, numbers[2]), scope(4, numbers[3], 0, u64::MAX >> 1));
        let (items, more) = world.missed(vec![first, second], None);
        let rows: Vec<Row> = items.into_iter().map(|item| item.row).collect();
        assert_eq!(
            (contents(&rows), more),
            (vec!["dentro", "ainda dentro", "dentro de novo"], false)
        );
        assert_eq!(rows[2].prev, numbers[3]);
        let query = |at| Query::History { scope: first, at, limit: 10 };
        assert_eq!(contents(&world.rows(query(PageAt::Newest)).0), ["dentro", "ainda dentro"]);
        assert_eq!(contents(&world.rows(query(PageAt::After(0))).0), ["dentro", "ainda dentro"]);
        assert_eq!(world.search("fora", vec![first, second]), [""; 0]);
        assert_eq!(world.search("dentro", vec![first]), ["ainda dentro", "dentro"]);
    }
}

#[test]
fn words_are_found_without_their_accents_and_nothing_else_is() {
    for durability in BOTH {
        let mut world = World::new(durability);
        for text in [
            "Reunião amanhã às 14h",
            "reunioes não",
            "a CAFÉ-da-manhã",
            "\"aspas\" e * OR NEAR(",
            "João disse: até já",
            "e-mail: joao@exemplo.pt",
        ] {
            world.say("", text);
        }
        world.file("relatório final.pdf", "ana_relatório final.pdf", 3);
        world.stored();
        let mut found = |words: &str| world.search(words, vec![whole(1)]);
        assert_eq!(found("reuniao"), ["Reunião amanhã às 14h"]);
        assert_eq!(found("AMANHA REUNI"), ["Reunião amanhã às 14h"]);
        assert_eq!(found("reun").len(), 2);
        assert_eq!(found("reun amanha"), [""; 0]);
        assert_eq!(found("cafe-da"), ["a CAFÉ-da-manhã"]);
        assert_eq!(found("reuni\u{e3}o 14"), ["Reunião amanhã às 14h"]);
        assert_eq!(found("reunia\u{303}o 14h"), ["Reunião amanhã às 14h"]);
        assert_eq!(found("relatorio"), [""]);
        for words in ["\"aspas", "NEAR(", "OR NEAR", "* or", "aspas\" OR \"*"] {
            assert_eq!(found(words), ["\"aspas\" e * OR NEAR("], "{words}");
        }
        for words in
            ["", " ", "***", "\"\"", "\u{0}", "🙂", "text : aspas", "c1", "^", "-", "\u{301}"]
        {
            assert_eq!(found(words), [""; 0], "{words}");
        }
        assert_eq!(found("aspas\u{0}or").len(), 1);
        assert_eq!(world.search("aspas", vec![whole(2)]), [""; 0]);
        assert_eq!(world.search("aspas", vec![]), [""; 0]);
    }
}

#[test]
fn a_search_follows_changes() {
    for durability in BOTH {
        let mut world = World::new(durability);
        world.say("", "primeira versão");
        world.say("", "some");
        let numbers = world.stored();
        assert_eq!(world.search("primeira", vec![whole(1)]).len(), 1);
        let content = world.batch.push_text("segunda versão");
        world.change(0, numbers[0], Changed::Edited(content));
        world.change(0, numbers[1], Changed::Deleted);
        world.stored();
        assert_eq!(world.search("primeira", vec![whole(1)]), [""; 0]);
        assert_eq!(world.search("segunda", vec![whole(1)]), ["segunda versão"]);
        assert_eq!(world.search("some", vec![whole(1)]), [""; 0]);
        let (rows, _) = world.history(PageAt::Newest, 10);
        assert_eq!((rows[0].edited, rows[1].deleted), (true, true));
        assert_eq!(contents(&rows), ["segunda versão", ""]);
    }
}

#[test]
fn changes_of_what_is_known_are_told_once_with_what_is_new() {
    for durability in BOTH {
        let mut world = World::new(durability);
        world.say("", "conhecida");
        world.say("", "apagada");
        let known = world.stored();
        world.say("", "nova");
        let new = world.stored()[0];
        let emoji = world.batch.push_text("👍");
        world.change(1, known[0], Changed::Reacted(Some(emoji)));
        world.change(0, known[1], Changed::Deleted);
        world.change(0, new, Changed::Deleted);
        let changes = world.stored();
        let since = scope(1, 0, known[1], u64::MAX >> 1);
        let (items, _) = world.missed(vec![since], Some(known[1]));
        let told: Vec<_> = items.iter().map(|i| (i.position, i.row.msg_id, i.change)).collect();
        let wanted =
            [(new, new, false), (changes[0], known[0], true), (changes[1], known[1], true)];
        assert_eq!(told, wanted);
        assert_eq!(items[1].row.reactions, [(UserId(1), "👍".to_owned())]);
        assert!(items[0].row.deleted && items[2].row.deleted);
        assert!(world.missed(vec![since], None).0.is_empty());
        world.reopen();
        if durability == Durability::Os {
            assert_eq!(world.recovered.pairs[0].changed, changes[2]);
        }
    }
}

#[test]
fn a_page_ends_before_it_is_too_large_and_one_message_always_fits() {
    for durability in BOTH {
        let mut world = World::new(durability);
        let large = "x".repeat(50_000);
        for _ in 0..7 {
            world.say("", &large);
        }
        world.say("", &"y".repeat(STORED_PAGE_BYTES_MAX));
        let numbers = world.stored();
        let (rows, more) = world.history(PageAt::Newest, 200);
        assert_eq!((rows.len(), more), (1, true));
        let (rows, more) = world.history(PageAt::After(0), 200);
        assert_eq!((rows.len(), more), (2, true));
        let (items, more) = world.missed(vec![whole(1)], None);
        assert_eq!((items.len(), more), (2, true));
        let (items, more) = world.missed(vec![scope(1, 0, numbers[6], numbers[7])], None);
        assert_eq!((items.len(), more), (1, false));
    }
}

#[test]
fn a_long_absence_in_many_places_comes_in_pages() {
    for durability in BOTH {
        let mut world = World::new(durability);
        let mut wanted = Vec::new();
        (1..=90).for_each(|group| world.join(0, group));
        world.join(1, 1);
        for round in 0..700u32 {
            world.tell(0, 1 + round % 90, &format!("{round}"));
            // What the user wrote is not missed, however much it is.
            for _ in 0..3 {
                world.tell(1, 1, "meu");
            }
            wanted.extend(world.stored().first().copied());
        }
        let mut scopes: Vec<_> = (1..=100).map(whole).collect();
        let mut found = Vec::new();
        loop {
            let (items, more) = world.missed(scopes.clone(), Some(0));
            assert_eq!(items.len(), MISSED_PAGE_ITEMS_MAX.min(wanted.len() - found.len()));
            found.extend(items.iter().map(|item| item.position));
            for scope in &mut scopes {
                scope.after = found.last().copied().unwrap_or(0);
            }
            if !more {
                break;
            }
        }
        assert_eq!(found, wanted);
    }
}

#[test]
fn files_come_with_their_bytes_while_they_are_there() {
    let mut world = World::new(Durability::Os);
    let files = world.data().join("server_files");
    std::fs::create_dir(&files).unwrap();
    std::fs::write(files.join("ana_a.txt"), "olá").unwrap();
    std::fs::write(world.data().join("secret.txt"), "não").unwrap();
    world.file("a.txt", "ana_a.txt", 4);
    world.file("b.txt", "ana_b.txt", 4);
    world.file("c.txt", "../secret.txt", 4);
    // What stands where the bytes were removed.
    std::fs::write(files.join("ana_d.txt"), "").unwrap();
    world.file("d.txt", "ana_d.txt", 4);
    world.file("e.txt", "ana_d.txt", 0);
    world.stored();
    let (items, _) = world.missed(vec![whole(1)], None);
    let data: Vec<_> =
        items.iter().map(|item| item.row.file.as_ref().unwrap().data.as_deref()).collect();
    assert_eq!(data, [Some("b2zDoQ=="), None, None, None, Some("")]);
    let (rows, _) = world.history(PageAt::Newest, 10);
    let file = rows[0].file.as_ref().unwrap();
    assert_eq!((file.name.as_str(), file.size, &file.data), ("a.txt", 4, &None));
}

/// Nothing more is read from anybody while the journal is full: those who catch up or search are no
/// reason for that, however many they are.
#[test]
fn who_catches_up_or_searches_holds_nobody_up() {
    let mut world = World::new(Durability::Os);
    world.say("", "oi");
    world.commit();
    let count = 2 * JOURNAL_QUESTIONS_IN_FLIGHT_MAX;
    let journal = world.journal();
    for at in 0..count {
        let scopes = vec![whole(1)];
        let query = Query::Missed {
            user: UserId(1),
            scopes: scopes.clone(),
            own: false,
            changes_upto: None,
            inline_files: false,
        };
        journal.fetch(Ticket(at), query);
        let query = Query::Search { words: "oi".to_owned(), scopes, limit: 1 };
        journal.fetch(Ticket(count + at), query);
    }
    assert!(!journal.is_full());
    assert_eq!(journal.missed_room(), 0);
    let (mut answers, mut busy) = (0, 0);
    while answers < 2 * count {
        while let Some((_, answer)) = journal.fetched() {
            answers += 1;
            busy += usize::from(matches!(answer, Fetched::Busy));
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert!(busy >= count - 2 * JOURNAL_SEARCHES_WAITING_MAX && busy < count, "{busy}");
    assert_eq!(journal.missed_room(), JOURNAL_MISSED_IN_FLIGHT_MAX);
}
