//! Accepting connections: TLS, deadlines, and an orderly end.
//!
//! ```text
//! accept ── place free? ── TLS handshake ── certificate's SHA-256 ──┬─ "h2" ── HTTP/2 ─┐
//!                                                                   └─ else ── HTTP/1 ─┴─ routes::Door
//! ```
//!
//! The TLS configuration is asked for at every connection, so that reloaded certificates and revocation lists count
//! from the next one on; connections are asked to end at [`Limits::max_connection_age`]. The configuration must offer
//! ALPN `h2` and `http/1.1`, demand or accept client certificates, and must not resume sessions (a resumed session
//! is not verified again).
//!
//! When `shutdown` is cancelled no connection is accepted any more; requests in progress may finish within
//! [`Limits::drain`], and then [`serve`] returns. What was cut off had not been accepted.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use lienthong_contract::Digest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, rustls};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::problem::{BAD_REQUEST, Cause, MEDIA_TYPE, Problem, TOO_SLOW};
use super::routes::{self, Door, Peer, Shared};
use super::stall::{Activity, Watched};
use super::{Api, Limits, findings};
use crate::trust::tls::handshake_finding;

/// Gives the TLS configuration in force.
pub type TlsProvider = Arc<dyn Fn() -> Arc<rustls::ServerConfig> + Send + Sync>;

/// Pause after the machine ran out of something while accepting.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Most bytes read at once, and buffered towards a slow reader.
const BUFFER_BYTES: usize = 64 * 1024;
/// What an HTTP/2 sender may send ahead: on one stream, on one connection.
const STREAM_WINDOW: u32 = 512 * 1024;
const CONNECTION_WINDOW: u32 = 2 * 1024 * 1024;
/// The HTTP layer itself refuses heads this many times larger than allowed. Below, the door refuses in its own words.
const HEAD_SLACK: usize = 4;

/// Serves the interface until `shutdown` is cancelled and the requests in progress have ended.
///
/// # Errors
/// When the listener itself fails; a connection's failure ends only that connection.
pub async fn serve(listener: TcpListener, tls: TlsProvider, api: Api, shutdown: CancellationToken) -> io::Result<()> {
    let shared = Arc::new(Shared::new(api));
    let places = Arc::new(Semaphore::new(shared.api.limits.max_connections));
    let connections = TaskTracker::new();
    let router = routes::router(Arc::clone(&shared));
    let outcome = loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break Ok(()),
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((tcp, place)) => {
                let link = Link {
                    shared: Arc::clone(&shared),
                    router: router.clone(),
                    shutdown: shutdown.clone(),
                    activity: Arc::default(),
                };
                connections.spawn(link.run(tcp, tls(), place));
            }
            Err(error) if is_passing(&error) => {
                tracing::warn!(%error, "accepting a connection failed");
                sleep(ACCEPT_PAUSE).await;
            }
            Err(error) => break Err(error),
        }
    };
    drop(listener);
    shutdown.cancel();
    connections.close();
    connections.wait().await;
    shared.work.close();
    let _ = timeout(shared.api.limits.drain, shared.work.wait()).await;
    outcome
}

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (tcp, _) = listener.accept().await?;
    Ok((tcp, place))
}

/// Whether accepting may go on: the peer gave up, or file handles or memory are short just now.
fn is_passing(error: &io::Error) -> bool {
    const SHORT_OF: [i32; 4] = [12, 23, 24, 105]; // ENOMEM, ENFILE, EMFILE, ENOBUFS
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | TimedOut | WouldBlock)
        || error.raw_os_error().is_some_and(|code| SHORT_OF.contains(&code))
}

/// The caller's own software sees no more than a TLS alert, so the operator who is asked must find the cause here.
fn tell_refused(error: &io::Error) {
    match handshake_finding(error) {
        Some(finding) => {
            let found = finding.found.unwrap_or_default();
            tracing::info!(code = finding.code, found, "a client certificate was refused: {}", finding.title_en);
        }
        None => tracing::debug!(%error, "a TLS handshake failed"),
    }
}

type Tls = TlsStream<TcpStream>;

/// One connection.
struct Link {
    shared: Arc<Shared>,
    router: axum::Router,
    shutdown: CancellationToken,
    activity: Arc<Activity>,
}

impl Link {
    async fn run(self, tcp: TcpStream, config: Arc<rustls::ServerConfig>, _place: OwnedSemaphorePermit) {
        // Small answers must not wait for the acknowledgement of the one before.
        let _ = tcp.set_nodelay(true);
        let handshake = timeout(self.limits().handshake, TlsAcceptor::from(config).accept(tcp).into_fallible());
        let tls = tokio::select! {
            () = self.shutdown.cancelled() => return,
            tls = handshake => tls,
        };
        let tls = match tls {
            Ok(Ok(tls)) => tls,
            Ok(Err((error, tcp))) => {
                tell_refused(&error);
                return self.part(tcp).await;
            }
            Err(_) => return tracing::debug!("a TLS handshake took too long"),
        };
        let (_, session) = tls.get_ref();
        let certificate = session.peer_certificates().and_then(<[_]>::first).map(|der| Digest::of(der));
        let http2 = session.alpn_protocol() == Some(b"h2");
        let peer = Peer::meet(certificate, &self.shared);
        let door = Door::new(Arc::clone(&self.shared), self.router.clone(), peer, Arc::clone(&self.activity), !http2);
        if http2 { self.http2(tls, door).await } else { self.http1(tls, door).await }
    }

