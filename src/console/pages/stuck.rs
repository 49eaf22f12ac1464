//! What does not move, by cause; each cause one line.

use lienthong_contract::{AgencyCode, HopName, Text};
use maud::{Markup, html};

use super::super::Call;
use super::super::access::Right;
use super::super::frame::{dash, document_link, time, token};
use super::super::http::{Answer, NOT_FOUND, Problem, Reply};
use super::super::words::Lang;
use super::documents::agency;
use crate::store::watch::StuckOne;
use crate::stuck::{At, Button, Cause, Group};

/// Documents on a page.
const PAGE: usize = 200;
/// Failed attempts from which a packet counts as one that fails by itself.
pub const POISONED: u32 = 3;

macro_rules! texts {
    ($($name:ident $vi:literal / $en:literal)*) => { $(const $name: Text = Text { vi: $vi, en: $en };)* };
}

texts! {
    TITLE "Ách tắc" / "Stuck"
    NONE "Không có gì ách tắc." / "Nothing is stuck."
    CAUSE "Nguyên nhân" / "Cause"
    COUNT "Số lượt" / "Number"
    SINCE "Từ" / "Since"
    OWNER "Đến lượt ai" / "Whose turn"
    NEXT "Việc tiếp theo" / "Next"
    PLACES "Ở đâu" / "Where"
    ACT "Việc" / "Act"
    DOCUMENT "Văn bản" / "Document"
    RECIPIENT "Nơi nhận" / "Recipient"
    ATTEMPTS "Số lần thử" / "Attempts"
    ERROR "Lỗi" / "Error"
    SEE "Xem từng văn bản" / "See the documents"
    MORE "Xem tiếp" / "Further"
    ALL "Chọn tất cả trang này" / "All of this page"
    CHOOSE "Chọn" / "Choose"
    TRY_NOW "Thử gửi ngay" / "Try now"
    OPEN "Mở tuyến" / "Open"
    CLOSE "Đóng tuyến" / "Close"
    SEND_AGAIN "Gửi lại các mục đã chọn" / "Send the chosen again"
    CANCEL "Dừng các mục đã chọn" / "Stop the chosen"
    DISMISS "Đánh dấu đã xử lý" / "Mark as seen to"
    ASIDE "Thông điệp để riêng" / "Set aside"
    WHY_ASIDE "Thông điệp của trục khác mà trục này không xử lý được (hỏng, chữ ký không tin được, không rõ dạng). Văn bản vẫn ở trục gửi và được gửi lại cho đến hết hạn. Lý do có trong nhật ký của trục. Sửa xong thì đưa lại; thông điệp cũ không còn dùng thì bỏ." / "Messages of other gateways that this one could not handle (damaged, not to be believed, of no known form). Their documents are still with the gateway that sent them, which goes on until their deadline. The log says why. Once mended, put them back; let go of old ones."
    BROKER "Máy chủ AMQP" / "Broker"
    PUT_BACK "Đưa lại" / "Put back"
    LET_GO "Bỏ" / "Let go"
    AGENCIES "Mở danh mục cơ quan" / "Open the directory"
    CERTIFICATES "Xem chứng thư" / "Look at the certificates"
}

pub async fn page(call: &Call<'_>) -> Answer {
    let lang = call.lang;
    let glance = call.console.board.glance();
    let main = html! {
        h1 { (lang.say(&TITLE)) }
        @if glance.stuck.is_empty() && glance.set_aside.is_empty() { p.verdict.good role="status" { (lang.say(&NONE)) } }
        (groups(call, &glance.stuck))
        (aside(call, &glance.set_aside))
    };
    Ok(Reply::Page(lang.say(&TITLE).to_owned(), main))
}

/// The causes, one line each.
pub fn groups(call: &Call<'_>, groups: &[Group]) -> Markup {
    let lang = call.lang;
    html! {
        @if !groups.is_empty() {
            div.wide tabindex="0" { table.cards {
                thead { tr { @for head in [CAUSE, COUNT, SINCE, OWNER, NEXT, ACT] { th scope="col" { (lang.say(&head)) } } } }
                tbody { @for group in groups { (line(call, group)) } }
            } }
        }
    }
}

