//! Compiled validators for many threads.
//!
//! A thread borrows a validator for one packet and gives it back, so there are never more of them than packets being
//! validated at once, and never more than 16 waiting per schema. One that is worn, or whose run panicked,
//! is not given back. The lock is held only to take and return, never while a packet is read.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::catalogue::Catalogue;
use crate::compile::Validator;
use crate::drive::Limits;
use crate::error::Error;
use crate::violation::Violation;

/// Validators kept waiting per schema: as many as packets are worth validating at once on a large machine.
const MAX_IDLE: usize = 16;

/// Shared by all threads of the gateway.
#[derive(Debug)]
pub struct ValidatorPool {
    catalogue: Arc<Catalogue>,
    limits: Limits,
    idle: Mutex<BTreeMap<String, Vec<Validator>>>,
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
        Self {
            catalogue,
            limits,
            idle: Mutex::default(),
            compiled: AtomicU64::new(0),
            validated: AtomicU64::new(0),
            discarded: AtomicU64::new(0),
        }
    }

    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// Compiles validators ahead of the first packets, `each` per schema.
    ///
    /// # Errors
    /// As of [`Catalogue::compile`].
    pub fn warm(&self, each: usize) -> Result<(), Error> {
        for entry in self.catalogue.entries() {
            for _ in 0..each.min(MAX_IDLE) {
                let validator = self.compile(&entry.id)?;
                self.give_back(&entry.id, validator);
            }
        }
        Ok(())
    }

    /// Validates one packet against the schema of this id. The violations are in the order of the bytes.
    ///
    /// # Errors
    /// The id is unknown, the bytes are no XML or break a limit, or the library gave up.
    pub fn validate(&self, schema_id: &str, xml: &[u8]) -> Result<Vec<Violation>, Error> {
        let validator = match self.take(schema_id) {
            Some(validator) => validator,
            None => self.compile(schema_id)?,
        };
        self.validated.fetch_add(1, Ordering::Relaxed);
        let answer = catch_unwind(AssertUnwindSafe(|| validator.validate(xml)));
        match answer {
            Ok(answer) => {
                self.give_back(schema_id, validator);
                answer
            }
            Err(_) => {
                self.discarded.fetch_add(1, Ordering::Relaxed);
                Err(Error::Broken("the schema library panicked".to_owned()))
            }
        }
    }

    #[must_use]
    pub fn stats(&self) -> PoolStats {
        PoolStats {
            compiled: self.compiled.load(Ordering::Relaxed),
            validated: self.validated.load(Ordering::Relaxed),
            discarded: self.discarded.load(Ordering::Relaxed),
        }
    }

    fn take(&self, schema_id: &str) -> Option<Validator> {
        // A panic cannot happen while the lock is held, and a list of validators is whole in any case.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).get_mut(schema_id)?.pop()
    }

    fn give_back(&self, schema_id: &str, validator: Validator) {
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
