//! The signature of a receipt: JWS compact form (RFC 7515), ES256 or EdDSA, the signer's chain in `x5c`.
//!
//! A receipt has one form. An ECDSA signature (r, s) over a text is as good as (r, n − s), which anybody can compute; a
//! second receipt made so would be another one by its digest, and nobody signed it. So `s` stands in the lower half of the
//! group's order, and what has it in the upper half is refused.

use std::fmt;
use std::sync::Arc;

use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use lienthong_contract::{Digest, HopName, Instant};

use super::{Receipt, Sealed};

/// The `typ` of our receipts; any other JWS is not one.
pub const TYPE: &str = "lienthong-receipt+jwt";

/// The longest statement that is read, in bytes: a submission to some thousands of recipients, or a batch, fits.
pub const MAX_JWS_BYTES: usize = 1024 * 1024;

/// The longest receipt about one consignment that is taken from a neighbour, in bytes.
pub const MAX_RECEIPT_BYTES: usize = 32 * 1024;

/// Signs receipts: the hop's own key.
pub trait Signer: Send + Sync + fmt::Debug {
    /// `ES256` or `EdDSA`.
    fn alg(&self) -> &'static str;
    /// The certificate of the key first, then its issuers; DER.
    fn chain(&self) -> &[Vec<u8>];
    /// Signature over `message` in the form RFC 7518 §3.4 asks for.
    ///
    /// # Errors
    /// [`Error::CannotSign`].
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error>;
}

/// Decides whose key a certificate chain proves.
pub trait HopKeys: Send + Sync {
    /// The public key (uncompressed point or Ed25519 key) of the chain's first certificate, when the chain leads to
    /// a root trusted for hops and was valid at `at`, and that certificate was issued to `hop`.
    ///
    /// # Errors
    /// [`Error::Untrusted`] with the cause.
    fn public_key(&self, chain: &[Vec<u8>], hop: &HopName, at: Instant) -> Result<Vec<u8>, Error>;
}

/// The order of the group of P-256 (FIPS 186-5, SP 800-186 §3.2.1.3), and half of it; big-endian.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
const HALF: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d,
    0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];

/// True when `s` of an ECDSA signature stands in the lower half.
fn is_lower(signature: &[u8]) -> bool {
    signature.get(32..64).is_some_and(|s| s <= &HALF[..])
}

