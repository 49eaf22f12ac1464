//! The statutory clocks, as pure functions of moments and the working calendar.
//!
//! | From | To | Limit | Source |
//! |---|---|---|---|
//! | signed | sent | the same day, at the latest the morning of the next working day | QĐ 28/2018/QĐ-TTg Điều 6.2 |
//! | signed, urgent | sent | at once; judged by [`Terms::urgent_send_minutes`] | Điều 6.2 ("ngay sau khi ký") |
//! | arrived | acknowledged | the same day | NĐ 30/2020/NĐ-CP Điều 21.2c |
//! | arrived, urgent | acknowledged | at once; judged by [`Terms::urgent_acknowledge_minutes`] | QĐ 28/2018/QĐ-TTg Điều 6.2 |
//!
//! Our readings, where the law is silent: the morning ends with the morning's working hours; what arrives after hours or
//! on a day of rest is to be acknowledged on the next working day, an urgent one from that day's first hour on; of an urgent document of which
//! only the day of signing is known, "at once" cannot be told from "later that day", and only another day is late.

use jiff::civil::{Date, Time};
use lienthong_contract::Instant;

use super::calendar::{Calendar, moment};

/// When a document was signed, as closely as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// On this day in Vietnam: what the packet gives as its date of promulgation.
    On(Date),
    /// At this moment, by the signature.
    At(Instant),
}

impl Signed {
    /// The day in Vietnam.
    #[must_use]
    pub fn day(self) -> Date {
        match self {
            Self::On(day) => day,
            Self::At(at) => at.in_vietnam().date(),
        }
    }
}

/// Why there is nothing to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Nothing here says when it was signed.
    NoSigning,
    /// It was signed after it was sent: one of the two clocks is wrong.
    SignedLater,
    /// It changes an earlier document (revoke, update, replace) and bears that one's date.
    ChangesAnother,
    /// It is urgent, and only the day of its signing is known.
    OnlyTheDay,
    /// It did not arrive.
    NotArrived,
}

/// What a clock says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Met {
        at: Instant,
        limit: Instant,
    },
    /// Done after the limit, or, without `at`, not yet done though it is over.
    Late {
        at: Option<Instant>,
        limit: Instant,
    },
    Running {
        limit: Instant,
    },
    NotMeasurable(Why),
}

impl Answer {
    /// Milliseconds by which it is late.
    #[must_use]
    pub fn late_by(&self, now: Instant) -> Option<i64> {
        match self {
            Self::Late { at, limit } => Some(at.unwrap_or(now).as_millis().saturating_sub(limit.as_millis()).max(0)),
            _ => None,
        }
    }
}

/// An answer, and how far it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    pub answer: Answer,
    /// The years that it touches were announced in full; else holidays may be missing.
    pub known: bool,
}

/// What the clocks go by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Terms {
    pub calendar: Calendar,
    /// Minutes from the signature within which an urgent document counts as sent at once.
    pub urgent_send_minutes: u32,
    /// Minutes from its arrival within which an urgent document counts as acknowledged at once.
    pub urgent_acknowledge_minutes: u32,
}

/// A document on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sending {
    pub signed: Option<Signed>,
    pub urgent: bool,
    /// It revokes, updates or replaces another.
    pub changes_another: bool,
    /// When the gateway took it.
    pub sent: Option<Instant>,
}

impl Terms {
    /// From signing to sending.
    #[must_use]
    pub fn sending(&self, sending: &Sending, now: Instant) -> Judged {
        let Some(signed) = sending.signed else { return not_measurable(Why::NoSigning) };
        if sending.changes_another {
            return not_measurable(Why::ChangesAnother);
        }
        let day = signed.day();
        let at = sending.sent.unwrap_or(now);
        let too_early = match signed {
            Signed::On(day) => at.in_vietnam().date() < day,
            Signed::At(moment) => at < moment,
        };
        if too_early {
            return not_measurable(Why::SignedLater);
        }
        let limit = match (sending.urgent, signed) {
            (true, Signed::At(moment)) => Some(moment.plus_millis(minutes(self.urgent_send_minutes))),
            (true, Signed::On(day)) if at.in_vietnam().date() == day => return not_measurable(Why::OnlyTheDay),
            (true, Signed::On(day)) => end_of(day),
            (false, _) => self.sending_limit(day),
        };
        let Some(limit) = limit else { return not_measurable(Why::NoSigning) };
        self.judged((day, limit), sending.sent, now)
    }

    /// The end of the morning of the next working day.
    #[must_use]
    pub fn sending_limit(&self, signed: Date) -> Option<Instant> {
        moment(self.calendar.next_working_day(signed), self.calendar.hours().morning_to)
    }

    /// From arrival in the mailbox to acknowledgement.
    #[must_use]
    pub fn acknowledgement(
        &self,
        arrived: Option<Instant>,
        urgent: bool,
        acknowledged: Option<Instant>,
        now: Instant,
    ) -> Judged {
        let Some(arrived) = arrived else { return not_measurable(Why::NotArrived) };
        match self.acknowledgement_limit(arrived, urgent) {
            Some(limit) => self.judged((arrived.in_vietnam().date(), limit), acknowledged, now),
            None => not_measurable(Why::NotArrived),
        }
    }

    /// The end of the day of arrival, or of the next working day for what came after hours; for urgent ones minutes.
    #[must_use]
    pub fn acknowledgement_limit(&self, arrived: Instant, urgent: bool) -> Option<Instant> {
        let (day, hours) = (arrived.in_vietnam().date(), self.calendar.hours());
        let in_time = self.calendar.works_on(day) && moment(day, hours.afternoon_to).is_some_and(|end| arrived < end);
        let day = if in_time { day } else { self.calendar.next_working_day(day) };
        if !urgent {
            return end_of(day);
        }
        // Somebody is there from the first hour on; the noon break keeps nobody from what is urgent.
        let from = moment(day, hours.morning_from)?.max(arrived);
        Some(from.plus_millis(minutes(self.urgent_acknowledge_minutes)))
    }

    fn judged(&self, (from, limit): (Date, Instant), done: Option<Instant>, now: Instant) -> Judged {
        let answer = match done {
            Some(at) if at <= limit => Answer::Met { at, limit },
            Some(at) => Answer::Late { at: Some(at), limit },
            None if now <= limit => Answer::Running { limit },
            None => Answer::Late { at: None, limit },
        };
        Judged { answer, known: self.calendar.knows(from, limit.in_vietnam().date()) }
    }
}

const fn not_measurable(why: Why) -> Judged {
    Judged { answer: Answer::NotMeasurable(why), known: true }
}

const fn minutes(count: u32) -> i64 {
    (count as i64) * 60_000
}

/// The last millisecond of a day in Vietnam.
fn end_of(day: Date) -> Option<Instant> {
    day.tomorrow().ok().and_then(|next| moment(next, Time::midnight())).map(|midnight| midnight.plus_millis(-1))
}
