//! The books as they are kept: what the receipts tell up to a position, and what has come since.
//!
//! Everything here is computed from the receipts by [`crate::books`]; a fold is one short transaction of the writer, and
//! moves lines, sums and position together. The sums move by differences, so they stay the sums of the lines.

use std::collections::HashSet;

use rusqlite::{Connection, Row, params};

use lienthong_contract::ConsignmentId;

use super::super::books::{
    Amounts, Changed, Changes, Cursor, Fault, Figure, Fold, Heading, KeptBooks, Part, Position, Subject,
};
use super::super::{Error, Result};
use super::books::{line, said_in, submissions, unreceipted};
use super::rows::{self, SUBMISSION, integer};
use crate::books::findings::CONTRADICTS;
use crate::receipts::Named;

/// The most lines in one page. An acceptance is never split.
const MAX_LINES: usize = 1024;

/// See [`super::super::books::BooksStore::kept_books`].
pub fn kept_books(db: &Connection, day: Option<i64>, limit: usize) -> Result<KeptBooks> {
    let db = db.unchecked_transaction()?;
    let (at, folds) = head(&db)?;
    let newest = db.prepare_cached("SELECT coalesce(max(seq), 0) FROM receipts")?.query_row([], |row| row.get(0))?;
    let mut books = KeptBooks { at, folds, newest, ..KeptBooks::default() };
    let query = match day {
        Some(_) => {
            "SELECT part, CASE part WHEN 'day' THEN day ELSE 0 END, name, accepted, handed_over, refused, failed,
                    in_flight, faults, passed_outside
             FROM books_figures WHERE day = ?1 AND part IN ('day', 'agency', 'link', 'mailbox', 'outlet')"
        }
        None => {
            "SELECT part, CASE part WHEN 'day' THEN day ELSE 0 END, name, sum(accepted), sum(handed_over), sum(refused),
                    sum(failed), sum(in_flight), sum(faults), sum(passed_outside)
             FROM books_figures WHERE ?1 IS NULL GROUP BY 1, 3, 2"
        }
    };
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query([day])?;
    while let Some(row) = found.next()? {
        let amounts = Amounts {
            accepted: row.get(3)?,
            handed_over: row.get(4)?,
            refused: row.get(5)?,
            failed: row.get(6)?,
            in_flight: row.get(7)?,
            faults: row.get(8)?,
            passed_outside: row.get(9)?,
        };
        if amounts != Amounts::default() {
            books.sheet.insert(Heading { part: part(row)?, day: row.get(1)?, name: row.get(2)? }, amounts);
        }
    }
    let count = "SELECT count(*), coalesce(sum(code = ?2), 0) FROM books_faults WHERE ?1 IS NULL OR day = ?1";
    let counts = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let (all, against) = db.prepare_cached(count)?.query_row(params![day, CONTRADICTS.code], counts)?;
    books.contradictions_in_all = u64::try_from(against).unwrap_or(0);
    books.faults_in_all = u64::try_from(all - against).unwrap_or(0);
    let query = "SELECT subject, doc_id, day, code, found FROM books_faults WHERE ?1 IS NULL OR day = ?1
                 ORDER BY code = ?3, subject LIMIT ?2";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![day, integer(limit), CONTRADICTS.code])?;
    while let Some(row) = found.next()? {
        let doc_id = if row.get_ref(1)?.as_blob().is_ok() { Some(rows::doc_id(row, 1)?) } else { None };
        let (subject, day) = (subject(row)?, row.get(2)?);
        books.faults.push(Fault { subject, doc_id, day, code: row.get(3)?, found: row.get(4)? });
    }
    Ok(books)
}

fn head(db: &Connection) -> Result<(Position, i64)> {
    let query = "SELECT receipts, consignments, folds FROM books_head WHERE id = 1";
    let read = |row: &Row<'_>| Ok((Position { receipts: row.get(0)?, consignments: row.get(1)? }, row.get(2)?));
    Ok(db.prepare_cached(query)?.query_row([], read)?)
}

fn part(row: &Row<'_>) -> Result<Part> {
    let word: String = row.get(0)?;
    let known = Part::ALL.into_iter().find(|part| part.as_str() == word);
    known.ok_or_else(|| Error::Corrupt(format!("{word:?} is no part of the books")))
}

/// As it is stored: a consignment's id alone, or behind a letter; the row of a receipt behind a letter.
fn stored(subject: &Subject) -> Vec<u8> {
    match subject {
        Subject::Line(id) => id.as_bytes().to_vec(),
        Subject::Receipt(row) => [&b"r"[..], &row.to_be_bytes()].concat(),
        Subject::Unreceipted(id) => [&b"u"[..], &id.as_bytes()[..]].concat(),
        Subject::Contradicted(id) => [&b"w"[..], &id.as_bytes()[..]].concat(),
    }
}

