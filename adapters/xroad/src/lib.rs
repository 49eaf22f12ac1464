//! Organisations behind X-Road style security servers, each with a gateway or adapter of its own and no axis between them.
//!
//! ```text
//!   consumer: Outlet::send ── POST /r1/<service>/document/edocs/new ──► our security server ══► theirs ──► their adapter
//!   provider: Entrance::enter ◄── POST /api/lienthong/v1/document/edocs/new ── our security server ◄══ theirs
//! ```
//!
//! The security servers prove to each other which organisation calls; what they say of it is written into the receipt and is
//! nothing that this gateway checked. The packet's own sender is judged behind the entrance, as with any system outside.
//!
//! Invariants: a packet counts as sent to a recipient when its adapter answered so, in the form of this family; as brought in
//! when it is on disk here. Packets stream in both directions.
//!
//! Failure story: nothing here must outlive the process. A recipient whose answer was lost gets the same bytes again; which
//! recipients of a packet have answered is remembered to save calls, and may be forgotten.

mod consumer;
mod provider;
pub mod wire;

pub use consumer::{Consumer, Settings};
pub use lienthong_door_kit::{Limits, TlsProvider, serve};
pub use provider::{Doors, Provider};

/// The name of the provider's door in the log and the configuration, and of the consumer as an adapter.
pub const DOOR: &str = "xroad";
