//! The options that the client's commands share.

use std::path::PathBuf;

use crate::cli::{Failure, Invocation, usage};
use crate::text::client as text;

use super::downloads::{AUTOMATIC_BYTES, Downloads};
use super::script::Account;
use super::terminal::Colour;
use super::trust::Trust;
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

/// `--tls` and `--fingerprint SHA256`
pub(crate) fn trust(
    invocation: &mut Invocation,
    secrets: &Secrets,
    server: &str,
) -> Result<Option<Trust>, Failure> {
    let lang = invocation.lang;
    let given = invocation.optional("--fingerprint")?;
    if invocation.args.contains("--tls") {
        return Ok(Some(Trust::new(lang, secrets.folder.as_deref(), server, given)));
    }
    match given {
        Some(_) => Err(usage(text::FINGERPRINT_WITHOUT_TLS.get(lang))),
        None => Ok(None),
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
    let trust = trust(invocation, &secrets, &server)?;
    let tokens = Vault::new(secrets.folder, &server).recall(&user);
    Ok(Account { server, trust, user, lang, tokens, password: secrets.password })
}

/// `--downloads DIR` and `--auto-download SIZE`
pub(crate) fn downloads(invocation: &mut Invocation) -> Result<Downloads, Failure> {
    let lang = invocation.lang;
    let folder = invocation.value("--downloads", PathBuf::from("client_downloads"))?;
    let automatic = match invocation.optional::<String>("--auto-download")? {
        None => AUTOMATIC_BYTES,
        Some(size) => bytes(&size).ok_or_else(|| {
            let choices = text::SIZES.get(lang);
            usage(text::bad_value("--auto-download", &size.escape_debug().to_string(), choices))
        })?,
    };
    Ok(Downloads::new(folder).automatic(automatic))
}

/// A size as people write it: bytes, or with a unit.
fn bytes(size: &str) -> Option<u64> {
    let size = size.trim();
    let digits = size.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(size.len());
    let (number, unit) = size.split_at(digits);
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" | "bytes" => 1,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// `--color WHEN`
pub(crate) fn colour(invocation: &mut Invocation) -> Result<Colour, Failure> {
    let Some(value) = invocation.optional::<String>("--color")? else {
        return Ok(Colour::default());
    };
    Colour::parse(&value)
        .ok_or_else(|| usage(text::bad_value("--color", &value, "auto, always, never")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (size, expected) in [
            ("0", Some(0)),
            ("700", Some(700)),
            ("500KiB", Some(512_000)),
            ("20 MiB", Some(20 << 20)),
            ("2gib", Some(2 << 30)),
            ("", None),
            ("MiB", None),
            ("-1", None),
            ("1.5MiB", None),
            ("20MB", None),
            ("99999999999999GiB", None),
        ] {
            assert_eq!(bytes(size), expected, "{size}");
        }
    }
}
