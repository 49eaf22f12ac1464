//! The page `/check`: an integrator uploads a packet and reads what any receiver would say of it.
//!
//! ```text
//!  GET  /check             the form
//!  POST /check             the judgement: a page, or JSON for whoever accepts application/json before HTML
//!  POST /check/corrected   the packet with its mechanical faults mended, as a file
//! ```
//!
//! A packet comes as the part `packet` of a form, or as the whole body. Nobody is asked who he is, so everything is
//! limited: size and pace of a body, packets coming in at once, judgements at once, judgements an address asks for in a
//! minute. Judging has a place of its own that is taken only when a packet is whole: a slow sender keeps nobody waiting, and
//! the gateway keeps a core for itself.
//!
//! Invariants: nothing of a packet is kept: it lies in a file without a name while it is judged, and neither it nor a
//! word of it is logged. The page needs no script and loads nothing from elsewhere. What a page repeats of a packet is
//! escaped. Failure story: a request that breaks off leaves nothing; a defect in one answer ends that request alone.

mod html;
pub(crate) mod turnstile;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64_simd::STANDARD;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, ALLOW, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::http::request::Parts as Head;
use hyper::{Method, Request, Response, StatusCode};
use lienthong_contract::Clock;
use lienthong_contract::door::Upload;
use lienthong_door_kit::multipart::{self, FilePart};
use lienthong_door_kit::outward::{OutBody, streamed, whole};
use lienthong_door_kit::upload::{self, Fault, Form, Outcome, Paced};
use lienthong_door_kit::{HttpDoor, Limits};
use serde::Serialize;
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::{Corrected, Judge, Report};
use html::{Language, Words};
use turnstile::Turnstile;

/// The part of a form that holds the packet.
const PART: &str = "packet";
/// The largest corrected packet that a page carries along for download, in bytes.
const MAX_CARRIED: u64 = 1 << 20;
/// Longest wait of a whole packet for its turn.
const TURN_WITHIN: Duration = Duration::from_secs(30);
const STYLE: &str = include_str!("style.css");
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What this page may cost.
#[derive(Debug, Clone)]
pub struct Settings {
    pub limits: Limits,
    /// Where packets lie, without a name, while they are judged.
    pub spool: PathBuf,
    /// Packets coming in, or waiting to be judged, at once.
    pub coming_in: usize,
    /// Judgements under way at once; others wait.
    pub at_once: usize,
    /// Judgements that one address may ask for in a minute.
    pub per_minute: u32,
}

/// The page of one gateway.
pub struct Page {
    judge: Box<dyn Fn() -> Judge + Send + Sync>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    coming_in: Arc<Semaphore>,
    judging: Arc<Semaphore>,
    turnstile: Turnstile,
    work: TaskTracker,
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The judgement, as a machine reads it.
#[derive(Debug, Serialize)]
struct Told {
    #[serde(flatten)]
    report: Report,
    /// What could be mended by itself; null when there is nothing of that kind.
    corrected: Option<Corrected>,
}

/// Why there is no judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Refused {
    status: StatusCode,
    words: &'static Words,
}

const fn refused(status: StatusCode, words: &'static Words) -> Refused {
    Refused { status, words }
}

/// Whom an answer is for.
#[derive(Debug, Clone, Copy)]
struct Reader {
    language: Language,
    machine: bool,
}

impl HttpDoor for Page {
    fn limits(&self) -> &Limits {
        &self.settings.limits
    }

    fn work(&self) -> &TaskTracker {
        &self.work
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>, from: IpAddr) -> Response<OutBody> {
        let (head, body) = request.into_parts();
        let reader = Reader { language: Language::of(&head), machine: wants_json(&head) };
        let answering = AssertUnwindSafe(self.serve(&head, body, from, reader)).catch_unwind();
        let answer = answering.await.unwrap_or_else(|_| {
            tracing::error!("answering a request for /check failed by a defect");
            Err(refused(StatusCode::INTERNAL_SERVER_ERROR, &html::DEFECT))
        });
        let mut response = answer.unwrap_or_else(|refused| refusal(refused, reader));
        if head.method == Method::HEAD {
            *response.body_mut() = whole(Bytes::new());
        }
        response
    }
}

