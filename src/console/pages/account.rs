//! One's own password and second factor.

use lienthong_contract::Text;
use maud::{Markup, PreEscaped, html};
use qrcode::render::svg;

use super::super::Call;
use super::super::access::{self, new_secret};
use super::super::frame::token;
use super::super::http::{Answer, BAD_FORM, DEFECT, FORBIDDEN, Problem, Reply};
use super::super::oidc::is_by_provider;
use super::{refused, sign_in};
use crate::acts::{Actor, Kind};
use crate::store::console::{Change, Effect};

const PASSWORD: Text = Text { vi: "Đổi mật khẩu", en: "Change the password" };
const MUST: Text = Text {
    vi: "Mật khẩu này do người khác cấp: hãy đặt mật khẩu của riêng mình trước khi dùng tiếp.",
    en: "Somebody else gave you this password: choose one of your own before you go on.",
};
const PROVIDED: Text = Text {
    vi: "Tài khoản này đăng nhập qua nhà cung cấp: mật khẩu và mã xác thực đặt ở nơi đó, không đặt ở đây.",
    en: "This account signs in through a provider: its password and second factor are set there, not here.",
};
const OLD: Text = Text { vi: "Mật khẩu hiện nay", en: "Present password" };
const NEW: Text =
    Text { vi: "Mật khẩu mới (12 ký tự trở lên)", en: "New password (12 characters or more)" };
const AGAIN: Text = Text { vi: "Nhập lại mật khẩu mới", en: "The new password once more" };
const SAVE: Text = Text { vi: "Lưu", en: "Save" };
const WRONG: Text = Text { vi: "Mật khẩu hiện nay không đúng.", en: "The present password is wrong." };
const DIFFER: Text =
    Text { vi: "Hai lần nhập mật khẩu mới không giống nhau.", en: "The two new passwords differ." };
const FACTOR: Text = Text { vi: "Đăng ký mã xác thực", en: "Set up the second factor" };
const FACTOR_HOW: Text = Text {
    vi: "Mở ứng dụng tạo mã trên điện thoại (loại dùng chuẩn TOTP), quét hình dưới đây hoặc nhập khóa, rồi nhập mã 6 số đang hiện.",
    en: "Open an authenticator application (TOTP) on your phone, scan the picture or type the key, then enter the 6-digit number it shows.",
};
const FACTOR_KEY: Text = Text { vi: "Khóa", en: "Key" };
const FACTOR_NUMBER: Text = Text { vi: "Mã 6 số", en: "6-digit number" };
const FACTOR_WRONG: Text = Text {
    vi: "Mã không đúng. Kiểm tra giờ của điện thoại rồi thử lại.",
    en: "The number is wrong. Check the phone's clock and try again.",
};
const FACTOR_SET: Text = Text {
    vi: "Tài khoản đã có mã xác thực. Mất điện thoại: nhờ quản trị xóa mã để đăng ký lại.",
    en: "The second factor is set up. If the phone is lost, an administrator can remove it so that you set it up anew.",
};

/// Whether whoever is signed in came through a provider: password and second factor are matters of that provider.
fn is_provided(call: &Call<'_>) -> bool {
    call.who.as_ref().is_some_and(|who| is_by_provider(&who.account.password))
}

fn provided(call: &Call<'_>) -> Reply {
    let lang = call.lang;
    let main = html! { h1 { (lang.say(&PASSWORD)) } p.verdict.good { (lang.say(&PROVIDED)) } };
    Reply::Page(lang.say(&PASSWORD).to_owned(), main)
}

pub async fn password(call: &Call<'_>) -> Answer {
    if is_provided(call) {
        return Ok(provided(call));
    }
    Ok(password_form(call, None))
}

fn password_form(call: &Call<'_>, wrong: Option<Text>) -> Reply {
    let lang = call.lang;
    let must = call.who.as_ref().is_some_and(|who| who.account.must_change);
    Reply::Page(
        lang.say(&PASSWORD).to_owned(),
        html! {
            h1 { (lang.say(&PASSWORD)) }
            @if must { p.verdict.warn { (lang.say(&MUST)) } }
            @if let Some(wrong) = wrong { p.verdict.bad role="alert" { (lang.say(&wrong)) } }
            form.column method="post" action="/account/password" {
                (token(call.csrf()))
                p { label for="old" { (lang.say(&OLD)) } input id="old" name="old" type="password" required autocomplete="current-password"; }
                p { label for="new" { (lang.say(&NEW)) } input id="new" name="new" type="password" required autocomplete="new-password" minlength="12"; }
                p { label for="again" { (lang.say(&AGAIN)) } input id="again" name="again" type="password" required autocomplete="new-password"; }
                p { button type="submit" { (lang.say(&SAVE)) } }
            }
            p { a href="/account/second-factor" { (lang.say(&FACTOR)) } }
        },
    )
}

