//! Acts: what one would do, doing it, and agreeing to what somebody else wants done.

use lienthong_contract::{ConsignmentId, Text};
use maud::{Markup, html};

use super::super::Call;
use super::super::access::Right;
use super::super::frame::{dash, document_link, time, token};
use super::super::http::{Answer, BAD_FORM, FORBIDDEN, NO_REASON, NOT_FOUND, Problem, Reply};
use super::super::words;
use super::documents::agency;
use super::{document, refused};
use crate::acts::desk::MAX_REASON;
use crate::acts::{Act, Actor, Kind, Plan};
use crate::store::console::Proposal;

/// Consignments that a plan shows; it counts all.
const SHOWN: usize = 200;
/// Answered proposals that are listed.
const ANSWERED: usize = 50;

macro_rules! texts {
    ($($name:ident $vi:literal / $en:literal)*) => { $(const $name: Text = Text { vi: $vi, en: $en };)* };
}

texts! {
    WILL "Việc này sẽ" / "This will"
    COUNT "Số lượt gửi sẽ thay đổi" / "Consignments that will change"
    LEFT_OUT "Không làm với" / "Left out"
    NOTHING "Không có gì để làm." / "There is nothing to do."
    REASON "Lý do (ghi vào nhật ký và dòng thời gian của văn bản)" / "Reason (it stands in the record and on the document's timeline)"
    DO "Thực hiện" / "Do it"
    PROPOSE "Đề nghị người thứ hai duyệt" / "Propose it to a second person"
    SECOND "Nhiều hơn một văn bản: cần người thứ hai đồng ý." / "More than one document: a second person must agree."
    FOR_GOOD "Việc này không hoàn lại được: cần người thứ hai đồng ý." / "This cannot be undone: a second person must agree."
    OF_TRUST "Việc này đổi người mà trục tin: cần quản trị thứ hai đồng ý." / "This changes whom the gateway trusts: a second administrator must agree."
    SECRET "Mã bí mật mới (chỉ hiện lần này; chép ngay và giao tận tay đơn vị)" / "The new secret (shown this once; copy it now and hand it over in person)"
    MESSAGES "Số thông điệp" / "Messages"
    BACK "Không làm, quay lại" / "Do nothing, go back"
    DOCUMENT "Văn bản" / "Document"
    RECIPIENT "Nơi nhận" / "Recipient"
    STATE "Trạng thái" / "State"
    NOTE "Ghi chú" / "Note"
    DONE "Đã thực hiện" / "Done"
    CHANGED "Đã thay đổi" / "Changed"
    SKIPPED "Bỏ qua vì tình trạng đã khác" / "Left out, as they stand otherwise by now"
    SENT_AS "Gửi lại với docId" / "Sent again as"
    PROPOSALS "Chờ người thứ hai duyệt" / "Waiting for a second person"
    NO_PROPOSALS "Không có đề nghị nào đang chờ." / "No proposal waits."
    ANSWERED_ONES "Đã trả lời" / "Answered"
    WHO "Người đề nghị" / "Proposed by"
    WHAT "Việc" / "Act"
    UNTIL "Hạn trả lời" / "To be answered by"
    AGREE "Đồng ý và thực hiện" / "Agree and do it"
    REJECT "Không đồng ý" / "Reject"
    OWN "Đề nghị của chính bạn: người khác phải duyệt." / "Your own: somebody else must agree."
    PROPOSED "Đã gửi đề nghị. Người thứ hai duyệt ở trang Chờ duyệt." / "It is proposed. A second person answers on the page of proposals."
    ANSWER "Trả lời" / "Answered"
}

