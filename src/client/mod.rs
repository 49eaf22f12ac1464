//! The other side of the native interface: a small HTTP/1.1 client for the command line, the demo and the benchmark.
//!
//! Invariants:
//! * Every step has a deadline that counts from the last progress, so that large packets may take their time.
//! * An answer counts only when it is well formed; a proxy's page or a cut answer is an error, never an empty list.
//! * What the gateway accepted is compared with what was sent, and what was fetched with the digest it was sent under.
//!
//! Failure story: every call here may be repeated. Handing in is idempotent by the packet's bytes and acknowledging by
//! the answer, so a call whose kept connection turns out to be closed is made once more on a new one. Any other
//! failure is the caller's to repeat.

mod body;
mod error;
mod pool;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response, StatusCode};
use lienthong_contract::digest::Hasher;
use lienthong_contract::door::{Acknowledged, Acknowledgement, AgencyPage, InboxPage, Submission, Trace};
use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use tokio_rustls::rustls;

use crate::api::{Problem, Readiness};
use body::{Outgoing, Sent};
use pool::{Lease, Pool};

pub use body::{Packet, Progress};
pub use error::{Error as ClientError, Step};
pub use pool::Deadlines;

/// Connections of a client that was not told otherwise.
const CONNECTIONS: usize = 4;
/// Largest JSON answer: a page of 500 rows is far below.
const MAX_JSON_BYTES: usize = 16 * 1024 * 1024;
/// How much of a strange answer is shown.
const MAX_SHOWN_CHARS: usize = 200;

/// A caller of one gateway. Cheap to clone; clones share the connections.
#[derive(Debug, Clone)]
pub struct Client {
    pool: Arc<Pool>,
}

/// A packet that was fetched whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetched {
    pub digest: Digest,
    pub size: u64,
}

/// One request, in a form that can be made again.
struct Ask<'a> {
    method: Method,
    target: String,
    packet: Option<(&'a Packet, Option<Progress>)>,
    json: Option<Bytes>,
}

impl Client {
    /// For a gateway at `https://name[:port]`. The TLS configuration carries the roots and the client certificate.
    ///
    /// # Errors
    /// [`ClientError::BadAddress`].
    pub fn new(address: &str, tls: &Arc<rustls::ClientConfig>) -> Result<Self, ClientError> {
        Self::with(address, tls, CONNECTIONS, Deadlines::default())
    }

    /// The same, with so many connections at most (as many requests run in parallel) and these deadlines.
    ///
    /// # Errors
    /// [`ClientError::BadAddress`].
    pub fn with(
        address: &str,
        tls: &Arc<rustls::ClientConfig>,
        connections: usize,
        deadlines: Deadlines,
    ) -> Result<Self, ClientError> {
        Ok(Self { pool: Arc::new(Pool::new(address, tls, connections, deadlines)?) })
    }

    /// Hands a packet in. The same bytes give the same answer, however often.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the findings, or what kept the gateway from answering.
    pub async fn submit(&self, packet: &Packet, progress: Option<Progress>) -> Result<Submission, ClientError> {
        let mut ask = Ask::to(Method::POST, "/v1/packets".to_owned());
        ask.packet = Some((packet, progress));
        let (response, lease, sent) = self.exchange(&ask).await?;
        let submission: Submission = self.json(response, lease).await?;
        if submission.digest != sent.digest() {
            return Err(ClientError::Damaged { expected: sent.digest(), found: submission.digest });
        }
        Ok(submission)
    }

    /// What became of a packet.
    ///
    /// # Errors
    /// As [`Client::submit`].
    pub async fn trace(&self, doc_id: DocId) -> Result<Trace, ClientError> {
        self.fetch(&Ask::to(Method::GET, format!("/v1/packets/{doc_id}"))).await
    }

    /// The bundle that proves what became of a packet.
    ///
    /// # Errors
    /// As [`Client::submit`].
    pub async fn proof(&self, doc_id: DocId) -> Result<Bytes, ClientError> {
        self.bundle(format!("/v1/packets/{doc_id}/proof")).await
    }

    /// The same with the packet inside.
    ///
    /// # Errors
    /// As [`Client::submit`].
    pub async fn proof_with_packet(&self, doc_id: DocId) -> Result<Bytes, ClientError> {
        self.bundle(format!("/v1/packets/{doc_id}/proof?packet=1")).await
    }

    async fn bundle(&self, path: String) -> Result<Bytes, ClientError> {
        let ask = Ask::to(Method::GET, path);
        let (response, lease, _) = self.exchange(&ask).await?;
        let status = response.status();
        let (body, is_json) = self.whole(response, lease, crate::bundle::MAX_BYTES).await?;
        if is_json && status.is_success() { Ok(body) } else { Err(refusal(status, &body)) }
    }

