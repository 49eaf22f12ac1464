//! The lines and sums of the statistics, and how they follow receipts and statuses. [`figures`] reads them.
//!
//! A fold takes the next receipts and statuses, finds out whose lines they touch, and computes each of those lines from what is
//! stored, on a connection that only reads; the writer is asked for no more than to put them in their places. The sums move by the
//! difference to the line as it was, in the same transaction, so they stay the sums of the lines; and as a line depends on nothing but
//! what is stored, it does not matter in which portions it was followed. What comes between reading and writing is followed later, and
//! touches the same line again.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use lienthong_contract::{Digest, DocId, Instant};

use super::super::Result;
use super::super::statistics::{Direction, Facts, Pending, Scope, StatisticsStore, Sum, Wanted};
use super::rows::{self, SUBMISSION, integer};
use super::{SqliteStore, figures};
use crate::books::statement::{day_of, number_of};
use crate::statutory::clock::Sending;
use crate::statutory::{Answer, Signed, Terms};

/// Changes whenever lines are computed in another way: then all are made anew.
const FORM: u8 = 1;
/// Lines that are cleared at once.
const CLEARED: usize = 4096;

#[async_trait]
impl StatisticsStore for SqliteStore {
    async fn fold(&self, terms: Arc<Terms>, limit: usize) -> Result<bool> {
        let mark = Digest::of(format!("{FORM} {terms:?}").as_bytes());
        match self.read(move |db| look(db, &terms, mark, limit)).await? {
            Step::Nothing => Ok(false),
            Step::Clear => self.writer.write(move |db| clear(db, mark)).await,
            Step::Follow(followed) => self.writer.write(move |db| follow(db, &followed, mark)).await,
        }
    }

    async fn sums(&self, wanted: Wanted) -> Result<Vec<Sum>> {
        self.read(move |db| figures::sums(db, &wanted)).await
    }

    async fn pending(&self, scope: Option<Scope>, now: Instant, until: Instant) -> Result<Pending> {
        self.read(move |db| figures::pending(db, scope.as_ref(), (now, until))).await
    }

    async fn clock_facts(&self, doc_id: DocId) -> Result<Option<Facts>> {
        self.read(move |db| figures::clock_facts(db, doc_id)).await
    }
}

/// A document as it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    day: i64,
    agency: String,
    urgency: u8,
    verdict: u8,
    limit: Option<i64>,
    recipients: i64,
    failed: i64,
    given_back: i64,
}

const WAITING: u8 = 0;
const ON_TIME: u8 = 1;
const LATE: u8 = 2;
const NOT_MEASURED: u8 = 3;

/// How far receipts and statuses were followed.
type Head = (i64, i64);

/// What is to be done next.
enum Step {
    Nothing,
    /// The lines were computed by other terms.
    Clear,
    Follow(Followed),
}

/// Lines as they are now, and the receipts and statuses that touched them.
struct Followed {
    from: Head,
    to: Head,
    more: bool,
    lines: Vec<(Direction, i64, Option<Line>)>,
}

fn head(db: &Connection, mark: Digest) -> Result<Option<Head>> {
    let query = "SELECT receipts, statuses FROM statistics_head WHERE terms = ?1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    Ok(db.prepare_cached(query)?.query_row(params![mark.as_bytes()], read).optional()?)
}

/// Computes the lines that the next receipts and statuses touch, all of one moment.
fn look(db: &Connection, terms: &Terms, mark: Digest, limit: usize) -> Result<Step> {
    let db = db.unchecked_transaction()?;
    let Some(from) = head(&db, mark)? else { return Ok(Step::Clear) };
    let mut touched = BTreeSet::new();
    let (receipts, more) = by_receipts(&db, from.0, limit, &mut touched)?;
    let (statuses, more_said) = by_statuses(&db, from.1, limit, &mut touched)?;
    let to = (receipts, statuses);
    if to == from {
        return Ok(Step::Nothing);
    }
    let lines = touched.into_iter().map(|(direction, subject)| {
        let line = match direction {
            Direction::Sent => sent(&db, terms, subject)?,
            Direction::Received => received(&db, terms, subject)?,
        };
        Ok((direction, subject, line))
    });
    let lines = lines.collect::<Result<Vec<_>>>()?;
    Ok(Step::Follow(Followed { from, to, more: more || more_said, lines }))
}

