//! Both journals against a model that is too simple to be wrong, for the same entries.

#![expect(clippy::cast_possible_truncation, reason = "the numbers are small")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::Durability;
use super::world::{World, scope};
use crate::chat::UserId;
use crate::chat::entry::{Changed, ConversationId, Outcome, Place, What};
use crate::chat::query::{Fetched, Item, Query, Row, Scope};
use crate::limits::MISSED_PAGE_ITEMS_MAX;
use crate::wire::Code;
use crate::wire::event::MsgId;
use crate::wire::request::{PageAt, RequestId};

const TEXTS: [&str; 4] = ["Reunião amanhã", "outra coisa", "reuniao outra vez", "ok"];
const PLACES: [(u32, u32, u32); 3] = [(0, 1, 1), (0, 2, 2), (1, 2, 3)];

#[derive(Clone, Debug)]
enum Op {
    /// Who of the two, where, under which id, which text.
    Say(bool, usize, Option<i64>, usize),
    Edit(usize, usize),
    Delete(usize),
    React(usize, u32, bool),
    Forget(usize),
    Commit,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        8 => (any::<bool>(), 0..3usize, proptest::option::of(0..20i64), 0..4usize)
            // An id says one thing, or a retry of what was edited since would be answered as one by
            // the store on disk, which has the text no more, and not by the other.
            .prop_map(|(who, place, id, text)| {
                Op::Say(who, place, id, id.map_or(text, |id| id.unsigned_abs() as usize % 4))
            }),
        1 => (0..60usize, 0..4usize).prop_map(|(which, text)| Op::Edit(which, text)),
        1 => (0..60usize).prop_map(Op::Delete),
        2 => (0..60usize, 0..3u32, any::<bool>()).prop_map(|(a, b, c)| Op::React(a, b, c)),
        1 => (0..60usize).prop_map(Op::Forget),
        4 => Just(Op::Commit),
    ];
    proptest::collection::vec(op, 1..120)
}

/// What is stored, by the rules as they are written down.
#[derive(Default)]
struct Model {
    rows: Vec<Row>,
    changed: BTreeMap<MsgId, MsgId>,
}

impl Model {
    fn row(&mut self, msg_id: MsgId) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.msg_id == msg_id && !row.deleted)
    }

    /// Rows with what is before each.
    fn linked(&self) -> Vec<Row> {
        let mut newest = BTreeMap::new();
        let mut rows = self.rows.clone();
        for row in &mut rows {
            row.prev = newest.insert(row.conversation, row.msg_id).unwrap_or(0);
        }
        rows
    }

    fn missed(&self, user: UserId, own: bool, scopes: &[Scope], known: Option<MsgId>) -> Vec<Item> {
        let mut items = Vec::new();
        for row in self.linked() {
            let at = row.msg_id;
            for scope in scopes.iter().filter(|s| s.conversation == row.conversation) {
                let new = at > scope.after.max(scope.joined) && at <= scope.upto;
                let shown = (own || row.sender != user) && (known.is_some() || !row.deleted);
                if new && shown {
                    items.push(Item { position: at, row: row.clone(), change: false });
                }
                let change = self.changed.get(&at).copied().unwrap_or(0);
                let told = known.is_some_and(|known| at <= known) && at > scope.joined;
                if told && change > scope.after && change <= scope.upto {
                    items.push(Item { position: change, row: row.clone(), change: true });
                }
            }
        }
        items.sort_by_key(|item| item.position);
        items
    }
}

