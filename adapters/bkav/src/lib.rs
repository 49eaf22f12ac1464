//! The Bkav door: EdocService 2.0 over REST, spoken by the gateway.
//!
//! ```text
//! kit: listener ─► door (path, organId and token, limits) ─► ops ─► contract: Intake, Exchange, Numbers, Catalogue
//!                    └ wire: the form of files, rows and answers, pure
//! ```
//!
//! Invariants:
//! * documents have numbers here, as the SDK reads nothing else; a number never means another document;
//! * who calls is said by `organId` and proved by `Authorization`, which is the secret of the system without a scheme.
//!   Without proof the answer is HTTP 401, one and the same; every other outcome is HTTP 200;
//! * the SDK keeps headers of its first call: a missing `type` of a read means documents, a missing `docId` is an error and
//!   never "the last one", and only what this caller has read to its end and not yet confirmed is confirmed by
//!   `confirmReceived`; what has ended is answered as done, without effect; what waits and was not read (also: not since the
//!   door opened) is answered with `InternalServer`, so that the client reads it again; both are logged;
//! * a packet passes through as a stream in both directions.
//!
//! Failure story: what a caller has read is remembered in memory alone. After a restart a confirmation without a new read
//! has no effect, the document is listed again, and nothing is lost. A send whose answer was lost gets the same number again.

mod door;
mod ops;
mod seen;
pub mod wire;

pub use door::{Door, Doors};
pub use lienthong_door_kit::{Limits, TlsProvider, serve};

/// The name of this door in identities and receipts.
pub const DOOR: &str = "bkav";
