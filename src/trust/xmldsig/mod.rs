//! XML signatures of packets: our own strict verifier and signer.
//!
//! The profile is narrow, because everything a verifier allows and its reader does not expect is an attack: one
//! `ds:Signature` in the whole document, in the header (or directly under the root); one `Reference`, `URI=""`,
//! over the whole document without that Signature; C14N 1.0, inclusive or exclusive, without comments; SHA-256 or
//! better; RSA of 2048 bits or more, ECDSA on P-256 or P-384; the certificate inside. Anything else is
//! [`Verdict::Invalid`] with a reason of its own, never "valid with a remark".
//!
//! * `document` reads the skeleton once, strictly, into a flat list of nodes; `c14n` writes canonical form from it;
//! * `signature` reads the Signature element; `verify` decides; `sign` makes a Signature; `key` holds a key.
//!
//! Invariants: bodies (the base64 text that stays on disk) are streamed, so memory depends on the skeleton only; a
//! packet in memory (a skeleton without cuts) and the same packet cut give the same verdict; the signature value is
//! checked before the digest of the document; nothing outside the packet is ever opened.
//!
//! Failure story: what the sender wrote leads to a [`Verdict`]; only trouble on our side (a body that cannot be read)
//! is an [`Error`], and then nothing is said about the signature.
//!
//! Whether the certificate may be trusted is not decided here: the verdict hands it out for the path check.

mod algorithm;
mod attribute;
mod c14n;
mod document;
mod dummy;
mod escape;
pub mod findings;
mod key;
mod problem;
mod sign;
mod signature;
mod verify;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

pub use algorithm::{DigestAlgorithm, SignatureAlgorithm};
pub use c14n::Canonicalization;
pub use document::Limits;
pub use dummy::DummyWhy;
pub use key::{KeySigner, RsaScheme, Signer};
pub use problem::{Problem, Reason};
pub use sign::{Options, Sealed, insertion_point, sign, splice};
pub use verify::{Coverage, Signed, Verdict, verify, verify_bytes};

/// A packet as its skeleton: the original bytes in which some character data was left out. Without cuts it is the
/// whole packet.
#[derive(Debug, Clone, Copy)]
pub struct Spliced<'a> {
    pub skeleton: &'a [u8],
    /// In ascending order of `at`.
    pub cuts: &'a [CutRef],
}

/// Character data that was left out of the skeleton at byte `at`, and where it stands in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutRef {
    pub at: usize,
    pub source_offset: u64,
    pub source_len: u64,
}

impl<'a> Spliced<'a> {
    /// A packet that is in memory as a whole.
    #[must_use]
    pub const fn whole(packet: &'a [u8]) -> Self {
        Self { skeleton: packet, cuts: &[] }
    }
}

/// Where the text of the cuts can be read.
pub trait Bodies {
    /// The `len` source bytes from `offset` on; a reader that ends early is an error of the caller's store.
    ///
    /// # Errors
    /// What the store says.
    fn open(&mut self, offset: u64, len: u64) -> io::Result<Box<dyn Read + '_>>;
}

/// No bodies: for packets that are in memory as a whole.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoBodies;

impl Bodies for NoBodies {
    fn open(&mut self, _offset: u64, _len: u64) -> io::Result<Box<dyn Read + '_>> {
        Err(io::Error::new(io::ErrorKind::NotFound, "this packet has no bodies outside its skeleton"))
    }
}

impl Bodies for &[u8] {
    fn open(&mut self, offset: u64, len: u64) -> io::Result<Box<dyn Read + '_>> {
        let range = usize::try_from(offset).ok().zip(usize::try_from(len).ok());
        let part = range.and_then(|(from, len)| self.get(from..from.checked_add(len)?));
        part.map(|part| Box::new(part) as Box<dyn Read>).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl Bodies for File {
    fn open(&mut self, offset: u64, len: u64) -> io::Result<Box<dyn Read + '_>> {
        self.seek(SeekFrom::Start(offset))?;
        Ok(Box::new(Read::by_ref(self).take(len)))
    }
}

/// Trouble on our side, or a packet that cannot be signed. It says nothing about a signature.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("the body of an attachment cannot be read: {0}")]
    Body(#[from] io::Error),
    #[error("the packet cannot be signed: {0}")]
    CannotSign(Problem),
    #[error("the packet already carries an XML signature")]
    AlreadySigned,
    #[error("the packet has no edXMLHeader with an end tag, where its Signature would stand")]
    NoPlace,
    #[error("the signing key cannot be used: {0}")]
    Key(&'static str),
}
