//! What goes out: the feed for the province's monitoring centre (IOC), and the public's totals. Numbers of documents, nothing of what is
//! in them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use lienthong_contract::{AgencyCode, HopName, Instant};
use serde::Serialize;

use super::report::Row;
use super::{Statistics, level};
use crate::books::statement::{day_of, number_of};
use crate::store::statistics::{Direction, Figures, Scope, Sum, Wanted};

/// The name of the form; another one when a field changes its meaning.
pub const FORMAT: &str = "lienthong-statistics-1";
/// The most days and months that are given.
pub const MOST_DAYS: i64 = 31;
const MONTHS: i32 = 12;

/// The feed. Times are ISO 8601 with `+07:00`, days and months in Vietnam, shares in percent of what was measured.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Feed {
    pub format: &'static str,
    pub hop: HopName,
    /// The moment up to which the figures are complete; null while older ones are still being computed.
    pub updated_at: Option<Instant>,
    /// The working calendar of all these days was announced in full.
    pub calendar_known: bool,
    pub pending: PendingNow,
    /// By day, then agency; the last days, today included.
    pub days: Vec<Entry>,
    /// By month, then agency; the last twelve months, this one included.
    pub months: Vec<Entry>,
}

/// What waits for acknowledgement now.
#[derive(Debug, Clone, Copy, Default, Serialize, PartialEq, Eq)]
pub struct PendingNow {
    pub overdue: u64,
    pub ending_today: u64,
    pub later: u64,
}

/// One agency in one day or month.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Entry {
    /// `2026-11-23` or `2026-11`.
    pub period: String,
    pub agency: AgencyCode,
    pub level: Option<u8>,
    pub sent: Option<Sent>,
    pub received: Option<Received>,
}

#[derive(Debug, Clone, Copy, Serialize, PartialEq)]
pub struct Sent {
    pub documents: u64,
    pub recipients: u64,
    pub on_time: u64,
    pub late: u64,
    pub not_measured: u64,
    pub on_time_percent: Option<f64>,
    pub not_delivered: u64,
    pub given_back: u64,
}

#[derive(Debug, Clone, Copy, Serialize, PartialEq)]
pub struct Received {
    pub documents: u64,
    pub acknowledged_on_time: u64,
    pub acknowledged_late: u64,
    pub waiting: u64,
    pub on_time_percent: Option<f64>,
    pub never_collected: u64,
    pub given_back: u64,
}

fn percent(figures: &Figures) -> Option<f64> {
    figures.per_mille_on_time().map(|share| share as f64 / 10.0)
}

impl Entry {
    const fn empty(period: String, agency: AgencyCode, level: Option<u8>) -> Self {
        Self { period, agency, level, sent: None, received: None }
    }

    fn put(&mut self, direction: Direction, of: &Figures) {
        match direction {
            Direction::Sent => {
                self.sent = Some(Sent {
                    documents: of.documents,
                    recipients: of.recipients,
                    on_time: of.on_time,
                    late: of.late,
                    not_measured: of.not_measured,
                    on_time_percent: percent(of),
                    not_delivered: of.failed,
                    given_back: of.given_back,
                });
            }
            Direction::Received => {
                self.received = Some(Received {
                    documents: of.documents,
                    acknowledged_on_time: of.on_time,
                    acknowledged_late: of.late,
                    waiting: of.waiting(),
                    on_time_percent: percent(of),
                    never_collected: of.failed,
                    given_back: of.given_back,
                });
            }
        }
    }
}

