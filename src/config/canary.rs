//! `[canary]`: test documents that the gateway sends by itself.

use std::path::PathBuf;

use lienthong_contract::AgencyCode;
use serde::{Deserialize, Serialize};

/// Who sends them, how often, and when one is late. Test documents of others are answered without this section.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// The agency that they come from: of the directory, served here, marked `canary = true`.
    pub agency: AgencyCode,
    /// The key that signs them (PKCS#8 PEM) and its certificates: one of the agency's `signing_certificates`.
    pub key: PathBuf,
    pub certificate: PathBuf,
    /// Minutes from one to the next, to each recipient.
    #[serde(default = "usual_minutes")]
    pub every_minutes: u32,
    /// Minutes after which one that was not handed over is missed.
    #[serde(default = "usual_late")]
    pub late_minutes: u32,
}

const fn usual_minutes() -> u32 {
    15
}

const fn usual_late() -> u32 {
    5
}

impl Canary {
    /// Milliseconds after which one is missed.
    #[must_use]
    pub fn limit(&self) -> i64 {
        i64::from(self.late_minutes).saturating_mul(60_000)
    }
}

/// Every file, with its key.
pub(super) fn paths(canary: &mut Canary, each: &mut impl FnMut(String, &mut PathBuf)) {
    each("canary.key".to_owned(), &mut canary.key);
    each("canary.certificate".to_owned(), &mut canary.certificate);
}

/// What the types cannot say.
pub(super) fn check(canary: &Canary, note: &mut impl FnMut(String, &str, &str)) {
    for (key, value) in [("every_minutes", canary.every_minutes), ("late_minutes", canary.late_minutes)] {
        if !(1..=1440).contains(&value) {
            note(format!("canary.{key}"), "phải từ 1 đến 1440", "must be between 1 and 1440");
        }
    }
}
