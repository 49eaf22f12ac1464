//! A document's way, and how much is where.

use rusqlite::{Connection, params};

use lienthong_contract::door::{ConsignmentState, ConsignmentTrace, OutsideView, RecallState, ReceiptView, Trace};
use lienthong_contract::{ConsignmentId, DocId, Instant};

use super::super::{Counts, Result};
use super::rows::{self, SUBMISSION, Stored};
use super::told;
use crate::receipts::Sealed;
use crate::receipts::chain::{contradicted, follows};

/// The most receipts that are shown of those that were set aside for one consignment.
const MAX_SET_ASIDE: i64 = 64;

/// See [`super::Store::trace`].
pub fn trace(db: &Connection, doc_id: DocId) -> Result<Option<Trace>> {
    let query = "SELECT p.size, p.kind, p.document_id, p.sender, p.subject, p.code, p.urgency, p.received_at,
                        p.digest, p.id, p.business_type, p.destroyed_at
                 FROM consignments c JOIN packets p ON p.id = c.packet WHERE c.doc_id = ?1 LIMIT 1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![doc_id.as_bytes()])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let document_id: Option<String> = row.get(2)?;
    let from = rows::agency(row, 3)?;
    let packet: i64 = row.get(9)?;
    let submissions = rows::receipts_of(db, packet, SUBMISSION)?;
    let business_type: u8 = row.get(10)?;
    let destroyed_at = row.get::<_, Option<i64>>(11)?.map(Instant::from_millis);
    let subject = told::Subject { packet, sender: &from, document_id: document_id.as_deref(), business_type };
    let mut consignments = consignments(db, (doc_id, packet), &submissions, &subject)?;
    for recall in consignments.iter_mut().filter_map(|consignment| consignment.recall.as_mut()) {
        recall.destroyed_at = destroyed_at.filter(|_| recall.state == RecallState::Agreed);
    }
    let links = told::links(db, &subject, None)?;
    let read = submissions.iter().map(|stored| rows::read(&stored.jws)).collect::<Result<Vec<_>>>()?;
    let submission = read.iter().find(|sealed| sealed.receipt.doc_id == doc_id).map(view);
    Ok(Some(Trace {
        doc_id,
        digest: rows::digest(row, 8)?,
        size: rows::size(row, 0)?,
        kind: row.get(1)?,
        document_id,
        from,
        subject: row.get(4)?,
        code: row.get(5)?,
        urgency: row.get(6)?,
        received_at: rows::instant(row, 7)?,
        business_type,
        links,
        destroyed_at,
        submission,
        consignments,
    }))
}

fn consignments(
    db: &Connection,
    (doc_id, packet): (DocId, i64),
    submissions: &[Stored],
    subject: &told::Subject<'_>,
) -> Result<Vec<ConsignmentTrace>> {
    let query = "SELECT c.id, c.recipient, c.state, c.next_hop, o.last_error, c.head, c.seq, c.outside
                 FROM consignments c LEFT JOIN outbox o ON o.id = c.outbox_id WHERE c.doc_id = ?1 ORDER BY c.seq";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![doc_id.as_bytes()])?;
    let mut consignments = Vec::new();
    while let Some(row) = found.next()? {
        let (id, recipient, state) = (rows::consignment(row, 0)?, rows::agency(row, 1)?, rows::state(row, 2)?);
        let next_hop: Option<String> = row.get(3)?;
        let waiting_for = match state {
            ConsignmentState::Queued => next_hop,
            ConsignmentState::Outside if row.get(7)? => next_hop,
            ConsignmentState::Consigned if next_hop.is_none() => Some("mailbox".to_owned()),
            _ => None,
        };
        let chain = rows::chain_of(db, packet, submissions, row.get(6)?, rows::digest(row, 5)?)?;
        let mut late = rows::receipts_of(db, packet, row.get(6)?)?;
        late.retain(|stored| chain.iter().all(|counted| counted.digest != stored.digest));
        let chain = chain.iter().map(|stored| rows::read(&stored.jws)).collect::<Result<Vec<_>>>()?;
        let mut late = late.iter().map(|stored| rows::read(&stored.jws)).collect::<Result<Vec<_>>>()?;
        late.extend(set_aside(db, id, &chain, &late)?);
        let late = late.iter().map(|sealed| late_view(&chain, sealed)).collect();
        let told = told::story(db, subject, &recipient)?;
        consignments.push(ConsignmentTrace {
            id,
            state,
            waiting_for,
            last_error: row.get(4)?,
            receipts: chain.iter().filter(|sealed| sealed.receipt.consignment.is_some()).map(view).collect(),
            late,
            statuses: told.statuses,
            current: told.current,
            recall: told.recall,
            recipient,
        });
    }
    Ok(consignments)
}

