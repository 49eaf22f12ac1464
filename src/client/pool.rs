//! Connections to one gateway: at most so many at once, kept between requests.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HeaderValue;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, timeout};
use tokio_rustls::{TlsConnector, rustls};

use super::body::Outgoing;
use super::error::{Error, Step};

/// An unused connection is not trusted for longer: the gateway closes its side after 30 s.
const KEEP: Duration = Duration::from_secs(20);
/// The connection that failed is about to tell why.
const CAUSE_WITHIN: Duration = Duration::from_secs(1);

/// Deadlines of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// For the TCP connection and the TLS handshake together.
    pub connect: Duration,
    /// Longest time without progress: no byte sent, no byte received.
    pub stall: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), stall: Duration::from_secs(60) }
    }
}

pub struct Pool {
    pub authority: HeaderValue,
    host: String,
    port: u16,
    name: ServerName<'static>,
    tls: TlsConnector,
    pub deadlines: Deadlines,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<(Wire, Instant)>>,
}

/// One end of an HTTP connection, and where its own end is told.
#[derive(Debug)]
pub struct Wire {
    pub sender: SendRequest<Outgoing>,
    /// Why the connection ended, when it ended with a fault.
    fault: oneshot::Receiver<hyper::Error>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

/// A connection that one request has for itself.
#[derive(Debug)]
pub struct Lease {
    pub wire: Wire,
    /// It served an earlier request, so the gateway may have closed it meanwhile.
    pub reused: bool,
    /// The answer came before the request was sent whole: nothing more can be sent here.
    pub spent: bool,
    place: OwnedSemaphorePermit,
}

impl Pool {
    pub fn new(
        address: &str,
        tls: &rustls::ClientConfig,
        connections: usize,
        deadlines: Deadlines,
    ) -> Result<Self, Error> {
        let bad = || Error::BadAddress(address.to_owned());
        let uri: hyper::Uri = address.parse().map_err(|_| bad())?;
        if uri.scheme_str() != Some("https") || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(bad());
        }
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(bad)?;
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let mut tls = tls.clone();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| bad())?,
            name: ServerName::try_from(host.clone()).map_err(|_| bad())?,
            port: authority.port_u16().unwrap_or(443),
            host,
            tls: TlsConnector::from(Arc::new(tls)),
            deadlines,
            places: Arc::new(Semaphore::new(connections.max(1))),
            idle: Mutex::default(),
        })
    }

    /// A connection: a kept one where there is one. Waits while all are in use.
    pub async fn lease(&self) -> Result<Lease, Error> {
        // Never closed.
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|closed| self.cannot_connect(io::Error::other(closed)))?;
        while let Some(mut wire) = self.kept() {
            if wire.sender.ready().await.is_ok() {
                return Ok(Lease { wire, reused: true, spent: false, place });
            }
        }
        self.connect(place).await
    }

    /// A new connection in the place of one that turned out to be closed.
    pub async fn anew(&self, lease: Lease) -> Result<Lease, Error> {
        self.connect(lease.place).await
    }

    /// Keeps the connection for the next request. Its answer must have been read to the end.
    pub fn give_back(&self, lease: Lease) {
        let Lease { wire, spent, place, .. } = lease;
        if !spent && !wire.sender.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((wire, Instant::now()));
        }
        drop(place);
    }

    /// The connection used last: it is the least likely to have been closed.
    fn kept(&self) -> Option<Wire> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(wire, since)| !wire.sender.is_closed() && since.elapsed() < KEEP);
        idle.pop().map(|(wire, _)| wire)
    }

    async fn connect(&self, place: OwnedSemaphorePermit) -> Result<Lease, Error> {
        let opening = async {
            let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
            tcp.set_nodelay(true)?;
            self.tls.connect(self.name.clone(), tcp).await
        };
        let tls = match timeout(self.deadlines.connect, opening).await {
            Ok(opened) => opened.map_err(|source| self.cannot_connect(source))?,
            Err(_) => return Err(Error::Timeout { step: Step::Connecting, after: self.deadlines.connect }),
        };
        let (sender, connection) = http1::handshake(TokioIo::new(tls))
            .await
            .map_err(|source| Error::Broken { step: Step::Connecting, source })?;
        let (tell, fault) = oneshot::channel();
        tokio::spawn(async move {
            // It reaches the request in progress by itself, but not one that is only about to begin.
            if let Err(error) = connection.await {
                let _ = tell.send(error);
            }
        });
        Ok(Lease { wire: Wire { sender, fault }, reused: false, spent: false, place })
    }

    /// The cause behind a request that found its connection closed: with TLS 1.3 a server judges the client's
    /// certificate only after the client has its connection.
    pub async fn cause(&self, lease: &mut Lease, error: hyper::Error) -> hyper::Error {
        if !error.is_canceled() && !error.is_closed() {
            return error;
        }
        match timeout(CAUSE_WITHIN, &mut lease.wire.fault).await {
            Ok(Ok(cause)) => cause,
            Ok(Err(_)) | Err(_) => error,
        }
    }

    fn cannot_connect(&self, source: io::Error) -> Error {
        Error::Connect { address: format!("{}:{}", self.host, self.port), source }
    }
}