impl Statistics {
    /// The feed with its last `days` days.
    ///
    /// # Errors
    /// [`crate::store::Error`].
    pub async fn feed(&self, hop: &HopName, now: Instant, days: i64) -> crate::store::Result<Feed> {
        let today = now.in_vietnam().date();
        let first_day = number_of(today).saturating_sub(days.clamp(1, MOST_DAYS) - 1);
        let months = jiff::Span::new().months(MONTHS - 1);
        let first_month = today.first_of_month().checked_sub(months).unwrap_or(today);
        let wanted = Wanted { to: number_of(today), by_agency: true, ..Wanted::default() };
        let by_day = Wanted { from: first_day, by_day: true, ..wanted.clone() };
        let mut days = self.store.sums(by_day).await?;
        days.sort_by(|one, other| (one.day, &one.agency).cmp(&(other.day, &other.agency)));
        let mut months = Vec::new();
        let mut month = first_month;
        for _ in 0..MONTHS {
            let (from, to) = (number_of(month), number_of(month.last_of_month()));
            let sums = self.store.sums(Wanted { from, to, ..wanted.clone() }).await?;
            months.extend(entries(&sums, |_| Some(month.strftime("%Y-%m").to_string())));
            let Ok(next) = month.last_of_month().tomorrow() else { break };
            month = next;
        }
        Ok(Feed {
            format: FORMAT,
            hop: hop.clone(),
            updated_at: self.updated_at(),
            calendar_known: self.knows_all(first_month, today),
            pending: self.pending(None, now).await?,
            days: entries(&days, |sum| sum.day.and_then(day_of).map(|day| day.to_string())),
            months,
        })
    }

    fn knows_all(&self, from: Date, to: Date) -> bool {
        (from.year()..=to.year()).all(|year| self.terms.calendar.year(year).0)
    }

    /// What waits for acknowledgement now, of all agencies or within a scope.
    ///
    /// # Errors
    /// [`crate::store::Error`].
    pub async fn pending(&self, scope: Option<Scope>, now: Instant) -> crate::store::Result<PendingNow> {
        let midnight =
            now.in_vietnam().date().tomorrow().ok().and_then(|day| Instant::from_vietnam(day.at(0, 0, 0, 0)));
        let found = self.store.pending(scope, now, midnight.unwrap_or(now).plus_millis(-1)).await?;
        Ok(PendingNow { overdue: found.overdue, ending_today: found.ending, later: found.later })
    }
}

/// Both directions of an agency in one entry; the sums stand in the order of period and agency.
fn entries(sums: &[Sum], period: impl Fn(&Sum) -> Option<String>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for sum in sums {
        let (Some(agency), Some(period)) = (&sum.agency, period(sum)) else { continue };
        match entries.last_mut().filter(|last| last.period == period && last.agency == *agency) {
            Some(last) => last.put(sum.direction, &sum.figures),
            None => {
                let mut entry = Entry::empty(period, agency.clone(), level(agency));
                entry.put(sum.direction, &sum.figures);
                entries.push(entry);
            }
        }
    }
    entries
}

/// The agencies that the public is shown, with their documents sent and received, and those that are shown together as the rest.
///
/// Whoever has fewer than `least` documents is not shown alone. So that nobody can be found by subtraction, the rest is never one agency and
/// never fewer than `least` documents: the next larger ones join it until that is so.
#[must_use]
pub fn for_public(rows: &[Row], least: u64) -> (Vec<&Row>, Vec<&Row>) {
    let documents = |row: &Row| row.both.sent.documents + row.both.received.documents;
    let mut by_size: BTreeMap<(u64, &AgencyCode), &Row> =
        rows.iter().map(|row| ((documents(row), &row.agency), row)).collect();
    let mut rest: Vec<&Row> = Vec::new();
    let mut in_rest = 0_u64;
    while let Some(smallest) = by_size.first_entry() {
        let size = smallest.key().0;
        let hidden = !rest.is_empty() && (rest.len() < 2 || in_rest < least);
        if size >= least && !hidden {
            break;
        }
        in_rest = in_rest.saturating_add(size);
        rest.push(smallest.remove());
    }
    let mut shown: Vec<&Row> = by_size.into_values().collect();
    shown.sort_by(|one, other| one.agency.cmp(&other.agency));
    (shown, rest)
}
