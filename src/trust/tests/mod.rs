//! The room seen from outside, with OpenSSL as the second opinion.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod hop_keys;
mod hops;
mod openssl;
mod paths;
mod revocation;
mod table;
mod tls;

use std::path::Path;

use lienthong_contract::Instant;

use super::path::{PathFacts, PathProblem, Purpose, TrustStore};
use crate::pki::Manifest;
use crate::pki::tests::NOW;

const HOUR: i64 = 60 * 60 * 1000;

/// The example PKI's root, sub-authority and current lists.
fn store(manifest: &Manifest) -> TrustStore {
    let ca = manifest.ca();
    TrustStore::from_pem_files(std::slice::from_ref(&ca.root), std::slice::from_ref(&ca.sub), &ca.crls()).unwrap()
}

/// The certificates of a chain file in DER.
fn chain(path: &Path) -> Vec<Vec<u8>> {
    super::certificate::read_chain(path).unwrap().iter().map(|one| one.der().to_vec()).collect()
}

/// Judges the first certificate of a chain file, the others brought along.
fn judge(store: &TrustStore, path: &Path, purpose: Purpose, at: Instant) -> Result<PathFacts, PathProblem> {
    let chain = chain(path);
    store.check(&chain[0], &chain[1..], purpose, at)
}
