//! Making a packet's Signature, in the profile that [`super::verify`] takes.
//!
//! The Signature is put into the header of the skeleton; every byte that was there stays. Its SignedInfo is
//! canonicalised where it will stand, so that inherited namespaces are right for any packet.

use super::algorithm::{self, DigestAlgorithm};
use super::c14n::{self, Canonicalization, Subset, Trouble};
use super::document::{DSIG_NS, Document, Limits};
use super::escape::DigestSink;
use super::problem::{Problem, Reason};
use super::verify::in_place;
use super::{Bodies, CutRef, Error, NoBodies, Signer, Spliced};

/// How to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// For the document and for SignedInfo.
    pub canonicalization: Canonicalization,
    pub digest: DigestAlgorithm,
}

impl Default for Options {
    fn default() -> Self {
        Self { canonicalization: Canonicalization::Exclusive { prefixes: Vec::new() }, digest: DigestAlgorithm::Sha256 }
    }
}

/// A Signature element and the byte of the skeleton before which it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    pub signature: Vec<u8>,
    pub at: usize,
}

/// Signs a packet.
///
/// # Errors
/// [`Error::CannotSign`] when the packet could not be verified afterwards, [`Error::AlreadySigned`],
/// [`Error::NoPlace`], [`Error::Key`], or [`Error::Body`] when a body cannot be read.
pub fn sign(
    input: &Spliced<'_>,
    bodies: &mut dyn Bodies,
    signer: &dyn Signer,
    options: &Options,
) -> Result<Sealed, Error> {
    let limits = Limits::default();
    let document = Document::parse(input, &limits).map_err(Error::CannotSign)?;
    if let Some(problem) = document.namespace_fault.clone().or_else(|| document.comment_in_text.clone()) {
        return Err(Error::CannotSign(problem));
    }
    let at = place(&document)?;
    let mut digest = DigestSink::new(options.digest.ring());
    let subset = Subset::DocumentWithout(None);
    c14n::canonicalize(&document, subset, &options.canonicalization, bodies, &mut digest).map_err(trouble)?;
    let digest = digest.finish();
    let template = Template { signer, options, digest: digest.as_ref() };
    let (skeleton, cuts) = splice(input.skeleton, input.cuts, at, template.element("").as_bytes());
    let value = signer.sign(&signed_info(&Spliced { skeleton: &skeleton, cuts: &cuts }, options, &limits)?)?;
    let value = base64_simd::STANDARD.encode_to_string(value);
    Ok(Sealed { signature: template.element(&value).into_bytes(), at })
}

/// The byte of the skeleton before which a Signature belongs: behind TraceHeaderList, or at the end of the header.
///
/// # Errors
/// [`Error::CannotSign`], [`Error::AlreadySigned`] or [`Error::NoPlace`].
pub fn insertion_point(skeleton: &Spliced<'_>) -> Result<usize, Error> {
    place(&Document::parse(skeleton, &Limits::default()).map_err(Error::CannotSign)?)
}

/// Puts bytes into a skeleton and shifts the cuts behind them.
#[must_use]
pub fn splice(skeleton: &[u8], cuts: &[CutRef], at: usize, insert: &[u8]) -> (Vec<u8>, Vec<CutRef>) {
    let (before, after) = skeleton.split_at_checked(at).unwrap_or((skeleton, &[]));
    let shift = |cut: &CutRef| if cut.at >= at { CutRef { at: cut.at + insert.len(), ..*cut } } else { *cut };
    ([before, insert, after].concat(), cuts.iter().map(shift).collect())
}

fn trouble(trouble: Trouble) -> Error {
    match trouble {
        Trouble::Io(error) => Error::Body(error),
        Trouble::Body => Error::CannotSign(Problem::of(Reason::BadBody)),
    }
}

