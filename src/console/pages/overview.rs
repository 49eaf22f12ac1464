//! The overview: whether anything is wrong, what, since when, whose turn it is, and what to press.

use lienthong_contract::Text;
use maud::{Markup, html};

use super::super::Call;
use super::super::access::Right;
use super::super::board::{Glance, Line};
use super::super::frame::{dash, time};
use super::super::http::{Answer, Reply};
use super::super::words::Lang;
use super::stuck::{button, groups};
use crate::alarms::{Alarm, Kind, Severity};

macro_rules! texts {
    ($($name:ident $vi:literal / $en:literal)*) => { $(const $name: Text = Text { vi: $vi, en: $en };)* };
}

texts! {
    TITLE "Tổng quan" / "Overview"
    WELL "Không có gì ách tắc." / "Nothing is stuck."
    NOT_YET "Đang thu thập số liệu lần đầu; trang tự cập nhật." / "Figures are being gathered for the first time; the page follows."
    ILL "Có việc cần xử lý" / "Something needs attention"
    TODAY "Hôm nay" / "Today"
    ACCEPTED "Tiếp nhận" / "Accepted"
    IN_FLIGHT "Đang chuyển" / "In flight"
    HANDED_OVER "Đã giao" / "Handed over"
    REFUSED "Bị trả lại" / "Given back"
    FAILED "Không chuyển được" / "Failed"
    OUTSIDE "Chuyển ra ngoài" / "Passed outside"
    TURNED_AWAY "Từ chối từ đầu" / "Refused at the door"
    BALANCED "Sổ khớp: tiếp nhận = đã giao + trả lại + thất bại + ra ngoài + đang chuyển." /
        "The books balance: accepted = handed over + given back + failed + passed outside + in flight."
    UNBALANCED "Sổ KHÔNG khớp: số chỗ khác nhau" / "The books do NOT balance; differences"
    DESTINATIONS "Các tuyến" / "Destinations"
    NAME "Tuyến" / "Destination"
    STATE "Tình trạng" / "State"
    WAITING "Đang chờ" / "Waiting"
    OLDEST "Chờ lâu nhất" / "Oldest waits"
    RATE "Gói/phút" / "Packets a minute"
    LAST_GOOD "Lần được gần nhất" / "Last success"
    LAST_BAD "Lần lỗi gần nhất" / "Last failure"
    CERTIFICATE "Chứng thư còn" / "Certificate"
    ACT "Việc" / "Act"
    MAILBOXES "Hộp thư tại trục" / "Mailboxes here"
    PARTS "Bộ phận của trục" / "Parts of the gateway"
    WORKS "hoạt động" / "works"
    GOOD "thông" / "open"
    URGENT "khẩn" / "urgent"
    DAYS "ngày" / "days"
    ALARMS "Cảnh báo" / "Alarms"
    AS_OF "Số liệu lúc" / "As of"
    ENDING "Hết hạn xác nhận hôm nay" / "To be acknowledged today"
    OVERDUE "Quá hạn xác nhận" / "Acknowledgement overdue"
}

pub async fn page(call: &Call<'_>) -> Answer {
    let lang = call.lang;
    let main = html! {
        h1 { (lang.say(&TITLE)) }
        div data-live="/overview/live" { (content(call)) }
    };
    Ok(Reply::Page(lang.say(&TITLE).to_owned(), main))
}

pub async fn live(call: &Call<'_>) -> Answer {
    Ok(Reply::Part(content(call)))
}

fn content(call: &Call<'_>) -> Markup {
    let (lang, glance) = (call.lang, call.console.board.glance());
    let Some(at) = glance.at else { return html! { p.verdict.warn role="status" { (lang.say(&NOT_YET)) } } };
    let broken = glance.parts.iter().filter(|(_, works, _)| !works).count();
    // What is stuck has its own lines; here stands what else is wrong.
    let alarmed = call.console.alarms.board().all();
    let alarmed: Vec<_> = alarmed.iter().filter(|alarm| !is_listed(alarm.kind)).collect();
    let well = alarmed.iter().all(|alarm| alarm.severity == Severity::Warning)
        && glance.stuck.is_empty()
        && glance.balanced
        && broken == 0
        && glance.blind.is_none();
    html! {
        @if well { p.verdict.good role="status" { (lang.say(&WELL)) } }
        @else { p.verdict.bad role="status" { (lang.say(&ILL)) } }
        @if let Some(blind) = &glance.blind { p.bad { (blind) } }
        (groups(call, &glance.stuck))
        (alarms(call, &alarmed))
        (figures(lang, &glance))
        (destinations(call, &glance))
        (parts(lang, &glance))
        p.note { (lang.say(&AS_OF)) " " (time(at)) }
    }
}

/// What the lines of causes tell already.
const fn is_listed(kind: Kind) -> bool {
    matches!(kind, Kind::DestinationDown | Kind::FailedAtDeadline | Kind::NotTaken | Kind::BooksUnbalanced)
}

fn alarms(call: &Call<'_>, alarms: &[&Alarm]) -> Markup {
    let lang = call.lang;
    html! {
        @if !alarms.is_empty() {
            h2 { a href="/alarms" { (lang.say(&ALARMS)) } }
            ul {
                @for alarm in alarms.iter().take(10) {
                    li {
                        span class=(if alarm.severity == Severity::Warning { "tag warn" } else { "tag bad" }) { (lang.say(&alarm.severity.title())) }
                        " " (lang.say(&alarm.kind.title())) ": " (lang.of_two(&alarm.what.vi, &alarm.what.en))
                        " · " (lang.ago(alarm.since, call.now))
                    }
                }
            }
        }
    }
}

