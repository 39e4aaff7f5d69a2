//! The terminal client: `papo`, `papo send` and `papo listen`. Uses `wire`, `text`, `limits` and
//! `cli`; never the server or its core.
//!
//! - `app` is the mind: pure, from what is typed and received to what is shown and sent. With
//!   `menu`, `show`, `place`, `requests`, `outstanding` and `text::sanitize` it does no I/O.
//! - `session` carries its effects out. Two threads bring it what happens: `link` reads the socket
//!   and reconnects, the main one reads the keyboard. Two more only wait for the outside so that
//!   nobody else has to: `connection`'s writer for the socket, `terminal`'s for the screen.
//! - `transfers` moves files, each on a thread of its own, whoever reads the socket.
//! - `tls` encrypts what goes over a connection; `trust` keeps by which certificate a server is known.
//! - `vault` keeps tokens; `downloads`, `offers` and `uploads` touch files; `send` and `listen` are the commands for scripts.

mod app;
mod connection;
mod downloads;
mod link;
mod listen;
mod menu;
mod offers;
mod options;
mod outstanding;
mod place;
mod requests;
mod script;
mod send;
mod session;
mod show;
mod terminal;
mod tls;
mod transfers;
mod trust;
mod uploads;
mod vault;

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
use options::Secrets;
use session::Session;
use vault::Vault;

/// `papo` and `papo client`: the interactive client.
pub fn run(mut invocation: Invocation) -> Result<(), Failure> {
    if invocation.wants_help(HELP_CLIENT) {
        return Ok(());
    }
    let lang = invocation.lang;
    let server = invocation.server()?;
    let user = options::user(&mut invocation)?;
    let downloads = options::downloads(&mut invocation)?.at(&server);
    let colour = options::colour(&mut invocation)?;
    let secrets = Secrets::of_this_user();
    let trust = options::trust(&mut invocation, &secrets, &server)?;
    invocation.finish()?;

    let stream =
        connect(&server, trust.as_ref()).map_err(|error| no_connection(lang, &server, &error))?;
    let failed = |error: std::io::Error| Failure::new(Exit::Error, error);
    let (mut keyboard, screen) = terminal::open(colour).map_err(failed)?;
    let name_given = user.is_some();
    let interactive = keyboard.is_interactive();
    let mut app = App::new(lang, interactive, unique_label(), user, secrets.password);
    if secrets.folder.is_none() {
        app = app.without_vault();
    }
    let vault = Vault::new(secrets.folder, &server);
    let session = Session::new(lang, interactive, app, screen, downloads, vault);
    leave_on_signal(Arc::clone(&session), interactive);
    link::start(Arc::clone(&session), (server, trust), stream).map_err(failed)?;
    session.run(&mut keyboard, name_given)
}

/// Leaves as a person would when a signal asks for it. While a line is being edited Ctrl+C is a
/// key and no signal; what comes then is another program's, and finds the terminal in raw mode, or
/// without an echo while a password is typed.
fn leave_on_signal(session: Arc<Session>, has_terminal: bool) {
    // Without a handler the system ends the process, less politely.
    let _ = ctrlc::set_handler(move || {
        session.leave();
        if has_terminal {
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
