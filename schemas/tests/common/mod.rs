//! Packets for the tests: three whole ones in files, and changes to them.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::{Arc, OnceLock};

use lienthong_schemas::{Catalogue, ValidatorPool, Violation};

pub const DOCUMENT: &str = include_str!("../packets/document-d1.edxml");
pub const DOT_NET: &str = include_str!("../packets/document-d2.edxml");
pub const STATUS: &str = include_str!("../packets/status-d1.edxml");
pub const STATUS_D3: &str = include_str!("../packets/status-d3.edxml");

pub const TOLERANT: &str = "edxml-document-2022-tolerant";
pub const STRICT: &str = "edxml-document-2022-strict";
pub const STRICT_2016: &str = "edxml-document-2016-strict";
pub const STATUS_TOLERANT: &str = "edxml-status-tolerant";
pub const STATUS_STRICT: &str = "edxml-status-2022-strict";

pub fn pool() -> &'static ValidatorPool {
    static POOL: OnceLock<ValidatorPool> = OnceLock::new();
    POOL.get_or_init(|| ValidatorPool::new(Arc::new(Catalogue::builtin().unwrap())))
}

pub fn validate(schema: &str, packet: &str) -> Vec<Violation> {
    pool().validate(schema, packet.as_bytes()).unwrap_or_else(|error| panic!("{schema}: {error}"))
}

/// Replaces every occurrence; a change that changes nothing is a mistake in the test.
pub fn change(packet: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(packet.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from:?} is not in the packet");
        text.replace(from, to)
    })
}

/// Line and column of the first occurrence, counted independently of the crate.
pub fn place(packet: &str, needle: &str) -> (u32, u32) {
    let before = &packet[..packet.find(needle).unwrap_or_else(|| panic!("{needle:?} is not in the packet"))];
    let line = before.split('\n').count();
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (u32::try_from(line).unwrap(), u32::try_from(column).unwrap())
}
