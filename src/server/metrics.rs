//! What the server counts about itself, as Prometheus reads it (text format 0.0.4). The counters are
//! plain fields of the one thread that owns them; what is only a state is looked at when asked for.

use std::collections::VecDeque;
use std::fmt::Write;

use super::connection::{Connection, Speech, State};
use super::shell::{Ground, Shell};
use crate::wire::frame::Framing;

/// Upper ends of the buckets of both histograms, in nanoseconds and as they are written.
const BUCKETS: [(u64, &str); 14] = [
    (50_000, "0.00005"),
    (100_000, "0.0001"),
    (250_000, "0.00025"),
    (500_000, "0.0005"),
    (1_000_000, "0.001"),
    (2_500_000, "0.0025"),
    (5_000_000, "0.005"),
    (10_000_000, "0.01"),
    (25_000_000, "0.025"),
    (50_000_000, "0.05"),
    (100_000_000, "0.1"),
    (250_000_000, "0.25"),
    (1_000_000_000, "1"),
    (5_000_000_000, "5"),
];

/// Counters since the start.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    started_wall_ms: u64,
    pub(super) accepted: u64,
    /// Connections closed at the door: the server is full.
    pub(super) turned_away: u64,
    /// The same: too many from one address.
    pub(super) crowding: u64,
    /// Connections closed without a login, to make room.
    pub(super) strangers_dropped: u64,
    /// The same, because they took too long.
    pub(super) not_logged_in: u64,
    pub(super) frames_late: u64,
    /// Connections closed because half-read frames took too much memory.
    pub(super) inputs_dropped: u64,
    /// Passwords that were not looked at at once.
    pub(super) held_up: u64,
    /// Connections closed because they did not answer pings.
    pub(super) unanswering: u64,
    pub(super) slow: u64,
    /// Stored frames put into an outbox.
    pub(super) deliveries: u64,
    pub(super) bytes_received: u64,
    /// Bytes that were written to connections that are gone.
    pub(super) sent_to_those_gone: u64,
    pub(super) requests: u64,
    pub(super) turns: Histogram,
    commits: Histogram,
    /// When each batch was handed over that has not come back.
    handed_over: VecDeque<u64>,
}

impl Metrics {
    /// None of anything yet.
    pub(super) fn new(started_wall_ms: u64) -> Self {
        Self { started_wall_ms, ..Self::default() }
    }

    /// A batch goes to the journal.
    pub(super) fn hands_over(&mut self, now_ns: u64) {
        self.handed_over.push_back(now_ns);
    }

    /// The oldest of them has come back.
    pub(super) fn comes_back(&mut self, now_ns: u64) {
        if let Some(then) = self.handed_over.pop_front() {
            self.commits.note(now_ns.saturating_sub(then));
        }
    }
}

/// How long something took, how often.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    counts: [u64; BUCKETS.len() + 1],
    sum_ns: u64,
    longest_ns: u64,
}

impl Histogram {
    /// It took so long.
    pub(super) fn note(&mut self, took_ns: u64) {
        let bucket = BUCKETS.partition_point(|(upto_ns, _)| *upto_ns < took_ns);
        self.counts[bucket] += 1;
        self.sum_ns = self.sum_ns.saturating_add(took_ns);
        self.longest_ns = self.longest_ns.max(took_ns);
    }

    fn write(&self, page: &mut Page, name: &str, help: &str) {
        page.head(name, "histogram", help);
        let mut count = 0;
        for ((_, upto), counted) in BUCKETS.iter().zip(self.counts) {
            count += counted;
            page.line(format_args!("{name}_bucket{{le=\"{upto}\"}} {count}"));
        }
        count += self.counts[BUCKETS.len()];
        page.line(format_args!("{name}_bucket{{le=\"+Inf\"}} {count}"));
        page.line(format_args!("{name}_sum {}", Seconds(self.sum_ns)));
        page.line(format_args!("{name}_count {count}"));
    }
}

/// Nanoseconds, written as seconds without going through a fraction.
struct Seconds(u64);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:09}", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

/// The text as it is written.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, line: impl std::fmt::Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{line}");
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, "counter", help);
        self.line(format_args!("{name} {value}"));
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, "gauge", help);
        self.line(format_args!("{name} {value}"));
    }
}

/// How connections are told apart on the page.
const KINDS: [&str; 6] = ["unknown", "bare", "line", "length", "http", "websocket"];

fn kind<S>(connection: &Connection<S>) -> usize {
    match connection.speech {
        Speech::Unknown => 0,
        Speech::Frames(Framing::Bare) => 1,
        Speech::Frames(Framing::Line) => 2,
        Speech::Frames(Framing::Length) => 3,
        Speech::Http => 4,
        Speech::Frames(Framing::WebSocket) => 5,
    }
}

