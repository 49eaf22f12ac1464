//! Proofs on demand: that the receipts of a document stand in the logs of the hops that made them.

use std::collections::HashSet;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;

use lienthong_contract::door::Trace;
use lienthong_contract::{ConsignmentId, Digest, DocId, HopName};

use super::{Error, Keeper, MAX_ASKED, bounded};
use crate::bundle::{Entry, LedgerPart, Log};
use crate::custody::Batch;
use crate::custody::logs::KeyStatement;
use crate::ledger::{SignedCheckpoint, check_inclusion, cosignatures, hash_text, leaf_hash};
use crate::proof::LedgerView;
use crate::receipts::HopKeys;
use crate::store::ledger::{CheckedProofs, EntryProof, LogProofs};

/// The most entries in one message: with 62 hashes each it stays far below a batch's limit.
const PER_MESSAGE: usize = 64;
/// The most logs in one message.
const MAX_LOGS: usize = 32;
/// The most witnesses of one checkpoint that are looked at.
const MAX_WITNESSES: usize = 32;
/// The longest checkpoint that is kept with a proof, cosignatures and all.
const MAX_CHECKPOINT: usize = 32 * 1024;
/// Asked for again within this time, later hops are not asked again.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// Verifies proofs: the key is the hop's, it signed the checkpoint, every entry leads to its root. Witnesses that are not
/// known, or did not cosign, are left out.
///
/// # Errors
/// [`Error`], by the first fault.
pub fn check(proofs: LogProofs, hops: &dyn HopKeys) -> Result<CheckedProofs, Error> {
    if proofs.checkpoint.len() > MAX_CHECKPOINT {
        return Err(Error::NotBelieved("the checkpoint is too long"));
    }
    let said = KeyStatement::open(&proofs.statement, hops)?;
    if said.hop != proofs.hop {
        return Err(Error::NotBelieved("the proof's key is another hop's"));
    }
    let keys = std::slice::from_ref(&said.log);
    let signed = SignedCheckpoint::open(proofs.checkpoint.as_bytes(), &said.origin, keys)?;
    let checkpoint = signed.checkpoint().clone();
    for entry in &proofs.entries {
        let leaf = leaf_hash(entry.receipt.as_bytes());
        check_inclusion(&entry.hashes, entry.number, &leaf, checkpoint.size, &checkpoint.root)?;
    }
    let mut witnesses = Vec::new();
    for statement in proofs.witnesses.into_iter().take(MAX_WITNESSES) {
        let Ok(witness) = KeyStatement::open(&statement, hops) else { continue };
        let cosigned = cosignatures(&signed, std::slice::from_ref(&witness.cosigner)).is_ok_and(|by| !by.is_empty());
        if cosigned && witness.hop != said.hop {
            witnesses.push(statement);
        }
    }
    let (origin, size, cosigned) = (said.origin.to_string(), checkpoint.size, !witnesses.is_empty());
    Ok(CheckedProofs { origin, size, cosigned, proofs: LogProofs { witnesses, ..proofs } })
}

impl Keeper {
    /// Our own receipts about these consignments, proved: against the last cosigned checkpoint as far as it reaches, the
    /// rest against the newest.
    async fn own_proofs(&self, of_what: &Asked) -> Result<Vec<LogProofs>, Error> {
        let Some(head) = self.head() else { return Ok(Vec::new()) };
        let of = |checkpoint: String, witnesses: Vec<String>, entries: Vec<EntryProof>| LogProofs {
            hop: self.hop.clone(),
            statement: self.statement.clone(),
            checkpoint,
            witnesses,
            entries,
        };
        let mut proofs = Vec::new();
        let shown = self.shown().await?.filter(|shown| !shown.witnesses.is_empty());
        let covered = shown.as_ref().map_or(0, |shown| shown.size);
        if let Some(shown) = shown {
            let entries = self.own_entries(of_what, shown.size).await?;
            proofs.push(of(shown.note, shown.witnesses, entries));
        }
        let mut entries = self.own_entries(of_what, head.checkpoint().size).await?;
        entries.retain(|entry| entry.number >= covered);
        proofs.push(of(head.to_string(), Vec::new(), entries));
        proofs.retain(|proofs| !proofs.entries.is_empty());
        Ok(proofs)
    }

    async fn own_entries(&self, of_what: &Asked, size: u64) -> Result<Vec<EntryProof>, Error> {
        Ok(match of_what {
            Asked::Consignments(consignments) => self.store.own_entries(consignments.clone(), size).await?,
            Asked::Refusal(doc_id) => self.store.own_refusal(*doc_id, size).await?,
        })
    }

    /// The hop before asks: it gets ours now, and what later hops answer when they do.
    pub(super) async fn wanted(&self, from: &HopName, consignments: Vec<ConsignmentId>) -> Result<(), Error> {
        let (here, onwards) = self.store.passed_on(from, bounded(consignments)).await?;
        if here.is_empty() {
            return Ok(());
        }
        let own = self.own_proofs(&Asked::Consignments(here.clone())).await?;
        let outcome = self.hand_up(from, &here, own).await;
        self.ask(onwards).await;
        outcome
    }

    async fn ask(&self, of: Vec<(HopName, Vec<ConsignmentId>)>) {
        for (hop, consignments) in of {
            let wanted = Batch::ProofsWanted { from_hop: self.hop.clone(), time: self.time(), consignments };
            if let Err(error) = self.send(&hop, &wanted).await {
                tracing::debug!(%error, %hop, "proofs could not be asked for");
            }
        }
    }

