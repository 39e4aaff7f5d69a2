//! The connection to the server: made, read frame by frame, written by a thread of its own, and
//! made again after growing waits.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::cli::{Exit, Failure};
use crate::limits::FRAME_BYTES_MAX;
use crate::text::Lang;
use crate::text::client as text;
use crate::wire::frame::{FrameDecoder, Framing};
use crate::wire::http::split_port;

use super::sanitize::one_line;
use super::tls::{Distrust, Tls};
use super::trust::Trust;

/// Time to connect to one address.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Time without any byte leaving after which the connection counts as gone.
const WRITE_STALL_MAX: Duration = Duration::from_secs(30);

/// Time without any byte coming, while logged in: three heartbeats of the server, and a little.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(50);

/// Bytes read at once, and written at once while frames are small.
const BUFFER_BYTES: usize = 64 * 1024;

/// The largest frame that is read: a file of the largest kind, and what the server adds to it.
const INCOMING_FRAME_BYTES_MAX: usize = FRAME_BYTES_MAX + 64 * 1024;

/// The first wait before connecting again, and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// The longest wait that a server may ask for; it spreads its clients over half of it.
const TOLD_MAX: Duration = Duration::from_secs(60);

/// A connection to a server: a socket, and TLS around it if that is asked for. Who reads has one
/// clone of it, who writes another.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    socket: Arc<TcpStream>,
    tls: Option<Tls>,
}

impl Stream {
    /// Without TLS.
    pub(crate) fn plain(socket: TcpStream) -> Self {
        Self { socket: Arc::new(socket), tls: None }
    }

    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        match &self.tls {
            None => (&*self.socket).read(into),
            Some(tls) => tls.read(&self.socket, into),
        }
    }

    fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        match &self.tls {
            None => (&*self.socket).write_all(bytes),
            Some(tls) => tls.write_all(&self.socket, bytes),
        }
    }
}

/// Connects to a server, over TLS if there is a trust to go by.
pub(crate) fn connect(server: &str, trust: Option<&Trust>) -> io::Result<Stream> {
    let mut stream = Stream::plain(connect_tcp(server)?);
    if let Some(trust) = trust {
        let host = split_port(server).0.trim_matches(['[', ']']);
        let shaken = Tls::shake_hands(&stream.socket, host, trust.known());
        let (tls, shown) = shaken.inspect_err(|error| {
            if matches!(distrust(error), Some(Distrust::Changed { .. })) {
                trust.note_changed();
            }
        })?;
        stream.tls = Some(tls);
        if let Some(told) = trust.shown(shown) {
            // A closed stderr leaves nobody to tell.
            let _ = writeln!(io::stderr(), "papo: {told}");
        }
    }
    Ok(stream)
}

/// Connects to the first of the server's addresses that answers.
fn connect_tcp(server: &str) -> io::Result<TcpStream> {
    let mut failure = io::Error::from(ErrorKind::NotFound);
    for address in server.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_MAX) {
            Ok(stream) => {
                // A frame is one write; waiting for more would only delay it.
                stream.set_nodelay(true)?;
                stream.set_write_timeout(Some(WRITE_STALL_MAX))?;
                return Ok(stream);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Why there is no connection, and what to do.
pub(crate) fn no_connection(lang: Lang, server: &str, error: &io::Error) -> Failure {
    let server = one_line(server);
    if let Some(told) = distrusted(lang, &server, error) {
        return Failure::new(Exit::NoConnection, told);
    }
    let told = match error.kind() {
        ErrorKind::ConnectionRefused => text::refused(lang, &server),
        _ => text::unreachable(lang, &server, &error.to_string()),
    };
    Failure::new(Exit::NoConnection, told)
}

/// Why there is no TLS with a server, if that is why there is no connection.
pub(crate) fn distrusted(lang: Lang, server: &str, error: &io::Error) -> Option<String> {
    Some(match distrust(error)? {
        Distrust::Changed { known, shown } => text::server_changed(lang, server, known, shown),
        Distrust::NoTls => text::server_without_tls(lang, server),
    })
}

fn distrust(error: &io::Error) -> Option<&Distrust> {
    error.get_ref()?.downcast_ref()
}

/// What one read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadOnce {
    /// Bytes; perhaps frames.
    Some,
    /// Nothing before the socket's read timeout.
    Nothing,
    /// The end: the server has closed the connection.
    End,
}

/// The frames that the server sends.
#[derive(Debug)]
pub(crate) struct Frames {
    stream: Stream,
    decoder: FrameDecoder,
}

impl Frames {
    /// Reads from this connection.
    pub(crate) fn new(stream: Stream) -> Self {
        let mut decoder = FrameDecoder::new(Framing::Line);
        decoder.set_limit(INCOMING_FRAME_BYTES_MAX);
        Self { stream, decoder }
    }

    /// Sets how long a read may wait.
    pub(crate) fn set_timeout(&self, timeout: Duration) -> io::Result<()> {
        // Zero would be refused; it means "not any more".
        self.stream.socket.set_read_timeout(Some(timeout.max(Duration::from_millis(1))))
    }

    /// Reads once, and hands each frame that is whole now to `take`.
    pub(crate) fn read(&mut self, mut take: impl FnMut(&[u8])) -> io::Result<ReadOnce> {
        if self.decoder.pending_bytes() == 0 {
            // A buffer that has grown with a file is given back with it.
            let used = self.decoder.settle().filter(|buffer| buffer.len() == BUFFER_BYTES);
            self.decoder.lend(used.unwrap_or_else(|| vec![0; BUFFER_BYTES]));
        }
        let count = loop {
            match self.stream.read(self.decoder.spare()) {
                Ok(0) => return Ok(ReadOnce::End),
                Ok(count) => break count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Which of the two a timeout is depends on the system.
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return Ok(ReadOnce::Nothing);
                }
                Err(error) => return Err(error),
            }
        };
        self.decoder.advance(count);
        loop {
            match self.decoder.next_frame() {
                Ok(Some(frame)) => take(frame),
                Ok(None) => return Ok(ReadOnce::Some),
                Err(_) => return Err(ErrorKind::InvalidData.into()),
            }
        }
    }
}

