//! The raw relay as a process of its own, so that its use of the CPU can be told from the tool's.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// The relay's process. It ends when this is dropped, or when the tool ends in any other way.
#[derive(Debug)]
pub(super) struct Baseline {
    child: Child,
    address: SocketAddr,
    pinned: bool,
}

impl Baseline {
    /// Starts it, on these cores if the system has `taskset`, else wherever the system likes.
    pub(super) fn start(cores: Option<&str>) -> io::Result<Self> {
        let program = std::env::current_exe()?;
        if let Some(cores) = cores {
            let mut pinned = Command::new("taskset");
            pinned.args(["-c", cores]).arg(&program);
            if let Ok(baseline) = Self::spawn(&mut pinned, true) {
                return Ok(baseline);
            }
        }
        Self::spawn(&mut Command::new(program), false)
    }

    fn spawn(command: &mut Command, pinned: bool) -> io::Result<Self> {
        let mut child = command
            .args(["load", "--relay"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let Ok(port) = line.trim().parse::<u16>() else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(io::ErrorKind::InvalidData.into());
        };
        Ok(Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)), pinned })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it runs on the cores asked for.
    pub(super) fn is_pinned(&self) -> bool {
        self.pinned
    }
}

impl Drop for Baseline {
    fn drop(&mut self) {
        // Closing its stdin would do; killing does not wait.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
