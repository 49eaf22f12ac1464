//! The circuit breaker of a lane: after failures it pauses, longer each time, with some chance in the length so that
//! neighbours do not all come back in the same instant.

use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use tokio::time::Instant;

/// Closed: work goes on. Open until a moment: nothing is tried before it; then one try decides.
#[derive(Debug)]
pub struct Breaker {
    first: Duration,
    longest: Duration,
    failures: u32,
    open_until: Option<Instant>,
}

impl Breaker {
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, failures: 0, open_until: None }
    }

    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// A try went wrong. Failures of tries that were under way together count once.
    pub fn failed(&mut self, now: Instant) {
        if self.open_until.is_some_and(|until| now < until) {
            return;
        }
        let doubled = self.first.saturating_mul(1 << self.failures.min(16)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        self.open_until = Some(now + doubled.mul_f64(chance()));
    }

    pub fn succeeded(&mut self) {
        self.failures = 0;
        self.open_until = None;
    }

    /// How many tries may be begun now, of the number that there is room for.
    pub fn allows(&self, now: Instant, room: usize, under_way: usize) -> usize {
        match self.open_until {
            Some(until) if now < until => 0,
            // Half open: a single try decides for all.
            Some(_) => usize::from(under_way == 0).min(room),
            None => room,
        }
    }

    /// When it is worth looking again.
    pub const fn open_until(&self) -> Option<Instant> {
        self.open_until
    }
}

/// Between 0.75 and 1.25.
fn chance() -> f64 {
    let mut byte = [128];
    // Without chance the pause is merely exact.
    let _ = SystemRandom::new().fill(&mut byte);
    let [byte] = byte;
    0.75 + f64::from(byte) / 510.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_lengthen_the_pause_and_one_success_ends_it() {
        let now = Instant::now();
        let mut breaker = Breaker::new(Duration::from_secs(1), Duration::from_secs(8));
        assert_eq!(breaker.allows(now, 5, 0), 5);
        breaker.failed(now);
        breaker.failed(now);
        assert_eq!((breaker.failures(), breaker.allows(now, 5, 0)), (1, 0));
        let later = now + Duration::from_secs(2);
        assert_eq!((breaker.allows(later, 5, 0), breaker.allows(later, 5, 1)), (1, 0));
        for step in 1..40 {
            breaker.failed(now + Duration::from_secs(20 * step));
        }
        let last = now + Duration::from_secs(20 * 39);
        assert!(breaker.open_until().is_some_and(|until| until <= last + Duration::from_secs(10)));
        breaker.succeeded();
        assert_eq!((breaker.failures(), breaker.allows(last, 5, 3)), (0, 5));
    }
}
