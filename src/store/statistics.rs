//! The statutory clocks of documents and the sums over them, for the statistics of QĐ 28/2018/QĐ-TTg Điều 11.
//!
//! A trait of its own, beside [`Store`](super::Store). Lines and sums follow receipts and statuses in the background, in small
//! transactions of their own: taking a document in costs nothing more. Each line is computed from what is stored, never
//! counted up, so the sums made anew are those that were kept.

use std::sync::Arc;

use async_trait::async_trait;
use lienthong_contract::{AgencyCode, ConsignmentId, DocId, Instant};

use super::Result;
use crate::statutory::{Signed, Terms};

/// Which way a document went, seen from an agency served here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// It was handed in here.
    Sent,
    /// It came into a mailbox here.
    Received,
}

/// Numbers of documents. What is not on time, late or not measured waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    pub documents: u64,
    /// Sent, or acknowledged, within the limit.
    pub on_time: u64,
    pub late: u64,
    pub not_measured: u64,
    /// Of what was sent: to how many recipients.
    pub recipients: u64,
    /// Of what was sent: recipients that it did not reach; of what came: documents that were never collected.
    pub failed: u64,
    /// Recipients that gave it back.
    pub given_back: u64,
}

impl Figures {
    /// These and those.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            documents: self.documents + other.documents,
            on_time: self.on_time + other.on_time,
            late: self.late + other.late,
            not_measured: self.not_measured + other.not_measured,
            recipients: self.recipients + other.recipients,
            failed: self.failed + other.failed,
            given_back: self.given_back + other.given_back,
        }
    }

    /// What has neither met nor missed its limit yet, or was not acknowledged since.
    #[must_use]
    pub const fn waiting(&self) -> u64 {
        self.documents.saturating_sub(self.on_time + self.late + self.not_measured)
    }

    /// Tenths of a percent on time, of what was measured.
    #[must_use]
    pub fn per_mille_on_time(&self) -> Option<u64> {
        (self.on_time * 1000).checked_div(self.on_time + self.late)
    }
}

/// Whose figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    pub agency: AgencyCode,
    /// And those of the agencies below it, by their codes.
    pub below: bool,
}

/// Which figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Days in Vietnam counted from 1970-01-01, both included.
    pub from: i64,
    pub to: i64,
    /// All agencies' when left out.
    pub scope: Option<Scope>,
    /// Of these urgencies alone (0 normal, 1 urgent, …); all when empty.
    pub urgencies: Vec<u8>,
    /// Apart for each agency.
    pub by_agency: bool,
    /// Apart for each day.
    pub by_day: bool,
}

/// Figures of one agency, or of one day, or of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    pub agency: Option<AgencyCode>,
    pub day: Option<i64>,
    pub direction: Direction,
    pub figures: Figures,
}

/// What waits for its recipient's acknowledgement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pending {
    /// The limit is over.
    pub overdue: u64,
    /// It ends between now and the given moment.
    pub ending: u64,
    /// It ends later.
    pub later: u64,
}

/// What the clocks of a document are read from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    pub signed: Option<Signed>,
    pub urgency: u8,
    /// It revokes, updates or replaces another.
    pub changes_another: bool,
    /// When it was handed in here; none when it came from another hop or from outside.
    pub sent: Option<Instant>,
    /// Of each consignment: when it came into a mailbox, and when its recipient first acknowledged it; as far as known here.
    pub recipients: Vec<(ConsignmentId, Option<Instant>, Option<Instant>)>,
}

/// Keeps the figures.
#[async_trait]
pub trait StatisticsStore: Send + Sync {
    /// Follows up to `limit` more receipts and statuses; false when all were followed. Other terms than last time make everything
    /// anew.
    ///
    /// # Errors
    /// [`Error`](super::Error); then nothing was changed.
    async fn fold(&self, terms: Arc<Terms>, limit: usize) -> Result<bool>;

    /// Sums of what was wanted, without those that are zero; by agency, then day.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn sums(&self, wanted: Wanted) -> Result<Vec<Sum>>;

    /// What waits for acknowledgement now, of all agencies or within a scope.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn pending(&self, scope: Option<Scope>, now: Instant, until: Instant) -> Result<Pending>;

    /// What the clocks of this document are read from; none when it is not here.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn clock_facts(&self, doc_id: DocId) -> Result<Option<Facts>>;
}
