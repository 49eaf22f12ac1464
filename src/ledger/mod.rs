//! The ledger: the hop's append-only Merkle log of its receipts, and how another hop judges it.
//!
//! Hashing and proofs are those of RFC 6962 §2.1, the layout that of C2SP tlog-tiles, what is signed a C2SP
//! tlog-checkpoint in a C2SP signed-note, what a witness adds a C2SP tlog-cosignature. So whatever reads the logs of
//! Go's module proxy or of Certificate Transparency reads this one too.
//!
//! * [`tree`]: hashes, where each is stored, appending.
//! * [`proof`]: that an entry is in the log; that the log of today begins with the log of yesterday.
//! * [`tile`]: the same hashes, and the entries, as files of fixed size that never change once full; [`tile_reader`].
//! * [`note`]: text under signatures; [`key`]. [`checkpoint`]: origin, size and root, signed.
//! * [`mod@cosign`]: a witness's signature, and the judgement that comes before it.
//!
//! Invariants: a stored hash never changes and no smaller tree is ever signed again; nothing is believed of a
//! checkpoint that no known key signed; two checkpoints that cannot both be true are kept, both, as evidence.
//!
//! What is logged should be the digest that names a receipt, not its text: an entry has at most
//! [`tile::MAX_ENTRY_BYTES`], a receipt may be longer, and a log may be shown to those who may not see the receipt.
//!
//! This room is pure: it knows no store, no clock, no network. It reads hashes through [`HashReader`], or tells with
//! [`Plan::needs`] which ones it wants and folds them when they are there. Every byte may come from outside: what is
//! wrong is refused with an [`Error`], and nothing that is read has no limit.

pub mod checkpoint;
pub mod cosign;
pub mod key;
pub mod note;
pub mod proof;
pub mod tile;
pub mod tile_reader;
pub mod tree;

use lienthong_contract::Digest;

pub use checkpoint::{Checkpoint, Origin, SignedCheckpoint};
pub use cosign::{Cosigned, Fork, Judgement, Pair, cosign, cosignatures, judge};
pub use key::{PrivateKey, SignatureKind, SigningKey, VerifierKey};
pub use note::{Note, Signature};
pub use proof::{Plan, check_consistency, check_inclusion, prove_consistency, prove_inclusion};
pub use tile::{TileKind, TilePath};
pub use tile_reader::{TileReader, TileSource, tiles_needed};
pub use tree::{Frontier, HashReader, leaf_hash, node_hash, root};

/// Why something was not read, not proved or not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("not a {what}: {why}")]
    Malformed { what: &'static str, why: &'static str },
    #[error("a tree of {size} entries has no {asked}")]
    OutOfRange { asked: u64, size: u64 },
    #[error("the ledger has reached its largest size, {size}")]
    Full { size: u64 },
    #[error("the ledger's stored hash {0} is missing")]
    MissingHash(u64),
    #[error("the ledger could not be read: {0}")]
    Read(String),
    #[error("the proof fails: {0}")]
    Proof(&'static str),
    #[error("the signature by the known key {0} does not match the text")]
    BadSignature(String),
    #[error("no known key signed the text")]
    NotSigned,
    #[error("two known keys are both called {0}")]
    Ambiguous(String),
    #[error("the key cannot be used: {0}")]
    Key(&'static str),
    #[error("the checkpoint is of {found}, not of {expected}")]
    OtherOrigin { expected: String, found: String },
}

/// A hash as 44 characters of base64, as checkpoints and the witness protocol write it (C2SP tlog-checkpoint).
#[must_use]
pub fn hash_text(hash: &Digest) -> String {
    base64_simd::STANDARD.encode_to_string(hash.as_bytes())
}

/// Reads what [`hash_text`] writes, and nothing else.
///
/// # Errors
/// [`Error::Malformed`].
pub fn parse_hash(text: &str) -> Result<Digest, Error> {
    let bytes = note::decode(text, 44).and_then(|bytes| bytes.try_into().ok());
    bytes.map(Digest::from_bytes).ok_or(Error::Malformed { what: "hash", why: "not 32 bytes in base64" })
}

/// A number as checkpoints and tile paths write it: decimal, no sign, no leading zero.
fn parse_decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests;
