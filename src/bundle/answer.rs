//! What a bundle proves, as programs and people read it.

use std::collections::BTreeMap;

use serde::Serialize;

use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId, HopName, Instant};

use crate::receipts::{Event, Outside, Sealed};

/// The whole answer. Of an invalid bundle only verdict, part and reason say anything.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// `valid` or `invalid`.
    pub verdict: &'static str,
    /// The first part that does not hold.
    pub part: Option<String>,
    pub reason: Option<String>,
    /// What became of the document: one word for all consignments, or `mixed`.
    pub outcome: &'static str,
    /// How many consignments came to which outcome.
    pub outcomes: BTreeMap<&'static str, usize>,
    /// SHA-256 of the bundle's file.
    pub bundle: Digest,
    /// Who put the bundle together.
    pub sealed_by: Option<HopName>,
    pub sealed_at: Option<Instant>,
    pub doc_id: Option<DocId>,
    pub document_id: Option<String>,
    pub from: Option<AgencyCode>,
    /// The issuing hop's word; no receipt says it.
    pub subject: Option<String>,
    /// SHA-256 of the packet.
    pub packet: Option<Digest>,
    pub size: Option<u64>,
    /// Whether the packet is in the bundle.
    pub packet_inside: bool,
    /// Whether the packet given is the one that the receipts speak of.
    pub packet_matches: Option<bool>,
    pub receipts: usize,
    pub receipts_verified: usize,
    /// Receipts whose place in a ledger is proven.
    pub receipts_logged: usize,
    /// Those of them whose ledger another hop vouches for.
    pub receipts_witnessed: usize,
    /// Parts that are not yet in a witnessed ledger.
    pub unwitnessed: Vec<String>,
    pub consignments: Vec<Told>,
    /// Receipts beside the chains that cannot be true together with them. They change nothing and speak against the hop
    /// that signed them.
    pub contradictions: Vec<Contradiction>,
    /// How many consignments the submission named: a bundle may be about some of them only.
    pub consignments_submitted: usize,
    /// When the revocation lists inside were taken.
    pub revocation_taken: Option<Instant>,
    /// Certificates whose revocation could not be checked, and why.
    pub revocation_not_checked: Vec<String>,
}

/// One consignment.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    pub id: Option<ConsignmentId>,
    pub recipient: Option<AgencyCode>,
    pub outcome: &'static str,
    /// From the submission to the end.
    pub receipts: Vec<Line>,
    /// Evidence that came too late and moved nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<Line>,
}

/// One receipt.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    pub part: String,
    pub event: Event,
    pub hop: HopName,
    pub time: Instant,
    /// Of a negative one.
    pub reason: Option<String>,
    pub reason_en: Option<String>,
    pub ledger: Option<Logged>,
    /// Of a late one: the part of the chain that it cannot be true together with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contradicts: Option<String>,
    /// The system outside this network that it speaks of, on whose word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside: Option<Outside>,
}

/// A hop's word that cannot be true together with a receipt of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contradiction {
    pub consignment: ConsignmentId,
    /// Who signed what is told beside the chain.
    pub hop: HopName,
    pub part: String,
    pub event: Event,
    /// The receipt of the chain, and who signed that.
    pub contradicts: String,
    pub contradicts_event: Event,
    pub contradicts_hop: HopName,
}

impl Told {
    /// True when it is no consignment: the submission itself was refused.
    #[must_use]
    pub fn is_submission(&self) -> bool {
        self.id.is_none()
    }
}

impl Contradiction {
    pub(super) fn of(late: &Line, chain: &Line, consignment: ConsignmentId) -> Self {
        Self {
            consignment,
            hop: late.hop.clone(),
            part: late.part.clone(),
            event: late.event,
            contradicts: chain.part.clone(),
            contradicts_event: chain.event,
            contradicts_hop: chain.hop.clone(),
        }
    }
}

/// A receipt's place in a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Logged {
    pub origin: String,
    pub number: u64,
    /// Size of the ledger that the proof is for.
    pub size: u64,
    /// Other hops that vouch for it.
    pub witnesses: Vec<WitnessedBy>,
}

/// Another hop that cosigned a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WitnessedBy {
    pub hop: HopName,
    pub time: Instant,
}

impl Answer {
    /// In words, when the bundle leaves consignments of the submission out: Vietnamese and English.
    #[must_use]
    pub fn left_out(&self) -> Option<(String, String)> {
        let (told, all) = (self.consignments.len(), self.consignments_submitted);
        let vi = || format!("chỉ nói về {told} trong {all} nơi nhận");
        (told < all).then(|| (vi(), format!("about {told} of {all} recipients only")))
    }

    pub(super) fn unproven(bundle: Digest) -> Self {
        Self {
            verdict: "invalid",
            part: None,
            reason: None,
            outcome: "unproven",
            outcomes: BTreeMap::new(),
            bundle,
            sealed_by: None,
            sealed_at: None,
            doc_id: None,
            document_id: None,
            from: None,
            subject: None,
            packet: None,
            size: None,
            packet_inside: false,
            packet_matches: None,
            receipts: 0,
            receipts_verified: 0,
            receipts_logged: 0,
            receipts_witnessed: 0,
            unwitnessed: Vec::new(),
            consignments: Vec::new(),
            contradictions: Vec::new(),
            consignments_submitted: 0,
            revocation_taken: None,
            revocation_not_checked: Vec::new(),
        }
    }

    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.verdict == "valid"
    }

    /// Counts the outcomes and finds the word for all.
    pub(super) fn count_outcomes(&mut self) {
        for told in &self.consignments {
            let count = self.outcomes.entry(told.outcome).or_default();
            *count = count.saturating_add(1);
        }
        self.outcome = match self.outcomes.len() {
            0 => "unproven",
            1 => self.consignments.first().map_or("unproven", |told| told.outcome),
            _ => "mixed",
        };
    }
}

impl Line {
    pub(super) fn of(part: String, sealed: &Sealed, ledger: Option<Logged>) -> Self {
        let receipt = &sealed.receipt;
        Self {
            part,
            event: receipt.event,
            hop: receipt.hop.clone(),
            time: receipt.time,
            reason: receipt.reason.as_ref().map(|reason| reason.text.clone()),
            reason_en: receipt.reason.as_ref().and_then(|reason| reason.text_en.clone()),
            ledger,
            contradicts: None,
            outside: receipt.outside.clone(),
        }
    }
}

/// What became of a consignment whose last receipt is this one.
#[must_use]
pub const fn outcome(last: Event) -> &'static str {
    match last {
        Event::ContentHandover => "handed-over",
        Event::ConsignmentRejection | Event::SubmissionRejection => "refused",
        Event::RelayRejection => "rejected",
        Event::RelayFailure
        | Event::RelayToNonERDSFailure
        | Event::ContentConsignmentFailure
        | Event::ContentHandoverFailure => "failed",
        Event::ContentConsignment => "in-mailbox",
        Event::SubmissionAcceptance | Event::RelayAcceptance | Event::ReceivedFromNonERDS => "in-flight",
        Event::RelayToNonERDS => "left-the-network",
    }
}
