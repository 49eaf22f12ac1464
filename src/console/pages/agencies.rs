//! The directory of agencies: read, taken away as a table, and changed by one.

use hyper::http::request::Parts as Head;
use lienthong_contract::Text;
use lienthong_door_kit::multipart;
use maud::{Markup, html};

use super::super::Call;
use super::super::access::Right;
use super::super::frame::{dash, token};
use super::super::http::{Answer, BAD_FORM, DEFECT, Fields, NO_REASON, Problem, Reply};
use super::refused;
use crate::acts::desk::MAX_REASON;
use crate::acts::{Act, Actor, Kind};
use crate::directory::sheet::{COLUMNS, Fault, Sheet};
use crate::directory::{Agency, Validity, workbook};
use crate::store::console::Effect;

/// Largest table, in bytes.
pub const MAX_FILE: u64 = 2 << 20;
/// Agencies on a page.
const PAGE: usize = 100;
/// The fields beside the file.
const FIELDS: [&str; 2] = ["csrf", "reason"];

macro_rules! texts {
    ($($name:ident $vi:literal / $en:literal)*) => { $(const $name: Text = Text { vi: $vi, en: $en };)* };
}

texts! {
    TITLE "Danh mục cơ quan" / "Directory of agencies"
    FIND "Tìm theo tên hoặc mã" / "Find by name or code"
    GO "Tìm" / "Find"
    CODE "Mã" / "Code"
    OLD "Mã cũ" / "Old code"
    NAME "Tên" / "Name"
    HOP "Trục phục vụ" / "Served by"
    STATE "Tình trạng" / "State"
    OPEN "hoạt động" / "in force"
    CLOSED "đã kết thúc" / "closed"
    NOT_YET "chưa hiệu lực" / "not yet in force"
    LOCKED "bị khóa" / "locked"
    SUCCESSORS "Cơ quan kế thừa" / "Successors"
    MORE "Xem tiếp" / "Further"
    CSV "Tải về dạng CSV" / "Download as CSV"
    XLSX "Tải về dạng Excel" / "Download as Excel"
    IMPORT "Cập nhật bằng bảng tính" / "Change by a spreadsheet"
    FILE "Tệp .csv hoặc .xlsx (cột code bắt buộc; dòng nào có mã sẵn thì sửa, chưa có thì thêm; ô trống thì xóa mục đó)" /
        "File .csv or .xlsx (column code is needed; a known code is changed, another one added; an empty cell takes the key away)"
    REASON "Lý do" / "Reason"
    SEND "Kiểm tra và đề nghị" / "Check and propose"
    SECOND "Thay đổi danh mục cần người thứ hai duyệt." / "A change of the directory needs a second person."
    FAULTS "Bảng chưa dùng được: sửa các chỗ sau rồi gửi lại. Chưa có gì thay đổi." /
        "The table cannot be used: mend the following and send it again. Nothing was changed."
    ROW "Dòng" / "Row"
    COLUMN "Cột" / "Column"
    FOUND "Nội dung" / "Found"
    WHY "Lỗi" / "Fault"
    PROPOSED "Bảng đúng. Đã gửi đề nghị; người thứ hai duyệt ở trang Chờ duyệt." / "The table is right. It is proposed; a second person answers on the page of proposals."
    ADDED "Thêm" / "Added"
    CHANGED "Sửa" / "Changed"
    NOTHING "Bảng không làm thay đổi gì." / "The table changes nothing."
    UNREADABLE "Không đọc được bảng: cần tệp .csv (UTF-8) hoặc .xlsx, giải nén ra không quá 64 MB." / "The table cannot be read: a .csv (UTF-8) or .xlsx file is needed, of at most 64 MB unpacked."
}

