//! Mailboxes: listing, reading, ending a consignment.

use rusqlite::{Connection, Row, params};

use lienthong_contract::door::InboxItem;
use lienthong_contract::{AgencyCode, ConsignmentId, Instant};

use super::super::{AckOutcome, Error, Held, MailboxEntry, Result};
use super::rows::{self, insert_receipt, integer, queue_receipt};
use super::told;
use crate::life::{Input, Outcome, Standing, Way, step};
use crate::receipts::{Event, Sealed};

const ITEM: &str = "c.id, c.doc_id, p.digest, p.size, p.kind, p.document_id, p.sender, c.recipient, p.subject, p.code,
                    p.urgency, c.arrived_at";

/// See [`super::Store::inbox`]. The cursor is `urgent.seq` of the last item.
pub fn inbox(
    db: &Connection,
    agency: &AgencyCode,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<InboxItem>, Option<String>)> {
    let (urgent, seq) = after.and_then(cursor).unwrap_or((1, 0));
    let query = format!(
        "SELECT {ITEM}, c.urgent, c.seq, p.id FROM consignments c JOIN packets p ON p.id = c.packet
         WHERE c.recipient = ?1 AND c.state = 'consigned' AND c.next_hop IS NULL
           AND (c.urgent < ?2 OR (c.urgent = ?2 AND c.seq > ?3))
         ORDER BY c.urgent DESC, c.seq LIMIT ?4"
    );
    let mut query = db.prepare_cached(&query)?;
    let mut found = query.query(params![agency.as_str(), urgent, seq, integer(limit.saturating_add(1))])?;
    let (mut items, mut last, mut next) = (Vec::new(), None, None);
    while let Some(row) = found.next()? {
        if items.len() == limit {
            next = last;
            break;
        }
        let mut listed = item(row)?;
        told::tell(db, &mut listed, row.get(14)?)?;
        items.push(listed);
        last = Some(format!("{}.{}", row.get::<_, i64>(12)?, row.get::<_, i64>(13)?));
    }
    Ok((items, next))
}

fn cursor(text: &str) -> Option<(i64, i64)> {
    let (urgent, seq) = text.split_once('.')?;
    Some((urgent.parse().ok()?, seq.parse().ok()?))
}

fn item(row: &Row<'_>) -> Result<InboxItem> {
    Ok(InboxItem {
        id: rows::consignment(row, 0)?,
        doc_id: rows::doc_id(row, 1)?,
        digest: rows::digest(row, 2)?,
        size: rows::size(row, 3)?,
        kind: row.get(4)?,
        document_id: row.get(5)?,
        from: rows::agency(row, 6)?,
        recipient: rows::agency(row, 7)?,
        subject: row.get(8)?,
        code: row.get(9)?,
        urgency: row.get(10)?,
        arrived_at: rows::instant(row, 11)?,
        statuses: Vec::new(),
        current: None,
        recall: None,
        links: Vec::new(),
        about: None,
    })
}

/// See [`super::Store::mailbox_entry`].
pub fn entry(db: &Connection, id: ConsignmentId) -> Result<Option<MailboxEntry>> {
    Ok(found(db, id)?.map(|(entry, _)| entry))
}

/// The entry, with the rows of its packet and of itself.
fn found(db: &Connection, id: ConsignmentId) -> Result<Option<(MailboxEntry, (i64, i64))>> {
    let query = format!(
        "SELECT {ITEM}, c.state, c.previous_hop, c.head, p.content, c.packet, c.seq, p.destroyed_at IS NOT NULL,
                EXISTS (SELECT 1 FROM recalls r WHERE r.consignment = c.seq), p.body_deleted_at
         FROM consignments c JOIN packets p ON p.id = c.packet
         WHERE c.id = ?1 AND c.next_hop IS NULL AND c.state NOT IN ('offered', 'withdrawn', 'rejected')"
    );
    let mut query = db.prepare_cached(&query)?;
    let mut found = query.query(params![id.as_bytes()])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let entry = MailboxEntry {
        item: item(row)?,
        state: rows::state(row, 12)?,
        previous_hop: rows::hop(row, 13)?,
        head: rows::digest(row, 14)?,
        held: if row.get(18)? { Held::Destroyed } else { rows::held(row, 15)? },
        given_back: row.get(19)?,
        body_deleted_at: row.get::<_, Option<i64>>(20)?.map(Instant::from_millis),
    };
    Ok(Some((entry, (row.get(16)?, row.get(17)?))))
}

/// See [`super::Store::acknowledge`].
pub fn acknowledge(db: &Connection, id: ConsignmentId, terminal: &Sealed) -> Result<AckOutcome> {
    let Some((entry, (packet, seq))) = found(db, id)? else { return Ok(AckOutcome::NotFound) };
    if entry.state.is_terminal() {
        let jws = rows::receipt(db, packet, seq, entry.head)?;
        let jws = jws.ok_or_else(|| Error::Corrupt(format!("the last receipt of {id} is gone")))?;
        return Ok(AckOutcome::Ended { state: entry.state, jws });
    }
    let event = terminal.receipt.event;
    if entry.given_back && event == Event::ContentHandover {
        return Ok(AckOutcome::GivenBack);
    }
    let answer = Input::Answered { taken: event == Event::ContentHandover };
    let state = match step(Standing { state: entry.state, way: Way::Mailbox }, answer) {
        Outcome::Moves { to, attested } if attested == Some(event) => to,
        _ => return Err(Error::Corrupt(format!("{} does not end a mailbox entry", event.as_str()))),
    };
    if terminal.receipt.previous != Some(entry.head) {
        return Err(Error::Unavailable("the consignment changed meanwhile".to_owned()));
    }
    let receipt = insert_receipt(db, packet, seq, terminal, true)?;
    let update = "UPDATE consignments SET state = ?2, head = ?3 WHERE id = ?1";
    db.prepare_cached(update)?.execute(params![id.as_bytes(), state.as_str(), terminal.digest.as_bytes()])?;
    if let Some((previous, receipt)) = entry.previous_hop.as_ref().zip(receipt) {
        queue_receipt(db, previous.as_str(), terminal.digest, receipt)?;
    }
    Ok(AckOutcome::Done { jws: terminal.jws.to_string() })
}
