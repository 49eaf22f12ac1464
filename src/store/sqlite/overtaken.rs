//! What was overtaken by its own recall: a document that is let go of when its recipient has already given it back.
//!
//! ```text
//!   sender's hop   document ─── slow ───────────────────────────────►  recipient's hop
//!                  13 ────────────────────►   15, agreed: nothing is here to be given back
//!                                             the document is let go of ──► ContentConsignment, ConsignmentRejection
//! ```
//!
//! Asked in the transaction in which custody passes, at every hop: before it the document is only offered and nobody
//! sees it, after it the agreement finds it here ([`super::flows::settle`]). So there is no moment at which one misses
//! the other. What is marked here is destroyed like everything that was given back, as soon as it has gone on.
//!
//! A name belongs to one document of its sender, so that document is meant whenever it comes. Its updates, and what
//! replaces others, are meant when they were handed in before the request.

use rusqlite::{Connection, OptionalExtension, params};

use lienthong_contract::door::RecallState;
use lienthong_contract::{AgencyCode, HopName};

use super::super::Result;
use super::flows::asked_in;
use super::rows::{self, SUBMISSION, receipts_of};
use super::told::{events, ordered};
use crate::edxml::model::StatusCode;
use crate::flows::Story;

/// A consignment that is let go of, by its rows.
pub struct Comes<'a> {
    pub seq: i64,
    pub packet: i64,
    pub recipient: &'a AgencyCode,
    /// None: it is for a mailbox here.
    pub next: Option<&'a HopName>,
}

/// True when its recipient has given it back already; then it is marked.
pub fn given_back(db: &Connection, comes: &Comes<'_>) -> Result<bool> {
    let query = "SELECT sender, document_id, business_type, EXISTS (SELECT 1 FROM recalls WHERE consignment = ?2), kind
                 FROM packets WHERE id = ?1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![comes.packet, comes.seq])?;
    let Some(row) = found.next()? else { return Ok(false) };
    // It was offered when the agreement came.
    if row.get(3)? {
        return Ok(true);
    }
    let (sender, name): (_, Option<String>) = (rows::agency(row, 0)?, row.get(1)?);
    let (business_type, kind): (u8, String) = (row.get(2)?, row.get(4)?);
    if kind != "document" || business_type == 1 {
        return Ok(false);
    }
    let mut names: Vec<String> = name.into_iter().collect();
    if business_type == 2 {
        let targets = "SELECT document_id FROM acts WHERE packet = ?1 AND kind = 'update' AND document_id IS NOT NULL";
        let mut targets = db.prepare_cached(targets)?;
        names
            .extend(targets.query_map(params![comes.packet], |row| row.get(0))?.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    for name in names {
        if let Some(status) = agreement(db, comes, (&sender, &name), business_type)? {
            let mark = "INSERT OR IGNORE INTO recalls (consignment, packet, status) VALUES (?1, ?2, ?3)";
            db.prepare_cached(mark)?.execute(params![comes.seq, comes.packet, status])?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// The packet of the recipient's agreement to give back the document of this name, if it means this consignment.
fn agreement(
    db: &Connection,
    comes: &Comes<'_>,
    (sender, name): (&AgencyCode, &str),
    business_type: u8,
) -> Result<Option<i64>> {
    // Nearly always there is none, and this is all that is asked.
    let query =
        "SELECT s.packet FROM statuses s WHERE s.document_id = ?1 AND s.about = ?2 AND s.agency = ?3 AND s.code = ?4
                 AND EXISTS (SELECT 1 FROM consignments c WHERE c.packet = s.packet AND c.state <> 'withdrawn')
                 ORDER BY s.packet DESC LIMIT 1";
    let code = StatusCode::TakeBackAgreed;
    let asked = params![name, sender.as_str(), comes.recipient.as_str(), code.code()];
    let last: Option<i64> = db.prepare_cached(query)?.query_row(asked, |row| row.get(0)).optional()?;
    let Some(last) = last else { return Ok(None) };
    let story = Story::of(&ordered(events(db, (sender, comes.recipient, name), Some(last))?));
    let Some(recall) = story.recall.filter(|recall| recall.state == RecallState::Agreed) else { return Ok(None) };
    let Some(answer) = recall.answer else { return Ok(None) };
    // The word came the way that the document goes: from its next hop, or handed in here for a mailbox here.
    let way = "SELECT packet, previous_hop FROM consignments WHERE doc_id = ?1 LIMIT 1";
    let mut way = db.prepare_cached(way)?;
    let mut found = way.query(params![answer.doc_id.as_bytes()])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let (status, from): (i64, Option<HopName>) = (row.get(0)?, rows::hop(row, 1)?);
    let asked = asked_in(db, recall.asked.doc_id)?;
    let meant = from.as_ref() == comes.next
        && (business_type == 0 || asked.map_or(Ok(true), |asked| handed_in_before(db, comes.packet, asked))?);
    Ok(meant.then_some(status))
}

/// By the receipts of the hop that took both in; what no hop can tell is believed to have been.
fn handed_in_before(db: &Connection, packet: i64, asked: i64) -> Result<bool> {
    let read = |packet| -> Result<Vec<_>> {
        receipts_of(db, packet, SUBMISSION)?.iter().map(|stored| rows::read(&stored.jws)).collect()
    };
    let (documents, requests) = (read(packet)?, read(asked)?);
    let pairs = documents.iter().flat_map(|one| requests.iter().map(move |other| (&one.receipt, &other.receipt)));
    let mut later = false;
    for (document, request) in pairs.filter(|(one, other)| one.hop == other.hop) {
        if document.time < request.time {
            return Ok(true);
        }
        later = true;
    }
    Ok(!later)
}
