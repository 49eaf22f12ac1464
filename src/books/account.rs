//! Drawing up an account, line by line.

use std::collections::BTreeMap;

use jiff::civil::Date;
use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{AgencyCode, ConsignmentId, DocId, HopName, Instant, Kind};
use serde::{Deserialize, Serialize};

use super::{End, findings, told};
use crate::receipts::{Event, Sealed};
use crate::store::books::{Acceptance, Known, Unreceipted};

/// The most differences that an account names; all are counted.
pub const MAX_DIFFERENCES: usize = 1000;

/// Consignments by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    pub accepted: u64,
    pub handed_over: u64,
    pub refused: u64,
    pub failed: u64,
    pub in_flight: u64,
    /// The figures add up, and nothing in the store contradicts the receipts.
    pub balanced: bool,
}

impl Figures {
    fn count(&mut self, end: Option<End>) {
        let figure = match end {
            Some(End::HandedOver) => &mut self.handed_over,
            Some(End::Refused) => &mut self.refused,
            Some(End::Failed) => &mut self.failed,
            None => &mut self.in_flight,
        };
        *figure += 1;
    }

    const fn adds_up(&self) -> bool {
        self.accepted == self.handed_over + self.refused + self.failed + self.in_flight
    }
}

/// The figures of one sender.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AgencyFigures {
    pub agency: AgencyCode,
    #[serde(flatten)]
    pub figures: Figures,
}

/// The figures of one next hop, or of one mailbox here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DestinationFigures {
    /// `link` or `mailbox`.
    pub kind: String,
    /// The next hop, or the agency whose mailbox it is.
    pub destination: String,
    #[serde(flatten)]
    pub figures: Figures,
}

/// The figures of one day of acceptance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DayFigures {
    pub day: String,
    /// Bodies of packets that were deleted on this day; their receipts are kept.
    pub bodies_deleted: u64,
    /// Refusals of this day that were deleted while no log was kept: their receipts stand in none.
    #[serde(default)]
    pub refusals_unlogged: u64,
    #[serde(flatten)]
    pub figures: Figures,
}

/// One thing that does not agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub doc_id: Option<DocId>,
    pub consignment: Option<ConsignmentId>,
    /// A finding's code.
    pub code: String,
    /// What does not agree, Vietnamese.
    pub why: String,
    pub why_en: String,
}

impl Difference {
    pub(super) fn new(
        kind: &'static Kind,
        doc_id: Option<DocId>,
        consignment: Option<ConsignmentId>,
        found: &str,
    ) -> Self {
        let with = |text: &str| {
            let text = text.trim_end_matches('.');
            if found.is_empty() { format!("{text}.") } else { format!("{text}: {found}.") }
        };
        let (why, why_en) = (with(kind.title.vi), with(kind.title.en));
        Self { doc_id, consignment, code: kind.code.to_owned(), why, why_en }
    }
}

/// The books of one hop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// The day that they are of; all days when absent.
    pub day: Option<String>,
    pub hop: HopName,
    pub total: Figures,
    pub agencies: Vec<AgencyFigures>,
    pub destinations: Vec<DestinationFigures>,
    pub days: Vec<DayFigures>,
    pub bodies_deleted: u64,
    #[serde(default)]
    pub refusals_unlogged: u64,
    /// The first [`MAX_DIFFERENCES`].
    pub differences: Vec<Difference>,
    /// How many there are.
    pub differences_in_all: u64,
    /// What hops signed that contradicts what counts: evidence against them, and no fault of the books. The first
    /// [`MAX_DIFFERENCES`].
    #[serde(default)]
    pub contradictions: Vec<Difference>,
    #[serde(default)]
    pub contradictions_in_all: u64,
}

impl Account {
    /// Puts a difference down that concerns the hop as a whole.
    pub fn differs(&mut self, difference: Difference) {
        self.total.balanced = false;
        self.differences_in_all += 1;
        if self.differences.len() < MAX_DIFFERENCES {
            self.differences.push(difference);
        }
    }
}

