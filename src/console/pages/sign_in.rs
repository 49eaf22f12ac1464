//! Signing in and out, and the choice of a language.

use lienthong_contract::Text;
use maud::html;

use super::super::access::{self, Right, random_text, token_digest};
use super::super::http::{Answer, DEFECT, Problem, Reply, TOO_OFTEN, own_path};
use super::super::words::{COOKIE, Lang};
use super::super::{Call, Who};
use super::refused;
use crate::acts::{Actor, Kind};
use crate::store::console::{Account, Attempt, Effect, Session};

/// Failed attempts after which an account is locked, and for how long.
const MOST_FAILURES: u32 = 5;
const LOCKED_FOR_MILLIS: i64 = 15 * 60_000;
/// Sessions of one account at once.
const SESSIONS: usize = 5;

const TITLE: Text = Text { vi: "Đăng nhập", en: "Sign in" };
const NAME: Text = Text { vi: "Tên tài khoản", en: "Account name" };
const PASSWORD: Text = Text { vi: "Mật khẩu", en: "Password" };
const NUMBER: Text = Text { vi: "Mã xác thực 6 số (nếu đã đăng ký)", en: "6-digit number (if set up)" };
const THROUGH: Text = Text { vi: "Đăng nhập qua", en: "Sign in through" };
const WRONG: Text = Text {
    vi: "Không đăng nhập được: tên, mật khẩu hoặc mã xác thực không đúng, hoặc tài khoản đang bị khóa.",
    en: "Not signed in: name, password or number is wrong, or the account is locked.",
};

/// The first page of whoever comes.
pub async fn home(call: &Call<'_>) -> Answer {
    let to = match &call.who {
        None => "/sign-in",
        Some(_) if call.may(Right::Gateway) => "/overview",
        Some(_) => "/documents",
    };
    Ok(Reply::Seen(to.to_owned()))
}

pub async fn language(call: &Call<'_>) -> Answer {
    let lang = if call.query.get("to") == Some("en") { Lang::En } else { Lang::Vi };
    let cookie = format!("{COOKIE}={}; Path=/; SameSite=Lax; Max-Age=31536000", lang.code());
    Ok(Reply::SeenWith(own_path(call.query.get("back")).to_owned(), cookie))
}

pub async fn form(call: &Call<'_>) -> Answer {
    Ok(shown(call, None, call.query.get("to")))
}

/// The page to sign in at, with what went wrong before.
pub fn shown(call: &Call<'_>, wrong: Option<Text>, to: Option<&str>) -> Reply {
    let lang = call.lang;
    let oidc = call.console.oidc.as_deref();
    let there = || {
        let to: String = form_urlencoded::byte_serialize(to.unwrap_or("/").as_bytes()).collect();
        format!("/sign-in/oidc?to={to}")
    };
    Reply::Page(
        lang.say(&TITLE).to_owned(),
        html! {
            h1 { (lang.say(&TITLE)) }
            @if let Some(wrong) = wrong { p.verdict.bad role="alert" { (lang.say(&wrong)) } }
            @if let Some(oidc) = oidc { p { a.button href=(there()) { (lang.say(&THROUGH)) " " (oidc.label) } } }
            form.column method="post" action="/sign-in" {
                @if let Some(to) = to { input type="hidden" name="to" value=(own_path(Some(to))); }
                p { label for="name" { (lang.say(&NAME)) } input id="name" name="name" required autocomplete="username" autocapitalize="none"; }
                p { label for="password" { (lang.say(&PASSWORD)) } input id="password" name="password" type="password" required autocomplete="current-password"; }
                p { label for="number" { (lang.say(&NUMBER)) } input id="number" name="number" inputmode="numeric" autocomplete="one-time-code" maxlength="7"; }
                p { button type="submit" { (lang.say(&TITLE)) } }
            }
        },
    )
}

pub async fn sign_in(call: &Call<'_>) -> Answer {
    let console = call.console;
    if !console.turnstile.lets_in(call.from, call.now) {
        return Err(TOO_OFTEN);
    }
    let name = call.form.get("name").unwrap_or_default().to_lowercase();
    let account = console.store.account(&name).await?;
    let password = call.form.raw("password").unwrap_or_default();
    let right = console.passwords.is_right(account.as_ref(), password).await;
    let Some(account) = account else { return Ok(shown(call, Some(WRONG), call.form.get("to"))) };
    let locked = account.disabled || account.locked_until.is_some_and(|until| until > call.now);
    if locked {
        return Ok(shown(call, Some(WRONG), call.form.get("to")));
    }
    let step = match &account.totp {
        None => Some(None),
        Some(secret) => access::step_of_number(secret, call.form.get("number").unwrap_or_default(), call.now).map(Some),
    };
    let good = match step.filter(|_| right) {
        Some(step) => console.store.attempted(account.id, Attempt::Good { step }, call.now).await?,
        None => {
            let locked_until = call.now.plus_millis(LOCKED_FOR_MILLIS);
            let bad = Attempt::Bad { most: MOST_FAILURES, locked_until };
            console.store.attempted(account.id, bad, call.now).await?;
            false
        }
    };
    let kind = if good { Kind::SignIn } else { Kind::SignInRefused };
    let subject = call.from.to_string();
    let on = (kind, subject.as_str());
    let effects = vec![Effect::Nothing];
    console
        .desk
        .record(&Actor::alone(&account.name), on, None, Vec::new(), effects)
        .await
        .map_err(|fault| refused(&fault))?;
    if !good {
        tracing::warn!(account = %account.name, from = %call.from, "a sign-in at the console was refused");
        return Ok(shown(call, Some(WRONG), call.form.get("to")));
    }
    let token = begin(call, &account).await?;
    let to = call.form.get("to").map_or("/", |to| own_path(Some(to)));
    Ok(Reply::SeenWith(to.to_owned(), console.cookie(Some(&token))))
}

/// A new session; gives what the browser holds.
pub async fn begin(call: &Call<'_>, account: &Account) -> Result<String, Problem> {
    let console = call.console;
    let (Some(token), Some(csrf)) = (random_text::<32>(), random_text::<24>()) else { return Err(DEFECT) };
    let length = i64::try_from(console.settings.session.as_millis()).unwrap_or(i64::MAX);
    let session = Session {
        token: token_digest(&token),
        account: account.id,
        csrf,
        created_at: call.now,
        seen_at: call.now,
        until: call.now.plus_millis(length),
        address: call.from.to_string(),
    };
    console.store.begin_session(session, SESSIONS).await?;
    Ok(token)
}

pub async fn sign_out(call: &Call<'_>) -> Answer {
    let Some(Who { session, account }) = &call.who else { return Ok(Reply::Seen("/".to_owned())) };
    call.console.store.end_session(session.token).await?;
    let subject = call.from.to_string();
    let on = (Kind::SignOut, subject.as_str());
    let actor = Actor::alone(&account.name);
    let recorded = call.console.desk.record(&actor, on, None, Vec::new(), vec![Effect::Nothing]);
    recorded.await.map_err(|fault| refused(&fault))?;
    Ok(Reply::SeenWith("/sign-in".to_owned(), call.console.cookie(None)))
}
