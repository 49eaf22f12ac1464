//! Keys: who signs notes and checkpoints, and how the public halves are written (C2SP signed-note, Signatures).
//!
//! A key is known by its owner's name and by four bytes of a hash over name, kind and key. One private key may sign as a
//! log and cosign as a witness, since the two messages cannot be mistaken for each other; two keys are better.

use std::fmt;
use std::str::FromStr;

use base64_simd::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use lienthong_contract::digest::Hasher;

use super::note::{Signature, check_text, decode};
use super::{Error, cosign};

/// The longest name of a key.
pub const MAX_NAME_BYTES: usize = 255;

/// The two kinds of signature that are known here (C2SP signed-note, Signature types).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureKind {
    /// `0x01`: over the text.
    Ed25519,
    /// `0x04`: over a time and the text (C2SP tlog-cosignature).
    Cosignature,
}

impl SignatureKind {
    const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Cosignature => 0x04,
        }
    }
}

/// A public key, its owner's name and what it signs. Written `name+keyid+base64` (C2SP signed-note, verifier keys).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    kind: SignatureKind,
    key: [u8; 32],
}

impl VerifierKey {
    /// # Errors
    /// [`Error::Malformed`] when the name cannot be a key's (C2SP signed-note, Format).
    pub fn new(name: &str, kind: SignatureKind, key: [u8; 32]) -> Result<Self, Error> {
        check_name(name)?;
        Ok(Self { name: name.to_owned(), kind, key })
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub const fn kind(&self) -> SignatureKind {
        self.kind
    }

    /// `SHA-256(name ‖ 0x0A ‖ kind ‖ key)[:4]` (C2SP signed-note, Signatures).
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        let mut hasher = Hasher::default();
        for part in [self.name.as_bytes(), &[b'\n', self.kind.byte()], &self.key] {
            hasher.update(part);
        }
        hasher.finish().as_bytes().first_chunk().copied().unwrap_or_default()
    }

    /// The time in a cosignature, or nothing in a plain signature, if it is this key's over this text.
    pub(super) fn verify(&self, text: &str, signature: &[u8]) -> Result<Option<u64>, Error> {
        let (time, message, signature) = match self.kind {
            SignatureKind::Ed25519 => (None, text.to_owned(), signature),
            SignatureKind::Cosignature => {
                let (time, signature) =
                    cosign::split(signature).ok_or_else(|| Error::BadSignature(self.to_string()))?;
                (Some(time), cosign::message(time, text), signature)
            }
        };
        UnparsedPublicKey::new(&ED25519, &self.key)
            .verify(message.as_bytes(), signature)
            .map_err(|_| Error::BadSignature(self.to_string()))?;
        Ok(time)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![self.kind.byte()];
        bytes.extend_from_slice(&self.key);
        write!(f, "{}+{:08x}+{}", self.name, u32::from_be_bytes(self.id()), STANDARD.encode_to_string(bytes))
    }
}

impl FromStr for VerifierKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let malformed = |why| Error::Malformed { what: "verifier key", why };
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed("it is not name+id+key"));
        };
        let bytes = decode(key, 44).ok_or(malformed("its key is not base64 of 33 bytes"))?;
        let (kind, key) = bytes.split_first_chunk::<1>().ok_or(malformed("it has no key"))?;
        let kind = match kind {
            [0x01] => SignatureKind::Ed25519,
            [0x04] => SignatureKind::Cosignature,
            _ => return Err(malformed("its kind is neither Ed25519 nor a cosignature's")),
        };
        let key = key.try_into().map_err(|_| malformed("its key is not of 32 bytes"))?;
        let read = Self::new(name, kind, key)?;
        // The id in the text has to be the key's own, in the one way of writing it.
        if read.to_string() == text { Ok(read) } else { Err(malformed("its id is another key's")) }
    }
}

/// A name is not empty and has neither spaces nor `+` (C2SP signed-note, Format).
pub(super) fn check_name(name: &str) -> Result<(), Error> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.contains(bad) {
        return Err(Error::Malformed {
            what: "key name",
            why: "it is empty, too long, or has a space or a plus in it",
        });
    }
    Ok(())
}

/// A private key that has no name yet: the bytes of its PKCS #8 document.
#[derive(Clone)]
pub struct PrivateKey(Vec<u8>);

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(not shown)")
    }
}

impl PrivateKey {
    /// # Errors
    /// [`Error::Key`] when this is not a PKCS #8 document of an Ed25519 key.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        SigningKey::from_pkcs8("probe", der).map(|_| Self(der.to_vec()))
    }

    /// A new one.
    ///
    /// # Errors
    /// [`Error::Key`] when the system gives no random numbers.
    pub fn fresh() -> Result<Self, Error> {
        let random = ring::rand::SystemRandom::new();
        let document = Ed25519KeyPair::generate_pkcs8(&random).map_err(|_| Error::Key("no random numbers"))?;
        Ok(Self(document.as_ref().to_vec()))
    }

    /// The PKCS #8 document, to be kept.
    #[must_use]
    pub fn as_pkcs8(&self) -> &[u8] {
        &self.0
    }

    /// The key under this name.
    ///
    /// # Errors
    /// [`Error::Malformed`] for the name.
    pub fn named(&self, name: &str) -> Result<SigningKey, Error> {
        SigningKey::from_pkcs8(name, &self.0)
    }
}

/// A private key under its owner's name.
#[derive(Debug)]
pub struct SigningKey {
    name: String,
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// # Errors
    /// [`Error::Key`] when these are not the 32 bytes of an Ed25519 seed, [`Error::Malformed`] for the name.
    pub fn from_seed(name: &str, seed: &[u8]) -> Result<Self, Error> {
        check_name(name)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| Error::Key("not an Ed25519 seed"))?;
        Ok(Self { name: name.to_owned(), pair })
    }

    /// # Errors
    /// [`Error::Key`] when this is not a PKCS #8 document of an Ed25519 key, [`Error::Malformed`] for the name.
    pub fn from_pkcs8(name: &str, der: &[u8]) -> Result<Self, Error> {
        check_name(name)?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
            .map_err(|_| Error::Key("not a PKCS #8 document of an Ed25519 key"))?;
        Ok(Self { name: name.to_owned(), pair })
    }

    /// The public key, for those who verify this kind of signature by it.
    ///
    /// # Errors
    /// None with the keys that are made here.
    pub fn verifier(&self, kind: SignatureKind) -> Result<VerifierKey, Error> {
        let key =
            self.pair.public_key().as_ref().try_into().map_err(|_| Error::Key("its public key is not of 32 bytes"))?;
        VerifierKey::new(&self.name, kind, key)
    }

    /// Signs text (C2SP signed-note, Ed25519 signatures).
    ///
    /// # Errors
    /// [`Error::Malformed`] when a note cannot have this text, or it is what a witness signs.
    pub fn sign(&self, text: &str) -> Result<Signature, Error> {
        check_text(text)?;
        if text.lines().next() == Some(cosign::HEADER) {
            return Err(Error::Malformed { what: "signed note", why: "it begins like a cosignature" });
        }
        self.signature(SignatureKind::Ed25519, &[], text)
    }

    /// A signature line's content: `before`, then what the key says to `message`.
    pub(super) fn signature(&self, kind: SignatureKind, before: &[u8], message: &str) -> Result<Signature, Error> {
        let mut bytes = before.to_vec();
        bytes.extend_from_slice(self.pair.sign(message.as_bytes()).as_ref());
        Ok(Signature::new(self.name.clone(), self.verifier(kind)?.id(), bytes))
    }
}
