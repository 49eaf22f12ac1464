//! What waits here and how long, for monitoring: read from what waits, however many documents there have been.

use async_trait::async_trait;

use lienthong_contract::{HopName, Instant};

use super::Result;

/// Things that wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    pub count: u64,
    /// When the one that waits longest came to this hop.
    pub oldest: Option<Instant>,
}

/// All that waits at this hop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queues {
    /// Packets due to a neighbour, and whether they are urgent.
    pub outbox: Vec<(HopName, bool, Waiting)>,
    /// Receipts that a neighbour has not confirmed.
    pub receipts: Vec<(HopName, u64)>,
    /// Consignments in all mailboxes.
    pub mailboxes: Waiting,
    /// News that subscribers were not told yet; stays empty here, too.
    pub untold: Vec<(String, Waiting)>,
    /// What the two ends of a link do not agree on.
    pub differences: Vec<(HopName, u64)>,
    /// Days and directions of a link, older than those that are stated daily, on which the ends have not agreed.
    pub days_open: Vec<(HopName, u64)>,
    /// Receipts of a neighbour that were set aside.
    pub strays: Vec<(HopName, u64)>,
    /// Size of the log when it was last cosigned.
    pub cosigned: u64,
}

/// Looks at what waits.
#[async_trait]
pub trait QueueStore: Send + Sync {
    /// All but the mailboxes and the news, which stay empty here.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn queues(&self, now: Instant) -> Result<Queues>;

    /// Consignments in all mailboxes. Each that waits is looked at, and they may wait for weeks: not to be asked often.
    ///
    /// # Errors
    /// [`super::Error`].
    async fn mailboxes(&self) -> Result<Waiting>;
}
