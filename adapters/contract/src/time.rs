//! Time: UTC inside, Asia/Ho_Chi_Minh with its offset on every surface (QĐ 28/2018 Art 14).

use std::fmt;

use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Seconds that Vietnam is ahead of UTC; it keeps no summer time.
const VIETNAM_OFFSET_HOURS: i8 = 7;

/// A point in time, kept to the millisecond. Written ISO 8601 with `+07:00`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Instant(i64);

impl Instant {
    /// From milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This point in time moved by some milliseconds (negative: earlier).
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// The same point as a date and time of day in Vietnam.
    #[must_use]
    pub fn in_vietnam(self) -> jiff::Zoned {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_zoned(vietnam())
    }

    /// A date and time of day in Vietnam as a point in time.
    #[must_use]
    pub fn from_vietnam(local: jiff::civil::DateTime) -> Option<Self> {
        local.to_zoned(vietnam()).ok().map(|zoned| Self(zoned.timestamp().as_millisecond()))
    }
}

/// Vietnam's time zone as a fixed offset, so that no time-zone database is needed.
#[must_use]
pub fn vietnam() -> TimeZone {
    TimeZone::fixed(Offset::constant(VIETNAM_OFFSET_HOURS))
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.in_vietnam().strftime("%Y-%m-%dT%H:%M:%S%.3f%:z"))
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed: jiff::Timestamp = text.parse().map_err(serde::de::Error::custom)?;
        Ok(Self(parsed.as_millisecond()))
    }
}

/// Where the time comes from: the machine's clock in production, a hand-set one in tests.
pub trait Clock: Send + Sync + fmt::Debug {
    fn now(&self) -> Instant;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_shown_in_vietnam_and_reads_back() {
        let instant = Instant::from_millis(1_790_000_000_123);
        let json = serde_json::to_string(&instant).unwrap_or_default();
        assert!(json.ends_with(".123+07:00\""), "{json}");
        assert_eq!(serde_json::from_str::<Instant>(&json).ok(), Some(instant));
    }
}
