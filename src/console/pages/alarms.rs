//! What is wrong now, who knows of it, and a notice sent for a trial.

use lienthong_contract::Text;
use maud::{Markup, html};

use super::super::Call;
use super::super::access::Right;
use super::super::frame::{dash, time, token};
use super::super::http::{Answer, BAD_FORM, Problem, Reply};
use super::refused;
use crate::acts::{Actor, Kind as ActKind};
use crate::alarms::rules::Recipient;
use crate::alarms::{Alarm, Kind, Severity};
use crate::store::console::Effect;

macro_rules! texts {
    ($($name:ident $vi:literal / $en:literal)*) => { $(const $name: Text = Text { vi: $vi, en: $en };)* };
}

texts! {
    TITLE "Cảnh báo" / "Alarms"
    NONE "Không có cảnh báo nào." / "There is no alarm."
    WHAT "Cảnh báo" / "Alarm"
    SINCE "Từ" / "Since"
    OWNER "Đến lượt ai" / "Whose turn"
    NEXT "Việc tiếp theo" / "Next"
    KNOWN "Người nhận xử lý" / "Taken up by"
    TAKE "Tôi xử lý" / "I take it up"
    TOLD "Ai được báo" / "Who is told"
    NOBODY "Chưa cấu hình nơi nhận thông báo ([alerts])." / "Nobody is told: there is no [alerts] in the configuration."
    ROUTE "Tuyến báo" / "Route"
    TO "Nơi nhận" / "Recipients"
    TEST "Gửi thử" / "Send a test"
    TESTED "Kết quả gửi thử" / "What came of the test"
    SENT "đã gửi" / "sent"
}

pub async fn page(call: &Call<'_>) -> Answer {
    shown(call, None).await
}

async fn shown(call: &Call<'_>, tested: Option<Markup>) -> Answer {
    let (lang, herald) = (call.lang, &call.console.alarms);
    let present = herald.board().all();
    let known = herald.acknowledged().await;
    let main = html! {
        h1 { (lang.say(&TITLE)) }
        @if let Some(tested) = tested { (tested) }
        @if present.is_empty() { p.verdict.good role="status" { (lang.say(&NONE)) } } @else {
            div.wide tabindex="0" { table.cards {
                thead { tr {
                    @for head in [WHAT, SINCE, OWNER, NEXT, KNOWN] { th scope="col" { (lang.say(&head)) } }
                } }
                tbody {
                    @for alarm in present.iter() {
                        @let by = known.iter().find(|(name, ..)| name.0 == alarm.kind && name.1 == alarm.subject);
                        (row(call, alarm, by.map(|(_, by, at)| (by.as_str(), *at))))
                    }
                }
            } }
        }
        h2 { (lang.say(&TOLD)) }
        (routes(call))
    };
    Ok(Reply::Page(lang.say(&TITLE).to_owned(), main))
}

fn row(call: &Call<'_>, alarm: &Alarm, known: Option<(&str, lienthong_contract::Instant)>) -> Markup {
    let lang = call.lang;
    let class = if alarm.severity == Severity::Warning { "warn" } else { "bad" };
    html! {
        tr.bad {
            th scope="row" {
                span class={ "tag " (class) } { (lang.say(&alarm.severity.title())) } " " (lang.say(&alarm.kind.title()))
                @if !alarm.subject.is_empty() { div { (alarm.subject) } }
                div.note { (lang.of_two(&alarm.what.vi, &alarm.what.en)) }
            }
            td data-name=(lang.say(&SINCE)) { (lang.ago(alarm.since, call.now)) }
            td data-name=(lang.say(&OWNER)) { (lang.say(&alarm.owner())) }
            td data-name=(lang.say(&NEXT)) { (lang.say(&alarm.next())) }
            td data-name=(lang.say(&KNOWN)) {
                @match known {
                    Some((by, at)) => { (by) " · " (time(at)) },
                    None if call.may(Right::Operate) => {
                        form method="post" action="/alarms/acknowledge" {
                            (token(call.csrf()))
                            input type="hidden" name="kind" value=(alarm.kind.as_str());
                            input type="hidden" name="subject" value=(alarm.subject);
                            button.second type="submit" { (lang.say(&TAKE)) }
                        }
                    },
                    None => (dash()),
                }
            }
        }
    }
}

fn routes(call: &Call<'_>) -> Markup {
    let lang = call.lang;
    let routes: Vec<(String, Vec<String>)> = (call.console.alarms.routes())
        .map(|(name, to)| (name.to_owned(), to.iter().map(Recipient::name).collect()))
        .collect();
    html! {
        @if routes.is_empty() { p.note { (lang.say(&NOBODY)) } } @else {
            div.wide tabindex="0" { table.cards {
                thead { tr { @for head in [ROUTE, TO] { th scope="col" { (lang.say(&head)) } } } }
                tbody { @for (name, to) in &routes { tr { th scope="row" { (name) } td data-name=(lang.say(&TO)) { (to.join(", ")) } } } }
            } }
            @if call.may(Right::Administer) {
                form.row method="post" action="/alarms/test" { (token(call.csrf())) button.second type="submit" { (lang.say(&TEST)) } }
            }
        }
    }
}

async fn note(call: &Call<'_>, on: (ActKind, &str)) -> Result<(), Problem> {
    let actor = Actor::alone(&call.account()?.name);
    let record = call.console.desk.record(&actor, on, None, Vec::new(), vec![Effect::Nothing]);
    record.await.map(|_| ()).map_err(|fault| refused(&fault))
}

pub async fn acknowledge(call: &Call<'_>) -> Answer {
    let kind = call.form.get("kind").and_then(Kind::parse).ok_or(BAD_FORM)?;
    let subject = call.form.raw("subject").ok_or(BAD_FORM)?;
    let name = call.account()?.name.clone();
    if call.console.alarms.acknowledge(kind, subject, &name).await? {
        note(call, (ActKind::Acknowledge, &format!("{} {subject}", kind.as_str()))).await?;
    }
    Ok(Reply::Seen("/alarms".to_owned()))
}

pub async fn test(call: &Call<'_>) -> Answer {
    let lang = call.lang;
    note(call, (ActKind::TestAlert, "alerts")).await?;
    let tried = call.console.alarms.test(None).await;
    let told = html! {
        h2 { (lang.say(&TESTED)) }
        ul role="status" {
            @for (to, outcome) in &tried {
                li { (to.name()) ": " @match outcome { Ok(()) => span.good { (lang.say(&SENT)) }, Err(why) => span.bad { (why) } } }
            }
        }
    };
    shown(call, Some(told)).await
}
