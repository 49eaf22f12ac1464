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
    /// It was here; its bytes were deleted after their time.
    Gone,
}

/// What a caller says of a packet beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// Who sends it, in any spelling; a packet that says otherwise is refused.
    pub from: Option<AgencyCode>,
    /// Deliver to these of its recipients only, in any spelling; each must be one of them. To all when left out.
    pub to: Option<Vec<AgencyCode>>,
}

/// Hands packets in.
#[async_trait]
pub trait Intake: Send + Sync {
    /// Takes one packet: checks it while it arrives, stores it, answers with the receipt.
    ///
    /// # Errors
    /// A [`Refusal`] that says what, where, why and how to mend it. After an error nothing of the packet is kept
    /// but the record of the refusal.
    async fn submit_on(&self, caller: &Identity, terms: &Terms, upload: Upload) -> Result<Submission, Refusal>;

    /// The same without terms: everything is said in the packet.
    ///
    /// # Errors
    /// As [`Intake::submit_on`].
    async fn submit(&self, caller: &Identity, upload: Upload) -> Result<Submission, Refusal> {
        self.submit_on(caller, &Terms::default(), upload).await
    }
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
    /// Of a document: what was said of this consignment, see [`ConsignmentTrace::statuses`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<StatusView>,
    /// Of a document: where it stands by those words, see [`ConsignmentTrace::current`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<StatusView>,
    /// Of a document: its sender asks for it back, or has asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<RecallView>,
    /// Of a document: other packets that it is tied to, as far as they are the recipient's business.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Of a status packet: what it says, and of which document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<StatusAbout>,
}

/// What a status packet says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusAbout {
    /// Two digits.
    pub code: String,
    /// What the code means; absent for one of no list.
    pub meaning: Option<Meaning>,
    /// The document spoken of.
    pub document_id: String,
    /// The same document's docId, when it is known here.
    pub doc_id: Option<DocId>,
}

/// A sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meaning {
    pub vi: String,
    pub en: String,
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
    /// 0 new, 1 revoke, 2 update, 3 replace.
    #[serde(default)]
    pub business_type: u8,
    /// Other packets that this one is tied to, in both directions: what it revokes, updates, replaces or answers, and
    /// what does so to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// When its content was destroyed at this hop, after its recipients had agreed to give it back. Receipts and what is
    /// told here stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destroyed_at: Option<Instant>,
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
    /// That an attempt to pass it on failed, since it last moved; why, those who look after the gateway alone are told.
    pub last_error: Option<String>,
    /// In chain order, each naming the one before; the first names the submission. See [`Trace::chain`].
    pub receipts: Vec<ReceiptView>,
    /// Receipts that came after its end, or that nothing leads to (yet): evidence that moved nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<ReceiptView>,
    /// What was said of it by status packets, ordered by the time that they bear; the same word twice stands here once.
    /// Never evidence of delivery: that is in the receipts.
    pub statuses: Vec<StatusView>,
    /// Where it stands by the recipient's words: an agreement to give it back before all others; otherwise the word with
    /// the latest time, of words of the same time the one that stands last in 01, 03, 04, 05, 06, 02.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<StatusView>,
    /// The sender's request to have it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<RecallView>,
}

/// A request to have a document back (13), and what became of it (15, 16).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecallView {
    pub state: RecallState,
    /// When the request came to this hop.
    pub asked_at: Instant,
    /// The sender's reason.
    pub reason: Option<String>,
    /// When the answer came to this hop.
    pub answered_at: Option<Instant>,
    /// The recipient's words.
    pub answer: Option<String>,
    /// When the content was destroyed at this hop. Absent also where another recipient still needs it here.
    pub destroyed_at: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecallState {
    /// Not answered yet.
    Asked,
    /// The recipient gives it back.
    Agreed,
    /// The recipient keeps it.
    Refused,
}

/// Another packet that this one is tied to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub relation: Relation,
    /// The other packet, when it is known here.
    pub doc_id: Option<DocId>,
    /// Its name, or its number and notation where it was named by them alone.
    pub document_id: Option<String>,
    pub code: Option<String>,
    /// Who sent it.
    pub from: Option<AgencyCode>,
    /// When it came to this hop.
    pub time: Option<Instant>,
    /// Why it revokes, updates or replaces.
    pub reason: Option<String>,
    /// Whom it went to from here, and where it stands.
    pub recipients: Vec<LinkedRecipient>,
    /// Recipients that an update adds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<AgencyCode>,
    /// Recipients that an update takes away: to them it is the notice that the document is revoked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<AgencyCode>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedRecipient {
    pub recipient: AgencyCode,
    pub state: ConsignmentState,
}

/// How this packet is tied to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    Revokes,
    Updates,
    Replaces,
    Answers,
    RevokedBy,
    UpdatedBy,
    ReplacedBy,
    AnsweredBy,
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
    /// Of a late one: the digest of the receipt of the chain that it cannot be true together with. It changes nothing, and
    /// speaks against the hop that signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contradicts: Option<Digest>,
    /// The system outside this network that it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside: Option<OutsideView>,
}

/// What a system outside this network did or said, as the hop that signed the receipt heard it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutsideView {
    pub system: HopName,
    /// The system's own name of the document.
    pub id: Option<String>,
    /// SHA-256 of what was sent, when that were other bytes than the packet's.
    pub sent: Option<Digest>,
    /// Its words.
    pub answer: Option<String>,
    /// It reports what becomes of the document.
    #[serde(default)]
    pub reports: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusView {
    /// Two digits: 01 arrived … 16 take-back refused.
    pub code: String,
    pub description: Option<String>,
    /// Time written in the status packet.
    pub time: Option<Instant>,
    pub doc_id: DocId,
    /// Who says it: the recipient, or the sender for 13.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<AgencyCode>,
    /// What the code means; absent for one of no list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meaning: Option<Meaning>,
    /// When it came to this hop, which may be in another order than it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Instant>,
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
    /// With a system outside this network, which reports what becomes of it.
    Outside,
    /// With a system outside this network, of which nothing more will be known. Not handed over: passed outside. Terminal.
    PassedOutside,
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
            Self::Outside => "outside",
            Self::PassedOutside => "passed-outside",
        }
    }

    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::HandedOver | Self::Refused | Self::Rejected | Self::Failed | Self::Withdrawn | Self::PassedOutside
        )
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

    /// A page of the agencies that this gateway knows.
    ///
    /// # Errors
    /// [`RefusalCause::Unavailable`].
    async fn agencies(&self, search: Option<&str>, after: Option<&str>, limit: usize) -> Result<AgencyPage, Refusal>;
}

/// Proves what became of documents.
#[async_trait]
pub trait Proofs: Send + Sync {
    /// The bundle that proves what became of a packet, as far as this hop knows; for those who may trace it, and for the
    /// sender of a packet that was refused. With `packet` its bytes are inside.
    ///
    /// # Errors
    /// As [`Tracking::trace`]; [`RefusalCause::TooLarge`] when there is more than a bundle holds; with `packet` also as
    /// [`Mailbox::content`].
    async fn proof(&self, caller: &Identity, doc_id: DocId, packet: bool) -> Result<Bytes, Refusal>;
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
