//! Alarms: what is wrong now, in order of harm, and who is told of it.
//!
//! ```text
//!  running rooms ─► Facts ─► judge ─► Board (what is wrong now) ─► console
//!                                       └─► rules ─► notices in the store ─► mail, webhooks
//! ```
//!
//! * [`judge`](judge::judge) is pure: from what was seen to a list of alarms, each of a closed list of kinds.
//! * [`Board`] holds the alarms of now; since when each is there outlives a look that misses nothing.
//! * [`rules`] decides who is told what and when: grouping, quiet hours, escalation, repeats, damping. It is pure, too.
//! * [`herald`] runs both, keeps what was told in the store before it is sent, and sends by [`mail`] and webhook.
//!
//! Invariants: an alarm names documents by docId and number only, never by what they say; what was told is in the store in the
//! same transaction as the notice, so that a restart tells nothing twice and forgets no end of an alarm; whoever cannot be
//! reached holds up nobody else.
//!
//! Failure story: a mail server that is away is tried again with growing pauses; meanwhile new alarms wait and go out as one
//! notice. A crash between the server's answer and the store's note repeats that one mail, with the same `Message-ID`.

pub mod board;
pub mod herald;
pub mod judge;
pub mod kinds;
pub mod letter;
pub mod mail;
pub mod quiet;
pub mod rules;

#[cfg(test)]
mod herald_tests;
#[cfg(test)]
mod tests;

use lienthong_contract::{Instant, Text};
use serde::{Deserialize, Serialize};

pub use board::Board;
pub use kinds::Kind;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// To be done this week.
    Warning,
    /// To be done today.
    Serious,
    /// To be done now, also at night.
    Critical,
}

impl Severity {
    pub const ALL: [Self; 3] = [Self::Warning, Self::Serious, Self::Critical];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Serious => "serious",
            Self::Critical => "critical",
        }
    }

    #[must_use]
    pub const fn title(self) -> Text {
        match self {
            Self::Warning => Text { vi: "Cảnh báo", en: "Warning" },
            Self::Serious => Text { vi: "Nghiêm trọng", en: "Serious" },
            Self::Critical => Text { vi: "Khẩn cấp", en: "Critical" },
        }
    }
}

/// A sentence with its values, in both languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub vi: String,
    pub en: String,
}

impl Told {
    /// Puts values in the places `{}` of a text, in their order. What comes from outside is cut to one line of 200 characters.
    #[must_use]
    pub fn new(text: Text, values: &[&str]) -> Self {
        let values: Vec<String> = values.iter().map(|value| one_line(value)).collect();
        Self { vi: filled(text.vi, &values), en: filled(text.en, &values) }
    }
}

fn filled(text: &str, values: &[String]) -> String {
    let mut values = values.iter();
    let mut parts = text.split("{}");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        whole.push_str(values.next().map_or("", String::as_str));
        whole.push_str(part);
    }
    whole
}

/// Text from elsewhere, fit for a line of a list or the subject of a mail.
#[must_use]
pub fn one_line(text: &str) -> String {
    const LONGEST: usize = 200;
    let line: String =
        text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(LONGEST).collect();
    line.trim().to_owned()
}

/// Something that is wrong now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    pub kind: Kind,
    /// What it is about: a destination, an agency, a certificate; empty where there is only one of it. With `kind` its name.
    pub subject: String,
    pub severity: Severity,
    pub since: Instant,
    pub what: Told,
    /// How many documents, or whatever it counts; at least 1.
    pub count: u64,
}

impl Alarm {
    #[must_use]
    pub fn new(kind: Kind, subject: impl Into<String>, since: Instant, what: Told) -> Self {
        Self { kind, subject: subject.into(), severity: kind.severity(), since, what, count: 1 }
    }

    #[must_use]
    pub fn counting(self, count: u64) -> Self {
        Self { count: count.max(1), ..self }
    }

    #[must_use]
    pub fn at(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// Whose turn it is.
    #[must_use]
    pub const fn owner(&self) -> Text {
        self.kind.owner()
    }

    /// What to do next.
    #[must_use]
    pub const fn next(&self) -> Text {
        self.kind.next()
    }
}

/// Most harmful first; of the same kind the worst first, then the oldest.
pub fn sort(alarms: &mut [Alarm]) {
    alarms.sort_by(|one, other| {
        (one.kind, other.severity, one.since, &one.subject).cmp(&(
            other.kind,
            one.severity,
            other.since,
            &other.subject,
        ))
    });
}
