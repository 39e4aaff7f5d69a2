//! What the system knows of a server's process: its memory, its descriptors and its work. On Linux alone;
//! elsewhere nothing is known.

use std::time::Duration;

use super::Server;

impl Server {
    /// One memory figure, `VmRSS` or `VmHWM`, in bytes.
    #[track_caller]
    pub(crate) fn memory(&self, figure: &str) -> Option<u64> {
        if !cfg!(target_os = "linux") {
            return None;
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()))
            .expect("the server is running");
        let line = status
            .lines()
            .find(|line| line.starts_with(figure))
            .unwrap_or_else(|| panic!("{figure} in {status}"));
        let kib = line.split_whitespace().nth(1).and_then(|value| value.parse::<u64>().ok());
        Some(kib.expect("a number of KiB") * 1024)
    }

    /// The processor time that it has taken so far, to a hundredth of a second.
    #[track_caller]
    pub(crate) fn cpu(&self) -> Option<Duration> {
        if !cfg!(target_os = "linux") {
            return None;
        }
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid()))
            .expect("the server is running");
        // What stands before is its name, which may hold anything.
        let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
        let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
        let ticks: u64 = ticks.map(|ticks| ticks.expect("a number of ticks")).sum();
        Some(Duration::from_millis(ticks * 10))
    }

    /// How many descriptors are open, but for those of the store, which opens its files when it
    /// first needs them, and of unfinished uploads, of which it keeps a few open.
    #[track_caller]
    pub(crate) fn descriptors(&self) -> Option<usize> {
        if !cfg!(target_os = "linux") {
            return None;
        }
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.pid()));
        let files = open.expect("the server is running").filter_map(Result::ok);
        // One that was closed since the folder was read leads nowhere.
        let files = files.filter_map(|file| std::fs::read_link(file.path()).ok());
        let is_kept = |file: &std::path::PathBuf| {
            let file = file.to_string_lossy();
            file.contains("papo.db") || file.contains("/uploads/")
        };
        Some(files.filter(|file| !is_kept(file)).count())
    }
}
