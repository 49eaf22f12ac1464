//! Receipts: signed evidence of one event at one hop.
//!
//! A receipt is a JSON statement under a JWS signature (RFC 7515, compact form, certificate chain in `x5c`). It is
//! bound to the packet by digest and to the receipt before it by that one's digest, so that the receipts of one
//! consignment form a chain from SubmissionAcceptance to the event that ended it. Events carry the names of
//! ETSI EN 319 522-1.
//!
//! Invariants: a receipt's text never changes once signed (its SHA-256 is its name); the chain of a consignment has
//! one beginning and no branch; a negative receipt has a reason.
//!
//! This room is pure: it knows no store, no clock, no network. A crash here loses nothing, since a receipt exists only
//! once the store has it.

pub mod chain;
pub mod jws;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use lienthong_contract::{AgencyCode, Blame, ConsignmentId, Digest, DocId, HopName, Instant};

pub use chain::{ChainFault, Link, Linked, verify_chain};
pub use jws::{Error, HopKeys, Signer, open, seal};

/// What happened (ETSI EN 319 522-1, clause 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Event {
    /// The first hop took a packet from its sender.
    SubmissionAcceptance,
    /// The first hop refused it.
    SubmissionRejection,
    /// A hop took custody from the hop before.
    RelayAcceptance,
    /// A hop refused custody.
    RelayRejection,
    /// A hop could not hand custody on by the deadline.
    RelayFailure,
    /// The packet lies in the recipient's mailbox.
    ContentConsignment,
    ContentConsignmentFailure,
    /// The recipient took it over.
    ContentHandover,
    ContentHandoverFailure,
    /// The recipient gave it back.
    ConsignmentRejection,
    /// Handed to a system that gives no receipts.
    RelayToNonERDS,
    /// It could not be handed to a system that gives no receipts, or not for certain.
    RelayToNonERDSFailure,
    /// Taken from a system that gives no receipts.
    ReceivedFromNonERDS,
}

impl Event {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SubmissionAcceptance => "SubmissionAcceptance",
            Self::SubmissionRejection => "SubmissionRejection",
            Self::RelayAcceptance => "RelayAcceptance",
            Self::RelayRejection => "RelayRejection",
            Self::RelayFailure => "RelayFailure",
            Self::ContentConsignment => "ContentConsignment",
            Self::ContentConsignmentFailure => "ContentConsignmentFailure",
            Self::ContentHandover => "ContentHandover",
            Self::ContentHandoverFailure => "ContentHandoverFailure",
            Self::ConsignmentRejection => "ConsignmentRejection",
            Self::RelayToNonERDS => "RelayToNonERDS",
            Self::RelayToNonERDSFailure => "RelayToNonERDSFailure",
            Self::ReceivedFromNonERDS => "ReceivedFromNonERDS",
        }
    }

    /// True when the event ends a consignment. RelayToNonERDS does so only where nothing more will be known: see
    /// [`Receipt::is_terminal`].
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::ContentHandover
                | Self::ConsignmentRejection
                | Self::RelayRejection
                | Self::RelayFailure
                | Self::RelayToNonERDSFailure
                | Self::ContentConsignmentFailure
                | Self::ContentHandoverFailure
        )
    }

    /// True when the event is one between this network and a system outside, which it must name.
    #[must_use]
    pub const fn is_outside(self) -> bool {
        matches!(self, Self::RelayToNonERDS | Self::RelayToNonERDSFailure | Self::ReceivedFromNonERDS)
    }

    /// True when the event must carry a reason.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        matches!(
            self,
            Self::SubmissionRejection
                | Self::RelayRejection
                | Self::RelayFailure
                | Self::RelayToNonERDSFailure
                | Self::ContentConsignmentFailure
                | Self::ContentHandoverFailure
                | Self::ConsignmentRejection
        )
    }

    /// True when this event may follow `before` in a chain, as far as events tell: see [`Receipt::may_follow`].
    #[must_use]
    const fn may_follow(self, before: Self) -> bool {
        match self {
            Self::SubmissionAcceptance | Self::SubmissionRejection | Self::ReceivedFromNonERDS => false,
            Self::RelayAcceptance
            | Self::RelayRejection
            | Self::RelayFailure
            | Self::RelayToNonERDS
            | Self::RelayToNonERDSFailure
            | Self::ContentConsignment
            | Self::ContentConsignmentFailure => {
                matches!(before, Self::SubmissionAcceptance | Self::RelayAcceptance | Self::ReceivedFromNonERDS)
            }
            Self::ContentHandover | Self::ContentHandoverFailure | Self::ConsignmentRejection => {
                matches!(before, Self::ContentConsignment | Self::RelayToNonERDS)
            }
        }
    }
}

