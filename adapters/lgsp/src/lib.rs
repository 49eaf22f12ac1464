//! The LGSP door: the REST of a provincial platform (the Lạng Sơn family), spoken by the gateway.
//!
//! ```text
//! kit: listener ─► door (path, token, system, limits) ─► ops ─► contract: Intake, Exchange, Reporting, Catalogue
//!                    └ wire: tokens, forms, answers, pure
//! ```
//!
//! Invariants:
//! * every answer is JSON in the family's form, with all fields that any generation of its clients looks at;
//! * HTTP 401 says "log in again" and nothing else does: a client drops its token, logs in and repeats the call once. What
//!   may succeed later is HTTP 503; every other outcome is HTTP 200 with a code, which clients take as final;
//! * a token proves nothing by itself but for the list of agencies: the other calls show id and secret beside it;
//! * a packet passes through as a stream in both directions; both ends of a window belong to it; reading changes nothing.
//!
//! Failure story: tokens are signed with a key of the running process. After a restart they are not known, and clients log
//! in again by themselves. An upload that breaks off leaves nothing; one whose answer was lost gets the same docId again.

mod door;
mod ops;
pub mod wire;

pub use door::{Door, Doors};
pub use lienthong_door_kit::{Limits, TlsProvider, serve};

/// The name of this door in identities and receipts.
pub const DOOR: &str = "lgsp";
