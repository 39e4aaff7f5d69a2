//! The five people: their connections, what each window shows, and the comparison with what it
//! should have shown.
//!
//! A step is: somebody [`Stage::ask`]s, what everyone should see is [`Stage::expect`]ed, and
//! [`Stage::settle`] waits until all is there. It needs no guess about how long to wait for what
//! should *not* come: when all requests are answered everybody pings, and what the server had for
//! them before stands before the pong.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::child::port_in;
use super::seen::{answer, conversation, differences, event};
use crate::cli::{Exit, Failure};
use crate::limits::FRAME_BYTES_MAX;
use crate::text::Lang;
use crate::text::demo::{INTERRUPTED, NO_CONNECTION, NO_SERVER, Problem, SERVER, Shown};
use crate::wire::Text;
use crate::wire::event::Incoming;
use crate::wire::frame::{FrameDecoder, Framing};
use crate::wire::request::{Fields, RequestId};

/// Time for the server to say its port. Generous: the machine may be busy compiling.
const START_MAX: Duration = Duration::from_secs(30);

/// Time for one step. A step takes milliseconds, but for the pace of bare peers.
const STEP_MAX: Duration = Duration::from_secs(15);

/// Room for the names before the bar.
const NAME_WIDTH: usize = 8;

/// What the threads that read tell the one that plays.
pub(super) enum Heard {
    /// The server printed a line.
    Server(String),
    /// The server's output ended.
    ServerEnded,
    /// A person got a frame.
    Frame(usize, Vec<u8>),
    /// A person's connection ended.
    Closed(usize),
    /// Ctrl+C.
    Interrupted,
}

/// One of the five.
struct Person {
    name: &'static str,
    framing: Framing,
    socket: TcpStream,
    /// Requests without an answer yet, oldest first.
    asked: VecDeque<(Option<i64>, &'static str)>,
    last_id: i64,
    /// The newest message of each conversation.
    newest: HashMap<String, u64>,
    shown: Vec<Shown>,
    expected: Vec<Shown>,
    closed: bool,
}

impl Person {
    /// Still waits for an answer, or for an end that was asked for.
    fn is_waiting(&self) -> bool {
        if self.expected.contains(&Shown::Disconnected) {
            return !self.closed;
        }
        !self.closed && !self.asked.is_empty()
    }

    fn send(&mut self, json: &[u8]) {
        let mut bytes = Vec::with_capacity(json.len() + 4);
        match self.framing {
            // The first client sends no separator at all.
            Framing::Bare => bytes.extend_from_slice(json),
            framing => framing.encode(json, &mut bytes),
        }
        // A connection that broke is noticed by its reader.
        let _ = self.socket.write_all(&bytes);
    }
}

/// The people, the server's lines, and what went wrong.
pub(super) struct Stage {
    lang: Lang,
    heard: Receiver<Heard>,
    people: Vec<Person>,
    problems: Vec<Problem>,
    interrupted: bool,
    lines_checked: usize,
}

impl Stage {
    /// An empty stage.
    pub(super) fn new(lang: Lang, heard: Receiver<Heard>) -> Self {
        Self {
            lang,
            heard,
            people: Vec::new(),
            problems: Vec::new(),
            interrupted: false,
            lines_checked: 0,
        }
    }

    /// Waits until the server says its port.
    pub(super) fn wait_for_port(&mut self) -> Result<u16, Failure> {
        let deadline = Instant::now() + START_MAX;
        loop {
            match self.next(deadline) {
                Some(Heard::Server(line)) => {
                    print(SERVER.get(self.lang), &line);
                    if let Some(port) = port_in(&line) {
                        return Ok(port);
                    }
                }
                Some(Heard::Interrupted) => return Err(self.interruption()),
                Some(Heard::Frame(..) | Heard::Closed(_)) => {}
                Some(Heard::ServerEnded) | None => {
                    return Err(Failure::new(Exit::Error, NO_SERVER.get(self.lang)));
                }
            }
        }
    }

