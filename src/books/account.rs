//! Drawing up an account, line by line.

use std::collections::BTreeMap;

use jiff::civil::Date;
use lienthong_contract::{AgencyCode, ConsignmentId, DocId, HopName, Kind};
use serde::{Deserialize, Serialize};

use super::line::{assess, headings};
use super::{findings, statement};
use crate::store::books::{Acceptance, Amounts, Fault, Heading, Part, Sheet, Subject, Unreceipted};

/// The most differences that an account names; all are counted.
pub const MAX_DIFFERENCES: usize = 1000;

/// Consignments by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    pub accepted: u64,
    pub handed_over: u64,
    pub refused: u64,
    pub failed: u64,
    /// With a system outside, of which nothing more will be known.
    #[serde(default)]
    pub passed_outside: u64,
    pub in_flight: u64,
    /// The figures add up, and nothing in the store contradicts the receipts.
    pub balanced: bool,
}

impl Figures {
    /// The figures of a sum: balanced when they add up and nothing contradicts them.
    fn of(amounts: Amounts) -> Self {
        let count = |amount: i64| u64::try_from(amount).unwrap_or(0);
        let Amounts { accepted, handed_over, refused, failed, passed_outside, in_flight, faults } = amounts;
        Self {
            accepted: count(accepted),
            handed_over: count(handed_over),
            refused: count(refused),
            failed: count(failed),
            passed_outside: count(passed_outside),
            in_flight: count(in_flight),
            balanced: faults == 0 && accepted == handed_over + refused + failed + passed_outside + in_flight,
        }
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
    /// `link`, `mailbox` or `outlet`.
    pub kind: String,
    /// The next hop, the agency whose mailbox it is, or the name of the outlet.
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
    /// Consignments of which a hop signed what contradicts what counts: evidence against it, and no fault of the books.
    /// The first [`MAX_DIFFERENCES`].
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

/// An account that is being drawn up.
pub(super) struct Ledger {
    hop: HopName,
    day: Option<Date>,
    sheet: Sheet,
    bodies: BTreeMap<i64, u64>,
    refusals: BTreeMap<i64, u64>,
    /// Something that is of no line.
    loose: bool,
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
            sheet: Sheet::new(),
            bodies: BTreeMap::new(),
            refusals: BTreeMap::new(),
            loose: false,
            differences: Vec::new(),
            differences_in_all: 0,
            contradictions: Vec::new(),
            contradictions_in_all: 0,
        }
    }

    /// The sums so far: by day, and of the other parts over all days.
    pub const fn sheet(&self) -> &Sheet {
        &self.sheet
    }

    /// Adds to a sum.
    pub fn add(&mut self, heading: Heading, amounts: Amounts) {
        if amounts == Amounts::default() {
            return;
        }
        let day = if heading.part == Part::Day { heading.day } else { 0 };
        *self.sheet.entry(Heading { day, ..heading }).or_default() += amounts;
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
        if self.is_of(number) {
            *self.bodies.entry(number).or_default() += count;
        }
    }

    /// Refusals of a day that no log will ever have.
    pub fn refusals_unlogged(&mut self, number: i64, count: u64) {
        if self.is_of(number) {
            *self.refusals.entry(number).or_default() += count;
        }
    }

    fn is_of(&self, number: i64) -> bool {
        self.day.is_none_or(|only| statement::number_of(only) == number)
    }

    /// Enters what one acceptance names.
    pub fn enter(&mut self, acceptance: &Acceptance) {
        let receipt = &acceptance.receipt.receipt;
        for line in &acceptance.lines {
            let assessed = assess(&self.hop, line);
            for heading in headings(receipt, line.known.as_ref()) {
                self.add(heading, assessed.amounts());
            }
            assessed.faults(receipt, line).iter().for_each(|fault| self.fault(fault));
        }
    }

    /// Names a fault.
    pub fn fault(&mut self, fault: &Fault) {
        let kind = findings::ALL.iter().find(|kind| kind.code == fault.code);
        let (kind, found) = (kind.copied().unwrap_or(&findings::CHAIN_BROKEN), fault.found.as_str());
        match &fault.subject {
            Subject::Line(id) => self.note(kind, fault.doc_id, Some(*id), found),
            Subject::Receipt(row) => self.unreadable(*row),
            Subject::Unreceipted(id) => self.note(kind, fault.doc_id, Some(*id), found),
            Subject::Contradicted(id) => {
                self.contradictions_in_all += 1;
                if self.contradictions.len() < MAX_DIFFERENCES {
                    self.contradictions.push(Difference::new(kind, fault.doc_id, Some(*id), found));
                }
            }
        }
    }

    /// Faults, and contradictions, that are counted and not named.
    pub fn unnamed(&mut self, faults: u64, contradictions: u64) {
        self.loose |= faults > 0;
        self.differences_in_all += faults;
        self.contradictions_in_all += contradictions;
    }

    pub fn note(&mut self, kind: &'static Kind, doc_id: Option<DocId>, id: Option<ConsignmentId>, found: &str) {
        self.loose = true;
        self.differences_in_all += 1;
        if self.differences.len() < MAX_DIFFERENCES {
            self.differences.push(Difference::new(kind, doc_id, id, found));
        }
    }

    pub fn close(self) -> Account {
        let (mut total, mut agencies, mut destinations) = (Amounts::default(), Vec::new(), Vec::new());
        let mut days: BTreeMap<i64, Amounts> = BTreeMap::new();
        for number in self.bodies.keys().chain(self.refusals.keys()) {
            days.entry(*number).or_default();
        }
        for (heading, amounts) in self.sheet.into_iter().filter(|(_, amounts)| *amounts != Amounts::default()) {
            let (figures, kind) = (Figures::of(amounts), heading.part.as_str().to_owned());
            match heading.part {
                Part::Day => {
                    total += amounts;
                    *days.entry(heading.day).or_default() += amounts;
                }
                // What does not read as a code any more was entered from a receipt that does.
                Part::Agency => {
                    agencies.extend(heading.name.parse().ok().map(|agency| AgencyFigures { agency, figures }));
                }
                Part::Link | Part::Mailbox | Part::Outlet => {
                    destinations.push(DestinationFigures { kind, destination: heading.name, figures });
                }
            }
        }
        let total = Figures::of(total);
        let (bodies_deleted, refusals_unlogged) = (self.bodies.values().sum(), self.refusals.values().sum());
        let of_day = |(number, amounts): (i64, Amounts)| DayFigures {
            day: statement::day_of(number).map(|day| day.to_string()).unwrap_or_default(),
            bodies_deleted: self.bodies.get(&number).copied().unwrap_or(0),
            refusals_unlogged: self.refusals.get(&number).copied().unwrap_or(0),
            figures: Figures::of(amounts),
        };
        Account {
            day: self.day.map(|day| day.to_string()),
            hop: self.hop,
            total: Figures { balanced: total.balanced && !self.loose, ..total },
            agencies,
            destinations,
            days: days.into_iter().map(of_day).collect(),
            bodies_deleted,
            refusals_unlogged,
            differences: self.differences,
            differences_in_all: self.differences_in_all,
            contradictions: self.contradictions,
            contradictions_in_all: self.contradictions_in_all,
        }
    }
}
