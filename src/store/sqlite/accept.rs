//! Taking packets in: at the first hop from a sender, at a later hop from the hop before.

use rusqlite::{Connection, OptionalExtension, params};

use lienthong_contract::door::{ConsignmentRef, ConsignmentState};
use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId, HopName, Instant};

use super::super::console::Again;
use super::super::{Accepted, Error, Held, MAX_PER_DISPATCH, NewConsignment, NewPacket, RefusalRecord, Result, Route};
use super::flows;
use super::outlets::insert_entered;
use super::rows::{self, SUBMISSION, insert_receipt, integer, queue_receipt};
use crate::books::statement::number_of;
use crate::receipts::Sealed;
use crate::statutory::Signed;

/// See [`super::Store::accept`].
pub fn accept(
    db: &Connection,
    packet: &NewPacket,
    submission: &Sealed,
    consignments: &[NewConsignment],
) -> Result<Accepted> {
    if let Some(already) = accepted_before(db, packet.digest, &packet.sender)? {
        return Ok(already);
    }
    if let Some(conflict) = same_name_other_bytes(db, packet)? {
        return Ok(conflict);
    }
    let same_code = same_code(db, packet)?;
    let row = hold_packet(db, packet)?;
    insert_identity(db, packet, row)?;
    if let Some(entered) = &packet.entered {
        insert_entered(db, entered, row, packet.doc_id)?;
    }
    insert_receipt(db, row, SUBMISSION, submission, true)?;
    insert_consignments(db, &Sent::of(packet), row, Some(submission), consignments)?;
    flows::settle(db, packet, row)?;
    Ok(Accepted::New { same_code })
}

/// See [`super::Store::take_custody`].
pub fn take_custody(
    db: &Connection,
    packet: &NewPacket,
    submission: Option<&Sealed>,
    consignments: &[NewConsignment],
) -> Result<bool> {
    let mut fresh = Vec::with_capacity(consignments.len());
    for consignment in consignments {
        let known = "SELECT 1 FROM consignments WHERE id = ?1";
        if db.prepare_cached(known)?.exists(params![consignment.id.as_bytes()])? {
            answer_again(db, consignment.id)?;
        } else {
            fresh.push(consignment.clone());
        }
    }
    // Nothing of it is new: what was destroyed or deleted meanwhile stays so.
    if fresh.is_empty() {
        return Ok(false);
    }
    if other_document(db, packet)? {
        return Err(Error::OtherDocument(packet.doc_id));
    }
    let row = hold_packet(db, packet)?;
    if let Some(submission) = submission {
        insert_receipt(db, row, SUBMISSION, submission, false)?;
    }
    insert_consignments(db, &Sent::of(packet), row, submission, &fresh)?;
    if let (Some(hop), Some(number)) = (&packet.previous_hop, packet.together) {
        let insert = "INSERT OR IGNORE INTO split (packet, hop, number) VALUES (?1, ?2, ?3)";
        db.prepare_cached(insert)?.execute(params![row, hop.as_str(), number])?;
    }
    flows::settle(db, packet, row)?;
    Ok(true)
}

/// Another packet came under this docId: whoever gave it the name a second time is not to be followed.
fn other_document(db: &Connection, packet: &NewPacket) -> Result<bool> {
    let query = "SELECT 1 FROM consignments c JOIN packets p ON p.id = c.packet WHERE c.doc_id = ?1 AND p.digest <> ?2";
    Ok(db.prepare_cached(query)?.exists(params![packet.doc_id.as_bytes(), packet.digest.as_bytes()])?)
}

/// A consignment that arrives again is answered with the receipts it was answered with before.
pub fn answer_again(db: &Connection, id: ConsignmentId) -> Result<()> {
    let query = "SELECT r.digest, r.seq, c.previous_hop
                 FROM consignments c JOIN receipts r ON r.packet = c.packet AND r.consignment = c.seq
                 WHERE c.id = ?1 AND r.own = 1 AND c.previous_hop IS NOT NULL AND c.state <> 'withdrawn'
                 ORDER BY r.seq";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![id.as_bytes()])?;
    while let Some(row) = found.next()? {
        let hop: String = row.get(2)?;
        queue_receipt(db, &hop, rows::digest(row, 0)?, row.get(1)?)?;
    }
    Ok(())
}

