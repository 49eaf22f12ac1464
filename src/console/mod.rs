//! The console: pages for the few people who keep a province's documents moving.
//!
//! ```text
//!  request ─► routes: which page, and what right it needs ─► session, form token ─► page ─► frame ─► answer
//!                                                              store, desk, board, proofs
//! ```
//!
//! * [`ROUTES`](routes::ROUTES) is the list of all pages with the right that each needs; there is no other way to one.
//! * [`access`] knows passwords, second factors and rights; the store knows accounts and sessions.
//! * [`board`] is what the overview shows, looked up every few seconds, however many look at it.
//! * What is done goes over [`crate::acts::Desk`], which writes it down.
//!
//! Invariants: a page that needs a right is never made without it; a form counts only with its session's token; whoever is
//! bound to an agency reads of documents only those that it sent or was sent; no page loads anything from elsewhere, and
//! none needs a script to be used. What comes from documents is escaped by the template.
//!
//! Failure story: the console keeps nothing in memory but the board; after a restart sessions go on. A page that fails is
//! one page: the gateway does not notice.

pub mod access;
pub mod board;
mod frame;
mod http;
pub mod oidc;
pub mod outgoing;
mod pages;
pub mod routes;
pub mod words;

pub use pages::accounts::is_name as is_account_name;

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_DISPOSITION, HOST, HeaderValue, ORIGIN};
use hyper::http::request::Parts as Head;
use hyper::{Method, Request, Response, StatusCode};
use lienthong_contract::{Clock, Instant};
use lienthong_door_kit::outward::{OutBody, whole};
use lienthong_door_kit::upload::{Fault as BodyFault, Paced};
use lienthong_door_kit::{HttpDoor, Limits};
use tokio_util::task::TaskTracker;

use crate::acts::Desk;
use crate::alarms::herald::Herald;
use crate::canary::runs::Runs;
use crate::certificates;
use crate::directory::Directory;
use crate::preview::page::turnstile::Turnstile;
use crate::proof::Proofs;
use crate::receipts::HopKeys;
use crate::statistics::Statistics;
use crate::store::console::{Account, Session};
use crate::store::{BooksStore, ConsoleStore, SearchStore, Store, WatchStore};
use access::{Passwords, Right};
use board::Board;
use http::{
    Answer, EXPIRED, FORBIDDEN, Fields, Problem, Reply, TOO_LARGE, cookie, elsewhere, html, own_path, response,
};
use oidc::Oidc;
use routes::{Need, Route};
use words::Lang;

/// Everything the store can do for the console.
pub trait Stores: Store + ConsoleStore + SearchStore + WatchStore + BooksStore {}
impl<T: Store + ConsoleStore + SearchStore + WatchStore + BooksStore> Stores for T {}

/// Largest body of a form, and of one with a file.
const MAX_FORM: u64 = 256 << 10;
/// Sign-ins that one address may try in a minute.
const SIGN_INS: u32 = 20;

/// How the console is set.
#[derive(Debug, Clone)]
pub struct Settings {
    pub limits: Limits,
    /// Behind a proxy that has the TLS: cookies are marked all the same, their name is another.
    pub plain_http: bool,
    pub require_totp: bool,
    pub idle: Duration,
    pub session: Duration,
    /// Milliseconds within which a test document is to be handed over; none when none are sent.
    pub canary_limit: Option<i64>,
    /// What a recipient has not collected within so many working hours is late: receipt is acknowledged the same day
    /// (NĐ 30/2020 Điều 21.2c).
    pub not_taken_hours: u32,
}

/// The console of one gateway.
pub struct Console {
    pub store: Arc<dyn Stores>,
    pub desk: Desk,
    pub directory: Arc<Directory>,
    pub board: Arc<Board>,
    pub alarms: Arc<Herald>,
    pub certificates: Arc<certificates::Last>,
    pub proofs: Arc<Proofs>,
    pub keys: Arc<dyn HopKeys>,
    pub blobs: crate::store::Blobs,
    pub clock: Arc<dyn Clock>,
    pub statistics: Arc<Statistics>,
    pub runs: Arc<Runs>,
    pub settings: Settings,
    /// The provider through which people may sign in as well.
    oidc: Option<Arc<Oidc>>,
    outgoing: outgoing::Rules,
    kept: outgoing::Kept,
    passwords: Passwords,
    turnstile: Turnstile,
    /// Wrong tokens of the feed.
    knocks: Turnstile,
    work: TaskTracker,
}

