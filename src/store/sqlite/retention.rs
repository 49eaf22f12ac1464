//! Bodies that are deleted, and what an archive takes along.

use rusqlite::{Connection, params};

use lienthong_contract::{DocId, Instant};

use super::super::retention::{DeletionReason, EndedPacket, ExportConsignment, ExportPacket};
use super::super::{Body, Held, Result};
use super::rows::{self, SUBMISSION, integer};

/// See [`super::super::retention::RetentionStore::ended_packets`].
pub fn ended_packets(
    db: &Connection,
    after: i64,
    before: Instant,
    limit: usize,
) -> Result<(Vec<EndedPacket>, Option<i64>)> {
    let db = db.unchecked_transaction()?;
    // Whether a packet has a body is told by the first bytes of its row; its content is not read.
    let query = "SELECT id, doc_id, digest, content IS NULL, exported_at IS NOT NULL,
                        EXISTS (SELECT 1 FROM consignments c WHERE c.packet = p.id
                                AND c.state IN ('offered', 'queued', 'relayed', 'consigned', 'outside')),
                        EXISTS (SELECT 1 FROM consignments c WHERE c.packet = p.id
                                AND NOT (c.state = 'rejected' AND c.next_hop IS NULL AND c.previous_hop IS NOT NULL))
                 FROM packets p WHERE id > ?1 AND received_at < ?2 AND body_deleted_at IS NULL
                   AND destroyed_at IS NULL ORDER BY id LIMIT ?3";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![after, before.as_millis(), integer(limit)])?;
    let (mut packets, mut seen, mut last) = (Vec::new(), 0, None);
    while let Some(row) = found.next()? {
        seen += 1;
        let id: i64 = row.get(0)?;
        last = Some(id);
        let (in_file, exported, open, kept): (bool, bool, bool, bool) =
            (row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?);
        // What was refused as a whole was never kept.
        if open || (in_file && !kept) {
            continue;
        }
        let Some(ended) = ended(&db, id)? else { continue };
        let (doc_id, digest) = (rows::doc_id(row, 1)?, rows::digest(row, 2)?);
        packets.push(EndedPacket { row: id, doc_id, digest, ended, exported, in_file });
    }
    Ok((packets, last.filter(|_| seen == limit)))
}

/// When the last consignment of a packet ended; nothing when that cannot be read, and then nothing is deleted.
fn ended(db: &Connection, packet: i64) -> Result<Option<Instant>> {
    let query = "SELECT seq, head FROM consignments WHERE packet = ?1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![packet])?;
    let mut ended = None;
    while let Some(row) = found.next()? {
        let head = rows::receipt(db, packet, row.get(0)?, rows::digest(row, 1)?)?;
        let Some(Ok(head)) = head.map(|head| rows::read(&head)) else { return Ok(None) };
        ended = ended.max(Some(head.receipt.time));
    }
    Ok(ended)
}

/// See [`super::super::retention::RetentionStore::delete_body`].
pub fn delete_body(db: &Connection, row: i64, reason: DeletionReason, at: Instant) -> Result<bool> {
    let delete = "UPDATE packets SET content = NULL, body_deleted_at = ?2, body_deleted_reason = ?3
                  WHERE id = ?1 AND body_deleted_at IS NULL AND destroyed_at IS NULL AND NOT EXISTS
                    (SELECT 1 FROM consignments c WHERE c.packet = packets.id
                     AND c.state IN ('offered', 'queued', 'relayed', 'consigned', 'outside'))";
    let changed = db.prepare_cached(delete)?.execute(params![row, at.as_millis(), reason.as_str()])?;
    Ok(changed == 1)
}

/// See [`super::super::retention::RetentionStore::mark_exported`].
pub fn mark_exported(db: &Connection, rows: &[i64], at: Instant) -> Result<()> {
    let mut mark = db.prepare_cached("UPDATE packets SET exported_at = ?2 WHERE id = ?1")?;
    rows.iter().try_for_each(|row| Ok(mark.execute(params![row, at.as_millis()]).map(|_| ())?))
}

/// See [`super::super::retention::RetentionStore::prune_refusals`].
pub fn prune_refusals(db: &Connection, before: Instant, limit: usize) -> Result<usize> {
    // They stand in the order of their times, so looking at the oldest is enough. The newest stays: its number must not be
    // given again, because the log counts refusals by it.
    const OLD: &str = "id IN (SELECT id FROM (SELECT id, time FROM refusals ORDER BY id LIMIT ?2) WHERE time < ?1)
                  AND id < (SELECT max(id) FROM refusals)";
    // Where a log is kept, each receipt is in it. Where none is, nothing else will tell that these were given out.
    let count = format!(
        "INSERT INTO refusals_unlogged (day, count)
         SELECT (time + 25200000) / 86400000, count(*) FROM refusals r
         WHERE {OLD} AND receipt IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ledger l WHERE l.receipt = -r.id) GROUP BY 1
         ON CONFLICT (day) DO UPDATE SET count = count + excluded.count"
    );
    let which = params![before.as_millis(), integer(limit)];
    db.prepare_cached(&count)?.execute(which)?;
    let delete = format!("DELETE FROM refusals WHERE {OLD}");
    Ok(db.prepare_cached(&delete)?.execute(which)?)
}

