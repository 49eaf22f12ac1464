//! One document: what it is, and its way to each recipient over all hops.

use std::io::Cursor;

use lienthong_contract::door::{ConsignmentState as State, ConsignmentTrace, OutsideView, ReceiptView, Trace};
use lienthong_contract::{AgencyCode, ConsignmentId, DocId, Text};
use lienthong_door_kit::outward::{streamed, whole};
use maud::{Markup, html};

use super::super::Call;
use super::super::access::{self, Right};
use super::super::frame::{dash, document_link, time};
use super::super::http::{Answer, NOT_FOUND, Problem, Reply, STORE};
use super::super::words::{self, Lang};
use super::documents::agency;
use super::{clocks, refused};
use crate::acts::{self, Act, Actor};
use crate::bundle::words::of_event;
use crate::edxml::{self, Document, Limits, Packet};
use crate::life::may_be_confirmed;
use crate::receipts::{Event, Sealed, open, verify_chain};
use crate::store::Held;
use crate::store::console::{Effect, Recorded, Stood};
use crate::store::statistics::Facts;

/// Largest packet that is read for its page, in bytes.
const MAX_READ: u64 = 64 << 20;

macro_rules! texts {
    ($($name:ident $vi:literal / $en:literal)*) => { $(const $name: Text = Text { vi: $vi, en: $en };)* };
}

texts! {
    DOCUMENT "Văn bản" / "Document"
    FACTS "Thông tin văn bản" / "What it is"
    WAY "Đường đi đến từng nơi nhận" / "Its way to each recipient"
    NAME "Mã văn bản" / "DocumentId"
    DOC_ID "docId" / "docId"
    CODE "Số, ký hiệu" / "Number, notation"
    DATE "Ngày ban hành" / "Date of issue"
    PLACE "Nơi ban hành" / "Place of issue"
    TYPE "Loại văn bản" / "Type"
    SUBJECT "Trích yếu" / "Abstract"
    SENDER "Cơ quan gửi" / "Sender"
    RECIPIENTS "Nơi nhận" / "Recipients"
    SIGNER "Người ký" / "Signed by"
    URGENCY "Độ khẩn" / "Urgency"
    DUE "Hạn trả lời" / "Due"
    RECEIVED "Vào trục này lúc" / "Taken in here"
    SIZE "Dung lượng" / "Size"
    DIGEST "SHA-256" / "SHA-256"
    BUSINESS "Nghiệp vụ" / "Act"
    ATTACHMENTS "Tệp kèm theo" / "Attachments"
    FILE "Tệp" / "File"
    KIND "Loại" / "Type"
    SIGNATURES "Chữ ký" / "Signatures"
    TRANSPORT "kết nối của bên gửi" / "the sender's connection"
    PACKET_SIGNATURE "chữ ký của gói tin" / "signature of the packet"
    FILE_SIGNATURES "chữ ký trong tệp PDF" / "signatures within PDF files"
    DOWNLOAD "Tải đúng gói tin đã nhận" / "Download the very packet"
    PROOF "Tải tệp chứng minh" / "Download the proof"
    RECEIPT "Phiếu biên nhận để in" / "Receipt to print"
    UNREAD "Nội dung không đọc được nữa tại trục này (đã xóa, đã trả lại, hoặc quá lớn để hiển thị)." /
        "Its content cannot be read here any more (deleted, given back, or too large to show)."
    NO_RECEIPTS "Chưa có biên nhận nào ngoài biên nhận tiếp nhận." / "No receipt yet but the one of its acceptance."
    VERIFIED "chữ ký đúng" / "signature holds"
    NOT_VERIFIED "CHỮ KÝ KHÔNG ĐÚNG" / "SIGNATURE DOES NOT HOLD"
    CHAIN_HOLDS "Chuỗi biên nhận liền mạch." / "The chain of receipts holds."
    CHAIN_BROKEN "Chuỗi biên nhận KHÔNG liền mạch" / "The chain of receipts is BROKEN"
    STATUSES "Trạng thái xử lý do nơi nhận báo" / "What the recipient says of it"
    LATE "Biên nhận đến sau, không làm đổi kết quả" / "Late receipts, which change nothing"
    WAITS "Đang chờ" / "Waits for"
    MAILBOX "hộp thư, nơi nhận chưa lấy" / "the mailbox, not collected yet"
    LAST_ERROR "Lỗi gần nhất" / "Last error"
    REASON "Lý do" / "Reason"
    ACTS "Thao tác của quản trị" / "What administrators did"
    LINKS "Văn bản liên quan" / "Tied to"
    SEND_AGAIN "Gửi lại" / "Send again"
    REDIRECT "Chuyển sang cơ quan kế thừa" / "Redirect to the successor"
    CANCEL "Dừng chuyển" / "Stop"
    CONFIRM "Xác nhận đã nhận" / "Confirm by hand"
    SENT_AGAIN "Đã gửi lại thành" / "Sent again as"
    PRINT_TITLE "PHIẾU BIÊN NHẬN GỬI, NHẬN VĂN BẢN ĐIỆN TỬ" / "RECEIPT OF AN ELECTRONIC DOCUMENT"
    PRINT_NOTE "Phiếu lập từ biên nhận có chữ ký số; tệp chứng minh kiểm tra được ở bất kỳ đâu bằng lệnh lienthong verify." /
        "Made from signed receipts; the proof can be verified anywhere with the command lienthong verify."
    PRINTED "Lập lúc" / "Made at"
}

