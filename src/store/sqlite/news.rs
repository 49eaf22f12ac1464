//! News: found among the receipts in the order in which they were stored, kept until it was told.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use lienthong_contract::{AgencyCode, Digest, Instant};

use super::super::news::{Gathered, Subscription};
use super::super::queues::Waiting;
use super::super::{Error, Result};
use super::rows::{self, integer};
use crate::news::{Item, What};

/// See [`super::super::news::NewsStore::subscribe`].
pub fn subscribe(db: &Connection, names: &[String]) -> Result<()> {
    let known = names_of(db)?;
    for gone in known.iter().filter(|name| !names.contains(name)) {
        db.prepare_cached("DELETE FROM news WHERE subscriber = ?1")?.execute([gone])?;
        db.prepare_cached("DELETE FROM subscribers WHERE name = ?1")?.execute([gone])?;
    }
    // Nobody wanted any: what happened meanwhile was looked at by nobody, and is news to nobody.
    if !known.iter().any(|name| names.contains(name)) {
        db.prepare_cached("UPDATE news_head SET receipts = (SELECT coalesce(max(seq), 0) FROM receipts)")?
            .execute([])?;
    }
    for name in names {
        let new = "INSERT OR IGNORE INTO subscribers (name, since)
                   SELECT ?1, coalesce(max(seq), 0) FROM receipts";
        db.prepare_cached(new)?.execute([name])?;
    }
    Ok(())
}

fn names_of(db: &Connection) -> Result<Vec<String>> {
    let mut query = db.prepare_cached("SELECT name FROM subscribers")?;
    let names = query.query_map([], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// Whether there are receipts that were not looked at.
pub fn anything_new(db: &Connection) -> Result<bool> {
    let query = "SELECT coalesce((SELECT max(seq) FROM receipts), 0) > receipts FROM news_head";
    Ok(db.prepare_cached(query)?.query_row([], |row| row.get(0))?)
}

/// A receipt with what makes it news.
struct Seen {
    seq: i64,
    packet: i64,
    consignment: i64,
    arrives: bool,
    recipient: AgencyCode,
    sender: AgencyCode,
    ended: bool,
    head: Digest,
}

/// See [`super::super::news::NewsStore::gather`].
pub fn gather(db: &Connection, subscriptions: &[Subscription], now: Instant, limit: usize) -> Result<Gathered> {
    let after: i64 = db.prepare_cached("SELECT receipts FROM news_head")?.query_row([], |row| row.get(0))?;
    let upper = "SELECT max(seq), count(*) FROM (SELECT seq FROM receipts WHERE seq > ?1 ORDER BY seq LIMIT ?2)";
    let (upper, looked): (Option<i64>, i64) =
        db.prepare_cached(upper)?.query_row(params![after, integer(limit)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some(upper) = upper else { return Ok(Gathered::default()) };
    let of: HashMap<&str, Vec<&str>> = by_agency(subscriptions);
    let mut found = 0;
    for seen in seen(db, after, upper)? {
        let mut keep = |agency: &AgencyCode, what: What| -> Result<()> {
            for name in of.get(agency.as_str()).into_iter().flatten() {
                found += insert(db, name, &seen, (agency, what), now)?;
            }
            Ok(())
        };
        if seen.arrives {
            keep(&seen.recipient, What::Arrived)?;
        }
        if seen.ended && of.contains_key(seen.sender.as_str()) && completes(db, &seen)? {
            keep(&seen.sender, What::Ended)?;
        }
    }
    db.prepare_cached("UPDATE news_head SET receipts = ?1")?.execute([upper])?;
    Ok(Gathered { found, more: looked >= integer(limit) })
}

fn by_agency(subscriptions: &[Subscription]) -> HashMap<&str, Vec<&str>> {
    let mut of: HashMap<&str, Vec<&str>> = HashMap::new();
    for subscription in subscriptions {
        for agency in &subscription.agencies {
            let names = of.entry(agency.as_str()).or_default();
            if !names.contains(&subscription.name.as_str()) {
                names.push(&subscription.name);
            }
        }
    }
    of
}

fn seen(db: &Connection, after: i64, upper: i64) -> Result<Vec<Seen>> {
    let query = "SELECT r.seq, r.packet, r.consignment,
                        r.own = 1 AND r.event = 'ContentConsignment' AND c.next_hop IS NULL,
                        c.recipient, p.sender, c.state, c.head
                 FROM receipts r JOIN consignments c ON c.seq = r.consignment JOIN packets p ON p.id = r.packet
                 WHERE r.seq > ?1 AND r.seq <= ?2 AND p.kind <> 'canary' ORDER BY r.seq";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![after, upper])?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        all.push(Seen {
            seq: row.get(0)?,
            packet: row.get(1)?,
            consignment: row.get(2)?,
            arrives: row.get(3)?,
            recipient: rows::agency(row, 4)?,
            sender: rows::agency(row, 5)?,
            ended: rows::state(row, 6)?.is_terminal(),
            head: rows::digest(row, 7)?,
        });
    }
    Ok(all)
}

/// Whether it is with this receipt that the chain up to the end came together. Receipts may come in any order, and those
/// that come after the end belong to no chain: so the end of each consignment is news once.
fn completes(db: &Connection, seen: &Seen) -> Result<bool> {
    let query = "SELECT digest, previous, seq FROM receipts WHERE packet = ?1 AND consignment = ?2";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![seen.packet, seen.consignment])?;
    let mut rest: HashMap<Digest, (Option<Digest>, i64)> = HashMap::new();
    while let Some(row) = found.next()? {
        let previous =
            if row.get_ref(1)? == rusqlite::types::ValueRef::Null { None } else { Some(rows::digest(row, 1)?) };
        rest.insert(rows::digest(row, 0)?, (previous, row.get(2)?));
    }
    let (mut wanted, mut last) = (Some(seen.head), 0);
    while let Some((previous, seq)) = wanted.and_then(|digest| rest.remove(&digest)) {
        last = last.max(seq);
        wanted = previous;
    }
    Ok(last == seen.seq)
}

