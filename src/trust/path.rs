//! The verdict about a certificate: does a path lead from it to a configured root, at a given moment, for a purpose?
//!
//! Path building, signatures, validity, basic and name constraints are webpki's. Ours are the rules it leaves out:
//! keyUsage, extended usage told apart by purpose, key strength, and revocation from files with "not checked" as an
//! answer of its own.
//!
//! Invariants: time is a parameter, so a document is judged as of its signing; nothing is fetched from a network;
//! a certificate that restricts its use is never taken for another; an extra certificate brought by the sender may
//! complete a path but never ends one.
//!
//! Failure story: a [`TrustStore`] is built whole from its files or not at all, and never changes afterwards.

use std::path::PathBuf;

use lienthong_contract::{Finding, Instant, Kind};
use rustls_pki_types::{CertificateDer, TrustAnchor};

use super::certificate::{self, Certificate, Fingerprint, KeyKind, MAX_CERTIFICATE_BYTES, hex};
use super::crl::{self, ALGORITHMS, Authority, Crl, Refused, Standing, tlv};
use super::remembered::{Question, Remembered};
use super::{Error, Fault, findings};

pub use super::crl::{NotChecked, Reason};

/// Certificates a sender may bring along; more than any real chain has.
pub const MAX_EXTRA_INTERMEDIATES: usize = 8;

/// What the certificate is to be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// A signature over a packet. keyUsage digitalSignature or nonRepudiation; no extended usage is asked for.
    PacketSigning,
    /// The client's side of mutual TLS: extended usage clientAuth.
    TlsClient,
    /// The server's side of TLS: extended usage serverAuth. The name is not judged here.
    TlsServer,
    /// A hop's signature over its receipts; as [`Purpose::PacketSigning`].
    HopReceipts,
}

/// What to do when revocation could not be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RevocationPolicy {
    /// Go on, and say that it was not checked.
    #[default]
    AcceptUnchecked,
    /// Refuse for now.
    Require,
}

/// What is known of a certificate that was not revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocation {
    /// Current lists cover every certificate of the path and none lists it as of the moment asked for.
    Good,
    /// Neither good nor bad.
    NotChecked(NotChecked),
}

/// The good verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathFacts {
    pub fingerprint: Fingerprint,
    pub subject: String,
    pub issuer: String,
    pub serial: String,
    pub not_before: Instant,
    pub not_after: Instant,
    pub key: KeyKind,
    /// The authorities between the certificate and the root, nearest first.
    pub authorities: Vec<Fingerprint>,
    /// Which configured root the path ends in.
    pub root: Fingerprint,
    pub root_subject: String,
    pub revocation: Revocation,
}

impl PathFacts {
    /// What a reader of the verdict should know besides: a warning when revocation was not checked.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        match &self.revocation {
            Revocation::Good => Vec::new(),
            Revocation::NotChecked(why) => {
                vec![
                    Finding::of(&findings::REVOCATION_NOT_CHECKED).found(why.to_string()).element(self.subject.clone()),
                ]
            }
        }
    }
}

/// The bad verdict: one variant a cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathProblem {
    #[error("expired at {not_after}{}", above(*.is_authority))]
    Expired { not_after: Instant, is_authority: bool },
    #[error("not valid before {not_before}{}", above(*.is_authority))]
    NotYetValid { not_before: Instant, is_authority: bool },
    #[error("issued by an authority that is not trusted here: {issuer}")]
    UnknownIssuer { issuer: String },
    #[error("revoked at {since}, reason {}: {subject}", .reason.as_str())]
    Revoked { subject: String, since: Instant, reason: Reason },
    #[error("revocation could not be checked: {0}")]
    RevocationUnknown(NotChecked),
    #[error("its keyUsage is {found}, needed is {needed}")]
    WrongKeyUsage { found: String, needed: &'static str },
    #[error("its extendedKeyUsage lacks {needed}")]
    NotForTransport { needed: &'static str },
    #[error("too weak a key ({key}): {subject}")]
    WeakKey { subject: String, key: KeyKind },
    #[error("signed with an algorithm that is not allowed: {algorithm}")]
    WeakSignature { algorithm: String },
    #[error("a signature in its chain is wrong")]
    BadSignature,
    #[error("malformed: {0}")]
    Malformed(String),
    #[error("a name in it lies outside what its authority may issue for")]
    NameConstraints,
    #[error("{0}")]
    Other(String),
}

fn above(is_authority: bool) -> &'static str {
    if is_authority { " (an authority above it)" } else { "" }
}

