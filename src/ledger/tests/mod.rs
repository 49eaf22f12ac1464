//! Tests of the ledger: a log grown by the code under test beside one hashed straight from the RFC's definitions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod hostile;
mod naive;
mod note;
mod proofs;
mod tiles;
mod vectors;
mod witness;

use super::*;

/// A log in memory: its leaf hashes, and its stored hashes as appending made them.
pub struct Log {
    pub leaves: Vec<Digest>,
    pub stored: Vec<Digest>,
}

impl Log {
    pub fn of(entries: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let (mut frontier, mut log) = (Frontier::default(), Self { leaves: Vec::new(), stored: Vec::new() });
        for entry in entries {
            let leaf = leaf_hash(&entry);
            assert_eq!(log.stored.len() as u64, tree::stored_count(frontier.size()));
            log.stored.extend(frontier.push(leaf).unwrap());
            log.leaves.push(leaf);
        }
        log
    }

    /// `size` entries that differ.
    pub fn grown(size: u32) -> Self {
        Self::of((0..size).map(|number| number.to_be_bytes().to_vec()))
    }

    pub fn root(&self, size: u64) -> Digest {
        root(size, self.stored.as_slice()).unwrap()
    }
}

/// Numbers that look random and are the same each time.
pub fn numbers(mut state: u64) -> impl FnMut(u64) -> u64 {
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    }
}
