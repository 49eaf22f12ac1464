//! Working hours, as far as alarms need them: Monday to Friday, eight hours a day.
//!
//! Public holidays are not known here; an alarm that comes during one says no more than that nobody collected meanwhile.

use jiff::civil::{Date, Time, Weekday, time};
use lienthong_contract::Instant;

/// Morning and afternoon, in Vietnam.
const SHIFTS: [(Time, Time); 2] = [(time(8, 0, 0, 0), time(12, 0, 0, 0)), (time(13, 0, 0, 0), time(17, 0, 0, 0))];
/// The most days that are looked back.
const FARTHEST: usize = 400;

/// The moment before which so many working hours have passed until now.
#[must_use]
pub fn hours_before(now: Instant, hours: u32) -> Instant {
    let local = now.in_vietnam().datetime();
    let mut left = i64::from(hours).saturating_mul(3_600_000);
    let mut day = local.date();
    for _ in 0..FARTHEST {
        for (from, to) in shifts_of(day).into_iter().rev() {
            let Some((from, to)) = moment(day, from).zip(moment(day, to)) else { continue };
            let to = to.min(now.as_millis());
            let long = to.saturating_sub(from).max(0);
            if long >= left && long > 0 {
                return Instant::from_millis(to.saturating_sub(left));
            }
            left = left.saturating_sub(long);
        }
        let Ok(yesterday) = day.yesterday() else { break };
        day = yesterday;
    }
    now.plus_millis(-i64::from(hours).saturating_mul(3_600_000))
}

fn shifts_of(day: Date) -> Vec<(Time, Time)> {
    if matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) { Vec::new() } else { SHIFTS.to_vec() }
}

fn moment(day: Date, at: Time) -> Option<i64> {
    Instant::from_vietnam(day.to_datetime(at)).map(Instant::as_millis)
}
