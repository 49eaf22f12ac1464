//! Test documents: few rows, and no clerk's.

use async_trait::async_trait;
use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{AgencyCode, ConsignmentId, DocId, Instant};
use rusqlite::{Row, params};

use super::super::Result;
use super::super::books::Amounts;
use super::super::canary::{CanaryStore, Sent};
use super::SqliteStore;
use super::rows::{self, integer};

#[async_trait]
impl CanaryStore for SqliteStore {
    async fn canary_sent(&self, sent: Sent) -> Result<()> {
        self.writer
            .write(move |db| {
                let insert =
                    "INSERT OR IGNORE INTO canaries (doc_id, consignment, recipient, sent_at) VALUES (?1, ?2, ?3, ?4)";
                let (doc_id, consignment) = (sent.doc_id.as_bytes(), sent.consignment.as_bytes());
                let sent = params![doc_id, consignment, sent.recipient.as_str(), sent.sent_at.as_millis()];
                db.prepare_cached(insert)?.execute(sent)?;
                Ok(())
            })
            .await
    }

    async fn canaries_under_way(&self) -> Result<Vec<(Sent, ConsignmentState)>> {
        self.read(|db| {
            let query = "SELECT s.doc_id, s.consignment, s.recipient, s.sent_at, s.ended_at, s.handed_over, c.state
                         FROM canaries s JOIN consignments c ON c.id = s.consignment
                         WHERE s.ended_at IS NULL ORDER BY s.sent_at";
            let mut query = db.prepare_cached(query)?;
            let mut found = query.query([])?;
            let mut all = Vec::new();
            while let Some(row) = found.next()? {
                all.push((sent(row)?, rows::state(row, 6)?));
            }
            Ok(all)
        })
        .await
    }

    async fn canary_ended(&self, doc_id: DocId, at: Instant, handed_over: bool) -> Result<()> {
        self.writer
            .write(move |db| {
                let end = "UPDATE canaries SET ended_at = ?2, handed_over = ?3 WHERE doc_id = ?1 AND ended_at IS NULL";
                db.prepare_cached(end)?.execute(params![doc_id.as_bytes(), at.as_millis(), handed_over])?;
                Ok(())
            })
            .await
    }

    async fn canaries_since(&self, since: Instant, limit: usize) -> Result<Vec<Sent>> {
        self.read(move |db| {
            let query = "SELECT doc_id, consignment, recipient, sent_at, ended_at, handed_over FROM
                         (SELECT * FROM canaries WHERE sent_at >= ?1 ORDER BY sent_at DESC LIMIT ?2)
                         ORDER BY recipient, sent_at";
            let mut query = db.prepare_cached(query)?;
            let mut found = query.query(params![since.as_millis(), integer(limit)])?;
            let mut all = Vec::new();
            while let Some(row) = found.next()? {
                all.push(sent(row)?);
            }
            Ok(all)
        })
        .await
    }

    async fn forget_canaries(&self, before: Instant) -> Result<()> {
        self.writer
            .write(move |db| {
                let forget = "DELETE FROM canaries WHERE sent_at < ?1 AND ended_at IS NOT NULL";
                Ok(db.prepare_cached(forget)?.execute([before.as_millis()]).map(|_| ())?)
            })
            .await
    }

    async fn canaries_for(&self, agency: &AgencyCode, limit: usize) -> Result<Vec<ConsignmentId>> {
        let agency = agency.clone();
        self.read(move |db| {
            let query = "SELECT c.id FROM consignments c JOIN packets p ON p.id = c.packet
                         WHERE c.recipient = ?1 AND c.state = 'consigned' AND c.next_hop IS NULL AND p.kind = 'canary'
                         ORDER BY c.seq LIMIT ?2";
            let mut query = db.prepare_cached(query)?;
            let mut found = query.query(params![agency.as_str(), integer(limit)])?;
            let mut all = Vec::new();
            while let Some(row) = found.next()? {
                all.push(rows::consignment(row, 0)?);
            }
            Ok(all)
        })
        .await
    }

    async fn canaries_counted(&self, since: Instant) -> Result<Amounts> {
        self.read(move |db| {
            let query = "SELECT c.state, count(*) FROM packets p JOIN consignments c ON c.packet = p.id
                         WHERE p.kind = 'canary' AND p.received_at >= ?1 GROUP BY c.state";
            let mut query = db.prepare_cached(query)?;
            let mut found = query.query([since.as_millis()])?;
            let mut counted = Amounts::default();
            while let Some(row) = found.next()? {
                let number: i64 = row.get(1)?;
                let place = match rows::state(row, 0)? {
                    // These the books count nowhere.
                    ConsignmentState::Offered | ConsignmentState::Withdrawn => continue,
                    ConsignmentState::HandedOver => &mut counted.handed_over,
                    ConsignmentState::Refused | ConsignmentState::Rejected => &mut counted.refused,
                    ConsignmentState::Failed => &mut counted.failed,
                    ConsignmentState::PassedOutside => &mut counted.passed_outside,
                    ConsignmentState::Queued
                    | ConsignmentState::Relayed
                    | ConsignmentState::Consigned
                    | ConsignmentState::Outside => &mut counted.in_flight,
                };
                *place += number;
                counted.accepted += number;
            }
            Ok(counted)
        })
        .await
    }
}

fn sent(row: &Row<'_>) -> Result<Sent> {
    let (at, handed_over): (Option<i64>, bool) = (row.get(4)?, row.get(5)?);
    Ok(Sent {
        doc_id: rows::doc_id(row, 0)?,
        consignment: rows::consignment(row, 1)?,
        recipient: rows::agency(row, 2)?,
        sent_at: rows::instant(row, 3)?,
        ended: at.map(|at| (Instant::from_millis(at), handed_over)),
    })
}
