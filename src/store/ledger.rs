//! The ledger as the store keeps it: this hop's own log, what neighbours' logs were seen to be, proofs of receipts.
//!
//! The log itself is written by every transaction that stores a receipt of this hop, so that no receipt leaves before
//! it stands there; nothing else adds to it and nothing takes from it. [`LedgerStore`] reads it and keeps what hops
//! tell each other about their logs. Signatures were verified before something is kept here, except those that depend
//! on what is kept already: these are verified within the transaction.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use lienthong_contract::{ConsignmentId, Digest, DocId, HopName, Instant};

use super::Result;
use crate::ledger::{Origin, PrivateKey, SignedCheckpoint, TilePath, VerifierKey};

/// What stands behind a hop's name in the name of its log.
const LOG: &str = "lienthong-ledger";

/// The most consignments that one question for proofs names.
pub const MAX_PROVED: usize = 512;
/// The most receipts that are proved at once: a packet to the most recipients has a few of each hop for each.
pub const MAX_ENTRIES: usize = 4096;

/// Name of a hop's log: `<hop>/lienthong-ledger`, of later ones with the epoch behind it.
#[must_use]
pub fn origin_text(hop: &HopName, epoch: u32) -> String {
    if epoch <= 1 { format!("{hop}/{LOG}") } else { format!("{hop}/{LOG}/{epoch}") }
}

/// Which of this hop's logs has this name.
#[must_use]
pub fn epoch_of(hop: &HopName, origin: &str) -> Option<u32> {
    let rest = origin.strip_prefix(hop.as_str())?.strip_prefix('/')?.strip_prefix(LOG)?;
    let epoch = if rest.is_empty() { 1 } else { rest.strip_prefix('/')?.parse().ok()? };
    (origin_text(hop, epoch) == origin).then_some(epoch)
}

/// The checkpoint of the last commit; nothing while the log is empty.
pub type Heads = watch::Receiver<Option<Arc<SignedCheckpoint>>>;

/// With what the store's log is opened.
#[derive(Debug, Clone)]
pub struct LedgerSetup {
    pub key: PrivateKey,
    /// The last checkpoint as it is kept outside the store: the log here must contain it.
    pub outside: Option<Vec<u8>>,
}

/// Why the log in the store is not the one it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// The store is older than what was signed: entries are missing.
    #[error("the log {origin} had {had} entries, the store has {has}")]
    Shortened {
        origin: String,
        had: u64,
        has: u64,
        /// When the last receipt that is here was made.
        last: Option<Instant>,
    },
    /// Enough entries, but others.
    #[error("entry by entry the log {origin} differs from what was signed at {size} entries")]
    Rewritten { origin: String, size: u64 },
    #[error("the log {0} was signed by another key than the one given")]
    OtherKey(String),
    #[error("the store has the log {here}, signed was already {signed}")]
    OlderLog { here: String, signed: String },
    #[error("the log's own tables do not fit together: {0}")]
    Inside(String),
    #[error("the checkpoint outside the store cannot be read: {0}")]
    Outside(String),
}

/// That an entry stands in a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryProof {
    pub receipt: Digest,
    pub number: u64,
    pub hashes: Vec<Digest>,
}

/// Entries of one hop's log, proved against one checkpoint of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogProofs {
    pub hop: HopName,
    /// The hop's key statement, JWS.
    pub statement: String,
    /// Signed note, with the cosignatures of witnesses.
    pub checkpoint: String,
    /// The key statements of those witnesses.
    pub witnesses: Vec<String>,
    pub entries: Vec<EntryProof>,
}

/// Proofs whose every signature and hash was checked.
#[derive(Debug, Clone)]
pub struct CheckedProofs {
    pub origin: String,
    pub size: u64,
    pub cosigned: bool,
    pub proofs: LogProofs,
}

/// A checkpoint of ours, the statements of those who cosigned it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    pub size: u64,
    pub note: String,
    pub witnesses: Vec<String>,
}

/// A neighbour's checkpoint, to be judged by the last one seen.
#[derive(Debug, Clone)]
pub struct Offer {
    pub hop: HopName,
    pub origin: Origin,
    pub key: VerifierKey,
    pub note: Vec<u8>,
    /// When the neighbour said so.
    pub time: Instant,
    /// Size of the checkpoint that the proof begins at.
    pub from_size: u64,
    pub proof: Vec<Digest>,
    /// Our time, for the alarm.
    pub now: Instant,
}

