//! Proofs from other hops' logs: kept when they are better than what is here, and given out by document.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use lienthong_contract::{ConsignmentId, Digest, HopName, Instant};

use super::super::ledger::{CheckedProofs, EntryProof, KnownProofs, LogProofs, MAX_PROVED};
use super::super::{Error, Result};
use super::evidence::{ByHop, add, place};
use super::rows::{self, integer};
use super::witness::forks;

pub fn keep_proofs(
    db: &Connection,
    from: &HopName,
    consignments: &[ConsignmentId],
    proofs: &[CheckedProofs],
    now: Instant,
) -> Result<ByHop> {
    let (mut made_by, mut before) = (BTreeMap::new(), ByHop::new());
    for id in consignments.iter().take(MAX_PROVED) {
        let Some(place) = place(db, *id)?.filter(|place| place.next.as_ref() == Some(from)) else { continue };
        for stored in rows::receipts_of(db, place.packet, place.seq)? {
            made_by.insert(stored.digest, rows::read(&stored.jws)?.receipt.hop.clone());
        }
        if let Some(previous) = place.previous {
            add(&mut before, previous, *id);
        }
    }
    for checked in proofs {
        let ours = |entry: &&EntryProof| made_by.get(&entry.receipt) == Some(&checked.proofs.hop);
        let entries: Vec<&EntryProof> = checked.proofs.entries.iter().filter(ours).collect();
        if entries.is_empty() || forks(db, checked, now)? {
            continue;
        }
        let mut kept = false;
        for entry in entries {
            kept |= keep_proof(db, checked, entry)?;
        }
        if kept {
            keep_checkpoint(db, checked)?;
        }
    }
    Ok(before)
}

/// A proof that witnesses stand behind is better than one without, and another of the same kind is no better.
fn keep_proof(db: &Connection, checked: &CheckedProofs, entry: &EntryProof) -> Result<bool> {
    let known = "SELECT c.witnesses <> '[]' FROM ledger_proofs p
                 JOIN ledger_checkpoints c ON c.origin = p.origin AND c.size = p.size WHERE p.receipt = ?1";
    let known: Option<bool> =
        db.prepare_cached(known)?.query_row([entry.receipt.as_bytes()], |row| row.get(0)).optional()?;
    if known.is_some_and(|cosigned| cosigned || !checked.cosigned) {
        return Ok(false);
    }
    let hashes: Vec<u8> = entry.hashes.iter().flat_map(|hash| *hash.as_bytes()).collect();
    let keep = "INSERT OR REPLACE INTO ledger_proofs (receipt, origin, size, number, hashes)
                VALUES (?1, ?2, ?3, ?4, ?5)";
    let (size, number) = (integer(checked.size), integer(entry.number));
    db.prepare_cached(keep)?.execute(params![entry.receipt.as_bytes(), checked.origin, size, number, hashes])?;
    Ok(true)
}

fn keep_checkpoint(db: &Connection, checked: &CheckedProofs) -> Result<()> {
    let LogProofs { hop, statement, checkpoint, witnesses, .. } = &checked.proofs;
    let witnesses = if checked.cosigned { witnesses.as_slice() } else { &[] };
    let witnesses = serde_json::to_string(witnesses).map_err(|error| Error::Unavailable(error.to_string()))?;
    let keep = "INSERT INTO ledger_checkpoints (origin, size, hop, statement, note, witnesses)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                ON CONFLICT (origin, size) DO UPDATE SET statement = ?4, note = ?5, witnesses = ?6
                WHERE ?6 <> '[]' AND (length(note) < length(?5) OR witnesses = '[]')";
    let size = integer(checked.size);
    db.prepare_cached(keep)?.execute(params![checked.origin, size, hop.as_str(), statement, checkpoint, witnesses])?;
    Ok(())
}

pub fn known_proofs(db: &Connection, consignments: &[ConsignmentId]) -> Result<KnownProofs> {
    let query = "SELECT p.receipt, p.number, p.hashes, c.hop, c.statement, c.note, c.witnesses, c.origin, c.size
                 FROM receipts r JOIN ledger_proofs p ON p.receipt = r.digest
                 JOIN ledger_checkpoints c ON c.origin = p.origin AND c.size = p.size
                 WHERE r.packet = ?1 AND r.consignment = ?2 AND r.own = 0";
    let mut query = db.prepare_cached(query)?;
    let (mut logs, mut next) = (BTreeMap::<(String, i64), LogProofs>::new(), ByHop::new());
    for id in consignments {
        let Some(place) = place(db, *id)? else { continue };
        if let Some(hop) = place.next {
            add(&mut next, hop, *id);
        }
        let mut found = query.query([place.packet, place.seq])?;
        while let Some(row) = found.next()? {
            let hashes = row.get_ref(2)?.as_blob().map_err(|error| Error::Corrupt(error.to_string()))?;
            let hashes = hashes.as_chunks::<32>().0.iter().map(|hash| Digest::from_bytes(*hash)).collect();
            let entry = EntryProof { receipt: rows::digest(row, 0)?, number: rows::size(row, 1)?, hashes };
            let log = match logs.entry((row.get(7)?, row.get(8)?)) {
                std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::btree_map::Entry::Vacant(place) => place.insert(checkpoint_of(row)?),
            };
            log.entries.push(entry);
        }
    }
    Ok(KnownProofs { logs: logs.into_values().collect(), next })
}

fn checkpoint_of(row: &rusqlite::Row<'_>) -> Result<LogProofs> {
    let hop = rows::hop(row, 3)?.ok_or_else(|| Error::Corrupt("a checkpoint without a hop".to_owned()))?;
    let witnesses: String = row.get(6)?;
    let witnesses = serde_json::from_str(&witnesses).map_err(|error| Error::Corrupt(error.to_string()))?;
    Ok(LogProofs { hop, statement: row.get(4)?, checkpoint: row.get(5)?, witnesses, entries: Vec::new() })
}
