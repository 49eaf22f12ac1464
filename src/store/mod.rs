//! What the gateway keeps: packets by digest, consignments, receipts, what still has to be sent.
//!
//! [`Store`] is the only way to write any of it; each method is one transaction. Invariants:
//!
//! * a method that returned `Ok` has its effect on disk (fsynced), whatever happens next;
//! * a method that returned an error has no effect;
//! * a consignment, a receipt and a packet are stored once, however often they arrive: deduplication happens inside the
//!   same transaction that stores.
//!
//! After a crash the store holds exactly what was answered, and possibly a little more (a commit whose answer was never
//! given); callers repeat with the same names and get the same answers.

pub mod alarms;
pub mod blobs;
pub mod books;
pub mod canary;
pub mod console;
pub mod exchange;
pub mod ledger;
pub mod news;
pub mod numbers;
pub mod outlets;
pub mod queues;
pub mod registry;
pub mod retention;
pub mod search;
pub mod sqlite;
pub mod statements;
pub mod statistics;
pub mod watch;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use lienthong_contract::door::{ConsignmentRef, ConsignmentState, InboxItem, Trace};
use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId, HopName, Instant};

use crate::flows::{Act, Known};
use crate::life::Way;
use crate::receipts::{Event, Receipt, Sealed};
use crate::statutory::Signed;

pub use alarms::AlarmStore;
pub use blobs::{Blobs, Kept, SpoolFile};
pub use books::BooksStore;
pub use canary::CanaryStore;
pub use console::ConsoleStore;
pub use exchange::ExchangeStore;
pub use ledger::{LedgerSetup, LedgerStore};
pub use news::NewsStore;
pub use numbers::NumberStore;
pub use outlets::OutletStore;
pub use queues::QueueStore;
pub use registry::RegistryStore;
pub use search::SearchStore;
pub use sqlite::SqliteStore;
pub use statistics::StatisticsStore;
pub use watch::WatchStore;

/// Why the store did not do what was asked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The disk is full or the database is busy: the same call may succeed later.
    #[error("the store is not available just now: {0}")]
    Unavailable(String),
    /// A flush to disk failed. What the disk holds is unknown, so the store takes nothing more until it is reopened.
    #[error("the store stopped after a failed write to disk: {0}")]
    Stopped(String),
    /// The database was written by a newer version of the gateway.
    #[error("the store has schema version {found}, this gateway knows versions up to {known}; run the newer gateway")]
    TooNew { found: i64, known: i64 },
    /// The database has the form of a gateway that was never released.
    #[error(
        "the store has schema version {found}, which was never released; the oldest that can be read is {oldest}: \
         move the data folder away and begin a new one"
    )]
    TooOld { found: i64, oldest: i64 },
    /// The database was written by an older version of the gateway, and this is not the gateway that may upgrade it.
    #[error("the store has schema version {found}, this program reads version {known}: start the gateway once with it")]
    NotUpgraded { found: i64, known: i64 },
    #[error("the store belongs to hop {found}, this gateway is {expected}")]
    OtherHop { found: String, expected: String },
    /// Bytes came under a docId that other bytes have here.
    #[error("docId {0} belongs to another document here")]
    OtherDocument(DocId),
    #[error("the store holds something that cannot be read: {0}")]
    Corrupt(String),
    /// The ledger is not the one that was signed: receipts that were given out are gone or altered.
    #[error(transparent)]
    Ledger(#[from] ledger::Broken),
}

/// The most consignments that travel to a next hop in one transfer. With the submission of a packet to the most
/// recipients there may be, and some 3 KB of receipt from each hop passed, its header stays below the link's limit.
pub const MAX_PER_DISPATCH: usize = 64;

/// Result of a store call.
pub type Result<T> = std::result::Result<T, Error>;

/// `document`, `status` or `canary`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PacketKind {
    Document,
    Status,
    /// A document from and for agencies that are there for tests: no clerk sees it, no statistics count it.
    Canary,
}

impl PacketKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Status => "status",
            Self::Canary => "canary",
        }
    }
}

