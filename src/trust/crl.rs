//! Revocation lists that came as files.
//!
//! A list is checked once, when it is loaded: it parses, it is a full list (webpki refuses delta, indirect and
//! reason-partitioned ones), and one of the configured authorities signed it. Looking a certificate up is then a
//! map access.
//!
//! Invariants: "good" is said only by a current list whose scope covers the certificate; a listing counts even when
//! the list is stale, because revocation is not taken back; a listing dated after the moment of use does not count.
//!
//! Failure story: a missing or stale list gives [`Standing::Unknown`] with the reason, never an error.

use std::time::Duration;

use lienthong_contract::Instant;
use rustls_pki_types::{SignatureVerificationAlgorithm, UnixTime};
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};

use super::certificate::Certificate;

/// The signature algorithms a certificate or list may be signed with; SHA-1 is not among them, and RSA keys below
/// 2048 bit fail in each of them.
pub(super) static ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    webpki::ring::ECDSA_P256_SHA256,
    webpki::ring::ECDSA_P256_SHA384,
    webpki::ring::ECDSA_P384_SHA256,
    webpki::ring::ECDSA_P384_SHA384,
    webpki::ring::ED25519,
    webpki::ring::RSA_PKCS1_2048_8192_SHA256,
    webpki::ring::RSA_PKCS1_2048_8192_SHA384,
    webpki::ring::RSA_PKCS1_2048_8192_SHA512,
    webpki::ring::RSA_PKCS1_2048_8192_SHA256_ABSENT_PARAMS,
    webpki::ring::RSA_PKCS1_2048_8192_SHA384_ABSENT_PARAMS,
    webpki::ring::RSA_PKCS1_2048_8192_SHA512_ABSENT_PARAMS,
    webpki::ring::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    webpki::ring::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    webpki::ring::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
];

/// An authority as far as lists are concerned: the contents of its name and of its SubjectPublicKeyInfo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Authority {
    pub name: Vec<u8>,
    pub spki: Vec<u8>,
    pub may_sign_lists: bool,
}

impl Authority {
    pub fn of(certificate: &Certificate) -> Option<Self> {
        const CRL_SIGN: u16 = 1 << 6;
        let (_, parsed) = X509Certificate::from_der(certificate.der()).ok()?;
        Some(Self {
            name: tlv(parsed.subject().as_raw())?.contents.to_vec(),
            spki: tlv(certificate.spki_der())?.contents.to_vec(),
            may_sign_lists: certificate.usage.key_usage.is_none_or(|bits| bits & CRL_SIGN != 0),
        })
    }
}

/// A loaded list.
#[derive(Debug)]
pub(super) struct Crl {
    list: webpki::CertRevocationList<'static>,
    issuer: Authority,
    next_update: Option<Instant>,
    scope: Scope,
    /// The list as it came, unless it is longer than is handed on.
    der: Option<Vec<u8>>,
}

/// Longest list that is handed on as evidence, in bytes: the authorities of hops have few certificates.
const MAX_HANDED_ON_BYTES: usize = 1 << 20;

/// Which of the issuer's certificates the list speaks of.
#[derive(Debug, Default)]
struct Scope {
    users_only: bool,
    authorities_only: bool,
    /// The list covers only certificates that name one of these distribution points.
    points: Option<Vec<String>>,
}

/// Why a list was not taken.
pub(super) enum Refused {
    Unusable(String),
    Foreign { issuer: String },
}

/// What the lists say of one certificate at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    Good,
    Revoked { since: Instant, reason: Reason },
    Unknown(NotChecked),
}

/// Why revocation could not be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotChecked {
    /// No list of this issuer is loaded.
    NoList { issuer: String },
    /// The newest list of this issuer should have been replaced by then.
    StaleList { issuer: String, next_update: Instant },
    /// The lists of this issuer cover other certificates of it.
    OutOfScope { issuer: String },
}

impl std::fmt::Display for NotChecked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoList { issuer } => write!(f, "no revocation list of {issuer}"),
            Self::StaleList { issuer, next_update } => {
                write!(f, "the revocation list of {issuer} was due for replacement at {next_update}")
            }
            Self::OutOfScope { issuer } => write!(f, "the revocation lists of {issuer} do not cover this certificate"),
        }
    }
}

