//! From a request to an operation: path, signature, system, limits; and the last form of every answer.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts as Head;
use hyper::{Method, Request, Response, StatusCode};
use lienthong_contract::Clock;
use lienthong_contract::catalogue::{Catalogue, Registrations};
use lienthong_contract::door::Intake;
use lienthong_contract::exchange::Exchange;
use lienthong_contract::system::{Party, System, Systems};
use lienthong_door_kit::outward::{OutBody, guarded, whole};
use lienthong_door_kit::upload::Paced;
use lienthong_door_kit::usage::Sightings;
use lienthong_door_kit::{Accounts, HttpDoor};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::ops::{self, Operation};
use crate::wire::answer::code::{INVALID, SYSTEM_ERROR, WRONG_SYSTEM};
use crate::wire::answer::{Answer, Data, MEDIA_TYPE};
use crate::wire::sign::{NotSigned, Parameters, Signed};
use crate::wire::stamp;
use crate::{DOOR, Limits};

/// The one text for a request that is not rightly signed.
const NOT_SIGNED: &str = "Sai ma he thong hoac chu ky (systemid, secret)";

/// The one for a rightly signed request that is too old.
const STALE: &str = "Thoi diem cua yeu cau (timestamp) qua cu hoac khong hop le";

/// Why a request is not let in. For the log: whoever calls is answered with code 15 and does not learn which it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Stranger {
    #[error("not rightly signed: {0}")]
    NotSigned(#[from] NotSigned),
    #[error("unknown system: no [[system]] has this id")]
    UnknownSystem,
    #[error("wrong signature: another secret than the system's, or the text was changed after it was signed")]
    WrongSignature,
    #[error("address not allowed: the system's networks do not have it")]
    OtherAddress,
    #[error("stale: the timestamp is older, or further ahead, than max_age_seconds allows, or missing")]
    Stale,
}

/// What this door opens to, and where it stands.
#[derive(Clone)]
pub struct Doors {
    pub intake: Arc<dyn Intake>,
    pub exchange: Arc<dyn Exchange>,
    pub systems: Arc<dyn Systems>,
    pub catalogue: Arc<dyn Catalogue>,
    pub registrations: Arc<dyn Registrations>,
    pub clock: Arc<dyn Clock>,
    /// Paths below which the operations stand; `/` is the top.
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
    sightings: Sightings,
    /// Calls that are finished even when the caller hangs up.
    pub(crate) work: TaskTracker,
}

/// A system whose request holds.
#[derive(Debug)]
pub struct Caller {
    pub system: Arc<System>,
    pub party: Party,
    pub from: IpAddr,
    pub parameters: Parameters,
    _place: OwnedSemaphorePermit,
}

impl Door {
    #[must_use]
    pub fn new(doors: Doors) -> Self {
        Self { doors, accounts: Accounts::default(), sightings: Sightings::default(), work: TaskTracker::new() }
    }

    /// The operation that a path names, below any of our own.
    fn operation(&self, method: &Method, path: &str) -> Option<Operation> {
        // Clients join their address and the operation as they stand: doubled slashes are usual.
        let segments = |path: &str| -> Vec<String> {
            path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
        };
        let (name, before) = segments(path).split_last().map(|(name, before)| (name.clone(), before.to_vec()))?;
        let ours = self.doors.paths.iter().any(|base| segments(base) == before);
        Operation::named(&name).filter(|operation| ours && operation.method() == *method)
    }

    async fn serve(self: &Arc<Self>, operation: Option<Operation>, request: Request<Incoming>, from: IpAddr) -> Reply {
        let (head, body) = request.into_parts();
        let limits = &self.doors.limits;
        let most = match operation {
            Some(Operation::SendEdoc) => limits.max_packet_bytes,
            _ => limits.max_small_body as u64,
        };
        let announced = head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        let paced = Paced::new(body, most, limits);
        let Some(operation) = operation else {
            paced.throw_away().await;
            return Reply::unsigned(Answer::fail(INVALID, "Khong co chuc nang nay"));
        };
        let caller = match self.admit(operation, &head, from) {
            Ok(caller) => caller,
            Err(answer) => {
                paced.throw_away().await;
                return Reply::unsigned(answer);
            }
        };
        let system = Some(caller.system.id.clone());
        if announced.is_some_and(|announced| announced > most) {
            paced.throw_away().await;
            let answer = ops::too_large(most);
            return Reply { system, ..Reply::unsigned(answer) };
        }
        let reply = ops::run(self, operation, caller, paced).await;
        Reply { system, ..reply }
    }

