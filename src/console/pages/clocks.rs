//! The statutory clocks of one document, on its page.

use lienthong_contract::{ConsignmentId, Instant, Text};
use maud::{Markup, html};

use super::super::Call;
use super::super::frame::time;
use crate::statutory::clock::Sending;
use crate::statutory::{Answer, Judged, Why};
use crate::store::statistics::Facts;

macro_rules! texts {
    ($($name:ident $vi:literal / $en:literal)*) => { $(const $name: Text = Text { vi: $vi, en: $en };)* };
}

texts! {
    SENDING "Thời hạn gửi" / "Limit of sending"
    ACKNOWLEDGING "Thời hạn xác nhận" / "Limit of acknowledging"
    MET "đúng hạn" / "on time"
    LATE "trễ" / "late by"
    OVER "đã quá hạn" / "overdue by"
    RUNNING "còn" / "left"
    LIMIT "hạn" / "limit"
    NOT_MEASURED "không đo được" / "not measured"
    NOT_KNOWN "lịch nghỉ của năm chưa công bố đủ" / "the year's holidays were not announced in full"
}

const fn because(why: Why) -> Text {
    let (vi, en) = match why {
        Why::NoSigning => ("không rõ ngày ký", "the day of signing is not known"),
        Why::SignedLater => ("ngày ký sau ngày gửi", "signed after it was sent"),
        Why::ChangesAnother => ("văn bản thu hồi, cập nhật hoặc thay thế", "it revokes, updates or replaces another"),
        Why::OnlyTheDay => {
            ("văn bản khẩn, chỉ biết ngày ký, không biết giờ", "urgent, and only the day of signing is known")
        }
        Why::NotArrived => ("chưa đến nơi nhận", "it has not arrived"),
    };
    Text { vi, en }
}

/// From signing to sending; nothing of what was handed in elsewhere.
pub fn sending(call: &Call<'_>, facts: &Facts) -> Markup {
    let Some(sent) = facts.sent else { return html! {} };
    let sending = Sending {
        signed: facts.signed,
        urgent: facts.urgency > 0,
        changes_another: facts.changes_another,
        sent: Some(sent),
    };
    told(call, &SENDING, call.console.statistics.terms.sending(&sending, call.now))
}

/// From arrival to acknowledgement; nothing before it arrived.
pub fn acknowledging(call: &Call<'_>, facts: &Facts, id: ConsignmentId, ended: bool) -> Markup {
    let Some((_, arrived, acknowledged)) = facts.recipients.iter().find(|(one, ..)| *one == id) else {
        return html! {};
    };
    if arrived.is_none() || (ended && acknowledged.is_none()) {
        return html! {};
    }
    let terms = &call.console.statistics.terms;
    let judged = terms.acknowledgement(*arrived, facts.urgency > 0, *acknowledged, call.now);
    told(call, &ACKNOWLEDGING, judged)
}

fn told(call: &Call<'_>, name: &Text, judged: Judged) -> Markup {
    let (lang, now) = (call.lang, call.now);
    let limit = |limit: Instant| html! { " · " (lang.say(&LIMIT)) " " (time(limit)) };
    html! {
        p {
            (lang.say(name)) ": "
            @match judged.answer {
                Answer::Met { limit: until, .. } => { span.tag.good { (lang.say(&MET)) } (limit(until)) }
                Answer::Late { at, limit: until } => {
                    span.tag.bad {
                        (lang.say(if at.is_some() { &LATE } else { &OVER })) " "
                        (lang.lasting(judged.answer.late_by(now).unwrap_or(0)))
                    }
                    (limit(until))
                }
                Answer::Running { limit: until } => {
                    span.tag.warn { (lang.say(&RUNNING)) " " (lang.lasting(until.as_millis().saturating_sub(now.as_millis()))) }
                    (limit(until))
                }
                Answer::NotMeasurable(why) => { (lang.say(&NOT_MEASURED)) " (" (lang.say(&because(why))) ")" }
            }
            @if !judged.known { span.note { " (" (lang.say(&NOT_KNOWN)) ")" } }
        }
    }
}
