//! What two hops say to each other when custody passes between them.
//!
//! ```text
//!   sending hop                                     next hop
//!     TransferHeader + packet  ───────────────────►   checks, stores, signs
//!     stores it and lets go    ◄───────────────────   Batch::Receipts (RelayAcceptance)
//!     Batch::Stored            ───────────────────►   custody is here: mailbox, or on to the next hop
//!     stores the receipts      ◄───────────────────   Batch::Receipts (ContentConsignment, …)
//!     Batch::Stored            ───────────────────►   stops repeating them
//! ```
//!
//! The sending hop keeps a consignment, and sends it again, until the next hop's signed RelayAcceptance or
//! RelayRejection is stored, or the deadline has come; the next hop does nothing with it until it hears that its
//! acceptance is stored. An acceptance that comes after the deadline is answered with the sending hop's RelayFailure.
//! The next hop repeats its receipts until it hears that they are stored. Either side may crash at any point: what is
//! sent twice is recognised by the consignment's id, or by the receipt's digest. [`crate::life`] is the table of states.
//!
//! On the same way neighbours show each other their logs, cosign what has only grown, and hand proofs from the hop that
//! has them to the hop that asked. Losing one of these costs a repetition.

pub mod logs;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId, HopName, Instant};

use crate::books::statement::{Crossings, Statement};
use crate::receipts::jws::{open_statement, sign_statement};
use crate::receipts::{Error, HopKeys, Signer};
use crate::store::Dispatch;
use crate::store::ledger::LogProofs;

/// The version of [`TransferHeader`] that is spoken.
pub const VERSION: u8 = 2;

/// The `typ` of a batch.
const BATCH_TYPE: &str = "lienthong-batch+jwt";

/// The most receipts in one batch.
pub const MAX_BATCH: usize = 128;
/// The most bytes of receipts in one batch, below the link's limit for a header after base64.
pub const MAX_BATCH_BYTES: usize = 512 * 1024;
/// The most consignments that one transfer is read with.
pub const MAX_CONSIGNMENTS: usize = 500;
/// The most receipts in the chain of a consignment on its way: one a hop.
pub const MAX_CHAIN: usize = 16;

/// What travels in front of a packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferHeader {
    /// Version of this form: 2. A hop that knows only version 1 would deliver what it is merely offered.
    pub v: u8,
    pub from_hop: HopName,
    pub doc_id: DocId,
    pub digest: Digest,
    pub size: u64,
    /// Receipts that the chains below point into; each stands once.
    pub receipts: Vec<String>,
    pub consignments: Vec<Transferred>,
    /// How many consignments of the packet the sending hop has for this one, where they come in several transfers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub together: Option<u32>,
}

/// One consignment of a transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transferred {
    pub id: ConsignmentId,
    pub recipient: AgencyCode,
    /// Its receipts so far, in chain order, as positions in [`TransferHeader::receipts`].
    pub chain: Vec<usize>,
    /// Until then the sending hop offers it; who gets it later refuses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Instant>,
}

impl TransferHeader {
    /// The header for a packet that is due.
    #[must_use]
    pub fn of(from_hop: &HopName, dispatch: &Dispatch) -> Self {
        let mut receipts: Vec<&Arc<str>> = Vec::new();
        let mut consignments = Vec::with_capacity(dispatch.consignments.len());
        for consignment in &dispatch.consignments {
            let mut chain = Vec::with_capacity(consignment.chain.len());
            for jws in &consignment.chain {
                // The submission is the same object in every chain.
                let position = receipts.iter().position(|known| Arc::ptr_eq(known, jws) || *known == jws);
                let position = position.unwrap_or_else(|| {
                    receipts.push(jws);
                    receipts.len() - 1
                });
                chain.push(position);
            }
            let (id, recipient) = (consignment.id, consignment.recipient.clone());
            consignments.push(Transferred { id, recipient, chain, expires: consignment.due });
        }
        Self {
            v: VERSION,
            from_hop: from_hop.clone(),
            doc_id: dispatch.doc_id,
            digest: dispatch.digest,
            size: dispatch.size,
            receipts: receipts.into_iter().map(ToString::to_string).collect(),
            consignments,
            together: dispatch.together,
        }
    }
}

/// What goes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "batch", rename_all = "lowercase")]
pub enum Batch {
    /// Receipts, each a JWS in compact form.
    Receipts { from_hop: HopName, time: Instant, receipts: Vec<String> },
    /// These receipts are on disk here.
    Stored { from_hop: HopName, time: Instant, digests: Vec<Digest> },
    /// What crossed the link on a day that is over.
    Statement { from_hop: HopName, time: Instant, statement: Statement },
    /// Which consignments, where the two ends have counted differently.
    Crossings { from_hop: HopName, time: Instant, crossings: Crossings },
    /// How the log of the hop stands, and the proof that it begins with what it was at `from_size`.
    Checkpoint { from_hop: HopName, time: Instant, statement: String, note: String, from_size: u64, proof: Vec<Digest> },
    /// The checkpoint of this size was consistent with the last one seen; here is the cosignature, a note's line.
    Cosigned { from_hop: HopName, time: Instant, statement: String, size: u64, cosignature: String },
    /// The last checkpoint seen of the receiver's log: the proof must begin there. With `alarm`, what came cannot be
    /// true together with it.
    Seen { from_hop: HopName, time: Instant, note: String, alarm: bool },
    /// Wanted are proofs for the receipts of these consignments, of this hop and of those they went on to.
    ProofsWanted { from_hop: HopName, time: Instant, consignments: Vec<ConsignmentId> },
    /// Proofs for receipts of these consignments, by whichever hop.
    Proofs { from_hop: HopName, time: Instant, consignments: Vec<ConsignmentId>, logs: Vec<LogProofs> },
}

impl Batch {
    /// Signs a batch; its bytes are a JWS in compact form.
    ///
    /// # Errors
    /// The key cannot sign.
    pub fn sign(&self, signer: &dyn Signer) -> Result<Vec<u8>, Error> {
        sign_statement(BATCH_TYPE, self, signer).map(String::into_bytes)
    }

    /// Reads a batch and verifies that the hop it names signed it.
    ///
    /// # Errors
    /// [`Error`], by the first fault.
    pub fn open(bytes: &[u8], keys: &dyn HopKeys) -> Result<Self, Error> {
        let text = std::str::from_utf8(bytes).map_err(|_| Error::Malformed("not UTF-8"))?;
        open_statement(BATCH_TYPE, text, keys, |batch: &Self| {
            let (from_hop, time) = batch.head();
            (from_hop.clone(), time)
        })
    }

    /// Who says it, and when.
    #[must_use]
    pub const fn head(&self) -> (&HopName, Instant) {
        match self {
            Self::Receipts { from_hop, time, .. }
            | Self::Stored { from_hop, time, .. }
            | Self::Statement { from_hop, time, .. }
            | Self::Crossings { from_hop, time, .. }
            | Self::Checkpoint { from_hop, time, .. }
            | Self::Cosigned { from_hop, time, .. }
            | Self::Seen { from_hop, time, .. }
            | Self::ProofsWanted { from_hop, time, .. }
            | Self::Proofs { from_hop, time, .. } => (from_hop, *time),
        }
    }
}

#[cfg(test)]
mod tests;
