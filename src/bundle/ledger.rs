//! The ledgers in a bundle: whose each is, what it signed, who cosigned that, and whether a receipt is in it.

use std::collections::HashMap;

use lienthong_contract::{Digest, HopName, Instant};

use super::answer::{Logged, WitnessedBy};
use super::{Bundle, Entry, Fault, KEY_TYPE, KeyStatement, Log};
use crate::ledger::{
    Origin, SignatureKind, SignedCheckpoint, VerifierKey, check_inclusion, cosignatures, leaf_hash, parse_hash,
};
use crate::receipts::jws::open_statement;
use crate::receipts::{HopKeys, Sealed};

/// A checkpoint that its log signed.
struct Known {
    root: Digest,
    hop: HopName,
    witnesses: Vec<WitnessedBy>,
}

/// Every checkpoint in the bundle, by origin and size.
pub struct Ledgers(HashMap<(String, u64), Known>);

/// A cosigner: its hop and key.
struct Witness {
    hop: HopName,
    key: VerifierKey,
}

impl Ledgers {
    /// Verifies key statements, checkpoints and cosignatures.
    pub fn open(bundle: &Bundle, keys: &dyn HopKeys) -> Result<Self, Fault> {
        let witnesses = bundle.witnesses.iter().enumerate().map(|(index, jws)| {
            let part = format!("witnesses[{index}]");
            let (statement, _, key) = statement(&part, jws, keys)?;
            Ok(Witness { hop: statement.hop, key })
        });
        let witnesses = witnesses.collect::<Result<Vec<_>, _>>()?;
        let mut ledgers = Self(HashMap::new());
        for (index, log) in bundle.logs.iter().enumerate() {
            ledgers.take(&format!("logs[{index}]"), log, &witnesses, keys)?;
        }
        Ok(ledgers)
    }

    fn take(&mut self, part: &str, log: &Log, witnesses: &[Witness], keys: &dyn HopKeys) -> Result<(), Fault> {
        let (statement, key, _) = statement(part, &log.key, keys)?;
        if statement.origin != log.origin {
            let what = "the key it states is another ledger's";
            return Err(Fault::new(part, "khóa không thuộc sổ cái này", what));
        }
        let fault = |error: crate::ledger::Error| {
            Fault::new(part, "điểm kiểm tra của sổ cái không xác minh được", format_args!("a checkpoint: {error}"))
        };
        let origin: Origin = log.origin.parse().map_err(fault)?;
        let cosigners: Vec<VerifierKey> = witnesses.iter().map(|witness| witness.key.clone()).collect();
        for note in &log.checkpoints {
            let signed = SignedCheckpoint::open(note.as_bytes(), &origin, std::slice::from_ref(&key)).map_err(fault)?;
            let hop_of = |name: &str| witnesses.iter().find(|witness| witness.key.name() == name);
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
                .filter(|witness| witness.hop != statement.hop)
                .collect();
            by.sort_by(|one, other| one.hop.cmp(&other.hop));
            by.dedup_by(|one, other| one.hop == other.hop);
            let checkpoint = signed.checkpoint();
            let known = Known { root: checkpoint.root, hop: statement.hop.clone(), witnesses: by };
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

/// A hop's statement with the key that signs its ledger, and the same as a cosigner.
fn statement(part: &str, jws: &str, keys: &dyn HopKeys) -> Result<(KeyStatement, VerifierKey, VerifierKey), Fault> {
    let fault = |what: &dyn std::fmt::Display| Fault::new(part, "khóa của sổ cái không xác minh được", what);
    let statement: KeyStatement =
        open_statement(KEY_TYPE, jws, keys, |statement: &KeyStatement| (statement.hop.clone(), statement.time))
            .map_err(|error| fault(&error))?;
    let read = |text: &str, kind: SignatureKind| {
        let key: VerifierKey = text.parse().map_err(|error| fault(&error))?;
        let good = key.kind() == kind && key.name() == statement.origin;
        if good { Ok(key) } else { Err(fault(&"the key it states has another name or kind")) }
    };
    let key = read(&statement.vkey, SignatureKind::Ed25519)?;
    let cosigner = read(&statement.cosigner, SignatureKind::Cosignature)?;
    if statement.v != 1 {
        return Err(fault(&"unknown version"));
    }
    if !is_ledger_of(&statement.hop, &statement.origin) {
        return Err(fault(&"the ledger is not called after its hop"));
    }
    Ok((statement, key, cosigner))
}

/// `<hop>/lienthong-ledger`, and from its second ledger on with `/<number>`: so no hop speaks in another's name.
fn is_ledger_of(hop: &HopName, origin: &str) -> bool {
    let rest = origin.strip_prefix(hop.as_str()).and_then(|rest| rest.strip_prefix("/lienthong-ledger"));
    rest.is_some_and(|rest| {
        let number = rest.strip_prefix('/').unwrap_or("2");
        rest.is_empty() || rest.starts_with('/') && number.parse::<u32>().is_ok_and(|number| number > 1)
    })
}
