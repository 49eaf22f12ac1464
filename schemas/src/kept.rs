//! Validators a thread keeps prepared between packets.
//!
//! The content models made of a schema cannot leave the thread they were made in, so each thread keeps its own. How many
//! is bounded per thread and per pool; a thread beyond the bound takes one from the pool and prepares it anew for every
//! packet. A thread that ends gives its schemas back, so the next one need not compile them again. What belongs to a
//! pool that is gone is dropped with the next packet the thread validates, or when it ends.
//!
//! A validator is taken out of the list while it works: nothing is borrowed meanwhile, a packet validated from within
//! another finds the list without it, and one whose run panicked does not come back.

use std::cell::RefCell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use crate::compile::{Prepared, Validator};
use crate::error::Error;
use crate::pool::Shared;
use crate::violation::Violation;

/// Validators one thread keeps: the builtin ones in force on a day are four, and as many may be an operator's own.
const MAX_PER_THREAD: usize = 8;

/// Validators all threads keep of one pool: a prepared one of the strict document schema takes two thirds of a megabyte.
const MAX_PER_POOL: usize = 48;

thread_local! {
    /// The one used last stands last.
    static KEPT: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
}

/// A prepared validator and whose it is.
pub(crate) struct Kept {
    pool: Weak<Shared>,
    schema_id: String,
    /// `None` only when it is not to be used again.
    prepared: Option<Prepared>,
    /// Its pool has counted it.
    counted: bool,
}

impl Kept {
    pub(crate) fn of(pool: &Arc<Shared>, schema_id: &str, validator: Validator) -> Self {
        let prepared = Some(Prepared::of(validator));
        Self { pool: Arc::downgrade(pool), schema_id: schema_id.to_owned(), prepared, counted: false }
    }

    /// This thread's validator for a schema, if it keeps one.
    pub(crate) fn take(pool: &Arc<Shared>, schema_id: &str) -> Option<Self> {
        let take = |kept: &RefCell<Vec<Self>>| {
            let mut kept = kept.try_borrow_mut().ok()?;
            let wanted = |kept: &Self| kept.pool.as_ptr() == Arc::as_ptr(pool) && kept.schema_id == schema_id;
            let index = kept.iter().rposition(wanted)?;
            Some(kept.remove(index))
        };
        // Fails only while the thread ends.
        KEPT.try_with(take).ok().flatten()
    }

    /// Keeps a validator for this thread's next packet; the one not used for longest makes room. One that is worn, or
    /// one more than the pool may have kept, goes back to the pool.
    pub(crate) fn put_back(mut self) {
        if self.prepared.as_ref().is_none_or(Prepared::is_worn) || !self.count() {
            return;
        }
        // Dropped after the borrow has ended.
        let mut out = Vec::new();
        // Fails only while the thread ends: the validator goes back to the pool then.
        let _ = KEPT.try_with(|kept| {
            let Ok(mut kept) = kept.try_borrow_mut() else { return };
            kept.push(self);
            out.extend(kept.extract_if(.., |kept| kept.pool.strong_count() == 0));
            let surplus = kept.len().saturating_sub(MAX_PER_THREAD);
            out.extend(kept.drain(..surplus));
        });
    }

    /// False when enough are kept already.
    fn count(&mut self) -> bool {
        let Some(pool) = self.pool.upgrade().filter(|_| !self.counted) else { return self.counted };
        let one_more = |kept: usize| (kept < MAX_PER_POOL).then(|| kept.saturating_add(1));
        self.counted = pool.kept.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok();
        self.counted
    }

    /// # Errors
    /// As of [`Validator::validate`].
    pub(crate) fn validate(&self, xml: &[u8]) -> Result<Vec<Violation>, Error> {
        match &self.prepared {
            Some(prepared) => prepared.validate(xml),
            None => Err(Error::Broken("the validator is gone".to_owned())),
        }
    }

    /// Drops a validator that must not be used again.
    pub(crate) fn discard(mut self) {
        self.prepared = None;
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let Some(pool) = self.pool.upgrade() else { return };
        if self.counted {
            pool.kept.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(prepared) = self.prepared.take() {
            pool.give_back(&self.schema_id, prepared.into_owner());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::pool::ValidatorPool;

    const STATUS: &[u8] = include_bytes!("../tests/packets/status-d1.edxml");
    const ID: &str = "edxml-status-tolerant";

    fn pool() -> ValidatorPool {
        ValidatorPool::new(Arc::new(Catalogue::builtin().unwrap()))
    }

    fn kept_here() -> usize {
        KEPT.with(|kept| kept.borrow().len())
    }

    fn kept_of(pool: &ValidatorPool) -> usize {
        pool.shared().kept.load(Ordering::Relaxed)
    }

    #[test]
    fn a_thread_gives_back_at_its_end_what_it_kept() {
        let pool = Arc::new(pool());
        for _ in 0..3 {
            let in_thread = Arc::clone(&pool);
            let work = move || {
                for _ in 0..3 {
                    assert_eq!(in_thread.validate(ID, STATUS).unwrap(), []);
                }
                (kept_here(), kept_of(&in_thread))
            };
            assert_eq!(std::thread::spawn(work).join().unwrap(), (1, 1));
            assert_eq!(kept_of(&pool), 0);
        }
        assert_eq!((pool.stats().compiled, pool.stats().validated), (1, 9));
    }

    #[test]
    fn what_a_thread_keeps_is_bounded_and_follows_its_pool() {
        let pools: Vec<_> = (0..MAX_PER_THREAD + 3).map(|_| pool()).collect();
        for pool in &pools {
            pool.validate(ID, STATUS).unwrap();
        }
        assert_eq!(kept_here(), MAX_PER_THREAD);
        assert_eq!(pools.iter().map(kept_of).collect::<Vec<_>>(), [vec![0; 3], vec![1; MAX_PER_THREAD]].concat());
        drop(pools);
        let last = pool();
        last.validate(ID, STATUS).unwrap();
        assert_eq!((kept_here(), kept_of(&last)), (1, 1));
    }

    #[test]
    fn beyond_the_bound_of_the_pool_the_shared_ones_serve() {
        let pool = pool();
        pool.shared().kept.store(MAX_PER_POOL, Ordering::Relaxed);
        for _ in 0..3 {
            assert_eq!(pool.validate(ID, STATUS).unwrap(), []);
        }
        assert_eq!((kept_here(), kept_of(&pool), pool.stats().compiled), (0, MAX_PER_POOL, 1));
    }

    #[test]
    fn one_in_use_is_not_used_again_and_a_broken_one_does_not_come_back() {
        let pool = pool();
        pool.validate(ID, STATUS).unwrap();
        let outer = Kept::take(pool.shared(), ID).unwrap();
        assert_eq!(pool.validate(ID, STATUS).unwrap(), [], "within another packet");
        assert_eq!((kept_here(), kept_of(&pool), pool.stats().compiled), (1, 2, 2));
        outer.discard();
        Kept::take(pool.shared(), ID).unwrap().discard();
        assert_eq!((kept_here(), kept_of(&pool)), (0, 0));
        pool.validate(ID, STATUS).unwrap();
        assert_eq!((kept_of(&pool), pool.stats().compiled), (1, 3));
    }
}