impl<G: Ground> Shell<G> {
    /// All of it. Looks at each connection once, so it is not for everybody to ask for.
    pub(super) fn metrics_page(&mut self) -> String {
        let (mut kinds, mut tls, mut sessions) = ([0u64; KINDS.len()], 0u64, 0u64);
        let mut bytes_sent = self.metrics.sent_to_those_gone;
        for connection in self.connections.iter_mut() {
            kinds[kind(connection)] += 1;
            bytes_sent += connection.transport.sent();
            tls += u64::from(connection.transport.is_tls());
            sessions += u64::from(connection.state == State::Active);
        }
        let mut page = Page::default();
        page.head("papo_build_info", "gauge", "The version that runs.");
        page.line(format_args!("papo_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")));
        let started_ns = self.metrics.started_wall_ms.saturating_mul(1_000_000);
        let help = "When it started, in seconds since 1970.";
        page.gauge("papo_start_time_seconds", help, Seconds(started_ns));

        page.head("papo_connections", "gauge", "Open connections, by how they speak.");
        for (kind, count) in KINDS.iter().zip(kinds) {
            page.line(format_args!("papo_connections{{kind=\"{kind}\"}} {count}"));
        }
        page.gauge("papo_tls_connections", "Those of them that came over TLS.", tls);
        page.gauge("papo_sessions", "Connections with a user.", sessions);
        let metrics = &self.metrics;
        for (name, help, value) in [
            ("papo_connections_accepted_total", "Connections taken.", metrics.accepted),
            (
                "papo_connections_refused_total",
                "Not taken: the server was full.",
                metrics.turned_away,
            ),
            (
                "papo_address_refusals_total",
                "Not taken: too many from one address.",
                metrics.crowding,
            ),
            (
                "papo_unauthenticated_dropped_total",
                "Closed without a login, to make room.",
                metrics.strangers_dropped,
            ),
            (
                "papo_login_timeouts_total",
                "Closed: no login, or no HTTP request, in time.",
                metrics.not_logged_in,
            ),
            (
                "papo_frame_timeouts_total",
                "Closed: a frame not whole in time.",
                metrics.frames_late,
            ),
            (
                "papo_inputs_dropped_total",
                "Closed: half-read frames took too much memory.",
                metrics.inputs_dropped,
            ),
            ("papo_logins_held_up_total", "Passwords not looked at at once.", metrics.held_up),
            ("papo_unanswered_pings_total", "Closed: pings not answered.", metrics.unanswering),
            ("papo_slow_consumers_total", "Closed because they did not read.", metrics.slow),
            ("papo_http_requests_total", "HTTP requests answered.", metrics.requests),
            ("papo_messages_total", "Messages and files stored.", self.fx.counts.messages),
            ("papo_deliveries_total", "Stored frames put on their way.", metrics.deliveries),
            ("papo_received_bytes_total", "Bytes read from sockets.", metrics.bytes_received),
            ("papo_sent_bytes_total", "Bytes written to sockets.", bytes_sent),
        ] {
            page.counter(name, help, value);
        }
        page.head("papo_refusals_total", "counter", "Errors answered, by their code.");
        for (code, count) in self.fx.counts.refusals() {
            page.line(format_args!("papo_refusals_total{{code=\"{}\"}} {count}", code.as_str()));
        }

        let (entries, bytes) = self.journal.in_flight();
        for (name, help, value) in [
            ("papo_output_bytes", "Memory of output that waits.", self.outboxes_bytes),
            (
                "papo_output_shared_bytes",
                "The same, shared by recipients.",
                self.fx.gauge().bytes(),
            ),
            ("papo_input_bytes", "Memory of frames half-read.", self.inputs_bytes),
            ("papo_journal_queue_entries", "Entries not stored yet.", entries),
            ("papo_journal_queue_bytes", "Bytes of those entries.", bytes),
            (
                "papo_password_checks_waiting",
                "Passwords to be hashed.",
                self.ground.checks_waiting(),
            ),
        ] {
            page.gauge(name, help, value);
        }
        let name = "papo_journal_commit_seconds";
        metrics.commits.write(
            &mut page,
            name,
            "From the hand-over of a batch to its being stored.",
        );
        let name = "papo_loop_turn_seconds";
        metrics.turns.write(&mut page, name, "From one return of the poll to the next poll.");
        let (name, help) = ("papo_loop_turn_longest_seconds", "The longest of them so far.");
        page.gauge(name, help, Seconds(metrics.turns.longest_ns));
        page.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_counts_what_took_as_long_or_less() {
        let mut histogram = Histogram::default();
        for took_ns in [0, 50_000, 50_001, 1_500_000_000, 9_000_000_000] {
            histogram.note(took_ns);
        }
        let mut page = Page::default();
        histogram.write(&mut page, "x", "y");
        let lines: Vec<&str> = page.0.lines().collect();
        assert_eq!(
            lines[..4],
            [
                "# HELP x y",
                "# TYPE x histogram",
                "x_bucket{le=\"0.00005\"} 2",
                "x_bucket{le=\"0.0001\"} 3"
            ]
        );
        let last = lines.len() - 5;
        assert_eq!(
            lines[last..],
            [
                "x_bucket{le=\"1\"} 3",
                "x_bucket{le=\"5\"} 4",
                "x_bucket{le=\"+Inf\"} 5",
                "x_sum 10.500100001",
                "x_count 5"
            ]
        );
    }
}
