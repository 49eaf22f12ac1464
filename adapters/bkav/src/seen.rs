//! What callers have read and not yet confirmed.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use lienthong_contract::DocId;

/// Documents remembered of one system; a client reads one and confirms it.
const MOST: usize = 4096;

/// Documents that were read to their end, by system: at most two generations of [`MOST`].
#[derive(Debug, Default)]
pub struct Seen(Mutex<HashMap<String, [HashSet<DocId>; 2]>>);

impl Seen {
    pub fn read(&self, system: &str, document: DocId) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [now, before] = seen.entry(system.to_owned()).or_default();
        if now.len() >= MOST {
            *before = std::mem::take(now);
        }
        now.insert(document);
    }

    /// Whether this system has read it, and has not confirmed it since.
    pub fn has_read(&self, system: &str, document: DocId) -> bool {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(system).is_some_and(|both| both.iter().any(|one| one.contains(&document)))
    }

    pub fn confirmed(&self, system: &str, document: DocId) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(both) = seen.get_mut(system) {
            both.iter_mut().for_each(|one| {
                one.remove(&document);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_known_until_it_is_confirmed_and_memory_is_bounded() {
        let (seen, document) = (Seen::default(), DocId::fresh());
        assert!(!seen.has_read("a", document));
        seen.read("a", document);
        assert!(seen.has_read("a", document) && !seen.has_read("b", document));
        seen.confirmed("b", document);
        assert!(seen.has_read("a", document));
        seen.confirmed("a", document);
        assert!(!seen.has_read("a", document));
        seen.read("a", document);
        (0..3 * MOST).for_each(|_| seen.read("a", DocId::fresh()));
        assert!(!seen.has_read("a", document), "long forgotten");
    }
}
