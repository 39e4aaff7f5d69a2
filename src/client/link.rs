//! The thread that reads the socket, and makes the connection again whenever it is gone.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connection::{Backoff, Frames, ReadOnce, SILENCE_MAX, Stream, connect};
use super::session::Session;
use super::trust::Trust;

/// How long notes to the server, and to the screen, gather.
const TICK: Duration = Duration::from_millis(200);

/// Starts the thread with the first connection.
pub(crate) fn start(
    session: Arc<Session>,
    server: (String, Option<Trust>),
    first: Stream,
) -> io::Result<()> {
    let builder = std::thread::Builder::new().name("papo-reader".into());
    builder.spawn(move || keep_connected(&session, &server, first)).map(drop)
}

fn keep_connected(session: &Session, (server, trust): &(String, Option<Trust>), first: Stream) {
    let mut backoff = Backoff::new();
    let mut stream = Some(first);
    let mut told = false;
    loop {
        if let Some(stream) = stream.take()
            && serve(session, stream)
        {
            // It was good for something: the next one may follow soon.
            backoff = Backoff::new();
        }
        session.lost();
        backoff.obey(session.told_to_wait());
        if !session.wait_before_reconnecting(backoff.wait()) {
            return;
        }
        stream = match connect(server, trust.as_ref()) {
            Ok(stream) => Some(stream),
            Err(error) => {
                told = told || session.refused(server, &error);
                None
            }
        };
    }
}

/// Reads one connection to its end. Says whether it came to a login.
fn serve(session: &Session, stream: Stream) -> bool {
    let Some(mut wish) = session.connected(&stream) else {
        return false;
    };
    let mut frames = Frames::new(stream);
    let mut was_online = false;
    let mut heard = Instant::now();
    let mut next_tick = None;
    while !wish.reconnect {
        session.wait_for_screen();
        let silent_at = heard + SILENCE_MAX;
        let until = next_tick.map_or(silent_at, |tick: Instant| tick.min(silent_at));
        if frames.set_timeout(until.saturating_duration_since(Instant::now())).is_err() {
            break;
        }
        let read = frames.read(|frame| {
            if !wish.reconnect {
                wish = session.received(frame);
            }
        });
        was_online |= session.is_online();
        let now = Instant::now();
        match read {
            Ok(ReadOnce::Some) => heard = now,
            Ok(ReadOnce::Nothing) if now < silent_at => {}
            // Before a login there are no heartbeats.
            Ok(ReadOnce::Nothing) if session.expects_silence() => heard = now,
            Ok(ReadOnce::Nothing | ReadOnce::End) | Err(_) => break,
        }
        if next_tick.is_some_and(|tick| tick <= now) {
            session.tick();
            next_tick = None;
        }
        if next_tick.is_none() && session.wants_tick() {
            next_tick = Some(now + TICK);
        }
    }
    was_online
}
