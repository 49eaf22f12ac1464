//! The doors of a gateway: how a packet comes in, how a mailbox is read, how a document's way is followed.
//!
//! A door (the native HTTPS interface, an adapter) authenticates its caller, names the credential it saw in an
//! [`Identity`], and calls these traits. What may happen to a document is decided behind them, the same for every door.

use std::fmt;
use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{AgencyCode, ConsignmentId, Digest, DocId, Finding, HopName, Instant};

/// The bytes of a packet as they arrive, in order. An error ends the upload; nothing of it is kept.
pub type Upload = Pin<Box<dyn futures_core::Stream<Item = std::io::Result<Bytes>> + Send>>;

/// Who is calling, as proved by the credential that the door checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The agency that the credential belongs to.
    pub agency: AgencyCode,
    /// What was shown: `certificate sha256:…`, `system H37.02`. Never a secret.
    pub credential: String,
    /// The door's name: `native`, `vxp`, ….
    pub door: String,
}

/// The answer to an accepted packet. The packet, its consignments and this receipt are on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Submission {
    pub doc_id: DocId,
    pub digest: Digest,
    /// The SubmissionAcceptance receipt, JWS in compact form.
    pub receipt: String,
    pub consignments: Vec<ConsignmentRef>,
    /// What was noticed without refusing.
    pub findings: Vec<Finding>,
    /// True when these bytes had been accepted before; the answer is then the first one.
    pub duplicate: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsignmentRef {
    pub id: ConsignmentId,
    pub recipient: AgencyCode,
}

/// Why a packet was not accepted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refusal {
    pub cause: RefusalCause,
    pub findings: Vec<Finding>,
    /// The SubmissionRejection receipt, where the packet was read to its end.
    pub receipt: Option<String>,
}

/// The kinds of refusal that a door answers differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalCause {
    /// The packet breaks a rule; sending it again unchanged will not help.
    BadPacket,
    /// The caller may not do this.
    Forbidden,
    /// The same DocumentId was accepted before with other bytes.
    Conflict,
    TooLarge,
    /// The upload was broken off or too slow.
    Incomplete,
    /// This gateway cannot store or sign just now; the same bytes may be sent again.
    Unavailable,
    NotFound,
}

/// Hands packets in.
#[async_trait]
pub trait Intake: Send + Sync {
    /// Takes one packet: checks it while it arrives, stores it, answers with the receipt.
    ///
    /// # Errors
    /// A [`Refusal`] that says what, where, why and how to mend it. After an error nothing of the packet is kept
    /// but the record of the refusal.
    async fn submit(&self, caller: &Identity, upload: Upload) -> Result<Submission, Refusal>;
}

/// One waiting consignment, as a list shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InboxItem {
    pub id: ConsignmentId,
    pub doc_id: DocId,
    pub digest: Digest,
    /// Size of the packet in bytes.
    pub size: u64,
    /// `document` or `status`.
    pub kind: String,
    pub document_id: Option<String>,
    pub from: AgencyCode,
    pub recipient: AgencyCode,
    pub subject: Option<String>,
    pub code: Option<String>,
    /// 0 normal … 4 express at a set hour.
    pub urgency: u8,
    pub arrived_at: Instant,
}

/// A page of a mailbox, oldest first, urgent ones before normal ones.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InboxPage {
    pub items: Vec<InboxItem>,
    /// Pass it back to read on; absent on the last page.
    pub next: Option<String>,
}

/// What the recipient says of a consignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "verdict")]
pub enum Acknowledgement {
    /// Taken over: ContentHandover.
    Accept,
    /// Given back with a reason: ConsignmentRejection.
    Refuse { reason: String },
}

/// A packet's bytes on their way out.
pub struct Content {
    pub digest: Digest,
    pub size: u64,
    pub bytes: Upload,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("digest", &self.digest).field("size", &self.size).finish_non_exhaustive()
    }
}

