//! The Python clients of `tests/python`, driven line by line.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::PATIENCE;
use super::server::{Server, wait_for_end};
use super::transcript::Transcript;

/// Which of the two clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    /// JSON objects with nothing between them.
    Bare,
    /// 4-byte lengths.
    Length,
}

/// A Python client at work. Killed when dropped.
pub(crate) struct Python {
    child: Child,
    keyboard: Option<ChildStdin>,
    screen: Transcript,
    seen: usize,
    downloads: PathBuf,
}

impl Python {
    /// Starts a client and waits until it is logged in.
    #[track_caller]
    pub(crate) fn join(server: &Server, script: Script, name: &str) -> Self {
        let mut client = Self::start(server, script, name);
        client.sees(&json!(["login", "success", format!("Bem-vindo, {name}!")]));
        client
    }

    /// Starts a client that logs in at once.
    #[track_caller]
    pub(crate) fn start(server: &Server, script: Script, name: &str) -> Self {
        let program = match script {
            Script::Bare => "bare_client.py",
            Script::Length => "length_client.py",
        };
        let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(program);
        let downloads = server.home().join(format!("downloads of {name}"));
        let mut child = Command::new("python3")
            .arg(program)
            .args(["127.0.0.1", &server.port().to_string(), name])
            .arg(&downloads)
            .env("PYTHONIOENCODING", "utf-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("this test needs python3 in the PATH (scripts/test installs it): {error}")
            });
        let keyboard = child.stdin.take();
        let screen = Transcript::follow(child.stdout.take().expect("piped"));
        Self { child, keyboard, screen, seen: 0, downloads }
    }

    /// Types a command: a JSON array.
    #[track_caller]
    pub(crate) fn does(&mut self, command: &Value) {
        let keyboard = self.keyboard.as_mut().expect("not left yet");
        writeln!(keyboard, "{command}").expect("the client reads its script");
    }

    /// The next thing on the screen, waiting for it if need be. Heartbeats are passed over.
    #[track_caller]
    pub(crate) fn shows(&mut self) -> Value {
        loop {
            let shown = self.shows_within(PATIENCE);
            if shown != json!(["heartbeat"]) {
                return shown;
            }
        }
    }

    /// The next thing on the screen, heartbeats too, waiting this long.
    #[track_caller]
    pub(crate) fn shows_within(&mut self, patience: Duration) -> Value {
        match self.may_show_within(patience) {
            Some(shown) => shown,
            None => panic!("nothing new on the screen after {:#?}", self.screen.lines()),
        }
    }

    /// The same, where it may also be that nothing comes.
    #[track_caller]
    pub(crate) fn may_show_within(&mut self, patience: Duration) -> Option<Value> {
        let line = self.screen.line(self.seen, patience)?;
        self.seen += 1;
        let shown = serde_json::from_str(&line);
        Some(shown.unwrap_or_else(|_| panic!("the client printed {line:?}")))
    }

    /// The next thing on the screen must be this.
    #[track_caller]
    pub(crate) fn sees(&mut self, expected: &Value) {
        assert_eq!(self.shows(), *expected);
    }

    /// The next thing on the screen must be a message: `private, sender, content` or
    /// `group, group, sender, content`. Its time must look like one.
    #[track_caller]
    pub(crate) fn reads(&mut self, expected: &Value) {
        let mut shown = self.shows();
        let words = shown.as_array_mut().expect("an array");
        assert!(words.len() > 2, "{words:?} instead of {expected}");
        let time = words.remove(words.len() - 2);
        assert_eq!(shown, *expected);
        assert!(looks_like_a_time(&time), "{time}");
    }

    /// An answer that says success must come next.
    #[track_caller]
    pub(crate) fn is_told(&mut self, kind: &str, message: &str) {
        self.sees(&json!(["answer", kind, "success", message]));
    }

    /// An answer that says success must come next, whatever else its sentence says beside this.
    #[track_caller]
    pub(crate) fn is_told_yes(&mut self, kind: &str, part: &str) {
        let shown = self.shows();
        assert_eq!(
            (&shown[0], &shown[1], &shown[2]),
            (&json!("answer"), &json!(kind), &json!("success")),
            "{shown}"
        );
        let message = shown[3].as_str().expect("a sentence");
        assert!(message.contains(part), "{message:?} should tell of {part:?}");
    }

    /// Where it saves files.
    pub(crate) fn downloads(&self) -> PathBuf {
        self.downloads.clone()
    }

    /// Leaves, and gives its exit code.
    #[track_caller]
    pub(crate) fn leave(&mut self) -> Option<i32> {
        if let Some(mut keyboard) = self.keyboard.take() {
            // A client that has ended already reads nothing.
            let _ = writeln!(keyboard, "[\"quit\"]");
        }
        wait_for_end(&mut self.child).code()
    }

    /// Everything that it has shown until its end.
    #[track_caller]
    pub(crate) fn whole_screen(&self) -> Vec<Value> {
        let lines = self.screen.whole();
        lines.iter().map(|line| serde_json::from_str(line).expect("JSON on the screen")).collect()
    }

    /// Waits until so many things of this kind are on the screen, or as long as new ones come.
    pub(crate) fn collects(&mut self, kind: &str, count: usize) -> Vec<Value> {
        let mut collected = Vec::new();
        let mut deadline = Instant::now() + PATIENCE;
        while collected.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(shown) = self.may_show_within(left) else {
                break;
            };
            if shown[0] == kind {
                collected.push(shown);
                deadline = Instant::now() + PATIENCE;
            }
        }
        collected
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `HH:MM:SS`.
pub(crate) fn looks_like_a_time(value: &Value) -> bool {
    let Some(time) = value.as_str() else {
        return false;
    };
    let parts: Vec<&str> = time.split(':').collect();
    parts.len() == 3
        && parts.iter().zip([24, 60, 61]).all(|(part, limit)| {
            part.len() == 2 && part.parse::<u32>().is_ok_and(|value| value < limit)
        })
}