/// The first answer, if it was given here. The receipt decides: a packet may be here through a neighbour alone.
pub fn accepted_before(db: &Connection, digest: Digest, sender: &AgencyCode) -> Result<Option<Accepted>> {
    let submission = "SELECT r.jws FROM packets p JOIN sealed r ON r.packet = p.id
                      WHERE p.digest = ?1 AND r.consignment = 0 AND r.own = 1 ORDER BY r.seq LIMIT 1";
    let submission: Option<String> =
        db.prepare_cached(submission)?.query_row(params![digest.as_bytes()], |row| row.get(0)).optional()?;
    let Some(jws) = submission else { return Ok(None) };
    let receipt = rows::read(&jws)?.receipt;
    if receipt.from != *sender {
        // The code went over to another agency meanwhile: the receipt is not for its eyes.
        let (doc_id, digest) = (receipt.doc_id, receipt.packet);
        return Ok(Some(Accepted::Conflict { doc_id, digest, received_at: receipt.time }));
    }
    let consignments = (receipt.consignments.iter())
        .map(|entry| ConsignmentRef { id: entry.consignment, recipient: entry.recipient.clone() })
        .collect();
    Ok(Some(Accepted::Already { doc_id: receipt.doc_id, submission: Some(jws), consignments }))
}

fn same_name_other_bytes(db: &Connection, packet: &NewPacket) -> Result<Option<Accepted>> {
    // What revokes, updates or replaces speaks of the document it changes, as often as the sender likes.
    let Some(document_id) = packet.document_id.as_ref().filter(|_| !changes_another(packet)) else { return Ok(None) };
    let query = "SELECT p.doc_id, p.digest, p.received_at FROM identities i JOIN packets p ON p.id = i.packet
                 WHERE i.sender = ?1 AND i.document_id = ?2 AND i.business_type = ?3";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![packet.sender.as_str(), document_id, packet.business_type])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let (doc_id, digest) = (rows::doc_id(row, 0)?, rows::digest(row, 1)?);
    Ok(Some(Accepted::Conflict { doc_id, digest, received_at: rows::instant(row, 2)? }))
}

/// Business types 1 (revoke), 2 (update) and 3 (replace).
const fn changes_another(packet: &NewPacket) -> bool {
    matches!(packet.business_type, 1..=3)
}

/// Another document of this sender with the same number and notation, of the same year.
fn same_code(db: &Connection, packet: &NewPacket) -> Result<Option<DocId>> {
    let Some(code) = packet.code.as_ref().filter(|_| packet.status.is_none() && !changes_another(packet)) else {
        return Ok(None);
    };
    let query = "SELECT doc_id, received_at FROM packets
                 WHERE sender = ?1 AND code = ?2 AND kind = 'document' ORDER BY received_at DESC LIMIT 1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![packet.sender.as_str(), code])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let year = |instant: lienthong_contract::Instant| instant.in_vietnam().year();
    let (doc_id, received_at) = (rows::doc_id(row, 0)?, rows::instant(row, 1)?);
    Ok((year(received_at) == year(packet.received_at)).then_some(doc_id))
}

/// Stores the packet, or, when a packet is here whose content was not kept (every consignment of it was refused then),
/// the content that it lacks. Gives its row.
fn hold_packet(db: &Connection, packet: &NewPacket) -> Result<i64> {
    let Some(row) = rows::packet(db, packet.digest)? else { return insert_packet(db, packet) };
    if matches!(packet.held, Held::Dropped) {
        return Ok(row);
    }
    // What was said of it then may be as little as the header of a transfer told.
    let fill =
        "UPDATE packets SET kind = ?2, document_id = ?3, business_type = ?4, sender = ?5, subject = ?6, code = ?7,
                urgency = ?8, content = ?9, signed_on = ?10, signed_at = ?11, body_deleted_at = NULL, body_deleted_reason = NULL, destroyed_at = NULL
                WHERE id = ?1 AND content IS NULL";
    db.prepare_cached(fill)?.execute(params![
        row,
        packet.kind.as_str(),
        packet.document_id,
        packet.business_type,
        packet.sender.as_str(),
        packet.subject,
        packet.code,
        packet.urgency,
        content(packet),
        signed_on(packet),
        signed_at(packet),
    ])?;
    insert_status(db, packet, row)?;
    flows::insert_acts(db, packet, row)?;
    Ok(row)
}

/// The day in Vietnam, counted from 1970-01-01.
fn signed_on(packet: &NewPacket) -> Option<i64> {
    packet.signed.map(|signed| number_of(signed.day()))
}

const fn signed_at(packet: &NewPacket) -> Option<i64> {
    match packet.signed {
        Some(Signed::At(at)) => Some(at.as_millis()),
        Some(Signed::On(_)) | None => None,
    }
}

fn content(packet: &NewPacket) -> Option<&[u8]> {
    match &packet.held {
        Held::Inline(bytes) => Some(bytes.as_ref()),
        Held::File | Held::Dropped | Held::Destroyed => None,
    }
}

