//! What the room promises, one behaviour a test. Agencies, people and numbers are invented.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod dates;
mod dialects;
pub(crate) mod fixtures;
mod hostile;
mod limits;
pub(crate) mod properties;
mod quirks;
mod splitting;
mod tables;
mod writing;
