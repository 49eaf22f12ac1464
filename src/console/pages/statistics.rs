//! Statistics of sending and receiving: the page and its files.

use jiff::civil::Date;
use lienthong_contract::{AgencyCode, Text};
use maud::{Markup, html};

use super::super::Call;
use super::super::frame::{dash, time};
use super::super::http::{Answer, DEFECT, Problem, Reply};
use super::super::words::Lang;
use super::refused;
use crate::acts::{Actor, Kind};
use crate::statistics::chart::Chart;
use crate::statistics::export::{self, COLUMNS, Cell, cells};
use crate::statistics::feed::PendingNow;
use crate::statistics::period::Period;
use crate::statistics::report::{Both, Report, Row, Urgencies};
use crate::store::console::Effect;
use crate::store::statistics::Scope;

/// Agencies on the page; files hold all.
const LISTED: usize = 300;

macro_rules! texts {
    ($($name:ident $vi:literal / $en:literal)*) => { $(pub(super) const $name: Text = Text { vi: $vi, en: $en };)* };
}

texts! {
    TITLE "Thống kê gửi, nhận văn bản" / "Statistics of sending and receiving"
    PERIOD "Kỳ" / "Period"
    AGENCY "Mã cơ quan (để trống: tất cả)" / "Agency code (empty: all)"
    BELOW "cùng các cơ quan cấp dưới" / "with the agencies below it"
    URGENCY "Độ khẩn" / "Urgency"
    ALL "Tất cả" / "All"
    NORMAL "Thường" / "Normal"
    URGENT "Khẩn trở lên" / "Urgent and above"
    SHOW "Xem" / "Show"
    CSV "Tải về dạng CSV" / "Download as CSV"
    XLSX "Tải về dạng Excel" / "Download as Excel"
    SENT "Văn bản gửi" / "Sent"
    RECEIVED "Văn bản nhận" / "Received"
    SENT_ON_TIME "Gửi đúng hạn" / "Sent on time"
    ACKNOWLEDGED "Xác nhận đúng hạn" / "Acknowledged on time"
    FAILED "Không đến được" / "Not delivered"
    ENDING "Hết hạn xác nhận hôm nay" / "To be acknowledged today"
    OVERDUE "Quá hạn xác nhận" / "Acknowledgement overdue"
    BY_TIME "Theo thời gian" / "Over time"
    BY_LEVEL "Theo cấp" / "By level"
    BY_AGENCY "Theo cơ quan" / "By agency"
    FROM "Từ ngày" / "From"
    LEVEL "Cấp" / "Level"
    OTHER "Khác" / "Other"
    NAME "Cơ quan" / "Agency"
    TOTAL "Tổng" / "Total"
    NOTHING "Không có văn bản nào trong kỳ này." / "There are no documents in this period."
    NO_SUCH "Không có cơ quan mang mã này." / "No agency has this code."
    MORE "Chỉ liệt kê các cơ quan đầu tiên; tệp tải về có đủ." / "Only the first agencies are listed; the files have all."
    NOT_KNOWN "Lịch nghỉ lễ, Tết của kỳ này chưa được công bố đủ: hạn tính trên ngày nghỉ luật đã ấn định, có thể thay đổi." /
        "The holidays of this period were not announced in full: limits go by those the law fixes, and may change."
    AS_OF "Số liệu cập nhật lúc" / "Last updated"
    NOT_YET "Số liệu đang được tính lại từ biên nhận; con số dưới đây chưa đủ." /
        "The figures are being computed from the receipts; those below are not complete."
    RULES "Gửi: trong ngày ký, chậm nhất buổi sáng ngày làm việc tiếp theo (QĐ 28/2018/QĐ-TTg Điều 6.2). Xác nhận: trong ngày văn bản đến (NĐ 30/2020/NĐ-CP Điều 21.2c); đến ngoài giờ làm việc thì tính ngày làm việc tiếp theo. Tỷ lệ tính trên văn bản đo được." /
        "Sending: on the day of signing, at the latest in the morning of the next working day (QĐ 28/2018/QĐ-TTg Art. 6.2). Acknowledging: on the day of arrival (NĐ 30/2020/NĐ-CP Art. 21.2c); what comes after hours counts for the next working day. Shares are of what could be measured."
    COUNTS "Số văn bản gửi và nhận" / "Documents sent and received"
    SHARES "Tỷ lệ đúng hạn (%)" / "On time (%)"
    COUNTS_SAY "Biểu đồ cột; bảng ngay bên dưới ghi cùng các số này." / "Bars; the table below has the same numbers."
    SAME "Bảng số liệu của biểu đồ" / "The same as a table"
}

