//! The same mailboxes, for doors whose callers know documents by their docId and follow states of transport.
//!
//! Such a caller may speak for several agencies ([`Party`]). It lists what has come, fetches by docId, and says how far
//! it has come with it; behind that stand the same consignments and receipts as behind [`Mailbox`](crate::door::Mailbox):
//! *done* is the acknowledgement that takes a consignment over, *fail* the one that gives it back. *Processing* is only
//! remembered. Reading never changes anything.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::door::{ConsignmentState, Content, Refusal};
use crate::system::Party;
use crate::{AgencyCode, ConsignmentId, DocId, Instant};

/// What a packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailKind {
    Document,
    Status,
}

/// A stretch of time; both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from: Instant,
    pub to: Instant,
}

/// What is looked for in mailboxes, or among what was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MailSearch {
    /// Both when left out.
    pub kind: Option<MailKind>,
    /// In mailboxes: without it only what was not ended, with it also what was, by arrival.
    pub window: Option<Window>,
}

/// How far a recipient has come with what is in its mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransportState {
    Initial,
    Processing,
    /// Taken over: ContentHandover. Final.
    Done,
    /// Given back, or not collected in time. Final.
    Fail,
}

/// A consignment that is or was in a mailbox of the caller's.
#[derive(Debug, Clone)]
pub struct MailItem {
    pub id: ConsignmentId,
    pub doc_id: DocId,
    pub kind: MailKind,
    pub document_id: Option<String>,
    pub from: AgencyCode,
    pub recipient: AgencyCode,
    pub subject: Option<String>,
    /// Number and notation in one text.
    pub code: Option<String>,
    pub arrived_at: Instant,
    /// When its state last changed.
    pub updated_at: Instant,
    pub state: TransportState,
}

/// One recipient of what the caller sent.
#[derive(Debug, Clone)]
pub struct SentItem {
    pub doc_id: DocId,
    pub id: ConsignmentId,
    pub kind: MailKind,
    pub document_id: Option<String>,
    pub from: AgencyCode,
    pub recipient: AgencyCode,
    pub subject: Option<String>,
    pub code: Option<String>,
    pub sent_at: Instant,
    /// When it came to the recipient's mailbox, wherever that is.
    pub received_at: Option<Instant>,
    /// When the last receipt about it was signed.
    pub updated_at: Instant,
    pub state: ConsignmentState,
    /// The reason of the receipt that ended it badly.
    pub reason: Option<String>,
}

/// Mailboxes by docId.
#[async_trait]
pub trait Exchange: Send + Sync {
    /// Up to `limit` of what has come for the caller's agencies, oldest first.
    ///
    /// # Errors
    /// `Forbidden` when one of the agencies is locked or not the caller's; `Unavailable`.
    async fn received(&self, party: &Party, search: &MailSearch, limit: usize) -> Result<Vec<MailItem>, Refusal>;

    /// How much of a kind waits in the caller's mailboxes.
    ///
    /// # Errors
    /// As [`Exchange::received`].
    async fn waiting(&self, party: &Party, kind: MailKind) -> Result<u64, Refusal>;

    /// Where one packet of the caller's stands, or up to `limit` of the newest that it sent; a row a recipient.
    ///
    /// # Errors
    /// `NotFound` unless the packet is the caller's own; `Unavailable`.
    async fn sent(
        &self,
        party: &Party,
        doc_id: Option<DocId>,
        search: &MailSearch,
        limit: usize,
    ) -> Result<Vec<SentItem>, Refusal>;

    /// The bytes of a packet that the caller sent or received.
    ///
    /// # Errors
    /// `NotFound`, with the same words, when there is none or the caller has no part in it; as
    /// [`Mailbox::content`](crate::door::Mailbox::content).
    async fn content_of(&self, party: &Party, doc_id: DocId) -> Result<Content, Refusal>;

    /// Says how far the caller has come with a packet in its mailboxes. The same again changes nothing.
    ///
    /// # Errors
    /// `NotFound` unless the caller is a recipient; `Conflict` when it has ended otherwise.
    async fn mark(&self, party: &Party, doc_id: DocId, state: TransportState) -> Result<(), Refusal>;

    /// The same for what came for one agency alone, in any spelling: what others of the caller's got stays as it is. An
    /// exchange where agencies act for one another has to tell them apart itself.
    ///
    /// # Errors
    /// `Forbidden` when the caller does not speak for the agency; `NotFound` unless that is a recipient; as
    /// [`Exchange::mark`].
    async fn mark_for(
        &self,
        party: &Party,
        agency: &AgencyCode,
        doc_id: DocId,
        state: TransportState,
    ) -> Result<(), Refusal> {
        let alone = Party { agencies: vec![agency.clone()], ..party.clone() };
        self.mark(&alone, doc_id, state).await
    }
}
