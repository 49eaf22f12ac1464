//! The books of a running gateway: drawn up at the start and then every hour, and alarmed when they do not balance.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use lienthong_contract::HopName;
use tokio_util::sync::CancellationToken;

use crate::books::{self, Figures};
use crate::store::BooksStore;

/// How often the books are drawn up. Each time every receipt is read once.
const EVERY: Duration = Duration::from_secs(3600);
/// The most differences that are logged each time; `lienthong admin account` tells them all.
const MAX_LOGGED: usize = 20;

/// The figures as they were last.
pub struct Kept {
    hop: HopName,
    store: Arc<dyn BooksStore>,
    last: RwLock<Option<(Figures, u64)>>,
}

impl Kept {
    pub fn new(hop: HopName, store: Arc<dyn BooksStore>) -> Self {
        Self { hop, store, last: RwLock::default() }
    }

    /// For readiness: what the books say, once they were drawn up. Nothing to tell when they balance.
    pub fn part(&self) -> Option<(String, bool, String)> {
        let (figures, differences) = (*self.last.read().unwrap_or_else(PoisonError::into_inner))?;
        let Figures { accepted, handed_over, refused, failed, in_flight, balanced } = figures;
        let text = format!(
            "accepted {accepted}, handed over {handed_over}, refused {refused}, failed {failed}, \
             in flight {in_flight}; differences: {differences}; see: lienthong admin account"
        );
        Some(("books".to_owned(), balanced, if balanced { String::new() } else { text }))
    }

    async fn draw_up(&self) {
        let account = match books::account(self.store.as_ref(), &self.hop, None).await {
            Ok(account) => account,
            Err(error) => {
                tracing::error!(%error, "the books cannot be drawn up; it will be tried again");
                return;
            }
        };
        let Figures { accepted, handed_over, refused, failed, in_flight, balanced } = account.total;
        tracing::info!(accepted, handed_over, refused, failed, in_flight, balanced, "the books");
        for difference in account.differences.iter().take(MAX_LOGGED) {
            let books::Difference { doc_id, consignment, code, why_en, .. } = difference;
            tracing::error!(%code, ?doc_id, ?consignment, "{why_en}");
        }
        *self.last.write().unwrap_or_else(PoisonError::into_inner) = Some((account.total, account.differences_in_all));
    }
}

/// Keeps the books until stopped.
pub async fn keep(kept: Arc<Kept>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = kept.draw_up() => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
