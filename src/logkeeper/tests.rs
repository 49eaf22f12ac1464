//! Whole gateways of one process: neighbours witness each other, proofs travel, and what is lost is named.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod gateways;
mod witness;