/// What is asked for.
struct Asked {
    period: Period,
    urgencies: Urgencies,
    scope: Option<Scope>,
    /// A code was written that no agency has.
    wrong: bool,
}

fn asked(call: &Call<'_>) -> Result<Asked, Problem> {
    let own = call.account()?.agency.clone();
    let this_month = Period::month_of(call.now.in_vietnam().date());
    let period = call.query.get("period").and_then(|text| text.parse().ok()).unwrap_or(this_month);
    let urgencies = Urgencies::parse(call.query.get("urgency").unwrap_or_default());
    let written = call.query.get("agency");
    let directory = call.console.directory.snapshot();
    let code = written.and_then(|text| text.parse::<AgencyCode>().ok());
    let known =
        code.as_ref().map(|code| directory.lookup(code).map_or_else(|| code.clone(), |one| one.key.code().clone()));
    let wrong = written.is_some() && known.is_none();
    // Whoever is bound to an agency has its figures, whatever is asked for.
    let wrong = wrong && own.is_none();
    let below = call.query.get("below").is_some();
    let scope = match own {
        Some(agency) => Some(Scope { agency, below: false }),
        None => known.map(|agency| Scope { agency, below }),
    };
    Ok(Asked { period, urgencies, scope, wrong })
}

async fn report(call: &Call<'_>, asked: &Asked) -> Result<Report, Problem> {
    let directory = call.console.directory.snapshot();
    let figures = call.console.statistics.report((asked.period, asked.urgencies), asked.scope.clone(), &directory);
    Ok(figures.await?)
}

pub async fn page(call: &Call<'_>) -> Answer {
    let lang = call.lang;
    let asked = asked(call)?;
    let report = report(call, &asked).await?;
    let pending = call.console.statistics.pending(asked.scope.clone(), call.now).await?;
    let (vi, en) = report.period.name();
    let main = html! {
        h1 { (lang.say(&TITLE)) ", " (lang.of_two(&vi, &en)) }
        (form(call, &asked))
        @if asked.wrong { p.verdict.bad role="alert" { (lang.say(&NO_SUCH)) } }
        (updated(call))
        @if !report.known { p.verdict.warn role="status" { (lang.say(&NOT_KNOWN)) } }
        (head(lang, &report.total, Some(pending)))
        @if report.agencies.is_empty() { p role="status" { (lang.say(&NOTHING)) } }
        @else {
            h2 { (lang.say(&BY_TIME)) }
            (charts(lang, &report))
            details {
                summary { (lang.say(&SAME)) }
                (table(lang, &[&FROM], report.times.iter().map(|(day, both)| (vec![day_text(*day)], *both))))
            }
            @if report.scope.as_ref().is_none_or(|scope| scope.below) {
                h2 { (lang.say(&BY_LEVEL)) }
                (table(lang, &[&LEVEL], report.levels.iter().map(|(level, both)| (vec![level_text(lang, *level)], *both))))
                h2 { (lang.say(&BY_AGENCY)) }
                (table(lang, &[&NAME], report.agencies.iter().take(LISTED).map(|row| (vec![named(row)], row.both)).chain([total(lang, &report.total)])))
                @if report.agencies.len() > LISTED { p.note { (lang.say(&MORE)) } }
            }
            (files(lang, &asked))
        }
        p.note { (lang.say(&RULES)) }
    };
    Ok(Reply::Page(lang.say(&TITLE).to_owned(), main))
}

pub(super) fn total(lang: Lang, both: &Both) -> (Vec<String>, Both) {
    (vec![lang.say(&TOTAL).to_owned()], *both)
}

fn named(row: &Row) -> String {
    if row.name == row.agency.as_str() { row.name.clone() } else { format!("{} ({})", row.name, row.agency) }
}

