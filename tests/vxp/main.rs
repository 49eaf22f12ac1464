//! The VXP door from outside: raw bytes on a socket against running gateways.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod agencies;
mod axis;
mod forms;
mod large;
mod loops;
mod refusals;
mod sdk;
#[path = "../support/mod.rs"]
mod support;
mod tls;
mod town;
