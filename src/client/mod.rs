//! The terminal client: `papo`, `papo send` and `papo listen`. Uses `wire`, `text`, `limits` and
//! `cli`; never the server or its core.
//!
//! - `app` is the mind: pure, from what is typed and received to what is shown and sent. With
//!   `menu`, `show`, `requests`, `outstanding` and `text::sanitize` it does no I/O.
//! - `session` carries its effects out. Two threads bring it what happens: `link` reads the socket
//!   and reconnects, the main one reads the keyboard. Two more only wait for the outside so that
//!   nobody else has to: `connection`'s writer for the socket, `terminal`'s for the screen.
//! - `downloads` and `uploads` touch files; `send` and `listen` are the commands for scripts.

mod app;
mod connection;
mod downloads;
mod link;
mod listen;
mod menu;
mod options;
mod outstanding;
mod requests;
mod script;
mod send;
mod session;
mod show;
mod terminal;
mod uploads;

#[cfg(test)]
mod fake;

pub use listen::listen;
pub use send::send;

use std::sync::Arc;

use crate::cli::{Exit, Failure, Invocation};
use crate::text::client::HELP_CLIENT;
use crate::text::sanitize;

use app::App;
use connection::{connect, no_connection, unique_label};
use session::Session;

/// `papo` and `papo client`: the interactive client.
pub fn run(mut invocation: Invocation) -> Result<(), Failure> {
    if invocation.wants_help(HELP_CLIENT) {
        return Ok(());
    }
    let lang = invocation.lang;
    let server = invocation.server()?;
    let user = options::user(&mut invocation)?;
    let downloads = options::downloads(&mut invocation)?;
    let colour = options::colour(&mut invocation)?;
    invocation.finish()?;

    let stream = connect(&server).map_err(|error| no_connection(lang, &server, &error))?;
    let failed = |error: std::io::Error| Failure::new(Exit::Error, error);
    let (mut keyboard, screen) = terminal::open(colour).map_err(failed)?;
    let name_given = user.is_some();
    let interactive = keyboard.is_interactive();
    let app = App::new(lang, interactive, unique_label(), user);
    let session = Session::new(lang, interactive, app, screen, downloads);
    leave_on_signal(Arc::clone(&session), matches!(keyboard, terminal::Keyboard::Editor(_)));
    link::start(Arc::clone(&session), server, stream).map_err(failed)?;
    session.run(&mut keyboard, name_given)
}

/// Leaves as a person would when a signal asks for it. While a line is being edited Ctrl+C is a
/// key and no signal; what comes then is another program's, and finds the terminal in raw mode.
fn leave_on_signal(session: Arc<Session>, edits: bool) {
    // Without a handler the system ends the process, less politely.
    let _ = ctrlc::set_handler(move || {
        session.leave();
        if edits {
            make_terminal_sane();
        }
        std::process::exit(0);
    });
}

/// The editor cannot be asked to give the terminal back from another thread; `stty` can.
fn make_terminal_sane() {
    if cfg!(unix) {
        let _ = std::process::Command::new("stty").arg("sane").status();
        println!();
    }
}
