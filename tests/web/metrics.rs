//! `/metrics`: text that Prometheus reads, with numbers that are true.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::common::raw::{Http, Web, get};
use crate::common::{Framing, Server, eventually};

/// The samples of a page, by name and labels. Panics where the format is broken: each family is
/// described before its samples and stands there once, and histograms add up.
#[track_caller]
fn samples(page: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let mut families = BTreeSet::new();
    let (mut family, mut kind, mut helped) = (String::new(), String::new(), String::new());
    assert!(page.ends_with('\n'), "the last line has an end");
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a name and a help");
            assert!(families.insert(name.to_owned()), "{name} stands there twice");
            assert!(!help.is_empty());
            name.clone_into(&mut helped);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, of) = rest.split_once(' ').expect("a name and a type");
            assert!(["counter", "gauge", "histogram"].contains(&of), "{line}");
            assert_eq!(name, helped, "the help comes first");
            name.clone_into(&mut family);
            of.clone_into(&mut kind);
        } else {
            let (sample, value) = line.rsplit_once(' ').expect("a sample and a value");
            let value: f64 = value.parse().unwrap_or_else(|_| panic!("a number: {line}"));
            let name = sample.split('{').next().expect("a name");
            let ending = name.strip_prefix(&family).unwrap_or_else(|| panic!("{line} in {family}"));
            let endings: &[&str] =
                if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            assert!(endings.contains(&ending), "{line}");
            assert!(kind != "counter" || name.ends_with("_total"), "{line}");
            assert!(samples.insert(sample.to_owned(), value).is_none(), "{sample} twice");
        }
    }
    for family in families.iter().filter(|name| name.ends_with("_seconds")) {
        let buckets = |(sample, value): (&String, &f64)| {
            let le = sample.strip_prefix(&format!("{family}_bucket{{le=\""))?;
            let le = le.strip_suffix("\"}")?;
            Some((le.parse::<f64>().expect("a bound, or +Inf"), *value))
        };
        let mut buckets: Vec<(f64, f64)> = samples.iter().filter_map(buckets).collect();
        if buckets.is_empty() {
            continue;
        }
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        assert!(buckets.is_sorted_by(|one, other| one.1 <= other.1), "{family}: {buckets:?}");
        let last = buckets.last().expect("some");
        assert!(last.0.is_infinite());
        assert!((last.1 - samples[&format!("{family}_count")]).abs() < 0.5, "{family}");
    }
    samples
}

#[track_caller]
fn is(samples: &BTreeMap<String, f64>, name: &str, expected: f64) {
    let found = samples.get(name).unwrap_or_else(|| panic!("{name} is not there"));
    assert!((found - expected).abs() < 0.001, "{name} is {found}, not {expected}");
}

#[test]
fn what_has_been_done_is_counted() {
    let server = Server::start();
    let mut ana = server.join("ana");
    let _web = Web::join(&server, "web");
    let _length = server.join_as("prefixo", Framing::Length);
    let _stranger = server.dial();
    for _ in 0..5 {
        ana.tell("web", "oi");
    }
    ana.refused(&json!({ "type": "join_group", "group_name": "nenhum" }), "unknown_group");
    ana.refused(&json!({ "type": "join_group", "group_name": "nenhum" }), "unknown_group");
    let mut http = Http::dial(&server);
    eventually("everybody is let in", || {
        samples(http.get("/metrics", "").text())["papo_connections{kind=\"unknown\"}"] > 0.5
    });
    let answer = http.get("/metrics", "");
    let kind = answer.field("content-type");
    assert_eq!(kind, Some("text/plain; version=0.0.4; charset=utf-8"));
    let before = samples(answer.text());
    is(&before, "papo_sessions", 3.0);
    is(&before, "papo_connections{kind=\"line\"}", 1.0);
    is(&before, "papo_connections{kind=\"length\"}", 1.0);
    is(&before, "papo_connections{kind=\"websocket\"}", 1.0);
    is(&before, "papo_connections{kind=\"http\"}", 1.0);
    is(&before, "papo_connections_accepted_total", 5.0);
    is(&before, "papo_messages_total", 5.0);
    is(&before, "papo_deliveries_total", 5.0);
    is(&before, "papo_refusals_total{code=\"unknown_group\"}", 2.0);
    is(&before, "papo_refusals_total{code=\"not_member\"}", 0.0);
    is(&before, "papo_slow_consumers_total", 0.0);
    is(&before, "papo_journal_queue_entries", 0.0);
    assert!(before["papo_journal_commit_seconds_count"] > 4.5);
    assert!(before["papo_journal_commit_seconds_sum"] > 0.0);
    assert!(before["papo_loop_turn_seconds_count"] > 10.0);
    ana.tell("web", &"x".repeat(10_000));
    let after = samples(http.get("/metrics", "").text());
    is(&after, "papo_messages_total", 6.0);
    for name in ["papo_received_bytes_total", "papo_sent_bytes_total"] {
        assert!(after[name] > before[name] + 10_000.0, "{name}");
    }
}

#[test]
fn numbers_about_everybody_are_for_whoever_runs_the_server() {
    let server = Server::start();
    // A proxy on the same machine asks for somebody else.
    for field in ["X-Forwarded-For: 192.0.2.1\r\n", "Forwarded: for=192.0.2.1\r\n"] {
        let answer = get(&server, "/metrics", field);
        assert_eq!(answer.status, 403);
        assert!(answer.text().contains("--metrics-public"), "{}", answer.text());
    }
    let server = Server::start_with(crate::common::server::papo(), &["--metrics-public"]);
    assert_eq!(get(&server, "/metrics", "X-Forwarded-For: 192.0.2.1\r\n").status, 200);
}

#[test]
fn a_server_that_takes_logins_is_well() {
    let server = Server::start();
    let answer = get(&server, "/healthz", "");
    assert_eq!((answer.status, answer.text()), (200, "ok\n"));
}