/// Why a certificate was revoked (RFC 5280 §5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    Unspecified,
    KeyCompromise,
    CaCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    CertificateHold,
    PrivilegeWithdrawn,
    AaCompromise,
}

impl Reason {
    /// The name that RFC 5280 gives it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::AaCompromise => "aACompromise",
        }
    }

    const fn of(reason: Option<webpki::RevocationReason>) -> Self {
        use webpki::RevocationReason as R;
        match reason {
            Some(R::KeyCompromise) => Self::KeyCompromise,
            Some(R::CaCompromise) => Self::CaCompromise,
            Some(R::AffiliationChanged) => Self::AffiliationChanged,
            Some(R::Superseded) => Self::Superseded,
            Some(R::CessationOfOperation) => Self::CessationOfOperation,
            Some(R::CertificateHold) => Self::CertificateHold,
            Some(R::PrivilegeWithdrawn) => Self::PrivilegeWithdrawn,
            Some(R::AaCompromise) => Self::AaCompromise,
            Some(R::Unspecified | R::RemoveFromCrl) | None => Self::Unspecified,
        }
    }
}

impl Crl {
    /// When the list should have been replaced.
    pub const fn next_update(&self) -> Option<Instant> {
        self.next_update
    }

    pub fn load(der: &[u8], authorities: &[Authority]) -> Result<Self, Refused> {
        let unusable = |detail: String| Refused::Unusable(detail);
        let owned = webpki::OwnedCertRevocationList::from_der(der).map_err(|error| unusable(error.to_string()))?;
        let (_, parsed) = CertificateRevocationList::from_der(der).map_err(|error| unusable(error.to_string()))?;
        let list = webpki::CertRevocationList::from(owned);
        let issuer = authorities
            .iter()
            .filter(|authority| authority.may_sign_lists && authority.name == list.issuer())
            .find(|authority| is_signed_by(der, &authority.spki))
            .ok_or_else(|| Refused::Foreign { issuer: parsed.issuer().to_string() })?
            .clone();
        let next_update = parsed.next_update().map(|time| Instant::from_millis(time.timestamp().saturating_mul(1000)));
        let der = (der.len() <= MAX_HANDED_ON_BYTES).then(|| der.to_vec());
        Ok(Self { scope: Scope::of(&parsed), list, issuer, next_update, der })
    }

    /// The list itself, unless it is too long to be handed on.
    pub fn der(&self) -> Option<&[u8]> {
        self.der.as_deref()
    }

    /// True when this authority issued it.
    pub fn is_of(&self, authority: &Certificate) -> bool {
        Authority::of(authority).is_some_and(|known| known.name == self.issuer.name && known.spki == self.issuer.spki)
    }
}

impl Scope {
    fn of(list: &CertificateRevocationList<'_>) -> Self {
        let found = list.extensions().iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::IssuingDistributionPoint(point) => Some(point),
            _ => None,
        });
        let Some(point) = found else { return Self::default() };
        Self {
            users_only: point.only_contains_user_certs,
            authorities_only: point.only_contains_ca_certs,
            points: point.distribution_point.as_ref().map(uris),
        }
    }

    fn covers(&self, certificate: &webpki::Cert<'_>, is_leaf: bool) -> bool {
        if (self.users_only && !is_leaf) || (self.authorities_only && is_leaf) {
            return false;
        }
        let Some(points) = &self.points else { return true };
        let der = certificate.der();
        let Ok((_, parsed)) = X509Certificate::from_der(der.as_ref()) else { return false };
        parsed.extensions().iter().any(|extension| match extension.parsed_extension() {
            ParsedExtension::CRLDistributionPoints(named) => named
                .iter()
                .filter_map(|point| point.distribution_point.as_ref())
                .flat_map(uris)
                .any(|uri| points.contains(&uri)),
            _ => false,
        })
    }
}

fn uris(point: &DistributionPointName<'_>) -> Vec<String> {
    let DistributionPointName::FullName(names) = point else { return Vec::new() };
    names
        .iter()
        .filter_map(|name| match name {
            GeneralName::URI(uri) => Some((*uri).to_owned()),
            _ => None,
        })
        .collect()
}

