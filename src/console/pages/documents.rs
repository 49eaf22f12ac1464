//! Finding documents.

use jiff::civil::Date;
use lienthong_contract::door::ConsignmentState as State;
use lienthong_contract::{AgencyCode, Digest, DocId, Instant, Text};
use maud::{Markup, html};

use super::super::Call;
use super::super::frame::{dash, document_link, time};
use super::super::http::{Answer, Reply};
use super::super::words::{self, Lang};
use crate::store::search::{Found, FoundPage, Query, Side};

/// Documents on a page.
const PAGE: usize = 50;

macro_rules! texts {
    ($($name:ident $vi:literal / $en:literal)*) => { $(const $name: Text = Text { vi: $vi, en: $en };)* };
}

texts! {
    TITLE "Văn bản" / "Documents"
    WORDS "Số, ký hiệu, trích yếu, mã văn bản hoặc docId" / "Number, notation, abstract, DocumentId or docId"
    AGENCY "Cơ quan (mã cũ hoặc mới)" / "Agency (old or new code)"
    SIDE "Chiều" / "Direction"
    BOTH "gửi và nhận" / "sent and received"
    SENT "gửi đi" / "sent"
    RECEIVED "nhận về" / "received"
    FROM "Từ ngày" / "From"
    UNTIL "Đến ngày" / "Until"
    STATE "Trạng thái" / "State"
    ANY "tất cả" / "any"
    MOVING "đang chuyển" / "on the way"
    IN_MAILBOX "trong hộp thư" / "in the mailbox"
    TAKEN "đã tiếp nhận" / "handed over"
    BACK "bị trả lại" / "given back"
    FAILED "không chuyển được" / "failed"
    FIND "Tìm" / "Find"
    NONE "Không có văn bản nào như vậy." / "There is no such document."
    NONE_SO_FAR "Chưa thấy trong phần đã tìm; bấm tìm tiếp." / "None among those looked at; look further."
    MORE "Tìm tiếp" / "Further"
    CODE "Số, ký hiệu" / "Number, notation"
    SUBJECT "Trích yếu" / "Abstract"
    SENDER "Nơi gửi" / "Sender"
    RECIPIENTS "Nơi nhận" / "Recipients"
    URGENCY "Độ khẩn" / "Urgency"
    RECEIVED_AT "Vào trục lúc" / "Taken in"
    NO_SUCH_AGENCY "Mã cơ quan không đúng dạng." / "That is no agency code."
}

const STATES: &[(&str, Text, &[State])] = &[
    ("moving", MOVING, &[State::Offered, State::Queued, State::Relayed, State::Outside]),
    ("mailbox", IN_MAILBOX, &[State::Consigned]),
    ("taken", TAKEN, &[State::HandedOver, State::PassedOutside]),
    ("back", BACK, &[State::Refused]),
    ("failed", FAILED, &[State::Failed, State::Rejected]),
];

pub async fn page(call: &Call<'_>) -> Answer {
    let words = call.query.get("q").unwrap_or_default();
    if let Some(to) = named(call, words).await? {
        return Ok(Reply::Seen(format!("/documents/{to}")));
    }
    let (query, wrong) = asked(call);
    let page = if wrong { FoundPage::default() } else { call.console.store.search(query, PAGE).await? };
    let lang = call.lang;
    let main = html! {
        h1 { (lang.say(&TITLE)) }
        (form(call))
        @if wrong { p.verdict.bad role="alert" { (lang.say(&NO_SUCH_AGENCY)) } }
        @else if page.found.is_empty() {
            p role="status" { (lang.say(if page.next.is_some() { &NONE_SO_FAR } else { &NONE })) }
        } @else { (list(call, &page.found)) }
        @if let Some(next) = page.next { p { a.button.second href=(further(call, next)) { (lang.say(&MORE)) } } }
    };
    Ok(Reply::Page(lang.say(&TITLE).to_owned(), main))
}

/// The document, when what is looked for is a docId, a digest, or a consignment's name in full.
async fn named(call: &Call<'_>, words: &str) -> Result<Option<DocId>, super::super::http::Problem> {
    let store = &call.console.store;
    if let Ok(doc_id) = words.parse::<DocId>() {
        return Ok(super::document::is_visible(call, doc_id).await?.then_some(doc_id));
    }
    if let Ok(digest) = words.parse::<Digest>() {
        for doc_id in store.of_digest(digest).await? {
            if super::document::is_visible(call, doc_id).await? {
                return Ok(Some(doc_id));
            }
        }
    }
    Ok(None)
}

/// What is looked for, and whether the agency cannot be one.
fn asked(call: &Call<'_>) -> (Query, bool) {
    let own = call.who.as_ref().and_then(|who| who.account.agency.clone());
    let typed = call.query.get("agency");
    let typed = typed.map(|code| AgencyCode::parse(code).map(|code| canonical(call, &code)));
    let wrong = matches!(typed, Some(Err(_)));
    let typed = typed.and_then(Result::ok);
    // Whoever is bound to an agency finds nothing but what it sent or was sent.
    let agency = own.or(typed);
    let day = |name: &str| call.query.get(name).and_then(|day| day.parse::<Date>().ok());
    let midnight = |day: Date| Instant::from_vietnam(day.at(0, 0, 0, 0));
    let query = Query {
        words: call.query.get("q").unwrap_or_default().to_owned(),
        agency,
        side: match call.query.get("side") {
            Some("sent") => Some(Side::Sent),
            Some("received") => Some(Side::Received),
            _ => None,
        },
        from: day("from").and_then(midnight),
        until: day("until").and_then(|day| day.tomorrow().ok()).and_then(midnight),
        states: STATES
            .iter()
            .find(|(word, ..)| call.query.get("state") == Some(word))
            .map_or(Vec::new(), |s| s.2.to_vec()),
        before: call.query.get("before").and_then(|before| before.parse().ok()),
    };
    (query, wrong)
}

