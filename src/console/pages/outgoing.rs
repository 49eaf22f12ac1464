//! What goes out without an account: the feed for the province's monitoring centre, and the public's totals.

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, ETAG, HeaderValue, IF_NONE_MATCH, VARY};
use hyper::{Response, StatusCode};
use lienthong_contract::{Digest, Text};
use lienthong_door_kit::outward::{OutBody, whole};
use maud::{Markup, html};

use super::super::http::{Answer, DEFECT, NOT_FOUND, Problem, Reply, TOO_OFTEN, html as html_answer, response};
use super::super::outgoing::{KEPT_SECONDS, Tagged};
use super::super::{Call, frame};
use super::statistics::{BY_AGENCY, NAME, NOT_KNOWN, RULES, TITLE, head, table, total, updated};
use crate::statistics::feed::{MOST_DAYS, for_public};
use crate::statistics::period::Period;
use crate::statistics::report::{Both, Urgencies};

/// Days that the feed gives when nobody says how many.
const USUAL_DAYS: i64 = 7;

macro_rules! texts {
    ($($name:ident $vi:literal / $en:literal)*) => { $(const $name: Text = Text { vi: $vi, en: $en };)* };
}

texts! {
    REST "Các cơ quan khác, tính chung" / "Other agencies together"
    PUBLIC_NOTE "Trang công khai chỉ nêu số lượng, không nêu nội dung văn bản. Cơ quan có ít văn bản được tính chung." /
        "This public page gives numbers alone, nothing of any document. Agencies with few documents are counted together."
}

/// The feed for the monitoring centre.
pub async fn feed(call: &Call<'_>) -> Answer {
    let door = call.console.outgoing.feed.as_ref().ok_or(NOT_FOUND)?;
    let sent = call.head.headers.get(door.header.as_str()).map(|token| token.as_bytes().trim_ascii());
    if !sent.is_some_and(|token| door.opens(token)) {
        // Guessing is slowed down; whoever has the token is not.
        if !call.console.knocks.lets_in(call.from, call.now) {
            return Err(TOO_OFTEN);
        }
        let said = serde_json::json!({ "error": format!("the header {} must bear the token", door.header) });
        let body = whole(said.to_string().into());
        return Ok(Reply::Whole(response(StatusCode::UNAUTHORIZED, "application/json", body)));
    }
    let days = call.query.get("days").and_then(|days| days.parse().ok()).unwrap_or(USUAL_DAYS).clamp(1, MOST_DAYS);
    let (tag, bytes) = call.console.kept.feed(days, call.now, made(call, days)).await?;
    let known = call.head.headers.get(IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    let same = known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag || one.trim() == "*"));
    let (status, body) =
        if same { (StatusCode::NOT_MODIFIED, whole(Bytes::new())) } else { (StatusCode::OK, whole(bytes)) };
    let mut answer = response(status, "application/json", body);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.headers_mut().insert(ETAG, tag);
    }
    Ok(Reply::Whole(answer))
}

/// The feed and its tag.
async fn made(call: &Call<'_>, days: i64) -> Result<Tagged, Problem> {
    let mut feed = call.console.statistics.feed(&call.console.desk.hop, call.now, days).await?;
    let bytes = serde_json::to_vec(&feed).map_err(|_| DEFECT)?;
    // The moment alone makes no new answer.
    feed.updated_at = None;
    let tag = Digest::of(&serde_json::to_vec(&feed).map_err(|_| DEFECT)?);
    Ok((format!("W/\"{tag}\""), bytes.into()))
}

/// The totals of this year for everybody.
pub async fn public(call: &Call<'_>) -> Answer {
    let least = call.console.outgoing.public_least.ok_or(NOT_FOUND)?;
    let lang = call.lang;
    let main = call.console.kept.page(lang, call.now, totals(call, least)).await?;
    let page = frame::open(call, lang.say(&TITLE), &main).into_string();
    let mut answer: Response<OutBody> = html_answer(StatusCode::OK, page);
    if let Ok(age) = HeaderValue::from_str(&format!("public, max-age={KEPT_SECONDS}")) {
        answer.headers_mut().insert(CACHE_CONTROL, age);
    }
    answer.headers_mut().insert(VARY, HeaderValue::from_static("cookie"));
    Ok(Reply::Whole(answer))
}

async fn totals(call: &Call<'_>, least: u64) -> Result<Markup, Problem> {
    let lang = call.lang;
    let year = Period::Year(call.now.in_vietnam().year());
    let directory = call.console.directory.snapshot();
    let report = call.console.statistics.report((year, Urgencies::All), None, &directory).await?;
    let (shown, rest) = for_public(&report.agencies, least);
    let together = rest.iter().fold(Both::default(), |sum, row| sum.plus(&row.both));
    let together = (!rest.is_empty()).then(|| (vec![lang.say(&REST).to_owned()], together));
    let rows = shown.iter().map(|row| (vec![row.name.clone()], row.both));
    let (vi, en) = year.name();
    Ok(html! {
        h1 { (lang.say(&TITLE)) ", " (lang.of_two(&vi, &en)) }
        (updated(call))
        @if !report.known { p.note { (lang.say(&NOT_KNOWN)) } }
        (head(lang, &report.total, None))
        h2 { (lang.say(&BY_AGENCY)) }
        (table(lang, &[&NAME], rows.chain(together).chain([total(lang, &report.total)])))
        p.note { (lang.say(&RULES)) }
        p.note { (lang.say(&PUBLIC_NOTE)) }
    })
}
