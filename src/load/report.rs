//! What was measured, and as a table for people.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::options::{Options, Scenario};
use super::tally::Tally;
use crate::text::Lang;
use crate::text::load as text;

/// Everything that one run found out.
#[derive(Clone, Debug)]
pub(super) struct Report {
    /// The address as it was given.
    pub(super) server: String,
    /// What the server calls itself.
    pub(super) software: Option<String>,
    pub(super) clients: usize,
    pub(super) in_flight: usize,
    pub(super) group_size: usize,
    pub(super) rate_per_second: u32,
    pub(super) text_bytes: usize,
    pub(super) scenarios: Vec<Row>,
    /// Whether everything arrived exactly once, in order and intact.
    pub(super) ok: bool,
    /// What to know about the figures.
    pub(super) notes: Vec<String>,
}

/// One scenario.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) scenario: Scenario,
    pub(super) papo: Measure,
    pub(super) raw: Option<Measure>,
    /// The server's deliveries per second, divided by the raw relay's.
    pub(super) deliveries_x_raw: Option<f64>,
    /// The server's CPU time per delivery, divided by the raw relay's.
    pub(super) cpu_x_raw: Option<f64>,
}

/// One scenario against one server. Of the logins, each counts as a delivery.
#[derive(Clone, Debug, Default)]
pub(super) struct Measure {
    pub(super) tally: Tally,
    pub(super) seconds: f64,
    pub(super) deliveries_per_second: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) p999_us: f64,
    pub(super) max_us: f64,
    pub(super) cpu_us_per_delivery: Option<f64>,
    pub(super) rss_bytes: Option<u64>,
}

/// What one server spent on one scenario.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    pub(super) cpu_ns: Option<u64>,
    pub(super) rss_bytes: Option<u64>,
}

impl Measure {
    pub(super) fn new(tally: Tally, time: Duration, latency: &Histogram<u64>, cost: Cost) -> Self {
        let deliveries = tally.delivered;
        let per_delivery = |cpu_ns| micros(cpu_ns) / float(deliveries);
        Self {
            tally,
            seconds: time.as_secs_f64(),
            deliveries_per_second: float(deliveries) / time.as_secs_f64().max(1e-9),
            p50_us: micros(latency.value_at_quantile(0.5)),
            p99_us: micros(latency.value_at_quantile(0.99)),
            p999_us: micros(latency.value_at_quantile(0.999)),
            max_us: micros(latency.max()),
            cpu_us_per_delivery: cost.cpu_ns.filter(|_| deliveries > 0).map(per_delivery),
            rss_bytes: cost.rss_bytes,
        }
    }
}

impl Row {
    pub(super) fn new(scenario: Scenario, papo: Measure, raw: Option<Measure>) -> Self {
        let ratio = |of: fn(&Measure) -> Option<f64>| {
            let (papo, raw) = (of(&papo)?, of(raw.as_ref()?)?);
            (raw > 0.0).then(|| papo / raw)
        };
        Self {
            scenario,
            deliveries_x_raw: ratio(|measure| Some(measure.deliveries_per_second)),
            cpu_x_raw: ratio(|measure| measure.cpu_us_per_delivery),
            papo,
            raw,
        }
    }
}

impl Report {
    pub(super) fn new(options: &Options, software: Option<String>) -> Self {
        Self {
            server: options.server.clone(),
            software,
            clients: options.clients,
            in_flight: options.in_flight,
            group_size: options.group_size,
            rate_per_second: options.rate,
            text_bytes: options.text_bytes,
            scenarios: Vec::new(),
            ok: true,
            notes: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, row: Row) {
        self.ok &= row.papo.tally.is_clean();
        self.scenarios.push(row);
    }

    /// The sentence of the first scenario that went wrong.
    pub(super) fn complaint(&self, lang: Lang) -> Option<String> {
        let row = self.scenarios.iter().find(|row| !row.papo.tally.is_clean())?;
        let tally = &row.papo.tally;
        let mut wrongs: Vec<String> = tally
            .wrongs()
            .into_iter()
            .zip(text::WRONGS)
            .filter(|(count, _)| *count > 0)
            .map(|(count, kind)| format!("{} {}", text::number(lang, count), kind.get(lang)))
            .collect();
        wrongs.extend(tally.disconnection.clone());
        Some(text::not_all_arrived(
            lang,
            &self.name(row.scenario, lang),
            &wrongs.join(", "),
            tally.refusal.as_deref(),
        ))
    }

    /// The table, and what to know about it.
    pub(super) fn table(&self, lang: Lang) -> String {
        let software = self.software.as_deref().unwrap_or("papo");
        let mut lines = vec![text::title(
            lang,
            &harmless(software),
            &self.server,
            self.clients,
            self.text_bytes,
        )];
        lines.push(String::new());
        lines.extend(align(&self.cells(lang)));
        lines.push(String::new());
        if self.ok {
            let played = self.scenarios.iter();
            let deliveries = played
                .filter(|row| row.scenario != Scenario::Login)
                .map(|row| row.papo.tally.delivered)
                .sum();
            lines.push(text::all_arrived(lang, deliveries));
        }
        lines.extend(self.notes.iter().cloned());
        lines.join("\n") + "\n"
    }

    fn cells(&self, lang: Lang) -> Vec<Vec<String>> {
        let mut rows = vec![
            text::COLUMNS
                .iter()
                .chain([&text::MEMORY_COLUMN])
                .map(|head| head.get(lang).to_owned())
                .collect(),
        ];
        for row in &self.scenarios {
            let ratios = [row.deliveries_x_raw, row.cpu_x_raw];
            rows.push(cells(lang, self.name(row.scenario, lang), &row.papo, ratios));
            if let Some(raw) = &row.raw {
                rows.push(cells(lang, text::RAW.get(lang).to_owned(), raw, [None; 2]));
            }
        }
        rows
    }

    /// A scenario as the table calls it.
    pub(super) fn name(&self, scenario: Scenario, lang: Lang) -> String {
        match scenario {
            Scenario::Login => text::logins(lang, self.clients),
            Scenario::Pairs => text::pairs(lang, self.in_flight),
            Scenario::Latency => text::pairs(lang, 1),
            Scenario::Group => text::group(lang, self.group_size, self.in_flight),
            Scenario::Paced => text::paced(lang, self.rate_per_second),
        }
    }
}

fn cells(lang: Lang, name: String, measure: &Measure, ratios: [Option<f64>; 2]) -> Vec<String> {
    let or_dash = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
    let ratio = |ratio: Option<f64>| or_dash(ratio.map(|ratio| text::decimal(lang, ratio, 2)));
    let whole = |value: f64| text::number(lang, round(value));
    let cpu = measure.cpu_us_per_delivery;
    let mebibytes = |bytes| text::decimal(lang, float(bytes) / 1_048_576.0, 1);
    vec![
        name,
        whole(measure.deliveries_per_second),
        ratio(ratios[0]),
        whole(measure.p50_us),
        whole(measure.p99_us),
        whole(measure.p999_us),
        whole(measure.max_us),
        or_dash(cpu.map(|cpu| text::decimal(lang, cpu, 3))),
        ratio(ratios[1]),
        or_dash(measure.rss_bytes.map(mebibytes)),
    ]
}

/// Pads the cells: the first column to the left, numbers to the right.
fn align(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(&widths).enumerate();
            let padded = cells.map(|(column, (cell, width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            padded.collect::<Vec<String>>().join("  ")
        })
        .collect()
}

/// What a server calls itself is a stranger's text: nothing in it may steer a terminal.
fn harmless(text: &str) -> String {
    let printable = text.chars().filter(|letter| letter.is_ascii_graphic() || *letter == ' ');
    printable.take(40).collect()
}

#[expect(clippy::cast_precision_loss, reason = "figures for people need no 53 bits")]
fn float(number: u64) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates, and is never negative"
)]
fn round(number: f64) -> u64 {
    number.round() as u64
}