/// Does the same to a journal and to the model.
fn play(world: &mut World, ops: &[Op]) -> (Model, Vec<Outcome>) {
    let mut model = Model::default();
    let mut all = Vec::new();
    let mut waiting: Vec<(Op, MsgId)> = Vec::new();
    let mut numbers: Vec<MsgId> = Vec::new();
    for op in ops.iter().chain([&Op::Commit]) {
        let number = |which: usize| numbers.get(which % numbers.len().max(1)).copied().unwrap_or(3);
        match op {
            Op::Say(first, place, id, text) => {
                let (a, b, conversation) = PLACES[*place];
                let (from, to) = if *first { (a, b) } else { (b, a) };
                let id = id.map(RequestId::Number);
                let to = Place::User(UserId(to));
                world.message(from, to, conversation, id.as_ref(), TEXTS[*text]);
                waiting.push((op.clone(), 0));
            }
            Op::Commit => {
                if waiting.is_empty() {
                    continue;
                }
                let outcomes = world.commit();
                for ((op, of), outcome) in waiting.drain(..).zip(&outcomes) {
                    if let (Op::Say(..), Outcome::Stored(number)) = (&op, outcome) {
                        numbers.push(*number);
                    }
                    tell(&mut model, world.wall_ms, &op, of, *outcome);
                }
                all.extend(outcomes);
                world.wall_ms += 1;
            }
            Op::Forget(which) => {
                let msg_id = number(*which);
                world.push(0, None, What::Forget(msg_id));
                waiting.push((op.clone(), msg_id));
            }
            Op::Edit(which, _) | Op::Delete(which) | Op::React(which, ..) => {
                let msg_id = number(*which);
                let change = match op {
                    Op::Edit(_, text) => Changed::Edited(world.batch.push_text(TEXTS[*text])),
                    Op::React(_, _, true) => Changed::Reacted(Some(world.batch.push_text("👍"))),
                    Op::React(..) => Changed::Reacted(None),
                    _ => Changed::Deleted,
                };
                let found = model.rows.iter().find(|row| row.msg_id == msg_id);
                let conversation = found.map_or(ConversationId(1), |row| row.conversation);
                let by = if let Op::React(_, by, _) = op { *by } else { 0 };
                world.push(by, None, What::Changed { msg_id, conversation, change });
                waiting.push((op.clone(), msg_id));
            }
        }
    }
    (model, all)
}

fn tell(model: &mut Model, ts: u64, op: &Op, of: MsgId, outcome: Outcome) {
    match (op, outcome) {
        (Op::Say(first, place, id, text), Outcome::Stored(msg_id)) => {
            let (a, b, conversation) = PLACES[*place];
            model.rows.push(Row {
                msg_id,
                conversation: ConversationId(conversation),
                sender: UserId(if *first { a } else { b }),
                ts,
                content: TEXTS[*text].to_owned(),
                request: id.map(RequestId::Number),
                ..Row::default()
            });
        }
        (Op::Forget(_), _) => model.rows.retain(|row| row.msg_id != of),
        (Op::Edit(..) | Op::Delete(_) | Op::React(..), outcome) => {
            let Some(row) = model.row(of) else {
                assert_eq!(outcome, Outcome::Failed(Code::UnknownMessage));
                return;
            };
            let Outcome::Stored(number) = outcome else { panic!("{op:?}: {outcome:?}") };
            match op {
                Op::Edit(_, text) => {
                    TEXTS[*text].clone_into(&mut row.content);
                    row.edited = true;
                }
                Op::React(_, by, set) => {
                    let by = UserId(*by);
                    let had = row.reactions.iter().any(|(who, _)| *who == by);
                    match (had, set) {
                        (false, true) => row.reactions.push((by, "👍".to_owned())),
                        (true, false) => row.reactions.retain(|(who, _)| *who != by),
                        _ => {}
                    }
                }
                _ => {
                    row.content.clear();
                    row.reactions.clear();
                    row.deleted = true;
                }
            }
            model.changed.insert(of, number);
        }
        _ => {}
    }
}

/// All pages of what was missed.
fn missed(
    world: &mut World,
    user: UserId,
    own: bool,
    scopes: &[Scope],
    changes_upto: Option<MsgId>,
) -> Vec<Item> {
    let mut scopes = scopes.to_vec();
    let mut all = Vec::new();
    loop {
        let query =
            Query::Missed { user, scopes: scopes.clone(), own, changes_upto, inline_files: false };
        let Fetched::Missed { items, more } = world.ask(query) else { panic!("missed") };
        assert!(items.len() <= MISSED_PAGE_ITEMS_MAX);
        assert!(more <= !items.is_empty(), "a page without an end");
        let last = items.last().map_or(0, |item| item.position);
        all.extend(items);
        if !more {
            return all;
        }
        for scope in &mut scopes {
            scope.after = scope.after.max(last);
        }
    }
}

