//! What the subcommands share: the way to them, exit codes, and how an argument that cannot be used
//! is told.

use std::ffi::OsString;
use std::fmt::Display;
use std::net::SocketAddrV6;
use std::process::ExitCode;

use pico_args::Arguments;

use crate::text::cli as text;
use crate::text::sanitize::message;
use crate::text::{Lang, Sentence};

/// Where the server is, unless it is said. The server has a constant of its own: where it listens.
pub const DEFAULT_SERVER: &str = "localhost:12345";

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

    /// Says where help is, if that is what helps.
    #[must_use]
    pub fn with_hint(mut self, lang: Lang, command: Command) -> Self {
        if self.exit == Exit::Usage && !self.message.is_empty() {
            let hint = text::see_help(lang, command.help());
            self.message = format!("{}. {hint}", self.message);
        }
        self
    }

    /// Prints the sentence to stderr and gives the exit code.
    pub fn report(&self) -> ExitCode {
        if !self.message.is_empty() {
            // What was typed is quoted, and may have been pasted. A closed stderr leaves nobody to tell.
            let _ = std::io::Write::write_fmt(
                &mut std::io::stderr(),
                format_args!("papo: {}\n", message(&self.message)),
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

/// A subcommand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the helps say it")]
pub enum Command {
    Client,
    Send,
    Listen,
    Server,
    Demo,
    Load,
    Admin,
}

impl Command {
    /// Every subcommand and its name.
    const ALL: [(Command, &'static str); 7] = [
        (Command::Client, "client"),
        (Command::Send, "send"),
        (Command::Listen, "listen"),
        (Command::Server, "server"),
        (Command::Demo, "demo"),
        (Command::Load, "load"),
        (Command::Admin, "admin"),
    ];

    fn named(name: &str, lang: Lang) -> Result<Self, Failure> {
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        found.map(|(command, _)| *command).ok_or_else(|| {
            let names = Self::ALL.map(|(_, name)| name).join(", ");
            let typed = name.escape_debug().to_string();
            usage(text::unknown_command(lang, &typed, &format!("{names}, help")))
        })
    }

    /// The command line that shows its help.
    const fn help(self) -> &'static str {
        match self {
            Command::Client => "papo --help",
            Command::Send => "papo send --help",
            Command::Listen => "papo listen --help",
            Command::Server => "papo server --help",
            Command::Demo => "papo demo --help",
            Command::Load => "papo load --help",
            Command::Admin => "papo admin --help",
        }
    }
}

/// A size in bytes, as people write it: `500`, `20KiB`, `100 MiB`, `2GiB`; also `20K`, `2G`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl std::str::FromStr for Size {
    type Err = &'static str;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let digits = typed.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = typed.split_at(digits);
        let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kib" => 1 << 10,
            "m" | "mib" => 1 << 20,
            "g" | "gib" => 1 << 30,
            _ => return Err("100MiB, 2GiB"),
        };
        let size = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
        size.filter(|size| *size < 1 << 53).map(Size).ok_or("100MiB, 2GiB")
    }
}

/// A span of time in milliseconds, as people write it: `90d`, `12h`, `30min`, `10s`, `500ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub u64);

impl std::str::FromStr for Span {
    type Err = &'static str;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        const SECOND: u64 = 1_000;
        const MINUTE: u64 = 60 * SECOND;
        let digits = typed.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = typed.split_at(digits);
        let factor = match unit.trim().to_ascii_lowercase().as_str() {
            "ms" => 1,
            "s" => SECOND,
            "min" => MINUTE,
            "h" => 60 * MINUTE,
            "d" => 24 * 60 * MINUTE,
            _ => return Err("90d, 12h, 30min, 10s"),
        };
        let span = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
        span.filter(|span| *span < 1 << 53).map(Span).ok_or("90d, 12h, 30min, 10s")
    }
}

/// What a command line asks for.
#[derive(Debug)]
pub enum Start {
    /// The version.
    Version,
    /// A subcommand.
    Run(Invocation),
}

/// Reads a command line as far as all subcommands have it in common. `papo_lang` is `PAPO_LANG`.
pub fn start(args: Vec<OsString>, papo_lang: Option<OsString>) -> Result<Start, Failure> {
    let mut args = Arguments::from_vec(args);
    let lang = language(&mut args, papo_lang)?;
    command(args, lang).map_err(|failure| failure.with_hint(lang, Command::Client))
}

/// Takes `--lang` out of the command line, wherever it stands. Without it `PAPO_LANG` says what to
/// speak, without that it is Portuguese.
fn language(args: &mut Arguments, papo_lang: Option<OsString>) -> Result<Lang, Failure> {
    let papo_lang = papo_lang.filter(|name| !name.is_empty());
    let papo_lang = papo_lang.map(|name| name.to_string_lossy().into_owned());
    let fallback = papo_lang.as_deref().and_then(|name| name.parse().ok()).unwrap_or_default();
    let failure = |told: String| usage(told).with_hint(fallback, Command::Client);
    let asked: Option<String> = args
        .opt_value_from_str("--lang")
        .map_err(|error| failure(told(fallback, "--lang", &error)))?;
    let (asked, name) = match (asked, papo_lang) {
        (Some(name), _) => (format!("--lang {}", name.escape_debug()), name),
        (None, Some(name)) => (format!("PAPO_LANG={}", name.escape_debug()), name),
        (None, None) => return Ok(Lang::default()),
    };
    name.parse().map_err(|_| failure(text::unknown_language(fallback, &asked)))
}