const fn describes(kind: Kind) -> Text {
    let (vi, en) = match kind {
        Kind::TryNow => (
            "gửi ngay những gì đang chờ ở tuyến, không đợi hết giờ nghỉ",
            "send what waits for the destination now, without waiting for its pause",
        ),
        Kind::SendAgain => (
            "gửi lại đúng gói tin cũ thành lượt gửi mới, có docId và biên nhận mới",
            "send the same packet again as a new submission, with a new docId and receipts",
        ),
        Kind::Redirect => (
            "gửi đúng gói tin cũ đến cơ quan kế thừa theo danh mục",
            "send the same packet to the successor that the directory names",
        ),
        Kind::Cancel => (
            "kết thúc lượt gửi bằng biên nhận thất bại nêu lý do; bên gửi được báo",
            "end the consignment with a failure receipt that gives the reason; the sender is told",
        ),
        Kind::Confirm => (
            "kết thúc lượt gửi bằng biên nhận đã nhận, ghi rõ do quản trị xác nhận",
            "end the consignment with a handover receipt that names the administrator",
        ),
        Kind::Dismiss => (
            "đưa khỏi danh sách ách tắc; biên nhận và trạng thái không đổi",
            "take it off the list of what is stuck; receipts and state stay",
        ),
        Kind::Close => (
            "ngừng gửi đến tuyến cho đến khi mở lại; văn bản vẫn nằm chờ và vẫn tính hạn",
            "stop sending there until it is opened; documents wait, and their deadlines run",
        ),
        Kind::Open => ("gửi tiếp đến tuyến", "go on sending there"),
        Kind::PutBack => (
            "đưa các thông điệp để riêng trở lại hàng đợi của chúng để trục xử lý lần nữa; cái nào đã nhận thì không nhận hai lần",
            "put what was set aside back into its queues, to be handled once more; what was taken before is not taken twice",
        ),
        Kind::LetGo => (
            "xóa hẳn các thông điệp để riêng; văn bản vẫn ở trục gửi, được gửi lại cho đến hết hạn",
            "delete what was set aside, for good; the documents are still with the gateway that sent them, which goes on until their deadline",
        ),
        Kind::NewSecret => (
            "tạo mã bí mật mới thay cho mã cũ hơn trong hai mã của hệ thống; mã đang dùng vẫn có hiệu lực. Người đồng ý sẽ thấy mã mới, một lần duy nhất",
            "make a new secret in the place of the older of the system's two; the one in use still counts. Whoever agrees sees the new one, once",
        ),
        Kind::DropSecret => (
            "làm cho mã cũ hơn trong hai mã của hệ thống hết hiệu lực",
            "make the older of the system's two secrets count no more",
        ),
        _ => ("ghi vào nhật ký", "be written down"),
    };
    Text { vi, en }
}

/// How many messages a broker set aside, as everybody sees it.
fn lying(call: &Call<'_>, broker: &str) -> u32 {
    let glance = call.console.board.glance();
    glance.set_aside.iter().find(|(name, _)| name == broker).map_or(0, |(_, count)| *count)
}

/// The act that a query or form names.
fn asked(call: &Call<'_>) -> Result<Act, Problem> {
    let field = |name: &str| call.form.get(name).or_else(|| call.query.get(name));
    let word = field("act").ok_or(BAD_FORM)?;
    if let Some(system) = field("system") {
        let system = system.to_owned();
        return match word {
            "new-secret" => Ok(Act::NewSecret { system }),
            "drop-secret" => Ok(Act::DropSecret { system }),
            _ => Err(BAD_FORM),
        };
    }
    if let Some(broker) = field("broker") {
        let broker = broker.to_owned();
        return match word {
            "put-back" => Ok(Act::PutBack { broker }),
            "let-go" => Ok(Act::LetGo { most: lying(call, &broker), broker }),
            _ => Err(BAD_FORM),
        };
    }
    if let Some(destination) = field("destination") {
        let destination = destination.parse().map_err(|_| BAD_FORM)?;
        return match word {
            "try-now" => Ok(Act::TryNow { destination }),
            "close" => Ok(Act::Close { destination }),
            "open" => Ok(Act::Open { destination }),
            _ => Err(BAD_FORM),
        };
    }
    let named = call.form.all("consignment").chain(call.query.all("consignment"));
    let ids = named.map(|id| id.parse::<ConsignmentId>().map_err(|_| BAD_FORM)).collect::<Result<Vec<_>, _>>()?;
    if ids.is_empty() {
        return Err(BAD_FORM);
    }
    document::act_of(call, word, ids).ok_or(BAD_FORM)
}

pub async fn plan(call: &Call<'_>) -> Answer {
    let act = asked(call)?;
    let plan = call.console.desk.plan(&act).await.map_err(|fault| refused(&fault))?;
    let (lang, kind) = (call.lang, act.kind());
    let title = lang.say(&kind.text());
    let on = act.destination().map(lienthong_contract::HopName::as_str).or(act.broker()).or(act.system());
    let on_one = on.is_some();
    let doable = plan.doable() > 0 || (on_one && plan.but.is_none());
    let back = call.head.headers.get("referer").and_then(|value| value.to_str().ok());
    let back =
        back.and_then(|back| back.split_once("://")).and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..)));
    let main = html! {
        h1 { (title) @if let Some(on) = on { ": " (on) } }
        p { (lang.say(&WILL)) ": " (lang.say(&describes(kind))) "." }
        @if let Some(but) = &plan.but { p.verdict.warn { (lang.say(but)) } }
        @if let Some(messages) = plan.messages { p { strong { (lang.say(&MESSAGES)) ": " (lang.count(u64::from(messages))) } } }
        @if !on_one { (listed(call, &plan)) }
        @if doable { (confirm(call, &act, &plan)) } @else { p.verdict.warn role="status" { (lang.say(&NOTHING)) } }
        p { a href=(super::super::http::own_path(back)) { (lang.say(&BACK)) } }
    };
    Ok(Reply::Page(title.to_owned(), main))
}

