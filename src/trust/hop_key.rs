//! The gateway's own signing key, and the one signature form it makes and reads: JWS.
//!
//! The key comes from an unencrypted PKCS#8 file, ECDSA P-256 (ES256) or Ed25519 (EdDSA), with the chain of its
//! certificate beside it. At load the key and the first certificate are proved to be a pair by signing once.
//!
//! Invariants: the private key lives inside ring and in no other place after loading; `Debug` shows the certificate's
//! fingerprint only; a hop never signs with RSA or SHA-1.
//!
//! Failure story: a file that cannot be used is named at start; signing itself fails only when the system's random
//! source does, and then the gateway cannot be ready.

use std::fmt;
use std::path::Path;

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, UnparsedPublicKey,
};
use rustls_pki_types::PrivateKeyDer;

use super::certificate::{self, Certificate, KeyKind};
use super::{Error, Fault};

/// JWS `alg` of ECDSA on P-256 with SHA-256; the signature is r and s of 32 octets each (RFC 7518 §3.4).
pub const ES256: &str = "ES256";
/// JWS `alg` of Ed25519 (RFC 8037 §3.1).
pub const EDDSA: &str = "EdDSA";

/// The key that signs this hop's receipts and checkpoints.
pub struct HopKey {
    key: Key,
    chain: Vec<Vec<u8>>,
    leaf: Certificate,
    random: SystemRandom,
}

enum Key {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// The system gave no random numbers, or ring refused for a reason it keeps to itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the hop's key could not sign: the system's random source failed")]
pub struct CannotSign;

/// Why a JWS signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadJws {
    #[error("the algorithm {0:?} is not ES256 or EdDSA")]
    Algorithm(String),
    #[error("a signature by {alg} cannot come from a key of kind {key}")]
    KeyKind { alg: &'static str, key: KeyKind },
    #[error("the signer's certificate cannot be read: {0}")]
    Certificate(String),
    #[error("the signature does not fit the text and the key")]
    Signature,
}

impl HopKey {
    /// Reads the key and its certificate chain, own certificate first.
    ///
    /// # Errors
    /// [`Error`] names the file and says what is wrong with it, also when the two are not a pair.
    pub fn load(key_path: &Path, chain_path: &Path) -> Result<Self, Error> {
        let chain = certificate::read_chain(chain_path)?;
        let random = SystemRandom::new();
        let key = match certificate::read_key(key_path)? {
            PrivateKeyDer::Pkcs8(pkcs8) => Key::read(pkcs8.secret_pkcs8_der(), &random),
            PrivateKeyDer::Sec1(_) => Err("it has the old form EC PRIVATE KEY (SEC1), needed is PKCS#8".to_owned()),
            PrivateKeyDer::Pkcs1(_) => Err("it is an RSA key; a hop signs with ECDSA P-256 or Ed25519".to_owned()),
            _ => Err("it has an unknown form, needed is PKCS#8".to_owned()),
        };
        let key = key.map_err(|detail| Error::at(key_path, Fault::UnusableKey(detail)))?;
        let not_a_pair = || Error::at(key_path, Fault::KeyMismatch { certificate: chain_path.display().to_string() });
        let leaf = chain.first().cloned().ok_or_else(not_a_pair)?;
        let hop_key = Self { key, chain: chain.iter().map(|one| one.der().to_vec()).collect(), leaf, random };
        let probe = b"lienthong: do this key and this certificate belong together?";
        let signature =
            hop_key.sign(probe).map_err(|error| Error::at(key_path, Fault::UnusableKey(error.to_string())))?;
        verify_with(hop_key.alg(), &hop_key.leaf, probe, &signature).map_err(|_| not_a_pair())?;
        Ok(hop_key)
    }

    /// Signs as JWS does: ES256 gives r and s of 32 octets each, EdDSA gives 64 octets.
    ///
    /// # Errors
    /// [`CannotSign`] when the system has no random numbers.
    pub fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, CannotSign> {
        match &self.key {
            Key::P256(key) => {
                key.sign(&self.random, bytes).map(|signature| signature.as_ref().to_vec()).map_err(|_| CannotSign)
            }
            Key::Ed25519(key) => Ok(key.sign(bytes).as_ref().to_vec()),
        }
    }

    /// The JWS `alg`: `ES256` or `EdDSA`.
    #[must_use]
    pub const fn alg(&self) -> &'static str {
        match self.key {
            Key::P256(_) => ES256,
            Key::Ed25519(_) => EDDSA,
        }
    }

    /// The certificates in DER, own first, as the JWS header `x5c` wants them.
    #[must_use]
    pub fn chain_der(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// The hop's own certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.leaf
    }

    /// The public key alone: 65 octets of a P-256 point or 32 of an Ed25519 key.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        self.leaf.public_key()
    }
}

impl fmt::Debug for HopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HopKey({}, {}, private key not shown)", self.alg(), self.leaf.fingerprint())
    }
}

impl Key {
    /// ring takes Ed25519 keys without their public half (as OpenSSL writes them) only through the second reader.
    fn read(pkcs8: &[u8], random: &SystemRandom) -> Result<Self, String> {
        let p256 = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, random);
        match (p256, Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8)) {
            (Ok(key), _) => Ok(Self::P256(key)),
            (_, Ok(key)) => Ok(Self::Ed25519(key)),
            (Err(why), _) => Err(format!("it is no ECDSA P-256 or Ed25519 key in PKCS#8 ({why})")),
        }
    }
}

/// Verifies a JWS signature with the key of a certificate in DER. Whether that certificate is to be believed is
/// asked of [`super::TrustStore`].
///
/// # Errors
/// [`BadJws`], by its first cause.
pub fn verify_jws_signature(alg: &str, certificate_der: &[u8], message: &[u8], signature: &[u8]) -> Result<(), BadJws> {
    let certificate = Certificate::from_der(certificate_der).map_err(|error| BadJws::Certificate(error.0))?;
    verify_with(alg, &certificate, message, signature)
}

/// As [`verify_jws_signature`], with a certificate already read.
///
/// # Errors
/// As [`verify_jws_signature`].
pub fn verify_with(alg: &str, certificate: &Certificate, message: &[u8], signature: &[u8]) -> Result<(), BadJws> {
    let key = certificate.public_key();
    let verdict = match (alg, certificate.key()) {
        (ES256, KeyKind::P256) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(message, signature),
        (EDDSA, KeyKind::Ed25519) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
        (ES256, other) => return Err(BadJws::KeyKind { alg: ES256, key: other.clone() }),
        (EDDSA, other) => return Err(BadJws::KeyKind { alg: EDDSA, key: other.clone() }),
        (other, _) => return Err(BadJws::Algorithm(other.chars().take(40).collect())),
    };
    verdict.map_err(|_| BadJws::Signature)
}
