//! How it goes with what adapters bring in: kept in memory for health, metrics and alarms.
//!
//! Losing it costs nothing: each adapter says again how it went after its next look.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use lienthong_contract::outlet::{Sight, Watch};
use lienthong_contract::{Clock, HopName, Instant};

/// The most that is remembered: what is looked for is named by settings, not by what comes from outside.
const MOST: usize = 10_000;

/// What is looked for at one outlet, and how that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    pub outlet: HopName,
    /// `edoc of H37.02`, `reports`, `agencies`.
    pub what: String,
    /// Looks in a row that failed, and since when.
    pub failures: u32,
    pub since: Option<Instant>,
    /// Why the last one did.
    pub trouble: Option<String>,
    /// When one last went well.
    pub succeeded_at: Option<Instant>,
    /// Packets that lie outside and are not taken as things stand, and since when there are any.
    pub aside: usize,
    pub aside_since: Option<Instant>,
}

/// How all of them go.
pub struct Sights {
    clock: Arc<dyn Clock>,
    looked: Mutex<BTreeMap<(HopName, String), Looked>>,
}

impl std::fmt::Debug for Sights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sights").finish_non_exhaustive()
    }
}

impl Sights {
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, looked: Mutex::default() }
    }

    /// By outlet and what is looked for.
    #[must_use]
    pub fn all(&self) -> Vec<Looked> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl Watch for Sights {
    fn looked(&self, outlet: &HopName, what: &str, sight: Sight) {
        let now = self.clock.now();
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let of = (outlet.clone(), what.to_owned());
        if looked.len() >= MOST && !looked.contains_key(&of) {
            return;
        }
        let one = looked.entry(of).or_insert_with(|| Looked {
            outlet: outlet.clone(),
            what: what.to_owned(),
            failures: 0,
            since: None,
            trouble: None,
            succeeded_at: None,
            aside: 0,
            aside_since: None,
        });
        if sight.trouble.is_some() {
            one.failures = one.failures.saturating_add(1);
            one.since = one.since.or(Some(now));
        } else {
            (one.failures, one.since, one.succeeded_at) = (0, None, Some(now));
        }
        one.trouble = sight.trouble;
        one.aside = sight.aside;
        one.aside_since = if sight.aside == 0 { None } else { one.aside_since.or(Some(now)) };
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[derive(Debug)]
    struct Still(AtomicI64);

    impl Clock for Still {
        fn now(&self) -> Instant {
            Instant::from_millis(self.0.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn an_outage_lasts_from_its_first_look_to_the_first_that_goes_well() {
        let clock = Arc::new(Still(AtomicI64::new(0)));
        let sights = Sights::new(Arc::clone(&clock) as _);
        let axis: HopName = "axis".parse().unwrap();
        let trouble = |why: &str, aside| Sight { trouble: Some(why.to_owned()), aside };
        for (at, sight, failures, since, succeeded, aside) in [
            (1, trouble("away", 0), 1, Some(1), None, None),
            (2, trouble("still away", 2), 2, Some(1), None, Some(2)),
            (3, Sight { trouble: None, aside: 1 }, 0, None, Some(3), Some(2)),
            (4, Sight::default(), 0, None, Some(4), None),
            (5, trouble("away again", 0), 1, Some(5), Some(4), None),
        ] {
            clock.0.store(at, Ordering::Relaxed);
            sights.looked(&axis, "edoc of H37.02", sight.clone());
            let [one] = &sights.all()[..] else { panic!("one") };
            let millis = |at: Option<Instant>| at.map(Instant::as_millis);
            assert_eq!(
                (one.failures, millis(one.since), millis(one.succeeded_at)),
                (failures, since, succeeded),
                "{at}"
            );
            assert_eq!(
                (one.aside, millis(one.aside_since), &one.trouble),
                (sight.aside, aside, &sight.trouble),
                "{at}"
            );
        }
    }
}