fn figures(lang: Lang, glance: &Glance) -> Markup {
    let (today, pending) = (&glance.today, &glance.pending);
    let positive = |number: i64| lang.count(u64::try_from(number).unwrap_or(0));
    let figures = [
        (ACCEPTED, positive(today.accepted), ""),
        (IN_FLIGHT, positive(glance.total.in_flight), ""),
        (HANDED_OVER, positive(today.handed_over), ""),
        (REFUSED, positive(today.refused), if today.refused > 0 { "warn" } else { "" }),
        (FAILED, positive(today.failed), if today.failed > 0 { "bad" } else { "" }),
        (OUTSIDE, positive(today.passed_outside), ""),
        (TURNED_AWAY, lang.count(glance.refused_at_submission), ""),
        (ENDING, lang.count(pending.ending_today), if pending.ending_today > 0 { "warn" } else { "" }),
        (OVERDUE, lang.count(pending.overdue), if pending.overdue > 0 { "bad" } else { "" }),
    ];
    html! {
        h2 { (lang.say(&TODAY)) }
        ul.figures {
            @for (name, number, class) in figures { li { strong class=(class) { (number) } (lang.say(&name)) } }
        }
        @if glance.balanced { p.good { (lang.say(&BALANCED)) } }
        @else { p.verdict.bad { (lang.say(&UNBALANCED)) ": " (lang.count(glance.differences)) } }
    }
}

fn destinations(call: &Call<'_>, glance: &Glance) -> Markup {
    let lang = call.lang;
    let heads = [NAME, STATE, WAITING, OLDEST, RATE, LAST_GOOD, LAST_BAD, CERTIFICATE];
    html! {
        h2 { (lang.say(&DESTINATIONS)) }
        div.wide tabindex="0" {
            table.cards {
                thead { tr {
                    @for head in heads { th scope="col" { (lang.say(&head)) } }
                    @if call.may(Right::Operate) { th scope="col" { (lang.say(&ACT)) } }
                } }
                tbody {
                    @for line in &glance.destinations { (destination(call, line)) }
                    tr {
                        th scope="row" { (lang.say(&MAILBOXES)) }
                        td data-name=(lang.say(&STATE)) { (dash()) }
                        td data-name=(lang.say(&WAITING)) { (lang.count(glance.in_mailboxes)) }
                        td data-name=(lang.say(&OLDEST)) {
                            @match glance.oldest_in_mailbox { Some(oldest) => (lang.ago(oldest, call.now)), None => (dash()) }
                        }
                        @for _ in 0..4 { td { (dash()) } }
                        @if call.may(Right::Operate) { td { (dash()) } }
                    }
                }
            }
        }
    }
}

fn destination(call: &Call<'_>, line: &Line) -> Markup {
    let (lang, now) = (call.lang, call.now);
    let ago = |at: Option<lienthong_contract::Instant>| {
        html! {
            @match at { Some(at) => span title=(super::super::words::moment(at)) { (lang.ago(at, now)) }, None => (dash()) }
        }
    };
    html! {
        tr class=[line.trouble.map(|_| "bad")] {
            th scope="row" { (line.name) }
            td data-name=(lang.say(&STATE)) {
                @match line.trouble {
                    Some(cause) => {
                        span.tag.bad { (lang.say(&cause.title())) }
                        @if let Some(error) = &line.error { br; span.said { (error) } }
                    },
                    None => span.tag.good { (lang.say(&GOOD)) },
                }
            }
            td data-name=(lang.say(&WAITING)) {
                (lang.count(line.waiting))
                @if line.urgent > 0 { " (" (lang.count(line.urgent)) " " (lang.say(&URGENT)) ")" }
            }
            td data-name=(lang.say(&OLDEST)) { (ago(line.oldest)) }
            td data-name=(lang.say(&RATE)) { (format!("{:.0}", line.per_minute)) }
            td data-name=(lang.say(&LAST_GOOD)) { (ago(line.succeeded_at)) }
            td data-name=(lang.say(&LAST_BAD)) { (ago(line.failed_at)) }
            td data-name=(lang.say(&CERTIFICATE)) {
                @match line.certificate_days {
                    Some(days) => span class=[(days < 30).then_some("bad")] { (days) " " (lang.say(&DAYS)) },
                    None => (dash()),
                }
            }
            @if call.may(Right::Operate) {
                td data-name=(lang.say(&ACT)) {
                    div.buttons {
                        @if !line.closed { (button(lang, "try-now", line.name.as_str())) }
                        @if line.closed { (button(lang, "open", line.name.as_str())) }
                        @else { (button(lang, "close", line.name.as_str())) }
                    }
                }
            }
        }
    }
}

fn parts(lang: Lang, glance: &Glance) -> Markup {
    html! {
        h2 { (lang.say(&PARTS)) }
        dl.facts {
            @for (name, works, text) in &glance.parts {
                dt { (part_name(lang, name)) }
                dd {
                    @if *works { span.good { (lang.say(&WORKS)) } }
                    @else { span.bad { (text) } }
                }
            }
        }
    }
}

fn part_name(lang: Lang, name: &str) -> String {
    let known = match name {
        "store" => ("Kho dữ liệu", "Store"),
        "signing-key" => ("Khóa ký biên nhận", "Signing key"),
        "books" => ("Sổ đối chiếu", "Books"),
        "ledger-alarms" => ("Nhật ký Merkle", "Log of receipts"),
        "directory-file" => ("Tệp danh mục cơ quan", "Directory file"),
        broker if broker.starts_with("broker-") => {
            return format!("{} {}", lang.of_two("Máy chủ hàng đợi", "Broker"), broker.trim_start_matches("broker-"));
        }
        other => return other.to_owned(),
    };
    lang.of_two(known.0, known.1).to_owned()
}
