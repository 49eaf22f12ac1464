//! HTTPS by hand, for what no well-behaved client does.

use std::net::SocketAddr;
use std::sync::Arc;

use lienthong::api::Problem;
use lienthong::clock::SystemClock;
use lienthong::pki::{AgencyFiles, Manifest};
use lienthong::trust::tls::{ClientFiles, client_config};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub struct Raw(TlsStream<TcpStream>);

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn problem(&self) -> Problem {
        assert!(self.head.to_ascii_lowercase().contains("content-type: application/problem+json"), "{}", self.head);
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Raw {
    /// An HTTP/1.1 connection that shows these files' client certificate.
    pub async fn connect(manifest: &Manifest, files: &AgencyFiles, to: SocketAddr) -> Self {
        let files = ClientFiles {
            roots: vec![manifest.ca().root],
            crls: Vec::new(),
            identity: Some((files.client_chain.clone(), files.client_key.clone())),
            http: true,
        };
        let mut tls = client_config(&files, Arc::new(SystemClock)).unwrap().as_ref().clone();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let tcp = TcpStream::connect(to).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        Self(TlsConnector::from(Arc::new(tls)).connect(name, tcp).await.unwrap())
    }

    /// Sends, as far as the other side takes it: it may answer and close before it has everything.
    pub async fn send(&mut self, bytes: &[u8]) {
        if self.0.write_all(bytes).await.is_ok() {
            let _ = self.0.flush().await;
        }
    }

    /// `POST /v1/packets` with this body; the connection is of no use afterwards.
    pub async fn post(&mut self, body: &[u8]) -> Answer {
        let head = format!(
            "POST /v1/packets HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/xml\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        self.send(head.as_bytes()).await;
        self.send(body).await;
        self.answer().await
    }

    /// Reads one answer to its end.
    pub async fn answer(&mut self) -> Answer {
        let mut read = Vec::new();
        let mut chunk = vec![0; 64 * 1024];
        loop {
            if let Some(answer) = whole(&read) {
                return answer;
            }
            match self.0.read(&mut chunk).await {
                Ok(count) if count > 0 => read.extend_from_slice(&chunk[..count]),
                ended => panic!("no whole answer, {ended:?}: {:?}", String::from_utf8_lossy(&read)),
            }
        }
    }
}

fn whole(read: &[u8]) -> Option<Answer> {
    let end = read.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(read[..end].to_vec()).unwrap();
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned));
    let length: usize = length.expect("an answer with its length").trim().parse().unwrap();
    let body = read.get(end..end + length)?.to_vec();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Some(Answer { status, head, body })
}
