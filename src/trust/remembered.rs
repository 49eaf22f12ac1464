//! Good verdicts about certificates, remembered for a short while.
//!
//! A sender's certificate is judged with every packet, and judging it verifies the signature of each authority above
//! it, which costs more than verifying the packet's own. The same bytes judged a moment later have the same verdict.
//!
//! Invariants: only good verdicts are remembered; one is given again only for the same certificates and purpose, for a
//! moment not before the one it was made for, at most a minute after it, and never past the end of any certificate or
//! list that it rests on. New roots or lists make a new [`super::TrustStore`], which remembers nothing. What a list
//! already in force announces for the future counts at most that minute late.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use lienthong_contract::digest::Hasher;
use lienthong_contract::{Digest, Instant};

use super::path::{PathFacts, Purpose};

/// How long a verdict is given again.
const FOR_MILLIS: i64 = 60_000;
/// The most verdicts remembered; each is some hundred bytes.
const MOST: usize = 4096;

/// What a verdict is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Question {
    certificates: Digest,
    purpose: Purpose,
}

impl Question {
    pub fn of(leaf: &[u8], extra: &[Vec<u8>], purpose: Purpose) -> Self {
        let mut hasher = Hasher::default();
        for der in std::iter::once(leaf).chain(extra.iter().map(Vec::as_slice)) {
            hasher.update(&der.len().to_be_bytes());
            hasher.update(der);
        }
        Self { certificates: hasher.finish(), purpose }
    }
}

#[derive(Debug)]
struct Verdict {
    facts: PathFacts,
    from: Instant,
    /// Not for this moment any more.
    until: Instant,
}

/// The verdicts of one trust store.
#[derive(Debug, Default)]
pub(super) struct Remembered(Mutex<HashMap<Question, Verdict>>);

impl Remembered {
    pub fn recall(&self, question: &Question, at: Instant) -> Option<PathFacts> {
        let verdicts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = verdicts.get(question)?;
        (verdict.from <= at && at < verdict.until).then(|| verdict.facts.clone())
    }

    /// Keeps a good verdict; `ends` are the moments at which something that it rests on ends.
    pub fn keep(&self, question: Question, at: Instant, ends: impl Iterator<Item = Instant>, facts: &PathFacts) {
        let latest = Instant::from_millis(at.as_millis().saturating_add(FOR_MILLIS));
        let until = ends.filter(|end| *end >= at).fold(latest, Instant::min);
        let mut verdicts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if verdicts.len() >= MOST {
            verdicts.clear();
        }
        verdicts.insert(question, Verdict { facts: facts.clone(), from: at, until });
    }
}
