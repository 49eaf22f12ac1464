//! `[traces]`: the collector that a document's way is told to, by OpenTelemetry.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where spans go, and of how many documents.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traces {
    /// `http[s]://name[:port][/path]` of a collector that takes OTLP over HTTP; `/v1/traces` is put behind it.
    pub endpoint: String,
    /// Roots that the collector's certificate must lead to; needed with `https`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<PathBuf>,
    /// File of what the header `Authorization` says, for a collector that asks for one; only with `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_file: Option<PathBuf>,
    /// How many documents are traced, from 0 (only what goes wrong) to 1 (all). Gateways with the same share trace the same
    /// documents; with a smaller one, some of these.
    #[serde(default = "all")]
    pub ratio: f64,
}

const fn all() -> f64 {
    1.0
}

impl Traces {
    fn is_tls(&self) -> bool {
        self.endpoint.trim().get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
    }
}

/// Every file, with its key.
pub(super) fn paths(traces: &mut Traces, each: &mut impl FnMut(String, &mut PathBuf)) {
    traces.roots.iter_mut().enumerate().for_each(|(at, root)| each(format!("traces.roots[{at}]"), root));
    traces.authorization_file.iter_mut().for_each(|path| each("traces.authorization_file".to_owned(), path));
}

/// What the types cannot say.
pub(super) fn check(traces: &Traces, note: &mut impl FnMut(String, &str, &str)) {
    let mut note = |key: &str, vi: &str, en: &str| note(format!("traces.{key}"), vi, en);
    if !(0.0..=1.0).contains(&traces.ratio) {
        note("ratio", "phải từ 0 đến 1", "must be between 0 and 1");
    }
    if traces.is_tls() && traces.roots.is_empty() {
        note(
            "roots",
            "https cần ít nhất một tệp chứng thư gốc mà chứng thư của máy thu dẫn tới",
            "https needs at least one root that the collector's certificate leads to",
        );
    }
    if !traces.is_tls() && traces.authorization_file.is_some() {
        note(
            "authorization_file",
            "chỉ dùng với https: qua http ai ở giữa cũng đọc được bí mật này",
            "only with https: over http anybody on the way can read this secret",
        );
    }
}