fn listed(call: &Call<'_>, plan: &Plan) -> Markup {
    let lang = call.lang;
    let left_out = plan.consignments.len() - plan.doable();
    html! {
        p { strong { (lang.say(&COUNT)) ": " (plan.doable()) } @if left_out > 0 { " · " (lang.say(&LEFT_OUT)) ": " (left_out) } }
        div.wide tabindex="0" { table.cards {
            thead { tr { @for head in [DOCUMENT, RECIPIENT, STATE, NOTE] { th scope="col" { (lang.say(&head)) } } } }
            tbody {
                @for planned in plan.consignments.iter().take(SHOWN) {
                    @let stood = &planned.stood;
                    @let name = stood.head.receipt.document_id.clone().unwrap_or_else(|| stood.doc_id.to_string());
                    tr {
                        th scope="row" { (document_link(stood.doc_id, &name)) }
                        td data-name=(lang.say(&RECIPIENT)) { (agency(call, &stood.recipient)) }
                        td data-name=(lang.say(&STATE)) { (lang.say(&words::state(stood.at.state))) }
                        td data-name=(lang.say(&NOTE)) { @match &planned.but { Some(but) => span.warn { (lang.say(&LEFT_OUT)) ": " (lang.say(but)) }, None => (dash()) } }
                    }
                }
            }
        } }
    }
}

fn confirm(call: &Call<'_>, act: &Act, plan: &Plan) -> Markup {
    let lang = call.lang;
    let what = serde_json::to_string(act).unwrap_or_default();
    html! {
        form.column method="post" action="/acts" {
            (token(call.csrf()))
            input type="hidden" name="what" value=(what);
            p { label for="reason" { (lang.say(&REASON)) } textarea id="reason" name="reason" rows="3" required maxlength=(MAX_REASON) {} }
            @if plan.needs_second() {
                p.note { (lang.say(if plan.of_trust { &OF_TRUST } else if plan.for_good { &FOR_GOOD } else { &SECOND })) }
                p { button type="submit" { (lang.say(&PROPOSE)) } }
            } @else { p { button type="submit" { (lang.say(&DO)) } } }
        }
    }
}

fn reason<'a>(call: &'a Call<'_>) -> Result<&'a str, Problem> {
    call.form.get("reason").filter(|reason| reason.chars().count() <= MAX_REASON).ok_or(NO_REASON)
}

/// Of what these pages do, a change of whom the gateway knows is an administrator's.
fn may(call: &Call<'_>, kind: Kind) -> Result<(), Problem> {
    let of_trust = matches!(kind, Kind::Agencies | Kind::NewSecret | Kind::DropSecret);
    if of_trust && !call.may(Right::Administer) { Err(FORBIDDEN) } else { Ok(()) }
}

pub async fn perform(call: &Call<'_>) -> Answer {
    let act: Act = call.form.get("what").and_then(|what| serde_json::from_str(what).ok()).ok_or(BAD_FORM)?;
    may(call, act.kind())?;
    let reason = reason(call)?;
    let actor = Actor::alone(&call.account()?.name);
    let desk = &call.console.desk;
    let plan = desk.plan(&act).await.map_err(|fault| refused(&fault))?;
    let lang = call.lang;
    if plan.needs_second() {
        desk.propose(&actor, &act, reason).await.map_err(|fault| refused(&fault))?;
        return Ok(Reply::Seen("/proposals?proposed=1".to_owned()));
    }
    let done = desk.perform(&actor, &act, reason).await.map_err(|fault| refused(&fault))?;
    Ok(Reply::Page(lang.say(&DONE).to_owned(), result(call, &done)))
}

