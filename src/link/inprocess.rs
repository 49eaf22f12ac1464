//! The link between hops of one process: the embedded default, with no broker.
//!
//! A [`Hub`] knows the sink of every hop that joined; a [`HubLink`] calls the peer's sink in the sender's own task.
//! The semantics are those of the wire: `send` is `Ok` only once the peer's sink said `Ok`.
//!
//! Failure story: nothing is held here. A crash before the sink's `Ok` reached the sender means that the sender
//! sends again, and the sink deduplicates.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use bytes::Bytes;
use lienthong_contract::{HopName, Instant};

use super::spool::Spool;
use super::{
    Arrived, Coming, Content, Error, Link, LinkState, MAX_HEADER_BYTES, Sink, SinkError, Transfer, check, check_size,
};

/// The hops of one process. Clones are the same hub.
#[derive(Clone, Default)]
pub struct Hub(Arc<RwLock<HashMap<HopName, Member>>>);

#[derive(Clone)]
struct Member {
    sink: Arc<dyn Sink>,
    spool: Spool,
}

impl Hub {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a hop on the hub: from now on its sink gets what others send to `me`. `spool` is this hop's own folder.
    /// A hop that joins again replaces its former self.
    ///
    /// # Errors
    /// [`Error::Io`] when the spool folder cannot be used.
    pub fn join(&self, me: HopName, sink: Arc<dyn Sink>, spool: &Path) -> Result<(), Error> {
        let member = Member { sink, spool: Spool::open(spool)? };
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(me, member);
        Ok(())
    }

    /// Takes a hop off the hub; sends to it fail as unroutable.
    pub fn leave(&self, me: &HopName) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(me);
    }

    /// The sending side. `since` is when the link began to be usable: now.
    #[must_use]
    pub fn link(&self, max_content_bytes: u64, since: Instant) -> HubLink {
        HubLink { hub: self.clone(), max_content_bytes, since }
    }

    fn member(&self, peer: &HopName) -> Result<Member, Error> {
        let members = self.0.read().unwrap_or_else(PoisonError::into_inner);
        members
            .get(peer)
            .cloned()
            .ok_or_else(|| Error::Unroutable { peer: peer.clone(), detail: "not in this process".to_owned() })
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.0.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_set().entries(members.keys()).finish()
    }
}

/// A [`Link`] to every hop on the hub.
#[derive(Debug, Clone)]
pub struct HubLink {
    hub: Hub,
    max_content_bytes: u64,
    since: Instant,
}

#[async_trait]
impl Link for HubLink {
    async fn send(&self, peer: &HopName, transfer: Transfer) -> Result<(), Error> {
        check(&transfer, self.max_content_bytes)?;
        let member = self.hub.member(peer)?;
        let content = match transfer.content {
            Content::Bytes(bytes) => Arrived::Bytes(bytes),
            Content::File { path, len } => {
                let what = path.display().to_string();
                // A copy and not a link: the receiver may change what it owns, the sender still has custody.
                let copy = tokio::task::spawn_blocking(move || member.spool.copy_of(&path, len)).await;
                let copy = copy.map_err(|died| Error::Protocol(died.to_string()))?;
                Arrived::File(copy.map_err(Error::io(what))?)
            }
        };
        let coming = Coming { urgent: transfer.urgent, again: transfer.again, trace: transfer.trace };
        member.sink.transfer(transfer.header, content, coming).await.map_err(|error| refusal(peer, error))
    }

    async fn send_receipts(&self, peer: &HopName, batch: Bytes) -> Result<(), Error> {
        check_size("batch of receipts", batch.len() as u64, MAX_HEADER_BYTES as u64)?;
        let member = self.hub.member(peer)?;
        member.sink.receipts(batch).await.map_err(|error| refusal(peer, error))
    }

    fn state(&self) -> LinkState {
        LinkState {
            connected: true,
            since: self.since,
            blocked: None,
            last_error: None,
            queues_renewed: 0,
            set_aside: None,
        }
    }
}

fn refusal(peer: &HopName, error: SinkError) -> Error {
    let peer = peer.clone();
    match error {
        SinkError::Retry { why } => Error::PeerBusy { peer, why },
        SinkError::Poison { why } => Error::PeerRefused { peer, why },
    }
}
