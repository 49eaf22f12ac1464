//! Business flows: what packets say of other packets.
//!
//! A document may revoke, update, replace or answer another ([`act`]); a status packet says what became of one, and 13, 15
//! and 16 are the conversation about taking it back ([`status`]). Whether the sender may say so is judged against what
//! this hop knows of the document ([`judge`]).
//!
//! Pure: no store, no clock. Invariants: what is said of a document never moves its consignments, receipts alone do;
//! an agency speaks only of what it sent or was sent; only the recipient's agreement to an open request of the sender
//! destroys anything.
//!
//! Ties go by name (sender and DocumentId), not by row, and are resolved when somebody looks. So packets may arrive in
//! any order, and a hop that knows one end of a tie tells what it knows. Nothing is stored here, so a crash here loses nothing.

pub mod act;
pub mod findings;
pub mod judge;
pub mod status;
#[cfg(test)]
mod tests;

pub use act::{Act, ActKind, acts_of};
pub use judge::{Known, Objection, Talk};
pub use status::{Event, Recall, Said, Story};
