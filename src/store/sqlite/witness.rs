//! Judging neighbours' logs by what was seen of them last, and the alarms that come of it.

use rusqlite::{Connection, OptionalExtension, params};

use lienthong_contract::{HopName, Instant};

use super::super::ledger::{Alarm, CheckedProofs, Offer, Verdict};
use super::super::{Error, Result};
use super::restored;
use super::rows::{self, integer};
use crate::ledger::{self, Checkpoint, Judgement, Note, SignedCheckpoint, judge};
use crate::logkeeper::findings;

/// The most logs of one hop that are witnessed: each but the first is an alarm.
const MAX_LOGS: i64 = 64;
/// The most alarms kept. More are no news.
const MAX_ALARMS: i64 = 1000;
/// The most checkpoints of one log that are remembered after the last one.
const MAX_PAST: i64 = 256;

/// What comes from outside and is wrong is no fault of the store.
pub fn at_fault(error: ledger::Error) -> Error {
    Error::Unavailable(error.to_string())
}

pub fn witness(db: &Connection, offer: &Offer) -> Result<Verdict> {
    let keys = std::slice::from_ref(&offer.key);
    let now = SignedCheckpoint::open(&offer.note, &offer.origin, keys).map_err(at_fault)?;
    let query = "SELECT vkey, note, time FROM ledger_seen WHERE origin = ?1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let last: Option<(String, String, i64)> =
        db.prepare_cached(query)?.query_row([offer.origin.as_str()], read).optional()?;
    let Some((vkey, note, time)) = last else {
        // A hop further on may have shown it in a proof.
        if let Some(other) = other_root(db, now.checkpoint())? {
            return accuse(db, offer, &findings::FORK, other, &now);
        }
        new_log(db, offer, &now)?;
        keep_seen(db, offer, &now)?;
        return Ok(Verdict::Cosign(Box::new(now)));
    };
    if vkey != offer.key.to_string() {
        return accuse(db, offer, &findings::PEER_KEY, note, &now);
    }
    // Whatever its proof says, and however late it comes: one size has one root.
    if let Some(other) = other_root(db, now.checkpoint())? {
        return accuse(db, offer, &findings::FORK, other, &now);
    }
    let before = SignedCheckpoint::open(note.as_bytes(), &offer.origin, keys)?;
    let (old, new) = (before.checkpoint().size, now.checkpoint().size);
    // A repetition of something older, or a proof that begins at another checkpoint than the last one seen.
    if (new < old && offer.time.as_millis() <= time) || (new > old && offer.from_size != old) {
        return Ok(Verdict::Seen(note));
    }
    let proof = if new > old { offer.proof.as_slice() } else { &[] };
    match judge(Some(before), now.clone(), proof).map_err(at_fault)? {
        Judgement::First(_) | Judgement::Same(_) | Judgement::Consistent(_) => {
            keep_seen(db, offer, &now)?;
            Ok(Verdict::Cosign(Box::new(now)))
        }
        Judgement::Older(_) => Ok(Verdict::Seen(note)),
        Judgement::Fork(..) => accuse(db, offer, &findings::FORK, note, &now),
        Judgement::Shrunk(_) => accuse(db, offer, &findings::SHRUNK, note, &now),
    }
}

/// A hop that begins another log leaves the one before without an end that anyone could check: a person should know why.
fn new_log(db: &Connection, offer: &Offer, now: &SignedCheckpoint) -> Result<()> {
    let count = "SELECT count(*) FROM ledger_seen WHERE hop = ?1";
    if db.query_row(count, [offer.hop.as_str()], |row| row.get::<_, i64>(0))? >= MAX_LOGS {
        return Err(Error::Unavailable(format!("{} has begun too many logs", offer.hop)));
    }
    let query = "SELECT note FROM ledger_seen WHERE hop = ?1 ORDER BY time DESC LIMIT 1";
    let before: Option<String> = db.query_row(query, [offer.hop.as_str()], |row| row.get(0)).optional()?;
    if let Some(before) = before {
        accuse(db, offer, &findings::NEW_LOG, before, now)?;
    }
    Ok(())
}

fn accuse(
    db: &Connection,
    offer: &Offer,
    kind: &'static lienthong_contract::Kind,
    before: String,
    now: &SignedCheckpoint,
) -> Result<Verdict> {
    let news = raise(db, kind, (&offer.hop, offer.origin.as_str()), (&before, &now.to_string()), offer.now)?;
    Ok(Verdict::Alarm { before, news })
}

/// Keeps and tells what cannot be true together; true when it is news.
fn raise(
    db: &Connection,
    kind: &'static lienthong_contract::Kind,
    (hop, origin): (&HopName, &str),
    (before, now): (&str, &str),
    time: Instant,
) -> Result<bool> {
    let alarm = Alarm {
        time,
        hop: hop.clone(),
        origin: origin.to_owned(),
        code: kind.code.to_owned(),
        before: before.to_owned(),
        now: now.to_owned(),
    };
    let news = keep_alarm(db, &alarm)?;
    if news {
        tracing::error!(code = kind.code, %hop, origin, before, now, "{}", kind.title.en);
    }
    Ok(news)
}

