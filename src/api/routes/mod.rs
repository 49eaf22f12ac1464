//! The table of addresses, and the door that every request goes through.
//!
//! [`Door`] adds what was proved about the peer, catches panics, and gives every answer its last form: whatever is
//! refused, by us or by a library, leaves as a problem.

mod agencies;
mod health;
mod inbox;
mod log;
mod packets;

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Uri};
use lienthong_contract::door::Identity;
use lienthong_contract::{Digest, Finding, Kind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::callers::{Caller, Callers};
use super::problem::{self, Problem};
use super::stall::Activity;
use super::{Api, Limits, OPENAPI, findings};

const PACKETS: &str = "/v1/packets";
const PACKET: &str = "/v1/packets/{id}";
const PROOF: &str = "/v1/packets/{id}/proof";
const INBOX: &str = "/v1/inbox";
const CONTENT: &str = "/v1/inbox/{id}/content";
const ACK: &str = "/v1/inbox/{id}/ack";
const AGENCIES: &str = "/v1/agencies";
const DESCRIPTION: &str = "/v1/openapi.json";
const CHECKPOINT: &str = "/ledger/checkpoint";
const LOG_KEY: &str = "/ledger/key";
const TILE: &str = "/ledger/tile/{level}/{*index}";
const LIVE: &str = "/health/live";
const READY: &str = "/health/ready";
const METRICS: &str = "/metrics";

/// What the requests share.
#[derive(Debug)]
pub struct Shared {
    pub api: Api,
    pub callers: Callers,
    /// Calls of the intake and the mailbox; they run to their end even when the caller hangs up.
    pub work: TaskTracker,
    /// Places for tiles of the log that are read at once.
    pub tiles: Semaphore,
}

/// The most tiles read at once: half of the store's readers stay free.
const TILES_AT_ONCE: usize = 2;

impl Shared {
    pub fn new(api: Api) -> Self {
        Self { api, callers: Callers::default(), work: TaskTracker::new(), tiles: Semaphore::new(TILES_AT_ONCE) }
    }

    /// Runs a call that must not be cut off in its middle when the connection breaks.
    async fn whole<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Box<Problem>> {
        self.work.spawn(call).await.map_err(|_| Problem::of(&problem::INTERNAL, &findings::CRASHED))
    }

    fn refused(&self, refusal: lienthong_contract::door::Refusal) -> Box<Problem> {
        Problem::from_refusal(refusal, self.api.limits.retry_after)
    }
}

type State = axum::extract::State<Arc<Shared>>;

pub fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route(PACKETS, post(packets::submit))
        .route(PACKET, get(packets::trace))
        .route(PROOF, get(packets::proof))
        .route(INBOX, get(inbox::list))
        .route(CONTENT, get(inbox::content))
        .route(ACK, post(inbox::acknowledge))
        .route(AGENCIES, get(agencies::list))
        .route(DESCRIPTION, get(description))
        .route(CHECKPOINT, get(log::checkpoint))
        .route(LOG_KEY, get(log::key))
        .route(TILE, get(log::tile))
        .route(LIVE, get(health::live))
        .route(READY, get(health::ready))
        .route(METRICS, get(health::metrics))
        .fallback(|| async { no_route() })
        .method_not_allowed_fallback(|| async { wrong_method() })
        .with_state(shared)
}

/// The table again, for the test that holds the description against it.
#[cfg(test)]
pub const ROUTES: &[(&str, &str)] = &[
    ("post", PACKETS),
    ("get", PACKET),
    ("get", PROOF),
    ("get", INBOX),
    ("get", CONTENT),
    ("post", ACK),
    ("get", AGENCIES),
    ("get", DESCRIPTION),
    ("get", CHECKPOINT),
    ("get", LOG_KEY),
    ("get", "/ledger/tile/{level}/{index}"),
    ("get", LIVE),
    ("get", READY),
    ("get", METRICS),
];

async fn description() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], OPENAPI)
}

fn no_route() -> Box<Problem> {
    Problem::of(&problem::NOT_FOUND, &findings::NO_ROUTE)
}

fn wrong_method() -> Box<Problem> {
    Problem::of(&problem::WRONG_METHOD, &findings::WRONG_METHOD)
}

/// What the TLS handshake proved.
#[derive(Debug, Clone)]
pub enum Peer {
    /// No certificate was shown.
    Nobody,
    Known(Arc<Caller>),
    /// A certificate was shown, but there is no room to keep its account.
    OneTooMany,
}

impl Peer {
    pub fn meet(certificate: Option<Digest>, shared: &Shared) -> Self {
        match certificate {
            None => Self::Nobody,
            Some(fingerprint) => {
                shared.callers.meet(fingerprint, &shared.api.limits).map_or(Self::OneTooMany, Self::Known)
            }
        }
    }
}

/// A caller whose certificate is registered and who keeps within its rate.
struct Authenticated {
    identity: Identity,
    caller: Arc<Caller>,
}

impl FromRequestParts<Arc<Shared>> for Authenticated {
    type Rejection = Box<Problem>;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Box<Problem>> {
        let caller = match parts.extensions.get::<Peer>() {
            Some(Peer::Known(caller)) => Arc::clone(caller),
            Some(Peer::OneTooMany) => {
                let wait = shared.api.limits.retry_after;
                return Err(Problem::of(&problem::UNAVAILABLE, &findings::FULL).retry_after(wait));
            }
            Some(Peer::Nobody) | None => return Err(Problem::of(&problem::FORBIDDEN, &findings::NO_CERTIFICATE)),
        };
        // The rate counts first: an unregistered certificate must not make the directory work without bound.
        if let Err(wait) = caller.request() {
            return Err(Problem::of(&problem::RATE_LIMITED, &findings::RATE).retry_after(wait));
        }
        match shared.api.identities.by_certificate(&caller.fingerprint) {
            Some(identity) => Ok(Self { identity, caller }),
            None => {
                let finding = Finding::of(&findings::UNKNOWN_CERTIFICATE).found(caller.fingerprint.to_string());
                Err(Problem::new(&problem::FORBIDDEN, vec![finding]))
            }
        }
    }
}

