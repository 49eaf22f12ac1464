//! Agencies as they were told, and registrations; see [`RegistryStore`].

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use lienthong_contract::catalogue::ListedAgency;
use lienthong_contract::{AgencyCode, Instant};

use super::super::registry::{Action, AgencyNow, Asked, Grant, Registration, RegistryStore};
use super::super::{Error, Result};
use super::SqliteStore;
use super::rows::{self, integer};

#[async_trait]
impl RegistryStore for SqliteStore {
    async fn list_agencies(&self, agencies: Vec<AgencyNow>, now: Instant) -> Result<usize> {
        // Compared beside the writer, which then writes only what differs: usually nothing, of a hundred thousand.
        let changed = self.read(move |db| changed(db, agencies)).await?;
        if changed.is_empty() {
            return Ok(0);
        }
        self.writer.write(move |db| write(db, &changed, now)).await
    }

    async fn listed(&self, after: Option<AgencyCode>, limit: usize) -> Result<Vec<ListedAgency>> {
        self.read(move |db| listed(db, after.as_ref(), limit)).await
    }

    async fn ask(&self, asked: Asked, most: usize) -> Result<bool> {
        self.writer.write(move |db| ask(db, &asked, most)).await
    }

    async fn registrations(&self, all: bool) -> Result<Vec<Registration>> {
        self.read(move |db| registrations(db, all)).await
    }

    async fn decide(&self, id: u64, accept: bool, reason: Option<String>, now: Instant) -> Result<bool> {
        self.writer.write(move |db| decide(db, id, accept, reason.as_deref(), now)).await
    }

    async fn grants(&self) -> Result<Vec<Grant>> {
        self.read(grants).await
    }
}

const ROW: &str = "code, old_code, name, parent, mail, closed, version, modified_at";

fn listed_row(row: &Row<'_>) -> Result<ListedAgency> {
    Ok(ListedAgency {
        code: rows::agency(row, 0)?,
        old_code: maybe(row, 1)?,
        name: row.get(2)?,
        parent: maybe(row, 3)?,
        mail: row.get(4)?,
        closed: row.get(5)?,
        version: row.get(6)?,
        modified_at: rows::instant(row, 7)?,
    })
}

fn maybe(row: &Row<'_>, column: usize) -> Result<Option<AgencyCode>> {
    Ok(if row.get_ref(column)?.as_str().is_ok() { Some(rows::agency(row, column)?) } else { None })
}

fn listed(db: &Connection, after: Option<&AgencyCode>, limit: usize) -> Result<Vec<ListedAgency>> {
    let mut query =
        db.prepare_cached(&format!("SELECT {ROW} FROM listed_agencies WHERE code > ?1 ORDER BY code LIMIT ?2"))?;
    let mut found = query.query(params![after.map_or("", AgencyCode::as_str), integer(limit)])?;
    let mut page = Vec::new();
    while let Some(row) = found.next()? {
        page.push(listed_row(row)?);
    }
    Ok(page)
}

/// What is to be written so that the list says what the directory says. Both are in order of code.
fn changed(db: &Connection, agencies: Vec<AgencyNow>) -> Result<Vec<AgencyNow>> {
    let mut query = db.prepare_cached(&format!("SELECT {ROW} FROM listed_agencies ORDER BY code"))?;
    let mut found = query.query([])?;
    let mut next = || found.next()?.map(|row| listed_row(row)).transpose();
    let (mut told, mut changed) = (next()?, Vec::new());
    for agency in agencies {
        while let Some(gone) = told.take_if(|told| told.code < agency.code) {
            changed.extend(closed(gone));
            told = next()?;
        }
        match told.take_if(|told| told.code == agency.code) {
            Some(same) => {
                if now(&same) != agency {
                    changed.push(agency);
                }
                told = next()?;
            }
            None => changed.push(agency),
        }
    }
    while let Some(gone) = told {
        changed.extend(closed(gone));
        told = next()?;
    }
    Ok(changed)
}

fn now(told: &ListedAgency) -> AgencyNow {
    let ListedAgency { code, old_code, name, parent, mail, closed, .. } = told.clone();
    AgencyNow { code, old_code, name, parent, mail, closed }
}

/// An agency that is no longer in the directory, unless that was said before.
fn closed(gone: ListedAgency) -> Option<AgencyNow> {
    (!gone.closed).then(|| AgencyNow { closed: true, ..now(&gone) })
}