/// A document that this account may see, without what is not its business.
async fn visible(call: &Call<'_>) -> Result<Trace, Problem> {
    let doc_id: DocId = call.place(0).parse().map_err(|_| NOT_FOUND)?;
    let mut trace = call.console.store.trace(doc_id).await?.ok_or(NOT_FOUND)?;
    let account = call.account()?;
    let recipients: Vec<AgencyCode> = trace.consignments.iter().map(|one| one.recipient.clone()).collect();
    if !access::sees(account, &trace.from, &recipients) {
        return Err(NOT_FOUND);
    }
    if let Some(own) = account.agency.as_ref().filter(|own| **own != trace.from) {
        trace.consignments.retain(|one| one.recipient == *own);
        trace.links.clear();
    }
    Ok(trace)
}

/// Whether a document is one that this account may see.
pub async fn is_visible(call: &Call<'_>, doc_id: DocId) -> Result<bool, Problem> {
    let Some(trace) = call.console.store.trace(doc_id).await? else { return Ok(false) };
    let recipients: Vec<AgencyCode> = trace.consignments.iter().map(|one| one.recipient.clone()).collect();
    Ok(access::sees(call.account()?, &trace.from, &recipients))
}

/// What the packet itself says, if its bytes are here and not too large.
async fn read(call: &Call<'_>, trace: &Trace) -> Result<Option<Read>, Problem> {
    let Some(body) = call.console.store.body(trace.doc_id).await?.filter(|body| body.deleted_at.is_none()) else {
        return Ok(None);
    };
    let path = call.console.blobs.path(body.digest);
    if trace.size > MAX_READ {
        return Ok(None);
    }
    let read = tokio::task::spawn_blocking(move || {
        let limits = Limits { max_total: MAX_READ, ..Limits::default() };
        let split = match body.held {
            Held::Inline(bytes) => edxml::split(Cursor::new(bytes), &limits).ok()?,
            Held::File => edxml::split(std::fs::File::open(path).ok()?, &limits).ok()?,
            Held::Dropped | Held::Destroyed => return None,
        };
        let sizes = split.bodies.iter().map(|body| body.decoded_len).collect();
        match edxml::parse(&split).ok()?.packet {
            Packet::Document(document) => Some(Read { document, sizes }),
            Packet::Status(_) => None,
        }
    });
    Ok(read.await.unwrap_or_default())
}

struct Read {
    document: Box<Document>,
    /// Decoded sizes of the bodies, in order.
    sizes: Vec<u64>,
}

