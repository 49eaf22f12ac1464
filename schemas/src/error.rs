//! What can go wrong, and whose fault it is: the operator's (catalogue and schema files), the sender's (bytes that are
//! no XML or break a limit), or ours.

use std::path::PathBuf;

use crate::catalogue::NotADay;

/// Errors of the catalogue, of compiling a schema, and of reading a packet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("{path}: {source}", path = path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// `catalogue.toml` cannot be read as one.
    #[error("{catalogue}: {message}")]
    Catalogue { catalogue: String, message: String },
    #[error("{catalogue}: {file}: the name of a file is relative, with no '..' in it")]
    BadFileName { catalogue: String, file: String },
    #[error("{catalogue}: schema {id}: {source}")]
    BadDay { catalogue: String, id: String, source: NotADay },
    #[error("{catalogue}: schema {id} is valid until a day before it becomes valid")]
    EmptyPeriod { catalogue: String, id: String },
    #[error("{catalogue}: the id {id} is used twice")]
    DuplicateId { catalogue: String, id: String },
    #[error("{catalogue}: more than {max} {what}")]
    CatalogueTooLarge { catalogue: String, what: &'static str, max: usize },
    /// The file on disk is not the one the catalogue speaks of.
    #[error("{catalogue}: {file} has the digest {found}, the catalogue says {expected}")]
    HashMismatch { catalogue: String, file: String, expected: String, found: String },
    /// The schema itself is wrong.
    #[error("schema {id} ({file}): {message}")]
    Schema { id: String, file: String, message: String },
    /// An include or import names a file the catalogue does not list.
    #[error("schema {id} ({file}): cannot read the included or imported {location}: {message}")]
    MissingImport { id: String, file: String, location: String, message: String },
    #[error("no schema has the id {0}")]
    UnknownSchema(String),
    /// The bytes are no well-formed XML. Lines and columns count from 1, columns in characters.
    #[error("line {line}, column {column}: not well-formed: {message}")]
    NotWellFormed { offset: usize, line: u32, column: u32, message: String },
    #[error("line {line}, column {column}: a document type declaration is not allowed")]
    Doctype { offset: usize, line: u32, column: u32 },
    #[error("line {line}, column {column}: more than {max} {what}")]
    Limit { what: &'static str, max: usize, offset: usize, line: u32, column: u32 },
    /// The validator gave up: a defect of ours or of the library, never a verdict on the packet.
    #[error("the validator failed: {0}")]
    Broken(String),
}

impl Error {
    /// True when the bytes given are at fault, not the installation.
    #[must_use]
    pub fn is_senders(&self) -> bool {
        matches!(self, Self::NotWellFormed { .. } | Self::Doctype { .. } | Self::Limit { .. })
    }
}
