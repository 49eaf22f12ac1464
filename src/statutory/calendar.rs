//! The Vietnamese working calendar: which days agencies work, and at what hours.
//!
//! Rest days are Saturdays, Sundays and public holidays (Bộ luật Lao động 45/2019/QH14 Điều 111, 112); days of work that make up for others are
//! swapped year by year by an announcement. All of it is data: `calendar.toml`, and over it a file of the administrator's own.
//! Of a year that was not announced only what the law fixes is known, and [`Calendar::knows`] says so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::{Date, Time, Weekday};
use lienthong_contract::Instant;
use serde::{Deserialize, Serialize};

/// The calendar that comes with the gateway.
const BUILT_IN: &str = include_str!("calendar.toml");
/// The most days that are looked over for a working day, and the longest stretch of one entry.
const FARTHEST: usize = 400;
/// Largest file of a calendar of one's own, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Holidays on the same date every year (Điều 112.1a, c, d, đ).
const FIXED: [(i8, i8, &str); 4] =
    [(1, 1, "Tết Dương lịch"), (4, 30, "Ngày Chiến thắng"), (5, 1, "Quốc tế Lao động"), (9, 2, "Quốc khánh")];
const IN_LIEU: &str = "Nghỉ bù";

/// Why a calendar cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    #[error("{}: {source}", .file.display())]
    File { file: PathBuf, source: std::io::Error },
    #[error("{place}: {source}")]
    Form { place: String, source: Box<toml::de::Error> },
    #[error("{place}: the year {year} stands there twice")]
    Twice { place: String, year: i16 },
    #[error("{place}: {date} is not a day of the year {year}")]
    OtherYear { place: String, year: i16, date: Date },
    #[error("{place}: {from} to {to} is no stretch of days")]
    Stretch { place: String, from: Date, to: Date },
    #[error("{place}: {0} is a day of rest and a day of work", .date)]
    Both { place: String, date: Date },
    #[error("the working hours must follow each other: morning, then afternoon")]
    Hours,
}

/// When agencies work, in Vietnam.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hours {
    pub morning_from: Time,
    pub morning_to: Time,
    pub afternoon_from: Time,
    pub afternoon_to: Time,
}

impl Default for Hours {
    fn default() -> Self {
        let at = |hour| Time::constant(hour, 0, 0, 0);
        Self { morning_from: at(8), morning_to: at(12), afternoon_from: at(13), afternoon_to: at(17) }
    }
}

impl Hours {
    /// Each after the one before.
    #[must_use]
    pub fn are_in_order(&self) -> bool {
        self.morning_from < self.morning_to
            && self.morning_to <= self.afternoon_from
            && self.afternoon_from < self.afternoon_to
    }

