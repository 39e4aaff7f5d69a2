//! The shell around the core: sockets, clocks, threads and files, on one thread that never waits.
//!
//! `Reactor` turns the loop: it polls, and takes in who comes (`arriving`). What a turn does with bytes
//! stands in `Shell`, which knows of no system: what comes in in `reading`, what goes out in `writing`,
//! who goes in `leaving` and `stopping`, what is late in `timing`; what browsers get besides in `http`, `gate`, `assets`
//! and `websocket`. Its ground is a `System` of sockets and threads. A [`crate::chat::Chat`] decides
//! everything, and is told nothing of sockets.

mod addresses;
mod arriving;
mod assets;
mod clock;
mod connection;
mod connections;
mod deadlines;
mod door;
mod gate;
mod holding;
mod http;
mod leaving;
mod listener;
mod logging;
mod metrics;
mod options;
mod outbox;
mod parts;
mod reactor;
mod reading;
mod secrets;
mod shell;
#[cfg(test)]
#[path = "../../tests/simulation/mod.rs"]
mod simulation;
mod stopping;
mod system;
mod timing;
mod tls;
mod transport;
mod websocket;
mod worker;
mod writing;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use log::LevelFilter;
use mio::{Poll, Waker};

use crate::chat::{Chat, FileLimits};
use crate::cli::{Exit, Failure, Invocation, Size, usage};
use crate::journal::{Durability, Journal, OpenError};
use crate::limits::{DISK_FREE_BYTES_MIN, FILE_BYTES_MAX, Limits, USER_QUOTA_BYTES};
use crate::text::Lang;
use crate::text::server::{self as text, Happened};
use connections::Source;
use gate::Gate;
use listener::Listeners;
use logging::Logging;
use reactor::Reactor;
use system::System;
use worker::Disk;

/// Where the first server listened, and so where its clients look.
pub const DEFAULT_LISTEN: &str = "localhost:12345";

/// What `papo server` is told.
#[derive(Debug)]
struct Config {
    listen: String,
    data: PathBuf,
    lang: Lang,
    log: LevelFilter,
    durability: Durability,
    tls: Option<tls::Source>,
    file_limits: FileLimits,
    limits: Limits,
    disk_free_bytes_min: u64,
    gate: Gate,
    metrics_public: bool,
}

/// `papo server`.
pub fn run(mut invocation: Invocation) -> Result<(), Failure> {
    if invocation.wants_help(text::HELP) {
        return Ok(());
    }
    let lang = invocation.lang;
    let config = Config {
        listen: invocation.value("--listen", DEFAULT_LISTEN.to_owned())?,
        data: invocation.value("--data", PathBuf::from("."))?,
        lang,
        log: invocation.value("--log", LevelFilter::Info)?,
        durability: invocation.value("--durability", Durability::Sync)?,
        tls: tls::Source::of(&mut invocation)?,
        file_limits: FileLimits {
            file_bytes_max: invocation.value("--max-file", Size(FILE_BYTES_MAX))?.0,
            user_quota_bytes: invocation.value("--user-quota", Size(USER_QUOTA_BYTES))?.0,
        },
        limits: options::limits(&mut invocation)?,
        disk_free_bytes_min: invocation.value("--min-free-disk", Size(DISK_FREE_BYTES_MIN))?.0,
        gate: Gate::new(invocation.values("--allow-origin")?),
        metrics_public: invocation.args.contains("--metrics-public"),
    };
    invocation.finish()?;
    serve(&config)
}

fn serve(config: &Config) -> Result<(), Failure> {
    let Config { listen, data, lang, log, durability, tls, .. } = config;
    let lang = *lang;
    fs::create_dir_all(data)
        .map_err(|error| Failure::new(Exit::Error, text::cannot_use_data(lang, data, &error)))?;
    let listeners = Listeners::bind(listen).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => Failure::new(Exit::Error, text::port_in_use(lang, listen)),
        ErrorKind::InvalidInput => usage(text::unusable_listen(lang, listen)),
        _ => Failure::new(Exit::Error, text::cannot_listen(lang, listen, &error)),
    })?;
    let poll = Poll::new().context("poll")?;
    let waker = Waker::new(poll.registry(), Source::Waker.token()).context("waker")?;
    let waker = Arc::new(waker);
    let (journal, mut chat) = recover(data, *durability, lang, &waker)?;
    chat.set_file_limits(config.file_limits);
    let sync = *durability == Durability::Sync;
    let disk = Disk { free_bytes_min: config.disk_free_bytes_min, sync };
    let hash_queue = config.limits.hash_queue_max;
    let system = System::start(poll.registry(), &waker, (data, disk), hash_queue, lang);
    let system = system.context("threads")?;
    // By now the data folder is ours alone.
    let identity = match tls {
        Some(source) => Some(source.identity(data, || tls::own_names(listen), lang)?),
        None => None,
    };
    let shown = listeners.shown().to_string();
    let scheme = http::scheme(identity.is_some());
    let pages = addresses::pages(scheme, &listeners.addresses(), &addresses::own()).join("  ");
    let logging = Logging::start(*log, lang).context("papo-log")?;
    let (mut reactor, stop) =
        Reactor::new((poll, waker), listeners, (journal, chat), system, lang).context("reactor")?;
    reactor.set_limits(config.limits);
    reactor.shell.gate = config.gate.clone();
    reactor.shell.metrics_public = config.metrics_public;
    reactor.shell.tls = identity.as_ref().map(|identity| Arc::clone(&identity.config));
    // Before it says that it has started: whoever reads that may stop it at once.
    ctrlc::set_handler(move || {
        // Asked twice, it does not wait for anybody.
        if stop.stop() {
            std::process::exit(Exit::Error as i32);
        }
    })
    .context("Ctrl+C")?;
    for line in text::BANNER {
        log::info!("{}", line.get(lang));
    }
    log::info!("{}", text::log_line(lang, Happened::Started(&shown)));
    log::info!("{}", text::log_line(lang, Happened::PagesAt(&pages)));
    if let Some(identity) = &identity {
        log::info!("{}", text::log_line(lang, Happened::TlsReady(&identity.fingerprint)));
        for doubt in &identity.doubts {
            log::warn!("{}", text::log_line(lang, Happened::Doubt(doubt)));
        }
    }
    log::info!("{}", text::log_line(lang, Happened::Waiting));
    let ended = reactor.run().context("reactor");
    logging.finish();
    match ended? {
        Some(failure) => Err(Failure::new(Exit::Error, text::store_failed(lang, data, &failure))),
        None => Ok(()),
    }
}

/// Opens the store, and makes a core that knows what is in it.
fn recover(
    data: &Path,
    durability: Durability,
    lang: Lang,
    waker: &Arc<Waker>,
) -> Result<(Journal, Chat), Failure> {
    let waker = Arc::clone(waker);
    let wake = Arc::new(move || {
        // A loop that is gone needs no waking.
        let _ = waker.wake();
    });
    let refused = |error| {
        let said = match error {
            OpenError::Locked => text::data_in_use(lang, data),
            OpenError::TooNew { found, known } => text::data_too_new(lang, data, found, known),
            other => text::cannot_use_data(lang, data, &other),
        };
        Failure::new(Exit::Error, said)
    };
    let (journal, stored) = Journal::open(data, durability, wake).map_err(refused)?;
    let mut chat = Chat::new(lang);
    chat.recover(stored).map_err(|why| refused(OpenError::Damaged(why.to_owned())))?;
    Ok((journal, chat))
}
