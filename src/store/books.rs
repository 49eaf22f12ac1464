//! What the books are made of: the acceptance receipts of this hop, and all that is here of what they name.
//!
//! A trait of its own, beside [`Store`](super::Store): nothing on a packet's way needs it. Every method reads a bounded
//! page, so that books over years need no more memory than books over a day.

use async_trait::async_trait;

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId, HopName, Instant};

use super::Result;
use crate::receipts::Sealed;

/// A page of acceptance receipts.
#[derive(Debug, Clone, Default)]
pub struct AcceptancePage {
    pub acceptances: Vec<Acceptance>,
    /// Rows of acceptance receipts whose text can no longer be read.
    pub unreadable: Vec<i64>,
    /// Read on from here; absent on the last page.
    pub next: Option<i64>,
}

/// One acceptance that this hop signed.
#[derive(Debug, Clone)]
pub struct Acceptance {
    pub receipt: Sealed,
    /// Every consignment that the receipt names.
    pub lines: Vec<Line>,
}

/// A consignment that an acceptance names.
#[derive(Debug, Clone)]
pub struct Line {
    pub id: ConsignmentId,
    /// Nothing when the store has no such consignment.
    pub known: Option<Known>,
}

/// What the store has of a consignment.
#[derive(Debug, Clone)]
pub struct Known {
    pub doc_id: DocId,
    pub recipient: AgencyCode,
    pub previous_hop: Option<HopName>,
    pub next_hop: Option<HopName>,
    /// What the column says; the books only compare it.
    pub state: ConsignmentState,
    /// The last receipt that counts, as the column says.
    pub head: Digest,
    /// The last receipt that counts waits for the hop before to say that it has it.
    pub unconfirmed: bool,
    /// Its submission first, then all others in the order in which they came.
    pub receipts: Vec<Sealed>,
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

    /// How many refusals of each day were deleted although their receipts stand in no log, because none was kept then.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn refusals_unlogged(&self) -> Result<Vec<(i64, u64)>>;
}
