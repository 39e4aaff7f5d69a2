//! Log lines, through `log` and `simplelog`, to a thread that may wait for the terminal: the loop
//! never does. When the terminal or pipe takes no more, lines are counted instead of kept.

use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use log::LevelFilter;
use simplelog::{ConfigBuilder, WriteLogger};

use crate::limits::LOG_LINES_WAITING_MAX;
use crate::text::{Lang, server as text};

/// How long a stopping server waits for its last lines to be taken.
const LAST_LINES_MAX: Duration = Duration::from_millis(500);

/// The way to the thread that prints.
#[derive(Debug)]
pub(super) struct Logging {
    lines: SyncSender<Line>,
    done: Receiver<()>,
}

#[derive(Debug)]
enum Line {
    Print(Vec<u8>),
    /// Nothing comes after this.
    End,
}

/// What `simplelog` writes to: gathers a line, and hands it over if there is room.
struct Pipe {
    lines: SyncSender<Line>,
    line: Vec<u8>,
    dropped: u64,
    lang: Lang,
}

impl Logging {
    /// Starts the thread and makes it the logger of this process.
    pub(super) fn start(level: LevelFilter, lang: Lang) -> io::Result<Self> {
        let (lines, incoming) = mpsc::sync_channel(LOG_LINES_WAITING_MAX);
        let (ended, done) = mpsc::sync_channel(1);
        thread::Builder::new().name("papo-log".to_owned()).spawn(move || {
            let mut stdout = io::stdout().lock();
            while let Ok(Line::Print(line)) = incoming.recv() {
                // Nobody is left to tell that nobody reads.
                let _ = stdout.write_all(&line).and_then(|()| stdout.flush());
            }
            let _ = ended.send(());
        })?;
        let plain = ConfigBuilder::new()
            .set_max_level(LevelFilter::Off)
            .set_time_level(LevelFilter::Off)
            .set_target_level(LevelFilter::Off)
            .set_location_level(LevelFilter::Off)
            .set_thread_level(LevelFilter::Off)
            .build();
        let pipe = Pipe { lines: lines.clone(), line: Vec::new(), dropped: 0, lang };
        // A second server in one process, as in a test, speaks through the first one's logger.
        let _ = WriteLogger::init(level, plain, pipe);
        Ok(Self { lines, done })
    }

    /// Waits a moment for the last lines to be printed.
    pub(super) fn finish(self) {
        if self.lines.try_send(Line::End).is_ok() {
            let _ = self.done.recv_timeout(LAST_LINES_MAX);
        }
    }
}

impl Pipe {
    fn hand_over(&mut self, line: Vec<u8>) {
        if self.dropped > 0 {
            let told = text::lines_dropped(self.lang, self.dropped).into_bytes();
            if self.lines.try_send(Line::Print(told)).is_ok() {
                self.dropped = 0;
            }
        }
        if let Err(TrySendError::Full(_)) = self.lines.try_send(Line::Print(line)) {
            self.dropped += 1;
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        if self.line.ends_with(b"\n") {
            let line = std::mem::take(&mut self.line);
            self.hand_over(line);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
