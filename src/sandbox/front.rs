//! The front: takes a request, passes it to the door behind, passes the answer back, unless a fault is drawn.
//!
//! Invariants: a request is numbered once and meets one fault at most; what is counted as carried out was answered by the
//! door; bodies are streamed and only kept when they are sent twice, up to [`MOST_KEPT`]. Every request to the door has a
//! connection of its own, so that no closed one is ever mistaken for a fault.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::{Bytes, BytesMut};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{
    CONNECTION, CONTENT_TYPE, EXPECT, HeaderMap, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri, Version, client, server};
use hyper_util::rt::{TokioIo, TokioTimer};
use lienthong_door_kit::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::faults::{Fault, Faults};
use super::tally::{Counts, Open, Tally, operation};

/// Largest body that is kept to be sent twice; a larger one is passed on as it comes, once.
const MOST_KEPT: usize = 8 << 20;
/// Connections at once: fewer than the door behind takes.
const CONNECTIONS: usize = 512;
/// Longest time for a body that is kept or thrown away.
const BODY_WITHIN: Duration = Duration::from_secs(600);
/// Longest wait for the door behind.
const ANSWER_WITHIN: Duration = Duration::from_secs(600);
/// Longest time that requests in progress may take when it stops: a slow answer is not waited for.
const STOP_WITHIN: Duration = Duration::from_secs(3);
/// Pause after the machine ran out of something while accepting.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a proxy puts before a server that does not answer.
const PAGE: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1>\
                    </center>\r\n</body>\r\n</html>\r\n";
/// The keys of the protocol and nothing behind them.
const NULLS: &str = r#"{"status":null,"ErrorCode":null,"ErrorDesc":null,"DocId":null,"data":null}"#;

/// Fields that belong to one connection.
const OF_THE_CONNECTION: [HeaderName; 6] = [CONNECTION, EXPECT, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];
const OF_OLD_CONNECTIONS: [&str; 2] = ["keep-alive", "proxy-connection"];

type OutBody = UnsyncBoxBody<Bytes, hyper::Error>;
type Head = hyper::http::request::Parts;

/// A connection that ends without an answer.
#[derive(Debug, thiserror::Error)]
enum HungUp {
    #[error("as it was drawn")]
    Drawn,
    #[error("the caller broke off: {0}")]
    Caller(String),
    #[error("the door behind does not answer: {0}")]
    Door(String),
}

/// The front of one sandbox.
#[derive(Debug)]
pub struct Front {
    door: SocketAddr,
    faults: ArcSwap<Faults>,
    counts: Counts,
    limits: Limits,
}

impl Front {
    pub fn new(door: SocketAddr, faults: Faults) -> Self {
        let faults = ArcSwap::from_pointee(faults);
        let limits = Limits { drain: STOP_WITHIN, ..Limits::default() };
        Self { door, faults, counts: Counts::default(), limits }
    }

    pub fn tally(&self) -> Tally {
        self.counts.tally()
    }

    pub fn faults(&self) -> Faults {
        self.faults.load().as_ref().clone()
    }

    pub fn set_faults(&self, faults: Faults) {
        self.faults.store(Arc::new(faults));
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<OutBody>, HungUp> {
        let operation = operation(request.uri().path());
        let number = self.counts.came(operation);
        let fault = self.faults.load().draw(number, operation);
        tracing::debug!(number = number.of_all, operation, ?fault, "a request");
        let answered = self.meet(request, fault).await;
        if let Err(error @ (HungUp::Caller(_) | HungUp::Door(_))) = &answered {
            tracing::warn!(number = number.of_all, operation, %error, "a request broke off by itself");
        }
        answered
    }

    /// Does to a request what was drawn. It is counted before the caller can know.
    async fn meet(&self, request: Request<Incoming>, fault: Fault) -> Result<Response<OutBody>, HungUp> {
        let (head, body) = request.into_parts();
        let mut open = self.counts.open();
        match fault {
            Fault::None => {
                let answer = self.pass(&head, body.boxed_unsync()).await?;
                open.met(fault);
                Ok(outward(answer))
            }
            Fault::Slow(by) => {
                let answer = self.pass(&head, body.boxed_unsync()).await?;
                open.met(fault);
                sleep(by).await;
                Ok(outward(answer))
            }
            Fault::Doubled => self.twice(&head, body, &mut open).await,
            Fault::Lost | Fault::Nulls | Fault::Html { done: true } => {
                read_away(self.pass(&head, body.boxed_unsync()).await?).await?;
                open.met(fault);
                match fault {
                    Fault::Lost => Err(HungUp::Drawn),
                    Fault::Nulls => Ok(made(StatusCode::OK, "application/json;charset=utf-8", NULLS)),
                    _ => Ok(page()),
                }
            }
            Fault::Outage { page: true } | Fault::Html { done: false } => {
                self.throw_away(body).await?;
                open.met(fault);
                Ok(page())
            }
            Fault::Outage { page: false } => {
                open.met(fault);
                Err(HungUp::Drawn)
            }
        }
    }

    async fn twice(&self, head: &Head, body: Incoming, open: &mut Open<'_>) -> Result<Response<OutBody>, HungUp> {
        match kept(body).await? {
            Kept::Whole(bytes) => {
                let again = || Full::new(bytes.clone()).map_err(|never| match never {}).boxed_unsync();
                read_away(self.pass(head, again()).await?).await?;
                let answer = self.pass(head, again()).await?;
                open.met(Fault::Doubled);
                Ok(outward(answer))
            }
            Kept::Begun(begun) => {
                let answer = self.pass(head, begun.boxed_unsync()).await?;
                open.met(Fault::None);
                Ok(outward(answer))
            }
        }
    }

    /// Has the door behind carry a request out. Its answer has begun when this ends, so that it is done.
    async fn pass(&self, head: &Head, body: OutBody) -> Result<Response<Incoming>, HungUp> {
        let broken = |error: &dyn std::fmt::Display| HungUp::Door(error.to_string());
        let mut request = Request::new(body);
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse::<Uri>().map_err(|error| HungUp::Caller(error.to_string()))?;
        *request.method_mut() = head.method.clone();
        *request.headers_mut() = passed_on(head.headers.clone());
        let tcp = TcpStream::connect(self.door).await.map_err(|error| broken(&error))?;
        let _ = tcp.set_nodelay(true);
        let (mut sender, connection) =
            client::conn::http1::handshake(TokioIo::new(tcp)).await.map_err(|error| broken(&error))?;
        // It ends with the answer, or when whoever reads it hangs up.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the door broke");
            }
        });
        match timeout(ANSWER_WITHIN, sender.send_request(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(broken(&error)),
            Err(late) => Err(broken(&late)),
        }
    }

    /// Takes a body that nobody gets: a caller that is still sending would not see the answer.
    async fn throw_away(&self, mut body: Incoming) -> Result<(), HungUp> {
        let mut left = self.limits.max_packet_bytes;
        let read = async {
            while let Some(frame) = next(&mut body).await? {
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                left = left.checked_sub(length).ok_or_else(|| HungUp::Caller("too much is sent".to_owned()))?;
            }
            Ok(())
        };
        within(read).await
    }
}

