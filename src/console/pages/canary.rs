//! Test documents: how well each gateway is reached.

use lienthong_contract::{AgencyCode, Instant, Text};
use maud::{Markup, html};

use super::super::Call;
use super::super::frame::{dash, document_link, time};
use super::super::http::{Answer, Reply};
use super::super::words::Lang;
use crate::canary::runs::Level;
use crate::statistics::chart::Chart;
use crate::store::canary::Sent;

const HOUR: i64 = 3_600_000;
/// Runs that a chart shows, and that are listed.
const SHOWN: usize = 48;
const LISTED: usize = 10;

macro_rules! texts {
    ($($name:ident $vi:literal / $en:literal)*) => { $(const $name: Text = Text { vi: $vi, en: $en };)* };
}

texts! {
    TITLE "Văn bản thử" / "Test documents"
    WHAT "Trục tự gửi văn bản thử đã ký đến các trục bằng lòng nhận, không có trong hộp thư và thống kê của ai. Đúng hạn là có biên nhận giao trong" /
        "The gateway sends signed test documents to gateways that take them; nobody's mailbox or statistics have them. In time means that the receipt of hand-over was here within"
    OFF "Trục này không gửi văn bản thử. Bật bằng mục [canary] trong tệp cấu hình (docs/console.md)." /
        "This gateway sends no test documents. They are switched on by [canary] in the configuration (docs/console.md)."
    NONE "Chưa gửi văn bản thử nào: danh mục chưa có cơ quan nào khác ghi canary = true, hoặc trục vừa khởi động." /
        "None was sent yet: the directory has no other agency marked canary = true, or the gateway has just started."
    PERIOD "Khoảng thời gian" / "Period"
    DAY "24 giờ" / "24 hours"
    WEEK "7 ngày" / "7 days"
    MONTH "30 ngày" / "30 days"
    SENT "Đã gửi" / "Sent"
    IN_TIME "Đúng hạn" / "In time"
    MEDIAN "Trung vị" / "Median"
    P95 "95 % không quá" / "95 % within"
    WORST "Lâu nhất" / "Worst"
    CHART "Thời gian đi và về của các lần gần nhất, mili giây" / "Round trips of the last runs, in milliseconds"
    NO_BAR "Cột trống là lần không tới hoặc đang đi." / "Where there is no bar, it did not arrive, or is under way."
    LAST "Các lần gần nhất" / "The last ones"
    AT "Gửi lúc" / "Sent at"
    OUTCOME "Kết quả" / "Outcome"
    ARRIVED "đã giao" / "handed over"
    LATE "giao muộn" / "handed over late"
    LOST "không tới" / "did not arrive"
    OVERDUE "quá hạn, chưa tới" / "overdue"
    UNDER_WAY "đang đi" / "under way"
    DOCUMENT "Biên nhận" / "Receipts"
}

pub async fn page(call: &Call<'_>) -> Answer {
    let lang = call.lang;
    let limit = call.console.settings.canary_limit;
    let all = call.console.runs.since(call.now.plus_millis(-30 * 24 * HOUR));
    let main = html! {
        h1 { (lang.say(&TITLE)) }
        @match limit {
            None => { p.verdict.warn { (lang.say(&OFF)) } }
            Some(limit) => {
                p { (lang.say(&WHAT)) " " (lang.lasting(limit)) "." }
                @if all.is_empty() { p.verdict.warn { (lang.say(&NONE)) } }
                @for (nr, (recipient, runs)) in all.iter().enumerate() { (one(call, nr, recipient, runs, limit)) }
            }
        }
    };
    Ok(Reply::Page(lang.say(&TITLE).to_owned(), main))
}

fn one(call: &Call<'_>, nr: usize, recipient: &AgencyCode, runs: &[Sent], limit: i64) -> Markup {
    let lang = call.lang;
    let directory = call.console.directory.snapshot();
    let agency = directory.lookup(recipient);
    let shown = runs.get(runs.len().saturating_sub(SHOWN)..).unwrap_or_default();
    let bars: Vec<(String, Vec<Option<u64>>)> =
        shown.iter().map(|run| (clock(run.sent_at), vec![run.round_trip()])).collect();
    let id = format!("canary{nr}");
    html! {
        section {
            h2 {
                (recipient) @if let Some(agency) = agency { " · " (agency.name) @if let Some(hop) = &agency.hop { " · " (hop) } }
            }
            div.wide tabindex="0" { table {
                thead { tr { @for head in [PERIOD, SENT, IN_TIME, MEDIAN, P95, WORST] { th scope="col" { (lang.say(&head)) } } } }
                tbody { @for (name, days) in [(DAY, 1), (WEEK, 7), (MONTH, 30)] {
                    @let since = call.now.plus_millis(-days * 24 * HOUR);
                    @let level = Level::of(runs.iter().filter(|run| run.sent_at >= since), limit, call.now);
                    tr {
                        th scope="row" { (lang.say(&name)) }
                        td { (lang.count(level.judged)) }
                        td class=[level.per_mille().map(|share| if share == 1000 { "good" } else { "bad" })] {
                            @match level.per_mille() { Some(share) => (percent(lang, share)), None => (dash()) }
                        }
                        @for trip in [level.median, level.p95, level.worst] {
                            td { @match trip { Some(trip) => (seconds(lang, trip)), None => (dash()) } }
                        }
                    }
                } }
            } }
            (Chart { id: &id, title: lang.say(&CHART), description: lang.say(&NO_BAR), series: &[lang.say(&CHART)], groups: &bars, most: None }.draw())
            p.note { (lang.say(&CHART)) ". " (lang.say(&NO_BAR)) }
            details {
                summary { (lang.say(&LAST)) }
                div.wide tabindex="0" { table {
                    thead { tr { @for head in [AT, OUTCOME, DOCUMENT] { th scope="col" { (lang.say(&head)) } } } }
                    tbody { @for run in runs.iter().rev().take(LISTED) { tr {
                        td { (time(run.sent_at)) }
                        td { (outcome(lang, run, limit, call.now)) }
                        td { (document_link(run.doc_id, &run.doc_id.to_string())) }
                    } } }
                } }
            }
        }
    }
}

fn outcome(lang: Lang, run: &Sent, limit: i64, now: Instant) -> Markup {
    let overdue = now.as_millis().saturating_sub(run.sent_at.as_millis()) > limit;
    let (class, word) = match (run.ended, run.round_trip()) {
        (_, Some(trip)) if trip <= limit.unsigned_abs() => ("good", &ARRIVED),
        (_, Some(_)) => ("bad", &LATE),
        (Some(_), None) => ("bad", &LOST),
        (None, None) if overdue => ("bad", &OVERDUE),
        (None, None) => ("warn", &UNDER_WAY),
    };
    html! { span class={ "tag " (class) } { (lang.say(word)) } @if let Some(trip) = run.round_trip() { " " (seconds(lang, trip)) } }
}

/// `20:15`, in Vietnam.
fn clock(at: Instant) -> String {
    at.in_vietnam().strftime("%H:%M").to_string()
}

/// `1,25 s` or `1.25 s`.
fn seconds(lang: Lang, millis: u64) -> String {
    format!("{}{}{:02} s", lang.count(millis / 1000), lang.of_two(",", "."), millis % 1000 / 10)
}

/// `99,5 %` or `99.5 %`.
fn percent(lang: Lang, per_mille: u64) -> String {
    format!("{}{}{} %", per_mille / 10, lang.of_two(",", "."), per_mille % 10)
}
