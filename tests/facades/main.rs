//! The doors of provinces and vendors from outside: raw bytes on a socket against a running gateway.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bkav;
mod lgsp;
#[path = "../support/mod.rs"]
mod support;
mod town;
mod wire;
