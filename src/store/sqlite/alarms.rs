//! Alarms and notices: few rows, each a JSON object.

use async_trait::async_trait;
use lienthong_contract::Instant;
use rusqlite::{Connection, Row, Rows, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::alarms::{AlarmStore, Queued};
use super::super::queues::Waiting;
use super::super::{Error, Result};
use super::SqliteStore;
use super::rows::integer;
use crate::alarms::rules::{Kept, Name, Notice};
use crate::rules::findings::SECRECY_MARK;

/// The most headers of signatures that are read: a neighbour has a new one every year or so.
const MAX_HEADERS: usize = 10_000;

#[async_trait]
impl AlarmStore for SqliteStore {
    async fn remembered(&self) -> Result<Vec<Kept>> {
        self.read(|db| {
            let mut query = db.prepare_cached("SELECT body FROM alarms")?;
            let mut found = query.query([])?;
            let mut all = Vec::new();
            while let Some(row) = found.next()? {
                all.push(read(&row.get::<_, String>(0)?)?);
            }
            Ok(all)
        })
        .await
    }

    async fn remember(&self, changed: Vec<(Name, Option<Kept>)>, notices: Vec<Notice>) -> Result<()> {
        self.writer.write(move |db| remember(db, &changed, &notices)).await
    }

    async fn due_notices(&self, now: Instant) -> Result<Vec<Queued>> {
        self.read(move |db| {
            let query = format!(
                "SELECT {NOTICE} FROM notices WHERE id IN
                    (SELECT min(id) FROM notices WHERE due_at IS NOT NULL GROUP BY recipient)
                 AND due_at <= ?1 ORDER BY id"
            );
            queued(db.prepare_cached(&query)?.query([now.as_millis()])?)
        })
        .await
    }

    async fn notice_done(&self, row: i64, sent: Option<Instant>) -> Result<()> {
        let done = "UPDATE notices SET due_at = NULL, sent_at = ?2 WHERE id = ?1";
        let sent = sent.map(Instant::as_millis);
        self.writer.write(move |db| Ok(db.prepare_cached(done)?.execute(params![row, sent]).map(|_| ())?)).await
    }

    async fn notice_failed(&self, row: i64, error: String, next: Instant) -> Result<()> {
        let failed = "UPDATE notices SET due_at = ?2, error = ?3, attempts = attempts + 1 WHERE id = ?1";
        let next = next.as_millis();
        self.writer
            .write(move |db| Ok(db.prepare_cached(failed)?.execute(params![row, next, error]).map(|_| ())?))
            .await
    }

    async fn waiting_notices(&self) -> Result<Vec<(String, Waiting)>> {
        self.read(|db| {
            let query =
                "SELECT recipient, count(*), min(made_at) FROM notices WHERE due_at IS NOT NULL GROUP BY recipient";
            let mut query = db.prepare_cached(query)?;
            let mut found = query.query([])?;
            let mut all = Vec::new();
            while let Some(row) = found.next()? {
                all.push((row.get(0)?, waiting(row, 1)?));
            }
            Ok(all)
        })
        .await
    }

    async fn last_notices(&self, since: Instant, limit: usize) -> Result<Vec<Queued>> {
        self.read(move |db| {
            let query =
                format!("SELECT {NOTICE} FROM notices WHERE made_at >= ?1 ORDER BY made_at DESC, id DESC LIMIT ?2");
            queued(db.prepare_cached(&query)?.query(params![since.as_millis(), integer(limit)])?)
        })
        .await
    }

    async fn forget_notices(&self, before: Instant) -> Result<()> {
        let forget = "DELETE FROM notices WHERE due_at IS NULL AND made_at < ?1";
        let before = before.as_millis();
        self.writer.write(move |db| Ok(db.prepare_cached(forget)?.execute([before]).map(|_| ())?)).await
    }

    async fn secrets_refused(&self, since: Instant) -> Result<Waiting> {
        self.read(move |db| {
            // They stand in the order of their times.
            let query = "SELECT count(*), min(time) FROM refusals
                         WHERE id > coalesce((SELECT id FROM refusals WHERE time < ?1 ORDER BY id DESC LIMIT 1), 0)
                           AND instr(findings, ?2) > 0";
            let code = format!("\"{}\"", SECRECY_MARK.code);
            Ok(db.prepare_cached(query)?.query_row(params![since.as_millis(), code], |row| waiting(row, 0))?)
        })
        .await
    }

    async fn signature_headers(&self) -> Result<Vec<String>> {
        self.read(|db| {
            let mut query = db.prepare_cached("SELECT header FROM signers ORDER BY id DESC LIMIT ?1")?;
            let headers = query.query_map([integer(MAX_HEADERS)], |row| row.get(0))?;
            Ok(headers.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

const NOTICE: &str = "id, body, attempts, error, sent_at";

fn remember(db: &Connection, changed: &[(Name, Option<Kept>)], notices: &[Notice]) -> Result<()> {
    for ((kind, subject), kept) in changed {
        match kept {
            Some(kept) => {
                let put = "INSERT INTO alarms (kind, subject, body) VALUES (?1, ?2, ?3)
                           ON CONFLICT (kind, subject) DO UPDATE SET body = excluded.body";
                db.prepare_cached(put)?.execute(params![kind.as_str(), subject, write(kept)?])?;
            }
            None => {
                let forget = "DELETE FROM alarms WHERE kind = ?1 AND subject = ?2";
                db.prepare_cached(forget)?.execute(params![kind.as_str(), subject])?;
            }
        }
    }
    for notice in notices {
        let put = "INSERT INTO notices (recipient, body, made_at, due_at) VALUES (?1, ?2, ?3, ?3)";
        db.prepare_cached(put)?.execute(params![notice.to.name(), write(notice)?, notice.at.as_millis()])?;
    }
    Ok(())
}

fn queued(mut found: Rows<'_>) -> Result<Vec<Queued>> {
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        all.push(Queued {
            row: row.get(0)?,
            notice: read(&row.get::<_, String>(1)?)?,
            attempts: row.get(2)?,
            error: row.get(3)?,
            sent: row.get::<_, Option<i64>>(4)?.map(Instant::from_millis),
        });
    }
    Ok(all)
}

fn waiting(row: &Row<'_>, from: usize) -> rusqlite::Result<Waiting> {
    let count = u64::try_from(row.get::<_, i64>(from)?).unwrap_or(0);
    let oldest = row.get::<_, Option<i64>>(from + 1)?.map(Instant::from_millis);
    Ok(Waiting { count, oldest })
}

fn write<T: Serialize>(what: &T) -> Result<String> {
    serde_json::to_string(what).map_err(|error| Error::Corrupt(error.to_string()))
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Corrupt(error.to_string()))
}