/// Where a packet's bytes are.
#[derive(Debug, Clone)]
pub enum Held {
    /// In the database.
    Inline(Bytes),
    /// In the file of this packet's digest, see [`Blobs`].
    File,
    /// Nowhere: every consignment of it was refused, and what is refused is not kept.
    Dropped,
    /// Nowhere any more: it was given back.
    Destroyed,
}

/// What a status packet says, kept so that the document's page can show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusFact {
    /// The document that is spoken of.
    pub document_id: String,
    /// The other party: who sent that document (of a 13: who is asked), so that nobody else's document of the same name
    /// takes the status for its own.
    pub about: AgencyCode,
    pub code: String,
    pub description: Option<String>,
    pub time: Option<Instant>,
}

/// A packet as it is first stored.
#[derive(Debug, Clone)]
pub struct NewPacket {
    pub digest: Digest,
    pub size: u64,
    pub doc_id: DocId,
    pub kind: PacketKind,
    /// As written, or made from sender, date and code when the packet has none.
    pub document_id: Option<String>,
    /// 0 new, 1 revoke, 2 update, 3 replace.
    pub business_type: u8,
    pub sender: AgencyCode,
    pub subject: Option<String>,
    /// Number and notation in one text.
    pub code: Option<String>,
    pub urgency: u8,
    /// Of a document: when it was signed.
    pub signed: Option<Signed>,
    pub received_at: Instant,
    /// The hop it came from; absent at the first hop.
    pub previous_hop: Option<HopName>,
    /// How many consignments of it that hop has for this one, where they are more than came with it.
    pub together: Option<u32>,
    pub status: Option<StatusFact>,
    /// What it does to other documents.
    pub acts: Vec<Act>,
    /// Of an agreement to give a document back (15), at the recipient's own hop: the receipts that end what still lies in
    /// its mailbox. Each counts only when the agreement does.
    pub gives_back: Vec<Sealed>,
    pub held: Held,
    /// It came from outside the network, from this system and under this name.
    pub entered: Option<outlets::Entered>,
}

/// Where a consignment goes from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// The mailbox of an agency served here.
    Mailbox,
    /// The next hop.
    Link(HopName),
    /// A system outside this network.
    Outlet(HopName),
    /// Nowhere: it is refused; the receipts say why.
    Refused,
}

/// A consignment as it is first stored, with the receipts made for it in the same breath.
#[derive(Debug, Clone)]
pub struct NewConsignment {
    pub id: ConsignmentId,
    pub recipient: AgencyCode,
    pub route: Route,
    /// Upstream ones first, then our own, in chain order. The submission's receipt is not among them at the first hop.
    pub receipts: Vec<Sealed>,
    /// When it ends if nothing has come of it: for a mailbox the time to collect it, else the time to pass it on.
    pub due: Option<Instant>,
}

/// The answer of [`Store::accept`].
#[derive(Debug, Clone)]
pub enum Accepted {
    /// Stored now.
    New {
        /// Another document of this sender bears the same number and notation in the same year (NĐ 30/2020 PL VI).
        same_code: Option<DocId>,
    },
    /// These bytes were accepted here before: the first answer. Bytes that are here only because a neighbour handed
    /// them over were never answered to this sender, and are not meant.
    Already { doc_id: DocId, submission: Option<String>, consignments: Vec<ConsignmentRef> },
    /// The sender's DocumentId is here already with other bytes.
    Conflict { doc_id: DocId, digest: Digest, received_at: Instant },
}

/// One packet due to a next hop, with the consignments that travel in it.
#[derive(Debug, Clone)]
pub struct Dispatch {
    pub outbox_id: i64,
    pub doc_id: DocId,
    pub digest: Digest,
    pub size: u64,
    pub urgent: bool,
    pub attempts: u32,
    pub held: Held,
    pub consignments: Vec<DispatchedConsignment>,
    /// How many consignments of the packet go to this next hop, where they are more than these.
    pub together: Option<u32>,
}

#[derive(Debug, Clone)]
pub struct DispatchedConsignment {
    pub id: ConsignmentId,
    pub recipient: AgencyCode,
    /// Compact JWS texts in chain order.
    pub chain: Vec<Arc<str>>,
    pub due: Option<Instant>,
}

