//! How bodies leave: deleted when their time is over or when they were exported; receipts and what is told stay.

use async_trait::async_trait;

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId, HopName, Instant};

use super::{Held, Result};

/// Why a body was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletionReason {
    /// Its time was over.
    Retention,
    /// It had ended, and lies in an archive.
    Exported,
}

impl DeletionReason {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::Exported => "exported",
        }
    }
}

/// A packet whose bytes are here and whose consignments have all ended.
#[derive(Debug, Clone)]
pub struct EndedPacket {
    pub row: i64,
    pub doc_id: DocId,
    pub digest: Digest,
    /// When its last consignment ended, by the terminal receipts.
    pub ended: Instant,
    pub exported: bool,
    /// Its bytes are a file beside the database.
    pub in_file: bool,
}

/// A packet with all that an archive holds of it.
#[derive(Debug, Clone)]
pub struct ExportPacket {
    pub row: i64,
    pub doc_id: DocId,
    pub digest: Digest,
    pub size: u64,
    pub kind: String,
    pub document_id: Option<String>,
    pub business_type: u8,
    pub sender: AgencyCode,
    pub subject: Option<String>,
    pub code: Option<String>,
    pub urgency: u8,
    pub received_at: Instant,
    /// Its bytes, unless they were deleted or never kept.
    pub held: Held,
    /// When its bytes were deleted, and why.
    pub body_deleted: Option<(Instant, String)>,
    /// SubmissionAcceptance receipts: one, or one of each gateway where the same bytes were handed in.
    pub submissions: Vec<String>,
    pub consignments: Vec<ExportConsignment>,
}

/// A consignment in an archive.
#[derive(Debug, Clone)]
pub struct ExportConsignment {
    pub id: ConsignmentId,
    pub doc_id: DocId,
    pub recipient: AgencyCode,
    pub state: ConsignmentState,
    pub previous_hop: Option<HopName>,
    pub next_hop: Option<HopName>,
    /// All its receipts in the order in which they came, those that came too late among them.
    pub receipts: Vec<String>,
}

/// Deletes bodies and old refusals, reads for archives.
#[async_trait]
pub trait RetentionStore: Send + Sync {
    /// Looks at up to `limit` packets after the position `after` that came before `before`, for those that
    /// have a body and have ended. The second answer is where to read on, absent at the end.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn ended_packets(&self, after: i64, before: Instant, limit: usize)
    -> Result<(Vec<EndedPacket>, Option<i64>)>;

    /// Deletes the body of a packet, as far as it lies in the database, and notes when and why. False when it is gone
    /// already, or the packet is under way again.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn delete_body(&self, row: i64, reason: DeletionReason, at: Instant) -> Result<bool>;

    /// Notes that the bodies of these packets lie in an archive.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn mark_exported(&self, rows: Vec<i64>, at: Instant) -> Result<()>;

    /// Up to `limit` packets that came within these times, after the position `after`; nothing at the end.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn packets_to_export(
        &self,
        after: i64,
        within: (Instant, Instant),
        limit: usize,
    ) -> Result<Vec<ExportPacket>>;

    /// Deletes up to `limit` records of refusals that are older than this; gives how many were. Those whose receipt stands in
    /// no log are counted: see [`super::books::BooksStore::refusals_unlogged`].
    ///
    /// # Errors
    /// [`super::Error`].
    async fn prune_refusals(&self, before: Instant, limit: usize) -> Result<usize>;
}