/// The figures so far, and whether something contradicts them.
#[derive(Default)]
struct Tally(Figures, bool);

impl Tally {
    fn close(self) -> Figures {
        Figures { balanced: self.0.adds_up() && !self.1, ..self.0 }
    }
}

/// What is told of one day.
#[derive(Default)]
struct Day {
    tally: Tally,
    bodies_deleted: u64,
    refusals_unlogged: u64,
}

/// An account that is being drawn up.
pub(super) struct Ledger {
    hop: HopName,
    day: Option<Date>,
    total: Tally,
    agencies: BTreeMap<AgencyCode, Tally>,
    destinations: BTreeMap<(&'static str, String), Tally>,
    days: BTreeMap<Date, Day>,
    differences: Vec<Difference>,
    differences_in_all: u64,
    contradictions: Vec<Difference>,
    contradictions_in_all: u64,
}

impl Ledger {
    pub fn new(hop: HopName, day: Option<Date>) -> Self {
        Self {
            hop,
            day,
            total: Tally::default(),
            agencies: BTreeMap::new(),
            destinations: BTreeMap::new(),
            days: BTreeMap::new(),
            differences: Vec::new(),
            differences_in_all: 0,
            contradictions: Vec::new(),
            contradictions_in_all: 0,
        }
    }

    /// An acceptance receipt whose text cannot be read: what it accepted, nobody can tell.
    pub fn unreadable(&mut self, row: i64) {
        self.note(&findings::CHAIN_BROKEN, None, None, &format!("receipts.seq = {row}"));
    }

    /// A consignment without an acceptance.
    pub fn unreceipted(&mut self, missing: &Unreceipted) {
        self.note(&findings::NOT_ACCEPTED, Some(missing.doc_id), Some(missing.id), "");
    }

    /// Bodies deleted on a day, counted from 1970-01-01.
    pub fn bodies_deleted(&mut self, number: i64, count: u64) {
        if let Some(day) = self.day(number) {
            day.bodies_deleted += count;
        }
    }

    /// Refusals of a day that no log will ever have.
    pub fn refusals_unlogged(&mut self, number: i64, count: u64) {
        if let Some(day) = self.day(number) {
            day.refusals_unlogged += count;
        }
    }

    /// A day, counted from 1970-01-01, if the account is of it.
    fn day(&mut self, number: i64) -> Option<&mut Day> {
        let day = jiff::Span::new().try_days(number).and_then(|days| Date::constant(1970, 1, 1).checked_add(days)).ok();
        let day = day.filter(|day| self.day.is_none_or(|only| only == *day))?;
        Some(self.days.entry(day).or_default())
    }

    /// Enters what one acceptance names.
    pub fn enter(&mut self, acceptance: &Acceptance) {
        let receipt = &acceptance.receipt.receipt;
        for line in &acceptance.lines {
            let Some(known) = &line.known else {
                // Accepted, and in no figure: this is what unbalances the books.
                for tally in self.tallies(&receipt.from, receipt.time, None) {
                    tally.0.accepted += 1;
                }
                self.note(&findings::LOST, Some(receipt.doc_id), Some(line.id), "");
                continue;
            };
            let told = told(&self.hop, line.id, &known.receipts);
            let fault = self.fault(&told, known);
            told.contradictions.iter().for_each(|found| self.contradicts(known.doc_id, line.id, found));
            // What is offered waits for a word from the hop before; otherwise it is ours, whatever the column says.
            let last = told.chain.last().map(|sealed| sealed.receipt.event);
            let waits = known.unconfirmed && last == Some(Event::RelayAcceptance);
            let offered = known.state == ConsignmentState::Offered && waits;
            // An acceptance that the chain does not hold was withdrawn, unless the chain itself is at fault.
            if !offered && (told.accepted.is_some() || fault.is_some()) {
                for tally in self.tallies(&receipt.from, receipt.time, Some(known)) {
                    tally.0.accepted += 1;
                    tally.0.count(told.end);
                }
            }
            if let Some((kind, found)) = fault {
                for tally in self.tallies(&receipt.from, receipt.time, Some(known)) {
                    tally.1 = true;
                }
                self.note(kind, Some(known.doc_id), Some(line.id), &found);
            }
        }
    }

