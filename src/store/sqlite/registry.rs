//! Agencies as they were told, and registrations; see [`RegistryStore`].

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use lienthong_contract::catalogue::ListedAgency;
use lienthong_contract::outlet::Rolled;
use lienthong_contract::{AgencyCode, HopName, Instant};

use super::super::registry::{Action, AgencyNow, Asked, Grant, OutsideList, Registration, RegistryStore};
use super::super::{Error, Result};
use super::SqliteStore;
use super::rows::{self, integer};

/// A list of a system outside that has not even this part of the one before is doubtful.
const LEAST_KEPT: usize = 10;

#[async_trait]
impl RegistryStore for SqliteStore {
    async fn list_agencies(&self, agencies: Vec<AgencyNow>, now: Instant) -> Result<usize> {
        // Compared beside the writer, which then writes only what differs: usually nothing, of a hundred thousand.
        let changed = self.read(move |db| Ok(changed(listed(db, None, usize::MAX)?, agencies))).await?;
        if changed.is_empty() {
            return Ok(0);
        }
        self.writer.write(move |db| write(db, None, &changed, now)).await
    }

    async fn list_outside(&self, outlet: &HopName, agencies: Vec<AgencyNow>, now: Instant) -> Result<Rolled> {
        let (read, written) = (outlet.clone(), outlet.clone());
        let compared = self.read(move |db| {
            let told = outside(db, &read)?;
            let in_force = |closed: bool| usize::from(!closed);
            let before: usize = told.iter().map(|agency| in_force(agency.closed)).sum();
            let now: usize = agencies.iter().map(|agency| in_force(agency.closed)).sum();
            let doubtful = now < before.div_ceil(LEAST_KEPT);
            Ok(if doubtful { Err(Rolled::Doubtful { before, now }) } else { Ok(changed(told, agencies)) })
        });
        let changed = match compared.await? {
            Ok(changed) => changed,
            Err(doubtful) => return Ok(doubtful),
        };
        let changed = self.writer.write(move |db| {
            let taken = "INSERT OR REPLACE INTO outside_lists (outlet, taken_at) VALUES (?1, ?2)";
            db.prepare_cached(taken)?.execute(params![written.as_str(), now.as_millis()])?;
            write(db, Some(&written), &changed, now)
        });
        Ok(Rolled::Kept { changed: changed.await? })
    }

    async fn outside_taken(&self) -> Result<Vec<(HopName, Instant)>> {
        self.read(outside_taken).await
    }

    async fn outside_lists(&self) -> Result<Vec<OutsideList>> {
        self.read(outside_lists).await
    }

    async fn outside(&self, outlet: &HopName) -> Result<Vec<ListedAgency>> {
        let outlet = outlet.clone();
        self.read(move |db| outside(db, &outlet)).await
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

fn outside(db: &Connection, outlet: &HopName) -> Result<Vec<ListedAgency>> {
    let query = format!("SELECT {ROW} FROM outside_agencies WHERE outlet = ?1 ORDER BY code");
    let mut query = db.prepare_cached(&query)?;
    let mut found = query.query([outlet.as_str()])?;
    let mut list = Vec::new();
    while let Some(row) = found.next()? {
        list.push(listed_row(row)?);
    }
    Ok(list)
}

fn outside_taken(db: &Connection) -> Result<Vec<(HopName, Instant)>> {
    let mut query = db.prepare_cached("SELECT outlet, taken_at FROM outside_lists ORDER BY outlet")?;
    let mut found = query.query([])?;
    let mut taken = Vec::new();
    while let Some(row) = found.next()? {
        let outlet = rows::hop(row, 0)?.ok_or_else(|| Error::Corrupt("a list of nobody".to_owned()))?;
        taken.push((outlet, rows::instant(row, 1)?));
    }
    Ok(taken)
}

fn outside_lists(db: &Connection) -> Result<Vec<OutsideList>> {
    let query = "SELECT l.outlet, l.taken_at, count(a.code), coalesce(sum(a.closed), 0)
                 FROM outside_lists l LEFT JOIN outside_agencies a ON a.outlet = l.outlet GROUP BY l.outlet";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query([])?;
    let mut lists = Vec::new();
    while let Some(row) = found.next()? {
        let (all, closed) = (rows::size(row, 2)?, rows::size(row, 3)?);
        let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        lists.push(OutsideList {
            outlet: rows::hop(row, 0)?.ok_or_else(|| Error::Corrupt("a list of nobody".to_owned()))?,
            taken_at: rows::instant(row, 1)?,
            in_force: count(all.saturating_sub(closed)),
            closed: count(closed),
        });
    }
    Ok(lists)
}

/// What is to be written so that the list says what the directory says. Both are in order of code.
fn changed(told: Vec<ListedAgency>, agencies: Vec<AgencyNow>) -> Vec<AgencyNow> {
    let (mut told, mut changed) = (told.into_iter().peekable(), Vec::new());
    for agency in agencies {
        while let Some(gone) = told.next_if(|told| told.code < agency.code) {
            changed.extend(closed(gone));
        }
        match told.next_if(|told| told.code == agency.code) {
            Some(same) if now(&same) == agency => {}
            _ => changed.push(agency),
        }
    }
    changed.extend(told.filter_map(closed));
    changed
}

fn now(told: &ListedAgency) -> AgencyNow {
    let ListedAgency { code, old_code, name, parent, mail, closed, .. } = told.clone();
    AgencyNow { code, old_code, name, parent, mail, closed }
}

/// An agency that is no longer in the directory, unless that was said before.
fn closed(gone: ListedAgency) -> Option<AgencyNow> {
    (!gone.closed).then(|| AgencyNow { closed: true, ..now(&gone) })
}

/// Writes into the list that systems read, or into that of a system outside.
fn write(db: &Connection, outlet: Option<&HopName>, changed: &[AgencyNow], now: Instant) -> Result<usize> {
    let table = if outlet.is_some() { "outside_agencies" } else { "listed_agencies" };
    let last = format!("SELECT coalesce(max(version), 0) FROM {table}");
    let last: i64 = db.query_row(&last, [], |row| row.get(0))?;
    let (column, place) = if outlet.is_some() { (", outlet", ", ?9") } else { ("", "") };
    let mut insert = db.prepare_cached(&format!(
        "INSERT OR REPLACE INTO {table} ({ROW}{column}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8{place})"
    ))?;
    for agency in changed {
        let code = |code: &Option<AgencyCode>| code.as_ref().map(ToString::to_string);
        let (old, parent) = (code(&agency.old_code), code(&agency.parent));
        let (mail, closed) = (&agency.mail, agency.closed);
        let (version, time) = (last.saturating_add(1), now.as_millis());
        let code = agency.code.as_str();
        match outlet {
            None => insert.execute(params![code, old, agency.name, parent, mail, closed, version, time])?,
            Some(outlet) => {
                let outlet = outlet.as_str();
                insert.execute(params![code, old, agency.name, parent, mail, closed, version, time, outlet])?
            }
        };
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
