//! The core alone: one message from a frame's bytes to the effects that deliver and answer it.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use papo::chat::{Arrival, Caller, Chat, Effects, Now, SessionId};
use papo::journal::Journal;
use papo::limits::Limits;
use papo::text::Lang;
use papo::wire::event::{Content, Encode, Event, MessageReceived, State};
use papo::wire::request;

const TEXT: &str =
    "Reunião amanhã às 14h na sala 3; levem o relatório, o café e a paciência de sempre. Até já!!!";

/// Messages handed to the journal as one batch, as in a busy turn.
const BATCH: usize = 64;

struct World {
    chat: Chat,
    journal: Journal,
    fx: Effects,
    now: Now,
    limits: Limits,
    callers: Vec<Caller>,
}

impl World {
    fn new(people: u32) -> Self {
        let mut world = Self {
            chat: Chat::new(Lang::Pt),
            journal: Journal::default(),
            fx: Effects::default(),
            now: Now { mono_ms: 0, wall_ms: 1_763_900_999_999, utc_offset_s: 0 },
            // Nothing of it is ever too much, and all of it is counted.
            limits: Limits {
                messages_per_s_max: u32::MAX,
                messages_burst_max: u32::MAX,
                bytes_per_s_max: u64::MAX,
                bytes_burst_max: u64::MAX,
                registrations_max: u32::MAX,
                ..Limits::default()
            },
            callers: (0..people).map(|_| Caller::new(Some(1))).collect(),
        };
        world.chat.set_limits(world.limits);
        for number in 0..people {
            world.request(number, &format!(r#"{{"type":"login","username":"pessoa{number}"}}"#));
            world.store();
        }
        world
    }

    fn request(&mut self, from: u32, json: &str) {
        let session = SessionId { index: from, generation: 0 };
        let envelope = request::decode(json.as_bytes(), &self.limits);
        let caller = &mut self.callers[from as usize];
        let arrival = Arrival { caller, bytes: json.len() };
        self.chat.handle(session, arrival, envelope, self.now, &mut self.fx);
        self.fx.drained();
    }

    /// Returns how many effects the stored batch had.
    fn store(&mut self) -> usize {
        self.journal.append(&mut self.fx.batch, self.now.wall_ms);
        let mut effects = 0;
        while let Some(mut committed) = self.journal.committed() {
            self.chat.committed(&mut committed, self.now, &mut self.fx);
            effects += self.fx.list().len();
            self.fx.drained();
            self.journal.recycle(committed);
        }
        effects
    }
}

fn routing(c: &mut Criterion) {
    let mut group = c.benchmark_group("route");
    group.throughput(Throughput::Elements(BATCH as u64));
    let private = |id: &str| {
        format!(r#"{{"type":"private_message",{id}"recipient":"pessoa1","content":"{TEXT}"}}"#)
    };
    for (name, frame) in [("private", private("")), ("private, with id", private(r#""id":"%","#))] {
        group.bench_function(name, |b| {
            let mut world = World::new(2);
            let mut number = 0u64;
            b.iter(|| {
                for _ in 0..BATCH {
                    number += 1;
                    let frame = if frame.contains('%') {
                        frame.replace('%', &number.to_string())
                    } else {
                        frame.clone()
                    };
                    world.request(0, &frame);
                }
                assert_eq!(world.store(), 2 * BATCH);
            });
        });
    }
    for members in [1, 50, 500] {
        group.bench_with_input(BenchmarkId::new("group", members), &members, |b, members| {
            let mut world = World::new(members + 1);
            world.request(0, r#"{"type":"create_group","group_name":"Turma"}"#);
            world.store();
            for number in 1..=*members {
                world.request(number, r#"{"type":"join_group","group_name":"Turma"}"#);
                world.store();
            }
            let frame =
                format!(r#"{{"type":"group_message","group_name":"Turma","content":"{TEXT}"}}"#);
            b.iter(|| {
                for _ in 0..BATCH {
                    world.request(0, &frame);
                }
                assert_eq!(world.store(), 2 * BATCH);
            });
        });
    }
    group.finish();
}

fn encoding(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    let event = Event::PrivateMessageReceived(MessageReceived {
        msg_id: 244_823_489_183_746,
        state: State::default(),
        prev: 244_823_489_183_745,
        sender: "pessoa0",
        recipient: Some("pessoa1"),
        group_name: None,
        content: Content { text: TEXT, plain: false },
        timestamp: "14:30:25",
        ts: 1_763_900_999_999,
        reply_to: None,
        id: None,
    });
    let mut out = Vec::with_capacity(1024);
    group.bench_function("private_message_received", |b| {
        b.iter(|| {
            out.clear();
            black_box(&event).encode(&mut out);
            black_box(out.len())
        });
    });
    group.finish();
}

criterion_group!(benches, routing, encoding);
criterion_main!(benches);