fn insert_packet(db: &Connection, packet: &NewPacket) -> Result<i64> {
    let insert = "INSERT INTO packets (digest, doc_id, size, kind, document_id, business_type, sender, subject, code,
                  urgency, received_at, content, signed_on, signed_at)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    db.prepare_cached(insert)?.execute(params![
        packet.digest.as_bytes(),
        packet.doc_id.as_bytes(),
        integer(packet.size),
        packet.kind.as_str(),
        packet.document_id,
        packet.business_type,
        packet.sender.as_str(),
        packet.subject,
        packet.code,
        packet.urgency,
        packet.received_at.as_millis(),
        content(packet),
        signed_on(packet),
        signed_at(packet),
    ])?;
    let row = db.last_insert_rowid();
    insert_status(db, packet, row)?;
    flows::insert_acts(db, packet, row)?;
    Ok(row)
}

/// Only what our own senders call their documents: names that a neighbour's packets bear are that neighbour's to keep
/// apart, and must not be in the way of a sender here.
fn insert_identity(db: &Connection, packet: &NewPacket, row: i64) -> Result<()> {
    let nameless = packet.status.is_some() || changes_another(packet);
    let Some(document_id) = packet.document_id.as_ref().filter(|_| !nameless) else { return Ok(()) };
    let insert = "INSERT INTO identities (sender, document_id, business_type, packet) VALUES (?1, ?2, ?3, ?4)";
    db.prepare_cached(insert)?.execute(params![packet.sender.as_str(), document_id, packet.business_type, row])?;
    Ok(())
}

fn insert_status(db: &Connection, packet: &NewPacket, row: i64) -> Result<()> {
    let Some(status) = &packet.status else { return Ok(()) };
    let insert = "INSERT OR IGNORE INTO statuses
                  (packet, document_id, about, agency, code, description, time, doc_id)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    db.prepare_cached(insert)?.execute(params![
        row,
        status.document_id,
        status.about.as_str(),
        packet.sender.as_str(),
        status.code,
        status.description,
        status.time.map(lienthong_contract::Instant::as_millis),
        packet.doc_id.as_bytes(),
    ])?;
    Ok(())
}

/// Stores a submission of a packet that is here, under a new name, with its consignments.
pub(super) fn insert_again(db: &Connection, again: &Again) -> Result<()> {
    let query = "SELECT id, urgency FROM packets
                 WHERE digest = ?1 AND destroyed_at IS NULL AND body_deleted_at IS NULL";
    let packet = db
        .prepare_cached(query)?
        .query_row([again.packet.as_bytes()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, u8>(1)?)))
        .optional()?;
    let Some((row, urgency)) = packet else {
        return Err(Error::Unavailable("the bytes of the packet are not here any more".to_owned()));
    };
    insert_receipt(db, row, SUBMISSION, &again.submission, true)?;
    let sent = Sent { urgent: urgency > 0, at: again.submission.receipt.time, doc_id: again.doc_id, from: None };
    insert_consignments(db, &sent, row, Some(&again.submission), &again.consignments)
}

/// What the consignments of one sending have in common.
struct Sent<'a> {
    urgent: bool,
    at: Instant,
    doc_id: DocId,
    /// The hop it came from; absent at the first hop.
    from: Option<&'a HopName>,
}

impl<'a> Sent<'a> {
    const fn of(packet: &'a NewPacket) -> Self {
        Self {
            urgent: packet.urgency > 0,
            at: packet.received_at,
            doc_id: packet.doc_id,
            from: packet.previous_hop.as_ref(),
        }
    }
}

fn insert_consignments(
    db: &Connection,
    sent: &Sent<'_>,
    row: i64,
    submission: Option<&Sealed>,
    consignments: &[NewConsignment],
) -> Result<()> {
    let urgent = sent.urgent;
    // Consignments for one next hop travel together, as many as fit.
    let mut outbox: Vec<((&str, bool), i64, usize)> = Vec::new();
    for consignment in consignments {
        let offered = sent.from.is_some();
        let outside = matches!(consignment.route, Route::Outlet(_));
        let (state, next_hop, outbox_id) = match &consignment.route {
            Route::Mailbox if offered => (ConsignmentState::Offered, None, None),
            Route::Link(to) | Route::Outlet(to) if offered => (ConsignmentState::Offered, Some(to.as_str()), None),
            Route::Mailbox => (ConsignmentState::Consigned, None, None),
            Route::Refused => (ConsignmentState::Rejected, None, None),
            Route::Link(to) | Route::Outlet(to) => {
                let to = (to.as_str(), outside);
                // A system outside knows a packet by its name: what is sent to it in two parts, it has once.
                let with_room = |entry: &&mut (_, i64, usize)| entry.0 == to && (outside || entry.2 < MAX_PER_DISPATCH);
                let id = match outbox.iter_mut().find(with_room) {
                    Some((_, id, count)) => {
                        *count += 1;
                        *id
                    }
                    None => {
                        let id = insert_outbox(db, to, row, urgent)?;
                        outbox.push((to, id, 1));
                        id
                    }
                };
                (ConsignmentState::Queued, Some(to.0), Some(id))
            }
        };
        let head = consignment.receipts.last().or(submission).map(|sealed| *sealed.digest.as_bytes());
        let insert = "INSERT INTO consignments (id, packet, recipient, state, previous_hop, next_hop, outbox_id,
                      urgent, head, arrived_at, doc_id, due_at, outside)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        db.prepare_cached(insert)?.execute(params![
            consignment.id.as_bytes(),
            row,
            consignment.recipient.as_str(),
            state.as_str(),
            sent.from.map(HopName::as_str),
            next_hop,
            outbox_id,
            urgent,
            head,
            sent.at.as_millis(),
            sent.doc_id.as_bytes(),
            consignment.due.map(lienthong_contract::Instant::as_millis),
            outside,
        ])?;
        insert_chain(db, sent, (row, db.last_insert_rowid()), consignment)?;
    }
    Ok(())
}

