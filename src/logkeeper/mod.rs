//! The running ledger: what of it stands outside the store, what neighbours say of it, what is proved by it.
//!
//! ```text
//!   hop                                            neighbour, a witness
//!     Batch::Checkpoint (proof since the last)  ─────►  judges by the last one it saw, keeps it
//!     keeps and shows the cosignature   ◄─────  Batch::Cosigned
//!     proves from there                 ◄─────  Batch::Seen (another one was seen last; or: these cannot both be true)
//!
//!   hop that asks                                  next hop
//!     Batch::ProofsWanted               ─────►  passes it on along the consignments' ways
//!     verifies, keeps, passes it back   ◄─────  Batch::Proofs (its own; later those of hops behind it)
//! ```
//!
//! Invariants: nothing is cosigned that was not shown to continue what was cosigned before; a contradiction is kept,
//! both notes, and told; a proof is kept only when every signature and hash in it holds and the receipt is here.
//! Everything here may be lost on the way: checkpoints come again every minute, proofs when they are asked for again.

pub mod findings;
pub mod outside;
mod proofs;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use lienthong_contract::{Clock, DocId, HopName, Instant, Kind};

use crate::api::PublicLog;
use crate::custody::Batch;
use crate::custody::logs::KeyStatement;
use crate::ledger::{Note, Origin, SignatureKind, SignedCheckpoint, SigningKey, TilePath, VerifierKey, cosign};
use crate::link::Link;
use crate::receipts::{HopKeys, Signer};
use crate::store::LedgerStore;
use crate::store::ledger::{Alarm, Heads, MAX_PROVED, Offer, Shown, Verdict};

pub use proofs::check;

/// The most messages about logs in hand; what comes beyond is dropped and comes again.
const IN_HAND: usize = 64;
/// The longest checkpoint that is judged, in bytes: a log's own words and its signature. It is kept, perhaps as evidence.
const MAX_OFFERED: usize = 4096;
/// How soon after the start neighbours are shown the log.
const SOON: Duration = Duration::from_secs(1);
/// The most documents remembered as asked for a moment ago.
const MAX_ASKED: usize = 1024;

/// What a keeper is built from.
pub struct Parts {
    pub hop: HopName,
    pub store: Arc<dyn LedgerStore>,
    /// The log's key, under the log's name.
    pub key: SigningKey,
    /// Signs for the hop: batches, and that the key is this hop's.
    pub signer: Arc<dyn Signer>,
    pub hops: Arc<dyn HopKeys>,
    pub clock: Arc<dyn Clock>,
    pub links: Vec<(HopName, Arc<dyn Link>)>,
    /// How often neighbours are shown the log.
    pub every: Duration,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("hop", &self.hop).finish_non_exhaustive()
    }
}

