//! What every subcommand says to a command line that cannot be used.

use super::{Lang, Sentence, say};

/// What a command line asks that is neither option nor command.
pub const UNKNOWN_ARGUMENT: Sentence = say("argumento desconhecido", "unknown argument");

/// An option that the command does not have.
pub const UNKNOWN_OPTION: Sentence = say("opção desconhecida", "unknown option");

/// An argument whose bytes are no text.
pub const NOT_UTF8: Sentence =
    say("há um argumento que não é texto UTF-8", "an argument is no UTF-8 text");

/// An argument that is missing.
pub const MISSING_ARGUMENT: Sentence = say("falta um argumento", "an argument is missing");

/// A command that does not exist.
pub fn unknown_command(lang: Lang, name: &str, commands: &str) -> String {
    match lang {
        Lang::Pt => format!("comando desconhecido: {name}. Os comandos são {commands}"),
        Lang::En => format!("unknown command: {name}. The commands are {commands}"),
    }
}

/// A language that does not exist. `asked` is how it was asked for, name and all.
pub fn unknown_language(lang: Lang, asked: &str) -> String {
    match lang {
        Lang::Pt => format!("{asked}: use pt ou en"),
        Lang::En => format!("{asked}: use pt or en"),
    }
}

/// An option that stands alone and should not.
pub fn missing_value(lang: Lang, option: &str) -> String {
    match lang {
        Lang::Pt => format!("{option}: falta o valor"),
        Lang::En => format!("{option}: its value is missing"),
    }
}

/// A value that an option cannot use.
pub fn unusable_value(lang: Lang, option: &str, value: &str) -> String {
    match lang {
        Lang::Pt => format!("{option} {value}: este valor não pode ser usado"),
        Lang::En => format!("{option} {value}: this value cannot be used"),
    }
}

/// A server's address that cannot be one.
pub fn unusable_address(lang: Lang, typed: &str, example: &str) -> String {
    match lang {
        Lang::Pt => format!(
            "--server {typed}: use HOST:PORTA, como {example} ou [::1]:12345, com porta de 1 a 65535"
        ),
        Lang::En => format!(
            "--server {typed}: use HOST:PORT, like {example} or [::1]:12345, with a port from 1 to 65535"
        ),
    }
}

/// Where help is.
pub fn see_help(lang: Lang, help: &str) -> String {
    match lang {
        Lang::Pt => format!("Veja: {help}"),
        Lang::En => format!("See: {help}"),
    }
}