fn result(call: &Call<'_>, done: &crate::acts::Done) -> Markup {
    let lang = call.lang;
    html! {
        h1 { (lang.say(&DONE)) }
        p.verdict.good role="status" { (lang.say(&CHANGED)) ": " (lang.count(done.changed)) }
        @if done.left_out > 0 { p.warn { (lang.say(&SKIPPED)) ": " (lang.count(done.left_out)) } }
        @if let Some(secret) = &done.secret { p { (lang.say(&SECRET)) ": " code { (secret.as_str()) } } }
        @if !done.sent_as.is_empty() {
            p { (lang.say(&SENT_AS)) ":" }
            ul { @for doc_id in done.sent_as.iter().take(SHOWN) { li { (document_link(*doc_id, &doc_id.to_string())) } } }
        }
        p { a href="/overview" { (lang.say(&super::super::frame::OVERVIEW)) } }
    }
}

pub async fn proposals(call: &Call<'_>) -> Answer {
    let lang = call.lang;
    let all = call.console.store.proposals(ANSWERED).await?;
    let (waiting, answered): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|one| one.state == "waiting" && one.until > call.now);
    let main = html! {
        h1 { (lang.say(&PROPOSALS)) }
        @if call.query.get("proposed").is_some() { p.verdict.good role="status" { (lang.say(&PROPOSED)) } }
        @if waiting.is_empty() { p { (lang.say(&NO_PROPOSALS)) } }
        @for proposal in &waiting { (waits(call, proposal)) }
        @if !answered.is_empty() {
            h2 { (lang.say(&ANSWERED_ONES)) }
            div.wide tabindex="0" { table.cards {
                thead { tr { @for head in [WHAT, WHO, REASON, ANSWER] { th scope="col" { (lang.say(&head)) } } } }
                tbody {
                    @for proposal in &answered {
                        tr {
                            th scope="row" { (name(call, proposal)) " × " (lang.count(proposal.documents)) }
                            td data-name=(lang.say(&WHO)) { (proposal.proposed_by) " · " (time(proposal.proposed_at)) }
                            td data-name=(lang.say(&REASON)) { (proposal.reason) }
                            td data-name=(lang.say(&ANSWER)) {
                                (proposal.state)
                                @if let Some(by) = &proposal.decided_by { " · " (by) }
                                @if let Some(at) = proposal.decided_at { " · " (time(at)) }
                            }
                        }
                    }
                }
            } }
        }
    };
    Ok(Reply::Page(lang.say(&PROPOSALS).to_owned(), main))
}

fn name(call: &Call<'_>, proposal: &Proposal) -> String {
    Kind::parse(&proposal.kind).map_or_else(|| proposal.kind.clone(), |kind| call.lang.say(&kind.text()).to_owned())
}

fn waits(call: &Call<'_>, proposal: &Proposal) -> Markup {
    let lang = call.lang;
    let own = call.who.as_ref().is_some_and(|who| who.account.name == proposal.proposed_by);
    html! {
        section.recipient {
            h2 { (name(call, proposal)) " × " (lang.count(proposal.documents)) }
            dl.facts {
                dt { (lang.say(&WHO)) } dd { (proposal.proposed_by) " · " (time(proposal.proposed_at)) }
                dt { (lang.say(&REASON)) } dd { (proposal.reason) }
                dt { (lang.say(&UNTIL)) } dd { (time(proposal.until)) }
            }
            @if own { p.note { (lang.say(&OWN)) } }
            @else {
                form.row method="post" action=(format!("/proposals/{}", proposal.id)) {
                    (token(call.csrf()))
                    button type="submit" name="answer" value="agree" { (lang.say(&AGREE)) }
                    button.second type="submit" name="answer" value="reject" { (lang.say(&REJECT)) }
                }
            }
        }
    }
}

pub async fn answer(call: &Call<'_>) -> Answer {
    let id: i64 = call.place(0).parse().map_err(|_| NOT_FOUND)?;
    let proposal = call.console.store.proposal(id).await?.ok_or(NOT_FOUND)?;
    may(call, Kind::parse(&proposal.kind).ok_or(BAD_FORM)?)?;
    let name = call.account()?.name.clone();
    let desk = &call.console.desk;
    match call.form.get("answer") {
        Some("agree") => {
            let done = desk.agree(&name, &proposal).await.map_err(|fault| refused(&fault))?;
            Ok(Reply::Page(call.lang.say(&DONE).to_owned(), result(call, &done)))
        }
        Some("reject") => {
            desk.reject(&name, &proposal, &proposal.reason).await.map_err(|fault| refused(&fault))?;
            Ok(Reply::Seen("/proposals".to_owned()))
        }
        _ => Err(BAD_FORM),
    }
}
