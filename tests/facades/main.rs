//! The doors of provinces and vendors from outside: raw bytes on a socket against a running gateway.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bkav;
mod lgsp;
mod matrix;
#[path = "../vxp/sdk.rs"]
#[allow(dead_code)] // the VXP tests use all of it
mod sdk;
#[path = "../support/mod.rs"]
mod support;
mod town;
mod wire;