pub async fn page(call: &Call<'_>) -> Answer {
    let trace = visible(call).await?;
    let read = read(call, &trace).await?;
    let ids: Vec<ConsignmentId> = trace.consignments.iter().map(|one| one.id).collect();
    let stood = call.console.store.stood(ids).await?;
    let done = if call.may(Right::Gateway) { call.console.store.acts_on(trace.doc_id).await? } else { Vec::new() };
    let measured = call.console.statistics.store.clock_facts(trace.doc_id).await?.unwrap_or_default();
    let lang = call.lang;
    let title = trace.code.clone().or_else(|| trace.document_id.clone()).unwrap_or_else(|| trace.doc_id.to_string());
    let main = html! {
        h1 { (lang.say(&DOCUMENT)) " " (title) }
        @if let Some(subject) = &trace.subject { p { strong { (subject) } } }
        div.buttons {
            a.button.second href=(format!("/documents/{}/packet", trace.doc_id)) { (lang.say(&DOWNLOAD)) }
            a.button.second href=(format!("/documents/{}/proof", trace.doc_id)) { (lang.say(&PROOF)) }
            a.button.second href=(format!("/documents/{}/receipt", trace.doc_id)) { (lang.say(&RECEIPT)) }
        }
        (clocks::sending(call, &measured))
        h2 { (lang.say(&WAY)) }
        @for one in &trace.consignments {
            (consignment(call, (&trace, &measured), one, stood.iter().find(|stood| stood.id == one.id)))
        }
        h2 { (lang.say(&FACTS)) }
        (facts(call, &trace, read.as_ref()))
        @if !trace.links.is_empty() { (links(lang, &trace)) }
        @if !done.is_empty() { (administrators(lang, &done)) }
    };
    Ok(Reply::Page(title, main))
}

fn facts(call: &Call<'_>, trace: &Trace, read: Option<&Read>) -> Markup {
    let lang = call.lang;
    let document = read.map(|read| read.document.as_ref());
    let mut rows: Vec<(Text, Markup)> = Vec::new();
    let mut put = |name: Text, text: Option<String>| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            rows.push((name, html! { (text) }));
        }
    };
    put(CODE, trace.code.clone());
    put(SUBJECT, trace.subject.clone());
    put(DATE, document.map(|one| one.promulgation.date.value.strftime("%d/%m/%Y").to_string()));
    put(PLACE, document.and_then(|one| one.promulgation.place.as_ref()).map(|place| place.value.clone()));
    put(TYPE, document.and_then(|one| one.document_type.name.as_ref()).map(|name| name.value.clone()));
    put(SIGNER, document.map(signer));
    put(URGENCY, Some(lang.say(&words::urgency(trace.urgency)).to_owned()));
    put(DUE, document.and_then(|one| one.due_date.as_ref()).map(|due| due.value.strftime("%d/%m/%Y").to_string()));
    put(BUSINESS, Some(lang.say(&business(trace.business_type)).to_owned()));
    put(NAME, trace.document_id.clone());
    put(DOC_ID, Some(trace.doc_id.to_string()));
    put(SIZE, Some(lang.size(trace.size)));
    put(DIGEST, Some(trace.digest.to_string()));
    html! {
        dl.facts {
            dt { (lang.say(&SENDER)) } dd { (agency(call, &trace.from)) }
            dt { (lang.say(&RECIPIENTS)) } dd { @for one in &trace.consignments { div { (agency(call, &one.recipient)) } } }
            @for (name, text) in rows { dt { (lang.say(&name)) } dd { (text) } }
            dt { (lang.say(&RECEIVED)) } dd { (time(trace.received_at)) }
            @if let Some(submission) = &trace.submission { dt { (lang.say(&SIGNATURES)) } dd { (signatures(call, submission)) } }
        }
        @match read {
            Some(read) => (attachments(lang, read)),
            None => p.note { (lang.say(&UNREAD)) },
        }
    }
}

fn signer(document: &Document) -> String {
    let signer = &document.signer;
    let parts = [&signer.competence, &signer.position, &signer.full_name];
    parts.into_iter().flatten().map(|part| part.value.as_str()).collect::<Vec<_>>().join(" ")
}

const fn business(kind: u8) -> Text {
    let (vi, en) = match kind {
        0 => ("văn bản mới", "new document"),
        1 => ("thu hồi", "revocation"),
        2 => ("cập nhật", "update"),
        3 => ("thay thế", "replacement"),
        _ => ("khác", "other"),
    };
    Text { vi, en }
}

