//! What the doors for systems have in common, whatever they speak: HTTP/1.1 with a secret that the caller knows; and calling such doors.
//!
//! ```text
//! server    accepts connections, TLS where it is asked for, deadlines, an orderly end
//! usage     limits, and the account of each system
//! multipart, sender      a file in a multipart body, and who sends it
//! paths     operations below configured paths, and query strings
//! upload    a request's body, counted and paced: for the intake, as a few bytes, or thrown away
//! outward   what goes out as a stream: a packet in base64, a list of agencies
//! outbound  the other side: calls of systems outside
//! codes     what the gateway's refusals are called in this family
//! text, stamp, secret    letters, times, and secrets that are shown
//! ```
//!
//! Invariants: nothing here holds a packet in memory; nothing here decides what may happen to one. Failure story: this
//! crate keeps nothing that must outlive a request; a defect in a door's answer ends that request alone.

pub mod codes;
pub mod multipart;
pub mod outbound;
pub mod outward;
pub mod paths;
pub mod secret;
pub mod sender;
mod server;
pub mod stamp;
pub mod text;
pub mod upload;
pub mod usage;

pub use outward::OutBody;
pub use server::{HttpDoor, TlsProvider, serve};
pub use usage::{Accounts, Limits};