/// The code under which the store knows an agency.
pub fn canonical(call: &Call<'_>, code: &AgencyCode) -> AgencyCode {
    let directory = call.console.directory.snapshot();
    directory.lookup(code).map_or_else(|| code.to_new_form(), |agency| agency.key.code().clone())
}

fn form(call: &Call<'_>) -> Markup {
    let (lang, query) = (call.lang, &call.query);
    let value = |name: &str| query.get(name).unwrap_or_default().to_owned();
    let bound = call.who.as_ref().is_some_and(|who| who.account.agency.is_some());
    html! {
        form.row method="get" action="/documents" role="search" {
            p { label for="q" { (lang.say(&WORDS)) } input id="q" name="q" type="search" size="42" value=(value("q")); }
            @if !bound { p { label for="agency" { (lang.say(&AGENCY)) } input id="agency" name="agency" size="16" value=(value("agency")); } }
            p { label for="side" { (lang.say(&SIDE)) } select id="side" name="side" {
                @for (word, text) in [("", BOTH), ("sent", SENT), ("received", RECEIVED)] {
                    option value=(word) selected[value("side") == word] { (lang.say(&text)) }
                }
            } }
            p { label for="from" { (lang.say(&FROM)) } input id="from" name="from" type="date" value=(value("from")); }
            p { label for="until" { (lang.say(&UNTIL)) } input id="until" name="until" type="date" value=(value("until")); }
            p { label for="state" { (lang.say(&STATE)) } select id="state" name="state" {
                option value="" { (lang.say(&ANY)) }
                @for (word, text, _) in STATES { option value=(word) selected[value("state") == *word] { (lang.say(text)) } }
            } }
            p { button type="submit" { (lang.say(&FIND)) } }
        }
    }
}

fn further(call: &Call<'_>, next: i64) -> String {
    let mut to = form_urlencoded::Serializer::new(String::new());
    for name in ["q", "agency", "side", "from", "until", "state"] {
        if let Some(value) = call.query.get(name) {
            to.append_pair(name, value);
        }
    }
    to.append_pair("before", &next.to_string());
    format!("/documents?{}", to.finish())
}

fn list(call: &Call<'_>, found: &[Found]) -> Markup {
    let lang = call.lang;
    html! {
        div.wide tabindex="0" {
            table.cards {
                thead { tr { @for head in [CODE, SUBJECT, SENDER, RECIPIENTS, STATE, URGENCY, RECEIVED_AT] { th scope="col" { (lang.say(&head)) } } } }
                tbody { @for document in found { (row(call, lang, document)) } }
            }
        }
    }
}

fn row(call: &Call<'_>, lang: Lang, found: &Found) -> Markup {
    let code = found.code.clone().or_else(|| found.document_id.clone()).unwrap_or_else(|| found.doc_id.to_string());
    // How it stands with the others is not the business of one of several recipients.
    let own = call.who.as_ref().and_then(|who| who.account.agency.as_ref());
    let whole = own.is_none_or(|own| *own == found.sender) || found.recipients_in_all == 1;
    let bad = whole && found.states.iter().any(|(state, _)| words::tone(*state) == "bad");
    html! {
        tr class=[bad.then_some("bad")] {
            th scope="row" { (document_link(found.doc_id, &code)) }
            td data-name=(lang.say(&SUBJECT)) { @match &found.subject { Some(subject) => (subject), None => (dash()) } }
            td data-name=(lang.say(&SENDER)) { (agency(call, &found.sender)) }
            td data-name=(lang.say(&RECIPIENTS)) { (recipients(call, found)) }
            td data-name=(lang.say(&STATE)) {
                @if whole { @for (state, count) in &found.states { div { (states(call, *state, *count)) } } } @else { (dash()) }
            }
            td data-name=(lang.say(&URGENCY)) { span class=[(found.urgency > 0).then_some("bad")] { (lang.say(&words::urgency(found.urgency))) } }
            td data-name=(lang.say(&RECEIVED_AT)) { (time(found.received_at)) }
        }
    }
}

/// Of the others among the recipients, whoever is bound to one of them reads only the number.
fn recipients(call: &Call<'_>, found: &Found) -> Markup {
    let lang = call.lang;
    let own = call.who.as_ref().and_then(|who| who.account.agency.as_ref());
    let shown: Vec<_> =
        found.recipients.iter().filter(|code| own.is_none_or(|own| *own == found.sender || own == *code)).collect();
    let more = found.recipients_in_all.saturating_sub(shown.len() as u64);
    html! {
        @for code in shown { div { (agency(call, code)) } }
        @if more > 0 { div.note { "+ " (lang.count(more)) } }
    }
}

fn states(call: &Call<'_>, state: State, count: u64) -> Markup {
    let lang = call.lang;
    html! {
        span class=(words::tone(state)) { (lang.say(&words::state(state))) }
        @if count > 1 { " × " (lang.count(count)) }
    }
}

/// An agency by its name, with its code.
pub fn agency(call: &Call<'_>, code: &AgencyCode) -> Markup {
    let directory = call.console.directory.snapshot();
    let name = directory.lookup(code).map(|agency| match call.lang {
        Lang::En => agency.name_en.clone().unwrap_or_else(|| agency.name.clone()),
        Lang::Vi => agency.name.clone(),
    });
    html! { @match name { Some(name) => { (name) " " span.note { "(" (code) ")" } }, None => (code) } }
}