    /// Lets a request in whose signature holds. The caller is told code 15 alone, the log why.
    fn admit(&self, operation: Operation, head: &Head, from: IpAddr) -> Result<Caller, Answer> {
        let (system, parameters) = self.known(operation, head, from).map_err(|(named, why)| {
            let named: String = named.chars().take(64).collect();
            tracing::warn!(system = ?named, %from, operation = operation.name(), %why, "answered with code 15");
            Answer::fail(WRONG_SYSTEM, if why == Stranger::Stale { STALE } else { NOT_SIGNED })
        })?;
        let busy = || Answer::fail(SYSTEM_ERROR, "He thong goi qua nhieu, xin thu lai sau");
        let place = self.accounts.enter(&system.id, &self.doors.limits).ok_or_else(busy)?;
        let credential = format!("system {}", system.id);
        let party = Party { agencies: system.agencies.clone(), credential, door: DOOR.to_owned() };
        Ok(Caller { system, party, from, parameters, _place: place })
    }

    /// The system that signed a request, and what it says; or the name it bears and why it is not let in.
    fn known(
        &self,
        operation: Operation,
        head: &Head,
        from: IpAddr,
    ) -> Result<(Arc<System>, Parameters), (String, Stranger)> {
        let headers = head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let signed = Signed::read(headers).map_err(|error| (String::new(), error.into()))?;
        let name = signed.system().map_err(|error| (String::new(), error.into()))?.to_owned();
        let tag = signed.tag().to_vec();
        let system = self.doors.systems.system(&name);
        // The same work for a system that is none.
        let verified = signed.by(system.as_deref());
        let Some(system) = system else { return Err((name, Stranger::UnknownSystem)) };
        let Some(parameters) = verified else { return Err((name, Stranger::WrongSignature)) };
        if !system.may_call_from(from) {
            return Err((name, Stranger::OtherAddress));
        }
        if let Some(first) = self.sightings.elsewhere(&tag, from) {
            tracing::warn!(system = %system.id, %first, %from, operation = operation.name(),
                "the same signature comes from two addresses: somebody may repeat an overheard request");
        }
        if !self.is_fresh(&parameters) {
            return Err((name, Stranger::Stale));
        }
        Ok((system, parameters))
    }

    /// Only where an operator wants it: clients make one timestamp and use it for days.
    fn is_fresh(&self, parameters: &Parameters) -> bool {
        let Some(most) = self.doors.limits.max_age else { return true };
        let most = i64::try_from(most.as_millis()).unwrap_or(i64::MAX);
        let made = parameters.get("timestamp").and_then(stamp::timestamp);
        let age = made.map(|made| self.doors.clock.now().as_millis().saturating_sub(made.as_millis()));
        // A clock that runs ahead is forgiven as much as one that runs behind.
        age.is_some_and(|age| age.saturating_abs() <= most)
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
        let reply = guarded(self.serve(operation, request, from)).await.unwrap_or_else(|| {
            tracing::error!(?operation, "answering a request failed by a defect");
            Reply::unsigned(Answer::fail(SYSTEM_ERROR, "Loi he thong"))
        });
        tracing::info!(
            system = reply.system.as_deref().unwrap_or("-"),
            operation = operation.map_or("-", Operation::name),
            doc_id = reply.doc_id.as_deref().unwrap_or("-"),
            code = reply.code,
            millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "vxp"
        );
        reply.into_response(operation)
    }
}

/// What became of a request.
pub struct Reply {
    pub system: Option<String>,
    pub doc_id: Option<String>,
    pub code: u8,
    pub content: Said,
}

/// The answer's form.
pub enum Said {
    Json(Answer),
    /// A body that is streamed, its type, and its length where that is known before.
    Stream(OutBody, &'static str, Option<u64>),
}

impl Reply {
    fn unsigned(answer: Answer) -> Self {
        Self { system: None, doc_id: None, code: answer.code, content: Said::Json(answer) }
    }

    fn into_response(self, operation: Option<Operation>) -> Response<OutBody> {
        let mut status = StatusCode::OK;
        let (body, media_type, length) = match self.content {
            Said::Stream(body, media_type, length) => (body, media_type, length),
            Said::Json(mut answer) => {
                if answer.code != 0 && operation == Some(Operation::GetEdoc) {
                    answer = answer.with_data(Data::EmptyText);
                }
                if answer.code != 0 && operation == Some(Operation::DownloadEdoc) {
                    status = StatusCode::NOT_FOUND;
                }
                let json = answer.to_json();
                let length = json.len() as u64;
                (whole(json), MEDIA_TYPE, Some(length))
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        length.into_iter().for_each(|length| drop(headers.insert(CONTENT_LENGTH, HeaderValue::from(length))));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
