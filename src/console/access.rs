//! Who may use the console: passwords, the second factor, sessions, rights.
//!
//! Passwords are kept as argon2id (RFC 9106); the second factor is a time-based number (RFC 6238: SHA-1, six digits, thirty
//! seconds), each taken once. Checking costs memory on purpose, so only a few are checked at once, and an unknown name costs
//! what a known one does. Nothing here tells which part of an attempt was wrong.

use std::sync::Arc;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use base64_simd::URL_SAFE_NO_PAD;
use lienthong_contract::{AgencyCode, Digest, Instant, Text};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::Semaphore;

use super::oidc::is_by_provider;
use crate::store::console::{Account, Role};

/// Memory of one check in KiB, and passes over it (OWASP's choice for argon2id).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
/// Passwords checked at once.
const CHECKED_AT_ONCE: usize = 2;
/// Shortest and longest password, in characters.
pub const MIN_PASSWORD: usize = 12;
pub const MAX_PASSWORD: usize = 128;
/// Seconds of one number, and how many numbers to either side are taken: clocks differ.
const STEP_SECONDS: i64 = 30;
const STEPS_ASIDE: i64 = 1;
const SECRET_BYTES: usize = 20;
/// A hash that no password has, checked for names that do not exist.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bGllbnRob25nLW5vYm9keQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// See documents; whoever is bound to an agency, that agency's.
    Documents,
    /// See the gateway: destinations, causes, figures, certificates.
    Gateway,
    /// Mend what is stuck.
    Operate,
    /// Accounts, agencies, trust.
    Administer,
    /// Read what people did.
    Audit,
}

impl Right {
    pub const ALL: [Self; 5] = [Self::Documents, Self::Gateway, Self::Operate, Self::Administer, Self::Audit];
}

/// Whether this role, bound to an agency or not, has this right: the one table of rights.
#[must_use]
pub const fn may(role: Role, bound: bool, right: Right) -> bool {
    match right {
        Right::Documents => true,
        Right::Gateway => !bound,
        Right::Operate => !bound && matches!(role, Role::Operator | Role::Administrator),
        Right::Administer => !bound && matches!(role, Role::Administrator),
        Right::Audit => !bound && matches!(role, Role::Auditor | Role::Administrator),
    }
}

/// Whether this account has this right.
#[must_use]
pub const fn has(account: &Account, right: Right) -> bool {
    may(account.role, account.agency.is_some(), right)
}

/// Checks passwords, a few at a time.
#[derive(Debug, Clone)]
pub struct Passwords(Arc<Semaphore>);

impl Default for Passwords {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(CHECKED_AT_ONCE)))
    }
}

fn argon() -> Option<Argon2<'static>> {
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(MEMORY_KIB, PASSES, 1, None).ok()?))
}

/// A password as it is stored; nothing when the machine gives no chance, which does not happen.
#[must_use]
pub fn hashed(password: &str) -> Option<String> {
    let mut salt = [0; 16];
    SystemRandom::new().fill(&mut salt).ok()?;
    let salt = SaltString::encode_b64(&salt).ok()?;
    Some(argon()?.hash_password(password.as_bytes(), &salt).ok()?.to_string())
}

impl Passwords {
    /// Whether it is this account's password. Without an account it costs the same and is false.
    pub async fn is_right(&self, account: Option<&Account>, password: &str) -> bool {
        let Ok(_place) = self.0.acquire().await else { return false };
        // An account that signs in through a provider has no password: it costs the same too.
        let own = account.filter(|account| !is_by_provider(&account.password));
        let known = own.is_some();
        let stored = own.map_or_else(|| NOBODY.to_owned(), |account| account.password.clone());
        let password: String = password.chars().take(MAX_PASSWORD).collect();
        let checked = tokio::task::spawn_blocking(move || {
            let Ok(stored) = PasswordHash::new(&stored) else { return false };
            argon().is_some_and(|argon| argon.verify_password(password.as_bytes(), &stored).is_ok())
        });
        checked.await.unwrap_or(false) && known
    }

    /// A password as it is stored.
    pub async fn hash(&self, password: &str) -> Option<String> {
        let _place = self.0.acquire().await.ok()?;
        let password = password.to_owned();
        tokio::task::spawn_blocking(move || hashed(&password)).await.ok().flatten()
    }
}

/// Why a new password is not taken.
#[must_use]
pub fn weakness(password: &str, account: &str) -> Option<Text> {
    let length = password.chars().count();
    let folded = crate::directory::fold(password);
    let mut letters: Vec<char> = folded.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    if !(MIN_PASSWORD..=MAX_PASSWORD).contains(&length) {
        return Some(Text {
            vi: "Mật khẩu phải dài từ 12 đến 128 ký tự.",
            en: "The password must have 12 to 128 characters.",
        });
    }
    if letters.len() < 5 || folded.contains(&crate::directory::fold(account)) || folded.contains("matkhau") {
        return Some(Text {
            vi: "Mật khẩu quá dễ đoán: không lặp vài ký tự, không chứa tên tài khoản.",
            en: "The password is too easy to guess: not a few letters repeated, nor the account's name.",
        });
    }
    None
}

/// Random bytes as text.
#[must_use]
pub fn random_text<const N: usize>() -> Option<String> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode_to_string(bytes))
}

/// What stands in the store for what the browser holds.
#[must_use]
pub fn token_digest(token: &str) -> Digest {
    Digest::of(token.as_bytes())
}

