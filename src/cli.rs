//! What the subcommands share: exit codes, and how an argument that cannot be used is told.

use std::ffi::OsString;
use std::fmt::Display;
use std::process::ExitCode;

use pico_args::Arguments;

use crate::text::{Lang, Sentence, say};

/// How a subcommand ends when it does not succeed. Success is exit code 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Something failed.
    Error = 1,
    /// The command line cannot be used.
    Usage = 2,
    /// The server cannot be reached.
    NoConnection = 3,
    /// The server refused the login.
    LoginRefused = 4,
}

/// Why a subcommand failed, as a sentence: what happened, why, what to do next.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// The sentence. Empty when everything was said already.
    pub message: String,
}

impl Failure {
    /// A failure with this exit code and sentence.
    pub fn new(exit: Exit, message: impl Display) -> Self {
        Self { exit, message: message.to_string() }
    }

    /// Prints the sentence to stderr and gives the exit code.
    pub fn report(&self) -> ExitCode {
        if !self.message.is_empty() {
            // A closed stderr leaves nobody to tell.
            let _ = std::io::Write::write_fmt(
                &mut std::io::stderr(),
                format_args!("papo: {}\n", self.message),
            );
        }
        ExitCode::from(self.exit as u8)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::new(Exit::Error, format_args!("{error:#}"))
    }
}

/// What `main` gives to a subcommand: its arguments, and the language to speak.
#[derive(Debug)]
pub struct Invocation {
    /// What is left of the command line.
    pub args: Arguments,
    /// `--lang`, else `PAPO_LANG`, else Portuguese.
    pub lang: Lang,
}

impl Invocation {
    /// Takes `--lang` out of the command line.
    pub fn new(mut args: Arguments) -> Result<Self, Failure> {
        let asked: Option<String> =
            args.opt_value_from_str("--lang").map_err(|error| usage(Lang::Pt, error))?;
        let asked = asked.or_else(|| std::env::var("PAPO_LANG").ok());
        let lang = match asked {
            None => Lang::default(),
            Some(name) => name
                .parse()
                .map_err(|choices| usage(Lang::Pt, format_args!("--lang {name}: {choices}")))?,
        };
        Ok(Self { args, lang })
    }

    /// Prints the help and says so, when `-h` or `--help` was given.
    pub fn wants_help(&mut self, help: Sentence) -> bool {
        let wanted = self.args.contains(["-h", "--help"]);
        if wanted {
            let _ =
                std::io::Write::write_all(&mut std::io::stdout(), help.get(self.lang).as_bytes());
        }
        wanted
    }

    /// The value of an option, or its default.
    pub fn value<T>(&mut self, option: &'static str, default: T) -> Result<T, Failure>
    where
        T: std::str::FromStr,
        T::Err: Display,
    {
        Ok(self.optional(option)?.unwrap_or(default))
    }

    /// The value of an option, if it was given.
    pub fn optional<T>(&mut self, option: &'static str) -> Result<Option<T>, Failure>
    where
        T: std::str::FromStr,
        T::Err: Display,
    {
        self.args.opt_value_from_str(option).map_err(|error| usage(self.lang, error))
    }

    /// The next argument that is no option, if there is one.
    pub fn positional(&mut self) -> Result<Option<String>, Failure> {
        self.args.opt_free_from_str().map_err(|error| usage(self.lang, error))
    }

    /// Refuses what nobody has taken.
    pub fn finish(self) -> Result<(), Failure> {
        let left: Vec<OsString> = self.args.finish();
        match left.first() {
            None => Ok(()),
            Some(unknown) => {
                let unknown = unknown.to_string_lossy();
                let what = say("argumento desconhecido", "unknown argument").get(self.lang);
                Err(usage(self.lang, format_args!("{what}: {unknown:?}")))
            }
        }
    }
}

/// A command line that cannot be used, and where help is.
pub fn usage(lang: Lang, error: impl Display) -> Failure {
    let hint = say("Veja: papo --help", "See: papo --help").get(lang);
    Failure::new(Exit::Usage, format_args!("{error}. {hint}"))
}
