//! Bodies whose time is over, and old refusals: deleted in small batches while the gateway runs.
//!
//! The store notes the deletion first, then the file goes: a crash in between leaves a file that the next start sweeps.
//! Whoever brings the same bytes in at the same moment keeps them: the file is taken away only under the hold that
//! [`Blobs`] gives, and the store deletes nothing of a packet that is under way again.

use std::sync::Arc;
use std::time::Duration;

use lienthong_contract::{Clock, Instant};
use tokio_util::sync::CancellationToken;

use crate::config::Retention;
use crate::store::retention::{DeletionReason, EndedPacket, RetentionStore};
use crate::store::{Blobs, Result};

/// Pause after all packets were looked at, and between two batches.
const ROUND: Duration = Duration::from_secs(300);
const BREATH: Duration = Duration::from_millis(200);
/// Packets looked at, or refusals deleted, at a time.
const BATCH: usize = 64;

const DAY_MILLIS: i64 = 86_400_000;

/// What retention works with.
pub struct Keeper {
    pub store: Arc<dyn RetentionStore>,
    pub blobs: Blobs,
    pub clock: Arc<dyn Clock>,
    pub rules: Retention,
}

impl Keeper {
    /// Looks at one batch of packets after this position; gives where to go on, and how many bodies were deleted.
    pub async fn batch(&self, after: i64) -> Result<(Option<i64>, usize)> {
        let now = self.clock.now();
        // What has come since cannot have ended long enough ago; what was exported may go at once.
        let oldest = if self.rules.after_export { Some(now) } else { self.cutoff(now, self.rules.bodies_days) };
        let Some(before) = oldest else { return Ok((None, 0)) };
        let (ended, next) = self.store.ended_packets(after, before, BATCH).await?;
        let mut deleted = 0;
        for packet in ended {
            if let Some(reason) = self.reason(&packet, now) {
                deleted += usize::from(self.delete(&packet, reason, now).await?);
            }
        }
        Ok((next, deleted))
    }

    fn cutoff(&self, now: Instant, days: Option<u64>) -> Option<Instant> {
        let days = i64::try_from(days?).unwrap_or(i64::MAX);
        Some(now.plus_millis(days.saturating_mul(-DAY_MILLIS)))
    }

    fn reason(&self, packet: &EndedPacket, now: Instant) -> Option<DeletionReason> {
        if self.cutoff(now, self.rules.bodies_days).is_some_and(|cutoff| packet.ended <= cutoff) {
            Some(DeletionReason::Retention)
        } else {
            (self.rules.after_export && packet.exported).then_some(DeletionReason::Exported)
        }
    }

    async fn delete(&self, packet: &EndedPacket, reason: DeletionReason, now: Instant) -> Result<bool> {
        let hold = match packet.in_file {
            // Somebody is just bringing the same bytes in: another time.
            true => match self.blobs.claim(packet.digest) {
                Some(hold) => Some(hold),
                None => return Ok(false),
            },
            false => None,
        };
        if !self.store.delete_body(packet.row, reason, now).await? {
            return Ok(false);
        }
        if let Some(Err(error)) = hold.map(crate::store::Kept::discard)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::error!(%error, doc_id = %packet.doc_id, "a deleted packet's file stays until the next start");
        }
        tracing::info!(doc_id = %packet.doc_id, reason = reason.as_str(), "the body of a packet is deleted");
        Ok(true)
    }

    async fn prune(&self) -> Result<usize> {
        let Some(before) = self.cutoff(self.clock.now(), self.rules.refusals_days) else { return Ok(0) };
        self.store.prune_refusals(before, BATCH).await
    }
}

/// Works until stopped; nothing when nothing is to be deleted ever.
pub async fn watch(keeper: Keeper, stop: CancellationToken) {
    if !keeper.rules.deletes() {
        return;
    }
    let mut after = 0;
    loop {
        let (bodies, refusals) = (keeper.batch(after).await, keeper.prune().await);
        for error in [bodies.as_ref().err(), refusals.as_ref().err()].into_iter().flatten() {
            tracing::error!(%error, "what is over its time cannot be deleted; it will be tried again");
        }
        let next = bodies.ok().and_then(|(next, _)| next);
        let more = next.is_some() || refusals.is_ok_and(|pruned| pruned == BATCH);
        after = next.unwrap_or(0);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(if more { BREATH } else { ROUND }) => {}
        }
    }
}

#[cfg(test)]
mod tests;
