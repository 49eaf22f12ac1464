//! News by HTTPS: each notice is one POST to the subscriber's address, signed, on a connection of its own.
//!
//! Invariants: only HTTPS, to a server whose certificate leads to the roots named for this subscriber; redirections are
//! not followed, so that news goes where the administrator said and nowhere else; an answer counts as taken only with a
//! status 200–299, whatever its body.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, rustls};

use lienthong_contract::Clock;

use super::signature::{Secret, sign};
use super::{Channel, Notice};

/// Longest wait for the whole of a call.
const WITHIN: Duration = Duration::from_secs(20);
/// How much of an answer's body is read before the connection is left.
const MAX_ANSWER: usize = 64 * 1024;

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";

/// Why an address cannot be a webhook's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a webhook's address has the form https://name[:port]/path, without a user and a fragment")]
pub struct BadAddress;

/// Where a notice is posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    authority: HeaderValue,
    host: String,
    port: u16,
    name: ServerName<'static>,
    target: String,
}

impl Address {
    /// # Errors
    /// [`BadAddress`].
    pub fn read(text: &str) -> Result<Self, BadAddress> {
        let uri: Uri = text.parse().map_err(|_| BadAddress)?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or(BadAddress)?;
        if uri.scheme_str() != Some("https") || text.contains('#') {
            return Err(BadAddress);
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        Ok(Self {
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| BadAddress)?,
            name: ServerName::try_from(host.clone()).map_err(|_| BadAddress)?,
            port: authority.port_u16().unwrap_or(443),
            host,
            target: uri.path_and_query().map_or("/", |target| target.as_str()).to_owned(),
        })
    }
}

/// A subscriber that takes news by HTTPS.
pub struct Webhook {
    pub address: Address,
    pub tls: Arc<rustls::ClientConfig>,
    /// The secrets that are valid just now: two while one is being changed for the other.
    pub secrets: Box<dyn Fn() -> Vec<Secret> + Send + Sync>,
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("host", &self.address.host).finish_non_exhaustive()
    }
}

#[async_trait]
impl Channel for Webhook {
    async fn tell(&self, notice: &Notice) -> Result<(), String> {
        match tokio::time::timeout(WITHIN, self.post(notice)).await {
            Ok(Ok(status)) if status.is_success() => Ok(()),
            Ok(Ok(status)) => Err(format!("it answered {status}")),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {} s", WITHIN.as_secs())),
        }
    }
}

impl Webhook {
    async fn post(&self, notice: &Notice) -> io::Result<StatusCode> {
        let request = self.request(notice)?;
        let address = &self.address;
        let tcp = TcpStream::connect((address.host.as_str(), address.port)).await?;
        tcp.set_nodelay(true)?;
        let mut tls = self.tls.as_ref().clone();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let stream = TlsConnector::from(Arc::new(tls)).connect(address.name.clone(), tcp).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        let talking = tokio::spawn(connection);
        let answered = sender.send_request(request).await.map_err(io::Error::other);
        let status = match answered {
            Ok(mut response) => {
                let status = response.status();
                // Read, so that the other end sees its answer taken; what it says changes nothing.
                let mut read = 0;
                while let Some(Ok(frame)) = response.body_mut().frame().await {
                    read += frame.data_ref().map_or(0, Bytes::len);
                    if read > MAX_ANSWER {
                        break;
                    }
                }
                Ok(status)
            }
            Err(error) => Err(error),
        };
        talking.abort();
        status
    }

    fn request(&self, notice: &Notice) -> io::Result<Request<Full<Bytes>>> {
        let secrets = (self.secrets)();
        if secrets.is_empty() {
            return Err(io::Error::other("there is no secret to sign with"));
        }
        let timestamp = self.clock.now().as_seconds();
        Request::builder()
            .method(Method::POST)
            .uri(self.address.target.as_str())
            .header(HOST, self.address.authority.clone())
            .header(USER_AGENT, concat!("lienthong/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .header(ID, notice.id.as_str())
            .header(TIMESTAMP, timestamp)
            .header(SIGNATURE, sign(&secrets, &notice.id, timestamp, &notice.body))
            .body(Full::new(notice.body.clone()))
            .map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_address_is_https_and_nothing_hides_in_it() {
        let address = Address::read("https://vanban.example.vn:8443/lien-thong?nguon=1").unwrap();
        assert_eq!((address.host.as_str(), address.port), ("vanban.example.vn", 8443));
        assert_eq!(address.target, "/lien-thong?nguon=1");
        assert_eq!(Address::read("https://[::1]").unwrap().target, "/");
        for bad in ["http://a/", "https://user@a/", "a/b", "https://", "", "https://a/#b", "ftp://a/", "https:///x"] {
            assert_eq!(Address::read(bad), Err(BadAddress), "{bad}");
        }
    }
}
