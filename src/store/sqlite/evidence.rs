//! The ledger's reading side, and what is kept of other hops' logs. See [`super::super::ledger`].

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use lienthong_contract::{ConsignmentId, Digest, HopName, Instant};

use super::super::ledger::{
    Alarm, CheckedProofs, EntryProof, Heads, KnownProofs, LedgerStore, LogProofs, MAX_ENTRIES, MAX_PROVED, Offer,
    Shown, Verdict,
};
use super::super::{Error, Result};
use super::SqliteStore;
use super::ledger::Rows;
use super::rows::{self, integer};
use crate::ledger::tile::{tile_content, write_bundle};
use crate::ledger::{
    self, Judgement, Note, Origin, Signature, SignedCheckpoint, TileKind, TilePath, VerifierKey, judge,
    prove_consistency, prove_inclusion, root,
};
use crate::logkeeper::findings;

/// Checkpoints of ours for which cosignatures may still come.
const SHOWN: i64 = 4;
/// The most logs of one hop that are witnessed: each but the first is an alarm.
const MAX_LOGS: i64 = 64;
/// The most alarms kept. More are no news.
const MAX_ALARMS: i64 = 1000;

type ByHop = Vec<(HopName, Vec<ConsignmentId>)>;

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

    async fn witness(&self, offer: Offer) -> Result<Verdict> {
        self.writer.write(move |db| witness(db, &offer)).await
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
        self.writer.write(move |db| keep_alarm(db, &alarm)).await
    }

    async fn alarms(&self, limit: usize) -> Result<(Vec<Alarm>, u64)> {
        self.read(move |db| alarms(db, limit)).await
    }

    async fn keep_proofs(
        &self,
        from: &HopName,
        consignments: Vec<ConsignmentId>,
        proofs: Vec<CheckedProofs>,
    ) -> Result<ByHop> {
        let from = from.clone();
        self.writer.write(move |db| keep_proofs(db, &from, &consignments, &proofs)).await
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
        self.read(move |db| known_proofs(db, &consignments)).await
    }
}

fn add(to: &mut ByHop, hop: HopName, id: ConsignmentId) {
    match to.iter_mut().find(|(known, _)| *known == hop) {
        Some((_, ids)) => ids.push(id),
        None => to.push((hop, vec![id])),
    }
}

/// Where a consignment came from and went, by its rows.
struct Place {
    packet: i64,
    seq: i64,
    previous: Option<HopName>,
    next: Option<HopName>,
}

