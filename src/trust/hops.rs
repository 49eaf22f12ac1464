//! Whose receipts are believed: which certificate may speak for which hop.
//!
//! A hop's certificate must lead to a root trusted for hops, be fit for signing at the receipt's own time, and belong
//! to that hop: by a fingerprint that the operator pinned for it, or, for hops without a pin, by the hop's name in the
//! subject's userId (RFC 4519 §2.39), which only an authority trusted for hops can have put there.
//!
//! Verdicts are remembered for a short while, because a gateway sees the same few certificates on every receipt.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use x509_parser::oid_registry::{Oid, asn1_rs::oid};
use x509_parser::prelude::{FromDer, X509Certificate};

use lienthong_contract::{Digest, HopName, Instant};

use super::{Certificate, HopKey, Purpose, TrustStore};
use crate::receipts::{Error, HopKeys, Signer};

/// userId.
const USER_ID: Oid<'static> = oid!(0.9.2342.19200300.100.1.1);
/// How far in receipt time a remembered verdict reaches.
const REMEMBERED_MILLIS: i64 = 10 * 60 * 1000;
/// The most verdicts remembered; each is some hundred bytes.
const MAX_REMEMBERED: usize = 4096;

/// Which fingerprints may sign for a hop.
pub type Pins = HashMap<HopName, Vec<Digest>>;

/// The trust in other hops.
pub struct HopTrust {
    store: RwLock<Arc<TrustStore>>,
    pins: Pins,
    remembered: Mutex<HashMap<(Digest, HopName), Verdict>>,
}

#[derive(Clone)]
struct Verdict {
    /// The verdict holds for receipt times from the first to the second.
    from: Instant,
    to: Instant,
    key: Vec<u8>,
}

impl fmt::Debug for HopTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HopTrust").field("pins", &self.pins).finish_non_exhaustive()
    }
}

impl HopTrust {
    #[must_use]
    pub fn new(store: Arc<TrustStore>, pins: Pins) -> Self {
        Self { store: RwLock::new(store), pins, remembered: Mutex::default() }
    }

    /// Takes newly read roots and revocation lists.
    pub fn replace(&self, store: Arc<TrustStore>) {
        *self.store.write().unwrap_or_else(PoisonError::into_inner) = store;
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The roots and lists in force.
    #[must_use]
    pub fn store(&self) -> Arc<TrustStore> {
        Arc::clone(&self.store.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn judge(&self, chain: &[Vec<u8>], hop: &HopName, at: Instant) -> Result<Verdict, String> {
        let (leaf, issuers) = chain.split_first().ok_or("it has no certificate")?;
        belongs(leaf, hop, &self.pins)?;
        let store = self.store();
        store.check(leaf, issuers, Purpose::HopReceipts, at).map_err(|problem| problem.to_string())?;
        let certificate = Certificate::from_der(leaf).map_err(|error| error.to_string())?;
        // Never past the certificate's own end, however short a while before it was asked.
        let from = at.plus_millis(-REMEMBERED_MILLIS).max(certificate.not_before());
        let to = at.plus_millis(REMEMBERED_MILLIS).min(certificate.not_after());
        Ok(Verdict { from, to, key: certificate.public_key().to_vec() })
    }
}

/// Whether a certificate is the hop's own: by its registered fingerprint, or else by its name.
pub(super) fn belongs(leaf: &[u8], hop: &HopName, pins: &Pins) -> Result<(), String> {
    let fingerprint = Digest::of(leaf);
    match pins.get(hop) {
        Some(pinned) if pinned.contains(&fingerprint) => Ok(()),
        Some(_) => Err(format!("{fingerprint} is not the certificate registered for it")),
        None if names(leaf, hop) => Ok(()),
        None => Err("its certificate does not name it, and none is registered for it".to_owned()),
    }
}

/// True when the certificate's subject has the hop's name as its userId.
pub(crate) fn names(leaf: &[u8], hop: &HopName) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(leaf) else { return false };
    let mut ids = certificate.subject().iter_by_oid(&USER_ID);
    ids.next().and_then(|id| id.as_str().ok()) == Some(hop.as_str()) && ids.next().is_none()
}

impl HopKeys for HopTrust {
    fn public_key(&self, chain: &[Vec<u8>], hop: &HopName, at: Instant) -> Result<Vec<u8>, Error> {
        let untrusted = |cause: String| Error::Untrusted { hop: hop.to_string(), cause };
        let leaf = chain.first().ok_or_else(|| untrusted("it has no certificate".to_owned()))?;
        let name = (Digest::of(leaf), hop.clone());
        let lock = || self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(verdict) = lock().get(&name)
            && (verdict.from..=verdict.to).contains(&at)
        {
            return Ok(verdict.key.clone());
        }
        let verdict = self.judge(chain, hop, at).map_err(untrusted)?;
        let key = verdict.key.clone();
        let mut remembered = lock();
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(name, verdict);
        Ok(key)
    }
}

impl Signer for HopKey {
    fn alg(&self) -> &'static str {
        Self::alg(self)
    }

    fn chain(&self) -> &[Vec<u8>] {
        self.chain_der()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Self::sign(self, message).map_err(|error| Error::CannotSign(error.to_string()))
    }
}
