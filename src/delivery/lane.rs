//! One lane: the packets of one urgency due to one neighbour.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use lienthong_contract::HopName;

use super::Shared;
use super::pause::Breaker;
use crate::custody::TransferHeader;
use crate::link::{Content, Link, Transfer};
use crate::store::{Dispatch, Held};

/// How long a lane rests when nothing wakes it: a safety net, every change wakes it.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Longest wait for a receipt, whatever the number of tries.
const LONGEST_ACCEPTANCE_TIMEOUT: Duration = Duration::from_secs(600);
/// The most packets read from the store at once: each may hold some tens of KB.
const READ_AT_ONCE: usize = 64;

pub struct Lane {
    shared: Arc<Shared>,
    peer: HopName,
    link: Arc<dyn Link>,
    urgent: bool,
    wake: Arc<Notify>,
    settled: mpsc::UnboundedReceiver<i64>,
    /// What is under way: by outbox id, with the moment from which it is sent again (none while it is being sent).
    under_way: HashMap<i64, Option<Instant>>,
    tries: HashMap<i64, u32>,
    /// Entries up to here have been looked at.
    cursor: i64,
    breaker: Breaker,
}

struct Sent {
    outbox_id: i64,
    result: Result<(), String>,
    retryable: bool,
}

impl Lane {
    pub fn new(
        shared: Arc<Shared>,
        peer: HopName,
        link: Arc<dyn Link>,
        urgent: bool,
        wake: Arc<Notify>,
        settled: mpsc::UnboundedReceiver<i64>,
    ) -> Self {
        let breaker = Breaker::new(shared.settings.pause, shared.settings.longest_pause);
        let (under_way, tries) = (HashMap::new(), HashMap::new());
        Self { shared, peer, link, urgent, wake, settled, under_way, tries, cursor: 0, breaker }
    }