/// An identifier in the path.
struct Id<T>(T);

impl<T: std::str::FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Box<Problem>;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Box<Problem>> {
        let refuse = |found: &str| bad_request(&findings::BAD_ID, found, "UUID, 36 ký tự / characters");
        let raw = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let text = raw.map_err(|_| refuse(parts.uri.path()))?.0;
        text.parse().map(Self).map_err(|_| refuse(&text))
    }
}

fn bad_request(kind: &'static Kind, found: &str, expected: &str) -> Box<Problem> {
    Problem::new(&problem::BAD_REQUEST, vec![Finding::of(kind).found(found).expected(expected)])
}

/// The query as `T`, which must not allow unknown names: a misspelt parameter would silently be none.
fn query<T: DeserializeOwned>(uri: &Uri, expected: &str) -> Result<T, Box<Problem>> {
    axum::extract::Query::try_from_uri(uri)
        .map(|query| query.0)
        .map_err(|_| bad_request(&findings::BAD_QUERY, uri.query().unwrap_or_default(), expected))
}

/// The page size asked for.
fn page_size(limit: Option<usize>, shared: &Shared) -> Result<usize, Box<Problem>> {
    let limits = &shared.api.limits;
    let size = limit.unwrap_or(limits.default_page);
    if (1..=limits.max_page).contains(&size) {
        return Ok(size);
    }
    Err(bad_request(&findings::BAD_QUERY, &format!("limit={size}"), &format!("limit=1…{}", limits.max_page)))
}

/// A query value that is passed on as text.
fn text<'a>(name: &str, value: Option<&'a String>, shared: &Shared) -> Result<Option<&'a str>, Box<Problem>> {
    let most = shared.api.limits.max_query_chars;
    match value {
        Some(value) if value.chars().count() > most => {
            Err(bad_request(&findings::BAD_QUERY, &format!("{name}={value}"), &format!("≤ {most} ký tự / characters")))
        }
        other => Ok(other.map(String::as_str)),
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Box<Problem>> {
    serde_json::to_vec(value).map_err(|_| Problem::of(&problem::INTERNAL, &findings::CRASHED))
}

/// One connection's way into the routes.
#[derive(Clone, Debug)]
pub struct Door {
    shared: Arc<Shared>,
    router: Router,
    peer: Peer,
    activity: Arc<Activity>,
    http1: bool,
}

impl Door {
    pub fn new(shared: Arc<Shared>, router: Router, peer: Peer, activity: Arc<Activity>, http1: bool) -> Self {
        Self { shared, router, peer, activity, http1 }
    }
}

impl hyper::service::Service<Request<Incoming>> for Door {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let open = self.activity.begin();
        let path: String = request.uri().path().chars().take(256).collect();
        let has_body = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH);
        if let Some(problem) = head_too_large(&request, &self.shared.api.limits) {
            open.refused();
            let response = finished(problem.into_response(), &path, self.http1);
            return Box::pin(std::future::ready(Ok(response)));
        }
        request.extensions_mut().insert(self.peer.clone());
        let answer = AssertUnwindSafe(self.router.clone().oneshot(request.map(Body::new))).catch_unwind();
        let http1 = self.http1;
        Box::pin(async move {
            let response = match answer.await {
                Ok(Ok(response)) => response,
                Ok(Err(never)) => match never {},
                Err(_) => Problem::of(&problem::INTERNAL, &findings::CRASHED).into_response(),
            };
            let response = finished(response, &path, http1);
            if has_body && !response.status().is_success() {
                open.refused();
            }
            Ok(response)
        })
    }
}

fn head_too_large(request: &Request<Incoming>, limits: &Limits) -> Option<Box<Problem>> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let fields = request.headers().iter().map(|(name, value)| name.as_str().len().saturating_add(value.len()));
    let bytes = fields.fold(target, usize::saturating_add);
    let count = request.headers().len();
    if bytes <= limits.max_head_bytes && count <= limits.max_header_fields {
        return None;
    }
    let finding = Finding::of(&findings::NOT_HTTP)
        .found(format!("{bytes} byte, {count} header"))
        .expected(format!("≤ {} byte, ≤ {} header", limits.max_head_bytes, limits.max_header_fields));
    Some(Problem::new(&problem::HEAD_TOO_LARGE, vec![finding]).closing())
}

/// The last form of an answer.
fn finished(mut response: Response, path: &str, http1: bool) -> Response {
    let allow = response.headers().get(ALLOW).cloned();
    let problem = match response.extensions_mut().remove::<Box<Problem>>() {
        Some(problem) => Some(problem),
        None => foreign_refusal(&response),
    };
    if let Some(problem) = problem {
        response = problem.into_answer(path, http1);
    }
    let headers = response.headers_mut();
    if let Some(allow) = allow {
        headers.insert(ALLOW, allow);
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    response
}

/// A refusal in a library's own words, said again in ours.
fn foreign_refusal(response: &Response) -> Option<Box<Problem>> {
    let status = response.status();
    let ours = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == b"application/json");
    if ours || !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    let mut problem = if status.is_client_error() {
        Problem::of(&problem::BAD_REQUEST, &findings::NOT_HTTP)
    } else {
        Problem::of(&problem::INTERNAL, &findings::CRASHED)
    };
    problem.status = status.as_u16();
    Some(problem)
}