/// What brokers set aside.
pub fn aside(call: &Call<'_>, brokers: &[(String, u32)]) -> Markup {
    let lang = call.lang;
    let button = |act: &str, broker: &str, text: &Text| {
        let broker: String = form_urlencoded::byte_serialize(broker.as_bytes()).collect();
        html! { a.button.second href=(format!("/acts/plan?act={act}&broker={broker}")) { (lang.say(text)) } }
    };
    html! {
        @if !brokers.is_empty() {
            h2 { (lang.say(&ASIDE)) }
            p.note { (lang.say(&WHY_ASIDE)) }
            div.wide tabindex="0" { table.cards {
                thead { tr { @for head in [BROKER, COUNT, ACT] { th scope="col" { (lang.say(&head)) } } } }
                tbody { @for (broker, count) in brokers {
                    tr.bad data-aside=(broker) {
                        th scope="row" { (broker) }
                        td data-name=(lang.say(&COUNT)) { (lang.count(u64::from(*count))) }
                        td data-name=(lang.say(&ACT)) {
                            @if call.may(Right::Operate) {
                                div.buttons { (button("put-back", broker, &PUT_BACK)) (button("let-go", broker, &LET_GO)) }
                            } @else { (dash()) }
                        }
                    }
                } }
            } }
        }
    }
}

fn line(call: &Call<'_>, group: &Group) -> Markup {
    let (lang, cause) = (call.lang, group.cause);
    html! {
        tr.bad data-cause=(cause.as_str()) {
            th scope="row" {
                a href=(format!("/stuck/{}", cause.as_str())) { (lang.say(&cause.title())) }
                @for place in group.places.iter().take(3) { div.note { (at(call, &place.at)) " · " (lang.count(place.count)) } }
                @if group.places.len() > 3 { div.note { "+ " (group.places.len() - 3) } }
            }
            td data-name=(lang.say(&COUNT)) { (lang.count(group.count)) }
            td data-name=(lang.say(&SINCE)) { @match group.since { Some(since) => (lang.ago(since, call.now)), None => (dash()) } }
            td data-name=(lang.say(&OWNER)) { (lang.say(&cause.owner())) }
            td data-name=(lang.say(&NEXT)) { (lang.say(&cause.next())) }
            td data-name=(lang.say(&ACT)) { (of_cause(call, group)) }
        }
    }
}

fn at(call: &Call<'_>, at: &At) -> Markup {
    match at {
        At::Destination(name) => html! { (name) },
        At::Mailbox(code) => agency(call, code),
    }
}

/// The one button of a cause.
fn of_cause(call: &Call<'_>, group: &Group) -> Markup {
    let lang = call.lang;
    let see =
        |text: &Text| html! { a.button.second href=(format!("/stuck/{}", group.cause.as_str())) { (lang.say(text)) } };
    let first = group.places.iter().find_map(|place| match &place.at {
        At::Destination(name) => Some(name.as_str()),
        At::Mailbox(_) => None,
    });
    match (group.cause.button(), first) {
        (Button::TryNow, Some(name)) if group.places.len() == 1 && call.may(Right::Operate) => {
            button(lang, "try-now", name)
        }
        (Button::Open, Some(name)) if group.places.len() == 1 && call.may(Right::Operate) => button(lang, "open", name),
        (Button::Agencies, _) => html! { a.button.second href="/agencies" { (lang.say(&AGENCIES)) } },
        (Button::Certificates, _) => html! { a.button.second href="/certificates" { (lang.say(&CERTIFICATES)) } },
        _ => see(&SEE),
    }
}

/// A button that leads to the plan of an act on a destination.
pub fn button(lang: Lang, act: &str, destination: &str) -> Markup {
    let text = match act {
        "try-now" => TRY_NOW,
        "open" => OPEN,
        _ => CLOSE,
    };
    html! { a.button.second href=(format!("/acts/plan?act={act}&destination={destination}")) { (lang.say(&text)) } }
}

pub async fn cause(call: &Call<'_>) -> Answer {
    let cause = Cause::parse(call.place(0)).ok_or(NOT_FOUND)?;
    let lang = call.lang;
    let glance = call.console.board.glance();
    let group = glance.stuck.iter().find(|group| group.cause == cause);
    let at = call.query.get("at");
    let after: i64 = call.query.get("after").and_then(|after| after.parse().ok()).unwrap_or_default();
    let ones = ones(call, cause, at, after).await?;
    let main = html! {
        h1 { (lang.say(&cause.title())) }
        p { strong { (lang.say(&OWNER)) ": " } (lang.say(&cause.owner())) }
        p { strong { (lang.say(&NEXT)) ": " } (lang.say(&cause.next())) }
        @if let Some(group) = group { (places(call, group)) }
        (list(call, cause, &ones))
        @if ones.len() >= PAGE && let Some(last) = ones.last() {
            p { a.button.second href=(format!("/stuck/{}?after={}{}", cause.as_str(), last.position, at.map_or(String::new(), |at| format!("&at={at}")))) { (lang.say(&MORE)) } }
        }
    };
    Ok(Reply::Page(lang.say(&cause.title()).to_owned(), main))
}

