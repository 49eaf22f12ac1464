//! What waits, read from the queues and their indexes.

use rusqlite::Connection;

use lienthong_contract::{HopName, Instant};

use super::super::queues::{Queues, Waiting};
use super::super::{Error, Result};
use super::{rows, statements};
use crate::books::statement::{ALARM_AGE, HORIZON, number_of};

/// See [`super::super::queues::QueueStore::queues`].
pub fn queues(db: &Connection, now: Instant) -> Result<Queues> {
    let db = db.unchecked_transaction()?;
    let today = number_of(now.in_vietnam().date());
    Ok(Queues {
        outbox: outbox(&db)?,
        receipts: by_hop(&db, "SELECT hop, count(*) FROM receipt_outbox GROUP BY hop")?,
        mailboxes: Waiting::default(),
        untold: Vec::new(),
        differences: by_hop(&db, "SELECT peer, count(*) FROM link_differences GROUP BY peer")?,
        days_open: statements::open_days(&db, (today - HORIZON, today - ALARM_AGE))?,
        strays: by_hop(&db, "SELECT hop, number FROM stray_counts")?,
        cosigned: db
            .prepare_cached("SELECT coalesce(max(size), 0) FROM ledger_shown WHERE cosignatures > 0")?
            .query_row([], |row| Ok(positive(row.get(0)?)))?,
    })
}

fn outbox(db: &Connection) -> Result<Vec<(HopName, bool, Waiting)>> {
    let query = "SELECT o.hop, o.urgent, o.number, p.received_at
                 FROM (SELECT hop, urgent, count(*) AS number, min(id) AS first FROM outbox GROUP BY hop, urgent) o
                 JOIN outbox f ON f.id = o.first JOIN packets p ON p.id = f.packet";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query([])?;
    let mut queues = Vec::new();
    while let Some(row) = found.next()? {
        let waiting = Waiting { count: positive(row.get(2)?), oldest: Some(rows::instant(row, 3)?) };
        queues.push((hop(row)?, row.get(1)?, waiting));
    }
    Ok(queues)
}

/// See [`super::super::queues::QueueStore::mailboxes`].
pub fn mailboxes(db: &Connection) -> Result<Waiting> {
    let query = "SELECT number, (SELECT arrived_at FROM consignments WHERE seq = first)
                 FROM (SELECT count(*) AS number, min(seq) AS first FROM consignments
                       WHERE state = 'consigned' AND next_hop IS NULL)";
    let (count, oldest): (i64, Option<i64>) =
        db.prepare_cached(query)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Waiting { count: positive(count), oldest: oldest.map(Instant::from_millis) })
}

fn by_hop(db: &Connection, query: &str) -> Result<Vec<(HopName, u64)>> {
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query([])?;
    let mut counts = Vec::new();
    while let Some(row) = found.next()? {
        counts.push((hop(row)?, positive(row.get(1)?)));
    }
    Ok(counts)
}

fn hop(row: &rusqlite::Row<'_>) -> Result<HopName> {
    rows::hop(row, 0)?.ok_or_else(|| Error::Corrupt("a queue of no hop".to_owned()))
}

fn positive(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
