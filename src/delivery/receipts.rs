//! The receipt lane: our receipts on their way to one neighbour, in signed batches.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use lienthong_contract::{Digest, HopName};

use super::Shared;
use super::pause::Breaker;
use crate::custody::{Batch, MAX_BATCH, MAX_BATCH_BYTES};
use crate::link::Link;
use crate::store::QueuedReceipt;

/// See [`super::lane`].
const LOOK_AGAIN: Duration = Duration::from_secs(5);

pub struct ReceiptLane {
    shared: Arc<Shared>,
    peer: HopName,
    link: Arc<dyn Link>,
    wake: Arc<Notify>,
    stored: mpsc::UnboundedReceiver<Vec<Digest>>,
    /// Sent and not yet known to be stored, with the moment from which they are sent again.
    under_way: HashMap<Digest, Instant>,
    cursor: i64,
    breaker: Breaker,
}

impl ReceiptLane {
    pub fn new(
        shared: Arc<Shared>,
        peer: HopName,
        link: Arc<dyn Link>,
        wake: Arc<Notify>,
        stored: mpsc::UnboundedReceiver<Vec<Digest>>,
    ) -> Self {
        let breaker = Breaker::new(shared.settings.pause, shared.settings.longest_pause);
        Self { shared, peer, link, wake, stored, under_way: HashMap::new(), cursor: 0, breaker }
    }

    /// Works until stopped.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let sent = self.send_waiting().await;
            if sent {
                // Receipts that come close together share a batch and its signature.
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(self.shared.settings.linger) => {}
                }
                self.take_answers().await;
                continue;
            }
            let next_look = self.next_look();
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wake.notified() => tokio::time::sleep(self.shared.settings.linger).await,
                Some(digests) = self.stored.recv() => self.delivered(digests).await,
                () = tokio::time::sleep_until(next_look) => self.overdue(),
            }
            self.take_answers().await;
        }
    }

    /// Sends one batch; false when there was none to send, or it could not be.
    async fn send_waiting(&mut self) -> bool {
        let room = self.shared.settings.receipt_window.saturating_sub(self.under_way.len()).min(MAX_BATCH);
        if self.breaker.allows(Instant::now(), room, 0) == 0 {
            return false;
        }
        let (waiting, last) = match self.shared.store.queued_receipts(&self.peer, self.cursor, room).await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(%error, peer = %self.peer, "queued receipts cannot be read; it will be tried again");
                self.breaker.failed(Instant::now());
                return false;
            }
        };
        if waiting.is_empty() {
            return false;
        }
        let mut fresh: Vec<QueuedReceipt> =
            waiting.into_iter().filter(|receipt| !self.under_way.contains_key(&receipt.digest)).collect();
        while !fresh.is_empty() {
            let rest = fresh.split_off(within_bytes(&fresh));
            let digests: Vec<Digest> = fresh.iter().map(|receipt| receipt.digest).collect();
            if let Err(error) = self.send(fresh).await {
                tracing::warn!(%error, peer = %self.peer, "receipts could not be sent; they stay queued");
                self.shared.note(&self.peer, |state| state.last_error = Some(error));
                self.breaker.failed(Instant::now());
                return false;
            }
            self.breaker.succeeded();
            let again = Instant::now() + self.shared.settings.acceptance_timeout;
            self.under_way.extend(digests.into_iter().map(|digest| (digest, again)));
            fresh = rest;
        }
        self.cursor = last;
        true
    }

    async fn send(&self, receipts: Vec<QueuedReceipt>) -> Result<(), String> {
        let batch = Batch::Receipts {
            from_hop: self.shared.hop.clone(),
            time: self.shared.clock.now(),
            receipts: receipts.into_iter().map(|receipt| receipt.jws).collect(),
        };
        let bytes = batch.sign(self.shared.signer.as_ref()).map_err(|error| error.to_string())?;
        self.link.send_receipts(&self.peer, bytes.into()).await.map_err(|error| error.to_string())
    }

    async fn take_answers(&mut self) {
        let mut all = Vec::new();
        while let Ok(digests) = self.stored.try_recv() {
            all.extend(digests);
        }
        if !all.is_empty() {
            self.delivered(all).await;
        }
    }

    async fn delivered(&mut self, digests: Vec<Digest>) {
        for digest in &digests {
            self.under_way.remove(digest);
        }
        if let Err(error) = self.shared.store.receipts_delivered(&self.peer, digests).await {
            tracing::error!(%error, peer = %self.peer, "delivered receipts could not be noted; they are sent again");
        }
    }

    fn overdue(&mut self) {
        let now = Instant::now();
        let before = self.under_way.len();
        self.under_way.retain(|_, again| *again > now);
        if self.under_way.len() < before {
            self.cursor = 0;
        }
    }

    fn next_look(&self) -> Instant {
        let limit = Instant::now() + LOOK_AGAIN;
        let overdue = self.under_way.values().min().copied();
        [overdue, self.breaker.open_until()].into_iter().flatten().fold(limit, Instant::min)
    }
}

/// How many receipts fit into one batch by size; at least one.
fn within_bytes(receipts: &[QueuedReceipt]) -> usize {
    let mut bytes = 0;
    let fits = receipts.iter().take_while(|receipt| {
        bytes += receipt.jws.len();
        bytes <= MAX_BATCH_BYTES
    });
    fits.count().max(1)
}
