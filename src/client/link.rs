//! The thread that reads the socket, and makes the connection again whenever it is gone.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use super::connection::{Backoff, Frames, ReadOnce, SILENCE_MAX, connect};
use super::session::Session;

/// Starts the thread with the first connection.
pub(crate) fn start(session: Arc<Session>, server: String, first: TcpStream) -> io::Result<()> {
    let builder = std::thread::Builder::new().name("papo-reader".into());
    builder.spawn(move || keep_connected(&session, &server, first)).map(drop)
}

fn keep_connected(session: &Session, server: &str, first: TcpStream) {
    let mut backoff = Backoff::new();
    let mut stream = Some(first);
    loop {
        if let Some(stream) = stream.take()
            && serve(session, stream)
        {
            // It was good for something: the next one may follow soon.
            backoff = Backoff::new();
        }
        session.lost();
        if !session.wait_before_reconnecting(backoff.wait()) {
            return;
        }
        stream = connect(server).ok();
    }
}

/// Reads one connection to its end. Says whether it came to a login.
fn serve(session: &Session, stream: TcpStream) -> bool {
    let Some(mut wish) = session.connected(&stream) else {
        return false;
    };
    let mut frames = Frames::new(stream);
    if frames.set_timeout(SILENCE_MAX).is_err() {
        return false;
    }
    let mut was_online = false;
    while !wish.reconnect {
        session.wait_for_screen();
        let read = frames.read(|frame| {
            if !wish.reconnect {
                wish = session.received(frame);
            }
        });
        was_online |= session.is_online();
        match read {
            Ok(ReadOnce::Some) => {}
            // Before a login there are no heartbeats.
            Ok(ReadOnce::Nothing) if session.expects_silence() => {}
            Ok(ReadOnce::Nothing | ReadOnce::End) | Err(_) => break,
        }
    }
    was_online
}