/// Puts the lines in their places, unless somebody else came first.
fn follow(db: &Connection, followed: &Followed, mark: Digest) -> Result<bool> {
    if head(db, mark)? != Some(followed.from) {
        return Ok(true);
    }
    for (direction, subject, line) in &followed.lines {
        put(db, *direction, *subject, line.as_ref())?;
    }
    let (receipts, statuses) = followed.to;
    db.prepare_cached("UPDATE statistics_head SET receipts = ?1, statuses = ?2")?.execute([receipts, statuses])?;
    Ok(followed.more)
}

/// Takes away what was computed by other terms, a part at a time; then everything is followed from the beginning.
fn clear(db: &Connection, mark: Digest) -> Result<bool> {
    db.prepare_cached("UPDATE statistics_head SET receipts = 0, statuses = 0, terms = NULL")?.execute([])?;
    let mut cleared = 0;
    for clear in [
        "DELETE FROM statistics_lines
         WHERE (direction, subject) IN (SELECT direction, subject FROM statistics_lines LIMIT ?1)",
        "DELETE FROM statistics_figures WHERE (day, agency, direction, urgency) IN
         (SELECT day, agency, direction, urgency FROM statistics_figures LIMIT ?1)",
    ] {
        cleared += db.prepare_cached(clear)?.execute([integer(CLEARED)])?;
    }
    if cleared == 0 {
        db.prepare_cached("UPDATE statistics_head SET terms = ?1")?.execute(params![mark.as_bytes()])?;
    }
    Ok(true)
}

type Touched = BTreeSet<(Direction, i64)>;

/// The last receipt that was looked at, and whether there may be more.
fn by_receipts(db: &Connection, after: i64, limit: usize, touched: &mut Touched) -> Result<(i64, bool)> {
    let query = "SELECT seq, packet, consignment FROM receipts WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![after, integer(limit)])?;
    let (mut last, mut seen) = (after, 0);
    while let Some(row) = found.next()? {
        (last, seen) = (row.get(0)?, seen + 1);
        let consignment: i64 = row.get(2)?;
        touched.insert((Direction::Sent, row.get(1)?));
        if consignment != SUBMISSION {
            touched.insert((Direction::Received, consignment));
        }
    }
    Ok((last, seen >= limit))
}

/// The same of statuses: each is about what its sender received.
fn by_statuses(db: &Connection, after: i64, limit: usize, touched: &mut Touched) -> Result<(i64, bool)> {
    let query = "SELECT seq, document_id, about, agency FROM statuses WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    let about = "SELECT c.seq FROM packets p JOIN consignments c ON c.packet = p.id
                 WHERE p.kind = 'document' AND p.document_id = ?1 AND p.sender = ?2
                   AND c.recipient = ?3 AND c.next_hop IS NULL";
    let (mut query, mut about) = (db.prepare_cached(query)?, db.prepare_cached(about)?);
    let mut found = query.query(params![after, integer(limit)])?;
    let (mut last, mut seen) = (after, 0);
    while let Some(row) = found.next()? {
        (last, seen) = (row.get(0)?, seen + 1);
        let (name, sender, agency): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let mut consignments = about.query(params![name, sender, agency])?;
        while let Some(row) = consignments.next()? {
            touched.insert((Direction::Received, row.get(0)?));
        }
    }
    Ok((last, seen >= limit))
}