/// The three facts about who sent it, as the first hop found them.
fn signatures(call: &Call<'_>, submission: &ReceiptView) -> Markup {
    use crate::receipts::Fact;
    let lang = call.lang;
    let checks =
        crate::receipts::jws::read_stored(&submission.jws).ok().and_then(|sealed| sealed.receipt.checks.clone());
    let told = |fact: Fact| match fact {
        Fact::Valid => ("good", lang.of_two("hợp lệ", "valid")),
        Fact::Invalid => ("bad", lang.of_two("KHÔNG hợp lệ", "INVALID")),
        Fact::Absent => ("warn", lang.of_two("không có", "absent")),
        Fact::Placeholder => ("warn", lang.of_two("chỉ là chữ ký mẫu", "a placeholder")),
        Fact::Pending => ("warn", lang.of_two("chưa kiểm tra xong thu hồi", "revocation not checked yet")),
        Fact::NotChecked => ("plain", lang.of_two("không kiểm tra", "not checked")),
    };
    html! {
        @match checks {
            None => (dash()),
            Some(checks) => {
                @for (name, fact) in [(TRANSPORT, checks.transport), (PACKET_SIGNATURE, checks.packet_signature), (FILE_SIGNATURES, checks.attachment_signatures)] {
                    @let (class, text) = told(fact);
                    div { (lang.say(&name)) ": " span class=(class) { (text) } }
                }
            }
        }
    }
}

fn attachments(lang: Lang, read: &Read) -> Markup {
    html! {
        @if !read.document.attachments.is_empty() {
            h3 { (lang.say(&ATTACHMENTS)) }
            div.wide tabindex="0" { table {
                thead { tr { @for head in [FILE, KIND, SIZE] { th scope="col" { (lang.say(&head)) } } } }
                tbody {
                    @for attachment in &read.document.attachments {
                        tr {
                            td { (attachment.name.as_ref().or(attachment.content_id.as_ref()).map_or("", |name| name.value.as_str())) }
                            td { (attachment.content_type.as_ref().map_or("", |kind| kind.value.as_str())) }
                            td { @match attachment.body.and_then(|body| read.sizes.get(body)) { Some(size) => (lang.size(*size)), None => (dash()) } }
                        }
                    }
                }
            } }
        }
    }
}

fn consignment(
    call: &Call<'_>,
    (trace, measured): (&Trace, &Facts),
    one: &ConsignmentTrace,
    stood: Option<&Stood>,
) -> Markup {
    let lang = call.lang;
    let broken = chain_fault(trace, one);
    html! {
        section.recipient aria-label=(one.recipient) {
            h3 {
                (agency(call, &one.recipient)) " "
                span class={ "tag " (words::tone(one.state)) } { (lang.say(&words::state(one.state))) }
            }
            @if let Some(waiting) = &one.waiting_for {
                p { (lang.say(&WAITS)) ": " @if waiting == "mailbox" { (lang.say(&MAILBOX)) } @else { (waiting) } }
            }
            (clocks::acknowledging(call, measured, one.id, one.state.is_terminal()))
            @if let Some(error) = one.last_error.as_ref().filter(|_| call.may(Right::Gateway)) {
                p.bad { (lang.say(&LAST_ERROR)) ": " span.said { (error) } }
            }
            ol.way {
                @for view in trace.chain(one) { (event(call, view)) }
            }
            @if one.receipts.is_empty() { p.note { (lang.say(&NO_RECEIPTS)) } }
            @match broken {
                None => p.note.good { (lang.say(&CHAIN_HOLDS)) },
                Some(fault) => p.bad { (lang.say(&CHAIN_BROKEN)) ": " (fault) },
            }
            @if !one.late.is_empty() {
                p.note { (lang.say(&LATE)) ":" }
                ol.way { @for view in &one.late { (event(call, view)) } }
            }
            @if !one.statuses.is_empty() {
                p { strong { (lang.say(&STATUSES)) } }
                ul {
                    @for status in &one.statuses {
                        li {
                            (status.code) " " @if let Some(meaning) = &status.meaning { (lang.of_two(&meaning.vi, &meaning.en)) }
                            @if let Some(at) = status.time { " · " (time(at)) }
                            @if let Some(text) = &status.description { " · " (text) }
                        }
                    }
                }
            }
            @if let Some(stood) = stood.filter(|_| call.may(Right::Operate)) { (buttons(call, one, stood)) }
        }
    }
}

