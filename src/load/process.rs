//! What another process costs: its CPU time and memory, from `/proc`. On systems without it nothing
//! is known, and the columns stay empty.

use std::net::SocketAddr;

/// One process that is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pid: u32,
}

#[cfg(target_os = "linux")]
impl Process {
    /// The process with this id, if there is one whose use of the CPU can be read.
    pub(super) fn find(pid: u32) -> Option<Self> {
        let process = Self { pid };
        process.cpu_ns().map(|_| process)
    }

    /// The process that listens on a local address, if it belongs to this user.
    pub(super) fn listening_on(address: SocketAddr) -> Option<Self> {
        let sockets = linux::listening_sockets(address);
        let holder = |pid: &u32| linux::holds_any(*pid, &sockets);
        linux::pids().find(holder).and_then(Self::find)
    }

    /// Its id.
    pub(super) fn pid(self) -> u32 {
        self.pid
    }

    /// CPU time of all its threads so far, in nanoseconds.
    pub(super) fn cpu_ns(self) -> Option<u64> {
        linux::cpu_by_scheduler(self.pid).or_else(|| linux::cpu_by_ticks(self.pid))
    }

    /// Its resident memory, in bytes.
    pub(super) fn rss_bytes(self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let kibibytes = linux::field(&status, "VmRSS:")?.split(' ').next()?;
        kibibytes.parse::<u64>().ok()?.checked_mul(1024)
    }

    /// The cores on which it may run, as the system lists them: `0-3,8`.
    pub(super) fn cores(self) -> Option<String> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        linux::field(&status, "Cpus_allowed_list:").map(str::to_owned)
    }
}

#[cfg(not(target_os = "linux"))]
impl Process {
    /// The process with this id; here nothing can be read about it.
    pub(super) fn find(_pid: u32) -> Option<Self> {
        None
    }

    /// The process that listens on a local address; not known here.
    pub(super) fn listening_on(_address: SocketAddr) -> Option<Self> {
        None
    }

    /// Its id.
    pub(super) fn pid(self) -> u32 {
        self.pid
    }

    /// CPU time of all its threads so far, in nanoseconds.
    pub(super) fn cpu_ns(self) -> Option<u64> {
        None
    }

    /// Its resident memory, in bytes.
    pub(super) fn rss_bytes(self) -> Option<u64> {
        None
    }

    /// The cores on which it may run.
    pub(super) fn cores(self) -> Option<String> {
        None
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

    /// The state of a listening socket in `/proc/net/tcp`.
    const LISTEN: &str = "0A";

    /// `/proc/PID/stat` counts in this unit; it has been 100 a second on all of today's systems.
    const TICK_NS: u64 = 10_000_000;

    /// To the nanosecond, from the scheduler, thread by thread; not on every kernel.
    pub(super) fn cpu_by_scheduler(pid: u32) -> Option<u64> {
        let mut sum = None;
        for thread in fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
            // A thread may end between being listed and being read.
            let Ok(stat) = fs::read_to_string(thread.path().join("schedstat")) else {
                continue;
            };
            let ran: u64 = stat.split(' ').next()?.parse().ok()?;
            sum = Some(sum.unwrap_or(0) + ran);
        }
        sum
    }

    pub(super) fn cpu_by_ticks(pid: u32) -> Option<u64> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the program's name in brackets, and may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        let user: u64 = fields.get(11)?.parse().ok()?;
        let system: u64 = fields.get(12)?.parse().ok()?;
        Some((user + system) * TICK_NS)
    }

    pub(super) fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
        status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
    }

    pub(super) fn listening_sockets(address: SocketAddr) -> Vec<String> {
        ["/proc/net/tcp", "/proc/net/tcp6"]
            .into_iter()
            .filter_map(|path| fs::read_to_string(path).ok())
            .flat_map(|table| {
                let matching = table.lines().filter_map(|line| {
                    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
                    let (local, state) = (parse(fields.get(1)?)?, *fields.get(3)?);
                    let here = local.ip() == address.ip() || local.ip().is_unspecified();
                    (state == LISTEN && here && local.port() == address.port())
                        .then(|| fields.get(9).map(|inode| format!("socket:[{inode}]")))?
                });
                matching.collect::<Vec<String>>()
            })
            .collect()
    }

    /// `0100007F:3039`: the address as words in this machine's byte order, the port as a number.
    pub(super) fn parse(text: &str) -> Option<SocketAddr> {
        let (ip, port) = text.split_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        let word = |at: usize| {
            let digits = ip.get(at * 8..at * 8 + 8)?;
            Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
        };
        let ip = match ip.len() {
            8 => IpAddr::from(Ipv4Addr::from(word(0)?)),
            32 => {
                let words = [word(0)?, word(1)?, word(2)?, word(3)?];
                let mut octets = [0; 16];
                octets.copy_from_slice(words.as_flattened());
                IpAddr::from(Ipv6Addr::from(octets)).to_canonical()
            }
            _ => return None,
        };
        Some(SocketAddr::from((ip, port)))
    }

    pub(super) fn pids() -> impl Iterator<Item = u32> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
    }

    pub(super) fn holds_any(pid: u32, sockets: &[String]) -> bool {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten();
        open.flatten().any(|entry| {
            fs::read_link(entry.path())
                .is_ok_and(|target| sockets.iter().any(|socket| target.as_os_str() == &**socket))
        })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_process_behind_a_listener_is_found_and_read() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let own = Process::listening_on(listener.local_addr().unwrap()).unwrap();
        assert_eq!(own.pid(), std::process::id());
        let spin = std::time::Instant::now();
        while spin.elapsed().as_millis() < 30 {}
        // Not more than before: the threads of other tests end meanwhile, and take their time along.
        assert!(own.cpu_ns().unwrap() > 1_000_000);
        assert!(own.rss_bytes().unwrap() > 100_000);
        assert!(!own.cores().unwrap().is_empty());
        assert!(linux::cpu_by_ticks(own.pid()).is_some());
        assert_eq!(Process::find(u32::MAX), None);
    }

    #[test]
    fn addresses_of_the_kernel_s_table_are_read() {
        for (text, address) in [
            ("0100007F:3039", "127.0.0.1:12345"),
            ("00000000:0050", "0.0.0.0:80"),
            ("00000000000000000000000001000000:3039", "[::1]:12345"),
        ] {
            if cfg!(target_endian = "little") {
                assert_eq!(linux::parse(text), address.parse().ok());
            }
        }
        assert_eq!(linux::parse("x:1"), None);
    }
}