/// What storing receipts of a neighbour changed.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// Outbox entries whose consignments are all settled: they need not be sent again.
    pub settled: Vec<i64>,
    /// True when receipts were queued for a neighbour: the hop before us, or the next one, which accepted too late.
    pub forward: bool,
    /// The receipts that are on disk now: their hop need not repeat them.
    pub stored: Vec<Digest>,
}

/// A consignment that the hop before has let go of, and that is for a mailbox here.
#[derive(Debug, Clone)]
pub struct LetGo {
    pub id: ConsignmentId,
    /// What is to be attested: ContentConsignment, and then, of what its recipient gave back before it came,
    /// ConsignmentRejection.
    pub event: Event,
    /// The last receipt of its chain.
    pub before: Sealed,
}

/// Makes these receipts, and says until when it may be collected. Called within the transaction, possibly twice.
pub type Consign = Arc<dyn Fn(&LetGo) -> std::result::Result<(Sealed, Option<Instant>), String> + Send + Sync>;

/// What a neighbour's confirmation of our receipts changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Next hops for which there is something new, and whether it is urgent.
    pub queued: Vec<(HopName, bool)>,
    /// There are new receipts for the neighbour.
    pub answers: bool,
}

/// A consignment in our custody whose time is over.
#[derive(Debug, Clone)]
pub struct Overdue {
    pub id: ConsignmentId,
    pub recipient: AgencyCode,
    pub due: Instant,
    pub way: Way,
    /// Where it was to go, or is; nothing of what lies in a mailbox here.
    pub next_hop: Option<HopName>,
    /// It is with the system outside, which has not reported what became of it.
    pub abroad: bool,
    /// It is due to a system outside, and may have arrived there without our knowing.
    pub perhaps: bool,
    /// The last receipt of its chain.
    pub head: Sealed,
    /// Attempts that failed.
    pub attempts: u32,
}

/// The answer of [`Store::fail`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// The outbox entry that is done with it.
    pub settled: Option<i64>,
    /// The hop before us, which is told.
    pub previous_hop: Option<HopName>,
}

/// The answer of [`Store::acknowledge`].
#[derive(Debug, Clone)]
pub enum AckOutcome {
    Done {
        jws: String,
    },
    /// It ended before, with this receipt.
    Ended {
        state: ConsignmentState,
        jws: String,
    },
    /// The recipient has agreed to give it back, and cannot take it over any more.
    GivenBack,
    NotFound,
}

/// A consignment in a mailbox.
#[derive(Debug, Clone)]
pub struct MailboxEntry {
    pub item: InboxItem,
    pub state: ConsignmentState,
    pub previous_hop: Option<HopName>,
    /// The last receipt of the chain.
    pub head: Digest,
    pub held: Held,
    /// Its bytes were deleted after its time, or after it was exported.
    pub body_deleted_at: Option<Instant>,
    /// The recipient has agreed to give it back.
    pub given_back: bool,
}

impl MailboxEntry {
    /// The receipt of this hop that ends the consignment with this event; credential and reason are the caller's to add.
    #[must_use]
    pub fn end(&self, hop: &HopName, event: Event, time: Instant) -> Receipt {
        Receipt {
            v: 1,
            event,
            hop: hop.clone(),
            time,
            doc_id: self.item.doc_id,
            packet: self.item.digest,
            size: self.item.size,
            from: self.item.from.clone(),
            document_id: self.item.document_id.clone(),
            consignment: Some(self.item.id),
            recipient: Some(self.item.recipient.clone()),
            consignments: Vec::new(),
            previous: Some(self.head),
            credential: None,
            checks: None,
            reason: None,
            outside: None,
        }
    }
}

/// Where the bytes of a packet are.
#[derive(Debug, Clone)]
pub struct Body {
    pub digest: Digest,
    pub held: Held,
    /// They were deleted after their time, or after they were exported.
    pub deleted_at: Option<Instant>,
}

/// The record of a refused packet; its content is not kept.
#[derive(Debug, Clone)]
pub struct RefusalRecord {
    pub time: Instant,
    pub agency: Option<AgencyCode>,
    pub credential: String,
    pub digest: Option<Digest>,
    pub size: u64,
    /// JSON array of findings.
    pub findings: String,
    pub receipt: Option<String>,
}