    /// A hop's word against a receipt that counts.
    fn contradicts(&mut self, doc_id: DocId, id: ConsignmentId, (word, against): &(Sealed, Sealed)) {
        self.contradictions_in_all += 1;
        if self.contradictions.len() < MAX_DIFFERENCES {
            let says = |one: &Sealed| format!("{} {} {}", one.receipt.hop, one.receipt.event.as_str(), one.digest);
            let found = format!("{} ≠ {}", says(word), says(against));
            self.contradictions.push(Difference::new(&findings::CONTRADICTS, Some(doc_id), Some(id), &found));
        }
    }

    /// What of the store contradicts the receipts.
    fn fault(&self, told: &super::Told, known: &Known) -> Option<(&'static Kind, String)> {
        if known.unreadable > 0 {
            return Some((&findings::CHAIN_BROKEN, String::new()));
        }
        let Some(last) = told.chain.last() else { return Some((&findings::CHAIN_BROKEN, String::new())) };
        if told.own_ends > 1 {
            return Some((&findings::ENDED_TWICE, format!("{} × {}", told.own_ends, last.receipt.event.as_str())));
        }
        let forgotten = known.state == ConsignmentState::Offered && !known.unconfirmed;
        let agrees = told.agrees(&self.hop, known.state) && last.digest == known.head && !forgotten;
        let found = || format!("{} ≠ {}", known.state.as_str(), last.receipt.event.as_str());
        (!agrees).then(|| (&findings::STATE_DIFFERS, found()))
    }

    /// Everything that a consignment counts in.
    fn tallies(&mut self, from: &AgencyCode, accepted: Instant, known: Option<&Known>) -> Vec<&mut Tally> {
        let mut tallies = vec![
            &mut self.total,
            self.agencies.entry(from.clone()).or_default(),
            &mut self.days.entry(accepted.in_vietnam().date()).or_default().tally,
        ];
        let destination = known.map(|known| match &known.next_hop {
            Some(next) => ("link", next.to_string()),
            None => ("mailbox", known.recipient.to_string()),
        });
        tallies.extend(destination.map(|destination| self.destinations.entry(destination).or_default()));
        tallies
    }

    fn note(&mut self, kind: &'static Kind, doc_id: Option<DocId>, id: Option<ConsignmentId>, found: &str) {
        self.total.1 = true;
        self.differences_in_all += 1;
        if self.differences.len() < MAX_DIFFERENCES {
            self.differences.push(Difference::new(kind, doc_id, id, found));
        }
    }

    pub fn close(self) -> Account {
        let destination = |((kind, destination), tally): ((&str, String), Tally)| DestinationFigures {
            kind: kind.to_owned(),
            destination,
            figures: tally.close(),
        };
        let agency = |(agency, tally): (AgencyCode, Tally)| AgencyFigures { agency, figures: tally.close() };
        let bodies_deleted = self.days.values().map(|day| day.bodies_deleted).sum();
        let refusals_unlogged = self.days.values().map(|day| day.refusals_unlogged).sum();
        let of_day = |(day, told): (Date, Day)| DayFigures {
            day: day.to_string(),
            bodies_deleted: told.bodies_deleted,
            refusals_unlogged: told.refusals_unlogged,
            figures: told.tally.close(),
        };
        Account {
            day: self.day.map(|day| day.to_string()),
            hop: self.hop,
            total: self.total.close(),
            agencies: self.agencies.into_iter().map(agency).collect(),
            destinations: self.destinations.into_iter().map(destination).collect(),
            days: self.days.into_iter().map(of_day).collect(),
            bodies_deleted,
            refusals_unlogged,
            differences: self.differences,
            differences_in_all: self.differences_in_all,
            contradictions: self.contradictions,
            contradictions_in_all: self.contradictions_in_all,
        }
    }
}
