//! Pages for the books. Each page is read in one transaction, so that a consignment and its receipts are of one moment.

use rusqlite::{Connection, OptionalExtension, Row, params};

use lienthong_contract::{ConsignmentId, Instant};

use super::super::books::{Acceptance, AcceptancePage, Figure, KeptLine, Known, Line, Unreceipted};
use super::super::{Error, Result};
use super::recent;
use super::rows::{self, SUBMISSION, integer};
use crate::receipts::Named;

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
    let query = "SELECT seq, packet, jws, digest FROM sealed
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
        let digest = rows::digest(row, 3)?;
        let Some(receipt) = rows::read(&jws).ok().filter(|sealed| sealed.digest == digest) else {
            page.unreadable.push(seq);
            continue;
        };
        if within.is_some_and(|(from, to)| receipt.receipt.time < from || receipt.receipt.time >= to) {
            continue;
        }
        let acceptance = acceptance(&db, (seq, packet), receipt.into())?;
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

fn acceptance(db: &Connection, (seq, packet): (i64, i64), receipt: Named) -> Result<Acceptance> {
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
pub(super) fn submissions(db: &Connection, packet: i64, acceptance: &Named) -> Result<(Vec<Named>, usize)> {
    match acceptance.receipt.consignment {
        // Those about other submissions of the same bytes do no harm: none of them names this consignment.
        Some(_) => said(db, packet, SUBMISSION),
        None => Ok((vec![acceptance.clone()], 0)),
    }
}

/// One line of an acceptance, given by its row and its packet's.
pub(super) fn line(
    db: &Connection,
    (acceptance, packet): (i64, i64),
    id: ConsignmentId,
    submissions: &(Vec<Named>, usize),
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
    (submissions, unreadable): &(Vec<Named>, usize),
) -> Result<Option<Known>> {
    let query = "SELECT seq, doc_id, recipient, previous_hop, next_hop, state, head, outside, EXISTS
                   (SELECT 1 FROM receipt_outbox o WHERE o.hop = c.previous_hop AND o.digest = c.head)
                 FROM consignments c WHERE id = ?1 AND packet = ?2";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![id.as_bytes(), packet])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let mut receipts: Vec<Named> = submissions.iter().filter(|named| named.receipt.is_about(id)).cloned().collect();
    let (own, also_unreadable) = said(db, packet, row.get(0)?)?;
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
fn said(db: &Connection, packet: i64, consignment: i64) -> Result<(Vec<Named>, usize)> {
    let query = "SELECT seq, digest, rest FROM receipts WHERE packet = ?1 AND consignment = ?2 ORDER BY seq";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![packet, consignment])?;
    let (mut read, mut unreadable) = (Vec::new(), 0);
    while let Some(row) = found.next()? {
        match said_in(db, row)? {
            Some(named) => read.push(named),
            None => unreadable += 1,
        }
    }
    Ok((read, unreadable))
}

/// What a row (its number, its digest, what of the text stands in it) says; nothing when it cannot be read or its text is
/// no longer what was signed.
pub(super) fn said_in(db: &Connection, row: &Row<'_>) -> Result<Option<Named>> {
    let digest = rows::digest(row, 1)?;
    if let Ok(rest) = row.get_ref(2)?.as_str()
        && let Some(named) = recent::recall(digest, rest)
    {
        return Ok(Some(named));
    }
    let whole = "SELECT jws FROM sealed WHERE seq = ?1";
    let seq: i64 = row.get(0)?;
    let text: Option<String> = db.prepare_cached(whole)?.query_row([seq], |row| row.get(0)).optional()?;
    let sealed = text.and_then(|text| rows::read(&text).ok());
    Ok(sealed.filter(|sealed| sealed.digest == digest).map(Named::from))
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