impl PathProblem {
    /// The row of the table that explains it.
    #[must_use]
    pub const fn kind(&self) -> &'static Kind {
        match self {
            Self::Expired { .. } => &findings::EXPIRED,
            Self::NotYetValid { .. } => &findings::NOT_YET_VALID,
            Self::UnknownIssuer { .. } => &findings::UNKNOWN_ISSUER,
            Self::Revoked { .. } => &findings::REVOKED,
            Self::RevocationUnknown(_) => &findings::REVOCATION_REQUIRED,
            Self::WrongKeyUsage { .. } => &findings::WRONG_KEY_USAGE,
            Self::NotForTransport { .. } => &findings::NOT_FOR_TRANSPORT,
            Self::WeakKey { .. } => &findings::WEAK_KEY,
            Self::WeakSignature { .. } => &findings::WEAK_SIGNATURE,
            Self::BadSignature => &findings::BAD_SIGNATURE,
            Self::Malformed(_) => &findings::MALFORMED,
            Self::NameConstraints => &findings::NAME_CONSTRAINTS,
            Self::Other(_) => &findings::PATH_OTHER,
        }
    }

    /// The same for people, in both languages.
    #[must_use]
    pub fn finding(&self) -> Finding {
        let finding = Finding::of(self.kind()).found(self.to_string());
        match self {
            Self::WrongKeyUsage { needed, .. } | Self::NotForTransport { needed } => finding.expected(*needed),
            Self::WeakKey { .. } => finding.expected("RSA ≥ 2048 bit, ECDSA P-256/P-384, Ed25519"),
            Self::WeakSignature { .. } => finding.expected("SHA-256, SHA-384, SHA-512"),
            _ => finding,
        }
    }
}

/// What a verdict rests on besides the certificate itself, in DER.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The authorities, nearest first, the root last.
    pub certificates: Vec<Vec<u8>>,
    /// Their revocation lists, without those too long to be handed on.
    pub crls: Vec<Vec<u8>>,
}

/// The configured roots, authorities below them, and revocation lists.
pub struct TrustStore {
    anchors: Vec<TrustAnchor<'static>>,
    roots: Vec<Certificate>,
    intermediates: Vec<Certificate>,
    lists: Vec<Crl>,
    policy: RevocationPolicy,
    remembered: Remembered,
}

impl std::fmt::Debug for TrustStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrustStore")
            .field("roots", &self.roots)
            .field("intermediates", &self.intermediates)
            .field("lists", &self.lists.len())
            .field("policy", &self.policy)
            .finish()
    }
}

impl TrustStore {
    /// Reads PEM files, each of one or more items.
    ///
    /// # Errors
    /// [`Error`] names the first file that cannot be used. A list signed by none of the authorities is such a file.
    pub fn from_pem_files(roots: &[PathBuf], intermediates: &[PathBuf], crls: &[PathBuf]) -> Result<Self, Error> {
        let read = |paths: &[PathBuf]| -> Result<Vec<Certificate>, Error> {
            Ok(paths.iter().map(|path| certificate::read_chain(path)).collect::<Result<Vec<_>, _>>()?.concat())
        };
        let mut store = Self::of(read(roots)?, read(intermediates)?)?;
        for path in crls {
            store.add_lists(&path.display().to_string(), &certificate::read_crls(path)?)?;
        }
        Ok(store)
    }

    /// The same from DER in memory.
    ///
    /// # Errors
    /// As [`TrustStore::from_pem_files`]; the index counts from 1.
    pub fn from_der(roots: &[Vec<u8>], intermediates: &[Vec<u8>], crls: &[Vec<u8>]) -> Result<Self, Error> {
        let read = |source: &str, items: &[Vec<u8>]| -> Result<Vec<Certificate>, Error> {
            (1..)
                .zip(items)
                .map(|(index, der)| {
                    Certificate::from_der(der)
                        .map_err(|error| Error::new(source, Fault::BadCertificate { index, detail: error.0 }))
                })
                .collect()
        };
        let mut store = Self::of(read("roots", roots)?, read("intermediates", intermediates)?)?;
        store.add_lists("revocation lists", crls)?;
        Ok(store)
    }

