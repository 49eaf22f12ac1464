//! What a log says of itself, under its signature (C2SP tlog-checkpoint): whose log, how many entries, which root.

use std::fmt;
use std::str::FromStr;

use lienthong_contract::Digest;

use super::key::{SignatureKind, SigningKey, VerifierKey};
use super::note::Note;
use super::tree::{MAX_SIZE, empty_root};
use super::{Error, hash_text, parse_decimal, parse_hash};

/// The longest origin line.
pub const MAX_ORIGIN_BYTES: usize = 255;

/// The longest text of a checkpoint, extension lines and all.
pub const MAX_TEXT_BYTES: usize = 4096;

/// Name of a log; like `example.com/log42`, though nothing may rely on that (C2SP tlog-checkpoint, Note text).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(String);

impl Origin {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.is_empty() || text.len() > MAX_ORIGIN_BYTES || text.contains(char::is_control) {
            return Err(malformed("its origin is empty, too long, or has a control character in it"));
        }
        // A log of this name could be made to sign what reads as a cosignature's message.
        if text == super::cosign::HEADER {
            return Err(malformed("its origin is the first line of a cosignature"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Origin, size and root of a log (C2SP tlog-checkpoint, Note text).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: Origin,
    pub size: u64,
    pub root: Digest,
}

impl Checkpoint {
    /// Signs it as the log. Whoever calls this has made sure that it continues every checkpoint signed before.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a size no tree can have.
    pub fn sign(self, key: &SigningKey) -> Result<SignedCheckpoint, Error> {
        let text = self.to_string();
        if text.parse::<Self>().as_ref() != Ok(&self) {
            return Err(malformed("no tree has this size and root"));
        }
        let signature = key.sign(&text)?;
        Ok(SignedCheckpoint { checkpoint: self, note: Note::new(&text, signature)? })
    }
}

/// The text that is signed; no extension lines.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, hash_text(&self.root))
    }
}

/// Reads the text that is signed. Extension lines may follow; they say nothing here.
impl FromStr for Checkpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(malformed("its text is too long"));
        }
        let lines = text.strip_suffix('\n').ok_or(malformed("its text does not end in a newline"))?;
        let mut lines = lines.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(malformed("it has fewer than three lines"));
        };
        if lines.any(str::is_empty) {
            return Err(malformed("an extension line is empty"));
        }
        let size = parse_decimal(size).filter(|size| *size <= MAX_SIZE).ok_or(malformed("its size is not a number"))?;
        let root = parse_hash(root)?;
        if size == 0 && root != empty_root() {
            return Err(malformed("a tree without entries has another root"));
        }
        Ok(Self { origin: origin.parse()?, size, root })
    }
}

/// A checkpoint that its log signed, with the note as it came, so that it can be shown to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

impl SignedCheckpoint {
    /// Reads a checkpoint of this log and verifies that one of the log's keys signed it. Only keys for plain
    /// signatures count: a witness's cosignature is not the log's word.
    ///
    /// # Errors
    /// [`Error`], by the first fault.
    pub fn open(bytes: &[u8], origin: &Origin, log: &[VerifierKey]) -> Result<Self, Error> {
        let note = Note::parse(bytes)?;
        let signed = note.verify(log)?;
        if !signed.iter().any(|signature| signature.key.kind() == SignatureKind::Ed25519) {
            return Err(Error::NotSigned);
        }
        let checkpoint: Checkpoint = note.text().parse()?;
        if checkpoint.origin != *origin {
            let (expected, found) = (origin.to_string(), checkpoint.origin.to_string());
            return Err(Error::OtherOrigin { expected, found });
        }
        Ok(Self { checkpoint, note })
    }

    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    #[must_use]
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// Adds a witness's cosignature, once it was found true.
    ///
    /// # Errors
    /// [`Error::NotSigned`] when it is not by this witness, [`Error::BadSignature`] when it does not match.
    pub fn add(&mut self, cosignature: super::Signature, witness: &VerifierKey) -> Result<(), Error> {
        Note::new(self.note.text(), cosignature.clone())?.verify(std::slice::from_ref(witness))?;
        self.note.add(cosignature)
    }
}

/// The note, with every signature line.
impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}

const fn malformed(why: &'static str) -> Error {
    Error::Malformed { what: "checkpoint", why }
}
