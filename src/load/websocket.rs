//! The client's side of a WebSocket, as far as the load tool needs it: cheap, so that it is the
//! server that is measured.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use memchr::memmem;

use crate::wire::frame::Framing;

const TEXT: u8 = 0x81;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;

/// A client's frames are masked (RFC 6455, section 5.3), and this mask changes nothing: it costs the
/// tool no time, and the server as much as any other.
const MASK: [u8; 4] = [0; 4];
const MASKED: u8 = 0x80;

/// What opens a WebSocket.
pub(super) fn handshake(address: SocketAddr) -> Vec<u8> {
    format!(
        "GET /ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: cGFwbyBsb2FkLCAxNiBCLg==\r\n\r\n"
    )
    .into_bytes()
}

/// One request as a frame.
pub(super) fn frame(json: &[u8]) -> Vec<u8> {
    let mut frame = Framing::WebSocket.header(json.len()).to_vec();
    frame[1] |= MASKED;
    frame.extend_from_slice(&MASK);
    frame.extend_from_slice(json);
    frame
}

/// Cuts what has arrived: gives each text to `hear`, and puts what a ping asks for into `out`. Says
/// how many bytes are done with. `open` says whether the handshake was answered.
pub(super) fn cut(
    received: &[u8],
    open: &mut bool,
    out: &mut Vec<u8>,
    mut hear: impl FnMut(&[u8]),
) -> io::Result<usize> {
    let mut done = 0;
    if !*open {
        let Some(end) = memmem::find(received, b"\r\n\r\n") else { return Ok(0) };
        if !received.starts_with(b"HTTP/1.1 101 ") {
            return Err(io::Error::new(ErrorKind::InvalidData, "no WebSocket"));
        }
        *open = true;
        done = end + 4;
    }
    while let Some((first, payload, rest)) = next(&received[done..]) {
        match first {
            TEXT => hear(payload),
            // The server's pings carry nothing.
            PING => {
                out.extend_from_slice(&[PONG, MASKED]);
                out.extend_from_slice(&MASK);
            }
            _ => return Err(ErrorKind::ConnectionAborted.into()),
        }
        done = received.len() - rest.len();
    }
    Ok(done)
}

/// The first frame: its first byte, its payload, and what comes after it.
fn next(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[first, second], rest) = bytes.split_first_chunk()?;
    let (length, rest) = match second {
        0x7e => {
            let (length, rest) = rest.split_first_chunk()?;
            (u64::from(u16::from_be_bytes(*length)), rest)
        }
        0x7f => {
            let (length, rest) = rest.split_first_chunk()?;
            (u64::from_be_bytes(*length), rest)
        }
        short => (u64::from(short), rest),
    };
    let (payload, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    Some((first, payload, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::frame::FrameDecoder;
    use crate::wire::websocket::{Message, ping};

    #[test]
    fn what_is_sent_is_what_a_server_reads() {
        for length in [2, 125, 126, 65_535, 65_536] {
            let json = vec![b'x'; length];
            let mut decoder = FrameDecoder::new(Framing::WebSocket);
            decoder.set_limit(1024 * 1024);
            assert!(decoder.feed(64, &frame(&json), |_| true));
            assert_eq!(decoder.next_message(), Ok(Some(Message::Text(&json))));
        }
    }

    #[test]
    fn what_a_server_says_is_cut_wherever_it_arrives() {
        let mut said = b"HTTP/1.1 101 x\r\nA: b\r\n\r\n".to_vec();
        Framing::WebSocket.encode(b"{}", &mut said);
        said.extend(ping());
        Framing::WebSocket.encode(&[b'y'; 300], &mut said);
        for piece_bytes in [1, 7, said.len()] {
            let (mut kept, mut open) = (Vec::new(), false);
            let (mut heard, mut out) = (Vec::new(), Vec::new());
            for piece in said.chunks(piece_bytes) {
                kept.extend_from_slice(piece);
                let done = cut(&kept, &mut open, &mut out, |text| heard.push(text.len())).unwrap();
                kept.drain(..done);
            }
            assert_eq!((heard, out), (vec![2, 300], vec![PONG, MASKED, 0, 0, 0, 0]));
            assert!(kept.is_empty());
        }
        let refused = cut(b"HTTP/1.1 403 x\r\n\r\n", &mut false, &mut Vec::new(), |_| {});
        assert!(refused.is_err());
    }
}
