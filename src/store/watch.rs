//! What the people who watch are shown at a glance, and what failed and waits for them.
//!
//! A trait of its own, beside [`Store`](super::Store). Each method reads what waits or what was summed up, however many
//! documents there have been.

use async_trait::async_trait;

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{AgencyCode, ConsignmentId, DocId, HopName, Instant};

use super::Result;
use super::books::Amounts;
use super::queues::Waiting;

/// What failed for one cause.
#[derive(Debug, Clone)]
pub struct Failed {
    /// A word of [`crate::stuck::Cause`].
    pub cause: String,
    pub count: u64,
    pub oldest: Option<Instant>,
}

/// A consignment in a list of what is stuck.
#[derive(Debug, Clone)]
pub struct StuckOne {
    /// Read on after this.
    pub position: i64,
    pub id: ConsignmentId,
    pub doc_id: DocId,
    pub code: Option<String>,
    pub subject: Option<String>,
    pub sender: AgencyCode,
    pub recipient: AgencyCode,
    pub state: ConsignmentState,
    pub since: Instant,
    pub attempts: u32,
    /// The last error, or the code of the receipt that ended it.
    pub error: Option<String>,
}

/// Looks at what waits for people.
/// Packets that fail by themselves at one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    pub waiting: Waiting,
    /// The sender's or recipients' side is at fault, not the packet.
    pub not_now: bool,
    /// One of the last errors.
    pub error: Option<String>,
}

#[async_trait]
pub trait WatchStore: Send + Sync {
    /// The sums of a day in Vietnam (counted from 1970-01-01), or of all days, as the books are kept.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn figures_of(&self, day: Option<i64>) -> Result<Amounts>;

    /// Packets refused at their submission since then.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn refusals_since(&self, since: Instant) -> Result<u64>;

    /// Looks at up to `limit` more receipts for what failed; false when all were looked at.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn find_failures(&self, limit: usize) -> Result<bool>;

    /// What failed and was not seen to, by cause.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn failures(&self) -> Result<Vec<Failed>>;

    /// What failed for a cause, oldest first, after this position.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn failed_for(&self, cause: &str, after: i64, limit: usize) -> Result<Vec<StuckOne>>;

    /// What waits for a destination by itself, with at least so many failed attempts: at most two, by whether others are known
    /// to be able to go meanwhile.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn failing(&self, destination: &HopName, attempts: u32) -> Result<Vec<Failing>>;

    /// What waits for a destination, oldest first, after this position; with at least so many failed attempts.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn waiting_for(
        &self,
        destination: &HopName,
        attempts: u32,
        after: i64,
        limit: usize,
    ) -> Result<Vec<StuckOne>>;

    /// Mailboxes with something that came before `before` and was not collected, the fullest first.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn not_collected(&self, before: Instant, limit: usize) -> Result<Vec<(AgencyCode, Waiting)>>;

    /// What of it lies in one mailbox, oldest first, after this position.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn lying_with(&self, agency: &AgencyCode, before: Instant, after: i64, limit: usize)
    -> Result<Vec<StuckOne>>;
}
