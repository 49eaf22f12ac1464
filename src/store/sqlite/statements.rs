//! The list of what crossed each link, kept from the receipts; and what the two ends do not agree on.
//!
//! The list follows the receipts by their numbers, some at a time, aside of every packet's way. What an acceptance is
//! worth (withdrawn, too late) is asked when the list is read, since it may change after the receipt came.

use rusqlite::{Connection, OptionalExtension, Row, params};

use lienthong_contract::digest::Hasher;
use lienthong_contract::{ConsignmentId, HopName, Instant};

use super::super::statements::{
    BUCKETS, Crossed, Crossing, Direction, LONGEST_REST, LinkDifference, MAX_KEPT, Sums, bucket,
};
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
    // From now on this day waits for both ends to agree. What comes late brings an old day back.
    let open = "INSERT INTO link_statements (peer, direction, day) VALUES (?1, ?2, ?3)
                ON CONFLICT (peer, direction, day) DO UPDATE SET pruned = 0 WHERE pruned = 1";
    db.prepare_cached(open)?.execute(params![peer.as_str(), direction.as_str(), day])?;
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
pub fn stated(db: &Connection, crossed: &Crossed, today: i64, again: bool) -> Result<()> {
    let note = "INSERT INTO link_statements (peer, direction, day, stated_on, again) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (peer, direction, day) DO UPDATE SET stated_on = ?4, again = again + ?5";
    let (peer, direction) = (crossed.peer.as_str(), crossed.direction.as_str());
    db.prepare_cached(note)?.execute(params![peer, direction, crossed.day, today, i64::from(again)])?;
    Ok(())
}

/// See [`super::super::statements::StatementStore::open_day`].
pub fn open_day(db: &Connection, peer: &HopName, (from, to): (i64, i64), today: i64) -> Result<Option<Crossed>> {
    let query = "SELECT peer, direction, day FROM link_statements
                 WHERE peer = ?1 AND day BETWEEN ?2 AND ?3 AND agrees IS NOT 1 AND settled_at IS NULL
                   AND (stated_on IS NULL OR stated_on + min(?5, 1 << min(again, 16)) <= ?4)
                 ORDER BY coalesce(stated_on, 0), day, direction LIMIT 1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![peer.as_str(), from, to, today, LONGEST_REST])?;
    found.next()?.map(crossed).transpose()
}

/// See [`super::super::statements::StatementStore::open_days`].
pub fn open_days(db: &Connection, (from, to): (i64, i64)) -> Result<Vec<(HopName, u64)>> {
    let query = "SELECT peer, count(*) FROM link_statements
                 WHERE day BETWEEN ?1 AND ?2 AND agrees IS NOT 1 AND settled_at IS NULL GROUP BY peer";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query([from, to])?;
    let mut open = Vec::new();
    while let Some(row) = found.next()? {
        let peer: Option<HopName> = rows::hop(row, 0)?;
        let count: i64 = row.get(1)?;
        open.extend(peer.map(|peer| (peer, u64::try_from(count).unwrap_or(0))));
    }
    Ok(open)
}

/// See [`super::super::statements::StatementStore::settle`].
pub fn settle(db: &Connection, peer: &HopName, day: i64, at: Instant, why: &str) -> Result<usize> {
    let settle = "UPDATE link_statements SET settled_at = ?3, settled_why = ?4
                  WHERE peer = ?1 AND day = ?2 AND agrees IS NOT 1 AND settled_at IS NULL";
    Ok(db.prepare_cached(settle)?.execute(params![peer.as_str(), day, at.as_millis(), why])?)
}