/// A receipt with its verification.
fn event(call: &Call<'_>, view: &ReceiptView) -> Markup {
    let lang = call.lang;
    let sealed = open(&view.jws, call.console.keys.as_ref());
    let event = sealed.as_ref().ok().map(|sealed| sealed.receipt.event);
    let text = event.map_or(view.event.as_str(), |event| lang.say(&of_event(event)));
    html! {
        li class=[event.is_some_and(Event::is_negative).then_some("bad")] {
            (time(view.time)) " · " strong { (view.hop) } " · " (text) " "
            @match &sealed {
                Ok(_) => span.note.good { "✓ " (lang.say(&VERIFIED)) },
                Err(error) => span.bad { "✗ " (lang.say(&NOT_VERIFIED)) ": " (error) },
            }
            @if let Some(reason) = &view.reason { div { (lang.say(&REASON)) ": " (reason) } }
            @if let Some(credential) = sealed.as_ref().ok().and_then(|sealed| sealed.receipt.credential.clone()).filter(|_| call.may(Right::Gateway)) {
                div.note { (credential) }
            }
            @if let Some(outside) = &view.outside { (told_outside(outside)) }
        }
    }
}

fn told_outside(outside: &OutsideView) -> Markup {
    html! {
        div.note {
            (outside.system)
            @if let Some(id) = &outside.id { " · " (id) }
            @if let Some(answer) = &outside.answer { " · " span.said { (answer) } }
        }
    }
}

fn chain_fault(trace: &Trace, one: &ConsignmentTrace) -> Option<String> {
    let chain: Vec<Sealed> =
        trace.chain(one).filter_map(|view| crate::receipts::jws::read_stored(&view.jws).ok()).collect();
    verify_chain(&chain, trace.digest, one.id).err().map(|fault| fault.to_string())
}

/// What can be done about a consignment, each leading to its plan.
fn buttons(call: &Call<'_>, one: &ConsignmentTrace, stood: &Stood) -> Markup {
    let lang = call.lang;
    let badly = matches!(one.state, State::Failed | State::Rejected | State::Refused);
    let successors = if badly { call.console.desk.successors(&one.recipient) } else { Vec::new() };
    let link = |act: &str, text: &Text, more: &str| {
        html! {
            a.button.second href=(format!("/acts/plan?act={act}&consignment={}{more}", one.id)) { (lang.say(text)) }
        }
    };
    html! {
        @if let Some(doc_id) = stood.sent_again {
            p { (lang.say(&SENT_AGAIN)) " " (document_link(doc_id, &doc_id.to_string())) }
        } @else if badly && stood.submission.is_some() {
            div.buttons {
                (link("send-again", &SEND_AGAIN, ""))
                @for successor in &successors { (link("redirect", &REDIRECT, &format!("&to={successor}"))) }
            }
        }
        @if !one.state.is_terminal() && crate::life::in_custody(stood.at) {
            div.buttons {
                (link("cancel", &CANCEL, ""))
                @if may_be_confirmed(stood.at) { (link("confirm", &CONFIRM, "")) }
            }
        }
    }
}

fn links(lang: Lang, trace: &Trace) -> Markup {
    html! {
        h2 { (lang.say(&LINKS)) }
        ul {
            @for link in &trace.links {
                li {
                    (relation(lang, link.relation)) ": "
                    @let name = link.code.clone().or_else(|| link.document_id.clone()).unwrap_or_default();
                    @match link.doc_id { Some(doc_id) => (document_link(doc_id, &name)), None => (name) }
                    @if let Some(reason) = &link.reason { " · " (reason) }
                }
            }
        }
    }
}

const fn relation(lang: Lang, relation: lienthong_contract::door::Relation) -> &'static str {
    use lienthong_contract::door::Relation as R;
    match relation {
        R::Revokes => lang.of_two("thu hồi", "revokes"),
        R::Updates => lang.of_two("cập nhật", "updates"),
        R::Replaces => lang.of_two("thay thế", "replaces"),
        R::Answers => lang.of_two("trả lời", "answers"),
        R::RevokedBy => lang.of_two("bị thu hồi bởi", "revoked by"),
        R::UpdatedBy => lang.of_two("được cập nhật bởi", "updated by"),
        R::ReplacedBy => lang.of_two("bị thay thế bởi", "replaced by"),
        R::AnsweredBy => lang.of_two("được trả lời bởi", "answered by"),
    }
}

