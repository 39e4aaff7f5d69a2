//! Reads the sources in `src/` and fails where one room of the house uses another that it may not,
//! where the core names the outside world, and where a file breaks a rule of `CONTRIBUTING.md`.
//!
//! It reads tokens, not text: comments and string literals say what they like. What it cannot see
//! is a name smuggled through a macro's body; reviewers can.

mod scan;

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

use scan::{Scan, Source};

/// Every room, and the rooms it may use beside itself. `lib.rs` and `main.rs` may use all.
const MAY_USE: &[(&str, &[&str])] = &[
    ("limits", &[]),
    ("wire", &["limits"]),
    ("text", &["wire", "limits"]),
    ("sabotage", &[]),
    ("chat", &["wire", "text", "limits", "sabotage"]),
    ("journal", &["chat", "wire", "limits", "sabotage"]),
    (
        "server",
        &["chat", "journal", "wire", "text", "limits", "cli", "folder", "secret", "sabotage"],
    ),
    ("client", &["wire", "text", "limits", "cli", "folder"]),
    ("load", &["wire", "text", "limits", "cli"]),
    ("demo", &["wire", "text", "limits", "cli"]),
    ("admin", &["journal", "chat", "wire", "text", "limits", "cli", "folder", "secret"]),
    ("cli", &["text"]),
    ("folder", &["limits"]),
    ("secret", &[]),
    ("fuzzing", &["journal", "chat", "wire", "text", "limits"]),
];

/// What a room's tests may use beside that, and why.
const MAY_USE_IN_TESTS: &[(&str, &str)] = &[
    // A story of the core goes on when its entries are stored: the memory journal stores them.
    ("chat", "journal"),
];

/// The rooms that decide and do nothing: no sockets, files, threads or clock.
const PURE_ROOMS: &[&str] = &["wire", "chat"];

/// What a pure room may not name: a path that starts so, or one that ends so.
const OUTSIDE_WORLD: &[&[&str]] = &[
    &["std", "net"],
    &["std", "fs"],
    &["std", "thread"],
    &["mio"],
    &["Instant", "now"],
    &["SystemTime", "now"],
    &["Local", "now"],
    &["Utc", "now"],
];

/// Only `wire` names serde, but for these: file, and the reason.
const SERDE_ELSEWHERE: &[(&str, &str)] =
    &[("fuzzing/request.rs", "what is read by hand is held to what serde reads")];

/// A longer file is two files.
const LINES_MAX: usize = 600;

#[test]
fn the_house_is_built_as_its_map_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources = read_sources(&root);
    for room in ["wire", "text", "limits", "cli"] {
        let found = sources.iter().any(|source| source.room() == Some(room));
        assert!(found, "no file of {room} was read from {}", root.display());
    }
    let violations = check(&sources);
    assert!(
        violations.is_empty(),
        "{} broken rules:\n{}",
        violations.len(),
        violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    );
}

/// A broken rule, and where.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    path: String,
    line: usize,
    rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "src/{}:{}: {}", self.path, self.line, self.rule)
    }
}

fn read_sources(root: &Path) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("src can be listed") {
            let path = entry.expect("src can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(root).expect("below src");
                let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
                sources.push(Source {
                    path: parts.join("/"),
                    text: fs::read_to_string(&path).expect("a source is UTF-8"),
                });
            }
        }
    }
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    sources
}

fn check(sources: &[Source]) -> Vec<Violation> {
    let scans: Vec<Scan> = sources.iter().map(Scan::of).collect();
    let test_modules: BTreeSet<&[String]> =
        scans.iter().flat_map(|scan| scan.test_modules.iter().map(Vec::as_slice)).collect();
    let mut violations = Vec::new();
    for (source, scan) in sources.iter().zip(&scans) {
        let module: Vec<String> = source.module().into_iter().map(str::to_owned).collect();
        let all_test = (1..=module.len()).any(|depth| test_modules.contains(&module[..depth]));
        let mut found = check_one(source, scan, all_test);
        found.sort_by_key(|violation| violation.line);
        violations.extend(found);
    }
    violations
}

