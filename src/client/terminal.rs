//! The terminal: a screen to which lines are added at any time, and a keyboard that is read line by
//! line, without either disturbing the other.
//!
//! On a terminal rustyline edits the line being typed and its external printer puts what arrives
//! above it. That printer has two habits to live with: while no line is being edited it writes at
//! once, and while one is it may wait for the editor. So a thread of its own does the printing, and
//! nobody who holds a lock or a socket ever waits for it; and before a prompt is shown, what was to
//! be printed is.

use std::collections::VecDeque;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustyline::config::Configurer;
use rustyline::history::DefaultHistory;
use rustyline::{ColorMode, Config, Editor, ExternalPrinter};

use super::app::Prompt;
use super::show::{Line, Style};

mod mask;

use mask::Mask;

/// Bytes waiting to be printed above which the socket is not read any further.
const WAITING_BYTES_MAX: usize = 1024 * 1024;

/// Bytes printed at once.
const PRINTED_BYTES_MAX: usize = 64 * 1024;

/// One line of input that is no terminal's.
const LINE_BYTES_MAX: u64 = 1024 * 1024;

/// Whether a screen is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Colour {
    /// On a terminal that shows colours, unless `NO_COLOR` says no.
    #[default]
    Auto,
    /// Yes.
    Always,
    /// No.
    Never,
}

impl Colour {
    /// Reads the value of `--color`.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        match value {
            "auto" => Some(Colour::Auto),
            "always" => Some(Colour::Always),
            "never" => Some(Colour::Never),
            _ => None,
        }
    }

    fn is_on(self, terminal: bool) -> bool {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        match self {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto if !terminal || set("NO_COLOR") => false,
            // The old Windows console shows escape sequences as they are.
            Colour::Auto if cfg!(windows) => set("WT_SESSION") || set("TERM"),
            Colour::Auto => std::env::var("TERM").is_ok_and(|term| term != "dumb"),
        }
    }
}

/// Where the lines of a screen go.
enum Sink {
    Printer(Box<dyn ExternalPrinter + Send>),
    Writer(Box<dyn Write + Send>),
}

impl Sink {
    fn print(&mut self, text: String) -> io::Result<()> {
        match self {
            Sink::Printer(printer) => printer.print(text).map_err(io::Error::other),
            Sink::Writer(writer) => {
                writer.write_all(text.as_bytes())?;
                writer.flush()
            }
        }
    }
}

#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<String>,
    bytes: usize,
    printing: bool,
    /// Nobody reads what is printed.
    broken: bool,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, waiting: MutexGuard<'a, Waiting>) -> MutexGuard<'a, Waiting> {
        self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for lines, and takes what is printed at once.
    fn take(&self) -> String {
        let mut waiting = self.lock();
        waiting.printing = false;
        self.changed.notify_all();
        while waiting.lines.is_empty() {
            waiting = self.wait(waiting);
        }
        let mut text = String::new();
        while text.len() < PRINTED_BYTES_MAX {
            let Some(line) = waiting.lines.pop_front() else { break };
            waiting.bytes -= line.len();
            text.push_str(&line);
        }
        waiting.printing = true;
        text
    }
}

/// What is shown. Its lines are printed by a thread of its own, in order.
#[derive(Clone, Debug)]
pub(crate) struct Screen {
    queue: Arc<Queue>,
    colour: bool,
}

impl Screen {
    fn start(mut sink: Sink, colour: bool) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let printed = Arc::clone(&queue);
        std::thread::Builder::new().name("papo-screen".into()).spawn(move || {
            loop {
                let text = printed.take();
                if sink.print(text).is_err() {
                    let mut waiting = printed.lock();
                    waiting.broken = true;
                    waiting.lines.clear();
                    waiting.bytes = 0;
                }
            }
        })?;
        Ok(Self { queue, colour })
    }

    /// A screen without a keyboard.
    pub(crate) fn to(writer: Box<dyn Write + Send>, colour: bool) -> io::Result<Self> {
        Self::start(Sink::Writer(writer), colour)
    }

    /// Adds a line. Never waits.
    pub(crate) fn show(&self, line: &Line) {
        self.add(line.painted(self.colour));
    }

    /// Adds two lines between which nothing else is printed. Never waits.
    pub(crate) fn show_together(&self, first: &Line, second: &Line) {
        self.add(first.painted(self.colour) + &second.painted(self.colour));
    }

    fn add(&self, line: String) {
        let mut waiting = self.queue.lock();
        if waiting.broken {
            return;
        }
        waiting.bytes += line.len();
        waiting.lines.push_back(line);
        self.queue.changed.notify_all();
    }

    /// Waits while so much is to be printed that more should not be received.
    pub(crate) fn wait_for_room(&self) {
        let mut waiting = self.queue.lock();
        while waiting.bytes > WAITING_BYTES_MAX {
            waiting = self.queue.wait(waiting);
        }
    }

    /// Waits until everything is printed, at most so long.
    pub(crate) fn settle(&self, at_most: Duration) {
        let deadline = Instant::now() + at_most;
        let mut waiting = self.queue.lock();
        while waiting.printing || !waiting.lines.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let woken = self.queue.changed.wait_timeout(waiting, left);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Nobody reads what is printed any more.
    pub(crate) fn is_broken(&self) -> bool {
        self.queue.lock().broken
    }
}

