//! `papo`: which subcommand; nothing else.

use std::process::ExitCode;

use papo::cli::{self, Failure, Invocation};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run() -> Result<(), Failure> {
    let mut args = pico_args::Arguments::from_env();
    let subcommand = args.subcommand().map_err(|error| cli::usage(papo::text::Lang::Pt, error))?;
    let invocation = Invocation::new(args)?;
    match subcommand.as_deref() {
        None | Some("client") => papo::client::run(invocation),
        Some("send") => papo::client::send(invocation),
        Some("listen") => papo::client::listen(invocation),
        Some("server") => papo::server::run(invocation),
        Some("demo") => papo::demo::run(invocation),
        Some("load") => papo::load::run(invocation),
        Some(unknown) => Err(cli::usage(invocation.lang, format_args!("{unknown:?}"))),
    }
}
