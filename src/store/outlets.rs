//! What leaves the network and what comes from outside, as far as the store has a part in it.
//!
//! Whether a packet left is told by the answer of the system outside alone, and that may be lost. So it is on disk *before*
//! each attempt that the packet may be outside from now on ([`OutletStore::begins_to_leave`]); the answer, with the receipt
//! made of it, is one transaction later ([`OutletStore::attest`]). A crash in between costs a repetition.

use async_trait::async_trait;

use lienthong_contract::outlet::Awaited;
use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId, HopName, Instant};

use super::{Dispatch, Ended, PacketKind, Result};
use crate::life::Input;
use crate::receipts::Sealed;

/// One packet due to an outlet.
#[derive(Debug, Clone)]
pub struct Leaving {
    pub dispatch: Dispatch,
    pub kind: PacketKind,
    pub document_id: Option<String>,
    pub business_type: u8,
    pub sender: AgencyCode,
    /// An earlier attempt may have arrived.
    pub perhaps: bool,
    /// More consignments of it for this outlet are with the hop before, or may be.
    pub gathers: bool,
    /// The last receipt of each consignment of the dispatch, in the same order.
    pub heads: Vec<Sealed>,
}

/// What happened to a consignment on its way out, with this hop's receipt of it.
#[derive(Debug, Clone)]
pub struct Attested {
    pub id: ConsignmentId,
    pub input: Input,
    pub receipt: Sealed,
    /// Until when the system outside has time to report what became of it.
    pub due: Option<Instant>,
}

/// A consignment that is with a system outside, which reports.
#[derive(Debug, Clone)]
pub struct Abroad {
    pub id: ConsignmentId,
    pub recipient: AgencyCode,
    /// The last receipt of its chain.
    pub head: Sealed,
}

/// A packet that a system outside had for agencies here, by the system's name of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    pub outlet: HopName,
    pub name: String,
}

/// What is here of a packet from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnteredBefore {
    pub doc_id: DocId,
    pub digest: Digest,
    pub sender: AgencyCode,
}

/// The part of the store that outlets need.
#[async_trait]
pub trait OutletStore: Send + Sync {
    /// Up to `limit` packets due to this outlet, entries after `after`, first come first.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn due_outside(&self, outlet: &HopName, urgent: bool, after: i64, limit: usize) -> Result<Vec<Leaving>>;

    /// From now on this entry may be outside. False when there is none any more: it ended meanwhile, and is not to be sent.
    ///
    /// # Errors
    /// [`super::Error`]; then nothing may be sent.
    async fn begins_to_leave(&self, outbox_id: i64) -> Result<bool>;

    /// Notes an attempt without a final answer; `perhaps` says whether this one or an earlier one may have arrived.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn did_not_leave(&self, outbox_id: i64, error: String, perhaps: bool) -> Result<()>;

    /// Moves consignments by what happened to them, with these receipts; one that has moved on meanwhile stays as it is.
    ///
    /// # Errors
    /// [`super::Error`]; then none was moved.
    async fn attest(&self, attested: Vec<Attested>) -> Result<Vec<Ended>>;

    /// The consignments that this system has under this name and reports of, of one recipient or of all.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn abroad(&self, outlet: &HopName, name: &str, recipient: Option<&AgencyCode>) -> Result<Vec<Abroad>>;

    /// What this system has and reports of, behind this place, at most `limit`.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn awaited(&self, outlet: &HopName, after: i64, limit: usize) -> Result<Vec<Awaited>>;

    /// The packet that came from this system under this name.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn entered(&self, entered: &Entered) -> Result<Option<EnteredBefore>>;
}
