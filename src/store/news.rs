//! News for those who want to hear of it without asking: kept from the receipt that is the news until it was told.

use async_trait::async_trait;

use lienthong_contract::{AgencyCode, Instant};

use super::Result;
use super::queues::Waiting;
use crate::news::Item;

/// Whose news somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    pub name: String,
    /// As the directory spells them.
    pub agencies: Vec<AgencyCode>,
}

/// What a look at new receipts came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gathered {
    /// News found.
    pub found: usize,
    /// There are more receipts to look at.
    pub more: bool,
}

/// Gathers news and keeps it until it was told.
#[async_trait]
pub trait NewsStore: Send + Sync {
    /// Says who is to be told from now on. Who is new hears of what comes from now; who is not named any more is forgotten
    /// together with what was not told.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn subscribe(&self, names: Vec<String>) -> Result<()>;

    /// Looks at up to `limit` receipts that were not looked at yet, and keeps what is news to somebody. What was kept
    /// and how far was looked change together.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn gather(&self, subscriptions: Vec<Subscription>, now: Instant, limit: usize) -> Result<Gathered>;

    /// The first of what one of them was not told yet, in the order in which it happened, each with its number.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn news(&self, name: &str, limit: usize) -> Result<Vec<(i64, Item)>>;

    /// It was told everything up to this number.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn told(&self, name: &str, up_to: i64) -> Result<()>;

    /// How much waits to be told to whom, and since when.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn untold(&self) -> Result<Vec<(String, Waiting)>>;
}