/// Puts n − s in the place of an `s` of the upper half: a signature over the same text by the same key.
pub(super) fn lower(mut signature: Vec<u8>) -> Vec<u8> {
    if !is_lower(&signature)
        && let Some(s) = signature.get_mut(32..64)
    {
        let mut borrow = 0;
        for (byte, order) in s.iter_mut().zip(ORDER).rev() {
            let (difference, first) = order.overflowing_sub(*byte);
            let (difference, second) = difference.overflowing_sub(borrow);
            *byte = difference;
            borrow = u8::from(first || second);
        }
    }
    signature
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("the text is not a receipt in compact JWS form: {0}")]
    Malformed(&'static str),
    #[error("the receipt's algorithm {0:?} is not ES256 or EdDSA")]
    Algorithm(String),
    #[error("the receipt's signature does not match its text")]
    Signature,
    #[error("the certificate of hop {hop} is not trusted: {cause}")]
    Untrusted { hop: String, cause: String },
    #[error("a {0} receipt needs the name of the system outside")]
    NoSystem(&'static str),
    #[error("a {0} receipt needs a reason")]
    NoReason(&'static str),
    #[error("the hop's key could not sign: {0}")]
    CannotSign(String),
}

/// What stands here is all that is understood. A header that holds more, for instance `crit`, is not ours, and what it
/// asks for may change what the signature means (RFC 7515 §4.1.11).
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    x5c: Vec<String>,
}

impl Header {
    fn chain(&self) -> Result<Vec<Vec<u8>>, Error> {
        let decode = |text: &String| STANDARD.decode_to_vec(text).map_err(|_| Error::Malformed("x5c"));
        self.x5c.iter().map(decode).collect()
    }
}

/// Signs a receipt.
///
/// # Errors
/// [`Error::NoReason`] when a negative event has none, [`Error::CannotSign`].
pub fn seal(receipt: Receipt, signer: &dyn Signer) -> Result<Sealed, Error> {
    is_whole(&receipt)?;
    let jws = sign_statement(TYPE, &receipt, signer)?;
    let digest = Digest::of(jws.as_bytes());
    Ok(Sealed { receipt: Arc::new(receipt), jws: jws.into(), digest })
}

/// A receipt says what its event asks for.
fn is_whole(receipt: &Receipt) -> Result<(), Error> {
    if receipt.event.is_negative() && receipt.reason.is_none() {
        return Err(Error::NoReason(receipt.event.as_str()));
    }
    if receipt.event.is_outside() && receipt.outside.is_none() {
        return Err(Error::NoSystem(receipt.event.as_str()));
    }
    Ok(())
}

/// Reads a receipt and verifies its signature and its signer.
///
/// # Errors
/// [`Error`], by the first fault.
pub fn open(jws: &str, keys: &dyn HopKeys) -> Result<Sealed, Error> {
    let parts = Parts::<Receipt>::of(TYPE, jws)?;
    parts.verify(keys, &parts.statement.hop, parts.statement.time)?;
    let receipt = checked(parts.statement)?;
    is_whole(&receipt)?;
    Ok(Sealed { receipt: Arc::new(receipt), jws: jws.into(), digest: Digest::of(jws.as_bytes()) })
}

/// Reads what a receipt claims, without verifying who says so.
///
/// # Errors
/// [`Error::Malformed`].
pub fn read_unverified(jws: &str) -> Result<Sealed, Error> {
    let receipt = checked(Parts::<Receipt>::of(TYPE, jws)?.statement)?;
    Ok(Sealed { receipt: Arc::new(receipt), jws: jws.into(), digest: Digest::of(jws.as_bytes()) })
}

/// Reads a receipt that was verified when it was stored; of its text only the statement is looked at.
///
/// # Errors
/// [`Error::Malformed`].
pub fn read_stored(jws: &str) -> Result<Sealed, Error> {
    let payload = jws.split('.').nth(1).ok_or(Error::Malformed("no payload part"))?;
    let receipt = serde_json::from_slice(&decode(payload)?).map_err(|_| Error::Malformed("payload"))?;
    let receipt = checked(receipt)?;
    Ok(Sealed { receipt: Arc::new(receipt), jws: jws.into(), digest: Digest::of(jws.as_bytes()) })
}

fn checked(receipt: Receipt) -> Result<Receipt, Error> {
    if receipt.v == 1 { Ok(receipt) } else { Err(Error::Malformed("unknown version")) }
}

/// Signs any statement of a hop as a JWS of this type.
///
/// # Errors
/// [`Error::CannotSign`].
pub fn sign_statement<T: Serialize>(typ: &str, statement: &T, signer: &dyn Signer) -> Result<String, Error> {
    let header = Header {
        alg: signer.alg().to_owned(),
        typ: typ.to_owned(),
        x5c: signer.chain().iter().map(|der| STANDARD.encode_to_string(der)).collect(),
    };
    let header = serde_json::to_vec(&header).map_err(|error| Error::CannotSign(error.to_string()))?;
    let payload = serde_json::to_vec(statement).map_err(|error| Error::CannotSign(error.to_string()))?;
    let mut jws = URL_SAFE_NO_PAD.encode_to_string(header);
    jws.push('.');
    jws.push_str(&URL_SAFE_NO_PAD.encode_to_string(payload));
    let signature = signer.sign(jws.as_bytes())?;
    let signature = if signer.alg() == "ES256" { lower(signature) } else { signature };
    jws.push('.');
    jws.push_str(&URL_SAFE_NO_PAD.encode_to_string(signature));
    Ok(jws)
}

/// Reads a statement of this type and verifies that the hop which `signer_of` finds in it signed it, at a time when
/// its certificate was valid.
///
/// # Errors
/// [`Error`], by the first fault.
pub fn open_statement<T: DeserializeOwned>(
    typ: &str,
    jws: &str,
    keys: &dyn HopKeys,
    signer_of: impl FnOnce(&T) -> (HopName, Instant),
) -> Result<T, Error> {
    let parts = Parts::<T>::of(typ, jws)?;
    let (hop, time) = signer_of(&parts.statement);
    parts.verify(keys, &hop, time)?;
    Ok(parts.statement)
}

/// The certificate chain that a JWS of any of our types shows; nothing is verified.
///
/// # Errors
/// [`Error::Malformed`].
pub fn shown_chain(jws: &str) -> Result<Vec<Vec<u8>>, Error> {
    let header = jws.split('.').next().filter(|_| jws.len() <= MAX_JWS_BYTES).ok_or(Error::Malformed("header"))?;
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| Error::Malformed("header"))?;
    header.chain()
}

struct Parts<'a, T> {
    alg: String,
    chain: Vec<Vec<u8>>,
    statement: T,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a, T: DeserializeOwned> Parts<'a, T> {
    fn of(typ: &str, jws: &'a str) -> Result<Self, Error> {
        if jws.len() > MAX_JWS_BYTES {
            return Err(Error::Malformed("longer than a receipt may be"));
        }
        let (signed, signature) = jws.rsplit_once('.').ok_or(Error::Malformed("no signature part"))?;
        let (header, payload) = signed.split_once('.').ok_or(Error::Malformed("no payload part"))?;
        let header = decode(header)?;
        let header: Header = serde_json::from_slice(&header).map_err(|_| Error::Malformed("header"))?;
        if header.typ != typ {
            return Err(Error::Malformed("typ is another one"));
        }
        let chain = header.chain()?;
        let statement = serde_json::from_slice(&decode(payload)?).map_err(|_| Error::Malformed("payload"))?;
        Ok(Self { alg: header.alg, chain, statement, signed, signature: decode(signature)? })
    }
}

impl<T> Parts<'_, T> {
    fn verify(&self, keys: &dyn HopKeys, hop: &HopName, time: Instant) -> Result<(), Error> {
        let key = keys.public_key(&self.chain, hop, time)?;
        let algorithm: &dyn VerificationAlgorithm = match self.alg.as_str() {
            "ES256" => &ECDSA_P256_SHA256_FIXED,
            "EdDSA" => &ED25519,
            other => return Err(Error::Algorithm(other.chars().take(20).collect())),
        };
        if self.alg == "ES256" && !is_lower(&self.signature) {
            return Err(Error::Malformed("s of the signature stands in the upper half"));
        }
        UnparsedPublicKey::new(algorithm, key)
            .verify(self.signed.as_bytes(), &self.signature)
            .map_err(|_| Error::Signature)
    }
}

fn decode(text: &str) -> Result<Vec<u8>, Error> {
    URL_SAFE_NO_PAD.decode_to_vec(text).map_err(|_| Error::Malformed("base64url"))
}