fn write(db: &Connection, changed: &[AgencyNow], now: Instant) -> Result<usize> {
    let last: i64 = db.query_row("SELECT coalesce(max(version), 0) FROM listed_agencies", [], |row| row.get(0))?;
    let mut insert = db.prepare_cached(&format!(
        "INSERT OR REPLACE INTO listed_agencies ({ROW}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
    ))?;
    for agency in changed {
        let code = |code: &Option<AgencyCode>| code.as_ref().map(ToString::to_string);
        let (old, parent) = (code(&agency.old_code), code(&agency.parent));
        let (mail, closed) = (&agency.mail, agency.closed);
        let (version, time) = (last.saturating_add(1), now.as_millis());
        insert.execute(params![agency.code.as_str(), old, agency.name, parent, mail, closed, version, time])?;
    }
    Ok(changed.len())
}

fn ask(db: &Connection, asked: &Asked, most: usize) -> Result<bool> {
    let same = "SELECT 1 FROM registrations
                WHERE state = 'waiting' AND system = ?1 AND action = ?2 AND code = ?3 AND details = ?4";
    let key = params![asked.system, asked.action.as_str(), asked.code.as_str(), asked.details];
    if db.prepare_cached(same)?.exists(key)? {
        return Ok(true);
    }
    let count = "SELECT count(*) FROM registrations WHERE state = 'waiting' AND system = ?1";
    let waiting: i64 = db.prepare_cached(count)?.query_row([&asked.system], |row| row.get(0))?;
    if waiting >= integer(most) {
        return Ok(false);
    }
    let insert = "INSERT INTO registrations (system, door, address, action, code, details, asked_at)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let (action, code, at) = (asked.action.as_str(), asked.code.as_str(), asked.asked_at.as_millis());
    db.prepare_cached(insert)?.execute(params![
        asked.system,
        asked.door,
        asked.address,
        action,
        code,
        asked.details,
        at
    ])?;
    Ok(true)
}

fn action(row: &Row<'_>, column: usize) -> Result<Action> {
    match row.get_ref(column)?.as_str() {
        Ok("register") => Ok(Action::Register),
        Ok("withdraw") => Ok(Action::Withdraw),
        _ => Err(Error::Corrupt("a registration of no kind".to_owned())),
    }
}

fn registrations(db: &Connection, all: bool) -> Result<Vec<Registration>> {
    let query = "SELECT id, system, door, address, action, code, details, asked_at, state, decided_at, reason
                 FROM registrations WHERE ?1 OR state = 'waiting' ORDER BY id";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query([all])?;
    let mut list = Vec::new();
    while let Some(row) = found.next()? {
        list.push(Registration {
            id: rows::size(row, 0)?,
            asked: Asked {
                system: row.get(1)?,
                door: row.get(2)?,
                address: row.get(3)?,
                action: action(row, 4)?,
                code: rows::agency(row, 5)?,
                details: row.get(6)?,
                asked_at: rows::instant(row, 7)?,
            },
            state: row.get(8)?,
            decided_at: row.get::<_, Option<i64>>(9)?.map(Instant::from_millis),
            reason: row.get(10)?,
        });
    }
    Ok(list)
}

fn decide(db: &Connection, id: u64, accept: bool, reason: Option<&str>, now: Instant) -> Result<bool> {
    let last = "SELECT max(decision) FROM registrations";
    let last: Option<i64> = db.prepare_cached(last)?.query_row([], |row| row.get(0)).optional()?.flatten();
    let update = "UPDATE registrations SET state = ?2, decision = ?3, decided_at = ?4, reason = ?5
                  WHERE id = ?1 AND state = 'waiting'";
    let state = if accept { "accepted" } else { "rejected" };
    let decision = last.unwrap_or(0).saturating_add(1);
    let done = db.prepare_cached(update)?.execute(params![integer(id), state, decision, now.as_millis(), reason])?;
    Ok(done > 0)
}

fn grants(db: &Connection) -> Result<Vec<Grant>> {
    let query = "SELECT system, action, code FROM registrations
                 WHERE decision IS NOT NULL AND state = 'accepted' ORDER BY decision";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query([])?;
    let mut grants = Vec::new();
    while let Some(row) = found.next()? {
        grants.push(Grant { system: row.get(0)?, action: action(row, 1)?, code: rows::agency(row, 2)? });
    }
    Ok(grants)
}
