//! Every sentence that people read, in Portuguese and English. Portuguese comes first, as in the
//! first chat, whose sentences stay as its users know them.

pub mod admin;
pub mod cli;
pub mod client;
pub mod demo;
pub mod http;
pub mod load;
pub(crate) mod sanitize;
pub mod server;

use std::str::FromStr;

/// The language of a sentence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// Portuguese, the default.
    #[default]
    Pt,
    /// English.
    En,
}

impl FromStr for Lang {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name.get(..2).unwrap_or(name).to_ascii_lowercase().as_str() {
            "pt" => Ok(Lang::Pt),
            "en" => Ok(Lang::En),
            _ => Err("pt, en"),
        }
    }
}

/// One sentence in both languages.
#[derive(Clone, Copy, Debug)]
pub struct Sentence {
    /// In Portuguese.
    pub pt: &'static str,
    /// In English.
    pub en: &'static str,
}

impl Sentence {
    /// The sentence in one language.
    pub const fn get(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Pt => self.pt,
            Lang::En => self.en,
        }
    }
}

/// A sentence in both languages.
pub const fn say(pt: &'static str, en: &'static str) -> Sentence {
    Sentence { pt, en }
}
