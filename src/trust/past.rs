//! Whose receipts are believed long after they were signed.
//!
//! A running gateway asks about the same few certificates all day and remembers its verdicts for a while
//! ([`super::hops`]). An auditor asks about the past, once, and has revocation lists that say to the second since when a
//! certificate counts no more: here every verdict is made anew, as of the moment asked for, and what could not be
//! checked is kept to be told.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use lienthong_contract::{HopName, Instant};

use super::hops::{Pins, belongs};
use super::path::Revocation;
use super::{Certificate, Purpose, TrustStore};
use crate::receipts::{Error, HopKeys};

/// The trust in hops, as of any moment.
pub struct PastTrust {
    store: TrustStore,
    pins: Pins,
    not_checked: Mutex<BTreeSet<String>>,
}

impl fmt::Debug for PastTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PastTrust").field("store", &self.store).finish_non_exhaustive()
    }
}

impl PastTrust {
    #[must_use]
    pub fn new(store: TrustStore, pins: Pins) -> Self {
        Self { store, pins, not_checked: Mutex::default() }
    }

    /// Why revocation could not be checked, of the certificates asked about so far.
    #[must_use]
    pub fn not_checked(&self) -> Vec<String> {
        self.not_checked.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn judge(&self, chain: &[Vec<u8>], hop: &HopName, at: Instant) -> Result<Vec<u8>, String> {
        let (leaf, issuers) = chain.split_first().ok_or("it has no certificate")?;
        belongs(leaf, hop, &self.pins)?;
        let judged = self.store.judge(leaf, issuers, Purpose::HopReceipts, at);
        let (facts, _) = judged.map_err(|problem| problem.to_string())?;
        if let Revocation::NotChecked(why) = facts.revocation {
            let told = format!("{}: {why}", facts.subject);
            self.not_checked.lock().unwrap_or_else(PoisonError::into_inner).insert(told);
        }
        own_key(leaf)
    }
}

fn own_key(leaf: &[u8]) -> Result<Vec<u8>, String> {
    Certificate::from_der(leaf).map(|leaf| leaf.public_key().to_vec()).map_err(|error| error.to_string())
}

impl HopKeys for PastTrust {
    fn public_key(&self, chain: &[Vec<u8>], hop: &HopName, at: Instant) -> Result<Vec<u8>, Error> {
        self.judge(chain, hop, at).map_err(|cause| Error::Untrusted { hop: hop.to_string(), cause })
    }
}

/// Takes the certificate shown for the signer's, whoever issued it: it tells whether a text is whole, and nothing about
/// who signed it.
#[derive(Debug, Clone, Copy, Default)]
pub struct AsShown;

impl HopKeys for AsShown {
    fn public_key(&self, chain: &[Vec<u8>], hop: &HopName, _at: Instant) -> Result<Vec<u8>, Error> {
        let untrusted = |cause: String| Error::Untrusted { hop: hop.to_string(), cause };
        let leaf = chain.first().ok_or_else(|| untrusted("it has no certificate".to_owned()))?;
        own_key(leaf).map_err(untrusted)
    }
}
