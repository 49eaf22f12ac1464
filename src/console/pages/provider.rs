//! Signing in through a provider: the way there and the way back.

use hyper::StatusCode;
use hyper::header::{HeaderValue, SET_COOKIE};
use lienthong_contract::Text;
use maud::{DOCTYPE, html};

use super::super::Call;
use super::super::http::{Answer, NOT_FOUND, Problem, Reply, TOO_OFTEN, cookie, html as page_of, own_path};
use super::super::oidc::token::Person;
use super::super::oidc::{Back, Oidc, bound_to, is_by_provider, is_of};
use super::{refused, sign_in};
use crate::acts::{Actor, Kind};
use crate::store::console::{Account, Attempt, Change, Effect};

const AWAY: Text = Text {
    vi: "Nhà cung cấp đăng nhập đang không trả lời. Thử lại sau ít phút, hoặc dùng mật khẩu nếu tài khoản có mật khẩu.",
    en: "The sign-in provider does not answer just now. Try again in a few minutes, or use a password if the account has one.",
};
const NOT_IN: Text = Text {
    vi: "Không đăng nhập được qua nhà cung cấp: lượt đăng nhập đã quá 10 phút hoặc bị hủy, hoặc chưa có tài khoản ở đây được phép đăng nhập bằng cách này. Thử lại; nếu vẫn không được, hỏi quản trị của trục.",
    en: "Not signed in through the provider: the attempt took more than 10 minutes or was given up, or no account here may sign in so. Try again; if it fails again, ask the gateway's administrator.",
};
const IN: Text = Text { vi: "Đã đăng nhập", en: "Signed in" };
const ON: Text = Text { vi: "Tiếp tục", en: "Go on" };

fn provider<'a>(call: &Call<'a>) -> Result<&'a Oidc, Problem> {
    call.console.oidc.as_deref().ok_or(NOT_FOUND)
}

/// To the provider.
pub async fn begin(call: &Call<'_>) -> Answer {
    let oidc = provider(call)?;
    if !call.console.turnstile.lets_in(call.from, call.now) {
        return Err(TOO_OFTEN);
    }
    let to = call.query.get("to").map_or("/", |to| own_path(Some(to)));
    match oidc.begin(to, call.now).await {
        Ok(begun) => Ok(Reply::SeenWith(begun.at, call.console.attempt_cookie(&begun.browser))),
        Err(fault) => {
            tracing::error!(issuer = %oidc.provider.client.issuer, fault, "the sign-in provider cannot be asked");
            Ok(sign_in::shown(call, Some(AWAY), Some(to)))
        }
    }
}

/// Back from the provider.
pub async fn back(call: &Call<'_>) -> Answer {
    let oidc = provider(call)?;
    let given = Back {
        browser: cookie(call.head, call.console.attempt_name()),
        state: call.query.get("state"),
        code: call.query.get("code"),
        issuer: call.query.get("iss"),
        error: call.query.get("error"),
    };
    let (person, to) = match oidc.end(&given, call.now).await {
        Ok(ended) => ended,
        Err(fault) => {
            tracing::warn!(from = %call.from, fault, "a sign-in through the provider failed");
            return Ok(sign_in::shown(call, Some(NOT_IN), None));
        }
    };
    let account = call.console.store.account(&person.name).await?;
    let Some(account) = account else {
        tracing::warn!(name = ?person.name, from = %call.from, "the provider knows somebody who has no account here");
        return Ok(sign_in::shown(call, Some(NOT_IN), None));
    };
    // A lock is of guessed passwords, and there is none to guess.
    let good = !account.disabled && is_by_provider(&account.password) && is_of(&account.password, &person);
    record(call, &account, &person, good).await?;
    if !good {
        tracing::warn!(account = %account.name, from = %call.from, "a sign-in through the provider was refused");
        return Ok(sign_in::shown(call, Some(NOT_IN), None));
    }
    call.console.store.attempted(account.id, Attempt::Good { step: None }, call.now).await?;
    let token = sign_in::begin(call, &account).await?;
    Ok(arrived(call, &token, &to))
}

/// Writes down that somebody came; the first who does is whose account it is.
async fn record(call: &Call<'_>, account: &Account, person: &Person, good: bool) -> Result<(), Problem> {
    let kind = if good { Kind::SignIn } else { Kind::SignInRefused };
    let bound = bound_to(Some(&person.subject));
    let effect = if good && account.password != bound {
        let change = Change { password: Some((bound, false)), ..Change::default() };
        Effect::ChangeAccount(account.id, Box::new(change))
    } else {
        Effect::Nothing
    };
    let subject = format!("{} OIDC", call.from);
    let actor = Actor::alone(&account.name);
    let recorded = call.console.desk.record(&actor, (kind, &subject), None, Vec::new(), vec![effect]);
    recorded.await.map(|_| ()).map_err(|fault| refused(&fault))
}

/// The page that leads on. It is a page and no redirection: the browser came from the provider's place, and from there it
/// would not take the cookie of the session along.
fn arrived(call: &Call<'_>, token: &str, to: &str) -> Reply {
    let (lang, console) = (call.lang, call.console);
    let page = html! {
        (DOCTYPE)
        html lang=(lang.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="refresh" content=(format!("0; url={to}"));
                title { (lang.say(&IN)) }
                link rel="stylesheet" href="/style.css";
            }
            body { main { h1 { (lang.say(&IN)) } p { a href=(to) { (lang.say(&ON)) } } } }
        }
    };
    let mut answer = page_of(StatusCode::OK, page.into_string());
    for cookie in [console.cookie(Some(token)), console.attempt_cookie("")] {
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            answer.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    Reply::Whole(answer)
}