fn subject(row: &Row<'_>) -> Result<Subject> {
    let bytes = row.get_ref(0)?.as_blob().unwrap_or_default();
    let id = |bytes: &[u8]| bytes.try_into().ok().map(ConsignmentId::from_bytes);
    let found = match bytes {
        [b'r', rest @ ..] if bytes.len() == 9 => {
            rest.try_into().ok().map(|row| Subject::Receipt(i64::from_be_bytes(row)))
        }
        [b'u', rest @ ..] if bytes.len() == 17 => id(rest).map(Subject::Unreceipted),
        [b'w', rest @ ..] if bytes.len() == 17 => id(rest).map(Subject::Contradicted),
        bytes => id(bytes).map(Subject::Line),
    };
    found.ok_or_else(|| Error::Corrupt("a fault of nothing".to_owned()))
}

/// See [`super::super::books::BooksStore::changes`].
pub fn changes(db: &Connection, since: Cursor, limit: usize) -> Result<Changes> {
    let db = db.unchecked_transaction()?;
    let mut changes = Changes { to: since, folds: head(&db)?.1, ..Changes::default() };
    let mut seen = HashSet::new();
    if receipts(&db, limit, &mut changes, &mut seen)? {
        changes.more = true;
        return Ok(changes);
    }
    let (missing, next) = unreceipted(&db, since.at.consignments, limit)?;
    changes.unreceipted = missing;
    let newest = "SELECT coalesce(max(seq), 0) FROM consignments";
    let newest: i64 = db.prepare_cached(newest)?.query_row([], |row| row.get(0))?;
    changes.to.at.consignments = next.unwrap_or(newest);
    changes.more = next.is_some() || offered(&db, limit, &mut changes, &mut seen)?;
    Ok(changes)
}

/// What the receipts after the cursor are about; true when there are more.
fn receipts(db: &Connection, limit: usize, changes: &mut Changes, seen: &mut HashSet<ConsignmentId>) -> Result<bool> {
    let query = "SELECT r.seq, r.packet, r.consignment, c.id FROM receipts r
                 LEFT JOIN consignments c ON c.seq = r.consignment
                 WHERE r.seq > ?1 AND (r.consignment <> 0 OR r.own = 1) ORDER BY r.seq LIMIT ?2";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![changes.to.at.receipts, integer(limit)])?;
    let mut rows_seen = 0;
    while let Some(row) = found.next()? {
        let (seq, packet, consignment): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        rows_seen += 1;
        changes.to.at.receipts = seq;
        let about_all = consignment == SUBMISSION;
        if !about_all && row.get_ref(3)?.as_blob().is_err() {
            // Its consignment is gone; the acceptance that names it tells so.
            lost(db, seq, packet, changes, seen)?;
            continue;
        }
        let id = if about_all { None } else { Some(rows::consignment(row, 3)?) };
        if id.is_some_and(|id| seen.contains(&id)) && !is_acceptance(db, seq)? {
            continue;
        }
        match acceptance(db, packet, (!about_all).then_some(consignment), seq)? {
            Found::None => {}
            Found::Unreadable(row) => changes.unreadable.extend((row == seq).then_some(row)),
            Found::Acceptance(row, named) => {
                let submissions = submissions(db, packet, &named)?;
                let ids = named.receipt.consignments.iter().map(|entry| entry.consignment);
                let ids: Vec<_> = id.map_or_else(|| ids.collect(), |id| vec![id]);
                for id in ids.into_iter().filter(|id| seen.insert(*id)) {
                    let line = line(db, (row, packet), id, &submissions)?;
                    changes.lines.push(Changed { row, acceptance: named.clone(), line });
                }
            }
        }
        if changes.lines.len() >= MAX_LINES {
            return Ok(true);
        }
    }
    Ok(rows_seen == limit)
}

enum Found {
    None,
    Unreadable(i64),
    Acceptance(i64, Named),
}

const ACCEPTS: &str = "event IN ('SubmissionAcceptance', 'ReceivedFromNonERDS', 'RelayAcceptance')";

fn is_acceptance(db: &Connection, seq: i64) -> Result<bool> {
    let query = format!("SELECT 1 FROM receipts WHERE seq = ?1 AND own = 1 AND {ACCEPTS}");
    Ok(db.prepare_cached(&query)?.exists([seq])?)
}