fn insert(
    db: &Connection,
    subscriber: &str,
    seen: &Seen,
    (agency, what): (&AgencyCode, What),
    now: Instant,
) -> Result<usize> {
    let digest = match what {
        What::Arrived => db
            .prepare_cached("SELECT digest FROM receipts WHERE seq = ?1")?
            .query_row([seen.seq], |row| Ok(rows::digest(row, 0)))??,
        What::Ended => seen.head,
    };
    let query = "INSERT INTO news (subscriber, agency, what, consignment, receipt, at)
                 SELECT ?1, ?2, ?3, ?4, r.seq, ?6
                 FROM receipts r, subscribers s
                 WHERE r.packet = ?7 AND r.consignment = ?4 AND r.digest = ?5 AND s.name = ?1 AND ?8 > s.since";
    let values = params![
        subscriber,
        agency.as_str(),
        what.as_str(),
        seen.consignment,
        digest.as_bytes(),
        now.as_millis(),
        seen.packet,
        seen.seq
    ];
    Ok(db.prepare_cached(query)?.execute(values)?)
}

/// See [`super::super::news::NewsStore::news`].
pub fn news(db: &Connection, name: &str, limit: usize) -> Result<Vec<(i64, Item)>> {
    let query =
        "SELECT n.id, n.what, n.agency, r.digest, r.jws, c.id, c.doc_id, p.kind, p.document_id, p.code, p.sender,
                        c.recipient, p.urgency, p.size, c.state
                 FROM news n JOIN sealed r ON r.seq = n.receipt JOIN consignments c ON c.seq = n.consignment
                      JOIN packets p ON p.id = c.packet
                 WHERE n.subscriber = ?1 ORDER BY n.id LIMIT ?2";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![name, integer(limit)])?;
    let mut items = Vec::new();
    while let Some(row) = found.next()? {
        let word: String = row.get(1)?;
        let what = What::ALL.into_iter().find(|what| what.as_str() == word);
        let what = what.ok_or_else(|| Error::Corrupt(format!("{word:?} is no kind of news")))?;
        let receipt = rows::read(&row.get::<_, String>(4)?)?.receipt;
        let item = Item {
            id: rows::digest(row, 3)?,
            event: what,
            agency: rows::agency(row, 2)?,
            time: receipt.time,
            consignment: rows::consignment(row, 5)?,
            doc_id: rows::doc_id(row, 6)?,
            kind: row.get(7)?,
            document_id: row.get(8)?,
            code: row.get(9)?,
            from: rows::agency(row, 10)?,
            recipient: rows::agency(row, 11)?,
            urgency: row.get(12)?,
            size: rows::size(row, 13)?,
            state: if what == What::Ended { Some(rows::state(row, 14)?) } else { None },
            reason: receipt.reason.as_ref().map(|reason| reason.text.clone()),
        };
        items.push((row.get(0)?, item));
    }
    Ok(items)
}

/// See [`super::super::news::NewsStore::told`].
pub fn told(db: &Connection, name: &str, up_to: i64) -> Result<()> {
    db.prepare_cached("DELETE FROM news WHERE subscriber = ?1 AND id <= ?2")?.execute(params![name, up_to])?;
    Ok(())
}

/// See [`super::super::news::NewsStore::untold`].
pub fn untold(db: &Connection) -> Result<Vec<(String, Waiting)>> {
    names_of(db)?
        .into_iter()
        .map(|name| {
            let count: i64 = db
                .prepare_cached("SELECT count(*) FROM news WHERE subscriber = ?1")?
                .query_row([&name], |row| row.get(0))?;
            let oldest: Option<i64> = db
                .prepare_cached("SELECT at FROM news WHERE subscriber = ?1 ORDER BY id LIMIT 1")?
                .query_row([&name], |row| row.get(0))
                .optional()?;
            let waiting =
                Waiting { count: u64::try_from(count).unwrap_or(0), oldest: oldest.map(Instant::from_millis) };
            Ok((name, waiting))
        })
        .collect()
}
