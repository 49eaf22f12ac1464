//! Numbers that stand for documents, for doors whose callers cannot hold a docId.

use async_trait::async_trait;

use crate::DocId;
use crate::door::Refusal;

/// Gives documents numbers: each one, for ever, never another's. They fit a signed integer of 64 bits and are positive.
#[async_trait]
pub trait Numbers: Send + Sync {
    /// The numbers of these documents, in their order; who has none gets one.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn numbers(&self, documents: &[DocId]) -> Result<Vec<i64>, Refusal>;

    /// The document of a number.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn document(&self, number: i64) -> Result<Option<DocId>, Refusal>;
}