/// A receipt waiting to travel to a neighbour.
#[derive(Debug, Clone)]
pub struct QueuedReceipt {
    pub digest: Digest,
    pub jws: String,
}

/// How much is where; for health, tests and the books.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub packets: u64,
    pub consignments: u64,
    pub offered: u64,
    pub queued: u64,
    pub relayed: u64,
    pub consigned: u64,
    pub handed_over: u64,
    pub refused: u64,
    pub rejected: u64,
    pub failed: u64,
    pub withdrawn: u64,
    #[serde(default)]
    pub outside: u64,
    #[serde(default)]
    pub passed_outside: u64,
    pub receipts: u64,
    pub outbox: u64,
    pub receipts_waiting: u64,
    pub refusals: u64,
}

/// The keeper of packets, consignments and receipts.
#[async_trait]
pub trait Store: OutletStore {
    /// First hop: stores a packet with its submission receipt and consignments, unless it is here already.
    ///
    /// # Errors
    /// [`Error`]; then nothing was stored.
    async fn accept(
        &self,
        packet: NewPacket,
        submission: Sealed,
        consignments: Vec<NewConsignment>,
    ) -> Result<Accepted>;

    /// Later hop: takes consignments that are not here yet, to hold them until the hop before lets go
    /// ([`Store::receipts_delivered`]), and queues our receipts for it: the new ones, and again those of consignments
    /// that arrived twice. False when all of them had: then nothing of the packet was stored.
    ///
    /// # Errors
    /// [`Error::OtherDocument`], or another [`Error`]; then nothing was stored.
    async fn take_custody(
        &self,
        packet: NewPacket,
        submission: Option<Sealed>,
        consignments: Vec<NewConsignment>,
    ) -> Result<bool>;

    /// The first answer to these bytes, when this sender handed them in here before.
    ///
    /// # Errors
    /// [`Error`].
    async fn accepted_before(&self, digest: Digest, sender: &AgencyCode) -> Result<Option<Accepted>>;

    /// Which of these consignments are here already.
    ///
    /// # Errors
    /// [`Error`].
    async fn known(&self, ids: Vec<ConsignmentId>) -> Result<Vec<ConsignmentId>>;

    /// Queues our receipts of these consignments for the hop that they came from, once more.
    ///
    /// # Errors
    /// [`Error`].
    async fn answer_again(&self, ids: Vec<ConsignmentId>) -> Result<()>;

    /// Stores receipts that the neighbour `from` sent, moves the consignments' states, queues them for the hop before
    /// us. Only the hop to which a consignment was handed has anything to say of it, and the hop it came from that it
    /// gave up before it let go; what others say is not stored. A receipt that comes before its predecessor is stored
    /// and counts as soon as that one is here. An acceptance is confirmed only when it counts.
    ///
    /// # Errors
    /// [`Error`].
    async fn record_receipts(&self, from: &HopName, receipts: Vec<Sealed>) -> Result<Recorded>;

    /// Up to `limit` packets due to this hop, entries after `after` first come first.
    ///
    /// # Errors
    /// [`Error`].
    async fn due(&self, hop: &HopName, urgent: bool, after: i64, limit: usize) -> Result<Vec<Dispatch>>;

    /// Notes a failed attempt on an outbox entry.
    ///
    /// # Errors
    /// [`Error`].
    async fn attempt_failed(&self, outbox_id: i64, error: String) -> Result<()>;

    /// Up to `limit` receipts waiting for a neighbour, oldest first, after the given position.
    ///
    /// # Errors
    /// [`Error`].
    async fn queued_receipts(&self, hop: &HopName, after: i64, limit: usize) -> Result<(Vec<QueuedReceipt>, i64)>;

    /// The neighbour has stored these. What it let go of thereby (our RelayAcceptance is among them) is in our custody
    /// from now on: it goes to its mailbox with the receipt that `consign` makes, or becomes due to its next hop. What
    /// its recipient gave back before it came goes to the mailbox and ends there in the same transaction.
    ///
    /// # Errors
    /// [`Error`].
    async fn receipts_delivered(&self, hop: &HopName, digests: Vec<Digest>, consign: Consign) -> Result<Delivered>;