    /// Works until stopped. What is under way then is sent again at the next start.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut sends: JoinSet<Sent> = JoinSet::new();
        loop {
            self.fill(&mut sends).await;
            let next_look = self.next_look();
            tokio::select! {
                () = stop.cancelled() => return,
                Some(sent) = sends.join_next(), if !sends.is_empty() => {
                    self.finished(sent).await;
                    while let Some(sent) = sends.try_join_next() {
                        self.finished(sent).await;
                    }
                }
                Some(id) = self.settled.recv() => {
                    self.let_go(id);
                    while let Ok(id) = self.settled.try_recv() {
                        self.let_go(id);
                    }
                }
                () = self.wake.notified() => {}
                () = tokio::time::sleep_until(next_look) => self.overdue(),
            }
            self.shared.note(&self.peer, |state| state.failures = self.breaker.failures());
        }
    }

    fn window(&self) -> usize {
        let settings = &self.shared.settings;
        if self.urgent { settings.urgent_window } else { settings.window }
    }

    /// Begins as many sends as there is room for.
    async fn fill(&mut self, sends: &mut JoinSet<Sent>) {
        loop {
            let room = self.window().saturating_sub(self.under_way.len());
            let room = self.breaker.allows(Instant::now(), room, sends.len()).min(READ_AT_ONCE);
            if room == 0 {
                return;
            }
            let due = match self.shared.store.due(&self.peer, self.urgent, self.cursor, room).await {
                Ok(due) => due,
                Err(error) => {
                    tracing::error!(%error, peer = %self.peer, "the outbox cannot be read; it will be tried again");
                    self.breaker.failed(Instant::now());
                    return;
                }
            };
            let Some(last) = due.last() else { return };
            self.cursor = last.outbox_id;
            for dispatch in due {
                if self.under_way.contains_key(&dispatch.outbox_id) {
                    continue;
                }
                self.under_way.insert(dispatch.outbox_id, None);
                sends.spawn(send(Arc::clone(&self.shared), Arc::clone(&self.link), self.peer.clone(), dispatch));
            }
        }
    }

    async fn finished(&mut self, sent: Result<Sent, tokio::task::JoinError>) {
        let sent = match sent {
            Ok(sent) => sent,
            Err(error) => {
                // Which entry it was is lost with the task; what is overdue is sent again.
                tracing::error!(%error, peer = %self.peer, "a send ended abnormally");
                self.forget_all();
                return;
            }
        };
        match sent.result {
            Ok(()) => {
                self.breaker.succeeded();
                // Settled meanwhile: the receipt was faster than the broker's confirm.
                if let Some(place) = self.under_way.get_mut(&sent.outbox_id) {
                    let tries = self.tries.entry(sent.outbox_id).or_insert(0);
                    let wait = self.shared.settings.acceptance_timeout.saturating_mul(1 << (*tries).min(10));
                    *tries = tries.saturating_add(1);
                    *place = Some(Instant::now() + wait.min(LONGEST_ACCEPTANCE_TIMEOUT));
                }
            }
            Err(error) => self.failed(sent.outbox_id, error, sent.retryable).await,
        }
    }

    async fn failed(&mut self, outbox_id: i64, error: String, retryable: bool) {
        tracing::warn!(peer = %self.peer, outbox_id, %error, "a packet could not be sent; it stays queued");
        self.shared.note(&self.peer, |state| state.last_error = Some(error.clone()));
        if let Err(error) = self.shared.store.attempt_failed(outbox_id, error).await {
            tracing::error!(%error, outbox_id, "the failed attempt could not be noted");
        }
        if retryable {
            self.breaker.failed(Instant::now());
            self.under_way.remove(&outbox_id);
            self.cursor = self.cursor.min(outbox_id.saturating_sub(1));
        } else {
            // This packet is at fault, not the path: it waits alone while the others go on.
            let wait = self.shared.settings.longest_pause;
            self.under_way.insert(outbox_id, Some(Instant::now() + wait));
        }
    }

    fn let_go(&mut self, outbox_id: i64) {
        self.under_way.remove(&outbox_id);
        self.tries.remove(&outbox_id);
    }

    /// Lets what was not answered in time be found again.
    fn overdue(&mut self) {
        let now = Instant::now();
        let late: Vec<i64> =
            self.under_way.iter().filter(|(_, again)| again.is_some_and(|at| at <= now)).map(|(id, _)| *id).collect();
        for id in late {
            tracing::warn!(peer = %self.peer, outbox_id = id, "no receipt in time; the packet is sent again");
            self.under_way.remove(&id);
            self.cursor = self.cursor.min(id.saturating_sub(1));
        }
    }

    fn forget_all(&mut self) {
        self.under_way.retain(|_, again| again.is_some());
        self.cursor = 0;
        self.breaker.failed(Instant::now());
    }

    fn next_look(&self) -> Instant {
        let limit = Instant::now() + LOOK_AGAIN;
        let overdue = self.under_way.values().flatten().min().copied();
        [overdue, self.breaker.open_until()].into_iter().flatten().fold(limit, Instant::min)
    }
}

async fn send(shared: Arc<Shared>, link: Arc<dyn Link>, peer: HopName, dispatch: Dispatch) -> Sent {
    let outbox_id = dispatch.outbox_id;
    let header = match serde_json::to_vec(&TransferHeader::of(&shared.hop, &dispatch)) {
        Ok(header) => header,
        Err(error) => return Sent { outbox_id, result: Err(error.to_string()), retryable: false },
    };
    let content = match dispatch.held {
        Held::Inline(bytes) => Content::Bytes(bytes),
        Held::File | Held::Dropped => Content::File { path: shared.blobs.path(dispatch.digest), len: dispatch.size },
    };
    // One name for one entry, so that frames of a repeated transfer fall into place at the far end.
    let transfer_id = format!("{}-{outbox_id}", shared.hop);
    let transfer = Transfer { header, content, urgent: dispatch.urgent, transfer_id };
    match link.send(&peer, transfer).await {
        Ok(()) => Sent { outbox_id, result: Ok(()), retryable: true },
        Err(error) => Sent { outbox_id, retryable: error.is_retryable(), result: Err(error.to_string()) },
    }
}
