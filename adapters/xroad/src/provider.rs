//! What our security server hands in: packets that organisations behind other ones send.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use base64_simd::STANDARD;
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts as Head;
use hyper::{Method, Request, Response, StatusCode};
use lienthong_contract::door::{Refusal, RefusalCause};
use lienthong_contract::outlet::{Entrance, Fetched, words};
use lienthong_contract::system::{System, Systems};
use lienthong_contract::{DocId, HopName};
use lienthong_door_kit::multipart::{self, FilePart, boundary};
use lienthong_door_kit::outward::{OutBody, guarded, whole};
use lienthong_door_kit::upload::{self, Fault, Paced};
use lienthong_door_kit::{Accounts, HttpDoor, Limits, codes, paths, secret};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::DOOR;
use crate::wire::{MEDIA_TYPE, failed, taken};

/// Longest value of a header that is repeated in a receipt.
const MAX_HEADER: usize = 200;

/// What this door opens to, and where it stands.
#[derive(Clone)]
pub struct Doors {
    pub entrance: Arc<dyn Entrance>,
    /// The outlet whose systems the packets come from.
    pub outlet: HopName,
    pub systems: Arc<dyn Systems>,
    /// The id of the system that our security server calls as.
    pub system: String,
    /// Paths below which `api/lienthong/v1/…` stands; `/` is the top.
    pub paths: Vec<String>,
    pub limits: Limits,
}

impl fmt::Debug for Doors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doors").field("outlet", &self.outlet).field("paths", &self.paths).finish_non_exhaustive()
    }
}

/// The door of one gateway.
#[derive(Debug)]
pub struct Provider {
    doors: Doors,
    accounts: Accounts,
    work: TaskTracker,
}

/// Why a call comes to nothing.
struct Failure {
    status: StatusCode,
    text: String,
}

impl Failure {
    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    fn of(refusal: &Refusal) -> Self {
        let status = match refusal.cause {
            RefusalCause::BadPacket => StatusCode::BAD_REQUEST,
            RefusalCause::Forbidden => StatusCode::FORBIDDEN,
            RefusalCause::Conflict => StatusCode::CONFLICT,
            RefusalCause::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            RefusalCause::NotFound | RefusalCause::Gone => StatusCode::NOT_FOUND,
            RefusalCause::Incomplete | RefusalCause::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, codes::of_refusal(refusal).1)
    }

    /// The one answer to a call that does not prove who makes it.
    fn not_known() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Khong xac dinh duoc he thong goi")
    }
}

impl Provider {
    #[must_use]
    pub fn new(doors: Doors) -> Self {
        Self { doors, accounts: Accounts::default(), work: TaskTracker::new() }
    }

    async fn serve(self: &Arc<Self>, request: Request<Incoming>, from: IpAddr) -> Result<String, Failure> {
        let (head, body) = request.into_parts();
        let limits = &self.doors.limits;
        let most = limits.max_packet_bytes.saturating_add(limits.max_small_body as u64);
        let paced = Paced::new(body, most, limits);
        let known = |rest: &[&str]| {
            matches!(rest, ["api", "lienthong", "v1", "document", "edocs" | "status", "new"]).then_some(())
        };
        if head.method != Method::POST || paths::operation(&self.doors.paths, head.uri.path(), known).is_none() {
            paced.throw_away().await;
            return Err(Failure::new(StatusCode::NOT_FOUND, "Khong co chuc nang nay"));
        }
        let place = match self.admit(&head, from) {
            Ok(place) => place,
            Err(failure) => {
                paced.throw_away().await;
                return Err(failure);
            }
        };
        let announced = field(&head, CONTENT_LENGTH.as_str()).and_then(|length| length.parse::<u64>().ok());
        if announced.is_some_and(|announced| announced > most) {
            paced.throw_away().await;
            return Err(too_large(limits));
        }
        self.enter(&head, paced, place).await
    }

    /// Lets our security server in: by its secret, or, where it shows none, by where it calls from.
    fn admit(&self, head: &Head, from: IpAddr) -> Result<OwnedSemaphorePermit, Failure> {
        let system = self.doors.systems.system(&self.doors.system);
        let shown = match head.headers.get(AUTHORIZATION) {
            Some(value) => basic(value).is_some_and(|(id, shown)| {
                let right = secret::is_shown(system.as_deref(), &shown);
                right && id == self.doors.system
            }),
            None => system.as_deref().is_some_and(|system| !system.networks.is_empty()),
        };
        let Some(system) = system.filter(|system: &Arc<System>| shown && system.may_call_from(from)) else {
            tracing::warn!(%from, "a call that is not our security server's");
            return Err(Failure::not_known());
        };
        let busy = || Failure::new(StatusCode::SERVICE_UNAVAILABLE, "He thong goi qua nhieu, xin thu lai sau");
        self.accounts.enter(&system.id, &self.doors.limits).ok_or_else(busy)
    }