/// Reads mailboxes. Reading never consumes; only [`Mailbox::acknowledge`] does.
#[async_trait]
pub trait Mailbox: Send + Sync {
    /// # Errors
    /// [`RefusalCause::Forbidden`] when the caller may not read this agency's mailbox, `Unavailable` when the store is.
    async fn list(
        &self,
        caller: &Identity,
        agency: Option<&AgencyCode>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<InboxPage, Refusal>;

    /// # Errors
    /// [`RefusalCause::NotFound`] unless the consignment is (or was) in a mailbox of the caller.
    async fn content(&self, caller: &Identity, id: ConsignmentId) -> Result<Content, Refusal>;

    /// Ends the consignment and answers with the receipt. Asked again, it answers the same.
    ///
    /// # Errors
    /// [`RefusalCause::NotFound`]; [`RefusalCause::Conflict`] when it was already answered the other way.
    async fn acknowledge(
        &self,
        caller: &Identity,
        id: ConsignmentId,
        answer: &Acknowledgement,
    ) -> Result<Acknowledged, Refusal>;
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Acknowledged {
    pub id: ConsignmentId,
    /// `ContentHandover` or `ConsignmentRejection`, JWS in compact form.
    pub receipt: String,
}

/// Everything known here of one packet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trace {
    pub doc_id: DocId,
    pub digest: Digest,
    pub size: u64,
    pub kind: String,
    pub document_id: Option<String>,
    pub from: AgencyCode,
    pub subject: Option<String>,
    pub code: Option<String>,
    pub urgency: u8,
    pub received_at: Instant,
    /// The SubmissionAcceptance receipt of the first hop: the beginning of every consignment's chain. It names all
    /// recipients, so it stands here once.
    pub submission: Option<ReceiptView>,
    pub consignments: Vec<ConsignmentTrace>,
}

impl Trace {
    /// The whole chain of one of its consignments, from the submission on.
    pub fn chain<'a>(&'a self, consignment: &'a ConsignmentTrace) -> impl Iterator<Item = &'a ReceiptView> {
        self.submission.iter().chain(&consignment.receipts)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConsignmentTrace {
    pub id: ConsignmentId,
    pub recipient: AgencyCode,
    pub state: ConsignmentState,
    /// Where it waits, when it waits here: `mailbox`, or the name of the next hop.
    pub waiting_for: Option<String>,
    pub last_error: Option<String>,
    /// In chain order, each naming the one before; the first names the submission. See [`Trace::chain`].
    pub receipts: Vec<ReceiptView>,
    /// Receipts that came after its end, or that nothing leads to (yet): evidence that moved nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<ReceiptView>,
    /// Business statuses that the recipient sent back, in order of arrival.
    pub statuses: Vec<StatusView>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReceiptView {
    pub event: String,
    pub hop: HopName,
    pub time: Instant,
    /// Text of the reason on negative ones, Vietnamese.
    pub reason: Option<String>,
    /// JWS in compact form.
    pub jws: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StatusView {
    /// Two digits: 01 arrived … 16 take-back refused.
    pub code: String,
    pub description: Option<String>,
    /// Time written in the status packet.
    pub time: Option<Instant>,
    pub doc_id: DocId,
}

/// The receipts of a packet with their places in the logs of the hops that made them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Proof {
    pub doc_id: DocId,
    pub receipts: Vec<ProofReceipt>,
    /// The checkpoints that the entries lead to.
    pub logs: Vec<ProofLog>,
    /// Every receipt has its entry. What is missing is asked for; asked again later, this is complete.
    pub complete: bool,
    /// Complete, and every checkpoint was cosigned by a witness.
    pub cosigned: bool,
}

/// A receipt, and where it stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProofReceipt {
    pub digest: Digest,
    pub hop: HopName,
    pub event: String,
    /// Absent for the submission, which is about all consignments.
    pub consignment: Option<ConsignmentId>,
    /// JWS in compact form.
    pub jws: String,
    pub entry: Option<ProofEntry>,
}

/// An entry of a log and its audit path (RFC 6962 §2.1.1). The entry is the receipt's SHA-256, 32 bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProofEntry {
    pub origin: String,
    pub size: u64,
    pub number: u64,
    pub hashes: Vec<Digest>,
}

/// A log's checkpoint, whose key it is, and who cosigned it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProofLog {
    pub hop: HopName,
    pub origin: String,
    pub size: u64,
    /// The hop's statement for the log's key, JWS.
    pub statement: String,
    /// C2SP signed note.
    pub checkpoint: String,
    /// Key statements of those who cosigned it.
    pub witnesses: Vec<String>,
}

/// Where a consignment stands, seen from this hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsignmentState {
    /// Accepted from the hop before, which has not yet confirmed that it let go.
    Offered,
    /// In our custody, to be sent to the next hop.
    Queued,
    /// The next hop has accepted custody.
    Relayed,
    /// In the recipient's mailbox, here or further on.
    Consigned,
    /// The recipient took it over. Terminal.
    HandedOver,
    /// The recipient gave it back. Terminal.
    Refused,
    /// A later hop could not accept it. Terminal.
    Rejected,
    /// It was not passed on, or not collected, by its deadline. Terminal.
    Failed,
    /// The hop before gave it up before it let go of it; it was never ours. Terminal.
    Withdrawn,
}

impl ConsignmentState {
    /// The word stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Queued => "queued",
            Self::Relayed => "relayed",
            Self::Consigned => "consigned",
            Self::HandedOver => "handed-over",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Withdrawn => "withdrawn",
        }
    }

    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::HandedOver | Self::Refused | Self::Rejected | Self::Failed | Self::Withdrawn)
    }
}

/// Follows documents.
#[async_trait]
pub trait Tracking: Send + Sync {
    /// The packet's way as far as this hop knows it; for its sender and its recipients only.
    ///
    /// # Errors
    /// [`RefusalCause::NotFound`], also when the caller has no part in it.
    async fn trace(&self, caller: &Identity, doc_id: DocId) -> Result<Trace, Refusal>;

    /// The receipts that [`Tracking::trace`] shows to this caller, with their places in logs.
    ///
    /// # Errors
    /// [`RefusalCause::NotFound`], also when the caller has no part in it.
    async fn proof(&self, caller: &Identity, doc_id: DocId) -> Result<Proof, Refusal>;

    /// A page of the agencies that this gateway knows.
    ///
    /// # Errors
    /// [`RefusalCause::Unavailable`].
    async fn agencies(&self, search: Option<&str>, after: Option<&str>, limit: usize) -> Result<AgencyPage, Refusal>;
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AgencyPage {
    pub items: Vec<AgencyItem>,
    pub next: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AgencyItem {
    pub code: AgencyCode,
    pub old_code: Option<AgencyCode>,
    pub name: String,
    pub parent: Option<AgencyCode>,
    pub valid_from: Option<String>,
    pub valid_to: Option<String>,
    pub successors: Vec<AgencyCode>,
    pub locked: bool,
    pub hop: Option<HopName>,
}
