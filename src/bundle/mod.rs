//! The bundle: one file that proves to anyone, offline, what became of a document. The form is told in
//! `docs/bundle.md` and `schemas/bundle.schema.json`.
//!
//! ```text
//!  document   what this is about          receipts   JWS of every hop, each with its place in a ledger
//!  late       evidence that moved nothing logs       each ledger: whose key, and its checkpoints under cosignatures
//!  witnesses  whose the cosigning keys are
//!  certificates, crls, revocation         what the hops' certificates rest on, and when that was looked at
//!  packet     the packet itself, if wanted
//!  seal       JWS of the hop that issued it over the name and SHA-256 of every part above
//! ```
//!
//! * [`make()`] seals an [`Input`]; [`Input::of_trace`] gathers one from what a gateway knows.
//! * [`Bundle::read`] takes the file apart and finds every flipped byte; [`verify()`] judges what it says.
//!
//! Invariants: a file has one form only, that of RFC 8785, so that no byte of it can differ unnoticed; every part is
//! named in the sealed manifest; the seal says who put the parts together, and proves nothing else: each receipt, key
//! and checkpoint stands on its own signature, judged as of its own time.
//!
//! Failure story: nothing is kept here. Every byte of a file may come from outside: what is wrong is refused with the
//! part named ([`Fault`]), and nothing that is read has no limit.

mod answer;
mod container;
pub mod findings;
mod gather;
mod ledger;
mod make;
pub mod print;
mod read;
mod verify;
pub mod words;

use serde::{Deserialize, Serialize};

use lienthong_contract::{AgencyCode, Digest, DocId, HopName, Instant};

use crate::receipts::ConsignedTo;

pub use answer::{Answer, Contradiction, Line, Logged as LoggedAt, Told, WitnessedBy, outcome};
pub use gather::LedgerPart;
pub use make::{Error, make, make_with};
pub use read::Bundle;
pub use verify::{Anchors, verify};

/// The word under `format`.
pub const FORMAT: &str = "lienthong-bundle";
/// The version of the form.
pub const VERSION: u32 = 1;
/// The `typ` of the seal.
pub const SEAL_TYPE: &str = "lienthong-bundle+jwt";

/// The largest file. The receipts of a circular to a thousand recipients take some ten MiB; a packet inside takes four
/// thirds of its size.
pub const MAX_BYTES: usize = 64 << 20;
/// The most receipts: the manifest has to fit into one JWS.
pub const MAX_RECEIPTS: usize = 4096;
/// The most late receipts.
pub const MAX_LATE: usize = 512;
/// The most certificates of authorities, and the most revocation lists.
pub const MAX_CERTIFICATES: usize = 64;
/// The most ledgers, and the most statements of witnesses.
pub const MAX_LOGS: usize = 256;
/// The most checkpoints of all ledgers together.
pub const MAX_CHECKPOINTS: usize = 8192;

/// Why a bundle is not believed: which part of it, and what is wrong with it, in Vietnamese and English.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part}: {reason}")]
pub struct Fault {
    pub part: String,
    pub reason: String,
}

impl Fault {
    fn new(part: impl Into<String>, vi: &str, en: impl std::fmt::Display) -> Self {
        Self { part: part.into(), reason: format!("{vi} — {en}") }
    }
}

/// What the bundle is about. Digest, size, sender and DocumentId are those of every receipt; the subject is the issuing
/// hop's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The consignments that this bundle speaks of; a recipient's has only its own.
    pub consignments: Vec<ConsignedTo>,
    /// SHA-256 of the packet.
    pub digest: Digest,
    pub doc_id: DocId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_id: Option<String>,
    pub from: AgencyCode,
    /// Size of the packet in bytes.
    pub size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// A receipt, and its place in its hop's ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logged {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Entry>,
    /// JWS in compact form.
    pub jws: String,
}

/// Proof that a receipt is in a ledger (RFC 6962 §2.1.1). What is logged is the receipt's SHA-256, as 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number in the ledger, from 0.
    pub number: u64,
    pub origin: String,
    /// The audit path, each hash in base64.
    pub proof: Vec<String>,
    /// The size of the tree that the proof is for; the log has a checkpoint of that size.
    pub size: u64,
}

/// A ledger: whose it is, and what it signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// C2SP signed notes with the cosignatures of witnesses.
    pub checkpoints: Vec<String>,
    /// JWS of a [`crate::custody::logs::KeyStatement`].
    pub key: String,
    pub origin: String,
}

/// When the revocation lists were taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    pub taken: Instant,
}

/// Everything that goes into a bundle; see [`make()`].
#[derive(Debug, Clone)]
pub struct Input {
    pub document: Document,
    pub receipts: Vec<Logged>,
    pub late: Vec<Logged>,
    pub logs: Vec<Log>,
    /// JWS of the [`crate::custody::logs::KeyStatement`]s of those who cosigned.
    pub witnesses: Vec<String>,
    /// The authorities above the hops' certificates, up to the root; DER.
    pub certificates: Vec<Vec<u8>>,
    /// Their revocation lists; DER.
    pub crls: Vec<Vec<u8>>,
    /// When the lists were taken.
    pub taken: Instant,
    pub packet: Option<Vec<u8>>,
}

/// The file. Members stand in the order of their names, as RFC 8785 wants them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Container {
    certificates: Vec<String>,
    crls: Vec<String>,
    document: Document,
    format: String,
    late: Vec<Logged>,
    logs: Vec<Log>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    packet: Option<String>,
    receipts: Vec<Logged>,
    revocation: Revocation,
    seal: String,
    v: u32,
    witnesses: Vec<String>,
}

/// What the seal signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    v: u32,
    hop: HopName,
    time: Instant,
    parts: Vec<ManifestPart>,
}

/// A part's name and the SHA-256 of its JSON text as it stands in the file, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestPart {
    name: String,
    sha256: String,
}