/// A new secret of the second factor.
#[must_use]
pub fn new_secret() -> Option<Vec<u8>> {
    let mut secret = vec![0; SECRET_BYTES];
    SystemRandom::new().fill(&mut secret).ok()?;
    Some(secret)
}

/// The step of a moment.
#[must_use]
pub const fn step_of(now: Instant) -> i64 {
    now.as_seconds().div_euclid(STEP_SECONDS)
}

/// The number of a step (RFC 4226 §5.3).
#[must_use]
pub fn number(secret: &[u8], step: i64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes.last().copied().unwrap_or_default() & 0x0f);
    let four = bytes.get(offset..offset + 4).and_then(|four| <[u8; 4]>::try_from(four).ok()).unwrap_or_default();
    (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000
}

/// The step for which this is the number, if it is one of the last or next few.
#[must_use]
pub fn step_of_number(secret: &[u8], typed: &str, now: Instant) -> Option<i64> {
    let typed: String = typed.chars().filter(|letter| !letter.is_whitespace()).collect();
    let all_digits = typed.len() == 6 && typed.bytes().all(|byte| byte.is_ascii_digit());
    let typed: u32 = typed.parse().ok().filter(|_| all_digits)?;
    let middle = step_of(now);
    (middle - STEPS_ASIDE..=middle + STEPS_ASIDE).find(|step| number(secret, *step) == typed)
}

/// The secret as people type it (base32, RFC 4648).
#[must_use]
pub fn base32(secret: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut text, mut bits, mut count) = (String::new(), 0_u32, 0);
    for byte in secret {
        bits = (bits << 8) | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            let letter = LETTERS.get((bits >> count & 31) as usize).copied().unwrap_or(b'A');
            text.push(char::from(letter));
        }
        bits &= (1 << count) - 1;
    }
    if count > 0 {
        let letter = LETTERS.get((bits << (5 - count) & 31) as usize).copied().unwrap_or(b'A');
        text.push(char::from(letter));
    }
    text
}

/// A secret of the usual length, from base32.
#[must_use]
pub fn from_base32(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5) | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
            bits &= (1 << count) - 1;
        }
    }
    (bytes.len() == SECRET_BYTES).then_some(bytes)
}

/// What an authenticator application reads from a picture.
#[must_use]
pub fn otpauth(secret: &[u8], account: &str, hop: &str) -> String {
    let plain = |text: &str| {
        text.chars().filter(|letter| letter.is_ascii_alphanumeric() || "-._".contains(*letter)).collect::<String>()
    };
    format!(
        "otpauth://totp/LienThong%20{}:{}?secret={}&issuer=LienThong%20{}",
        plain(hop),
        plain(account),
        base32(secret),
        plain(hop)
    )
}

/// Whether somebody may see a document between these parties.
#[must_use]
pub fn sees(account: &Account, sender: &AgencyCode, recipients: &[AgencyCode]) -> bool {
    account.agency.as_ref().is_none_or(|own| own == sender || recipients.contains(own))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers_are_those_of_the_rfc() {
        // RFC 6238 appendix B, SHA-1, the last six digits.
        let secret = b"12345678901234567890";
        for (seconds, expected) in
            [(59, 287_082), (1_111_111_109, 81_804), (1_234_567_890, 5_924), (2_000_000_000, 279_037)]
        {
            assert_eq!(number(secret, step_of(Instant::from_millis(seconds * 1000))), expected, "{seconds}");
        }
        let now = Instant::from_millis(59_000);
        assert_eq!(step_of_number(secret, "287 082", now), Some(1));
        assert_eq!(step_of_number(secret, "287083", now), None);
        assert_eq!(step_of_number(secret, "+28708", now), None);
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI");
        assert_eq!(base32(b"fooba"), "MZXW6YTB");
        assert_eq!(from_base32(&base32(secret)).as_deref(), Some(&secret[..]));
        assert_eq!(from_base32("MZXW6YTB"), None);
    }

    #[test]
    fn a_password_is_kept_as_argon2id_and_only_it_is_right() {
        let stored = hashed("một mật khẩu dài và khó").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let parsed = PasswordHash::new(&stored).unwrap();
        assert!(argon().unwrap().verify_password("một mật khẩu dài và khó".as_bytes(), &parsed).is_ok());
        assert!(argon().unwrap().verify_password(b"mot mat khau dai va kho", &parsed).is_err());
        let nobody = PasswordHash::new(NOBODY).unwrap();
        assert!(argon().unwrap().verify_password(b"", &nobody).is_err(), "it is read, so that it costs as much");
    }

    #[test]
    fn weak_passwords_are_told() {
        for weak in ["ngắn", "aaaaaaaaaaaaaaaa", "nguyenvana-2026", "ababababababab"] {
            assert!(weakness(weak, "nguyenvana").is_some(), "{weak}");
        }
        assert!(weakness("cầu Long Biên lúc sáng sớm", "nguyenvana").is_none());
    }

    #[test]
    fn whoever_is_bound_to_an_agency_sees_documents_alone() {
        for role in Role::ALL {
            let rights: Vec<Right> = Right::ALL.into_iter().filter(|right| may(role, true, *right)).collect();
            assert_eq!(rights, [Right::Documents], "{role:?}");
        }
        assert!(!may(Role::Auditor, false, Right::Operate) && !may(Role::Viewer, false, Right::Audit));
    }
}