/// What a witness does about an [`Offer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is kept as the last one seen: cosign it.
    Cosign(Box<SignedCheckpoint>),
    /// A late message, or one whose proof begins elsewhere: this is the last one seen.
    Seen(String),
    /// It cannot be true together with this one, seen before.
    Alarm { before: String, news: bool },
}

/// Two checkpoints that cannot both be true, or what else a person must look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alarm {
    pub time: Instant,
    /// Whose log.
    pub hop: HopName,
    pub origin: String,
    /// Code of the finding.
    pub code: String,
    pub before: String,
    pub now: String,
}

/// What is known of logs in which the receipts of a document stand.
#[derive(Debug, Clone, Default)]
pub struct KnownProofs {
    /// Those of other hops; ours are made when asked for.
    pub logs: Vec<LogProofs>,
    /// The next hops of its consignments, and which go there.
    pub next: Vec<(HopName, Vec<ConsignmentId>)>,
}

/// The keeper of the ledger.
#[async_trait]
pub trait LedgerStore: Send + Sync {
    /// The log's name and its checkpoint after each commit; nothing when this store keeps no log.
    fn log(&self) -> Option<(Origin, Heads)>;

    /// Root of the log's first `size` entries.
    ///
    /// # Errors
    /// [`super::Error`], also when it has fewer.
    async fn root_at(&self, size: u64) -> Result<Digest>;

    /// Proof that the log of `new` entries begins with that of `old`.
    ///
    /// # Errors
    /// [`super::Error`], also when it has fewer.
    async fn consistency(&self, old: u64, new: u64) -> Result<Vec<Digest>>;

    /// Content of a tile, if the log of `size` entries has it.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn tile(&self, path: TilePath, size: u64) -> Result<Option<Vec<u8>>>;

    /// Our own receipts about these consignments, and the submission before them if it is ours, as far as they are among
    /// the log's first `size` entries. Of at most [`MAX_PROVED`] consignments, at most [`MAX_ENTRIES`].
    ///
    /// # Errors
    /// [`super::Error`].
    async fn own_entries(&self, consignments: Vec<ConsignmentId>, size: u64) -> Result<Vec<EntryProof>>;

    /// The receipt by which this hop refused a packet at its submission, as far as it is among the log's first `size`
    /// entries.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn own_refusal(&self, doc_id: DocId, size: u64) -> Result<Vec<EntryProof>>;

    /// Judges a neighbour's checkpoint and keeps it if it may be cosigned; an alarm is kept too.
    ///
    /// # Errors
    /// [`super::Error`]; [`super::Error::Unavailable`] also when the note itself is at fault.
    async fn witness(&self, offer: Offer) -> Result<Verdict>;

    /// Begins to collect cosignatures for this checkpoint of ours.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn show(&self, checkpoint: Arc<SignedCheckpoint>) -> Result<()>;

    /// Adds a neighbour's cosignature, whose key its statement names; false when it is for no checkpoint that is shown.
    ///
    /// # Errors
    /// [`super::Error`]; [`super::Error::Unavailable`] also when the cosignature is not true.
    async fn cosigned(
        &self,
        hop: &HopName,
        witness: VerifierKey,
        statement: String,
        size: u64,
        cosignature: String,
    ) -> Result<bool>;

    /// The size of our log's checkpoint that this neighbour cosigned last, 0 when none.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn cosigned_by(&self, hop: &HopName) -> Result<u64>;

    /// The last checkpoint with cosignatures, else the last one shown.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn shown(&self) -> Result<Option<Shown>>;

    /// Keeps an alarm; false when it was known.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn alarm(&self, alarm: Alarm) -> Result<bool>;

    /// The newest alarms, and how many there are.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn alarms(&self, limit: usize) -> Result<(Vec<Alarm>, u64)>;

    /// Keeps proofs that the neighbour `from` handed up, as far as they speak of receipts that are here and of
    /// consignments that went to it. Gives the hops before us for which there is something. A checkpoint with another root
    /// than one seen at the same size becomes an alarm, and what it proves is not kept.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn keep_proofs(
        &self,
        from: &HopName,
        consignments: Vec<ConsignmentId>,
        proofs: Vec<CheckedProofs>,
        now: Instant,
    ) -> Result<Vec<(HopName, Vec<ConsignmentId>)>>;

    /// The consignments of these that came from `from`, by the next hop they went to.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn passed_on(
        &self,
        from: &HopName,
        consignments: Vec<ConsignmentId>,
    ) -> Result<(Vec<ConsignmentId>, Vec<(HopName, Vec<ConsignmentId>)>)>;

    /// What is known of the logs of later hops about a document's consignments.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn known_proofs(&self, consignments: Vec<ConsignmentId>) -> Result<KnownProofs>;
}
