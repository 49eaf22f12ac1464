//! The figures of a period: by agency, by level, and over time.

use std::collections::BTreeMap;

use jiff::civil::Date;
use lienthong_contract::AgencyCode;

use super::period::Period;
use super::{Statistics, level};
use crate::books::statement::{day_of, number_of};
use crate::directory::Snapshot;
use crate::store::statistics::{Direction, Figures, Scope, Sum, Wanted};

/// Which urgencies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Urgencies {
    #[default]
    All,
    Normal,
    /// Khẩn and above.
    Urgent,
}

impl Urgencies {
    pub const ALL: [Self; 3] = [Self::All, Self::Normal, Self::Urgent];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Normal => "normal",
            Self::Urgent => "urgent",
        }
    }

    /// The urgency of this word; all for any other.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|one| one.as_str() == word).unwrap_or_default()
    }

    fn codes(self) -> Vec<u8> {
        match self {
            Self::All => Vec::new(),
            Self::Normal => vec![0],
            Self::Urgent => (1..=u8::MAX).collect(),
        }
    }
}

/// What was sent and what was received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Both {
    pub sent: Figures,
    pub received: Figures,
}

impl Both {
    fn add(&mut self, sum: &Sum) {
        let figures = match sum.direction {
            Direction::Sent => &mut self.sent,
            Direction::Received => &mut self.received,
        };
        *figures = figures.plus(&sum.figures);
    }

    /// These and those.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self { sent: self.sent.plus(&other.sent), received: self.received.plus(&other.received) }
    }
}

/// The figures of one agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub agency: AgencyCode,
    /// As the directory has it now; the code where it has none.
    pub name: String,
    pub level: Option<u8>,
    pub both: Both,
}

/// The figures of a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub period: Period,
    pub urgencies: Urgencies,
    /// All agencies when left out.
    pub scope: Option<Scope>,
    pub total: Both,
    /// By code.
    pub agencies: Vec<Row>,
    /// Codes without a level come last, under none.
    pub levels: Vec<(Option<u8>, Both)>,
    /// By day of a month; by month, given by its first day, of anything longer. All of them, also those without documents.
    pub times: Vec<(Date, Both)>,
    /// The calendar of the period, and of the days after it to which limits reach, was announced in full.
    pub known: bool,
}

impl Statistics {
    /// The figures of a period.
    ///
    /// # Errors
    /// [`crate::store::Error`].
    pub async fn report(
        &self,
        (period, urgencies): (Period, Urgencies),
        scope: Option<Scope>,
        directory: &Snapshot,
    ) -> crate::store::Result<Report> {
        let (from, to) = period.days();
        let wanted = Wanted {
            from: number_of(from),
            to: number_of(to),
            scope: scope.clone(),
            urgencies: urgencies.codes(),
            by_agency: true,
            by_day: false,
        };
        let by_agency = self.store.sums(wanted.clone()).await?;
        let by_day = self.store.sums(Wanted { by_agency: false, by_day: true, ..wanted }).await?;
        let mut agencies: BTreeMap<AgencyCode, Both> = BTreeMap::new();
        let mut total = Both::default();
        for sum in &by_agency {
            total.add(sum);
            if let Some(agency) = &sum.agency {
                agencies.entry(agency.clone()).or_default().add(sum);
            }
        }
        let agencies: Vec<Row> = agencies
            .into_iter()
            .map(|(agency, both)| Row { name: name_of(directory, &agency), level: level(&agency), agency, both })
            .collect();
        let mut levels: BTreeMap<u8, Both> = BTreeMap::new();
        for row in &agencies {
            let at = levels.entry(row.level.unwrap_or(u8::MAX)).or_default();
            *at = at.plus(&row.both);
        }
        let levels = levels.into_iter().map(|(level, both)| (Some(level).filter(|level| *level < u8::MAX), both));
        let levels = levels.collect();
        let times = times(period, &by_day);
        // Limits reach to the first working day after the period.
        let known = self.terms.calendar.knows(from, self.terms.calendar.next_working_day(to));
        Ok(Report { period, urgencies, scope, total, agencies, levels, times, known })
    }
}

/// An agency's name in the directory; its code where it is not there.
#[must_use]
pub fn name_of(directory: &Snapshot, agency: &AgencyCode) -> String {
    directory.lookup(agency).map_or_else(|| agency.to_string(), |found| found.name.clone())
}

fn times(period: Period, by_day: &[Sum]) -> Vec<(Date, Both)> {
    let (from, to) = period.days();
    let start = |day: Date| match period {
        Period::Month(..) => day,
        Period::Quarter(..) | Period::Year(_) => day.first_of_month(),
    };
    let mut times: BTreeMap<Date, Both> = BTreeMap::new();
    for day in from.series(jiff::Span::new().days(1)).take_while(|day| *day <= to).take(366) {
        times.entry(start(day)).or_default();
    }
    for sum in by_day {
        if let Some(both) = sum.day.and_then(day_of).and_then(|day| times.get_mut(&start(day))) {
            both.add(sum);
        }
    }
    times.into_iter().collect()
}