/// The acceptance of this hop that a receipt belongs to: its own one for what came from a hop before, else the submission.
fn acceptance(db: &Connection, packet: i64, consignment: Option<i64>, seq: i64) -> Result<Found> {
    let Some(consignment) = consignment else {
        let query = format!("SELECT seq, digest, rest FROM receipts WHERE seq = ?1 AND own = 1 AND {ACCEPTS}");
        let mut query = db.prepare_cached(&query)?;
        let mut found = query.query([seq])?;
        return found.next()?.map_or(Ok(Found::None), |row| read(db, row));
    };
    let query = "SELECT id, previous_hop IS NULL FROM consignments WHERE seq = ?1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query([consignment])?;
    let Some(row) = found.next()? else { return Ok(Found::None) };
    let (id, first): (ConsignmentId, bool) = (rows::consignment(row, 0)?, row.get(1)?);
    let query = format!(
        "SELECT seq, digest, rest FROM receipts
         WHERE packet = ?1 AND consignment = ?2 AND own = 1 AND {ACCEPTS} ORDER BY seq"
    );
    let mut query = db.prepare_cached(&query)?;
    let mut found = query.query([packet, if first { SUBMISSION } else { consignment }])?;
    let mut unreadable = Found::None;
    while let Some(row) = found.next()? {
        match read(db, row)? {
            Found::Acceptance(row, named) if named.receipt.is_about(id) => return Ok(Found::Acceptance(row, named)),
            Found::Unreadable(row) => unreadable = Found::Unreadable(row),
            Found::None | Found::Acceptance(..) => {}
        }
    }
    Ok(unreadable)
}

fn read(db: &Connection, row: &Row<'_>) -> Result<Found> {
    let seq = row.get(0)?;
    Ok(said_in(db, row)?.map_or(Found::Unreadable(seq), |named| Found::Acceptance(seq, named)))
}

/// A receipt whose consignment is not in the store: an acceptance among them names it.
fn lost(
    db: &Connection,
    seq: i64,
    packet: i64,
    changes: &mut Changes,
    seen: &mut HashSet<ConsignmentId>,
) -> Result<()> {
    match acceptance(db, packet, None, seq)? {
        Found::None => {}
        Found::Unreadable(seq) => changes.unreadable.push(seq),
        Found::Acceptance(row, acceptance) => {
            if let Some(id) = acceptance.receipt.consignment.filter(|id| seen.insert(*id)) {
                let line = line(db, (row, packet), id, &(Vec::new(), 0))?;
                changes.lines.push(Changed { row, acceptance, line });
            }
        }
    }
    Ok(())
}

/// What was offered and has been let go of to a next hop, which no receipt tells; true when there are more to look at.
fn offered(db: &Connection, limit: usize, changes: &mut Changes, seen: &mut HashSet<ConsignmentId>) -> Result<bool> {
    let query = "SELECT l.consignment, l.acceptance, c.state IS 'offered' AND EXISTS
                   (SELECT 1 FROM receipt_outbox o WHERE o.hop = c.previous_hop AND o.digest = c.head)
                 FROM books_lines l JOIN consignments c ON c.id = l.consignment
                 WHERE l.figure = 0 AND l.consignment > ?1 ORDER BY l.consignment LIMIT ?2";
    let mut query = db.prepare_cached(query)?;
    let after = changes.to.offered.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
    let mut found = query.query(params![after, integer(limit)])?;
    let (mut rows_seen, mut last) = (0, None);
    while let Some(row) = found.next()? {
        rows_seen += 1;
        let id = rows::consignment(row, 0)?;
        last = Some(id);
        let waits: bool = row.get(2)?;
        if !waits && seen.insert(id) {
            changes.lines.extend(by_acceptance(db, row.get(1)?, id)?);
        }
    }
    let more = rows_seen == limit;
    changes.to.offered = last.filter(|_| more);
    Ok(more)
}

fn by_acceptance(db: &Connection, row: i64, id: ConsignmentId) -> Result<Option<Changed>> {
    let query = "SELECT seq, digest, rest, packet FROM receipts WHERE seq = ?1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query([row])?;
    let Some(stored) = found.next()? else { return Ok(None) };
    let Some(acceptance) = said_in(db, stored)? else { return Ok(None) };
    let packet = stored.get(3)?;
    let submissions = submissions(db, packet, &acceptance)?;
    let line = line(db, (row, packet), id, &submissions)?;
    Ok(Some(Changed { row, acceptance, line }))
}

