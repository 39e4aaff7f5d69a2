//! What the journal costs, to be run by hand and alone:
//! `cargo test --release --lib journal::measure -- --ignored --nocapture`.
//! `PAPO_MEASURE_ROWS` says how many messages, a million if nothing else; `PAPO_MEASURE_IDS` whether
//! their ids are `ordered`, `none`, or random.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the numbers are small"
)]

use std::fmt::Write;
use std::fs;
use std::time::{Duration, Instant};

use super::Durability;
use super::tests::world::{World, scope, whole};
use crate::chat::UserId;
use crate::chat::entry::{Batch, ConversationId, Place, What};
use crate::chat::query::{Fetched, Query};
use crate::chat::{GroupId, SessionId};
use crate::wire::Text;
use crate::wire::request::{PageAt, RequestId};

const CONVERSATIONS: u64 = 1_000;
const USERS: u64 = 500;
const BATCH: usize = 64;

/// Words of which texts of about 100 bytes are made, common and rare ones.
const WORDS: [&str; 24] = [
    "reunião",
    "amanhã",
    "às",
    "na",
    "sala",
    "levem",
    "o",
    "relatório",
    "café",
    "e",
    "a",
    "paciência",
    "de",
    "sempre",
    "até",
    "já",
    "não",
    "esqueçam",
    "que",
    "isto",
    "vai",
    "correr",
    "bem",
    "obrigado",
];

struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn text(&mut self) -> String {
        let mut text = String::new();
        while text.len() < 84 {
            // A tenth of the words are out of 50,000, as names and numbers are.
            if self.next(10) == 0 {
                let _ = write!(text, "termo{} ", self.next(50_000));
            } else {
                let skewed = self.next(24).min(self.next(24)) as usize;
                text.push_str(WORDS[skewed]);
                text.push(' ');
            }
        }
        text
    }
}

fn rows() -> u64 {
    std::env::var("PAPO_MEASURE_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000)
}

fn push(batch: &mut Batch, random: &mut Random, number: u64) {
    let text = random.text();
    let content = batch.push_text(&text);
    let user = u32::try_from(random.next(USERS)).unwrap();
    let conversation = u32::try_from(random.next(CONVERSATIONS)).unwrap();
    // As a client may number its requests: at random, which is the worst for an index, or in order.
    let id = match std::env::var("PAPO_MEASURE_IDS").as_deref() {
        Ok("none") => None,
        Ok("ordered") => Some(format!("{number:016x}")),
        _ => Some(format!("{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))),
    };
    let id = id.map(|id| RequestId::Text(Text::from(id)));
    let to = if conversation % 2 == 0 {
        Place::User(UserId(conversation))
    } else {
        Place::Group(GroupId(conversation))
    };
    let conversation = ConversationId(conversation);
    let what = What::Message { to, conversation, content, plain: true, reply_to: None };
    batch.push((SessionId { index: user, generation: 0 }, UserId(user)), id.as_ref(), what);
}

/// Writes messages as fast as the journal takes them. Returns messages a second, without the time
/// that it takes to think them up.
fn fill(world: &mut World, rows: u64, random: &mut Random) -> f64 {
    let mut thinking = Duration::ZERO;
    let begin = Instant::now();
    let (mut sent, mut stored) = (0, 0);
    while stored < rows {
        while sent < rows && !world.journal().is_full() {
            let thought = Instant::now();
            for _ in 0..BATCH {
                push(&mut world.batch, random, sent);
                sent += 1;
            }
            thinking += thought.elapsed();
            world.wall_ms += 1;
            world.append();
        }
        let committed = world.committed();
        stored += committed.outcomes.len() as u64;
        world.journal().recycle(committed);
        while let Some(committed) = world.journal().committed() {
            stored += committed.outcomes.len() as u64;
            world.journal().recycle(committed);
        }
    }
    let all = begin.elapsed().as_secs_f64();
    println!("  ({all:.1} s, of which the texts took {:.1})", thinking.as_secs_f64());
    rows as f64 / all
}

fn time(what: &str, times: u32, mut f: impl FnMut(u64)) {
    let mut took: Vec<Duration> = (0..times)
        .map(|at| {
            let begin = Instant::now();
            f(u64::from(at));
            begin.elapsed()
        })
        .collect();
    took.sort();
    let (p50, max) = (took[took.len() / 2], took[took.len() - 1]);
    println!("  {what}: p50 {p50:.0?}, longest {max:.0?}");
}

fn size(world: &World) -> u64 {
    let files = fs::read_dir(world.data()).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

fn ask_all(world: &mut World) {
    let all =
        |joined| (0..CONVERSATIONS as u32).map(move |c| scope(c, joined, joined, u64::MAX >> 1));
    time("history, newest 50", 200, |at| {
        let query = Query::History { scope: whole(at as u32), at: PageAt::Newest, limit: 50 };
        assert_eq!(world.rows(query).0.len(), 50);
    });
    let last = world.recovered.last;
    let scopes: Vec<_> = all(0).collect();
    time("missed, first page of all in 1,000 conversations", 20, |_| {
        assert!(world.missed(scopes.clone(), Some(0)).1);
    });
    let late: Vec<_> = all(last).collect();
    time("missed, nothing in 1,000 conversations", 20, |_| {
        assert!(world.missed(late.clone(), Some(0)).0.is_empty());
    });
    time("conversations, 1,000, all unread", 3, |_| {
        let query = Query::Conversations { user: UserId(1), scopes: scopes.clone() };
        assert!(matches!(world.ask(query), Fetched::Conversations(_)));
    });
    for words in ["termo123", "reuniao", "reuniao paciencia", "esquecam term", "nenhures", "a b c"]
    {
        time(&format!("search in 1,000: {words}"), 5, |_| {
            drop(world.search(words, scopes.clone()));
        });
        time(&format!("search in 20: {words}"), 5, |_| {
            drop(world.search(words, scopes[..20].to_vec()));
        });
        time(&format!("search in 1: {words}"), 5, |_| drop(world.search(words, vec![whole(7)])));
    }
}

#[test]
#[ignore = "takes minutes, and wants the machine for itself"]
fn the_cost_of_a_million_messages() {
    for durability in [Durability::Memory, Durability::Os, Durability::Sync] {
        println!("{durability:?}");
        let mut world = World::new(durability);
        let mut random = Random(7);
        let rate = fill(&mut world, rows(), &mut random);
        println!("  {rate:.0} messages/s");
        if durability == Durability::Memory {
            continue;
        }
        let begin = Instant::now();
        world.tell(1, 1, "derradeira");
        world.stored();
        while world.search("derradeira", vec![whole(1)]).is_empty() {}
        println!("  {:.1?} until all of it is found", begin.elapsed());
        let begin = Instant::now();
        world.close();
        println!("  closed in {:.1?}", begin.elapsed());
        println!("  {} bytes a message", size(&world) / rows());
        let begin = Instant::now();
        world.reopen();
        println!("  opened in {:.1?}", begin.elapsed());
        ask_all(&mut world);
        for gap in [1, 64] {
            let mut number = rows() * (2 + gap);
            time(&format!("commit of {gap}"), 500, |_| {
                for _ in 0..gap {
                    push(&mut world.batch, &mut random, number);
                    number += 1;
                }
                world.stored();
            });
        }
    }
}
