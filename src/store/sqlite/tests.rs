//! The store from outside: what was answered is there, once, whatever the order, the crowd or the crash.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod accepting;
mod console;
mod crash;
mod deadlines;
mod exchange;
mod flows;
mod ledger;
mod news;
mod outlets;
mod queues;
mod receipts;
mod restored;
mod statistics;
pub(crate) mod support;