/// See [`super::super::books::BooksStore::fold`].
pub fn fold(db: &Connection, fold: &Fold) -> Result<bool> {
    let advance = "UPDATE books_head SET receipts = ?1, consignments = ?2, folds = folds + 1 WHERE folds = ?3";
    let advanced = db.prepare_cached(advance)?.execute(params![fold.to.receipts, fold.to.consignments, fold.folds])?;
    if advanced == 0 {
        return Ok(false);
    }
    let put = "INSERT INTO books_lines (consignment, acceptance, figure) VALUES (?1, ?2, ?3)
               ON CONFLICT (consignment) DO UPDATE SET acceptance = ?2, figure = ?3";
    let mut put = db.prepare_cached(put)?;
    let mut clear = db.prepare_cached("DELETE FROM books_faults WHERE subject = ?1")?;
    for (id, acceptance, figure) in &fold.lines {
        let number = Figure::ALL.iter().position(|known| known == figure).map_or(0, integer);
        put.execute(params![id.as_bytes(), acceptance, number])?;
        clear.execute([stored(&Subject::Line(*id))])?;
        clear.execute([stored(&Subject::Contradicted(*id))])?;
    }
    let add = "INSERT INTO books_figures (part, day, name, accepted, handed_over, refused, failed, in_flight, faults,
                 passed_outside)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
               ON CONFLICT (part, day, name) DO UPDATE SET accepted = accepted + ?4, handed_over = handed_over + ?5,
                 refused = refused + ?6, failed = failed + ?7, in_flight = in_flight + ?8, faults = faults + ?9,
                 passed_outside = passed_outside + ?10";
    let mut add = db.prepare_cached(add)?;
    for (heading, amounts) in fold.sheet.iter().filter(|(_, amounts)| **amounts != Amounts::default()) {
        let Amounts { accepted, handed_over, refused, failed, in_flight, faults, passed_outside: out } = amounts;
        let (part, day, name) = (heading.part.as_str(), heading.day, &heading.name);
        add.execute(params![part, day, name, accepted, handed_over, refused, failed, in_flight, faults, out])?;
    }
    let note = "INSERT OR REPLACE INTO books_faults (subject, consignment, doc_id, day, code, found)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let mut note = db.prepare_cached(note)?;
    for Fault { subject, doc_id, day, code, found } in &fold.faults {
        let consignment = match subject {
            Subject::Line(id) | Subject::Unreceipted(id) | Subject::Contradicted(id) => Some(*id.as_bytes()),
            Subject::Receipt(_) => None,
        };
        note.execute(params![stored(subject), consignment, doc_id.map(|id| *id.as_bytes()), day, code, found])?;
    }
    Ok(true)
}

/// See [`super::super::books::BooksStore::suspects`].
pub fn suspects(
    db: &Connection,
    after: Option<ConsignmentId>,
    limit: usize,
) -> Result<(Vec<Changed>, Option<ConsignmentId>)> {
    let db = db.unchecked_transaction()?;
    let query = "SELECT l.consignment, l.acceptance, CASE l.figure
                   WHEN 0 THEN c.state IS 'offered'
                   WHEN 1 THEN c.state IS 'withdrawn'
                   WHEN 2 THEN c.state IN ('queued', 'relayed', 'consigned', 'outside')
                   WHEN 3 THEN c.state IS 'handed-over'
                   WHEN 4 THEN c.state IN ('refused', 'rejected')
                   WHEN 5 THEN c.state IS 'failed'
                   WHEN 7 THEN c.state IS 'passed-outside'
                   ELSE c.state IS NULL END IS 1
                 FROM (SELECT * FROM books_lines WHERE consignment > ?1 ORDER BY consignment LIMIT ?2) l
                 LEFT JOIN consignments c ON c.id = l.consignment ORDER BY l.consignment";
    let mut query = db.prepare_cached(query)?;
    let after = after.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
    let mut found = query.query(params![after, integer(limit)])?;
    let (mut suspects, mut seen, mut last) = (Vec::new(), 0, None);
    while let Some(row) = found.next()? {
        seen += 1;
        let id = rows::consignment(row, 0)?;
        last = Some(id);
        let fits: bool = row.get(2)?;
        if !fits {
            suspects.extend(by_acceptance(&db, row.get(1)?, id)?);
        }
        if suspects.len() >= MAX_LINES {
            return Ok((suspects, last));
        }
    }
    Ok((suspects, last.filter(|_| seen == limit)))
}

/// See [`super::super::books::BooksStore::forget_books`].
pub fn forget_books(db: &Connection, limit: usize) -> Result<bool> {
    let mark = "UPDATE books_head SET receipts = -1, consignments = 0, folds = folds + 1";
    db.prepare_cached(mark)?.execute([])?;
    let mut left = limit;
    for forget in [
        "DELETE FROM books_lines WHERE consignment IN (SELECT consignment FROM books_lines LIMIT ?1)",
        "DELETE FROM books_faults WHERE subject IN (SELECT subject FROM books_faults LIMIT ?1)",
        "DELETE FROM books_figures WHERE (part, day, name) IN (SELECT part, day, name FROM books_figures LIMIT ?1)",
    ] {
        left = left.saturating_sub(db.prepare_cached(forget)?.execute([integer(left)])?);
    }
    if left == 0 {
        return Ok(true);
    }
    db.prepare_cached("UPDATE books_head SET receipts = 0")?.execute([])?;
    Ok(false)
}
