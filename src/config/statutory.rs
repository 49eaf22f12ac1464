//! `[statutory]`: the working calendar and what "at once" means.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::statutory::calendar::Fault;
use crate::statutory::{Calendar, Hours, Terms};

/// What the clocks of QĐ 28/2018/QĐ-TTg and NĐ 30/2020/NĐ-CP go by.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Statutory {
    /// A calendar of one's own, laid over the one that comes with the gateway. Read at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calendar: Option<PathBuf>,
    /// Working hours in Vietnam, `08:00`.
    pub hours: Hours,
    /// Minutes from its signature within which an urgent document counts as sent at once.
    pub urgent_send_minutes: u32,
    /// Minutes from its arrival within which an urgent document counts as acknowledged at once.
    pub urgent_acknowledge_minutes: u32,
}

impl Default for Statutory {
    fn default() -> Self {
        Self { calendar: None, hours: Hours::default(), urgent_send_minutes: 30, urgent_acknowledge_minutes: 60 }
    }
}

impl Statutory {
    /// What the clocks go by.
    ///
    /// # Errors
    /// [`Fault`]: what is wrong with the calendar.
    pub fn terms(&self) -> Result<Terms, Fault> {
        Ok(Terms {
            calendar: Calendar::load(self.calendar.as_deref(), self.hours)?,
            urgent_send_minutes: self.urgent_send_minutes,
            urgent_acknowledge_minutes: self.urgent_acknowledge_minutes,
        })
    }
}

/// Every file, with its key.
pub(super) fn paths(statutory: &mut Statutory, each: &mut impl FnMut(String, &mut PathBuf)) {
    statutory.calendar.iter_mut().for_each(|path| each("statutory.calendar".to_owned(), path));
}

/// What the types cannot say.
pub(super) fn check(statutory: &Statutory, note: &mut impl FnMut(String, &str, &str)) {
    for (key, value) in [
        ("urgent_send_minutes", statutory.urgent_send_minutes),
        ("urgent_acknowledge_minutes", statutory.urgent_acknowledge_minutes),
    ] {
        if !(1..=1440).contains(&value) {
            note(format!("statutory.{key}"), "phải từ 1 đến 1440", "must be between 1 and 1440");
        }
    }
    if !statutory.hours.are_in_order() {
        note(
            "statutory.hours".to_owned(),
            "phải theo thứ tự: buổi sáng (morning_from, morning_to), rồi buổi chiều (afternoon_from, afternoon_to)",
            "must follow each other: the morning (morning_from, morning_to), then the afternoon (afternoon_from, afternoon_to)",
        );
    }
}
