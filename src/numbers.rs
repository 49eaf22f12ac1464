//! Documents by number, for systems that cannot hold a docId: what the store keeps, as doors see it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use lienthong_contract::DocId;
use lienthong_contract::door::{Refusal, RefusalCause};
use lienthong_contract::numbers::Numbers;

use crate::store::{Error, NumberStore};

/// The numbers of one gateway.
#[derive(Clone)]
pub struct Numbered(pub Arc<dyn NumberStore>);

impl fmt::Debug for Numbered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Numbered").finish_non_exhaustive()
    }
}

fn unavailable(error: &Error) -> Refusal {
    tracing::error!(%error, "the numbers of documents cannot be read or given");
    Refusal { cause: RefusalCause::Unavailable, findings: Vec::new(), receipt: None }
}

#[async_trait]
impl Numbers for Numbered {
    async fn numbers(&self, documents: &[DocId]) -> Result<Vec<i64>, Refusal> {
        self.0.numbers(documents.to_vec()).await.map_err(|error| unavailable(&error))
    }

    async fn document(&self, number: i64) -> Result<Option<DocId>, Refusal> {
        self.0.document(number).await.map_err(|error| unavailable(&error))
    }
}
