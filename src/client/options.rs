//! The options that the client's commands share.

use std::path::PathBuf;

use crate::cli::{Failure, Invocation, usage};
use crate::text::client as text;

use super::downloads::Downloads;
use super::script::Account;
use super::terminal::Colour;
use super::vault::{Vault, home_folder};

/// What this computer knows beside the command line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets {
    /// The folder for this user's data, if there is one.
    pub(crate) folder: Option<PathBuf>,
    /// `PAPO_PASSWORD`. On the command line it would be for everybody's eyes.
    pub(crate) password: Option<String>,
}

impl Secrets {
    /// As the environment has them.
    pub(crate) fn of_this_user() -> Self {
        let password = std::env::var("PAPO_PASSWORD").ok().filter(|given| !given.is_empty());
        Self { folder: home_folder(|name| std::env::var_os(name)), password }
    }
}

/// `--user NAME`, where it may be asked for.
pub(crate) fn user(invocation: &mut Invocation) -> Result<Option<String>, Failure> {
    invocation.optional("--user")
}

/// `--server HOST:PORT` and `--user NAME`, where nobody can be asked.
pub(crate) fn account(invocation: &mut Invocation, secrets: Secrets) -> Result<Account, Failure> {
    let lang = invocation.lang;
    let server = invocation.server()?;
    let user = user(invocation)?.ok_or_else(|| usage(text::USER_NEEDED.get(lang)))?;
    let tokens = Vault::new(secrets.folder, &server).recall(&user);
    Ok(Account { server, user, lang, tokens, password: secrets.password })
}

/// `--downloads DIR`
pub(crate) fn downloads(invocation: &mut Invocation) -> Result<Downloads, Failure> {
    let folder = invocation.value("--downloads", PathBuf::from("client_downloads"))?;
    Ok(Downloads::new(folder))
}

/// `--color WHEN`
pub(crate) fn colour(invocation: &mut Invocation) -> Result<Colour, Failure> {
    let Some(value) = invocation.optional::<String>("--color")? else {
        return Ok(Colour::default());
    };
    Colour::parse(&value)
        .ok_or_else(|| usage(text::bad_value("--color", &value, "auto, always, never")))
}