    /// Somebody connects, and gets the next number.
    pub(super) fn enter(
        &mut self,
        name: &'static str,
        framing: Framing,
        port: u16,
        heard: Sender<Heard>,
    ) -> Result<(), Failure> {
        let no_connection = |error: io::Error| {
            let what = NO_CONNECTION.get(self.lang);
            Failure::new(Exit::NoConnection, format_args!("{what}: {error}"))
        };
        let socket = connect(port).map_err(no_connection)?;
        let reader = socket.try_clone().map_err(no_connection)?;
        let who = self.people.len();
        thread::spawn(move || listen(reader, framing, who, &heard));
        self.people.push(Person {
            name,
            framing,
            socket,
            asked: VecDeque::new(),
            last_id: 0,
            newest: HashMap::new(),
            shown: Vec::new(),
            expected: Vec::new(),
            closed: false,
        });
        Ok(())
    }

    /// Somebody does something, and their window shows it.
    pub(super) fn show(&self, who: usize, line: &str) {
        print(self.people[who].name, line);
    }

    /// Somebody sends a request.
    pub(super) fn ask(&mut self, who: usize, kind: &'static str, mut fields: Fields<'_>) {
        let person = &mut self.people[who];
        fields.kind = Some(Text::from(kind));
        // The first client knows no ids: its answers come in the order of its requests.
        let id = (person.framing != Framing::Bare).then(|| {
            person.last_id += 1;
            person.last_id
        });
        fields.id = id.map(RequestId::Number);
        person.asked.push_back((id, kind));
        person.send(&fields.encode());
    }

    /// Somebody's window should show this line by the end of the step.
    pub(super) fn expect(&mut self, who: usize, line: Shown) {
        self.people[who].expected.push(line);
    }

    /// Somebody closes the window without a word, as the first client did.
    pub(super) fn hang_up(&mut self, who: usize) {
        let _ = self.people[who].socket.shutdown(Shutdown::Both);
    }

    /// Something is not as it should be.
    pub(super) fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Waits until everything asked is answered and everything on its way has come, then compares.
    /// `Err` has what was not as it should be.
    pub(super) fn settle(&mut self) -> Result<(), Vec<Problem>> {
        let deadline = Instant::now() + STEP_MAX;
        self.wait_for_answers(deadline);
        for who in 0..self.people.len() {
            if !self.people[who].closed {
                self.ask(who, "ping", Fields::default());
            }
        }
        self.wait_for_answers(deadline);
        self.compare();
        if self.problems.is_empty() && !self.interrupted {
            return Ok(());
        }
        Err(std::mem::take(&mut self.problems))
    }

    /// Takes in what comes until nobody waits for anything, or something ends the play.
    fn wait_for_answers(&mut self, deadline: Instant) {
        while self.is_going_on() && self.people.iter().any(Person::is_waiting) {
            match self.next(deadline) {
                Some(Heard::Server(line)) => print(SERVER.get(self.lang), &line),
                Some(Heard::Frame(who, frame)) => self.take(who, &frame),
                Some(Heard::Closed(who)) => self.part(who),
                Some(Heard::Interrupted) => self.interrupted = true,
                Some(Heard::ServerEnded) => self.report(Problem::ServerEnded),
                None => break,
            }
        }
    }

    fn is_going_on(&self) -> bool {
        !self.interrupted && !self.problems.contains(&Problem::ServerEnded)
    }

    /// The server's last lines, so that its window ends like the others.
    pub(super) fn server_lines(&mut self, wait: Duration) {
        let deadline = Instant::now() + wait;
        while let Some(Heard::Server(line)) = self.next(deadline) {
            print(SERVER.get(self.lang), &line);
        }
    }

    /// How many lines were compared.
    pub(super) fn lines_checked(&self) -> usize {
        self.lines_checked
    }

    /// The failure to end with after Ctrl+C, if there was one.
    pub(super) fn was_interrupted(&self) -> Option<Failure> {
        self.interrupted.then(|| self.interruption())
    }

    fn interruption(&self) -> Failure {
        Failure::new(Exit::Error, INTERRUPTED.get(self.lang))
    }

    fn next(&self, deadline: Instant) -> Option<Heard> {
        let left = deadline.saturating_duration_since(Instant::now());
        self.heard.recv_timeout(left).ok()
    }