impl Page {
    /// `judge` gives the judge of the moment.
    #[must_use]
    pub fn new(judge: Box<dyn Fn() -> Judge + Send + Sync>, clock: Arc<dyn Clock>, settings: Settings) -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        let (coming_in, judging) = (places(settings.coming_in), places(settings.at_once));
        let turnstile = Turnstile::new(settings.per_minute);
        Self { judge, clock, settings, coming_in, judging, turnstile, work: TaskTracker::new() }
    }

    async fn serve(
        &self,
        head: &Head,
        body: Incoming,
        from: IpAddr,
        reader: Reader,
    ) -> Result<Response<OutBody>, Refused> {
        let reading = matches!(head.method, Method::GET | Method::HEAD);
        match head.uri.path() {
            "/" if reading => Ok(response(StatusCode::SEE_OTHER, "text/plain", Bytes::new(), &[(LOCATION, "/check")])),
            "/check" if reading => Ok(page(StatusCode::OK, html::form(reader.language, self.megabytes()))),
            "/check/style.css" if reading => Ok(response(StatusCode::OK, "text/css; charset=utf-8", STYLE.into(), &[])),
            "/check" | "/check/corrected" if head.method == Method::POST => {
                let corrected = head.uri.path() == "/check/corrected";
                let paced = Paced::new(body, self.settings.limits.max_packet_bytes, &self.settings.limits);
                self.judged(head, paced, from, (reader, corrected)).await
            }
            "/check" | "/check/corrected" => Err(refused(StatusCode::METHOD_NOT_ALLOWED, &html::METHOD)),
            _ => Err(refused(StatusCode::NOT_FOUND, &html::NO_PAGE)),
        }
    }

    async fn judged(
        &self,
        head: &Head,
        paced: Paced,
        from: IpAddr,
        (reader, corrected): (Reader, bool),
    ) -> Result<Response<OutBody>, Refused> {
        if !self.turnstile.lets_in(from, self.clock.now()) {
            paced.throw_away().await;
            return Err(refused(StatusCode::TOO_MANY_REQUESTS, &html::TOO_OFTEN));
        }
        let Ok(coming_in) = Arc::clone(&self.coming_in).try_acquire_owned() else {
            paced.throw_away().await;
            return Err(refused(StatusCode::SERVICE_UNAVAILABLE, &html::BUSY));
        };
        let file = self.take(head, paced).await?;
        let turn = tokio::time::timeout(TURN_WITHIN, Arc::clone(&self.judging).acquire_owned()).await;
        let Ok(Ok(judging)) = turn else {
            return Err(refused(StatusCode::SERVICE_UNAVAILABLE, &html::BUSY));
        };
        let (judge, clock, spool) = ((self.judge)(), Arc::clone(&self.clock), self.settings.spool.clone());
        // Judging reads the file and works on it: not on a thread that others wait for. Its places go along: whoever hangs up
        // does not end it.
        let judged = tokio::task::spawn_blocking(move || -> io::Result<_> {
            let _places = (coming_in, judging);
            let (mut file, mut out, now) = (file, tempfile::tempfile_in(spool)?, clock.now());
            if corrected {
                return Ok((None, judge.correct(&mut file, &mut out, now)?, out));
            }
            let report = judge.judge(&mut file, now)?;
            let better = judge.correct(&mut file, &mut out, now)?;
            Ok((Some(report), better, out))
        });
        let ours = |error: &dyn fmt::Display| {
            tracing::error!(%error, "a packet could not be judged");
            refused(StatusCode::SERVICE_UNAVAILABLE, &html::DEFECT)
        };
        let (report, better, out) = judged.await.map_err(|error| ours(&error))?.map_err(|error| ours(&error))?;
        let Some(report) = report else {
            if better.is_none() {
                return Err(refused(StatusCode::UNPROCESSABLE_ENTITY, &html::NOTHING_TO_MEND));
            }
            return send(out).map_err(|error| ours(&error));
        };
        tracing::info!(verdict = report.verdict, findings = report.findings.len(), "/check");
        if reader.machine {
            let json = serde_json::to_vec(&Told { report, corrected: better }).unwrap_or_default();
            return Ok(response(StatusCode::OK, "application/json", json.into(), &[]));
        }
        let carried = better.as_ref().map(|_| carried(out)).transpose().map_err(|error| ours(&error))?.flatten();
        let text = html::answer(reader.language, &report, better.as_ref(), carried.as_deref(), self.megabytes());
        Ok(page(StatusCode::OK, text))
    }

    /// The packet of a request, in a file without a name.
    async fn take(&self, head: &Head, paced: Paced) -> Result<File, Refused> {
        let kind = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if kind.to_ascii_lowercase().starts_with("multipart/") {
            let Some(boundary) = multipart::boundary(kind) else {
                paced.throw_away().await;
                return Err(refused(StatusCode::BAD_REQUEST, &html::NO_PACKET));
            };
            let (upload, outcome) = upload::file(paced, FilePart::new(&boundary, PART, "", &[]));
            self.gather(upload, outcome).await
        } else {
            let (upload, outcome) = upload::file(paced, Whole);
            self.gather(upload, outcome).await
        }
    }

    async fn gather<F: Clone>(&self, mut upload: Upload, outcome: Outcome<F>) -> Result<File, Refused> {
        let ours = |error: io::Error| {
            tracing::error!(%error, "a packet to be judged could not be written");
            refused(StatusCode::SERVICE_UNAVAILABLE, &html::DEFECT)
        };
        let mut file = tokio::fs::File::from_std(tempfile::tempfile_in(&self.settings.spool).map_err(ours)?);
        let mut size = 0;
        while let Some(Ok(piece)) = upload.next().await {
            size += piece.len();
            file.write_all(&piece).await.map_err(ours)?;
        }
        drop(upload);
        outcome.throw_away_rest().await;
        match outcome.fault() {
            Some(Fault::TooLarge) => Err(refused(StatusCode::PAYLOAD_TOO_LARGE, &html::TOO_LARGE)),
            Some(Fault::TooSlow | Fault::Broken) => Err(refused(StatusCode::REQUEST_TIMEOUT, &html::BROKEN_OFF)),
            Some(Fault::Form(_)) => Err(refused(StatusCode::BAD_REQUEST, &html::NO_PACKET)),
            None if size == 0 => Err(refused(StatusCode::BAD_REQUEST, &html::NO_PACKET)),
            None => {
                file.flush().await.map_err(ours)?;
                Ok(file.into_std().await)
            }
        }
    }

    const fn megabytes(&self) -> u64 {
        self.settings.limits.max_packet_bytes >> 20
    }
}

