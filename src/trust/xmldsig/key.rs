//! Who signs: the trait, and a key in memory (PKCS#8, RSA or ECDSA) by ring.

use std::fmt;

use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, KeyPair, RsaKeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;

use super::Error;
use super::algorithm::SignatureAlgorithm;
use super::verify::public_key;

/// Something that can sign: a key in memory, a token, a remote service.
pub trait Signer {
    fn algorithm(&self) -> SignatureAlgorithm;

    /// Signs `bytes` (they are hashed inside). ECDSA signatures are of fixed width.
    ///
    /// # Errors
    /// [`Error::Key`] when the key or the device does not sign.
    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, Error>;

    fn certificate_der(&self) -> &[u8];

    /// Certificates between the signer's and the root, the nearest first.
    fn intermediates(&self) -> &[Vec<u8>] {
        &[]
    }
}

/// How an RSA key signs, always with SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RsaScheme {
    /// PKCS#1 v1.5: what deployed signatures of the field use, and every verifier understands.
    #[default]
    Pkcs1,
    /// What TT 15/2025/TT-BKHCN prefers for new signatures; fewer verifiers know its XML name.
    Pss,
}

enum Pair {
    Rsa(RsaKeyPair, RsaScheme),
    Ecdsa(EcdsaKeyPair, SignatureAlgorithm),
}

/// A private key in memory with its certificate.
pub struct KeySigner {
    pair: Pair,
    random: SystemRandom,
    certificate_der: Vec<u8>,
    intermediates: Vec<Vec<u8>>,
}

impl KeySigner {
    /// Takes a PKCS#8 key in PEM form; `scheme` matters for RSA only.
    ///
    /// # Errors
    /// [`Error::Key`] when the key cannot be read or is not the key of the certificate.
    pub fn from_pkcs8_pem(
        key_pem: &str,
        certificate_der: Vec<u8>,
        intermediates: Vec<Vec<u8>>,
        scheme: RsaScheme,
    ) -> Result<Self, Error> {
        let key = PrivatePkcs8KeyDer::from_pem_slice(key_pem.as_bytes())
            .map_err(|_| Error::Key("the file holds no PKCS#8 private key (BEGIN PRIVATE KEY)"))?;
        let pair = Pair::read(key.secret_pkcs8_der(), scheme)
            .ok_or(Error::Key("the key is neither RSA of 2048 bits or more nor ECDSA on P-256 or P-384"))?;
        let certified = public_key(&certificate_der, pair.algorithm())
            .map_err(|_| Error::Key("the certificate cannot be read, or its key is of another kind"))?;
        if certified != pair.public() {
            return Err(Error::Key("the key is not the key of the certificate"));
        }
        Ok(Self { pair, random: SystemRandom::new(), certificate_der, intermediates })
    }
}

impl Pair {
    fn read(pkcs8: &[u8], scheme: RsaScheme) -> Option<Self> {
        if let Ok(pair) = RsaKeyPair::from_pkcs8(pkcs8) {
            return Some(Self::Rsa(pair, scheme));
        }
        [
            (&signature::ECDSA_P256_SHA256_FIXED_SIGNING, SignatureAlgorithm::EcdsaP256Sha256),
            (&signature::ECDSA_P384_SHA384_FIXED_SIGNING, SignatureAlgorithm::EcdsaP384Sha384),
        ]
        .into_iter()
        .find_map(|(how, algorithm)| {
            let pair = EcdsaKeyPair::from_pkcs8(how, pkcs8, &SystemRandom::new()).ok()?;
            Some(Self::Ecdsa(pair, algorithm))
        })
    }

    const fn algorithm(&self) -> SignatureAlgorithm {
        match self {
            Self::Rsa(_, RsaScheme::Pkcs1) => SignatureAlgorithm::RsaSha256,
            Self::Rsa(_, RsaScheme::Pss) => SignatureAlgorithm::RsaPssSha256,
            Self::Ecdsa(_, algorithm) => *algorithm,
        }
    }

    fn public(&self) -> &[u8] {
        match self {
            Self::Rsa(pair, _) => pair.public_key().as_ref(),
            Self::Ecdsa(pair, _) => pair.public_key().as_ref(),
        }
    }
}

impl Signer for KeySigner {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.pair.algorithm()
    }

    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let failed = |_| Error::Key("signing failed");
        match &self.pair {
            Pair::Rsa(pair, scheme) => {
                let padding: &dyn signature::RsaEncoding = match scheme {
                    RsaScheme::Pkcs1 => &signature::RSA_PKCS1_SHA256,
                    RsaScheme::Pss => &signature::RSA_PSS_SHA256,
                };
                let mut out = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &self.random, bytes, &mut out).map_err(failed)?;
                Ok(out)
            }
            Pair::Ecdsa(pair, _) => Ok(pair.sign(&self.random, bytes).map_err(failed)?.as_ref().to_vec()),
        }
    }

    fn certificate_der(&self) -> &[u8] {
        &self.certificate_der
    }

    fn intermediates(&self) -> &[Vec<u8>] {
        &self.intermediates
    }
}

impl fmt::Debug for KeySigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key stays out of logs.
        f.debug_struct("KeySigner").field("algorithm", &self.algorithm()).finish_non_exhaustive()
    }
}
