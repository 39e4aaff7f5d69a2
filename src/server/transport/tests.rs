//! A transport over sockets that follow a script, with rustls' client at their other end.

use std::sync::LazyLock;

use proptest::prelude::*;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::*;
use crate::server::outbox::{Flushed, Outbox, Pool};
use crate::server::tls::Source;
use crate::text::Lang;
use crate::wire::frame::Framing;

/// How both ends speak.
static ENDS: LazyLock<(Arc<ServerConfig>, Arc<ClientConfig>)> = LazyLock::new(|| {
    let data = tempfile::tempdir().unwrap();
    let names = || vec!["localhost".to_owned()];
    let server = Source::Auto.identity(data.path(), names, Lang::En).unwrap().config;
    let cert = CertificateDer::from_pem_file(data.path().join("tls-cert.pem")).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (server, Arc::new(client))
});

/// What the system has of a connection.
#[derive(Debug, Default)]
struct Wire {
    /// On its way to the server.
    up: Vec<u8>,
    /// The peer has ended.
    ended: bool,
    /// On its way to the client.
    down: Vec<u8>,
    /// How much a read gives at most.
    read_max: usize,
    /// How much the next writes take; then it takes no more.
    takes: Vec<usize>,
    told_end: std::cell::Cell<bool>,
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.up.is_empty() {
            return if self.ended { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) };
        }
        let count = self.up.len().min(into.len()).min(self.read_max);
        into[..count].copy_from_slice(&self.up[..count]);
        self.up.drain(..count);
        Ok(count)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let most = self.takes.pop().ok_or(ErrorKind::WouldBlock)?;
        let count = most.min(bytes.len());
        self.down.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for Wire {
    fn end_output(&self) {
        self.told_end.set(true);
    }
}

/// A client and a transport, and the wire between them.
struct Pair {
    client: ClientConnection,
    server: Transport<Wire>,
    /// What the server has read.
    heard: Vec<u8>,
}

impl Pair {
    fn new(read_max: usize) -> Self {
        let (server, client) = &*ENDS;
        let name = ServerName::try_from("localhost").unwrap();
        let client = ClientConnection::new(Arc::clone(client), name).unwrap();
        let wire = Wire { read_max, ..Wire::default() };
        Self { client, server: Transport::new(wire, Some(Arc::clone(server))), heard: Vec::new() }
    }

    /// A pair that has shaken hands.
    fn greeted() -> Self {
        let mut pair = Self::new(usize::MAX);
        pair.takes(usize::MAX, 100);
        while pair.client.is_handshaking() {
            pair.client_sends(b"");
            assert_eq!(pair.serve(16_384), Unread::Nothing);
            pair.client_reads();
        }
        pair.client_sends(b"");
        assert_eq!(pair.serve(16_384), Unread::Nothing);
        assert!(!pair.server.may_handshake());
        pair.server.socket.takes.clear();
        pair
    }

    fn takes(&mut self, bytes: usize, times: usize) {
        self.server.socket.takes = vec![bytes; times];
    }

    fn client_sends(&mut self, bytes: &[u8]) {
        self.client.writer().write_all(bytes).unwrap();
        while self.client.wants_write() {
            self.client.write_tls(&mut self.server.socket.up).unwrap();
        }
    }

    /// Reads as the reactor does, as long as there may be more, and says why it ended.
    fn serve(&mut self, room: usize) -> Unread {
        let mut into = vec![0; room];
        loop {
            match self.server.read(&mut into, self.server.socket.ended) {
                Ok(arrived) => {
                    self.heard.extend_from_slice(&into[..arrived.bytes]);
                    if !arrived.more && self.server.socket.up.is_empty() {
                        return Unread::Nothing;
                    }
                }
                Err(unread) => return unread,
            }
        }
    }

    /// What the client makes of all that has come down.
    fn client_reads(&mut self) -> Vec<u8> {
        let down = std::mem::take(&mut self.server.socket.down);
        let (mut down, mut read) = (down.as_slice(), Vec::new());
        while !down.is_empty() {
            self.client.read_tls(&mut down).unwrap();
            self.client.process_new_packets().unwrap();
            match self.client.reader().read_to_end(&mut read) {
                Err(error) if error.kind() != ErrorKind::WouldBlock => panic!("{error}"),
                _ => {}
            }
        }
        read
    }
}

#[test]
fn what_is_no_tls_passes_as_it_is() {
    let mut pair = Pair::new(usize::MAX);
    pair.server.socket.up = b"{}\n\x16".to_vec();
    assert_eq!(pair.serve(100), Unread::Nothing);
    pair.server.socket.up = b"\x16{}".to_vec();
    assert_eq!(pair.serve(100), Unread::Nothing);
    assert_eq!(pair.heard, b"{}\n\x16\x16{}");
    pair.takes(2, 1);
    assert_eq!(pair.server.write(b"abc").unwrap(), 2);
    assert_eq!((pair.server.socket.down.as_slice(), pair.server.sent()), (&b"ab"[..], 2));
}

#[test]
fn a_handshake_may_come_byte_by_byte_and_leave_so() {
    let mut pair = Pair::new(1);
    pair.takes(1, 10_000);
    while pair.client.is_handshaking() {
        pair.client_sends(b"");
        assert_eq!(pair.serve(512), Unread::Nothing);
        pair.client_reads();
    }
    // The last of the handshake and the first request in one segment.
    pair.client_sends(b"{\"type\":\"ping\"}\n");
    assert_eq!(pair.serve(512), Unread::Nothing);
    assert_eq!(pair.heard, b"{\"type\":\"ping\"}\n");
}

