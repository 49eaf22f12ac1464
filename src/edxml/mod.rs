//! The packet: reading, writing, code lists, dates.
//!
//! A packet is a small skeleton of XML and large base64 bodies. [`split::split`] goes once over the bytes and leaves
//! the skeleton in memory, the bodies hashed and checked behind it; [`parse::parse`] turns the skeleton into the
//! typed [`model`]; [`mod@write`] makes packets of our own. The room is pure: it reads what it is handed and knows no
//! clock, no network, no file. Nothing here changes a sender's bytes, so a crash here loses nothing.

mod base64;
mod body;
pub mod codes;
pub mod dates;
pub mod document_types;
pub mod findings;
pub mod limits;
mod machine;
pub mod model;
pub mod parse;
pub mod skeleton;
pub mod split;
mod tags;
pub mod write;

#[cfg(test)]
pub(crate) mod tests;

pub use limits::Limits;
pub use model::{Document, Located, Packet, StatusReport};
pub use parse::{Parsed, parse};
pub use skeleton::{Cut, Skeleton};
pub use split::{Body, Sniffed, Split, SplitError, body_reader, encoded_reader, split, split_bytes};
pub(crate) use tags::is_xml_char;

/// Namespace of every element of a packet.
pub const QCVN_NAMESPACE: &str = "http://www.mic.gov.vn/TBT/QCVN_102_2016";
/// Namespace of XML signatures.
pub const DSIG_NAMESPACE: &str = "http://www.w3.org/2000/09/xmldsig#";
/// Namespace of `xlink:href` in the manifest of some producers.
pub const XLINK_NAMESPACE: &str = "http://www.w3.org/1999/xlink";
