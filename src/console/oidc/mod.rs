//! Signing in through a provider of OpenID Connect: the code flow with PKCE (OpenID Connect Core 1.0 §3.1, RFC 7636).
//!
//! ```text
//!   browser ─ GET /sign-in/oidc ─► console: state, nonce, verifier kept; 303 to the provider, a cookie of this attempt
//!   browser ─ signs in there ─► 303 back with code and state
//!   browser ─ GET /sign-in/oidc/back ─► console: the attempt of this cookie, once; code for token; token judged; session
//! ```
//!
//! Invariants: an attempt belongs to the browser that began it, is good once and for ten minutes; a token counts only as the
//! answer to its attempt; nobody gets in who has no account here that is meant to sign in so, and such an account has no
//! password. What went wrong stands in the log; the page says only that it did.
//!
//! Failure story: attempts are memory. After a restart somebody who was at the provider begins again. A provider that is away
//! keeps out those who sign in through it; accounts with a password go on.

pub mod provider;
pub mod token;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64_simd::URL_SAFE_NO_PAD;
use lienthong_contract::{Digest, Instant};
use ring::digest::{SHA256, digest};

use super::access::{random_text, token_digest};
use provider::Provider;
use token::{Asked, Person, Unbelieved, believe};

/// An attempt is good so long, in milliseconds; and there are so many at once.
pub const GOOD_FOR: i64 = 600_000;
const MOST: usize = 4096;

/// What stands in the place of the password of an account that signs in through the provider.
const BY_PROVIDER: &str = "provider:";

/// How people sign in through a provider.
#[derive(Debug)]
pub struct Oidc {
    pub provider: Provider,
    /// The claim that names the account.
    pub claim: String,
    /// What people call the provider.
    pub label: String,
    attempts: Mutex<HashMap<Digest, Attempt>>,
}

#[derive(Debug)]
struct Attempt {
    /// Of what the browser holds.
    browser: Digest,
    nonce: String,
    verifier: String,
    /// Where the person wanted to go.
    to: String,
    until: Instant,
}

/// An attempt as the browser takes it along.
#[derive(Debug)]
pub struct Begun {
    /// The provider's page, with everything that it has to know.
    pub at: String,
    /// What the browser holds, to be known again.
    pub browser: String,
}

impl Oidc {
    #[must_use]
    pub fn new(provider: Provider, claim: String, label: String) -> Self {
        Self { provider, claim, label, attempts: Mutex::default() }
    }

    /// Begins an attempt.
    ///
    /// # Errors
    /// The provider cannot be asked. For the log.
    pub async fn begin(&self, to: &str, now: Instant) -> Result<Begun, String> {
        let door = self.provider.door().await?;
        let drawn = || random_text::<32>().ok_or_else(|| "the machine gives no chance".to_owned());
        let (state, nonce, verifier, browser) = (drawn()?, drawn()?, drawn()?, drawn()?);
        let challenge = URL_SAFE_NO_PAD.encode_to_string(digest(&SHA256, verifier.as_bytes()));
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("response_type", "code").append_pair("scope", "openid profile");
        query.append_pair("client_id", &self.provider.client.id);
        query.append_pair("redirect_uri", &self.provider.client.back);
        query.append_pair("state", &state).append_pair("nonce", &nonce);
        query.append_pair("code_challenge", &challenge).append_pair("code_challenge_method", "S256");
        let joint = if door.contains('?') { '&' } else { '?' };
        let at = format!("{door}{joint}{}", query.finish());
        let attempt = Attempt {
            browser: token_digest(&browser),
            nonce,
            verifier,
            to: to.to_owned(),
            until: now.plus_millis(GOOD_FOR),
        };
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        attempts.retain(|_, one| one.until > now);
        if attempts.len() >= MOST {
            return Err("too many people are at the provider".to_owned());
        }
        attempts.insert(token_digest(&state), attempt);
        drop(attempts);
        Ok(Begun { at, browser })
    }

    /// Ends an attempt by what the provider sent back: who it is, and where the person wanted to go.
    ///
    /// # Errors
    /// It is nobody. For the log.
    pub async fn end(&self, back: &Back<'_>, now: Instant) -> Result<(Person, String), String> {
        let attempt = self.take(back, now)?;
        if let Some(issuer) = back.issuer.filter(|issuer| *issuer != self.provider.client.issuer) {
            return Err(format!("the answer is of another issuer: {issuer:?}"));
        }
        if let Some(error) = back.error {
            return Err(format!("the provider refuses: {error:?}"));
        }
        let code = back.code.ok_or("the provider sent no code")?;
        let token = self.provider.exchange(code, &attempt.verifier).await?;
        let client = &self.provider.client;
        let asked = Asked { issuer: &client.issuer, client: &client.id, nonce: &attempt.nonce, now };
        let believed = believe(&token, &self.provider.keys(false).await?, &asked, &self.claim);
        let believed = match believed {
            // The provider may have changed its keys.
            Err(Unbelieved::UnknownKey) => believe(&token, &self.provider.keys(true).await?, &asked, &self.claim),
            other => other,
        };
        Ok((believed.map_err(|error| error.to_string())?, attempt.to))
    }

    /// The attempt of this browser. Whatever comes of it, it is good no more.
    fn take(&self, back: &Back<'_>, now: Instant) -> Result<Attempt, String> {
        let (state, browser) = back.state.zip(back.browser).ok_or("no state, or a browser that began no attempt")?;
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let name = token_digest(state);
        // One begun elsewhere stays with who began it.
        let own = attempts.get(&name).is_some_and(|one| one.browser == token_digest(browser));
        let attempt = if own { attempts.remove(&name) } else { None };
        drop(attempts);
        attempt.filter(|one| one.until > now).ok_or_else(|| "an attempt that is over, or another browser's".to_owned())
    }
}

/// What the provider sent the browser back with, and what the browser holds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Back<'a> {
    pub browser: Option<&'a str>,
    pub state: Option<&'a str>,
    pub code: Option<&'a str>,
    /// RFC 9207.
    pub issuer: Option<&'a str>,
    pub error: Option<&'a str>,
}

/// What stands as the password of an account that signs in through the provider: whom it was first, once somebody came.
#[must_use]
pub fn bound_to(subject: Option<&str>) -> String {
    format!("{BY_PROVIDER}{}", subject.unwrap_or_default())
}

/// Whether this account signs in through the provider.
#[must_use]
pub fn is_by_provider(password: &str) -> bool {
    password.starts_with(BY_PROVIDER)
}

/// Whether it is this person's: nobody has come yet, or the same one. A name may be given to somebody else at the provider,
/// a subject never (OpenID Connect Core 1.0 §5.7).
#[must_use]
pub fn is_of(password: &str, person: &Person) -> bool {
    password.strip_prefix(BY_PROVIDER).is_some_and(|subject| subject.is_empty() || subject == person.subject)
}
