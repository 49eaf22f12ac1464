//! One X.509 certificate, read once, and the PEM files certificates come in.
//!
//! A [`Certificate`] owns its DER bytes and the few facts that the gateway shows and compares. Holding one says
//! nothing about trust: that is [`super::path`]'s verdict.
//!
//! Invariant: the bytes parsed as exactly one certificate with nothing after it. Sizes are bounded before parsing.

use std::fmt;
use std::io::Read;
use std::path::Path;

use lienthong_contract::{Digest, Instant};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};
use x509_parser::public_key::PublicKey;

use super::{Error, Fault, key_file};

/// SHA-256 of the certificate's DER: how the directory names a certificate.
pub type Fingerprint = Digest;

/// No certificate in the field comes near this; webpki itself stops at 64 KiB.
pub const MAX_CERTIFICATE_BYTES: usize = 64 * 1024;
/// A bundle of every official root and sub-authority has a few dozen.
pub const MAX_CERTIFICATES_IN_FILE: usize = 256;
/// A key or chain file: the bundle above, with text around it.
const MAX_PEM_BYTES: u64 = 4 * 1024 * 1024;
/// A revocation list of a national authority may have some hundred thousand entries of about 40 bytes.
const MAX_CRL_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// The kind of public key, as far as the gateway tells them apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyKind {
    Rsa {
        bits: usize,
    },
    P256,
    P384,
    Ed25519,
    /// The object identifier of anything else.
    Other(String),
}

impl KeyKind {
    /// True when the key may sign under today's rules: RSA from 2048 bit, ECDSA from 256 bit, Ed25519.
    #[must_use]
    pub const fn is_strong(&self) -> bool {
        match self {
            Self::Rsa { bits } => *bits >= 2048,
            Self::P256 | Self::P384 | Self::Ed25519 => true,
            Self::Other(_) => false,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "RSA {bits} bit"),
            Self::P256 => f.write_str("ECDSA P-256"),
            Self::P384 => f.write_str("ECDSA P-384"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Other(oid) => write!(f, "key algorithm {oid}"),
        }
    }
}

/// A certificate and what it says of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    fingerprint: Fingerprint,
    subject: String,
    common_name: Option<String>,
    issuer: String,
    serial: String,
    not_before: Instant,
    not_after: Instant,
    spki: Vec<u8>,
    key_bits: Vec<u8>,
    key: KeyKind,
    pub(super) usage: Usage,
}

/// What the certificate says its key may be used for. `None`: it does not say, which means no restriction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Usage {
    /// The keyUsage bits, digitalSignature lowest.
    pub key_usage: Option<u16>,
    pub key_usage_text: String,
    pub extended: Option<Extended>,
    pub is_ca: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extended {
    pub client: bool,
    pub server: bool,
    pub any: bool,
}

/// The bytes are not one certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotACertificate(pub String);

impl Certificate {
    /// # Errors
    /// The bytes are not exactly one X.509 certificate in DER.
    pub fn from_der(der: &[u8]) -> Result<Self, NotACertificate> {
        let malformed = |detail: &dyn fmt::Display| NotACertificate(detail.to_string());
        if der.len() > MAX_CERTIFICATE_BYTES {
            return Err(NotACertificate(format!("larger than {MAX_CERTIFICATE_BYTES} bytes")));
        }
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|error| malformed(&error))?;
        if !rest.is_empty() {
            return Err(NotACertificate(format!("{} bytes follow the certificate", rest.len())));
        }
        let spki = parsed.public_key();
        Ok(Self {
            fingerprint: Digest::of(der),
            subject: name(parsed.subject()),
            common_name: parsed.subject().iter_common_name().next().and_then(|cn| cn.as_str().ok()).map(str::to_owned),
            issuer: name(parsed.issuer()),
            serial: hex(parsed.raw_serial()),
            not_before: Instant::from_millis(parsed.validity().not_before.timestamp().saturating_mul(1000)),
            not_after: Instant::from_millis(parsed.validity().not_after.timestamp().saturating_mul(1000)),
            spki: spki.raw.to_vec(),
            key_bits: spki.subject_public_key.data.to_vec(),
            key: key_kind(spki),
            usage: usage(&parsed).map_err(|error| malformed(&error))?,
            der: der.to_vec(),
        })
    }

    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The subject as text, e.g. `CN=Sở Thí dụ Một, C=VN`; only for people to read, never to compare.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The serial number in lower-case hexadecimal digits, as issuers write it.
    #[must_use]
    pub fn serial(&self) -> &str {
        &self.serial
    }

    #[must_use]
    pub const fn not_before(&self) -> Instant {
        self.not_before
    }

    #[must_use]
    pub const fn not_after(&self) -> Instant {
        self.not_after
    }

    /// The SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The key alone, as ring takes it: the point of an EC key, PKCS#1 of an RSA key.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        &self.key_bits
    }

    #[must_use]
    pub const fn key(&self) -> &KeyKind {
        &self.key
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, {})", self.subject, self.fingerprint)
    }
}

