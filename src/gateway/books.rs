//! The books of a running gateway: kept on from the start and every few minutes, and alarmed when they do not balance.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use lienthong_contract::{Clock, HopName, Instant};
use tokio_util::sync::CancellationToken;

use crate::books::{self, Account, Figures, LinkBooks, findings, kept, statement};
use crate::custody::Batch;
use crate::delivery::Delivery;
use crate::store::SqliteStore;

/// How often the books are kept on and drawn up: what has come since is read.
const EVERY: Duration = Duration::from_secs(300);
/// Every so many times they are compared with all states and logged, and recounted from all receipts.
const COMPARED: u64 = 12;
/// First an hour after the start, so that a gateway that is restarted every night comes to it, too.
const RECOUNTED: u64 = 288;
/// How often is looked whether a statement is due.
const STATE_EVERY: Duration = Duration::from_secs(600);
/// Until links are up.
const STATE_FIRST: Duration = Duration::from_secs(15);
/// The most differences that are logged each time; `lienthong admin account` tells them all.
const MAX_LOGGED: usize = 20;

/// The figures as they were last.
#[derive(Debug, Clone)]
pub struct Last {
    pub total: Figures,
    pub differences: u64,
    /// In flight by kind and name of the destination; all mailboxes together, under no name.
    pub in_flight: Vec<(&'static str, String, u64)>,
    pub at: Instant,
}

/// The books as they are kept.
pub struct Kept {
    hop: HopName,
    store: Arc<SqliteStore>,
    clock: Arc<dyn Clock>,
    last: RwLock<Option<Last>>,
}

impl Kept {
    pub fn new(hop: HopName, store: Arc<SqliteStore>, clock: Arc<dyn Clock>) -> Self {
        Self { hop, store, clock, last: RwLock::default() }
    }

    /// For readiness: what the books say, once they were drawn up. Nothing to tell when they balance.
    pub fn part(&self) -> Option<(String, bool, String)> {
        let Last { total, differences, .. } = self.last()?;
        let Figures { accepted, handed_over, refused, failed, passed_outside, in_flight, balanced } = total;
        let text = format!(
            "accepted {accepted}, handed over {handed_over}, refused {refused}, failed {failed}, \
             passed outside {passed_outside}, in flight {in_flight}; differences: {differences}; see: lienthong admin account"
        );
        Some(("books".to_owned(), balanced, if balanced { String::new() } else { text }))
    }

    /// The books as they were drawn up last.
    pub fn last(&self) -> Option<Last> {
        self.last.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn account(&self, round: u64) -> crate::store::Result<Account> {
        let (store, hop) = (self.store.as_ref(), &self.hop);
        kept::catch_up(store, hop).await?;
        let mut account = if round % RECOUNTED == COMPARED - 1 {
            let recount = kept::recount(store, hop).await?;
            if recount.wrong > 0 {
                tracing::error!(
                    code = findings::KEPT_DIFFERS.code,
                    wrong = recount.wrong,
                    "{}; they are made anew",
                    findings::KEPT_DIFFERS.title.en
                );
                kept::forget(store).await?;
            }
            recount.account
        } else {
            kept::account(store, hop, None, round.is_multiple_of(COMPARED)).await?
        };
        statement::enter(store, &mut account, None, self.clock.now()).await?;
        Ok(account)
    }

    async fn draw_up(&self, round: u64) {
        let account = match self.account(round).await {
            Ok(account) => account,
            Err(error) => {
                tracing::error!(%error, "the books cannot be drawn up; it will be tried again");
                return;
            }
        };
        let Figures { accepted, handed_over, refused, failed, passed_outside, in_flight, balanced } = account.total;
        let before = self.last().map(|last| last.differences);
        let news = before.is_none_or(|before| before != account.differences_in_all) || round.is_multiple_of(COMPARED);
        if news {
            tracing::info!(accepted, handed_over, refused, failed, passed_outside, in_flight, balanced, "the books");
        }
        for difference in account.differences.iter().take(if news { MAX_LOGGED } else { 0 }) {
            let books::Difference { doc_id, consignment, code, why_en, .. } = difference;
            tracing::error!(%code, ?doc_id, ?consignment, "{why_en}");
        }
        let last = Last {
            total: account.total,
            differences: account.differences_in_all,
            in_flight: in_flight_by_destination(&account),
            at: self.clock.now(),
        };
        *self.last.write().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }
}

fn in_flight_by_destination(account: &Account) -> Vec<(&'static str, String, u64)> {
    let of = |kind: &'static str| account.destinations.iter().filter(move |place| place.kind == kind);
    let in_mailboxes = of("mailbox").map(|place| place.figures.in_flight).sum();
    let named = |kind| of(kind).map(move |place| (kind, place.destination.clone(), place.figures.in_flight));
    named("link").chain(named("outlet")).chain([("mailbox", String::new(), in_mailboxes)]).collect()
}

/// Keeps the books until stopped.
pub async fn keep(kept: Arc<Kept>, stop: CancellationToken) {
    for round in 0.. {
        tokio::select! {
            () = stop.cancelled() => return,
            () = kept.draw_up(round) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// States to the neighbours what crossed the links, a day after, until stopped.
pub async fn state(link_books: LinkBooks, stop: CancellationToken) {
    let mut pause = STATE_FIRST;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = STATE_EVERY;
        // After a long time there is much to list: that goes on after the next start.
        tokio::select! {
            () = stop.cancelled() => return,
            stated = link_books.state() => if let Err(error) = stated {
                tracing::error!(%error, "what crossed the links cannot be stated; it will be tried again");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            pruned = link_books.prune() => if let Err(error) = pruned {
                tracing::error!(%error, "the list of crossings cannot be shortened; it will be tried again");
            }
        }
    }
}

#[async_trait]
impl statement::Tell for Delivery {
    async fn tell(&self, peer: &HopName, batch: &Batch) -> Result<(), String> {
        Self::tell(self, peer, batch).await
    }
}
