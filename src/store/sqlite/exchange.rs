//! Mailboxes by docId, see [`ExchangeStore`].

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::exchange::{MailItem, MailKind, TransportState};
use lienthong_contract::{AgencyCode, ConsignmentId, DocId, Instant};

use super::super::exchange::{ExchangeStore, Sought};
use super::super::{PacketKind, Result};
use super::SqliteStore;
use super::rows::{self, integer};

#[async_trait]
impl ExchangeStore for SqliteStore {
    async fn received(&self, sought: Sought, limit: usize) -> Result<Vec<MailItem>> {
        self.read(move |db| received(db, &sought, limit)).await
    }

    async fn waiting(&self, agencies: Vec<AgencyCode>, kind: PacketKind) -> Result<u64> {
        self.read(move |db| waiting(db, &agencies, kind)).await
    }

    async fn in_mailboxes(&self, doc_id: DocId) -> Result<Vec<(ConsignmentId, AgencyCode)>> {
        self.read(move |db| in_mailboxes(db, doc_id)).await
    }

    async fn works_on(&self, id: ConsignmentId, since: Option<Instant>) -> Result<bool> {
        self.writer.write(move |db| works_on(db, id, since)).await
    }

    async fn sent(&self, sought: Sought, limit: usize) -> Result<Vec<DocId>> {
        self.read(move |db| sent(db, &sought, limit)).await
    }
}

const ITEM: &str = "c.id, c.doc_id, p.kind, p.document_id, p.sender, c.recipient, p.subject, p.code, c.arrived_at,
                    c.processing_at, c.state, c.head, c.packet, c.seq";

fn received(db: &Connection, sought: &Sought, limit: usize) -> Result<Vec<MailItem>> {
    let open = "c.state = 'consigned' ORDER BY c.urgent DESC, c.seq";
    let within = "c.state NOT IN ('offered', 'withdrawn', 'rejected') AND c.arrived_at BETWEEN ?4 AND ?5
                  ORDER BY c.state <> 'consigned', c.arrived_at, c.seq";
    let which = if sought.window.is_some() { within } else { open };
    let query = format!(
        "SELECT {ITEM} FROM consignments c JOIN packets p ON p.id = c.packet
         WHERE c.recipient = ?1 AND c.next_hop IS NULL AND (?2 IS NULL OR p.kind = ?2) AND {which} LIMIT ?3"
    );
    let mut query = db.prepare_cached(&query)?;
    let mut items = Vec::new();
    for agency in &sought.agencies {
        let (agency, kind, limit) = (agency.as_str(), sought.kind.map(PacketKind::as_str), integer(limit));
        let mut found = match sought.window {
            None => query.query(params![agency, kind, limit])?,
            Some((from, to)) => query.query(params![agency, kind, limit, from.as_millis(), to.as_millis()])?,
        };
        while let Some(row) = found.next()? {
            items.push(item(db, row)?);
        }
    }
    // Arrivals are numbered in their order; the time says the same, and is what is shown.
    items.sort_by_key(|(item, seq): &(MailItem, i64)| (item.arrived_at, *seq));
    if items.len() > limit {
        // Cut off anywhere, a list would hide what still waits: what has ended goes first.
        let waits = |item: &MailItem| matches!(item.state, TransportState::Initial | TransportState::Processing);
        items.sort_by_key(|(item, _)| !waits(item));
        items.truncate(limit);
        items.sort_by_key(|(item, seq)| (item.arrived_at, *seq));
    }
    Ok(items.into_iter().map(|(item, _)| item).collect())
}

