//! Alarms as they are remembered, and the notices about them until they were sent.
//!
//! A trait of its own, beside [`Store`](super::Store).

use async_trait::async_trait;
use lienthong_contract::Instant;

use super::Result;
use super::queues::Waiting;
use crate::alarms::rules::{Kept, Name, Notice};

/// A notice that waits to be sent, or was.
#[derive(Debug, Clone)]
pub struct Queued {
    pub row: i64,
    pub notice: Notice,
    pub attempts: u32,
    /// Why it could not be sent last time.
    pub error: Option<String>,
    pub sent: Option<Instant>,
}

/// Remembers alarms and keeps notices.
#[async_trait]
pub trait AlarmStore: Send + Sync {
    /// All alarms that are remembered.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn remembered(&self) -> Result<Vec<Kept>>;

    /// Remembers what changed and keeps the notices that follow from it, all or nothing.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn remember(&self, changed: Vec<(Name, Option<Kept>)>, notices: Vec<Notice>) -> Result<()>;

    /// The first notice of each recipient, if it is due.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn due_notices(&self, now: Instant) -> Result<Vec<Queued>>;

    /// It was sent, or is given up: it waits no longer.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn notice_done(&self, row: i64, sent: Option<Instant>) -> Result<()>;

    /// It could not be sent; it is due again later.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn notice_failed(&self, row: i64, error: String, next: Instant) -> Result<()>;

    /// How many wait for whom (`mail:…`, `webhook:…`), and since when.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn waiting_notices(&self) -> Result<Vec<(String, Waiting)>>;

    /// The last notices, newest first.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn last_notices(&self, since: Instant, limit: usize) -> Result<Vec<Queued>>;

    /// Forgets notices that were made before and wait no longer.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn forget_notices(&self, before: Instant) -> Result<()>;

    /// Packets that were refused for a secrecy mark since then.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn secrets_refused(&self, since: Instant) -> Result<Waiting>;

    /// Headers of the signatures under receipts, base64url: one for each certificate that ever signed one.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn signature_headers(&self) -> Result<Vec<String>>;
}