    /// Up to `limit` consignments in our custody whose time was over at `now`, the longest first. What was here when receipts
    /// of this hop were found to be lost has a week more: it may have gone on, and then its next hop says so.
    ///
    /// # Errors
    /// [`Error`].
    async fn overdue(&self, now: Instant, limit: usize) -> Result<Vec<Overdue>>;

    /// Ends a consignment whose time is over with this receipt; nothing when it has moved on meanwhile.
    ///
    /// # Errors
    /// [`Error`].
    async fn fail(&self, id: ConsignmentId, terminal: Sealed) -> Result<Option<Ended>>;

    /// One page of a mailbox: urgent ones first, then by arrival.
    ///
    /// # Errors
    /// [`Error`].
    async fn inbox(
        &self,
        agency: &AgencyCode,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<InboxItem>, Option<String>)>;

    /// A consignment that is or was in a mailbox here.
    ///
    /// # Errors
    /// [`Error`].
    async fn mailbox_entry(&self, id: ConsignmentId) -> Result<Option<MailboxEntry>>;

    /// Ends a consignment with its terminal receipt, unless it has one.
    ///
    /// # Errors
    /// [`Error`].
    async fn acknowledge(&self, id: ConsignmentId, terminal: Sealed) -> Result<AckOutcome>;

    /// Everything known of a packet.
    ///
    /// # Errors
    /// [`Error`].
    async fn trace(&self, doc_id: DocId) -> Result<Option<Trace>>;

    /// What is known here of the documents of this name.
    ///
    /// # Errors
    /// [`Error`].
    async fn known_documents(&self, name: &str) -> Result<Vec<Known>>;

    /// The name of this sender's newest document with this number and notation.
    ///
    /// # Errors
    /// [`Error`].
    async fn name_of_code(&self, sender: &AgencyCode, code: &str) -> Result<Option<String>>;

    /// The consignments of this document, or of an update of it, that still lie in this recipient's mailbox.
    ///
    /// # Errors
    /// [`Error`].
    async fn in_mailbox(&self, sender: &AgencyCode, name: &str, recipient: &AgencyCode) -> Result<Vec<ConsignmentId>>;

    /// Packets whose recipients gave them back and that nobody needs here any more: their content is to be destroyed. Looks
    /// at the packets of the newest `limit` agreements only.
    ///
    /// # Errors
    /// [`Error`].
    async fn given_back(&self, limit: usize) -> Result<Vec<Digest>>;

    /// The same among up to `limit` packets after the position `after` that were given back and still have their content.
    /// The second answer is where to read on, absent at the end.
    ///
    /// # Errors
    /// [`Error`].
    async fn given_back_after(&self, after: i64, limit: usize) -> Result<(Vec<Digest>, Option<i64>)>;

    /// Destroys the content of a packet that was given back, unless somebody needs it here (again); true when it is gone.
    /// A file of it is the caller's to remove, after this.
    ///
    /// # Errors
    /// [`Error`]; then it stands as before.
    async fn destroy(&self, digest: Digest, now: Instant) -> Result<bool>;

    /// The receipt by which this hop refused a packet at its submission, by the name that it gives it.
    ///
    /// # Errors
    /// [`Error`].
    async fn refusal(&self, doc_id: DocId) -> Result<Option<Sealed>>;

    /// The bytes of a packet, if they are here.
    ///
    /// # Errors
    /// [`Error`].
    async fn body(&self, doc_id: DocId) -> Result<Option<Body>>;

    /// Records a refusal.
    ///
    /// # Errors
    /// [`Error`].
    async fn refused(&self, record: RefusalRecord) -> Result<()>;

    /// # Errors
    /// [`Error`].
    async fn counts(&self) -> Result<Counts>;

    /// `Err` when the store would not take a packet now.
    ///
    /// # Errors
    /// [`Error`].
    async fn probe(&self) -> Result<()>;

    /// Which of these packets are here with their content.
    ///
    /// # Errors
    /// [`Error`].
    async fn packets_here(&self, digests: Vec<Digest>) -> Result<Vec<Digest>>;
}
