//! The machine's clock: the one place where the time of day is read.

use lienthong_contract::{Clock, Instant};

/// The clock of the machine, which the operator keeps in step by NTP (QĐ 28/2018/QĐ-TTg Điều 14).
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // everything else is handed this clock
    fn now(&self) -> Instant {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Instant::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
