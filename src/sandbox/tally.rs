//! What the front did, in numbers.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::Serialize;

use super::faults::{Fault, Number};

/// Requests since the start, by what was done to them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Tally {
    pub requests: u64,
    /// Passed on and answered as they were.
    pub passed: u64,
    pub lost: u64,
    pub doubled: u64,
    /// Answered with the page after they were carried out.
    pub html_done: u64,
    /// Answered with the page instead of being carried out.
    pub html_not_done: u64,
    pub nulls: u64,
    pub slow: u64,
    pub outage: u64,
    /// Broken off by the caller, or by the door behind: what became of them the front does not know.
    pub broken: u64,
}

impl Tally {
    /// Requests that met a fault.
    #[must_use]
    pub const fn faults(&self) -> u64 {
        self.lost + self.doubled + self.html_done + self.html_not_done + self.nulls + self.slow + self.outage
    }
}

/// The operations of the protocol; whatever else a path names is counted together.
const OPERATIONS: [&str; 13] = [
    "sendEdoc",
    "getReceivedEdocList",
    "getSentEdocList",
    "getEdoc",
    "downloadEdoc",
    "updateStatus",
    "countReceiveEdoc",
    "countReceiveStatus",
    "getAgenciesList",
    "getAgenciesListQD20",
    "getSynchronizeUnit",
    "registerAgency",
    "deleteAgency",
];
const OTHER: &str = "";

/// The operation that a path names: its last part.
pub fn operation(path: &str) -> &'static str {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    OPERATIONS.into_iter().find(|name| *name == last).unwrap_or(OTHER)
}

/// The counters behind a [`Tally`].
#[derive(Debug, Default)]
pub struct Counts {
    requests: AtomicU64,
    by_operation: [AtomicU64; OPERATIONS.len()],
    other: AtomicU64,
    passed: AtomicU64,
    lost: AtomicU64,
    doubled: AtomicU64,
    html_done: AtomicU64,
    html_not_done: AtomicU64,
    nulls: AtomicU64,
    slow: AtomicU64,
    outage: AtomicU64,
    broken: AtomicU64,
}

impl Counts {
    /// Counts a request that came.
    pub fn came(&self, operation: &str) -> Number {
        let place = OPERATIONS.iter().position(|name| *name == operation);
        let own = place.and_then(|place| self.by_operation.get(place)).unwrap_or(&self.other);
        Number { of_all: self.requests.fetch_add(1, Relaxed) + 1, of_operation: own.fetch_add(1, Relaxed) + 1 }
    }

    /// A request of which it is not yet known how it ends.
    pub const fn open(&self) -> Open<'_> {
        Open { counts: self, ended: false }
    }

    pub fn tally(&self) -> Tally {
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        Tally {
            requests: read(&self.requests),
            passed: read(&self.passed),
            lost: read(&self.lost),
            doubled: read(&self.doubled),
            html_done: read(&self.html_done),
            html_not_done: read(&self.html_not_done),
            nulls: read(&self.nulls),
            slow: read(&self.slow),
            outage: read(&self.outage),
            broken: read(&self.broken),
        }
    }
}

/// One request; counted once, as broken when it ends in any other way than by [`Open::met`].
#[derive(Debug)]
pub struct Open<'a> {
    counts: &'a Counts,
    ended: bool,
}

impl Open<'_> {
    /// Counts what was done to it.
    pub fn met(&mut self, fault: Fault) {
        let counts = self.counts;
        let counter = match fault {
            Fault::None => &counts.passed,
            Fault::Lost => &counts.lost,
            Fault::Doubled => &counts.doubled,
            Fault::Html { done: true } => &counts.html_done,
            Fault::Html { done: false } => &counts.html_not_done,
            Fault::Nulls => &counts.nulls,
            Fault::Slow(_) => &counts.slow,
            Fault::Outage { .. } => &counts.outage,
        };
        counter.fetch_add(1, Relaxed);
        self.ended = true;
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.counts.broken.fetch_add(1, Relaxed);
        }
    }
}
