//! The console from outside: its pages over HTTP for every role, and in a real browser.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod acts;
mod browser;
mod canary;
mod causes;
mod oidc;
mod rights;
mod set_aside;
mod statistics;
#[path = "../support/mod.rs"]
mod support;
mod systems;
mod town;
