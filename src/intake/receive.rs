//! Bytes as they arrive: small packets stay in memory, large ones go to disk, and either way the splitter sees each
//! byte once, as it passes.

use std::fs::File;
use std::io::{self, Cursor, Read, Write};

use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use tokio::sync::mpsc;

use lienthong_contract::Finding;
use lienthong_contract::door::{RefusalCause, Upload};

use super::findings;
use crate::edxml::{Limits, Split, SplitError, split, split_bytes};
use crate::store::{Blobs, SpoolFile};
use crate::trust::xmldsig::Bodies;

/// Packets up to this many bytes are held in memory and in the database; a file would cost a flush of its own.
pub const INLINE_BYTES: usize = 192 << 10;
/// Chunks of an upload between the network and the disk.
const CHUNKS: usize = 16;

/// A packet's bytes, whole.
#[derive(Debug)]
pub enum PacketBytes {
    Memory(Bytes),
    Spooled(SpoolFile),
}

/// A packet that arrived whole and is well-formed.
#[derive(Debug)]
pub struct Received {
    pub bytes: PacketBytes,
    pub split: Split,
}

/// Why it did not.
#[derive(Debug)]
pub struct NotReceived {
    pub cause: RefusalCause,
    pub findings: Vec<Finding>,
}

impl NotReceived {
    const fn bad(findings: Vec<Finding>) -> Self {
        Self { cause: RefusalCause::BadPacket, findings }
    }

    fn broken_off(error: &io::Error) -> Self {
        let finding = Finding::of(&findings::BROKEN_OFF).found(error.to_string());
        Self { cause: RefusalCause::Incomplete, findings: vec![finding] }
    }

    /// Our own disk or thread failed, not the sender.
    pub fn our_fault(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a packet could not be taken");
        Self { cause: RefusalCause::Unavailable, findings: vec![Finding::of(&findings::UNAVAILABLE)] }
    }
}

impl PacketBytes {
    /// A reader from the first byte on.
    ///
    /// # Errors
    /// The spooled file cannot be opened again.
    pub fn reader(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Memory(bytes) => Box::new(Cursor::new(bytes.clone())),
            Self::Spooled(file) => Box::new(file.reopen()?),
        })
    }

    /// Access to parts of it, for the verifier of signatures.
    ///
    /// # Errors
    /// The spooled file cannot be opened again.
    pub fn bodies(&self) -> io::Result<Parts> {
        Ok(match self {
            Self::Memory(bytes) => Parts::Memory(bytes.clone()),
            Self::Spooled(file) => Parts::File(file.reopen()?),
        })
    }
}

/// Parts of a packet's bytes.
#[derive(Debug)]
pub enum Parts {
    Memory(Bytes),
    File(File),
}

impl Bodies for Parts {
    fn open(&mut self, offset: u64, len: u64) -> io::Result<Box<dyn Read + '_>> {
        match self {
            Self::Memory(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                let end = start.saturating_add(usize::try_from(len).unwrap_or(usize::MAX)).min(bytes.len());
                Ok(Box::new(Cursor::new(bytes.slice(start..end))))
            }
            Self::File(file) => file.open(offset, len),
        }
    }
}

/// Takes an upload to its end.
///
/// # Errors
/// [`NotReceived`]; nothing of the upload is kept.
pub async fn receive(mut upload: Upload, blobs: &Blobs, limits: &Limits) -> Result<Received, NotReceived> {
    let (mut chunks, mut taken) = (Vec::new(), 0);
    while taken <= INLINE_BYTES {
        match upload.next().await {
            Some(Ok(chunk)) => {
                taken += chunk.len();
                chunks.push(chunk);
            }
            Some(Err(error)) => return Err(NotReceived::broken_off(&error)),
            None => return from_memory(joined(chunks), limits),
        }
    }
    to_disk(joined(chunks), upload, blobs, limits).await
}

/// One piece of all chunks; most packets come in one chunk, which is not copied.
fn joined(mut chunks: Vec<Bytes>) -> Bytes {
    if chunks.len() == 1 {
        return chunks.pop().unwrap_or_default();
    }
    Bytes::from(chunks.concat())
}

/// A packet that is in memory already.
///
/// # Errors
/// [`NotReceived`] when it is not well-formed.
pub fn from_memory(bytes: Bytes, limits: &Limits) -> Result<Received, NotReceived> {
    let split = split_bytes(&bytes, limits).map_err(NotReceived::bad)?;
    Ok(Received { bytes: PacketBytes::Memory(bytes), split })
}

/// A packet that is in the spool already. Reads it, so call it where blocking is allowed.
///
/// # Errors
/// [`NotReceived`] when it is not well-formed or cannot be read.
pub fn from_spool(file: SpoolFile, limits: &Limits) -> Result<Received, NotReceived> {
    let reader = file.reopen().map_err(|error| NotReceived::our_fault(&error))?;
    let split = checked(split(reader, limits))?;
    Ok(Received { bytes: PacketBytes::Spooled(file), split })
}

fn checked(split: Result<Split, SplitError>) -> Result<Split, NotReceived> {
    split.map_err(|error| match error {
        SplitError::Refused(findings) => NotReceived::bad(findings),
        SplitError::Io(error) => NotReceived::our_fault(&error),
    })
}

async fn to_disk(head: Bytes, mut upload: Upload, blobs: &Blobs, limits: &Limits) -> Result<Received, NotReceived> {
    let (chunks, arriving) = mpsc::channel::<io::Result<Bytes>>(CHUNKS);
    let (blobs, limits) = (blobs.clone(), limits.clone());
    let writer = tokio::task::spawn_blocking(move || write_and_split(arriving, &blobs, &limits));
    let mut next = Some(Ok(head));
    while let Some(chunk) = next {
        let last = chunk.is_err();
        // A closed channel means that the splitter has refused: the rest of the upload is of no use.
        if chunks.send(chunk).await.is_err() || last {
            break;
        }
        next = upload.next().await;
    }
    drop(chunks);
    writer.await.map_err(|error| NotReceived::our_fault(&error))?
}

fn write_and_split(
    arriving: mpsc::Receiver<io::Result<Bytes>>,
    blobs: &Blobs,
    limits: &Limits,
) -> Result<Received, NotReceived> {
    let mut file = blobs.spool().map_err(|error| NotReceived::our_fault(&error))?;
    let mut passing = Passing { arriving, file: file.file(), current: Bytes::new(), broken_off: None };
    let result = split(&mut passing, limits);
    if let Some(error) = passing.broken_off {
        return Err(NotReceived::broken_off(&error));
    }
    let split = checked(result)?;
    Ok(Received { bytes: PacketBytes::Spooled(file), split })
}

/// Writes what passes to the file and hands it on.
struct Passing<'a> {
    arriving: mpsc::Receiver<io::Result<Bytes>>,
    file: &'a mut File,
    current: Bytes,
    broken_off: Option<io::Error>,
}

impl Read for Passing<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.arriving.blocking_recv() {
                Some(Ok(chunk)) => {
                    self.file.write_all(&chunk)?;
                    self.current = chunk;
                }
                Some(Err(error)) => {
                    let told = io::Error::new(error.kind(), error.to_string());
                    self.broken_off = Some(error);
                    return Err(told);
                }
                None => return Ok(0),
            }
        }
        let count = self.current.len().min(out.len());
        let (now, _) = out.split_at_mut(count);
        self.current.copy_to_slice(now);
        Ok(count)
    }
}
