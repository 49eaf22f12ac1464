//! Words of the console in both languages, and how times and sizes are written.

use hyper::http::request::Parts as Head;
use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{Instant, Text};

use crate::store::console::Role;

/// Which of the two the reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    #[default]
    Vi,
    En,
}

/// The cookie that remembers it.
pub const COOKIE: &str = "lang";

impl Lang {
    /// What the reader chose; Vietnamese until then.
    #[must_use]
    pub fn of(head: &Head) -> Self {
        if super::http::cookie(head, COOKIE) == Some("en") { Self::En } else { Self::Vi }
    }

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Vi => "vi",
            Self::En => "en",
        }
    }

    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Vi => Self::En,
            Self::En => Self::Vi,
        }
    }

    #[must_use]
    pub const fn say(self, text: &Text) -> &'static str {
        match self {
            Self::Vi => text.vi,
            Self::En => text.en,
        }
    }

    /// One of two wordings.
    #[must_use]
    pub const fn of_two<'a>(self, vi: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Vi => vi,
            Self::En => en,
        }
    }

    /// A count with dots or commas.
    #[must_use]
    pub fn count(self, number: u64) -> String {
        let digits = number.to_string();
        let mut text = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push(match self {
                    Self::Vi => '.',
                    Self::En => ',',
                });
            }
            text.push(digit);
        }
        text
    }

    /// How long something lasts, in one or two units.
    #[must_use]
    pub fn lasting(self, millis: i64) -> String {
        let seconds = millis.max(0) / 1000;
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
        let (d, h, m, s) = match self {
            Self::Vi => ("ngày", "giờ", "phút", "giây"),
            Self::En => ("d", "h", "min", "s"),
        };
        match (days, hours, minutes) {
            (0, 0, 0) => format!("{seconds} {s}"),
            (0, 0, _) => format!("{minutes} {m}"),
            (0, _, _) => format!("{hours} {h} {minutes} {m}"),
            _ => format!("{days} {d} {hours} {h}"),
        }
    }

    /// How long ago.
    #[must_use]
    pub fn ago(self, then: Instant, now: Instant) -> String {
        let lasting = self.lasting(now.as_millis().saturating_sub(then.as_millis()));
        match self {
            Self::Vi => format!("{lasting} trước"),
            Self::En => format!("{lasting} ago"),
        }
    }

    /// A size in bytes.
    #[must_use]
    pub fn size(self, bytes: u64) -> String {
        let tenths = |unit: u64| (bytes * 10 / unit, if matches!(self, Self::Vi) { ',' } else { '.' });
        let shown = |(tenths, mark): (u64, char), unit: &str| format!("{}{mark}{} {unit}", tenths / 10, tenths % 10);
        match bytes {
            0..1024 => format!("{bytes} B"),
            1024..1_048_576 => shown(tenths(1024), "KB"),
            _ => shown(tenths(1_048_576), "MB"),
        }
    }
}

/// A moment in Vietnam, to the second.
#[must_use]
pub fn moment(time: Instant) -> String {
    crate::bundle::words::in_vietnam(time)
}

/// The same in the form of ISO 8601, for machines.
#[must_use]
pub fn machine(time: Instant) -> String {
    time.to_string()
}

/// Where a consignment stands, in the words of QĐ 28/2018/QĐ-TTg Điều 10.2 as far as they reach.
#[must_use]
pub const fn state(state: ConsignmentState) -> Text {
    let (vi, en) = match state {
        ConsignmentState::Offered => ("chờ trục trước bàn giao", "offered by the hop before"),
        ConsignmentState::Queued => ("chờ chuyển đi", "waiting to be passed on"),
        ConsignmentState::Relayed => ("đang trên đường", "on its way"),
        ConsignmentState::Consigned => ("đã đến hộp thư", "in the mailbox"),
        ConsignmentState::HandedOver => ("đã tiếp nhận", "handed over"),
        ConsignmentState::Refused => ("bên nhận trả lại", "given back"),
        ConsignmentState::Rejected => ("trục sau từ chối", "rejected by a later hop"),
        ConsignmentState::Failed => ("không chuyển được", "failed"),
        ConsignmentState::Withdrawn => ("trục trước rút lại", "withdrawn"),
        ConsignmentState::Outside => ("ở hệ thống ngoài", "at a system outside"),
        ConsignmentState::PassedOutside => ("đã chuyển ra ngoài", "passed outside"),
    };
    Text { vi, en }
}

/// How a state is painted: well, ill, or neither.
#[must_use]
pub const fn tone(state: ConsignmentState) -> &'static str {
    match state {
        ConsignmentState::HandedOver | ConsignmentState::PassedOutside => "good",
        ConsignmentState::Refused | ConsignmentState::Rejected | ConsignmentState::Failed => "bad",
        _ => "plain",
    }
}

/// Urgency (list of the packet format).
#[must_use]
pub const fn urgency(code: u8) -> Text {
    let (vi, en) = match code {
        0 => ("Thường", "Normal"),
        1 => ("Khẩn", "Urgent"),
        2 => ("Thượng khẩn", "Very urgent"),
        3 => ("Hỏa tốc", "Express"),
        4 => ("Hỏa tốc hẹn giờ", "Express at a set hour"),
        _ => ("Khác", "Other"),
    };
    Text { vi, en }
}

/// A role.
#[must_use]
pub const fn role(role: Role) -> Text {
    let (vi, en) = match role {
        Role::Viewer => ("Người xem", "Viewer"),
        Role::Operator => ("Người vận hành", "Operator"),
        Role::Administrator => ("Quản trị", "Administrator"),
        Role::Auditor => ("Người kiểm tra", "Auditor"),
    };
    Text { vi, en }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_each_language_does() {
        assert_eq!((Lang::Vi.count(1_234_567), Lang::En.count(123)), ("1.234.567".into(), "123".into()));
        assert_eq!(Lang::Vi.size(1_572_864), "1,5 MB");
        assert_eq!(Lang::Vi.lasting(90_061_000), "1 ngày 1 giờ");
        assert_eq!(Lang::En.lasting(59_999), "59 s");
    }
}