/// Refusals with a receipt that no log will ever have, by the day in Vietnam (counted from 1970-01-01).
pub fn refusals_unlogged(db: &Connection) -> Result<Vec<(i64, u64)>> {
    let mut query = db.prepare_cached("SELECT day, count FROM refusals_unlogged ORDER BY day")?;
    let found = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
    found.map(|row| row.map(|(day, count)| (day, u64::try_from(count).unwrap_or(0))).map_err(Into::into)).collect()
}

/// See [`super::super::Store::body`].
pub fn body(db: &Connection, doc_id: DocId) -> Result<Option<Body>> {
    let query = "SELECT p.digest, p.content, p.body_deleted_at, p.destroyed_at IS NOT NULL
                 FROM consignments c JOIN packets p ON p.id = c.packet WHERE c.doc_id = ?1 LIMIT 1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![doc_id.as_bytes()])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let held = if row.get(3)? { Held::Destroyed } else { rows::held(row, 1)? };
    let deleted_at = row.get::<_, Option<i64>>(2)?.map(Instant::from_millis);
    Ok(Some(Body { digest: rows::digest(row, 0)?, held, deleted_at }))
}

/// Bodies deleted, by the day in Vietnam (counted from 1970-01-01).
pub fn bodies_deleted(db: &Connection) -> Result<Vec<(i64, u64)>> {
    let query = "SELECT (body_deleted_at + 25200000) / 86400000, count(*) FROM packets
                 WHERE body_deleted_at IS NOT NULL GROUP BY 1 ORDER BY 1";
    let mut query = db.prepare_cached(query)?;
    let found = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
    found.map(|row| row.map(|(day, count)| (day, u64::try_from(count).unwrap_or(0))).map_err(Into::into)).collect()
}

/// See [`super::super::retention::RetentionStore::packets_to_export`].
pub fn packets_to_export(
    db: &Connection,
    after: i64,
    (from, to): (Instant, Instant),
    limit: usize,
) -> Result<Vec<ExportPacket>> {
    let db = db.unchecked_transaction()?;
    let query = "SELECT id, doc_id, digest, size, kind, document_id, business_type, sender, subject, code, urgency,
                        received_at, content, body_deleted_at, body_deleted_reason, destroyed_at IS NOT NULL
                 FROM packets WHERE id > ?1 AND received_at >= ?2 AND received_at < ?3 ORDER BY id LIMIT ?4";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![after, from.as_millis(), to.as_millis(), integer(limit)])?;
    let mut packets = Vec::new();
    while let Some(row) = found.next()? {
        let id: i64 = row.get(0)?;
        let deleted: Option<i64> = row.get(13)?;
        let reason: Option<String> = row.get(14)?;
        let consignments = consignments(&db, id)?;
        let dropped = consignments.iter().all(|consignment| {
            consignment.state == lienthong_contract::door::ConsignmentState::Rejected
                && consignment.next_hop.is_none()
                && consignment.previous_hop.is_some()
        });
        let held = match rows::held(row, 12)? {
            Held::File if row.get(15)? => Held::Destroyed,
            Held::File if deleted.is_some() || dropped => Held::Dropped,
            held => held,
        };
        packets.push(ExportPacket {
            row: id,
            doc_id: rows::doc_id(row, 1)?,
            digest: rows::digest(row, 2)?,
            size: rows::size(row, 3)?,
            kind: row.get(4)?,
            document_id: row.get(5)?,
            business_type: row.get(6)?,
            sender: rows::agency(row, 7)?,
            subject: row.get(8)?,
            code: row.get(9)?,
            urgency: row.get(10)?,
            received_at: rows::instant(row, 11)?,
            held,
            body_deleted: deleted.map(|at| (Instant::from_millis(at), reason.unwrap_or_default())),
            submissions: texts(&db, id, SUBMISSION)?,
            consignments,
        });
    }
    Ok(packets)
}

fn consignments(db: &Connection, packet: i64) -> Result<Vec<ExportConsignment>> {
    let query = "SELECT seq, id, doc_id, recipient, state, previous_hop, next_hop FROM consignments
                 WHERE packet = ?1 ORDER BY seq";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![packet])?;
    let mut consignments = Vec::new();
    while let Some(row) = found.next()? {
        consignments.push(ExportConsignment {
            id: rows::consignment(row, 1)?,
            doc_id: rows::doc_id(row, 2)?,
            recipient: rows::agency(row, 3)?,
            state: rows::state(row, 4)?,
            previous_hop: rows::hop(row, 5)?,
            next_hop: rows::hop(row, 6)?,
            receipts: texts(db, packet, row.get(0)?)?,
        });
    }
    Ok(consignments)
}

fn texts(db: &Connection, packet: i64, consignment: i64) -> Result<Vec<String>> {
    let receipts = rows::receipts_of(db, packet, consignment)?;
    Ok(receipts.into_iter().map(|stored| stored.jws.to_string()).collect())
}