/// What a console is made from.
pub struct Parts {
    pub store: Arc<dyn Stores>,
    pub desk: Desk,
    pub directory: Arc<Directory>,
    pub board: Arc<Board>,
    pub alarms: Arc<Herald>,
    pub certificates: Arc<certificates::Last>,
    pub proofs: Arc<Proofs>,
    pub keys: Arc<dyn HopKeys>,
    pub blobs: crate::store::Blobs,
    pub clock: Arc<dyn Clock>,
    pub statistics: Arc<Statistics>,
    /// What became of test documents.
    pub runs: Arc<Runs>,
    pub settings: Settings,
    pub oidc: Option<Arc<Oidc>>,
    /// What of the statistics goes out.
    pub outgoing: outgoing::Rules,
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Who {
    pub session: Session,
    pub account: Account,
}

/// One request, as a page sees it.
pub struct Call<'a> {
    pub console: &'a Console,
    pub head: &'a Head,
    /// What stands in the path in the places of `{…}`.
    pub places: Vec<String>,
    pub query: Fields,
    pub form: Fields,
    pub who: Option<Who>,
    pub lang: Lang,
    pub from: IpAddr,
    pub now: Instant,
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("path", &self.head.uri.path()).finish_non_exhaustive()
    }
}

impl Call<'_> {
    /// The account; pages that need a right have one.
    fn account(&self) -> Result<&Account, Problem> {
        self.who.as_ref().map(|who| &who.account).ok_or(FORBIDDEN)
    }

    fn csrf(&self) -> &str {
        self.who.as_ref().map_or("", |who| who.session.csrf.as_str())
    }

    fn may(&self, right: Right) -> bool {
        self.who.as_ref().is_some_and(|who| access::has(&who.account, right))
    }

    fn place(&self, nr: usize) -> &str {
        self.places.get(nr).map_or("", String::as_str)
    }
}

impl HttpDoor for Console {
    fn limits(&self) -> &Limits {
        &self.settings.limits
    }

    fn work(&self) -> &TaskTracker {
        &self.work
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>, from: IpAddr) -> Response<OutBody> {
        let (head, body) = request.into_parts();
        let answering = AssertUnwindSafe(self.serve(&head, body, from)).catch_unwind();
        let mut answer = answering.await.unwrap_or_else(|_| {
            tracing::error!(path = head.uri.path(), "a page of the console failed by a defect");
            self.problem(&http::DEFECT, None, Lang::of(&head))
        });
        if head.method == Method::HEAD {
            *answer.body_mut() = whole(bytes::Bytes::new());
        }
        answer
    }
}