fn micros(nanos: u64) -> f64 {
    float(nanos) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(deliveries: u64, cpu: Option<f64>) -> Measure {
        Measure {
            tally: Tally {
                sent: deliveries,
                delivered: deliveries,
                answered: deliveries,
                ..Tally::default()
            },
            seconds: 2.0,
            deliveries_per_second: float(deliveries) / 2.0,
            p50_us: 51.4,
            p99_us: 116.0,
            p999_us: 1_234.0,
            max_us: 2_345.6,
            cpu_us_per_delivery: cpu,
            rss_bytes: cpu.map(|_| 3 * 1_048_576),
        }
    }

    fn report() -> Report {
        let mut report = Report {
            server: "localhost:1".to_owned(),
            software: Some("papo/0.1\u{1b}[2J".to_owned()),
            clients: 50,
            in_flight: 64,
            group_size: 50,
            rate_per_second: 2_000,
            text_bytes: 100,
            scenarios: Vec::new(),
            ok: true,
            notes: vec!["nota".to_owned()],
        };
        let raw = measure(2_000_000, Some(0.1));
        report.add(Row::new(Scenario::Pairs, measure(1_000_000, Some(0.274)), Some(raw)));
        report.add(Row::new(Scenario::Latency, measure(80, None), None));
        report
    }

    #[test]
    fn the_table_reads_as_drawn() {
        let expected = "\
papo/0.1[2J em localhost:1: 50 clientes, textos de 100 bytes

cenário              entregas/s  x cru  p50 µs  p99 µs  p99,9 µs  máx µs  CPU µs/entrega  x cru  memória MiB
pares, 64 a caminho     500.000   0,50      51     116     1.234   2.346           0,274   2,74          3,0
  relé cru            1.000.000      -      51     116     1.234   2.346           0,100      -          3,0
pares, 1 a caminho           40      -      51     116     1.234   2.346               -      -            -

Tudo chegou: 1.000.080 entregas; nenhuma perdida, repetida, fora de ordem ou alterada.
nota
";
        assert_eq!(report().table(Lang::Pt), expected);
        assert_eq!(report().complaint(Lang::Pt), None);
    }

    #[test]
    fn a_loss_is_told_and_nothing_claims_that_all_arrived() {
        let mut report = report();
        let mut bad = measure(9, None);
        bad.tally.lost = 3;
        bad.tally.duplicated = 1_000;
        bad.tally.refusal = Some("cheio".to_owned());
        report.add(Row::new(Scenario::Group, bad, None));
        assert!(!report.ok);
        assert!(!report.table(Lang::Pt).contains("Tudo chegou"));
        let complaint = report.complaint(Lang::Pt).unwrap();
        assert!(
            complaint.contains("grupo de 50")
                && complaint.contains("3 perdidas, 1.000 repetidas")
                && complaint.contains("cheio"),
            "{complaint}"
        );
    }

    #[test]
    fn the_json_is_one_object_on_one_line() {
        let json = report().json();
        assert_eq!(json.matches('\n').count(), 1);
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["ok"], true);
        assert_eq!(value["scenarios"][0]["scenario"], "pairs");
        assert_eq!(value["scenarios"][0]["papo"]["cpu_us_per_delivery"], 0.274);
        assert_eq!(value["scenarios"][1]["raw"], serde_json::Value::Null);
    }
}
