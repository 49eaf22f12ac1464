//! Mailboxes and what was sent, for doors whose callers know documents by their docId.
//!
//! A trait of its own, beside [`Store`](super::Store). Reading never changes anything; what is written here beside
//! receipts is only what receipts do not say: that a recipient works on a consignment.

use async_trait::async_trait;

use lienthong_contract::exchange::MailItem;
use lienthong_contract::{AgencyCode, ConsignmentId, DocId, Instant};

use super::{PacketKind, Result};

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct Sought {
    pub agencies: Vec<AgencyCode>,
    pub kind: Option<PacketKind>,
    /// Both ends belong to it. With it also what has ended.
    pub window: Option<(Instant, Instant)>,
}

/// Mailboxes by docId.
#[async_trait]
pub trait ExchangeStore: Send + Sync {
    /// Up to `limit` of what is or was in these mailboxes here, in order of arrival.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn received(&self, sought: Sought, limit: usize) -> Result<Vec<MailItem>>;

    /// How much of a kind lies in these mailboxes and has not ended.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn waiting(&self, agencies: Vec<AgencyCode>, kind: PacketKind) -> Result<u64>;

    /// The consignments of a packet that are or were in mailboxes here, and whose.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn in_mailboxes(&self, doc_id: DocId) -> Result<Vec<(ConsignmentId, AgencyCode)>>;

    /// Remembers since when a recipient works on what lies in its mailbox, or that it does not; the first word since then
    /// counts. False when it has ended.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn works_on(&self, id: ConsignmentId, since: Option<Instant>) -> Result<bool>;

    /// Up to `limit` of the newest packets of these senders.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn sent(&self, sought: Sought, limit: usize) -> Result<Vec<DocId>>;
}
