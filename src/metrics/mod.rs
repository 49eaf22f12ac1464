//! What the gateway measures of itself, as monitoring systems read it: Prometheus' text form, version 0.0.4.
//!
//! [`families`] is the table of all metrics; `docs/metrics.md` shows it. A [`Page`] takes samples of these and of no others,
//! and writes them in the table's order, each family with its help and type even when there is nothing to tell of it just
//! now: a metric that is gone is a gateway of another version, never an empty queue.
//!
//! Invariants: the page holds numbers and the names of neighbours, never a document's content, a person's or agency's
//! name, or anything secret, because it is read without a certificate as `/health/ready` is. The number of samples
//! grows with the number of neighbours, and with the closed lists of doors, codes, alarms and uses of certificates, and with
//! nothing else. Pure: no I/O and no clock; there is nothing to recover.

pub mod families;

use std::collections::BTreeMap;
use std::fmt::Write;

pub use families::ALL;

/// The media type of a page.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How a metric moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows; those of the books are counted from the receipts, so a restart does not begin them anew.
    Counter,
    Gauge,
    /// Counts by upper bounds, and what was measured all together.
    Histogram,
}

impl Kind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric: its name, what it means, and the labels of its samples.
#[derive(Debug)]
pub struct Family {
    pub name: &'static str,
    pub kind: Kind,
    pub vi: &'static str,
    pub en: &'static str,
    pub labels: &'static [&'static str],
}

/// Samples, gathered for one answer.
#[derive(Debug, Default)]
pub struct Page(BTreeMap<&'static str, Vec<String>>);

impl Page {
    /// Puts a sample down, with the values of its family's labels in their order; an empty one is left out.
    pub fn put(&mut self, family: &'static Family, labels: &[&str], value: f64) {
        self.sample(family, ("", None), labels, value);
    }

    /// Puts a histogram down: for each upper bound, in seconds, how many were no more than it and more than the one before;
    /// last those beyond every bound. `sum` is all that was measured, in seconds.
    pub fn histogram(&mut self, family: &'static Family, labels: &[&str], bounds: &[f64], counts: &[u64], sum: f64) {
        let bounds = bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        let mut all = 0_u64;
        for (bound, count) in bounds.zip(counts) {
            all = all.saturating_add(*count);
            self.sample(family, ("_bucket", Some(&bound)), labels, whole(all));
        }
        self.sample(family, ("_sum", None), labels, sum);
        self.sample(family, ("_count", None), labels, whole(all));
    }

    fn sample(&mut self, family: &'static Family, (end, bound): (&str, Option<&str>), labels: &[&str], value: f64) {
        debug_assert_eq!(family.labels.len(), labels.len(), "{}", family.name);
        let pairs = family.labels.iter().zip(labels).map(|(name, value)| (*name, *value));
        let pairs = pairs.chain(bound.map(|bound| ("le", bound))).filter(|(_, value)| !value.is_empty());
        let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
        self.0.entry(family.name).or_default().push(format!("{}{end}{labels} {value}", family.name));
    }

    /// A count as a sample.
    pub fn count(&mut self, family: &'static Family, labels: &[&str], value: u64) {
        self.put(family, labels, whole(value));
    }

    /// The page's text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for family in ALL {
            let Family { name, kind, en, .. } = family;
            let help = en.replace('\\', "\\\\").replace('\n', "\\n");
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {}", kind.as_str());
            for sample in self.0.get(name).into_iter().flatten() {
                text.push_str(sample);
                text.push('\n');
            }
        }
        text
    }
}

/// Exact up to 2^53, which no count here reaches.
#[allow(clippy::cast_precision_loss)]
const fn whole(count: u64) -> f64 {
    count as f64
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The table of `docs/metrics.md`.
#[must_use]
pub fn table() -> String {
    let mut table =
        String::from("| Số đo — metric | Loại — type | Nhãn — labels | Ý nghĩa — meaning |\n|---|---|---|---|\n");
    for Family { name, kind, vi, en, labels } in ALL {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let _ = writeln!(table, "| `{name}` | {} | {} | {vi}. {en}. |", kind.as_str(), labels.join(", "));
    }
    table
}

#[cfg(test)]
mod deployed;
#[cfg(test)]
mod tests;