fn item(db: &Connection, row: &Row<'_>) -> Result<(MailItem, i64)> {
    let kind: String = row.get(2)?;
    let arrived_at = rows::instant(row, 8)?;
    let since = row.get::<_, Option<i64>>(9)?.map(Instant::from_millis);
    let seq: i64 = row.get(13)?;
    let (state, updated_at) = match (rows::state(row, 10)?, since) {
        (ConsignmentState::Consigned, None) => (TransportState::Initial, arrived_at),
        (ConsignmentState::Consigned, Some(since)) => (TransportState::Processing, since),
        (ended, _) => {
            let end = rows::receipt(db, row.get(12)?, seq, rows::digest(row, 11)?)?;
            let end = end.map(|jws| rows::read(&jws)).transpose()?.map(|end| end.receipt.time);
            let taken = ended == ConsignmentState::HandedOver;
            (if taken { TransportState::Done } else { TransportState::Fail }, end.unwrap_or(arrived_at))
        }
    };
    let item = MailItem {
        id: rows::consignment(row, 0)?,
        doc_id: rows::doc_id(row, 1)?,
        kind: if kind == PacketKind::Status.as_str() { MailKind::Status } else { MailKind::Document },
        document_id: row.get(3)?,
        from: rows::agency(row, 4)?,
        recipient: rows::agency(row, 5)?,
        subject: row.get(6)?,
        code: row.get(7)?,
        arrived_at,
        updated_at,
        state,
    };
    Ok((item, seq))
}

fn waiting(db: &Connection, agencies: &[AgencyCode], kind: PacketKind) -> Result<u64> {
    let query = "SELECT count(*) FROM consignments c JOIN packets p ON p.id = c.packet
                 WHERE c.recipient = ?1 AND c.state = 'consigned' AND c.next_hop IS NULL AND p.kind = ?2";
    let mut query = db.prepare_cached(query)?;
    agencies.iter().try_fold(0_u64, |sum, agency| {
        let count: i64 = query.query_row(params![agency.as_str(), kind.as_str()], |row| row.get(0))?;
        Ok(sum.saturating_add(u64::try_from(count).unwrap_or_default()))
    })
}

fn in_mailboxes(db: &Connection, doc_id: DocId) -> Result<Vec<(ConsignmentId, AgencyCode)>> {
    let query = "SELECT id, recipient FROM consignments WHERE doc_id = ?1 AND next_hop IS NULL
                 AND state NOT IN ('offered', 'withdrawn', 'rejected') ORDER BY seq";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![doc_id.as_bytes()])?;
    let mut here = Vec::new();
    while let Some(row) = found.next()? {
        here.push((rows::consignment(row, 0)?, rows::agency(row, 1)?));
    }
    Ok(here)
}

fn works_on(db: &Connection, id: ConsignmentId, since: Option<Instant>) -> Result<bool> {
    let update = "UPDATE consignments SET processing_at = iif(?2 IS NULL, NULL, coalesce(processing_at, ?2))
                  WHERE id = ?1 AND state = 'consigned' AND next_hop IS NULL";
    let since = since.map(Instant::as_millis);
    Ok(db.prepare_cached(update)?.execute(params![id.as_bytes(), since])? > 0)
}

fn sent(db: &Connection, sought: &Sought, limit: usize) -> Result<Vec<DocId>> {
    let query = "SELECT doc_id, received_at FROM packets WHERE sender = ?1 AND received_at BETWEEN ?3 AND ?4
                 AND (?2 IS NULL OR kind = ?2) ORDER BY received_at DESC LIMIT ?5";
    let mut query = db.prepare_cached(query)?;
    let (from, to) = sought.window.map_or((0, i64::MAX), |(from, to)| (from.as_millis(), to.as_millis()));
    let kind = sought.kind.map(PacketKind::as_str);
    let mut newest = Vec::new();
    for agency in &sought.agencies {
        let mut found = query.query(params![agency.as_str(), kind, from, to, integer(limit)])?;
        while let Some(row) = found.next()? {
            newest.push((row.get::<_, i64>(1)?, rows::doc_id(row, 0)?));
        }
    }
    newest.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
    newest.truncate(limit);
    Ok(newest.into_iter().map(|(_, doc_id)| doc_id).collect())
}