pub async fn set_password(call: &Call<'_>) -> Answer {
    let account = call.account()?;
    if is_provided(call) {
        return Err(FORBIDDEN);
    }
    let console = call.console;
    let field = |name| call.form.raw(name).unwrap_or_default();
    if !console.passwords.is_right(Some(account), field("old")).await {
        return Ok(password_form(call, Some(WRONG)));
    }
    if field("new") != field("again") {
        return Ok(password_form(call, Some(DIFFER)));
    }
    if let Some(weak) = access::weakness(field("new"), &account.name) {
        return Ok(password_form(call, Some(weak)));
    }
    let hashed = console.passwords.hash(field("new")).await.ok_or(DEFECT)?;
    let change = Change { password: Some((hashed, false)), end_sessions: true, ..Change::default() };
    changed(call, Kind::Password, change).await?;
    // All sessions ended; this one goes on under a new name.
    let session = sign_in::begin(call, account).await?;
    Ok(Reply::SeenWith("/".to_owned(), console.cookie(Some(&session))))
}

async fn changed(call: &Call<'_>, kind: Kind, change: Change) -> Result<(), Problem> {
    let account = call.account()?;
    let effects = vec![Effect::ChangeAccount(account.id, Box::new(change))];
    let on = (kind, account.name.as_str());
    let done = call.console.desk.record(&Actor::alone(&account.name), on, None, Vec::new(), effects).await;
    done.map(|_| ()).map_err(|fault| refused(&fault))
}

pub async fn second_factor(call: &Call<'_>) -> Answer {
    let account = call.account()?;
    if is_provided(call) {
        return Ok(provided(call));
    }
    if account.totp.is_some() {
        let lang = call.lang;
        let main = html! {
            h1 { (lang.say(&FACTOR)) }
            p.verdict.good { (lang.say(&FACTOR_SET)) }
            p { a href="/account/password" { (lang.say(&PASSWORD)) } }
        };
        return Ok(Reply::Page(lang.say(&FACTOR).to_owned(), main));
    }
    let secret = new_secret().ok_or(DEFECT)?;
    factor_form(call, &secret, false)
}

fn factor_form(call: &Call<'_>, secret: &[u8], wrong: bool) -> Answer {
    let (lang, account) = (call.lang, call.account()?);
    let key = access::base32(secret);
    let picture = picture(&access::otpauth(secret, &account.name, call.console.desk.hop.as_str()));
    let groups: Vec<String> =
        key.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    Ok(Reply::Page(
        lang.say(&FACTOR).to_owned(),
        html! {
            h1 { (lang.say(&FACTOR)) }
            p { (lang.say(&FACTOR_HOW)) }
            @if wrong { p.verdict.bad role="alert" { (lang.say(&FACTOR_WRONG)) } }
            @if let Some(picture) = picture { div.qr role="img" aria-label=(lang.of_two("Mã QR của khóa", "QR code of the key")) { (picture) } }
            p { (lang.say(&FACTOR_KEY)) ": " span.said { (groups.join(" ")) } }
            form.column method="post" action="/account/second-factor" {
                (token(call.csrf()))
                input type="hidden" name="key" value=(key);
                p { label for="number" { (lang.say(&FACTOR_NUMBER)) } input id="number" name="number" inputmode="numeric" autocomplete="one-time-code" required maxlength="7"; }
                p { button type="submit" { (lang.say(&SAVE)) } }
            }
        },
    ))
}

fn picture(text: &str) -> Option<Markup> {
    let code = qrcode::QrCode::new(text.as_bytes()).ok()?;
    let picture = code.render::<svg::Color<'_>>().min_dimensions(192, 192).build();
    // The declaration before the element belongs to a file, not to a page.
    picture.find("<svg").and_then(|at| picture.get(at..)).map(|svg| PreEscaped(svg.to_owned()))
}

pub async fn set_second_factor(call: &Call<'_>) -> Answer {
    let account = call.account()?;
    if account.totp.is_some() || is_provided(call) {
        return Err(FORBIDDEN);
    }
    let secret = call.form.get("key").and_then(access::from_base32).ok_or(BAD_FORM)?;
    let number = call.form.get("number").unwrap_or_default();
    if access::step_of_number(&secret, number, call.now).is_none() {
        return factor_form(call, &secret, true);
    }
    changed(call, Kind::SecondFactor, Change { totp: Some(Some(secret)), ..Change::default() }).await?;
    Ok(Reply::Seen("/".to_owned()))
}