fn day_text(day: Date) -> String {
    day.strftime("%d/%m/%Y").to_string()
}

fn level_text(lang: Lang, level: Option<u8>) -> String {
    level.map_or_else(|| lang.say(&OTHER).to_owned(), |level| level.to_string())
}

pub(super) fn updated(call: &Call<'_>) -> Markup {
    let lang = call.lang;
    html! {
        @match call.console.statistics.updated_at() {
            Some(at) => p.note { (lang.say(&AS_OF)) " " (time(at)) },
            None => p.verdict.warn role="status" { (lang.say(&NOT_YET)) },
        }
    }
}

fn form(call: &Call<'_>, asked: &Asked) -> Markup {
    let lang = call.lang;
    let today = call.now.in_vietnam().date();
    let bound = call.who.as_ref().is_some_and(|who| who.account.agency.is_some());
    let option = |value: &str, name: &str, chosen: bool| html! { option value=(value) selected[chosen] { (name) } };
    html! {
        form.row method="get" action="/statistics" {
            p {
                label for="period" { (lang.say(&PERIOD)) }
                select id="period" name="period" {
                    @for period in offered(today, asked.period) {
                        @let (vi, en) = period.name();
                        (option(&period.to_string(), lang.of_two(&vi, &en), period == asked.period))
                    }
                }
            }
            @if !bound {
                p {
                    label for="agency" { (lang.say(&AGENCY)) }
                    input id="agency" name="agency" maxlength="35" value=(call.query.get("agency").unwrap_or_default());
                }
                p {
                    label for="below" {
                        input id="below" name="below" type="checkbox" value="1" checked[call.query.get("below").is_some()];
                        " " (lang.say(&BELOW))
                    }
                }
            }
            p {
                label for="urgency" { (lang.say(&URGENCY)) }
                select id="urgency" name="urgency" {
                    @for (one, name) in Urgencies::ALL.into_iter().zip([ALL, NORMAL, URGENT]) {
                        (option(one.as_str(), lang.say(&name), one == asked.urgencies))
                    }
                }
            }
            p { button type="submit" { (lang.say(&SHOW)) } }
        }
    }
}

/// The periods to choose from: the last months, quarters and years, and the one that is shown.
fn offered(today: Date, shown: Period) -> Vec<Period> {
    let back = |months: i32| today.first_of_month().checked_sub(jiff::Span::new().months(months)).unwrap_or(today);
    let months = (0..13).map(|count| Period::month_of(back(count)));
    let quarter = |day: Date| Period::Quarter(day.year(), (day.month() + 2) / 3);
    let quarters = (0..6).map(|count| quarter(back(count * 3)));
    let years = (0..4).map(|count| Period::Year(back(count * 12).year()));
    let mut all: Vec<Period> = months.chain(quarters).chain(years).collect();
    if !all.contains(&shown) {
        all.push(shown);
    }
    all
}

fn share(lang: Lang, per_mille: Option<u64>) -> String {
    let text = per_mille.map(|share| format!("{}%", export::percent(share)));
    let text = text.unwrap_or_else(|| "—".to_owned());
    if lang == Lang::Vi { text.replace('.', ",") } else { text }
}

pub(super) fn head(lang: Lang, total: &Both, pending: Option<PendingNow>) -> Markup {
    let (sent, received) = (&total.sent, &total.received);
    let mut figures = vec![
        (SENT, lang.count(sent.documents), ""),
        (SENT_ON_TIME, share(lang, sent.per_mille_on_time()), ""),
        (FAILED, lang.count(sent.failed), if sent.failed > 0 { "bad" } else { "" }),
        (RECEIVED, lang.count(received.documents), ""),
        (ACKNOWLEDGED, share(lang, received.per_mille_on_time()), ""),
    ];
    if let Some(pending) = pending {
        figures.push((ENDING, lang.count(pending.ending_today), if pending.ending_today > 0 { "warn" } else { "" }));
        figures.push((OVERDUE, lang.count(pending.overdue), if pending.overdue > 0 { "bad" } else { "" }));
    }
    html! {
        ul.figures { @for (name, text, class) in figures { li { strong class=(class) { (text) } (lang.say(&name)) } } }
    }
}

