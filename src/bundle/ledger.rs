//! The ledgers in a bundle: whose each is, what it signed, who cosigned that, and whether a receipt is in it.

use std::collections::HashMap;

use lienthong_contract::{Digest, HopName, Instant};

use super::answer::{Logged, WitnessedBy};
use super::{Bundle, Entry, Fault, Log};
use crate::custody::logs::{KeyStatement, LogKey};
use crate::ledger::{SignedCheckpoint, VerifierKey, check_inclusion, cosignatures, leaf_hash, parse_hash};
use crate::receipts::{HopKeys, Sealed};

/// A checkpoint that its log signed.
struct Known {
    root: Digest,
    hop: HopName,
    witnesses: Vec<WitnessedBy>,
}

/// Every checkpoint in the bundle, by origin and size.
pub struct Ledgers(HashMap<(String, u64), Known>);

impl Ledgers {
    /// Verifies key statements, checkpoints and cosignatures.
    pub fn open(bundle: &Bundle, keys: &dyn HopKeys) -> Result<Self, Fault> {
        let witnesses = bundle.witnesses.iter().enumerate().map(|(index, jws)| {
            let part = format!("witnesses[{index}]");
            statement(&part, jws, keys)
        });
        let witnesses = witnesses.collect::<Result<Vec<_>, _>>()?;
        let mut ledgers = Self(HashMap::new());
        for (index, log) in bundle.logs.iter().enumerate() {
            ledgers.take(&format!("logs[{index}]"), log, &witnesses, keys)?;
        }
        Ok(ledgers)
    }

    fn take(&mut self, part: &str, log: &Log, witnesses: &[LogKey], keys: &dyn HopKeys) -> Result<(), Fault> {
        let said = statement(part, &log.key, keys)?;
        if said.origin.as_str() != log.origin {
            let what = "the key it states is another ledger's";
            return Err(Fault::new(part, "khóa không thuộc sổ cái này", what));
        }
        let fault = |error: crate::ledger::Error| {
            Fault::new(part, "điểm kiểm tra của sổ cái không xác minh được", format_args!("a checkpoint: {error}"))
        };
        let cosigners: Vec<VerifierKey> = witnesses.iter().map(|witness| witness.cosigner.clone()).collect();
        for note in &log.checkpoints {
            let signed = SignedCheckpoint::open(note.as_bytes(), &said.origin, std::slice::from_ref(&said.log))
                .map_err(fault)?;
            let hop_of = |name: &str| witnesses.iter().find(|witness| witness.cosigner.name() == name);
            let cosigned = cosignatures(&signed, &cosigners).map_err(fault)?.into_iter();
            let mut by: Vec<WitnessedBy> = cosigned
                .filter_map(|cosigned| {
                    let millis = i64::try_from(cosigned.time).ok()?.checked_mul(1000)?;
                    Some(WitnessedBy {
                        hop: hop_of(&cosigned.witness)?.hop.clone(),
                        time: Instant::from_millis(millis),
                    })
                })
                // Nobody is a witness in his own cause.
                .filter(|witness| witness.hop != said.hop)
                .collect();
            by.sort_by(|one, other| one.hop.cmp(&other.hop));
            by.dedup_by(|one, other| one.hop == other.hop);
            let checkpoint = signed.checkpoint();
            let known = Known { root: checkpoint.root, hop: said.hop.clone(), witnesses: by };
            let place = (log.origin.clone(), checkpoint.size);
            if let Some(other) = self.0.insert(place, known)
                && other.root != checkpoint.root
            {
                let what = "the ledger signed two different trees of one size: a fork";
                return Err(Fault::new(part, "sổ cái bị rẽ nhánh: hai nội dung cùng kích thước", what));
            }
        }
        Ok(())
    }

    /// Verifies that a receipt is where its entry says.
    pub fn find(&self, part: &str, receipt: &Sealed, entry: &Entry) -> Result<Logged, Fault> {
        let fault = |what: &dyn std::fmt::Display| {
            Fault::new(
                part,
                "không chứng minh được vị trí trong sổ cái",
                format_args!("its place in the ledger: {what}"),
            )
        };
        let place = (entry.origin.clone(), entry.size);
        let known = self.0.get(&place).ok_or_else(|| fault(&"there is no checkpoint of that ledger and size"))?;
        if known.hop != receipt.receipt.hop {
            return Err(fault(&format_args!("the ledger is that of {}", known.hop)));
        }
        let proof = entry.proof.iter().map(|hash| parse_hash(hash)).collect::<Result<Vec<_>, _>>();
        let proof = proof.map_err(|error| fault(&error))?;
        let leaf = leaf_hash(receipt.digest.as_bytes());
        check_inclusion(&proof, entry.number, &leaf, entry.size, &known.root).map_err(|error| fault(&error))?;
        Ok(Logged {
            origin: entry.origin.clone(),
            number: entry.number,
            size: entry.size,
            witnesses: known.witnesses.clone(),
        })
    }
}

fn statement(part: &str, jws: &str, keys: &dyn HopKeys) -> Result<LogKey, Fault> {
    KeyStatement::open(jws, keys).map_err(|error| Fault::new(part, "khóa của sổ cái không xác minh được", error))
}
