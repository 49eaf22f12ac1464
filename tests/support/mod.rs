//! A world of real parts for the end-to-end tests: a private RabbitMQ that demands client certificates, the three
//! gateways as processes of the real binary, and agencies that call them over mTLS with keys of an example PKI. Where
//! no broker is needed, [`house`] has the three gateways in the test's own process, and [`program`] runs the binary.
//!
//! Everything of one world lies in one folder and listens on ports of its own, so worlds may stand side by side; it is
//! gone when the world is dropped. When a test fails, the ends of the logs are printed.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::missing_panics_doc, clippy::large_futures)]

pub mod gateway;
pub mod hook;
pub mod house;
pub mod letters;
pub mod program;
pub mod proxy;
pub mod rabbitmq;
pub mod raw;
pub mod world;

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

/// Longest wait for a condition. It bounds a failing test; nothing is measured against it.
pub const DEADLINE: Duration = Duration::from_secs(180);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Looks again and again until there is something to see.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < end, "not within {DEADLINE:?}: {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Waits for its turn among the tests that take the whole machine, also those of other processes.
#[must_use]
pub fn alone() -> File {
    let lock = File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("one-heavy-test.lock")).unwrap();
    lock.lock().unwrap();
    lock
}

/// A folder of one test's own, beside the build: on a disk, where a temporary folder may be in memory.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}
