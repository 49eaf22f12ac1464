//! What crossed each link on each day, for the statements that both ends compare.
//!
//! A consignment crosses a link with the next hop's RelayAcceptance or RelayRejection. Both ends hold that receipt, and
//! the day in Vietnam of its time is the consignment's day at both, whenever it arrived.

use async_trait::async_trait;

use lienthong_contract::{ConsignmentId, Digest, DocId, HopName};
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

    /// # Errors
    /// [`super::Error`].
    async fn stated(&self, crossed: &Crossed, today: i64) -> Result<()>;

    /// Notes whether the neighbour's statement agrees with ours; what was found before is settled when it does.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn compared(&self, crossed: &Crossed, agrees: bool) -> Result<()>;

    /// Puts down what differs in these buckets, instead of what was found there before.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn put_differences(&self, crossed: &Crossed, buckets: Vec<u8>, found: Vec<LinkDifference>) -> Result<()>;

    /// Up to `limit` differences of days up to this one, and the directions and days that differ without any being
    /// named yet.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn differences(&self, up_to: i64, limit: usize) -> Result<(Vec<LinkDifference>, Vec<Crossed>)>;
}
