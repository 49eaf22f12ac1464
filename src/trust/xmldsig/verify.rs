//! The verdict on the signature of a packet.
//!
//! Order matters: structure first, then the signature value over SignedInfo with the key of the certificate, and only
//! then the digest of the document, so that an unauthenticated SignedInfo never directs the reading of large bodies.

use std::ops::Range;

use ring::signature::UnparsedPublicKey;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use super::c14n::{self, Subset, Trouble};
use super::document::{DSIG_NS, Document, Limits};
use super::dummy::{self, DummyWhy};
use super::escape::DigestSink;
use super::problem::{Problem, Reason};
use super::signature::{self, Parsed};
use super::{Bodies, Canonicalization, Error, NoBodies, Spliced};

/// Smallest RSA modulus that counts (TT 15/2025/TT-BKHCN).
const MIN_RSA_BITS: usize = 2048;

/// What the packet's signature is worth. That the certificate may be trusted is another question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// No Signature element.
    Absent,
    /// A Signature element that signs nothing.
    Dummy { why: DummyWhy },
    /// The signature covers the packet and verifies with the certificate it carries.
    Valid(Signed),
    /// A signature that does not count.
    Invalid(Problem),
}

/// Who signed what, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The signer's certificate: the one whose key verified the signature.
    pub certificate_der: Vec<u8>,
    /// Further certificates that came along, for the path check; nothing is known of them.
    pub intermediates: Vec<Vec<u8>>,
    pub algorithm: SignatureAlgorithm,
    pub digest_algorithm: DigestAlgorithm,
    pub coverage: Coverage,
}

/// What was signed: the canonical form of everything outside `excluded`. Comments are not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The bytes of the Signature element in the skeleton: the only element that is not covered.
    pub excluded: Range<usize>,
    pub canonicalization: Canonicalization,
    /// Digest of the canonical form, by `digest_algorithm`.
    pub digest: Vec<u8>,
}

impl Coverage {
    /// True when the element or text at this byte of the skeleton was signed.
    #[must_use]
    pub fn covers(&self, offset: usize) -> bool {
        !self.excluded.contains(&offset)
    }
}

/// Judges the signature of a packet.
///
/// # Errors
/// [`Error::Body`] when a body cannot be read; then nothing is known.
pub fn verify(input: &Spliced<'_>, bodies: &mut dyn Bodies) -> Result<Verdict, Error> {
    verify_within(input, bodies, &Limits::default())
}

/// Judges the signature of a packet that is in memory as a whole.
#[must_use]
pub fn verify_bytes(packet: &[u8]) -> Verdict {
    match verify(&Spliced::whole(packet), &mut NoBodies) {
        Ok(verdict) => verdict,
        // Without cuts nothing is opened.
        Err(_) => Verdict::Invalid(Problem::malformed("a body outside the packet")),
    }
}

pub(super) fn verify_within(input: &Spliced<'_>, bodies: &mut dyn Bodies, limits: &Limits) -> Result<Verdict, Error> {
    match judge(input, bodies, limits) {
        Ok(verdict) => Ok(verdict),
        Err(Stop::Problem(problem)) => Ok(Verdict::Invalid(problem)),
        Err(Stop::Io(error)) => Err(Error::Body(error)),
    }
}

/// Why judging stopped before "valid".
enum Stop {
    Problem(Problem),
    Io(std::io::Error),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Io(error) => Self::Io(error),
            Trouble::Body => Self::Problem(Problem::of(Reason::BadBody)),
        }
    }
}

fn judge(input: &Spliced<'_>, bodies: &mut dyn Bodies, limits: &Limits) -> Result<Verdict, Stop> {
    let document = Document::parse(input, limits)?;
    let id = match candidate(&document)? {
        Candidate::Nothing(verdict) => return Ok(verdict),
        Candidate::Signature(id) => id,
    };
    let place = |problem: Problem| {
        let start = document.element(id).map_or(0, |e| e.bytes.start);
        problem.at(input.skeleton, input.cuts, start)
    };
    check_surroundings(&document, id, limits).map_err(&place)?;
    let parsed = signature::parse(&document, id).map_err(&place)?;
    check_signature_value(&document, &parsed, bodies).map_err(|stop| match stop {
        Stop::Problem(problem) => Stop::Problem(place(problem)),
        io @ Stop::Io(_) => io,
    })?;
    let reference = &parsed.reference;
    let mut digest = DigestSink::new(reference.digest_algorithm.ring());
    let subset = Subset::DocumentWithout(Some(id));
    c14n::canonicalize(&document, subset, &reference.canonicalization, bodies, &mut digest)?;
    let digest = digest.finish();
    if digest.as_ref() != reference.digest.as_slice() {
        return Err(place(Problem::of(Reason::WrongDigest)).into());
    }
    let excluded = document.element(id).map_or(0..0, |e| e.bytes.clone());
    let mut certificates = parsed.certificates.into_iter();
    Ok(Verdict::Valid(Signed {
        certificate_der: certificates.next().unwrap_or_default(),
        intermediates: certificates.collect(),
        algorithm: parsed.algorithm,
        digest_algorithm: reference.digest_algorithm,
        coverage: Coverage {
            excluded,
            canonicalization: parsed.reference.canonicalization,
            digest: digest.as_ref().to_vec(),
        },
    }))
}

enum Candidate {
    Nothing(Verdict),
    Signature(u32),
}

