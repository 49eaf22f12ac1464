//! Pages for the books. Each page is read in one transaction, so that a consignment and its receipts are of one moment.

use rusqlite::{Connection, params};

use lienthong_contract::{ConsignmentId, Instant};

use super::super::books::{Acceptance, AcceptancePage, Figure, KeptLine, Known, Line, Unreceipted};
use super::super::{Error, Result};
use super::rows::{self, SUBMISSION, integer};
use crate::receipts::Sealed;

/// The most consignments in one page. An acceptance is never split; one names as many as a packet has recipients.
const MAX_LINES: usize = 1024;

/// See [`super::super::books::BooksStore::acceptances`].
pub fn acceptances(
    db: &Connection,
    after: i64,
    within: Option<(Instant, Instant)>,
    limit: usize,
) -> Result<AcceptancePage> {
    let db = db.unchecked_transaction()?;
    let query = "SELECT seq, packet, jws FROM sealed
                 WHERE seq > ?1 AND own = 1
                   AND event IN ('SubmissionAcceptance', 'ReceivedFromNonERDS', 'RelayAcceptance')
                 ORDER BY seq LIMIT ?2";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![after, integer(limit)])?;
    let (mut page, mut rows_seen, mut lines) = (AcceptancePage::default(), 0, 0);
    while let Some(row) = found.next()? {
        let (seq, packet, jws): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        rows_seen += 1;
        page.next = Some(seq);
        let Ok(receipt) = rows::read(&jws) else {
            page.unreadable.push(seq);
            continue;
        };
        if within.is_some_and(|(from, to)| receipt.receipt.time < from || receipt.receipt.time >= to) {
            continue;
        }
        let acceptance = acceptance(&db, (seq, packet), receipt)?;
        lines += acceptance.lines.len();
        page.acceptances.push(acceptance);
        if lines >= MAX_LINES {
            return Ok(page);
        }
    }
    if rows_seen < limit {
        page.next = None;
    }
    Ok(page)
}

fn acceptance(db: &Connection, (seq, packet): (i64, i64), receipt: Sealed) -> Result<Acceptance> {
    let named = &receipt.receipt;
    let ids: Vec<ConsignmentId> = match named.consignment {
        Some(id) => vec![id],
        None => named.consignments.iter().map(|entry| entry.consignment).collect(),
    };
    let submissions = submissions(db, packet, &receipt)?;
    let lines = ids.into_iter().map(|id| line(db, (seq, packet), id, &submissions));
    let lines = lines.collect::<Result<Vec<_>>>()?;
    Ok(Acceptance { receipt, lines })
}

/// The receipts with which the chains of what this acceptance names begin, and how many cannot be read.
pub(super) fn submissions(db: &Connection, packet: i64, acceptance: &Sealed) -> Result<(Vec<Sealed>, usize)> {
    match acceptance.receipt.consignment {
        // Those about other submissions of the same bytes do no harm: none of them names this consignment.
        Some(_) => texts(db, packet, SUBMISSION),
        None => Ok((vec![acceptance.clone()], 0)),
    }
}

/// One line of an acceptance, given by its row and its packet's.
pub(super) fn line(
    db: &Connection,
    (acceptance, packet): (i64, i64),
    id: ConsignmentId,
    submissions: &(Vec<Sealed>, usize),
) -> Result<Line> {
    let query = "SELECT figure, EXISTS (SELECT 1 FROM books_faults f WHERE f.subject = l.consignment)
                 FROM books_lines l WHERE consignment = ?1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query([id.as_bytes()])?;
    let kept = match found.next()? {
        Some(row) => Some(KeptLine { figure: figure(row.get(0)?)?, faulty: row.get(1)? }),
        None => None,
    };
    let pending = "SELECT ?1 > h.receipts OR EXISTS
                     (SELECT 1 FROM consignments c JOIN receipts r ON r.packet = c.packet AND r.consignment = c.seq
                      WHERE c.id = ?2 AND r.seq > h.receipts)
                   FROM books_head h";
    let pending: bool = db.prepare_cached(pending)?.query_row(params![acceptance, id.as_bytes()], |row| row.get(0))?;
    Ok(Line { id, known: known(db, packet, id, submissions)?, kept, pending })
}

/// A figure by the number that is stored.
fn figure(number: i64) -> Result<Figure> {
    let known = usize::try_from(number).ok().and_then(|place| Figure::ALL.get(place).copied());
    known.ok_or_else(|| Error::Corrupt(format!("{number} is no figure of the books")))
}

fn known(
    db: &Connection,
    packet: i64,
    id: ConsignmentId,
    (submissions, unreadable): &(Vec<Sealed>, usize),
) -> Result<Option<Known>> {
    let query = "SELECT seq, doc_id, recipient, previous_hop, next_hop, state, head, outside, EXISTS
                   (SELECT 1 FROM receipt_outbox o WHERE o.hop = c.previous_hop AND o.digest = c.head)
                 FROM consignments c WHERE id = ?1 AND packet = ?2";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![id.as_bytes(), packet])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let mut receipts: Vec<Sealed> = submissions.iter().filter(|sealed| sealed.receipt.is_about(id)).cloned().collect();
    let (own, also_unreadable) = texts(db, packet, row.get(0)?)?;
    receipts.extend(own);
    Ok(Some(Known {
        doc_id: rows::doc_id(row, 1)?,
        recipient: rows::agency(row, 2)?,
        previous_hop: rows::hop(row, 3)?,
        next_hop: rows::hop(row, 4)?,
        outside: row.get(7)?,
        state: rows::state(row, 5)?,
        head: rows::digest(row, 6)?,
        unconfirmed: row.get(8)?,
        receipts,
        unreadable: unreadable + also_unreadable,
    }))
}

/// The receipts that can be read and how many cannot. A text that is no longer what was signed counts among these.
fn texts(db: &Connection, packet: i64, consignment: i64) -> Result<(Vec<Sealed>, usize)> {
    let stored = rows::receipts_of(db, packet, consignment)?;
    let all = stored.len();
    let read = stored.iter().filter_map(|stored| {
        let sealed = rows::read(&stored.jws).ok()?;
        (sealed.digest == stored.digest).then_some(sealed)
    });
    let read: Vec<Sealed> = read.collect();
    let unreadable = all - read.len();
    Ok((read, unreadable))
}

/// See [`super::super::books::BooksStore::unreceipted`].
pub fn unreceipted(db: &Connection, after: i64, limit: usize) -> Result<(Vec<Unreceipted>, Option<i64>)> {
    let query = "SELECT c.seq, c.id, c.doc_id, EXISTS
                   (SELECT 1 FROM receipts r WHERE r.packet = c.packet AND r.own = 1
                    AND r.consignment = CASE WHEN c.previous_hop IS NULL THEN 0 ELSE c.seq END)
                 FROM consignments c WHERE c.seq > ?1 ORDER BY c.seq LIMIT ?2";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![after, integer(limit)])?;
    let (mut missing, mut seen, mut next) = (Vec::new(), 0, None);
    while let Some(row) = found.next()? {
        seen += 1;
        next = Some(row.get(0)?);
        if !row.get::<_, bool>(3)? {
            missing.push(Unreceipted { id: rows::consignment(row, 1)?, doc_id: rows::doc_id(row, 2)? });
        }
    }
    Ok((missing, next.filter(|_| seen == limit)))
}