/// Keeps this hop's log before the eyes of its neighbours, and theirs before its own.
pub struct Keeper {
    hop: HopName,
    store: Arc<dyn LedgerStore>,
    origin: Origin,
    heads: Heads,
    /// What neighbours are shown in this round.
    rounds: watch::Sender<Option<Arc<SignedCheckpoint>>>,
    picking: Mutex<()>,
    key: SigningKey,
    vkey: VerifierKey,
    statement: String,
    signer: Arc<dyn Signer>,
    hops: Arc<dyn HopKeys>,
    clock: Arc<dyn Clock>,
    links: HashMap<HopName, Arc<dyn Link>>,
    every: Duration,
    in_hand: Arc<Semaphore>,
    tasks: TaskTracker,
    stop: CancellationToken,
    alarms: AtomicU64,
    asked: Mutex<HashMap<DocId, tokio::time::Instant>>,
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// The keeper could not begin, or a message about a log is not to be believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("the store keeps no log")]
    NoLog,
    #[error(transparent)]
    Ledger(#[from] crate::ledger::Error),
    #[error(transparent)]
    Receipts(#[from] crate::receipts::Error),
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    #[error(transparent)]
    Link(#[from] crate::link::Error),
    #[error("{0}")]
    NotBelieved(&'static str),
}

impl Keeper {
    /// Signs that the key is this hop's, and begins to show the log to every neighbour.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn start(parts: Parts, tasks: &TaskTracker, stop: &CancellationToken) -> Result<Arc<Self>, Error> {
        let Parts { hop, store, key, signer, hops, clock, links, every } = parts;
        let (origin, heads) = store.log().ok_or(Error::NoLog)?;
        let vkey = key.verifier(SignatureKind::Ed25519)?;
        let statement = KeyStatement::sign(&hop, &key, clock.now(), signer.as_ref())?;
        let alarms = AtomicU64::new(store.alarms(0).await?.1);
        let links: HashMap<_, _> = links.into_iter().collect();
        let (in_hand, asked) = (Arc::new(Semaphore::new(IN_HAND)), Mutex::default());
        let (tasks, stop) = (tasks.clone(), stop.clone());
        let keeper = Arc::new(Self {
            hop,
            store,
            origin,
            heads,
            rounds: watch::Sender::new(None),
            picking: Mutex::default(),
            key,
            vkey,
            statement,
            signer,
            hops,
            clock,
            links,
            every,
            in_hand,
            tasks,
            stop,
            alarms,
            asked,
        });
        keeper.tasks.spawn(Arc::clone(&keeper).rounds());
        for peer in keeper.links.keys().cloned() {
            keeper.tasks.spawn(Arc::clone(&keeper).show_to(peer));
        }
        Ok(keeper)
    }

    /// The statement that binds the log's key to this hop, JWS.
    #[must_use]
    pub fn statement(&self) -> &str {
        &self.statement
    }

    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The key that signs the log's checkpoints.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.vkey
    }

    /// How many alarms about logs there are, this hop's and its neighbours'.
    #[must_use]
    pub fn alarms(&self) -> u64 {
        self.alarms.load(Ordering::Relaxed)
    }

    /// The checkpoint of the last commit; nothing while the log is empty.
    #[must_use]
    pub fn head(&self) -> Option<Arc<SignedCheckpoint>> {
        self.heads.borrow().clone()
    }

    /// The checkpoint that outsiders get: the last one with cosignatures, or the newest.
    ///
    /// # Errors
    /// The store's.
    pub async fn shown(&self) -> Result<Option<Shown>, Error> {
        let shown = self.store.shown().await?;
        let cosigned = shown.filter(|shown| Note::parse(shown.note.as_bytes()).is_ok_and(|n| n.signatures().len() > 1));
        let newest = || {
            let head = self.head()?;
            Some(Shown { size: head.checkpoint().size, note: head.to_string(), witnesses: Vec::new() })
        };
        Ok(cosigned.or_else(newest))
    }

    /// Takes a neighbour's message about logs. What cannot be taken now is dropped: it comes again.
    pub fn take(self: &Arc<Self>, batch: Batch) {
        let Ok(place) = Arc::clone(&self.in_hand).try_acquire_owned() else {
            tracing::warn!(hop = %batch.head().0, "too many messages about logs; this one is dropped and comes again");
            return;
        };
        let keeper = Arc::clone(self);
        self.tasks.spawn(async move {
            let _place = place;
            let hop = batch.head().0.clone();
            if let Err(error) = keeper.handle(batch).await {
                tracing::warn!(%error, %hop, "a message about logs led to nothing");
            }
        });
    }

    async fn handle(&self, batch: Batch) -> Result<(), Error> {
        match batch {
            Batch::Checkpoint { from_hop, time, statement, note, from_size, proof } => {
                let said = KeyStatement::open(&statement, self.hops.as_ref())?;
                if said.hop != from_hop || !self.links.contains_key(&from_hop) {
                    return Err(Error::NotBelieved("the log is not the neighbour's own"));
                }
                if note.len() > MAX_OFFERED {
                    return Err(Error::NotBelieved("the checkpoint is longer than a log's own is"));
                }
                let (hop, note, now) = (said.hop, note.into_bytes(), self.clock.now());
                let offer = Offer { hop, origin: said.origin, key: said.log, note, time, from_size, proof, now };
                self.witness(offer).await
            }
            Batch::Cosigned { from_hop, statement, size, cosignature, .. } => {
                let said = KeyStatement::open(&statement, self.hops.as_ref())?;
                if said.hop != from_hop || !self.links.contains_key(&from_hop) {
                    return Err(Error::NotBelieved("the witness is not the neighbour"));
                }
                self.store.cosigned(&from_hop, said.cosigner, statement, size, cosignature).await?;
                Ok(())
            }
            Batch::Seen { from_hop, note, alarm, .. } => self.seen(&from_hop, note, alarm).await,
            Batch::ProofsWanted { from_hop, consignments, .. } => self.wanted(&from_hop, consignments).await,
            Batch::Proofs { from_hop, consignments, logs, .. } => self.proofs(&from_hop, consignments, logs).await,
            Batch::Receipts { .. } | Batch::Stored { .. } | Batch::Statement { .. } | Batch::Crossings { .. } => {
                Err(Error::NotBelieved("it is not about logs"))
            }
        }
    }

    async fn witness(&self, offer: Offer) -> Result<(), Error> {
        let (hop, from_hop, time) = (offer.hop.clone(), self.hop.clone(), offer.now);
        let answer = match self.store.witness(offer).await? {
            Verdict::Cosign(checkpoint) => {
                let seconds = u64::try_from(time.as_seconds()).unwrap_or(0);
                let cosignature = cosign(&self.key, &checkpoint, seconds)?.to_string();
                let (statement, size) = (self.statement.clone(), checkpoint.checkpoint().size);
                Batch::Cosigned { from_hop, time, statement, size, cosignature }
            }
            Verdict::Seen(note) => Batch::Seen { from_hop, time, note, alarm: false },
            Verdict::Alarm { before, .. } => Batch::Seen { from_hop, time, note: before, alarm: true },
        };
        // A log that was begun anew is cosigned and told of all the same.
        self.count_alarms().await?;
        self.send(&hop, &answer).await
    }

    async fn count_alarms(&self) -> Result<(), Error> {
        self.alarms.store(self.store.alarms(0).await?.1, Ordering::Relaxed);
        Ok(())
    }

    /// A witness has seen this checkpoint of ours last. Our log must contain it.
    async fn seen(&self, from: &HopName, note: String, alarm: bool) -> Result<(), Error> {
        let keys = std::slice::from_ref(&self.vkey);
        let seen = SignedCheckpoint::open(note.as_bytes(), &self.origin, keys)?;
        let seen = seen.checkpoint().clone();
        let head = self.head();
        let now = head.as_ref().map(ToString::to_string).unwrap_or_default();
        let size = head.as_ref().map_or(0, |head| head.checkpoint().size);
        if seen.size > size {
            return self.own_alarm(&findings::SHRUNK, from, note, now).await;
        }
        if self.store.root_at(seen.size).await? != seen.root {
            self.own_alarm(&findings::FORK, from, note, now).await?;
        }
        // The witness judges by what it saw; after its alarm there is nothing to add.
        if alarm { Ok(()) } else { self.show(from, Some(seen.size)).await }
    }

    async fn own_alarm(&self, kind: &'static Kind, from: &HopName, before: String, now: String) -> Result<(), Error> {
        let (code, title, origin) = (kind.code, kind.title.en, self.origin.to_string());
        let alarm = Alarm {
            time: self.clock.now(),
            hop: self.hop.clone(),
            origin: origin.clone(),
            code: code.to_owned(),
            before: before.clone(),
            now: now.clone(),
        };
        if self.store.alarm(alarm).await? {
            tracing::error!(code, witness = %from, origin, before, now, "this gateway's own log: {title}");
        }
        self.count_alarms().await
    }

    /// Picks the checkpoint that all neighbours are shown next, soon and then again and again: one for all, so that their
    /// cosignatures come together.
    async fn rounds(self: Arc<Self>) {
        let mut wait = SOON.min(self.every);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
            let Some(head) = self.head() else { continue };
            wait = self.every;
            match self.store.show(Arc::clone(&head)).await {
                Ok(()) => drop(self.rounds.send_replace(Some(head))),
                Err(error) => tracing::warn!(%error, "the log cannot be shown to witnesses just now"),
            }
        }
    }

    /// Shows a neighbour the log in every round; one that is slow gets the newest only.
    async fn show_to(self: Arc<Self>, peer: HopName) {
        let mut rounds = self.rounds.subscribe();
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                changed = rounds.changed() => if changed.is_err() { return },
            }
            let shown = tokio::select! {
                () = self.stop.cancelled() => return,
                shown = self.show(&peer, None) => shown,
            };
            if let Err(error) = shown {
                tracing::debug!(%error, %peer, "the log could not be shown; it will be tried again");
            }
        }
    }

    /// Sends the round's checkpoint, proved from the last one that this neighbour cosigned or from the given size.
    async fn show(&self, peer: &HopName, from_size: Option<u64>) -> Result<(), Error> {
        let (time, head) = self.pick();
        let Some(head) = head else { return Ok(()) };
        let size = head.checkpoint().size;
        if from_size.is_some_and(|from_size| from_size > size) {
            return Ok(());
        }
        let from_size = match from_size {
            Some(from_size) => from_size,
            // A witness may have cosigned more than is here; it will say so itself.
            None => self.store.cosigned_by(peer).await?.min(size),
        };
        let proof = self.store.consistency(from_size, size).await?;
        let (from_hop, statement) = (self.hop.clone(), self.statement.clone());
        self.send(peer, &Batch::Checkpoint { from_hop, time, statement, note: head.to_string(), from_size, proof })
            .await
    }

    /// The round's checkpoint and the time that it is shown with. A witness takes a smaller log with a later time for a
    /// shrunk one, so nobody may come between the two.
    fn pick(&self) -> (Instant, Option<Arc<SignedCheckpoint>>) {
        let _order = self.picking.lock().unwrap_or_else(PoisonError::into_inner);
        (self.clock.now(), self.rounds.borrow().clone())
    }

    async fn send(&self, peer: &HopName, batch: &Batch) -> Result<(), Error> {
        let link = self.links.get(peer).ok_or(Error::NotBelieved("it is no neighbour"))?;
        let bytes = batch.sign(self.signer.as_ref())?;
        Ok(link.send_receipts(peer, bytes.into()).await?)
    }

    fn time(&self) -> Instant {
        self.clock.now()
    }
}

#[async_trait]
impl PublicLog for Keeper {
    async fn checkpoint(&self) -> Result<Option<String>, String> {
        let shown = self.shown().await.map_err(|error| error.to_string())?;
        Ok(shown.map(|shown| shown.note))
    }

    async fn tile(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        // A name that no tile can have is as little there as one that the log has not come to yet.
        let Ok(path) = path.parse::<TilePath>() else { return Ok(None) };
        let Some(head) = self.head() else { return Ok(None) };
        self.store.tile(path, head.checkpoint().size).await.map_err(|error| error.to_string())
    }

    fn key(&self) -> String {
        self.statement.clone()
    }
}

/// A list that came from outside, not longer than any answer is.
fn bounded<T>(mut list: Vec<T>) -> Vec<T> {
    list.truncate(MAX_PROVED);
    list
}
