//! The XML Schemas of edXML packets, their catalogue, and validation against them.
//!
//! Two profiles of every packet kind: *strict* is what a conformant system emits (official order, lengths, required
//! elements), *tolerant* is what a receiver accepts (any order, unknown elements, empty fields; only numbers that are
//! no numbers and dates that are no dates are refused). What a packet must hold at the least is for the gateway's own
//! rules to say: XSD 1.0 cannot say it beside tolerance.
//!
//! A packet is validated as its *skeleton*, with the text of every `ContentTransferEncoded` cut out; offsets, lines
//! and columns are those of the bytes given.
//!
//! Invariants: no schema is used whose bytes do not have the digest the [`Catalogue`] states; nothing is ever read
//! from the network or from outside the catalogue's folder; hostile input ends in an [`Error`] or in at most
//! [`Limits::max_violations`] violations, never in unbounded time, stack or memory.
//!
//! After a crash there is nothing to mend: the catalogue is read at start and everything else is in memory.

pub mod catalogue;
mod compile;
mod drive;
mod error;
pub mod findings;
mod kept;
mod names;
mod place;
mod pool;
mod structure;
mod telling;
mod values;
mod violation;
pub mod words;

#[cfg(test)]
mod tests;

pub use catalogue::{Catalogue, Day, Entry, PacketKind, Profile};
pub use compile::Validator;
pub use drive::Limits;
pub use error::Error;
pub use findings::{error_to_finding, to_finding};
pub use pool::{PoolStats, ValidatorPool};
pub use violation::{Violation, ViolationKind};

/// The namespace of QCVN 102:2016/BTTTT.
pub const QCVN_NAMESPACE: &str = "http://www.mic.gov.vn/TBT/QCVN_102_2016";
/// The namespace that some packets use as `xlink:` without declaring it.
pub const XLINK_NAMESPACE: &str = "http://www.w3.org/1999/xlink";
/// The element every packet begins with.
pub const ROOT: &str = "edXML";
