//! Times on the wire. All are Vietnam time without a zone.

use jiff::civil::DateTime;
use lienthong_contract::Instant;

/// The time of a request's timestamp, `ddMMyyyy'T'HHmmss+SSSS`: what follows the plus are milliseconds.
#[must_use]
pub fn timestamp(text: &str) -> Option<Instant> {
    let (time, millis) = text.trim().split_once('+')?;
    let millis: i64 = millis.parse().ok().filter(|millis| (0..1000).contains(millis))?;
    Some(instant("%d%m%YT%H%M%S", time)?.plus_millis(millis))
}

/// The timestamp of a request made now.
#[must_use]
pub fn to_timestamp(now: Instant) -> String {
    format!("{}+{:04}", now.in_vietnam().strftime("%d%m%YT%H%M%S"), now.as_millis().rem_euclid(1000))
}

/// One end of a window: `dd/MM/yyyy HH:mm:ss`. The end takes in its whole second.
#[must_use]
pub fn window_end(text: &str, last: bool) -> Option<Instant> {
    let text = text.trim();
    let time = instant("%d/%m/%Y %H:%M:%S", text).or_else(|| instant("%Y/%m/%d %H:%M:%S", text));
    let rest = if last { 999 } else { 0 };
    if let Some(time) = time {
        return Some(time.plus_millis(rest));
    }
    let date = jiff::civil::Date::strptime("%d/%m/%Y", text).ok()?;
    let time = if last { date.at(23, 59, 59, 0) } else { date.at(0, 0, 0, 0) };
    Some(Instant::from_vietnam(time)?.plus_millis(rest))
}

/// A time in an answer.
#[must_use]
pub fn shown(time: Instant) -> String {
    time.in_vietnam().strftime("%Y/%m/%d %H:%M:%S").to_string()
}

fn instant(format: &str, text: &str) -> Option<Instant> {
    Instant::from_vietnam(DateTime::strptime(format, text).ok()?)
}
