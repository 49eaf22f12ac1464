//! What the books are made of: the acceptance receipts of this hop, and all that is here of what they name.
//!
//! A trait of its own, beside [`Store`](super::Store): nothing on a packet's way needs it. Every method reads a bounded
//! page, so that books over years need no more memory than books over a day.

use std::collections::BTreeMap;
use std::ops::{AddAssign, Neg};

use async_trait::async_trait;

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId, HopName, Instant};

use super::Result;
use crate::receipts::Named;

/// A page of acceptance receipts.
#[derive(Debug, Clone, Default)]
pub struct AcceptancePage {
    pub acceptances: Vec<Acceptance>,
    /// Rows of acceptance receipts whose text can no longer be read.
    pub unreadable: Vec<i64>,
    /// Read on from here; absent on the last page.
    pub next: Option<i64>,
}

/// What a consignment that this hop accepted counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Not ours yet: the hop before has not let go.
    Offered,
    /// Never ours: the hop before gave it up.
    Withdrawn,
    InFlight,
    HandedOver,
    Refused,
    Failed,
    /// Accepted, and not in the store.
    Lost,
    /// With a system outside, of which nothing more will be known.
    PassedOutside,
}

impl Figure {
    /// In the order of the numbers that are stored.
    pub const ALL: [Self; 8] = [
        Self::Offered,
        Self::Withdrawn,
        Self::InFlight,
        Self::HandedOver,
        Self::Refused,
        Self::Failed,
        Self::Lost,
        Self::PassedOutside,
    ];

    /// What one such consignment, at fault or not, adds to every sum that it is in.
    #[must_use]
    pub fn amounts(self, faulty: bool) -> Amounts {
        let mut amounts = Amounts { faults: i64::from(faulty), ..Amounts::default() };
        let figure = match self {
            Self::Offered | Self::Withdrawn => return amounts,
            Self::InFlight => Some(&mut amounts.in_flight),
            Self::HandedOver => Some(&mut amounts.handed_over),
            Self::Refused => Some(&mut amounts.refused),
            Self::Failed => Some(&mut amounts.failed),
            Self::PassedOutside => Some(&mut amounts.passed_outside),
            // In no figure: this is what unbalances the books.
            Self::Lost => None,
        };
        figure.into_iter().for_each(|figure| *figure = 1);
        amounts.accepted = 1;
        amounts
    }
}

/// Sums, or what changes them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amounts {
    pub accepted: i64,
    pub handed_over: i64,
    pub refused: i64,
    pub failed: i64,
    pub passed_outside: i64,
    pub in_flight: i64,
    pub faults: i64,
}

impl AddAssign for Amounts {
    fn add_assign(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.handed_over += other.handed_over;
        self.refused += other.refused;
        self.failed += other.failed;
        self.passed_outside += other.passed_outside;
        self.in_flight += other.in_flight;
        self.faults += other.faults;
    }
}

impl Neg for Amounts {
    type Output = Self;

    fn neg(self) -> Self {
        Self {
            accepted: -self.accepted,
            handed_over: -self.handed_over,
            refused: -self.refused,
            failed: -self.failed,
            passed_outside: -self.passed_outside,
            in_flight: -self.in_flight,
            faults: -self.faults,
        }
    }
}

/// What a sum is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// All of a day; under no name.
    Day,
    /// A sender.
    Agency,
    /// A next hop.
    Link,
    /// An agency's mailbox here.
    Mailbox,
    /// A system outside this network.
    Outlet,
}

impl Part {
    pub const ALL: [Self; 5] = [Self::Day, Self::Agency, Self::Link, Self::Mailbox, Self::Outlet];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Agency => "agency",
            Self::Link => "link",
            Self::Mailbox => "mailbox",
            Self::Outlet => "outlet",
        }
    }
}

/// One sum of the books: a part's, on one day of acceptance (counted from 1970-01-01 in Vietnam), or on all (day 0).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Heading {
    pub part: Part,
    pub day: i64,
    pub name: String,
}

/// Sums by their headings.
pub type Sheet = BTreeMap<Heading, Amounts>;

/// What a fault is about, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A consignment that was accepted.
    Line(ConsignmentId),
    /// An acceptance that cannot be read, by its row.
    Receipt(i64),
    /// A consignment without an acceptance.
    Unreceipted(ConsignmentId),
    /// A consignment that was accepted, of which a hop signed what contradicts what counts: no fault of the books.
    Contradicted(ConsignmentId),
}

/// Something that contradicts the receipts, or a receipt that contradicts those that count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub subject: Subject,
    pub doc_id: Option<DocId>,
    /// The day of its acceptance, as far as there is one.
    pub day: Option<i64>,
    /// A finding's code.
    pub code: String,
    pub found: String,
}

/// How a line stands in the books as they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptLine {
    pub figure: Figure,
    pub faulty: bool,
}

/// How far the books have been kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// The last receipt, and the last consignment, that was looked at.
    pub receipts: i64,
    pub consignments: i64,
}

/// Where to read on: a position, and within it, among what the hop before has not let go of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    pub at: Position,
    pub offered: Option<ConsignmentId>,
}