fn place(document: &Document<'_>) -> Result<usize, Error> {
    if document.elements.iter().any(|e| document.is(e, DSIG_NS, "Signature")) {
        return Err(Error::AlreadySigned);
    }
    let is_header = |id: &u32| document.element(*id).is_some_and(|e| e.local == "edXMLHeader" && e.parent.is_some());
    let header = (0..)
        .take(document.elements.len())
        .find(|id| is_header(id) && in_place(document, Some(*id)))
        .ok_or(Error::NoPlace)?;
    let trace = document.children(header).filter_map(|id| document.element(id)).find(|e| e.local == "TraceHeaderList");
    match trace {
        Some(trace) => Ok(trace.bytes.end),
        None => document.element(header).and_then(|e| e.end_tag).ok_or(Error::NoPlace),
    }
}

/// Canonical SignedInfo of the one Signature in this document.
fn signed_info(input: &Spliced<'_>, options: &Options, limits: &Limits) -> Result<Vec<u8>, Error> {
    let document = Document::parse(input, limits).map_err(Error::CannotSign)?;
    let position = document.elements.iter().position(|e| document.is(e, DSIG_NS, "SignedInfo"));
    let id = position.and_then(|index| u32::try_from(index).ok()).ok_or(Error::NoPlace)?;
    let mut bytes = Vec::new();
    c14n::canonicalize(&document, Subset::Element(id), &options.canonicalization, &mut NoBodies, &mut bytes)
        .map_err(trouble)?;
    Ok(bytes)
}

struct Template<'t> {
    signer: &'t dyn Signer,
    options: &'t Options,
    digest: &'t [u8],
}

impl Template<'_> {
    /// The whole element, unprefixed as packets write it, on one line.
    fn element(&self, value: &str) -> String {
        let encode = |bytes: &[u8]| base64_simd::STANDARD.encode_to_string(bytes);
        let (uri, children) = self.canonicalization();
        let canonicalization = if children.is_empty() {
            format!("<CanonicalizationMethod Algorithm=\"{uri}\"/>")
        } else {
            format!("<CanonicalizationMethod Algorithm=\"{uri}\">{children}</CanonicalizationMethod>")
        };
        let certificates: String = std::iter::once(self.signer.certificate_der())
            .chain(self.signer.intermediates().iter().map(Vec::as_slice))
            .map(|der| format!("<X509Certificate>{}</X509Certificate>", encode(der)))
            .collect();
        format!(
            "<Signature xmlns=\"{DSIG_NS}\"><SignedInfo>{canonicalization}\
             <SignatureMethod Algorithm=\"{signature}\"/>\
             <Reference URI=\"\"><Transforms><Transform Algorithm=\"{enveloped}\"/>\
             <Transform Algorithm=\"{uri}\">{children}</Transform></Transforms>\
             <DigestMethod Algorithm=\"{digest}\"/><DigestValue>{digest_value}</DigestValue></Reference></SignedInfo>\
             <SignatureValue>{value}</SignatureValue>\
             <KeyInfo><X509Data>{certificates}</X509Data></KeyInfo></Signature>",
            signature = self.signer.algorithm().uri(),
            enveloped = algorithm::ENVELOPED,
            digest = self.options.digest.uri(),
            digest_value = encode(self.digest),
        )
    }

    fn canonicalization(&self) -> (&'static str, String) {
        match &self.options.canonicalization {
            Canonicalization::Inclusive => (algorithm::C14N, String::new()),
            Canonicalization::Exclusive { prefixes } if prefixes.is_empty() => (algorithm::EXC_C14N, String::new()),
            Canonicalization::Exclusive { prefixes } => {
                let names = prefixes.iter().map(|p| if p.is_empty() { "#default" } else { p });
                let list = names.collect::<Vec<_>>().join(" ");
                let uri = algorithm::EXC_C14N;
                (uri, format!("<InclusiveNamespaces xmlns=\"{uri}\" PrefixList=\"{list}\"/>"))
            }
        }
    }
}