/// Receipts that a hop without a say in it sent about a consignment: evidence, as far as it is about this document. What
/// could be taken for the next of the chain is no part of what is told of it.
fn set_aside(db: &Connection, id: ConsignmentId, chain: &[Sealed], late: &[Sealed]) -> Result<Vec<Sealed>> {
    let (Some(first), Some(last)) = (chain.first(), chain.last()) else { return Ok(Vec::new()) };
    let query = "SELECT jws FROM stray_receipts WHERE consignment = ?1 ORDER BY digest LIMIT ?2";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![id.as_bytes(), MAX_SET_ASIDE])?;
    let mut receipts = Vec::new();
    while let Some(row) = found.next()? {
        let text: String = row.get(0)?;
        let Ok(sealed) = rows::read(&text) else { continue };
        // It may have come again, once there was a consignment that it could count for.
        let told = chain.iter().chain(late).any(|known| known.digest == sealed.digest);
        if !told && sealed.receipt.is_of(&first.receipt) && !follows(&sealed, last, id) {
            receipts.push(sealed);
        }
    }
    Ok(receipts)
}

fn late_view(chain: &[Sealed], sealed: &Sealed) -> ReceiptView {
    ReceiptView { contradicts: contradicted(chain, sealed).map(|link| link.digest), ..view(sealed) }
}

fn view(sealed: &Sealed) -> ReceiptView {
    ReceiptView {
        event: sealed.receipt.event.as_str().to_owned(),
        hop: sealed.receipt.hop.clone(),
        time: sealed.receipt.time,
        reason: sealed.receipt.reason.as_ref().map(|reason| reason.text.clone()),
        jws: sealed.jws.to_string(),
        contradicts: None,
        outside: sealed.receipt.outside.as_ref().map(|outside| OutsideView {
            system: outside.system.clone(),
            id: outside.id.clone(),
            sent: outside.sent,
            answer: outside.answer.clone(),
            reports: outside.reports,
        }),
    }
}

/// See [`super::Store::counts`].
pub fn counts(db: &Connection) -> Result<Counts> {
    let one = |query: &str| -> Result<u64> { Ok(db.query_row(query, [], |row| row.get::<_, i64>(0)).map(positive)?) };
    let mut counts = Counts {
        packets: one("SELECT count(*) FROM packets")?,
        consignments: one("SELECT count(*) FROM consignments")?,
        receipts: one("SELECT count(*) FROM receipts")?,
        outbox: one("SELECT count(*) FROM outbox")?,
        receipts_waiting: one("SELECT count(*) FROM receipt_outbox")?,
        refusals: one("SELECT count(*) FROM refusals")?,
        ..Counts::default()
    };
    let mut query = db.prepare("SELECT count(*), state FROM consignments GROUP BY state")?;
    let mut found = query.query([])?;
    while let Some(row) = found.next()? {
        let number = positive(row.get(0)?);
        match rows::state(row, 1)? {
            ConsignmentState::Offered => counts.offered = number,
            ConsignmentState::Queued => counts.queued = number,
            ConsignmentState::Relayed => counts.relayed = number,
            ConsignmentState::Consigned => counts.consigned = number,
            ConsignmentState::HandedOver => counts.handed_over = number,
            ConsignmentState::Refused => counts.refused = number,
            ConsignmentState::Rejected => counts.rejected = number,
            ConsignmentState::Failed => counts.failed = number,
            ConsignmentState::Withdrawn => counts.withdrawn = number,
            ConsignmentState::Outside => counts.outside = number,
            ConsignmentState::PassedOutside => counts.passed_outside = number,
        }
    }
    Ok(counts)
}

fn positive(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