/// Scopes with bounds at the given hundredths of all numbers.
fn bounds(last: MsgId, first: MsgId, parts: &[(u64, u64, u64)]) -> Vec<Scope> {
    let at = |part: u64| first.saturating_sub(1) + (last - first + 1) * part / 100;
    let scopes = parts.iter().enumerate();
    scopes.map(|(n, (j, a, u))| scope(n as u32 + 1, at(*j), at(*a), at(*u))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn both_journals_say_what_the_rules_say(
        ops in ops(),
        parts in proptest::collection::vec((0..60u64, 0..80u64, 40..=100u64), 3),
        user in 0..3u32,
        own in any::<bool>(),
        known in proptest::option::of(0..100u64),
    ) {
        let mut answers = Vec::new();
        for durability in [Durability::Os, Durability::Memory] {
            let mut world = World::new(durability);
            let (model, outcomes) = play(&mut world, &ops);
            let user = UserId(user);
            let Some(first) = model.rows.first().map(|row| row.msg_id) else { return Ok(()) };
            let newest = model.rows.last().map_or(0, |row| row.msg_id);
            let last = model.changed.values().copied().max().unwrap_or(0).max(newest);
            let scopes = bounds(last, first, &parts);
            let known = known.map(|part| first + (last - first) * part / 100);
            let found = missed(&mut world, user, own, &scopes, known);
            prop_assert_eq!(&found, &model.missed(user, own, &scopes, known));

            let linked = model.linked();
            let within = |scope: &Scope| -> Vec<Row> {
                let rows = linked.iter().filter(|row| row.conversation == scope.conversation);
                rows.filter(|r| scope.joined < r.msg_id && r.msg_id <= scope.upto).cloned().collect()
            };
            for scope in &scopes {
                let (all, middle) = (within(scope), scope.after);
                let older: Vec<Row> = all.iter().filter(|r| r.msg_id < middle).cloned().collect();
                let newer: Vec<Row> = all.iter().filter(|r| r.msg_id > middle).cloned().collect();
                let tail = |rows: &[Row]| rows[rows.len().saturating_sub(5)..].to_vec();
                for (at, rows, more) in [
                    (PageAt::Newest, tail(&all), all.len() > 5),
                    (PageAt::Before(middle), tail(&older), older.len() > 5),
                    (PageAt::After(middle), newer[..newer.len().min(5)].to_vec(), newer.len() > 5),
                ] {
                    let query = Query::History { scope: *scope, at, limit: 5 };
                    prop_assert_eq!(world.rows(query), (rows, more));
                }
            }
            let answer = world.ask(Query::Conversations { user, scopes: scopes.clone() });
            let Fetched::Conversations(listed) = answer else { panic!("conversations") };
            for (scope, (newest, unread)) in scopes.iter().zip(listed) {
                let all = within(scope);
                let others = all.iter().filter(|r| r.msg_id > scope.after && r.sender != user);
                prop_assert_eq!((newest, unread), (all.last().cloned(), others.count() as u64));
            }
            for words in ["reuniao", "OUTRA", "outra ve", "amanhã reu"] {
                let query = Query::Search { words: words.to_owned(), scopes: scopes.clone(), limit: 4 };
                let wanted: Vec<&str> = match words {
                    "reuniao" => vec![TEXTS[0], TEXTS[2]],
                    "OUTRA" => vec![TEXTS[1], TEXTS[2]],
                    "outra ve" => vec![TEXTS[2]],
                    _ => vec![TEXTS[0]],
                };
                let mut rows: Vec<Row> = scopes.iter().flat_map(&within).collect();
                rows.retain(|row| !row.deleted && wanted.contains(&row.content.as_str()));
                rows.sort_by_key(|row| std::cmp::Reverse(row.msg_id));
                let more = rows.len() > 4;
                rows.truncate(4);
                prop_assert_eq!(world.rows(query), (rows, more), "{}", words);
            }
            answers.push(outcomes);
        }
        prop_assert_eq!(&answers[0], &answers[1]);
    }
}
