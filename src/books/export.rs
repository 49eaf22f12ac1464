//! Export: the documents of some days as a plain archive that needs no gateway to be read.
//!
//! ```text
//! 2026-09-21/                      the day in Vietnam on which the packet came to this gateway
//!   <docId>/metadata.json          what the gateway knows of it, and which receipts belong to which consignment
//!   <docId>/packet.edxml           its bytes, as sent; absent when they were deleted or never kept
//!   <docId>/receipts/001-….jws     receipts, JWS in compact form
//! SHA256SUMS                       of every file: `sha256sum -c SHA256SUMS`
//! ```
//!
//! Invariants: a packet's bytes are compared with its digest on their way; a packet is marked as exported only after
//! the whole archive is flushed to disk, so retention never deletes what no archive holds. A crash leaves nothing
//! marked; the export is begun again.

use std::fs::File;
use std::io;

use jiff::civil::Date;
use lienthong_contract::{Digest, DocId, HopName, Instant};
use serde_json::{Value, json};

use super::archive::Archive;
use super::bounds;
use crate::receipts::jws::read_stored;
use crate::store::retention::{ExportPacket, RetentionStore};
use crate::store::{Blobs, Held};

/// Packets read, or marked, at a time. Small ones come with their content.
const PAGE: usize = 16;
const MARK: usize = 256;

/// The archive could not be made. Nothing is marked as exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    #[error("the archive: {0}")]
    Io(#[from] io::Error),
    #[error("the bytes of {0} in this gateway are not those of its digest")]
    Damaged(DocId),
    #[error("these are no days")]
    Days,
}

/// What an archive holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Exported {
    pub documents: u64,
    /// With their bytes.
    pub bodies: u64,
    pub receipts: u64,
    pub bytes: u64,
}

/// Writes the documents that came from the first to the last of these days into the archive, and marks them.
///
/// # Errors
/// [`Error`].
pub async fn export(
    (store, blobs, hop): (&dyn RetentionStore, &Blobs, &HopName),
    (from, to): (Date, Date),
    mut archive: Archive,
    now: Instant,
) -> Result<Exported, Error> {
    let within = (bounds(from).ok_or(Error::Days)?.0, bounds(to).ok_or(Error::Days)?.1);
    let (mut exported, mut rows, mut after) = (Exported::default(), Vec::new(), 0);
    loop {
        let page = store.packets_to_export(after, within, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.row;
        for packet in &page {
            if add(&mut archive, packet, blobs, hop, &mut exported)? {
                rows.push(packet.row);
            }
        }
    }
    archive.finish(now.as_seconds())?;
    for rows in rows.chunks(MARK) {
        store.mark_exported(rows.to_vec(), now).await?;
    }
    Ok(exported)
}

/// Adds one document; true when its bytes are in the archive.
fn add(
    archive: &mut Archive,
    packet: &ExportPacket,
    blobs: &Blobs,
    hop: &HopName,
    exported: &mut Exported,
) -> Result<bool, Error> {
    let folder = format!("{}/{}", packet.received_at.in_vietnam().date(), packet.doc_id);
    let seconds = packet.received_at.as_seconds();
    let body = add_body(archive, packet, blobs, &folder)?;
    let mut names = Names { archive, folder: &folder, seconds, number: 0 };
    let submissions = names.add(&packet.submissions)?;
    let mut consignments = Vec::with_capacity(packet.consignments.len());
    for consignment in &packet.consignments {
        consignments.push(json!({
            "id": consignment.id,
            "doc_id": consignment.doc_id,
            "recipient": consignment.recipient,
            "state": consignment.state.as_str(),
            "previous_hop": consignment.previous_hop,
            "next_hop": consignment.next_hop,
            "receipts": names.add(&consignment.receipts)?,
        }));
    }
    exported.receipts += names.number;
    let metadata = json!({
        "v": 1,
        "hop": hop,
        "doc_id": packet.doc_id,
        "digest": packet.digest,
        "size": packet.size,
        "kind": packet.kind,
        "document_id": packet.document_id,
        "business_type": packet.business_type,
        "from": packet.sender,
        "subject": packet.subject,
        "code": packet.code,
        "urgency": packet.urgency,
        "received_at": packet.received_at,
        "body": body.then_some("packet.edxml"),
        "body_deleted_at": packet.body_deleted.as_ref().map(|(at, _)| at),
        "body_deleted_reason": packet.body_deleted.as_ref().map(|(_, reason)| reason),
        "submissions": submissions,
        "consignments": consignments,
    });
    let metadata = serde_json::to_vec_pretty(&metadata).map_err(io::Error::from)?;
    archive.add(&format!("{folder}/metadata.json"), metadata.len() as u64, seconds, &mut metadata.as_slice())?;
    exported.documents += 1;
    if body {
        exported.bodies += 1;
        exported.bytes += packet.size;
    }
    Ok(body)
}

fn add_body(archive: &mut Archive, packet: &ExportPacket, blobs: &Blobs, folder: &str) -> Result<bool, Error> {
    let (path, seconds) = (format!("{folder}/packet.edxml"), packet.received_at.as_seconds());
    let digest: Digest = match &packet.held {
        Held::Inline(bytes) => archive.add(&path, packet.size, seconds, &mut bytes.as_ref())?,
        Held::Dropped | Held::Destroyed => return Ok(false),
        Held::File => match File::open(blobs.path(packet.digest)) {
            Ok(mut file) => archive.add(&path, packet.size, seconds, &mut file)?,
            // Deleted by retention since the page was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error.into()),
        },
    };
    if digest == packet.digest { Ok(true) } else { Err(Error::Damaged(packet.doc_id)) }
}

/// Gives the receipts of one document their names.
struct Names<'a> {
    archive: &'a mut Archive,
    folder: &'a str,
    seconds: i64,
    number: u64,
}

impl Names<'_> {
    fn add(&mut self, receipts: &[String]) -> Result<Vec<Value>, Error> {
        let mut names = Vec::with_capacity(receipts.len());
        for jws in receipts {
            self.number += 1;
            // One that cannot be read is taken along as it is.
            let what = read_stored(jws).map_or_else(
                |_| "unreadable".to_owned(),
                |sealed| format!("{}-{}", sealed.receipt.event.as_str(), sealed.receipt.hop),
            );
            let name = format!("receipts/{:03}-{what}.jws", self.number);
            let path = format!("{}/{name}", self.folder);
            self.archive.add(&path, jws.len() as u64, self.seconds, &mut jws.as_bytes())?;
            names.push(json!(name));
        }
        Ok(names)
    }
}