/// See [`super::super::statements::StatementStore::prune_crossings`].
pub fn prune_crossings(db: &Connection, before: i64, limit: usize) -> Result<bool> {
    let query = "SELECT peer, direction, day FROM link_statements
                 WHERE day < ?1 AND pruned = 0 AND (agrees = 1 OR settled_at IS NOT NULL) ORDER BY day LIMIT 1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query([before])?;
    let Some(row) = found.next()? else { return Ok(false) };
    let Crossed { peer, direction, day } = crossed(row)?;
    let prune = "DELETE FROM crossings WHERE (peer, direction, day, consignment) IN
                   (SELECT peer, direction, day, consignment FROM crossings
                    WHERE peer = ?1 AND direction = ?2 AND day = ?3 LIMIT ?4)";
    let (peer, direction) = (peer.as_str(), direction.as_str());
    let pruned = db.prepare_cached(prune)?.execute(params![peer, direction, day, integer(limit)])?;
    if pruned < limit {
        let done = "UPDATE link_statements SET pruned = 1 WHERE peer = ?1 AND direction = ?2 AND day = ?3";
        db.prepare_cached(done)?.execute(params![peer, direction, day])?;
    }
    Ok(true)
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
        let none =
            "UPDATE link_statements SET dropped = 0 WHERE peer = ?1 AND direction = ?2 AND day = ?3 AND dropped > 0";
        db.prepare_cached(none)?.execute(params![peer, direction, day])?;
    }
    Ok(())
}

/// See [`super::super::statements::StatementStore::put_differences`].
pub fn put_differences(db: &Connection, crossed: &Crossed, buckets: &[u8], found: &[LinkDifference]) -> Result<u64> {
    let (peer, direction, day) = (crossed.peer.as_str(), crossed.direction.as_str(), crossed.day);
    // One look at the day, however many buckets there are and however often each is named.
    let meant: Vec<String> = buckets.iter().map(ToString::to_string).collect();
    let delete = "DELETE FROM link_differences WHERE peer = ?1 AND direction = ?2 AND day = ?3
                  AND bucket IN (SELECT value FROM json_each(?4))";
    db.prepare_cached(delete)?.execute(params![peer, direction, day, format!("[{}]", meant.join(","))])?;
    let insert = "INSERT OR REPLACE INTO link_differences (peer, direction, day, consignment, bucket, here, there)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut insert = db.prepare_cached(insert)?;
    let count = "SELECT count(*) FROM link_differences WHERE peer = ?1 AND direction = ?2 AND day = ?3";
    let count: i64 = db.prepare_cached(count)?.query_row(params![peer, direction, day], |row| row.get(0))?;
    let room = MAX_KEPT.saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
    for difference in found.iter().take(room) {
        let id = &difference.id;
        insert.execute(params![peer, direction, day, id.as_bytes(), bucket(id), difference.here, difference.there])?;
    }
    let dropped = found.len().saturating_sub(room);
    // The first message of a comparison stands instead of what was found before.
    let note = "INSERT INTO link_statements (peer, direction, day, dropped) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (peer, direction, day) DO UPDATE SET dropped = CASE WHEN ?5 THEN ?4 ELSE dropped + ?4 END";
    if dropped > 0 || !buckets.is_empty() {
        db.prepare_cached(note)?.execute(params![peer, direction, day, integer(dropped), !buckets.is_empty()])?;
    }
    Ok(dropped as u64)
}

/// See [`super::super::statements::StatementStore::differences`].
pub fn differences(db: &Connection, up_to: i64, limit: usize) -> Result<(Vec<LinkDifference>, Vec<Crossed>)> {
    let query = "SELECT d.peer, d.direction, d.day, d.consignment, d.here, d.there, c.doc_id
                 FROM link_differences d LEFT JOIN consignments c ON c.id = d.consignment
                 WHERE d.day <= ?1 AND NOT EXISTS (SELECT 1 FROM link_statements s WHERE s.peer = d.peer
                   AND s.direction = d.direction AND s.day = d.day AND s.settled_at IS NOT NULL) ORDER BY d.day, d.peer, d.direction, d.consignment LIMIT ?2";
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
    let query = "SELECT s.peer, s.direction, s.day FROM link_statements s
                 WHERE s.agrees = 0 AND s.day <= ?1 AND s.settled_at IS NULL
                 AND (s.dropped > 0 OR NOT EXISTS (SELECT 1 FROM link_differences d
                                 WHERE d.peer = s.peer AND d.direction = s.direction AND d.day = s.day))
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
