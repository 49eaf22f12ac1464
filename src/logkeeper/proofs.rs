//! Proofs on demand: that the receipts of a document stand in the logs of the hops that made them.

use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;

use lienthong_contract::door::{ReceiptView, Trace};
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

/// The receipts of a packet with their places in the logs of the hops that made them.
#[derive(Debug, Clone)]
pub struct Proof {
    pub doc_id: DocId,
    pub receipts: Vec<ProofReceipt>,
    /// The checkpoints that the entries lead to.
    pub logs: Vec<ProofLog>,
    /// Every receipt has its entry. What is missing is asked for; asked again later, this is complete.
    pub complete: bool,
    /// Complete, and every checkpoint was cosigned by a witness.
    pub cosigned: bool,
}

/// A receipt, and where it stands.
#[derive(Debug, Clone)]
pub struct ProofReceipt {
    pub digest: Digest,
    pub hop: HopName,
    pub event: String,
    /// Absent for the submission, which is about all consignments.
    pub consignment: Option<ConsignmentId>,
    /// JWS in compact form.
    pub jws: String,
    pub entry: Option<ProofEntry>,
}

/// An entry of a log and its audit path (RFC 6962 §2.1.1). The entry is the receipt's SHA-256, 32 bytes.
#[derive(Debug, Clone)]
pub struct ProofEntry {
    pub origin: String,
    pub size: u64,
    pub number: u64,
    pub hashes: Vec<Digest>,
}

/// A log's checkpoint, whose key it is, and who cosigned it.
#[derive(Debug, Clone)]
pub struct ProofLog {
    pub hop: HopName,
    pub origin: String,
    pub size: u64,
    /// The hop's statement for the log's key, JWS.
    pub statement: String,
    /// C2SP signed note.
    pub checkpoint: String,
    /// Key statements of those who cosigned it.
    pub witnesses: Vec<String>,
}

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
    async fn own_proofs(&self, consignments: Vec<ConsignmentId>) -> Result<Vec<LogProofs>, Error> {
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
            let entries = self.store.own_entries(consignments.clone(), shown.size).await?;
            proofs.push(of(shown.note, shown.witnesses, entries));
        }
        let mut entries = self.store.own_entries(consignments, head.checkpoint().size).await?;
        entries.retain(|entry| entry.number >= covered);
        proofs.push(of(head.to_string(), Vec::new(), entries));
        proofs.retain(|proofs| !proofs.entries.is_empty());
        Ok(proofs)
    }

    /// The hop before asks: it gets ours now, and what later hops answer when they do.
    pub(super) async fn wanted(&self, from: &HopName, consignments: Vec<ConsignmentId>) -> Result<(), Error> {
        let (here, onwards) = self.store.passed_on(from, bounded(consignments)).await?;
        if here.is_empty() {
            return Ok(());
        }
        let own = self.own_proofs(here.clone()).await?;
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
        let before = self.store.keep_proofs(from, bounded(consignments), checked.clone()).await?;
        let logs: Vec<LogProofs> = checked.into_iter().map(|checked| checked.proofs).collect();
        for (hop, consignments) in before {
            self.hand_up(&hop, &consignments, logs.clone()).await?;
        }
        Ok(())
    }

    /// What is known of the logs in which a document's receipts stand. What is not known is asked for meanwhile.
    ///
    /// # Errors
    /// The store's.
    pub async fn proof(&self, trace: &Trace) -> Result<Proof, Error> {
        let consignments: Vec<ConsignmentId> = trace.consignments.iter().map(|one| one.id).collect();
        let mut logs = self.own_proofs(consignments.clone()).await?;
        let known = self.store.known_proofs(consignments).await?;
        logs.extend(known.logs);
        let proof = assemble(trace, &logs);
        if !(proof.complete && proof.cosigned) && self.may_ask(trace.doc_id) {
            self.ask(known.next).await;
        }
        Ok(proof)
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

/// Receipts of a trace with their places in logs.
#[must_use]
pub fn assemble(trace: &Trace, logs: &[LogProofs]) -> Proof {
    let mut proof =
        Proof { doc_id: trace.doc_id, receipts: Vec::new(), logs: Vec::new(), complete: false, cosigned: false };
    let mut add = |view: &ReceiptView, consignment: Option<ConsignmentId>| {
        let digest = Digest::of(view.jws.as_bytes());
        let entry = logs.iter().find_map(|log| entry_of(log, digest));
        let (hop, event, jws) = (view.hop.clone(), view.event.clone(), view.jws.clone());
        proof.receipts.push(ProofReceipt { digest, hop, event, consignment, jws, entry });
    };
    if let Some(submission) = &trace.submission {
        add(submission, None);
    }
    for consignment in &trace.consignments {
        for view in consignment.receipts.iter().chain(&consignment.late) {
            add(view, Some(consignment.id));
        }
    }
    for log in logs {
        let Some((origin, size)) = name_of(log) else { continue };
        let used = |receipt: &ProofReceipt| {
            receipt.entry.as_ref().is_some_and(|entry| (&entry.origin, entry.size) == (&origin, size))
        };
        let twice = proof.logs.iter().any(|other| (&other.origin, other.size) == (&origin, size));
        if proof.receipts.iter().any(used) && !twice {
            let LogProofs { hop, statement, checkpoint, witnesses, .. } = log.clone();
            proof.logs.push(ProofLog { hop, origin, size, statement, checkpoint, witnesses });
        }
    }
    proof.complete = proof.receipts.iter().all(|receipt| receipt.entry.is_some());
    proof.cosigned = proof.complete && proof.logs.iter().all(|log| !log.witnesses.is_empty());
    proof
}

fn entry_of(log: &LogProofs, digest: Digest) -> Option<ProofEntry> {
    let entry = log.entries.iter().find(|entry| entry.receipt == digest)?;
    let (origin, size) = name_of(log)?;
    Some(ProofEntry { origin, size, number: entry.number, hashes: entry.hashes.clone() })
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
        let proof = self.proof(trace).await.map_err(|error| error.to_string())?;
        let mut part = LedgerPart::default();
        for receipt in proof.receipts {
            let Some(ProofEntry { origin, size, number, hashes }) = receipt.entry else { continue };
            let proof = hashes.iter().map(hash_text).collect();
            part.entries.insert(receipt.digest, Entry { number, origin, proof, size });
        }
        for log in proof.logs {
            part.witnesses.extend(log.witnesses);
            match part.logs.iter_mut().find(|known| known.origin == log.origin) {
                Some(known) => known.checkpoints.push(log.checkpoint),
                None => {
                    let (origin, key, checkpoints) = (log.origin, log.statement, vec![log.checkpoint]);
                    part.logs.push(Log { checkpoints, key, origin });
                }
            }
        }
        part.witnesses.sort_unstable();
        part.witnesses.dedup();
        Ok(part)
    }
}
