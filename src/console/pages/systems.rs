//! Systems that call with an id and a secret, and their secrets.

use std::time::SystemTime;

use lienthong_contract::{Instant, Text};
use maud::{Markup, html};

use super::super::Call;
use super::super::frame::dash;
use super::super::http::{Answer, Reply};
use super::documents::agency;
use crate::acts::secrets::changed_at;
use crate::config::System;

/// Agencies of one system that are shown.
const SHOWN: usize = 5;

macro_rules! texts {
    ($($name:ident $vi:literal / $en:literal)*) => { $(const $name: Text = Text { vi: $vi, en: $en };)* };
}

texts! {
    TITLE "Hệ thống kết nối" / "Connected systems"
    NONE "Cấu hình chưa khai hệ thống nào ([[system]])." / "The configuration names no system ([[system]])."
    HOW "Mỗi hệ thống có hai mã bí mật và cả hai đều có hiệu lực: cấp mã mới thì mã đang dùng vẫn chạy cho đến khi đơn vị đổi xong, rồi bỏ mã cũ. Mỗi việc cần hai quản trị; người đồng ý thấy mã mới một lần." /
        "Each system has two secrets and both count: when a new one is issued the one in use goes on until its people have changed over; then take the old one back. Each act needs two administrators; the one who agrees sees the new secret once."
    ID "Định danh" / "Id"
    AGENCIES "Thay mặt" / "Speaks for"
    NETWORKS "Được gọi từ" / "May call from"
    ANY "mọi nơi" / "anywhere"
    NEWER "Mã mới hơn, có từ" / "Newer secret, made"
    OLDER "Mã cũ hơn, có từ" / "Older secret, made"
    TAKEN_BACK "đã bỏ" / "taken back"
    ACT "Việc" / "Act"
    NEW "Cấp mã mới" / "Issue a new one"
    DROP "Bỏ mã cũ" / "Take the old one back"
    ONE_FILE "Khai second_secret_file để đổi mã tại đây." / "Add second_secret_file to change it here."
}

pub async fn page(call: &Call<'_>) -> Answer {
    let lang = call.lang;
    let systems = &call.console.desk.systems;
    let main = html! {
        h1 { (lang.say(&TITLE)) }
        @if systems.is_empty() { p { (lang.say(&NONE)) } }
        @else {
            p.note { (lang.say(&HOW)) }
            div.wide tabindex="0" { table.cards {
                thead { tr { @for head in [ID, AGENCIES, NETWORKS, NEWER, OLDER, ACT] { th scope="col" { (lang.say(&head)) } } } }
                tbody { @for system in systems.iter() { (row(call, system)) } }
            } }
        }
    };
    Ok(Reply::Page(lang.say(&TITLE).to_owned(), main))
}

fn since(call: &Call<'_>, at: Option<SystemTime>) -> Markup {
    let Some(since) = at.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok()) else { return dash() };
    if since.is_zero() {
        return html! { (call.lang.say(&TAKEN_BACK)) };
    }
    let at = Instant::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    html! { (call.lang.ago(at, call.now)) }
}

fn row(call: &Call<'_>, system: &System) -> Markup {
    let lang = call.lang;
    let mut files: Vec<Option<SystemTime>> = system.files().map(|file| changed_at(file)).collect();
    files.sort_unstable();
    let id: String = form_urlencoded::byte_serialize(system.id.as_bytes()).collect();
    let button = |act: &str, text: &Text| {
        html! { a.button.second href=(format!("/acts/plan?act={act}&system={id}")) { (lang.say(text)) } }
    };
    html! {
        tr data-system=(system.id) {
            th scope="row" { (system.id) }
            td data-name=(lang.say(&AGENCIES)) {
                @for code in system.agencies.iter().take(SHOWN) { div { (agency(call, code)) } }
                @if system.agencies.len() > SHOWN { div.note { "+ " (system.agencies.len() - SHOWN) } }
            }
            td data-name=(lang.say(&NETWORKS)) {
                @if system.networks.is_empty() { span.warn { (lang.say(&ANY)) } }
                @for network in &system.networks { div { (network) } }
            }
            td data-name=(lang.say(&NEWER)) { (since(call, files.last().copied().flatten())) }
            td data-name=(lang.say(&OLDER)) { @if files.len() > 1 { (since(call, files.first().copied().flatten())) } @else { (dash()) } }
            td data-name=(lang.say(&ACT)) {
                @if system.second_secret_file.is_some() {
                    div.buttons { (button("new-secret", &NEW)) (button("drop-secret", &DROP)) }
                } @else { span.note { (lang.say(&ONE_FILE)) } }
            }
        }
    }
}