/// Takes the subcommand, which stands first. `help` is the option `--help` in other words.
fn command(mut args: Arguments, lang: Lang) -> Result<Start, Failure> {
    let told = |error| usage(told(lang, "", &error));
    let command = match args.subcommand().map_err(told)?.as_deref() {
        None if args.contains(["-V", "--version"]) => return Ok(Start::Version),
        None => Command::Client,
        Some("help") => {
            let about = args.subcommand().map_err(told)?;
            let command = about.map_or(Ok(Command::Client), |name| Command::named(&name, lang))?;
            let mut rest = args.finish();
            rest.push("--help".into());
            args = Arguments::from_vec(rest);
            command
        }
        Some(name) => Command::named(name, lang)?,
    };
    Ok(Start::Run(Invocation { args, lang, command }))
}

/// What `main` gives to a subcommand: its arguments, and the language to speak.
#[derive(Debug)]
pub struct Invocation {
    /// What is left of the command line.
    pub args: Arguments,
    /// `--lang`, else `PAPO_LANG`, else Portuguese.
    pub lang: Lang,
    /// The subcommand.
    pub command: Command,
}

impl Invocation {
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
        let lang = self.lang;
        self.args.opt_value_from_str(option).map_err(|error| usage(told(lang, option, &error)))
    }

    /// The values of an option that may be given several times.
    pub fn values<T>(&mut self, option: &'static str) -> Result<Vec<T>, Failure>
    where
        T: std::str::FromStr,
        T::Err: Display,
    {
        let lang = self.lang;
        self.args.values_from_str(option).map_err(|error| usage(told(lang, option, &error)))
    }

    /// `--server HOST:PORT`, which can be connected to or at least tried.
    pub fn server(&mut self) -> Result<String, Failure> {
        let typed = self.value("--server", DEFAULT_SERVER.to_owned())?;
        if is_address(&typed) {
            return Ok(typed);
        }
        let typed = typed.escape_debug().to_string();
        Err(usage(text::unusable_address(self.lang, &typed, DEFAULT_SERVER)))
    }

    /// The next argument that is no option, if there is one.
    pub fn positional(&mut self) -> Result<Option<String>, Failure> {
        let lang = self.lang;
        self.args.opt_free_from_str().map_err(|error| usage(told(lang, "", &error)))
    }

    /// Refuses what nobody has taken.
    pub fn finish(self) -> Result<(), Failure> {
        let left: Vec<OsString> = self.args.finish();
        match left.first() {
            None => Ok(()),
            Some(unknown) => Err(unknown_argument(self.lang, &unknown.to_string_lossy())),
        }
    }
}

/// A host and a port, with an IPv6 host in brackets. Whether the host exists is the network's to say.
fn is_address(typed: &str) -> bool {
    if typed.starts_with('[') {
        return typed.parse::<SocketAddrV6>().is_ok_and(|address| address.port() != 0);
    }
    let Some((host, port)) = typed.split_once(':') else {
        return false;
    };
    let is_foreign = |c: char| c.is_whitespace() || c.is_control() || "/@?#[]".contains(c);
    let is_port = port.bytes().all(|digit| digit.is_ascii_digit());
    !host.is_empty()
        && !host.contains(is_foreign)
        && is_port
        && port.parse::<u16>().is_ok_and(|port| port != 0)
}

/// What is wrong with an option, or with an argument if there is none.
fn told(lang: Lang, option: &str, error: &pico_args::Error) -> String {
    use pico_args::Error;
    match error {
        Error::NonUtf8Argument => text::NOT_UTF8.get(lang).to_owned(),
        Error::MissingArgument => text::MISSING_ARGUMENT.get(lang).to_owned(),
        Error::MissingOption(_) => text::missing_value(lang, option),
        Error::OptionWithoutAValue(option) => text::missing_value(lang, option),
        Error::Utf8ArgumentParsingFailed { value, .. } => {
            text::unusable_value(lang, option, &value.escape_debug().to_string())
        }
        Error::ArgumentParsingFailed { .. } => text::unusable_value(lang, option, ""),
    }
}

/// An argument that the subcommand does not know.
pub fn unknown_argument(lang: Lang, argument: &str) -> Failure {
    let what =
        if argument.starts_with('-') { text::UNKNOWN_OPTION } else { text::UNKNOWN_ARGUMENT };
    usage(format_args!("{}: {}", what.get(lang), argument.escape_debug()))
}

