//! Compiled validators for many threads.
//!
//! A thread keeps the validators it has used ([`Kept`]) and takes one that waits, or compiles one, when it has none for
//! a schema. Waiting are those made by [`ValidatorPool::warm`] and those of threads that ended, never more than 16 per
//! schema. One that is worn, or whose run panicked, is not kept. The lock is held only to take and return, never while
//! a packet is read.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::catalogue::Catalogue;
use crate::compile::Validator;
use crate::drive::Limits;
use crate::error::Error;
use crate::kept::Kept;
use crate::violation::Violation;

/// Validators kept waiting per schema: as many as packets are worth validating at once on a large machine.
const MAX_IDLE: usize = 16;

/// Shared by all threads of the gateway.
#[derive(Debug)]
pub struct ValidatorPool {
    shared: Arc<Shared>,
}

/// What threads that keep a validator know of their pool.
#[derive(Debug)]
pub(crate) struct Shared {
    catalogue: Arc<Catalogue>,
    limits: Limits,
    idle: Mutex<BTreeMap<String, Vec<Validator>>>,
    /// Validators that threads keep.
    pub(crate) kept: AtomicUsize,
    compiled: AtomicU64,
    validated: AtomicU64,
    discarded: AtomicU64,
}

/// What the pool has done since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolStats {
    /// Schemas compiled; each costs milliseconds, so this should soon stop growing.
    pub compiled: u64,
    /// Packets validated.
    pub validated: u64,
    /// Validators thrown away because packets wore them out or a run broke.
    pub discarded: u64,
}

impl ValidatorPool {
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>) -> Self {
        Self::with_limits(catalogue, Limits::default())
    }

    #[must_use]
    pub fn with_limits(catalogue: Arc<Catalogue>, limits: Limits) -> Self {
        let shared = Shared {
            catalogue,
            limits,
            idle: Mutex::default(),
            kept: AtomicUsize::new(0),
            compiled: AtomicU64::new(0),
            validated: AtomicU64::new(0),
            discarded: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.shared.catalogue
    }

    /// Compiles validators ahead of the first packets, `each` per schema.
    ///
    /// # Errors
    /// As of [`Catalogue::compile`].
    pub fn warm(&self, each: usize) -> Result<(), Error> {
        for entry in self.shared.catalogue.entries() {
            for _ in 0..each.min(MAX_IDLE) {
                let validator = self.shared.compile(&entry.id)?;
                self.shared.give_back(&entry.id, validator);
            }
        }
        Ok(())
    }

    /// Validates one packet against the schema of this id. The violations are in the order of the bytes.
    ///
    /// # Errors
    /// The id is unknown, the bytes are no XML or break a limit, or the library gave up.
    pub fn validate(&self, schema_id: &str, xml: &[u8]) -> Result<Vec<Violation>, Error> {
        let kept = match Kept::take(&self.shared, schema_id) {
            Some(kept) => kept,
            None => {
                let validator = self.shared.take(schema_id)?;
                self.shared.guarded(|| Kept::of(&self.shared, schema_id, validator))?
            }
        };
        self.shared.validated.fetch_add(1, Ordering::Relaxed);
        let answer = self.shared.guarded(|| kept.validate(xml));
        match answer {
            Ok(answer) => {
                kept.put_back();
                answer
            }
            Err(broken) => {
                kept.discard();
                Err(broken)
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    #[must_use]
    pub fn stats(&self) -> PoolStats {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let Shared { compiled, validated, discarded, .. } = &*self.shared;
        PoolStats { compiled: count(compiled), validated: count(validated), discarded: count(discarded) }
    }
}

impl Shared {
    /// Runs what may panic with a validator in its hands, which is then lost.
    fn guarded<T>(&self, work: impl FnOnce() -> T) -> Result<T, Error> {
        catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
            self.discarded.fetch_add(1, Ordering::Relaxed);
            Error::Broken("the schema library panicked".to_owned())
        })
    }

    /// A validator no thread keeps, compiled if none is waiting.
    fn take(&self, schema_id: &str) -> Result<Validator, Error> {
        // A panic cannot happen while the lock is held, and a list of validators is whole in any case.
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle.get_mut(schema_id).and_then(Vec::pop);
        drop(idle);
        waiting.map_or_else(|| self.compile(schema_id), Ok)
    }

    /// Takes a validator for the next thread that has none, unless it is worn or enough are waiting.
    pub(crate) fn give_back(&self, schema_id: &str, validator: Validator) {
        if validator.is_worn() {
            self.discarded.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        match idle.get_mut(schema_id) {
            Some(waiting) if waiting.len() < MAX_IDLE => waiting.push(validator),
            Some(_) => {}
            None => {
                idle.insert(schema_id.to_owned(), vec![validator]);
            }
        }
    }

    fn compile(&self, schema_id: &str) -> Result<Validator, Error> {
        let validator = self.catalogue.compile(schema_id, self.limits.clone())?;
        self.compiled.fetch_add(1, Ordering::Relaxed);
        Ok(validator)
    }
}
