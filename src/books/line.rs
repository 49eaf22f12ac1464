//! What one accepted consignment counts as, by its receipts; and in which sums.
//!
//! This is the one judgement of the books. The account from all receipts and the books as they are kept differ only in when
//! they ask it.

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{HopName, Kind};

use super::{End, Told, findings, statement, told};
use crate::receipts::{Event, Named, Receipt};
use crate::store::books::{Amounts, Fault, Figure, Heading, Known, Line, Part, Subject};

/// What a line counts as, and what of the store contradicts that.
pub(super) struct Assessed {
    pub figure: Figure,
    pub fault: Option<(&'static Kind, String)>,
    /// What hops signed against what counts: no fault of the books. Empty when there is none.
    pub contradictions: String,
}

/// Judges a line of an acceptance.
pub(super) fn assess(hop: &HopName, line: &Line) -> Assessed {
    let Some(known) = &line.known else {
        let fault = Some((&findings::LOST, String::new()));
        return Assessed { figure: Figure::Lost, fault, contradictions: String::new() };
    };
    let told = told(hop, line.id, &known.receipts);
    let fault = fault(hop, &told, known);
    // What is offered waits for a word from the hop before; otherwise it is ours, whatever the column says.
    let last = told.chain.last().map(|sealed| sealed.receipt.event);
    let waits = known.unconfirmed && last == Some(Event::RelayAcceptance);
    let figure = if known.state == ConsignmentState::Offered && waits {
        Figure::Offered
    } else if told.accepted.is_none() && fault.is_none() {
        // An acceptance that the chain does not hold was withdrawn, unless the chain itself is at fault.
        Figure::Withdrawn
    } else {
        match told.end {
            Some(End::HandedOver) => Figure::HandedOver,
            Some(End::Refused) => Figure::Refused,
            Some(End::Failed) => Figure::Failed,
            Some(End::PassedOutside) => Figure::PassedOutside,
            None => Figure::InFlight,
        }
    };
    let says = |one: &Named| format!("{} {} {}", one.receipt.hop, one.receipt.event.as_str(), one.digest);
    let pairs = told.contradictions.iter().map(|(word, against)| format!("{} ≠ {}", says(word), says(against)));
    let contradictions = pairs.collect::<Vec<_>>().join("; ");
    Assessed { figure, fault, contradictions }
}

/// What of the store contradicts the receipts.
fn fault(hop: &HopName, told: &Told, known: &Known) -> Option<(&'static Kind, String)> {
    if known.unreadable > 0 {
        return Some((&findings::CHAIN_BROKEN, String::new()));
    }
    let Some(last) = told.chain.last() else { return Some((&findings::CHAIN_BROKEN, String::new())) };
    if told.own_ends > 1 {
        return Some((&findings::ENDED_TWICE, format!("{} × {}", told.own_ends, last.receipt.event.as_str())));
    }
    let forgotten = known.state == ConsignmentState::Offered && !known.unconfirmed;
    let agrees = told.agrees(hop, known.state) && last.digest == known.head && !forgotten;
    let found = || format!("{} ≠ {}", known.state.as_str(), last.receipt.event.as_str());
    (!agrees).then(|| (&findings::STATE_DIFFERS, found()))
}

impl Assessed {
    /// What it adds to every sum that it is in.
    pub fn amounts(&self) -> Amounts {
        self.figure.amounts(self.fault.is_some())
    }

    /// Its fault and its contradictions, as they are kept.
    pub fn faults(&self, acceptance: &Receipt, line: &Line) -> Vec<Fault> {
        let of = |subject, kind: &Kind, found: &str| Fault {
            subject,
            doc_id: Some(line.known.as_ref().map_or(acceptance.doc_id, |known| known.doc_id)),
            day: Some(day(acceptance)),
            code: kind.code.to_owned(),
            found: found.to_owned(),
        };
        let fault = self.fault.as_ref().map(|(kind, found)| of(Subject::Line(line.id), kind, found));
        let against = (!self.contradictions.is_empty())
            .then(|| of(Subject::Contradicted(line.id), &findings::CONTRADICTS, &self.contradictions));
        fault.into_iter().chain(against).collect()
    }
}

/// The day in Vietnam of an acceptance.
pub(super) fn day(acceptance: &Receipt) -> i64 {
    statement::number_of(acceptance.time.in_vietnam().date())
}

/// The sums that a line is in.
pub(super) fn headings(acceptance: &Receipt, known: Option<&Known>) -> Vec<Heading> {
    let day = day(acceptance);
    let heading = |part, name: &str| Heading { part, day, name: name.to_owned() };
    let mut headings = vec![heading(Part::Day, ""), heading(Part::Agency, acceptance.from.as_str())];
    headings.extend(known.map(|known| match &known.next_hop {
        Some(next) if known.outside => heading(Part::Outlet, next.as_str()),
        Some(next) => heading(Part::Link, next.as_str()),
        None => heading(Part::Mailbox, known.recipient.as_str()),
    }));
    headings
}
