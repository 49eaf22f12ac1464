//! The list of what crossed each link, kept from the receipts; and what the two ends do not agree on.
//!
//! The list follows the receipts by their numbers, some at a time, aside of every packet's way. What an acceptance is
//! worth (withdrawn, too late) is asked when the list is read, since it may change after the receipt came.

use rusqlite::{Connection, OptionalExtension, Row, params};

use lienthong_contract::digest::Hasher;
use lienthong_contract::{ConsignmentId, HopName};

use super::super::statements::{BUCKETS, Crossed, Crossing, Direction, LinkDifference, Sums, bucket};
use super::super::{Error, Result};
use super::rows::{self, integer};
use crate::receipts::Event;

const DAY_MILLIS: i64 = 86_400_000;
/// Vietnam is seven hours ahead of UTC.
const OFFSET_MILLIS: i64 = 7 * 3_600_000;

/// See [`super::super::statements::StatementStore::list_crossings`].
pub fn list_crossings(db: &Connection, limit: usize) -> Result<bool> {
    let position = "SELECT value FROM meta WHERE key = 'crossings'";
    let position: Option<String> = db.prepare_cached(position)?.query_row([], |row| row.get(0)).optional()?;
    let position: i64 = position.and_then(|text| text.parse().ok()).unwrap_or(0);
    let query = "SELECT r.seq, r.event IN ('RelayAcceptance', 'RelayRejection'), r.own, c.id, c.previous_hop,
                        c.next_hop, r.packet, r.consignment, r.digest
                 FROM receipts r LEFT JOIN consignments c ON c.seq = r.consignment
                 WHERE r.seq > ?1 ORDER BY r.seq LIMIT ?2";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![position, integer(limit)])?;
    let (mut seen, mut last) = (0, position);
    while let Some(row) = found.next()? {
        seen += 1;
        last = row.get(0)?;
        if row.get(1)? {
            list(db, row)?;
        }
    }
    if seen == 0 {
        return Ok(false);
    }
    let note = "INSERT INTO meta (key, value) VALUES ('crossings', ?1) ON CONFLICT (key) DO UPDATE SET value = ?1";
    db.prepare_cached(note)?.execute(params![last.to_string()])?;
    Ok(seen == limit)
}

fn list(db: &Connection, row: &Row<'_>) -> Result<()> {
    let own: bool = row.get(2)?;
    let peer = if own { rows::hop(row, 4)? } else { rows::hop(row, 5)? };
    let Some(peer) = peer else { return Ok(()) };
    let text = rows::receipt(db, row.get(6)?, row.get(7)?, rows::digest(row, 8)?)?;
    // The account tells of receipts that cannot be read.
    let Some(Ok(sealed)) = text.map(|text| rows::read(&text)) else { return Ok(()) };
    let receipt = &sealed.receipt;
    // Receipts of other crossings, before us or further on, are in the chain too.
    if !own && receipt.hop != peer {
        return Ok(());
    }
    let day = (receipt.time.as_millis() + OFFSET_MILLIS).div_euclid(DAY_MILLIS);
    let direction = if own { Direction::Taken } else { Direction::Given };
    let insert = "INSERT OR IGNORE INTO crossings (peer, direction, day, consignment, accepted)
                  VALUES (?1, ?2, ?3, ?4, ?5)";
    let accepted = receipt.event == Event::RelayAcceptance;
    let id = rows::consignment(row, 3)?;
    db.prepare_cached(insert)?.execute(params![peer.as_str(), direction.as_str(), day, id.as_bytes(), accepted])?;
    Ok(())
}

/// What crossed, in the order of the ids, from the one after `?4` on. A refusal counts at both ends, also when the
/// sender had given up before; an acceptance only when custody has passed.
const CROSSED: &str = "SELECT x.consignment, x.accepted FROM crossings x JOIN consignments c ON c.id = x.consignment
     WHERE x.peer = ?1 AND x.direction = ?2 AND x.day = ?3 AND x.consignment > ?4 AND (x.accepted = 0 OR
       CASE x.direction
         WHEN 'taken' THEN c.state NOT IN ('offered', 'withdrawn')
         ELSE c.state <> 'queued' AND NOT EXISTS
           (SELECT 1 FROM receipts r WHERE r.packet = c.packet AND r.consignment = c.seq
            AND r.own = 1 AND r.event = 'RelayFailure')
       END)
     ORDER BY x.consignment";

fn each_crossing(
    db: &Connection,
    crossed: &Crossed,
    after: Option<ConsignmentId>,
    mut each: impl FnMut(Crossing) -> bool,
) -> Result<()> {
    let after = after.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
    let mut query = db.prepare_cached(CROSSED)?;
    let mut found =
        query.query(params![crossed.peer.as_str(), crossed.direction.as_str(), crossed.day, after.as_slice()])?;
    while let Some(row) = found.next()? {
        if !each(Crossing { id: rows::consignment(row, 0)?, accepted: row.get(1)? }) {
            break;
        }
    }
    Ok(())
}

/// See [`super::super::statements::StatementStore::sums`].
pub fn sums(db: &Connection, crossed: &Crossed) -> Result<Sums> {
    let (mut accepted, mut rejected, mut whole) = (0, 0, Hasher::default());
    let mut buckets: Vec<Hasher> = std::iter::repeat_with(Hasher::default).take(BUCKETS).collect();
    each_crossing(db, crossed, None, |crossing| {
        let outcome = [u8::from(crossing.accepted)];
        for hasher in [Some(&mut whole), buckets.get_mut(usize::from(bucket(&crossing.id)))].into_iter().flatten() {
            hasher.update(crossing.id.as_bytes());
            hasher.update(&outcome);
        }
        *(if crossing.accepted { &mut accepted } else { &mut rejected }) += 1;
        true
    })?;
    let buckets = buckets.into_iter().map(Hasher::finish).collect();
    Ok(Sums { accepted, rejected, digest: whole.finish(), buckets })
}