/// What is typed, line by line.
pub(crate) enum Keyboard {
    /// A terminal, with a line editor.
    Editor(Box<Editor<Mask, DefaultHistory>>),
    /// A terminal that can do no more than print.
    Plain,
    /// No terminal: a file, or another program's output.
    Pipe(Screen),
    /// A test's.
    #[cfg(test)]
    Script(VecDeque<String>, Screen),
}

impl Keyboard {
    /// Reads a line. `None` is the end: Ctrl+C, Ctrl+D, or nothing more to read.
    pub(crate) fn read(&mut self, prompt: &Prompt) -> Option<String> {
        match self {
            Keyboard::Editor(editor) => {
                mask(editor, prompt.is_secret);
                let line = editor.readline(&format!("{} ", prompt.text)).ok()?;
                if prompt.is_message && !prompt.is_secret {
                    // Without it the arrow keys bring nothing back; no reason to stop.
                    let _ = editor.add_history_entry(&line);
                }
                Some(line)
            }
            Keyboard::Plain => {
                let mut stdout = io::stdout().lock();
                let _ = write!(stdout, "{} ", prompt.text).and_then(|()| stdout.flush());
                drop(stdout);
                if prompt.is_secret { unseen(read_line) } else { read_line() }
            }
            Keyboard::Pipe(screen) => {
                screen.show(&Line::new(Style::Dim, prompt.text.as_str()));
                read_line()
            }
            #[cfg(test)]
            Keyboard::Script(lines, screen) => {
                screen.show(&Line::new(Style::Dim, prompt.text.as_str()));
                lines.pop_front()
            }
        }
    }

    /// Somebody sits there.
    pub(crate) fn is_interactive(&self) -> bool {
        matches!(self, Keyboard::Editor(_) | Keyboard::Plain)
    }
}

/// Hides what is typed next, or shows it again.
fn mask(editor: &mut Editor<Mask, DefaultHistory>, secret: bool) {
    if let Some(mask) = editor.helper_mut() {
        mask.is_on = secret;
    }
    // Without colours the editor would print the keys as they are.
    editor.set_color_mode(if secret { ColorMode::Forced } else { ColorMode::Enabled });
}

/// Reads without an echo, where the system has a way to ask for that without the editor's help.
fn unseen(read: impl FnOnce() -> Option<String>) -> Option<String> {
    let stty = |echo: &str| {
        if cfg!(unix) {
            let _ = std::process::Command::new("stty").arg(echo).status();
        }
    };
    stty("-echo");
    let line = read();
    stty("echo");
    println!();
    line
}

fn read_line() -> Option<String> {
    let mut line = Vec::new();
    let mut stdin = io::stdin().lock().take(LINE_BYTES_MAX);
    match stdin.read_until(b'\n', &mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => {
            let line = String::from_utf8_lossy(&line);
            Some(line.trim_end_matches(['\n', '\r']).to_owned())
        }
    }
}

/// Opens this process's terminal, or what stands in its place.
pub(crate) fn open(colour: Colour) -> io::Result<(Keyboard, Screen)> {
    let stdout = || Box::new(io::stdout());
    let terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    if !terminal {
        let screen = Screen::to(stdout(), colour.is_on(false))?;
        return Ok((Keyboard::Pipe(screen.clone()), screen));
    }
    let colour = colour.is_on(true);
    let config = Config::builder().auto_add_history(false).build();
    if let Ok(mut editor) = Editor::<Mask, DefaultHistory>::with_config(config)
        && let Ok(printer) = editor.create_external_printer()
    {
        editor.set_helper(Some(Mask::default()));
        let screen = Screen::start(Sink::Printer(Box::new(printer)), colour)?;
        return Ok((Keyboard::Editor(Box::new(editor)), screen));
    }
    Ok((Keyboard::Plain, Screen::to(stdout(), colour)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A place that remembers what was written there.
    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_printed_whole_and_in_order() {
        let memory = Memory::default();
        let screen = Screen::to(Box::new(memory.clone()), false).unwrap();
        let mut expected = String::new();
        for number in 0..10_000 {
            screen.show(&Line::new(Style::Good, number.to_string()));
            expected.push_str(&number.to_string());
            expected.push('\n');
        }
        screen.wait_for_room();
        screen.settle(Duration::from_secs(10));
        assert_eq!(String::from_utf8_lossy(&memory.0.lock().unwrap()), expected);
        assert!(!screen.is_broken());
    }

    #[test]
    fn a_screen_that_nobody_reads_holds_nobody_up() {
        let screen = Screen::to(Box::new(Closed), true).unwrap();
        for _ in 0..1_000 {
            screen.show(&Line::new(Style::Plain, "x".repeat(10_000)));
        }
        screen.settle(Duration::from_secs(10));
        screen.wait_for_room();
        assert!(screen.is_broken());
    }

    #[test]
    fn colour_is_a_choice() {
        assert_eq!(Colour::parse("auto"), Some(Colour::Auto));
        assert_eq!(Colour::parse("sometimes"), None);
        assert!(Colour::Always.is_on(false));
        assert!(!Colour::Never.is_on(true));
        assert!(!Colour::Auto.is_on(false));
    }
}
