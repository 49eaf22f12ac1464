//! Handing out bundles: what this hop knows of a document, sealed by it.
//!
//! Who may trace a document gets its proof, and a recipient gets that of its own part, because the parts come from the
//! trace that the caller would be shown. Nothing is kept here and nothing changes: a proof may be asked for again at
//! any time, and says more once more has happened.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use lienthong_contract::door::{self, Identity, Refusal, RefusalCause, Trace, Tracking};
use lienthong_contract::{Clock, DocId, Finding, HopName, Kind};

use crate::bundle::{self, Error, Input, LedgerPart, findings, make};
use crate::intake::findings::UNAVAILABLE;
use crate::receipts::Signer;
use crate::trust::hops::HopTrust;

/// Where receipts stand in ledgers, this hop's and others'.
#[async_trait]
pub trait LedgerView: Send + Sync {
    /// The places known of the receipts of a trace, with the checkpoints and key statements that prove them. A receipt that
    /// is in no ledger known here has none.
    ///
    /// # Errors
    /// Why the ledger cannot be read.
    async fn places(&self, trace: &Trace) -> Result<LedgerPart, String>;
}

/// Knows of no ledger: every receipt is reported as not yet in one.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLedger;

#[async_trait]
impl LedgerView for NoLedger {
    async fn places(&self, _trace: &Trace) -> Result<LedgerPart, String> {
        Ok(LedgerPart::default())
    }
}

/// The desk that hands out bundles.
pub struct Proofs {
    pub hop: HopName,
    pub tracking: Arc<dyn Tracking>,
    pub ledger: Arc<dyn LedgerView>,
    /// What the certificates of hops rest on.
    pub trust: Arc<HopTrust>,
    pub signer: Arc<dyn Signer>,
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for Proofs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proofs").field("hop", &self.hop).finish_non_exhaustive()
    }
}

fn refusal(cause: RefusalCause, kind: &'static Kind) -> Refusal {
    Refusal { cause, findings: vec![Finding::of(kind)], receipt: None }
}

fn unavailable(error: &dyn fmt::Display) -> Refusal {
    tracing::error!(%error, "a proof cannot be made");
    refusal(RefusalCause::Unavailable, &UNAVAILABLE)
}

fn refused(error: &Error) -> Refusal {
    match error {
        Error::NoSubmission => refusal(RefusalCause::NotFound, &findings::NO_SUBMISSION),
        Error::TooLarge => refusal(RefusalCause::TooLarge, &findings::TOO_LARGE),
        Error::Malformed(bundle::Fault { .. }) | Error::OtherPacket | Error::Receipt(_) => unavailable(error),
    }
}

#[async_trait]
impl door::Proofs for Proofs {
    async fn proof(&self, caller: &Identity, doc_id: DocId) -> Result<Bytes, Refusal> {
        let trace = self.tracking.trace(caller, doc_id).await?;
        let ledger = self.ledger.places(&trace).await.map_err(|error| unavailable(&error))?;
        let (trust, signer) = (self.trust.store(), Arc::clone(&self.signer));
        let (hop, now) = (self.hop.clone(), self.clock.now());
        // Thousands of receipts are hashed and written: not on the threads that serve everybody.
        let made = tokio::task::spawn_blocking(move || {
            make(Input::of_trace(&trace, ledger, &trust, now)?, &hop, signer.as_ref(), now)
        });
        let made = made.await.map_err(|error| unavailable(&error))?;
        made.map(Bytes::from).map_err(|error| refused(&error))
    }
}
