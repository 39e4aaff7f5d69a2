//! What the wire costs per frame: cutting a stream into frames in each framing, whole and in
//! pieces, understanding a request, writing an event.
//!
//! `cargo bench --bench wire`; figures per frame are 1 divided by `elem/s`.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use papo::limits::Limits;
use papo::wire::event::{Answer, Body, Content, Encode, Event, MessageReceived, State};
use papo::wire::frame::{FrameDecoder, Framing};
use papo::wire::request::{Fields, RequestId, decode};
use papo::wire::{Code, Text};

/// Frames in one stream; what one busy connection may bring in a turn.
const FRAMES: usize = 256;

/// What the reactor lends to a decoder.
const WORKING_BYTES: usize = 64 * 1024;

/// 100 bytes, with accents, as people write.
const CONTENT: &str =
    "Olá, tudo bem? Amanhã às nove não há aula; você avisa a turma e traz o relatório? Até já!!";

fn message() -> Vec<u8> {
    Fields {
        id: Some(RequestId::Number(1_000_000_007)),
        recipient: Some(Text::from("bia")),
        content: Some(Text::from(CONTENT)),
        ..Fields::new("private_message")
    }
    .encode()
}

fn stream(framing: Framing) -> Vec<u8> {
    let mut stream = Vec::new();
    for _ in 0..FRAMES {
        match framing {
            // As the first Python client: nothing between the objects.
            Framing::Bare => stream.extend_from_slice(&message()),
            _ => framing.encode(&message(), &mut stream),
        }
    }
    stream
}

/// The same messages as a browser sends them, masked.
fn masked_stream() -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let json = message();
    let mut stream = Vec::new();
    for _ in 0..FRAMES {
        let mut header = Framing::WebSocket.header(json.len()).to_vec();
        header[1] |= 0x80;
        stream.extend(header);
        stream.extend(key);
        stream.extend(json.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    }
    stream
}

/// Whether there is one more frame, or message.
fn is_next(decoder: &mut FrameDecoder) -> bool {
    if decoder.framing() == Framing::WebSocket {
        return matches!(black_box(decoder.next_message()), Ok(Some(_)));
    }
    matches!(black_box(decoder.next_frame()), Ok(Some(_)))
}

/// Feeds a stream to a new decoder in pieces of so many bytes, as reads would bring them, and counts
/// the frames.
fn cut(framing: Framing, stream: &[u8], piece_bytes: usize, working: Vec<u8>) -> (usize, Vec<u8>) {
    let mut decoder = FrameDecoder::new(framing);
    let mut working = Some(working);
    let mut frames = 0;
    for piece in stream.chunks(piece_bytes) {
        if let Some(buffer) = working.take() {
            working = decoder.lend(buffer);
        }
        let mut piece = piece;
        while !piece.is_empty() {
            let spare = decoder.spare();
            let count = spare.len().min(piece.len());
            spare[..count].copy_from_slice(&piece[..count]);
            piece = &piece[count..];
            decoder.advance(count);
            while is_next(&mut decoder) {
                frames += 1;
            }
        }
        working = working.or_else(|| decoder.settle());
    }
    (frames, working.unwrap_or_else(|| vec![0; WORKING_BYTES]))
}

fn frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frame");
    group.throughput(Throughput::Elements(FRAMES as u64));
    for (name, framing) in [
        ("line", Framing::Line),
        ("bare", Framing::Bare),
        ("length", Framing::Length),
        ("websocket", Framing::WebSocket),
    ] {
        let stream = match framing {
            Framing::WebSocket => masked_stream(),
            _ => stream(framing),
        };
        for (how, piece_bytes) in [
            ("whole", WORKING_BYTES),
            // Smaller than a frame: nearly each read ends within one.
            ("split", 100),
        ] {
            let mut working = vec![0; WORKING_BYTES];
            group.bench_function(format!("{name}/{how}"), |bencher| {
                bencher.iter(|| {
                    let lent = std::mem::take(&mut working);
                    let (count, back) = cut(framing, &stream, piece_bytes, lent);
                    assert_eq!(count, FRAMES);
                    working = back;
                });
            });
        }
    }
    group.finish();
}

fn requests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("request");
    group.throughput(Throughput::Elements(1));
    let plain = message();
    let escaped = String::from_utf8_lossy(&plain).replace('ã', "\\u00e3").into_bytes();
    let old = br#"{"type":"private_message","sender":"ana","recipient":"bia","content":"oi","timestamp":"14:30:25"}"#;
    let login = Fields { username: Some(Text::from("Ana")), ..Fields::new("login") }.encode();
    let limits = Limits::default();
    let broken = &plain[..plain.len() - 1];
    for (name, frame) in [
        ("message", plain.as_slice()),
        ("message, escaped", &escaped),
        ("message, first client", old.as_slice()),
        ("login", &login),
        ("broken", broken),
    ] {
        group.bench_function(name, |bencher| bencher.iter(|| decode(black_box(frame), &limits)));
    }
    group.finish();
}

fn events(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("event");
    group.throughput(Throughput::Elements(1));
    let id = RequestId::Number(1_000_000_007);
    let private = Event::PrivateMessageReceived(MessageReceived {
        msg_id: 240_000_000_000_000,
        prev: 239_999_999_999_999,
        sender: "ana",
        recipient: Some("bia"),
        group_name: None,
        content: Content { text: CONTENT, plain: false },
        timestamp: "14:30:25",
        ts: 1_790_000_000_000,
        reply_to: None,
        id: Some(&id),
        state: State::default(),
    });
    let answer = Answer {
        kind: "message_response",
        code: None,
        message: "Mensagem enviada com sucesso",
        id: Some(&id),
        body: Body::Message {
            msg_id: 240_000_000_000_000,
            ts: 1_790_000_000_000,
            delivered: 1,
            saved_as: None,
        },
    };
    let refusal = Answer { code: Some(Code::UnknownUser), body: Body::None, ..answer.clone() };
    let mut out = Vec::with_capacity(1_024);
    group.bench_function("private message", |bencher| {
        bencher.iter(|| {
            out.clear();
            black_box(&private).encode(&mut out);
        });
    });
    for (name, answer) in [("answer", &answer), ("refusal", &refusal)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                black_box(answer).encode(&mut out);
            });
        });
    }
    group.bench_function("private message, framed for a new connection", |bencher| {
        let mut json = Vec::new();
        private.encode(&mut json);
        bencher.iter_batched_ref(
            || Vec::with_capacity(1_024),
            |out| Framing::Length.encode(black_box(&json), out),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, frames, requests, events);
criterion_main!(benches);