pub async fn page(call: &Call<'_>) -> Answer {
    let lang = call.lang;
    let directory = call.console.directory.snapshot();
    let query = call.query.get("q").unwrap_or_default();
    let after = call.query.get("after").and_then(|code| code.parse().ok());
    let page = directory.search(query, after.as_ref(), PAGE);
    let today = call.now.in_vietnam().date();
    let main = html! {
        h1 { (lang.say(&TITLE)) }
        form.row method="get" action="/agencies" role="search" {
            p { label for="q" { (lang.say(&FIND)) } input id="q" name="q" type="search" size="40" value=(query); }
            p { button type="submit" { (lang.say(&GO)) } }
        }
        div.buttons {
            a.button.second href="/agencies/export.csv" { (lang.say(&CSV)) }
            a.button.second href="/agencies/export.xlsx" { (lang.say(&XLSX)) }
        }
        div.wide tabindex="0" { table.cards {
            thead { tr { @for head in [CODE, OLD, NAME, HOP, STATE, SUCCESSORS] { th scope="col" { (lang.say(&head)) } } } }
            tbody { @for agency in &page.agencies { (row(call, agency, today)) } }
        } }
        @if let Some(next) = &page.next {
            @let q: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
            p { a.button.second href=(format!("/agencies?q={q}&after={}", next.as_str())) { (lang.say(&MORE)) } }
        }
        @if call.may(Right::Administer) { (import_form(call)) }
    };
    Ok(Reply::Page(lang.say(&TITLE).to_owned(), main))
}

fn row(call: &Call<'_>, agency: &Agency, today: jiff::civil::Date) -> Markup {
    let lang = call.lang;
    let (class, state) = match agency.validity(today) {
        _ if agency.locked => ("bad", LOCKED),
        Validity::Open => ("good", OPEN),
        Validity::Closed => ("warn", CLOSED),
        Validity::NotYet => ("warn", NOT_YET),
    };
    html! {
        tr {
            th scope="row" { (agency.code) }
            td data-name=(lang.say(&OLD)) { @match &agency.old_code { Some(code) => (code), None => (dash()) } }
            td data-name=(lang.say(&NAME)) { (agency.name) }
            td data-name=(lang.say(&HOP)) { @match &agency.hop { Some(hop) => (hop), None => (dash()) } }
            td data-name=(lang.say(&STATE)) { span class=(class) { (lang.say(&state)) } }
            td data-name=(lang.say(&SUCCESSORS)) { @if agency.successors.is_empty() { (dash()) } @for key in &agency.successors { div { (key.as_str()) } } }
        }
    }
}

fn import_form(call: &Call<'_>) -> Markup {
    let lang = call.lang;
    html! {
        h2 { (lang.say(&IMPORT)) }
        form.column method="post" action="/agencies/import" enctype="multipart/form-data" {
            (token(call.csrf()))
            p.note { (lang.say(&SECOND)) }
            p { label for="file" { (lang.say(&FILE)) } input id="file" name="file" type="file" required accept=".csv,.xlsx"; }
            p { label for="reason" { (lang.say(&REASON)) } textarea id="reason" name="reason" rows="2" required maxlength=(MAX_REASON) {} }
            p { button type="submit" { (lang.say(&SEND)) } }
        }
    }
}

async fn note_export(call: &Call<'_>, what: &str) -> Result<(), Problem> {
    let actor = Actor::alone(&call.account()?.name);
    let record = call.console.desk.record(&actor, (Kind::Export, what), None, Vec::new(), vec![Effect::Nothing]);
    record.await.map(|_| ()).map_err(|fault| refused(&fault))
}

pub async fn csv(call: &Call<'_>) -> Answer {
    note_export(call, "agencies.csv").await?;
    let text = Sheet::of(&call.console.directory.snapshot()).to_csv();
    Ok(Reply::File("text/csv; charset=utf-8", "agencies.csv".to_owned(), text.into()))
}

pub async fn xlsx(call: &Call<'_>) -> Answer {
    note_export(call, "agencies.xlsx").await?;
    let sheet = Sheet::of(&call.console.directory.snapshot());
    let written = tokio::task::spawn_blocking(move || workbook::write(&sheet)).await.ok().flatten().ok_or(DEFECT)?;
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    Ok(Reply::File(kind, "agencies.xlsx".to_owned(), written))
}

