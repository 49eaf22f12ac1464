//! One pass over the bytes of a packet: a small skeleton stays in memory, the bodies pass through.
//!
//! Invariants: memory is bounded by [`Limits`] and one buffer, whatever the size of the packet; the skeleton with its
//! cut text put back is the packet, byte for byte; a body is reported only when every byte of it was decoded, hashed
//! and examined. Failure story: a refusal ends the pass at once, apart from faults of single bodies, which are
//! gathered so that the sender hears of all of them; nothing is kept.

use std::io::{self, Read, Seek, SeekFrom, Take};

use lienthong_contract::{Digest, Finding};

use super::base64::Decoder;
pub use super::body::Sniffed;
use super::limits::Limits;
use super::machine::Machine;
pub use super::skeleton::{Cut, Skeleton};

/// Bytes read at a time.
const BUFFER: usize = 64 << 10;

/// What one pass over a packet gives.
#[derive(Debug, Clone)]
pub struct Split {
    pub skeleton: Skeleton,
    /// One for every `ContentTransferEncoded` that is not empty, in packet order.
    pub bodies: Vec<Body>,
    /// Digest of all bytes of the packet.
    pub digest: Digest,
    /// Length of the packet in bytes.
    pub size: u64,
    /// Nothing among them refuses.
    pub warnings: Vec<Finding>,
}

/// A decoded body, as it was seen passing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Index into [`Skeleton::cuts`].
    pub cut: usize,
    /// Digest of the decoded bytes.
    pub digest: Digest,
    pub decoded_len: u64,
    pub kind: Sniffed,
    /// Place of its first character.
    pub line: u32,
    pub column: u32,
}

/// Why there is no [`Split`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// The packet is at fault; at least one of the findings refuses.
    #[error("the packet is refused ({})", .0.first().map_or("", |finding| finding.code.as_str()))]
    Refused(Vec<Finding>),
    /// The bytes could not be read.
    #[error("the packet cannot be read")]
    Io(#[from] io::Error),
}

/// Splits a packet.
///
/// # Errors
/// [`SplitError::Refused`] when it is not well-formed, breaks a limit, or holds a broken body.
pub fn split(mut source: impl Read, limits: &Limits) -> Result<Split, SplitError> {
    let mut machine = Machine::new(limits);
    let mut buffer = vec![0; BUFFER];
    loop {
        let filled = fill(&mut source, &mut buffer)?;
        if filled == 0 {
            return machine.finish().map_err(SplitError::Refused);
        }
        machine.feed(buffer.get(..filled).unwrap_or_default()).map_err(SplitError::Refused)?;
    }
}

/// Splits a packet that is in memory, without copying it through a buffer.
///
/// # Errors
/// As [`split`], but for reading.
pub fn split_bytes(packet: &[u8], limits: &Limits) -> Result<Split, Vec<Finding>> {
    let mut machine = Machine::new(limits);
    machine.feed(packet)?;
    machine.finish()
}

/// Fills the buffer as far as the source reaches, so that what is found never depends on how the bytes trickle in.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(free) = buffer.get_mut(filled..).filter(|free| !free.is_empty()) {
        match source.read(free) {
            Ok(0) => break,
            Ok(read) => filled = (filled + read).min(buffer.len()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Reads one body again, as it stands in the packet (base64 with its white space).
///
/// # Errors
/// The source cannot be moved to it.
pub fn encoded_reader<R: Read + Seek>(mut source: R, cut: &Cut) -> io::Result<Take<R>> {
    source.seek(SeekFrom::Start(cut.source_offset))?;
    Ok(source.take(cut.source_len))
}

/// Reads one body again, decoded.
///
/// # Errors
/// The source cannot be moved to it. Reading gives `InvalidData` when the bytes are no longer those that were split.
pub fn body_reader<R: Read + Seek>(source: R, cut: &Cut) -> io::Result<BodyReader<Take<R>>> {
    Ok(BodyReader::new(encoded_reader(source, cut)?))
}

/// Decodes base64 text as it is read.
#[derive(Debug)]
pub struct BodyReader<R> {
    source: R,
    decoder: Decoder,
    raw: Vec<u8>,
    decoded: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<R: Read> BodyReader<R> {
    /// Decodes whatever `source` gives until its end.
    #[must_use]
    pub fn new(source: R) -> Self {
        let raw = vec![0; BUFFER];
        Self { source, decoder: Decoder::default(), raw, decoded: Vec::new(), given: 0, ended: false }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.decoded.clear();
        self.given = 0;
        let filled = fill(&mut self.source, &mut self.raw)?;
        let piece = self.raw.get(..filled).unwrap_or_default();
        let result = if filled == 0 { self.decoder.finish() } else { self.decoder.feed(piece, &mut self.decoded) };
        self.ended = filled == 0;
        result.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the body is not base64"))
    }
}

impl<R: Read> Read for BodyReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        while self.given == self.decoded.len() && !self.ended {
            self.refill()?;
        }
        let mut ready = self.decoded.get(self.given..).unwrap_or_default();
        let count = ready.read(out)?;
        self.given += count;
        Ok(count)
    }
}