fn administrators(lang: Lang, done: &[Recorded]) -> Markup {
    html! {
        h2 { (lang.say(&ACTS)) }
        ol.way {
            @for act in done {
                li {
                    (time(act.time)) " · " (act.actor) @if let Some(second) = &act.second { " + " (second) }
                    " · " @match acts::Kind::parse(&act.kind) { Some(kind) => (lang.say(&kind.text())), None => (act.kind) }
                    @if let Some(reason) = &act.reason { " · " (reason) }
                }
            }
        }
    }
}

/// Writes down who took something away.
async fn note_download(call: &Call<'_>, trace: &Trace, what: &str) -> Result<(), Problem> {
    let account = call.account()?;
    let on = (acts::Kind::Download, what);
    let actor = Actor::alone(&account.name);
    let record = call.console.desk.record(&actor, on, None, vec![trace.doc_id], vec![Effect::Nothing]);
    record.await.map(|_| ()).map_err(|fault| refused(&fault))
}

pub async fn packet(call: &Call<'_>) -> Answer {
    let trace = visible(call).await?;
    let body =
        call.console.store.body(trace.doc_id).await?.filter(|body| body.deleted_at.is_none()).ok_or(NOT_FOUND)?;
    note_download(call, &trace, "packet").await?;
    let name = format!("{}.edxml", trace.doc_id);
    let body = match body.held {
        Held::Inline(bytes) => whole(bytes),
        Held::File => {
            let file = tokio::fs::File::open(call.console.blobs.path(body.digest)).await.map_err(|_| NOT_FOUND)?;
            streamed(crate::mailbox::chunks(file))
        }
        Held::Dropped | Held::Destroyed => return Err(NOT_FOUND),
    };
    Ok(Reply::Stream("application/octet-stream", name, body))
}

pub async fn proof(call: &Call<'_>) -> Answer {
    let trace = visible(call).await?;
    note_download(call, &trace, "proof").await?;
    let name = format!("{}.lienthong.json", trace.doc_id);
    let made = call.console.proofs.of_trace(trace).await.map_err(|refusal| {
        tracing::error!(findings = ?refusal.findings, "a proof could not be made for the console");
        STORE
    })?;
    Ok(Reply::File("application/json", name, made))
}

/// A page to be printed and filed.
pub async fn receipt(call: &Call<'_>) -> Answer {
    let trace = visible(call).await?;
    let lang = call.lang;
    let main = html! {
        h1 { (lang.say(&PRINT_TITLE)) }
        dl.facts {
            dt { (lang.say(&CODE)) } dd { (trace.code.clone().unwrap_or_default()) }
            dt { (lang.say(&SUBJECT)) } dd { (trace.subject.clone().unwrap_or_default()) }
            dt { (lang.say(&SENDER)) } dd { (agency(call, &trace.from)) }
            dt { (lang.say(&RECEIVED)) } dd { (time(trace.received_at)) }
            dt { (lang.say(&NAME)) } dd { (trace.document_id.clone().unwrap_or_default()) }
            dt { (lang.say(&DOC_ID)) } dd.said { (trace.doc_id) }
            dt { (lang.say(&DIGEST)) } dd.said { (trace.digest) }
        }
        @for one in &trace.consignments {
            section.recipient {
                h3 { (agency(call, &one.recipient)) ": " (lang.say(&words::state(one.state))) }
                ol.way { @for view in trace.chain(one) { (event(call, view)) } }
            }
        }
        p.note { (lang.say(&PRINT_NOTE)) }
        p.note { (lang.say(&PRINTED)) " " (time(call.now)) ", " (call.console.desk.hop) }
    };
    Ok(Reply::Page(lang.say(&PRINT_TITLE).to_owned(), main))
}

/// The act that a button of this page stands for.
pub fn act_of(call: &Call<'_>, word: &str, ids: Vec<ConsignmentId>) -> Option<Act> {
    let first = ids.first().copied();
    let field = |name: &str| call.form.get(name).or_else(|| call.query.get(name));
    match word {
        "send-again" => Some(Act::SendAgain { consignments: ids }),
        "cancel" => Some(Act::Cancel { consignments: ids }),
        "dismiss" => Some(Act::Dismiss { consignments: ids }),
        "confirm" => Some(Act::Confirm { consignment: first? }),
        "redirect" => Some(Act::Redirect { consignment: first?, to: field("to")?.parse().ok()? }),
        _ => None,
    }
}
