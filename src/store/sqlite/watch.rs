//! What waits for people, read from what waits and from sums.

use async_trait::async_trait;
use rusqlite::{Connection, Params, Row, params};

use lienthong_contract::{AgencyCode, HopName, Instant};

use super::super::Result;
use super::super::books::Amounts;
use super::super::queues::Waiting;
use super::super::watch::{Failed, Failing, StuckOne, WatchStore};
use super::SqliteStore;
use super::rows::{self, integer};
use crate::delivery::outlets::NOT_NOW;
use crate::stuck::Cause;

#[async_trait]
impl WatchStore for SqliteStore {
    async fn figures_of(&self, day: Option<i64>) -> Result<Amounts> {
        self.read(move |db| {
            let query = "SELECT coalesce(sum(accepted), 0), coalesce(sum(handed_over), 0), coalesce(sum(refused), 0),
                                coalesce(sum(failed), 0), coalesce(sum(passed_outside), 0),
                                coalesce(sum(in_flight), 0), coalesce(sum(faults), 0)
                         FROM books_figures WHERE part = 'day' AND (?1 IS NULL OR day = ?1)";
            let read = |row: &Row<'_>| {
                Ok(Amounts {
                    accepted: row.get(0)?,
                    handed_over: row.get(1)?,
                    refused: row.get(2)?,
                    failed: row.get(3)?,
                    passed_outside: row.get(4)?,
                    in_flight: row.get(5)?,
                    faults: row.get(6)?,
                })
            };
            Ok(db.prepare_cached(query)?.query_row([day], read)?)
        })
        .await
    }

    async fn refusals_since(&self, since: Instant) -> Result<u64> {
        self.read(move |db| {
            // They stand in the order of their times.
            let query = "SELECT count(*) FROM refusals
                         WHERE id > coalesce((SELECT id FROM refusals WHERE time < ?1 ORDER BY id DESC LIMIT 1), 0)";
            Ok(db.prepare_cached(query)?.query_row([since.as_millis()], |row| row.get::<_, i64>(0)).map(positive)?)
        })
        .await
    }

    async fn find_failures(&self, limit: usize) -> Result<bool> {
        let new = "SELECT coalesce((SELECT max(seq) FROM receipts), 0) > receipts FROM stuck_head";
        if !self.read(move |db| Ok(db.prepare_cached(new)?.query_row([], |row| row.get(0))?)).await? {
            return Ok(false);
        }
        self.writer.write(move |db| find_failures(db, limit)).await
    }

    async fn failures(&self) -> Result<Vec<Failed>> {
        self.read(|db| {
            let query = "SELECT cause, count(*), min(at) FROM stuck GROUP BY cause";
            let mut query = db.prepare_cached(query)?;
            let mut found = query.query([])?;
            let mut failures = Vec::new();
            while let Some(row) = found.next()? {
                let oldest = row.get::<_, Option<i64>>(2)?.map(Instant::from_millis);
                failures.push(Failed { cause: row.get(0)?, count: positive(row.get(1)?), oldest });
            }
            Ok(failures)
        })
        .await
    }

    async fn failed_for(&self, cause: &str, after: i64, limit: usize) -> Result<Vec<StuckOne>> {
        let cause = cause.to_owned();
        self.read(move |db| {
            let query = format!(
                "SELECT s.consignment, {ONE}, s.at, 0, s.code FROM stuck s
                 JOIN consignments c ON c.seq = s.consignment JOIN packets p ON p.id = c.packet
                 WHERE s.cause = ?1 AND s.consignment > ?2 ORDER BY s.consignment LIMIT ?3"
            );
            list(db, &query, params![cause, after, integer(limit)])
        })
        .await
    }

    async fn failing(&self, destination: &HopName, attempts: u32) -> Result<Vec<Failing>> {
        let destination = destination.clone();
        self.read(move |db| {
            let query = "SELECT coalesce(substr(o.last_error, 1, length(?3)) = ?3, 0) AS not_now,
                                count(*), min(p.received_at), max(o.last_error)
                         FROM outbox o JOIN packets p ON p.id = o.packet
                         WHERE o.hop = ?1 AND o.attempts >= ?2 GROUP BY not_now ORDER BY not_now";
            let mut query = db.prepare_cached(query)?;
            let read = |row: &Row<'_>| {
                let (count, oldest): (i64, Option<i64>) = (row.get(1)?, row.get(2)?);
                let waiting = Waiting { count: positive(count), oldest: oldest.map(Instant::from_millis) };
                let error: Option<String> = row.get(3)?;
                let error = error.map(|error| error.strip_prefix(NOT_NOW).unwrap_or(&error).to_owned());
                Ok(Failing { waiting, not_now: row.get(0)?, error })
            };
            let failing = query.query_map(params![destination.as_str(), attempts, NOT_NOW], read)?;
            Ok(failing.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn waiting_for(
        &self,
        destination: &HopName,
        attempts: u32,
        after: i64,
        limit: usize,
    ) -> Result<Vec<StuckOne>> {
        let destination = destination.clone();
        self.read(move |db| {
            let query = format!(
                "SELECT o.id, {ONE}, c.arrived_at, o.attempts, o.last_error FROM
                 (SELECT * FROM outbox WHERE hop = ?1 AND attempts >= ?2 AND id > ?3 ORDER BY id LIMIT ?4) o
                 JOIN consignments c ON c.outbox_id = o.id JOIN packets p ON p.id = c.packet ORDER BY o.id, c.seq"
            );
            list(db, &query, params![destination.as_str(), attempts, after, integer(limit)])
        })
        .await
    }

    async fn not_collected(&self, before: Instant, limit: usize) -> Result<Vec<(AgencyCode, Waiting)>> {
        self.read(move |db| {
            let query = "SELECT c.recipient, count(*), min(c.arrived_at) FROM consignments c
                         JOIN packets p ON p.id = c.packet
                         WHERE c.state = 'consigned' AND c.next_hop IS NULL AND c.arrived_at < ?1 AND p.kind <> 'canary'
                         GROUP BY c.recipient ORDER BY 2 DESC, 1 LIMIT ?2";
            let mut query = db.prepare_cached(query)?;
            let mut found = query.query(params![before.as_millis(), integer(limit)])?;
            let mut mailboxes = Vec::new();
            while let Some(row) = found.next()? {
                let waiting = Waiting { count: positive(row.get(1)?), oldest: Some(rows::instant(row, 2)?) };
                mailboxes.push((rows::agency(row, 0)?, waiting));
            }
            Ok(mailboxes)
        })
        .await
    }

    async fn lying_with(
        &self,
        agency: &AgencyCode,
        before: Instant,
        after: i64,
        limit: usize,
    ) -> Result<Vec<StuckOne>> {
        let agency = agency.clone();
        self.read(move |db| {
            let query = format!(
                "SELECT c.seq, {ONE}, c.arrived_at, 0, NULL FROM consignments c JOIN packets p ON p.id = c.packet
                 WHERE c.recipient = ?1 AND c.state = 'consigned' AND c.next_hop IS NULL AND c.arrived_at < ?2
                   AND c.seq > ?3 ORDER BY c.seq LIMIT ?4"
            );
            list(db, &query, params![agency.as_str(), before.as_millis(), after, integer(limit)])
        })
        .await
    }
}

/// Columns 1 to 7 of a list; the position is column 0, time, attempts and error are columns 8 to 10.
const ONE: &str = "c.id, c.doc_id, p.code, p.subject, p.sender, c.recipient, c.state";

fn list(db: &Connection, query: &str, params: impl Params) -> Result<Vec<StuckOne>> {
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params)?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        all.push(StuckOne {
            position: row.get(0)?,
            id: rows::consignment(row, 1)?,
            doc_id: rows::doc_id(row, 2)?,
            code: row.get(3)?,
            subject: row.get(4)?,
            sender: rows::agency(row, 5)?,
            recipient: rows::agency(row, 6)?,
            state: rows::state(row, 7)?,
            since: rows::instant(row, 8)?,
            attempts: row.get(9)?,
            error: row.get(10)?,
        });
    }
    Ok(all)
}