    /// A page of the mailbox; `after` is the page before's `next`.
    ///
    /// # Errors
    /// As [`Client::submit`].
    pub async fn inbox(
        &self,
        agency: Option<&AgencyCode>,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<InboxPage, ClientError> {
        let limit = limit.map(|limit| limit.to_string());
        let query = [("agency", agency.map(AgencyCode::as_str)), ("after", after), ("limit", limit.as_deref())];
        self.fetch(&Ask::to(Method::GET, with_query("/v1/inbox", &query))).await
    }

    /// A page of the agencies that the gateway knows.
    ///
    /// # Errors
    /// As [`Client::submit`].
    pub async fn agencies(
        &self,
        search: Option<&str>,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<AgencyPage, ClientError> {
        let limit = limit.map(|limit| limit.to_string());
        let query = [("search", search), ("after", after), ("limit", limit.as_deref())];
        self.fetch(&Ask::to(Method::GET, with_query("/v1/agencies", &query))).await
    }

    /// Takes a consignment over, or gives it back.
    ///
    /// # Errors
    /// As [`Client::submit`].
    pub async fn acknowledge(&self, id: ConsignmentId, answer: &Acknowledgement) -> Result<Acknowledged, ClientError> {
        let mut ask = Ask::to(Method::POST, format!("/v1/inbox/{id}/ack"));
        ask.json = Some(serde_json::to_vec(answer).unwrap_or_default().into());
        self.fetch(&ask).await
    }

    /// Writes a packet's bytes to `to`. On an error, what was written is not the packet: throw it away.
    ///
    /// # Errors
    /// [`ClientError::Damaged`] when the bytes are not those the gateway announced; else as [`Client::submit`].
    pub async fn content<W: AsyncWrite + Unpin>(&self, id: ConsignmentId, to: &mut W) -> Result<Fetched, ClientError> {
        let ask = Ask::to(Method::GET, format!("/v1/inbox/{id}/content"));
        let (mut response, lease, _) = self.exchange(&ask).await?;
        let announced = announced_digest(&response);
        let Some(announced) = announced.filter(|_| response.status() == StatusCode::OK) else {
            return Err(self.refusal(response, lease).await);
        };
        let mut hasher = Hasher::default();
        let mut size = 0_u64;
        while let Some(chunk) = self.next_chunk(&mut response).await? {
            hasher.update(&chunk);
            size = size.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
            to.write_all(&chunk).await.map_err(ClientError::Write)?;
        }
        to.flush().await.map_err(ClientError::Write)?;
        self.pool.give_back(lease);
        let digest = hasher.finish();
        if digest != announced {
            return Err(ClientError::Damaged { expected: announced, found: digest });
        }
        Ok(Fetched { digest, size })
    }

    /// Whether the gateway can do its work, and which part cannot.
    ///
    /// # Errors
    /// As [`Client::submit`]; a gateway that says it is not ready is an answer, not an error.
    pub async fn ready(&self) -> Result<Readiness, ClientError> {
        #[derive(Deserialize)]
        struct Part {
            name: String,
            ok: bool,
            detail: String,
        }
        #[derive(Deserialize)]
        struct Wire {
            ready: bool,
            parts: Vec<Part>,
        }
        let (response, lease, _) = self.exchange(&Ask::to(Method::GET, "/health/ready".to_owned())).await?;
        let status = response.status();
        let (body, is_json) = self.whole(response, lease, MAX_JSON_BYTES).await?;
        let wire = serde_json::from_slice::<Wire>(&body).ok().filter(|_| is_json);
        let wire = wire.ok_or_else(|| refusal(status, &body))?;
        let parts = wire.parts.into_iter().map(|part| (part.name, part.ok, part.detail)).collect();
        Ok(Readiness { ready: wire.ready, parts })
    }

    async fn fetch<T: DeserializeOwned>(&self, ask: &Ask<'_>) -> Result<T, ClientError> {
        let (response, lease, _) = self.exchange(ask).await?;
        self.json(response, lease).await
    }

    /// Sends the request and waits for the head of the answer.
    async fn exchange(&self, ask: &Ask<'_>) -> Result<(Response<Incoming>, Lease, Sent), ClientError> {
        let mut lease = self.pool.lease().await?;
        loop {
            let request = ask.request(&self.pool).await?;
            let (sent, size) = (request.body().sent(), request.body().size());
            match self.attempt(&mut lease, request, &sent).await {
                Ok(response) => {
                    lease.spent = sent.bytes() < size;
                    return Ok((response, lease, sent));
                }
                Err(ClientError::Broken { .. }) if lease.reused => lease = self.pool.anew(lease).await?,
                Err(error) => return Err(error),
            }
        }
    }

    async fn attempt(
        &self,
        lease: &mut Lease,
        request: Request<Outgoing>,
        sent: &Sent,
    ) -> Result<Response<Incoming>, ClientError> {
        let stall = self.pool.deadlines.stall;
        let mut answer = std::pin::pin!(lease.wire.sender.send_request(request));
        let mut before = sent.bytes();
        let source = loop {
            tokio::select! {
                answer = &mut answer => match answer {
                    Ok(response) => return Ok(response),
                    Err(source) => break source,
                },
                () = sleep(stall) => {
                    let now = sent.bytes();
                    if now == before {
                        return Err(ClientError::Timeout { step: Step::Sending, after: stall });
                    }
                    before = now;
                }
            }
        };
        Err(ClientError::Broken { step: Step::Sending, source: self.pool.cause(lease, source).await })
    }

    async fn next_chunk(&self, response: &mut Response<Incoming>) -> Result<Option<Bytes>, ClientError> {
        let stall = self.pool.deadlines.stall;
        loop {
            return match timeout(stall, response.body_mut().frame()).await {
                Err(_) => Err(ClientError::Timeout { step: Step::Receiving, after: stall }),
                Ok(None) => Ok(None),
                Ok(Some(Err(source))) => Err(ClientError::Broken { step: Step::Receiving, source }),
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(chunk) => Ok(Some(chunk)),
                    Err(_trailers) => continue,
                },
            };
        }
    }

    /// The whole body, and whether it claims to be JSON.
    async fn whole(
        &self,
        mut response: Response<Incoming>,
        lease: Lease,
        most: usize,
    ) -> Result<(Bytes, bool), ClientError> {
        let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == b"application/json");
        let mut body = BytesMut::new();
        while let Some(chunk) = self.next_chunk(&mut response).await? {
            body.extend_from_slice(&chunk);
            if body.len() > most {
                return Err(refusal(response.status(), &body));
            }
        }
        self.pool.give_back(lease);
        Ok((body.freeze(), is_json))
    }

