//! What each client certificate uses of the gateway: its rate of requests and its uploads in progress.
//!
//! The map is bounded. An entry is shared by the open connections of its certificate; when the map is full, entries
//! without a connection are forgotten, and if there are none, the newcomer is asked to wait.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use lienthong_contract::Digest;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Limits;

/// One certificate's use.
pub struct Caller {
    pub fingerprint: Digest,
    rate: DefaultDirectRateLimiter,
    uploads: Arc<Semaphore>,
}

impl Caller {
    fn new(fingerprint: Digest, limits: &Limits) -> Self {
        let quota = Quota::per_second(limits.requests_per_second).allow_burst(limits.request_burst);
        Self {
            fingerprint,
            rate: RateLimiter::direct(quota),
            uploads: Arc::new(Semaphore::new(limits.uploads_per_caller)),
        }
    }

    /// Counts one request.
    ///
    /// # Errors
    /// How long to wait, when there were too many.
    pub fn request(&self) -> Result<(), Duration> {
        self.rate.check().map_err(|not_yet| not_yet.wait_time_from(DefaultClock::default().now()))
    }

    /// Room for one upload, given back when the permit is dropped.
    pub fn upload(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.uploads).try_acquire_owned().ok()
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
pub struct Callers(Mutex<HashMap<Digest, Arc<Caller>>>);

impl Callers {
    /// The use of this certificate, or nothing when too many others are connected.
    pub fn meet(&self, fingerprint: Digest, limits: &Limits) -> Option<Arc<Caller>> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(caller) = map.get(&fingerprint) {
            return Some(Arc::clone(caller));
        }
        if map.len() >= limits.max_callers {
            map.retain(|_, caller| Arc::strong_count(caller) > 1);
        }
        if map.len() >= limits.max_callers {
            return None;
        }
        let caller = Arc::new(Caller::new(fingerprint, limits));
        map.insert(fingerprint, Arc::clone(&caller));
        Some(caller)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_map_of_callers_is_bounded_and_forgets_the_absent_first() {
        let limits = Limits { max_callers: 2, ..Limits::default() };
        let callers = Callers::default();
        let (one, two, three) = (Digest::of(b"1"), Digest::of(b"2"), Digest::of(b"3"));
        let first = callers.meet(one, &limits).unwrap();
        let second = callers.meet(two, &limits).unwrap();
        assert!(callers.meet(three, &limits).is_none(), "both places are taken by open connections");
        drop(second);
        assert!(callers.meet(three, &limits).is_some());
        assert!(Arc::ptr_eq(&first, &callers.meet(one, &limits).unwrap()), "the connected caller was kept");
    }

    #[test]
    fn uploads_in_progress_are_counted_and_given_back() {
        let caller = Caller::new(Digest::of(b"1"), &Limits { uploads_per_caller: 1, ..Limits::default() });
        let permit = caller.upload();
        assert!(permit.is_some() && caller.upload().is_none());
        drop(permit);
        assert!(caller.upload().is_some());
    }
}