impl Console {
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { store, desk, directory, board, alarms, certificates, proofs, keys, blobs, clock, .. } = parts;
        let (statistics, runs, settings, outgoing) = (parts.statistics, parts.runs, parts.settings, parts.outgoing);
        let oidc = parts.oidc;
        Self {
            store,
            desk,
            directory,
            board,
            alarms,
            certificates,
            proofs,
            keys,
            blobs,
            clock,
            statistics,
            runs,
            settings,
            oidc,
            outgoing,
            kept: outgoing::Kept::default(),
            passwords: Passwords::default(),
            turnstile: Turnstile::new(SIGN_INS),
            knocks: Turnstile::new(SIGN_INS),
            work: TaskTracker::new(),
        }
    }

    async fn serve(&self, head: &Head, body: Incoming, from: IpAddr) -> Response<OutBody> {
        let lang = Lang::of(head);
        let reading = matches!(head.method, Method::GET | Method::HEAD);
        let (route, places) = match routes::find(&head.method, head.uri.path()) {
            Ok(found) => found,
            Err(problem) => {
                drop(body);
                let mut answer = self.problem(&problem, None, lang);
                if problem.status == StatusCode::METHOD_NOT_ALLOWED {
                    answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
                }
                return answer;
            }
        };
        let who = match self.who(head).await {
            Ok(who) => who,
            Err(problem) => return self.problem(&problem, None, lang),
        };
        if let Err(stop) = self.lets_in(route, who.as_ref(), head) {
            return match stop {
                Stop::Elsewhere(to) => elsewhere(&to, None),
                Stop::Problem(problem) => self.problem(&problem, who.as_ref(), lang),
            };
        }
        let form = if reading { Ok(Fields::default()) } else { self.form(head, body, route, who.as_ref()).await };
        let form = match form {
            Ok(form) => form,
            Err(problem) => return self.problem(&problem, who.as_ref(), lang),
        };
        let query = Fields::read(head.uri.query().unwrap_or_default().as_bytes());
        let call = Call { console: self, head, places, query, form, who, lang, from, now: self.clock.now() };
        let answer = (route.run)(&call).await;
        self.finish(answer, &call)
    }

    /// Whether this page is for this person now.
    fn lets_in(&self, route: &Route, who: Option<&Who>, head: &Head) -> Result<(), Stop> {
        let Need::Public = route.need else {
            let Some(who) = who else {
                let path = own_path(head.uri.path_and_query().map(hyper::http::uri::PathAndQuery::as_str));
                let to: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
                return Err(if head.method == Method::POST || route.is_part {
                    Stop::Problem(FORBIDDEN)
                } else {
                    Stop::Elsewhere(format!("/sign-in?to={to}"))
                });
            };
            let Need::May(right) = route.need else { return Ok(()) };
            // Before anything else one's own password and second factor are set.
            if who.account.must_change {
                return Err(Stop::Elsewhere("/account/password".to_owned()));
            }
            // Whoever comes through a provider has shown there whatever it asks for.
            let own = !oidc::is_by_provider(&who.account.password);
            if own && self.settings.require_totp && who.account.totp.is_none() {
                return Err(Stop::Elsewhere("/account/second-factor".to_owned()));
            }
            return if access::has(&who.account, right) { Ok(()) } else { Err(Stop::Problem(FORBIDDEN)) };
        };
        Ok(())
    }

    /// What a form sent, once it is certain that it is one of ours.
    async fn form(&self, head: &Head, body: Incoming, route: &Route, who: Option<&Who>) -> Result<Fields, Problem> {
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let same_site = header("sec-fetch-site").is_none_or(|site| site == "same-origin");
        let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let origin = head.headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
        let same_origin = origin.is_none_or(|origin| origin.split_once("://").is_some_and(|(_, at)| at == host));
        let max = if route.takes_file { pages::agencies::MAX_FILE } else { MAX_FORM };
        let paced = Paced::new(body, max, &self.settings.limits);
        if !same_site || !same_origin {
            paced.throw_away().await;
            return Err(EXPIRED);
        }
        let bytes = paced.whole().await.map_err(|fault: BodyFault| match fault {
            BodyFault::TooLarge => TOO_LARGE,
            _ => http::BAD_FORM,
        })?;
        let form = if route.takes_file { pages::agencies::form_of(head, bytes)? } else { Fields::read(&bytes) };
        let token = who.map(|who| who.session.csrf.as_str());
        match token {
            Some(token) if form.get("csrf").is_none_or(|sent| !same(sent, token)) => Err(EXPIRED),
            None if !matches!(route.need, Need::Public) => Err(EXPIRED),
            _ => Ok(form),
        }
    }

    const fn cookie_name(&self) -> &'static str {
        if self.settings.plain_http { "lienthong" } else { "__Host-lienthong" }
    }

    /// The cookie that holds a session, or ends it when there is none.
    fn cookie(&self, token: Option<&str>) -> String {
        let secure = if self.settings.plain_http { "" } else { "; Secure" };
        let age = if token.is_some() { String::new() } else { "; Max-Age=0".to_owned() };
        format!("{}={}; Path=/; HttpOnly; SameSite=Strict{secure}{age}", self.cookie_name(), token.unwrap_or_default())
    }

    const fn attempt_name(&self) -> &'static str {
        if self.settings.plain_http { "lienthong-attempt" } else { "__Host-lienthong-attempt" }
    }

    /// The cookie of somebody who is at the provider. The browser sends it along when the provider sends it back, which
    /// it would not with that of a session.
    fn attempt_cookie(&self, browser: &str) -> String {
        let secure = if self.settings.plain_http { "" } else { "; Secure" };
        let age = if browser.is_empty() { 0 } else { oidc::GOOD_FOR / 1000 };
        format!("{}={browser}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}", self.attempt_name())
    }

    async fn who(&self, head: &Head) -> Result<Option<Who>, Problem> {
        let Some(token) = cookie(head, self.cookie_name()).filter(|token| !token.is_empty()) else { return Ok(None) };
        let now = self.clock.now();
        let idle = i64::try_from(self.settings.idle.as_millis()).unwrap_or(i64::MAX);
        let since = now.plus_millis(-idle);
        let found = self.store.session(access::token_digest(token), now, since).await?;
        Ok(found.map(|(session, account)| Who { session, account }))
    }

    fn problem(&self, problem: &Problem, who: Option<&Who>, lang: Lang) -> Response<OutBody> {
        html(problem.status, frame::problem(self, problem, who, lang).into_string())
    }

    fn finish(&self, answer: Answer, call: &Call<'_>) -> Response<OutBody> {
        match answer {
            Ok(Reply::Page(title, main)) => html(StatusCode::OK, frame::page(call, &title, &main).into_string()),
            Ok(Reply::Part(part)) => html(StatusCode::OK, part.into_string()),
            Ok(Reply::Seen(to)) => elsewhere(&to, None),
            Ok(Reply::SeenWith(to, cookie)) => elsewhere(&to, Some(&cookie)),
            Ok(Reply::File(kind, name, bytes)) => file(kind, &name, whole(bytes)),
            Ok(Reply::Stream(kind, name, body)) => file(kind, &name, body),
            Ok(Reply::Whole(answer)) => answer,
            Ok(Reply::Json(bytes)) => response(StatusCode::OK, "application/json", whole(bytes.into())),
            Err(problem) => self.problem(&problem, call.who.as_ref(), call.lang),
        }
    }
}

/// Why a request goes no further.
enum Stop {
    Elsewhere(String),
    Problem(Problem),
}

/// Whether two tokens are the same, in a time that does not tell how much of them is.
fn same(one: &str, other: &str) -> bool {
    let one = lienthong_contract::Digest::of(one.as_bytes());
    one == lienthong_contract::Digest::of(other.as_bytes())
}

fn file(kind: &'static str, name: &str, body: OutBody) -> Response<OutBody> {
    let mut answer = response(StatusCode::OK, kind, body);
    let plain: String = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '_' })
        .collect();
    // Styles and scripts are used, not saved.
    if !name.is_empty()
        && let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{plain}\""))
    {
        answer.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
    answer
}