/// What a receipt that came tells of a consignment that ended with it. What its recipient gave back was answered, and is
/// no failure; nor is a status packet somebody's document.
fn find_failures(db: &Connection, limit: usize) -> Result<bool> {
    let after: i64 = db.prepare_cached("SELECT receipts FROM stuck_head")?.query_row([], |row| row.get(0))?;
    let page = "SELECT max(seq), count(*) FROM (SELECT seq FROM receipts WHERE seq > ?1 ORDER BY seq LIMIT ?2)";
    let (last, looked): (Option<i64>, i64) =
        db.prepare_cached(page)?.query_row(params![after, integer(limit)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some(last) = last else { return Ok(false) };
    let query = "SELECT r.consignment, r.jws, c.state FROM sealed r
                 JOIN consignments c ON c.seq = r.consignment JOIN packets p ON p.id = c.packet
                 WHERE r.seq > ?1 AND r.seq <= ?2 AND p.kind = 'document' AND c.head = r.digest
                   AND r.event IN ('RelayRejection', 'RelayFailure', 'RelayToNonERDSFailure',
                                   'ContentConsignmentFailure', 'ContentHandoverFailure')";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![after, last])?;
    while let Some(row) = found.next()? {
        let jws: String = row.get(1)?;
        let receipt = rows::read(&jws)?.receipt;
        let code = receipt.reason.as_ref().map(|reason| reason.code.clone()).unwrap_or_default();
        // Somebody here stopped it, and knows.
        if code == crate::acts::findings::CANCELLED.code {
            continue;
        }
        let cause = Cause::of_code(&code, rows::state(row, 2)?);
        let insert = "INSERT OR IGNORE INTO stuck (consignment, cause, code, at) VALUES (?1, ?2, ?3, ?4)";
        let at = receipt.time.as_millis();
        db.prepare_cached(insert)?.execute(params![row.get::<_, i64>(0)?, cause.as_str(), code, at])?;
    }
    db.prepare_cached("UPDATE stuck_head SET receipts = ?1")?.execute([last])?;
    Ok(looked >= integer(limit))
}

fn positive(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
