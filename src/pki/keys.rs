//! Keys for the example PKI. RSA keys are slow to make (some tenths of a second each), so all of them are made at
//! the beginning, on several threads; P-256 keys are made where they are needed.

use std::sync::{Mutex, PoisonError, mpsc};

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, PublicKeyData, SignatureAlgorithm};
use rsa::RsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};

use super::Error;

const RSA_BITS: usize = 2048;
/// What TT 15/2025 forbids; made once, to be refused.
const WEAK_RSA_BITS: usize = 1024;

/// Which key a certificate gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyWish {
    Rsa2048,
    P256,
}

/// A private key as its PEM text, and the public half as a certificate takes it.
pub(super) struct SubjectKey {
    pub pem: String,
    pub public: PublicHalf,
}

/// Both forms are needed because ring, behind rcgen, refuses to load an RSA key below 2048 bit.
pub(super) enum PublicHalf {
    Pair(Box<KeyPair>),
    Info(rcgen::SubjectPublicKeyInfo),
}

impl PublicKeyData for PublicHalf {
    fn der_bytes(&self) -> &[u8] {
        match self {
            Self::Pair(pair) => pair.der_bytes(),
            Self::Info(info) => info.der_bytes(),
        }
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self {
            Self::Pair(pair) => pair.algorithm(),
            Self::Info(info) => info.algorithm(),
        }
    }
}

/// RSA keys made ahead.
pub(super) struct KeyStock {
    rsa: Vec<SubjectKey>,
    p256_only: bool,
}

impl KeyStock {
    /// Grants every wish with a P-256 key.
    pub const fn p256_only() -> Self {
        Self { rsa: Vec::new(), p256_only: true }
    }

    pub fn with_rsa(count: usize, threads: usize, progress: &mut dyn FnMut(&str)) -> Result<Self, Error> {
        let left = Mutex::new(count);
        let take_one = || {
            let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
            let any = *left > 0;
            *left = left.saturating_sub(1);
            any
        };
        let (send, receive) = mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..threads.clamp(1, 16) {
                let send = send.clone();
                let take_one = &take_one;
                scope.spawn(move || {
                    while take_one() {
                        if send.send(rsa_key(RSA_BITS).and_then(|pem| from_pkcs8(pem, &PKCS_RSA_SHA256))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(send);
            let mut rsa = Vec::with_capacity(count);
            for key in receive {
                rsa.push(key?);
                progress(&format!("RSA key {} of {count}", rsa.len()));
            }
            Ok(Self { rsa, p256_only: false })
        })
    }

    pub fn take(&mut self, wish: KeyWish) -> Result<SubjectKey, Error> {
        match wish {
            _ if self.p256_only => p256(),
            KeyWish::P256 => p256(),
            KeyWish::Rsa2048 => self.rsa.pop().ok_or_else(|| Error::Key("too few RSA keys were made ahead".to_owned())),
        }
    }
}

pub(super) fn p256() -> Result<SubjectKey, Error> {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    Ok(SubjectKey { pem: pair.serialize_pem(), public: PublicHalf::Pair(Box::new(pair)) })
}

pub(super) fn weak_rsa() -> Result<SubjectKey, Error> {
    let key = RsaPrivateKey::new(&mut rand::thread_rng(), WEAK_RSA_BITS).map_err(key_error)?;
    let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(key_error)?.to_string();
    let spki = key.to_public_key().to_public_key_der().map_err(key_error)?;
    Ok(SubjectKey { pem, public: PublicHalf::Info(rcgen::SubjectPublicKeyInfo::from_der(spki.as_bytes())?) })
}

fn rsa_key(bits: usize) -> Result<String, Error> {
    let key = RsaPrivateKey::new(&mut rand::thread_rng(), bits).map_err(key_error)?;
    key.to_pkcs8_pem(LineEnding::LF).map(|pem| pem.to_string()).map_err(key_error)
}

fn from_pkcs8(pem: String, algorithm: &'static SignatureAlgorithm) -> Result<SubjectKey, Error> {
    let pair = KeyPair::from_pkcs8_pem_and_sign_algo(&pem, algorithm)?;
    Ok(SubjectKey { pem, public: PublicHalf::Pair(Box::new(pair)) })
}

fn key_error(error: impl std::fmt::Display) -> Error {
    Error::Key(error.to_string())
}