fn charts(lang: Lang, report: &Report) -> Markup {
    let name = |day: &Date| match report.period {
        Period::Month(..) => day.day().to_string(),
        Period::Quarter(..) | Period::Year(_) => day.strftime("%m/%Y").to_string(),
    };
    let counts: Vec<_> = (report.times.iter())
        .map(|(day, both)| (name(day), vec![Some(both.sent.documents), Some(both.received.documents)]))
        .collect();
    let percent = |share: Option<u64>| share.map(|share| share / 10);
    let shares: Vec<_> = (report.times.iter())
        .map(|(day, both)| {
            (name(day), vec![percent(both.sent.per_mille_on_time()), percent(both.received.per_mille_on_time())])
        })
        .collect();
    let draw = |id, title: &Text, series: [&Text; 2], groups: &[_], most| {
        let chart = Chart {
            id,
            title: lang.say(title),
            description: lang.say(&COUNTS_SAY),
            series: &series.map(|text| lang.say(text)),
            groups,
            most,
        };
        chart.draw()
    };
    html! {
        h3 { (lang.say(&COUNTS)) }
        (draw("counts", &COUNTS, [&SENT, &RECEIVED], &counts, None))
        h3 { (lang.say(&SHARES)) }
        (draw("shares", &SHARES, [&SENT_ON_TIME, &ACKNOWLEDGED], &shares, Some(100)))
    }
}

pub(super) fn table(lang: Lang, heads: &[&Text], rows: impl Iterator<Item = (Vec<String>, Both)>) -> Markup {
    let cell = |cell: Cell| match cell {
        Cell::Count(count) => html! { (lang.count(count)) },
        Cell::PerMille(None) => dash(),
        Cell::PerMille(some) => html! { (share(lang, some)) },
    };
    html! {
        div.wide tabindex="0" { table.statistics {
            thead { tr {
                @for head in heads { th scope="col" { (lang.say(head)) } }
                @for (vi, en) in COLUMNS { th.number scope="col" { (lang.of_two(vi, en)) } }
            } }
            tbody {
                @for (texts, both) in rows {
                    tr {
                        @for text in &texts { th scope="row" { (text) } }
                        @for one in cells(&both) { td.number { (cell(one)) } }
                    }
                }
            }
        } }
    }
}

fn files(lang: Lang, asked: &Asked) -> Markup {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("period", &asked.period.to_string()).append_pair("urgency", asked.urgencies.as_str());
    if let Some(scope) = &asked.scope {
        query.append_pair("agency", scope.agency.as_str());
        if scope.below {
            query.append_pair("below", "1");
        }
    }
    let query = query.finish();
    html! {
        div.buttons {
            a.button.second href=(format!("/statistics/export.csv?{query}")) { (lang.say(&CSV)) }
            a.button.second href=(format!("/statistics/export.xlsx?{query}")) { (lang.say(&XLSX)) }
        }
    }
}

async fn exported(call: &Call<'_>, ending: &str) -> Result<(Report, String), Problem> {
    let asked = asked(call)?;
    let report = report(call, &asked).await?;
    let only = asked.scope.as_ref().map(|scope| format!("-{}", scope.agency)).unwrap_or_default();
    let name = format!("statistics-{}{only}.{ending}", asked.period);
    let actor = Actor::alone(&call.account()?.name);
    let record = call.console.desk.record(&actor, (Kind::Export, &name), None, Vec::new(), vec![Effect::Nothing]);
    record.await.map_err(|fault| refused(&fault))?;
    Ok((report, name))
}

pub async fn csv(call: &Call<'_>) -> Answer {
    let (report, name) = exported(call, "csv").await?;
    Ok(Reply::File("text/csv; charset=utf-8", name, export::csv(&report, call.lang).into()))
}

pub async fn xlsx(call: &Call<'_>) -> Answer {
    let (report, name) = exported(call, "xlsx").await?;
    let lang = call.lang;
    let written = tokio::task::spawn_blocking(move || export::xlsx(&report, lang).ok()).await.ok().flatten();
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    Ok(Reply::File(kind, name, written.ok_or(DEFECT)?))
}
