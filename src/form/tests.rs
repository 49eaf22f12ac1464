//! What the room promises, one behaviour a test. Agencies, people and numbers are invented.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod property;
mod reading;
