//! The receipt lane: our receipts on their way to one neighbour, in signed batches.
//!
//! New receipts are sent in the order in which they were queued. Those that are not confirmed in time are found by a
//! second look from the beginning, which takes turns with the new ones: receipts that the neighbour never confirms
//! cannot stop the others. A receipt that is queued once more has a larger number and counts as new.

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
/// Longest wait for a confirmation, whatever the number of tries.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(600);

pub struct ReceiptLane {
    shared: Arc<Shared>,
    peer: HopName,
    link: Arc<dyn Link>,
    wake: Arc<Notify>,
    stored: mpsc::Receiver<Vec<Digest>>,
    /// Sent and not yet known to be stored, with the moment from which they are sent again.
    under_way: HashMap<Digest, Instant>,
    /// How often what is overdue was sent; forgotten when all is confirmed.
    tries: HashMap<Digest, u32>,
    /// Receipts up to here were sent once.
    cursor: i64,
    /// How far the second look has come, while there is one.
    second: Option<i64>,
    turn_of_second: bool,
    /// Something became overdue since the second look began.
    look_once_more: bool,
    breaker: Breaker,
}

impl ReceiptLane {
    pub fn new(
        shared: Arc<Shared>,
        peer: HopName,
        link: Arc<dyn Link>,
        wake: Arc<Notify>,
        stored: mpsc::Receiver<Vec<Digest>>,
    ) -> Self {
        let breaker = Breaker::new(shared.settings.pause, shared.settings.longest_pause);
        let (under_way, tries) = (HashMap::new(), HashMap::new());
        let (cursor, second, turn_of_second, look_once_more) = (0, None, false, false);
        Self {
            shared,
            peer,
            link,
            wake,
            stored,
            under_way,
            tries,
            cursor,
            second,
            turn_of_second,
            look_once_more,
            breaker,
        }
    }

    /// Works until stopped.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            self.overdue();
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
                () = tokio::time::sleep_until(next_look) => {}
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
        let (found, last) = match self.next_waiting(room).await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(%error, peer = %self.peer, "queued receipts cannot be read; it will be tried again");
                self.breaker.failed(Instant::now());
                return false;
            }
        };
        if found.is_empty() {
            return false;
        }
        let mut fresh: Vec<QueuedReceipt> =
            found.into_iter().filter(|receipt| !self.under_way.contains_key(&receipt.digest)).collect();
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
            let (now, timeout) = (Instant::now(), self.shared.settings.acceptance_timeout);
            for digest in digests {
                let tries = self.tries.get(&digest).copied().unwrap_or(0);
                let wait = timeout.saturating_mul(1 << tries.min(10)).min(LONGEST_TIMEOUT.max(timeout));
                self.under_way.insert(digest, now + wait);
            }
            fresh = rest;
        }
        if self.turn_of_second {
            self.second = (last < self.cursor).then_some(last);
        } else {
            self.cursor = last;
        }
        true
    }

    /// Up to `room` receipts from whichever side's turn it is, and the number of the last.
    async fn next_waiting(&mut self, room: usize) -> crate::store::Result<(Vec<QueuedReceipt>, i64)> {
        self.turn_of_second = !self.turn_of_second && self.second.is_some();
        if let Some(second) = self.second.filter(|_| self.turn_of_second) {
            let found = self.shared.store.queued_receipts(&self.peer, second, room).await?;
            if !found.0.is_empty() && second < self.cursor {
                return Ok(found);
            }
            (self.second, self.turn_of_second) = (None, false);
        }
        let found = self.shared.store.queued_receipts(&self.peer, self.cursor, room).await?;
        let Some(second) = self.second.filter(|_| found.0.is_empty()) else { return Ok(found) };
        self.turn_of_second = true;
        let found = self.shared.store.queued_receipts(&self.peer, second, room).await?;
        if found.0.is_empty() {
            self.second = None;
        }
        Ok(found)
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
            self.tries.remove(digest);
        }
        let consign = self.shared.consign();
        match self.shared.store.receipts_delivered(&self.peer, digests, consign).await {
            Ok(delivered) => {
                delivered.queued.iter().for_each(|(hop, urgent)| self.shared.packet_waits(hop, *urgent));
                if delivered.answers {
                    self.wake.notify_one();
                }
            }
            Err(error) => {
                tracing::error!(%error, peer = %self.peer, "delivered receipts could not be noted; they are sent again");
            }
        }
    }

    fn overdue(&mut self) {
        let now = Instant::now();
        let tries = &mut self.tries;
        let before = self.under_way.len();
        self.under_way.retain(|digest, again| {
            let late = *again <= now;
            if late {
                let tries = tries.entry(*digest).or_insert(0);
                *tries = tries.saturating_add(1);
            }
            !late
        });
        self.look_once_more |= self.under_way.len() < before;
        if self.second.is_none() && std::mem::take(&mut self.look_once_more) {
            self.second = Some(0);
        }
    }

    fn next_look(&self) -> Instant {
        let now = Instant::now();
        let overdue = self.under_way.values().min().copied();
        // A breaker that is half open already is no reason to look.
        let breaker = self.breaker.open_until().filter(|until| *until > now);
        [overdue, breaker].into_iter().flatten().fold(now + LOOK_AGAIN, Instant::min)
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