/// A frame, and the moment before which it does not leave.
type Due = (Instant, Arc<[u8]>);

/// A way to send frames through a [`Writer`] that somebody else has.
#[derive(Clone, Debug)]
pub(crate) struct Outlet(Sender<Due>);

impl Outlet {
    /// Sends a frame, unless the connection is gone.
    pub(crate) fn send(&self, frame: Arc<[u8]>) {
        let _ = self.0.send((Instant::now(), frame));
    }
}

/// Sends frames from a thread of its own, so that who reads the socket never waits for a write: a
/// server that writes to us while we write to it would otherwise wait for us, and we for it.
#[derive(Debug)]
pub(crate) struct Writer {
    frames: Sender<Due>,
    thread: JoinHandle<()>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(stream: Stream) -> io::Result<Self> {
        let (frames, queue) = mpsc::channel();
        let thread = std::thread::Builder::new().name("papo-writer".into()).spawn(move || {
            if write_all(&stream, &queue).is_err() {
                // Who reads this socket notices, and sees to what comes next.
                let _ = stream.socket.shutdown(Shutdown::Both);
            }
        })?;
        Ok(Self { frames, thread })
    }

    /// Sends a frame, unless the connection is gone: then it is for the next one.
    pub(crate) fn send(&self, frame: Arc<[u8]>) {
        self.send_later(Duration::ZERO, frame);
    }

    /// Sends a frame after so long, unless the connection is gone by then.
    pub(crate) fn send_later(&self, wait: Duration, frame: Arc<[u8]>) {
        let _ = self.frames.send((Instant::now() + wait, frame));
    }

    /// A second way to this writer. It ends when both are gone.
    pub(crate) fn outlet(&self) -> Outlet {
        Outlet(self.frames.clone())
    }

    /// Waits until all that was due has been written.
    pub(crate) fn finish(self) {
        drop(self.frames);
        let _ = self.thread.join();
    }
}

fn write_all(stream: &Stream, queue: &Receiver<Due>) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(BUFFER_BYTES);
    let mut later: Vec<Due> = Vec::new();
    loop {
        let next = later.iter().map(|(due, _)| *due).min();
        let given = match next {
            None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => queue.recv_timeout(due.saturating_duration_since(Instant::now())),
        };
        let now = Instant::now();
        bytes.clear();
        // What has waited goes first, in the order in which it was given.
        for (_, frame) in later.extract_if(.., |(due, _)| *due <= now) {
            Framing::Line.encode(&frame, &mut bytes);
        }
        let mut given = match given {
            Ok(given) => Some(given),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return stream.write_all(&bytes),
        };
        while let Some((due, frame)) = given.take() {
            if due <= now {
                Framing::Line.encode(&frame, &mut bytes);
            } else {
                later.push((due, frame));
            }
            if bytes.len() < BUFFER_BYTES {
                given = queue.try_recv().ok();
            }
        }
        stream.write_all(&bytes)?;
        bytes.shrink_to(BUFFER_BYTES);
    }
}

/// Waits that double, each a little off, so that all clients of a server that comes back do not
/// come back in the same moment.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    /// The next wait, as the server said.
    told: Option<Duration>,
    random: RandomState,
    waits: u64,
}

impl Backoff {
    /// Begins with the shortest wait.
    pub(crate) fn new() -> Self {
        Self { next: BACKOFF.0, told: None, random: RandomState::new(), waits: 0 }
    }

    /// The server has said when to come back, or has not: only the next wait is that.
    pub(crate) fn obey(&mut self, told: Option<Duration>) {
        self.told = told.map(|told| told.min(TOLD_MAX));
    }

    /// The next wait.
    pub(crate) fn wait(&mut self) -> Duration {
        if let Some(told) = self.told.take() {
            return told;
        }
        let wait = self.next;
        self.next = (wait * 2).min(BACKOFF.1);
        self.waits += 1;
        // Between three quarters and five quarters of it.
        let random = u32::try_from(self.random.hash_one(self.waits) % 512).unwrap_or(0);
        wait * (768 + random) / 1024
    }
}

/// A label that no other client has: before the number in each request's id.
pub(crate) fn unique_label() -> String {
    let random = RandomState::new();
    format!("{:016x}", random.hash_one(std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_ten_seconds() {
        let mut backoff = Backoff::new();
        for expected_ms in [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000] {
            let wait = backoff.wait().as_millis();
            assert!(wait >= expected_ms * 3 / 4 && wait <= expected_ms * 5 / 4, "{wait}");
        }
    }

    #[test]
    fn a_server_says_how_long_the_next_wait_is_within_reason() {
        let mut backoff = Backoff::new();
        backoff.obey(Some(Duration::from_millis(7_321)));
        assert_eq!(backoff.wait(), Duration::from_millis(7_321));
        let own = backoff.wait().as_millis();
        assert!((375..=625).contains(&own), "{own}");
        backoff.obey(Some(Duration::from_millis(u64::MAX)));
        assert_eq!(backoff.wait(), TOLD_MAX);
        backoff.obey(None);
        assert!(backoff.wait() < Duration::from_secs(2));
    }

    #[test]
    fn labels_differ() {
        assert_ne!(unique_label(), unique_label());
    }
}