fn check_one(source: &Source, scan: &Scan, all_test: bool) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut broken = |line: usize, rule: String| {
        violations.push(Violation { path: source.path.clone(), line, rule });
    };
    let lines = source.text.lines().count();
    if lines > LINES_MAX {
        let rule = format!("{lines} lines; a file of more than {LINES_MAX} is two files");
        broken(lines, rule);
    }
    for (line, name) in &scan.unfinished {
        broken(*line, format!("`{name}!` does not stay in a source"));
    }
    let allowed = source.room().map(|room| {
        let entry = MAY_USE.iter().find(|(name, _)| *name == room);
        (room, entry.map(|(_, uses)| *uses))
    });
    if let Some((room, None)) = allowed {
        broken(1, format!("room `{room}` is not in the map (MAY_USE)"));
    }
    for path in &scan.paths {
        let in_test = all_test || path.in_test;
        let names: Vec<&str> = path.names.iter().map(String::as_str).collect();
        if let (Some((room, Some(uses))), ["crate", used, ..]) = (allowed, names.as_slice())
            && *used != room
            && !uses.contains(used)
            && !(in_test && MAY_USE_IN_TESTS.contains(&(room, *used)))
        {
            let list = if uses.is_empty() { "nothing".to_owned() } else { uses.join(", ") };
            let rule = format!("`{room}` may not use `{used}` (it may use: {list})");
            broken(path.line, rule);
        }
        let pure = source.room().is_some_and(|room| PURE_ROOMS.contains(&room));
        let outside =
            OUTSIDE_WORLD.iter().find(|world| names.starts_with(world) || names.ends_with(world));
        if let (true, Some(world)) = (pure, outside) {
            // A test may use threads; it has no other business with the world either.
            if !(in_test && *world == ["std", "thread"]) {
                let rule = format!("a room without I/O may not name `{}`", world.join("::"));
                broken(path.line, rule);
            }
        }
        let serde = names.first().is_some_and(|name| name.starts_with("serde"));
        let excused = SERDE_ELSEWHERE.iter().any(|(file, _)| *file == source.path);
        if serde && source.room() != Some("wire") && !in_test && !excused {
            broken(path.line, "only `wire` names serde".to_owned());
        }
    }
    violations
}

/// What the checker finds in made-up sources.
fn found(sources: &[(&str, &str)]) -> Vec<String> {
    let sources: Vec<Source> = sources
        .iter()
        .map(|(path, text)| Source { path: (*path).to_owned(), text: (*text).to_owned() })
        .collect();
    check(&sources).iter().map(ToString::to_string).collect()
}

#[test]
fn an_arrow_that_runs_the_wrong_way_is_found() {
    for (path, text, line, rule) in [
        ("wire/frame.rs", "use crate::chat::Chat;", 1, "`wire` may not use `chat`"),
        ("limits.rs", "\nuse crate::wire::Code;", 2, "`limits` may not use `wire`"),
        (
            "chat/mod.rs",
            "use crate::{wire::Code,\n server::{Reactor}};",
            2,
            "`chat` may not use `server`",
        ),
        ("chat/group.rs", "use super::super::server;", 1, "`chat` may not use `server`"),
        ("chat/group.rs", "use self::super::super::server;", 1, "`chat` may not use `server`"),
        ("chat/group.rs", "fn f() { crate::journal::open() }", 1, "`chat` may not use `journal`"),
        ("cli.rs", "use super::server;", 1, "`cli` may not use `server`"),
        (
            "client/menu.rs",
            "mod x { mod y { use super::super::super::super::server::Reactor; } }",
            1,
            "`client` may not use `server`",
        ),
        ("demo/mod.rs", "pub(in crate::server) fn f() {}", 1, "`demo` may not use `server`"),
        ("load/mod.rs", "type T = Vec<crate::client::App>;", 1, "`load` may not use `client`"),
        ("text/mod.rs", "use crate as papo;", 1, "`text` may not use `*`"),
        ("text/mod.rs", "use crate::*;", 1, "`text` may not use `*`"),
        ("text/mod.rs", "use crate::{self as papo};", 1, "`text` may not use `self`"),
        (
            "text/mod.rs",
            "#[cfg(test)] mod tests { use crate::server::x; }",
            1,
            "`text` may not use `server`",
        ),
        ("cellar/mod.rs", "", 1, "room `cellar` is not in the map"),
    ] {
        let found = found(&[(path, text)]);
        assert_eq!(found.len(), 1, "{path}: {text}: {found:?}");
        let expected = format!("src/{path}:{line}: {rule}");
        assert!(found[0].starts_with(&expected), "{found:?}, not {expected}");
    }
}