fn place(db: &Connection, id: ConsignmentId) -> Result<Option<Place>> {
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

/// What comes from outside and is wrong is no fault of the store.
fn at_fault(error: ledger::Error) -> Error {
    Error::Unavailable(error.to_string())
}

fn witness(db: &Connection, offer: &Offer) -> Result<Verdict> {
    let keys = std::slice::from_ref(&offer.key);
    let now = SignedCheckpoint::open(&offer.note, &offer.origin, keys).map_err(at_fault)?;
    let query = "SELECT vkey, note, time FROM ledger_seen WHERE origin = ?1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let last: Option<(String, String, i64)> =
        db.prepare_cached(query)?.query_row([offer.origin.as_str()], read).optional()?;
    let Some((vkey, note, time)) = last else {
        new_log(db, offer, &now)?;
        keep_seen(db, offer, &now)?;
        return Ok(Verdict::Cosign(Box::new(now)));
    };
    if vkey != offer.key.to_string() {
        return accuse(db, offer, &findings::PEER_KEY, note, &now);
    }
    let before = SignedCheckpoint::open(note.as_bytes(), &offer.origin, keys)?;
    let (old, new) = (before.checkpoint().size, now.checkpoint().size);
    // A repetition of something older, or a proof that begins at another checkpoint than the last one seen.
    if (new < old && offer.time.as_millis() <= time) || (new > old && offer.from_size != old) {
        return Ok(Verdict::Seen(note));
    }
    let proof = if new > old { offer.proof.as_slice() } else { &[] };
    match judge(Some(before), now.clone(), proof).map_err(at_fault)? {
        Judgement::First(_) | Judgement::Same(_) | Judgement::Consistent(_) => {
            keep_seen(db, offer, &now)?;
            Ok(Verdict::Cosign(Box::new(now)))
        }
        Judgement::Older(_) => Ok(Verdict::Seen(note)),
        Judgement::Fork(..) => accuse(db, offer, &findings::FORK, note, &now),
        Judgement::Shrunk(_) => accuse(db, offer, &findings::SHRUNK, note, &now),
    }
}

/// A hop that begins another log leaves the one before without an end that anyone could check: a person should know why.
fn new_log(db: &Connection, offer: &Offer, now: &SignedCheckpoint) -> Result<()> {
    let count = "SELECT count(*) FROM ledger_seen WHERE hop = ?1";
    if db.query_row(count, [offer.hop.as_str()], |row| row.get::<_, i64>(0))? >= MAX_LOGS {
        return Err(Error::Unavailable(format!("{} has begun too many logs", offer.hop)));
    }
    let query = "SELECT note FROM ledger_seen WHERE hop = ?1 ORDER BY time DESC LIMIT 1";
    let before: Option<String> = db.query_row(query, [offer.hop.as_str()], |row| row.get(0)).optional()?;
    if let Some(before) = before {
        accuse(db, offer, &findings::NEW_LOG, before, now)?;
    }
    Ok(())
}

fn accuse(
    db: &Connection,
    offer: &Offer,
    kind: &'static lienthong_contract::Kind,
    before: String,
    now: &SignedCheckpoint,
) -> Result<Verdict> {
    let alarm = Alarm {
        time: offer.now,
        hop: offer.hop.clone(),
        origin: offer.origin.to_string(),
        code: kind.code.to_owned(),
        before: before.clone(),
        now: now.to_string(),
    };
    let news = keep_alarm(db, &alarm)?;
    if news {
        let (title, origin) = (kind.title.en, &alarm.origin);
        tracing::error!(code = kind.code, hop = %offer.hop, origin, before, now = alarm.now, "{title}");
    }
    Ok(Verdict::Alarm { before, news })
}

fn keep_seen(db: &Connection, offer: &Offer, now: &SignedCheckpoint) -> Result<()> {
    let keep = "INSERT INTO ledger_seen (origin, hop, vkey, note, time) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (origin) DO UPDATE SET note = ?4, time = max(time, ?5)";
    let (origin, hop) = (offer.origin.as_str(), offer.hop.as_str());
    let (vkey, note) = (offer.key.to_string(), now.to_string());
    db.prepare_cached(keep)?.execute(params![origin, hop, vkey, note, offer.time.as_millis()])?;
    Ok(())
}

fn keep_alarm(db: &Connection, alarm: &Alarm) -> Result<bool> {
    let count: i64 = db.query_row("SELECT count(*) FROM ledger_alarms", [], |row| row.get(0))?;
    if count >= MAX_ALARMS {
        return Ok(false);
    }
    let insert = "INSERT OR IGNORE INTO ledger_alarms (time, hop, origin, code, before, now)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let (time, hop) = (alarm.time.as_millis(), alarm.hop.as_str());
    let changed = db.execute(insert, params![time, hop, alarm.origin, alarm.code, alarm.before, alarm.now])?;
    Ok(changed == 1)
}

fn alarms(db: &Connection, limit: usize) -> Result<(Vec<Alarm>, u64)> {
    let count = db.query_row("SELECT count(*) FROM ledger_alarms", [], |row| row.get::<_, i64>(0))?;
    let query = "SELECT time, hop, origin, code, before, now FROM ledger_alarms ORDER BY id DESC LIMIT ?1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query([integer(limit)])?;
    let mut alarms = Vec::new();
    while let Some(row) = found.next()? {
        let hop = rows::hop(row, 1)?.ok_or_else(|| Error::Corrupt("an alarm without a hop".to_owned()))?;
        let time = Instant::from_millis(row.get(0)?);
        alarms.push(Alarm { time, hop, origin: row.get(2)?, code: row.get(3)?, before: row.get(4)?, now: row.get(5)? });
    }
    Ok((alarms, u64::try_from(count).unwrap_or(0)))
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

fn keep_proofs(
    db: &Connection,
    from: &HopName,
    consignments: &[ConsignmentId],
    proofs: &[CheckedProofs],
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
        let mut kept = false;
        for entry in &checked.proofs.entries {
            if made_by.get(&entry.receipt) == Some(&checked.proofs.hop) {
                kept |= keep_proof(db, checked, entry)?;
            }
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
                WHERE length(note) < length(?5) OR witnesses = '[]'";
    let size = integer(checked.size);
    db.prepare_cached(keep)?.execute(params![checked.origin, size, hop.as_str(), statement, checkpoint, witnesses])?;
    Ok(())
}

fn known_proofs(db: &Connection, consignments: &[ConsignmentId]) -> Result<KnownProofs> {
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