/// A checkpoint of this log and size that was seen before, with another root: the two cannot both be true.
fn other_root(db: &Connection, now: &Checkpoint) -> Result<Option<String>> {
    let query = "SELECT note FROM ledger_seen WHERE origin = ?1
                 UNION ALL SELECT note FROM ledger_seen_past WHERE origin = ?1 AND size = ?2
                 UNION ALL SELECT note FROM ledger_checkpoints WHERE origin = ?1 AND size = ?2";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![now.origin.as_str(), integer(now.size)])?;
    while let Some(row) = found.next()? {
        let note: String = row.get(0)?;
        let seen: Checkpoint = Note::parse(note.as_bytes())?.text().parse()?;
        if seen.size == now.size && seen.root != now.root {
            return Ok(Some(note));
        }
    }
    Ok(None)
}

/// True when these proofs lead to another root than one that was seen at the same size: both checkpoints are kept as an
/// alarm, and the proofs are not.
pub fn forks(db: &Connection, checked: &CheckedProofs, now: Instant) -> Result<bool> {
    let proofs = &checked.proofs;
    let claimed: Checkpoint = Note::parse(proofs.checkpoint.as_bytes())?.text().parse()?;
    let Some(before) = other_root(db, &claimed)? else { return Ok(false) };
    raise(db, &findings::FORK, (&proofs.hop, &checked.origin), (&before, &proofs.checkpoint), now)?;
    Ok(true)
}

fn keep_seen(db: &Connection, offer: &Offer, now: &SignedCheckpoint) -> Result<()> {
    let keep = "INSERT INTO ledger_seen (origin, hop, vkey, note, time) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (origin) DO UPDATE SET note = ?4, time = max(time, ?5)";
    let (origin, hop) = (offer.origin.as_str(), offer.hop.as_str());
    let (vkey, note) = (offer.key.to_string(), now.to_string());
    db.prepare_cached(keep)?.execute(params![origin, hop, vkey, note, offer.time.as_millis()])?;
    let past = "INSERT OR IGNORE INTO ledger_seen_past (origin, size, note) VALUES (?1, ?2, ?3)";
    if db.prepare_cached(past)?.execute(params![origin, integer(now.checkpoint().size), note])? > 0 {
        let forget = "DELETE FROM ledger_seen_past WHERE origin = ?1 AND size <
                        (SELECT size FROM ledger_seen_past WHERE origin = ?1 ORDER BY size DESC LIMIT 1 OFFSET ?2)";
        db.prepare_cached(forget)?.execute(params![origin, MAX_PAST - 1])?;
    }
    Ok(())
}

pub fn keep_alarm(db: &Connection, alarm: &Alarm) -> Result<bool> {
    let kept = "SELECT 1 FROM ledger_alarms WHERE origin = ?1 AND code = ?2 AND before = ?3";
    if db.prepare_cached(kept)?.exists(params![alarm.origin, alarm.code, alarm.before])? {
        return Ok(false);
    }
    let own = "SELECT 1 FROM meta WHERE key = 'hop' AND value = ?1
               AND NOT EXISTS (SELECT 1 FROM ledger_alarms WHERE origin = ?2)";
    if db.prepare_cached(own)?.exists([alarm.hop.as_str(), alarm.origin.as_str()])? {
        // Our own log was longer once: what it said then is gone from here. Later alarms about the same log tell of the
        // same loss, and must not hold back what came after it.
        restored::hold_back(db)?;
    }
    // What is kept of one log must not crowd out another's; what is not kept is told all the same.
    let of = "SELECT count(*) FROM ledger_alarms WHERE origin = ?1";
    let count: i64 = db.query_row(of, [&alarm.origin], |row| row.get(0))?;
    if count < MAX_ALARMS {
        let insert = "INSERT INTO ledger_alarms (time, hop, origin, code, before, now) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let (time, hop) = (alarm.time.as_millis(), alarm.hop.as_str());
        db.execute(insert, params![time, hop, alarm.origin, alarm.code, alarm.before, alarm.now])?;
    }
    Ok(true)
}

pub fn alarms(db: &Connection, limit: usize) -> Result<(Vec<Alarm>, u64)> {
    let count = db.query_row("SELECT count(*) FROM ledger_alarms", [], |row| row.get::<_, i64>(0))?;
    let query = "SELECT time, hop, origin, code, before, now FROM ledger_alarms ORDER BY id DESC LIMIT ?1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query([integer(limit)])?;
    let mut alarms = Vec::new();
    while let Some(row) = found.next()? {
        let hop = rows::hop(row, 1)?.ok_or_else(|| Error::Corrupt("an alarm without a hop".to_owned()))?;
        let time = Instant::from_millis(row.get(0)?);
        alarms.push(Alarm { time, hop, origin: row.get(2)?, code: row.get(3)?, before: row.get(4)?, now: row.get(5)? });
    }
    Ok((alarms, u64::try_from(count).unwrap_or(0)))
}
