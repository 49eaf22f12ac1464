//! Receipts that were stored a moment ago, at hand for the books, which look at each within seconds of its being stored.
//!
//! What a receipt says is found by its digest, and counts only while the text that is stored is still the one that was
//! stored then: the two are compared by a fingerprint under a key of this process. What is not at hand any more, or is
//! another text, is read from its row like any other. So nothing rests on what stands here, and a crash forgets it for free.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use lienthong_contract::Digest;

use crate::receipts::{Named, Receipt, Sealed};

/// So much is kept at hand: a receipt counts one, and one more for each recipient that it names.
const MOST: usize = 16_384;

static RECENT: LazyLock<Recent> = LazyLock::new(Recent::default);

#[derive(Default)]
struct Recent {
    key: RandomState,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    by_digest: HashMap<Digest, Entry>,
    /// In the order in which they came.
    order: VecDeque<Digest>,
    weight: usize,
}

struct Entry {
    receipt: Arc<Receipt>,
    fingerprint: u64,
}

fn weight(receipt: &Receipt) -> usize {
    1 + receipt.consignments.len()
}

/// Keeps a receipt at hand, `rest` being what of its text is stored with it.
pub fn remember(sealed: &Sealed, rest: &str) {
    RECENT.remember(sealed, rest);
}

/// The receipt of this digest, if it is at hand and this is the text that was stored with it.
pub fn recall(digest: Digest, rest: &str) -> Option<Named> {
    RECENT.recall(digest, rest)
}

impl Recent {
    fn remember(&self, sealed: &Sealed, rest: &str) {
        let entry = Entry { receipt: Arc::clone(&sealed.receipt), fingerprint: self.key.hash_one(rest) };
        let weight_of_it = weight(&sealed.receipt);
        if weight_of_it > MOST {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.by_digest.insert(sealed.digest, entry).is_none() {
            kept.order.push_back(sealed.digest);
            kept.weight += weight_of_it;
        }
        while kept.weight > MOST {
            let Some(oldest) = kept.order.pop_front() else { break };
            if let Some(gone) = kept.by_digest.remove(&oldest) {
                kept.weight = kept.weight.saturating_sub(weight(&gone.receipt));
            }
        }
    }

    fn recall(&self, digest: Digest, rest: &str) -> Option<Named> {
        let fingerprint = self.key.hash_one(rest);
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = kept.by_digest.get(&digest).filter(|entry| entry.fingerprint == fingerprint)?;
        Some(Named { receipt: Arc::clone(&entry.receipt), digest })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::sqlite::tests::support::{letter, to_nation};

    #[test]
    fn what_was_stored_last_is_at_hand_under_its_own_text_alone() {
        let (recent, count) = (Recent::default(), MOST + 8);
        let like = letter("one", 0, &[("G09.90", to_nation())]).submission;
        let named = |number: usize| Sealed { digest: Digest::of(&number.to_be_bytes()), ..like.clone() };
        let all: Vec<Sealed> = (0..count).map(named).collect();
        for one in &all {
            recent.remember(one, "text");
            recent.remember(one, "text");
        }
        let at_hand = all.iter().filter(|one| recent.recall(one.digest, "text").is_some()).count();
        assert!(at_hand <= MOST && at_hand > MOST / 4, "{at_hand}");
        let last = all.last().unwrap();
        assert_eq!(recent.recall(last.digest, "text"), Some(Named::from(last.clone())));
        assert_eq!(recent.recall(last.digest, "texT"), None);
        assert_eq!(recent.recall(all.first().unwrap().digest, "text"), None, "the oldest goes first");
        let kept = recent.kept.lock().unwrap();
        assert_eq!(kept.order.len(), kept.by_digest.len());
        assert_eq!(kept.weight, kept.by_digest.values().map(|entry| weight(&entry.receipt)).sum::<usize>());
    }
}
