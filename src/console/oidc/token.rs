//! The ID token: what a provider says of who signed in, and when that is believed (OpenID Connect Core 1.0 §3.1.3.7). Pure.
//!
//! Only RS256, PS256 and ES256 are known, each with keys of its own kind alone: `none` and the HMAC family are no signatures
//! of a provider, whatever a token says of itself.

use base64_simd::URL_SAFE_NO_PAD;
use lienthong_contract::Instant;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The longest token that is read, in bytes.
pub const MAX_TOKEN: usize = 32 << 10;
/// The most keys of a provider that are kept.
const MAX_KEYS: usize = 64;
/// Clocks may differ by so much, in seconds.
const LEEWAY: i64 = 120;
/// A token that was made longer ago is not the answer to a sign-in of now, in seconds.
const FRESH: i64 = 600;

/// Why a token is not believed. For the log alone; it holds nothing of the token but what it says of itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unbelieved {
    #[error("the token has not the form of a JWS")]
    Form,
    #[error("the token says that it is signed by {0:?}, which is not taken")]
    Algorithm(String),
    #[error("the token's key is not among the provider's")]
    UnknownKey,
    #[error("the signature does not hold")]
    Signature,
    #[error("{0} is missing or another")]
    Claim(&'static str),
    #[error("the token is over, not valid yet, or too old")]
    Time,
}

/// How a token may be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Rs256,
    Ps256,
    Es256,
}

impl Algorithm {
    fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "PS256" => Some(Self::Ps256),
            "ES256" => Some(Self::Es256),
            _ => None,
        }
    }
}

/// A public key of the provider.
#[derive(Clone)]
enum Public {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// The point, uncompressed (SEC 1 §2.3.3).
    P256(Vec<u8>),
}

#[derive(Clone)]
struct Key {
    kid: Option<String>,
    /// The key is for this alone, where it says so.
    alg: Option<String>,
    public: Public,
}

/// The keys that a provider shows (RFC 7517). Those of other kinds, and those for encryption, are left out.
#[derive(Clone, Default)]
pub struct Keys(Vec<Key>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Keys").field(&self.0.len()).finish()
    }
}

#[derive(Deserialize)]
struct Shown {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    kid: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// Reads a JWK set; nothing when it is none.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let shown: Shown = serde_json::from_slice(body).ok()?;
        let keys = shown.keys.into_iter().take(MAX_KEYS).filter_map(|one| serde_json::from_value(one).ok());
        Some(Self(keys.filter_map(key).collect()))
    }

    /// Those that a token with this header may be signed with.
    fn fitting<'a>(&'a self, header: &'a Header) -> impl Iterator<Item = &'a Key> {
        self.0.iter().filter(move |key| {
            let named = header.kid.as_ref().is_none_or(|kid| key.kid.as_ref() == Some(kid));
            named && key.alg.as_ref().is_none_or(|alg| *alg == header.alg)
        })
    }
}

fn key(jwk: Jwk) -> Option<Key> {
    if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
        return None;
    }
    let number = |text: &Option<String>| URL_SAFE_NO_PAD.decode_to_vec(text.as_deref()?.as_bytes()).ok();
    let public = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => Public::Rsa { n: number(&jwk.n)?, e: number(&jwk.e)? },
        ("EC", Some("P-256")) => {
            let (x, y) = (number(&jwk.x)?, number(&jwk.y)?);
            let whole = x.len() == 32 && y.len() == 32;
            Public::P256(whole.then(|| [&[4][..], &x, &y].concat())?)
        }
        _ => return None,
    };
    Some(Key { kid: jwk.kid, alg: jwk.alg, public })
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that must be understood: none is.
    crit: Option<Value>,
}

/// What a token must say to be the answer to one sign-in.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub issuer: &'a str,
    pub client: &'a str,
    pub nonce: &'a str,
    pub now: Instant,
}

/// Who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The provider's own name of the person, which it gives to nobody else.
    pub subject: String,
    /// What names the account.
    pub name: String,
}

