//! The periods of reports: months, quarters (QĐ 28/2018/QĐ-TTg Điều 15) and years.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

/// A month, a quarter or a year in Vietnam.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    Month(i16, i8),
    Quarter(i16, i8),
    Year(i16),
}

/// A text is no period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a period is written 2026-11, 2026-Q4 or 2026")]
pub struct NoPeriod;

/// Years that are asked for.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2200;

impl Period {
    /// The month of a day.
    #[must_use]
    pub fn month_of(day: Date) -> Self {
        Self::Month(day.year(), day.month())
    }

    #[must_use]
    pub const fn year(self) -> i16 {
        match self {
            Self::Month(year, _) | Self::Quarter(year, _) | Self::Year(year) => year,
        }
    }

    /// Its first and last day.
    #[must_use]
    pub fn days(self) -> (Date, Date) {
        let (first, last) = match self {
            Self::Month(_, month) => (month, month),
            Self::Quarter(_, quarter) => (quarter * 3 - 2, quarter * 3),
            Self::Year(_) => (1, 12),
        };
        let from = Date::new(self.year(), first, 1).unwrap_or(Date::MIN);
        let last = Date::new(self.year(), last, 1).unwrap_or(from);
        (from, last.last_of_month())
    }

    /// The name in both languages.
    #[must_use]
    pub fn name(self) -> (String, String) {
        match self {
            Self::Month(year, month) => (format!("tháng {month}/{year}"), format!("month {year}-{month:02}")),
            Self::Quarter(year, quarter) => (format!("quý {quarter}/{year}"), format!("quarter {quarter} of {year}")),
            Self::Year(year) => (format!("năm {year}"), format!("year {year}")),
        }
    }
}

impl FromStr for Period {
    type Err = NoPeriod;

    fn from_str(text: &str) -> Result<Self, NoPeriod> {
        let (year, rest) = text.split_once('-').map_or((text, None), |(year, rest)| (year, Some(rest)));
        let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
        let year = year.parse().ok().filter(|year| is_year && YEARS.contains(year)).ok_or(NoPeriod)?;
        let within = |text: &str, most: i8| text.parse().ok().filter(|number| (1..=most).contains(number));
        match rest {
            None => Ok(Self::Year(year)),
            Some(rest) => match rest.strip_prefix('Q') {
                Some(quarter) => within(quarter, 4).map(|quarter| Self::Quarter(year, quarter)),
                None => within(rest, 12).map(|month| Self::Month(year, month)),
            }
            .ok_or(NoPeriod),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Month(year, month) => write!(f, "{year}-{month:02}"),
            Self::Quarter(year, quarter) => write!(f, "{year}-Q{quarter}"),
            Self::Year(year) => write!(f, "{year}"),
        }
    }
}