fn name(name: &X509Name<'_>) -> String {
    name.to_string().chars().take(512).collect()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn key_kind(spki: &x509_parser::x509::SubjectPublicKeyInfo<'_>) -> KeyKind {
    const P256: &str = "1.2.840.10045.3.1.7";
    const P384: &str = "1.3.132.0.34";
    const ED25519: &str = "1.3.101.112";
    let algorithm = spki.algorithm.algorithm.to_id_string();
    if algorithm == ED25519 {
        return KeyKind::Ed25519;
    }
    match spki.parsed() {
        Ok(PublicKey::RSA(rsa)) => KeyKind::Rsa { bits: significant_bits(rsa.modulus) },
        Ok(PublicKey::EC(_)) => {
            let curve = spki.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
            match curve.map(|oid| oid.to_id_string()).as_deref() {
                Some(P256) => KeyKind::P256,
                Some(P384) => KeyKind::P384,
                Some(other) => KeyKind::Other(other.to_owned()),
                None => KeyKind::Other(algorithm),
            }
        }
        _ => KeyKind::Other(algorithm),
    }
}

/// The length of a big-endian number, so that 2047 bit are not taken for 2048.
fn significant_bits(number: &[u8]) -> usize {
    let mut digits = number.iter().skip_while(|byte| **byte == 0);
    let Some(first) = digits.next() else { return 0 };
    digits.count().saturating_mul(8).saturating_add(8 - first.leading_zeros() as usize)
}

fn usage(parsed: &X509Certificate<'_>) -> Result<Usage, x509_parser::error::X509Error> {
    let key_usage = parsed.key_usage()?.map(|extension| extension.value);
    let extended = parsed.extended_key_usage()?.map(|extension| extension.value);
    Ok(Usage {
        key_usage: key_usage.map(|bits| bits.flags),
        key_usage_text: key_usage.map_or_else(String::new, ToString::to_string),
        extended: extended.map(|eku| Extended { client: eku.client_auth, server: eku.server_auth, any: eku.any }),
        is_ca: parsed.basic_constraints()?.is_some_and(|extension| extension.value.ca),
    })
}

/// Every certificate of a PEM file, in its order; at least one.
///
/// # Errors
/// [`Error`] names the file and the first thing wrong with it.
pub fn read_chain(path: &Path) -> Result<Vec<Certificate>, Error> {
    chain_from_pem(&path.display().to_string(), &read_bounded(path, MAX_PEM_BYTES)?)
}

/// As [`read_chain`], from bytes; `source` is the name used in errors.
///
/// # Errors
/// As [`read_chain`].
pub fn chain_from_pem(source: &str, text: &[u8]) -> Result<Vec<Certificate>, Error> {
    let mut chain = Vec::new();
    for item in CertificateDer::pem_slice_iter(text) {
        let der = item.map_err(|error| Error::new(source, broken(&error)))?;
        let index = chain.len().saturating_add(1);
        if index > MAX_CERTIFICATES_IN_FILE {
            let detail = format!("a file has at most {MAX_CERTIFICATES_IN_FILE} certificates");
            return Err(Error::new(source, Fault::BadCertificate { index, detail }));
        }
        let certificate = Certificate::from_der(&der)
            .map_err(|error| Error::new(source, Fault::BadCertificate { index, detail: error.0 }))?;
        chain.push(certificate);
    }
    if chain.is_empty() {
        return Err(Error::new(source, Fault::Missing { wanted: "certificate", found: labels(text) }));
    }
    Ok(chain)
}

/// Every revocation list of a PEM file, still unread.
pub(super) fn read_crls(path: &Path) -> Result<Vec<Vec<u8>>, Error> {
    let text = read_bounded(path, MAX_CRL_FILE_BYTES)?;
    let lists: Vec<Vec<u8>> = CertificateRevocationListDer::pem_slice_iter(&text)
        .map(|item| item.map(|der| der.as_ref().to_vec()).map_err(|error| Error::at(path, broken(&error))))
        .collect::<Result<_, _>>()?;
    if lists.is_empty() {
        return Err(Error::at(path, Fault::Missing { wanted: "revocation list", found: labels(&text) }));
    }
    Ok(lists)
}

/// The first private key of a PEM file.
pub(super) fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let text = read_bounded(path, MAX_PEM_BYTES)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        pem::Error::NoItemsFound => {
            let found = key_file::recognise(path, &text)
                .map_or_else(|| labels(&text), |advice| format!("{}; {advice}", labels(&text)));
            Error::at(path, Fault::Missing { wanted: "unencrypted private key", found })
        }
        other => Error::at(path, broken(&other)),
    })
}

fn broken(error: &pem::Error) -> Fault {
    Fault::BrokenPem(error.to_string())
}

fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let file = std::fs::File::open(path).map_err(|error| Error::at(path, error))?;
    let mut text = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut text).map_err(|error| Error::at(path, error))?;
    if text.len() as u64 > limit {
        return Err(Error::at(path, Fault::TooLarge { limit }));
    }
    Ok(text)
}

/// What the PEM text holds, by its labels, so that a wrong file explains itself. Never quotes contents.
fn labels(text: &[u8]) -> String {
    let found: Vec<String> = String::from_utf8_lossy(text)
        .lines()
        .filter_map(|line| line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----").map(str::to_owned))
        .take(5)
        .collect();
    match (found.is_empty(), text.first()) {
        (false, _) => found.join(", "),
        (true, Some(0x30)) => "binary data that looks like DER".to_owned(),
        (true, Some(_)) => "no PEM at all".to_owned(),
        (true, None) => "nothing".to_owned(),
    }
}
