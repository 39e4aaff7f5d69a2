//! How transfers are told of: in few lines where somebody is typing, with a bar where nobody is.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::{Failed, News, Way};
use crate::client::sanitize::one_line;
use crate::client::show::{Line, Reader, Style};
use crate::text::Lang;
use crate::text::client::{self as text, Choice};
use crate::wire::event::Incoming;

/// A download is announced from this size on; smaller ones are here at once.
const ANNOUNCED_BYTES: u64 = 8 * 1024 * 1024;

/// Between two lines about the progress of one transfer; and there are three at most.
const LINES_EVERY: Duration = Duration::from_secs(15);

/// A transfer in lines.
pub(crate) struct Quiet {
    lang: Lang,
    way: Way,
    name: String,
    size: u64,
    quarters: u64,
    told: Instant,
}

impl Quiet {
    /// Nothing has happened yet.
    pub(crate) fn new(lang: Lang, way: Way) -> Self {
        Self { lang, way, name: String::new(), size: 0, quarters: 0, told: Instant::now() }
    }

    /// What to show of this, if anything.
    pub(crate) fn line(&mut self, news: &News) -> Option<Line> {
        let told = match news {
            News::Opened { name, size } => {
                self.name = one_line(name).into_owned();
                self.size = *size;
                match self.way {
                    Way::Up => text::sending_file(self.lang, &self.name, *size),
                    Way::Down if *size >= ANNOUNCED_BYTES => {
                        text::fetching_file(self.lang, &self.name, *size)
                    }
                    Way::Down => return None,
                }
            }
            News::Began(from) if *from > 0 && *from < self.size => {
                text::resuming(self.lang, &self.name, *from)
            }
            News::Moved(moved) => {
                let quarters = moved.saturating_mul(4) / self.size.max(1);
                let is_due = quarters > self.quarters && self.told.elapsed() >= LINES_EVERY;
                if !is_due || quarters > 3 {
                    return None;
                }
                self.quarters = quarters;
                text::so_far(self.lang, &self.name, *moved, self.size)
            }
            News::Began(_) | News::Hashed(_) | News::Waiting => return None,
        };
        self.told = Instant::now();
        Some(Line::new(Style::Dim, told))
    }
}

/// A transfer as a bar on stderr; nothing where that is no terminal, but from where it goes on.
pub(crate) struct Bar {
    lang: Lang,
    name: String,
    size: u64,
    shown: ProgressBar,
    moving: bool,
}

impl Bar {
    /// Nothing has happened yet.
    pub(crate) fn new(lang: Lang) -> Self {
        let bar = ProgressBar::no_length();
        let style = ProgressStyle::with_template(
            "{msg} [{bar:24}] {binary_bytes} / {binary_total_bytes}  {binary_bytes_per_sec}  {eta}",
        );
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { lang, name: String::new(), size: 0, shown: bar, moving: false }
    }

    /// Shows this, and gives what is to be said beside the bar.
    pub(crate) fn news(&mut self, news: &News) -> Option<String> {
        match news {
            News::Opened { name, size } => {
                self.name = one_line(name).into_owned();
                self.size = *size;
                self.shown.set_length(*size);
                self.shown.set_message(text::HASHING.get(self.lang));
            }
            News::Hashed(read) => self.shown.set_position(*read),
            News::Began(from) => {
                self.shown.set_position(*from);
                self.shown.set_message(self.name.clone());
                if !std::mem::replace(&mut self.moving, true) {
                    // What an earlier run has sent is not this one's speed.
                    self.shown.reset_eta();
                    self.shown.reset_elapsed();
                }
                return (*from > 0 && *from < self.size)
                    .then(|| text::resuming(self.lang, &self.name, *from));
            }
            News::Moved(moved) => self.shown.set_position(*moved),
            News::Waiting => self.shown.set_message(text::WAITING.get(self.lang)),
        }
        None
    }

    /// Says something on stderr without tearing the bar.
    pub(crate) fn say(&self, what: &str) {
        self.shown.suspend(|| {
            let _ =
                std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("papo: {what}\n"));
        });
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        self.shown.finish_and_clear();
    }
}

/// Why a transfer came to nothing, for who sees a menu, or for who does not. `what` is the file's name
/// or path; nothing is told when the user leaves.
pub(crate) fn failure(lang: Lang, what: &str, failed: &Failed, menu: bool) -> Option<String> {
    let what = one_line(what);
    Some(match failed {
        Failed::Stopped => return None,
        Failed::Refused(frame) => {
            let answer = Incoming::decode(frame).unwrap_or_default();
            let reader = Reader { lang, me: None };
            if menu {
                reader.refused(&answer, Some(Choice::SendFile))
            } else {
                reader.script_refusal(&answer)
            }
        }
        Failed::Source(trouble) => text::file_trouble(lang, &what, trouble),
        Failed::Disk(error) => text::not_kept(lang, &what, &one_line(error)),
        Failed::WrongBytes => text::wrong_bytes(lang, &what),
        Failed::UnderWay => text::under_way(lang, &what),
        Failed::NoAnswer => text::file_unanswered(lang, &what),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_is_told_of_in_few_lines() {
        let mut quiet = Quiet::new(Lang::Pt, Way::Up);
        let mib = 1024 * 1024;
        let opened = News::Opened { name: "x\u{1b}[2J.zip".to_owned(), size: 48 * mib };
        let told = |line: Option<Line>| line.map(|line| line.lead);
        let first = told(quiet.line(&opened)).unwrap();
        assert_eq!(first, "📤 Enviando x\u{fffd}[2J.zip (48,0 MiB)...");
        assert_eq!(quiet.line(&News::Began(0)), None);
        let resumed = told(quiet.line(&News::Began(12 * mib))).unwrap();
        assert!(resumed.ends_with("retomando de 12,0 MiB"), "{resumed}");
        assert_eq!(quiet.line(&News::Moved(13 * mib)), None);
        quiet.told = Instant::now().checked_sub(LINES_EVERY).unwrap();
        let line = told(quiet.line(&News::Moved(13 * mib))).unwrap();
        assert!(line.ends_with(": 27% (13,0 MiB de 48,0 MiB)"), "{line}");
        quiet.told = Instant::now().checked_sub(LINES_EVERY).unwrap();
        assert_eq!(quiet.line(&News::Moved(14 * mib)), None);
        assert_eq!(quiet.line(&News::Moved(48 * mib)), None);
    }

    #[test]
    fn a_bar_says_from_where_it_goes_on() {
        let mut bar = Bar::new(Lang::En);
        assert_eq!(bar.news(&News::Opened { name: "x".to_owned(), size: 4096 }), None);
        assert_eq!(bar.news(&News::Hashed(4096)), None);
        assert_eq!(bar.news(&News::Began(2048)).unwrap(), "⏩ x: resuming from 2.0 KiB");
        assert_eq!(bar.news(&News::Moved(4096)), None);
    }
}
