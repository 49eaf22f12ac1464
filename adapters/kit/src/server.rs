//! Accepting connections: TLS where it is asked for, deadlines, an orderly end.
//!
//! HTTP/1.1 alone: the clients of these protocols speak nothing else. A client that is refused while it is still sending is listened to for a
//! moment after the answer: closing at once would destroy the answer on its way.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::{TlsAcceptor, rustls};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::OutBody;
use crate::usage::Limits;

/// What answers the requests.
pub trait HttpDoor: Send + Sync + 'static {
    fn limits(&self) -> &Limits;

    /// Calls that are finished even when the caller hangs up.
    fn work(&self) -> &TaskTracker;

    /// Answers one request, whatever happens.
    fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        from: IpAddr,
    ) -> impl Future<Output = Response<OutBody>> + Send;
}

/// Gives the TLS configuration in force.
pub type TlsProvider = Arc<dyn Fn() -> Arc<rustls::ServerConfig> + Send + Sync>;

/// Pause after the machine ran out of something while accepting.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown` is cancelled and the requests in progress have ended. Without `tls` in the clear, for a
/// security server or a proxy in front.
///
/// # Errors
/// When the listener itself fails; a connection's failure ends only that connection.
pub async fn serve<D: HttpDoor>(
    listener: TcpListener,
    tls: Option<TlsProvider>,
    door: Arc<D>,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let limits = door.limits().clone();
    let places = Arc::new(Semaphore::new(limits.max_connections));
    let connections = TaskTracker::new();
    let outcome = loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break Ok(()),
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((tcp, address, place)) => {
                let (door, tls, shutdown) = (Arc::clone(&door), tls.clone(), shutdown.clone());
                connections.spawn(async move {
                    let _place = place;
                    connection(tcp, address.ip().to_canonical(), tls, door, shutdown).await;
                });
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
    let _ = timeout(limits.drain.saturating_add(limits.linger), connections.wait()).await;
    door.work().close();
    let _ = timeout(limits.drain, door.work().wait()).await;
    outcome
}

type Accepted = (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> io::Result<Accepted> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (tcp, address) = listener.accept().await?;
    Ok((tcp, address, place))
}

/// Whether accepting may go on: the peer gave up, or file handles or memory are short just now.
fn is_passing(error: &io::Error) -> bool {
    const SHORT_OF: [i32; 4] = [12, 23, 24, 105]; // ENOMEM, ENFILE, EMFILE, ENOBUFS
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | TimedOut | WouldBlock)
        || error.raw_os_error().is_some_and(|code| SHORT_OF.contains(&code))
}

async fn connection<D: HttpDoor>(
    tcp: TcpStream,
    from: IpAddr,
    tls: Option<TlsProvider>,
    door: Arc<D>,
    shutdown: CancellationToken,
) {
    let _ = tcp.set_nodelay(true);
    let Some(tls) = tls else { return converse(tcp, from, door, shutdown).await };
    let handshake = timeout(door.limits().handshake, TlsAcceptor::from(tls()).accept(tcp));
    let accepted = tokio::select! {
        () = shutdown.cancelled() => return,
        accepted = handshake => accepted,
    };
    match accepted {
        Ok(Ok(tls)) => converse(tls, from, door, shutdown).await,
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn converse<T: AsyncRead + AsyncWrite + Unpin + Send + 'static, D: HttpDoor>(
    io: T,
    from: IpAddr,
    door: Arc<D>,
    shutdown: CancellationToken,
) {
    let limits: Limits = door.limits().clone();
    let service = service_fn(move |request| {
        let door = Arc::clone(&door);
        Box::pin(async move { Ok::<_, Infallible>(door.answer(request, from).await) })
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_headers(limits.max_header_fields)
        .max_buf_size(limits.max_head_bytes)
        .serve_connection(TokioIo::new(Stalled { io, after: limits.write_stall, timer: None }), service);
    let ended = tokio::select! {
        ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => Some(ended),
        () = shutdown.cancelled() => None,
    };
    let ended = match ended {
        Some(ended) => Ok(ended),
        None => {
            Pin::new(&mut connection).graceful_shutdown();
            timeout(limits.drain, poll_fn(|cx| connection.poll_without_shutdown(cx))).await
        }
    };
    match ended {
        Ok(Err(error)) => return tracing::debug!(%error, "a connection broke"),
        Err(_) => return,
        Ok(Ok(())) => {}
    }
    let mut io = connection.into_parts().io.into_inner();
    let farewell = async {
        io.shutdown().await?;
        let mut sink = vec![0; 16 << 10];
        while io.read(&mut sink).await? > 0 {}
        io::Result::Ok(())
    };
    let _ = timeout(limits.linger, farewell).await;
}

/// A stream that ends when the peer does not take what is written.
struct Stalled<T> {
    io: T,
    after: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<T> Stalled<T> {
    fn overdue<R>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if outcome.is_ready() {
            self.timer = None;
            return outcome;
        }
        let after = self.after;
        ready!(self.timer.get_or_insert_with(|| Box::pin(sleep(after))).as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not take what is sent")))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Stalled<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Stalled<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.io).poll_write(cx, buf);
        this.overdue(cx, outcome)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.io).poll_flush(cx);
        this.overdue(cx, outcome)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.io).poll_shutdown(cx);
        this.overdue(cx, outcome)
    }
}
