//! Making a bundle: parts gathered, named and sealed.

use base64_simd::STANDARD;

use lienthong_contract::{Digest, HopName, Instant};

use super::container::{Layout, Part};
use super::{
    Container, FORMAT, Fault, Input, MAX_BYTES, MAX_PACKET_BYTES, Manifest, ManifestPart, Revocation, SEAL_TYPE,
    VERSION,
};
use crate::receipts::jws::{MAX_JWS_BYTES, sign_statement};
use crate::receipts::{self, Signer};

/// A bundle cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("there is no receipt of the document's submission")]
    NoSubmission,
    #[error("the evidence is larger than a bundle may be")]
    TooLarge,
    #[error("the packet is not the one that the document names")]
    OtherPacket,
    #[error(transparent)]
    Receipt(#[from] receipts::Error),
    #[error("what was made is no bundle: {0}")]
    Malformed(#[from] Fault),
}

/// Seals a bundle as `hop` at `time` and gives the file.
///
/// # Errors
/// [`Error::TooLarge`] beyond a limit, [`Error::OtherPacket`], or what the signer says.
pub fn make(input: Input, hop: &HopName, signer: &dyn Signer, time: Instant) -> Result<Vec<u8>, Error> {
    if let Some(packet) = &input.packet {
        if packet.len() > MAX_PACKET_BYTES {
            return Err(Error::TooLarge);
        }
        if Digest::of(packet) != input.document.digest {
            return Err(Error::OtherPacket);
        }
    }
    let text = |parts: &[Vec<u8>]| parts.iter().map(|der| STANDARD.encode_to_string(der)).collect();
    let mut container = Container {
        certificates: text(&input.certificates),
        crls: text(&input.crls),
        document: input.document,
        format: FORMAT.to_owned(),
        late: input.late,
        logs: input.logs,
        packet: input.packet.map(|packet| STANDARD.encode_to_string(packet)),
        receipts: input.receipts,
        revocation: Revocation { taken: input.taken },
        seal: String::new(),
        v: VERSION,
        witnesses: input.witnesses,
    };
    let unsealed = encode(&container)?;
    let parts = Layout::of(&unsealed)?.parts.iter().map(|part| listed(part, &unsealed)).collect();
    let manifest = Manifest { v: VERSION, hop: hop.clone(), time, parts };
    container.seal = sign_statement(SEAL_TYPE, &manifest, signer)?;
    if container.seal.len() > MAX_JWS_BYTES {
        return Err(Error::TooLarge);
    }
    encode(&container)
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