/// The time in the first receipt of ours with one of these events.
fn time_of(db: &Connection, (packet, consignment): (i64, i64), events: [&str; 2]) -> Result<Option<Instant>> {
    let query = "SELECT jws FROM sealed WHERE packet = ?1 AND consignment = ?2 AND own = 1 AND event IN (?3, ?4)
                 ORDER BY seq LIMIT 1";
    let [one, other] = events;
    let mut query = db.prepare_cached(query)?;
    let jws: Option<String> = query.query_row(params![packet, consignment, one, other], |row| row.get(0)).optional()?;
    jws.map(|jws| Ok(rows::read(&jws)?.receipt.time)).transpose()
}

pub(super) fn sent_at(db: &Connection, packet: i64) -> Result<Option<Instant>> {
    time_of(db, (packet, SUBMISSION), ["SubmissionAcceptance"; 2])
}

/// Columns 0 to 2 are `signed_on`, `signed_at`, `business_type`.
pub(super) fn signed(row: &rusqlite::Row<'_>) -> Result<(Option<Signed>, bool)> {
    let on = row.get::<_, Option<i64>>(0)?.and_then(day_of).map(Signed::On);
    let at = row.get::<_, Option<i64>>(1)?.map(|at| Signed::At(Instant::from_millis(at)));
    Ok((at.or(on), matches!(row.get::<_, u8>(2)?, 1..=3)))
}

/// What an agency handed in here counts as.
fn sent(db: &Connection, terms: &Terms, packet: i64) -> Result<Option<Line>> {
    let Some(at) = sent_at(db, packet)? else { return Ok(None) };
    let query = "SELECT signed_on, signed_at, business_type, sender, urgency FROM packets
                 WHERE id = ?1 AND kind = 'document'";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query([packet])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let (signed, changes_another) = signed(row)?;
    let urgency: u8 = row.get(4)?;
    // What was sent again stands for what it is instead of.
    let ends = "SELECT count(*), coalesce(sum(state IN ('failed', 'rejected')), 0), coalesce(sum(state = 'refused'), 0)
                FROM consignments WHERE packet = ?1 AND previous_hop IS NULL
                  AND id NOT IN (SELECT consignment FROM sent_again)";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let (recipients, failed, given_back) = db.prepare_cached(ends)?.query_row([packet], read)?;
    let sending = Sending { signed, urgent: urgency > 0, changes_another, sent: Some(at) };
    let (verdict, limit) = verdict(terms.sending(&sending, at).answer);
    let (day, agency) = (number_of(at.in_vietnam().date()), row.get(3)?);
    Ok(Some(Line { day, agency, urgency, verdict, limit, recipients, failed, given_back }))
}

/// What lay in a mailbox here counts as.
fn received(db: &Connection, terms: &Terms, consignment: i64) -> Result<Option<Line>> {
    let query = "SELECT c.packet, c.recipient, c.state, p.sender, p.document_id, p.urgency
                 FROM consignments c JOIN packets p ON p.id = c.packet
                 WHERE c.seq = ?1 AND c.next_hop IS NULL AND p.kind = 'document'";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query([consignment])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let (packet, agency, state): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let at = (packet, consignment);
    let Some(arrived) = arrived(db, at)? else { return Ok(None) };
    let named = (&agency, row.get::<_, String>(3)?, row.get::<_, Option<String>>(4)?);
    let acknowledged = acknowledged(db, at, (named.0, &named.1, named.2.as_deref()))?;
    let urgency: u8 = row.get(5)?;
    let judged = terms.acknowledgement(Some(arrived), urgency > 0, acknowledged, arrived);
    let never = acknowledged.is_none() && state == "failed";
    let (verdict, limit) = if never { (LATE, None) } else { verdict(judged.answer) };
    let day = number_of(arrived.in_vietnam().date());
    let (failed, given_back) = (i64::from(never), i64::from(state == "refused"));
    Ok(Some(Line { day, agency, urgency, verdict, limit, recipients: 0, failed, given_back }))
}

fn arrived(db: &Connection, at: (i64, i64)) -> Result<Option<Instant>> {
    time_of(db, at, ["ContentConsignment"; 2])
}

