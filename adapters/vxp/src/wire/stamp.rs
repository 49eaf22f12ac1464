//! Times on the wire. All are Vietnam time without a zone.

use lienthong_contract::Instant;
use lienthong_door_kit::stamp::instant;

pub use lienthong_door_kit::stamp::{shown, window_end};

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