/// A body that is the packet.
struct Whole;

impl Form for Whole {
    type Fault = Infallible;

    fn feed(&mut self, piece: Bytes) -> Result<Vec<Bytes>, Infallible> {
        Ok(vec![piece])
    }

    fn finish(self) -> Result<Bytes, Infallible> {
        Ok(Bytes::new())
    }
}

/// A small corrected packet in base64; nothing when it is not small.
fn carried(mut out: File) -> io::Result<Option<String>> {
    if out.metadata()?.len() > MAX_CARRIED {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    out.seek(SeekFrom::Start(0))?;
    out.read_to_end(&mut bytes)?;
    Ok(Some(STANDARD.encode_to_string(bytes)))
}

fn send(mut out: File) -> io::Result<Response<OutBody>> {
    out.seek(SeekFrom::Start(0))?;
    let pieces = crate::mailbox::chunks(tokio::fs::File::from_std(out));
    let mut answer = response(
        StatusCode::OK,
        "application/xml; charset=utf-8",
        Bytes::new(),
        &[(CONTENT_DISPOSITION, "attachment; filename=\"corrected.edxml\"")],
    );
    *answer.body_mut() = streamed(pieces);
    Ok(answer)
}

/// Whether JSON is asked for, and not after HTML.
fn wants_json(head: &Head) -> bool {
    let accept = head.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let place = |kind: &str| accept.find(kind).unwrap_or(usize::MAX);
    place("application/json") < place("text/html")
}

fn refusal(refused: Refused, reader: Reader) -> Response<OutBody> {
    let mut answer = if reader.machine {
        let json = serde_json::json!({
            "type": "about:blank",
            "status": refused.status.as_u16(),
            "title": refused.words.vi,
            "title_en": refused.words.en,
        });
        response(refused.status, "application/problem+json", json.to_string().into(), &[])
    } else {
        page(refused.status, html::refusal(reader.language, refused.words))
    };
    if refused.status == StatusCode::METHOD_NOT_ALLOWED {
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    }
    if matches!(refused.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
    }
    answer
}

fn page(status: StatusCode, text: String) -> Response<OutBody> {
    response(status, "text/html; charset=utf-8", text.into(), &[])
}

fn response(
    status: StatusCode,
    kind: &'static str,
    body: Bytes,
    more: &[(HeaderName, &'static str)],
) -> Response<OutBody> {
    let mut response = Response::new(whole(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    for (name, value) in [
        ("cache-control", "no-store"),
        ("content-security-policy", POLICY),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("vary", "Accept, Accept-Language"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    for (name, value) in more {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