fn places(call: &Call<'_>, group: &Group) -> Markup {
    let lang = call.lang;
    html! {
        @if !group.places.is_empty() {
            div.wide tabindex="0" { table.cards {
                thead { tr { @for head in [PLACES, COUNT, SINCE, ERROR, ACT] { th scope="col" { (lang.say(&head)) } } } }
                tbody {
                    @for place in &group.places {
                        tr {
                            th scope="row" { (at(call, &place.at)) }
                            td data-name=(lang.say(&COUNT)) { (lang.count(place.count)) }
                            td data-name=(lang.say(&SINCE)) { @match place.since { Some(since) => (lang.ago(since, call.now)), None => (dash()) } }
                            td data-name=(lang.say(&ERROR)) { @match &place.error { Some(error) => span.said { (error) }, None => (dash()) } }
                            td data-name=(lang.say(&ACT)) {
                                div.buttons {
                                    @match &place.at {
                                        At::Destination(name) => {
                                            @if call.may(Right::Operate) {
                                                @if group.cause == Cause::ClosedByHand { (button(lang, "open", name.as_str())) }
                                                @else { (button(lang, "try-now", name.as_str())) }
                                            }
                                            a.button.second href=(format!("/stuck/{}?at={name}", group.cause.as_str())) { (lang.say(&SEE)) }
                                        },
                                        At::Mailbox(code) => a.button.second href=(format!("/stuck/{}?at={code}", group.cause.as_str())) { (lang.say(&SEE)) },
                                    }
                                }
                            }
                        }
                    }
                }
            } }
        }
    }
}

/// The documents of a cause: of a place when one is named, otherwise those that failed for it.
async fn ones(call: &Call<'_>, cause: Cause, at: Option<&str>, after: i64) -> Result<Vec<StuckOne>, Problem> {
    let store = &call.console.store;
    let Some(at) = at else { return Ok(store.failed_for(cause.as_str(), after, PAGE).await?) };
    if cause == Cause::NotCollected {
        let code: AgencyCode = at.parse().map_err(|_| NOT_FOUND)?;
        let before =
            call.console.statistics.terms.calendar.hours_before(call.now, call.console.settings.not_taken_hours);
        return Ok(store.lying_with(&code, before, after, PAGE).await?);
    }
    let name: HopName = at.parse().map_err(|_| NOT_FOUND)?;
    let attempts = if cause == Cause::Poison { POISONED } else { 0 };
    Ok(store.waiting_for(&name, attempts, after, PAGE).await?)
}

fn list(call: &Call<'_>, cause: Cause, ones: &[StuckOne]) -> Markup {
    let lang = call.lang;
    let operate = call.may(Right::Operate);
    html! {
        @if !ones.is_empty() {
            form method="post" action="/acts/plan" {
                (token(call.csrf()))
                div.wide tabindex="0" { table.cards {
                    thead { tr {
                        @if operate { th scope="col" { label { input type="checkbox" data-all="consignment"; " " (lang.say(&ALL)) } } }
                        @for head in [DOCUMENT, RECIPIENT, SINCE, ATTEMPTS, ERROR] { th scope="col" { (lang.say(&head)) } }
                    } }
                    tbody { @for one in ones { (row(call, one, operate)) } }
                } }
                @if operate {
                    div.buttons {
                        @if ones.iter().any(|one| one.state.is_terminal()) {
                            button type="submit" name="act" value="send-again" { (lang.say(&SEND_AGAIN)) }
                            button.second type="submit" name="act" value="dismiss" { (lang.say(&DISMISS)) }
                        } @else if cause != Cause::ClosedByHand {
                            button.second type="submit" name="act" value="cancel" { (lang.say(&CANCEL)) }
                        }
                    }
                }
            }
        } @else { p.note { (lang.say(&NONE)) } }
    }
}

fn row(call: &Call<'_>, one: &StuckOne, operate: bool) -> Markup {
    let lang = call.lang;
    let name = one.code.clone().unwrap_or_else(|| one.doc_id.to_string());
    html! {
        tr {
            @if operate {
                td data-name=(lang.say(&CHOOSE)) { input type="checkbox" name="consignment" value=(one.id) aria-label=(format!("{} {name}", lang.say(&CHOOSE))); }
            }
            th scope="row" { (document_link(one.doc_id, &name)) @if let Some(subject) = &one.subject { div.note { (subject) } } }
            td data-name=(lang.say(&RECIPIENT)) { (agency(call, &one.recipient)) }
            td data-name=(lang.say(&SINCE)) { (time(one.since)) }
            td data-name=(lang.say(&ATTEMPTS)) { (one.attempts) }
            td data-name=(lang.say(&ERROR)) { @match &one.error { Some(error) => span.said { (error) }, None => (dash()) } }
        }
    }
}