    /// One frame arrives in somebody's window.
    fn take(&mut self, who: usize, frame: &[u8]) {
        let lang = self.lang;
        let person = &mut self.people[who];
        let Some(frame) = Incoming::decode(frame) else {
            let text = String::from_utf8_lossy(frame).into_owned();
            return self.reveal(who, Shown::Unexpected(text), None);
        };
        match frame.kind() {
            "heartbeat_ping" => {
                return person.send(&Fields::new("heartbeat_ack").encode());
            }
            "synced" => return,
            _ => {}
        }
        if let Some(shown) = event(&frame) {
            let late = frame.msg_id.is_some_and(|msg_id| {
                let newest = person.newest.entry(conversation(&frame)).or_insert(0);
                let late = msg_id <= *newest;
                *newest = msg_id.max(*newest);
                late
            });
            if late {
                let problem = Problem::OutOfOrder(person.name, shown.line(lang, None));
                self.report(problem);
            }
            return self.reveal(who, shown, frame.timestamp.as_deref());
        }
        // An answer. Those with an id may overtake one another; the others come in order.
        let id = match &frame.id {
            Some(RequestId::Number(id)) => Some(*id),
            _ => None,
        };
        let Some(at) = person.asked.iter().position(|(asked, _)| *asked == id) else {
            return self.reveal(who, Shown::Unexpected(frame.kind().to_owned()), None);
        };
        person.asked.remove(at);
        if let Some(shown) = answer(&frame) {
            self.reveal(who, shown, None);
        }
    }

    /// Somebody's connection ended.
    fn part(&mut self, who: usize) {
        let person = &mut self.people[who];
        person.closed = true;
        // Lets the server, which may have closed its side alone, go too.
        let _ = person.socket.shutdown(Shutdown::Both);
        self.reveal(who, Shown::Disconnected, None);
    }

    fn reveal(&mut self, who: usize, shown: Shown, time: Option<&str>) {
        self.show(who, &shown.line(self.lang, time));
        self.people[who].shown.push(shown);
    }

    fn compare(&mut self) {
        for person in &mut self.people {
            let expected = std::mem::take(&mut person.expected);
            let shown = std::mem::take(&mut person.shown);
            self.lines_checked += expected.len();
            let (missing, surplus) = differences(expected, shown);
            let name = person.name;
            let text = |line: &Shown| line.line(self.lang, None);
            self.problems.extend(missing.iter().map(|line| Problem::Missing(name, text(line))));
            self.problems.extend(surplus.iter().map(|line| Problem::Surplus(name, text(line))));
            if !person.closed {
                let unanswered = person.asked.drain(..);
                self.problems.extend(unanswered.map(|(_, kind)| Problem::Unanswered(name, kind)));
            }
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Ends the threads that read.
        for person in &self.people {
            let _ = person.socket.shutdown(Shutdown::Both);
        }
    }
}

/// One line of one window.
fn print(name: &str, line: &str) {
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    super::say(&format!("{name:<NAME_WIDTH$} │ {line}"));
}

fn connect(port: u16) -> io::Result<TcpStream> {
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in ("localhost", port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, STEP_MAX) {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                socket.set_write_timeout(Some(STEP_MAX))?;
                return Ok(socket);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Reads one person's frames until the connection ends.
fn listen(mut socket: TcpStream, framing: Framing, who: usize, heard: &Sender<Heard>) {
    let mut decoder = FrameDecoder::new(match framing {
        // The server ends every frame to a text peer with a newline, also to a bare one.
        Framing::Bare | Framing::Line => Framing::Line,
        other => other,
    });
    decoder.set_limit(FRAME_BYTES_MAX);
    loop {
        match socket.read(decoder.spare()) {
            Ok(0) => break,
            Ok(count) => decoder.advance(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        }
        while let Ok(Some(frame)) = decoder.next_frame() {
            if heard.send(Heard::Frame(who, frame.to_vec())).is_err() {
                return;
            }
        }
    }
    let _ = heard.send(Heard::Closed(who));
}
