//! What the receipts of one consignment tell, without a look at any column.

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{ConsignmentId, HopName, Instant};

use crate::receipts::chain::{contradicted, follows};
use crate::receipts::{Event, Named, Receipt};

/// How a consignment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    HandedOver,
    /// By the recipient, or by a later hop that could not accept it.
    Refused,
    Failed,
    /// It left for a system outside, of which nothing more will be known.
    PassedOutside,
}

impl End {
    /// How this receipt ends a consignment.
    #[must_use]
    pub fn of(receipt: &Receipt) -> Option<Self> {
        match receipt.event {
            Event::ContentHandover => Some(Self::HandedOver),
            Event::ConsignmentRejection | Event::RelayRejection => Some(Self::Refused),
            Event::RelayFailure
            | Event::RelayToNonERDSFailure
            | Event::ContentConsignmentFailure
            | Event::ContentHandoverFailure => Some(Self::Failed),
            Event::RelayToNonERDS if receipt.is_terminal() => Some(Self::PassedOutside),
            _ => None,
        }
    }
}

/// What the receipts tell of one consignment.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its chain from the submission on, as far as it holds.
    pub chain: Vec<Named>,
    /// When this hop accepted it; nothing when its acceptance does not stand in the chain (the hop before gave up
    /// first), or there is none.
    pub accepted: Option<Instant>,
    pub end: Option<End>,
    /// Terminal receipts that this hop signed, in the chain or beside it.
    pub own_ends: usize,
    /// Receipts that cannot be true together with one of the chain, each with that one.
    pub contradictions: Vec<(Named, Named)>,
}

/// Reads the receipts of a consignment, given in the order in which they came.
#[must_use]
pub fn told(hop: &HopName, id: ConsignmentId, receipts: &[Named]) -> Told {
    let mut chain: Vec<Named> = Vec::new();
    let begins = |event| matches!(event, Event::SubmissionAcceptance | Event::ReceivedFromNonERDS);
    let submission = receipts
        .iter()
        .find(|named| begins(named.receipt.event) && named.receipt.previous.is_none() && named.receipt.is_about(id));
    let mut head = submission;
    while let Some(named) = head {
        chain.push(named.clone());
        // What came first counts; what came after it and tells otherwise is evidence. Where this hop gave up, or the hop
        // before it did so with what it had only offered, the other's word came too late: see `crate::life`.
        let mut next = receipts.iter().filter(|candidate| follows(*candidate, named, id));
        let first = next.clone().next();
        let ours = first.is_some_and(|first| first.receipt.hop == *hop);
        let gave_up = |end: &&Named| end.receipt.event == Event::RelayFailure && (ours || end.receipt.hop == *hop);
        head = next.find(gave_up).or(first);
    }
    let mut contradictions = Vec::new();
    for named in receipts.iter().filter(|one| chain.iter().all(|link| link.digest != one.digest)) {
        if let Some(link) = contradicted(&chain, named) {
            contradictions.push((named.clone(), link.clone()));
        }
    }
    let accepts = |event| begins(event) || event == Event::RelayAcceptance;
    let acceptance = chain.iter().find(|named| named.receipt.hop == *hop && accepts(named.receipt.event));
    let accepted = acceptance.map(|named| named.receipt.time);
    let end = chain.last().and_then(|named| End::of(&named.receipt));
    let own_end = |named: &&Named| named.receipt.hop == *hop && named.receipt.is_terminal();
    let own_ends = receipts.iter().filter(own_end).count();
    Told { chain, accepted, end, own_ends, contradictions }
}

impl Told {
    /// True when the state that the store gives is the one to which these receipts lead at this hop.
    #[must_use]
    pub fn agrees(&self, hop: &HopName, state: ConsignmentState) -> bool {
        use ConsignmentState as State;
        let Some(last) = self.chain.last().map(|named| &named.receipt) else { return false };
        let own = last.hop == *hop;
        match last.event {
            Event::SubmissionAcceptance | Event::ReceivedFromNonERDS => own && state == State::Queued,
            // Whether the hop before has let go, no receipt tells.
            Event::RelayAcceptance if own => matches!(state, State::Queued | State::Offered),
            Event::RelayAcceptance => state == State::Relayed,
            Event::RelayRejection => state == State::Rejected,
            Event::RelayFailure if self.accepted.is_none() => state == State::Withdrawn,
            Event::RelayFailure
            | Event::RelayToNonERDSFailure
            | Event::ContentConsignmentFailure
            | Event::ContentHandoverFailure => state == State::Failed,
            Event::RelayToNonERDS if last.is_terminal() => state == State::PassedOutside,
            Event::RelayToNonERDS => state == State::Outside,
            Event::ContentConsignment => state == State::Consigned,
            Event::ContentHandover => state == State::HandedOver,
            Event::ConsignmentRejection => state == State::Refused,
            Event::SubmissionRejection => false,
        }
    }
}
