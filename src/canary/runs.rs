//! What became of test documents, by recipient: for the page, for alarms and for metrics.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lienthong_contract::{AgencyCode, DocId, Instant};

use crate::store::canary::Sent;

/// The most runs that are remembered here: a quarter of a year to ten recipients every quarter of an hour.
pub const MOST: usize = 100_000;

/// All runs by recipient, in the order of their times.
#[derive(Debug, Default)]
pub struct Runs(Mutex<BTreeMap<AgencyCode, Vec<Sent>>>);

/// How well test documents to one recipient arrived within some time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Level {
    /// Those that ended, and those overdue.
    pub judged: u64,
    /// Of these, handed over within the limit.
    pub in_time: u64,
    /// Milliseconds, of those that were handed over.
    pub median: Option<u64>,
    pub p95: Option<u64>,
    pub worst: Option<u64>,
}

impl Level {
    /// Of these runs, `limit` milliseconds being in time.
    #[must_use]
    pub fn of<'a>(runs: impl IntoIterator<Item = &'a Sent>, limit: i64, now: Instant) -> Self {
        let (mut level, mut trips) = (Self::default(), Vec::new());
        for run in runs {
            match (run.ended, run.round_trip()) {
                (_, Some(trip)) => {
                    level.in_time += u64::from(trip <= limit.unsigned_abs());
                    trips.push(trip);
                }
                (None, None) if !is_overdue(run, limit, now) => continue,
                (_, None) => {}
            }
            level.judged += 1;
        }
        trips.sort_unstable();
        let rank = |percent: usize| trips.get((trips.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        (level.median, level.p95, level.worst) = (rank(50), rank(95), trips.last().copied());
        level
    }

    /// Thousandths of the judged that were in time.
    #[must_use]
    pub const fn per_mille(&self) -> Option<u64> {
        (self.in_time * 1000).checked_div(self.judged)
    }
}

fn is_overdue(run: &Sent, limit: i64, now: Instant) -> bool {
    now.as_millis().saturating_sub(run.sent_at.as_millis()) > limit
}

impl Runs {
    fn all(&self) -> MutexGuard<'_, BTreeMap<AgencyCode, Vec<Sent>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// In place of what was remembered.
    pub fn put(&self, sent: Vec<Sent>) {
        let mut all: BTreeMap<AgencyCode, Vec<Sent>> = BTreeMap::new();
        for one in sent {
            all.entry(one.recipient.clone()).or_default().push(one);
        }
        *self.all() = all;
    }

    /// One more. Of the recipient with the most the oldest is forgotten when there are too many.
    pub fn add(&self, sent: Sent) {
        let mut all = self.all();
        if all.values().map(Vec::len).sum::<usize>() >= MOST
            && let Some(longest) = all.values_mut().max_by_key(|runs| runs.len())
            && !longest.is_empty()
        {
            longest.remove(0);
        }
        all.entry(sent.recipient.clone()).or_default().push(sent);
    }

    /// It has ended.
    pub fn ended(&self, doc_id: DocId, at: Instant, handed_over: bool) {
        // Only the last of each recipient may be under way.
        let mut all = self.all();
        if let Some(run) = all.values_mut().flat_map(|runs| runs.iter_mut().rev()).find(|run| run.doc_id == doc_id) {
            run.ended = Some((at, handed_over));
        }
    }

    /// Whom one is under way to.
    #[must_use]
    pub fn under_way(&self) -> Vec<AgencyCode> {
        let all = self.all();
        let open = all.iter().filter(|(_, runs)| runs.iter().rev().take(2).any(|run| run.ended.is_none()));
        open.map(|(recipient, _)| recipient.clone()).collect()
    }

    /// Recipients with their runs since then.
    #[must_use]
    pub fn since(&self, since: Instant) -> Vec<(AgencyCode, Vec<Sent>)> {
        let all = self.all();
        let of = |(recipient, runs): (&AgencyCode, &Vec<Sent>)| {
            let first = runs.partition_point(|run| run.sent_at < since);
            (recipient.clone(), runs.get(first..).unwrap_or_default().to_vec())
        };
        all.iter().map(of).filter(|(_, runs)| !runs.is_empty()).collect()
    }

    /// The last run to each recipient that came to an end, and the one before when it is still under way.
    #[must_use]
    pub fn last(&self) -> Vec<(AgencyCode, Option<Sent>)> {
        let all = self.all();
        let last = |runs: &Vec<Sent>| runs.iter().rev().take(3).find(|run| run.ended.is_some()).cloned();
        all.iter().map(|(recipient, runs)| (recipient.clone(), last(runs))).collect()
    }

    /// Recipients whose last test document is overdue or did not arrive, and since when.
    #[must_use]
    pub fn missing(&self, limit: i64, now: Instant) -> Vec<(AgencyCode, Instant)> {
        let all = self.all();
        let missing = |run: &Sent| match run.ended {
            None => is_overdue(run, limit, now),
            Some((_, handed_over)) => !handed_over,
        };
        // One that has just set out says nothing yet: then the one before it counts.
        let judged = |runs: &Vec<Sent>| {
            let known = runs.iter().rev().take(3).find(|run| run.ended.is_some() || is_overdue(run, limit, now));
            known.filter(|run| missing(run)).map(|run| run.sent_at)
        };
        all.iter().filter_map(|(recipient, runs)| Some((recipient.clone(), judged(runs)?))).collect()
    }
}
