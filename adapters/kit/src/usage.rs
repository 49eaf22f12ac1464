//! What callers may use: every limit with its reason, and the account of each system.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What one system, one connection and one request may cost.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest body in bytes.
    pub max_packet_bytes: u64,
    /// Largest body of every other operation: an agency's registration fits many times over.
    pub max_small_body: usize,
    /// Largest head of a request: 500 recipients, once plain and once escaped, are some 50 KB.
    pub max_head_bytes: usize,
    pub max_header_fields: usize,
    pub max_connections: usize,
    pub handshake: Duration,
    /// For a request's head, and how long an unused connection is kept.
    pub head: Duration,
    /// Longest silence within a body.
    pub body_idle: Duration,
    /// Time that is waited for a sender before it must be as quick as `min_bytes_per_second`.
    pub body_grace: Duration,
    pub min_bytes_per_second: u32,
    /// Longest wait for a client that does not take the answer.
    pub write_stall: Duration,
    /// How long a closed connection is listened to, so that the answer is not lost to bytes still coming.
    pub linger: Duration,
    /// Longest time that requests in progress may take when the gateway stops.
    pub drain: Duration,
    /// Rows of one list.
    pub max_list: usize,
    /// Requests a second of one system, on average and at once.
    pub requests_per_second: NonZeroU32,
    pub request_burst: NonZeroU32,
    /// Requests of one system under way at once.
    pub requests_at_once: usize,
    /// Oldest timestamp; any when absent, as clients keep one for days.
    pub max_age: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_packet_bytes: 128 << 20,
            max_small_body: 64 << 10,
            max_head_bytes: 256 << 10,
            max_header_fields: 200,
            max_connections: 1024,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(30),
            body_idle: Duration::from_secs(30),
            body_grace: Duration::from_secs(10),
            min_bytes_per_second: 8 << 10,
            write_stall: Duration::from_secs(60),
            linger: Duration::from_secs(2),
            drain: Duration::from_secs(30),
            max_list: 5_000,
            requests_per_second: NonZeroU32::MIN.saturating_add(199),
            request_burst: NonZeroU32::MIN.saturating_add(399),
            requests_at_once: 32,
            max_age: None,
        }
    }
}

/// The account of one system.
#[derive(Debug)]
struct Account {
    rate: DefaultDirectRateLimiter,
    places: Arc<Semaphore>,
}

/// The accounts of all systems that ever signed a request rightly: as many as the configuration knows at most.
#[derive(Debug, Default)]
pub struct Accounts(Mutex<HashMap<String, Arc<Account>>>);

impl Accounts {
    /// A place for one request of this system; nothing when it asks too often, or too much at once.
    pub fn enter(&self, system: &str, limits: &Limits) -> Option<OwnedSemaphorePermit> {
        let account = {
            let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let account = accounts.entry(system.to_owned()).or_insert_with(|| {
                let quota = Quota::per_second(limits.requests_per_second).allow_burst(limits.request_burst);
                let places = Arc::new(Semaphore::new(limits.requests_at_once));
                Arc::new(Account { rate: RateLimiter::direct(quota), places })
            });
            Arc::clone(account)
        };
        account.rate.check().ok()?;
        Arc::clone(&account.places).try_acquire_owned().ok()
    }
}

/// Signatures seen lately and where they came from: there is no nonce in this protocol, so the same signature from a
/// second address is the only trace that an overheard request leaves.
#[derive(Debug, Default)]
pub struct Sightings(Mutex<[HashMap<Vec<u8>, Sighting>; 2]>);

/// Where a signature was first seen, and whether it was told that it came from elsewhere too.
#[derive(Debug, Clone, Copy)]
struct Sighting {
    first: IpAddr,
    told: bool,
}

/// Signatures remembered, half of them at least.
const SIGHTINGS: usize = 16_384;

impl Sightings {
    /// Notes a signature; where else it was first seen, if it was. Said once: a system behind several addresses sends the
    /// same signature for days.
    pub fn elsewhere(&self, tag: &[u8], from: IpAddr) -> Option<IpAddr> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [now, before] = &mut *seen;
        if let Some(seen) = now.get_mut(tag).or_else(|| before.get_mut(tag)) {
            let elsewhere = seen.first != from && !seen.told;
            seen.told |= elsewhere;
            return elsewhere.then_some(seen.first);
        }
        if now.len() >= SIGHTINGS / 2 {
            *before = std::mem::take(now);
        }
        now.insert(tag.to_vec(), Sighting { first: from, told: false });
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_system_has_its_places_and_its_rate() {
        let limits = Limits { requests_at_once: 1, ..Limits::default() };
        let accounts = Accounts::default();
        let place = accounts.enter("H37.02", &limits);
        assert!(place.is_some() && accounts.enter("H37.02", &limits).is_none());
        assert!(accounts.enter("H37.03", &limits).is_some(), "each has its own");
        drop(place);
        assert!(accounts.enter("H37.02", &limits).is_some());
        let limits =
            Limits { requests_per_second: NonZeroU32::MIN, request_burst: NonZeroU32::MIN, ..Limits::default() };
        let accounts = Accounts::default();
        assert!(accounts.enter("H37.02", &limits).is_some() && accounts.enter("H37.02", &limits).is_none());
    }

    #[test]
    fn a_signature_is_remembered_with_its_first_address_and_memory_is_bounded() {
        let seen = Sightings::default();
        let (here, there): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        assert_eq!(seen.elsewhere(b"a", here), None);
        assert_eq!(seen.elsewhere(b"a", here), None);
        assert_eq!(seen.elsewhere(b"a", there), Some(here));
        assert_eq!(seen.elsewhere(b"a", there), None, "said once");
        for number in 0..3 * SIGHTINGS {
            seen.elsewhere(&number.to_be_bytes(), here);
        }
        assert!(seen.0.lock().unwrap().iter().map(HashMap::len).sum::<usize>() <= SIGHTINGS + 2);
        assert_eq!(seen.elsewhere(b"a", there), None, "long forgotten");
    }
}