    /// Ends a connection whose handshake failed. The peer may have sent a request already; closing with that unread
    /// would destroy the alert that tells it why.
    async fn part(&self, mut tcp: TcpStream) {
        let farewell = async {
            tcp.shutdown().await?;
            let mut sink = vec![0; 4 * 1024];
            while tcp.read(&mut sink).await? > 0 {}
            io::Result::Ok(())
        };
        let _ = timeout(self.limits().linger, farewell).await;
    }

    async fn http1(self, tls: Tls, door: Door) {
        let limits = self.limits();
        let io = TokioIo::new(Watched::new(tls, limits.write_stall, Some(Arc::clone(&self.activity))));
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_header_size(limits.max_head_bytes.saturating_mul(HEAD_SLACK))
            .max_headers(limits.max_header_fields.saturating_mul(HEAD_SLACK))
            .max_buf_size(BUFFER_BYTES)
            .serve_connection(io, door);
        let ended = tokio::select! {
            ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => Some(ended),
            () = self.time_to_end() => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                Pin::new(&mut connection).graceful_shutdown();
                tokio::select! {
                    ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => ended,
                    () = self.time_is_over() => return,
                }
            }
        };
        let parts = connection.into_parts();
        let (tls, refused) = parts.io.into_inner().into_inner();
        match (ended, refused) {
            (_, Some(status)) => self.say(tls, &BAD_REQUEST, &findings::NOT_HTTP, Some(status)).await,
            (Err(error), None) if error.is_timeout() && !parts.read_buf.is_empty() => {
                self.say(tls, &TOO_SLOW, &findings::SLOW_HEAD, None).await;
            }
            (Err(error), None) if !error.is_timeout() => tracing::debug!(%error, "a connection broke"),
            (Ok(()) | Err(_), None) => self.close(tls).await,
        }
    }

    async fn http2(self, tls: Tls, door: Door) {
        let limits = self.limits();
        let io = TokioIo::new(Watched::new(tls, limits.write_stall, None));
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(limits.head)
            .keep_alive_timeout(limits.handshake)
            .max_concurrent_streams(limits.max_streams)
            .max_header_list_size(u32::try_from(limits.max_head_bytes.saturating_mul(HEAD_SLACK)).unwrap_or(u32::MAX))
            .max_send_buf_size(BUFFER_BYTES)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .serve_connection(io, door);
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.time_to_end() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! { ended = connection.as_mut() => ended, () = self.time_is_over() => return }
            }
            () = self.disuse() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! { ended = connection.as_mut() => ended, () = self.time_is_over() => return }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection broke");
        }
    }

    fn limits(&self) -> &Limits {
        &self.shared.api.limits
    }

    /// Until the connection should take no further requests.
    async fn time_to_end(&self) {
        tokio::select! {
            () = self.shutdown.cancelled() => {}
            () = sleep(self.limits().max_connection_age) => {}
        }
    }

    /// Until the last request on an ending connection is cut off.
    async fn time_is_over(&self) {
        let stop = async {
            self.shutdown.cancelled().await;
            sleep(self.limits().drain).await;
        };
        // HTTP/2 cannot be asked to end before its preface has come.
        let never_used = async {
            sleep(self.limits().linger).await;
            if self.activity.begun() > 0 {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = stop => {}
            () = never_used => {}
            () = sleep(self.limits().longest_request) => {}
        }
    }

    /// Until no request has begun for a while; HTTP/1 watches this by itself.
    async fn disuse(&self) {
        let mut seen = 0;
        loop {
            sleep(self.limits().head).await;
            let begun = self.activity.begun();
            if begun == seen && self.activity.idle() {
                return;
            }
            seen = begun;
        }
    }

    /// Says a last word on HTTP/1 that is no answer to a request.
    async fn say(&self, mut tls: Tls, cause: &Cause, kind: &'static lienthong_contract::Kind, status: Option<u16>) {
        let mut problem = Problem::of(cause, kind);
        problem.status = status.unwrap_or(problem.status);
        let reason = StatusCode::from_u16(problem.status).ok().and_then(|s| s.canonical_reason()).unwrap_or("Refused");
        let body = problem.to_json();
        let mut answer = format!(
            "HTTP/1.1 {} {reason}\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            problem.status,
            body.len()
        )
        .into_bytes();
        answer.extend_from_slice(&body);
        self.activity.answered_early();
        if let Ok(Ok(())) = timeout(self.limits().write_stall, tls.write_all(&answer)).await {
            self.close(tls).await;
        }
    }

    /// Closes our side, and where the peer may still be sending, reads on for a moment.
    async fn close(&self, mut tls: Tls) {
        let early = self.activity.has_answered_early();
        let farewell = async {
            tls.shutdown().await?;
            let mut sink = vec![0; if early { 16 * 1024 } else { 0 }];
            while early && tls.read(&mut sink).await? > 0 {}
            io::Result::Ok(())
        };
        let _ = timeout(self.limits().linger, farewell).await;
    }
}
