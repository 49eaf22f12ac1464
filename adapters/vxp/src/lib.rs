//! The VXP protocol, which the SDK of the national axis speaks: the door for such systems, and the client of the axis.
//!
//! ```text
//! axis       the gateway as a client: an outlet, and what comes in by it
//! listener ─► kit: server (TLS, deadlines) ─► door (path, signature, system, limits) ─► ops ─► contract: Intake, Exchange
//!                                          └ wire: the form of everything, pure
//! ```
//!
//! Invariants:
//! * every request is answered, with HTTP 200 and a JSON body of the protocol's five keys, whatever went wrong (a
//!   `downloadEdoc` that fails is a 404, so that nobody stores the answer as a document);
//! * nothing is done for a request whose signature does not hold, and values are taken from the signed text alone;
//! * reading never changes anything, and a request that comes again changes nothing either: this protocol knows no
//!   freshness, so whoever overhears a request can only repeat it;
//! * a packet passes through as a stream in both directions.
//!
//! Failure story: this crate keeps nothing that must outlive a request. A body that breaks off, or whose digest is not
//! the signed one, ends the upload with an error, and nothing of it is kept; a crash after the store's commit loses only
//! the answer, and the same request gets it again.

pub mod axis;
mod door;
mod ops;
pub mod wire;

pub use door::{Door, Doors};
pub use lienthong_door_kit::{Limits, TlsProvider, codes, serve};

/// The name of this door in identities and receipts.
pub const DOOR: &str = "vxp";

#[cfg(test)]
mod client_tests;
#[cfg(test)]
mod tests;