/// A command line that cannot be used. Where help is, is said by [`Failure::with_hint`].
pub fn usage(error: impl Display) -> Failure {
    Failure::new(Exit::Usage, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, papo_lang: Option<&str>) -> Result<Start, Failure> {
        let args = line.split_whitespace().map(Into::into).collect();
        start(args, papo_lang.map(Into::into))
    }

    fn run(line: &str, papo_lang: Option<&str>) -> Invocation {
        match read(line, papo_lang) {
            Ok(Start::Run(invocation)) => invocation,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_language_may_stand_anywhere() {
        for (line, papo_lang, lang, command) in [
            ("", None, Lang::Pt, Command::Client),
            ("--lang en", None, Lang::En, Command::Client),
            ("--lang en server", None, Lang::En, Command::Server),
            ("server --lang en", None, Lang::En, Command::Server),
            ("--lang=en load --clients 2", None, Lang::En, Command::Load),
            ("server", Some("en"), Lang::En, Command::Server),
            ("server", Some(""), Lang::Pt, Command::Server),
            ("--lang pt send", Some("en"), Lang::Pt, Command::Send),
            ("--lang pt send", Some("fr"), Lang::Pt, Command::Send),
        ] {
            let read = run(line, papo_lang);
            assert_eq!((read.lang, read.command), (lang, command), "{line} {papo_lang:?}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_told_by_its_name() {
        for (line, papo_lang, told) in [
            ("server", Some("fr"), "PAPO_LANG=fr: use pt ou en. Veja: papo --help"),
            ("--lang fr", Some("en"), "--lang fr: use pt or en. See: papo --help"),
            ("server --lang", None, "--lang: falta o valor. Veja: papo --help"),
            (
                "foo",
                None,
                "comando desconhecido: foo. Os comandos são client, send, listen, server, demo, load, admin, help. Veja: papo --help",
            ),
            (
                "help foo --lang en",
                None,
                "unknown command: foo. The commands are client, send, listen, server, demo, load, admin, help. See: papo --help",
            ),
        ] {
            let failure = read(line, papo_lang).unwrap_err();
            assert_eq!((failure.exit, failure.message.as_str()), (Exit::Usage, told), "{line}");
        }
    }

    #[test]
    fn an_options_trouble_is_told_in_the_users_language() {
        let told = |line: &str| {
            let mut invocation = run(line, None);
            let (lang, command) = (invocation.lang, invocation.command);
            let failure = match invocation.optional::<u32>("--count") {
                Ok(_) => invocation.finish().unwrap_err(),
                Err(failure) => failure,
            };
            failure.with_hint(lang, command).message
        };
        for (line, sentence) in [
            ("listen --count", "--count: falta o valor. Veja: papo listen --help"),
            (
                "listen --count=x",
                "--count x: este valor não pode ser usado. Veja: papo listen --help",
            ),
            (
                "load --count -1 --lang en",
                "--count -1: this value cannot be used. See: papo load --help",
            ),
            ("server --cuont 1", "opção desconhecida: --cuont. Veja: papo server --help"),
            ("server x --lang en", "unknown argument: x. See: papo server --help"),
        ] {
            assert_eq!(told(line), sentence);
        }
    }

    #[test]
    fn help_and_version_are_commands_and_options() {
        assert!(matches!(read("--version", None), Ok(Start::Version)));
        assert!(matches!(read("-V --lang en", None), Ok(Start::Version)));
        // What comes after a command is the command's.
        assert_eq!(run("send --user ana bia -V", None).command, Command::Send);
        for (line, command) in [
            ("help", Command::Client),
            ("help server", Command::Server),
            ("--lang en help load", Command::Load),
            ("load --help", Command::Load),
        ] {
            let mut invocation = run(line, None);
            assert_eq!(invocation.command, command, "{line}");
            assert!(invocation.args.contains("--help"), "{line}");
        }
    }

    #[test]
    fn a_span_has_a_unit() {
        for (typed, minutes) in [("0d", 0), ("30min", 30), ("12h", 720), ("90 D", 129_600)] {
            assert_eq!(typed.parse(), Ok(Span(minutes * 60_000)), "{typed}");
        }
        assert_eq!("10s".parse(), Ok(Span(10_000)));
        assert_eq!("500ms".parse(), Ok(Span(500)));
        for typed in ["", "d", "90", "-1d", "1.5h", "1m", "99999999999999999d"] {
            assert!(typed.parse::<Span>().is_err(), "{typed}");
        }
    }

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for typed in ["localhost:12345", "10.0.0.1:1", "[::1]:65535", "chat.exemplo.com:80"] {
            assert!(is_address(typed), "{typed}");
        }
        for typed in [
            "",
            "localhost",
            "localhost:",
            ":12345",
            "localhost:0",
            "localhost:99999",
            "localhost:+1",
            "localhost:porta",
            "::1",
            "[::1]",
            "[::1]:0",
            "[x]:1",
            "a b:1",
            "http://localhost:12345",
            "localhost:12345/",
        ] {
            assert!(!is_address(typed), "{typed}");
        }
        let failure = run("load --server x:99999", None).server().unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.message.starts_with("--server x:99999: use HOST:PORTA, como localhost:"));
    }
}
