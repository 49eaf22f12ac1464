//! Calls of systems outside: HTTP/1.1, over TLS where the address says so, on connections that are kept between calls.
//!
//! Invariants: every wait has an end; redirections are not followed, so that packets and secrets go where the administrator
//! said and nowhere else; what is told as [`Failed::NotSent`] cannot have been carried out, everything else may have been.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_LENGTH, HOST, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::outward::{OutBody, piece, streamed, whole};

/// Connections that are kept when nothing is called.
const MOST_KEPT: usize = 16;
/// Bytes read from a file at once.
const CHUNK: usize = 256 << 10;
/// A body is given this time for each MiB beside [`Waits::answer`].
const FOR_A_MIB: Duration = Duration::from_secs(30);

/// How long is waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// For the connection and the TLS handshake together.
    pub connect: Duration,
    /// From the beginning of a call to the beginning of its answer.
    pub answer: Duration,
    /// For the next piece of an answer.
    pub piece: Duration,
    /// An unused connection is not trusted for longer.
    pub keep: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            answer: Duration::from_secs(120),
            piece: Duration::from_secs(60),
            keep: Duration::from_secs(15),
        }
    }
}

/// Why an address cannot be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    #[error("an address has the form https://name[:port][/path], without a user, a query and a fragment")]
    Form,
    #[error("https needs the roots that the server's certificate leads to")]
    WithoutRoots,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    /// Nothing was sent.
    #[error("{0}")]
    NotSent(String),
    /// It may have been carried out.
    #[error("{0}")]
    Unknown(String),
}

/// What a call carries.
#[derive(Debug, Clone)]
pub enum Load {
    Bytes(Bytes),
    /// A file of this size, read while it is sent, and what stands before and behind it.
    File {
        before: Bytes,
        path: PathBuf,
        size: u64,
        behind: Bytes,
    },
}

impl Load {
    fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { before, size, behind, .. } => {
                size.saturating_add(before.len() as u64).saturating_add(behind.len() as u64)
            }
        }
    }

    fn body(self) -> OutBody {
        match self {
            Self::Bytes(bytes) => whole(bytes),
            Self::File { before, path, size, behind } => {
                streamed(piece(before).chain(read(path, size)).chain(piece(behind)))
            }
        }
    }
}

/// The first `size` bytes of a file; fewer break the call off, for the length was said.
fn read(path: PathBuf, size: u64) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold((None, path), move |(file, path)| async move {
        let mut file = match file {
            Some(file) => file,
            None => tokio::fs::File::open(&path).await?.take(size),
        };
        let mut chunk = BytesMut::with_capacity(CHUNK);
        let count = file.read_buf(&mut chunk).await?;
        Ok((count > 0).then(|| (chunk.freeze(), (Some(file), path))))
    })
}

/// A call.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    pub method: &'a str,
    /// Put behind the address.
    pub path: &'a str,
    pub headers: &'a [(String, String)],
    pub load: Load,
}

/// Calls one system outside. Calls run side by side, each on a connection of its own.
pub struct Caller {
    host: String,
    port: u16,
    authority: HeaderValue,
    base: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    waits: Waits,
    kept: Arc<Kept>,
}

