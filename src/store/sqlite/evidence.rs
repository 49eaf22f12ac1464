//! The ledger's reading side, and what is kept of other hops' logs. See [`super::super::ledger`].

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use lienthong_contract::{ConsignmentId, Digest, DocId, HopName, Instant};

use super::super::Result;
use super::super::ledger::{
    Alarm, CheckedProofs, EntryProof, Heads, KnownProofs, LedgerStore, MAX_ENTRIES, MAX_PROVED, Offer, Shown, Verdict,
};
use super::SqliteStore;
use super::ledger::Rows;
use super::proofs;
use super::rows::{self, integer};
use super::witness::{self, at_fault};
use crate::ledger::tile::{tile_content, write_bundle};
use crate::ledger::{
    self, Note, Origin, Signature, SignedCheckpoint, TileKind, TilePath, VerifierKey, prove_consistency,
    prove_inclusion, root,
};

/// Checkpoints of ours for which cosignatures may still come.
const SHOWN: i64 = 16;

/// Consignments by a hop.
pub type ByHop = Vec<(HopName, Vec<ConsignmentId>)>;

#[async_trait]
impl LedgerStore for SqliteStore {
    fn log(&self) -> Option<(Origin, Heads)> {
        self.log.clone()
    }

    async fn root_at(&self, size: u64) -> Result<Digest> {
        self.read(move |db| Ok(root(size, &Rows::of(db))?)).await
    }

    async fn consistency(&self, old: u64, new: u64) -> Result<Vec<Digest>> {
        self.read(move |db| Ok(prove_consistency(old, new, &Rows::of(db))?)).await
    }

    async fn tile(&self, path: TilePath, size: u64) -> Result<Option<Vec<u8>>> {
        self.read(move |db| tile(db, path, size)).await
    }

    async fn own_entries(&self, consignments: Vec<ConsignmentId>, size: u64) -> Result<Vec<EntryProof>> {
        self.read(move |db| own_entries(db, &consignments, size)).await
    }

    async fn own_refusal(&self, doc_id: DocId, size: u64) -> Result<Vec<EntryProof>> {
        self.read(move |db| own_refusal(db, doc_id, size)).await
    }

    async fn witness(&self, offer: Offer) -> Result<Verdict> {
        self.writer.write(move |db| witness::witness(db, &offer)).await
    }

    async fn show(&self, checkpoint: Arc<SignedCheckpoint>) -> Result<()> {
        self.writer.write(move |db| show(db, &checkpoint)).await
    }

    async fn cosigned(
        &self,
        hop: &HopName,
        witness: VerifierKey,
        statement: String,
        size: u64,
        cosignature: String,
    ) -> Result<bool> {
        let hop = hop.clone();
        self.writer.write(move |db| cosigned(db, (&hop, &witness, &statement), size, &cosignature)).await
    }

    async fn cosigned_by(&self, hop: &HopName) -> Result<u64> {
        let hop = hop.clone();
        self.read(move |db| {
            let size = "SELECT size FROM ledger_witnesses WHERE hop = ?1";
            let size = db.prepare_cached(size)?.query_row([hop.as_str()], |row| row.get::<_, i64>(0)).optional()?;
            Ok(size.map_or(0, |size| u64::try_from(size).unwrap_or(0)))
        })
        .await
    }

    async fn shown(&self) -> Result<Option<Shown>> {
        self.read(shown).await
    }

    async fn alarm(&self, alarm: Alarm) -> Result<bool> {
        self.writer.write(move |db| witness::keep_alarm(db, &alarm)).await
    }

    async fn alarms(&self, limit: usize) -> Result<(Vec<Alarm>, u64)> {
        self.read(move |db| witness::alarms(db, limit)).await
    }

    async fn keep_proofs(
        &self,
        from: &HopName,
        consignments: Vec<ConsignmentId>,
        proofs: Vec<CheckedProofs>,
        now: Instant,
    ) -> Result<ByHop> {
        let from = from.clone();
        self.writer.write(move |db| proofs::keep_proofs(db, &from, &consignments, &proofs, now)).await
    }

    async fn passed_on(&self, from: &HopName, consignments: Vec<ConsignmentId>) -> Result<(Vec<ConsignmentId>, ByHop)> {
        let from = from.clone();
        self.read(move |db| {
            let (mut here, mut onwards) = (Vec::new(), ByHop::new());
            for id in consignments {
                let Some(place) = place(db, id)?.filter(|place| place.previous.as_ref() == Some(&from)) else {
                    continue;
                };
                here.push(id);
                if let Some(next) = place.next {
                    add(&mut onwards, next, id);
                }
            }
            Ok((here, onwards))
        })
        .await
    }

    async fn known_proofs(&self, consignments: Vec<ConsignmentId>) -> Result<KnownProofs> {
        self.read(move |db| proofs::known_proofs(db, &consignments)).await
    }
}

pub fn add(to: &mut ByHop, hop: HopName, id: ConsignmentId) {
    match to.iter_mut().find(|(known, _)| *known == hop) {
        Some((_, ids)) => ids.push(id),
        None => to.push((hop, vec![id])),
    }
}

/// Where a consignment came from and went, by its rows.
pub struct Place {
    pub packet: i64,
    pub seq: i64,
    pub previous: Option<HopName>,
    pub next: Option<HopName>,
}

