//! Streams of frames. How they were cut on their way makes no difference, and what comes out is what
//! a reader that sees the whole stream at once finds in it.

use super::input::{Arrival, Input};
use crate::wire::frame::{FrameDecoder, Framing};

/// What a stream is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Frame(Vec<u8>),
    /// What no newline ended.
    Last(Vec<u8>),
    TooLarge,
    TooMuchGarbage,
}

/// One object per line.
pub fn line(input: &[u8]) {
    check(Framing::Line, input);
}

/// Objects with nothing between them, until a newline tells otherwise.
pub fn bare(input: &[u8]) {
    check(Framing::Bare, input);
}

/// Lengths and objects.
pub fn length(input: &[u8]) {
    check(Framing::Length, input);
}

fn check(framing: Framing, input: &[u8]) {
    let mut input = Input(input);
    let arrival = Arrival::read(&mut input);
    let stream = input.0;
    let mut expected = match framing {
        Framing::Line => lines(stream, arrival.limit_bytes, Vec::new()),
        Framing::Length => lengths(stream, arrival.limit_bytes),
        _ => objects(stream, arrival.limit_bytes),
    };
    // Garbage that is larger than a frame may be refused for that, or be read in pieces: what comes
    // of it depends on the cuts, and is left open.
    let open = expected.pop_if(|part| *part == Part::TooMuchGarbage).is_some();
    let mut frames = Vec::new();
    for arrival in [arrival.whole(), arrival.bytewise(), arrival] {
        frames = decode(framing, arrival, stream);
        let (mut parts, mut expected) = (frames.clone(), expected.clone());
        if framing == Framing::Bare {
            parts = joined(parts);
            expected = joined(expected);
        }
        if open {
            parts.truncate(expected.len());
        }
        assert_eq!(parts, expected, "{framing:?}, {arrival:?}");
    }
    encode_again(framing, arrival, frames);
}

/// What was decoded comes back when it is encoded.
fn encode_again(framing: Framing, arrival: Arrival<'_>, mut frames: Vec<Part>) {
    frames.retain(|part| matches!(part, Part::Frame(_)));
    let mut stream = Vec::new();
    for part in &frames {
        if let Part::Frame(frame) = part {
            framing.encode(frame, &mut stream);
        }
    }
    let mut again = decode(framing, arrival, &stream);
    if framing == Framing::Bare {
        (again, frames) = (joined(again), joined(frames));
    }
    assert_eq!(again, frames, "{framing:?}, encoded again");
}

fn decode(framing: Framing, arrival: Arrival<'_>, stream: &[u8]) -> Vec<Part> {
    let mut decoder = FrameDecoder::new(framing);
    decoder.set_limit(arrival.limit_bytes);
    let mut parts = Vec::new();
    let most = arrival.limit_bytes + 4;
    let goes_on = arrival.feed(&mut decoder, stream, most, |decoder| match decoder.next_frame() {
        Ok(Some(frame)) => {
            parts.push(Part::Frame(frame.to_vec()));
            Ok(true)
        }
        Ok(None) => Ok(false),
        Err(too_large) => {
            assert_eq!(too_large.limit_bytes, arrival.limit_bytes);
            parts.push(Part::TooLarge);
            Err(())
        }
    });
    if goes_on && let Some(last) = decoder.last_frame() {
        parts.push(Part::Last(last.to_vec()));
    }
    parts
}

fn lines(stream: &[u8], limit: usize, mut parts: Vec<Part>) -> Vec<Part> {
    let mut lines = stream.split(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let text = line.trim_ascii().to_vec();
        if line.len() > limit {
            parts.push(Part::TooLarge);
            break;
        }
        if !text.is_empty() {
            let last = lines.peek().is_none();
            parts.push(if last { Part::Last(text) } else { Part::Frame(text) });
        }
    }
    parts
}

fn lengths(mut stream: &[u8], limit: usize) -> Vec<Part> {
    let mut parts = Vec::new();
    while let Some((length, rest)) = stream.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        if length > limit {
            parts.push(Part::TooLarge);
            break;
        }
        let Some((frame, rest)) = rest.split_at_checked(length) else { break };
        parts.push(Part::Frame(frame.to_vec()));
        stream = rest;
    }
    parts
}

/// A bare peer is told of garbage as it comes, so that pieces of it are frames of their own. Here
/// they are one again, without the white space between them.
fn joined(parts: Vec<Part>) -> Vec<Part> {
    let mut joined: Vec<Part> = Vec::new();
    let mut in_garbage = false;
    for part in parts {
        let Part::Frame(frame) = &part else {
            in_garbage = false;
            joined.push(part);
            continue;
        };
        if frame.starts_with(b"{") {
            in_garbage = false;
            joined.push(part);
            continue;
        }
        let dense = frame.iter().filter(|byte| !byte.is_ascii_whitespace()).copied();
        match joined.last_mut() {
            Some(Part::Frame(before)) if in_garbage => before.extend(dense),
            _ => joined.push(Part::Frame(dense.collect())),
        }
        in_garbage = true;
    }
    joined
}

fn objects(mut stream: &[u8], limit: usize) -> Vec<Part> {
    let mut parts = Vec::new();
    loop {
        let space = stream.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let (between, rest) = stream.split_at(space);
        let newline = between.iter().position(|byte| *byte == b'\n');
        if let (Some(at), false) = (newline, parts.is_empty()) {
            parts = lines(&stream[at + 1..], limit, parts);
            break;
        }
        stream = rest;
        let end = match stream.first() {
            None => break,
            Some(b'{') => end_of_object(stream),
            Some(_) => stream.iter().position(|byte| matches!(byte, b'{' | b'\n')),
        };
        let whole = end.unwrap_or(stream.len());
        let (part, rest) = stream.split_at(whole);
        let is_object = part.starts_with(b"{");
        if whole > limit {
            parts.push(if is_object { Part::TooLarge } else { Part::TooMuchGarbage });
            break;
        }
        let text = part.trim_ascii().to_vec();
        parts.push(if is_object && end.is_none() { Part::Last(text) } else { Part::Frame(text) });
        stream = rest;
    }
    parts
}

/// Where an object's braces close, or the line that it stands on ends.
fn end_of_object(stream: &[u8]) -> Option<usize> {
    let (mut depth, mut in_string) = (0, false);
    let mut bytes = stream.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\n' => return Some(at),
            // What is escaped ends nothing, but for the end of the line.
            b'\\' if in_string && stream.get(at + 1) != Some(&b'\n') => drop(bytes.next()),
            b'"' => in_string = !in_string,
            b'{' if !in_string => depth += 1,
            b'}' if !in_string => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}
