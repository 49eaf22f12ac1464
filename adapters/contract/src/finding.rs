//! Findings: what a check noticed, told so that the reader can mend it.
//!
//! Each room keeps its own table of [`Kind`]s; a [`Finding`] is one occurrence of a kind at one place. The tables
//! together are the reference of error codes in `docs/errors.md`.

use serde::{Deserialize, Serialize};

/// A sentence in both languages of the product, Vietnamese in NFC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    pub vi: &'static str,
    pub en: &'static str,
}

/// Whether the packet can still be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Recorded, nothing to do.
    Note,
    /// Accepted; the sender should mend it.
    Warning,
    /// The packet is refused.
    Refuse,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Blame {
    Sender,
    Recipient,
    /// This gateway's operator.
    Us,
    /// The neighbouring gateway's operator.
    Peer,
    Network,
}

/// One kind of finding: a row of a room's table.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Stable, of the form `LT-RUL-0007`.
    pub code: &'static str,
    pub severity: Severity,
    pub blame: Blame,
    /// The answer of the VXP protocol that says the same (10, 15, 18–23); 0 where there is none.
    pub vxp: u8,
    /// What is wrong, one sentence.
    pub title: Text,
    /// How to mend it, one sentence in the imperative.
    pub fix: Text,
    /// The regulation, article or specification clause behind it; empty where there is none.
    pub clause: &'static str,
}

/// One occurrence of a [`Kind`]. Line and column count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub code: String,
    pub severity: Severity,
    pub blame: Blame,
    pub line: Option<u32>,
    pub column: Option<u32>,
    /// Path of the element without prefixes, e.g. `MessageHeader/PromulgationInfo/PromulgationDate`.
    pub element: Option<String>,
    pub found: Option<String>,
    pub expected: Option<String>,
    pub title_vi: String,
    pub title_en: String,
    pub fix_vi: String,
    pub fix_en: String,
    pub clause: Option<String>,
    /// The VXP answer code, 0 where there is none.
    #[serde(default)]
    pub vxp: u8,
}

/// Longest piece of the sender's own text that is repeated in a finding, in characters.
const MAX_QUOTED_CHARS: usize = 120;

impl Finding {
    /// A finding of this kind, at no particular place yet.
    #[must_use]
    pub fn of(kind: &'static Kind) -> Self {
        Self {
            code: kind.code.to_owned(),
            severity: kind.severity,
            blame: kind.blame,
            line: None,
            column: None,
            element: None,
            found: None,
            expected: None,
            title_vi: kind.title.vi.to_owned(),
            title_en: kind.title.en.to_owned(),
            fix_vi: kind.fix.vi.to_owned(),
            fix_en: kind.fix.en.to_owned(),
            clause: (!kind.clause.is_empty()).then(|| kind.clause.to_owned()),
            vxp: kind.vxp,
        }
    }

    #[must_use]
    pub fn at(mut self, line: u32, column: u32) -> Self {
        self.line = Some(line);
        self.column = Some(column);
        self
    }

    #[must_use]
    pub fn element(mut self, path: impl Into<String>) -> Self {
        self.element = Some(path.into());
        self
    }

    /// What stood there: control characters are blanked and a long text is cut.
    #[must_use]
    pub fn found(mut self, text: impl AsRef<str>) -> Self {
        self.found = Some(quoted(text.as_ref()));
        self
    }

    #[must_use]
    pub fn expected(mut self, text: impl Into<String>) -> Self {
        self.expected = Some(text.into());
        self
    }

    #[must_use]
    pub fn refuses(&self) -> bool {
        self.severity == Severity::Refuse
    }
}

fn quoted(text: &str) -> String {
    let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut out: String = chars.by_ref().take(MAX_QUOTED_CHARS).collect();
    if chars.next().is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    static KIND: Kind = Kind {
        code: "LT-TST-0001",
        severity: Severity::Refuse,
        blame: Blame::Sender,
        vxp: 22,
        title: Text { vi: "Sai", en: "Wrong" },
        fix: Text { vi: "Sửa lại.", en: "Mend it." },
        clause: "",
    };

    #[test]
    fn a_quoted_text_is_cut_and_cleaned() {
        let finding = Finding::of(&KIND).found(format!("a\u{0}{}", "đ".repeat(500)));
        let found = finding.found.unwrap_or_default();
        assert_eq!(found.chars().count(), MAX_QUOTED_CHARS + 1);
        assert!(found.starts_with("a đ") && found.ends_with('…'));
        assert_eq!(finding.clause, None);
    }
}