/// Why a negative event happened, and who can do something about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// A finding's code, or `recipient` for the recipient's own words.
    pub code: String,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_en: Option<String>,
    pub whose_turn: Blame,
}

/// One fact about a signature or an identity, as the first hop found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    Valid,
    Invalid,
    Absent,
    /// A placeholder copied from a sample; never counted as a signature.
    Placeholder,
    /// The check needs something that was out of reach, e.g. revocation data.
    Pending,
    NotChecked,
}

/// The three independent facts about who sent the packet (DESIGN of trust: never merged into one).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    pub transport: Fact,
    pub packet_signature: Fact,
    pub attachment_signatures: Fact,
    /// SHA-256 of the certificate behind the packet signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<Digest>,
}

/// What a system outside this network did or said. It signs nothing: this is its word as the hop that signs heard it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    /// The hop's name for the system.
    pub system: HopName,
    /// The system's own name of the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// SHA-256 of what was sent, when that were other bytes than the packet's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Digest>,
    /// Its words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Of RelayToNonERDS: the system reports what becomes of it, so another receipt ends the consignment. Without it this
    /// one does: nothing more will be known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reports: bool,
}

/// One recipient named by a SubmissionAcceptance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsignedTo {
    pub consignment: ConsignmentId,
    pub recipient: AgencyCode,
}

/// The statement that is signed. JSON schema: `schemas/receipt.schema.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Version of this form: 1.
    pub v: u8,
    pub event: Event,
    pub hop: HopName,
    pub time: Instant,
    pub doc_id: DocId,
    /// SHA-256 over the packet's bytes.
    pub packet: Digest,
    /// Size of the packet in bytes.
    pub size: u64,
    pub from: AgencyCode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_id: Option<String>,
    /// Which consignment this is about; absent on a submission, which is about all of `consignments`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consignment: Option<ConsignmentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<AgencyCode>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consignments: Vec<ConsignedTo>,
    /// Digest of the receipt before this one, over its compact JWS text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
    /// The credential that acted: the sender's at submission, the recipient's at handover or refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<Checks>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The system outside this network that it came from, went to, or that tells of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside: Option<Outside>,
}

impl Receipt {
    /// True when it ends a consignment.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        let left = self.event == Event::RelayToNonERDS;
        self.event.is_terminal() || left && !self.outside.as_ref().is_some_and(|outside| outside.reports)
    }

    /// True when it may follow `before` in a chain: in this order, not after an end, and about what is outside only on the
    /// word of the system that has it.
    #[must_use]
    pub fn may_follow(&self, before: &Self) -> bool {
        let system = |of: &Self| of.outside.as_ref().map(|outside| outside.system.clone());
        let from_outside = before.event == Event::RelayToNonERDS;
        self.event.may_follow(before.event)
            && !before.is_terminal()
            && (!from_outside || system(self).is_some() && system(self) == system(before))
    }

    /// True when this receipt speaks of the consignment: by name, or as the submission that made it.
    #[must_use]
    pub fn is_about(&self, consignment: ConsignmentId) -> bool {
        self.consignment == Some(consignment) || self.consignments.iter().any(|entry| entry.consignment == consignment)
    }

    /// True when this receipt says of its document what `submission` says, and names the recipient that the submission
    /// names for its consignment.
    #[must_use]
    pub fn is_of(&self, submission: &Self) -> bool {
        let same = (self.doc_id, self.packet, self.size) == (submission.doc_id, submission.packet, submission.size)
            && self.from == submission.from
            && self.document_id.as_ref().is_none_or(|id| submission.document_id.as_ref() == Some(id));
        let mut named = submission.consignments.iter().filter(|entry| Some(entry.consignment) == self.consignment);
        let to = named.next().map(|entry| &entry.recipient);
        same && self.recipient.as_ref().is_none_or(|recipient| to.is_none_or(|to| to == recipient))
    }
}

/// A receipt with the text that was signed. Cheap to clone: a submission to hundreds of recipients is long, and it
/// stands at the beginning of each one's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    pub receipt: Arc<Receipt>,
    /// JWS in compact form.
    pub jws: Arc<str>,
    /// SHA-256 of `jws`.
    pub digest: Digest,
}

/// What a receipt says, and its name, without the text that was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub receipt: Arc<Receipt>,
    /// SHA-256 of the text.
    pub digest: Digest,
}

impl From<Sealed> for Named {
    fn from(sealed: Sealed) -> Self {
        Self { receipt: sealed.receipt, digest: sealed.digest }
    }
}

#[cfg(test)]
mod tests;
