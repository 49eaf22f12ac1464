//! Signing packets as an agency does: for the command line, the demo, the benchmark and test documents. Of others' packets
//! the gateway signs none; it signs receipts.
//!
//! The packet's bytes stay as they are; one `ds:Signature` element is put at the end of its header. Bodies are read
//! as a stream, so a packet of any size is signed in flat memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::edxml::{Limits, Split, SplitError, split};
use crate::trust::xmldsig::{self, Bodies, CutRef, KeySigner, Options, RsaScheme, Spliced};
use crate::trust::{self, certificate, key_file};

/// A packet could not be signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("the packet is not well-formed: {0}")]
    Packet(#[from] SplitError),
    #[error(transparent)]
    Signature(#[from] xmldsig::Error),
    #[error(transparent)]
    Files(#[from] trust::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the key file {0} holds no private key in PKCS#8 PEM")]
    NoKey(String),
    #[error("khóa ký {file} không dùng được — the signing key cannot be used: {why}")]
    KeyFile { file: String, why: String },
}

/// Reads an agency's signing key and certificate chain (PEM).
///
/// # Errors
/// [`Error`] naming the file at fault.
pub fn load_signer(key: &Path, chain: &Path) -> Result<KeySigner, Error> {
    let unusable = |why: String| Error::KeyFile { file: key.display().to_string(), why };
    let bytes = std::fs::read(key).map_err(|error| unusable(error.to_string()))?;
    let advice = key_file::recognise(key, &bytes).map(|advice| advice.to_string());
    let Ok(pem) = String::from_utf8(bytes) else {
        return Err(unusable(advice.unwrap_or_else(|| "không phải PEM — it is no PEM".to_owned())));
    };
    let mut chain = certificate::read_chain(chain)?.into_iter().map(|certificate| certificate.der().to_vec());
    let leaf = chain.next().ok_or_else(|| Error::NoKey(key.display().to_string()))?;
    let signer = KeySigner::from_pkcs8_pem(&pem, leaf, chain.collect(), RsaScheme::default());
    signer.map_err(|error| unusable(advice.unwrap_or_else(|| error.to_string())))
}

/// Signs a packet in memory.
///
/// # Errors
/// [`Error::Packet`] when it cannot be read, [`Error::Signature`] when it is signed already or cannot be.
pub fn sign_bytes(packet: &[u8], signer: &KeySigner) -> Result<Vec<u8>, Error> {
    let split = split(packet, &Limits::default())?;
    let mut source = packet;
    let (at, signature) = signature(&split, &mut source, signer)?;
    let at = usize::try_from(at).unwrap_or(usize::MAX).min(packet.len());
    let (before, after) = packet.split_at(at);
    Ok([before, &signature, after].concat())
}

/// Signs the packet in `from` into the new file `to`.
///
/// # Errors
/// As [`sign_bytes`], or the disk's.
pub fn sign_file(from: &Path, to: &Path, signer: &KeySigner) -> Result<(), Error> {
    let mut source = File::open(from)?;
    let split = split(&source, &Limits::default())?;
    let (at, signature) = signature(&split, &mut source, signer)?;
    source.seek(SeekFrom::Start(0))?;
    let mut out = io::BufWriter::new(File::create(to)?);
    io::copy(&mut Read::by_ref(&mut source).take(at), &mut out)?;
    out.write_all(&signature)?;
    io::copy(&mut source, &mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok(())
}

/// The signature element, and where in the packet's bytes it belongs.
fn signature(split: &Split, bodies: &mut dyn Bodies, signer: &KeySigner) -> Result<(u64, Vec<u8>), Error> {
    let cuts: Vec<CutRef> = (split.skeleton.cuts.iter())
        .map(|cut| CutRef { at: cut.skeleton_offset, source_offset: cut.source_offset, source_len: cut.source_len })
        .collect();
    let input = Spliced { skeleton: &split.skeleton.bytes, cuts: &cuts };
    let sealed = xmldsig::sign(&input, bodies, signer, &Options::default())?;
    Ok((split.skeleton.source_offset(sealed.at), sealed.signature))
}