/// Finds the one Signature to verify.
fn candidate(document: &Document<'_>) -> Result<Candidate, Problem> {
    let mut genuine = (0..).zip(&document.elements).filter(|(_, e)| document.is(e, DSIG_NS, "Signature"));
    match (genuine.next(), genuine.next()) {
        (Some((id, _)), None) => match (dummy::judge(document, id), &document.namespace_fault) {
            (Some(why), _) => Ok(Candidate::Nothing(Verdict::Dummy { why })),
            (None, Some(fault)) => Err(fault.clone()),
            (None, None) => Ok(Candidate::Signature(id)),
        },
        (Some(_), Some((_, second))) => Err(Problem::of(Reason::SeveralSignatures).found(second.prefix)),
        (None, _) => {
            let Some(id) = dummy::outside_namespace(document) else { return Ok(Candidate::Nothing(Verdict::Absent)) };
            match (&document.namespace_fault, dummy::judge(document, id)) {
                // A Signature whose prefix means nothing may be a broken one; it is not passed off as a sample.
                (Some(fault), _) if !dummy::has_namespace(document, id) => Err(fault.clone()),
                (_, Some(why)) => Ok(Candidate::Nothing(Verdict::Dummy { why })),
                (_, None) => Ok(Candidate::Nothing(Verdict::Absent)),
            }
        }
    }
}

fn check_surroundings(document: &Document<'_>, id: u32, limits: &Limits) -> Result<(), Problem> {
    let element = document.element(id).ok_or_else(|| Problem::of(Reason::WrongPlace))?;
    if !in_place(document, element.parent) {
        let parent = element.parent.and_then(|p| document.element(p)).map_or("", |p| p.local);
        return Err(Problem::of(Reason::WrongPlace).found(parent));
    }
    if element.bytes.len() > limits.signature_bytes {
        return Err(Problem::limit("bytes of the Signature"));
    }
    document.comment_in_text.clone().map_or(Ok(()), Err)
}

/// A Signature stands in `edXML/edXMLEnvelope/edXMLHeader` or directly under the root.
pub(super) fn in_place(document: &Document<'_>, parent: Option<u32>) -> bool {
    let mut names = Vec::new();
    let mut next = parent;
    let mut uris = Vec::new();
    while let Some(element) = next.and_then(|id| document.element(id)) {
        names.push(element.local);
        uris.push(document.uri(element));
        next = element.parent;
    }
    let same_namespace = uris.first().is_some_and(|first| uris.iter().all(|uri| uri == first));
    match names.as_slice() {
        [_root] => true,
        names => same_namespace && names == ["edXMLHeader", "edXMLEnvelope", "edXML"],
    }
}

fn check_signature_value(document: &Document<'_>, parsed: &Parsed, bodies: &mut dyn Bodies) -> Result<(), Stop> {
    let mut signed_info = Vec::new();
    c14n::canonicalize(
        document,
        Subset::Element(parsed.signed_info),
        &parsed.canonicalization,
        bodies,
        &mut signed_info,
    )?;
    let certificate = parsed.certificates.first().ok_or_else(|| Problem::of(Reason::NoCertificate))?;
    let key = public_key(certificate, parsed.algorithm)?;
    UnparsedPublicKey::new(parsed.algorithm.ring(), key)
        .verify(&signed_info, &parsed.value)
        .map_err(|_| Problem::of(Reason::WrongSignatureValue).into())
}

/// The key of a certificate, when it is one that this algorithm takes.
pub(super) fn public_key(certificate: &[u8], algorithm: SignatureAlgorithm) -> Result<Vec<u8>, Problem> {
    let bad = || Problem::of(Reason::BadCertificate);
    let (rest, certificate) = X509Certificate::from_der(certificate).map_err(|_| bad())?;
    if !rest.is_empty() {
        return Err(bad());
    }
    let info = certificate.public_key();
    match info.parsed().map_err(|_| bad())? {
        PublicKey::RSA(key) => {
            let bits = bit_length(key.modulus);
            if bits < MIN_RSA_BITS {
                return Err(Problem::of(Reason::WeakKey).found(&format!("RSA {bits}")));
            }
            if !algorithm.is_rsa() {
                return Err(Problem::of(Reason::KeyMismatch).found(algorithm.uri()));
            }
        }
        PublicKey::EC(_) => {
            let curve = info.algorithm.parameters.as_ref().and_then(|p| p.as_oid().ok()).map(|oid| oid.to_id_string());
            let fits = match curve.as_deref() {
                Some("1.2.840.10045.3.1.7") => algorithm == SignatureAlgorithm::EcdsaP256Sha256,
                Some("1.3.132.0.34") => algorithm == SignatureAlgorithm::EcdsaP384Sha384,
                other => return Err(Problem::of(Reason::UnsupportedKey).found(other.unwrap_or_default())),
            };
            if !fits {
                return Err(Problem::of(Reason::KeyMismatch).found(algorithm.uri()));
            }
        }
        _ => {
            let oid = info.algorithm.algorithm.to_id_string();
            return Err(Problem::of(Reason::UnsupportedKey).found(&oid));
        }
    }
    Ok(info.subject_public_key.data.to_vec())
}

fn bit_length(big_endian: &[u8]) -> usize {
    let mut digits = big_endian.iter().skip_while(|byte| **byte == 0);
    let top = digits.next().map_or(0, |top| 8 - top.leading_zeros() as usize);
    top + 8 * digits.count()
}