/// See [`super::super::statements::StatementStore::crossings`].
pub fn crossings(
    db: &Connection,
    crossed: &Crossed,
    buckets: &[u8],
    after: Option<ConsignmentId>,
    limit: usize,
) -> Result<Vec<Crossing>> {
    let mut crossings = Vec::new();
    each_crossing(db, crossed, after, |crossing| {
        if buckets.contains(&bucket(&crossing.id)) {
            crossings.push(crossing);
        }
        crossings.len() < limit
    })?;
    Ok(crossings)
}

/// See [`super::super::statements::StatementStore::was_stated`].
pub fn was_stated(db: &Connection, crossed: &Crossed, today: i64) -> Result<bool> {
    let query = "SELECT 1 FROM link_statements WHERE peer = ?1 AND direction = ?2 AND day = ?3 AND stated_on >= ?4";
    let (peer, direction) = (crossed.peer.as_str(), crossed.direction.as_str());
    Ok(db.prepare_cached(query)?.exists(params![peer, direction, crossed.day, today])?)
}

/// See [`super::super::statements::StatementStore::stated`].
pub fn stated(db: &Connection, crossed: &Crossed, today: i64) -> Result<()> {
    let note = "INSERT INTO link_statements (peer, direction, day, stated_on) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (peer, direction, day) DO UPDATE SET stated_on = ?4";
    let (peer, direction) = (crossed.peer.as_str(), crossed.direction.as_str());
    db.prepare_cached(note)?.execute(params![peer, direction, crossed.day, today])?;
    Ok(())
}

/// See [`super::super::statements::StatementStore::compared`].
pub fn compared(db: &Connection, crossed: &Crossed, agrees: bool) -> Result<()> {
    let (peer, direction, day) = (crossed.peer.as_str(), crossed.direction.as_str(), crossed.day);
    let note = "INSERT INTO link_statements (peer, direction, day, agrees) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (peer, direction, day) DO UPDATE SET agrees = ?4";
    db.prepare_cached(note)?.execute(params![peer, direction, day, agrees])?;
    if agrees {
        let settle = "DELETE FROM link_differences WHERE peer = ?1 AND direction = ?2 AND day = ?3";
        db.prepare_cached(settle)?.execute(params![peer, direction, day])?;
    }
    Ok(())
}

/// See [`super::super::statements::StatementStore::put_differences`].
pub fn put_differences(db: &Connection, crossed: &Crossed, buckets: &[u8], found: &[LinkDifference]) -> Result<()> {
    let (peer, direction, day) = (crossed.peer.as_str(), crossed.direction.as_str(), crossed.day);
    let delete = "DELETE FROM link_differences WHERE peer = ?1 AND direction = ?2 AND day = ?3 AND bucket = ?4";
    let mut delete = db.prepare_cached(delete)?;
    for bucket in buckets {
        delete.execute(params![peer, direction, day, bucket])?;
    }
    let insert = "INSERT OR REPLACE INTO link_differences (peer, direction, day, consignment, bucket, here, there)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut insert = db.prepare_cached(insert)?;
    for difference in found {
        let id = &difference.id;
        insert.execute(params![peer, direction, day, id.as_bytes(), bucket(id), difference.here, difference.there])?;
    }
    Ok(())
}

/// See [`super::super::statements::StatementStore::differences`].
pub fn differences(db: &Connection, up_to: i64, limit: usize) -> Result<(Vec<LinkDifference>, Vec<Crossed>)> {
    let query = "SELECT d.peer, d.direction, d.day, d.consignment, d.here, d.there, c.doc_id
                 FROM link_differences d LEFT JOIN consignments c ON c.id = d.consignment
                 WHERE d.day <= ?1 ORDER BY d.day, d.peer, d.direction, d.consignment LIMIT ?2";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![up_to, integer(limit)])?;
    let mut differences = Vec::new();
    while let Some(row) = found.next()? {
        let known = row.get_ref(6)?.as_blob().is_ok();
        differences.push(LinkDifference {
            crossed: crossed(row)?,
            id: rows::consignment(row, 3)?,
            doc_id: if known { Some(rows::doc_id(row, 6)?) } else { None },
            here: row.get(4)?,
            there: row.get(5)?,
        });
    }
    let query = "SELECT s.peer, s.direction, s.day FROM link_statements s WHERE s.agrees = 0 AND s.day <= ?1
                 AND NOT EXISTS (SELECT 1 FROM link_differences d
                                 WHERE d.peer = s.peer AND d.direction = s.direction AND d.day = s.day)
                 ORDER BY s.day, s.peer LIMIT ?2";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![up_to, integer(limit)])?;
    let mut unnamed = Vec::new();
    while let Some(row) = found.next()? {
        unnamed.push(crossed(row)?);
    }
    Ok((differences, unnamed))
}

fn crossed(row: &Row<'_>) -> Result<Crossed> {
    let peer: Option<HopName> = rows::hop(row, 0)?;
    let peer = peer.ok_or_else(|| Error::Corrupt("a link without a peer".to_owned()))?;
    let direction: String = row.get(1)?;
    let direction = [Direction::Given, Direction::Taken].into_iter().find(|known| known.as_str() == direction);
    let direction = direction.ok_or_else(|| Error::Corrupt("no direction of a link".to_owned()))?;
    Ok(Crossed { peer, direction, day: row.get(2)? })
}