    /// Sends proofs to the hop before, in messages that are not too long.
    async fn hand_up(&self, to: &HopName, consignments: &[ConsignmentId], logs: Vec<LogProofs>) -> Result<(), Error> {
        for log in logs {
            for entries in log.entries.chunks(PER_MESSAGE) {
                let logs = vec![LogProofs { entries: entries.to_vec(), ..log.clone() }];
                let (from_hop, time, consignments) = (self.hop.clone(), self.time(), consignments.to_vec());
                self.send(to, &Batch::Proofs { from_hop, time, consignments, logs }).await?;
            }
        }
        Ok(())
    }

    /// A later hop answers: what holds is kept here and handed to the hop before us.
    pub(super) async fn proofs(
        &self,
        from: &HopName,
        consignments: Vec<ConsignmentId>,
        logs: Vec<LogProofs>,
    ) -> Result<(), Error> {
        let mut checked = Vec::new();
        for log in logs.into_iter().take(MAX_LOGS) {
            let hop = log.hop.clone();
            match check(LogProofs { entries: bounded(log.entries), ..log }, self.hops.as_ref()) {
                Ok(proofs) => checked.push(proofs),
                Err(error) => tracing::error!(%error, %hop, %from, "a proof from a log does not hold"),
            }
        }
        if checked.is_empty() {
            return Ok(());
        }
        let before = self.store.keep_proofs(from, bounded(consignments), checked.clone(), self.time()).await?;
        self.count_alarms().await?;
        let logs: Vec<LogProofs> = checked.into_iter().map(|checked| checked.proofs).collect();
        for (hop, consignments) in before {
            self.hand_up(&hop, &consignments, logs.clone()).await?;
        }
        Ok(())
    }

    /// What is known of the logs in which a document's receipts stand. What is not known is asked for meanwhile.
    async fn known(&self, trace: &Trace) -> Result<Known, Error> {
        let consignments: Vec<ConsignmentId> = trace.consignments.iter().map(|one| one.id).collect();
        // Of a document that was refused at its submission there is one receipt, and it is ours.
        let asked = if consignments.is_empty() {
            Asked::Refusal(trace.doc_id)
        } else {
            Asked::Consignments(consignments.clone())
        };
        let mut logs = self.own_proofs(&asked).await?;
        let known = self.store.known_proofs(consignments).await?;
        logs.extend(known.logs);
        let places = Known::of(trace, logs);
        if !places.whole && self.may_ask(trace.doc_id) {
            self.ask(known.next).await;
        }
        Ok(places)
    }

    fn may_ask(&self, doc_id: DocId) -> bool {
        let now = tokio::time::Instant::now();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.retain(|_, at| now.duration_since(*at) < ASK_AGAIN);
        if asked.len() >= MAX_ASKED || asked.contains_key(&doc_id) {
            return false;
        }
        asked.insert(doc_id, now);
        true
    }
}

/// Whose receipts are to be proved.
enum Asked {
    Consignments(Vec<ConsignmentId>),
    /// The refusal of this document's submission.
    Refusal(DocId),
}

/// What is known of the places of a document's receipts.
struct Known {
    part: LedgerPart,
    /// Every receipt has its place, and every log was cosigned so far.
    whole: bool,
}

impl Known {
    /// Takes each receipt's place from the first of the logs that has it, and of the logs those that are needed.
    fn of(trace: &Trace, logs: Vec<LogProofs>) -> Self {
        let of_all = trace.consignments.iter().flat_map(|one| one.receipts.iter().chain(&one.late));
        let receipts = trace.submission.iter().chain(of_all).map(|view| Digest::of(view.jws.as_bytes()));
        let receipts: HashSet<Digest> = receipts.collect();
        let (mut part, mut whole) = (LedgerPart::default(), true);
        for log in logs {
            let Some((origin, size)) = name_of(&log) else { continue };
            let before = part.entries.len();
            for entry in log.entries.iter().filter(|entry| receipts.contains(&entry.receipt)) {
                part.entries.entry(entry.receipt).or_insert_with(|| Entry {
                    number: entry.number,
                    origin: origin.clone(),
                    proof: entry.hashes.iter().map(hash_text).collect(),
                    size,
                });
            }
            if part.entries.len() == before {
                continue;
            }
            whole &= !log.witnesses.is_empty();
            part.witnesses.extend(log.witnesses);
            match part.logs.iter_mut().find(|known| known.origin == origin) {
                Some(known) => known.checkpoints.push(log.checkpoint),
                None => part.logs.push(Log { checkpoints: vec![log.checkpoint], key: log.statement, origin }),
            }
        }
        part.witnesses.sort_unstable();
        part.witnesses.dedup();
        let whole = whole && part.entries.len() == receipts.len();
        Self { part, whole }
    }
}

/// Name and size that a checkpoint speaks of.
fn name_of(log: &LogProofs) -> Option<(String, u64)> {
    let mut lines = log.checkpoint.lines();
    Some((lines.next()?.to_owned(), lines.next()?.parse().ok()?))
}

/// A bundle takes along what is known by now; asked for again later, it has more.
#[async_trait]
impl LedgerView for Keeper {
    async fn places(&self, trace: &Trace) -> Result<LedgerPart, String> {
        self.known(trace).await.map(|known| known.part).map_err(|error| error.to_string())
    }
}