/// The books as they are kept.
#[derive(Debug, Clone, Default)]
pub struct KeptBooks {
    pub at: Position,
    /// Grows with every fold.
    pub folds: i64,
    /// The newest receipt that there is.
    pub newest: i64,
    /// By day, and for the other parts of all days together (day 0); of one day when that was asked.
    pub sheet: Sheet,
    /// Faults first, then contradictions.
    pub faults: Vec<Fault>,
    /// How many faults there are.
    pub faults_in_all: u64,
    /// How many consignments have contradictions.
    pub contradictions_in_all: u64,
}

impl KeptBooks {
    /// How many faults and how many contradictions are not among those given.
    #[must_use]
    pub fn unnamed(&self) -> (u64, u64) {
        let of_words = |fault: &&Fault| matches!(fault.subject, Subject::Contradicted(_));
        let words = self.faults.iter().filter(of_words).count() as u64;
        let faults = self.faults.len() as u64 - words;
        (self.faults_in_all.saturating_sub(faults), self.contradictions_in_all.saturating_sub(words))
    }
}

/// Accepted consignments of which there is something new, each once.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    pub lines: Vec<Changed>,
    /// Acceptances that cannot be read.
    pub unreadable: Vec<i64>,
    pub unreceipted: Vec<Unreceipted>,
    pub to: Cursor,
    /// There is more to read.
    pub more: bool,
    /// The fold that the kept lines are of.
    pub folds: i64,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The row of the acceptance.
    pub row: i64,
    pub acceptance: Named,
    pub line: Line,
}

/// What is to be kept from now on.
#[derive(Debug, Clone, Default)]
pub struct Fold {
    /// What the change was computed from.
    pub folds: i64,
    pub to: Position,
    pub lines: Vec<(ConsignmentId, i64, Figure)>,
    /// What is added to the sums.
    pub sheet: Sheet,
    pub faults: Vec<Fault>,
}

/// One acceptance that this hop signed.
#[derive(Debug, Clone)]
pub struct Acceptance {
    pub receipt: Named,
    /// Every consignment that the receipt names.
    pub lines: Vec<Line>,
}

/// A consignment that an acceptance names.
#[derive(Debug, Clone)]
pub struct Line {
    pub id: ConsignmentId,
    /// Nothing when the store has no such consignment.
    pub known: Option<Known>,
    /// How it stands in the books as they are kept.
    pub kept: Option<KeptLine>,
    /// There is something new of it that they do not have yet.
    pub pending: bool,
}

/// What the store has of a consignment.
#[derive(Debug, Clone)]
pub struct Known {
    pub doc_id: DocId,
    pub recipient: AgencyCode,
    pub previous_hop: Option<HopName>,
    pub next_hop: Option<HopName>,
    /// `next_hop` is an outlet.
    pub outside: bool,
    /// What the column says; the books only compare it.
    pub state: ConsignmentState,
    /// The last receipt that counts, as the column says.
    pub head: Digest,
    /// The last receipt that counts waits for the hop before to say that it has it.
    pub unconfirmed: bool,
    /// Its submission first, then all others in the order in which they came.
    pub receipts: Vec<Named>,
    /// Receipts whose text can no longer be read.
    pub unreadable: usize,
}

/// A consignment that stands in the store without an acceptance or a refusal of this hop.
#[derive(Debug, Clone)]
pub struct Unreceipted {
    pub id: ConsignmentId,
    pub doc_id: DocId,
}

/// Reads what the books are made of.
#[async_trait]
pub trait BooksStore: Send + Sync {
    /// Up to `limit` acceptances of this hop after the position `after`, made at or after `within.0` and before
    /// `within.1`. A page may be empty and have a next one.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn acceptances(&self, after: i64, within: Option<(Instant, Instant)>, limit: usize)
    -> Result<AcceptancePage>;

    /// Looks at up to `limit` consignments after the position `after` for those without a receipt of this hop.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn unreceipted(&self, after: i64, limit: usize) -> Result<(Vec<Unreceipted>, Option<i64>)>;

    /// How many bodies were deleted on each day in Vietnam, the days counted from 1970-01-01.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn bodies_deleted(&self) -> Result<Vec<(i64, u64)>>;

    /// The books as they are kept: of all days, or of one. At most `limit` faults.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn kept_books(&self, day: Option<i64>, limit: usize) -> Result<KeptBooks>;

    /// What has changed since, in pages of about `limit`; each is read in one moment.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn changes(&self, since: Cursor, limit: usize) -> Result<Changes>;

    /// Keeps what was computed; false when somebody else has kept something meanwhile, and then nothing was changed.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn fold(&self, fold: Fold) -> Result<bool>;

    /// Looks at up to `limit` kept lines after this one for those that the states contradict. Gives where to read on.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn suspects(
        &self,
        after: Option<ConsignmentId>,
        limit: usize,
    ) -> Result<(Vec<Changed>, Option<ConsignmentId>)>;

    /// Forgets up to `limit` rows of the kept books, so that they are made anew from the receipts; true while there are
    /// more. Until then their position is negative, and they tell nothing.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn forget_books(&self, limit: usize) -> Result<bool>;

    /// How many refusals of each day were deleted although their receipts stand in no log, because none was kept then.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn refusals_unlogged(&self) -> Result<Vec<(i64, u64)>>;
}
