//! Streams cut into frames, however they arrive.

use super::*;

/// Feeds the pieces one by one and returns the frames as text.
fn decode(framing: Framing, pieces: &[&[u8]]) -> Vec<String> {
    let mut decoder = FrameDecoder::new(framing);
    let mut frames = Vec::new();
    for piece in pieces {
        let goes_on = decoder.feed(64, piece, |decoder| {
            loop {
                match decoder.next_frame() {
                    Ok(Some(frame)) => frames.push(String::from_utf8_lossy(frame).into_owned()),
                    Ok(None) => return true,
                    Err(_) => {
                        frames.push("TOO LARGE".to_owned());
                        return false;
                    }
                }
            }
        });
        if !goes_on {
            return frames;
        }
    }
    if let Some(last) = decoder.last_frame() {
        frames.push(format!("LAST {}", String::from_utf8_lossy(last)));
    }
    frames
}

#[test]
fn lines_are_frames_and_empty_lines_are_nothing() {
    assert_eq!(
        decode(Framing::Line, &[b"{\"a\":1}\r\n\n  \n{\"b\":2}\n{\"c\""]),
        ["{\"a\":1}", "{\"b\":2}", "LAST {\"c\""]
    );
}

#[test]
fn bare_objects_end_where_their_braces_close() {
    assert_eq!(
        decode(Framing::Bare, &[br#"{"a":"}\"{"}{"b":{"c":[{}]}} {"d":1}"#]),
        [r#"{"a":"}\"{"}"#, r#"{"b":{"c":[{}]}}"#, r#"{"d":1}"#]
    );
}

#[test]
fn a_newline_after_an_object_makes_a_line_client() {
    let mut decoder = FrameDecoder::new(Framing::Bare);
    for (piece, framing) in [("{}", Framing::Bare), ("{}", Framing::Bare), ("\n", Framing::Line)] {
        decoder.spare()[..piece.len()].copy_from_slice(piece.as_bytes());
        decoder.advance(piece.len());
        while decoder.next_frame().unwrap().is_some() {}
        assert_eq!(decoder.framing(), framing);
        decoder.settle();
    }
}

#[test]
fn a_line_client_is_known_by_its_first_line() {
    let mut decoder = FrameDecoder::new(Framing::Bare);
    decoder.spare()[..6].copy_from_slice(b"{}\r\n{}");
    decoder.advance(6);
    assert_eq!(decoder.next_frame().unwrap(), Some(b"{}".as_slice()));
    assert_eq!(decoder.framing(), Framing::Line);
    // The second line is not whole.
    assert_eq!(decoder.next_frame().unwrap(), None);
}

#[test]
fn the_first_line_counts_from_the_newline_before_it() {
    // The space before an object counts for a line client, and it is one, however its bytes come.
    let line = [" ".repeat(FRAME_BEFORE_LOGIN_BYTES_MAX - 1).as_str(), "{}\n"].concat();
    for cut in [0, 2, 3, 4, 100] {
        let stream = ["{}\n", &line].concat();
        let (first, rest) = stream.as_bytes().split_at(cut);
        assert_eq!(decode(Framing::Bare, &[first, rest]), ["{}", "TOO LARGE"], "{cut}");
    }
    let broken = ["{\"\n", &line].concat();
    assert_eq!(decode(Framing::Bare, &[broken.as_bytes()]), ["{\"", "TOO LARGE"]);
}

#[test]
fn a_broken_line_does_not_swallow_the_next() {
    assert_eq!(decode(Framing::Bare, &[b"{\"a\": \"x\n{\"b\":1}\n"]), ["{\"a\": \"x", "{\"b\":1}"]);
    assert_eq!(decode(Framing::Bare, &[b"{}oops{\"b\":1}"]), ["{}", "oops", "{\"b\":1}"]);
    assert_eq!(decode(Framing::Bare, &[b"{}\xff\xfe"]).len(), 2);
}

#[test]
fn a_frame_over_the_limit_is_refused_before_it_has_arrived() {
    let limit = u32::try_from(FRAME_BEFORE_LOGIN_BYTES_MAX).unwrap();
    assert_eq!(decode(Framing::Length, &[&(limit + 1).to_be_bytes()]), ["TOO LARGE"]);
    assert_eq!(decode(Framing::Length, &[&limit.to_be_bytes(), b"{"]).len(), 0);
    let long = vec![b'x'; FRAME_BEFORE_LOGIN_BYTES_MAX + 1];
    assert_eq!(decode(Framing::Line, &[&long]), ["TOO LARGE"]);
    let long = [b"{\"".as_slice(), &long].concat();
    assert_eq!(decode(Framing::Bare, &[&long]), ["TOO LARGE"]);
}

#[test]
fn memory_grows_with_what_has_arrived_only() {
    let mut decoder = FrameDecoder::new(Framing::Length);
    decoder.set_limit(16 * 1024 * 1024);
    decoder.spare()[..4].copy_from_slice(&(16u32 * 1024 * 1024).to_be_bytes());
    decoder.advance(4);
    assert_eq!(decoder.next_frame(), Ok(None));
    assert!(decoder.held_bytes() <= 512);
}

#[test]
fn a_settled_decoder_holds_no_more_than_what_is_half_read() {
    let mut decoder = FrameDecoder::new(Framing::Line);
    assert!(decoder.lend(vec![0; 65_536]).is_none());
    decoder.spare()[..5].copy_from_slice(b"{}\n{\"");
    decoder.advance(5);
    assert_eq!(decoder.next_frame().unwrap(), Some(b"{}".as_slice()));
    assert_eq!(decoder.settle().map(|working| working.len()), Some(65_536));
    assert_eq!(decoder.buffer.bytes, b"{\"");
}
