//! Finding documents: by words, agency, time, state, or name.
//!
//! A trait of its own, beside [`Store`](super::Store). The index is made in the background and can be made anew from what is
//! stored; a document is found by its words some seconds after it was taken in. Status packets are not found.

use async_trait::async_trait;

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{AgencyCode, Digest, DocId, Instant};

use super::Result;

/// What is looked for; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Words of number and notation, abstract or DocumentId, in any case and with or without diacritics. The last one may
    /// be the beginning of a word.
    pub words: String,
    /// As the store has it.
    pub agency: Option<AgencyCode>,
    /// Of that agency's: only what it sent, or only what it was sent.
    pub side: Option<Side>,
    /// Taken in here, from and (exclusively) until.
    pub from: Option<Instant>,
    pub until: Option<Instant>,
    /// One of its consignments stands so.
    pub states: Vec<ConsignmentState>,
    /// Read on from here.
    pub before: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Sent,
    Received,
}

/// A document as a list shows it.
#[derive(Debug, Clone)]
pub struct Found {
    pub doc_id: DocId,
    pub document_id: Option<String>,
    pub code: Option<String>,
    pub subject: Option<String>,
    pub sender: AgencyCode,
    pub urgency: u8,
    pub received_at: Instant,
    pub size: u64,
    /// A few of its recipients, and how many there are.
    pub recipients: Vec<AgencyCode>,
    pub recipients_in_all: u64,
    /// How many of its consignments stand where.
    pub states: Vec<(ConsignmentState, u64)>,
}

/// A page, newest first.
#[derive(Debug, Clone, Default)]
pub struct FoundPage {
    pub found: Vec<Found>,
    /// Read on from here; absent at the end. A page may be short and have a next one.
    pub next: Option<i64>,
}

/// The index and its use.
#[async_trait]
pub trait SearchStore: Send + Sync {
    /// Takes up to `limit` consignments into the index; false when all are in it.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn index(&self, limit: usize) -> Result<bool>;

    /// # Errors
    /// [`Error`](super::Error).
    async fn search(&self, query: Query, limit: usize) -> Result<FoundPage>;

    /// The documents whose packet has this digest.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn of_digest(&self, digest: Digest) -> Result<Vec<DocId>>;
}
