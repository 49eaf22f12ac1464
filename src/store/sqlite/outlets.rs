//! What is due to outlets, what their systems answered and report, and what came in from them.

use rusqlite::{Connection, params};

use lienthong_contract::outlet::Awaited;
use lienthong_contract::{AgencyCode, DocId, HopName, Instant};

use super::super::outlets::{Abroad, Attested, Entered, EnteredBefore, Leaving};
use super::super::{Ended, Error, PacketKind, Result};
use super::outbox::{consignment, dispatches, release};
use super::rows::{self, insert_receipt, integer, queue_receipt};
use crate::life::{Outcome, step};

/// The most consignments that one name of a system outside stands for.
const MAX_ABROAD: usize = 1024;

/// See [`super::super::OutletStore::due_outside`].
pub fn due(db: &Connection, outlet: &HopName, urgent: bool, after: i64, limit: usize) -> Result<Vec<Leaving>> {
    // What is the hop before's yet, and what it said it has and has not come.
    let query = "SELECT p.kind, p.document_id, p.business_type, p.sender, o.perhaps,
                        EXISTS (SELECT 1 FROM consignments c WHERE c.packet = p.id AND c.state = 'offered'
                                AND c.outside = 1 AND c.next_hop = o.hop)
                        OR EXISTS (SELECT 1 FROM split s WHERE s.packet = p.id AND s.number >
                                   (SELECT count(*) FROM consignments c WHERE c.packet = p.id AND c.previous_hop = s.hop))
                 FROM outbox o JOIN packets p ON p.id = o.packet WHERE o.id = ?1";
    let mut query = db.prepare_cached(query)?;
    let mut leaving = Vec::new();
    for dispatch in dispatches(db, (outlet, true), urgent, after, limit)? {
        let mut found = query.query([dispatch.outbox_id])?;
        let Some(row) = found.next()? else { continue };
        let kind: String = row.get(0)?;
        let heads = dispatch.consignments.iter().map(|one| {
            let head = one.chain.last().ok_or_else(|| Error::Corrupt(format!("{} has no receipt", one.id)))?;
            rows::read(head)
        });
        leaving.push(Leaving {
            kind: if kind == PacketKind::Status.as_str() { PacketKind::Status } else { PacketKind::Document },
            document_id: row.get(1)?,
            business_type: row.get(2)?,
            sender: rows::agency(row, 3)?,
            perhaps: row.get(4)?,
            gathers: row.get(5)?,
            heads: heads.collect::<Result<_>>()?,
            dispatch,
        });
    }
    Ok(leaving)
}

/// See [`super::super::OutletStore::begins_to_leave`].
pub fn begins_to_leave(db: &Connection, outbox_id: i64) -> Result<bool> {
    let begin = "UPDATE outbox SET perhaps = 1 WHERE id = ?1";
    Ok(db.prepare_cached(begin)?.execute([outbox_id])? > 0)
}

/// See [`super::super::OutletStore::did_not_leave`].
pub fn did_not_leave(db: &Connection, outbox_id: i64, error: &str, perhaps: bool) -> Result<()> {
    let note = "UPDATE outbox SET attempts = attempts + 1, last_error = ?2, perhaps = ?3 WHERE id = ?1";
    db.prepare_cached(note)?.execute(params![outbox_id, error, perhaps])?;
    Ok(())
}

/// See [`super::super::OutletStore::attest`].
pub fn attest(db: &Connection, attested: &[Attested]) -> Result<Vec<Ended>> {
    let moved = attested.iter().map(|one| attest_one(db, one)).collect::<Result<Vec<_>>>()?;
    Ok(moved.into_iter().flatten().collect())
}

/// Moves a consignment by what this hop attests of it; nothing when it has moved on meanwhile.
pub fn attest_one(db: &Connection, attested: &Attested) -> Result<Option<Ended>> {
    let Attested { id, input, receipt, due } = attested;
    let Some(mut row) = consignment(db, *id)? else { return Ok(None) };
    let Outcome::Moves { to, attested } = step(row.standing(), *input) else { return Ok(None) };
    // Something came in between: the receipt was made for what stood there before.
    if receipt.receipt.previous != Some(row.head) || attested != Some(receipt.receipt.event) {
        return Ok(None);
    }
    let stored = insert_receipt(db, row.packet, row.seq, receipt, true)?;
    let update = "UPDATE consignments SET state = ?2, head = ?3, due_at = coalesce(?4, due_at) WHERE seq = ?1";
    let due = due.map(Instant::as_millis);
    db.prepare_cached(update)?.execute(params![row.seq, to.as_str(), receipt.digest.as_bytes(), due])?;
    if let Some((system, name)) = receipt.receipt.outside.as_ref().and_then(|out| Some((&out.system, out.id.as_ref()?)))
    {
        let insert = "INSERT OR IGNORE INTO abroad (outlet, name, consignment) VALUES (?1, ?2, ?3)";
        db.prepare_cached(insert)?.execute(params![system.as_str(), name, row.seq])?;
    }
    if let Some((previous, stored)) = row.previous_hop.as_ref().zip(stored) {
        queue_receipt(db, previous.as_str(), receipt.digest, stored)?;
    }
    let settled = match row.outbox_id.take() {
        Some(entry) => release(db, row.seq, entry)?.then_some(entry),
        None => None,
    };
    Ok(Some(Ended { settled, previous_hop: row.previous_hop }))
}

