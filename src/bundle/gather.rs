//! Gathering a bundle's parts from what a gateway knows of a document.

use std::collections::{HashMap, HashSet};

use lienthong_contract::door::{ReceiptView, Trace};
use lienthong_contract::{Digest, Instant};

use super::{Document, Entry, Error, Input, Log, Logged, MAX_CERTIFICATES, MAX_LATE, MAX_RECEIPTS};
use crate::receipts::jws::shown_chain;
use crate::receipts::{ConsignedTo, Event};
use crate::trust::{Purpose, TrustStore};

/// What is known of the places of receipts in ledgers.
#[derive(Debug, Clone, Default)]
pub struct LedgerPart {
    /// By the receipt's digest.
    pub entries: HashMap<Digest, Entry>,
    /// With a checkpoint for every size that an entry names.
    pub logs: Vec<Log>,
    /// Key statements of those who cosigned the checkpoints.
    pub witnesses: Vec<String>,
}

impl Input {
    /// The parts for a document, from its trace. `trust` is what this hop judges other hops by, and `now` the time: the
    /// authorities and revocation lists of every signer's certificate come from there.
    ///
    /// # Errors
    /// [`Error::NoSubmission`], [`Error::TooLarge`], or a stored receipt that cannot be read.
    pub fn of_trace(trace: &Trace, ledger: LedgerPart, trust: &TrustStore, now: Instant) -> Result<Self, Error> {
        let submission = trace.submission.iter();
        let receipts: Vec<&ReceiptView> =
            submission.chain(trace.consignments.iter().flat_map(|consignment| &consignment.receipts)).collect();
        let late = trace.consignments.iter().flat_map(|consignment| {
            consignment.late.iter().filter(|view| !takes_back(view, consignment.receipts.last()))
        });
        let mut late: Vec<&ReceiptView> = late.collect();
        // Whoever sends more than there is room for must not hide what speaks against it, nor keep the proof from being made.
        late.sort_by_key(|view| view.contradicts.is_none());
        late.truncate(MAX_LATE);
        if trace.submission.is_none() {
            return Err(Error::NoSubmission);
        }
        if receipts.len() > MAX_RECEIPTS {
            return Err(Error::TooLarge);
        }
        let signed = receipts.iter().chain(&late).map(|view| (view.jws.as_str(), view.time));
        let statements = ledger.logs.iter().map(|log| &log.key).chain(&ledger.witnesses);
        let signed = signed.chain(statements.map(|jws| (jws.as_str(), now)));
        let (certificates, crls) = evidence(signed, trust)?;
        let of = |view: &&ReceiptView| Logged {
            entry: ledger.entries.get(&Digest::of(view.jws.as_bytes())).cloned(),
            jws: view.jws.clone(),
        };
        let consignments = trace.consignments.iter();
        let consignments =
            consignments.map(|one| ConsignedTo { consignment: one.id, recipient: one.recipient.clone() }).collect();
        Ok(Self {
            receipts: receipts.iter().map(of).collect(),
            late: late.iter().map(of).collect(),
            document: Document {
                consignments,
                digest: trace.digest,
                doc_id: trace.doc_id,
                document_id: trace.document_id.clone(),
                from: trace.from.clone(),
                size: trace.size,
                subject: trace.subject.clone(),
            },
            logs: ledger.logs,
            witnesses: ledger.witnesses,
            certificates,
            crls,
            taken: now,
            packet: None,
        })
    }
}

type Ders = Vec<Vec<u8>>;

/// What the certificates behind these signatures rest on, each thing once.
fn evidence<'a>(signed: impl Iterator<Item = (&'a str, Instant)>, trust: &TrustStore) -> Result<(Ders, Ders), Error> {
    let (mut certificates, mut crls) = (Vec::new(), Vec::new());
    let mut asked = HashSet::new();
    let mut have = HashSet::new();
    for (jws, at) in signed {
        let chain = shown_chain(jws)?;
        let Some((leaf, issuers)) = chain.split_first() else { continue };
        if !asked.insert(Digest::of(leaf)) {
            continue;
        }
        let found = trust.evidence(leaf, issuers, Purpose::HopReceipts, at);
        certificates.extend(found.certificates.into_iter().filter(|der| have.insert(Digest::of(der))));
        crls.extend(found.crls.into_iter().filter(|der| have.insert(Digest::of(der))));
    }
    if certificates.len() > MAX_CERTIFICATES || crls.len() > MAX_CERTIFICATES {
        return Err(Error::TooLarge);
    }
    Ok((certificates, crls))
}

/// The hop before says that it never let go, while the document waits here. Until this hop has moved it on, nobody outside
/// could tell whose word came first; so this one's own custody is told, and the other's word with what follows.
fn takes_back(view: &ReceiptView, last: Option<&ReceiptView>) -> bool {
    last.is_some_and(|last| {
        last.event == Event::RelayAcceptance.as_str()
            && view.event == Event::RelayFailure.as_str()
            && view.contradicts == Some(Digest::of(last.jws.as_bytes()))
    })
}
