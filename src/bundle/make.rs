//! Making a bundle: parts gathered, named and sealed.

use std::io::Read;

use base64_simd::STANDARD;

use lienthong_contract::digest::Hasher;
use lienthong_contract::{Digest, HopName, Instant};

use super::container::{Layout, Part};
use super::{Container, FORMAT, Fault, Input, MAX_BYTES, Manifest, ManifestPart, Revocation, SEAL_TYPE, VERSION};
use crate::receipts::jws::{MAX_JWS_BYTES, sign_statement};
use crate::receipts::{self, Signer};

/// The part that is the packet.
const PACKET: &str = "packet";
/// Bytes of a packet read at a time: a multiple of three.
const CHUNK: usize = 48 << 10;
/// Room for a seal over some hundred parts, so that the file need not move when it is written.
const SEAL_ROOM: usize = 64 << 10;

/// A bundle cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("there is no receipt of the document's submission")]
    NoSubmission,
    #[error("the evidence is larger than a bundle may be")]
    TooLarge,
    #[error("the packet does not fit into a bundle")]
    PacketTooLarge,
    #[error("the packet is not the one that the document names")]
    OtherPacket,
    #[error("the packet cannot be read: {0}")]
    Unreadable(String),
    #[error(transparent)]
    Receipt(#[from] receipts::Error),
    #[error("what was made is no bundle: {0}")]
    Malformed(#[from] Fault),
}

/// Seals a bundle as `hop` at `time` and gives the file.
///
/// # Errors
/// [`Error::TooLarge`] beyond a limit, [`Error::OtherPacket`], or what the signer says.
pub fn make(mut input: Input, hop: &HopName, signer: &dyn Signer, time: Instant) -> Result<Vec<u8>, Error> {
    let packet = input.packet.take();
    let mut bytes = packet.as_deref();
    make_with(input, bytes.as_mut().map(|bytes| bytes as &mut dyn Read), hop, signer, time)
}

/// The same, with the packet read from where it is: it is in memory once, as the text in the file.
///
/// # Errors
/// As [`make`]; [`Error::PacketTooLarge`] when it does not fit, [`Error::Unreadable`] when it cannot be read.
pub fn make_with(
    input: Input,
    packet: Option<&mut dyn Read>,
    hop: &HopName,
    signer: &dyn Signer,
    time: Instant,
) -> Result<Vec<u8>, Error> {
    let text = |parts: &[Vec<u8>]| parts.iter().map(|der| STANDARD.encode_to_string(der)).collect();
    let mut container = Container {
        certificates: text(&input.certificates),
        crls: text(&input.crls),
        document: input.document,
        format: FORMAT.to_owned(),
        late: input.late,
        logs: input.logs,
        packet: packet.is_some().then(String::new),
        receipts: input.receipts,
        revocation: Revocation { taken: input.taken },
        seal: String::new(),
        v: VERSION,
        witnesses: input.witnesses,
    };
    // The frame is the file with an empty packet; what stands before the packet's text does not change any more.
    let frame = encode(&container)?;
    let layout = Layout::of(&frame)?;
    let place = layout.parts.iter().find(|part| part.name == PACKET).map(|part| part.at.start.saturating_add(1));
    let mut file = Vec::new();
    let mut packet_text = None;
    if let Some((packet, place)) = packet.zip(place) {
        let (size, digest) = (container.document.size, container.document.digest);
        let length = size.div_ceil(3).checked_mul(4).and_then(|length| usize::try_from(length).ok());
        let length = length.filter(|length| length.saturating_add(frame.len()) <= MAX_BYTES);
        file.reserve_exact(frame.len().saturating_add(length.ok_or(Error::PacketTooLarge)?).saturating_add(SEAL_ROOM));
        file.extend_from_slice(frame.get(..place).unwrap_or_default());
        packet_text = Some(write_packet(&mut file, packet, size, digest)?);
    }
    let mut parts: Vec<ManifestPart> = layout.parts.iter().map(|part| listed(part, &frame)).collect();
    if let Some(part) = parts.iter_mut().find(|part| part.name == PACKET)
        && let Some(digest) = packet_text
    {
        part.sha256 = digest.hex();
    }
    let manifest = Manifest { v: VERSION, hop: hop.clone(), time, parts };
    container.seal = sign_statement(SEAL_TYPE, &manifest, signer)?;
    if container.seal.len() > MAX_JWS_BYTES {
        return Err(Error::TooLarge);
    }
    let frame = encode(&container)?;
    let Some(place) = place else { return Ok(frame) };
    file.extend_from_slice(frame.get(place..).unwrap_or_default());
    if file.len() > MAX_BYTES { Err(Error::PacketTooLarge) } else { Ok(file) }
}

/// Writes the packet's base64 behind what is there; gives the digest of its JSON text.
fn write_packet(file: &mut Vec<u8>, packet: &mut dyn Read, size: u64, expected: Digest) -> Result<Digest, Error> {
    let (mut bytes, mut text) = (Hasher::default(), Hasher::default());
    text.update(b"\"");
    let mut left = size;
    let mut chunk = Vec::with_capacity(CHUNK);
    while left > 0 {
        chunk.clear();
        let want = left.min(CHUNK as u64);
        packet.take(want).read_to_end(&mut chunk).map_err(|error| Error::Unreadable(error.to_string()))?;
        if chunk.len() as u64 != want {
            return Err(Error::OtherPacket);
        }
        bytes.update(&chunk);
        let from = file.len();
        // Every chunk but the last is a multiple of three bytes, so that the texts join to one.
        STANDARD.encode_append(&chunk, file);
        text.update(file.get(from..).unwrap_or_default());
        left = left.saturating_sub(want);
    }
    let more = packet.read(&mut [0]).map_err(|error| Error::Unreadable(error.to_string()))?;
    if more > 0 || bytes.finish() != expected {
        return Err(Error::OtherPacket);
    }
    text.update(b"\"");
    Ok(text.finish())
}

fn encode(container: &Container) -> Result<Vec<u8>, Error> {
    let bytes = serde_json::to_vec(container).map_err(|_| Error::TooLarge)?;
    if bytes.len() > MAX_BYTES { Err(Error::TooLarge) } else { Ok(bytes) }
}

/// A part as the manifest lists it.
pub fn listed(part: &Part, bytes: &[u8]) -> ManifestPart {
    let text = bytes.get(part.at.clone()).unwrap_or_default();
    ManifestPart { name: part.name.clone(), sha256: Digest::of(text).hex() }
}