/// Believes a token, or says why not. `claim` is the one that names the account.
///
/// # Errors
/// [`Unbelieved`].
pub fn believe(token: &str, keys: &Keys, asked: &Asked<'_>, claim: &str) -> Result<Person, Unbelieved> {
    if token.len() > MAX_TOKEN {
        return Err(Unbelieved::Form);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Unbelieved::Form)?;
    let (header, payload) = signed.split_once('.').ok_or(Unbelieved::Form)?;
    let decoded = |text: &str| URL_SAFE_NO_PAD.decode_to_vec(text.as_bytes()).map_err(|_| Unbelieved::Form);
    let header: Header = serde_json::from_slice(&decoded(header)?).map_err(|_| Unbelieved::Form)?;
    let (payload, signature) = (decoded(payload)?, decoded(signature)?);
    let algorithm = Algorithm::named(&header.alg).filter(|_| header.crit.is_none());
    let algorithm = algorithm.ok_or_else(|| Unbelieved::Algorithm(header.alg.chars().take(16).collect()))?;
    let mut known = false;
    let holds = keys.fitting(&header).any(|key| {
        let right = verifies(algorithm, &key.public, signed.as_bytes(), &signature);
        known |= right.is_some();
        right == Some(true)
    });
    match (known, holds) {
        (_, true) => {}
        (false, false) => return Err(Unbelieved::UnknownKey),
        (true, false) => return Err(Unbelieved::Signature),
    }
    let claims: Map<String, Value> = serde_json::from_slice(&payload).map_err(|_| Unbelieved::Form)?;
    judged(&claims, asked, claim)
}

/// Whether the signature holds; nothing when the key is of another kind than the algorithm.
fn verifies(algorithm: Algorithm, key: &Public, signed: &[u8], signature: &[u8]) -> Option<bool> {
    let rsa = |parameters: &RsaParameters, n: &[u8], e: &[u8]| {
        RsaPublicKeyComponents { n, e }.verify(parameters, signed, signature).is_ok()
    };
    match (algorithm, key) {
        (Algorithm::Rs256, Public::Rsa { n, e }) => Some(rsa(&RSA_PKCS1_2048_8192_SHA256, n, e)),
        (Algorithm::Ps256, Public::Rsa { n, e }) => Some(rsa(&RSA_PSS_2048_8192_SHA256, n, e)),
        (Algorithm::Es256, Public::P256(point)) => {
            Some(UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature).is_ok())
        }
        _ => None,
    }
}

