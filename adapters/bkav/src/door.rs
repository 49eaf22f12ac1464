//! From a request to an operation: path, organ and token, limits; and the last form of every answer.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts as Head;
use hyper::{Method, Request, Response, StatusCode};
use lienthong_contract::AgencyCode;
use lienthong_contract::catalogue::Catalogue;
use lienthong_contract::door::Intake;
use lienthong_contract::exchange::Exchange;
use lienthong_contract::numbers::Numbers;
use lienthong_contract::system::{Party, System, Systems};
use lienthong_door_kit::outward::{OutBody, guarded, whole};
use lienthong_door_kit::upload::Paced;
use lienthong_door_kit::{Accounts, HttpDoor, Limits, paths, secret};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::DOOR;
use crate::ops::{self, Operation};
use crate::seen::Seen;
use crate::wire::answer::{Failure, MEDIA_TYPE};

/// What this door opens to, and where it stands.
#[derive(Clone)]
pub struct Doors {
    pub intake: Arc<dyn Intake>,
    pub exchange: Arc<dyn Exchange>,
    pub numbers: Arc<dyn Numbers>,
    pub systems: Arc<dyn Systems>,
    pub catalogue: Arc<dyn Catalogue>,
    /// Paths below which the operations stand; `/EdocService` is usual.
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
    accounts: Accounts,
    pub(crate) seen: Arc<Seen>,
    pub(crate) work: TaskTracker,
}

/// A system that proved itself.
#[derive(Debug)]
pub struct Caller {
    pub system: Arc<System>,
    pub party: Party,
    /// The one of its agencies that it calls as.
    pub organ: AgencyCode,
    _place: OwnedSemaphorePermit,
}

/// What became of a request.
pub struct Reply {
    pub number: Option<i64>,
    pub status: StatusCode,
    pub body: OutBody,
    pub length: Option<u64>,
}

impl From<Bytes> for Reply {
    fn from(json: Bytes) -> Self {
        Self { number: None, status: StatusCode::OK, length: Some(json.len() as u64), body: whole(json) }
    }
}

/// The value of a header; an empty one is none.
pub fn field<'a>(head: &'a Head, name: &str) -> Option<&'a str> {
    let text = head.headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    text.map(str::trim).filter(|text| !text.is_empty())
}

impl Door {
    #[must_use]
    pub fn new(doors: Doors) -> Self {
        Self { doors, accounts: Accounts::default(), seen: Arc::default(), work: TaskTracker::new() }
    }

    fn operation(&self, method: &Method, path: &str) -> Option<Operation> {
        let named = |rest: &[&str]| match rest {
            [name] => Operation::named(name),
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
            // The line break behind the file is not its own.
            Some(Operation::SendDocument) => limits.max_packet_bytes.saturating_add(2),
            _ => limits.max_small_body as u64,
        };
        let paced = Paced::new(body, most, limits);
        let Some(operation) = operation else {
            paced.throw_away().await;
            return Err(Failure::new("BadRequest", "Không có chức năng này"));
        };
        let caller = match self.admit(operation, &head, from) {
            Ok(caller) => caller,
            Err(failure) => {
                paced.throw_away().await;
                return Err(failure);
            }
        };
        *named = Some(caller.system.id.clone());
        let announced = field(&head, CONTENT_LENGTH.as_str()).and_then(|length| length.parse::<u64>().ok());
        if announced.is_some_and(|announced| announced > most) {
            paced.throw_away().await;
            return Err(ops::too_large(most));
        }
        ops::run(self, operation, caller, &head, paced).await
    }

    /// Lets a request in that shows the secret of the system it names, by its id or by its agency in either spelling.
    fn admit(&self, operation: Operation, head: &Head, from: IpAddr) -> Result<Caller, Failure> {
        let (organ, token) = (field(head, "organid").unwrap_or_default(), field(head, "authorization"));
        let code: Option<AgencyCode> = organ.parse().ok();
        let by_code = || self.doors.systems.system(code.as_ref()?.to_new_form().as_str());
        let system = self.doors.systems.system(organ).or_else(by_code);
        let shown = secret::is_shown(system.as_deref(), token.unwrap_or_default());
        let Some(system) = system.filter(|system| shown && system.may_call_from(from)) else {
            let organ: String = organ.chars().take(64).collect();
            tracing::warn!(organ = ?organ, %from, operation = operation.name(), "an unknown organ, or a wrong token");
            return Err(Failure::not_known());
        };
        let busy = || Failure::internal("Hệ thống gọi quá nhiều, xin thử lại sau");
        let place = self.accounts.enter(&system.id, &self.doors.limits).ok_or_else(busy)?;
        let own = code.and_then(|code| self.doors.systems.agency(&system, &code));
        let organ = own.or_else(|| system.agencies.first().cloned()).ok_or_else(Failure::not_known)?;
        let credential = format!("system {}", system.id);
        let party = Party { agencies: system.agencies.clone(), credential, door: DOOR.to_owned() };
        Ok(Caller { system, party, organ, _place: place })
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
            Err(Failure::internal("Lỗi hệ thống"))
        });
        let (error, reply) = match answered {
            Ok(reply) => (String::new(), reply),
            Err(failure) => {
                let mut reply = Reply::from(failure.to_json());
                reply.status = failure.http();
                (failure.errors.first().map(|error| error.code.clone()).unwrap_or_default(), reply)
            }
        };
        tracing::info!(
            system = system.as_deref().unwrap_or("-"),
            operation = operation.map_or("-", Operation::name),
            number = reply.number.unwrap_or_default(),
            error,
            millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "bkav"
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