    async fn json<T: DeserializeOwned>(&self, response: Response<Incoming>, lease: Lease) -> Result<T, ClientError> {
        let status = response.status();
        let (body, is_json) = self.whole(response, lease, MAX_JSON_BYTES).await?;
        let value = (is_json && status.is_success()).then(|| serde_json::from_slice(&body).ok()).flatten();
        value.ok_or_else(|| refusal(status, &body))
    }

    async fn refusal(&self, response: Response<Incoming>, lease: Lease) -> ClientError {
        let status = response.status();
        match self.whole(response, lease, MAX_JSON_BYTES).await {
            Ok((body, _)) => refusal(status, &body),
            Err(error) => error,
        }
    }
}

impl Ask<'_> {
    fn to(method: Method, target: String) -> Self {
        Self { method, target, packet: None, json: None }
    }

    async fn request(&self, pool: &Pool) -> Result<Request<Outgoing>, ClientError> {
        let (body, media_type) = match (&self.packet, &self.json) {
            (Some((packet, progress)), _) => {
                let body = Outgoing::packet(packet, progress.clone()).await.map_err(ClientError::Read)?;
                (body, "application/xml")
            }
            (None, Some(json)) => (Outgoing::bytes(json.clone()), "application/json"),
            (None, None) => (Outgoing::bytes(Bytes::new()), "application/json"),
        };
        let request = Request::builder()
            .method(self.method.clone())
            .uri(&self.target)
            .header(HOST, &pool.authority)
            .header(CONTENT_TYPE, media_type)
            .body(body);
        request.map_err(|_| ClientError::BadAddress(self.target.clone()))
    }
}

/// An answer that is not the one hoped for: a problem, or not a gateway's.
fn refusal(status: StatusCode, body: &[u8]) -> ClientError {
    if !status.is_success()
        && let Ok(problem) = serde_json::from_slice::<Problem>(body)
    {
        return ClientError::Refused(Box::new(problem));
    }
    let beginning = String::from_utf8_lossy(body).chars().take(MAX_SHOWN_CHARS).collect();
    ClientError::NotAGateway { status: status.as_u16(), beginning }
}

/// The digest in `Repr-Digest: sha-256=:…:` (RFC 9530).
fn announced_digest(response: &Response<Incoming>) -> Option<Digest> {
    let field = response.headers().get("repr-digest")?.to_str().ok()?;
    let encoded = field.split(',').find_map(|item| item.trim().strip_prefix("sha-256=:")?.strip_suffix(':'))?;
    let bytes = base64_simd::STANDARD.decode_to_vec(encoded).ok()?;
    Some(Digest::from_bytes(bytes.try_into().ok()?))
}

fn with_query(path: &str, query: &[(&str, Option<&str>)]) -> String {
    let mut target = path.to_owned();
    let mut mark = '?';
    for (name, value) in query.iter().filter_map(|(name, value)| value.map(|value| (name, value))) {
        target.push(mark);
        target.push_str(name);
        target.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                target.push(char::from(byte));
            } else {
                target.push_str(&format!("%{byte:02X}"));
            }
        }
        mark = '&';
    }
    target
}
