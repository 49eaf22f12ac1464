//! Business statuses said by a code alone, for doors whose protocol has no status packet for them.

use async_trait::async_trait;

use crate::DocId;
use crate::door::Refusal;
use crate::system::Party;

/// Says business statuses for callers.
#[async_trait]
pub trait Reporting: Send + Sync {
    /// Tells the sender of a document in the caller's mailboxes that it now stands at this code (01 arrived … 16): as a status
    /// packet, made here and judged like any other. Said again while it is still the last word, it changes nothing.
    ///
    /// # Errors
    /// `NotFound` unless the caller is a recipient; what the intake says of the packet.
    async fn report(&self, party: &Party, doc_id: DocId, code: &str) -> Result<(), Refusal>;
}
