//! `papo`: which subcommand; nothing else.

use std::process::ExitCode;

use papo::cli::{self, Command, Failure, Invocation, Start};

fn main() -> ExitCode {
    let args = std::env::args_os().skip(1).collect();
    let done = match cli::start(args, std::env::var_os("PAPO_LANG")) {
        Ok(Start::Version) => {
            // A closed stdout leaves nobody to tell.
            let _ = std::io::Write::write_all(
                &mut std::io::stdout(),
                concat!("papo ", env!("CARGO_PKG_VERSION"), "\n").as_bytes(),
            );
            Ok(())
        }
        Ok(Start::Run(invocation)) => {
            let (lang, command) = (invocation.lang, invocation.command);
            run(invocation).map_err(|failure| failure.with_hint(lang, command))
        }
        Err(failure) => Err(failure),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(invocation: Invocation) -> Result<(), Failure> {
    match invocation.command {
        Command::Client => papo::client::run(invocation),
        Command::Send => papo::client::send(invocation),
        Command::Listen => papo::client::listen(invocation),
        Command::Server => papo::server::run(invocation),
        Command::Demo => papo::demo::run(invocation),
        Command::Admin => papo::admin::run(invocation),
        Command::Load => papo::load::run(invocation),
    }
}
