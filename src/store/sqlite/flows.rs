//! What packets say of other packets: ties, statuses, and what was given back.
//!
//! Ties go by name and are resolved when they are looked at ([`super::told`]). What destroys content is decided in the transaction
//! that stores the agreement ([`settle`]), and done in one of its own ([`destroy`]), so that a crash in between leaves
//! only a body that the next look destroys.

use rusqlite::{Connection, OptionalExtension, params};

use lienthong_contract::door::RecallState;
use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId, HopName, Instant};

use super::super::{Error, NewPacket, Result};
use super::rows::{self, SUBMISSION, integer};
use super::told::{events, ordered};
use super::{mailbox, rows::receipts_of};
use crate::edxml::model::StatusCode;
use crate::flows::{ActKind, Known, Story};

/// The most documents of one name, and ties of one document, that are looked at.
pub(super) const MOST: usize = 256;

/// Stores what a packet does to others. Idempotent.
pub fn insert_acts(db: &Connection, packet: &NewPacket, row: i64) -> Result<()> {
    let insert = "INSERT OR IGNORE INTO acts (packet, nr, kind, owner, document_id, code, reason, added, removed)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    for (nr, act) in packet.acts.iter().enumerate() {
        db.prepare_cached(insert)?.execute(params![
            row,
            integer(nr),
            act.kind.as_str(),
            act.owner.as_ref().map(AgencyCode::as_str),
            act.document_id,
            act.code,
            act.reason,
            written(&act.added),
            written(&act.removed),
        ])?;
    }
    Ok(())
}

fn written(codes: &[AgencyCode]) -> String {
    codes.iter().map(AgencyCode::as_str).collect::<Vec<_>>().join(",")
}

/// Draws the consequence of a packet that was just stored: an agreement to give a document back ends what still lies in
/// the recipient's mailbox, and marks what is to be destroyed.
///
/// The word is the recipient's: the chain of its packet says so, and who brought it was asked before. Here it must also
/// have come the way that the document went (from the neighbour that it was handed to, or from this hop's own mailbox),
/// and have been handed in at the hop that laid the document into the recipient's mailbox, as far as that is known.
pub fn settle(db: &Connection, packet: &NewPacket, row: i64) -> Result<()> {
    let agreed = StatusCode::TakeBackAgreed;
    let Some(status) = packet.status.as_ref().filter(|status| status.code == agreed.code()) else { return Ok(()) };
    let (sender, recipient, name) = (&status.about, &packet.sender, status.document_id.as_str());
    let events = events(db, (sender, recipient, name), Some(row))?;
    let story = Story::of(&ordered(events));
    // Only the word that made it so: after it, a 15 answers something else.
    let recall = story.recall.filter(|recall| recall.answer.as_ref().is_some_and(|said| said.doc_id == packet.doc_id));
    let Some(recall) = recall.filter(|recall| recall.state == RecallState::Agreed) else { return Ok(()) };
    for (seq, document, id, next_hop) in versions(db, sender, name, recipient, asked_in(db, recall.asked.doc_id)?)? {
        if next_hop != packet.previous_hop || !is_of_its_hop(db, row, document, seq)? {
            tracing::warn!(%id, "an agreement to give back came another way than the document went, and destroys nothing");
            continue;
        }
        let mark = "INSERT OR IGNORE INTO recalls (consignment, packet, status) VALUES (?1, ?2, ?3)";
        db.prepare_cached(mark)?.execute(params![seq, document, row])?;
        if let Some(end) = packet.gives_back.iter().find(|end| end.receipt.consignment == Some(id)) {
            mailbox::acknowledge(db, id, end)?;
        } else if lies_here(db, seq)? {
            return Err(Error::Unavailable("the document came into the mailbox meanwhile".to_owned()));
        }
    }
    Ok(())
}

