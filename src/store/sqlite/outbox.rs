//! What is due to neighbours, and what their receipts change.

use rusqlite::{Connection, OptionalExtension, params};

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{ConsignmentId, Digest, DocId, HopName};

use super::super::{Dispatch, DispatchedConsignment, Error, QueuedReceipt, Recorded, Result};
use super::rows::{self, SUBMISSION, insert_receipt, integer, queue_receipt};
use crate::receipts::chain::follows;
use crate::receipts::{Event, Sealed};

/// See [`super::Store::due`].
pub fn due(db: &Connection, hop: &HopName, urgent: bool, after: i64, limit: usize) -> Result<Vec<Dispatch>> {
    let query = "SELECT o.id, p.digest, o.attempts, p.size, p.content, p.id
                 FROM outbox o JOIN packets p ON p.id = o.packet
                 WHERE o.hop = ?1 AND o.urgent = ?2 AND o.id > ?3 ORDER BY o.id LIMIT ?4";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![hop.as_str(), urgent, after, integer(limit)])?;
    let mut due = Vec::new();
    while let Some(row) = found.next()? {
        let (outbox_id, digest) = (row.get(0)?, rows::digest(row, 1)?);
        let Some((doc_id, consignments)) = travelling(db, outbox_id, row.get(5)?)? else {
            return Err(Error::Corrupt(format!("outbox entry {outbox_id} has no consignment")));
        };
        due.push(Dispatch {
            outbox_id,
            digest,
            attempts: row.get(2)?,
            doc_id,
            size: rows::size(row, 3)?,
            urgent,
            held: rows::held(row, 4)?,
            consignments,
        });
    }
    Ok(due)
}

type Travelling = (DocId, Vec<DispatchedConsignment>);

fn travelling(db: &Connection, outbox_id: i64, packet: i64) -> Result<Option<Travelling>> {
    let query = "SELECT id, recipient, doc_id, head, seq FROM consignments WHERE outbox_id = ?1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![outbox_id])?;
    let submissions = rows::receipts_of(db, packet, SUBMISSION)?;
    let (mut consignments, mut doc_id) = (Vec::new(), None);
    while let Some(row) = found.next()? {
        let id = rows::consignment(row, 0)?;
        doc_id = Some(rows::doc_id(row, 2)?);
        let chain = rows::chain_of(db, packet, &submissions, row.get(4)?, rows::digest(row, 3)?)?;
        let chain = chain.into_iter().map(|stored| stored.jws).collect();
        consignments.push(DispatchedConsignment { id, recipient: rows::agency(row, 1)?, chain });
    }
    Ok(doc_id.map(|doc_id| (doc_id, consignments)))
}

/// The most receipts of one consignment. A chain over a dozen hops has half as many.
const MAX_RECEIPTS: i64 = 64;

/// See [`super::Store::record_receipts`].
pub fn record_receipts(db: &Connection, from: &HopName, receipts: &[Sealed]) -> Result<Recorded> {
    let mut recorded = Recorded::default();
    for sealed in receipts {
        let (digest, event) = (sealed.digest, sealed.receipt.event.as_str());
        let row = sealed.receipt.consignment.map(|id| consignment(db, id)).transpose()?.flatten();
        let Some(row) = row else {
            tracing::warn!(%from, %digest, event, "a receipt about a consignment that is not here is set aside");
            insert_stray(db, from, sealed)?;
            recorded.stored.push(digest);
            continue;
        };
        if row.next_hop.as_ref() != Some(from) || row.digest != sealed.receipt.packet {
            tracing::error!(%from, %digest, event, hop = %sealed.receipt.hop, "a receipt from a hop that has no say in it");
            continue;
        }
        if !known(db, &row, digest)? {
            if count(db, &row)? >= MAX_RECEIPTS {
                tracing::error!(%from, %digest, event, "too many receipts of one consignment");
                continue;
            }
            insert_receipt(db, row.packet, row.seq, sealed, false)?;
            advance(db, row, sealed, &mut recorded)?;
        }
        recorded.stored.push(digest);
    }
    Ok(recorded)
}

fn known(db: &Connection, row: &Row, receipt: Digest) -> Result<bool> {
    let query = "SELECT 1 FROM receipts WHERE packet = ?1 AND consignment = ?2 AND digest = ?3";
    Ok(db.prepare_cached(query)?.exists(params![row.packet, row.seq, receipt.as_bytes()])?)
}

fn count(db: &Connection, row: &Row) -> Result<i64> {
    let query = "SELECT count(*) FROM receipts WHERE packet = ?1 AND consignment = ?2";
    Ok(db.prepare_cached(query)?.query_row(params![row.packet, row.seq], |row| row.get(0))?)
}

fn insert_stray(db: &Connection, from: &HopName, sealed: &Sealed) -> Result<()> {
    let insert = "INSERT OR IGNORE INTO stray_receipts (digest, hop, consignment, jws) VALUES (?1, ?2, ?3, ?4)";
    let about = sealed.receipt.consignment.map(|id| *id.as_bytes());
    db.prepare_cached(insert)?.execute(params![sealed.digest.as_bytes(), from.as_str(), about, sealed.jws])?;
    Ok(())
}

struct Row {
    seq: i64,
    packet: i64,
    id: ConsignmentId,
    digest: Digest,
    state: ConsignmentState,
    previous_hop: Option<HopName>,
    next_hop: Option<HopName>,
    outbox_id: Option<i64>,
    /// The last receipt of the chain as far as it holds.
    head: Digest,
}