/// The recipient's first word: its receipt, or a status that it sent (all but 13, which is the sender's).
pub(super) fn acknowledged(
    db: &Connection,
    at: (i64, i64),
    (recipient, sender, name): (&str, &str, Option<&str>),
) -> Result<Option<Instant>> {
    let receipt = time_of(db, at, ["ContentHandover", "ConsignmentRejection"])?;
    let said = "SELECT min(p.received_at) FROM statuses s JOIN packets p ON p.id = s.packet
                WHERE s.document_id = ?1 AND s.about = ?2 AND s.agency = ?3 AND s.code <> '13'";
    let mut said = db.prepare_cached(said)?;
    let said: Option<i64> = said.query_row(params![name, sender, recipient], |row| row.get(0))?;
    Ok(receipt.into_iter().chain(said.map(Instant::from_millis)).min())
}

const fn verdict(answer: Answer) -> (u8, Option<i64>) {
    match answer {
        Answer::Met { .. } => (ON_TIME, None),
        Answer::Late { .. } => (LATE, None),
        Answer::Running { limit } => (WAITING, Some(limit.as_millis())),
        Answer::NotMeasurable(_) => (NOT_MEASURED, None),
    }
}

/// Puts a line in the place of the one that was, and moves the sums.
fn put(db: &Connection, direction: Direction, subject: i64, line: Option<&Line>) -> Result<()> {
    let query = "SELECT day, agency, urgency, verdict, limit_at, recipients, failed, given_back
                 FROM statistics_lines WHERE direction = ?1 AND subject = ?2";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Line {
            day: row.get(0)?,
            agency: row.get(1)?,
            urgency: row.get(2)?,
            verdict: row.get(3)?,
            limit: row.get(4)?,
            recipients: row.get(5)?,
            failed: row.get(6)?,
            given_back: row.get(7)?,
        })
    };
    let number = number(direction);
    let before = db.prepare_cached(query)?.query_row(params![number, subject], read).optional()?;
    if before.as_ref() == line {
        return Ok(());
    }
    if let Some(before) = &before {
        add(db, number, before, -1)?;
    }
    let Some(line) = line else {
        let remove = "DELETE FROM statistics_lines WHERE direction = ?1 AND subject = ?2";
        db.prepare_cached(remove)?.execute(params![number, subject])?;
        return Ok(());
    };
    add(db, number, line, 1)?;
    let keep = "INSERT OR REPLACE INTO statistics_lines
                (direction, subject, day, agency, urgency, verdict, limit_at, recipients, failed, given_back)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    db.prepare_cached(keep)?.execute(params![
        number,
        subject,
        line.day,
        line.agency,
        line.urgency,
        line.verdict,
        line.limit,
        line.recipients,
        line.failed,
        line.given_back,
    ])?;
    Ok(())
}

const fn number(direction: Direction) -> i64 {
    match direction {
        Direction::Sent => 0,
        Direction::Received => 1,
    }
}

fn add(db: &Connection, direction: i64, line: &Line, times: i64) -> Result<()> {
    let add = "INSERT INTO statistics_figures (day, agency, direction, urgency, documents, on_time, late, not_measured,
                                               recipients, failed, given_back)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
               ON CONFLICT DO UPDATE SET documents = documents + excluded.documents,
                   on_time = on_time + excluded.on_time, late = late + excluded.late,
                   not_measured = not_measured + excluded.not_measured, recipients = recipients + excluded.recipients,
                   failed = failed + excluded.failed, given_back = given_back + excluded.given_back";
    let is = |verdict: u8| times * i64::from(line.verdict == verdict);
    db.prepare_cached(add)?.execute(params![
        line.day,
        line.agency,
        direction,
        line.urgency,
        times,
        is(ON_TIME),
        is(LATE),
        is(NOT_MEASURED),
        times * line.recipients,
        times * line.failed,
        times * line.given_back,
    ])?;
    Ok(())
}
