//! The provider: what it says of itself, its keys, and the exchange of a code for a token.
//!
//! Nothing of it is asked before somebody wants to sign in, so a provider that is away keeps the console from nothing else.
//! What it says of itself is believed for an hour; its keys are asked for again when a token names one that is not among
//! them, at most once a minute, whoever asks. A provider that does not answer is left alone for some seconds, so that those
//! who come meanwhile are told at once and do not wait for it one behind the other.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64_simd::STANDARD;
use bytes::Bytes;
use lienthong_contract::{Clock, Instant};
use lienthong_door_kit::outbound::{Ask, Caller, Load, Waits};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio_rustls::rustls::ClientConfig;

use super::token::Keys;

/// The longest answer of a provider, in bytes.
const MAX_ANSWER: usize = 256 << 10;
/// What it says of itself is believed so long, and its keys are asked for no more often, in milliseconds.
const BELIEVED: i64 = 3_600_000;
const NOT_AGAIN: i64 = 60_000;
/// One that did not answer is left alone so long, in milliseconds.
const LEFT_ALONE: i64 = 10_000;

/// As whom the console asks.
#[derive(Debug, Clone)]
pub struct Client {
    /// As the provider writes it, to the letter.
    pub issuer: String,
    pub id: String,
    /// File of the client's secret; without one the client is a public one, with PKCE alone.
    pub secret: Option<PathBuf>,
    /// Where the provider sends the browser back to.
    pub back: String,
}

/// What a provider says of itself (OpenID Connect Discovery 1.0 §3), as far as it is used.
#[derive(Debug, Clone, Deserialize)]
struct Said {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

#[derive(Default)]
struct Known {
    said: Option<(Arc<Said>, Instant)>,
    keys: Option<(Keys, Instant)>,
    /// Why it could not be asked, and when that was.
    away: Option<(String, Instant)>,
}

/// The provider of one console.
pub struct Provider {
    pub client: Client,
    tls: Option<ClientConfig>,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("issuer", &self.client.issuer).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Exchanged {
    id_token: String,
}

impl Provider {
    #[must_use]
    pub fn new(client: Client, tls: Option<ClientConfig>, clock: Arc<dyn Clock>) -> Self {
        Self { client, tls, clock, known: Mutex::default() }
    }

    /// Where the browser is sent.
    ///
    /// # Errors
    /// The provider does not answer, or not as one. For the log.
    pub async fn door(&self) -> Result<String, String> {
        let door = &self.said().await?.authorization_endpoint;
        if may_be_called(door) { Ok(door.clone()) } else { Err(format!("{door}: https is needed")) }
    }

    /// The keys it shows; `anew` when the ones known before did not fit.
    ///
    /// # Errors
    /// As [`Self::door`].
    pub async fn keys(&self, anew: bool) -> Result<Keys, String> {
        let said = self.said().await?;
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        if let Some((keys, since)) = &known.keys {
            let age = now.as_millis().saturating_sub(since.as_millis());
            if age < NOT_AGAIN || (!anew && age < BELIEVED) {
                return Ok(keys.clone());
            }
        }
        let body = self.fetch(&said.jwks_uri).await?;
        let keys = Keys::read(&body).ok_or("the provider's keys are no JWK set")?;
        known.keys = Some((keys.clone(), now));
        Ok(keys)
    }

    /// Gives a code for the ID token (RFC 6749 §4.1.3, RFC 7636 §4.5).
    ///
    /// # Errors
    /// As [`Self::door`]; or the code is not taken.
    pub async fn exchange(&self, code: &str, verifier: &str) -> Result<String, String> {
        let said = self.said().await?;
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.client.back),
            ("code_verifier", verifier),
        ];
        let mut headers = vec![
            ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
            ("Accept".to_owned(), "application/json".to_owned()),
        ];
        match &self.client.secret {
            None => fields.push(("client_id", &self.client.id)),
            Some(file) => {
                let secret = crate::secrets::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
                // RFC 6749 §2.3.1: each is encoded as in a form before the two are put together.
                let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let both = format!("{}:{}", encoded(&self.client.id), encoded(secret.trim()));
                headers.push(("Authorization".to_owned(), format!("Basic {}", STANDARD.encode_to_string(both))));
            }
        }
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let load = Load::Bytes(Bytes::from(form));
        let body = self.call(&said.token_endpoint, "POST", &headers, load).await?;
        let exchanged: Exchanged =
            serde_json::from_slice(&body).map_err(|_| "the answer to the code has no id_token".to_owned())?;
        Ok(exchanged.id_token)
    }

    async fn said(&self) -> Result<Arc<Said>, String> {
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        if let Some((said, since)) = &known.said
            && now.as_millis().saturating_sub(since.as_millis()) < BELIEVED
        {
            return Ok(Arc::clone(said));
        }
        if let Some((why, since)) = &known.away
            && now.as_millis().saturating_sub(since.as_millis()) < LEFT_ALONE
        {
            return Err(why.clone());
        }
        let place = format!("{}/.well-known/openid-configuration", self.client.issuer.trim_end_matches('/'));
        let body = match self.fetch(&place).await {
            Ok(body) => body,
            Err(why) => {
                known.away = Some((why.clone(), self.clock.now()));
                return Err(why);
            }
        };
        let said: Said = serde_json::from_slice(&body).map_err(|error| format!("{place}: {error}"))?;
        if said.issuer != self.client.issuer {
            return Err(format!("{place} speaks for another issuer"));
        }
        let said = Arc::new(said);
        known.said = Some((Arc::clone(&said), now));
        Ok(said)
    }

    async fn fetch(&self, url: &str) -> Result<Bytes, String> {
        let headers = [("Accept".to_owned(), "application/json".to_owned())];
        self.call(url, "GET", &headers, Load::Bytes(Bytes::new())).await
    }

    async fn call(&self, url: &str, method: &str, headers: &[(String, String)], load: Load) -> Result<Bytes, String> {
        let seconds = Duration::from_secs;
        let waits = Waits { connect: seconds(5), answer: seconds(10), piece: seconds(5), ..Waits::default() };
        if !may_be_called(url) {
            return Err(format!("{url}: https is needed"));
        }
        let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query)));
        let path = query.map(|query| format!("?{query}")).unwrap_or_default();
        let failed = |error: &dyn std::fmt::Display| format!("{address}: {error}");
        let caller = Caller::new(address, self.tls.as_ref(), waits).map_err(|error| failed(&error))?;
        let answer = caller.call(Ask { method, path: &path, headers, load }).await.map_err(|error| failed(&error))?;
        let status = answer.status;
        let body = answer.whole(MAX_ANSWER).await.map_err(|error| failed(&error))?;
        if status == 200 { Ok(body) } else { Err(failed(&format!("HTTP status {status}"))) }
    }
}

/// Over TLS; in the clear only to this machine.
#[must_use]
pub fn may_be_called(url: &str) -> bool {
    let uri: Option<hyper::Uri> = url.trim().parse().ok();
    uri.is_some_and(|uri| {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        uri.scheme_str() == Some("https") || (uri.scheme_str() == Some("http") && here)
    })
}