fn consignment(db: &Connection, id: ConsignmentId) -> Result<Option<Row>> {
    let query = "SELECT p.digest, c.state, c.previous_hop, c.next_hop, c.outbox_id, c.head, c.seq, c.packet
                 FROM consignments c JOIN packets p ON p.id = c.packet WHERE c.id = ?1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![id.as_bytes()])?;
    let Some(row) = found.next()? else { return Ok(None) };
    Ok(Some(Row {
        seq: row.get(6)?,
        packet: row.get(7)?,
        id,
        digest: rows::digest(row, 0)?,
        state: rows::state(row, 1)?,
        previous_hop: rows::hop(row, 2)?,
        next_hop: rows::hop(row, 3)?,
        outbox_id: row.get(4)?,
        head: rows::digest(row, 5)?,
    }))
}

/// Moves the consignment along its chain: by this receipt when it follows the last one, and by those that had come too
/// early. Whatever the order in which receipts come, the chain grows in its own, and so do the receipts sent upstream.
fn advance(db: &Connection, mut row: Row, sealed: &Sealed, recorded: &mut Recorded) -> Result<()> {
    // It has come too early, or it will never count: nothing else can have begun to count by it.
    if sealed.receipt.previous != Some(row.head) {
        return Ok(());
    }
    let head = rows::receipt(db, row.packet, row.seq, row.head)?;
    let head = head.ok_or_else(|| Error::Corrupt(format!("the last receipt of {} is gone", row.id)))?;
    let (mut head, mut candidates) = (rows::read(&head)?, vec![sealed.clone()]);
    while let Some(next) = candidates.into_iter().find(|next| follows(next, &head, row.id) && may_settle(&row, next)) {
        move_to(db, &mut row, &next, recorded)?;
        candidates = after(db, &row)?;
        head = next;
    }
    Ok(())
}

/// The receipts that name the head as the one before them.
fn after(db: &Connection, row: &Row) -> Result<Vec<Sealed>> {
    let query = "SELECT jws FROM sealed WHERE packet = ?1 AND consignment = ?2 AND previous = ?3 ORDER BY seq";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![row.packet, row.seq, row.head.as_bytes()])?;
    let mut receipts = Vec::new();
    while let Some(row) = found.next()? {
        let text: String = row.get(0)?;
        receipts.push(rows::read(&text)?);
    }
    Ok(receipts)
}

fn move_to(db: &Connection, row: &mut Row, next: &Sealed, recorded: &mut Recorded) -> Result<()> {
    if let Some(state) = state_after(next.receipt.event) {
        row.state = state;
    }
    row.head = next.digest;
    let update = "UPDATE consignments SET state = ?2, head = ?3 WHERE seq = ?1";
    db.prepare_cached(update)?.execute(params![row.seq, row.state.as_str(), row.head.as_bytes()])?;
    if let Some(previous) = &row.previous_hop {
        let receipt = "SELECT seq FROM receipts WHERE packet = ?1 AND consignment = ?2 AND digest = ?3";
        let mut receipt = db.prepare_cached(receipt)?;
        let receipt = receipt.query_row(params![row.packet, row.seq, row.head.as_bytes()], |row| row.get(0))?;
        queue_receipt(db, previous.as_str(), next.digest, receipt)?;
        recorded.forward = true;
    }
    // The first receipt after ours is the next hop's own word, and that ends our custody.
    if let Some(outbox_id) = row.outbox_id.take()
        && release(db, row.seq, outbox_id)?
    {
        recorded.settled.push(outbox_id);
    }
    Ok(())
}

/// While we have custody, only the next hop's own acceptance or rejection can come next.
fn may_settle(row: &Row, next: &Sealed) -> bool {
    row.outbox_id.is_none()
        || (matches!(next.receipt.event, Event::RelayAcceptance | Event::RelayRejection)
            && row.next_hop.as_ref() == Some(&next.receipt.hop))
}

const fn state_after(event: Event) -> Option<ConsignmentState> {
    match event {
        Event::RelayAcceptance => Some(ConsignmentState::Relayed),
        Event::ContentConsignment => Some(ConsignmentState::Consigned),
        Event::ContentHandover => Some(ConsignmentState::HandedOver),
        Event::ConsignmentRejection => Some(ConsignmentState::Refused),
        Event::RelayRejection
        | Event::RelayFailure
        | Event::ContentConsignmentFailure
        | Event::ContentHandoverFailure => Some(ConsignmentState::Rejected),
        _ => None,
    }
}

/// Takes a consignment out of its outbox entry; true when the entry is thereby done and gone.
fn release(db: &Connection, consignment: i64, outbox_id: i64) -> Result<bool> {
    db.prepare_cached("UPDATE consignments SET outbox_id = NULL WHERE seq = ?1")?.execute(params![consignment])?;
    let others = "SELECT 1 FROM consignments WHERE outbox_id = ?1 LIMIT 1";
    let others: Option<i64> = db.prepare_cached(others)?.query_row(params![outbox_id], |row| row.get(0)).optional()?;
    if others.is_some() {
        return Ok(false);
    }
    db.prepare_cached("DELETE FROM outbox WHERE id = ?1")?.execute(params![outbox_id])?;
    Ok(true)
}

/// See [`super::Store::queued_receipts`].
pub fn queued_receipts(db: &Connection, hop: &HopName, after: i64, limit: usize) -> Result<(Vec<QueuedReceipt>, i64)> {
    let query = "SELECT o.id, r.digest, r.jws FROM receipt_outbox o JOIN sealed r ON r.seq = o.receipt
                 WHERE o.hop = ?1 AND o.id > ?2 ORDER BY o.id LIMIT ?3";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![hop.as_str(), after, integer(limit)])?;
    let (mut receipts, mut last) = (Vec::new(), after);
    while let Some(row) = found.next()? {
        last = row.get(0)?;
        receipts.push(QueuedReceipt { digest: rows::digest(row, 1)?, jws: row.get(2)? });
    }
    Ok((receipts, last))
}
