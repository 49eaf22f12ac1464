//! The signature of a webhook, by the rules of Standard Webhooks: `v1,` and the base64 of an HMAC-SHA256 over
//! `id.timestamp.body`, one for each secret that is valid.
//!
//! The timestamp is of the attempt, and signed, so that a receiver can refuse what is old; the id is the notice's, so that
//! it can refuse what it had. Both together keep anybody from playing a notice again.

use base64_simd::STANDARD;
use ring::hmac;

/// Prefix of a secret that is written in base64.
const PREFIX: &str = "whsec_";

/// A secret shared with a receiver. It is never shown.
#[derive(Clone)]
pub struct Secret(hmac::Key);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// From what stands in its file: `whsec_` and base64, or the bytes as they are. Nothing when it is too short to be
    /// a secret: 16 bytes are the least.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let bytes = match text.strip_prefix(PREFIX) {
            Some(encoded) => STANDARD.decode_to_vec(encoded).ok()?,
            None => text.as_bytes().to_vec(),
        };
        (bytes.len() >= 16).then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }
}

/// The header `webhook-signature`. `timestamp` is in seconds since 1970.
#[must_use]
pub fn sign(secrets: &[Secret], id: &str, timestamp: i64, body: &[u8]) -> String {
    let signed = |secret: &Secret| {
        let mut context = hmac::Context::with_key(&secret.0);
        context.update(format!("{id}.{timestamp}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode_to_string(context.sign().as_ref()))
    };
    secrets.iter().map(signed).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_signature_is_the_one_that_openssl_makes() {
        // printf 'news_1.1750000000.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef -binary | base64
        let made = sign(&[Secret::read("0123456789abcdef").unwrap()], "news_1", 1_750_000_000, br#"{"a":1}"#);
        assert_eq!(made, "v1,A4VJJUq57BdGEJOwiCNdScKIJg4sCyT1OnJyCRSM9d4=");
        let encoded = Secret::read("whsec_MDEyMzQ1Njc4OWFiY2RlZg==\n").unwrap();
        assert_eq!(sign(&[encoded], "news_1", 1_750_000_000, br#"{"a":1}"#), made);
    }

    #[test]
    fn two_secrets_make_two_signatures_and_a_short_one_none() {
        let secrets = ["0123456789abcdef", "fedcba9876543210"].map(|text| Secret::read(text).unwrap());
        let both = sign(&secrets, "i", 1, b"b");
        let (first, second) = both.split_once(' ').unwrap();
        assert_eq!(
            (first, second),
            (sign(&secrets[..1], "i", 1, b"b").as_str(), sign(&secrets[1..], "i", 1, b"b").as_str())
        );
        assert!(Secret::read("short").is_none() && Secret::read("whsec_AAAA").is_none() && Secret::read("").is_none());
        assert_eq!(format!("{:?}", secrets[0]), "Secret(…)");
    }
}
