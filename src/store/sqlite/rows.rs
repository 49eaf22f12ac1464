//! Columns to words and back. A column that cannot be read is a corrupt store, never a guess.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId, HopName, Instant};

use super::super::{Error, Held, Result};
use crate::receipts::{Sealed, chain, jws};

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

/// The receipts of one consignment in chain order, its submission first.
pub fn chain_of(db: &Connection, packet: Digest, consignment: ConsignmentId) -> Result<Vec<Sealed>> {
    let mut receipts = Vec::new();
    let query = "SELECT jws FROM receipts WHERE consignment IS NULL AND packet = ?1
                 UNION ALL SELECT jws FROM receipts WHERE consignment = ?2";
    let mut query = db.prepare_cached(query)?;
    let mut rows = query.query(params![packet.as_bytes(), consignment.as_bytes()])?;
    while let Some(row) = rows.next()? {
        let text: String = row.get(0)?;
        let sealed = jws::read_unverified(&text).map_err(|error| Error::Corrupt(error.to_string()))?;
        if sealed.receipt.is_about(consignment) {
            receipts.push(sealed);
        }
    }
    Ok(chain::order(receipts))
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