pub fn place(db: &Connection, id: ConsignmentId) -> Result<Option<Place>> {
    let query = "SELECT packet, seq, previous_hop, next_hop FROM consignments WHERE id = ?1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query([id.as_bytes()])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let (previous, next) = (rows::hop(row, 2)?, rows::hop(row, 3)?);
    Ok(Some(Place { packet: row.get(0)?, seq: row.get(1)?, previous, next }))
}

fn tile(db: &Connection, path: TilePath, size: u64) -> Result<Option<Vec<u8>>> {
    if !path.is_within(size) {
        return Ok(None);
    }
    if path.kind() != TileKind::Entries {
        return Ok(Some(tile_content(&path, &Rows::of(db))?));
    }
    let first = integer(path.index().saturating_mul(u64::from(ledger::tile::TILE_WIDTH)));
    let query = "SELECT digest FROM ledger WHERE number >= ?1 AND number < ?2 ORDER BY number";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query([first, first.saturating_add(i64::from(path.width()))])?;
    let mut entries = Vec::new();
    while let Some(row) = found.next()? {
        entries.push(*rows::digest(row, 0)?.as_bytes());
    }
    Ok(Some(write_bundle(&entries)?))
}

fn own_entries(db: &Connection, consignments: &[ConsignmentId], size: u64) -> Result<Vec<EntryProof>> {
    // A consignment that came from a hop before has nothing to do with a submission of the same bytes here.
    let query = "SELECT l.number, l.digest FROM consignments c
                 JOIN receipts r ON r.packet = c.packet AND r.consignment IN (c.seq, 0) AND r.own = 1
                 JOIN ledger l ON l.receipt = r.seq
                 WHERE c.id = ?1 AND (r.consignment <> 0 OR c.previous_hop IS NULL)";
    let mut query = db.prepare_cached(query)?;
    let mut entries = BTreeMap::new();
    for id in consignments.iter().take(MAX_PROVED) {
        let mut found = query.query([id.as_bytes()])?;
        while let Some(row) = found.next()? {
            let number = rows::size(row, 0)?;
            if number < size && entries.len() < MAX_ENTRIES {
                entries.insert(number, rows::digest(row, 1)?);
            }
        }
    }
    let reader = Rows::of(db);
    let prove = |(number, receipt): (u64, Digest)| {
        Ok(EntryProof { receipt, number, hashes: prove_inclusion(number, size, &reader)? })
    };
    entries.into_iter().map(prove).collect()
}

fn own_refusal(db: &Connection, doc_id: DocId, size: u64) -> Result<Vec<EntryProof>> {
    let query = "SELECT l.number, l.digest FROM refusals r JOIN ledger l ON l.receipt = -r.id
                 WHERE r.doc_id = ?1 AND l.number < ?2";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![doc_id.as_bytes(), integer(size)])?;
    let Some(row) = found.next()? else { return Ok(Vec::new()) };
    let (number, receipt) = (rows::size(row, 0)?, rows::digest(row, 1)?);
    Ok(vec![EntryProof { receipt, number, hashes: prove_inclusion(number, size, &Rows::of(db))? }])
}

fn show(db: &Connection, checkpoint: &SignedCheckpoint) -> Result<()> {
    let insert = "INSERT OR IGNORE INTO ledger_shown (size, note, cosignatures) VALUES (?1, ?2, 0)";
    db.prepare_cached(insert)?.execute(params![integer(checkpoint.checkpoint().size), checkpoint.to_string()])?;
    let forget = "DELETE FROM ledger_shown WHERE size NOT IN
                    (SELECT size FROM ledger_shown ORDER BY size DESC LIMIT ?1)
                  AND size <> coalesce((SELECT max(size) FROM ledger_shown WHERE cosignatures > 0), -1)";
    db.prepare_cached(forget)?.execute([SHOWN])?;
    Ok(())
}

fn cosigned(
    db: &Connection,
    (hop, witness, statement): (&HopName, &VerifierKey, &str),
    size: u64,
    cosignature: &str,
) -> Result<bool> {
    let query = "SELECT note FROM ledger_shown WHERE size = ?1";
    let note: Option<String> = db.prepare_cached(query)?.query_row([integer(size)], |row| row.get(0)).optional()?;
    let Some(note) = note else { return Ok(false) };
    let mut note = Note::parse(note.as_bytes())?;
    let cosignature = Signature::parse(cosignature).map_err(at_fault)?;
    let alone = Note::new(note.text(), cosignature.clone()).map_err(at_fault)?;
    alone.verify(std::slice::from_ref(witness)).map_err(at_fault)?;
    note.add(cosignature).map_err(at_fault)?;
    let count = note.signatures().len().saturating_sub(1);
    let update = "UPDATE ledger_shown SET note = ?2, cosignatures = ?3 WHERE size = ?1";
    db.prepare_cached(update)?.execute(params![integer(size), note.to_string(), integer(count)])?;
    let origin = note.text().lines().next().unwrap_or_default();
    let keep = "INSERT INTO ledger_witnesses (hop, origin, size, statement) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (hop) DO UPDATE SET origin = ?2, size = max(size, ?3), statement = ?4";
    db.prepare_cached(keep)?.execute(params![hop.as_str(), origin, integer(size), statement])?;
    Ok(true)
}

fn shown(db: &Connection) -> Result<Option<Shown>> {
    let query = "SELECT size, note FROM ledger_shown ORDER BY cosignatures > 0 DESC, size DESC LIMIT 1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query([])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let mut statements = db.prepare_cached("SELECT statement FROM ledger_witnesses ORDER BY hop")?;
    let witnesses = statements.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(Some(Shown { size: rows::size(row, 0)?, note: row.get(1)?, witnesses }))
}
