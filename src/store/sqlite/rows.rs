//! Columns to words and back, and the receipts of a packet. A column that cannot be read is a corrupt store, never a guess.

use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId, HopName, Instant};

use super::super::{Error, Held, Result};
use super::recent;
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

const ALL_STATES: [ConsignmentState; 11] = [
    ConsignmentState::Offered,
    ConsignmentState::Queued,
    ConsignmentState::Relayed,
    ConsignmentState::Consigned,
    ConsignmentState::HandedOver,
    ConsignmentState::Refused,
    ConsignmentState::Rejected,
    ConsignmentState::Failed,
    ConsignmentState::Withdrawn,
    ConsignmentState::Outside,
    ConsignmentState::PassedOutside,
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
    jws::read_stored(text).map_err(|error| Error::Corrupt(error.to_string()))
}

/// What stands in `receipts.consignment` of a submission, which is about all consignments of its packet.
pub const SUBMISSION: i64 = 0;

/// The row of a packet.
pub fn packet(db: &Connection, digest: Digest) -> Result<Option<i64>> {
    let row = "SELECT id FROM packets WHERE digest = ?1";
    Ok(db.prepare_cached(row)?.query_row(params![digest.as_bytes()], |row| row.get(0)).optional()?)
}

/// A receipt as far as its place in a chain goes.
#[derive(Debug, Clone)]
pub struct Stored {
    pub digest: Digest,
    previous: Option<Digest>,
    pub jws: Arc<str>,
}

/// Receipts of a packet: of one consignment by its row, or its [`SUBMISSION`]s (one, or one of each gateway where the
/// same bytes were handed in), in the order in which they came.
pub fn receipts_of(db: &Connection, packet: i64, consignment: i64) -> Result<Vec<Stored>> {
    let query = "SELECT digest, previous, jws FROM sealed WHERE packet = ?1 AND consignment = ?2 ORDER BY seq";
    let mut query = db.prepare_cached(query)?;
    let mut rows = query.query(params![packet, consignment])?;
    let mut receipts = Vec::new();
    while let Some(row) = rows.next()? {
        let previous = match row.get_ref(1)? {
            ValueRef::Null => None,
            _ => Some(digest(row, 1)?),
        };
        let jws = row.get_ref(2)?.as_str().map_err(|error| Error::Corrupt(error.to_string()))?;
        receipts.push(Stored { digest: digest(row, 0)?, previous, jws: jws.into() });
    }
    Ok(receipts)
}

/// One receipt of a consignment or of the submissions before it, by its digest.
pub fn receipt(db: &Connection, packet: i64, consignment: i64, digest: Digest) -> Result<Option<String>> {
    let query = "SELECT jws FROM sealed WHERE packet = ?1 AND consignment IN (?2, 0) AND digest = ?3";
    let mut query = db.prepare_cached(query)?;
    Ok(query.query_row(params![packet, consignment, digest.as_bytes()], |row| row.get(0)).optional()?)
}

/// The chain of one consignment from its submission to `head`, its last receipt that counts. What has come too early,
/// or from a hop that has no say, is not on the way back from there.
pub fn chain_of(
    db: &Connection,
    packet: i64,
    submissions: &[Stored],
    consignment: i64,
    head: Digest,
) -> Result<Vec<Stored>> {
    let mut rest = receipts_of(db, packet, consignment)?;
    let mut chain = Vec::with_capacity(rest.len() + 1);
    let mut wanted = Some(head);
    while let Some(digest) = wanted {
        let stored = match rest.iter().position(|stored| stored.digest == digest) {
            Some(place) => rest.swap_remove(place),
            None => match submissions.iter().find(|stored| stored.digest == digest) {
                Some(submission) => submission.clone(),
                None => return Err(Error::Corrupt(format!("receipt {digest} of consignment {consignment} is gone"))),
            },
        };
        wanted = stored.previous;
        chain.push(stored);
    }
    chain.reverse();
    Ok(chain)
}

/// Stores a receipt unless it is here; gives its row when it was new.
pub fn insert_receipt(
    db: &Connection,
    packet: i64,
    consignment: i64,
    sealed: &Sealed,
    own: bool,
) -> Result<Option<i64>> {
    let not_sealed = || Error::Corrupt(format!("receipt {} is no compact JWS", sealed.digest));
    let (header, rest) = sealed.jws.split_once('.').ok_or_else(not_sealed)?;
    let insert = "INSERT OR IGNORE INTO receipts (packet, consignment, digest, previous, event, own, signer, rest)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let changed = db.prepare_cached(insert)?.execute(params![
        packet,
        consignment,
        sealed.digest.as_bytes(),
        sealed.receipt.previous.map(|digest| *digest.as_bytes()),
        sealed.receipt.event.as_str(),
        own,
        signer(db, header)?,
        rest,
    ])?;
    recent::remember(sealed, rest);
    Ok((changed == 1).then(|| db.last_insert_rowid()))
}

/// The row of a receipt's first part.
fn signer(db: &Connection, header: &str) -> Result<i64> {
    let digest = Digest::of(header.as_bytes());
    let query = "SELECT id FROM signers WHERE digest = ?1";
    let mut query = db.prepare_cached(query)?;
    if let Some(known) = query.query_row(params![digest.as_bytes()], |row| row.get(0)).optional()? {
        return Ok(known);
    }
    let insert = "INSERT INTO signers (digest, header) VALUES (?1, ?2)";
    db.prepare_cached(insert)?.execute(params![digest.as_bytes(), header])?;
    Ok(db.last_insert_rowid())
}

/// Queues a receipt for a neighbour, by its digest and row.
pub fn queue_receipt(db: &Connection, hop: &str, digest: Digest, receipt: i64) -> Result<()> {
    let insert = "INSERT OR IGNORE INTO receipt_outbox (hop, digest, receipt) VALUES (?1, ?2, ?3)";
    db.prepare_cached(insert)?.execute(params![hop, digest.as_bytes(), receipt])?;
    Ok(())
}
