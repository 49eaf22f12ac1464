//! Test documents that were sent from here, and those that lie here to be answered.
//!
//! A trait of its own, beside [`Store`](super::Store).

use async_trait::async_trait;
use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{AgencyCode, ConsignmentId, DocId, Instant};

use super::Result;
use super::books::Amounts;

/// One test document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub doc_id: DocId,
    pub consignment: ConsignmentId,
    pub recipient: AgencyCode,
    pub sent_at: Instant,
    /// When its end was seen here, and whether it was handed over; none while it is under way.
    pub ended: Option<(Instant, bool)>,
}

impl Sent {
    /// From being sent until the receipt of its hand-over was here, in milliseconds.
    #[must_use]
    pub fn round_trip(&self) -> Option<u64> {
        let (at, true) = self.ended? else { return None };
        Some(u64::try_from(at.as_millis().saturating_sub(self.sent_at.as_millis())).unwrap_or(0))
    }
}

/// Remembers test documents.
#[async_trait]
pub trait CanaryStore: Send + Sync {
    /// One was sent.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn canary_sent(&self, sent: Sent) -> Result<()>;

    /// Those under way, each with the state of its consignment.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn canaries_under_way(&self) -> Result<Vec<(Sent, ConsignmentState)>>;

    /// It has come to its end.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn canary_ended(&self, doc_id: DocId, at: Instant, handed_over: bool) -> Result<()>;

    /// Those sent since then, by recipient and time; at most `limit`, the newest.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn canaries_since(&self, since: Instant, limit: usize) -> Result<Vec<Sent>>;

    /// Forgets when they were sent, up to then; their receipts stay.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn forget_canaries(&self, before: Instant) -> Result<()>;

    /// Test documents in the mailbox of an agency, the oldest first.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn canaries_for(&self, agency: &AgencyCode, limit: usize) -> Result<Vec<ConsignmentId>>;

    /// What the books count of them, of those that came to this gateway since then, as they stand now.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn canaries_counted(&self, since: Instant) -> Result<Amounts>;
}