async fn next(body: &mut Incoming) -> Result<Option<Frame<Bytes>>, HungUp> {
    body.frame().await.transpose().map_err(|error| HungUp::Caller(error.to_string()))
}

async fn within<T>(read: impl Future<Output = Result<T, HungUp>>) -> Result<T, HungUp> {
    timeout(BODY_WITHIN, read).await.unwrap_or_else(|late| Err(HungUp::Caller(late.to_string())))
}

/// Takes an answer that nobody gets.
async fn read_away(answer: Response<Incoming>) -> Result<(), HungUp> {
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        frame.map_err(|error| HungUp::Door(error.to_string()))?;
    }
    Ok(())
}

/// A body that was read to be sent twice.
enum Kept {
    Whole(Bytes),
    /// Larger than what is kept.
    Begun(Begun),
}

async fn kept(mut body: Incoming) -> Result<Kept, HungUp> {
    let mut bytes = BytesMut::new();
    let read = async {
        while let Some(frame) = next(&mut body).await? {
            bytes.extend(frame.into_data().ok());
            if bytes.len() > MOST_KEPT {
                return Ok(false);
            }
        }
        Ok(true)
    };
    let whole = within(read).await?;
    let bytes = bytes.freeze();
    Ok(if whole { Kept::Whole(bytes) } else { Kept::Begun(Begun { begun: Some(bytes), rest: body }) })
}

/// A body of which some is read already.
struct Begun {
    begun: Option<Bytes>,
    rest: Incoming,
}

impl Body for Begun {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match self.begun.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }
}

/// What of a head is for the other side, not for this connection.
fn passed_on(mut headers: HeaderMap) -> HeaderMap {
    for name in OF_THE_CONNECTION {
        headers.remove(name);
    }
    for name in OF_OLD_CONNECTIONS {
        headers.remove(name);
    }
    headers
}

fn outward(answer: Response<Incoming>) -> Response<OutBody> {
    let (mut head, body) = answer.into_parts();
    head.version = Version::HTTP_11;
    head.headers = passed_on(head.headers);
    Response::from_parts(head, body.boxed_unsync())
}

fn made(status: StatusCode, media_type: &'static str, text: &'static str) -> Response<OutBody> {
    let body = Full::new(Bytes::from_static(text.as_bytes())).map_err(|never| match never {}).boxed_unsync();
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}

fn page() -> Response<OutBody> {
    made(StatusCode::BAD_GATEWAY, "text/html", PAGE)
}

/// Serves until `stop` is cancelled and the requests in progress have ended.
pub async fn serve(listener: TcpListener, front: Arc<Front>, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let connections = TaskTracker::new();
    // The places are never closed.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, _)) => {
                let (front, stop) = (Arc::clone(&front), stop.clone());
                connections.spawn(async move {
                    let _place = place;
                    connection(tcp, front, stop).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "accepting a connection failed");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    let limits = &front.limits;
    let _ = timeout(limits.drain.saturating_add(limits.linger), connections.wait()).await;
}

async fn connection(tcp: TcpStream, front: Arc<Front>, stop: CancellationToken) {
    let _ = tcp.set_nodelay(true);
    let limits = front.limits.clone();
    let service = service_fn(move |request| {
        let front = Arc::clone(&front);
        Box::pin(async move { front.answer(request).await })
    });
    let mut connection = server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_headers(limits.max_header_fields)
        .max_buf_size(limits.max_head_bytes)
        .serve_connection(TokioIo::new(tcp), service);
    let ended = tokio::select! {
        ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => Some(ended),
        () = stop.cancelled() => None,
    };
    let ended = match ended {
        Some(ended) => Ok(ended),
        None => {
            Pin::new(&mut connection).graceful_shutdown();
            timeout(limits.drain, poll_fn(|cx| connection.poll_without_shutdown(cx))).await
        }
    };
    // A connection that was to end without an answer ends here.
    let Ok(Ok(())) = ended else { return };
    let mut tcp = connection.into_parts().io.into_inner();
    // Closing at once would destroy an answer on its way to a caller that is still sending.
    let farewell = async {
        tcp.shutdown().await?;
        let mut sink = vec![0; 16 << 10];
        while tcp.read(&mut sink).await? > 0 {}
        io::Result::Ok(())
    };
    let _ = timeout(limits.linger, farewell).await;
}
