//! The interface over real TLS connections, with doubles behind its doors.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod connections;
mod description;
pub mod doubles;
mod limits;
mod routes;
pub mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use super::{Api, Limits, Problem, serve};
use crate::client::{Client, Packet};
use doubles::Desk;
pub use doubles::Event;
pub use tls::Who;

/// No outcome is waited for longer; reaching it is the failure.
const DEADLINE: Duration = Duration::from_secs(30);
/// Short enough to wait for, long enough to be no accident.
pub const SHORT: Duration = Duration::from_millis(150);

/// A running interface.
pub struct House {
    pub address: SocketAddr,
    pub desk: Arc<Desk>,
    pub stop: CancellationToken,
    pub served: JoinHandle<std::io::Result<()>>,
    /// Connections accepted.
    pub met: Arc<AtomicUsize>,
}

impl House {
    pub async fn open() -> Self {
        Self::with(Limits::default()).await
    }

    pub async fn with(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let desk = Arc::new(Desk::new());
        let api = Api {
            intake: desk.clone(),
            mailbox: desk.clone(),
            tracking: desk.clone(),
            proofs: desk.clone(),
            identities: desk.clone(),
            health: desk.clone(),
            metrics: desk.clone(),
            log: Some(desk.clone()),
            limits,
        };
        let stop = CancellationToken::new();
        let met = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&met);
        let config = tls::server();
        let provider = Arc::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
            Arc::clone(&config)
        });
        let served = tokio::spawn(serve(listener, provider, api, stop.clone()));
        Self { address, desk, stop, served, met }
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    pub fn client(&self) -> Client {
        Client::new(&self.url(), &tls::client(Who::Sender, &[])).unwrap()
    }

    pub async fn dial(&self, who: Who) -> Raw {
        Raw(self.connect(who, b"http/1.1").await)
    }

    pub async fn connect(&self, who: Who, protocol: &[u8]) -> TlsStream<TcpStream> {
        let tcp = TcpStream::connect(self.address).await.unwrap();
        let name = "localhost".try_into().unwrap();
        TlsConnector::from(tls::client(who, &[protocol])).connect(name, tcp).await.unwrap()
    }

    /// One request on a connection of its own.
    pub async fn ask(&self, who: Who, head: &str, body: &[u8]) -> Answer {
        let mut raw = self.dial(who).await;
        raw.head(&format!("{head}\r\nconnection: close")).await;
        raw.send(body).await;
        raw.answer().await
    }
}

/// A connection on which a test writes its own bytes.
pub struct Raw(pub TlsStream<TcpStream>);

impl Raw {
    /// A request line and more header lines, without the last line break.
    pub async fn head(&mut self, lines: &str) {
        let (first, more) = lines.split_once("\r\n").unwrap_or((lines, "x-nothing: 1"));
        self.send(format!("{first} HTTP/1.1\r\nhost: localhost\r\n{more}\r\n\r\n").as_bytes()).await;
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// Everything until the gateway closes the connection.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        timeout(DEADLINE, self.0.read_to_end(&mut bytes)).await.expect("the connection never ended").unwrap();
        bytes
    }

    pub async fn answer(&mut self) -> Answer {
        Answer::parse(&self.rest().await)
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Bytes,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
        let status = head[9..12].parse().unwrap();
        Self { status, head, body: Bytes::copy_from_slice(&bytes[end + 4..]) }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The refusal, which must say everything a refusal says.
    pub fn problem(&self) -> Problem {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.status, self.status);
        assert!(problem.kind.starts_with("urn:lienthong:problem:"));
        assert!(!problem.title.is_empty() && !problem.detail.is_empty() && !problem.detail_en.is_empty());
        assert_eq!(self.header("retry-after").map(str::to_owned), problem.retry_after_seconds.map(|s| s.to_string()));
        problem
    }

    /// The code of the first finding of a refusal.
    pub fn code(&self) -> String {
        self.problem().findings.first().map(|finding| finding.code.clone()).unwrap_or_default()
    }
}

pub fn packet(text: &str) -> Packet {
    Packet::Bytes(Bytes::copy_from_slice(text.as_bytes()))
}

/// Waits for an outcome, not for a time.
pub async fn soon<T>(what: &str, outcome: impl Future<Output = T>) -> T {
    timeout(DEADLINE, outcome).await.unwrap_or_else(|_| panic!("never happened: {what}"))
}
