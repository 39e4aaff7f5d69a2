//! The lines that a program prints, read as they come.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::PATIENCE;

/// Everything that a program has printed so far, and a way to wait for more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transcript(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<String>,
    ended: bool,
}

impl Transcript {
    /// Reads lines in a thread of its own until the stream ends.
    pub(crate) fn follow(stream: impl Read + Send + 'static) -> Self {
        let transcript = Self::default();
        transcript.go_on(BufReader::new(stream));
        transcript
    }

    /// Goes on with a stream whose first lines were read elsewhere.
    pub(crate) fn go_on(&self, mut stream: impl BufRead + Send + 'static) {
        let writer = self.clone();
        std::thread::spawn(move || {
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let text = String::from_utf8_lossy(&line);
                writer.push(text.trim_end_matches(['\r', '\n']).to_owned());
                line.clear();
            }
            writer.0.state.lock().unwrap().ended = true;
            writer.0.changed.notify_all();
        });
    }

    /// Adds a line that was read elsewhere.
    pub(crate) fn push(&self, line: String) {
        self.0.state.lock().unwrap().lines.push(line);
        self.0.changed.notify_all();
    }

    /// All lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.state.lock().unwrap().lines.clone()
    }

    /// The first line that holds this text, waiting for it if need be.
    #[track_caller]
    pub(crate) fn wait_for(&self, part: &str) -> String {
        match self.search(0, PATIENCE, |line| line.contains(part)) {
            Some((_, line)) => line,
            None => panic!("no line with {part:?} in {:#?}", self.lines()),
        }
    }

    /// The line of this number, from 0, waiting for it if need be.
    pub(crate) fn line(&self, number: usize, patience: Duration) -> Option<String> {
        self.search(number, patience, |_| true).map(|(_, line)| line)
    }

    /// Waits until the stream has ended, and gives all of its lines.
    #[track_caller]
    pub(crate) fn whole(&self) -> Vec<String> {
        self.whole_within(PATIENCE)
    }

    /// The same with more patience.
    #[track_caller]
    pub(crate) fn whole_within(&self, patience: Duration) -> Vec<String> {
        let deadline = Instant::now() + patience;
        let mut state = self.0.state.lock().unwrap();
        while !state.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the program still prints");
            state = self.0.changed.wait_timeout(state, left).unwrap().0;
        }
        state.lines.clone()
    }

    fn search(
        &self,
        mut from: usize,
        patience: Duration,
        wanted: impl Fn(&str) -> bool,
    ) -> Option<(usize, String)> {
        let deadline = Instant::now() + patience;
        let mut state = self.0.state.lock().unwrap();
        loop {
            for (number, line) in state.lines.iter().enumerate().skip(from) {
                if wanted(line) {
                    return Some((number, line.clone()));
                }
            }
            from = from.max(state.lines.len());
            let left = deadline.saturating_duration_since(Instant::now());
            if state.ended || left.is_zero() {
                return None;
            }
            state = self.0.changed.wait_timeout(state, left).unwrap().0;
        }
    }
}
