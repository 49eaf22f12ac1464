//! Handing out bundles: what this hop knows of a document, sealed by it.
//!
//! Who may trace a document gets its proof, and a recipient gets that of its own part, because the parts come from the
//! trace that the caller would be shown. Nothing is kept here and nothing changes: a proof may be asked for again at
//! any time, and says more once more has happened.

use std::fmt;
use std::fs::File;
use std::io::{Cursor, Read};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use lienthong_contract::door::{self, Identity, Refusal, RefusalCause, Trace, Tracking};
use lienthong_contract::{Clock, DocId, Finding, HopName, Kind};

use crate::bundle::{self, Error, Input, LedgerPart, findings, make, make_with};
use crate::intake::findings::{NOT_FOUND, UNAVAILABLE};
use crate::mailbox::{Mailboxes, Source};
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

/// How long a caller waits for a place.
const FOR_A_PLACE: Duration = Duration::from_secs(10);

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
    pub mailboxes: Arc<Mailboxes>,
    pub ledger: Arc<dyn LedgerView>,
    /// What the certificates of hops rest on.
    pub trust: Arc<HopTrust>,
    pub signer: Arc<dyn Signer>,
    pub clock: Arc<dyn Clock>,
    /// Places for bundles with a packet inside, which are large.
    pub with_packet: Arc<Semaphore>,
}

/// The most bundles with a packet inside that are in memory at once, until their callers have them.
pub const WITH_PACKET: usize = 2;

/// A bundle that keeps its place until it is sent.
struct Placed {
    bundle: Vec<u8>,
    _place: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Placed {
    fn as_ref(&self) -> &[u8] {
        &self.bundle
    }
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
        Error::PacketTooLarge => refusal(RefusalCause::TooLarge, &findings::PACKET_TOO_LARGE),
        Error::Malformed(bundle::Fault { .. }) | Error::OtherPacket | Error::Unreadable(_) | Error::Receipt(_) => {
            unavailable(error)
        }
    }
}

fn open(source: Source) -> Result<Box<dyn Read>, Error> {
    Ok(match source {
        Source::Inline(bytes) => Box::new(Cursor::new(bytes)),
        Source::File(path) => Box::new(File::open(path).map_err(|error| Error::Unreadable(error.to_string()))?),
    })
}

impl Proofs {
    /// What is told of the document; of one that was refused at its submission, only that.
    async fn told(&self, caller: &Identity, doc_id: DocId) -> Result<Trace, Refusal> {
        match self.mailboxes.trace(caller, doc_id).await {
            Err(refusal) if refusal.cause == RefusalCause::NotFound => self.mailboxes.refused(caller, doc_id).await,
            told => told,
        }
    }

    /// The packet and a place in memory for it. Whoever finds none free comes again.
    async fn packet(&self, caller: &Identity, trace: &Trace) -> Result<(Source, OwnedSemaphorePermit), Refusal> {
        // What was refused at its submission was not kept.
        if trace.consignments.is_empty() {
            return Err(refusal(RefusalCause::NotFound, &NOT_FOUND));
        }
        if trace.size > bundle::MAX_BYTES as u64 {
            return Err(refusal(RefusalCause::TooLarge, &findings::PACKET_TOO_LARGE));
        }
        let source = self.mailboxes.source(caller, trace).await?;
        let place = timeout(FOR_A_PLACE, Arc::clone(&self.with_packet).acquire_owned()).await;
        match place {
            Ok(Ok(place)) => Ok((source, place)),
            Ok(Err(error)) => Err(unavailable(&error)),
            Err(_) => Err(unavailable(&"too many bundles with a packet inside are on their way")),
        }
    }
}

#[async_trait]
impl door::Proofs for Proofs {
    async fn proof(&self, caller: &Identity, doc_id: DocId, packet: bool) -> Result<Bytes, Refusal> {
        let trace = self.told(caller, doc_id).await?;
        let packet = if packet { Some(self.packet(caller, &trace).await?) } else { None };
        self.made(trace, packet).await
    }
}

impl Proofs {
    /// The bundle of what is told here, without the packet, for those whose right to it was looked at elsewhere.
    ///
    /// # Errors
    /// As [`door::Proofs::proof`].
    pub async fn of_trace(&self, trace: Trace) -> Result<Bytes, Refusal> {
        self.made(trace, None).await
    }

    async fn made(&self, trace: Trace, packet: Option<(Source, OwnedSemaphorePermit)>) -> Result<Bytes, Refusal> {
        let ledger = self.ledger.places(&trace).await.map_err(|error| unavailable(&error))?;
        let (trust, signer) = (self.trust.store(), Arc::clone(&self.signer));
        let (hop, now) = (self.hop.clone(), self.clock.now());
        // Thousands of receipts are hashed and written: not on the threads that serve everybody.
        let made = tokio::task::spawn_blocking(move || {
            let input = Input::of_trace(&trace, ledger, &trust, now)?;
            let Some((source, place)) = packet else {
                return make(input, &hop, signer.as_ref(), now).map(Bytes::from);
            };
            let mut source = open(source)?;
            let bundle = make_with(input, Some(source.as_mut()), &hop, signer.as_ref(), now)?;
            Ok(Bytes::from_owner(Placed { bundle, _place: place }))
        });
        let made = made.await.map_err(|error| unavailable(&error))?;
        made.map_err(|error| refused(&error))
    }
}