/// Stores the receipts of a consignment, given by the rows of its packet and of itself.
fn insert_chain(db: &Connection, sent: &Sent<'_>, at: (i64, i64), consignment: &NewConsignment) -> Result<()> {
    if consignment.receipts.is_empty() {
        return Ok(());
    }
    let own_hop: String = db.prepare_cached("SELECT value FROM meta WHERE key = 'hop'")?.query_row([], |r| r.get(0))?;
    for sealed in &consignment.receipts {
        let own = sealed.receipt.hop.as_str() == own_hop;
        let receipt = insert_receipt(db, at.0, at.1, sealed, own)?;
        if own
            && let Some(previous) = sent.from
            && let Some(receipt) = receipt
        {
            queue_receipt(db, previous.as_str(), sealed.digest, receipt)?;
        }
    }
    Ok(())
}

/// An entry for a next hop, or for an outlet.
pub(super) fn insert_outbox(db: &Connection, (to, outside): (&str, bool), packet: i64, urgent: bool) -> Result<i64> {
    let insert = "INSERT INTO outbox (hop, packet, urgent, outside) VALUES (?1, ?2, ?3, ?4)";
    db.prepare_cached(insert)?.execute(params![to, packet, urgent, outside])?;
    Ok(db.last_insert_rowid())
}

/// Gives an outbox entry that was not begun to be sent a new place, behind all others, and tells it: whoever has read it
/// before finds it gone. Nothing when there is none that more consignments can join.
pub(super) fn renew_outbox(db: &Connection, (to, outside): (&str, bool), packet: i64) -> Result<Option<i64>> {
    let open = "SELECT o.id FROM outbox o WHERE o.hop = ?1 AND o.outside = ?2 AND o.perhaps = 0
                AND o.id IN (SELECT outbox_id FROM consignments WHERE packet = ?3 AND outbox_id IS NOT NULL)";
    let mut open = db.prepare_cached(open)?;
    let Some(old) = open.query_row(params![to, outside, packet], |row| row.get::<_, i64>(0)).optional()? else {
        return Ok(None);
    };
    let copy = "INSERT INTO outbox (hop, packet, urgent, attempts, last_error, outside)
                SELECT hop, packet, urgent, attempts, last_error, outside FROM outbox WHERE id = ?1";
    db.prepare_cached(copy)?.execute([old])?;
    let new = db.last_insert_rowid();
    db.prepare_cached("UPDATE consignments SET outbox_id = ?2 WHERE outbox_id = ?1")?.execute([old, new])?;
    db.prepare_cached("DELETE FROM outbox WHERE id = ?1")?.execute([old])?;
    Ok(Some(new))
}

/// See [`super::Store::refused`].
pub fn refused(db: &Connection, record: &RefusalRecord) -> Result<()> {
    let name = record.receipt.as_deref().and_then(|receipt| rows::read(receipt).ok());
    let name = name.map(|sealed| *sealed.receipt.doc_id.as_bytes());
    let insert = "INSERT INTO refusals (time, agency, credential, digest, size, findings, receipt, doc_id)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    db.prepare_cached(insert)?.execute(params![
        record.time.as_millis(),
        record.agency.as_ref().map(lienthong_contract::AgencyCode::as_str),
        record.credential,
        record.digest.map(|digest| *digest.as_bytes()),
        integer(record.size),
        record.findings,
        record.receipt,
        name,
    ])?;
    Ok(())
}

/// See [`super::Store::refusal`].
pub fn refusal(db: &Connection, doc_id: DocId) -> Result<Option<Sealed>> {
    let query = "SELECT receipt FROM refusals WHERE doc_id = ?1 LIMIT 1";
    let mut query = db.prepare_cached(query)?;
    let receipt: Option<String> = query.query_row(params![doc_id.as_bytes()], |row| row.get(0)).optional()?;
    receipt.map(|receipt| rows::read(&receipt)).transpose()
}
