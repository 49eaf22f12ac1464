//! Statistics of sending and receiving, and how far the statutory limits were kept (QĐ 28/2018/QĐ-TTg Điều 11, 15).
//!
//! * [`period`]: months, quarters and years.
//! * [`report`]: the figures of a period, by agency, level and time.
//! * [`export`], [`chart`]: the same as spreadsheet, as CSV, and drawn.
//! * [`feed`]: what the province's monitoring centre and the public are given: totals, never anything of a document.
//!
//! The store keeps the sums ([`crate::store::StatisticsStore`]); [`follow`] lets them follow what comes in, in the background. Failure story:
//! a gateway that stops in between goes on from where the store is; the figures tell the time up to which they are complete.

pub mod chart;
pub mod export;
pub mod feed;
pub mod period;
pub mod report;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lienthong_contract::{AgencyCode, Clock, Instant};
use tokio_util::sync::CancellationToken;

use crate::statutory::Terms;
use crate::store::StatisticsStore;

/// Receipts and statuses that are followed at once.
const AT_ONCE: usize = 256;
/// Until it is looked again, when there was nothing.
const REST: Duration = Duration::from_secs(2);
/// Between two portions, so that all of an older store can be followed beside a gateway at work.
const PAUSE: Duration = Duration::from_millis(10);

/// The statistics of a running gateway.
pub struct Statistics {
    pub store: Arc<dyn StatisticsStore>,
    pub terms: Arc<Terms>,
    /// Milliseconds; 0 until everything was followed once.
    updated_at: AtomicI64,
}

impl fmt::Debug for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statistics").field("updated_at", &self.updated_at()).finish_non_exhaustive()
    }
}

impl Statistics {
    #[must_use]
    pub fn new(store: Arc<dyn StatisticsStore>, terms: Arc<Terms>) -> Self {
        Self { store, terms, updated_at: AtomicI64::new(0) }
    }

    /// The moment up to which the figures are complete; none while older receipts are still being followed.
    #[must_use]
    pub fn updated_at(&self) -> Option<Instant> {
        let millis = self.updated_at.load(Ordering::Acquire);
        (millis > 0).then_some(Instant::from_millis(millis))
    }

    /// Follows all there is.
    ///
    /// # Errors
    /// [`crate::store::Error`].
    pub async fn catch_up(&self, clock: &dyn Clock) -> crate::store::Result<()> {
        loop {
            let now = clock.now();
            if !self.store.fold(Arc::clone(&self.terms), AT_ONCE).await? {
                self.updated_at.store(now.as_millis(), Ordering::Release);
                return Ok(());
            }
            // What comes in goes first.
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Keeps the figures up with the store until stopped.
pub async fn follow(statistics: Arc<Statistics>, clock: Arc<dyn Clock>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            done = statistics.catch_up(clock.as_ref()) => {
                if let Err(error) = done {
                    tracing::warn!(%error, "the statistics cannot follow what was stored; it will be tried again");
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(REST) => {}
        }
    }
}

/// The level of an agency by its code (QĐ 20/2020/QĐ-TTg): 1 a ministry or province, 2 and on what is below; none for codes of another
/// form, such as those of enterprises.
#[must_use]
pub fn level(code: &AgencyCode) -> Option<u8> {
    let code = code.to_new_form();
    let mut groups = code.as_str().split('.');
    let is_first = matches!(groups.next()?.as_bytes(), [letter, tens, ones]
        if letter.is_ascii_uppercase() && tens.is_ascii_digit() && ones.is_ascii_digit());
    let below = groups.filter(|group| !group.is_empty()).count();
    is_first.then(|| u8::try_from(below.saturating_add(1)).unwrap_or(u8::MAX))
}