    fn of(roots: Vec<Certificate>, intermediates: Vec<Certificate>) -> Result<Self, Error> {
        if roots.is_empty() {
            return Err(Error::new("trust store", Fault::NoRoots));
        }
        let anchors = (1..)
            .zip(&roots)
            .map(|(index, root)| {
                let der = CertificateDer::from(root.der());
                webpki::anchor_from_trusted_cert(&der).map(|anchor| anchor.to_owned()).map_err(|error| {
                    Error::new(root.subject(), Fault::BadCertificate { index, detail: error.to_string() })
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            anchors,
            roots,
            intermediates,
            lists: Vec::new(),
            policy: RevocationPolicy::default(),
            remembered: Remembered::default(),
        })
    }

    fn add_lists(&mut self, source: &str, lists: &[Vec<u8>]) -> Result<(), Error> {
        let authorities: Vec<Authority> =
            self.roots.iter().chain(&self.intermediates).filter_map(Authority::of).collect();
        for (index, der) in (1..).zip(lists) {
            let list = Crl::load(der, &authorities).map_err(|refused| match refused {
                Refused::Unusable(detail) => Error::new(source, Fault::BadCrl { index, detail }),
                Refused::Foreign { issuer } => Error::new(source, Fault::ForeignCrl { index, issuer }),
            })?;
            self.lists.push(list);
        }
        Ok(())
    }

    /// The same store with another revocation policy.
    #[must_use]
    pub fn with_revocation(mut self, policy: RevocationPolicy) -> Self {
        self.policy = policy;
        self.remembered = Remembered::default();
        self
    }

    #[must_use]
    pub fn roots(&self) -> &[Certificate] {
        &self.roots
    }

    /// Judges a certificate as of `at`. `extra_intermediates` are what the sender brought along, in any order;
    /// unreadable ones and those past [`MAX_EXTRA_INTERMEDIATES`] are ignored.
    ///
    /// # Errors
    /// The first [`PathProblem`], in this order: form, validity, path, key strength, usage, revocation.
    pub fn check(
        &self,
        leaf_der: &[u8],
        extra_intermediates: &[Vec<u8>],
        purpose: Purpose,
        at: Instant,
    ) -> Result<PathFacts, PathProblem> {
        let question = Question::of(leaf_der, extra_intermediates, purpose);
        if let Some(facts) = self.remembered.recall(&question, at) {
            return Ok(facts);
        }
        let (facts, authorities) = self.judge(leaf_der, extra_intermediates, purpose, at)?;
        let ends = authorities.iter().map(Certificate::not_after).chain([facts.not_after]);
        let ends = ends.chain(self.lists.iter().filter_map(Crl::next_update));
        self.remembered.keep(question, at, ends, &facts);
        Ok(facts)
    }

    /// The verdict, made anew at each asking, and the authorities between the certificate and the root.
    pub(super) fn judge(
        &self,
        leaf_der: &[u8],
        extra_intermediates: &[Vec<u8>],
        purpose: Purpose,
        at: Instant,
    ) -> Result<(PathFacts, Vec<Certificate>), PathProblem> {
        let leaf = Certificate::from_der(leaf_der).map_err(|error| PathProblem::Malformed(error.0))?;
        let leaf_der = CertificateDer::from(leaf_der);
        let end = webpki::EndEntityCert::try_from(&leaf_der).map_err(|error| problem(&error, &leaf))?;
        let extra = extra_intermediates.iter().filter(|der| der.len() <= MAX_CERTIFICATE_BYTES);
        let intermediates: Vec<CertificateDer<'_>> = extra
            .take(MAX_EXTRA_INTERMEDIATES)
            .map(|der| CertificateDer::from(der.as_slice()))
            .chain(self.intermediates.iter().map(|known| CertificateDer::from(known.der())))
            .collect();
        let verified = end
            .verify_for_usage(ALGORITHMS, &self.anchors, &intermediates, crl::unix_time(at), AnyUse, None, None)
            .map_err(|error| problem(&error, &leaf))?;

        let authorities = verified
            .intermediate_certificates()
            .map(|authority| Certificate::from_der(authority.der().as_ref()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| PathProblem::Malformed(error.0))?;
        strong_keys(std::iter::once(&leaf).chain(&authorities))?;
        leaf_usage(&leaf, purpose)?;
        authorities.iter().try_for_each(|authority| authority_usage(authority, purpose))?;
        let root = self.root_of(verified.anchor()).ok_or_else(|| PathProblem::Other("no root".to_owned()))?;
        let revocation = self.revocation(&verified, &leaf, &authorities, at)?;
        let facts = PathFacts {
            fingerprint: leaf.fingerprint(),
            subject: leaf.subject().to_owned(),
            issuer: leaf.issuer().to_owned(),
            serial: leaf.serial().to_owned(),
            not_before: leaf.not_before(),
            not_after: leaf.not_after(),
            key: leaf.key().clone(),
            authorities: authorities.iter().map(Certificate::fingerprint).collect(),
            root: root.fingerprint(),
            root_subject: root.subject().to_owned(),
            revocation,
        };
        Ok((facts, authorities))
    }

    /// What an outsider needs besides the certificate to come to the same verdict: the authorities above it, up to the
    /// root, and their revocation lists. Nothing when there is no good verdict as of `at`.
    #[must_use]
    pub fn evidence(&self, leaf_der: &[u8], extra: &[Vec<u8>], purpose: Purpose, at: Instant) -> Evidence {
        let Ok((facts, mut authorities)) = self.judge(leaf_der, extra, purpose, at) else { return Evidence::default() };
        authorities.extend(self.roots.iter().find(|root| root.fingerprint() == facts.root).cloned());
        let of_these = |list: &&Crl| authorities.iter().any(|authority| list.is_of(authority));
        Evidence {
            crls: self.lists.iter().filter(of_these).filter_map(Crl::der).map(<[u8]>::to_vec).collect(),
            certificates: authorities.iter().map(|authority| authority.der().to_vec()).collect(),
        }
    }

    fn root_of(&self, anchor: &TrustAnchor<'_>) -> Option<&Certificate> {
        self.anchors.iter().zip(&self.roots).find(|(known, _)| *known == anchor).map(|(_, root)| root)
    }

    /// Asks the lists about every certificate below the root.
    fn revocation(
        &self,
        path: &webpki::VerifiedPath<'_>,
        leaf: &Certificate,
        authorities: &[Certificate],
        at: Instant,
    ) -> Result<Revocation, PathProblem> {
        let mut unknown = None;
        let anchor_key = path.anchor().subject_public_key_info.as_ref();
        let keys = authorities
            .iter()
            .filter_map(|authority| tlv(authority.spki_der()).map(|spki| spki.contents))
            .chain(std::iter::once(anchor_key));
        let leaf_cert: &webpki::Cert<'_> = path.end_entity();
        let certificates = std::iter::once(leaf_cert).chain(path.intermediate_certificates());
        let subjects = std::iter::once(leaf).chain(authorities);
        for ((certificate, subject), issuer_key) in certificates.zip(subjects).zip(keys) {
            let is_leaf = subject.fingerprint() == leaf.fingerprint();
            match crl::standing(&self.lists, certificate, issuer_key, is_leaf, at) {
                Standing::Good => {}
                Standing::Revoked { since, reason } => {
                    return Err(PathProblem::Revoked { subject: subject.subject().to_owned(), since, reason });
                }
                Standing::Unknown(why) => unknown = unknown.or(Some(why)),
            }
        }
        match (unknown, self.policy) {
            (None, _) => Ok(Revocation::Good),
            (Some(why), RevocationPolicy::AcceptUnchecked) => Ok(Revocation::NotChecked(why)),
            (Some(why), RevocationPolicy::Require) => Err(PathProblem::RevocationUnknown(why)),
        }
    }
}

/// Lets webpki pass any extended usage; ours is judged by purpose in [`leaf_usage`].
struct AnyUse;

impl webpki::ExtendedKeyUsageValidator for AnyUse {
    fn validate(&self, purposes: webpki::KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        purposes.into_iter().try_for_each(|purpose| purpose.map(|_| ()))
    }
}

fn strong_keys<'a>(mut certificates: impl Iterator<Item = &'a Certificate>) -> Result<(), PathProblem> {
    certificates.find(|certificate| !certificate.key().is_strong()).map_or(Ok(()), |weak| {
        Err(PathProblem::WeakKey { subject: weak.subject().to_owned(), key: weak.key().clone() })
    })
}

fn leaf_usage(leaf: &Certificate, purpose: Purpose) -> Result<(), PathProblem> {
    const DIGITAL_SIGNATURE: u16 = 1;
    const NON_REPUDIATION: u16 = 1 << 1;
    let (bits, needed) = match purpose {
        Purpose::PacketSigning | Purpose::HopReceipts => {
            (DIGITAL_SIGNATURE | NON_REPUDIATION, "digitalSignature or nonRepudiation")
        }
        Purpose::TlsClient | Purpose::TlsServer => (DIGITAL_SIGNATURE, "digitalSignature"),
    };
    if leaf.usage.key_usage.is_some_and(|usage| usage & bits == 0) {
        return Err(PathProblem::WrongKeyUsage { found: leaf.usage.key_usage_text.clone(), needed });
    }
    let extended = leaf.usage.extended;
    match purpose {
        Purpose::PacketSigning | Purpose::HopReceipts => Ok(()),
        Purpose::TlsClient if extended.is_some_and(|eku| eku.client || eku.any) => Ok(()),
        Purpose::TlsServer if extended.is_some_and(|eku| eku.server || eku.any) => Ok(()),
        Purpose::TlsClient => Err(PathProblem::NotForTransport { needed: "clientAuth" }),
        Purpose::TlsServer => Err(PathProblem::NotForTransport { needed: "serverAuth" }),
    }
}

/// webpki demands CA:TRUE of an authority, but does not look at its keyUsage.
fn authority_usage(authority: &Certificate, purpose: Purpose) -> Result<(), PathProblem> {
    const KEY_CERT_SIGN: u16 = 1 << 5;
    if authority.usage.key_usage.is_some_and(|usage| usage & KEY_CERT_SIGN == 0) {
        let found = format!("{} ({})", authority.usage.key_usage_text, authority.subject());
        return Err(PathProblem::WrongKeyUsage { found, needed: "keyCertSign" });
    }
    let extended = authority.usage.extended;
    match purpose {
        Purpose::TlsClient if extended.is_some_and(|eku| !eku.client && !eku.any) => {
            Err(PathProblem::NotForTransport { needed: "clientAuth" })
        }
        Purpose::TlsServer if extended.is_some_and(|eku| !eku.server && !eku.any) => {
            Err(PathProblem::NotForTransport { needed: "serverAuth" })
        }
        _ => Ok(()),
    }
}

/// webpki's words in ours.
fn problem(error: &webpki::Error, leaf: &Certificate) -> PathProblem {
    use webpki::Error as E;
    match error {
        E::CertExpired { not_after, .. } => {
            let not_after = crl::instant(*not_after);
            PathProblem::Expired { not_after, is_authority: not_after != leaf.not_after() }
        }
        E::CertNotValidYet { not_before, .. } => {
            let not_before = crl::instant(*not_before);
            PathProblem::NotYetValid { not_before, is_authority: not_before != leaf.not_before() }
        }
        E::UnknownIssuer => PathProblem::UnknownIssuer { issuer: leaf.issuer().to_owned() },
        E::InvalidSignatureForPublicKey => PathProblem::BadSignature,
        E::UnsupportedSignatureAlgorithmContext(context) => {
            PathProblem::WeakSignature { algorithm: algorithm_name(&context.signature_algorithm_id) }
        }
        E::UnsupportedSignatureAlgorithmForPublicKeyContext(context) => {
            PathProblem::WeakSignature { algorithm: algorithm_name(&context.signature_algorithm_id) }
        }
        E::CaUsedAsEndEntity => PathProblem::WrongKeyUsage {
            found: "certificate of an authority".to_owned(),
            needed: "certificate of an agency or system",
        },
        E::EndEntityUsedAsCa => PathProblem::WrongKeyUsage {
            found: "issued by a certificate that is no authority".to_owned(),
            needed: "issued by an authority",
        },
        E::NameConstraintViolation => PathProblem::NameConstraints,
        E::BadDer
        | E::BadDerTime
        | E::ExtensionValueInvalid
        | E::InvalidCertValidity
        | E::InvalidSerialNumber
        | E::MalformedDnsIdentifier
        | E::MalformedExtensions
        | E::MalformedNameConstraint
        | E::EmptyEkuExtension
        | E::SignatureAlgorithmMismatch
        | E::TrailingData(_)
        | E::UnsupportedCertVersion => PathProblem::Malformed(error.to_string()),
        other => PathProblem::Other(other.to_string()),
    }
}

/// The name of a signature algorithm from the contents of its AlgorithmIdentifier.
fn algorithm_name(identifier: &[u8]) -> String {
    const SHA1_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05];
    const MD5_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04];
    const SHA1_ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
    match tlv(identifier).map_or(identifier, |oid| oid.contents) {
        SHA1_RSA => "RSA with SHA-1".to_owned(),
        MD5_RSA => "RSA with MD5".to_owned(),
        SHA1_ECDSA => "ECDSA with SHA-1".to_owned(),
        other => format!("object identifier {}", hex(other)),
    }
}
