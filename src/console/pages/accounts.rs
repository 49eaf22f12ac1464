//! Accounts: who may use the console, and as what.

use lienthong_contract::{AgencyCode, Text};
use maud::{Markup, html};

use super::super::Call;
use super::super::access::{hashed, random_text};
use super::super::frame::{dash, time, token};
use super::super::http::{Answer, BAD_FORM, DEFECT, NOT_FOUND, Problem, Reply};
use super::super::oidc::{bound_to, is_by_provider};
use super::super::words;
use super::documents::canonical;
use super::refused;
use crate::acts::{Actor, Kind};
use crate::store::console::{Account, Change, Effect, NewAccount, Role};

macro_rules! texts {
    ($($name:ident $vi:literal / $en:literal)*) => { $(const $name: Text = Text { vi: $vi, en: $en };)* };
}

texts! {
    TITLE "Tài khoản" / "Accounts"
    NAME "Tên tài khoản" / "Account name"
    FULL_NAME "Họ tên" / "Full name"
    ROLE "Vai trò" / "Role"
    AGENCY "Chỉ xem văn bản của cơ quan (mã; để trống nếu không)" / "Sees only this agency's documents (code; empty: all)"
    STATE "Tình trạng" / "State"
    SIGNED_IN "Đăng nhập lần cuối" / "Last signed in"
    ADD "Thêm tài khoản" / "Add an account"
    ACT "Việc" / "Act"
    DISABLE "Khóa" / "Disable"
    ENABLE "Mở khóa" / "Enable"
    RESET "Cấp lại mật khẩu" / "New password"
    NO_FACTOR "Xóa mã xác thực" / "Remove the second factor"
    WELL "hoạt động" / "active"
    DISABLED "bị khóa" / "disabled"
    LOCKED "tạm khóa vì nhập sai" / "locked after wrong attempts"
    WITHOUT_FACTOR "chưa có mã xác thực" / "without a second factor"
    ONCE "Mật khẩu dùng một lần, chỉ hiện ở đây; đưa cho người dùng bằng đường khác. Người dùng phải đổi khi đăng nhập." /
        "A password for once, shown here only; hand it over by another way. It must be changed at the first sign-in."
    BAD_NAME "Tên tài khoản gồm 3 đến 64 chữ cái không dấu, chữ số hoặc các dấu . - _ @." / "A name has 3 to 64 plain letters, digits or the signs . - _ @."
    TAKEN "Đã có tài khoản tên này." / "There is an account of that name."
    BOUND "Chỉ vai trò Người xem mới gắn với một cơ quan." / "Only a viewer is bound to an agency."
    THROUGH "Đăng nhập qua" / "Signs in through"
    NO_PASSWORD "không có mật khẩu" / "without a password"
    BOUND_TO "đã gắn với một người" / "bound to one person"
    NOBODY_YET "chưa ai đăng nhập" / "nobody has come yet"
    PASSES "Chuyển sang đăng nhập qua" / "Let sign in through"
    ANEW "Gắn lại với người khác" / "Bind to somebody else"
    SELF "Không tự làm việc này với tài khoản của mình." / "That is not done to one's own account."
}

pub async fn page(call: &Call<'_>) -> Answer {
    shown(call, None).await
}

async fn shown(call: &Call<'_>, given: Option<(String, String)>) -> Answer {
    let lang = call.lang;
    let accounts = call.console.store.accounts().await?;
    let main = html! {
        h1 { (lang.say(&TITLE)) }
        @if let Some((name, password)) = given {
            div.verdict.warn role="status" { p { (lang.say(&ONCE)) } p { strong { (name) } ": " span.said id="password" { (password) } } }
        }
        div.wide tabindex="0" { table.cards {
            thead { tr { @for head in [NAME, FULL_NAME, ROLE, STATE, SIGNED_IN, ACT] { th scope="col" { (lang.say(&head)) } } } }
            tbody { @for account in &accounts { (row(call, account)) } }
        } }
        h2 { (lang.say(&ADD)) }
        form.column method="post" action="/accounts" {
            (token(call.csrf()))
            p { label for="name" { (lang.say(&NAME)) } input id="name" name="name" required pattern="[a-z0-9._@\\-]{3,64}" autocomplete="off"; }
            p { label for="full_name" { (lang.say(&FULL_NAME)) } input id="full_name" name="full_name" required maxlength="100" autocomplete="off"; }
            p { label for="role" { (lang.say(&ROLE)) } select id="role" name="role" { @for role in Role::ALL { option value=(role.as_str()) { (lang.say(&words::role(role))) } } } }
            p { label for="agency" { (lang.say(&AGENCY)) } input id="agency" name="agency" autocomplete="off"; }
            @if let Some(oidc) = call.console.oidc.as_deref() {
                p { input id="provider" name="provider" type="checkbox" value="yes"; " " label for="provider" { (lang.say(&THROUGH)) " " (oidc.label) " (" (lang.say(&NO_PASSWORD)) ")" } }
            }
            p { button type="submit" { (lang.say(&ADD)) } }
        }
    };
    Ok(Reply::Page(lang.say(&TITLE).to_owned(), main))
}

