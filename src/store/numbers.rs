//! Numbers that stand for documents. A trait of its own, beside [`Store`](super::Store).

use async_trait::async_trait;

use lienthong_contract::DocId;

use super::Result;

/// Numbers of documents. None is ever given twice, also when its document is long forgotten.
#[async_trait]
pub trait NumberStore: Send + Sync {
    /// The numbers of these documents, in their order; who has none gets the next.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn numbers(&self, documents: Vec<DocId>) -> Result<Vec<i64>>;

    /// The document of a number.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn document(&self, number: i64) -> Result<Option<DocId>>;
}