#[test]
fn what_the_socket_did_not_take_waits_for_it() {
    let mut pair = Pair::new(usize::MAX);
    pair.client_sends(b"");
    // Not a byte of the server's answer leaves.
    assert_eq!(pair.serve(512), Unread::Nothing);
    assert!(pair.server.owes() && pair.server.is_handshaking());
    pair.takes(7, 3);
    assert_eq!(pair.server.flush().unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!((pair.server.sent(), pair.server.owes()), (21, true));
    pair.takes(usize::MAX, 9);
    pair.server.flush().unwrap();
    assert!(!pair.server.owes());
    pair.client_reads();
    assert!(!pair.client.is_handshaking());
}

#[test]
fn plaintext_that_found_no_room_is_told_of() {
    let mut pair = Pair::greeted();
    let text: Vec<u8> = (0..40_000_u32).map(|at| at.to_le_bytes()[0]).collect();
    pair.client_sends(&text);
    let mut into = [0; 600];
    loop {
        let arrived = match pair.server.read(&mut into, false) {
            Ok(arrived) => arrived,
            Err(unread) => {
                assert_eq!(unread, Unread::Nothing);
                break;
            }
        };
        pair.heard.extend_from_slice(&into[..arrived.bytes]);
        assert!(arrived.worked >= arrived.bytes);
        if !arrived.more {
            break;
        }
    }
    assert_eq!(pair.heard, text);
}

#[test]
fn a_farewell_is_an_end_also_behind_the_last_bytes() {
    let mut pair = Pair::greeted();
    pair.client.send_close_notify();
    pair.client_sends(b"");
    assert_eq!(pair.serve(512), Unread::End);

    let mut pair = Pair::greeted();
    pair.client_sends(b"last words");
    pair.client.send_close_notify();
    pair.client_sends(b"");
    assert_eq!(pair.serve(512), Unread::End);
    assert_eq!(pair.heard, b"last words");

    // Without a farewell it is one, too.
    let mut pair = Pair::greeted();
    pair.client_sends(b"last words");
    pair.server.socket.ended = true;
    assert_eq!(pair.serve(512), Unread::End);
    assert_eq!(pair.heard, b"last words");
}

#[test]
fn the_end_is_said_in_tls_first() {
    let mut pair = Pair::greeted();
    // The socket takes nothing: it cannot be told yet.
    pair.server.end_output();
    assert!(!pair.server.socket.told_end.get());
    pair.takes(usize::MAX, 1);
    pair.server.flush().unwrap();
    assert!(pair.server.socket.told_end.get());
    let down = std::mem::take(&mut pair.server.socket.down);
    pair.client.read_tls(&mut down.as_slice()).unwrap();
    assert!(pair.client.process_new_packets().unwrap().peer_has_closed());
}

#[test]
fn who_breaks_tls_is_told_by_an_alert() {
    // An alert is a record of its own kind, or encrypted as all others.
    // Nonsense instead of a hello; a record altered on its way; too large a hello.
    let mut nonsense = Pair::new(usize::MAX);
    nonsense.server.socket.up = b"\x16garbage that is no hello".to_vec();
    let mut altered = Pair::greeted();
    altered.client_sends(b"{}\n");
    *altered.server.socket.up.last_mut().unwrap() ^= 1;
    let mut large = Pair::new(usize::MAX);
    let fragment = [b"\x16\x03\x01\x40\x00".as_slice(), &[0; 16_384]].concat();
    large.server.socket.up = fragment.repeat(5);
    large.server.socket.up[5..9].copy_from_slice(&[1, 0, 0xff, 0xff]);
    for (mut pair, alert) in [(nonsense, Some(&0x15)), (altered, Some(&0x17)), (large, None)] {
        pair.takes(usize::MAX, 9);
        assert!(matches!(pair.serve(16_384), Unread::Refused(_)));
        assert_eq!(pair.server.socket.down.first(), alert);
        assert!(pair.heard.is_empty());
        assert_eq!(pair.server.write(b"x").unwrap_err().kind(), ErrorKind::NotConnected);
    }
}

proptest! {
    /// However the system takes the ciphertext, the client reads the frames in order, and one that
    /// counts as taken has reached it whole.
    #[test]
    fn taken_means_that_the_ciphertext_has_left(
        sizes in prop::collection::vec(1usize..20_000, 1..12),
        takes in prop::collection::vec(prop::collection::vec(1usize..9_000, 0..6), 1..20),
    ) {
        let mut pair = Pair::greeted();
        let (mut outbox, mut pool) = (Outbox::default(), Pool::default());
        let (mut stream, mut ends) = (Vec::new(), Vec::new());
        for (number, size) in (1u64..).zip(&sizes) {
            let json = vec![b'a'; *size];
            outbox.push(&json, Framing::Line, Some(number), &mut pool);
            Framing::Line.encode(&json, &mut stream);
            ends.push((stream.len(), number));
        }
        let mut read = Vec::new();
        for takes in takes.into_iter().chain([vec![usize::MAX; 100]]) {
            let enough = takes.len() > 6;
            pair.server.socket.takes = takes;
            let flushed = outbox.write_to(&mut pair.server, &mut pool).unwrap();
            read.extend(pair.client_reads());
            let whole = ends.iter().rev().find(|(end, _)| *end <= read.len());
            prop_assert!(outbox.taken_kept() <= whole.map_or(0, |(_, number)| *number));
            prop_assert_eq!(outbox.len_bytes() > 0, flushed != Flushed::All);
            prop_assert!(!enough || flushed == Flushed::All);
        }
        prop_assert_eq!(&read, &stream);
        prop_assert_eq!(outbox.taken_kept(), sizes.len() as u64);
        prop_assert!(!pair.server.owes());
    }
}
