//! Quiet hours: a part of each day in Vietnam, and where wanted all of a day on which agencies do not work.

use std::sync::Arc;

use jiff::civil::Time;
use lienthong_contract::Instant;

use super::Severity;
use crate::statutory::calendar::Calendar;

/// When nobody is disturbed but for what cannot wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiet {
    pub from: Time,
    /// Earlier than `from`: of the next morning.
    pub to: Time,
    /// Days on which nobody works by it are quiet all day.
    pub working: Option<Arc<Calendar>>,
    /// What is as bad as this is told all the same.
    pub except: Severity,
}

impl Quiet {
    /// Whether it is quiet at this moment.
    #[must_use]
    pub fn at(&self, now: Instant) -> bool {
        let local = now.in_vietnam().datetime();
        let clock = local.time();
        let daily = match self.from.cmp(&self.to) {
            std::cmp::Ordering::Less => self.from <= clock && clock < self.to,
            std::cmp::Ordering::Greater => self.from <= clock || clock < self.to,
            std::cmp::Ordering::Equal => false,
        };
        daily || self.working.as_ref().is_some_and(|working| !working.works_on(local.date()))
    }

    /// Whether an alarm of this severity waits at this moment.
    #[must_use]
    pub fn holds(&self, severity: Severity, now: Instant) -> bool {
        severity < self.except && self.at(now)
    }

    /// The next moments at which it stops being quiet and what was held back is told, at most so many.
    #[must_use]
    pub fn next_ends(&self, now: Instant, most: usize) -> Vec<Instant> {
        let mut ends = Vec::new();
        let mut day = now.in_vietnam().datetime().date();
        // Tết with the weekends around it.
        for _ in 0..most.saturating_mul(4).saturating_add(16) {
            let midnight = Instant::from_vietnam(day.to_datetime(Time::midnight()));
            let end = Instant::from_vietnam(day.to_datetime(self.to));
            for moment in [midnight, end].into_iter().flatten() {
                let ends_here = moment > now && !self.at(moment) && self.at(moment.plus_millis(-1));
                if ends_here && ends.len() < most && !ends.contains(&moment) {
                    ends.push(moment);
                }
            }
            let Ok(tomorrow) = day.tomorrow() else { break };
            day = tomorrow;
        }
        ends
    }
}
