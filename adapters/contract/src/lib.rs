//! What stands between the gateway and its doors.
//!
//! An adapter crate (one per outside protocol) and the rooms of the gateway both speak in these words and no
//! others: codes and digests that cannot hold a wrong value, findings that explain themselves in two languages,
//! and traits, [`door::Intake`] and [`door::Mailbox`] or [`exchange::Exchange`], through which every document enters
//! and leaves.
//! An adapter that depends on this crate alone cannot name the gateway's insides.

pub mod agency;
pub mod catalogue;
pub mod digest;
pub mod door;
pub mod exchange;
pub mod finding;
pub mod ids;
pub mod numbers;
pub mod outlet;
pub mod reporting;
pub mod system;
pub mod time;

pub use agency::AgencyCode;
pub use digest::Digest;
pub use finding::{Blame, Finding, Kind, Severity, Text};
pub use ids::{ConsignmentId, DocId, HopName};
pub use time::{Clock, Instant};
