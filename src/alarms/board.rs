//! The alarms of now, for everybody who looks.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use lienthong_contract::Instant;

use super::{Alarm, Kind};

/// What is wrong now, in order of harm.
#[derive(Debug, Default)]
pub struct Board(RwLock<Arc<Vec<Alarm>>>);

impl Board {
    #[must_use]
    pub fn present(&self) -> Vec<Alarm> {
        self.all().as_ref().clone()
    }

    /// The same without a copy.
    #[must_use]
    pub fn all(&self) -> Arc<Vec<Alarm>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts what was found in place of what was there. What was there already is there since then, if that is earlier.
    pub fn put(&self, mut alarms: Vec<Alarm>) -> Arc<Vec<Alarm>> {
        let before = self.all();
        let since: HashMap<(Kind, &str), Instant> =
            before.iter().map(|alarm| ((alarm.kind, alarm.subject.as_str()), alarm.since)).collect();
        for alarm in &mut alarms {
            if let Some(earlier) = since.get(&(alarm.kind, alarm.subject.as_str())) {
                alarm.since = alarm.since.min(*earlier);
            }
        }
        super::sort(&mut alarms);
        let alarms = Arc::new(alarms);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&alarms);
        alarms
    }
}
