//! Dates as packets write them: `yyyy/MM/dd`, `yyyy/MM/dd HH:mm:ss`, without a zone, which means Vietnam time.
//!
//! Reading is strict: a lenient reader takes `30/10/2020` for a day of the year 36 (quirk Q4).

use jiff::civil::{Date, DateTime, Time};
use lienthong_contract::Instant;

/// A date as read, and whether it was written with all its digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read<T> {
    pub value: T,
    /// A month, day or hour had one digit only.
    pub short: bool,
}

/// Reads `yyyy/MM/dd`; month and day may have one digit.
#[must_use]
pub fn read_date(text: &str) -> Option<Read<Date>> {
    let mut parts = text.split('/');
    let year = digits(parts.next()?, 4, 4)?;
    let (month_text, day_text) = (parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (month, day) = (digits(month_text, 1, 2)?, digits(day_text, 1, 2)?);
    // The year 0 is no year anyone issued a document in; jiff would take it.
    if year == 0 {
        return None;
    }
    let value = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    Some(Read { value, short: month_text.len() == 1 || day_text.len() == 1 })
}

/// Reads `yyyy/MM/dd HH:mm:ss`, Vietnam time.
#[must_use]
pub fn read_time(text: &str) -> Option<Read<Instant>> {
    let (date_text, time_text) = text.split_once(' ')?;
    let date = read_date(date_text)?;
    let time_text = time_text.trim_start();
    let mut parts = time_text.split(':');
    let hour_text = parts.next()?;
    let hour = i8::try_from(digits(hour_text, 1, 2)?).ok()?;
    let minute = i8::try_from(digits(parts.next()?, 2, 2)?).ok()?;
    let second = i8::try_from(digits(parts.next()?, 2, 2)?).ok()?;
    if parts.next().is_some() {
        return None;
    }
    let time = Time::new(hour, minute, second, 0).ok()?;
    let value = Instant::from_vietnam(DateTime::from_parts(date.value, time))?;
    Some(Read { value, short: date.short || hour_text.len() == 1 })
}

fn digits(text: &str, least: usize, most: usize) -> Option<i16> {
    let good = (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    good.then(|| text.parse().ok()).flatten()
}

/// Writes `yyyy/MM/dd`.
#[must_use]
pub fn write_date(date: Date) -> String {
    format!("{:04}/{:02}/{:02}", date.year(), date.month(), date.day())
}

/// Writes `yyyy/MM/dd HH:mm:ss`, Vietnam time; fractions of a second are left out.
#[must_use]
pub fn write_time(instant: Instant) -> String {
    let local = instant.in_vietnam();
    format!("{} {:02}:{:02}:{:02}", write_date(local.date()), local.hour(), local.minute(), local.second())
}
