//! How often an address may come in.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use lienthong_contract::Instant;

/// Addresses counted in one minute. When there are more, nobody new comes in until the next.
const ADDRESSES: usize = 4096;
const MINUTE_MILLIS: i64 = 60_000;

/// Counts who came in this minute.
#[derive(Debug)]
pub struct Turnstile {
    per_minute: u32,
    seen: Mutex<(i64, HashMap<IpAddr, u32>)>,
}

impl Turnstile {
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute, seen: Mutex::default() }
    }

    pub fn lets_in(&self, from: IpAddr, now: Instant) -> bool {
        let minute = now.as_millis().div_euclid(MINUTE_MILLIS);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.0 != minute {
            *seen = (minute, HashMap::new());
        }
        let full = seen.1.len() >= ADDRESSES;
        match seen.1.get_mut(&network(from)) {
            Some(count) if *count >= self.per_minute => false,
            Some(count) => {
                *count += 1;
                true
            }
            None if full => false,
            None => {
                seen.1.insert(network(from), 1);
                true
            }
        }
    }
}

/// Who has one IPv6 address has the 2^64 beside it.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_network_has_its_own_minute() {
        let turnstile = Turnstile::new(2);
        let now = Instant::from_millis(120_000);
        let comes = |from: &str, now| turnstile.lets_in(from.parse().unwrap(), now);
        assert!(comes("10.0.0.1", now) && comes("10.0.0.1", now) && !comes("10.0.0.1", now));
        assert!(comes("10.0.0.2", now));
        assert!(comes("2001:db8::1", now) && comes("2001:db8::2", now) && !comes("2001:db8::3", now));
        assert!(comes("10.0.0.1", now.plus_millis(60_000)));
    }

    #[test]
    fn more_addresses_than_are_counted_wait_for_the_next_minute() {
        let turnstile = Turnstile::new(1);
        let now = Instant::from_millis(0);
        let many = (0..u32::try_from(ADDRESSES).unwrap()).filter(|at| turnstile.lets_in(IpAddr::V4((*at).into()), now));
        assert_eq!(many.count(), ADDRESSES);
        assert!(!turnstile.lets_in("203.0.113.1".parse().unwrap(), now));
        assert!(turnstile.lets_in("203.0.113.1".parse().unwrap(), now.plus_millis(60_000)));
    }
}
