//! What crossed each link on each day, for the statements that both ends compare.
//!
//! A consignment crosses a link with the next hop's RelayAcceptance or RelayRejection. Both ends hold that receipt, and
//! the day in Vietnam of its time is the consignment's day at both, whenever it arrived.

use async_trait::async_trait;

use lienthong_contract::{ConsignmentId, Digest, DocId, HopName, Instant};
use serde::{Deserialize, Serialize};

use super::Result;

/// Which way, seen from the hop that speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To the neighbour.
    Given,
    /// From the neighbour.
    Taken,
}

impl Direction {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Taken => "taken",
        }
    }

    /// The same, seen from the other end.
    #[must_use]
    pub const fn from_there(self) -> Self {
        match self {
            Self::Given => Self::Taken,
            Self::Taken => Self::Given,
        }
    }
}

/// One direction of one link on one day, counted in days since 1970-01-01 in Vietnam.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossed {
    pub peer: HopName,
    pub direction: Direction,
    pub day: i64,
}

/// One consignment that crossed, and how: taken over, or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossing {
    pub id: ConsignmentId,
    pub accepted: bool,
}

/// All that crossed, summed up. The digest is SHA-256 over the crossings in the order of their ids, each as the 16 bytes
/// of the id and one of the outcome (1 taken over, 0 refused).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    pub accepted: u64,
    pub rejected: u64,
    pub digest: Digest,
    /// The same over those of each bucket ([`bucket`]).
    pub buckets: Vec<Digest>,
}

/// The most differences that are kept of one day and direction of a link.
pub const MAX_KEPT: usize = 10_000;

/// The longest rest of a day that does not agree, in days, until it is stated again.
pub const LONGEST_REST: i64 = 8;

/// How many buckets there are.
pub const BUCKETS: usize = 256;

/// The bucket of a consignment: the last byte of its id. The first bytes are its time, and all alike on one day.
#[must_use]
pub const fn bucket(id: &ConsignmentId) -> u8 {
    let [.., last] = *id.as_bytes();
    last
}

/// A consignment on which the two ends do not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkDifference {
    pub crossed: Crossed,
    pub id: ConsignmentId,
    /// As far as it is known here.
    pub doc_id: Option<DocId>,
    /// How it crossed here and there; nothing where it did not.
    pub here: Option<bool>,
    pub there: Option<bool>,
}

/// The store's side of the statements.
#[async_trait]
pub trait StatementStore: Send + Sync {
    /// Takes the next `limit` receipts into the list of what crossed; false when there are no more.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn list_crossings(&self, limit: usize) -> Result<bool>;

    /// # Errors
    /// [`super::Error`].
    async fn sums(&self, crossed: &Crossed) -> Result<Sums>;

    /// Up to `limit` crossings of these buckets, after this id.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn crossings(
        &self,
        crossed: &Crossed,
        buckets: Vec<u8>,
        after: Option<ConsignmentId>,
        limit: usize,
    ) -> Result<Vec<Crossing>>;

    /// True when our statement was sent on this day already.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn was_stated(&self, crossed: &Crossed, today: i64) -> Result<bool>;

    /// Notes that ours was sent today; `again` when it is one of those that did not agree before.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn stated(&self, crossed: &Crossed, today: i64, again: bool) -> Result<()>;

    /// The day within these two, and the direction, that has waited longest for this neighbour to agree and is due to be
    /// stated again: the more often that was done, the longer it rests, up to [`LONGEST_REST`] days.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn open_day(&self, peer: &HopName, within: (i64, i64), today: i64) -> Result<Option<Crossed>>;

    /// How many days and directions of each neighbour, within these days, are not settled.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn open_days(&self, within: (i64, i64)) -> Result<Vec<(HopName, u64)>>;

    /// An operator holds a day of a link for settled, and says why. Gives how many directions that were.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn settle(&self, peer: &HopName, day: i64, at: Instant, why: String) -> Result<usize>;

    /// Takes up to `limit` crossings off the list that are of days before this one on which both ends agree, or which
    /// were settled; true when there may be more. The receipts stay, and with them all that the list was made from.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn prune_crossings(&self, before: i64, limit: usize) -> Result<bool>;

    /// Notes whether the neighbour's statement agrees with ours; what was found before is settled when it does.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn compared(&self, crossed: &Crossed, agrees: bool) -> Result<()>;

    /// Puts down what differs in these buckets, instead of what was found there before: at most [`MAX_KEPT`] of one day
    /// and direction. Gives how many had no place; they are counted.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn put_differences(&self, crossed: &Crossed, buckets: Vec<u8>, found: Vec<LinkDifference>) -> Result<u64>;

    /// Up to `limit` differences of days up to this one, and the directions and days that differ without any being
    /// named yet, or with more than are named. What was settled is not among them.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn differences(&self, up_to: i64, limit: usize) -> Result<(Vec<LinkDifference>, Vec<Crossed>)>;
}
