//! Whom the gateway believes, and why.
//!
//! Three facts are kept apart and never stand in for one another: who handed a packet in (transport, [`tls`]), who
//! signed it ([`xmldsig`]), and what the gateway itself signs ([`hop_key`]). All of them rest on one verdict about a
//! certificate, [`path::TrustStore::check`].
//!
//! Invariants: no trust anchor is built in, every one comes from a file that an administrator named; time is a
//! parameter, so that a signature is judged as of the moment it was made; SHA-1 and RSA below 2048 bit never count
//! as valid; "revocation not checked" is neither valid nor invalid and is always said.
//!
//! Failure story: everything here is read from files at start and at reload and then only looked at. A file that
//! cannot be used is named with what is wrong with it, and a failed reload leaves the old state in force.

pub mod certificate;
mod crl;
pub mod findings;
pub mod hop_key;
pub mod hops;
pub mod key_file;
pub mod past;
pub mod path;
mod remembered;
pub mod tls;
pub mod xmldsig;

#[cfg(test)]
mod tests;

use std::path::Path;

use lienthong_contract::{Finding, Kind};

pub use certificate::{Certificate, Fingerprint};
pub use hop_key::HopKey;
pub use path::{PathFacts, PathProblem, Purpose, TrustStore};

/// A key, certificate or revocation file that cannot be used. It names the file.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {fault}")]
pub struct Error {
    /// The path as configured, or a word for bytes that came from no file.
    pub file: String,
    pub fault: Fault,
}

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("is larger than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("holds no {wanted} in PEM form; what it holds: {found}")]
    Missing { wanted: &'static str, found: String },
    #[error("its PEM text is broken: {0}")]
    BrokenPem(String),
    #[error("certificate {index} in it cannot be read: {detail}")]
    BadCertificate { index: usize, detail: String },
    #[error("revocation list {index} in it cannot be used: {detail}")]
    BadCrl { index: usize, detail: String },
    #[error("revocation list {index} in it is signed by none of the configured authorities (issuer: {issuer})")]
    ForeignCrl { index: usize, issuer: String },
    #[error("its private key cannot be used here: {0}")]
    UnusableKey(String),
    #[error("its private key does not belong to the first certificate of {certificate}")]
    KeyMismatch { certificate: String },
    #[error("no trust anchor is configured, so nothing could ever be believed")]
    NoRoots,
    #[error("TLS does not accept it: {0}")]
    Tls(String),
}

impl Error {
    pub(crate) fn new(file: impl Into<String>, fault: impl Into<Fault>) -> Self {
        Self { file: file.into(), fault: fault.into() }
    }

    pub(crate) fn at(path: &Path, fault: impl Into<Fault>) -> Self {
        Self::new(path.display().to_string(), fault)
    }

    /// The same for the console and the log of the operator, in both languages.
    #[must_use]
    pub fn finding(&self) -> Finding {
        let kind: &'static Kind = match self.fault {
            Fault::Unreadable(_) => &findings::FILE_UNREADABLE,
            Fault::TooLarge { .. } => &findings::FILE_TOO_LARGE,
            Fault::Missing { .. } => &findings::FILE_HOLDS_OTHER_THINGS,
            Fault::BrokenPem(_) => &findings::FILE_BROKEN,
            Fault::BadCertificate { .. } => &findings::FILE_BAD_CERTIFICATE,
            Fault::BadCrl { .. } => &findings::FILE_BAD_CRL,
            Fault::ForeignCrl { .. } => &findings::FILE_FOREIGN_CRL,
            Fault::UnusableKey(_) => &findings::FILE_UNUSABLE_KEY,
            Fault::KeyMismatch { .. } => &findings::FILE_KEY_MISMATCH,
            Fault::NoRoots => &findings::NO_ROOTS,
            Fault::Tls(_) => &findings::TLS_UNUSABLE,
        };
        Finding::of(kind).element(self.file.clone()).found(self.fault.to_string())
    }
}
