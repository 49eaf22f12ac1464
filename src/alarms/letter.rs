//! The words of a notice: a mail in plain text, Vietnamese and below it English; and the JSON of a webhook.
//!
//! A notice says what the alarms say: names of destinations and agencies, numbers, days. It holds nothing of any document.

use std::fmt::Write as _;

use bytes::Bytes;
use lienthong_contract::{HopName, Text};
use serde_json::{Value, json};

use super::rules::{Notice, Reason};
use super::{Alarm, one_line};

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub subject: String,
    pub body: String,
}

const fn title(reason: Reason) -> Text {
    match reason {
        Reason::New => Text { vi: "Báo động", en: "Alarm" },
        Reason::Summary => Text { vi: "Tổng hợp báo động", en: "Summary of alarms" },
        Reason::Escalated => Text { vi: "Báo động chưa ai xử lý", en: "Alarm that nobody took care of" },
        Reason::Reminder => Text { vi: "Nhắc lại báo động", en: "Alarm still there" },
        Reason::Resolved => Text { vi: "Đã hết báo động", en: "Alarm is over" },
        Reason::Test => Text { vi: "Thử gửi thông báo", en: "Test of a notice" },
    }
}

/// The mail of a notice.
#[must_use]
pub fn letter(notice: &Notice, hop: &HopName) -> Letter {
    let title = title(notice.reason);
    let mut subject = format!("[{hop}] {}", title.vi);
    let listed = notice.alarms.len() + notice.ended.len() + notice.more;
    if let Some(first) = notice.alarms.first().or(notice.ended.first()) {
        let _ = write!(subject, ": {}", if listed == 1 { &first.what.vi } else { first.kind.title().vi });
        if listed > 1 {
            let _ = write!(subject, " ({listed})");
        }
    }
    let mut body = String::new();
    for vi in [true, false] {
        if !vi {
            body.push_str("\n----------------------------------------\n\n");
        }
        part(&mut body, notice, hop, vi);
    }
    Letter { subject: one_line(&subject), body }
}

fn part(body: &mut String, notice: &Notice, hop: &HopName, vi: bool) {
    let pick = |text: Text| if vi { text.vi } else { text.en };
    let at = notice.at.in_vietnam().strftime("%d/%m/%Y %H:%M").to_string();
    let _ = writeln!(body, "{} — {hop} — {at}\n", pick(title(notice.reason)));
    if notice.reason == Reason::Test {
        body.push_str(pick(Text {
            vi: "Đây là thư thử: đường gửi thông báo của trục hoạt động. Không cần làm gì.\n",
            en: "This is a test: the gateway can send notices. Nothing is to be done.\n",
        }));
    }
    for alarm in &notice.alarms {
        one(body, alarm, vi);
    }
    if !notice.ended.is_empty() {
        if !notice.alarms.is_empty() {
            let _ = writeln!(body, "{}\n", pick(Text { vi: "Đã hết:", en: "Over:" }));
        }
        for alarm in &notice.ended {
            let _ = writeln!(body, "* {}", if vi { &alarm.what.vi } else { &alarm.what.en });
        }
        body.push('\n');
    }
    if notice.more > 0 {
        let more = Text {
            vi: "và báo động khác, xem ở bàn điều khiển", en: "more alarms, to be seen at the console"
        };
        let _ = writeln!(body, "… +{} {}\n", notice.more, pick(more));
    }
}

fn one(body: &mut String, alarm: &Alarm, vi: bool) {
    let pick = |text: Text| if vi { text.vi } else { text.en };
    let since = alarm.since.in_vietnam().strftime("%d/%m/%Y %H:%M").to_string();
    let _ = writeln!(body, "* [{}] {}", pick(alarm.severity.title()), pick(alarm.kind.title()));
    let _ = writeln!(body, "  {}", if vi { &alarm.what.vi } else { &alarm.what.en });
    let _ = writeln!(body, "  {}: {since}", pick(Text { vi: "Từ lúc", en: "Since" }));
    let _ = writeln!(body, "  {}: {}", pick(Text { vi: "Người xử lý", en: "Whose turn" }), pick(alarm.owner()));
    let _ = writeln!(body, "  {}: {}\n", pick(Text { vi: "Việc cần làm", en: "What to do" }), pick(alarm.next()));
}

/// The body of a webhook: `type` is `alerts`; `text` is the whole in Vietnamese, for bridges that want one text.
#[must_use]
pub fn json(notice: &Notice, hop: &HopName) -> Bytes {
    let alarm = |alarm: &Alarm| -> Value {
        json!({
            "kind": alarm.kind.as_str(), "subject": alarm.subject, "severity": alarm.severity,
            "since": alarm.since, "count": alarm.count,
            "title": { "vi": alarm.kind.title().vi, "en": alarm.kind.title().en },
            "what": alarm.what,
            "owner": { "vi": alarm.owner().vi, "en": alarm.owner().en },
            "next": { "vi": alarm.next().vi, "en": alarm.next().en },
        })
    };
    let mut text = String::new();
    part(&mut text, notice, hop, true);
    let whole = json!({
        "type": "alerts",
        "timestamp": notice.at,
        "text": text,
        "data": {
            "gateway": hop, "route": notice.route, "reason": notice.reason,
            "alarms": notice.alarms.iter().map(alarm).collect::<Vec<_>>(),
            "ended": notice.ended.iter().map(alarm).collect::<Vec<_>>(),
            "more": notice.more,
        },
    });
    Bytes::from(whole.to_string())
}