    async fn enter(
        self: &Arc<Self>,
        head: &Head,
        paced: Paced,
        place: OwnedSemaphorePermit,
    ) -> Result<String, Failure> {
        let Some(boundary) = field(head, CONTENT_TYPE.as_str()).and_then(boundary) else {
            paced.throw_away().await;
            return Err(Failure::new(StatusCode::BAD_REQUEST, "Can multipart/form-data voi tep file"));
        };
        let (upload, outcome) =
            upload::file(paced, FilePart::new(&boundary, "file", "messageType", &["edoc", "status"]));
        let told = |name: &str| field(head, name).map(|value| value.chars().take(MAX_HEADER).collect::<String>());
        let said: Vec<String> = [("X-Road-Client", "x-road-client"), ("from", "from"), ("X-Road-Id", "x-road-id")]
            .into_iter()
            .filter_map(|(name, field)| Some(format!("{name} {}", told(field)?)))
            .collect();
        let said = said.join("; ");
        let fetched = Fetched {
            // The protocol has no name for a packet that comes again: what it is, its bytes tell. The id of the call is the
            // caller's own, so two organisations may use the same one.
            id: DocId::fresh().to_string(),
            credential: format!("system {}", self.doors.system),
            words: Some(words(&said)),
        };
        let (entrance, outlet) = (Arc::clone(&self.doors.entrance), self.doors.outlet.clone());
        // Begun, it is finished, even when the caller hangs up: then its answer waits for the same bytes to come again.
        let entered = self.work.spawn(async move {
            let _place = place;
            entrance.enter(&outlet, fetched, upload).await
        });
        let entered = entered.await;
        outcome.throw_away_rest().await;
        match (entered, outcome.fault()) {
            (Ok(Ok(submission)), _) => Ok(submission.doc_id.to_string()),
            (_, Some(Fault::TooLarge)) => Err(too_large(&self.doors.limits)),
            (_, Some(Fault::TooSlow | Fault::Broken)) => {
                Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, "Du lieu gui len bi ngat hoac qua cham, xin gui lai"))
            }
            (_, Some(Fault::Form(fault))) => Err(Failure::new(
                StatusCode::BAD_REQUEST,
                match fault {
                    multipart::Fault::Frame => "Noi dung khong phai bieu mau multipart hoan chinh",
                    multipart::Fault::NoFile => "Thieu tep file",
                    multipart::Fault::TwoFiles => "Chi gui mot tep file moi lan",
                    multipart::Fault::Field => "messageType phai la edoc hoac status",
                    multipart::Fault::TooMuch => "Bieu mau multipart vuot qua gioi han",
                },
            )),
            (Ok(Err(refusal)), None) => Err(Failure::of(&refusal)),
            (Err(_), None) => Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, "Loi he thong")),
        }
    }
}

fn too_large(limits: &Limits) -> Failure {
    let most = limits.max_packet_bytes;
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, format!("Du lieu gui len vuot qua dung luong cho phep ({most} byte)"))
}

/// The value of a header; an empty one is none.
fn field<'a>(head: &'a Head, name: &str) -> Option<&'a str> {
    let text = head.headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// Id and secret of HTTP Basic (RFC 7617).
fn basic(value: &HeaderValue) -> Option<(String, String)> {
    let (scheme, shown) = value.to_str().ok()?.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let shown = String::from_utf8(STANDARD.decode_to_vec(shown.trim()).ok()?).ok()?;
    shown.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}

impl HttpDoor for Provider {
    fn limits(&self) -> &Limits {
        &self.doors.limits
    }

    fn work(&self) -> &TaskTracker {
        &self.work
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>, from: IpAddr) -> Response<OutBody> {
        let began = Instant::now();
        let answered = guarded(self.serve(request, from)).await.unwrap_or_else(|| {
            tracing::error!("answering a request failed by a defect");
            Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, "Loi he thong"))
        });
        let (status, doc_id, json): (StatusCode, String, Bytes) = match answered {
            Ok(doc_id) => (StatusCode::CREATED, doc_id.clone(), taken(&doc_id)),
            Err(failure) => (failure.status, "-".to_owned(), failed(&failure.text)),
        };
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(system = self.doors.system, doc_id, status = status.as_u16(), millis, "{DOOR}");
        let length = HeaderValue::from(json.len());
        let mut response = Response::new(whole(json));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(CONTENT_LENGTH, length);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
