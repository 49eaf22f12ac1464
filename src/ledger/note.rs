//! Text under signatures (C2SP signed-note).
//!
//! A note is text that ends in a newline, an empty line, and one line a signature. A signature by a key that is not
//! known says nothing and is ignored; one by a known key that does not match condemns the whole note.

use std::fmt;

use base64_simd::STANDARD;

use super::Error;
use super::key::{VerifierKey, check_name};

/// The longest note that is read.
pub const MAX_NOTE_BYTES: usize = 256 * 1024;

/// The most signatures a note may have; at least 16 must be read (C2SP signed-note, Format).
pub const MAX_SIGNATURES: usize = 100;

/// One signature line (C2SP signed-note, Signatures).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    name: String,
    id: [u8; 4],
    bytes: Vec<u8>,
}

impl Signature {
    pub(super) const fn new(name: String, id: [u8; 4], bytes: Vec<u8>) -> Self {
        Self { name, id, bytes }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads a line without its newline.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn parse(line: &str) -> Result<Self, Error> {
        let malformed = Error::Malformed { what: "signature line", why: "it is not — name base64" };
        let rest = line.strip_prefix("— ").ok_or(malformed.clone())?;
        let (name, signature) = rest.split_once(' ').ok_or(malformed.clone())?;
        check_name(name)?;
        let bytes = decode(signature, MAX_NOTE_BYTES).ok_or(malformed.clone())?;
        let (id, bytes) = bytes.split_first_chunk::<4>().ok_or(malformed.clone())?;
        if bytes.is_empty() {
            return Err(malformed);
        }
        Ok(Self { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
    }
}

/// The line, without its newline.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "— {} {}", self.name, STANDARD.encode_to_string([&self.id[..], &self.bytes].concat()))
    }
}

/// Text and its signatures, whether true or not (C2SP signed-note, Format). [`Note::verify`] says who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// A signature that was found true, and the time in it if it is a cosignature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified<'a> {
    pub key: &'a VerifierKey,
    pub time: Option<u64>,
}

impl Note {
    /// # Errors
    /// [`Error::Malformed`] when a note cannot have this text.
    pub fn new(text: &str, signature: Signature) -> Result<Self, Error> {
        check_text(text)?;
        Ok(Self { text: text.to_owned(), signatures: vec![signature] })
    }

    /// # Errors
    /// [`Error::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(malformed("it is too long"));
        }
        let note = std::str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))?;
        // The last empty line; the newline before it belongs to the text.
        let end = note.rfind("\n\n").and_then(|at| at.checked_add(1)).ok_or(malformed("it has no empty line"))?;
        let (text, signatures) = note.split_at_checked(end).ok_or(malformed("it has no empty line"))?;
        check_text(text)?;
        let lines = signatures.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
        let lines = lines.ok_or(malformed("its last line does not end"))?;
        if lines.split('\n').count() > MAX_SIGNATURES {
            return Err(malformed("it has too many signatures"));
        }
        let signatures = lines.split('\n').map(Signature::parse).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// What was signed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds a signature, in place of an earlier one by the same key.
    ///
    /// # Errors
    /// [`Error::Malformed`] when there are too many.
    pub fn add(&mut self, signature: Signature) -> Result<(), Error> {
        self.signatures.retain(|other| (&other.name, other.id) != (&signature.name, signature.id));
        if self.signatures.len() >= MAX_SIGNATURES {
            return Err(malformed("it has too many signatures"));
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// Which of these keys signed; there may be none (C2SP signed-note, Signatures).
    ///
    /// # Errors
    /// [`Error::BadSignature`] when a signature of one of them does not match; [`Error::Ambiguous`] when two different
    /// ones have the same name and id.
    pub fn check<'a>(&self, keys: &'a [VerifierKey]) -> Result<Vec<Verified<'a>>, Error> {
        let mut verified: Vec<Verified<'a>> = Vec::new();
        for signature in &self.signatures {
            let mut known = keys.iter().filter(|key| key.name() == signature.name && key.id() == signature.id);
            let Some(key) = known.next() else { continue };
            if known.any(|other| other != key) {
                return Err(Error::Ambiguous(key.to_string()));
            }
            let found = Verified { key, time: key.verify(&self.text, &signature.bytes)? };
            if !verified.contains(&found) {
                verified.push(found);
            }
        }
        Ok(verified)
    }

    /// Like [`Note::check`], and at least one has to have signed.
    ///
    /// # Errors
    /// [`Error::NotSigned`], and those of [`Note::check`].
    pub fn verify<'a>(&self, keys: &'a [VerifierKey]) -> Result<Vec<Verified<'a>>, Error> {
        let verified = self.check(keys)?;
        if verified.is_empty() { Err(Error::NotSigned) } else { Ok(verified) }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

/// Text ends in a newline and has no other control character below U+0020 (C2SP signed-note, Format).
pub(super) fn check_text(text: &str) -> Result<(), Error> {
    if !text.ends_with('\n') {
        return Err(malformed("its text does not end in a newline"));
    }
    if text.len() > MAX_NOTE_BYTES {
        return Err(malformed("its text is too long"));
    }
    if text.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
        return Err(malformed("it has a control character in it"));
    }
    Ok(())
}

/// Base64 with its padding and no spare bits set, so that bytes have one text; at most so long.
pub(super) fn decode(text: &str, limit: usize) -> Option<Vec<u8>> {
    if text.len() > limit { None } else { STANDARD.decode_to_vec(text).ok() }
}

const fn malformed(why: &'static str) -> Error {
    Error::Malformed { what: "signed note", why }
}
