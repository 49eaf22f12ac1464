//! Times on the wire. All are Vietnam time without a zone.

use jiff::civil::DateTime;
use lienthong_contract::Instant;
use lienthong_contract::exchange::Window;

/// One end of a window: `dd/MM/yyyy HH:mm:ss`. The end takes in its whole second.
#[must_use]
pub fn window_end(text: &str, last: bool) -> Option<Instant> {
    end_in(&["%d/%m/%Y"], text, last)
}

/// The same, with dates in any order that is met; the end takes in its whole day.
#[must_use]
pub fn any_window_end(text: &str, last: bool) -> Option<Instant> {
    end_in(&["%d/%m/%Y", "%Y/%m/%d", "%Y-%m-%d"], text, last)
}

fn end_in(dates: &[&str], text: &str, last: bool) -> Option<Instant> {
    let text = text.trim();
    let time = instant("%d/%m/%Y %H:%M:%S", text).or_else(|| instant("%Y/%m/%d %H:%M:%S", text));
    let rest = if last { 999 } else { 0 };
    if let Some(time) = time {
        return Some(time.plus_millis(rest));
    }
    let date = dates.iter().find_map(|format| jiff::civil::Date::strptime(format, text).ok())?;
    let time = if last { date.at(23, 59, 59, 0) } else { date.at(0, 0, 0, 0) };
    Some(Instant::from_vietnam(time)?.plus_millis(rest))
}

/// A time in an answer.
#[must_use]
pub fn shown(time: Instant) -> String {
    time.in_vietnam().strftime("%Y/%m/%d %H:%M:%S").to_string()
}

/// A date and time of day in Vietnam.
#[must_use]
pub fn instant(format: &str, text: &str) -> Option<Instant> {
    Instant::from_vietnam(DateTime::strptime(format, text).ok()?)
}

/// The window between two texts, both ends of which belong to it; nothing when both are left out.
///
/// # Errors
/// The name of the one that is no time.
pub fn window<'a>(
    (from_name, from): (&'a str, Option<&str>),
    (to_name, to): (&'a str, Option<&str>),
) -> Result<Option<Window>, &'a str> {
    let end =
        |name: &'a str, text: Option<&str>, last| text.map(|text| any_window_end(text, last).ok_or(name)).transpose();
    Ok(match (end(from_name, from, false)?, end(to_name, to, true)?) {
        (None, None) => None,
        (from, to) => Some(Window {
            from: from.unwrap_or(Instant::from_millis(0)),
            to: to.unwrap_or(Instant::from_millis(i64::MAX)),
        }),
    })
}
