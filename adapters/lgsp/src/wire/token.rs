//! Tokens: JWTs of HS256, made and read by this process alone. Bound to one system, for half an hour.

use std::fmt;

use base64_simd::URL_SAFE_NO_PAD;
use lienthong_contract::Instant;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

/// How long a token counts. Clients keep it for a minute less.
pub const LIFE_SECONDS: i64 = 30 * 60;
/// `{"alg":"HS256","typ":"JWT"}`
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
/// Longest token that is looked at; those of the platform have about a thousand letters.
const MAX_TOKEN: usize = 4096;

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    iat: i64,
    exp: i64,
}

/// Makes tokens and knows its own.
pub struct Tokens(hmac::Key);

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(…)")
    }
}

impl Tokens {
    /// With a new key; nothing when the machine has no randomness.
    #[must_use]
    pub fn fresh() -> Option<Self> {
        let mut key = [0; 32];
        SystemRandom::new().fill(&mut key).ok()?;
        Some(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    /// A token of this system.
    #[must_use]
    pub fn issue(&self, system: &str, now: Instant) -> String {
        let iat = now.as_seconds();
        let exp = iat.saturating_add(LIFE_SECONDS);
        let claims = Claims { iss: "lienthong".to_owned(), sub: system.to_owned(), iat, exp };
        let claims = serde_json::to_vec(&claims).unwrap_or_default();
        let signed = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode_to_string(claims));
        let tag = hmac::sign(&self.0, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode_to_string(tag.as_ref()))
    }

    /// The system that a token was given to, while it counts.
    #[must_use]
    pub fn system(&self, token: &str, now: Instant) -> Option<String> {
        let (signed, tag) = Some(token).filter(|token| token.len() <= MAX_TOKEN)?.rsplit_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode_to_vec(tag).ok()?;
        hmac::verify(&self.0, signed.as_bytes(), &tag).ok()?;
        let claims = signed.strip_prefix(HEADER)?.strip_prefix('.')?;
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode_to_vec(claims).ok()?).ok()?;
        (claims.iat..claims.exp).contains(&now.as_seconds()).then_some(claims.sub)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_token_counts_for_half_an_hour_for_its_system_and_at_this_process_only() {
        let (tokens, others) = (Tokens::fresh().unwrap(), Tokens::fresh().unwrap());
        let now = Instant::from_millis(1_790_000_000_000);
        let token = tokens.issue("H37.02", now);
        assert_eq!(token.matches('.').count(), 2);
        let of = |token: &str, seconds: i64| tokens.system(token, now.plus_millis(seconds * 1000));
        assert_eq!(of(&token, 0).as_deref(), Some("H37.02"));
        assert_eq!(of(&token, LIFE_SECONDS - 1).as_deref(), Some("H37.02"));
        assert_eq!((of(&token, LIFE_SECONDS), of(&token, -1)), (None, None));
        assert_eq!(others.system(&token, now), None);
        let other = tokens.issue("H37.03", now);
        let (claims, tag) = (other.split('.').nth(1).unwrap(), token.split('.').nth(2).unwrap());
        assert_eq!(of(&format!("{HEADER}.{claims}.{tag}"), 0), None);
        // The well-known forgery: no algorithm, no signature.
        assert_eq!(of(&format!("eyJhbGciOiJub25lIn0.{claims}."), 0), None);
        for nothing in ["", ".", "..", "a.b.c", &"x".repeat(5000)] {
            assert_eq!(of(nothing, 0), None, "{nothing}");
        }
    }
}
