//! What the law sets for sending and acknowledging documents, measured.
//!
//! * [`calendar`]: the days and hours at which agencies work.
//! * [`clock`]: from signing to sending, from arrival to acknowledgement, each against its limit.
//!
//! Pure: both are handed all moments, and the calendar is read once from data.

pub mod calendar;
pub mod clock;

#[cfg(test)]
mod tests;

pub use calendar::{Calendar, Hours};
pub use clock::{Answer, Judged, Signed, Terms, Why};
