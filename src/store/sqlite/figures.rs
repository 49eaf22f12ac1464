//! The sums of the statistics as they are asked for, and what the clocks of one document are read from.

use rusqlite::{Connection, params, params_from_iter};

use lienthong_contract::{DocId, Instant};

use super::super::statistics::{Direction, Facts, Figures, Pending, Scope, Sum, Wanted};
use super::super::{Error, Result};
use super::rows;
use super::statistics::{acknowledged, sent_at, signed};

/// See [`StatisticsStore::pending`](super::super::statistics::StatisticsStore::pending).
pub fn pending(db: &Connection, scope: Option<&Scope>, (now, until): (Instant, Instant)) -> Result<Pending> {
    let query = "SELECT coalesce(sum(limit_at < ?1), 0), coalesce(sum(limit_at BETWEEN ?1 AND ?2), 0), count(*)
                 FROM statistics_lines WHERE verdict = 0
                   AND (?3 IS NULL OR agency = ?3 OR substr(agency, 1, length(?4)) = ?4)";
    let agency = scope.map(|scope| scope.agency.as_str());
    let below = scope.and_then(below);
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![now.as_millis(), until.as_millis(), agency, below])?;
    let Some(row) = found.next()? else { return Ok(Pending::default()) };
    let (overdue, ending, all) = (rows::size(row, 0)?, rows::size(row, 1)?, rows::size(row, 2)?);
    Ok(Pending { overdue, ending, later: all.saturating_sub(overdue + ending) })
}

/// What the codes of the agencies below begin with.
fn below(scope: &Scope) -> Option<String> {
    scope.below.then(|| format!("{}.", scope.agency))
}

/// See [`StatisticsStore::sums`](super::super::statistics::StatisticsStore::sums).
pub fn sums(db: &Connection, wanted: &Wanted) -> Result<Vec<Sum>> {
    let agency = if wanted.by_agency { "agency" } else { "NULL" };
    let day = if wanted.by_day { "day" } else { "NULL" };
    let urgencies: Vec<String> = wanted.urgencies.iter().map(u8::to_string).collect();
    let of_urgency =
        if urgencies.is_empty() { String::new() } else { format!("AND urgency IN ({})", urgencies.join(", ")) };
    let below = wanted.scope.as_ref().and_then(below);
    let of_agency = match (&wanted.scope, &below) {
        (None, _) => "",
        (Some(_), None) => "AND agency = ?3",
        (Some(_), Some(_)) => "AND (agency = ?3 OR substr(agency, 1, length(?4)) = ?4)",
    };
    let query = format!(
        "SELECT {agency}, {day}, direction, sum(documents), sum(on_time), sum(late), sum(not_measured), sum(recipients),
                sum(failed), sum(given_back)
         FROM statistics_figures WHERE day BETWEEN ?1 AND ?2 {of_agency} {of_urgency}
         GROUP BY 1, 2, 3 HAVING sum(documents) > 0 ORDER BY 1, 2, 3"
    );
    let mut given = vec![rusqlite::types::Value::from(wanted.from), wanted.to.into()];
    given.extend(wanted.scope.as_ref().map(|scope| scope.agency.as_str().to_owned().into()));
    given.extend(below.map(Into::into));
    let mut query = db.prepare_cached(&query)?;
    let mut found = query.query(params_from_iter(given))?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        let agency = if wanted.by_agency { Some(rows::agency(row, 0)?) } else { None };
        let direction = match row.get::<_, i64>(2)? {
            0 => Direction::Sent,
            1 => Direction::Received,
            other => return Err(Error::Corrupt(format!("{other} is no direction"))),
        };
        let figures = Figures {
            documents: rows::size(row, 3)?,
            on_time: rows::size(row, 4)?,
            late: rows::size(row, 5)?,
            not_measured: rows::size(row, 6)?,
            recipients: rows::size(row, 7)?,
            failed: rows::size(row, 8)?,
            given_back: rows::size(row, 9)?,
        };
        all.push(Sum { agency, day: row.get(1)?, direction, figures });
    }
    Ok(all)
}

/// See [`StatisticsStore::clock_facts`](super::super::statistics::StatisticsStore::clock_facts).
pub fn clock_facts(db: &Connection, doc_id: DocId) -> Result<Option<Facts>> {
    let query = "SELECT p.signed_on, p.signed_at, p.business_type, p.urgency, p.id, p.sender, p.document_id
                 FROM consignments c JOIN packets p ON p.id = c.packet
                 WHERE c.doc_id = ?1 AND p.kind = 'document' LIMIT 1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![doc_id.as_bytes()])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let (signed, changes_another) = signed(row)?;
    let (packet, sender, name): (i64, String, Option<String>) = (row.get(4)?, row.get(5)?, row.get(6)?);
    let mut facts =
        Facts { signed, urgency: row.get(3)?, changes_another, sent: sent_at(db, packet)?, recipients: Vec::new() };
    let query = "SELECT seq, id, recipient FROM consignments WHERE doc_id = ?1 AND packet = ?2 ORDER BY seq";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![doc_id.as_bytes(), packet])?;
    while let Some(row) = found.next()? {
        let (seq, recipient): (i64, String) = (row.get(0)?, row.get(2)?);
        let (arrived, acknowledged) = told(db, (packet, seq), (&recipient, &sender, name.as_deref()))?;
        facts.recipients.push((rows::consignment(row, 1)?, arrived, acknowledged));
    }
    Ok(Some(facts))
}

/// Arrival and acknowledgement as the receipts of whatever hop tell them.
fn told(
    db: &Connection,
    at: (i64, i64),
    named: (&str, &str, Option<&str>),
) -> Result<(Option<Instant>, Option<Instant>)> {
    let mut times = (None, acknowledged(db, at, named)?);
    for stored in rows::receipts_of(db, at.0, at.1)? {
        let receipt = rows::read(&stored.jws)?.receipt;
        let earliest = |known: Option<Instant>| Some(known.map_or(receipt.time, |known| known.min(receipt.time)));
        match receipt.event.as_str() {
            "ContentConsignment" => times.0 = earliest(times.0),
            "ContentHandover" | "ConsignmentRejection" => times.1 = earliest(times.1),
            _ => {}
        }
    }
    Ok(times)
}
