//! The native HTTPS interface: a document system's door to the gateway.
//!
//! It authenticates the caller by its client certificate, turns HTTP into calls of [`Intake`], [`Mailbox`],
//! [`Tracking`] and [`Proofs`], and turns their answers into JSON and RFC 9457 problems. It decides nothing about documents.
//!
//! Invariants:
//! * Every answer that this room forms has a machine-readable body; a refusal is always `application/problem+json`
//!   with findings in Vietnamese and English. An outage can never look like an empty list.
//! * No wait on the outside is without a deadline, and no queue, map or buffer without a bound ([`Limits`]).
//! * Packets pass through as a stream of bytes and are never held in memory.
//! * Identity is looked up again at every request, so that a removed certificate stops working at once; a
//!   connection's age is bounded, so that reloaded revocation lists reach long-lived ones.
//!
//! Failure story: this room keeps nothing that outlives a connection. A crash or a broken upload leaves the packet
//! unaccepted (the stream handed to [`Intake`] ends in an error), and the caller may send the same bytes again.

mod callers;
pub mod findings;
mod limits;
mod openapi;
mod problem;
mod routes;
mod server;
mod stall;
mod upload;

#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use lienthong_contract::Digest;
use lienthong_contract::door::{Identity, Intake, Mailbox, Proofs, Tracking};

pub use limits::Limits;
pub use openapi::DESCRIPTION as OPENAPI;
pub use problem::Problem;
pub use server::{TlsProvider, serve};

/// What the interface needs of the gateway.
#[derive(Clone)]
pub struct Api {
    pub intake: Arc<dyn Intake>,
    pub mailbox: Arc<dyn Mailbox>,
    pub tracking: Arc<dyn Tracking>,
    pub proofs: Arc<dyn Proofs>,
    pub identities: Arc<dyn Identities>,
    pub health: Arc<dyn Health>,
    pub metrics: Arc<dyn Metrics>,
    /// The log of receipts; absent when this gateway keeps none.
    pub log: Option<Arc<dyn PublicLog>>,
    pub limits: Limits,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Who a client certificate belongs to.
pub trait Identities: Send + Sync {
    /// The agency that registered the certificate whose DER encoding has this SHA-256. Asked at every request, so it
    /// must be quick and must not block.
    fn by_certificate(&self, fingerprint: &Digest) -> Option<Identity>;
}

/// The hop's log of receipts, for everybody: digests and hashes, never a receipt's text.
#[async_trait]
pub trait PublicLog: Send + Sync {
    /// The checkpoint, a C2SP signed note; nothing while the log is empty.
    ///
    /// # Errors
    /// Why it cannot be read just now.
    async fn checkpoint(&self) -> Result<Option<String>, String>;

    /// The content of a tile (C2SP tlog-tiles), when the log has it.
    ///
    /// # Errors
    /// Why it cannot be read just now.
    async fn tile(&self, path: &str) -> Result<Option<Vec<u8>>, String>;

    /// The statement that binds the log's key to the hop, JWS.
    fn key(&self) -> String;
}

/// Whether the gateway can do its work.
pub trait Health: Send + Sync {
    /// Asked by anybody, without a certificate: quick, and without secrets in the texts.
    fn readiness(&self) -> Readiness;
}

/// What the gateway measures of itself.
pub trait Metrics: Send + Sync {
    /// A page in Prometheus' text form ([`crate::metrics::MEDIA_TYPE`]). Asked by anybody, without a certificate: quick, and
    /// without anything secret.
    fn text(&self) -> String;
}

/// The state of the gateway's parts. `ready` only when it can sign, store and reach what it must reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    pub ready: bool,
    /// Name of the part, whether it works, and a sentence about it (may be empty).
    pub parts: Vec<(String, bool, String)>,
}
