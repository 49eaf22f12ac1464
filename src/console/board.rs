//! What is shown at a glance: looked up every few seconds by one task, and read by everybody.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use lienthong_contract::{HopName, Instant};

use crate::statistics::feed::PendingNow;
use crate::store::books::Amounts;
use crate::stuck::{Cause, Group};

/// One destination.
#[derive(Debug, Clone)]
pub struct Line {
    pub name: HopName,
    /// A system outside, not a neighbour.
    pub outside: bool,
    /// Nothing: all is well.
    pub trouble: Option<Cause>,
    pub error: Option<String>,
    pub waiting: u64,
    pub urgent: u64,
    pub oldest: Option<Instant>,
    pub under_way: usize,
    /// Packets that it took a minute, of late.
    pub per_minute: f64,
    pub succeeded_at: Option<Instant>,
    pub failed_at: Option<Instant>,
    pub closed: bool,
    /// Days until the certificate towards it ends, where it has one of ours.
    pub certificate_days: Option<i64>,
}

/// Everything at once.
#[derive(Debug, Clone, Default)]
pub struct Glance {
    pub at: Option<Instant>,
    /// The books of today, and of all time.
    pub today: Amounts,
    pub total: Amounts,
    pub balanced: bool,
    pub differences: u64,
    pub refused_at_submission: u64,
    pub destinations: Vec<Line>,
    /// Consignments in mailboxes, and since when the oldest lies there.
    pub in_mailboxes: u64,
    pub oldest_in_mailbox: Option<Instant>,
    /// Parts of readiness: name, whether it works, what is wrong.
    pub parts: Vec<(String, bool, String)>,
    pub stuck: Vec<Group>,
    /// What brokers set aside: the broker, how many messages.
    pub set_aside: Vec<(String, u32)>,
    /// What waits for acknowledgement, by its statutory limit.
    pub pending: PendingNow,
    /// What could not be looked up.
    pub blind: Option<String>,
}

/// Looks it up.
#[async_trait]
pub trait Lookout: Send + Sync {
    async fn look(&self) -> Glance;
}

/// The last glance.
#[derive(Debug, Default)]
pub struct Board(RwLock<Arc<Glance>>);

impl Board {
    #[must_use]
    pub fn glance(&self) -> Arc<Glance> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn put(&self, glance: Glance) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(glance);
    }
}