    const fn shifts(&self) -> [(Time, Time); 2] {
        [(self.morning_from, self.morning_to), (self.afternoon_from, self.afternoon_to)]
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    #[serde(default)]
    year: Vec<YearSheet>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct YearSheet {
    year: i16,
    /// Left out in a file of one's own: as it was.
    known: Option<bool>,
    /// What is known of this year from elsewhere does not count.
    #[serde(default)]
    replace: bool,
    #[serde(default)]
    source: String,
    #[serde(default)]
    off: Vec<Stretch>,
    #[serde(default)]
    work: Vec<Stretch>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stretch {
    from: Date,
    to: Option<Date>,
    name: String,
    #[serde(default)]
    source: String,
}

/// A day that is not what its weekday makes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Special {
    pub works: bool,
    pub name: String,
    /// The announcement or article behind it.
    pub source: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Year {
    known: bool,
    days: BTreeMap<Date, Special>,
}

/// Which days agencies work, and when.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Calendar {
    years: BTreeMap<i16, Year>,
    hours: Hours,
}

impl Calendar {
    /// The calendar that comes with the gateway, and over it this file.
    ///
    /// # Errors
    /// [`Fault`]: what is wrong with the file, or the hours.
    pub fn load(own: Option<&Path>, hours: Hours) -> Result<Self, Fault> {
        let Some(file) = own else { return Self::read(&[], hours) };
        let fault = |source| Fault::File { file: file.to_owned(), source };
        if std::fs::metadata(file).map_err(fault)?.len() > MAX_FILE {
            return Err(fault(std::io::Error::other("the file is too large for a calendar")));
        }
        let text = std::fs::read_to_string(file).map_err(fault)?;
        Self::read(&[(&file.display().to_string(), &text)], hours)
    }

    /// The calendar that comes with the gateway, and over it these texts, each with its name.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn read(texts: &[(&str, &str)], hours: Hours) -> Result<Self, Fault> {
        if !hours.are_in_order() {
            return Err(Fault::Hours);
        }
        let mut calendar = Self { years: BTreeMap::new(), hours };
        for (place, text) in std::iter::once(&("calendar.toml", BUILT_IN)).chain(texts) {
            calendar.lay_over(place, text)?;
        }
        for (number, year) in &mut calendar.years {
            if !year.known {
                year.complete(*number);
            }
        }
        Ok(calendar)
    }

    fn lay_over(&mut self, place: &str, text: &str) -> Result<(), Fault> {
        let form = |source| Fault::Form { place: place.to_owned(), source: Box::new(source) };
        let sheet: Sheet = toml::from_str(text).map_err(form)?;
        for (at, of) in sheet.year.iter().enumerate() {
            if sheet.year.iter().take(at).any(|other| other.year == of.year) {
                return Err(Fault::Twice { place: place.to_owned(), year: of.year });
            }
            let days = of.days(place)?;
            let year = self.years.entry(of.year).or_default();
            if of.replace {
                *year = Year::default();
            }
            year.known = of.known.unwrap_or(year.known);
            year.days.extend(days);
        }
        Ok(())
    }

    /// What is special about a day; nothing when its weekday says it all.
    #[must_use]
    pub fn special(&self, day: Date) -> Option<Special> {
        if let Some(year) = self.years.get(&day.year()) {
            return year.days.get(&day).cloned();
        }
        let mut year = Year::default();
        year.complete(day.year());
        year.days.remove(&day)
    }

    /// Whether agencies work on this day.
    #[must_use]
    pub fn works_on(&self, day: Date) -> bool {
        self.special(day).map_or_else(|| !is_weekend(day), |special| special.works)
    }

    /// The next working day after this one.
    #[must_use]
    pub fn next_working_day(&self, after: Date) -> Date {
        let mut day = after;
        for _ in 0..FARTHEST {
            let Ok(next) = day.tomorrow() else { break };
            day = next;
            if self.works_on(day) {
                break;
            }
        }
        day
    }

    /// Whether the years of both days were announced in full.
    #[must_use]
    pub fn knows(&self, from: Date, to: Date) -> bool {
        let known = |day: Date| self.years.get(&day.year()).is_some_and(|year| year.known);
        known(from) && known(to)
    }

    /// The days that are special, and whether the year is known in full.
    #[must_use]
    pub fn year(&self, number: i16) -> (bool, Vec<(Date, Special)>) {
        let year = self.years.get(&number).cloned().unwrap_or_else(|| {
            let mut year = Year::default();
            year.complete(number);
            year
        });
        (year.known, year.days.into_iter().collect())
    }

    #[must_use]
    pub const fn hours(&self) -> &Hours {
        &self.hours
    }

    /// The moment before which so many working hours have passed until now.
    #[must_use]
    pub fn hours_before(&self, now: Instant, hours: u32) -> Instant {
        let mut left = i64::from(hours).saturating_mul(3_600_000);
        let mut day = now.in_vietnam().date();
        for _ in 0..FARTHEST {
            let shifts = if self.works_on(day) { self.hours.shifts().to_vec() } else { Vec::new() };
            for (from, to) in shifts.into_iter().rev() {
                let Some((from, to)) = moment(day, from).zip(moment(day, to)) else { continue };
                let to = to.min(now);
                let long = to.as_millis().saturating_sub(from.as_millis()).max(0);
                if long >= left && long > 0 {
                    return to.plus_millis(-left);
                }
                left = left.saturating_sub(long);
            }
            let Ok(yesterday) = day.yesterday() else { break };
            day = yesterday;
        }
        now.plus_millis(-i64::from(hours).saturating_mul(3_600_000))
    }
}

impl YearSheet {
    fn days(&self, place: &str) -> Result<BTreeMap<Date, Special>, Fault> {
        let mut days = BTreeMap::new();
        let both = self.off.iter().map(|stretch| (false, stretch)).chain(self.work.iter().map(|one| (true, one)));
        for (works, stretch) in both {
            let (from, to) = (stretch.from, stretch.to.unwrap_or(stretch.from));
            if to < from {
                return Err(Fault::Stretch { place: place.to_owned(), from, to });
            }
            for day in from.series(jiff::Span::new().days(1)).take_while(|day| *day <= to).take(FARTHEST) {
                if day.year() != self.year {
                    return Err(Fault::OtherYear { place: place.to_owned(), year: self.year, date: day });
                }
                let source = if stretch.source.is_empty() { &self.source } else { &stretch.source };
                let special = Special { works, name: stretch.name.clone(), source: source.clone() };
                if days.insert(day, special).is_some_and(|other| other.works != works) {
                    return Err(Fault::Both { place: place.to_owned(), date: day });
                }
            }
        }
        Ok(days)
    }
}

impl Year {
    /// Adds to a year that was not announced what the law fixes: the holidays of a fixed date, and a day in lieu on the next
    /// working day for each that falls on a weekend (Điều 111.3).
    fn complete(&mut self, year: i16) {
        for (month, day, name) in FIXED {
            let Ok(date) = Date::new(year, month, day) else { continue };
            let special =
                Special { works: false, name: name.to_owned(), source: "BLLĐ 2019 Điều 112.1".to_owned() };
            self.days.entry(date).or_insert(special);
        }
        let on_weekends = self.days.iter().filter(|(day, special)| !special.works && is_weekend(**day));
        for day in on_weekends.map(|(day, _)| *day).collect::<Vec<_>>() {
            let mut next = day;
            while is_weekend(next) || self.days.contains_key(&next) {
                let Ok(tomorrow) = next.tomorrow() else { return };
                next = tomorrow;
            }
            let source = "BLLĐ 2019 Điều 111.3".to_owned();
            if next.year() == year {
                self.days.insert(next, Special { works: false, name: IN_LIEU.to_owned(), source });
            }
        }
    }
}

fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// A time of day in Vietnam.
pub(super) fn moment(day: Date, at: Time) -> Option<Instant> {
    Instant::from_vietnam(day.to_datetime(at))
}