/// See [`super::super::OutletStore::abroad`].
pub fn abroad(db: &Connection, outlet: &HopName, name: &str, recipient: Option<&AgencyCode>) -> Result<Vec<Abroad>> {
    let query = "SELECT c.id, c.recipient, c.head, c.packet, c.seq
                 FROM abroad a JOIN consignments c ON c.seq = a.consignment
                 WHERE a.outlet = ?1 AND a.name = ?2 AND c.state = 'outside' AND c.outside = 1
                   AND (?3 IS NULL OR c.recipient = ?3) ORDER BY c.seq LIMIT ?4";
    let mut query = db.prepare_cached(query)?;
    let asked = params![outlet.as_str(), name, recipient.map(AgencyCode::as_str), integer(MAX_ABROAD)];
    let mut found = query.query(asked)?;
    let mut abroad = Vec::new();
    while let Some(row) = found.next()? {
        let (id, recipient, head) = (rows::consignment(row, 0)?, rows::agency(row, 1)?, rows::digest(row, 2)?);
        let head = rows::receipt(db, row.get(3)?, row.get(4)?, head)?;
        let head = head.ok_or_else(|| Error::Corrupt(format!("the last receipt of {id} is gone")))?;
        abroad.push(Abroad { id, recipient, head: rows::read(&head)? });
    }
    Ok(abroad)
}

/// See [`super::super::OutletStore::awaited`].
pub fn awaited(db: &Connection, outlet: &HopName, after: i64, limit: usize) -> Result<Vec<Awaited>> {
    let query = "SELECT c.seq, a.name, p.sender, c.recipient, p.kind,
                        (SELECT count(*) FROM abroad b WHERE b.outlet = a.outlet AND b.name = a.name)
                 FROM consignments c INDEXED BY consignments_outside
                      JOIN abroad a ON a.consignment = c.seq AND a.outlet = ?1
                      JOIN packets p ON p.id = c.packet
                 WHERE c.state = 'outside' AND c.outside = 1 AND c.seq > ?2 ORDER BY c.seq LIMIT ?3";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![outlet.as_str(), after, integer(limit)])?;
    let mut awaited = Vec::new();
    while let Some(row) = found.next()? {
        let kind: String = row.get(4)?;
        awaited.push(Awaited {
            place: row.get(0)?,
            id: row.get(1)?,
            from: rows::agency(row, 2)?,
            recipient: rows::agency(row, 3)?,
            recipients: usize::try_from(row.get::<_, i64>(5)?).unwrap_or(usize::MAX),
            is_status: kind == PacketKind::Status.as_str(),
        });
    }
    Ok(awaited)
}

/// See [`super::super::OutletStore::entered`].
pub fn entered(db: &Connection, entered: &Entered) -> Result<Option<EnteredBefore>> {
    let query = "SELECT e.doc_id, p.digest, p.sender FROM entered e JOIN packets p ON p.id = e.packet
                 WHERE e.outlet = ?1 AND e.name = ?2";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![entered.outlet.as_str(), entered.name])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let (doc_id, digest, sender) = (rows::doc_id(row, 0)?, rows::digest(row, 1)?, rows::agency(row, 2)?);
    Ok(Some(EnteredBefore { doc_id, digest, sender }))
}

/// Remembers under which name a packet came from outside; the first one counts.
pub fn insert_entered(db: &Connection, entered: &Entered, packet: i64, doc_id: DocId) -> Result<()> {
    let insert = "INSERT OR IGNORE INTO entered (outlet, name, packet, doc_id) VALUES (?1, ?2, ?3, ?4)";
    let row = params![entered.outlet.as_str(), entered.name, packet, doc_id.as_bytes()];
    db.prepare_cached(insert)?.execute(row)?;
    Ok(())
}