fn row(call: &Call<'_>, account: &Account) -> Markup {
    let lang = call.lang;
    let locked = account.locked_until.is_some_and(|until| until > call.now);
    let provided = is_by_provider(&account.password);
    let oidc = call.console.oidc.as_deref();
    html! {
        tr {
            th scope="row" { (account.name) }
            td data-name=(lang.say(&FULL_NAME)) { (account.full_name) }
            td data-name=(lang.say(&ROLE)) { (lang.say(&words::role(account.role))) @if let Some(agency) = &account.agency { " · " (agency) } }
            td data-name=(lang.say(&STATE)) {
                @if account.disabled { span.bad { (lang.say(&DISABLED)) } } @else if locked { span.warn { (lang.say(&LOCKED)) } } @else { span.good { (lang.say(&WELL)) } }
                @if provided {
                    div.note {
                        (lang.say(&THROUGH)) " " (oidc.map_or("OIDC", |oidc| oidc.label.as_str())) ": "
                        (lang.say(if account.password == bound_to(None) { &NOBODY_YET } else { &BOUND_TO }))
                    }
                } @else if account.totp.is_none() { div.note { (lang.say(&WITHOUT_FACTOR)) } }
            }
            td data-name=(lang.say(&SIGNED_IN)) { @match account.signed_in_at { Some(at) => (time(at)), None => (dash()) } }
            td data-name=(lang.say(&ACT)) {
                form.buttons method="post" action=(format!("/accounts/{}", account.name)) {
                    (token(call.csrf()))
                    @if account.disabled || locked { button.second type="submit" name="do" value="enable" { (lang.say(&ENABLE)) } }
                    @if !account.disabled { button.second type="submit" name="do" value="disable" { (lang.say(&DISABLE)) } }
                    button.second type="submit" name="do" value="password" { (lang.say(&RESET)) }
                    @if let Some(oidc) = oidc {
                        button.second type="submit" name="do" value="provider" { @if provided { (lang.say(&ANEW)) } @else { (lang.say(&PASSES)) " " (oidc.label) } }
                    }
                    @if account.totp.is_some() { button.second type="submit" name="do" value="no-factor" { (lang.say(&NO_FACTOR)) } }
                }
            }
        }
    }
}

fn wrong(text: Text) -> Problem {
    Problem::new(hyper::StatusCode::BAD_REQUEST, text)
}

/// Whether a name may be an account's: also what a provider may know people by, an address of mail for instance.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (3..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_@".contains(&byte))
}

pub async fn add(call: &Call<'_>) -> Answer {
    let name = call.form.get("name").unwrap_or_default().to_lowercase();
    if !is_name(&name) {
        return Err(wrong(BAD_NAME));
    }
    let role = call.form.get("role").and_then(Role::parse).ok_or(BAD_FORM)?;
    let agency = call.form.get("agency").map(AgencyCode::parse).transpose().map_err(|_| BAD_FORM)?;
    if agency.is_some() && role != Role::Viewer {
        return Err(wrong(BOUND));
    }
    if call.console.store.account(&name).await?.is_some() {
        return Err(wrong(TAKEN));
    }
    let provided = call.console.oidc.is_some() && call.form.get("provider").is_some();
    let (password, stored) =
        if provided { (None, bound_to(None)) } else { fresh().await.map(|(one, two)| (Some(one), two))? };
    let new = NewAccount {
        name: name.clone(),
        full_name: call.form.get("full_name").ok_or(BAD_FORM)?.chars().take(100).collect(),
        role,
        agency: agency.map(|code| canonical(call, &code)),
        password: stored,
        created_at: call.now,
    };
    let subject = format!("{name} {}{}", role.as_str(), if provided { " OIDC" } else { "" });
    act(call, (Kind::AddAccount, &subject), Effect::AddAccount(Box::new(new))).await?;
    shown(call, password.map(|password| (name, password))).await
}

/// A password for once, and as it is stored.
async fn fresh() -> Result<(String, String), Problem> {
    let password = random_text::<12>().ok_or(DEFECT)?;
    let of = password.clone();
    let hashed = tokio::task::spawn_blocking(move || hashed(&of)).await.ok().flatten().ok_or(DEFECT)?;
    Ok((password, hashed))
}

async fn act(call: &Call<'_>, on: (Kind, &str), effect: Effect) -> Result<(), Problem> {
    let actor = Actor::alone(&call.account()?.name);
    let done = call.console.desk.record(&actor, on, None, Vec::new(), vec![effect]).await;
    done.map(|_| ()).map_err(|fault| refused(&fault))
}

pub async fn change(call: &Call<'_>) -> Answer {
    let account = call.console.store.account(call.place(0)).await?.ok_or(NOT_FOUND)?;
    let what = call.form.get("do").ok_or(BAD_FORM)?;
    if account.name == call.account()?.name {
        return Err(wrong(SELF));
    }
    let mut given = None;
    let change = match what {
        "disable" => Change { disabled: Some(true), end_sessions: true, ..Change::default() },
        "enable" => Change { disabled: Some(false), unlock: true, ..Change::default() },
        "no-factor" => Change { totp: Some(None), end_sessions: true, ..Change::default() },
        "password" => {
            let (password, hashed) = fresh().await?;
            given = Some((account.name.clone(), password));
            Change { password: Some((hashed, true)), unlock: true, end_sessions: true, ..Change::default() }
        }
        "provider" if call.console.oidc.is_some() => {
            let password = Some((bound_to(None), true));
            Change { password, totp: Some(None), unlock: true, end_sessions: true, ..Change::default() }
        }
        _ => return Err(BAD_FORM),
    };
    let subject = format!("{} {what}", account.name);
    act(call, (Kind::ChangeAccount, &subject), Effect::ChangeAccount(account.id, Box::new(change))).await?;
    shown(call, given).await
}
