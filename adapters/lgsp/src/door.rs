//! From a request to an operation: path, token, system, limits; and the last form of every answer.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts as Head;
use hyper::{Method, Request, Response, StatusCode};
use lienthong_contract::Clock;
use lienthong_contract::catalogue::Catalogue;
use lienthong_contract::door::Intake;
use lienthong_contract::exchange::Exchange;
use lienthong_contract::reporting::Reporting;
use lienthong_contract::system::{Party, System, Systems};
use lienthong_door_kit::codes::code::{INVALID, SYSTEM_ERROR};
use lienthong_door_kit::outward::{OutBody, guarded, whole};
use lienthong_door_kit::upload::Paced;
use lienthong_door_kit::{Accounts, HttpDoor, Limits, paths, secret};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::DOOR;
use crate::ops::{self, Operation};
use crate::wire::answer::{Failure, MEDIA_TYPE};
use crate::wire::token::Tokens;

/// What this door opens to, and where it stands.
#[derive(Clone)]
pub struct Doors {
    pub intake: Arc<dyn Intake>,
    pub exchange: Arc<dyn Exchange>,
    pub reporting: Arc<dyn Reporting>,
    pub systems: Arc<dyn Systems>,
    pub catalogue: Arc<dyn Catalogue>,
    pub clock: Arc<dyn Clock>,
    /// Paths below which `v1/…` stands; `/` is the top.
    pub paths: Vec<String>,
    pub limits: Limits,
}

impl fmt::Debug for Doors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doors").field("paths", &self.paths).field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// The door of one gateway.
#[derive(Debug)]
pub struct Door {
    pub doors: Doors,
    pub(crate) tokens: Tokens,
    accounts: Accounts,
    pub(crate) work: TaskTracker,
}

/// A system that proved itself.
#[derive(Debug)]
pub struct Caller {
    pub system: Arc<System>,
    pub party: Party,
    _place: OwnedSemaphorePermit,
}

/// What became of a request.
pub struct Reply {
    pub doc_id: Option<String>,
    pub status: StatusCode,
    pub body: OutBody,
    pub length: Option<u64>,
}

impl From<Bytes> for Reply {
    fn from(json: Bytes) -> Self {
        Self { doc_id: None, status: StatusCode::OK, length: Some(json.len() as u64), body: whole(json) }
    }
}

impl Door {
    /// Nothing when the machine has no randomness for the key of tokens.
    #[must_use]
    pub fn new(doors: Doors) -> Option<Self> {
        let tokens = Tokens::fresh()?;
        Some(Self { doors, tokens, accounts: Accounts::default(), work: TaskTracker::new() })
    }

    fn operation(&self, method: &Method, path: &str) -> Option<Operation> {
        let named = |rest: &[&str]| match rest {
            ["v1", "auth", "login"] => Some(Operation::Login),
            ["v1", name] => Operation::named(name),
            _ => None,
        };
        paths::operation(&self.doors.paths, path, named).filter(|operation| operation.method() == *method)
    }

    async fn serve(
        self: &Arc<Self>,
        operation: Option<Operation>,
        request: Request<Incoming>,
        from: IpAddr,
        named: &mut Option<String>,
    ) -> Result<Reply, Failure> {
        let (head, body) = request.into_parts();
        let limits = &self.doors.limits;
        let most = match operation {
            Some(Operation::SendEdoc) => limits.max_packet_bytes.saturating_add(limits.max_small_body as u64),
            _ => limits.max_small_body as u64,
        };
        let paced = Paced::new(body, most, limits);
        let Some(operation) = operation else {
            paced.throw_away().await;
            return Err(Failure::new(INVALID, "Khong co chuc nang nay"));
        };
        if operation == Operation::Login {
            return ops::login(self, paced, from).await;
        }
        let caller = match self.admit(operation, &head, from) {
            Ok(caller) => caller,
            Err(failure) => {
                paced.throw_away().await;
                return Err(failure);
            }
        };
        *named = Some(caller.system.id.clone());
        let announced = head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|announced| announced > most) {
            paced.throw_away().await;
            return Err(ops::too_large(most));
        }
        ops::run(self, operation, caller, &head, paced).await
    }

    /// Lets a request in whose token counts, and that shows id and secret of the token's system.
    fn admit(&self, operation: Operation, head: &Head, from: IpAddr) -> Result<Caller, Failure> {
        let field = |name: &str| head.headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
        let bearer = field(AUTHORIZATION.as_str()).and_then(|value| {
            let (scheme, token) = value.trim().split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let named = bearer.and_then(|token| self.tokens.system(token, self.doors.clock.now()));
        let system = named.as_deref().and_then(|named| self.doors.systems.system(named));
        let shown = match operation {
            Operation::GetAgenciesList => true,
            _ => {
                let id = field("x-systemid").map(str::trim).unwrap_or_default();
                let secret = field("x-secretkey").map(str::trim).unwrap_or_default();
                secret::is_shown(system.as_deref(), secret) && named.as_deref() == Some(id)
            }
        };
        let system = system.filter(|system| shown && system.may_call_from(from));
        let Some(system) = system else {
            let (token, secret) = (named.is_some(), shown);
            tracing::warn!(%from, operation = operation.name(), token, secret, "a call does not prove its system");
            return Err(Failure::not_known());
        };
        self.enter(system)
    }

    /// A place for one request of a system that proved itself.
    pub(crate) fn enter(&self, system: Arc<System>) -> Result<Caller, Failure> {
        let busy = || Failure::new(SYSTEM_ERROR, "He thong goi qua nhieu, xin thu lai sau");
        let place = self.accounts.enter(&system.id, &self.doors.limits).ok_or_else(busy)?;
        let credential = format!("system {}", system.id);
        let party = Party { agencies: system.agencies.clone(), credential, door: DOOR.to_owned() };
        Ok(Caller { system, party, _place: place })
    }
}

impl HttpDoor for Door {
    fn limits(&self) -> &Limits {
        &self.doors.limits
    }

    fn work(&self) -> &TaskTracker {
        &self.work
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>, from: IpAddr) -> Response<OutBody> {
        let began = Instant::now();
        let operation = self.operation(request.method(), request.uri().path());
        let mut system = None;
        let answered = guarded(self.serve(operation, request, from, &mut system)).await.unwrap_or_else(|| {
            tracing::error!(?operation, "answering a request failed by a defect");
            Err(Failure::new(SYSTEM_ERROR, "Loi he thong"))
        });
        let (error, reply) = match answered {
            Ok(reply) => (0, reply),
            Err(failure) => {
                let of_list = failure.of_list || operation.is_some_and(Operation::is_list);
                let failure = Failure { of_list, ..failure };
                let mut reply = Reply::from(failure.to_json());
                reply.status = failure.status();
                (failure.error, reply)
            }
        };
        tracing::info!(
            system = system.as_deref().unwrap_or("-"),
            operation = operation.map_or("-", Operation::name),
            doc_id = reply.doc_id.as_deref().unwrap_or("-"),
            code = error,
            millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "lgsp"
        );
        let mut response = Response::new(reply.body);
        *response.status_mut() = reply.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        reply.length.into_iter().for_each(|length| drop(headers.insert(CONTENT_LENGTH, HeaderValue::from(length))));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
