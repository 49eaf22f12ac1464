//! What is due to neighbours, and what their receipts change.

use rusqlite::{Connection, OptionalExtension, params};

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{ConsignmentId, Digest, HopName};

use super::super::{Dispatch, DispatchedConsignment, QueuedReceipt, Recorded, Result};
use super::rows::{self, insert_receipt, integer, queue_receipt};
use crate::receipts::{Event, Sealed};

/// See [`super::Store::due`].
pub fn due(db: &Connection, hop: &HopName, urgent: bool, after: i64, limit: usize) -> Result<Vec<Dispatch>> {
    let query = "SELECT o.id, o.digest, o.attempts, p.doc_id, p.size, p.content
                 FROM outbox o JOIN packets p ON p.digest = o.digest
                 WHERE o.hop = ?1 AND o.urgent = ?2 AND o.id > ?3 ORDER BY o.id LIMIT ?4";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![hop.as_str(), urgent, after, integer(limit)])?;
    let mut due = Vec::new();
    while let Some(row) = found.next()? {
        let (outbox_id, digest) = (row.get(0)?, rows::digest(row, 1)?);
        due.push(Dispatch {
            outbox_id,
            digest,
            attempts: row.get(2)?,
            doc_id: rows::doc_id(row, 3)?,
            size: rows::size(row, 4)?,
            urgent,
            held: rows::held(row, 5)?,
            consignments: travelling(db, outbox_id, digest)?,
        });
    }
    Ok(due)
}

fn travelling(db: &Connection, outbox_id: i64, digest: Digest) -> Result<Vec<DispatchedConsignment>> {
    let mut query = db.prepare_cached("SELECT id, recipient FROM consignments WHERE outbox_id = ?1")?;
    let mut found = query.query(params![outbox_id])?;
    let mut consignments = Vec::new();
    while let Some(row) = found.next()? {
        let id = rows::consignment(row, 0)?;
        let chain = rows::chain_of(db, digest, id)?.into_iter().map(|sealed| sealed.jws).collect();
        consignments.push(DispatchedConsignment { id, recipient: rows::agency(row, 1)?, chain });
    }
    Ok(consignments)
}

/// See [`super::Store::record_receipts`].
pub fn record_receipts(db: &Connection, receipts: &[Sealed]) -> Result<Recorded> {
    let mut recorded = Recorded::default();
    for sealed in receipts {
        let Some(id) = sealed.receipt.consignment else { continue };
        let Some(row) = consignment(db, id)? else {
            tracing::warn!(consignment = %id, event = sealed.receipt.event.as_str(), "receipt for an unknown consignment");
            continue;
        };
        if row.digest != sealed.receipt.packet || !insert_receipt(db, sealed, false)? {
            continue;
        }
        if let Some(previous) = &row.previous_hop {
            queue_receipt(db, previous.as_str(), sealed.digest)?;
            recorded.forward = true;
        }
        advance(db, id, &row, sealed)?;
        if let Some(outbox_id) = row.outbox_id
            && settles(&row, sealed)
            && release(db, id, outbox_id)?
        {
            recorded.settled.push(outbox_id);
        }
    }
    Ok(recorded)
}

struct Row {
    digest: Digest,
    state: ConsignmentState,
    previous_hop: Option<HopName>,
    next_hop: Option<HopName>,
    outbox_id: Option<i64>,
}

fn consignment(db: &Connection, id: ConsignmentId) -> Result<Option<Row>> {
    let query = "SELECT digest, state, previous_hop, next_hop, outbox_id FROM consignments WHERE id = ?1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![id.as_bytes()])?;
    let Some(row) = found.next()? else { return Ok(None) };
    Ok(Some(Row {
        digest: rows::digest(row, 0)?,
        state: rows::state(row, 1)?,
        previous_hop: rows::hop(row, 2)?,
        next_hop: rows::hop(row, 3)?,
        outbox_id: row.get(4)?,
    }))
}

/// Only the next hop's own word ends our custody.
fn settles(row: &Row, sealed: &Sealed) -> bool {
    matches!(sealed.receipt.event, Event::RelayAcceptance | Event::RelayRejection)
        && row.next_hop.as_ref() == Some(&sealed.receipt.hop)
}

/// Moves the state forward, never back, and never out of a terminal one.
fn advance(db: &Connection, id: ConsignmentId, row: &Row, sealed: &Sealed) -> Result<()> {
    let next = match sealed.receipt.event {
        Event::RelayAcceptance => ConsignmentState::Relayed,
        Event::ContentConsignment => ConsignmentState::Consigned,
        Event::ContentHandover => ConsignmentState::HandedOver,
        Event::ConsignmentRejection => ConsignmentState::Refused,
        Event::RelayRejection | Event::RelayFailure => ConsignmentState::Rejected,
        _ => return Ok(()),
    };
    if row.state.is_terminal() || rank(next) <= rank(row.state) {
        return Ok(());
    }
    let update = "UPDATE consignments SET state = ?2, head = ?3 WHERE id = ?1";
    db.prepare_cached(update)?.execute(params![id.as_bytes(), next.as_str(), sealed.digest.as_bytes()])?;
    Ok(())
}

const fn rank(state: ConsignmentState) -> u8 {
    match state {
        ConsignmentState::Queued => 0,
        ConsignmentState::Relayed => 1,
        ConsignmentState::Consigned => 2,
        ConsignmentState::HandedOver | ConsignmentState::Refused | ConsignmentState::Rejected => 3,
    }
}

/// Takes a consignment out of its outbox entry; true when the entry is thereby done and gone.
fn release(db: &Connection, id: ConsignmentId, outbox_id: i64) -> Result<bool> {
    db.prepare_cached("UPDATE consignments SET outbox_id = NULL WHERE id = ?1")?.execute(params![id.as_bytes()])?;
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
    let query = "SELECT o.id, r.digest, r.jws FROM receipt_outbox o JOIN receipts r ON r.digest = o.receipt
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