#[test]
fn the_outside_world_is_found_in_the_core() {
    for (path, text, line, name) in [
        ("chat/mod.rs", "use std::net::TcpStream;", 1, "std::net"),
        ("chat/mod.rs", "use std::{collections::HashMap,\n fs::File};", 2, "std::fs"),
        ("wire/frame.rs", "fn f() { ::std::thread::yield_now() }", 1, "std::thread"),
        ("wire/frame.rs", "use mio::Token;", 1, "mio"),
        ("chat/mod.rs", "let now = std::time::Instant::now();", 1, "Instant::now"),
        ("chat/mod.rs", "let now = SystemTime::now();", 1, "SystemTime::now"),
        ("chat/mod.rs", "let now = chrono::Local::now();", 1, "Local::now"),
        ("wire/name.rs", "#[cfg(test)]\nmod tests {\nuse std::fs;\n}", 3, "std::fs"),
        ("wire/name.rs", "#[cfg(test)] mod tests {} use std::thread;", 1, "std::thread"),
        ("wire/name.rs", "#[cfg(test)] use x; use std::thread;", 1, "std::thread"),
    ] {
        let found = found(&[(path, text)]);
        let expected = format!("src/{path}:{line}: a room without I/O may not name `{name}`");
        assert_eq!(found, [expected], "{text}");
    }
}

#[test]
fn other_broken_rules_are_found() {
    let long = "\n".repeat(LINES_MAX + 1);
    for (path, text, rule) in [
        ("client/mod.rs", "use serde::Serialize;", "1: only `wire` names serde"),
        ("server/mod.rs", "#[serde(flatten)] x: u8,", "1: only `wire` names serde"),
        ("load/mod.rs", "let x = serde_json::json!({});", "1: only `wire` names serde"),
        ("main.rs", "\nfn f() { todo!() }", "2: `todo!` does not stay in a source"),
        (
            "wire/mod.rs",
            "#[cfg(test)] mod tests { fn f() { std::dbg!(1); } }",
            "1: `dbg!` does not stay in a source",
        ),
        ("cli.rs", "unimplemented!(\"x\")", "1: `unimplemented!` does not stay in a source"),
        ("cli.rs", long.as_str(), "601: 601 lines; a file of more than 600 is two files"),
    ] {
        assert_eq!(found(&[(path, text)]), [format!("src/{path}:{rule}")]);
    }
}

#[test]
fn what_is_allowed_is_not_found() {
    for (path, text) in [
        ("lib.rs", "pub mod server; use crate::server::x; use mio::Poll;"),
        ("main.rs", "use papo::server; fn main() { crate::server::run() }"),
        (
            "chat/group.rs",
            "use super::account::User; use crate::{limits, wire::{self, Code}, text};",
        ),
        ("chat/group.rs", "pub(crate) fn f(&self) { self.server.fs(); super::super::wire::f() }"),
        ("server/reactor.rs", "use mio::Poll; use std::net::TcpListener; let x = Instant::now();"),
        ("wire/mod.rs", "use serde::Serialize; /* use std::net; /* nested */ use mio; */"),
        ("wire/mod.rs", "// use std::net\n/// [`crate::server`] todo!()\nfn f() {}"),
        ("wire/mod.rs", r##"let x = ["std::net::x", r#"" crate::chat "# , "\\" , b"dbg!()" ];"##),
        ("wire/mod.rs", "let x = ('\"', '\\'', '\\u{1b}', b'{'); fn f<'mio>(x: &'mio str) {}"),
        ("wire/mod.rs", "#[cfg(test)] mod tests { use super::*; use std::thread; }"),
        ("wire/mod.rs", "fn f() -> impl Sized + use<'a> {} todo(); let dbg = 1;"),
        ("chat/mod.rs", "#[cfg(test)] mod tests { fn f() { x {}; serde_json::json!(1); } }"),
        ("journal/mod.rs", "use crate::chat::effect::Entry; use std::thread;"),
        ("chat/mod.rs", "#[cfg(test)] mod tests { use crate::journal::Journal; }"),
    ] {
        let none: [String; 0] = [];
        assert_eq!(found(&[(path, text)]), none, "{path}: {text}");
    }
}

#[test]
fn a_test_in_a_file_of_its_own_is_a_test() {
    let parent = ("chat/mod.rs", "#[cfg(test)] mod stories; mod group;");
    let story = ("chat/stories/mod.rs", "use std::thread;");
    let group = ("chat/group.rs", "use std::thread;");
    assert_eq!(found(&[parent, story]).len(), 0);
    assert_eq!(found(&[parent, story, group]).len(), 1);
}