type Sender = SendRequest<OutBody>;
type Kept = Mutex<Vec<(Sender, Instant)>>;

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl Caller {
    /// Of a system at `http[s]://name[:port][/path]`. `http` is for a security server or proxy within the own walls.
    ///
    /// # Errors
    /// [`BadAddress`].
    pub fn new(address: &str, tls: Option<&ClientConfig>, waits: Waits) -> Result<Self, BadAddress> {
        let uri: Uri = address.trim().parse().map_err(|_| BadAddress::Form)?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let authority = authority.ok_or(BadAddress::Form)?;
        if uri.query().is_some() || address.contains('#') {
            return Err(BadAddress::Form);
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let (tls, usual) = match uri.scheme_str() {
            Some("http") => (None, 80),
            Some("https") => {
                let mut tls = tls.ok_or(BadAddress::WithoutRoots)?.clone();
                tls.alpn_protocols = vec![b"http/1.1".to_vec()];
                let name = ServerName::try_from(host.clone()).map_err(|_| BadAddress::Form)?;
                (Some((TlsConnector::from(Arc::new(tls)), name)), 443)
            }
            _ => return Err(BadAddress::Form),
        };
        Ok(Self {
            port: authority.port_u16().unwrap_or(usual),
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| BadAddress::Form)?,
            host,
            base: uri.path().trim_end_matches('/').to_owned(),
            tls,
            waits,
            kept: Arc::default(),
        })
    }

    /// Makes a call, once.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn call(&self, ask: Ask<'_>) -> Result<Answer, Failed> {
        let length = ask.load.length();
        let patience = FOR_A_MIB.saturating_mul(u32::try_from(length >> 20).unwrap_or(u32::MAX));
        let mut request = self.request(ask, length)?;
        let end = self.waits.answer.saturating_add(patience);
        while let Some(sender) = self.kept() {
            request = match send(sender, request, end).await {
                Sent::Answered(sender, response) => return Ok(self.answer(sender, *response)),
                Sent::Failed(failed) => return Err(failed),
                // It was closed while nobody used it.
                Sent::Untouched(request, _) => *request,
            };
        }
        let sender = self.connect().await.map_err(Failed::NotSent)?;
        match send(sender, request, end).await {
            Sent::Answered(sender, response) => Ok(self.answer(sender, *response)),
            Sent::Failed(failed) => Err(failed),
            Sent::Untouched(_, why) => Err(Failed::NotSent(why)),
        }
    }

    fn request(&self, ask: Ask<'_>, length: u64) -> Result<Request<OutBody>, Failed> {
        let bad = |what: &str| Failed::NotSent(format!("a request with a bad {what}"));
        let mut request = Request::new(ask.load.body());
        *request.method_mut() = Method::from_bytes(ask.method.as_bytes()).map_err(|_| bad("method"))?;
        let target = format!("{}{}", self.base, ask.path);
        *request.uri_mut() = target.parse().map_err(|_| bad("path"))?;
        let headers = request.headers_mut();
        headers.insert(HOST, self.authority.clone());
        if ask.method != "GET" {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        for (name, value) in ask.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("header name"))?;
            headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).map_err(|_| bad("header value"))?);
        }
        Ok(request)
    }

    /// The connection used last: it is the least likely to have been closed.
    fn kept(&self) -> Option<Sender> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(sender, since)| !sender.is_closed() && since.elapsed() < self.waits.keep);
        kept.pop().map(|(sender, _)| sender)
    }

    async fn connect(&self) -> Result<Sender, String> {
        let opening = async {
            let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
            tcp.set_nodelay(true)?;
            match &self.tls {
                None => Ok(Io::Clear(tcp)),
                Some((tls, name)) => Ok(Io::Tls(Box::new(tls.connect(name.clone(), tcp).await?))),
            }
        };
        let io: io::Result<Io> = timeout(self.waits.connect, opening)
            .await
            .map_err(|_| format!("no connection to {}:{} in time", self.host, self.port))?;
        let unreachable = |error: &dyn fmt::Display| format!("no connection to {}:{}: {error}", self.host, self.port);
        match io.map_err(|error| unreachable(&error))? {
            Io::Clear(tcp) => begin(tcp).await,
            Io::Tls(tls) => begin(*tls).await,
        }
        .map_err(|error| unreachable(&error))
    }

    fn answer(&self, sender: Sender, response: Response<Incoming>) -> Answer {
        let status = response.status().as_u16();
        let back = Some((sender, Arc::clone(&self.kept)));
        Answer { status, body: response.into_body(), back, wait: self.waits.piece }
    }
}

enum Io {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

async fn begin<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(io: T) -> hyper::Result<Sender> {
    let (sender, connection) = http1::handshake(TokioIo::new(io)).await?;
    tokio::spawn(async move {
        // What goes wrong on it, the call hears.
        let _ = connection.await;
    });
    Ok(sender)
}

/// What came of a request on one connection.
enum Sent {
    Answered(Sender, Box<Response<Incoming>>),
    Failed(Failed),
    /// The connection was closed before any of it was written.
    Untouched(Box<Request<OutBody>>, String),
}

async fn send(mut sender: Sender, request: Request<OutBody>, within: Duration) -> Sent {
    let talk = async {
        let _ = sender.ready().await;
        sender.try_send_request(request).await
    };
    match timeout(within, talk).await {
        Err(_) => Sent::Failed(Failed::Unknown("no answer in time".to_owned())),
        Ok(Ok(response)) => Sent::Answered(sender, Box::new(response)),
        Ok(Err(mut error)) => match error.take_message() {
            Some(request) => Sent::Untouched(Box::new(request), error.into_error().to_string()),
            None => Sent::Failed(Failed::Unknown(told(&error.into_error()))),
        },
    }
}

/// An error with its cause.
fn told(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// The answer to a call; its body comes piece by piece.
pub struct Answer {
    pub status: u16,
    body: Incoming,
    /// Where its connection goes once all of it was read.
    back: Option<(Sender, Arc<Kept>)>,
    wait: Duration,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Answer {
    /// The next piece; nothing at the end.
    ///
    /// # Errors
    /// The answer broke off, or stalls.
    pub async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let stalls = |_| io::Error::new(io::ErrorKind::TimedOut, "the answer stalls");
            let Some(frame) = timeout(self.wait, self.body.frame()).await.map_err(stalls)? else {
                self.give_back();
                return Ok(None);
            };
            if let Ok(piece) = frame.map_err(|error| io::Error::other(told(&error)))?.into_data() {
                return Ok(Some(piece));
            }
        }
    }

    /// All of it.
    ///
    /// # Errors
    /// As [`Self::next`]; and when it is longer than `most` bytes.
    pub async fn whole(mut self, most: usize) -> io::Result<Bytes> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.next().await? {
            if whole.len().saturating_add(piece.len()) > most {
                return Err(io::Error::other("the answer is too long"));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    fn give_back(&mut self) {
        let Some((sender, kept)) = self.back.take().filter(|(sender, _)| !sender.is_closed()) else { return };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MOST_KEPT {
            kept.push((sender, Instant::now()));
        }
    }
}

#[cfg(test)]
mod tests;
