//! What people did here: the record, newest first.

use lienthong_contract::Text;
use maud::html;

use super::super::Call;
use super::super::frame::{dash, time};
use super::super::http::{Answer, Reply};
use crate::acts::Kind;

/// Records on a page.
const PAGE: usize = 100;

macro_rules! texts {
    ($($name:ident $vi:literal / $en:literal)*) => { $(const $name: Text = Text { vi: $vi, en: $en };)* };
}

texts! {
    TITLE "Nhật ký thao tác" / "Record of acts"
    HOW "Mỗi dòng là một bản ghi do trục ký số, nằm trong nhật ký Merkle cùng các biên nhận: không sửa, không xóa được." /
        "Each line is a statement that this gateway signed; it stands in the log of receipts and can be neither changed nor deleted."
    WHEN "Lúc" / "When"
    WHO "Ai" / "Who"
    WHAT "Việc" / "What"
    ON "Đối tượng" / "On"
    REASON "Lý do" / "Reason"
    PLACE "Vị trí trong nhật ký" / "Place in the log"
    MORE "Cũ hơn" / "Older"
    NONE "Chưa có gì." / "Nothing yet."
}

pub async fn page(call: &Call<'_>) -> Answer {
    let before = call.query.get("before").and_then(|before| before.parse().ok());
    let records = call.console.store.acts(before, PAGE).await?;
    let lang = call.lang;
    let main = html! {
        h1 { (lang.say(&TITLE)) }
        p.note { (lang.say(&HOW)) }
        @if records.is_empty() { p { (lang.say(&NONE)) } } @else {
            div.wide tabindex="0" { table.cards {
                thead { tr { @for head in [WHEN, WHO, WHAT, ON, REASON, PLACE] { th scope="col" { (lang.say(&head)) } } } }
                tbody {
                    @for record in &records {
                        tr {
                            td data-name=(lang.say(&WHEN)) { (time(record.time)) }
                            td data-name=(lang.say(&WHO)) { (record.actor) @if let Some(second) = &record.second { " + " (second) } }
                            td data-name=(lang.say(&WHAT)) { @match Kind::parse(&record.kind) { Some(kind) => (lang.say(&kind.text())), None => (record.kind) } }
                            td.said data-name=(lang.say(&ON)) { (record.subject) @if record.documents > 1 { " × " (lang.count(record.documents)) } }
                            td data-name=(lang.say(&REASON)) { @match &record.reason { Some(reason) => (reason), None => (dash()) } }
                            td data-name=(lang.say(&PLACE)) { @match record.place { Some(place) => (lang.count(place)), None => (dash()) } }
                        }
                    }
                }
            } }
        }
        @if records.len() == PAGE && let Some(last) = records.last() {
            p { a.button.second href=(format!("/audit?before={}", last.id)) { (lang.say(&MORE)) } }
        }
    };
    Ok(Reply::Page(lang.say(&TITLE).to_owned(), main))
}
