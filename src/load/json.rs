//! The report as JSON. By hand, because it is one small object and serde is the wire's alone.

use std::fmt::{Display, Write};

use super::report::{Measure, Report, Row};

/// One JSON object being written.
struct Object(String);

impl Object {
    fn new() -> Self {
        Self(String::from("{"))
    }

    /// A value that is JSON as it displays itself: a whole number, `true`, an object.
    fn plain(&mut self, key: &str, value: impl Display) -> &mut Self {
        let comma = if self.0.len() > 1 { "," } else { "" };
        // Writing into a string has no way to fail.
        let _ = write!(self.0, "{comma}\"{key}\":{value}");
        self
    }

    /// The same, or `null`.
    fn maybe(&mut self, key: &str, value: Option<impl Display>) -> &mut Self {
        match value {
            Some(value) => self.plain(key, value),
            None => self.plain(key, "null"),
        }
    }

    /// A number, exact to three decimals: JSON has neither NaN nor infinity.
    fn decimal(&mut self, key: &str, value: Option<f64>) -> &mut Self {
        let value = value.filter(|value| value.is_finite());
        self.maybe(key, value.map(|value| format!("{value:.3}")))
    }

    fn text(&mut self, key: &str, value: Option<&str>) -> &mut Self {
        self.maybe(key, value.map(quoted))
    }

    fn array(&mut self, key: &str, values: impl Iterator<Item = String>) -> &mut Self {
        let values: Vec<String> = values.collect();
        self.plain(key, format_args!("[{}]", values.join(",")))
    }

    fn end(&mut self) -> String {
        std::mem::take(&mut self.0) + "}"
    }
}

/// A string as RFC 8259, section 7, wants it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            // More than JSON asks: nothing that a terminal would obey goes out raw.
            _ if letter.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
            _ => quoted.push(letter),
        }
    }
    quoted + "\""
}

impl Report {
    /// One JSON object, on one line.
    pub(super) fn json(&self) -> String {
        let mut object = Object::new();
        object
            .text("server", Some(&self.server))
            .text("software", self.software.as_deref())
            .plain("clients", self.clients)
            .plain("in_flight", self.in_flight)
            .plain("group_size", self.group_size)
            .plain("rate_per_second", self.rate_per_second)
            .plain("text_bytes", self.text_bytes)
            .plain("ok", self.ok)
            .array("scenarios", self.scenarios.iter().map(row))
            .array("notes", self.notes.iter().map(|note| quoted(note)));
        object.end() + "\n"
    }
}

fn row(row: &Row) -> String {
    Object::new()
        .text("scenario", Some(row.scenario.as_str()))
        .decimal("deliveries_x_raw", row.deliveries_x_raw)
        .decimal("cpu_x_raw", row.cpu_x_raw)
        .plain("papo", measure(&row.papo))
        .maybe("raw", row.raw.as_ref().map(measure))
        .end()
}

fn measure(measure: &Measure) -> String {
    let tally = &measure.tally;
    Object::new()
        .plain("sent", tally.sent)
        .plain("deliveries", tally.delivered)
        .plain("answers", tally.answered)
        .decimal("seconds", Some(measure.seconds))
        .decimal("deliveries_per_second", Some(measure.deliveries_per_second))
        .decimal("p50_us", Some(measure.p50_us))
        .decimal("p99_us", Some(measure.p99_us))
        .decimal("p999_us", Some(measure.p999_us))
        .decimal("max_us", Some(measure.max_us))
        .decimal("cpu_us_per_delivery", measure.cpu_us_per_delivery)
        .maybe("rss_bytes", measure.rss_bytes)
        .plain("refused", tally.refused)
        .plain("lost", tally.lost)
        .plain("unanswered", tally.unanswered)
        .plain("duplicated", tally.duplicated)
        .plain("reordered", tally.reordered)
        .plain("damaged", tally.damaged)
        .plain("misdelivered", tally.misdelivered)
        .plain("disconnected", tally.disconnected)
        .text("refusal", tally.refusal.as_deref())
        .text("disconnection", tally.disconnection.as_deref())
        .end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_string_holds_it_is_json() {
        let text = "a\"\\\n\u{1b}é😀\u{85}";
        assert_eq!(serde_json::from_str::<String>(&quoted(text)).unwrap(), text);
    }

    #[test]
    fn what_is_no_number_is_null() {
        let json = Object::new()
            .decimal("a", Some(f64::NAN))
            .decimal("b", None)
            .decimal("c", Some(0.27))
            .maybe("d", None::<u64>)
            .array("e", std::iter::empty())
            .end();
        assert_eq!(json, r#"{"a":null,"b":null,"c":0.270,"d":null,"e":[]}"#);
    }
}
