//! What is going on, live, on stderr, when that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

use crate::text::Lang;
use crate::text::load as text;

/// Steps of the bar within one scenario.
const STEPS: u64 = 1_000;

/// The bar. Hidden by itself when stderr is no terminal.
#[derive(Debug)]
pub(super) struct Progress {
    lang: Lang,
    bar: ProgressBar,
    scenarios: u64,
}

impl Progress {
    /// A bar over so many scenarios.
    pub(super) fn new(lang: Lang, scenarios: usize) -> Self {
        let bar = ProgressBar::new(scenarios as u64 * STEPS);
        let style = ProgressStyle::with_template("{bar:24} {elapsed:>4}  {prefix}  {msg}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self { lang, bar, scenarios: 0 }
    }

    /// The next scenario begins.
    pub(super) fn next(&mut self, name: &str, raw: bool) {
        let of_relay = if raw { text::RAW.get(self.lang) } else { "" };
        self.bar.set_position(self.scenarios * STEPS);
        self.bar.set_message("");
        self.bar.set_prefix(format!("{name}{of_relay}"));
        self.scenarios += 1;
    }

    /// This part of the scenario is over, and so much was delivered.
    pub(super) fn tell(&self, part: f64, delivered: u64) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_message(text::delivered(self.lang, delivered));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and STEPS"
        )]
        let steps = (part * 1_000.0) as u64;
        self.bar.set_position((self.scenarios - 1) * STEPS + steps.min(STEPS));
    }

    /// So many of all are done.
    pub(super) fn tell_count(&self, done: usize, all: usize) {
        let done_of_all = (done * 1_000).checked_div(all).unwrap_or(0);
        let steps = (self.scenarios - 1) * STEPS + done_of_all as u64;
        self.bar.set_position(steps);
    }

    /// Leaves the terminal as it was.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