fn judged(claims: &Map<String, Value>, asked: &Asked<'_>, claim: &str) -> Result<Person, Unbelieved> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(asked.issuer) {
        return Err(Unbelieved::Claim("iss"));
    }
    let others = match claims.get("aud") {
        Some(Value::String(one)) if one == asked.client => false,
        Some(Value::Array(all)) if all.iter().any(|one| one.as_str() == Some(asked.client)) => all.len() > 1,
        _ => return Err(Unbelieved::Claim("aud")),
    };
    // For several, it says for whom it was made.
    match text("azp") {
        Some(azp) if azp == asked.client => {}
        None if !others && !claims.contains_key("azp") => {}
        _ => return Err(Unbelieved::Claim("azp")),
    }
    if text("nonce") != Some(asked.nonce) {
        return Err(Unbelieved::Claim("nonce"));
    }
    let seconds = |name: &'static str| {
        let number = claims.get(name).and_then(Value::as_f64).filter(|number| number.is_finite());
        #[allow(clippy::cast_possible_truncation, reason = "saturates; a moment that far away is refused")]
        number.map(|number| number as i64).ok_or(Unbelieved::Claim(name))
    };
    let now = asked.now.as_seconds();
    let (ends, made) = (seconds("exp")?, seconds("iat")?);
    let later = claims.contains_key("nbf") && seconds("nbf")? > now.saturating_add(LEEWAY);
    let over = ends <= now.saturating_sub(LEEWAY);
    let from_another_time = made > now.saturating_add(LEEWAY) || made < now.saturating_sub(FRESH);
    if later || over || from_another_time {
        return Err(Unbelieved::Time);
    }
    let subject = text("sub").filter(|sub| !sub.is_empty() && sub.len() <= 255).ok_or(Unbelieved::Claim("sub"))?;
    let name = text(claim).filter(|name| !name.is_empty() && name.len() <= 255);
    let name = name.ok_or(Unbelieved::Claim("the claim that names the account"))?;
    Ok(Person { subject: subject.to_owned(), name: name.to_lowercase() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use lienthong_contract::Instant;
    use ring::rand::SystemRandom;
    use ring::rsa::KeyPair;
    use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
    use rsa::pkcs8::EncodePrivateKey;
    use rsa::traits::PublicKeyParts;
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_790_000_000;

    fn asked() -> Asked<'static> {
        Asked { issuer: "https://cap.example", client: "truc", nonce: "n", now: Instant::from_millis(NOW * 1000) }
    }

    fn encoded(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode_to_string(bytes)
    }

    fn made(pair: &KeyPair, encoding: &'static dyn RsaEncoding, alg: &str) -> String {
        let header = json!({ "alg": alg, "kid": "k" }).to_string();
        let claims = json!({ "iss": "https://cap.example", "aud": "truc", "nonce": "n", "sub": "1", "email": "Lan@Example",
                             "iat": NOW, "exp": NOW + 60 });
        let signed = format!("{}.{}", encoded(header.as_bytes()), encoded(claims.to_string().as_bytes()));
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", encoded(&signature))
    }

    #[test]
    fn rsa_tokens_count_with_a_key_that_is_for_them() {
        let key = rsa::RsaPrivateKey::new(&mut rand::thread_rng(), 2048).unwrap();
        let pair = KeyPair::from_pkcs8(key.to_pkcs8_der().unwrap().as_bytes()).unwrap();
        let shown = |more: Value| {
            let (n, e) = (key.n().to_bytes_be(), key.e().to_bytes_be());
            let mut jwk = json!({ "kty": "RSA", "kid": "k",
                                  "n": encoded(&n),
                                  "e": encoded(&e) });
            jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Keys::read(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap()
        };
        let any = shown(json!({}));
        for (encoding, alg) in [(&RSA_PKCS1_SHA256 as &dyn RsaEncoding, "RS256"), (&RSA_PSS_SHA256, "PS256")] {
            let token = made(&pair, encoding, alg);
            let person = believe(&token, &any, &asked(), "email").unwrap();
            assert_eq!((person.subject.as_str(), person.name.as_str()), ("1", "lan@example"));
            assert_eq!(
                believe(&token, &shown(json!({ "use": "enc" })), &asked(), "email"),
                Err(Unbelieved::UnknownKey)
            );
            assert_eq!(
                believe(&token, &shown(json!({ "alg": "RS512" })), &asked(), "email"),
                Err(Unbelieved::UnknownKey)
            );
            assert_eq!(believe(&token, &shown(json!({ "kid": "l" })), &asked(), "email"), Err(Unbelieved::UnknownKey));
            let later = Asked { now: Instant::from_millis((NOW + 181) * 1000), ..asked() };
            assert_eq!(believe(&token, &any, &later, "email"), Err(Unbelieved::Time));
            assert_eq!(
                believe(&token, &any, &asked(), "preferred_username"),
                Err(Unbelieved::Claim("the claim that names the account"))
            );
            // Every byte of what is signed counts.
            let other = token.replacen('.', "A.", 1);
            assert!(believe(&other, &any, &asked(), "email").is_err());
        }
        let crossed = made(&pair, &RSA_PSS_SHA256, "RS256");
        assert_eq!(believe(&crossed, &any, &asked(), "email"), Err(Unbelieved::Signature));
        // The shown key used as the secret of an HMAC is the classic trick.
        let hmac = made(&pair, &RSA_PKCS1_SHA256, "HS256");
        assert_eq!(believe(&hmac, &any, &asked(), "email"), Err(Unbelieved::Algorithm("HS256".to_owned())));
    }

    #[test]
    fn what_is_no_token_is_none() {
        for text in ["", ".", "..", "a.b.c", "e30.e30.", &"x".repeat(MAX_TOKEN + 1), "e30.e30.e30.e30", "é.é.é"] {
            assert_eq!(believe(text, &Keys::default(), &asked(), "email"), Err(Unbelieved::Form), "{text:.20}");
        }
        for body in [&b""[..], b"[]", b"{}", b"{\"keys\":1}"] {
            assert!(Keys::read(body).is_none());
        }
        let odd = br#"{"keys":[1,{"kty":"RSA"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},{"kty":"oct","k":"AA"}]}"#;
        assert!(Keys::read(odd).unwrap().0.is_empty());
    }
}