/// Asks the lists about one certificate of a path. `issuer_spki` are the contents of its issuer's key info.
pub(super) fn standing(
    lists: &[Crl],
    certificate: &webpki::Cert<'_>,
    issuer_spki: &[u8],
    is_leaf: bool,
    at: Instant,
) -> Standing {
    let issuer_name = || {
        X509Certificate::from_der(certificate.der().as_ref())
            .map_or_else(|_| String::new(), |(_, parsed)| parsed.issuer().to_string())
    };
    let mut good = false;
    let mut why = None;
    for crl in lists.iter().filter(|crl| crl.issuer.name == certificate.issuer() && crl.issuer.spki == issuer_spki) {
        if let Ok(Some(listed)) = crl.list.find_serial(certificate.serial()) {
            let revoked = instant(listed.revocation_date);
            let since = listed.invalidity_date.map_or(revoked, |date| instant(date).min(revoked));
            if since <= at {
                return Standing::Revoked { since, reason: Reason::of(listed.reason_code) };
            }
            good = true;
        } else if !crl.scope.covers(certificate, is_leaf) {
            why.get_or_insert_with(|| NotChecked::OutOfScope { issuer: issuer_name() });
        } else {
            match crl.next_update {
                Some(next_update) if next_update < at => {
                    why = Some(NotChecked::StaleList { issuer: issuer_name(), next_update });
                }
                _ => good = true,
            }
        }
    }
    if good {
        Standing::Good
    } else {
        Standing::Unknown(why.unwrap_or_else(|| NotChecked::NoList { issuer: issuer_name() }))
    }
}

pub(super) fn instant(time: UnixTime) -> Instant {
    Instant::from_millis(i64::try_from(time.as_secs()).unwrap_or(i64::MAX / 1000).saturating_mul(1000))
}

pub(super) fn unix_time(at: Instant) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(at.as_seconds()).unwrap_or(0)))
}

/// Verifies the outer signature of a `CertificateList` with a key given by the contents of its key info.
fn is_signed_by(list: &[u8], spki: &[u8]) -> bool {
    fn parts<'a>(list: &'a [u8], spki: &'a [u8]) -> Option<[&'a [u8]; 5]> {
        let to_be_signed = tlv(tlv(list)?.contents)?;
        let algorithm = tlv(to_be_signed.rest)?;
        let signature = tlv(algorithm.rest)?;
        let key_algorithm = tlv(spki)?;
        let key = tlv(key_algorithm.rest)?;
        // A BIT STRING's first octet counts unused bits; keys and signatures are whole octets.
        let signature = signature.contents.strip_prefix(&[0])?;
        let key = key.contents.strip_prefix(&[0])?;
        Some([to_be_signed.whole, algorithm.contents, signature, key_algorithm.contents, key])
    }
    let Some([message, algorithm, signature, key_algorithm, key]) = parts(list, spki) else { return false };
    ALGORITHMS
        .iter()
        .filter(|known| {
            known.signature_alg_id().as_ref() == algorithm && known.public_key_alg_id().as_ref() == key_algorithm
        })
        .any(|known| known.verify_signature(key, message, signature).is_ok())
}

/// One DER element: its contents, the whole of it with its header, and what follows it.
pub(super) struct Tlv<'a> {
    pub contents: &'a [u8],
    pub whole: &'a [u8],
    pub rest: &'a [u8],
}

/// Reads one DER element of low tag number with a definite length of at most four octets.
pub(super) fn tlv(input: &[u8]) -> Option<Tlv<'_>> {
    let (header, rest) = input.split_at_checked(2)?;
    let [_, first] = header else { return None };
    let (length, body) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (octets, body) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if octets.is_empty() || octets.len() > 4 {
            return None;
        }
        (octets.iter().fold(0_usize, |length, octet| length << 8 | usize::from(*octet)), body)
    };
    let (contents, rest) = body.split_at_checked(length)?;
    let whole = input.get(..input.len().checked_sub(rest.len())?)?;
    Some(Tlv { contents, whole, rest })
}