/// A form with a file: the file's bytes stand in the field `file`, as letters of one byte each.
pub fn form_of(head: &Head, body: Vec<u8>) -> Result<Fields, Problem> {
    let kind = head.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multipart::boundary(kind).ok_or(BAD_FORM)?;
    let mark = format!("\r\n--{boundary}").into_bytes();
    let body = [b"\r\n".as_slice(), &body].concat();
    let mut fields = form_urlencoded::Serializer::new(String::new());
    let ends: Vec<usize> = memchr::memmem::find_iter(&body, &mark).collect();
    for pair in ends.windows(2) {
        let [from, to] = pair else { continue };
        let part = body.get(from + mark.len() + 2..*to).ok_or(BAD_FORM)?;
        let split = memchr::memmem::find(part, b"\r\n\r\n").ok_or(BAD_FORM)?;
        let (header, value) = part.split_at_checked(split).ok_or(BAD_FORM)?;
        let value = value.get(4..).unwrap_or_default();
        let header = String::from_utf8_lossy(header).to_lowercase();
        if header.contains("name=\"file\"") {
            fields.append_pair("file", &value.iter().map(|byte| char::from(*byte)).collect::<String>());
        } else if let Some(name) = FIELDS.iter().find(|name| header.contains(&format!("name=\"{name}\""))) {
            fields.append_pair(name, &String::from_utf8_lossy(value));
        }
    }
    Ok(Fields::read(fields.finish().as_bytes()))
}

/// The table in a file, by what the file begins with.
fn sheet_of(bytes: &[u8]) -> Option<Sheet> {
    if workbook::is_one(bytes) { workbook::read(bytes) } else { std::str::from_utf8(bytes).ok().map(Sheet::from_csv) }
}

pub async fn import(call: &Call<'_>) -> Answer {
    let lang = call.lang;
    let reason = call.form.get("reason").filter(|reason| reason.chars().count() <= MAX_REASON).ok_or(NO_REASON)?;
    let bytes: Vec<u8> = call
        .form
        .raw("file")
        .ok_or(BAD_FORM)?
        .chars()
        .map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?'))
        .collect();
    let sheet = tokio::task::spawn_blocking(move || sheet_of(&bytes)).await.ok().flatten();
    let Some(sheet) = sheet else {
        return Err(Problem::new(hyper::StatusCode::BAD_REQUEST, UNREADABLE));
    };
    let merged = call.console.desk.merged(&sheet).map_err(|fault| refused(&fault))?;
    let main = match merged {
        Err(faults) => told(call, &faults),
        Ok(merged) if merged.added.is_empty() && merged.changed.is_empty() => html! {
            h1 { (lang.say(&TITLE)) }
            p.verdict.warn role="status" { (lang.say(&NOTHING)) }
        },
        Ok(merged) => {
            let act = Act::Agencies { sheet };
            let actor = Actor::alone(&call.account()?.name);
            call.console.desk.propose(&actor, &act, reason).await.map_err(|fault| refused(&fault))?;
            html! {
                h1 { (lang.say(&TITLE)) }
                p.verdict.good role="status" { (lang.say(&PROPOSED)) }
                p { (lang.say(&ADDED)) ": " (merged.added.len()) " " (merged.added.join(", ")) }
                p { (lang.say(&CHANGED)) ": " (merged.changed.len()) " " (merged.changed.join(", ")) }
            }
        }
    };
    Ok(Reply::Page(lang.say(&TITLE).to_owned(), main))
}

fn told(call: &Call<'_>, faults: &[Fault]) -> Markup {
    let lang = call.lang;
    html! {
        h1 { (lang.say(&TITLE)) }
        p.verdict.bad role="alert" { (lang.say(&FAULTS)) }
        div.wide tabindex="0" { table.cards {
            thead { tr { @for head in [ROW, COLUMN, FOUND, WHY] { th scope="col" { (lang.say(&head)) } } } }
            tbody {
                @for fault in faults.iter().take(500) {
                    tr {
                        td data-name=(lang.say(&ROW)) { @match fault.row { Some(row) => (row), None => (dash()) } }
                        td data-name=(lang.say(&COLUMN)) { @match &fault.column { Some(column) => (column), None => (dash()) } }
                        td.said data-name=(lang.say(&FOUND)) { @match &fault.found { Some(found) => (found), None => (dash()) } }
                        td data-name=(lang.say(&WHY)) { (lang.of_two(&fault.vi, &fault.en)) }
                    }
                }
            }
        } }
        p.note { (COLUMNS.join(" · ")) }
        (import_form(call))
    }
}