/// The status packet was handed in at the hop that says the document lies in its mailbox.
fn is_of_its_hop(db: &Connection, status: i64, document: i64, consignment: i64) -> Result<bool> {
    let consigned = "SELECT jws FROM sealed WHERE packet = ?1 AND consignment = ?2 AND event = ?3 ORDER BY seq LIMIT 1";
    let event = crate::receipts::Event::ContentConsignment;
    let mut consigned = db.prepare_cached(consigned)?;
    let consigned: Option<String> =
        consigned.query_row(params![document, consignment, event.as_str()], |row| row.get(0)).optional()?;
    let Some(consigned) = consigned else { return Ok(true) };
    let hop = rows::read(&consigned)?.receipt.hop.clone();
    for submission in receipts_of(db, status, SUBMISSION)? {
        if rows::read(&submission.jws)?.receipt.hop == hop {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The packet that asked.
pub(super) fn asked_in(db: &Connection, status: DocId) -> Result<Option<i64>> {
    let query = "SELECT c.packet FROM consignments c WHERE c.doc_id = ?1 LIMIT 1";
    Ok(db.prepare_cached(query)?.query_row(params![status.as_bytes()], |row| row.get(0)).optional()?)
}

type Version = (i64, i64, ConsignmentId, Option<HopName>);

/// The consignments of a document and of its changes to one recipient: row, packet, id, next hop. A change that came after
/// the request was not meant by it.
fn versions(
    db: &Connection,
    sender: &AgencyCode,
    name: &str,
    recipient: &AgencyCode,
    asked: Option<i64>,
) -> Result<Vec<Version>> {
    let query = "SELECT c.seq, c.packet, c.id, c.next_hop FROM consignments c
                 WHERE c.recipient = ?3 AND c.state NOT IN ('rejected', 'withdrawn') AND c.packet IN (
                     SELECT id FROM packets
                     WHERE document_id = ?2 AND kind = 'document' AND sender = ?1 AND business_type <> 1
                       AND (business_type = 0 OR ?4 IS NULL OR id < ?4)
                     UNION SELECT packet FROM acts WHERE document_id = ?2 AND owner = ?1 AND kind = 'update'
                       AND (?4 IS NULL OR packet < ?4))";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![sender.as_str(), name, recipient.as_str(), asked])?;
    let mut versions = Vec::new();
    while let Some(row) = found.next()? {
        versions.push((row.get(0)?, row.get(1)?, rows::consignment(row, 2)?, rows::hop(row, 3)?));
    }
    Ok(versions)
}

/// See [`super::Store::in_mailbox`].
pub fn in_mailbox(
    db: &Connection,
    sender: &AgencyCode,
    name: &str,
    recipient: &AgencyCode,
) -> Result<Vec<ConsignmentId>> {
    let mut waiting = Vec::new();
    for (seq, _, id, _) in versions(db, sender, name, recipient, None)? {
        if lies_here(db, seq)? {
            waiting.push(id);
        }
    }
    Ok(waiting)
}

/// It waits in a mailbox here.
fn lies_here(db: &Connection, seq: i64) -> Result<bool> {
    let waits = "SELECT 1 FROM consignments WHERE seq = ?1 AND state = 'consigned' AND next_hop IS NULL";
    Ok(db.prepare_cached(waits)?.exists(params![seq])?)
}

/// What somebody here still needs the content for: custody, or a recipient that was not asked or did not agree.
const NEEDED: &str = "EXISTS (SELECT 1 FROM consignments c WHERE c.packet = p.id AND (c.state IN ('offered', 'queued')
     OR c.next_hop IS NULL AND c.state IN ('consigned', 'handed-over')
        AND NOT EXISTS (SELECT 1 FROM recalls o WHERE o.consignment = c.seq)))";

/// See [`super::Store::given_back`].
pub fn given_back(db: &Connection, limit: usize) -> Result<Vec<Digest>> {
    let query = format!(
        "SELECT DISTINCT p.digest FROM
           (SELECT packet, destroyed FROM recalls ORDER BY status DESC LIMIT ?1) r JOIN packets p ON p.id = r.packet
         WHERE r.destroyed = 0 AND NOT {NEEDED}"
    );
    let mut query = db.prepare_cached(&query)?;
    let mut found = query.query(params![integer(limit)])?;
    let mut digests = Vec::new();
    while let Some(row) = found.next()? {
        digests.push(rows::digest(row, 0)?);
    }
    Ok(digests)
}

/// See [`super::Store::given_back_after`].
pub fn given_back_after(db: &Connection, after: i64, limit: usize) -> Result<(Vec<Digest>, Option<i64>)> {
    let query = format!(
        "SELECT p.id, p.digest, NOT {NEEDED} FROM
           (SELECT DISTINCT packet FROM recalls WHERE destroyed = 0 AND packet > ?1 ORDER BY packet LIMIT ?2) r
         JOIN packets p ON p.id = r.packet ORDER BY p.id"
    );
    let mut query = db.prepare_cached(&query)?;
    let mut found = query.query(params![after, integer(limit)])?;
    let (mut digests, mut seen, mut last) = (Vec::new(), 0, None);
    while let Some(row) = found.next()? {
        seen += 1;
        last = Some(row.get(0)?);
        if row.get(2)? {
            digests.push(rows::digest(row, 1)?);
        }
    }
    Ok((digests, last.filter(|_| seen == limit)))
}

/// See [`super::Store::destroy`]. What stood on the pages is overwritten.
pub fn destroy(db: &Connection, digest: Digest, now: Instant) -> Result<bool> {
    let query = format!(
        "SELECT p.id FROM packets p WHERE p.digest = ?1 AND NOT {NEEDED}
         AND EXISTS (SELECT 1 FROM recalls r WHERE r.packet = p.id AND r.destroyed = 0)"
    );
    let found = db.prepare_cached(&query)?.query_row(params![digest.as_bytes()], |row| row.get(0)).optional()?;
    let Some(packet): Option<i64> = found else { return Ok(false) };
    db.execute_batch("PRAGMA secure_delete = ON")?;
    let gone = "UPDATE packets SET content = NULL, destroyed_at = ?2 WHERE id = ?1";
    let gone = db.prepare_cached(gone)?.execute(params![packet, now.as_millis()]);
    db.execute_batch("PRAGMA secure_delete = OFF")?;
    gone?;
    db.prepare_cached("UPDATE recalls SET destroyed = 1 WHERE packet = ?1")?.execute(params![packet])?;
    Ok(true)
}

/// See [`super::Store::name_of_code`].
pub fn name_of_code(db: &Connection, sender: &AgencyCode, code: &str) -> Result<Option<String>> {
    let query = "SELECT document_id FROM packets WHERE sender = ?1 AND code = ?2 AND kind = 'document'
                 AND business_type <> 1 AND document_id IS NOT NULL ORDER BY received_at DESC, id DESC LIMIT 1";
    Ok(db.prepare_cached(query)?.query_row(params![sender.as_str(), code], |row| row.get(0)).optional()?)
}

/// See [`super::Store::known_documents`].
pub fn known_documents(db: &Connection, name: &str) -> Result<Vec<Known>> {
    // A short name is many senders'; none of them may crowd out another.
    let query = "SELECT id, sender FROM (
                     SELECT id, sender, row_number() OVER (PARTITION BY sender ORDER BY id) AS nr FROM packets
                     WHERE document_id = ?1 AND kind = 'document' AND business_type <> 1)
                 WHERE nr <= 16 ORDER BY id LIMIT ?2";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![name, integer(16 * MOST)])?;
    let mut known: Vec<Known> = Vec::new();
    while let Some(row) = found.next()? {
        let (packet, sender) = (row.get(0)?, rows::agency(row, 1)?);
        let at = match known.iter().position(|one| one.sender == sender) {
            Some(at) => at,
            None => {
                known.push(Known { sender, recipients: Vec::new(), passed: Vec::new(), asked: Vec::new() });
                known.len() - 1
            }
        };
        if let Some(one) = known.get_mut(at) {
            add_version(db, packet, one)?;
        }
    }
    for one in &mut known {
        let query = "SELECT packet, kind FROM acts
                     WHERE document_id = ?1 AND owner = ?2 AND kind IN ('update', 'revoke') LIMIT ?3";
        let mut query = db.prepare_cached(query)?;
        let mut found = query.query(params![name, one.sender.as_str(), integer(MOST)])?;
        while let Some(row) = found.next()? {
            let packet = row.get(0)?;
            one.asked.extend(passed(db, packet)?);
            if row.get_ref(1)?.as_str() == Ok(ActKind::Update.as_str()) {
                add_version(db, packet, one)?;
            }
        }
        let query = "SELECT about FROM statuses WHERE document_id = ?1 AND agency = ?2 AND code = ?3 LIMIT ?4";
        let mut query = db.prepare_cached(query)?;
        let code = StatusCode::TakeBackRequested;
        let mut found = query.query(params![name, one.sender.as_str(), code.code(), integer(MOST)])?;
        while let Some(row) = found.next()? {
            one.asked.push(rows::agency(row, 0)?);
        }
    }
    Ok(known)
}

/// Adds whom a packet was sent to, and who got it through here.
fn add_version(db: &Connection, packet: i64, known: &mut Known) -> Result<()> {
    for submission in receipts_of(db, packet, SUBMISSION)? {
        let named = rows::read(&submission.jws)?;
        known.recipients.extend(named.receipt.consignments.iter().map(|entry| entry.recipient.clone()));
    }
    known.passed.extend(passed(db, packet)?);
    Ok(())
}

fn passed(db: &Connection, packet: i64) -> Result<Vec<AgencyCode>> {
    let query = "SELECT recipient FROM consignments WHERE packet = ?1 AND state NOT IN ('rejected', 'withdrawn')";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![packet])?;
    let mut recipients = Vec::new();
    while let Some(row) = found.next()? {
        recipients.push(rows::agency(row, 0)?);
    }
    Ok(recipients)
}
