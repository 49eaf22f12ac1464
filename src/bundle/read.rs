//! Taking a bundle apart, and finding every byte that is not as it was sealed.
//!
//! In this order: the form of the file; the seal's signature by the certificate it shows; each part's digest by the
//! sealed manifest; and only then what the parts say. So what was altered is named, whatever it means. Whether the one
//! who sealed it is believed is asked later, by [`super::verify()`].

use std::io;

use base64_simd::STANDARD;

use lienthong_contract::{Digest, HopName, Instant};

use super::container::{CONTAINER, Layout, SEAL};
use super::make::listed;
use super::{
    Container, Document, FORMAT, Fault, Log, Logged, MAX_CHECKPOINTS, Manifest, ManifestPart, SEAL_TYPE, VERSION,
};
use crate::receipts::HopKeys;
use crate::receipts::jws::open_statement;
use crate::trust::past::AsShown;

/// A bundle that is whole: exactly what its seal lists. Nothing in it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Who sealed it, and when, by its own word.
    pub hop: HopName,
    pub time: Instant,
    pub document: Document,
    pub receipts: Vec<Logged>,
    pub late: Vec<Logged>,
    pub logs: Vec<Log>,
    pub witnesses: Vec<String>,
    /// DER.
    pub certificates: Vec<Vec<u8>>,
    /// DER.
    pub crls: Vec<Vec<u8>>,
    /// When the revocation lists were taken.
    pub taken: Instant,
    pub packet: Option<Vec<u8>>,
    seal: String,
}

impl Bundle {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Fault`] with the first part that is not as it was sealed.
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let layout = Layout::of(bytes)?;
        let seal = bytes.get(layout.seal.clone()).and_then(|seal| std::str::from_utf8(seal).ok()).unwrap_or_default();
        let manifest = open_seal(seal, &AsShown)?;
        if manifest.v != VERSION {
            return Err(Fault::new(SEAL, "phiên bản lạ", format_args!("unknown version {}", manifest.v)));
        }
        compare(&layout, bytes, &manifest)?;
        let container: Container = serde_json::from_slice(bytes).map_err(|error| {
            let place = layout.name_at(error.column().saturating_sub(1));
            Fault::new(place, "không đúng dạng của tệp chứng minh", format_args!("not the form of a bundle: {error}"))
        })?;
        if container.format != FORMAT || container.v != VERSION {
            return Err(Fault::new(CONTAINER, "dạng tệp hoặc phiên bản lạ", "another format or an unknown version"));
        }
        encodes_to(&container, bytes, &layout)?;
        Self::of(container, manifest, Digest::of(bytes))
    }

    fn of(container: Container, manifest: Manifest, digest: Digest) -> Result<Self, Fault> {
        let checkpoints = container.logs.iter().map(|log| log.checkpoints.len()).sum::<usize>();
        if checkpoints > MAX_CHECKPOINTS {
            return Err(Fault::new("logs", "quá nhiều điểm kiểm tra", "there are too many checkpoints"));
        }
        Ok(Self {
            digest,
            hop: manifest.hop,
            time: manifest.time,
            certificates: decoded("certificates", &container.certificates)?,
            crls: decoded("crls", &container.crls)?,
            packet: container.packet.map(|text| base64("packet", &text)).transpose()?,
            document: container.document,
            receipts: container.receipts,
            late: container.late,
            logs: container.logs,
            witnesses: container.witnesses,
            taken: container.revocation.taken,
            seal: container.seal,
        })
    }

    /// Asks whether the one who sealed it is believed.
    pub(super) fn sealed_by_believed(&self, keys: &dyn HopKeys) -> Result<(), Fault> {
        open_seal(&self.seal, keys).map(|_| ())
    }
}

fn open_seal(seal: &str, keys: &dyn HopKeys) -> Result<Manifest, Fault> {
    open_statement(SEAL_TYPE, seal, keys, |manifest: &Manifest| (manifest.hop.clone(), manifest.time))
        .map_err(|error| Fault::new(SEAL, "dấu niêm phong không xác minh được", error))
}

/// Holds what is there against what was sealed.
fn compare(layout: &Layout, bytes: &[u8], manifest: &Manifest) -> Result<(), Fault> {
    let mut sealed = manifest.parts.iter();
    for part in &layout.parts {
        let found = listed(part, bytes);
        match sealed.next() {
            Some(expected) if *expected == found => {}
            Some(expected) if expected.name == found.name => {
                return Err(Fault::new(found.name, "đã bị thay đổi sau khi niêm phong", "altered after it was sealed"));
            }
            Some(expected) if manifest.parts.iter().any(|part| part.name == found.name) => {
                return Err(missing(expected));
            }
            _ => return Err(Fault::new(found.name, "được thêm sau khi niêm phong", "added after it was sealed")),
        }
    }
    sealed.next().map_or(Ok(()), |expected| Err(missing(expected)))
}

fn missing(part: &ManifestPart) -> Fault {
    let name: String = part.name.chars().take(60).collect();
    Fault::new(name, "bị thiếu", "missing")
}

/// Makes sure that the file is exactly what its meaning is written as.
fn encodes_to(container: &Container, bytes: &[u8], layout: &Layout) -> Result<(), Fault> {
    let mut same = Same { bytes, at: 0 };
    let written = serde_json::to_writer(&mut same, container);
    if written.is_ok() && same.at == bytes.len() {
        return Ok(());
    }
    let what = "not written in the form that encoding it again gives";
    Err(Fault::new(layout.name_at(same.at), "không ở dạng chuẩn tắc", what))
}

/// Takes only the bytes it was given.
struct Same<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl io::Write for Same<'_> {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        let here = self.bytes.get(self.at..).unwrap_or_default();
        let equal = here.iter().zip(written).take_while(|(here, written)| here == written).count();
        self.at += equal;
        if equal == written.len() { Ok(equal) } else { Err(io::Error::other("another byte")) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn decoded(name: &str, texts: &[String]) -> Result<Vec<Vec<u8>>, Fault> {
    texts.iter().enumerate().map(|(index, text)| base64(&format!("{name}[{index}]"), text)).collect()
}

/// Base64 with its padding and no spare bits set, so that bytes have one text.
fn base64(part: &str, text: &str) -> Result<Vec<u8>, Fault> {
    STANDARD.decode_to_vec(text).map_err(|_| Fault::new(part, "không phải base64", "not base64"))
}
