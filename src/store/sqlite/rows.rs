//! Columns to words and back. A column that cannot be read is a corrupt store, never a guess.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId, HopName, Instant};

use super::super::{Error, Held, Result};
use crate::receipts::{Sealed, jws};

fn bytes<const N: usize>(row: &Row<'_>, column: usize) -> Result<[u8; N]> {
    row.get_ref(column)?
        .as_blob()
        .ok()
        .and_then(|blob| blob.try_into().ok())
        .ok_or_else(|| Error::Corrupt(format!("column {column} is not {N} bytes")))
}

pub fn digest(row: &Row<'_>, column: usize) -> Result<Digest> {
    bytes(row, column).map(Digest::from_bytes)
}

pub fn doc_id(row: &Row<'_>, column: usize) -> Result<DocId> {
    bytes(row, column).map(DocId::from_bytes)
}

pub fn consignment(row: &Row<'_>, column: usize) -> Result<ConsignmentId> {
    bytes(row, column).map(ConsignmentId::from_bytes)
}

pub fn agency(row: &Row<'_>, column: usize) -> Result<AgencyCode> {
    let text: String = row.get(column)?;
    text.parse().map_err(|_| Error::Corrupt(format!("{text:?} is no agency code")))
}

pub fn hop(row: &Row<'_>, column: usize) -> Result<Option<HopName>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| text.parse().map_err(|_| Error::Corrupt(format!("{text:?} is no hop")))).transpose()
}

pub fn instant(row: &Row<'_>, column: usize) -> Result<Instant> {
    Ok(Instant::from_millis(row.get(column)?))
}

pub fn size(row: &Row<'_>, column: usize) -> Result<u64> {
    let size: i64 = row.get(column)?;
    u64::try_from(size).map_err(|_| Error::Corrupt("negative size".to_owned()))
}

pub fn state(row: &Row<'_>, column: usize) -> Result<ConsignmentState> {
    let text: String = row.get(column)?;
    ALL_STATES
        .into_iter()
        .find(|state| state.as_str() == text)
        .ok_or_else(|| Error::Corrupt(format!("{text:?} is no state of a consignment")))
}

const ALL_STATES: [ConsignmentState; 6] = [
    ConsignmentState::Queued,
    ConsignmentState::Relayed,
    ConsignmentState::Consigned,
    ConsignmentState::HandedOver,
    ConsignmentState::Refused,
    ConsignmentState::Rejected,
];

/// The bytes of a packet: in this column, or in its file when the column is null.
pub fn held(row: &Row<'_>, column: usize) -> Result<Held> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(Held::File),
        ValueRef::Blob(blob) => Ok(Held::Inline(bytes::Bytes::copy_from_slice(blob))),
        _ => Err(Error::Corrupt("the content of a packet is no blob".to_owned())),
    }
}

/// Integer form of a size or count; sizes are far below the limit of a signed number.
pub fn integer(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// A receipt as it is stored.
pub fn read(text: &str) -> Result<Sealed> {
    jws::read_unverified(text).map_err(|error| Error::Corrupt(error.to_string()))
}

/// The submissions of a packet: one, or one of each gateway where the same bytes were handed in.
pub fn submissions_of(db: &Connection, packet: Digest) -> Result<Vec<Sealed>> {
    let query = "SELECT jws FROM receipts WHERE consignment IS NULL AND packet = ?1";
    receipts(db, query, packet.as_bytes())
}

/// The receipts of one consignment but its submission, in the order in which they came.
pub fn receipts_of(db: &Connection, consignment: ConsignmentId) -> Result<Vec<Sealed>> {
    receipts(db, "SELECT jws FROM receipts WHERE consignment = ?1 ORDER BY seq", consignment.as_bytes())
}

fn receipts(db: &Connection, query: &str, name: &[u8]) -> Result<Vec<Sealed>> {
    let mut query = db.prepare_cached(query)?;
    let mut rows = query.query(params![name])?;
    let mut receipts = Vec::new();
    while let Some(row) = rows.next()? {
        let text: String = row.get(0)?;
        receipts.push(read(&text)?);
    }
    Ok(receipts)
}

/// The chain of one consignment from its submission to `head`, its last receipt that counts. What has come too early,
/// or from a hop that has no say, is not on the way back from there.
pub fn chain_of(
    db: &Connection,
    submissions: &[Sealed],
    consignment: ConsignmentId,
    head: Digest,
) -> Result<Vec<Sealed>> {
    let mut rest = receipts_of(db, consignment)?;
    let mut chain = Vec::with_capacity(rest.len() + 1);
    let mut wanted = Some(head);
    while let Some(digest) = wanted {
        let sealed = match rest.iter().position(|sealed| sealed.digest == digest) {
            Some(place) => rest.swap_remove(place),
            None => match submissions.iter().find(|sealed| sealed.digest == digest) {
                Some(submission) => submission.clone(),
                None => return Err(Error::Corrupt(format!("receipt {digest} of consignment {consignment} is gone"))),
            },
        };
        wanted = sealed.receipt.previous;
        chain.push(sealed);
    }
    chain.reverse();
    Ok(chain)
}

/// Stores a receipt unless it is here; true when it was new.
pub fn insert_receipt(db: &Connection, sealed: &Sealed, own: bool) -> Result<bool> {
    let insert = "INSERT OR IGNORE INTO receipts (digest, packet, consignment, event, own, jws)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let changed = db.prepare_cached(insert)?.execute(params![
        sealed.digest.as_bytes(),
        sealed.receipt.packet.as_bytes(),
        sealed.receipt.consignment.map(|id| *id.as_bytes()),
        sealed.receipt.event.as_str(),
        own,
        sealed.jws,
    ])?;
    Ok(changed == 1)
}

/// Queues a receipt for a neighbour.
pub fn queue_receipt(db: &Connection, hop: &str, receipt: Digest) -> Result<()> {
    let insert = "INSERT OR IGNORE INTO receipt_outbox (hop, receipt) VALUES (?1, ?2)";
    db.prepare_cached(insert)?.execute(params![hop, receipt.as_bytes()])?;
    Ok(())
}

/// Number of the next arrival, for lists in order of arrival.
pub fn next_arrival(db: &Connection) -> Result<i64> {
    let bump = "INSERT INTO meta (key, value) VALUES ('arrival', 1)
                ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1
                RETURNING CAST(value AS INTEGER)";
    let number: Option<i64> = db.prepare_cached(bump)?.query_row([], |row| row.get(0)).optional()?;
    number.ok_or_else(|| Error::Corrupt("no arrival number".to_owned()))
}
